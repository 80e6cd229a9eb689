"""Arguments of stores are checked before any query runs, the same for both engines.

Every function returns the value in the form in which it is stored and raises
:class:`~aragora_sql.errors.InvalidInputError`, which names the argument and what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar, cast

from aragora_sql.database.values import EncodedJSON, check_text, dump_json, utc_now
from aragora_sql.errors import InvalidInputError

__all__ = [
    "choice",
    "document",
    "fraction",
    "identifier",
    "integer",
    "items",
    "key",
    "limit",
    "moment",
    "names",
    "number",
    "optional",
    "optional_text",
    "shown",
    "text",
    "texts",
    "timestamp",
    "timestamp_or_now",
    "timestamp_or_seconds",
    "timestamp_or_text",
]

# PostgreSQL's INTEGER; SQLite would take more.
LARGEST_INTEGER = 2**31 - 1
# Bytes in UTF-8. Two of them fit into one row of an index of PostgreSQL; SQLite would take more.
LONGEST_KEY = 1000

RecordT = TypeVar("RecordT")
WordT = TypeVar("WordT", bound=str)
RowT = TypeVar("RowT")
ValueT = TypeVar("ValueT")

# Characters of a value that a message quotes.
LONGEST_SHOWN = 100

_ONLY_TEXT = {str}
# Of a character in UTF-8.
_MOST_BYTES = 4

_NO_ENTRIES = EncodedJSON("{}")
_NO_ITEMS = EncodedJSON("[]")


def shown(value: object) -> str:
    """Return a value as a message quotes it: text is cut, of an object it is the type."""
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return f"{value[:LONGEST_SHOWN]!r}… ({len(value):,} characters)"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length():,} bits"
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    return f"a {type(value).__name__}"


def text(value: Any, argument: str) -> str:
    """Check text, which may be empty."""
    if type(value) is str and value.isascii() and "\x00" not in value:
        return value
    if not isinstance(value, str):
        raise InvalidInputError(argument, f"must be text, not {type(value).__name__}")
    check_text(value, argument)
    # A member of a (str, Enum) is its text.
    return value if type(value) is str else str.__str__(value)


def optional_text(value: Any, argument: str) -> str | None:
    """Check text that may be None."""
    return None if value is None else text(value, argument)


def identifier(value: Any, argument: str) -> str:
    """Check text that has to say something: not empty, not only white space."""
    checked = text(value, argument)
    if not checked.strip():
        raise InvalidInputError(argument, "must not be empty")
    return checked


def key(value: Any, argument: str) -> str:
    """Check an identifier or a name, which is indexed: not empty, and not too long for an index."""
    checked = identifier(value, argument)
    if len(checked.encode()) > LONGEST_KEY:
        raise InvalidInputError(argument, f"must be at most {LONGEST_KEY} bytes long in UTF-8")
    return checked


def number(value: Any, argument: str, least: float = 0.0, most: float = math.inf) -> float:
    """Check a finite number between ``least`` and ``most``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(argument, f"must be a number, not {type(value).__name__}")
    try:
        checked = float(value)
    except OverflowError:
        checked = math.inf
    if not math.isfinite(checked):
        raise InvalidInputError(argument, f"must be a finite number, not {checked!r}")
    if not least <= checked <= most:
        allowed = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise InvalidInputError(argument, f"must be {allowed}, not {checked!r}")
    return checked


def fraction(value: Any, argument: str) -> float:
    """Check a confidence, probability or rate: a number from 0 to 1."""
    return number(value, argument, 0.0, 1.0)


def integer(value: Any, argument: str, least: int = 0, most: int = LARGEST_INTEGER) -> int:
    """Check an integer between ``least`` and ``most``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(argument, f"must be an integer, not {type(value).__name__}")
    if not least <= value <= most:
        if most < LARGEST_INTEGER - 1:
            allowed = f"between {least} and {most}"
        else:
            allowed = f"at least {least}" if value < least else f"at most {most}"
        raise InvalidInputError(argument, f"must be {allowed}, not {shown(value)}")
    return value if type(value) is int else int.__int__(value)


def limit(value: Any, argument: str = "limit") -> int:
    """Check how many rows are asked for: 0 or more."""
    return integer(value, argument)


def boolean(value: Any, argument: str) -> bool:
    """Check a boolean; 0 and 1 are not taken for one."""
    if not isinstance(value, bool):
        raise InvalidInputError(argument, f"must be True or False, not {type(value).__name__}")
    return value


def timestamp(value: Any, argument: str) -> datetime:
    """Check an aware datetime and return it in UTC."""
    if not isinstance(value, datetime):
        raise InvalidInputError(
            argument, f"must be a datetime with a time zone, not {type(value).__name__}"
        )
    # A time zone that knows no offset at this time is none.
    if value.utcoffset() is None:
        raise InvalidInputError(argument, "must be a datetime with a time zone, best in UTC")
    try:
        checked = value.astimezone(UTC)
    except OverflowError:
        raise InvalidInputError(argument, "must be within the years 1 to 9999 in UTC") from None
    # asyncpg writes the first and the last timestamp that Python knows as -infinity and infinity.
    if checked.replace(tzinfo=None) in (datetime.min, datetime.max):
        raise InvalidInputError(
            argument, "must be neither the first nor the last timestamp that Python knows"
        )
    return checked


def timestamp_or_text(value: Any, argument: str) -> datetime:
    """Check a timestamp that may also be ISO-8601 text with a time zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidInputError(
                argument, f"must be a timestamp in the form of ISO-8601, not {shown(value)}"
            ) from None
    return timestamp(value, argument)


def timestamp_or_seconds(value: Any, argument: str) -> datetime:
    """Check a timestamp that may also be seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return timestamp(value, argument)
    seconds = number(value, argument)
    try:
        return timestamp(datetime.fromtimestamp(seconds, UTC), argument)
    except (OverflowError, OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(argument, "must be within the years 1 to 9999") from None


def moment(value: Any, argument: str) -> datetime:
    """Check a timestamp that may also be ISO-8601 text, or seconds since 1970."""
    check = timestamp_or_text if isinstance(value, str) else timestamp_or_seconds
    return check(value, argument)


def timestamp_or_now(value: Any, argument: str) -> datetime:
    """Check a timestamp; None is the present time."""
    return utc_now() if value is None else timestamp(value, argument)


def optional(value: Any, argument: str, check: Callable[[Any, str], ValueT]) -> ValueT | None:
    """Check a value that may be None."""
    return None if value is None else check(value, argument)


def choice(value: Any, argument: str, allowed: Collection[WordT]) -> WordT:
    """Check one of some known words; an enumeration's member counts as its value."""
    name = value.value if isinstance(value, Enum) else value
    if not isinstance(name, str) or name not in allowed:
        raise InvalidInputError(argument, f"must be one of {', '.join(allowed)}, not {shown(name)}")
    return cast(WordT, str.__str__(name))


def items(value: Any, argument: str) -> list[Any]:
    """Check a list or tuple, and not a text."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidInputError(argument, f"must be a list, not {type(value).__name__}")
    return list(value)


def texts(value: Any, argument: str) -> list[str]:
    """Check a list of texts; None counts as an empty list."""
    if value is None:
        return []
    listed = items(value, argument)
    if _are_plain(listed):
        return listed
    return [text(item, f"{argument}[{i}]") for i, item in enumerate(listed)]


def _are_plain(values: list[Any]) -> bool:
    """Tell whether all are texts in which no character has to be looked at."""
    if {*map(type, values)} != {str}:
        return False
    joined = "".join(values)
    return joined.isascii() and "\x00" not in joined


def names(value: Any, argument: str) -> list[str]:
    """Check a list of names, none of them empty; None counts as an empty list."""
    listed = texts(value, argument)
    for index, name in enumerate(listed):
        if not name.strip():
            raise InvalidInputError(f"{argument}[{index}]", "must not be empty")
    return listed


def identifiers(value: Any, argument: str) -> list[str]:
    """Check a list of texts that each say something, and leave out repeats."""
    named = [identifier(item, f"{argument}[{i}]") for i, item in enumerate(items(value, argument))]
    return list(dict.fromkeys(named))


def document(value: Any, argument: str) -> EncodedJSON:
    """Check a JSON object and encode it; None counts as an empty one."""
    if type(value) is dict:
        return dump_json(value, argument)
    if value is None:
        return _NO_ENTRIES
    if not isinstance(value, Mapping):
        raise InvalidInputError(argument, f"must be a dictionary, not {type(value).__name__}")
    return dump_json(dict(value), argument)


def array(value: Any, argument: str) -> EncodedJSON:
    """Check a list of anything that JSON can hold and encode it; None counts as empty."""
    return _NO_ITEMS if value is None else dump_json(items(value, argument), argument)


def are_plain_texts(texts: Sequence[object], identifiers: Sequence[object]) -> bool:
    """Tell whether :func:`text` and :func:`identifier` would return these values as they are.

    It costs a few steps for all of them; where it says no, the functions say what is wrong.
    """
    everything = [*texts, *identifiers]
    if {*map(type, everything)} != _ONLY_TEXT or not all(map(str.strip, identifiers)):  # type: ignore[arg-type]
        return False
    joined = "".join(everything)  # type: ignore[arg-type]
    if "\x00" in joined:
        return False
    if joined.isascii():
        return True
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return True


def are_short(keys: Iterable[str]) -> bool:
    """Tell whether :func:`key` finds none of these identifiers too long, without counting bytes."""
    return max(map(len, keys)) <= LONGEST_KEY // _MOST_BYTES


def prepare_each(
    prepare: Callable[..., tuple[RecordT, RowT]],
    entries: Iterable[object],
    argument: str,
) -> list[tuple[RecordT, RowT]]:
    """Check every entry of a batch before any is written.

    ``prepare`` takes the path for error messages and an entry's content as arguments, and returns
    a record with the parameters of its query.
    """
    prepared = []
    for number, entry in enumerate(items(entries, argument)):
        path = f"{argument}[{number}]"
        if type(entry) is not dict and not isinstance(entry, Mapping):
            raise InvalidInputError(path, f"must be a dictionary, not {type(entry).__name__}")
        try:
            prepared.append(prepare(f"{path}.", **entry))
        except TypeError as error:
            problem = str(error).partition("() ")[2] or str(error)
            raise InvalidInputError(path, problem) from error
    return prepared

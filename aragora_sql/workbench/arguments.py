"""Parameters as they are typed on a command line.

``name=value`` is read by the type of the parameter, ``name:=json`` is JSON whatever the type:

=============  ====================================  =============================================
Python type    ``name=value``                        ``name:=json``
=============  ====================================  =============================================
``str``        ``topic=Rate limits`` (as it is)      ``topic:="Rate limits"``
``int``        ``row_limit=10``                      ``row_limit:=10``
``float``      ``min_confidence=0.5``                ``min_confidence:=0.5``
``bool``       ``verified=true`` (or ``false``)      ``verified:=true``
``datetime``   ``cutoff=2026-02-12T16:42:57Z``       ``cutoff:="2026-02-12T16:42:57+01:00"``
``list[…]``    ``ids=["a", "b"]`` (JSON)             ``ids:=["a", "b"]``
document       ``metadata={"a": 1}`` (JSON)          ``metadata:={"a": 1}``
``bytes``      ``embedding=00ff`` (hexadecimal)      ``embedding:="00ff"``
any            (no way to say null)                  ``domain:=null``
=============  ====================================  =============================================

A timestamp without a time zone is refused. A parameter whose type is not known takes
``name=value`` as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from aragora_sql.database.values import dump_json
from aragora_sql.errors import InvalidInputError

__all__ = ["Given", "convert", "parse_assignments"]

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<sign>:?=)(?P<value>.*)", re.DOTALL)
T = TypeVar("T")

# The name of a document's Python type: what JSON can hold.
_DOCUMENT = "Any"
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "bytes": "hexadecimal digits",
    "datetime": "a timestamp with its time zone, as 2026-02-12T16:42:57Z",
    _DOCUMENT: "a JSON document",
}
_BOOLEANS = {"true": True, "false": False}
_LIST = re.compile(r"list\[(.+)\]")


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter as it was typed: ``is_json`` when it was given by ``:=``."""

    text: str
    is_json: bool


def parse_assignments(assignments: Sequence[str]) -> dict[str, Given]:
    """Take apart ``name=value`` and ``name:=json``.

    Raises :class:`InvalidInputError` for anything else, and for a name that is given twice.
    """
    given: dict[str, Given] = {}
    for assignment in assignments:
        match = _ASSIGNMENT.fullmatch(assignment)
        if match is None:
            raise InvalidInputError(
                "--param", f"{assignment!r} is neither name=value nor name:=json"
            )
        if match["name"] in given:
            raise InvalidInputError("--param", f"{match['name']!r} is given twice")
        given[match["name"]] = Given(match["value"], is_json=match["sign"] == ":=")
    return given


def convert(given: Mapping[str, Given], types: Mapping[str, str]) -> dict[str, Any]:
    """Return what was typed as values of the parameters' Python types.

    ``types`` are names such as ``int`` or ``list[str]``, by parameter; one that is missing is not
    known. Raises :class:`InvalidInputError` that names the parameter and what it takes.
    """
    return {name: _convert(name, value, types.get(name)) for name, value in given.items()}


def _convert(name: str, given: Given, kind: str | None) -> Any:
    if given.is_json:
        value = _read_json(name, given.text, kind)
        return None if value is None else _from_json(name, value, kind)
    if kind in _READERS:
        return _READERS[kind](name, given.text)
    if kind == _DOCUMENT or _element(kind):
        return _from_json(name, _read_json(name, given.text, kind), kind)
    return given.text


def _element(kind: str | None) -> str | None:
    match = _LIST.fullmatch(kind or "")
    return match[1] if match else None


def _read_json(name: str, text: str, kind: str | None) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise InvalidInputError(name, f"{constant} has no form in JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InvalidInputError(name, f"not JSON ({error}); it takes {_wanted(kind)}") from error


def _from_json(name: str, value: Any, kind: str | None) -> Any:
    """Return a JSON value as the Python type, or refuse it."""
    element = _element(kind)
    if element:
        if not isinstance(value, list):
            raise _wrong(name, kind)
        return [
            None if item is None else _from_json(f"{name}[{index}]", item, element)
            for index, item in enumerate(value)
        ]
    if kind == _DOCUMENT:
        return dump_json(value, name)
    if kind in {"bytes", "datetime"} and isinstance(value, str):
        return _READERS[kind](name, value)
    if kind == "float" and type(value) is int:
        return float(value)
    if kind in _WORDS and type(value).__name__ != kind:
        raise _wrong(name, kind)
    return value


def _wanted(kind: str | None) -> str:
    element = _element(kind)
    if element:
        return f"a JSON list, each item of which is {_wanted(element)}"
    return _WORDS.get(kind or "", "a JSON value")


def _wrong(name: str, kind: str | None) -> InvalidInputError:
    return InvalidInputError(name, f"it takes {_wanted(kind)}")


def _read_int(name: str, text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
        raise _wrong(name, "int")
    return int(text)


def _read_bool(name: str, text: str) -> bool:
    if text not in _BOOLEANS:
        raise _wrong(name, "bool")
    return _BOOLEANS[text]


def _read_timestamp(name: str, text: str) -> datetime:
    timestamp = _or_refuse(datetime.fromisoformat, "datetime")(name, text)
    if timestamp.tzinfo is None:
        raise _wrong(name, "datetime")
    return timestamp


def _or_refuse(read: Callable[[str], T], kind: str) -> Callable[[str, str], T]:
    def read_or_refuse(name: str, text: str) -> T:
        try:
            return read(text)
        except ValueError:
            raise _wrong(name, kind) from None

    return read_or_refuse


_READERS: dict[str | None, Callable[[str, str], Any]] = {
    "int": _read_int,
    "float": _or_refuse(float, "float"),
    "bool": _read_bool,
    "bytes": _or_refuse(bytes.fromhex, "bytes"),
    "datetime": _read_timestamp,
}

"""The records that stores return, and how rows become them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields, make_dataclass
from datetime import datetime
from typing import Any, ParamSpec, Self, TypeVar, cast

from aragora_sql.database.values import load_json
from aragora_sql.errors import DatabaseError

__all__ = ["Record", "decoded_when_read", "maker_of", "record_of"]


class Record:
    """Base of the frozen dataclasses that stores return.

    A record can also be read like a mapping (``record["topic"]``, ``dict(record)``).
    """

    __slots__ = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a record of what :meth:`to_dict` gave."""
        timestamps = {
            field.name
            for field in fields(cast(Any, cls))
            if field.type in {"datetime", "datetime | None"}
        }
        given: dict[str, Any] = {
            name: datetime.fromisoformat(value)
            if name in timestamps and isinstance(value, str)
            else value
            for name, value in values.items()
        }
        return record_of(cls, **given)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in a form that JSON can hold: timestamps as ISO-8601 text."""
        return {name: _plain(getattr(self, name)) for name in self.keys()}

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return tuple(field.name for field in fields(cast(Any, self)))

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


class _DecodedWhenRead:
    """A field that holds JSON as bytes until somebody looks at it: then what they stand for."""

    __slots__ = ("_slot",)

    def __init__(self, slot: Any) -> None:
        self._slot = slot

    def __get__(self, record: Any, owner: Any = None) -> Any:
        if record is None:
            return self._slot
        value = self._slot.__get__(record)
        if type(value) is bytes:
            value = load_json(value)
            self._slot.__set__(record, value)
        return value

    def __set__(self, record: Any, value: Any) -> None:
        self._slot.__set__(record, value)


def decoded_when_read(*names: str) -> Callable[[type[KindT]], type[KindT]]:
    """Let fields of a dataclass with slots be given as JSON in bytes, which a store has encoded.

    A record that was stored is seldom read. What the fields give is the same: the JSON is decoded
    when one is looked at first, by its name, a comparison, a copy or ``repr()``.
    """

    def decorate(kind: type[KindT]) -> type[KindT]:
        for name in names:
            setattr(kind, name, _DecodedWhenRead(kind.__dict__[name]))
        return kind

    return decorate


KindT = TypeVar("KindT", bound=Record)
Fields = ParamSpec("Fields")
RecordT = TypeVar("RecordT", bound=Record)


def record_of(
    kind: Callable[Fields, RecordT], /, *args: Fields.args, **row: Fields.kwargs
) -> RecordT:
    """Make a record of a row: ``record_of(Debate, **row)``.

    Of a typed row the type check knows whether its columns are the record's fields. Raises
    :class:`~aragora_sql.errors.DatabaseError` when a query gives other columns.
    """
    try:
        unfrozen = _unfrozen[kind]
    except KeyError:
        unfrozen = _unfrozen[kind] = _unfrozen_of(kind)
    try:
        record: RecordT = unfrozen(*args, **row)
    except TypeError as error:
        name = getattr(kind, "__name__", "record")
        expected = {field.name for field in fields(cast(Any, kind))}
        missing = ", ".join(sorted(expected - row.keys())) or "none"
        extra = ", ".join(sorted(row.keys() - expected)) or "none"
        raise DatabaseError(
            f"the result columns of a query do not make a {name}: "
            f"missing: {missing}; unexpected: {extra}"
        ) from error
    if unfrozen is not kind:
        record.__class__ = kind  # type: ignore[assignment]
    return record


_unfrozen: dict[Any, Callable[..., Any]] = {}


def maker_of(kind: type[RecordT]) -> Callable[..., RecordT]:
    """Return what makes a record of the values of its fields, in their order.

    For records that are made by the thousand of values that were just checked: 24 values in 1.2 us,
    :func:`record_of` in 2.0.
    """
    unfrozen: Callable[..., Any] | None = None

    def make(*values: Any) -> RecordT:
        nonlocal unfrozen
        if unfrozen is None:
            # Without keywords: see _unfrozen_of().
            members = [(one.name, one.type) for one in fields(cast(Any, kind))]
            unfrozen = make_dataclass(kind.__name__, members, bases=(Record,), slots=True)
        record = unfrozen(*values)
        record.__class__ = kind
        return cast(RecordT, record)

    return make


def _unfrozen_of(kind: Any) -> Callable[..., Any]:
    """Return a class with the fields of a frozen record that is not frozen itself.

    A frozen dataclass sets each field by ``object.__setattr__``. An object of the unfrozen class is
    made by plain assignments and then becomes a record. ``record_of(kind, **row)`` with the
    unfrozen class and with the class itself, timeit, the best of 9 rounds of 20,000, CPython 3.11:
    a job (21 fields) in 2.1 us instead of 4.7, a consensus (24) in 3.2 instead of 6.7, a dissent
    (12) in 1.6 instead of 3.0. A record that inherits fields or has ``__post_init__`` is made
    as it is: one more class for each of them earns nothing, none is read by the thousand.
    """
    if getattr(kind, "__bases__", None) != (Record,) or hasattr(kind, "__post_init__"):
        return cast(Callable[..., Any], kind)
    members: list[tuple[str, Any, Any]] = [
        (
            one.name,
            one.type,
            field(default=one.default, default_factory=one.default_factory, kw_only=one.kw_only),
        )
        for one in fields(kind)
    ]
    return make_dataclass(kind.__name__, members, bases=(Record,), slots=True)

"""What all stores share: the store itself, and its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields, make_dataclass
from datetime import datetime
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, cast

from aragora_sql.database import Database
from aragora_sql.errors import DatabaseError, InvalidInputError
from aragora_sql.queries import load_queries
from aragora_sql.schema import initialize_store

__all__ = ["Record", "Store", "check_database", "counts", "record_of"]


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


Fields = ParamSpec("Fields")
RecordT = TypeVar("RecordT", bound=Record)


class Store:
    """A store: named queries of one folder, called on one database.

    ``name`` is the folder under ``sql/postgres`` and ``sql/sqlite``. Making a store checks that
    every query it needs is there (:class:`~aragora_sql.errors.QueryFileError`).

    A store has to say of what type its queries are: ``_queries: CritiqueQueries``, of the stubs in
    ``aragora_sql/queries/typed/``. Without it the type check refuses every call of a query.
    """

    name: ClassVar[str]
    _queries: object

    def __init__(self, database: Database) -> None:
        self._database = check_database(database, type(self).__name__)
        self._queries = load_queries(self.name, database.dialect)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._database!r}>"

    @property
    def database(self) -> Database:
        """The database that the store lives in, for transactions over several stores."""
        return self._database

    async def initialize(self) -> None:
        """Create the store's tables, or upgrade them. Safe to call at every start, anywhere.

        Raises :class:`~aragora_sql.errors.SchemaVersionError` when the database is newer than this
        release, :class:`~aragora_sql.errors.SchemaMismatchError` when a foreign table is in the
        way.
        """
        await initialize_store(self._database, self.name)


def check_database(database: Database, name: str) -> Database:
    """Return a database; raise :class:`InvalidInputError` for a pool, a path or anything else."""
    if not isinstance(database, Database):
        raise InvalidInputError(
            "database",
            f"{name} takes a Database, not {type(database).__name__}; the classes Postgres… and "
            "SQLite… take a pool or a path",
        )
    return database


def record_of(
    kind: Callable[Fields, RecordT], /, *args: Fields.args, **row: Fields.kwargs
) -> RecordT:
    """Make a record of a row: ``record_of(Debate, **row)``.

    Of a typed row the type check knows whether its columns are the record's fields. Raises
    :class:`~aragora_sql.errors.DatabaseError` when a query gives other columns.
    """
    try:
        twin = _twins[kind]
    except KeyError:
        twin = _twins[kind] = _twin_of(kind)
    try:
        record: RecordT = twin(*args, **row)
    except TypeError as error:
        name = getattr(kind, "__name__", "record")
        expected = {field.name for field in fields(cast(Any, kind))}
        missing = ", ".join(sorted(expected - row.keys())) or "none"
        extra = ", ".join(sorted(row.keys() - expected)) or "none"
        raise DatabaseError(
            f"the result columns of a query do not make a {name}: "
            f"missing: {missing}; unexpected: {extra}"
        ) from error
    if twin is not kind:
        record.__class__ = kind  # type: ignore[assignment]
    return record


_twins: dict[Any, Callable[..., Any]] = {}


def _twin_of(kind: Any) -> Callable[..., Any]:
    """Return a class with the fields of a frozen record that is not frozen itself.

    A frozen dataclass sets each field in a roundabout way: a third of the time of a claim goes into
    making the records. An object of the twin is made in a third of that, and turned into a record.
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


def counts(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return a grouped count, which queries give as [name, count] pairs, as a dictionary."""
    return {name: int(count) for name, count in pairs}

"""What is there: whether a table is divided, its partitions, and those in the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aragora_sql.database import Connection, Database
from aragora_sql.errors import ConfigurationError, PartitionError, SchemaRightsError
from aragora_sql.partitions.bounds import time_of
from aragora_sql.partitions.tables import GrowingTable
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import packaged_sql_dir

__all__ = [
    "Partition",
    "TableState",
    "partition_queries",
    "read_facts",
    "read_partitions",
    "read_state",
    "refuse_sqlite",
]


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition, or what is archived of a table: its bounds, and the rows and bytes in it.

    ``lower`` and ``upper`` are None where there is no bound, or one that is no time; ``bound`` is
    what the server says. Rows are those that the server counted last.
    """

    name: str
    lower: datetime | None
    upper: datetime | None
    bound: str
    lower_text: str | None
    upper_text: str | None
    rows: int
    size: int
    is_leaving: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "name": self.name,
            "lower": None if self.lower is None else self.lower.isoformat(),
            "upper": None if self.upper is None else self.upper.isoformat(),
            "rows": self.rows,
            "bytes": self.size,
        }


@dataclass(frozen=True, slots=True)
class TableState:
    """How far a growing table is.

    ``state`` is ``absent``, ``plain``, ``begun`` (a run that divides it was cut short; it works as
    before, and the next run goes on), ``divided`` or ``foreign`` (divided by something else).
    """

    table: GrowingTable
    state: str
    partitions: tuple[Partition, ...]
    archived: tuple[Partition, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "store": self.table.store,
            "table": self.table.name,
            "column": self.table.column,
            "state": self.state,
            "partitions": [partition.to_dict() for partition in self.partitions],
            "archived": [partition.to_dict() for partition in self.archived],
        }


def refuse_sqlite(database: Database) -> None:
    """Raise :class:`ConfigurationError` on SQLite."""
    if database.dialect == "sqlite":
        raise ConfigurationError(
            "SQLite has no partitions: nothing was changed. Its tables are kept small by deleting "
            "what is old"
        )


def partition_queries() -> Any:
    """Return the queries about partitions; they are PostgreSQL's only."""
    return load_queries("partitions", "postgres", packaged_sql_dir() / "workbench")


async def read_facts(connection: Connection, table: GrowingTable) -> dict[str, Any]:
    """Return what the query ``get_table`` tells of a table.

    Raises :class:`PartitionError` for a table that is not there, :class:`SchemaRightsError` for a
    role that may not change it.
    """
    facts = await partition_queries().get_table(
        connection, table_name=table.name, column_name=table.column
    )
    if facts is None:
        raise PartitionError(
            f"there is no table {table.name!r}: run 'aragora-sql schema apply' first"
        )
    if not facts["is_owner"]:
        raise SchemaRightsError(
            f"table {table.name!r} belongs to {facts['owner_name']!r}: let that role run "
            "'aragora-sql schema partition'"
        )
    if not facts["may_create"]:
        raise SchemaRightsError(
            f"the role may not create tables in the schema of {table.name!r}: GRANT CREATE ON "
            "SCHEMA … TO it"
        )
    return dict(facts)


async def read_partitions(connection: Connection, table: GrowingTable) -> list[Partition]:
    """Return the partitions of a table in their order, one without a lower bound first."""
    found = [
        _partition(row, table)
        async for row in partition_queries().list_partitions(connection, table_name=table.name)
    ]
    first = [partition for partition in found if partition.lower_text is None]
    others = [partition for partition in found if partition.lower_text is not None]
    if table.kind == "time":
        others.sort(key=lambda partition: partition.lower or datetime.max)
    return first + others


async def read_archived(
    connection: Connection, table: GrowingTable, *, moved: bool = True
) -> list[Partition]:
    """Return what is archived of a table, or (``moved`` False) detached and not yet moved."""
    found = [
        _partition(row, table)
        async for row in partition_queries().list_archived(
            connection,
            table_name=table.name,
            is_timed=table.kind == "time",
            is_moved=moved,
        )
    ]
    return sorted(found, key=lambda one: (one.lower_text is not None, one.lower_text or ""))


async def read_state(database: Database, table: GrowingTable) -> TableState:
    """Return how far a table is. Nothing is changed.

    Raises :class:`ConfigurationError` on SQLite.
    """
    refuse_sqlite(database)
    async with database.read() as connection:
        facts = await partition_queries().get_table(
            connection, table_name=table.name, column_name=table.column
        )
        if facts is None:
            state = "absent"
        elif facts["kind"] == "p":
            state = "divided" if facts["is_by_column"] else "foreign"
        else:
            state = "begun" if facts["has_keys"] or facts["bound_definition"] else "plain"
        partitions = await read_partitions(connection, table) if state == "divided" else []
        archived = await read_archived(connection, table)
    return TableState(table, state, tuple(partitions), tuple(archived))


def _partition(row: Any, table: GrowingTable) -> Partition:
    lower, upper = row["lower_text"], row["upper_text"]
    return Partition(
        name=row["name"],
        lower=time_of(lower, row["lower_time"], table),
        upper=time_of(upper, row["upper_time"], table),
        bound=row["bound"],
        lower_text=lower,
        upper_text=upper,
        rows=row["estimated_rows"],
        size=row["size_bytes"],
        is_leaving=row["is_leaving"],
    )

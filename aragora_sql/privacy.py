"""What is stored of a person, over all stores: to be handed out, and to be erased.

Comments in PostgreSQL's schema files say which columns hold the id of a user, which hold personal
data, and of which tables whole rows go or stay (:mod:`aragora_sql.schema.markers`). The same holds
for both engines. Values that no marker names stay as they are; of a document that holds the id of a
user only that goes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aragora_sql.database import Connection, Database
from aragora_sql.database.statement import ColumnKind, Statement
from aragora_sql.database.values import check_text
from aragora_sql.errors import IntegrityError, InvalidInputError, SchemaRightsError
from aragora_sql.queries import load_queries
from aragora_sql.redaction import hide_secrets
from aragora_sql.schema import MarkedTable, read_markers

if TYPE_CHECKING:
    from aragora_sql.queries.typed.markers import MarkersQueries, PlanPrivacyRow

__all__ = [
    "ErasedTable",
    "Erasure",
    "ExportedTable",
    "PersonalData",
    "erase_user",
    "export_user",
]

Action = Literal["deleted", "emptied", "kept"]

# The markers of columns that are read.
_READ = ("user", "address", "personal")


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """The rows of a table that belong to a user: their keys, and the columns that are marked."""

    store: str
    table: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is stored of a user, table by table; tables without a row of theirs have none."""

    user_id: str
    tables: list[ExportedTable] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "user_id": self.user_id,
            "tables": [
                {"store": one.store, "table": one.table, "rows": [_plain(row) for row in one.rows]}
                for one in self.tables
            ],
        }


@dataclass(frozen=True, slots=True)
class ErasedTable:
    """What was done with the rows of a user in a table, and how many they were.

    ``emptied`` rows have lost what is personal in them, and who it was.
    """

    store: str
    table: str
    action: Action
    rows: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What the erasure of a user did, table by table, also where there was nothing to do.

    ``pseudonym`` stands for the user where a row needs one; it can't be led back to the id.
    """

    user_id: str
    pseudonym: str
    tables: list[ErasedTable] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "user_id": self.user_id,
            "pseudonym": self.pseudonym,
            "tables": [
                {"store": one.store, "table": one.table, "action": one.action, "rows": one.rows}
                for one in self.tables
            ],
        }


async def export_user(database: Database, user_id: str) -> PersonalData:
    """Return what is stored of a user in all stores that the database has.

    Of each row come its key and what is marked; secrets in documents are hidden, and documents in
    which only the id of the user is marked are left out. Raises
    :class:`~aragora_sql.errors.SchemaRightsError` for a role that row level security holds for.
    """
    _check(user_id)
    data = PersonalData(user_id)
    async with database.read() as connection:
        for table, plan in await _plans(database, connection):
            found = await connection.fetch_all(
                Statement(
                    f"export of {table.name}", plan["export_sql"], column_kinds=_kinds(table)
                ),
                _arguments(database, plan["export_sql"], user_id, ""),
            )
            if found:
                rows = [{name: hide_secrets(value) for name, value in row.items()} for row in found]
                data.tables.append(ExportedTable(table.store, table.name, rows))
    data.tables.reverse()
    return data


async def erase_user(database: Database, user_id: str, *, dry_run: bool = False) -> Erasure:
    """Erase a user from all stores that the database has, in one transaction, and tell what it did.

    Rows of tables that are marked as personal are deleted, with what their foreign keys take along.
    Of other rows the marked columns are emptied (NULL, or their default), and the user's id becomes
    NULL or a pseudonym, the same in all of them. Rows of tables that are marked as kept stay.
    ``dry_run`` counts and changes nothing. Raises :class:`~aragora_sql.errors.IntegrityError`, with
    nothing erased, where rows that stay need one that would go.
    """
    _check(user_id)
    erasure = Erasure(user_id, f"erased-{secrets.token_hex(16)}")
    async with database.read() if dry_run else database.transaction() as connection:
        for table, plan in await _plans(database, connection):
            arguments = _arguments(database, plan["count_sql"], user_id, "")
            count = Statement(f"count of {table.name}", plan["count_sql"])
            rows = int(await connection.fetch_value(count, arguments))
            action: Any = plan["action"]
            if rows and plan["erase_sql"] is not None and not dry_run:
                try:
                    await connection.execute(
                        Statement(f"erasure of {table.name}", plan["erase_sql"]),
                        _arguments(database, plan["erase_sql"], user_id, erasure.pseudonym),
                    )
                except IntegrityError as error:
                    raise IntegrityError(
                        f"user {user_id!r} was not erased: other rows need theirs in "
                        f"{table.name!r}, such as an organization its owner: move the ownership "
                        f"first ({error})"
                    ) from error
            erasure.tables.append(ErasedTable(table.store, table.name, action, rows))
    erasure.tables.reverse()
    return erasure


def _check(user_id: object) -> None:
    if not isinstance(user_id, str):
        raise InvalidInputError("user_id", f"must be text, not {type(user_id).__name__}")
    check_text(user_id, "user_id")
    if not user_id.strip():
        raise InvalidInputError("user_id", "must not be empty")


async def _plans(
    database: Database, connection: Connection
) -> list[tuple[MarkedTable, PlanPrivacyRow]]:
    """Return the tables with a user's column that the database has, children before parents."""
    tables = {table.name: table for table in read_markers()}
    columns = [
        {
            "table_name": table.name,
            "table_place": place,
            "column_name": column,
            "column_place": number,
            "is_user": column in table.marked("user"),
            "is_address": column in table.marked("address"),
            "is_personal": column in table.marked("personal"),
            "members": table.members.get(column),
            "goes": "personal" in table.markers,
            "stays": "kept" in table.markers,
        }
        for place, table in enumerate(tables.values())
        for number, column in enumerate(table.columns)
        if column
        in {*table.key, *table.members, *(c for mark in _READ for c in table.marked(mark))}
    ]
    queries: MarkersQueries = load_queries("markers", database.dialect)
    plans = [row async for row in queries.plan_privacy(connection, columns=columns)]
    for plan in plans:
        if plan["is_limited"]:
            raise SchemaRightsError(
                f"row level security hides rows of {plan['table_name']!r} from this role: connect "
                "as the owner of the tables"
            )
    return [(tables[plan["table_name"]], plan) for plan in plans]


def _arguments(database: Database, sql: str, user_id: str, pseudonym: str) -> Any:
    """Return the arguments of a statement in the form of the engine; it need not have both."""
    if database.dialect == "postgres":
        return (user_id, pseudonym) if "$2" in sql else (user_id,)
    return {"user_id": user_id, "pseudonym": pseudonym}


def _kinds(table: MarkedTable) -> Mapping[str, ColumnKind]:
    """Return which columns SQLite has no type for."""
    names: dict[str, ColumnKind] = {
        "JSONB": "json",
        "TIMESTAMPTZ": "timestamp",
        "BOOLEAN": "boolean",
    }
    return {column: names[kind] for column, kind in table.types.items() if kind in names}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if hasattr(value, "isoformat")
        else value.hex()
        if isinstance(value, bytes)
        else value
        for name, value in row.items()
    }

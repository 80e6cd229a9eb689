"""The project's own SQL in the form that the raw drivers and the stock aiosql adapters take."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiosql
import orjson

from aragora_sql.database import Dialect
from aragora_sql.database.values import EncodedJSON, format_timestamp
from aragora_sql.queries.files import packaged_sql_dir, read_queries, store_dir
from aragora_sql.queries.parameters import find_parameters, number_parameters
from aragora_sql.stores.consensus.records import new_consensus
from benchmarks.corpus import new_debate

__all__ = [
    "DOCUMENTS",
    "RawStatement",
    "decode_row",
    "named_query",
    "new_row",
    "raw_statement",
    "stock_query",
    "with_documents",
]

_STOCK_ADAPTERS = {"postgres": "asyncpg", "sqlite": "aiosqlite"}


@dataclass(frozen=True, slots=True)
class RawStatement:
    """A query for a driver: ``names`` are its parameters in the order of ``$1``, ``$2``, …"""

    sql: str
    names: tuple[str, ...]

    def arguments(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """Return a row's values in the order of the parameters."""
        return tuple(row[name] for name in self.names)


def raw_statement(dialect: Dialect, name: str, store: str = "consensus") -> RawStatement:
    """Return a query of a store with the driver's placeholders."""
    text = read_queries(_path(dialect, store), dialect)[name]
    if dialect == "sqlite":
        return RawStatement(text.sql, text.parameters)
    sql, names = number_parameters(text.sql, find_parameters(text.sql, dialect))
    return RawStatement(sql, names)


def named_query(dialect: Dialect, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the text of a query of the consensus store as its file has it, and its parameters."""
    text = read_queries(_path(dialect), dialect)[name]
    return text.sql, text.parameters


def stock_query(dialect: Dialect, name: str, operation: str) -> Callable[..., Any]:
    """Return a query of the consensus store as plain aiosql loads it, with its stock adapter."""
    text = read_queries(_path(dialect), dialect)[name]
    head = f"-- name: {name}({', '.join(text.parameters)}){operation}"
    queries = aiosql.from_str(f"{head}\n{text.sql};\n", _STOCK_ADAPTERS[dialect])
    query: Callable[..., Any] = getattr(queries, name)
    return query


def _path(dialect: Dialect, store: str = "consensus") -> Any:
    return store_dir(store, dialect, packaged_sql_dir()) / "queries.sql"


def new_row(chooser: random.Random, dialect: Dialect) -> dict[str, Any]:
    """Return a new row of the consensus table with nothing left to convert for the driver."""
    _, typed = new_consensus("", **new_debate(chooser))
    row: dict[str, Any] = {**typed}
    for name, value in row.items():
        if isinstance(value, list):
            row[name] = orjson.dumps(value).decode()
        elif isinstance(value, EncodedJSON):
            row[name] = str(value)
        elif isinstance(value, datetime) and dialect == "sqlite":
            row[name] = format_timestamp(value)
    return row


def with_documents(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its JSON texts as objects, for a connection with a JSON codec."""
    return {
        name: orjson.loads(value) if isinstance(value, str) and value[:1] in "[{" else value
        for name, value in row.items()
    }


DOCUMENTS = frozenset(
    {
        "participating_agents",
        "agreeing_agents",
        "dissenting_agents",
        "key_claims",
        "supporting_evidence",
        "tags",
        "belief_cruxes",
        "dissent_ids",
        "metadata",
        "data",
    }
)
_TIMESTAMPS = frozenset({"created_at", "updated_at"})


def decode_row(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row of SQLite as an application needs it: JSON as objects, timestamps as such."""
    decoded: dict[str, Any] = {}
    for name in row.keys():  # noqa: SIM118 - a row iterates over its values
        value = row[name]
        if name in DOCUMENTS:
            value = orjson.loads(value)
        elif name in _TIMESTAMPS:
            value = datetime.fromisoformat(value)
        decoded[name] = value
    return decoded

"""Which Python type a value of an engine's type is, by the table of values of this project."""

from __future__ import annotations

from aragora_sql.database import ColumnKind

__all__ = ["postgres_python_type", "sqlite_python_type"]

_POSTGRES = {
    "bigint": "int",
    "boolean": "bool",
    "bytea": "bytes",
    "character": "str",
    "character varying": "str",
    "date": "date",
    "double precision": "float",
    "integer": "int",
    "interval": "timedelta",
    "json": "Any",
    "jsonb": "Any",
    "name": "str",
    "numeric": "Decimal",
    "oid": "int",
    "real": "float",
    "regclass": "str",
    "smallint": "int",
    "text": "str",
    "timestamp with time zone": "datetime",
    "tsquery": "str",
    "tsvector": "str",
    "uuid": "UUID",
    "void": "None",
}
_SQLITE = {
    "BLOB": "bytes",
    "INT": "int",
    "INTEGER": "int",
    "REAL": "float",
    "TEXT": "str",
}
_KINDS: dict[ColumnKind, str] = {"boolean": "bool", "json": "Any", "timestamp": "datetime"}


def postgres_python_type(type_name: str) -> str:
    """Return the Python type of a PostgreSQL type as ``format_type`` writes it; object if unknown.

    A document is ``Any``; a list of a type is ``list[…]``.
    """
    if type_name.endswith("[]"):
        return f"list[{postgres_python_type(type_name[:-2])}]"
    return _POSTGRES.get(type_name.partition("(")[0].strip(), "object")


def sqlite_python_type(declared: str | None, kind: ColumnKind | None) -> str | None:
    """Return the Python type of a SQLite column; None where SQLite does not say it.

    ``kind`` is what the files say of it, beyond SQLite's own types.
    """
    if kind is not None:
        return _KINDS[kind]
    return None if declared is None else _SQLITE.get(declared.upper())

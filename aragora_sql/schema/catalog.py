"""What a database holds, as text that can be compared: one entry for each part of each table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aragora_sql.database import Connection, Dialect
from aragora_sql.queries.files import sql_dir
from aragora_sql.queries.parameters import Token, scan
from aragora_sql.schema.markers import without_markers
from aragora_sql.schema.rights import version_queries

__all__ = [
    "Catalog",
    "CatalogKey",
    "catalog_of",
    "describe_catalog",
    "read_catalog",
    "without_layout",
]

# Table, kind and name.
CatalogKey = tuple[str, str, str]

_OPERATORS = set("<>=!|-&")
_RULES = {"CHECK", "FOREIGN", "PRIMARY", "UNIQUE"}


@dataclass(frozen=True, slots=True)
class Catalog:
    """A described database.

    ``parts`` are comparable definitions by (table, kind, name). ``statements`` are what made them,
    by the same keys, where the engine keeps that (SQLite).
    """

    parts: Mapping[CatalogKey, str]
    statements: Mapping[CatalogKey, str]


async def describe_catalog(
    connection: Connection, dialect: Dialect, root: Path | None = None
) -> dict[CatalogKey, str]:
    """Return what a database holds, as text by (table, kind, name).

    Two databases with equal descriptions have the same tables, columns in any order, constraints,
    indexes, triggers and (PostgreSQL) rules, comments but for their markers, and policies for
    everybody.
    """
    return dict((await read_catalog(connection, dialect, root)).parts)


async def read_catalog(
    connection: Connection, dialect: Dialect, root: Path | None = None
) -> Catalog:
    """Read the catalogue of a database."""
    queries = version_queries(dialect, root or sql_dir())
    return catalog_of(dialect, [row async for row in queries.describe_catalog(connection)])


def catalog_of(dialect: Dialect, rows: Iterable[Mapping[str, Any]]) -> Catalog:
    """Return the catalogue that the rows of the query ``describe_catalog`` describe."""
    parts: dict[CatalogKey, str] = {}
    statements: dict[CatalogKey, str] = {}
    for row in rows:
        table, kind, name = row["table_name"], row["kind"], row["name"]
        if dialect == "sqlite":
            statements[table, kind, name] = row["definition"]
            if kind == "table":
                parts |= _parts_of_table(table, row["definition"])
                continue
        text = row["definition"]
        if kind.endswith(" comment"):
            text = without_markers(text)
        # A comment in the body of a function ends with its line.
        parts[table, kind, name] = text if kind == "function" else " ".join(text.split())
    return Catalog(parts, statements)


def without_layout(sql: str) -> str:
    """Return a statement of SQLite without comments and line breaks."""
    return _text([token for token in scan(sql, "sqlite") if token.kind != "comment"])


def _parts_of_table(table: str, sql: str) -> Iterator[tuple[CatalogKey, str]]:
    """Take a CREATE TABLE of SQLite apart: columns, constraints, and what follows them.

    An ALTER TABLE adds columns behind the constraints, so their order tells nothing.
    """
    tokens = [token for token in scan(sql, "sqlite") if token.kind != "comment"]
    words = [token.text.upper() for token in tokens]
    if "VIRTUAL" in words[:3]:
        yield (table, "table", table), _text(tokens[words.index("USING") :])
        return
    inside, behind = _split(tokens)
    yield (table, "table", table), _text(behind) or "a table"
    for part in inside:
        first = part[0].text.upper()
        if first == "CONSTRAINT" and len(part) > 2:
            yield (table, "constraint", _identifier(part[1])), _text(part[2:])
        elif first in _RULES:
            yield (table, "constraint", _text(part)), _text(part)
        else:
            yield (table, "column", _identifier(part[0])), _text(part[1:])


def _split(tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
    """Return what is between the commas of the first parentheses, and what follows them."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == ")" and depth == 0:
            return [part for part in parts if part], tokens[index + 1 :]
        if token.text == "," and depth == 1:
            parts.append([])
        elif depth > 1 or (depth == 1 and token.text != "("):
            parts[-1].append(token)
    return [part for part in parts if part], []


def _identifier(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "identifier" else token.text


def _text(tokens: list[Token]) -> str:
    text, end = "", 0
    for token in tokens:
        # The scanner knows no operators: >= is two tokens side by side.
        operator = token.start == end and token.text in _OPERATORS and text[-1:] in _OPERATORS
        glued = operator or token.text in {")", ",", "."} or text.endswith(("(", "."))
        text += token.text if glued or not text else f" {token.text}"
        end = token.end
    return text

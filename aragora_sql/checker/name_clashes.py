"""The rule ``name-clash``: no two things of the schema have one name.

All stores make their tables in one schema. With IF NOT EXISTS the second table or index of a name
is never made and nobody is told; with OR REPLACE the second function takes the first one's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaItem
from aragora_sql.queries.files import DIALECTS

__all__ = ["check_names"]

RULE = "name-clash"
_RELATIONS = {"table", "view", "index"}
# PostgreSQL makes an index of the constraint's name.
_INDEXED = {"primary key", "unique"}


def check_names(facts: Facts, report: Report) -> None:
    """Look for names that a schema file of the same dialect uses a second time."""
    for dialect in DIALECTS:
        first: dict[tuple[str, str], tuple[SchemaItem, str]] = {}
        for file in facts.tree.schemas[dialect]:
            for kind, name, item in chain.from_iterable(_names(i, dialect) for i in file.items):
                # Both engines take names that differ in case for one, unless they are quoted.
                key = kind, name.lower()
                if key not in first:
                    first[key] = item, f"{file.path}:{item.line}"
                    continue
                other, place = first[key]
                message = (
                    f"{_said(item, name)}: {place} makes {_said(other, name)} too, and one of them "
                    "is not made"
                )
                report.add(
                    Finding(file.path, item.line, item.column, RULE, message),
                    subject=name,
                    scopes=[Scope(file.path)],
                )


def _names(item: SchemaItem, dialect: Dialect) -> Iterator[tuple[str, str, SchemaItem]]:
    """Yield what names an item takes: of which kind, the name, and the item."""
    if item.kind in _RELATIONS:
        yield "relation", item.name, item
    elif item.kind in _INDEXED and dialect == "postgres" and item.constraint is not None:
        yield "relation", item.constraint, item
    elif item.kind == "function" or (item.kind == "trigger" and dialect == "sqlite"):
        # A trigger of PostgreSQL has its name beside those of its table only.
        yield item.kind, item.name, item


def _said(item: SchemaItem, name: str) -> str:
    return (
        f"{item.kind} {name!r}"
        if item.kind in {"table", "view", "function"}
        else (f"{item.kind} {name!r} of {item.table!r}")
    )

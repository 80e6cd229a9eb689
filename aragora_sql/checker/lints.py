"""Rules about a schema by itself, after the published lints for databases behind an API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, Index, Table
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile, SchemaItem, identifier, statements
from aragora_sql.queries.parameters import Token, scan

__all__ = ["check_schemas", "function_places"]

# PostgreSQL cuts off the rest.
LONGEST_NAME = 63
_SAFE_REG_TYPES = {"regclass", "regrole", "regtype"}


def check_schemas(facts: Facts, engines: Engines, report: Report) -> None:
    """Look at each table, index, function and name."""
    for dialect, catalog in facts.catalogs.items():
        for table in catalog.values():
            if table.kind != "table":
                continue
            for rule, thing, line, message in _of_table(table):
                _add(report, Finding(table.path, line, 1, rule, message), thing)
        for file in facts.tree.schemas[dialect]:
            for rule, thing, line, message in _of_file(file, dialect):
                _add(report, Finding(file.path, line, 1, rule, message), thing)
    _check_functions(facts, engines, report)


def _add(report: Report, finding: Finding, thing: str) -> None:
    report.add(finding, subject=f"{finding.rule} of {thing}", scopes=[Scope(finding.path)])


Found = Iterator[tuple[str, str, int, str]]


def _of_table(table: Table) -> Found:
    name = table.name
    if not table.primary_key:
        yield "missing-primary-key", name, table.line, f"table {name} has no primary key"
    for key in table.foreign_keys:
        if not any(_leads(index, key.columns) for index in table.indexes):
            columns = ", ".join(key.columns)
            message = (
                f"no index of {name} begins with ({columns}): each delete in {key.target_table} "
                "reads the whole table"
            )
            yield "unindexed-foreign-key", f"{name}({columns})", key.line, message
    yield from _duplicates(table)
    if table.dialect == "sqlite":
        return
    if not table.comment:
        yield "missing-comment", name, table.line, f"table {name} has no COMMENT ON TABLE"
    for column in table.columns:
        where = f"{name}.{column.name}"
        if not column.comment:
            yield "missing-comment", where, column.line, f"{where} has no COMMENT ON COLUMN"
        if column.type.startswith("reg") and column.type not in _SAFE_REG_TYPES:
            message = f"{where} is of type {column.type}, which an upgrade of the server refuses"
            yield "reg-type", where, column.line, message
    if not table.row_level_security:
        message = f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY is missing"
        yield "row-level-security", name, table.line, message


def _leads(index: Index, columns: tuple[str, ...]) -> bool:
    """Tell whether an index finds the rows of a foreign key."""
    first = {column.removesuffix(" DESC") for column in index.columns[: len(columns)]}
    whole = index.predicate is None or index.predicate.upper().endswith("IS NOT NULL")
    return first == set(columns) and whole and index.method == "btree"


def _duplicates(table: Table) -> Found:
    seen: dict[tuple[object, ...], Index] = {}
    # first those of constraints, which cannot be dropped alone
    for index in sorted(table.indexes, key=lambda i: (not i.of_constraint, i.line, i.name)):
        if any("expression" in column for column in index.columns):
            continue
        key = (index.method, index.columns, index.predicate)
        same = seen.setdefault(key, index)
        if same is not index:
            message = f"index {index.name} is the same as {same.name}"
            yield "duplicate-index", index.name, index.line, message


def _of_file(file: SchemaFile, dialect: Dialect) -> Found:
    for item in file.items:
        names = {item.name} if item.kind != "foreign key" else set()
        for name in names | {item.constraint or ""}:
            if len(name.encode()) > LONGEST_NAME and " " not in name and "," not in name:
                message = f"{name} has {len(name.encode())} bytes; {LONGEST_NAME} are allowed"
                yield "long-identifier", name, item.line, message
        if dialect == "postgres" and item.kind == "view" and not _invoker(item):
            message = (
                f"view {item.name} reads with its owner's rights, past row level security: "
                "WITH (security_invoker = true)"
            )
            yield "view-security", item.name, item.line, message
    if dialect == "sqlite":
        return
    for statement in statements(list(scan(file.text, dialect))):
        words = [token.text.upper() for token in statement]
        if words[:2] == ["CREATE", "EXTENSION"]:
            name = identifier(statement[2 + 3 * (words[2:5] == ["IF", "NOT", "EXISTS"])])
            message = f"extension {name}: the schema has to work with the core of PostgreSQL"
            yield "extension", name, _line(file, statement[0]), message
        if words[:2] == ["CREATE", "POLICY"]:
            name = identifier(statement[2])
            message = f"policy {name} opens a table that only its owner may see"
            yield "policy", name, _line(file, statement[0]), message


def _invoker(item: SchemaItem) -> bool:
    words = [token.text.lower() for token in item.tokens]
    return "security_invoker" in words


def _line(file: SchemaFile, token: Token) -> int:
    return file.text.count("\n", 0, token.start) + 1


def function_places(facts: Facts) -> dict[str, tuple[Path, int]]:
    """Return where each function of PostgreSQL's schemas is made: file and line."""
    return {
        item.name: (file.path, item.line)
        for file in facts.tree.schemas["postgres"]
        for item in file.items
        if item.kind == "function"
    }


def _check_functions(facts: Facts, engines: Engines, report: Report) -> None:
    places = function_places(facts)
    for row in engines.postgres.catalog.list_functions():
        name = row["function_name"]
        if name not in places or row["fixed_search_path"]:
            continue
        message = f"function {name} has no fixed search_path: SET search_path = pg_catalog, …"
        _add(report, Finding(*places[name], 1, "function-search-path", message), name)

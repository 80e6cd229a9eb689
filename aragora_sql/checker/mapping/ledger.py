"""What the migration's own queries answer, as ``answers.txt`` beside them keeps it.

They are of one engine alone, so there is no counterpart to compare them with: each runs on made
rows of the tables beside it, and a fingerprint of its answers is kept for the next reviewer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from aragora_sql.checker.kept import keeps_snapshots
from aragora_sql.checker.mapping.snapshot import Lines, read_snapshot
from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.report import Report
from aragora_sql.database import Dialect
from aragora_sql.engines import cache
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import tables_in_text
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.engines.postgres_engine import PostgresEngine
from aragora_sql.engines.schema_files import SchemaFile, read_schema_file
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import QueryText, read_queries
from aragora_sql.queries.parameters import number_parameters

__all__ = ["check_ledger"]

RULE = "mapping-snapshot"
# To be raised when other rows or arguments are made.
VERSION = 1
_POSTGRES = ("migration", "migration/*/postgres")
_SQLITE = ("migration/*/sqlite",)
_NAME = "answers.txt"
_HEAD = "# What these queries answer on made rows: aragora-sql check --update-mappings writes it.\n"
_ROWS = 12
_CALLS = 24
_SEED = "ledger"
_START = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)
# Numbers that a table makes are above all others.
_MADE = 1_000_000
_STEMS = ("after_", "new_")
_NOT_COMPARED = "not compared because "


def check_ledger(
    root: Path, engines: Engines, report: Report, proofs: Proofs, *, update: bool
) -> None:
    """Compare the answers of the migration's queries with those that are kept."""
    places: dict[Dialect, tuple[str, ...]] = {"postgres": _POSTGRES, "sqlite": _SQLITE}
    for dialect, patterns in places.items():
        for pattern in patterns:
            for path in sorted(root.glob(f"{pattern}/queries.sql")):
                schema = path.with_name("schema.sql")
                if {path, schema} & (report.broken | report.refused) or not schema.is_file():
                    continue
                try:
                    queries = list(read_queries(path, dialect).values())
                    file = read_schema_file(path.parent.name, schema, dialect)
                except QueryFileError:
                    # The rule file says it.
                    continue
                kept = path.with_name(_NAME)
                depends_on = _depends_on(queries, file, engines, dialect)
                parts = [*depends_on, kept.read_bytes() if kept.is_file() else ""]
                subject = f"queries {path.parent.relative_to(root)}"
                if not update and proofs.holds(subject, parts):
                    continue
                before = report.count
                lines = _answers(queries, file, engines, dialect, depends_on)
                is_kept = keeps_snapshots(root)
                _compare(path, queries, lines, report, update=update, is_kept=is_kept)
                if not update and report.count == before:
                    proofs.add(subject, parts)


def _depends_on(
    queries: Sequence[QueryText], file: SchemaFile, engines: Engines, dialect: str
) -> list[str]:
    version = engines.postgres.version if dialect == "postgres" else sqlite3.sqlite_version
    said = [text for query in queries for text in (query.name, query.doc, query.sql)]
    own = Path(__file__).read_text(encoding="utf-8")
    return [str(VERSION), own, str(version), file.text, *said]


def _answers(
    queries: Sequence[QueryText],
    file: SchemaFile,
    engines: Engines,
    dialect: str,
    depends_on: Sequence[str],
) -> Lines:
    name = f"ledger-{cache.digest(depends_on)}.json"
    saved = cache.load(name)
    if saved is None:
        compared = [query for query in queries if not _is_left_out(query)]
        ask = _ask_postgres if dialect == "postgres" else _ask_sqlite
        saved = dict(ask(compared, file, engines))
        cache.save(name, saved)
    return {f"query {name}": mark for name, mark in saved.items()}


def _is_left_out(query: QueryText) -> bool:
    return any(
        one.kind == "meaning" and one.text.startswith(_NOT_COMPARED) for one in query.directives
    )


def _compare(
    path: Path,
    queries: Sequence[QueryText],
    lines: Lines,
    report: Report,
    *,
    update: bool,
    is_kept: bool,
) -> None:
    kept = path.with_name(_NAME)
    if update:
        body = "".join(f"{subject}: {mark}\n" for subject, mark in lines.items())
        kept.write_text(_HEAD + body, encoding="utf-8")
        return
    try:
        before = read_snapshot(kept)
    except QueryFileError as error:
        report.add(finding_of(error, RULE))
        return
    places = {query.name: query.line for query in queries}
    if before is None:
        if is_kept:
            message = (
                "there is no such file, so nothing tells what an edit of these queries changes: "
                "aragora-sql check --update-mappings writes what they answer today"
            )
            report.add(Finding(kept, 1, 1, RULE, message))
        return
    for subject in lines:
        name = subject.removeprefix("query ")
        if subject not in before:
            message = (
                f"the answers of query {name!r} are not in {_NAME}: "
                "aragora-sql check --update-mappings"
            )
            report.add(Finding(path, places.get(name, 1), 1, RULE, message))
    hint = "if that is meant, aragora-sql check --update-mappings writes what it answers today"
    for subject, mark in before.items():
        name = subject.removeprefix("query ")
        if lines.get(subject) == mark:
            continue
        what = "is not compared any more" if subject not in lines else "answers otherwise"
        message = f"query {name!r} {what} than when it was last looked at; {hint}"
        if subject not in lines:
            message = f"query {name!r} {what}; {hint}"
        report.add(Finding(path, places.get(name, 1), 1, RULE, message))


# -- rows and arguments


@dataclass(frozen=True, slots=True)
class _Made:
    """Values by kind and name: ``tables`` and ``indexes`` are those of the schema file."""

    tables: tuple[str, ...]
    indexes: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, file: SchemaFile) -> _Made:
        """Return the maker of a schema file's values."""
        names = {
            kind: [i.name for i in file.items if i.kind == kind] for kind in ("table", "index")
        }
        keys = [
            item.tokens[0].text
            for item in file.items
            if item.kind == "column" and "IDENTITY" in [t.text.upper() for t in item.tokens]
        ]
        return cls(tuple(names["table"]), tuple(names["index"]), tuple(dict.fromkeys(keys)))

    def value(self, kind: str, name: str, chance: Random) -> Any:
        """Return a value of an engine's type for a column or parameter."""
        kind = kind.lower()
        if kind.endswith("[]"):
            return [self.value(kind[:-2], name, chance) for _ in range(chance.randint(0, 3))]
        if "int" in kind:
            return chance.randint(1, 5)
        if "bool" in kind:
            return chance.random() < 0.5
        if "json" in kind:
            return json.dumps({"n": chance.randint(1, 3)})
        if "time" in kind:
            return _START + timedelta(days=chance.randint(0, 9))
        if kind in {"bytea", "blob"}:
            return json.dumps({"n": chance.randint(1, 3)}).encode()
        if "double" in kind or kind == "real":
            return chance.choice((0.25, 0.5))
        return self._text(name, chance)

    def _text(self, name: str, chance: Random) -> str:
        if name == "key" and self.keys:
            return chance.choice(self.keys)
        if "table" in name and self.tables:
            return chance.choice((*self.tables, self.tables[0], "gone"))
        if "index" in name and self.indexes:
            return chance.choice((*self.indexes, "gone"))
        if name == "reject":
            return chance.choice(("", '{"a": 1}', '{"b": 2}'))
        return chance.choice(("a", "b"))


def _stem(name: str, columns: Iterable[str]) -> str:
    """Return the column that a parameter is about; its own name when there is none."""
    known = set(columns)
    bare = name
    for stem in _STEMS:
        bare = bare.removeprefix(stem)
    for one in (name, f"{bare}_id", bare, bare.removesuffix("s")):
        if one in known:
            return one
    return name


def _rows(
    made: _Made, table: str, columns: Mapping[str, str], insert: Callable[[dict[str, Any]], bool]
) -> Iterator[dict[str, Any]]:
    for number in range(_ROWS * 3):
        row: dict[str, Any] = {}
        for name, kind in columns.items():
            if not row and name in made.keys:
                # A row of its own number, as the table would make it.
                row[name] = number + 1
                continue
            chance = Random(f"{_SEED} {table}.{name} {number}")  # noqa: S311 - the same each time
            row[name] = None if chance.random() < 0.35 else made.value(kind, name, chance)
        if not insert(row):
            for name, kind in columns.items():
                if row[name] is None:
                    chance = Random(f"{_SEED} {table}.{name} {number} again")  # noqa: S311
                    row[name] = made.value(kind, name, chance)
            if not insert(row):
                continue
        yield row


def _arguments(
    made: _Made,
    query: QueryText,
    kinds: Mapping[str, str],
    stored: Sequence[dict[str, Any]],
    call: int,
) -> dict[str, Any]:
    """Return arguments by name: mostly those of one row, to find it."""
    chance = Random(f"{_SEED} {query.name} {call}")  # noqa: S311 - the same each time
    row = chance.choice(stored) if stored else {}
    columns = {name for one in stored for name in one}
    found = {}
    for name in query.parameters:
        stem = _stem(name, columns)
        near = row.get(stem)
        kind = kinds.get(name, "")
        if kind.endswith("[]") or near is None or chance.random() < 0.15:
            found[name] = made.value(kind, name, chance)
        elif name.startswith("after_") and isinstance(near, int):
            # That place or one before it, so that a page has rows.
            found[name] = chance.choice((near, near - 1, chance.randint(0, near)))
        else:
            found[name] = near
    return found


def _plain(value: Any) -> str:
    """Return a value as text, without what differs from one run to the next."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        is_made = _START <= moment <= _START + timedelta(days=9)
        return moment.astimezone(UTC).isoformat() if is_made else "now"
    if isinstance(value, int) and not isinstance(value, bool) and value >= _MADE:
        return "number"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, memoryview):
        return repr(bytes(value))
    return repr(value)


# -- the engines


def _ask_postgres(
    queries: Sequence[QueryText], file: SchemaFile, engines: Engines
) -> Iterator[tuple[str, str]]:
    engine = engines.postgres
    made = _Made.of(file)
    with engine.scratch() as connection:
        if engine.load(file) is not None:
            # The rule prepare has said it.
            return
        schema = connection.execute("SELECT current_schema()").fetchall()[0][0]
        stored = [row for table in made.tables for row in _fill_postgres(engine, made, table)]
        for query in queries:
            described = engine.prepare(query)
            if not hasattr(described, "param_type"):
                continue
            rendered, order = number_parameters(query.sql, list(query.found))
            kinds = {
                name: engine.type_name(described.param_type(number))
                for number, name in enumerate(order)
            }
            written = made.tables if tables_in_text(query.sql, "postgres")[1] else ()
            said = []
            for call in range(_CALLS if query.parameters else 1):
                given = _arguments(made, query, kinds, stored, call)
                values = [given[name] for name in order]
                said.append(_call_postgres(connection, rendered, values, written))
            yield query.name, cache.digest(text.replace(f"{schema}.", "") for text in said)[:12]


def _fill_postgres(engine: PostgresEngine, made: _Made, table: str) -> list[dict[str, Any]]:
    connection = engine.connection
    described = connection.execute(
        sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))
    ).description
    columns = {one.name: engine.type_name(one.type_code) for one in described or ()}
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )

    def insert(row: dict[str, Any]) -> bool:
        try:
            with connection.transaction():
                connection.execute(statement, list(row.values()))
        except psycopg.Error:
            return False
        return True

    rows = list(_rows(made, table, columns, insert))
    for name in columns:
        if name in made.keys:
            numbers = sql.SQL("ALTER TABLE {} ALTER COLUMN {} RESTART WITH {}").format(
                sql.Identifier(table), sql.Identifier(name), sql.Literal(_MADE)
            )
            try:
                with connection.transaction():
                    connection.execute(numbers)
            except psycopg.Error:
                # A column of the same name in a table that numbers another one.
                continue
    return rows


def _call_postgres(
    connection: psycopg.Connection[Any], rendered: str, values: list[Any], tables: Sequence[str]
) -> str:
    said = []
    try:
        with connection.transaction(force_rollback=True), psycopg.RawCursor(connection) as cursor:
            cursor.execute(rendered.encode(), values)
            said.append(f"{cursor.rowcount}")
            if cursor.description is not None:
                said += [_plain(row) for row in cursor.fetchall()]
            # What it leaves behind.
            for table in tables:
                statement = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
                cursor.execute(statement)
                said += sorted(_plain(row) for row in cursor.fetchall())
    except psycopg.Error as error:
        return f"error {error.sqlstate}"
    return "\n".join(said)


def _ask_sqlite(
    queries: Sequence[QueryText], file: SchemaFile, engines: Engines
) -> Iterator[tuple[str, str]]:
    del engines
    made = _Made.of(file)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(file.text)
        stored = [row for table in made.tables for row in _fill_sqlite(connection, made, table)]
        for query in queries:
            said = []
            for call in range(_CALLS if query.parameters else 1):
                given = _arguments(made, query, {}, stored, call)
                try:
                    rows = connection.execute(query.sql, given).fetchall()
                    said.append("\n".join(map(_plain, rows)))
                except sqlite3.Error as error:
                    said.append(f"error {error}")
            yield query.name, cache.digest(said)[:12]


def _fill_sqlite(connection: sqlite3.Connection, made: _Made, table: str) -> list[dict[str, Any]]:
    listed = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    columns = {name: kind for _, name, kind, *_ in listed}
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - our names

    def insert(row: dict[str, Any]) -> bool:
        try:
            connection.execute(statement, list(row.values()))
        except sqlite3.Error:
            return False
        return True

    return list(_rows(made, table, columns, insert))

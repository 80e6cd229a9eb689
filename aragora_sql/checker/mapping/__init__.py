"""Proves the mappings of ``sql/legacy/``: made older rows are moved, and compared with what the
comment of each mapping says.

The move is the package's own migration; what is expected is read from the comment lines alone,
never from the SELECT.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as psql
from psycopg.rows import dict_row

from aragora_sql.checker.kept import keeps_snapshots, kept_root
from aragora_sql.checker.mapping.declared import problems_of
from aragora_sql.checker.mapping.expected import Expected, Rules, expected_rows, merged, same
from aragora_sql.checker.mapping.moving import move
from aragora_sql.checker.mapping.older import write_files
from aragora_sql.checker.mapping.shapes import Group, Source, groups_of, sources_of
from aragora_sql.checker.mapping.snapshot import (
    changes,
    fingerprint,
    lines_of,
    read_snapshot,
    snapshot_path,
    write_snapshot,
)
from aragora_sql.checker.mapping.values import read_said
from aragora_sql.checker.meaning.hints import read_rules
from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.report import Report
from aragora_sql.engines import cache
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.facts import refused as refusal
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.engines.postgres_engine import EmptyDatabase
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.tree import SQLProblem
from aragora_sql.errors import QueryFileError
from aragora_sql.migration.conversion import TimestampReader
from aragora_sql.migration.functions import Functions
from aragora_sql.migration.mappings import read_mapping
from aragora_sql.queries.files import QueryText, read_queries

__all__ = ["check_mappings", "older_groups"]

RULE = "mapping"
SNAPSHOT = "mapping-snapshot"
# To be raised when other rows are made, or they are compared otherwise.
VERSION = 2
_SHOWN = 160

_Rejects = dict[tuple[str, str, int], list[tuple[dict[str, Any], str]]]


@dataclass(slots=True)
class _Found:
    """What was found of one tree: problems as (store, mapping, column, message)."""

    problems: list[tuple[str, str, str, str]] = field(default_factory=list)
    moved: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: dict[str, dict[str, int]] = field(default_factory=dict)
    error: str | None = None
    # The columns that each mapping's SELECT gives.
    given: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()

    def add(self, source: Source, column: str, message: str) -> None:
        """Add a problem, unless there is one of the same column."""
        mapped = source.mapped
        known = {(store, name, of) for store, name, of, _ in self.problems}
        if (mapped.store, mapped.name, column) not in known:
            self.problems.append((mapped.store, mapped.name, column, message))


def check_mappings(
    facts: Facts, engines: Engines, report: Report, proofs: Proofs, *, update: bool
) -> None:
    """Run all mappings of a tree; ``update`` writes the snapshots of what they move."""
    root = facts.tree.root
    queries: dict[tuple[str, str], QueryText] = {}
    for path in sorted((root / "legacy").glob("*.sql")):
        try:
            found = read_queries(path, "sqlite").values()
            for query in found:
                read_mapping(path.stem, query)
        except QueryFileError:
            # The rule file says it, and nothing can be moved.
            return
        queries |= {(path.stem, query.name): query for query in found}
    outside = [root / "legacy", root / "migration"]
    faulty = report.refused | report.broken
    refused = any(path.is_relative_to(folder) for path in faulty for folder in outside)
    if not queries or facts.unloaded or refused:
        # Nothing can be moved.
        return
    depends_on = list(_depends_on(facts, engines, queries.values()))
    kept = [
        path.read_bytes() for path in sorted((kept_root(root) / "legacy" / "moved").glob("*.txt"))
    ]
    if not update and proofs.holds("mappings", [*depends_on, *kept]):
        return
    before = report.count
    sources = _sources(facts, queries)
    name = f"mapping-{cache.digest(depends_on)}.json"
    saved = cache.load(name)
    if saved is None:
        with engines.empty_database() as empty:
            if empty is None:
                message = "no older rows were moved: the role may make no database"
                report.add(Finding(root, 1, 1, RULE, message, "warning"))
                return
            result = _prove(sources, queries, empty, root, facts.tree.schemas["sqlite"])
        saved = {
            "problems": result.problems,
            "moved": result.moved,
            "notes": result.notes,
            "error": result.error,
        }
        cache.save(name, saved)
    told = _report(saved, queries, report)
    if saved["error"] is None:
        _compare_snapshots(sources, saved, queries, report, told, root, update=update)
    if not update and report.count == before:
        proofs.add("mappings", [*depends_on, *kept])


def older_groups(facts: Facts) -> list[Group]:
    """Return the shapes of all older tables that the mappings of a tree read."""
    paths = sorted((facts.tree.root / "legacy").glob("*.sql"))
    queries = {
        (path.stem, query.name): query
        for path in paths
        for query in read_queries(path, "sqlite").values()
    }
    return groups_of(_sources(facts, queries))


def _sources(facts: Facts, queries: Mapping[tuple[str, str], QueryText]) -> list[Source]:
    hints = read_rules(facts.tree.schemas["postgres"])
    catalog = facts.catalogs["postgres"]
    mappings = [
        (read_mapping(store, query), read_said(query.doc)) for (store, _), query in queries.items()
    ]
    mappings = [one for one in mappings if one[0].target in catalog]
    selects = {key: query.sql for key, query in queries.items()}
    return list(sources_of(mappings, catalog, hints, selects))


def _depends_on(
    facts: Facts, engines: Engines, queries: Sequence[QueryText] | Any
) -> Iterator[str]:
    yield str(VERSION)
    for file in facts.tree.schemas["sqlite"]:
        yield file.text
    yield str(engines.postgres.version)
    yield sqlite3.sqlite_version
    for query in queries:
        yield from (query.path.stem, query.name, query.doc, query.sql)
    for file in facts.tree.schemas["postgres"]:
        yield file.text
    # What moves the rows.
    own = Path(__file__).parent
    package = own.parent.parent
    for path in sorted(
        [*(package / "migration").glob("*.py"), *Path(__file__).parent.glob("*.py")]
    ):
        yield path.read_text(encoding="utf-8")
    for path in sorted((facts.tree.root / "migration").glob("*.sql")):
        yield path.read_text(encoding="utf-8", errors="replace")


def _prove(
    sources: Sequence[Source],
    queries: Mapping[tuple[str, str], QueryText],
    empty: EmptyDatabase,
    root: Path,
    files: Sequence[SchemaFile],
) -> _Found:
    found = _Found(targets=frozenset(source.table.name for source in sources))
    groups = groups_of(sources)
    with tempfile.TemporaryDirectory(prefix="aragora-mapping-") as name:
        folder = Path(name)
        older = write_files(groups, folder)
        for number, group in enumerate(groups):
            file = next(row.file for row in older if row.group == number)
            path = folder / f"older-{file}.db"
            for source in group.sources:
                _look_at_select(source, _query(source, queries), path, found)
        if found.problems:
            # What is moved by a mapping that is wrong in itself says nothing more.
            return found
        stores = sorted({source.mapped.store for source in sources})
        moved = move(folder, stores, empty.dsn, root)
        if moved.error is not None:
            found.error = moved.error
            return found
        with closing(Rules(files)) as rules:
            expected = expected_rows(groups, older, rules)
        _compare(expected, empty.connection, found)
        found.notes = moved.notes
    return found


def _query(source: Source, queries: Mapping[tuple[str, str], QueryText]) -> QueryText:
    return queries[source.mapped.store, source.mapped.name]


def _look_at_select(source: Source, query: QueryText, path: Path, found: _Found) -> None:
    """Compare the columns and ranges of a SELECT with what the comment says."""
    with closing(sqlite3.connect(path)) as connection:
        Functions(TimestampReader(UTC)).register(connection)

        def rows(first: int, last: int) -> list[tuple[Any, ...]]:
            given = {"first_rowid": first, "last_rowid": last}
            cursor = connection.execute(query.sql, given)
            names[:] = [column[0] for column in cursor.description]
            return cursor.fetchall()

        names: list[str] = []
        try:
            whole = rows(-(2**63), 2**63 - 1)
            count = connection.execute(f'SELECT count(*) FROM "{source.mapped.table}"')  # noqa: S608
            last = count.fetchone()[0]
            parts = [(row, rows(row, row)) for row in range(1, last + 1)]
        except sqlite3.Error as error:
            found.add(source, "", f"SQLite has something against it: {error}")
            return
    found.given[source.mapped.store, source.mapped.name] = frozenset(names)
    for message in problems_of(source, names):
        found.add(source, message, message)
    for row, part in parts:
        if {found_row[0] for found_row in part} - {row}:
            found.add(source, "source_rowid", f"asked for row {row}, it gives others")
        elif not source.said.unpacked and len(part) != 1:
            found.add(
                source, "source_rowid", f"asked for row {row}, it gives {len(part)} rows, not one"
            )
    if sorted(map(repr, whole)) != sorted(repr(row) for _, part in parts for row in part):
        found.add(source, "source_rowid", "its ranges of rows together are not all rows")


def _compare(
    expected: Mapping[str, Sequence[Expected]],
    connection: psycopg.Connection[Any],
    found: _Found,
) -> None:
    rejects = _rejects(connection)
    for rows in expected.values():
        moved = _read(connection, rows[0].source)
        _fingerprints(rows, moved, found)
        if rows[0].source.mapped.key:
            _compare_by_key(rows, moved, rejects, found)
        else:
            _compare_any(rows, moved, rejects, found)
        _compare_order(rows[0].source, moved, found)


def _rejects(connection: psycopg.Connection[Any]) -> _Rejects:
    """Return the rejected rows, by table, file and rowid: their keys and the reasons."""
    query = """
        SELECT target_table, source_file, source_rowid, reject::jsonb AS reject
        FROM _migration_rejects WHERE reject <> '' AND reject::jsonb ->> 'kind' = 'rejected'
        """
    found: _Rejects = {}
    for table, file, rowid, reject in connection.execute(query):
        said = f"{reject['column'] or 'the row'}: {reject['reason']}"
        found.setdefault((table, file, rowid), []).append((reject["key"], said))
    return found


def _reason(row: Expected, rejects: _Rejects) -> str | None:
    """Return why a row was rejected; two older tables of a file can have one target."""
    place = row.source.table.name, f"older-{row.older.file}.db", row.older.rowid
    for key, said in rejects.get(place, ()):
        if all(
            str(key[name]) == str(row.values[name])
            for name in row.source.mapped.key
            if name in key and name in row.values
        ):
            return said
    return None


def _read(connection: psycopg.Connection[Any], source: Source) -> list[dict[str, Any]]:
    """Return the rows of a target, in the order of its columns as texts."""
    names = [column.name for column in source.table.columns if column.python_type != "object"]
    statement = psql.SQL("SELECT {} FROM {}").format(
        psql.SQL(", ").join(map(psql.Identifier, names)), psql.Identifier(source.table.name)
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement).fetchall()
    for row in rows:
        for name, value in row.items():
            if hasattr(value, "astimezone"):
                row[name] = value.astimezone(UTC)
    return rows


def _fingerprints(rows: Sequence[Expected], moved: Sequence[dict[str, Any]], found: _Found) -> None:
    """Take a fingerprint of each column that a mapping moved, by the mapping."""
    for source, of_source in _by_mapping(rows, moved):
        # By the key: the order in which rows came is that of numbers, which are columns themselves.
        known = [c for c in source.table.columns if of_source and c.name in of_source[0]]
        keys = source.mapped.key or [c.name for c in known if c.generated != "identity"]
        ordered = sorted(of_source, key=lambda row: [repr(row[name]) for name in keys])
        marks = {}
        for column in known:
            values = [row[column.name] for row in ordered]
            if column.name not in source.terms and column.generated == "identity":
                # Only the order of numbers means something, and only where the comment tells it.
                if source.mapped.order is None:
                    continue
                values = list(map(sorted(values).index, values))
            if column.name in source.terms or column.generated == "identity":
                marks[column.name] = fingerprint(values)
        found.moved[f"{source.mapped.store} {source.mapped.name}"] = marks


def _by_mapping(
    rows: Sequence[Expected], moved: Sequence[dict[str, Any]]
) -> Iterator[tuple[Source, list[dict[str, Any]]]]:
    """Yield the moved rows of each mapping: those with its keys, or with those of no other."""
    sources = {row.source.mapped.name: row.source for row in rows}
    keys: dict[str, set[Any]] = {name: set() for name in sources}
    for row in rows:
        names = row.source.mapped.key
        if names and all(name in row.values for name in names):
            keys[row.source.mapped.name].add(tuple(row.values[name] for name in names))
    known = set().union(*keys.values())
    for name, source in sources.items():
        if len(sources) == 1:
            yield source, list(moved)
            continue
        names = source.mapped.key
        if keys[name]:
            mine = [row for row in moved if tuple(row[name] for name in names) in keys[name]]
        else:
            mine = [row for row in moved if tuple(row[name] for name in names) not in known]
        yield source, mine


def _compare_by_key(
    rows: Sequence[Expected],
    moved: Sequence[dict[str, Any]],
    rejects: _Rejects,
    found: _Found,
) -> None:
    names = rows[0].source.mapped.key
    by_key: dict[Any, list[Expected]] = {}
    for row in rows:
        if all(name in row.values for name in names):
            by_key.setdefault(tuple(row.values[name] for name in names), []).append(row)
    target = {tuple(row[name] for name in names): row for row in moved}
    for key, group in by_key.items():
        wanted = merged(group)
        stored = target.pop(key, None)
        rejected = [row for row in group if _reason(row, rejects) is not None]
        if rejected or stored is None:
            _lost((rejected or group)[0], rejects, found)
        elif wanted is not None:
            number = group[0].source.mapped.merge.number
            skipped = {number[0]} if number is not None and _is_counted_again(rows) else set()
            _differences(group[0], wanted, stored, found, skipped)
    is_renumbered = rows[0].source.mapped.merge.choice == "renumber"
    unread = any(name not in row.values for row in rows for name in names)
    if target and not is_renumbered and not unread:
        message = f"it moves a row that no older row became: {_shown(next(iter(target)))}"
        found.add(rows[0].source, "", message)


def _is_counted_again(rows: Sequence[Expected]) -> bool:
    return len({row.older.file for row in rows}) > 1


def _lost(row: Expected, rejects: _Rejects, found: _Found) -> None:
    source, older = row.source, row.older
    reason = _reason(row, rejects)
    column = reason.partition(":")[0] if reason is not None else ""
    given = found.given[source.mapped.store, source.mapped.name]
    is_column = source.table.column(column) is not None
    # Of a column that no comment tells the source of, made values may be none that it takes.
    untold = {name for name in given if source.table.column(name) and not source.terms.get(name)}
    if reason is not None and (column in untold or (not is_column and untold)):
        return
    parents = [k.target_table for k in source.table.foreign_keys if column in k.columns]
    if reason is not None and any(parent not in found.targets for parent in parents):
        # Rows of a table that no mapping fills can't be there.
        return
    why = f": rejected, {reason}" if reason is not None else ""
    message = f"a row is lost{why}; it was made of {_shown(older.values)}"
    found.add(source, column if is_column else "", message)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _differences(
    row: Expected,
    wanted: Mapping[str, Any],
    moved: Mapping[str, Any],
    found: _Found,
    skipped: set[str],
) -> None:
    for name, value in wanted.items():
        if name in moved and name not in skipped and not same(moved[name], value):
            found.add(
                row.source,
                name,
                f"{row.source.table.name}.{name} is {_shown(moved[name])} after the move, and "
                f"{_shown(value)} by the comment; the older row is {_shown(row.older.values)}",
            )


def _compare_any(
    rows: Sequence[Expected],
    moved: Sequence[dict[str, Any]],
    rejects: _Rejects,
    found: _Found,
) -> None:
    """Compare rows that have no key: each with the moved row that is nearest to it."""
    left = list(moved)
    for row in rows:
        if not left:
            _lost(row, rejects, found)
            return
        nearest = min(
            left,
            key=lambda one: sum(
                not same(one[name], value) for name, value in row.values.items() if name in one
            ),
        )
        left.remove(nearest)
        unlike_names = [
            n for n, v in row.values.items() if n in nearest and not same(nearest[n], v)
        ]
        if len(unlike_names) > len(row.values) // 2:
            _lost(row, rejects, found)
        else:
            _differences(row, row.values, nearest, found, set())


def _compare_order(source: Source, moved: Sequence[dict[str, Any]], found: _Found) -> None:
    order = source.mapped.order
    number = next((c.name for c in source.table.columns if c.generated == "identity"), None)
    if order is None or number is None:
        return
    times = [row[order] for row in sorted(moved, key=lambda row: row[number])]
    if times != sorted(times):
        found.add(source, number, f"{number} does not follow the order of {order}")


# -- reporting


def _report(
    saved: Mapping[str, Any], queries: Mapping[tuple[str, str], QueryText], report: Report
) -> set[tuple[str, str]]:
    """Report the problems; return of which columns of which mappings' stores something is said."""
    told = set()
    for store, name, column, message in saved["problems"]:
        query = queries[store, name]
        report.add(_finding(query, RULE, message, column))
        told.add((store, column))
    if saved["error"] is not None:
        query = next(iter(queries.values()))
        where = re.search(r"query '(\w+)'", saved["error"])
        named = [q for (_, name), q in queries.items() if where is not None and name == where[1]]
        report.add(_finding((named or [query])[0], RULE, f"the move failed: {saved['error']}", ""))
    return told


def _finding(query: QueryText, rule: str, message: str, column: str) -> Finding:
    match = None
    if column.isidentifier():
        match = re.search(rf"\bAS {column}\b", query.sql) or re.search(
            rf"^\s*(?:\w+\.)?({column}),?$", query.sql, re.MULTILINE
        )
    if match is not None:
        return refusal(query, SQLProblem(message, match.start(), rule))
    return Finding(query.path, query.line, 1, rule, f"query {query.name!r}: {message}")


def _compare_snapshots(
    sources: Sequence[Source],
    saved: Mapping[str, Any],
    queries: Mapping[tuple[str, str], QueryText],
    report: Report,
    told: set[tuple[str, str]],
    root: Path,
    *,
    update: bool,
) -> None:
    for store in sorted({source.mapped.store for source in sources}):
        mine = [source for source in sources if source.mapped.store == store]
        lines = lines_of([source.mapped for source in mine], saved["moved"])
        for table in sorted({source.table.name for source in mine}):
            for note, count in sorted(saved["notes"].get(table, {}).items()):
                lines[f"note {table} {note.replace(': ', ' ')}"] = str(count)
        path = snapshot_path(root, store)
        if update and saved["moved"]:
            write_snapshot(path, store, lines)
            continue
        try:
            before = read_snapshot(path)
        except QueryFileError as error:
            report.add(finding_of(error, SNAPSHOT))
            continue
        hint = "aragora-sql check --update-mappings writes what they move today"
        if not saved["moved"]:
            # Nothing was moved, for what is wrong with a comment.
            before = {s: said for s, said in (before or lines).items() if s.startswith("mapping ")}
        if before is None and not path.parent.is_dir() and not keeps_snapshots(root):
            continue
        if before is None:
            message = f"there is no such file, so an edit of what is moved is not seen: {hint}"
            report.add(Finding(path, 1, 1, SNAPSHOT, message))
            continue
        for subject, what in changes(before, lines):
            column = subject.rpartition(" ")[2] if subject.startswith("column ") else ""
            if column and (store, column) in told:
                continue
            report.add(_of_snapshot(subject, f"{what}; if that is meant, {hint}", mine, queries))


def _of_snapshot(
    subject: str,
    message: str,
    sources: Sequence[Source],
    queries: Mapping[tuple[str, str], QueryText],
) -> Finding:
    kind, name, *rest = subject.split(" ")
    source = next(
        (
            source
            for source in sources
            if name == (source.table.name if kind == "note" else source.mapped.name)
        ),
        None,
    )
    if source is None:
        return Finding(_query(sources[0], queries).path, 1, 1, SNAPSHOT, message)
    column = rest[0] if kind == "column" else ""
    return _finding(_query(source, queries), SNAPSHOT, message, column)

"""The rule ``upgrade``: from each recorded version, with rows, upgrades lead to ``schema.sql``.

Both dialects begin with the same rows in the tables of the recorded version, and are upgraded by
the code that upgrades databases in use. Afterwards the catalogue has to be that of ``schema.sql``,
no row may be lost, and both dialects have to hold the same rows.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from aragora_sql.checker.described import Parts, describe, differences
from aragora_sql.checker.kept import kept_root
from aragora_sql.checker.meaning.pair import Pair, Side, open_pair
from aragora_sql.checker.meaning.rows import fill_pair
from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.report import Report, Scope
from aragora_sql.checker.upgrade_locks import Work, measure
from aragora_sql.database import ColumnKind, Dialect
from aragora_sql.database.sqlite import SQLiteConnection
from aragora_sql.database.values import utc_now
from aragora_sql.engines import cache
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, catalog_of_files
from aragora_sql.engines.findings import Finding, Level
from aragora_sql.engines.postgres_engine import EmptyDatabase, PostgresEngine
from aragora_sql.engines.schema_files import SchemaFile, read_schema_file
from aragora_sql.engines.sqlite_engine import SQLiteEngine
from aragora_sql.errors import AragoraSQLError, QueryFileError, SchemaError
from aragora_sql.queries.files import DIALECTS, QueryText, column_kinds, read_directive, read_sql
from aragora_sql.queries.parameters import scan
from aragora_sql.schema import VERSIONS, initialize_store, latest_version, read_upgrade
from aragora_sql.schema.files import schema_text, with_needed_stores
from aragora_sql.schema.records import record_path
from aragora_sql.schema.rights import version_queries
from aragora_sql.schema.upgrades import UpgradeFile, upgrade_paths

__all__ = ["Step", "check_upgrades", "upgrade_work"]

RULE, LOCK = "upgrade", "upgrade-lock"
# To be raised when other rows are made or more is compared.
VERSION = 2


@dataclass(frozen=True, slots=True)
class Step:
    """The upgrades of one store, from one recorded version on, in both dialects."""

    store: str
    version: int
    latest: int


@dataclass(frozen=True, slots=True)
class _Problem:
    """Something that is wrong with an upgrade: of which store, table and part, and in which words.

    ``line`` is None where a statement about ``table`` has to be looked for.
    """

    dialect: Dialect
    store: str
    version: int
    table: str
    name: str
    message: str
    line: int | None = None


def check_upgrades(
    facts: Facts,
    engines: Engines,
    report: Report,
    proofs: Proofs,
    stores: set[str] | None,
    different: set[str],
) -> None:
    """Prove the upgrades of some stores (None: all), without those that are not as recorded."""
    root = facts.tree.root
    # Generated rows can't show every lock that a comment speaks of.
    report.unsure.add(LOCK)
    _check_numbers(facts, report, stores)
    if facts.unloaded:
        report.unsure.add(RULE)
        # Of a schema that can't be made nothing can be said.
        return
    wanted = [s for s in _steps(facts) if stores is None or s.store in stores]
    _declare(facts, wanted, report)
    if different:
        report.unsure.add(RULE)
    seen: set[tuple[str, str, str]] = set()
    # What an upgrade does wrong shows from each version before it: the latest one says it.
    for version in sorted({step.version for step in wanted}, reverse=True):
        steps = [s for s in wanted if s.version == version and s.store not in different]
        if not steps:
            continue
        subject, depends_on = f"upgrades from {version}", _depends_on(facts, engines, steps)
        if proofs.holds(subject, depends_on):
            continue
        before = report.count
        proof = _proof(facts, engines, steps)
        if proof is None:
            report.unsure.add(RULE)
            message = "the upgrades were not run: the role may make no database"
            report.add(Finding(root, 1, 1, RULE, message, "warning"))
            return
        for problem in [_Problem(**said) for said in proof["problems"]]:
            key = (problem.dialect, problem.table or problem.store, problem.name)
            if key not in seen:
                _report(problem, root, report)
            seen.add(key)
        for said in proof["work"]:
            _report_work(Work(**said), root, report)
        if report.count == before and not proof["problems"]:
            proofs.add(subject, depends_on)


def upgrade_work(facts: Facts, engines: Engines) -> list[Work]:
    """Return what each statement of all upgrades locks, reads and changes, and for how long."""
    found: list[Work] = []
    steps = _steps(facts)
    for version in sorted({step.version for step in steps}):
        proof = _proof(facts, engines, [step for step in steps if step.version == version])
        if proof is not None:
            found += [Work(**said) for said in proof["work"]]
    return found


def _steps(facts: Facts) -> list[Step]:
    """Return what can be proved: the same versions in both dialects, with their records."""
    root = facts.tree.root
    found = []
    listed = [{file.store for file in facts.tree.schemas[name]} - {VERSIONS} for name in DIALECTS]
    for store in sorted(set.intersection(*listed)):
        try:
            latest = {latest_version(store, dialect, root) for dialect in DIALECTS}
            for dialect in DIALECTS:
                for path in upgrade_paths(store, dialect, root).values():
                    read_upgrade(path, dialect)
        except (QueryFileError, SchemaError):
            continue  # the rules `file` and `version` say so
        if len(latest) > 1:
            continue
        for version in range(1, max(latest)):
            paths = [record_path(store, dialect, version, kept_root(root)) for dialect in DIALECTS]
            if all(path.is_file() for path in paths):
                found.append(Step(store, version, max(latest)))
    return found


def _check_numbers(facts: Facts, report: Report, stores: set[str] | None) -> None:
    """Find upgrades that only one dialect has."""
    root = facts.tree.root
    for file in facts.tree.schemas["postgres"]:
        store = file.store
        other = next((f for f in facts.tree.schemas["sqlite"] if f.store == store), None)
        if other is None or store == VERSIONS or (stores is not None and store not in stores):
            continue
        try:
            paths = {name: upgrade_paths(store, name, root) for name in DIALECTS}
        except SchemaError:
            continue
        for number in sorted({*paths["postgres"], *paths["sqlite"]}):
            ours, theirs = paths["postgres"].get(number), paths["sqlite"].get(number)
            if ours is not None and theirs is not None:
                if ours.name != theirs.name:
                    message = f"upgrade {number} has another name in {theirs.parent}: {theirs.name}"
                    report.add(Finding(ours, 1, 1, RULE, message))
                continue
            there = ours or theirs
            if there is None:
                continue
            lacking: Dialect = "sqlite" if ours is not None else "postgres"
            folder = root / lacking / store / "upgrades"
            message = (
                f"upgrade {number} of {store!r} is missing in {folder}: a version is the same in "
                "both dialects. Where nothing changes there, a file with a comment and SELECT 1"
            )
            report.add(Finding(there, 1, 1, RULE, message))


def _declare(facts: Facts, steps: Iterable[Step], report: Report) -> None:
    """Read what the upgrades declare deliberate; those of PostgreSQL are read for squawk."""
    for step in steps:
        for dialect in DIALECTS:
            for path in upgrade_paths(step.store, dialect, facts.tree.root).values():
                text = read_sql(path)
                comments = [t for t in scan(text, dialect) if t.kind == "comment"]
                said = [read_directive(text, comment) for comment in comments]
                own = [
                    one
                    for one in said
                    if one is not None
                    and one.kind == "check"
                    and one.text.startswith((f"{RULE} of", f"{LOCK} of"))
                ]
                report.declare(Scope(path), own)


def _depends_on(facts: Facts, engines: Engines, steps: Sequence[Step]) -> list[str]:
    """Return all that the proof of some steps depends on."""
    root = facts.tree.root
    names = [step.store for step in steps]
    texts = [file.text for dialect in DIALECTS for file in _files(facts, dialect, steps)]
    for name in names:
        for dialect in DIALECTS:
            texts.append(schema_text(name, dialect, root))
            texts += [read_sql(path) for path in upgrade_paths(name, dialect, root).values()]
    versions = [str(VERSION), str(engines.postgres.version), sqlite3.sqlite_version]
    return [*versions, *names, *texts]


def _proof(facts: Facts, engines: Engines, steps: Sequence[Step]) -> Any:
    """Return problems and work of some steps from one version; None where none can be run."""
    root = facts.tree.root
    key = f"upgrade-{cache.digest(_depends_on(facts, engines, steps))}.json"
    saved = cache.load(key)
    if saved is not None:
        return saved
    files = {dialect: _files(facts, dialect, steps) for dialect in DIALECTS}
    catalogs = {dialect: _catalog(engines, dialect, files[dialect]) for dialect in DIALECTS}
    problems = [c for c in catalogs.values() if isinstance(c, _Problem)]
    if problems:
        return {"problems": [asdict(problem) for problem in problems], "work": []}
    known = {name: c for name, c in catalogs.items() if not isinstance(c, _Problem)}
    with engines.empty_database() as empty:
        if empty is None:
            return None
        found = asyncio.run(_upgrade(facts, empty, files, known, steps))
    work: list[Work] = []
    if not found:
        with engines.empty_database() as another:
            if another is None:
                return None
            upgrades = [
                (step.store, read_upgrade(path, "postgres"))
                for step in steps
                for number, path in upgrade_paths(step.store, "postgres", root).items()
                if number == step.version + 1
            ]
            engine = PostgresEngine(another.connection, files["postgres"])
            work = measure(engine, known["postgres"], files["postgres"], upgrades)
    saved = {"problems": [asdict(one) for one in found], "work": [asdict(one) for one in work]}
    cache.save(key, saved)
    return saved


def _files(facts: Facts, dialect: Dialect, steps: Sequence[Step]) -> list[SchemaFile]:
    """Return the schema files with which the steps begin, and those that they need."""
    root = facts.tree.root
    versions = {step.store: step.version for step in steps}
    needed = with_needed_stores(versions, dialect, root)
    files = [file for file in facts.tree.schemas[dialect] if file.store == VERSIONS]
    for store in needed:
        if store in versions:
            path = record_path(store, dialect, versions[store], kept_root(root))
            files.append(read_schema_file(store, path, dialect))
        else:
            files += [file for file in facts.tree.schemas[dialect] if file.store == store]
    return files


def _catalog(engines: Engines, dialect: Dialect, files: Sequence[SchemaFile]) -> Catalog | _Problem:
    kinds: dict[str, Mapping[str, ColumnKind]] = {}
    for file in files:
        status = file.path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        kinds[file.store] = column_kinds(file.path, dialect, stamp)
    if dialect == "sqlite":
        alone = SQLiteEngine(files)
        try:
            if alone.problems:
                return _refused(dialect, files, alone.problems[0])
            return catalog_of_files(dialect, files, alone.rows, kinds)
        finally:
            alone.close()
    engine = engines.postgres
    with engine.scratch() as connection:
        connection.execute("CREATE SCHEMA aragora_version")
        connection.execute("SET LOCAL search_path = aragora_version")
        for file in files:
            problem = engine.load(file)
            if problem is not None:
                return _refused(dialect, files, problem)
        return catalog_of_files(dialect, files, engine.rows, kinds)


def _refused(dialect: Dialect, files: Sequence[SchemaFile], problem: Finding) -> _Problem:
    store = next(file.store for file in files if file.path == problem.path)
    message = f"the recorded version can't be made: {problem.path}:{problem.line}: "
    return _Problem(dialect, store, 1, "", "record", message + problem.message)


async def _upgrade(
    facts: Facts,
    empty: EmptyDatabase,
    files: Mapping[Dialect, Sequence[SchemaFile]],
    catalogs: Mapping[Dialect, Catalog],
    steps: Sequence[Step],
) -> list[_Problem]:
    """Fill the tables of the old versions, upgrade them, and compare what is there then."""
    root = facts.tree.root
    problems: list[_Problem] = []
    async with open_pair(empty, files, catalogs) as pair:
        await fill_pair(pair, files["postgres"])
        before = [await _read(side, steps) for side in pair.sides]
        for side in pair.sides:
            for step in steps:
                problem = await _run(side, step, root)
                if problem is not None:
                    problems.append(problem)
        if problems:
            # Where an upgrade fails, the rest says no more.
            return problems
        new = Pair(
            *(
                Side(side.dialect, side.database, facts.catalogs[side.dialect], other)
                for side, other in zip(
                    pair.sides,
                    (facts.catalogs["sqlite"], facts.catalogs["postgres"]),
                    strict=True,
                )
            )
        )
        for side in new.sides:
            found = await _described(side, empty)
            expected = await _expected(side, empty, root, steps)
            problems += _of_catalogs(side.dialect, expected, found, steps, facts)
        if problems:
            return problems
        after = [await _read(side, steps) for side in new.sides]
        for side, old, now in zip(new.sides, before, after, strict=True):
            problems += _of_rows(side, catalogs[side.dialect], old, now, steps)
        return problems or list(_of_dialects(new, before, after, steps))


Rows = dict[str, list[Mapping[str, Any]]]


async def _read(side: Side, steps: Sequence[Step]) -> Rows:
    """Return the rows of the tables of the stores that are upgraded."""
    stores = {step.store for step in steps}
    found: Rows = {}
    tables = side.catalog
    async with side.database.read() as connection:
        for table in tables.values():
            if table.store in stores and table.kind == "table" and table.name in side.other:
                found[table.name] = list(await side.read_table(connection, table.name))
    return found


async def _run(side: Side, step: Step, root: Path) -> _Problem | None:
    """Upgrade a store; return what was met."""
    queries = version_queries(side.dialect, root)
    async with side.database.transaction() as connection:
        await queries.set_version(
            connection, module=step.store, version=step.version, updated_at=utc_now()
        )
    try:
        await initialize_store(side.database, step.store, root, report=lambda sentence: None)
    except AragoraSQLError as error:
        said = str(error).partition("\n")[0]
        async with side.database.read() as connection:
            done = await queries.get_version(connection, module=step.store)
        number = 1 + (done or step.version)
        path = upgrade_paths(step.store, side.dialect, root)[number]
        line = await _failing_line(side, read_upgrade(path, side.dialect)) or 1
        message = f"from version {step.version}, with rows, it fails: {said}"
        return _Problem(side.dialect, step.store, number, "", "failure", message, line)
    return None


class _UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


async def _failing_line(side: Side, upgrade: UpgradeFile) -> int | None:
    """Return the line of the statement that the engine refuses; None when it takes all."""
    line: int | None = None
    try:
        async with side.database.transaction() as connection:
            for statement in upgrade.statements:
                line = statement.line
                await connection.run_script(upgrade.path.name, statement.sql, unlimited=True)
            line = None
            raise _UndoneError
    except (_UndoneError, AragoraSQLError):
        return line


async def _described(side: Side, empty: EmptyDatabase) -> Parts:
    if side.dialect == "postgres":
        return await asyncio.to_thread(describe, side.dialect, _rows_of(empty))
    async with side.database.connection() as connection:
        if not isinstance(connection, SQLiteConnection):
            raise TypeError("not a SQLite connection")
        return await connection.run_in_thread("catalogue", _describe_sqlite)


def _describe_sqlite(driver: sqlite3.Connection) -> Parts:
    def run(query: QueryText) -> list[Mapping[str, Any]]:
        cursor = driver.execute(query.sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return describe("sqlite", run)


def _rows_of(empty: EmptyDatabase) -> Any:
    def run(query: QueryText) -> list[dict[str, Any]]:
        with empty.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.sql.encode()).fetchall()

    return run


async def _expected(side: Side, empty: EmptyDatabase, root: Path, steps: Sequence[Step]) -> Parts:
    """Describe what the schema files make, on the same server under the same settings."""
    stores = [VERSIONS, *with_needed_stores([s.store for s in steps], side.dialect, root)]
    texts = [schema_text(store, side.dialect, root) for store in stores]
    if side.dialect == "sqlite":
        fresh = sqlite3.connect(":memory:")
        try:
            for text in texts:
                fresh.executescript(text)
            return _describe_sqlite(fresh)
        finally:
            fresh.close()
    with empty.connection.transaction(force_rollback=True):
        empty.connection.execute("CREATE SCHEMA expected")
        empty.connection.execute("SET LOCAL search_path = expected, pinned, pg_catalog")
        for text in texts:
            empty.connection.execute(text.encode())
        return describe(side.dialect, _rows_of(empty))


def _of_catalogs(
    dialect: Dialect, expected: Parts, found: Parts, steps: Sequence[Step], facts: Facts
) -> Iterator[_Problem]:
    catalog = facts.catalogs[dialect]
    for (table, kind, name), wanted, there in differences(expected, found):
        store = catalog[table].store if table in catalog else steps[0].store
        step = next((step for step in steps if step.store == store), steps[0])
        what = f"{kind} {name}" + ("" if kind == "table" else f" of {table}")
        if there is None:
            said = f"don't make {what}: {wanted}"
        elif wanted is None:
            said = f"leave {what}, which schema.sql does not make: {there}"
        else:
            said = f"make {what} {there}; schema.sql makes it {wanted}"
        message = f"from version {step.version} the upgrades {said}"
        yield _Problem(dialect, step.store, step.latest, table, name, message)


def _of_rows(
    side: Side, old: Catalog, before: Rows, after: Rows, steps: Sequence[Step]
) -> Iterator[_Problem]:
    """Find rows, tables and columns that an upgrade has lost."""
    for name, rows in before.items():
        table = old[name]
        step = next(step for step in steps if step.store == table.store)
        where = (side.dialect, step.store, step.latest, name)
        if name not in after:
            message = f"{name} is dropped, with {len(rows)} rows of {len(rows)}"
            yield _Problem(*where, name, message)
            continue
        now = side.catalog[name]
        key = table.primary_key or tuple(column.name for column in table.columns)
        key = tuple(column for column in key if now.column(column) is not None)
        keys = [Counter(_form([row.get(c) for c in key]) for row in r) for r in (rows, after[name])]
        lost = keys[0] - keys[1]
        if lost:
            message = f"{lost.total()} of {len(rows)} rows of {name} are lost, such as {min(lost)}"
            yield _Problem(*where, name, message)
        added = keys[1] - keys[0]
        if added and len(key) == len(table.primary_key):
            message = f"{added.total()} rows of {name} are new or have another key: {min(added)}"
            yield _Problem(*where, name, message)
        for column in table.columns:
            if now.column(column.name) is None:
                message = (
                    f"column {column.name} of {name} goes with its values, and the release before, "
                    "which may still run, names it"
                )
                yield _Problem(*where, column.name, message)


def _of_dialects(
    pair: Pair, before: Sequence[Rows], after: Sequence[Rows], steps: Sequence[Step]
) -> Iterator[_Problem]:
    """Find tables that had the same rows in both dialects, and have not any more."""
    for name, rows in after[0].items():
        others = after[1].get(name)
        table = pair.postgres.catalog[name]
        if others is None or not _same(before[0].get(name, []), before[1].get(name, [])):
            continue
        columns = [c.name for c in table.columns if pair.sqlite.catalog[name].column(c.name)]
        unlike = [c for c in columns if not _same(rows, others, c)]
        if not unlike and _same(rows, others):
            continue
        step = next(step for step in steps if step.store == table.store)
        what = ", ".join(unlike) or "its rows"
        message = (
            f"the dialects make other rows of {name} from the same ones: {what} differ"
            f"{_example(rows, others, unlike)}"
        )
        yield _Problem("sqlite", step.store, step.latest, name, (unlike or [name])[0], message)


def _same(
    ours: Iterable[Mapping[str, Any]], theirs: Iterable[Mapping[str, Any]], column: str = ""
) -> bool:
    both = [
        Counter(_form(row.get(column) if column else dict(row)) for row in rows)
        for rows in (ours, theirs)
    ]
    return both[0] == both[1]


def _example(
    ours: Iterable[Mapping[str, Any]], theirs: Iterable[Mapping[str, Any]], columns: Sequence[str]
) -> str:
    if not columns:
        return ""
    one, two = (Counter(_form(row.get(columns[0])) for row in rows) for rows in (ours, theirs))
    return f", such as {min(one - two)} on PostgreSQL, {min(two - one)} on SQLite"


def _form(value: Any) -> str:
    """Return a value as text that is the same for two ways to write a document."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(sorted(f"{k!r}: {_form(v)}" for k, v in value.items())) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_form, value)) + "]"
    return repr(value)


def _report(problem: _Problem, root: Path, report: Report) -> None:
    paths = upgrade_paths(problem.store, problem.dialect, root)
    path, line = _place(problem, paths)
    subject = problem.table if problem.name == problem.table else f"{problem.table}.{problem.name}"
    report.add(
        Finding(path, line, 1, RULE, problem.message),
        subject=f"{RULE} of {subject.strip('.')}",
        scopes=[Scope(one) for one in paths.values()],
    )


def _place(problem: _Problem, paths: Mapping[int, Path]) -> tuple[Path, int]:
    """Return the statement that a problem is about: the last one that names the part, or table."""
    if problem.line is not None:
        return paths[problem.version], problem.line
    for wanted in ({problem.table, problem.name}, {problem.table}, {problem.name}):
        for path in reversed(list(paths.values())):
            for statement in reversed(read_upgrade(path, problem.dialect).statements):
                if wanted.issubset(statement.names):
                    return path, statement.line
    return paths.get(problem.version) or next(iter(paths.values())), 1


def _report_work(work: Work, root: Path, report: Report) -> None:
    message = work.warning()
    if message is None:
        return
    path = upgrade_paths(work.store, "postgres", root)[work.version]
    # To look through a table for a rule of a new column is what such a column costs.
    level: Level = "warning" if work.is_validation else "error"
    report.add(
        Finding(path, work.line, 1, LOCK, message, level),
        subject=f"{LOCK} of {work.subject}",
        scopes=[Scope(path)],
    )

"""``aragora-sql check && …``: what check lets through, the application starts on, and the reverse.

The application is a real store on real databases, started on a tree by ``ARAGORA_SQL_DIR``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.checker.store_layout import checkout
from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from aragora_sql.queries.files import check_tree, sql_dir
from aragora_sql.stores.base import Store
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

NOTES = {dialect: f"{dialect}/notes" for dialect in ("postgres", "sqlite")}
# What says nothing about whether an application can use a tree, and takes long.
OTHERS = {"style", "squawk", "meaning", "full-scan", "filtered-walk", "plan-snapshot"}
OTHERS |= {"inexact-call"}
Break = Callable[[Path], object]


class Notes(Store):
    """The store of the small tree, as an application has it."""

    name = "notes"
    _queries: object

    async def work(self) -> None:
        """Make the first call."""
        async with self._database.read() as connection:
            await self._queries.get_note(connection, note_id="n1")  # type: ignore[attr-defined]


def without(*files: str) -> Break:
    def act(root: Path) -> None:
        for file in files:
            path = root / file
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return act


def folder_for(file: str) -> Break:
    def act(root: Path) -> None:
        (root / file).unlink()
        (root / file).mkdir()

    return act


def upgrades(*names: str) -> Break:
    def act(root: Path) -> None:
        for folder in NOTES.values():
            for name in names:
                path = root / folder / "upgrades" / name
                path.parent.mkdir(exist_ok=True)
                path.write_text("-- Nothing.\n\nSELECT 1;\n", encoding="utf-8")

    return act


def in_both(old: str, new: str) -> Break:
    def act(root: Path) -> None:
        for folder in NOTES.values():
            replace_in(root / folder / "queries.sql", old, new)

    return act


def emptied(root: Path) -> None:
    shutil.rmtree(root)
    for dialect in NOTES:
        (root / dialect).mkdir(parents=True)


def second_definition(root: Path) -> None:
    path = root / NOTES["sqlite"] / "queries.sql"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{text[: text.index('-- name: list_notes')]}", encoding="utf-8")


def not_utf8(root: Path) -> None:
    (root / NOTES["postgres"] / "schema.sql").write_bytes(b"-- \xff\n")


def dangling(root: Path) -> None:
    for folder in NOTES.values():
        path = root / folder / "queries.sql"
        path.unlink()
        path.symlink_to(root / "nowhere.sql")


BROKEN: dict[str, Break] = {
    "a schema is missing": without("sqlite/notes/schema.sql"),
    "queries are missing": without("postgres/notes/queries.sql"),
    "queries are missing in both": without(*(f"{f}/queries.sql" for f in NOTES.values())),
    "the store is missing": without(*NOTES.values()),
    "a dialect is missing": without("sqlite"),
    "the table of versions is missing": without("system"),
    "a folder is there for a file": folder_for("sqlite/notes/queries.sql"),
    "links lead nowhere": dangling,
    "a file is not UTF-8": not_utf8,
    "a string is never closed": in_both("-- name: get_note(", "SELECT 'x;\n-- name: get_note("),
    "a query is defined twice": second_definition,
    "a query is missing in both": in_both("-- name: get_note(", "-- name: find_note("),
    "a parameter has another name": in_both("(note_id)^", "(id)^"),
    "an operation is another": in_both("get_note(note_id)^", "get_note(note_id)"),
    "a table has no such column": in_both("    n.body,\n", "    n.bdoy AS body,\n"),
    "a name belongs to aiosql": in_both("-- name: list_notes(", "-- name: load_from_list("),
    "upgrades have a gap": upgrades("0003_more.sql"),
    "two upgrades have one number": upgrades("0002_more.sql", "0002_less.sql"),
    "an upgrade has another name": upgrades("2_more.sql"),
    "the tree is empty": emptied,
}


@pytest.fixture
def databases(
    sqlite_database: SQLiteDatabase, postgres_database: PostgresDatabase
) -> tuple[Database, ...]:
    return sqlite_database, postgres_database


async def refusals(databases: Iterable[Database], tree: Path) -> list[str]:
    """Start the application on each engine; return what it says against the tree."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARAGORA_SQL_DIR", str(tree))
        for database in databases:
            try:
                store = Notes(database)
                await store.initialize()
                await store.work()
            except (AragoraSQLError, AttributeError, TypeError) as error:
                said.append(f"{type(error).__name__}: {error}")
    return said


async def test_a_good_tree_is_checked_and_started(
    tree: Path, run_check: Check, databases: tuple[Database, ...]
) -> None:
    assert run_check(tree, skip=OTHERS).findings == ()
    assert await refusals(databases, tree) == []


@pytest.mark.parametrize("name", BROKEN)
async def test_a_tree_that_the_application_refuses_is_not_deployed(
    name: str, tree: Path, run_check: Check, databases: tuple[Database, ...]
) -> None:
    BROKEN[name](tree)
    assert await refusals(databases, tree) != []
    try:
        check_tree(tree, "--sql-dir")
    except ConfigurationError:
        return  # the command ends with exit code 2
    assert run_check(tree, skip=OTHERS).failed


def test_a_wrong_variable_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in (tmp_path / "nowhere", tmp_path):
        monkeypatch.setenv("ARAGORA_SQL_DIR", str(wrong))
        assert main(["check"]) == 2
        assert f"ARAGORA_SQL_DIR: {wrong} is not a" in capsys.readouterr().err


def test_the_line_of_the_guide_checks_the_tree_that_it_copies() -> None:
    """Without --sql-dir it would look at another one, and without --delete leave files behind."""
    guide = (checkout() / "docs" / "dba.md").read_text(encoding="utf-8")
    lines = [line for line in guide.splitlines() if line.startswith("aragora-sql check")]
    (line,) = [line for line in lines if "&&" in line]
    check, _, copy = line.partition(" && ")
    assert check == "aragora-sql check --sql-dir sql"
    assert copy.startswith("rsync -a --delete sql/ ")


def without_version(root: Path) -> None:
    path = root / "sqlite" / "jobs" / "schema.sql"
    text = path.read_text(encoding="utf-8")
    start = text.index("INSERT INTO _schema_versions")
    path.write_text(text[:start] + text[text.index(";", start) + 2 :], encoding="utf-8")


def without_jobs(root: Path) -> None:
    for dialect in NOTES:
        shutil.rmtree(root / dialect / "jobs")
        path = root / dialect / "schema.sql"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "jobs" not in line), encoding="utf-8")


# Of the package's own tree: what has no file any more, and what psql would not record.
OF_PACKAGE: dict[str, tuple[Break, str]] = {
    "queries": (without("postgres/jobs/queries.sql", "sqlite/jobs/queries.sql"), "missing-store"),
    "store": (without_jobs, "missing-store"),
    "version": (without_version, "version"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_PACKAGE)
def test_a_copy_of_the_package_s_tree_has_all_of_it(
    name: str, tmp_path: Path, run_check: Check
) -> None:
    tree = tmp_path / "sql"
    shutil.copytree(sql_dir(), tree)
    act, rule = OF_PACKAGE[name]
    act(tree)
    package = Path(aragora_sql.__file__).parent
    findings = run_check(tree, skip=OTHERS, python=(package,)).findings
    assert (rule, "jobs") in {(one.rule, one.path.parent.name) for one in findings}

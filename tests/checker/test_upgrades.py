"""Upgrade files: what passes the check can be applied, and the other way round."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from aragora_sql.database import Dialect
from aragora_sql.errors import AragoraSQLError
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import latest_version, read_upgrade
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

UPGRADE = Path("postgres", "notes", "upgrades", "0002_scores.sql")
INDEX = "CREATE INDEX{} IF NOT EXISTS idx_notes_score ON notes (score);\n"
MARK = "-- transaction: none because the table is in use\n"


@pytest.fixture
def upgrade(tree: Path) -> Path:
    """The path of an upgrade that is yet to be written; SQLite's adds the index too."""
    counterpart = tree / "sqlite" / UPGRADE.relative_to("postgres")
    for path in (tree / UPGRADE, counterpart):
        path.parent.mkdir()
        replace_in(
            path.parents[1] / "schema.sql",
            "CREATE INDEX IF NOT EXISTS idx_notes_created",
            INDEX.format("") + "\nCREATE INDEX IF NOT EXISTS idx_notes_created",
        )
    counterpart.write_text("-- An index.\n" + INDEX.format(""), encoding="utf-8")
    return tree / UPGRADE


def is_applicable(path: Path) -> bool:
    try:
        read_upgrade(path, "postgres")
    except AragoraSQLError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (MARK + INDEX.format(" CONCURRENTLY"), None),
        (MARK + "DROP INDEX CONCURRENTLY IF EXISTS idx_notes_created;\n", None),
        (MARK + "ALTER TABLE notes VALIDATE CONSTRAINT notes_score_check;\n", None),
        (
            "-- check: squawk require-concurrent-index-creation because there are few notes\n"
            + INDEX.format(""),
            None,
        ),
        ("ALTER TABLE notes ADD COLUMN IF NOT EXISTS extra TEXT;\n", None),
        (INDEX.format(" CONCURRENTLY"), "file"),
        (INDEX.format(""), "squawk"),
        (MARK + INDEX.format(""), "squawk"),
        (MARK + "CREATE INDEX CONCURRENTLY i ON notes (score);\n", "file"),
        ("UPDATE notes SET score = 0;\nCOMMIT;\nUPDATE notes SET score = 1;\n", "file"),
        ("-- transaction: none\nVACUUM notes;\n", "file"),
        (
            "-- check: squawk require-concurrent-index-creation because there are few notes\n"
            "ALTER TABLE notes ADD COLUMN IF NOT EXISTS extra TEXT;\n",
            "directive",
        ),
    ],
)
def test_what_passes_can_be_applied(
    upgrade: Path, run_check: Check, text: str, wanted: str | None
) -> None:
    upgrade.write_text(f"-- Another index.\n\n{text}", encoding="utf-8")
    checked = run_check(upgrade.parents[3], skip={"style"})
    assert {f.rule for f in checked.findings} == ({wanted} if wanted else set()), "\n".join(
        map(str, checked.findings)
    )
    assert {f.path for f in checked.findings} <= {upgrade}
    # What an engine could not run is refused before it is run; the rest is a matter of care.
    assert is_applicable(upgrade) is (wanted != "file")


@pytest.mark.parametrize("statement", ["COMMIT;", "PRAGMA foreign_keys = OFF;", "VACUUM;"])
def test_the_upgrades_of_sqlite_are_read_too(
    upgrade: Path, run_check: Check, statement: str
) -> None:
    root = upgrade.parents[3]
    upgrade.write_text("-- Another index.\n" + MARK + INDEX.format(" CONCURRENTLY"))
    counterpart = root / "sqlite" / UPGRADE.relative_to("postgres")
    counterpart.write_text(f"-- Another index.\n{statement}\n", encoding="utf-8")
    checked = run_check(root, skip={"style", "squawk"})
    assert {(f.rule, f.path, f.line) for f in checked.findings} == {("file", counterpart, 2)}


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_a_version_that_no_upgrade_leads_to_is_found(
    tree: Path, run_check: Check, dialect: str
) -> None:
    schema = tree / dialect / "notes" / "schema.sql"
    with schema.open("a", encoding="utf-8") as out:
        out.write("\nINSERT INTO _schema_versions (module, version) VALUES ('note', 1);\n")
    checked = run_check(tree, skip={"style", "squawk"})
    assert {(f.rule, f.path) for f in checked.findings} == {("version", schema)}


def test_the_packaged_stores_are_at_their_versions() -> None:
    statements: Counter[tuple[str, str]] = Counter()
    for path in packaged_sql_dir().glob("*/*/upgrades/*.sql"):
        dialect: Dialect = "postgres" if "postgres" in path.parts else "sqlite"
        store = path.parent.parent.name
        # What one engine has no use for is a comment there.
        statements[store, path.name] += len(read_upgrade(path, dialect).statements)
        assert latest_version(store, dialect) >= int(path.name[:4])
    assert statements
    assert min(statements.values()) > 0

"""Edits of the product's own tree that are right: no check has anything against them.

All that need the same commands are made in one copy, because none of them may give a finding.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.checker.check import Options, check
from aragora_sql.checker.upgrade_writing import write_upgrade
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.tree import read_tree
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir
from aragora_sql.schema.records import record_versions
from tests.checker.hand_edits import Change, both, swap, write
from tests.conftest import Servers

PACKAGE = Path(aragora_sql.__file__).parent


def rename(store: str, query: str, old: str, new: str) -> Change:
    """Rename an alias in a query of both dialects."""

    def change(root: Path) -> None:
        for dialect in DIALECTS:
            path = root / dialect / store / "queries.sql"
            before, name, rest = path.read_text(encoding="utf-8").partition(f"-- name: {query}(")
            body, behind, others = rest.partition("-- name: ")
            renamed = re.sub(rf"(?<![:\w.]){old}\.", f"{new}.", body)
            renamed = re.sub(rf"\bAS {old}\b", f"AS {new}", renamed)
            assert renamed != body
            path.write_text(f"{before}{name}{renamed}{behind}{others}", encoding="utf-8")

    return change


# What changes neither what a query answers nor how: nothing has to be written after them.
IN_FORM: dict[str, tuple[Change, ...]] = {
    "lines broken otherwise": both(
        "{}/workflow/queries.sql",
        "WHERE\n    finding_id = :finding_id\n    AND linked_id = :linked_id;",
        "WHERE finding_id = :finding_id AND linked_id = :linked_id;",
        within="-- name: delete_link(",
    ),
    "another description": both(
        "{}/critique/queries.sql", "-- Count all patterns.", "-- Count the patterns of all types."
    ),
    "a comment in a query": both(
        "{}/workflow/queries.sql",
        "    -- columns: FindingEvent\n    h.finding_id,",
        "    -- columns: FindingEvent\n    -- whose history it is\n    h.finding_id,",
    ),
    "a comment of a schema": both(
        "{}/workflow/schema.sql",
        "-- The one place that says which states end the work.",
        "-- Which states end the work is said here alone.",
    ),
    "the order of rules in a table": both(
        "{}/critique/schema.sql",
        "    CONSTRAINT patterns_success_count_check CHECK (success_count >= 0),\n"
        "    CONSTRAINT patterns_failure_count_check CHECK (failure_count >= 0),\n",
        "    CONSTRAINT patterns_failure_count_check CHECK (failure_count >= 0),\n"
        "    CONSTRAINT patterns_success_count_check CHECK (success_count >= 0),\n",
    ),
    "a direction that is the default": both(
        "{}/workflow/queries.sql",
        "ORDER BY h.finding_id, h.position;",
        "ORDER BY h.finding_id ASC, h.position ASC;",
    ),
    "a declaration of a plan with another reason": both(
        "{}/critique/queries.sql",
        "because a count of all rows looks at all rows",
        "because all of them are counted",
        within="-- name: count_debates(",
    ),
    "a condition the other way round": both(
        "{}/critique/queries.sql",
        "    c.id > :after_id\n    AND d.consensus_reached",
        "    d.consensus_reached\n    AND :after_id < c.id",
        within="-- name: export_training(",
    ),
    "another alias": (
        rename("critique", "get_debate", "d", "one"),
        rename("critique", "export_training", "c", "critique"),
    ),
    "a range of a mapping": (
        swap(
            "legacy/jobs.sql",
            "WHERE rowid BETWEEN :first_rowid AND :last_rowid",
            "WHERE rowid >= :first_rowid AND rowid <= :last_rowid",
        ),
    ),
}


TABLE = """\
CREATE TABLE IF NOT EXISTS critique_tags (
    critique_id {integer} NOT NULL,
    tag TEXT NOT NULL,
    CONSTRAINT critique_tags_pkey PRIMARY KEY (critique_id, tag),
    CONSTRAINT critique_tags_critique_id_fkey
    FOREIGN KEY (critique_id) REFERENCES critiques (id) ON DELETE CASCADE,
    CONSTRAINT critique_tags_tag_check CHECK (tag <> '')
){strict};

"""
QUERIES = """
-- name: list_critique_tags(critique_id)
-- List the tags of a critique.
SELECT t.tag
FROM critique_tags AS t
WHERE t.critique_id = :critique_id
ORDER BY t.tag{collate};

-- name: add_critique_tag(critique_id, tag)!
-- Add a tag to a critique, which may have it already.
INSERT INTO critique_tags (critique_id, tag)
VALUES (:critique_id, :tag)
ON CONFLICT (critique_id, tag) DO NOTHING;
"""
CALLER = """
from aragora_sql.queries import load_queries

class Tags:
    def __init__(self, database):
        self._database = database
        self._queries = load_queries("critique", "sqlite")

    async def tags(self, critique_id):
        async with self._database.read() as connection:
            rows = self._queries.list_critique_tags(connection, critique_id=critique_id)
            return [row["tag"] async for row in rows]

    async def add(self, critique_id, tag):
        async with self._database.transaction() as connection:
            await self._queries.add_critique_tag(connection, critique_id=critique_id, tag=tag)
"""
COMMENTS = """\
COMMENT ON TABLE critique_tags IS 'A tag of a critique.';
COMMENT ON COLUMN critique_tags.critique_id IS 'The critique.';
COMMENT ON COLUMN critique_tags.tag IS 'The tag.';

"""
POSTGRES, SQLITE = (f"{dialect}/critique/schema.sql" for dialect in DIALECTS)
AT = "CREATE TABLE IF NOT EXISTS agent_reputation"
# What needs an upgrade, a new version, and plans and fingerprints of what is new.
OF_TABLES: dict[str, tuple[Change, ...]] = {
    "an index": both(
        "{}/critique/schema.sql",
        "CREATE INDEX IF NOT EXISTS idx_critiques_created",
        "CREATE INDEX IF NOT EXISTS idx_critiques_outcome\nON critiques (outcome_agent) "
        "WHERE outcome_agent IS NOT NULL;\nCREATE INDEX IF NOT EXISTS idx_critiques_created",
    ),
    "a check": both(
        "{}/critique/schema.sql",
        "    CONSTRAINT critiques_expected_usefulness_check",
        "    CONSTRAINT critiques_outcome_agent_check CHECK (outcome_agent <> ''),\n"
        "    CONSTRAINT critiques_expected_usefulness_check",
    ),
    "a column that may be NULL": (
        *both(
            "{}/critique/schema.sql",
            "    fingerprint TEXT,\n",
            "    fingerprint TEXT,\n    source TEXT,\n",
        ),
        swap(
            POSTGRES,
            "COMMENT ON COLUMN critiques.created_at",
            "COMMENT ON COLUMN critiques.source IS 'Where it came from.';\n"
            "COMMENT ON COLUMN critiques.created_at",
        ),
    ),
    "a table": (
        swap(POSTGRES, AT, TABLE.format(integer="BIGINT", strict="") + AT),
        swap(SQLITE, AT, TABLE.format(integer="INTEGER", strict=" STRICT") + AT),
        swap(
            POSTGRES,
            "ALTER TABLE agent_reputation ENABLE",
            "ALTER TABLE critique_tags ENABLE ROW LEVEL SECURITY;\n"
            "ALTER TABLE agent_reputation ENABLE",
        ),
        swap(POSTGRES, "'agent_reputation FROM %I'", "'agent_reputation, critique_tags FROM %I'"),
        swap(POSTGRES, "COMMENT ON TABLE agent_rep", COMMENTS + "COMMENT ON TABLE agent_rep"),
    ),
    "queries with their caller": (
        write("postgres/critique/queries.sql", QUERIES.format(collate=' COLLATE "C"'), at_end=True),
        write("sqlite/critique/queries.sql", QUERIES.format(collate=""), at_end=True),
        write("../code/tags.py", CALLER),
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the product's tree, with the style beside it."""
    shutil.copytree(packaged_sql_dir(), tmp_path / "sql")
    for name in (".sqlfluff", "pyproject.toml"):
        if (PACKAGE.parent / name).is_file():
            shutil.copy(PACKAGE.parent / name, tmp_path)
    return tmp_path / "sql"


def make(root: Path, edits: Iterable[tuple[Change, ...]]) -> None:
    for changes in edits:
        for change in changes:
            change(root)


def swap_queries(root: Path) -> None:
    """Put the first query of a file last, in both dialects."""
    for dialect in ("postgres", "sqlite"):
        path = root / dialect / "workflow" / "queries.sql"
        head, *queries = path.read_text(encoding="utf-8").split("-- name: ")
        texts = [*queries[1:-1], f"{queries[-1].rstrip()}\n\n", f"{queries[0].rstrip()}\n"]
        path.write_text("-- name: ".join([head, *texts]), encoding="utf-8")


def checked(root: Path, servers: Servers, *, update: bool = False) -> list[str]:
    options = Options(
        root,
        (PACKAGE, root.parent / "code"),
        dsn=servers.default.dsn("postgres"),
        update_plans=update,
        update_answers=update,
    )
    return [str(finding) for finding in check(options).findings]


@pytest.mark.slow
def test_edits_in_form_are_no_finding(root: Path, servers: Servers) -> None:
    make(root, IN_FORM.values())
    swap_queries(root)
    assert checked(root, servers) == []


@pytest.mark.slow
def test_edits_of_tables_with_their_upgrade_are_no_finding(root: Path, servers: Servers) -> None:
    make(root, OF_TABLES.values())
    with Engines(read_tree(root), servers.default.dsn("postgres")) as engines:
        assert write_upgrade(engines, "critique", "tags").left == ()
    record_versions(root)
    checked(root, servers, update=True)
    assert checked(root, servers) == []

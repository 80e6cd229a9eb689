"""Ten mistakes in a copy of the packaged tree: each is found, in the file and line where it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aragora_sql.checker.check import Options, check
from aragora_sql.queries.files import packaged_sql_dir
from tests.checker.tree import replace_in
from tests.conftest import Servers

PACKAGE = Path(__file__).resolve().parents[2] / "aragora_sql"
SLOW = frozenset(
    {"meaning", "style", "squawk", "mapping", "mapping-snapshot", "upgrade", "upgrade-lock"}
)

# Makes a mistake and returns where it has to be found: rule, file, line.
Mistake = Callable[[Path], tuple[str, str, int]]

CRITIQUE_SCHEMA = "sqlite/critique/schema.sql"
CONSENSUS = "postgres/consensus/queries.sql"


def edit(rule: str, file: str, old: str, new: str, below: int = 0) -> Mistake:
    """Replace a text that stands once; the mistake is in its line, or some lines below."""
    return lambda root: (rule, file, replace_in(root / file, old, new) + below)


def within(root: Path, file: str, query: str, old: str, new: str) -> int:
    """Replace a text in one query and return its line."""
    path = root / file
    text = path.read_text(encoding="utf-8")
    start = text.index(f"-- name: {query}(")
    at = text.index(old, start)
    path.write_text(text[:at] + new + text[at + len(old) :], encoding="utf-8")
    return text.count("\n", 0, at) + 1


def rename_a_column(root: Path) -> tuple[str, str, int]:
    path = root / CRITIQUE_SCHEMA
    line = replace_in(path, "    rounds_used INTEGER,", "    rounds INTEGER,")
    replace_in(path, "CHECK (rounds_used >= 0)", "CHECK (rounds >= 0)")
    return "parity-column", CRITIQUE_SCHEMA, line


def swap_two_columns(root: Path) -> tuple[str, str, int]:
    old, new = "    d.task,\n    d.final_answer,", "    d.final_answer,\n    d.task,"
    file = "sqlite/critique/queries.sql"
    return "parity-columns", file, within(root, file, "get_debate", old, new)


def remove_a_cast(root: Path) -> tuple[str, str, int]:
    line = within(root, CONSENSUS, "insert_dissent", ":metadata::jsonb", ":metadata")
    return "uncast-document", CONSENSUS, line


def add_a_parameter(root: Path) -> tuple[str, str, int]:
    file = "sqlite/consensus/queries.sql"
    line = within(root, file, "count_domain", "count_domain(domain)", "count_domain(domain, least)")
    within(
        root, file, "count_domain", "domain = :domain", "domain = :domain AND confidence > :least"
    )
    return "parity-parameters", file, line


def delete_a_query(root: Path) -> tuple[str, str, int]:
    for dialect in ("postgres", "sqlite"):
        path = root / dialect / "critique" / "queries.sql"
        text = path.read_text(encoding="utf-8")
        start = text.index("-- name: count_debates(")
        end = text.index("-- name:", start + 1)
        path.write_text(text[:start] + text[end:], encoding="utf-8")
    store = PACKAGE / "stores" / "critique" / "store.py"
    source = store.read_text(encoding="utf-8")
    return "unknown-query", str(store), source.count("\n", 0, source.index(".count_debates(")) + 1


def add_an_unused_query(root: Path) -> tuple[str, str, int]:
    line = 0
    for dialect in ("sqlite", "postgres"):
        path = root / dialect / "critique" / "queries.sql"
        line = path.read_text(encoding="utf-8").count("\n") + 2
        with path.open("a", encoding="utf-8") as out:
            out.write("\n-- name: nobody(id)^\n-- Nobody asks.\n")
            out.write("SELECT d.task FROM debates AS d\nWHERE d.id = :id;\n")
    return "unused-query", "postgres/critique/queries.sql", line


def drop_a_foreign_key(root: Path) -> tuple[str, str, int]:
    text = (root / CRITIQUE_SCHEMA).read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index("CREATE TABLE IF NOT EXISTS critiques")) + 1
    key = (
        "    CONSTRAINT critiques_debate_id_fkey\n"
        "    FOREIGN KEY (debate_id) REFERENCES debates (id) ON DELETE CASCADE,\n"
    )
    replace_in(root / CRITIQUE_SCHEMA, key, "")
    return "parity-foreign-key", CRITIQUE_SCHEMA, line


def drop_an_index(root: Path) -> tuple[str, str, int]:
    file = "postgres/consensus/schema.sql"
    text = (root / file).read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index("    CONSTRAINT consensus_supersedes_fkey")) + 1
    index = (
        "CREATE INDEX IF NOT EXISTS idx_consensus_supersedes\n"
        "ON consensus (supersedes) WHERE supersedes IS NOT NULL;\n"
    )
    replace_in(root / file, index, "")
    return "unindexed-foreign-key", file, line


MISTAKES: dict[str, Mistake] = {
    "rename a column in one dialect": rename_a_column,
    "drop an index": drop_an_index,
    "swap two result columns": swap_two_columns,
    "change a type": edit(
        "parity-column", CRITIQUE_SCHEMA, "    severity REAL,", "    severity TEXT,"
    ),
    "remove a cast": remove_a_cast,
    "add a parameter on one side": add_a_parameter,
    "misspell a table": edit(
        "prepare",
        CONSENSUS,
        "SELECT count(*) AS total\nFROM consensus;",
        "SELECT count(*) AS total\nFROM concensus;",
        below=1,
    ),
    "delete a query": delete_a_query,
    "add an unused query": add_an_unused_query,
    "drop a foreign key in one dialect": drop_a_foreign_key,
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "sql"
    shutil.copytree(packaged_sql_dir(), root)
    return root


def options(root: Path, servers: Servers) -> Options:
    return Options(root, (PACKAGE,), skip=SLOW, dsn=servers.default.dsn("postgres"))


# Mistakes that do not hide each other are looked for together: a check of the whole tree is long.
TOGETHER = [
    ("rename a column in one dialect", "drop an index", "add a parameter on one side"),
    ("swap two result columns", "remove a cast", "change a type", "add an unused query"),
    ("misspell a table", "delete a query", "drop a foreign key in one dialect"),
]


@pytest.mark.slow
@pytest.mark.parametrize("mistakes", TOGETHER, ids="; ".join)
def test_a_mistake_is_found_where_it_is(
    mistakes: tuple[str, ...], copy: Path, servers: Servers
) -> None:
    made = [MISTAKES[mistake](copy) for mistake in mistakes]
    checked = check(options(copy, servers))
    assert checked.failed
    places = {(f.rule, str(f.path), f.line) for f in checked.findings}
    for rule, file, line in made:
        assert (rule, str(copy / file), line) in places, "\n".join(map(str, checked.findings))


def test_the_ten_mistakes() -> None:
    assert len(MISTAKES) == 10
    assert sorted(name for names in TOGETHER for name in names) == sorted(MISTAKES)
    assert not any(re.search(r"\d", name) for name in MISTAKES)

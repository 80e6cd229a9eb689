"""The types of the queries: what they are, that they are as committed, and what they catch."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.checker.stubs import class_name, stub_of, stubs
from aragora_sql.cli import main
from aragora_sql.engines.expressions import gives_one_row, nullable_parameters
from aragora_sql.engines.facts import Engines, Facts, read_facts, read_tree
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import DIALECTS, sql_folder, stub_folder
from tests.conftest import Servers

PACKAGE = Path(aragora_sql.__file__).parent


def test_the_stubs_are_as_committed(servers: Servers, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stubs", "--check", "--dsn", servers.default.dsn("postgres")]) == 0, (
        capsys.readouterr().out
    )


def test_every_store_has_one_that_names_every_query(facts: Facts) -> None:
    written = stubs(facts)
    for store in {store for store, *_ in COLUMNS}:
        module = ast.parse(written[f"{store}.pyi"])
        (protocol,) = [
            node
            for node in module.body
            if isinstance(node, ast.ClassDef) and node.name == class_name(store)
        ]
        methods = [
            node.name
            for node in protocol.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        assert methods == list(dict.fromkeys(n for _, s, n in facts.texts if s == store))
        for dialect in DIALECTS:
            shared = {name for name in methods if (dialect, store, name) in facts.texts}
            assert shared <= set(dir(load_queries(store, dialect)))


def test_what_a_stub_says(tree: Path, servers: Servers) -> None:
    with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
        text = stub_of(read_facts(engines), "notes")
    assert (
        'class GetNoteRow(TypedDict):\n    """A row of get_note."""\n\n'
        "    id: str\n    body: str | None\n    done: bool\n    details: Any\n"
        "    created_at: datetime\n"
    ) in text
    assert "async def get_note(" in text
    assert "-> GetNoteRow | None:" in text
    assert "    def list_notes(" in text
    assert "        body: str | None,\n" in text
    assert "-> AsyncIterator[ListNotesRow]:" in text
    assert (
        "    async def count_notes(self, connection: Connection, /, *, author_id: str) -> int:"
        in text
    )
    assert '"""Return a note.\n\n        Operation ^: the first row, or None.\n        """' in text


def test_equal_rows_are_of_one_class(facts: Facts) -> None:
    row = re.compile(r'(?m)^class \w+Row\(TypedDict\):\n    """[^"]*"""\n\n((?:    .+\n)+)')
    for store, text in stubs(facts).items():
        rows = row.findall(text)
        assert len(rows) == len(set(rows)), store
    jobs = stub_of(facts, "jobs")
    assert 'class StoredJobRow(TypedDict):\n    """A row of enqueue_job, enqueue_group, ' in jobs
    assert "def get_job(self, connection: Connection, /, *, id: str) -> StoredJobRow | None" in jobs


def query(name: str, record: str, columns: str) -> str:
    return (
        f"\n-- name: {name}(author_id)\n-- List.\n"
        f"SELECT\n    -- columns: {record}\n    {columns}\n"
        "FROM notes AS n\nWHERE n.author_id = :author_id;\n"
    )


def test_a_shared_class_is_named_for_the_record_or_the_first_query(
    tree: Path, servers: Servers
) -> None:
    queries = (
        # GetNoteRow belongs to the query get_note.
        query("list_bodies", "GetNote", "n.id, n.body"),
        query("list_texts", "Text", "n.id, coalesce(n.body, '') AS body"),
        query("list_names", "Text", "n.id, n.author_id AS body"),
        # The same record, of other types.
        query("list_scores", "Text", "n.id, n.score AS body"),
    )
    for dialect in DIALECTS:
        with (tree / dialect / "notes" / "queries.sql").open("a", encoding="utf-8") as file:
            file.write("".join(queries))
    with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
        text = stub_of(read_facts(engines), "notes")
    rows = re.findall(r"(?m)^class (\w+Row)\(", text)
    assert rows == ["GetNoteRow", "ListNotesRow", "ListBodiesRow", "TextRow", "ListScoresRow"]
    assert '"""A row of list_texts, list_names."""' in text


# Of each store a column of a query, and what stands in the line behind its call that needs it.
COLUMNS = (
    ("catalog", "list_keys", "on_delete", '["on_delete"]'),
    ("checkpoints", "get_latest_debate_checkpoint", "phase", "record_of("),
    ("consensus", "list_votes", "source", "record_of("),
    ("critique", "lock_critique", "expected_usefulness", '["expected_usefulness"]'),
    ("integrations", "find_mapping", "display_name", "record_of("),
    ("jobs", "claim_jobs_of_type", "priority", "_claimed_jobs("),
    ("langgraph", "list_latest", "metadata", '["metadata"]'),
    ("langgraph", "list_thread", "checkpoint_ns", "list_thread("),
    ("schema_versions", "list_columns", "is_table", '["is_table"]'),
    ("workflow", "list_history", "user_name", "record_of("),
    ("workflow", "list_overdue", "assigned_to", "list_overdue("),
)
# Of some a parameter of a query.
PARAMETERS = (
    ("checkpoints", "list_all_debate_checkpoints", "before_id"),
    ("critique", "get_debate", "debate_id"),
    ("integrations", "add_messages", "messages"),
    ("jobs", "purge_jobs", "age_seconds"),
    ("langgraph", "copy_values", "source_id"),
    ("workflow", "list_assigned", "assigned_to"),
)


def module_of(store: str) -> str:
    """Return the module that calls a store's queries."""
    others = {
        "catalog": "checker/catalog.py",
        "langgraph": "stores/langgraph/saver.py",
        "schema_versions": "schema/applying.py",
    }
    return f"aragora_sql/{others.get(store, f'stores/{store}/store.py')}"


def lines_of(store: str, query: str, text: str) -> set[tuple[str, int]]:
    """Return the line of each call of a query, or the first one behind it with a text."""
    module = module_of(store)
    lines = (PACKAGE.parent / module).read_text(encoding="utf-8").splitlines()
    calls = [i for i, line in enumerate(lines) if f"queries.{query}(" in line]
    assert calls, query
    return {
        (module, next(i for i, line in enumerate(lines[call:], call + 1) if text in line))
        for call in calls
    }


def rename(path: Path, query: str, pattern: str, new: Callable[[re.Match[str]], str]) -> None:
    """Replace a pattern in a query."""
    text = path.read_text(encoding="utf-8")
    start = text.index(f"-- name: {query}(")
    end = text.find("-- name: ", start + 1)
    changed, count = re.subn(pattern, new, text[start:end])
    assert count, (path, query, pattern)
    path.write_text(text[:start] + changed + text[end:], encoding="utf-8")


@pytest.mark.slow
def test_a_renamed_column_turns_the_type_check_red_at_the_stores_line(
    tmp_path: Path, servers: Servers
) -> None:
    """On a copy of the package and its SQL files, whose stubs are made again."""
    package, root = tmp_path / "aragora_sql", tmp_path / "sql"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "sql"))
    shutil.copytree(read_tree().root, root)
    for dialect in DIALECTS:
        for store, query, column, _ in COLUMNS:
            path = sql_folder(store, dialect, root) / "queries.sql"
            selected = rf"(?m)^    (?:(.+) AS )?((?:\w+\.)?{column})(?=[,;]?$)"
            rename(path, query, selected, lambda m: f"    {m[1] or m[2]} AS renamed")
        for store, query, parameter in PARAMETERS:
            path = sql_folder(store, dialect, root) / "queries.sql"
            rename(path, query, rf"(:|\(|, ){parameter}\b", lambda m: f"{m[1]}renamed")
    with Engines(read_tree(root), servers.default.dsn("postgres")) as engines:
        facts = read_facts(engines)
    assert facts.problems == ()
    for name, text in stubs(facts).items():
        (package / "queries" / "typed" / name).write_text(text, encoding="utf-8")
    expected = set().union(*(lines_of(store, query, text) for store, query, _, text in COLUMNS))
    expected |= set().union(*(lines_of(store, query, query) for store, query, _ in PARAMETERS))

    # What an earlier run found of other packages is not found out again.
    options = ["--strict", "--cache-dir", str(PACKAGE.parent / ".mypy_cache" / "renamed")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *sorted({module for module, _ in expected})],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    said = re.findall(r"(?m)^(\S+\.py):(\d+): error: ", done.stdout)
    assert {(module, int(line)) for module, line in said} == expected, done.stdout


def test_the_folder_of_the_stubs_holds_nothing_else() -> None:
    assert {path.suffix for path in stub_folder().iterdir()} == {".pyi"}


@pytest.mark.parametrize(
    ("sql", "one"),
    [
        (
            "WITH a AS (SELECT count(*) AS n FROM t), b AS (SELECT 1 AS m) SELECT n, m FROM a, b",
            True,
        ),
        ("WITH a AS (SELECT count(*) AS n FROM t) SELECT a.n FROM a WHERE a.n > 1", False),
        ("WITH a AS (SELECT id FROM t) SELECT a.id FROM a", False),
        ("WITH a AS (SELECT count(*) AS n FROM t) SELECT a.n FROM a CROSS JOIN t", False),
    ],
)
def test_a_query_from_single_rows_gives_one(sql: str, one: bool) -> None:
    assert gives_one_row(sql, "postgres") is one


def test_of_a_coalesce_the_first_argument_may_be_none() -> None:
    sql = "SELECT coalesce(t.a = :a::text, FALSE), coalesce(t.b, :b), coalesce(max(:c), 0) FROM t"
    found = nullable_parameters(sql, "postgres", lambda table, column: None)
    assert found == {"a": True, "b": False, "c": False}

"""The types of the queries: what they are, that they are as committed, and what they catch."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.checker.expressions import gives_one_row, nullable_parameters
from aragora_sql.checker.facts import Engines, Facts, read_facts, read_tree
from aragora_sql.checker.stubs import class_name, stub_folder, stub_of, stubs
from aragora_sql.cli import main
from aragora_sql.queries import load_queries
from tests.checker.tree import replace_in
from tests.conftest import Servers

PACKAGE = Path(aragora_sql.__file__).parent


def test_the_stubs_are_as_committed(servers: Servers, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stubs", "--check", "--dsn", servers.default.dsn("postgres")]) == 0, (
        capsys.readouterr().out
    )


def test_every_store_has_one_that_names_every_query(facts: Facts) -> None:
    written = stubs(facts)
    for store in ("consensus", "critique", "schema_versions"):
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
        assert methods == [n for d, s, n in facts.texts if (d, s) == ("postgres", store)]
        queries = load_queries(store, "sqlite")
        assert set(methods) <= set(dir(queries))


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


def test_a_renamed_column_turns_the_type_check_red_at_the_stores_line(
    tmp_path: Path, servers: Servers
) -> None:
    """On a copy of the package and its SQL files, whose stubs are made anew."""
    package, root = tmp_path / "aragora_sql", tmp_path / "sql"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "sql"))
    tree = read_tree()
    shutil.copytree(tree.root, root)
    for dialect in ("postgres", "sqlite"):
        queries = root / dialect / "critique" / "queries.sql"
        text = queries.read_text(encoding="utf-8")
        start = text.index("-- name: lock_critique(")
        old = "    c.expected_usefulness,"
        at = text.index(old, start)
        new = "    c.expected_usefulness AS usefulness,"
        queries.write_text(text[:at] + new + text[at + len(old) :], encoding="utf-8")
        replace_in(queries, "-- name: get_debate(debate_id)^", "-- name: get_debate(key)^")
        replace_in(
            queries,
            "FROM debates AS d\nWHERE d.id = :debate_id;",
            "FROM debates AS d\nWHERE d.id = :key;",
        )
    with Engines(read_tree(root), servers.default.dsn("postgres")) as engines:
        facts = read_facts(engines)
    assert facts.problems == ()
    for name, text in stubs(facts).items():
        (package / "queries" / "typed" / name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "aragora_sql/stores/critique.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    store = (PACKAGE / "stores" / "critique.py").read_text(encoding="utf-8").splitlines()
    places = {
        number
        for number, line in enumerate(store, start=1)
        if 'critique["expected_usefulness"]' in line or "_queries.get_debate(" in line
    }
    assert len(places) == 3
    said = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert {int(line.split(":")[1]) for line in said} == places, done.stdout
    assert all(line.startswith("aragora_sql/stores/critique.py:") for line in said)


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

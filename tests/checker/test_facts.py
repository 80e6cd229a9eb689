from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Dialect
from aragora_sql.engines.facts import (
    Engines,
    Facts,
    QueryFacts,
    plan_lines,
    read_facts,
    read_tree,
)
from aragora_sql.engines.postgres_engine import PostgresEngine
from aragora_sql.engines.sqlite_engine import SQLiteEngine
from aragora_sql.queries.files import DIALECTS, QueryText
from tests.checker.tree import replace_in
from tests.conftest import Servers

both = pytest.mark.parametrize("dialect", DIALECTS)


def of(facts: Facts, dialect: Dialect, store: str, name: str) -> QueryFacts:
    found = facts.query(dialect, store, name)
    assert found is not None
    return found


def test_the_engines_take_every_query(facts: Facts) -> None:
    assert facts.problems == ()
    scripts = {key for key, text in facts.texts.items() if text.operation == "#"}
    assert facts.queries.keys() == facts.texts.keys() - scripts


def test_parameters_have_types(facts: Facts) -> None:
    query = of(facts, "postgres", "consensus", "find_similar")
    parameters = {p.name: (p.type, p.python_type, p.nullable) for p in query.parameters}
    assert parameters["levels"] == ("text[]", "list[str]", False)
    assert parameters["domain"] == ("text", "str", True)
    assert parameters["row_limit"] == ("bigint", "int", False)
    counterpart = of(facts, "sqlite", "consensus", "find_similar")
    assert [(p.name, p.python_type) for p in counterpart.parameters] == [
        (p.name, p.python_type) for p in query.parameters
    ]
    assert {p.type for p in counterpart.parameters} == {None}


@both
def test_a_parameter_for_a_column_that_may_be_null_may_be_none(
    facts: Facts, dialect: Dialect
) -> None:
    query = of(facts, dialect, "consensus", "insert_proof")
    nullable = {p.name: p.nullable for p in query.parameters}
    assert nullable["language"]
    assert not nullable["proof_status"]


@both
def test_a_parameter_that_is_selected_into_a_column_that_may_be_null_may_be_none(
    facts: Facts, dialect: Dialect
) -> None:
    nullable = {p.name: p.nullable for p in of(facts, dialect, "jobs", "enqueue_job").parameters}
    assert nullable["unique_key"]
    assert not nullable["priority"]


@both
def test_an_outer_join_leaves_the_row_that_is_written_as_it_is(
    facts: Facts, dialect: Dialect
) -> None:
    columns = {c.name: c for c in of(facts, dialect, "jobs", "claim_jobs").columns}
    assert columns["priority"].nullable is False
    assert columns["unique_key"].nullable


@both
def test_columns_have_types_and_origins(facts: Facts, dialect: Dialect) -> None:
    columns = {c.name: c for c in of(facts, dialect, "consensus", "get_consensus").columns}
    created = columns["created_at"]
    assert (created.python_type, created.nullable) == ("datetime", False)
    assert (created.table, created.column) == ("consensus", "created_at")
    assert columns["domain"].nullable
    assert columns["dissent_ids"].python_type == "Any"
    assert columns["superseded_by"].nullable is None


@both
def test_what_a_query_reads_and_writes(facts: Facts, dialect: Dialect) -> None:
    archive = of(facts, dialect, "consensus", "archive_consensus")
    assert archive.tables_read == ("consensus",)
    assert archive.tables_written == ("consensus_archive",)
    assert "consensus.topic" in archive.columns_read
    update = of(facts, dialect, "consensus", "update_cruxes")
    assert update.tables_written == ("consensus",)
    assert "consensus.id" in update.columns_read
    assert "consensus.belief_cruxes" in update.columns_written


@both
def test_plans(facts: Facts, engines: Engines, dialect: Dialect) -> None:
    lines = plan_lines(engines, of(facts, dialect, "consensus", "get_consensus"))
    assert any("consensus" in line or "SEARCH c" in line for line in lines)
    assert not any("cost=" in line for line in lines)


@both
def test_the_catalog(facts: Facts, dialect: Dialect) -> None:
    table = facts.catalogs[dialect]["critiques"]
    assert table.primary_key == ("id",)
    assert table.store == "critique"
    (key,) = table.foreign_keys
    assert (key.columns, key.target_table, key.on_delete) == (("debate_id",), "debates", "CASCADE")
    assert key.name == ("critiques_debate_id_fkey" if dialect == "postgres" else None)
    lines = table.path.read_text().splitlines()
    assert lines[table.line - 1].startswith("CREATE TABLE IF NOT EXISTS critiques")
    for column in table.columns:
        assert lines[column.line - 1].strip().startswith(column.name)
    index = next(index for index in table.indexes if index.name == "idx_critiques_debate_id")
    assert index.unique
    assert index.columns == ("debate_id", "fingerprint")
    assert index.name in lines[index.line - 1]
    created = table.column("created_at")
    assert created is not None
    assert (created.python_type, created.nullable) == ("datetime", False)


def test_the_catalog_knows_comments_and_row_level_security(facts: Facts) -> None:
    table = facts.catalogs["postgres"]["debates"]
    assert table.comment == "Result of a debate."
    assert table.row_level_security
    assert all(column.comment for column in table.columns)


def test_facts_can_be_written_as_json(facts: Facts) -> None:
    json.dumps([query.to_dict() for query in facts.queries.values()])
    json.dumps([table.to_dict() for table in facts.catalogs["sqlite"].values()])


@both
def test_an_edit_makes_one_query_new(
    dialect: Dialect,
    tree: Path,
    servers: Servers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an engine said of the others is kept, and is what it would say."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own-cache"))
    asked: list[str] = []
    for engine, method in ((PostgresEngine, "prepare"), (SQLiteEngine, "describe")):
        real = getattr(engine, method)

        def ask(self: Any, query: QueryText, real: Any = real) -> Any:
            asked.append(query.name)
            return real(self, query)

        monkeypatch.setattr(engine, method, ask)

    def read() -> Facts:
        asked.clear()
        with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
            return read_facts(engines)

    first = read()
    assert {"get_note", "list_notes", "count_notes"} <= set(asked)
    assert read() == first
    assert asked == []
    replace_in(tree / dialect / "notes" / "queries.sql", "count(*) AS total", "count(id) AS total")
    assert read() != first
    assert asked == ["count_notes"]
    # Another schema makes all of its engine new.
    schema = tree / dialect / "notes" / "schema.sql"
    schema.write_text(f"{schema.read_text(encoding='utf-8')}-- edited\n", encoding="utf-8")
    read()
    assert {"get_note", "list_notes", "count_notes"} <= set(asked)
    assert len(asked) == len(set(asked))

"""`load_queries`: the tree of SQL files in use, what a DBA may change in it, and what not."""

from __future__ import annotations

import inspect
import os
import shutil
from pathlib import Path

import pytest

from aragora_sql.database import Dialect
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import (
    ConfigurationError,
    QueryFileError,
    SchemaError,
    UnknownStoreError,
)
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import packaged_sql_dir, query_folders, read_queries
from aragora_sql.schema import render_schema
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.queries.trees import DIALECTS, write_store

ONE_QUERY = "-- name: answer()$\n-- Return the answer.\nSELECT 42;\n"


@pytest.fixture
def copied_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DBA's own copy of the SQL files, in use."""
    root = tmp_path / "our sql"
    shutil.copytree(packaged_sql_dir(), root)
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(root))
    return root


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_query_is_a_function_with_its_comment_and_parameters(
    tmp_path: Path, dialect: Dialect
) -> None:
    write_store(
        tmp_path, "\n-- name: get(note_id, at)^\n-- Return a note.\nSELECT :at, :note_id;\n"
    )
    queries = load_queries("notes", dialect, tmp_path)
    assert queries.available_queries == ["get"]
    assert queries.get.__doc__ == "Return a note."
    assert list(inspect.signature(queries.get).parameters) == ["note_id", "at"]
    # A traceback through the query points at the SQL file.
    assert queries.get.__code__.co_filename == str(tmp_path / dialect / "notes" / "queries.sql")
    assert queries.get.__code__.co_firstlineno == 2


def test_every_packaged_store_loads_in_both_dialects() -> None:
    for dialect in DIALECTS:
        for folder in query_folders(dialect, packaged_sql_dir()):
            assert load_queries(folder.name, dialect).available_queries


def test_a_store_without_queries_is_an_error(tmp_path: Path) -> None:
    write_store(tmp_path, schema="CREATE TABLE notes (id TEXT);")
    path = tmp_path / "sqlite" / "notes" / "queries.sql"
    with pytest.raises(QueryFileError) as caught:
        load_queries("notes", "sqlite", tmp_path)
    assert str(caught.value) == f"{path}: the file is missing"


@pytest.mark.parametrize("name", ["available_queries", "add_query", "load_from_list", "__init__"])
def test_a_name_that_aiosql_needs_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    write_store(tmp_path, ONE_QUERY + f"-- name: {name}()\n-- Do it.\nSELECT 1;\n")
    with pytest.raises(QueryFileError, match="belongs to aiosql") as caught:
        load_queries("notes", "sqlite", tmp_path)
    assert caught.value.line == 4


def test_a_name_that_would_hide_the_cursor_of_another_query_is_refused(tmp_path: Path) -> None:
    write_store(
        tmp_path,
        "-- name: q_cursor()\n-- Do it.\nSELECT 1;\n-- name: q()\n-- Do it.\nSELECT 2;\n",
    )
    with pytest.raises(QueryFileError, match=r"queries\.sql:1: query 'q_cursor'"):
        load_queries("notes", "sqlite", tmp_path)


def test_a_kind_conflict_in_the_schema_is_an_error_of_the_load(tmp_path: Path) -> None:
    schema = "CREATE TABLE a (\n    x JSONB\n);\nCREATE TABLE b (\n    x BOOLEAN\n);\n"
    write_store(tmp_path, ONE_QUERY, schema=schema)
    with pytest.raises(QueryFileError, match=r"schema\.sql:5: column 'x' holds a boolean|:2:"):
        load_queries("notes", "postgres", tmp_path)


def test_an_edited_file_is_seen_by_the_next_load(tmp_path: Path) -> None:
    write_store(tmp_path, ONE_QUERY)
    before = load_queries("notes", "sqlite", tmp_path)
    path = tmp_path / "sqlite" / "notes" / "queries.sql"
    edit(path, "SELECT 42", "SELECT 43")
    # Even an edit within the clock's resolution counts, when the size changes or the time does.
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    after = load_queries("notes", "sqlite", tmp_path)
    assert before.answer.sql.endswith(" 42")
    assert after.answer.sql.endswith(" 43")


def test_an_unchanged_file_is_read_once(tmp_path: Path) -> None:
    write_store(tmp_path, ONE_QUERY)
    assert load_queries("notes", "sqlite", tmp_path) is load_queries("notes", "sqlite", tmp_path)


def test_a_corrected_file_loads(tmp_path: Path) -> None:
    write_store(tmp_path, "-- name: answer()$\nSELECT 42;\n")
    with pytest.raises(QueryFileError, match="no comment"):
        load_queries("notes", "sqlite", tmp_path)
    write_store(tmp_path, ONE_QUERY)
    assert load_queries("notes", "sqlite", tmp_path).available_queries == ["answer"]


def test_the_variable_replaces_the_packaged_tree(copied_tree: Path) -> None:
    path = copied_tree / "sqlite" / "consensus" / "queries.sql"
    edit(path, "SELECT", "SELECT /* ours */")
    store: str = "consensus"
    queries = load_queries(store, "sqlite")
    assert any("/* ours */" in getattr(queries, name).sql for name in queries.available_queries)


def test_a_tree_that_is_not_there_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match=r"ARAGORA_SQL_DIR: .*nowhere is not a folder"):
        load_queries("consensus", "sqlite")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("empty", r"copy .*sql, change the copy and name it$"),
        ("", r"did you mean .*copied/sql\?$"),
        ("sql/postgres", r"did you mean .*copied/sql\?$"),
        ("sql/postgres/consensus", r"copy .*sql, change the copy and name it$"),
    ],
)
def test_a_folder_that_is_no_tree_names_the_variable_and_what_is_near(
    given: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "copied"
    shutil.copytree(packaged_sql_dir(), root / "sql")
    (root / "empty").mkdir()
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(root / given))
    for dialect in DIALECTS:
        with pytest.raises(ConfigurationError, match=hint) as caught:
            load_queries("consensus", dialect)
        assert str(caught.value).startswith(
            f"ARAGORA_SQL_DIR: {root / given} is not a tree of SQL files: it has neither "
            "postgres/schema.sql nor sqlite/schema.sql; "
        )
    with pytest.raises(ConfigurationError):
        render_schema("sqlite")


def test_a_tree_of_one_engine_names_the_folder_of_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("postgres", "system"):
        shutil.copytree(packaged_sql_dir() / folder, tmp_path / folder)
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tmp_path))
    assert load_queries("consensus", "postgres").available_queries  # type: ignore[attr-defined]
    with pytest.raises(UnknownStoreError, match=f"there is no folder {tmp_path / 'sqlite'}"):
        ConsensusMemory(SQLiteDatabase(tmp_path / "a.db"))


def test_a_tree_of_an_older_release_says_what_has_moved(copied_tree: Path) -> None:
    system = copied_tree / "system" / "sqlite" / "schema_versions"
    system.rename(copied_tree / "sqlite" / "schema_versions")
    with pytest.raises(ConfigurationError) as caught:
        load_queries("consensus", "sqlite")
    assert "belongs in system/sqlite/schema_versions now: move it there" in str(caught.value)


def test_a_tree_without_the_store_lists_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path, ONE_QUERY)
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tmp_path))
    with pytest.raises(UnknownStoreError, match="no store 'consensus'; there are: notes"):
        ConsensusMemory(SQLiteDatabase(tmp_path / "a.db"))


def test_more_queries_than_the_store_needs_are_welcome(copied_tree: Path, tmp_path: Path) -> None:
    path = copied_tree / "sqlite" / "consensus" / "queries.sql"
    path.write_text(path.read_text(encoding="utf-8") + "\n" + ONE_QUERY, encoding="utf-8")
    ConsensusMemory(SQLiteDatabase(tmp_path / "a.db"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "-- name: get_consensus(consensus_id)^",
            "-- name: get_one(consensus_id)^",
            "query 'get_consensus' is missing; the store needs it as in ",
        ),
        (
            "-- name: get_consensus(consensus_id)^",
            "-- name: get_consensus(consensus_id)",
            "query 'get_consensus': its operation is 'none', but the store expects '^'",
        ),
        (
            "-- name: get_consensus(consensus_id)^",
            "-- name: get_consensus(id)^",
            "parameter :consensus_id is not in its list (id)",
        ),
    ],
)
def test_a_tree_that_breaks_the_contract_fails_when_the_store_is_made(
    copied_tree: Path, tmp_path: Path, old: str, new: str, problem: str
) -> None:
    path = copied_tree / "sqlite" / "consensus" / "queries.sql"
    edit(path, old, new)
    with pytest.raises(QueryFileError) as caught:
        ConsensusMemory(SQLiteDatabase(tmp_path / "a.db"))
    assert problem in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_other_parameters_than_the_store_gives_are_an_error_at_the_query(
    copied_tree: Path, tmp_path: Path
) -> None:
    path = copied_tree / "sqlite" / "consensus" / "queries.sql"
    query = read_queries(path, "sqlite")["get_consensus"]
    edit(path, query.sql, query.sql.replace(":consensus_id", ":wanted"))
    edit(path, "get_consensus(consensus_id)^", "get_consensus(wanted)^")
    with pytest.raises(QueryFileError) as caught:
        ConsensusMemory(SQLiteDatabase(tmp_path / "a.db"))
    assert str(caught.value) == (
        f"{path}:{query.line}: query 'get_consensus': it takes (wanted), but the store gives "
        "(consensus_id)"
    )


def test_a_query_with_its_parameters_in_another_order_is_the_same(
    copied_tree: Path, tmp_path: Path
) -> None:
    path = copied_tree / "system" / "sqlite" / "schema_versions" / "queries.sql"
    edit(
        path, "set_version(module, version, updated_at)", "set_version(updated_at, version, module)"
    )
    load_queries("schema_versions", "sqlite")


async def test_a_tree_without_the_schema_is_an_error_of_initialize(
    copied_tree: Path, sqlite_database: SQLiteDatabase
) -> None:
    (copied_tree / "sqlite" / "consensus" / "schema.sql").unlink()
    with pytest.raises((QueryFileError, SchemaError), match=r"consensus/schema\.sql: "):
        await ConsensusMemory(sqlite_database).initialize()

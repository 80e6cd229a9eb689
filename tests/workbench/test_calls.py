"""``run`` and ``explain`` on a database of the user's: results, plans, and nothing written."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import UNREACHABLE
from tests.terminals import on_terminal
from tests.workbench.conftest import Command

VOTE = ["-p", "debate_id=d 1", "-p", "user_id=ann", "-p", "vote=yes", "-p", "source=web"]
VOTE += ["-p", "voted_at=2026-02-12T17:42:57.5+01:00"]
DEBATE = {
    "id": "d 1",
    "task": "Größe",
    "final_answer": None,
    "consensus_reached": True,
    "confidence": 1,
    "rounds_used": 2,
    "duration_seconds": 0.5,
    "grounded_verdict": {"a": [1, None]},
    "created_at": "2026-02-12T16:42:57Z",
}


def as_json(parameters: dict[str, Any]) -> list[str]:
    return [
        part
        for name, value in parameters.items()
        for part in ("-p", f"{name}:={json.dumps(value)}")
    ]


def contents(location: str | Path) -> str:
    """A digest of every row of the tables that these tests could write to."""
    tables = ("debate_votes", "debates", "critiques", "consensus")
    lines: list[str] = []
    if isinstance(location, Path):
        with closing(sqlite3.connect(location)) as connection:
            for table in tables:
                lines += [repr(row) for row in connection.execute(f"SELECT * FROM {table}")]
    else:
        with psycopg.connect(location) as server:
            for table in tables:
                lines += [repr(row) for row in server.execute(f"SELECT t, xmin FROM {table} AS t")]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def test_a_write_needs_permission(command: Command, location: str | Path) -> None:
    before = contents(location)
    assert command("run", "consensus.set_vote", *VOTE) == 2
    assert "consensus.set_vote" in command.err
    assert "add --write to run it" in command.err
    assert contents(location) == before
    assert command("run", "consensus.set_vote", *VOTE, "--write") == 0
    assert command.out == "1 row changed\n"
    (vote,) = command.json("run", "consensus.list_votes", "-p", "debate_id=d 1")
    assert vote["updated_at"] == "2026-02-12T16:42:57.500000+00:00"
    assert (vote["user_id"], vote["vote"], vote["source"]) == ("ann", "yes", "web")


def test_rows_are_a_table(command: Command) -> None:
    assert command("run", "consensus.list_votes", "-p", "debate_id=d 1") == 0
    assert (command.out, command.err) == ("", "0 rows\n")
    assert command("run", "consensus.set_vote", *VOTE, "--write") == 0
    assert command("run", "consensus.list_votes", "-p", "debate_id=d 1") == 0
    # In a pipe the rows stand alone.
    heading, row = (line.split("\t") for line in command.out.splitlines())
    assert heading[:3] == ["debate_id", "user_id", "vote"]
    assert row[:3] == ["d 1", "ann", "yes"]
    assert command.err == "1 row\n"
    screen = on_terminal(command.words("run", "consensus.list_votes", "-p", "debate_id=d 1"), 200)
    assert screen.lines[0].split()[:3] == heading[:3]
    assert screen.lines[-1] == "1 row"


def test_rows_that_are_too_wide_stand_one_below_the_other(
    command: Command,
) -> None:
    assert command("run", "consensus.set_vote", *VOTE, "--write") == 0
    screen = on_terminal(command.words("run", "consensus.list_votes", "-p", "debate_id=d 1"), 60)
    lines = [line.split() for line in screen.lines]
    assert lines[:3] == [["row", "1"], ["debate_id", "d", "1"], ["user_id", "ann"]]
    assert lines[-1] == ["1", "row"]


def test_each_operation_has_its_form(command: Command) -> None:
    assert command.json("run", "critique.count_debates") == 0
    assert command("run", "critique.count_debates") == 0
    assert command.out == "0\n"
    assert command.json("run", "critique.get_debate", "-p", "debate_id=d 1") is None
    assert command("run", "critique.get_debate", "-p", "debate_id=d 1") == 0
    assert (command.out, command.err) == ("", "no row\n")
    assert command.json("run", "critique.upsert_debate", *as_json(DEBATE), "--write") == 1
    row = command.json("run", "critique.get_debate", "-p", "debate_id=d 1")
    assert row["task"] == "Größe"
    assert row["consensus_reached"] is True
    assert row["grounded_verdict"] == {"a": [1, None]}
    assert row["final_answer"] is None
    assert command("run", "critique.get_debate", "-p", "debate_id=d 1") == 0
    assert "consensus_reached\ttrue" in command.out.splitlines()
    listed = command.json("run", "critique.list_debates", "-p", 'debate_ids=["d 1", "d 2"]')
    assert [debate["id"] for debate in listed] == ["d 1"]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (["min_confidence=high", "row_limit=5"], "min_confidence: it takes a number"),
        (["min_confidence=0.5", "row_limit=5.5"], "row_limit: it takes a whole number"),
        (["min_confidence=0.5", 'row_limit:="5"'], "row_limit: it takes a whole number"),
        (["min_confidence=0.5", "row_limit:=true"], "row_limit: it takes a whole number"),
        (["min_confidence=0.5", "row_limit:=5x"], "row_limit: not JSON"),
        (["min_confidence:=NaN", "row_limit=5"], "NaN has no form in JSON"),
        (["min_confidence=0.5"], "missing parameter 'row_limit'"),
        (["min_confidence=0.5", "row_limt=5"], "did you mean 'row_limit'?"),
        (["row_limit=5", "row_limit=6"], "'row_limit' is given twice"),
        (["row_limit"], "'row_limit' is neither name=value nor name:=json"),
    ],
)
def test_wrong_parameters_are_told(command: Command, parameters: list[str], problem: str) -> None:
    options = [part for parameter in parameters for part in ("--param", parameter)]
    for verb in ("run", "explain"):
        assert command(verb, "consensus.list_recent", *options) == 2
        assert problem in command.err
        assert command.out == ""


@pytest.mark.parametrize(
    ("parameter", "problem"),
    [
        ("cutoff=2026-02-12T16:42:57", "cutoff: it takes a timestamp with its time zone"),
        ("cutoff=yesterday", "cutoff: it takes a timestamp"),
        ("cutoff:=17", "cutoff: it takes a timestamp"),
    ],
)
def test_a_timestamp_has_a_time_zone(command: Command, parameter: str, problem: str) -> None:
    arguments = ["consensus.lock_expired", "-p", parameter, "-p", "row_limit=1"]
    assert command("explain", *arguments) == 2
    assert problem in command.err


def test_lists_and_documents_are_checked(command: Command) -> None:
    assert command("run", "critique.list_debates", "-p", "debate_ids=d 1") == 2
    assert "debate_ids: not JSON" in command.err
    assert "each item of which is text" in command.err
    assert command("run", "critique.list_debates", "-p", "debate_ids=[1]") == 2
    assert "debate_ids[0]: it takes text" in command.err
    wrong = as_json({**DEBATE, "consensus_reached": "yes"})
    assert command("run", "critique.upsert_debate", *wrong, "--write") == 2
    assert "consensus_reached: it takes true or false" in command.err


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("consensus.get_consenus", "consensus.get_consensus"),
        ("concensus.get_consensus", "consensus.get_consensus"),
        ("get_consensus", "consensus.get_consensus"),
        ("critique.get_consensus", "consensus.get_consensus"),
    ],
)
def test_an_unknown_query_gets_the_nearest_names(command: Command, name: str, nearest: str) -> None:
    for verb in ("run", "explain"):
        assert command(verb, name) == 2
        assert f"the nearest: {nearest}" in command.err


def test_what_is_like_nothing_gets_the_stores(command: Command) -> None:
    assert command("run", "x.qqqqqqqqq") == 2
    assert "stores: " in command.err
    assert "consensus, continuum, critique" in command.err


def test_explain_runs_nothing(command: Command, location: str | Path) -> None:
    before = contents(location)
    assert command("explain", "consensus.set_vote", *VOTE) == 0
    assert "sql/" in command.out.splitlines()[0]
    assert "queries.sql:" in command.out.splitlines()[0]
    if isinstance(location, str):
        assert "Insert on debate_votes" in command.out
        assert "actual" not in command.out
    assert command("explain", "critique.get_debate", "-p", "debate_id=d 1") == 0
    wanted = "debates_pkey" if isinstance(location, str) else "sqlite_autoindex_debates_1"
    assert wanted in command.out
    assert contents(location) == before


def test_an_analysed_write_is_rolled_back(command: Command, location: str | Path) -> None:
    assert command("run", "consensus.set_vote", *VOTE, "--write") == 0
    before = contents(location)
    other = [*VOTE[:-1], "voted_at=2026-03-01T00:00:00Z"]
    assert command("explain", "consensus.set_vote", *other, "--analyze") == 0
    assert "what it wrote was rolled back" in command.out
    assert ("actual time" if isinstance(location, str) else "1 row in ") in command.out
    assert contents(location) == before


def test_an_analysed_write_is_kept_on_demand(command: Command, location: str | Path) -> None:
    before = contents(location)
    assert command("explain", "consensus.set_vote", *VOTE, "--write") == 2
    assert "--write goes with --analyze" in command.err
    assert contents(location) == before
    assert command("explain", "consensus.set_vote", *VOTE, "--analyze", "--write") == 0
    assert "what it wrote was committed" in command.out
    assert len(command.json("run", "consensus.list_votes", "-p", "debate_id=d 1")) == 1


def test_rows_can_be_locked_in_an_analysis(command: Command) -> None:
    arguments = ["consensus.lock_expired", "-p", "cutoff=2026-01-01T00:00:00Z", "-p", "row_limit=1"]
    assert command("explain", *arguments, "--analyze") == 0
    # PostgreSQL's query locks rows, which a read-only transaction refuses.
    assert command("run", *arguments) == (2 if "postgres" in command.location else 0)


def test_an_analysed_read_reads_only(command: Command, location: str | Path) -> None:
    plan = command.json("explain", "critique.get_debate", "-p", "debate_id=d 1", "--analyze")
    assert plan["query"] == "critique.get_debate"
    assert plan["location"].endswith(f"sql/{plan['dialect']}/critique/queries.sql:91")
    assert plan["committed"] is False
    if isinstance(location, str):
        assert plan["plan"]["Execution Time"] >= 0
        assert plan["plan"]["Plan"]["Actual Rows"] == 0
    else:
        assert plan["row_count"] == 0
        assert plan["plan"][0]["detail"].startswith("SEARCH d")


def test_a_script_has_no_plan(command: Command) -> None:
    assert command("explain", "jobs.lock_limits") == 2
    assert "is a script: it has no plan" in command.err


@pytest.mark.parametrize("function", ["nextval('s')", "pg_notify('a', 'b'), write_note()"])
def test_a_function_that_writes_is_refused(
    function: str, postgres_dsn: str, sql_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the text of a query does not show, the server refuses."""
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE SEQUENCE s; CREATE TABLE note (a integer)")
        connection.execute(
            "CREATE FUNCTION write_note() RETURNS integer LANGUAGE sql "
            "AS 'INSERT INTO note VALUES (1) RETURNING a'"
        )
    path = sql_copy / "postgres" / "consensus" / "queries.sql"
    with path.open("a") as file:
        file.write(f"\n-- name: sneak()\n-- Write through a function.\nSELECT {function};\n")
    for verb in (["run"], ["explain", "--analyze"]):
        assert main([*verb, "consensus.sneak", "--dsn", postgres_dsn]) == 4
        assert "read-only transaction" in capsys.readouterr().err
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)
        assert connection.execute("SELECT is_called FROM s").fetchone() == (False,)


def test_reading_changes_no_byte_of_a_file(
    tmp_path: Path, template_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "aragora.db"
    path.write_bytes(template_file.read_bytes())
    target = ["--sqlite-path", str(path)]
    assert main(["run", "critique.get_stats", *target]) == 0
    assert main(["explain", "critique.get_stats", "--analyze", *target]) == 0
    assert main(["explain", "critique.delete_debate", "-p", "debate_id=1", *target]) == 0
    assert main(["run", "critique.delete_debate", "-p", "debate_id=1", *target]) == 2
    assert path.read_bytes() == template_file.read_bytes()
    capsys.readouterr()


def test_a_file_that_is_not_there_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none" / "aragora.db"
    for options in ([], ["--write"]):
        assert main(["run", "critique.get_stats", "--sqlite-path", str(path), *options]) == 2
        assert f"there is no SQLite file {path}" in capsys.readouterr().err
    assert not path.parent.exists()


@pytest.mark.parametrize("variable", [None, "DATABASE_URL", "ARAGORA_POSTGRES_DSN"])
def test_an_unreachable_server_is_named(
    variable: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = "postgresql://ann:s3cret@127.0.0.1:1/db"
    options = ["--dsn", dsn] if variable is None else []
    if variable is not None:
        monkeypatch.setenv(variable, dsn)
    for command in (["run", "critique.get_stats"], ["explain", "critique.get_stats"], ["top"]):
        assert main([*command, *options]) == UNREACHABLE
        error = capsys.readouterr().err
        assert "cannot connect to postgresql://ann:***@127.0.0.1:1/db" in error
        assert f"(the DSN is that of {variable or '--dsn'})" in error
        assert "s3cret" not in error


def test_a_query_that_takes_too_long_is_stopped(
    postgres_dsn: str, sql_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sql_copy / "postgres" / "consensus" / "queries.sql"
    with path.open("a") as file:
        file.write("\n-- name: wait()\n-- Sleep.\nSELECT pg_sleep(600) IS NULL AS slept;\n")
    assert main(["run", "consensus.wait", "--dsn", postgres_dsn, "--timeout", "0.2"]) == 4
    assert "statement timeout" in capsys.readouterr().err

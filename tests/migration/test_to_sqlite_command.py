"""``aragora-sql migrate --to-sqlite``: what it prints, exit codes, the commands of the docs."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import aragora_sql
from aragora_sql.checker.store_layout import checkout
from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import DIFFERENT, LEFT_BEHIND, OK, REFUSED, UNREACHABLE, USAGE
from tests.migration.moved import beside, execute, query
from tests.stores.samples import KEY

Command = Callable[..., tuple[int, str, str]]

SECRET = "k9secret"  # noqa: S105
NOWHERE = f"postgresql://u:{SECRET}@127.0.0.1:1/d?connect_timeout=2"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command; returns its exit code, output and errors."""

    def run_one(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main(["migrate", *words, "--rejects", str(tmp_path / "rejects")])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return run_one


_CONSENSUS: dict[str, Any] = {
    "strength": "strong",
    "confidence": 0.9,
    "participating_agents": ["claude", "gpt4"],
    "agreeing_agents": ["claude"],
}


async def write_since_the_switch() -> None:
    """Store something in every store that an application writes to, where the environment says."""
    memory = await aragora_sql.get_consensus_memory()
    critiques = await aragora_sql.get_critique_store()
    jobs = await aragora_sql.get_job_queue_store()
    integrations = await aragora_sql.get_integration_store()
    findings = await aragora_sql.get_finding_workflow_store()
    elo = await aragora_sql.get_elo_system()
    await memory.store_consensus(
        topic="Which database after the switch?",
        conclusion="back to the file",
        **_CONSENSUS,
    )
    await critiques.store_debate(debate_id="debate-1", task="Go back")
    await jobs.enqueue("index", {"page": 7}, id="job-1")
    await integrations.save(
        aragora_sql.IntegrationConfig(
            integration_type="slack", user_id="u1", settings={"bot_token": "xoxb-1"}
        )
    )
    await findings.create("f-17", priority=2)
    await elo.record_match(winner="claude", loser="gpt4")
    await aragora_sql.close_databases()


async def read_where_the_environment_says() -> None:
    """Assert that all of it is there, and that the stores go on."""
    memory = await aragora_sql.get_consensus_memory()
    assert memory.database.dialect == "sqlite"
    [found] = await memory.find_similar_debates("Which database after the switch?")
    assert found.consensus.conclusion == "back to the file"
    critiques = await aragora_sql.get_critique_store()
    debate = await critiques.get_debate("debate-1")
    assert debate is not None
    assert debate.task == "Go back"
    jobs = await aragora_sql.get_job_queue_store()
    claimed = await jobs.dequeue("worker-1")
    assert claimed is not None
    assert (claimed.id, claimed.payload) == ("job-1", {"page": 7})
    integrations = await aragora_sql.get_integration_store()
    config = await integrations.get("slack", "u1")
    assert config is not None
    assert config.settings == {"bot_token": "xoxb-1"}
    findings = await aragora_sql.get_finding_workflow_store()
    finding = await findings.get_finding("f-17")
    assert finding is not None
    assert finding.priority == 2
    elo = await aragora_sql.get_elo_system()
    leader, other = await elo.get_leaderboard()
    assert (leader.agent_name, other.agent_name) == ("claude", "gpt4")
    await elo.record_match(winner="gpt4", loser="claude")
    assert (await elo.recompute_ratings()).differences == []
    await aragora_sql.close_databases()


async def test_the_commands_of_the_page_lead_back(
    postgres_dsn: str, tmp_path: Path, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (checkout() / "docs" / "migration.md").read_text(encoding="utf-8")
    section = page.partition("## Back to SQLite")[2]
    block = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)[0]
    commands = re.findall(r"^aragora-sql migrate (.*?)(?: +#.*)?$", block, re.MULTILINE)
    assert len(commands) == 3
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".nomic").mkdir()
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    await write_since_the_switch()
    # A command runs an event loop of its own.
    for command, said in zip(
        commands, ("nothing was changed", "rows migrated", "rows are in the target"), strict=True
    ):
        code, out, err = await asyncio.to_thread(run, *shlex.split(command))
        assert (code, err) == (OK, "")
        assert said in out
        assert "from postgresql://" in out
    [(name, value)] = re.findall(r"^export (ARAGORA_\w+)=(\w+)", block, re.MULTILINE)
    monkeypatch.setenv(name, value)
    await read_where_the_environment_says()
    assert beside(tmp_path / ".nomic" / "aragora.db") == {"aragora.db"}


async def test_without_a_move_the_file_is_as_it_was(
    postgres_dsn: str, tmp_path: Path, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path))
    memory = await aragora_sql.get_consensus_memory()
    first = await memory.store_consensus(topic="Before the switch", conclusion="a", **_CONSENSUS)
    await aragora_sql.close_databases()
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    code, *_ = await asyncio.to_thread(run, "--sqlite-path", str(tmp_path))
    assert code == OK
    memory = await aragora_sql.get_consensus_memory()
    assert memory.database.dialect == "postgres"
    await memory.store_consensus(topic="After the switch", conclusion="b", **_CONSENSUS)
    await aragora_sql.close_databases()
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "sqlite")
    memory = await aragora_sql.get_consensus_memory()
    assert memory.database.dialect == "sqlite"
    assert [record.id for record in await memory.get_recent()] == [first.id]
    await aragora_sql.close_databases()


def test_the_report_as_json(postgres_dsn: str, tmp_path: Path, run: Command) -> None:
    execute(
        postgres_dsn,
        "INSERT INTO debates (id, task, created_at) VALUES ('d', 't', now()), "
        "('e', 't', 'infinity')",
        "ALTER TABLE debates ADD COLUMN note TEXT",
    )
    dsn = postgres_dsn.replace("postgres@", f"postgres:{SECRET}@", 1)
    path = tmp_path / "moved.db"
    words = ["--to-sqlite", str(path), "--dsn", dsn, "--store", "critique", "--json"]
    code, out, err = run(*words)
    report = json.loads(out)
    assert code == DIFFERENT
    assert (report["success"], report["total_migrated"], report["total_errors"]) == (False, 1, 1)
    assert report["target"] == str(path)
    assert report["reasons"] == {
        "debates.created_at: the timestamp … is not in the years 1 to …": 1
    }
    [file] = report["reject_files"]
    assert json.loads(Path(file).read_text(encoding="utf-8"))["key"] == {"id": "e"}
    assert SECRET not in out + err
    # What is printed for people names the same.
    path.unlink()
    code, out, err = run(*words[:-1], "-v")
    assert code == DIFFERENT
    assert "rejected 1 times: debates.created_at: the timestamp" in out
    assert f"rejected rows are in {tmp_path / 'rejects'}" in out
    assert "in source" in out
    assert SECRET not in out + err
    execute(postgres_dsn, "DELETE FROM debates WHERE id = 'e'", "UPDATE debates SET note = 'n'")
    code, out, _ = run(*words[:-1])
    assert code == LEFT_BEHIND
    assert "left behind: PostgreSQL: table debates, column note: 1 value" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--jobs", "2"], USAGE, "--jobs does not go with --to-sqlite"),
        (["--on-nul", "strip"], USAGE, "--on-nul does not go with --to-sqlite"),
        (["--source-timezone", "UTC"], USAGE, "--source-timezone does not go with --to-sqlite"),
        (["--renumber"], USAGE, "--renumber does not go with --to-sqlite"),
        (["--retry-rejects", "x"], USAGE, "--to-sqlite goes alone or with --from-langgraph"),
        (["--store", "notes"], USAGE, "'notes' can't be moved; there are: all, consensus"),
        (["--batch-size", "0"], USAGE, "0 is not from 1 to 1000000"),
        (["--verify-only"], USAGE, "there is no file"),
        ([], UNREACHABLE, "cannot connect to postgresql://u:***@127.0.0.1:1/d"),
    ],
)
def test_what_cannot_be_done_ends_with_its_exit_code(
    words: list[str], code: int, said: str, tmp_path: Path, run: Command
) -> None:
    path = tmp_path / "moved.db"
    found, out, err = run("--to-sqlite", str(path), "--dsn", NOWHERE, "--json", *words)
    assert found == code
    assert said in err
    assert json.loads(out)["success"] is False
    assert SECRET not in out + err
    assert beside(path) == set()


def test_without_a_dsn_and_without_the_rights(
    postgres_dsn: str, tmp_path: Path, run: Command
) -> None:
    path = tmp_path / "moved.db"
    code, _, err = run("--to-sqlite", str(path))
    assert code == USAGE
    assert "DATABASE_URL" in err
    path.mkdir()
    code, _, err = run("--to-sqlite", str(path), "--dsn", postgres_dsn)
    assert (code, "is a folder" in err) == (USAGE, True)
    path.rmdir()
    execute(postgres_dsn, "UPDATE _schema_versions SET version = 9 WHERE module = 'elo'")
    code, _, err = run("--to-sqlite", str(path), "--dsn", postgres_dsn)
    assert code == REFUSED
    assert "the source has schema version 9" in err
    assert "install a newer aragora-sql" in err
    assert beside(path) == set()


def test_a_full_disk_ends_it_and_the_next_run_goes_on(
    postgres_dsn: str, tmp_path: Path, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        postgres_dsn,
        "INSERT INTO debates (id, task) SELECT 'd' || n, repeat(md5(n::text), 200) "
        "FROM generate_series(1, 200) AS n",
    )
    path = tmp_path / "moved.db"
    words = ["--to-sqlite", str(path), "--dsn", postgres_dsn, "--store", "critique"]
    real = sqlite3.connect

    def limited(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = real(*arguments, **options)  # type: ignore[call-overload]
        if "isolation_level" in options:
            connection.execute("PRAGMA max_page_count = 120")
        return connection  # type: ignore[no-any-return]

    with monkeypatch.context() as patched:
        patched.setattr("aragora_sql.migration.to_sqlite.places.sqlite3.connect", limited)
        code, _, err = run(*words, "--batch-size", "5")
    assert code == REFUSED
    assert "database or disk is full" in err
    assert not path.exists()
    code, out, err = run(*words, "--json")
    report = {table["table"]: table for table in json.loads(out)["tables"]}
    assert code == OK
    assert 0 < report["debates"]["resumed"] < report["debates"]["migrated"] == 200
    with closing(real(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert query(path, "SELECT count(*), min(length(task)) FROM debates") == [(200, 6400)]

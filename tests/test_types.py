"""What a strict type checker finds in an application's code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from aragora_sql.cli import main
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.stores.checkpoints import DebateStatusWord
from aragora_sql.stores.consensus import (
    ConsensusStrength,
    DissentType,
    DissentTypeWord,
    ProofStatus,
    ProofStatusWord,
    StrengthWord,
)
from aragora_sql.stores.jobs import JobStatus, JobStatusWord
from aragora_sql.stores.workflow import FindingState, FindingStateWord
from tests.checker.tree import write_tree
from tests.conftest import Servers

ROOT = Path(__file__).resolve().parent.parent

# A line that ends in "# error: code" has to be found, and no other.
APPLICATION = """
import json

from aragora_sql import (
    ConsensusMemory,
    ConsensusStrength,
    CritiqueStore,
    Database,
    DissentType,
    FindingState,
    FindingWorkflowStore,
    JobQueueStore,
    JobStatus,
    PostgresConsensusMemory,
    PostgresJobQueueStore,
    SQLiteIntegrationStore,
    get_consensus_memory,
    get_langgraph_saver,
    get_postgres_job_queue_store,
    get_sqlite_consensus_memory,
    load_queries,
)
import aragora_sql


async def consensus(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus("T", "C", "strong", 0.5, [], [])
    await memory.store_consensus("T", "C", ConsensusStrength.SPLIT, 0.5, [], [])
    await memory.store_consensus("T", "C", record.strength, 0.5, [], [])
    await memory.store_consensus("T", "C", "stong", 0.5, [], [])  # error: arg-type
    await memory.store_dissent("d", "a", "risk_warning", "text")
    await memory.store_dissent("d", "a", "risk", "text")  # error: arg-type
    await memory.get_dissents_by_type(DissentType.ABSTENTION)
    await memory.get_dissents_by_type("abstain")  # error: arg-type
    assert record.strength == "weak" or record.strength == ConsensusStrength.WEAK


async def batches(
    memory: ConsensusMemory, critiques: CritiqueStore, queue: JobQueueStore, loaded: str
) -> None:
    await memory.store_dissents(
        [{"debate_id": "d", "agent_id": "a", "dissent_type": "abstention", "content": "c"}]
    )
    await memory.store_dissents(
        [{"debate_id": "d", "agent_id": "a", "content": "c"}]  # error: typeddict-item
    )
    await critiques.store_debates([{"debate_id": "d", "task": "t", "rounds_used": 3}])
    await critiques.store_debates(
        [{"debate_id": "d", "task": "t", "round": 3}]  # error: typeddict-unknown-key
    )
    await queue.enqueue_many(json.loads(loaded))
    await queue.enqueue_many(
        [{"job_type": "a", "priority": "high"}]  # error: list-item
    )


async def jobs(queue: JobQueueStore) -> None:
    for job in await queue.list_jobs("pending"):
        assert job.status == "pending" or job.status is JobStatus.PENDING
        await queue.list_jobs(job.status)
    await queue.list_jobs("waiting")  # error: arg-type
    await queue.purge(60, ["failed"])
    await queue.purge(60, ["pending"])  # error: list-item


async def findings(store: FindingWorkflowStore) -> None:
    await store.transition("f", "resolved")
    await store.transition("f", FindingState.OPEN)
    await store.transition("f", "wont_fix")  # error: arg-type
    await store.list_by_state("wont_fix")
    await store.list_by_state("solved")  # error: arg-type


async def factories() -> None:
    memory: ConsensusMemory = await get_consensus_memory()
    local: aragora_sql.SQLiteConsensusMemory = await get_sqlite_consensus_memory()
    await get_sqlite_consensus_memory(dsn="x")  # error: call-arg
    queue: PostgresJobQueueStore = await get_postgres_job_queue_store("postgresql://h/d")
    PostgresJobQueueStore(None, job_types=["a"])  # error: arg-type
    SQLiteIntegrationStore("x.db", extra_types=7)  # error: arg-type
    PostgresConsensusMemory("postgresql://h/d")  # error: arg-type
    saver = await get_langgraph_saver()
    print(memory, queue, saver.database, local.database)
    aragora_sql.PostgresUnheardStore  # error: attr-defined


async def queries(database: Database) -> None:
    loaded = load_queries("jobs", database.dialect)
    async with database.read() as connection:
        row = await loaded.get_job(connection, id="j")
        assert row is not None and row["status"] == "pending"
        await loaded.get_job(connection, job_id="j")  # error: call-arg
        await loaded.get_jobs(connection, id="j")  # error: attr-defined
        assert row["state"]  # error: typeddict-item
        others = load_queries("jobz", database.dialect)
        await others.whatever(connection)
"""

OWN_TREE = """
from typing import TYPE_CHECKING

from aragora_sql.database import Database

if TYPE_CHECKING:
    from typed import load_queries
else:
    from aragora_sql import load_queries


async def work(database: Database) -> None:
    queries = load_queries("notes", database.dialect)
    async with database.read() as connection:
        note = await queries.get_note(connection, note_id="1")
        assert note is not None
        print(note["body"])
        print(note["text"])  # error: typeddict-item
        await queries.get_note(connection, id="1")  # error: call-arg
        versions = load_queries("schema_versions", database.dialect)
        await versions.get_version(connection)  # error: call-arg
        load_queries("consensus", database.dialect).whatever(connection)
"""


def check_types(folder: Path, name: str, program: str) -> None:
    (folder / name).write_text(program, encoding="utf-8")
    # What an earlier run found of other packages is not found out again.
    options = ["--strict", "--cache-dir", str(ROOT / ".mypy_cache" / "applications")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, name], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode in {0, 1}, done.stderr
    said = re.findall(rf"(?m)^{name}:(\d+): error: .*\[([\w-]+)\]$", done.stdout)
    wanted = {
        (number, code)
        for number, line in enumerate(program.splitlines(), start=1)
        for code in re.findall(r"# error: ([\w-]+)$", line)
    }
    assert {(int(number), code) for number, code in said} == wanted, done.stdout


def test_mistakes_in_an_application_are_found(tmp_path: Path) -> None:
    check_types(tmp_path, "application.py", APPLICATION)


def test_the_types_of_an_applications_own_tree(
    tmp_path: Path, servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_tree(tmp_path)
    stubs = ["stubs", "--sql-dir", str(root), "--dsn", servers.default.dsn("postgres")]
    before = {path: path.read_text() for path in (ROOT / "aragora_sql/queries/typed").iterdir()}
    assert main(stubs) == 2
    assert "name a folder of your own" in capsys.readouterr().err
    output = ["--output", str(tmp_path / "code" / "typed")]
    assert main([*stubs, *output, "--check"]) == 1
    assert not (tmp_path / "code" / "typed").exists()
    assert main([*stubs, *output]) == 0
    assert "3 of 3 stubs written" in capsys.readouterr().err
    assert main([*stubs, *output, "--check"]) == 0
    check_types(tmp_path / "code", "own_tree.py", OWN_TREE)

    # What is the application's own stays.
    typed = tmp_path / "code" / "typed"
    (typed / "others.pyi").write_text("x: int\n", encoding="utf-8")
    (typed / "gone.pyi").write_text((typed / "notes.pyi").read_text(), encoding="utf-8")
    assert main([*stubs, *output]) == 0
    assert {path.name for path in typed.iterdir()} == {
        "__init__.pyi",
        "notes.pyi",
        "others.pyi",
        "schema_versions.pyi",
    }
    (typed / "notes.pyi").write_text("y: int\n", encoding="utf-8")
    assert main([*stubs, *output]) == 2
    assert "notes.pyi was not made by aragora-sql stubs" in capsys.readouterr().err
    assert (typed / "notes.pyi").read_text() == "y: int\n"
    assert before == {path: path.read_text() for path in before}


@pytest.mark.parametrize(
    ("words", "members", "table"),
    [
        (StrengthWord, ConsensusStrength, "consensus"),
        (DissentTypeWord, DissentType, "consensus"),
        (ProofStatusWord, ProofStatus, "consensus"),
        (JobStatusWord, JobStatus, "jobs"),
        (FindingStateWord, FindingState, None),
        (DebateStatusWord, None, "checkpoints"),
    ],
)
def test_words_are_those_of_the_enumeration_and_of_the_schema(
    words: object, members: type | None, table: str | None
) -> None:
    names = get_args(words)
    if members is not None:
        assert names == tuple(member.value for member in members)  # type: ignore[attr-defined]
    for dialect in ("postgres", "sqlite") if table else ():
        schema = (packaged_sql_dir() / dialect / str(table) / "schema.sql").read_text()
        listed = r",\s*".join(f"'{name}'" for name in names)
        assert re.search(rf"IN \(\s*{listed}\s*\)", schema)

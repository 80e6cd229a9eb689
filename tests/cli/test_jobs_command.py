"""``aragora-sql jobs``: output, JSON and exit codes, on both engines."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.terminals import on_terminal

T = TypeVar("T")
HANDLERS = """
import asyncio

async def work(job):
    return {"seen": job.payload}

def fail(job):
    raise ValueError("as planned")

async def hang(job):
    print("hanging", flush=True)
    await asyncio.Event().wait()

number = 5
"""


@pytest.fixture
def target(location: str | Path) -> list[str]:
    """The options that name the test's database."""
    return ["--sqlite-path" if isinstance(location, Path) else "--dsn", str(location)]


def on_queue(location: str | Path, work: Callable[[JobQueueStore], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        database: Database
        if isinstance(location, Path):
            database = SQLiteDatabase(location)
        else:
            database = await PostgresDatabase.connect(location, 1, 2)
        store = JobQueueStore(database)
        await store.initialize()
        try:
            return await work(store)
        finally:
            await store.close()
            await database.close()

    return asyncio.run(run())


async def fill(jobs: JobQueueStore) -> list[str]:
    """One job of each fate: dead, completed, pending, scheduled."""
    ids = await jobs.enqueue_many(
        [{"job_type": "a", "payload": {"text": "[bold]ü[/bold]"}, "max_attempts": 1}] * 3
    )
    first, second = await jobs.claim("w", 2)
    await jobs.fail(first, "it broke\nin two lines")
    await jobs.complete(second, {"x": 1})
    return [*ids, (await jobs.enqueue("b", delay_seconds=1000)).id]


def test_list_show_and_stats(
    location: str | Path, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    dead, _, _, scheduled = on_queue(location, fill)
    assert main(["jobs", "list", *target]) == 0
    output = capsys.readouterr().out
    assert "it broke\\nin two lines" in output
    assert scheduled in output
    assert len({line.count("\t") for line in output.splitlines()}) == 1
    screen = on_terminal(["jobs", "list", *target])
    # Ids are there to be copied, whatever the width.
    assert all(job_id in screen.out for job_id in (dead, scheduled))
    assert main(["jobs", "list", "--status", "failed", "--json", *target]) == 0
    (job,) = json.loads(capsys.readouterr().out)
    assert (job["id"], job["error"]) == (dead, "it broke\nin two lines")
    assert job.keys() & {"payload", "result"} == set()
    assert main(["jobs", "list", "--status", "completed", "--json", "--documents", *target]) == 0
    (job,) = json.loads(capsys.readouterr().out)
    assert (job["payload"], job["result"]) == ({"text": "[bold]ü[/bold]"}, {"x": 1})
    assert main(["jobs", "list", "--limit", "1", *target]) == 0
    assert "older ones: --before 4" in capsys.readouterr().err

    assert main(["jobs", "show", dead, *target]) == 0
    assert "[bold]ü[/bold]" in capsys.readouterr().out
    assert main(["jobs", "show", dead, "--json", *target]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "failed"
    assert main(["jobs", "show", "unknown", *target]) == 1
    assert "there is no job 'unknown'" in capsys.readouterr().err

    assert main(["jobs", "stats", *target]) == 0
    assert "oldest pending" in capsys.readouterr().out
    assert main(["jobs", "stats", "--json", *target]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["jobs"] == {
        "a": {"completed": 1, "failed": 1, "pending": 1},
        "b": {"scheduled": 1},
    }
    assert stats["total"] == 4


def test_retry_cancel_and_purge(
    location: str | Path, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    dead, completed, pending, scheduled = on_queue(location, fill)
    assert main(["jobs", "retry", "--dead", "--type", "b", *target]) == 0
    assert capsys.readouterr().out == "0 pending again\n"
    assert main(["jobs", "retry", "--dead", *target]) == 0
    assert capsys.readouterr().out == "1 pending again\n"
    assert main(["jobs", "retry", dead, completed, "unknown", "--json", *target]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["done"] == [completed]
    assert "is pending" in result["problems"][dead]
    assert "there is no job" in result["problems"]["unknown"]

    assert main(["jobs", "cancel", scheduled, pending, *target]) == 0
    assert capsys.readouterr().out == "2 cancelled\n"
    assert main(["jobs", "cancel", scheduled, "unknown", *target]) == 1
    captured = capsys.readouterr()
    assert captured.out == "0 cancelled\n"
    assert "it is cancelled" in captured.err
    assert "there is no such job" in captured.err

    assert main(["jobs", "purge", "--older-than", "1d", *target]) == 0
    assert capsys.readouterr().out == "0 jobs deleted\n"
    assert main(["jobs", "purge", "--older-than", "0s", "--json", *target]) == 0
    assert json.loads(capsys.readouterr().out) == {"purged": 2}


def test_purge_archive_and_history(
    location: str | Path, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    dead, completed, pending, _ = on_queue(location, fill)
    both = ["--status", "failed", "--status", "completed"]
    assert main(["jobs", "purge", "--older-than", "0s", "--archive", "--json", *both, *target]) == 0
    assert json.loads(capsys.readouterr().out) == {"archived": 2}
    assert main(["jobs", "purge", "--older-than", "0s", "--archive", *target]) == 0
    assert capsys.readouterr().out == "0 jobs archived\n"

    assert main(["jobs", "history", "--limit", "1", *target]) == 0
    captured = capsys.readouterr()
    place = captured.err.strip().removeprefix("older ones: --before ")
    first = dead if dead in captured.out else completed
    (second,) = {dead, completed} - {first}
    assert main(["jobs", "history", "--before", place, "--json", *target]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["id"] == second
    assert "payload" not in shown
    assert main(["jobs", "history", "--status", "failed", *target]) == 0
    assert dead in (listed := capsys.readouterr().out)
    assert completed not in listed
    assert main(["jobs", "history", "--type", "unknown", "--json", *target]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["jobs", "history", dead, "--json", *target]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "failed"
    assert main(["jobs", "history", pending, *target]) == 1
    assert f"there is no archived job {pending!r}" in capsys.readouterr().err

    for wrong, said in [
        ([dead, "--status", "failed"], "an id stands alone"),
        (["--documents"], "--documents goes with --json"),
        (["--before", "yesterday"], "--before: must be the next of an earlier page"),
    ]:
        assert main(["jobs", "history", *wrong, *target]) == 2
        assert said in capsys.readouterr().err

    assert main(["jobs", "purge-history", "--older-than", "1d", *target]) == 0
    assert capsys.readouterr().out == "0 jobs deleted\n"
    assert main(["jobs", "purge-history", "--older-than", "0s", "--json", *target]) == 0
    assert json.loads(capsys.readouterr().out) == {"purged": 2}


def test_enqueue_limit_pause_resume_and_recover(
    location: str | Path, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    on_queue(location, JobQueueStore.get_stats)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["jobs", *arguments, *target])
        return code, capsys.readouterr().out.rstrip("\n")

    code, job_id = run("enqueue", "a", "--payload", '{"n": 1}', "--id", "mine")
    assert (code, job_id) == (0, "mine")
    options = ["--priority", "3", "--time-limit", "1.5m", "--max-attempts", "2", "--delay", "1h"]
    code, output = run("enqueue", "b", *options, "--unique-key", "k", "--json")
    job = json.loads(output)
    assert (job["priority"], job["time_limit_seconds"], job["status"]) == (3, 90.0, "scheduled")
    # The key is taken: the id of the job that has it.
    assert run("enqueue", "b", "--unique-key", "k", "--unique-while-running") == (0, job["id"])

    assert run("limit", "a", "2") == (0, "a: at most 2 at once")
    assert run("pause", "a", "b") == (0, "paused: a, b")
    assert on_queue(location, lambda jobs: jobs.claim("w", 5)) == []
    stats = run("stats")[1]
    assert "paused, 2" in stats
    assert json.loads(run("stats", "--json")[1])["paused"] == ["a", "b"]
    assert run("resume", "a", "--json") == (0, json.dumps({"resumed": ["a"], "not_paused": []}))
    assert run("resume", "b", "c") == (1, "resumed: b")
    assert run("limit", "a", "none") == (0, "a: no limit")
    assert on_queue(location, JobQueueStore.get_limits) == []

    on_queue(location, lambda jobs: jobs.claim("w", 5, lease_seconds=0.001))
    assert run("cancel", "mine")[0] == 1
    done = "1 cancelled, or to be stopped by their workers"
    assert run("cancel", "mine", "--running") == (0, done)
    assert run("recover", "--type", "b") == (0, "0 jobs recovered")
    assert run("recover", "--stale-for", "1d", "--json") == (0, json.dumps({"recovered": 0}))
    assert run("recover") == (0, "1 jobs recovered")
    assert json.loads(run("show", "mine", "--json")[1])["status"] == "cancelled"


def test_schedules(
    location: str | Path, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    on_queue(location, JobQueueStore.get_stats)
    new_year = ["schedule", "new year", "0 0 1 1 *", "a", "--payload", '{"n": 1}']
    assert main(["jobs", *new_year, "--time-zone", "Europe/Berlin", *target]) == 0
    assert capsys.readouterr().out.endswith("-12-31T23:00:00Z\n")
    assert main(["jobs", "schedule", "other", "0 0 1 1 *", "b", "--disabled", *target]) == 0
    assert capsys.readouterr().out == "other: disabled\n"
    assert main(["jobs", "schedules", *target]) == 0
    output = capsys.readouterr().out
    assert "Europe/Berlin" in output
    assert "disabled" in output
    assert main(["jobs", "schedules", "--json", *target]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["payload"], second["enabled"]) == ({"n": 1}, False)
    assert main(["jobs", "unschedule", "new year", "other", *target]) == 0
    assert capsys.readouterr().out == "2 deleted\n"


@pytest.mark.parametrize("text", ["{", "[1]", "5"])
def test_a_payload_is_a_json_object(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["jobs", "enqueue", "a", "--payload", text])
    assert caught.value.code == 2
    assert "must be" in capsys.readouterr().err


def test_retry_all_dead_tells_of_keys_that_are_taken(
    location: str | Path, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill_keys(jobs: JobQueueStore) -> str:
        dead = await jobs.enqueue("a", unique_key="k")
        (job,) = await jobs.claim("w")
        await jobs.fail(job, "x", False)
        await jobs.enqueue("a", unique_key="k")
        return dead.id

    dead = on_queue(location, fill_keys)
    assert main(["jobs", "retry", "--dead", "--json", *target]) == 1
    result = json.loads(capsys.readouterr().out)
    problem = f"job {dead!r}: another job with its unique key waits"
    assert result == {"done": [], "problems": {dead: problem}}


def test_work_until_empty(
    location: str | Path,
    target: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "shop_handlers.py").write_text(HANDLERS)
    monkeypatch.syspath_prepend(tmp_path)
    on_queue(location, fill)
    handlers = ["--handler", "a=shop_handlers:work", "--handler", "c=shop_handlers:fail"]
    arguments = ["jobs", "work", *handlers, "--until-empty", "--json", *target]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["completed"], result["failed"]) == (1, 0)


def test_sigterm_gives_jobs_back(location: str | Path, target: list[str], tmp_path: Path) -> None:
    (tmp_path / "shop_handlers.py").write_text(HANDLERS)
    on_queue(location, fill)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "aragora_sql", "jobs", "work"),
            *("--handler", "a=shop_handlers:hang", *target),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        assert process.stderr is not None
        # It waits for the handler; whoever does not want to wait says so again.
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            while "SIGTERM" not in process.stderr.readline():
                assert process.poll() is None
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "released 1" in output
    finally:
        process.kill()
        process.communicate()
    assert on_queue(location, JobQueueStore.get_stats)["processing"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["retry"], 2, "give ids of jobs, or --dead"),
        (["retry", "x", "--dead"], 2, "give ids of jobs, or --dead"),
        (["retry", "x", "--type", "a"], 2, "--type goes with --dead"),
        (["list", "--limit", "-1"], 2, "limit: must be at least 0, not -1"),
        (["list", "--type", " "], 2, "job_type: must not be empty"),
        (["limit", "a", "many"], 2, "the limit must be a whole number or none, not 'many'"),
        (["schedule", "s", "* * *", "a"], 2, "cron: must have five fields"),
        (["schedule", "s", "0 0 1 1 *", "a", "--time-zone", "X"], 2, "time_zone: must be"),
        (["enqueue", "a", "--unique-while-running"], 2, "must not be True without a unique_key"),
        (["enqueue", " "], 2, "job_type: must not be empty"),
        (["unschedule", "none"], 1, "there is no schedule 'none'"),
        (["work", "--handler", "x"], 2, "must be type=module:function, not 'x'"),
        (["work", "--handler", "a=no_such_module:f"], 2, "cannot import no_such_module"),
        (["work", "--handler", "a=json:nothing"], 2, "json has no nothing"),
        (["work", "--handler", "a=string:digits"], 2, "string:digits must be a function"),
        (["work", "--handler", "a=json:dumps", "--lease", "0"], 2, "lease_seconds"),
        (["work", "--handler", "a=json:dumps", "--concurrency", "0"], 2, "concurrency"),
    ],
)
def test_wrong_arguments(
    location: str | Path,
    target: list[str],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    on_queue(location, JobQueueStore.get_stats)
    assert main(["jobs", *arguments, *target]) == code
    assert message in capsys.readouterr().err


def test_looking_makes_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.db"
    assert main(["jobs", "stats", "--sqlite-path", str(path)]) == 2
    assert "there is no SQLite file" in capsys.readouterr().err
    assert not path.exists()
    assert main(["jobs", "stats", "--sqlite-path", "x", "--dsn", "postgresql://y"]) == 2


def test_an_age_needs_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["jobs", "purge", "--older-than", "30"])
    assert caught.value.code == 2
    assert (
        "must be a number followed by s, m, h, d or w, such as 30d, not '30'"
        in capsys.readouterr().err
    )

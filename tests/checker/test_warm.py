"""The server that is kept between checks: found again, shared, ended, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.engines import warm
from aragora_sql.engines.facts import Engines, Facts, plan_lines, read_facts, read_tree
from aragora_sql.engines.warm import Kept, kept_server, stop_kept_server

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of the test's own, in which no server is left."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache" / "aragora-sql"
    stop_kept_server()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Tell whether a process has ended; our child stays a zombie until we end."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def server_process(kept: Kept) -> psutil.Process:
    (server,) = psutil.Process(kept.pid).children()
    return server


def databases(kept: Kept) -> set[str]:
    with psycopg.connect(kept.dsn) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
        return {name for (name,) in rows}


def test_it_is_found_again_and_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    first = kept_server()
    assert kept_server() == first
    server = server_process(first)
    assert main(["check", "--stop"]) == 0
    assert capsys.readouterr().out == "stopped\n"
    assert gone(server.pid)
    wait_until(lambda: gone(first.pid))
    assert main(["check", "--stop"]) == 0
    assert capsys.readouterr().out == "no server was kept\n"


def server_processes(cache: Path) -> list[int]:
    """Return the processes that keep, or want to keep, a server of this cache folder."""
    folder = str(warm.server_files().folder)
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if folder in (process.info["cmdline"] or ())
    ]


def test_many_that_start_at_once_get_the_same(cache: Path) -> None:
    code = "from aragora_sql.engines.warm import kept_server; print(kept_server())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = {process.communicate()[0] for process in started}
    assert len(said) == 1
    assert "Kept(" in said.pop()


def test_a_process_that_came_too_late_is_ended(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would start another server when the first is stopped."""
    first = kept_server()
    # One that has not come as far as to look whether there is a server.
    (tmp_path / "late_process.py").write_text("import signal\nsignal.pause()\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(warm, "_SERVER_MODULE", "late_process")
    # The first is ready only after we have started ours.
    answers = iter([False])
    answers_in_truth = warm._answers
    monkeypatch.setattr(
        warm, "_answers", lambda kept: next(answers, None) is None and answers_in_truth(kept)
    )
    try:
        assert kept_server() == first
        assert next(answers, None) is None
        assert server_processes(cache) == [first.pid]
    finally:
        for pid in set(server_processes(cache)) - {first.pid}:
            os.kill(pid, signal.SIGKILL)


def test_it_ends_when_nobody_uses_it() -> None:
    kept = kept_server(idle=0.0)
    wait_until(lambda: gone(kept.pid))


def test_it_does_not_end_while_somebody_is_connected() -> None:
    kept = kept_server(idle=60.0)
    used = warm.server_files().used
    with psycopg.connect(kept.dsn):
        os.utime(used, (0, 0))
        wait_until(lambda: used.stat().st_mtime > 0)
        assert not gone(kept.pid)
    os.utime(used, (0, 0))
    wait_until(lambda: gone(kept.pid))


def test_it_ends_when_its_folder_is_gone(cache: Path) -> None:
    kept = kept_server()
    server = server_process(kept)
    warm.server_files().state.unlink()
    wait_until(lambda: gone(kept.pid) and not server.is_running())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_process_that_is_killed_takes_its_server_along_and_is_replaced() -> None:
    kept = kept_server()
    server = server_process(kept)
    os.kill(kept.pid, signal.SIGKILL)
    wait_until(lambda: gone(server.pid))
    assert kept_server().pid != kept.pid


def test_a_database_is_made_once_for_each_state_of_the_files(tree: Path) -> None:
    def check_and_list() -> set[str]:
        with Engines(read_tree(tree), keep=True) as engines:
            facts = read_facts(engines)
            assert facts.problems == ()
            engines.fill(facts.catalogs)
        return databases(kept_server())

    first = check_and_list()
    # the server's own, that with the schema, and that with rows too
    assert len(first) == 3
    assert check_and_list() == first
    schema = tree / "postgres" / "notes" / "schema.sql"
    text = schema.read_text(encoding="utf-8")
    for number in range(6):
        schema.write_text(f"{text}-- {number}\n", encoding="utf-8")
        listed = check_and_list()
    # the newest few are kept
    assert len(listed) == 9
    assert not first - {"postgres"} <= listed


def test_a_broken_schema_leaves_no_database(tree: Path) -> None:
    schema = tree / "postgres" / "notes" / "schema.sql"
    schema.write_text(schema.read_text(encoding="utf-8") + "SELECT nothing;\n", encoding="utf-8")
    with Engines(read_tree(tree), keep=True) as engines:
        assert [finding.rule for finding in engines.problems] == ["prepare"]
    assert databases(kept_server()) == {"postgres"}


def plans_of(engines: Engines) -> tuple[Facts, list[tuple[str, ...]]]:
    """Fill the tables and return the plans of all queries."""
    facts = read_facts(engines)
    engines.fill(facts.catalogs)
    queries = [query for key, query in facts.queries.items() if key[0] == "postgres"]
    return facts, [plan_lines(engines, query) for query in queries]


def test_checks_at_the_same_time_do_not_wait_for_each_other_and_plan_the_same(tree: Path) -> None:
    """Each fills a database of its own, in whatever order; the first that ends gives it its name.

    One that waited would hold a snapshot from before the rows of the other, which keeps VACUUM
    from marking pages as visible: plans would do without index-only scans from then on.
    """
    with Engines(read_tree(tree), keep=True) as first:
        facts = read_facts(first)
        with Engines(read_tree(tree), keep=True) as second:
            # A statement of the second that began before the rows of the first were written.
            second.fill(facts.catalogs)
            second.planner.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            second.planner.connection.execute("SELECT count(*) FROM notes")
            first.fill(facts.catalogs)
            second.planner.connection.execute("COMMIT")
            _, theirs = plans_of(second)
            names = {e.planner.connection.info.dbname for e in (first, second)}
            assert len(names) == 2
        _, ours = plans_of(first)
    assert ours == theirs
    assert len(databases(kept_server())) == 3
    with Engines(read_tree(tree), keep=True) as third:
        _, again = plans_of(third)
        assert again == ours
        assert third.planner.connection.info.dbname not in names
        invisible = third.planner.connection.execute(
            "SELECT relname FROM pg_class WHERE relallvisible < 0.9 * relpages "
            "AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        assert invisible.fetchall() == []


def test_a_database_with_the_schema_is_kept_and_none_with_rows_where_nothing_was_planned(
    tree: Path,
) -> None:
    with Engines(read_tree(tree), keep=True) as engines:
        assert read_facts(engines).problems == ()
    assert len(databases(kept_server())) == 2
    with psycopg.connect(kept_server().dsn) as connection:
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'aragora%'")
        assert len(roles.fetchall()) == 1
    with Engines(read_tree(tree), keep=True) as engines:
        counted = engines.postgres.connection.execute("SELECT count(*) FROM notes").fetchall()
    assert counted == [(0,)]


def test_what_a_killed_check_left_is_dropped_by_the_next(tree: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from aragora_sql.engines.facts import Engines, read_tree\n"
        "engines = Engines(read_tree(Path(sys.argv[1])), keep=True)\n"
        "engines.postgres\nos._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tree)]).returncode == 9
    left = databases(kept_server()) - {"postgres"}
    assert len(left) == 1

    def make_again() -> bool:
        # The server may need a moment to see that the other is gone.
        with Engines(read_tree(tree), keep=True) as engines:
            assert engines.postgres.problems == ()
        return not left & databases(kept_server())

    wait_until(make_again)

"""The server goes away in the middle, or the network does."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.settings import PostgresDSN
from tests.conftest import Servers
from tests.migration.faults_support import (
    LEFT_BEHIND,
    Migration,
    Outcome,
    Target,
    finish,
    new_target,
    wait_until,
)
from tests.migration.legacy import write_memory_db
from tests.proxy import CountingProxy

log = logging.getLogger(__name__)

PASSWORD = "s3cret-of-the-target"  # noqa: S105 - of no one
OPTIONS = ("--batch-size", "10", "--orphans", "leave-out")
# Keeps what is committed without waiting for the disk from getting there by itself.
FORGETFUL = {
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "1GB",
    "wal_buffers": "64MB",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("server") / "memory.db"
    write_memory_db(path, rows=1500)
    return path


@pytest.fixture(scope="module")
def clean(servers: Servers, source: Path) -> dict[str, list[str]]:
    """What a run leaves in the target that nothing disturbs."""
    with new_target(servers.default) as target:
        outcome = Migration(source, target.dsn, source.parent / "rejects", OPTIONS).run()
        assert outcome.code == LEFT_BEHIND, outcome
        return target.contents()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not in pytest's folder, which the server's user can't enter.
    folder = Path(tempfile.mkdtemp(prefix="aragora-restart-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


def with_password(dsn: str) -> str:
    """Every password is right for a server that trusts its users."""
    return replace(PostgresDSN.parse(dsn), password=PASSWORD).uri()


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_the_server_stops_at_once_in_the_middle(
    source: Path, clean: dict[str, list[str]], data_dir: Path, tmp_path: Path, jobs: str
) -> None:
    server = EmbeddedServer(data_dir=data_dir, settings=FORGETFUL)
    options = (*OPTIONS, "--jobs", jobs)
    with server:
        target = Target(server.dsn())
        migration = Migration(source, with_password(server.dsn()), tmp_path / "rejects", options)
        process = migration.start()
        wait_until(lambda: target.chunks >= 4, "some ranges were committed", process)
        # A commit that waits for the disk takes all earlier ones with it.
        target.execute("SET synchronous_commit = on; CREATE TABLE _flush ()")
        flushed = target.chunks
        wait_until(lambda: target.chunks >= flushed + 4, "more were committed", process)
        committed = target.chunks
        # An immediate stop: what was not written by then is gone.
        os.kill(server.pid, signal.SIGQUIT)
        outcome = finish(process)
        outcome.check_failed("PostgreSQL", hidden=PASSWORD)
        target.close()
        server.stop()

        server.start()
        target = Target(server.dsn())
        kept = target.chunks
        log.warning("%d ranges were committed, %d are left", committed, kept)
        assert 4 <= kept <= committed
        # Each of them is whole, and of the others nothing is there.
        target.check_ledger()
        migration = replace(migration, dsn=with_password(server.dsn()))
        outcome = migration.run()
        assert outcome.code == LEFT_BEHIND, outcome
        assert PASSWORD not in outcome.output + outcome.errors
        target.check_ledger()
        assert target.contents() == clean
        target.close()


def test_a_server_that_is_down_is_a_clear_error(source: Path, tmp_path: Path) -> None:
    dsn = f"postgresql://aragora:{PASSWORD}@/aragora?host={tmp_path}"
    outcome = Migration(source, dsn, tmp_path / "rejects").run()
    outcome.check_failed("cannot connect to", hidden=PASSWORD)
    assert not (tmp_path / "rejects").exists()


# -- the network


async def start_through(
    proxy: CountingProxy, source: Path, folder: Path, *options: str
) -> asyncio.subprocess.Process:
    migration = Migration(source, with_password(proxy.dsn), folder, OPTIONS)
    return await asyncio.create_subprocess_exec(
        *migration.command(*options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome_of(process: asyncio.subprocess.Process) -> Outcome:
    output, errors = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode is not None
    return Outcome(process.returncode, output.decode(), errors.decode())


async def stall_when(
    proxy: CountingProxy,
    target: Target,
    process: asyncio.subprocess.Process,
    condition: str,
    *,
    replies_only: bool = False,
) -> None:
    """Stall the network when a session of the migration is in a state, after some ranges."""
    async with asyncio.timeout(300):
        while True:
            assert process.returncode is None, await outcome_of(process)
            if target.chunks >= 3:
                proxy.stall(replies_only=replies_only)
                # What was under way has arrived when the sessions don't move any more.
                before = after = None
                while before is None or before != after:
                    before = after
                    await asyncio.sleep(0.01)
                    after = target.rows(_SESSIONS)
                if target.rows(f"SELECT FROM ({_SESSIONS}) AS s WHERE {condition}"):
                    return
                proxy.resume()
            await asyncio.sleep(0.003)


_SESSIONS = (
    "SELECT pid, query, state, wait_event, state_change, xact_start FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name LIKE 'aragora-sql migrate%'"
)
IN_COPY = "query LIKE 'COPY %' AND state = 'active' AND wait_event = 'ClientRead'"
COMMITTED = "query = 'COMMIT' AND state = 'idle'"


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
async def test_the_connection_is_cut_within_a_copy(
    servers: Servers, source: Path, clean: dict[str, list[str]], tmp_path: Path, jobs: str
) -> None:
    with new_target(servers.default) as target:
        async with CountingProxy(target.dsn) as proxy:
            process = await start_through(proxy, source, tmp_path / "rejects", "--jobs", jobs)
            await stall_when(proxy, target, process, IN_COPY)
            await proxy.drop()
            proxy.resume()
            outcome = await outcome_of(process)
            outcome.check_failed("the connection to PostgreSQL is lost", hidden=PASSWORD)
            await asyncio.to_thread(target.wait_until_left)
            target.check_ledger()
            process = await start_through(proxy, source, tmp_path / "rejects", "--jobs", jobs)
            outcome = await outcome_of(process)
        assert outcome.code == LEFT_BEHIND, outcome
        assert outcome.resumed > 0
        assert target.contents() == clean


async def test_the_connection_is_cut_before_the_answer_to_a_commit(
    servers: Servers, source: Path, clean: dict[str, list[str]], tmp_path: Path
) -> None:
    with new_target(servers.default) as target:
        async with CountingProxy(target.dsn) as proxy:
            process = await start_through(proxy, source, tmp_path / "rejects")
            await stall_when(proxy, target, process, COMMITTED, replies_only=True)
            await proxy.drop()
            proxy.resume()
            outcome = await outcome_of(process)
            outcome.check_failed("the connection to PostgreSQL is lost", hidden=PASSWORD)
            await asyncio.to_thread(target.wait_until_left)
            # The migration was not told, but the ledger knows.
            target.check_ledger()
            outcome = await outcome_of(await start_through(proxy, source, tmp_path / "rejects"))
        assert outcome.code == LEFT_BEHIND, outcome
        assert target.contents() == clean


@pytest.mark.slow
async def test_a_stalled_network_that_comes_back_does_no_harm(
    servers: Servers, source: Path, clean: dict[str, list[str]], tmp_path: Path
) -> None:
    with new_target(servers.default) as target:
        async with CountingProxy(target.dsn) as proxy:
            process = await start_through(proxy, source, tmp_path / "rejects")
            for condition in (IN_COPY, COMMITTED, IN_COPY):
                await stall_when(proxy, target, process, condition)
                assert process.returncode is None
                proxy.resume()
            outcome = await outcome_of(process)
        assert outcome.code == LEFT_BEHIND, outcome
        assert outcome.resumed == 0
        assert target.contents() == clean

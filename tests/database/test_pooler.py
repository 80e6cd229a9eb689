"""Behind a real PgBouncer in transaction mode, with fewer server connections than clients."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.consensus import ConsensusMemory
from aragora_sql.stores.critique import CritiqueStore

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer on this machine")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def pooled_dsn(postgres_dsn: str) -> Iterator[str]:
    upstream = PostgresDSN.parse(postgres_dsn)
    port = free_port()
    # PgBouncer refuses to run as root; the socket's folder opens to the server's own user only.
    host = upstream.option("host") or ""
    owner = Path(host).stat().st_uid if os.geteuid() == 0 and host.startswith("/") else None
    with tempfile.TemporaryDirectory(prefix="pgb-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"pooled = host={host} port={upstream.option('port') or 5432} "
            f"dbname={upstream.database} user={upstream.user}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n"
        )
        process = subprocess.Popen(
            [str(PGBOUNCER), str(folder / "pgbouncer.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=owner,
        )
        dsn = f"postgresql://{upstream.user}@127.0.0.1:{port}/pooled"
        try:
            wait_until_it_answers(dsn, process)
            yield f"{dsn}?pgbouncer=true"
        finally:
            process.terminate()
            process.wait(timeout=10)


def wait_until_it_answers(dsn: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None, "pgbouncer has ended"
            assert time.monotonic() < deadline, "pgbouncer does not answer"
        else:
            return


async def test_stores_work_and_nothing_collides(pooled_dsn: str) -> None:
    database = await PostgresDatabase.connect(pooled_dsn, 1, 8)
    memory, critiques = ConsensusMemory(database), CritiqueStore(database)
    await memory.initialize()
    await critiques.initialize()

    async def debate(number: int) -> None:
        async with database.transaction():
            await critiques.store_debate(
                f"debate-{number}", "task", critiques=[{"agent": "a", "issues": ["x"]}]
            )
            record = await memory.store_consensus(
                f"Rate limiting {number}", "c", "strong", 0.5, ["a"], [], metadata={"n": number}
            )
        found = await memory.get_consensus(record.id)
        assert found is not None
        assert found.metadata == {"n": number}
        assert await memory.find_similar(f"rate limiting {number}")
        await critiques.update_reputation("a", proposal_made=True)

    await asyncio.gather(*(debate(number) for number in range(50)))
    assert await memory.count() == 50
    assert (await critiques.get_stats()).total_critiques == 50
    reputation = await critiques.get_reputation("a")
    assert reputation is not None
    assert reputation.proposals_made == 50
    await database.close()

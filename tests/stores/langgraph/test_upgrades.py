"""Tables of an earlier release are upgraded, with their threads; on both engines."""

from __future__ import annotations

import pytest

from aragora_sql.schema import initialize_store
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.conftest import OpenDatabase
from tests.stores.conftest import PARTITIONED
from tests.stores.earlier_release import catalog_of, put_back
from tests.stores.langgraph.test_expiry import MONTH, age
from tests.stores.langgraph.test_saver import at, put
from tests.stores.samples import run

TABLES = ("langgraph_checkpoints", "langgraph_values", "langgraph_writes")


@pytest.mark.skipif(PARTITIONED, reason="makes plain tables again")
async def test_upgraded_tables_are_as_fresh_ones(saver: LangGraphSaver) -> None:
    fresh = await catalog_of(saver.database, "langgraph_")
    await put_back(saver.database, "langgraph", TABLES, version=1)
    assert await catalog_of(saver.database, "langgraph_") != fresh
    assert await initialize_store(saver.database, "langgraph") == 2
    assert await catalog_of(saver.database, "langgraph_") == fresh


async def test_threads_from_before_an_upgrade_expire_by_their_checkpoints(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    config = await put(saver, at("t"), {"n": 1})
    stored = await saver.aget_tuple(config)
    await put_back(saver.database, "langgraph", TABLES, version=1)
    database = await open_database()
    blob = "'\\x01'::bytea" if database.dialect == "postgres" else "x'01'"
    await run(
        database,
        "INSERT INTO langgraph_checkpoints (thread_id, checkpoint_id, type, content) "
        f"VALUES ('t', 'c', 'msgpack', {blob})",
    )
    await run(
        database,
        "INSERT INTO langgraph_writes (thread_id, checkpoint_id, task_id, idx, channel, type, "
        f"content) VALUES ('t', 'c', 'task', 0, 'n', 'msgpack', {blob})",
    )
    await initialize_store(database, "langgraph")
    upgraded = LangGraphSaver(database)
    assert stored is not None
    assert await upgraded.afind_expired_threads(MONTH) == []
    await age(database, "t", 31, "langgraph_checkpoints")
    assert await upgraded.afind_expired_threads(MONTH) == ["t"]
    deleted = await upgraded.adelete_expired_threads(MONTH)
    assert (deleted.threads, deleted.checkpoints, deleted.writes) == (1, 1, 1)

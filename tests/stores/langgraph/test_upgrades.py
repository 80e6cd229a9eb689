"""Tables of an earlier release are upgraded, with their threads; on both engines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from aragora_sql.schema import initialize_store
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from aragora_sql.stores.langgraph.transfer import CheckpointRow, ThreadTransfer, ValueRow
from tests.conftest import OpenDatabase
from tests.stores.conftest import PARTITIONED
from tests.stores.earlier_release import catalog_of, put_back
from tests.stores.langgraph.test_expiry import MONTH, age
from tests.stores.langgraph.test_saver import LARGE, at, put
from tests.stores.samples import fetch, row_counts, run

TABLES = ("langgraph_checkpoints", "langgraph_values", "langgraph_writes")


async def put_back_version_1(saver: LangGraphSaver) -> None:
    if saver.database.dialect == "sqlite":
        await run(saver.database, "DROP VIEW langgraph_puts")
    await put_back(saver.database, "langgraph", TABLES, version=1)


@pytest.mark.skipif(PARTITIONED, reason="makes plain tables again")
async def test_upgraded_tables_are_as_fresh_ones(saver: LangGraphSaver) -> None:
    fresh = await catalog_of(saver.database, "langgraph_")
    await put_back_version_1(saver)
    assert await catalog_of(saver.database, "langgraph_") != fresh
    assert await initialize_store(saver.database, "langgraph") == 4
    assert await catalog_of(saver.database, "langgraph_") == fresh


async def test_rows_of_an_earlier_release_are_read_and_shared(saver: LangGraphSaver) -> None:
    """A checkpoint as version 2 stored it: each value is a row, and every version is named."""
    values = {"n": 1, "none": None, "text": LARGE, "names": ["a", "b"]}
    versions = dict.fromkeys(values, f"{1:032}.{5:020}") | {"__start__": f"{2:032}.{6:020}"}
    checkpoint: Any = empty_checkpoint() | {
        "channel_versions": versions,
        "versions_seen": {"node": {"n": versions["n"]}},
    }
    content = {name: value for name, value in checkpoint.items() if name != "channel_values"}
    transfer = ThreadTransfer(saver.database)
    async with saver.database.transaction() as connection:
        rows = [
            ValueRow("", name, versions[name], *saver.serde.dumps_typed(value))
            for name, value in values.items()
        ]
        await transfer.insert(connection, "t", rows)
        row = CheckpointRow(
            checkpoint_ns="",
            checkpoint_id=checkpoint["id"],
            parent_checkpoint_id=None,
            run_id=None,
            channel_versions=versions,
            metadata={},
            type="msgpack",
            content=saver.serde.dumps_typed(content)[1],
            created_at=datetime.now(UTC),
        )
        await transfer.insert(connection, "t", [row])
    found = await saver.aget_tuple(at("t"))
    assert found is not None
    assert found.checkpoint == checkpoint | {"channel_values": values}
    new: Any = {"n": f"{3:032}.{7:020}"}
    following: Any = empty_checkpoint() | {
        "channel_versions": versions | new,
        "channel_values": values | {"n": 2},
        "versions_seen": checkpoint["versions_seen"],
    }
    config = await saver.aput(found.config, following, {}, new)
    history = await saver.aget_delta_channel_history(config=config, channels=[*values, "other"])
    assert history == {
        **{name: {"writes": [], "seed": value} for name, value in values.items()},
        "other": {"writes": []},
    }
    await saver.aprune(["t"])
    left = await saver.aget_tuple(at("t"))
    assert left is not None
    assert left.checkpoint == following
    assert (await row_counts(saver.database))["langgraph_values"] == 1
    await saver.acopy_thread("t", "u")
    copied = await saver.aget_tuple(at("u"))
    assert copied is not None
    assert copied.checkpoint == following


async def test_an_earlier_release_does_not_misread_what_this_one_stores(
    saver: LangGraphSaver,
) -> None:
    await put(saver, at("t"), {"n": 1})
    (row,) = await fetch(saver.database, "SELECT type, content FROM langgraph_checkpoints")
    # This is how version 2 read a row.
    with pytest.raises(NotImplementedError, match="Unknown serialization type: ~msgpack"):
        saver.serde.loads_typed((row["type"], row["content"]))


async def test_threads_from_before_an_upgrade_expire_by_their_checkpoints(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    config = await put(saver, at("t"), {"n": 1})
    stored = await saver.aget_tuple(config)
    await put_back_version_1(saver)
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

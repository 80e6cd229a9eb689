"""Tables of an earlier release are upgraded, with their threads; on both engines."""

from __future__ import annotations

from pathlib import Path

from aragora_sql.database import Database
from aragora_sql.schema import describe_catalog, initialize_store
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.conftest import OpenDatabase
from tests.stores.langgraph.test_expiry import MONTH, age
from tests.stores.langgraph.test_saver import at, put
from tests.stores.samples import run

VERSION_1 = Path(__file__).parent / "version_1"


async def downgrade(database: Database) -> None:
    """Put the tables of version 1 in the place of today's."""
    async with database.transaction() as connection:
        for table in ("langgraph_checkpoints", "langgraph_values", "langgraph_writes"):
            await connection.run_script("drop", f"DROP TABLE {table}")
        await connection.run_script(
            "drop", "DELETE FROM _schema_versions WHERE module = 'langgraph'"
        )
        text = (VERSION_1 / f"{database.dialect}.sql").read_text(encoding="utf-8")
        await connection.run_script("version 1", text)


async def catalog(database: Database) -> dict[tuple[str, str, str], str]:
    async with database.read() as connection:
        found = await describe_catalog(connection, database.dialect)
    return {key: text for key, text in found.items() if key[0].startswith("langgraph_")}


async def test_upgraded_tables_are_as_fresh_ones(saver: LangGraphSaver) -> None:
    fresh = await catalog(saver.database)
    await downgrade(saver.database)
    assert await catalog(saver.database) != fresh
    assert await initialize_store(saver.database, "langgraph") == 2
    assert await catalog(saver.database) == fresh


async def test_threads_from_before_an_upgrade_expire_by_their_checkpoints(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    config = await put(saver, at("t"), {"n": 1})
    stored = await saver.aget_tuple(config)
    await downgrade(saver.database)
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

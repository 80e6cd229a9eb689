"""Checkpoints of workflows and debates: what is stored, found, refused and removed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aragora_sql import (
    CheckpointStore,
    PostgresCheckpointStore,
    SQLiteCheckpointStore,
    WorkflowCheckpoint,
    close_databases,
    get_checkpoint_store,
    get_sqlite_checkpoint_store,
)
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    CheckViolationError,
    DamagedCheckpointError,
    DuplicateKeyError,
    InvalidInputError,
)
from aragora_sql.stores.checkpoints.records import DebateCheckpoint
from aragora_sql.stores.checksums import content_checksum
from tests.proxy import CountingProxy
from tests.stores.samples import (
    day,
    debate_checkpoint,
    fetch_value,
    row_counts,
    run,
    workflow_checkpoint,
)

Load = Callable[[], Awaitable[object]]


@pytest.fixture
async def store(database: Database) -> CheckpointStore:
    made = CheckpointStore(database)
    await made.initialize()
    return made


@dataclass
class EngineCheckpoint:
    """As a workflow engine defines it."""

    id: str
    workflow_id: str
    definition_id: str
    current_step: str
    completed_steps: list[str]
    step_outputs: dict[str, Any]
    context_state: dict[str, Any]
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    checksum: str = ""


class Mood(str, Enum):  # noqa: UP042 - its str() is not its value
    GOOD = "good"


# Saving and loading


async def test_save_then_load_gives_it_back_by_both_ids(store: CheckpointStore) -> None:
    storage_id = await store.save(workflow_checkpoint())
    loaded = await store.load(storage_id)
    assert loaded is not None
    assert loaded.storage_id == storage_id != loaded.id
    assert loaded == await store.load("cp_0123456789ab")
    assert loaded == await store.load_latest("w")
    wanted = workflow_checkpoint()
    assert {name: loaded[name] for name in wanted} == wanted
    assert json.loads(json.dumps(loaded.to_dict()))["created_at"] == "2026-01-01T00:00:00+00:00"


async def test_an_engines_own_object_is_taken(store: CheckpointStore) -> None:
    given = EngineCheckpoint("cp_1", "w", "d", "s", ["a"], {"a": 1}, {"state": {}})
    loaded = await store.load(await store.save(given))
    assert loaded is not None
    assert (loaded.id, loaded.created_at, loaded.checksum) == ("cp_1", given.created_at, "")
    # What was loaded can be saved again.
    again = await store.load(await store.save(loaded))
    assert again is not None
    assert again.content_checksum == loaded.content_checksum
    assert again.sequence > loaded.sequence


async def test_what_is_not_there_is_none(store: CheckpointStore) -> None:
    assert await store.load("cp_unknown") is None
    assert await store.load("cp_unknown", "w") is None
    assert await store.load_latest("w") is None
    assert await store.list_checkpoints("w") == []
    assert await store.delete("cp_unknown") is False
    assert await store.delete_workflow("w") == 0
    assert await store.load_debate("cp-unknown") is None
    assert await store.load_latest_debate("d") is None
    assert await store.delete_debate("cp-unknown") is False


STATES: dict[str, Any] = {
    "null": None,
    "texts": ["", "é", "😀", '"\\/\b\f\n\r\t', "\x7f", "\u2028", "a" * 5000],
    "integers": [0, -1, 2**53 + 1, 2**63, -(2**70), 10**100],
    "floats": [0.1, -2.5, 1e-300, 5e-324, 1.7976931348623157e308, 1e15, 1e16, 1e17, 1e22, 2.0],
    "nested": {"b": [{"a": [[[]]]}], "a": {}},
    "booleans": [True, False],
}


@pytest.mark.parametrize("name", STATES)
async def test_states_come_back_equal_and_verified(store: CheckpointStore, name: str) -> None:
    state = {name: STATES[name], "": 1, "k é 😀": 2}
    loaded = await store.load(await store.save(workflow_checkpoint(context_state=state)))
    assert loaded is not None
    assert loaded.context_state == state
    assert repr(loaded.context_state[name]) == repr(state[name]) or name == "nested"


async def test_negative_zero_is_no_damage(store: CheckpointStore) -> None:
    state = {"zero": -0.0, "text": "-0.0", "list": [-0.0, -0.05]}
    loaded = await store.load(await store.save(workflow_checkpoint(context_state=state)))
    assert loaded is not None
    assert loaded.context_state == state


async def test_a_state_of_ten_megabytes(store: CheckpointStore) -> None:
    state = {"rows": [{"number": n, "text": f"row {n} " * 12} for n in range(80_000)]}
    assert len(json.dumps(state)) > 10_000_000
    loaded = await store.load(await store.save(workflow_checkpoint(context_state=state)))
    assert loaded is not None
    assert loaded.context_state == state


async def test_steps_kept_as_a_set_are_stored_in_order(store: CheckpointStore) -> None:
    given = workflow_checkpoint(completed_steps={"c", "a", "b"})
    loaded = await store.load(await store.save(given))
    assert loaded is not None
    assert loaded.completed_steps == ["a", "b", "c"]


async def test_timestamps_are_stored_in_utc(store: CheckpointStore) -> None:
    timestamp = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    loaded = await store.load(await store.save(workflow_checkpoint(created_at=timestamp)))
    assert loaded is not None
    assert loaded.created_at == timestamp
    assert loaded.created_at.utcoffset() == timedelta(0)


async def test_the_checksum_is_that_of_canonical_json(store: CheckpointStore) -> None:
    """As documented, so that another program can compute it."""
    loaded = await store.load(await store.save(workflow_checkpoint()))
    assert loaded is not None
    content = {
        "id": "cp_0123456789ab",
        "workflow_id": "w",
        "definition_id": "review",
        "current_step": "draft",
        "completed_steps": ["plan", "research"],
        "step_outputs": {"plan": {"sections": 3}},
        "context_state": {"inputs": {"topic": "queues"}, "state": {}, "metadata": {}},
        "checksum": "0123456789abcdef",
        "created_at": "2026-01-01T00:00:00.000000Z",
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert loaded.content_checksum == hashlib.sha256(text.encode()).hexdigest()
    assert content_checksum({"b": 1, "a": "é"}) == (
        hashlib.sha256(b'{"a":"\\u00e9","b":1}').hexdigest()
    )


# Values that JSON has no form for


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({1, 2}, "set"),
        (b"x", "bytes"),
        (object(), "object"),
        (Decimal("1.5"), "Decimal"),
        (UUID(int=1), "UUID"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime"),
        (Path("x"), "PosixPath"),
    ],
)
async def test_other_values_are_refused_with_their_path(
    store: CheckpointStore, value: object, kind: str
) -> None:
    state = {"inputs": {"list": [0, {"deep": value}]}}
    with pytest.raises(InvalidInputError, match=f"a {kind} has no form in JSON") as caught:
        await store.save(workflow_checkpoint(context_state=state))
    assert caught.value.argument == "checkpoint.context_state['inputs']['list'][1]['deep']"
    with pytest.raises(InvalidInputError) as caught:
        await store.save_debate(debate_checkpoint(messages=[{"content": [value]}]))
    assert caught.value.argument == "checkpoint['messages'][0]['content'][0]"
    assert await row_counts(store.database) == {}


async def test_a_default_converts_other_values(store: CheckpointStore) -> None:
    state = {"id": UUID(int=1), "set": {3}, "mood": Mood.GOOD}

    def convert(value: Any) -> Any:
        return sorted(value) if isinstance(value, set) else str(value)

    given = workflow_checkpoint(context_state=state)
    loaded = await store.load(await store.save(given, default=convert))
    assert loaded is not None
    assert loaded.context_state == {"id": str(UUID(int=1)), "set": [3], "mood": "good"}
    document = debate_checkpoint(continuum_memory_state={"seen": {1}})
    debate = await store.load_debate(await store.save_debate(document, default=convert))
    assert debate is not None
    assert debate.data["continuum_memory_state"] == {"seen": [1]}


async def test_a_default_that_does_not_convert_is_refused(store: CheckpointStore) -> None:
    given = workflow_checkpoint(context_state={"set": {3}})
    with pytest.raises(InvalidInputError, match="a set has no form in JSON"):
        await store.save(given, default=lambda value: value)


async def test_a_state_that_holds_itself_is_refused(store: CheckpointStore) -> None:
    state: dict[str, Any] = {}
    state["self"] = state
    with pytest.raises(InvalidInputError, match="nested deeper than 254 levels"):
        await store.save(workflow_checkpoint(context_state=state))


# Several of one workflow


async def test_list_checkpoints_of_one_second_never_collide(store: CheckpointStore) -> None:
    """All have the same time and the same engine's id."""
    ids = [await store.save(workflow_checkpoint(current_step=f"{n}")) for n in range(50)]
    assert len(set(ids)) == 50
    assert await store.list_checkpoints("w") == ids[::-1]
    latest = await store.load_latest("w")
    assert latest is not None
    assert (latest.storage_id, latest.current_step) == (ids[-1], "49")
    assert (await store.load("cp_0123456789ab")) == latest


async def test_load_latest_is_of_the_checkpoint_that_was_stored_last(
    store: CheckpointStore,
) -> None:
    """Two hosts, whose clocks differ."""
    first = await store.save(workflow_checkpoint(created_at=day(2)))
    last = await store.save(workflow_checkpoint(created_at=day(1)))
    assert await store.list_checkpoints("w") == [last, first]
    latest = await store.load_latest("w")
    assert latest is not None
    assert latest.storage_id == last


NAMES = ["w", "w1", "w1_extra", "w1/..", "../w", "a/b", "w*", "w?", "[w]", "w%", "w_", "W", "wé"]


async def test_delete_workflow_leaves_workflows_with_similar_names(store: CheckpointStore) -> None:
    ids = {}
    for name in NAMES:
        ids[name] = await store.save(workflow_checkpoint(name, id=f"cp {name}"))
    for name in NAMES:
        assert await store.list_checkpoints(name) == [ids[name]]
        latest = await store.load_latest(name)
        assert latest is not None
        assert (latest.workflow_id, latest.storage_id) == (name, ids[name])
    assert await store.delete_workflow("w_") == 1
    assert await store.prune("w%", 1) == 0
    assert await row_counts(store.database) == {"workflow_checkpoints": len(NAMES) - 1}


async def test_a_checkpoint_of_another_workflow_is_refused(store: CheckpointStore) -> None:
    storage_id = await store.save(workflow_checkpoint("w1"))
    for checkpoint_id in (storage_id, "cp_0123456789ab"):
        assert await store.load(checkpoint_id, "w1") is not None
        for use in (store.load, store.delete):
            with pytest.raises(InvalidInputError, match="belongs to another workflow") as caught:
                await use(checkpoint_id, "w2")
            assert caught.value.argument == "workflow_id"
    assert await row_counts(store.database) == {"workflow_checkpoints": 1}
    await store.save_debate(debate_checkpoint("d1"))
    with pytest.raises(InvalidInputError, match="belongs to another debate"):
        await store.load_debate("cp-d1-001-abcd", "d2")


async def test_an_engines_id_in_two_workflows_needs_the_workflow(store: CheckpointStore) -> None:
    ids = {name: await store.save(workflow_checkpoint(name)) for name in ("w1", "w2")}
    for use in (store.load, store.delete):
        with pytest.raises(InvalidInputError, match="of checkpoints of 2 workflows; pass"):
            await use("cp_0123456789ab")
    for name, storage_id in ids.items():
        loaded = await store.load("cp_0123456789ab", name)
        assert loaded is not None
        assert loaded.storage_id == storage_id
    assert await store.delete("cp_0123456789ab", "w1") is True
    assert await store.list_checkpoints("w1") == []
    assert await store.list_checkpoints("w2") == [ids["w2"]]


async def test_delete_by_the_engines_id_leaves_none_of_it(store: CheckpointStore) -> None:
    ids = [await store.save(workflow_checkpoint()) for _ in range(3)]
    assert await store.delete(ids[1]) is True
    assert await store.list_checkpoints("w") == [ids[2], ids[0]]
    assert await store.delete("cp_0123456789ab") is True
    assert await store.load("cp_0123456789ab") is None
    assert await row_counts(store.database) == {}


async def test_list_page_of_thousands(store: CheckpointStore) -> None:
    async with store.database.transaction():
        ids = [
            await store.save(workflow_checkpoint(created_at=day(number // 7), context_state=None))
            for number in range(2000)
        ]
    await store.save(workflow_checkpoint("other"))
    seen: list[str] = []
    sizes, before = [], None
    while True:
        page = await store.list_page("w", 300, before=before)
        seen += [summary.storage_id for summary in page.checkpoints]
        sizes.append(len(page.checkpoints))
        if page.next is None:
            break
        before = page.next
        # The last of a page may vanish before the next one is read.
        await store.delete(page.checkpoints[-1].storage_id)
        await store.save(workflow_checkpoint(created_at=day(5000)))
    assert seen == ids[::-1]
    assert sizes == [300] * 6 + [200]
    assert await store.list_checkpoints("w", 2) == (await store.list_checkpoints("w"))[:2]


@pytest.mark.parametrize("cursor", ["", "x", "2026-01-01T00:00:00Z", "2026-01-01/5", "x/1", "\x00"])
async def test_a_foreign_cursor_is_refused(store: CheckpointStore, cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="before"):
        await store.list_page("w", before=cursor)
    with pytest.raises(InvalidInputError, match="before"):
        await store.list_debate_page("d", before=cursor)


@pytest.mark.parametrize("key", ["-1", "1e3", "x", "9" * 19, "٣"])
async def test_a_cursor_with_a_foreign_key_is_refused(store: CheckpointStore, key: str) -> None:
    with pytest.raises(InvalidInputError, match="must be the next of an earlier page"):
        await store.list_page("w", before=f"2026-01-01T00:00:00.000000Z/{key}")


# Removing


async def test_prune_and_cleanup_old_checkpoints_keep_the_newest(store: CheckpointStore) -> None:
    ids = [await store.save(workflow_checkpoint(created_at=day(n % 5))) for n in range(1203)]
    other = await store.save(workflow_checkpoint("w2"))
    expected = (await store.list_checkpoints("w"))[:7]
    assert set(expected) < set(ids)
    assert await store.prune("w", 7) == 1196
    assert await store.list_checkpoints("w") == expected
    assert await store.cleanup_old_checkpoints("w", keep_count=7) == 0
    assert await store.prune("w", 1) == 6
    assert await store.list_checkpoints("w") == expected[:1]
    assert await store.list_checkpoints("w2") == [other]


async def test_cleanup_older_than_leaves_the_latest_of_each_workflow(
    store: CheckpointStore,
) -> None:
    for name, days in (("old", (1, 2, 3)), ("mixed", (1, 50)), ("new", (49, 50))):
        for number in days:
            await store.save(workflow_checkpoint(name, created_at=day(number)))
    assert await store.cleanup_older_than(10, now=day(50)) == 3
    assert [len(await store.list_checkpoints(name)) for name in ("old", "mixed", "new")] == [
        1,
        1,
        2,
    ]
    latest = await store.load_latest("old")
    assert latest is not None
    assert latest.created_at == day(3)
    assert await store.cleanup_older_than(10, now=day(50), keep_latest=False) == 1
    assert await store.load_latest("old") is None
    assert await store.cleanup_older_than(0, now=day(50)) == 1


# Damage

DAMAGES = {
    "state": "context_state = '{\"inputs\": {}}'",
    "outputs": "step_outputs = '{}'",
    "steps": "completed_steps = '[]'",
    "step": "current_step = 'other'",
    "time": "created_at = '2026-01-09T00:00:00.000001Z'",
    "engine's id": "engine_id = 'cp_other'",
    "definition": "definition_id = 'other'",
    "engine's checksum": "checksum = ''",
    "checksum": f"content_checksum = '{'0' * 64}'",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_reported_and_the_previous_one_offered(
    store: CheckpointStore, damage: str
) -> None:
    ids = [await store.save(workflow_checkpoint(created_at=day(number))) for number in range(4)]
    await store.save(workflow_checkpoint("w2", created_at=day(3)))
    for storage_id in ids[2:]:
        await run(
            store.database,
            f"UPDATE workflow_checkpoints SET {DAMAGES[damage]} WHERE id = '{storage_id}'",
        )
    newest = (await store.list_checkpoints("w"))[0]
    loads: list[Load] = [lambda: store.load_latest("w"), lambda: store.load(newest)]
    for load in loads:
        with pytest.raises(DamagedCheckpointError, match="is damaged") as caught:
            await load()
        assert (caught.value.checkpoint_id, caught.value.previous_id) == (newest, ids[1])
        assert repr(ids[1]) in str(caught.value)
    assert await store.load(ids[1]) is not None
    for loaded in (
        await store.load_latest("w", on_damage="previous"),
        await store.load(newest, "w", on_damage="previous"),
    ):
        assert loaded is not None
        assert loaded.storage_id == ids[1]


async def test_when_all_are_damaged_there_is_none_to_offer(store: CheckpointStore) -> None:
    for number in range(150):
        await store.save(workflow_checkpoint(created_at=day(number)))
    await run(store.database, "UPDATE workflow_checkpoints SET current_step = 'other'")
    with pytest.raises(DamagedCheckpointError, match="no usable one before it") as caught:
        await store.load_latest("w", on_damage="previous")
    assert caught.value.previous_id is None
    # An application can still throw them away.
    assert await store.delete(caught.value.checkpoint_id)
    assert await store.prune("w", 1) == 148


async def test_damage_of_a_debate_is_reported_and_the_previous_one_offered(
    store: CheckpointStore,
) -> None:
    for number in range(1, 5):
        await store.save_debate(debate_checkpoint(number=number))
    await run(
        store.database,
        "UPDATE debate_checkpoints SET data = '{\"messages\": []}' WHERE current_round > 2",
    )
    loads: list[Load] = [
        lambda: store.load_latest_debate("d"),
        lambda: store.load_debate("cp-d-004-abcd"),
    ]
    for load in loads:
        with pytest.raises(DamagedCheckpointError, match="debate 'd' is damaged") as caught:
            await load()
        assert caught.value.previous_id == "cp-d-002-abcd"
    for loaded in (
        await store.load_latest_debate("d", on_damage="previous"),
        await store.load_debate("cp-d-003-abcd", on_damage="previous"),
    ):
        assert loaded is not None
        assert loaded.checkpoint_id == "cp-d-002-abcd"


async def test_text_that_is_no_json_any_more_is_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    store = await get_sqlite_checkpoint_store(path)
    ids = [await store.save(workflow_checkpoint(created_at=day(number))) for number in range(3)]
    for number in (1, 2):
        await store.save_debate(debate_checkpoint(number=number))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(
            "UPDATE workflow_checkpoints SET context_state = '{\"a' WHERE id = ?", [ids[2]]
        )
        connection.execute("UPDATE debate_checkpoints SET data = '{' WHERE current_round = 2")
    with pytest.raises(DamagedCheckpointError) as caught:
        await store.load_latest("w")
    assert (caught.value.checkpoint_id, caught.value.previous_id) == (ids[2], ids[1])
    with pytest.raises(DamagedCheckpointError):
        await store.load(ids[2])
    with pytest.raises(InvalidInputError, match="belongs to another workflow"):
        await store.load(ids[2], "w2")
    previous = await store.load(ids[2], on_damage="previous")
    assert previous is not None
    assert previous.storage_id == ids[1]
    loads: list[Load] = [
        lambda: store.load_latest_debate("d"),
        lambda: store.load_debate("cp-d-002-abcd", "d"),
    ]
    for load in loads:
        with pytest.raises(DamagedCheckpointError) as caught:
            await load()
        assert caught.value.previous_id == "cp-d-001-abcd"
    await close_databases()


# Debates


async def test_save_debate_then_load_latest_debate_gives_the_document_back(
    store: CheckpointStore,
) -> None:
    given = debate_checkpoint(last_resumed_at=day(2), agent_states=[{"stance": "neutral"}])
    assert await store.save_debate(given) == "cp-d-001-abcd"
    loaded = await store.load_debate("cp-d-001-abcd")
    assert loaded is not None
    assert loaded == await store.load_latest_debate("d")
    document = loaded.to_document()
    timestamps = ("created_at", "expires_at", "last_resumed_at")
    assert {k: v for k, v in document.items() if k not in timestamps} == {
        k: v for k, v in given.items() if k not in timestamps
    }
    for name in timestamps:
        assert datetime.fromisoformat(document[name]) == given[name]
    # The document that came back can be stored as it is.
    await store.save_debate(json.loads(json.dumps(document)))
    again = await store.load_debate("cp-d-001-abcd")
    assert again is not None
    assert again.content_checksum == loaded.content_checksum


async def test_load_debate_gives_the_renewed_checkpoint(store: CheckpointStore) -> None:
    await store.save_debate(debate_checkpoint())
    await store.save_debate(debate_checkpoint(status="resuming", resume_count=1, expires_at=None))
    loaded = await store.load_debate("cp-d-001-abcd")
    assert isinstance(loaded, DebateCheckpoint)
    assert (loaded.status, loaded.data["resume_count"], loaded.expires_at) == ("resuming", 1, None)
    with pytest.raises(DuplicateKeyError, match="belongs to another debate"):
        await store.save_debate(debate_checkpoint("e", checkpoint_id="cp-d-001-abcd"))
    assert await row_counts(store.database) == {"debate_checkpoints": 1}
    assert await store.load_debate("cp-d-001-abcd") == loaded


async def test_the_checksum_covers_what_the_old_one_missed(store: CheckpointStore) -> None:
    """The old one counted rounds and messages, and nothing of what they say."""
    first = await store.load_debate(await store.save_debate(debate_checkpoint()))
    changed = debate_checkpoint(messages=[{"role": "proposer", "agent": "x", "content": "y"}])
    second = await store.load_debate(await store.save_debate(changed))
    assert first is not None
    assert second is not None
    assert first.checksum == second.checksum
    assert first.content_checksum != second.content_checksum


async def test_list_debates_and_list_debate_page_filter_before_they_limit(
    store: CheckpointStore,
) -> None:
    for number in range(1, 31):
        await store.save_debate(debate_checkpoint("busy", number=number))
    for number in (1, 2, 3):
        await store.save_debate(debate_checkpoint("quiet", number=number))
    listed = await store.list_debates("quiet", limit=2)
    assert [one.current_round for one in listed] == [3, 2]
    everything = await store.list_debates(limit=100)
    assert len(everything) == 33
    timestamps = [one.stored_at for one in everything]
    assert timestamps == sorted(timestamps, reverse=True)
    seen, before = [], None
    while True:
        page = await store.list_debate_page(limit=10, before=before)
        seen += page.checkpoints
        if page.next is None:
            break
        before = page.next
    assert seen == everything


async def test_prune_debate_keeps_the_newest_of_one_debate(store: CheckpointStore) -> None:
    for number in range(1, 31):
        await store.save_debate(debate_checkpoint("busy", number=number))
    for number in (1, 2, 3):
        await store.save_debate(debate_checkpoint("quiet", number=number))
    assert await store.prune_debate("busy") == 20
    assert [one.current_round for one in await store.list_debates("busy")] == [*range(30, 20, -1)]
    assert len(await store.list_debates("quiet")) == 3


async def test_cleanup_expired_removes_debates_and_delete_debate_one(
    store: CheckpointStore,
) -> None:
    for number in range(1, 11):
        await store.save_debate(debate_checkpoint(number=number))
    await store.save_debate(debate_checkpoint("forever", expires_at=None))
    assert await store.cleanup_expired(day(7)) == 4
    assert await store.cleanup_expired(day(7)) == 0
    assert [one.current_round for one in await store.list_debates("d")] == [*range(10, 4, -1)]
    assert await store.cleanup_expired() == len(
        [n for n in range(5, 11) if day(n + 3) <= datetime.now(UTC)]
    )
    assert await store.load_latest_debate("forever") is not None
    assert await store.delete_debate("cp-forever-001-abcd") is True


async def test_get_stats_counts_everything(store: CheckpointStore) -> None:
    assert (await store.get_stats()).to_dict() == dict.fromkeys(
        ["workflow_checkpoints", "workflows", "debate_checkpoints", "debates", "debate_bytes"], 0
    )
    for name in ("w1", "w1", "w2"):
        await store.save(workflow_checkpoint(name))
    for debate, number in (("d", 1), ("d", 2), ("e", 1)):
        await store.save_debate(debate_checkpoint(debate, number))
    stats = await store.get_stats()
    assert (stats.workflow_checkpoints, stats.workflows) == (3, 2)
    assert (stats.debate_checkpoints, stats.debates) == (3, 2)
    assert stats.debate_bytes == sum(one.size_bytes for one in await store.list_debates())


# Bad input

BAD_WORKFLOWS: dict[str, tuple[dict[str, Any], str]] = {
    "empty id": ({"id": " "}, "checkpoint.id: must not be empty"),
    "long id": ({"id": "x" * 1001}, "checkpoint.id: must be at most 1000 bytes"),
    "no workflow": ({"workflow_id": ""}, "checkpoint.workflow_id: must not be empty"),
    "NUL": ({"workflow_id": "a\x00"}, "checkpoint.workflow_id: a NUL"),
    "surrogate": ({"current_step": "\ud800"}, "checkpoint.current_step: a lone surrogate"),
    "number": ({"definition_id": 1}, "checkpoint.definition_id: must be text, not"),
    "steps": ({"completed_steps": "abc"}, "checkpoint.completed_steps: must be a list, not"),
    "step": ({"completed_steps": ["a", 1]}, r"checkpoint.completed_steps\[1\]: must be text"),
    "outputs": ({"step_outputs": [1]}, "checkpoint.step_outputs: must be a dictionary"),
    "NaN": ({"context_state": {"x": float("nan")}}, r"context_state\['x'\]: nan has no form"),
    "key": ({"context_state": {1: 2}}, "context_state: the JSON key 1 is not text"),
    "nested NUL": ({"context_state": {"x": ["\x00"]}}, r"\['x'\]\[0\]: a NUL character"),
    "naive": (
        {"created_at": datetime(2026, 1, 1)},
        "checkpoint.created_at: must be a datetime with a time zone",
    ),
    "text time": (
        {"created_at": "2026-01-01"},
        "checkpoint.created_at: must be a datetime with a time zone, not",
    ),
    "checksum": ({"checksum": None}, "checkpoint.checksum: must be text, not"),
}
BAD_DEBATES: dict[str, tuple[dict[str, Any], str]] = {
    "empty id": ({"checkpoint_id": ""}, "checkpoint.checkpoint_id: must not be empty"),
    "status": ({"status": "done"}, "checkpoint.status: must be one of creating, complete"),
    "round": ({"current_round": -1}, "checkpoint.current_round: must be at least 0, not -1"),
    "naive": (
        {"created_at": "2026-01-01T00:00:00"},
        "checkpoint.created_at: must be a datetime with a time zone",
    ),
    "no time": (
        {"expires_at": "soon"},
        "checkpoint.expires_at: must be a timestamp in the form of ISO-8601",
    ),
    "naive other": (
        {"last_resumed_at": datetime(2026, 1, 1)},
        "last_resumed_at: must be a datetime with a time",
    ),
    "NaN": ({"votes": [float("inf")]}, r"checkpoint\['votes'\]\[0\]: inf has no form"),
}


@pytest.mark.parametrize("name", BAD_WORKFLOWS)
async def test_bad_checkpoints_are_refused(store: CheckpointStore, name: str) -> None:
    changes, message = BAD_WORKFLOWS[name]
    with pytest.raises(InvalidInputError, match=message):
        await store.save(workflow_checkpoint(**changes))
    assert await row_counts(store.database) == {}


@pytest.mark.parametrize("name", BAD_DEBATES)
async def test_bad_debates_are_refused(store: CheckpointStore, name: str) -> None:
    changes, message = BAD_DEBATES[name]
    with pytest.raises(InvalidInputError, match=message):
        await store.save_debate(debate_checkpoint(**changes))
    assert await row_counts(store.database) == {}


async def test_a_missing_field_is_named(store: CheckpointStore) -> None:
    given = workflow_checkpoint()
    del given["workflow_id"]
    with pytest.raises(InvalidInputError, match="workflow_id: is missing"):
        await store.save(given)
    with pytest.raises(InvalidInputError, match="id: is missing"):
        await store.save(object())
    with pytest.raises(InvalidInputError, match="must be a dictionary, not list"):
        await store.save_debate([])  # type: ignore[arg-type]


CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "load": (lambda s: s.load(""), "checkpoint_id: must not be empty"),
    "load of": (lambda s: s.load("x", " "), "workflow_id: must not be empty"),
    "load_latest": (lambda s: s.load_latest(None), "workflow_id: must be text, not"),
    "on_damage": (
        lambda s: s.load_latest("w", on_damage="ignore"),
        "must be one of raise, previous",
    ),
    "list": (lambda s: s.list_checkpoints("w", -1), "limit: must be at least 0, not -1"),
    "list_page": (lambda s: s.list_page("w", 0), "limit: must be at least 1, not 0"),
    "prune": (lambda s: s.prune("w", 0), "keep: must be at least 1, not 0"),
    "prune_debate": (lambda s: s.prune_debate("d", True), "keep: must be an integer"),
    "cleanup_old": (lambda s: s.cleanup_old_checkpoints("w", 0), "keep_count: must be at least 1"),
    "age": (lambda s: s.cleanup_older_than(-1), "max_age_days: must be at least 0, not -1.0"),
    "great age": (lambda s: s.cleanup_older_than(1e9), "max_age_days: must not reach back"),
    "keep_latest": (
        lambda s: s.cleanup_older_than(1, keep_latest=1),
        "keep_latest: must be True or",
    ),
    "now": (
        lambda s: s.cleanup_expired(datetime(2026, 1, 1)),
        "now: must be a datetime with a time zone",
    ),
    "delete": (lambda s: s.delete(""), "checkpoint_id: must not be empty"),
    "delete_workflow": (lambda s: s.delete_workflow(""), "workflow_id: must not be empty"),
}


@pytest.mark.parametrize("name", CALLS)
async def test_bad_arguments_are_refused(store: CheckpointStore, name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(InvalidInputError, match=message):
        await call(store)


@pytest.mark.parametrize(
    "column", ["completed_steps = '{}'", "step_outputs = '[]'", "content_checksum = 'x'", "id = ''"]
)
async def test_the_schema_refuses_what_the_store_would(store: CheckpointStore, column: str) -> None:
    await store.save(workflow_checkpoint())
    with pytest.raises(CheckViolationError):
        await run(store.database, f"UPDATE workflow_checkpoints SET {column}")


# The factory function


async def test_the_environment_names_the_engine(
    tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path / "data"))
    local = await get_checkpoint_store()
    assert isinstance(local, SQLiteCheckpointStore)
    storage_id = await local.save(workflow_checkpoint())
    default = await get_sqlite_checkpoint_store()
    assert isinstance(await default.load(storage_id), WorkflowCheckpoint)
    assert (tmp_path / "data" / "aragora.db").is_file()
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    remote = await get_checkpoint_store()
    assert isinstance(remote, PostgresCheckpointStore)
    assert await remote.load(storage_id) is None
    await close_databases()


async def test_a_checkpoint_joins_a_transaction_of_the_application(store: CheckpointStore) -> None:
    async def fail() -> None:
        async with store.database.transaction():
            await store.save(workflow_checkpoint())
            await store.save_debate(debate_checkpoint())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fail()
    assert await row_counts(store.database) == {}
    assert await fetch_value(store.database, "SELECT count(*) FROM workflow_checkpoints") == 0


async def test_pruning_takes_as_long_for_many(counted_postgres: CountingProxy) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    store = CheckpointStore(database)

    async def prune(count: int) -> int:
        async with database.transaction():
            for _ in range(count):
                await store.save(workflow_checkpoint())
        counted_postgres.reset()
        await store.prune("w", 1)
        return counted_postgres.round_trips

    await prune(2)
    assert await prune(400) == await prune(2) == 2
    assert await fetch_value(database, "SELECT count(*) FROM workflow_checkpoints")
    await database.close()

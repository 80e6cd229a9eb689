"""Messages between regions: numbers without a gap, each message applied exactly once."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from aragora_sql.errors import (
    InvalidInputError,
    RegionNotFoundError,
    RegionRefusedError,
    SequenceReusedError,
)
from aragora_sql.stores.federation import FederatedRecord, FederationStore
from tests.stores.federation.cases import change, region
from tests.stores.samples import day, days_ago, fetch, fetch_value, run


@pytest.fixture
async def berlin(federation: FederationStore) -> FederationStore:
    """The federation with a region ``berlin``."""
    await federation.save(region())
    return federation


async def content(federation: FederationStore, record_id: str = "k") -> Any:
    record = await federation.get_record(record_id)
    assert record is not None
    return record.content


async def test_enqueue_numbers_messages_of_each_region_and_list_outgoing_gives_them(
    federation: FederationStore,
) -> None:
    await federation.save(region("a"))
    await federation.save(region("b"))
    await federation.save(region("a", workspace_id="w"))
    first = await federation.enqueue("a", [change(content={"x": 1e17})])
    assert first.changes == [
        {
            "record_id": "k",
            "content": {"x": 1e17},
            "origin": "here",
            "updated_at": "2026-01-02T00:00:00.000000Z",
        }
    ]
    await federation.enqueue("a", [change(origin="elsewhere"), change("gone", content=None)])
    await federation.enqueue("b", [change()])
    await federation.enqueue("a", [change()], "w")
    sent = await federation.list_outgoing("a")
    assert [message.sequence for message in sent] == [1, 2]
    assert sent[0] == first
    assert [one["origin"] for one in sent[1].changes] == ["elsewhere", "here"]
    assert [message.sequence for message in await federation.list_outgoing("b")] == [1]
    assert len(await federation.list_outgoing("a", workspace_id="w")) == 1


async def test_enqueue_of_many_at_once_leaves_no_gap(berlin: FederationStore) -> None:
    """Also where some of them are undone."""

    async def undone() -> None:
        async with berlin.database.transaction():
            await berlin.enqueue("berlin", [change()])
            raise RuntimeError("undo")

    calls = [berlin.enqueue("berlin", [change()]) for _ in range(15)]
    results = await asyncio.gather(*calls, *(undone() for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, RuntimeError) for result in results) == 5
    sent = await berlin.list_outgoing("berlin")
    assert [message.sequence for message in sent] == list(range(1, 16))


async def test_acknowledge_deletes_what_the_region_has(berlin: FederationStore) -> None:
    for _ in range(5):
        await berlin.enqueue("berlin", [change()])
    first, second = await berlin.list_outgoing("berlin", 2)
    assert [m.sequence for m in await berlin.list_outgoing("berlin", after=second)] == [3, 4, 5]
    assert await berlin.acknowledge("berlin", 3) == 3
    assert await berlin.acknowledge("berlin", first.sequence) == 0
    state = await berlin.get_sync_state("berlin")
    assert state is not None
    assert (state.last_sent, state.last_acknowledged) == (5, 3)
    with pytest.raises(InvalidInputError, match="sequence: must be at most 5"):
        await berlin.acknowledge("berlin", 6)
    with pytest.raises(RegionNotFoundError):
        await berlin.acknowledge("paris", 1)
    assert [m.sequence for m in await berlin.list_outgoing("berlin")] == [4, 5]
    assert (await berlin.enqueue("berlin", [change()])).sequence == 6


async def test_apply_applies_a_message_once(berlin: FederationStore) -> None:
    done = await berlin.apply("berlin", 1, [change(), change("l", content={"n": [1.5]})])
    assert (done.outcome, done.is_new, done.last_applied, done.changed) == ("applied", True, 1, 2)
    again = await berlin.apply("berlin", 1, [change(), change("l", content={"n": [1.5]})])
    assert (again.outcome, again.is_new, again.last_applied, again.changed) == (
        "repeated",
        False,
        1,
        0,
    )
    record = await berlin.get_record("l")
    assert record == FederatedRecord(
        workspace_id="", record_id="l", content={"n": [1.5]}, origin="berlin", updated_at=day(1)
    )
    assert await berlin.get_record("l", "w") is None
    with pytest.raises(SequenceReusedError, match="another message 1 of region 'berlin'"):
        await berlin.apply("berlin", 1, [change(content={"other": True})])
    assert await content(berlin) == {"at": 1}


async def test_apply_is_together_with_what_else_a_transaction_does(berlin: FederationStore) -> None:
    async def failing() -> None:
        async with berlin.database.transaction():
            await berlin.apply("berlin", 1, [change()])
            await berlin.save_record("mine", {"n": 1})
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await failing()
    assert await berlin.list_records() == []
    async with berlin.database.transaction():
        assert (await berlin.apply("berlin", 1, [change()])).is_new
        await berlin.save_record("mine", {"n": 1})
    assert [record.record_id for record in await berlin.list_records()] == ["k", "mine"]


async def test_apply_holds_a_message_back_until_the_gap_is_filled(berlin: FederationStore) -> None:
    for sequence in (4, 2, 5):
        held = await berlin.apply("berlin", sequence, [change(f"k{sequence}", sequence)])
        assert (held.outcome, held.last_applied) == ("held", 0)
    again = await berlin.apply("berlin", 4, [change("k4", 4)])
    assert again.outcome == "held"
    with pytest.raises(SequenceReusedError):
        await berlin.apply("berlin", 4, [change("k4", 5)])
    state = await berlin.get_sync_state("berlin")
    assert state is not None
    assert (state.last_applied, state.held, state.missing) == (0, 3, 1)
    assert await berlin.list_records() == []
    done = await berlin.apply("berlin", 1, [change("k1")])
    assert (done.outcome, done.last_applied, done.changed) == ("applied", 2, 2)
    state = await berlin.get_sync_state("berlin")
    assert state is not None
    assert (state.held, state.missing) == (2, 3)
    done = await berlin.apply("berlin", 3, [change("k3", 3)])
    assert (done.last_applied, done.changed) == (5, 3)
    state = await berlin.get_sync_state("berlin")
    assert state is not None
    assert (state.last_applied, state.held, state.missing) == (5, 0, None)
    assert [r.record_id for r in await berlin.list_records()] == ["k1", "k2", "k3", "k4", "k5"]
    rows = await fetch(berlin.database, "SELECT changes, applied_at FROM federation_inbox")
    assert len(rows) == 5
    assert all(row["changes"] is None and row["applied_at"] is not None for row in rows)
    assert (await berlin.apply("berlin", 4, [change("k4", 4)])).outcome == "repeated"
    with pytest.raises(InvalidInputError, match="sequence: must be at most 10000 ahead of 5"):
        await berlin.apply("berlin", 10_006, [change()])


async def test_apply_of_all_messages_at_once_in_any_order(berlin: FederationStore) -> None:
    """Each comes three times, some together with their successors."""
    messages = [(n, [change(f"k{n % 3}", n, content={"n": n})]) for n in range(1, 13)]
    calls = [messages[(number * 7) % 12] for number in range(36)]
    outcomes = await asyncio.gather(*(berlin.apply("berlin", *call) for call in calls))
    state = await berlin.get_sync_state("berlin")
    assert state is not None
    assert (state.last_applied, state.held) == (12, 0)
    assert [await content(berlin, f"k{n}") for n in (0, 1, 2)] == [{"n": 12}, {"n": 10}, {"n": 11}]
    # Whoever fills a gap applies what waited behind it.
    assert 1 <= sum(outcome.is_new for outcome in outcomes) <= 12
    assert max(outcome.last_applied for outcome in outcomes) == 12


async def test_apply_of_one_message_at_once_counts_once(berlin: FederationStore) -> None:
    outcomes = await asyncio.gather(*(berlin.apply("berlin", 1, [change()]) for _ in range(10)))
    assert [outcome.outcome for outcome in outcomes].count("applied") == 1
    assert [outcome.outcome for outcome in outcomes].count("repeated") == 9


MODES = {"push": (True, False), "pull": (False, True), "bidirectional": (True, True), "none": ()}


@pytest.mark.parametrize("mode", MODES)
async def test_the_mode_of_a_region_says_what_is_exchanged(
    federation: FederationStore, mode: str
) -> None:
    gets, gives = MODES[mode] or (False, False)
    await federation.save(region(mode=mode))
    calls: dict[str, tuple[Any, bool]] = {
        "gets no messages": (lambda: federation.enqueue("berlin", [change()]), gets),
        "gives no messages": (lambda: federation.apply("berlin", 1, [change()]), gives),
    }
    for problem, (call, is_allowed) in calls.items():
        if is_allowed:
            await call()
        else:
            with pytest.raises(RegionRefusedError, match=f"{problem}: its mode is {mode}"):
                await call()
    await federation.save(region(mode=mode, enabled=False))
    for problem, (call, _) in calls.items():
        with pytest.raises(RegionRefusedError, match=f"{problem}: it is not enabled"):
            await call()
    state = await federation.get_sync_state("berlin")
    assert state is not None
    assert (state.last_sent, state.last_applied) == (int(gets), int(gives))
    for call in (federation.enqueue("paris", [change()]), federation.apply("paris", 1, [change()])):
        with pytest.raises(RegionNotFoundError):
            await call


WRITES: list[dict[str, Any]] = [
    {"at": 1, "origin": "c", "content": {"n": 1}},
    {"at": 2, "origin": "b", "content": None},
    {"at": 2, "origin": "B", "content": {"n": 3}},
]


async def test_of_two_writes_the_later_stays_whatever_their_order(berlin: FederationStore) -> None:
    """Of two at one time that of the region whose name comes last."""
    sequence = itertools.count(1)
    for number, order in enumerate(itertools.permutations(WRITES)):
        for write in order:
            await berlin.apply("berlin", next(sequence), [change(f"k{number}", **write)])
    records = await berlin.list_records()
    assert len(records) == 6
    for record in records:
        assert (record.content, record.origin, record.updated_at) == (None, "b", day(2))


async def test_save_record_and_get_record_follow_the_same_rule(berlin: FederationStore) -> None:
    assert await berlin.save_record("k", {"n": 1}, updated_at=day(2))
    assert not await berlin.save_record("k", {"n": 2}, updated_at=day(1))
    assert not await berlin.save_record("k", {"n": 2}, updated_at=day(2))
    done = await berlin.apply("berlin", 1, [change(at=2, content={"n": 3})])
    # Of one time; "berlin" comes before "here".
    assert (done.outcome, done.changed) == ("applied", 0)
    assert await berlin.save_record("k", None)
    record = await berlin.get_record("k")
    assert record is not None
    assert (record.content, record.origin) == (None, "here")
    sent = await berlin.enqueue("berlin", [record.to_change()])
    assert sent.changes[0]["updated_at"] == record.to_change()["updated_at"]
    assert await berlin.save_record("k", {"n": 1}, "w")
    assert (await berlin.get_record("k")) == record


async def test_list_records_pages(federation: FederationStore) -> None:
    for name in ("b", "a", "ä", "Z"):
        await federation.save_record(name, {"name": name})
    await federation.save_record("other", {}, "w")
    await federation.save_record("a", None)
    listed: list[str] = []
    after: Any = None
    while page := await federation.list_records(limit=3, after=after):
        listed += [record.record_id for record in page]
        after = page[-1].to_dict()
    assert listed == ["Z", "a", "b", "ä"]
    assert [one.record_id for one in await federation.list_records("w")] == ["other"]


async def test_get_sync_state_of_a_region_without_messages(berlin: FederationStore) -> None:
    state = await berlin.get_sync_state("berlin")
    assert state is not None
    assert (state.last_sent, state.last_applied, state.held, state.updated_at) == (0, 0, 0, None)
    assert await berlin.get_sync_state("berlin", "w") is None


async def test_cleanup_forgets_old_messages_and_deletions(berlin: FederationStore) -> None:
    for sequence in (1, 2, 4):
        await berlin.apply("berlin", sequence, [change()])
    await run(
        berlin.database,
        "UPDATE federation_inbox SET applied_at = '2026-01-01T00:00:00.000000Z' WHERE sequence = 1",
    )
    await berlin.save_record("old", None, updated_at=day(0))
    await berlin.save_record("kept", {}, updated_at=day(0))
    await berlin.save_record("new", None, updated_at=days_ago(1))
    done = await berlin.cleanup()
    assert (done.messages, done.records) == (1, 1)
    assert [r.record_id for r in await berlin.list_records()] == ["k", "kept", "new"]
    # The hash of the first one is gone: another one of its number is no different.
    assert (await berlin.apply("berlin", 1, [change(content={})])).outcome == "repeated"
    sql = "SELECT count(*) FROM federation_inbox"
    assert await fetch_value(berlin.database, sql) == 2
    everything = await berlin.cleanup(0, 0)
    assert (everything.messages, everything.records) == (1, 1)


async def test_two_regions_end_up_with_the_same(federation: FederationStore, database: Any) -> None:
    """Both keep their records in one database here, each in a workspace of its own."""
    regions = {name: FederationStore(database, region_id=name) for name in ("a", "b")}
    for name, other in (("a", "b"), ("b", "a")):
        await federation.save(region(other, workspace_id=name, api_key=""))
    for number in range(6):
        name, other = ("a", "b") if number % 2 else ("b", "a")
        store = regions[name]
        async with database.transaction():
            await store.save_record(
                "k", {"by": name, "n": number}, name, updated_at=day(number // 2)
            )
            record = await store.get_record("k", name)
            assert record is not None
            await store.enqueue(other, [record.to_change()], name)
    for name, other in (("a", "b"), ("b", "a")):
        for message in reversed(await regions[other].list_outgoing(name, workspace_id=other)):
            for _ in range(2):
                await regions[name].apply(other, message.sequence, message.changes, name)
        await regions[other].acknowledge(name, 3, other)
        assert await regions[other].list_outgoing(name, workspace_id=other) == []
    found = [await regions[name].get_record("k", name) for name in ("a", "b")]
    contents = [one.content for one in found if one is not None]
    assert contents == [{"by": "b", "n": 4}, {"by": "b", "n": 4}]

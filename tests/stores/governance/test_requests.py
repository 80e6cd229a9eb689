"""Approval requests of workflows on each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import ApprovalRefusedError, InvalidInputError
from aragora_sql.stores.governance import ApprovalRequestStore, GovernanceStore
from tests.conftest import OpenDatabase
from tests.stores.governance.cases import request
from tests.stores.samples import days_ago

FULL: dict[str, Any] = {
    "request_id": "q",
    "workflow_id": "w",
    "step_id": "s",
    "title": "Go on?",
    "description": "At length",
    "status": "pending",
    "request_data": {"n": 0.1 + 0.2},
    "response_data": None,
    "requester_id": "ann",
    "responder_id": None,
    "priority": 2,
    "workspace_id": "space",
    "tags": ["urgent"],
    "expires_at": "2027-01-05T10:00:00.123456+00:00",
    "responded_at": None,
    "created_at": "2026-01-05T10:00:00.123456+00:00",
    "channel": {"id": 10**17},
}


@pytest.fixture
async def requests(database: Database) -> ApprovalRequestStore:
    store = GovernanceStore(database)
    await store.initialize()
    return store.requests


async def test_save_reads_back_by_get_exists_and_count(requests: ApprovalRequestStore) -> None:
    await requests.save(FULL)
    document = await requests.get("q")
    assert document is not None
    assert datetime.fromisoformat(document.pop("updated_at")).tzinfo is not None
    assert document == FULL
    assert await requests.get("x") is None
    assert await requests.exists("q")
    assert not await requests.exists("x")
    assert await requests.count() == 1


async def test_save_again_keeps_the_creation(requests: ApprovalRequestStore) -> None:
    await requests.save(FULL)
    await requests.save(FULL | {"title": "Go on now?", "created_at": days_ago(1)})
    document = await requests.get("q")
    assert document is not None
    assert document["title"] == "Go on now?"
    assert document["created_at"] == FULL["created_at"]


async def test_save_does_not_take_an_answer_back(requests: ApprovalRequestStore) -> None:
    await requests.save(FULL)
    assert await requests.respond("q", "approved", "ben", {"note": "yes"})
    with pytest.raises(ApprovalRefusedError, match="another answer"):
        await requests.save(FULL)
    document = await requests.get("q")
    assert document is not None
    assert (document["status"], document["responder_id"]) == ("approved", "ben")
    assert document["response_data"] == {"note": "yes"}
    await requests.save(document | {"tags": ["done"]})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"request_id": ""}, "data.request_id"),
        ({"workflow_id": None}, "data.workflow_id"),
        ({"step_id": 5}, "data.step_id"),
        ({"title": " "}, "data.title"),
        ({"status": "open"}, "data.status"),
        ({"priority": 6}, "data.priority"),
        ({"tags": "urgent"}, "data.tags"),
        ({"request_data": []}, "data.request_data"),
        ({"expires_at": "tomorrow"}, "data.expires_at"),
        ({"expires_at": "2026-01-01T00:00:00"}, "data.expires_at"),
        ({"channel": float("nan")}, "data['channel']"),
    ],
)
async def test_save_refuses(
    requests: ApprovalRequestStore, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await requests.save(FULL | change)
    assert caught.value.argument == named
    assert await requests.count() == 0


async def test_respond_counts_once(open_database: OpenDatabase) -> None:
    stores = [GovernanceStore(await open_database()) for _ in range(4)]
    await stores[0].initialize()
    await stores[0].requests.save(request("q"))
    done = await asyncio.gather(
        *(
            stores[number % 4].requests.respond("q", "approved", f"user {number}")
            for number in range(12)
        )
    )
    assert sorted(done) == [False] * 11 + [True]
    document = await stores[0].requests.get("q")
    assert document is not None
    assert document["responder_id"] == f"user {done.index(True)}"
    assert document["responded_at"] == document["updated_at"]


async def test_respond_tells_whether_there_is_one_that_waits(
    requests: ApprovalRequestStore,
) -> None:
    await requests.save(request("late", expires_at=days_ago(1)))
    assert not await requests.respond("late", "approved", "ben")
    assert not await requests.respond("x", "approved", "ben")
    await requests.save(request("q", expires_at=datetime(2999, 1, 1, tzinfo=UTC)))
    assert await requests.respond("q", "rejected", "ben")


async def test_delete(requests: ApprovalRequestStore) -> None:
    await requests.save(request("q"))
    assert await requests.delete("q")
    assert not await requests.delete("q")


async def test_expire_and_list_expired_go_by_the_clock_of_the_database(
    requests: ApprovalRequestStore,
) -> None:
    await requests.save(request("older", expires_at=days_ago(2)))
    await requests.save(request("old", expires_at=days_ago(1)))
    await requests.save(request("new", expires_at=datetime(2999, 1, 1, tzinfo=UTC)))
    await requests.save(request("never"))
    expired = await requests.list_expired()
    assert [one["request_id"] for one in expired] == ["older", "old"]
    rest = await requests.list_expired(after=expired[0])
    assert [one["request_id"] for one in rest] == ["old"]
    assert await requests.expire() == 2
    assert await requests.expire() == 0
    assert await requests.list_expired() == []
    assert len(await requests.list_by_status("expired")) == 2


async def test_list_all_list_by_workflow_list_by_workspace_list_by_status_and_list_pending(
    requests: ApprovalRequestStore,
) -> None:
    for number in range(6):
        await requests.save(
            request(
                f"q{number}",
                workflow_id=f"w{number % 2}",
                workspace_id="space" if number < 2 else None,
                priority=1 + number % 3,
                created_at=f"2026-01-0{1 + number}T00:00:00Z",
            )
        )
    await requests.respond("q5", "rejected", "ben")

    def ids(documents: list[dict[str, Any]]) -> list[str]:
        return [document["request_id"] for document in documents]

    assert ids(await requests.list_all()) == ["q5", "q4", "q3", "q2", "q1", "q0"]
    assert ids(await requests.list_by_workflow("w0")) == ["q4", "q2", "q0"]
    assert ids(await requests.list_by_workspace("space")) == ["q1", "q0"]
    assert ids(await requests.list_by_status("rejected")) == ["q5"]
    pending = await requests.list_pending()
    assert ids(pending) == ["q3", "q0", "q4", "q1", "q2"]
    seen: list[str] = []
    page = await requests.list_pending(2)
    while page:
        seen += ids(page)
        page = await requests.list_pending(2, after=page[-1])
    assert seen == ids(pending)
    first = await requests.list_all(1)
    assert ids(await requests.list_all(2, after=first[-1])) == ["q4", "q3"]

"""Finding workflows: documents, changes, history, lists and statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AragoraSQLError,
    ConflictError,
    DuplicateKeyError,
    FindingNotFoundError,
    InvalidInputError,
    InvalidTransitionError,
    VersionConflictError,
)
from aragora_sql.stores.workflow.records import FindingWorkflow
from aragora_sql.stores.workflow.states import FindingStateWord
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.conftest import OpenDatabase
from tests.stores.samples import day, fetch, fetch_value, row_counts, run

ISO = "2026-01-05T10:00:00.123456+00:00"
LATER = "2026-01-06T10:00:00+00:00"

EVENT = {
    "id": "e1",
    "finding_id": "f1",
    "event_type": "state_change",
    "timestamp": LATER,
    "user_id": "ann",
    "user_name": "Ann",
    "from_state": "open",
    "to_state": "triaging",
    "field_name": None,
    "old_value": None,
    "new_value": None,
    "comment": "Looks real",
}
DOCUMENT: dict[str, Any] = {
    "finding_id": "f1",
    "current_state": "triaging",
    "history": [EVENT],
    "assigned_to": "ben",
    "assigned_by": "ann",
    "assigned_at": LATER,
    "priority": 2,
    "due_date": "2026-02-01T12:00:00+00:00",
    "linked_findings": ["f9", "f3"],
    "parent_finding_id": None,
    "created_at": ISO,
    "updated_at": LATER,
    "resolved_at": None,
    "time_in_states": {"open": 86399.876544},
    "state_entered_at": LATER,
}

Stores = list[FindingWorkflowStore]


@pytest.fixture
async def instances(findings: FindingWorkflowStore, open_database: OpenDatabase) -> Stores:
    """Two instances of an application, each with connections of its own."""
    return [findings, FindingWorkflowStore(await open_database())]


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


async def got(store: FindingWorkflowStore, finding_id: str = "f1") -> dict[str, Any]:
    document = await store.get(finding_id)
    assert document is not None
    return document


# Documents


async def test_get_gives_the_document_back(findings: FindingWorkflowStore) -> None:
    await findings.save(DOCUMENT)
    assert await got(findings) == {**DOCUMENT, "version": 1}
    assert await findings.get("f2") is None


async def test_what_has_no_column_comes_back(findings: FindingWorkflowStore) -> None:
    odd = {"é": [1, None, {"x": 1e300}], "scanner": {"name": "zap"}, "score": 0.1}
    event = {**EVENT, "weight": 3, "tags": ["a"]}
    await findings.save({**DOCUMENT, **odd, "history": [event]})
    assert await got(findings) == {**DOCUMENT, **odd, "history": [event], "version": 1}


async def test_a_small_document_takes_defaults(findings: FindingWorkflowStore) -> None:
    before = utc_now()
    await findings.save({"finding_id": "f1"})
    document = await got(findings)
    created = document["created_at"]
    assert before <= datetime.fromisoformat(created) <= utc_now()
    assert document == {
        "finding_id": "f1",
        "current_state": "open",
        "history": [],
        "assigned_to": None,
        "assigned_by": None,
        "assigned_at": None,
        "priority": 3,
        "due_date": None,
        "linked_findings": [],
        "parent_finding_id": None,
        "created_at": created,
        "updated_at": created,
        "resolved_at": None,
        "time_in_states": {},
        "state_entered_at": created,
        "version": 1,
    }


@pytest.mark.parametrize("state", ["acknowledged", "wont_fix", "Sleeping — 寝ている"])
async def test_older_states_and_events_are_kept(findings: FindingWorkflowStore, state: str) -> None:
    history = [
        {"id": "1", "user_id": "ann", "comment": "", "timestamp": ISO, "event_type": kind}
        for kind in ("bulk_assign",)
    ] + [
        {
            "id": "2",
            "user_id": "ann",
            "comment": None,
            "timestamp": LATER,
            "event_type": "due_date_change",
            "old_value": {"a": [1.5]},
            "new_value": False,
        }
    ]
    await findings.save({"finding_id": "f1", "current_state": state, "history": history})
    document = await got(findings)
    assert document["current_state"] == state
    assert [e["event_type"] for e in document["history"]] == ["bulk_assign", "due_date_change"]
    assert document["history"][1]["old_value"] == {"a": [1.5]}
    assert document["history"][1]["new_value"] is False
    assert document["history"][0]["comment"] == ""
    assert (await findings.get_statistics()).unknown_states == {state: 1}
    # They do not stand in the way of a change.
    assert (await findings.add_comment("f1", "seen")).version == 2
    if state != "acknowledged":
        assert (await findings.transition("f1", "open")).current_state == "open"


async def test_the_state_began_with_the_last_event_that_led_there(
    findings: FindingWorkflowStore,
) -> None:
    document = without(DOCUMENT, "state_entered_at", "time_in_states", "resolved_at")
    await findings.save(document)
    assert (await got(findings))["state_entered_at"] == LATER


async def test_saving_again_keeps_the_creation_and_only_adds_history(
    findings: FindingWorkflowStore,
) -> None:
    await findings.save(DOCUMENT)
    before = utc_now()
    comment = {**EVENT, "id": "e2", "event_type": "comment", "from_state": None, "to_state": None}
    changed = {
        **DOCUMENT,
        "priority": 1,
        "created_at": LATER,
        "history": [comment],
        "linked_findings": ["f3", "f4"],
    }
    await findings.save(changed)
    document = await got(findings)
    assert document["created_at"] == ISO
    assert datetime.fromisoformat(document["updated_at"]) >= before
    assert document["priority"] == 1
    assert document["version"] == 2
    assert document["linked_findings"] == ["f3", "f4"]
    assert [event["id"] for event in document["history"]] == ["e1", "e2"]


async def test_members_that_are_not_given_stay(findings: FindingWorkflowStore) -> None:
    await findings.save({**DOCUMENT, "scanner": "zap"})
    await findings.save({"finding_id": "f1", "priority": 5})
    expected = {**DOCUMENT, "priority": 5, "version": 2}
    assert without(await got(findings), "updated_at") == without(expected, "updated_at")


async def test_a_new_state_begins_when_it_is_saved(findings: FindingWorkflowStore) -> None:
    await findings.save(DOCUMENT)
    before = utc_now()
    await findings.save({"finding_id": "f1", "current_state": "investigating"})
    entered = datetime.fromisoformat((await got(findings))["state_entered_at"])
    assert before <= entered <= utc_now()


async def test_history_cannot_be_rewritten(findings: FindingWorkflowStore) -> None:
    await findings.save(DOCUMENT)
    forged = {**DOCUMENT, "priority": 1, "history": [{**EVENT, "comment": "Looks fine"}]}
    with pytest.raises(InvalidInputError, match=r"data.history\[0\]: the event 'e1' is stored"):
        await findings.save(forged)
    assert await got(findings) == {**DOCUMENT, "version": 1}


async def test_save_takes_a_document_that_was_read_and_changed(
    findings: FindingWorkflowStore,
) -> None:
    await findings.save(DOCUMENT)
    document = await got(findings)
    document["history"].append({**EVENT, "id": "e2", "event_type": "comment"})
    document["assigned_to"] = None
    saved = await findings.save(document)
    assert saved.version == 2
    assert (await got(findings))["assigned_to"] is None
    with pytest.raises(VersionConflictError, match=r"'f1' has version 2 now.*for version 1"):
        await findings.save(document)
    assert len((await got(findings))["history"]) == 2


async def test_delete_makes_a_later_save_of_the_document_conflict(
    findings: FindingWorkflowStore,
) -> None:
    await findings.save(DOCUMENT)
    document = await got(findings)
    assert await findings.delete("f1") is True
    assert await findings.delete("f1") is False
    assert await row_counts(findings.database) == {}
    with pytest.raises(VersionConflictError, match="is gone"):
        await findings.save(document)
    assert await findings.get("f1") is None


async def test_timestamps_of_other_zones_are_the_same_timestamps(
    findings: FindingWorkflowStore,
) -> None:
    await findings.save(
        {
            "finding_id": "f1",
            "due_date": "2026-01-05T10:00:00+05:45",
            "created_at": "2026-01-05T00:00:00Z",
            "assigned_at": datetime(2026, 1, 5, 3, tzinfo=timezone(timedelta(hours=-8))),
        }
    )
    document = await got(findings)
    assert document["due_date"] == "2026-01-05T04:15:00+00:00"
    assert document["created_at"] == "2026-01-05T00:00:00+00:00"
    assert document["assigned_at"] == "2026-01-05T11:00:00+00:00"


async def test_create_twice_is_refused(findings: FindingWorkflowStore) -> None:
    finding = await findings.create("f1", priority=1, linked_findings=["f2"], history=[EVENT])
    assert (finding.version, finding.priority) == (1, 1)
    with pytest.raises(DuplicateKeyError, match="'f1'"):
        await findings.create("f1")
    document = await got(findings)
    assert (document["priority"], len(document["history"])) == (1, 1)


# Changes


async def test_get_finding_and_get_state_changes_and_get_time_to_resolution_along_the_states(
    findings: FindingWorkflowStore,
) -> None:
    await findings.create("f1", created_at=day(0), state_entered_at=day(0))
    for state in ("triaging", "investigating", "remediating", "resolved"):
        before = utc_now()
        finding = await findings.transition(
            "f1", state, user_id="ann", user_name="Ann", comment=f"to {state}"
        )
        assert before <= finding.state_entered_at == finding.updated_at <= utc_now()
    assert finding.is_terminal
    assert finding.resolved_at == finding.state_entered_at
    assert finding == await findings.get_finding("f1")
    assert FindingWorkflow.from_dict(finding.to_dict()) == finding
    resolved_after = (finding.updated_at - day(0)).total_seconds()
    assert await findings.get_time_to_resolution("f1") == resolved_after
    assert sum(finding.time_in_states.values()) == pytest.approx(resolved_after)
    assert finding.time_in_states["open"] > 0

    assert [
        (e.position, e.event_type, e.from_state, e.to_state, e.user_id, e.user_name, e.comment)
        for e in await findings.get_state_changes("f1")
    ] == [
        (1, "state_change", "open", "triaging", "ann", "Ann", "to triaging"),
        (2, "state_change", "triaging", "investigating", "ann", "Ann", "to investigating"),
        (3, "state_change", "investigating", "remediating", "ann", "Ann", "to remediating"),
        (4, "state_change", "remediating", "resolved", "ann", "Ann", "to resolved"),
    ]

    reopened = await findings.transition("f1", "open")
    assert reopened.resolved_at is None
    assert await findings.get_time_to_resolution("f1") is None
    assert reopened.created_at == day(0)


async def test_get_time_in_states(findings: FindingWorkflowStore) -> None:
    now = utc_now()
    await findings.create(
        "f1",
        state_entered_at=now - timedelta(seconds=100),
        time_in_states={"open": 5.0, "triaging": 7.5},
    )
    seconds = await findings.get_time_in_states("f1")
    assert seconds["open"] == pytest.approx(105, abs=60)
    assert seconds["open"] >= 105
    assert seconds["triaging"] == 7.5


async def test_transition_keeps_metadata(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    await findings.transition("f1", "triaging", metadata={"score": 0.1})
    (event,) = (await got(findings))["history"]
    assert event["metadata"] == {"score": 0.1}


async def test_assign_and_unassign(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    given = await findings.assign("f1", "ben", user_id="ann")
    assert (given.assigned_to, given.assigned_by) == ("ben", "ann")
    assert given.assigned_at == given.updated_at
    assert await findings.assign("f1", "ben", user_id="cem") == given
    taken = await findings.unassign("f1", user_id="ann")
    assert (taken.assigned_to, taken.assigned_by, taken.assigned_at) == (None, None, None)
    assert await findings.unassign("f1") == taken
    history = await findings.get_history("f1")
    assert [(e.event_type, e.field_name, e.old_value, e.new_value) for e in history] == [
        ("assignment", "assigned_to", None, "ben"),
        ("assignment", "assigned_to", "ben", None),
    ]


async def test_set_priority_and_set_due_date(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    assert (await findings.set_priority("f1", 1)).priority == 1
    assert (await findings.set_priority("f1", 1)).version == 2
    due = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert (await findings.set_due_date("f1", due)).due_date == due
    assert (await findings.set_due_date("f1", due.astimezone(UTC))).version == 3
    assert (await findings.set_due_date("f1", None)).due_date is None
    history = await findings.get_history("f1")
    assert [(e.event_type, e.old_value, e.new_value) for e in history] == [
        ("priority_change", 3, 1),
        ("due_date_change", None, "2026-03-01T10:00:00+00:00"),
        ("due_date_change", "2026-03-01T10:00:00+00:00", None),
    ]


async def test_add_comment_and_get_history(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    await findings.transition("f1", "triaging", comment="no comment of its own")
    for text in ("first", "zweiter 二", "third"):
        await findings.add_comment("f1", text, user_id="ann")
    comments = await findings.get_comments("f1")
    assert [e.comment for e in comments] == ["first", "zweiter 二", "third"]
    assert [e.position for e in comments] == [2, 3, 4]
    page = await findings.get_history("f1", 2, after_position=1)
    assert [e.comment for e in page] == ["first", "zweiter 二"]


async def test_link_and_unlink(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    for other in ("f3", "f2", "f3"):
        finding = await findings.link("f1", other)
    assert finding.linked_findings == ["f3", "f2"]
    assert finding.version == 3
    assert (await findings.unlink("f1", "f3")).linked_findings == ["f2"]
    assert (await findings.unlink("f1", "f3")).version == 4
    assert finding.linked_findings != (await got(findings))["linked_findings"] == ["f2"]
    kinds = [e.event_type for e in await findings.get_history("f1")]
    assert kinds == ["linked", "linked", "unlinked"]


async def test_link_finding_is_link(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    assert (await findings.link_finding("f1", "f2")).linked_findings == ["f2"]
    assert FindingWorkflowStore.link_finding is FindingWorkflowStore.link


async def test_mark_duplicate_and_list_duplicates(findings: FindingWorkflowStore) -> None:
    for finding_id in ("f1", "f2", "f3"):
        await findings.create(finding_id)
    duplicate = await findings.mark_duplicate("f2", "f1", user_id="ann", comment="same line")
    assert duplicate.current_state == "duplicate"
    assert duplicate.parent_finding_id == "f1"
    assert duplicate.linked_findings == ["f1"]
    assert duplicate.is_terminal
    assert duplicate == await findings.get_finding("f2")
    kinds = [e.event_type for e in await findings.get_history("f2")]
    assert kinds == ["state_change", "linked"]
    assert [d["finding_id"] for d in await findings.list_duplicates("f1")] == ["f2"]
    with pytest.raises(InvalidTransitionError, match="use open"):
        await findings.mark_duplicate("f2", "f3")
    reopened = await findings.transition("f2", "open")
    assert reopened.parent_finding_id is None
    assert await findings.list_duplicates("f1") == []


async def test_change_severity_is_recorded(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    await findings.change_severity("f1", "high", old_severity="low", user_id="ann")
    (event,) = await findings.get_history("f1")
    assert (event.event_type, event.old_value, event.new_value) == (
        "severity_change",
        "low",
        "high",
    )


async def test_a_change_within_a_larger_transaction(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")

    async def fail_after_two_changes() -> None:
        async with findings.database.transaction():
            await findings.transition("f1", "triaging")
            await findings.assign("f1", "ben")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_two_changes()
    document = await got(findings)
    assert (document["current_state"], document["version"], document["history"]) == ("open", 1, [])


# Conflicts


async def test_an_outdated_decision_conflicts(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    await findings.set_priority("f1", 1, expected_version=1)
    before = await got(findings)
    changes: list[Callable[[], Awaitable[object]]] = [
        lambda: findings.transition("f1", "triaging", expected_version=1),
        lambda: findings.assign("f1", "ben", expected_version=1),
        lambda: findings.unassign("f1", expected_version=1),
        lambda: findings.add_comment("f1", "text", expected_version=1),
        lambda: findings.set_priority("f1", 2, expected_version=1),
        lambda: findings.set_due_date("f1", day(1), expected_version=1),
        lambda: findings.link("f1", "f2", expected_version=3),
        lambda: findings.unlink("f1", "f2", expected_version=1),
        lambda: findings.mark_duplicate("f1", "f2", expected_version=1),
        lambda: findings.change_severity("f1", "high", expected_version=1),
    ]
    for change in changes:
        with pytest.raises(ConflictError, match="finding 'f1' has version 2 now") as caught:
            await change()
        assert isinstance(caught.value, VersionConflictError)
        assert caught.value.found == 2
    assert await got(findings) == before


async def test_of_decisions_on_one_version_one_wins(instances: Stores) -> None:
    await instances[0].create("f1")
    words: Sequence[FindingStateWord]
    words = ["triaging", "investigating", "false_positive", "duplicate"]
    states = [*words] * 5
    results = await asyncio.gather(
        *(
            instances[n % 2].transition("f1", state, expected_version=1)
            for n, state in enumerate(states)
        ),
        return_exceptions=True,
    )
    lost = [result for result in results if isinstance(result, VersionConflictError)]
    won = [result for result in results if not isinstance(result, BaseException)]
    assert (len(won), len(lost)) == (1, len(states) - 1)
    document = await got(instances[0])
    assert document["current_state"] == won[0].current_state
    assert (document["version"], len(document["history"])) == (2, 1)


async def test_get_comments_gives_a_hundred_concurrent_ones(instances: Stores) -> None:
    await instances[0].create("f1")
    await asyncio.gather(*(instances[n % 2].add_comment("f1", f"{n}") for n in range(100)))
    comments = await instances[0].get_comments("f1")
    assert sorted(int(e.comment or "") for e in comments) == list(range(100))
    assert [e.position for e in comments] == list(range(1, 101))
    assert (await got(instances[1]))["version"] == 101


async def test_of_documents_saved_at_once_one_wins(instances: Stores) -> None:
    await instances[0].save(DOCUMENT)
    document = await got(instances[0])
    results = await asyncio.gather(
        *(
            instances[n % 2].save({**document, "history": [{**EVENT, "id": f"n{n}"}]})
            for n in range(20)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, VersionConflictError) for result in results) == 19
    document = await got(instances[0])
    assert (document["version"], len(document["history"])) == (2, 2)


async def test_documents_that_touch_a_finding_first_do_not_lose_events(instances: Stores) -> None:
    await asyncio.gather(
        *(
            instances[n % 2].save({"finding_id": "f1", "history": [{**EVENT, "id": f"n{n}"}]})
            for n in range(20)
        )
    )
    document = await got(instances[0])
    assert sorted(e["id"] for e in document["history"]) == sorted(f"n{n}" for n in range(20))
    assert document["version"] == 20


async def test_bulk_assign_in_opposite_order_does_not_deadlock(instances: Stores) -> None:
    ids = [f"f{n}" for n in range(200)]
    for finding_id in ids:
        await instances[0].create(finding_id)
    await asyncio.gather(
        *(instances[n % 2].bulk_assign(ids[:: -1 if n % 2 else 1], f"user {n}") for n in range(10))
    )
    assert await fetch_value(instances[0].database, "SELECT count(*) FROM finding_history") == 2000


# Bulk


async def test_bulk_transition_reports_each_finding(findings: FindingWorkflowStore) -> None:
    for finding_id, state in (("a", "open"), ("b", "resolved"), ("c", "triaging")):
        await findings.create(finding_id, current_state=state)
    result = await findings.bulk_transition(
        ["c", "nowhere", "b", "a", "c"], "investigating", user_id="ann", comment="sweep"
    )
    assert result.succeeded == ["c", "a"]
    assert result.to_dict() == {
        "action": "transition",
        "total": 4,
        "success_count": 2,
        "failed_count": 2,
        "results": {
            "success": ["c", "a"],
            "failed": [
                {
                    "finding_id": "nowhere",
                    "error": "finding_id: there is no finding 'nowhere'",
                },
                {
                    "finding_id": "b",
                    "error": "state: 'resolved' does not lead to 'investigating'; use open",
                },
            ],
        },
    }
    states = await fetch(
        findings.database,
        "SELECT current_state FROM finding_workflows ORDER BY finding_id",
    )
    assert [row["current_state"] for row in states] == [
        "investigating",
        "resolved",
        "investigating",
    ]
    (event,) = await findings.get_history("a")
    assert (event.event_type, event.user_id, event.comment) == ("state_change", "ann", "sweep")
    assert await findings.get_history("b") == []


async def test_bulk_set_priority_and_bulk_unassign(findings: FindingWorkflowStore) -> None:
    for finding_id in ("a", "b"):
        await findings.create(finding_id)
    assert (await findings.bulk_assign(["a", "b"], "ben")).succeeded == ["a", "b"]
    assert (await findings.bulk_unassign(["b"])).succeeded == ["b"]
    assert (await findings.bulk_set_priority(["a", "b", "x"], 5)).failed.keys() == {"x"}
    assert (await findings.bulk_set_priority([], 5)).total == 0
    a, b = await got(findings, "a"), await got(findings, "b")
    assert (a["assigned_to"], a["priority"]) == ("ben", 5)
    assert (b["assigned_to"], b["priority"]) == (None, 5)


# Lists


async def test_list_by_assignee_and_list_by_state_are_paged_newest_first(
    findings: FindingWorkflowStore,
) -> None:
    for number in range(25):
        # Five findings of each timestamp, so that the order within a timestamp shows.
        await findings.create(
            f"f{number:02}",
            created_at=day(number // 5),
            assigned_to="ben" if number % 2 else "ann",
            current_state="open" if number % 3 else "wont_fix",
        )
    everything = [f"f{n:02}" for n in reversed(range(25))]
    for listing, expected in (
        (findings.list_all, everything),
        (
            lambda *a, **k: findings.list_by_assignee("ben", *a, **k),
            [i for i in everything if int(i[1:]) % 2],
        ),
        (
            lambda *a, **k: findings.list_by_state("open", *a, **k),
            [i for i in everything if int(i[1:]) % 3],
        ),
    ):
        assert [d["finding_id"] for d in await listing()] == expected
        pages: list[str] = []
        page = await listing(4)
        while page:
            pages += [d["finding_id"] for d in page]
            page = await listing(4, after=page[-1])
        assert pages == expected
    assert await findings.list_all(0) == []
    assert await findings.list_by_assignee("nobody") == []
    assert [d["finding_id"] for d in await findings.list_by_state("wont_fix", 1)] == ["f24"]


async def test_list_all_can_leave_the_history_out(findings: FindingWorkflowStore) -> None:
    await findings.save(DOCUMENT)
    assert await findings.list_all() == [{**DOCUMENT, "version": 1}]
    (short,) = await findings.list_all(history=False)
    assert short == without({**DOCUMENT, "version": 1}, "history")
    # Saving it again leaves the history alone.
    await findings.save(short)
    assert (await got(findings))["history"] == [EVENT]


async def test_list_overdue(findings: FindingWorkflowStore) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    states = ("open", "acknowledged", "remediating", "unheard")
    done = ("resolved", "false_positive", "accepted_risk", "duplicate", "wont_fix")
    for number, state in enumerate((*states, *done)):
        await findings.create(state, current_state=state, due_date=now - timedelta(days=number + 1))
    # 5:45 earlier than its text says
    await findings.create("zoned", due_date="2026-06-01T05:00:00+05:45")
    await findings.create("later", due_date=now)
    await findings.create("undated")
    overdue = await findings.list_overdue(at=now)
    assert [d["finding_id"] for d in overdue] == [*reversed(states), "zoned"]
    first = await findings.list_overdue(2, at=now)
    rest = await findings.list_overdue(10, after=first[-1], at=now)
    assert [d["finding_id"] for d in first + rest] == [*reversed(states), "zoned"]


async def test_overdue_means_now_unless_told_otherwise(findings: FindingWorkflowStore) -> None:
    await findings.create("past", due_date=utc_now() - timedelta(seconds=1))
    await findings.create("future", due_date=utc_now() + timedelta(days=1))
    assert [d["finding_id"] for d in await findings.list_overdue()] == ["past"]


async def test_get_statistics(findings: FindingWorkflowStore) -> None:
    empty = await findings.get_statistics()
    assert (empty.total, empty.mean_seconds_to_resolution, empty.by_state) == (0, None, {})
    await findings.create("a", due_date=day(0), assigned_to="ben", priority=1)
    await findings.create("b", due_date=day(0), current_state="wont_fix")
    for number, seconds in enumerate((10.5, 20.25)):
        await findings.create(
            f"r{number}",
            current_state="resolved",
            created_at=day(0),
            resolved_at=day(0) + timedelta(seconds=seconds),
        )
    await findings.create("c", current_state="odd")
    found = await findings.get_statistics()
    assert (found.total, found.active, found.unassigned, found.overdue) == (5, 2, 1, 1)
    assert found.by_state == {"odd": 1, "open": 1, "resolved": 2, "wont_fix": 1}
    assert found.by_priority == {1: 1, 3: 4}
    assert found.unknown_states == {"odd": 1, "wont_fix": 1}
    assert found.mean_seconds_to_resolution == pytest.approx(15.375, abs=0.001)
    assert found.to_dict()["total"] == 5


async def test_ten_thousand_findings(findings: FindingWorkflowStore) -> None:
    numbers = (
        "generate_series(1, 10000) AS g (n)"
        if findings.database.dialect == "postgres"
        else "(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 10000) "
        "SELECT n FROM g) AS g"
    )
    due = "'2026-01-01T00:00:00.000000Z'"
    cast = "::timestamptz" if findings.database.dialect == "postgres" else ""
    await run(
        findings.database,
        "INSERT INTO finding_workflows (finding_id, current_state, due_date, created_at) "
        "SELECT 'f' || n, CASE WHEN n % 100 = 0 THEN 'open' ELSE 'resolved' END, "
        f"{due}{cast}, {due}{cast} FROM {numbers}",
    )
    seen: set[str] = set()
    page = await findings.list_all()
    while page:
        assert len(page) == 1000
        seen |= {document["finding_id"] for document in page}
        page = await findings.list_all(after=page[-1], history=False)
    assert len(seen) == 10_000
    overdue = await findings.list_overdue()
    assert len(overdue) == 100
    assert [d["finding_id"] for d in overdue] == sorted(d["finding_id"] for d in overdue)
    result = await findings.bulk_assign(sorted(seen), "ben")
    assert len(result.succeeded) == 10_000
    statistics = await findings.get_statistics()
    assert (statistics.overdue, statistics.unassigned) == (100, 0)


# Bad input

NAIVE = datetime(2026, 1, 1)
BAD_DOCUMENTS: list[tuple[Any, str]] = [
    ("text", "data: must be a dictionary"),
    ({}, r"data.finding_id"),
    ({"finding_id": ""}, r"data.finding_id: must not be empty"),
    ({"finding_id": 5}, r"data.finding_id: must be text"),
    ({"finding_id": "x" * 1001}, r"data.finding_id: must be at most 1000 bytes"),
    ({"current_state": ""}, r"data.current_state: must not be empty"),
    ({"current_state": None}, r"data.current_state"),
    ({"priority": 0}, r"data.priority: must be between 1 and 5, not 0"),
    ({"priority": 6}, r"data.priority"),
    ({"priority": "3"}, r"data.priority"),
    ({"priority": True}, r"data.priority"),
    ({"due_date": "2026-01-01T00:00:00"}, r"data.due_date: must be a datetime with a time zone"),
    ({"due_date": "2026-01-01"}, r"data.due_date: must be a datetime with a time zone"),
    ({"due_date": NAIVE}, r"data.due_date: must be a datetime with a time zone"),
    ({"due_date": "tomorrow"}, r"data.due_date: must be a timestamp"),
    ({"due_date": 17}, r"data.due_date: must be a datetime"),
    (
        {"assigned_at": "2026-01-01T00:00:00"},
        r"data.assigned_at: must be a datetime with a time zone",
    ),
    ({"created_at": None}, r"data.created_at"),
    ({"assigned_to": " "}, r"data.assigned_to: must not be empty"),
    ({"parent_finding_id": "f"}, r"data.parent_finding_id: must be another finding"),
    ({"linked_findings": ["f"]}, r"data.linked_findings\[0\]: must be another finding"),
    ({"linked_findings": "g"}, r"data.linked_findings: must be a list"),
    ({"linked_findings": ["g", ""]}, r"data.linked_findings\[1\]: must not be empty"),
    (
        {"time_in_states": {"open": -1}},
        r"data.time_in_states\['open'\]: must be at least 0, not -1.0",
    ),
    ({"time_in_states": [1]}, r"data.time_in_states: must be a dictionary"),
    ({"version": 0}, r"data.version"),
    ({"version": "1"}, r"data.version"),
    ({"score": float("nan")}, r"data\['score'\]: nan"),
    ({"note": "a\x00b"}, r"NUL"),
    ({"history": {}}, r"data.history: must be a list"),
    ({"history": [7]}, r"data.history\[0\]: must be a dictionary"),
    ({"history": [{**EVENT, "id": None}]}, r"data.history\[0\].id: is missing"),
    ({"history": [{"id": "1", "timestamp": ISO}]}, r"data.history\[0\].event_type: is missing"),
    ({"history": [{"id": "1", "event_type": "comment"}]}, r"\[0\].timestamp: is missing"),
    ({"history": [EVENT]}, r"data.history\[0\].finding_id: must be 'f'"),
    (
        {"history": [{"id": "1", "event_type": "c", "timestamp": "2026-01-01T00:00:00"}]},
        r"data.history\[0\].timestamp: must be a datetime with a time zone",
    ),
    (
        {"history": [{"id": "1", "event_type": "c", "timestamp": ISO}] * 2},
        r"data.history\[1\].id: must be unique",
    ),
    (
        {"history": [{"id": "1", "event_type": "c", "timestamp": ISO, "new_value": {1}}]},
        r"data.history\[0\].new_value",
    ),
]


@pytest.mark.parametrize(("document", "problem"), BAD_DOCUMENTS)
async def test_a_bad_document_is_refused(
    findings: FindingWorkflowStore, document: Any, problem: str
) -> None:
    if isinstance(document, dict) and document:
        document = {"finding_id": "f", **document}
    with pytest.raises(InvalidInputError, match=problem):
        await findings.save(document)
    assert await row_counts(findings.database) == {}


BAD_CALLS: dict[str, tuple[Any, str]] = {
    "unknown state": (lambda s: s.transition("f1", "done"), "state: must be one of open"),
    "older state": (lambda s: s.transition("f1", "wont_fix"), "state: must be one of open"),
    "metadata": (lambda s: s.transition("f1", "triaging", metadata=[1]), "metadata"),
    "assignee": (lambda s: s.assign("f1", " "), "assigned_to: must not be empty"),
    "actor": (lambda s: s.assign("f1", "ben", user_id=""), "user_id: must not be empty"),
    "comment": (lambda s: s.add_comment("f1", " "), "comment: must not be empty"),
    "no comment": (lambda s: s.add_comment("f1", None), "comment"),
    "priority": (lambda s: s.set_priority("f1", 6), "priority: must be between 1 and 5, not 6"),
    "naive due date": (
        lambda s: s.set_due_date("f1", NAIVE),
        "due_date: must be a datetime with a time zone",
    ),
    "due date text": (lambda s: s.set_due_date("f1", ISO), "due_date: must be a datetime"),
    "own link": (lambda s: s.link("f1", "f1"), "linked_id: must be another finding"),
    "own duplicate": (lambda s: s.mark_duplicate("f1", "f1"), "parent_finding_id: must be another"),
    "severity": (lambda s: s.change_severity("f1", ""), "severity: must not be empty"),
    "same severity": (
        lambda s: s.change_severity("f1", "low", old_severity="low"),
        "severity: must be another one than 'low'",
    ),
    "version": (lambda s: s.set_priority("f1", 1, expected_version=0), "expected_version"),
    "bulk ids": (lambda s: s.bulk_assign("f1", "ben"), "finding_ids: must be a list"),
    "bulk empty id": (
        lambda s: s.bulk_assign(["f1", ""], "ben"),
        r"finding_ids\[1\]: must not be empty",
    ),
    "bulk state": (lambda s: s.bulk_transition(["f1"], "done"), "state: must be one of open"),
    "bulk priority": (
        lambda s: s.bulk_set_priority(["f1"], 0),
        "priority: must be between 1 and 5",
    ),
    "limit": (lambda s: s.list_all(-1), "limit"),
    "place": (lambda s: s.list_all(after={"finding_id": "f1"}), "after: must be the last row"),
    "naive place": (
        lambda s: s.list_all(after={"finding_id": "f1", "created_at": "2026-01-01"}),
        "after",
    ),
    "overdue at": (lambda s: s.list_overdue(at=NAIVE), "at: must be a datetime with a time zone"),
    "version of a new one": (lambda s: s.create("f2", version=1), "version: must not be given"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
async def test_a_bad_call_is_refused(findings: FindingWorkflowStore, name: str) -> None:
    call, problem = BAD_CALLS[name]
    await findings.create("f1")
    before = await got(findings)
    with pytest.raises(InvalidInputError, match=problem):
        await call(findings)
    assert await got(findings) == before
    assert await row_counts(findings.database) == {"finding_workflows": 1}


async def test_unknown_findings_are_named(findings: FindingWorkflowStore) -> None:
    for call in (
        lambda: findings.transition("f1", "triaging"),
        lambda: findings.add_comment("f1", "text"),
        lambda: findings.get_time_in_states("f1"),
        lambda: findings.get_time_to_resolution("f1"),
    ):
        with pytest.raises(FindingNotFoundError, match="there is no finding 'f1'") as caught:
            await call()
        assert isinstance(caught.value, LookupError | AragoraSQLError)
    assert await findings.get_history("f1") == []


async def test_the_schema_refuses_what_the_store_would(findings: FindingWorkflowStore) -> None:
    await findings.create("f1")
    for sql in (
        "UPDATE finding_workflows SET priority = 9",
        "UPDATE finding_workflows SET current_state = ''",
        "UPDATE finding_workflows SET parent_finding_id = finding_id",
        "INSERT INTO finding_history (finding_id, position, event_id, event_type) "
        "VALUES ('nowhere', 1, 'e', 'comment')",
        "INSERT INTO finding_links (finding_id, linked_id, position) VALUES ('f1', 'f1', 1)",
    ):
        with pytest.raises(AragoraSQLError):
            await run(findings.database, sql)

"""Sessions of impersonation and their audit, on each engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aragora_sql.stores.sessions import ImpersonationEvent, ImpersonationSession, SessionStore
from tests.stores.samples import day, days_ago
from tests.stores.sessions.cases import EVENT, LATER, SESSION


async def save(sessions: SessionStore, session_id: str, **changes: Any) -> None:
    await sessions.save_session(**{**SESSION, "session_id": session_id, **changes})


async def test_save_session_then_get_session(sessions: SessionStore) -> None:
    given = {**SESSION, "ip_address": "192.0.2.1", "user_agent": "tests", "actions_performed": 3}
    assert await sessions.save_session(**given) == "s"
    found = await sessions.get_session("s")
    assert found == ImpersonationSession(**given, ended_at=None, ended_by=None)
    assert await sessions.get_session("unknown") is None


async def test_save_session_again_keeps_its_end(sessions: SessionStore) -> None:
    await save(sessions, "s", actions_performed=3)
    assert await sessions.end_session("s", "admin", 4)
    await save(sessions, "s", actions_performed=7, reason="another", admin_user_id="other")
    await save(sessions, "s", actions_performed=1)
    found = await sessions.get_session("s")
    assert found is not None
    assert (found.ended_by, found.actions_performed) == ("admin", 7)
    assert (found.reason, found.admin_user_id) == ("a ticket", "admin")


async def test_update_session_actions_tells_whether_it_did(sessions: SessionStore) -> None:
    await save(sessions, "s")
    assert await sessions.update_session_actions("s", 5)
    assert not await sessions.update_session_actions("unknown", 5)
    await sessions.end_session("s", "system")
    assert not await sessions.update_session_actions("s", 6)
    found = await sessions.get_session("s")
    assert found is not None
    assert found.actions_performed == 5


async def test_end_session_happens_once(sessions: SessionStore) -> None:
    await save(sessions, "s", actions_performed=2)
    ended = await asyncio.gather(*(sessions.end_session("s", by) for by in ("admin", "system")))
    assert sorted(ended) == [False, True]
    assert not await sessions.end_session("unknown", "admin")
    found = await sessions.get_session("s")
    assert found is not None
    assert found.ended_at is not None
    assert found.ended_at > days_ago(0.01)
    assert found.actions_performed == 2


async def test_get_active_sessions_have_neither_ended_nor_expired(
    sessions: SessionStore,
) -> None:
    await save(sessions, "old", started_at=day(1))
    await save(sessions, "new", started_at=day(2))
    await save(sessions, "other", started_at=day(3), admin_user_id="other")
    await save(sessions, "expired", expires_at=days_ago(0.001))
    await save(sessions, "ended")
    await sessions.end_session("ended", "admin")
    assert [s.session_id for s in await sessions.get_active_sessions()] == ["other", "new", "old"]
    of_admin = await sessions.get_active_sessions("admin")
    assert [s.session_id for s in of_admin] == ["new", "old"]


async def test_get_sessions_for_admin_gives_pages(sessions: SessionStore) -> None:
    for number in range(7):
        # Two at each time.
        await save(sessions, f"s{number}", started_at=day(number // 2))
    await sessions.end_session("s6", "admin")
    await save(sessions, "other", admin_user_id="other")
    whole = await sessions.get_sessions_for_admin("admin", include_ended=True)
    assert [s.session_id for s in whole] == ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]
    assert await sessions.get_sessions_for_admin("admin") == whole[1:]
    page = await sessions.get_sessions_for_admin("admin", True, 2, after=whole[1])
    assert page == whole[2:4]


async def test_cleanup_expired_sessions_ends_them(sessions: SessionStore) -> None:
    await save(sessions, "expired", expires_at=days_ago(1))
    await save(sessions, "running")
    assert await sessions.cleanup_expired_sessions() == 1
    assert await sessions.cleanup_expired_sessions() == 0
    found = await sessions.get_session("expired")
    assert found is not None
    assert found.ended_by == "timeout"
    assert found.ended_at is not None
    assert await sessions.get_session("running") in await sessions.get_active_sessions()


async def test_save_audit_entry_then_get_audit_log(sessions: SessionStore) -> None:
    given = {
        **EVENT,
        "session_id": "s",
        "target_user_id": "target",
        "reason": "a ticket",
        "action_details": {"path": "/", "n": 0.1},
        "error_message": "none",
        "success": False,
    }
    assert await sessions.save_audit_entry(**given) == "a"
    # One that is there stays as it is.
    await sessions.save_audit_entry(**{**given, "event_type": "end"})
    (found,) = await sessions.get_audit_log()
    assert found == ImpersonationEvent(**given)
    await sessions.save_audit_entry(**{**EVENT, "audit_id": "b"})
    assert (await sessions.get_audit_log())[0].action_details is None


async def test_get_audit_log_filters_and_gives_pages(sessions: SessionStore) -> None:
    kinds = ("start", "action", "end", "timeout", "denied")
    for number in range(20):
        await sessions.save_audit_entry(
            **{
                **EVENT,
                "audit_id": f"a{number:02}",
                "timestamp": day(number // 2),
                "event_type": kinds[number % 5],
                "session_id": f"s{number % 3}" if number % 4 else None,
                "admin_user_id": f"admin {number % 2}",
                "target_user_id": f"target {number % 3}" if number % 5 else None,
            }
        )
    whole = await sessions.get_audit_log()
    assert [event.audit_id for event in whole] == [f"a{n:02}" for n in range(19, -1, -1)]
    filters: list[dict[str, Any]] = [
        {"event_type": "action"},
        {"admin_user_id": "admin 1"},
        {"admin_user_id": "admin 1", "event_type": "end"},
        {"target_user_id": "target 1"},
        {"target_user_id": "target 1", "admin_user_id": "admin 0"},
        {"session_id": "s1"},
        {"session_id": "s1", "target_user_id": "target 1", "admin_user_id": "admin 1"},
    ]
    for wanted in filters:
        expected = [e for e in whole if all(e[name] == value for name, value in wanted.items())]
        assert await sessions.get_audit_log(**wanted) == expected
        later = [e for e in expected if e.timestamp >= day(5)]
        assert await sessions.get_audit_log(**wanted, since=day(5)) == later
        assert await sessions.get_audit_log(**wanted, limit=2, after=expected[0]) == expected[1:3]


async def test_cleanup_old_records_deletes_what_ended(sessions: SessionStore) -> None:
    await save(sessions, "running", started_at=days_ago(500))
    await save(sessions, "expired", started_at=days_ago(500), expires_at=days_ago(400))
    await save(sessions, "ended", started_at=days_ago(500), expires_at=LATER)
    await sessions.end_session("ended", "admin")
    await sessions.save_audit_entry(**{**EVENT, "timestamp": days_ago(366)})
    await sessions.save_audit_entry(
        **{**EVENT, "audit_id": "new", "timestamp": days_ago(0) - timedelta(days=364)}
    )
    assert await sessions.cleanup_old_records() == {"sessions": 0, "audit": 1}
    assert await sessions.cleanup_old_records(0, 0) == {"sessions": 1, "audit": 1}
    assert await sessions.get_session("ended") is None
    assert await sessions.get_session("running") is not None

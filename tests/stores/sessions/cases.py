"""What the conformance suite needs to know of the store of sessions."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from typing import Any

from aragora_sql.stores.sessions import SessionStore
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
LATER = datetime(2999, 1, 1, tzinfo=UTC)
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
BAD_JTIS: list[Any] = [*NOT_TEXTS, *UNSTORABLE_TEXTS, "", "a" * 31, "A" * 32, "g" * 32, "a" * 64]
# Numbers are seconds since 1970 here.
NOT_EXPIRIES: list[Any] = [*NOT_TIMESTAMPS[:-1], -1, math.nan, math.inf, True, 1e12, None]
SESSION: dict[str, Any] = {
    "session_id": "s",
    "admin_user_id": "admin",
    "admin_email": "admin@example.com",
    "target_user_id": "target",
    "target_email": "target@example.com",
    "reason": "a ticket",
    "started_at": day(0),
    "expires_at": LATER,
}
EVENT: dict[str, Any] = {
    "audit_id": "a",
    "timestamp": day(0),
    "event_type": "start",
    "admin_user_id": "admin",
    "ip_address": "192.0.2.1",
    "user_agent": "tests",
    "success": True,
}


def jti(number: int) -> str:
    return f"{number:032x}"


async def add(sessions: SessionStore) -> None:
    await sessions.add(jti(next(NUMBERS)), LATER)


async def fill(sessions: SessionStore) -> None:
    """Store some thousand rows in each table."""
    postgres = sessions.database.dialect == "postgres"
    series = numbers(sessions.database, 4000)
    if postgres:
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        hashed = "lpad(to_hex(n), 32, '0')"
        true = "TRUE"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        hashed, true = "printf('%032x', n)", "1"
    for statement in (
        "INSERT INTO token_blacklist (jti, expires_at, revoked_at, user_id) "
        f"SELECT {hashed}, {at}, {at}, 'user ' || (n % 500) FROM {series}",
        "INSERT INTO token_revocations (user_id, issued_before, expires_at, revoked_at) "
        f"SELECT 'user ' || n, {at}, {at}, {at} FROM {series}",
        "INSERT INTO impersonation_sessions (session_id, admin_user_id, admin_email, "
        "target_user_id, target_email, reason, started_at, expires_at, ended_at) "
        f"SELECT 's' || n, 'user ' || (n % 500), '', 'user ' || n, '', '', {at}, {at}, "
        f"CASE WHEN n % 2 = 0 THEN {at} END FROM {series}",
        "INSERT INTO impersonation_audit (audit_id, timestamp, event_type, session_id, "
        "admin_user_id, target_user_id, success) "
        f"SELECT 'a' || n, {at}, 'action', 's' || n, 'user ' || (n % 500), 'user ' || n, {true} "
        f"FROM {series}",
    ):
        await run(sessions.database, statement)


PLACE = {
    "event_type": None,
    "since": day(-1),
    "after_timestamp": day(2),
    "after_id": "b",
    "row_limit": 10,
}
HOT = [
    Hot("is_revoked", {"jti": jti(7), "user_id": "user 1", "issued_at": day(0), "now": day(0)}),
    Hot("is_token_revoked", {"jti": jti(7), "now": day(0)}),
    Hot("list_tokens_of_user", {"user_id": "user 1", "now": day(0), "row_limit": 10}),
    Hot("delete_expired_tokens", {"now": day(0.1), "row_limit": 10}),
    Hot("delete_expired_revocations", {"now": day(0.1), "row_limit": 10}),
    Hot("get_session", {"session_id": "s1"}),
    Hot("list_active_sessions", {"now": day(2.77), "row_limit": 10}),
    Hot(
        "list_active_sessions_of_admin",
        {"admin_user_id": "user 1", "now": day(0), "row_limit": 10},
    ),
    Hot(
        "list_sessions_of_admin",
        {
            "admin_user_id": "user 1",
            "include_ended": True,
            "after_timestamp": day(2),
            "after_id": "s",
            "row_limit": 10,
        },
    ),
    Hot(
        "end_session",
        {"session_id": "s", "ended_at": day(0), "ended_by": "admin", "actions_performed": 1},
    ),
    Hot("end_expired_sessions", {"now": day(0.1), "row_limit": 10}),
    Hot("delete_ended_sessions", {"older_than": day(0.1), "row_limit": 10}),
    Hot("list_audit", PLACE, True),
    Hot(
        "list_audit_of_session",
        {**PLACE, "session_id": "s1", "admin_user_id": None, "target_user_id": None},
    ),
    Hot("list_audit_of_target", {**PLACE, "target_user_id": "user 1", "admin_user_id": None}),
    Hot("list_audit_of_admin", {**PLACE, "admin_user_id": "user 1"}),
    Hot("delete_audit", {"older_than": day(0.1), "row_limit": 10}),
]


async def prepare(sessions: SessionStore) -> None:
    await sessions.add(jti(0), LATER, "u")
    await sessions.save_session(**SESSION)


ROUND_TRIPS = {
    # The clean-up is not due again.
    "add": Call(1, lambda s, kept: add(s)),
    "contains": Call(1, lambda s, kept: s.contains(jti(0))),
    "is_revoked of a user": Call(
        1, lambda s, kept: s.is_revoked("token", user_id="u", issued_at=day(0))
    ),
    "revoke_user": Call(1, lambda s, kept: s.revoke_user("u", LATER)),
    "size": Call(1, lambda s, kept: s.size()),
    "get_tokens_of_user": Call(1, lambda s, kept: s.get_tokens_of_user("u")),
    "save_session": Call(1, lambda s, kept: s.save_session(**SESSION)),
    "update_session_actions": Call(1, lambda s, kept: s.update_session_actions("s", 5)),
    "end_session": Call(1, lambda s, kept: s.end_session("s", "admin")),
    "get_session": Call(1, lambda s, kept: s.get_session("s")),
    "get_active_sessions": Call(1, lambda s, kept: s.get_active_sessions()),
    "get_sessions_for_admin": Call(1, lambda s, kept: s.get_sessions_for_admin("admin")),
    "save_audit_entry": Call(1, lambda s, kept: s.save_audit_entry(**EVENT)),
    "get_audit_log": Call(1, lambda s, kept: s.get_audit_log()),
}

BAD_ARGUMENTS = [
    BadArgument("add", "token_jti", BAD_JTIS),
    BadArgument("add", "expires_at", NOT_EXPIRIES),
    BadArgument("add", "user_id", BAD_KEYS),
    *optional_texts_of("add", "reason"),
    BadArgument("revoke", "token", [*NOT_TEXTS, *UNSTORABLE_TEXTS, *BLANK_TEXTS]),
    BadArgument("revoke", "expires_at", NOT_EXPIRIES),
    BadArgument("contains", "token_jti", BAD_JTIS),
    BadArgument("contains", "user_id", [*BAD_KEYS, "without a time"], named="(user_id|issued_at)"),
    BadArgument("contains", "issued_at", [day(0)], named="user_id"),
    BadArgument("is_revoked", "token", [*NOT_TEXTS, *UNSTORABLE_TEXTS, *BLANK_TEXTS]),
    *keys_of("revoke_user", "user_id"),
    BadArgument("revoke_user", "expires_at", NOT_EXPIRIES),
    BadArgument("revoke_user", "issued_before", NOT_TIMESTAMPS),
    *optional_texts_of("revoke_user", "reason"),
    *keys_of("get_tokens_of_user", "user_id"),
    *limits_of("get_tokens_of_user", "get_sessions_for_admin", "get_audit_log"),
    *keys_of("save_session", "session_id", "admin_user_id", "target_user_id"),
    *texts_of("save_session", "admin_email", "target_email", "reason"),
    BadArgument("save_session", "started_at", [*NOT_TIMESTAMPS, None]),
    BadArgument("save_session", "expires_at", [*NOT_TIMESTAMPS, None]),
    *optional_texts_of("save_session", "ip_address", "user_agent"),
    BadArgument("save_session", "actions_performed", NOT_COUNTS),
    *keys_of("update_session_actions", "session_id"),
    BadArgument("update_session_actions", "actions_performed", NOT_COUNTS),
    *keys_of("end_session", "session_id"),
    BadArgument("end_session", "ended_by", [*NOT_TEXTS, "", "user"]),
    BadArgument("end_session", "actions_performed", NOT_COUNTS[:-1]),
    *keys_of("get_session", "session_id"),
    BadArgument("get_active_sessions", "admin_user_id", BAD_KEYS),
    *keys_of("get_sessions_for_admin", "admin_user_id"),
    BadArgument("get_sessions_for_admin", "include_ended", NOT_BOOLEANS),
    BadArgument("get_sessions_for_admin", "after", [5, "text", {}]),
    *keys_of("save_audit_entry", "audit_id", "admin_user_id"),
    BadArgument("save_audit_entry", "timestamp", [*NOT_TIMESTAMPS, None]),
    BadArgument("save_audit_entry", "event_type", [*NOT_TEXTS, "", "begin"]),
    BadArgument("save_audit_entry", "success", NOT_BOOLEANS),
    BadArgument("save_audit_entry", "session_id", BAD_KEYS),
    BadArgument("save_audit_entry", "target_user_id", BAD_KEYS),
    *documents_of("save_audit_entry", "action_details"),
    *optional_texts_of("save_audit_entry", "ip_address", "user_agent", "reason", "error_message"),
    *(
        BadArgument("get_audit_log", name, BAD_KEYS)
        for name in ("admin_user_id", "target_user_id", "session_id")
    ),
    BadArgument("get_audit_log", "event_type", [*NOT_TEXTS[1:], "", "begin"]),
    BadArgument("get_audit_log", "since", NOT_TIMESTAMPS),
    BadArgument("get_audit_log", "after", [5, "text", {}]),
    BadArgument("cleanup_old_records", "sessions_days", [*NOT_MEASURES, None, 1e12]),
    BadArgument("cleanup_old_records", "audit_days", [*NOT_MEASURES, None, 1e12]),
]

CASES = StoreCases(
    make=SessionStore,
    add=add,
    count=lambda sessions: sessions.size(),
    foreign_table="token_blacklist (jti TEXT PRIMARY KEY, stars TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"token_jti": lambda s: s.add("a token", LATER)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments={
        "add": {"token_jti": jti(1), "expires_at": LATER},
        "revoke": {"token": "token", "expires_at": LATER},
        "contains": {"token_jti": jti(1)},
        "revoke_user": {"user_id": "u", "expires_at": LATER},
        "save_session": SESSION,
        "update_session_actions": {"session_id": "s", "actions_performed": 1},
        "get_tokens_of_user": {"user_id": "u"},
        "end_session": {"session_id": "s", "ended_by": "admin"},
        "get_sessions_for_admin": {"admin_user_id": "admin"},
        "save_audit_entry": EVENT,
    },
)

"""The older program's audit logs, migrated."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MemoryMigrator, MigrationReport
from aragora_sql.stores.audit import AuditStore, SigningKeys
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.audit import (
    SIGNING_KEY,
    anchor_of,
    immutable_entries,
    linked_events,
    write_audit_events,
    write_audit_log,
    write_immutable_log,
)

AT = "2026-02-12T16:42:57.123456+00:00"
KEYS = SigningKeys(SIGNING_KEY.encode())


def event(action: str, **changes: Any) -> dict[str, Any]:
    return {"timestamp": AT, "action": action, "resource_type": "plan", **changes}


async def migrate(target: Target, path: Path, **options: Any) -> MigrationReport:
    """Migrate where an event loop is running."""
    return await asyncio.to_thread(target.migrate, path, stores=("audit",), **options)


async def opened(target: Target, keys: SigningKeys = KEYS) -> AuditStore:
    return AuditStore(await PostgresDatabase.connect(target.dsn, 1, 2), keys)


def test_two_files_of_events_become_one_log(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    of_users = [
        event("user.created", user_id="u1", old_value='{"a": 0.30000000000000004}'),
        event("user.deleted", user_id="u1", ip_address="192.0.2.1", org_id="o"),
    ]
    of_audit = [
        event("plan.changed", metadata=None, new_value=None, resource_id="p1"),
        event("plan.seen", metadata='{"n": 1}', user_agent="browser"),
        event("no time", timestamp="soon"),
    ]
    write_audit_log(folder / ".nomic" / "users.db", of_users, is_users=True)
    write_audit_log(folder / ".nomic" / "audit.db", of_audit, is_users=False)
    # As with a directory that was absolute once: the same file, without the doubled part.
    write_audit_log(folder / "audit.db", of_audit[:2], is_users=False)
    report = target.migrate(folder, stores=("audit",), verify="all")
    check_sums(report)
    assert not report.mismatches
    found = target.query(
        "SELECT action, user_id, old_value, metadata, timestamp FROM audit_log ORDER BY action"
    )
    assert [row[:4] for row in found] == [
        ("plan.changed", None, None, {}),
        ("plan.seen", None, None, {"n": 1}),
        ("user.created", "u1", {"a": 0.30000000000000004}, {}),
        ("user.deleted", "u1", None, {}),
    ]
    assert {row[4] for row in found} == {datetime.fromisoformat(AT)}
    (rejected,) = target.rejected("audit_log")
    assert "soon" in str(rejected)
    again = target.migrate(folder, stores=("audit",))
    assert again.total_migrated == 0
    assert target.counts("audit_log") == {"audit_log": 4}


@pytest.fixture
def entries() -> list[dict[str, Any]]:
    return immutable_entries(20, key=SIGNING_KEY)


async def test_the_immutable_log_keeps_its_hashes(
    target: Target,
    tmp_path: Path,
    entries: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARAGORA_AUDIT_SIGNING_KEY", SIGNING_KEY)
    folder = tmp_path / "data"
    anchor = anchor_of("2026-02-11", entries[3:6])
    write_immutable_log(folder / "audit_logs", entries, [anchor])
    # A copy that stopped earlier.
    write_immutable_log(folder / ".nomic" / "audit_logs", entries[:12])
    report = await migrate(target, folder, verify="all")
    check_sums(report)
    assert not report.mismatches
    assert (report.exit_code, report.left_behind) == (0, [])
    said = [candidate.why for candidate in report.candidates]
    assert any("20 entries and 1 anchors; index.json is derived" in why for why in said)
    assert any("a copy of" in why for why in said)
    audit = await opened(target)
    verified = await audit.verify_integrity(chain="audit_logs")
    assert (verified.is_valid, verified.entries_checked, verified.warnings) == (True, 20, [])
    stored = await audit.get_by_sequence(7, chain="audit_logs")
    assert stored is not None
    given = entries[6]
    assert {name: stored.to_dict()[name] for name in given if name != "timestamp"} == {
        name: value for name, value in given.items() if name != "timestamp"
    }
    assert stored.timestamp == datetime.fromisoformat(given["timestamp"])
    assert (await audit.verify_anchor("2026-02-11", chain="audit_logs")).is_valid
    proof = await audit.prove(entries[4]["id"])
    assert audit.verify_proof(json.loads(json.dumps(proof.to_dict())), anchor["merkle_root"])
    # More of the same chain comes later.
    write_immutable_log(folder / "audit_logs", immutable_entries(25, key=SIGNING_KEY), [anchor])
    more = await migrate(target, folder)
    assert more.total_migrated == 5
    verified = await audit.verify_integrity(chain="audit_logs")
    assert (verified.is_valid, verified.entries_checked) == (True, 25)
    await audit.database.close()


def changed(entries: list[dict[str, Any]], number: int, **changes: Any) -> list[dict[str, Any]]:
    found = [*entries]
    found[number - 1] = {**found[number - 1], **changes}
    return found


@pytest.mark.parametrize(
    ("damage", "first", "why"),
    [
        (lambda e: changed(e, 7, actor="mallory"), 7, "it was changed"),
        (lambda e: e[:6] + e[7:], 7, "its number is 8"),
        (lambda e: [*e[:4], e[5], e[4], *e[6:]], 5, "its number is 6"),
        (lambda e: changed(e, 9, previous_hash="f" * 64), 9, "it does not follow"),
        (lambda e: changed(e, 3, details={"z": 0.3}), 3, "it was changed"),
        (lambda e: changed(e, 4, signature="0" * 64), 4, "no key of the environment"),
    ],
)
async def test_a_broken_chain_is_named_and_moved_when_asked_for(
    target: Target,
    tmp_path: Path,
    entries: list[dict[str, Any]],
    damage: Any,
    first: int,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARAGORA_AUDIT_SIGNING_KEY", SIGNING_KEY)
    folder = tmp_path / "data"
    damaged = damage(entries)
    write_immutable_log(folder / "audit_logs", damaged)
    report = await migrate(target, folder)
    assert report.exit_code == 1
    (left,) = report.left_behind
    assert f"broken at entry {first}: {why}" in str(left)
    assert "--accept-broken-chain" in str(left)
    assert left.rows == len(damaged)
    assert target.counts("immutable_audit_entries", "audit_chains") == {
        "immutable_audit_entries": 0,
        "audit_chains": 0,
    }
    accepted = await migrate(target, folder, accept_broken_chain=True, verify="all")
    check_sums(accepted)
    assert accepted.exit_code == 0
    audit = await opened(target)
    (chain,) = await audit.list_chains()
    assert chain.first_broken_sequence == first
    assert why in (chain.broken_reason or "")
    verified = await audit.verify_integrity(chain="audit_logs")
    assert any(f"from entry {first} on" in warning for warning in verified.warnings)
    # Of lines in another order the entries still make a chain.
    assert verified.is_valid == (why == "its number is 6")
    await audit.database.close()


def test_a_line_that_is_no_entry_is_rejected_as_it_is(
    target: Target, tmp_path: Path, entries: list[dict[str, Any]]
) -> None:
    folder = tmp_path / "data"
    write_immutable_log(folder / "audit_logs", entries[:3])
    path = folder / "audit_logs" / "audit.jsonl"
    path.write_text(path.read_text() + "no entry\n")
    report = target.migrate(folder, stores=("audit",), accept_broken_chain=True)
    check_sums(report)
    (rejected,) = target.rejected("immutable_audit_entries")
    assert "no entry" in str(rejected["row"])
    assert target.row("audit_chains", "audit_logs", "chain")["first_broken_sequence"] == 4


def test_anchors_that_do_not_fit_break_the_chain(
    target: Target, tmp_path: Path, entries: list[dict[str, Any]]
) -> None:
    folder = tmp_path / "data"
    anchor = {**anchor_of("2026-02-11", entries[3:6]), "merkle_root": "f" * 64}
    write_immutable_log(folder / "audit_logs", entries, [anchor])
    (left,) = target.migrate(folder, stores=("audit",)).left_behind
    assert "broken at entry 4" in str(left)


async def test_the_second_chain_becomes_entries_of_a_chain(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    events = linked_events(
        [
            {"details": '{"n": 0.30000000000000004}', "ip_address": "192.0.2.1"},
            {"resource_id": "d|0", "outcome": "denied", "reason": "no right", "org_id": "o"},
            {"category": "data", "action": "export", "workspace_id": "w"},
        ]
    )
    write_audit_log(folder / "audit.db", [event("plan.seen")], is_users=False)
    write_audit_events(folder / "events.db", events)
    report = await migrate(target, folder, verify="all")
    check_sums(report)
    assert (report.exit_code, report.left_behind) == (0, [])
    audit = await opened(target, SigningKeys())
    verified = await audit.verify_integrity(chain="audit_events")
    assert (verified.is_valid, verified.entries_checked) == (True, 3)
    second = await audit.get_by_sequence(2, chain="audit_events")
    assert second is not None
    assert (second.event_type, second.actor, second.resource_id) == ("auth", "u1", "d|0")
    assert (second.ip_address, second.workspace_id) == (None, None)
    assert second.timestamp == datetime(2026, 2, 12, 16, 42, 1, 123456, tzinfo=UTC)
    kept = second.details["audit_event"]
    assert kept["event_hash"] == events[1]["event_hash"]
    assert kept["previous_hash"] == events[0]["event_hash"]
    assert (kept["outcome"], kept["reason"], kept["org_id"]) == ("denied", "no right", "o")
    first = await audit.get_by_sequence(1, chain="audit_events")
    assert first is not None
    assert first.details["audit_event"]["details"] == {"n": 0.30000000000000004}
    again = await migrate(target, folder)
    assert (again.total_migrated, again.exit_code) == (0, 0)
    await audit.database.close()


def test_retention_breaks_no_second_chain_and_a_change_does(target: Target, tmp_path: Path) -> None:
    events = linked_events([{"action": f"a{n}"} for n in range(9)])
    write_audit_events(tmp_path / "kept" / "audit.db", events[4:])
    kept = target.migrate(tmp_path / "kept", stores=("audit",))
    assert (kept.exit_code, kept.total_migrated) == (0, 6)
    assert any("retention" in candidate.why for candidate in kept.candidates)
    broken = [*events[:3], {**events[3], "actor_id": "mallory"}, *events[4:]]
    write_audit_events(tmp_path / "broken" / "audit.db", broken)
    report = target.migrate(tmp_path / "broken", stores=("audit",))
    (left,) = report.left_behind
    assert "broken at entry 4: it was changed" in str(left)
    assert report.exit_code == 1


async def test_migrate_audit_of_a_program(
    target: Target, tmp_path: Path, entries: list[dict[str, Any]]
) -> None:
    folder = tmp_path / "data"
    write_immutable_log(folder / "audit_logs", changed(entries, 7, actor="m"))
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, accept_broken_chain=True)
    report = await migrator.migrate_audit()
    assert report.total_migrated == 21
    await migrator.close()


def test_the_folder_itself_may_be_given(
    target: Target, tmp_path: Path, entries: list[dict[str, Any]]
) -> None:
    write_immutable_log(tmp_path / "elsewhere", entries)
    assert target.migrate(tmp_path / "elsewhere", stores=("audit",)).total_migrated == 21


def test_a_dry_run_changes_nothing(
    target: Target, tmp_path: Path, entries: list[dict[str, Any]]
) -> None:
    write_immutable_log(tmp_path / "data" / "audit_logs", entries)
    report = target.migrate(tmp_path / "data", stores=("audit",), dry_run=True)
    assert (report.exit_code, report.total_migrated) == (0, 21)
    assert target.counts("immutable_audit_entries") == {"immutable_audit_entries": 0}

"""Whatever is changed, removed, added or reordered in a chain is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.audit import AuditStore, SigningKeys
from tests.stores.audit.cases import ENTRY
from tests.stores.audit.damage import ENTRIES, unprotected
from tests.stores.audit.test_entries import entries
from tests.stores.conftest import PARTITIONED
from tests.stores.samples import fetch, run

FULL = {
    "details": {"a": 1},
    "correlation_id": "c",
    "workspace_id": "w",
    "ip_address": "192.0.2.1",
    "user_agent": "browser",
}
# Each column of an entry, and another value for it.
CHANGES = {
    "id": "'00000000-0000-4000-8000-000000000000'",
    "timestamp": "'2026-01-01T00:00:00.000001Z'",
    "previous_hash": "'x' || substr(previous_hash, 2)",
    "entry_hash": "substr(entry_hash, 1, 63) || "
    "CASE WHEN entry_hash LIKE '%0' THEN '1' ELSE '0' END",
    "hash_version": "1",
    "event_type": "'finding_deleted'",
    "actor": "'mallory'",
    "actor_type": "'system'",
    "resource_type": "'other'",
    "resource_id": "'other'",
    "action": "'delete'",
    "details": "'{\"a\": 2}'",
    "correlation_id": "NULL",
    "workspace_id": "''",
    "ip_address": "'192.0.2.2'",
    "user_agent": "NULL",
    "signature": "NULL",
    "signature_key_id": "NULL",
}


async def filled(store: AuditStore) -> None:
    await store.append_many(entries(9, **FULL))


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_value_is_named(signing: AuditStore, column: str) -> None:
    await filled(signing)
    await unprotected(
        signing.database,
        f"UPDATE {ENTRIES} SET {column} = {CHANGES[column]} WHERE sequence_number = 5",
    )
    found = await signing.verify_integrity()
    assert not found.is_valid
    assert found.first_error_sequence == 5
    assert "entry 5" in found.errors[0]
    assert found.entries_checked == 9


async def test_a_changed_bit_of_a_signature_is_named(signing: AuditStore) -> None:
    await filled(signing)
    await unprotected(
        signing.database,
        f"UPDATE {ENTRIES} SET signature = '0' || substr(signature, 2) "
        "WHERE signature NOT LIKE '0%'",
    )
    found = await signing.verify_integrity()
    assert not found.is_valid
    assert "signature" in found.errors[0]
    # Who has another key can't tell.
    other = AuditStore(signing.database, SigningKeys(b"another key"))
    assert (await other.verify_integrity()).warnings == [
        "9 signatures were not compared: their key is not here"
    ]


async def test_a_key_before_the_present_one_still_counts(signing: AuditStore) -> None:
    await filled(signing)
    store = AuditStore(signing.database, SigningKeys(b"the next", [b"a key of the tests"]))
    await store.append(**ENTRY)
    found = await store.verify_integrity()
    assert (found.is_valid, found.warnings) == (True, [])


REMOVED = {
    "the first": (1, "entry 1 is missing", 1),
    "one between": (5, "entry 5 is missing", 5),
    "the last": (9, "entry 9 is missing", 9),
}


@pytest.mark.parametrize("which", REMOVED)
async def test_a_removed_entry_is_named(audit: AuditStore, which: str) -> None:
    number, text, first = REMOVED[which]
    await filled(audit)
    await unprotected(
        audit.database,
        f"DELETE FROM {ENTRIES} WHERE sequence_number = {number}",
    )
    found = await audit.verify_integrity()
    assert (found.is_valid, found.first_error_sequence) == (False, first)
    assert text in found.errors


async def test_removed_entries_and_empty_chains_are_named(audit: AuditStore) -> None:
    await filled(audit)
    await unprotected(audit.database, f"DELETE FROM {ENTRIES} WHERE sequence_number > 3")
    assert (await audit.verify_integrity()).errors == ["entries 4 to 9 are missing"]
    await unprotected(audit.database, f"DELETE FROM {ENTRIES}")
    assert (await audit.verify_integrity()).errors == ["entries 1 to 9 are missing"]


async def test_reordered_entries_are_named(audit: AuditStore) -> None:
    await filled(audit)
    await unprotected(
        audit.database,
        *(
            f"UPDATE {ENTRIES} SET sequence_number = {new} WHERE sequence_number = {old}"
            for old, new in ((4, 100), (6, 4), (100, 6))
        ),
    )
    found = await audit.verify_integrity()
    assert (found.is_valid, found.first_error_sequence) == (False, 4)


async def test_an_added_entry_is_named(audit: AuditStore, database: Database) -> None:
    await filled(audit)
    last = await audit.get_last_entry()
    assert last is not None
    forged = replace(
        last,
        id="forged",
        sequence_number=10,
        previous_hash=last.entry_hash,
        actor="mallory",
    )
    taken = (
        "chain, timestamp, event_type, resource_type, resource_id, action, details, actor_type, "
        "correlation_id, workspace_id, ip_address, user_agent, hash_version"
    )
    statement = (
        f"INSERT INTO {ENTRIES} ({taken}, id, sequence_number, previous_hash, actor, "
        f"entry_hash) SELECT {taken}, 'forged', 10, entry_hash, 'mallory', "
        f"'{forged.compute_hash()}' FROM {ENTRIES} WHERE sequence_number = 9"
    )
    # Its hashes fit; its chain does not know it.
    await unprotected(database, statement)
    found = await audit.verify_integrity()
    assert found.errors == ["entries behind 9 are not known to their chain"]
    assert found.first_error_sequence == 10


async def test_an_added_entry_of_an_imported_chain_is_known(audit: AuditStore) -> None:
    """A trigger has the chain's row follow, also when entries come in no order."""
    await filled(audit)
    found = await audit.list_chains()
    last = await audit.get_last_entry()
    assert last is not None
    assert [(one.last_sequence, one.last_hash) for one in found] == [(9, last.entry_hash)]


async def test_a_changed_end_of_the_chain_is_named(audit: AuditStore) -> None:
    await filled(audit)
    await unprotected(
        audit.database, "UPDATE audit_chains SET last_hash = 'x' || substr(last_hash, 2)"
    )
    found = await audit.verify_integrity()
    assert found.errors == ["entry 9 is not the one that its chain knows"]


async def test_verify_integrity_of_a_part(audit: AuditStore) -> None:
    await filled(audit)
    part = await audit.verify_integrity(3, 6)
    assert (part.is_valid, part.entries_checked) == (True, 4)
    beyond = await audit.verify_integrity(8, 12)
    assert beyond.errors == ["entries 10 to 12 are missing"]
    await unprotected(
        audit.database,
        f"UPDATE {ENTRIES} SET actor = 'm' WHERE sequence_number = 7",
    )
    assert (await audit.verify_integrity(3, 6)).is_valid
    assert (await audit.verify_integrity(6, 8)).first_error_sequence == 7
    none = await audit.verify_integrity(chain="none")
    assert (none.is_valid, none.warnings) == (True, ["there is no chain 'none'"])


async def test_verify_integrity_counts_all_errors_and_names_some(audit: AuditStore) -> None:
    await audit.append_many(entries(1200))
    await unprotected(audit.database, f"UPDATE {ENTRIES} SET actor = 'mallory'")
    found = await audit.verify_integrity()
    assert (found.error_count, len(found.errors)) == (1200, 100)


async def test_a_chain_that_came_broken_says_so(audit: AuditStore) -> None:
    await filled(audit)
    await run(
        audit.database,
        "INSERT INTO audit_chains (chain, origin, last_hash, first_broken_sequence, "
        f"broken_reason) VALUES ('old', 'audit_logs', '{'0' * 64}', 3, 'entry 3 was changed')",
    )
    found = await audit.verify_integrity(chain="old")
    assert "from entry 3 on: entry 3 was changed" in found.warnings[0]


@pytest.mark.skipif(PARTITIONED, reason="drops the rule where it is not")
async def test_a_number_that_is_there_twice_is_named_at_the_edge_of_a_page(
    audit: AuditStore,
) -> None:
    await audit.append_many(entries(1500))
    database = audit.database
    # Whoever owns the table can drop what keeps it out.
    if database.dialect == "postgres":
        drop = [
            f"ALTER TABLE {ENTRIES} DROP CONSTRAINT immutable_audit_entries_sequence_key",
            f"ALTER TABLE {ENTRIES} DROP CONSTRAINT immutable_audit_entries_entry_hash_key",
            f"CREATE INDEX sequences ON {ENTRIES} (chain, sequence_number)",
        ]
        columns = await fetch(
            database,
            "SELECT column_name AS name FROM information_schema.columns "
            f"WHERE table_name = '{ENTRIES}'",
        )
    else:
        drop = [
            f"CREATE TABLE copied AS SELECT * FROM {ENTRIES}",
            f"DROP TABLE {ENTRIES}",
            f"ALTER TABLE copied RENAME TO {ENTRIES}",
            f"CREATE INDEX sequences ON {ENTRIES} (chain, sequence_number)",
        ]
        columns = await fetch(database, f"SELECT name FROM pragma_table_info('{ENTRIES}')")
    names = ", ".join(row["name"] for row in columns if row["name"] != "id")
    await unprotected(
        database,
        *drop,
        f"INSERT INTO {ENTRIES} (id, {names}) SELECT 'zz', {names} FROM {ENTRIES} "
        "WHERE sequence_number = 1000",
    )
    found = await audit.verify_integrity()
    assert found.first_error_sequence == 1000
    assert "entry 1000 is there more than once" in found.errors
    assert found.entries_checked == 1501

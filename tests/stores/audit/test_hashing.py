"""What is hashed: the older form by example, the present one by what it tells apart."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import pytest

from aragora_sql.errors import ConfigurationError
from aragora_sql.stores.audit import SigningKeys
from aragora_sql.stores.audit.hashing import details_text, entry_hash
from aragora_sql.stores.audit.merkle import MerkleTree, root_of_path

ROW: dict[str, Any] = {
    "chain": "main",
    "sequence_number": 7,
    "id": "6a1c3c52-8f0e-4e0a-9d53-1f6f0a3f8c11",
    "utc_text": "2026-02-12T16:42:57.123456Z",
    "timestamp_text": None,
    "event_type": "finding_created",
    "actor": 'jürgen "j" \\ <x>',
    "actor_type": "user",
    "resource_type": "finding",
    "resource_id": "f|1",
    "action": "create",
    "details_text": details_text({"z": 0.30000000000000004, "a": [1152921504606846976, None]}),
    "correlation_id": None,
    "workspace_id": "w",
    "ip_address": "192.0.2.1",
    "user_agent": None,
    "previous_hash": "0" * 64,
    "hash_version": 1,
    "signature_key_id": None,
}
OLDER = (
    *("id", "sequence_number", "previous_hash", "event_type", "actor", "actor_type"),
    *("resource_type", "resource_id", "action", "correlation_id", "workspace_id"),
)


OPTIONAL = ("correlation_id", "workspace_id", "ip_address", "user_agent", "signature_key_id")


def older_hash(row: dict[str, Any]) -> str:
    """The rule as the older system followed it."""
    fields = {name: row[name] for name in OLDER}
    fields["timestamp"] = datetime.fromisoformat(row["utc_text"]).isoformat()
    fields["details"] = json.loads(row["details_text"])
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def test_version_1_is_the_older_systems_hash() -> None:
    assert entry_hash(ROW) == older_hash(ROW)
    whole = {**ROW, "utc_text": "2026-02-12T16:42:57.000000Z", "correlation_id": "é"}
    assert entry_hash(whole) == older_hash(whole)
    # Neither address nor program are in it.
    assert entry_hash({**ROW, "ip_address": None}) == entry_hash(ROW)
    other = entry_hash({**ROW, "timestamp_text": "2026-02-12T16:42:57.123456Z"})
    assert other not in ("", entry_hash(ROW))
    # A text that says another time has no hash.
    assert entry_hash({**ROW, "timestamp_text": "2026-02-12T16:42:57.123457Z"}) == ""


def test_version_2_is_what_the_module_says() -> None:
    row = {**ROW, "hash_version": 2, "chain": "é", "actor": "a"}
    texts = [
        "é",
        "7",
        "0" * 64,
        row["id"],
        "2026-02-12T16:42:57.123456Z",
        "finding_created",
        "a",
        "user",
        "finding",
        "f|1",
        "create",
        '{"a": [1152921504606846976, null], "z": 0.30000000000000004}',
        None,
        "w",
        "192.0.2.1",
        None,
        None,
    ]
    text = "".join("-" if one is None else f"{len(one)}:{one}" for one in texts)
    assert entry_hash(row) == hashlib.sha256(f"aragora-audit-2{text}".encode()).hexdigest()


def test_version_2_covers_every_field() -> None:
    row = {**ROW, "hash_version": 2}
    for name, value in row.items():
        if name in ("timestamp_text", "hash_version"):
            continue
        if isinstance(value, int):
            other: Any = value + 1
        else:
            other = None if value else "x"
            if name in ROW and name not in OPTIONAL:
                other = "x"
        assert entry_hash({**row, name: other}) != entry_hash(row), name


def test_version_2_tells_where_a_field_ends() -> None:
    row = {**ROW, "hash_version": 2}
    pairs = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("a1:b", "c"), (None, "abc")]
    hashes = [
        entry_hash({**row, "correlation_id": one, "workspace_id": other}) for one, other in pairs
    ]
    assert len({*hashes}) == len(pairs)


def naive_root(version: int, hashes: list[str]) -> str:
    """The trees as their definitions say, with all leaves at once."""
    if not hashes:
        return "0" * 64
    if version == 1:
        level = [*hashes]
        while len(level) & (len(level) - 1):
            level.append(level[-1])
        while len(level) > 1:
            level = [
                hashlib.sha256((level[i] + level[i + 1]).encode()).hexdigest()
                for i in range(0, len(level), 2)
            ]
        return level[0]

    def of(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return hashlib.sha256(b"\x00" + leaves[0]).digest()
        split = 1 << ((len(leaves) - 1).bit_length() - 1)
        return hashlib.sha256(b"\x01" + of(leaves[:split]) + of(leaves[split:])).digest()

    return of([bytes.fromhex(one) for one in hashes]).hex()


@pytest.mark.parametrize("version", [1, 2])
def test_merkle_trees_have_the_root_of_their_definition(version: int) -> None:
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(40)]
    for count in range(41):
        tree = MerkleTree(version)
        for one in hashes[:count]:
            tree.add(one)
        assert tree.root() == naive_root(version, hashes[:count]), count


@pytest.mark.parametrize("version", [1, 2])
def test_each_path_leads_to_the_root(version: int) -> None:
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(21)]
    for count in range(1, 22):
        for target in range(count):
            tree = MerkleTree(version, target)
            for one in hashes[:count]:
                tree.add(one)
            root = tree.root()
            assert root_of_path(version, hashes[target], tree.path) == root, (count, target)
            # Of a tree of one leaf that is the leaf; else no other leaf gets there.
            if count > 1:
                other = hashes[(target + 1) % count]
                assert root_of_path(version, other, tree.path) != root or version == 1


def test_keys_are_not_shown_and_come_from_the_environment() -> None:
    keys = SigningKeys.from_env(
        {"ARAGORA_AUDIT_SIGNING_KEY": "secret one", "ARAGORA_AUDIT_SIGNING_KEYS_OLD": "old, older"}
    )
    assert "secret" not in repr(keys)
    signature = keys.sign("a" * 64)
    assert signature is not None
    assert keys.fits("a" * 64, signature, keys.current_id) is True
    assert keys.fits("b" * 64, signature, keys.current_id) is False
    assert keys.fits("a" * 64, signature, "unknown") is None
    old = SigningKeys(b"older")
    assert keys.fits("a" * 64, old.sign("a" * 64) or "", old.current_id) is True
    # As the older system signed: without a name of the key.
    assert keys.fits("a" * 64, old.sign("a" * 64) or "", None) is True
    assert not SigningKeys()
    assert SigningKeys().sign("a") is None
    with pytest.raises(ConfigurationError):
        SigningKeys(b"")

"""Receipts on each engine: stored, found, signed, verified."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import (
    AlreadyTakenError,
    ConfigurationError,
    DamagedReceiptError,
    InvalidInputError,
    TenantMismatchError,
)
from aragora_sql.stores.receipts import ReceiptSigningKeys, ReceiptStore
from aragora_sql.stores.receipts.records import ReceiptSummary, SortBy, receipt_hash
from tests.stores.receipts.cases import KEY, KEYS, a_receipt, an_export
from tests.stores.samples import day, run

FULL = an_export(
    "r",
    gauntlet_id="g",
    debate_id="d",
    user_id="ann",
    org_id="acme",
    large=[1e17, 10**30, -0.0, 1e-7],
)
GAUNTLET: dict[str, Any] = {
    "receipt_id": "g1",
    "gauntlet_id": "g1",
    "input_hash": "0f",
    "risk_summary": {"high": 1},
    "verdict": "FAIL",
    "confidence": 0.5,
}
HASH_OF_GAUNTLET = hashlib.sha256(json.dumps(GAUNTLET, sort_keys=True).encode()).hexdigest()
HASH_OF_ONBOARDING = hashlib.sha256(b"o|d|0f|PASS").hexdigest()


async def test_save_then_get_and_get_by_gauntlet(receipts: ReceiptStore) -> None:
    assert await receipts.save(FULL) == "r"
    found = await receipts.get("r")
    assert found is not None
    assert found.data == FULL
    assert (found.gauntlet_id, found.debate_id, found.org_id, found.shape) == (
        "g",
        "d",
        "acme",
        "export",
    )
    assert (found.verdict, found.confidence, found.risk_level, found.risk_score) == (
        "APPROVED",
        0.1 + 0.2,
        "HIGH",
        0.75,
    )
    assert (found.user_id, found.checksum, found.signature) == ("ann", FULL["checksum"], None)
    assert found.created_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    assert found.expires_at == found.created_at + timedelta(days=2555)
    assert await receipts.get_by_gauntlet("g") == found
    assert await receipts.get_by_gauntlet("g", "other") is None
    assert await receipts.get("r", "other") is None
    assert await receipts.get("x") is None
    # Of little; '' counts as none, and several may have no gauntlet.
    ids = [await receipts.save({"verdict": "ok", "gauntlet_id": ""}) for _ in range(2)]
    little = await receipts.get(ids[0])
    assert little is not None
    assert ids[0] != ids[1]
    assert (little.gauntlet_id, little.risk_level, little.shape) == (None, "MEDIUM", "other")


async def test_save_again_and_add_timestamp_keep_what_is_not_theirs(receipts: ReceiptStore) -> None:
    await receipts.save(FULL, receipts.sign(FULL))
    await receipts.add_timestamp("r", "token", "https://tsa.example")
    await receipts.place_legal_hold("r", "suit", "ann", "m")
    first = await receipts.get("r")
    await receipts.save(FULL)
    again = await receipts.get("r")
    assert again == first
    # Other content is not what was signed; the hold stays all the same.
    await receipts.save({**FULL, "verdict": "FAIL", "timestamp": day(9).isoformat()})
    other = await receipts.get("r")
    assert first is not None
    assert other is not None
    assert (other.verdict, other.signature, other.signed_at) == ("FAIL", None, None)
    assert (other.legal_hold, other.legal_hold_matter_id) == (True, "m")
    assert (other.timestamp_token, other.created_at) == ("token", first.created_at)
    with pytest.raises(AlreadyTakenError, match="another receipt"):
        await receipts.save(a_receipt("s", gauntlet_id="g"))
    with pytest.raises(TenantMismatchError):
        await receipts.save(FULL, org_id="other")


async def test_save_gives_no_organization_what_is_not_its_own(receipts: ReceiptStore) -> None:
    await receipts.save(a_receipt("n"))
    other = a_receipt("n", verdict="FAIL")
    with pytest.raises(TenantMismatchError, match="'n' does not belong"):
        await receipts.save(other, org_id="o2")
    with pytest.raises(TenantMismatchError):
        await receipts.save({**other, "org_id": "o2"})
    found = await receipts.get("n")
    assert found is not None
    assert (found.org_id, found.verdict) == (None, "PASS")
    await receipts.save(a_receipt("o", org_id="o2"))
    # Nor is a new one that says of itself whose it is.
    with pytest.raises(TenantMismatchError):
        await receipts.save(a_receipt("new", org_id="o2"), org_id="o1")
    assert await receipts.get("new") is None
    # Whoever asks for no organization may change all, and an owner stays.
    for receipt_id, organization in (("n", None), ("o", "o2")):
        await receipts.save(a_receipt(receipt_id, verdict="FAIL"))
        found = await receipts.get(receipt_id)
        assert found is not None
        assert (found.org_id, found.verdict) == (organization, "FAIL")


async def test_verify_signature_and_get_know_what_sql_changed(receipts: ReceiptStore) -> None:
    for receipt_id in ("r", "s"):
        receipt = a_receipt(receipt_id)
        signed = receipts.sign(receipt)
        del signed["signature_metadata"]["key_id"]
        await receipts.save(receipt, signed)
    one = await receipts.get("r")
    assert one is not None
    # With a hash to match: the signature tells, whichever key it is by.
    data = {**one.data, "x": 666}
    changed = receipt_hash({**dict(one), "data": data})
    text = json.dumps(data)
    await run(
        receipts.database,
        f"UPDATE receipts SET data = '{text}', content_hash = '{changed}' WHERE receipt_id = 'r'",
    )
    with pytest.raises(DamagedReceiptError, match="its signature"):
        await receipts.get("r")
    await run(receipts.database, "UPDATE receipts SET verdict = 'NO' WHERE receipt_id = 's'")
    checks, summary = await receipts.verify_batch(["r", "s"])
    assert [check["is_valid"] for check in checks] == [False, False]
    assert "its content" in str(checks[1]["error"])
    assert summary["invalid"] == 2
    # Nor are the times to be changed; storing it again keeps them.
    for column in ("created_at", "expires_at"):
        await receipts.save(a_receipt(column), receipts.sign(a_receipt(column)))
        await receipts.save(a_receipt(column, timestamp=day(1).isoformat()))
        assert await receipts.get(column)
        await run(
            receipts.database,
            f"UPDATE receipts SET {column} = '2020-01-01T00:00:00.000000Z' "
            f"WHERE receipt_id = '{column}'",
        )
        with pytest.raises(DamagedReceiptError, match="when it was made, or until when"):
            await receipts.get(column)
        assert not (await receipts.verify_integrity(column))["integrity_valid"]


async def test_get_names_what_was_changed(receipts: ReceiptStore) -> None:
    await receipts.save(FULL)
    for change in ("verdict = 'PASS'", "confidence = 0.5", "data = '{}'", "debate_id = NULL"):
        await run(receipts.database, f"UPDATE receipts SET {change} WHERE receipt_id = 'r'")
        with pytest.raises(DamagedReceiptError, match="'r' is damaged: its content") as caught:
            await receipts.get("r")
        assert caught.value.receipt_id == "r"
        check = await receipts.verify_integrity("r")
        assert (check["integrity_valid"], check["error"] is None) == (False, False)
        await receipts.save(FULL)
    await receipts.save(FULL, receipts.sign(FULL))
    await run(receipts.database, "UPDATE receipts SET signature = 'AAAA' WHERE receipt_id = 'r'")
    with pytest.raises(DamagedReceiptError, match="its signature"):
        await receipts.get("r")
    # Whoever has not the key can read it.
    assert await ReceiptStore(receipts.database, signing_keys=ReceiptSigningKeys()).get("r")


async def test_sign_update_signature_and_verify_signature(receipts: ReceiptStore) -> None:
    signed = receipts.sign(FULL)
    # As the older signer made it.
    text = json.dumps({**FULL, "large": [1e17, 10**30, 0.0, 1e-7]}, sort_keys=True)
    expected = base64.b64encode(hmac.digest(KEY, text.encode(), "sha256")).decode()
    assert signed["signature"] == expected
    await receipts.save({**FULL, **signed}, signed)
    check = await receipts.verify_signature("r")
    assert (check["is_valid"], check["error"]) == (True, None)
    assert (check["algorithm"], check["key_id"]) == ("HMAC-SHA256", KEYS.current_id)
    later = ReceiptStore(
        receipts.database, signing_keys=ReceiptSigningKeys(bytes(5), [KEY, bytes(6)])
    )
    assert (await later.verify_signature("r"))["is_valid"]
    # An id of the older system says nothing of the key.
    assert await receipts.update_signature("r", expected, "HMAC-SHA256", "hmac-00000000")
    assert not await receipts.update_signature("x", expected, "HMAC-SHA256", None)
    assert (await later.verify_signature("r"))["is_valid"]
    with pytest.raises(InvalidInputError, match="is not that of the receipt"):
        await receipts.update_signature("r", "AAAA", "HMAC-SHA256", KEYS.current_id)
    with pytest.raises(InvalidInputError, match="is not that of the receipt"):
        await receipts.save({**FULL, "verdict": "FAIL"}, signed)
    other = ReceiptStore(receipts.database, signing_keys=ReceiptSigningKeys(bytes(7)))
    assert "by a key that is here" in str((await other.verify_signature("r"))["error"])
    none = ReceiptStore(receipts.database, signing_keys=ReceiptSigningKeys())
    assert "no key" in str((await none.verify_signature("r"))["error"])
    with pytest.raises(ConfigurationError, match="ARAGORA_RECEIPT_SIGNING_KEY"):
        none.sign(FULL)


async def test_verify_batch_counts(receipts: ReceiptStore) -> None:
    for key in ("a", "b", "c"):
        receipt = a_receipt(key)
        await receipts.save(receipt, receipts.sign(receipt) if key == "a" else None)
    await receipts.update_signature("b", "AAAA", "Ed25519", None)
    checks, summary = await receipts.verify_batch(["c", "a", "b", "x", "a"])
    assert [check["receipt_id"] for check in checks] == ["c", "a", "b", "x", "a"]
    assert [check["is_valid"] for check in checks] == [False, True, False, False, True]
    assert summary == {"total": 5, "valid": 2, "invalid": 2, "not_signed": 1}


async def test_verify_integrity_knows_three_shapes(receipts: ReceiptStore) -> None:
    onboarding = {
        "receipt_id": "o",
        "gauntlet_id": "onboarding-d",
        "debate_id": "d",
        "input_hash": "0f",
        "verdict": "PASS",
    }
    for receipt, named in (
        (an_export("e"), an_export("e")["checksum"]),
        ({**GAUNTLET, "artifact_hash": HASH_OF_GAUNTLET}, HASH_OF_GAUNTLET),
        ({**onboarding, "checksum": HASH_OF_ONBOARDING}, HASH_OF_ONBOARDING),
    ):
        key = await receipts.save(receipt)
        check = await receipts.verify_integrity(key)
        assert check["integrity_valid"], receipt
        assert check["stored_checksum"] == check["computed_checksum"] == named
    await receipts.save({**an_export("e"), "verdict": "PASS"})
    wrong = await receipts.verify_integrity("e")
    assert not wrong["integrity_valid"]
    assert "names" in str(wrong["error"])
    await receipts.save(a_receipt("plain"))
    assert (await receipts.verify_integrity("plain"))["integrity_valid"]
    assert not (await receipts.verify_integrity("x"))["integrity_valid"]


async def fill(receipts: ReceiptStore) -> None:
    for number in range(5):
        receipt = a_receipt(
            f"r{number}",
            debate_id="d" if number < 3 else "e",
            verdict="FAIL" if number == 3 else "PASS",
            risk_level="LOW" if number < 2 else "HIGH",
            confidence=(3 * number % 5) / 4,
            risk_score=number % 2,
            timestamp=day(number // 2).isoformat(),
            org_id="acme" if number % 2 else None,
            requestor_id="bob" if number == 1 else "",
            note=["shared", {"by": f"Ann-{number}"}],
        )
        await receipts.save(receipt, receipts.sign(receipt) if number in {1, 2} else None)


async def test_list_and_count(receipts: ReceiptStore) -> None:
    await fill(receipts)
    of_each: list[tuple[dict[str, Any], str]] = [
        ({}, "43210"),
        ({"verdict": "FAIL"}, "3"),
        ({"risk_level": "HIGH", "debate_id": "d"}, "2"),
        ({"date_from": day(1), "date_to": day(1)}, "32"),
        ({"signed_only": True}, "21"),
        ({"org_id": "acme"}, "31"),
        ({"debate_id": "d"}, "210"),
        ({"debate_id": "d", "org_id": "acme"}, "1"),
    ]
    for given, expected in of_each:
        listed = await receipts.list(**given)
        assert [one.receipt_id[1:] for one in listed] == list(expected), given
        assert await receipts.count(**given) == len(expected)
    # Confidences are 0, 0.75, 0.25, 1, 0.5.
    orders: list[tuple[dict[str, Any], str]] = [
        ({"sort_by": "confidence"}, "31420"),
        ({"sort_by": "confidence", "order": "asc", "debate_id": "d"}, "021"),
        ({"sort_by": "risk_score"}, "13024"),
        ({"sort_by": "created_at", "order": "asc"}, "01234"),
        ({"sort_by": "signed_at", "order": "asc"}, "12034"),
        ({"sort_by": "signed_at", "org_id": "acme"}, "13"),
    ]
    for given, expected in [*of_each, *orders]:
        seen: list[str] = []
        page = await receipts.list(2, **given)
        while page:
            seen += [one.receipt_id[1:] for one in page]
            page = await receipts.list(2, after=page[-1], **given)
        assert seen == list(expected), given


async def test_with_org_id_no_method_reaches_what_is_others(receipts: ReceiptStore) -> None:
    """What is another organization's, or nobody's, is as if it were not there."""
    made = day(-4000).isoformat()
    for name, owner in (("theirs", "acme"), ("nobodys", None)):
        await receipts.save(a_receipt(name, user_id="u", timestamp=made), org_id=owner)
    before = [await receipts.get(name) for name in ("theirs", "nobodys")]
    org: Any = {"org_id": "other"}
    for name in ("theirs", "nobodys"):
        assert not await receipts.update_signature(name, "x", "Ed25519", None, **org)
        assert not await receipts.add_timestamp(name, "token", "https://tsa", **org)
        assert not await receipts.place_legal_hold(name, "why", "eve", **org)
        assert await receipts.delete(name, "admin_action", "eve", **org) is None
        check = await receipts.verify_signature(name, **org)
        assert check["error"] == "there is no such receipt"
        integrity = await receipts.verify_integrity(name, **org)
        assert integrity["error"] == "there is no such receipt"
    assert await receipts.get_by_user("u", **org) == ([], 0)
    assert await receipts.get_by_user("u", include_data=False, **org) == ([], 0)
    status = await receipts.get_retention_status("other")
    assert (status["total"], status["expired"], status["oldest_at"]) == (0, 0, None)
    assert [await receipts.get(name) for name in ("theirs", "nobodys")] == before
    # A hold that others have placed stays, and is not seen.
    assert await receipts.place_legal_hold("theirs", "why", "ann", "m", org_id="acme")
    assert not await receipts.remove_legal_hold("theirs", "eve", **org)
    assert not await receipts.is_under_legal_hold("theirs", **org)
    assert await receipts.list_under_legal_hold(**org) == []
    # Its own it reaches.
    own: Any = {"org_id": "acme"}
    assert await receipts.is_under_legal_hold("theirs", **own)
    assert [one.receipt_id for one in await receipts.list_under_legal_hold("m", **own)] == [
        "theirs"
    ]
    found, total = await receipts.get_by_user("u", **own)
    assert ([one.receipt_id for one in found], total) == (["theirs"], 1)
    assert (await receipts.get_by_user("u"))[1] == 2
    assert (await receipts.get_retention_status("acme"))["held"] == 1
    assert await receipts.remove_legal_hold("theirs", "ann", **own)
    assert await receipts.update_signature("theirs", "x", "Ed25519", None, **own)
    assert await receipts.add_timestamp("theirs", "token", "https://tsa", **own)
    deleted = await receipts.delete("theirs", "admin_action", "ann", **own)
    assert deleted is not None
    log = receipts.deletions
    assert await log.get_deletion(deleted, **org) is None
    assert await log.find_by_receipt_id("theirs", **org) == []
    proof = await log.get_deletion(deleted, **own)
    assert proof is not None
    assert await log.find_by_receipt_id("theirs", **own) == [proof]


async def test_list_sorted_by_time_gives_each_page_once(receipts: ReceiptStore) -> None:
    """Parts of a second below its end, and times of which a double has no microseconds."""
    made: list[datetime] = [
        datetime(year, 6, 1, 1, 2, 3, microsecond, tzinfo=UTC)
        for year in (1, 1600, 1969, 1970, 2026, 2300, 9000)
        for microsecond in (0, 1, 2, 999_499, 999_500, 999_999)
    ]
    for number, timestamp in enumerate(made):
        at = timestamp.isoformat()
        signed = {"signature": "x", "signature_metadata": {"algorithm": "Ed25519", "timestamp": at}}
        await receipts.save(
            a_receipt(f"r{number:02}", timestamp=at), signed if number % 5 else None
        )
    columns: tuple[SortBy, ...] = ("created_at", "signed_at")
    orders: tuple[Literal["asc", "desc"], ...] = ("asc", "desc")
    for column, order in itertools.product(columns, orders):
        everything = await receipts.list(100, sort_by=column, order=order)
        assert len(everything) == len(made)
        times = [one[column] for one in everything if one[column] is not None]
        # Of some far times the numbers are equal.
        near = [time for time in times if 1700 < time.year < 2200]
        assert near == sorted(near, reverse=order == "desc")
        paged: list[ReceiptSummary] = []
        for _ in made:
            page = await receipts.list(
                1, sort_by=column, order=order, after=paged[-1] if paged else None
            )
            paged += page
        assert paged == everything


async def test_search_and_search_count(receipts: ReceiptStore) -> None:
    await fill(receipts)

    async def ids(*arguments: Any, **options: Any) -> str:
        found = await receipts.search(*arguments, **options)
        return "".join(one.receipt_id[1:] for one in found)

    assert await ids("SHARED") == "43210"
    assert await ids("shared ann 3") == "3"
    assert await ids("shared", verdict="PASS", org_id="acme") == "1"
    assert await ids("fail") == "3"
    assert await ids("sh") == await ids("-- ' --") == ""
    (first, *rest) = await receipts.search("shared", 1)
    assert not rest
    assert await ids("shared", after=first) == "3210"
    assert await receipts.search_count("shared", risk_level="LOW") == 2
    assert await receipts.search_count("no") == 0


async def test_get_by_user_finds_users_anywhere(receipts: ReceiptStore) -> None:
    await fill(receipts)
    await receipts.save(a_receipt("r9", timestamp=day(9).isoformat(), created_by="--"))
    found, total = await receipts.get_by_user("bob")
    assert ([one.receipt_id for one in found], total) == (["r1"], 1)
    found, total = await receipts.get_by_user("Ann-3", include_data=False)
    assert ([one.receipt_id for one in found], total) == (["r3"], 1)
    # The whole text, as it is.
    for nobody in ("ann-3", "Ann", "Ann 3", "not"):
        assert await receipts.get_by_user(nobody) == ([], 0)
    found, total = await receipts.get_by_user("--")
    assert ([one.receipt_id for one in found], total) == (["r9"], 1)
    page, total = await receipts.get_by_user("shared", 2)
    assert ([one.receipt_id for one in page], total) == (["r4", "r3"], 5)
    rest, _ = await receipts.get_by_user("shared", after=page[-1])
    assert [one.receipt_id for one in rest] == ["r2", "r1", "r0"]


async def test_get_by_user_finds_users_of_large_documents(
    receipts: ReceiptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = " ".join(f"w{number}" for number in range(1200))
    users = ["alice", "***", 'a"b\\', "\u00e9\U0001f600", "x" * 1000]
    await receipts.save(a_receipt("large", text=words, by=users))
    await receipts.save(a_receipt("key", votes=[{name: 1} for name in users]))
    monkeypatch.setattr("aragora_sql.stores.receipts.terms.MOST_NAMES", 5)
    await receipts.save(a_receipt("larger", many=[f"n{number}" for number in range(5)], by=users))
    for user in users:
        found, total = await receipts.get_by_user(user)
        assert {one.receipt_id for one in found} == {"large", "key", "larger"}, user
        assert total == 3
    assert await receipts.get_by_user("nobody") == await receipts.get_by_user("1") == ([], 0)


async def test_get_stats(receipts: ReceiptStore) -> None:
    await fill(receipts)
    assert await receipts.get_stats() == {
        "total": 5,
        "signed": 2,
        "unsigned": 3,
        "by_verdict": {"FAIL": 1, "PASS": 4},
        "by_risk_level": {"HIGH": 3, "LOW": 2},
        "retention_days": 2555.0,
    }
    assert (await receipts.get_stats("acme"))["total"] == 2


async def test_keys_and_days_of_the_environment(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_RECEIPT_SIGNING_KEY", KEY.hex())
    monkeypatch.setenv("ARAGORA_RECEIPT_RETENTION_DAYS", "1.5")
    receipts = ReceiptStore(database)
    assert receipts.sign(FULL)["signature"] == KEYS.sign_receipt(FULL)
    assert (await receipts.get_stats())["retention_days"] == 1.5
    monkeypatch.setenv("ARAGORA_RECEIPT_SIGNING_KEY", "geheim")
    with pytest.raises(ConfigurationError, match="hexadecimal") as caught:
        ReceiptStore(database)
    assert "geheim" not in str(caught.value)

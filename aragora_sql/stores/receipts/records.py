"""What the store of receipts takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, get_args

from aragora_sql.database.values import utc_now
from aragora_sql.errors import InvalidInputError, TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.checksums import checksum_of
from aragora_sql.stores.documents import as_read, mapping
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.receipts.signing import HMAC, ReceiptSigningKeys, is_signed_by, shape_of
from aragora_sql.stores.receipts.terms import receipt_terms
from aragora_sql.stores.records import Record

__all__ = [
    "HASHED",
    "REASONS",
    "SORTS",
    "BatchSummary",
    "DeletableReceipt",
    "DeletionReason",
    "DeletionStatistics",
    "IntegrityCheck",
    "ReceiptDeletion",
    "ReceiptStatistics",
    "ReceiptSummary",
    "RetentionStatus",
    "SignatureCheck",
    "SortBy",
    "StoredReceipt",
    "dates_hash",
    "receipt_hash",
    "receipt_parameters",
]

SortBy = Literal["created_at", "confidence", "risk_score", "signed_at"]
DeletionReason = Literal[
    "retention_expired",
    "user_request",
    "gdpr_erasure",
    "admin_action",
    "data_correction",
    "legal_hold_release",
]
SORTS: tuple[SortBy, ...] = get_args(SortBy)
REASONS: tuple[DeletionReason, ...] = get_args(DeletionReason)
# What the hash of a receipt covers: its document and the columns from it, and not whose it is.
HASHED = (
    "receipt_id",
    "gauntlet_id",
    "debate_id",
    "shape",
    "verdict",
    "confidence",
    "risk_level",
    "risk_score",
    "checksum",
    "audit_trail_id",
    "data",
)

# What a second hash covers, which other content does not change.
DATES = ("receipt_id", "created_at", "expires_at")


@dataclass(frozen=True, slots=True)
class ReceiptSummary(Record):
    """A receipt without its document; ``confidence`` is 0 to 1."""

    receipt_id: str
    gauntlet_id: str | None
    debate_id: str | None
    org_id: str | None
    shape: str
    verdict: str
    confidence: float
    risk_level: str
    risk_score: float
    checksum: str
    signed_at: datetime | None
    legal_hold: bool
    legal_hold_matter_id: str | None
    legal_hold_placed_at: datetime | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StoredReceipt(Record):
    """A receipt with its document ``data``, which was verified when it was read.

    A hold that was taken away keeps its reason, and says who did it.
    """

    receipt_id: str
    gauntlet_id: str | None
    debate_id: str | None
    org_id: str | None
    shape: str
    verdict: str
    confidence: float
    risk_level: str
    risk_score: float
    checksum: str
    audit_trail_id: str | None
    user_id: str | None
    requestor_id: str | None
    created_by: str | None
    data: dict[str, Any]
    content_hash: str
    created_at: datetime
    expires_at: datetime
    dates_hash: str
    signature: str | None
    signature_algorithm: str | None
    signature_key_id: str | None
    signed_at: datetime | None
    timestamp_token: str | None
    timestamp_tsa_url: str | None
    timestamp_at: datetime | None
    legal_hold: bool
    legal_hold_reason: str | None
    legal_hold_placed_by: str | None
    legal_hold_placed_at: datetime | None
    legal_hold_matter_id: str | None
    legal_hold_removed_by: str | None
    legal_hold_removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptDeletion(Record):
    """The proof that a receipt was deleted; ``receipt_checksum`` is its ``content_hash``.

    Of two deletions of one time that with the lower ``number`` came first.
    """

    number: int
    deletion_id: str
    receipt_id: str
    receipt_checksum: str
    gauntlet_id: str | None
    verdict: str | None
    org_id: str | None
    deleted_at: datetime
    reason: str
    operator: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeletableReceipt(Record):
    """What is noted of a receipt before it is deleted."""

    receipt_id: str
    content_hash: str
    gauntlet_id: str | None
    verdict: str
    org_id: str | None
    created_at: datetime
    expires_at: datetime
    dates_hash: str
    legal_hold: bool


class SignatureCheck(TypedDict):
    """Whether a signature is that of the receipt; ``error`` says why not."""

    receipt_id: str
    is_valid: bool
    algorithm: str | None
    key_id: str | None
    signed_at: datetime | None
    verified_at: datetime
    error: str | None


class BatchSummary(TypedDict):
    """How many signatures were looked at; ``invalid`` counts receipts that are not there too."""

    total: int
    valid: int
    invalid: int
    not_signed: int


class IntegrityCheck(TypedDict):
    """Whether a receipt is as it was stored, and has the checksum that its document names."""

    receipt_id: str
    integrity_valid: bool
    stored_checksum: str
    computed_checksum: str
    verified_at: datetime
    error: str | None


class ReceiptStatistics(TypedDict):
    """Counts of receipts; they are kept for ``retention_days``."""

    total: int
    signed: int
    unsigned: int
    by_verdict: dict[str, int]
    by_risk_level: dict[str, int]
    retention_days: float


class RetentionStatus(TypedDict):
    """Counts of receipts by age, and of those whose time is over or will be within 30 days.

    The latter two are without those under a legal hold.
    """

    retention_days: float
    total: int
    held: int
    expired: int
    expiring_in_30_days: int
    by_age: dict[str, int]
    oldest_at: datetime | None
    newest_at: datetime | None


class DeletionStatistics(TypedDict):
    """Counts of deletions."""

    total: int
    by_reason: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None


def receipt_parameters(
    receipt: Any, signed_receipt: Any, org_id: Any, keys: ReceiptSigningKeys, days: float
) -> dict[str, Any]:
    """Check a receipt, and return the parameters of its query."""
    document = mapping(receipt, "receipt")

    def name(member: str) -> str | None:
        """Return an identifier; '' counts as none."""
        value = document.get(member)
        return valid.optional(None if value == "" else value, f"receipt.{member}", valid.key)

    data = valid.document(document, "receipt")
    made = valid.optional(document.get("timestamp"), "receipt.timestamp", valid.moment)
    created_at = utc_now() if made is None else made
    verdict = valid.key(document.get("verdict"), "receipt.verdict")
    gauntlet_id = name("gauntlet_id")
    checksum = valid.optional_text(document.get("checksum"), "receipt.checksum") or ""
    argument = valid.optional(org_id, "org_id", valid.key)
    organization = name("org_id")
    receipt_id = name("receipt_id") or prefixed_id("rcpt_", 32)
    if argument is not None and organization not in {None, argument}:
        raise TenantMismatchError(receipt_id, "org_id")
    row: dict[str, Any] = {
        "receipt_id": receipt_id,
        "gauntlet_id": gauntlet_id,
        "debate_id": name("debate_id"),
        "org_id": argument or organization,
        "shape": shape_of(document, gauntlet_id, checksum),
        "verdict": verdict,
        "confidence": valid.fraction(document.get("confidence", 0.0), "receipt.confidence"),
        "risk_level": name("risk_level") or "MEDIUM",
        "risk_score": valid.number(
            document.get("risk_score", 0.0), "receipt.risk_score", most=1e300
        ),
        "checksum": checksum,
        "audit_trail_id": name("audit_trail_id"),
        "user_id": name("user_id"),
        "requestor_id": name("requestor_id"),
        "created_by": name("created_by"),
        "data": data,
        "created_at": created_at,
        "expires_at": _expiry(created_at, days),
        **_signature(signed_receipt),
    }
    read = as_read(row, "data")
    row["content_hash"] = receipt_hash(read)
    row["dates_hash"] = dates_hash(row)
    row["search_terms"] = receipt_terms(read["data"], verdict)
    if (
        row["signature_algorithm"] == HMAC
        and is_signed_by(keys, read["data"], row["signature"], row["signature_key_id"]) is False
    ):
        raise InvalidInputError("signed_receipt.signature", "is not that of the receipt")
    return row


def receipt_hash(values: Mapping[str, Any]) -> str:
    """Return the ``content_hash`` of a receipt: of its columns, by name."""
    numbers = {name: float(values[name]) for name in ("confidence", "risk_score")}
    return checksum_of({**values, **numbers}, HASHED)


def dates_hash(values: Mapping[str, Any]) -> str:
    """Return the ``dates_hash`` of a receipt, which does not change when it is stored again."""
    return checksum_of(values, DATES)


def _signature(signed_receipt: Any) -> dict[str, Any]:
    """Return the columns of a signature: ``signature`` and ``signature_metadata``, or none."""
    if signed_receipt is None:
        names = ("signature", "signature_algorithm", "signature_key_id", "signed_at")
        return dict.fromkeys(names)
    signed = mapping(signed_receipt, "signed_receipt")
    of_it = "signed_receipt.signature_metadata"
    metadata = mapping(signed.get("signature_metadata"), of_it)
    signed_at = valid.optional(metadata.get("timestamp"), f"{of_it}.timestamp", valid.moment)
    return {
        "signature": valid.identifier(signed.get("signature"), "signed_receipt.signature"),
        "signature_algorithm": valid.key(metadata.get("algorithm"), f"{of_it}.algorithm"),
        "signature_key_id": valid.optional(
            metadata.get("key_id"), f"{of_it}.key_id", valid.identifier
        ),
        "signed_at": utc_now() if signed_at is None else signed_at,
    }


def _expiry(created_at: datetime, days: float) -> datetime:
    try:
        return created_at + timedelta(days=days)
    except OverflowError:
        raise InvalidInputError(
            "receipt.timestamp", f"must be {days:g} days before the year 10000 at least"
        ) from None

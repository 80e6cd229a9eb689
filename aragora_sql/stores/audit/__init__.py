"""Audit: a log of events, and chains of entries that nobody changes unnoticed."""

from aragora_sql.stores.audit.hashing import GENESIS_HASH
from aragora_sql.stores.audit.proofs import verify_proof
from aragora_sql.stores.audit.records import (
    AuditChain,
    AuditEntry,
    AuditEvent,
    AuditStatistics,
    AuditVerification,
    DailyAnchor,
    InclusionProof,
)
from aragora_sql.stores.audit.signing import SigningKeys
from aragora_sql.stores.audit.store import AuditStore

__all__ = [
    "GENESIS_HASH",
    "AuditChain",
    "AuditEntry",
    "AuditEvent",
    "AuditStatistics",
    "AuditStore",
    "AuditVerification",
    "DailyAnchor",
    "InclusionProof",
    "SigningKeys",
    "verify_proof",
]

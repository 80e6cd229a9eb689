"""How receipts are signed, and what their applications' own checksums are of.

=======================================  ===========================================================
variable                                 meaning
=======================================  ===========================================================
``ARAGORA_RECEIPT_SIGNING_KEY``          the key that signs: hexadecimal digits, best of 32 random
                                         bytes
``ARAGORA_RECEIPT_SIGNING_KEYS_OLD``     keys before it, comma separated, that may have signed
=======================================  ===========================================================

A signature is the HMAC-SHA256 of a receipt as JSON in UTF-8 with sorted keys, ``", "`` and ``": "``
between, ASCII alone and -0.0 as 0.0, in base64. Members that say how it is signed are left out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from aragora_sql.errors import ConfigurationError
from aragora_sql.stores.audit.signing import SigningKeys
from aragora_sql.stores.checksums import sorted_json

__all__ = ["HMAC", "ReceiptSigningKeys", "application_checksum", "is_signed_by", "shape_of"]

HMAC = "HMAC-SHA256"
# Whoever signs can't have signed these.
_OF_SIGNATURES = (
    "signature",
    "signature_metadata",
    "signature_algorithm",
    "signature_key_id",
    "signed_at",
)


class ReceiptSigningKeys(SigningKeys):
    """The present key of receipts and those before it."""

    __slots__ = ()
    _variables = ("ARAGORA_RECEIPT_SIGNING_KEY", "ARAGORA_RECEIPT_SIGNING_KEYS_OLD")
    _purpose = b"aragora-receipt-signing-key:"

    @classmethod
    def _key(cls, text: str, variable: str) -> bytes:
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise ConfigurationError(f"{variable} is not hexadecimal digits") from None

    def sign_receipt(self, receipt: Mapping[str, Any]) -> str:
        """Return the signature of a receipt. Raises :class:`ConfigurationError` without a key."""
        signature = self.sign(_signed_texts(receipt)[-1])
        if signature is None:
            raise ConfigurationError(f"{self._variables[0]} is not set: receipts can't be signed")
        return base64.b64encode(bytes.fromhex(signature)).decode()


def is_signed_by(
    keys: ReceiptSigningKeys, receipt: Mapping[str, Any], signature: str, key_id: str | None
) -> bool | None:
    """Tell whether a signature by HMAC is that of a receipt; None when the key is not here.

    ``key_id`` None: any of the keys may have made it.
    """
    try:
        given = base64.b64decode(signature, validate=True).hex()
    except (binascii.Error, ValueError):
        given = ""
    found = [keys.fits(text, given, key_id) for text in _signed_texts(receipt)]
    return None if None in found else any(found)


def _signed_texts(receipt: Mapping[str, Any]) -> list[str]:
    """Return what may have been signed: all of a receipt, and what is not about its signature."""
    rest = {name: value for name, value in receipt.items() if name not in _OF_SIGNATURES}
    return [sorted_json(one) for one in ([receipt] if rest == receipt else [dict(receipt), rest])]


def shape_of(receipt: Mapping[str, Any], gauntlet_id: str | None, checksum: str) -> str:
    """Return which members a receipt has: ``onboarding``, ``gauntlet``, ``export`` or ``other``."""
    if (gauntlet_id or "").startswith("onboarding-"):
        return "onboarding"
    if "artifact_hash" in receipt:
        return "gauntlet"
    return "export" if checksum else "other"


def application_checksum(shape: str, receipt: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the checksum that a document names, and that which its application makes of it.

    None when it names none. That of an export is of 64 bits and of seven members.
    """
    named = receipt.get("checksum") or receipt.get("artifact_hash")
    if shape == "other" or not isinstance(named, str):
        return None
    if shape == "onboarding":
        members = ("receipt_id", "debate_id", "input_hash", "verdict")
        text = "|".join(str(receipt.get(name, "")) for name in members)
        return named, sha256(text.encode()).hexdigest()
    if shape == "gauntlet":
        names = ("receipt_id", "gauntlet_id", "input_hash", "risk_summary", "verdict", "confidence")
        hashed = {name: receipt.get(name) for name in names}
        # It may have a checksum beside it.
        return str(receipt["artifact_hash"]), sha256(sorted_json(hashed).encode()).hexdigest()
    findings = receipt.get("findings")
    names = (
        "receipt_id",
        "verdict",
        "confidence",
        "critical_count",
        "timestamp",
        "audit_trail_id",
    )
    hashed = {name: receipt.get(name) for name in names}
    hashed["findings_count"] = (
        len(findings) if isinstance(findings, list) else receipt.get("findings_count", 0)
    )
    return named, sha256(sorted_json(hashed).encode()).hexdigest()[:16]

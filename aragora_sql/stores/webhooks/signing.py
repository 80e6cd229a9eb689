"""Signatures of what webhooks send: HMAC-SHA256 over a timestamp and the body.

The header is ``t=<seconds since 1970>,v1=<hexadecimal digits>``, with a second ``v1`` while the
secret before the present one is still valid, so a receiver that knows either takes it. What is
signed is the timestamp in decimal digits, a full stop, and the bytes of the body.

Receivers in Python check it with :func:`verify_signature`; others do the same in a few lines.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterable
from hashlib import sha256

from aragora_sql.errors import InvalidInputError, WebhookSignatureError
from aragora_sql.stores import validation as valid

__all__ = ["SIGNATURE_HEADER", "sign_payload", "verify_signature"]

SIGNATURE_HEADER = "X-Aragora-Signature"
# How old, or how far ahead of the receiver's clock, a signature may be, in seconds.
DEFAULT_TOLERANCE = 300.0
MOST_SIGNATURES = 10

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sign_payload(body: bytes, secrets: Iterable[str], timestamp: int) -> str:
    """Return the header that signs a body: one signature for each of the secrets, in their order.

    ``timestamp`` is when it is sent, in whole seconds since 1970.
    """
    signed_at = valid.integer(timestamp, "timestamp", most=999_999_999_999)
    digests = [_digest(secret, str(signed_at), body) for secret in _secrets(secrets)]
    return ",".join([f"t={signed_at}", *(f"v1={digest}" for digest in digests)])


def verify_signature(
    header: str,
    body: bytes,
    secrets: str | Iterable[str],
    *,
    tolerance_seconds: float = DEFAULT_TOLERANCE,
    now: float | None = None,
) -> int:
    """Check the header of a received body, and return when it was signed, in seconds since 1970.

    ``body`` are the bytes as they came, before anything parses them. ``secrets`` is the secret, or
    those that are valid at present. What was signed more than ``tolerance_seconds`` before or after
    ``now`` (seconds since 1970; default: the clock) is refused, so that nothing recorded can be
    sent again later. How long it takes tells nothing of the secrets or of the right signature.

    Raises :class:`~aragora_sql.errors.WebhookSignatureError`, which says why and shows neither.
    """
    if not isinstance(body, bytes):
        raise InvalidInputError("body", f"must be bytes, not {type(body).__name__}")
    tolerance = valid.number(tolerance_seconds, "tolerance_seconds")
    clock = time.time() if now is None else valid.number(now, "now")
    keys = _secrets(secrets)
    timestamp, given = _parse(header)
    matches = False
    for key in keys:
        expected = _digest(key, timestamp, body)
        for digest in given:
            # Every one is compared, also when one has matched.
            matches |= hmac.compare_digest(expected, digest)
    if not matches:
        raise WebhookSignatureError("no signature fits the body and a known secret")
    signed_at = int(timestamp)
    if abs(clock - signed_at) > tolerance:
        raise WebhookSignatureError(
            f"it was signed {abs(clock - signed_at):.0f} seconds "
            f"{'ago' if signed_at < clock else 'ahead'}; {tolerance:g} are allowed"
        )
    return signed_at


def _parse(header: object) -> tuple[str, list[str]]:
    """Return the timestamp, in the digits that were signed, and the signatures of a header."""
    if not isinstance(header, str):
        raise WebhookSignatureError("there is no signature")
    timestamps: list[str] = []
    digests: list[str] = []
    for part in header.split(",", MOST_SIGNATURES + 1):
        name, _, value = part.strip().partition("=")
        if name == "t" and _TIMESTAMP.fullmatch(value):
            timestamps.append(value)
        elif name == "v1" and _DIGEST.fullmatch(value):
            digests.append(value)
        elif name in ("t", "v1"):
            raise WebhookSignatureError("the header is malformed")
    if len(timestamps) != 1 or not digests:
        raise WebhookSignatureError("the header is malformed")
    return timestamps[0], digests


def _digest(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


def _secrets(secrets: str | Iterable[str]) -> list[str]:
    given = [secrets] if isinstance(secrets, str) else valid.items(secrets, "secrets")
    if not given:
        raise InvalidInputError("secrets", "must be at least one")
    for secret in given:
        if not isinstance(secret, str) or not secret:
            raise InvalidInputError("secrets", "must be texts that are not empty")
    return given

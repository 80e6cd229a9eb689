"""Signatures of what is sent: made, checked, refused."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

import pytest

from aragora_sql.errors import InvalidInputError, WebhookSignatureError
from aragora_sql.stores.webhooks import sign_payload, verify_signature

BODY = '{"n": "ä"}'.encode()
NOW = 1_770_914_577


def test_sign_payload_is_hmac_of_timestamp_and_body() -> None:
    expected = hmac.new(b"s1", b"1770914577." + BODY, sha256).hexdigest()
    assert sign_payload(BODY, ["s1"], NOW) == f"t=1770914577,v1={expected}"


def test_verify_signature_takes_what_was_signed() -> None:
    header = sign_payload(BODY, ["s1"], NOW)
    assert verify_signature(header, BODY, "s1", now=NOW + 300) == NOW
    assert verify_signature(header, BODY, ["s0", "s1"], now=NOW - 300) == NOW
    # As others write it, and with what later versions may add.
    assert verify_signature(header.replace(",", " , ") + ",v2=x", BODY, "s1", now=NOW) == NOW


def test_verify_signature_knows_both_secrets_while_one_replaces_the_other() -> None:
    header = sign_payload(BODY, ["new", "old"], NOW)
    for secret in ("new", "old"):
        assert verify_signature(header, BODY, secret, now=NOW) == NOW
    with pytest.raises(WebhookSignatureError, match="no signature fits"):
        verify_signature(header, BODY, "older", now=NOW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h[:-1] + ("0" if h[-1] != "0" else "1"), "no signature fits"),
        (lambda h: h.replace("t=177", "t=178"), "no signature fits"),
        (lambda h: h.replace("t=", "t=0"), "no signature fits"),
        (lambda h: h + ",t=1", "malformed"),
        (lambda h: h.partition(",")[0], "malformed"),
        (lambda h: h.partition(",")[2], "malformed"),
        (lambda h: h.upper(), "malformed"),
        (lambda h: h.replace("t=1770914577", "t=²"), "malformed"),
        (lambda h: h[:-1], "malformed"),
        (lambda h: "", "malformed"),
        (lambda h: None, "no signature"),
        (lambda h: ",".join([h] + ["v2=x"] * 20 + ["v1=" + "0" * 64]), "malformed"),
    ],
)
def test_verify_signature_refuses_what_was_changed(change: Any, message: str) -> None:
    header = sign_payload(BODY, ["s1"], NOW)
    if "v2" in str(change(header)):
        # Only so many parts are looked at: the last one is none.
        assert verify_signature(change(header), BODY, "s1", now=NOW) == NOW
        return
    with pytest.raises(WebhookSignatureError, match=message):
        verify_signature(change(header), BODY, "s1", now=NOW)


def test_verify_signature_refuses_another_body_and_another_time() -> None:
    header = sign_payload(BODY, ["s1"], NOW)
    with pytest.raises(WebhookSignatureError, match="no signature fits"):
        verify_signature(header, BODY + b" ", "s1", now=NOW)
    with pytest.raises(WebhookSignatureError, match="301 seconds ago; 300 are allowed"):
        verify_signature(header, BODY, "s1", now=NOW + 301)
    with pytest.raises(WebhookSignatureError, match="11 seconds ahead; 10 are allowed"):
        verify_signature(header, BODY, "s1", now=NOW - 11, tolerance_seconds=10)


def test_errors_show_neither_secrets_nor_signatures() -> None:
    header = sign_payload(BODY, ["s1"], NOW)
    with pytest.raises(WebhookSignatureError) as caught:
        verify_signature(header, BODY, "hunter2", now=NOW)
    assert "hunter2" not in str(caught.value)
    assert header[20:] not in str(caught.value)


@pytest.mark.parametrize("secrets", [[], "", [""], [None], 5])
def test_secrets_have_to_be_given(secrets: Any) -> None:
    with pytest.raises(InvalidInputError, match="secrets"):
        verify_signature(sign_payload(BODY, ["s1"], NOW), BODY, secrets, now=NOW)
    with pytest.raises(InvalidInputError, match="secrets"):
        sign_payload(BODY, [secrets] if secrets == "" else secrets, NOW)


def test_the_body_has_to_be_bytes() -> None:
    text: Any = BODY.decode()
    with pytest.raises(InvalidInputError, match="body"):
        verify_signature(sign_payload(BODY, ["s1"], NOW), text, "s1", now=NOW)

"""Secrets at rest: AES-256-GCM in an envelope that names its format, and the keys for it.

=================================  =================================================================
variable                           meaning
=================================  =================================================================
``ARAGORA_ENCRYPTION_KEY``         the key that secrets are encrypted with: 64 hexadecimal digits,
                                   or the base64 of 32 bytes
``ARAGORA_ENCRYPTION_KEYS_OLD``    keys before it, comma separated, that secrets may still be
                                   encrypted with
=================================  =================================================================

An envelope is, in bytes: the format (1), the length of the key's name, the name (``master``), the
key's version (4, big-endian), the length of the nonce, the nonce (12), and the ciphertext with its
tag of 16 bytes (NIST SP 800-38D). All keys of the older Aragora have one name, so a key is found by
trying: the tag tells with certainty whether it fits.

Needs the ``cryptography`` package, which the extra ``encryption`` installs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from aragora_sql.errors import ConfigurationError, DecryptionError, EncryptionKeyMissingError
from aragora_sql.secret_store import label, with_secrets

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Keyring", "Opened", "is_sealed", "parse_key", "seal_envelope"]

CURRENT_KEY = "ARAGORA_ENCRYPTION_KEY"
OLD_KEYS = "ARAGORA_ENCRYPTION_KEYS_OLD"

KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH = 32, 12, 16
FORMAT_VERSION = 1
KEY_NAME, KEY_VERSION = b"master", 1
# What the older Aragora called a key that it made up and forgot at its end.
_LOST_KEY_NAME = b"default"

# How an envelope begins: its format, and the names that keys have or had.
_ENVELOPES = tuple(
    base64.b64encode(bytes([FORMAT_VERSION, len(name)]) + name)[: (2 + len(name)) * 8 // 6].decode()
    for name in (KEY_NAME, _LOST_KEY_NAME)
)

_HEX_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64_KEY = re.compile(r"[0-9A-Za-z+/]{43}=?|[0-9A-Za-z_-]{43}=?")


def parse_key(text: str, source: str = "key") -> bytes:
    """Return the 32 bytes of a key: 64 hexadecimal digits, or base64 (also URL-safe) of 32 bytes.

    ``source`` is the variable or argument that the error names;
    :class:`~aragora_sql.errors.ConfigurationError` never shows the text.
    """
    stripped = text.strip()
    if _HEX_KEY.fullmatch(stripped):
        return bytes.fromhex(stripped)
    if _BASE64_KEY.fullmatch(stripped):
        return base64.b64decode(stripped.rstrip("=") + "=", altchars=_altchars(stripped))
    raise ConfigurationError(
        f"{source}: not a key: 64 hexadecimal digits or the base64 of 32 bytes are needed, and "
        f"these are {len(stripped)} characters"
    )


def _altchars(text: str) -> bytes:
    return b"-_" if "-" in text or "_" in text else b"+/"


class Opened(NamedTuple):
    """What was in an envelope, and whether it was sealed with the present key."""

    plaintext: bytes
    is_current: bool


class Keyring:
    """The present key and those before it; without any, nothing can be sealed or opened.

    ``current`` and ``old`` are keys of 32 bytes, as :func:`parse_key` returns them.
    """

    __slots__ = ("_ciphers", "_keys")

    def __init__(self, current: bytes | None = None, old: Iterable[bytes] = ()) -> None:
        keys = tuple(old)
        if current is None and keys:
            raise ConfigurationError(f"{OLD_KEYS} is set and {CURRENT_KEY} is not")
        self._keys = () if current is None else (current, *keys)
        self._ciphers: tuple[AESGCM, ...] | None = None
        if any(len(key) != KEY_LENGTH for key in self._keys):
            raise ConfigurationError(f"a key of AES-256 has {KEY_LENGTH} bytes")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Keyring:
        """Return the keys that the environment names, perhaps none.

        Raises :class:`~aragora_sql.errors.ConfigurationError` for a malformed one.
        """
        env = with_secrets(os.environ if environ is None else environ)
        current = env.get(CURRENT_KEY, "").strip()
        old = [part for part in env.get(OLD_KEYS, "").split(",") if part.strip()]
        return cls(
            parse_key(current, label(env, CURRENT_KEY)) if current else None,
            [
                parse_key(part, f"{label(env, OLD_KEYS)}[{number}]")
                for number, part in enumerate(old)
            ],
        )

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} keys>"

    def __reduce__(self) -> str:
        raise TypeError("a keyring is not written down")

    def __bool__(self) -> bool:
        return bool(self._keys)

    def require(self, purpose: str) -> None:
        """Raise :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is no key."""
        if not self._keys:
            raise EncryptionKeyMissingError(
                f"{purpose} needs a key: set {CURRENT_KEY} to 64 hexadecimal digits or the base64 "
                "of 32 bytes (openssl rand -hex 32)"
            )

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt with the present key; opening needs the same ``associated_data``."""
        self.require("storing a secret")
        cipher = self._all_ciphers()[0]
        return _seal(cipher, os.urandom(NONCE_LENGTH), plaintext, associated_data)

    def seal_repeatably(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt with the present key, to the same envelope each time.

        For what is encrypted again whenever a migration reads it. The nonce is told by key, content
        and ``associated_data``: so it meets no other content, and who sees two envelopes of one
        place knows whether they hold the same.
        """
        self.require("storing a secret")
        content = struct.pack(">Q", len(associated_data)) + associated_data + plaintext
        derived = hmac.digest(self._keys[0], b"aragora-sql:nonce:1" + content, hashlib.sha256)
        return _seal(self._all_ciphers()[0], derived[:NONCE_LENGTH], plaintext, associated_data)

    def open(self, envelope: bytes, associated_data: bytes) -> Opened:
        """Decrypt with whichever key fits.

        Raises :class:`~aragora_sql.errors.DecryptionError`, which shows nothing of the content.
        """
        self.require("reading a secret")
        key_name, nonce, ciphertext = _take_apart(envelope)
        ciphers = self._all_ciphers()
        from cryptography.exceptions import InvalidTag

        for number, cipher in enumerate(ciphers):
            try:
                plaintext = cipher.decrypt(nonce, ciphertext, associated_data)
            except InvalidTag:
                continue
            return Opened(plaintext, is_current=number == 0)
        if key_name == _LOST_KEY_NAME:
            raise DecryptionError(
                "it was encrypted with a key that was never kept, so it is lost: enter it again"
            )
        raise DecryptionError(
            f"none of the {len(self._keys)} keys of {CURRENT_KEY} and {OLD_KEYS} fits, or it was "
            "changed, or copied from another owner or setting"
        )

    def _all_ciphers(self) -> tuple[AESGCM, ...]:
        if self._ciphers is None:
            self._ciphers = tuple(_cipher(key) for key in self._keys)
        return self._ciphers


def seal_envelope(key: bytes, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """Encrypt with a key and a nonce of 12 bytes, **which must never meet a second time**.

    :meth:`Keyring.seal` draws the nonce by itself.
    """
    return _seal(_cipher(key), nonce, plaintext, associated_data)


def _cipher(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise ConfigurationError(
            "secrets need the 'cryptography' package: pip install 'aragora-sql[encryption]'"
        ) from error
    return AESGCM(key)


def _seal(cipher: AESGCM, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    header = struct.pack(
        f">BB{len(KEY_NAME)}sIB", FORMAT_VERSION, len(KEY_NAME), KEY_NAME, KEY_VERSION, len(nonce)
    )
    return header + nonce + cipher.encrypt(nonce, plaintext, associated_data)


def _take_apart(envelope: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the key's name, the nonce and the ciphertext."""
    if len(envelope) < 2 or envelope[0] != FORMAT_VERSION:
        raise DecryptionError("it is damaged: not an envelope of format 1")
    nonce_at = 7 + envelope[1]
    if len(envelope) < nonce_at + NONCE_LENGTH + TAG_LENGTH:
        raise DecryptionError("it is damaged: the envelope is cut short")
    if envelope[nonce_at - 1] != NONCE_LENGTH:
        raise DecryptionError(f"it is damaged: its nonce has not {NONCE_LENGTH} bytes")
    ciphertext_at = nonce_at + NONCE_LENGTH
    return envelope[2 : 2 + envelope[1]], envelope[nonce_at:ciphertext_at], envelope[ciphertext_at:]


def is_sealed(stored: str) -> bool:
    """Tell whether a stored secret is an envelope in base64, and not in the clear."""
    return stored.startswith(_ENVELOPES)


def decode_envelope(text: str) -> bytes:
    """Return the bytes of an envelope in base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DecryptionError("it is damaged: not base64") from None

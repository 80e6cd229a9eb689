"""The keys that entries are signed with.

=====================================  =============================================================
variable                               meaning
=====================================  =============================================================
``ARAGORA_AUDIT_SIGNING_KEY``          the key that new entries are signed with: any text, best 32
                                       random bytes in hexadecimal digits
``ARAGORA_AUDIT_SIGNING_KEYS_OLD``     keys before it, comma separated, that entries may still be
                                       signed with
=====================================  =============================================================

A signature is the HMAC-SHA256 of the entry's hash. An entry names its key by 16 hexadecimal digits
that are derived from it, and its hash covers them.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import ClassVar, Self

from aragora_sql.errors import ConfigurationError
from aragora_sql.secret_store import with_secrets

__all__ = ["SigningKeys"]

_KEY_ID_DIGITS = 16


class SigningKeys:
    """The present key and those before it; without any, nothing is signed or compared.

    ``current`` and ``old`` are bytes of any length but 0.
    """

    __slots__ = ("_by_id", "_current")
    _variables: ClassVar[tuple[str, str]] = (
        "ARAGORA_AUDIT_SIGNING_KEY",
        "ARAGORA_AUDIT_SIGNING_KEYS_OLD",
    )
    # What the identifier of a key is derived from, beside the key.
    _purpose: ClassVar[bytes] = b"aragora-audit-signing-key:"

    def __init__(self, current: bytes | None = None, old: Iterable[bytes] = ()) -> None:
        keys = [*(() if current is None else (current,)), *old]
        if not all(isinstance(key, bytes) and key for key in keys):
            raise ConfigurationError("a signing key is bytes, and not empty")
        self._by_id = {self._key_id(key): key for key in keys}
        self._current = None if current is None else (self._key_id(current), current)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the keys that the environment names, perhaps none."""
        env = with_secrets(os.environ if environ is None else environ)
        present, before = cls._variables
        current = env.get(present, "").strip()
        old = [part.strip() for part in env.get(before, "").split(",") if part.strip()]
        return cls(
            cls._key(current, present) if current else None, [cls._key(key, before) for key in old]
        )

    @classmethod
    def _key(cls, text: str, variable: str) -> bytes:
        """Return the key that the text of a variable stands for."""
        return text.encode()

    def __repr__(self) -> str:
        return f"<SigningKeys: {len(self._by_id)}>"

    def __reduce__(self) -> str:
        raise TypeError("signing keys are not written down")

    def __bool__(self) -> bool:
        return bool(self._by_id)

    @property
    def current_id(self) -> str | None:
        """The identifier of the key that signs, or None."""
        return None if self._current is None else self._current[0]

    def sign(self, entry_hash: str) -> str | None:
        """Return the signature of a hash, or None without a key."""
        return None if self._current is None else _signature(self._current[1], entry_hash)

    def fits(self, entry_hash: str, signature: str, key_id: str | None) -> bool | None:
        """Tell whether a signature is that of a hash; None when the key is not here.

        Without ``key_id``, as in entries of the older system, any of the keys may have made it.
        """
        if key_id is not None:
            key = self._by_id.get(key_id)
            keys = [] if key is None else [key]
        else:
            keys = list(self._by_id.values())
        if not keys:
            return None
        given = signature.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(_signature(key, entry_hash).encode(), given) for key in keys)

    @classmethod
    def _key_id(cls, key: bytes) -> str:
        return sha256(cls._purpose + key).hexdigest()[:_KEY_ID_DIGITS]


def _signature(key: bytes, entry_hash: str) -> str:
    return hmac.digest(key, entry_hash.encode("utf-8", "surrogatepass"), "sha256").hex()

"""How the secrets of webhooks are stored: encrypted, and bound to the webhook.

Each is the base64 of an envelope (:mod:`aragora_sql.encryption`) whose associated data is a version
and the webhook's id, so what is copied to another webhook can't be opened there. The older Aragora
bound its envelopes to nothing, and kept some secrets in the clear: both are told by their form and
read; rotating the keys binds and encrypts them.
"""

from __future__ import annotations

import base64
import secrets as chance

from aragora_sql.encryption import Keyring, decode_envelope, is_sealed
from aragora_sql.errors import DecryptionError, EncryptionKeyMissingError
from aragora_sql.stores.rotation import Resealed

__all__ = ["new_secret", "open_secret", "reseal_secret", "seal_secret"]

# 43 characters of base64 for URLs.
SECRET_BYTES = 32
BINDING = b"\0aragora-sql:webhook:1:"
OLDER_BINDING = b""


def new_secret() -> str:
    """Make a secret: 43 characters that URLs may hold, of 256 random bits."""
    return chance.token_urlsafe(SECRET_BYTES)


def seal_secret(secret: str, keyring: Keyring, webhook_id: str) -> str:
    """Encrypt a secret for a webhook.

    Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is no key.
    """
    keyring.require("the secret of a webhook is never stored in the clear: storing it")
    return base64.b64encode(keyring.seal(secret.encode(), _binding(webhook_id))).decode()


def open_secret(stored: str, keyring: Keyring, webhook_id: str) -> str:
    """Return a stored secret in the clear.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the webhook.
    """
    return _open(stored, keyring, webhook_id)[0] if is_sealed(stored) else stored


def reseal_secret(stored: str | None, keyring: Keyring, webhook_id: str) -> Resealed:
    """Return a stored secret as it is under the present key, bound to the webhook."""
    if stored is None:
        return Resealed(None)
    if not is_sealed(stored):
        return Resealed(seal_secret(stored, keyring, webhook_id), was_clear=True)
    secret, is_current = _open(stored, keyring, webhook_id)
    if is_current:
        return Resealed(stored)
    return Resealed(seal_secret(secret, keyring, webhook_id), was_old=True)


def _open(stored: str, keyring: Keyring, webhook_id: str) -> tuple[str, bool]:
    """Return what is in an envelope, and whether it has the present key and binding."""
    try:
        envelope = decode_envelope(stored)
        try:
            opened = keyring.open(envelope, _binding(webhook_id))
        except DecryptionError:
            return keyring.open(envelope, OLDER_BINDING).plaintext.decode(), False
        return opened.plaintext.decode(), opened.is_current
    except EncryptionKeyMissingError as error:
        raise EncryptionKeyMissingError(f"webhook {webhook_id!r}: secret: {error}") from None
    except DecryptionError as error:
        raise DecryptionError(
            f"webhook {webhook_id!r}: the secret can't be decrypted: {error}"
        ) from None
    except UnicodeDecodeError:
        raise DecryptionError(
            f"webhook {webhook_id!r}: the secret can't be decrypted: its content is damaged"
        ) from None


def _binding(webhook_id: str) -> bytes:
    return BINDING + webhook_id.encode()

"""Secrets of users as they are stored: encrypted, and bound to the user.

Each is the base64 of an envelope (:mod:`aragora_sql.encryption`) whose associated data is the
user's id, as the older Aragora wrote it, so what it encrypted can be read as it is. What it left in
the clear is told by its form and read as well; rotating the keys encrypts it.
"""

from __future__ import annotations

import base64

from aragora_sql.encryption import Keyring, decode_envelope, is_sealed
from aragora_sql.errors import DecryptionError, EncryptionKeyMissingError
from aragora_sql.stores.rotation import Resealed

__all__ = ["opened", "reseal", "seal"]


def seal(text: str, keyring: Keyring, user_id: str, argument: str) -> str:
    """Encrypt a secret for a user.

    Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is no key.
    """
    keyring.require(f"{argument} is a secret and is never stored in the clear: storing it")
    return base64.b64encode(keyring.seal(text.encode(), user_id.encode())).decode()


def opened(user_id: str, stored: str | None, column: str, keyring: Keyring) -> str | None:
    """Return a stored secret as it is; what is in the clear, and None, as they are.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the user and the column.
    """
    if stored is None or not is_sealed(stored):
        return stored
    return _open(user_id, stored, column, keyring)[0]


def reseal(user_id: str, stored: str | None, column: str, keyring: Keyring) -> Resealed:
    """Return a stored secret as it is under the present key; raises as :func:`opened` does."""
    if stored is None:
        return Resealed(None)
    if not is_sealed(stored):
        return Resealed(seal(stored, keyring, user_id, column), was_clear=True)
    text, is_current = _open(user_id, stored, column, keyring)
    if is_current:
        return Resealed(stored)
    return Resealed(seal(text, keyring, user_id, column), was_old=True)


def _open(user_id: str, stored: str, column: str, keyring: Keyring) -> tuple[str, bool]:
    try:
        opened = keyring.open(decode_envelope(stored), user_id.encode())
        return opened.plaintext.decode(), opened.is_current
    except EncryptionKeyMissingError as error:
        raise EncryptionKeyMissingError(f"user {user_id!r}: {column}: {error}") from None
    except DecryptionError as error:
        raise DecryptionError(f"user {user_id!r}: {column} can't be decrypted: {error}") from None
    except UnicodeDecodeError:
        raise DecryptionError(
            f"user {user_id!r}: {column} can't be decrypted: its content is damaged"
        ) from None

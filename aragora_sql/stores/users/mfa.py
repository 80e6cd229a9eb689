"""How the secrets of a second factor are stored: encrypted, and bound to the user.

Each is the base64 of an envelope (:mod:`aragora_sql.encryption`) whose associated data is the
user's id, as the older Aragora wrote it, so what it encrypted can be read as it is. What it left in
the clear, after updates of several users at once, is told by its form and read as well; rotating
the keys encrypts it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from aragora_sql.database.values import dump_json
from aragora_sql.encryption import Keyring, decode_envelope, is_sealed
from aragora_sql.errors import DecryptionError, EncryptionKeyMissingError, InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = [
    "MfaSecrets",
    "Resealed",
    "backup_codes_text",
    "open_mfa",
    "reseal",
    "seal",
]


@dataclass(frozen=True, slots=True, repr=False)
class MfaSecrets:
    """The decrypted secrets of a user's second factor; neither ``repr`` nor ``str`` shows them.

    ``backup_codes`` are the hashed codes that were not used yet.
    """

    user_id: str
    secret: str | None
    backup_codes: list[str]

    def __repr__(self) -> str:
        return f"<MfaSecrets of user {self.user_id!r}>"


@dataclass(frozen=True, slots=True)
class Resealed:
    """A stored secret under the present key; whether it was under an older one, or in the clear."""

    stored: str | None
    was_old: bool = False
    was_clear: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether it is to be written."""
        return self.was_old or self.was_clear


def seal(text: str, keyring: Keyring, user_id: str, argument: str) -> str:
    """Encrypt a secret for a user.

    Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is no key.
    """
    keyring.require(f"{argument} is a secret and is never stored in the clear: storing it")
    return base64.b64encode(keyring.seal(text.encode(), user_id.encode())).decode()


def open_mfa(
    user_id: str, secret: str | None, backup_codes: str | None, keyring: Keyring
) -> MfaSecrets:
    """Decrypt the stored secrets of a user.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the user and the column.
    """
    codes = _opened(user_id, backup_codes, "mfa_backup_codes", keyring)
    return MfaSecrets(
        user_id, _opened(user_id, secret, "mfa_secret", keyring), _listed(user_id, codes)
    )


def reseal(user_id: str, stored: str | None, column: str, keyring: Keyring) -> Resealed:
    """Return a stored secret as it is under the present key."""
    if stored is None:
        return Resealed(None)
    if not is_sealed(stored):
        return Resealed(seal(stored, keyring, user_id, column), was_clear=True)
    text, is_current = _open(user_id, stored, column, keyring)
    if is_current:
        return Resealed(stored)
    return Resealed(seal(text, keyring, user_id, column), was_old=True)


def backup_codes_text(value: Any, argument: str) -> str:
    """Check hashed backup codes, a list or the JSON of one, and return them as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise InvalidInputError(
                argument, "must be a list of hashed codes, or its JSON"
            ) from None
    return str(dump_json(valid.names(valid.items(value, argument), argument), argument))


def _opened(user_id: str, stored: str | None, column: str, keyring: Keyring) -> str | None:
    if stored is None or not is_sealed(stored):
        return stored
    return _open(user_id, stored, column, keyring)[0]


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


def _listed(user_id: str, text: str | None) -> list[str]:
    if not text:
        return []
    try:
        codes: Any = json.loads(text)
    except ValueError:
        codes = None
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise DecryptionError(f"user {user_id!r}: mfa_backup_codes are damaged: not a list of text")
    return codes

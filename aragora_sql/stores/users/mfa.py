"""The secrets of a second factor, which are stored as :mod:`aragora_sql.stores.user_secrets` says.

The older Aragora left some in the clear after updates of several users at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aragora_sql.database.values import dump_json
from aragora_sql.encryption import Keyring
from aragora_sql.errors import DecryptionError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.user_secrets import opened

__all__ = [
    "MfaSecrets",
    "backup_codes_text",
    "open_mfa",
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


def open_mfa(
    user_id: str, secret: str | None, backup_codes: str | None, keyring: Keyring
) -> MfaSecrets:
    """Decrypt the stored secrets of a user.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the user and the column.
    """
    codes = opened(user_id, backup_codes, "mfa_backup_codes", keyring)
    return MfaSecrets(
        user_id, opened(user_id, secret, "mfa_secret", keyring), _listed(user_id, codes)
    )


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

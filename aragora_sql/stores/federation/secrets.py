"""How the key of a region is stored: encrypted, and bound to the region and its workspace.

It is the base64 of an envelope (:mod:`aragora_sql.encryption`); '' stands for no key. What is
copied to another region can't be opened there. The older system kept keys in the clear; a migration
encrypts them (:func:`seal_older_key`).
"""

from __future__ import annotations

import base64
import struct

from aragora_sql.encryption import Keyring, decode_envelope, is_sealed
from aragora_sql.errors import DecryptionError, EncryptionKeyMissingError
from aragora_sql.stores.rotation import Resealed

__all__ = ["open_key", "reseal_key", "seal_key", "seal_older_key"]

# Begins associated data, so that no envelope of another store can be opened here.
BINDING = b"\0aragora-sql:federation:1"


def _binding(region_id: str, workspace_id: str) -> bytes:
    parts = [part.encode() for part in (region_id, workspace_id)]
    return BINDING + b"".join(struct.pack(">I", len(part)) + part for part in parts)


def seal_key(api_key: str, keyring: Keyring, region_id: str, workspace_id: str) -> str:
    """Return a key as it is stored.

    Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is no key to encrypt
    it with.
    """
    if not api_key:
        return ""
    keyring.require("region.api_key is a secret and is never stored in the clear: storing it")
    envelope = keyring.seal(api_key.encode(), _binding(region_id, workspace_id))
    return base64.b64encode(envelope).decode()


def seal_older_key(stored: str, keyring: Keyring, region_id: str, workspace_id: str) -> str | None:
    """Return what an older file has as it is stored today, the same each time.

    None for a key in the clear when there is no key to encrypt it with.
    """
    if not stored or is_sealed(stored):
        return stored
    if not keyring:
        return None
    envelope = keyring.seal_repeatably(stored.encode(), _binding(region_id, workspace_id))
    return base64.b64encode(envelope).decode()


def open_key(stored: str, keyring: Keyring, region_id: str, workspace_id: str) -> str:
    """Return a stored key as it was given.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the region.
    """
    return _open(stored, keyring, region_id, workspace_id)[0] if stored else ""


def reseal_key(stored: str, keyring: Keyring, region_id: str, workspace_id: str) -> Resealed:
    """Return a stored key as it is under the present one."""
    api_key, is_current = _open(stored, keyring, region_id, workspace_id)
    if is_current:
        return Resealed(stored)
    return Resealed(seal_key(api_key, keyring, region_id, workspace_id), was_old=True)


def _open(stored: str, keyring: Keyring, region_id: str, workspace_id: str) -> tuple[str, bool]:
    where = f"region {region_id!r} of workspace {workspace_id!r}: api_key"
    try:
        opened = keyring.open(decode_envelope(stored), _binding(region_id, workspace_id))
        return opened.plaintext.decode(), opened.is_current
    except EncryptionKeyMissingError as error:
        raise EncryptionKeyMissingError(f"{where}: {error}") from None
    except DecryptionError as error:
        raise DecryptionError(f"{where} can't be decrypted: {error}") from None
    except UnicodeDecodeError:
        raise DecryptionError(f"{where} can't be decrypted: its content is damaged") from None

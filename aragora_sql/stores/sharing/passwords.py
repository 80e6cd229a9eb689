"""Passwords of links: hashed by Argon2id with the parameters of RFC 9106 for little memory.

Needs the package ``argon2-cffi``, which the extra ``passwords`` installs.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import TYPE_CHECKING, Any

from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.stores import validation as valid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["LONGEST_PASSWORD", "checked_password", "hash_password", "is_password"]

# Characters. The time that a hash takes hardly grows with them, the memory of a request does.
LONGEST_PASSWORD = 1024


def checked_password(value: Any) -> str:
    """Check a password and return it in the Unicode normal form C. No error shows it."""
    password = valid.identifier(value, "password")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInputError("password", f"must be at most {LONGEST_PASSWORD} characters long")
    return unicodedata.normalize("NFC", password)


async def hash_password(password: str) -> str:
    """Return the hash of a password with a new salt, which takes some 50 ms on a thread."""
    return await asyncio.to_thread(_hasher().hash, password)


async def is_password(password: str, password_hash: str) -> bool:
    """Tell whether a hash is that of a password, which takes as long as to hash it."""
    hasher = _hasher()
    from argon2.exceptions import VerifyMismatchError

    try:
        return await asyncio.to_thread(hasher.verify, password_hash, password)
    except VerifyMismatchError:
        return False


def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise ConfigurationError(
            "passwords of links need argon2-cffi: pip install 'aragora-sql[passwords]'"
        ) from error
    return PasswordHasher()

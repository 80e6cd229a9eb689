"""Random tokens that open something, and what is stored of them: their SHA-256.

A token has 256 random bits, so nobody finds it by trying, and a slow hash would gain nothing. It is
looked up by its hash: how long that takes tells nothing of a token.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = [
    "PREFIX_LENGTH",
    "checked_hash",
    "new_api_key",
    "new_token",
    "strong_token_hash",
    "token_hash",
]

API_KEY = "ara_"
# Characters of an API key that are shown; 208 random bits of it are not.
PREFIX_LENGTH = 12
_BYTES = 32
# Characters of 128 random bits in base64.
_FEWEST_CHARACTERS = 22
_HASH = re.compile(r"[0-9a-f]{64}")


def new_api_key() -> str:
    """Return a new API key."""
    return API_KEY + new_token()


def new_token() -> str:
    """Return 256 random bits as 43 characters that can stand in a URL."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: Any, argument: str) -> str:
    """Check a token and return its SHA-256 in hexadecimal."""
    return hashlib.sha256(valid.key(token, argument).encode()).hexdigest()


def strong_token_hash(token: Any, argument: str) -> str:
    """Check a token that a caller made, which must be no word that is easily guessed; hash it."""
    hashed = token_hash(token, argument)
    if len(token) < _FEWEST_CHARACTERS:
        raise InvalidInputError(
            argument, f"must have at least {_FEWEST_CHARACTERS} random characters"
        )
    return hashed


def checked_hash(value: Any, argument: str) -> str:
    """Check a SHA-256 in hexadecimal. The error does not show it: it may be the token itself."""
    text = valid.text(value, argument)
    if not _HASH.fullmatch(text):
        raise InvalidInputError(argument, "must be a SHA-256: 64 hexadecimal digits in lower case")
    return text

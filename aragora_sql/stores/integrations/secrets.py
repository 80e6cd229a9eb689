"""Which settings are secrets, and how they are stored.

A secret is a member, at any depth, whose name is one of :data:`SECRET_NAMES` or ends in one of them
(``smtp_password``, ``clientSecret``, ``X-Api-Key``). The whole value is encrypted, be it text or
not; None, ``""``, ``{}`` and ``[]`` hold nothing and stay. It is stored as::

    {"_encrypted": true, "_value": "<base64 of the envelope>", "_type": "text"}

``_type`` is ``text`` when the secret is text, and ``json`` when it is the JSON of anything else; so
the secret ``"12345"`` stays text. Older envelopes have no ``_type``. Their writer encrypted text as
it was and everything else as JSON, so ``12345`` may have been both, and it is taken for the text:
what has such a name is a token or a password. Only an object or a list, in exactly the
spelling that the older writer gave it, is read as JSON.

The user and the type of the integration are bound to the envelope as associated data,
``<user_id>:<integration_type>``: what is moved to another integration can't be opened there.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aragora_sql.database.values import dump_json, load_json
from aragora_sql.encryption import Keyring, decode_envelope
from aragora_sql.errors import (
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
)
from aragora_sql.stores import validation as valid

__all__ = [
    "REDACTED",
    "SECRET_NAMES",
    "Owner",
    "SealedSecret",
    "hide_secrets",
    "is_secret_name",
    "keep_sealed",
    "open_secrets",
    "reseal_secrets",
    "seal_secrets",
]

SECRET_NAMES = (
    "api_key",
    "credentials",
    "password",
    "private_key",
    "secret",
    "secret_access_key",
    "token",
    "webhook_url",
)
_SECRET = re.compile(rf"(?:.*_)?(?:{'|'.join(SECRET_NAMES)})")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

REDACTED = "\u2022" * 8

TEXT, JSON = "text", "json"


def is_secret_name(name: str) -> bool:
    """Tell whether a setting of this name is a secret."""
    words = _WORD_START.sub("_", name).replace("-", "_").lower()
    return _SECRET.fullmatch(words) is not None


@dataclass(frozen=True, slots=True)
class Owner:
    """The integration that secrets belong to."""

    user_id: str
    integration_type: str

    @property
    def associated_data(self) -> bytes:
        """What binds an envelope to its integration."""
        return f"{self.user_id}:{self.integration_type}".encode()

    def __str__(self) -> str:
        return f"integration {self.integration_type!r} of user {self.user_id!r}"


class SealedSecret:
    """A secret in settings that was not decrypted.

    Settings with it can be saved again for the same integration: the secret stays what it is.
    """

    __slots__ = ("_owner", "_stored")

    def __init__(self, stored: dict[str, Any], owner: Owner) -> None:
        self._stored = stored
        self._owner = owner

    def __repr__(self) -> str:
        return "<sealed secret>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SealedSecret):
            return NotImplemented
        return self._stored == other._stored and self._owner == other._owner

    def __hash__(self) -> int:
        return hash((self._stored["_value"], self._owner))

    def stored_for(self, owner: Owner, path: str) -> dict[str, Any]:
        """Return it as it is stored."""
        if owner != self._owner:
            raise InvalidInputError(path, f"is a sealed secret of {self._owner}")
        return self._stored


def _holds_something(value: Any) -> bool:
    return value is not None and value not in ("", {}, [])


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_encrypted") is True


def _walk(value: Any, path: str, handle: Callable[[str, str, Any], Any]) -> Any:
    """Rebuild ``value``; ``handle`` gets each member's path, name and value, and may replace it."""
    if isinstance(value, dict):
        built = {}
        for name, member in value.items():
            where = f"{path}.{name}"
            replaced = handle(where, name if isinstance(name, str) else "", member)
            built[name] = _walk(member, where, handle) if replaced is member else replaced
        return built
    if isinstance(value, list | tuple):
        items = []
        for number, member in enumerate(value):
            where = f"{path}[{number}]"
            replaced = handle(where, "", member)
            items.append(_walk(member, where, handle) if replaced is member else replaced)
        return items
    return value


def seal_secrets(settings: dict[str, Any], keyring: Keyring, owner: Owner) -> dict[str, Any]:
    """Return settings as they are stored: every secret encrypted.

    Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is a secret and no key,
    and :class:`~aragora_sql.errors.InvalidInputError` for what is encrypted already.
    """

    def handle(path: str, name: str, value: Any) -> Any:
        if isinstance(value, SealedSecret):
            return value.stored_for(owner, path)
        if isinstance(value, dict) and "_encrypted" in value:
            raise InvalidInputError(
                path, "is in the form in which secrets are stored; give it as it is"
            )
        if is_secret_name(name) and _holds_something(value):
            return _seal(value, path, keyring, owner)
        return value

    try:
        sealed: dict[str, Any] = _walk(settings, "settings", handle)
    except RecursionError:
        raise InvalidInputError("settings", "is nested too deeply") from None
    return sealed


def _seal(value: Any, path: str, keyring: Keyring, owner: Owner) -> dict[str, Any]:
    kind = TEXT if isinstance(value, str) else JSON
    plaintext = valid.text(value, path) if kind == TEXT else dump_json(value, path)
    keyring.require(f"{path} is a secret and is never stored in the clear: storing it")
    envelope = keyring.seal(plaintext.encode(), owner.associated_data)
    return {
        "_encrypted": True,
        "_value": base64.b64encode(envelope).decode(),
        "_type": kind,
    }


def open_secrets(settings: dict[str, Any], keyring: Keyring, owner: Owner) -> dict[str, Any]:
    """Return stored settings with every secret decrypted.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the integration and the setting.
    """

    def handle(path: str, name: str, value: Any) -> Any:
        if not _is_stored(value):
            return value
        plaintext, _ = _open(value, path, keyring, owner)
        return _Opened(_decoded(plaintext, value.get("_type"), path, owner))

    opened: dict[str, Any] = _unwrap(_walk(settings, "settings", handle))
    return opened


@dataclass(frozen=True, slots=True)
class _Opened:
    """A decrypted value, which is not looked into any further."""

    value: Any


def _unwrap(value: Any) -> Any:
    if isinstance(value, _Opened):
        return value.value
    if isinstance(value, dict):
        return {name: _unwrap(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_unwrap(member) for member in value]
    return value


def _open(stored: dict[str, Any], path: str, keyring: Keyring, owner: Owner) -> tuple[bytes, bool]:
    try:
        text = stored.get("_value")
        if not isinstance(text, str):
            raise DecryptionError("it is damaged: it has no value")
        opened = keyring.open(decode_envelope(text), owner.associated_data)
    except EncryptionKeyMissingError as error:
        raise EncryptionKeyMissingError(f"{owner}: {path}: {error}") from None
    except DecryptionError as error:
        raise DecryptionError(f"{owner}: {path} can't be decrypted: {error}") from None
    return opened.plaintext, opened.is_current


def _decoded(plaintext: bytes, kind: Any, path: str, owner: Owner) -> Any:
    try:
        text = plaintext.decode()
        if kind is None:
            return _decoded_without_type(text)
        if kind == TEXT:
            return text
        if kind == JSON:
            return load_json(text)
        problem = f"its type {kind!r} is not known"
    except ValueError:
        problem = "its content is damaged"
    raise DecryptionError(f"{owner}: {path} can't be decrypted: {problem}")


def _decoded_without_type(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # The older writer left what is empty unencrypted, so it was text.
    return value if value and json.dumps(value) == text else text


def keep_sealed(settings: dict[str, Any], owner: Owner) -> dict[str, Any]:
    """Return stored settings with a :class:`SealedSecret` for every secret that is encrypted."""

    def handle(path: str, name: str, value: Any) -> Any:
        return SealedSecret(value, owner) if _is_stored(value) else value

    kept: dict[str, Any] = _walk(settings, "settings", handle)
    return kept


def reseal_secrets(
    settings: dict[str, Any], keyring: Keyring, owner: Owner
) -> tuple[dict[str, Any], int, int]:
    """Return stored settings with every secret under the present key.

    Also returns how many were under an older key, and how many were in the clear. What is under
    the present key already stays as it is.
    """
    resealed = in_the_clear = 0

    def handle(path: str, name: str, value: Any) -> Any:
        nonlocal resealed, in_the_clear
        if _is_stored(value):
            plaintext, is_current = _open(value, path, keyring, owner)
            if is_current:
                return dict(value)
            resealed += 1
            envelope = keyring.seal(plaintext, owner.associated_data)
            return {**value, "_value": base64.b64encode(envelope).decode()}
        if is_secret_name(name) and _holds_something(value):
            in_the_clear += 1
            return _seal(value, path, keyring, owner)
        return value

    changed: dict[str, Any] = _walk(settings, "settings", handle)
    return changed, resealed, in_the_clear


def hide_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with :data:`REDACTED` in the place of every secret."""

    def handle(path: str, name: str, value: Any) -> Any:
        if isinstance(value, SealedSecret) or _is_stored(value):
            return REDACTED
        if is_secret_name(name) and _holds_something(value):
            return REDACTED
        return value

    hidden: dict[str, Any] = _walk(settings, "settings", handle)
    return hidden

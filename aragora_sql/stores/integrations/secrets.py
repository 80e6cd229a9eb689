"""How the secrets of settings are stored: encrypted, and bound to the place that they belong to.

What is a secret tells :mod:`aragora_sql.redaction`. The whole value is encrypted, be it text or
not. It is stored as::

    {"_encrypted": true, "_value": "<base64 of the envelope>", "_type": "text"}

``_type`` is ``text`` when the secret is text, and ``json`` when it is the JSON of anything else; so
the secret ``"12345"`` stays text. Older envelopes have no ``_type``. Their writer encrypted text as
it was and everything else as JSON, so ``12345`` may have been both, and it is taken for the text:
what has such a name is a token or a password. Only an object or a list, in exactly the spelling
that the older writer gave it, is read as JSON.

An envelope is bound to its place by associated data: a version, the user, the type of the
integration and the name of the setting, each with its length. What is copied to another integration
or to a setting of another name can't be opened there. Older envelopes are bound to
``<user_id>:<integration_type>``; they are opened only where the name is that of a secret, and
rotating the keys binds them as above.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aragora_sql import redaction
from aragora_sql.database.values import dump_json, load_json
from aragora_sql.encryption import Keyring, decode_envelope
from aragora_sql.errors import (
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
)
from aragora_sql.redaction import REDACTED, is_envelope, is_secret, is_secret_name, rebuild
from aragora_sql.stores import validation as valid
from aragora_sql.stores.records import Record

__all__ = [
    "REDACTED",
    "Owner",
    "SealedSecret",
    "SecretOwner",
    "SecretRecord",
    "binding_of",
    "hide_secrets",
    "is_secret_name",
    "keep_sealed",
    "open_secrets",
    "reseal_secrets",
    "seal_secrets",
    "without_sealed",
]

TEXT, JSON = "text", "json"
# Begins associated data. Older data begins with a user id, which has no NUL, so none is like it.
BINDING = b"\0aragora-sql:2"


class SecretOwner(Protocol):
    """What secrets belong to, as messages name it; owners are compared by value."""

    def binding(self, name: str) -> bytes:
        """Return what binds an envelope to the setting ``name``."""

    @property
    def older_binding(self) -> bytes:
        """What binds an envelope of the older Aragora."""

    def was_secret(self, name: str) -> bool:
        """Tell whether the older Aragora may have encrypted the setting ``name``."""
        return is_secret_name(name)

    def is_secret(self, name: str, value: object) -> bool:
        """Tell whether a setting in the clear is a secret."""
        return is_secret(name, value)


def binding_of(*parts: str) -> bytes:
    """Return associated data of these parts, which no others have."""
    encoded = [part.encode() for part in parts]
    return BINDING + b"".join(struct.pack(">I", len(part)) + part for part in encoded)


@dataclass(frozen=True, slots=True)
class Owner(SecretOwner):
    """The integration that secrets belong to."""

    user_id: str
    integration_type: str

    def binding(self, name: str) -> bytes:
        """Return what binds an envelope to the setting ``name`` of this integration."""
        return binding_of(self.user_id, self.integration_type, name)

    @property
    def older_binding(self) -> bytes:
        """What binds an older envelope to its integration."""
        return f"{self.user_id}:{self.integration_type}".encode()

    def __str__(self) -> str:
        return f"integration {self.integration_type!r} of user {self.user_id!r}"


class SealedSecret:
    """A secret in settings that was not decrypted.

    Settings with it can be saved again for the same integration, under the same name: the secret
    stays what it is.
    """

    __slots__ = ("_name", "_owner", "_stored")

    def __init__(self, stored: dict[str, Any], owner: SecretOwner, name: str) -> None:
        self._stored = stored
        self._owner = owner
        self._name = name

    def __repr__(self) -> str:
        return "<sealed secret>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SealedSecret):
            return NotImplemented
        return self._stored == other._stored and self._owner == other._owner

    def __hash__(self) -> int:
        return hash((self._stored["_value"], self._owner))

    def stored_for(self, owner: SecretOwner, path: str, name: str) -> dict[str, Any]:
        """Return it as it is stored."""
        if owner != self._owner:
            raise InvalidInputError(path, f"is a sealed secret of {self._owner}")
        if name != self._name:
            raise InvalidInputError(path, f"is the sealed secret of the setting {self._name!r}")
        return self._stored


class SecretRecord(Record):
    """A record with secrets, which are eight bullets wherever it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"{type(self).__name__}({shown})"

    def to_dict(self, include_secrets: bool = False) -> dict[str, Any]:
        """Return it in a form that JSON can hold; secrets are eight bullets unless asked for.

        A secret that was not decrypted is shown so in any case.
        """
        whole = Record.to_dict(self)
        return without_sealed(whole) if include_secrets else hide_secrets(whole, self._is_secret)

    def _is_secret(self, name: str, value: object) -> bool:
        """Tell whether a member in the clear is a secret."""
        return is_secret(name, value)


def seal_secrets(
    settings: dict[str, Any], keyring: Keyring, owner: SecretOwner, argument: str = "settings"
) -> dict[str, Any]:
    """Return settings as they are stored: every secret encrypted.

    Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is a secret and no key,
    and :class:`~aragora_sql.errors.InvalidInputError` for what is encrypted already.
    """

    def handle(path: str, name: str, value: Any) -> Any:
        if isinstance(value, SealedSecret):
            return value.stored_for(owner, path, name)
        if isinstance(value, dict) and "_encrypted" in value:
            raise InvalidInputError(
                path, "is in the form in which secrets are stored; give it as it is"
            )
        if owner.is_secret(name, value):
            return _seal(value, path, name, keyring, owner)
        return value

    try:
        sealed: dict[str, Any] = rebuild(settings, argument, handle)
    except RecursionError:
        raise InvalidInputError(argument, "is nested too deeply") from None
    return sealed


def _seal(value: Any, path: str, name: str, keyring: Keyring, owner: SecretOwner) -> dict[str, Any]:
    kind = TEXT if isinstance(value, str) else JSON
    plaintext = valid.text(value, path) if kind == TEXT else dump_json(value, path)
    keyring.require(f"{path} is a secret and is never stored in the clear: storing it")
    return {
        "_encrypted": True,
        "_value": _sealed(plaintext.encode(), name, keyring, owner),
        "_type": kind,
    }


def _sealed(plaintext: bytes, name: str, keyring: Keyring, owner: SecretOwner) -> str:
    envelope = keyring.seal(plaintext, owner.binding(name))
    return base64.b64encode(envelope).decode()


def open_secrets(settings: dict[str, Any], keyring: Keyring, owner: SecretOwner) -> dict[str, Any]:
    """Return stored settings with every secret decrypted.

    Raises :class:`~aragora_sql.errors.DecryptionError` or
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, naming the integration and the setting.
    """

    def handle(path: str, name: str, value: Any) -> Any:
        if not is_envelope(value):
            return value
        plaintext, _ = _open(value, path, name, keyring, owner)
        return _Opened(_decoded(plaintext, value.get("_type"), path, owner))

    opened: dict[str, Any] = _unwrap(rebuild(settings, "settings", handle))
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


def _open(
    stored: dict[str, Any], path: str, name: str, keyring: Keyring, owner: SecretOwner
) -> tuple[bytes, bool]:
    """Return what is in an envelope, and whether it has the present key and binding."""
    try:
        text = stored.get("_value")
        if not isinstance(text, str):
            raise DecryptionError("it is damaged: it has no value")
        envelope = decode_envelope(text)
        try:
            return keyring.open(envelope, owner.binding(name))
        except DecryptionError:
            if not owner.was_secret(name):
                raise
        plaintext, _ = keyring.open(envelope, owner.older_binding)
    except EncryptionKeyMissingError as error:
        raise EncryptionKeyMissingError(f"{owner}: {path}: {error}") from None
    except DecryptionError as error:
        raise DecryptionError(f"{owner}: {path} can't be decrypted: {error}") from None
    return plaintext, False


def _decoded(plaintext: bytes, kind: Any, path: str, owner: SecretOwner) -> Any:
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


def keep_sealed(settings: dict[str, Any], owner: SecretOwner) -> dict[str, Any]:
    """Return stored settings with a :class:`SealedSecret` for every secret that is encrypted."""

    def handle(path: str, name: str, value: Any) -> Any:
        return SealedSecret(value, owner, name) if is_envelope(value) else value

    kept: dict[str, Any] = rebuild(settings, "settings", handle)
    return kept


def reseal_secrets(
    settings: dict[str, Any], keyring: Keyring, owner: SecretOwner, *, only_sealed: bool = False
) -> tuple[dict[str, Any], int, int]:
    """Return stored settings with every secret under the present key, bound to its setting.

    Also returns how many were under an older key or bound in the older way, and how many were in
    the clear. All others stay as they are; with ``only_sealed`` those in the clear too.
    """
    resealed = in_the_clear = 0

    def handle(path: str, name: str, value: Any) -> Any:
        nonlocal resealed, in_the_clear
        if is_envelope(value):
            plaintext, is_current = _open(value, path, name, keyring, owner)
            if is_current:
                return dict(value)
            resealed += 1
            return {**value, "_value": _sealed(plaintext, name, keyring, owner)}
        if not only_sealed and owner.is_secret(name, value):
            in_the_clear += 1
            return _seal(value, path, name, keyring, owner)
        return value

    changed: dict[str, Any] = rebuild(settings, "settings", handle)
    return changed, resealed, in_the_clear


def without_sealed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with :data:`REDACTED` in the place of every :class:`SealedSecret`."""

    def handle(path: str, name: str, value: Any) -> Any:
        return REDACTED if isinstance(value, SealedSecret) else value

    shown: dict[str, Any] = rebuild(settings, "settings", handle)
    return shown


def hide_secrets(
    settings: dict[str, Any], is_secret: Callable[[str, object], bool] = is_secret
) -> dict[str, Any]:
    """Return settings with :data:`REDACTED` in the place of every secret, sealed or not."""
    hidden: dict[str, Any] = redaction.hide_secrets(without_sealed(settings), is_secret)
    return hidden

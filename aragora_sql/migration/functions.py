"""Functions of the stores that mappings call where SQL can't say it.

They return NULL for what they can't make sense of: the mapping then gives no value, and the row is
rejected with the reason of the column that is to blame.
"""

from __future__ import annotations

import hashlib
import math
import re
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from aragora_sql.database.values import dump_json, load_json
from aragora_sql.encryption import Keyring, is_sealed
from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.migration.bad_values import BadValueError
from aragora_sql.migration.secret_names import secret_test
from aragora_sql.migration.timestamps import TimestampReader, unix_timestamp
from aragora_sql.redaction import has_secret
from aragora_sql.stores.checkpoints.records import debate_checksum, workflow_checksum
from aragora_sql.stores.consensus.topics import topic_hash
from aragora_sql.stores.federation.secrets import seal_older_key
from aragora_sql.stores.gauntlet.records import HASHED, result_hash
from aragora_sql.stores.receipts.records import HASHED as HASHED_OF_RECEIPTS
from aragora_sql.stores.receipts.records import dates_hash, receipt_hash
from aragora_sql.stores.receipts.terms import receipt_terms
from aragora_sql.stores.terms import document_terms, search_terms
from aragora_sql.stores.users.emails import normal_email
from aragora_sql.stores.vectors import encoded_vector, unit_vector_of

__all__ = ["Functions", "TextRules"]

_ESCAPED_NUL = "\\u0000"
_GZIP = 16 + zlib.MAX_WBITS
_WORKFLOW = (
    "id",
    "workflow_id",
    "definition_id",
    "current_step",
    "completed_steps",
    "step_outputs",
    "context_state",
    "checksum",
    "created_at",
)
_DEBATE = (
    "checkpoint_id",
    "debate_id",
    "task",
    "current_round",
    "total_rounds",
    "phase",
    "status",
    "data",
    "checksum",
    "created_at",
    "expires_at",
)
_DOCUMENTS = {
    "completed_steps",
    "step_outputs",
    "context_state",
    "data",
    "result",
    "agents_used",
}
_TIMESTAMPS = {"created_at", "expires_at"}


@dataclass(frozen=True, slots=True)
class TextRules:
    """What is changed in text on request: NUL characters are taken out, NaN in JSON becomes null.

    Infinity counts as NaN: JSON has neither.
    """

    strip_nul: bool = False
    nan_to_null: bool = False

    @property
    def are_any(self) -> bool:
        """Whether anything is changed."""
        return self.strip_nul or self.nan_to_null

    def apply(self, data: bytes | None) -> bytes | None:
        """Return text as bytes, changed by the rules; what is not UTF-8 stays as it is."""
        text = _decoded(data)
        if text is None:
            return data
        if self.strip_nul:
            text = _without_nul(text)
        if self.nan_to_null:
            text = _without_nan(text)
        return text.encode()


class Functions:
    """The functions; ``reader`` knows the zone of local times.

    ``rules`` change text of tables and documents in BLOBs before anything reads them.
    SQLite makes an error of its own of each exception in a function. That of a signal, or of a key
    that is none, is kept in ``interrupt``, to be raised when the statement has failed.
    """

    def __init__(self, reader: TimestampReader, rules: TextRules | None = None) -> None:
        self.interrupt: KeyboardInterrupt | ConfigurationError | None = None
        self._reader = reader
        self._keyring: Keyring | None = None
        self._rules = rules or TextRules()

    def listed(self) -> Iterable[tuple[str, int, Callable[..., Any]]]:
        """Return name, number of arguments and meaning of each function."""
        workflow = _checksum(_WORKFLOW, workflow_checksum, self._reader)
        debate = _checksum(_DEBATE, debate_checksum, self._reader)
        result = _checksum(HASHED, result_hash, self._reader)
        receipt = _checksum(HASHED_OF_RECEIPTS, receipt_hash, self._reader)
        return (
            ("topic_hash", 1, _hash),
            ("topic_terms", 1, _terms),
            ("result_terms", 2, partial(_terms_of, document_terms)),
            ("receipt_terms", 2, partial(_terms_of, receipt_terms)),
            ("receipt_dates_hash", 3, _receipt_dates_hash),
            ("lower_text", 1, _lower),
            ("normal_email", 1, _email),
            ("sha256_text", 1, _sha256),
            ("is_clear_secret", 1, _is_clear_secret),
            ("sealed_api_key", 3, self._sealed_api_key),
            ("unpacked", 2, self._unpacked),
            ("unpacked_vector", 2, _unpacked_vector),
            ("json_size", 1, _json_size),
            ("json_members", 1, _json_members),
            ("has_clear_secrets", 1, _has_clear_secrets),
            ("has_clear_secrets", 2, _has_clear_secrets),
            ("is_sound", 1, _is_sound),
            ("changed_text", 1, self._rules.apply),
            ("workflow_checksum", len(_WORKFLOW), workflow),
            ("debate_checksum", len(_DEBATE), debate),
            ("gauntlet_hash", len(HASHED), result),
            ("receipt_hash", len(HASHED_OF_RECEIPTS), receipt),
        )

    def register(self, connection: sqlite3.Connection) -> None:
        """Make the functions known to a connection."""
        for name, arguments, function in self.listed():
            called = partial(self._call, function)
            connection.create_function(name, arguments, called, deterministic=True)

    def _unpacked(self, data: Any, is_compressed: Any) -> bytes | None:
        found = _unpacked(data, is_compressed)
        return self._rules.apply(found) if self._rules.are_any else found

    def _sealed_api_key(self, stored: Any, region_id: Any, workspace_id: Any) -> str | None:
        """Return the key of a federated region, encrypted with the key of the environment."""
        key, region, workspace = map(_decoded, (stored, region_id, workspace_id))
        if key is None or region is None or workspace is None:
            return None
        if self._keyring is None:
            self._keyring = Keyring.from_env()
        return seal_older_key(key, self._keyring, region, workspace)

    def _call(self, function: Callable[..., Any], *values: Any) -> Any:
        try:
            return function(*values)
        except (KeyboardInterrupt, ConfigurationError) as interrupt:
            self.interrupt = interrupt
            raise


@lru_cache(maxsize=1 << 12)
def _terms(topic: Any) -> str | None:
    text = _decoded(topic)
    return None if text is None else " ".join(search_terms(text))


def _hash(topic: Any) -> str | None:
    text = _decoded(topic)
    return None if text is None else topic_hash(text)


def _decoded(value: Any) -> str | None:
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def _lower(value: Any) -> Any:
    text = _decoded(value)
    return value if text is None else text.lower()


def _email(value: Any) -> Any:
    text = _decoded(value)
    return value if text is None else normal_email(text)


def _receipt_dates_hash(receipt_id: Any, created_at: Any, expires_at: Any) -> str | None:
    try:
        times = (unix_timestamp(created_at), unix_timestamp(expires_at))
    except (BadValueError, TypeError, ValueError):
        return None
    return dates_hash({"receipt_id": receipt_id, "created_at": times[0], "expires_at": times[1]})


def _terms_of(terms: Callable[..., str], document: Any, text_beside: Any) -> str | None:
    """Return the search terms of a document and a text beside it, as the store makes them."""
    text = _decoded(document)
    try:
        return None if text is None else terms(load_json(text), _decoded(text_beside))
    except ValueError:
        return None


def _sha256(value: Any) -> str | None:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) and value else None


def _is_clear_secret(value: Any) -> bool:
    """Tell whether a stored secret of a user is in the clear."""
    text = _decoded(value)
    return bool(text) and not is_sealed(text or "")


def _unpacked(data: Any, is_compressed: Any) -> bytes | None:
    """Return the bytes of a document that may be a gzip stream."""
    if not isinstance(data, bytes):
        return None
    if not is_compressed:
        return data
    try:
        return zlib.decompress(data, wbits=_GZIP)
    except zlib.error:
        return None


def _unpacked_vector(data: Any, dims: Any) -> str:
    """Return a vector of packed floats of 4 bytes as the stores keep it.

    Of what is none the text, which is no document, says why.
    """
    if not isinstance(data, bytes) or not isinstance(dims, int):
        return "no vector: not a BLOB and a number of dimensions"
    if len(data) != 4 * dims:
        return f"no vector: {len(data)} bytes, {dims} numbers of 4 bytes"
    numbers = struct.unpack(f"<{dims}f", data)
    if not all(map(math.isfinite, numbers)):
        return "no vector: a number is not finite"
    try:
        return encoded_vector(unit_vector_of(numbers, "vector"))
    except InvalidInputError as error:
        return f"no {error}"


def _json_size(text: Any) -> int | None:
    """Return the length in bytes of a document as it is stored."""
    try:
        return len(dump_json(load_json(text)).encode())
    except (TypeError, ValueError, AttributeError, InvalidInputError):
        return None


def _json_members(data: Any) -> str | None:
    """Return the members of an object as a list of [name, JSON text of the value].

    SQLite would make a float of the text of a number, and not always the nearest one.
    """
    try:
        found = load_json(_decoded(data) or "")
        return dump_json([[name, dump_json(value)] for name, value in found.items()])
    except (TypeError, ValueError, AttributeError, InvalidInputError):
        return None


def _without_nul(text: str) -> str:
    """Return text without NUL characters, and JSON text without their escape."""
    text = text.replace("\x00", "")
    if _ESCAPED_NUL in text and text.lstrip()[:1] in {"{", "["}:
        parts = text.split("\\\\")
        text = "\\\\".join(part.replace(_ESCAPED_NUL, "") for part in parts)
    return text


# A string, which stays as it is, or what Python writes for a number that JSON has not.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity\b|\bNaN\b', re.DOTALL)


def _without_nan(text: str) -> str:
    """Return JSON text with null in the place of NaN and Infinity; other text as it is."""
    if text.lstrip()[:1] not in {"{", "["} or not ("NaN" in text or "Infinity" in text):
        return text
    return _TOKENS.sub(lambda match: match[0] if match[0][0] == '"' else "null", text)


def _is_sound(data: Any) -> bool:
    """Tell whether the bytes of a document are UTF-8 without NUL, which SQL would cut it at."""
    text = _decoded(data)
    return text is not None and _without_nul(text) == text


def _has_clear_secrets(data: Any, table: Any = None) -> bool:
    """Tell whether a document has secrets in the clear, by the names that a target table knows."""
    try:
        return has_secret(load_json(_decoded(data) or ""), secret_test(table))
    except (TypeError, ValueError, AttributeError):
        return False


def _checksum(
    names: tuple[str, ...], make: Callable[[Mapping[str, Any]], str], reader: TimestampReader
) -> Callable[..., str | None]:
    """Return a function that gives the store's checksum of the values of these columns."""

    def checksum(*values: Any) -> str | None:
        content = dict(zip(names, values, strict=True))
        try:
            for name in names:
                if content[name] is None:
                    continue
                if name in _DOCUMENTS:
                    # As it will be stored: large floats keep their decimal point.
                    content[name] = load_json(dump_json(load_json(content[name])))
                elif name in _TIMESTAMPS:
                    content[name] = reader.timestamp(content[name])
            return make(content)
        except (BadValueError, InvalidInputError, TypeError, ValueError, AttributeError):
            return None

    return checksum

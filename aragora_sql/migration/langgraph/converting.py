"""Rows of the public savers' tables as rows of this package's; bytes stay the bytes they are."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

import ormsgpack

from aragora_sql.database.values import utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.migration.bad_values import BadValueError, DamagedText
from aragora_sql.migration.langgraph.msgpack import join_map, packed, split_map
from aragora_sql.migration.langgraph.reading import (
    Source,
    SourceCheckpoint,
    SourceValue,
    SourceWrite,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.langgraph.saver import (
    DIGEST_PREFIX,
    LONGEST_ID,
    LONGEST_NAMESPACE,
    WHOLE_NAMESPACE,
    WITHOUT_VALUES,
    sorted_document,
    stored_namespace,
)
from aragora_sql.stores.langgraph.transfer import CheckpointRow, Row, ValueRow, WriteRow

__all__ = ["TABLES", "Item", "Rejected", "TableName", "convert_thread", "is_thread_id"]

TableName: TypeAlias = Literal["checkpoints", "values", "writes"]
TABLES: tuple[TableName, ...] = ("checkpoints", "values", "writes")
# A channel that has no value: what the saver on PostgreSQL says of one.
EMPTY = "empty"
NO_VALUE = "rows that say that a channel has no value, which needs none here"
TASKS = "__pregel_tasks"
# Checkpoints of earlier versions show what was sent to tasks as a channel of their own.
VERSION_WITHOUT_SENDS = 4
_INTEGERS_OF_POSTGRES = range(-(2**31), 2**31)


class Rejected(NamedTuple):
    """Why a row can't be moved, and the row as it is in the source."""

    key: dict[str, Any]
    row: dict[str, Any]
    column: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a table to be stored, or one that was rejected, or (neither) one that is left out.

    ``source_rows`` is how many rows of the source it accounts for: 0 of a value that is part of a
    checkpoint there.
    """

    table: TableName
    row: Row | None = None
    rejected: Rejected | None = None
    source_rows: int = 1


def convert_thread(source: Source, thread: Any) -> Generator[Item, None, None]:
    """Yield all that a thread has, values before the checkpoints that show them."""
    yield from _Thread(source, thread).items()


def is_thread_id(thread: Any) -> bool:
    """Tell whether what a source calls a thread can be a thread's id here."""
    try:
        _identifier(thread, "thread_id")
    except BadValueError:
        return False
    return True


class _Thread:
    def __init__(self, source: Source, thread: Any) -> None:
        self._source = source
        self._thread = thread
        # What was given as the value of a channel at a version, as a digest.
        self._given: dict[tuple[str, str, str], bytes] = {}
        # Channels that have no value at a version, where no other checkpoint has one.
        self._without: set[tuple[str, str, str]] = set()
        self._times: dict[tuple[str, str], datetime] = {}
        self._problem: str | None = None
        try:
            _identifier(thread, "thread_id")
        except BadValueError as error:
            self._problem = str(error)

    def items(self) -> Iterator[Item]:
        """Yield everything."""
        for value in self._source.values(self._thread):
            yield from self._checked("values", value, self._value)
        for checkpoint in self._source.checkpoints(self._thread):
            yield from self._checked("checkpoints", checkpoint, self._checkpoint)
        for write in self._source.writes(self._thread):
            yield from self._checked("writes", write, self._write)

    def _checked(self, table: TableName, row: Any, convert: Any) -> Iterator[Item]:
        try:
            if self._problem is not None:
                raise _BadColumnError("thread_id", self._problem)
            yield from convert(row)
        except (BadValueError, InvalidInputError) as error:
            column = error.column if isinstance(error, _BadColumnError) else None
            if isinstance(error, InvalidInputError):
                column = re.split(r"\W", error.argument)[0]
            values = {"thread_id": self._thread, **row._asdict()}
            for name in ("stored", "is_document"):
                values.pop(name, None)
            # A document of a server.
            for name in ("checkpoint", "metadata"):
                if isinstance(values.get(name), dict | list):
                    values[name] = json.dumps(values[name])
            key = {name: values[name] for name in _KEYS[table]}
            yield Item(table, rejected=Rejected(key, values, column, str(error)))

    def _value(self, row: SourceValue) -> Iterator[Item]:
        kind = _text(row.type, "type")
        if kind == EMPTY:
            yield Item("values")
            return
        namespace = _namespace(row.checkpoint_ns)
        channel, version = _identifier(row.channel, "channel"), _identifier(row.version, "version")
        content = _content(row.content, "content")
        self._given[namespace, channel, version] = _digest(kind, content)
        yield Item("values", ValueRow(stored_namespace(namespace), channel, version, kind, content))

    def _write(self, row: SourceWrite) -> Iterator[Item]:
        namespace = _namespace(row.checkpoint_ns)
        checkpoint_id = _identifier(row.checkpoint_id, "checkpoint_id")
        if not isinstance(row.idx, int) or row.idx not in _INTEGERS_OF_POSTGRES:
            raise _BadColumnError("idx", f"{valid.shown(row.idx)} is not an integer of 32 bits")
        stored = WriteRow(
            checkpoint_ns=stored_namespace(namespace),
            checkpoint_id=checkpoint_id,
            task_id=_identifier(row.task_id, "task_id"),
            idx=row.idx,
            task_path=_text(row.task_path, "task_path"),
            channel=_identifier(row.channel, "channel"),
            type=_text(row.type, "type"),
            content=_content(row.content, "content"),
            created_at=self._times.get((namespace, checkpoint_id)),
        )
        yield Item("writes", stored)

    def _checkpoint(self, row: SourceCheckpoint) -> Iterator[Item]:
        namespace = _namespace(row.checkpoint_ns)
        checkpoint_id = _identifier(row.checkpoint_id, "checkpoint_id")
        parent = (
            _identifier(row.parent_checkpoint_id, "parent_checkpoint_id")
            if row.parent_checkpoint_id
            else None
        )
        metadata = _metadata(row.metadata)
        new_values: list[Item] = []
        parts = self._parts(row, parent)
        if parts is None:
            # Encrypted, or serialised in a way that only the application knows.
            kind, content = _text(row.type, "type"), _content(row.checkpoint, "checkpoint")
            if stored_namespace(namespace) != namespace:
                raise _BadColumnError(
                    "checkpoint_ns", "is too long for a checkpoint that can't be read here"
                )
            versions: dict[str, str] = {}
            written = utc_now()
        else:
            own = {
                channel: value
                for channel, value in parts.values.items()
                if not self._is_shared(parts, namespace, channel, value, new_values)
            }
            without = self._without_values(parts, namespace)
            kind, content = parts.encoding, parts.joined(own, without, namespace)
            left = {*own, *without}
            versions = {name: v for name, v in parts.versions.items() if name not in left}
            valid.document(versions, "checkpoint.channel_versions")
            written = parts.written
        run_id = metadata.get("run_id")
        stored = CheckpointRow(
            checkpoint_ns=stored_namespace(namespace),
            checkpoint_id=checkpoint_id,
            parent_checkpoint_id=parent,
            run_id=None if run_id is None else valid.text(str(run_id), "metadata.run_id"),
            channel_versions=versions,
            metadata=metadata,
            type=kind,
            content=content,
            created_at=written,
        )
        self._times[namespace, checkpoint_id] = written
        for item in new_values:
            # Only now, as the checkpoint itself might have been rejected.
            if isinstance(item.row, ValueRow):
                given = (namespace, item.row.channel, item.row.version)
                self._given[given] = _digest(item.row.type, item.row.content)
        yield from new_values
        yield Item("checkpoints", stored)

    def _parts(self, row: SourceCheckpoint, parent: str | None) -> _Parts | None:
        """Take a checkpoint apart; None for one whose type is not known here."""
        if row.is_document:
            document = dict(_object(row.checkpoint, "checkpoint"))
            sends = self._sends(document, parent)
            parts = _parts_of_document(document, row.stored)
            if sends is not None:
                if parts.encoding != "msgpack":
                    raise _BadColumnError(
                        "checkpoint", "it has integers of more than 64 bits beside sends"
                    )
                parts.values[TASKS] = sends
            return parts
        kind, content = _text(row.type, "type"), _content(row.checkpoint, "checkpoint")
        return _parts_of_bytes(kind, content) if kind in _ENCODINGS else None

    def _is_shared(
        self, parts: _Parts, namespace: str, channel: str, value: bytes, new: list[Item]
    ) -> bool:
        """Tell whether a value is a row of its own, and make that row at its first occurrence.

        It is not where the channel has no version, or where another checkpoint has another value,
        or none, at the same version.
        """
        version = parts.versions.get(channel)
        if version is None or (parts.hides_none and value == _NONE[parts.encoding]):
            return False
        try:
            _identifier(channel, "channel")
            _identifier(version, "version")
        except BadValueError:
            return False
        given = self._given.get((namespace, channel, version))
        if given is not None:
            return given == _digest(parts.encoding, value)
        if (namespace, channel, version) in self._without:
            return False
        row = ValueRow(stored_namespace(namespace), channel, version, parts.encoding, value)
        new.append(Item("values", row, source_rows=0))
        return True

    @cached_property
    def _all_sends(self) -> dict[str, list[tuple[Any, Any]]]:
        """What was sent to tasks after each checkpoint of the thread, as type and content."""
        found: dict[str, list[tuple[Any, Any]]] = {}
        for checkpoint_id, kind, content in self._source.sends(self._thread):
            found.setdefault(checkpoint_id, []).append((kind, content))
        return found

    def _without_values(self, parts: _Parts, namespace: str) -> list[str]:
        """Return the channels without a value that another checkpoint has at the same version."""
        found = []
        for channel, version in parts.versions.items():
            if channel not in parts.values and channel not in parts.stored:
                place = (namespace, channel, version)
                if place in self._given:
                    found.append(channel)
                else:
                    self._without.add(place)
        return found

    def _sends(self, document: dict[str, Any], parent: str | None) -> bytes | None:
        """Return what the saver shows as the channel of tasks: it makes it of the parent's writes.

        The channel gets its version in ``document``, as the saver gives it one.
        """
        number = document.get("v")
        is_earlier = isinstance(number, int | float) and number < VERSION_WITHOUT_SENDS
        sends = self._all_sends.get(parent, []) if is_earlier and parent else []
        if not sends:
            return None
        if any(kind not in ("msgpack", "null") for kind, _ in sends):
            raise _BadColumnError(
                "checkpoint",
                "it is of a version before 4, and what was sent to its tasks is serialised in a "
                "way that can't be put together here",
            )
        versions = dict(_object(document.get("channel_versions"), "channel_versions"))
        if not versions:
            raise _BadColumnError("checkpoint", "it is of a version before 4 and has no channel")
        document["channel_versions"] = versions | {TASKS: max(versions.values())}
        return packed(b"\xc0" if kind == "null" else bytes(content) for kind, content in sends)


class _BadColumnError(BadValueError):
    """A value that can't be moved, and its column."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


Encoding: TypeAlias = Literal["msgpack", "json"]
_ENCODINGS = ("msgpack", "json")
_NONE: dict[Encoding, bytes] = {"msgpack": b"\xc0", "json": b"null"}


@dataclass(slots=True)
class _Parts:
    """A checkpoint taken apart: its values by channel and its other entries, each serialised.

    ``stored`` are the channels whose value is a row of its own in the source, too. ``hides_none``:
    the saver takes a None in the checkpoint for no value of the channel's history.
    """

    encoding: Encoding
    values: dict[str, bytes]
    rest: dict[str, bytes]
    versions: dict[str, str]
    written: datetime
    hides_none: bool = False
    stored: frozenset[str] = frozenset()

    def joined(self, own: dict[str, bytes], without: list[str], namespace: str) -> bytes:
        """Return the checkpoint without its values, but for ``own``; ``without`` have none."""
        join, dump = _JOIN[self.encoding], _DUMP[self.encoding]
        rest = dict(self.rest)
        if own:
            rest["channel_values"] = join(own)
        if without:
            rest[WITHOUT_VALUES] = dump(without)
        if stored_namespace(namespace) != namespace:
            rest[WHOLE_NAMESPACE] = dump(namespace)
        return join(rest)


def _parts_of_document(document: dict[str, Any], stored: tuple[str, ...]) -> _Parts:
    # What stands in the place of a value that is a row of its own is a mark.
    values = {
        name: value
        for name, value in _object(document.pop("channel_values", None), "channel_values").items()
        if name not in stored
    }
    encoding: Encoding = "msgpack"
    try:
        _DUMP[encoding]([document, values])
    except (TypeError, ValueError):
        # Integers of more than 64 bits.
        encoding = "json"
    dump = _DUMP[encoding]
    return _Parts(
        encoding,
        {name: dump(value) for name, value in values.items()},
        {name: dump(value) for name, value in document.items()},
        _versions(document.get("channel_versions")),
        _time(document.get("ts")),
        hides_none=True,
        stored=frozenset(stored),
    )


def _parts_of_bytes(kind: str, content: bytes) -> _Parts:
    encoding: Encoding = "msgpack" if kind == "msgpack" else "json"
    split, load = _SPLIT[encoding], _LOAD[encoding]
    try:
        rest = split(content)
        values = rest.pop("channel_values", _NONE[encoding])
        return _Parts(
            encoding,
            {} if values == _NONE[encoding] else split(values),
            rest,
            _versions(load(rest.get("channel_versions", _NONE[encoding]))),
            _time(load(rest.get("ts", _NONE[encoding]))),
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise _BadColumnError("checkpoint", f"it can't be taken apart: {error}") from None


def _dump_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _split_json(content: bytes) -> dict[str, bytes]:
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("it is not an object")
    return {name: _dump_json(value) for name, value in document.items()}


def _join_json(parts: dict[str, bytes]) -> bytes:
    return b"{" + b", ".join(_dump_json(n) + b": " + value for n, value in parts.items()) + b"}"


_SPLIT: dict[Encoding, Callable[[bytes], dict[str, bytes]]] = {
    "msgpack": split_map,
    "json": _split_json,
}
_JOIN: dict[Encoding, Callable[[dict[str, bytes]], bytes]] = {
    "msgpack": join_map,
    "json": _join_json,
}
_LOAD: dict[Encoding, Callable[[bytes], Any]] = {"msgpack": ormsgpack.unpackb, "json": json.loads}
_DUMP: dict[Encoding, Callable[[Any], bytes]] = {"msgpack": ormsgpack.packb, "json": _dump_json}

_KEYS: dict[TableName, tuple[str, ...]] = {
    "checkpoints": ("thread_id", "checkpoint_ns", "checkpoint_id"),
    "values": ("thread_id", "checkpoint_ns", "channel", "version"),
    "writes": ("thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx"),
}


def _digest(kind: str, content: bytes) -> bytes:
    return hashlib.blake2b(kind.encode() + b"\0" + content, digest_size=16).digest()


def _text(value: Any, column: str) -> str:
    if isinstance(value, DamagedText):
        raise _BadColumnError(column, f"{valid.shown(bytes(value))} is not text in UTF-8")
    try:
        return valid.text(value, column)
    except InvalidInputError as error:
        raise _BadColumnError(column, str(error)) from None


def _identifier(value: Any, column: str) -> str:
    text = _text(value, column)
    if not text:
        raise _BadColumnError(column, "is empty")
    if len(text.encode()) > LONGEST_ID:
        raise _BadColumnError(column, f"is longer than {LONGEST_ID} bytes in UTF-8")
    return text


def _namespace(value: Any) -> str:
    text = _text(value, "checkpoint_ns")
    if text.startswith(DIGEST_PREFIX) or len(text.encode()) > LONGEST_NAMESPACE:
        raise _BadColumnError("checkpoint_ns", f"starts with {DIGEST_PREFIX!r}, or is too long")
    return text


def _content(value: Any, column: str) -> bytes:
    if isinstance(value, str):
        # As the saver of a file reads it.
        return value.encode()
    if not isinstance(value, bytes | memoryview):
        raise _BadColumnError(column, f"it is {type(value).__name__}, not bytes")
    return bytes(value)


def _metadata(value: Any) -> dict[str, Any]:
    document = value
    if isinstance(value, bytes | str):
        try:
            document = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise _BadColumnError("metadata", f"it is not JSON: {error}") from None
    metadata = dict(_object(document, "metadata"))
    valid.document(metadata, "metadata")
    ordered: dict[str, Any] = sorted_document(metadata)
    return ordered


def _object(value: Any, column: str) -> Mapping[str, Any]:
    if value is None and column != "checkpoint":
        return {}
    if not isinstance(value, dict):
        raise _BadColumnError(column, f"it is {type(value).__name__}, not an object")
    return value


def _versions(value: Any) -> dict[str, str]:
    return {name: str(one) for name, one in _object(value, "channel_versions").items()}


def _time(value: Any) -> datetime:
    """Return when a checkpoint says that it was made; the present time if it does not."""
    try:
        found = datetime.fromisoformat(value)
        return valid.timestamp(found if found.tzinfo else found.replace(tzinfo=UTC), "ts")
    except (TypeError, ValueError, InvalidInputError):
        return utc_now()

"""Snapshots of the continuum memory: what an export holds, and how one is read and merged.

A snapshot is a dictionary that JSON can hold. Version 4 is ours: every field of
:class:`~aragora_sql.stores.continuum.records.ContinuumEntry` and the vector. Version 3 is that of
the older system, whose entries lack some fields and whose times have no zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Literal, get_args

from aragora_sql.database.values import dump_json
from aragora_sql.errors import InvalidInputError, TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.continuum.records import (
    ContinuumEntry,
    checked_references,
    content_terms,
)
from aragora_sql.stores.continuum.tiers import ContinuumParameters, checked_tier
from aragora_sql.stores.documents import mapping, member
from aragora_sql.stores.records import record_of
from aragora_sql.stores.vectors import unit_vector

if TYPE_CHECKING:
    from aragora_sql.queries.typed.continuum import PutEntriesParameters

__all__ = [
    "MERGE_MODES",
    "SNAPSHOT_VERSION",
    "MergeMode",
    "SnapshotEntry",
    "entry_row",
    "merged",
    "snapshot_entries",
    "snapshot_parameters",
]

SNAPSHOT_VERSION = 4
READABLE_VERSIONS = (3, SNAPSHOT_VERSION)
MergeMode = Literal["replace", "keep", "merge"]
MERGE_MODES: tuple[MergeMode, ...] = get_args(MergeMode)

SnapshotEntry = tuple[ContinuumEntry, list[float] | None]


def snapshot_entries(
    snapshot: object, tenant_id: str | None, source_timezone: tzinfo | None, now: datetime
) -> list[SnapshotEntry]:
    """Check a snapshot and return its entries, each with its vector."""
    document = mapping(snapshot, "snapshot")
    version = document.get("version")
    if isinstance(version, bool) or version not in READABLE_VERSIONS:
        raise InvalidInputError(
            "snapshot.version",
            f"must be one of {', '.join(map(str, READABLE_VERSIONS))}, not {valid.shown(version)}",
        )
    entries: dict[str, SnapshotEntry] = {}
    listed = member(document, "entries", "snapshot.entries")
    for number, given in enumerate(valid.items(listed, "snapshot.entries")):
        path = f"snapshot.entries[{number}]"
        entry = _read(mapping(given, path), path, source_timezone, now)
        if tenant_id is not None and entry[0].tenant_id != tenant_id:
            raise TenantMismatchError(entry[0].id, f"{path}.tenant_id")
        if entry[0].id in entries:
            raise InvalidInputError(f"{path}.id", f"{entry[0].id!r} is there twice")
        entries[entry[0].id] = entry
    return list(entries.values())


def snapshot_parameters(snapshot: Mapping[str, Any]) -> ContinuumParameters:
    """Return the parameters that a snapshot of version 4 holds."""
    if snapshot["version"] != SNAPSHOT_VERSION:
        raise InvalidInputError(
            "restore_hyperparams", "parameters can be restored from version 4 only"
        )
    given = mapping(member(snapshot, "hyperparams", "snapshot.hyperparams"), "snapshot.hyperparams")
    try:
        return ContinuumParameters(**given)
    except TypeError as error:
        raise InvalidInputError("snapshot.hyperparams", str(error)) from error


def _read(given: Mapping[str, Any], path: str, zone: tzinfo | None, now: datetime) -> SnapshotEntry:
    def timestamp(name: str) -> datetime | None:
        value = given.get(name)
        if isinstance(value, str):
            # what is no time stays as it is, and the check below refuses it
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if isinstance(value, datetime) and value.tzinfo is None and zone is not None:
            value = value.replace(tzinfo=zone)
        return valid.optional(value, f"{path}.{name}", valid.timestamp_or_text)

    def count(name: str, otherwise: int) -> int:
        return valid.integer(given.get(name, otherwise), f"{path}.{name}")

    def score(name: str, otherwise: float) -> float:
        return valid.fraction(given.get(name, otherwise), f"{path}.{name}")

    metadata = given.get("metadata")
    if metadata is not None:
        dump_json(dict(mapping(metadata, f"{path}.metadata")), f"{path}.metadata")
    tenant = given.get("tenant_id")
    if tenant is None and metadata:
        # where the older system kept it
        tenant = metadata.get("tenant_id")
    entry = ContinuumEntry(
        id=valid.key(member(given, "id", f"{path}.id"), f"{path}.id"),
        tenant_id=valid.optional(tenant, f"{path}.tenant_id", valid.key),
        tier=checked_tier(member(given, "tier", f"{path}.tier"), f"{path}.tier"),
        content=valid.text(member(given, "content", f"{path}.content"), f"{path}.content"),
        importance=score("importance", 0.5),
        surprise_score=score("surprise_score", 0.0),
        consolidation_score=score("consolidation_score", 0.0),
        update_count=count("update_count", 1),
        success_count=count("success_count", 0),
        failure_count=count("failure_count", 0),
        red_line=valid.boolean(given.get("red_line", False), f"{path}.red_line"),
        red_line_reason=valid.text(given.get("red_line_reason", ""), f"{path}.red_line_reason"),
        cross_references=checked_references(
            given.get("cross_references", ()), f"{path}.cross_references"
        ),
        metadata=dict(metadata or {}),
        last_promotion_at=timestamp("last_promotion_at"),
        last_move_at=timestamp("last_move_at"),
        last_prewarmed_at=timestamp("last_prewarmed_at"),
        expires_at=timestamp("expires_at"),
        created_at=timestamp("created_at") or now,
        updated_at=timestamp("updated_at") or now,
    )
    return entry, valid.optional(given.get("vector"), f"{path}.vector", unit_vector)


def merged(stored: ContinuumEntry, given: ContinuumEntry) -> ContinuumEntry:
    """Return one entry of two: the later one, with the larger scores and counters of both."""
    newer = given if given.updated_at > stored.updated_at else stored
    references = dict.fromkeys([*stored.cross_references, *given.cross_references])
    values: dict[str, Any] = {
        **_fields(newer),
        "tenant_id": stored.tenant_id,
        "cross_references": list(references),
        "created_at": min(stored.created_at, given.created_at),
    }
    for name in ("importance", "surprise_score", "consolidation_score"):
        values[name] = max(getattr(stored, name), getattr(given, name))
    for name in ("update_count", "success_count", "failure_count"):
        values[name] = max(getattr(stored, name), getattr(given, name))
    for name in ("last_promotion_at", "last_move_at", "last_prewarmed_at"):
        times = [t for t in (getattr(stored, name), getattr(given, name)) if t is not None]
        values[name] = max(times, default=None)
    return record_of(ContinuumEntry, **values)


def _fields(record: ContinuumEntry) -> dict[str, Any]:
    return {one.name: record[one.name] for one in fields(record)}


def entry_row(entry: ContinuumEntry) -> PutEntriesParameters:
    """Return the parameters that store a whole entry."""
    return {
        "id": entry.id,
        "tenant_id": entry.tenant_id,
        "tier": checked_tier(entry.tier),
        "content": entry.content,
        "content_terms": content_terms(entry.content),
        "importance": entry.importance,
        "surprise_score": entry.surprise_score,
        "consolidation_score": entry.consolidation_score,
        "update_count": entry.update_count,
        "success_count": entry.success_count,
        "failure_count": entry.failure_count,
        "red_line": entry.red_line,
        "red_line_reason": entry.red_line_reason,
        "metadata": dump_json(entry.metadata, "metadata"),
        "last_promotion_at": entry.last_promotion_at,
        "last_move_at": entry.last_move_at,
        "last_prewarmed_at": entry.last_prewarmed_at,
        "expires_at": entry.expires_at,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
    }

"""Proofs that an entry is among those of an anchor, checked without a database."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from aragora_sql.errors import AragoraSQLError, InvalidInputError
from aragora_sql.stores.audit.merkle import Sibling, root_of_path
from aragora_sql.stores.audit.records import InclusionProof

__all__ = ["verify_proof"]


def verify_proof(proof: InclusionProof | Mapping[str, Any], merkle_root: str | None = None) -> bool:
    """Tell whether a proof holds: the entry has its hash, and the path leads to the root.

    ``proof`` is one of :meth:`AuditStore.prove`, or its ``to_dict()``. ``merkle_root`` is the root
    that was kept outside of the database; without it that of the proof counts, which proves no more
    than that the proof agrees with itself. Needs no database.
    Raises :class:`~aragora_sql.errors.InvalidInputError` for what is no proof.
    """
    found = _proof(proof)
    try:
        path = [Sibling(_side(side), beside) for side, beside in found.path]
        root = root_of_path(found.tree_version, found.entry.entry_hash, path)
        own_hash = found.entry.compute_hash()
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InvalidInputError("proof", "must be what prove() returned") from error
    expected = found.merkle_root if merkle_root is None else merkle_root
    return _equal(own_hash, found.entry.entry_hash) and _equal(root, expected)


def _proof(value: InclusionProof | Mapping[str, Any]) -> InclusionProof:
    if isinstance(value, InclusionProof):
        return value
    try:
        return InclusionProof.from_dict(value)
    except (AragoraSQLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError("proof", "must be what prove() returned") from error


def _side(value: str) -> Any:
    if value not in ("left", "right"):
        raise ValueError(value)
    return value


def _equal(one: str, other: str) -> bool:
    if not isinstance(other, str):
        raise InvalidInputError("merkle_root", f"must be text, not {type(other).__name__}")
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogatepass"))

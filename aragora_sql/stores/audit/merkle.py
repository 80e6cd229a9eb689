"""Merkle trees over the hashes of a day, one leaf after the other, in memory of the tree's height.

Version 2 is that of RFC 6962: a leaf is SHA-256 of a byte 0 and the entry's hash (32 bytes), a node
of a byte 1 and its two children, and a tree whose leaves are no power of two is split at the
largest one below. Version 1 is the older system's: leaves are the hashes themselves, a node is the
hash of both hexadecimal texts, and the last leaf is repeated until the leaves are a power of two.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal, NamedTuple

from aragora_sql.stores.audit.hashing import GENESIS_HASH

__all__ = ["MerkleTree", "Sibling", "root_of_path"]

Side = Literal["left", "right"]


class Sibling(NamedTuple):
    """A node beside the way from a leaf to the root: on which side it is, and its hash."""

    side: Side
    hash: str


class _Node(NamedTuple):
    height: int
    hash: str
    holds_target: bool


class MerkleTree:
    """A tree that grows leaf by leaf; ``target`` is the place of the leaf to find the path of."""

    __slots__ = ("_last", "_nodes", "_target", "_version", "count", "path")

    def __init__(self, version: int, target: int | None = None) -> None:
        self._version = version
        self._target = target
        self._nodes: list[_Node] = []
        self._last = ""
        self.count = 0
        self.path: list[Sibling] = []

    def add(self, entry_hash: str) -> None:
        """Add the hash of the next entry."""
        self._last = _leaf(self._version, entry_hash)
        self._nodes.append(_Node(0, self._last, self.count == self._target))
        self.count += 1
        self._join_equals()

    def root(self) -> str:
        """Return the root, and end the tree; of no leaves it is 64 zeros."""
        if not self._nodes:
            return GENESIS_HASH
        if self._version == 1:
            self._repeat_last()
        while len(self._nodes) > 1:
            self._join()
        return self._nodes[0].hash

    def _repeat_last(self) -> None:
        height, repeated = 0, self._last
        while len(self._nodes) > 1:
            while height < self._nodes[-1].height:
                height, repeated = height + 1, _parent(1, repeated, repeated)
            self._nodes.append(_Node(height, repeated, holds_target=False))
            self._join_equals()

    def _join_equals(self) -> None:
        while len(self._nodes) > 1 and self._nodes[-1].height == self._nodes[-2].height:
            self._join()

    def _join(self) -> None:
        right, left = self._nodes.pop(), self._nodes.pop()
        if left.holds_target:
            self.path.append(Sibling("right", right.hash))
        elif right.holds_target:
            self.path.append(Sibling("left", left.hash))
        self._nodes.append(
            _Node(
                left.height + 1,
                _parent(self._version, left.hash, right.hash),
                left.holds_target or right.holds_target,
            )
        )


def root_of_path(version: int, entry_hash: str, path: list[Sibling]) -> str:
    """Return the root to which a path leads from an entry's hash.

    Raises :class:`ValueError` for what is no hash.
    """
    found = _leaf(version, entry_hash)
    for side, beside in path:
        pair = (beside, found) if side == "left" else (found, beside)
        found = _parent(version, *pair)
    return found


def _leaf(version: int, entry_hash: str) -> str:
    if version == 1:
        return entry_hash
    return sha256(b"\x00" + _bytes_of(entry_hash)).hexdigest()


def _parent(version: int, left: str, right: str) -> str:
    if version == 1:
        return sha256(f"{left}{right}".encode()).hexdigest()
    return sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def _bytes_of(entry_hash: str) -> bytes:
    try:
        return bytes.fromhex(entry_hash)
    except ValueError:
        # Somebody has changed it: the tree has another root than the anchor says.
        return entry_hash.encode("utf-8", "surrogatepass")

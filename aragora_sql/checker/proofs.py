"""What a tree carries of what its checks found right: ``proofs.txt``, a line for each proof.

A proof is the name of what was looked at and a fingerprint of all that the result depends on: the
texts, what made the rows, the versions of the engines. Where a fingerprint is the same, nothing can
come out otherwise, and a fresh checkout is spared the work. A proof says that nothing was found;
of what was found there is none. Those of this machine's own checks are in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aragora_sql.checker.kept import kept_root
from aragora_sql.engines import cache

__all__ = ["Proofs", "proofs_path"]

_SAVED_AS = "proofs.json"
_MOST_KEPT = 2000
_LENGTH = 12
_HEAD = "What was looked at and found right; made by aragora-sql check --update-proofs"


def proofs_path(root: Path) -> Path:
    """Return the file of a tree's proofs."""
    return kept_root(root) / "proofs.txt"


class Proofs:
    """The proofs of a tree and of earlier checks; none of them where ``believed`` is False."""

    def __init__(self, root: Path, *, believed: bool = True) -> None:
        self._root = root
        path = proofs_path(root)
        lines = path.read_text("utf-8", "replace").splitlines()[1:] if path.is_file() else []
        self._carried = {line for line in lines if line}
        self._known = self._carried.union(cache.load(_SAVED_AS) or ()) if believed else set()
        self._held: set[str] = set()

    def holds(self, name: str, depends_on: Iterable[str | bytes]) -> bool:
        """Tell whether this was looked at before, just as it is, and found right."""
        line = _line(name, depends_on)
        if line not in self._known:
            return False
        self._held.add(line)
        return True

    def add(self, name: str, depends_on: Iterable[str | bytes]) -> None:
        """Keep that this was looked at and found right."""
        self._held.add(_line(name, depends_on))

    @property
    def missing(self) -> int:
        """How many proofs of this check the tree does not carry."""
        return len(self._held - self._carried)

    def save(self) -> None:
        """Keep what is new for the next checks here."""
        new = sorted(self._held - self._known - self._carried)
        if new:
            # Another check may have proved something meanwhile.
            cache.change(
                _SAVED_AS,
                lambda others: [
                    *[line for line in others or () if line not in self._held],
                    *new,
                ][-_MOST_KEPT:],
            )

    def write(self) -> None:
        """Write the proofs of this check to the tree."""
        path = proofs_path(self._root)
        text = "\n".join([_HEAD, *sorted(self._held), ""])
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _line(name: str, depends_on: Iterable[str | bytes]) -> str:
    return f"{name} {cache.digest(depends_on)[:_LENGTH]}"

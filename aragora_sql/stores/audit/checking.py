"""Looks through the entries of a chain, page by page, for whatever does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aragora_sql.stores.audit.hashing import entry_hash
from aragora_sql.stores.audit.signing import SigningKeys

__all__ = ["ChainChecker", "Problems"]

MOST_ERRORS = 100


class Problems:
    """What is wrong with a chain: the first errors in words, and how many there are."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.count = 0
        self.first_sequence: int | None = None

    def add(self, sequence: int, text: str) -> None:
        """Add an error at an entry."""
        self.count += 1
        if self.first_sequence is None or sequence < self.first_sequence:
            self.first_sequence = sequence
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(text)


class ChainChecker:
    """Takes the rows of a chain in their order, and keeps what is wrong with them.

    ``next_sequence`` is the number that comes next, ``previous_hash`` the hash of the entry before
    it; None where that is not known, and the first link can't be compared.
    """

    def __init__(
        self, keys: SigningKeys, next_sequence: int = 1, previous_hash: str | None = None
    ) -> None:
        self.problems = Problems()
        self.checked = 0
        self.not_compared = 0
        self.next_sequence = next_sequence
        self.previous_hash = previous_hash
        self._keys = keys

    def check(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Look at the next rows."""
        add = self.problems.add
        expected, previous = self.next_sequence, self.previous_hash
        for row in rows:
            number, found = row["sequence_number"], row["entry_hash"]
            if number > expected:
                missing = (
                    f"entry {expected} is"
                    if number == expected + 1
                    else (f"entries {expected} to {number - 1} are")
                )
                add(expected, f"{missing} missing")
            elif number < expected:
                add(number, f"entry {number} is there more than once")
            if previous is not None and row["previous_hash"] != previous:
                add(number, f"entry {number} does not follow the entry before it")
            if entry_hash(row) != found:
                add(number, f"entry {number} was changed: its hash is another one")
            signature, key_id = row["signature"], row["signature_key_id"]
            if signature is not None:
                fits = self._keys.fits(found, signature, key_id)
                if fits is None:
                    self.not_compared += 1
                elif not fits:
                    add(number, f"entry {number} has a signature that no key has made")
            elif key_id is not None:
                add(number, f"entry {number} has lost its signature")
            expected, previous = number + 1, found
        self.checked += len(rows)
        self.next_sequence, self.previous_hash = expected, previous

    def warnings(self) -> list[str]:
        """Return what could not be looked at."""
        if not self.not_compared:
            return []
        return [f"{self.not_compared} signatures were not compared: their key is not here"]

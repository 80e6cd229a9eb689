"""Reads where the clauses of a statement are: enough of the grammar to make edits in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from aragora_sql.database import Dialect
from aragora_sql.queries.parameters import Token, scan

__all__ = ["Clause", "Statement"]

_OPERATOR = frozenset("+-*/<>=~!@#%^&|?")
_CLAUSES = {
    *("SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "WINDOW"),
    *("SET", "VALUES", "RETURNING", "PARTITION", "INTO", "UPDATE", "USING"),
    *("UNION", "INTERSECT", "EXCEPT"),
}
_JOINING = {"JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL"}
_STATEMENTS = {"SELECT", "INSERT", "UPDATE", "DELETE"}


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause: its word is at ``head``, what it says from ``start`` to before ``end``.

    All three count tokens. ``name`` is its word in capitals; ``TARGET`` and ``ARBITER`` are the
    columns and the WHERE of ON CONFLICT, ``CONFLICT`` reaches to the end of what is done about it.
    """

    name: str
    head: int
    start: int
    end: int


class Statement:
    """The tokens of a statement without comments, and its clauses at every depth.

    The signs of an operator are one token. ``closing`` is by the place of an opening parenthesis
    or of CASE that of its end.
    """

    def __init__(self, sql: str, dialect: Dialect) -> None:
        self.sql = sql
        self.dialect = dialect
        self.tokens = _joined(scan(sql, dialect))
        self.words = [token.text.upper() for token in self.tokens]
        self.closing = _closing(self.words)
        self.clauses = list(self._read(0, len(self.tokens), in_case=False))

    def text(self, start: int, end: int) -> str:
        """Return the SQL of the tokens from ``start`` to before ``end``."""
        return self.sql[self.tokens[start].start : self.tokens[end - 1].end] if start < end else ""

    def word(self, index: int) -> str:
        """Return a token in capitals; empty beside the statement."""
        return self.words[index] if 0 <= index < len(self.words) else ""

    def level(self, start: int, end: int) -> Iterator[int]:
        """Yield the places from ``start`` on that are in no inner parentheses or CASE.

        What opens one is among them.
        """
        index = start
        while index < end:
            yield index
            index = self.closing.get(index, index) + 1

    def split(self, start: int, end: int, at: Collection[str]) -> list[tuple[int, int]]:
        """Return the parts of a stretch between some words of its level."""
        parts, first = [], start
        for index in self.level(start, end):
            if self.words[index] in at:
                parts.append((first, index))
                first = index + 1
        return [*parts, (first, end)]

    def split_and(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of a stretch between its AND; that of BETWEEN is no such."""
        parts, first, between = [], start, False
        for index in self.level(start, end):
            word = self.words[index]
            if word == "BETWEEN":
                between = True
            elif word == "AND" and between:
                between = False
            elif word == "AND":
                parts.append((first, index))
                first = index + 1
        return [*parts, (first, end)]

    def _read(self, start: int, end: int, *, in_case: bool) -> Iterator[Clause]:
        name, head = "", start
        conflict: int | None = None
        # extract(epoch FROM …) is none
        is_statement = any(self.words[i] in _STATEMENTS for i in self.level(start, end))
        for index in self.level(start, end):
            if index in self.closing:
                is_case = self.words[index] == "CASE"
                yield from self._read(index + 1, self.closing[index], in_case=is_case)
            word = self.words[index]
            opened = self._opened(index, name, in_case=in_case, is_statement=is_statement)
            if not opened:
                continue
            if name:
                yield self._clause(name, head, index)
            if opened == "CONFLICT":
                conflict = index
            elif word == "RETURNING" and conflict is not None:
                yield Clause("CONFLICT", conflict, conflict + 2, index)
                conflict = None
            if opened == "WHERE" and name == "TARGET":
                opened = "ARBITER"
            name, head = "TARGET" if opened == "CONFLICT" else opened, index
        if name:
            yield self._clause(name, head, end)
        if conflict is not None:
            yield Clause("CONFLICT", conflict, conflict + 2, end)

    def _clause(self, name: str, head: int, end: int) -> Clause:
        start = head + (2 if self.word(head + 1) == "BY" or name == "TARGET" else 1)
        return Clause(name, head, start, end)

    def _opened(self, index: int, name: str, *, in_case: bool, is_statement: bool) -> str:
        """Return the name of the clause that a word opens; empty when it opens none."""
        word, before, after = self.words[index], self.word(index - 1), self.word(index + 1)
        if self.tokens[index].kind != "word":
            return ""
        if in_case:
            return word if word in {"WHEN", "THEN", "ELSE"} else ""
        if word == "ON":
            if after == "CONFLICT":
                return "CONFLICT"
            return "ON" if name in {"FROM", "ON", "USING"} else ""
        if word == "DO" and name in {"TARGET", "ARBITER"}:
            return "DO"
        if word == "FROM":
            return "FROM" if is_statement and before != "DISTINCT" else ""
        if word in _JOINING and name == "ON" and after != "(":
            return "FROM"
        if word == "FOR":
            return "FOR" if after in {"UPDATE", "SHARE", "NO", "KEY"} else ""
        if name == "FOR" and word == "UPDATE":
            return ""
        if word in {"ROWS", "RANGE"} and name == "ORDER":
            return "FRAME"
        return word if word in _CLAUSES else ""


def _joined(tokens: Iterator[Token]) -> list[Token]:
    joined: list[Token] = []
    for token in tokens:
        if token.kind == "comment":
            continue
        last = joined[-1] if joined else None
        if (
            last is not None
            and token.text in _OPERATOR
            and last.end == token.start
            and set(last.text) <= _OPERATOR
        ):
            joined[-1] = Token("symbol", last.text + token.text, last.start)
        else:
            joined.append(token)
    return joined


def _closing(words: Sequence[str]) -> dict[int, int]:
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, word in enumerate(words):
        if word in {"(", "CASE"}:
            opened.append(index)
        elif opened and word == (")" if words[opened[-1]] == "(" else "END"):
            found[opened.pop()] = index
    return found

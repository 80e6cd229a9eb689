"""The small edits that a hurried hand makes in a query, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.checker.mutating.columns import ColumnEdits
from aragora_sql.checker.mutating.conditions import Condition, conditions
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.facts import QueryFacts

__all__ = ["Edit", "deciding_edits", "edits_of", "forced"]

Texts = Callable[[str], str]
"""What another literal is for a text."""

_OPPOSITES: Mapping[str, tuple[str, ...]] = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "=": ("<>",),
    "<>": ("=",),
    "!=": ("=",),
}
_OTHERS = {
    "MIN": "max",
    "MAX": "min",
    "LEAST": "greatest",
    "GREATEST": "least",
    "BOOL_AND": "bool_or",
    "BOOL_OR": "bool_and",
}
_FLIPPED = {"TRUE": "FALSE", "FALSE": "TRUE", "UNION ALL": "UNION", "+": "-", "-": "+"}
_FLIPPED |= {"*": "/", "/": "*"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_COMPARED = {"IN", "LIKE", "BETWEEN", "ILIKE", "SIMILAR", "GLOB", "EXISTS"}
_VALUE_ENDS = {")", "]", "END"}


@dataclass(frozen=True, slots=True)
class Edit:
    """The text from offset ``start`` to before ``end`` of a query, replaced by ``after``.

    ``kind`` says in a word what was edited.
    """

    kind: str
    start: int
    end: int
    after: str

    def of(self, sql: str) -> str:
        """Return the edited SQL."""
        return f"{sql[: self.start]}{self.after}{sql[self.end :]}"


def edits_of(query: QueryFacts, catalog: Catalog, other_text: Texts) -> list[Edit]:
    """Return the edits of a query, in the order of its text, each with another result."""
    statement = Statement(query.sql, query.dialect)
    made = [
        *_of_tokens(statement, other_text),
        *_of_clauses(statement),
        *_of_conditions(statement),
        *_of_calls(statement),
        *ColumnEdits(statement, query, catalog).edits(Edit),
    ]
    made.sort(key=lambda edit: (edit.start, edit.end, edit.kind, edit.after))
    unique = {edit.of(query.sql): edit for edit in reversed(made)}
    unique.pop(query.sql, None)
    return list(reversed(unique.values()))


def deciding_edits(
    query: QueryFacts, catalog: Catalog, *, with_all_signs: bool = False
) -> Iterator[str]:
    """Yield the SQL of the edits of a query that tell which calls show much.

    They are all of them, and each condition always true and always false; ``with_all_signs`` also
    each comparison as any other one.
    """
    statement = Statement(query.sql, query.dialect)
    made = [
        *(edit for condition in conditions(statement) for edit in forced(statement, condition)),
        *edits_of(query, catalog, _other),
        *(_of_signs(statement) if with_all_signs else ()),
    ]
    unique = dict.fromkeys(edit.of(query.sql) for edit in made)
    unique.pop(query.sql, None)
    yield from unique


def _of_signs(statement: Statement) -> Iterator[Edit]:
    targets = _set_signs(statement)
    for index, token in enumerate(statement.tokens):
        if token.text in _OPPOSITES and token.kind == "symbol" and index not in targets:
            for other in ("<", "<=", "=", ">=", ">"):
                yield _edit(statement, "comparison", index, index + 1, other)


def _other(literal: str) -> str:
    return f"{literal[:-1]}x'"


def forced(statement: Statement, condition: Condition) -> tuple[Edit, Edit]:
    """Return the edits that make a condition always true, and always false."""
    start, end = _span(statement, condition.start, condition.end)
    true, false = (Edit("condition", start, end, word) for word in ("TRUE", "FALSE"))
    return true, false


def _span(statement: Statement, start: int, end: int) -> tuple[int, int]:
    return statement.tokens[start].start, statement.tokens[end - 1].end


def _edit(statement: Statement, kind: str, start: int, end: int, after: str) -> Edit:
    """Return the edit of some tokens; one that takes them away takes the space before them too."""
    first, last = _span(statement, start, end)
    if not after and start:
        first = statement.tokens[start - 1].end
    return Edit(kind, first, last, after)


def _of_tokens(statement: Statement, other_text: Texts) -> Iterator[Edit]:
    set_targets = _set_signs(statement)
    types = _in_types(statement)
    for index, token in enumerate(statement.tokens):
        word, before, after = (
            statement.words[index],
            statement.word(index - 1),
            statement.word(index + 1),
        )

        def edit(kind: str, text: str, to: int = 1, at: int = index) -> Edit:
            return _edit(statement, kind, at, at + to, text)

        if word in _OPPOSITES and token.kind == "symbol" and index not in set_targets:
            for other in _OPPOSITES[word]:
                yield edit("comparison", other)
        elif word in {"+", "-", "*", "/"} and _is_binary(statement, index):
            yield edit("arithmetic", _FLIPPED[word])
        elif token.kind == "string" and before not in {"INTERVAL", "COLLATE"}:
            yield edit("literal", other_text(token.text))
        elif _NUMBER.fullmatch(word) and token.kind == "word" and index not in types:
            if not (before == "SELECT" and statement.word(index - 3) == "EXISTS"):
                for number in _beside(word):
                    yield edit("literal", number)
        elif token.kind != "word":
            continue
        elif word in {"TRUE", "FALSE"}:
            yield edit("literal", _FLIPPED[word])
        elif (word == "IS" and after == "NOT" and statement.word(index + 2) != "DISTINCT") or (
            word == "IS" and after == "NOT"
        ):
            yield edit("null test", "IS", 2)
        elif word == "IS":
            yield edit("null test", "IS NOT")
        elif word == "NOT" and before != "IS" and after not in {"NULL", "MATERIALIZED"}:
            yield edit("negation", "")
        elif word in _COMPARED and before != "NOT" and _is_test(statement, index):
            yield edit("negation", f"NOT {token.text}")
        elif word == "DISTINCT" and before in {"SELECT", "("}:
            yield edit("distinct", "")
        elif word in {"ASC", "DESC"}:
            yield edit("order", "DESC" if word == "ASC" else "ASC")
        elif word in {"FIRST", "LAST"} and before == "NULLS":
            yield edit("nulls", "LAST" if word == "FIRST" else "FIRST")
        elif word == "UNION":
            text = "UNION" if after == "ALL" else "UNION ALL"
            yield edit("union", text, 2 if after == "ALL" else 1)
        elif word in {"INTERSECT", "EXCEPT"}:
            yield edit("union", "EXCEPT" if word == "INTERSECT" else "INTERSECT")
        elif word == "LEFT" and after in {"JOIN", "OUTER"}:
            length = 2 if after == "JOIN" else 3
            yield edit("join", "INNER JOIN", length)
        elif word == "INNER" and after == "JOIN":
            yield edit("join", "LEFT JOIN", 2)
        elif word == "JOIN" and before not in {"LEFT", "INNER", "OUTER", "CROSS", "RIGHT", "FULL"}:
            yield edit("join", "LEFT JOIN")


def _is_binary(statement: Statement, index: int) -> bool:
    """Tell whether a sign stands between two values."""
    before = statement.tokens[index - 1]
    if before.text in {"(", ","} or statement.word(index + 1) in {")", ","}:
        return False
    return (
        before.kind in {"identifier", "parameter", "string"}
        or before.text in _VALUE_ENDS
        or (before.kind == "word" and statement.words[index - 1] not in {"SELECT", "RETURNING"})
    )


def _is_test(statement: Statement, index: int) -> bool:
    """Tell whether a word is a test, and no name of a function or column."""
    if statement.words[index] == "EXISTS":
        return statement.word(index + 1) == "("
    return index > 0 and statement.tokens[index - 1].text not in {"(", ",", "."}


def _beside(number: str) -> Iterator[str]:
    """Yield the numbers beside one: just above and, of an integer, just below."""
    if "." in number:
        places = len(number.partition(".")[2])
        yield str(Decimal(number) + Decimal(1).scaleb(-places))
        return
    yield str(int(number) + 1)
    yield str(int(number) - 1)


def _set_signs(statement: Statement) -> set[int]:
    """Return the places of the signs that assign: those of SET, and of named arguments."""
    found = {index for index, word in enumerate(statement.words) if word in {"=>", ":="}}
    for clause in statement.clauses:
        if clause.name == "SET":
            for start, end in statement.split(clause.start, clause.end, {","}):
                found |= {
                    next((i for i in statement.level(start, end) if statement.words[i] == "="), -1)
                }
    return found


def _in_types(statement: Statement) -> set[int]:
    """Return the places of numbers that belong to the name of a type: ``numeric(10, 2)``."""
    found: set[int] = set()
    for opener, closer in statement.closing.items():
        if statement.word(opener - 2) == "::" or (
            statement.word(opener - 2) == "AS"
            and statement.word(opener) == "("
            and statement.word(opener - 1) in {"NUMERIC", "DECIMAL", "VARCHAR", "CHAR"}
        ):
            found |= set(range(opener, closer))
    return found


def _of_clauses(statement: Statement) -> Iterator[Edit]:
    for clause in statement.clauses:
        head, start, end = clause.head, clause.start, clause.end
        if clause.name == "ORDER":
            yield from _of_order(statement, head, start, end)
        elif clause.name in {"LIMIT", "OFFSET"}:
            yield _edit(statement, "limit", head, end, "")
            if statement.tokens[start].kind == "parameter":
                yield _edit(statement, "limit", start, end, f"{statement.text(start, end)} + 1")
        elif clause.name == "SET":
            parts = statement.split(start, end, {","})
            for number, (begin, stop) in enumerate(parts):
                if len(parts) == 1:
                    continue
                span = (begin, stop + 1) if number == 0 else (begin - 1, stop)
                yield _edit(statement, "set", *span, "")
        elif clause.name == "CONFLICT":
            yield from _of_conflict(statement, head, end)
        elif clause.name == "FOR":
            yield from _of_locks(statement, head, end)
        elif clause.name == "WHEN":
            yield from _of_branch(statement, head)
        elif clause.name in {"GROUP", "PARTITION"}:
            parts = statement.split(start, end, {","})
            for number, (begin, stop) in enumerate(parts):
                if len(parts) > 1:
                    span = (begin, stop + 1) if number == 0 else (begin - 1, stop)
                    yield _edit(statement, "group", *span, "")


def _of_order(statement: Statement, head: int, start: int, end: int) -> Iterator[Edit]:
    parts = statement.split(start, end, {","})
    for number, (begin, stop) in enumerate(parts):
        if begin >= stop:
            continue
        level = [statement.words[i] for i in statement.level(begin, stop)]
        if "ASC" not in level and "DESC" not in level:
            nulls = next((i for i in range(begin, stop) if statement.words[i] == "NULLS"), stop)
            kept = statement.text(begin, nulls)
            yield _edit(statement, "order", begin, nulls, f"{kept} DESC")
        if "NULLS" in level:
            nulls = begin + level.index("NULLS") if len(level) == stop - begin else stop - 2
            yield _edit(statement, "nulls", nulls, stop, "")
        if len(parts) == 1:
            yield _edit(statement, "order", head, end, "")
        else:
            span = (begin, stop + 1) if number == 0 else (begin - 1, stop)
            yield _edit(statement, "order", *span, "")


def _of_conflict(statement: Statement, head: int, end: int) -> Iterator[Edit]:
    do = next(i for i in statement.level(head, end) if statement.words[i] == "DO")
    if statement.word(do + 1) == "NOTHING":
        yield _edit(statement, "conflict", head, end, "")
        into = next(
            (c for c in reversed(statement.clauses) if c.name == "INTO" and c.head < head), None
        )
        opened = None
        if into is not None:
            opened = next((i for i in range(into.start, into.end) if i in statement.closing), None)
        if opened is not None and do > head + 2:
            name = statement.text(statement.closing[opened] - 1, statement.closing[opened])
            after = f"DO UPDATE SET {name} = excluded.{name}"
            yield _edit(statement, "conflict", do, do + 2, after)
    else:
        yield _edit(statement, "conflict", do, end, "DO NOTHING")


def _of_locks(statement: Statement, head: int, end: int) -> Iterator[Edit]:
    yield _edit(statement, "lock", head, end, "")
    for index in range(head, end):
        word, after = statement.words[index], statement.word(index + 1)
        if (word, after) == ("SKIP", "LOCKED"):
            yield _edit(statement, "lock", index, index + 2, "")
        elif word == "NOWAIT":
            yield _edit(statement, "lock", index, index + 1, "")
        elif (word, after) == ("FOR", "UPDATE"):
            yield _edit(statement, "lock", index, index + 2, "FOR NO KEY UPDATE")
            yield _edit(statement, "lock", index, index + 2, "FOR SHARE")
        elif (word, after) == ("FOR", "SHARE"):
            yield _edit(statement, "lock", index, index + 2, "FOR KEY SHARE")


def _of_branch(statement: Statement, head: int) -> Iterator[Edit]:
    """Drop a branch of CASE that is not the only one."""
    opener = max(
        index
        for index, close in statement.closing.items()
        if statement.words[index] == "CASE" and index < head < close
    )
    end = statement.closing[opener]
    level = set(statement.level(opener + 1, end))
    branches = [index for index in level if statement.words[index] == "WHEN"]
    if len(branches) > 1:
        later = [i for i in level if i > head and statement.words[i] in {"WHEN", "ELSE"}]
        yield _edit(statement, "branch", head, min(later, default=end), "")


def _of_conditions(statement: Statement) -> Iterator[Edit]:
    for condition in conditions(statement):
        start, end = condition.start, condition.end
        if condition.joined and condition.first:
            yield _edit(statement, "condition", start, end + 1, "")
        elif condition.joined:
            yield _edit(statement, "condition", start - 1, end, "")
            other = "OR" if condition.joined == "AND" else "AND"
            yield _edit(statement, "connective", start - 1, start, other)
        elif condition.is_leaf and (start, end) == (condition.of.start, condition.of.end):
            if condition.of.name in {"WHERE", "HAVING"}:
                yield _edit(statement, "condition", condition.of.head, end, "")
            elif condition.of.name == "ON":
                yield _edit(statement, "condition", start, end, "TRUE")


def _of_calls(statement: Statement) -> Iterator[Edit]:
    for opener, closer in statement.closing.items():
        name = statement.word(opener - 1)
        if statement.words[opener] == "CASE" or statement.word(opener - 2) == ".":
            continue
        if name in _OTHERS:
            yield _edit(statement, "function", opener - 1, opener, _OTHERS[name])
        elif name in {"COALESCE", "IFNULL"}:
            parts = statement.split(opener + 1, closer, {","})
            if len(parts) == 2:
                kept = statement.text(*parts[0])
                yield _edit(statement, "default", opener - 1, closer + 1, kept)
            elif len(parts) > 2:
                yield _edit(statement, "default", parts[-1][0] - 1, closer, "")
        elif name == "COUNT" and statement.word(opener + 1) not in {"*", "DISTINCT"}:
            yield _edit(statement, "function", opener + 1, closer, "*")

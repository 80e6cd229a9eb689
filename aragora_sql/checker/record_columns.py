"""The rule ``record-columns``: a column list under ``-- columns: Job`` is the fields of ``Job``.

The comment is the line behind SELECT or RETURNING. It names a class of the store's ``records.py``,
which is read and never run. The list stays plain SQL: each item keeps its qualifier, alias or
expression, whatever the record's fields are, and ``aragora-sql columns --write`` puts the items in
the order of the fields.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import identifier
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import (
    DIALECTS,
    QueryText,
    query_folders,
    read_queries,
    read_sql,
)
from aragora_sql.queries.parameters import Token, scan

__all__ = [
    "ColumnList",
    "ListItem",
    "Records",
    "SelectList",
    "check_record_columns",
    "column_lists",
    "rewritten_files",
    "select_lists",
]

_RULE = "record-columns"
_COMMENT = re.compile(r"--\s*columns\s*:\s*(?P<record>.*?)\s*")
_LISTS = {"SELECT", "RETURNING", "DISTINCT"}
_ENDS = {"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR"}
_ENDS |= {"UNION", "INTERSECT", "EXCEPT"}
# What begins like the end of a list and is part of an expression.
_WITHIN = {("DISTINCT", "FROM"), ("WITHIN", "GROUP")}
_NO_FIELDS = ("ClassVar", "InitVar", "KW_ONLY")

Fields = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item of a list.

    ``text`` is its SQL, ``comments`` are the comments over it; ``name`` is that of the result,
    ``qualifier`` that of a plain column, with its dot.
    """

    text: str
    comments: tuple[str, ...]
    name: str | None
    qualifier: str
    is_column: bool


@dataclass(frozen=True, slots=True)
class ColumnList:
    """A list of columns under a ``-- columns:`` comment; offsets are of the query's SQL.

    ``is_result`` tells whether the list is the result of the whole query.
    """

    query: QueryText
    record: str
    place: int
    start: int
    end: int
    items: tuple[ListItem, ...]
    is_result: bool

    @property
    def names(self) -> tuple[str | None, ...]:
        """The names of the results; None for an expression without an alias."""
        return tuple(item.name for item in self.items)

    def written(self, fields: Fields) -> str:
        """Return the list with the items of these fields, in their order, each in its own line."""
        by_name = {item.name: item for item in self.items}
        qualifiers = Counter(item.qualifier for item in self.items if item.is_column)
        usual = qualifiers.most_common(1)[0][0] if qualifiers else ""
        line_break = "\r\n" if "\r\n" in self.query.sql else "\n"
        line_break += " " * (self.query.position(self.place)[1] - 1)
        columns = []
        for name in fields:
            item = by_name.get(name) or ListItem(f"{usual}{name}", (), name, usual, True)
            columns.append(line_break.join([*item.comments, item.text]))
        return f",{line_break}".join(columns)


def column_lists(query: QueryText, dialect: Dialect) -> Iterator[ColumnList | Finding]:
    """Find the lists of a query under a comment; a comment over anything else is a finding."""
    tokens = list(scan(query.sql, dialect))
    depth, before = 0, ""
    for index, token in enumerate(tokens):
        named = _COMMENT.fullmatch(token.text) if token.kind == "comment" else None
        if token.kind != "comment":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            before = token.text.upper()
        if named is None:
            continue
        if before not in _LISTS or not named["record"].isidentifier():
            message = (
                f"query {query.name!r}: '{token.text}' must name one record class in the line "
                "behind SELECT or RETURNING"
            )
            yield Finding(query.path, *query.position(token.start), _RULE, message)
            continue
        inner = _until_end(tokens[index + 1 :])
        if inner:
            yield ColumnList(
                query=query,
                record=named["record"],
                place=token.start,
                start=inner[0].start,
                end=inner[-1].end,
                items=tuple(_items(query.sql, inner)),
                is_result=depth == 0,
            )
    for line in query.doc.splitlines():
        if _COMMENT.fullmatch(f"-- {line}"):
            message = (
                f"query {query.name!r}: '-- {line}' belongs in the line behind SELECT or RETURNING"
            )
            yield Finding(query.path, query.line, 1, _RULE, message)


@dataclass(frozen=True, slots=True)
class SelectList:
    """A list behind SELECT or RETURNING without a ``-- columns:`` comment.

    ``end`` is the offset behind it in the query's SQL, ``indent`` what its last item stands behind.
    ``is_of_insert`` tells that an INSERT takes its rows from it.
    """

    items: tuple[ListItem, ...]
    end: int
    indent: str
    is_of_insert: bool


def select_lists(query: QueryText, dialect: Dialect) -> Iterator[SelectList]:
    """Find the lists of a query, at any depth, that are under no comment."""
    tokens = list(scan(query.sql, dialect))
    depth = 0
    # By depth: whether the statement there is an INSERT that no SELECT has followed yet.
    inserts: dict[int, bool] = {}
    for index, token in enumerate(tokens):
        if token.kind == "comment":
            continue
        word = token.text.upper()
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "(":
            inserts[depth] = False
        if token.kind == "word" and word == "INSERT":
            inserts[depth] = True
        if token.kind != "word" or word not in {"SELECT", "RETURNING"}:
            continue
        is_of_insert = word == "SELECT" and inserts.get(depth, False)
        behind = tokens[index + 1 :]
        if behind and behind[0].kind == "comment" and _COMMENT.fullmatch(behind[0].text):
            continue
        if behind and behind[0].text.upper() == "DISTINCT":
            behind = behind[1:]
        inner = _until_end(behind)
        if not inner:
            continue
        items = tuple(_items(query.sql, inner))
        last = query.sql.rfind("\n", 0, inner[-1].end) + 1
        line = query.sql[last:]
        indent = line[: len(line) - len(line.lstrip())]
        yield SelectList(items, inner[-1].end, indent, is_of_insert)


def _until_end(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens of the list that these begin with, without comments behind it."""
    depth, before = 0, ""
    found: list[Token] = []
    for token in tokens:
        word = token.text.upper()
        if token.kind != "comment":
            depth += {"(": 1, ")": -1}.get(word, 0)
            ends = token.kind == "word" and word in _ENDS and (before, word) not in _WITHIN
            # A column may be called so behind a qualifier.
            if depth < 0 or (depth == 0 and ends and before != "."):
                break
            before = word
        found.append(token)
    while found and found[-1].kind == "comment":
        found.pop()
    return found


def _items(sql: str, tokens: Sequence[Token]) -> Iterator[ListItem]:
    depth = 0
    part: list[Token] = []
    for token in (*tokens, Token("symbol", ",", 0)):
        if token.kind != "comment":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0 and token.kind != "comment":
            yield _item(sql, part)
            part = []
        else:
            part.append(token)


def _item(sql: str, part: Sequence[Token]) -> ListItem:
    words = [token for token in part if token.kind != "comment"]
    if not words:
        return ListItem("", (), None, "", False)
    first, last = words[0], words[-1]
    text = sql[first.start : last.end]
    comments = tuple(t.text.rstrip() for t in part if not first.start <= t.start <= last.start)
    if len(words) > 1 and words[-2].text.upper() == "AS":
        return ListItem(text, comments, identifier(last), "", False)
    if all(token.kind in {"word", "identifier"} or token.text == "." for token in words):
        return ListItem(text, comments, identifier(last), sql[first.start : last.start], True)
    return ListItem(text, comments, None, "", False)


class Records:
    """The record classes of the stores, read from the files ``<store>/records.py`` in folders."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._paths: dict[tuple[str, str], Path] = {}

    @cached_property
    def _classes(self) -> Mapping[tuple[str, str], ast.ClassDef]:
        found = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("records.py")):
                try:
                    module = ast.parse(path.read_bytes())
                except (OSError, SyntaxError, ValueError) as error:
                    raise QueryFileError(path, None, f"cannot be read: {error}") from error
                for node in module.body:
                    if isinstance(node, ast.ClassDef):
                        found[path.parent.name, node.name] = node
                        self._paths[path.parent.name, node.name] = path
        return found

    def names(self, store: str) -> list[str]:
        """Return the names of the classes in a store's records."""
        return [name for of, name in self._classes if of == store]

    def fields(self, store: str, name: str) -> Fields | None:
        """Return the fields of a record class in order, inherited ones first; None for no class."""
        node = self._classes.get((store, name))
        return None if node is None else tuple(self._fields(store, node, frozenset()))

    def bases(self, store: str, name: str) -> list[str]:
        """Return the names of the classes that a record class is based on."""
        node = self._classes.get((store, name))
        return [] if node is None else [ast.unparse(one).rpartition(".")[2] for one in node.bases]

    def path(self, store: str, name: str) -> Path:
        """Return the file of a record class, the last of those that define it."""
        self.fields(store, name)
        return self._paths[store, name]

    def required(self, store: str, name: str) -> Mapping[str, bool] | None:
        """Return the fields of a record class, and whether each has to be given."""
        node = self._classes.get((store, name))
        return None if node is None else self._fields(store, node, frozenset())

    def _fields(self, store: str, node: ast.ClassDef, seen: frozenset[str]) -> dict[str, bool]:
        fields: dict[str, bool] = {}
        for base in node.bases:
            name = ast.unparse(base).rpartition(".")[2]
            inherited = self._classes.get((store, name)) or next(
                (found for (_, of), found in self._classes.items() if of == name), None
            )
            if inherited is not None and name not in seen:
                fields |= self._fields(store, inherited, seen | {node.name})
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                kind = ast.unparse(part.annotation).rpartition(".")[2]
                if not kind.startswith(_NO_FIELDS):
                    fields[part.target.id] = part.value is None
        return fields


def check_record_columns(facts: Facts, report: Report, folders: Iterable[Path]) -> None:
    """Compare the lists of both dialects with the records, and the dialects with each other."""
    records = Records(folders)
    named: dict[tuple[str, str], dict[Dialect, set[str]]] = {}
    for (dialect, store, name), query in facts.texts.items():
        if query.operation == "#":
            continue
        of_query = named.setdefault((store, name), {}).setdefault(dialect, set())
        for found in column_lists(query, dialect):
            if isinstance(found, Finding):
                report.add(found)
                continue
            of_query.add(found.record)
            problem = _problem(found, store, records)
            if problem is not None:
                report.add(problem)
    for (store, name), sides in named.items():
        if len(sides) == len(DIALECTS) and sides["postgres"] != sides["sqlite"]:
            texts = [facts.texts[dialect, store, name] for dialect in DIALECTS]
            said = [", ".join(sorted(sides[dialect])) or "none" for dialect in DIALECTS]
            message = (
                f"query {name!r}: '-- columns:' names {said[0]} on PostgreSQL, {said[1]} on SQLite"
            )
            report.add(
                *(Finding(text.path, text.line, 1, _RULE, message) for text in texts),
                kind="parity",
                subject="record-columns",
                scopes=[Scope(text.path, name) for text in texts],
            )


def _problem(found: ColumnList, store: str, records: Records) -> Finding | None:
    query = found.query
    fields = records.fields(store, found.record)
    where = query.path, *query.position(found.place), _RULE
    if fields is None:
        known = records.names(store)
        near = get_close_matches(found.record, known, n=1) or known
        there = f"there is {', '.join(near)}" if near else "there are none"
        message = f"query {query.name!r}: {store}/records.py has no {found.record!r}; {there}"
        return Finding(*where, message)
    if found.names == fields:
        return None
    pairs = enumerate(zip_longest(found.names, fields), 1)
    place, (ours, wanted) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    if wanted is None:
        what = f"{found.record} has {len(fields)} fields, the list {len(found.names)} columns"
    elif place > len(found.names):
        what = f"field {wanted!r} of {found.record} is missing"
    else:
        said = "has no name" if ours is None else f"is {ours!r}"
        what = f"column {place} {said}, field {place} of {found.record} is {wanted!r}"
    return Finding(*where, f"query {query.name!r}: {what}; aragora-sql columns --write")


def rewritten_files(root: Path, folders: Iterable[Path]) -> dict[Path, str]:
    """Return the new texts of the files of queries whose lists are not as the records are.

    Raises :class:`~aragora_sql.errors.QueryFileError` for a comment that names no record class, and
    for a list with an item that has no name, which can't be put in order.
    """
    records = Records(folders)
    changed = {}
    for dialect in DIALECTS:
        for folder in query_folders(dialect, root):
            path = folder / "queries.sql"
            if not path.is_file():
                continue
            text = read_sql(path)
            new = _rewritten(path, text, dialect, records)
            if new != text:
                changed[path] = new
    return changed


def _rewritten(path: Path, text: str, dialect: Dialect, records: Records) -> str:
    store = path.parent.name
    edits = []
    for query in read_queries(path, dialect).values():
        line, column = query.start
        begin = sum(len(before) + 1 for before in text.split("\n")[: line - 1]) + column - 1
        for found in column_lists(query, dialect):
            if isinstance(found, Finding):
                raise QueryFileError(path, found.line, found.message)
            fields = records.fields(store, found.record)
            problem = _problem(found, store, records)
            if problem is None:
                continue
            if fields is None:
                raise QueryFileError(path, problem.line, problem.message)
            if None in found.names:
                place = found.names.index(None) + 1
                message = (
                    f"query {query.name!r}: column {place} under '-- columns:' has no name; "
                    "write AS …"
                )
                raise QueryFileError(path, problem.line, message)
            edits.append((begin + found.start, begin + found.end, found.written(fields)))
    # From the end, so that the offsets before stay right.
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text

"""What a schema file makes and where it says so: tables, columns, constraints, indexes.

The engines know what there is, not where it was written; names of constraints and the text of CHECK
rules are nowhere the same as in the files. This reads statements and their parts, no expressions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.database import Dialect
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import Directive, read_directive, read_sql
from aragora_sql.queries.parameters import SQLSyntaxError, Token, scan

__all__ = ["SchemaFile", "SchemaItem", "read_schema_file", "statements"]

_TABLE_RULES = {"CHECK", "FOREIGN", "PRIMARY", "UNIQUE"}
_NOISE = {"CREATE", "OR", "REPLACE", "TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL", "MATERIALIZED"}
_NOISE |= {"CONCURRENTLY", "IF", "NOT", "EXISTS", "UNLOGGED"}


@dataclass(frozen=True, slots=True)
class SchemaItem:
    """Something that a schema file makes.

    ``kind`` is table, view, index, trigger, function, column, check, unique, primary key or foreign
    key. ``name`` is its own, of a foreign key its columns with commas. ``constraint`` is the
    constraint's name, where it has one. ``tokens`` are its text without comments.
    """

    kind: str
    table: str
    name: str
    constraint: str | None
    line: int
    column: int
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """A schema file: what it makes, and the comments in it that speak to the checker."""

    store: str
    path: Path
    text: str
    items: tuple[SchemaItem, ...]
    directives: tuple[Directive, ...]


def read_schema_file(store: str, path: Path, dialect: Dialect) -> SchemaFile:
    """Read a schema file. Raises :class:`QueryFileError` naming the file and line."""
    text = read_sql(path)
    try:
        tokens = list(scan(text, dialect))
    except SQLSyntaxError as error:
        line = text.count("\n", 0, error.offset) + 1
        raise QueryFileError(path, line, str(error)) from error
    directives = [
        directive
        for token in tokens
        if token.kind == "comment" and (directive := read_directive(text, token)) is not None
    ]
    items = [item for statement in statements(tokens) for item in _items(text, statement)]
    return SchemaFile(store, path, text, tuple(items), tuple(directives))


def statements(tokens: list[Token]) -> Iterator[tuple[Token, ...]]:
    """Yield the statements of a script without comments and semicolons."""
    current: list[Token] = []
    for token in tokens:
        if token.kind == "comment":
            continue
        if token.text == ";":
            if current:
                yield tuple(current)
            current = []
        else:
            current.append(token)
    if current:
        yield tuple(current)


def _items(text: str, statement: tuple[Token, ...]) -> Iterator[SchemaItem]:
    words = [token.text.upper() for token in statement]
    if words[:2] == ["ALTER", "TABLE"] and "ADD" in words:
        yield from _added(text, statement, words)
    if words[0] != "CREATE":
        return
    at = next((i for i, word in enumerate(words) if word not in _NOISE), None)
    if at is None or words[at] not in {"TABLE", "VIEW", "INDEX", "TRIGGER", "FUNCTION"}:
        return
    named = next((i for i in range(at + 1, len(words)) if words[i] not in _NOISE), None)
    if named is None:
        return
    kind, name = words[at].lower(), identifier(statement[named])
    if kind == "index":
        on = words.index("ON", named) + 1 if "ON" in words[named:] else named
        yield _item(text, kind, identifier(statement[on]), name, None, statement)
        return
    yield _item(text, kind, name, name, None, statement)
    if kind == "table" and "VIRTUAL" not in words[:at]:
        for part in split(statement[named + 1 :]):
            yield from _part(text, name, part)


def _added(text: str, statement: tuple[Token, ...], words: list[str]) -> Iterator[SchemaItem]:
    """Yield the rule that an ALTER TABLE adds."""
    named = next((i for i in range(2, len(words)) if words[i] not in {"IF", "EXISTS", "ONLY"}), 2)
    rule = statement[words.index("ADD") + 1 :]
    if rule and rule[0].text.upper() in {"CONSTRAINT", *_TABLE_RULES}:
        yield from _part(text, identifier(statement[named]), rule)


def _part(text: str, table: str, part: tuple[Token, ...]) -> Iterator[SchemaItem]:
    constraint: str | None = None
    words = [token.text.upper() for token in part]
    if words[0] == "CONSTRAINT" and len(part) > 2:
        constraint, rule = identifier(part[1]), 2
    else:
        rule = 0
    if constraint is None and words[0] not in _TABLE_RULES:
        yield _item(text, "column", table, identifier(part[0]), None, part)
        yield from _checks_of_column(text, table, part)
        return
    kind = words[rule].lower()
    columns = ",".join(identifier(inner[0]) for inner in split(part[rule:]) if inner)
    if kind in {"primary", "foreign"}:
        kind += " key"
    name = columns if kind == "foreign key" else constraint or columns
    yield _item(text, kind, table, name, constraint, part)


def _checks_of_column(text: str, table: str, part: tuple[Token, ...]) -> Iterator[SchemaItem]:
    """Yield the rules that stand in a column, which an ALTER TABLE of SQLite can add only there."""
    depth = 0
    words = [token.text.upper() for token in part]
    for index, word in enumerate(words):
        if depth == 0 and word == "CHECK":
            name = identifier(part[index - 1]) if words[index - 2] == "CONSTRAINT" else None
            end = index + 2 + len(_inside(part[index + 1 :]))
            behind = 2 if words[end + 1 : end + 3] == ["NOT", "ENFORCED"] else 0
            start = index if name is None else index - 2
            tokens = part[start : end + 1 + behind]
            yield _item(text, "check", table, name or identifier(part[0]), name, tokens)
        depth += {"(": 1, ")": -1}.get(word, 0)


def _inside(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return what is within the parentheses that the first token opens."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return tokens[1:index]
    return tokens[1:]


def _item(
    text: str,
    kind: str,
    table: str,
    name: str,
    constraint: str | None,
    tokens: tuple[Token, ...],
) -> SchemaItem:
    start = tokens[0].start
    return SchemaItem(
        kind=kind,
        table=table,
        name=name,
        constraint=constraint,
        line=text.count("\n", 0, start) + 1,
        column=start - text.rfind("\n", 0, start),
        tokens=tokens,
    )


def identifier(token: Token) -> str:
    """Return the name that a token stands for."""
    if token.kind == "identifier":
        return token.text[1:-1].replace('""', '"')
    return token.text


def split(tokens: tuple[Token, ...]) -> Iterator[tuple[Token, ...]]:
    """Yield what is between the commas of the first parentheses."""
    depth = 0
    part: list[Token] = []
    for token in tokens:
        if token.text == ")":
            depth -= 1
            if depth == 0:
                break
        if token.text == "," and depth == 1:
            yield tuple(part)
            part = []
        elif depth:
            part.append(token)
        if token.text == "(":
            depth += 1
    if part:
        yield tuple(part)

"""Puts a column into the texts of a tree: schemas, upgrades, lists of queries, record classes.

Only texts are made; nothing is read or written but what is given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from aragora_sql.checker.column_types import NewColumn
from aragora_sql.checker.record_columns import ListItem, select_lists
from aragora_sql.database import Dialect
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import QueryText
from aragora_sql.queries.parameters import Token, scan

__all__ = [
    "extended_lists",
    "record_with_field",
    "schema_with_column",
    "upgrade_of_column",
]

_WIDTH = 100
_NO_COLUMN = {"CONSTRAINT", "CHECK", "FOREIGN", "PRIMARY", "UNIQUE", "EXCLUDE", "LIKE"}
# A list with as many of a table's columns is one of whole rows.
WHOLE = 0.8


def schema_with_column(text: str, dialect: Dialect, table: str, column: NewColumn) -> str:
    """Return a schema file with the column behind the others of its table, and its comment.

    SQLite's rule stands at the column: an upgrade can put it nowhere else, and both make one table.
    """
    rule = _rule(table, column, dialect).replace("\n", "\n    ")
    new = f",\n    {column.definition(dialect)}{rule}"
    edits = [(_end_of_columns(text, dialect, table), new)]
    if dialect == "postgres":
        edits.append((_end_of_comments(text, table), f"\n{_comment_of(table, column)}"))
    for place, more in sorted(edits, reverse=True):
        text = f"{text[:place]}{more}{text[place:]}"
    return text


def _rule(table: str, column: NewColumn, dialect: Dialect) -> str:
    """Return the rule behind a column, in lines of its own; empty for none."""
    rule = column.check(dialect)
    if rule is None:
        return ""
    name = f"{table}_{column.name}_check"
    line = f"CONSTRAINT {name} CHECK ({rule})"
    return f"\n{line}" if len(line) < _WIDTH - 5 else f"\nCONSTRAINT {name}\nCHECK ({rule})"


def _end_of_columns(text: str, dialect: Dialect, table: str) -> int:
    """Return where the last column in CREATE TABLE ends."""
    tokens = [token for token in scan(text, dialect) if token.kind != "comment"]
    start = next(
        (
            index + 1
            for index, token in enumerate(tokens)
            if token.text == "("
            and tokens[index - 1].text.strip('"') == table
            and "TABLE" in {one.text.upper() for one in tokens[max(0, index - 5) : index]}
        ),
        None,
    )
    if start is None:
        raise ConfigurationError(f"no CREATE TABLE {table} was found; add the column by hand")
    columns = [i for i in _items(tokens[start:]) if i[0].text.upper() not in _NO_COLUMN]
    return columns[-1][-1].end


def _items(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Split what is between parentheses at its commas, up to the closing one."""
    depth = 0
    item: list[Token] = []
    for token in tokens:
        if depth == 0 and token.text in {",", ")"}:
            yield item
            item = []
            if token.text == ")":
                return
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        item.append(token)


def _end_of_comments(text: str, table: str) -> int:
    """Return where the comments on a table and its columns end."""
    pattern = rf"^COMMENT ON (?:TABLE {table}|COLUMN {table}\.\w+) IS (?:'[^']*')+;"
    ends = [match.end() for match in re.finditer(pattern, text, re.MULTILINE)]
    if not ends:
        raise ConfigurationError(f"no COMMENT ON … {table} was found; add the column by hand")
    return ends[-1]


def _comment_of(table: str, column: NewColumn) -> str:
    said = column.comment.replace("'", "''")
    return f"COMMENT ON COLUMN {table}.{column.name} IS '{said}';"


def upgrade_of_column(dialect: Dialect, table: str, column: NewColumn) -> str:
    """Return the text of an upgrade file that adds the column."""
    statement = f"ALTER TABLE {table} ADD COLUMN {column.definition(dialect)}"
    if len(statement) >= _WIDTH:
        statement = f"ALTER TABLE {table}\nADD COLUMN {column.definition(dialect)}"
    statement += _rule(table, column, dialect)
    text = f"-- {column.comment}\n\n{statement};\n"
    return f"{text}{_comment_of(table, column)}\n" if dialect == "postgres" else text


def extended_lists(
    query: QueryText, dialect: Dialect, of_table: Iterable[str], column: NewColumn
) -> list[tuple[int, str]]:
    """Return what has to be put where in a query, so that its lists of whole rows have the column.

    A list of whole rows has most columns of the table, as plain columns. The one that an INSERT
    takes its rows from is left alone: it has to fit the columns that the INSERT names.
    """
    wanted = set(of_table)
    edits = []
    for found in select_lists(query, dialect):
        plain = [item for item in found.items if item.is_column and item.name in wanted]
        names = {item.name for item in found.items}
        if found.is_of_insert or column.name in names:
            continue
        if len(names & wanted) < WHOLE * len(wanted) or not plain:
            continue
        usual = _most_common(plain)
        edits.append((found.end, f",\n{found.indent}{usual}{column.name}"))
    return edits


def _most_common(items: Sequence[ListItem]) -> str:
    qualifiers = [item.qualifier for item in items]
    return max(dict.fromkeys(qualifiers), key=qualifiers.count)


def record_with_field(path: Path, text: str, name: str, column: NewColumn) -> str:
    """Return a module with the column as the last field of a record class."""
    tree = ast.parse(text)
    node = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name), None)
    fields = [part for part in (node.body if node else []) if isinstance(part, ast.AnnAssign)]
    if not fields:
        raise ConfigurationError(f"{path}: class {name} has no fields; add the column by hand")
    lines = text.splitlines(keepends=True)
    lines.insert(fields[-1].end_lineno or fields[-1].lineno, f"    {column.field}\n")
    module = {"datetime": "datetime", "Any": "typing"}.get(column.type.python)
    if module is None or _imports(tree, column.type.python):
        return "".join(lines)
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    before = [n for n in imports if isinstance(n, ast.Import) or (n.module or "") <= module]
    lines.insert(
        before[-1].end_lineno or 0 if before else 0,
        f"from {module} import {column.type.python}\n",
    )
    return "".join(lines)


def _imports(tree: ast.Module, name: str) -> bool:
    return any(
        (alias.asname or alias.name) == name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )

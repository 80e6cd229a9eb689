"""The constants that a mapping compares older values with: rows are made at these bounds.

Read from the text of the SELECT: on one side of a comparison stands a number or a text, on the
other a column or a member of a document, maybe within functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aragora_sql.queries.parameters import Token, scan

__all__ = ["compared_values"]

_COMPARISON = set("<>=!")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MEMBER = re.compile(r"'\$(?:\.\w+)*\.(?P<name>\w+)'")
# What an operand ends at, outside of its own parentheses.
_ENDS = {"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "WHERE", "ON", "SELECT", "END", ","}


def compared_values(sql: str) -> Mapping[str, tuple[Any, ...]]:
    """Return the numbers and texts that columns and members of documents are compared with."""
    tokens = [token for token in scan(sql, "sqlite") if token.kind != "comment"]
    found: dict[str, list[Any]] = {}
    for index, token in enumerate(tokens):
        values: list[Any] = []
        end = index
        if token.text.upper() == "IN" and tokens[index + 1 : index + 2]:
            values = _listed(tokens[index + 1 :])
            end = index - 1 if tokens[index - 1].text.upper() == "NOT" else index
        elif token.text in _COMPARISON and tokens[index - 1].text not in _COMPARISON:
            behind = index + 1
            while behind < len(tokens) and tokens[behind].text in _COMPARISON:
                behind += 1
            # An arrow of a document is no comparison.
            if tokens[index - 1].text != "-" and behind < len(tokens):
                values = _literal(tokens[behind])
        for name in _named(tokens[:end]) if values else ():
            known = found.setdefault(name, [])
            known += [value for value in values if value not in known]
    for index, token in enumerate(tokens[:-1]):
        # What is compared under another name.
        values = found.get(tokens[index + 1].text, []) if token.text.upper() == "AS" else []
        for name in _named(tokens[:index]) if values else ():
            known = found.setdefault(name, [])
            known += [value for value in values if value not in known]
    return {name: tuple(values) for name, values in found.items()}


def _listed(tokens: Sequence[Token]) -> list[Any]:
    """Return the constants of a list in parentheses."""
    if tokens[0].text != "(":
        return []
    values: list[Any] = []
    for token in tokens[1:]:
        if token.text == ")":
            break
        values += _literal(token)
    return values


def _literal(token: Token) -> list[Any]:
    if token.kind == "string":
        return [token.text[1:-1].replace("''", "'")]
    return [json.loads(token.text)] if _NUMBER.fullmatch(token.text) else []


def _named(tokens: Sequence[Token]) -> list[str]:
    """Return the names in the operand that ends here: of columns, and of members of documents."""
    names: list[str] = []
    depth = 0
    behind = ""
    for token in reversed(tokens):
        is_table = behind == "."
        behind = token.text
        depth += {")": 1, "(": -1}.get(token.text, 0)
        if depth < 0 or (depth == 0 and token.text.upper() in _ENDS):
            break
        member = _MEMBER.fullmatch(token.text)
        if member is not None:
            names.append(member["name"])
        elif (
            token.kind in {"word", "identifier"}
            and token.text.upper() not in _ENDS
            and not is_table
        ):
            names.append(token.text.strip('"'))
    return names

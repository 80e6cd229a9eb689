"""The tree that a server of PostgreSQL parses a query to, as it prints it for debugging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["Node", "parsed"]

_PIECE = re.compile(r"[{}()]|:\w+|\"(?:[^\"\\]|\\.)*\"|(?:[^\s{}()\"\\]|\\.)+")


@dataclass(slots=True)
class Node:
    """A node: its kind, and what its fields hold."""

    kind: str
    fields: dict[str, list[Value]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the text of a field; empty when it has none."""
        value = self.fields.get(name)
        return str(value[0]) if value and isinstance(value[0], str) else ""

    def nodes(self, name: str) -> list[Node]:
        """Return the nodes of a field."""
        return [value for value in self.fields.get(name, ()) if isinstance(value, Node)]

    def walk(self) -> Iterator[Node]:
        """Yield it and all nodes below it."""
        yield self
        for values in self.fields.values():
            for value in values:
                if isinstance(value, Node):
                    yield from value.walk()


Value = str | Node


# Two rules look at the trees of a query one after the other.
@lru_cache(maxsize=64)
def parsed(tree: str) -> Node:
    """Read a tree as the server prints it: ``{KIND :field value …}``; lists are flattened."""
    root = Node("ROOT")
    stack, names, name, opened = [root], list[str](), "", False
    for piece in _PIECE.findall(tree):
        if opened:
            node, opened = Node(piece), False
            stack[-1].fields.setdefault(name, []).append(node)
            names.append(name)
            stack.append(node)
        elif piece == "{":
            opened = True
        elif piece == "}":
            stack.pop()
            name = names.pop()
        elif piece.startswith(":"):
            name = piece[1:]
        elif piece not in "()":
            stack[-1].fields.setdefault(name, []).append(piece)
    return root

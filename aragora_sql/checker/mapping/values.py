"""Reads the ``-- values:`` lines of mappings: where the values of target columns come from.

``-- values: confidence = confidence, data.confidence, 0.5`` reads: the column, else that member of
the document in ``data``, else 0.5. A column without a line comes from the column of its name, and
its default is that of the target.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Condition", "Said", "Term", "read_said"]

_COMPUTED = re.compile(r"computed(?:\s+from\s+(?P<source>[A-Za-z_][\w.]*))?")
_LINE = re.compile(r"(?P<word>values|unpacks):\s*(?P<rest>.+)")
_FILLED = re.compile(r"(?P<column>\w+)\s+when\s+it\s+is\s+there")
_ZIPPED = re.compile(r"(?P<document>\w+)\s+zipped\s+when\s+(?P<flag>\w+)")
_ITEM = re.compile(r"(?P<target>\w+)\s*=\s*(?P<terms>.+)", re.DOTALL)
_TERM = re.compile(
    r"""
    (?:(?P<modifier>nonblank|nonzero|present)\s+)?
    (?:
        (?P<text>'(?:[^']|'')*') | (?P<number>-?\d+(?:\.\d+)?) | (?P<empty>\[\]|\{\})
      | (?P<function>\w+)\((?P<argument>[\w.]+)\)
      | (?P<source>[A-Za-z_][\w.]*)
    )
    (?:\s+when\s+(?P<column>\w+)\s+(?:is\s+(?P<among>\w+(?:\s+or\s+\w+)*)|(?P<positive>>\s*0)))?
    """,
    re.VERBOSE,
)

# One that is not in a text.
_COMMA = re.compile(r",\s*(?=(?:[^']*'[^']*')*[^']*$)")


@dataclass(frozen=True, slots=True)
class Condition:
    """That a column holds one of some texts or, without any, a number above 0."""

    column: str
    among: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One of the values that a target column takes the first of which is not NULL.

    ``source`` is the path from a column into its document. A ``literal`` stands for itself; with a
    ``function`` the value is what that makes of the source. ``parts`` are
    put together to one text. ``modifier``: ``nonblank`` and
    ``nonzero`` take '' and 0 for NULL, with ``present`` a member that is null is a value.
    """

    source: tuple[str, ...] = ()
    literal: Any = None
    function: str = ""
    modifier: str = ""
    condition: Condition | None = None
    parts: tuple[Term, ...] = ()

    @property
    def is_literal(self) -> bool:
        """Whether it does not depend on the row."""
        return not self.source and not self.parts


@dataclass(slots=True)
class Said:
    """What the comment of a mapping says about its values.

    ``terms`` are those of target columns, none of what is ``computed``; where the comment says so,
    ``made_of`` is what that is made of. ``unpacked`` is the path to
    the list each item of which gives a row; with ``filled`` it is a column, and a row in which that
    is NULL or blank gives none. ``zipped`` is a column whose document is a gzip stream
    unless the other one is 0. ``problems`` is what can't be read.
    """

    terms: dict[str, tuple[Term, ...]] = field(default_factory=dict)
    made_of: dict[str, Term] = field(default_factory=dict)
    unpacked: tuple[str, ...] = ()
    filled: bool = False
    zipped: tuple[str, str] | None = None
    problems: list[str] = field(default_factory=list)


def read_said(doc: str) -> Said:
    """Read the comment of a mapping."""
    said = Said()
    for line in doc.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        if match["word"] == "unpacks":
            filled = _FILLED.fullmatch(match["rest"].strip())
            said.filled = filled is not None
            path = filled["column"] if filled else match["rest"].strip()
            said.unpacked = tuple(path.split("."))
            continue
        for part in (part.strip() for part in match["rest"].split(";")):
            _read_item(said, part)
    return said


def _read_item(said: Said, part: str) -> None:
    zipped = _ZIPPED.fullmatch(part)
    item = _ITEM.fullmatch(part)
    if zipped is not None:
        said.zipped = zipped["document"], zipped["flag"]
    elif item is None:
        said.problems.append(f"'values: {part}' is not 'column = source, …'")
    elif item["target"] in said.terms:
        said.problems.append(f"'values: {part}': {item['target']} has a line already")
    elif (computed := _COMPUTED.fullmatch(item["terms"].strip())) is not None:
        said.terms[item["target"]] = ()
        if computed["source"]:
            said.made_of[item["target"]] = Term(source=tuple(computed["source"].split(".")))
    else:
        terms = []
        for text in _COMMA.split(item["terms"]):
            matches = [_TERM.fullmatch(piece.strip()) for piece in text.split("||")]
            read = [_term(match) for match in matches if match is not None]
            if len(read) < len(matches):
                said.problems.append(f"'values: {part}': {text.strip()!r} can't be read")
            else:
                terms.append(read[0] if len(read) == 1 else Term(parts=tuple(read)))
        said.terms[item["target"]] = tuple(terms)


def _term(match: re.Match[str]) -> Term:
    condition = None
    if match["column"] is not None:
        among = tuple((match["among"] or "").split(" or ")) if match["among"] else ()
        condition = Condition(match["column"], among)
    literal: Any = None
    if match["text"] is not None:
        literal = match["text"][1:-1].replace("''", "'")
    elif match["number"] is not None:
        literal = json.loads(match["number"])
    elif match["empty"] is not None:
        literal = json.loads(match["empty"])
    source = match["argument"] or match["source"] or ""
    return Term(
        source=tuple(source.split(".")) if source else (),
        literal=literal,
        function=match["function"] or "",
        modifier=match["modifier"] or "",
        condition=condition,
    )

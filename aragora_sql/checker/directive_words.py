"""The rule ``unknown-directive``: no comment looks like a directive that nobody reads.

A directive is a comment line that begins with a word and a colon. One whose word is misspelt, or
which stands where it is not read, would be taken for prose and change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from aragora_sql.checker.files import dialect_of, sql_files
from aragora_sql.checker.report import Report
from aragora_sql.database import Dialect
from aragora_sql.engines.findings import Finding
from aragora_sql.errors import QueryFileError
from aragora_sql.migration.mappings import MAPPING_WORDS
from aragora_sql.queries.files import QUERY_WORDS, SCHEMA_WORDS, read_sql
from aragora_sql.queries.parameters import SQLSyntaxError, scan

__all__ = ["check_directive_words"]

RULE = "unknown-directive"
# What others read: the style's exceptions, lists of records behind SELECT and RETURNING, upgrades.
_OTHERS = ("noqa", "columns", "name", "sqlfluff", "transaction", "needs")
_ALL = tuple(dict.fromkeys((*QUERY_WORDS, *SCHEMA_WORDS, *MAPPING_WORDS, *_OTHERS)))
_WORD = re.compile(r"(?P<word>[A-Za-z][A-Za-z_-]*)(?P<gap>\s*):(?!:)(?P<rest>.*)", re.DOTALL)
_LISTS = {"SELECT", "RETURNING", "DISTINCT"}
_ALIKE = 0.75


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment and its offset; whether it is under ``-- name:`` or at the beginning of a list.

    ``goes_on`` is whether it may be the second half of a sentence.
    """

    start: int
    content: str
    is_under_name: bool
    is_in_list: bool
    goes_on: bool


def check_directive_words(root: Path, report: Report) -> None:
    """Look at the comments of every SQL file of a tree."""
    for path in sql_files(root):
        try:
            text = read_sql(path)
        except QueryFileError:
            # Another rule names a file that can't be read.
            continue
        found = {
            comment.start: message
            for comment in _comments(text)
            if (message := _problem(comment, path.relative_to(root).parts)) is not None
        }
        # Only where something was found: what looks like a comment may be in a string.
        starts = _comment_starts(text, dialect_of(path)) if found else set()
        for start in sorted(found.keys() & starts):
            line = text.count("\n", 0, start) + 1
            column = start - text.rfind("\n", 0, start)
            report.add(Finding(path, line, column, RULE, found[start]))


def _comment_starts(text: str, dialect: Dialect) -> set[int]:
    try:
        return {token.start for token in scan(text, dialect) if token.kind == "comment"}
    except SQLSyntaxError:
        return set()


def _comments(text: str) -> Iterator[_Comment]:
    """Yield the comments that have a line of their own."""
    is_under_name, before, prose = False, "", ""
    offset = 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if not stripped.startswith(("--", "/*")):
            if stripped:
                is_under_name, before = False, stripped.rpartition(" ")[2].upper()
            prose = ""
        else:
            content = stripped.removeprefix("--").removeprefix("/*").removesuffix("*/").strip()
            match = _WORD.match(content)
            if match is not None and match["word"].lower() == "name":
                is_under_name, prose = True, ""
            goes_on = prose != "" and prose[-1] not in ".:;!?"
            start = offset + line.index(stripped)
            yield _Comment(start, content, is_under_name, before in _LISTS, goes_on)
            is_directive = match is not None and match["word"] in _ALL and not match["gap"]
            prose = "" if is_directive and not goes_on else content
        offset += len(line)


def _words_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the words that are read in a file anywhere, or under ``-- name:``."""
    if parts[0] == "legacy":
        return MAPPING_WORDS if len(parts) == 2 else ()
    if parts[-2] == "upgrades":
        return (*SCHEMA_WORDS, "transaction")
    return QUERY_WORDS if parts[-1] == "queries.sql" else (*SCHEMA_WORDS, "needs")


def _problem(comment: _Comment, parts: Sequence[str]) -> str | None:
    """Return what is wrong with a comment; None when it is prose or is read."""
    match = _WORD.match(comment.content)
    if match is None:
        return None
    word, rest = match["word"], match["rest"].strip()
    if word.lower() not in _ALL:
        alike = get_close_matches(word.lower(), _ALL, n=1, cutoff=_ALIKE)
        if alike:
            return f"nothing reads '{word}:'; is '{alike[0]}:' meant?"
        if comment.goes_on or not word.islower():
            return None
        return (
            f"nothing reads '{word}:'; a comment that is no directive has no word and colon at its "
            "beginning"
        )
    if word.lower() in {"name", "noqa", "sqlfluff"} or (comment.is_in_list and word == "columns"):
        return None
    words = _words_of(parts)
    is_of_queries = parts[0] == "legacy" or parts[-1] == "queries.sql"
    if word != word.lower() or match["gap"]:
        problem = f"nothing reads '{word}{match['gap']}:'; write '-- {word.lower()}: …'"
    elif word == "columns":
        problem = "'columns:' is read behind SELECT and RETURNING only"
    elif word not in words:
        known = ", ".join(words) or "none"
        problem = f"'{word}:' is not read in this file; what is: {known}"
    elif is_of_queries and not comment.is_under_name:
        problem = f"'{word}:' is read right under '-- name:' only"
    else:
        return None if rest else f"'{word}:' says nothing"
    return None if comment.goes_on else problem

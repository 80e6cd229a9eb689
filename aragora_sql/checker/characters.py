"""The rule ``characters``: what is not seen, and what looks like something else, outside texts.

String literals are data and may hold anything. Comments may hold any writing, but nothing
invisible, and what they say to programs (``-- name:``, ``-- columns:``) is ASCII like code.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from aragora_sql.database import Dialect
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.parameters import SQLSyntaxError, Token, scan

__all__ = ["check_characters"]

_RULE = "characters"
# Categories of what is not seen: controls, formats, separators, what is not assigned.
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
# Letters and marks that are drawn as nothing, or as a blank.
_BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SUSPECT = re.compile(r"[^\n -~]")
# The beginning of a comment that speaks to a program; only a reason may be any writing.
_SAID = re.compile(r"--\s*\S+?\s*[:\uff1a\ufe55\ua789\u2236\u02d0](?=\s|$)")
_WORDS = frozenset(
    (
        *("check", "columns", "copies", "default", "defaults", "duplicates", "from", "ignored"),
        *("into", "json", "key", "known", "locks", "meaning", "merge", "name", "optional", "order"),
        *("parity", "plan", "repeats", "result", "secrets", "transaction", "unix", "unpacks"),
        *("utc", "without"),
    )
)
# The Latin letters and marks for which others are taken most often.
_LOOKS_LIKE = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u0432\u043a\u043c\u043d\u0442"
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
        "\u03b1\u03bf\u03bd\u03c1\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f"
        "\u03a1\u03a4\u03a5\u03a7\u0131\u0261\u2010\u2011\u2012\u2013\u2014\u2212"
        "\u2018\u2019\u201c\u201d\u00b4\u2032\u037e\u2044\u2236\u02d0\u201a\u00d7",
        "aeopcxyijsbkmhtABEKMHOPCTXIJSaovpABEZHIKMNOPTYXig------''\"\"'';/::,x",
        strict=True,
    )
)


def check_characters(path: Path, text: str, dialect: Dialect) -> Iterator[Finding]:
    """Find what a reader of an SQL file doesn't see, one finding for each kind and file.

    ``text`` is what :func:`~aragora_sql.queries.files.read_sql` gave, so without a mark at its
    beginning.
    """
    if path.read_bytes().startswith(codecs.BOM_UTF8):
        yield Finding(path, 1, 1, _RULE, "the file begins with a byte order mark: save it without")
    if _SUSPECT.search(text) is None:
        return
    found: dict[str, list[int]] = {}
    for offset, problem in _suspects(text, dialect):
        found.setdefault(problem, []).append(offset)
    for problem, offsets in found.items():
        line = text.count("\n", 0, offsets[0]) + 1
        column = offsets[0] - text.rfind("\n", 0, offsets[0])
        more = f" ({len(offsets)} times)" if len(offsets) > 1 else ""
        yield Finding(path, line, column, _RULE, f"{problem}{more}")


def _suspects(text: str, dialect: Dialect) -> Iterator[tuple[int, str]]:
    """Find suspect characters outside of string literals, with their offsets."""
    position = 0
    for token in _tokens(text, dialect):
        # What is no token is white space, of which there is one kind.
        yield from _in(text, position, token.start, in_comment=False)
        position = token.end
        if token.kind == "comment":
            said = _end_of_said(token.text)
            yield from _in(text, token.start, token.start + said, in_comment=False)
            yield from _in(text, token.start + said, token.end, in_comment=True)
        elif token.kind != "string":
            yield from _in(text, token.start, token.end, in_comment=False)
        else:
            # The lines of a literal end as those of the file do.
            yield from (
                (token.start + match.start(), _CARRIAGE_RETURN)
                for match in re.finditer("\r\n", token.text)
            )
    yield from _in(text, position, len(text), in_comment=False)


def _tokens(text: str, dialect: Dialect) -> Iterator[Token]:
    try:
        yield from scan(text, dialect)
    except SQLSyntaxError:
        # The rule file tells what is never closed.
        return


def _end_of_said(comment: str) -> int:
    """Return where the part of a comment ends that is for programs, not for readers."""
    head = _SAID.match(comment)
    if head is None:
        return 0
    word = head[0].removeprefix("--").strip()[:-1].strip()
    if "".join(_LOOKS_LIKE.get(letter, letter) for letter in _plain(word)).lower() not in _WORDS:
        return 0
    reason = re.search(r"\sbecause\s", comment)
    return len(comment) if reason is None else reason.start()


def _plain(word: str) -> str:
    """Return a word without what is not seen, and with full-width letters as usual ones."""
    seen = "".join(letter for letter in word if not _is_invisible(letter))
    return unicodedata.normalize("NFKC", seen)


_CARRIAGE_RETURN = (
    "a line ends with CR LF: end lines with LF alone (git: *.sql text eol=lf in .gitattributes)"
)


def _in(text: str, start: int, end: int, *, in_comment: bool) -> Iterator[tuple[int, str]]:
    for match in _SUSPECT.finditer(text, start, end):
        problem = _problem(match[0], text[match.end() : match.end() + 1], in_comment=in_comment)
        if problem is not None:
            yield match.start(), problem


def _problem(char: str, following: str, *, in_comment: bool) -> str | None:
    if char == "\t":
        return "a tab: write blanks"
    if char == "\r" and following == "\n":
        return _CARRIAGE_RETURN
    if _is_invisible(char):
        return f"an invisible character, {_named(char)}: delete it"
    if in_comment:
        return None
    like = _LOOKS_LIKE.get(char) or unicodedata.normalize("NFKC", char)
    hint = f"looks like {like!r}: write that" if like.isascii() else "outside a string literal"
    return f"{_named(char)}, {hint}"


def _is_invisible(char: str) -> bool:
    return char in _BLANK or (char != " " and unicodedata.category(char) in _INVISIBLE)


def _named(char: str) -> str:
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}" + (f" {name}" if name else "")

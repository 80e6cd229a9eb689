"""What a query has in its text that no call need show: constants, comparisons and locks of rows.

``LIMIT 500`` of ten rows, the share of a rate that nobody asks for, ``<=`` where no row is at the
bound, FOR UPDATE: an edit there may change no answer of a call that is made. So they are read and
counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote, unquote

from aragora_sql.database import Dialect
from aragora_sql.engines import cache
from aragora_sql.queries.parameters import Token, scan

__all__ = ["FixedParts", "changed_parts", "fixed_parts", "read_parts", "written_parts"]

FixedParts = Counter[str]
"""How often a constant, a comparison or a lock of rows stands in a query."""

_NUMBER = re.compile(r"\.?\d[\w.]*")
# What each comparison is called, and what it is with its sides exchanged.
_COMPARISONS = {
    "<": ("<", ">"),
    "<=": ("<=", ">="),
    ">": (">", "<"),
    ">=": (">=", "<="),
    "=": ("=", "="),
    "<>": ("<>", "<>"),
    "!=": ("<>", "<>"),
}
_LOCK = re.compile(r"FOR (?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b(?: SKIP LOCKED| NOWAIT)?")
_IN_OPERATOR = set("<>=!-@#~|&?*/+%^")
# Longer texts are told apart by a fingerprint.
_LONGEST = 24
_UNQUOTED = "'<>=!._-:;/(){}[]$&?@"


def fixed_parts(sql: str, dialect: Dialect) -> FixedParts:
    """Count the numbers, texts, comparisons and locks in a query."""
    tokens = [token for token in scan(sql, dialect) if token.kind != "comment"]
    words = " ".join(token.text.upper() if token.kind == "word" else "" for token in tokens)
    # FOR UPDATE OF n SKIP LOCKED
    words = re.sub(r" OF \w+(?:  \w+)*", "", words)
    return Counter([*_parts(tokens), *_LOCK.findall(words)])


def _parts(tokens: list[Token]) -> Iterator[str]:
    operator, start, end = "", 0, -1
    for place, token in enumerate([*tokens, Token("word", "", -2)]):
        is_part = token.kind == "symbol" and set(token.text) <= _IN_OPERATOR
        if operator and not (is_part and token.start == end):
            # A sign behind it is that of the number.
            names = _COMPARISONS.get(operator.rstrip("+-"))
            if names is not None:
                yield names[_is_exchanged(tokens[:start], tokens[place:])]
            operator = ""
        if is_part:
            start = start if operator else place
            operator, end = operator + token.text, token.end
        elif token.kind == "string":
            yield _short(token.text)
        elif _NUMBER.fullmatch(token.text):
            yield token.text
        elif token.kind == "word" and token.text.upper() == "BETWEEN":
            yield from (">=", "<=")


def _is_exchanged(before: list[Token], behind: list[Token]) -> bool:
    """Tell whether a given value is compared with something else, not this with the value."""
    left = before[-1:]
    # :at_time::timestamptz
    if len(before) > 2 and before[-2].text == "::":
        left = before[-3:-2]
    return any(map(_is_given, left)) and not any(map(_is_given, behind[:1]))


def _is_given(token: Token) -> bool:
    return token.kind in {"parameter", "string"} or bool(_NUMBER.fullmatch(token.text))


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}:{cache.digest([text])[:6]}'"


def written_parts(parts: FixedParts) -> str:
    """Return the parts as one word, in the order of their texts; ``-`` for none."""
    return (
        ",".join(
            quote(part, safe=_UNQUOTED) + (f"*{count}" if count > 1 else "")
            for part, count in sorted(parts.items())
        )
        or "-"
    )


def read_parts(word: str) -> FixedParts:
    """Read what :func:`written_parts` wrote. Raises ``ValueError`` for anything else."""
    parts: FixedParts = Counter()
    for item in word.split(",") if word != "-" else ():
        part, star, count = item.partition("*")
        parts[unquote(part)] = int(count) if star else 1
    return parts


def changed_parts(before: FixedParts, now: FixedParts) -> str:
    """Say which parts are gone and which are new; empty when none is."""
    said = [
        f"{_listed(parts)} {'is' if parts.total() == 1 else 'are'} {word}"
        for parts, word in ((before - now, "gone"), (now - before, "new"))
        if parts
    ]
    return ", ".join(said)


def _listed(parts: FixedParts) -> str:
    return ", ".join(f"{part} ({n} times)" if n > 1 else part for part, n in sorted(parts.items()))

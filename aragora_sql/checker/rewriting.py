"""Writes conditions in one form, so that the same rule in two dialects is the same text.

Only what the dialects differ in systematically is rewritten: casts, booleans, documents,
collations, the current time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aragora_sql.database import Dialect
from aragora_sql.queries.parameters import Token, scan

__all__ = ["canonical", "canonical_default"]

_CAST = re.compile(
    r" ?:: ?(?:double precision|timestamp with time zone|character varying|\w+)(?: \[ \])?"
)
_BOOLEAN = {"true": "1", "false": "0"}
_DOCUMENT = re.compile(
    r"json_valid \( (?P<x>\w+) \) and (?P<rest>json_type \( (?P=x) \) (?:=|<>) '\w+')"
)
_OR_ABSENT = re.compile(
    r"(?P<x>\w+) is null or \( (?P<rule>json_type \( (?P=x) \) (?:=|<>) '\w+') \)"
)
_VALID_OR_ABSENT = re.compile(r"(?P<x>\w+) is null or (?P<rule>json_valid \( (?P=x) \))")
_COLLATION = re.compile(r' collate (?:"?c"?|binary)(?=\W|$)')
_OPERATOR_CLASS = re.compile(r" (?:text_pattern_ops|jsonb_path_ops)\b")
_NUMBER_TEXT = re.compile(r"'(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)'")
_NOW = {"now ( )", "current_timestamp", "strftime ( '%y-%m-%dt%h:%m:%f000z' , 'now' )"}


def canonical(tokens: Iterable[Token], dialect: Dialect) -> str:
    """Return an expression as words between single spaces, in lower case, in the common form."""
    words = [
        token.text if token.kind == "string" and token.text[:1] != "E" else token.text.lower()
        for token in tokens
        if token.kind != "comment"
    ]
    text = " ".join(_BOOLEAN.get(word, word) for word in words)
    # the scanner gives operators sign by sign
    for parted in ("< >", "> =", "< =", "| |"):
        text = text.replace(parted, parted.replace(" ", ""))
    if dialect == "postgres":
        text = _CAST.sub("", text).replace("jsonb_typeof", "json_type").replace("using btree ", "")
        text = _OPERATOR_CLASS.sub("", text)
        text = _NUMBER_TEXT.sub(r"\1", text)
    else:
        text = _DOCUMENT.sub(lambda match: match["rest"], text)
        # A rule on NULL is not broken, on both engines.
        text = _OR_ABSENT.sub(lambda match: match["rule"], text)
        text = _VALID_OR_ABSENT.sub(lambda match: match["rule"], text)
    return _COLLATION.sub("", text).replace(" . ", ".")


def canonical_default(default: str | None, dialect: Dialect) -> str | None:
    """Return the default of a column in the common form; None when there is none."""
    if default is None:
        return None
    text = canonical(scan(default, dialect), dialect)
    while text.startswith("( ") and text.endswith(" )"):
        text = text[2:-2]
    if text.lower() in _NOW:
        return "now"
    if text.lower() == "null":
        return None
    try:
        return repr(float(text))
    except ValueError:
        return text

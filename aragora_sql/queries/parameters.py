"""Reads SQL as the engines do, to find ``:name`` parameters and the ends of statements.

A scanner, not a parser: it knows what can hide a colon (comments, strings, quoted identifiers,
dollar quoting, casts, slices) and nothing else of the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

from aragora_sql.database import Dialect

__all__ = [
    "Parameter",
    "SQLSyntaxError",
    "Token",
    "find_parameters",
    "number_parameters",
    "remembered_tokens",
    "scan",
    "source_offset",
]

Kind = Literal["comment", "string", "identifier", "word", "parameter", "cast", "slice", "symbol"]


class Token(NamedTuple):
    """A piece of SQL: ``text`` starts at offset ``start``."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A ``:name`` in SQL: the offsets are of the colon and of the end of the name."""

    name: str
    start: int
    end: int


class SQLSyntaxError(ValueError):
    """SQL that no engine could read: something is opened and never closed."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.offset = offset


_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_LINE_COMMENT: dict[Dialect, re.Pattern[str]] = {
    "postgres": re.compile(r"--[^\r\n]*"),
    "sqlite": re.compile(r"--[^\n]*"),
}
_BLOCK_MARK = re.compile(r"/\*|\*/")
_NUMBER = re.compile(r"\.?[0-9](?:[eE][+-]?[0-9]|[\w.])*")
# Both engines take every character beyond ASCII for a letter. The sets say what is not in them:
# Python takes 10 ms to compile one that names the characters up to the last.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_NAME = r"[^\x00-/:-@\[-^`{-\x7f]"
_IN_NAME_OR_DOLLAR = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
# Parameters that are not written
# :name are found too, because nothing could bind them.
_PARAMETER: dict[Dialect, re.Pattern[str]] = {
    "postgres": re.compile(rf":{_LETTER}{_IN_NAME}*|\$\d+"),
    "sqlite": re.compile(
        rf":{_IN_NAME_OR_DOLLAR}+(?:::{_IN_NAME_OR_DOLLAR}+)*|\?\d*|[@$]{_IN_NAME_OR_DOLLAR}+"
    ),
}
_DOLLAR_TAG = re.compile(rf"\$(?:{_LETTER}{_IN_NAME}*)?\$")
_WORD = re.compile(rf"{_LETTER}{_IN_NAME_OR_DOLLAR}*")
_IN_WORD = re.compile(_IN_NAME_OR_DOLLAR)
_PLAIN_STRING = re.compile(r"'(?:[^']++|'')*+'")
# A string goes on behind white space with a line break in it, with the escapes that it began with.
_ESCAPE_STRING = re.compile(
    r"""
    [eE]' (?: [^'\\]++ | '' | \\.
        | ' [ \t\f\v]* (?:--[^\r\n]*)? [\r\n] (?: [ \t\n\r\f\v] | --[^\r\n]*[\r\n] )* '
    )*+ '
    """,
    re.DOTALL | re.VERBOSE,
)
# An E in front of a quotation mark is no word of its own.
_STARTS_STRING: dict[Dialect, str] = {"postgres": "[eE]'", "sqlite": "(?!)"}
_QUOTED = {'"': re.compile(r'"(?:[^"]++|"")*+"'), "`": re.compile(r"`(?:[^`]++|``)*+`")}
# What most texts are made of, with the white space before it. Where it does not match, and for what
# hides more (brackets, escapes, blocks, colons), one character decides; see _next().
_USUAL: dict[Dialect, re.Pattern[str]] = {
    dialect: re.compile(
        rf"""
        [ \t\n\r\f\v]*+ (?:
          (?P<word> (?!{refused}) {_LETTER}{_IN_NAME_OR_DOLLAR}*+ | {_NUMBER.pattern} )
        | (?P<symbol> [(),;=.<>+*%|&!~^] | -(?!-) | /(?!\*) )
        | (?P<string> {_PLAIN_STRING.pattern} )
        | (?P<comment> {_LINE_COMMENT[dialect].pattern} )
        )
        """,
        re.VERBOSE,
    )
    for dialect, refused in _STARTS_STRING.items()
}
# A slice's colon comes directly behind an operand.
_OPERAND_KINDS = {"word", "string", "identifier", "parameter"}


def scan(sql: str, dialect: Dialect) -> Iterator[Token]:
    """Yield the tokens of ``sql`` without the white space between them.

    Raises :class:`SQLSyntaxError` for an unterminated comment, string or quoted identifier.
    """
    if _remembered is None:
        return _scan(sql, dialect)
    found = _remembered.get((sql, dialect))
    if found is None:
        found = _remembered[sql, dialect] = _scanned(sql, dialect)
    return iter(found[0]) if found[1] is None else _again(*found)


# The tokens of a text, and the problem and offset behind the last one.
_Scanned = tuple[list[Token], tuple[str, int] | None]
_remembered: dict[tuple[str, Dialect], _Scanned] | None = None


@contextmanager
def remembered_tokens() -> Iterator[None]:
    """Let :func:`scan` read each text once while the block lasts: for who asks for all again."""
    global _remembered
    if _remembered is not None:
        yield
        return
    _remembered = {}
    try:
        yield
    finally:
        _remembered = None


def _scanned(sql: str, dialect: Dialect) -> _Scanned:
    tokens: list[Token] = []
    try:
        # Those before an error are kept.
        tokens.extend(_scan(sql, dialect))
    except SQLSyntaxError as error:
        return tokens, (str(error), error.offset)
    return tokens, None


def _again(tokens: list[Token], problem: tuple[str, int] | None) -> Iterator[Token]:
    yield from tokens
    if problem is not None:
        raise SQLSyntaxError(*problem)


def _scan(sql: str, dialect: Dialect) -> Iterator[Token]:
    postgres = dialect == "postgres"
    usual, new = _USUAL[dialect].match, tuple.__new__
    position, brackets = 0, 0
    previous: Token | None = None
    while position < len(sql):
        found = usual(sql, position)
        if found:
            kind: Kind = found.lastgroup  # type: ignore[assignment] # so its groups are called
            text = found[kind]
            position = found.end()
            # There are hundreds of thousands of them, and the class itself takes twice as long.
            token = new(Token, (kind, text, position - len(text)))
        else:
            space = _SPACE.match(sql, position)
            if space:
                position = space.end()
                continue
            token = _next(sql, position, dialect, previous, in_brackets=brackets > 0)
            position = token.end
            if postgres and token.text == "[":
                brackets += 1
            elif postgres and token.text == "]":
                brackets = max(0, brackets - 1)
        yield token
        if token.kind != "comment":
            previous = token


def _next(
    sql: str, position: int, dialect: Dialect, previous: Token | None, *, in_brackets: bool
) -> Token:
    char = sql[position]
    postgres = dialect == "postgres"

    def token(kind: Kind, match: re.Match[str] | None, opened: str) -> Token:
        if match is None:
            raise SQLSyntaxError(f"{opened} is never closed", position)
        return Token(kind, match[0], position)

    if char == "-" and sql.startswith("--", position):
        return token("comment", _LINE_COMMENT[dialect].match(sql, position), "a comment")
    if char == "/" and sql.startswith("/*", position):
        return Token(
            "comment", sql[position : _block_end(sql, position, nested=postgres)], position
        )
    if char == "'":
        return token("string", _PLAIN_STRING.match(sql, position), "a string")
    if char in "eE" and postgres and sql.startswith("'", position + 1):
        return token("string", _ESCAPE_STRING.match(sql, position), "a string")
    if char == '"' or (char == "`" and not postgres):
        return token("identifier", _QUOTED[char].match(sql, position), "a quoted identifier")
    if char == "[" and not postgres:
        end = sql.find("]", position)
        if end < 0:
            raise SQLSyntaxError("a quoted identifier is never closed", position)
        return Token("identifier", sql[position : end + 1], position)
    if char == "$" and postgres:
        tag = _DOLLAR_TAG.match(sql, position)
        if tag:
            end = sql.find(tag[0], tag.end())
            if end < 0:
                raise SQLSyntaxError(f"a {tag[0]} string is never closed", position)
            return Token("string", sql[position : end + len(tag[0])], position)
    if char == ":":
        return _colon(sql, position, dialect, previous, in_brackets=in_brackets)
    parameter = _PARAMETER[dialect].match(sql, position)
    if parameter:
        return Token("parameter", parameter[0], position)
    number = _NUMBER.match(sql, position)
    if number:
        return Token("word", number[0], position)
    word = _WORD.match(sql, position)
    if word:
        return Token("word", word[0], position)
    return Token("symbol", char, position)


def _colon(
    sql: str, position: int, dialect: Dialect, previous: Token | None, *, in_brackets: bool
) -> Token:
    if sql.startswith("::", position):
        return Token("cast", "::", position)
    # a[lo:hi] is a slice; a[:lo] and array[x, :y] hold parameters
    if (
        in_brackets
        and previous is not None
        and previous.end == position
        and (previous.kind in _OPERAND_KINDS or previous.text in {")", "]"})
    ):
        return Token("slice", ":", position)
    match = _PARAMETER[dialect].match(sql, position)
    return Token("parameter", match[0], position) if match else Token("symbol", ":", position)


def _block_end(sql: str, position: int, *, nested: bool) -> int:
    depth, end = 1, position + 2
    while depth:
        mark = _BLOCK_MARK.search(sql, end)
        if mark is None:
            raise SQLSyntaxError("a comment is never closed", position)
        end = mark.end()
        if mark[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
    return end


def find_parameters(sql: str, dialect: Dialect) -> list[Parameter]:
    """Return every ``:name`` that the engine would take for a parameter, in the order of the text.

    A name that is used twice is listed twice. What the engine would take for a parameter of another
    form (``$1``; SQLite: ``?``, ``@name``) is listed with its sign. Raises
    :class:`SQLSyntaxError`.
    """
    return [
        Parameter(token.text.removeprefix(":"), token.start, token.end)
        for token in scan(sql, dialect)
        if token.kind == "parameter"
    ]


def number_parameters(sql: str, parameters: list[Parameter]) -> tuple[str, tuple[str, ...]]:
    """Replace each ``:name`` by ``$n`` and return the SQL and the names in the order of ``n``."""
    numbers: dict[str, int] = {}
    pieces, position = [], 0
    for parameter in parameters:
        pieces += [sql[position : parameter.start], _numbered(sql, parameter, numbers)]
        position = parameter.end
    return "".join([*pieces, sql[position:]]), tuple(numbers)


def _numbered(sql: str, parameter: Parameter, numbers: dict[str, int]) -> str:
    number = numbers.setdefault(parameter.name, len(numbers) + 1)
    # LIMIT:n is two tokens, LIMIT$1 is one
    gap = " " if _IN_WORD.match(sql, parameter.start - 1) else ""
    return f"{gap}${number}"


def source_offset(sql: str, parameters: list[Parameter], rendered: int) -> int:
    """Return the offset in ``sql`` of an offset in what :func:`number_parameters` made of it."""
    numbers: dict[str, int] = {}
    shift = 0
    for parameter in parameters:
        at = parameter.start + shift
        if rendered < at:
            break
        length = len(_numbered(sql, parameter, numbers))
        if rendered < at + length:
            return parameter.start
        shift += length - (parameter.end - parameter.start)
    return min(rendered - shift, len(sql))

"""Upgrade files: steps that lead a database from one version of a store's schema to the next.

A file is one transaction, so it must not end one itself. What can't run in a transaction (CREATE
INDEX CONCURRENTLY) is in a file of its own that says so in a comment:
``-- transaction: none because …``. Its statements are run one by one, and all of them again when
the run was cut short, so each has to be harmless where it was done already.

SQLite can give a table another rule only by making it anew, and to drop the old one deletes what
refers to it. A file that says ``-- foreign keys: off because …`` is one transaction in which
foreign keys do nothing; it is kept only when each of them is right at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.database import Dialect
from aragora_sql.errors import QueryFileError, SchemaError
from aragora_sql.queries.files import read_sql, store_dir
from aragora_sql.queries.parameters import SQLSyntaxError, Token, scan

__all__ = [
    "UpgradeFile",
    "UpgradeStatement",
    "read_upgrade",
    "statements_of",
    "upgrade_paths",
]

_NAME = re.compile(r"(?P<number>\d{4})_\w+\.sql")
_MARK = re.compile(r"--\s*transaction\s*:\s*(?P<text>.*?)\s*", re.IGNORECASE)
_NONE = re.compile(r"none\s+because\s+\S.*", re.IGNORECASE)
_KEYS_MARK = re.compile(r"--\s*foreign keys\s*:\s*(?P<text>.*?)\s*", re.IGNORECASE)
_OFF = re.compile(r"off\s+because\s+\S.*", re.IGNORECASE)

_ENDS_TRANSACTION = {"BEGIN", "COMMIT", "END", "ABORT"}
# First words of what PostgreSQL refuses in a transaction, whatever follows.
_NEVER_IN_TRANSACTION = {
    "postgres": {"VACUUM"},
    "sqlite": {"VACUUM", "ATTACH", "DETACH"},
}
# What may come before CONCURRENTLY there; REFRESH MATERIALIZED VIEW may be in a transaction.
_CONCURRENT = {"CREATE", "DROP", "REINDEX", "ALTER"}
# What follows has a body of statements with semicolons of their own.
_WITH_BODY = {"FUNCTION", "PROCEDURE", "TRIGGER"}


@dataclass(frozen=True, slots=True)
class UpgradeStatement:
    """A statement of an upgrade file; ``words`` are its tokens in capitals, without comments."""

    sql: str
    line: int
    words: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_concurrent(self) -> bool:
        """Whether it works beside the application, and its waiting makes nobody else wait."""
        return self.words[0] in _CONCURRENT and "CONCURRENTLY" in self.words

    @property
    def table(self) -> str | None:
        """The table that it makes, alters, comments on or hangs an index or trigger on."""
        words, names = self.words, self.names
        if words[:2] in {("CREATE", "TABLE"), ("ALTER", "TABLE")}:
            return names[words.index("EXISTS") + 1] if words[2] == "IF" else names[2]
        if words[:2] == ("COMMENT", "ON"):
            return names[3]
        if words[0] == "CREATE" and "ON" in words:
            return names[words.index("ON") + 1]
        return None

    @property
    def made_index(self) -> str | None:
        """The index that it makes, when it is CREATE INDEX."""
        if self.words[0] != "CREATE" or "INDEX" not in self.words[:3] or "ON" not in self.words:
            return None
        # CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS name ON table
        return self.names[self.words.index("ON") - 1]


@dataclass(frozen=True, slots=True)
class UpgradeFile:
    """An upgrade as its file has it.

    ``in_transaction``: all of it is kept, or nothing. ``keys_off``: foreign keys do nothing
    meanwhile.
    """

    path: Path
    text: str
    in_transaction: bool
    statements: tuple[UpgradeStatement, ...]
    keys_off: bool = False


def upgrade_paths(store: str, dialect: Dialect, root: Path) -> dict[int, Path]:
    """Return the upgrade files of a store by the version that each leads to.

    Raises :class:`SchemaError` for a name that is no upgrade's, and for a gap in the numbers.
    """
    files: dict[int, Path] = {}
    for path in sorted((store_dir(store, dialect, root) / "upgrades").glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise SchemaError(f"{path}: an upgrade is named like 0002_what_it_does.sql")
        number = int(match["number"])
        if number in files:
            raise SchemaError(f"{path}: {files[number].name} has the same number")
        files[number] = path
    for expected, number in enumerate(files, start=2):
        if number != expected:
            raise SchemaError(f"{files[number]}: upgrade {expected:04d} is missing before it")
    return files


def read_upgrade(path: Path, dialect: Dialect) -> UpgradeFile:
    """Read an upgrade file. What can't be applied in one piece is refused before it is run.

    Raises :class:`QueryFileError` (``path:line: …``) for a file that ends its transaction itself,
    for a statement that can't run in a transaction in a file without the mark, for one that can't
    be repeated in a file with it, and for foreign keys that are switched off in PostgreSQL.
    """
    text = read_sql(path)
    try:
        tokens = list(scan(text, dialect))
    except SQLSyntaxError as error:
        line = text.count("\n", 0, error.offset) + 1
        raise QueryFileError(path, line, str(error)) from error
    in_transaction = not _is_marked(path, text, tokens, _MARK, _NONE, "transaction: none")
    keys_off = _is_marked(path, text, tokens, _KEYS_MARK, _OFF, "foreign keys: off")
    if keys_off and (dialect == "postgres" or not in_transaction):
        why = "PostgreSQL needs no such thing" if dialect == "postgres" else "it is one transaction"
        raise QueryFileError(path, 1, f"a file with foreign keys off: {why}; leave the mark out")
    statements = tuple(_statements(text, tokens))
    for statement in statements:
        problem = _problem(statement, dialect, in_transaction=in_transaction)
        if problem is not None:
            raise QueryFileError(path, statement.line, problem)
    return UpgradeFile(path, text, in_transaction, statements, keys_off)


def _is_marked(
    path: Path,
    text: str,
    tokens: Sequence[Token],
    form: re.Pattern[str],
    said: re.Pattern[str],
    short: str,
) -> bool:
    marked = False
    for token in tokens:
        mark = form.fullmatch(token.text) if token.kind == "comment" else None
        if mark is None:
            continue
        if said.fullmatch(mark["text"]) is None:
            line = text.count("\n", 0, token.start) + 1
            raise QueryFileError(path, line, f"write '-- {short} because …'")
        marked = True
    return marked


def statements_of(sql: str, dialect: Dialect) -> list[UpgradeStatement]:
    """Split a script into its statements. Raises :class:`SQLSyntaxError`."""
    return list(_statements(sql, list(scan(sql, dialect))))


def _statements(text: str, tokens: Sequence[Token]) -> Iterator[UpgradeStatement]:
    current: list[Token] = []
    parentheses = blocks = 0
    has_body = False
    for token in tokens:
        if token.kind == "comment":
            continue
        word = token.text.upper()
        parentheses += {"(": 1, ")": -1}.get(word, 0)
        # It shows in the first words.
        has_body = _has_body(current) if len(current) <= _FIRST_WORDS else has_body
        if has_body and token.kind == "word":
            opens = word == "BEGIN" or (word == "CASE" and blocks > 0)
            blocks = max(0, blocks + opens - (word == "END"))
        if word != ";" or parentheses > 0 or (has_body and blocks > 0):
            current.append(token)
            continue
        if current:
            yield _statement(text, current)
        current, parentheses, blocks = [], 0, 0
    if current:
        yield _statement(text, current)


_FIRST_WORDS = 4


def _has_body(tokens: Sequence[Token]) -> bool:
    words = [token.text.upper() for token in tokens[:_FIRST_WORDS]]
    return words[:1] == ["CREATE"] and not _WITH_BODY.isdisjoint(words)


def _statement(text: str, tokens: Sequence[Token]) -> UpgradeStatement:
    return UpgradeStatement(
        sql=text[tokens[0].start : tokens[-1].end],
        line=text.count("\n", 0, tokens[0].start) + 1,
        words=tuple(token.text.upper() for token in tokens),
        names=tuple(
            token.text[1:-1].replace('""', '"') if token.kind == "identifier" else token.text
            for token in tokens
        ),
    )


def _problem(statement: UpgradeStatement, dialect: Dialect, *, in_transaction: bool) -> str | None:
    words = statement.words
    if (
        words[0] in _ENDS_TRANSACTION
        or words[:2] in (("START", "TRANSACTION"), ("PREPARE", "TRANSACTION"))
        or (words[0] == "ROLLBACK" and "TO" not in words[1:3])
    ):
        return (
            f"{words[0]} in an upgrade: each file is run as one transaction, so that all of it is "
            "kept or nothing; leave it out, and put what has to be kept by itself in a file of "
            "its own"
        )
    if in_transaction:
        return _needs_none(statement, dialect)
    return _not_repeatable(words)


def _needs_none(statement: UpgradeStatement, dialect: Dialect) -> str | None:
    words = statement.words
    if dialect == "sqlite" and words[0] == "PRAGMA" and "FOREIGN_KEYS" in words:
        return (
            "PRAGMA foreign_keys does nothing in a transaction, and an upgrade is one: leave it "
            "out, and mark the file with '-- foreign keys: off because …'"
        )
    if words[0] in _NEVER_IN_TRANSACTION[dialect] or (
        dialect == "postgres" and statement.is_concurrent
    ):
        what = f"{words[0]} … CONCURRENTLY" if statement.is_concurrent else words[0]
        return (
            f"{what} can't run in a transaction, and an upgrade is one: put it in a file of its "
            "own that says '-- transaction: none because …'"
        )
    return None


def _not_repeatable(words: Sequence[str]) -> str | None:
    wanted = None
    if words[0] == "CREATE" and "EXISTS" not in words and "REPLACE" not in words[:3]:
        wanted = "IF NOT EXISTS"
    elif words[0] == "DROP" and "EXISTS" not in words:
        wanted = "IF EXISTS"
    elif (
        tuple(words[:2]) == ("ALTER", "TABLE")
        and "EXISTS" not in words
        and not {"ADD", "DROP", "RENAME"}.isdisjoint(words)
    ):
        return (
            "this can't be repeated, and a file marked '-- transaction: none' is run again when "
            "it was cut short: put it in an upgrade of its own, without the mark"
        )
    if wanted is None:
        return None
    return (
        f"{words[0]} without {wanted}: a file marked '-- transaction: none' is run again when it "
        "was cut short"
    )

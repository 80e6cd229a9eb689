"""The rule ``unified-schema``: the file that a DBA runs holds the stores' files and nothing else.

``sql/postgres/schema.sql`` is run by psql, which knows commands that start a shell, read and write
files. It is read as psql reads it, and never run. Besides includes, BEGIN, COMMIT and settings it
may ask which stores are there: with the words of ``_ASKING``, which change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from aragora_sql.checker.facts import Facts
from aragora_sql.checker.findings import Finding
from aragora_sql.checker.report import Report
from aragora_sql.checker.schema_files import statements
from aragora_sql.checker.tree import line_and_column
from aragora_sql.database import Dialect
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import DIALECTS, read_sql
from aragora_sql.queries.parameters import SQLSyntaxError, Token, scan

__all__ = ["check_unified_schemas"]

_RULE = "unified-schema"
_COMMAND = re.compile(r"\\(?:ir (?P<path>[\w./]+)|if :\w+|else|endif|gset|set ON_ERROR_STOP \w+)")
_WHOLE = {"BEGIN", "COMMIT", "START TRANSACTION"}
# Settings that change who runs what follows.
_NO_SETTINGS = {"ROLE", "SESSION_AUTHORIZATION", "SESSION_REPLICATION_ROLE", "AUTHORIZATION"}
_PRAGMAS = {"BUSY_TIMEOUT", "FOREIGN_KEYS", "JOURNAL_MODE", "SYNCHRONOUS"}
_ASKING = {"AND", "AS", "BEGIN", "BOOLEAN", "CURRENT_USER", "DECLARE", "DO", "ELSE"}
_ASKING |= {"ELSIF", "END", "EXCEPTION", "EXISTS", "FALSE", "FOR", "FROM", "HINT"}
_ASKING |= {"IF", "IN", "INTEGER", "INTO", "IS", "LOOP", "NOT", "NULL"}
_ASKING |= {"OR", "PERFORM", "RAISE", "RECORD", "SELECT", "TEXT", "THEN", "TRUE"}
_ASKING |= {"USING", "VALUES", "WHERE"}
_ASKING |= {"CURRENT_SCHEMA", "CURRENT_SETTING", "FORMAT", "PG_ADVISORY_XACT_LOCK"}
_ASKING |= {"ROW_SECURITY_ACTIVE", "SET_CONFIG", "TO_REGCLASS"}
_ASKING |= {"MODULE", "VERSION", "_SCHEMA_VERSIONS"}
_SET_CONFIG = re.compile(r"'(?!aragora\.)[^']*'")


def check_unified_schemas(facts: Facts, report: Report) -> None:
    """Look at each word of the unified schemas."""
    root = facts.tree.root
    for dialect in DIALECTS:
        path = root / dialect / "schema.sql"
        try:
            text = read_sql(path)
            found = list(_of_text(path, text, dialect, root))
        except (QueryFileError, SQLSyntaxError):
            continue  # which is said elsewhere
        report.add(*found)


def _of_text(path: Path, text: str, dialect: Dialect, root: Path) -> Iterator[Finding]:
    def finding(offset: int, what: str) -> Finding:
        line, column = line_and_column(text, offset)
        message = (
            f"{what}: the unified schema holds nothing but includes, BEGIN, COMMIT and settings"
        )
        return Finding(path, line, column, _RULE, message)

    plain: list[Token] = []
    behind = 0
    for token in scan(text, dialect):
        if token.start < behind:
            continue
        if dialect == "postgres" and token.text == "\\":
            behind = text.find("\n", token.start) + 1 or len(text)
            command = text[token.start : behind].strip()
            match = _COMMAND.fullmatch(command)
            if match is None:
                yield finding(token.start, repr(command))
            elif match["path"] is not None and not _is_schema(path, match["path"], root):
                yield finding(token.start, f"{match['path']} is not a schema.sql of this tree")
            if command == "\\gset":
                plain.append(Token("symbol", ";", token.start))
        else:
            plain.append(token)
    for statement in statements(plain):
        wrong = _wrong_word(statement, dialect)
        if wrong is not None:
            yield finding(statement[0].start, wrong)


def _is_schema(master: Path, name: str, root: Path) -> bool:
    path = (master.parent / name).resolve()
    return path.is_relative_to(root.resolve()) and path.name == "schema.sql" and path != master


def _wrong_word(statement: tuple[Token, ...], dialect: Dialect) -> str | None:
    """Return what is wrong with a statement, or None."""
    words = [token.text.upper() for token in statement]
    if " ".join(words) in _WHOLE:
        return None
    shown = " ".join(token.text for token in statement[:4])
    if dialect == "sqlite":
        allowed = words[0] == "PRAGMA" and len(words) == 4 and words[1] in _PRAGMAS
        return None if allowed else shown
    if words[0] == "SET":
        name = 2 if words[1:2] in (["LOCAL"], ["SESSION"]) else 1
        is_setting = words[name + 1 : name + 2] in (["="], ["TO"])
        allowed = is_setting and words[name] not in _NO_SETTINGS and "(" not in words
        return None if allowed else shown
    if words[0] not in {"DO", "SELECT"}:
        return shown
    return _not_asking(statement)


def _not_asking(tokens: tuple[Token, ...]) -> str | None:
    """Return the first word that only asks nothing; names of variables and columns may be any."""
    own = _own_names(tokens)
    for index, token in enumerate(tokens):
        if token.text.startswith("$"):
            body = token.text.strip("$")
            wrong = _not_asking(tuple(t for t in scan(body, "postgres") if t.kind != "comment"))
            if wrong is not None:
                return wrong
        elif token.kind in {"word", "identifier"} and not token.text.isdigit():
            word = token.text.upper()
            if word not in _ASKING and word not in own:
                return token.text
            if word == "SET_CONFIG" and _SET_CONFIG.fullmatch(tokens[index + 2].text):
                return f"set_config({tokens[index + 2].text}, …)"
    return None


def _own_names(tokens: tuple[Token, ...]) -> set[str]:
    """Return names that are declared here: behind AS, FOR and DECLARE, and what is behind a dot."""
    words = [token.text.upper() for token in tokens]
    own = {words[i + 1] for i, word in enumerate(words[:-1]) if word in {"AS", "FOR", "."}}
    if "DECLARE" in words:
        declared = words[words.index("DECLARE") + 1 :]
        declared = declared[: declared.index("BEGIN")] if "BEGIN" in declared else declared
        own |= {word for i, word in enumerate(declared) if i == 0 or declared[i - 1] == ";"}
    # AS name (…) names columns.
    for index, word in enumerate(words):
        if word == "AS" and words[index + 2 : index + 3] == ["("]:
            own |= set(words[index + 3 : words.index(")", index)])
    called = {
        word for i, word in enumerate(words[:-1]) if words[i + 1] == "(" and words[i - 1] != "AS"
    }
    return own - called

"""The rule ``unified-schema``: the file that a DBA runs holds the stores' files and nothing else.

``sql/postgres/schema.sql`` is run by psql, which knows commands that start a shell, read and write
files. It is read as psql reads it, and never run. Besides includes, BEGIN, COMMIT and settings it
may ask which stores are there: with the words of ``_ASKING``, which change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import psycopg

from aragora_sql.checker.report import Report
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import statements
from aragora_sql.engines.tree import line_and_column
from aragora_sql.errors import AragoraSQLError, QueryFileError
from aragora_sql.queries.files import DIALECTS, read_sql, sql_folder
from aragora_sql.queries.parameters import SQLSyntaxError, Token, scan
from aragora_sql.schema import VERSIONS, latest_version, list_stores, store_names
from aragora_sql.schema.files import versions_root

__all__ = ["check_unified_schemas"]

_RULE = "unified-schema"
_COMMAND = re.compile(
    r"\\(?:ir (?P<path>[\w./]+)|if :(?P<guard>\w+)|else|endif|gset|set ON_ERROR_STOP \w+)"
)
_WHOLE = {"BEGIN", "COMMIT", "START TRANSACTION"}
# Settings that change neither who runs what follows nor what it makes.
_SETTINGS = {
    "SEARCH_PATH",
    "CLIENT_ENCODING",
    "CLIENT_MIN_MESSAGES",
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT",
}
_SETTINGS |= {"LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "TRANSACTION_TIMEOUT"}
_PRAGMAS = {"BUSY_TIMEOUT", "FOREIGN_KEYS", "JOURNAL_MODE", "SYNCHRONOUS"}
_ASKING = {"AND", "AS", "BEGIN", "BOOLEAN", "CURRENT_USER", "DECLARE", "DO", "ELSE"}
_ASKING |= {"ELSIF", "END", "EXCEPTION", "EXISTS", "FALSE", "FOR", "FROM", "HINT"}
_ASKING |= {"IF", "IN", "INTEGER", "INTO", "IS", "LOOP", "NOT", "NULL"}
_ASKING |= {"OR", "PERFORM", "RAISE", "RECORD", "SELECT", "TEXT", "THEN", "TRUE"}
_ASKING |= {"USING", "VALUES", "WHERE"}
_ASKING |= {"CURRENT_SCHEMA", "CURRENT_SETTING", "FORMAT", "PG_ADVISORY_XACT_LOCK"}
_ASKING |= {"ROW_SECURITY_ACTIVE", "SET_CONFIG", "TO_REGCLASS"}
_ASKING |= {"MODULE", "VERSION", "_SCHEMA_VERSIONS", "_TRANSACTION_KEYS"}
_VERSION = re.compile(r"^    \('(?P<store>\w+)', (?P<version>\d+)\),?$", re.MULTILINE)
_RECORD = "INSERT INTO _schema_versions (module, version) VALUES (%s, %s)"
_ASKED = (
    "SELECT name, pg_catalog.current_setting(name, TRUE) "
    "FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS asked (name, place) ORDER BY place"
)
_SET_CONFIG = re.compile(r"'(?!aragora\.)[^']*'")


def check_unified_schemas(facts: Facts, engines: Engines, report: Report) -> None:
    """Look at each word of the unified schemas, and run what asks for versions."""
    root = facts.tree.root
    for dialect in DIALECTS:
        path = root / dialect / "schema.sql"
        try:
            text = read_sql(path)
            found = list(_of_text(path, text, dialect, root))
        except (QueryFileError, SQLSyntaxError):
            continue  # which is said elsewhere
        report.add(*found)
        if not found and dialect == "postgres" and _VERSION.search(text):
            report.add(*_of_lists(path, text, root))
            if not facts.unloaded:
                report.add(*_of_versions(path, text, engines))


def _of_text(path: Path, text: str, dialect: Dialect, root: Path) -> Iterator[Finding]:
    def finding(offset: int, what: str) -> Finding:
        line, column = line_and_column(text, offset)
        message = (
            f"{what}: the unified schema holds nothing but includes, BEGIN, COMMIT and settings"
        )
        return Finding(path, line, column, _RULE, message)

    plain: list[Token] = []
    behind = 0
    guard: str | None = None
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
            elif match["path"] is not None and guard is not None:
                store = Path(match["path"]).parent.name
                if guard != f"make_{store}":
                    yield finding(token.start, f"{store} is included where :{guard} is asked for")
            if match is not None:
                guard = match["guard"] or (None if command == "\\endif" else guard)
            if command == "\\gset":
                plain.append(Token("symbol", ";", token.start))
        else:
            plain.append(token)
    found = list(statements(plain))
    for statement in found:
        wrong = _wrong_word(statement, dialect)
        if wrong is not None:
            yield finding(statement[0].start, wrong)
    whole = [
        (index, statement)
        for index, statement in enumerate(found)
        if " ".join(token.text.upper() for token in statement) in _WHOLE
    ]
    if whole and dialect == "postgres":
        ends = [index for index, _ in whole]
        words = [statement[0].text.upper() for _, statement in whole]
        if words[1:] != ["COMMIT"] or words[0] == "COMMIT" or ends != [0, len(found) - 1]:
            yield finding(
                whole[0][1][0].start,
                f"{' … '.join(words)}: BEGIN comes first and COMMIT last, so that psql makes all "
                "or nothing",
            )


def _of_lists(path: Path, text: str, root: Path) -> Iterator[Finding]:
    """Compare the lists of stores with what the tree holds, where the file has such lists."""
    try:
        names = store_names("postgres", root)
        versions = {name: latest_version(name, "postgres", root) for name in names}
    except AragoraSQLError:
        return  # which is said elsewhere
    lines, wanted = text.splitlines(), list_stores(text, versions).splitlines()
    for number, (line, expected) in enumerate(zip_longest(lines, wanted), start=1):
        if line != expected:
            if expected is not None and _VERSION.fullmatch(expected):
                return  # the rule `version` says so
            what = "nothing" if expected is None else repr(expected.strip())
            shown = "the end" if line is None else repr(line.strip())
            message = f"{shown} where the stores and their versions need {what}"
            yield Finding(path, number, 1, _RULE, message)
            return


def _of_versions(path: Path, text: str, engines: Engines) -> Iterator[Finding]:
    """Run what decides which stores are made, on databases without and with each version."""
    root = engines.tree.root
    listed = {match["store"]: int(match["version"]) for match in _VERSION.finditer(text)}
    start = text.find("DO $$")
    end = text.find("\n$$;", start)
    if not listed or start < 0 or end < 0:
        return
    block = text[start : end + 4]
    line = text.count("\n", 0, start) + 1
    schema = read_sql(sql_folder(VERSIONS, "postgres", versions_root("postgres", root)) / path.name)
    known = [VERSIONS, *listed]

    def decided(present: dict[str, int] | None) -> list[str] | None:
        """Return what would be made on a database; None when it is refused."""
        with engines.postgres.scratch() as connection:
            connection.execute("CREATE SCHEMA aragora_unified")
            connection.execute("SET LOCAL search_path = aragora_unified")
            if present is not None:
                connection.execute(schema.encode())
                for store, version in present.items():
                    connection.execute(_RECORD, (store, version))
            try:
                connection.execute(block.encode())
            except psycopg.errors.RaiseException:
                return None
            settings = [f"aragora.make_{name}" for name in known]
            rows = connection.execute(_ASKED, (settings,)).fetchall()
        return [name.removeprefix("aragora.make_") for name, value in rows if value == "true"]

    first, last = next(iter(listed)), list(listed)[-1]
    without = {name: version for name, version in listed.items() if name != last}
    cases: list[tuple[str, dict[str, int] | None, list[str] | None]] = [
        ("an empty database", None, known),
        ("a database of these versions", listed, []),
        (f"a database without {last!r}", without, [last]),
        (f"a database with a newer {first!r}", {**listed, first: listed[first] + 1}, None),
    ]
    cases += [
        (f"a database with an older {name!r}", {**listed, name: version - 1}, None)
        for name, version in listed.items()
        if version > 1
    ][:1]
    for what, present, wanted in cases:
        try:
            got = decided(present)
        except psycopg.Error as error:
            message = f"this fails on {what}: {error.diag.message_primary}"
            yield Finding(path, line, 1, _RULE, message)
            return
        if got != wanted:
            shown = ["is refused" if one is None else f"makes {one}" for one in (got, wanted)]
            message = f"{what}: this {shown[0]}, and should be such that it {shown[1]}"
            yield Finding(path, line, 1, _RULE, message)


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
        allowed = is_setting and words[name] in _SETTINGS and "(" not in words
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

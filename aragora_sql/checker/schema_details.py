"""Rules about what the engines do beside columns and rules: storage, precision, timing, rights.

A table of one dialect may lose rows in a crash, drop digits, check a rule later or let somebody in,
with the same columns and the same rules as its counterpart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aragora_sql.checker.lints import function_places
from aragora_sql.checker.report import Report, Scope
from aragora_sql.checker.rewriting import canonical
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, Table
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile, SchemaItem, identifier
from aragora_sql.queries.files import DIALECTS
from aragora_sql.queries.parameters import Token
from aragora_sql.redaction import is_secret_name

__all__ = ["check_details"]

STORAGE, PRECISION, TIMING = "parity-storage", "parity-precision", "parity-timing"
DEFAULT, RLS, DEFINER, SECRET = (
    "parity-default",
    "row-level-security",
    "security-definer",
    "secret-view",
)

# What types of PostgreSQL leave out of a value that SQLite keeps, by the beginning of their names.
_LOSES = (
    (re.compile(r"real$"), "keeps 24 bits of a number, SQLite 53: DOUBLE PRECISION"),
    (re.compile(r"timestamp\(\d\)"), "drops digits of a second, which SQLite keeps: TIMESTAMPTZ"),
    (re.compile(r"timestamp .*without"), "has no time zone: TIMESTAMPTZ"),
    (re.compile(r"time\b"), "has no date: TIMESTAMPTZ"),
    (re.compile(r"character varying\(\d+\)"), "refuses longer texts, which SQLite takes: TEXT"),
    (re.compile(r"character\(|bpchar"), "pads with blanks, which SQLite does not: TEXT"),
    (re.compile(r"numeric"), "is exact where SQLite's REAL is not: DOUBLE PRECISION or TEXT"),
    (re.compile(r"json$"), "keeps blanks and double members: JSONB"),
    (re.compile(r"money$"), "depends on a setting of the server"),
    (re.compile(r"smallint$"), "has 16 bits, SQLite's INTEGER 64: INTEGER"),
)
_RANGE = "between - 2147483648 and 2147483647"
_SPEAKS_OF_SECRETS = re.compile(r"\bsecrets?\b|\bencrypted\b", re.IGNORECASE)

Found = Iterator[tuple[str, Table, int, str, str]]
"""Rule, table, line, message and subject."""


@dataclass(frozen=True, slots=True)
class _Sides:
    postgres: Table
    sqlite: Table
    items: Mapping[Dialect, Sequence[SchemaItem]]


def check_details(facts: Facts, engines: Engines, report: Report) -> None:
    """Look at each table that both dialects have, at each view, and at each function."""
    for finding, subject, kind, scopes in _all(facts, engines):
        report.add(finding, kind=kind, subject=subject, scopes=scopes)


def _all(facts: Facts, engines: Engines) -> Iterator[tuple[Finding, str, str, list[Scope]]]:
    constraints: dict[str, list[Mapping[str, object]]] = {}
    for row in engines.postgres.catalog.list_constraints():
        constraints.setdefault(row["table_name"], []).append(dict(row))
    storage = {row["table_name"]: row for row in engines.postgres.catalog.list_storage()}
    collations = {
        (row["table_name"], row["column_name"]): row["collation_name"]
        for row in engines.postgres.catalog.list_collations()
    }
    items = {
        dialect: [i for file in facts.tree.schemas[dialect] for i in file.items]
        for dialect in DIALECTS
    }
    for name, postgres in facts.catalogs["postgres"].items():
        sqlite = facts.catalogs["sqlite"].get(name)
        if sqlite is None or postgres.kind != "table" or sqlite.kind != "table":
            continue
        own = {d: [i for i in items[d] if i.table == name] for d in DIALECTS}
        sides = _Sides(postgres, sqlite, own)
        found = [
            *_storage(sides, storage.get(name)),
            *_precision(sides, collations),
            *_timing(sides, constraints.get(name, [])),
            *_generated(sides),
        ]
        for rule, table, line, message, subject in found:
            kind = "parity" if rule.startswith("parity-") else "check"
            said = subject if kind == "parity" else f"{rule} of {subject}"
            scopes = [Scope(postgres.path), Scope(sqlite.path)]
            yield Finding(table.path, line, 1, rule, message), said, kind, scopes
    for finding, subject in (*_definers(facts, engines), *_secrets(facts, engines)):
        yield finding, f"{finding.rule} of {subject}", "check", [Scope(finding.path)]


def _storage(sides: _Sides, row: Mapping[str, object] | None) -> Found:
    postgres, sqlite = sides.postgres, sides.sqlite
    name = postgres.name
    if row is not None and row["is_unlogged"]:
        message = f"{name} is UNLOGGED: a crash empties it, which SQLite's never does"
        yield STORAGE, postgres, postgres.line, message, f"unlogged {name}"
    if row is not None and row["is_forced"]:
        message = (
            f"FORCE ROW LEVEL SECURITY on {name} hides its rows from the owner too, and there is "
            "no policy: the application would see none"
        )
        yield RLS, postgres, postgres.line, message, name
    made = next((i for i in sides.items["sqlite"] if i.kind == "table"), None)
    if made is None:
        return
    words = [token.text.upper() for token in made.tokens]
    if "STRICT" not in _behind(words):
        message = f"{name} is not STRICT: SQLite stores values of any type in its columns"
        yield STORAGE, sqlite, sqlite.line, message, f"strict {name}"
    for column in postgres.columns:
        there = sqlite.column(column.name)
        if column.generated != "identity" or there is None:
            continue
        if there.generated != "identity" or "AUTOINCREMENT" not in words:
            message = (
                f"{name}.{column.name} without AUTOINCREMENT: SQLite gives the number of a deleted "
                "row again, PostgreSQL's identity never does"
            )
            yield STORAGE, sqlite, there.line, message, f"numbers {name}.{column.name}"


def _behind(words: Sequence[str]) -> Sequence[str]:
    """Return the words behind the columns of a CREATE TABLE."""
    depth = 0
    for index, word in enumerate(words):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == ")" and depth == 0:
            return words[index + 1 :]
    return []


def _precision(sides: _Sides, collations: Mapping[tuple[str, str], str]) -> Found:
    postgres, sqlite = sides.postgres, sides.sqlite
    rules = {
        canonical(_inside(item.tokens), "sqlite")
        for item in sides.items["sqlite"]
        if item.kind == "check"
    }
    for column in postgres.columns:
        where = f"{postgres.name}.{column.name}"
        plain = column.type.removesuffix("[]")
        lost = next((why for pattern, why in _LOSES if pattern.match(plain)), None)
        if lost is not None:
            message = f"{where} is of type {column.type}, which {lost}"
            yield PRECISION, postgres, column.line, message, f"precision {where}"
        if plain == "bigint" and f"{column.name} {_RANGE}" in rules:
            message = (
                f"{where} is bigint on PostgreSQL, and SQLite refuses what has more than 32 bits "
                f"(CHECK … {_RANGE})"
            )
            yield PRECISION, postgres, column.line, message, f"precision {where}"
        collation = collations.get((postgres.name, column.name))
        if collation is not None:
            message = f'{where} has COLLATE "{collation}"; SQLite compares bytes: COLLATE "C"'
            yield PRECISION, postgres, column.line, message, f"collation {where}"
    for item in sides.items["sqlite"]:
        if item.kind not in {"column", "index"}:
            continue
        for word, name in pairwise(item.tokens):
            other = name.text.strip('"').upper()
            if word.text.upper() == "COLLATE" and other != "BINARY":
                what = f"{sqlite.name}.{item.name}"
                message = f"{what} has COLLATE {other}; PostgreSQL tells such texts apart"
                yield PRECISION, sqlite, item.line, message, f"collation {what}"


def _inside(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return what is within the first parentheses."""
    opened = next((i for i, token in enumerate(tokens) if token.text == "("), None)
    if opened is None:
        return []
    depth = 0
    for index in range(opened, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index].text, 0)
        if depth == 0:
            return tokens[opened + 1 : index]
    return tokens[opened + 1 :]


def _timing(sides: _Sides, constraints: Sequence[Mapping[str, object]]) -> Found:
    """Find rules that are checked at another time, or broken in another way."""
    postgres, sqlite = sides.postgres, sides.sqlite
    name = postgres.name
    deferred = dict(_deferred_of_sqlite(sides))
    for row in constraints:
        constraint, definition = str(row["constraint_name"]), str(row["definition"])
        line = next(
            (i.line for i in sides.items["postgres"] if constraint in {i.constraint, i.name}),
            postgres.line,
        )
        what = f"constraint {constraint} of {name}"
        subject = f"timing {name}.{constraint}"
        if row["kind"] == "foreign key":
            columns = ",".join(re.findall(r"[\w]+", definition.partition(")")[0])[2:])
            other = deferred.pop(columns, None)
            if bool(row["is_deferred"]) != (other is not None):
                said = ["at the end of the transaction", "at once"]
                ours, theirs = said if row["is_deferred"] else said[::-1]
                message = f"{what} is checked {ours} on PostgreSQL, {theirs} on SQLite"
                yield TIMING, postgres, line, message, subject
            elif row["is_deferrable"] and not row["is_deferred"]:
                message = f"{what} is DEFERRABLE: a transaction may put the check off"
                yield TIMING, postgres, line, message, subject
        elif row["is_deferrable"]:
            message = (
                f"{what} is DEFERRABLE, which ON CONFLICT can't use, and SQLite checks at once"
            )
            yield TIMING, postgres, line, message, subject
        if row["kind"] == "x":
            message = f"{what} excludes rows, and SQLite has no such rule"
            yield TIMING, postgres, line, message, subject
        if not row["is_validated"]:
            message = f"{what} is NOT VALID: rows that are there may break it"
            yield TIMING, postgres, line, message, subject
        if "NULLS NOT DISTINCT" in definition or "MATCH FULL" in definition:
            message = f"{what} treats NULL otherwise than SQLite does: {definition}"
            yield TIMING, postgres, line, message, subject
    for columns, line in deferred.items():
        message = (
            f"foreign key ({columns}) of {name} is checked at the end of the transaction on "
            "SQLite, and there is none on PostgreSQL"
        )
        yield TIMING, sqlite, line, message, f"timing {name}.{columns}"
    for item in sides.items["sqlite"]:
        words = [token.text.upper() for token in item.tokens]
        for index in range(len(words) - 2):
            if item.kind != "table" and words[index : index + 2] == ["ON", "CONFLICT"]:
                message = (
                    f"ON CONFLICT {words[index + 2]} in {item.kind} {item.name} of {name}: SQLite "
                    "does that instead of refusing the row, PostgreSQL refuses it"
                )
                yield TIMING, sqlite, item.line, message, f"timing {name}.{item.name}"


def _deferred_of_sqlite(sides: _Sides) -> Iterator[tuple[str, int]]:
    for item in sides.items["sqlite"]:
        words = [token.text.upper() for token in item.tokens]
        is_key = item.kind == "foreign key" or (item.kind == "column" and "REFERENCES" in words)
        if is_key and any(
            words[i : i + 2] == ["INITIALLY", "DEFERRED"] for i in range(len(words) - 1)
        ):
            yield item.name, item.line


def _generated(sides: _Sides) -> Found:
    """Compare the expressions of generated columns."""
    texts: dict[Dialect, dict[str, tuple[str, int]]] = {}
    for dialect in DIALECTS:
        texts[dialect] = {}
        for item in sides.items[dialect]:
            words = [token.text.upper() for token in item.tokens]
            if item.kind == "column" and "GENERATED" in words and "IDENTITY" not in words:
                behind = item.tokens[words.index("GENERATED") :]
                texts[dialect][item.name] = canonical(_inside(behind), dialect), item.line
    for column, (text, line) in texts["postgres"].items():
        other = texts["sqlite"].get(column)
        if other is not None and other[0] != text:
            where = f"{sides.postgres.name}.{column}"
            message = f"{where} is generated as {text} on PostgreSQL, as {other[0]} on SQLite"
            yield DEFAULT, sides.postgres, line, message, f"default {where}"


def _definers(facts: Facts, engines: Engines) -> Iterator[tuple[Finding, str]]:
    places = function_places(facts)
    for row in engines.postgres.catalog.list_functions():
        name = row["function_name"]
        if row["security_definer"] and name in places:
            message = (
                f"function {name} is SECURITY DEFINER: whoever calls it has the rights of the "
                "owner, past row level security"
            )
            yield Finding(*places[name], 1, DEFINER, message), name


def _secrets(facts: Facts, engines: Engines) -> Iterator[tuple[Finding, str]]:
    """Find views that give out columns which hold secrets."""
    secret = {
        (table.name, column.name)
        for table in facts.catalogs["postgres"].values()
        for column in table.columns
        if column.name not in table.primary_key
        and (is_secret_name(column.name) or _SPEAKS_OF_SECRETS.search(column.comment or ""))
    }
    read: dict[tuple[Dialect, str], set[tuple[str, str]]] = {}
    for row in engines.postgres.catalog.list_view_columns():
        key: tuple[Dialect, str] = ("postgres", row["view_name"])
        read.setdefault(key, set()).add((row["table_name"], row["column_name"]))
    for file in facts.tree.schemas["sqlite"]:
        for item in _views(file):
            read["sqlite", item.name] = {
                (table, column)
                for table in facts.catalogs["sqlite"]
                for column in _columns_of(facts, table)
                if _names(item, table) and _names(item, column)
            }
    for (dialect, name), columns in read.items():
        view = facts.catalogs[dialect].get(name)
        for table, column in sorted(columns & secret):
            if view is not None:
                message = f"view {name} gives out {table}.{column}, which holds secrets"
                yield Finding(view.path, view.line, 1, SECRET, message), name


def _views(file: SchemaFile) -> Iterator[SchemaItem]:
    return (item for item in file.items if item.kind == "view")


def _columns_of(facts: Facts, table: str) -> list[str]:
    return [column.name for column in facts.catalogs["sqlite"][table].columns]


def _names(item: SchemaItem, name: str) -> bool:
    return any(
        token.kind in {"word", "identifier"} and identifier(token) == name for token in item.tokens
    )

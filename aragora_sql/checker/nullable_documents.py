"""The rule ``nullable-document``: a check of a document that may be NULL says so.

Before version 3.42 ``json_valid(NULL)`` is 0 in SQLite, and NULL since: a bare check then refuses
what its column allows, on the older library alone. Schema and upgrade files are read as text: what
an upgrade makes may have another name, or be gone, when all is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from aragora_sql.checker.files import sql_files
from aragora_sql.checker.report import Report, Scope
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import (
    SchemaFile,
    identifier,
    read_schema_file,
    split,
    statements,
)
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import SYSTEM
from aragora_sql.queries.parameters import Token, scan

__all__ = ["check_nullable_documents"]

RULE = "nullable-document"


class _Check(NamedTuple):
    """A check of ``table``: its name or "", its first word, and its text in small letters."""

    table: str
    name: str
    start: Token
    text: str


def check_nullable_documents(facts: Facts, report: Report) -> None:
    """Look at each check of the SQLite files."""
    for file in [*facts.tree.schemas["sqlite"], *_upgrades(facts, report)]:
        for check, document in _refused(file):
            where = f"{check.table}.{document}"
            finding = Finding(
                file.path,
                file.text.count("\n", 0, check.start.start) + 1,
                1,
                RULE,
                f"{check.name or 'a check'}: {where} may be NULL, which json_valid() refuses "
                f"before SQLite 3.42: {document} IS NULL OR json_valid({document})",
            )
            report.add(finding, subject=f"{RULE} of {where}", scopes=[Scope(file.path)])


def _upgrades(facts: Facts, report: Report) -> Iterator[SchemaFile]:
    root = facts.tree.root
    for path in sql_files(root):
        is_sqlite = any(path.is_relative_to(f) for f in (root / "sqlite", root / SYSTEM / "sqlite"))
        if not is_sqlite or path.parent.name != "upgrades" or path in report.broken:
            continue
        try:
            file = read_schema_file(path.parents[1].name, path, "sqlite")
        except QueryFileError:
            # The rule `file` says so.
            continue
        report.declare(Scope(path), file.directives)
        yield file


def _refused(file: SchemaFile) -> Iterator[tuple[_Check, str]]:
    """Yield the checks that an older SQLite applies to NULL, and the column of each."""
    for statement in statements(list(scan(file.text, "sqlite"))):
        nullable, checks = _read(statement)
        for check in checks:
            for document in re.finditer(r"\bjson_valid \( (\w+) \)", check.text):
                column = document[1]
                says_so = re.search(rf"\b{column} (is (not )?null|isnull|notnull)\b", check.text)
                if column in nullable and not says_so:
                    yield check, column


def _read(statement: tuple[Token, ...]) -> tuple[set[str], list[_Check]]:
    """Return the columns of a statement that may be NULL, and its checks."""
    words = [token.text.upper() for token in statement]
    opening = words.index("(") if "(" in words else 0
    if words[0] == "CREATE" and "TABLE" in words[:opening]:
        table = identifier(statement[opening - 1])
        parts = list(split(statement[opening:]))
    elif words[:2] == ["ALTER", "TABLE"] and words[3:4] == ["ADD"]:
        table = identifier(statement[2])
        parts = [statement[5 if words[4:5] == ["COLUMN"] else 4 :]]
    else:
        return set(), []
    nullable: set[str] = set()
    checks: list[_Check] = []
    for part in parts:
        inside = [token.text.upper() for token in part]
        if not inside:
            continue
        if inside[0] not in {"CONSTRAINT", "CHECK", "FOREIGN", "PRIMARY", "UNIQUE"}:
            required = ["NOT", "NULL"] in [inside[i : i + 2] for i in range(len(inside))]
            if not required:
                nullable.add(identifier(part[0]).lower())
        checks += _checks(table, part)
    return nullable, checks


def _checks(table: str, part: tuple[Token, ...]) -> Iterator[_Check]:
    for at, token in enumerate(part):
        if token.text.upper() != "CHECK":
            continue
        is_named = at >= 2 and part[at - 2].text.upper() == "CONSTRAINT"
        rule = [inner for some in split(part[at + 1 :]) for inner in some]
        yield _Check(
            table,
            identifier(part[at - 1]) if is_named else "",
            part[at - 2] if is_named else token,
            " ".join(identifier(inner).lower() for inner in rule),
        )

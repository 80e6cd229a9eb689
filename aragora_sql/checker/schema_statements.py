"""Rules about the statements of a schema file: it defines, may be run twice, and gives no rights.

What psql runs and what ``aragora-sql schema apply`` runs is the same as long as a file holds only
definitions: a setting would last for the stores that psql makes next, a name with its schema would
not go where the others go, and rows or a block of code are compared with nothing.
"""

from __future__ import annotations

import re

from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.errors import AragoraSQLError
from aragora_sql.queries.files import DIALECTS
from aragora_sql.queries.parameters import scan
from aragora_sql.schema import VERSIONS, VERSIONS_TABLE, latest_version
from aragora_sql.schema.upgrades import UpgradeStatement, statements_of

__all__ = ["check_statements", "revoked"]

STATEMENT = "schema-statement"
GRANT = "open-grant"

_DEFINES = {"TABLE", "INDEX", "VIEW", "TRIGGER", "FUNCTION", "PROCEDURE", "SEQUENCE", "TYPE"}
# Rules of their own speak of these.
_ELSEWHERE = {"EXTENSION", "POLICY"}
_NOISE = {"OR", "REPLACE", "UNIQUE", "UNLOGGED", "VIRTUAL", "CONSTRAINT", "MATERIALIZED"}
_TEMPORARY = {"TEMP", "TEMPORARY", "LOCAL", "GLOBAL"}
# What a block of code may not do, as words of its body or of a string that it runs.
_ACTS = re.compile(
    r"\b(ALTER|COPY|CREATE|DELETE|DROP|GRANT|INSERT|LOCK|RESET|SET|TRUNCATE|UPDATE)\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"'\s*\|\|\s*'")
_REVOKED = re.compile(
    r"\bREVOKE\s+ALL(?:\s+PRIVILEGES)?\s+ON\s+(?:TABLE\s+|SEQUENCE\s+)?(?P<names>[\w\",\s]+?)\s+FROM\b",
    re.IGNORECASE,
)

Problem = tuple[str, str]
"""What is wrong, and what a declaration has to name."""


def check_statements(facts: Facts, report: Report) -> None:
    """Look at each statement of the schema files."""
    for dialect in DIALECTS:
        for file in facts.tree.schemas[dialect]:
            try:
                latest = latest_version(file.store, dialect, facts.tree.root)
            except AragoraSQLError:
                latest = None
            for statement in statements_of(file.text, dialect):
                rule, found = GRANT, _grant(statement)
                if found is None:
                    rule, found = STATEMENT, _problem(statement, file, dialect, latest)
                if found is not None:
                    message, subject = found
                    report.add(
                        Finding(file.path, statement.line, 1, rule, message),
                        subject=f"{rule} of {subject}",
                        scopes=[Scope(file.path)],
                    )
    _check_revoked(facts, report)


def _grant(statement: UpgradeStatement) -> Problem | None:
    words = statement.words
    if words[0] == "GRANT" or (
        words[:3] == ("ALTER", "DEFAULT", "PRIVILEGES") and "GRANT" in words
    ):
        return (
            f"{' '.join(words[:4])} …: only the owner of the tables has rights on them; grant them "
            "to roles of your own outside of the schema",
            "a grant",
        )
    if words[0] == "ALTER" and words[-3:-1] == ("OWNER", "TO"):
        return "OWNER TO: whoever applies the schema owns the tables", "an owner"
    return None


def _problem(
    statement: UpgradeStatement, file: SchemaFile, dialect: Dialect, latest: int | None
) -> Problem | None:
    words = statement.words
    if words[0] == "CREATE":
        return _of_create(statement, dialect)
    if words[0] == "INSERT":
        return _of_insert(statement, file, latest)
    if dialect == "postgres":
        if words[0] == "DO":
            return _of_block(statement)
        if words[0] in {"COMMENT", "REVOKE"}:
            return None
        if words[:2] == ("ALTER", "TABLE"):
            return _of_alter(statement)
        if words[0] == "DROP" and words[1:4] == ("TRIGGER", "IF", "EXISTS"):
            return None  # before it is made again: CREATE OR REPLACE TRIGGER needs version 14
    if words[0] in {"BEGIN", "COMMIT", "END", "ROLLBACK", "START"}:
        return None  # the engine's own rule says so
    shown = " ".join(words[:3])
    if words[0] in {"SET", "RESET"}:
        return (
            f"{shown} …: psql keeps the setting for the stores that it makes next, and schema "
            "apply does not",
            shown.lower(),
        )
    return (
        f"{shown} …: a schema file only defines; rows and changes are for upgrades",
        shown.lower(),
    )


def _of_create(statement: UpgradeStatement, dialect: Dialect) -> Problem | None:
    words, names = statement.words, statement.names
    at = next(i for i, w in enumerate(words) if i and w not in _NOISE | _TEMPORARY)
    kind = words[at]
    if kind in _ELSEWHERE:
        return None
    shown = f"{' '.join(words[: at + 1])}"
    if kind not in _DEFINES:
        return f"{shown}: no other part of a schema is compared with it", shown.lower()
    guarded = words[at + 1 : at + 4] == ("IF", "NOT", "EXISTS")
    name = at + 4 if guarded else at + 1
    if not _TEMPORARY.isdisjoint(words[1:at]):
        return f"{shown} {names[name]}: it is gone when the session ends", names[name]
    if words[name + 1 : name + 2] == (".",):
        whole = "".join(names[name : name + 3])
        return (
            f"{whole}: without a schema, so that it goes to the first one of search_path",
            whole,
        )
    # psql's file and schema apply run a file on a database without the store: tables may be there.
    if guarded or (dialect == "postgres" and kind not in {"TABLE", "INDEX", "SEQUENCE"}):
        return None
    return f"{shown} {names[name]} without IF NOT EXISTS: the file can't be run twice", names[name]


def _of_alter(statement: UpgradeStatement) -> Problem | None:
    words, table = statement.words, statement.table or ""
    if words[-5:] in {
        ("ENABLE", "ROW", "LEVEL", "SECURITY"),
        (table.upper(), "ENABLE", "ROW", "LEVEL", "SECURITY"),
    } or words[-4:] in {
        ("DISABLE", "ROW", "LEVEL", "SECURITY"),
        ("FORCE", "ROW", "LEVEL", "SECURITY"),
    }:
        return None  # which the rule row-level-security looks at
    return (
        f"ALTER TABLE {table} …: write it in CREATE TABLE, where the dialects are compared and the "
        "file can be run twice",
        table,
    )


def _of_insert(statement: UpgradeStatement, file: SchemaFile, latest: int | None) -> Problem | None:
    words, names = statement.words, statement.names
    if words[:2] != ("INSERT", "INTO") or names[2] != VERSIONS_TABLE:
        return (
            f"{' '.join(names[:3])}: a schema file holds no rows; write an upgrade, or let the "
            "application store them",
            names[2],
        )
    wanted = (
        f"INTO _schema_versions (module, version) VALUES ('{file.store}', …) ON CONFLICT (module)"
    )
    tail = ("ON", "CONFLICT", "(", "MODULE", ")", "DO", "NOTHING")
    head = ("(", "MODULE", ",", "VERSION", ")", "VALUES", "(")
    recorded = (names[10], names[12]) if words[3:10] == head else ("", "")
    if recorded[0] and recorded != (f"'{file.store}'", str(latest)):
        return None  # the rule `version` says so
    if words[3:10] != head or words[-7:] != tail or len(words) != 21:
        return (
            f"the version is recorded with INSERT {wanted} DO NOTHING: whatever is there already "
            "is what an upgrade begins with",
            VERSIONS_TABLE,
        )
    return None


def _of_block(statement: UpgradeStatement) -> Problem | None:
    bodies = [name for name in statement.names if name.startswith("$")]
    for body in bodies:
        text = _without_comments(body.strip("$") if body.startswith("$$") else body)
        match = _ACTS.search(text)
        if match is not None:
            return (
                f"DO … {match[1].upper()}: what a block of code makes is compared with nothing; "
                "write it as a statement",
                "do",
            )
    return None


def _without_comments(body: str) -> str:
    return " ".join(token.text for token in scan(body, "postgres") if token.kind != "comment")


def revoked(text: str) -> set[str]:
    """Return the tables and sequences of which a script takes all rights away."""
    plain = _JOINED.sub("", text)
    return {
        name.strip().strip('"')
        for match in _REVOKED.finditer(plain)
        for name in match["names"].split(",")
    }


def _check_revoked(facts: Facts, report: Report) -> None:
    """Find tables that Supabase would open to the world, in a tree that closes others."""
    files = [file for file in facts.tree.schemas["postgres"] if file.store != VERSIONS]
    taken = {file.path: revoked(file.text) for file in files}
    if not any(taken.values()):
        return
    for table in facts.catalogs["postgres"].values():
        if table.kind != "table" or table.path not in taken:
            continue
        wanted = {table.name} | {
            f"{table.name}_{column.name}_seq"
            for column in table.columns
            if column.generated == "identity"
        }
        for name in sorted(wanted - taken[table.path]):
            what = "table" if name == table.name else "sequence"
            message = (
                f"REVOKE ALL ON {name} is missing: Supabase gives all on a new {what} to roles "
                "that the whole world may use, and row level security stops neither TRUNCATE nor "
                "setval()"
            )
            report.add(
                Finding(table.path, table.line, 1, GRANT, message),
                subject=f"{GRANT} of {name}",
                scopes=[Scope(table.path)],
            )

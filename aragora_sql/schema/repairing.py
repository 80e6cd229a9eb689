"""Writes and runs the statements that lead a database back to its schema files.

They are made of names and definitions as the engine itself prints them. What would lose data is
in the script as a comment, and is never run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aragora_sql.database import Connection, Database, Dialect
from aragora_sql.errors import SchemaError
from aragora_sql.queries.files import sql_dir
from aragora_sql.queries.quoting import quoted
from aragora_sql.schema.catalog import Catalog
from aragora_sql.schema.files import (
    VERSIONS,
    VERSIONS_TABLE,
    schema_text,
    table_names,
    versions_root,
)
from aragora_sql.schema.rights import version_queries
from aragora_sql.schema.steps import Report, Steps
from aragora_sql.schema.upgrades import statements_of
from aragora_sql.schema.verifying import Difference, Inspection

__all__ = ["Repair", "plan_repair", "repair_schema"]

_COLUMN = re.compile(
    r"""
    (?P<type>.+?)
    (?P<collation>\ COLLATE\ (?:\w+|"(?:[^"]|"")+"))?
    (?P<not_null>\ NOT\ NULL(?P<not_valid>\ NOT\ VALID)?)?
    (?P<identity>\ GENERATED\ (?:ALWAYS|BY\ DEFAULT)\ AS\ IDENTITY)?
    (?P<generated>\ GENERATED\ ALWAYS\ AS\ \(.*\)\ (?:STORED|VIRTUAL))?
    (?:\ DEFAULT\ (?P<default>.*))?
    """,
    re.VERBOSE | re.DOTALL,
)

# Dropping a table would delete what refers to it, and renaming one would look into every view.
_REBUILDING = ("foreign_keys = OFF", "legacy_alter_table = ON")
_REBUILT = ("legacy_alter_table = OFF", "foreign_keys = ON")


@dataclass(slots=True)
class Repair:
    """The statements that repair a schema.

    ``statements`` run as one transaction; ``concurrent`` one by one behind it, because PostgreSQL
    builds indexes beside the application only outside of one. ``left`` are lines about what is not
    repaired: sentences, and statements that lose data. ``rebuilds``: SQLite rebuilds tables, with
    references switched off for the time.
    """

    dialect: Dialect
    statements: list[str] = field(default_factory=list)
    concurrent: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    rebuilds: bool = False

    def leave(self, sentence: str, *statements: str) -> None:
        """Name something that is not repaired, and what would do it by hand."""
        self.left += [sentence, *(f"    {statement};" for statement in statements)]

    def script(self) -> str:
        """Return all of it as a script for psql or sqlite3; what is not run is in comments."""
        lines: list[str] = []
        if self.statements:
            lines += [f"PRAGMA {pragma};" for pragma in _REBUILDING] if self.rebuilds else []
            if self.dialect == "postgres":
                lines += ["BEGIN;", "SET LOCAL lock_timeout = '5s';"]
                lines += ["SET LOCAL statement_timeout = 0;"]
            else:
                lines.append("BEGIN IMMEDIATE;")
            lines += [f"{statement};" for statement in self.statements]
            lines.append("COMMIT;")
            lines += [f"PRAGMA {pragma};" for pragma in _REBUILT] if self.rebuilds else []
        lines += [f"{statement};" for statement in self.concurrent]
        lines += [f"-- {line}" for line in self.left]
        return "".join(f"{line}\n" for line in lines)


def plan_repair(inspection: Inspection, dialect: Dialect, root: Path | None = None) -> Repair:
    """Return the statements that make a database what the files say.

    Stores that are not in the version of the files are left to :func:`apply_schema`.
    """
    root = root or sql_dir()
    repair = Repair(dialect)
    closed: set[str] = set()
    for difference in inspection.differences:
        if difference.kind == "version":
            _leave_version(repair, difference)
            closed.update(table_names(difference.name, dialect, root))
        elif difference.kind == "rights":
            repair.left.append(str(difference))
    others = [
        one
        for one in inspection.differences
        if one.kind not in {"version", "rights"} and one.table not in closed
    ]
    if dialect == "postgres":
        _PostgresRepair(repair, inspection, root).add(others)
    else:
        _SQLiteRepair(repair, inspection).add(others)
    return repair


def _leave_version(repair: Repair, difference: Difference) -> None:
    store, expected, found = difference.name, difference.expected or "", difference.found
    if found is None:
        repair.left.append(f"store {store!r} is not recorded: run 'aragora-sql schema apply'")
    elif int(found) < int(expected):
        repair.left.append(
            f"store {store!r} has version {found}: run 'aragora-sql schema apply', and verify again"
        )
    else:
        repair.left.append(f"store {store!r} has the newer version {found}: use newer files")


async def repair_schema(
    database: Database, repair: Repair, root: Path | None = None, *, report: Report | None = None
) -> None:
    """Run a repair: its statements as one transaction, then what works beside the application.

    Waits for locks as an upgrade does. Raises what the database raises: rows that break a rule
    which is to be restored have to be mended first. Of the transaction nothing is kept then.
    """
    root = root or sql_dir()
    steps = Steps(database, "repair", [VERSIONS_TABLE], root, report)
    if repair.concurrent:
        steps.refuse_pooler("building an index")
    if repair.statements:
        async with database.connection() as connection:
            if connection.in_transaction:
                raise SchemaError("a repair is a transaction of its own, and one is open")
            try:
                for pragma in _REBUILDING if repair.rebuilds else ():
                    await connection.run_script("repair", f"PRAGMA {pragma}")
                await _run_together(database, steps, repair.statements, root)
            finally:
                for pragma in _REBUILT if repair.rebuilds else ():
                    await connection.run_script("repair", f"PRAGMA {pragma}")
    if repair.concurrent:
        statements = [one for sql in repair.concurrent for one in statements_of(sql, "postgres")]
        async with steps.outside_transaction("building an index") as connection:
            for statement in statements:
                async with steps.progress(statement.sql):
                    await steps.run_statement(connection, "repair", statement)


async def _run_together(
    database: Database, steps: Steps, statements: Sequence[str], root: Path
) -> None:
    queries = version_queries(database.dialect, root)

    async def step(connection: Connection) -> None:
        async with steps.progress(f"{len(statements)} statements"):
            for statement in statements:
                await connection.run_script(f"repair: {statement}", statement, unlimited=True)
        if database.dialect == "sqlite":
            broken = await queries.count_broken_references(connection)
            if broken:
                raise SchemaError(
                    f"{broken} rows refer to rows that are not there, so nothing was repaired; "
                    "PRAGMA foreign_key_check lists them"
                )

    await steps.in_transaction(step)


class _PostgresRepair:
    """Writes statements for PostgreSQL."""

    def __init__(self, repair: Repair, inspection: Inspection, root: Path) -> None:
        self._repair = repair
        self._stores = [VERSIONS, *inspection.stores]
        self._root = root
        # Constraints come last, because they may refer to what else is missing.
        self._rules: list[str] = []
        self._references: list[str] = []

    def add(self, differences: Sequence[Difference]) -> None:
        """Add the statements for some differences."""
        missing = {one.table for one in differences if one.kind == "table" and one.found is None}
        # Columns and triggers call them.
        for difference in differences:
            if difference.kind == "function" and difference.expected is not None:
                self._run(difference.expected.rstrip())
        if missing:
            self._make(missing)
        for difference in differences:
            if difference.kind == "function":
                continue
            if difference.kind == "grant":
                self._grant(difference)
            elif difference.table not in missing:
                self._part(difference)
        self._repair.statements += [*self._rules, *self._references]

    def _make(self, tables: set[str]) -> None:
        """Take all that the files say of some tables, and what they do to tables of any name."""
        for store in self._stores:
            home = versions_root("postgres", self._root) if store == VERSIONS else self._root
            statements = statements_of(schema_text(store, "postgres", home), "postgres")
            chosen = [one for one in statements if one.table in tables]
            if chosen:
                chosen += [one for one in statements if one.words[0] == "DO"]
            self._repair.statements += [one.sql for one in chosen]

    def _run(self, statement: str) -> None:
        self._repair.statements.append(statement)

    def _part(self, difference: Difference) -> None:
        kind, name = difference.kind, quoted(difference.name)
        table = quoted(difference.table)
        expected, found = difference.expected, difference.found
        if kind == "table":
            self._row_security(table, expected or "", found or "")
        elif kind == "column":
            self._column(difference)
        elif kind == "constraint":
            self._constraint(difference)
        elif kind == "index":
            self._index(difference)
        elif kind in {"trigger", "rule", "policy"}:
            if found is not None:
                self._run(f"DROP {kind.upper()} {name} ON {table}")
            if expected is not None:
                self._run(expected)
        elif kind == "table comment":
            self._run(f"COMMENT ON TABLE {table} IS {_literal(expected)}")
        elif kind == "column comment":
            self._run(f"COMMENT ON COLUMN {table}.{name} IS {_literal(expected)}")
        else:
            self._repair.left.append(str(difference))

    def _row_security(self, table: str, expected: str, found: str) -> None:
        if "owner" in found:
            self._run(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        verb = "DISABLE" if expected.startswith("no ") else "ENABLE"
        self._run(f"ALTER TABLE {table} {verb} ROW LEVEL SECURITY")

    def _grant(self, difference: Difference) -> None:
        # "to anon on dissent"
        grantee, _, name = difference.name.removeprefix("to ").partition(" on ")
        kind = "TABLE" if name == difference.table else "SEQUENCE"
        who = grantee if grantee == "PUBLIC" else quoted(grantee)
        self._run(f"REVOKE ALL ON {kind} {quoted(name)} FROM {who}")

    def _column(self, difference: Difference) -> None:
        table, name = quoted(difference.table), quoted(difference.name)
        head = f"ALTER TABLE {table}"
        if difference.expected is None:
            self._repair.leave(
                f"column {difference.name} of {difference.table} was added; dropping it loses its "
                "values:",
                f"{head} DROP COLUMN {name}",
            )
            return
        if difference.found is None:
            self._run(f"{head} ADD COLUMN {name} {difference.expected}")
            return
        wanted, present = _column(difference.expected), _column(difference.found)
        if wanted["generated"] != present["generated"]:
            if wanted["generated"] is None:
                self._run(f"{head} ALTER COLUMN {name} DROP EXPRESSION")
            else:
                self._repair.leave(
                    f"column {difference.name} of {difference.table} has to be rebuilt, and its "
                    "indexes with it; then verify again:",
                    f"{head} DROP COLUMN {name}",
                    f"{head} ADD COLUMN {name} {difference.expected}",
                )
                return
        changes: list[str] = []
        typed = [(one["type"], one["collation"]) for one in (wanted, present)]
        if typed[0] != typed[1]:
            if present["default"] is not None:
                changes.append("DROP DEFAULT")
            to = f"{wanted['type']}{wanted['collation'] or ''}"
            changes.append(f"TYPE {to} USING {name}::{wanted['type']}")
        if wanted["identity"] != present["identity"]:
            changes += ["DROP IDENTITY"] if present["identity"] else []
            changes += [f"ADD{wanted['identity']}"] if wanted["identity"] else []
        if wanted["default"] != present["default"] or typed[0] != typed[1]:
            default = wanted["default"]
            if default is not None:
                changes.append(f"SET DEFAULT {default}")
            elif present["default"] is not None and typed[0] == typed[1]:
                changes.append("DROP DEFAULT")
        if wanted["not_null"] != present["not_null"]:
            if wanted["not_null"] is None:
                changes.append("DROP NOT NULL")
            else:
                # One that was not validated has to go first.
                changes += ["DROP NOT NULL"] if present["not_valid"] else []
                changes.append("SET NOT NULL")
        for change in changes:
            self._run(f"{head} ALTER COLUMN {name} {change}")

    def _constraint(self, difference: Difference) -> None:
        head = f"ALTER TABLE {quoted(difference.table)}"
        name = quoted(difference.name)
        if difference.found is not None:
            self._run(f"{head} DROP CONSTRAINT {name}")
        if difference.expected is None:
            return
        add = f"{head} ADD CONSTRAINT {name} {difference.expected}"
        kind = difference.expected.split(" ", 1)[0]
        later = self._references if kind == "FOREIGN" else self._rules
        later.append(add)

    def _index(self, difference: Difference) -> None:
        name, expected, found = quoted(difference.name), difference.expected, difference.found
        if expected is None and not (found or "").startswith("CREATE UNIQUE "):
            self._repair.leave(
                f"index {difference.name} was added; it does no harm:",
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            )
            return
        if found is not None:
            self._repair.concurrent.append(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        if expected is not None:
            self._repair.concurrent.append(
                expected.replace(" INDEX ", " INDEX CONCURRENTLY IF NOT EXISTS ", 1)
            )


class _SQLiteRepair:
    """Writes statements for SQLite: a table whose columns or rules differ is rebuilt."""

    def __init__(self, repair: Repair, inspection: Inspection) -> None:
        self._repair = repair
        self._expected = inspection.expected
        self._found = inspection.found
        # Virtual tables are filled when all that they read is there.
        self._refills: list[str] = []

    def add(self, differences: Sequence[Difference]) -> None:
        """Add the statements for some differences."""
        tables: dict[str, list[Difference]] = {}
        for difference in differences:
            tables.setdefault(difference.table, []).append(difference)
        for table, parts in tables.items():
            self._table(table, parts)
        self._repair.statements += self._refills

    def _table(self, table: str, parts: Sequence[Difference]) -> None:
        of_table = [one for one in parts if one.kind in {"table", "column", "constraint"}]
        added = [one.name for one in of_table if one.kind == "column" and one.expected is None]
        if any(one.kind == "table" and one.found is None for one in of_table):
            self._make(table)
            return
        if of_table and _is_virtual(self._expected, table):
            # Its rows are made of those of another table.
            self._repair.statements.append(f"DROP TABLE {quoted(table)}")
            self._make(table)
        elif added:
            self._repair.leave(
                f"columns of {table} were added ({', '.join(added)}); dropping them loses their "
                "values. Then verify again:",
                *(f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(name)}" for name in added),
            )
        elif of_table:
            self._rebuild(table, parts)
            return
        for one in parts:
            if one.kind in {"index", "trigger", "view"}:
                self._replace(one)

    def _replace(self, one: Difference) -> None:
        key = (one.table, one.kind, one.name)
        drop = f"DROP {one.kind.upper()} {quoted(one.name)}"
        if one.expected is None and one.kind == "index" and "UNIQUE" not in (one.found or ""):
            self._repair.leave(f"index {one.name} was added; it does no harm:", drop)
            return
        if one.found is not None:
            self._repair.statements.append(drop)
        if one.expected is not None:
            self._repair.statements.append(self._expected.statements[key])

    def _make(self, table: str) -> None:
        """Make a table, then its indexes and triggers."""
        made = {key: sql for key, sql in self._expected.statements.items() if key[0] == table}
        for kind in ("table", "view", "index", "trigger"):
            self._repair.statements += [sql for key, sql in made.items() if key[1] == kind]
        if _is_virtual(self._expected, table):
            name = quoted(table)
            self._refills.append(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")

    def _rebuild(self, table: str, parts: Sequence[Difference]) -> None:
        """Copy the rows into a new table; indexes and triggers of others on it stay as they are."""
        self._repair.rebuilds = True
        scratch = f"_repaired_{table}"
        sql = self._expected.statements[table, "table", table]
        _, brace, rest = sql.partition("(")
        shared = [
            quoted(name)
            for (owner, kind, name) in self._expected.parts
            if owner == table
            and kind == "column"
            and (table, "column", name) in self._found.parts
            and "GENERATED" not in self._expected.parts[table, kind, name].upper()
        ]
        columns = ", ".join(shared)
        self._repair.statements += [
            f"CREATE TABLE {quoted(scratch)} {brace}{rest}",
            f"INSERT INTO {quoted(scratch)} ({columns}) SELECT {columns} FROM {quoted(table)}",
            *(_kept_numbers(table, scratch) if "AUTOINCREMENT" in sql.upper() else ()),
            f"DROP TABLE {quoted(table)}",
            f"ALTER TABLE {quoted(scratch)} RENAME TO {quoted(table)}",
        ]
        ours = {key for key in self._expected.statements if key[0] == table}
        others = {key for key in self._found.statements if key[0] == table} - ours
        removed = {
            (one.table, one.kind, one.name)
            for one in parts
            if one.expected is None and (one.kind == "trigger" or "UNIQUE" in (one.found or ""))
        }
        for kind in ("index", "trigger"):
            self._repair.statements += [
                self._expected.statements[key] for key in sorted(ours) if key[1] == kind
            ]
            self._repair.statements += [
                self._found.statements[key] for key in sorted(others - removed) if key[1] == kind
            ]


def _kept_numbers(table: str, scratch: str) -> tuple[str, str]:
    """Return what keeps numbers that were given once from being given again."""
    return (
        f"DELETE FROM sqlite_sequence WHERE name = {_literal(scratch)}",
        f"INSERT INTO sqlite_sequence (name, seq) SELECT {_literal(scratch)}, seq "
        f"FROM sqlite_sequence WHERE name = {_literal(table)}",
    )


def _is_virtual(catalog: Catalog, table: str) -> bool:
    return catalog.parts.get((table, "table", table), "").upper().startswith("USING ")


def _column(definition: str) -> dict[str, str | None]:
    match = _COLUMN.fullmatch(definition)
    if match is None:
        raise SchemaError(f"a column that can't be repaired: {definition}")
    return match.groupdict()


def _literal(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"

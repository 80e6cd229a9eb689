"""Creates, upgrades, prints and verifies schemas from the files under ``sql/``.

A store's folder holds ``schema.sql`` (everything, for a new database) and ``upgrades/`` (steps for
databases that exist: ``0002_what_it_does.sql`` leads from version 1 to 2). The table
``_schema_versions`` says which version of each store a database has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aragora_sql.database import Connection, Database, Dialect
from aragora_sql.database.values import utc_now
from aragora_sql.errors import SchemaError, SchemaMismatchError, SchemaVersionError
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import read_sql, sql_dir, sql_folder, store_dir
from aragora_sql.queries.parameters import Token, scan

if TYPE_CHECKING:
    from aragora_sql.queries.typed.schema_versions import SchemaVersionsQueries

__all__ = [
    "Difference",
    "SchemaPlan",
    "apply_schema",
    "describe_catalog",
    "initialize_store",
    "latest_version",
    "plan_schema",
    "render_schema",
    "store_names",
    "table_names",
    "verify_schema",
]

# The table of versions is a schema of its own, which all others need.
VERSIONS: Final = "schema_versions"
VERSIONS_TABLE = "_schema_versions"

_INCLUDE = re.compile(r"^(?:--\s*)?\\ir\s+(?P<path>\S+)\s*$", re.MULTILINE)
_UPGRADE = re.compile(r"(?P<number>\d{4})_\w+\.sql")
_CREATE_TABLE = re.compile(
    r"^CREATE TABLE IF NOT EXISTS (?P<name>\w+) \((?P<body>.*?)^\)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_COLUMN = re.compile(r"^ {4}(?!CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE)(\w+) \w", re.MULTILINE)

CatalogKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a database lacks or has otherwise than the schema files.

    ``kind`` is table, column, constraint, index, trigger, view or version; ``found`` is None when
    it is missing.
    """

    table: str
    kind: str
    name: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}"
        if self.kind != "table":
            what += f" of {self.table}"
        if self.found is None:
            return f"missing {what}" + ("" if self.kind == "table" else f": {self.expected}")
        return f"different {what}: expected {self.expected}, found {self.found}"

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "table": self.table,
            "kind": self.kind,
            "name": self.name,
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """What creating or upgrading a store's schema does: from a version (None: absent) to one."""

    store: str
    present: int | None
    latest: int

    def describe(self, *, done: bool) -> str:
        """Say it in a few words, as a plan or as what was done."""
        if self.present == self.latest:
            return f"version {self.latest} is there"
        if self.present is None:
            return f"{'created' if done else 'would be created'} at version {self.latest}"
        verb = "upgraded" if done else "would be upgraded"
        return f"{verb} from version {self.present} to {self.latest}"

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {"store": self.store, "present": self.present, "latest": self.latest}


def store_names(dialect: Dialect, root: Path | None = None) -> list[str]:
    """Return the stores of the unified schema in the order in which they have to be created."""
    return [name for name in _included(dialect, root or sql_dir()) if name != VERSIONS]


def _included(dialect: Dialect, root: Path) -> list[str]:
    master = root / dialect / "schema.sql"
    return [Path(match["path"]).parent.name for match in _INCLUDE.finditer(read_sql(master))]


def table_names(store: str, dialect: Dialect, root: Path | None = None) -> list[str]:
    """Return the tables of a store in the order of its schema file: parents before children."""
    text = _schema_text(store, dialect, root or sql_dir())
    return [match["name"] for match in _CREATE_TABLE.finditer(text)]


def render_schema(dialect: Dialect, root: Path | None = None) -> str:
    """Return the unified schema as one script, for tools that know no ``\\ir``."""
    root = root or sql_dir()
    master = root / dialect / "schema.sql"
    return _INCLUDE.sub(
        lambda match: f"-- {match['path']}\n\n{read_sql(master.parent / match['path']).strip()}\n",
        read_sql(master),
    )


def _schema_text(store: str, dialect: Dialect, root: Path) -> str:
    return read_sql(store_dir(store, dialect, root) / "schema.sql")


def _upgrades(store: str, dialect: Dialect, root: Path) -> dict[int, Path]:
    """Return the upgrade files by the version that each leads to."""
    files: dict[int, Path] = {}
    for path in sorted((store_dir(store, dialect, root) / "upgrades").glob("*.sql")):
        match = _UPGRADE.fullmatch(path.name)
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


def latest_version(store: str, dialect: Dialect, root: Path | None = None) -> int:
    """Return the version of a store's schema that the SQL files lead to."""
    return max(_upgrades(store, dialect, root or sql_dir()), default=1)


async def plan_schema(
    database: Database, stores: Sequence[str] | None = None, root: Path | None = None
) -> list[SchemaPlan]:
    """Return what :func:`apply_schema` would do, without doing it.

    Raises what it would raise for a newer database or a foreign table in the way.
    """
    root = root or sql_dir()
    names = store_names(database.dialect, root) if stores is None else stores
    queries = _version_queries(database.dialect, _versions_root(database.dialect, root))
    plans = []
    async with database.read() as connection:
        for name in names:
            present = await _version(connection, queries, name)
            latest = latest_version(name, database.dialect, root)
            _refuse_newer(name, present, latest)
            if present is None:
                text = _schema_text(name, database.dialect, root)
                await _refuse_foreign_tables(connection, queries, name, text)
            plans.append(SchemaPlan(store=name, present=present, latest=latest))
    return plans


def _refuse_newer(store: str, present: int | None, latest: int) -> None:
    if present is not None and present > latest:
        raise SchemaVersionError(
            f"store {store!r}: the database has schema version {present}, and this release knows "
            f"versions up to {latest}; install a newer aragora-sql"
        )


async def apply_schema(
    database: Database, stores: Sequence[str] | None = None, root: Path | None = None
) -> dict[str, int]:
    """Create or upgrade several stores (default: all) and return their versions."""
    names = store_names(database.dialect, root) if stores is None else stores
    return {name: await initialize_store(database, name, root) for name in names}


async def initialize_store(database: Database, store: str, root: Path | None = None) -> int:
    """Create a store's tables, or upgrade them, and return the version that is there then.

    Any number of processes may do this at once: one works, the others wait and find it done. Each
    step is a transaction. Raises :class:`SchemaVersionError` when the database is newer than the
    SQL files, and :class:`SchemaMismatchError` when another program's table has the name of one of
    ours.
    """
    root = root or sql_dir()
    latest = latest_version(store, database.dialect, root)
    queries = _version_queries(database.dialect, _versions_root(database.dialect, root))
    async with database.read() as connection:
        version = await _version(connection, queries, store)
    while version != latest:
        async with database.transaction() as connection:
            await queries.lock_schema(connection)
            version = await _version(connection, queries, store)
            _refuse_newer(store, version, latest)
            if version is None:
                version = await _create(connection, queries, store, root, database.dialect)
            elif version < latest:
                version += 1
                path = _upgrades(store, database.dialect, root)[version]
                await connection.run_script(f"{store}/{path.name}", read_sql(path))
                await queries.set_version(
                    connection, module=store, version=version, updated_at=utc_now()
                )
    return version


def _version_queries(dialect: Dialect, root: Path | None) -> SchemaVersionsQueries:
    return load_queries(VERSIONS, dialect, root)


def _versions_root(dialect: Dialect, root: Path) -> Path | None:
    """Return ``root`` when it holds the table of versions, else None for the tree in use."""
    return root if sql_folder(VERSIONS, dialect, root).is_dir() else None


async def _version(
    connection: Connection, queries: SchemaVersionsQueries, store: str
) -> int | None:
    if not await queries.has_versions(connection):
        return None
    return await queries.get_version(connection, module=store)


async def _create(
    connection: Connection, queries: SchemaVersionsQueries, store: str, root: Path, dialect: Dialect
) -> int:
    versions_root = _versions_root(dialect, root) or sql_dir()
    await connection.run_script(VERSIONS, _schema_text(VERSIONS, dialect, versions_root))
    text = _schema_text(store, dialect, root)
    await _refuse_foreign_tables(connection, queries, store, text)
    await connection.run_script(f"{store}/schema.sql", text)
    version = latest_version(store, dialect, root)
    await queries.set_version(connection, module=store, version=version, updated_at=utc_now())
    return version


async def _refuse_foreign_tables(
    connection: Connection, queries: SchemaVersionsQueries, store: str, text: str
) -> None:
    """Raise when a table or view of another program has the name of one of the store's tables."""
    present: dict[str, set[str]] = {}
    views: set[str] = set()
    async for row in queries.list_columns(connection):
        present.setdefault(row["table_name"], set()).add(row["column_name"])
        if not row["is_table"]:
            views.add(row["table_name"])
    for table in _CREATE_TABLE.finditer(text):
        name = table["name"]
        columns = present.get(name)
        if columns is None:
            continue
        missing = [column for column in _COLUMN.findall(table["body"]) if column not in columns]
        if missing or name in views:
            why = "it is a view" if name in views else f"it has no column {', '.join(missing)}"
            raise SchemaMismatchError(
                f"store {store!r}: a table {name!r} of another program is in the way: {why}. "
                "Rename it, or use another schema (search_path) or file"
            )


async def describe_catalog(
    connection: Connection, dialect: Dialect, root: Path | None = None
) -> dict[CatalogKey, str]:
    """Return what a database holds, as text by (table, kind, name).

    Two databases with equal descriptions have the same tables, columns in any order, constraints,
    indexes, triggers and (PostgreSQL) comments.
    """
    queries = _version_queries(dialect, root)
    catalog: dict[CatalogKey, str] = {}
    async for row in queries.describe_catalog(connection):
        table, kind, name = row["table_name"], row["kind"], row["name"]
        if dialect == "sqlite" and kind == "table":
            # An added column stands behind the constraints: compare the parts, not their order.
            catalog[table, kind, name] = " ".join(sorted(_table_parts(row["definition"])))
        else:
            catalog[table, kind, name] = " ".join(row["definition"].split())
    return catalog


def _table_parts(sql: str) -> list[str]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in scan(sql, "sqlite"):
        if token.kind == "comment":
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        at_edge = (token.text == "(" and depth == 1) or (token.text == ")" and depth == 0)
        if at_edge or (token.text == "," and depth == 1):
            parts.append([])
        else:
            parts[-1].append(token)
    # the head names the table; an ALTER TABLE may have quoted it
    return [" ".join(token.text for token in part) for part in parts[1:] if part]


class _ScratchOverError(Exception):
    """Ends the transaction of the scratch tables, so that nothing of them stays."""


async def verify_schema(
    database: Database, stores: Sequence[str] | None = None, root: Path | None = None
) -> list[Difference]:
    """Compare a database with the schema files and return what it lacks or has otherwise.

    On PostgreSQL the files are applied to temporary tables in a transaction that is rolled back, so
    both sides are described by the same server; this needs no right but that to temporary tables,
    which all roles have unless it was taken from them. Tables and indexes that are not ours are not
    looked at. Nothing is changed.
    """
    dialect = database.dialect
    names = store_names(dialect, root) if stores is None else list(stores)
    expected = await _expected_catalog(database, names, root or sql_dir())
    queries = _version_queries(dialect, root)
    async with database.read() as connection:
        found = await describe_catalog(connection, dialect, root)
        versions = {name: await _version(connection, queries, name) for name in names}
    differences = [
        Difference(
            table=VERSIONS_TABLE,
            kind="version",
            name=name,
            expected=str(latest_version(name, dialect, root)),
            found=None if version is None else str(version),
        )
        for name, version in versions.items()
        if version != latest_version(name, dialect, root)
    ]
    for (table, kind, name), definition in sorted(expected.items()):
        present = found.get((table, kind, name))
        # Of a missing table nothing else is listed.
        if present != definition and (kind == "table" or (table, "table", table) in found):
            differences.append(Difference(table, kind, name, definition, present))
    return differences


async def _expected_catalog(
    database: Database, stores: Sequence[str], root: Path
) -> dict[CatalogKey, str]:
    if database.dialect == "sqlite":
        from aragora_sql.database.sqlite import SQLiteDatabase

        model = SQLiteDatabase(":memory:")
        try:
            async with model.connection() as connection:
                return await _catalog_of_files(connection, stores, "sqlite", root)
        finally:
            await model.close()
    expected: dict[CatalogKey, str] = {}
    try:
        async with database.transaction() as connection:
            await connection.run_script(
                "scratch schema",
                # Where any role may create tables.
                "SET LOCAL search_path = pg_temp",
            )
            expected = await _catalog_of_files(connection, stores, "postgres", root)
            raise _ScratchOverError
    except _ScratchOverError:
        return expected


async def _catalog_of_files(
    connection: Connection, stores: Sequence[str], dialect: Dialect, root: Path
) -> dict[CatalogKey, str]:
    for store in (VERSIONS, *stores):
        await connection.run_script(f"{store}/schema.sql", _schema_text(store, dialect, root))
    return await describe_catalog(connection, dialect, root)

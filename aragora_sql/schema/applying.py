"""Creates and upgrades stores. Where the version is current nothing is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database, Dialect
from aragora_sql.database.values import utc_now
from aragora_sql.errors import SchemaError, SchemaMismatchError, SchemaVersionError
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.files import (
    COLUMN,
    CREATE_TABLE,
    VERSIONS,
    latest_version,
    schema_text,
    store_names,
    table_names,
    versions_root,
    with_needed_stores,
)
from aragora_sql.schema.rights import (
    present_version,
    present_version_and_state,
    refuse_without_create,
    refuse_without_ownership,
    version_queries,
)
from aragora_sql.schema.steps import Report, Steps
from aragora_sql.schema.upgrades import UpgradeFile, read_upgrade, upgrade_paths

if TYPE_CHECKING:
    from aragora_sql.queries.typed.schema_versions import SchemaVersionsQueries

__all__ = ["SchemaPlan", "apply_schema", "initialize_store", "plan_schema"]


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


async def plan_schema(
    database: Database, stores: Sequence[str] | None = None, root: Path | None = None
) -> list[SchemaPlan]:
    """Return what :func:`apply_schema` would do, without doing it.

    Stores that foreign keys of the named ones need are among them.

    Raises what it would raise for a newer database, a foreign table in the way, an upgrade file
    that can't be applied and rights that the role lacks.
    """
    root = root or sql_dir()
    dialect = database.dialect
    names = store_names(dialect, root) if stores is None else stores
    names = with_needed_stores(names, dialect, root)
    queries = version_queries(dialect, root)
    plans = []
    async with database.read() as connection:
        for name in names:
            present = await present_version(connection, queries, name)
            latest = latest_version(name, dialect, root)
            work = _StoreWork(database, name, root)
            if present is None:
                await work.refuse_creation(connection)
            elif present != latest:
                await work.refuse_upgrade(connection, present)
            plans.append(SchemaPlan(store=name, present=present, latest=latest))
    return plans


async def apply_schema(
    database: Database,
    stores: Sequence[str] | None = None,
    root: Path | None = None,
    *,
    report: Report | None = None,
) -> dict[str, int]:
    """Create or upgrade several stores (default: all) and return their versions.

    Stores that foreign keys of the named ones need are made before them, and are in the answer.
    ``report`` is told of each step in a sentence; by default the log is.
    """
    names = store_names(database.dialect, root) if stores is None else stores
    names = with_needed_stores(names, database.dialect, root)
    return {name: await initialize_store(database, name, root, report=report) for name in names}


async def initialize_store(
    database: Database, store: str, root: Path | None = None, *, report: Report | None = None
) -> int:
    """Create a store's tables, or upgrade them, and return the version that is there then.

    Stores that its foreign keys need are created or upgraded before it.
    Any number of processes may do this at once: one works, the others wait and find it done. Each
    upgrade file is a transaction, and runs without a time limit. ``report`` is told of each step.

    Raises :class:`SchemaVersionError` when the database is newer than the SQL files,
    :class:`SchemaMismatchError` when another program's table has the name of one of ours,
    :class:`SchemaRightsError` when the role lacks a right, :class:`QueryFileError` for an upgrade
    file that can't be applied in one piece (nothing was run then) and :class:`LockTimeoutError`
    when others kept a lock for minutes.
    """
    root = root or sql_dir()
    latest = latest_version(store, database.dialect, root)
    queries = version_queries(database.dialect, root)
    async with database.read() as connection:
        version, state = await present_version_and_state(connection, queries, store)
    if version == latest and state != "older":
        return version
    *needed, _ = with_needed_stores([store], database.dialect, root)
    for name in needed:
        await _StoreWork(database, name, root, report=report).run()
    return await _StoreWork(database, store, root, report=report).run()


class _StoreWork:
    """The steps that lead one store to the version of the files."""

    _queries: SchemaVersionsQueries

    def __init__(
        self, database: Database, store: str, root: Path, *, report: Report | None = None
    ) -> None:
        self._database = database
        self._dialect: Dialect = database.dialect
        self._store = store
        self._root = root
        self._queries = version_queries(database.dialect, root)
        self._latest = latest_version(store, database.dialect, root)
        tables = table_names(store, database.dialect, root)
        self._steps = Steps(database, store, tables, root, report)

    async def run(self) -> int:
        """Make the missing steps; return the version that is there then."""
        while True:
            version = await self._next_step()
            if version == self._latest:
                return version

    async def refuse_creation(self, connection: Connection) -> None:
        """Raise what creating the store would raise."""
        if self._dialect == "postgres":
            await refuse_without_create(connection, self._queries)
        text = schema_text(self._store, self._dialect, self._root)
        present: dict[str, set[str]] = {}
        views: set[str] = set()
        async for row in self._queries.list_columns(connection):
            present.setdefault(row["table_name"], set()).add(row["column_name"])
            if not row["is_table"]:
                views.add(row["table_name"])
        for table in CREATE_TABLE.finditer(text):
            name = table["name"]
            columns = present.get(name)
            if columns is None:
                continue
            missing = [column for column in COLUMN.findall(table["body"]) if column not in columns]
            if missing or name in views:
                why = "it is a view" if name in views else f"it has no column {', '.join(missing)}"
                raise SchemaMismatchError(
                    f"store {self._store!r}: a table {name!r} of another program is in the way: "
                    f"{why}. Rename it, or use another schema (search_path) or file"
                )

    async def refuse_upgrade(self, connection: Connection, present: int) -> None:
        """Raise what upgrading the store would raise, before its first statement."""
        if present > self._latest:
            raise SchemaVersionError(
                f"store {self._store!r}: the database has schema version {present}, and this "
                f"release knows versions up to {self._latest}; install a newer aragora-sql"
            )
        self._missing_upgrades(present)
        if self._dialect == "postgres":
            await refuse_without_ownership(
                connection,
                self._queries,
                self._store,
                table_names(self._store, self._dialect, self._root),
            )

    def _missing_upgrades(self, present: int) -> list[UpgradeFile]:
        """Read all that are to be run, so that a wrong one is refused before the first is."""
        paths = upgrade_paths(self._store, self._dialect, self._root)
        return [
            read_upgrade(path, self._dialect) for number, path in paths.items() if number > present
        ]

    async def _next_step(self) -> int:
        """Create the store, or make one upgrade; return the version that is there then."""
        alone: UpgradeFile | None = None

        async def step(connection: Connection) -> int:
            nonlocal alone
            version, state = await present_version_and_state(connection, self._queries, self._store)
            if state == "older":
                await self._add_keys(connection)
            if version is None:
                return await self._create(connection)
            if version == self._latest:
                return version
            await self.refuse_upgrade(connection, version)
            upgrade = self._missing_upgrades(version)[0]
            if not upgrade.in_transaction or upgrade.keys_off:
                alone = upgrade
                return version
            return await self._upgrade(connection, upgrade, version + 1)

        version = await self._steps.in_transaction(step)
        if alone is None:
            return version
        if alone.keys_off:
            return await self._run_without_keys(alone, version + 1)
        return await self._run_alone(alone, version + 1)

    async def _create(self, connection: Connection) -> int:
        await self.refuse_creation(connection)
        if await self._queries.find_versions(connection) == "absent":
            await self._make_versions(connection)
        text = schema_text(self._store, self._dialect, self._root)
        await connection.run_script(f"{self._store}/schema.sql", text, unlimited=True)
        return await self._record(connection, self._latest)

    async def _make_versions(self, connection: Connection) -> None:
        root = versions_root(self._dialect, self._root)
        await connection.run_script(VERSIONS, schema_text(VERSIONS, self._dialect, root))

    async def _add_keys(self, connection: Connection) -> None:
        """Add the table of transactions with a key to what an earlier release has made."""
        if self._dialect == "postgres":
            await refuse_without_create(connection, self._queries)
        await self._make_versions(connection)

    async def _upgrade(self, connection: Connection, upgrade: UpgradeFile, version: int) -> int:
        async with self._steps.progress(f"upgrade to version {version} ({upgrade.path.name})"):
            name = f"{self._store}/{upgrade.path.name}"
            await connection.run_script(name, upgrade.text, unlimited=True)
        return await self._record(connection, version)

    async def _record(self, connection: Connection, version: int) -> int:
        await self._queries.set_version(
            connection, module=self._store, version=version, updated_at=utc_now()
        )
        return version

    async def _run_without_keys(self, upgrade: UpgradeFile, version: int) -> int:
        """Make an upgrade in which foreign keys do nothing, and count after it what they miss."""
        async with self._steps.outside_transaction(str(upgrade.path)) as connection:
            before = await self._queries.count_broken_references(connection)
            # That can't be said in a transaction.
            await connection.run_script("foreign keys", "PRAGMA foreign_keys = OFF")
            async with self._database.transaction() as inside:
                present = await present_version(inside, self._queries, self._store)
                if present is not None and present >= version:
                    return present
                await self._upgrade(inside, upgrade, version)
                broken = await self._queries.count_broken_references(inside)
                if broken > before:
                    raise SchemaError(
                        f"{upgrade.path}: {broken - before} rows would refer to rows that are not "
                        "there; nothing of it was kept"
                    )
                return version

    async def _run_alone(self, upgrade: UpgradeFile, version: int) -> int:
        """Run the statements of an upgrade one by one; those that were run already do no harm."""
        async with self._steps.outside_transaction(str(upgrade.path)) as connection:
            present = await present_version(connection, self._queries, self._store)
            if present is not None and present >= version:
                return present
            what = f"upgrade to version {version} ({upgrade.path.name})"
            async with self._steps.progress(what):
                for statement in upgrade.statements:
                    name = f"{self._store}/{upgrade.path.name}:{statement.line}"
                    await self._steps.run_statement(connection, name, statement)
            return await self._record(connection, version)

"""What the statements of upgrades lock, read and rewrite, and for how long: found by running them.

A statement that takes time in proportion to the rows of a table keeps the locks that its
transaction has, whatever statement took them: an ALTER TABLE that is done at once, before an index
is built, shuts the table for as long as the index takes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.filling import fillings, for_copy
from aragora_sql.engines.postgres_engine import PostgresEngine
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.schema.upgrades import UpgradeFile, UpgradeStatement

__all__ = ["Work", "measure"]

# From the strongest on: what each one keeps others from.
_LOCKS = {
    "AccessExclusiveLock": ("ACCESS EXCLUSIVE", "nobody reads or writes it"),
    "ExclusiveLock": ("EXCLUSIVE", "nobody writes it"),
    "ShareRowExclusiveLock": ("SHARE ROW EXCLUSIVE", "nobody writes it"),
    "ShareLock": ("SHARE", "nobody writes it"),
}
_STATE = """
SELECT
    c.relname,
    pg_catalog.pg_relation_filenode(c.oid),
    pg_catalog.pg_stat_get_xact_tuples_returned(c.oid),
    pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
    + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid),
    array(
        SELECT l.mode FROM pg_catalog.pg_locks AS l
        WHERE l.relation = c.oid AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
    )
FROM pg_catalog.pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relname = ANY(%s) AND c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What a statement does to a table that was there before its upgrade.

    ``table`` is what it worked on; ``locked`` is the table that was shut meanwhile, with ``lock``
    (both empty when none was); ``does`` is reads, rewrites or changes; ``seconds`` and ``rows`` are
    measured on generated rows, 0 rows where they were refused (``refusal`` says why).
    """

    store: str
    version: int
    line: int
    statement: str
    table: str
    does: str
    locked: str
    lock: str
    rows: int
    seconds: float
    refusal: str = ""

    @property
    def subject(self) -> str:
        """The table whose users wait."""
        return self.locked or self.table

    @property
    def lock_name(self) -> str:
        """The lock as SQL writes it; empty when none shuts a table."""
        return _LOCKS[self.lock][0] if self.lock else ""

    @property
    def is_validation(self) -> bool:
        """Whether it only reads rows, to see that they keep a new rule."""
        return self.does == "reads" and self.statement.startswith("ALTER TABLE")

    @property
    def pace(self) -> str:
        """How long it takes, in words."""
        if not self.rows:
            return f"not measured: {self.refusal}"
        per_second = self.rows / max(self.seconds, 1e-6)
        return f"{_rounded(per_second)} rows a second, {1e6 / per_second:.1f} s for a million"

    def warning(self) -> str | None:
        """Return what a DBA has to know before it is run; None when nobody waits for long."""
        if self.refusal:
            return None
        what = f"{self.statement} {self.does} {self.table} ({self.pace})"
        if self.locked:
            return (
                f"{what} while {self.locked} has the lock {self.lock_name}: "
                f"{_LOCKS[self.lock][1]} until it has committed"
            )
        if self.does == "changes":
            return f"{what}: whoever writes one of these rows waits until it has committed"
        return None


def _rounded(number: float) -> str:
    digits = max(0, len(str(int(number))) - 2)
    return f"{round(number, -digits):,.0f}".replace(",", " ")


def measure(
    engine: PostgresEngine,
    catalog: Catalog,
    files: Sequence[SchemaFile],
    upgrades: Sequence[tuple[str, UpgradeFile]],
) -> list[Work]:
    """Run upgrades, each of which begins at the version of ``files``, on filled tables.

    The rows break CHECK rules, which are put aside; each upgrade is undone.
    """
    engine.fill(fillings(catalog, files, for_copy), files)
    found: list[Work] = []
    for store, upgrade in upgrades:
        if not upgrade.in_transaction:
            continue  # one by one, and CONCURRENTLY: nobody waits for long
        tables = {t.name for t in catalog.values() if t.kind == "table"}
        with engine.connection.transaction(force_rollback=True):
            for statement in upgrade.statements:
                found += _run(engine.connection, store, upgrade, statement, tables)
    return found


def _run(
    connection: psycopg.Connection[Any],
    store: str,
    upgrade: UpgradeFile,
    statement: UpgradeStatement,
    tables: set[str],
) -> list[Work]:
    version = int(upgrade.path.name[:4])
    shown = _shown(statement)
    before = _state(connection, tables)
    started = time.perf_counter()
    try:
        with connection.transaction():
            connection.execute(statement.sql.encode())
    except psycopg.Error as error:
        why = error.diag.message_primary or str(error)
        name = statement.table or ""
        return [Work(store, version, statement.line, shown, name, "", "", "", 0, 0.0, why)]
    seconds = time.perf_counter() - started
    after = _state(connection, tables)
    found = []
    for name, (node, read, changed, _) in after.items():
        if name not in before:
            continue
        old_node, old_read, old_changed, _ = before[name]
        if node != old_node:
            does, rows = "rewrites", read - old_read
        elif changed > old_changed:
            does, rows = "changes", changed - old_changed
        elif read > old_read:
            does, rows = "reads", read - old_read
        else:
            continue
        locked, lock = _shut(name, after)
        found.append(
            Work(
                store, version, statement.line, shown, name, does, locked, lock, rows,
                round(seconds, 4),
            )
        )  # fmt: skip
    return found


def _shown(statement: UpgradeStatement) -> str:
    """Return the beginning of a statement, with the name of what it is about."""
    words = statement.words
    if statement.made_index is not None:
        return f"CREATE INDEX {statement.made_index}"
    if words[:2] == ("ALTER", "TABLE"):
        return f"ALTER TABLE {statement.table}"
    return " ".join((words[0], *statement.names[1 : 2 if words[0] == "UPDATE" else 3]))


State = Mapping[str, tuple[int, int, int, Sequence[str]]]


def _state(connection: psycopg.Connection[Any], tables: set[str]) -> State:
    rows = connection.execute(_STATE, (sorted(tables),)).fetchall()
    return {name: (node, read, changed, modes) for name, node, read, changed, modes in rows}


def _shut(worked_on: str, state: State) -> tuple[str, str]:
    """Return the table that is shut hardest, first of all the one that is worked on."""
    for lock in _LOCKS:
        for name in (worked_on, *sorted(state)):
            if name in state and lock in state[name][3]:
                return name, lock
    return "", ""

"""Stores the rows of a scene, in a transaction that is undone afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aragora_sql.checker.meaning.calls import Scene
from aragora_sql.checker.meaning.pair import Side, stored_rows
from aragora_sql.checker.meaning.table_rows import given, insertion
from aragora_sql.database import Connection, Statement
from aragora_sql.database import sqlite_statements as statements
from aragora_sql.database.sqlite import SQLiteConnection

__all__ = ["empty_sqlite", "stage", "stage_sqlite"]


async def stage(side: Side, connection: Connection, scene: Scene, written: Sequence[str]) -> Side:
    """Let the tables of a scene hold its rows alone; return the side as it is then.

    ``written`` are the tables whose rows are compared after a call.
    """
    if isinstance(connection, SQLiteConnection):
        return await connection.run_in_thread("scene", partial(stage_sqlite, side, scene, written))
    for name in reversed(list(scene.rows)):
        await connection.execute(_deletion(name), [])
    for name in scene.rows:
        if rows := scene.stored(name):
            statement, columns = insertion(side, name, list(rows[0]))
            await connection.execute_many(statement, [given(side, row, columns) for row in rows])
    await side.reset_numbers(connection, list(scene.rows))
    own = [name for name in written if name in scene.rows]
    initial = {name: await side.read_table(connection, name) for name in own}
    places = await side.places_of(connection, own) if own else []
    return _as_staged(side, initial, dict(zip(own, places, strict=True)))


def stage_sqlite(
    side: Side, scene: Scene, written: Sequence[str], driver: sqlite3.Connection
) -> Side:
    """Do the same in SQLite, on the thread of its driver."""
    empty_sqlite(driver, list(scene.rows))
    for name in scene.rows:
        if rows := scene.stored(name):
            statement, columns = insertion(side, name, list(rows[0]))
            statements.execute_many(driver, statement, [given(side, r, columns) for r in rows])
    own = [name for name in written if name in scene.rows]
    initial = {name: list(statements.fetch_all(driver, side.dump(name), {})) for name in own}
    places = dict(zip(own, stored_rows(own, driver), strict=True))
    return _as_staged(side, initial, places)


def empty_sqlite(driver: sqlite3.Connection, tables: Sequence[str]) -> None:
    """Delete the rows of some tables, parents before children; the next numbers begin anew."""
    for name in reversed(tables):
        driver.execute(f'DELETE FROM "{name}"')  # noqa: S608 - names of the catalog
    known = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"
    if driver.execute(known).fetchone() is not None:
        driver.execute("DELETE FROM sqlite_sequence")


def _deletion(name: str) -> Statement:
    return Statement(f"empty {name}", f'DELETE FROM "{name}"')  # noqa: S608 - names of the catalog


def _as_staged(side: Side, initial: dict[str, list[Any]], places: dict[str, list[Any]]) -> Side:
    return replace(side, initial={**side.initial, **initial}, places={**side.places, **places})

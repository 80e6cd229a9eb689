"""Calls that a tree keeps, and the tables as they are now.

A scene holds the tables of a query and those that point to them. Where a table came, went or got
other columns since, rows can't be stored or deleted as the scene says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aragora_sql.checker.meaning.calls import Call, Scene
from aragora_sql.checker.meaning.emptying import with_children
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.engines.catalog import Catalog

__all__ = ["fitted_scenes", "have_all_tables"]


def have_all_tables(calls: Iterable[Call], catalog: Catalog) -> bool:
    """Tell whether the scenes hold the tables that are there, and no others."""
    return all(
        scene.rows.keys() == set(with_children(scene.rows, [*scene.rows, *catalog], catalog))
        and scene.rows.keys() <= catalog.keys()
        for scene in {call.scene for call in calls}
        if scene is not None
    )


def fitted_scenes(
    calls: Iterable[Call], stored: Mapping[str, Sequence[Row]], catalog: Catalog
) -> tuple[Call, ...]:
    """Return calls on scenes of today's tables; those are left out of which one has rows no more.

    Tables that point to those of a scene are empty, and columns that are new have the values of a
    ``stored`` row. Calls of one scene have one again.
    """
    scenes = {call.scene for call in calls if call.scene is not None}
    fitted = {scene: _fitted(scene, stored, catalog) for scene in scenes}
    found = []
    for call in calls:
        if call.scene is None:
            found.append(call)
        elif (scene := fitted[call.scene]) is not None:
            found.append(call if scene is call.scene else Call(call.arguments, scene))
    return tuple(found)


def _fitted(scene: Scene, stored: Mapping[str, Sequence[Row]], catalog: Catalog) -> Scene | None:
    filled = {table: some for table, some in scene.rows.items() if some}
    if any(not stored.get(table) for table in filled):
        return None
    models = {table: stored[table][0] for table in filled}
    copied = scene.copies.items()
    if any(name not in models[table] for table, one in copied for name in one.columns):
        return None
    there = [table for table in scene.rows if table in stored]
    rows = {
        table: [
            {name: row.get(name, models[table][name]) for name in models[table]}
            for row in filled.get(table, ())
        ]
        for table in with_children(there, stored, catalog)
    }
    is_as_it_was = list(rows) == list(scene.rows) and all(
        row.keys() == models[table].keys() for table, some in filled.items() for row in some
    )
    return scene if is_as_it_was else Scene(rows, scene.copies)

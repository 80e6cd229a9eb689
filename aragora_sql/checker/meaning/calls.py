"""Calls of queries: their arguments, and the rows on which they are made where those are few.

Those that tell edits of a query from it are found by a search that takes longer than a check, so
the tree keeps them beside the answers: a line for each query, in ``sql/answers/<store>.jsonl``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from aragora_sql.checker.kept import kept_root
from aragora_sql.checker.meaning.rows import Row

__all__ = ["Call", "Copies", "KeptCalls", "Scene", "calls_path", "read_calls", "write_calls"]


@dataclass(frozen=True, slots=True)
class Copies:
    """How often a row is stored again, and the columns that have another value each time."""

    number: int
    columns: tuple[str, ...]

    def of(self, row: Row) -> Iterator[Row]:
        """Yield the copies of a row."""
        for place in range(1, self.number + 1):
            yield {**row, **{name: _another(row[name], place) for name in self.columns}}


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that some tables hold while a call is made, parents before children.

    The last one of the ``rows`` of a table of which there are ``copies`` is stored so many more
    times.
    """

    rows: Mapping[str, Sequence[Row]]
    copies: Mapping[str, Copies] = field(default_factory=dict)

    def stored(self, table: str) -> list[Row]:
        """Return all rows of a table."""
        rows = self.rows[table]
        return [*rows, *(self.copies[table].of(rows[-1]) if table in self.copies else ())]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """The arguments of a call by name; of ``*!`` a list of them.

    Without a ``scene`` it is made on the rows that all queries share.
    """

    arguments: Any
    scene: Scene | None = None


@dataclass(frozen=True, slots=True)
class KeptCalls:
    """The calls that a tree keeps of a query: each tells some edit of the query from it.

    ``of`` is the key of the texts and rows that they were found for, ``line`` what the file has.
    """

    of: str
    calls: tuple[Call, ...]
    line: str = field(repr=False)

    @classmethod
    def made(cls, query: str, of: str, calls: Sequence[Call]) -> Self:
        """Return calls that were found for a query."""
        return cls(of, tuple(calls), _line(query, of, calls))


def calls_path(root: Path, store: str) -> Path:
    """Return the file that keeps the calls of a store's queries."""
    return kept_root(root) / "answers" / f"{store}.jsonl"


def read_calls(root: Path, stores: Iterable[str]) -> dict[tuple[str, str], KeptCalls]:
    """Return the kept calls by store and query; a line that can't be read counts as none."""
    found: dict[tuple[str, str], KeptCalls] = {}
    for store in stores:
        path = calls_path(root, store)
        if not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                said = json.loads(line)
                scenes = [_scene(one) for one in said["scenes"]]
                calls = tuple(
                    Call(_read(arguments), None if place is None else scenes[place])
                    for arguments, place in said["calls"]
                )
                found[store, said["query"]] = KeptCalls(said["of"], calls, line)
            except (ValueError, KeyError, TypeError, IndexError):
                # Without it calls are searched for, as for a query that is new.
                continue
    return found


def write_calls(root: Path, store: str, kept: Mapping[str, KeptCalls]) -> None:
    """Write the calls of a store, by query."""
    path = calls_path(root, store)
    text = "".join(f"{one.line}\n" for _, one in sorted(kept.items()))
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _line(query: str, of: str, calls: Sequence[Call]) -> str:
    scenes = list({id(call.scene): call.scene for call in calls if call.scene}.values())
    places = {id(scene): place for place, scene in enumerate(scenes)}
    said = {
        "query": query,
        "of": of,
        "scenes": [
            {
                "rows": {t: [_written(row) for row in rows] for t, rows in scene.rows.items()},
                "copies": {t: [c.number, *c.columns] for t, c in scene.copies.items()},
            }
            for scene in scenes
        ],
        "calls": [
            [_written(call.arguments), None if call.scene is None else places[id(call.scene)]]
            for call in calls
        ],
    }
    return json.dumps(said, separators=(",", ":"))


def _scene(said: Any) -> Scene:
    copies = {
        table: Copies(number, tuple(names)) for table, (number, *names) in said["copies"].items()
    }
    return Scene({t: [_read(row) for row in rows] for t, rows in said["rows"].items()}, copies)


def _another(value: Any, place: int) -> Any:
    """Return a value that no other place has; NULL stays what it is."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value + timedelta(microseconds=place)
    return value + place if isinstance(value, int) else f"{value}.{place}"


def _written(value: Any) -> Any:
    """Return a value in a form that JSON can hold; what it has no form for gets a name."""
    if isinstance(value, datetime):
        return {"$timestamp": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, UUID):
        return {"$uuid": str(value)}
    if isinstance(value, Mapping):
        return {name: _written(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_written(one) for one in value]
    return value


_READ = {
    "$timestamp": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$bytes": bytes.fromhex,
    "$uuid": UUID,
}


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            (name, inner), *_ = value.items()
            if name in _READ:
                return _READ[name](inner)
        return {name: _read(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_read(one) for one in value]
    return value

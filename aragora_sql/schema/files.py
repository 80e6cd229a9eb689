"""The schema files under ``sql/``: which stores there are, in which order, and at which version.

A store's folder holds ``schema.sql`` (everything, for a new database) and ``upgrades/`` (steps for
databases that exist: ``0002_what_it_does.sql`` leads from version 1 to 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from aragora_sql.database import Dialect
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import read_sql, sql_dir, sql_folder, store_dir
from aragora_sql.schema.upgrades import upgrade_paths

__all__ = [
    "COLUMN",
    "CREATE_TABLE",
    "VERSIONS",
    "VERSIONS_TABLE",
    "check_versions",
    "latest_version",
    "list_stores",
    "render_schema",
    "schema_text",
    "store_names",
    "table_names",
    "versions_root",
    "with_needed_stores",
]

# The table of versions is a schema of its own, which all others need.
VERSIONS: Final = "schema_versions"
VERSIONS_TABLE = "_schema_versions"

CREATE_TABLE = re.compile(
    r"^CREATE TABLE IF NOT EXISTS (?P<name>\w+) \((?P<body>.*?)^\)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
# Stores whose tables queries of this store read.
_NEEDS = re.compile(r"^-- needs: (?P<stores>\w+(?:, \w+)*) because ", re.MULTILINE)
_REFERENCE = re.compile(r"\bREFERENCES\s+\"?(?P<table>\w+)", re.IGNORECASE)
COLUMN = re.compile(r"^ {4}(?!CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE)(\w+) \w", re.MULTILINE)
_INCLUDE = re.compile(r"^(?:--\s*)?\\ir\s+(?P<path>\S+)\s*$", re.MULTILINE)
_INCLUDE_LINE = re.compile(rf"{_INCLUDE.pattern}\n", re.MULTILINE)
# What psql alone understands: a store between \if and \endif, and a query whose answer it keeps.
_GUARDED = re.compile(r"^\\if :make_(?P<store>\w+)\n\\ir (?P<path>\S+)\n\\endif$\n?", re.MULTILINE)
_GUARDED_LINES = re.compile(r"(?:^\\if :make_\w+\n(?:\\ir \S+\n)*\\endif\n)+", re.MULTILINE)
_VERSION_LINES = re.compile(r"(?:^    \('\w+', \d+\),?\n)+", re.MULTILINE)
_FLAG_LINES = re.compile(
    r"(?:^    current_setting\('aragora\.make_\w+'\) AS make_\w+,?\n)+", re.MULTILINE
)
_KEPT_ANSWER = re.compile(r"^SELECT[^;]*?^\\gset\n", re.MULTILINE)
# The script around a store that does nothing where the store is there.
_ONCE = "once.sql"
_ONCE_SETTING, _ONCE_SCRIPT = "aragora.make_store", "$store$$store$"

_RECORDED = re.compile(
    r"^INSERT INTO _schema_versions \(module, version\) "
    r"VALUES\s*\('(?P<store>\w+)', (?P<version>\d+)\)",
    re.MULTILINE,
)
_EXPECTED = re.compile(r"^    \('(?P<store>\w+)', (?P<version>\d+)\)[,;)]?", re.MULTILINE)


def store_names(dialect: Dialect, root: Path | None = None) -> list[str]:
    """Return the stores of the unified schema in the order in which they have to be created."""
    master = (root or sql_dir()) / dialect / "schema.sql"
    names = [Path(match["path"]).parent.name for match in _INCLUDE.finditer(read_sql(master))]
    return [name for name in names if name != VERSIONS]


def table_names(store: str, dialect: Dialect, root: Path | None = None) -> list[str]:
    """Return the tables of a store in the order of its schema file: parents before children."""
    return list(_tables_of(schema_text(store, dialect, root or sql_dir())))


@lru_cache(maxsize=256)
def _tables_of(text: str) -> tuple[str, ...]:
    return tuple(match["name"] for match in CREATE_TABLE.finditer(text))


def with_needed_stores(
    stores: Iterable[str], dialect: Dialect, root: Path | None = None
) -> list[str]:
    """Return stores, each behind those that it needs, whether these were named or not.

    A store needs those that its foreign keys refer to, and those that a line ``-- needs:`` of its
    schema file names, because its queries read their tables.

    Otherwise they stay in their order.
    """
    root = root or sql_dir()
    found: dict[str, None] = {}

    def add(name: str, waiting: frozenset[str]) -> None:
        if name in found or name in waiting:
            return
        for needed in _needed(name, dialect, root):
            add(needed, waiting | {name})
        found[name] = None

    for name in stores:
        add(name, frozenset())
    return list(found)


def _needed(store: str, dialect: Dialect, root: Path) -> list[str]:
    """Return the stores that a schema file says it needs, or its foreign keys refer to."""
    named, targets = _needs_of(schema_text(store, dialect, root))
    if not targets and not named:
        return []
    return [
        name
        for name in store_names(dialect, root)
        if name in named or targets.intersection(table_names(name, dialect, root))
    ]


@lru_cache(maxsize=256)
def _needs_of(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stores that a schema file names, and the tables of others that it refers to."""
    named = {name for match in _NEEDS.finditer(text) for name in match["stores"].split(", ")}
    code = re.sub(r"--[^\n]*", "", text)
    targets = {match["table"] for match in _REFERENCE.finditer(code)}
    return frozenset(named), frozenset(targets.difference(_tables_of(text)))


def schema_text(store: str, dialect: Dialect, root: Path) -> str:
    """Return the script that creates a store."""
    return read_sql(store_dir(store, dialect, root) / "schema.sql")


def latest_version(store: str, dialect: Dialect, root: Path | None = None) -> int:
    """Return the version of a store's schema that the SQL files lead to."""
    return max(upgrade_paths(store, dialect, root or sql_dir()), default=1)


def versions_root(dialect: Dialect, root: Path) -> Path:
    """Return ``root`` when it holds the table of versions, else the tree in use."""
    return root if sql_folder(VERSIONS, dialect, root).is_dir() else sql_dir()


def render_schema(
    dialect: Dialect, root: Path | None = None, stores: Iterable[str] | None = None
) -> str:
    """Return the unified schema as one script, for tools that know none of psql's commands.

    Like the file that psql runs, it does nothing and locks nothing where a store is there.
    ``stores`` are those to make, with those that their foreign keys need (default: all).
    """
    root = root or sql_dir()
    master = root / dialect / "schema.sql"
    text = read_sql(master)
    if stores is not None:
        wanted = set(with_needed_stores(stores, dialect, root))
        names = [name for name in store_names(dialect, root) if name in wanted]
        text = f"-- Of it only: {', '.join(names)}.\n{_part(text, names, dialect, root)}"

    def once(match: re.Match[str]) -> str:
        store, script = match["store"], read_sql(master.parent / match["path"]).strip()
        _, _, wrapper = read_sql(sql_folder(VERSIONS, dialect, root) / _ONCE).partition("\n\n")
        wrapper = wrapper.replace(_ONCE_SETTING, f"aragora.make_{store}")
        quoted = f"${store}$\n{script}\n${store}$"
        return f"-- {match['path']}\n\n" + wrapper.replace(_ONCE_SCRIPT, quoted) + "\n"

    text = _GUARDED.sub(once, _KEPT_ANSWER.sub("", text))
    return _INCLUDE.sub(
        lambda match: f"-- {match['path']}\n\n{read_sql(master.parent / match['path']).strip()}\n",
        text,
    )


def _part(text: str, names: Iterable[str], dialect: Dialect, root: Path) -> str:
    """Return the text of a unified schema that makes some stores only."""
    versions = {name: latest_version(name, dialect, root) for name in names}
    kept = {VERSIONS, *versions}
    return _INCLUDE_LINE.sub(
        lambda match: match[0] if Path(match["path"]).parent.name in kept else "",
        list_stores(text, versions),
    )


def list_stores(master: str, versions: Mapping[str, int]) -> str:
    """Put stores, in their order and with their versions, into the text of a unified schema."""
    names = [VERSIONS, *versions]
    parts = {
        _VERSION_LINES: [f"    ('{name}', {number})" for name, number in versions.items()],
        _FLAG_LINES: [f"    current_setting('aragora.make_{n}') AS make_{n}" for n in names],
    }
    for pattern, lines in parts.items():
        master = pattern.sub(lambda _, lines=lines: ",\n".join(lines) + "\n", master)  # type: ignore[misc]

    def guarded(block: re.Match[str]) -> str:
        paths = {one["store"]: one["path"] for one in _GUARDED.finditer(block[0])}
        paths |= {name: f"{name}/schema.sql" for name in versions}
        return "".join(f"\\if :make_{n}\n\\ir {paths[n]}\n\\endif\n" for n in names if n in paths)

    return _GUARDED_LINES.sub(guarded, master)


def check_versions(dialect: Dialect, root: Path) -> list[QueryFileError]:
    """Return what the files of a tree say otherwise than its upgrades about the stores' versions.

    A store's ``schema.sql`` records the version, and so does the list of the file that psql runs.
    """
    problems: list[QueryFileError] = []
    master = root / dialect / "schema.sql"
    names = store_names(dialect, root)
    listed = {match["store"]: match for match in _EXPECTED.finditer(read_sql(master))}
    texts = {store: read_sql(sql_folder(store, dialect, root) / "schema.sql") for store in names}
    is_recorded = any(_RECORDED.search(text) for text in texts.values())
    for store in names:
        path = sql_folder(store, dialect, root) / "schema.sql"
        latest = latest_version(store, dialect, root)
        places = [(path, match) for match in _RECORDED.finditer(texts[store])]
        if is_recorded and not places:
            problem = f"no line records that it makes version {latest} of {store!r}"
            problems.append(QueryFileError(path, None, problem))
        if listed and store not in listed:
            problems.append(QueryFileError(master, None, f"its list of versions lacks {store!r}"))
        elif listed:
            places.append((master, listed[store]))
        problems += [
            QueryFileError(
                place,
                match.string.count("\n", 0, match.start()) + 1,
                f"version {match['version']} of {match['store']!r}: the upgrades lead to {latest}",
            )
            for place, match in places
            if (match["store"], int(match["version"])) != (store, latest)
        ]
    return problems

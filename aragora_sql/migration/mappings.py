"""Reads ``sql/legacy/<store>.sql``: named SELECTs that map older tables onto today's.

A query's comment describes it in lines with a colon, which docs/migration.md explains. A new store
needs such a file and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import QueryText, read_queries, sql_dir
from aragora_sql.schema import store_names

__all__ = [
    "MAPPING_WORDS",
    "Mapping",
    "Merge",
    "bad_mapping",
    "load_mappings",
    "migratable_stores",
    "own_mapping",
    "read_mapping",
]

PARAMETERS = {"first_rowid", "last_rowid"}
NOTE_PREFIX = "note_"
ROWID_COLUMN = "source_rowid"

# What a comment line of a mapping begins with, before a colon. "doubles" is how earlier releases
# wrote "duplicates"; "values" is for `aragora-sql check` alone.
MAPPING_WORDS = (
    *("from", "optional", "ignored", "without", "unpacks", "into", "key", "repeats"),
    *("duplicates", "doubles", "copies", "secrets", "cut", "expires", "merge", "order"),
    *("json", "unix", "utc"),
    "values",
)
_DIRECTIVE = re.compile(rf"(?P<name>{'|'.join(MAPPING_WORDS)}):\s*(?P<value>.+)")
_FROM = re.compile(r"(?P<table>\w+)\s*\((?P<columns>[^)]*)\)")
_NUMBER = re.compile(r"number (?P<column>\w+) by (?P<timestamp>\w+)")
_PREFER = re.compile(r"prefer (?P<column>\w+) = (?P<other>\w+)")
_KEEP = re.compile(
    r"keep (?P<given>given )?(?P<signs>\w+( or \w+)*)(?P<others>(, \w+)*?)( by (?P<same>\w+))?"
)
_MEAN = re.compile(r"mean (?P<column>\w+) by (?P<weight>\w+)")

Unique = Literal["first", "newest", "none", "renumber"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Columns that belong together, such as how something ended.

    Where the chosen row has none of the ``signs``, all ``columns`` come from the newest row that
    has one, and has the value of the chosen one in the column ``same``. What is NULL or false (0)
    is no sign; with ``given`` only what is NULL.
    """

    signs: tuple[str, ...]
    columns: tuple[str, ...]
    same: str | None = None
    given: bool = False

    def is_sign(self, value: object) -> bool:
        """Tell whether this value of one of the ``signs`` is one."""
        return value is not None if self.given else bool(value)


@dataclass(frozen=True, slots=True)
class Merge:
    """How rows of one key become one row.

    ``choice`` tells which of them it starts from: the ``newest`` by the column ``newest``, the
    ``first`` in the order of files, or none: all stay (``none``: only one of them can be stored,
    the others are rejected; ``renumber``: the later ones get new keys).
    ``fill`` columns that are NULL in it come from another row. Of rows that one file holds with
    different keys which became one, those that differ in a ``conflict`` column are rejected; those
    that differ in a ``distinct`` column are records of their own, and rejected in whatever file
    they are. Of such the one stays of which a row has equal values in the two ``prefer`` columns.
    Of rows of one time the one goes first in which the column ``without`` is NULL.
    ``number`` is a column that counts the rows of one first column of the key, and a timestamp:
    where two rows share a number they all are counted again, in the order of the timestamp. A text
    of a ``suffix`` column that another row has gets the next number behind it. Each of ``keep``
    are columns that come together from another row. Rows of a
    mapping that is ``last`` never go before those of others, and are stored after them.
    """

    choice: Unique = "first"
    newest: str | None = None
    earliest: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    mean: tuple[tuple[str, str], ...] = ()
    fill: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()
    distinct: tuple[str, ...] = ()
    prefer: tuple[str, str] | None = None
    number: tuple[str, str] | None = None
    suffix: tuple[str, ...] = ()
    keep: tuple[Kept, ...] = ()
    last: bool = False
    without: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """One shape of one older table and the SELECT that maps it.

    ``ignored`` columns are not read, because nothing but defaults is in them. ``key`` is empty when
    every column counts. ``json_text`` are columns that arrive as JSON text, ``unix`` are timestamps
    that arrive as seconds since 1970, ``utc`` are timestamps whose text without zone is UTC. With
    ``unpacks`` a row of the table gives any number of rows; with ``repeats`` a file may hold a key
    more than once, whatever its own rules say. ``duplicates`` are columns: rows of a file that
    differ in nothing else may be left out on request. ``order`` is the timestamp in whose order
    rows get the numbers that the target makes; without it that of a file's rows.

    ``copies`` are columns by which rows of one key in several files are told to be copies of one
    record; the word ``counters`` instead means copies whose counters only grew. ``secrets``
    are target columns whose values may hold secrets, ``cut`` references that become NULL where
    their row is missing. ``expires`` is the timestamp at which a row is over: what is may be left
    out on request.
    """

    store: str
    name: str
    path: Path
    line: int
    sql: str
    table: str
    required: frozenset[str]
    optional: frozenset[str]
    ignored: frozenset[str]
    without: frozenset[str]
    target: str
    key: tuple[str, ...]
    unpacks: bool
    repeats: bool
    duplicates: frozenset[str]
    copies: frozenset[str]
    secrets: frozenset[str]
    cut: frozenset[str]
    expires: str | None
    merge: Merge
    order: str | None
    json_text: frozenset[str]
    unix: frozenset[str]
    utc: frozenset[str]

    def fits(self, columns: frozenset[str]) -> bool:
        """Tell whether a table with these columns has this shape."""
        return self.required <= columns and not (self.without & columns)


def migratable_stores(root: Path | None = None) -> list[str]:
    """Return the stores that can be migrated: all of the schema, from databases of this package."""
    return sorted(store_names("postgres", root))


def load_mappings(store: str, root: Path | None = None) -> tuple[Mapping, ...]:
    """Read a store's mappings, in the order of the file: parents come before children.

    There are none when no older program kept such a store.
    Raises :class:`~aragora_sql.errors.QueryFileError` with file and line.
    """
    path = (root or sql_dir()) / "legacy" / f"{store}.sql"
    return _load(path) if path.exists() else ()


@cache
def _load(path: Path) -> tuple[Mapping, ...]:
    return tuple(read_mapping(path.stem, query) for query in read_queries(path, "sqlite").values())


def read_mapping(store: str, query: QueryText) -> Mapping:
    """Return what a query of a store's file says. Raises :class:`QueryFileError`."""
    found: dict[str, list[str]] = {}
    for line in query.doc.splitlines():
        match = _DIRECTIVE.fullmatch(line.strip())
        if match:
            found.setdefault(match["name"], []).append(match["value"].strip())
    for name in ("from", "into", "key"):
        if len(found.get(name, [])) != 1:
            raise query.error(f"a mapping needs one comment line '{name}: …'")
    source = _FROM.fullmatch(found["from"][0])
    if source is None:
        raise query.error("'from:' is not 'table (column, …)'")
    if set(query.parameters) != PARAMETERS or query.operation:
        raise query.error("a mapping is a SELECT that takes (first_rowid, last_rowid)")
    key = found["key"][0]
    return Mapping(
        store=store,
        name=query.name,
        path=query.path,
        line=query.line,
        sql=query.sql,
        table=source["table"],
        required=_names(source["columns"]),
        optional=_names(*found.get("optional", ())),
        ignored=_names(*found.get("ignored", ())),
        without=_names(*found.get("without", ())),
        target=found["into"][0],
        key=() if key == "all" else tuple(part.strip() for part in key.split(",")),
        unpacks="unpacks" in found,
        repeats="repeats" in found,
        duplicates=_names(*found.get("duplicates", ()), *found.get("doubles", ())),
        copies=_names(*found.get("copies", ())),
        secrets=_names(*found.get("secrets", ())),
        cut=_names(*found.get("cut", ())),
        expires=found.get("expires", [None])[0],
        merge=_merge(query, found.get("merge", [])),
        order=found.get("order", [None])[0],
        json_text=_names(*found.get("json", ())),
        unix=_names(*found.get("unix", ())),
        utc=_names(*found.get("utc", ())),
    )


def _names(*lists: str) -> frozenset[str]:
    return frozenset(part.strip() for text in lists for part in text.split(",") if part.strip())


def _merge(query: QueryText, lines: list[str]) -> Merge:
    choice: Unique = "first"
    newest: str | None = None
    earliest: list[str] = []
    add: list[str] = []
    mean: list[tuple[str, str]] = []
    fill: list[str] = []
    conflict: list[str] = []
    distinct: list[str] = []
    suffix: list[str] = []
    keep: list[Kept] = []
    is_last = False
    without: str | None = None
    prefer: tuple[str, str] | None = None
    number: tuple[str, str] | None = None
    for rule in (part.strip() for line in lines for part in line.split(";")):
        word, _, rest = rule.partition(" ")
        columns = [part.strip() for part in rest.split(",") if part.strip()]
        weighted = _MEAN.fullmatch(rule)
        preferred = _PREFER.fullmatch(rule)
        numbered = _NUMBER.fullmatch(rule)
        kept = _KEEP.fullmatch(rule)
        if rule == "renumber":
            choice = "renumber"
        elif rule == "none":
            choice = "none"
        elif rule == "first":
            choice = "first"
        elif rule == "last":
            is_last = True
        elif kept:
            signs = tuple(kept["signs"].split(" or "))
            others = tuple(kept["others"].split(", ")[1:])
            keep.append(Kept(signs, (*signs, *others), kept["same"], bool(kept["given"])))
        elif weighted:
            mean.append((weighted["column"], weighted["weight"]))
        elif preferred:
            prefer = (preferred["column"], preferred["other"])
        elif numbered:
            number = (numbered["column"], numbered["timestamp"])
        elif word == "newest" and len(columns) == 1:
            choice, newest = "newest", columns[0]
        elif word == "without" and len(columns) == 1:
            without = columns[0]
        elif word == "earliest" and columns:
            earliest += columns
        elif word == "add" and columns:
            add += columns
        elif word == "fill" and columns:
            fill += columns
        elif word == "conflict" and columns:
            conflict += columns
        elif word == "distinct" and columns:
            distinct += columns
        elif word == "suffix" and columns:
            suffix += columns
        else:
            raise query.error(
                f"merge rule {rule!r} is not one of: none, first, newest COLUMN, earliest COLUMN, "
                "add COLUMN, …; fill COLUMN, …; conflict COLUMN, …; distinct COLUMN, …; "
                "suffix COLUMN, …; keep [given] COLUMN [or COLUMN …], COLUMN, … [by COLUMN]; last; "
                "without COLUMN; prefer COLUMN = COLUMN; mean COLUMN by COLUMN; "
                "number COLUMN by COLUMN; renumber"
            )
    return Merge(
        choice,
        newest,
        tuple(earliest),
        tuple(add),
        tuple(mean),
        tuple(fill),
        tuple(conflict),
        tuple(distinct),
        prefer,
        number,
        tuple(suffix),
        tuple(keep),
        is_last,
        without,
    )


def own_mapping(
    store: str,
    table: str,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    merge: Merge,
    like: Mapping | None = None,
) -> Mapping:
    """Return the mapping of a table that is in today's shape already: each column to itself.

    ``like`` is a mapping of an older shape, whose word on duplicates, copies and secrets counts.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    return Mapping(
        store=store,
        name=f"own_{table}",
        path=sql_dir() / "sqlite" / store / "schema.sql",
        line=1,
        sql=(
            f'SELECT rowid AS {ROWID_COLUMN}, {names} FROM "{table}" '  # noqa: S608 - names of ours
            "WHERE rowid BETWEEN :first_rowid AND :last_rowid"
        ),
        table=table,
        required=frozenset(columns),
        optional=frozenset(),
        ignored=frozenset(),
        without=frozenset(),
        target=table,
        key=key,
        unpacks=False,
        repeats=False,
        duplicates=like.duplicates if like else frozenset(),
        copies=like.copies if like else frozenset(),
        secrets=like.secrets if like else frozenset(),
        cut=like.cut if like else frozenset(),
        expires=like.expires if like else None,
        merge=merge,
        order=None,
        json_text=frozenset(),
        unix=frozenset(),
        utc=frozenset(),
    )


def bad_mapping(mapping: Mapping, problem: str) -> QueryFileError:
    """Return an error that points at a mapping."""
    return QueryFileError(mapping.path, mapping.line, f"query {mapping.name!r}: {problem}")

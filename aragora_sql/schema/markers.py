"""What the comments of PostgreSQL's schema files say of columns and tables by a word at their end.

``COMMENT ON COLUMN users.email IS 'Where to write to. [personal]'``:

==============  ==================================================================================
``[user]``      the column holds the id of a user: the row is one of that user's
``[user in a, b]``  the column is a document, in which members of these names hold the id of a user,
                at any depth: the row is one of that user's, and the members become NULL with it
``[address]``   the column holds the normal form of a user's e-mail address, as
                ``users.email_key`` does: the row is one of that user's
``[personal]``  the column holds personal data of the row's users; of a table: the row is nothing
                but that, and goes with the user
``[kept]``      of a table: its rows are kept when a user is erased
``[tenant]``    the column says which tenant a row belongs to; without it ``org_id`` does, or
                ``tenant_id``
``[shared]``    rows in which the tenant's column is '' may be read by all tenants
==============  ==================================================================================

They are read from the files for both engines, as SQLite has no comments. A database whose comments
are older than a marker is no different from the files.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.files import CREATE_TABLE, schema_text, store_names

__all__ = ["MARKERS", "MarkedTable", "read_markers", "without_markers"]

MARKERS = ("user", "address", "personal", "kept", "tenant", "shared")
TENANT_COLUMNS = ("org_id", "tenant_id")

_COMMENT = re.compile(
    r"^COMMENT ON (?:TABLE|COLUMN) (?P<table>\w+)(?:\.(?P<column>\w+))?\s+IS\s+"
    r"'(?P<text>(?:[^']|'')*)';",
    re.MULTILINE | re.IGNORECASE,
)
_COLUMN = re.compile(
    r"^ {4}(?!CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE)(?P<name>\w+) (?P<type>\w+)", re.MULTILINE
)
_KEY = re.compile(r"PRIMARY KEY \(([^()]*)\)")
_WITHIN = re.compile(r"\[user in (\w+(?:, \w+)*)\]")
_AT_END = re.compile(rf"(?: \[(?:{'|'.join(MARKERS)}|user in \w+(?:, \w+)*)\])+$")


@dataclass(frozen=True, slots=True)
class MarkedTable:
    """A table of a store, and the markers of itself and of its columns.

    ``types`` are the first words of the columns' types, in capitals, in the order of the table;
    ``key`` are the columns of its primary key. ``members`` are the names of those members of
    documents, by column, that hold the id of a user.
    """

    store: str
    name: str
    types: dict[str, str]
    key: tuple[str, ...]
    markers: frozenset[str]
    of_columns: dict[str, frozenset[str]] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in their order."""
        return tuple(self.types)

    def marked(self, marker: str) -> tuple[str, ...]:
        """Return the columns with a marker, in the order of the table."""
        return tuple(c for c in self.columns if marker in self.of_columns.get(c, ()))

    @property
    def tenant_column(self) -> str | None:
        """The column that says which tenant a row belongs to."""
        found = (*self.marked("tenant"), *(c for c in TENANT_COLUMNS if c in self.columns))
        return found[0] if found else None


def read_markers(
    root: Path | None = None, stores: Collection[str] | None = None
) -> list[MarkedTable]:
    """Return the tables of stores (default: all), parents before children, with their markers."""
    root = root or sql_dir()
    tables = []
    for store in store_names("postgres", root):
        if stores is not None and store not in stores:
            continue
        text = schema_text(store, "postgres", root)
        comments = {
            (match["table"], match["column"]): match["text"] for match in _COMMENT.finditer(text)
        }
        markers = {place: markers_of(comment) for place, comment in comments.items()}
        for table in CREATE_TABLE.finditer(text):
            name, body = table["name"], table["body"]
            types = {one["name"]: one["type"].upper() for one in _COLUMN.finditer(body)}
            key = _KEY.search(body)
            tables.append(
                MarkedTable(
                    store,
                    name,
                    types,
                    () if key is None else tuple(c.strip() for c in key[1].split(",")),
                    markers.get((name, None), frozenset()),
                    {column: markers.get((name, column), frozenset()) for column in types},
                    {
                        column: members
                        for column in types
                        if (members := members_of(comments.get((name, column), "")))
                    },
                )
            )
    return tables


def markers_of(comment: str) -> frozenset[str]:
    """Return the markers at the end of a comment."""
    end = _AT_END.search(comment)
    return frozenset() if end is None else frozenset(re.findall(r"\[(\w+)\]", end[0]))


def members_of(comment: str) -> tuple[str, ...]:
    """Return the names in the marker ``[user in …]`` at the end of a comment."""
    end = _AT_END.search(comment)
    found = None if end is None else _WITHIN.search(end[0])
    return () if found is None else tuple(found[1].split(", "))


def without_markers(comment: str) -> str:
    """Return a comment without the markers at its end."""
    return _AT_END.sub("", comment)

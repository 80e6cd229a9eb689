"""The public savers' tables, read and left as they are: a database on a server, or a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import psycopg

from aragora_sql.database import Dialect
from aragora_sql.database.psycopg_errors import driver_errors
from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.bad_values import DamagedText
from aragora_sql.migration.finding import SourceError
from aragora_sql.migration.sources import SourceFile
from aragora_sql.migration.statements import render
from aragora_sql.migration.target import PgConnection, connect
from aragora_sql.queries.files import QueryText, read_queries, sql_dir
from aragora_sql.settings import PostgresDSN

__all__ = [
    "FileSource",
    "ServerSource",
    "Source",
    "SourceCheckpoint",
    "SourceValue",
    "SourceWrite",
    "open_source",
]

# What a thread is called in the source: text, unless a file holds something else.
ThreadKey: TypeAlias = Any

KNOWN_MIGRATIONS = range(4, 10)
# Before it writes have no path.
MIGRATION_OF_PATHS = 9
_PAGE = 200

_SERVER_TABLES = {
    "checkpoints": (
        "thread_id checkpoint_ns checkpoint_id parent_checkpoint_id type checkpoint metadata"
    ),
    "checkpoint_blobs": "thread_id checkpoint_ns channel version type blob",
    "checkpoint_writes": "thread_id checkpoint_ns checkpoint_id task_id idx channel type blob",
}
_FILE_TABLES = {
    "checkpoints": _SERVER_TABLES["checkpoints"],
    "writes": "thread_id checkpoint_ns checkpoint_id task_id idx channel type value",
}
_PATH = "task_path"


class SourceCheckpoint(NamedTuple):
    """A row of ``checkpoints``: ``checkpoint`` is a document, or bytes of ``type``.

    ``stored`` are the channels whose value is a row of its own.
    """

    checkpoint_ns: Any
    checkpoint_id: Any
    parent_checkpoint_id: Any
    type: Any
    checkpoint: Any
    metadata: Any
    stored: tuple[str, ...] = ()
    is_document: bool = False


class SourceValue(NamedTuple):
    """A row of ``checkpoint_blobs``."""

    checkpoint_ns: Any
    channel: Any
    version: Any
    type: Any
    content: Any


class SourceWrite(NamedTuple):
    """A row of ``checkpoint_writes`` or ``writes``."""

    checkpoint_ns: Any
    checkpoint_id: Any
    task_id: Any
    idx: Any
    task_path: Any
    channel: Any
    type: Any
    content: Any


class Source(Protocol):
    """An open source; all that is read of it is one snapshot. ``name`` holds no secret."""

    name: str

    def counts(self) -> dict[str, int]:
        """Return how many rows its tables have: ``checkpoints``, ``values`` and ``writes``."""

    def threads(self) -> Generator[ThreadKey, None, None]:
        """Yield every thread, once."""

    def checkpoints(self, thread: ThreadKey) -> Iterator[SourceCheckpoint]:
        """Yield the checkpoints of a thread."""

    def values(self, thread: ThreadKey) -> Iterator[SourceValue]:
        """Yield the values of a thread that are rows of their own."""

    def writes(self, thread: ThreadKey) -> Iterator[SourceWrite]:
        """Yield the writes of a thread."""

    def sends(self, thread: ThreadKey) -> Iterator[tuple[str, Any, Any]]:
        """Yield what was sent to tasks in a thread: after which checkpoint, type and content."""

    def check_unchanged(self) -> None:
        """Raise :class:`SourceError` when what is read of it may be out of date."""

    def close(self) -> None:
        """Let go of it."""


def open_source(location: str) -> Source:
    """Open a DSN or a path. Raises :class:`SourceError` for what is no saver's, or an unknown one.

    Raises :class:`~aragora_sql.errors.DatabaseUnavailableError` when a server can't be reached.
    """
    if location.startswith(("postgresql://", "postgres://")):
        return ServerSource(PostgresDSN.parse(location, "--from-langgraph"))
    return FileSource(Path(location))


@lru_cache(maxsize=4)
def _read(path: Path, dialect: Dialect) -> dict[str, QueryText]:
    return read_queries(path, dialect)


def _queries(dialect: Dialect) -> dict[str, QueryText]:
    return _read(sql_dir() / "migration" / "langgraph" / dialect / "queries.sql", dialect)


def _refuse_unknown(name: str, found: dict[str, set[str]], known: dict[str, str], of: str) -> bool:
    """Raise :class:`SourceError` unless it is a saver's; tell whether its writes have paths."""
    missing = sorted(known.keys() - found.keys())
    if missing:
        raise SourceError(
            f"{name} has no table {missing[0]!r}: it holds no checkpoints of {of}. Tables in "
            "another schema are found with ?options=-csearch_path%3DSCHEMA"
            if of.endswith("postgres")
            else f"{name} has no table {missing[0]!r}: it holds no checkpoints of {of}"
        )
    has_paths = False
    for table, columns in known.items():
        expected = set(columns.split())
        present = found[table]
        if table.endswith("writes") and _PATH in present:
            has_paths = True
            expected.add(_PATH)
        if present != expected:
            lacking = ", ".join(sorted(expected - present))
            further = ", ".join(sorted(present - expected))
            difference = f"it lacks {lacking}" if lacking else f"it has {further} besides"
            raise SourceError(
                f"{name}: table {table!r} is not the one of a release of {of} that is known here: "
                f"{difference}. Nothing was moved"
            )
    return has_paths


class ServerSource:
    """The tables of langgraph-checkpoint-postgres, in one read-only transaction."""

    def __init__(self, dsn: PostgresDSN) -> None:
        self.name = str(dsn)
        self._statements = {name: render(query) for name, query in _queries("postgres").items()}
        self._connection: PgConnection = connect(dsn, "aragora-sql migrate --from-langgraph")
        try:
            self._connection.autocommit = False
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            with driver_errors(f"reading {self.name}"):
                self._has_paths = self._check()
        except BaseException:
            self._connection.close()
            raise

    def _run(self, name: str, **parameters: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._connection.execute(self._statements[name], parameters)

    def _check(self) -> bool:
        found = {name: (set(columns), hidden) for name, columns, hidden in self._run("list_tables")}
        columns = {name: names for name, (names, _) in found.items()}
        versions = columns.pop("checkpoint_migrations", None)
        of = "langgraph-checkpoint-postgres"
        if versions is None and columns.keys() >= _SERVER_TABLES.keys():
            raise SourceError(
                f"{self.name} has no table 'checkpoint_migrations', which tells of what release "
                f"of {of} the others are. Nothing was moved"
            )
        has_paths = _refuse_unknown(self.name, columns, _SERVER_TABLES, of)
        hidden = sorted(name for name, (_, is_hidden) in found.items() if is_hidden)
        if hidden:
            raise ConfigurationError(
                f"{self.name}: row level security hides the rows of {', '.join(hidden)} from this "
                "role. Use the role that owns them, or let this one by: ALTER ROLE … BYPASSRLS"
            )
        (version,) = self._run("get_version").fetchone() or (None,)
        if version not in KNOWN_MIGRATIONS or has_paths != (version >= MIGRATION_OF_PATHS):
            raise SourceError(
                f"{self.name}: its tables are of migration {version} of {of}; known here are "
                f"{KNOWN_MIGRATIONS[0]} to {KNOWN_MIGRATIONS[-1]}. Nothing was moved; a newer "
                "release of aragora-sql may know them"
            )
        return has_paths

    def counts(self) -> dict[str, int]:
        """Return how many rows its tables have."""
        with driver_errors(f"reading {self.name}"):
            checkpoints, values, writes = self._run("count_rows").fetchone() or (0, 0, 0)
        return {"checkpoints": checkpoints, "values": values, "writes": writes}

    def _rows(self, name: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        """Read page by page, through a cursor of the server."""
        with (
            driver_errors(f"reading {self.name}"),
            self._connection.cursor(name=name) as cursor,
        ):
            cursor.itersize = _PAGE
            cursor.execute(self._statements[name], parameters)
            yield from cursor

    def threads(self) -> Generator[ThreadKey, None, None]:
        """Yield every thread, once."""
        for (thread,) in self._rows("list_threads"):
            yield thread

    def checkpoints(self, thread: ThreadKey) -> Iterator[SourceCheckpoint]:
        """Yield the checkpoints of a thread."""
        for namespace, key, parent, document, metadata, stored in self._rows(
            "list_checkpoints", thread_id=thread
        ):
            yield SourceCheckpoint(
                namespace,
                key,
                parent,
                None,
                document,
                metadata,
                stored=tuple(stored),
                is_document=True,
            )

    def values(self, thread: ThreadKey) -> Iterator[SourceValue]:
        """Yield the values of a thread."""
        for row in self._rows("list_values", thread_id=thread):
            yield SourceValue(*row)

    def writes(self, thread: ThreadKey) -> Iterator[SourceWrite]:
        """Yield the writes of a thread."""
        name = "list_writes" if self._has_paths else "list_writes_without_path"
        for row in self._rows(name, thread_id=thread):
            yield SourceWrite(*row)

    def sends(self, thread: ThreadKey) -> Iterator[tuple[str, Any, Any]]:
        """Yield what was sent to tasks in a thread: after which checkpoint, type and content."""
        name = "list_sends" if self._has_paths else "list_sends_without_path"
        for row in self._rows(name, thread_id=thread):
            yield row[0], row[1], row[2]

    def check_unchanged(self) -> None:
        """Do nothing: the server keeps the snapshot."""

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


class FileSource:
    """The tables of langgraph-checkpoint-sqlite in a file."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.path = path
        self._statements = {name: query.sql for name, query in _queries("sqlite").items()}
        if not path.is_file():
            raise SourceError(f"there is no file {path.absolute()}")
        try:
            self._file = SourceFile(path, path.name)
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error
        try:
            found = {name: set(columns) for name, columns in self._file.tables().items()}
            self._has_paths = _refuse_unknown(
                self.name, found, _FILE_TABLES, "langgraph-checkpoint-sqlite"
            )
        except BaseException:
            self._file.close()
            raise

    def counts(self) -> dict[str, int]:
        """Return how many rows its tables have; values are in the checkpoints."""
        ((checkpoints, writes),) = self._file.rows(self._statements["count_rows"])
        return {"checkpoints": checkpoints, "values": 0, "writes": writes}

    def threads(self) -> Generator[ThreadKey, None, None]:
        """Yield every thread, once."""
        for (thread,) in self._file.rows(self._statements["list_threads"]):
            yield thread

    def _of(self, name: str, thread: ThreadKey) -> Iterator[tuple[Any, ...]]:
        is_text = isinstance(thread, str | DamagedText)
        key = bytes(thread) if isinstance(thread, DamagedText) else thread
        yield from self._file.rows(self._statements[name], {"thread_id": key, "is_text": is_text})

    def checkpoints(self, thread: ThreadKey) -> Iterator[SourceCheckpoint]:
        """Yield the checkpoints of a thread."""
        for row in self._of("list_checkpoints", thread):
            yield SourceCheckpoint(*row)

    def values(self, thread: ThreadKey) -> Iterator[SourceValue]:
        """Yield nothing: they are in the checkpoints."""
        yield from ()

    def writes(self, thread: ThreadKey) -> Iterator[SourceWrite]:
        """Yield the writes of a thread."""
        name = "list_writes" if self._has_paths else "list_writes_without_path"
        for row in self._of(name, thread):
            yield SourceWrite(*row)

    def sends(self, thread: ThreadKey) -> Iterator[tuple[str, Any, Any]]:
        """Yield nothing: this saver shows what is in the checkpoint."""
        yield from ()

    def check_unchanged(self) -> None:
        """Raise when the file was read as one that nobody writes to, and somebody did."""
        self._file.check_unchanged()

    def close(self) -> None:
        """Let go of the snapshot and the file."""
        self._file.close()

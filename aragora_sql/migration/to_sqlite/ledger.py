"""What a move remembers in the file that it fills, until it is done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aragora_sql.migration.rejects import Reject
from aragora_sql.migration.report import ChunkResult
from aragora_sql.migration.to_sqlite.statements import call, call_value, ledger_schema
from aragora_sql.queries.files import read_sql
from aragora_sql.queries.quoting import quoted

__all__ = ["Done", "Ledger", "Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """A move that was begun: what is moved, how many rows each table had, and when that was.

    ``oldest_transaction`` is as in a snapshot.
    """

    source: Sequence[Any]
    rows: dict[str, int]
    oldest_transaction: int


@dataclass(frozen=True, slots=True)
class Done:
    """What is there of a table: its ranges, the order of the last row, and whether that is all."""

    chunks: int
    last_key: Sequence[Any] | None
    result: ChunkResult
    is_closed: bool


class Ledger:
    """The ledger of the file that a connection has open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Store all that is done within, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk has undone it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def find_run(self) -> Run | None:
        """Return the run that was begun and not ended, or None."""
        if not call_value(self._connection, "has_ledger"):
            return None
        found = call(self._connection, "get_run").fetchone()
        if found is None:
            return None
        source, snapshot = map(json.loads, found)
        return Run(source, snapshot["rows"], snapshot["oldest_transaction"])

    def start(self, run: Run) -> None:
        """Make the ledger, and record a run."""
        for statement in _statements(read_sql(ledger_schema())):
            self._connection.execute(statement)
        call(
            self._connection,
            "start_run",
            source=json.dumps(run.source),
            snapshot=json.dumps({"rows": run.rows, "oldest_transaction": run.oldest_transaction}),
        )

    def end(self) -> None:
        """Take the ledger away."""
        call(self._connection, "drop_runs")
        call(self._connection, "drop_chunks")
        call(self._connection, "drop_rejects")
        call(self._connection, "drop_indexes")

    def done(self, table: str) -> Done:
        """Return what is there of a table."""
        result, last_key, is_closed, chunks = ChunkResult(), None, False, 0
        for _, key, text in call(self._connection, "list_chunks", target_table=table):
            chunks += 1
            result.add(ChunkResult.from_dict(json.loads(text)))
            if key is None:
                is_closed = True
            else:
                last_key = json.loads(key)
        return Done(chunks, last_key, result, is_closed)

    def add(
        self,
        table: str,
        number: int,
        last_key: Sequence[Any] | None,
        result: ChunkResult,
        rejects: Sequence[Reject],
    ) -> None:
        """Record a range, in the transaction of its rows; without a last key the table is done."""
        for reject in rejects:
            call(
                self._connection,
                "add_reject",
                target_table=table,
                reject_key=key_text(list(reject.key.values())),
                reject=reject.to_line(),
            )
        call(
            self._connection,
            "add_chunk",
            target_table=table,
            number=number,
            last_key=None if last_key is None else json.dumps(last_key),
            result=json.dumps(result.to_dict()),
        )

    def rejects(self) -> Iterator[tuple[str, str]]:
        """Read the rows that were rejected: (table, line of the reject file)."""
        yield from call(self._connection, "list_rejects")

    def reject_keys(self, table: str) -> set[str]:
        """Return the keys of rows that were rejected, as :func:`key_text` writes them."""
        return {key for (key,) in call(self._connection, "list_reject_keys", target_table=table)}

    # -- what is made again at the end

    def put_off_indexes(self) -> None:
        """Drop what makes each row slower to store; call it in the transaction of :meth:`start`."""
        for kind, name, definition in call(self._connection, "list_droppable").fetchall():
            call(self._connection, "record_index", definition=definition)
            self._connection.execute(f"DROP {kind.upper()} {quoted(name)}")

    def build_indexes(self) -> None:
        """Make again what was put off, and the full-text tables from their rows."""
        definitions = call(self._connection, "list_indexes_to_build").fetchall()
        if not definitions:
            return
        for (definition,) in definitions:
            self._connection.execute(definition)
        for name in self.searches():
            self._connection.execute(
                f"INSERT INTO {quoted(name)} ({quoted(name)}) VALUES ('rebuild')"  # noqa: S608
            )
        call(self._connection, "forget_indexes")

    def searches(self) -> list[str]:
        """Return the full-text tables."""
        return [name for (name,) in call(self._connection, "list_searches").fetchall()]


def key_text(key: Sequence[Any]) -> str:
    """Return the key of a row as the ledger keeps it."""
    return json.dumps([value.hex() if isinstance(value, bytes) else value for value in key])


def _statements(script: str) -> Iterator[str]:
    """Return the statements of a script: executescript() would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""

"""The migration's own tables in the target: which ranges are done, with which outcome.

A range commits together with its record, so a run that is begun again goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aragora_sql.migration.mappings import Mapping
from aragora_sql.migration.rejects import Reject
from aragora_sql.migration.report import ChunkResult
from aragora_sql.migration.sequences import advance_numbers
from aragora_sql.migration.statements import (
    call,
    call_many,
    call_value,
    schema_path,
    upgrade_path,
)
from aragora_sql.migration.target import PgConnection, Table, driver_errors
from aragora_sql.queries.files import read_sql

__all__ = ["Chunk", "Ledger", "create_ledger"]


def create_ledger(connection: PgConnection) -> None:
    """Create the migration's own tables, or upgrade those of an earlier release."""
    is_of_today = call_value(connection, "is_of_today")
    paths = [upgrade_path()] if is_of_today is False else []
    if is_of_today is None or not call_value(connection, "has_tables"):
        paths.append(schema_path())
    with connection.transaction():
        connection.execute("SET LOCAL client_min_messages = warning")
        for path in paths:
            connection.execute(read_sql(path).encode())


class Ledger:
    """What a run records. Without ``run_id`` nothing is recorded (a dry run)."""

    def __init__(self, connection: PgConnection, run_id: int | None) -> None:
        self.connection = connection
        self.run_id = run_id
        # Is given the rejects of a dry run.
        self.dry_rejects: Callable[[list[Reject]], None] = lambda rejects: None

    @contextmanager
    def chunk(
        self, table: Table, file: str, mapping: Mapping, kind: str, first: int, last: int
    ) -> Iterator[Chunk]:
        """Open the transaction of a range of rows, and claim the range."""
        with driver_errors(f"migrating {table.name}"), self.connection.transaction():
            chunk = Chunk(self, table, file, mapping.name, kind, first)
            if self.run_id is not None:
                claimed = call(
                    self.connection, "claim_chunk", **chunk.place, last_row=last
                ).rowcount
                if not claimed:
                    stored = call_value(self.connection, "get_chunk", **chunk.place)
                    chunk.result = ChunkResult.from_dict(json.loads(stored))
                    chunk.was_done = True
            yield chunk


class Chunk:
    """A range of rows in its transaction, and its record."""

    def __init__(
        self, ledger: Ledger, table: Table, file: str, mapping: str, kind: str, first: int
    ) -> None:
        self._ledger = ledger
        self._table = table
        self.place = {
            "run_id": ledger.run_id,
            "target_table": table.name,
            "source_file": file,
            "mapping": mapping,
            "part": kind,
            "first_row": first,
        }
        self.result: ChunkResult | None = None
        self.was_done = False

    def finish(self, result: ChunkResult, rejects: list[Reject]) -> None:
        """Record the outcome, in the transaction of the rows."""
        self.result = result
        ledger = self._ledger
        if ledger.run_id is None:
            ledger.dry_rejects(rejects)
            return
        if rejects:
            call_many(
                ledger.connection,
                "add_reject",
                [
                    {
                        "run_id": ledger.run_id,
                        "target_table": reject.table,
                        "source_file": reject.source_file,
                        "source_rowid": reject.rowid,
                        "reject": "" if reject.is_left_out else reject.to_line(),
                    }
                    for reject in rejects
                ],
            )
        advance_numbers(ledger.connection, self._table)
        call(ledger.connection, "finish_chunk", **self.place, result=json.dumps(result.to_dict()))

    def outcome(self) -> tuple[ChunkResult, bool]:
        """Return the result, and whether the range had been done before."""
        if self.result is None:
            raise RuntimeError("a chunk ended without a result")
        return self.result, self.was_done

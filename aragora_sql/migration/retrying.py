"""Loads mended lines of a reject file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aragora_sql.errors import InvalidInputError
from aragora_sql.migration.loading import Loader, SourceRow
from aragora_sql.migration.mappings import (
    ROWID_COLUMN,
    Mapping,
    Merge,
    load_mappings,
    migratable_stores,
    own_mapping,
)
from aragora_sql.migration.options import DEFAULT_BATCH_SIZE
from aragora_sql.migration.planning import own_key
from aragora_sql.migration.preparing import prepare_schema, refuse_hidden
from aragora_sql.migration.rejects import (
    Reject,
    create_private,
    new_path,
    read_rejects,
    reason_of,
)
from aragora_sql.migration.report import MigrationReport, TableReport
from aragora_sql.migration.sequences import advance_numbers
from aragora_sql.migration.staging import LoadOptions
from aragora_sql.migration.target import (
    PgConnection,
    Table,
    connect,
    describe_table,
    driver_errors,
    take_lock,
)
from aragora_sql.migration.timestamps import TimestampReader, time_zone
from aragora_sql.schema import table_names
from aragora_sql.settings import PostgresDSN

__all__ = ["retry_rejects"]


def retry_rejects(
    paths: Path | Sequence[Path],
    dsn: PostgresDSN,
    source_timezone: str | None = None,
    *,
    skip_existing: bool = True,
) -> MigrationReport:
    """Load the rows of reject files, in one transaction for each table, parents before children.

    What is rejected again is written to a new file ``<path>.rejected`` beside the first file of its
    table, with the new reason; lines that are loaded stay in the files, where they do no harm: they
    are there already the next time. Raises :class:`~aragora_sql.errors.InvalidInputError` naming a
    line that can't be read, before anything is written.
    """
    started = time.monotonic()
    files = [paths] if isinstance(paths, Path) else list(paths)
    tables: dict[str, list[Reject]] = {}
    homes: dict[str, Path] = {}
    for path in files:
        for reject in read_rejects(path):
            tables.setdefault(reject.table, []).append(reject)
            homes.setdefault(reject.table, path)
    stores = _stores_of(tables, homes)
    report = MigrationReport(source_timezone=source_timezone)
    rejects: list[Reject] = []
    reader = TimestampReader(None if source_timezone is None else time_zone(source_timezone))
    names = list(dict.fromkeys(stores.values()))
    connection = connect(dsn)
    try:
        with driver_errors("loading mended rows"):
            refuse_hidden(connection, names)
            prepare_schema(connection, dsn, names, names, create=True)
            take_lock(connection)
            described = {name: describe_table(connection, name) for name in stores}
            for name, table in described.items():
                _check_columns(table, tables[name], homes[name])
            for name, table in described.items():
                options = LoadOptions(skip_existing=skip_existing)
                line = TableReport(stores[name], name, rows_in_source=len(tables[name]))
                with connection.transaction():
                    for loaded, bad in _load(
                        connection, stores[name], table, tables[name], reader, options
                    ):
                        line.counts.add(loaded)
                        rejects += bad
                report.tables.append(line)
    finally:
        connection.close()
    report.reject_files = _write(rejects, homes)
    report.reasons = dict(Counter(reason_of(*_blame(reject)) for reject in rejects))
    report.seconds = time.monotonic() - started
    return report


def _blame(reject: Reject) -> tuple[str, str | None, str]:
    return reject.table, reject.column, reject.reason


def _write(rejects: list[Reject], homes: dict[str, Path]) -> list[str]:
    """Write rows that were rejected again beside the files that they came from."""
    lines: dict[Path, list[str]] = {}
    for reject in rejects:
        lines.setdefault(homes[reject.table], []).append(reject.to_line())
    written = []
    for path, of_path in lines.items():
        left = new_path(path.with_name(f"{path.name}.rejected"))
        with create_private(left) as file:
            file.writelines(f"{line}\n" for line in of_path)
        written.append(str(left))
    return written


def _stores_of(tables: dict[str, Any], homes: dict[str, Path]) -> dict[str, str]:
    """Return the store of each table, in the order in which tables have to be loaded."""
    found = {
        table: store
        for store in migratable_stores()
        for table in table_names(store, "postgres")
        if table in tables
    }
    unknown = sorted(tables.keys() - found.keys())
    if unknown:
        raise InvalidInputError(
            "--retry-rejects",
            f"{homes[unknown[0]]}: no store has a table {', '.join(unknown)}",
        )
    return found


def _check_columns(table: Table, rejects: list[Reject], path: Path) -> None:
    """Raise when rows give columns that the table lacks, or lack what it needs."""
    needed = [column.name for column in table.columns if column.not_null and not column.has_default]
    for columns, rowid in {tuple(reject.row): reject.rowid for reject in rejects}.items():
        unknown = [column for column in columns if table.column(column) is None]
        missing = [column for column in needed if column not in columns]
        if unknown or missing:
            problem = (
                f"has no column {unknown[0]!r}" if unknown else f"needs a value for {missing[0]!r}"
            )
            raise InvalidInputError(
                "--retry-rejects", f"{path}: {table.name} {problem} (the row with rowid {rowid})"
            )


def _load(
    connection: PgConnection,
    store: str,
    table: Table,
    rejects: list[Reject],
    reader: TimestampReader,
    options: LoadOptions,
) -> Iterator[tuple[Any, list[Reject]]]:
    """Load the rows of a table, those with the same columns together."""
    shapes: dict[tuple[str, ...], list[Reject]] = {}
    for reject in rejects:
        shapes.setdefault(tuple(reject.row), []).append(reject)
    for columns, rows in shapes.items():
        loader = Loader(
            connection=connection,
            table=table,
            mapping=_mapping(store, table),
            result_columns=[ROWID_COLUMN, *columns],
            reader=reader,
            options=options,
            is_direct_possible=False,
        )

        def batches(rows: list[Reject] = rows) -> Iterator[tuple[str, list[SourceRow]]]:
            for start in range(0, len(rows), DEFAULT_BATCH_SIZE):
                for reject in rows[start : start + DEFAULT_BATCH_SIZE]:
                    yield reject.source_file, [(reject.rowid, *reject.row.values())]

        yield loader.load(batches)
        advance_numbers(connection, table)


def _mapping(store: str, table: Table) -> Mapping:
    """Return what the mappings say of a table's values."""
    known = [mapping for mapping in load_mappings(store) if mapping.target == table.name]
    if known:
        return replace(
            known[0],
            json_text=frozenset().union(*(mapping.json_text for mapping in known)),
            unix=frozenset().union(*(mapping.unix for mapping in known)),
            utc=frozenset().union(*(mapping.utc for mapping in known)),
        )
    columns = tuple(column.name for column in table.columns)
    return own_mapping(store, table.name, columns, own_key(table), Merge())

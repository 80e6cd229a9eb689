"""A whole data directory of the older program, moved at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from aragora_sql.migration import MigrationReport
from aragora_sql.migration.mappings import Mapping, load_mappings, migratable_stores
from tests.conftest import PostgresServer
from tests.migration.conftest import Target, check_every_row
from tests.migration.legacy.installation import (
    FILES,
    ZONE,
    read_groups,
    shapes_of,
    write_installation,
)
from tests.stores.samples import KEY

MAPPINGS = [one for store in migratable_stores() for one in load_mappings(store)]


@dataclass(frozen=True, slots=True)
class Moved:
    """The data directory, the target, and what two runs said."""

    folder: Path
    target: Target
    first: MigrationReport
    second: MigrationReport


@pytest.fixture(scope="module")
def moved(module_target: Target, servers: object) -> Moved:
    server: PostgresServer = servers.default  # type: ignore[attr-defined]
    folder = write_installation(module_target.folder, read_groups(server.dsn("postgres")))
    with pytest.MonkeyPatch.context() as patch:
        # Keys of regions were in the clear.
        patch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
        first = module_target.migrate(folder, source_timezone=ZONE, verify="all")
        second = module_target.migrate(folder, source_timezone=ZONE, verify="none")
    return Moved(folder, module_target, first, second)


def test_every_mapping_has_a_file_in_the_installation(moved: Moved) -> None:
    held = list(shapes_of(moved.folder))

    def is_held(mapping: Mapping) -> bool:
        # Tables that are gathered of JSON files have no columns there.
        return any(
            table == mapping.table and (not columns or mapping.fits(columns))
            for table, columns in held
        )

    missing = [
        f"store {one.store}, mapping {one.name}: add a file with the older table {one.table} "
        f"({', '.join(sorted(one.required))}) to FILES of tests/migration/legacy/installation.py"
        for one in MAPPINGS
        if not is_held(one)
    ]
    assert not missing, "\n".join(missing)


def test_every_row_of_every_file_is_accounted_for(moved: Moved) -> None:
    check_every_row(moved.folder, moved.first)
    assert (moved.first.mismatches, moved.first.reasons) == (0, {})
    for line in moved.first.tables:
        assert line.verified is not None
        assert line.verified.looked_at == line.rows_in_source, line.table


def test_every_table_that_has_a_mapping_got_rows(moved: Moved) -> None:
    migrated = {line.table: line.migrated for line in moved.first.tables}
    targets = {one.target for one in MAPPINGS}
    assert {name for name in targets if not migrated.get(name)} == set()
    assert moved.target.counts(*sorted(migrated)) == migrated


def test_what_is_left_behind_is_what_is_left_on_purpose(moved: Moved) -> None:
    expected = {(moved.folder / name, table) for name, file in FILES.items() for table in file.left}
    whole = [item for item in moved.first.left_behind if item.column is None]
    assert {(item.path, item.table) for item in whole} == expected
    columns = {(item.table, item.column) for item in moved.first.left_behind if item.column}
    assert columns == {("semantic_index", "embedding_model")}
    assert moved.first.exit_code == 3


def test_a_second_run_moves_nothing(moved: Moved) -> None:
    check_every_row(moved.folder, moved.second)
    assert moved.second.total_migrated == 0
    assert moved.second.total_skipped == moved.first.total_migrated
    assert moved.second.left_behind == moved.first.left_behind
    assert moved.second.exit_code == 3

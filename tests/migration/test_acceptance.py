"""An older installation with ten thousand rows, moved and put to use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MigrationReport
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.migration.conftest import Target, check_sums
from tests.migration.expected import expected_row
from tests.migration.legacy import (
    BAD_ROWS,
    HUGE,
    DataDir,
    make_consensus,
    make_critique,
    write_bad_rows,
    write_consensus,
    write_critique,
    write_data_dir,
)

ROWS = 200


@dataclass(frozen=True, slots=True)
class Installation:
    """The data directory, the target, and what the runs said."""

    source: DataDir
    target: Target
    planned: MigrationReport
    first: MigrationReport
    second: MigrationReport


@pytest.fixture(scope="module")
def moved(module_target: Target) -> Installation:
    folder = module_target.folder / ".nomic"
    source = write_data_dir(folder, rows=ROWS)
    # Numbered on from there, so that these files share no number.
    more = make_critique(900, 8)
    for critique in more["critiques"]:
        critique["id"] += 100_000
    write_critique(folder / "more.db", tables=more)
    write_consensus(folder / "more.db", rows=1500, seed=9)
    # Files of every earlier shape beside it, and every bad value.
    for number, shape in enumerate(("v1", "early", "fallback"), start=20):
        write_consensus(folder / f"consensus_{shape}.db", rows=60, seed=number, shape=shape)  # type: ignore[arg-type]
    for number, shape in enumerate(("keyed", "early"), start=30):
        write_critique(folder / f"critique_{shape}.db", rows=60, seed=number, shape=shape)  # type: ignore[arg-type]
    write_bad_rows(folder / "bad.db", [bad for bad in BAD_ROWS if bad.name != HUGE])
    planned = module_target.migrate(folder, dry_run=True)
    first = module_target.migrate(folder, verify="all", jobs=2)
    second = module_target.migrate(folder)
    return Installation(source, module_target, planned, first, second)


def test_ten_thousand_rows_are_accounted_for(moved: Installation) -> None:
    assert sum(table.rows_in_source for table in moved.first.tables) >= 10_000
    for report in (moved.planned, moved.first, moved.second):
        check_sums(report)
    for ours, theirs in zip(moved.planned.tables, moved.first.tables, strict=True):
        assert (ours.table, ours.migrated, ours.rejected, ours.counts.merged) == (
            theirs.table,
            theirs.migrated,
            theirs.rejected,
            theirs.counts.merged,
        )
    names = [table.table for table in moved.first.tables]
    assert moved.target.counts(*names) == {
        table.table: table.migrated for table in moved.first.tables
    }
    lines = {name: len(moved.target.rejected(name)) for name in names}
    assert lines == {table.table: table.rejected for table in moved.first.tables}
    assert moved.first.total_errors > 100


def test_every_value_is_as_in_the_source(moved: Installation) -> None:
    assert moved.first.mismatches == 0
    for table in moved.first.tables:
        assert table.verified is not None
        assert table.verified.compared == table.migrated, table.table


def test_the_second_run_migrates_nothing(moved: Installation) -> None:
    assert moved.second.total_migrated == 0
    different = {
        table.table: (table.counts.different_keys, table.verified and table.verified.first)
        for table in moved.second.tables
        if table.different
    }
    assert different == {}
    assert moved.second.total_skipped == moved.first.total_migrated
    assert moved.second.total_errors == moved.first.total_errors
    assert moved.second.reasons == moved.first.reasons
    assert moved.second.mismatches == 0


@pytest.fixture
async def database(moved: Installation) -> AsyncIterator[PostgresDatabase]:
    opened = await PostgresDatabase.connect(moved.target.dsn, 1, 4)
    yield opened
    await opened.close()


async def test_search_finds_what_was_migrated(
    moved: Installation, database: PostgresDatabase
) -> None:
    memory = ConsensusMemory(database)
    await memory.initialize()
    rows = make_consensus(ROWS, 7)["consensus"]
    # Neither is superseded: such a row is not found any more.
    for row in (rows[3], rows[103]):
        found = await memory.find_similar(row["topic"], limit=5)
        assert found[0].similarity == 1.0
        record = next(record for record in found if record.id == row["id"])
        expected = expected_row("consensus", row)
        assert record.topic_hash == expected["topic_hash"]
        assert record.participating_agents == expected["participating_agents"]
        # Some of its words find it as well.
        words = " ".join(row["topic"].split()[:-1])
        assert row["id"] in {r.id for r in await memory.find_similar(words, limit=20)}
    [newest] = await memory.get_recent(limit=1)
    [(latest,)] = moved.target.query("SELECT max(created_at) FROM consensus")
    assert newest.created_at == latest
    superseded = next(row for row in rows if '"superseded_by": "' in row["data"])
    record_or_none = await memory.get_consensus(superseded["id"])
    assert record_or_none is not None
    assert record_or_none.superseded_by == record_or_none.data["superseded_by"]
    stats = await memory.get_stats()
    assert stats.total_consensus == moved.first.table("consensus").migrated
    assert stats.total_dissents == moved.first.table("dissent").migrated


async def test_the_memory_goes_on(moved: Installation, database: PostgresDatabase) -> None:
    memory = ConsensusMemory(database)
    await memory.initialize()
    row = make_consensus(ROWS, 7)["consensus"][5]
    before = len(await memory.get_dissents(row["id"]))
    dissent = await memory.store_dissent(row["id"], "claude", "risk_warning", "A new one")
    assert len(await memory.get_dissents(row["id"])) == before + 1
    newer = await memory.supersede_consensus(
        row["id"],
        "The same in new words",
        "Newer",
        strength="strong",
        confidence=0.9,
        participating_agents=["claude"],
        agreeing_agents=["claude"],
    )
    old = await memory.get_consensus(row["id"])
    assert old is not None
    assert old.superseded_by == newer.id
    assert dissent.id in old.dissent_ids


async def test_new_critiques_get_fresh_numbers(
    moved: Installation, database: PostgresDatabase
) -> None:
    critiques = CritiqueStore(database)
    await critiques.initialize()
    # Numbers near the end of the range leave the sequence where it is.
    [(highest,)] = moved.target.query("SELECT max(id) FROM critiques WHERE id < 2 ^ 62")
    number = await critiques.store_critique("debate-7-1", "claude", issues=["new"], severity=2.0)
    assert number == highest + 1
    found = await critiques.get_critiques_for_debate("debate-7-1")
    assert number in {critique.id for critique in found}


async def test_reputations_go_on_from_their_old_mean(
    moved: Installation, database: PostgresDatabase
) -> None:
    critiques = CritiqueStore(database)
    await critiques.initialize()
    [(number, expected)] = moved.target.query(
        "SELECT id, expected_usefulness FROM critiques "
        "WHERE agent = 'mistral' AND prediction_error IS NULL ORDER BY id LIMIT 1"
    )
    old = await critiques.get_reputation("mistral")
    assert old is not None
    assert old.total_predictions > 10
    error = await critiques.update_prediction_outcome(number, 0.9)
    assert error == abs(expected - 0.9)
    new = await critiques.get_reputation("mistral")
    assert new is not None
    assert new.total_predictions == old.total_predictions + 1
    mean = (old.total_prediction_error + error) / (old.total_predictions + 1)
    assert new.calibration_score == pytest.approx(1 - mean, abs=1e-12)
    await critiques.update_reputation("mistral", proposal_made=True, proposal_accepted=True)
    last = await critiques.get_reputation("mistral")
    assert last is not None
    assert last.proposals_made == old.proposals_made + 1
    assert last.proposals_accepted == old.proposals_accepted + 1
    assert last.critiques_given == old.critiques_given
    acceptance = last.proposals_accepted / last.proposals_made
    value = last.critiques_valuable / last.critiques_given
    assert last.reputation_score == pytest.approx(0.6 * acceptance + 0.4 * value)


async def test_patterns_go_on_from_their_old_mean(
    moved: Installation, database: PostgresDatabase
) -> None:
    critiques = CritiqueStore(database)
    await critiques.initialize()
    row = make_critique(ROWS, 7)["patterns"][-1]
    old, _ = (await critiques.get_patterns_batch([row["id"]]))[row["id"]]
    assert old.success_count == row["success_count"]
    [new] = await critiques.store_pattern(row["issue_text"], "Another", 8.0, "Another fix")
    assert new.id == old.id
    count = old.success_count + 1
    assert new.success_count == count
    assert new.avg_severity == pytest.approx((old.avg_severity * (count - 1) + 8.0) / count)
    assert new.issue_text == old.issue_text


def test_the_folder_is_as_it_was(moved: Installation) -> None:
    new = {path.name for path in Path(moved.source.folder).rglob("*-wal")}
    assert new == {"agora_memory.db-wal"}
    assert {path.name for path in Path(moved.source.folder).rglob("*-shm")} == {
        "agora_memory.db-shm"
    }

"""The older program's ranking, migrated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import InvalidInputError
from aragora_sql.migration import MemoryMigrator, MigrationReport
from aragora_sql.stores.elo import EloSystem
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import SOURCE_ZONE
from tests.migration.legacy.elo import DAMAGED, write_elo
from tests.stores.elo.test_replay import season

LONG_ID = "x" * 200 + "-a-vs-b-0123abcd"
AT = "2026-02-12 22:42:57"
ROWS: dict[str, Any] = {
    "ratings": [
        {
            "agent_name": "a",
            "elo": 1516.1234567890123,
            "domain_elos": {'it\'s "q"': 1500.1000000000001, "データ": 1e17, "law": 1516},
            "wins": 1,
            "debates_count": 1,
            "updated_at": "2026-02-12T16:42:57.123456",
            "calibration_correct": 2,
            "calibration_total": 13,
            "calibration_brier_sum": 0.30000000000000004,
        },
        {"agent_name": "b", "elo": 1484.0, "domain_elos": {}, "losses": 1, "debates_count": 1},
        # as a script seeded it
        {"agent_name": "seeded", "elo": None, "domain_elos": None, "updated_at": AT},
        {"agent_name": "damaged", "elo": 1500, "domain_elos": DAMAGED, "updated_at": AT},
    ],
    "matches": [
        {
            "debate_id": LONG_ID,
            "winner": "a",
            "participants": ["a", "b"],
            "domain": "law",
            "scores": {"a": 3, "b": 2.5},
            "elo_changes": {"a": 16.1234567890123, "b": -16.0},
            "created_at": AT,
        },
        {
            "debate_id": "x y/z",
            "winner": None,
            "participants": ["a", "b"],
            "scores": {"a": 1, "b": 1},
            "elo_changes": {"a": 0.0, "b": 0.0},
            "created_at": AT,
        },
    ],
    "elo_history": [
        {"agent_name": name, "elo": elo, "debate_id": debate_id, "created_at": AT}
        for name, elo, debate_id in [
            ("a", 1516.1234567890123, LONG_ID),
            ("b", 1484.0, LONG_ID),
            ("a", 1532.1234567890123, "verification:legal: compliance:3v1d"),
            ("a", 1524.0, "redteam_s_1"),
            ("a", 1520.0, "redteam"),
            ("a", 1520.0, "voting:d:1:incorrect"),
            ("a", 1520.0, "learning:d:rapid"),
            ("b", 1484.0, None),
        ]
    ],
    "calibration_predictions": [
        {
            "tournament_id": "t",
            "predictor_agent": name,
            "predicted_winner": "a",
            "confidence": confidence,
            "created_at": AT,
        }
        for name, confidence in [("a", 1.0), ("b", 0.25)]
    ],
    "domain_calibration": [
        {
            "agent_name": "a",
            "domain": "law",
            "total_predictions": 4,
            "total_correct": 2,
            "brier_sum": 0.5,
            "updated_at": "2026-02-12T16:42:57",
        }
    ],
    "calibration_buckets": [
        {"agent_name": "a", "domain": "law", "bucket_key": key, "predictions": n, "correct": 1}
        for key, n in [("0.3-0.4", 2), ("0.9-1.0", 3), ("1.0-1.0", 4)]
    ],
    "agent_relationships": [
        {
            "agent_a": "Z",
            "agent_b": "a",
            "debate_count": 5,
            "a_wins_over_b": 2,
            "updated_at": "2026-02-12T16:42:57",
        }
    ],
}


@pytest.fixture(scope="module")
def migrated(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("older")
    write_elo(folder / "agent_elo.db", "v2", ROWS)
    (folder / "elo_snapshot.json").write_text('{"leaderboard": [], "recent_matches": []}')
    report = module_target.migrate(folder, verify="all")
    check_sums(report)
    assert not report.mismatches
    rejected = {table.table: table.rejected for table in report.tables if table.rejected}
    assert rejected == {"elo_domain_ratings": 1}
    assert report.left_behind == []
    assert "elo_snapshot.json is derived" in str(report.to_dict()["files"])
    return module_target


async def opened(target: Target) -> EloSystem:
    return EloSystem(await PostgresDatabase.connect(target.dsn, 1, 2))


def test_ratings_keep_every_bit(migrated: Target) -> None:
    rating = migrated.row("elo_ratings", "a", "agent_name")
    assert rating["elo"] == 1516.1234567890123
    assert rating["calibration_brier_sum"] == 0.30000000000000004
    assert (rating["calibration_total"], rating["votes_total"]) == (13, 0)
    # local time, in the zone that was given
    local = datetime.fromisoformat("2026-02-12T16:42:57.123456")
    assert abs(rating["updated_at"] - local.replace(tzinfo=UTC)) <= timedelta(hours=14)
    assert rating["updated_at"].minute == 42
    assert migrated.row("elo_ratings", "seeded", "agent_name")["elo"] == 1500.0
    domains = migrated.query("SELECT domain, elo, initial_elo FROM elo_domain_ratings ORDER BY elo")
    assert domains == [
        ('it\'s "q"', 1500.1000000000001, None),
        ("law", 1516.0, None),
        ("データ", 1e17, None),
    ]
    (reject,) = migrated.rejected("elo_domain_ratings")
    assert (reject["row"]["agent_name"], reject["row"]["domain"]) == ("damaged", "")
    assert DAMAGED in reject["row"]["elo"]


def test_history_is_split_into_kind_and_reference(migrated: Target) -> None:
    found = migrated.query(
        "SELECT kind, reference, domain, change FROM elo_history ORDER BY number"
    )
    assert [row[:3] for row in found] == [
        ("match", LONG_ID, None),
        ("match", LONG_ID, None),
        ("verification", "3v1d", "legal: compliance"),
        ("redteam", "s_1", None),
        ("redteam", None, None),
        ("voting", "d:1:incorrect", None),
        ("learning", "d:rapid", None),
        ("match", None, None),
    ]
    assert [row[3] for row in found] == [
        1516.1234567890123 - 1500,
        -16.0,
        16.0,
        1524.0 - 1532.1234567890123,
        -4.0,
        None,
        None,
        0.0,
    ]


async def test_the_store_reads_what_was_migrated(migrated: Target) -> None:
    elo = await opened(migrated)
    try:
        recent = await elo.get_recent_matches()
        assert [match.debate_id for match in recent] == ["x y/z", LONG_ID]
        assert recent[1].scores == {"a": 3.0, "b": 2.5}
        assert recent[1].elo_changes == {"a": 16.1234567890123, "b": -16.0}
        assert recent[1].created_at == datetime(2026, 2, 12, 22, 42, 57, tzinfo=UTC)
        assert (recent[1].k_factor, recent[1].confidence_weight) == (None, None)
        assert await elo.record_match(LONG_ID, ["a", "b"], {"a": 1, "b": 0}) == {
            "a": 16.1234567890123,
            "b": -16.0,
        }
        head = await elo.get_head_to_head("b", "a")
        assert (head.matches, head.b_wins) == (1, 1)
        impact = await elo.get_verification_impact("a")
        assert (impact.verification_events, impact.total_impact) == (1, 16.0)
        buckets = await elo.get_calibration_by_bucket("a")
        assert [(one.bucket_key, one.predictions, one.correct) for one in buckets] == [
            ("0.3-0.4", 2, 1),
            ("0.9-1.0", 7, 2),
        ]
        pair = await elo.get_relationship_raw("a", "Z")
        assert pair is not None
        assert (pair.debate_count, pair.a_wins_over_b) == (5, 2)
        with pytest.raises(InvalidInputError, match="older system"):
            await elo.resolve_tournament_calibration("t", "a")
        found = {one.agent_name: one for one in (await elo.recompute_ratings()).differences}
        # history went on after the rating of the fixture, and one match has no events
        assert found["a"].replayed == pytest.approx(1520.0)
    finally:
        await elo.database.close()


def test_copies_count_once_and_what_was_not_copied_adds_up(target: Target, tmp_path: Path) -> None:
    """The older program consolidated agent_elo.db, and went on in analytics.db."""
    write_elo(tmp_path / "agent_elo.db", "v2", ROWS)
    newer: dict[str, Any] = {
        "ratings": [
            {**ROWS["ratings"][0], "elo": 1530.0, "updated_at": "2026-03-01T00:00:00"},
            ROWS["ratings"][1] | {"updated_at": "2026-02-01T00:00:00"},
        ],
        "matches": [*ROWS["matches"], {**ROWS["matches"][0], "debate_id": "new"}],
        "elo_history": [
            *ROWS["elo_history"],
            {"agent_name": "a", "elo": 1530.0, "debate_id": "new", "created_at": AT},
        ],
        "calibration_predictions": ROWS["calibration_predictions"],
        "domain_calibration": [{**ROWS["domain_calibration"][0], "total_predictions": 1}],
        "calibration_buckets": [{**ROWS["calibration_buckets"][0], "predictions": 1}],
        "agent_relationships": [{**ROWS["agent_relationships"][0], "debate_count": 2}],
    }
    write_elo(tmp_path / "analytics.db", "consolidated", newer, ("elo", "analytics"))
    report = target.migrate(tmp_path)
    check_sums(report)
    assert target.row("elo_ratings", "a", "agent_name")["elo"] == 1530.0
    assert target.counts("elo_matches", "elo_history", "elo_calibration_predictions") == {
        "elo_matches": 3,
        "elo_history": 9,
        "elo_calibration_predictions": 2,
    }
    found = target.row("elo_domain_calibration", "a", "agent_name")
    assert (found["total_predictions"], found["total_correct"], found["brier_sum"]) == (5, 4, 1.0)
    assert target.query(
        "SELECT predictions, correct FROM elo_calibration_buckets ORDER BY bucket_key"
    ) == [(3, 2), (7, 2)]
    assert target.row("elo_relationships", "Z", "agent_a")["debate_count"] == 7


def test_files_of_the_first_version(target: Target, tmp_path: Path) -> None:
    """No calibration columns, no row that tells the version, an old name."""
    without = [
        {name: value for name, value in row.items() if not name.startswith("calibration")}
        for row in ROWS["ratings"][:2]
    ]
    write_elo(tmp_path / "elo.db", "v1", {**ROWS, "ratings": without}, ())
    report = target.migrate(tmp_path, stores=("elo",))
    check_sums(report)
    assert report.total_errors == 0
    rating = target.row("elo_ratings", "a", "agent_name")
    assert (rating["calibration_total"], rating["calibration_brier_sum"]) == (0, 0.0)
    again: MigrationReport = target.migrate(tmp_path, stores=("elo",), verify="all")
    assert (again.total_migrated, again.total_errors, again.mismatches) == (0, 0, 0)


async def test_migrate_elo_moves_a_file_of_this_package(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    source = EloSystem(SQLiteDatabase(path))
    await source.initialize()
    await season(source)
    await source.record_winner_prediction("t", "a", "b", 0.5)
    board, stats = await source.get_leaderboard(), await source.get_stats()
    await source.database.close()
    migrator = MemoryMigrator(
        path, target.dsn, source_timezone=SOURCE_ZONE, rejects=tmp_path / "rejects"
    )
    report = await migrator.migrate_elo()
    assert report.success
    check_sums(report)
    elo = await opened(target)
    try:
        assert await elo.get_leaderboard() == board
        assert await elo.get_stats() == stats
        assert (await elo.recompute_ratings()).differences == []
        await elo.resolve_tournament_calibration("t", "b")
        # numbers go on behind those that came
        await elo.record_match("next", ["a", "b"], {"a": 1, "b": 0})
        assert (await elo.get_recent_matches(1))[0].debate_id == "next"
        assert (await elo.recompute_ratings()).differences == []
    finally:
        await elo.database.close()

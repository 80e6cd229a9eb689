"""Timestamps: three forms, one zone, and clock changes by a stated rule."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.bad_values import BadValueError
from aragora_sql.migration.timestamps import (
    AMBIGUOUS,
    NONEXISTENT,
    TimestampReader,
    time_zone,
)
from tests.migration.conftest import Target
from tests.migration.expected import timestamp
from tests.migration.legacy import write_consensus, write_critique
from tests.migration.legacy.values import fill

BERLIN = "Europe/Berlin"
ZONES = (
    "UTC",
    BERLIN,
    "America/Chicago",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Monrovia",
    "America/St_Johns",
    "Europe/Dublin",
)


def read(text: str, zone: str = BERLIN) -> str:
    return TimestampReader(time_zone(zone)).text(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # SQLite's own: UTC, whatever the zone.
        ("2026-02-12 22:42:57", "2026-02-12T22:42:57+00:00"),
        ("2026-02-12 22:42", "2026-02-12T22:42:00+00:00"),
        ("2026-02-12 22:42:57.5", "2026-02-12T22:42:57.5+00:00"),
        # Python's: local.
        ("2026-02-12T16:42:57.123456", "2026-02-12T16:42:57.123456+01:00"),
        ("2026-07-12T16:42:57", "2026-07-12T16:42:57+02:00"),
        ("2026-07-12T16:42", "2026-07-12T16:42:00+02:00"),
        ("2026-07-12T16:42:57.1234560000", "2026-07-12T16:42:57.123456+02:00"),
        # An offset is kept.
        ("2026-02-12T16:42:57Z", "2026-02-12T16:42:57+00:00"),
        ("2026-02-12T16:42:57z", "2026-02-12T16:42:57+00:00"),
        ("2026-02-12 16:42:57+05:45", "2026-02-12T16:42:57+05:45"),
        ("2026-02-12T16:42:57.000001-0330", "2026-02-12T16:42:57.000001-0330"),
        ("2026-02-12T16:42:57 +01:00", "2026-02-12T16:42:57+01:00"),
        ("2026-02-12 16:42:57+01", "2026-02-12T16:42:57+01"),
        # Before standard time the offset had seconds.
        ("1880-01-01T00:00:00", "1880-01-01T00:00:00+00:53:28"),
        ("0001-01-02T00:00:00", "0001-01-02T00:00:00+00:53:28"),
        ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999+01:00"),
        ("2024-02-29T12:00:00", "2024-02-29T12:00:00+01:00"),
    ],
)
def test_each_form_is_read_as_it_was_written(text: str, wanted: str) -> None:
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not a date and time"),
        ("now", "is not a date and time"),
        ("2026-02-12", "is a date without a time"),
        ("2026-02-12T24:00:00", "is not a date and time"),
        ("2026-02-12T23:60:00", "is not a date and time"),
        ("2026-02-12T23:59:60", "is not a date and time"),
        ("2026-2-12T10:00:00", "is not a date and time"),
        ("2026-02-12T10:00:00.1234567", "is not a date and time"),
        (" 2026-02-12T10:00:00", "is not a date and time"),
        ("2026-02-12T10:00:00\n", "is not a date and time"),
        ("2026-02-12T10:00:00+16:00", "is not a date and time"),
        ("٢٠٢٦-02-12T10:00:00", "is not a date and time"),
        ("2026-02-12T10:00:0\u0660", "is not a date and time"),
        ("infinity", "is not a date and time"),
        ("2026-02-30T10:00:00", "is not a date of the calendar"),
        ("2023-02-29T10:00:00", "is not a date of the calendar"),
        ("2026-00-01T10:00:00", "is not a date of the calendar"),
        ("0000-01-01T00:00:00", "is not a date of the calendar"),
        ("0001-01-01T00:00:00", "is outside the years 1 to 9999 in UTC"),
        ("9999-12-31T23:59:59-01:00", "is outside the years 1 to 9999 in UTC"),
        ("1767225600", "is a number where a date and time belong"),
        ("1767225600.123", "is a number where a date and time belong"),
        ("1.7672256e9", "is a number where a date and time belong"),
    ],
)
def test_what_is_no_timestamp_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(BadValueError, match=problem):
        read(text)


def test_a_local_time_that_occurred_twice_is_the_first() -> None:
    reader = TimestampReader(time_zone(BERLIN))
    assert reader.text("2025-10-26T02:30:00") == "2025-10-26T02:30:00+02:00"
    assert reader.text("2025-10-26T02:59:59.999999") == "2025-10-26T02:59:59.999999+02:00"
    assert reader.counts == {AMBIGUOUS: 2}
    assert reader.text("2025-10-26T03:00:00") == "2025-10-26T03:00:00+01:00"
    assert reader.text("2025-10-26T01:59:59") == "2025-10-26T01:59:59+02:00"
    assert reader.counts == {AMBIGUOUS: 2}


def test_a_local_time_that_never_was_moves_past_the_gap() -> None:
    reader = TimestampReader(time_zone(BERLIN))
    text = reader.text("2025-03-30T02:30:00")
    assert text == "2025-03-30T02:30:00+01:00"
    local = datetime.fromisoformat(text).astimezone(ZoneInfo(BERLIN))
    assert local.isoformat() == "2025-03-30T03:30:00+02:00"
    assert reader.counts == {NONEXISTENT: 1}
    assert reader.text("2025-03-30T03:00:00") == "2025-03-30T03:00:00+02:00"
    assert reader.counts == {NONEXISTENT: 1}


def test_a_change_of_half_an_hour() -> None:
    reader = TimestampReader(time_zone("Australia/Lord_Howe"))
    # The clock went from 2:00 back to 1:30, and from 2:00 on to 2:30.
    assert reader.text("2025-04-06T01:29:59") == "2025-04-06T01:29:59+11:00"
    assert reader.text("2025-04-06T01:45:00") == "2025-04-06T01:45:00+11:00"
    assert reader.counts == {AMBIGUOUS: 1}
    assert reader.text("2025-10-05T02:15:00") == "2025-10-05T02:15:00+10:30"
    assert reader.text("2025-10-05T02:45:00") == "2025-10-05T02:45:00+11:00"
    assert reader.counts == {AMBIGUOUS: 1, NONEXISTENT: 1}


def test_a_day_that_was_left_out() -> None:
    reader = TimestampReader(time_zone("Pacific/Apia"))
    assert reader.text("2011-12-30T12:00:00") == "2011-12-30T12:00:00-10:00"
    assert reader.counts == {NONEXISTENT: 1}


def test_what_is_utc_by_the_mapping() -> None:
    reader = TimestampReader(None)
    assert reader.text("2026-07-12T16:42:57", naive_is_utc=True) == "2026-07-12T16:42:57+00:00"
    assert reader.text("2026-07-12", naive_is_utc=True) == "2026-07-12T00:00:00+00:00"
    with pytest.raises(BadValueError, match="--source-timezone is not given"):
        reader.text("2026-07-12T16:42:57")


@pytest.fixture
def in_newfoundland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_newfoundland")
def test_the_zone_of_this_machine() -> None:
    reader = TimestampReader(time_zone("local"))
    assert reader.text("2026-07-12T16:42:57") == "2026-07-12T16:42:57-02:30"
    assert reader.text("2026-01-12T16:42:57") == "2026-01-12T16:42:57-03:30"
    assert reader.text("2025-11-02T01:30:00") == "2025-11-02T01:30:00-02:30"
    assert reader.text("2025-03-09T02:30:00") == "2025-03-09T02:30:00-03:30"
    assert reader.counts == {AMBIGUOUS: 1, NONEXISTENT: 1}


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "+01:00", "../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a time zone; give an IANA name"):
        time_zone(name)


# A text can't say which of two equal local times it means: it is read as the first.
naive = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28)).map(lambda at: at.replace(fold=0))


@settings(max_examples=400, deadline=None)
@given(naive, st.sampled_from(ZONES))
@example(datetime(3560, 11, 6, 1, 0), "America/St_Johns")
def test_reading_is_datetime_arithmetic(local: datetime, zone: str) -> None:
    reader = TimestampReader(time_zone(zone))
    wanted = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert reader.timestamp(local.isoformat()) == wanted
    # A second time from what the reader remembers.
    assert reader.timestamp(local.isoformat()) == wanted
    assert reader.timestamp(local.isoformat(" ")) == local.replace(tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(available_timezones())), st.integers(0, 60 * 24 * 366), st.data())
def test_around_clock_changes_of_all_zones(zone: str, minutes: int, data: st.DataObject) -> None:
    reader = TimestampReader(time_zone(zone))
    year = data.draw(st.sampled_from((1916, 1942, 1970, 1987, 2007, 2025)))
    local = datetime(year, 1, 1) + timedelta(minutes=minutes)
    aware = local.replace(tzinfo=ZoneInfo(zone))
    assert reader.timestamp(local.isoformat()) == aware.astimezone(UTC)
    first, second = aware.utcoffset(), aware.replace(fold=1).utcoffset()
    assert first is not None
    assert second is not None
    wanted = {AMBIGUOUS: 1} if first > second else {NONEXISTENT: 1} if first < second else {}
    assert reader.counts == wanted


@settings(max_examples=200, deadline=None)
@given(naive, st.integers(-15 * 60 - 59, 15 * 60 + 59))
def test_an_offset_is_kept(local: datetime, minutes: int) -> None:
    aware = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert TimestampReader(None).timestamp(aware.isoformat()) == aware.astimezone(UTC)


def test_local_times_without_a_zone_are_refused_with_their_count(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "memory.db"
    consensus = write_consensus(path, rows=12)
    critique = write_critique(path, rows=12)
    with pytest.raises(ConfigurationError) as caught:
        target.migrate(path, source_timezone=None)
    text = str(caught.value)
    expected = {
        "consensus.created_at": len(consensus["consensus"]),
        "consensus.updated_at": len(consensus["consensus"]),
        "dissent.created_at": len(consensus["dissent"]),
        "patterns.updated_at": len(critique["patterns"]),
        # Some are SQLite's own.
        "agent_reputation.updated_at": 3,
    }
    for column, count in expected.items():
        assert f"{column} ({count})" in text
    assert "agent_reputation" in text
    assert "critiques" not in text
    assert "--source-timezone Europe/Berlin" in text
    assert "Nothing was migrated" in text
    assert target.counts("consensus", "debates") == {"consensus": 0, "debates": 0}
    assert target.query("SELECT to_regclass('_migration_runs') IS NULL") == [(True,)]
    for dry in (True, False):
        with pytest.raises(ConfigurationError, match="are local times without a zone"):
            target.migrate(path, source_timezone=None, dry_run=dry)


def test_without_local_times_no_zone_is_needed(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    tables = write_critique(path, rows=0)
    assert all(not rows for name, rows in tables.items() if name == "debates")
    fill(path, {"debates": [{"id": "d", "task": "t", "created_at": "2026-01-02 03:04:05"}]})
    with pytest.raises(ConfigurationError, match=r"agent_reputation\.updated_at"):
        target.migrate(path, source_timezone=None)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM agent_reputation WHERE updated_at LIKE '%T%'")
        connection.commit()
    report = target.migrate(path, source_timezone=None)
    assert report.table("debates").migrated == 1
    assert target.row("debates", "d")["created_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Pacific/Apia"])
def test_the_zone_decides_where_local_times_go(target: Target, tmp_path: Path, zone: str) -> None:
    path = tmp_path / "memory.db"
    consensus = write_consensus(path, rows=6)
    critique = write_critique(path, rows=6)
    target.migrate(path, source_timezone=zone)
    for row in consensus["consensus"]:
        assert target.row("consensus", row["id"])["created_at"] == timestamp(row["timestamp"], zone)
    for row in critique["agent_reputation"]:
        found = target.row("agent_reputation", row["agent_name"], "agent_name")
        assert found["updated_at"] == timestamp(row["updated_at"], zone)
    found = target.row("debates", critique["debates"][1]["id"])
    assert found["created_at"] == timestamp(critique["debates"][1]["created_at"], "UTC")


def test_the_zone_of_the_machine_that_runs_does_not_matter(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    consensus = write_consensus(path, rows=3)
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    try:
        target.migrate(path, source_timezone="America/Chicago")
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()
    for row in consensus["consensus"]:
        wanted = timestamp(row["timestamp"], "America/Chicago")
        assert target.row("consensus", row["id"])["created_at"] == wanted

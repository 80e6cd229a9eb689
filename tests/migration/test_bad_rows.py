"""Every value that is wrong, or looks wrong, has one stated outcome, whoever its neighbours are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.migration import MigrationReport
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import (
    BAD_ROWS,
    HUGE,
    HUGE_TEXT_CHARACTERS,
    BadRow,
    Sql,
    key_column,
    write_bad_rows,
)

SMALL = [bad for bad in BAD_ROWS if bad.name != HUGE]
REJECTED = [bad for bad in SMALL if bad.outcome in ("rejected", "orphan")]
KEPT = [bad for bad in SMALL if bad.outcome in ("migrated", "adjusted", "merged")]

# What the reason of each rejected row has to say.
REASONS: dict[str, list[str]] = {
    "a NUL character at position 1": ["nul-in-topic", "nul-in-issue-text", "nul-in-agent"],
    "a NUL character at position 7": ["nul-in-id"],
    "value[0]: a NUL character at position 1": ["nul-in-json", "nul-in-issues"],
    "value: a NUL character at position 0": ["nul-in-json-key"],
    "a NUL character at position 3": ["nul-in-issues-raw"],
    "a NUL character at position 0": ["nul-in-reasoning"],
    "a lone surrogate": ["surrogate-in-json", "surrogate-in-issues"],
    "b'\\xed\\xb0\\x80' is not UTF-8": ["low-surrogate-in-json"],
    "is not UTF-8": [
        *(bad.name for bad in BAD_ROWS if bad.name.startswith("utf8-")),
    ],
    "a BLOB (b'\\x00\\xff') where text belongs": ["blob-topic"],
    "a BLOB (b'plain') where text belongs": ["blob-topic-ascii"],
    "a BLOB (b'bad-blob') where text belongs": ["blob-id"],
    "a BLOB (b'{\"a\": 1}') where text belongs": ["blob-data"],
    "a BLOB (b'\\x01') where a number belongs": ["blob-confidence"],
    "a BLOB (b'2026-01-15T10:11:12') where text belongs": ["time-as-blob"],
    "text ('text') where a BLOB belongs": ["text-embedding"],
    "'high' is not valid JSON": ["text-confidence"],
    "text ('bad') where a number belongs": ["text-severity"],
    "text ('many') where an integer belongs": ["text-count"],
    "text ('three') where an integer belongs": ["rounds-text"],
    "text ('yes') where 0 or 1 belongs": ["text-flag"],
    "text ('y') where 0 or 1 belongs": ["acknowledged-text"],
    "2 where 0 or 1 belongs": ["flag-2"],
    "a floating-point number (2.5) where an integer belongs": ["half-a-round"],
    "a floating-point number (9.223372036854776e+18) where an integer": ["65-bit-rounds"],
    "a floating-point number (1e+20) where an integer belongs": ["65-bit-text"],
    "inf where a finite number belongs": ["infinite", "infinite-severity", "minus-infinite"],
    "JSON that PostgreSQL can't hold: NaN": ["nan-in-json", "nan-in-issues"],
    "JSON that PostgreSQL can't hold: Infinity": ["inf-in-json"],
    "JSON that PostgreSQL can't hold: -Infinity": ["-inf-in-json"],
    "consensus_confidence_check": ["confidence-1.5"],
    "dissent_confidence_check": ["confidence-negative"],
    "critiques_severity_check": ["severity-negative"],
    "critiques_actual_usefulness_check": ["usefulness-2"],
    "failure_count >= 0": ["count-negative"],
    "agent_reputation_calibration_score_check": ["calibration-1.7"],
    "3000000000 does not fit an integer of 32 bits": ["33-bit-rounds"],
    "2147483648 does not fit an integer of 32 bits": ["33-bit-count", "33-bit-rounds-json"],
    "1180591620717411303424 does not fit an integer of 32 bits": ["65-bit-rounds-json"],
    "is not valid JSON: unexpected end of data": ["json-cut", "verdict-cut"],
    "is not valid JSON: unexpected character, expected a string key": ["json-single-quotes"],
    "'' is not valid JSON": ["json-empty"],
    "is not valid JSON: unexpected content after document": ["json-trailing"],
    "is nested deeper than 254 levels": ["json-300-deep"],
    "is not valid JSON: depth limit exceeded": ["json-too-deep"],
    "'No backpressure' is not valid JSON": ["issues-not-json"],
    "jsonb_typeof(data) = 'object'": ["json-list", "json-null", "json-text"],
    "jsonb_typeof(participating_agents) = 'array'": ["agents-text"],
    "jsonb_typeof(key_claims) = 'array'": ["claims-object"],
    "jsonb_typeof(metadata) = 'object'": ["metadata-text"],
    "jsonb_typeof(issues) = 'array'": ["issues-text", "issues-object"],
    "jsonb_typeof(grounded_verdict) = 'object'": ["verdict-list"],
    "id <> ''": ["empty-id", "empty-dissent-id", "empty-debate-id"],
    "agent_name <> ''": ["empty-agent-name"],
    "NULL where a value is needed": [
        "null-id",
        "null-dissent-id",
        "null-debate-id",
        "null-pattern-id",
        "null-agent-name",
    ],
    "no row of consensus has this id": ["orphan-dissent", "orphan-proof"],
    "no row of debates has this id": ["orphan-critique"],
    "no row of patterns has this id": ["orphan-embedding"],
    "supersedes <> id": ["supersedes-itself"],
    "year 0 is out of range": ["year-0"],
    "is outside the years 1 to 9999 in UTC": ["year-9999-end"],
    "is not a date and time": [
        "year-10000",
        "time-in-words",
        "empty-time",
        "nanoseconds",
        "words-in-updated",
    ],
    "is a number where a date and time belong": [
        "epoch-seconds",
        "epoch-fraction",
        "epoch-milliseconds",
        "epoch-in-created",
    ],
    "is a date without a time": ["date-only"],
    "month must be in 1..12": ["month-13"],
    "day is out of range for month": ["february-30"],
}

# The values with which the other rows arrive.
VALUES: dict[str, dict[str, Any]] = {
    "pair-in-issues": {"issues": ["😀"]},
    "null-flag": {"consensus_reached": False},
    # The column is NULL; the record of truth has it.
    "nan-confidence": {"confidence": 0.85},
    "smallest-double": {"severity": 5e-324},
    "17-digits": {"severity": 0.30000000000000004},
    "65-bit-in-json": {"metadata": {"n": 2**70}},
    "issues-null": {"issues": []},
    "issues-empty": {"issues": []},
    "verdict-empty": {"grounded_verdict": None},
    "negative-id": {"id": -5},
    "large-id": {"id": 2**62},
    "largest-id": {"id": 2**63 - 1},
    "twice": {"task": "Choose an approach"},
    "supersedes-nothing": {"supersedes": None, "metadata": {"supersedes": "no-consensus"}},
    "strength-medium": {"strength": "moderate"},
    "strength-unknown": {"strength": "moderate"},
    "strength-upper": {"strength": "moderate"},
    "type-unknown": {"dissent_type": "minor_quibble"},
    "status-unknown": {"proof_status": "unknown"},
    # Chicago: before 18 November 1883 its offset was -5:50:36, in summer it is -5, in winter -6.
    "year-1": {"created_at": datetime(1, 6, 15, 17, 50, 36, tzinfo=UTC)},
    "year-1900": {"created_at": datetime(1900, 6, 15, 18, tzinfo=UTC)},
    "year-9999": {"created_at": datetime(9999, 6, 15, 17, tzinfo=UTC)},
    "ambiguous-time": {"created_at": datetime(2025, 11, 2, 6, 30, tzinfo=UTC)},
    "skipped-time": {"created_at": datetime(2025, 3, 9, 8, 30, tzinfo=UTC)},
    "time-with-offset": {"created_at": datetime(2026, 1, 15, 4, 26, 12, 131415, tzinfo=UTC)},
    "time-with-z": {"created_at": datetime(2026, 1, 15, 10, 11, 12, tzinfo=UTC)},
    "utc-sql-in-local": {"updated_at": datetime(2026, 1, 15, 10, 11, 12, tzinfo=UTC)},
    "local-in-reputation": {"updated_at": datetime(2026, 1, 15, 16, 11, 12, 131415, tzinfo=UTC)},
    "null-time": {"created_at": datetime(2026, 1, 15, 16, 11, 12, 131415, tzinfo=UTC)},
}

# What is said of rows whose value a rule gave.
NOTES = {
    "consensus": {
        "unknown strength 'superb' taken as moderate": 1,
        "unknown strength 'STRONG' taken as moderate": 1,
        "supersedes points to no row of consensus: set to NULL": 1,
    },
    "dissent": {
        "unknown dissent type 'veto' taken as minor_quibble": 1,
        "local times that occurred twice, taken as the first": 1,
        "local times that a clock change left out, moved past the gap": 1,
    },
    "verified_proofs": {"unknown proof status 'ok' taken as unknown": 1},
    "debates": {"merged: an older version of the record; the newest is in the target": 2},
}


@dataclass(frozen=True, slots=True)
class Migrated:
    """A file with all bad rows, and what became of it."""

    path: Path
    rows: dict[str, int]
    target: Target
    report: MigrationReport

    def rowid(self, bad: BadRow) -> int:
        """Return where a row stands in the file."""
        key = bad.row()[key_column(bad.table)]
        wanted, arguments = (key.expression, []) if isinstance(key, Sql) else ("?", [key])
        query = f"SELECT rowid FROM {bad.table} WHERE {key_column(bad.table)} IS {wanted}"
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return int(connection.execute(query, arguments).fetchall()[0][0])

    def reject(self, bad: BadRow) -> list[dict[str, Any]]:
        """Return the lines that the reject file has for a row."""
        rowid = self.rowid(bad)
        return [line for line in self.target.rejected(bad.table) if line["rowid"] == rowid]


@pytest.fixture(scope="module")
def migrated(module_target: Target) -> Migrated:
    path = module_target.folder / "bad.db"
    rows = write_bad_rows(path, SMALL)
    return Migrated(path, dict(rows), module_target, module_target.migrate(path))


def test_each_bad_row_has_its_outcome_here() -> None:
    reasons = [name for names in REASONS.values() for name in names]
    assert sorted(reasons) == sorted(bad.name for bad in REJECTED)
    assert VALUES.keys() == {bad.name for bad in KEPT}


@pytest.mark.parametrize("bad", REJECTED, ids=lambda bad: bad.name)
def test_a_rejected_row_is_in_the_reject_file(migrated: Migrated, bad: BadRow) -> None:
    [line] = migrated.reject(bad)
    assert line["table"] == bad.table
    assert line["source_file"] == "bad.db"
    assert line["column"] == bad.column
    [wanted] = [reason for reason, names in REASONS.items() if bad.name in names]
    assert wanted in line["reason"]
    assert line["column"] in line["row"]
    assert line["key"] == {key_column(bad.table): line["row"][key_column(bad.table)]}
    if isinstance(bad.key, str):
        assert line["key"] == {key_column(bad.table): bad.key}
        column = key_column(bad.table)
        query = f"SELECT count(*) FROM {bad.table} WHERE {column} = %s"
        if "\x00" not in bad.key:
            assert migrated.target.query(query, bad.key) == [(0,)]


@pytest.mark.parametrize("bad", KEPT, ids=lambda bad: bad.name)
def test_another_row_arrives_with_the_stated_value(migrated: Migrated, bad: BadRow) -> None:
    assert migrated.reject(bad) == []
    row = migrated.target.row(bad.table, bad.key, key_column(bad.table))
    assert {name: row[name] for name in VALUES[bad.name]} == VALUES[bad.name]


def test_each_row_is_accounted_for(migrated: Migrated) -> None:
    report = migrated.report
    check_sums(report)
    assert {table.table: table.rows_in_source for table in report.tables} == migrated.rows
    rejected = {table.table: table.rejected for table in report.tables if table.rejected}
    assert rejected == {table: len(migrated.target.rejected(table)) for table in rejected}
    assert migrated.target.counts(*migrated.rows) == {
        table.table: table.migrated for table in report.tables
    }
    assert sum(report.reasons.values()) == report.total_errors
    assert not report.success
    assert report.exit_code == 1
    assert report.mismatches == 0


def test_no_bad_row_takes_a_good_one_with_it(migrated: Migrated) -> None:
    blamed = {(bad.table, migrated.rowid(bad)) for bad in REJECTED}
    for table in migrated.rows:
        for line in migrated.target.rejected(table):
            if (table, line["rowid"]) not in blamed:
                # Orphans are among the good rows too, as everywhere.
                assert line["reason"].startswith("no row of "), line
    # The good rows of each table that has no parent all are there.
    with closing(sqlite3.connect(f"file:{migrated.path}?mode=ro", uri=True)) as connection:
        for table in ("consensus", "patterns", "agent_reputation", "debates"):
            column = key_column(table)
            query = (
                f"SELECT {column} FROM {table} WHERE {column} NOT LIKE 'bad-%' AND {column} > ''"
            )
            good = {row[0] for row in connection.execute(query) if isinstance(row[0], str)}
            there = {row[0] for row in migrated.target.query(f"SELECT {column} FROM {table}")}
            assert good - {"n\x00l"} <= there
            assert len(good) > 5


def test_rules_that_change_a_value_are_counted(migrated: Migrated) -> None:
    notes = {table.table: dict(table.counts.notes) for table in migrated.report.tables}
    assert {table: found for table, found in notes.items() if found} == NOTES


def test_a_value_keeps_its_text_where_a_rule_changes_it(migrated: Migrated) -> None:
    row = migrated.target.row("consensus", "bad-strength-unknown")
    # The record of truth says what stood there.
    assert row["data"]["strength"] == "strong"
    assert row["data"]["id"] == "bad-strength-unknown"


@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_row_has_the_same_outcome_in_any_company(
    migrated: Migrated, target: Target, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    """Rows are tried a few at a time, each time the fast way first."""
    monkeypatch.setattr("aragora_sql.migration.options.BATCHES_PER_COMMIT", 1)
    monkeypatch.setattr("aragora_sql.migration.loading._PATIENCE", 1_000_000)
    report = target.migrate(migrated.path, batch_size=batch_size)
    wanted = migrated.report.to_dict()
    found = report.to_dict()
    assert found["reasons"] == wanted["reasons"]
    same = ("table", "rows_in_source", "merged", "migrated", "rejected", "notes", "verified")
    for ours, theirs in zip(found["tables"], wanted["tables"], strict=True):
        assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
        key = "rowid"
        lines = target.rejected(ours["table"]), migrated.target.rejected(ours["table"])
        assert sorted(lines[0], key=lambda line: line[key]) == sorted(
            lines[1], key=lambda line: line[key]
        )
    for table in migrated.rows:
        column = "archived_at" if table.endswith("archive") else key_column(table)
        query = f"SELECT * FROM {table} ORDER BY {column}"
        rows = target.query(query), migrated.target.query(query)
        if not table.endswith("archive"):
            assert rows[0] == rows[1]
        assert len(rows[0]) == len(rows[1])


def test_the_reject_file_holds_the_row_as_it_was(migrated: Migrated) -> None:
    by_name = {bad.name: bad for bad in REJECTED}
    [line] = migrated.reject(by_name["utf8-latin-1"])
    assert line["row"]["conclusion"] == {"$text-bytes": "WvxyaWNo"}
    [line] = migrated.reject(by_name["blob-topic"])
    assert line["row"]["topic"] == {"$bytes": "AP8="}
    [line] = migrated.reject(by_name["infinite"])
    assert line["row"]["confidence"] == {"$float": "inf"}
    [line] = migrated.reject(by_name["nul-in-topic"])
    assert line["row"]["topic"] == "a\x00b"
    [line] = migrated.reject(by_name["33-bit-rounds"])
    assert line["row"]["rounds_used"] == 3_000_000_000
    assert line["row"]["created_at"] == "2026-01-15 10:11:12"
    [line] = migrated.reject(by_name["json-cut"])
    assert line["row"]["data"] == '{"id": "x", "top'
    # What was refused by the target comes back from there with its values.
    [line] = migrated.reject(by_name["orphan-critique"])
    assert line["row"]["severity"] == 6.5
    assert json.loads(line["row"]["issues"]) == ["No backpressure"]
    assert line["row"]["led_to_improvement"] == 0


def test_nul_characters_can_be_stripped(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "nul.db"
    named = [bad for bad in SMALL if bad.name.startswith("nul-")]
    escaped = json.dumps(["a\x00b", "kept: \\u0000 in words", "\\"])
    named.append(
        BadRow("nul-escaped", "critiques", "migrated", None, {"issues": escaped, "id": 77})
    )
    write_bad_rows(path, named, good=0)
    report = target.migrate(path, on_nul="strip", orphans="leave-out")
    check_sums(report)
    assert report.total_errors == 0
    assert report.mismatches == 0
    assert target.row("consensus", "bad-nul-in-topic")["topic"] == "ab"
    assert target.row("consensus", "bad-nulid")["id"] == "bad-nulid"
    assert target.row("consensus", "bad-nul-in-json")["key_claims"] == ["ab"]
    assert target.row("consensus", "bad-nul-in-json")["data"]["key_claims"] == ["ab"]
    assert target.row("consensus", "bad-nul-in-json-key")["metadata"] == {"": 1}
    assert target.row("critiques", 77)["issues"] == ["ab", "kept: \\u0000 in words", "\\"]
    assert target.query("SELECT reasoning FROM critiques WHERE reasoning = ''") == [("",)]
    assert target.row("patterns", "bad-nul-in-issue-text")["issue_text"] == "a"
    assert target.row("agent_reputation", "nl", "agent_name")["agent_name"] == "nl"


ORPHANS = [bad for bad in BAD_ROWS if bad.outcome == "orphan"]


def test_orphans_can_be_left_out(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "orphans.db"
    write_bad_rows(path, ORPHANS, good=0)
    report = target.migrate(path, orphans="leave-out")
    check_sums(report)
    left = {table.table: table.left_out for table in report.tables if table.left_out}
    # make_critique() adds an embedding that belongs to nothing.
    assert left == {
        "dissent": 1,
        "verified_proofs": 1,
        "critiques": 1,
        "pattern_embeddings": 2,
    }
    assert report.total_errors == 0
    assert report.reject_files == []
    assert report.success
    again = target.migrate(path, orphans="leave-out")
    assert {table.table: table.left_out for table in again.tables if table.left_out} == left


def test_orphans_can_lose_their_reference(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "orphans.db"
    write_bad_rows(path, ORPHANS, good=0)
    report = target.migrate(path, orphans="null")
    check_sums(report)
    critiques = report.table("critiques")
    assert (critiques.migrated, critiques.rejected) == (1, 0)
    assert critiques.counts.notes == {"debate_id points to no row of debates: set to NULL": 1}
    assert target.query("SELECT debate_id FROM critiques") == [(None,)]
    assert critiques.verified is not None
    assert critiques.verified.mismatches == 0
    # Where the column needs a value, NULL is not possible.
    assert report.table("dissent").rejected == 1
    assert report.table("verified_proofs").rejected == 1
    assert report.table("pattern_embeddings").rejected == 2
    again = target.migrate(path, orphans="null")
    assert (again.total_migrated, again.total_different, again.mismatches) == (0, 0, 0)
    # Without the option the reference that is missing is a difference.
    [orphan] = [bad.key for bad in ORPHANS if bad.table == "critiques"]
    assert target.migrate(path).table("critiques").counts.different_keys == [str(orphan)]


def test_a_link_to_nothing_is_no_difference_the_next_time(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "links.db"
    write_bad_rows(path, [bad for bad in SMALL if bad.name == "supersedes-nothing"], good=0)
    assert target.migrate(path).table("consensus").migrated == 2
    for options in ({}, {"dry_run": True}, {"jobs": 2}):
        again = target.migrate(path, **options)
        assert (again.total_migrated, again.total_different) == (0, 0)
    # One that could be there is a difference.
    target.query("UPDATE consensus SET metadata = '{}' WHERE id = 'bad-supersedes-nothing'")
    assert target.migrate(path).total_different == 1


def test_a_text_of_50_megabytes(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "huge.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name == HUGE], good=0)
    report = target.migrate(path)
    check_sums(report)
    assert report.table("debates").rejected == 0
    assert report.mismatches == 0
    query = (
        "SELECT octet_length(final_answer), final_answer = repeat('0', %s) FROM debates "
        "WHERE final_answer IS NOT NULL AND octet_length(final_answer) > 1000"
    )
    assert target.query(query, HUGE_TEXT_CHARACTERS) == [(HUGE_TEXT_CHARACTERS, True)]

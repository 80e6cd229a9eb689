"""Reject files can be mended and loaded, as often as it takes."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.migration import MigrationReport, retry_rejects
from aragora_sql.migration.bad_values import DamagedText
from aragora_sql.migration.rejects import Reject, read_rejects
from aragora_sql.settings import PostgresDSN
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import BAD_ROWS, HUGE, SOURCE_ZONE, write_bad_rows


def rows_named(*names: str) -> list[Any]:
    return [bad for bad in BAD_ROWS if bad.name in names]


def retry(target: Target, path: Path, **options: Any) -> MigrationReport:
    chosen = {"source_timezone": SOURCE_ZONE} | options
    return retry_rejects(path, PostgresDSN.parse(target.dsn), **chosen)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_mended_lines_are_loaded(target: Target, tmp_path: Path) -> None:
    names = ("json-cut", "confidence-1.5", "nul-in-topic", "rounds-text", "claims-object")
    path = tmp_path / "bad.db"
    write_bad_rows(path, rows_named(*names), good=0)
    target.migrate(path, orphans="leave-out")
    file = target.reject_file("consensus")
    lines = {line["row"]["id"]: line for line in read(file)}
    assert len(lines) == len(names)
    # As text, as a number, as an object.
    lines["bad-json-cut"]["row"] |= {"data": {"id": "bad-json-cut", "n": 2**70, "x": 1e17}}
    lines["bad-confidence-1.5"]["row"]["confidence"] = 0.95
    lines["bad-nul-in-topic"]["row"]["topic"] = "a b"
    lines["bad-rounds-text"]["row"]["rounds"] = 3
    lines["bad-claims-object"]["row"]["key_claims"] = ["mended"]
    write(file, list(lines.values()))

    report = retry(target, file)
    check_sums(report)
    assert (report.total_migrated, report.total_errors, report.reject_files) == (5, 0, [])
    assert report.success
    row = target.row("consensus", "bad-json-cut")
    assert row["data"] == {"id": "bad-json-cut", "n": 2**70, "x": 1e17}
    assert isinstance(row["data"]["x"], float)
    assert row["created_at"].isoformat() == "2026-01-15T16:11:12.131415+00:00"
    assert target.row("consensus", "bad-confidence-1.5")["confidence"] == 0.95
    assert target.row("consensus", "bad-rounds-text")["rounds"] == 3
    assert target.row("consensus", "bad-claims-object")["key_claims"] == ["mended"]
    # What was not mended is as in the source.
    assert target.row("consensus", "bad-nul-in-topic")["conclusion"] == "A token bucket"

    again = retry(target, file)
    assert (again.total_migrated, again.total_skipped, again.total_different) == (0, 5, 0)
    assert again.exit_code == 0


def test_a_mended_line_is_no_error_of_the_next_migration(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, rows_named("confidence-1.5"), good=3)
    target.migrate(path)
    file = target.reject_file("consensus")
    [line] = read(file)
    line["row"]["confidence"] = 1.0
    write(file, [line])
    retry(target, file)
    report = target.migrate(path)
    # The source still holds the bad row; its line is written again.
    assert report.total_migrated == 0
    assert report.table("consensus").rejected == 1
    assert target.row("consensus", "bad-confidence-1.5")["confidence"] == 1.0


def test_lines_that_are_still_bad_go_to_a_file_of_their_own(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(
        path, rows_named("infinite", "flag-2", "year-9999-end", "null-debate-id"), good=0
    )
    target.migrate(path, orphans="leave-out")
    file = target.reject_file("debates")
    lines = {line["rowid"]: line for line in read(file)}
    assert len(lines) == 3
    before = file.read_bytes()
    report = retry(target, file)
    check_sums(report)
    assert (report.total_migrated, report.total_errors, report.exit_code) == (0, 3, 1)
    assert report.reject_files == [f"{file}.rejected"]
    assert file.read_bytes() == before
    left = {line["rowid"]: line for line in read(Path(f"{file}.rejected"))}
    assert left == lines
    assert report.reasons == {
        "debates.confidence: inf where a finite number belongs": 1,
        "debates.consensus_reached: 2 where 0 or 1 belongs": 1,
        "debates.id: NULL where a value is needed": 1,
    }

    # The file of what is left can be mended in its turn.
    for line in lines.values():
        line["row"] |= {"confidence": 0.5, "consensus_reached": 1}
        line["row"]["id"] = line["row"]["id"] or "mended-id"
    rejected = Path(f"{file}.rejected")
    write(rejected, list(lines.values()))
    report = retry(target, rejected)
    assert (report.total_migrated, report.total_errors) == (3, 0)
    assert target.row("debates", "mended-id")["consensus_reached"] is True


def test_a_reason_without_a_column_names_the_table_only(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"id": "e", "consensus_id": "nowhere", "agent_id": "a", "content": "c"}
    row |= {"dissent_type": "abstention", "created_at": "2026-01-15 10:11:12"}
    write(file, [{"table": "dissent", "source_file": "x.db", "rowid": 4, "row": row}])
    report = retry(target, file)
    assert report.reasons == {"dissent.consensus_id: no row of consensus has this id": 1}
    # Parents and children of one file are loaded in their order, whatever the order of the lines.
    parent = {"id": "nowhere", "topic": "t", "topic_hash": "h", "conclusion": ""}
    parent |= {"created_at": "2026-01-15 10:11:12"}
    write(
        file,
        [
            {"table": "dissent", "source_file": "x.db", "rowid": 4, "row": row},
            {"table": "consensus", "source_file": "x.db", "rowid": 1, "row": parent},
        ],
    )
    report = retry(target, file)
    assert (report.total_migrated, report.total_errors) == (2, 0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not a line of a reject file"),
        ("[1]", "it is not an object with a 'row'"),
        ('{"table": "debates", "source_file": "a", "row": []}', "it is not an object with a 'row'"),
        ('{"source_file": "a", "row": {}}', "'table' is missing or not text"),
        ('{"table": "debates", "row": {}}', "'source_file' is missing or not text"),
        (
            '{"table": "debates", "source_file": "a", "rowid": "x", "row": {}}',
            "not a line of a reject file",
        ),
        (
            '{"table": "debates", "source_file": "a", "row": {"id": {"$bytes": "%"}}}',
            "not a line of a reject file",
        ),
    ],
)
def test_a_line_that_cannot_be_read_stops_before_anything_is_written(
    target: Target, tmp_path: Path, text: str, problem: str
) -> None:
    file = tmp_path / "rows.jsonl"
    good = {"id": "d1", "task": "t", "rounds_used": 1, "created_at": "2026-01-15 10:11:12"}
    line = json.dumps({"table": "debates", "source_file": "x.db", "rowid": 1, "row": good})
    file.write_text(f"{line}\n\n{text}\n{line}\n")
    with pytest.raises(InvalidInputError) as caught:
        retry(target, file)
    assert f"{file}:3: " in str(caught.value)
    assert problem in str(caught.value)
    assert target.counts("debates") == {"debates": 0}
    assert not Path(f"{file}.rejected").exists()


def test_a_file_that_is_not_there_or_not_utf8(target: Target, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="No such file"):
        retry(target, tmp_path / "no.jsonl")
    file = tmp_path / "latin.jsonl"
    file.write_bytes('{"table": "Zürich"}\n'.encode("latin-1"))
    with pytest.raises(InvalidInputError, match=r"latin\.jsonl:\d: not a line of a reject file"):
        retry(target, file)


def test_tables_and_columns_that_are_not_there(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    write(file, [{"table": "elsewhere", "source_file": "x.db", "rowid": 1, "row": {"id": 1}}])
    with pytest.raises(InvalidInputError, match="no store has a table elsewhere"):
        retry(target, file)
    row = {"id": "d1", "tusk": "t", "created_at": "2026-01-15 10:11:12"}
    parent = {"id": "c", "topic": "t", "topic_hash": "h", "conclusion": ""}
    good = {"table": "consensus", "source_file": "x.db", "rowid": 1, "row": parent}
    write(file, [good, {"table": "debates", "source_file": "x.db", "rowid": 7, "row": row}])
    with pytest.raises(InvalidInputError, match=r"debates has no column 'tusk' .*rowid 7"):
        retry(target, file)
    row["task"] = row.pop("tusk")
    del row["id"]
    write(file, [good, {"table": "debates", "source_file": "x.db", "rowid": 7, "row": row}])
    with pytest.raises(InvalidInputError, match=r"debates needs a value for 'id' .*rowid 7"):
        retry(target, file)
    assert target.counts("consensus", "debates") == {"consensus": 0, "debates": 0}


def test_an_empty_file_loads_nothing(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n")
    report = retry(target, file)
    assert (report.tables, report.success) == ([], True)


def test_a_local_time_needs_the_zone(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, rows_named("confidence-negative"), good=0)
    target.migrate(path, orphans="leave-out")
    file = target.reject_file("dissent")
    [line] = read(file)
    line["row"]["confidence"] = 0.1
    if "+" in line["row"]["created_at"]:
        # The target gave it back, in UTC.
        line["row"]["created_at"] = "2026-01-15T10:11:12.131415"
    write(file, [line])
    report = retry(target, file, source_timezone=None)
    assert report.total_errors == 1
    [left] = read(Path(f"{file}.rejected"))
    assert left["column"] == "created_at"
    assert "--source-timezone is not given" in left["reason"]
    report = retry(target, file)
    assert report.total_migrated == 1
    assert target.row("dissent", "bad-confidence-negative")["created_at"].hour == 16


def test_an_existing_key_can_be_refused(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"id": "d1", "task": "t", "rounds_used": 1, "created_at": "2026-01-15 10:11:12"}
    write(file, [{"table": "debates", "source_file": "x.db", "rowid": 1, "row": row}])
    assert retry(target, file).total_migrated == 1
    report = retry(target, file, skip_existing=False)
    assert (report.total_skipped, report.total_errors) == (0, 1)
    [left] = read(Path(f"{file}.rejected"))
    assert "the key is in the target already" in left["reason"]
    row["task"] = "another"
    write(file, [{"table": "debates", "source_file": "x.db", "rowid": 1, "row": row}])
    report = retry(target, file)
    assert (report.total_migrated, report.total_different) == (0, 1)
    assert report.table("debates").counts.different_keys == ["d1"]
    assert target.row("debates", "d1")["task"] == "t"


def test_numbers_are_moved_past_what_was_loaded(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"id": 5000, "agent": "claude", "issues": [], "suggestions": []}
    row |= {"created_at": "2026-01-15 10:11:12"}
    write(file, [{"table": "critiques", "source_file": "x.db", "rowid": 1, "row": row}])
    assert retry(target, file).total_migrated == 1
    [(number,)] = target.query("INSERT INTO critiques (agent) VALUES ('b') RETURNING id")
    assert number == 5001


def test_values_without_a_form_in_json_survive_the_file(tmp_path: Path) -> None:
    row = {
        "bytes": b"\x00\xff",
        "text": DamagedText(b"caf\xc3"),
        "infinite": math.inf,
        "minus": -math.inf,
        "float": 0.1 + 0.2,
        "number": 2**63 - 1,
        "words": "a\x00b 😀 𐍈",
        "nothing": None,
    }
    reject = Reject("debates", "x.db", 3, {"id": b"k"}, row, "why", "float")
    file = tmp_path / "rows.jsonl"
    file.write_text(reject.to_line() + "\n", encoding="utf-8")
    [read_back] = read_rejects(file)
    assert read_back.row == row
    assert type(read_back.row["text"]) is DamagedText
    assert type(read_back.row["bytes"]) is bytes
    line = json.loads(file.read_text())
    assert line["key"] == {"id": {"$bytes": base64.b64encode(b"k").decode()}}


def test_a_damaged_text_can_be_mended_or_stay(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, rows_named("utf8-latin-1", "utf8-in-task"), good=0)
    target.migrate(path, orphans="leave-out")
    file = target.reject_file("consensus")
    assert retry(target, file).total_errors == 1
    assert read(Path(f"{file}.rejected")) == read(file)
    [line] = read(file)
    damaged = base64.b64decode(line["row"]["conclusion"]["$text-bytes"])
    line["row"]["conclusion"] = damaged.decode("latin-1")
    write(file, [line])
    assert retry(target, file).total_migrated == 1
    assert target.row("consensus", "bad-utf8-latin-1")["conclusion"] == "Zürich"


def test_an_embedding_comes_back_byte_for_byte(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, rows_named("orphan-embedding"), good=0)
    target.migrate(path)
    file = target.reject_file("pattern_embeddings")
    lines = read(file)
    for line in lines:
        line["row"]["pattern_id"] = "good-pattern"
    write(file, lines[-1:])
    assert retry(target, file).total_migrated == 1
    found = target.row("pattern_embeddings", "good-pattern", "pattern_id")["embedding"]
    assert found == b"\x00\x01\xfe\xff"


def test_an_orphan_whose_parent_was_named_is_as_in_the_source(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, rows_named("orphan-dissent", "orphan-critique"), good=0)
    target.migrate(path)
    for table, column, parent in (
        ("dissent", "consensus_id", "good-consensus"),
        ("critiques", "debate_id", "good-debate"),
    ):
        file = target.reject_file(table)
        [line] = read(file)
        line["row"][column] = parent
        write(file, [line])
        assert retry(target, file).total_migrated == 1
    row = target.row("dissent", "bad-orphan-dissent")
    assert row["created_at"].isoformat() == "2026-01-15T16:11:12.131415+00:00"
    assert row["data"]["content"] == "It can starve"
    assert (row["confidence"], row["acknowledged"]) == (0.7, False)
    [(severity, issues)] = target.query("SELECT severity, issues FROM critiques")
    assert (severity, issues) == (6.5, ["No backpressure"])


def test_all_bad_rows_go_round_unchanged(target: Target, tmp_path: Path) -> None:
    """A file that nobody mended is rejected again, line by line, for the same reasons."""
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name != HUGE], good=4)
    first = target.migrate(path)
    for table in first.tables:
        if not table.rejected:
            continue
        file = target.reject_file(table.table)
        report = retry(target, file)
        check_sums(report)
        assert (report.total_migrated, report.total_errors) == (0, table.rejected)
        lines, left = read(file), read(Path(f"{file}.rejected"))
        place = "rowid"
        for ours, theirs in zip(
            sorted(lines, key=lambda line: line[place]),
            sorted(left, key=lambda line: line[place]),
            strict=True,
        ):
            for volatile in ("reason", "key"):
                ours.pop(volatile), theirs.pop(volatile)
            assert ours == theirs

"""NaN in documents, and tables whose rows have no number of their own."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from aragora_sql.migration.functions import TextRules
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import make_consensus, write_consensus
from tests.migration.legacy.values import connect, create, fill
from tests.migration.legacy.work import SECONDS
from tests.migration.test_rejects import INTEGRATIONS, mapping


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": NaN, "b": [Infinity, -Infinity]}', '{"a": null, "b": [null, null]}'),
        ('{"a": "NaN, -Infinity \\" NaN", "b":NaN}', '{"a": "NaN, -Infinity \\" NaN", "b":null}'),
        ('{"a": 0.10000000000000001, "b": 1e400}', '{"a": 0.10000000000000001, "b": 1e400}'),
        ("a text with NaN and Infinity", "a text with NaN and Infinity"),
        ('"NaN"', '"NaN"'),
    ],
)
def test_nan_becomes_null(before: str, after: str) -> None:
    assert TextRules(nan_to_null=True).apply(before.encode()) == after.encode()
    assert TextRules().apply(before.encode()) == before.encode()


def test_a_record_with_nan_is_kept_on_request(target: Target, tmp_path: Path) -> None:
    tables = make_consensus(3, 8)
    row = tables["consensus"][1]
    data = json.loads(row["data"]) | {"score": float("nan"), "rounds": 4}
    row["data"] = json.dumps(data)
    path = tmp_path / "memory.db"
    write_consensus(path, tables={"consensus": tables["consensus"]})
    assert target.migrate(path).table("consensus").rejected == 1
    report = target.migrate(path, on_nan="null")
    check_sums(report)
    assert (report.table("consensus").migrated, report.total_errors) == (1, 0)
    found = target.row("consensus", row["id"])
    # What the document says beside it counts as well.
    assert (found["data"]["score"], found["rounds"]) == (None, 4)
    assert report.mismatches == 0
    assert target.migrate(path, on_nan="null", verify="only").mismatches == 0


def test_tables_without_rowid(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "integrations.db"
    create(
        path,
        INTEGRATIONS.replace(
            "PRIMARY KEY (user_id, platform, email)\n    )",
            "PRIMARY KEY (user_id, platform, email)\n    ) WITHOUT ROWID",
        ),
    )
    rows = [mapping(f"user{number}@example.com") for number in range(30)]
    fill(path, {"user_id_mappings": [*rows, mapping("bad@example.com", created_at=0)]})
    with closing(connect(path)) as connection:
        [(text,)] = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'user_id_mappings'"
        )
    assert "WITHOUT ROWID" in text
    for options in ({"batch_size": 7}, {"jobs": 2}, {"on_nul": "strip"}):
        report = target.migrate(path, **options)
        check_sums(report)
        line = report.table("user_id_mappings")
        assert line.migrated + line.already_there == 30
        assert (line.rejected, report.mismatches) == (1, 0)
    assert target.counts("user_id_mappings") == {"user_id_mappings": 30}
    [(seconds,)] = target.query(
        "SELECT extract(epoch FROM max(created_at))::float8 FROM user_id_mappings"
    )
    assert seconds == pytest.approx(SECONDS)

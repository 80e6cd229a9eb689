"""Rows as COPY reads them, and what they may not hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.migration.conversion import SuspiciousError
from aragora_sql.migration.lines import as_lines
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.bad_rows import good_row
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill


def test_every_field_is_quoted_by_a_control_character() -> None:
    columns: list[Sequence[Any]] = [
        ['a,"b\n', ""],
        [1.5, -0.0],
        [None, 0.1],
        [7, None],
        [True, False],
        [b"\x00\xff", None],
    ]
    assert as_lines(columns) == (
        b'\x01a,"b\n\x01,\x011.5\x01,\x01\x02\x01,\x017\x01,\x01True\x01,\x01\\x00ff\x01\n'
        b"\x01\x01,\x01-0.0\x01,\x010.1\x01,\x01\x02\x01,\x01False\x01,\x01\x02\x01\n"
    )


@pytest.mark.parametrize("value", ["\x01", "a\x01b", "\x02", math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("company", [[], [None]], ids=["alone", "with NULL"])
def test_what_has_to_be_looked_at_by_itself(value: Any, company: list[None]) -> None:
    with pytest.raises(SuspiciousError):
        as_lines([[value, *company]])


def test_a_lone_surrogate_is_no_line() -> None:
    with pytest.raises(UnicodeEncodeError):
        as_lines([["\ud800"]])


def test_the_control_characters_arrive_and_are_not_null(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("keyed"))
    answers = [None, "", "\x01", "\x02", "\x02\x01,\x01", "\x01\n\x01", None]
    rows = [
        good_row("debates", "") | {"id": f"d{number}", "final_answer": answer}
        for number, answer in enumerate(answers)
    ]
    fill(path, {"debates": rows})
    report = target.migrate(path)
    check_sums(report)
    assert report.success
    found = target.query("SELECT final_answer FROM debates ORDER BY id")
    assert [answer for (answer,) in found] == answers

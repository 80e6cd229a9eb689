"""The rule ``parity-function``: lower(), LIKE, round() and concat() of both dialects."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker.parity_functions import _differences, _words
from aragora_sql.database import Dialect
from aragora_sql.queries.files import read_queries


def differences(tmp_path: Path, postgres: str, sqlite: str) -> list[str]:
    words = []
    dialects: tuple[Dialect, Dialect] = ("postgres", "sqlite")
    for dialect, sql in zip(dialects, (postgres, sqlite), strict=True):
        path = tmp_path / dialect / "queries.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"-- name: one()\n-- It.\nSELECT {sql};\n", encoding="utf-8")
        (text,) = read_queries(path, dialect).values()
        words.append(dict(_words(text, dialect)))
    return [word for word, _ in _differences(words[0], words[1])]


@pytest.mark.parametrize(
    ("postgres", "sqlite", "found"),
    [
        ("lower(n.a)", "lower(n.a)", ["lower"]),
        ("UPPER ( n.a )", "upper(n.a)", ["upper"]),
        ("round(n.a)", "round(n.a, 0)", ["round"]),
        ("n.a LIKE 'a%'", "n.a LIKE 'a%'", ["like"]),
        ("n.a ILIKE 'a%'", "n.a LIKE 'a%'", ["like"]),
        ("concat(n.a, n.b)", "n.a || n.b", ["concat"]),
        ("n.a || n.b", "n.a || n.b", []),
        ("lower(n.a)", "n.folded", []),
        ("n.lower", "n.lower", []),
        ("n.a AS lower /* lower(x) */", "'lower(x)'", []),
    ],
)
def test_words_that_mean_something_else(
    tmp_path: Path, postgres: str, sqlite: str, found: list[str]
) -> None:
    assert differences(tmp_path, postgres, sqlite) == found

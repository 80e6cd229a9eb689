"""Text that is too long for an index of the target is rejected with its column and length."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from aragora_sql.errors import AragoraSQLError
from aragora_sql.migration.run import UnbuiltIndexError
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import make_consensus, make_critique, write_consensus, write_critique

INDEXES = """
    SELECT c.relname, i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY(ARRAY['consensus', 'dissent', 'debates', 'critiques']::regclass[])
    ORDER BY 1
"""


def random_text(length: int) -> str:
    """Text that PostgreSQL can't compress below the limit."""
    chooser = random.Random(7)  # noqa: S311 - no secret is made of it
    return "".join(chooser.choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize("rows", [5, 5_200], ids=["indexes stay", "indexes are dropped"])
def test_a_text_too_long_for_a_secondary_index(target: Target, tmp_path: Path, rows: int) -> None:
    before = target.query(INDEXES)
    tables = make_consensus(rows, 3)
    long, fits = tables["consensus"][1], tables["consensus"][3]
    long["domain"] = random_text(4_000)
    # Long, but it shrinks enough.
    fits["domain"] = "abc" * 2_000
    write_consensus(tmp_path / "memory.db", tables={"consensus": tables["consensus"]})
    report = target.migrate(tmp_path / "memory.db", verify="none")
    check_sums(report)
    line = report.table("consensus")
    assert (line.rejected, line.migrated) == (1, len(tables["consensus"]) - 1)
    [lost] = target.rejected("consensus")
    assert (lost["row"]["id"], lost["column"]) == (long["id"], "domain")
    assert lost["reason"].startswith("4,000 characters are too long for the index idx_consensus_d")
    assert target.row("consensus", fits["id"])["domain"] == fits["domain"]
    assert target.query(INDEXES) == before
    assert all(is_valid for _, is_valid in before)


def test_a_key_that_is_too_long(target: Target, tmp_path: Path) -> None:
    """A unique index is never dropped, so the server refuses the row itself."""
    tables = make_critique(4, 3)
    key = random_text(5_000)
    tables["debates"].append(tables["debates"][0] | {"id": key})
    write_critique(tmp_path / "memory.db", shape="keyed", tables={"debates": tables["debates"]})
    report = target.migrate(tmp_path / "memory.db")
    [lost] = target.rejected("debates")
    assert (lost["column"], lost["key"]) == ("id", {"id": key})
    assert lost["reason"].startswith("5,000 characters are too long for the index debates_pkey")
    assert report.table("debates").rejected == 1
    dry = target.migrate(tmp_path / "memory.db", dry_run=True)
    assert dry.table("debates").rejected == 1


def test_an_index_that_a_row_of_the_application_prevents(target: Target, tmp_path: Path) -> None:
    """The others are built all the same, and the row is named; the next run builds the one."""
    before = target.query(INDEXES)
    definition = target.query(
        "SELECT pg_get_indexdef('idx_consensus_domain'::regclass),"
        " pg_get_indexdef('idx_consensus_created'::regclass)"
    )[0]
    write_consensus(tmp_path / "memory.db", rows=4)
    target.migrate(tmp_path / "memory.db", orphans="leave-out")
    for name, text in zip(("domain", "created"), definition, strict=True):
        target.query(
            "INSERT INTO _migration_indexes (index_name, target_table, definition) "
            "VALUES (%s, 'consensus', %s)",
            f"idx_consensus_{name}",
            text,
        )
        target.query(f"DROP INDEX idx_consensus_{name}")
    target.query(
        "INSERT INTO consensus (id, topic, topic_hash, conclusion, domain) "
        "VALUES ('long', 't', 'h', '', %s)",
        random_text(4_000),
    )
    with pytest.raises(UnbuiltIndexError, match="has 4,000 bytes in domain: id = long"):
        target.migrate(tmp_path / "memory.db", orphans="leave-out")
    names = {name for name, _ in target.query(INDEXES)}
    assert {name for name, _ in before} - names == {"idx_consensus_domain"}
    target.query("DELETE FROM consensus WHERE id = 'long'")
    assert target.migrate(tmp_path / "memory.db", orphans="leave-out").exit_code == 0
    assert target.query(INDEXES) == before


def test_the_error_is_ours() -> None:
    assert issubclass(UnbuiltIndexError, AragoraSQLError)

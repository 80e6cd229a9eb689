"""An installed package leaves out records that say what schema.sql says; a copy gets them back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aragora_sql.checker.check import Options, check
from aragora_sql.checker.rules import RULES
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir
from aragora_sql.schema import records
from aragora_sql.schema.records import RECORDS, is_left_out, record_path, record_versions

STORE = "elo"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree of an installed package, without the records of a store."""
    tree = tmp_path / "installed" / "sql"
    shutil.copytree(packaged_sql_dir(), tree)
    for dialect in DIALECTS:
        shutil.rmtree(tree / RECORDS / dialect / STORE)
    monkeypatch.setattr(records, "packaged_sql_dir", lambda: tree)
    monkeypatch.setattr(records, "_is_installed", lambda root: root == tree)
    return tree


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_copy_that_was_edited_first_gets_the_version_of_the_package(
    dialect: str, installed: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(installed, copy)
    schema = copy / dialect / STORE / "schema.sql"
    original = schema.read_text(encoding="utf-8")
    schema.write_text(original.replace("elo", "edited", 1), encoding="utf-8")
    path = record_path(STORE, dialect, 1, copy)  # type: ignore[arg-type]
    assert path in record_versions(copy)
    assert path.read_text(encoding="utf-8") == original
    assert record_versions(copy) == []


def test_only_the_package_may_do_without(installed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(installed, copy)
    assert is_left_out(STORE, "postgres", installed)
    assert not is_left_out("jobs", "postgres", installed)
    assert not is_left_out(STORE, "postgres", copy)
    found = check(Options(copy, (), skip=frozenset(RULES) - {"schema-record"})).findings
    assert {finding.message.partition(",")[0] for finding in found} == {
        f"version 1 of {STORE!r} is not recorded"
    }

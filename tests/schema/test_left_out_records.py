"""An installed package leaves out records that say what schema.sql says; a copy gets them back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aragora_sql.checker import versions
from aragora_sql.checker.check import Options, check
from aragora_sql.checker.kept import PACKED, pack, packed_files
from aragora_sql.checker.rules import RULES
from aragora_sql.cli import main
from aragora_sql.database import Dialect
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir
from aragora_sql.schema import records
from aragora_sql.schema.files import latest_version
from aragora_sql.schema.records import is_installed, record_path, record_versions

# Of the second one only the last of several versions is left out.
LEFT_OUT = ("elo", "jobs")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree of an installed package, without the records of two stores' present versions."""
    tree = tmp_path / "installed" / "sql"
    shutil.copytree(packaged_sql_dir(), tree)
    for store in LEFT_OUT:
        for dialect in DIALECTS:
            record_path(store, dialect, latest_version(store, dialect, tree), tree).unlink()
    monkeypatch.setattr(records, "packaged_sql_dir", lambda: tree)
    for module in (records, versions):
        monkeypatch.setattr(module, "is_installed", lambda root: root == tree)
    return tree


@pytest.mark.parametrize("store", LEFT_OUT)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_copy_that_was_edited_first_gets_the_version_of_the_package(
    dialect: Dialect, store: str, installed: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(installed, copy)
    schema = copy / dialect / store / "schema.sql"
    original = schema.read_text(encoding="utf-8")
    schema.write_text(original.replace("id", "edited", 1), encoding="utf-8")
    version = latest_version(store, dialect, copy)
    path = record_path(store, dialect, version, copy)
    assert path in record_versions(copy)
    committed = record_path(store, dialect, version, packaged_sql_dir())
    assert path.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8").endswith(original)
    assert record_versions(copy) == []


def test_only_the_package_may_do_without(installed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(installed, copy)
    assert not is_installed(copy)
    only = frozenset(RULES) - {"schema-record"}
    found = check(Options(copy, (), skip=only)).findings
    assert {finding.message.partition(",")[0] for finding in found} == {
        f"version {latest_version(store, 'postgres', copy)} of {store!r} is not recorded"
        for store in LEFT_OUT
    }
    assert check(Options(installed, (), skip=only)).findings == ()


def test_records_are_found_where_a_package_has_them(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one file with the rest of what is derived; who records another version gets files."""
    for path in installed.glob("plans/*/*"):
        path.unlink()  # they are large, and of no use here
    (installed / PACKED).write_bytes(pack(installed, packed_files(installed)))
    recorded = {path.relative_to(installed) for path in installed.glob("versions/*/*/*.sql")}
    shutil.rmtree(installed / "versions")
    only = frozenset(RULES) - {"schema-record"}
    assert check(Options(installed, (), skip=only)).findings == ()

    copy = tmp_path / "copy"
    shutil.copytree(installed, copy)
    assert main(["schema", "record", "--sql-dir", str(copy)]) == 0
    left_out = {
        record_path(store, dialect, latest_version(store, dialect, copy), copy)
        for store in LEFT_OUT
        for dialect in DIALECTS
    }
    assert {*map(Path, capsys.readouterr().out.split())} == left_out
    for path in recorded | {path.relative_to(copy) for path in left_out}:
        assert (copy / path).read_bytes() == (packaged_sql_dir() / path).read_bytes()

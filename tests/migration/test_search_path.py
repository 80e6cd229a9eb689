"""Both drivers come to one schema, whatever the environment and the DSN say."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.errors import ConfigurationError
from tests.migration.conftest import Target
from tests.migration.legacy import write_consensus

ROWS = "SELECT count(*) FROM {}.consensus"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_consensus(tmp_path / "memory.db", rows=4)
    return tmp_path / "memory.db"


def with_option(target: Target, option: str) -> Target:
    joint = "&" if "?" in target.dsn else "?"
    return Target(f"{target.dsn}{joint}{option}", target.folder)


@pytest.mark.parametrize("value", ["-c search_path=other", "-csearch_path=other,public"])
def test_what_only_one_driver_reads_has_no_say(
    target: Target, path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    target.query("CREATE SCHEMA other")
    monkeypatch.setenv("PGOPTIONS", value)
    target.migrate(path, jobs=2)
    monkeypatch.delenv("PGOPTIONS")
    assert target.query(ROWS.format("public")) == [(4,)]
    assert target.query("SELECT to_regclass('other.consensus')") == [(None,)]


@pytest.mark.parametrize("option", ["options=-csearch_path%3Dother", "search_path=other"])
def test_what_the_dsn_says_holds_for_both(target: Target, path: Path, option: str) -> None:
    target.query("CREATE SCHEMA other")
    with_option(target, option).migrate(path, jobs=2)
    assert target.query(ROWS.format("other")) == [(4,)]
    assert target.query(ROWS.format("public")) == [(0,)]


def test_two_places_are_refused(
    target: Target, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whatever the two drivers are told apart: here by what one of them is given."""
    target.query("CREATE SCHEMA other")
    monkeypatch.setattr(
        "aragora_sql.migration.run.connect",
        lambda dsn: _connect_elsewhere(with_option(target, "options=-csearch_path%3Dother")),
    )
    with pytest.raises(ConfigurationError, match="do not come to the same place: schemas 'public'"):
        target.migrate(path)
    assert target.query("SELECT to_regclass('other.consensus')") == [(None,)]


def _connect_elsewhere(target: Target) -> object:
    from aragora_sql.migration.target import connect
    from aragora_sql.settings import PostgresDSN

    return connect(PostgresDSN.parse(target.dsn))

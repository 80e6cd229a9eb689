"""The commands of the workbench run on databases that hold the schemas of all stores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.queries.files import packaged_sql_dir
from tests.conftest import shared_cache
from tests.stores.conftest import critiques, location, memory, template_database, template_file

__all__ = ["critiques", "location", "memory", "template_database", "template_file"]


@pytest.fixture(scope="package", autouse=True)
def kept_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands keep their server for the next one, in all processes; the run stops it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared_cache(tmp_path_factory)))
        patch.delenv("CI", raising=False)
        yield


class Command:
    """Runs a command on the test's own database and keeps what it printed."""

    def __init__(self, location: str | Path, capsys: pytest.CaptureFixture[str]) -> None:
        option = "--sqlite-path" if isinstance(location, Path) else "--dsn"
        self.location = str(location)
        self._target = [option, self.location]
        self._capsys = capsys
        self.out = self.err = ""

    def words(self, *arguments: str) -> list[str]:
        return [*arguments, *self._target]

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        code = main(self.words(*arguments))
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str) -> Any:
        assert self(*arguments, "--json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def command(location: str | Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(location, capsys)


@pytest.fixture
def sql_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the SQL files that is in use, for a test to edit."""
    copy = tmp_path / "sql"
    shutil.copytree(packaged_sql_dir(), copy)
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(copy))
    return copy

"""Facts of the packaged tree, read once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aragora_sql.checker.facts import Engines, Facts, read_facts, read_tree
from tests.conftest import Servers


@pytest.fixture(scope="session")
def engines(servers: Servers) -> Iterator[Engines]:
    """Both engines with the packaged schema: a scratch database on the tests' server."""
    with Engines(read_tree(), servers.default.dsn("postgres")) as engines:
        yield engines


@pytest.fixture(scope="session")
def facts(engines: Engines) -> Facts:
    """What the engines know of the packaged tree."""
    return read_facts(engines)

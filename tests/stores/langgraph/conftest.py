"""Savers on each engine, and the report of LangGraph's conformance suite at the end of a run."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.schema import apply_schema
from aragora_sql.stores.langgraph.saver import LangGraphSaver

REPORTS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORTS] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    reports = config.stash.get(REPORTS, [])
    if reports:
        terminalreporter.section("LangGraph checkpoint conformance")
        for report in reports:
            terminalreporter.write_line(report)


@pytest.fixture
def conformance_reports(pytestconfig: pytest.Config) -> list[str]:
    """Texts that are printed at the end of the run, whatever the verbosity."""
    return pytestconfig.stash[REPORTS]


@pytest.fixture
async def saver(database: Database) -> LangGraphSaver:
    """A saver that is ready for use; the test runs once on each engine."""
    await apply_schema(database)
    return LangGraphSaver(database)

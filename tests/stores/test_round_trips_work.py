"""How often calls of the workflow and integrations stores wait for the server."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.integrations.records import IntegrationConfig, UserIdMapping
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.proxy import CountingProxy
from tests.stores.samples import KEYRING

NUMBERS = itertools.count()
IDS = [f"f{number}" for number in range(500)]
CONFIG = IntegrationConfig(integration_type="slack", settings={"bot_token": "secret"})
MAPPING = UserIdMapping(email="a@example.com", platform="slack", platform_user_id="U1")


class Counted(NamedTuple):
    """Both stores on one connection behind a proxy that counts."""

    proxy: CountingProxy
    findings: FindingWorkflowStore
    integrations: IntegrationStore

    async def trips(self, call: Callable[[], Awaitable[object]]) -> int:
        """Return the number of round trips of a call that was made before."""
        await call()
        self.proxy.reset()
        await call()
        return self.proxy.round_trips


@pytest.fixture
async def counted(counted_postgres: CountingProxy) -> AsyncIterator[Counted]:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    findings, integrations = FindingWorkflowStore(database), IntegrationStore(database, KEYRING)
    await findings.initialize()
    await integrations.initialize()
    for finding_id in IDS:
        await findings.create(finding_id, due_date="2026-01-01T00:00:00Z")
    await integrations.save(CONFIG)
    await integrations.save_user_mapping(MAPPING)
    yield Counted(counted_postgres, findings, integrations)
    await database.close()


CALLS: dict[str, tuple[int, Callable[[Counted], Awaitable[Any]]]] = {
    "get_finding": (1, lambda c: c.findings.get_finding("f1")),
    "get": (2, lambda c: c.findings.get("f1")),
    "list_overdue": (2, lambda c: c.findings.list_overdue()),
    "list_all without history": (1, lambda c: c.findings.list_all(history=False)),
    "get_history": (1, lambda c: c.findings.get_history("f1")),
    "get_statistics": (1, lambda c: c.findings.get_statistics()),
    "add_comment": (5, lambda c: c.findings.add_comment("f1", "text")),
    "bulk_assign": (5, lambda c: c.findings.bulk_assign(IDS, f"user {next(NUMBERS)}")),
    "delete": (1, lambda c: c.findings.delete("f2")),
    "get of integrations": (1, lambda c: c.integrations.get("slack")),
    "save": (1, lambda c: c.integrations.save(CONFIG)),
    "list_for_user": (1, lambda c: c.integrations.list_for_user()),
    "record_message": (1, lambda c: c.integrations.record_message("slack")),
    "record_error": (1, lambda c: c.integrations.record_error("slack", "error")),
    "get_user_mapping": (1, lambda c: c.integrations.get_user_mapping("a@example.com", "slack")),
    "find_user_mapping": (1, lambda c: c.integrations.find_user_mapping("slack", "U1")),
    "save_user_mapping": (1, lambda c: c.integrations.save_user_mapping(MAPPING)),
}


@pytest.mark.parametrize("name", CALLS)
async def test_round_trips(counted: Counted, name: str) -> None:
    most, call = CALLS[name]
    assert await counted.trips(lambda: call(counted)) == most


async def test_bad_input_never_reaches_the_server(counted: Counted) -> None:
    counted.proxy.reset()
    with pytest.raises(ValueError, match="priority"):
        await counted.findings.set_priority("f1", 9)
    with pytest.raises(ValueError, match="integration_type"):
        await counted.integrations.save(IntegrationConfig(integration_type="slak"))
    assert (await counted.findings.bulk_assign([], "ben")).total == 0
    assert counted.proxy.round_trips == 0

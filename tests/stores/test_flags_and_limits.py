"""Flags are booleans and limits are integers, in every store and on both engines."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.checkpoints.store import CheckpointStore
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from aragora_sql.stores.integrations.records import IntegrationConfig
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.stores.samples import KEYRING, row_counts

STORES: list[type[Any]] = [
    ConsensusMemory,
    CritiqueStore,
    JobQueueStore,
    FindingWorkflowStore,
    IntegrationStore,
    CheckpointStore,
]
# Arguments that get a method as far as its flags.
ARGUMENTS: dict[str, Any] = {
    "strength": "strong",
    "dissent_type": "risk_warning",
    "proof_status": "timeout",
    "participating_agents": ["a"],
    "agreeing_agents": ["a"],
    "confidence": 0.5,
    "severity": 0.5,
    "actual_usefulness": 0.5,
    "critique_id": 1,
    "integration_type": "slack",
}


def flags() -> list[Any]:
    found = []
    for store in STORES:
        for name, method in inspect.getmembers(store, inspect.isfunction):
            if name.startswith("_"):
                continue
            hints = typing.get_type_hints(method, globalns=vars(inspect.getmodule(method)) | TYPES)
            found += [
                pytest.param(store, name, parameter, id=f"{name}-{parameter}")
                for parameter in inspect.signature(method).parameters
                if hints.get(parameter) in (bool, bool | None)
            ]
    assert len(found) > 15
    return found


# What annotations name and modules import for a type checker only.
TYPES = dict.fromkeys(("Pool", "PostgresDatabase", "SQLiteDatabase", "JobsQueries"), Any)


@pytest.mark.parametrize(("store", "name", "flag"), flags())
async def test_a_flag_is_a_boolean(
    database: Database, store: type[Any], name: str, flag: str
) -> None:
    instance = store(database, KEYRING) if store is IntegrationStore else store(database)
    method: Callable[..., Any] = getattr(instance, name)
    given = {
        parameter.name: ARGUMENTS.get(parameter.name, "x")
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is inspect.Parameter.empty
        and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    values: list[Any] = ["false", 1, []]
    for value in values:
        with pytest.raises(InvalidInputError, match=rf"^{flag}: must be True or False"):
            await method(**{**given, flag: value})
    assert await row_counts(database) == {}


@pytest.mark.parametrize("limit", [2.9, 2.0, "2", True, None, -1, [2]], ids=repr)
async def test_the_limit_of_a_direct_call_is_an_integer(database: Database, limit: Any) -> None:
    memory, jobs = ConsensusMemory(database), JobQueueStore(database)
    calls: list[tuple[Any, dict[str, Any]]] = [
        (memory._queries.list_recent, {"min_confidence": 0.0}),
        (jobs._queries.promote_jobs, {}),
    ]
    for query, rest in calls:
        async with database.connection() as connection:
            with pytest.raises(InvalidInputError, match=r"row_limit: must be an integer"):
                await answered(query(connection, **rest, row_limit=limit))


async def answered(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else [row async for row in answer]


class NoOffset(tzinfo):
    def utcoffset(self, _: datetime | None) -> timedelta | None:
        return None

    def dst(self, _: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _: datetime | None) -> str | None:
        return "none"


async def test_a_time_zone_without_an_offset_is_none(database: Database) -> None:
    timestamp = datetime(2026, 1, 1, tzinfo=NoOffset())
    critiques, findings = CritiqueStore(database), FindingWorkflowStore(database)
    for call in (
        critiques.store_debate("d", "Task", created_at=timestamp),
        findings.create("f", due_date=timestamp),
        JobQueueStore(database).enqueue("t", {}, scheduled_at=timestamp),
        IntegrationStore(database, KEYRING).save(
            IntegrationConfig(integration_type="slack", last_activity=timestamp)
        ),
        CheckpointStore(database).cleanup_expired(timestamp),
    ):
        with pytest.raises(InvalidInputError, match="must be a datetime with a time zone"):
            await call
    assert await row_counts(database) == {}


async def test_an_error_quotes_no_long_value(database: Database) -> None:
    long: Any = "x" * 3_000_000
    memory, critiques = ConsensusMemory(database), CritiqueStore(database)
    for call in (
        memory.get_dissents_by_type(long),
        memory.store_consensus("t", "c", long, 0.5, [], []),
        critiques.get_recent_critiques(limit=10**5000),
        critiques.store_debate(long, "Task"),
        FindingWorkflowStore(database).transition("f", long),
        IntegrationStore(database, KEYRING).save(IntegrationConfig(integration_type=long)),
        FindingWorkflowStore(database).create("f", due_date=long),
        memory.store_consensus("t", "c", "strong", 0.5, [], [], metadata={"a": {long: {1}}}),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await call
        assert len(str(caught.value)) < 1000

"""What the conformance suite needs to know of the integration store."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.database import Database
from aragora_sql.stores.integrations import IntegrationConfig, IntegrationStore, UserIdMapping
from tests.stores.cases import (
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    names_of,
)
from tests.stores.samples import KEYRING, day, numbers, run

NOW = day(400)
KEY = {"user_id": "u17", "integration_type": "slack"}
PLACE = {"after_user": "u5", "after_type": "slack", "row_limit": 10}
CONFIG = IntegrationConfig(integration_type="slack", settings={"bot_token": "secret"})
MAPPING = UserIdMapping(email="a@example.com", platform="slack", platform_user_id="U1")
NUMBERS = itertools.count()

HOT = [
    Hot("get_integration", {**KEY, "errors_after": NOW}),
    Hot("delete_integration", KEY),
    Hot(
        "list_for_user",
        {"user_id": "u17", "after_type": "", "row_limit": 10, "errors_after": NOW},
        True,
    ),
    Hot(
        "list_for_workspace",
        {"workspace_id": "w1", **PLACE, "errors_after": NOW},
        True,
    ),
    Hot("list_integrations", {**PLACE, "errors_after": NOW}, True),
    Hot("lock_integrations", PLACE, True),
    Hot("add_messages", {**KEY, "messages": 1, "at_time": NOW}),
    Hot("add_error", {**KEY, "error": "e", "at_time": NOW, "errors_after": NOW}),
    Hot("clear_errors", KEY),
    Hot("get_mapping", {"user_id": "u17", "platform": "slack", "email": "e1"}),
    Hot(
        "find_mapping",
        {"user_id": "u17", "platform": "slack", "platform_user_id": "p1"},
    ),
    Hot("delete_mapping", {"user_id": "u17", "platform": "slack", "email": "e1"}),
    Hot(
        "list_mappings",
        {"user_id": "u17", "after_platform": "", "after_email": "", "row_limit": 10},
        True,
    ),
    Hot(
        "list_platform_mappings",
        {"user_id": "u17", "platform": "slack", "after_email": "", "row_limit": 10},
        True,
    ),
]


def make(database: Database) -> IntegrationStore:
    return IntegrationStore(database, KEYRING)


async def add(integrations: IntegrationStore) -> None:
    user_id = f"user {next(NUMBERS)}"
    await integrations.save(IntegrationConfig(integration_type="slack", user_id=user_id))


async def count(integrations: IntegrationStore) -> int:
    return len(await integrations.list_all())


async def fill(integrations: IntegrationStore) -> None:
    """Store ten thousand integrations and some mappings."""
    database = integrations.database
    await run(
        database,
        "INSERT INTO integrations (user_id, integration_type, workspace_id) "
        f"SELECT 'u' || n, 'slack', 'w' || (n % 100) FROM {numbers(database, 10_000)}",
    )
    await run(
        database,
        "INSERT INTO user_id_mappings (user_id, platform, email, platform_user_id) SELECT "
        "'u' || (n % 30), CASE n % 2 WHEN 0 THEN 'slack' ELSE 'teams' END, 'e' || n, 'p' || n "
        f"FROM {numbers(database, 3000)}",
    )


async def prepare(integrations: IntegrationStore) -> None:
    await integrations.save(CONFIG)
    await integrations.save_user_mapping(MAPPING)


ROUND_TRIPS = {
    "get": Call(1, lambda s, kept: s.get("slack")),
    "save": Call(1, lambda s, kept: s.save(CONFIG)),
    "list_for_user": Call(1, lambda s, kept: s.list_for_user()),
    "record_message": Call(1, lambda s, kept: s.record_message("slack")),
    "record_error": Call(1, lambda s, kept: s.record_error("slack", "error")),
    "get_user_mapping": Call(1, lambda s, kept: s.get_user_mapping("a@example.com", "slack")),
    "find_user_mapping": Call(1, lambda s, kept: s.find_user_mapping("slack", "U1")),
    "save_user_mapping": Call(1, lambda s, kept: s.save_user_mapping(MAPPING)),
    "delete": Call(1, lambda s, kept: s.delete("slack")),
    "delete_user_mapping": Call(1, lambda s, kept: s.delete_user_mapping("a@example.com", "slack")),
    "list_all": Call(1, lambda s, kept: s.list_all()),
    "list_for_workspace": Call(1, lambda s, kept: s.list_for_workspace("w1")),
    "list_user_mappings": Call(1, lambda s, kept: s.list_user_mappings()),
    "clear_errors": Call(1, lambda s, kept: s.clear_errors("slack")),
}

BAD_ARGUMENTS = [
    *limits_of("list_all", "list_for_user", "list_for_workspace", "list_user_mappings"),
    BadArgument("list_all", "after", ["u1", {}, 5]),
    BadArgument("list_user_mappings", "after", ["u1", {}, 5]),
    BadArgument("record_message", "count", [0, -1, 1.0, "1", True, None]),
    *names_of("record_error", "error"),
    BadArgument("save", "config", [None, {}, "slack", 5]),
    BadArgument("save_user_mapping", "mapping", [None, {}, "slack", 5]),
    *names_of("get_user_mapping", "email", "platform"),
    *names_of("find_user_mapping", "platform_user_id"),
    BadArgument("rotate_keys", "batch_size", [0, -1, 1.0, "1", True, None]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "list_for_workspace": {"workspace_id": "w1"},
    "record_message": {"integration_type": "slack"},
    "record_error": {"integration_type": "slack", "error": "text"},
    "get_user_mapping": {"email": "a@example.com", "platform": "slack"},
    "find_user_mapping": {"platform": "slack", "platform_user_id": "U1"},
}

CASES = StoreCases(
    make=make,
    add=add,
    count=count,
    foreign_table="integrations (id TEXT PRIMARY KEY, name TEXT, credentials TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={
        "integration_type": lambda s: s.save(IntegrationConfig(integration_type="slak")),
    },
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)

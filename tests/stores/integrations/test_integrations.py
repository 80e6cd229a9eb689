"""Integrations: configuration, counters, user mappings, and secrets at rest."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring, seal_envelope
from aragora_sql.errors import (
    CheckViolationError,
    ConfigurationError,
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
)
from aragora_sql.stores.integrations.records import IntegrationConfig, UserIdMapping
from aragora_sql.stores.integrations.secrets import (
    REDACTED,
    Owner,
    SealedSecret,
    is_secret_name,
    seal_secrets,
)
from aragora_sql.stores.integrations.store import IntegrationStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, day, fetch, row_counts, run

TOKEN = "xoxb-very-secret-4711"  # noqa: S105
SETTINGS: dict[str, Any] = {
    "bot_token": TOKEN,
    "channel": "#general",
    "use_html": True,
    "smtp_port": 587,
}


def slack(user_id: str = "u1", **changes: Any) -> IntegrationConfig:
    values: dict[str, Any] = {"integration_type": "slack", "settings": SETTINGS, **changes}
    return IntegrationConfig(user_id=user_id, **values)


async def stored_settings(database: Database) -> list[dict[str, Any]]:
    rows = await fetch(database, "SELECT settings FROM integrations ORDER BY user_id")
    return [
        json.loads(row["settings"]) if isinstance(row["settings"], str) else row["settings"]
        for row in rows
    ]


async def put(database: Database, user_id: str, settings: Any, kind: str = "slack") -> None:
    """Write settings as they stand, behind the store's back."""
    text = json.dumps(settings).replace("'", "''")
    await run(
        database,
        f"INSERT INTO integrations (user_id, integration_type, settings) "
        f"VALUES ('{user_id}', '{kind}', '{text}')",
    )


def older(plaintext: str, owner: str = "u1:slack", key: bytes = KEY) -> dict[str, Any]:
    """A secret as the older Aragora stored it."""
    envelope = seal_envelope(key, bytes(range(12)), plaintext.encode(), owner.encode())
    return {"_encrypted": True, "_value": base64.b64encode(envelope).decode()}


async def got(
    store: IntegrationStore, user_id: str = "u1", kind: str = "slack"
) -> IntegrationConfig:
    config = await store.get(kind, user_id)
    assert config is not None
    return config


# Configuration


async def test_a_configuration_comes_back(integrations: IntegrationStore) -> None:
    before = utc_now()
    saved = await integrations.save(
        slack(enabled=False, notify_on_error=True, notify_on_consensus=False, workspace_id="w1")
    )
    config = await got(integrations)
    assert config == saved
    assert IntegrationConfig.from_dict(config.to_dict(include_secrets=True)) == config
    assert config.settings == SETTINGS
    assert (config.enabled, config.notify_on_error, config.notify_on_consensus) == (
        False,
        True,
        False,
    )
    assert config.created_at is not None
    assert before <= config.created_at <= utc_now()
    assert config.created_at == config.updated_at
    assert (config.messages_sent, config.errors_24h, config.last_activity) == (0, 0, None)
    assert config.type == "slack"
    assert await integrations.get("discord", "u1") is None
    assert await integrations.get("slack", "u2") is None


async def test_the_default_user(integrations: IntegrationStore) -> None:
    await integrations.save(IntegrationConfig(integration_type="email"))
    assert (await got(integrations, "default", "email")).user_id == "default"
    assert await integrations.get("email", None) == await integrations.get("email")


async def test_save_again_keeps_creation_and_counters(integrations: IntegrationStore) -> None:
    first = await integrations.save(slack(created_at=day(1), messages_sent=7, errors_24h=2))
    assert (first.created_at, first.messages_sent, first.errors_24h) == (day(1), 7, 2)
    await integrations.record_message("slack", "u1")
    again = await integrations.save(replace(first, enabled=False, settings={"channel": "#x"}))
    assert again == await got(integrations)
    assert (again.created_at, again.messages_sent, again.errors_24h) == (day(1), 8, 2)
    assert again.settings == {"channel": "#x"}
    assert again.updated_at is not None
    assert first.updated_at is not None
    assert again.updated_at > first.updated_at


async def test_delete(integrations: IntegrationStore) -> None:
    await integrations.save(slack())
    assert await integrations.delete("slack") is False
    assert await integrations.delete("slack", "u1") is True
    assert await integrations.delete("slack", "u1") is False


async def test_list_for_user_and_list_for_workspace_are_ordered_and_paged(
    integrations: IntegrationStore,
) -> None:
    expected = []
    for number in range(10):
        for kind in ("telegram", "slack", "email"):
            await integrations.save(
                slack(f"u{number}", integration_type=kind, workspace_id=f"w{number % 2}")
            )
            expected.append((f"u{number}", kind))
    expected.sort()
    listed = await integrations.list_all()
    assert [(c.user_id, c.type) for c in listed] == expected
    pages: list[IntegrationConfig] = []
    page = await integrations.list_all(7)
    while page:
        pages += page
        page = await integrations.list_all(7, after=page[-1])
    assert pages == listed
    assert all(config.settings == SETTINGS for config in listed)

    odd = await integrations.list_for_workspace("w1")
    assert odd == [c for c in listed if int(c.user_id[1:]) % 2]
    assert await integrations.list_for_workspace("w1", 100, after=odd[6]) == odd[7:]
    assert await integrations.list_for_workspace("w9") == []

    mine = await integrations.list_for_user("u3")
    assert [c.type for c in mine] == ["email", "slack", "telegram"]
    assert await integrations.list_for_user("u3", 1, after=mine[0]) == mine[1:2]
    assert await integrations.list_for_user() == []


async def test_types_of_an_application(database: Database) -> None:
    store = IntegrationStore(database, KEYRING, extra_types=["pager"])
    await store.save(IntegrationConfig(integration_type="pager"))
    assert (await got(store, "default", "pager")).type == "pager"


async def test_list_all_reads_types_of_older_systems(
    integrations: IntegrationStore,
) -> None:
    await put(integrations.database, "u1", {"a": 1}, "fax")
    assert (await got(integrations, "u1", "fax")).settings == {"a": 1}
    assert [c.type for c in await integrations.list_all()] == ["fax"]
    assert await integrations.record_message("fax", "u1")
    assert await integrations.delete("fax", "u1")


# Counters


async def test_record_message_of_concurrent_callers_counts_all(
    integrations: IntegrationStore, open_database: OpenDatabase
) -> None:
    await integrations.save(slack())
    other = IntegrationStore(await open_database(), KEYRING)
    stores = [integrations, other]
    await asyncio.gather(
        *(stores[n % 2].record_message("slack", "u1", 1 + n % 3) for n in range(60)),
        *(stores[n % 2].record_error("slack", f"error {n}", "u1") for n in range(40)),
        *(stores[n % 2].save(slack(enabled=bool(n % 2))) for n in range(10)),
    )
    config = await got(integrations)
    assert (config.messages_sent, config.errors_24h) == (120, 40)
    assert config.last_error is not None
    assert config.last_error.startswith("error ")


async def test_clear_errors_changes_the_status(integrations: IntegrationStore) -> None:
    await integrations.save(slack())
    assert (await got(integrations)).status == "not_configured"
    before = utc_now()
    assert await integrations.record_message("slack", "u1") is True
    config = await got(integrations)
    assert config.status == "connected"
    assert config.last_activity is not None
    assert before <= config.last_activity <= utc_now()
    for number in range(6):
        assert (await got(integrations)).status == "connected"
        assert await integrations.record_error("slack", f"error {number}", "u1") is True
    config = await got(integrations)
    assert (config.status, config.errors_24h, config.last_error) == ("degraded", 6, "error 5")
    assert await integrations.clear_errors("slack", "u1") is True
    config = await got(integrations)
    assert (config.status, config.errors_24h, config.last_error) == ("connected", 0, None)
    assert replace(config, enabled=False).status == "disconnected"
    for call in (
        integrations.record_message("slack", "u2"),
        integrations.record_error("slack", "error", "u2"),
        integrations.clear_errors("slack", "u2"),
    ):
        assert await call is False


async def test_record_error_counts_for_a_day(integrations: IntegrationStore) -> None:
    async def age(hours: float) -> None:
        timestamp = utc_now() - timedelta(hours=hours)
        text = f"'{timestamp:%Y-%m-%dT%H:%M:%S.%fZ}'"
        await run(integrations.database, f"UPDATE integrations SET errors_since = {text}")

    await integrations.save(slack())
    for _ in range(7):
        await integrations.record_error("slack", "error", "u1")
    await age(23.9)
    assert (await got(integrations)).errors_24h == 7
    await integrations.record_error("slack", "error", "u1")
    assert (await got(integrations)).errors_24h == 8
    await age(24.1)
    assert (await got(integrations)).errors_24h == 0
    assert [c.errors_24h for c in await integrations.list_all()] == [0]
    assert [c.errors_24h for c in await integrations.list_for_user("u1")] == [0]
    assert (await integrations.save(slack())).errors_24h == 0
    # the first error of the next window
    await integrations.record_error("slack", "error", "u1")
    assert (await got(integrations)).errors_24h == 1


# User mappings


async def test_get_user_mapping_and_delete_user_mapping(integrations: IntegrationStore) -> None:
    saved = await integrations.save_user_mapping(
        UserIdMapping(
            email=" Ann.Lee@Example.COM ",
            platform="slack",
            platform_user_id="U1",
            display_name="Ann",
            created_at=day(1),
        )
    )
    assert (saved.email, saved.user_id, saved.created_at) == (
        "ann.lee@example.com",
        "default",
        day(1),
    )
    for spelling in ("ann.lee@example.com", "ANN.LEE@EXAMPLE.COM"):
        assert await integrations.get_user_mapping(spelling, "slack") == saved
    assert await integrations.get_user_mapping("ann.lee@example.com", "teams") is None
    assert await integrations.get_user_mapping("ann.lee@example.com", "slack", "u1") is None

    again = await integrations.save_user_mapping(
        UserIdMapping(email="ANN.LEE@example.com", platform="slack", platform_user_id="U2")
    )
    assert (again.created_at, again.platform_user_id, again.display_name) == (day(1), "U2", None)
    assert await row_counts(integrations.database) == {"user_id_mappings": 1}

    assert await integrations.delete_user_mapping("Ann.Lee@example.com", "slack") is True
    assert await integrations.delete_user_mapping("Ann.Lee@example.com", "slack") is False


async def test_find_user_mapping_gives_the_newest_address_of_an_account(
    integrations: IntegrationStore,
) -> None:
    for email in ("old@example.com", "new@example.com"):
        await integrations.save_user_mapping(
            UserIdMapping(email=email, platform="slack", platform_user_id="U1", user_id="t1")
        )
    found = await integrations.find_user_mapping("slack", "U1", "t1")
    assert found is not None
    assert found.email == "new@example.com"
    assert await integrations.find_user_mapping("slack", "U1") is None
    assert await integrations.find_user_mapping("teams", "U1", "t1") is None


async def test_save_user_mapping_then_list_user_mappings_in_order(
    integrations: IntegrationStore,
) -> None:
    for platform in ("teams", "slack"):
        for number in range(5):
            await integrations.save_user_mapping(
                UserIdMapping(
                    email=f"{number}@example.com",
                    platform=platform,
                    platform_user_id=f"{platform} {number}",
                )
            )
    listed = await integrations.list_user_mappings()
    assert [(m.platform, m.email[0]) for m in listed] == [
        (platform, str(n)) for platform in ("slack", "teams") for n in range(5)
    ]
    assert await integrations.list_user_mappings(after=listed[3]) == listed[4:]
    assert await integrations.list_user_mappings("teams") == listed[5:]
    assert await integrations.list_user_mappings("teams", limit=2, after=listed[5]) == listed[6:8]
    assert await integrations.list_user_mappings(user_id="t1") == []


# Secrets

ODD_SECRETS: list[Any] = [
    "12345",
    "1e400",
    "true",
    "null",
    "NaN",
    '"quoted"',
    '{"a": 1}',
    "[]",
    " spaces ",
    "é 二 🎉",
    12345,
    0,
    False,
    0.1,
    1e17,
    2**70,
    {"type": "service_account", "key": ["a", 1, None]},
    ["a", "b"],
]


@pytest.mark.parametrize("secret", ODD_SECRETS, ids=repr)
async def test_secrets_keep_their_type(integrations: IntegrationStore, secret: Any) -> None:
    await integrations.save(slack(settings={"bot_token": secret}))
    value = (await got(integrations)).settings["bot_token"]
    assert value == secret
    assert type(value) is type(secret)
    (stored,) = await stored_settings(integrations.database)
    assert stored["bot_token"].keys() == {"_encrypted", "_value", "_type"}


@pytest.mark.parametrize("value", [None, "", {}, []])
async def test_what_is_empty_is_no_secret(integrations: IntegrationStore, value: Any) -> None:
    store = IntegrationStore(integrations.database, Keyring())
    await store.save(slack(settings={"bot_token": value}))
    assert (await got(store)).settings == {"bot_token": value}


NESTED: dict[str, Any] = {
    "oauth": {"client_id": "public", "client_secret": "s-1", "scopes": ["a", "b"]},
    "accounts": [{"name": "main", "signing_secret": "s-2", "credentials": {"user": "s-3"}}],
    "clientSecret": "s-4",
    "X-Api-Key": "s-5",
    "token_expiry": "2026-01-01",
    "tokens": 3,
    "deep": {"er": [[{"smtp_password": "s-6"}]]},
}


async def test_secrets_are_found_at_any_depth(integrations: IntegrationStore) -> None:
    await integrations.save(slack(settings=NESTED))
    config = await got(integrations)
    assert config.settings == NESTED
    (stored,) = await stored_settings(integrations.database)
    assert "s-" not in json.dumps(stored)
    assert stored["oauth"]["client_id"] == "public"
    assert (stored["token_expiry"], stored["tokens"]) == (NESTED["token_expiry"], 3)
    shown = config.to_dict()["settings"]
    assert shown["oauth"] == {
        "client_id": "public",
        "client_secret": REDACTED,
        "scopes": ["a", "b"],
    }
    assert shown["accounts"] == [
        {"name": "main", "signing_secret": REDACTED, "credentials": REDACTED}
    ]
    assert shown["tokens"] == 3


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "refresh_token",
        "api_key",
        "bot_token",
        "webhook_url",
        "secret",
        "password",
        "auth_token",
        "sendgrid_api_key",
        "ses_secret_access_key",
        "twilio_auth_token",
        "smtp_password",
        "client_secret",
        "signing_secret",
        "clientSecret",
        "API_KEY",
        "private_key",
        "token",
        "credentials",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "channel",
        "chat_id",
        "phone_number_id",
        "homeserver_url",
        "smtp_username",
        "ses_access_key_id",
        "token_expiry",
        "max_tokens",
        "secretary",
        "username",
        "twilio_account_sid",
        "url",
        "api_key_id",
    ],
)
def test_names_of_what_is_no_secret(name: str) -> None:
    assert not is_secret_name(name)


async def test_secrets_show_nowhere(
    integrations: IntegrationStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await integrations.save(slack())
    config = await got(integrations)
    assert TOKEN not in repr(config) + str(config) + f"{[config]}" + json.dumps(config.to_dict())
    assert config.to_dict()["settings"] == {**SETTINGS, "bot_token": REDACTED}
    assert config.to_dict(include_secrets=True)["settings"] == SETTINGS
    assert "key" not in repr(integrations).lower()
    for table in ("settings", "last_error"):
        rows = await fetch(integrations.database, f"SELECT {table} FROM integrations")
        assert TOKEN not in str(rows)
    assert TOKEN not in caplog.text


async def test_a_secret_that_cannot_be_stored_is_not_shown(integrations: IntegrationStore) -> None:
    for bad in (f"{TOKEN}\ud800", f"{TOKEN}\x00", [TOKEN, float("nan")], {TOKEN}):
        with pytest.raises(InvalidInputError, match=r"settings.bot_token") as caught:
            await integrations.save(slack(settings={"bot_token": bad}))
        assert TOKEN not in str(caught.value)
    assert await row_counts(integrations.database) == {}


# Without a key, or with the wrong one


async def test_without_a_key_a_secret_is_not_stored(database: Database) -> None:
    store = IntegrationStore(database, Keyring())
    with pytest.raises(EncryptionKeyMissingError, match="never stored in the clear") as caught:
        await store.save(slack())
    assert "settings.bot_token" in str(caught.value)
    assert "ARAGORA_ENCRYPTION_KEY" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert await row_counts(database) == {}


async def test_without_a_key_the_rest_works(
    integrations: IntegrationStore, database: Database
) -> None:
    await integrations.save(slack())
    await integrations.save(slack("u2", settings={"channel": "#x"}))
    store = IntegrationStore(database, Keyring())
    assert (await got(store, "u2")).settings == {"channel": "#x"}
    with pytest.raises(
        EncryptionKeyMissingError, match=r"'slack' of user 'u1': settings.bot_token"
    ):
        await store.get("slack", "u1")

    sealed = await store.get("slack", "u1", decrypt=False)
    assert sealed is not None
    assert sealed.settings["channel"] == "#general"
    assert isinstance(sealed.settings["bot_token"], SealedSecret)
    assert sealed.to_dict(include_secrets=True)["settings"]["bot_token"] == REDACTED
    json.dumps(sealed.to_dict())

    # What is not secret can be changed, and the secret stays what it is.
    changed = replace(sealed, enabled=False, settings={**sealed.settings, "channel": "#y"})
    await store.save(changed)
    config = await got(integrations)
    assert (config.enabled, config.settings) == (False, {**SETTINGS, "channel": "#y"})

    listed = await store.list_all()
    assert [c.problem is None for c in listed] == [False, True]
    assert [c.problem for c in await store.list_all(decrypt=False)] == [None, None]
    with pytest.raises(EncryptionKeyMissingError, match="rotating keys"):
        await store.rotate_keys()


async def test_a_sealed_secret_belongs_to_its_integration(integrations: IntegrationStore) -> None:
    await integrations.save(slack())
    sealed = await integrations.get("slack", "u1", decrypt=False)
    assert sealed is not None
    with pytest.raises(InvalidInputError, match="is a sealed secret of integration 'slack'"):
        await integrations.save(replace(sealed, user_id="u2"))


async def test_what_is_encrypted_is_not_encrypted_twice(integrations: IntegrationStore) -> None:
    stored = seal_secrets(SETTINGS, KEYRING, Owner("u1", "slack"))
    with pytest.raises(InvalidInputError, match="in the form in which secrets are stored"):
        await integrations.save(slack(settings=stored))
    assert await row_counts(integrations.database) == {}


async def test_a_wrong_key_names_user_and_type(
    integrations: IntegrationStore, database: Database
) -> None:
    await integrations.save(slack())
    other = IntegrationStore(database, Keyring(OTHER_KEY))
    expected = "integration 'slack' of user 'u1': settings.bot_token can't be decrypted: none"
    with pytest.raises(DecryptionError, match=expected) as caught:
        await other.get("slack", "u1")
    assert TOKEN not in str(caught.value)
    assert (await got(IntegrationStore(database, Keyring(OTHER_KEY, [KEY])))).settings == SETTINGS


async def test_a_bad_row_does_not_hide_the_others(
    integrations: IntegrationStore, caplog: pytest.LogCaptureFixture
) -> None:
    for user in ("u1", "u3"):
        await integrations.save(slack(user, workspace_id="w"))
    await put(integrations.database, "u2", {"bot_token": older("x", "u9:slack"), "channel": "#c"})
    await run(
        integrations.database, "UPDATE integrations SET workspace_id = 'w' WHERE user_id = 'u2'"
    )
    for listed in (
        await integrations.list_all(),
        await integrations.list_for_workspace("w"),
        await integrations.list_for_user("u2"),
    ):
        bad = [config for config in listed if config.problem is not None]
        assert [config.user_id for config in bad] == ["u2"]
        assert bad[0].problem is not None
        assert "'slack' of user 'u2'" in bad[0].problem
        assert bad[0].settings["channel"] == "#c"
        assert isinstance(bad[0].settings["bot_token"], SealedSecret)
        assert all(c.settings == SETTINGS for c in listed if c.problem is None)
    assert [c.user_id for c in await integrations.list_all()] == ["u1", "u2", "u3"]
    assert "'slack' of user 'u2'" in caplog.text
    assert TOKEN not in caplog.text


DAMAGED: list[tuple[Any, str]] = [
    ({"_encrypted": True}, "has no value"),
    ({"_encrypted": True, "_value": 5}, "has no value"),
    ({"_encrypted": True, "_value": "%%%"}, "not base64"),
    ({"_encrypted": True, "_value": "AAAA"}, "not an envelope"),
    ({**older("x"), "_type": "pickle"}, "its type 'pickle' is not known"),
    ({**older("{"), "_type": "json"}, "its content is damaged"),
]


@pytest.mark.parametrize(("stored", "problem"), DAMAGED)
async def test_get_tells_of_damage(
    integrations: IntegrationStore, stored: Any, problem: str
) -> None:
    await put(integrations.database, "u1", {"bot_token": stored})
    with pytest.raises(DecryptionError, match=problem):
        await integrations.get("slack", "u1")


# What the older Aragora stored


@pytest.mark.parametrize(
    ("plaintext", "expected"),
    [
        ("xoxb-example", "xoxb-example"),
        ("12345", "12345"),
        ("true", "true"),
        ("null", "null"),
        ('"quoted"', '"quoted"'),
        ("{}", "{}"),
        ("[]", "[]"),
        # text, because the older writer spelled it otherwise
        ('{"a":1}', '{"a":1}'),
        ('{\n  "type": "service_account"\n}', '{\n  "type": "service_account"\n}'),
        ("[not json", "[not json"),
        ('{"a": 1, "b": ["\\u00e9"]}', {"a": 1, "b": ["é"]}),
        ("[1, 2]", [1, 2]),
    ],
)
async def test_older_secrets(integrations: IntegrationStore, plaintext: str, expected: Any) -> None:
    await put(integrations.database, "u1", {"bot_token": older(plaintext)})
    value = (await got(integrations)).settings["bot_token"]
    assert value == expected
    assert type(value) is type(expected)


async def test_the_older_system_s_vector(integrations: IntegrationStore) -> None:
    vector = "AQZtYXN0ZXIAAAABDAABAgMEBQYHCAkKCz9trnnogLp64DH77mR0IsQPU+zLOCMzHQxWbak="
    assert older("xoxb-example")["_value"] == vector
    await put(integrations.database, "u1", {"bot_token": {"_encrypted": True, "_value": vector}})
    assert (await got(integrations)).settings == {"bot_token": "xoxb-example"}


async def test_older_secrets_in_the_clear_are_read_and_redacted(
    integrations: IntegrationStore,
) -> None:
    await put(integrations.database, "u1", {"bot_token": TOKEN})
    config = await got(integrations)
    assert config.settings == {"bot_token": TOKEN}
    assert TOKEN not in repr(config)


# Bad input


def nested(depth: int) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for _ in range(depth):
        settings = {"a": settings}
    return settings


BAD_CONFIGS: list[tuple[Any, str]] = [
    (slack(integration_type="slak"), "integration_type: must be one of slack, discord"),
    (slack(integration_type=""), "integration_type"),
    (slack(""), "user_id: must not be empty"),
    (slack(settings=[1]), "settings: must be a dictionary"),
    (slack(settings={"a": {1, 2}}), r"settings\['a'\]"),
    (slack(settings={5: "x"}), "settings"),
    (slack(settings=nested(300)), "settings"),
    (slack(settings=nested(5000)), "settings: is nested too deeply"),
    (slack(enabled=1), "enabled: must be True or False"),
    (slack(workspace_id=" "), "workspace_id: must not be empty"),
    (slack(messages_sent=-1), "messages_sent"),
    (slack(errors_24h=-1), "errors_24h"),
    (
        slack(last_activity=datetime(2026, 1, 1)),
        "last_activity: must be a datetime with a time zone",
    ),
    ({"integration_type": "slack"}, "config: must be an IntegrationConfig"),
]


@pytest.mark.parametrize(("config", "problem"), BAD_CONFIGS, ids=range(len(BAD_CONFIGS)))
async def test_a_bad_configuration_is_refused(
    integrations: IntegrationStore, config: Any, problem: str
) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        await integrations.save(config)
    assert await row_counts(integrations.database) == {}


BAD_CALLS: dict[str, tuple[Any, str]] = {
    "type": (lambda s: s.get(""), "integration_type: must not be empty"),
    "user": (lambda s: s.get("slack", " "), "user_id: must not be empty"),
    "count": (lambda s: s.record_message("slack", "u1", 0), "count: must be at least 1"),
    "error": (lambda s: s.record_error("slack", " "), "error: must not be empty"),
    "limit": (lambda s: s.list_all(-1), "limit"),
    "place": (lambda s: s.list_all(after="u1"), "after: must be the last row"),
    "mapping": (lambda s: s.save_user_mapping({}), "mapping: must be a UserIdMapping"),
    "email": (lambda s: s.get_user_mapping(" ", "slack"), "email: must not be empty"),
    "platform": (lambda s: s.get_user_mapping("a@b", ""), "platform: must not be empty"),
    "account": (lambda s: s.find_user_mapping("slack", ""), "platform_user_id: must not be empty"),
    "mapping place": (lambda s: s.list_user_mappings(after="a"), "after: must be the last row"),
    "batch": (lambda s: s.rotate_keys(batch_size=0), "batch_size: must be at least 1"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
async def test_a_bad_call_is_refused(integrations: IntegrationStore, name: str) -> None:
    call, problem = BAD_CALLS[name]
    with pytest.raises(InvalidInputError, match=problem):
        await call(integrations)


async def test_keys_come_from_the_environment(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", base64.b64encode(KEY).decode())
    await IntegrationStore(database).save(slack())
    assert (await got(IntegrationStore(database, KEYRING))).settings == SETTINGS
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", "nonsense")
    with pytest.raises(ConfigurationError, match="ARAGORA_ENCRYPTION_KEY: not a key") as caught:
        IntegrationStore(database)
    assert "nonsense" not in str(caught.value)


async def test_the_schema_refuses_what_the_store_would(integrations: IntegrationStore) -> None:
    await integrations.save(slack())
    for change in ("messages_sent = -1", "errors_24h = -1", "settings = '[]'", "user_id = ''"):
        with pytest.raises(CheckViolationError):
            await run(integrations.database, f"UPDATE integrations SET {change}")

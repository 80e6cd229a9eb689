"""Settings of e-mail and Telegram, recipients, channels and the keys of their secrets."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring, seal_envelope
from aragora_sql.errors import (
    DecryptionError,
    DuplicateKeyError,
    EncryptionKeyMissingError,
    InvalidInputError,
)
from aragora_sql.privacy import erase_user, export_user
from aragora_sql.stores.notifications import (
    ChannelSubscription,
    EmailConfig,
    EmailRecipient,
    NotificationStore,
    TelegramConfig,
)
from aragora_sql.stores.users import UserStore
from tests.stores.notifications.cases import PASSWORD, channel, email_config
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, day, fetch, fetch_value, run

TOKEN = "123456:telegram-token-that-nobody-may-see"  # noqa: S105


def older(text: str, binding: str) -> dict[str, Any]:
    """A secret as the older program stored it."""
    envelope = seal_envelope(KEY, bytes(range(12)), text.encode(), binding.encode())
    return {"_encrypted": True, "_value": base64.b64encode(envelope).decode()}


async def put(database: Database, table: str, org_id: str, config: dict[str, Any]) -> None:
    """Store a document as an older program did."""
    cast = "::jsonb" if database.dialect == "postgres" else ""
    text = json.dumps(config)
    await run(database, f"INSERT INTO {table} (org_id, config) VALUES ('{org_id}', '{text}'{cast})")


async def document(database: Database, table: str) -> Any:
    value = await fetch_value(database, f"SELECT config FROM {table}")
    return json.loads(value) if isinstance(value, str) else value


async def test_save_email_config_then_get_email_config(notifications: NotificationStore) -> None:
    given = email_config(
        provider="ses",
        smtp_password=PASSWORD,
        ses_secret_access_key="ses-secret",  # noqa: S106
        smtp_port=465,
        use_tls=False,
        from_name="Ännchen",
        min_consensus_confidence=0.1 + 0.2,
        extra={"reply_to": "c@d.e", "n": [1, 0.1]},
        created_at=day(1),
    )
    await notifications.save_email_config(given)
    found = await notifications.get_email_config("acme")
    assert found is not None
    assert found == replace(given, updated_at=found.updated_at)
    stored = await document(notifications.database, "notification_email_configs")
    assert PASSWORD not in str(stored)
    assert stored["smtp_password"]["_encrypted"] is True
    assert stored["smtp_host"] == "mail.example.com"
    # what is empty is no secret
    assert stored["sendgrid_api_key"] == ""
    assert not {"org_id", "created_at", "extra"} & stored.keys()
    assert await notifications.get_email_config("other") is None


async def test_save_email_config_again_keeps_when_it_was_made(
    notifications: NotificationStore,
) -> None:
    await notifications.save_email_config(email_config(created_at=day(1)))
    await notifications.save_email_config(email_config(smtp_host="new", created_at=day(2)))
    found = await notifications.get_email_config("acme")
    assert found is not None
    assert (found.smtp_host, found.created_at) == ("new", day(1))
    assert found.updated_at is not None
    assert found.updated_at > day(2)


async def test_get_email_config_of_the_older_program(notifications: NotificationStore) -> None:
    """Bound to the organization and the kind; the document repeats what has columns."""
    await put(
        notifications.database,
        "notification_email_configs",
        "acme",
        {
            "org_id": "acme",
            "created_at": 1770000000.5,
            "updated_at": 1770000000.5,
            "smtp_host": "old",
            "smtp_password": older(PASSWORD, "acme:email"),
            "sendgrid_api_key": "clear",
            "from_name": None,
            "tomorrow": {"a": 1},
        },
    )
    found = await notifications.get_email_config("acme")
    assert found is not None
    assert (found.smtp_host, found.smtp_password) == ("old", PASSWORD)
    assert (found.sendgrid_api_key, found.from_name) == ("clear", "")
    assert found.extra == {"tomorrow": {"a": 1}}
    assert (found.max_emails_per_hour, found.min_consensus_confidence) == (50, 0.7)
    await notifications.save_email_config(found)
    assert (await notifications.get_email_config("acme")) == replace(
        found, updated_at=(await times(notifications))[1]
    )


async def times(notifications: NotificationStore) -> tuple[Any, Any]:
    found = await notifications.get_email_config("acme")
    assert found is not None
    return found.created_at, found.updated_at


async def test_get_email_config_of_a_secret_from_elsewhere(
    notifications: NotificationStore,
) -> None:
    """An envelope opens nowhere but where it was made."""
    await notifications.save_email_config(email_config("a", smtp_password=PASSWORD))
    await notifications.save_email_config(email_config("b", smtp_password=PASSWORD))
    table = "notification_email_configs"
    await run(
        notifications.database,
        f"UPDATE {table} SET config = (SELECT x.config FROM {table} AS x WHERE x.org_id = 'a')",
    )
    with pytest.raises(DecryptionError, match="email settings of organization 'b'"):
        await notifications.get_email_config("b")
    assert await notifications.get_email_config("a") is not None


async def test_get_email_config_sealed_needs_no_key(notifications: NotificationStore) -> None:
    await notifications.save_email_config(email_config(smtp_password=PASSWORD))
    keyless = NotificationStore(notifications.database, Keyring())
    with pytest.raises(EncryptionKeyMissingError, match="organization 'acme'"):
        await keyless.get_email_config("acme")
    sealed = await keyless.get_email_config("acme", decrypt=False)
    assert sealed is not None
    assert repr(sealed.smtp_password) == "<sealed secret>"
    await keyless.save_email_config(replace(sealed, smtp_host="changed"))
    with pytest.raises(InvalidInputError, match="sealed secret"):
        await keyless.save_email_config(replace(sealed, org_id="other"))
    with pytest.raises(InvalidInputError, match="smtp_host"):
        await keyless.save_email_config(replace(sealed, smtp_host=sealed.smtp_password))  # type: ignore[arg-type]
    with pytest.raises(EncryptionKeyMissingError, match="smtp_password"):
        await keyless.save_email_config(email_config(smtp_password="new"))  # noqa: S106
    found = await notifications.get_email_config("acme")
    assert found is not None
    assert (found.smtp_host, found.smtp_password) == ("changed", PASSWORD)


async def test_no_secret_is_shown(notifications: NotificationStore) -> None:
    config = email_config(smtp_password=PASSWORD, extra={"api_key": PASSWORD})
    telegram = TelegramConfig(org_id="acme", bot_token=TOKEN)
    of_channel = channel(config={"webhook_url": PASSWORD})
    for one in (config, telegram, of_channel):
        for shown in (repr(one), str(one), str(one.to_dict())):
            assert PASSWORD not in shown
            assert TOKEN not in shown
    assert config.to_dict(include_secrets=True)["smtp_password"] == PASSWORD


async def test_delete_email_config(notifications: NotificationStore) -> None:
    await notifications.save_email_config(email_config("acme"))
    await notifications.save_email_config(email_config("other"))
    assert await notifications.delete_email_config("acme")
    assert not await notifications.delete_email_config("acme")
    assert await notifications.get_email_config("acme") is None
    assert await notifications.get_email_config("other") is not None


async def test_save_telegram_config_then_get_telegram_config(
    notifications: NotificationStore,
) -> None:
    given = TelegramConfig(
        org_id="acme", bot_token=TOKEN, chat_id="-100", notify_on_error=False, created_at=day(1)
    )
    await notifications.save_telegram_config(given)
    found = await notifications.get_telegram_config("acme")
    assert found is not None
    assert found == replace(given, updated_at=found.updated_at)
    assert TOKEN not in str(await document(notifications.database, "notification_telegram_configs"))
    await notifications.save_telegram_config(replace(found, chat_id="5", created_at=day(9)))
    again = await notifications.get_telegram_config("acme", decrypt=False)
    assert again is not None
    assert (again.chat_id, again.created_at, repr(again.bot_token)) == (
        "5",
        day(1),
        "<sealed secret>",
    )
    assert await notifications.get_telegram_config("other") is None


async def test_delete_telegram_config(notifications: NotificationStore) -> None:
    await notifications.save_telegram_config(TelegramConfig(org_id="acme"))
    assert await notifications.delete_telegram_config("acme")
    assert not await notifications.delete_telegram_config("acme")
    assert await notifications.get_telegram_config("acme") is None


async def test_add_recipient_then_get_recipients(notifications: NotificationStore) -> None:
    first = EmailRecipient(
        org_id="acme",
        email="Ann@Example.com",
        name="Ann",
        preferences={"digest": True, "n": 0.1},
        created_at=day(1),
    )
    await notifications.add_recipient(first)
    for address in ("ann@example.com", "müller@bücher.example"):
        await notifications.add_recipient(EmailRecipient(org_id="acme", email=address))
    await notifications.add_recipient(EmailRecipient(org_id="other", email="x@example.com"))
    await notifications.add_recipient(
        EmailRecipient(org_id="acme", email="Ann@Example.com", name="Anna")
    )
    found = await notifications.get_recipients("acme")
    assert [one.email for one in found] == [
        "Ann@Example.com",
        "ann@example.com",
        "müller@bücher.example",
    ]
    # name and preferences were replaced, and nothing else
    assert (found[0].name, found[0].preferences, found[0].created_at) == ("Anna", {}, day(1))
    assert found[0].id is not None
    page = await notifications.get_recipients("acme", 1, after=found[0])
    assert page == found[1:2]


async def test_remove_recipient_as_it_is_spelled(notifications: NotificationStore) -> None:
    await notifications.add_recipient(EmailRecipient(org_id="acme", email="Ann@example.com"))
    assert not await notifications.remove_recipient("acme", "ann@example.com")
    assert not await notifications.remove_recipient("other", "Ann@example.com")
    assert await notifications.remove_recipient("acme", "Ann@example.com")
    assert not await notifications.remove_recipient("acme", "Ann@example.com")
    assert await notifications.get_recipients("acme") == []


async def test_clear_recipients_of_one_organization(notifications: NotificationStore) -> None:
    for org_id, address in (("acme", "a@b.c"), ("acme", "d@e.f"), ("other", "a@b.c")):
        await notifications.add_recipient(EmailRecipient(org_id=org_id, email=address))
    assert await notifications.clear_recipients("acme") == 2
    assert await notifications.clear_recipients("acme") == 0
    assert len(await notifications.get_recipients("other")) == 1


async def test_save_channel_then_get_channel(notifications: NotificationStore) -> None:
    given = channel(
        workspace_id="W",
        channel_name="#général",
        event_types=["receipt", "budget_alert", "receipt"],
        config={"webhook_url": PASSWORD, "n": 0.1},
        created_by="ann",
        created_at=day(1),
    )
    saved = await notifications.save_channel(given)
    assert saved.id is not None
    assert saved.event_types == ["receipt", "budget_alert"]
    assert await notifications.get_channel(saved.id) == saved
    assert PASSWORD not in str(await document(notifications.database, "channel_subscriptions"))
    sealed = await notifications.get_channel(saved.id, decrypt=False)
    assert sealed is not None
    assert repr(sealed.config["webhook_url"]) == "<sealed secret>"
    assert await notifications.get_channel("unknown") is None


async def test_save_channel_again_keeps_who_made_it(notifications: NotificationStore) -> None:
    first = await notifications.save_channel(channel(id="s", created_by="ann", created_at=day(1)))
    again = await notifications.save_channel(
        channel(event_types=[], is_active=False, created_by="ben", created_at=day(2))
    )
    assert (again.id, again.created_by, again.created_at) == ("s", "ann", day(1))
    assert (again.event_types, again.is_active) == ([], False)
    assert await notifications.get_channel("s") == again
    assert first.is_active
    # another channel can't have its identifier
    with pytest.raises(DuplicateKeyError):
        await notifications.save_channel(channel(id="s", channel_id="C2"))


async def test_list_channels_gives_pages(notifications: NotificationStore) -> None:
    for kind, name in (("teams", "a"), ("slack", "b"), ("slack", "a"), ("email", "z")):
        await notifications.save_channel(
            channel(channel_type=kind, channel_id=name, is_active=name != "b")
        )
    await notifications.save_channel(channel("other"))
    found = await notifications.list_channels("acme")
    names = [(one.channel_type, one.channel_id) for one in found]
    assert names == [("email", "z"), ("slack", "a"), ("slack", "b"), ("teams", "a")]
    assert await notifications.list_channels("acme", 2, after=found[0]) == found[1:3]
    active = await notifications.list_channels("acme", active_only=True)
    assert active == [found[0], found[1], found[3]]


async def test_list_channels_names_what_no_key_opens(notifications: NotificationStore) -> None:
    await notifications.save_channel(channel(config={"webhook_url": PASSWORD}))
    other = NotificationStore(notifications.database, Keyring(OTHER_KEY))
    (found,) = await other.list_channels("acme")
    assert found.problem is not None
    assert "channel 'C1'" in found.problem
    assert PASSWORD not in found.problem
    assert (await other.list_channels("acme", decrypt=False))[0].problem is None


async def test_get_channels_for_event_that_are_in_use(notifications: NotificationStore) -> None:
    for name, events in (
        ("both", ["receipt", "budget_alert"]),
        ("one", ["budget_alert"]),
        ("none", []),
        ("off", ["receipt"]),
    ):
        await notifications.save_channel(
            channel(id=name, channel_id=name, event_types=events, is_active=name != "off")
        )
    await notifications.save_channel(channel("other"))

    async def names(event: str) -> list[str]:
        found = await notifications.get_channels_for_event("acme", event)
        return [one.channel_id for one in found]

    assert await names("receipt") == ["both"]
    assert await names("budget_alert") == ["both", "one"]
    assert await names("debate_complete") == []
    assert await notifications.set_channel_active("off", True)
    assert await names("receipt") == ["both", "off"]


async def test_set_channel_active(notifications: NotificationStore) -> None:
    saved = await notifications.save_channel(channel(id="s"))
    assert await notifications.set_channel_active("s", False)
    assert not await notifications.set_channel_active("unknown", False)
    found = await notifications.get_channel("s")
    assert found is not None
    assert found.updated_at is not None
    assert saved.updated_at is not None
    assert not found.is_active
    assert found.updated_at > saved.updated_at


async def test_delete_channel(notifications: NotificationStore) -> None:
    await notifications.save_channel(channel(id="s"))
    assert await notifications.delete_channel("s")
    assert not await notifications.delete_channel("s")
    assert await notifications.list_channels("acme") == []


async def test_rotate_keys_covers_all_kinds(notifications: NotificationStore) -> None:
    for number in range(3):
        await notifications.save_email_config(email_config(f"o{number}", smtp_password=PASSWORD))
    await notifications.save_email_config(email_config("without"))
    await notifications.save_telegram_config(TelegramConfig(org_id="acme", bot_token=TOKEN))
    await notifications.save_channel(channel(config={"webhook_url": PASSWORD}))
    table = "notification_email_configs"
    for org_id, config in (
        ("clear", {"smtp_password": "in the clear"}),
        ("older", {"smtp_password": older(PASSWORD, "older:email")}),
    ):
        await put(notifications.database, table, org_id, config)
    rotated = NotificationStore(notifications.database, Keyring(OTHER_KEY, [KEY]))
    dry = await rotated.rotate_keys(dry_run=True)
    assert (dry.total, dry.checked, dry.changed, dry.resealed, dry.sealed) == (8, 8, 7, 6, 1)
    seen: list[int] = []
    result = await rotated.rotate_keys(batch_size=4, on_progress=lambda r: seen.append(r.checked))
    assert replace(result, dry_run=True) == dry
    assert seen == [4, 6, 7, 8]
    only_new = NotificationStore(notifications.database, Keyring(OTHER_KEY))
    assert (await only_new.rotate_keys()).changed == 0
    assert await only_new.check_secrets() == (8, [])
    clear = await only_new.get_email_config("clear")
    assert clear is not None
    assert clear.smtp_password == "in the clear"  # noqa: S105
    telegram = await only_new.get_telegram_config("acme")
    assert telegram is not None
    assert telegram.bot_token == TOKEN
    (of_channel,) = await only_new.list_channels("acme")
    assert of_channel.config == {"webhook_url": PASSWORD}


async def test_rotate_keys_and_check_secrets_name_what_no_key_opens(
    notifications: NotificationStore,
) -> None:
    await notifications.save_telegram_config(TelegramConfig(org_id="lost", bot_token=TOKEN))
    await notifications.save_channel(channel("lost", config={"webhook_url": PASSWORD}))
    other = NotificationStore(notifications.database, Keyring(OTHER_KEY))
    checked, failed = await other.check_secrets()
    assert checked == 2
    assert [(one.user_id, one.integration_type) for one in failed] == [
        ("lost", "telegram"),
        ("lost", "slack"),
    ]
    result = await other.rotate_keys()
    assert (result.changed, result.failed) == (0, failed)
    assert await NotificationStore(notifications.database, KEYRING).check_secrets() == (2, [])


async def test_a_user_who_is_erased_is_no_recipient_any_more(
    notifications: NotificationStore,
) -> None:
    users = UserStore(notifications.database, KEYRING)
    ann = await users.create_user("ann@example.com", "x")
    for address in ("Ann@Example.com", "ben@example.com"):
        await notifications.add_recipient(EmailRecipient(org_id="acme", email=address))
    await notifications.set_preference("acme", ann.id, "email", False)
    await notifications.send("acme", ann.id, "receipt", "title", dedup_key="k")
    await notifications.claim_digests("acme")
    await notifications.save_channel(channel(created_by=ann.id))
    exported = await export_user(notifications.database, ann.id)
    tables = {table.table for table in exported.tables if table.store == "notifications"}
    assert tables >= {"notifications", "notification_email_recipients", "notification_preferences"}
    await erase_user(notifications.database, ann.id)
    assert [one.email for one in await notifications.get_recipients("acme")] == ["ben@example.com"]
    assert await notifications.get_preferences("acme", ann.id) == []
    assert await notifications.list_notifications("acme", ann.id) == []
    left = "SELECT count(*) FROM {} WHERE user_id = '{}'"
    for table in ("notification_dedup_keys", "notification_digests"):
        assert await fetch_value(notifications.database, left.format(table, ann.id)) == 0
    (of_ann,) = await notifications.list_channels("acme")
    assert of_ann.created_by != ann.id


async def test_rows_hold_what_the_records_say(notifications: NotificationStore) -> None:
    """The defaults of the older program are those of the records."""
    assert EmailConfig(org_id="o").to_dict()["digest_frequency"] == "daily"
    await notifications.save_channel(
        ChannelSubscription(org_id="o", channel_type="email", channel_id="e", event_types=[])
    )
    (row,) = await fetch(notifications.database, "SELECT is_active FROM channel_subscriptions")
    assert row["is_active"] in (True, 1)

"""What is sealed in the database, and that a sealed secret opens only where it belongs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aragora_sql.encryption import Keyring
from aragora_sql.errors import DecryptionError, EncryptionKeyMissingError, InvalidInputError
from aragora_sql.redaction import REDACTED, add_secret_names
from aragora_sql.stores.integrations.secrets import SealedSecret
from aragora_sql.stores.integrations.store import IntegrationStore
from tests.stores.integrations.test_integrations import got, older, put, slack, stored_settings
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, fetch
from tests.test_redaction import PLAIN, SECRETS

MARK = "4711-is-secret"
BY_FORM = {
    "database_url": f"postgresql://u:{MARK}@h/db",
    "proxy": f"http://u:{MARK}@proxy:3128",
    "callback": f"https://h/?state=1&access_token={MARK}",
    "storage": f"AccountName=a;AccountKey={MARK}==",
}


async def test_save_seals_every_secret_by_name(integrations: IntegrationStore) -> None:
    settings = {name: f"{MARK}-{name}" for name in SECRETS}
    await integrations.save(slack(settings={"deep": [settings]}))
    (stored,) = await stored_settings(integrations.database)
    assert MARK not in json.dumps(stored)
    assert all(set(one) >= {"_encrypted", "_value"} for one in stored["deep"][0].values())
    config = await got(integrations)
    assert config.settings == {"deep": [settings]}
    assert MARK not in repr(config)
    assert config.to_dict()["settings"] == {"deep": [dict.fromkeys(SECRETS, REDACTED)]}


async def test_save_leaves_innocent_names_as_they_are(integrations: IntegrationStore) -> None:
    store = IntegrationStore(integrations.database, Keyring())
    settings = {name: f"v-{name}" for name in PLAIN}
    await store.save(slack(settings=settings))
    assert await stored_settings(store.database) == [settings]
    assert (await got(store)).to_dict()["settings"] == settings


async def test_save_seals_secrets_by_their_form(integrations: IntegrationStore) -> None:
    await integrations.save(slack(settings={**BY_FORM, "channel": "#c"}))
    (stored,) = await stored_settings(integrations.database)
    assert MARK not in json.dumps(stored)
    assert stored["channel"] == "#c"
    config = await got(integrations)
    assert config.settings == {**BY_FORM, "channel": "#c"}
    assert config.to_dict()["settings"] == {**dict.fromkeys(BY_FORM, REDACTED), "channel": "#c"}
    with pytest.raises(EncryptionKeyMissingError, match=r"settings\.proxy is a secret"):
        await IntegrationStore(integrations.database, Keyring()).save(
            slack("u2", settings={"proxy": BY_FORM["proxy"]})
        )


@pytest.mark.usefixtures("own_names")
async def test_save_seals_what_the_application_names(integrations: IntegrationStore) -> None:
    add_secret_names("chat_id")
    await integrations.save(slack(settings={"telegramChatId": MARK}))
    (stored,) = await stored_settings(integrations.database)
    assert MARK not in json.dumps(stored)
    assert (await got(integrations)).settings == {"telegramChatId": MARK}


async def test_record_error_keeps_no_secret(integrations: IntegrationStore) -> None:
    await integrations.save(slack())
    error = f"401 from https://u:{MARK}@h/x: token={MARK}, channel=c"
    assert await integrations.record_error("slack", error, "u1")
    assert (await got(integrations)).last_error == (
        f"401 from https://u:{REDACTED}@h/x: token={REDACTED}, channel=c"
    )
    rows = await fetch(integrations.database, "SELECT last_error FROM integrations")
    assert MARK not in str([dict(row) for row in rows])


async def test_get_reads_older_rows_and_rotate_keys_seals_them(
    integrations: IntegrationStore,
) -> None:
    """Rows of when fewer names were taken for secrets: readable, hidden, sealed by rotation."""
    clear = {"SMTPPassword": MARK, "authtoken": MARK, "proxy": BY_FORM["proxy"], "channel": "#c"}
    await put(integrations.database, "u1", clear)
    config = await got(integrations)
    assert config.settings == clear
    assert MARK not in repr(config)
    result = await integrations.rotate_keys()
    assert (result.changed, result.resealed, result.sealed) == (1, 0, 3)
    (stored,) = await stored_settings(integrations.database)
    assert MARK not in json.dumps(stored)
    assert (await got(integrations)).settings == clear
    assert (await integrations.rotate_keys()).changed == 0


async def copied(
    store: IntegrationStore, source: str, target: str, *, old: bool
) -> tuple[str, dict[str, Any]]:
    """Copy an envelope to another setting of its row, behind the store's back."""
    if old:
        settings: dict[str, Any] = {source: older(MARK)}
    else:
        await store.save(slack(settings={source: MARK}))
        (settings,) = await stored_settings(store.database)
        assert await store.delete("slack", "u1")
    settings[target] = [settings[source]] if target == "list" else settings[source]
    await put(store.database, "u1", settings)
    return f"settings.{target}" + (r"\[0\]" if target == "list" else ""), settings


@pytest.mark.parametrize("old", [False, True], ids=["new", "older"])
@pytest.mark.parametrize("target", ["channel", "token_count", "list"])
async def test_an_envelope_copied_to_a_setting_that_is_no_secret_is_not_shown(
    integrations: IntegrationStore, target: str, old: bool
) -> None:
    path, _ = await copied(integrations, "bot_token", target, old=old)
    with pytest.raises(DecryptionError, match=rf"{path} can't be decrypted") as caught:
        await got(integrations)
    assert MARK not in str(caught.value)
    (listed,) = await integrations.list_all()
    assert listed.problem is not None
    assert MARK not in repr(listed) + str(listed.to_dict(include_secrets=True))
    assert isinstance(listed.settings["bot_token"], SealedSecret)
    assert len((await integrations.rotate_keys()).failed) == 1


async def test_an_envelope_copied_to_another_secret_is_not_opened(
    integrations: IntegrationStore,
) -> None:
    await copied(integrations, "bot_token", "api_key", old=False)
    with pytest.raises(DecryptionError, match=r"settings\.api_key can't be decrypted"):
        await got(integrations)


async def test_a_sealed_secret_is_not_saved_under_another_name(
    integrations: IntegrationStore,
) -> None:
    await integrations.save(slack(settings={"bot_token": MARK}))
    sealed = await integrations.get("slack", "u1", decrypt=False)
    assert sealed is not None
    moved = slack(settings={"channel": sealed.settings["bot_token"]})
    with pytest.raises(InvalidInputError, match="the sealed secret of the setting 'bot_token'"):
        await integrations.save(moved)


async def test_owners_that_read_alike_are_told_apart(integrations: IntegrationStore) -> None:
    """User ``a:b`` with type ``c`` and user ``a`` with type ``b:c`` were one owner."""
    store = IntegrationStore(integrations.database, KEYRING, ["c", "b:c"])
    await store.save(slack("a:b", integration_type="c", settings={"bot_token": MARK}))
    (settings,) = await stored_settings(store.database)
    await put(store.database, "a", settings, "b:c")
    assert (await got(store, "a:b", "c")).settings == {"bot_token": MARK}
    with pytest.raises(DecryptionError, match="copied from another owner or setting"):
        await got(store, "a", "b:c")


async def test_rotate_keys_binds_older_envelopes_to_their_setting(
    integrations: IntegrationStore,
) -> None:
    await put(integrations.database, "u1", {"bot_token": older(MARK)})
    result = await integrations.rotate_keys()
    assert (result.changed, result.resealed) == (1, 1)
    (settings,) = await stored_settings(integrations.database)
    await put(integrations.database, "u2", {"api_key": settings["bot_token"]})
    assert (await got(integrations)).settings == {"bot_token": MARK}
    with pytest.raises(DecryptionError):
        await got(integrations, "u2")
    both = IntegrationStore(integrations.database, Keyring(OTHER_KEY, [KEY]))
    assert (await both.rotate_keys()).resealed == 1
    assert (await got(both)).settings == {"bot_token": MARK}

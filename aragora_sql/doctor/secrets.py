"""The key of secrets, tried on some of those that are stored."""

from __future__ import annotations

from collections.abc import Mapping

from aragora_sql.database import Database
from aragora_sql.doctor.findings import Finding, error, ok
from aragora_sql.encryption import CURRENT_KEY, OLD_KEYS, Keyring
from aragora_sql.errors import AragoraSQLError
from aragora_sql.redaction import rebuild
from aragora_sql.stores.integrations.records import IntegrationConfig
from aragora_sql.stores.integrations.secrets import SealedSecret
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.users import UserStore
from aragora_sql.stores.webhooks import WebhookStore

__all__ = ["check_key", "check_stored_secrets", "check_user_secrets", "check_webhook_secrets"]

# So many integrations or users are a sample.
_SAMPLE = 100


def check_key(env: Mapping[str, str]) -> tuple[Keyring | None, list[Finding]]:
    """Return the keys of the environment, and what is wrong with them."""
    try:
        keyring = Keyring.from_env(env)
        if keyring:
            # What encrypts is another package.
            keyring.seal(b"", b"")
    except AragoraSQLError as problem:
        action = f"{CURRENT_KEY}: openssl rand -hex 32 makes one"
        return None, [error("encryption-key", str(problem), action, "configuration")]
    return keyring, []


async def check_stored_secrets(database: Database, keyring: Keyring) -> list[Finding]:
    """Try the keys on stored secrets; the store of integrations has to be there."""
    sealed = [
        config
        for config in await IntegrationStore(database, Keyring()).list_all(_SAMPLE, decrypt=False)
        if _is_sealed(config)
    ]
    count = "1 integration" if len(sealed) == 1 else f"{len(sealed)} integrations"
    if not keyring:
        if not sealed:
            return [ok("encryption-key", "there is no key, and no secret that needs one")]
        return [
            error(
                "encryption-key",
                f"{CURRENT_KEY} is not set, and secrets of {count} are stored",
                "set it to the key that they were encrypted with",
                "configuration",
            )
        ]
    store = IntegrationStore(database, keyring)
    closed: list[str] = []
    for config in sealed:
        try:
            await store.get(config.type, config.user_id)
        except AragoraSQLError:
            closed.append(f"{config.type} of {config.user_id}")
    if closed:
        more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
        share = f"{len(closed)} of {count}"
        return [
            error(
                "encryption-key",
                f"no key opens the secrets of {', '.join(closed[:3])}{more} ({share})",
                f"add the former key to {OLD_KEYS}; if it is lost, enter them again",
            )
        ]
    return [ok("encryption-key", f"there is a key, and it opens the secrets of {count}")]


async def check_user_secrets(database: Database, keyring: Keyring) -> list[Finding]:
    """Try the keys on stored secrets of second factors; the store of users has to be there."""
    checked, failed = await UserStore(database, keyring).check_secrets(_SAMPLE)
    if not failed:
        return []
    shown = ", ".join(str(one.user_id) for one in failed[:3])
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    share = f"{len(failed)} of {checked} users"
    if not keyring:
        return [
            error(
                "encryption-key",
                f"{CURRENT_KEY} is not set, and secrets of second factors are stored ({share})",
                "set it to the key that they were encrypted with",
                "configuration",
            )
        ]
    return [
        error(
            "encryption-key",
            f"no key opens the second factors of {shown}{more} ({share})",
            f"add the former key to {OLD_KEYS}; if it is lost, let them be set up again",
        )
    ]


async def check_webhook_secrets(database: Database, keyring: Keyring) -> list[Finding]:
    """Try the keys on stored secrets of webhooks; the store of webhooks has to be there."""
    checked, failed = await WebhookStore(database, keyring).check_secrets(_SAMPLE)
    if not failed:
        return []
    shown = ", ".join(str(one.webhook_id) for one in failed[:3])
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    share = f"{len(failed)} of {checked} webhooks"
    if not keyring:
        return [
            error(
                "encryption-key",
                f"{CURRENT_KEY} is not set, and secrets of webhooks are stored ({share})",
                "set it to the key that they were encrypted with",
                "configuration",
            )
        ]
    return [
        error(
            "encryption-key",
            f"no key opens the secrets of webhooks {shown}{more} ({share})",
            f"add the former key to {OLD_KEYS}; if it is lost, give them new secrets",
        )
    ]


def _is_sealed(config: IntegrationConfig) -> bool:
    found = False

    def handle(path: str, name: str, member: object) -> object:
        nonlocal found
        found = found or isinstance(member, SealedSecret)
        return member

    rebuild(config.settings, "", handle)
    return found

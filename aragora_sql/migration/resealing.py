"""Encrypts the secrets of rejected integrations and settings with the present key.

Rows that were rejected or merged keep their encrypted settings, in ``_migration_rejects`` and in
the reject files. The table is within reach of whoever rotates keys; the files are where somebody
put them, so only their runs can be named.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import EncryptionError
from aragora_sql.migration.statements import ask
from aragora_sql.redaction import is_envelope
from aragora_sql.stores.connectors.records import ConnectorOwner
from aragora_sql.stores.integrations.secrets import Owner, SecretOwner, reseal_secrets
from aragora_sql.stores.notifications.configs import SettingsOwner

__all__ = ["ResealedRejects", "reseal_rejects"]

_PAGE = 500
# Of each table the column with secrets, and those that say whose they are.
_TABLES: dict[str, tuple[str, Callable[..., SecretOwner], tuple[str, ...]]] = {
    "integrations": ("settings", Owner, ("user_id", "integration_type")),
    "notification_email_configs": (
        "config",
        lambda org_id: SettingsOwner(org_id, "email"),
        ("org_id",),
    ),
    "notification_telegram_configs": (
        "config",
        lambda org_id: SettingsOwner(org_id, "telegram"),
        ("org_id",),
    ),
    "channel_subscriptions": ("config", SettingsOwner, ("org_id", "channel_type", "channel_id")),
    "connectors": ("config", ConnectorOwner, ("id",)),
}


@dataclass(slots=True)
class ResealedRejects:
    """What was done about rejected rows with encrypted secrets.

    ``checked`` of them were looked at, and ``changed`` had ``resealed`` secrets under an older key
    or bound in the older way. ``failed`` says of each that no key fits why; it is unchanged.
    ``runs`` are the migrations whose reject files hold the same secrets as they were.
    """

    checked: int = 0
    changed: int = 0
    resealed: int = 0
    failed: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "checked": self.checked,
            "changed": self.changed,
            "resealed": self.resealed,
            "failed": self.failed,
            "runs": self.runs,
        }


async def reseal_rejects(
    database: Database, keyring: Keyring, *, dry_run: bool = False
) -> ResealedRejects:
    """Encrypt the secrets in ``_migration_rejects`` with the present key.

    What is encrypted with it already is only looked at, so it can be repeated. ``dry_run`` changes
    nothing and tells what would be done. Only PostgreSQL has such rows.
    """
    result = ResealedRejects()
    if database.dialect != "postgres":
        return result
    async with database.read() as connection:
        [found] = await ask(connection, "has_rejects")
    if not found["present"]:
        return result
    for table in _TABLES:
        after: int | None = 0
        while after is not None:
            after = await _reseal_page(database, table, after, keyring, result, dry_run=dry_run)
    return result


async def _reseal_page(
    database: Database,
    table: str,
    after: int,
    keyring: Keyring,
    result: ResealedRejects,
    *,
    dry_run: bool,
) -> int | None:
    """Deal with a page of the rejects of a table; return where the next one begins, or None."""
    async with database.transaction() as connection:
        page = await ask(
            connection,
            "list_rejects_of",
            target_table=table,
            after_reject=after,
            row_limit=_PAGE,
        )
        for row in page:
            line = _resealed(table, row, keyring, result)
            if line is not None and not dry_run:
                await ask(connection, "set_reject", reject_id=row["reject_id"], reject=line)
    return page[-1]["reject_id"] if len(page) == _PAGE else None


def _resealed(
    table: str, row: dict[str, Any], keyring: Keyring, result: ResealedRejects
) -> str | None:
    """Return a reject's line with its secrets under the present key; None when nothing changes."""
    column, owner_of, names = _TABLES[table]
    reject = json.loads(row["reject"])
    values = reject["row"]
    if not _holds_envelope(values.get(column)):
        return None
    result.checked += 1
    if row["run_id"] not in result.runs:
        result.runs.append(row["run_id"])
    where = f"row {reject['rowid']} of {reject['source_file']}, rejected in run {row['run_id']}"
    whose = [values.get(name) for name in names]
    if not all(isinstance(name, str) for name in whose):
        result.failed.append(f"{where}: whose secrets these are is not known")
        return None
    try:
        values[column], resealed, _ = reseal_secrets(
            values[column], keyring, owner_of(*whose), only_sealed=True
        )
    except EncryptionError as error:
        result.failed.append(f"{where}: {error}")
        return None
    if not resealed:
        return None
    result.changed += 1
    result.resealed += resealed
    return json.dumps(reject)


def _holds_envelope(value: Any) -> bool:
    if is_envelope(value):
        return True
    members = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | list) and any(map(_holds_envelope, members))

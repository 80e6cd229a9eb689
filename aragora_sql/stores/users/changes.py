"""What applications may change of users and organizations, and how each field is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aragora_sql.encryption import Keyring
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.tokens import PREFIX_LENGTH, checked_hash
from aragora_sql.stores.user_secrets import seal
from aragora_sql.stores.users.emails import email_key
from aragora_sql.stores.users.mfa import backup_codes_text
from aragora_sql.stores.users.records import ROLES, TIERS, Role

__all__ = ["BYPASS_REASONS", "UserChange", "organization_changes", "user_change"]

BYPASS_REASONS = ("service_account", "api_integration")

Check = Callable[[Any, str], Any]


def _or_none(check: Check) -> Check:
    return lambda value, argument: valid.optional(value, argument, check)


def _prefix(value: Any, argument: str) -> str:
    text = valid.text(value, argument)
    if len(text) > PREFIX_LENGTH:
        # Longer ones would show too much of a key.
        raise InvalidInputError(argument, f"must be at most {PREFIX_LENGTH} characters long")
    return text


def _count(value: Any, argument: str) -> int:
    return valid.integer(value, argument, most=2**63 - 1)


def _one_of(*allowed: str) -> Check:
    return lambda value, argument: valid.choice(value, argument, allowed)


_TIME = _or_none(valid.timestamp)
_USER: dict[str, Check] = {
    "password_hash": valid.text,
    "password_salt": valid.text,
    "name": valid.text,
    "is_active": valid.boolean,
    "email_verified": valid.boolean,
    "api_key_hash": _or_none(checked_hash),
    "api_key_prefix": _or_none(_prefix),
    "api_key_created_at": _TIME,
    "api_key_expires_at": _TIME,
    "mfa_enabled": valid.boolean,
    "mfa_grace_period_started_at": _TIME,
    "mfa_bypass_reason": _or_none(_one_of(*BYPASS_REASONS)),
    "mfa_bypass_approved_by": _or_none(valid.key),
    "mfa_bypass_approved_at": _TIME,
    "mfa_bypass_expires_at": _TIME,
    "is_service_account": valid.boolean,
    "service_account_created_by": _or_none(valid.key),
    "service_account_scopes": _or_none(valid.array),
    "last_login_at": _TIME,
}
# These become more than one column, or rows of another table.
_FURTHER = ("email", "mfa_secret", "mfa_backup_codes", "org_id", "role")
_ORGANIZATION: dict[str, Check] = {
    "name": valid.identifier,
    "slug": valid.key,
    "tier": _one_of(*TIERS),
    "stripe_customer_id": _or_none(valid.key),
    "stripe_subscription_id": _or_none(valid.key),
    "debates_used_this_month": _count,
    "billing_cycle_start": valid.timestamp,
    "settings": valid.document,
    "trial_started_at": _TIME,
    "trial_expires_at": _TIME,
    "trial_debates_limit": valid.integer,
    "trial_converted": valid.boolean,
    "owner_id": valid.key,
}


@dataclass(frozen=True, slots=True)
class UserChange:
    """A change of a user: columns with their new values, and what is about memberships.

    ``path`` is what names of arguments begin with; ``moves`` says whether ``org_id`` is given.
    """

    user_id: str
    path: str
    columns: dict[str, Any]
    moves: bool
    org_id: str | None
    role: Role | None


def user_change(user_id: Any, fields: Mapping[str, Any], path: str, keyring: Keyring) -> UserChange:
    """Check the changes of a user; secrets in them are encrypted."""
    owner = valid.key(user_id, f"{path}user_id")
    _refuse_unknown(fields, (*_USER, *_FURTHER), path)
    columns = {
        name: check(fields[name], f"{path}{name}")
        for name, check in _USER.items()
        if name in fields
    }
    if "email" in fields:
        columns["email_key"] = email_key(fields["email"], f"{path}email")
        columns["email"] = fields["email"].strip()
    for name, check in (("mfa_secret", valid.identifier), ("mfa_backup_codes", backup_codes_text)):
        if name in fields:
            argument = f"{path}{name}"
            given = valid.optional(fields[name], argument, check)
            columns[name] = None if given is None else seal(given, keyring, owner, argument)
    return UserChange(
        owner,
        path,
        columns,
        "org_id" in fields,
        valid.optional(fields.get("org_id"), f"{path}org_id", valid.key),
        valid.choice(fields["role"], f"{path}role", ROLES) if "role" in fields else None,
    )


def organization_changes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check the changes of an organization and return them by column."""
    _refuse_unknown(fields, _ORGANIZATION, "")
    return {name: _ORGANIZATION[name](value, name) for name, value in fields.items()}


def _refuse_unknown(fields: Mapping[str, Any], known: Any, path: str) -> None:
    if not fields:
        raise InvalidInputError(f"{path}fields", f"must name at least one of {', '.join(known)}")
    for name in fields:
        if name not in known:
            raise InvalidInputError(
                f"{path}{name}",
                f"is not a field that can be changed; those are {', '.join(known)}",
            )

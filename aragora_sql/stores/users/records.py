"""What the store of users and organizations returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.redaction import REDACTED
from aragora_sql.stores.records import Record

__all__ = [
    "DEBATE_LIMITS",
    "INVITATION_STATUSES",
    "MEMBER_ROLES",
    "ROLES",
    "TIERS",
    "USER_LIMITS",
    "AdminStats",
    "CreatedInvitation",
    "InvitationStatus",
    "LockoutInfo",
    "MemberRole",
    "Membership",
    "OAuthLink",
    "Organization",
    "OrganizationInvitation",
    "ResetTokenProblem",
    "Role",
    "Tier",
    "UsageEvent",
    "UsageSummary",
    "User",
]

Tier = Literal["free", "starter", "professional", "enterprise", "enterprise_plus"]
MemberRole = Literal["member", "admin"]
Role = Literal["member", "admin", "owner", "superadmin"]
InvitationStatus = Literal["pending", "accepted", "expired", "revoked"]

TIERS: tuple[Tier, ...] = get_args(Tier)
MEMBER_ROLES: tuple[MemberRole, ...] = get_args(MemberRole)
ROLES: tuple[Role, ...] = get_args(Role)
INVITATION_STATUSES: tuple[InvitationStatus, ...] = get_args(InvitationStatus)
# Per month, and users of an organization, by tier.
DEBATE_LIMITS: dict[str, int] = dict(zip(TIERS, (10, 50, 200, 999_999, 999_999), strict=True))
USER_LIMITS: dict[str, int] = dict(zip(TIERS, (1, 2, 10, 999_999, 999_999), strict=True))
# Why a reset token does not open anything.
ResetTokenProblem = Literal["unknown", "used", "expired"]

# Fields of a user that neither repr() nor to_dict() shows.
_SECRETS = ("password_hash", "password_salt", "api_key_hash")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class User(Record):
    """An account, as a member of the organization that it selected last.

    ``org_id`` and ``role`` are those of that membership; of the members of an organization, which a
    list gives, they are those in it. Without an organization ``role`` is ``account_role``, and
    ``superadmin`` counts everywhere. The secrets of a second factor are not here, see
    :meth:`~aragora_sql.stores.users.store.UserStore.get_mfa_secrets`. ``repr`` and :meth:`to_dict`
    show neither the hashes of the password and of the API key nor the salt.
    """

    id: str
    email: str
    name: str
    org_id: str | None
    role: str
    is_active: bool
    email_verified: bool
    account_role: Role
    password_hash: str
    password_salt: str
    api_key_hash: str | None
    api_key_prefix: str | None
    api_key_created_at: datetime | None
    api_key_expires_at: datetime | None
    mfa_enabled: bool
    mfa_grace_period_started_at: datetime | None
    mfa_bypass_reason: str | None
    mfa_bypass_approved_by: str | None
    mfa_bypass_approved_at: datetime | None
    mfa_bypass_expires_at: datetime | None
    is_service_account: bool
    service_account_created_by: str | None
    service_account_scopes: list[Any] | None
    token_version: int
    failed_login_attempts: int
    lockout_until: datetime | None
    last_failed_login_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"User({shown})"

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold; secrets that are there are eight bullets."""
        # super() does not find its class in a dataclass with slots.
        fields = Record.to_dict(self)
        return fields | {name: REDACTED for name in _SECRETS if fields[name]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization(Record):
    """An organization; ``debates_used_this_month`` counts from ``billing_cycle_start`` on."""

    id: str
    name: str
    slug: str
    tier: Tier
    owner_id: str
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    debates_used_this_month: int
    billing_cycle_start: datetime
    settings: dict[str, Any]
    trial_started_at: datetime | None
    trial_expires_at: datetime | None
    trial_debates_limit: int
    trial_converted: bool
    created_at: datetime
    updated_at: datetime

    @property
    def debates_limit(self) -> int:
        """Debates per month of the tier."""
        return DEBATE_LIMITS[self.tier]

    @property
    def users_limit(self) -> int:
        """Users of the tier; the store does not hold to it."""
        return USER_LIMITS[self.tier]

    @property
    def debates_remaining(self) -> int:
        """Debates that are left in this cycle, 0 or more."""
        return max(0, self.debates_limit - self.debates_used_this_month)

    @property
    def is_at_limit(self) -> bool:
        """Whether no debate is left in this cycle."""
        return self.debates_remaining == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Record):
    """That a user belongs to an organization; ``role`` is member, admin or owner."""

    user_id: str
    org_id: str
    org_name: str
    role: str
    joined_at: datetime
    selected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationInvitation(Record):
    """An invitation to an organization; its token is in the message to the address alone."""

    id: str
    org_id: str
    email: str
    role: str
    invited_by: str | None
    status: InvitationStatus
    created_at: datetime
    expires_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedInvitation:
    """A new invitation with its token, which is not stored and can't be read again."""

    invitation: OrganizationInvitation
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthLink(Record):
    """An account at a sign-in provider; ``email`` is the address there."""

    provider: str
    provider_user_id: str
    email: str | None
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutInfo(Record):
    """Failed logins of an address; ``remaining_seconds`` is 0 when it is not locked.

    ``exists`` is False when there is no such account; ``attempts_left`` are failures without a
    (longer) lock, None from the last step on.
    """

    email: str
    exists: bool
    is_locked: bool
    failed_attempts: int
    lockout_until: datetime | None
    last_failed_at: datetime | None
    remaining_seconds: float
    attempts_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEvent(Record):
    """That an organization used something, ``count`` times."""

    id: int
    org_id: str
    event_type: str
    count: int
    metadata: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSummary(Record):
    """What an organization used since ``billing_cycle_start``; ``events`` are totals by type."""

    org_id: str
    tier: Tier
    debates_used: int
    debates_limit: int
    debates_remaining: int
    is_at_limit: bool
    billing_cycle_start: datetime
    events: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminStats(Record):
    """Figures about all accounts and organizations; the last three are of 24 hours and 7 days."""

    total_users: int
    active_users: int
    total_organizations: int
    tier_distribution: dict[str, int]
    total_debates_this_month: int
    users_active_24h: int
    new_users_7d: int
    new_orgs_7d: int

"""Users and organizations: accounts, memberships, invitations, sign-in, usage, password reset."""

from aragora_sql.stores.users.accounts import API_KEY_LIFETIME
from aragora_sql.stores.users.invitations import INVITATION_LIFETIME
from aragora_sql.stores.users.mfa import MfaSecrets
from aragora_sql.stores.users.records import (
    DEBATE_LIMITS,
    MEMBER_ROLES,
    ROLES,
    TIERS,
    USER_LIMITS,
    AdminStats,
    CreatedInvitation,
    LockoutInfo,
    Membership,
    OAuthLink,
    Organization,
    OrganizationInvitation,
    ResetTokenProblem,
    UsageEvent,
    UsageSummary,
    User,
)
from aragora_sql.stores.users.sign_in import LOCKOUT_STEPS, RESET_LIFETIME, RESET_LIMIT
from aragora_sql.stores.users.store import UserStore

__all__ = [
    "API_KEY_LIFETIME",
    "DEBATE_LIMITS",
    "INVITATION_LIFETIME",
    "LOCKOUT_STEPS",
    "MEMBER_ROLES",
    "RESET_LIFETIME",
    "RESET_LIMIT",
    "ROLES",
    "TIERS",
    "USER_LIMITS",
    "AdminStats",
    "CreatedInvitation",
    "LockoutInfo",
    "Membership",
    "MfaSecrets",
    "OAuthLink",
    "Organization",
    "OrganizationInvitation",
    "ResetTokenProblem",
    "UsageEvent",
    "UsageSummary",
    "User",
    "UserStore",
]

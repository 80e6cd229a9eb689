"""The types of the queries of the store users.

Made by ``aragora-sql stubs`` from
``sql/postgres/users/queries.sql`` and ``sql/sqlite/users/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

AccountRoleWord = Literal[
    "member",
    "admin",
    "owner",
    "superadmin",
]

MemberRoleWord = Literal[
    "member",
    "admin",
]

MfaBypassReasonWord = Literal[
    "service_account",
    "api_integration",
]

StatusWord = Literal[
    "pending",
    "accepted",
    "expired",
    "revoked",
]

TierWord = Literal[
    "free",
    "starter",
    "professional",
    "enterprise",
    "enterprise_plus",
]

class InsertUserParameters(TypedDict):
    """One set of parameters of insert_user."""

    id: str
    email: str
    email_key: str
    password_hash: str
    password_salt: str
    name: str
    account_role: AccountRoleWord
    email_verified: bool
    is_service_account: bool
    service_account_created_by: str | None
    service_account_scopes: Any
    created_at: datetime
    updated_at: datetime

class UserRow(TypedDict):
    """A row of get_user, get_user_by_email, get_user_by_api_key, get_user_by_oauth,
    list_users_by_id, list_users."""

    id: str
    email: str
    name: str
    org_id: str | None
    role: str
    is_active: bool
    email_verified: bool
    account_role: AccountRoleWord
    password_hash: str
    password_salt: str
    api_key_hash: str | None
    api_key_prefix: str | None
    api_key_created_at: datetime | None
    api_key_expires_at: datetime | None
    mfa_enabled: bool
    mfa_grace_period_started_at: datetime | None
    mfa_bypass_reason: MfaBypassReasonWord | None
    mfa_bypass_approved_by: str | None
    mfa_bypass_approved_at: datetime | None
    mfa_bypass_expires_at: datetime | None
    is_service_account: bool
    service_account_created_by: str | None
    service_account_scopes: Any
    token_version: int
    failed_login_attempts: int
    lockout_until: datetime | None
    last_failed_login_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

class LockUsersRow(TypedDict):
    """A row of lock_users."""

    id: str
    email: str
    email_key: str
    password_hash: str
    password_salt: str
    name: str
    is_active: bool
    email_verified: bool
    api_key_hash: str | None
    api_key_prefix: str | None
    api_key_created_at: datetime | None
    api_key_expires_at: datetime | None
    mfa_enabled: bool
    mfa_secret: str | None
    mfa_backup_codes: str | None
    mfa_grace_period_started_at: datetime | None
    mfa_bypass_reason: MfaBypassReasonWord | None
    mfa_bypass_approved_by: str | None
    mfa_bypass_approved_at: datetime | None
    mfa_bypass_expires_at: datetime | None
    is_service_account: bool
    service_account_created_by: str | None
    service_account_scopes: Any
    last_login_at: datetime | None

class SetUsersParameters(TypedDict):
    """One set of parameters of set_users."""

    user_id: str
    email: str
    email_key: str
    password_hash: str
    password_salt: str
    name: str
    is_active: bool
    email_verified: bool
    api_key_hash: str | None
    api_key_prefix: str | None
    api_key_created_at: datetime | None
    api_key_expires_at: datetime | None
    mfa_enabled: bool
    mfa_secret: str | None
    mfa_backup_codes: str | None
    mfa_grace_period_started_at: datetime | None
    mfa_bypass_reason: MfaBypassReasonWord | None
    mfa_bypass_approved_by: str | None
    mfa_bypass_approved_at: datetime | None
    mfa_bypass_expires_at: datetime | None
    is_service_account: bool
    service_account_created_by: str | None
    service_account_scopes: Any
    last_login_at: datetime | None
    updated_at: datetime

class GetPreferencesRow(TypedDict):
    """A row of get_preferences."""

    preferences: Any

class GetMfaSecretsRow(TypedDict):
    """A row of get_mfa_secrets, list_mfa_secrets, lock_mfa_secrets."""

    id: str
    mfa_secret: str | None
    mfa_backup_codes: str | None

class SetMfaSecretsParameters(TypedDict):
    """One set of parameters of set_mfa_secrets."""

    user_id: str
    mfa_secret: str | None
    mfa_backup_codes: str | None

class InsertOrganizationParameters(TypedDict):
    """One set of parameters of insert_organization."""

    id: str
    name: str
    slug: str
    tier: TierWord
    owner_id: str
    billing_cycle_start: datetime
    created_at: datetime
    updated_at: datetime

class OrganizationRow(TypedDict):
    """A row of get_organization, get_organization_by_slug, get_organization_by_stripe_customer,
    get_organization_by_subscription, list_organizations_by_id, lock_organization,
    list_organizations."""

    id: str
    name: str
    slug: str
    tier: TierWord
    owner_id: str
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    debates_used_this_month: int
    billing_cycle_start: datetime
    settings: Any
    trial_started_at: datetime | None
    trial_expires_at: datetime | None
    trial_debates_limit: int
    trial_converted: bool
    created_at: datetime
    updated_at: datetime

class SaveMembershipParameters(TypedDict):
    """One set of parameters of save_membership."""

    user_id: str
    org_id: str
    member_role: MemberRoleWord
    at_time: datetime

class MembershipRow(TypedDict):
    """A row of list_memberships."""

    user_id: str
    org_id: str
    org_name: str
    role: str
    joined_at: datetime
    selected_at: datetime

class ListMembersRow(TypedDict):
    """A row of list_members, list_members_of, list_users_of."""

    id: str
    email: str
    name: str
    org_id: str
    role: str
    is_active: bool
    email_verified: bool
    account_role: AccountRoleWord
    password_hash: str
    password_salt: str
    api_key_hash: str | None
    api_key_prefix: str | None
    api_key_created_at: datetime | None
    api_key_expires_at: datetime | None
    mfa_enabled: bool
    mfa_grace_period_started_at: datetime | None
    mfa_bypass_reason: MfaBypassReasonWord | None
    mfa_bypass_approved_by: str | None
    mfa_bypass_approved_at: datetime | None
    mfa_bypass_expires_at: datetime | None
    is_service_account: bool
    service_account_created_by: str | None
    service_account_scopes: Any
    token_version: int
    failed_login_attempts: int
    lockout_until: datetime | None
    last_failed_login_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

class InsertUsageEventParameters(TypedDict):
    """One set of parameters of insert_usage_event."""

    org_id: str
    event_type: str
    event_count: int
    metadata: Any
    created_at: datetime

class UsageEventRow(TypedDict):
    """A row of list_events, list_events_of_type."""

    id: int
    org_id: str
    event_type: str
    count: int
    metadata: Any
    created_at: datetime

class SumEventsRow(TypedDict):
    """A row of sum_events."""

    event_type: str
    total: int

class InsertInvitationParameters(TypedDict):
    """One set of parameters of insert_invitation."""

    id: str
    org_id: str
    email: str
    email_key: str
    member_role: MemberRoleWord
    token_hash: str
    invited_by: str | None
    created_at: datetime
    expires_at: datetime

class OrganizationInvitationRow(TypedDict):
    """A row of get_invitation, get_invitation_by_token, find_pending_invitation, list_invitations,
    list_pending_invitations, accept_invitation."""

    id: str
    org_id: str
    email: str
    role: MemberRoleWord
    invited_by: str | None
    status: StatusWord
    created_at: datetime
    expires_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None

class LinkOauthParameters(TypedDict):
    """One set of parameters of link_oauth."""

    user_id: str
    provider: str
    provider_user_id: str
    email: str | None
    linked_at: datetime

class OAuthLinkRow(TypedDict):
    """A row of list_oauth."""

    provider: str
    provider_user_id: str
    email: str | None
    linked_at: datetime

class GetLockoutRow(TypedDict):
    """A row of get_lockout."""

    failed_login_attempts: int
    lockout_until: datetime | None
    last_failed_login_at: datetime | None

class AddFailedLoginRow(TypedDict):
    """A row of add_failed_login."""

    failed_login_attempts: int
    lockout_until: datetime | None

class InsertResetTokenParameters(TypedDict):
    """One set of parameters of insert_reset_token."""

    token_hash: str
    email_key: str
    created_at: datetime
    expires_at: datetime

class GetResetTokenRow(TypedDict):
    """A row of get_reset_token."""

    email_key: str
    expires_at: datetime
    used_at: datetime | None

class SummarizeTiersRow(TypedDict):
    """A row of summarize_tiers."""

    tier: TierWord
    organizations: int
    debates: int

class SummarizeUsersRow(TypedDict):
    """A row of summarize_users."""

    total_users: int
    active_users: int
    recent_users: int
    new_users: int
    new_organizations: int

class UsersQueries(Protocol):
    """The queries of the store users."""

    async def insert_user(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        email: str,
        email_key: str,
        password_hash: str,
        password_salt: str,
        name: str,
        account_role: AccountRoleWord,
        email_verified: bool,
        is_service_account: bool,
        service_account_created_by: str | None,
        service_account_scopes: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store an account, unless another one has the address.

        Operation !: the number of rows changed.
        """

    async def get_user(self, connection: Connection, /, *, user_id: str) -> UserRow | None:
        """Return an account with its present organization.

        Operation ^: the first row, or None.
        """

    async def get_user_by_email(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
    ) -> UserRow | None:
        """Return the account of an address.

        Operation ^: the first row, or None.
        """

    async def get_user_by_api_key(
        self,
        connection: Connection,
        /,
        *,
        api_key_hash: str,
        at_time: datetime,
    ) -> UserRow | None:
        """Return the account that an API key opens at a time.

        Operation ^: the first row, or None.
        """

    async def get_user_by_oauth(
        self,
        connection: Connection,
        /,
        *,
        provider: str,
        provider_user_id: str,
    ) -> UserRow | None:
        """Return the account that an account at a sign-in provider opens.

        Operation ^: the first row, or None.
        """

    def list_users_by_id(
        self,
        connection: Connection,
        /,
        *,
        user_ids: Sequence[str],
    ) -> AsyncIterator[UserRow]:
        """List accounts by their identifiers.

        Operation (none): every row.
        """

    def lock_users(
        self,
        connection: Connection,
        /,
        *,
        user_ids: Sequence[str],
    ) -> AsyncIterator[LockUsersRow]:
        """Take accounts, so that nobody else changes them meanwhile.

        Operation (none): every row.
        """

    async def set_users(
        self,
        connection: Connection,
        parameters: Sequence[SetUsersParameters],
        /,
    ) -> int:
        """Replace what applications change of accounts.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def set_account_role(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        account_role: AccountRoleWord,
        updated_at: datetime,
    ) -> int:
        """Replace the role that an account has without an organization.

        Operation !: the number of rows changed.
        """

    async def delete_user(self, connection: Connection, /, *, user_id: str) -> int:
        """Delete an account, and with it memberships and sign-in providers.

        Operation !: the number of rows changed.
        """

    async def find_owned_organization(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
    ) -> str | None:
        """Return an organization that a user owns.

        Operation $: the first value of the first row, or None.
        """

    async def get_preferences(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
    ) -> GetPreferencesRow | None:
        """Return the preferences of a user.

        Operation ^: the first row, or None.
        """

    async def set_preferences(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        preferences: Any,
        updated_at: datetime,
    ) -> int:
        """Replace the preferences of a user.

        Operation !: the number of rows changed.
        """

    async def raise_token_version(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        updated_at: datetime,
    ) -> int | None:
        """Make the tokens of a user void, and return the version of those that count from now on.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def set_api_key(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        api_key_hash: str | None,
        api_key_prefix: str | None,
        api_key_created_at: datetime | None,
        api_key_expires_at: datetime | None,
        updated_at: datetime,
    ) -> int:
        """Replace the API key of a user, or take it away.

        Operation !: the number of rows changed.
        """

    async def get_mfa_secrets(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
    ) -> GetMfaSecretsRow | None:
        """Return the encrypted secrets of a user's second factor.

        Operation ^: the first row, or None.
        """

    def list_mfa_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[GetMfaSecretsRow]:
        """List encrypted secrets of second factors, from a user on.

        Operation (none): every row.
        """

    def lock_mfa_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[GetMfaSecretsRow]:
        """Take a page of secrets of second factors for encrypting them again.

        Operation (none): every row.
        """

    async def count_mfa_secrets(self, connection: Connection, /) -> int:
        """Count the users with secrets of a second factor.

        Operation $: the first value of the first row, or None.
        """

    async def set_mfa_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetMfaSecretsParameters],
        /,
    ) -> int:
        """Replace the encrypted secrets of second factors.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def insert_organization(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        name: str,
        slug: str,
        tier: TierWord,
        owner_id: str,
        billing_cycle_start: datetime,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store an organization, unless another one has the slug.

        Operation !: the number of rows changed.
        """

    async def get_organization(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
    ) -> OrganizationRow | None:
        """Return an organization.

        Operation ^: the first row, or None.
        """

    async def get_organization_by_slug(
        self,
        connection: Connection,
        /,
        *,
        slug: str,
    ) -> OrganizationRow | None:
        """Return the organization of a slug.

        Operation ^: the first row, or None.
        """

    async def get_organization_by_stripe_customer(
        self,
        connection: Connection,
        /,
        *,
        stripe_customer_id: str,
    ) -> OrganizationRow | None:
        """Return the organization of a customer at Stripe.

        Operation ^: the first row, or None.
        """

    async def get_organization_by_subscription(
        self,
        connection: Connection,
        /,
        *,
        stripe_subscription_id: str,
    ) -> OrganizationRow | None:
        """Return the organization of a subscription at Stripe.

        Operation ^: the first row, or None.
        """

    def list_organizations_by_id(
        self,
        connection: Connection,
        /,
        *,
        org_ids: Sequence[str],
    ) -> AsyncIterator[OrganizationRow]:
        """List organizations by their identifiers.

        Operation (none): every row.
        """

    async def lock_organization(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
    ) -> OrganizationRow | None:
        """Take an organization, so that nobody else changes it or its owner meanwhile.

        Operation ^: the first row, or None.
        """

    async def set_organization(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        name: str,
        slug: str,
        tier: TierWord,
        stripe_customer_id: str | None,
        stripe_subscription_id: str | None,
        debates_used_this_month: int,
        billing_cycle_start: datetime,
        settings: Any,
        trial_started_at: datetime | None,
        trial_expires_at: datetime | None,
        trial_debates_limit: int,
        trial_converted: bool,
        updated_at: datetime,
    ) -> int:
        """Replace what applications change of an organization.

        Operation !: the number of rows changed.
        """

    async def set_owner(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        owner_id: str,
        updated_at: datetime,
    ) -> int:
        """Give an organization to another owner.

        Operation !: the number of rows changed.
        """

    async def delete_organization(self, connection: Connection, /, *, org_id: str) -> int:
        """Delete an organization, and with it memberships, invitations and usage.

        Operation !: the number of rows changed.
        """

    async def save_membership(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str,
        member_role: MemberRoleWord,
        at_time: datetime,
    ) -> int:
        """Make a user a member and the organization the user's present one; a member keeps when it
        joined.

        Operation !: the number of rows changed.
        """

    async def set_member_role(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str,
        member_role: MemberRoleWord,
    ) -> int:
        """Replace the role of a member.

        Operation !: the number of rows changed.
        """

    async def select_organization(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str,
        at_time: datetime,
    ) -> int:
        """Make an organization the present one of a member.

        Operation !: the number of rows changed.
        """

    async def delete_membership(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str,
    ) -> int:
        """End a membership.

        Operation !: the number of rows changed.
        """

    async def get_member_role(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str,
    ) -> MemberRoleWord | None:
        """Return the stored role of a member.

        Operation $: the first value of the first row, or None.
        """

    async def present_organization(self, connection: Connection, /, *, user_id: str) -> str | None:
        """Return the present organization of a user.

        Operation $: the first value of the first row, or None.
        """

    def list_memberships(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
    ) -> AsyncIterator[MembershipRow]:
        """List the organizations of a user, the present one first.

        Operation (none): every row.
        """

    def list_members(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[ListMembersRow]:
        """List the members of an organization with their roles in it, from a user on.

        Operation (none): every row.
        """

    def list_members_of(
        self,
        connection: Connection,
        /,
        *,
        org_ids: Sequence[str],
    ) -> AsyncIterator[ListMembersRow]:
        """List the members of organizations with their roles in them.

        Operation (none): every row.
        """

    async def add_usage(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        debates: int,
    ) -> int | None:
        """Count debates of an organization, and return how many they are since its cycle began.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def reset_usage(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        at_time: datetime,
    ) -> int:
        """Begin a new cycle of an organization.

        Operation !: the number of rows changed.
        """

    async def reset_all_usage(self, connection: Connection, /, *, at_time: datetime) -> int:
        """Begin a new cycle of all organizations.

        Operation !: the number of rows changed.
        """

    async def insert_usage_event(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        event_type: str,
        event_count: int,
        metadata: Any,
        created_at: datetime,
    ) -> int:
        """Store that something was used.

        Operation !: the number of rows changed.
        """

    def list_events(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        since: datetime,
        before_time: datetime,
        before_id: int,
        row_limit: int,
    ) -> AsyncIterator[UsageEventRow]:
        """List what an organization used since a time, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_type(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        event_type: str,
        since: datetime,
        before_time: datetime,
        before_id: int,
        row_limit: int,
    ) -> AsyncIterator[UsageEventRow]:
        """List what an organization used of a type since a time, the newest first, from a place
        on.

        Operation (none): every row.
        """

    def sum_events(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        since: datetime,
    ) -> AsyncIterator[SumEventsRow]:
        """Add up what an organization used since a time, by type.

        Operation (none): every row.
        """

    async def expire_invitation(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        email_key: str,
        at_time: datetime,
    ) -> int:
        """End the invitation of an address that is over.

        Operation !: the number of rows changed.
        """

    async def insert_invitation(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str,
        email: str,
        email_key: str,
        member_role: MemberRoleWord,
        token_hash: str,
        invited_by: str | None,
        created_at: datetime,
        expires_at: datetime,
    ) -> int:
        """Store an invitation, unless another one of the organization waits for the address.

        Operation !: the number of rows changed.
        """

    async def get_invitation(
        self,
        connection: Connection,
        /,
        *,
        invitation_id: str,
    ) -> OrganizationInvitationRow | None:
        """Return an invitation.

        Operation ^: the first row, or None.
        """

    async def get_invitation_by_token(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
    ) -> OrganizationInvitationRow | None:
        """Return the invitation of a token.

        Operation ^: the first row, or None.
        """

    async def find_pending_invitation(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        email_key: str,
    ) -> OrganizationInvitationRow | None:
        """Return the invitation of an organization that waits for an address.

        Operation ^: the first row, or None.
        """

    def list_invitations(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[OrganizationInvitationRow]:
        """List the invitations of an organization, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_pending_invitations(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[OrganizationInvitationRow]:
        """List the invitations that wait for an address, the newest first, from a place on.

        Operation (none): every row.
        """

    async def set_invitation_status(
        self,
        connection: Connection,
        /,
        *,
        invitation_id: str,
        status: StatusWord,
        accepted_by: str | None,
        accepted_at: datetime | None,
    ) -> int:
        """End an invitation that waits.

        Operation !: the number of rows changed.
        """

    async def accept_invitation(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
        user_id: str | None,
        at_time: datetime | None,
    ) -> OrganizationInvitationRow | None:
        """Accept the invitation of a token that waits and is not over.

        Operation ^: the first row, or None.
        """

    async def delete_invitation(self, connection: Connection, /, *, invitation_id: str) -> int:
        """Delete an invitation.

        Operation !: the number of rows changed.
        """

    async def delete_invitations_to(self, connection: Connection, /, *, email_key: str) -> int:
        """Delete the invitations to an address.

        Operation !: the number of rows changed.
        """

    async def expire_invitations(self, connection: Connection, /, *, at_time: datetime) -> int:
        """End all invitations that are over.

        Operation !: the number of rows changed.
        """

    async def link_oauth(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        provider: str,
        provider_user_id: str,
        email: str | None,
        linked_at: datetime,
    ) -> str | None:
        """Link an account at a provider, and return the user whose it is; none when it is
        another's.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def unlink_oauth(self, connection: Connection, /, *, user_id: str, provider: str) -> int:
        """Take away all accounts of a user at a provider.

        Operation !: the number of rows changed.
        """

    def list_oauth(self, connection: Connection, /, *, user_id: str) -> AsyncIterator[OAuthLinkRow]:
        """List the accounts of a user at sign-in providers.

        Operation (none): every row.
        """

    async def get_lockout(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
    ) -> GetLockoutRow | None:
        """Return the failed logins of an address and until when it is locked.

        Operation ^: the first row, or None.
        """

    async def add_failed_login(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
        at_time: datetime | None,
    ) -> AddFailedLoginRow | None:
        """Count a failed login. From the fifth on it locks the account for 15 minutes, from the
        tenth on for an hour, from the twentieth on for a day.

        Operation ^: the first row, or None.
        """

    async def reset_failed_logins(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
        at_time: datetime | None,
    ) -> int:
        """Forget the failed logins of an address after one that succeeded.

        Operation !: the number of rows changed.
        """

    async def hold_reset_tokens(self, connection: Connection, /, *, email_key: str | None) -> str:
        """Let one caller count and make reset tokens of an address at a time.

        Operation $: the first value of the first row, or None.
        """

    async def count_reset_tokens(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
        created_after: datetime,
    ) -> int:
        """Count the reset tokens of an address that were made after a time.

        Operation $: the first value of the first row, or None.
        """

    async def insert_reset_token(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
        email_key: str,
        created_at: datetime,
        expires_at: datetime,
    ) -> int:
        """Store a reset token.

        Operation !: the number of rows changed.
        """

    async def get_reset_token(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
    ) -> GetResetTokenRow | None:
        """Return a reset token.

        Operation ^: the first row, or None.
        """

    async def use_reset_token(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
        at_time: datetime | None,
    ) -> str | None:
        """Use a reset token, and return its address; none when it was used or is over.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def void_reset_tokens(
        self,
        connection: Connection,
        /,
        *,
        email_key: str,
        at_time: datetime | None,
    ) -> int:
        """Make the unused reset tokens of an address void.

        Operation !: the number of rows changed.
        """

    async def delete_reset_tokens(self, connection: Connection, /, *, email_key: str) -> int:
        """Delete the reset tokens of an address.

        Operation !: the number of rows changed.
        """

    async def delete_old_reset_tokens(
        self,
        connection: Connection,
        /,
        *,
        expired_at: datetime,
        created_before: datetime,
    ) -> int:
        """Delete reset tokens that are over and no longer count for the limit of an address.

        Operation !: the number of rows changed.
        """

    def list_users(
        self,
        connection: Connection,
        /,
        *,
        active_only: bool,
        role: str | None,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[UserRow]:
        """List accounts, the newest first, from a place on; of a role, if one is given.

        Operation (none): every row.
        """

    async def count_users(
        self,
        connection: Connection,
        /,
        *,
        active_only: bool,
        role: str | None,
    ) -> int:
        """Count accounts; of a role, if one is given.

        Operation $: the first value of the first row, or None.
        """

    def list_users_of(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        active_only: bool,
        role: str | None,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListMembersRow]:
        """List the members of an organization with their roles in it, the newest accounts first,
        from a place on.

        Operation (none): every row.
        """

    async def count_users_of(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        active_only: bool,
        role: str | None,
    ) -> int:
        """Count the members of an organization; of a role, if one is given.

        Operation $: the first value of the first row, or None.
        """

    def list_organizations(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord | None,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[OrganizationRow]:
        """List organizations, the newest first, from a place on; of a tier, if one is given.

        Operation (none): every row.
        """

    def summarize_tiers(self, connection: Connection, /) -> AsyncIterator[SummarizeTiersRow]:
        """Count the organizations of each tier and their debates.

        Operation (none): every row.
        """

    async def summarize_users(
        self,
        connection: Connection,
        /,
        *,
        active_after: datetime,
        created_after: datetime,
    ) -> SummarizeUsersRow:
        """Count accounts: all, those in use, those that logged in since a time, and new ones; and
        new organizations.

        Operation ^: the first row, or None.
        """

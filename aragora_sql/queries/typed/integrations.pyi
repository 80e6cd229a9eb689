"""The types of the queries of the store integrations.

Made by ``aragora-sql stubs`` from
``sql/postgres/integrations/queries.sql`` and ``sql/sqlite/integrations/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class GetIntegrationRow(TypedDict):
    """A row of get_integration, list_for_user, list_for_workspace, list_integrations."""

    user_id: str
    integration_type: str
    enabled: bool
    notify_on_consensus: bool
    notify_on_debate_end: bool
    notify_on_error: bool
    notify_on_leaderboard: bool
    settings: Any
    messages_sent: int
    errors_24h: int
    last_activity: datetime | None
    last_error: str | None
    workspace_id: str | None
    created_at: datetime
    updated_at: datetime

class SaveIntegrationRow(TypedDict):
    """A row of save_integration."""

    messages_sent: int
    errors_24h: int
    last_activity: datetime | None
    last_error: str | None
    created_at: datetime

class SaveIntegrationParameters(TypedDict):
    """One set of parameters of save_integration."""

    user_id: str
    integration_type: str
    enabled: bool
    notify_on_consensus: bool
    notify_on_debate_end: bool
    notify_on_error: bool
    notify_on_leaderboard: bool
    settings: Any
    messages_sent: int
    errors_24h: int
    errors_since: datetime | None
    last_activity: datetime | None
    last_error: str | None
    workspace_id: str | None
    created_at: datetime
    updated_at: datetime
    errors_after: datetime

class LockIntegrationsRow(TypedDict):
    """A row of lock_integrations."""

    user_id: str
    integration_type: str
    settings: Any

class SetSettingsParameters(TypedDict):
    """One set of parameters of set_settings."""

    user_id: str
    integration_type: str
    settings: Any

class UserIdMappingRow(TypedDict):
    """A row of get_mapping, find_mapping, list_mappings, list_platform_mappings."""

    email: str
    platform: str
    platform_user_id: str
    display_name: str | None
    user_id: str
    created_at: datetime
    updated_at: datetime

class SaveMappingParameters(TypedDict):
    """One set of parameters of save_mapping."""

    user_id: str
    platform: str
    email: str
    platform_user_id: str
    display_name: str | None
    created_at: datetime
    updated_at: datetime

class IntegrationsQueries(Protocol):
    """The queries of the store integrations."""

    async def get_integration(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        integration_type: str,
        errors_after: datetime,
    ) -> GetIntegrationRow | None:
        """Return a user's integration of a type.

        Operation ^: the first row, or None.
        """

    async def save_integration(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        integration_type: str,
        enabled: bool,
        notify_on_consensus: bool,
        notify_on_debate_end: bool,
        notify_on_error: bool,
        notify_on_leaderboard: bool,
        settings: Any,
        messages_sent: int,
        errors_24h: int,
        errors_since: datetime | None,
        last_activity: datetime | None,
        last_error: str | None,
        workspace_id: str | None,
        created_at: datetime,
        updated_at: datetime,
        errors_after: datetime,
    ) -> SaveIntegrationRow:
        """Store an integration and return what of a stored one stays as it was: its creation and
        its counters.

        Operation ^: the first row, or None.
        """

    async def delete_integration(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        integration_type: str,
    ) -> int:
        """Delete a user's integration of a type.

        Operation !: the number of rows changed.
        """

    def list_for_user(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        after_type: str,
        row_limit: int,
        errors_after: datetime,
    ) -> AsyncIterator[GetIntegrationRow]:
        """List a user's integrations by type, from a place on.

        Operation (none): every row.
        """

    def list_for_workspace(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_user: str,
        after_type: str,
        row_limit: int,
        errors_after: datetime,
    ) -> AsyncIterator[GetIntegrationRow]:
        """List a workspace's integrations by user and type, from a place on.

        Operation (none): every row.
        """

    def list_integrations(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        after_type: str,
        row_limit: int,
        errors_after: datetime,
    ) -> AsyncIterator[GetIntegrationRow]:
        """List all integrations by user and type, from a place on.

        Operation (none): every row.
        """

    def lock_integrations(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        after_type: str,
        row_limit: int,
    ) -> AsyncIterator[LockIntegrationsRow]:
        """Take a page of integrations for encrypting their secrets again.

        Operation (none): every row.
        """

    async def count_integrations(self, connection: Connection, /) -> int:
        """Count all integrations.

        Operation $: the first value of the first row, or None.
        """

    async def set_settings(
        self,
        connection: Connection,
        parameters: Sequence[SetSettingsParameters],
        /,
    ) -> int:
        """Replace the settings of integrations, which are the same with their secrets encrypted
        again.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def add_messages(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        integration_type: str,
        messages: int,
        at_time: datetime | None,
    ) -> int:
        """Count messages that were sent.

        Operation !: the number of rows changed.
        """

    async def add_error(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        integration_type: str,
        error: str | None,
        at_time: datetime,
        errors_after: datetime,
    ) -> int:
        """Count an error; the first one, and the first after 24 hours, begins the count again.

        Operation !: the number of rows changed.
        """

    async def clear_errors(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        integration_type: str,
    ) -> int:
        """Forget the errors of an integration.

        Operation !: the number of rows changed.
        """

    async def get_mapping(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        platform: str,
        email: str,
    ) -> UserIdMappingRow | None:
        """Return the account of an e-mail address on a platform.

        Operation ^: the first row, or None.
        """

    async def find_mapping(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        platform: str,
        platform_user_id: str,
    ) -> UserIdMappingRow | None:
        """Return the newest mapping of an account on a platform to an e-mail address.

        Operation ^: the first row, or None.
        """

    async def save_mapping(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        platform: str,
        email: str,
        platform_user_id: str,
        display_name: str | None,
        created_at: datetime,
        updated_at: datetime,
    ) -> datetime:
        """Store a mapping and return when it was created; one that is stored again keeps that.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def delete_mapping(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        platform: str,
        email: str,
    ) -> int:
        """Delete a mapping.

        Operation !: the number of rows changed.
        """

    def list_mappings(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        after_platform: str,
        after_email: str,
        row_limit: int,
    ) -> AsyncIterator[UserIdMappingRow]:
        """List a user's mappings by platform and e-mail address, from a place on.

        Operation (none): every row.
        """

    def list_platform_mappings(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        platform: str,
        after_email: str,
        row_limit: int,
    ) -> AsyncIterator[UserIdMappingRow]:
        """List a user's mappings on a platform by e-mail address, from a place on.

        Operation (none): every row.
        """

"""Mail of several accounts in one inbox.

Its queries: ``sql/postgres/unified_inbox/queries.sql`` and
``sql/sqlite/unified_inbox/queries.sql``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    InboxAccountNotFoundError,
    InboxMessageNotFoundError,
    InvalidInputError,
    MissingParentError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms
from aragora_sql.stores.terms import search_terms
from aragora_sql.stores.unified_inbox.records import (
    CHANGEABLE,
    LARGEST_SCORE,
    PRIORITY_TIERS,
    TRIAGE_ACTIONS,
    InboxAccount,
    InboxMessage,
    PriorityTier,
    TriageAction,
    TriageResult,
    account_parameters,
    message_changes,
    message_parameters,
    triage_parameters,
)
from aragora_sql.stores.users.emails import normal_email

if TYPE_CHECKING:
    from aragora_sql.queries.typed.unified_inbox import UnifiedInboxQueries

__all__ = ["UnifiedInboxStore"]

MOST_CHANGED = 2**31 - 1
# Of what a change of a message needs; the rest was said when it was stored.
_FIXED = ("message_id", "is_read", "created_at")


class UnifiedInboxStore(Store):
    """Keeps mail accounts, their messages, and what agents advise to do with them.

    All belongs to a tenant, and a method sees what is its tenant's only. The counts of an account
    change with its messages, in the same transaction and by differences, so they are right whatever
    is done at the same time.

    Lists return pages: ``limit=``, and ``after=`` the last record of the page before. Bad arguments
    are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument.
    """

    name = "unified_inbox"
    _queries: UnifiedInboxQueries

    # Accounts

    async def save_account(self, tenant_id: str, account: Mapping[str, Any] | InboxAccount) -> None:
        """Store an account, or replace the one of its ``account_id``; its counts stay then.

        ``account`` has the members of :class:`~aragora_sql.stores.unified_inbox.InboxAccount`, of
        which ``account_id``, ``provider`` and ``email_address`` are needed. ``metadata`` holds no
        secrets.
        """
        row = account_parameters(tenant_id, account)
        async with self._database.connection() as connection:
            await self._queries.save_account(connection, **row)

    async def get_account(self, tenant_id: str, account_id: str) -> InboxAccount | None:
        """Return an account, or None."""
        key = _account(tenant_id, account_id)
        async with self._database.read() as connection:
            row = await self._queries.get_account(connection, **key)
        return None if row is None else record_of(InboxAccount, **row)

    async def list_accounts(
        self, tenant_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[InboxAccount]:
        """Return a page of a tenant's accounts, the last connected first."""
        tenant = valid.text(tenant_id, "tenant_id")
        row_limit = valid.limit(limit)
        timestamp, last = key_of(
            after,
            {"connected_at": _moment_or_first, "account_id": valid.text},
            (LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_accounts(
                connection,
                tenant_id=tenant,
                after_timestamp=timestamp,
                after_id=last,
                row_limit=row_limit,
            )
            return [record_of(InboxAccount, **row) async for row in rows]

    async def delete_account(self, tenant_id: str, account_id: str) -> bool:
        """Delete an account with its messages and the advice on them; False when there is none."""
        key = _account(tenant_id, account_id)
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_account(connection, **key))

    async def update_account_fields(
        self, tenant_id: str, account_id: str, updates: Mapping[str, Any]
    ) -> bool:
        """Change some fields of an account, also its counts; False when there is none.

        All but ``tenant_id`` and ``account_id`` may be changed.
        """
        key = _account(tenant_id, account_id)
        changes = dict(mapping(updates, "updates"))
        for name, value in changes.items():
            check = CHANGEABLE.get(name)
            if check is None:
                raise InvalidInputError(f"updates.{name}", f"is none of {', '.join(CHANGEABLE)}")
            changes[name] = check(value, f"updates.{name}")
        async with self._database.transaction() as connection:
            stored = await self._queries.hold_account(connection, **key)
            if stored is None:
                return False
            row: Any = {**stored, "metadata": valid.document(stored["metadata"], "metadata")}
            row |= changes
            row["email_key"] = normal_email(row["email_address"])
            await self._queries.change_account(connection, **row)
        return True

    async def increment_account_counts(
        self,
        tenant_id: str,
        account_id: str,
        total_delta: int = 0,
        unread_delta: int = 0,
        sync_error_delta: int = 0,
    ) -> bool:
        """Add to the counts of an account, in one statement; False when there is no account.

        No count becomes less than 0 or more than 2**31 - 1. Messages are counted by the methods
        that store them.
        """
        key = _account(tenant_id, account_id)
        total, unread, errors = (
            valid.integer(value, name, -MOST_CHANGED)
            for name, value in (
                ("total_delta", total_delta),
                ("unread_delta", unread_delta),
                ("sync_error_delta", sync_error_delta),
            )
        )
        async with self._database.connection() as connection:
            return bool(
                await self._queries.add_counts(
                    connection,
                    **key,
                    total_delta=total,
                    unread_delta=unread,
                    sync_error_delta=errors,
                )
            )

    async def recount_messages(self, tenant_id: str, account_id: str) -> InboxAccount | None:
        """Let the counts of an account be the numbers of its messages; None: there is no account.

        They are so of whatever this store wrote. An older system's need not be.
        """
        key = _account(tenant_id, account_id)
        async with self._database.transaction() as connection:
            # Who counts a message at the same time waits, and adds to what is counted here.
            if await self._queries.hold_account(connection, **key) is None:
                return None
            await self._queries.recount_messages(connection, **key)
            row = await self._queries.get_account(connection, **key)
        return None if row is None else record_of(InboxAccount, **row)

    # Messages. Who changes a stored one and its account holds the account first, in the order in
    # which deleting the account deletes its messages, so that none waits for the other in a circle.

    async def save_message(
        self, tenant_id: str, message: Mapping[str, Any] | InboxMessage
    ) -> tuple[str, bool]:
        """Store a message, or what changed of it; return its id, and whether it is new.

        Which message it is says the provider's ``external_id`` within ``account_id``: of one that
        is there ``message_id`` and ``created_at`` stay, and whatever is not given or None, whatever
        number of processes stores it at once. ``message`` has the members of
        :class:`~aragora_sql.stores.unified_inbox.InboxMessage`; ``account_id``, ``provider`` and
        ``external_id`` are needed. Without a ``message_id`` it is given one; that of another
        message is :class:`~aragora_sql.errors.DuplicateKeyError`.

        Raises :class:`~aragora_sql.errors.InboxAccountNotFoundError`.
        """
        row, given = message_parameters(tenant_id, message, utc_now())
        key = {name: row[name] for name in ("tenant_id", "account_id", "external_id")}
        while True:
            async with self._database.transaction() as connection:
                try:
                    created = await self._queries.insert_message(connection, **row)
                except MissingParentError as error:
                    raise InboxAccountNotFoundError(row["account_id"]) from error
                if created is not None:
                    await self._count(connection, row, 1, 0 if row["is_read"] else 1)
                    return created, True
                await self._queries.hold_account(
                    connection, tenant_id=row["tenant_id"], account_id=row["account_id"]
                )
                stored = await self._queries.hold_message(connection, **key)
                if stored is not None:
                    change = message_changes(row, given, stored)
                    changes: Any = {n: value for n, value in change.items() if n not in _FIXED}
                    await self._queries.update_message(connection, **changes)
                    if change["is_read"] != stored["is_read"]:
                        await self._set_read(
                            connection, {**change, "message_id": stored["message_id"]}
                        )
                    return stored["message_id"], False
            # Somebody has deleted it just now.

    async def _count(
        self, connection: Connection, row: Mapping[str, Any], total: int, unread: int
    ) -> None:
        await self._queries.add_counts(
            connection,
            tenant_id=row["tenant_id"],
            account_id=row["account_id"],
            total_delta=total,
            unread_delta=unread,
            sync_error_delta=0,
        )

    async def _set_read(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Mark a message as read or unread, and count that if it was not so."""
        account_id = await self._queries.set_read(
            connection,
            tenant_id=row["tenant_id"],
            message_id=row["message_id"],
            is_read=row["is_read"],
            updated_at=row["updated_at"],
        )
        if account_id is not None:
            changed = {**row, "account_id": account_id}
            await self._count(connection, changed, 0, -1 if row["is_read"] else 1)

    async def get_message(self, tenant_id: str, message_id: str) -> InboxMessage | None:
        """Return a message, or None."""
        key = _message(tenant_id, message_id)
        async with self._database.read() as connection:
            row = await self._queries.get_message(connection, **key)
        return None if row is None else record_of(InboxMessage, **row)

    async def delete_message(self, tenant_id: str, message_id: str) -> bool:
        """Delete a message with the advice on it; False when there is none."""
        key = _message(tenant_id, message_id)
        async with self._database.transaction() as connection:
            await self._queries.hold_account_of(connection, **key)
            row = await self._queries.delete_message(connection, **key)
            if row is None:
                return False
            await self._count(connection, {**key, **row}, -1, 0 if row["is_read"] else -1)
        return True

    async def update_message_flags(
        self,
        tenant_id: str,
        message_id: str,
        is_read: bool | None = None,
        is_starred: bool | None = None,
    ) -> bool:
        """Mark a message as read, as starred, or not; None leaves it. False when there is none."""
        key = _message(tenant_id, message_id)
        read = valid.optional(is_read, "is_read", valid.boolean)
        starred = valid.optional(is_starred, "is_starred", valid.boolean)
        now = utc_now()
        async with self._database.transaction() as connection:
            if read is not None:
                await self._queries.hold_account_of(connection, **key)
            if not await self._queries.set_starred(
                connection, **key, is_starred=starred, updated_at=now
            ):
                return False
            if read is not None:
                await self._set_read(connection, {**key, "is_read": read, "updated_at": now})
        return True

    async def update_message_triage(
        self,
        tenant_id: str,
        message_id: str,
        action: TriageAction | None,
        rationale: str | None = None,
    ) -> bool:
        """Keep what is to be done with a message, and why; False when there is no message."""
        key = _message(tenant_id, message_id)
        word = valid.optional(action, "action", lambda v, a: valid.choice(v, a, TRIAGE_ACTIONS))
        why = valid.optional_text(rationale, "rationale")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_triage(
                    connection,
                    **key,
                    triage_action=word,
                    triage_rationale=why,
                    updated_at=utc_now(),
                )
            )

    async def list_messages(
        self,
        tenant_id: str,
        limit: int = 100,
        *,
        priority_tier: PriorityTier | None = None,
        account_id: str | None = None,
        unread_only: bool = False,
        search: str | None = None,
        after: LastRow | None = None,
    ) -> tuple[list[InboxMessage], int]:
        """Return a page of a tenant's messages, the most urgent first, and how many there are.

        Of equal urgency the last received is first. ``search``: those in whose subject, sender or
        snippet each of its words is, without regard to case and accents (16 words count).
        """
        chosen: Any = {
            "tenant_id": valid.text(tenant_id, "tenant_id"),
            "account_id": valid.optional_text(account_id, "account_id"),
            "priority_tier": valid.optional(
                priority_tier, "priority_tier", lambda v, a: valid.choice(v, a, PRIORITY_TIERS)
            ),
        }
        unread = valid.boolean(unread_only, "unread_only")
        terms = [] if search is None else search_terms(valid.text(search, "search"))
        row_limit = valid.limit(limit)
        score, timestamp, last = key_of(
            after,
            {
                "priority_score": lambda v, a: valid.number(v, a, -LARGEST_SCORE, LARGEST_SCORE),
                "received_at": valid.timestamp_or_text,
                "message_id": valid.text,
            },
            (sys.float_info.max, LAST_TIMESTAMP, ""),
        )
        page: Any = {
            **chosen,
            "after_score": score,
            "after_timestamp": timestamp,
            "after_id": last,
            "row_limit": row_limit,
        }
        if search is not None and not terms:
            return [], 0
        async with self._database.read() as connection:
            if terms:
                expression = all_terms(terms[:MOST_SEARCH_TERMS])
                rows = self._queries.find_messages(
                    connection, expression=expression, unread_only=unread, **page
                )
                total = await self._queries.count_found_messages(
                    connection, expression=expression, unread_only=unread, **chosen
                )
                return [record_of(InboxMessage, **row) async for row in rows], total
            if chosen["account_id"] is not None:
                rows = self._queries.list_account_messages(connection, unread_only=unread, **page)
            elif unread:
                rows = self._queries.list_unread_messages(connection, **page)
            else:
                rows = self._queries.list_messages(connection, **page)
            messages = [record_of(InboxMessage, **row) async for row in rows]
            return messages, await self._queries.count_messages(
                connection, unread_only=unread, **chosen
            )

    # Advice

    async def save_triage_result(
        self, tenant_id: str, triage: Mapping[str, Any] | TriageResult
    ) -> None:
        """Store what agents advise to do with a message, or replace it.

        ``triage`` has the members of :class:`~aragora_sql.stores.unified_inbox.TriageResult`, of
        which ``message_id`` and ``recommended_action`` are needed. Raises
        :class:`~aragora_sql.errors.InboxMessageNotFoundError`.
        """
        row = triage_parameters(tenant_id, triage, utc_now())
        try:
            async with self._database.connection() as connection:
                await self._queries.save_triage_result(connection, **row)
        except MissingParentError as error:
            raise InboxMessageNotFoundError(row["message_id"]) from error

    async def get_triage_result(self, tenant_id: str, message_id: str) -> TriageResult | None:
        """Return what agents advise to do with a message, or None."""
        key = _message(tenant_id, message_id)
        async with self._database.read() as connection:
            row = await self._queries.get_triage_result(connection, **key)
        return None if row is None else record_of(TriageResult, **row)


def _account(tenant_id: Any, account_id: Any) -> Any:
    return {
        "tenant_id": valid.text(tenant_id, "tenant_id"),
        "account_id": valid.text(account_id, "account_id"),
    }


def _message(tenant_id: Any, message_id: Any) -> Any:
    return {
        "tenant_id": valid.text(tenant_id, "tenant_id"),
        "message_id": valid.text(message_id, "message_id"),
    }


def _moment_or_first(value: Any, argument: str) -> datetime:
    return FIRST_TIMESTAMP if value is None else valid.timestamp_or_text(value, argument)

"""Finding workflows: states, assignment, due dates, comments, duplicates, and all that happened.

Its queries: ``sql/postgres/workflow/queries.sql`` and ``sql/sqlite/workflow/queries.sql``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    DuplicateKeyError,
    FindingNotFoundError,
    InvalidInputError,
    VersionConflictError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.counts import counts
from aragora_sql.stores.paging import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    LastRow,
    NewestPage,
    newest_page,
)
from aragora_sql.stores.records import record_of
from aragora_sql.stores.versions import check_version, checked_version
from aragora_sql.stores.workflow import changes
from aragora_sql.stores.workflow.changes import Actor, Change, Decision
from aragora_sql.stores.workflow.records import (
    BulkResult,
    FindingDocument,
    FindingEvent,
    FindingWorkflow,
    WorkflowStatistics,
    event_row,
    finding_values,
    read_document,
)
from aragora_sql.stores.workflow.states import FindingState, FindingStateWord, LegacyStateWord

if TYPE_CHECKING:
    from aragora_sql.queries.typed.workflow import (
        FindingWorkflowRow,
        InsertLinksParameters,
        UpdateFindingParameters,
        WorkflowQueries,
    )

__all__ = [
    "FindingWorkflowStore",
]

Document = dict[str, Any]


class FindingWorkflowStore(Store):
    """Keeps what became of findings. A change is one transaction and adds to the history.

    Changes of one finding take turns, so none is lost. Whoever decided on what they read gives
    ``expected_version``: when the finding has changed since, nothing is written and
    :class:`~aragora_sql.errors.VersionConflictError` (a ``ConflictError``) says so.

    A change of an unknown finding is :class:`~aragora_sql.errors.FindingNotFoundError`. Arguments
    are checked before anything is written: :class:`~aragora_sql.errors.InvalidInputError` names
    the argument and what is allowed. ``user_id``, ``user_name`` and ``comment`` say in the history
    who made a change, and why.
    """

    name = "workflow"
    _queries: WorkflowQueries

    # Documents

    async def get(self, finding_id: str) -> Document | None:
        """Return a finding's document with its whole history, or None.

        It has the members that :meth:`save` takes, timestamps as ISO-8601 text in UTC.
        """
        valid.text(finding_id, "finding_id")
        async with self._database.read() as connection:
            row = await self._queries.get_finding(connection, finding_id=finding_id)
            findings = [] if row is None else [record_of(FindingWorkflow, **row)]
            documents = await self._documents(connection, findings, history=True)
        return documents[0] if documents else None

    async def save(self, data: Mapping[str, Any]) -> FindingWorkflow:
        """Store a finding's document as it is, and return the finding.

        Only ``finding_id`` is needed; members that are not known are kept. States are not checked
        against each other here: :meth:`transition` does that. Of a stored finding, members that
        the document lacks stay as they are, ``created_at`` stays in any case, and the history
        only grows: events whose ``id`` is new are added.

        A document with the ``version`` that :meth:`get` gave has to be the newest one:
        :class:`~aragora_sql.errors.VersionConflictError`. One without is stored in any case.
        """
        document = read_document(data)
        finding = document.finding
        async with self._database.transaction() as connection:
            stored = (await self._lock(connection, [finding.finding_id])).get(finding.finding_id)
            if stored is None:
                check_version(f"finding {finding.finding_id!r}", document.version, None)
                if await self._insert(connection, finding):
                    await self._write_history(connection, document, ())
                    await self._write_links(connection, finding)
                    return finding
                # Somebody else stored it just now.
                found = await self._lock(connection, [finding.finding_id])
                stored = found[finding.finding_id]
            check_version(f"finding {finding.finding_id!r}", document.version, stored.version)
            after = document.over(stored, utc_now())
            await self._update(connection, {finding.finding_id: (stored, after)})
            if document.history:
                rows = self._queries.list_events(connection, finding_ids=[finding.finding_id])
                events = [record_of(FindingEvent, **row) async for row in rows]
                await self._write_history(connection, document, events)
            if after.linked_findings != stored.linked_findings:
                await self._queries.delete_links(connection, finding_id=finding.finding_id)
                await self._write_links(connection, after)
        return after

    async def create(self, finding_id: str, **members: Any) -> FindingWorkflow:
        """Store a new finding; ``members`` are those of a document, as :meth:`save` takes them.

        Raises :class:`~aragora_sql.errors.DuplicateKeyError` when there is one of this id.
        """
        if "version" in members:
            raise InvalidInputError("version", "must not be given: a new finding has none yet")
        document = read_document({**members, "finding_id": finding_id})
        async with self._database.transaction() as connection:
            if not await self._insert(connection, document.finding):
                raise DuplicateKeyError(f"there is a finding {finding_id!r} already")
            await self._write_history(connection, document, ())
            await self._write_links(connection, document.finding)
        return document.finding

    async def delete(self, finding_id: str) -> bool:
        """Delete a finding with its history; False when there is none of this id."""
        valid.text(finding_id, "finding_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_finding(connection, finding_id=finding_id))

    # Lists

    async def list_all(
        self, limit: int = 1000, *, after: LastRow | None = None, history: bool = True
    ) -> list[Document]:
        """Return a page of documents, newest first.

        ``after`` is the last document of the page before. ``history=False`` leaves the histories
        out, which may be long.
        """
        return await self._list(
            lambda connection, page: self._queries.list_findings(connection, **page),
            limit,
            after,
            history,
        )

    async def list_by_assignee(
        self, user_id: str, limit: int = 1000, *, after: LastRow | None = None, history: bool = True
    ) -> list[Document]:
        """Return a page of the documents that a user works on; see :meth:`list_all`."""
        valid.text(user_id, "user_id")
        return await self._list(
            lambda connection, page: self._queries.list_assigned(
                connection, assigned_to=user_id, **page
            ),
            limit,
            after,
            history,
        )

    async def list_by_state(
        self,
        state: FindingState | FindingStateWord | LegacyStateWord,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        history: bool = True,
    ) -> list[Document]:
        """Return a page of the documents in a state, newest first; see :meth:`list_all`.

        The state may be one of an older system.
        """
        name = valid.text(getattr(state, "value", state), "state")
        return await self._list(
            lambda connection, page: self._queries.list_in_state(
                connection, current_state=name, **page
            ),
            limit,
            after,
            history,
        )

    async def list_duplicates(
        self,
        parent_finding_id: str,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        history: bool = True,
    ) -> list[Document]:
        """Return a page of the documents that repeat a finding, newest first."""
        valid.text(parent_finding_id, "parent_finding_id")
        return await self._list(
            lambda connection, page: self._queries.list_duplicates(
                connection, parent_finding_id=parent_finding_id, **page
            ),
            limit,
            after,
            history,
        )

    async def list_overdue(
        self,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        history: bool = True,
        at: datetime | None = None,
    ) -> list[Document]:
        """Return a page of the documents that were due before ``at`` (now), longest overdue first.

        Findings in a terminal state, ``wont_fix`` among them, are not overdue.
        """
        at_time = utc_now() if at is None else valid.timestamp(at, "at")
        return await self._list(
            lambda connection, page: self._queries.list_overdue(
                connection, at_time=at_time, **page
            ),
            limit,
            after,
            history,
            order="due_date",
            first=FIRST_TIMESTAMP,
        )

    async def _list(
        self,
        query: Callable[[Connection, NewestPage], AsyncIterator[FindingWorkflowRow]],
        limit: int,
        after: LastRow | None,
        history: bool,
        *,
        order: str = "created_at",
        first: datetime = LAST_TIMESTAMP,
    ) -> list[Document]:
        page = newest_page(limit, after, "finding_id", order, first=first)
        valid.boolean(history, "history")
        async with self._database.read() as connection:
            rows = query(connection, page)
            findings = [record_of(FindingWorkflow, **row) async for row in rows]
            return await self._documents(connection, findings, history=history)

    async def _documents(
        self, connection: Connection, findings: list[FindingWorkflow], *, history: bool
    ) -> list[Document]:
        if not history:
            return [finding.to_document() for finding in findings]
        events: dict[str, list[FindingEvent]] = {f.finding_id: [] for f in findings}
        if events:
            async for row in self._queries.list_events(connection, finding_ids=list(events)):
                events[row["finding_id"]].append(record_of(FindingEvent, **row))
        return [finding.to_document(events[finding.finding_id]) for finding in findings]

    # One finding

    async def get_finding(self, finding_id: str) -> FindingWorkflow | None:
        """Return a finding without its history, or None."""
        valid.text(finding_id, "finding_id")
        async with self._database.read() as connection:
            row = await self._queries.get_finding(connection, finding_id=finding_id)
        return None if row is None else record_of(FindingWorkflow, **row)

    async def get_history(
        self,
        finding_id: str,
        limit: int = 1000,
        *,
        after_position: int = 0,
        event_type: str | None = None,
    ) -> list[FindingEvent]:
        """Return a page of a finding's history, oldest first, of one type of event or of all.

        ``after_position`` is the position of the last event of the page before.
        """
        valid.text(finding_id, "finding_id")
        row_limit = valid.limit(limit)
        position = valid.integer(after_position, "after_position")
        kind = valid.optional_text(event_type, "event_type")
        async with self._database.read() as connection:
            rows = self._queries.list_history(
                connection,
                finding_id=finding_id,
                event_type=kind,
                after_position=position,
                row_limit=row_limit,
            )
            return [record_of(FindingEvent, **row) async for row in rows]

    async def get_comments(self, finding_id: str, limit: int = 1000) -> list[FindingEvent]:
        """Return the comments on a finding, oldest first."""
        return await self.get_history(finding_id, limit, event_type="comment")

    async def get_state_changes(self, finding_id: str, limit: int = 1000) -> list[FindingEvent]:
        """Return the changes of a finding's state, oldest first."""
        return await self.get_history(finding_id, limit, event_type="state_change")

    async def get_time_to_resolution(self, finding_id: str) -> float | None:
        """Return the seconds from creation to resolution; None while it is not resolved."""
        return (await self._known(finding_id)).time_to_resolution

    async def get_time_in_states(self, finding_id: str) -> dict[str, float]:
        """Return the seconds spent in each state, with the present one up to now."""
        return (await self._known(finding_id)).seconds_in_states(utc_now())

    async def _known(self, finding_id: str) -> FindingWorkflow:
        finding = await self.get_finding(finding_id)
        if finding is None:
            raise FindingNotFoundError(finding_id)
        return finding

    async def get_statistics(self) -> WorkflowStatistics:
        """Return counts of the whole store in one round trip."""
        async with self._database.read() as connection:
            row = await self._queries.get_statistics(connection, at_time=utc_now())
        row["by_state"] = counts(row["by_state"])
        row["by_priority"] = {int(name): int(count) for name, count in row["by_priority"]}
        return record_of(WorkflowStatistics, **row)

    # Changes

    async def transition(
        self,
        finding_id: str,
        state: FindingState | FindingStateWord,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Bring a finding into another state and return it.

        Raises :class:`~aragora_sql.errors.InvalidTransitionError`, which names the states that are
        allowed, when the present one does not lead there. ``resolved_at`` is set on the way into
        ``resolved`` and taken away by reopening.
        """
        actor = Actor.checked(user_id, user_name, comment)
        decision = changes.transition(state, actor, metadata)
        return await self._change(finding_id, decision, expected_version)

    async def assign(
        self,
        finding_id: str,
        assigned_to: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Give a finding to the user ``assigned_to`` and return it; ``user_id`` is who does so."""
        decision = changes.assign(assigned_to, Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    async def unassign(
        self,
        finding_id: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Take a finding from whoever works on it and return it."""
        decision = changes.unassign(Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    async def add_comment(
        self,
        finding_id: str,
        comment: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Add a comment to a finding and return it."""
        decision = changes.add_comment(Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    async def set_priority(
        self,
        finding_id: str,
        priority: int,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Set a finding's priority, 1 (most urgent) to 5, and return it."""
        decision = changes.set_priority(priority, Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    async def set_due_date(
        self,
        finding_id: str,
        due_date: datetime | None,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Set the timestamp by which a finding has to be done (None: no such), and return it.

        A timestamp without a time zone is refused.
        """
        decision = changes.set_due_date(due_date, Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    async def link(
        self,
        finding_id: str,
        linked_id: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Let a finding refer to another one, which need not be stored, and return it."""
        decision = changes.link(linked_id, Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    link_finding = link

    async def unlink(
        self,
        finding_id: str,
        linked_id: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Let a finding no longer refer to another one, and return it."""
        decision = changes.unlink(linked_id, Actor.checked(user_id, user_name, comment))
        return await self._change(finding_id, decision, expected_version)

    async def mark_duplicate(
        self,
        finding_id: str,
        parent_finding_id: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Bring a finding into ``duplicate``, with the one that it repeats as parent and link."""
        actor = Actor.checked(user_id, user_name, comment)
        decision = changes.mark_duplicate(parent_finding_id, actor)
        return await self._change(finding_id, decision, expected_version)

    async def change_severity(
        self,
        finding_id: str,
        severity: str,
        *,
        old_severity: str | None = None,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
        expected_version: int | None = None,
    ) -> FindingWorkflow:
        """Record a new severity in a finding's history; the finding itself has none here."""
        actor = Actor.checked(user_id, user_name, comment)
        decision = changes.change_severity(severity, old_severity, actor)
        return await self._change(finding_id, decision, expected_version)

    # Bulk changes

    async def bulk_transition(
        self,
        finding_ids: Iterable[str],
        state: FindingState | FindingStateWord,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
    ) -> BulkResult:
        """Bring many findings into another state, in one transaction.

        Those that are unknown, or whose state does not lead there, are left alone and named in
        the result. So for the other bulk changes.
        """
        decision = changes.transition(state, Actor.checked(user_id, user_name, comment))
        return await self._change_many("transition", finding_ids, decision)

    async def bulk_assign(
        self,
        finding_ids: Iterable[str],
        assigned_to: str,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
    ) -> BulkResult:
        """Give many findings to a user; see :meth:`bulk_transition`."""
        decision = changes.assign(assigned_to, Actor.checked(user_id, user_name, comment))
        return await self._change_many("assign", finding_ids, decision)

    async def bulk_unassign(
        self,
        finding_ids: Iterable[str],
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
    ) -> BulkResult:
        """Take many findings from whoever works on them; see :meth:`bulk_transition`."""
        decision = changes.unassign(Actor.checked(user_id, user_name, comment))
        return await self._change_many("unassign", finding_ids, decision)

    async def bulk_set_priority(
        self,
        finding_ids: Iterable[str],
        priority: int,
        *,
        user_id: str | None = None,
        user_name: str | None = None,
        comment: str | None = None,
    ) -> BulkResult:
        """Set the priority of many findings; see :meth:`bulk_transition`."""
        decision = changes.set_priority(priority, Actor.checked(user_id, user_name, comment))
        return await self._change_many("set_priority", finding_ids, decision)

    # What all changes share

    async def _change(
        self, finding_id: str, decision: Decision, expected_version: int | None
    ) -> FindingWorkflow:
        valid.text(finding_id, "finding_id")
        checked_version(expected_version)
        async with self._database.transaction() as connection:
            stored = (await self._lock(connection, [finding_id])).get(finding_id)
            if stored is None:
                raise FindingNotFoundError(finding_id)
            check_version(f"finding {finding_id!r}", expected_version, stored.version)
            change = decision(stored)
            await self._write(connection, {finding_id: (stored, change)})
        return change.finding

    async def _change_many(
        self, action: str, finding_ids: Iterable[str], decision: Decision
    ) -> BulkResult:
        wanted = valid.identifiers(finding_ids, "finding_ids")
        failed: dict[str, str] = {}
        decided: dict[str, tuple[FindingWorkflow, Change]] = {}
        if wanted:
            async with self._database.transaction() as connection:
                stored = await self._lock(connection, wanted)
                for finding_id in wanted:
                    try:
                        if finding_id not in stored:
                            raise FindingNotFoundError(finding_id)
                        finding = stored[finding_id]
                        decided[finding_id] = finding, decision(finding)
                    except InvalidInputError as error:
                        failed[finding_id] = str(error)
                await self._write(connection, decided)
        return BulkResult(action=action, succeeded=list(decided), failed=failed)

    async def _lock(
        self, connection: Connection, finding_ids: list[str]
    ) -> dict[str, FindingWorkflow]:
        rows = self._queries.lock_findings(connection, finding_ids=finding_ids)
        return {row["finding_id"]: record_of(FindingWorkflow, **row) async for row in rows}

    async def _insert(self, connection: Connection, finding: FindingWorkflow) -> bool:
        return bool(
            await self._queries.insert_finding(
                connection, **finding_values(finding), created_at=finding.created_at
            )
        )

    async def _update(
        self,
        connection: Connection,
        pairs: Mapping[str, tuple[FindingWorkflow, FindingWorkflow]],
    ) -> None:
        rows: list[UpdateFindingParameters] = [
            {**finding_values(after), "version": before.version} for before, after in pairs.values()
        ]
        if await self._queries.update_finding(connection, rows) != len(rows):
            # The rows are locked: only a copy of the SQL files that takes no lock gets here.
            raise VersionConflictError("a finding", rows[0]["version"], None)

    async def _write(
        self, connection: Connection, decided: Mapping[str, tuple[FindingWorkflow, Change]]
    ) -> None:
        made = {key: pair for key, pair in decided.items() if pair[1].events}
        if not made:
            return
        await self._update(connection, {k: (b, c.finding) for k, (b, c) in made.items()})
        events = [event_row(event) for _, change in made.values() for event in change.events]
        await self._queries.append_events(connection, events)
        links: list[InsertLinksParameters] = [
            {"finding_id": key, "linked_id": change.link}
            for key, (_, change) in made.items()
            if change.link is not None
        ]
        if links:
            await self._queries.insert_links(connection, links)
        for key, (_, change) in made.items():
            if change.unlink is not None:
                await self._queries.delete_link(connection, finding_id=key, linked_id=change.unlink)

    async def _write_links(self, connection: Connection, finding: FindingWorkflow) -> None:
        if finding.linked_findings:
            await self._queries.insert_links(
                connection,
                [
                    {"finding_id": finding.finding_id, "linked_id": linked_id}
                    for linked_id in finding.linked_findings
                ],
            )

    async def _write_history(
        self, connection: Connection, document: FindingDocument, stored: Iterable[FindingEvent]
    ) -> None:
        known = {event.event_id: event.to_document() for event in stored}
        new = []
        for number, event in enumerate(document.history):
            if event.event_id not in known:
                new.append(event_row(event))
            elif event.to_document() != known[event.event_id]:
                raise InvalidInputError(
                    f"data.history[{number}]",
                    f"the event {event.event_id!r} is stored with another content, and history "
                    "does not change",
                )
        if new:
            await self._queries.append_events(connection, new)

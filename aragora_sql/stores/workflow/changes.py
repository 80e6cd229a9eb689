"""What each change makes of a finding: the finding after it, and the events that tell of it.

Nothing here touches a database. A change that would change nothing gives the finding as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aragora_sql.database.values import load_json, utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.workflow.records import (
    FindingEvent,
    FindingWorkflow,
    new_event_id,
    other_finding,
    priority,
)
from aragora_sql.stores.workflow.states import (
    FINDING_STATES,
    check_transition,
    is_terminal,
)

__all__ = [
    "Actor",
    "Change",
    "Decision",
    "add_comment",
    "assign",
    "change_severity",
    "link",
    "mark_duplicate",
    "set_due_date",
    "set_priority",
    "transition",
    "unassign",
    "unlink",
]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, when, and what they say about it."""

    user_id: str | None
    user_name: str | None
    comment: str | None
    at: datetime

    @classmethod
    def checked(cls, user_id: Any, user_name: Any, comment: Any) -> Actor:
        """Check the arguments of a change that is made now."""
        return cls(
            valid.optional(user_id, "user_id", valid.key),
            valid.optional_text(user_name, "user_name"),
            valid.optional_text(comment, "comment"),
            utc_now(),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A finding after a change, and what is to be written besides it."""

    finding: FindingWorkflow
    events: tuple[FindingEvent, ...] = ()
    link: str | None = None
    unlink: str | None = None


Decision = Callable[[FindingWorkflow], Change]


def _event(finding: FindingWorkflow, actor: Actor, event_type: str, **content: Any) -> FindingEvent:
    values: dict[str, Any] = {
        "from_state": None,
        "to_state": None,
        "field_name": None,
        "old_value": None,
        "new_value": None,
        "extra": {},
        **content,
    }
    return FindingEvent(
        finding_id=finding.finding_id,
        position=0,
        event_id=new_event_id(),
        event_type=event_type,
        occurred_at=actor.at,
        user_id=actor.user_id,
        user_name=actor.user_name,
        comment=actor.comment,
        **values,
    )


def _changed(finding: FindingWorkflow, actor: Actor, **values: Any) -> FindingWorkflow:
    return replace(finding, version=finding.version + 1, updated_at=actor.at, **values)


def transition(to_state: Any, actor: Actor, metadata: Mapping[str, Any] | None = None) -> Decision:
    """Bring a finding into a state that its present one leads to.

    The time in the present state is added up; ``resolved_at`` is set on the way into ``resolved``
    and goes with the way out of it, as the parent does with the way out of ``duplicate``.
    """
    state = valid.choice(to_state, "state", FINDING_STATES)
    details = load_json(valid.document(metadata, "metadata"))

    def decide(finding: FindingWorkflow) -> Change:
        check_transition(finding.current_state, state)
        parent = finding.parent_finding_id
        after = _changed(
            finding,
            actor,
            current_state=state,
            is_terminal=is_terminal(state),
            time_in_states=finding.seconds_in_states(actor.at),
            state_entered_at=actor.at,
            resolved_at=actor.at if state == "resolved" else None,
            parent_finding_id=None if finding.current_state == "duplicate" else parent,
        )
        event = _event(
            finding,
            actor,
            "state_change",
            from_state=finding.current_state,
            to_state=state,
            extra={"metadata": details} if details else {},
        )
        return Change(after, (event,))

    return decide


def assign(assigned_to: Any, actor: Actor) -> Decision:
    """Give a finding to a user."""
    assignee = valid.key(assigned_to, "assigned_to")
    return _assignment(assignee, actor)


def unassign(actor: Actor) -> Decision:
    """Take a finding from whoever works on it."""
    return _assignment(None, actor)


def _assignment(assignee: str | None, actor: Actor) -> Decision:
    def decide(finding: FindingWorkflow) -> Change:
        if finding.assigned_to == assignee:
            return Change(finding)
        after = _changed(
            finding,
            actor,
            assigned_to=assignee,
            assigned_by=None if assignee is None else actor.user_id,
            assigned_at=None if assignee is None else actor.at,
        )
        return Change(
            after,
            (
                _event(
                    finding,
                    actor,
                    "assignment",
                    field_name="assigned_to",
                    old_value=finding.assigned_to,
                    new_value=assignee,
                ),
            ),
        )

    return decide


def add_comment(actor: Actor) -> Decision:
    """Add the actor's comment, which has to say something."""
    valid.identifier(actor.comment, "comment")

    def decide(finding: FindingWorkflow) -> Change:
        return Change(_changed(finding, actor), (_event(finding, actor, "comment"),))

    return decide


def set_priority(value: Any, actor: Actor) -> Decision:
    """Set the priority, 1 (most urgent) to 5."""
    wanted = priority(value, "priority")

    def decide(finding: FindingWorkflow) -> Change:
        if finding.priority == wanted:
            return Change(finding)
        event = _event(
            finding,
            actor,
            "priority_change",
            field_name="priority",
            old_value=finding.priority,
            new_value=wanted,
        )
        return Change(_changed(finding, actor, priority=wanted), (event,))

    return decide


def set_due_date(value: Any, actor: Actor) -> Decision:
    """Set the timestamp by which a finding has to be done, or take it away."""
    due = None if value is None else valid.timestamp(value, "due_date")

    def decide(finding: FindingWorkflow) -> Change:
        if finding.due_date == due:
            return Change(finding)
        event = _event(
            finding,
            actor,
            "due_date_change",
            field_name="due_date",
            old_value=None if finding.due_date is None else finding.due_date.isoformat(),
            new_value=None if due is None else due.isoformat(),
        )
        return Change(_changed(finding, actor, due_date=due), (event,))

    return decide


def link(linked_id: Any, actor: Actor) -> Decision:
    """Let a finding refer to another one."""
    valid.key(linked_id, "linked_id")

    def decide(finding: FindingWorkflow) -> Change:
        other = other_finding(linked_id, "linked_id", finding.finding_id)
        if other in finding.linked_findings:
            return Change(finding)
        after = _changed(finding, actor, linked_findings=[*finding.linked_findings, other])
        return Change(after, (_linking(finding, actor, "linked", new_value=other),), link=other)

    return decide


def unlink(linked_id: Any, actor: Actor) -> Decision:
    """Let a finding no longer refer to another one."""
    other = valid.key(linked_id, "linked_id")

    def decide(finding: FindingWorkflow) -> Change:
        if other not in finding.linked_findings:
            return Change(finding)
        rest = [linked for linked in finding.linked_findings if linked != other]
        after = _changed(finding, actor, linked_findings=rest)
        return Change(after, (_linking(finding, actor, "unlinked", old_value=other),), unlink=other)

    return decide


def _linking(
    finding: FindingWorkflow, actor: Actor, event_type: str, **values: Any
) -> FindingEvent:
    return _event(finding, actor, event_type, field_name="linked_findings", **values)


def mark_duplicate(parent_finding_id: Any, actor: Actor) -> Decision:
    """Bring a finding into ``duplicate``, with the finding that it repeats as parent and link."""
    valid.key(parent_finding_id, "parent_finding_id")
    to_duplicate = transition("duplicate", actor)

    def decide(finding: FindingWorkflow) -> Change:
        parent = other_finding(parent_finding_id, "parent_finding_id", finding.finding_id)
        moved = to_duplicate(finding)
        events = moved.events
        linked = finding.linked_findings
        if parent not in linked:
            events = (*events, _linking(finding, actor, "linked", new_value=parent))
            linked = [*linked, parent]
        after = replace(moved.finding, parent_finding_id=parent, linked_findings=linked)
        return Change(after, events, link=parent)

    return decide


def change_severity(severity: Any, old_severity: Any, actor: Actor) -> Decision:
    """Record a new severity in the history; the finding itself has none here."""
    new = valid.identifier(severity, "severity")
    old = None if old_severity is None else valid.identifier(old_severity, "old_severity")
    if new == old:
        raise InvalidInputError(
            "severity", f"must be another one than {valid.shown(new)}, which it has"
        )

    def decide(finding: FindingWorkflow) -> Change:
        event = _event(
            finding, actor, "severity_change", field_name="severity", old_value=old, new_value=new
        )
        return Change(_changed(finding, actor), (event,))

    return decide

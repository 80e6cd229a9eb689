"""The states of findings, in Python and in the schema."""

from __future__ import annotations

import itertools

import pytest

from aragora_sql.errors import InvalidTransitionError
from aragora_sql.stores.workflow.states import (
    FINDING_STATES,
    LEGACY_STATES,
    TRANSITIONS,
    allowed_transitions,
    check_transition,
    is_terminal,
)
from aragora_sql.stores.workflow.store import FindingWorkflowStore

ALL_STATES = (*FINDING_STATES, *LEGACY_STATES)
ALLOWED = {
    "open": "triaging investigating false_positive duplicate",
    "triaging": "investigating false_positive accepted_risk duplicate open",
    "investigating": "remediating false_positive accepted_risk triaging",
    "remediating": "resolved investigating accepted_risk",
    "resolved": "open",
    "false_positive": "open",
    "accepted_risk": "open remediating",
    "duplicate": "open",
    "acknowledged": "investigating false_positive",
    "wont_fix": "open",
    "never heard of": "open",
}


def test_every_state_leads_somewhere() -> None:
    assert set(TRANSITIONS) == set(ALL_STATES)
    assert all(set(targets) <= set(FINDING_STATES) for targets in TRANSITIONS.values())


@pytest.mark.parametrize("state", ALLOWED)
def test_allowed_transitions(state: str) -> None:
    assert set(allowed_transitions(state)) == set(ALLOWED[state].split())


async def test_every_transition_is_made_or_refused(findings: FindingWorkflowStore) -> None:
    pairs = list(itertools.product(ALLOWED, FINDING_STATES))
    for number, (before, after) in enumerate(pairs):
        await findings.create(f"f{number}", current_state=before)
        if after in ALLOWED[before].split():
            assert (await findings.transition(f"f{number}", after)).current_state == after
            continue
        with pytest.raises(InvalidTransitionError) as caught:
            await findings.transition(f"f{number}", after)
        assert caught.value.allowed == allowed_transitions(before)
        assert all(name in str(caught.value) for name in ALLOWED[before].split())
        kept = await findings.get(f"f{number}")
        assert kept is not None
        assert (kept["current_state"], kept["version"], kept["history"]) == (before, 1, [])


def test_a_refusal_names_what_is_allowed() -> None:
    with pytest.raises(InvalidTransitionError, match="'resolved' does not lead to 'triaging'; use"):
        check_transition("resolved", "triaging")


async def test_the_schema_ends_the_same_states(findings: FindingWorkflowStore) -> None:
    for state in (*ALL_STATES, "never heard of"):
        await findings.create(state, current_state=state)
        finding = await findings.get_finding(state)
        assert finding is not None
        assert finding.is_terminal is is_terminal(state), state

"""The short form of ``make chaos``: a primary is switched over, the next one killed."""

from __future__ import annotations

import pytest

from chaos.cluster import Cluster
from chaos.programs import PACKAGES, find_programs
from chaos.rounds import run_rounds
from tests.conftest import require_program


def test_applications_go_on_and_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """How long it takes is measured by ``make chaos``, and not here."""
    for name, package in PACKAGES.items():
        require_program(name, package)
    with Cluster(find_programs()) as cluster:
        outcome = run_rounds(
            cluster, ["switchover", "kill"], seed=1, processes=2, long_job=2.0, report=print
        )
    switched, killed = outcome.rounds
    assert switched.successor != switched.primary
    assert killed.primary == switched.successor
    assert killed.successor != killed.primary
    verdict = outcome.verdict
    assert verdict.is_flawless, verdict.to_dict()
    assert min(verdict.acknowledged.values()) > 0
    # Something was in the middle of a write when the primary was killed.
    assert verdict.retried
    assert verdict.runs >= verdict.acknowledged["job"]
    assert "kill" in capsys.readouterr().out

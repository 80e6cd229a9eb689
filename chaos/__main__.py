"""The command: ``python -m chaos``."""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.cluster import FAST, Cluster
from chaos.programs import MissingProgramError, find_programs
from chaos.rounds import FAULTS, Outcome, run_rounds


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 when nothing that should hold was broken."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--mode", choices=("sync", "async"), default="sync")
    parser.add_argument(
        "--quick-claims",
        action="store_true",
        help="claims of jobs do not wait (durable_claims=False)",
    )
    parser.add_argument("--faults", default=",".join(FAULTS), help="which, in which proportion")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args(arguments)
    kinds = given.faults.split(",")
    unknown = set(kinds) - set(FAULTS)
    if unknown or given.rounds < 1 or given.processes < 1:
        parser.error(f"faults are {', '.join(FAULTS)}; numbers are at least 1")
    # An ended command leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    faults = [kinds[number % len(kinds)] for number in range(given.rounds)]
    random.Random(given.seed).shuffle(faults)
    console = Console()
    started = time.monotonic()

    def report(sentence: str) -> None:
        console.print(f"{time.monotonic() - started:6.1f} s  {sentence}", highlight=False)

    try:
        programs = find_programs()
    except MissingProgramError as error:
        console.print(f"missing: {error}", style="red")
        return 2
    report(f"starting the cluster; seed {given.seed}, {given.mode}")
    with Cluster(programs, synchronous=given.mode == "sync") as cluster:
        outcome = run_rounds(
            cluster,
            faults,
            seed=given.seed,
            processes=given.processes,
            durable_claims=not given.quick_claims,
            report=report,
        )
    show(console, outcome)
    if given.json is not None:
        given.json.write_text(json.dumps(outcome.to_dict(), indent=2) + "\n")
    return 0 if outcome.verdict.is_flawless or given.mode == "async" else 1


def show(console: Console, outcome: Outcome) -> None:
    """Print the figures."""
    times = ", ".join(f"{name} {value} s" for name, value in FAST.items())
    table = Table(
        "fault",
        "times",
        "median s",
        "worst s",
        "median ratio",
        "worst ratio",
        title=f"{outcome.mode}; without a commit, against ttl + loop_wait = {outcome.bound} s "
        f"({times})",
    )
    for name in (*FAULTS, "all"):
        figures = outcome.figures(None if name == "all" else name)
        if figures:
            table.add_row(
                name,
                f"{figures['times']:.0f}",
                *(f"{figures[one]:.2f}" for one in ("median", "worst")),
                *(f"{figures[one]:.2f}" for one in ("median_ratio", "worst_ratio")),
            )
    console.print(table)
    verdict = outcome.verdict
    rows = Table("what", "count", title="of the data")
    for kind, count in verdict.acknowledged.items():
        rows.add_row(f"{kind}: acknowledged", f"{count}")
        rows.add_row(f"{kind}: of these lost", f"{verdict.lost[kind]}")
        if kind in verdict.doubled:
            rows.add_row(f"{kind}: stored twice", f"{verdict.doubled[kind]}")
    rows.add_row("runs of jobs", f"{verdict.runs}")
    rows.add_row("of one job at the same time", f"{verdict.overlaps}")
    rows.add_row("jobs never completed", f"{verdict.unfinished}")
    rows.add_row("audit chain: problems", f"{len(verdict.audit_problems)}")
    rows.add_row("PgBouncer ended by itself", f"{outcome.pooler_restarts}")
    for error, count in sorted(verdict.retried.items()):
        rows.add_row(f"run again after {error}", f"{count}")
    console.print(rows)
    if verdict.lost_at:
        first, last = min(verdict.lost_at), max(verdict.lost_at)
        console.print(
            f"what was lost was acknowledged from {first:+.2f} to {last:+.2f} s of a fault"
        )
    for problem in verdict.audit_problems[:5]:
        console.print(problem)


if __name__ == "__main__":
    sys.exit(main())

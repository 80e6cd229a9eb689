"""Faults, one after the other, on a cluster that applications work on."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.schema import apply_schema
from chaos.cluster import Cluster, Member
from chaos.fleet import Fleet
from chaos.verdict import Verdict, judge, wait_for_jobs
from chaos.worker import PROBE_TABLE

__all__ = ["FAULTS", "Outcome", "Round", "run_rounds"]

STORES = ("jobs", "consensus", "audit")
FAULTS = ("kill", "freeze", "cut", "switchover")
# How long jobs may take until all are done in the end, in seconds.
DRAIN_SECONDS = 240.0
PATIENCE = 150.0
SWITCHOVER_TRIES = 5


@dataclass
class Round:
    """A fault at a moment ``at``.

    ``outage`` is the longest time without a commit of the probe from then on, ``applications`` the
    same of all applications together, in seconds.
    """

    number: int
    fault: str
    primary: str
    at: float
    outage: float = 0.0
    applications: float = 0.0
    successor: str = ""

    def ratio(self, bound: float) -> float:
        """Return the outage as a part of what Patroni may take."""
        return self.outage / bound


@dataclass
class Outcome:
    """All rounds, the bound of Patroni in seconds, and what is left of the data."""

    mode: str
    seed: int
    bound: int
    rounds: list[Round] = field(default_factory=list)
    pooler_restarts: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    def outages(self, fault: str | None = None) -> list[float]:
        """Return the outages of one kind of fault, or of all."""
        return [one.outage for one in self.rounds if fault in (None, one.fault)]

    def figures(self, fault: str | None = None) -> dict[str, float]:
        """Return median and worst outage, in seconds and as parts of the bound."""
        found = self.outages(fault)
        if not found:
            return {}
        median, worst = statistics.median(found), max(found)
        return {
            "times": len(found),
            "median": round(median, 2),
            "worst": round(worst, 2),
            "median_ratio": round(median / self.bound, 2),
            "worst_ratio": round(worst / self.bound, 2),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "mode": self.mode,
            "seed": self.seed,
            "bound": self.bound,
            "figures": {one: self.figures(one) for one in FAULTS if self.outages(one)},
            "rounds": [asdict(one) for one in self.rounds],
            "pooler_restarts": self.pooler_restarts,
            "verdict": self.verdict.to_dict(),
        }


def run_rounds(
    cluster: Cluster,
    faults: Sequence[str],
    *,
    seed: int,
    processes: int = 4,
    long_job: float = 30.0,
    durable_claims: bool = True,
    report: Callable[[str], None],
) -> Outcome:
    """Let applications work while one fault after the other happens at random moments.

    ``long_job`` is how many seconds the longest jobs take, ``durable_claims`` whether claims of
    jobs are committed like everything else; ``report`` is told of each fault.
    """
    chance = random.Random(seed)
    mode = "synchronous" if cluster.synchronous else "asynchronous"
    outcome = Outcome(mode, seed, cluster.bound)
    asyncio.run(_prepare(cluster.dsn))
    with Fleet(cluster, processes, seed, long_job=long_job, durable_claims=durable_claims) as fleet:
        for number, fault in enumerate(faults, 1):
            one = _round(cluster, fleet, number, fault, chance)
            outcome.rounds.append(one)
            report(
                f"{number}/{len(faults)} {one.fault} {one.primary}, then {one.successor}: "
                f"{one.outage:.2f} s without a commit, {one.ratio(cluster.bound):.2f} of the bound"
            )
            fleet.check()
        fleet.stop_writing()
        report("all is written; waiting for the last jobs")
        wait_for_jobs(cluster.dsn, DRAIN_SECONDS)
        fleet.stop()
        outcome.pooler_restarts = cluster.restarts
        faults_at = [one.at for one in outcome.rounds]
        outcome.verdict = asyncio.run(judge(cluster.dsn, fleet.lines(), faults_at))
    return outcome


async def _prepare(dsn: str) -> None:
    database = await PostgresDatabase.connect(dsn, 1, 1)
    try:
        await apply_schema(database, STORES)
        async with database.connection() as connection:
            await connection.run_script(
                "probe", f"CREATE TABLE {PROBE_TABLE} (number integer PRIMARY KEY)"
            )
    finally:
        await database.close()


def _round(cluster: Cluster, fleet: Fleet, number: int, fault: str, chance: random.Random) -> Round:
    cluster.wait_until_whole(PATIENCE)
    time.sleep(chance.uniform(1.0, 4.0))
    primary = cluster.wait_for_primary()
    one = Round(number, fault, primary.name, time.monotonic())
    if fault == "switchover":
        _switch_over(cluster, primary)
        one.successor = _wait_for_successor(cluster, primary).name
    else:
        {"kill": primary.kill, "freeze": primary.freeze, "cut": primary.link.cut}[fault]()
        one.successor = _wait_for_successor(cluster, primary).name
        _wait_for_commit(fleet, one.at)
        # The old one comes back when the new one is at work, at a random moment.
        time.sleep(chance.uniform(0.0, 3.0))
        {"kill": primary.start, "freeze": primary.thaw, "cut": primary.link.mend}[fault]()
    _wait_for_commit(fleet, time.monotonic())
    probe = [line for line in fleet.lines("probe") if line["kind"] == "ack"]
    one.outage = _longest_gap(probe, one.at)
    acknowledged = (line for line in fleet.lines() if line["kind"] == "ack")
    one.applications = _longest_gap((a for a in acknowledged if a["of"] != "probe"), one.at)
    return one


def _switch_over(cluster: Cluster, primary: Member) -> None:
    for _ in range(SWITCHOVER_TRIES):
        status, said = primary.ask("/switchover", {"leader": primary.name}, timeout=60.0)
        if status == 200:
            return
        # 412: its candidates are not ready; 503: etcd did not answer in time.
        time.sleep(2.0)
    else:
        raise RuntimeError(f"switchover: {status} {said}; {cluster.describe()}")


def _wait_for_successor(cluster: Cluster, former: Member) -> Member:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for member in cluster.members:
            if member is not former and member.ask("/primary", timeout=1.0)[0] == 200:
                return member
        time.sleep(0.1)
    raise TimeoutError(f"nobody follows {former.name}: {cluster.describe()}")


def _wait_for_commit(fleet: Fleet, since: float) -> None:
    """Wait until the probe has committed something that it began after a moment."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(a["kind"] == "ack" and a["began"] > since for a in fleet.lines("probe")):
            return
        time.sleep(0.1)
    raise TimeoutError("the probe commits nothing")


def _longest_gap(acknowledged: Any, since: float) -> float:
    """Return the longest time between two commits, from a moment on until now."""
    moments = sorted(line["at"] for line in acknowledged if line["at"] > since)
    return max(
        (later - earlier for earlier, later in zip([since, *moments], moments, strict=False)),
        default=0.0,
    )

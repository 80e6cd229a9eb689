"""The command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from aragora_sql.embedded import EmbeddedServer, find_binaries
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from benchmarks.archive_pages import archive_postgres, archive_sqlite
from benchmarks.audit_chains import audit_postgres, audit_sqlite
from benchmarks.batches import batch_postgres, batch_sqlite
from benchmarks.builds import race_builds_postgres, race_builds_sqlite
from benchmarks.calls_postgres import call_postgres
from benchmarks.calls_sqlite import call_sqlite
from benchmarks.checks import race_checks
from benchmarks.claims import claims_postgres, claims_sqlite
from benchmarks.costs_postgres import costs_postgres
from benchmarks.costs_sqlite import costs_sqlite
from benchmarks.growing import divide_growing, retire_months
from benchmarks.installations import race_installation
from benchmarks.knowledge_walks import walks_postgres, walks_sqlite
from benchmarks.limits import limits_postgres
from benchmarks.machine import describe_machine
from benchmarks.migrations import race_build_migrations, race_migrations
from benchmarks.observed import observe_postgres, observe_sqlite
from benchmarks.queue_bloat import queue_bloat_postgres
from benchmarks.queues import queues_postgres
from benchmarks.rating_boards import boards_postgres, boards_sqlite
from benchmarks.rating_matches import matches_postgres, matches_sqlite
from benchmarks.recalls import recall_postgres, recall_sqlite
from benchmarks.replicas import read_replicas
from benchmarks.report import Report, markdown, show
from benchmarks.run import Run
from benchmarks.savers import savers_postgres, savers_sqlite
from benchmarks.searches_postgres import search_postgres
from benchmarks.searches_sqlite import search_sqlite
from benchmarks.servers import server_version, temporary_folder
from benchmarks.user_lookups import look_up_users
from benchmarks.way_back import race_way_back

DEFAULT_ROWS = [100_000]
DEFAULT_ROUNDS = 20

Benchmark = Callable[[Run], Awaitable[list[Report]]]
SizedBenchmark = Callable[[Run, int], Awaitable[Report]]

BENCHMARKS: dict[str, Benchmark] = {
    "calls-postgres": call_postgres,
    "calls-sqlite": call_sqlite,
    "costs-postgres": costs_postgres,
    "costs-sqlite": costs_sqlite,
    "batch-postgres": batch_postgres,
    "batch-sqlite": batch_sqlite,
    "queues-postgres": queues_postgres,
    "queue-bloat-postgres": queue_bloat_postgres,
    "queue-claims-postgres": claims_postgres,
    "queue-claims-sqlite": claims_sqlite,
    "matches-postgres": matches_postgres,
    "matches-sqlite": matches_sqlite,
    "leaderboard-postgres": boards_postgres,
    "leaderboard-sqlite": boards_sqlite,
    "knowledge-postgres": walks_postgres,
    "knowledge-sqlite": walks_sqlite,
    "users-postgres": look_up_users,
    "replicas-postgres": read_replicas,
    "audit-postgres": audit_postgres,
    "audit-sqlite": audit_sqlite,
    "archive-postgres": archive_postgres,
    "archive-sqlite": archive_sqlite,
    "saver-postgres": savers_postgres,
    "saver-sqlite": savers_sqlite,
    "observed-postgres": observe_postgres,
    "observed-sqlite": observe_sqlite,
    "limits-postgres": limits_postgres,
    "old-new-postgres": race_builds_postgres,
    "old-new-sqlite": race_builds_sqlite,
    "old-new-check": race_checks,
}
SIZED_BENCHMARKS: dict[str, SizedBenchmark] = {
    "search-postgres": search_postgres,
    "search-sqlite": search_sqlite,
    "recall-postgres": recall_postgres,
    "recall-sqlite": recall_sqlite,
    "growing-postgres": divide_growing,
    "months-postgres": retire_months,
    "migrations": race_migrations,
    "installation-postgres": race_installation,
    "way-back": race_way_back,
    "old-new-migrate": race_build_migrations,
}
WITHOUT_POSTGRES = {
    *(
        "calls-sqlite",
        "costs-sqlite",
        "batch-sqlite",
        "search-sqlite",
        "recall-sqlite",
        "old-new-sqlite",
    ),
    # A check starts its own.
    "old-new-check",
    *("matches-sqlite", "leaderboard-sqlite", "audit-sqlite", "archive-sqlite", "saver-sqlite"),
    "knowledge-sqlite",
}
# Measured when another build is named.
WITH_OLD = {"old-new-postgres", "old-new-sqlite", "old-new-migrate", "old-new-check"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print it, and return the exit code."""
    names = [*BENCHMARKS, *SIZED_BENCHMARKS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Ratios against the raw drivers, measured side by side. See "
        "docs/benchmarks.md.",
    )
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="NAME", help=f"only some of {', '.join(names)}"
    )
    parser.add_argument(
        "--rounds", type=_positive, default=DEFAULT_ROUNDS, help="default: %(default)s"
    )
    parser.add_argument(
        "--rows",
        type=_positive,
        nargs="+",
        default=DEFAULT_ROWS,
        metavar="N",
        help="sizes of what is searched and migrated (default: 100000)",
    )
    parser.add_argument(
        "--json", type=_new_file, metavar="FILE", help="write the figures to a file too"
    )
    parser.add_argument(
        "--markdown",
        type=_new_file,
        metavar="FILE",
        help="write the tables as docs/benchmarks.md has them",
    )
    parser.add_argument(
        "--postgres",
        type=_positive,
        metavar="VERSION",
        help="major version of the server (default: the first one that is found)",
    )
    parser.add_argument(
        "--old",
        type=_tree,
        metavar="FOLDER",
        help="another build of this package, to measure this one against: a folder with "
        "aragora_sql/ and sql/",
    )
    options = parser.parse_args(arguments)
    if options.old is None and (needed := sorted(WITH_OLD.intersection(options.only or ()))):
        parser.error(f"{', '.join(needed)}: --old has to name the other build")
    # Without a terminal nothing has to fit into its width.
    console = Console(width=None if sys.stdout.isatty() else 150)
    started = time.perf_counter()
    try:
        machine, reports = asyncio.run(_measure(options, console))
    except AragoraSQLError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False)
        return 1
    seconds = round(time.perf_counter() - started)
    console.print(f"\nThe whole run took {seconds} s.", highlight=False)
    if options.json is not None:
        result = {
            "machine": machine,
            "rounds": options.rounds,
            "seconds": seconds,
            "reports": [report.to_dict() for report in reports],
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    if options.markdown is not None:
        options.markdown.write_text("\n\n".join(map(markdown, reports)) + "\n")
    return 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _new_file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no file in a folder that exists")
    return path


def _tree(text: str) -> Path:
    path = Path(text).resolve()
    if not (path / "aragora_sql" / "__init__.py").is_file() or not (path / "sql").is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} has no aragora_sql/ and sql/ in it")
    return path


async def _measure(
    options: argparse.Namespace, console: Console
) -> tuple[dict[str, str], list[Report]]:
    without = WITH_OLD if options.old is None else set()
    chosen = [
        name
        for name in [*BENCHMARKS, *SIZED_BENCHMARKS]
        if name in (options.only or [name]) and name not in without
    ]
    reports: list[Report] = []
    with contextlib.ExitStack() as stack:
        server = None
        if not WITHOUT_POSTGRES.issuperset(chosen):
            server = stack.enter_context(_server(options.postgres))
        machine = describe_machine(None if server is None else await server_version(server))
        console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
        run = Run(
            rounds=options.rounds,
            folder=stack.enter_context(temporary_folder()),
            progress=stack.enter_context(_progress()),
            server=server,
            old=options.old,
        )
        for name in chosen:
            made = (
                await BENCHMARKS[name](run)
                if name in BENCHMARKS
                else [await SIZED_BENCHMARKS[name](run, size) for size in options.rows]
            )
            for report in made:
                show(report, console)
            reports += made
    return machine, reports


def _server(version: int | None) -> EmbeddedServer:
    """Return a server that keeps its promises; but for its connections with its own settings."""
    settings = {"max_connections": "300"}
    if version is None:
        return EmbeddedServer(durable=True, settings=settings)
    found = find_binaries()
    for binaries in found:
        if binaries.version == version:
            return EmbeddedServer(binaries, durable=True, settings=settings)
    known = ", ".join(str(binaries.version) for binaries in found) or "none"
    raise ConfigurationError(f"no PostgreSQL {version} was found here; there are: {known}")


def _progress() -> Progress:
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    sys.exit(main())

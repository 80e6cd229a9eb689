"""``aragora-sql migrate``: SQLite files into PostgreSQL and back, and LangGraph's own tables."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from aragora_sql.cli.exit_codes import INTERRUPTED, TERMINATED, USAGE, code_of
from aragora_sql.cli.migration_progress import new_progress
from aragora_sql.cli.output import new_console
from aragora_sql.cli.parser import add_log_format, examples
from aragora_sql.cli.progress import working
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DSNNotConfiguredError,
)
from aragora_sql.migration.options import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_REJECTS,
    VERIFY_AUTOMATICALLY,
    MigrationOptions,
)
from aragora_sql.settings import PostgresDSN, Settings, dsn_from_env

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    command = groups.add_parser(
        "migrate",
        usage=(
            "%(prog)s (--sqlite-path PATH | --retry-rejects FILE |\n"
            "                            --from-langgraph DSN|FILE | --to-sqlite FILE)\n"
            "                           [options]"
        ),
        help="move SQLite files of any age to PostgreSQL or back, or LangGraph's own tables",
        description=(
            "Moves the SQLite files of the older Aragora, or of this package, to PostgreSQL, or "
            "back to a SQLite file of this package; or "
            "what LangGraph's own savers stored, to the tables of this package's saver. "
            "Nothing in the source is changed; an interrupted run goes on where it stopped."
        ),
        epilog=(
            examples("migrate --sqlite-path .nomic --source-timezone UTC --dry-run") + "\n\n"
            "exit codes: 0 all rows are there; 1 some were rejected or differ; 3 all rows of the "
            "stores are there, and something else of the source is left behind; 2 wrong arguments "
            "or files, 4 the database refused, 5 it can't be reached, 130 interrupted, 143 "
            "terminated: what was committed stays, run it again to go on"
        ),
    )
    add_arguments(command)
    add_log_format(command)
    command.set_defaults(run=run)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--sqlite-path", type=Path, metavar="PATH", help="SQLite file, or a data directory"
    )
    source.add_argument(
        "--retry-rejects",
        type=Path,
        action="append",
        metavar="FILE",
        help="load the rows of a reject file after they were mended; may be repeated",
    )
    source.add_argument(
        "--from-langgraph",
        metavar="DSN|FILE",
        help="database of langgraph-checkpoint-postgres, or file of langgraph-checkpoint-sqlite",
    )
    command.add_argument(
        "--postgres-dsn",
        "--dsn",
        dest="postgres_dsn",
        metavar="DSN",
        help="connection URI of the target, or of the source of --to-sqlite (default: "
        "DATABASE_URL)",
    )
    command.add_argument(
        "--to-sqlite",
        type=Path,
        metavar="FILE",
        help="move what is in PostgreSQL into this SQLite file of this package, new or not; with "
        "--from-langgraph, what LangGraph's own savers stored",
    )
    command.add_argument(
        "--store",
        action="append",
        metavar="STORE",
        help="all (default), or a store such as consensus or critique; may be repeated",
    )
    command.add_argument(
        "--batch-size",
        type=int,
        default=DEFAULT_BATCH_SIZE,
        metavar="ROWS",
        help="rows that are read and checked together (default 1000); five batches are committed "
        "together",
    )
    existing = command.add_mutually_exclusive_group()
    existing.add_argument(
        "--skip-existing",
        action="store_true",
        default=True,
        help="leave rows alone whose key is in the target (the default)",
    )
    existing.add_argument(
        "--no-skip-existing",
        dest="skip_existing",
        action="store_false",
        help="reject rows whose key is in the target",
    )
    command.add_argument(
        "--source-timezone",
        metavar="ZONE",
        help="zone of local times in the source: an IANA name, local or UTC",
    )
    command.add_argument(
        "--orphans",
        choices=("reject", "null", "leave-out"),
        default="reject",
        help="rows whose parent is missing: write them to the reject file (default), set the "
        "reference to NULL where the column allows it, or leave them out",
    )
    command.add_argument(
        "--on-nul",
        choices=("reject", "strip"),
        default="reject",
        help="text with NUL characters, which PostgreSQL can't hold (default: reject)",
    )
    command.add_argument(
        "--on-nan",
        choices=("reject", "null"),
        default="reject",
        help="NaN and Infinity in documents, which JSON has not (default: reject the row)",
    )
    command.add_argument(
        "--drop-exact-duplicates",
        action="store_true",
        help="leave out critiques that repeat an earlier one of the same file in all but their "
        "number and the time of storing (default: migrate them too)",
    )
    command.add_argument(
        "--drop-expired",
        action="store_true",
        help="leave out origins of debates that are over (default: migrate them too)",
    )
    command.add_argument(
        "--renumber",
        action="store_true",
        help="give critiques new numbers whose number another critique has in the target, as "
        "those of a second directory (default: report them as different)",
    )
    command.add_argument(
        "--accept-broken-chain",
        action="store_true",
        help="move chains of audit entries also when they are broken, and mark them as such "
        "(default: leave them behind, and name the first broken entry)",
    )
    command.add_argument(
        "--rejects",
        type=Path,
        default=DEFAULT_REJECTS,
        metavar="DIR",
        help=f"folder for reject files (default: {DEFAULT_REJECTS})",
    )
    command.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="processes that load (default 1)"
    )
    mode = command.add_mutually_exclusive_group()
    mode.add_argument(
        "--dry-run", action="store_true", help="change nothing and report what would happen"
    )
    mode.add_argument(
        "--verify",
        dest="verify",
        action="store_const",
        const="all",
        default="auto",
        help="compare every value afterwards (default: of tables up to "
        f"{VERIFY_AUTOMATICALLY:,} rows)",
    )
    mode.add_argument(
        "--no-verify", dest="verify", action="store_const", const="none", help="compare nothing"
    )
    mode.add_argument(
        "--verify-only",
        dest="verify",
        action="store_const",
        const="only",
        help="migrate nothing, compare every value",
    )
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    command.add_argument("-v", "--verbose", action="store_true", help="log more")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    # It warns of errors that are raised anyway, with values of rows.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    with _orderly_termination() as received:
        try:
            return _run(options)
        except KeyboardInterrupt:
            return _interrupted(received)
        except Exception as error:
            # What was interrupted may fail while it is being undone: the signal is the reason.
            if received:
                return _interrupted(received)
            if not isinstance(error, AragoraSQLError):
                raise
            if options.json:
                print(json.dumps({"success": False, "error": str(error)}))
            print(f"aragora-sql migrate: {error}", file=sys.stderr)
            return _code_of(error)


def _code_of(error: AragoraSQLError) -> int:
    from aragora_sql.migration.finding import SourceError
    from aragora_sql.migration.rejects import RejectFileError

    # A file that was named is not there, or is no such file.
    return USAGE if isinstance(error, SourceError | RejectFileError) else code_of(error)


def _interrupted(received: list[int]) -> int:
    print(
        "interrupted; what was committed stays: run the same command again to go on",
        file=sys.stderr,
    )
    return TERMINATED if received[:1] == [signal.SIGTERM] else INTERRUPTED


@contextmanager
def _orderly_termination() -> Iterator[list[int]]:
    """End at SIGTERM as at Ctrl-C: what is not committed is undone, and no process stays.

    The signals that come are put into the list.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM]
    # One that is ignored, as in the background of a shell, stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(options: argparse.Namespace) -> int:
    if options.from_langgraph is not None:
        return _move_langgraph(options)
    if options.to_sqlite is not None:
        return _move_to_sqlite(options)
    if options.sqlite_path is None and options.retry_rejects is None:
        raise ConfigurationError(
            "one of the arguments --sqlite-path --retry-rejects --from-langgraph --to-sqlite is "
            "required"
        )
    from aragora_sql.cli.migration_report import show_report
    from aragora_sql.migration import retry_rejects, run_migration
    from aragora_sql.migration.collecting import collecting_rarely

    dsn = _postgres(options)
    if options.retry_rejects is not None:
        if options.dry_run or options.verify == "only":
            mode = "--dry-run" if options.dry_run else "--verify-only"
            raise ConfigurationError(f"--retry-rejects loads rows, and does not go with {mode}")
        with working("loading the mended rows", quiet=options.json):
            report = retry_rejects(
                options.retry_rejects,
                dsn,
                options.source_timezone,
                skip_existing=options.skip_existing,
            )
    else:
        with new_progress(quiet=options.json) as progress, collecting_rarely():
            report = run_migration(
                MigrationOptions(
                    sqlite_path=options.sqlite_path,
                    dsn=dsn,
                    stores=_stores(options.store or []),
                    batch_size=options.batch_size,
                    skip_existing=options.skip_existing,
                    orphans=options.orphans,
                    on_nul=options.on_nul,
                    on_nan=options.on_nan,
                    source_timezone=options.source_timezone,
                    jobs=options.jobs,
                    dry_run=options.dry_run,
                    verify=options.verify,
                    rejects=options.rejects,
                    drop_exact_duplicates=options.drop_exact_duplicates,
                    drop_expired=options.drop_expired,
                    renumber=options.renumber,
                    accept_broken_chain=options.accept_broken_chain,
                ),
                progress,
            )
    if options.json:
        print(json.dumps(report.to_dict()))
    else:
        show_report(report, new_console())
    return report.exit_code


def _postgres(options: argparse.Namespace) -> PostgresDSN:
    """Return the server that the options name, or else the environment."""
    dsn = (
        PostgresDSN.parse(options.postgres_dsn, "--postgres-dsn")
        if options.postgres_dsn
        else dsn_from_env()
    )
    if dsn is None:
        raise DSNNotConfiguredError("--postgres-dsn")
    return dsn


def _move_to_sqlite(options: argparse.Namespace) -> int:
    """Move what is in PostgreSQL to a SQLite file."""
    for name in ("sqlite_path", "retry_rejects"):
        if getattr(options, name) is not None:
            option = name.replace("_", "-")
            raise ConfigurationError(
                f"--to-sqlite goes alone or with --from-langgraph, and not with --{option}"
            )
    _refuse_others(options, _OF_FILES, "--to-sqlite")
    from aragora_sql.cli.migration_report import show_to_sqlite_report
    from aragora_sql.migration.to_sqlite import ToSQLiteOptions, move_to_sqlite

    with new_progress(quiet=options.json) as progress:
        report = move_to_sqlite(
            ToSQLiteOptions(
                dsn=_postgres(options),
                sqlite_path=options.to_sqlite,
                stores=_stores(options.store or []),
                batch_size=options.batch_size,
                skip_existing=options.skip_existing,
                dry_run=options.dry_run,
                verify=options.verify,
                rejects=options.rejects,
            ),
            progress,
        )
    if options.json:
        print(json.dumps(report.to_dict()))
    else:
        show_to_sqlite_report(report, new_console())
    return report.exit_code


# What only older files need, and what it is when it is not given.
_OF_FILES = {
    "source_timezone": None,
    "orphans": "reject",
    "on_nul": "reject",
    "on_nan": "reject",
    "drop_exact_duplicates": False,
    "drop_expired": False,
    "renumber": False,
    "jobs": 1,
}


def _refuse_others(options: argparse.Namespace, others: dict[str, Any], mode: str) -> None:
    """Refuse options that are not of a mode; ``others`` has what they are when not given."""
    for name, unset in others.items():
        if getattr(options, name) != unset:
            option = "no-skip-existing" if name == "skip_existing" else name.replace("_", "-")
            raise ConfigurationError(f"--{option} does not go with {mode}")


def _move_langgraph(options: argparse.Namespace) -> int:
    others = {"store": None, "skip_existing": True, **_OF_FILES}
    _refuse_others(options, others, "--from-langgraph")
    # It needs LangGraph, which the others do not.
    from aragora_sql.cli.migration_report import show_langgraph_report
    from aragora_sql.migration.langgraph import LangGraphOptions, Target, move_langgraph

    with new_progress() as progress:
        report = move_langgraph(
            LangGraphOptions(
                source=options.from_langgraph,
                target=Target(_target_of_langgraph(options)),
                batch_size=options.batch_size,
                dry_run=options.dry_run,
                verify=options.verify,
                rejects=options.rejects,
            ),
            progress,
        )
    if options.json:
        print(json.dumps(report.to_dict()))
    else:
        show_langgraph_report(report, new_console())
    return report.exit_code


def _target_of_langgraph(options: argparse.Namespace) -> PostgresDSN | Path:
    """Return the database that the options name, or else the environment, as for the stores."""
    if options.to_sqlite is not None:
        if options.postgres_dsn:
            raise ConfigurationError("--dsn and --to-sqlite name two databases; give one")
        return Path(options.to_sqlite)
    if options.postgres_dsn:
        return PostgresDSN.parse(options.postgres_dsn, "--postgres-dsn")
    settings = Settings.from_env()
    if settings.backend == "sqlite":
        return Path(settings.sqlite_path)
    dsn = dsn_from_env()
    if dsn is None:
        raise DSNNotConfiguredError
    return dsn


def _stores(named: list[str]) -> tuple[str, ...]:
    names = [name.strip() for names in named for name in names.split(",")]
    if "all" in names:
        if len(names) > 1:
            raise ConfigurationError("--store all does not go with another store")
        return ()
    return tuple(dict.fromkeys(names))

"""``aragora-sql schema partition``: tables that grow for ever, divided by time (PostgreSQL)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import print_table
from aragora_sql.cli.target import add_target, on_existing
from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError
from aragora_sql.partitions import (
    INTERVALS,
    GrowingTable,
    TableState,
    archive_partitions,
    attach_partitions,
    divide_table,
    growing_tables,
    make_ahead,
    read_state,
)
from aragora_sql.partitions.bounds import interval_of
from aragora_sql.partitions.state import refuse_sqlite
from aragora_sql.partitions.tables import STAYING
from aragora_sql.schema import store_names

__all__ = ["add_partition_command"]

_DEFAULT_AHEAD = 3
_MOST_AHEAD = 1200
_STATEMENT_TIMEOUT = 3600.0


def add_partition_command(commands: Any) -> None:
    """Add the command to the group ``schema``."""
    partition = commands.add_parser(
        "partition",
        help="put tables that grow for ever into partitions by time, and look after them",
        description=(
            "PostgreSQL only. Divides the growing tables of the named stores while they are in "
            "use; what is there becomes the first partition. Where that is done, the partitions "
            "of the next intervals are made: run it again at least once in each. A run that was "
            "cut short is gone on with by the same command."
        ),
        epilog=examples(
            "schema partition --store audit --by month",
            "schema partition --ahead 6",
            "schema partition --store audit --archive-before 2026-01-01",
            "schema partition --store audit --attach 2025-06-01",
        ),
    )
    add_target(partition)
    partition.add_argument(
        "--store",
        action="append",
        metavar="NAME",
        help="the tables of this store; may be repeated (default: all that are divided already)",
    )
    partition.add_argument(
        "--by",
        metavar="INTERVAL",
        default="month",
        help=f"length of a partition: {', '.join(INTERVALS)} (default: month)",
    )
    partition.add_argument(
        "--ahead",
        type=_ahead,
        default=_DEFAULT_AHEAD,
        metavar="N",
        help=f"make partitions for so many intervals to come (default: {_DEFAULT_AHEAD})",
    )
    partition.add_argument(
        "--from",
        dest="first",
        type=_day,
        metavar="DATE",
        help=(
            "where the first partition, of all that is there, ends (default: at the first interval "
            "that begins in two weeks or later)"
        ),
    )
    partition.add_argument(
        "--list", action="store_true", help="say what is there, and change nothing"
    )
    action = partition.add_mutually_exclusive_group()
    action.add_argument(
        "--archive-before",
        type=_day,
        metavar="DATE",
        help="move the partitions that end at or before this day (UTC) into the archive",
    )
    action.add_argument(
        "--attach",
        type=_day,
        metavar="DATE",
        help="bring back what is archived of the time from this day (UTC) on",
    )
    partition.add_argument("--json", action="store_true", help="print JSON")
    partition.set_defaults(run=_partition)


def _day(text: str) -> datetime:
    """Read a day such as 2026-01-01, or a month such as 2026-01, as an argument's type."""
    for form in ("%Y-%m-%d", "%Y-%m"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"must be a day such as 2026-01-31, not {text!r}")


def _ahead(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST_AHEAD:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {_MOST_AHEAD}")
    return int(text)


def _partition(options: argparse.Namespace) -> int:
    interval_of(options.by)
    if options.list and (options.archive_before or options.attach):
        raise ConfigurationError("--list changes nothing: give it alone")

    async def work(database: Database) -> int:
        refuse_sqlite(database)
        tables = await _tables(database, options.store)
        done = [await _one(database, table, options) for table in tables]
        if not options.list:
            for store in dict.fromkeys(table.store for table in tables):
                if store in STAYING:
                    _say(STAYING[store])
        if options.json:
            print_json(done)
        elif options.list or not (options.archive_before or options.attach):
            _print_states(done)
        elif not any(one["changed"] for one in done):
            _say("there is no such partition: nothing was changed")
        return 0

    return on_existing(options, work, writes=True)


async def _tables(database: Database, stores: Sequence[str] | None) -> list[GrowingTable]:
    if stores is not None:
        known = store_names(database.dialect)
        for store in stores:
            if store not in known:
                raise ConfigurationError(
                    f"--store: there is no store {store!r}; there are {', '.join(known)}"
                )
        return growing_tables(stores)
    tables = [
        table
        for table in growing_tables()
        if (await read_state(database, table)).state in {"divided", "begun"}
    ]
    if not tables:
        names = ", ".join(dict.fromkeys(table.store for table in growing_tables()))
        raise ConfigurationError(
            f"no table is in partitions: name a store with --store, of {names}"
        )
    return tables


async def _one(
    database: Database, table: GrowingTable, options: argparse.Namespace
) -> dict[str, Any]:
    """Do what is asked for with one table; return what is there then, and what changed."""
    said: list[str] = []
    changed: list[str] = []
    with working(f"{table.name}", quiet=options.json) as show:

        def report(sentence: str) -> None:
            said.append(sentence)
            show(sentence)
            if not sys.stderr.isatty():
                _say(sentence)

        try:
            if options.archive_before:
                changed = await archive_partitions(
                    database, table, options.archive_before, report=report
                )
            elif options.attach:
                changed = await attach_partitions(database, table, options.attach, report=report)
            elif not options.list:
                changed = await _divide(database, table, options, report)
        except BaseException:
            if said:
                _say(f"stopped after: {said[-1]}. The same command goes on from there")
            raise
    state = await read_state(database, table)
    return {**state.to_dict(), "changed": changed}


async def _divide(
    database: Database, table: GrowingTable, options: argparse.Namespace, report: Any
) -> list[str]:
    interval = interval_of(options.by)
    state = await read_state(database, table)
    if state.state == "divided":
        if options.first is not None and _begins_elsewhere(state, options.first):
            raise ConfigurationError(
                f"--from: {table.name} is in partitions already; its first one ends at "
                f"{state.partitions[0].upper:%Y-%m-%d}"
            )
        return await make_ahead(database, table, interval, options.ahead, report=report)
    await divide_table(
        database, table, interval, ahead=options.ahead, first=options.first, report=report
    )
    return [partition.name for partition in (await read_state(database, table)).partitions]


def _begins_elsewhere(state: TableState, first: datetime) -> bool:
    return bool(state.partitions) and state.partitions[0].upper != first


def _print_states(done: list[dict[str, Any]]) -> None:
    rows: list[tuple[object, ...]] = []
    for one in done:
        parts = [(part, "attached") for part in one["partitions"]]
        parts += [(part, "archived") for part in one["archived"]]
        if not parts:
            rows.append((one["table"], None, one["state"], None, None, None, None))
        rows += [
            (
                *(one["table"], part["name"], where),
                *(_date(part["lower"]), _date(part["upper"]), part["rows"], part["bytes"]),
            )
            for part, where in parts
        ]
    print_table(("table", "partition", "state", "from", "until", "rows (estimated)", "bytes"), rows)


def _date(moment: str | None) -> str | None:
    return None if moment is None else moment[:10]


def _say(sentence: str) -> None:
    """Say something beside the result."""
    print(sentence, file=sys.stderr, flush=True)

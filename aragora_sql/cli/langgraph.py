"""``aragora-sql langgraph expire``: deletes threads that nobody has written to for long."""

from __future__ import annotations

import argparse
import asyncio
from datetime import timedelta
from typing import Any

from aragora_sql.cli.output import age, print_json, whole_number
from aragora_sql.cli.target import add_target, open_existing
from aragora_sql.errors import InvalidInputError

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser("langgraph", help="delete threads of LangGraph that are old")
    commands = group.add_subparsers(required=True, metavar="command")

    expire = commands.add_parser(
        "expire",
        help="delete threads that were not written to for so long",
        description=(
            "Deletes LangGraph threads, with all checkpoints, values and writes, to which nothing "
            "was written for so long. Safe beside running graphs: a thread that is written to "
            "meanwhile stays whole."
        ),
    )
    add_target(expire)
    expire.add_argument(
        "--older-than", type=age, required=True, metavar="AGE", help="such as 30d, 12h, 90m"
    )
    expire.add_argument(
        "--limit",
        type=whole_number,
        metavar="THREADS",
        default=1000,
        help="most threads to delete (default 1000); what is left comes the next time",
    )
    expire.add_argument("--dry-run", action="store_true", help="delete nothing and name them")
    expire.add_argument("--json", action="store_true", help="print the result as JSON")
    expire.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    # It needs LangGraph, which the parser does not.
    from aragora_sql.stores.langgraph.saver import LangGraphSaver

    try:
        older_than = timedelta(seconds=options.older_than)
    except OverflowError as error:
        raise InvalidInputError("--older-than", "is longer than 1000 years") from error

    async def run() -> int:
        database = await open_existing(options, writes=not options.dry_run)
        try:
            saver = LangGraphSaver(database)
            if options.dry_run:
                found = await saver.afind_expired_threads(older_than, limit=options.limit)
                _show_found(found, options)
                return 0
            deleted = await saver.adelete_expired_threads(older_than, limit=options.limit)
            if options.json:
                print_json(deleted.to_dict())
            else:
                print(
                    f"{deleted.threads} threads deleted, with {deleted.checkpoints} checkpoints, "
                    f"{deleted.values} values and {deleted.writes} writes"
                )
            return 0
        finally:
            await database.close()

    return asyncio.run(run())


def _show_found(found: list[str], options: argparse.Namespace) -> None:
    if options.json:
        print_json({"threads": found})
        return
    for thread_id in found:
        print(thread_id)
    print(f"{len(found)} threads would be deleted")

"""``aragora-sql findings list | show | history | stats``: a look at finding workflows."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.tables import Column, print_fields, print_table
from aragora_sql.cli.target import add_target, on_existing
from aragora_sql.errors import ConfigurationError, FindingNotFoundError
from aragora_sql.stores.workflow.store import FindingWorkflowStore

__all__ = ["add_commands"]

Work = Callable[[FindingWorkflowStore, argparse.Namespace], Coroutine[Any, Any, int]]


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "findings",
        help="list findings, and show what happened to them",
        epilog=examples("findings list --overdue", "findings stats"),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    listing = _command(commands, "list", "list findings, newest first", _list)
    listing.add_argument("--state", help="only those in this state")
    listing.add_argument("--assignee", metavar="USER", help="only those that this user works on")
    listing.add_argument(
        "--overdue", action="store_true", help="only those overdue, longest overdue first"
    )
    listing.add_argument(
        "--limit", type=int, default=100, metavar="N", help="most to list (default 100)"
    )

    show = _command(commands, "show", "show a finding's document", _show)
    show.add_argument("finding_id", help="the id of the finding")

    history = _command(commands, "history", "show what happened to a finding", _history)
    history.add_argument("finding_id", help="the id of the finding")
    history.add_argument(
        "--limit", type=int, default=1000, metavar="N", help="most to list (default 1000)"
    )

    _command(commands, "stats", "count findings by state and priority", _stats)


def _command(commands: Any, name: str, text: str, work: Work) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    add_target(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(
        run=lambda options: on_existing(
            options, lambda database: work(FindingWorkflowStore(database), options), writes=False
        )
    )
    return parser


async def _list(store: FindingWorkflowStore, options: argparse.Namespace) -> int:
    if sum(map(bool, (options.state, options.assignee, options.overdue))) > 1:
        raise ConfigurationError("--state, --assignee and --overdue: give one")
    if options.state:
        found = await store.list_by_state(options.state, options.limit, history=False)
    elif options.assignee:
        found = await store.list_by_assignee(options.assignee, options.limit, history=False)
    elif options.overdue:
        found = await store.list_overdue(options.limit, history=False)
    else:
        found = await store.list_all(options.limit, history=False)
    if options.json:
        print_json(found)
        return 0
    names = ("finding_id", "current_state", "priority", "assigned_to", "due_date", "created_at")
    timestamps = {"due_date", "created_at"}
    print_table(
        names,
        (
            [_parsed(document[name]) if name in timestamps else document[name] for name in names]
            for document in found
        ),
    )
    return 0


async def _show(store: FindingWorkflowStore, options: argparse.Namespace) -> int:
    document = await store.get(options.finding_id)
    if document is None:
        raise FindingNotFoundError(options.finding_id)
    if options.json:
        print_json(document)
        return 0
    events = len(document.pop("history"))
    print_fields([*document.items(), ("history", f"{events} events")])
    return 0


async def _history(store: FindingWorkflowStore, options: argparse.Namespace) -> int:
    if await store.get_finding(options.finding_id) is None:
        raise FindingNotFoundError(options.finding_id)
    events = await store.get_history(options.finding_id, options.limit)
    if options.json:
        print_json([event.to_document() for event in events])
        return 0
    print_table(
        ("when", "event", "user", "from", "to", "comment"),
        (
            (
                event.occurred_at,
                event.event_type,
                event.user_name or event.user_id,
                event.from_state or event.old_value,
                event.to_state or event.new_value,
                event.comment,
            )
            for event in events
        ),
    )
    return 0


async def _stats(store: FindingWorkflowStore, options: argparse.Namespace) -> int:
    statistics = await store.get_statistics()
    if options.json:
        print_json(statistics.to_dict())
        return 0
    rows = {
        name: value
        for name, value in statistics.to_dict().items()
        if name not in {"by_state", "by_priority"}
    }
    rows |= {f"in state {state}": count for state, count in statistics.by_state.items()}
    rows |= {f"of priority {number}": count for number, count in statistics.by_priority.items()}
    print_table(("what", Column("count", right=True)), list(rows.items()))
    return 0


def _parsed(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

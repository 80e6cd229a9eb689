"""``aragora-sql elo leaderboard | explain | recompute``: a look at ratings, and their replay."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from typing import Any

from aragora_sql.cli.exit_codes import DIFFERENT
from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.cli.target import add_target, on_existing
from aragora_sql.stores.elo.records import AgentRating, DomainRating, RatingDifference
from aragora_sql.stores.elo.store import EloSystem

__all__ = ["add_commands"]

Work = Callable[[EloSystem, argparse.Namespace], Coroutine[Any, Any, int]]


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "elo",
        help="show the ratings of agents and what made them; replay all matches",
        epilog=examples(
            "elo leaderboard --domain law", "elo explain claude", "elo recompute --repair"
        ),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    board = _command(commands, "leaderboard", "list the agents with the highest ratings", _board)
    board.add_argument("--domain", help="by the ratings of a domain")
    board.add_argument(
        "--min-games", type=int, default=0, metavar="N", help="only who has played so often"
    )
    board.add_argument(
        "--limit", type=int, default=20, metavar="N", help="most to list (default 20)"
    )

    explain = _command(commands, "explain", "list what made an agent's rating", _explain)
    explain.add_argument("agent", help="the name of the agent")

    recompute = _command(
        commands,
        "recompute",
        "replay all matches, and say where ratings differ; whoever changes ratings waits meanwhile",
        _recompute,
        writes=True,
    )
    recompute.add_argument(
        "--from-match", metavar="DEBATE", help="begin with this debate, from the ratings then"
    )
    recompute.add_argument(
        "--repair", action="store_true", help="store what the replay gives where it differs"
    )


def _command(
    commands: Any, name: str, text: str, work: Work, *, writes: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    add_target(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(
        run=lambda options: on_existing(
            options, lambda database: work(EloSystem(database), options), writes=writes
        )
    )
    return parser


async def _board(store: EloSystem, options: argparse.Namespace) -> int:
    found = await store.get_leaderboard(options.limit, options.domain, options.min_games)
    if options.json:
        print_json([rating.to_dict() for rating in found])
        return 0
    numbers = ("elo", "+/-", "games", "wins", "losses", "draws")
    print_table(
        ("agent", *(Column(name, right=True) for name in numbers)),
        (
            (
                rating.agent_name,
                f"{_points(rating):.1f}",
                _width(rating),
                rating.debates_count,
                rating.wins,
                rating.losses,
                rating.draws,
            )
            for rating in found
        ),
    )
    return 0


def _points(rating: AgentRating) -> float:
    return rating.domain_elo if isinstance(rating, DomainRating) else rating.elo


def _width(rating: AgentRating) -> str:
    """Return half the interval that holds 95 %; of a domain nothing, its games have no scores."""
    interval = None if isinstance(rating, DomainRating) else rating.elo_interval()
    return "" if interval is None else f"{interval[1] - rating.elo:.0f}"


async def _explain(store: EloSystem, options: argparse.Namespace) -> int:
    found = await store.explain_rating(options.agent)
    if options.json:
        print_json(found.to_dict())
        return 0
    print_table(
        (
            "when",
            "what",
            "reference",
            "domain",
            Column("change", right=True),
            Column("elo", right=True),
        ),
        (
            (
                event.created_at,
                event.kind,
                event.reference,
                event.domain,
                f"{event.change:+.2f}",
                f"{event.elo:.2f}",
            )
            for event in found.events
        ),
        title=f"{found.agent_name}: {found.initial_elo:.1f} at first, {found.elo:.1f} now",
    )
    return 0


async def _recompute(store: EloSystem, options: argparse.Namespace) -> int:
    found = await store.recompute_ratings(options.from_match, repair=options.repair)
    if options.json:
        print_json(found.to_dict())
    else:
        if found.differences:
            print_table(
                (
                    "agent",
                    "what",
                    "of",
                    Column("stored", right=True),
                    Column("replayed", right=True),
                ),
                (_difference(one) for one in found.differences),
            )
        what = "repaired" if found.is_repaired else "differ"
        print(
            f"{found.matches} matches and {found.events} events of {found.agents} agents replayed: "
            f"{len(found.differences)} numbers {what}"
        )
    return DIFFERENT if found.differences and not found.is_repaired else 0


def _difference(one: RatingDifference) -> tuple[Any, ...]:
    return one.agent_name, one.field, one.domain or one.debate_id, one.stored, one.replayed

"""``aragora-sql privacy export | erase``: what is stored of a person, over all stores."""

from __future__ import annotations

import argparse
from typing import Any

from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.cli.target import add_target, on_existing
from aragora_sql.database import Database
from aragora_sql.privacy import erase_user, export_user

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "privacy",
        help="export or erase what is stored of a person, over all stores",
        epilog=examples("privacy export --user ann", "privacy erase --user ann --dry-run"),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    export = commands.add_parser("export", help="print as JSON what is stored of a user")
    _add_user(export)
    export.set_defaults(
        run=lambda options: on_existing(
            options, lambda database: _export(database, options), writes=False
        ),
        json=True,
    )

    erase = commands.add_parser(
        "erase",
        help="erase a user in one transaction, and say table by table what that did",
        description=(
            "Deletes the rows that are nothing but a user's own, and empties what is personal in "
            "others, where the user's id becomes NULL or a pseudonym. The markers [user], "
            "[personal] and [kept] in the comments of the schema files say which those are."
        ),
    )
    _add_user(erase)
    erase.add_argument("--dry-run", action="store_true", help="count, and change nothing")
    erase.add_argument("--json", action="store_true", help="print JSON")
    erase.set_defaults(
        run=lambda options: on_existing(
            options, lambda database: _erase(database, options), writes=not options.dry_run
        )
    )


def _add_user(parser: argparse.ArgumentParser) -> None:
    add_target(parser)
    parser.add_argument("--user", required=True, metavar="ID", help="the id of the user")


async def _export(database: Database, options: argparse.Namespace) -> int:
    print_json((await export_user(database, options.user)).to_dict())
    return 0


async def _erase(database: Database, options: argparse.Namespace) -> int:
    erasure = await erase_user(database, options.user, dry_run=options.dry_run)
    if options.json:
        print_json(erasure.to_dict())
        return 0
    would = "would be " if options.dry_run else ""
    print_table(
        ("store", "table", Column("rows", right=True), "what became of them"),
        [
            (one.store, one.table, one.rows, f"{would}{one.action}" if one.rows else "")
            for one in erasure.tables
        ],
    )
    return 0

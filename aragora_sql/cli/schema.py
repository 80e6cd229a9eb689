"""``aragora-sql schema apply | verify | show``: the schema of a database and its files."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from aragora_sql.cli.target import (
    add_target,
    chosen_dialect,
    open_existing,
    open_postgres,
    sqlite_path,
)
from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError
from aragora_sql.schema import (
    apply_schema,
    plan_schema,
    render_schema,
    store_names,
    verify_schema,
)
from aragora_sql.settings import Settings

__all__ = ["add_commands"]

Groups = Any  # argparse names no public type for what add_subparsers() returns
Work = Callable[[Database, argparse.Namespace], Coroutine[Any, Any, int]]


def add_commands(groups: Groups) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser("schema", help="create, upgrade, verify and print schemas")
    commands = group.add_subparsers(required=True, metavar="command")

    apply = commands.add_parser("apply", help="create the tables, or upgrade them")
    _add_target(apply)
    apply.add_argument("--dry-run", action="store_true", help="say what would be done")
    apply.set_defaults(run=lambda options: _on_database(_apply, options), existing=False)

    verify = commands.add_parser(
        "verify", help="compare a database with the files; exit code 1 when it differs"
    )
    _add_target(verify)
    verify.set_defaults(
        run=lambda options: _on_database(_verify, options), dry_run=True, existing=True
    )

    show = commands.add_parser("show", help="print the whole schema as one script")
    show.add_argument(
        "--dialect",
        choices=("postgres", "sqlite"),
        help="engine (default: as the environment says)",
    )
    show.set_defaults(run=_show)


def _add_target(parser: argparse.ArgumentParser) -> None:
    add_target(parser)
    parser.add_argument(
        "--store", action="append", metavar="NAME", help="only this store; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


async def _open(options: argparse.Namespace) -> Database:
    if chosen_dialect(options) == "postgres":
        return await open_postgres(options)
    if options.existing:
        return await open_existing(options, writes=False)
    from aragora_sql.database.sqlite import SQLiteDatabase

    path = sqlite_path(options)
    # Looking must not create the file: one that is not there is an empty database.
    return SQLiteDatabase(":memory:" if options.dry_run and not path.exists() else path)


def _on_database(work: Work, options: argparse.Namespace) -> int:
    async def run() -> int:
        database = await _open(options)
        try:
            known = store_names(database.dialect)
            for store in options.store or ():
                if store not in known:
                    raise ConfigurationError(
                        f"--store: there is no store {store!r}; there are {', '.join(known)}"
                    )
            return await work(database, options)
        finally:
            await database.close()

    return asyncio.run(run())


async def _apply(database: Database, options: argparse.Namespace) -> int:
    plans = await plan_schema(database, options.store)
    if not options.dry_run:
        await apply_schema(database, options.store)
    if options.json:
        print(json.dumps([plan.to_dict() for plan in plans]))
    else:
        for plan in plans:
            print(f"{plan.store}: {plan.describe(done=not options.dry_run)}")
    return 0


async def _verify(database: Database, options: argparse.Namespace) -> int:
    differences = await verify_schema(database, options.store)
    if options.json:
        print(json.dumps([difference.to_dict() for difference in differences]))
    elif differences:
        for difference in differences:
            print(difference)
        print(f"{len(differences)} differences", file=sys.stderr)
    else:
        stores = options.store or store_names(database.dialect)
        print(f"the schema is as the files say: {', '.join(stores)}")
    return 1 if differences else 0


def _show(options: argparse.Namespace) -> int:
    print(render_schema(options.dialect or Settings.from_env().backend), end="")
    return 0

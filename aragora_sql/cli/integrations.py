"""``aragora-sql integrations list | rotate-keys``: what is connected, and keys of its secrets."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.cli.target import add_target, open_existing
from aragora_sql.database import Database
from aragora_sql.doctor.schemas import stores_present
from aragora_sql.encryption import Keyring
from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.resealing import ResealedRejects, reseal_rejects
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.rotation import RotationResult
from aragora_sql.stores.with_secrets import WITH_SECRETS

__all__ = ["add_commands"]

Work = Callable[[Database, argparse.Namespace], Coroutine[Any, Any, int]]


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "integrations",
        help="list integrations; rotate the keys of secrets",
        epilog=examples("integrations list"),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    listing = commands.add_parser("list", help="list integrations, their secrets hidden")
    add_target(listing)
    listing.add_argument("--user", metavar="ID", help="only those of this user")
    listing.add_argument("--workspace", metavar="ID", help="only those of this workspace")
    listing.add_argument(
        "--limit", type=int, default=1000, metavar="N", help="most to list (default 1000)"
    )
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=lambda options: _on_database(_list, options), dry_run=True)

    rotate = commands.add_parser(
        "rotate-keys",
        help="encrypt all secrets with ARAGORA_ENCRYPTION_KEY; safe to stop and to repeat",
        description="Encrypts every secret that is under a key of ARAGORA_ENCRYPTION_KEYS_OLD, or "
        "in the clear, with ARAGORA_ENCRYPTION_KEY: those of integrations, of users' second "
        "factors, of mailboxes, of notifications, of webhooks, of federated regions and of "
        "connectors. Exit code 1 when no key fits some of them.",
    )
    add_target(rotate)
    rotate.add_argument(
        "--batch-size",
        type=int,
        default=100,
        metavar="N",
        help="integrations, users, mailboxes and so on in each transaction (default 100)",
    )
    rotate.add_argument("--dry-run", action="store_true", help="say what would be done")
    rotate.add_argument("--json", action="store_true", help="print the result as JSON")
    rotate.set_defaults(run=lambda options: _on_database(_rotate, options))


def _on_database(work: Work, options: argparse.Namespace) -> int:
    async def run() -> int:
        database = await open_existing(options, writes=not options.dry_run)
        try:
            return await work(database, options)
        finally:
            await database.close()

    return asyncio.run(run())


async def _list(database: Database, options: argparse.Namespace) -> int:
    if options.user and options.workspace:
        raise ConfigurationError("--user and --workspace: give one")
    # Nothing is decrypted, so no key is needed.
    store = IntegrationStore(database, Keyring())
    if options.workspace:
        found = await store.list_for_workspace(options.workspace, options.limit, decrypt=False)
    elif options.user:
        found = await store.list_for_user(options.user, options.limit, decrypt=False)
    else:
        found = await store.list_all(options.limit, decrypt=False)
    if options.json:
        print_json([{**config.to_dict(), "status": config.status} for config in found])
        return 0
    print_table(
        (
            *("user", "type", "status", "workspace"),
            Column("sent", right=True),
            Column("errors in 24 h", right=True),
            "last activity",
        ),
        (
            (
                config.user_id,
                config.type,
                config.status,
                config.workspace_id,
                config.messages_sent,
                config.errors_24h,
                config.last_activity,
            )
            for config in found
        ),
    )
    return 0


async def _rotate(database: Database, options: argparse.Namespace) -> int:
    def showing(what: str) -> Callable[[RotationResult], None]:
        return lambda result: print(
            f"{result.checked} of {result.total} {what}", file=sys.stderr, flush=True
        )

    keyring = Keyring.from_env()
    keyring.require("rotating keys")
    present = await stores_present(database)
    result = RotationResult(
        total=0, checked=0, changed=0, resealed=0, sealed=0, failed=[], dry_run=options.dry_run
    )
    if present["integrations"] is not None:
        result = await IntegrationStore(database, keyring).rotate_keys(
            batch_size=options.batch_size,
            dry_run=options.dry_run,
            on_progress=showing("integrations"),
        )
    others: dict[str, RotationResult | None] = {}
    for one in WITH_SECRETS:
        others[one.store] = None
        if present[one.store] is not None:
            others[one.store] = await one.make(database, keyring).rotate_keys(
                batch_size=options.batch_size,
                dry_run=options.dry_run,
                on_progress=showing(one.owners),
            )
    rejects = await reseal_rejects(database, keyring, dry_run=options.dry_run)
    failed = [*result.failed, *(one for other in others.values() if other for one in other.failed)]
    for problem in [*(failure.problem for failure in failed), *rejects.failed]:
        print(problem, file=sys.stderr)
    if options.json:
        print_json(
            {
                **result.to_dict(),
                **{name: other.to_dict() if other else None for name, other in others.items()},
                "rejects": rejects.to_dict(),
            }
        )
    else:
        print(_summary(result, "integrations"))
        for one in WITH_SECRETS:
            other = others[one.store]
            if other and other.checked:
                print(_summary(other, one.owners))
        if rejects.checked:
            print(_of_rejects(rejects, "would be" if result.dry_run else "were"))
    return 1 if failed or rejects.failed else 0


def _summary(result: RotationResult, what: str) -> str:
    verb = "would be" if result.dry_run else "were"
    return (
        f"{result.resealed} secrets {verb} encrypted again and {result.sealed} in the clear "
        f"encrypted, in {result.changed} of {result.checked} {what}; {len(result.failed)} failed"
    )


def _of_rejects(rejects: ResealedRejects, verb: str) -> str:
    folders = ", ".join(f"…-run{run}" for run in rejects.runs)
    return (
        f"{rejects.resealed} secrets {verb} encrypted again in {rejects.changed} of "
        f"{rejects.checked} rows that a migration rejected or merged; "
        f"{len(rejects.failed)} failed. The reject files of these migrations (folders {folders}) "
        "can't be reached from here: their secrets stay under the key that they had. Load them "
        "with 'aragora-sql migrate --retry-rejects' and run this again before you give up that "
        "key, or run the migration again, which writes new files"
    )

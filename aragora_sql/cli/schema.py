"""``aragora-sql schema apply | verify | repair | partition | show``: a schema and its files."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.partitions import add_partition_command
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import print_table
from aragora_sql.cli.target import add_target, chosen_dialect, open_existing, sqlite_path
from aragora_sql.cli.trees import add_server, add_tree, keep_server, tree_root
from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError, DatabaseTimeoutError, SchemaRightsError
from aragora_sql.queries.files import DIALECTS, check_tree, sql_dir
from aragora_sql.schema import (
    Inspection,
    apply_schema,
    apply_tenant_policies,
    inspect_schema,
    plan_repair,
    plan_schema,
    render_schema,
    repair_schema,
    store_names,
)
from aragora_sql.schema.records import record_versions
from aragora_sql.settings import Settings

__all__ = ["add_commands"]

Groups = Any  # argparse names no public type for what add_subparsers() returns
Work = Callable[[Database, argparse.Namespace], Coroutine[Any, Any, int]]

# The role of the application that tenant policies are made for, where none is named.
TENANT_ROLE = "aragora_app"
# How many differences `apply` names; `verify` names all.
_SHOWN = 5


def add_commands(groups: Groups) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "schema",
        help="create, upgrade, verify and print schemas",
        epilog=examples("schema apply --dry-run", "schema apply", "schema verify"),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    apply = commands.add_parser(
        "apply", help="create the tables, or upgrade them; does nothing where they are current"
    )
    _add_target(apply)
    apply.add_argument("--dry-run", action="store_true", help="say what would be done")
    apply.add_argument(
        "--tenant-policies",
        nargs="?",
        const=TENANT_ROLE,
        metavar="ROLE",
        help=(
            "make policies of row level security for a role of the application that does not own "
            f"the tables: it sees the rows of one tenant at a time (default: {TENANT_ROLE})"
        ),
    )
    apply.set_defaults(run=lambda options: _on_database(_apply, options), existing=False)

    verify = commands.add_parser(
        "verify", help="compare a database with the files; exit code 1 when it differs"
    )
    _add_target(verify)
    verify.add_argument("--sql", action="store_true", help="print the statements that repair it")
    verify.set_defaults(
        run=lambda options: _on_database(_verify, options), dry_run=True, existing=True
    )

    repair = commands.add_parser(
        "repair", help="show the statements of verify --sql, and run them when you agree"
    )
    _add_target(repair, json=False)
    repair.add_argument("--yes", action="store_true", help="run them without asking")
    repair.set_defaults(
        run=lambda options: _on_database(_repair, options), dry_run=False, existing=True
    )

    add_partition_command(commands)

    show = commands.add_parser(
        "show",
        help="print the whole schema, or that of some domains, as one script",
        epilog=examples("schema show --dialect postgres --domain users --domain audit"),
    )
    show.add_argument(
        "--domain",
        action="append",
        metavar="NAME",
        help=(
            "only the tables of this store, and those that its foreign keys need; may be repeated"
        ),
    )
    show.add_argument(
        "--dialect",
        choices=("postgres", "sqlite"),
        help="engine (default: as the environment says)",
    )
    show.set_defaults(run=_show)

    record = commands.add_parser(
        "record",
        help="write down the present version of each store's schema, for upgrades to be held to",
        description=(
            "Copies the schema of each store to versions/<dialect>/<store>/ of the tree, where its "
            "version is not there yet. 'aragora-sql check' proves upgrades from these copies."
        ),
    )
    add_tree(record)
    _add_stores(record)
    record.add_argument(
        "--replace",
        action="store_true",
        help="write it again: for a version that no database has yet",
    )
    record.set_defaults(run=_record)

    locks = commands.add_parser(
        "locks",
        help="what the upgrades lock on PostgreSQL, and for how long, measured on generated rows",
        description=(
            "Runs the upgrades from each recorded version on filled tables of a scratch database, "
            "and prints the statements that take time in proportion to the rows of a table. Needs "
            "aragora-sql[check]."
        ),
    )
    add_server(locks)
    add_tree(locks)
    _add_stores(locks)
    locks.add_argument("--json", action="store_true", help="print JSON")
    locks.set_defaults(run=_locks)

    before = commands.add_parser(
        "release-before",
        help="prove that the release before works on a database with today's schema",
        description=(
            "Runs the queries of another tree, that of the release before, on a database of its "
            "own schema and on one that was upgraded, with the same rows, and compares the "
            "answers. Exit code 1 when something differs. Needs aragora-sql[check]."
        ),
        epilog=examples("schema release-before ../last-release/sql"),
    )
    before.add_argument("before", type=Path, metavar="DIR", help="tree of the release before")
    add_server(before)
    add_tree(before)
    before.set_defaults(run=_release_before)

    new = commands.add_parser(
        "new-upgrade",
        help="write the upgrade from the recorded version of a store to its schema.sql",
        description=(
            "Compares schema.sql with the record of the present version on both engines, and "
            "writes the next upgrade in both dialects, with its version. Needs aragora-sql[check]."
        ),
        epilog=examples("schema new-upgrade jobs finds_jobs_by_user"),
    )
    new.add_argument("store", metavar="STORE", help="the store whose schema.sql was edited")
    new.add_argument("name", metavar="NAME", help="what it does, such as finds_jobs_by_user")
    add_server(new)
    add_tree(new)
    new.set_defaults(run=_new_upgrade)


def _add_stores(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", action="append", metavar="NAME", help="only this store; may be repeated"
    )


def _known_stores(root: Path, stores: list[str] | None) -> list[str] | None:
    known = {name for dialect in DIALECTS for name in store_names(dialect, root)}
    for store in stores or ():
        if store not in known:
            raise ConfigurationError(
                f"there is no store {store!r}; there are {', '.join(sorted(known))}"
            )
    return stores


def _locks(options: argparse.Namespace) -> int:
    from aragora_sql.checker.upgrade_proof import upgrade_work
    from aragora_sql.engines.engines import Engines
    from aragora_sql.engines.facts import read_facts
    from aragora_sql.engines.tree import read_tree

    root = tree_root(options)
    stores = _known_stores(root, options.store)
    with (
        working("running the upgrades", quiet=options.json),
        Engines(read_tree(root), options.dsn, keep=keep_server(options)) as engines,
    ):
        facts = read_facts(engines, stores)
        if facts.problems:
            raise ConfigurationError(f"the tree has to be mended first: {facts.problems[0]}")
        work = [w for w in upgrade_work(facts, engines) if stores is None or w.store in stores]
    if options.json:
        print_json([asdict(one) for one in work])
        return 0
    print_table(
        ("store", "version", "line", "statement", "does", "while it is locked", "lock", "pace"),
        [
            (
                *(one.store, one.version, one.line, one.statement),
                *(f"{one.does} {one.table}", one.locked, one.lock_name, one.pace),
            )
            for one in work
        ],
    )
    return 0


def _release_before(options: argparse.Namespace) -> int:
    from aragora_sql.checker.release_before import check_release_before
    from aragora_sql.engines.findings import render

    before = options.before.expanduser().absolute()
    check_tree(before, "DIR")
    with working("running the queries of the release before"):
        found = check_release_before(
            before, tree_root(options), options.dsn, keep=keep_server(options)
        )
    if found:
        print(render(found, "text"))
    _say(f"{len(found)} findings" if found else "the release before works on the upgraded database")
    return 1 if found else 0


def _new_upgrade(options: argparse.Namespace) -> int:
    from aragora_sql.checker.upgrade_writing import write_upgrade
    from aragora_sql.engines.engines import Engines
    from aragora_sql.engines.tree import read_tree

    root = tree_root(options)
    keep = keep_server(options)
    with (
        working("comparing the schema with its record"),
        Engines(read_tree(root), options.dsn, keep=keep) as engines,
    ):
        written = write_upgrade(engines, options.store, options.name)
    for path in written.paths:
        print(path)
    for sentence in written.left:
        _say(f"left to decide: {sentence}")
    _say(f"next: aragora-sql schema record --store {options.store} && aragora-sql check")
    return 0


def _record(options: argparse.Namespace) -> int:
    from aragora_sql.checker.kept import unpack

    root = tree_root(options)
    stores = _known_stores(root, options.store)
    unpack(root)
    for path in record_versions(root, stores, replace=options.replace):
        print(path)
    return 0


def _add_target(parser: argparse.ArgumentParser, *, json: bool = True) -> None:
    add_target(parser)
    parser.add_argument(
        "--store", action="append", metavar="NAME", help="only this store; may be repeated"
    )
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON")


async def _open(options: argparse.Namespace) -> Database:
    """Open the database: for looking so that nothing is made or changed."""
    if options.existing or chosen_dialect(options) == "postgres":
        return await open_existing(options, writes=not options.dry_run)
    from aragora_sql.database.sqlite import SQLiteDatabase

    path = sqlite_path(options)
    if options.dry_run and not path.exists():
        # A file that is not there is an empty database.
        return SQLiteDatabase(":memory:")
    return await open_existing(options, writes=False) if options.dry_run else SQLiteDatabase(path)


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
    role, scoped = options.tenant_policies, None
    if role is not None and (options.dry_run or options.store):
        raise ConfigurationError(
            "--tenant-policies is about all stores and made at once: it goes with neither "
            "--dry-run nor --store"
        )
    plans = await plan_schema(database, options.store)
    if not options.dry_run:
        await apply_schema(database, options.store, report=_say)
    if role is not None:
        scoped = await apply_tenant_policies(database, role, report=_say)
    if options.json:
        print(json.dumps([plan.to_dict() for plan in plans]))
    else:
        for plan in plans:
            print(f"{plan.store}: {plan.describe(done=not options.dry_run)}")
        if scoped is not None:
            print(f"tenant policies for role {role}: {', '.join(scoped)}")
    current = [plan.store for plan in plans if plan.present == plan.latest]
    if current:
        await _warn_of_damage(database, current, options)
    return 0


async def _warn_of_damage(
    database: Database, stores: list[str], options: argparse.Namespace
) -> None:
    """Say when stores have the right version and are not what it should be."""
    try:
        inspection = await _inspect(database, stores, options, briefly=True)
    except (SchemaRightsError, DatabaseTimeoutError) as error:
        _say(f"note: what is there was not compared with the files: {error}")
        return
    _warn(inspection)
    count = len(inspection.differences)
    if count:
        _say("warning: the database is not what the files say:")
        for difference in inspection.differences[:_SHOWN]:
            _say(f"  {difference}")
        if count > _SHOWN:
            _say(f"  and {count - _SHOWN} more")
        _say("'aragora-sql schema verify' names all, 'aragora-sql schema repair' repairs them")


async def _inspect(
    database: Database,
    stores: list[str] | None,
    options: argparse.Namespace,
    *,
    briefly: bool = False,
) -> Inspection:
    with working("comparing the database with the files", quiet=getattr(options, "json", False)):
        return await inspect_schema(database, stores, briefly=briefly)


async def _verify(database: Database, options: argparse.Namespace) -> int:
    inspection = await _inspect(database, options.store, options)
    if options.json and options.sql:
        raise ConfigurationError("--json and --sql are two forms of output; give one")
    if options.json:
        print(json.dumps([difference.to_dict() for difference in inspection.differences]))
    elif options.sql:
        print(plan_repair(inspection, database.dialect).script(), end="")
    _warn(inspection)
    return _outcome(inspection, shown=options.json or options.sql)


async def _repair(database: Database, options: argparse.Namespace) -> int:
    inspection = await _inspect(database, options.store, options)
    if not inspection.differences:
        return _outcome(inspection)
    repair = plan_repair(inspection, database.dialect)
    print(repair.script(), end="", flush=True)
    count = len(repair.statements) + len(repair.concurrent)
    if not count:
        _say("there is nothing that this command repairs")
        return 1
    if not options.yes:
        if not sys.stdin.isatty():
            raise ConfigurationError("add --yes to run these statements without being asked")
        answer = await asyncio.to_thread(input, f"Run these {count} statements? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            _say("nothing was run")
            return 1
    await repair_schema(database, repair, report=_say)
    return _outcome(await _inspect(database, options.store, options))


def _outcome(inspection: Inspection, *, shown: bool = False) -> int:
    """Print what differs, unless it was shown, and return the exit code."""
    differences = inspection.differences
    if not shown:
        for difference in differences:
            print(difference)
        if not differences:
            print(f"the schema is as the files say: {', '.join(inspection.stores)}")
    if differences:
        _say("1 difference" if len(differences) == 1 else f"{len(differences)} differences")
    return 1 if differences else 0


def _warn(inspection: Inspection) -> None:
    for warning in inspection.warnings:
        _say(f"warning: {warning}")


def _say(sentence: str) -> None:
    """Say something beside the result."""
    print(sentence, file=sys.stderr, flush=True)


def _show(options: argparse.Namespace) -> int:
    dialect = options.dialect or Settings.from_env().backend
    stores = _known_stores(sql_dir(), options.domain)
    print(render_schema(dialect, stores=stores), end="")
    return 0

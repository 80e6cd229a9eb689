"""``aragora-sql audit verify | anchor | prove | check-proof | export``: immutable entries."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aragora_sql.cli.exit_codes import DIFFERENT
from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.cli.target import add_target, on_existing
from aragora_sql.errors import AnchorNotFoundError, ConfigurationError
from aragora_sql.stores.audit.proofs import verify_proof
from aragora_sql.stores.audit.records import EXPORT_FORMATS, AuditVerification
from aragora_sql.stores.audit.store import MAIN_CHAIN, AuditStore

__all__ = ["add_commands"]

Work = Callable[[AuditStore, argparse.Namespace], Coroutine[Any, Any, int]]

ANCHORS_AT_ONCE = 1000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "audit",
        help="verify the chains of audit entries, anchor their days, prove and export entries",
        epilog=examples(
            "audit verify --anchors",
            "audit anchor --date 2026-02-12 --json",
            "audit export --from 2026-02-01 --format csv",
        ),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    verify = _command(
        commands,
        "verify",
        "look through chains, and name entries that were changed, removed or added",
        _verify,
    )
    verify.add_argument("--chain", help="only this chain (default: all)")
    verify.add_argument(
        "--from-sequence", type=int, metavar="N", help="begin with this entry; needs --chain"
    )
    verify.add_argument(
        "--to-sequence", type=int, metavar="N", help="end with this entry; needs --chain"
    )
    verify.add_argument(
        "--anchors", action="store_true", help="compare the days with their anchors, too"
    )

    anchor = _command(
        commands,
        "anchor",
        "store the root over the entries of a day that is over, and print it; a day keeps it",
        _anchor,
        writes=True,
    )
    anchor.add_argument("--date", metavar="DAY", help="such as 2026-02-12, in UTC (yesterday)")
    anchor.add_argument("--chain", default=MAIN_CHAIN, help="of this chain (default: main)")

    prove = _command(
        commands,
        "prove",
        "print the proof that an entry is among those of its day's anchor, as JSON",
        _prove,
        has_json=False,
    )
    prove.add_argument("entry", help="the identifier of the entry")

    check = commands.add_parser("check-proof", help="check a proof, without a database")
    check.add_argument("file", type=Path, help="what audit prove has printed")
    check.add_argument("--root", help="the root of the anchor, as it was kept elsewhere")
    check.set_defaults(run=_check_proof)

    export = _command(
        commands,
        "export",
        "print the entries of a time, or write them to a file",
        _export,
        has_json=False,
    )
    export.add_argument(
        "--from", dest="start", metavar="TIME", help="such as 2026-02-01, in UTC (the first entry)"
    )
    export.add_argument(
        "--to", dest="end", metavar="TIME", help="the last that is among them (default: now)"
    )
    export.add_argument("--format", choices=EXPORT_FORMATS, default="jsonl", help="default jsonl")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    export.add_argument("--chain", default=MAIN_CHAIN, help="of this chain (default: main)")


def _command(
    commands: Any,
    name: str,
    text: str,
    work: Work,
    *,
    writes: bool = False,
    has_json: bool = True,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    add_target(parser)
    if has_json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(
        run=lambda options: on_existing(
            options, lambda database: work(AuditStore(database), options), writes=writes
        )
    )
    return parser


async def _verify(store: AuditStore, options: argparse.Namespace) -> int:
    bounds = (options.from_sequence, options.to_sequence)
    if options.chain is None and any(bound is not None for bound in bounds):
        raise ConfigurationError("--from-sequence and --to-sequence need --chain")
    names = [options.chain] if options.chain else [one.chain for one in await store.list_chains()]
    found: list[tuple[str, AuditVerification]] = []
    for name in names:
        found.append(("", await store.verify_integrity(*bounds, chain=name)))
        if options.anchors:
            found += await _verify_anchors(store, name)
    if options.json:
        print_json([{**one.to_dict(), "date": day or None} for day, one in found])
    else:
        _show(found)
    return 0 if all(one.is_valid for _, one in found) else DIFFERENT


async def _verify_anchors(store: AuditStore, chain: str) -> list[tuple[str, AuditVerification]]:
    found: list[tuple[str, AuditVerification]] = []
    last = None
    while page := await store.list_anchors(limit=ANCHORS_AT_ONCE, after=last, chain=chain):
        found += [
            (anchor.date, await store.verify_anchor(anchor.date, chain=chain)) for anchor in page
        ]
        last = page[-1]
    return found


def _show(found: list[tuple[str, AuditVerification]]) -> None:
    if not found:
        print("there are no chains")
        return
    print_table(
        (
            "chain",
            "day",
            Column("entries", right=True),
            Column("errors", right=True),
            "first error",
        ),
        (
            (
                one.chain,
                day,
                one.entries_checked,
                one.error_count,
                "" if one.first_error_sequence is None else one.first_error_sequence,
            )
            for day, one in found
        ),
    )
    for day, one in found:
        for said in (*one.errors, *one.warnings):
            print(f"{one.chain}{f' {day}' if day else ''}: {said}")


async def _anchor(store: AuditStore, options: argparse.Namespace) -> int:
    anchor = await store.create_daily_anchor(options.date, chain=options.chain)
    if options.json:
        print_json(None if anchor is None else anchor.to_dict())
    elif anchor is None:
        print(f"chain {options.chain} has no entries of that day")
    else:
        print(
            f"{anchor.date}: {anchor.entry_count} entries, {anchor.first_sequence} to "
            f"{anchor.last_sequence}, root {anchor.merkle_root}"
        )
    return 0


async def _prove(store: AuditStore, options: argparse.Namespace) -> int:
    try:
        proof = await store.prove(options.entry)
    except AnchorNotFoundError as error:
        print(f"aragora-sql: {error}; aragora-sql audit anchor makes it", file=sys.stderr)
        return DIFFERENT
    print_json(proof.to_dict())
    return 0


def _check_proof(options: argparse.Namespace) -> int:
    try:
        proof = json.loads(options.file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{options.file}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{options.file}: no JSON: {error}") from error
    is_valid = verify_proof(proof, options.root)
    against = "the root that was given" if options.root else "its own root only: give --root"
    print(f"the proof {'holds' if is_valid else 'does not hold'}, compared with {against}")
    return 0 if is_valid else DIFFERENT


async def _export(store: AuditStore, options: argparse.Namespace) -> int:
    start = BEGINNING if options.start is None else _time(options.start, "--from")
    end = datetime.now(UTC) if options.end is None else _time(options.end, "--to")
    if options.output is not None:
        path = await store.export_range(
            start, end, options.format, options.output, chain=options.chain
        )
        print(path, file=sys.stderr)
        return 0
    async for piece in store.export_pieces(start, end, options.format, chain=options.chain):
        sys.stdout.write(piece)
    return 0


def _time(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{option}: {text!r} is no time such as 2026-02-12 or 2026-02-12T16:42:57+00:00"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found

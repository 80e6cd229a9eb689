"""``aragora-sql check --mutate``: which small edits of the queries a check would notice."""

from __future__ import annotations

import argparse
import json
import sys

from aragora_sql.checker.check import Options, check_mutations
from aragora_sql.checker.mutating.result import (
    APART,
    LEAST,
    PLAN,
    UNNOTICED,
    Mutated,
    Outcome,
    Undecided,
)
from aragora_sql.cli.exit_codes import DIFFERENT, OK
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.engines.findings import shown_path
from aragora_sql.errors import ConfigurationError

__all__ = ["mutate"]

_ANSWERS = "meaning"


def mutate(options: argparse.Namespace, wanted: Options) -> int:
    """Run the command and return its exit code."""
    updates = ("update_plans", "update_answers", "update_style", "afresh")
    for name in (*updates, "watch", "since", "skip"):
        if getattr(options, name):
            raise ConfigurationError(f"--mutate and --{name.replace('_', '-')} are two commands")
    with working("reading the tree", quiet=options.format == "json") as say:
        mutated = check_mutations(wanted, say)
    if options.format == "json":
        print(
            json.dumps(
                {
                    "least": LEAST,
                    "versions": mutated.versions,
                    "seconds": round(mutated.seconds, 1),
                    "stores": [store.to_dict() for store in mutated.stores],
                },
                indent=2,
            )
        )
    else:
        _print(mutated)
    edits = sum(len(store.outcomes) for store in mutated.stores)
    print(
        f"{edits} edits on {mutated.versions} in {mutated.seconds:.1f} s: "
        + ("not all stores pass" if mutated.failed else f"at least {LEAST:.0%} of each store"),
        file=sys.stderr,
        flush=True,
    )
    return DIFFERENT if mutated.failed else OK


def _print(mutated: Mutated) -> None:
    for store in mutated.stores:
        for finding in store.findings:
            print(finding)
        for name in store.differing:
            print(f"{store.store}.{name}: the answers differ without an edit: aragora-sql check")
        for outcome in store.unnoticed:
            after = f"becomes {_line(outcome.after)}" if outcome.after.strip() else "is dropped"
            print(f"{_place(outcome)}: unnoticed {outcome.kind}: {outcome.before} {after}")
        for one in store.undecided:
            print(f"{_place(one)}: undecided condition, never {one.missing}: {one.condition}")
    columns: list[str | Column] = [
        "store",
        *(
            Column(heading, right=True)
            for heading in (
                *("edits", "noticed", "by answers", "by other rules", "by plans alone"),
                *("unnoticed", *APART, "conditions", "undecided"),
            )
        ),
    ]
    rows = []
    for store in mutated.stores:
        verdicts = store.verdicts
        answers, plans, unnoticed = verdicts[_ANSWERS], verdicts[PLAN], verdicts[UNNOTICED]
        rows.append(
            (
                store.store,
                store.counted,
                # Rounded down: 94.99 % is not 95 %.
                f"{int(store.share * 1000) / 10:.1f} %",
                answers,
                store.counted - answers - plans - unnoticed,
                plans,
                unnoticed,
                *(verdicts[reason] for reason in APART),
                store.conditions,
                len(store.undecided),
            )
        )
    print_table(columns, rows)


def _place(found: Outcome | Undecided) -> str:
    return f"{shown_path(found.path)}:{found.line}:{found.column}"


def _line(text: str) -> str:
    return " ".join(text.split())

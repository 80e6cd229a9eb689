"""``aragora-sql column add``: a column in schemas, upgrades, queries, types and records."""

from __future__ import annotations

import argparse
import difflib
import sys
import tempfile
from pathlib import Path
from typing import Any

from aragora_sql.checker.adding_columns import Added, add_column
from aragora_sql.checker.check import Options
from aragora_sql.checker.column_types import TYPES, new_column
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.trees import (
    add_python,
    add_server,
    add_tree,
    keep_server,
    python_folders,
    tree_root,
)
from aragora_sql.engines.findings import render, shown_path

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    parser = groups.add_parser(
        "column",
        help="add a column, and all that follows from it",
        description="Adds columns to the tables of a store.",
    )
    actions = parser.add_subparsers(title="commands", required=True, metavar="command")
    parser = actions.add_parser(
        "add",
        help="add a column: schema and upgrade in both dialects, queries, types, record class",
        description=(
            "Adds a column to a table of a store: the schema and an upgrade in both dialects with "
            "the next version, every query that lists whole rows, the plans, the types and the "
            "record class. The edits are proved in a copy by a check; only then they are written."
        ),
        epilog=examples(
            "column add critique debates language text --comment 'Such as en.'",
            "column add jobs job_queue region text --default eu --dry-run",
        ),
    )
    parser.add_argument("store", help="store, such as critique")
    parser.add_argument("table", help="table of the store, such as debates")
    parser.add_argument("name", help="name of the column")
    parser.add_argument("type", help=", ".join(TYPES))
    parser.add_argument("--default", metavar="VALUE", help="value of rows that give none")
    parser.add_argument("--not-null", action="store_true", help="never NULL; needs --default")
    parser.add_argument("--comment", metavar="TEXT", help="what the column is for")
    parser.add_argument("--dry-run", action="store_true", help="print the difference only")
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="RULE",
        help="leave a rule of the check out; may be repeated",
    )
    add_server(parser)
    add_tree(parser)
    add_python(parser, "folder of more records and code, beside this package; may be repeated")
    parser.set_defaults(run=_add)


def _add(options: argparse.Namespace) -> int:
    column = new_column(
        options.name,
        options.type,
        options.default,
        not_null=options.not_null,
        comment=options.comment,
    )
    wanted = Options(
        root=tree_root(options),
        python=python_folders(options),
        skip=frozenset(options.skip),
        dsn=options.dsn,
        keep=keep_server(options),
    )
    with (
        tempfile.TemporaryDirectory(prefix="aragora-column-") as folder,
        working("reading the tree") as say,
    ):
        added = add_column(
            wanted, options.store, options.table, column, Path(folder).resolve(), say
        )
    _print(added)
    if any(finding.level == "error" for finding in added.findings):
        print("nothing was written: the check of a copy has findings", file=sys.stderr)
        return 1
    if not options.dry_run:
        for path, (_, text) in added.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
    what = "would be written" if options.dry_run else "written"
    print(f"{len(added.files)} files {what}", file=sys.stderr)
    return 0


def _print(added: Added) -> None:
    for path, (before, after) in added.files.items():
        name = shown_path(path)
        lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
        sys.stdout.writelines(difflib.unified_diff(*lines, name, name))
    sys.stdout.flush()
    text = render(added.findings, "text")
    if text:
        print(text, file=sys.stderr)
    if added.records:
        print(f"record classes: {', '.join(added.records)}", file=sys.stderr)
    for line in added.by_hand:
        print(f"by hand: {line}", file=sys.stderr)

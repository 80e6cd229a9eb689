"""``aragora-sql docs``: every store, table and query as a folder of pages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.queries import add_scratch, keeps
from aragora_sql.workbench.entries import read_query_entries
from aragora_sql.workbench.site import write_site

__all__ = ["add_commands"]

DEFAULT_FOLDER = "sql-docs"


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    docs = groups.add_parser(
        "docs",
        help="write pages about every store, table and query, for a browser",
        epilog=examples("docs --output pages"),
    )
    docs.add_argument(
        "--output",
        type=Path,
        default=Path(DEFAULT_FOLDER),
        metavar="DIR",
        help=f"folder of the pages (default: {DEFAULT_FOLDER})",
    )
    add_scratch(docs)
    docs.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    with working("reading the files") as say:
        queries = read_query_entries(dsn=options.dsn, keep=keeps(options), say=say)
        say("writing the pages")
        write_site(queries, options.output)
    print(options.output / "index.html")
    for problem in queries.facts.problems:
        print(problem, file=sys.stderr)
    if queries.missing is not None:
        print(queries.missing, file=sys.stderr)
    return 1 if queries.facts.problems else 0

"""``aragora-sql top``: which queries the server spends its time on."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from aragora_sql.cli.output import base_of_places, relative, whole_number
from aragora_sql.cli.parser import examples
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.cli.target import add_postgres_target, open_postgres
from aragora_sql.queries.files import sql_dir
from aragora_sql.workbench.top import OTHER, SORT_KEYS, Usage, read_usage

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    top = groups.add_parser(
        "top",
        help="which queries a PostgreSQL server spends its time on, with file and line",
        epilog=examples("top --limit 5 --sort calls"),
    )
    add_postgres_target(top)
    top.add_argument(
        "--limit", type=whole_number, default=20, metavar="N", help="how many (default 20)"
    )
    top.add_argument("--sort", choices=SORT_KEYS, default="total", help="by what (default total)")
    top.add_argument("--json", action="store_true", help="print JSON")
    top.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    usages = asyncio.run(_read(options))
    shown = usages[: options.limit]
    if options.json:
        print(json.dumps([usage.to_dict() for usage in shown]))
        return 0
    if not usages:
        print("the server has counted no statement in this database yet")
        return 0
    _show(shown, total=sum(usage.total_ms for usage in usages))
    return 0


async def _read(options: argparse.Namespace) -> list[Usage]:
    database = await open_postgres(options)
    try:
        return await read_usage(database, options.sort)
    finally:
        await database.close()


def _show(usages: list[Usage], total: float) -> None:
    base = base_of_places(sql_dir())
    print_table(
        (
            "query",
            Column("calls", right=True, form=","),
            Column("total ms", right=True, form=",.1f"),
            Column("share", right=True, form=".0%"),
            Column("mean ms", right=True, form=",.3f"),
            Column("rows", right=True, form=","),
            "where",
            Column("statement", cuts=True),
        ),
        (
            (
                usage.name,
                usage.calls,
                usage.total_ms,
                usage.total_ms / total if total else None,
                usage.mean_ms,
                usage.row_count,
                *_where(usage, base),
            )
            for usage in usages
        ),
    )


def _where(usage: Usage, base: Path) -> tuple[str | None, str | None]:
    """Return the place of a query, and the text of what is none."""
    if usage.name == OTHER:
        return None, usage.text
    return relative(usage.location, base) or "not in these SQL files", None

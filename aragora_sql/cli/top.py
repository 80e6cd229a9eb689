"""``aragora-sql top``: which queries the server spends its time on."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from rich.console import Console
from rich.text import Text

from aragora_sql.cli.output import new_console, new_table, relative, whole_number
from aragora_sql.cli.target import add_postgres_target, open_postgres
from aragora_sql.workbench.top import OTHER, SORT_KEYS, Usage, read_usage

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    top = groups.add_parser(
        "top", help="which queries a PostgreSQL server spends its time on, with file and line"
    )
    add_postgres_target(top)
    top.add_argument("--limit", type=whole_number, default=20, help="how many (default 20)")
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
    _show(new_console(), shown, total=sum(usage.total_ms for usage in usages))
    return 0


async def _read(options: argparse.Namespace) -> list[Usage]:
    database = await open_postgres(options)
    try:
        return await read_usage(database, options.sort)
    finally:
        await database.close()


def _show(console: Console, usages: list[Usage], total: float) -> None:
    table = new_table()
    table.add_column("query", no_wrap=True)
    for heading in ("calls", "total ms", "share", "mean ms", "rows"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("where")
    for usage in usages:
        if usage.name == OTHER:
            where = Text(usage.text, style="dim", overflow="ellipsis", no_wrap=True)
        else:
            where = Text(relative(usage.location) or "not in these SQL files", overflow="fold")
        table.add_row(
            Text(usage.name, style="dim" if usage.name == OTHER else ""),
            f"{usage.calls:,}",
            f"{usage.total_ms:,.1f}",
            f"{usage.total_ms / total:.0%}" if total else "",
            f"{usage.mean_ms:,.3f}",
            f"{usage.row_count:,}",
            where,
        )
    console.print(table)

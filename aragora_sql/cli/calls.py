"""``aragora-sql run`` and ``explain``: a named query on a database of the user's."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from rich.text import Text

from aragora_sql.cli.output import counted, is_screen, new_console, plain, relative
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import fits, print_fields, print_table
from aragora_sql.cli.target import add_target, chosen_dialect, open_existing
from aragora_sql.database import Database, Row
from aragora_sql.errors import ConfigurationError
from aragora_sql.workbench.arguments import convert, parse_assignments
from aragora_sql.workbench.calls import explain_query, run_query, writes
from aragora_sql.workbench.names import NamedQuery, find_query
from aragora_sql.workbench.types import types_of_parameters

__all__ = ["add_commands"]

Work = Callable[
    [Database, NamedQuery, dict[str, Any], argparse.Namespace], Coroutine[Any, Any, int]
]

_PARAMETERS = """\
Parameters: name=value is read by the type of the parameter: text, 10, 0.5, true or false, a
timestamp such as 2026-02-12T16:42:57Z, JSON for lists and documents, hexadecimal digits for bytes.
name:=json is JSON whatever the type, and name:=null is null.

"""
_ONE = "critique.get_debate -p debate_id=debate-1"
_SEVERAL = """critique.list_debates -p 'debate_ids=["d-1", "d-2"]'"""


def add_commands(groups: Any) -> None:
    """Add the commands to the parser of ``aragora-sql``."""
    run = groups.add_parser(
        "run",
        help="run a named query; writes need --write",
        epilog=_PARAMETERS
        + examples(
            f"run {_ONE}",
            f"run {_SEVERAL}",
            "run critique.delete_debate -p debate_id=debate-1 --write",
        ),
    )
    _add_call(run)
    run.add_argument("--write", action="store_true", help="allow it to write, and commit")
    run.set_defaults(run=lambda options: _on_query(_run, options))

    explain = groups.add_parser(
        "explain",
        help="show how the engine runs a named query, without running it",
        epilog=_PARAMETERS + examples(f"explain {_ONE}", f"explain {_SEVERAL}"),
    )
    _add_call(explain)
    explain.add_argument("--analyze", action="store_true", help="run it, and undo what it writes")
    explain.add_argument(
        "--write", action="store_true", help="with --analyze: commit what it writes"
    )
    explain.set_defaults(run=lambda options: _on_query(_explain, options))


def _add_call(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="STORE.QUERY", help="such as consensus.find_similar")
    parser.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter; name:=json gives it as JSON; may be repeated",
    )
    add_target(parser)
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long it may run (default 60)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _on_query(work: Work, options: argparse.Namespace) -> int:
    given = parse_assignments(options.param)
    query = find_query(options.query, chosen_dialect(options))
    query.check_parameters(given)
    if options.write and getattr(options, "analyze", True) is False:
        raise ConfigurationError("--write goes with --analyze: nothing is run without it")
    writing = writes(query) and (options.write or getattr(options, "analyze", False))

    async def run() -> int:
        database = await open_existing(options, writes=writing, statement_timeout=options.timeout)
        try:
            with working("asking for the types of the parameters", quiet=options.json):
                types = await types_of_parameters(database, query)
            return await work(database, query, convert(given, types), options)
        finally:
            await database.close()

    return asyncio.run(run())


async def _run(
    database: Database, query: NamedQuery, parameters: dict[str, Any], options: argparse.Namespace
) -> int:
    with working(f"running {query}", quiet=options.json):
        result = await run_query(database, query, parameters, write=options.write)
    if options.json:
        print(json.dumps(result, default=plain, ensure_ascii=False))
    elif isinstance(result, list):
        _print_rows(result)
    elif query.text.operation == "^":
        if result is None:
            print("no row", file=sys.stderr)
        else:
            _print_upright(result)
    elif query.text.operation in {"!", "*!"}:
        print(f"{counted(result)} changed")
    elif query.text.operation != "#":
        print(_cell(result))
    return 0


def _print_rows(rows: list[Row]) -> None:
    """Print rows as a table, or where that is too wide one below the other."""
    console = new_console()
    if rows:
        columns = list(rows[0])
        cells = [[_cell(value) for value in row.values()] for row in rows]
        if fits(columns, cells, console):
            print_table(columns, cells, console=console)
        else:
            for number, row in enumerate(rows, start=1):
                console.print(Text(f"row {number}", style="dim"))
                _print_upright(row)
    # Rows in a pipe are for another program.
    print(counted(len(rows)), file=sys.stdout if is_screen(console) else sys.stderr)


def _print_upright(row: Row) -> None:
    print_fields((column, _cell(value)) for column, value in row.items())


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return json.dumps(value, default=plain, ensure_ascii=False)
    return str(plain(value))


async def _explain(
    database: Database, query: NamedQuery, parameters: dict[str, Any], options: argparse.Namespace
) -> int:
    with working(f"explaining {query}", quiet=options.json):
        plan = await explain_query(
            database,
            query,
            parameters,
            analyze=options.analyze,
            keep=options.write,
            as_json=options.json,
        )
    written = options.analyze and writes(query)
    if options.json:
        document = {
            "query": str(query),
            "location": query.location,
            "dialect": query.dialect,
            "plan": plan.document,
            "milliseconds": plan.milliseconds,
            "row_count": plan.row_count,
            "committed": written and options.write,
        }
        print(json.dumps(document, default=plain, ensure_ascii=False))
        return 0
    print(f"{query}  {relative(query.location)}")
    print("\n".join(plan.lines) or "(SQLite reads no table for it)")
    if plan.milliseconds is not None and plan.row_count is not None:
        print(f"{counted(plan.row_count)} in {plan.milliseconds:.3f} ms")
    if written:
        print("what it wrote was committed" if options.write else "what it wrote was rolled back")
    return 0

"""``aragora-sql queries`` and ``show``: the named queries and what the engines know of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from aragora_sql.cli.output import base_of_places, is_screen, new_console, plain, relative
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import print_table
from aragora_sql.database import Dialect
from aragora_sql.errors import InvalidInputError
from aragora_sql.queries.files import DIALECTS
from aragora_sql.workbench.entries import Entry, QueryEntries, read_query_entries
from aragora_sql.workbench.highlight import lexer
from aragora_sql.workbench.names import check_store, find_query

__all__ = ["add_commands", "add_scratch", "keeps"]

_SCRATCH_DSN = (
    "PostgreSQL server to ask, in a scratch database of its own (default: one that is started)"
)
_TITLES = {"postgres": "PostgreSQL", "sqlite": "SQLite"}
# Two columns of SQL side by side need room for about this many characters.
_SIDE_BY_SIDE = 120


def add_commands(groups: Any) -> None:
    """Add the commands to the parser of ``aragora-sql``."""
    queries = groups.add_parser(
        "queries", help="list the named queries", epilog=examples("queries critique")
    )
    queries.add_argument("store", nargs="?", metavar="STORE", help="only those of one store")
    add_scratch(queries)
    queries.add_argument("--json", action="store_true", help="print JSON")
    queries.set_defaults(run=_queries)

    show = groups.add_parser(
        "show",
        help="show a query in both dialects, with its plans",
        epilog=examples("show critique.list_debates"),
    )
    show.add_argument("query", metavar="STORE.QUERY", help="such as consensus.find_similar")
    add_scratch(show)
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=_show)


def add_scratch(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where PostgreSQL is asked about the files."""
    parser.add_argument("--dsn", help=_SCRATCH_DSN)
    parser.add_argument(
        "--no-keep",
        action="store_true",
        help="end our own PostgreSQL with the command; by default the next one finds it running",
    )


def keeps(options: argparse.Namespace) -> bool:
    """Tell whether our own PostgreSQL runs on for the next command."""
    # Where a machine is thrown away after each run, nothing is left to find.
    return not (options.no_keep or os.environ.get("CI"))


def _queries(options: argparse.Namespace) -> int:
    if options.store is not None:
        _in_either_dialect(check_store, options.store)
    stores = None if options.store is None else [options.store]
    with working("reading the files", quiet=options.json) as say:
        found = read_query_entries(
            stores, plans=False, dsn=options.dsn, keep=keeps(options), say=say
        )
    if options.json:
        print(json.dumps([entry.to_dict() for entry in found.entries], default=plain))
    else:
        _print_table(found)
    return _report_problems(found)


def _in_either_dialect(find: Any, name: str) -> None:
    """Find a name in one dialect's files; what is missing in the other is shown as missing."""
    try:
        find(name, "postgres")
    except InvalidInputError as error:
        try:
            find(name, "sqlite")
        except InvalidInputError:
            raise error from None


def _print_table(found: QueryEntries) -> None:
    base = base_of_places(found.root)
    print_table(
        ("query", "returns", "parameters", "reads", "writes", *_TITLES.values()),
        (
            (
                str(entry),
                entry.operation,
                ", ".join(entry.text.parameters),
                ", ".join(entry.reads),
                ", ".join(entry.writes),
                *(_location(entry, dialect, base) for dialect in DIALECTS),
            )
            for entry in found.entries
        ),
    )


def _location(entry: Entry, dialect: Dialect, base: Path | None = None) -> str | None:
    text = entry.texts.get(dialect)
    return None if text is None else relative(f"{text.path}:{text.line}", base)


def _report_problems(found: QueryEntries) -> int:
    """Say what the engines refuse, which is therefore not shown in full."""
    for problem in found.facts.problems:
        print(problem, file=sys.stderr)
    if found.missing is not None:
        print(found.missing, file=sys.stderr)
    return 1 if found.facts.problems else 0


def _show(options: argparse.Namespace) -> int:
    _in_either_dialect(find_query, options.query)
    store, _, name = options.query.partition(".")
    with working("reading the files", quiet=options.json) as say:
        found = read_query_entries([store], dsn=options.dsn, keep=keeps(options), say=say)
    (entry,) = (entry for entry in found.entries if entry.name == name)
    if options.json:
        print(json.dumps(entry.to_dict(), default=plain))
    else:
        _print_entry(new_console(), entry, asked=found.missing is None)
    return _report_problems(found)


def _print_entry(console: Console, entry: Entry, *, asked: bool) -> None:
    _print_text(console, f"{entry}({', '.join(entry.text.parameters)})", "bold")
    _print_text(console, f"returns {entry.operation}", "dim")
    # The comment's own line ends are for an editor.
    _print_text(console, " ".join(entry.text.doc.split()))
    for kind, tables in (("reads", entry.reads), ("writes", entry.writes)):
        if tables:
            _print_text(console, f"{kind} {', '.join(tables)}")
    for heading, rows in (("parameter", _parameters(entry)), ("result", _columns(entry))):
        if rows:
            console.print()
            print_table((heading, *_TITLES.values(), "Python", "null"), rows, console=console)
    console.print()
    sides = [_side(entry, dialect, asked=asked) for dialect in DIALECTS]
    if not is_screen(console):
        # What reads a pipe takes one after the other, and no line broken.
        for side in sides:
            for part in side:
                _print_text(console, part.code.rstrip() if isinstance(part, Syntax) else part.plain)
            console.print()
        return
    panes = [Padding(Group(*side), (0, 0, 1, 0)) for side in sides]
    if console.width < _SIDE_BY_SIDE:
        console.print(Group(*panes))
        return
    grid = Table.grid(expand=True, padding=(0, 2))
    for _ in sides:
        grid.add_column(ratio=1)
    grid.add_row(*panes)
    console.print(grid)


def _print_text(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=not is_screen(console))


def _parameters(entry: Entry) -> list[tuple[str, ...]]:
    by_dialect = {
        dialect: {parameter.name: parameter for parameter in facts.parameters}
        for dialect, facts in entry.facts.items()
    }
    rows: list[tuple[str, ...]] = []
    for name in entry.text.parameters:
        known = [parameters[name] for parameters in by_dialect.values() if name in parameters]
        if known:
            # SQLite has no types of parameters.
            best = known[0]
            null = "may be" if any(parameter.nullable for parameter in known) else ""
            rows.append((name, best.type or "", "", best.python_type or "", null))
    return rows


def _columns(entry: Entry) -> list[tuple[str, ...]]:
    by_dialect = {
        dialect: {column.name: column for column in facts.columns}
        for dialect, facts in entry.facts.items()
    }
    names = list(dict.fromkeys(name for columns in by_dialect.values() for name in columns))
    rows: list[tuple[str, ...]] = []
    for name in names:
        known = {dialect: columns.get(name) for dialect, columns in by_dialect.items()}
        types = [column.type or "" if (column := known.get(d)) else "" for d in DIALECTS]
        present = [column for column in known.values() if column is not None]
        python = next((c.python_type for c in present if c.python_type), "")
        nullable = next((c.nullable for c in present if c.nullable is not None), None)
        rows.append((name, *types, python, {True: "may be", False: "", None: "?"}[nullable]))
    return rows


def _side(entry: Entry, dialect: Dialect, *, asked: bool) -> list[Text | Syntax]:
    heading = Text(_TITLES[dialect], style="bold")
    if dialect not in entry.texts:
        return [heading, Text("no such query in its files", style="red")]
    text = entry.texts[dialect]
    sql = Syntax(text.sql, lexer(dialect), theme="ansi_dark", word_wrap=True)
    parts: list[Text | Syntax] = [heading, Text(_location(entry, dialect) or "", style="dim"), sql]
    plan = entry.plans.get(dialect)
    if plan:
        parts += [Text("\nplan", style="bold"), Text("\n".join(plan))]
    elif asked and dialect not in entry.facts and text.operation != "#":
        parts.append(Text("\nits engine refuses it", style="red"))
    return parts

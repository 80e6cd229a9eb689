"""How commands print values, tables and places."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from aragora_sql.cli.terminal import printable

__all__ = [
    "age",
    "cell",
    "counted",
    "new_console",
    "new_table",
    "plain",
    "print_json",
    "print_table",
    "printable",
    "relative",
    "whole_number",
]

# A file or a pipe has no width; lines are not folded for it.
_WIDTH_OF_FILES = 240
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


class _SafeConsole(Console):
    """A console whose text is :func:`~aragora_sql.cli.terminal.printable`, in tables and lines."""

    def render_str(self, text: str, **options: Any) -> Text:
        # Before its width is measured.
        return super().render_str(printable(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)


def new_console(*, markup: bool = True) -> Console:
    """Return a console for tables: as wide as the terminal."""
    console = _SafeConsole(highlight=False, markup=markup)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_OF_FILES
    return console


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False))


def new_table(*headings: str, title: str | None = None) -> Table:
    """Return a table as every command shows one: bold headings, no lines."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings, each on one line; None is shown as nothing."""
    table = new_table(*headings)
    for row in rows:
        table.add_row(*map(cell, row))
    new_console().print(table)


def cell(value: object) -> Text:
    """Return a value as a table shows it: on one line, None as nothing."""
    return Text("" if value is None else printable(str(value), one_line=True))


def relative(location: str | None) -> str | None:
    """Shorten a place below the current folder, so that editors and people can follow it."""
    if location is None:
        return None
    path, colon, line = location.rpartition(":")
    try:
        return f"{Path(path).relative_to(Path.cwd())}{colon}{line}"
    except ValueError:
        return location


def counted(rows: int) -> str:
    """Return a number of rows in words."""
    return "1 row" if rows == 1 else f"{rows} rows"


def plain(value: Any) -> Any:
    """Return what JSON has no form for as text: timestamps in ISO 8601, bytes in hexadecimal."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def whole_number(text: str) -> int:
    """Read a number of things from 1 up, as an argument's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def age(text: str) -> float:
    """Read a length of time such as 30d, in seconds, as an argument's type."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"must be a number followed by s, m, h, d or w, such as 30d, not {text!r}"
        )
    return float(match[1]) * _UNITS[match[2]]

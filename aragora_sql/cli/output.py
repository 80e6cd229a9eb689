"""How commands print values and places."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from aragora_sql.cli.terminal import printable

__all__ = [
    "age",
    "base_of_places",
    "counted",
    "is_screen",
    "new_console",
    "plain",
    "print_json",
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


def new_console(*, markup: bool = True, stderr: bool = False) -> Console:
    """Return a console for tables, or for what moves on standard error: as wide as the terminal."""
    stream = sys.stderr if stderr else sys.stdout
    # What is moving puts a stream of its own before the one that makes text printable, and rich
    # looks behind one only.
    behind = getattr(stream, "rich_proxied_file", stream) if stderr else None
    console = _SafeConsole(file=behind, highlight=False, markup=markup)
    if not is_screen(console) and "COLUMNS" not in os.environ:
        console.width = _WIDTH_OF_FILES
    return console


def is_screen(console: Console) -> bool:
    """Tell whether somebody looks at a console: colours may be forced on a pipe, columns not."""
    return console.file.isatty()


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False))


def base_of_places(root: Path) -> Path:
    """Return the folder below which tables show files of a tree; say which, unless it is ours."""
    here = Path.cwd()
    if root.is_relative_to(here):
        return here
    print(f"places are below {root}", file=sys.stderr)
    return root


def relative(location: str | None, base: Path | None = None) -> str | None:
    """Shorten a place below a folder (default: the current one), so that it can be followed."""
    if location is None:
        return None
    path, colon, line = location.rpartition(":")
    try:
        return f"{Path(path).relative_to(base or Path.cwd())}{colon}{line}"
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

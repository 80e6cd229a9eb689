"""The one form in which commands print rows.

On a terminal they are in columns. Columns that a narrow terminal has no room for go below their
row, each with its heading; nothing is cut without the mark ``…``, and no value is broken as long as
it fits on a line. In a pipe or a file each row is one line: a line of headings, and tabs between
the values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console
from rich.style import Style
from rich.text import Text

from aragora_sql.cli.output import is_screen, new_console, plain
from aragora_sql.cli.terminal import printable

__all__ = ["Column", "fits", "print_fields", "print_table", "timestamp"]

_GAP = "  "
_BELOW = "    "
_CUT = "…"
# A last column of sentences is worth folding when it has this many characters.
_LEAST_TEXT = 30
_BOLD, _DIM, _PLAIN = Style(bold=True), Style(dim=True), Style()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, whether it is of numbers, and whether the mark ``…`` may end it.

    ``form`` is the format of numbers on a terminal; in a pipe they are plain. ``cuts`` is for text
    that is there as a reminder, such as the beginning of a statement. In a pipe it is whole.
    """

    heading: str
    right: bool = False
    form: str = ""
    cuts: bool = False


def print_table(
    columns: Sequence[str | Column],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    console: Console | None = None,
) -> None:
    """Print rows under their headings; None is shown as nothing."""
    console = console or new_console()
    cols = _columns(columns)
    cells = _cells(cols, rows, console)
    if title is not None:
        _print(console, [Text(printable(title, one_line=True), style=_BOLD)])
    if is_screen(console):
        _print(console, _in_columns(cols, cells, console.width))
    else:
        headings = [column.heading for column in cols]
        _print(console, (Text("\t".join(line)) for line in [headings, *cells]))


def print_fields(fields: Iterable[tuple[str, object]], *, console: Console | None = None) -> None:
    """Print names with their values, one below the other; in a pipe with a tab between them.

    On a terminal a text may have several lines, and long lines are folded.
    """
    console = console or new_console()
    pairs = [(printable(name, one_line=True), value) for name, value in fields]
    if not is_screen(console):
        _print(console, (Text(f"{name}\t{_cell(value)}") for name, value in pairs))
        return
    names = max((cell_len(name) for name, _ in pairs), default=0)
    room = max(console.width - names - len(_GAP), 1)
    for name, value in pairs:
        lines = [part for line in _lines(value) for part in _folded(line, room)] or [""]
        _print(
            console,
            (
                Text.assemble((set_cell_size("" if place else name, names), _BOLD), _GAP, line)
                for place, line in enumerate(lines)
            ),
        )


def fits(
    columns: Sequence[str | Column], rows: Iterable[Sequence[object]], console: Console
) -> bool:
    """Tell whether rows fit into columns side by side; in a pipe they always do."""
    cols = _columns(columns)
    widths = _widths(cols, _cells(cols, rows, console))
    return not is_screen(console) or _total(widths) <= console.width


def timestamp(value: datetime) -> str:
    """Return a timestamp as tables show it: in UTC, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _columns(columns: Sequence[str | Column]) -> list[Column]:
    named = [Column(one) if isinstance(one, str) else one for one in columns]
    return [replace(one, heading=printable(one.heading, one_line=True)) for one in named]


def _cells(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], console: Console
) -> list[list[str]]:
    forms = [column.form if is_screen(console) else "" for column in columns]
    return [
        [
            format(value, form) if form and isinstance(value, int | float) else _cell(value)
            for value, form in zip(row, forms, strict=True)
        ]
        for row in rows
    ]


def _cell(value: object) -> str:
    return printable(_text(value), one_line=True)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, dict | list):
        return json.dumps(value, default=plain, ensure_ascii=False)
    return str(value)


def _lines(value: object) -> list[str]:
    """Return the lines of a value that has room for more than one."""
    if isinstance(value, dict) and value:
        text = json.dumps(value, default=plain, ensure_ascii=False, indent=2)
    else:
        text = _text(value)
    return [printable(line, one_line=True) for line in text.rstrip("\n").split("\n")]


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(map(cell_len, [column.heading, *(row[place] for row in cells)]))
        for place, column in enumerate(columns)
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _in_columns(columns: list[Column], cells: list[list[str]], width: int) -> Iterable[Text]:
    """Return the lines of a table that is at most so wide."""
    widths = _widths(columns, cells)
    if _total(widths) > width:
        # What says nothing needs no room.
        told = [
            place for place in range(len(columns)) if not place or any(row[place] for row in cells)
        ]
        columns = [columns[place] for place in told]
        cells = [[row[place] for place in told] for row in cells]
        widths = [widths[place] for place in told]
    beside = len(columns)
    while beside > 1 and _total(widths[:beside]) > width:
        beside -= 1
    if beside == 1:
        widths[0] = min(widths[0], width)
    elif beside == len(columns) - 1:
        # Sentences at the end of a row are folded, or cut, in their own column.
        room = width - _total(widths[:beside]) - len(_GAP)
        longest = max((_longest_word(row[beside]) for row in cells), default=0)
        if room >= _LEAST_TEXT and (columns[beside].cuts or longest <= room):
            widths[beside] = room
            beside += 1
    headings = [column.heading for column in columns[:beside]]
    for place, text in enumerate(_folded(headings[-1], max(widths[beside - 1], 1))):
        before = headings[:-1] if place == 0 else [""] * (beside - 1)
        yield _line([*before, text], columns, widths, _BOLD)
    for row in cells:
        last = _shown(row[beside - 1], columns[beside - 1], widths[beside - 1])
        for place, text in enumerate(last):
            before = row[: beside - 1] if place == 0 else [""] * (beside - 1)
            yield _line([*before, text], columns, widths, _PLAIN)
        yield from _below(columns[beside:], row[beside:], width)


def _below(columns: Sequence[Column], texts: Sequence[str], width: int) -> Iterable[Text]:
    """Return what has no room beside the other values of a row: short values share a line."""
    line = Text()
    for column, text in zip(columns, texts, strict=True):
        if not text:
            continue
        label = f"{column.heading}: "
        before = cell_len(line.plain) + len(_GAP) if line else len(_BELOW)
        if before + cell_len(label) + cell_len(text) <= width:
            line = Text.assemble(line or _BELOW, _GAP if line else "", (label, _DIM), text)
            continue
        if line:
            yield line
            line = Text()
        if len(_BELOW) + cell_len(label) + cell_len(text) <= width:
            line = Text.assemble(_BELOW, (label, _DIM), text)
        else:
            yield from _long(column, label, text, width)
    if line:
        yield line


def _long(column: Column, label: str, text: str, width: int) -> Iterable[Text]:
    room = max(width - len(_BELOW) - cell_len(label), 1)
    if _longest_word(text) > room and not column.cuts:
        # A name or a place that is to be copied gets a line of its own.
        yield Text.assemble(_BELOW, (label.rstrip(), _DIM))
        label, room = "", max(width - len(_BELOW), 1)
    for place, line in enumerate(_shown(text, column, room)):
        before = label if place == 0 else " " * cell_len(label)
        yield Text.assemble(_BELOW, (before, _DIM), line)


def _line(
    texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int], style: Style
) -> Text:
    parts = []
    for text, column, width in zip(texts, columns, widths, strict=False):
        blank = " " * max(width - cell_len(text), 0)
        parts.append(blank + text if column.right else text + blank)
    return Text(_GAP.join(parts).rstrip(" "), style=style)


def _shown(text: str, column: Column, room: int) -> list[str]:
    """Return the lines of a value in so many characters."""
    if cell_len(text) <= room:
        return [text]
    if column.cuts:
        return [set_cell_size(text, max(room - 1, 0)).rstrip() + _CUT]
    return _folded(text, room)


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split(" ")), default=0)


def _folded(text: str, room: int) -> list[str]:
    """Break a line between words; a word that is longer than a line is broken too."""
    if cell_len(text) <= room:
        return [text]
    words = text.lstrip(" ")
    indent = " " * min(cell_len(text) - cell_len(words), room // 2)
    room -= len(indent)
    lines, line = [], ""
    for word in words.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = chop_cells(word, room) or [""]
        lines += whole
    return [indent + line for line in [*lines, line]]


def _print(console: Console, lines: Iterable[Text]) -> None:
    for line in lines:
        if is_screen(console):
            line.rstrip()
            console.print(line, soft_wrap=True, highlight=False)
        else:
            # A console turns tabs into blanks.
            console.file.write(f"{line.plain}\n")

"""Stored text on a terminal: shown as it is, and never obeyed.

Text of a database may hold escape sequences that clear the screen, set the window's title or write
elsewhere, and marks that turn the direction of the line around. Such characters are shown as
``\\u001b``, which is also how JSON writes them, so printed JSON stays JSON.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

__all__ = ["printable", "printing_safely"]

# Control characters but line feed and tab, marks of direction, line and paragraph separators, and
# halves of surrogate pairs, which can't be printed at all.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_LINES = re.compile(r"[\n\t]")
_SHORT = {"\n": "\\n", "\t": "\\t"}


def printable(text: str, *, one_line: bool = False) -> str:
    """Return text in which nothing can move a terminal's cursor; with ``one_line`` no line ends."""
    if _UNSAFE.search(text) is not None:
        text = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return _LINES.sub(lambda match: _SHORT[match[0]], text) if one_line else text


class _SafeStream:
    """A stream that writes only what :func:`printable` returns.

    rich writes colours to the stream behind it, and asks for that by this name; a console of
    :func:`aragora_sql.cli.output.new_console` makes its own text printable.
    """

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        return self.rich_proxied_file.write(printable(text))

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


@contextlib.contextmanager
def printing_safely() -> Iterator[None]:
    """Let everything that is printed meanwhile, on both streams, be :func:`printable`."""
    streams = sys.stdout, sys.stderr
    safe = [cast(TextIO, _SafeStream(stream)) for stream in streams]
    sys.stdout, sys.stderr = safe
    try:
        yield
    finally:
        if (sys.stdout, sys.stderr) == tuple(safe):
            sys.stdout, sys.stderr = streams

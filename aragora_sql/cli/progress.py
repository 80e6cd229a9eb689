"""What a command is busy with, on standard error while nothing else is to be seen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aragora_sql.cli.output import new_console
from aragora_sql.cli.terminal import printable

__all__ = ["working"]


@contextmanager
def working(doing: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show what is being done as long as it is done; yields what changes the text.

    Nothing is shown where standard error is no terminal, or with ``quiet``. The text leaves no
    trace, except on a terminal that can't move its cursor. Nothing may be printed meanwhile.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    # Few commands run on a terminal and take long enough to need these.
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    console = new_console(stderr=True)
    if console.is_dumb_terminal:

        def say(text: str) -> None:
            print(f"{text} …", file=sys.stderr, flush=True)

        say(doing)
        yield say
        return
    spinner = Spinner("dots", Text(printable(doing, one_line=True)))
    # What is printed on standard output must not end up here.
    with Live(
        spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ):
        yield lambda text: spinner.update(text=Text(printable(text, one_line=True)))

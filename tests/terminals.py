"""Commands as they look on a terminal of some width."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from aragora_sql.cli import main

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Shown:
    """What a command left on the screen: its exit code, and both streams without colours."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def on_terminal(arguments: Sequence[str], width: int = 80, term: str = "xterm-256color") -> Shown:
    """Run a command whose streams are terminals."""
    out, err = Screen(), Screen()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        patch.setenv("COLUMNS", str(width))
        patch.setenv("LINES", "40")
        patch.setenv("TERM", term)
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            patch.delenv(name, raising=False)
        code = main(arguments)
    return Shown(code, without_escapes(out.getvalue()), without_escapes(err.getvalue()))


def without_escapes(text: str) -> str:
    """Return what a terminal shows of a text with colours."""
    return _ESCAPES.sub("", text)

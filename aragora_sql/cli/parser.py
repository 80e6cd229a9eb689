"""The parser of commands: argparse's, which also says what a mistyped word is near to."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from aragora_sql.logs import LOG_FORMATS

__all__ = ["Parser", "add_log_format", "examples", "parse"]

_INVALID_CHOICE = re.compile(r"invalid choice: '([^']*)'")


class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg] # generic in stubs only
    """Commands whose own help begins with what the list of commands says of them."""

    def add_parser(self, name: str, **options: Any) -> Any:
        said = options.get("help")
        if said and options.get("description") is None:
            options["description"] = f"{said[:1].upper()}{said[1:]}."
        return super().add_parser(name, **options)


class _Formatter(argparse.HelpFormatter):
    """Keeps indented lines of a text, which are commands to copy, and fills the others."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts: list[str] = []
        kept = itertools.groupby(
            text.splitlines(), lambda line: line.startswith("  ") or not line.strip()
        )
        for is_kept, lines in kept:
            if is_kept:
                parts += lines
            else:
                parts.append(super()._fill_text(" ".join(lines), width, indent))
        return "\n".join(parts)


class Parser(argparse.ArgumentParser):
    """A parser of a command, or of a command of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, **options})
        self.register("action", "parsers", _Commands)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2, after saying what is wrong and what may have been meant."""
        if message.endswith("required: command"):
            message += f"; {self.prog} --help lists them"
        wrong = _INVALID_CHOICE.search(message)
        if wrong is not None:
            choices = (action.choices for action in self._actions if action.choices is not None)
            message += _meant(wrong[1], (str(one) for all_of in choices for one in all_of))
        super().error(message)

    def refuse(self, further: Sequence[str]) -> NoReturn:
        """End with exit code 2 because of words that the command does not know."""
        message = f"unrecognized arguments: {' '.join(further)}"
        option = next((word.partition("=")[0] for word in further if word.startswith("-")), None)
        if option is not None:
            message += _meant(
                option, (name for action in self._actions for name in action.option_strings)
            )
        super().error(message)

    def command(self, words: Sequence[str]) -> Parser:
        """Return the parser of the command that the words name, as far as they name one."""
        for action in self._actions:
            if isinstance(action, _Commands):
                for place, word in enumerate(words):
                    if word in action.choices:
                        found: Parser = action.choices[word].command(words[place + 1 :])
                        return found
        return self


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def examples(*lines: str) -> str:
    """Return commands as the end of a help text shows them."""
    return "\n".join(["examples:", *(f"  aragora-sql {line}" for line in lines)])


def add_log_format(parser: argparse.ArgumentParser, default: str = argparse.SUPPRESS) -> None:
    """Add the option that says how log lines look; without a default the one before it counts."""
    parser.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        default=default,
        help="log lines: text for people (default), or JSON objects",
    )


def parse(parser: Parser, words: Sequence[str]) -> argparse.Namespace:
    """Parse the words of a command line; the command itself says what it does not know."""
    options, further = parser.parse_known_args(words)
    if further:
        parser.command(words).refuse(further)
    return options

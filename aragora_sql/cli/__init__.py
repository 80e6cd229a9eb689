"""The command ``aragora-sql``: one module for each group of commands."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from aragora_sql import __version__
from aragora_sql.cli.exit_codes import INTERRUPTED, PIPE_CLOSED, USAGE, code_of, summary
from aragora_sql.cli.parser import Parser, add_log_format, parse
from aragora_sql.cli.terminal import printing_safely
from aragora_sql.errors import AragoraSQLError
from aragora_sql.logs import log_to_stderr
from aragora_sql.settings import traces

__all__ = ["main", "parser_for"]

# The commands of each module, in the order of the help text.
COMMANDS = {
    "schema": ("schema",),
    "doctor": ("doctor",),
    "migrate": ("migrate",),
    "backup": ("backup", "restore"),
    "demo": ("demo",),
    "workflow": ("findings",),
    "integrations": ("integrations",),
    "jobs": ("jobs",),
    "elo": ("elo",),
    "privacy": ("privacy",),
    "audit": ("audit",),
    "langgraph": ("langgraph",),
    "queries": ("queries", "show"),
    "calls": ("run", "explain"),
    "top": ("top",),
    "serve": ("serve",),
    "docs": ("docs",),
    "check": ("check", "stubs", "columns"),
    "column": ("column",),
    "stores": ("stores",),
    "completion": ("completion",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one line on standard error."""
    try:
        try:
            return _main(arguments)
        finally:
            # What is still to be written must fail here, where it can be dealt with.
            sys.stdout.flush()
    except BrokenPipeError:
        return _reader_is_gone()


def _main(arguments: Sequence[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    options = parse(parser_for(words), words)
    if options.log_format == "json":
        tells_more = getattr(options, "verbose", False) or getattr(options, "tells_more", False)
        log_to_stderr("json", logging.INFO if tells_more else logging.WARNING)
    with printing_safely():
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        with _tracing():
            return int(options.run(options))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if not _is_of_checker(error):
            raise
        print("aragora-sql: this needs pip install 'aragora-sql[check]'", file=sys.stderr)
        return USAGE
    except AragoraSQLError as error:
        if options.log_format == "json":
            logging.getLogger("aragora_sql").error("%s", error)
        else:
            print(f"aragora-sql: {error}", file=sys.stderr)
        return code_of(error)


@contextmanager
def _tracing() -> Iterator[None]:
    """Report to OpenTelemetry while the block lasts, where the environment says so."""
    if not traces():
        yield
        return
    from aragora_sql.tracing import start_tracing

    stop = start_tracing()
    try:
        yield
    finally:
        stop()


def parser_for(words: Sequence[str]) -> Parser:
    """Return the parser of a command line: of its command only, which is imported for it."""
    # The one option that comes before the command, as two words or as one.
    skipped = 2 if words[:1] == ["--log-format"] else 0
    skipped = 1 if words and words[0].startswith("--log-format=") else skipped
    return new_parser(_homes(words[skipped] if len(words) > skipped else ""))


def new_parser(homes: Iterable[str]) -> Parser:
    """Return a parser of the commands of these modules."""
    parser = Parser(
        prog="aragora-sql",
        description="The stores of the Aragora debate platform as SQL files, on two engines.",
        epilog=summary(),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_log_format(parser, default="text")
    groups = parser.add_subparsers(title="commands", required=True, metavar="command")
    for home in homes:
        try:
            import_module(f"{__name__}.{home}").add_commands(groups)
        except ModuleNotFoundError as error:
            if not _is_of_checker(error):
                raise
            for command in COMMANDS[home]:
                _add_missing(groups, command, error)
    return parser


def _is_of_checker(error: ModuleNotFoundError) -> bool:
    """Whether a module is missing because the distribution ``aragora-sql-check`` is."""
    return (error.name or "").startswith("aragora_sql.checker")


def _add_missing(groups: Any, command: str, error: ModuleNotFoundError) -> None:
    """Add a command that says what it needs, whatever it is given."""

    def run(options: argparse.Namespace) -> int:
        raise error

    parser = groups.add_parser(
        command, help="needs pip install 'aragora-sql[check]'", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("arguments", nargs="*")
    parser.set_defaults(run=run)


def _homes(command: str) -> list[str]:
    """Return the module of a command, so that no other is imported; all for the help text."""
    if command == "--version":
        return []
    return [home for home, names in COMMANDS.items() if command in names] or list(COMMANDS)


def _reader_is_gone() -> int:
    """End quietly: whoever read our output (head, a pager) has closed the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    # Python writes the rest of its buffers when it exits.
    os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ is not None else 1)
    return PIPE_CLOSED

"""The command ``aragora-sql``: one module for each group of commands.

Exit codes: 0 done; 1 done, and a difference was found; 2 wrong arguments or configuration; 3 the
database can't be reached; 4 the database or a file of SQL refused; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseUnavailableError,
    InvalidInputError,
)

__all__ = ["main"]

# in the order in which the help lists them
COMMANDS = {
    "schema": ("schema",),
    "migrate": ("migrate",),
    "demo": ("demo",),
    "findings": ("findings",),
    "integrations": ("integrations",),
    "jobs": ("jobs",),
    "queries": ("queries", "show"),
    "calls": ("run", "explain"),
    "top": ("top",),
    "docs": ("docs",),
    "check": ("check", "stubs"),
}
"""The commands of each module."""

OK, DIFFERENT, USAGE, UNREACHABLE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="aragora-sql",
        description="The stores of the Aragora debate platform as SQL files, on two engines.",
    )
    groups = parser.add_subparsers(title="commands", required=True, metavar="command")
    for module in _modules(sys.argv[1:] if arguments is None else arguments):
        module.add_commands(groups)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (ConfigurationError, InvalidInputError) as error:
        return _failed(error, USAGE)
    except DatabaseUnavailableError as error:
        return _failed(error, UNREACHABLE)
    except AragoraSQLError as error:
        return _failed(error, REFUSED)


def _modules(arguments: Sequence[str]) -> list[ModuleType]:
    """Import the module of the command that is asked for; all of them for help and mistakes."""
    wanted = [name for name, commands in COMMANDS.items() if set(arguments[:1]) & set(commands)]
    return [import_module(f"aragora_sql.cli.{name}") for name in wanted or COMMANDS]


def _failed(error: AragoraSQLError, code: int) -> int:
    print(f"aragora-sql: {error}", file=sys.stderr)
    return code

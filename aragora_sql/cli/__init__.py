"""The command ``aragora-sql``: one module for each group of commands.

Exit codes: 0 done; 1 done, and a difference was found; 2 wrong arguments or configuration; 3 the
database can't be reached; 4 the database or a file of SQL refused; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseUnavailableError,
    InvalidInputError,
)

__all__ = ["main"]

# The commands of each module, in the order of the help text.
COMMANDS = {
    "schema": ("schema",),
    "migrate": ("migrate",),
    "demo": ("demo",),
    "workflow": ("findings",),
    "integrations": ("integrations",),
    "jobs": ("jobs",),
    "queries": ("queries", "show"),
    "calls": ("run", "explain"),
    "top": ("top",),
    "docs": ("docs",),
    "check": ("check", "stubs", "columns"),
    "stores": ("stores",),
}
OK, DIFFERENT, USAGE, UNREACHABLE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="aragora-sql",
        description="The stores of the Aragora debate platform as SQL files, on two engines.",
    )
    groups = parser.add_subparsers(title="commands", required=True, metavar="command")
    words = sys.argv[1:] if arguments is None else arguments
    for home in _homes(words[0] if words else ""):
        import_module(f"{__name__}.{home}").add_commands(groups)
    options = parser.parse_args(words)
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


def _homes(command: str) -> list[str]:
    """Return the module of a command, so that no other is imported; all for the help text."""
    return [home for home, names in COMMANDS.items() if command in names] or list(COMMANDS)


def _failed(error: AragoraSQLError, code: int) -> int:
    print(f"aragora-sql: {error}", file=sys.stderr)
    return code

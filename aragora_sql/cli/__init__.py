"""The command ``aragora-sql``: one module for each group of commands.

Exit codes: 0 done; 1 done, and a difference was found; 2 wrong arguments or configuration; 3 the
database can't be reached; 4 the database or a file of SQL refused; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from aragora_sql.cli import (
    calls,
    check,
    demo,
    docs,
    findings,
    integrations,
    jobs,
    migrate,
    queries,
    schema,
    top,
)
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseUnavailableError,
    InvalidInputError,
)

__all__ = ["main"]

OK, DIFFERENT, USAGE, UNREACHABLE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="aragora-sql",
        description="The stores of the Aragora debate platform as SQL files, on two engines.",
    )
    groups = parser.add_subparsers(title="commands", required=True, metavar="command")
    schema.add_commands(groups)
    migrate.add_commands(groups)
    demo.add_commands(groups)
    findings.add_commands(groups)
    integrations.add_commands(groups)
    jobs.add_commands(groups)
    queries.add_commands(groups)
    calls.add_commands(groups)
    top.add_commands(groups)
    docs.add_commands(groups)
    check.add_commands(groups)
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


def _failed(error: AragoraSQLError, code: int) -> int:
    print(f"aragora-sql: {error}", file=sys.stderr)
    return code

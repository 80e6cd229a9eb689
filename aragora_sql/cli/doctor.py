"""``aragora-sql doctor``: what is wrong with the environment and the database, and what to do."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aragora_sql.cli.exit_codes import DIFFERENT, OK, UNREACHABLE, USAGE, WARNED
from aragora_sql.cli.output import is_screen, new_console, print_json, whole_number
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import print_table
from aragora_sql.cli.target import add_target, chosen_dialect, sqlite_path
from aragora_sql.errors import ConfigurationError, SecretStoreUnavailableError
from aragora_sql.settings import (
    DEFAULT_POOL_MAX,
    SUPABASE_PLANS,
    PostgresDSN,
    dsn_from_env,
    dsn_variable,
    instances,
    pool_sizes,
    supabase_plan,
)

if TYPE_CHECKING:
    from aragora_sql.doctor import Finding, Target

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    parser = groups.add_parser(
        "doctor",
        help="say what is wrong with the environment and the database, and what to do",
        description=(
            "Looks at the environment, the connection, the server or the SQLite file, roles, "
            "schemas and limits, and changes nothing. Exit code 0: all is well; 6: there are "
            "warnings; 1, 2 or 5: there are errors."
        ),
        epilog=examples("doctor", "doctor --instances 2 --plan pro", "doctor --json"),
    )
    add_target(parser)
    parser.add_argument(
        "--instances",
        type=whole_number,
        metavar="N",
        help="processes with a pool of their own (default: ARAGORA_INSTANCES, else 1)",
    )
    parser.add_argument(
        "--plan",
        choices=SUPABASE_PLANS,
        help="Supabase plan, whose limits count (default: ARAGORA_SUPABASE_PLAN)",
    )
    parser.add_argument(
        "--integrity", action="store_true", help="read a whole SQLite file, to find damage"
    )
    parser.add_argument(
        "--timeout",
        type=whole_number,
        default=20,
        metavar="SECONDS",
        help="how long each check may take (default 20)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from aragora_sql.doctor import examine, worst

    target = _target(options)
    with working("looking", quiet=options.json):
        findings = asyncio.run(examine(target, os.environ))
    if options.json:
        print_json({"severity": worst(findings), "findings": [one.to_dict() for one in findings]})
    else:
        _print(findings)
    return _code(findings)


def _print(findings: Sequence[Finding]) -> None:
    """Print a table: on a terminal what was seen and what to do share a column, to be read."""
    errors = [one for one in findings if one.severity == "error"]
    if is_screen(new_console()):
        print_table(
            ("check", "severity", "seen, and what to do"),
            [
                (one.check, one.severity, f"{one.seen} → {one.action}" if one.action else one.seen)
                for one in findings
            ],
        )
    else:
        print_table(
            ("check", "severity", "seen", "to do"),
            [(one.check, one.severity, one.seen, one.action) for one in findings],
        )
        for one in errors:
            print(f"{one.check}: {one.seen}", file=sys.stderr)
    warnings = sum(one.severity == "warning" for one in findings)
    print(f"{len(errors)} errors, {warnings} warnings", file=sys.stderr)


def _code(findings: Sequence[Finding]) -> int:
    """Return the exit code: what can't be reached first, then what is wrongly configured."""
    errors = {one.kind for one in findings if one.severity == "error"}
    if errors:
        codes = {"connection": UNREACHABLE, "configuration": USAGE, "database": DIFFERENT}
        return next(code for kind, code in codes.items() if kind in errors)
    return WARNED if any(one.severity == "warning" for one in findings) else OK


def _target(options: argparse.Namespace) -> Target | None:
    """Return the database of the options or the environment; None where that names none.

    What is wrong with the environment is a finding, and what is wrong with an option an error.
    """
    from aragora_sql.doctor import Target

    named = options.dsn or options.sqlite_path
    try:
        dialect = chosen_dialect(options)
        if dialect == "sqlite":
            source = "--sqlite-path" if options.sqlite_path else "ARAGORA_DATA_DIR"
            return Target(
                dialect,
                path=Path(sqlite_path(options)).absolute(),
                source=source,
                integrity=options.integrity,
                timeout=options.timeout,
            )
        source = "--dsn" if options.dsn else dsn_variable() or ""
        dsn = PostgresDSN.parse(options.dsn, "--dsn") if options.dsn else dsn_from_env()
    except (ConfigurationError, SecretStoreUnavailableError):
        if named:
            raise
        return None
    if dsn is None:
        return None
    return Target(
        dialect,
        dsn=dsn,
        source=source,
        pool_max=_pool_max(dsn),
        instances=options.instances or _instances(),
        plan=options.plan or _plan(),
        timeout=options.timeout,
    )


def _pool_max(dsn: PostgresDSN) -> int:
    try:
        return pool_sizes(max_size=dsn.number("connection_limit"))[1]
    except ConfigurationError:
        # The check of the variables, or of the DSN, tells of it.
        return DEFAULT_POOL_MAX


def _instances() -> int | None:
    try:
        return instances() if os.environ.get("ARAGORA_INSTANCES", "").strip() else None
    except ConfigurationError:
        return None


def _plan() -> str | None:
    try:
        return supabase_plan()
    except ConfigurationError:
        return None

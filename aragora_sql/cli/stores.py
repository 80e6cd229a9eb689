"""``aragora-sql stores``: the table of stores, and what follows from it."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import Any

from aragora_sql.cli.output import print_json
from aragora_sql.cli.tables import print_table
from aragora_sql.errors import ConfigurationError
from aragora_sql.stores import STORES

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    parser = groups.add_parser(
        "stores",
        help="list the stores; write or check what follows from their table",
        description=(
            "Lists the stores with their classes. In a checkout --write makes the files that "
            "follow from the table of stores (aragora_sql/stores/__init__.py): the types of the "
            "package, the order of the unified schemas, README's table, docs/reference/."
        ),
        epilog="exit codes: 0 done; 1 with --check: something differs or is missing",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="write the files that follow from it")
    mode.add_argument(
        "--check",
        action="store_true",
        help="write nothing; find files that differ, and stores that lack one of their places",
    )
    mode.add_argument("--json", action="store_true", help="print the stores as JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.check or options.write:
        return _derive(check=options.check)
    if options.json:
        print_json(
            [
                {
                    "store": entry.name,
                    "class": entry.class_name,
                    "postgres": entry.postgres_class,
                    "sqlite": entry.sqlite_class,
                    "factory": entry.factory,
                    "logger": entry.logger,
                    "extra": entry.extra,
                    "keeps": entry.keeps,
                }
                for entry in STORES
            ]
        )
    else:
        print_table(
            ("store", "class", "opened by", "keeps"),
            [(entry.name, entry.class_name, f"{entry.factory}()", entry.keeps) for entry in STORES],
        )
    return 0


def _derive(*, check: bool) -> int:
    from aragora_sql.checker.derived import derived_files
    from aragora_sql.checker.store_layout import check_layout, checkout

    root = checkout()
    problems = check_layout(root)
    for problem in problems:
        print(problem)
    if problems and not check:
        raise ConfigurationError("nothing was written: the stores have to be mended first")
    different = 0
    for path, wanted in derived_files(root).items():
        file = root / path
        present = file.read_text(encoding="utf-8") if file.is_file() else ""
        if present == wanted:
            continue
        different += 1
        if check:
            lines = present.splitlines(keepends=True), wanted.splitlines(keepends=True)
            sys.stdout.writelines(
                difflib.unified_diff(*lines, str(path), f"{path} (of the table of stores)")
            )
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, encoding="utf-8")
    print(f"{different} files {'differ' if check else 'written'}", file=sys.stderr)
    return 1 if check and (different or problems) else 0

"""Options of commands that work on a tree of SQL files: which tree, which code, which server."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import check_tree, sql_dir

__all__ = [
    "add_python",
    "add_server",
    "add_tree",
    "keep_server",
    "python_folders",
    "tree_root",
]


def add_server(parser: argparse.ArgumentParser) -> None:
    """Add the options that say on which server scratch databases are made."""
    parser.add_argument(
        "--dsn", help="PostgreSQL server to check on (default: of the environment, else our own)"
    )
    parser.add_argument(
        "--no-keep",
        action="store_true",
        help="end our own PostgreSQL with the command; by default the next one finds it running",
    )


def add_tree(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the tree."""
    parser.add_argument(
        "--sql-dir", type=Path, metavar="DIR", help="tree to work on (default: ARAGORA_SQL_DIR)"
    )


def add_python(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option that names folders of Python code."""
    parser.add_argument("--python", action="append", type=Path, metavar="DIR", help=text)


def python_folders(options: argparse.Namespace) -> tuple[Path, ...]:
    """Return the folders whose Python calls the queries: the package, then the given ones."""
    # The package calls its own stores' queries, whatever else an application adds. Records of the
    # application come behind those of the package, and so before them where names are equal.
    package = Path(__file__).resolve().parent.parent
    folders = (package, *(path.absolute() for path in options.python or []))
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(f"--python: {folder} is not a folder")
    return folders


def tree_root(options: argparse.Namespace) -> Path:
    """Return the tree that the options name, else the one in use."""
    if options.sql_dir is None:
        return sql_dir()
    root = Path(options.sql_dir).expanduser().absolute()
    check_tree(root, "--sql-dir")
    return root


def keep_server(options: argparse.Namespace) -> bool:
    """Tell whether our own server stays for the next command."""
    # Where a machine is thrown away after each run, nothing is left to find.
    return not (options.no_keep or os.environ.get("CI"))

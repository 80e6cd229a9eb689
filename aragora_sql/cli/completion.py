"""``aragora-sql completion``: what a shell needs to complete commands and options."""

from __future__ import annotations

import argparse
from typing import Any

from aragora_sql.errors import ConfigurationError

__all__ = ["add_commands"]

_FILES = {"FILE", "PATH"}
_FOLDERS = {"DIR"}


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    parser = groups.add_parser(
        "completion",
        help="print a script that completes commands and options in a shell",
        description=(
            "Prints a script for a shell. Needs the extra `completion`: "
            "pip install 'aragora-sql[completion]'."
        ),
        epilog='in ~/.bashrc: eval "$(aragora-sql completion bash)"',
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from aragora_sql.cli import COMMANDS, new_parser

    try:
        import shtab
    except ImportError as error:
        raise ConfigurationError(
            "completion needs 'shtab': pip install 'aragora-sql[completion]'"
        ) from error
    parser = new_parser(list(COMMANDS))
    _name_files(parser, shtab.FILE, shtab.DIRECTORY)
    print(shtab.complete(parser, shell=options.shell))
    return 0


def _name_files(parser: argparse.ArgumentParser, file: Any, folder: Any) -> None:
    """Tell which arguments are files and folders."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _name_files(command, file, folder)
        elif action.metavar in _FILES | _FOLDERS or action.dest in {"sqlite_path", "sql_dir"}:
            named = folder if action.metavar in _FOLDERS or action.dest == "sql_dir" else file
            action.complete = named  # type: ignore[attr-defined] # where shtab looks for it

"""``aragora-sql backup`` and ``restore``: whole copies of a SQLite database."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from aragora_sql.backup import Backup, back_up, restore
from aragora_sql.cli.output import print_json
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.errors import ConfigurationError
from aragora_sql.settings import Settings

__all__ = ["add_commands"]


def add_commands(groups: Any) -> None:
    """Add the commands to the parser of ``aragora-sql``."""
    taking = groups.add_parser(
        "backup",
        help="copy a SQLite database to a file, checked, while it is in use",
        description=(
            "Copies the SQLite database to a file of its own: the state of one moment, while "
            "others read and write. The copy is checked, and has its name only when it is whole. "
            "For PostgreSQL, pg_dump does that: see docs/operator.md."
        ),
        epilog=examples("backup before-upgrade.db"),
    )
    taking.add_argument("target", type=Path, help="new file, or a folder for one named by the time")
    _add_common(taking)
    taking.set_defaults(run=_back_up)

    bringing = groups.add_parser(
        "restore",
        help="put a backup in the place of a SQLite database",
        description=(
            "Checks a backup and puts it in the place of the SQLite database, which must not be in "
            "use. With --replace the database that is there is kept under another name."
        ),
        epilog=examples("restore before-upgrade.db --replace"),
    )
    bringing.add_argument("backup", type=Path, help="file that 'aragora-sql backup' made")
    bringing.add_argument(
        "--replace", action="store_true", help="keep the database that is there under another name"
    )
    _add_common(bringing)
    bringing.set_defaults(run=_restore)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sqlite-path", metavar="FILE", help="SQLite file (default: in ARAGORA_DATA_DIR)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _path(options: argparse.Namespace) -> Path:
    """Return the SQLite file; raises :class:`ConfigurationError` where stores are elsewhere."""
    if options.sqlite_path:
        return Path(options.sqlite_path)
    settings = Settings.from_env()
    if settings.backend != "sqlite":
        raise ConfigurationError(
            "the environment names PostgreSQL, which pg_dump backs up (docs/operator.md); "
            "--sqlite-path names a SQLite file"
        )
    return Path(settings.sqlite_path)


def _back_up(options: argparse.Namespace) -> int:
    source = _path(options)
    with working(f"copying {source}", quiet=options.json) as say:
        made = back_up(source, options.target, _saying(say, source))
    if options.json:
        print_json(made.to_dict())
    else:
        print(f"{made.path}: {_told(made)}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    target = _path(options)
    with working(f"copying {options.backup}", quiet=options.json) as say:
        done = restore(
            options.backup,
            target,
            replace=options.replace,
            progress=_saying(say, options.backup),
        )
    if options.json:
        print_json(done.to_dict())
        return 0
    print(f"{done.backup.path}: {_told(done.backup)}")
    if done.kept is not None:
        print(f"what was there before is {done.kept}")
    return 0


def _saying(say: Any, path: Path) -> Any:
    def tell(done: int, total: int) -> None:
        say(f"copying {path}: {100 * done // max(total, 1)} %")

    return tell


def _told(made: Backup) -> str:
    rows = sum(made.rows.values())
    return f"{rows:,} rows of {len(made.rows)} tables, {made.size:,} bytes, checked"

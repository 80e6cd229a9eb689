"""Records: what each version of a store's schema was, as the script that makes it.

``versions/<dialect>/<store>/0001.sql`` is a copy of ``<dialect>/<store>/schema.sql`` as it was when
that version was written down. A copy needs no version control, is there in an application's own
tree, can be run by any server, and says what differs; a fingerprint could do none of that. The
record of an upgrade's version begins with a line that names the upgrade and its fingerprint, so
that one that was run already is not changed unnoticed.

An installed package has no record of a present version that says what ``schema.sql`` says, which
would be there twice; a copy of its tree gets it from the package. The others are packed with what
checks compare with.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from aragora_sql.database import Dialect
from aragora_sql.errors import SchemaError
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir, read_sql
from aragora_sql.queries.parameters import SQLSyntaxError, scan
from aragora_sql.schema.files import latest_version, schema_text, store_names
from aragora_sql.schema.upgrades import upgrade_paths

__all__ = [
    "RECORDS",
    "is_installed",
    "record_path",
    "record_paths",
    "record_versions",
    "recorded_upgrade",
    "upgrade_fingerprint",
]

RECORDS: Final = "versions"

_NAME = re.compile(r"(?P<number>\d{4})\.sql")
_HEAD = re.compile(r"-- upgrade: (?P<name>\S+) (?P<fingerprint>[0-9a-f]{16})\n")


def record_path(store: str, dialect: Dialect, version: int, root: Path) -> Path:
    """Return where a version of a store is recorded."""
    return root / RECORDS / dialect / store / f"{version:04d}.sql"


def record_paths(store: str, dialect: Dialect, root: Path) -> dict[int, Path]:
    """Return the records of a store by version, in order.

    Raises :class:`SchemaError` for a file whose name is no version's.
    """
    found: dict[int, Path] = {}
    for path in sorted((root / RECORDS / dialect / store).glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise SchemaError(f"{path}: the record of a version is named like 0001.sql")
        found[int(match["number"])] = path
    return found


def is_installed(root: Path) -> bool:
    """Tell whether a tree is that of an installed package, without records of present versions."""
    package = Path(__file__).resolve().parent.parent
    return root.resolve() == package / "sql"


def upgrade_fingerprint(path: Path, dialect: Dialect) -> str:
    """Return the fingerprint of an upgrade's statements: comments and line breaks are not in it."""
    text = read_sql(path)
    try:
        words = [token.text for token in scan(text, dialect) if token.kind != "comment"]
    except SQLSyntaxError:
        words = [text]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def recorded_upgrade(text: str) -> tuple[str, str] | None:
    """Return the name and fingerprint of the upgrade that a record names; None of version 1."""
    match = _HEAD.match(text)
    return None if match is None else (match["name"], match["fingerprint"])


def record_versions(
    root: Path, stores: list[str] | None = None, *, replace: bool = False
) -> list[Path]:
    """Record the present version of stores (default: all); return the files that were written.

    A version that is recorded stays as it is, because databases of it may be in use, unless
    ``replace`` is set. Raises :class:`SchemaError` for upgrades with a gap in their numbers.
    """
    written = []
    for dialect in DIALECTS:
        for store in store_names(dialect, root):
            if stores is not None and store not in stores:
                continue
            version = latest_version(store, dialect, root)
            path = record_path(store, dialect, version, root)
            if path.is_file() and not replace:
                continue
            text = _record(store, dialect, version, _origin(store, dialect, version, root))
            if path.is_file() and read_sql(path) == text:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _origin(store: str, dialect: Dialect, version: int, root: Path) -> Path:
    """Return the tree that has a version as it was made: the package's, of what was copied there.

    The copy may have been edited before its version was recorded.
    """
    packaged = packaged_sql_dir()
    is_copied = (
        not record_path(store, dialect, version, root).is_file()
        and store in store_names(dialect, packaged)
        and is_installed(packaged)
        and latest_version(store, dialect, packaged) == version
    )
    return packaged if is_copied else root


def _record(store: str, dialect: Dialect, version: int, root: Path) -> str:
    text = schema_text(store, dialect, root)
    upgrade = upgrade_paths(store, dialect, root).get(version)
    if upgrade is None:
        return text
    return f"-- upgrade: {upgrade.name} {upgrade_fingerprint(upgrade, dialect)}\n{text}"

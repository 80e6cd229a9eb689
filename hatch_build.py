"""Adds the SQL files to a wheel, with what is derived from them packed into one file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOME = "aragora_sql/sql"


class SqlFiles(BuildHookInterface):  # type: ignore[type-arg] # the builder's own configuration
    """Adds ``sql/`` to a wheel; an editable one reads the files of the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to the builder, and write the one that holds what is packed."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, self.root)
        try:
            from aragora_sql.checker.kept import PACKED, pack, packed_files
        finally:
            sys.path.remove(self.root)
        sql = root / "sql"
        packed = set(packed_files(sql))
        # Only tests compare plans of older versions of PostgreSQL.
        *older, _ = sorted((sql / "plans").glob("postgres-*"))
        left_out = {path for folder in older for path in folder.iterdir()}
        left_out.update(_records_that_say_nothing(sql))
        for path in sorted(sql.rglob("*")):
            if path.is_file() and path not in packed | left_out:
                name = path.relative_to(sql).as_posix()
                build_data["force_include"][str(path)] = f"{HOME}/{name}"
        self._folder = tempfile.TemporaryDirectory(prefix="aragora-packed-")
        written = Path(self._folder.name) / PACKED
        written.write_bytes(pack(sql, packed - left_out))
        build_data["force_include"][str(written)] = f"{HOME}/{PACKED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written."""
        if version != "editable":
            self._folder.cleanup()


def _records_that_say_nothing(sql: Path) -> Iterator[Path]:
    """Return the records of present versions, which are ``schema.sql`` under one more line."""
    for record in (sql / "versions").glob("*/*/*.sql"):
        dialect, store = record.parts[-3:-1]
        said = record.read_text("utf-8")
        if said.startswith("-- upgrade: "):
            said = said.partition("\n")[2]
        homes = (sql / dialect / store, sql / "system" / dialect / store)
        if any((home / "schema.sql").read_text("utf-8") == said for home in homes if home.is_dir()):
            yield record

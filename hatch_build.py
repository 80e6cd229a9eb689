"""Adds the SQL files to a wheel, but not what is derived from them: only the checker reads it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOME = "aragora_sql/sql"


class SqlFiles(BuildHookInterface):  # type: ignore[type-arg] # the builder's own configuration
    """Adds ``sql/`` to a wheel; an editable one reads the files of the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to the builder."""
        if version == "editable":
            return
        sql = Path(self.root) / "sql"
        sys.path.insert(0, self.root)
        try:
            from aragora_sql.checker.kept import packed_files
        finally:
            sys.path.remove(self.root)
        derived = set(packed_files(sql))
        for path in sorted(sql.rglob("*")):
            if path.is_file() and path not in derived:
                name = path.relative_to(sql).as_posix()
                build_data["force_include"][str(path)] = f"{HOME}/{name}"

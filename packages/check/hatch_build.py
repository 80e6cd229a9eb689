"""Makes the wheel of the checker: its code, and in one file what is derived from the SQL files."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

CHECKOUT = Path(__file__).resolve().parent.parent.parent
HOME = "aragora_sql/sql"


class Dependencies(MetadataHookInterface):
    """Names the release of aragora-sql that the checker is a part of, and the engines it asks."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies."""
        metadata["dependencies"] = [
            f"aragora-sql[engines]=={metadata['version']}",
            # its Rust half is three times as fast
            "sqlfluff[rs]>=4",
            "squawk-cli>=2",
        ]


class Derived(BuildHookInterface):  # type: ignore[type-arg] # the builder's own configuration
    """Adds plans, answers, proofs and records of versions, packed, which takes half of the room."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file, and name it to the builder."""
        sys.path.insert(0, str(CHECKOUT))
        try:
            from aragora_sql.checker.kept import PACKED, pack, packed_files
        finally:
            sys.path.remove(str(CHECKOUT))
        sql = CHECKOUT / "sql"
        # Only tests compare plans of older versions of PostgreSQL.
        *older, _ = sorted((sql / "plans").glob("postgres-*"))
        left_out = {path for folder in older for path in folder.iterdir()}
        left_out.update(_records_that_say_nothing(sql))
        self._folder = tempfile.TemporaryDirectory(prefix="aragora-packed-")
        written = Path(self._folder.name) / PACKED
        written.write_bytes(pack(sql, set(packed_files(sql)) - left_out))
        build_data["force_include"][str(written)] = f"{HOME}/{PACKED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written."""
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

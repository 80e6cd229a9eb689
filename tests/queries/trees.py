"""Small trees of SQL files, as a DBA would write them."""

from __future__ import annotations

from pathlib import Path

from aragora_sql.database import Dialect

DIALECTS: tuple[Dialect, ...] = ("postgres", "sqlite")


def write_store(
    root: Path,
    queries: str | None = None,
    *,
    schema: str | None = None,
    upgrades: dict[str, str] | None = None,
    store: str = "notes",
    dialects: tuple[Dialect, ...] = DIALECTS,
) -> None:
    """Write the files of a store, the same for each dialect."""
    for dialect in dialects:
        folder = root / dialect / store
        folder.mkdir(parents=True, exist_ok=True)
        if queries is not None:
            (folder / "queries.sql").write_text(queries, encoding="utf-8")
        if schema is not None:
            (folder / "schema.sql").write_text(schema, encoding="utf-8")
        for name, text in (upgrades or {}).items():
            (folder / "upgrades").mkdir(exist_ok=True)
            (folder / "upgrades" / name).write_text(text, encoding="utf-8")

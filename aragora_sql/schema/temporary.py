"""Schema files in PostgreSQL's schema of temporary tables, where any role may make tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from aragora_sql.schema.catalog import Catalog

__all__ = ["with_temporary_functions", "without_temporary_schema"]

_MAKES_FUNCTION = re.compile(r"\bCREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(\w+)", re.IGNORECASE)
_TEMPORARY_SCHEMA = re.compile(r"\bpg_temp(?:_\d+)?\.")


def with_temporary_functions(texts: Mapping[str, str]) -> dict[str, str]:
    """Name the schema of functions: nothing in ``pg_temp`` is found as a function otherwise."""
    names = {name for text in texts.values() for name in _MAKES_FUNCTION.findall(text)}
    if not names:
        return dict(texts)
    called = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(names)))})(?=\s*\()")
    return {store: called.sub(r"pg_temp.\g<0>", text) for store, text in texts.items()}


def without_temporary_schema(catalog: Catalog) -> Catalog:
    """Return what a catalogue of temporary tables says of tables that are not."""
    parts = {key: _TEMPORARY_SCHEMA.sub("", value) for key, value in catalog.parts.items()}
    return replace(catalog, parts=parts)

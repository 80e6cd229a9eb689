"""Which stores' plans are proved: for these texts, schemas and engines they are the committed ones.

What was proved need not be looked at again, so no table has to be filled for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aragora_sql.checker.plan_snapshots import engine_version, snapshot_path
from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.report import Report
from aragora_sql.database import Dialect
from aragora_sql.engines.cache import digest
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.engines.filling import VERSION as FILLING
from aragora_sql.queries.files import DIALECTS

__all__ = ["StorePlans", "has_plan", "keep_proofs", "trust_proved", "unproved_stores"]

# To be raised when plans are judged otherwise.
VERSION = 2

StorePlans = Mapping[tuple[Dialect, str], list[str]]
"""Stores by dialect, with all that their plans depend on, and the committed plans."""


def has_plan(facts: Facts, query: QueryFacts) -> bool:
    """Tell whether a query reads or changes a table of the tree."""
    catalog = facts.catalogs[query.dialect]
    return any(table in catalog for table in (*query.tables_read, *query.tables_written))


def unproved_stores(facts: Facts, engines: Engines, proofs: Proofs) -> StorePlans:
    """Return the stores whose plans have to be looked at."""
    there = {key[:2] for key, query in facts.queries.items() if has_plan(facts, query)}
    # What the plans of each store depend on is read once.
    schemas = {
        dialect: digest(file.text for file in facts.tree.schemas[dialect]) for dialect in DIALECTS
    }
    texts: dict[tuple[Dialect, str], list[str]] = {key: [] for key in there}
    for (dialect, store, _), query in facts.texts.items():
        if (dialect, store) in there:
            said = (f"{one.kind} {one.text}" for one in query.directives)
            texts[dialect, store] += [query.name, query.doc, query.sql, *said]
    found = {}
    for dialect, store in sorted(there):
        version = engines.postgres.version if dialect == "postgres" else engines.sqlite.version
        path = snapshot_path(facts.tree.root, dialect, store, engine_version(dialect, engines))
        committed = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        parts = [str(VERSION), str(FILLING), str(version), committed, schemas[dialect]]
        parts += texts[dialect, store]
        if not proofs.holds(_name(dialect, store, engines), parts):
            found[dialect, store] = parts
    return found


def trust_proved(facts: Facts, report: Report, unproved: StorePlans) -> None:
    """Take what the comments of the other stores declare of plans as needed."""
    for key, path in _paths(facts).items():
        if key not in unproved:
            report.trust("plan", path)


def keep_proofs(
    facts: Facts, engines: Engines, report: Report, proofs: Proofs, right: StorePlans
) -> None:
    """Keep that the plans of stores are right; ``right`` is what was looked at."""
    files = _paths(facts)
    for (dialect, store), parts in right.items():
        path = snapshot_path(facts.tree.root, dialect, store, engine_version(dialect, engines))
        if path.is_file() and report.needs_all("plan", files[dialect, store]):
            proofs.add(_name(dialect, store, engines), parts)


def _name(dialect: Dialect, store: str, engines: Engines) -> str:
    return f"plans {dialect}-{engine_version(dialect, engines)} {store}"


def _paths(facts: Facts) -> dict[tuple[Dialect, str], Path]:
    """Return the file of each store's queries."""
    return {(dialect, store): query.path for (dialect, store, _), query in facts.texts.items()}

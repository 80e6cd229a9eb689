"""Both engines: versions of the stores' schemas, and what is otherwise than the files say."""

from __future__ import annotations

from aragora_sql.database import Database
from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.errors import DatabaseTimeoutError, SchemaRightsError
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema import (
    VERSIONS_TABLE,
    inspect_schema,
    latest_version,
    store_names,
    table_names,
)
from aragora_sql.schema.rights import present_version, version_queries

__all__ = ["check_schema", "stores_present", "tables_of"]

_SHOWN = 5


def tables_of(database: Database) -> list[str]:
    """Return the tables of all stores, that of the versions first."""
    dialect = database.dialect
    return [
        VERSIONS_TABLE,
        *(table for store in store_names(dialect) for table in table_names(store, dialect)),
    ]


async def stores_present(database: Database) -> dict[str, int | None]:
    """Return the version of each store's schema in a database; None where it was never made.

    Raises :class:`SchemaRightsError` when the role can't see it.
    """
    queries = version_queries(database.dialect, sql_dir())
    async with database.read() as connection:
        return {
            store: await present_version(connection, queries, store)
            for store in store_names(database.dialect)
        }


async def check_schema(database: Database) -> list[Finding]:
    """Compare versions, and then everything else of the stores that are current."""
    try:
        versions = await stores_present(database)
    except SchemaRightsError as problem:
        return [error("schema-version", str(problem), "see the checks role and search-path")]
    latest = {store: latest_version(store, database.dialect) for store in versions}
    present = {store: number for store, number in versions.items() if number is not None}
    findings = _versions(present, latest)
    current = [store for store, number in present.items() if number == latest[store]]
    if current:
        findings += await _drift(database, current)
    return findings


def _versions(present: dict[str, int], latest: dict[str, int]) -> list[Finding]:
    if not present:
        return [
            warning(
                "schema-version",
                "there is no store in this database yet",
                "aragora-sql schema apply, or let the application make what it uses",
            )
        ]
    findings = []
    newer = [f"{s} {n} (files: {latest[s]})" for s, n in present.items() if n > latest[s]]
    older = [f"{s} {n} (files: {latest[s]})" for s, n in present.items() if n < latest[s]]
    if newer:
        findings.append(
            error(
                "schema-version",
                f"newer than this release: {', '.join(newer)}",
                "install the release that upgraded the database; this one refuses it",
            )
        )
    if older:
        findings.append(
            warning(
                "schema-version",
                f"older than this release: {', '.join(older)}",
                "aragora-sql schema apply, or let the application upgrade when it starts",
            )
        )
    absent = len(latest) - len(present)
    told = f"{len(present)} stores have the version of the SQL files"
    if absent:
        told += f"; {absent} were never made"
    return findings or [ok("schema-version", told)]


async def _drift(database: Database, stores: list[str]) -> list[Finding]:
    try:
        inspection = await inspect_schema(database, stores, briefly=True)
    except (SchemaRightsError, DatabaseTimeoutError) as problem:
        return [
            warning(
                "schema-drift",
                f"not compared: {problem}",
                "run 'aragora-sql schema verify' on the primary, as the owner of the tables",
            )
        ]
    findings = [
        warning("schema-drift", *_in_two(one, ": REVOKE ", "REVOKE "))
        for one in inspection.warnings
    ]
    # What the role lacks, other checks tell.
    found = [one for one in inspection.differences if one.kind not in {"rights", "version"}]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        findings.append(
            error(
                "schema-drift",
                "; ".join(map(str, found[:_SHOWN])) + more,
                "aragora-sql schema verify names all, aragora-sql schema repair mends them",
            )
        )
    return findings or [ok("schema-drift", f"{len(inspection.stores)} stores are as the files say")]


def _in_two(sentence: str, mark: str, kept: str) -> tuple[str, str]:
    seen, found, action = sentence.partition(mark)
    return (seen, kept + action) if found else (sentence, "")

"""What ``check --since`` says of schemas: what tables are made otherwise, and for whom that is.

The definitions of both trees are described by the engines and compared. Where the version of a
store has risen, processes of the earlier tree may still be at work while the new one is brought
out: what they can't do on the upgraded database any more is said, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from aragora_sql.checker.described import describe_file, differences, place_of_part
from aragora_sql.checker.release_before import check_release_before, raised_stores
from aragora_sql.checker.since import Change
from aragora_sql.checker.versions import apart
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.tree import read_tree
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS, read_queries
from aragora_sql.schema import VERSIONS

__all__ = ["changes_for_release_before", "changes_of_schemas"]


def changes_of_schemas(
    engines: Engines, earlier: Path, stores: Collection[str] | None
) -> list[Change]:
    """Return what the schemas of some stores (None: all) make otherwise than in another tree."""
    found: list[Change] = []
    before = read_tree(earlier)
    for dialect in DIALECTS:
        past = {file.store: file for file in before.schemas[dialect]}
        for file in engines.tree.schemas[dialect]:
            old = past.get(file.store)
            if file.store == VERSIONS or old is None or old.text == file.text:
                continue
            if stores is None or file.store in stores:
                found += _of_file(engines, file, old, dialect)
    return found


def _of_file(
    engines: Engines, file: SchemaFile, old: SchemaFile, dialect: Dialect
) -> Iterator[Change]:
    described = [describe_file(engines, one, dialect) for one in (old, file)]
    problem = next((one for one in described if isinstance(one, Finding)), None)
    if problem is not None:
        why = f"the schema can't be compared: {problem.message}"
        yield Change(file.path, 1, dialect, file.store, "", "not compared", (why,))
        return
    expected, made = (one for one in described if not isinstance(one, Finding))
    for key, was, now in differences(expected, made):
        table, kind, name = key
        what = f"{kind} {table}" if kind == "table" else f"{kind} {name} of {table}"
        if now is None:
            said = f"{what} is gone"
        elif was is None:
            said = f"{what} is new"
        else:
            one, two = apart(now, was)
            said = f"{what} is {one}, and was {two}"
        line, _ = place_of_part(file, key, dialect)
        yield Change(file.path, line, dialect, file.store, "", "schema", (said,))


def changes_for_release_before(
    earlier: Path, root: Path, dsn: str | None, *, keep: bool, stores: Collection[str] | None
) -> list[Change]:
    """Return what queries of the earlier tree answer otherwise on a database of the present one.

    Only stores whose version has risen are looked at; ``stores`` limits it to some of them.
    """
    raised = [s for s in raised_stores(earlier, root) if stores is None or s in stores]
    if not raised:
        return []
    try:
        findings = check_release_before(earlier, root, dsn, keep=keep, stores=raised)
    except ConfigurationError as error:
        why = f"the release before can't be tried on the upgraded database: {error}"
        path = root / "postgres" / raised[0] / "schema.sql"
        return [Change(path, 1, "postgres", raised[0], "", "not compared", (why,))]
    return [_of_finding(one, earlier, root) for one in findings]


def _of_finding(finding: Finding, earlier: Path, root: Path) -> Change:
    place = finding.path.relative_to(earlier)
    dialect: Dialect = "sqlite" if place.parts[0] == "sqlite" else "postgres"
    before = read_queries(finding.path, dialect)
    name = next((one.name for one in before.values() if one.line == finding.line), "")
    path = root / place
    now = read_queries(path, dialect).get(name) if path.is_file() else None
    line = 1 if now is None else now.line
    return Change(path, line, dialect, place.parts[1], name, "release before", (finding.message,))

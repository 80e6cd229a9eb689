"""The rule ``schema-record``: what databases in use have changes by an upgrade only.

The committed record of a version is held against ``schema.sql`` of the same version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from aragora_sql.checker.described import describe_file, differences, place_of_part
from aragora_sql.checker.kept import keeps_snapshots, kept_root
from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines import cache
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.engines.schema_files import SchemaFile, read_schema_file
from aragora_sql.errors import QueryFileError, SchemaError
from aragora_sql.queries.files import DIALECTS, read_sql
from aragora_sql.schema import VERSIONS, latest_version
from aragora_sql.schema.records import (
    RECORDS,
    is_installed,
    record_path,
    record_paths,
    recorded_upgrade,
    upgrade_fingerprint,
)
from aragora_sql.schema.upgrades import upgrade_paths

__all__ = ["apart", "check_records"]

RULE = "schema-record"
# To be raised when more of a schema is described.
VERSION = 1
# Longer definitions are shown where they differ only, with so many characters around.
_SHOWN, _AROUND = 120, 30


def check_records(
    facts: Facts, engines: Engines, report: Report, stores: set[str] | None
) -> set[str]:
    """Hold the schema files of some stores (None: all) against the records of their versions.

    Returns the stores of which something is not as recorded.
    """
    root = facts.tree.root
    different: set[str] = set()
    if not (kept_root(root) / RECORDS).is_dir():
        # A tree begins to record its versions with the first `schema record`; one that keeps its
        # plans, and has upgrades, has begun.
        if keeps_snapshots(root) and any(root.glob("*/*/upgrades/*.sql")):
            message = (
                "the records of versions are missing, so no upgrade is proved, and no change that "
                "needs one is noticed: bring the folder back from version control, or aragora-sql "
                f"schema record writes today's versions, or --skip {RULE}"
            )
            report.add(Finding(root / RECORDS, 1, 1, RULE, message))
        return different
    refused = {file.path for file in facts.unloaded}
    for dialect in DIALECTS:
        for file in facts.tree.schemas[dialect]:
            if file.store == VERSIONS or (stores is not None and file.store not in stores):
                continue
            try:
                found = list(_of_store(file, dialect, root))
                if not found and file.path not in refused:
                    found = list(_of_present_version(file, dialect, engines))
            except (QueryFileError, SchemaError) as error:
                # The rules `file` and `version` say what is wrong with upgrades.
                if isinstance(error, QueryFileError) and RECORDS in error.path.parts:
                    report.add(finding_of(error, RULE))
                continue
            for finding, subject in found:
                scopes = [Scope(file.path)]
                report.add(finding, subject=f"{RULE} of {subject}", scopes=scopes)
                if not report.is_declared("check", f"{RULE} of {subject}", scopes):
                    different.add(file.store)
    return different


Found = Iterator[tuple[Finding, str]]


def _of_store(file: SchemaFile, dialect: Dialect, root: Path) -> Found:
    """Find versions that are not recorded, records of no version, and changed upgrades."""
    store = file.store
    records = record_paths(store, dialect, kept_root(root))
    upgrades = upgrade_paths(store, dialect, root)
    latest = latest_version(store, dialect, root)
    # A version between may have had no schema.sql of its own: two upgrades were written at once.
    unrecorded = {1, latest} - records.keys()
    if is_installed(root):
        unrecorded.discard(latest)
    for number in sorted(unrecorded):
        place = file.path if number == latest else upgrades.get(number + 1, file.path)
        how = (
            f"aragora-sql schema record --store {store}"
            if number == latest
            else f"write {_short(record_path(store, dialect, number, root))}: schema.sql as it was"
        )
        message = (
            f"version {number} of {store!r} is not recorded, so no upgrade from it can be proved: "
            f"{how}"
        )
        yield Finding(place, _version_line(file, place), 1, RULE, message), f"version {number}"
    for number, path in records.items():
        if number > latest:
            message = (
                f"version {number} of {store!r} is recorded, and the upgrades lead to {latest} "
                "only: databases of that version would be refused as newer"
            )
            yield Finding(path, 1, 1, RULE, message), f"version {number}"
        upgrade = upgrades.get(number)
        said = recorded_upgrade(read_sql(path))
        if upgrade is None or said is None:
            continue
        if said != (upgrade.name, upgrade_fingerprint(upgrade, dialect)):
            what = "renamed" if said[0] != upgrade.name else "changed"
            message = (
                f"upgrade {number} of {store!r} was {what} after it was recorded in "
                f"{_short(path)}: databases that ran it don't get the change. Write another "
                f"upgrade, or, where version {number} was never in use, aragora-sql schema record "
                f"--replace --store {store}"
            )
            yield Finding(upgrade, 1, 1, RULE, message), f"upgrade {number}"


def _of_present_version(file: SchemaFile, dialect: Dialect, engines: Engines) -> Found:
    """Compare what the file makes with what the record of the same version makes."""
    root = engines.tree.root
    latest = latest_version(file.store, dialect, root)
    path = record_path(file.store, dialect, latest, kept_root(root))
    if not path.is_file():
        return
    record = read_schema_file(file.store, path, dialect)
    if _body(record.text) == file.text:
        return
    for key, wanted, there in _differences(file, record, dialect, engines):
        table, kind, name = key
        what = kind if kind == "table" else f"{kind} {name} of"
        if there is None:
            said = f"{what} {table} is missing, and is in"
        elif wanted is None:
            said = f"{what} {table} is new: it is not in"
        else:
            ours, theirs = apart(there, wanted)
            said = f"{what} {table} is {ours}, and is {theirs} in"
        message = (
            f"{said} version {latest} as recorded ({_short(path)}): databases of that version "
            f"don't get the change. aragora-sql schema new-upgrade {file.store} NAME, or, where "
            f"version {latest} was never in use, aragora-sql schema record --replace --store "
            f"{file.store}"
        )
        line, column = place_of_part(file, key, dialect)
        subject = table if kind == "table" else f"{table}.{name}"
        yield Finding(file.path, line, column, RULE, message), subject


def _common(one: str, two: str) -> int:
    """Return how many characters are the same at the beginning."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(two)))


def apart(one: str, two: str) -> tuple[str, str]:
    """Return two long definitions from a little before they differ to a little behind."""
    if max(len(one), len(two)) <= _SHOWN:
        return one, two
    start = _common(one, two)
    end = _common(*(text[start:][::-1] for text in (one, two)))
    start, end = max(0, start - _AROUND), max(0, end - _AROUND)
    shown = [text[start : len(text) - end] for text in (one, two)]
    before, behind = "… " if start else "", " …" if end else ""
    return f"{before}{shown[0]}{behind}", f"{before}{shown[1]}{behind}"


def _differences(
    file: SchemaFile, record: SchemaFile, dialect: Dialect, engines: Engines
) -> Iterable[tuple[tuple[str, str, str], str | None, str | None]]:
    engine = engines.postgres if dialect == "postgres" else engines.sqlite
    key = cache.digest([str(VERSION), dialect, str(engine.version), record.text, file.text])
    name = f"record-{key}.json"
    saved = cache.load(name)
    if saved is None:
        described = [describe_file(engines, one, dialect) for one in (record, file)]
        problems = [one for one in described if isinstance(one, Finding)]
        if problems:
            raise QueryFileError(problems[0].path, problems[0].line, problems[0].message)
        expected, found = (one for one in described if not isinstance(one, Finding))
        saved = [[list(key), *two] for key, *two in differences(expected, found)]
        cache.save(name, saved)
    return [((k[0], k[1], k[2]), wanted, there) for k, wanted, there in saved]


def _body(text: str) -> str:
    """Return the schema of a record: without the line about its upgrade."""
    return text.partition("\n")[2] if recorded_upgrade(text) is not None else text


def _version_line(file: SchemaFile, place: Path) -> int:
    if place != file.path:
        return 1
    at = file.text.find("INSERT INTO _schema_versions")
    return 1 if at < 0 else file.text.count("\n", 0, at) + 1


def _short(path: Path) -> str:
    return "/".join(path.parts[-4:])

"""Runs the rules over a tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.checker.beside import check_beside
from aragora_sql.checker.callers import check_callers, stores_called
from aragora_sql.checker.document_casts import check_documents
from aragora_sql.checker.engines import Engines
from aragora_sql.checker.exact_calls import check_calls
from aragora_sql.checker.facts import Facts, read_facts
from aragora_sql.checker.files import check_files, sql_files
from aragora_sql.checker.findings import Finding
from aragora_sql.checker.lints import check_schemas
from aragora_sql.checker.meaning import Meaning, check_meaning
from aragora_sql.checker.nullable_documents import check_nullable_documents
from aragora_sql.checker.parity import check_parity
from aragora_sql.checker.parity_functions import check_functions
from aragora_sql.checker.plans import check_plans, write_snapshots
from aragora_sql.checker.record_columns import check_record_columns
from aragora_sql.checker.report import Report
from aragora_sql.checker.rules import RULES
from aragora_sql.checker.schema_parity import check_schema_parity
from aragora_sql.checker.squawk import check_with_squawk
from aragora_sql.checker.style import Style
from aragora_sql.checker.tree import read_tree
from aragora_sql.checker.unified_schema import check_unified_schemas
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS, SYSTEM, query_folders

__all__ = ["Checked", "Options", "check"]

_PLANS = {"filtered-walk", "full-scan", "plan-snapshot"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to check and with what.

    ``root`` is a tree like ``sql/``; ``python`` are folders whose Python files call the queries;
    ``files`` limits the check to the stores that these files belong to or call; ``skip`` names
    rules to leave out. ``dsn`` and ``keep`` are as for
    :class:`~aragora_sql.checker.engines.Engines`.
    """

    root: Path
    python: tuple[Path, ...]
    files: tuple[Path, ...] = ()
    skip: frozenset[str] = frozenset()
    dsn: str | None = None
    keep: bool = False
    update_plans: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and what it looked at.

    ``meaning`` is None where the answers of the dialects were not compared.
    """

    findings: tuple[Finding, ...]
    queries: int
    stores: int
    versions: str
    seconds: float
    meaning: Meaning | None = None

    @property
    def failed(self) -> bool:
        """Whether an error was found."""
        return any(finding.level == "error" for finding in self.findings)


def check(options: Options, say: Callable[[str], None] = lambda doing: None) -> Checked:
    """Check a tree. Raises for engines or programs that are not there, not for what is in files.

    ``say`` is told what is being done, in a few words, each time that this changes.
    """
    started = time.monotonic()
    unknown = options.skip - RULES.keys()
    if unknown:
        known = ", ".join(RULES)
        raise ConfigurationError(f"there is no rule {', '.join(sorted(unknown))}; rules: {known}")
    stores = _stores(options)
    tree = read_tree(options.root)
    style = None
    if "style" not in options.skip:
        files = [path for path in sql_files(options.root) if _belongs(path, options.root, stores)]
        style = Style(options.root, files)
    try:
        with Engines(tree, options.dsn, keep=options.keep) as engines:
            say("preparing every query on both engines")
            facts = read_facts(engines, stores)
            report = Report(facts)
            report.add(*facts.problems)
            if options.update_plans:
                say("writing the plans")
                write_snapshots(facts, engines, whole=stores is None)
            meaning = _run(options, facts, engines, report, say, whole=stores is None)
            versions = f"PostgreSQL {engines.postgres.version} and SQLite {engines.sqlite.version}"
        if style is not None:
            say("looking at the style")
            report.add(*style.findings())
    finally:
        if style is not None:
            style.close()
    findings = [
        finding
        for finding in report.findings(options.skip, unneeded=not facts.problems)
        if _belongs(finding.path, options.root, stores)
    ]
    return Checked(
        findings=tuple(findings),
        queries=len(facts.texts),
        stores=len(facts.stores),
        versions=versions,
        seconds=time.monotonic() - started,
        meaning=meaning,
    )


def _run(
    options: Options,
    facts: Facts,
    engines: Engines,
    report: Report,
    say: Callable[[str], None],
    *,
    whole: bool,
) -> Meaning | None:
    meaning = None
    say("comparing the dialects, and the files with the code that calls them")
    check_files(facts, report)
    check_unified_schemas(facts, report)
    if whole:
        check_beside(facts, engines, report, options.python)
    check_parity(facts, report)
    check_schema_parity(facts, report)
    check_callers(facts, report, options.python)
    check_record_columns(facts, report, options.python)
    check_documents(facts, report)
    check_functions(facts, report)
    check_schemas(facts, engines, report)
    check_nullable_documents(facts, report)
    if "inexact-call" not in options.skip:
        check_calls(facts, engines, report)
    if "meaning" not in options.skip:
        say("comparing the answers of the dialects")
        meaning = check_meaning(facts, engines, report)
    if not options.skip >= _PLANS:
        say("looking at the plans, on tables that are filled for it")
        check_plans(facts, engines, report)
    if "squawk" not in options.skip:
        say("linting the schemas")
        names = {"schema.sql"}
        folders = [options.root / "postgres", options.root / SYSTEM / "postgres"]
        paths = [
            path
            for path in sql_files(options.root)
            if any(path.is_relative_to(folder) for folder in folders)
            and path.parent not in folders
            and (path.name in names or path.parent.name == "upgrades")
            and path not in report.broken
        ]
        check_with_squawk(facts, report, paths)
    return meaning


def _stores(options: Options) -> set[str] | None:
    """Return the stores that the given files are about; None for all."""
    if not options.files:
        return None
    known = {path.name for name in DIALECTS for path in query_folders(name, options.root)}
    found: set[str] = set()
    for path in options.files:
        if not path.exists():
            raise ConfigurationError(f"{path}: there is no such file")
        store = _store(path, options.root)
        if store is not None:
            found.add(store)
        elif path.suffix == ".py":
            called = stores_called(path, options.python, known)
            if not called:
                raise ConfigurationError(f"{path}: it calls no query of {options.root}")
            found |= called
        elif path.is_relative_to(options.root):
            return None
        else:
            raise ConfigurationError(f"{path}: neither below {options.root} nor Python")
    return found


def _store(path: Path, root: Path) -> str | None:
    """Return the store that a file of the tree belongs to."""
    if not path.is_relative_to(root):
        return None
    parts = path.relative_to(root).parts
    if parts[:1] == ("plans",):
        return Path(parts[2]).stem if len(parts) == 3 else None
    if parts[:1] == (SYSTEM,):
        parts = parts[1:]
    if not parts or parts[0] not in DIALECTS:
        return None
    inside = len(parts) >= 3 or (len(parts) == 2 and path.is_dir())
    return parts[1] if inside else None


def _belongs(path: Path, root: Path, stores: Iterable[str] | None) -> bool:
    if stores is None or not path.is_relative_to(root):
        return True
    return _store(path, root) in set(stores)

"""Runs the rules over a tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.checker.ahead import Ahead, Callers, Statistics
from aragora_sql.checker.answer_snapshots import check_answers, write_answers
from aragora_sql.checker.beside import check_beside
from aragora_sql.checker.callers import Sources, check_callers, stores_called
from aragora_sql.checker.collations import check_collations
from aragora_sql.checker.directive_words import check_directive_words
from aragora_sql.checker.document_casts import check_documents
from aragora_sql.checker.earlier_trees import earlier_tree
from aragora_sql.checker.exact_calls import check_calls
from aragora_sql.checker.files import check_files, sql_files
from aragora_sql.checker.kept import unpack
from aragora_sql.checker.lints import check_schemas
from aragora_sql.checker.locks import check_locks
from aragora_sql.checker.mapping import check_mappings
from aragora_sql.checker.mapping.ledger import check_ledger
from aragora_sql.checker.meaning import Meaning, check_meaning
from aragora_sql.checker.missing_stores import check_missing_stores
from aragora_sql.checker.mutating.declared import check_declared
from aragora_sql.checker.mutating.result import Mutated
from aragora_sql.checker.mutating.stores import mutate
from aragora_sql.checker.name_clashes import check_names
from aragora_sql.checker.nullable_documents import check_nullable_documents
from aragora_sql.checker.origins import check_origins
from aragora_sql.checker.parity import check_parity
from aragora_sql.checker.parity_functions import check_functions
from aragora_sql.checker.plan_proofs import StorePlans, unproved_stores
from aragora_sql.checker.plan_snapshots import PlanChange
from aragora_sql.checker.plans import check_plans, update_snapshots
from aragora_sql.checker.proofs import Proofs, proofs_path
from aragora_sql.checker.record_columns import check_record_columns
from aragora_sql.checker.report import Report
from aragora_sql.checker.results import check_results
from aragora_sql.checker.rules import RULES
from aragora_sql.checker.schema_details import check_details
from aragora_sql.checker.schema_parity import check_schema_parity
from aragora_sql.checker.schema_statements import check_statements
from aragora_sql.checker.since import Change, compare_since, edited_stores
from aragora_sql.checker.since_schemas import changes_for_release_before, changes_of_schemas
from aragora_sql.checker.squawk import check_with_squawk
from aragora_sql.checker.style import Style
from aragora_sql.checker.unified_schema import check_unified_schemas
from aragora_sql.checker.upgrade_proof import check_upgrades
from aragora_sql.checker.versions import check_records
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, read_facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.tree import read_tree
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS, SYSTEM, query_folders
from aragora_sql.queries.parameters import remembered_tokens
from aragora_sql.schema.records import RECORDS

__all__ = ["Checked", "Options", "Since", "check", "check_mutations", "check_since"]

_PLANS = {"filtered-walk", "full-scan", "plan-snapshot"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to check and with what.

    ``root`` is a tree like ``sql/``; ``python`` are folders whose Python files call the queries;
    ``files`` limits the check to the stores that these files belong to or call; ``skip`` names
    rules to leave out. ``update_plans`` writes the plans to the tree, ``accept_worse`` those too in
    which a scan or a sort appears; ``update_style`` writes which texts have no fault of style,
    ``update_proofs`` what was found right. ``afresh`` does also what the tree and earlier checks
    know. ``dsn`` and ``keep`` are as for :class:`~aragora_sql.engines.engines.Engines`.
    """

    root: Path
    python: tuple[Path, ...]
    files: tuple[Path, ...] = ()
    skip: frozenset[str] = frozenset()
    dsn: str | None = None
    keep: bool = False
    update_plans: bool = False
    accept_worse: bool = False
    update_mappings: bool = False
    update_answers: bool = False
    update_style: bool = False
    update_proofs: bool = False
    afresh: bool = False

    @property
    def updates(self) -> bool:
        """Whether something is written to the tree."""
        mappings, answers = self.update_mappings, self.update_answers
        return self.update_plans or mappings or answers or self.update_style or self.update_proofs


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and what it looked at.

    ``meaning`` is None where the answers of the dialects were not compared; ``plan_changes`` are
    those of an update, worse ones first; ``accepted`` says in words which answers were written as
    they are now. Where all was done afresh, ``missing_proofs`` counts those that a tree with proofs
    does not carry. ``checked_stores`` of the tree ``root`` were looked at; None: all of it.
    """

    findings: tuple[Finding, ...]
    queries: int
    stores: int
    versions: str
    seconds: float
    meaning: Meaning | None = None
    plan_changes: tuple[PlanChange, ...] = ()
    root: Path | None = None
    checked_stores: frozenset[str] | None = None
    accepted: tuple[str, ...] = ()
    missing_proofs: int = 0

    @property
    def failed(self) -> bool:
        """Whether an error was found."""
        return any(finding.level == "error" for finding in self.findings)

    def covers(self, path: Path) -> bool:
        """Whether a finding in this file would have been found."""
        return self.root is None or _belongs(path, self.root, self.checked_stores)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The Python files that call queries, and what other processes find out meanwhile.

    ``unproved`` are the stores whose plans have to be looked at; ``statistics`` are for those.
    """

    sources: Sources
    calls: Ahead
    unproved: StorePlans
    statistics: Ahead | None


def check(options: Options, say: Callable[[str], None] = lambda doing: None) -> Checked:
    """Check a tree. Raises for engines or programs that are not there, not for what is in files.

    ``say`` is told what is being done, in a few words, each time that this changes.
    """
    # Rule after rule reads the same texts.
    with remembered_tokens():
        return _check(options, say)


def _check(options: Options, say: Callable[[str], None]) -> Checked:
    started = time.monotonic()
    unknown = options.skip - RULES.keys()
    if unknown:
        known = ", ".join(RULES)
        raise ConfigurationError(f"there is no rule {', '.join(sorted(unknown))}; rules: {known}")
    if options.update_style and (options.files or "style" in options.skip):
        raise ConfigurationError("--update-style takes the style of the whole tree: name no FILE")
    if options.update_proofs and (options.files or options.skip):
        raise ConfigurationError(
            "--update-proofs takes the proofs of the whole tree and of all rules: "
            "name no FILE, and skip no rule"
        )
    if options.updates:
        unpack(options.root)
    stores = _stores(options)
    tree = read_tree(options.root)
    proofs = Proofs(options.root, believed=not options.afresh)
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
            plan_changes: list[PlanChange] = []
            if options.update_plans:
                say("writing the plans")
                plan_changes = update_snapshots(
                    facts, engines, whole=stores is None, accept_worse=options.accept_worse
                )
            called = {path.name for name in DIALECTS for path in query_folders(name, options.root)}
            sources = Sources.of(options.python, sorted(called.union(facts.stores)))
            with ExitStack() as stack:
                calls = stack.enter_context(Ahead(Callers(sources)))
                unproved = unproved_stores(facts, engines, proofs)
                statistics = None
                has_sqlite = any(dialect == "sqlite" for dialect, _ in unproved)
                if has_sqlite and not options.skip >= _PLANS:
                    statistics = stack.enter_context(
                        Ahead(Statistics(facts.catalogs["sqlite"], tree.schemas["sqlite"]))
                    )
                ahead = _Ahead(sources, calls, unproved, statistics)
                meaning = _run(
                    options, facts, engines, report, say, ahead, proofs, whole=stores is None
                )
            accepted = _check_answers(options, facts, engines, report, say, meaning)
            versions = f"PostgreSQL {engines.postgres.version} and SQLite {engines.sqlite.version}"
        if style is not None:
            say("looking at the style")
            report.add(*style.findings())
            if options.update_style:
                style.write()
        proofs.save()
        if options.update_proofs:
            proofs.write()
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
        plan_changes=tuple(plan_changes),
        root=options.root,
        checked_stores=None if stores is None else frozenset(stores),
        accepted=tuple(accepted),
        missing_proofs=(
            proofs.missing if options.afresh and proofs_path(options.root).is_file() else 0
        ),
    )


@dataclass(frozen=True, slots=True)
class Since:
    """What a comparison with an earlier tree found; ``queries`` were called ``calls`` times."""

    changes: tuple[Change, ...]
    queries: int
    calls: int
    versions: str
    seconds: float


def check_since(
    options: Options, since: str, say: Callable[[str], None] = lambda doing: None
) -> Since:
    """Compare each query with itself in an earlier tree: a folder, or a revision of git.

    Of ``options``, ``root``, ``files``, ``python``, ``dsn`` and ``keep`` count. Raises
    :class:`ConfigurationError` for what is no such tree.
    """
    started = time.monotonic()
    stores = _stores(options)
    with (
        earlier_tree(options.root, since) as earlier,
        Engines(read_tree(options.root), options.dsn, keep=options.keep) as engines,
    ):
        stores = edited_stores(options.root, earlier, stores)
        say("preparing the edited queries on both engines")
        facts = read_facts(engines, stores)
        say("comparing the answers with those of the earlier tree")
        compared = compare_since(facts, engines, earlier, stores=stores)
        changes = [*compared.changes, *changes_of_schemas(engines, earlier, stores)]
        say("trying the earlier queries on the upgraded schema")
        changes += changes_for_release_before(
            earlier, options.root, options.dsn, keep=options.keep, stores=stores
        )
        versions = f"PostgreSQL {engines.postgres.version} and SQLite {engines.sqlite.version}"
    return Since(
        tuple(sorted(changes)),
        compared.queries,
        compared.calls,
        versions,
        time.monotonic() - started,
    )


def check_mutations(options: Options, say: Callable[[str], None] = lambda doing: None) -> Mutated:
    """Edit the queries of a tree, one small edit at a time, and say which ones a check notices.

    Of ``options``, ``root``, ``files``, ``python``, ``dsn`` and ``keep`` count. Raises
    :class:`ConfigurationError` for a tree in which a check finds errors of files and queries.
    """
    started = time.monotonic()
    stores = _stores(options)
    with Engines(read_tree(options.root), options.dsn, keep=options.keep) as engines:
        say("preparing every query on both engines")
        facts = read_facts(engines, stores)
        if facts.problems:
            first = facts.problems[0]
            raise ConfigurationError(f"aragora-sql check has to find no such error first: {first}")
        edited = mutate(
            facts,
            engines,
            lambda store, done, of: say(f"editing the queries of {store} ({done} of {of} done)"),
        )
        versions = f"PostgreSQL {engines.postgres.version} and SQLite {engines.sqlite.version}"
    return Mutated(edited, versions, time.monotonic() - started)


def _run(
    options: Options,
    facts: Facts,
    engines: Engines,
    report: Report,
    say: Callable[[str], None],
    ahead: _Ahead,
    proofs: Proofs,
    *,
    whole: bool,
) -> Meaning | None:
    meaning = None
    say("comparing the dialects, and the files with the code that calls them")
    check_files(facts, report)
    check_directive_words(facts.tree.root, report)
    check_unified_schemas(facts, engines, report)
    if whole:
        check_beside(facts, engines, report, options.python)
        if not options.skip >= {"mapping", "mapping-snapshot"}:
            say("moving older rows")
            update = options.update_mappings
            check_mappings(facts, engines, report, proofs, update=update)
            check_ledger(facts.tree.root, engines, report, proofs, update=update)
    check_parity(facts, report)
    check_origins(facts, report)
    check_schema_parity(facts, report)
    check_details(facts, engines, report)
    check_statements(facts, report)
    check_names(facts, report)
    named = None if whole else set(facts.stores)
    different = check_records(facts, engines, report, named)
    if "upgrade" in options.skip:
        report.unsure |= {"upgrade", "upgrade-lock"}
    else:
        say("upgrading older versions, with rows")
        check_upgrades(facts, engines, report, proofs, named, different)
    ahead.calls.wait()
    sources = ahead.sources
    uses = check_callers(facts, report, sources)
    if whole:
        check_missing_stores(facts, report, uses)
    if "wrong-result" not in options.skip:
        check_results(facts, report, uses, sources)
    check_record_columns(facts, report, options.python)
    check_documents(facts, report)
    check_functions(facts, report)
    check_locks(facts, engines, report)
    check_declared(facts, report)
    check_schemas(facts, engines, report)
    check_nullable_documents(facts, report)
    if "inexact-call" not in options.skip:
        check_calls(facts, engines, report)
    if "collation" not in options.skip:
        check_collations(facts, engines, report)
    if "meaning" not in options.skip:
        say("comparing the answers of the dialects")
        meaning = check_meaning(
            facts, engines, report, update=options.update_answers, afresh=options.afresh
        )
    if not options.skip >= _PLANS:
        if ahead.statistics is not None:
            ahead.statistics.wait()
        say("looking at the plans, on tables that are filled for it")
        check_plans(facts, engines, report, proofs, ahead.unproved)
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


def _check_answers(
    options: Options,
    facts: Facts,
    engines: Engines,
    report: Report,
    say: Callable[[str], None],
    meaning: Meaning | None,
) -> list[str]:
    """Compare the answers with the committed ones, or write these; return in words what changed."""
    if meaning is None or not meaning.answers:
        return []
    say("comparing the answers with the committed ones")
    if options.update_answers:
        whole = not options.files and not facts.problems
        return write_answers(facts, engines, report, meaning, whole=whole)
    if "answer-snapshot" not in options.skip:
        check_answers(facts, engines, report, meaning)
    return []


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
    if parts[:1] == (RECORDS,):
        parts = parts[1:]
    if parts[:1] == ("answers",):
        return Path(parts[1]).stem if len(parts) == 2 else None
    if parts[:1] == (SYSTEM,):
        parts = parts[1:]
    if not parts or parts[0] not in DIALECTS:
        return None
    inside = len(parts) >= 3 or (len(parts) == 2 and path.is_dir())
    return parts[1] if inside else None


def _belongs(path: Path, root: Path, stores: Iterable[str] | None) -> bool:
    if stores is None or not path.is_relative_to(root):
        return True
    if path.parent == root / "plans":
        return True
    return _store(path, root) in set(stores)

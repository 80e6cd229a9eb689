"""``aragora-sql check``, ``stubs`` and ``columns``: the SQL files, proved on both engines."""

from __future__ import annotations

import argparse
import codecs
import difflib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from aragora_sql.checker.changes import render_changes
from aragora_sql.checker.check import Checked, Options, check, check_since
from aragora_sql.checker.record_columns import rewritten_files
from aragora_sql.checker.rules import RULES
from aragora_sql.checker.stubs import MADE_BY, stubs
from aragora_sql.cli.mutations import mutate
from aragora_sql.cli.parser import examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import print_table
from aragora_sql.cli.trees import (
    add_python,
    add_server,
    add_tree,
    keep_server,
    python_folders,
    tree_root,
)
from aragora_sql.engines.facts import Engines, read_facts, read_tree
from aragora_sql.engines.findings import FORMATS, Finding, render, shown_path
from aragora_sql.engines.warm import stop_kept_server
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from aragora_sql.queries.files import packaged_sql_dir, read_sql, sql_folder, stub_folder

__all__ = ["add_commands"]

Groups = Any  # argparse names no public type for what add_subparsers() returns
POLL_SECONDS = 0.3


def add_commands(groups: Groups) -> None:
    """Add the commands to the parser of ``aragora-sql``."""
    parser = groups.add_parser(
        "check",
        help="prove every query on both engines; exit code 1 when something is found",
        epilog=examples("check", "check sql/postgres/jobs/queries.sql", "check --watch"),
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="only what it touches")
    add_server(parser)
    add_tree(parser)
    add_python(
        parser, "folder of more code that calls the queries, beside this package; may be repeated"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="how findings are printed (default text)"
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="RULE",
        help="leave a rule out; may be repeated",
    )
    parser.add_argument("--list-rules", action="store_true", help="print the rules and end")
    parser.add_argument("--update-plans", action="store_true", help="write the plans to the tree")
    parser.add_argument(
        "--accept-worse",
        action="store_true",
        help="with --update-plans: also plans in which a scan or a sort appears",
    )
    parser.add_argument(
        "--update-mappings", action="store_true", help="write what mappings move to the tree"
    )
    parser.add_argument(
        "--update-answers",
        action="store_true",
        help="write the fingerprints of all answers to the tree, and say what changed",
    )
    parser.add_argument(
        "--afresh",
        action="store_true",
        help=(
            "compare all answers and look at all plans, mappings and upgrades, also those that the "
            "tree says were found right for these texts, PostgreSQL and SQLite"
        ),
    )
    parser.add_argument(
        "--update-style",
        action="store_true",
        help="write to the tree which texts have no fault of style: they are not read again",
    )
    parser.add_argument(
        "--update-proofs",
        action="store_true",
        help="write to the tree what was found right: it is not looked at again as it is",
    )
    parser.add_argument(
        "--since",
        metavar="REV|DIR",
        help=(
            "only compare the answers of each query with those that it gave in an earlier tree: a "
            "revision of git, or a folder; exit code 1 when something changed"
        ),
    )
    parser.add_argument(
        "--mutate",
        action="store_true",
        help=(
            "only make small edits in the queries of some FILEs or stores (default: all), one at a "
            "time, and say which ones a check notices; exit code 1 below 95 %% of a store"
        ),
    )
    parser.add_argument("--watch", action="store_true", help="check again at each save")
    parser.add_argument("--stop", action="store_true", help="stop the kept server and end")
    parser.set_defaults(run=_check)

    parser = groups.add_parser(
        "stubs",
        help="write the types of the stores' queries",
        description=(
            "Writes a protocol for each store's query object, and load_queries() with the types of "
            "each store, as files *.pyi. An application writes those of its own tree to a folder "
            "of its own."
        ),
        epilog=examples("stubs --sql-dir sql --output my_app/typed", "stubs --check"),
    )
    add_server(parser)
    add_tree(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the types (default: the package's own; needed with another tree)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 when they are not as is"
    )
    parser.set_defaults(run=_stubs)

    parser = groups.add_parser(
        "columns", help="write the column lists of records, as '-- columns: Record' names them"
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit code 1 when a list is not the record's fields (the default)",
    )
    chosen.add_argument("--write", action="store_true", help="write the lists to the tree")
    add_tree(parser)
    add_python(parser, "folder of more records, beside those of this package; may be repeated")
    parser.set_defaults(run=_columns)


def _check(options: argparse.Namespace) -> int:
    if options.list_rules:
        print_table(("rule", "what it asks for"), RULES.items())
        return 0
    if options.stop:
        print("stopped" if stop_kept_server() else "no server was kept")
        return 0
    if options.accept_worse and not options.update_plans:
        raise ConfigurationError("--accept-worse says what --update-plans may write: give both")
    wanted = Options(
        root=tree_root(options),
        python=python_folders(options),
        files=_files(options),
        skip=frozenset(options.skip),
        dsn=options.dsn,
        keep=keep_server(options),
        update_plans=options.update_plans,
        accept_worse=options.accept_worse,
        update_mappings=options.update_mappings,
        update_answers=options.update_answers,
        update_style=options.update_style,
        update_proofs=options.update_proofs,
        afresh=options.afresh,
    )
    if options.mutate:
        return mutate(options, wanted)
    if options.since is not None:
        return _since(options, wanted)
    with working("reading the tree", quiet=options.format == "json") as say:
        checked = check(wanted, say)
    _print(checked, options.format)
    if options.watch:
        if sys.stderr.isatty():
            print("watching for changes; Ctrl-C ends it", file=sys.stderr)
        watch(wanted, lambda again: _print(again, options.format), _saves(wanted), checked.findings)
    return 1 if checked.failed else 0


def _files(options: argparse.Namespace) -> tuple[Path, ...]:
    """Return the files to look at; with ``--mutate`` the names of stores stand for theirs."""
    files: list[Path] = options.files
    if options.mutate:
        root = tree_root(options)
        files = [
            path if path.exists() else sql_folder(str(path), "postgres", root) / "queries.sql"
            for path in files
        ]
    return tuple(path.absolute() for path in files)


def _since(options: argparse.Namespace, wanted: Options) -> int:
    for name in ("update_plans", "update_answers", "update_style", "afresh", "watch"):
        if getattr(options, name):
            raise ConfigurationError(f"--since and --{name.replace('_', '-')} are two commands")
    with working("reading the trees", quiet=options.format == "json") as say:
        since = check_since(wanted, options.since, say)
    text = render_changes(since.changes, options.format)
    if text:
        print(text, flush=True)
    changed = _counted(len(since.changes), "change") if since.changes else "nothing changed"
    print(
        f"{_counted(since.queries, 'edited query', 'edited queries')} compared with those of "
        f"{options.since} in {_counted(since.calls, 'call')} on {since.versions}: {changed} in "
        f"{since.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )
    return 1 if since.changes else 0


def _print(checked: Checked, form: str) -> None:
    for change in checked.plan_changes:
        print(f"{shown_path(change.path)}:{change.line}: {change}", file=sys.stderr)
    text = render(checked.findings, form)  # type: ignore[arg-type] # argparse allows these only
    if text:
        print(text, flush=True)
    found = _counted(len(checked.findings), "finding") if checked.findings else "no findings"
    print(
        f"{checked.queries} queries of {_counted(checked.stores, 'store')} on {checked.versions}: "
        f"{found} in {checked.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )
    for line in checked.accepted:
        print(line, file=sys.stderr, flush=True)
    meaning = checked.meaning
    if meaning is not None and meaning.queries:
        idle = f"; of {len(meaning.idle)} no call got an answer" if meaning.idle else ""
        print(
            f"answers of {_counted(meaning.queries, 'pair')} of queries compared in "
            f"{_counted(meaning.calls, 'call')}{idle}",
            file=sys.stderr,
            flush=True,
        )
    if checked.missing_proofs:
        print(
            f"{_counted(checked.missing_proofs, 'proof')} of today are not in proofs.txt, without "
            "which a fresh checkout is checked more slowly: aragora-sql check --update-proofs",
            file=sys.stderr,
            flush=True,
        )


def _counted(number: int, thing: str, things: str = "") -> str:
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


Stamps = Mapping[Path, tuple[int, int]]


def _stamps(options: Options) -> Stamps:
    found = {}
    for folder, pattern in (
        (options.root, "*.sql"),
        *((folder, "*.py") for folder in options.python),
    ):
        for path in folder.rglob(pattern):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # an editor's temporary file
            found[path] = status.st_mtime_ns, status.st_size
    return found


def changed(before: Stamps, now: Stamps) -> set[Path]:
    """Return the files whose stamps differ, and those that are in one of both only."""
    return {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}


def _saves(options: Options) -> Iterator[set[Path]]:
    """Yield the files that were saved, created or removed since the last time, for ever."""
    before = _stamps(options)
    while True:
        time.sleep(POLL_SECONDS)
        now = _stamps(options)
        saved = changed(before, now)
        before = now
        if saved:
            yield saved


def watch(
    options: Options,
    show: Callable[[Checked], None],
    saves: Iterator[set[Path]],
    first: Iterable[Finding] = (),
) -> None:
    """Check again what each set of saved files touches, until the saves end.

    Of each run it is said when it was, what was saved, and which findings are new or gone since the
    run before; ``first`` are those of the run before the first.
    """
    open_findings = list(first)
    for saved in saves:
        # What a removed file or a Python file without queries touches is everything. So is what may
        # close a finding in Python code, which may call any store.
        narrow = all(path.exists() and path.suffix == ".sql" for path in saved) and all(
            finding.path.is_relative_to(options.root) for finding in open_findings
        )
        files = tuple(sorted(saved)) if narrow else ()
        names = ", ".join(shown_path(path) for path in sorted(saved))
        _tell(f"{time.strftime('%H:%M:%S')} saved: {names}")
        try:
            with working("checking what was saved") as say:
                checked = check(
                    replace(
                        options,
                        files=files,
                        update_plans=False,
                        update_mappings=False,
                        update_answers=False,
                        update_style=False,
                    ),
                    say,
                )
        except AragoraSQLError as error:
            _tell(f"aragora-sql: {error}")
            continue
        show(checked)
        before = [f for f in open_findings if checked.covers(f.path)]
        new, gone = compared(before, checked.findings)
        for word, findings in (("new", new), ("gone", gone)):
            for finding in findings:
                _tell(f"{word}: {finding}")
        same = len(checked.findings) - len(new)
        _tell(f"since the last run: {len(new)} new, {len(gone)} gone, {same} as before")
        others = [f for f in open_findings if not checked.covers(f.path)]
        open_findings = [*others, *checked.findings]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def compared(
    before: Iterable[Finding], now: Iterable[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that are new and those that are gone, wherever their lines are now."""
    earlier, later = list(before), list(now)
    return _without(later, earlier), _without(earlier, later)


def _without(findings: Iterable[Finding], others: Iterable[Finding]) -> list[Finding]:
    known = Counter((other.path, other.rule, other.message) for other in others)
    left = []
    for finding in findings:
        key = (finding.path, finding.rule, finding.message)
        if known[key]:
            known[key] -= 1
        else:
            left.append(finding)
    return left


def _stub_folder(options: argparse.Namespace, root: Path) -> Path:
    """Return where the types are written: those of another tree never into the package."""
    if options.output is not None:
        return Path(options.output)
    if root.resolve() != packaged_sql_dir():
        raise ConfigurationError(
            f"the types of the package are those of {packaged_sql_dir()}: name a folder of your "
            f"own for those of {root} with --output"
        )
    return stub_folder()


def _stubs(options: argparse.Namespace) -> int:
    folder = _stub_folder(options, tree_root(options))
    with (
        working("preparing every query on both engines"),
        Engines(read_tree(tree_root(options)), options.dsn, keep=keep_server(options)) as engines,
    ):
        facts = read_facts(engines)
    if facts.problems:
        print(render(facts.problems, "text"))
        return 1
    wanted = stubs(facts)
    present = {
        path.name: text
        for path in folder.glob("*.pyi")
        if MADE_BY in (text := path.read_text(encoding="utf-8"))
    }
    for name in wanted.keys() - present.keys():
        if (folder / name).exists():
            raise ConfigurationError(
                f"{folder / name} was not made by aragora-sql stubs: name another folder"
            )
    different = sorted(
        name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name)
    )
    for name in different:
        if options.check:
            print("".join(_diff(name, present.get(name, ""), wanted.get(name, ""))), end="")
        elif name in wanted:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    what = "differ" if options.check else "written"
    print(f"{len(different)} of {len(wanted)} stubs {what}", file=sys.stderr)
    return 1 if different and options.check else 0


def _columns(options: argparse.Namespace) -> int:
    with working("comparing the column lists with the records"):
        changed = rewritten_files(tree_root(options), python_folders(options))
    for path, new in changed.items():
        if options.write:
            encoding = "utf-8-sig" if path.read_bytes().startswith(codecs.BOM_UTF8) else "utf-8"
            path.write_bytes(new.encode(encoding))
            print(path)
        else:
            print("".join(_diff(str(path), read_sql(path), new)), end="")
    what = "written" if options.write else "differ"
    print(f"{_counted(len(changed), 'file')} of queries {what}", file=sys.stderr)
    return 1 if changed and not options.write else 0


def _diff(name: str, old: str, new: str) -> Iterator[str]:
    lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    yield from difflib.unified_diff(*lines, f"{name} (committed)", f"{name} (as it should be)")

"""The plans that are committed in a tree: ``plans/postgres-18/<store>.txt``, ``plans/sqlite/…``.

Each version of PostgreSQL has a folder of its own, because each plans otherwise. SQLite's plans are
of the version in the first line of a file; those of another version are compared as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aragora_sql.checker.kept import kept_root
from aragora_sql.checker.plan_names import same_but_aliases
from aragora_sql.checker.report import Report
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import DIALECTS, query_folders

__all__ = [
    "PlanChange",
    "PlanLines",
    "compare_snapshots",
    "engine_version",
    "snapshot_path",
    "worse_steps",
    "write_snapshots",
]

_RULE = "plan-snapshot"
_PLANS = "plans"
_UPDATE = "aragora-sql check --update-plans"
_HEAD = re.compile(r"Plans of (?P<store>\w+) on (?P<engine>PostgreSQL|SQLite) (?P<version>[\d.]+)")
_ENGINES: Mapping[Dialect, str] = {"postgres": "PostgreSQL", "sqlite": "SQLite"}
# A step of PostgreSQL's plan; what stands behind the table or index is its alias.
_STEP = re.compile(
    r"\s*(?:->\s+)?(?:Parallel )?(?P<step>Seq Scan on \w+|(?:Incremental )?Sort(?!\s+\w+:)"
    r"|(?P<index>Index (?:Only )?Scan (?:Backward )?using \w+ on \w+))\b"
)

PlanLines = Mapping[tuple[Dialect, str, str], tuple[str, ...]]
"""The lines of the plan of each query, by dialect, store and name."""


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What became of the plan of a query, or of all plans of a store that is gone.

    ``steps`` are the scans and sorts that appeared: the plan is worse. ``is_written`` is False
    where the committed plan was left as it is.
    """

    path: Path
    line: int
    what: str
    steps: tuple[str, ...] = ()
    is_written: bool = True

    def __str__(self) -> str:
        said = "worse" if self.steps else "plan"
        more = f": {', '.join(self.steps)}" if self.steps else ""
        kept = "" if self.is_written else " (not written)"
        return f"{said}{kept}: {self.what}{more}"


@dataclass(slots=True)
class _Saved:
    """A file of plans: its first line, and the plans by query with their lines in the file."""

    head: str | None = None
    plans: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def snapshot_path(root: Path, dialect: Dialect, store: str, version: str) -> Path:
    """Return the file that holds the plans of a store's queries on a version of an engine."""
    folder = f"postgres-{version}" if dialect == "postgres" else dialect
    return kept_root(root) / _PLANS / folder / f"{store}.txt"


def worse_steps(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Return the scans of a whole table or index and the sorts of a plan that another lacks."""
    more = Counter(_costly(new)) - Counter(_costly(old))
    return tuple(sorted(more.elements()))


def _costly(lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        step = _STEP.match(line)
        if step is not None:
            following = lines[number + 1] if number + 1 < len(lines) else ""
            if step["index"] is None or "Index Cond:" not in following:
                yield step["step"]
            continue
        # SQLite names the alias, which may be called otherwise now.
        words = line.split()
        if words[:1] == ["SCAN"] and words[1:2] != ["CONSTANT"]:
            yield "SCAN"
        elif words[:3] == ["USE", "TEMP", "B-TREE"]:
            yield " ".join(words)


def write_snapshots(
    facts: Facts, engines: Engines, plans: PlanLines, *, whole: bool, accept_worse: bool
) -> list[PlanChange]:
    """Write the plans that changed, as :func:`~aragora_sql.checker.plans.update_snapshots` says."""
    root = facts.tree.root
    changes: list[PlanChange] = []
    for dialect in DIALECTS:
        version = engine_version(dialect, engines)
        if not _is_settled(dialect, engines):
            message = f"{_here(dialect, engines)}: nothing is written, it can't be compared"
            folder = snapshot_path(root, dialect, "", version).parent
            changes.append(PlanChange(folder, 1, message, is_written=False))
            continue
        for store in facts.stores:
            path = snapshot_path(root, dialect, store, version)
            saved = _read(path)
            now = {n: _indented(p) for (d, s, n), p in plans.items() if (d, s) == (dialect, store)}
            for name, text in now.items():
                query = facts.texts[dialect, store, name]
                old = saved.plans.get(name)
                if old == text:
                    continue
                what = f"of {store}.{name} on {_ENGINES[dialect]} {version}"
                if old is None:
                    changes.append(PlanChange(query.path, query.line, f"{what} is new"))
                    continue
                steps = worse_steps(old.splitlines(), text.splitlines())
                written = accept_worse or not steps
                if not written:
                    now[name] = old
                changes.append(PlanChange(query.path, query.line, what, steps, written))
            # A query that the engine refuses has no plan, and keeps the one that it had.
            for name in saved.plans.keys() - now.keys():
                if (dialect, store, name) in facts.texts:
                    now[name] = saved.plans[name]
            if now:
                _write(path, f"Plans of {store} on {_ENGINES[dialect]} {version}", now)
            changes += _forget(facts, dialect, store)
        if whole:
            changes += _remove_stores(facts, dialect)
    return sorted(changes, key=lambda one: (not one.steps, one.is_written, one.path, one.line))


def _forget(facts: Facts, dialect: Dialect, store: str) -> Iterator[PlanChange]:
    """Delete the plans of queries that are gone, of every version."""
    for path in _files(facts.tree.root, dialect):
        if path.stem != store:
            continue
        saved = _read(path)
        gone = [name for name in saved.plans if (dialect, store, name) not in facts.texts]
        kept = {name: plan for name, plan in saved.plans.items() if name not in gone}
        for name in gone:
            yield PlanChange(path, saved.lines[name], f"of {store}.{name} is gone")
        if gone and kept:
            _write(path, saved.head or "", kept)
        elif gone:
            path.unlink()


def _remove_stores(facts: Facts, dialect: Dialect) -> Iterator[PlanChange]:
    stores = _store_names(facts.tree.root, dialect)
    for path in _files(facts.tree.root, dialect):
        if path.stem not in stores:
            path.unlink()
            yield PlanChange(path, 1, f"of {path.stem}: there is no such store")


def _store_names(root: Path, dialect: Dialect) -> set[str]:
    return {folder.name for folder in query_folders(dialect, root)}


def _files(root: Path, dialect: Dialect) -> list[Path]:
    """Return the files of plans of a dialect, of every version."""
    return sorted((kept_root(root) / _PLANS).glob(f"{dialect}*/*.txt"))


def _write(path: Path, head: str, plans: Mapping[str, str]) -> None:
    parts = [head, *(f"{name}\n{lines}".rstrip("\n") for name, lines in plans.items())]
    text = "\n\n".join(parts) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _read(path: Path) -> _Saved:
    """Read a file of plans; one that is not there or is none has no first line."""
    if not path.is_file():
        return _Saved()
    text = path.read_text(encoding="utf-8", errors="replace")
    first, *parts = text.rstrip("\n").split("\n\n")
    saved = _Saved(head=first if _HEAD.fullmatch(first) else None)
    line = 3
    for part in parts:
        name, _, lines = part.partition("\n")
        saved.plans[name] = lines
        saved.lines[name] = line
        line += part.count("\n") + 2
    return saved


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def engine_version(dialect: Dialect, engines: Engines) -> str:
    """Return the version of an engine as far as plans depend on it."""
    if dialect == "postgres":
        return str(engines.postgres.version)
    return ".".join(engines.sqlite.version.split(".")[:2])


def _is_settled(dialect: Dialect, engines: Engines) -> bool:
    return dialect == "sqlite" or engines.planner.settled


def _here(dialect: Dialect, engines: Engines) -> str:
    settled = "" if _is_settled(dialect, engines) else ", in a schema that can't be vacuumed"
    return f"{_ENGINES[dialect]} {engine_version(dialect, engines)}{settled}"


def compare_snapshots(
    facts: Facts,
    engines: Engines,
    report: Report,
    plans: PlanLines,
    dialects: Collection[Dialect] = DIALECTS,
) -> None:
    """Compare the committed plans with those of today: all have to be there and the same.

    Of ``dialects`` there are ``plans``; of the others it is looked only for plans of what is gone.
    """
    root = facts.tree.root
    for dialect in DIALECTS:
        version = engine_version(dialect, engines)
        if dialect not in dialects:
            pass
        elif not _is_settled(dialect, engines):
            # Plans are otherwise there, and may do without what is declared.
            report.unsure |= {"full-scan", "filtered-walk"}
            path = snapshot_path(root, dialect, "", version).parent
            message = f"not compared: here the plans are of {_here(dialect, engines)}"
            report.add(Finding(path, 1, 1, _RULE, message, "warning"))
        else:
            report.add(*_compared(facts, dialect, version, report, plans))
        report.add(*_stale(facts, dialect))


def _compared(
    facts: Facts, dialect: Dialect, version: str, report: Report, plans: PlanLines
) -> Iterator[Finding]:
    root = facts.tree.root
    here = f"{_ENGINES[dialect]} {version}"
    stores = {s for d, s, _ in plans if d == dialect}
    paths = {store: snapshot_path(root, dialect, store, version) for store in stores}
    if paths and not any(snapshot_path(root, dialect, "", version).parent.glob("*.txt")):
        others = sorted({path.parent.name for path in _files(root, dialect)})
        if others:
            # Another version plans otherwise, and may do without what is declared.
            report.unsure |= {"full-scan", "filtered-walk"}
        there = f"; there is {', '.join(others)}" if others else ""
        message = f"no plans of {here} are here{there}: {_UPDATE}, or --skip {_RULE}"
        yield Finding(next(iter(paths.values())).parent, 1, 1, _RULE, message)
        return
    for store, path in sorted(paths.items()):
        saved = _read(path)
        now = {n: p for (d, s, n), p in plans.items() if (d, s) == (dialect, store)}
        if not path.is_file():
            message = f"the plans of {store} on {here} are not here: {_UPDATE}"
            yield Finding(path, 1, 1, _RULE, message)
            continue
        head = _HEAD.fullmatch(saved.head or "")
        if head is None or (head["store"], head["engine"]) != (store, _ENGINES[dialect]):
            message = f"the first line is not 'Plans of {store} on {here}': {_UPDATE}"
            yield Finding(path, 1, 1, _RULE, message)
            continue
        different = [
            name
            for name, lines in now.items()
            if (old := saved.plans.get(name)) is None
            or not same_but_aliases(old, _indented(lines), dialect)
        ]
        if head["version"] != version:
            if dialect == "postgres" or different:
                report.unsure |= {"full-scan", "filtered-walk"}
                counted = f"; {len(different)} of {len(now)} differ" if different else ""
                message = (
                    f"these are plans of {_ENGINES[dialect]} {head['version']}, here is "
                    f"{here}{counted}: {_UPDATE} with the version that you check with, or "
                    f"--skip {_RULE}"
                )
                yield Finding(path, 1, 1, _RULE, message)
            continue
        for name in different:
            yield _different(facts, (dialect, store, name), saved, now[name], path)


def _different(
    facts: Facts, key: tuple[Dialect, str, str], saved: _Saved, now: Sequence[str], path: Path
) -> Finding:
    query = facts.queries[key]
    old = saved.plans.get(query.name)
    if old is None:
        message = f"the plan of query {query.name!r} is not in {path.name}: {_UPDATE}"
        return Finding(query.path, query.line, 1, _RULE, message)
    steps = worse_steps(old.splitlines(), now)
    appears = f" ({', '.join(steps)} appears)" if steps else ""
    more = " --accept-worse" if steps else ""
    message = (
        f"the plan of query {query.name!r} is not the one in {path.name}{appears}: look at it, "
        f"then {_UPDATE}{more}"
    )
    return Finding(query.path, query.line, 1, _RULE, message)


def _stale(facts: Facts, dialect: Dialect) -> Iterator[Finding]:
    """Find plans of what is gone, of every version."""
    root = facts.tree.root
    stores = _store_names(root, dialect)
    # Of a file that can't be read it is not known what is in it.
    unread = {p.path.parent.name for p in facts.problems if p.path.name == "queries.sql"}
    for path in _files(root, dialect):
        store = path.stem
        if store not in stores:
            message = f"there is no store {store!r}: {_UPDATE}"
            yield Finding(path, 1, 1, _RULE, message)
            continue
        if store in unread or store not in facts.stores:
            continue
        saved = _read(path)
        for name, line in saved.lines.items():
            if (dialect, store, name) not in facts.texts:
                message = f"there is no query {name!r}: {_UPDATE}"
                yield Finding(path, line, 1, _RULE, message)

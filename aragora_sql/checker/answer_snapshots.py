"""The rule ``answer-snapshot``: no edit changes what a query answers unseen.

The committed tree holds a line for each query: an edit of both dialects shows there, also where it
changes constants and comparisons that not every call reaches. The words for it come from the tree
of the last commit, where git knows one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.checker.answer_lines import (
    UPDATE,
    Answers,
    Lines,
    answers_path,
    read_lines,
    written_line,
)
from aragora_sql.checker.earlier_trees import committed_tree
from aragora_sql.checker.fixed_parts import (
    FixedParts,
    changed_parts,
    fixed_parts,
)
from aragora_sql.checker.kept import keeps_snapshots, kept_root
from aragora_sql.checker.meaning import Meaning
from aragora_sql.checker.report import Report
from aragora_sql.checker.since import Change, compare_since
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS

__all__ = ["check_answers", "write_answers"]

RULE = "answer-snapshot"
_HEAD = "Answers of {} on generated rows, as fingerprints; made by " + UPDATE

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Words:
    """What changed since the last commit, by query; None where none is known."""

    changes: Mapping[Key, list[Change]] | None

    def of(self, key: Key) -> list[Change]:
        return [] if self.changes is None else self.changes.get(key, [])

    def are_others(self, before: Answers, now: Answers) -> bool:
        """Tell whether answers can't be compared by their fingerprints, nor have to be.

        Other rows come from another schema. Arguments follow from the query, too: other ones are
        no change where git knows the query as it was.
        """
        others = self.changes is not None and before.arguments != now.arguments
        return before.rows != now.rows or others


def check_answers(facts: Facts, engines: Engines, report: Report, meaning: Meaning) -> None:
    """Compare the answers with the committed ones, where there are any."""
    root = facts.tree.root
    if not (kept_root(root) / "answers").is_dir():
        if keeps_snapshots(root):
            message = (
                "the fingerprints of answers are missing, so nothing tells what an edit of both "
                f"dialects changed: {UPDATE} writes them, or --skip {RULE}"
            )
            report.add(Finding(root / "answers", 1, 1, RULE, message))
        return
    stores = {store for store, _ in meaning.answers}
    lost = {store for store in stores if not answers_path(root, store).is_file()}
    for store in sorted(lost):
        message = f"there is no such file, so no answer of {store!r} was compared: {UPDATE}"
        report.add(Finding(answers_path(root, store), 1, 1, RULE, message))
    saved = {
        store: _saved(answers_path(root, store), report)
        for store in facts.stores
        if store not in lost
    }
    unlike = {
        key: now
        for key, now in meaning.answers.items()
        if key[0] in saved and saved[key[0]].answers.get(key[1]) != now
    }
    words = _words(facts, engines, unlike) if unlike else _Words(None)
    other_rows: dict[str, list[str]] = {}
    told: set[Key] = set()
    for (store, name), now in unlike.items():
        before = saved[store].answers.get(name)
        if before is not None and not words.of((store, name)) and words.are_others(before, now):
            other_rows.setdefault(store, []).append(name)
        else:
            report.add(*_unlike(facts, store, name, before, now, words))
            told.add((store, name))
    for store, name in meaning.answers.keys() - told:
        if store in saved:
            parts = saved[store].parts.get(name, {})
            is_same = (store, name) not in unlike
            report.add(*_unlike_parts(facts, store, name, parts, is_same=is_same))
    for store, queries in other_rows.items():
        then = "git knows of no change since the last commit"
        if words.changes is None:
            then = "aragora-sql check --since REV compares them"
        message = (
            f"the answers of {len(queries)} of {len(saved[store].answers)} queries are of other "
            f"rows or arguments than the file's and were not compared; {then}; {UPDATE} writes "
            "them again"
        )
        report.add(Finding(answers_path(root, store), 1, 1, RULE, message, "warning"))
    for store, kept in saved.items():
        for name in kept.answers:
            if not any((dialect, store, name) in facts.texts for dialect in DIALECTS):
                message = f"there is no query {name!r}: {UPDATE}"
                report.add(Finding(answers_path(root, store), 1, 1, RULE, message))


def _unlike(
    facts: Facts, store: str, name: str, before: Answers | None, now: Answers, words: _Words
) -> list[Finding]:
    """Return what is to be said of a query whose line is not the committed one."""
    queries = [q for d in DIALECTS if (q := facts.query(d, store, name)) is not None]
    file = answers_path(facts.tree.root, store).name
    changes = words.of((store, name))
    if changes:
        return [
            Finding(
                one.path,
                one.line,
                1,
                RULE,
                f"{one}; if that is meant: {UPDATE}",
            )
            for one in changes
        ]
    if before is None:
        message = f"the answers of query {name!r} are not in answers/{file}: {UPDATE}"
        return [Finding(queries[0].path, queries[0].line, 1, RULE, message)]
    message = (
        f"query {name!r} answers otherwise than answers/{file} says: aragora-sql check --since REV "
        f"tells what changed; if that is meant: {UPDATE}"
    )
    return [
        Finding(query.path, query.line, 1, RULE, message)
        for query in queries
        if before.arguments != now.arguments
        or before.answers.get(query.dialect) != now.answers.get(query.dialect)
    ]


def _unlike_parts(
    facts: Facts, store: str, name: str, before: Mapping[str, FixedParts], *, is_same: bool
) -> list[Finding]:
    """Return what is to be said of constants and comparisons that are not the committed ones."""
    found = []
    unseen = ", and no call that is made answers otherwise" if is_same else ""
    for dialect in DIALECTS:
        query = facts.query(dialect, store, name)
        if query is None or dialect not in before:
            continue
        said = changed_parts(before[dialect], fixed_parts(query.sql, dialect))
        if said:
            message = f"query {name!r}: {said}{unseen}; if that is meant: {UPDATE}"
            found.append(Finding(query.path, query.line, 1, RULE, message))
    return found


def _words(facts: Facts, engines: Engines, keys: Collection[Key]) -> _Words:
    """Say how queries differ from those of the last commit."""
    with committed_tree(facts.tree.root) as earlier:
        if earlier is None:
            return _Words(None)
        try:
            compared = compare_since(
                facts, engines, earlier, stores={store for store, _ in keys}, only=keys
            )
        except ConfigurationError:
            # The last commit is no tree that can be compared; the fingerprints speak.
            return _Words(None)
    found: dict[Key, list[Change]] = {}
    for change in compared.changes:
        if change.kind == "changed":
            found.setdefault((change.store, change.query), []).append(change)
    return _Words(found)


def write_answers(
    facts: Facts, engines: Engines, report: Report, meaning: Meaning, *, whole: bool
) -> list[str]:
    """Write the fingerprints and return in words what changed, a line for each query.

    ``whole`` says that ``facts`` are of all stores: files of stores that are gone are removed.
    """
    root = facts.tree.root
    saved = {store: _saved(answers_path(root, store), report) for store in facts.stores}
    now: dict[str, dict[str, Answers]] = {}
    for (store, name), answers in meaning.answers.items():
        now.setdefault(store, {})[name] = answers
    unlike = [
        (store, name)
        for store, queries in now.items()
        for name, answers in queries.items()
        if saved[store].answers.get(name) != answers
    ]
    known = [key for key in unlike if key[1] in saved[key[0]].answers]
    words = _words(facts, engines, known) if known else _Words(None)
    said = [
        line
        for store, name in unlike
        for line in _accepted(store, name, saved[store].answers.get(name), now[store][name], words)
    ]
    said += [
        line
        for store, queries in now.items()
        for name in queries
        if (store, name) not in unlike
        for line in _accepted_parts(facts, store, name, saved[store].parts.get(name, {}))
    ]
    for store, queries in now.items():
        gone = [name for name in saved[store].answers if name not in queries]
        said += [f"{store}: {name!r} is gone" for name in gone]
        path = answers_path(root, store)
        text = _HEAD.format(store) + "\n\n"
        for name, answers in queries.items():
            text += f"{written_line(name, answers, _parts_of(facts, store, name))}\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in (kept_root(root) / "answers").glob("*.txt") if whole else ():
        if path.stem not in now:
            path.unlink()
            said.append(f"{path.stem}: the store is gone")
    return said


def _accepted(
    store: str, name: str, before: Answers | None, now: Answers, words: _Words
) -> list[str]:
    """Return in words what was written for one query."""
    changes = words.of((store, name))
    if changes:
        by_text: dict[str, list[str]] = {}
        for one in changes:
            by_text.setdefault("; ".join(one.details), []).append(one.dialect)
        return [
            f"{store}: answers of {name!r} changed: {text} ({' and '.join(dialects)})"
            for text, dialects in by_text.items()
        ]
    if before is None:
        return [f"{store}: {name!r} is new"]
    if before.rows != now.rows:
        return [f"{store}: {name!r} has other rows"]
    if before.arguments != now.arguments:
        return [f"{store}: {name!r} is called with other arguments"]
    return [f"{store}: answers of {name!r} changed, since before the last commit"]


def _accepted_parts(
    facts: Facts, store: str, name: str, before: Mapping[str, FixedParts]
) -> list[str]:
    by_text: dict[str, list[str]] = {}
    for dialect, parts in _parts_of(facts, store, name).items():
        said = changed_parts(before[dialect], parts) if dialect in before else ""
        if said:
            by_text.setdefault(said, []).append(dialect)
    return [f"{store}: {name!r}: {said} ({' and '.join(of)})" for said, of in by_text.items()]


def _parts_of(facts: Facts, store: str, name: str) -> dict[str, FixedParts]:
    queries = {dialect: facts.query(dialect, store, name) for dialect in DIALECTS}
    return {
        dialect: fixed_parts(query.sql, query.dialect)
        for dialect, query in queries.items()
        if query is not None
    }


def _saved(path: Path, report: Report) -> Lines:
    """Return the committed lines, and report those that nobody can read."""
    found = read_lines(path)
    for number in found.faulty:
        message = f"this is no line that {UPDATE} writes; run it again"
        report.add(Finding(path, number, 1, RULE, message))
    return found

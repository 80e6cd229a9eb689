"""What mappings move, as ``sql/legacy/moved/<store>.txt`` keeps it for the next reviewer.

The comment of a mapping says how rows of one key are merged and in what order rows are numbered.
Nothing else in a tree can tell whether that is still what is meant: so it is kept, with a
fingerprint of each column that was moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aragora_sql.checker.kept import kept_root
from aragora_sql.engines.cache import digest
from aragora_sql.errors import QueryFileError
from aragora_sql.migration.mappings import Mapping as Mapped
from aragora_sql.queries.files import read_sql

__all__ = ["Lines", "changes", "lines_of", "read_snapshot", "snapshot_path", "write_snapshot"]

# What a line is about, and what it says.
Lines = dict[str, str]
_HEAD = "# What the mappings of {} say and move: aragora-sql check --update-mappings writes it.\n"


def snapshot_path(root: Path, store: str) -> Path:
    """Return the file of a store."""
    return kept_root(root) / "legacy" / "moved" / f"{store}.txt"


def lines_of(mappings: Sequence[Mapped], moved: Mapping[str, Mapping[str, str]]) -> Lines:
    """Return the lines of a store's mappings; ``moved`` are fingerprints by mapping and column."""
    lines: Lines = {}
    for mapped in mappings:
        for word, said in _said(mapped):
            if said:
                lines[f"mapping {mapped.name} {word}"] = said
    for mapped in mappings:
        for column, mark in moved.get(f"{mapped.store} {mapped.name}", {}).items():
            lines[f"column {mapped.name} {column}"] = mark
    return lines


def _said(mapped: Mapped) -> Iterator[tuple[str, str]]:
    merge = mapped.merge
    yield "from", mapped.table
    yield "into", mapped.target
    yield "key", ", ".join(mapped.key) or "all"
    rules = [merge.choice if merge.newest is None else f"newest {merge.newest}"]
    rules += [f"earliest {name}" for name in sorted(merge.earliest)]
    rules += [f"add {name}" for name in sorted(merge.add)]
    rules += [f"mean {name} by {weight}" for name, weight in sorted(merge.mean)]
    rules += [f"fill {name}" for name in sorted(merge.fill)]
    rules += [f"conflict {name}" for name in sorted(merge.conflict)]
    rules += [f"distinct {name}" for name in sorted(merge.distinct)]
    rules += [f"prefer {merge.prefer[0]} = {merge.prefer[1]}"] if merge.prefer else []
    for kept in merge.keep:
        others = "".join(f", {name}" for name in kept.columns[len(kept.signs) :])
        given, same = "given " if kept.given else "", f" by {kept.same}" if kept.same else ""
        rules.append(f"keep {given}{' or '.join(kept.signs)}{others}{same}")
    rules += ["last"] if merge.last else []
    rules += [f"without {merge.without}"] if merge.without else []
    rules += [f"number {merge.number[0]} by {merge.number[1]}"] if merge.number else []
    yield "merge", "; ".join(rules)
    yield "order", mapped.order or ""
    yield "unpacks", "yes" if mapped.unpacks else ""
    yield "repeats", "yes" if mapped.repeats else ""
    for word, names in (
        ("without", mapped.without),
        ("duplicates", mapped.duplicates),
        ("copies", mapped.copies),
        ("secrets", mapped.secrets),
        ("json", mapped.json_text),
        ("unix", mapped.unix),
        ("utc", mapped.utc),
    ):
        yield word, ", ".join(sorted(names))


def fingerprint(values: Iterable[Any]) -> str:
    """Return a short fingerprint of the values of a column, in their order."""
    return digest(map(repr, values))[:12]


def read_snapshot(path: Path) -> Lines | None:
    """Return the lines of a file; None when there is none. Raises :class:`QueryFileError`."""
    if not path.is_file():
        return None
    lines: Lines = {}
    for number, line in enumerate(read_sql(path).splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        subject, colon, said = line.partition(": ")
        if not colon:
            raise QueryFileError(path, number, f"{line!r} is not 'subject: what'")
        lines[subject] = said
    return lines


def write_snapshot(path: Path, store: str, lines: Lines) -> None:
    """Write the file of a store."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(f"{subject}: {said}\n" for subject, said in lines.items())
    path.write_text(_HEAD.format(store) + body, encoding="utf-8")


def changes(before: Lines, after: Lines) -> Iterator[tuple[str, str]]:
    """Yield (subject, what changed); what was only added is no change."""
    for subject, said in before.items():
        now = after.get(subject)
        if now == said:
            continue
        kind, _, *rest = subject.split(" ")
        if kind == "column":
            what = "is not moved any more" if now is None else "gets other values than before"
            yield subject, f"column {rest[0]!r} {what}"
        elif kind == "note":
            note = " ".join(rest)
            yield subject, f"the note {note!r} was given {said} times and is given {now or 0} times"
        else:
            yield subject, f"'{rest[0]}:' was {said!r} and is {now or 'gone'!r}"
    known = {subject.split(" ")[1] for subject in before if subject.startswith("note ")}
    for subject, now in after.items():
        kind, of, *rest = subject.split(" ")
        if subject in before:
            continue
        if kind == "note" and of in known:
            yield subject, f"the note {' '.join(rest)!r} is new: it is given {now} times"
        elif kind == "mapping" and _is_known(subject, before):
            # A rule where none was.
            yield subject, f"'{rest[-1]}:' is new: {now!r}"


def _is_known(subject: str, before: Lines) -> bool:
    return f"{subject.rpartition(' ')[0]} into" in before

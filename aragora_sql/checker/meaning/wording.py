"""Says in words how the answers of a query differ from those that it gave before an edit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from aragora_sql.checker.meaning.answers import Answer, Said, kind_of_error, plain, short, unmatched
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.errors import StatementTimeoutError

__all__ = ["Call", "Said", "Sentence", "describe", "shown"]


_WORD = re.compile(r"\w+")
_SHOWN_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Call:
    """A call before an edit and after it, with the same arguments on the same rows."""

    arguments: Any
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that changed: what it is about, in words, and the first call that shows it."""

    subject: str
    text: str
    call: Call


def describe(
    calls: Sequence[Call], operation: str, *, ordered: bool, order: str = ""
) -> list[Sentence]:
    """Return what changed in some calls; nothing when all answers are the same.

    ``operation`` is aiosql's suffix; ``ordered`` says that the order of rows counts, ``order`` in
    words how the query's ORDER BY changed, if it did.
    """
    words = _Words(len(calls))
    answered = []
    for call in calls:
        before, after = call.before.error, call.after.error
        if before is None and after is None:
            answered.append(call)
        elif isinstance(after, StatementTimeoutError) and not isinstance(before, type(after)):
            words.note("time limit", "it does not end any more{in_calls}", call)
        elif before is None and after is not None:
            words.note("error", f"raises {_name(after)}{{in_calls}} that were answered", call)
        elif before is not None and after is None:
            words.note("error", f"raises no {_name(before)} any more{{in_calls}}", call)
        elif kind_of_error(before) is not kind_of_error(after):
            both = f"raises {_name(after)} instead of {_name(before)}{{in_calls}}"
            words.note("error", both, call)
    _compare_columns(answered, words)
    unsorted = []
    for call in answered:
        before, after = call.before.result, call.after.result
        if not _has_rows(before, after):
            _compare_values(call, operation, words)
            continue
        ours, theirs = _common(_rows(before), _rows(after))
        if order and len(ours) == len(theirs) and not _same_rows(ours, theirs):
            # Under a LIMIT other rows come first; those that are in both are compared.
            unsorted.append((call, ours, theirs))
            ours, theirs = _in_both(ours, theirs), _in_both(theirs, ours)
            _compare_rows(call, ours, theirs, "rows", "gives", words)
            continue
        _compare_rows(call, ours, theirs, "rows", "gives", words)
        if list(map(plain, ours)) != list(map(plain, theirs)) and not words.has(call):
            unsorted.append((call, ours, theirs))
    if ordered and unsorted:
        text = _sorting([(ours, theirs) for _, ours, theirs in unsorted], order)
        for call, _, _ in unsorted:
            words.note("order", f"{text}{{in_calls}}", call)
    for call in answered:
        for name in call.before.tables.keys() & call.after.tables.keys():
            ours, theirs = _common(call.before.tables[name], call.after.tables[name])
            _compare_rows(call, ours, theirs, name, f"leaves in {name}", words)
    return words.sentences()


def shown(sentence: Sentence) -> tuple[str, str]:
    """Return what a call gave before and gives now, as far as a sentence is about it."""
    answers = (sentence.call.before, sentence.call.after)
    if any(answer.error is not None for answer in answers):
        before, after = (a.result if a.error is None else Said(a.error) for a in answers)
        return short(before), short(after)
    name = sentence.subject.partition(".")[0]
    if name in answers[0].tables:
        ours, theirs = _common(*(answer.tables[name] for answer in answers))
        return _shown_rows(ours, theirs)
    if sentence.subject == "order":
        before, after = (
            [next(iter(row.values()), None) for row in _rows(answer.result)] for answer in answers
        )
        return short(before), short(after)
    if _has_rows(answers[0].result, answers[1].result):
        return _shown_rows(*(_rows(answer.result) for answer in answers))
    return short(answers[0].result), short(answers[1].result)


def _shown_rows(ours: Sequence[Row], theirs: Sequence[Row]) -> tuple[str, str]:
    """Return the rows that are not on both sides; of one on each the columns that differ."""
    before, after = unmatched(*unmatched(ours, theirs, repr), plain)
    if len(before) == len(after) == 1 and before[0].keys() == after[0].keys():
        names = [name for name in before[0] if plain(before[0][name]) != plain(after[0][name])]
        names = names[:_SHOWN_COLUMNS]
        before, after = _columns(before, names), _columns(after, names)
    return short(before) if before else "no row", short(after) if after else "no row"


class _Words:
    """Sentences by their text, with the calls that they are true of."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._noted: dict[tuple[str, str], list[Call]] = {}

    def note(self, subject: str, text: str, call: Call) -> None:
        """Take up that ``text`` is true of a call; ``{in_calls}`` in it is of how many."""
        calls = self._noted.setdefault((subject, text), [])
        if not calls or calls[-1] is not call:
            calls.append(call)

    def has(self, call: Call) -> bool:
        return any(call is one for calls in self._noted.values() for one in calls)

    def sentences(self) -> list[Sentence]:
        found = [
            Sentence(subject, text.format(in_calls=self._counted(len(calls))), calls[0])
            for (subject, text), calls in self._noted.items()
        ]
        # Another order says why other rows come under a LIMIT.
        return sorted(found, key=lambda sentence: sentence.subject != "order")

    def _counted(self, number: int) -> str:
        if self._total == 1:
            return ""
        return f" in {number} of {self._total} calls"


def _name(error: Any) -> str:
    return type(error).__name__


def _has_rows(before: Any, after: Any) -> bool:
    """Tell whether a result is rows: a list of them, one, or none."""
    return any(isinstance(one, Mapping) or _is_list_of_rows(one) for one in (before, after))


def _is_list_of_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _rows(result: Any) -> list[Row]:
    if result is None:
        return []
    return result if isinstance(result, list) else [result]


def _common(before: Iterable[Row], after: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Return both with the columns that both have."""
    ours, theirs = list(before), list(after)
    if ours and theirs and ours[0].keys() != theirs[0].keys():
        names = [name for name in ours[0] if name in theirs[0]]
        return _columns(ours, names), _columns(theirs, names)
    return ours, theirs


def _same_rows(ours: Sequence[Row], theirs: Sequence[Row]) -> bool:
    return not any(unmatched(*unmatched(ours, theirs, repr), plain))


def _in_both(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Return the rows whose first column some other row has."""
    known = {plain(next(iter(row.values()), None)) for row in others}
    return [row for row in rows if plain(next(iter(row.values()), None)) in known]


def _columns(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    return [{name: row[name] for name in names} for row in rows]


def _names(result: Any) -> list[str]:
    """Return the names of the columns of a result that has a row."""
    row = next(iter(_rows(result)), None)
    return list(row) if isinstance(row, Mapping) else []


def _compare_columns(calls: Sequence[Call], words: _Words) -> None:
    for call in calls:
        before, after = (_names(one.result) for one in (call.before, call.after))
        if not before or not after or before == after:
            continue
        gone = [name for name in before if name not in after]
        new = [name for name in after if name not in before]
        for name in gone:
            words.note(f"column {name}", f"column {name} is gone", call)
        for name in new:
            words.note(f"column {name}", f"column {name} is new", call)
        if not gone and not new:
            words.note("columns", "columns come in another order", call)
        return


def _compare_values(call: Call, operation: str, words: _Words) -> None:
    before, after = call.before.result, call.after.result
    if plain(before) == plain(after):
        return
    whole = isinstance(before, int) and isinstance(after, int)
    if before is None or after is None:
        now = "NULL where it was not" if after is None else "a value where it was NULL"
        words.note("rows", f"gives {now}{{in_calls}}", call)
    elif operation in {"!", "*!"}:
        number = "fewer" if after < before else "more"
        words.note("rows", f"changes {number} rows{{in_calls}}", call)
    elif whole and not isinstance(before, bool):
        fewer = "smaller" if after < before else "larger"
        words.note("rows", f"gives a {fewer} number{{in_calls}}", call)
    else:
        words.note("rows", "gives another value{in_calls}", call)


def _compare_rows(
    call: Call, ours: Sequence[Row], theirs: Sequence[Row], whole: str, verb: str, words: _Words
) -> None:
    """Compare rows in any order: fewer, more, other ones, or the columns in which they differ."""
    gone, new = unmatched(*unmatched(ours, theirs, repr), plain)
    if not gone and not new:
        return
    if len(ours) != len(theirs):
        number = "fewer" if len(theirs) < len(ours) else "more"
        others = ", and other ones," if gone and new else ""
        words.note(whole, f"{verb} {number} rows{others}{{in_calls}}", call)
        return
    prefix = "" if whole == "rows" else f"{whole}."
    names: dict[str, str] = {}
    for row in gone:
        unlike, near = min(
            (([n for n in row if plain(row[n]) != plain(one.get(n))], one) for one in new),
            key=lambda found: len(found[0]),
        )
        # The first column is what tells rows apart, mostly.
        if len(unlike) * 2 > len(row) or (next(iter(row)) in unlike and len(unlike) > 1):
            words.note(whole, f"{verb} other rows{{in_calls}}", call)
            return
        for name in unlike:
            names.setdefault(name, _changed(row[name], near.get(name)))
    subject_verb = "is" if whole == "rows" else "is left"
    for name, what in names.items():
        column = f"{prefix}{name}"
        text = f"column {column} {subject_verb} {what}{{in_calls}}"
        words.note(column, text, call)


def _changed(before: Any, after: Any) -> str:
    if after is None:
        return "NULL where it was not"
    if before is None:
        return "no longer NULL"
    return "another value"


def _sorting(pairs: Sequence[tuple[list[Row], list[Row]]], order: str) -> str:
    """Return in words how rows are sorted now, where a column of them shows it."""
    names = [name for name in pairs[0][1][0] if not order or name in _WORD.findall(order)]
    for name in names:
        now = _direction([after for _, after in pairs], name)
        before = _direction([rows for rows, _ in pairs], name)
        if now is not None and now != before:
            was = f"{before} before" if before is not None else "not before"
            return f"rows now sorted {now} by {name}, {was},"
    for name in names:
        before = _direction([rows for rows, _ in pairs], name)
        if before is not None and _direction([after for _, after in pairs], name) is None:
            return f"rows no longer sorted {before} by {name}"
    return order or "rows come in another order"


_SORTED: Mapping[str, Callable[[Any, Any], bool]] = {
    "ascending": lambda one, two: one <= two,
    "descending": lambda one, two: one >= two,
}


def _direction(lists: Sequence[list[Row]], name: str) -> str | None:
    """Return the direction in which all lists are sorted by a column whose values differ."""
    columns = [[row[name] for row in rows if row[name] is not None] for rows in lists]
    if not any(plain(value) != plain(values[0]) for values in columns for value in values):
        return None
    for direction, fits in _SORTED.items():
        try:
            if all(fits(one, two) for values in columns for one, two in pairwise(values)):
                return direction
        except TypeError:
            return None
    return None

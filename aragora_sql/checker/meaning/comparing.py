"""Runs each pair of queries on both databases, and says where the answers differ."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from aragora_sql.checker.meaning.answers import (
    Answer,
    Said,
    UndoneError,
    answer_to,
    is_same,
    kind_of_error,
    plain,
    short,
    unmatched,
)
from aragora_sql.checker.meaning.arguments import ArgumentMaker
from aragora_sql.checker.meaning.asking import answers_to
from aragora_sql.checker.meaning.calls import Call, KeptCalls, Scene
from aragora_sql.checker.meaning.choosing import choose_calls
from aragora_sql.checker.meaning.emptying import (
    EMPTY_CALLS,
    NotEmptiedError,
    emptied,
    with_children,
)
from aragora_sql.checker.meaning.fingerprints import fingerprint_of, fingerprints
from aragora_sql.checker.meaning.pair import CALL_SECONDS, Pair, Side
from aragora_sql.checker.meaning.rows import Row, is_compared
from aragora_sql.checker.meaning.samples import SEED
from aragora_sql.checker.meaning.shrinking import Shrinker
from aragora_sql.checker.mutating.edits import deciding_edits
from aragora_sql.engines.expressions import outer_words
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.errors import StatementTimeoutError
from aragora_sql.queries import Queries, adapter_of

__all__ = [
    "Compared",
    "Difference",
    "calls_of",
    "chosen_calls",
    "compare_query",
    "declared_subjects",
    "differences",
    "is_ordered",
    "on_empty",
    "tolerances_of",
    "tolerated",
    "touched_tables",
    "written_tables",
]

# How many calls of a query are compared, and of how many they are chosen at most.
CALLS = 30
TRIED = 300
# How many calls are made besides those that a tree keeps.
_LEAST_CALLS = 10
Tolerances = Mapping[str, Sequence[tuple[str, float]]]
"""By column what comments allow: (subject of the comment, largest distance)."""
_WITHIN = re.compile(r"(?P<subject>\S+) within (?P<most>[0-9.e-]+)")
# How many calls are asked again on rows that are stored in another order.
_ASKED_AGAIN = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """What two dialects answer differently, with a call that shows it.

    ``subject`` is a result column, ``rows`` (other rows or another number of them), ``order``,
    ``error``, ``time limit`` or, for what a write leaves, ``table.column`` or the table's name.
    ``rows`` are the few rows on which it shows, where it was shrunk to them. ``is_open`` says that
    both answers are PostgreSQL's, on the same rows in another order.
    """

    subject: str
    arguments: str
    postgres: str
    sqlite: str
    rows: str = ""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """What the calls of a query showed; ``is_idle`` when none found or changed anything.

    ``arguments`` and ``answers`` are fingerprints of all calls; the answers by dialect.
    """

    differences: tuple[Difference, ...]
    calls: int
    is_idle: bool
    arguments: str
    answers: Mapping[str, str] = field(default_factory=dict)


async def compare_query(
    pair: Pair,
    query: QueryFacts,
    counterpart: QueryFacts,
    queries: Sequence[Queries],
    stored: Mapping[str, Sequence[Row]],
    calls: Sequence[Call],
    shrinker: Shrinker | None = None,
    more: Sequence[Call] = (),
) -> Compared:
    """Compare the answers of a query of PostgreSQL and its ``counterpart`` of SQLite.

    ``queries`` are the loaded queries of the store, of PostgreSQL first; ``stored`` are the rows
    that both databases hold, by table, and ``calls`` those that are made; ``more`` are made too,
    and are in no fingerprint. A difference that a
    comment allows (``-- meaning: score within 1e-9 because …``) has the subject that the comment
    names. The ``shrinker`` finds few rows that show a difference.
    """
    tolerances = tolerances_of(query, counterpart)
    declared = declared_subjects(query, counterpart)
    written = written_tables(pair, query, counterpart)
    is_writing = bool(query.tables_written or counterpart.tables_written)
    ordered = is_ordered(query, counterpart)
    found: dict[str, Difference] = {}
    idle = True
    given: list[Call] = []
    answers: list[tuple[Answer, Answer]] = []

    async def ask(call: Call) -> tuple[Answer, Answer]:
        ours, theirs = [
            await answer_to(side, of, query, call, written)
            for side, of in zip(pair.sides, queries, strict=True)
        ]
        return ours, theirs

    def unlike(ours: Answer, theirs: Answer) -> Iterator[tuple[str, Any, Any]]:
        found = differences(ours, theirs, query.operation, ordered=ordered)
        return tolerated(found, tolerances)

    said = await asyncio.gather(
        *(
            answers_to(side, of, query, [*calls, *more], written, is_writing=is_writing)
            for side, of in zip(pair.sides, queries, strict=True)
        )
    )
    # Where one side does not end, it has fewer answers.
    for call, ours, theirs in zip([*calls, *more], *said, strict=False):
        arguments = call.arguments
        given.append(call)
        answers.append((ours, theirs))
        if any(isinstance(a.error, StatementTimeoutError) for a in (ours, theirs)):
            ended = _ended(ours), _ended(theirs)
            found["time limit"] = Difference("time limit", short(arguments), *ended)
            # Nobody waits for the other calls of it.
            break
        idle = idle and (ours.error is not None or not ours.result)
        for subject, one, two in unlike(ours, theirs):
            if subject in found:
                continue
            rows = "" if call.scene is None else _shown_rows(call.scene)
            if (
                call.scene is None
                and shrinker is not None
                and not declared & {subject, subject.partition(".")[0]}
            ):

                async def shows(
                    arguments: Any, subject: str = subject
                ) -> tuple[str, Any, Any] | None:
                    return next(
                        (u for u in unlike(*await ask(Call(arguments))) if u[0] == subject), None
                    )

                tables = touched_tables(query, counterpart, stored)
                shrunk = await shrinker.shrink(pair.sides, tables, query, arguments, shows)
                if shrunk is not None:
                    arguments, (_, one, two), rows = shrunk.arguments, shrunk.shown, shrunk.rows
            found[subject] = Difference(subject, short(arguments), short(one), short(two), rows)
    tables = touched_tables(query, counterpart, stored)
    if "time limit" not in found and not pair.is_of_one_dialect:
        first = [
            (call, answer)
            for call, (answer, _) in zip(given, answers, strict=True)
            if call.scene is None
        ]
        for one in await _open_order(
            pair.postgres, queries[0], query, tables, written, first, tolerances
        ):
            if not declared & {one.subject, one.subject.partition(".")[0]}:
                # That says more than that the dialects differ.
                found[one.subject] = one
                break
    made = len(answers)
    del given[len(calls) :], answers[len(calls) :]
    empty = with_children(tables, stored, pair.postgres.catalog)
    if "time limit" not in found and empty:
        try:
            async with emptied(pair.sides, empty):
                for call in on_empty(given):
                    answers.append(await ask(call))
                    for subject, one, two in unlike(*answers[-1]):
                        shown = short(call.arguments), short(one), short(two)
                        found.setdefault(subject, Difference(subject, *shown, "empty tables"))
        except NotEmptiedError as error:
            subject = "deletion of all rows"
            ours, theirs = ("possible", str(error))
            if error.dialect == "postgres":
                ours, theirs = theirs, ours
            found[subject] = Difference(subject, "nothing", ours, theirs)
    return Compared(
        tuple(found.values()),
        made + len(answers) - len(given),
        idle,
        fingerprint_of([(call.arguments, _of_scene(call)) for call in given]),
        fingerprints(answers, ordered=ordered, declared=declared),
    )


def tolerated(
    found: Iterable[tuple[str, Any, Any]], tolerances: Tolerances
) -> Iterator[tuple[str, Any, Any]]:
    """Yield differences; one that a comment allows has the subject that the comment names."""
    for subject, one, two in found:
        for name, most in tolerances.get(subject, ()):
            if _distance(one, two) <= most:
                subject = name
                break
        yield subject, one, two


async def chosen_calls(
    pair: Pair,
    query: QueryFacts,
    counterpart: QueryFacts,
    queries: Sequence[Queries],
    stored: Mapping[str, Sequence[Row]],
    kept: KeptCalls | None = None,
) -> list[Call]:
    """Return the calls that are compared: of many, those that show most.

    ``kept`` are those that the tree keeps of the query, which tell its edits; where it keeps none,
    the others are chosen so that they do.
    """
    known = () if kept is None else kept.calls
    plain = [call for call in known if call.scene is None]
    staged = [call for call in known if call.scene is not None]
    if not query.parameters or pair.is_of_one_dialect:
        most = CALLS if query.parameters else 1
        return [*map(Call, calls_of(query, counterpart, stored, most)), *staged]
    chosen = await choose_calls(
        pair.sqlite,
        adapter_of(queries[1]).call(query.name).statement,
        [name for name in counterpart.tables_written if name in pair.sqlite.catalog],
        calls_of(query, counterpart, stored, TRIED),
        max(CALLS - len(known), _LEAST_CALLS),
        () if kept is not None else deciding_edits(counterpart, pair.sqlite.catalog),
        is_writing=bool(counterpart.tables_written),
    )
    return [*plain, *map(Call, chosen), *staged]


def on_empty(calls: Iterable[Call]) -> list[Call]:
    """Return the calls that are made on empty tables too."""
    return [call for call in calls if call.scene is None][:EMPTY_CALLS]


def _of_scene(call: Call) -> Any:
    if call.scene is None:
        return None
    return call.scene.rows, {name: one.number for name, one in call.scene.copies.items()}


def _shown_rows(scene: Scene) -> str:
    """Return the rows of a scene as a message shows them."""
    shown = short({name: rows for name, rows in scene.rows.items() if rows})
    more = [f"{one.number} more like the last one of {n}" for n, one in scene.copies.items()]
    return ", ".join([shown, *more])


def calls_of(
    query: QueryFacts,
    counterpart: QueryFacts,
    stored: Mapping[str, Sequence[Row]],
    calls: int,
) -> Iterator[Any]:
    """Yield the arguments of some calls, the same each time; of ``*!`` a list of them."""
    chance = Random(f"{SEED} {query.store}.{query.name}")  # noqa: S311 - the same each time
    maker = ArgumentMaker(query, counterpart, stored)
    for _ in range(calls):
        arguments: Any = maker.make(chance)
        if query.operation == "*!":
            arguments = [arguments, *(maker.make(chance) for _ in range(chance.randint(0, 2)))]
        yield arguments


def is_ordered(*queries: QueryFacts) -> bool:
    """Tell whether one of some queries promises an order of its rows."""
    return any("ORDER" in outer_words(one.sql, one.dialect) for one in queries)


def touched_tables(query: QueryFacts, counterpart: QueryFacts, stored: Iterable[str]) -> list[str]:
    """Return the tables with rows that a query names, in the order in which they were filled."""
    touched = {*query.tables_read, *query.tables_written}
    touched |= {*counterpart.tables_read, *counterpart.tables_written}
    return [name for name in stored if name in touched]


async def _open_order(
    side: Side,
    queries: Queries,
    query: QueryFacts,
    tables: Sequence[str],
    written: Sequence[str],
    first: Sequence[tuple[Call, Answer]],
    tolerances: Tolerances,
) -> list[Difference]:
    """Ask a query with a LIMIT again, with the rows of its tables stored in another order."""
    if not re.search(r"\blimit\b", query.sql, re.IGNORECASE) or query.operation == "*!":
        return []
    found: list[Difference] = []
    try:
        async with side.database.transaction() as connection:
            for table in tables:
                await side.reverse_table(connection, table)
            asked = [call for call, _ in first[:_ASKED_AGAIN]]
            again = await answers_to(
                side, queries, query, asked, written, is_writing=bool(query.tables_written)
            )
            for (call, before), after in zip(first, again, strict=False):
                unlike = tolerated(
                    differences(before, after, query.operation, ordered=is_ordered(query)),
                    tolerances,
                )
                shown = short(call.arguments)
                found += [Difference(s, shown, short(a), short(b), "", True) for s, a, b in unlike]
                if found:
                    break
            raise UndoneError
    except UndoneError:
        return found


def _ended(answer: Answer) -> str:
    if isinstance(answer.error, StatementTimeoutError):
        return f"stopped after {CALL_SECONDS:g} s"
    return repr(Said(answer.error)) if answer.error is not None else "answered in time"


def declared_subjects(*queries: QueryFacts) -> set[str]:
    """Return the subjects of which comments say that they differ."""
    said = [d.text for q in queries for d in q.text.directives if d.kind == "meaning"]
    return {" ".join(text.partition(" because ")[0].split()) for text in said}


def tolerances_of(query: QueryFacts, counterpart: QueryFacts) -> dict[str, list[tuple[str, float]]]:
    """Return by column what comments allow: (subject of the comment, largest distance)."""
    found: dict[str, list[tuple[str, float]]] = {}
    for directive in (*query.text.directives, *counterpart.text.directives):
        match = _WITHIN.match(directive.text) if directive.kind == "meaning" else None
        if match is not None:
            found.setdefault(match["subject"], []).append((match[0], float(match["most"])))
    return found


def _distance(one: Any, two: Any) -> float:
    """Return how far two values are apart: of numbers a fraction of the larger, else seconds."""
    if isinstance(one, datetime) and isinstance(two, datetime):
        return abs((one - two).total_seconds())
    if type(one) is float and type(two) is float:
        return abs(one - two) / max(abs(one), abs(two), 1.0)
    return math.inf


def written_tables(pair: Pair, query: QueryFacts, counterpart: QueryFacts) -> list[str]:
    """Return the tables that a call may change: all of a store, for the sake of its triggers."""
    tables = {*query.tables_written, *counterpart.tables_written}
    if not tables:
        return []
    catalogs = [side.catalog for side in pair.sides]
    catalog = pair.postgres.catalog
    stores = {query.store, *(catalog[name].store for name in tables if name in catalog)}
    while True:
        # what a deletion does to children of other stores
        children = {
            table.store
            for table in catalog.values()
            for key in table.foreign_keys
            if key.target_table in catalog and catalog[key.target_table].store in stores
        }
        if children <= stores:
            break
        stores |= children
    return [
        table.name
        for table in catalog.values()
        if table.store in stores and is_compared(table.name, catalogs)
    ]


def differences(
    ours: Answer, theirs: Answer, operation: str, *, ordered: bool
) -> list[tuple[str, Any, Any]]:
    """Return (subject, PostgreSQL's, SQLite's) for what differs."""
    if ours.error is not None or theirs.error is not None:
        if kind_of_error(ours.error) is kind_of_error(theirs.error):
            return []
        one, two = (a.result if a.error is None else Said(a.error) for a in (ours, theirs))
        return [("error", one, two)]
    found: list[tuple[str, Any, Any]] = []
    if operation == "":
        found += _unlike_rows(ours.result, theirs.result, "rows", "")
        if not found and ordered and not is_same(ours.result, theirs.result):
            found.append(("order", ours.result, theirs.result))
    elif operation == "^" and ours.result is not None and theirs.result is not None:
        found += _unlike_rows([ours.result], [theirs.result], "rows", "")
    elif not is_same(ours.result, theirs.result):
        found.append(("rows", ours.result, theirs.result))
    for name in [name for name in ours.tables if name in ours.changed | theirs.changed]:
        rows = ours.tables[name]
        found += _unlike_rows(rows, theirs.tables[name], name, f"{name}.")
    return found


def _unlike_rows(
    ours: Sequence[Row], theirs: Sequence[Row], whole: str, prefix: str
) -> list[tuple[str, Any, Any]]:
    """Compare rows in any order: the columns in which the nearest two rows differ, or ``whole``."""
    only_ours, only_theirs = unmatched(*unmatched(ours, theirs, repr), plain)
    if not only_ours and not only_theirs:
        return []
    if len(ours) != len(theirs) or not only_ours or not only_theirs:
        return [(whole, only_ours or len(ours), only_theirs or len(theirs))]
    names, one, two = min(
        ((_unlike(a, b), a, b) for a in only_ours[:3] for b in only_theirs),
        key=lambda found: len(found[0]),
    )
    if len(names) > len(one) // 2 + 1:
        return [(whole, only_ours, only_theirs)]
    return [(f"{prefix}{name}", one[name], two.get(name)) for name in names]


def _unlike(one: Row, two: Row) -> list[str]:
    return [name for name in one if plain(one[name]) != plain(two.get(name))]

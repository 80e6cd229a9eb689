"""Proves that the dialects mean the same: each query runs in both on the same rows.

What comes back is compared: rows, their order where the query promises one, counts, errors, and
what a write leaves in the tables. Rows and arguments are made from the schema, the same each time.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from aragora_sql.checker.answer_lines import Answers, Proof, answers_path, read_lines
from aragora_sql.checker.meaning.calls import KeptCalls, read_calls, write_calls
from aragora_sql.checker.meaning.comparing import (
    Difference,
    chosen_calls,
    compare_query,
    touched_tables,
    written_tables,
)
from aragora_sql.checker.meaning.fingerprints import fingerprint_of
from aragora_sql.checker.meaning.fitting import fitted_scenes, have_all_tables
from aragora_sql.checker.meaning.pair import (
    Pair,
    PreparedDatabase,
    open_pair,
    prepare_postgres,
)
from aragora_sql.checker.meaning.rows import Filled, Row, fill_pair
from aragora_sql.checker.meaning.searching import find_calls
from aragora_sql.checker.meaning.second_process import SecondProcess, Share
from aragora_sql.checker.meaning.shrinking import Shrinker
from aragora_sql.checker.report import Report, Scope
from aragora_sql.engines import cache
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.postgres_engine import EmptyDatabase
from aragora_sql.queries import Queries, load_as_it_is
from aragora_sql.queries.files import DIALECTS, SYSTEM

__all__ = [
    "Meaning",
    "QueryPair",
    "check_meaning",
    "compare_pairs",
    "load_pair",
    "query_pairs",
]

# To be raised when other rows, arguments or comparisons are made.
VERSION = 19
RULE = "meaning"
# A second process loads the package and fills its own tables: of fewer pairs that is no gain.
_MANY = 40


@dataclass(slots=True)
class Meaning:
    """What was compared: pairs of queries, calls of them, and those that no call got an answer of.

    ``idle`` are the latter, as ``store.query``; ``answers`` are by store and query.
    """

    queries: int = 0
    calls: int = 0
    idle: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], Answers] = field(default_factory=dict)


def check_meaning(
    facts: Facts,
    engines: Engines,
    report: Report,
    *,
    update: bool = False,
    afresh: bool = False,
) -> Meaning:
    """Compare the answers of all queries that both dialects have.

    A query is not called where the tree says that it was compared, as it is now and on these
    engines, or an earlier check has kept what it found; with ``afresh`` each is. ``update`` says
    whether calls are searched for that tell edits of queries, and written to the tree, where it
    keeps none for a query as it is now.
    """
    meaning = Meaning()
    # Rows that are made can't show every difference that a comment speaks of.
    report.unsure.add(RULE)
    pairs = query_pairs(facts)
    if facts.unloaded or not pairs:
        # Of tables that are not there nothing can be said.
        return meaning
    schemas = [file.text for dialect in DIALECTS for file in facts.tree.schemas[dialect]]
    versions = [str(VERSION), str(engines.postgres.version), sqlite3.sqlite_version]
    place = cache.digest([*versions, *schemas])
    name = f"meaning-{place}.json"
    saved: dict[str, Any] = ({} if afresh else cache.load(name)) or {}
    kept = _fitting(pairs, read_calls(facts.tree.root, {pair.query.store for pair in pairs}))
    unknown = [pair for pair in pairs if _key(pair, kept) not in saved]
    proved: dict[str, Any] = {} if update or afresh else _proved(facts, place, unknown, kept)
    missing = [
        pair
        for pair in pairs
        if (found := saved.get(key := _key(pair, kept)) or proved.get(key)) is None
        or (update and not _is_kept(pair, kept, found["of"], facts.catalogs["sqlite"]))
    ]
    if missing or not ("tables" in saved or proved):
        if not _compare(facts, engines, missing, saved, kept, update=update):
            message = "the answers of the dialects were not compared: the role may make no database"
            report.add(Finding(facts.tree.root, 1, 1, RULE, message, "warning"))
            return meaning
        # Another check may have compared others meanwhile.
        cache.change(name, lambda others: {**(others or {}), **saved})
    if update:
        _write_calls(facts, pairs, kept)
    # What is proved was proved on tables of which there was nothing to say.
    said_of_tables = saved.get("tables", [])
    _report_tables(facts, said_of_tables, report)
    for pair in pairs:
        key = _key(pair, kept)
        result = saved.get(key) or proved[key]
        answers = Answers(result["rows"], result["arguments"], result["answers"])
        differences = [Difference(**difference) for difference in result["differences"]]
        undeclared = [one for one in differences if not _is_declared(pair, one, report)]
        if not (said_of_tables or undeclared):
            answers = replace(answers, proof=_proof(place, key, result))
        meaning.answers[pair.place] = answers
        if report.is_declared(RULE, "not compared", pair.scopes):
            continue
        meaning.queries += 1
        meaning.calls += result["calls"]
        if result["is_idle"]:
            meaning.idle.append(f"{pair.query.store}.{pair.query.name}")
        for difference in undeclared:
            _report(pair, difference, report)
    return meaning


def _proved(
    facts: Facts,
    place: str,
    pairs: Iterable[QueryPair],
    kept: Mapping[tuple[str, str], KeptCalls],
) -> dict[str, Any]:
    """Return what the tree says of queries that were compared as they are now, by their keys."""
    found = {}
    lines = {
        store: read_lines(answers_path(facts.tree.root, store)).answers
        for store in {pair.query.store for pair in pairs}
    }
    for pair in pairs:
        answers = lines[pair.query.store].get(pair.query.name)
        if answers is None or answers.proof is None:
            continue
        proof, key = answers.proof, _key(pair, kept)
        result = {
            "rows": answers.rows,
            "arguments": answers.arguments,
            "answers": answers.answers,
            "calls": proof.calls,
            "is_idle": proof.is_idle,
            "differences": [asdict(Difference(one, "", "", "")) for one in proof.declared],
        }
        if _proof(place, key, result) == proof:
            found[key] = result
    return found


def _proof(place: str, key: str, result: Mapping[str, Any]) -> Proof:
    """Return the proof of what was found: of the engines and schemas, the query, and the result."""
    answers = result["answers"]
    declared = tuple(dict.fromkeys(one["subject"] for one in result["differences"]))
    parts = [result["rows"], result["arguments"], *(answers[dialect] for dialect in DIALECTS)]
    counts = [str(result["calls"]), str(result["is_idle"]), *declared]
    of = cache.digest([place, key, *parts, *counts])[:12]
    return Proof(of, result["calls"], result["is_idle"], declared)


def _is_declared(pair: QueryPair, difference: Difference, report: Report) -> bool:
    """Tell whether a comment speaks of a difference."""
    table, dot, _ = difference.subject.partition(".")
    names = [difference.subject, "not compared", *([table] if dot else [])]
    # Each is asked for, so that each comment counts as needed.
    said = [report.is_declared(RULE, name, pair.scopes) for name in names]
    return any(said)


@dataclass(frozen=True, slots=True)
class QueryPair:
    """A query of PostgreSQL, and its counterpart of SQLite."""

    query: QueryFacts
    counterpart: QueryFacts

    @property
    def key(self) -> str:
        """What the answers depend on besides the schema."""
        query, counterpart = self.query, self.counterpart
        said = [d.text for d in (*query.text.directives, *counterpart.text.directives)]
        return cache.digest([query.name, query.operation, query.sql, counterpart.sql, *said])

    @property
    def place(self) -> tuple[str, str]:
        """Its store and its name."""
        return self.query.store, self.query.name

    @property
    def is_not_compared(self) -> bool:
        """Whether a comment says that it can't be compared."""
        said = (*self.query.text.directives, *self.counterpart.text.directives)
        return any(d.kind == RULE and d.text.startswith("not compared ") for d in said)

    @property
    def scopes(self) -> list[Scope]:
        """Where comments speak of it."""
        return [Scope(one.path, one.name) for one in (self.query, self.counterpart)]


def query_pairs(facts: Facts) -> list[QueryPair]:
    """Return the queries of stores that are in both dialects, with the same form."""
    found = []
    system = facts.tree.root / SYSTEM
    for (dialect, store, name), query in sorted(facts.queries.items()):
        counterpart = facts.queries.get(("sqlite", store, name))
        if dialect != "postgres" or counterpart is None or query.path.is_relative_to(system):
            continue
        same = {p.name for p in query.parameters} == {p.name for p in counterpart.parameters}
        if same and query.operation == counterpart.operation:
            found.append(QueryPair(query, counterpart))
    return found


def _key(pair: QueryPair, kept: Mapping[tuple[str, str], KeptCalls]) -> str:
    """Return what the answers of a query depend on besides the schema."""
    calls = kept.get(pair.place)
    kinds = [repr(sorted(one.text.result_kinds.items())) for one in (pair.query, pair.counterpart)]
    return cache.digest([pair.key, *kinds, "" if calls is None else calls.line])


def _fitting(
    pairs: Iterable[QueryPair], kept: Mapping[tuple[str, str], KeptCalls]
) -> dict[tuple[str, str], KeptCalls]:
    """Return the kept calls that can be made of the queries as they are now.

    Of a query that got another operation or other parameters they can't.
    """
    found = {}
    for pair in pairs:
        calls = kept.get(pair.place)
        if calls is None:
            continue
        names = {parameter.name for parameter in pair.query.parameters}
        are_many = pair.query.operation == "*!"
        given = [call.arguments for call in calls.calls]
        if all(isinstance(one, list) == are_many for one in given) and all(
            one.keys() == names for some in given for one in (some if are_many else [some])
        ):
            found[pair.place] = calls
    return found


def _is_kept(
    pair: QueryPair, kept: Mapping[tuple[str, str], KeptCalls], of: str, catalog: Catalog
) -> bool:
    """Tell whether the tree keeps calls of a query as it is now, on the tables that are there."""
    calls = kept.get(pair.place)
    return calls is not None and calls.of == of and have_all_tables(calls.calls, catalog)


def _write_calls(
    facts: Facts, pairs: Iterable[QueryPair], kept: Mapping[tuple[str, str], KeptCalls]
) -> None:
    by_store: dict[str, dict[str, KeptCalls]] = {}
    for pair in pairs:
        if pair.place in kept:
            by_store.setdefault(pair.query.store, {})[pair.query.name] = kept[pair.place]
    for store, calls in by_store.items():
        write_calls(facts.tree.root, store, calls)


def _compare(
    facts: Facts,
    engines: Engines,
    pairs: Sequence[QueryPair],
    saved: dict[str, Any],
    kept: dict[tuple[str, str], KeptCalls],
    *,
    update: bool,
) -> bool:
    """Compare pairs and save what is found; False where no database can be made for it."""
    with ExitStack() as stack:
        empty = stack.enter_context(engines.empty_database())
        if empty is None:
            return False
        second, ours = None, pairs
        if (os.cpu_count() or 1) > 1 and len(pairs) >= _MANY:
            other = stack.enter_context(engines.empty_database())
            if other is not None:
                # Neighbours are of one store and alike, so both shares are about the same work.
                ours, theirs = pairs[::2], pairs[1::2]
                place = prepare_postgres(other, facts.tree.schemas["postgres"])
                share = Share(facts, place, tuple(pair.key for pair in theirs), kept, update)
                second = SecondProcess(share)
                stack.callback(second.stop)
        asyncio.run(compare_pairs(facts, empty, ours, saved, kept, update=update))
        if second is not None:
            found = second.answer()
            saved |= found.saved
            kept |= found.kept
        return True


async def compare_pairs(
    facts: Facts,
    place: EmptyDatabase | PreparedDatabase,
    pairs: Iterable[QueryPair],
    saved: dict[str, Any],
    kept: dict[tuple[str, str], KeptCalls],
    *,
    update: bool,
) -> None:
    """Compare pairs in one pair of databases, and save what is found by what it depends on.

    With ``update`` calls that are searched for are put into ``kept``.
    """
    async with open_pair(place, facts.tree.schemas, facts.catalogs) as both:
        filled = await fill_pair(both, facts.tree.schemas["postgres"])
        for side in both.sides:
            side.share(filled.rows)
        saved["tables"] = _tables(filled)
        prints = _fingerprints_of_tables(filled.rows)
        shrinker = Shrinker()
        loaded: dict[str, list[Queries]] = {}
        for pair in pairs:
            query = pair.query
            queries = loaded.get(query.store) or load_pair(facts, both, query.store)
            loaded[query.store] = queries
            of = _calls_key(pair, prints)
            catalog = both.sqlite.catalog
            is_kept = _is_kept(pair, kept, of, catalog)
            if update and not is_kept:
                known = kept[pair.place].calls if pair.place in kept else ()
                calls, _ = await find_calls(
                    both, query, pair.counterpart, queries, filled.rows, known
                )
                kept[pair.place] = KeptCalls.made(query.name, of, calls)
                is_kept = True
            texts = both, query, pair.counterpart, queries, filled.rows
            made = kept.get(pair.place)
            if made is not None and not is_kept:
                made = replace(made, calls=fitted_scenes(made.calls, filled.rows, catalog))
            calls_of_it = await chosen_calls(*texts, made)
            # What the tree keeps was found for another text: this one may ask for other calls.
            is_stale = made is not None and not is_kept
            compared = await compare_query(
                *texts,
                calls_of_it,
                None if pair.is_not_compared else shrinker,
                await chosen_calls(*texts) if is_stale else (),
            )
            tables = {
                *touched_tables(query, pair.counterpart, filled.rows),
                *written_tables(both, query, pair.counterpart),
            }
            rows = fingerprint_of([prints.get(name, "") for name in sorted(tables)])
            saved[_key(pair, kept)] = {**asdict(compared), "rows": rows, "of": of}


def _fingerprints_of_tables(rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Return the fingerprints of the rows of each table."""
    return {name: fingerprint_of(some) for name, some in rows.items()}


def _calls_key(pair: QueryPair, prints: Mapping[str, str]) -> str:
    """Return what calls of a query are searched for with: its texts, and the rows of its tables."""
    tables = touched_tables(pair.query, pair.counterpart, prints)
    return cache.digest([pair.key, *(prints[name] for name in tables)])


def load_pair(facts: Facts, pair: Pair, store: str) -> list[Queries]:
    """Return the loaded queries of a store, of PostgreSQL first."""
    root = facts.tree.root
    return [load_as_it_is(store, side.dialect, root) for side in pair.sides]


def _tables(filled: Filled) -> list[tuple[str, str, str]]:
    """Return (table, subject, message) of what is to be said about tables."""
    said = []
    for refusal in filled.refusals:
        other = "sqlite" if refusal.refused_by == "postgres" else "postgres"
        shown = ", ".join(f"{name}: {value!r}" for name, value in refusal.row.items())
        said.append(
            (
                refusal.table,
                f"rows of {refusal.table}",
                f"{refusal.refused_by} refuses a row of {refusal.table!r} that {other} takes "
                f"({refusal.error}): {shown:.400}",
            )
        )
    for table, error in filled.without.items():
        said.append(
            (
                table,
                f"no rows of {table}",
                f"no generated row keeps the rules of {table!r}, so its queries are compared on "
                f"none; the last one: {error}",
            )
        )
    return said


def _report_tables(facts: Facts, said: Iterable[tuple[str, str, str]], report: Report) -> None:
    for name, subject, message in said:
        tables = [facts.catalogs[dialect][name] for dialect in DIALECTS]
        report.add(
            Finding(tables[1].path, tables[1].line, 1, RULE, message),
            kind=RULE,
            subject=subject,
            scopes=[Scope(table.path) for table in tables],
        )


def _report(pair: QueryPair, difference: Difference, report: Report) -> None:
    query, counterpart = pair.query, pair.counterpart
    at = counterpart
    if difference.is_open:
        at = query
        what = (
            "leaves open which rows come first where ORDER BY has ties under LIMIT: "
            f"{difference.subject} is {difference.postgres} or {difference.sqlite}, as the rows "
            "lie in the table; end the order with a key"
        )
    elif difference.subject == "time limit":
        if difference.sqlite.startswith("stopped"):
            what = f"does not end: {difference.sqlite}; PostgreSQL's: {difference.postgres}"
        else:
            at = query
            what = f"does not end: {difference.postgres}; SQLite's: {difference.sqlite}"
    else:
        what = (
            f"answers otherwise than PostgreSQL's: {difference.subject} is "
            f"{difference.sqlite} here and {difference.postgres} there"
        )
    message = f"query {query.name!r} {what}, called with {difference.arguments}"
    if difference.rows:
        message += f" on {difference.rows}"
    report.add(
        Finding(at.path, at.line, 1, RULE, message),
        kind=RULE,
        subject=difference.subject,
        scopes=pair.scopes,
    )

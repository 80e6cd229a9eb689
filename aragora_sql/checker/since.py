"""Compares each query with itself before an edit: the same calls on the same rows.

Where the schema has not changed, both run in the same databases. Where it has, the earlier query
runs in databases with the earlier schema, which hold the rows and columns that both can have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aragora_sql.checker.meaning.answers import answer_to, short
from aragora_sql.checker.meaning.calls import Call as QueryCall
from aragora_sql.checker.meaning.comparing import (
    calls_of,
    is_ordered,
    touched_tables,
    written_tables,
)
from aragora_sql.checker.meaning.mirroring import mirror_rows
from aragora_sql.checker.meaning.pair import Pair, Side, open_pair
from aragora_sql.checker.meaning.rows import Row, fill_pair
from aragora_sql.checker.meaning.shrinking import Shrinker
from aragora_sql.checker.meaning.wording import Call, Sentence, describe, shown
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.expressions import order_by
from aragora_sql.engines.facts import Facts, QueryFacts, read_facts, read_texts
from aragora_sql.engines.postgres_engine import EmptyDatabase
from aragora_sql.engines.tree import Tree, read_tree
from aragora_sql.errors import ConfigurationError, StatementTimeoutError
from aragora_sql.queries import Queries, load_as_it_is
from aragora_sql.queries.files import DIALECTS, SYSTEM, QueryText
from aragora_sql.queries.parameters import scan

__all__ = ["Change", "Compared", "compare_since", "edited_stores"]

CALLS = 40
Key = tuple[Dialect, str, str]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """What is to be said of a query: where it is now, and what changed, in words.

    ``kind`` is ``changed``, ``added``, ``removed``, or ``not compared`` with the reason. Of a table
    that is made otherwise it is ``schema``, of a query that the earlier tree can't use any more on
    the upgraded database ``release before``. ``example`` is a call that shows it, shrunk to few
    rows. ``query`` is empty for what is no query's.
    """

    path: Path
    line: int
    dialect: Dialect
    store: str
    query: str
    kind: Literal["changed", "added", "removed", "not compared", "schema", "release before"]
    details: tuple[str, ...] = ()
    example: str = ""

    def __str__(self) -> str:
        if self.kind in {"schema", "release before"} or not self.query:
            text = "; ".join(self.details)
        elif self.kind == "changed":
            text = f"answers of {self.query!r} changed: {'; '.join(self.details)}"
        elif self.kind == "not compared":
            text = f"{self.query!r} changed and is not compared: {'; '.join(self.details)}"
        else:
            text = f"{self.query!r} was {self.kind}"
        return f"{text}; {self.example}" if self.example else text


@dataclass(frozen=True, slots=True)
class Compared:
    """What changed, and how many queries were called how often."""

    changes: tuple[Change, ...]
    queries: int
    calls: int


def edited_stores(root: Path, earlier: Path, stores: Collection[str] | None) -> set[str] | None:
    """Return the stores of which queries differ, asking no engine; ``stores`` limits it to some.

    None stands for all: where a schema differs, so may the answers of any store.
    """
    now, before = read_tree(root), read_tree(earlier)
    if any(_changed_stores(now, before, dialect) for dialect in DIALECTS):
        return None if stores is None else set(stores)
    texts, past = (read_texts(tree, stores)[0] for tree in (root, earlier))
    return {
        store
        for dialect, store, name in texts.keys() | past.keys()
        if (one := texts.get((dialect, store, name))) is None
        or (two := past.get((dialect, store, name))) is None
        or _form(one, dialect) != _form(two, dialect)
    }


@dataclass(frozen=True, slots=True)
class _Edited:
    """A query of one dialect, as it is and as it was."""

    now: QueryFacts
    before: QueryText


def compare_since(
    facts: Facts,
    engines: Engines,
    earlier: Path,
    *,
    stores: Collection[str] | None = None,
    only: Collection[tuple[str, str]] | None = None,
) -> Compared:
    """Compare the queries of ``facts`` with those of the tree ``earlier``.

    ``stores`` are those that the facts are of (None: all), ``only`` limits it to some queries, as
    (store, name).
    """
    tree = read_tree(earlier)
    texts, problems = read_texts(earlier, stores)
    for problem in (*tree.problems, *problems):
        place = problem.path.relative_to(earlier)
        raise ConfigurationError(
            f"the earlier tree can't be read: {place}:{problem.line}: {problem.message}"
        )
    changes: list[Change] = []
    if only is None:
        changes += _listed(facts, texts, earlier)
    edited: list[_Edited] = []
    differ = {dialect: _changed_stores(facts.tree, tree, dialect) for dialect in DIALECTS}
    for key, text in facts.texts.items():
        dialect, store, name = key
        before = texts.get(key)
        if before is None or (only is not None and (store, name) not in only):
            continue
        is_edited = _form(text, dialect) != _form(before, dialect)
        now = facts.queries.get(key)
        if now is None:
            if is_edited or differ[dialect]:
                changes.append(_not_compared(facts, key, text))
        elif is_edited or _depends_on(now, differ[dialect], facts):
            why = _hindrance(facts, now, before)
            if why is None:
                edited.append(_Edited(now, before))
            elif is_edited:
                changes.append(_change(now, "not compared", (why,)))
    calls = 0
    if edited:
        compared, calls = _run(facts, engines, tree, edited, schema=any(differ.values()))
        changes += compared
    return Compared(tuple(sorted(changes)), len(edited), calls)


def _change(
    query: QueryFacts | QueryText,
    kind: Literal["changed", "added", "removed", "not compared"],
    details: Sequence[str] = (),
    example: str = "",
    *,
    key: Key | None = None,
) -> Change:
    if key is None:
        assert isinstance(query, QueryFacts)  # noqa: S101 - for the type checker
        key = (query.dialect, query.store, query.name)
    return Change(query.path, query.line, *key, kind, tuple(details), example)


def _listed(facts: Facts, texts: Mapping[Key, QueryText], earlier: Path) -> list[Change]:
    """Return the queries that are in one of both trees only."""
    found = [
        _change(text, "added", key=key) for key, text in facts.texts.items() if key not in texts
    ]
    for key, text in texts.items():
        if key not in facts.texts:
            path = facts.tree.root / text.path.relative_to(earlier)
            found.append(Change(path, 1, *key, "removed"))
    return found


def _form(query: QueryText, dialect: Dialect) -> tuple[object, ...]:
    """Return what answers depend on: not comments, nor how the text is broken into lines."""
    words = [token.text for token in scan(query.sql, dialect) if token.kind != "comment"]
    return (query.operation, query.parameters, tuple(words), tuple(query.result_kinds.items()))


def _changed_stores(now: Tree, before: Tree, dialect: Dialect) -> set[str]:
    """Return the stores whose schema is not the same, whatever its comments say."""
    schemas = [
        {
            file.store: [t.text for t in scan(file.text, dialect) if t.kind != "comment"]
            for file in tree.schemas[dialect]
        }
        for tree in (now, before)
    ]
    stores = schemas[0].keys() | schemas[1].keys()
    return {store for store in stores if schemas[0].get(store) != schemas[1].get(store)}


def _depends_on(query: QueryFacts, stores: Collection[str], facts: Facts) -> bool:
    """Tell whether a query touches a table of some stores."""
    catalog = facts.catalogs[query.dialect]
    touched = {*query.tables_read, *query.tables_written}
    return query.store in stores or any(
        catalog[name].store in stores for name in touched if name in catalog
    )


def _not_compared(facts: Facts, key: Key, text: QueryText) -> Change:
    said = next((p.message for p in facts.problems if _is_of(p.message, text.name)), None)
    if text.operation == "#":
        said = "a script is not called with arguments"
    why = said or "the schema that it needs can't be loaded"
    return _change(text, "not compared", (why,), key=key)


def _is_of(message: str, name: str) -> bool:
    return message.startswith(f"query {name!r}")


def _hindrance(facts: Facts, now: QueryFacts, before: QueryText) -> str | None:
    """Return why a query can't be called as it was called before; None when it can."""
    if now.path.is_relative_to(facts.tree.root / SYSTEM):
        return "it reads the catalog of the engine, which has no generated rows"
    if now.operation != before.operation:
        names = [repr(one or "none") for one in (before.operation, now.operation)]
        return f"its operation was {names[0]} and is {names[1]}"
    if set(now.text.parameters) != set(before.parameters):
        shown = [f"({', '.join(one)})" for one in (before.parameters, now.text.parameters)]
        nullable = {p.name for p in now.parameters if p.nullable}
        new = set(now.text.parameters) - set(before.parameters)
        if set(before.parameters) <= set(now.text.parameters) and new <= nullable:
            # A filter that may be left out: without it the answers have to be the same.
            return None
        return f"its parameters were {shown[0]} and are {shown[1]}"
    return None


def _run(
    facts: Facts,
    engines: Engines,
    tree: Tree,
    edited: Sequence[_Edited],
    *,
    schema: bool,
) -> tuple[list[Change], int]:
    """Call the queries, before and after."""
    with ExitStack() as stack:
        empty = stack.enter_context(engines.empty_database())
        before: tuple[Facts, EmptyDatabase] | None = None
        if empty is None:
            raise ConfigurationError(
                "the answers can't be compared: the role of the DSN may make no database"
            )
        if schema:
            past = stack.enter_context(engines.of_tree(tree))
            past_facts = read_facts(past, ())
            for problem in past_facts.problems:
                raise ConfigurationError(
                    f"the earlier schema can't be loaded: {problem.path.relative_to(tree.root)}:"
                    f"{problem.line}: {problem.message}"
                )
            past_empty = stack.enter_context(past.empty_database())
            if past_empty is not None:
                before = (past_facts, past_empty)
        return asyncio.run(_call_all(facts, empty, before, tree, edited))


async def _call_all(
    facts: Facts,
    empty: EmptyDatabase,
    before: tuple[Facts, EmptyDatabase] | None,
    tree: Tree,
    edited: Sequence[_Edited],
) -> tuple[list[Change], int]:
    changes: list[Change] = []
    calls = 0
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(open_pair(empty, facts.tree.schemas, facts.catalogs))
        filled = await fill_pair(pair, facts.tree.schemas["postgres"])
        rows: Mapping[str, Sequence[Row]] = filled.rows
        earlier = pair
        if before is not None:
            past, past_empty = before
            earlier = await stack.enter_async_context(
                open_pair(past_empty, tree.schemas, past.catalogs)
            )
            rows = await mirror_rows(pair, earlier, filled.rows)
        comparison = _Comparison(facts, pair, earlier, rows, tree.root)
        for one in edited:
            found, called = await comparison.compare(one)
            calls += called
            if found is not None:
                changes.append(found)
    return changes, calls


class _Comparison:
    """Calls queries in both pairs of databases; queries are loaded once for each store."""

    def __init__(
        self,
        facts: Facts,
        pair: Pair,
        earlier: Pair,
        rows: Mapping[str, Sequence[Row]],
        earlier_root: Path,
    ) -> None:
        self._facts = facts
        self._pairs = (earlier, pair)
        self._roots = (earlier_root, facts.tree.root)
        self._rows = rows
        self._loaded: dict[tuple[Path, Dialect, str], Queries] = {}
        self._shrinker = Shrinker()

    async def compare(self, edited: _Edited) -> tuple[Change | None, int]:
        """Return what changed, if anything, and the number of calls."""
        query, before = edited.now, edited.before
        other: Dialect = "sqlite" if query.dialect == "postgres" else "postgres"
        # Both dialects are called with the same arguments.
        counterpart = self._facts.queries.get((other, query.store, query.name), query)
        first, second = (
            (query, counterpart) if query.dialect == "postgres" else (counterpart, query)
        )
        known = [name for name in before.parameters if name in query.text.parameters]
        new = [name for name in query.text.parameters if name not in known]
        sides = [_side(pair, query.dialect) for pair in self._pairs]
        queries = [self._queries(root, query) for root in self._roots]
        written = [
            name
            for name in written_tables(self._pairs[1], query, counterpart)
            if name in sides[0].catalog
        ]
        ordered = is_ordered(query)

        async def call(arguments: Any) -> Call:
            now = _with(arguments, dict.fromkeys(new))
            old = _only(arguments, known)
            return Call(
                now,
                await answer_to(sides[0], queries[0], query, QueryCall(old), written),
                await answer_to(sides[1], queries[1], query, QueryCall(now), written),
            )

        calls = []
        for arguments in calls_of(first, second, self._rows, CALLS if query.parameters else 1):
            calls.append(await call(arguments))
            errors = (calls[-1].before.error, calls[-1].after.error)
            if any(isinstance(error, StatementTimeoutError) for error in errors):
                break
        order = _order_in_words(before.sql, query.sql, query.dialect)
        sentences = describe(calls, query.operation, ordered=ordered, order=order)
        if not sentences:
            return None, len(calls)

        def said(calls: Sequence[Call]) -> list[Sentence]:
            return describe(calls, query.operation, ordered=ordered, order=order)

        example = await self._example(sides, query, counterpart, sentences[0], call, said)
        details = [sentence.text for sentence in sentences]
        return _change(query, "changed", details, example), len(calls)

    async def _example(
        self,
        sides: Sequence[Side],
        query: QueryFacts,
        counterpart: QueryFacts,
        sentence: Sentence,
        call: Callable[[Any], Awaitable[Call]],
        describes: Callable[[Sequence[Call]], list[Sentence]],
    ) -> str:
        """Return a call that shows what changed, on as few rows as were found."""

        async def shows(arguments: Any) -> Sentence | None:
            said = describes([await call(arguments)])
            return next((one for one in said if one.subject == sentence.subject), None)

        arguments, rows = sentence.call.arguments, ""
        if sentence.subject != "time limit":
            tables = touched_tables(query, counterpart, self._rows)
            shrunk = await self._shrinker.shrink(sides, tables, query, arguments, shows)
            if shrunk is not None:
                arguments, sentence, rows = shrunk.arguments, shrunk.shown, f" on {shrunk.rows}"
        before, after = shown(sentence)
        given = f" called with {short(arguments)}" if arguments else ""
        return f"for example{given}{rows}: {before} before, {after} now"

    def _queries(self, root: Path, query: QueryFacts) -> Queries:
        key = (root, query.dialect, query.store)
        if key not in self._loaded:
            self._loaded[key] = load_as_it_is(query.store, query.dialect, root)
        return self._loaded[key]


def _order_in_words(before: str, now: str, dialect: Dialect) -> str:
    """Say how the outermost ORDER BY changed; empty when it did not."""
    was, is_now = (order_by(sql, dialect) for sql in (before, now))
    if was == is_now:
        return ""
    if not is_now:
        return f"rows no longer sorted (before: by {was})"
    return f"rows now sorted by {is_now} (before: {f'by {was}' if was else 'not'})"


def _side(pair: Pair, dialect: Dialect) -> Side:
    return pair.postgres if dialect == "postgres" else pair.sqlite


def _only(arguments: Any, names: Sequence[str]) -> Any:
    if isinstance(arguments, list):
        return [_only(one, names) for one in arguments]
    return {name: arguments[name] for name in names}


def _with(arguments: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(arguments, list):
        return [_with(one, values) for one in arguments]
    return {**arguments, **values}

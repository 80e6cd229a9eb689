"""The rule ``locks``: what a query locks for others is what its ``-- locks:`` lines say.

Locks change no answer, so nothing but these lines can tell that one was dropped or weakened. They
are PostgreSQL's: a writing transaction of SQLite locks the whole file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from aragora_sql.checker.report import Report, Scope
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import identifier
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import QueryText, read_queries
from aragora_sql.queries.parameters import Token, scan

__all__ = ["Lock", "check_lock_lines", "check_locks", "locks_of"]

RULE = "locks"
_BESIDE = ("migration/queries.sql", "migration/*/postgres/queries.sql", "workbench/*/*/queries.sql")
_MODES = (("NO", "KEY", "UPDATE"), ("KEY", "SHARE"), ("UPDATE",), ("SHARE",))
_ENDS_OF_FROM = {"WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR"}
_ENDS_OF_FROM |= {"UNION", "INTERSECT", "EXCEPT", "RETURNING"}
_ENDS_OF_ORDER = {"LIMIT", "OFFSET", "FETCH", "FOR"}
_NO_ALIAS = _ENDS_OF_FROM | {"ON", "USING", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS"}
_ADVISORY = "pg_advisory_"
_TRY_ADVISORY = "pg_try_advisory_"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that a query takes; ``offset`` is where its SQL says so.

    ``text`` says all of it as a ``-- locks:`` line does. ``table`` is set for rows that another
    holder makes it wait for, more than one of them, and ``order`` is theirs.
    """

    text: str
    offset: int
    table: str = ""
    order: str = ""
    of_rows: bool = True


def check_locks(facts: Facts, engines: Engines, report: Report) -> None:
    """Compare the locks of each query with what its comments say."""
    waiting: dict[str, dict[str, list[QueryText]]] = {}
    known = {table.store for table in facts.catalogs["postgres"].values()}
    for (dialect, store, name), query in facts.texts.items():
        if dialect == "sqlite":
            for line in query.locks:
                message = (
                    "a writing transaction of SQLite locks the whole file (BEGIN IMMEDIATE): "
                    "'locks:' is written in the file of PostgreSQL only"
                )
                _add(report, query, line.line, message)
            continue
        if store not in known and (query.path.parent / "schema.sql").is_file():
            # Its tables can't be read, which is said elsewhere.
            continue
        locks = locks_of(query, facts.catalogs["postgres"])
        _compare(query, locks, report)
        if locks and (dialect, store, name) in facts.queries:
            _look_at_plan(query, locks, engines, report)
        for lock in locks:
            if lock.table:
                waiting.setdefault(lock.table, {}).setdefault(lock.order, []).append(query)
    for path in _beside(facts.tree.root, report):
        for query in read_queries(path, "postgres").values():
            _compare(query, locks_of(query, {}), report)
    _compare_orders(waiting, report)


def check_lock_lines(query: QueryFacts, facts: Facts, report: Report) -> None:
    """Compare the locks of one query of PostgreSQL with its comment, by its text alone."""
    _compare(query.text, locks_of(query.text, facts.catalogs["postgres"]), report)


def _beside(root: Path, report: Report) -> Iterator[Path]:
    for pattern in _BESIDE:
        for path in sorted(root.glob(pattern)):
            if path in report.broken:
                continue
            try:
                read_queries(path, "postgres")
            except QueryFileError:
                continue
            yield path


def _add(report: Report, query: QueryText, line: int, message: str, column: int = 1) -> None:
    report.add(
        Finding(query.path, line, column, RULE, f"query {query.name!r}: {message}"),
        subject=RULE,
        scopes=[Scope(query.path, query.name)],
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _compare(query: QueryText, locks: Sequence[Lock], report: Report) -> None:
    said = {_plain(line.text): line for line in query.locks}
    taken = {_plain(lock.text): lock for lock in locks}
    for plain, line in said.items():
        if plain not in taken:
            others = [lock.text for key, lock in taken.items() if key not in said]
            really = f"it takes: {'; '.join(others)}" if others else "its SQL takes no such lock"
            _add(report, query, line.line, f"'locks: {line.text}' is not what it does; {really}")
    if len(said) == len(query.locks) and said.keys() == taken.keys():
        if list(said) != list(taken):
            message = f"it takes its locks in this order: {'; '.join(lock.text for lock in locks)}"
            _add(report, query, query.locks[0].line, message)
        return
    for plain, lock in taken.items():
        if plain not in said:
            place, column = query.position(lock.offset)
            message = f"it takes a lock that no comment tells: write '-- locks: {lock.text}'"
            _add(report, query, place, message, column)


def _look_at_plan(
    query: QueryText, locks: Sequence[Lock], engines: Engines, report: Report
) -> None:
    """See that the plan takes the locks: PostgreSQL leaves out a WITH query that nobody reads."""
    wanted = sum(lock.of_rows for lock in locks)
    if not wanted:
        return
    try:
        plan = engines.postgres.explain(query)[1]
    except psycopg.Error:
        # The rule prepare has said it.
        return
    found = sum(node.get("Node Type") == "LockRows" for node in _nodes(plan))
    if found < wanted:
        message = (
            f"its text locks rows in {wanted} places, its plan in {found}: a WITH query that "
            "nobody reads is never run"
        )
        _add(report, query, query.line, message)


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _compare_orders(
    waiting: Mapping[str, Mapping[str, Sequence[QueryText]]], report: Report
) -> None:
    """Name queries that wait for the rows of a table in different orders."""
    for table, orders in waiting.items():
        usual = max(orders, key=lambda order: (len(orders[order]), order != ""))
        for order, queries in orders.items():
            for query in queries:
                if order == usual and order:
                    continue
                if order:
                    message = (
                        f"it locks rows of {table} in order of {order}, "
                        f"{orders[usual][0].name!r} in order of {usual}: each can wait for the "
                        "other"
                    )
                else:
                    message = (
                        f"it waits for rows of {table} in no order: two calls can wait for each "
                        "other; add ORDER BY to the SELECT that locks"
                    )
                _add(report, query, query.line, message)


# -- reading the SQL


def locks_of(query: QueryText, catalog: Catalog | Mapping[str, Any]) -> list[Lock]:
    """Return the locks that the SQL of a query takes, in the order of the text.

    The locks that every INSERT, UPDATE and DELETE takes of its rows are not among them.
    """
    tokens = [token for token in scan(query.sql, "postgres") if token.kind != "comment"]
    words = [token.text.upper() for token in tokens]
    found: list[Lock] = []
    for place, word in enumerate(words):
        if word == "FOR":
            found += _row_locks(query, tokens, words, place, catalog)
        elif word == "LOCK" and words[place - 1 : place] != ["SKIP"] and place == 0:
            found.append(_table_lock(tokens, words))
        elif word.lower().startswith((_ADVISORY, _TRY_ADVISORY)) and words[place + 1 :][:1] == [
            "("
        ]:
            found.append(_advisory_lock(query, tokens, words, place))
    return found


def _table_lock(tokens: Sequence[Token], words: Sequence[str]) -> Lock:
    rest = [
        token.text if words[number] not in {"IN", "MODE"} else words[number].lower()
        for number, token in enumerate(tokens)
        if words[number] not in {"LOCK", "TABLE", "ONLY", ";"}
    ]
    at = rest.index("in") if "in" in rest else len(rest)
    mode = " ".join(rest[at:]).lower() or "in access exclusive mode"
    names = "".join(rest[:at]).replace(",", ", ")
    return Lock(f"table {names} {mode}", tokens[0].start, of_rows=False)


def _advisory_lock(
    query: QueryText, tokens: Sequence[Token], words: Sequence[str], place: int
) -> Lock:
    end = _closing(words, place + 1)
    call = query.sql[tokens[place].start : tokens[end].end]
    text = " ".join(call.split()).replace("( ", "(").replace(" )", ")")
    depth, at = 0, end + 1
    # The rows that it is called for, if they come from a SELECT that puts them in an order.
    while at < len(words) and depth >= 0 and not (depth == 0 and words[at] == "FROM"):
        depth += (words[at] == "(") - (words[at] == ")")
        at += 1
    if words[at : at + 2] == ["FROM", "("]:
        inner = range(at + 2, _closing(words, at + 1))
        order = _order(tokens, words, inner)
        text += f" in order of {order}" if order else " in no order"
    return Lock(text, tokens[place].start, of_rows=False)


def _closing(words: Sequence[str], opening: int) -> int:
    """Return the place of the parenthesis that closes the one at ``opening``."""
    depth = 0
    for place in range(opening, len(words)):
        depth += (words[place] == "(") - (words[place] == ")")
        if depth == 0:
            return place
    return len(words) - 1


def _row_locks(
    query: QueryText,
    tokens: Sequence[Token],
    words: Sequence[str],
    place: int,
    catalog: Catalog | Mapping[str, Any],
) -> Iterator[Lock]:
    mode = next(
        (mode for mode in _MODES if tuple(words[place + 1 : place + 1 + len(mode)]) == mode), None
    )
    if mode is None:
        return
    after = place + 1 + len(mode)
    named: list[str] = []
    if words[after : after + 1] == ["OF"]:
        # What ends here is no SQL, which is said elsewhere.
        named += map(identifier, tokens[after + 1 : after + 2])
        after += 2
        while words[after : after + 1] == [","]:
            named += map(identifier, tokens[after + 1 : after + 2])
            after += 2
    wait = ""
    if words[after : after + 2] == ["SKIP", "LOCKED"]:
        wait = ", skip locked"
    elif words[after : after + 1] == ["NOWAIT"]:
        wait = ", nowait"
    level = _level(words, place)
    start = next((n for n in reversed(level) if words[n] == "SELECT"), 0)
    level = [n for n in level if n >= start]
    sources = _sources(tokens, words, level)
    tables = [sources.get(name, name) for name in named] or list(dict.fromkeys(sources.values()))
    order = _order(tokens, words, level)
    is_one = len(tables) == 1 and _is_one_row(tokens, words, level, catalog.get(tables[0]))
    strength = "" if mode == ("UPDATE",) else f" for {' '.join(mode).lower()}"
    if is_one:
        text = f"one {tables[0]} row{strength}"
    else:
        text = f"{' and '.join(tables)} rows{strength} "
        text += f"in order of {order}" if order else "in no order"
    is_waiting = not wait and not is_one and len(tables) == 1
    yield Lock(
        text + wait,
        tokens[place].start,
        tables[0] if is_waiting else "",
        order if is_waiting else "",
    )


def _level(words: Sequence[str], place: int) -> list[int]:
    """Return the places before ``place`` in the same parentheses, none of inner ones."""
    level, depth = [], 0
    for number in range(place - 1, -1, -1):
        depth += (words[number] == ")") - (words[number] == "(")
        if depth < 0:
            break
        if depth == 0 and words[number] not in {"(", ")"}:
            level.append(number)
    return level[::-1]


def _sources(tokens: Sequence[Token], words: Sequence[str], level: Sequence[int]) -> dict[str, str]:
    """Return the tables behind FROM by alias, without what is in parentheses."""
    found: dict[str, str] = {}
    begun, expects = False, False
    for place, number in enumerate(level):
        word = words[number]
        if word == "FROM" and not begun:
            begun, expects = True, True
        elif not begun:
            continue
        elif word in _ENDS_OF_FROM:
            break
        elif word in {"JOIN", ","}:
            expects = True
        elif word in {"LATERAL", "ONLY"}:
            continue
        elif expects:
            expects = False
            last = number + 2 if words[number + 1 : number + 2] == ["."] else number
            # The name of a function, or of a SELECT in parentheses; or no SQL.
            if words[last + 1 : last + 2] == ["("] or words[number - 1] == ")" or last not in level:
                continue
            table = identifier(tokens[last])
            place = level.index(last)
            rest = [words[n] for n in level[place + 1 : place + 3]]
            alias = table
            if rest[:1] == ["AS"] and len(rest) == 2:
                alias = identifier(tokens[level[place + 2]])
            elif (
                rest
                and rest[0] not in _NO_ALIAS
                and tokens[level[place + 1]].kind
                in {
                    *("word", "identifier"),
                }
            ):
                alias = identifier(tokens[level[place + 1]])
            found[alias] = table
    return found


def _order(tokens: Sequence[Token], words: Sequence[str], level: Iterable[int]) -> str:
    """Return what a SELECT is ordered by, without qualifiers, collations and ASC."""
    # What is in parentheses belongs to an expression of the list.
    places = list(level)
    starts = [n for n in places if words[n : n + 2] == ["ORDER", "BY"]]
    if not starts:
        return ""
    text, number, end = "", starts[-1] + 2, places[-1]
    depth = 0
    while number <= end:
        word = words[number]
        if depth == 0 and word in _ENDS_OF_ORDER:
            break
        depth += (word == "(") - (word == ")")
        if word == "COLLATE":
            number += 2
            continue
        # A name comes without the alias before its dot.
        if word != "ASC" and word != "." and words[number + 1 : number + 2] != ["."]:
            shown = word if word in {"DESC", "NULLS", "FIRST", "LAST"} else tokens[number].text
            first = number - 2 if words[number - 1] == "." else number
            is_apart = tokens[first - 1].end < tokens[first].start and text[-1:] not in {"", "("}
            text += f" {shown}" if is_apart and shown != ")" else shown
        number += 1
    return text


def _is_one_row(
    tokens: Sequence[Token], words: Sequence[str], level: Sequence[int], table: Any
) -> bool:
    """Tell whether a SELECT asks for one row by its key."""
    if table is None:
        return False
    inside = [words[n] for n in level]
    if "OR" in inside or "WHERE" not in inside:
        return False
    equal = {
        identifier(tokens[level[place - 1]])
        for place, number in enumerate(level)
        if words[number] == "="
        and place
        # What is in parentheses is not of this level, which may end with the sign.
        and number + 1 < len(tokens)
        and tokens[number + 1].kind == "parameter"
        and words[number + 2 : number + 3] != ["("]
    }
    return any(key and equal.issuperset(key) for key in (table.primary_key, *table.unique))

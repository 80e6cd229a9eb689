"""The rule ``collation``: text is sorted and compared for order by code point, as SQLite does it.

Which is before which depends on the collation of a server's database where a query names none. The
server's own parse tree has the collation of each comparison and of each sort key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from aragora_sql.checker.parse_trees import Node, parsed
from aragora_sql.checker.remembered import Found, report_remembered
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.queries.parameters import number_parameters, source_offset

__all__ = ["check_collations"]

_RULE = "collation"
# To be raised when other things are found, so that nothing older is used again.
_VERSION = "3"
# By code point: C, POSIX, ucs_basic, pg_c_utf8. 0 is of what has no collation.
_BY_CODE_POINT = frozenset({"0", "950", "951", "962", "811"})
_COMPARISONS = {"<", "<=", ">", ">="}
_EXTREMES = {"max", "min"}
# Where the collation of an expression stands, by the kind of its outermost node.
_RESULT = {
    "AGGREF": "aggcollid",
    "CASEEXPR": "casecollid",
    "COALESCEEXPR": "coalescecollid",
    "COERCEVIAIO": "resultcollid",
    "COLLATEEXPR": "collOid",
    "CONST": "constcollid",
    "FUNCEXPR": "funccollid",
    "MINMAXEXPR": "minmaxcollid",
    "NULLIFEXPR": "opcollid",
    "OPEXPR": "opcollid",
    "PARAM": "paramcollid",
    "RELABELTYPE": "resultcollid",
    "SUBSCRIPTINGREF": "refcollid",
    "VAR": "varcollid",
    "WINDOWFUNC": "wincollid",
}


def check_collations(facts: Facts, engines: Engines, report: Report) -> None:
    """Look at each comparison and sort key of text in the queries of PostgreSQL."""

    def prepare() -> Callable[[QueryFacts], Found]:
        catalog = engines.postgres.catalog
        operators = _named(catalog.list_operator_signatures(), _COMPARISONS)
        extremes = _named(catalog.list_function_signatures(), _EXTREMES)

        def look(query: QueryFacts) -> Found:
            for offset, what in dict.fromkeys(_found(query, engines, operators, extremes)):
                yield (
                    offset,
                    f"{what} by the collation of the database, which is another one on other "
                    'servers and on SQLite; write COLLATE "C" behind it',
                )

        return look

    report_remembered(facts, engines, report, _RULE, _VERSION, prepare)


def _named(rows: Iterable[Any], names: Collection[str]) -> dict[str, str]:
    return {str(row["signature_id"]): row["name"] for row in rows if row["name"] in names}


def _found(
    query: QueryFacts, engines: Engines, operators: Mapping[str, str], extremes: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """Yield the offset in the query and what is compared or sorted there."""
    rendered, _ = number_parameters(query.sql, list(query.text.found))
    encoded = rendered.encode()

    def offset(place: int) -> int:
        before = len(encoded[: max(place, 0)].decode(errors="replace"))
        return source_offset(query.sql, list(query.text.found), before)

    for node in parsed(engines.postgres.parse_tree(query.text)).walk():
        if node.kind in {"OPEXPR", "SCALARARRAYOPEXPR"} and node.text("opno") in operators:
            if node.text("inputcollid") not in _BY_CODE_POINT:
                yield offset(_place(node)), f"{operators[node.text('opno')]} compares text"
        elif node.kind == "ROWCOMPAREEXPR":
            collations = {str(c) for c in node.fields.get("inputcollids", ()) if str(c).isdigit()}
            if not collations <= _BY_CODE_POINT:
                yield offset(_place(node)), "rows are compared, text in them"
        elif node.kind == "AGGREF" and node.text("aggfnoid") in extremes:
            if node.text("inputcollid") not in _BY_CODE_POINT:
                yield offset(_place(node)), f"{extremes[node.text('aggfnoid')]}() compares text"
        elif node.kind == "MINMAXEXPR" and node.text("inputcollid") not in _BY_CODE_POINT:
            yield offset(_place(node)), "greatest() or least() compares text"
        for key, name in _sort_keys(node):
            if key.text(_RESULT.get(key.kind, "")) not in {"", *_BY_CODE_POINT}:
                place = offset(_place(key))
                if name is not None:
                    place = _in_order_by(query.sql, place, name)
                yield place, "text is sorted"


def _in_order_by(sql: str, place: int, name: str) -> int:
    """Return where an expression of the select list stands in the ORDER BY behind it.

    There it is written as in the list, or by its ``name``. Behind parentheses it is not looked for.
    """
    written = re.match(r"[\w.\"]*", sql[place:])
    for word in (written[0] if written is not None else "", name):
        found = word and re.search(
            rf"\bORDER\s+BY\b[^();]*?(?<![\w.])(?P<key>{re.escape(word)})(?![\w.])",
            sql[place:],
            re.IGNORECASE,
        )
        if found:
            return place + found.start("key")
    return place


def _sort_keys(node: Node) -> Iterator[tuple[Node, str | None]]:
    """Yield the expressions by which a query, a window or an aggregate sorts.

    With one that the query gives, and that stands in its list therefore, comes its name there.
    """
    if node.kind == "QUERY":
        clauses = [*node.nodes("sortClause")]
        if node.text("hasDistinctOn") == "true":
            clauses += node.nodes("distinctClause")
        for window in node.nodes("windowClause"):
            clauses += window.nodes("orderClause")
        entries = node.nodes("targetList")
    elif node.kind == "AGGREF":
        clauses, entries = node.nodes("aggorder"), node.nodes("args")
    else:
        return
    wanted = {clause.text("tleSortGroupRef") for clause in clauses}
    for entry in entries:
        if entry.kind == "TARGETENTRY" and entry.text("ressortgroupref") in wanted:
            is_given = node.kind == "QUERY" and entry.text("resjunk") == "false"
            for key in entry.nodes("expr"):
                yield key, entry.text("resname") if is_given else None


def _place(node: Node) -> int:
    """Return the first place in the text that a node or what is below it names."""
    places = [int(one.text("location") or -1) for one in node.walk()]
    return min((place for place in places if place >= 0), default=0)

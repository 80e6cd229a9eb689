"""The rule ``inexact-call``: nobody can put a function or an operator of their own in a query.

A name without a schema means whatever fits the arguments best in the schemas of search_path. What
fits exactly is found in ``pg_catalog`` first; where an argument has to be converted, or takes any
type, whoever may create in a schema of the path can offer something that fits better, which then
runs with the rights of the application. The server's own parse tree shows where that is so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aragora_sql.checker.parse_trees import Node, parsed
from aragora_sql.checker.remembered import Found, report_remembered
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.queries.parameters import number_parameters, scan, source_offset

__all__ = ["check_calls"]

_RULE = "inexact-call"
# To be raised when other things are found, so that nothing older is used again.
_VERSION = "1"
_IMPLICIT = "2"
_CASTS = {
    "FUNCEXPR": "funcformat",
    "RELABELTYPE": "relabelformat",
    "COERCEVIAIO": "coerceformat",
    "ARRAYCOERCEEXPR": "coerceformat",
    "CONVERTROWTYPEEXPR": "convertformat",
    "COERCETODOMAIN": "coercionformat",
}
_OPERATORS = {"OPEXPR", "DISTINCTEXPR", "NULLIFEXPR", "SCALARARRAYOPEXPR"}
_FUNCTIONS = {"FUNCEXPR": "funcid", "AGGREF": "aggfnoid", "WINDOWFUNC": "winfnoid"}
_TEXT = 25


@dataclass(frozen=True, slots=True)
class _Signature:
    """What a function or an operator takes: the numbers of types, and which take any type."""

    name: str
    types: tuple[int, ...]
    any_type: tuple[bool, ...]


def check_calls(facts: Facts, engines: Engines, report: Report) -> None:
    """Look at every call in the queries of PostgreSQL."""

    def prepare() -> Callable[[QueryFacts], Found]:
        functions = _signatures(engines.postgres.catalog.list_function_signatures())
        operators = _signatures(engines.postgres.catalog.list_operator_signatures())
        return lambda query: _inexact(query, engines, functions, operators)

    report_remembered(facts, engines, report, _RULE, _VERSION, prepare)


def _signatures(rows: Iterable[Any]) -> dict[int, _Signature]:
    return {
        row["signature_id"]: _Signature(
            row["name"], tuple(row["argument_types"]), tuple(row["takes_any"])
        )
        for row in rows
    }


def _inexact(
    query: QueryFacts,
    engines: Engines,
    functions: Mapping[int, _Signature],
    operators: Mapping[int, _Signature],
) -> Iterator[tuple[int, str]]:
    rendered, _ = number_parameters(query.sql, list(query.text.found))
    source = _Source(rendered)
    for node in parsed(engines.postgres.parse_tree(query.text)).walk():
        if node.kind in _OPERATORS:
            signature = operators.get(int(node.text("opno")))
            place = int(node.text("location"))
            qualified = source.word(place).upper() == "OPERATOR"
        elif node.kind in _FUNCTIONS and node.text("funcformat") in {"", "0"}:
            signature = functions.get(int(node.text(_FUNCTIONS[node.kind])))
            place = int(node.text("location"))
            qualified = source.word(place).lower() == "pg_catalog"
        else:
            continue
        if signature is None or place < 0 or qualified:
            continue
        what = _problem(node, signature, source)
        if what is not None:
            offset = source_offset(query.sql, list(query.text.found), place)
            yield offset, what


def _problem(node: Node, signature: _Signature, source: _Source) -> str | None:
    """Return what is inexact in a call, or None."""
    is_operator = node.kind in _OPERATORS
    arguments = node.nodes("args")
    for number, argument in enumerate(arguments):
        if argument.kind == "TARGETENTRY":
            (argument,) = argument.nodes("expr")
        place = number
        if argument.kind == "NAMEDARGEXPR":
            place = int(argument.text("argnumber"))
            (argument,) = argument.nodes("arg")
        place = min(place, len(signature.types) - 1)
        call = f"{signature.name} of" if is_operator else f"{signature.name}():"
        if signature.any_type[place]:
            remedy = (
                f"OPERATOR(pg_catalog.{signature.name})"
                if is_operator
                else f"pg_catalog.{signature.name}"
            )
            return f"{call} any type is what another one fits better; write {remedy}"
        if _CASTS.get(argument.kind) and argument.text(_CASTS[argument.kind]) == _IMPLICIT:
            return f"{call} an argument that has to be converted; cast it to what is taken"
        if source.is_unknown(argument):
            others = [t for i, t in enumerate(signature.types) if i != place]
            known = (
                others == [signature.types[place]]
                if is_operator
                else (signature.types[place] == _TEXT)
            )
            if not known:
                return f"{call} a literal or parameter of no type; cast it"
    return None


class _Source:
    """The text that the server parsed, in which it gives places in bytes."""

    def __init__(self, sql: str) -> None:
        self._bytes = sql.encode()
        self._tokens = [t for t in scan(sql, "postgres") if t.kind != "comment"]
        self._at = {len(sql[: t.start].encode()): i for i, t in enumerate(self._tokens)}
        self._ascii = sql.isascii()

    def word(self, place: int) -> str:
        """Return the token at a place."""
        index = self._at.get(place)
        return "" if index is None else self._tokens[index].text

    def is_unknown(self, node: Node) -> bool:
        """Tell whether an argument is a literal or parameter that nothing gives a type."""
        index = self._at.get(int(node.text("location") or -1))
        if node.kind not in {"CONST", "PARAM"} or index is None:
            return False
        token = self._tokens[index]
        if token.kind not in {"string", "parameter"}:
            return False
        before = [t.text for t in self._tokens[:index]]
        after = "".join(t.text for t in self._tokens[index + 1 : index + 2])
        # A parameter has its type from its first use on.
        if token.kind == "parameter" and token.text in before:
            return False
        is_cast = [word.upper() for word in before[-2:]] == ["CAST", "("]
        return after != "::" and not is_cast

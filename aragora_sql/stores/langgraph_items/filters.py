"""Filters of a search: members of values, compared with what a caller asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aragora_sql.database.values import EncodedJSON, dump_json
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = ["conditions_of"]

OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
# SQLite's numbers.
LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**63 - 1


def conditions_of(wanted: Any, argument: str) -> EncodedJSON:
    """Check a filter and return its conditions, as the queries take them.

    Each is an object of ``member``, ``operator`` and ``operand``, which is a list of one value.
    """
    conditions: list[dict[str, Any]] = []
    if wanted is not None and not isinstance(wanted, Mapping):
        raise InvalidInputError(argument, f"must be a dictionary, not {type(wanted).__name__}")
    for member, value in (wanted or {}).items():
        name = valid.text(member, argument)
        path = f"{argument}[{valid.shown(name)}]"
        if not isinstance(value, Mapping):
            conditions.append(_condition(name, "$eq", value, path))
        elif not value or not all(str(one).startswith("$") for one in value):
            raise InvalidInputError(
                path,
                f"must be a value, or a dictionary of {', '.join(OPERATORS)}; to compare with a "
                "dictionary, give it to $eq",
            )
        else:
            for operator, operand in value.items():
                word = valid.choice(operator, path, OPERATORS)
                conditions.append(_condition(name, word, operand, f"{path}[{word!r}]"))
    return dump_json(conditions, argument)


def _condition(member: str, operator: str, operand: Any, path: str) -> dict[str, Any]:
    if operator not in ("$eq", "$ne") and (
        isinstance(operand, bool) or not isinstance(operand, int | float | str)
    ):
        raise InvalidInputError(path, f"must be a number or text, not {type(operand).__name__}")
    _check_integers(operand, path)
    # An error names the member in place of the number of its condition.
    dump_json([operand], path)
    return {"member": member, "operator": operator, "operand": [operand]}


def _check_integers(operand: Any, path: str) -> None:
    """Refuse integers that SQLite knows as rounded floats only."""
    if isinstance(operand, Mapping):
        for name, value in operand.items():
            _check_integers(value, f"{path}[{valid.shown(name)}]")
    elif isinstance(operand, list | tuple):
        for index, value in enumerate(operand):
            _check_integers(value, f"{path}[{index}]")
    elif isinstance(operand, int) and not LEAST_INTEGER <= operand <= MOST_INTEGER:
        raise InvalidInputError(path, "must be an integer of at most 64 bits")

"""How values are read: only types that are known to be harmless, or that the application names."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from aragora_sql.errors import InvalidInputError, UnreadableValueError
from aragora_sql.stores import validation as valid

__all__ = ["StrictSerializer"]

OPTION = "allowed_msgpack_modules"

# What LangGraph's serializer has refused while a value is read. It tells that by an event alone,
# and gives plain data in place of the object.
_refused: ContextVar[list[SerdeEvent] | None] = ContextVar("refused", default=None)


def _note(event: SerdeEvent) -> None:
    refused = _refused.get()
    if refused is not None and event["kind"] in ("msgpack_blocked", "msgpack_method_blocked"):
        refused.append(event)


register_serde_event_listener(_note)


class StrictSerializer(JsonPlusSerializer):
    """LangGraph's serializer, which imports and calls only what is in its allow list.

    That are LangGraph's own list of safe types and ``allowed``: classes, or pairs of a module and
    the name of a class. A value of another type is refused with :class:`UnreadableValueError`.
    """

    def __init__(self, allowed: Iterable[tuple[str, str] | type] | None = None) -> None:
        listed = [] if allowed is None else valid.items(allowed, OPTION)
        for index, item in enumerate(listed):
            _check_type(item, f"{OPTION}[{index}]")
        super().__init__(allowed_msgpack_modules=[_key(item) for item in listed])

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return the value that some bytes stand for."""
        refused: list[SerdeEvent] = []
        token = _refused.set(refused)
        try:
            value = super().loads_typed(data)
        finally:
            _refused.reset(token)
        if refused:
            raise UnreadableValueError(_explanation(refused[0]))
        return value


def _check_type(item: Any, argument: str) -> None:
    pair = isinstance(item, tuple) and len(item) == 2
    if not isinstance(item, type) and not (pair and all(isinstance(one, str) for one in item)):
        raise InvalidInputError(
            argument, f"must be a class or a pair (module, name), not {valid.shown(item)}"
        )


def _key(item: Any) -> tuple[str, str]:
    return (item.__module__, item.__name__) if isinstance(item, type) else item


def _explanation(event: SerdeEvent) -> str:
    module, name = event["module"], event["name"]
    if event["kind"] == "msgpack_method_blocked":
        method = valid.shown(f"{module}.{name}.{event.get('method')}")
        return f"a call of {method} is never made when a value is read"
    return (
        f"its type {valid.shown(f'{module}.{name}')} is not in the allow list; if your application "
        f"stores it, make the saver with {OPTION}=[({valid.shown(module)}, {valid.shown(name)})]"
    )

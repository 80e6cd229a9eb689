"""Operations as LangGraph gives them, checked and in the form in which they are carried out.

Errors name an argument by its place: ``path`` is empty, or ``ops[3].`` in a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from langgraph.store.base import GetOp, ListNamespacesOp, PutOp, SearchOp, TTLConfig

from aragora_sql.database.values import EncodedJSON
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.langgraph_items import namespaces
from aragora_sql.stores.langgraph_items.expiry import minutes_of
from aragora_sql.stores.langgraph_items.filters import conditions_of
from aragora_sql.stores.langgraph_items.namespaces import Labels, Range
from aragora_sql.stores.langgraph_items.vectors import VectorIndex

__all__ = ["Checks", "Get", "ListNamespaces", "Operation", "Place", "Put", "Search"]

# The namespace of an item as it is stored, and its key.
Place = tuple[str, str]


class Get(NamedTuple):
    """An item to read; ``refresh`` puts its end off."""

    place: Place
    refresh: bool


class Put(NamedTuple):
    """An item to store, or (without ``value``) to delete."""

    place: Place
    value: EncodedJSON | None
    ttl: float | None
    texts: list[str]


class Search(NamedTuple):
    """A search; ``is_whole``: among all items; ``query`` of None: without vectors."""

    within: Range
    is_whole: bool
    conditions: EncodedJSON
    limit: int
    offset: int
    query: str | None
    refresh: bool


class ListNamespaces(NamedTuple):
    """A list of the namespaces that match."""

    matching: Labels
    max_depth: int | None
    limit: int
    offset: int


Operation = Get | Put | Search | ListNamespaces


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks operations for a store with these configurations."""

    index: VectorIndex | None
    ttl: TTLConfig | None

    def batch(self, ops: Any) -> list[Operation]:
        """Check the operations of a batch."""
        checks: dict[type, Callable[[Any, str], Operation]] = {
            GetOp: lambda op, path: self.get(op, op.refresh_ttl, path),
            SearchOp: lambda op, path: self.search(op, op.refresh_ttl, path),
            PutOp: self.put,
            ListNamespacesOp: self.list_namespaces,
        }
        checked = []
        for number, op in enumerate(valid.items(ops, "ops")):
            path = f"ops[{number}]"
            check = checks.get(type(op))
            if check is None:
                names = ", ".join(kind.__name__ for kind in checks)
                raise InvalidInputError(path, f"must be one of {names}, not {type(op).__name__}")
            checked.append(check(op, f"{path}."))
        return checked

    def _refresh(self, asked: Any, argument: str) -> bool:
        if asked is None:
            return (self.ttl or {}).get("refresh_on_read", True)
        return valid.boolean(asked, argument)

    def get(self, op: GetOp, refresh: Any, path: str) -> Get:
        """Check a read of one item; ``refresh`` of None is the default of the store."""
        return Get(
            (
                namespaces.place(op.namespace, f"{path}namespace"),
                namespaces.item_key(op.key, f"{path}key"),
            ),
            self._refresh(refresh, f"{path}refresh_ttl"),
        )

    def put(self, op: PutOp, path: str) -> Put:
        """Check the storing, or without a value the deletion, of one item."""
        check = namespaces.place if op.value is None else namespaces.place_to_write
        place = (
            check(op.namespace, f"{path}namespace"),
            namespaces.item_key(op.key, f"{path}key"),
        )
        if op.value is None:
            return Put(place, None, None, [])
        index = op.index
        if index is not None and index is not False:
            index = valid.names(valid.items(index, f"{path}index"), f"{path}index")
        ttl = None if op.ttl is None else minutes_of(op.ttl, f"{path}ttl")
        value = valid.document(op.value, f"{path}value")
        texts = []
        if self.index is not None:
            texts = self.index.texts(dict(op.value), index, f"{path}index")
        return Put(place, value, ttl, texts)

    def search(self, op: SearchOp, refresh: Any, path: str) -> Search:
        """Check a search; ``refresh`` of None is the default of the store."""
        query = valid.optional_text(op.query, f"{path}query")
        return Search(
            namespaces.range_below(op.namespace_prefix, f"{path}namespace_prefix"),
            not op.namespace_prefix,
            conditions_of(op.filter, f"{path}filter"),
            valid.limit(op.limit, f"{path}limit"),
            valid.integer(op.offset, f"{path}offset"),
            query if query and self.index is not None else None,
            self._refresh(refresh, f"{path}refresh_ttl"),
        )

    @staticmethod
    def list_namespaces(op: ListNamespacesOp, path: str) -> ListNamespaces:
        """Check a list of namespaces."""
        return ListNamespaces(
            namespaces.matching(op.match_conditions, f"{path}match_conditions"),
            valid.optional(op.max_depth, f"{path}max_depth", lambda v, a: valid.integer(v, a, 1)),
            valid.limit(op.limit, f"{path}limit"),
            valid.integer(op.offset, f"{path}offset"),
        )

"""Vectors: the caller's function makes them of texts, and here they are stored and compared.

An item has a vector for each of its texts that are searched. All of them stand in one column as
little-endian floats of 4 bytes, scaled to length 1, so that the cosine of two is their scalar
product. It is computed here, the same on both engines.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langgraph.store.base import Embeddings, ensure_embeddings, get_text_at_path, tokenize_path

from aragora_sql.errors import InvalidInputError, UnreadableValueError
from aragora_sql.stores import validation as valid

if sys.version_info >= (3, 12):
    from math import sumprod
else:
    from operator import mul

    def sumprod(one: Iterable[float], other: Iterable[float]) -> float:
        """Return the sum of the products of two sequences of numbers."""
        total: float = sum(map(mul, one, other))
        return total


__all__ = ["Vector", "VectorIndex", "best_score", "packed"]

OPTIONS = ("dims", "embed", "fields", "distance_type")
WHOLE_VALUE = "$"
# PostgreSQL's largest value of a column is 1 GB; embedding models have some thousand numbers.
MOST_DIMS = 100_000

Vector = Sequence[float]


class VectorIndex:
    """What is searched of items and how: ``dims`` numbers for each text, made by ``embed``.

    ``config`` is LangGraph's ``IndexConfig``.
    """

    def __init__(self, config: Any) -> None:
        if not isinstance(config, Mapping):
            raise InvalidInputError("index", f"must be a dictionary, not {type(config).__name__}")
        for name in config:
            valid.choice(name, "index", OPTIONS)
        if "dims" not in config:
            raise InvalidInputError("index.dims", "is missing: how many numbers a vector has")
        self.dims = valid.integer(config["dims"], "index.dims", 1, MOST_DIMS)
        valid.choice(config.get("distance_type", "cosine"), "index.distance_type", ("cosine",))
        embed = config.get("embed")
        if not isinstance(embed, str | Embeddings) and not callable(embed):
            raise InvalidInputError(
                "index.embed",
                "must be a function that makes vectors of texts, or LangChain's Embeddings, not "
                f"{type(embed).__name__}",
            )
        try:
            self.embeddings = ensure_embeddings(embed)
        except ValueError as error:
            raise InvalidInputError("index.embed", str(error)) from error
        self._fields = self._paths(config.get("fields") or [WHOLE_VALUE], "index.fields")

    def _paths(self, fields: Any, argument: str) -> list[str | list[str]]:
        return [
            field if field == WHOLE_VALUE else tokenize_path(field)
            for field in valid.names(valid.items(fields, argument), argument)
        ]

    def texts(self, value: Mapping[str, Any], fields: Any, argument: str) -> list[str]:
        """Return the texts of an item that are searched; ``fields`` of None are the store's."""
        if fields is False:
            return []
        paths = self._fields if fields is None else self._paths(fields, argument)
        return [text for path in paths for text in get_text_at_path(value, path)]

    async def embed(self, texts: Iterable[str]) -> dict[str, Vector]:
        """Return the vector of each text, of length 1; each text is given to the function once."""
        asked = list(dict.fromkeys(texts))
        if not asked:
            return {}
        made = valid.items(await self.embeddings.aembed_documents(asked), "index.embed")
        if len(made) != len(asked):
            raise InvalidInputError(
                "index.embed", f"gave {len(made)} vectors for {len(asked)} texts"
            )
        return {text: self._unit(made[i], asked[i]) for i, text in enumerate(asked)}

    async def embed_query(self, query: str) -> Vector:
        """Return the vector of what is searched for, of length 1."""
        return self._unit(await self.embeddings.aembed_query(query), query)

    def _unit(self, made: Any, text: str) -> Vector:
        what = f"the vector of {valid.shown(text)}"
        try:
            numbers = array("d", made)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidInputError("index.embed", f"{what} is no list of numbers") from error
        if len(numbers) != self.dims:
            raise InvalidInputError(
                "index.embed", f"{what} has {len(numbers)} numbers, and index.dims is {self.dims}"
            )
        length = math.hypot(*numbers)
        if not math.isfinite(length):
            raise InvalidInputError("index.embed", f"{what} has numbers that are not finite")
        return numbers if length == 0 else [number / length for number in numbers]


def packed(vectors: Sequence[Vector], dims: int) -> bytes | None:
    """Return vectors as they are stored; None when there are none."""
    if not vectors:
        return None
    return b"".join(struct.pack(f"<{dims}f", *vector) for vector in vectors)


def best_score(query: Vector, stored: bytes, dims: int, where: str) -> float:
    """Return the largest cosine of ``query`` and the vectors of an item, from -1 to 1.

    ``dims`` is how many numbers its vectors have, and ``where`` names the item. Raises
    :class:`UnreadableValueError` when they are not as many as the query's.
    """
    if dims != len(query):
        raise UnreadableValueError(
            f"{where} was stored with vectors of {dims} numbers, and index.dims is {len(query)}: "
            "store it again with this index, or search with that of then"
        )
    try:
        vectors = struct.iter_unpack(f"<{dims}f", stored)
    except struct.error as error:
        raise UnreadableValueError(f"the vectors of {where} are damaged: {error}") from error
    best = max(sumprod(query, vector) for vector in vectors)
    # Rounded to 4 bytes, a vector may be a little longer than 1.
    return max(-1.0, min(1.0, best))

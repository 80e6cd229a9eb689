"""Vectors of what stores keep, and searches that rank by them and by words.

A vector is a list of numbers of length 1, so that the cosine of two is the sum of their products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from aragora_sql.database.values import EncodedJSON, dump_json
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = [
    "FUSION_CANDIDATES",
    "Places",
    "checked_weight",
    "encoded_vector",
    "fused",
    "taken_similarity",
    "unit_vector",
    "unit_vector_of",
]

LONGEST_VECTOR = 20_000
FUSION_CONSTANT = 60
# How many of the nearest, and of those with the words, are ranked.
FUSION_CANDIDATES = 50
VECTOR_WEIGHT = 0.6


class Places(TypedDict):
    """Where a search has something among the nearest and among those with the words, from 1 on."""

    score: float
    vector_rank: int | None
    keyword_rank: int | None
    similarity: float | None


def unit_vector(value: object, argument: str) -> list[float]:
    """Check a vector, a list of finite numbers that are not all 0, and scale it to length 1."""
    numbers = [
        valid.number(number, f"{argument}[{i}]", least=-math.inf)
        for i, number in enumerate(valid.items(value, argument))
    ]
    return unit_vector_of(numbers, argument)


def unit_vector_of(numbers: Sequence[float], argument: str) -> list[float]:
    """Scale finite numbers to length 1."""
    if not 1 <= len(numbers) <= LONGEST_VECTOR:
        raise InvalidInputError(argument, f"must have 1 to {LONGEST_VECTOR:,} numbers")
    if math.isclose(math.hypot(*numbers), 1.0, rel_tol=1e-14):
        # as it was stored: it comes back to the last bit
        return list(numbers)
    largest = max(map(abs, numbers))
    if largest == 0:
        raise InvalidInputError(argument, "must not consist of zeros: it has no direction")
    # by the largest first, so that no square overflows or vanishes
    numbers = [number / largest for number in numbers]
    length = math.hypot(*numbers)
    return [number / length for number in numbers]


def encoded_vector(vector: list[float]) -> EncodedJSON:
    """Return a vector as it is stored."""
    return dump_json(vector, "vector")


def checked_weight(value: Any, argument: str = "vector_weight") -> float:
    """Check how much the vector counts, 0 to 1; None: 0.6."""
    return valid.fraction(VECTOR_WEIGHT if value is None else value, argument)


def taken_similarity(row: dict[str, Any]) -> float:
    """Take the cosine out of a row: sums of products are a little off."""
    similarity: float = row.pop("similarity")
    return max(-1.0, min(1.0, similarity))


def fused(
    similarities: Mapping[str, float], keywords: Iterable[str], weight: float
) -> list[tuple[str, Places]]:
    """Fuse what is near and what has the words, each best first, by the ranks; best first.

    The score is the sum of ``weight / (60 + rank)`` for the vector and ``(1 - weight) /
    (60 + rank)`` for the words; ties go by id.
    """
    by_vector = {key: rank for rank, key in enumerate(similarities, 1)}
    by_keyword = {key: rank for rank, key in enumerate(keywords, 1)}
    found: list[tuple[str, Places]] = [
        (
            key,
            {
                "score": _share(by_vector.get(key), weight)
                + _share(by_keyword.get(key), 1 - weight),
                "vector_rank": by_vector.get(key),
                "keyword_rank": by_keyword.get(key),
                "similarity": similarities.get(key),
            },
        )
        for key in by_vector | by_keyword
    ]
    return sorted(found, key=lambda one: (-one[1]["score"], one[0]))


def _share(rank: int | None, weight: float) -> float:
    return 0.0 if rank is None else weight / (FUSION_CONSTANT + rank)

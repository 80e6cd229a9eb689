"""The plan of a full-text search: which terms have to match, tried from strict to wide.

A search is a list of levels, which the query tries in turn until one gives enough rows. A level is
written so that each engine reads it after a change of characters (PostgreSQL takes it as a
``tsquery``, SQLite's FTS5 takes ``AND`` for ``&`` and ``OR`` for ``|``)::

    level      = [ "~" ] expression
    expression = term
               | "(" expression { "&" expression } ")"     every one has to match
               | "(" expression { "|" expression } ")"     one has to match
    term       = what search_terms() gives; it has none of the characters ~ & | ( )

Within one pair of parentheses there is one kind of operator, so no precedence is needed. ``~`` says
that the newest :data:`NEWEST_ROWS` rows are looked through, instead of all that the index has: an
index that gathers all matches before it gives the first (PostgreSQL's GIN) is slow for terms that
are in very many rows. An engine whose index gives matches one by one leaves the ``~`` out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "MOST_RANKED",
    "MOST_RANKED_IN_SMALL_STORE",
    "MOST_SEARCH_TERMS",
    "SAMPLE_SIZE",
    "all_terms",
    "any_term",
    "search_levels",
    "term_frequencies",
]

# The figures are from measurements on 100,000 and 1,000,000 topics.
GROUP_SIZE = 5
MOST_SEARCH_TERMS = 16
MOST_RANKED = 80
MOST_RANKED_IN_SMALL_STORE = 200
SAMPLE_SIZE = 5000
NEWEST_ROWS = 500
# Terms that together are in more than this fraction of rows never drive a search alone.
COMMON_FRACTION = 0.02
RARE_FRACTION = 1e-4
# Levels of a group: how many of its terms have to match. Four of five finds little that three do
# not, and costs a search of its own.
_LEVELS = {1: (1,), 2: (2, 1), 3: (3, 2, 1), 4: (4, 3, 2, 1), 5: (5, 3, 2, 1)}


def term_frequencies(sample: Sequence[str]) -> dict[str, float]:
    """Return the fraction of sampled texts that each common term is in.

    ``sample`` holds each text's terms joined by blanks. A sample smaller than
    :data:`SAMPLE_SIZE` is the whole store, in which no search is slow: nothing counts as common.
    """
    if len(sample) < SAMPLE_SIZE:
        return {}
    counted = Counter(term for terms in sample for term in terms.split())
    return {term: n / len(sample) for term, n in counted.items() if n >= 3}


def search_levels(terms: Iterable[str], frequencies: Mapping[str, float], wanted: int) -> list[str]:
    """Return the searches to try one after the other, from all words to any word.

    Terms are taken in groups of :data:`GROUP_SIZE`, rarest first; within a group fewer and fewer
    have to match. Where only common terms are left to drive a search, a level of the newest rows
    comes first. ``wanted`` is the number of rows asked for. See the module for the grammar.
    """
    ordered = sorted(
        dict.fromkeys(terms),
        key=lambda term: (frequencies.get(term, RARE_FRACTION), -len(term), term),
    )
    if len(ordered) > MOST_SEARCH_TERMS:
        # The two most common ones stay: with them a search always finds something.
        ordered = ordered[: MOST_SEARCH_TERMS - 2] + ordered[-2:]
    if not ordered:
        return []
    newest = _newest_rows_level(ordered, frequencies, wanted)
    levels: list[str] = []
    narrowed = False
    for start in range(0, len(ordered), GROUP_SIZE):
        group = ordered[start : start + GROUP_SIZE]
        drivers = _count_drivers(group, frequencies)
        for least in _LEVELS[len(group)]:
            too_common = drivers < len(group) - least + 1
            narrowed |= too_common
            if newest and (start or (too_common and least <= newest[0])):
                levels.append(newest[1])
                newest = None
            expression = _at_least(group, least, drivers)
            if expression:
                levels.append(expression)
    if newest:
        levels.append(newest[1])
    if narrowed:
        levels.append("(" + "|".join(ordered) + ")")
    return levels


def _count_drivers(group: Sequence[str], frequencies: Mapping[str, float]) -> int:
    """Return how many of the group's first terms are rare enough to start a search with."""
    total = 0.0
    for number, term in enumerate(group):
        total += frequencies.get(term, RARE_FRACTION)
        if total > COMMON_FRACTION:
            return number
    return len(group)


def _newest_rows_level(
    ordered: Sequence[str], frequencies: Mapping[str, float], wanted: int
) -> tuple[int, str] | None:
    """Return how many common terms newest rows should have, and the search for them.

    As many as still let three times the wanted rows be expected among the newest ones.
    """
    common = [term for term in ordered if term in frequencies][-8:]
    chances = [1.0]
    for term in common:
        fraction = frequencies[term]
        chances = [
            (chances[k] if k < len(chances) else 0.0) * (1 - fraction)
            + (chances[k - 1] * fraction if k else 0.0)
            for k in range(len(chances) + 1)
        ]
    enough = [
        least
        for least in range(1, len(chances))
        if NEWEST_ROWS * sum(chances[least:]) >= 3 * wanted
    ]
    if not enough:
        return None
    expression = _at_least(common, enough[-1], len(common))
    return (enough[-1], f"~{expression}") if expression else None


def _at_least(terms: Sequence[str], least: int, drivers: int) -> str | None:
    """Return an expression for "at least so many of the terms, one of the first drivers in it".

    Split into a rare and a common half, so that an index walks the rare half only. None when
    nothing could match.
    """
    count = len(terms)
    if drivers <= 0 or least > count:
        return None
    if least == 1:
        return "(" + "|".join(terms[:drivers]) + ")" if min(drivers, count) > 1 else terms[0]
    if least == count:
        return "(" + "&".join(terms) + ")"
    # With enough drivers every match holds one of them anyway.
    split, fewest = (drivers, 1) if drivers < count - least + 1 else ((count + 1) // 2, 0)
    rare, common = terms[:split], terms[split:]
    choices = []
    for from_rare in range(min(least, split), max(fewest, least - len(common)) - 1, -1):
        halves = ((rare, from_rare), (common, least - from_rare))
        parts = [_at_least(half, n, len(half)) for half, n in halves if n > 0]
        whole = [part for part in parts if part]
        choices.append("(" + "&".join(whole) + ")" if len(whole) > 1 else whole[0])
    return "(" + "|".join(choices) + ")" if len(choices) > 1 else choices[0]


def all_terms(terms: Sequence[str]) -> str:
    """Return the search for texts that have every one of some terms."""
    return "(" + "&".join(terms) + ")" if len(terms) > 1 else terms[0]


def any_term(terms: Sequence[str]) -> str:
    """Return the search for texts that have at least one of some terms."""
    return "(" + "|".join(terms) + ")" if len(terms) > 1 else terms[0]

"""Topics: their hash, their search terms, how similar they are, and the plan of a search."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aragora_sql.stores.consensus.topics import topic_hash, topic_similarity
from aragora_sql.stores.search import (
    MOST_SEARCH_TERMS,
    SAMPLE_SIZE,
    search_levels,
    term_frequencies,
)
from aragora_sql.stores.terms import LONGEST_TERM, MOST_TERMS, search_terms

WORDS = ("alpha", "beta", "gamma", "delta", "eps", "zeta", "eta", "theta")


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("Rate limiting approach", "27c18c4635ab2b10"),
        ("approach  rate LIMITING", "27c18c4635ab2b10"),
        ("rate rate\tlimiting\napproach limiting", "27c18c4635ab2b10"),
        ("Rate limiting approach?", "b7b1fcc2e377a148"),
        ("", "e3b0c44298fc1c14"),
    ],
)
def test_the_hash_is_of_the_set_of_words(topic: str, expected: str) -> None:
    assert topic_hash(topic) == expected


@pytest.mark.parametrize(
    ("topic", "other", "expected"),
    [
        ("API rate limiting", "Rate limiting approach", 0.5),
        ("Rate limiting approach", "approach  rate LIMITING", 1.0),
        ("Rate limiting", "Database choice", 0.0),
        ("", "", 0.0),
        ("", "Rate limiting", 0.0),
    ],
)
def test_similarity_is_the_fraction_of_words_in_both(
    topic: str, other: str, expected: float
) -> None:
    assert topic_similarity(topic, other) == expected
    assert topic_similarity(other, topic) == expected


@pytest.mark.parametrize(
    ("topic", "terms"),
    [
        ("Rate limiting, rate LIMITING!", ["rate", "limiting"]),
        ("Café", ["cafe"]),
        ("Cafe\N{COMBINING ACUTE ACCENT}", ["cafe"]),
        ("CAFÉ cafe", ["cafe"]),
        ("Straße STRASSE", ["strasse"]),
        ("Ёлка Ελλάδα", ["елка", "ελλαδα"]),
        ("\N{LATIN SMALL LIGATURE FI}nal \N{CIRCLED DIGIT ONE}", ["final", "1"]),
        ("\N{MATHEMATICAL BOLD CAPITAL A}\N{MATHEMATICAL BOLD SMALL B}", ["ab"]),
        ("snake_case 50% 'quoted' a-b c/d", ["snake", "case", "50", "quoted", "a", "b", "c", "d"]),
        ("rate AND (limit) NOT NEAR/3 y*", ["rate", "and", "limit", "not", "near", "3", "y"]),
        ("限流 方案", ["限流", "方案"]),
        ("", []),
        (" \t\n ", []),
        ("?!… — 🚀", []),
    ],
)
def test_terms_are_words_without_case_accents_and_punctuation(topic: str, terms: list[str]) -> None:
    assert search_terms(topic) == terms


def test_marks_that_belong_to_letters_stay() -> None:
    assert search_terms("हिन्दी") == [unicodedata.normalize("NFKD", "हिन्दी")]


@pytest.mark.parametrize("topic", ["⚠️ risk", "❤️‍🔥 risk", "1️⃣ risk"])
def test_what_dresses_up_an_emoji_is_no_term(topic: str) -> None:
    assert search_terms(topic)[-1] == "risk"
    assert set(search_terms(topic)) <= {"1", "risk"}


def test_a_long_term_is_cut() -> None:
    assert search_terms("x" * 1000) == ["x" * LONGEST_TERM]


def test_a_topic_has_a_thousand_terms_at_most() -> None:
    assert search_terms(" ".join(f"w{i}" for i in range(2 * MOST_TERMS))) == [
        f"w{i}" for i in range(MOST_TERMS)
    ]


@given(st.text())
def test_terms_hold_nothing_that_a_search_engine_reads_as_syntax(topic: str) -> None:
    for term in search_terms(topic):
        assert 0 < len(term) <= LONGEST_TERM
        assert all(unicodedata.category(character)[0] in "LNM" for character in term)
        assert not re.search("[A-Z]", term)


@given(st.text())
def test_terms_of_terms_are_the_same_terms(topic: str) -> None:
    terms = search_terms(topic)
    assert search_terms(" ".join(terms)) == terms


@given(st.text())
def test_case_and_unicode_form_make_no_difference(topic: str) -> None:
    expected = set(search_terms(topic))
    assert set(search_terms(topic.casefold())) == expected
    assert set(search_terms(unicodedata.normalize("NFC", topic))) == expected
    assert set(search_terms(unicodedata.normalize("NFD", topic))) == expected


def test_no_word_counts_as_common_while_a_sample_is_the_whole_store() -> None:
    assert term_frequencies(["rate limiting"] * (SAMPLE_SIZE - 1)) == {}


def test_common_words_are_known_with_their_frequency() -> None:
    sample = ["the limit"] * (SAMPLE_SIZE // 2) + ["the"] * (SAMPLE_SIZE // 2)
    sample[0] = sample[1] = "the limit rare"
    assert term_frequencies(sample) == {"the": 1.0, "limit": 0.5}


# The plan of a search


def matches(level: str, present: set[str]) -> bool:
    """Tell whether a topic with these terms matches an expression of terms, & and |."""
    tokens = re.findall(r"[&|()]|[^&|()]+", level.removeprefix("~"))

    def any_of() -> bool:
        value = all_of()
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            value = all_of() or value
        return value

    def all_of() -> bool:
        value = operand()
        while tokens and tokens[0] == "&":
            tokens.pop(0)
            value = operand() and value
        return value

    def operand() -> bool:
        first = tokens.pop(0)
        if first != "(":
            assert first not in "&|)", level
            return first in present
        value = any_of()
        assert tokens.pop(0) == ")", level
        return value

    result = any_of()
    assert not tokens, level
    return result


def terms_of(level: str) -> set[str]:
    return set(re.findall(r"[^&|()~]+", level))


def subsets(terms: set[str]) -> Iterator[set[str]]:
    for size in range(len(terms) + 1):
        yield from map(set, combinations(sorted(terms), size))


def least_number(level: str) -> int:
    """Check that a level asks for a number of its terms, whichever they are, and return it."""
    terms = terms_of(level)
    least = min(len(present) for present in subsets(terms) if matches(level, present))
    for present in subsets(terms):
        assert matches(level, present) == (len(present) >= least), (level, present)
    return least


@pytest.mark.parametrize("count", range(1, 6))
def test_a_search_asks_for_all_words_then_for_fewer_then_for_any(count: int) -> None:
    levels = search_levels(WORDS[:count], {}, 5)
    numbers = [least_number(level) for level in levels]
    assert all(terms_of(level) == set(WORDS[:count]) for level in levels)
    assert numbers[0] == count
    assert numbers[-1] == 1
    assert numbers == sorted(set(numbers), reverse=True)


def test_many_words_are_searched_in_groups() -> None:
    terms = [*WORDS, "iota", "kappa", "lambda"]
    levels = search_levels(terms, {}, 5)
    groups = list(dict.fromkeys(frozenset(terms_of(level)) for level in levels))
    assert [len(group) for group in groups] == [5, 5, 1]
    assert set().union(*groups) == set(terms)
    for group in groups:
        numbers = [least_number(level) for level in levels if terms_of(level) == group]
        assert numbers[0] == len(group)
        assert numbers[-1] == 1


def test_no_words_no_search() -> None:
    assert search_levels([], {}, 5) == []


def test_a_word_given_twice_counts_once() -> None:
    assert search_levels(["rate", "rate"], {}, 5) == ["rate"]


def test_rare_words_come_first() -> None:
    frequencies = {"the": 0.9, "limit": 0.01}
    levels = search_levels(["the", "limit", "tenant"], frequencies, 5)
    assert levels[0] == "(tenant&limit&the)"


def test_a_very_long_topic_is_searched_by_its_rarest_and_most_common_words() -> None:
    frequencies = {f"c{i}": 0.1 + i / 100 for i in range(40)}
    terms = [*frequencies, *(f"rare{i}" for i in range(MOST_SEARCH_TERMS))]
    used = set().union(*map(terms_of, search_levels(terms, frequencies, 5)))
    assert len(used) == MOST_SEARCH_TERMS
    assert {"c38", "c39"} <= used
    assert len([term for term in used if term.startswith("rare")]) == MOST_SEARCH_TERMS - 2


def test_common_words_alone_never_start_a_search_but_the_last_one() -> None:
    frequencies = {"the": 0.9, "of": 0.8, "limit": 0.5}
    levels = search_levels(["the", "of", "limit", "tenant"], frequencies, 5)
    indexed = [level for level in levels if not level.startswith("~")]
    for level in indexed[:-1]:
        assert not matches(level, {"the", "of", "limit"}), level
    assert terms_of(indexed[-1]) == {"the", "of", "limit", "tenant"}
    assert least_number(indexed[-1]) == 1


def test_only_common_words_are_looked_for_among_the_newest_rows_first() -> None:
    levels = search_levels(["the", "of", "limit"], {"the": 0.9, "of": 0.8, "limit": 0.5}, 5)
    assert levels[0].startswith("~")
    assert not any(level.startswith("~") for level in levels[1:])
    assert least_number(levels[-1]) == 1


frequency_tables = st.dictionaries(st.sampled_from(WORDS), st.floats(min_value=1e-4, max_value=1.0))


@given(st.lists(st.sampled_from(WORDS)), frequency_tables, st.integers(min_value=1, max_value=1000))
def test_whatever_words_are_common_a_topic_with_any_of_them_is_found_in_the_end(
    terms: list[str], frequencies: dict[str, float], wanted: int
) -> None:
    levels = search_levels(terms, frequencies, wanted)
    indexed = [level for level in levels if not level.startswith("~")]
    for term in terms:
        assert any(matches(level, {term}) for level in indexed)
    assert len(levels) - len(indexed) <= 1
    for level in levels:
        assert terms_of(level) <= set(terms)
        assert not matches(level, set())


@given(st.lists(st.sampled_from(WORDS), min_size=1), frequency_tables)
def test_a_topic_with_all_the_words_matches_every_level(
    terms: list[str], frequencies: dict[str, float]
) -> None:
    for level in search_levels(terms, frequencies, 5):
        assert matches(level, set(terms))

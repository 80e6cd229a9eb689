"""Debates that are made up the same way in every run.

Topics are six to eight words of a vocabulary of 20,000 in which few words are common and most are
rare, as in a language.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from aragora_sql.stores.consensus.topics import topic_hash

__all__ = ["QUERY_SETS", "TOPIC_SET", "Corpus", "TopicRow", "new_debate"]

VOCABULARY_SIZE = 20_000
# The n-th most common word is used n ** -EXPONENT times as often as the most common one.
EXPONENT = 0.9
CONCLUSION_LENGTH = 1200
SUPERSEDING_FRACTION = 0.03

TOPIC_SET = "of a topic"
ABSENT_WORD_SET = "absent"
COMMON_WORD_SET = "one common"
QUERY_SETS = (TOPIC_SET, ABSENT_WORD_SET, COMMON_WORD_SET)

_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"
# Letters that no word of the vocabulary begins with.
_ABSENT = "qx"
_START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A consensus record as far as a search looks at it; the fields are columns."""

    id: str
    topic: str
    topic_hash: str
    topic_terms: str
    conclusion: str
    confidence: float
    domain: str
    supersedes: str | None
    created_at: datetime


class Corpus:
    """``size`` consensus records, each of which is made from its number."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._words = _vocabulary()
        self._weights = list(accumulate((n + 1) ** -EXPONENT for n in range(VOCABULARY_SIZE)))
        chooser = random.Random(1)
        self._filler = " ".join(chooser.choices(self._words, k=VOCABULARY_SIZE))

    def rows(self) -> Iterator[TopicRow]:
        """Yield all records, oldest first."""
        for number in range(self.size):
            chooser = random.Random(number)
            words = self._choose_topic(chooser)
            topic = " ".join(words).capitalize()
            offset = chooser.randrange(len(self._filler) - CONCLUSION_LENGTH)
            supersedes = number and chooser.random() < SUPERSEDING_FRACTION
            yield TopicRow(
                id=_row_id(number),
                topic=topic,
                topic_hash=topic_hash(topic),
                topic_terms=" ".join(dict.fromkeys(words)),
                conclusion=self._filler[offset : offset + CONCLUSION_LENGTH],
                confidence=round(chooser.random(), 4),
                domain=f"domain-{chooser.randrange(8)}",
                supersedes=_row_id(number - 1) if supersedes else None,
                created_at=_START + timedelta(seconds=37 * number),
            )

    def queries(self, kind: str, count: int, seed: int = 5) -> list[list[str]]:
        """Return queries of four to eight words, as lists of words, of one of the query sets."""
        chooser = random.Random(seed)
        return [self._query(kind, chooser) for _ in range(count)]

    def _query(self, kind: str, chooser: random.Random) -> list[str]:
        length = chooser.randint(4, 8)
        if kind == TOPIC_SET:
            topic = self._choose_topic(random.Random(chooser.randrange(self.size)))
            words = list(dict.fromkeys(topic))
            return chooser.sample(words, min(length, len(words)))
        absent = [_absent_word(chooser) for _ in range(length)]
        if kind == COMMON_WORD_SET:
            absent[0] = chooser.choice(self._words[:8])
        return absent

    def _choose_topic(self, chooser: random.Random) -> list[str]:
        return chooser.choices(self._words, cum_weights=self._weights, k=chooser.randint(6, 8))


def _vocabulary() -> list[str]:
    """Return distinct words, the most common first; common words are short."""
    chooser = random.Random(7)
    words: dict[str, None] = {}
    while len(words) < VOCABULARY_SIZE:
        rank = len(words)
        shortest = 3 if rank < 30 else 4 if rank < 300 else 6 if rank < 3000 else 8
        words[_word(chooser, shortest + chooser.randint(0, 3))] = None
    return list(words)


def _word(chooser: random.Random, length: int) -> str:
    return "".join(chooser.choice(_VOWELS if n % 2 else _CONSONANTS) for n in range(length))


def _absent_word(chooser: random.Random) -> str:
    return chooser.choice(_ABSENT) + _word(chooser, chooser.randint(4, 9))


def _row_id(number: int) -> str:
    return str(uuid.UUID(int=number))


def new_debate(chooser: random.Random) -> dict[str, Any]:
    """Return the arguments of ``store_consensus`` for a debate with 1 KB of documents."""
    number = chooser.randrange(1_000_000)
    agents = ["claude", "gpt-4", "gemini", "mistral"]
    return {
        "topic": f"Rate limiting approach for tenant {number} of region {number % 17}",
        "conclusion": "Use a token bucket for each tenant, and shed load at the edge. " * 4,
        "strength": "strong",
        "confidence": round(chooser.random(), 4),
        "participating_agents": agents,
        "agreeing_agents": agents[:3],
        "dissenting_agents": agents[3:],
        "key_claims": [f"Claim {n}: bursts of {number + n} calls stay in bounds" for n in range(4)],
        "supporting_evidence": [f"Load test {number + n}" for n in range(3)],
        "tags": ["architecture", "limits"],
        "domain": f"domain-{number % 8}",
        "rounds": 3,
        "debate_duration": 41.5,
        "metadata": {"tenant": number, "models": agents, "cost": {"tokens": 5123, "usd": 0.0721}},
        "data": {
            "votes": [{"agent": agent, "weight": 1.25, "choice": "accept"} for agent in agents],
            "summary": "The agents weighed fairness against latency. " * 6,
        },
    }

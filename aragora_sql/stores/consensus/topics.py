"""How topics are compared: the key of a topic's words, and how similar two topics are."""

from __future__ import annotations

import hashlib

__all__ = ["topic_hash", "topic_similarity"]


def topic_hash(topic: str) -> str:
    """Return the key of a topic's set of words: 16 hexadecimal digits.

    Lower case, split at white space, distinct words sorted and joined by a blank, SHA-256. Order,
    case, spacing and repeats do not matter; punctuation does.
    """
    words = " ".join(sorted(set(topic.lower().split())))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def topic_similarity(topic: str, other: str) -> float:
    """Return the Jaccard similarity of two topics' words, 0 to 1; 1 when their hashes match.

    Words are lower-case and split at white space. Two empty topics give 0.
    """
    words, others = set(topic.lower().split()), set(other.lower().split())
    if not words or not others:
        return 0.0
    return len(words & others) / len(words | others)

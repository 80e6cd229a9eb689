"""Any text may be stored as a topic and searched for: it is plain text and never an error."""

from __future__ import annotations

import unicodedata

import pytest

from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import compared, consensus, scores

OPERATORS = [
    '"',
    "'",
    "''",
    '"rate',
    'rate"',
    '"rate limiting"',
    "rate AND limiting",
    "rate OR limiting",
    "rate NOT limiting",
    "AND",
    "NOT rate",
    "NEAR(rate limiting, 5)",
    "rate NEAR/2 limiting",
    "rate*",
    "^rate",
    "*",
    "terms:rate",
    "rate : limiting",
    "rate:*A",
    "{terms} : rate",
    "-terms : rate",
    "rate + limiting",
    "%rate%",
    "rate_limiting",
    "_",
    "%",
    "\\",
    "rate\\limiting",
    "\\'",
    "rate & limiting",
    "rate | limiting",
    "!rate",
    "(rate",
    "rate)",
    "((rate) & (",
    "~rate",
    "~",
    "<-> rate <2> limiting",
    "rate; DROP TABLE consensus; --",
    "/* rate */",
    "$1 :topic ?1 @x #y",
    "$$rate$$",
    "{}[]",
    "rate\ttab\nline\rreturn\x0bvertical",
    "\x01\x1a\x7f",
]

UNICODE = [
    "限流 方案 接口",
    "速率限制",
    "レート制限の方針",
    "ขีดจำกัดอัตรา",
    "تحديد المعدل",
    "הגבלת קצב",
    "अनुरोध सीमा",
    "🚀 rate limiting 🚀",
    "👩‍👩‍👧‍👦 family",
    "Ωμέγα ΩΜΈΓΑ",
    "İstanbul ISTANBUL \N{LATIN SMALL LETTER DOTLESS I}stanbul",
    "ﬁnal ﬀ ① Å",
    "non\N{NO-BREAK SPACE}breaking\N{IDEOGRAPHIC SPACE}spaces",
    "zero\N{ZERO WIDTH SPACE}width \N{ZERO WIDTH JOINER}",
    "\N{RIGHT-TO-LEFT OVERRIDE}etar",
    "\U00010400 \U0001d54f \U000e0041",
    "e\N{COMBINING ACUTE ACCENT}" * 50,
]


@pytest.mark.parametrize("text", [*OPERATORS, *UNICODE])
async def test_any_topic_is_stored_and_found_by_its_own_text(
    memory: ConsensusMemory, text: str
) -> None:
    await memory.store_consensus(**consensus("Something else", confidence=1.0))
    record = await memory.store_consensus(**consensus(text))
    first, *others = await memory.find_similar(text)
    assert (first.id, first.topic, first.similarity) == (record.id, text, 1.0)
    assert others == []
    assert await memory.get_by_topic_hash(record.topic_hash) == record
    assert (await memory.find_similar_debates(text))[0].consensus.id == record.id


async def test_operators_are_words_or_nothing(memory: ConsensusMemory) -> None:
    stored = await memory.store_many(
        consensus(topic)
        for topic in ("rate", "limiting", "and or not near", "Terms", "DROP TABLE", "other", "b")
    )
    for text in OPERATORS:
        assert scores(await memory.find_similar(text, limit=10)) == compared(text, stored), text


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\N{NO-BREAK SPACE}", "?!", "…—", "🚀", "%"])
async def test_a_text_without_words_finds_nothing(memory: ConsensusMemory, text: str) -> None:
    await memory.store_many(consensus(topic) for topic in ("Rate limiting", "!?!", "🔥"))
    assert await memory.find_similar(text) == []
    assert await memory.find_similar_debates(text) == []
    assert await memory.find_relevant_dissent(text) == []


async def test_words_that_say_little_are_words_too(memory: ConsensusMemory) -> None:
    await memory.store_many(consensus(topic) for topic in ("To be or not to be", "The what"))
    (first,) = await memory.find_similar("to be or not to be")
    assert first.similarity == 1.0
    (first,) = await memory.find_similar("the and of")
    assert first.topic == "The what"


@pytest.mark.parametrize("asked", ["Café", "CAFE", "Cafe\N{COMBINING ACUTE ACCENT}", "cafè"])
@pytest.mark.parametrize("stored", ["café", "Cafe", "CAFE\N{COMBINING GRAVE ACCENT}"])
async def test_accents_and_case_make_no_difference(
    memory: ConsensusMemory, asked: str, stored: str
) -> None:
    await memory.store_consensus(**consensus(f"{stored} opening hours"))
    (first,) = await memory.find_similar(f"{asked} opening times")
    assert first.similarity == 0.5


async def test_the_unicode_form_of_a_topic_is_kept(memory: ConsensusMemory) -> None:
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, "Café à la carte")
        record = await memory.store_consensus(**consensus(text))
        read = await memory.get_consensus(record.id)
        assert read is not None
        assert read.topic == text


async def test_a_word_of_another_script_is_found_among_others(memory: ConsensusMemory) -> None:
    topics = ("限流 方案", "缓存 方案", "تحديد المعدل")
    await memory.store_many(consensus(topic) for topic in topics)
    assert [r.topic for r in await memory.find_similar("限流")] == ["限流 方案"]
    assert [r.topic for r in await memory.find_similar("المعدل")] == ["تحديد المعدل"]
    assert len(await memory.find_similar("方案")) == 2


async def test_a_part_of_a_word_is_not_the_word(memory: ConsensusMemory) -> None:
    await memory.store_many(consensus(topic) for topic in ("rate", "rates", "separate", "rat"))
    assert [record.topic for record in await memory.find_similar("rate")] == ["rate"]


async def test_a_very_long_topic_is_stored_and_found(memory: ConsensusMemory) -> None:
    text = ("Which rate limiting approach fits our public API? " * 2100)[:100_000]
    record = await memory.store_consensus(**consensus(text))
    (found,) = await memory.find_similar(text)
    assert (found.id, found.topic) == (record.id, text)
    assert await memory.find_similar("rate limiting approach public api") != []


async def test_one_enormous_word_is_stored_and_found(memory: ConsensusMemory) -> None:
    await memory.store_consensus(**consensus("x" * 100_000))
    (found,) = await memory.find_similar("x" * 100_000)
    assert found.similarity == 1.0
    assert await memory.find_similar("x" * 63) == []


async def test_a_topic_of_many_different_words_is_stored_and_found(memory: ConsensusMemory) -> None:
    words = [f"word{number}" for number in range(500)]
    await memory.store_consensus(**consensus(" ".join(words)))
    await memory.store_consensus(**consensus(" ".join(words[:100])))
    whole, part = await memory.find_similar(" ".join(reversed(words)))
    assert (whole.similarity, part.similarity) == (1.0, 0.2)


async def test_more_different_words_than_are_indexed_are_no_error(memory: ConsensusMemory) -> None:
    text = " ".join(f"w{number}" for number in range(5000))
    await memory.store_consensus(**consensus(text))
    (found,) = await memory.find_similar(text)
    assert found.similarity == 1.0
    (found,) = await memory.find_similar(f"{text} and one more")
    assert found.similarity == 1.0

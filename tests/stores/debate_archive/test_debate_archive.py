"""The archive of debates on each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aragora_sql.errors import DuplicateKeyError
from aragora_sql.stores.critique import CritiqueStore
from aragora_sql.stores.debate_archive import DebateArchive
from aragora_sql.stores.debate_archive.slugs import first_slug
from tests.conftest import OpenDatabase
from tests.stores.locking import is_locked, started
from tests.stores.samples import critique, day, fetch_value, run

ARTIFACT: dict[str, Any] = {
    "artifact_id": "0123456789ab",
    "debate_id": "d-1",
    "task": "How should we design a Rate-Limiter for the API?",
    "agents": ["claude", "gpt4"],
    "consensus_proof": {"reached": True, "confidence": 0.30000000000000004},
    "messages": [{"role": "proposer", "content": "\N{BRAIN}", "n": 10**20, "round": 1.0}],
}


class Artifact:
    def to_dict(self) -> dict[str, Any]:
        return ARTIFACT


async def at(archive: DebateArchive, debate_id: str, number: float) -> None:
    """Let a debate be stored at another time."""
    time = day(number).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    await run(
        archive.database,
        f"UPDATE debate_archive SET created_at = '{time}' WHERE id = '{debate_id}'",
    )


def test_slugs() -> None:
    today = date(2026, 2, 3)
    for task, words in {
        "How should we design a Rate-Limiter for the API?": "should-we-ratelimiter-api",
        "Build the of And": "debate",
        "!!!": "debate",
        "Über größe DATA_base データ fifth": "über-größe-data_base-データ",
        "x" * 3000: "x" * 200,
    }.items():
        assert first_slug(task, today) == f"{words}-2026-02-03"


async def test_save_then_get_by_id_and_get_by_slug(archive: DebateArchive) -> None:
    slug = await archive.save(Artifact(), "acme")
    assert slug == first_slug(ARTIFACT["task"], datetime.now(UTC))
    found = await archive.get_by_id("d-1")
    assert found is not None
    assert (found.slug, found.task, found.agents) == (slug, ARTIFACT["task"], ARTIFACT["agents"])
    assert found.artifact_json == ARTIFACT
    assert (found.consensus_reached, found.confidence) == (True, 0.30000000000000004)
    assert (found.org_id, found.is_public, found.view_count) == ("acme", False, 0)
    assert (found.audio_path, found.critique_debate_id) == (None, None)
    assert abs((datetime.now(UTC) - found.created_at).total_seconds()) < 60
    # Only reading by the slug counts.
    for views in (1, 2):
        viewed = await archive.get_by_slug(slug)
        assert viewed is not None
        assert viewed.view_count == views
    assert await archive.get_debate_by_slug(slug, "other") is None
    for nothing in ("", "x", "x" * 501, slug.upper()):
        assert await archive.get_by_slug(nothing) is None
    assert await archive.get_debate("d-1", "other") is None
    same = await archive.get("d-1", "acme")
    assert same is not None
    assert same.view_count == 2


async def test_get_and_get_debate_and_get_debate_by_slug_and_list_debates_are_other_names(
    archive: DebateArchive,
) -> None:
    slug = await archive.save_dict({"id": "d", "task": "Queues"})
    assert await archive.get("d") == await archive.get_debate("d") == await archive.get_by_id("d")
    assert await archive.get_debate_by_slug(slug) is not None
    assert await archive.list_debates() == await archive.list_recent()


async def test_store_and_save_dict_and_generate_slug_give_each_slug_once(
    archive: DebateArchive,
) -> None:
    task = {"task": "Queues"}
    first = await archive.save_dict(task)
    # Without an id the slug is one.
    assert (await archive.get_by_id(first)) is not None
    assert await archive.generate_slug("queues!") == f"{first}-2"
    stored = await archive.store(task)
    assert stored == f"{first}-2"
    assert await archive.save_dict({"id": "d", **task, "confidence": 1}) == f"{first}-3"
    with pytest.raises(DuplicateKeyError, match="'d'"):
        await archive.save_dict({"id": "d", "task": "Another"})
    with pytest.raises(DuplicateKeyError, match="'d'"):
        await archive.save_dict({"id": "d", **task})
    # What is deleted below the highest number leaves its number free.
    assert await archive.delete(f"{first}-2")
    assert await archive.save_dict({"id": "e", **task}) == f"{first}-4"
    # Another debate's id is no slug of a debate without id, whose id that would be.
    await archive.save_dict({"id": f"{first}-5", "task": "Other"})
    assert await archive.generate_slug("queues") == await archive.save_dict(task) == f"{first}-6"
    assert await archive.save_dict({"id": "f", **task}) == f"{first}-7"
    other = first_slug("Caches", datetime.now(UTC))
    await archive.save_dict({"id": other, "task": "Other"})
    assert await archive.store({"task": "Caches"}) == f"{other}-2"
    assert await archive.save_dict({"id": "g", "task": "Caches"}) == other


async def test_store_at_once_gives_different_slugs(archive: DebateArchive) -> None:
    stored = await asyncio.gather(
        *(archive.save_dict({"id": f"d{n}" if n % 2 else None, "task": "Race"}) for n in range(12))
    )
    first = min(stored)
    assert sorted(stored) == sorted([first, *(f"{first}-{n}" for n in range(2, 13))])
    async with archive.database.transaction():
        assert await archive.save_dict({"id": "in", "task": "Race"}) == f"{first}-13"
    assert await archive.get_by_id("in") is not None


async def test_get_debates_batch_and_audio_and_visibility_of_one_organization(
    archive: DebateArchive,
) -> None:
    slug = await archive.save_dict({"id": "d", "task": "Queues"}, "acme")
    assert await archive.set_public("d", True)
    assert not await archive.update_audio("d", "x.mp3", org_id="other")
    assert await archive.update_audio("d", "a.mp3", org_id="acme")
    assert await archive.get_debates_batch(["d"], "other") == {"d": None}
    assert await archive.get_debates_batch(["d"], "acme") == {"d": await archive.get("d")}
    assert await archive.get_audio_info("d", "other") is None
    audio = await archive.get_audio_info("d", "acme")
    assert audio is not None
    assert audio["audio_path"] == "a.mp3"
    assert not await archive.is_public("d", "other")
    assert await archive.is_public("d", "acme")
    for key in ("d", slug):
        assert not await archive.delete_debate(key, "other")
    # To an organization, another one's id is none, and its own slug is found.
    await archive.save_dict({"id": slug, "task": "Other"}, "other")
    assert await archive.delete_debate(slug, "acme")
    assert await archive.get(slug, "other") is not None
    assert await archive.get("d") is None


async def test_list_recent_in_pages_and_get_debates_batch(archive: DebateArchive) -> None:
    for number in range(7):
        await archive.store(
            {"id": f"d{number}", "task": f"Task {number}"}, "acme" if number else None
        )
        await at(archive, f"d{number}", number // 2)
    wanted = ["d6", "d5", "d4", "d3", "d2", "d1", "d0"]
    found = []
    page = await archive.list_recent(2)
    while page:
        found += [one.id for one in page]
        page = await archive.list_recent(2, after=page[-1])
    assert found == wanted
    of_acme = await archive.list_recent(org_id="acme", limit=3)
    assert [one.id for one in of_acme] == wanted[:3]
    after = {"created_at": of_acme[-1].created_at.isoformat(), "id": of_acme[-1].id}
    rest = await archive.list_recent(org_id="acme", after=after)
    assert [one.id for one in rest] == wanted[3:-1]
    batch = await archive.get_debates_batch(["d1", "x", "d1", "d3"])
    assert list(batch) == ["d1", "x", "d3"]
    assert {key: one and one.task for key, one in batch.items()} == {
        "d1": "Task 1",
        "x": None,
        "d3": "Task 3",
    }
    assert await archive.get_debates_batch([]) == {}


async def test_search_finds_all_words_newest_first(archive: DebateArchive) -> None:
    for number, task in enumerate(
        ("Token bucket for Zoë", "A leaky bucket", "100% of buckets", "bucket TOKEN, again")
    ):
        await archive.store({"id": f"d{number}", "task": task}, "acme" if number < 2 else None)
        await at(archive, f"d{number}", number)

    async def ids(query: str, limit: int = 20, **options: object) -> tuple[list[str], int]:
        found, total = await archive.search(query, limit, **options)  # type: ignore[arg-type]
        return [one.id for one in found], total

    assert await ids("bucket") == (["d3", "d1", "d0"], 3)
    assert await ids("Bucket token!") == (["d3", "d0"], 2)
    assert await ids("zoe") == (["d0"], 1)
    assert await ids("bucket", org_id="acme") == (["d1", "d0"], 2)
    assert await ids(" ") == (["d3", "d2", "d1", "d0"], 4)
    assert await ids("", org_id="acme") == (["d1", "d0"], 2)
    for nothing in ("%", "buck", "x AND y", 'NEAR("token")', "bucket-less*"):
        assert await ids(nothing) == ([], 0)
    (first, *_), total = await archive.search("bucket", 1)
    assert await ids("bucket", 1, after=first) == (["d1"], total)


async def test_update_audio_and_get_audio_info(archive: DebateArchive) -> None:
    await archive.store({"id": "d", "task": "t"})
    assert await archive.get_audio_info("d") is None
    assert not await archive.update_audio("x", "a.mp3")
    assert await archive.update_audio("d", "a.mp3", 61)
    info = await archive.get_audio_info("d")
    assert info is not None
    made = info["audio_generated_at"]
    assert made is not None
    assert abs((datetime.now(UTC) - made).total_seconds()) < 60
    assert info == {
        "audio_path": "a.mp3",
        "audio_generated_at": made,
        "audio_duration_seconds": 61,
    }
    assert await archive.get_audio_info("x") is None


async def test_set_public_then_is_public(archive: DebateArchive) -> None:
    await archive.store({"id": "d", "task": "t"}, "acme")
    assert not await archive.is_public("d")
    assert not await archive.set_public("d", True, "other")
    assert not await archive.is_public("d")
    assert await archive.set_public("d", True, "acme")
    assert await archive.is_public("d")
    assert await archive.set_public("d", False)
    assert not await archive.is_public("d")
    assert not await archive.is_public("x")
    assert not await archive.set_public("x", True)


async def test_delete_and_delete_debate(archive: DebateArchive) -> None:
    first = await archive.save_dict({"task": "one"}, "acme")
    # The id of one is the slug of another: the id counts.
    second = await archive.save_dict({"id": "d", "task": "two"})
    await archive.save_dict({"id": second, "task": "three"})
    assert not await archive.delete(first, "other")
    assert await archive.delete(first, "acme")
    assert not await archive.delete(first)
    assert await archive.delete_debate(second)
    assert await archive.get_by_id("d") is not None
    assert await archive.delete_debate(second)
    assert await archive.get_by_id("d") is None
    assert not await archive.delete_debate(second)
    assert await archive.search("one two three") == ([], 0)


async def test_link_debates_and_delete_debate_with_critiques(archive: DebateArchive) -> None:
    critiques = CritiqueStore(archive.database)
    await critiques.store_debate("known", "t", critiques=[critique()])
    for debate_id in ("known", "later", "never"):
        await archive.store({"id": debate_id, "task": "t"})

    async def links() -> dict[str, str | None]:
        found = await archive.get_debates_batch(["known", "later", "never"])
        return {key: one.critique_debate_id for key, one in found.items() if one}

    assert await links() == {"known": "known", "later": None, "never": None}
    await critiques.store_debate("later", "t")
    assert await archive.link_debates() == 1
    assert await archive.link_debates() == 0
    assert await links() == {"known": "known", "later": "later", "never": None}
    # A debate of the critique store goes without the one here, and the other way round.
    await run(archive.database, "DELETE FROM debates WHERE id = 'later'")
    assert await links() == {"known": "known", "later": None, "never": None}
    assert await archive.delete_debate("later", cascade_critiques=True)
    assert await archive.delete_debate("known")
    assert await critiques.get_debate("known") is not None
    await archive.store({"id": "known", "task": "t"})
    assert await archive.delete_debate("known", cascade_critiques=True)
    assert await critiques.get_debate("known") is None
    assert await fetch_value(archive.database, "SELECT count(*) FROM critiques") == 0


async def test_delete_debate_takes_what_critiques_have_first(
    archive: DebateArchive, open_database: OpenDatabase
) -> None:
    """As the critique store does, whose deletions unlink the debates here."""
    critiques = CritiqueStore(archive.database)
    await critiques.store_debate("d", "t")
    await archive.store({"id": "d", "task": "t"})
    other = await open_database()
    async with other.transaction():
        await run(other, "UPDATE debates SET task = 'held' WHERE id = 'd'")
        deleting = await started(
            archive.database, archive.delete_debate("d", cascade_critiques=True)
        )
        if archive.database.dialect == "postgres":
            assert not deleting.done()
            assert not await is_locked(archive.database, "debate_archive", "id", "d")
    assert await deleting
    assert await critiques.get_debate("d") is None


async def test_delete_debate_and_link_debates_of_both_stores_do_not_deadlock(
    archive: DebateArchive, open_database: OpenDatabase
) -> None:
    other = await open_database()
    critiques = CritiqueStore(other)
    names = [f"d{number}" for number in range(40)]
    for name in names:
        await critiques.store_debate(name, "t", critiques=[critique()])
    for is_linked in (True, False):
        for name in names:
            await critiques.store_debate(name, "t", critiques=[critique()])
            await archive.store({"id": name, "task": "t"})
        if not is_linked:
            await run(other, "UPDATE debate_archive SET critique_debate_id = NULL")
        await asyncio.gather(
            *(archive.delete_debate(name, cascade_critiques=True) for name in names),
            *(critiques.delete_debate(name) for name in names),
            *(DebateArchive(other).link_debates() for _ in range(5)),
        )
        assert await fetch_value(other, "SELECT count(*) FROM debate_archive") == 0
        assert await fetch_value(other, "SELECT count(*) FROM debates") == 0


async def test_link_debates_leaves_out_what_is_being_deleted(
    archive: DebateArchive, open_database: OpenDatabase
) -> None:
    critiques = CritiqueStore(archive.database)
    for name in ("d", "e"):
        await archive.store({"id": name, "task": "t"})
        await critiques.store_debate(name, "t")
    other = await open_database()
    async with other.transaction():
        assert await CritiqueStore(other).delete_debate("d")
        linking = await started(archive.database, archive.link_debates())
    assert await linking == 1
    found = await archive.get_debates_batch(["d", "e"])
    assert {key: one and one.critique_debate_id for key, one in found.items()} == {
        "d": None,
        "e": "e",
    }


async def test_store_of_a_debate_that_the_critique_store_deletes_meanwhile(
    archive: DebateArchive, open_database: OpenDatabase
) -> None:
    critiques = CritiqueStore(archive.database)
    await critiques.store_debate("d", "t")
    other = await open_database()
    async with other.transaction():
        assert await CritiqueStore(other).delete_debate("d")
        storing = await started(archive.database, archive.store({"id": "d", "task": "t"}))
    assert await storing == "d"
    found = await archive.get_by_id("d")
    assert found is not None
    assert found.critique_debate_id is None

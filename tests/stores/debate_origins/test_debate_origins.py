"""The store of origins of debates on each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.stores.debate_origins import DebateOriginStore
from tests.stores.samples import days_ago, fetch_value, run


async def over(origins: DebateOriginStore, origin_id: str, until: datetime | None = None) -> None:
    """Let an origin be over since yesterday."""
    text = (until or days_ago(1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    await run(
        origins.database,
        f"UPDATE debate_origins SET expires_at = '{text}' WHERE origin_id = '{origin_id}'",
    )


async def test_register_debate_origin_then_get_debate_origin(origins: DebateOriginStore) -> None:
    stored = await origins.register_debate_origin(
        "d", "slack", "C1", "U1", "1.5", "1.6", {"team": "T", "n": 0.1}, "s-1"
    )
    assert await origins.get_debate_origin("d") == stored
    assert (stored.origin_type, stored.origin_id, stored.debate_id) == ("debate", "d", "d")
    assert (stored.platform, stored.channel_id, stored.user_id) == ("slack", "C1", "U1")
    assert (stored.thread_id, stored.message_id, stored.session_id) == ("1.5", "1.6", "s-1")
    assert (stored.metadata, stored.result_sent) == ({"team": "T", "n": 0.1}, False)
    assert abs((datetime.now(UTC) - stored.created_at).total_seconds()) < 60
    kept = (stored.expires_at - stored.created_at).total_seconds()
    assert abs(kept - 86400) < 0.01
    # Registered again, it is somewhere else; whether its result was sent stays.
    assert await origins.mark_result_sent("d")
    again = await origins.register_debate_origin("d", "web", "C2", "U2")
    assert (again.platform, again.thread_id, again.metadata) == ("web", None, {})
    assert (again.result_sent, again.result_sent_at is None) == (True, False)
    # What is over has no say in that, whether it was cleaned up or not.
    await over(origins, "d")
    new = await origins.register_debate_origin("d", "web", "C2", "U2")
    assert (new.result_sent, new.result_sent_at) == (False, None)
    assert await origins.list_pending() == [new]
    assert await origins.claim_result("d")
    assert await origins.get_debate_origin("x") is None


async def test_register_origin_and_register_email_origin_then_get_origin_and_get_origin_by_reply(
    origins: DebateOriginStore,
) -> None:
    debate = await origins.register_debate_origin("d", "slack", "C1", "U1")
    other = await origins.register_origin("d", "gauntlet", "web", "C", "U", ttl_seconds=60)
    mail = await origins.register_email_origin("d", "<m@x>", "ann@example.com", "Ann", {"n": 1})
    assert await origins.get_origin("d") == debate
    assert await origins.get_origin("d", "gauntlet") == other
    assert abs((other.expires_at - other.created_at).total_seconds() - 60) < 0.01
    assert await origins.get_origin("d", "x") is None
    assert await origins.get_origin_by_reply("<m@x>") == mail
    assert (mail.origin_type, mail.debate_id, mail.platform) == ("email_reply", "d", "email")
    assert (mail.channel_id, mail.user_id) == ("ann@example.com", "ann@example.com")
    assert mail.metadata == {"n": 1, "recipient_name": "Ann"}
    assert await origins.get_origin_by_reply("d") is None


async def test_get_origin_by_channel_and_get_origin_by_message(origins: DebateOriginStore) -> None:
    for number in range(3):
        await origins.register_debate_origin(
            f"d{number}", "slack", "C", "U", f"t{number % 2}", f"m{number}"
        )
        await run(
            origins.database,
            f"UPDATE debate_origins SET created_at = '2026-01-0{number + 1}T00:00:00.000000Z' "
            f"WHERE origin_id = 'd{number}'",
        )

    async def found(*channel: str) -> str | None:
        one = await origins.get_origin_by_channel(*channel)
        return None if one is None else one.origin_id

    assert await found("slack", "C") == "d2"
    assert await found("slack", "C", "t0") == "d2"
    assert await found("slack", "C", "t1") == "d1"
    assert await found("slack", "C", "t2") is None
    assert await found("teams", "C") is None
    by_message = await origins.get_origin_by_message("slack", "m1")
    assert by_message is not None
    assert by_message.origin_id == "d1"
    assert await origins.get_origin_by_message("teams", "m1") is None
    await over(origins, "d2")
    assert await found("slack", "C") == "d1"
    assert await found("slack", "C", "t0") == "d0"
    assert await origins.get_origin_by_message("slack", "m2") is None


async def test_list_pending_in_pages(origins: DebateOriginStore) -> None:
    for number in range(5):
        await origins.register_debate_origin(
            f"d{number}", "slack" if number % 2 else "web", "C", "U"
        )
    await origins.register_origin("d0", "gauntlet", "web", "C", "U")
    await over(origins, "d4")
    await origins.mark_result_sent("d3")
    everything = await origins.list_pending()
    assert {(one.origin_type, one.origin_id) for one in everything} == {
        ("gauntlet", "d0"),
        *(("debate", f"d{n}") for n in range(3)),
    }
    found = []
    page = await origins.list_pending(limit=1)
    while page:
        found += page
        page = await origins.list_pending(limit=1, after=page[-1])
    assert found == everything
    assert [one.origin_id for one in await origins.list_pending("gauntlet")] == ["d0"]
    assert [one.origin_id for one in await origins.list_pending(platform="slack")] == ["d1"]


async def test_claim_result_is_given_to_one_and_release_result_and_mark_result_sent(
    origins: DebateOriginStore,
) -> None:
    await origins.register_debate_origin("d", "slack", "C", "U")
    claims = await asyncio.gather(*(origins.claim_result("d") for _ in range(10)))
    assert sorted(claims) == [False] * 9 + [True]
    claimed = await origins.get_debate_origin("d")
    assert claimed is not None
    assert claimed.result_sent
    sent_at = claimed.result_sent_at
    assert sent_at is not None
    assert not await origins.list_pending()
    # It is said again, and keeps its time.
    assert await origins.mark_result_sent("d")
    claimed = await origins.get_debate_origin("d")
    assert claimed is not None
    assert claimed.result_sent_at == sent_at
    assert await origins.release_result("d")
    (waiting,) = await origins.list_pending()
    assert (waiting.result_sent, waiting.result_sent_at) == (False, None)
    assert not await origins.claim_result("d", "gauntlet")
    assert not await origins.release_result("x")
    assert not await origins.mark_result_sent("x")
    await over(origins, "d")
    # As if it were cleaned up already.
    assert not await origins.claim_result("d")
    assert not await origins.mark_result_sent("d")
    assert not await origins.release_result("d")


async def test_cleanup_expired_deletes_what_is_over(origins: DebateOriginStore) -> None:
    for number in range(4):
        await origins.register_debate_origin(f"d{number}", "slack", "C", "U")
    for number in (0, 1):
        await over(origins, f"d{number}")
    await over(origins, "d2", datetime.now(UTC) + timedelta(minutes=1))
    assert await origins.get_debate_origin("d0") is None
    assert await origins.cleanup_expired() == 2
    assert await origins.cleanup_expired() == 0
    assert await fetch_value(origins.database, "SELECT count(*) FROM debate_origins") == 2
    # A store that comes anew does it by itself.
    await over(origins, "d2")
    await DebateOriginStore(origins.database).register_debate_origin("new", "web", "C", "U")
    assert await fetch_value(origins.database, "SELECT count(*) FROM debate_origins") == 2


async def test_ttl_of_the_environment(
    origins: DebateOriginStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBATE_ORIGIN_TTL", "60.5")
    stored = await DebateOriginStore(origins.database).register_debate_origin("d", "web", "C", "U")
    assert abs((stored.expires_at - stored.created_at).total_seconds() - 60.5) < 0.01
    monkeypatch.setenv("DEBATE_ORIGIN_TTL", "a day")
    with pytest.raises(ConfigurationError, match="DEBATE_ORIGIN_TTL: 'a day'"):
        DebateOriginStore(origins.database)
    with pytest.raises(InvalidInputError, match="ttl_seconds"):
        DebateOriginStore(origins.database, ttl_seconds=0)


async def test_get_origin_by_channel_is_what_was_registered_last_whatever_its_id_and_the_clock(
    origins: DebateOriginStore,
) -> None:
    for number in range(60, 0, -1):
        last = await origins.register_debate_origin(f"d{number:02}", "slack", "C", "U", "t", "m")
        assert await origins.get_origin_by_channel("slack", "C") == last
        assert await origins.get_origin_by_channel("slack", "C", "t") == last
        assert await origins.get_origin_by_message("slack", "m") == last
    # The clock was set back since; the last of a second is followed by the next second.
    for at, following in {
        "2999-12-31T23:59:59.999998": "2999-12-31T23:59:59.999999",
        "3001-12-31T23:59:59.999999": "3002-01-01T00:00:00.000000",
    }.items():
        await run(
            origins.database,
            f"UPDATE debate_origins SET created_at = '{at}Z' WHERE origin_id = 'd60'",
        )
        new = await origins.register_debate_origin("d00", "slack", "C", "U")
        assert new.created_at == datetime.fromisoformat(f"{following}+00:00")
        assert await origins.get_origin_by_channel("slack", "C") == new
    # Registered again it is the last one, and other channels have times of their own.
    again = await origins.register_debate_origin("d60", "slack", "C", "U")
    assert await origins.get_origin_by_channel("slack", "C") == again
    elsewhere = await origins.register_debate_origin("e", "slack", "D", "U")
    assert elsewhere.created_at < again.created_at

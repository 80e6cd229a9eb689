"""Patterns: what is learned of successes and failures, ranked, pruned."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aragora_sql.errors import DuplicateKeyError, MissingParentError
from aragora_sql.stores.critique.records import Pattern, issue_category, pattern_id
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import critique, days_ago, fetch, row_counts, run

ISSUE = "Missing error handling"


async def one(critiques: CritiqueStore, issue: str) -> Pattern:
    ((pattern, _),) = (await critiques.get_patterns_batch([pattern_id(issue)])).values()
    return pattern


async def set_columns(critiques: CritiqueStore, issue: str, **columns: Any) -> None:
    """Change a pattern behind the store's back."""
    changes = []
    for name, value in columns.items():
        if isinstance(value, datetime):
            value = f"'{value:%Y-%m-%dT%H:%M:%S.%fZ}'"
        changes.append(f"{name} = {value}")
    key = pattern_id(issue)
    await run(critiques.database, f"UPDATE patterns SET {', '.join(changes)} WHERE id = '{key}'")


# Keys and categories


@pytest.mark.parametrize(
    ("issue", "key"),
    [
        ("Missing error handling", "040b9ab5ad63"),
        ("MISSING error HANDLING", "040b9ab5ad63"),
        ("missing error handling ", "295c96c40570"),
    ],
)
def test_the_key_of_an_issue(issue: str, key: str) -> None:
    assert pattern_id(issue) == key


@pytest.mark.parametrize(
    ("issue", "category"),
    [
        ("Missing error handling", "correctness"),
        ("Slow query", "performance"),
        ("Optimized too early", "performance"),
        ("High latency and a bug", "performance"),
        ("SQL injection", "security"),
        ("No authentication", "security"),
        ("Unauthorized access", "security"),
        ("vulnerabilities", "security"),
        ("Crashes on start", "correctness"),
        ("Unreadable code", "clarity"),
        ("Confusing naming", "clarity"),
        ("Tight coupling", "architecture"),
        ("Edge cases left out", "completeness"),
        ("TODO left", "completeness"),
        ("No coverage", "testing"),
        ("Untested branch", "testing"),
        ("Ugly", "general"),
        ("", "general"),
    ],
)
def test_the_category_of_an_issue(issue: str, category: str) -> None:
    assert issue_category(issue) == category


@pytest.mark.parametrize(
    "issue", ["The author is unknown", "Use the latest release", "The community disagrees"]
)
def test_a_stem_inside_another_word_says_nothing(issue: str) -> None:
    assert issue_category(issue) == "general"


# Successes and failures


async def test_a_first_success_makes_a_pattern(critiques: CritiqueStore) -> None:
    (pattern,) = await critiques.store_pattern(ISSUE, "Retry", 4.0, "Wrapped the call")
    assert pattern.to_dict() == {
        "id": "040b9ab5ad63",
        "issue_type": "correctness",
        "issue_text": ISSUE,
        "suggestion_text": "Retry",
        "success_count": 1,
        "failure_count": 0,
        "avg_severity": 4.0,
        "surprise_score": 0.0,
        "base_rate": 1.0,
        "example_task": "Wrapped the call",
        "created_at": pattern.created_at.isoformat(),
        "updated_at": pattern.created_at.isoformat(),
    }
    assert await one(critiques, ISSUE) == pattern


async def test_surprise_of_a_first_success_and_of_a_failure_after_it(
    critiques: CritiqueStore,
) -> None:
    (success,) = await critiques.store_pattern(ISSUE)
    assert success.surprise_score == 0.0
    failure = await critiques.fail_pattern(ISSUE)
    assert failure is not None
    assert failure.surprise_score == pytest.approx(0.3, abs=1e-15)
    assert failure.base_rate == 0.5
    assert (failure.success_count, failure.failure_count) == (1, 1)
    assert failure.success_rate == 0.5
    assert await one(critiques, ISSUE) == failure


async def test_count_patterns_counts_a_pattern_once_and_its_successes_all(
    critiques: CritiqueStore,
) -> None:
    (first,) = await critiques.store_pattern(ISSUE, "First", 4.0, "First fix")
    (second,) = await critiques.store_pattern(ISSUE.upper(), "Second", 1.0, "Second fix")
    (third,) = await critiques.store_pattern(f"  {ISSUE}\n", None, 0.0, None)
    assert second == replace(first, success_count=2, avg_severity=2.5, updated_at=second.updated_at)
    assert third.success_count == 3
    assert third.avg_severity == pytest.approx(5 / 3)
    assert (third.suggestion_text, third.example_task) == ("First", "First fix")
    assert third.issue_text == ISSUE
    assert first.updated_at < second.updated_at < third.updated_at
    assert await critiques.count_patterns() == 1


async def test_severity_is_the_mean_over_successes_only(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(ISSUE, severity=2.0)
    failed = await critiques.fail_pattern(ISSUE)
    assert failed is not None
    assert failed.avg_severity == 2.0
    (pattern,) = await critiques.store_pattern(ISSUE, severity=4.0)
    assert pattern.avg_severity == 3.0


async def test_a_severity_of_zero_is_kept(critiques: CritiqueStore) -> None:
    (pattern,) = await critiques.store_pattern(ISSUE, severity=0.0)
    assert pattern.avg_severity == 0.0


async def test_the_base_rate_is_the_mean_rate_of_the_category(critiques: CritiqueStore) -> None:
    # correctness: one with rate 1, one with rate 1/4; another category does not count
    await critiques.store_pattern("Bug one")
    await critiques.store_pattern("Bug two")
    await critiques.store_pattern("Slow")
    for _ in range(3):
        await critiques.fail_pattern("Bug two")
    (pattern,) = await critiques.store_pattern("Bug one")
    assert pattern.base_rate == pytest.approx((1 + 1 / 4) / 2)
    surprise = min(1.0, 2 * abs(1 - (1 + 1 / 4) / 2))
    assert pattern.surprise_score == pytest.approx(0.3 * surprise)


async def test_a_pattern_without_counts_does_not_enter_the_base_rate(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_pattern(["Bug one", "Bug two"])
    await set_columns(critiques, "Bug two", success_count=0, failure_count=0)
    failed = await critiques.fail_pattern("Bug one")
    assert failed is not None
    assert failed.base_rate == 0.5


@pytest.mark.parametrize("count", [1, 4, 30])
async def test_surprise_follows_the_formula(critiques: CritiqueStore, count: int) -> None:
    successes, failures, surprise = 0, 0, 0.0
    for number in range(count):
        if number % 3 == 2:
            failures += 1
            pattern = await critiques.fail_pattern(ISSUE)
        else:
            successes += 1
            (pattern,) = await critiques.store_pattern(ISSUE)
        rate = successes / (successes + failures)
        outcome = 0.0 if number % 3 == 2 else 1.0
        surprise = 0.7 * surprise + 0.3 * min(1.0, 2 * abs(outcome - rate))
        assert pattern is not None
        assert pattern.base_rate == pytest.approx(rate)
        assert pattern.surprise_score == pytest.approx(surprise)


async def test_all_issues_of_a_call_are_counted_once(critiques: CritiqueStore) -> None:
    patterns = await critiques.store_pattern(["Bug", "Slow", "bug ", "Bug"], "Fix it", 3.0)
    assert [pattern.id for pattern in patterns] == [pattern_id("bug"), pattern_id("slow")]
    assert {pattern.success_count for pattern in patterns} == {1}
    assert {pattern.suggestion_text for pattern in patterns} == {"Fix it"}
    assert await critiques.store_pattern([]) == []


async def test_store_critique_patterns_makes_a_pattern_of_each_issue(
    critiques: CritiqueStore,
) -> None:
    number = await critiques.store_critique(
        **critique(issues=["Bug", "Slow"], suggestions=["First", "Second"], severity=6.0)
    )
    stored = await critiques.get_critique(number)
    assert stored is not None
    patterns = await critiques.store_critique_patterns(stored, "The fix")
    assert len(patterns) == 2
    for pattern in patterns:
        assert pattern.suggestion_text == "First"
        assert pattern.avg_severity == 6.0
        assert pattern.example_task == "The fix"
    (again,) = await critiques.store_critique_patterns({"agent": "claude", "issues": ["Bug"]})
    assert again.avg_severity == pytest.approx((6.0 + 0.5) / 2)
    assert await critiques.store_critique_patterns({"agent": "claude"}) == []


async def test_the_start_of_a_long_fix_is_kept(critiques: CritiqueStore) -> None:
    (pattern,) = await critiques.store_pattern(ISSUE, example_task="é" * 501)
    assert pattern.example_task == "é" * 500


async def test_a_failure_of_an_unknown_pattern_is_not_counted(critiques: CritiqueStore) -> None:
    assert await critiques.fail_pattern(ISSUE) is None
    assert await critiques.count_patterns() == 0


async def test_fail_pattern_counts_whatever_the_case_and_blanks_around(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_pattern(ISSUE)
    assert await critiques.fail_pattern(f" {ISSUE.upper()} ") is not None
    assert (await one(critiques, ISSUE)).failure_count == 1


async def test_store_pattern_never_shares_one_between_two_issues(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(ISSUE)
    key = pattern_id(ISSUE)
    await run(critiques.database, f"UPDATE patterns SET issue_text = 'Another' WHERE id = '{key}'")
    with pytest.raises(DuplicateKeyError, match=key):
        await critiques.store_pattern(ISSUE)
    pattern = await one(critiques, ISSUE)
    assert (pattern.issue_text, pattern.success_count) == ("Another", 1)


# Ranking


async def rank(critiques: CritiqueStore, **options: Any) -> list[str]:
    return [pattern.issue_text for pattern in await critiques.retrieve_patterns(**options)]


async def test_patterns_are_ranked_by_successes_surprise_and_age(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(["often", "surprising", "old", "once"])
    await set_columns(critiques, "often", success_count=10, surprise_score=0.0)
    await set_columns(critiques, "surprising", success_count=8, surprise_score=0.5)
    await set_columns(critiques, "old", success_count=30, updated_at=days_ago(90))
    ranked = await critiques.retrieve_patterns()
    assert [pattern.issue_text for pattern in ranked] == ["surprising", "often", "old"]
    scores = [pattern.decay_score for pattern in ranked]
    assert scores == pytest.approx([12.0, 10.0, 7.5], rel=1e-5)


async def test_retrieve_patterns_counts_a_pattern_half_after_its_half_life(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_pattern("fading")
    await set_columns(critiques, "fading", success_count=8, updated_at=days_ago(7))
    (pattern,) = await critiques.retrieve_patterns(decay_halflife_days=7)
    assert pattern.decay_score == pytest.approx(4.0, rel=1e-5)
    (pattern,) = await critiques.retrieve_patterns(decay_halflife_days=3.5)
    assert pattern.decay_score == pytest.approx(8 / 3, rel=1e-5)
    (pattern,) = await critiques.retrieve_patterns(decay_halflife_days=1e9)
    assert pattern.decay_score == pytest.approx(8.0, rel=1e-5)


async def test_patterns_that_changed_a_microsecond_apart_are_ranked_by_it(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_pattern(["older", "newer"])
    moment = days_ago(7).replace(microsecond=999_998)
    older, newer = moment, moment + timedelta(microseconds=1)
    for first, second in ((older, newer), (newer, older)):
        await set_columns(critiques, "older", success_count=5, updated_at=first)
        await set_columns(critiques, "newer", success_count=5, updated_at=second)
        expected = ["newer", "older"] if second > first else ["older", "newer"]
        assert await rank(critiques, decay_halflife_days=0.001) == expected


async def test_a_pattern_of_the_future_is_not_older_than_new(critiques: CritiqueStore) -> None:
    await critiques.store_pattern("early")
    await set_columns(critiques, "early", success_count=2, updated_at=days_ago(-60))
    (pattern,) = await critiques.retrieve_patterns()
    assert pattern.decay_score == 2.0


async def test_get_relevant_and_retrieve_patterns_take_options(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(["Bug", "Slow", "Typo"])
    await critiques.store_pattern(["Bug", "Slow"])
    await critiques.store_pattern("Bug")
    assert await rank(critiques) == ["Bug", "Slow"]
    assert await rank(critiques, min_success=1) == ["Bug", "Slow", "Typo"]
    assert await rank(critiques, min_success=0, limit=1) == ["Bug"]
    assert await rank(critiques, issue_type="performance") == ["Slow"]
    assert await rank(critiques, issue_type="general") == []
    assert await rank(critiques, issue_type="general", min_success=1) == ["Typo"]
    assert await rank(critiques, issue_type="unknown") == []
    assert await rank(critiques, limit=0) == []
    relevant = await critiques.get_relevant()
    assert [pattern.issue_text for pattern in relevant] == ["Bug", "Slow", "Typo"]
    (relevant_one,) = await critiques.get_relevant("general", limit=1)
    assert relevant_one.issue_text == "Typo"


async def test_equal_patterns_come_by_id(critiques: CritiqueStore) -> None:
    issues = sorted((f"issue {number}" for number in range(20)), key=pattern_id)
    tomorrow = days_ago(-1)
    for issue in reversed(issues):
        await critiques.store_pattern(issue)
        await set_columns(critiques, issue, updated_at=tomorrow, surprise_score=0.0)
    for ranked in (
        await critiques.get_relevant(limit=20),
        await critiques.get_relevant("general", limit=20),
    ):
        assert [pattern.issue_text for pattern in ranked] == issues


# Embeddings


async def test_get_patterns_batch_and_retrieve_patterns_with_embeddings_give_embeddings(
    critiques: CritiqueStore,
) -> None:
    bug, slow = (pattern.id for pattern in await critiques.store_pattern(["Bug", "Slow"]))
    vector = bytes(range(256))
    await critiques.store_embeddings({bug: b"old"})
    await critiques.store_embeddings({bug: vector})
    await critiques.store_embeddings({})
    found = await critiques.get_patterns_batch([slow, "unknown", bug, bug])
    assert {key: embedding for key, (_, embedding) in found.items()} == {bug: vector, slow: None}
    assert {key: pattern.id for key, (pattern, _) in found.items()} == {bug: bug, slow: slow}
    ranked = await critiques.retrieve_patterns_with_embeddings(min_success=1)
    assert {pattern.id: embedding for pattern, embedding in ranked} == {bug: vector, slow: None}
    assert ranked[0][0].decay_score > 0
    assert await critiques.retrieve_patterns_with_embeddings() == []
    assert await critiques.get_patterns_batch([]) == {}


async def test_store_embeddings_needs_their_patterns(critiques: CritiqueStore) -> None:
    (pattern,) = await critiques.store_pattern("Bug")
    with pytest.raises(MissingParentError):
        await critiques.store_embeddings({pattern.id: b"1", "unknown": b"2"})
    assert await row_counts(critiques.database) == {"patterns": 1}


async def test_delete_pattern_deletes_its_embedding(critiques: CritiqueStore) -> None:
    gone, kept = await critiques.store_pattern(["Bug", "Slow"])
    await critiques.store_embeddings({gone.id: b"1", kept.id: b"2"})
    assert await critiques.delete_pattern(gone.id) is True
    assert await row_counts(critiques.database) == {"patterns": 1, "pattern_embeddings": 1}
    assert await critiques.delete_pattern(gone.id) is False
    assert await critiques.delete_pattern("") is False


# Pruning


@pytest.mark.parametrize(
    ("age", "successes", "failures", "pruned"),
    [
        (100, 0, 5, True),
        (100, 1, 4, True),
        (100, 2, 4, False),
        (80, 0, 5, False),
        (80, 5, 0, False),
        (100, 0, 0, False),
    ],
)
async def test_prune_stale_patterns_takes_old_ones_that_worked_too_rarely(
    critiques: CritiqueStore, age: float, successes: int, failures: int, pruned: bool
) -> None:
    await critiques.store_pattern(ISSUE)
    await set_columns(
        critiques,
        ISSUE,
        success_count=successes,
        failure_count=failures,
        updated_at=days_ago(age),
    )
    assert await critiques.prune_stale_patterns() == int(pruned)
    assert await critiques.count_patterns() == int(not pruned)


async def test_a_pattern_without_outcomes_has_a_rate_of_one_half(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(ISSUE)
    await set_columns(critiques, ISSUE, success_count=0, updated_at=days_ago(100))
    assert (await one(critiques, ISSUE)).success_rate == 0.5
    assert await critiques.prune_stale_patterns(min_success_rate=0.5) == 0
    assert await critiques.prune_stale_patterns(min_success_rate=0.51) == 1


async def test_pruning_takes_options(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(["new", "old"])
    await set_columns(critiques, "old", failure_count=1, updated_at=days_ago(2))
    assert await critiques.prune_stale_patterns(1, 0.5) == 0
    assert await critiques.prune_stale_patterns(3, 0.6) == 0
    assert await critiques.prune_stale_patterns(1.5, 0.6) == 1
    assert await critiques.prune_stale_patterns(0, 1) == 0
    await critiques.fail_pattern("new")
    assert await critiques.prune_stale_patterns(0, 1) == 1


async def test_get_archive_stats_counts_pruned_patterns_archived_with_every_value(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_pattern(ISSUE, "Retry", 4.0, "fix")
    await critiques.store_embeddings({pattern_id(ISSUE): b"1"})
    await set_columns(
        critiques, ISSUE, failure_count=9, surprise_score=0.25, updated_at=days_ago(100)
    )
    (before,) = await fetch(critiques.database, "SELECT * FROM patterns")
    assert await critiques.prune_stale_patterns() == 1
    (after,) = await fetch(critiques.database, "SELECT * FROM patterns_archive")
    assert {name: after[name] for name in before} == before
    assert await row_counts(critiques.database) == {"patterns_archive": 1}
    assert (await critiques.get_archive_stats()).to_dict() == {
        "total_archived": 1,
        "archived_by_type": {"correctness": 1},
    }


async def test_the_same_pattern_may_be_archived_again(critiques: CritiqueStore) -> None:
    for _ in range(2):
        await critiques.store_pattern([ISSUE, "Slow"])
        for issue in (ISSUE, "Slow"):
            await set_columns(critiques, issue, failure_count=9, updated_at=days_ago(100))
        assert await critiques.prune_stale_patterns() == 2
    await critiques.store_pattern("Bug")
    await set_columns(critiques, "Bug", failure_count=9, updated_at=days_ago(100))
    assert await critiques.prune_stale_patterns() == 1
    stats = await critiques.get_archive_stats()
    assert stats.total_archived == 5
    assert list(stats.archived_by_type.items()) == [("correctness", 3), ("performance", 2)]


async def test_without_archiving_pruned_patterns_are_gone(critiques: CritiqueStore) -> None:
    await critiques.store_pattern(ISSUE)
    await critiques.store_embeddings({pattern_id(ISSUE): b"1"})
    await set_columns(critiques, ISSUE, failure_count=9, updated_at=days_ago(100))
    assert await critiques.prune_stale_patterns(archive=False) == 1
    assert await row_counts(critiques.database) == {}
    assert (await critiques.get_archive_stats()).to_dict() == {
        "total_archived": 0,
        "archived_by_type": {},
    }


async def test_more_than_one_batch_is_pruned(critiques: CritiqueStore) -> None:
    await critiques.store_pattern([f"issue {number}" for number in range(1005)])
    timestamp = f"'{days_ago(100):%Y-%m-%dT%H:%M:%S.%fZ}'"
    await run(
        critiques.database, f"UPDATE patterns SET failure_count = 9, updated_at = {timestamp}"
    )
    assert await critiques.prune_stale_patterns() == 1005
    assert await row_counts(critiques.database) == {"patterns_archive": 1005}

"""Critique store: debates, their critiques, the patterns learned from them, agent reputation.

Its queries: ``sql/postgres/critique/queries.sql`` and ``sql/sqlite/critique/queries.sql``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import DuplicateKeyError, IntegrityError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.counts import counts
from aragora_sql.stores.critique.records import (
    CRITIQUE_CONTENT,
    AgentReputation,
    ArchiveStats,
    Critique,
    CritiqueStats,
    Debate,
    DebateWithCritiques,
    Pattern,
    RankedPattern,
    TrainingExample,
    issue_category,
    new_critique,
    new_debate,
    pattern_id,
    severity_number,
)
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.critique import (
        CritiqueQueries,
        InsertCritiquesParameters,
        RecordPatternSuccessParameters,
        SetEmbeddingParameters,
        UpdateReputationParameters,
        UpsertDebateParameters,
    )

__all__ = [
    "CritiqueStore",
]

PRUNE_BATCH = 1000
EXAMPLE_LENGTH = 500
# A bit more than a second, in days.
SHORTEST_HALF_LIFE = 1e-5
SUCCESS, FAILURE = 1.0, 0.0


class CritiqueStore(Store):
    """Stores debates with their critiques, and learns patterns and reputations from them.

    Counters and scores change by single statements, so concurrent updates all count. Arguments are
    checked before anything is written: :class:`~aragora_sql.errors.InvalidInputError` names the
    argument and what is allowed.
    """

    name = "critique"
    _queries: CritiqueQueries

    # Debates

    async def store_debate(
        self,
        debate_id: str,
        task: str,
        final_answer: str | None = None,
        consensus_reached: bool = False,
        confidence: float | None = None,
        rounds_used: int | None = None,
        duration_seconds: float | None = None,
        grounded_verdict: Mapping[str, Any] | None = None,
        critiques: Iterable[Mapping[str, Any]] = (),
        *,
        created_at: datetime | None = None,
    ) -> None:
        """Store a debate with its critiques, all or nothing.

        ``confidence`` is from 0 to 1; each critique is a mapping with the arguments of
        :meth:`store_critique`. Storing a debate again renews its result, keeps the time of its
        creation, and adds only critiques that it does not have yet.
        """
        await self._write_debates(
            [
                new_debate(
                    "",
                    debate_id=debate_id,
                    task=task,
                    final_answer=final_answer,
                    consensus_reached=consensus_reached,
                    confidence=confidence,
                    rounds_used=rounds_used,
                    duration_seconds=duration_seconds,
                    grounded_verdict=grounded_verdict,
                    critiques=critiques,
                    created_at=created_at,
                )
            ]
        )

    async def store_debates(self, debates: Iterable[Mapping[str, Any]]) -> None:
        """Store many debates with their critiques, all or nothing, in one round trip per table.

        Each is a mapping with the arguments of :meth:`store_debate`.
        """
        await self._write_debates(valid.prepare_each(new_debate, debates, "debates"))

    async def _write_debates(
        self, prepared: list[tuple[list[InsertCritiquesParameters], UpsertDebateParameters]]
    ) -> None:
        if not prepared:
            return
        # In one order, so that two such calls never wait for each other.
        rows = sorted((row for _, row in prepared), key=lambda row: row["id"])
        critiques = [critique for rows_of_one, _ in prepared for critique in rows_of_one]
        if not critiques:
            async with self._database.connection() as connection:
                await self._queries.upsert_debate(connection, rows)
            return
        async with self._database.transaction() as connection:
            await self._queries.upsert_debate(connection, rows)
            await self._queries.insert_critiques(connection, critiques)

    async def get_debate(self, debate_id: str) -> Debate | None:
        """Return a debate, or None when there is none of this id."""
        valid.text(debate_id, "debate_id")
        async with self._database.read() as connection:
            row = await self._queries.get_debate(connection, debate_id=debate_id)
        return None if row is None else record_of(Debate, **row)

    async def get_debates_with_critiques_batch(
        self, debate_ids: Sequence[str]
    ) -> list[DebateWithCritiques]:
        """Return the debates of these ids that exist, in this order, with their critiques."""
        wanted = list(dict.fromkeys(valid.texts(debate_ids, "debate_ids")))
        if not wanted:
            return []
        async with self._database.read() as connection:
            found = {
                row["id"]: row
                async for row in self._queries.list_debates(connection, debate_ids=wanted)
            }
            critiques = await self.get_critiques_batch(list(found))
        return [
            DebateWithCritiques(**found[debate_id], critiques=critiques[debate_id])
            for debate_id in wanted
            if debate_id in found
        ]

    async def delete_debate(self, debate_id: str, cascade_critiques: bool = True) -> bool:
        """Delete a debate with its critiques; False when there is none of this id.

        With ``cascade_critiques=False`` a debate that has critiques is not deleted:
        :class:`~aragora_sql.errors.IntegrityError`.
        """
        valid.text(debate_id, "debate_id")
        if valid.boolean(cascade_critiques, "cascade_critiques"):
            async with self._database.connection() as connection:
                return bool(await self._queries.delete_debate(connection, debate_id=debate_id))
        async with self._database.transaction() as connection:
            if await self._queries.delete_debate_without_critiques(connection, debate_id=debate_id):
                return True
            debate = await self._queries.get_debate(connection, debate_id=debate_id)
        if debate is not None:
            raise IntegrityError(
                f"debate {debate_id!r} has critiques; use cascade_critiques=True to delete them too"
            )
        return False

    async def count_debates(self) -> int:
        """Return the number of debates."""
        async with self._database.read() as connection:
            return await self._queries.count_debates(connection)

    # Critiques

    async def store_critique(
        self,
        debate_id: str | None,
        agent: str,
        target_agent: str | None = None,
        issues: Iterable[str] = (),
        suggestions: Iterable[str] = (),
        severity: float | None = None,
        reasoning: str | None = None,
        expected_usefulness: float = 0.5,
        *,
        created_at: datetime | None = None,
    ) -> int:
        """Store one critique and return its number.

        ``severity`` is from 0 to 10, ``expected_usefulness`` from 0 to 1. With None for
        ``debate_id`` it belongs to no debate; :class:`~aragora_sql.errors.MissingParentError` when
        there is no such debate.
        """
        _, row = new_critique(
            "",
            agent=agent,
            target_agent=target_agent,
            issues=issues,
            suggestions=suggestions,
            severity=severity,
            reasoning=reasoning,
            expected_usefulness=expected_usefulness,
            debate_id=debate_id,
            created_at=created_at,
        )
        async with self._database.connection() as connection:
            return await self._queries.insert_critique(connection, **row)

    async def store(
        self, critique: Critique | Mapping[str, Any], debate_id: str | None = None
    ) -> int:
        """Store a critique that is given as one object, and return its number.

        A mapping has the arguments of :meth:`store_critique`; of a :class:`Critique` the content is
        taken and not its number and outcome. ``debate_id`` wins over the critique's own.
        """
        if isinstance(critique, Critique):
            content = {name: critique[name] for name in CRITIQUE_CONTENT}
        elif isinstance(critique, Mapping):
            content = dict(critique)
        else:
            raise InvalidInputError(
                "critique", f"must be a Critique or a dictionary, not {type(critique).__name__}"
            )
        if debate_id is not None:
            content["debate_id"] = debate_id
        ((_, row),) = valid.prepare_each(new_critique, [content], "critique")
        async with self._database.connection() as connection:
            return await self._queries.insert_critique(connection, **row)

    async def store_critiques(self, critiques: Iterable[Mapping[str, Any]]) -> int:
        """Store many critiques in one round trip, all or none, and return their number.

        Each is a mapping with the arguments of :meth:`store_critique`.
        """
        prepared = valid.prepare_each(new_critique, critiques, "critiques")
        if not prepared:
            return 0
        rows: list[InsertCritiquesParameters] = [
            {**row, "fingerprint": None} for _, row in prepared
        ]
        async with self._database.connection() as connection:
            return await self._queries.insert_critiques(connection, rows)

    async def get_critique(self, critique_id: int) -> Critique | None:
        """Return a critique, or None when there is none of this number."""
        valid.integer(critique_id, "critique_id", most=2**63 - 1)
        async with self._database.read() as connection:
            row = await self._queries.get_critique(connection, critique_id=critique_id)
        return None if row is None else record_of(Critique, **row)

    async def get_recent_critiques(self, limit: int = 20) -> list[Critique]:
        """Return the newest critiques."""
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_recent_critiques(connection, row_limit=row_limit)
            return [record_of(Critique, **row) async for row in rows]

    get_recent = get_recent_critiques

    async def get_critiques_for_debate(self, debate_id: str) -> list[Critique]:
        """Return the critiques of a debate, oldest first."""
        valid.text(debate_id, "debate_id")
        return (await self.get_critiques_batch([debate_id]))[debate_id]

    async def get_critiques_batch(self, debate_ids: Sequence[str]) -> dict[str, list[Critique]]:
        """Return the critiques of many debates by debate id, oldest first."""
        wanted = valid.texts(debate_ids, "debate_ids")
        found: dict[str, list[Critique]] = {debate_id: [] for debate_id in wanted}
        if found:
            async with self._database.read() as connection:
                async for row in self._queries.list_critiques(connection, debate_ids=wanted):
                    found[row["debate_id"]].append(record_of(Critique, **row))
        return found

    async def count_critiques(self) -> int:
        """Return the number of critiques."""
        async with self._database.read() as connection:
            return await self._queries.count_critiques(connection)

    async def export_for_training(
        self, limit: int | None = None, *, after_id: int = 0, page_size: int = 500
    ) -> AsyncIterator[TrainingExample]:
        """Yield critiques of debates that reached consensus, by number, in bounded memory.

        ``limit`` is the most to yield (None: all). ``after_id`` continues after the example of
        that id. Pages are read one by one, so no connection is held between them.
        """
        remaining = None if limit is None else valid.limit(limit)
        valid.integer(after_id, "after_id", most=2**63 - 1)
        valid.integer(page_size, "page_size", least=1)
        while remaining is None or remaining > 0:
            row_limit = page_size if remaining is None else min(page_size, remaining)
            async with self._database.read() as connection:
                rows = self._queries.export_training(
                    connection, after_id=after_id, row_limit=row_limit
                )
                page = [record_of(TrainingExample, **row) async for row in rows]
            for example in page:
                yield example
            if len(page) < row_limit:
                return
            after_id = page[-1].id
            if remaining is not None:
                remaining -= len(page)

    # Patterns

    async def store_pattern(
        self,
        issue_text: str | Sequence[str],
        suggestion_text: str | None = None,
        severity: float = 0.5,
        example_task: str | None = None,
    ) -> list[Pattern]:
        """Count a successful fix for one issue, or for each issue of a critique.

        ``severity`` is from 0 to 10 and enters the pattern's mean. ``example_task`` is the fix, of
        which the first 500 characters are kept. Returns the patterns as they are then.

        An issue's text is trimmed; its category comes from :func:`issue_category`. The category's
        base rate is taken after all counters have changed; the surprise score becomes
        0.7 * old + 0.3 * min(1, 2 * |1 - base rate|).
        """
        texts = [issue_text] if isinstance(issue_text, str) else issue_text
        issues = [text.strip() for text in valid.identifiers(texts, "issue_text")]
        suggestion = valid.optional_text(suggestion_text, "suggestion_text")
        checked_severity = severity_number(severity, "severity")
        example = valid.optional_text(example_task, "example_task")
        by_id = {pattern_id(issue): issue for issue in issues}
        if not by_id:
            return []
        now = utc_now()
        rows: list[RecordPatternSuccessParameters] = [
            {
                "id": key,
                "issue_type": issue_category(issue),
                "issue_text": issue,
                "suggestion_text": suggestion,
                "severity": checked_severity,
                "example_task": None if example is None else example[:EXAMPLE_LENGTH],
                "seen_at": now,
            }
            # In one order, so that two such calls never wait for each other.
            for key, issue in sorted(by_id.items())
        ]
        async with self._database.transaction() as connection:
            await self._queries.record_pattern_success(connection, rows)
            patterns = await self._update_surprise(connection, list(by_id), SUCCESS)
            for pattern in patterns:
                if pattern.issue_text.strip().lower() != by_id[pattern.id].lower():
                    raise DuplicateKeyError(
                        f"two different issues have the pattern id {pattern.id}: "
                        f"{pattern.issue_text!r} is stored, {by_id[pattern.id]!r} was given"
                    )
        return patterns

    async def store_critique_patterns(
        self, critique: Critique | Mapping[str, Any], successful_fix: str | None = None
    ) -> list[Pattern]:
        """Count a successful fix for every issue of a critique; see :meth:`store_pattern`.

        The critique's first suggestion goes with all its issues.
        """
        if not isinstance(critique, Critique | Mapping):
            raise InvalidInputError(
                "critique", f"must be a Critique or a dictionary, not {type(critique).__name__}"
            )
        given = dict(critique)
        suggestions = valid.texts(given.get("suggestions"), "critique.suggestions")
        severity = given.get("severity")
        return await self.store_pattern(
            valid.texts(given.get("issues"), "critique.issues"),
            suggestions[0] if suggestions else None,
            0.5 if severity is None else severity,
            successful_fix,
        )

    async def fail_pattern(self, issue_text: str) -> Pattern | None:
        """Count a failure of a known pattern and return it; None when it is not known."""
        key = pattern_id(valid.identifier(issue_text, "issue_text").strip())
        async with self._database.transaction() as connection:
            if not await self._queries.record_pattern_failure(
                connection, pattern_id=key, seen_at=utc_now()
            ):
                return None
            return (await self._update_surprise(connection, [key], FAILURE))[0]

    async def _update_surprise(
        self, connection: Connection, pattern_ids: list[str], outcome: float
    ) -> list[Pattern]:
        """Renew the surprise scores and return the patterns in the order of their ids."""
        await self._queries.update_surprise(connection, pattern_ids=pattern_ids, outcome=outcome)
        rows = self._queries.list_patterns(connection, pattern_ids=pattern_ids)
        patterns = {row["id"]: record_of(Pattern, **row) async for row in rows}
        return [patterns[key] for key in pattern_ids]

    async def retrieve_patterns(
        self,
        issue_type: str | None = None,
        min_success: int = 2,
        limit: int = 10,
        decay_halflife_days: float = 30.0,
    ) -> list[RankedPattern]:
        """Return the patterns with the highest decay score, of one category or of all.

        ``decay_halflife_days`` is the age in days at which a pattern counts half, 0.00001 or more.
        """
        least = valid.integer(min_success, "min_success")
        row_limit = valid.limit(limit)
        half_life = valid.number(decay_halflife_days, "decay_halflife_days", SHORTEST_HALF_LIFE)
        now = utc_now()
        async with self._database.read() as connection:
            if issue_type is None:
                ranked = self._queries.rank_patterns(
                    connection,
                    min_success=least,
                    half_life_days=half_life,
                    at_time=now,
                    row_limit=row_limit,
                )
                return [record_of(RankedPattern, **row) async for row in ranked]
            valid.text(issue_type, "issue_type")
            rows = self._queries.rank_patterns_of_type(
                connection,
                issue_type=issue_type,
                min_success=least,
                half_life_days=half_life,
                at_time=now,
                row_limit=row_limit,
            )
            return [record_of(RankedPattern, **row) async for row in rows]

    async def get_relevant(
        self, issue_type: str | None = None, limit: int = 10
    ) -> list[RankedPattern]:
        """Return the patterns with the highest decay score that worked at least once."""
        return await self.retrieve_patterns(issue_type, min_success=1, limit=limit)

    async def get_patterns_batch(
        self, pattern_ids: Sequence[str]
    ) -> dict[str, tuple[Pattern, bytes | None]]:
        """Return the patterns of these ids that exist, with their embeddings, by id."""
        wanted = valid.texts(pattern_ids, "pattern_ids")
        if not wanted:
            return {}
        async with self._database.read() as connection:
            rows = self._queries.list_patterns(connection, pattern_ids=wanted)
            patterns = [record_of(Pattern, **row) async for row in rows]
            embeddings = await self._embeddings(connection, wanted)
        return {pattern.id: (pattern, embeddings.get(pattern.id)) for pattern in patterns}

    async def retrieve_patterns_with_embeddings(
        self,
        issue_type: str | None = None,
        min_success: int = 2,
        limit: int = 10,
        decay_halflife_days: float = 30.0,
    ) -> list[tuple[RankedPattern, bytes | None]]:
        """Return what :meth:`retrieve_patterns` does, with the embeddings."""
        async with self._database.read() as connection:
            patterns = await self.retrieve_patterns(
                issue_type, min_success, limit, decay_halflife_days
            )
            embeddings = await self._embeddings(connection, [pattern.id for pattern in patterns])
        return [(pattern, embeddings.get(pattern.id)) for pattern in patterns]

    async def _embeddings(self, connection: Connection, pattern_ids: list[str]) -> dict[str, bytes]:
        rows = self._queries.list_embeddings(connection, pattern_ids=pattern_ids)
        return {row["pattern_id"]: row["embedding"] async for row in rows}

    async def store_embeddings(self, embeddings: Mapping[str, bytes]) -> None:
        """Store the embeddings of patterns by pattern id, in one round trip, all or none.

        Raises :class:`~aragora_sql.errors.MissingParentError` for an unknown pattern.
        """
        for key, embedding in mapping(embeddings, "embeddings").items():
            valid.key(key, "embeddings")
            if not isinstance(embedding, bytes):
                raise InvalidInputError(
                    f"embeddings[{key!r}]", f"must be bytes, not {type(embedding).__name__}"
                )
        if embeddings:
            rows: list[SetEmbeddingParameters] = [
                {"pattern_id": k, "embedding": v} for k, v in sorted(embeddings.items())
            ]
            async with self._database.connection() as connection:
                await self._queries.set_embedding(connection, rows)

    async def delete_pattern(self, pattern_id: str) -> bool:
        """Delete a pattern with its embedding; False when there is none of this id."""
        valid.text(pattern_id, "pattern_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_pattern(connection, pattern_id=pattern_id))

    async def count_patterns(self) -> int:
        """Return the number of patterns."""
        async with self._database.read() as connection:
            return await self._queries.count_patterns(connection)

    async def prune_stale_patterns(
        self, max_age_days: float = 90, min_success_rate: float = 0.3, archive: bool = True
    ) -> int:
        """Remove patterns not seen for ``max_age_days`` that worked too rarely.

        Both have to hold: old, and a success rate below ``min_success_rate`` (0 to 1; a pattern
        without outcomes has one half). With ``archive`` they are kept in ``patterns_archive``.
        Works in batches of 1,000, each a transaction. Returns how many were removed.
        """
        now = utc_now()
        cutoff = age_limit(max_age_days, now)
        rate = valid.fraction(min_success_rate, "min_success_rate")
        valid.boolean(archive, "archive")

        async def prune() -> int:
            async with self._database.transaction() as connection:
                rows = self._queries.lock_stale_patterns(
                    connection, cutoff=cutoff, min_success_rate=rate, row_limit=PRUNE_BATCH
                )
                ids = [row["id"] async for row in rows]
                if not ids:
                    return 0
                if archive:
                    await self._queries.archive_patterns(
                        connection, pattern_ids=ids, archived_at=now
                    )
                return await self._queries.delete_patterns(connection, pattern_ids=ids)

        return await in_batches(prune)

    async def get_archive_stats(self) -> ArchiveStats:
        """Return counts of the archived patterns."""
        async with self._database.read() as connection:
            row = await self._queries.get_archive_stats(connection)
        row["archived_by_type"] = counts(row["archived_by_type"])
        return record_of(ArchiveStats, **row)

    # Predictions and reputation

    async def update_prediction_outcome(
        self,
        critique_id: int,
        actual_usefulness: float,
        agent_name: str | None = None,
        led_to_improvement: bool | None = None,
    ) -> float:
        """Record how useful a critique was and return the prediction error.

        ``actual_usefulness`` is from 0 to 1; the error is its distance from what was expected, and
        0.0 when there is no such critique. The error enters the calibration score of
        ``agent_name`` (default: the critic). A second outcome for the same critique replaces the
        first, also in the calibration.
        """
        valid.integer(critique_id, "critique_id", most=2**63 - 1)
        actual = valid.fraction(actual_usefulness, "actual_usefulness")
        valid.optional(agent_name, "agent_name", valid.key)
        valid.optional(led_to_improvement, "led_to_improvement", valid.boolean)
        now = utc_now()
        async with self._database.transaction() as connection:
            critique = await self._queries.lock_critique(connection, critique_id=critique_id)
            if critique is None:
                return 0.0
            error = abs(critique["expected_usefulness"] - actual)
            agent = agent_name or critique["agent"]
            await self._queries.set_outcome(
                connection,
                critique_id=critique_id,
                actual_usefulness=actual,
                prediction_error=error,
                outcome_agent=agent,
                led_to_improvement=led_to_improvement,
            )
            predictions, errors = Counter({agent: 1}), {agent: error}
            if critique["prediction_error"] is not None:
                before = critique["outcome_agent"] or critique["agent"]
                predictions[before] -= 1
                errors[before] = errors.get(before, 0.0) - critique["prediction_error"]
            # In one order, so that two such calls never wait for each other.
            for name in sorted(predictions):
                await self._queries.ensure_agent(connection, agent_name=name, updated_at=now)
                await self._queries.adjust_calibration(
                    connection,
                    agent_name=name,
                    predictions=predictions[name],
                    error=errors[name],
                    updated_at=now,
                )
        return float(error)

    async def update_reputation(
        self,
        agent_name: str,
        proposal_made: bool = False,
        proposal_accepted: bool = False,
        critique_given: bool = False,
        critique_valuable: bool = False,
    ) -> None:
        """Add 1 to each counter of an agent whose flag is set; an unknown agent starts at zero."""
        _, row = _reputation_update(
            "",
            agent_name=agent_name,
            proposal_made=proposal_made,
            proposal_accepted=proposal_accepted,
            critique_given=critique_given,
            critique_valuable=critique_valuable,
        )
        async with self._database.connection() as connection:
            await self._queries.update_reputation(connection, [row])

    async def update_reputations(self, updates: Iterable[Mapping[str, Any]]) -> None:
        """Apply many updates in one round trip, all or none.

        Each is a mapping with the arguments of :meth:`update_reputation`.
        """
        rows = [row for _, row in valid.prepare_each(_reputation_update, updates, "updates")]
        if rows:
            # In one order, so that two such calls never wait for each other.
            rows.sort(key=lambda row: row["agent_name"])
            async with self._database.connection() as connection:
                await self._queries.update_reputation(connection, rows)

    async def get_reputation(self, agent_name: str) -> AgentReputation | None:
        """Return an agent's reputation, or None for an unknown agent."""
        valid.text(agent_name, "agent_name")
        return (await self.get_reputations([agent_name])).get(agent_name)

    async def get_reputations(self, agent_names: Sequence[str]) -> dict[str, AgentReputation]:
        """Return the reputation of the agents that are known, by name."""
        wanted = valid.texts(agent_names, "agent_names")
        if not wanted:
            return {}
        async with self._database.read() as connection:
            rows = self._queries.list_reputations(connection, agent_names=wanted)
            return {row["agent_name"]: record_of(AgentReputation, **row) async for row in rows}

    async def get_all_reputations(self, limit: int = 500) -> list[AgentReputation]:
        """Return agents by reputation score, best first."""
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.rank_reputations(connection, row_limit=row_limit)
            return [record_of(AgentReputation, **row) async for row in rows]

    async def get_vote_weight(self, agent_name: str) -> float:
        """Return the weight of an agent's vote, 0.4 to 1.6; 1.0 for an unknown agent."""
        valid.text(agent_name, "agent_name")
        return (await self.get_vote_weights_batch([agent_name]))[agent_name]

    async def get_vote_weights_batch(self, agent_names: Sequence[str]) -> dict[str, float]:
        """Return the weights of many agents' votes by name, in one round trip."""
        wanted = valid.texts(agent_names, "agent_names")
        known = await self.get_reputations(wanted)
        return {name: known[name].vote_weight if name in known else 1.0 for name in wanted}

    async def get_stats(self) -> CritiqueStats:
        """Return counts of the whole store in one round trip."""
        async with self._database.read() as connection:
            row = await self._queries.get_stats(connection)
        row["patterns_by_type"] = counts(row["patterns_by_type"])
        return record_of(CritiqueStats, **row)


def _reputation_update(
    path: str,
    agent_name: str,
    proposal_made: bool = False,
    proposal_accepted: bool = False,
    critique_given: bool = False,
    critique_valuable: bool = False,
) -> tuple[None, UpdateReputationParameters]:
    return None, {
        "agent_name": valid.key(agent_name, f"{path}agent_name"),
        "proposals_made": int(valid.boolean(proposal_made, f"{path}proposal_made")),
        "proposals_accepted": int(valid.boolean(proposal_accepted, f"{path}proposal_accepted")),
        "critiques_given": int(valid.boolean(critique_given, f"{path}critique_given")),
        "critiques_valuable": int(valid.boolean(critique_valuable, f"{path}critique_valuable")),
        "updated_at": utc_now(),
    }

"""Ranking of agents: Elo ratings, matches, boards, calibration, relationships, adjustments.

Its queries: ``sql/postgres/elo/queries.sql`` and ``sql/sqlite/elo/queries.sql``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from aragora_sql.database import Connection, Database
from aragora_sql.database.groups import Groups
from aragora_sql.database.together import Together
from aragora_sql.database.values import utc_now
from aragora_sql.errors import DuplicateKeyError, InvalidInputError, MatchNotFoundError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.elo.changes import (
    PlayedRows,
    played_rows,
    relationship_update,
    two_agents,
    with_multipliers,
)
from aragora_sql.stores.elo.formulas import bucket_of
from aragora_sql.stores.elo.hooks import (
    RATING_CHANGED,
    EventEmitter,
    KnowledgeStore,
    rated_match,
)
from aragora_sql.stores.elo.matches import NewMatch, PlayedMatch, new_match, play
from aragora_sql.stores.elo.records import (
    LEAST_PREDICTIONS,
    Adjustment,
    AgentRating,
    CalibrationBucket,
    CalibrationSummary,
    DomainRating,
    EloStats,
    HeadToHead,
    InfluenceNetwork,
    LearningEfficiency,
    Match,
    MatchEntry,
    Prediction,
    RatingEvent,
    RatingExplanation,
    RatingReplay,
    Relationship,
    RelationshipEntry,
    RelationshipMetrics,
    VerificationImpact,
    VotingAccuracy,
    VulnerabilitySummary,
    floats,
)
from aragora_sql.stores.elo.replay import Replay, match_of
from aragora_sql.stores.elo.summaries import bucket, efficiency, event_of, rate
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.elo import (
        EloQueries,
        InsertHistoryParameters,
        KindWord,
        LockRatingsRow,
        PageDomainRatingsRow,
        PageHistoryRow,
    )

__all__ = ["EloSystem"]

DEFAULT_K_FACTOR = 32.0
DEFAULT_ELO = 1500.0
LEAST_ELO = 100.0
LARGEST_ELO = 1e9
PAGE = 1000
# Of matches that are recorded in one transaction for several tasks.
LARGEST_GROUP = 100
# Ratings that are kept of those that were written.
MOST_WRITTEN = 10_000
# The busiest pairs of an agent that are looked through for rivals and allies.
BUSIEST_PAIRS = 100
MOST_RELATIONSHIPS = 1000
LEAST_AFFINITY = 0.3
MEANINGFUL_VOTES = 5
LEARNING_BONUS = {"rapid": 3.0, "steady": 1.5, "slow": 0.5}
GENERAL = "general"

ResultT = TypeVar("ResultT")
Locked = Mapping[str, "LockRatingsRow"]


class _UnknownAgentsError(Exception):
    """Not all agents have a rating yet: nothing was written."""


class _RecordedMeanwhileError(Exception):
    """Somebody else has recorded one of the matches: nothing was written."""


class _NothingNewError(Exception):
    """All matches are recorded already: nothing is written."""

    def __init__(self, rated: list[_Rated]) -> None:
        super().__init__("all matches are recorded already")
        self.rated = rated


@dataclass(frozen=True, slots=True)
class _Rated:
    """The changes of a match, and how it was played if it was recorded now."""

    changes: dict[str, float]
    played: PlayedMatch | None = None


class EloSystem(Store):
    """Ranks agents by the matches that they play.

    ``k_factor`` is the most points that a match of two moves, ``initial_rating`` where an agent
    starts. A match is one transaction, and counted once however often it is recorded. Whatever
    changes ratings locks them first, in the order of names, and computes from what it locked, so
    concurrent changes all count. Within a transaction of the application's own the locks stay until
    its end: :class:`~aragora_sql.errors.ConflictError` when two of them wait for each other.

    ``event_emitter`` is called with ``agent_elo_updated`` and its data for each agent of a match
    that was recorded, ``knowledge`` gets the match (:mod:`aragora_sql.stores.elo.hooks`).

    Nothing is cached: each answer is that of the database. Arguments are checked before anything is
    written: :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "elo"
    _queries: EloQueries

    def __init__(
        self,
        database: Database,
        *,
        k_factor: float = DEFAULT_K_FACTOR,
        initial_rating: float = DEFAULT_ELO,
        event_emitter: EventEmitter | None = None,
        knowledge: KnowledgeStore | None = None,
    ) -> None:
        super().__init__(database)
        self._emit = event_emitter
        self._knowledge = knowledge
        self._k_factor = _points(k_factor, "k_factor")
        self._initial = _points(initial_rating, "initial_rating")
        # Ratings as this object has written them last. They may have changed since: whatever is
        # computed from them is only written where they are the same in the database.
        self._written: dict[str, float] = {}
        self._groups: Groups[NewMatch, _Rated] = Groups(self._record_group, most=LARGEST_GROUP)

    # Ratings

    async def register_agent(self, agent_name: str, model: str | None = None) -> AgentRating:
        """Store an agent with the initial rating, and return its rating.

        One that is known keeps its rating; ``model`` replaces what it was registered with.
        """
        name = valid.key(agent_name, "agent_name")
        checked = valid.optional_text(model, "model")
        async with self._database.connection() as connection:
            row = await self._queries.register_agent(
                connection,
                agent_name=name,
                model=checked,
                elo=self._initial,
                updated_at=utc_now(),
            )
        return record_of(AgentRating, **row)

    initialize_agent = register_agent

    async def get_rating(self, agent_name: str) -> AgentRating:
        """Return the rating of an agent; an unknown one has the initial rating, not stored."""
        return (await self.get_ratings([valid.key(agent_name, "agent_name")]))[agent_name]

    async def get_ratings(self, agent_names: Sequence[str]) -> dict[str, AgentRating]:
        """Return the ratings of many agents by name, in one round trip; see :meth:`get_rating`."""
        wanted = valid.texts(agent_names, "agent_names")
        found: dict[str, AgentRating] = {}
        if wanted:
            async with self._database.read() as connection:
                async for row in self._queries.list_ratings(connection, agent_names=wanted):
                    found[row["agent_name"]] = record_of(AgentRating, **row)
        now = utc_now()
        return {name: found.get(name) or self._unrated(name, now) for name in wanted}

    get_ratings_batch = get_ratings

    def _unrated(self, name: str, now: datetime) -> AgentRating:
        return AgentRating(
            agent_name=name,
            model=None,
            elo=self._initial,
            initial_elo=self._initial,
            wins=0,
            losses=0,
            draws=0,
            debates_count=0,
            critiques_accepted=0,
            critiques_total=0,
            calibration_correct=0,
            calibration_total=0,
            calibration_brier_sum=0.0,
            votes_correct=0,
            votes_total=0,
            last_match_at=None,
            updated_at=now,
        )

    async def get_all_ratings(self) -> list[AgentRating]:
        """Return all ratings, the highest first; they are read page by page, by name."""
        found = [rating async for page in self._pages_of_ratings() for rating in page]
        return sorted(found, key=lambda rating: (-rating.elo, rating.agent_name))

    async def list_agents(self) -> list[str]:
        """Return the names of all agents, the highest rating first."""
        return [rating.agent_name for rating in await self.get_all_ratings()]

    async def count_ratings(self) -> int:
        """Return the number of agents."""
        async with self._database.read() as connection:
            return await self._queries.count_ratings(connection)

    async def get_domain_ratings(self, agent_name: str) -> dict[str, float]:
        """Return the ratings of an agent by domain; there are none where it has not played."""
        name = valid.key(agent_name, "agent_name")
        async with self._database.read() as connection:
            rows = self._queries.list_domain_ratings(connection, agent_name=name)
            return {row["domain"]: row["elo"] async for row in rows}

    async def record_critique(self, agent_name: str, accepted: bool) -> None:
        """Count a critique of an agent, and whether it was accepted."""
        name = valid.key(agent_name, "agent_name")
        counted = int(valid.boolean(accepted, "accepted"))
        async with self._database.connection() as connection:
            await self._queries.add_critique(
                connection,
                agent_name=name,
                accepted=counted,
                elo=self._initial,
                updated_at=utc_now(),
            )

    # Matches

    async def record_match(
        self,
        debate_id: str | None = None,
        participants: Iterable[str] | str | None = None,
        scores: Mapping[str, float] | None = None,
        domain: str | None = None,
        confidence_weight: float = 1.0,
        calibration_tracker: Any = None,
        *,
        winner: str | None = None,
        loser: str | None = None,
        draw: bool = False,
        task: str | None = None,
        created_at: datetime | None = None,
    ) -> dict[str, float]:
        """Record a match and return the change of each participant's rating, in points.

        Ratings, history, relationships, the rating of ``domain`` (where given) and the match itself
        are written in one transaction. A match whose ``debate_id`` is recorded changes nothing: the
        changes of then are returned.

        ``scores`` (of at least 0) has each of the ``participants``, two or more; who has the
        highest alone is the winner. In place of scores there may be a ``winner`` (1, the others 0)
        or ``draw``, and in place of participants ``winner`` and ``loser``, also as the first two
        arguments. Without ``debate_id`` one is made of ``task`` (or the domain) and the names.

        ``confidence_weight`` is held between 0.1 and 1. ``calibration_tracker`` has a method
        ``get_expected_calibration_error(agent_name)`` that gives 0 to 1 (this store is one);
        changes of who is badly calibrated are up to 1.4 times as large, and no longer add up to 0.
        """
        _, match = new_match(
            "",
            debate_id,
            participants,
            scores,
            domain,
            confidence_weight,
            winner=winner,
            loser=loser,
            draw=draw,
            task=task,
            created_at=created_at,
        )
        if calibration_tracker is not None:
            (match,) = await with_multipliers([match], calibration_tracker)
        if not self._database.is_in_use_here():
            rated = await self._groups.run(match)
        else:
            # Locks of a transaction of the caller's are its own, and so is a connection that it
            # has: whoever waits for it must not wait for the matches of others.
            async with self._database.connection() as connection:
                alone = not connection.in_transaction
            found = await self._record_unlocked([match]) if alone else None
            rated = found[0] if found is not None else None
        if rated is None:
            (rated,) = await self._record([match], has_looked=False)
        await self._tell([rated])
        return rated.changes

    async def record_matches(
        self, matches: Iterable[MatchEntry], *, calibration_tracker: Any = None
    ) -> list[dict[str, float]]:
        """Record many matches, one after the other, all or nothing, in ten round trips at most.

        Each is a mapping with the arguments of :meth:`record_match` but the tracker. Returns the
        changes of each. Those without a time get times that are a microsecond apart.
        """
        prepared = [match for _, match in valid.prepare_each(new_match, matches, "matches")]
        if not prepared:
            return []
        if calibration_tracker is not None:
            prepared = await with_multipliers(prepared, calibration_tracker)
        rated = await self._record(prepared, has_looked=True)
        await self._tell(rated)
        return [one.changes for one in rated]

    async def _tell(self, rated: list[_Rated]) -> None:
        """Tell the hooks of matches that were recorded now."""
        if self._emit is None and self._knowledge is None:
            return
        for match in [rated_match(one.played) for one in rated if one.played is not None]:
            if self._emit is not None:
                for name in match.participants:
                    self._emit(
                        RATING_CHANGED,
                        {
                            "agent": name,
                            "elo": match.ratings[name],
                            "elo_change": match.elo_changes[name],
                            "debate_id": match.debate_id,
                            "domain": match.domain,
                        },
                    )
            if self._knowledge is not None:
                await self._knowledge.store_match(match)

    async def _record_group(self, matches: list[NewMatch]) -> list[_Rated | None]:
        """Record the matches of several tasks in one transaction, and return the changes of each.

        None is one that was not recorded, because it has to wait: nobody waits for the agents of
        another one's match.
        """
        changes = await self._record_unlocked(matches)
        if changes is None:
            changes = [None] if len(matches) == 1 else await self._record_free(matches)
        return changes

    async def _record_unlocked(self, matches: list[NewMatch]) -> list[_Rated | None] | None:
        """Record matches without a lock, if nobody changes their ratings meanwhile.

        What they are computed from is compared when it is written: ratings that this object has
        written last, which takes one round trip; else those that are read now, which takes two.
        Returns the changes of each match, None for one with an agent that is not known yet; or None
        when nothing was written.
        """
        names = _agents_of(matches)
        before = {name: elo for name in names if (elo := self._written.pop(name, None)) is not None}
        async with self._database.connection() as connection:
            if len(before) == len(names):
                changes = await self._write_unlocked(connection, matches, before, {})
                if changes is not None:
                    return changes
            ids = [match.debate_id for match in matches]
            before, is_any_recorded = {}, False
            async for row in self._queries.look_at_ratings(
                connection, agent_names=names, debate_ids=ids
            ):
                before[row["agent_name"]] = row["elo"]
                is_any_recorded = row["is_any_recorded"]
            recorded = await self._recorded(connection, ids) if is_any_recorded else {}
            return await self._write_unlocked(connection, matches, before, recorded)

    async def _write_unlocked(
        self,
        connection: Connection,
        matches: list[NewMatch],
        before: Mapping[str, float],
        done: dict[str, _Rated],
    ) -> list[_Rated | None] | None:
        """Write those matches that are not ``done`` yet, where ratings are as ``before``.

        Returns all of them; or None when nothing was written.
        """
        ready = [match for match in matches if before.keys() >= set(match.participants)]
        played, after = self._play(ready, before, done)
        if played:
            rows = played_rows(played, before, after, self._k_factor, self._initial)
            if not await self._write_whole(connection, rows):
                return None
            self._remember(after)
        return _in_order(matches, done)

    async def _write_whole(self, connection: Connection, rows: PlayedRows) -> bool:
        """Write all of these rows where ratings are as they were before, else none of them."""
        if self._database.is_in_process:
            together = await self._together(connection, rows)
            return await together.run_whole()
        in_domains = {(row["agent_name"], row["domain"]) for row in rows.play_in_domain}
        if len(in_domains) < len(rows.play_in_domain):
            # One statement changes a row once, and floats add up to something else in one sum.
            return False
        documents = rows.documents()
        try:
            rated = await self._queries.record_played(
                connection,
                agent_names=rows.names(),
                debate_ids=[row["debate_id"] for row in rows.insert_match],
                matches=documents["insert_match"],
                ratings=documents["set_ratings"],
                events=documents["insert_history"],
                pairs=documents["add_relationships"],
                in_domains=documents["play_in_domain"],
            )
        except DuplicateKeyError:
            # Somebody else has recorded one of the matches at the same moment.
            return False
        return rated > 0

    async def _record_free(self, matches: list[NewMatch]) -> list[_Rated | None]:
        """Record those matches in one transaction whose agents nobody else has locked."""
        ids = [match.debate_id for match in matches]
        try:
            async with self._database.transaction() as connection:
                rows = self._queries.lock_free_ratings(connection, agent_names=_agents_of(matches))
                before = {row["agent_name"]: row["elo"] async for row in rows}
                ready = [match for match in matches if before.keys() >= set(match.participants)]
                done = await self._recorded(connection, ids)
                played, after = self._play(ready, before, done)
                if played:
                    await self._write_locked(connection, played, before, after)
        except _RecordedMeanwhileError:
            return [None] * len(matches)
        return _in_order(matches, done)

    async def _record(self, matches: list[NewMatch], has_looked: bool) -> list[_Rated]:
        names = _agents_of(matches)
        while True:
            work = partial(self._record_locked, matches, has_looked)
            try:
                return await self._with_ratings(names, work)
            except _NothingNewError as found:
                return found.rated
            except _RecordedMeanwhileError:
                # The other one has committed: its changes can be read now.
                has_looked = True

    async def _record_locked(
        self, matches: list[NewMatch], look: bool, connection: Connection, locked: Locked
    ) -> list[_Rated]:
        ids = [match.debate_id for match in matches]
        done = await self._recorded(connection, ids) if look else {}
        before = {name: row["elo"] for name, row in locked.items()}
        played, after = self._play(matches, before, done)
        in_order = [one for one in _in_order(matches, done) if one is not None]
        if not played:
            raise _NothingNewError(in_order)
        await self._write_locked(connection, played, before, after)
        return in_order

    async def _recorded(self, connection: Connection, debate_ids: list[str]) -> dict[str, _Rated]:
        """Return those matches that are recorded, by debate."""
        rows = self._queries.list_recorded(connection, debate_ids=debate_ids)
        return {row["debate_id"]: _Rated(floats(row["elo_changes"])) async for row in rows}

    def _play(
        self,
        matches: list[NewMatch],
        before: Mapping[str, float],
        done: dict[str, _Rated],
    ) -> tuple[list[PlayedMatch], dict[str, float]]:
        """Compute matches, one after the other, but those that are ``done``, and add them there.

        Returns them with the ratings after all of them.
        """
        ratings = dict(before)
        now = utc_now()
        played: list[PlayedMatch] = []
        for match in matches:
            if match.debate_id not in done:
                at = match.created_at or now + timedelta(microseconds=len(played))
                played.append(play(match, ratings, self._k_factor, at))
                done[match.debate_id] = _Rated(played[-1].changes, played[-1])
        return played, ratings

    async def _write_locked(
        self,
        connection: Connection,
        played: list[PlayedMatch],
        before: Mapping[str, float],
        after: Mapping[str, float],
    ) -> None:
        rows = played_rows(played, before, after, self._k_factor, self._initial)
        together = await self._together(connection, rows)
        stored, *_ = await together.run()
        if stored != len(played):
            raise _RecordedMeanwhileError
        self._remember(after)

    def _remember(self, ratings: Mapping[str, float]) -> None:
        """Keep ratings that were written, to compute the next matches from."""
        if len(self._written) > MOST_WRITTEN:
            self._written.clear()
        self._written.update(ratings)

    async def _together(self, connection: Connection, rows: PlayedRows) -> Together:
        """Return the statements that write these rows, to be run."""
        # Checked as a connection; it collects what nobody waits for.
        together: Any = Together(connection)
        await self._queries.insert_match(together, rows.insert_match)
        await self._queries.set_ratings(together, rows.set_ratings)
        await self._queries.insert_history(together, rows.insert_history)
        await self._queries.add_relationships(together, rows.add_relationships)
        if rows.play_in_domain:
            await self._queries.play_in_domain(together, rows.play_in_domain)
        return together  # type: ignore[no-any-return]

    async def _with_ratings(
        self, names: list[str], work: Callable[[Connection, Locked], Awaitable[ResultT]]
    ) -> ResultT:
        """Do something in a transaction that has locked the ratings of these sorted names.

        Agents that are not known are made first in a second one: the locks of a transaction are
        taken by one statement, in the order of names, so that no two of them wait in a circle.
        """
        try:
            async with self._database.transaction() as connection:
                found = {
                    row["agent_name"]: row
                    async for row in self._queries.lock_ratings(connection, agent_names=names)
                }
                if len(found) < len(names):
                    raise _UnknownAgentsError
                return await work(connection, found)
        except _UnknownAgentsError:
            pass
        async with self._database.transaction() as connection:
            rows = self._queries.take_ratings(
                connection, agent_names=names, elo=self._initial, updated_at=utc_now()
            )
            return await work(connection, {row["agent_name"]: row async for row in rows})

    async def get_match(self, debate_id: str) -> Match | None:
        """Return a match, or None when the debate is not recorded."""
        checked = valid.key(debate_id, "debate_id")
        async with self._database.read() as connection:
            row = await self._queries.get_match(connection, debate_id=checked)
        return None if row is None else match_of(row)

    async def get_recent_matches(self, limit: int = 10) -> list[Match]:
        """Return the newest matches."""
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_recent_matches(connection, row_limit=row_limit)
            return [match_of(row) async for row in rows]

    get_cached_recent_matches = get_recent_matches

    async def count_matches(self) -> int:
        """Return the number of matches."""
        async with self._database.read() as connection:
            return await self._queries.count_matches(connection)

    async def get_head_to_head(self, agent_a: str, agent_b: str) -> HeadToHead:
        """Count the matches in which both agents took part, by who won."""
        a, b = two_agents(agent_a, agent_b)
        async with self._database.read() as connection:
            row = await self._queries.get_head_to_head(connection, agent_a=a, agent_b=b)
        others = row["matches"] - row["a_wins"] - row["b_wins"] - row["draws"]
        return HeadToHead(agent_a=a, agent_b=b, other_wins=others, **row)

    # Boards and history

    async def get_leaderboard(
        self, limit: int = 20, domain: str | None = None, min_games: int = 0
    ) -> list[AgentRating]:
        """Return the agents with the highest ratings, best first.

        With ``domain`` they are :class:`DomainRating` and ranked by their rating in it: those that
        have none there are left out. ``min_games`` leaves out who has played less often, there.
        """
        row_limit = valid.limit(limit)
        checked = valid.optional(domain, "domain", valid.key)
        games = valid.integer(min_games, "min_games")
        async with self._database.read() as connection:
            if checked is None:
                rows = self._queries.rank_agents(connection, min_games=games, row_limit=row_limit)
                return [record_of(AgentRating, **row) async for row in rows]
            ranked = self._queries.rank_domain(
                connection, domain=checked, min_games=games, row_limit=row_limit
            )
            return [record_of(DomainRating, **row) async for row in ranked]

    leaderboard = get_leaderboard
    get_cached_leaderboard = get_leaderboard
    get_snapshot_leaderboard = get_leaderboard

    async def get_top_agents_for_domain(self, domain: str, limit: int = 5) -> list[AgentRating]:
        """Return the agents with the highest ratings in a domain, best first."""
        return await self.get_leaderboard(limit, valid.key(domain, "domain"))

    async def get_elo_history(
        self, agent_name: str, limit: int = 50
    ) -> list[tuple[datetime, float]]:
        """Return when an agent's rating over all domains changed and to what, the newest first."""
        name = valid.key(agent_name, "agent_name")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_elo_history(connection, agent_name=name, row_limit=row_limit)
            return [(row["created_at"], row["elo"]) async for row in rows]

    async def get_stats(self) -> EloStats:
        """Return counts of the whole store in one round trip."""
        async with self._database.read() as connection:
            row = await self._queries.get_stats(connection)
        known = {name: self._initial if value is None else value for name, value in row.items()}
        return record_of(EloStats, **known)  # type: ignore[arg-type]

    async def explain_rating(self, agent_name: str) -> RatingExplanation:
        """Return the matches and other events that made an agent's rating, each with its change.

        They are read page by page; an event that is recorded meanwhile may be there already while
        the rating is that before it.
        """
        rating = await self.get_rating(agent_name)
        events: list[RatingEvent] = []
        after = 0
        while True:
            async with self._database.read() as connection:
                rows = self._queries.explain_rating(
                    connection, agent_name=rating.agent_name, after_number=after, row_limit=PAGE
                )
                page = [event_of(row) async for row in rows]
            events += page
            if len(page) < PAGE:
                break
            after = page[-1].number
        return RatingExplanation(
            agent_name=rating.agent_name,
            initial_elo=rating.initial_elo,
            elo=rating.elo,
            events=events,
        )

    # Replay

    async def recompute_ratings(
        self, from_match: str | None = None, *, repair: bool = False
    ) -> RatingReplay:
        """Replay all matches and return where the stored ratings differ; with ``repair`` store it.

        ``from_match`` is the debate to begin with: ratings before it are taken as they were then,
        and counts of matches and ratings of domains are not compared. Changes that are no matches
        count as they are stored, and so do matches of the older system, which kept no K factor, and
        ratings of domains that came from it are left out. Whoever changes ratings waits meanwhile.
        """
        debate_id = valid.optional(from_match, "from_match", valid.key)
        valid.boolean(repair, "repair")
        now = utc_now()
        replay = Replay(is_whole=debate_id is None)
        async with self._database.transaction() as connection:
            await self._queries.lock_all_ratings(connection)
            start = 0 if debate_id is None else await self._first_event(connection, debate_id)
            if replay.is_whole:
                async for row in self._domain_rows(connection):
                    replay.begin_domain(row)
            after = start - 1
            while page := [
                row
                async for row in self._queries.page_history(
                    connection, after_number=after, row_limit=PAGE
                )
            ]:
                await self._replay_page(connection, replay, page, start)
                after = page[-1]["number"]
                if repair:
                    await self._store_repairs(connection, replay)
                replay.match_repairs.clear()
                replay.history_repairs.clear()
            await self._compare(connection, replay, now, repair)
        return RatingReplay(
            matches=replay.matches,
            events=replay.events,
            agents=len(replay.agents),
            differences=replay.differences,
            is_repaired=repair,
        )

    async def _first_event(self, connection: Connection, debate_id: str) -> int:
        row = await self._queries.get_match(connection, debate_id=debate_id)
        names = [] if row is None else match_of(row).participants
        found = [
            await self._queries.first_event_of_match(
                connection, agent_name=name, debate_id=debate_id
            )
            for name in names
        ]
        numbers = [number for number in found if number is not None]
        if not numbers:
            raise MatchNotFoundError(debate_id)
        return min(numbers)

    async def _replay_page(
        self, connection: Connection, replay: Replay, page: list[PageHistoryRow], start: int
    ) -> None:
        ids = {row["reference"] for row in page if row["kind"] == "match" and row["reference"]}
        matches = {
            row["debate_id"]: match_of(row)
            async for row in self._queries.list_matches(connection, debate_ids=sorted(ids))
        }
        played = [name for match in matches.values() for name in match.participants]
        unknown = replay.unknown([*played, *(row["agent_name"] for row in page)])
        if unknown:
            before = dict.fromkeys(unknown, self._initial)
            async for known in self._queries.list_ratings(connection, agent_names=unknown):
                before[known["agent_name"]] = known["initial_elo"]
            if not replay.is_whole:
                async for last in self._queries.list_elo_before(
                    connection, agent_names=unknown, before_number=start
                ):
                    before[last["agent_name"]] = last["elo"]
            for name, elo in before.items():
                replay.begin(name, elo)
        replay.take(page, matches)

    async def _store_repairs(self, connection: Connection, replay: Replay) -> None:
        if replay.match_repairs:
            await self._queries.repair_match(connection, replay.match_repairs)
        if replay.history_repairs:
            await self._queries.repair_history(connection, replay.history_repairs)

    async def _compare(
        self, connection: Connection, replay: Replay, now: datetime, repair: bool
    ) -> None:
        async for page in self._pages_of_ratings():
            changed = [row for rating in page if (row := replay.compare(rating, now)) is not None]
            if changed and repair:
                await self._queries.repair_rating(connection, changed)
        if replay.is_whole:
            rows = [row async for row in self._domain_rows(connection)]
            repairs = [new for one in rows if (new := replay.compare_domain(one, now)) is not None]
            if repairs and repair:
                await self._queries.repair_domain_rating(connection, repairs)

    async def _domain_rows(self, connection: Connection) -> AsyncIterator[PageDomainRatingsRow]:
        agent, domain = "", ""
        while True:
            rows = self._queries.page_domain_ratings(
                connection, after_agent=agent, after_domain=domain, row_limit=PAGE
            )
            page = [row async for row in rows]
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            agent, domain = page[-1]["agent_name"], page[-1]["domain"]

    async def _pages_of_ratings(self) -> AsyncIterator[list[AgentRating]]:
        after = ""
        while True:
            async with self._database.read() as connection:
                rows = self._queries.page_ratings(connection, after_agent=after, row_limit=PAGE)
                page = [record_of(AgentRating, **row) async for row in rows]
            yield page
            if len(page) < PAGE:
                return
            after = page[-1].agent_name

    # Calibration

    async def record_winner_prediction(
        self, tournament_id: str, predictor_agent: str, predicted_winner: str, confidence: float
    ) -> None:
        """Store who an agent expects to win a tournament, in place of what it said before.

        ``confidence`` is from 0 to 1. :class:`~aragora_sql.errors.InvalidInputError` once the
        tournament is resolved.
        """
        tournament = valid.key(tournament_id, "tournament_id")
        predictor = valid.key(predictor_agent, "predictor_agent")
        predicted = valid.key(predicted_winner, "predicted_winner")
        checked = valid.fraction(confidence, "confidence")
        now = utc_now()
        async with self._database.transaction() as connection:
            is_new = await self._queries.open_tournament(
                connection, tournament_id=tournament, created_at=now
            )
            if is_new and await self._predictions(connection, tournament):
                raise _of_older_system(tournament)
            row = await self._queries.lock_tournament(connection, tournament_id=tournament)
            if row is not None and row["resolved_at"] is not None:
                raise InvalidInputError(
                    "tournament_id", f"{valid.shown(tournament)} is resolved already"
                )
            await self._queries.upsert_prediction(
                connection,
                tournament_id=tournament,
                predictor_agent=predictor,
                predicted_winner=predicted,
                confidence=checked,
                created_at=now,
            )

    async def resolve_tournament_calibration(
        self, tournament_id: str, actual_winner: str
    ) -> dict[str, float]:
        """Count the predictions of a tournament, and return the Brier score of each predictor.

        A Brier score is ``(confidence - 1) ** 2`` where the prediction came true, else
        ``confidence ** 2``. A tournament is counted once: a second time the scores of then are
        returned, and another winner is refused. So is a tournament that came from the older system,
        which does not say whether it has counted it.
        """
        tournament = valid.key(tournament_id, "tournament_id")
        winner = valid.key(actual_winner, "actual_winner")
        now = utc_now()
        async with self._database.transaction() as connection:
            row = await self._queries.lock_tournament(connection, tournament_id=tournament)
            predictions = await self._predictions(connection, tournament)
            if row is None and predictions:
                raise _of_older_system(tournament)
            if row is None:
                return {}
            if row["resolved_at"] is not None:
                if row["actual_winner"] != winner:
                    raise InvalidInputError(
                        "actual_winner",
                        f"{valid.shown(tournament)} was won by {valid.shown(row['actual_winner'])}",
                    )
                return {one.predictor_agent: one.brier_score or 0.0 for one in predictions}
            hits = {one.predictor_agent: one.predicted_winner == winner for one in predictions}
            briers = {
                one.predictor_agent: (one.confidence - hits[one.predictor_agent]) ** 2
                for one in predictions
            }
            await self._queries.resolve_tournament(
                connection, tournament_id=tournament, actual_winner=winner, resolved_at=now
            )
            if briers:
                await self._queries.set_brier_scores(
                    connection,
                    [
                        {"tournament_id": tournament, "predictor_agent": name, "brier_score": brier}
                        for name, brier in briers.items()
                    ],
                )
                # They come by name, the order in which ratings are locked.
                await self._queries.add_calibration(
                    connection,
                    [
                        {
                            "agent_name": name,
                            "correct": int(hits[name]),
                            "brier": brier,
                            "elo": self._initial,
                            "updated_at": now,
                        }
                        for name, brier in briers.items()
                    ],
                )
        return briers

    async def _predictions(self, connection: Connection, tournament: str) -> list[Prediction]:
        rows = self._queries.list_predictions(connection, tournament_id=tournament)
        return [record_of(Prediction, **row) async for row in rows]

    async def get_calibration_leaderboard(self, limit: int = 20) -> list[AgentRating]:
        """Return the agents with the lowest mean Brier score, best first; from 10 predictions."""
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.rank_calibration(
                connection, min_predictions=LEAST_PREDICTIONS, row_limit=row_limit
            )
            return [record_of(AgentRating, **row) async for row in rows]

    async def get_agent_calibration_history(
        self, agent_name: str, limit: int = 50
    ) -> list[Prediction]:
        """Return the predictions of an agent, the newest first."""
        name = valid.key(agent_name, "agent_name")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_predictions_by_agent(
                connection, agent_name=name, row_limit=row_limit
            )
            return [record_of(Prediction, **row) async for row in rows]

    async def record_domain_prediction(
        self, agent_name: str, domain: str, confidence: float, correct: bool
    ) -> None:
        """Count a prediction of an agent, in a domain, by its confidence (0 to 1) and in all."""
        name = valid.key(agent_name, "agent_name")
        checked_domain = valid.key(domain, "domain")
        checked = valid.fraction(confidence, "confidence")
        hit = int(valid.boolean(correct, "correct"))
        brier = (checked - hit) ** 2
        now = utc_now()
        async with self._database.transaction() as connection:
            await self._queries.add_calibration(
                connection,
                [
                    {
                        "agent_name": name,
                        "correct": hit,
                        "brier": brier,
                        "elo": self._initial,
                        "updated_at": now,
                    }
                ],
            )
            await self._queries.add_domain_calibration(
                connection,
                agent_name=name,
                domain=checked_domain,
                correct=hit,
                brier=brier,
                updated_at=now,
            )
            await self._queries.add_bucket(
                connection,
                agent_name=name,
                domain=checked_domain,
                bucket_key=bucket_of(checked),
                correct=hit,
                brier=brier,
            )

    async def get_domain_calibration(
        self, agent_name: str, domain: str | None = None
    ) -> CalibrationSummary:
        """Return how well an agent predicts in a domain, or in all and each of them."""
        name = valid.key(agent_name, "agent_name")
        checked = valid.optional(domain, "domain", valid.key)
        async with self._database.read() as connection:
            rows = [
                row
                async for row in self._queries.list_domain_calibration(
                    connection, agent_name=name, domain=checked
                )
            ]
        total = sum(row["total_predictions"] for row in rows)
        correct = sum(row["total_correct"] for row in rows)
        return CalibrationSummary(
            total=total,
            correct=correct,
            accuracy=rate(correct, total),
            brier_score=rate(sum(row["brier_sum"] for row in rows), total, 1.0),
            domains={
                row["domain"]: {
                    "predictions": row["total_predictions"],
                    "correct": row["total_correct"],
                    "accuracy": rate(row["total_correct"], row["total_predictions"]),
                    "brier_score": rate(row["brier_sum"], row["total_predictions"], 1.0),
                }
                for row in rows
            },
        )

    async def get_calibration_by_bucket(
        self, agent_name: str, domain: str | None = None
    ) -> list[CalibrationBucket]:
        """Return how often an agent's predictions come true, by confidence, the lowest first."""
        name = valid.key(agent_name, "agent_name")
        checked = valid.optional(domain, "domain", valid.key)
        sums: dict[str, tuple[int, int, float]] = {}
        async with self._database.read() as connection:
            async for row in self._queries.list_buckets(
                connection, agent_name=name, domain=checked
            ):
                predictions, correct, brier = sums.get(row["bucket_key"], (0, 0, 0.0))
                sums[row["bucket_key"]] = (
                    predictions + row["predictions"],
                    correct + row["correct"],
                    brier + row["brier_sum"],
                )
        return [bucket(key, *counted) for key, counted in sums.items()]

    async def get_expected_calibration_error(self, agent_name: str) -> float:
        """Return the mean distance of accuracy and confidence, 0 to 1; 1 without predictions.

        Over the ranges of confidence: the share of predictions in it times the distance of their
        accuracy from its middle.
        """
        buckets = await self.get_calibration_by_bucket(agent_name)
        total = sum(bucket.predictions for bucket in buckets)
        if not total:
            return 1.0
        return sum(
            bucket.predictions / total * abs(bucket.accuracy - bucket.expected_accuracy)
            for bucket in buckets
        )

    async def get_best_domains(self, agent_name: str, limit: int = 5) -> list[tuple[str, float]]:
        """Return the domains in which an agent predicts best, with their score, best first.

        From ``n`` = 5 predictions on: ``(1 - Brier score) * min(1, 0.5 + 0.5 * (n - 5) / 20)``.
        """
        most = valid.limit(limit)
        summary = await self.get_domain_calibration(agent_name)
        scores = [
            (name, (1.0 - one["brier_score"]) * min(1.0, 0.5 + 0.5 * (one["predictions"] - 5) / 20))
            for name, one in summary.domains.items()
            if one["predictions"] >= 5
        ]
        return sorted(scores, key=lambda pair: (-pair[1], pair[0]))[:most]

    # Relationships

    async def update_relationship(
        self,
        agent_a: str,
        agent_b: str,
        debate_increment: int = 0,
        agreement_increment: int = 0,
        critique_a_to_b: int = 0,
        critique_b_to_a: int = 0,
        critique_accepted_a_to_b: int = 0,
        critique_accepted_b_to_a: int = 0,
        position_change_a_after_b: int = 0,
        position_change_b_after_a: int = 0,
        a_win: int = 0,
        b_win: int = 0,
    ) -> None:
        """Add to what two agents are to each other; the order of their names is free.

        :meth:`record_match` has counted its debate and who won it.
        """
        _, row = relationship_update(
            "",
            agent_a,
            agent_b,
            debate_increment=debate_increment,
            agreement_increment=agreement_increment,
            critique_a_to_b=critique_a_to_b,
            critique_b_to_a=critique_b_to_a,
            critique_accepted_a_to_b=critique_accepted_a_to_b,
            critique_accepted_b_to_a=critique_accepted_b_to_a,
            position_change_a_after_b=position_change_a_after_b,
            position_change_b_after_a=position_change_b_after_a,
            a_win=a_win,
            b_win=b_win,
        )
        async with self._database.connection() as connection:
            await self._queries.add_relationships(connection, [row])

    async def update_relationships_batch(self, updates: Iterable[RelationshipEntry]) -> None:
        """Add to many pairs in one round trip, all or nothing.

        Each is a mapping with the arguments of :meth:`update_relationship`.
        """
        rows = [row for _, row in valid.prepare_each(relationship_update, updates, "updates")]
        if not rows:
            return
        # In one order, so that two such calls never wait for each other.
        rows.sort(key=lambda row: (row["agent_a"], row["agent_b"]))
        async with self._database.connection() as connection:
            await self._queries.add_relationships(connection, rows)

    async def get_relationship_raw(self, agent_a: str, agent_b: str) -> Relationship | None:
        """Return the counters of a pair, with the names in the order of code points, or None."""
        lower, higher = sorted(two_agents(agent_a, agent_b))
        async with self._database.read() as connection:
            row = await self._queries.get_relationship(connection, agent_a=lower, agent_b=higher)
        return None if row is None else record_of(Relationship, **row)

    async def get_all_relationships_for_agent(
        self, agent_name: str, limit: int = 100
    ) -> list[Relationship]:
        """Return what an agent is to others, those with most debates first, at most 1000."""
        name = valid.key(agent_name, "agent_name")
        row_limit = min(MOST_RELATIONSHIPS, valid.limit(limit))
        async with self._database.read() as connection:
            rows = self._queries.list_relationships(
                connection, agent_name=name, row_limit=row_limit
            )
            return [record_of(Relationship, **row) async for row in rows]

    async def compute_relationship_metrics(self, agent_a: str, agent_b: str) -> RelationshipMetrics:
        """Return how much two agents are rivals or allies; see :meth:`Relationship.metrics`."""
        found = await self.get_relationship_raw(agent_a, agent_b)
        if found is not None:
            return found.metrics(agent_a, agent_b)
        return RelationshipMetrics(
            agent_a=agent_a,
            agent_b=agent_b,
            rivalry_score=0.0,
            alliance_score=0.0,
            relationship="unknown",
            debate_count=0,
            agreement_rate=0.0,
            head_to_head="0-0",
        )

    async def get_rivals(self, agent_name: str, limit: int = 5) -> list[RelationshipMetrics]:
        """Return the strongest rivals (over 0.3) of an agent among its 100 busiest pairs."""
        return await self._affine(agent_name, limit, "rivalry_score")

    async def get_allies(self, agent_name: str, limit: int = 5) -> list[RelationshipMetrics]:
        """Return the strongest allies (over 0.3) of an agent among its 100 busiest pairs."""
        return await self._affine(agent_name, limit, "alliance_score")

    async def _affine(self, agent_name: str, limit: int, score: str) -> list[RelationshipMetrics]:
        most = valid.limit(limit)
        pairs = await self.get_all_relationships_for_agent(agent_name, BUSIEST_PAIRS)
        others = [
            (pair, pair.agent_b if pair.agent_a == agent_name else pair.agent_a) for pair in pairs
        ]
        found = [pair.metrics(agent_name, other) for pair, other in others]
        strong = [one for one in found if one[score] > LEAST_AFFINITY]
        return sorted(strong, key=lambda one: (-one[score], one.agent_b))[:most]

    async def get_influence_network(self, agent_name: str, limit: int = 100) -> InfluenceNetwork:
        """Return whom an agent influences and by whom it is influenced, the strongest first.

        An influence is the number of changes of position after the other one's for each debate of
        the pair (:attr:`Relationship.influence_a_on_b`), among the agent's busiest pairs. Those
        without any are left out.
        """
        name = valid.key(agent_name, "agent_name")
        given: dict[str, float] = {}
        taken: dict[str, float] = {}
        for pair in await self.get_all_relationships_for_agent(name, limit):
            if pair.agent_a == name:
                given[pair.agent_b], taken[pair.agent_b] = (
                    pair.influence_a_on_b,
                    pair.influence_b_on_a,
                )
            else:
                given[pair.agent_a], taken[pair.agent_a] = (
                    pair.influence_b_on_a,
                    pair.influence_a_on_b,
                )
        return InfluenceNetwork(
            agent_name=name, influences=_strongest(given), influenced_by=_strongest(taken)
        )

    # A knowledge store beside it

    def set_km_adapter(self, knowledge: KnowledgeStore | None) -> None:
        """Set the knowledge store that gets matches; None: none."""
        self._knowledge = knowledge

    async def query_km_agent_skill_history(
        self, agent_name: str, domain: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return what the knowledge store knows of an agent's skill; without one nothing."""
        name = valid.key(agent_name, "agent_name")
        checked = valid.optional(domain, "domain", valid.key)
        most = valid.limit(limit)
        if self._knowledge is None or not most:
            return []
        return await self._knowledge.agent_skill_history(name, checked, most)

    async def query_km_domain_expertise(self, domain: str, limit: int = 10) -> list[dict[str, Any]]:
        """Return who is good in a domain by the knowledge store; without one nobody."""
        checked = valid.key(domain, "domain")
        most = valid.limit(limit)
        if self._knowledge is None or not most:
            return []
        return await self._knowledge.domain_expertise(checked, most)

    # Adjustments outside matches

    async def update_from_verification(
        self,
        agent_name: str,
        domain: str,
        verified_count: int,
        disproven_count: int = 0,
        k_factor: float = 16.0,
    ) -> float:
        """Change an agent's ratings by its verified and disproven claims; return the change.

        ``(verified - disproven) * k_factor * 0.5`` points over all domains and in the domain, where
        neither falls below 100. Nothing is written when both counts are 0.
        """
        name = valid.key(agent_name, "agent_name")
        checked = valid.key(domain, "domain")
        verified = valid.integer(verified_count, "verified_count")
        disproven = valid.integer(disproven_count, "disproven_count")
        change: float = (verified - disproven) * _points(k_factor, "k_factor") * 0.5
        if not verified and not disproven:
            return 0.0

        async def work(connection: Connection, locked: Locked) -> float:
            elo = locked[name]["elo"]
            applied: float = max(change, LEAST_ELO - elo)
            in_domain = await self._queries.get_domain_elo(
                connection, agent_name=name, domain=checked
            )
            of_domain = max(change, LEAST_ELO - (self._initial if in_domain is None else in_domain))
            now = utc_now()
            await self._queries.set_elo(
                connection, agent_name=name, elo=elo + applied, updated_at=now
            )
            await self._adjust_domain(connection, name, checked, of_domain, now)
            await self._store_event(
                connection,
                name,
                "verification",
                f"{verified}v{disproven}d",
                domain=checked,
                elo=elo + applied,
                change=applied,
                domain_change=of_domain,
                created_at=now,
            )
            return applied

        return await self._with_ratings([name], work)

    async def get_verification_impact(self, agent_name: str) -> VerificationImpact:
        """Return what verifications changed of an agent's rating over all domains."""
        events = await self._adjustments(agent_name, "verification")
        return VerificationImpact(
            agent_name=agent_name,
            verification_events=len(events),
            total_impact=sum(event.change for event in events),
            history=events,
        )

    async def record_redteam_result(
        self,
        agent_name: str,
        robustness_score: float,
        successful_attacks: int,
        total_attacks: int,
        critical_vulnerabilities: int = 0,
        session_id: str | None = None,
    ) -> float:
        """Change an agent's rating over all domains by a red team; return the change.

        ``K * 0.3 * robustness`` points from a robustness (0 to 1) of 0.8 on; below 0.5
        ``-(K * 0.5 * successful / total + 2 * critical)``, at least -30; else 0.
        """
        name = valid.key(agent_name, "agent_name")
        robustness = valid.fraction(robustness_score, "robustness_score")
        total = valid.integer(total_attacks, "total_attacks")
        successful = valid.integer(successful_attacks, "successful_attacks")
        if successful > total:
            raise InvalidInputError(
                "successful_attacks", f"must be at most total_attacks, {total}, not {successful}"
            )
        critical = valid.integer(critical_vulnerabilities, "critical_vulnerabilities")
        session = valid.optional(session_id, "session_id", valid.key)
        if robustness >= 0.8:
            change = self._k_factor * 0.3 * robustness
        elif robustness < 0.5:
            lost = self._k_factor * 0.5 * rate(successful, total) + 2.0 * critical
            change = max(-30.0, -lost) + 0.0
        else:
            change = 0.0

        async def work(connection: Connection, locked: Locked) -> float:
            elo = locked[name]["elo"] + change
            now = utc_now()
            await self._queries.set_elo(connection, agent_name=name, elo=elo, updated_at=now)
            await self._store_event(
                connection, name, "redteam", session, elo=elo, change=change, created_at=now
            )
            return change

        return await self._with_ratings([name], work)

    async def get_vulnerability_summary(self, agent_name: str) -> VulnerabilitySummary:
        """Return what red teams changed of an agent's rating over all domains."""
        events = await self._adjustments(agent_name, "redteam")
        return VulnerabilitySummary(
            agent_name=agent_name,
            redteam_sessions=len(events),
            total_elo_impact=sum(event.change for event in events),
            last_session=events[-1].created_at if events else None,
        )

    async def update_voting_accuracy(
        self,
        agent_name: str,
        voted_for_consensus: bool,
        domain: str = GENERAL,
        debate_id: str | None = None,
        apply_elo_bonus: bool = True,
        bonus_k_factor: float = 4.0,
    ) -> float:
        """Count a vote of an agent, and return how its rating in the domain changed.

        From 5 votes on: ``k * 2 * (accuracy - 0.5)`` points for a vote for the consensus, else
        ``-k * 0.25``; 0 with ``apply_elo_bonus=False``. Votes are no predictions: they change no
        calibration.
        """
        name = valid.key(agent_name, "agent_name")
        hit = valid.boolean(voted_for_consensus, "voted_for_consensus")
        checked = valid.key(domain, "domain")
        reference = valid.optional(debate_id, "debate_id", valid.key)
        applies = valid.boolean(apply_elo_bonus, "apply_elo_bonus")
        k_factor = _points(bonus_k_factor, "bonus_k_factor")

        async def work(connection: Connection, locked: Locked) -> float:
            row = locked[name]
            total, correct = row["votes_total"] + 1, row["votes_correct"] + hit
            change = 0.0
            if applies and total >= MEANINGFUL_VOTES:
                change = k_factor * 2.0 * (correct / total - 0.5) if hit else -k_factor * 0.25
            now = utc_now()
            await self._queries.add_vote(
                connection, agent_name=name, correct=int(hit), updated_at=now
            )
            await self._change_domain_alone(
                connection, row, "voting", reference, checked, change, now
            )
            return change

        return await self._with_ratings([name], work)

    async def get_voting_accuracy(self, agent_name: str) -> VotingAccuracy:
        """Return how often an agent voted for the consensus."""
        name = valid.key(agent_name, "agent_name")
        return (await self.get_voting_accuracy_batch([name]))[name]

    async def get_voting_accuracy_batch(
        self, agent_names: Sequence[str]
    ) -> dict[str, VotingAccuracy]:
        """Return how often many agents voted for the consensus, by name, in one round trip."""
        ratings = await self.get_ratings(agent_names)
        return {
            name: VotingAccuracy(
                total_votes=rating.votes_total,
                correct_votes=rating.votes_correct,
                accuracy=rate(rating.votes_correct, rating.votes_total),
                has_meaningful_data=rating.votes_total >= MEANINGFUL_VOTES,
            )
            for name, rating in ratings.items()
        }

    async def get_learning_efficiency(
        self, agent_name: str, domain: str | None = None, window_debates: int = 20
    ) -> LearningEfficiency:
        """Return how an agent's rating develops over its newest events, the oldest first.

        They are those of the rating over all domains; with ``domain`` the matches and verifications
        of that domain. See :class:`LearningEfficiency`.
        """
        name = valid.key(agent_name, "agent_name")
        found = await self.get_learning_efficiency_batch([name], domain, window_debates)
        return found[name]

    async def get_learning_efficiency_batch(
        self, agent_names: Sequence[str], domain: str | None = None, window_debates: int = 20
    ) -> dict[str, LearningEfficiency]:
        """Return how the ratings of many agents develop, by name, in two round trips."""
        checked = valid.optional(domain, "domain", valid.key)
        events = valid.integer(window_debates, "window_debates")
        wanted = list(dict.fromkeys(valid.texts(agent_names, "agent_names")))
        series: dict[str, list[float]] = {name: [] for name in wanted}
        if not series:
            return {}
        async with self._database.read() as connection:
            ratings = await self.get_ratings(wanted)
            if checked is None:
                async for row in self._queries.list_ratings_after(
                    connection, agent_names=wanted, events=events
                ):
                    series[row["agent_name"]].append(row["elo"])
            else:
                async for one in self._queries.list_domain_changes(
                    connection, agent_names=wanted, domain=checked, events=events
                ):
                    so_far = series[one["agent_name"]]
                    so_far.append((so_far[-1] if so_far else 0.0) + one["domain_change"])
        return {name: efficiency(ratings[name], checked, series[name]) for name in wanted}

    async def apply_learning_bonus(
        self,
        agent_name: str,
        domain: str = GENERAL,
        debate_id: str | None = None,
        bonus_factor: float = 0.5,
    ) -> float:
        """Reward an agent whose rating rises, in the domain alone; return the change.

        ``bonus_factor`` times 3 points for rapid, 1.5 for steady and 0.5 for slow learning, times
        the consistency. Nothing is written for a declining agent, or with fewer than 3 events.
        """
        name = valid.key(agent_name, "agent_name")
        checked = valid.key(domain, "domain")
        reference = valid.optional(debate_id, "debate_id", valid.key)
        factor = _points(bonus_factor, "bonus_factor")
        found = await self.get_learning_efficiency(name)
        points = LEARNING_BONUS.get(found.learning_category, 0.0)
        change = factor * points * found.consistency_score
        if not change:
            return 0.0

        async def work(connection: Connection, locked: Locked) -> float:
            await self._change_domain_alone(
                connection, locked[name], "learning", reference, checked, change, utc_now()
            )
            return change

        return await self._with_ratings([name], work)

    async def _change_domain_alone(
        self,
        connection: Connection,
        row: LockRatingsRow,
        kind: KindWord,
        reference: str | None,
        domain: str,
        change: float,
        now: datetime,
    ) -> None:
        """Change the rating of a domain, and store the event with the unchanged overall rating."""
        if change:
            await self._adjust_domain(connection, row["agent_name"], domain, change, now)
        await self._store_event(
            connection,
            row["agent_name"],
            kind,
            reference,
            domain=domain,
            elo=row["elo"],
            change=None,
            domain_change=change or None,
            created_at=now,
        )

    async def _adjust_domain(
        self, connection: Connection, name: str, domain: str, change: float, now: datetime
    ) -> None:
        await self._queries.adjust_domain(
            connection,
            agent_name=name,
            domain=domain,
            elo=self._initial,
            change=change,
            updated_at=now,
        )

    async def _store_event(
        self,
        connection: Connection,
        agent_name: str,
        kind: KindWord,
        reference: str | None,
        *,
        elo: float,
        change: float | None,
        created_at: datetime,
        domain: str | None = None,
        domain_change: float | None = None,
    ) -> None:
        row: InsertHistoryParameters = {
            "agent_name": agent_name,
            "kind": kind,
            "reference": reference,
            "domain": domain,
            "elo": elo,
            "change": change,
            "domain_change": domain_change,
            "created_at": created_at,
        }
        await self._queries.insert_history(connection, [row])

    async def _adjustments(self, agent_name: str, kind: KindWord) -> list[Adjustment]:
        name = valid.key(agent_name, "agent_name")
        async with self._database.read() as connection:
            rows = self._queries.list_adjustments(connection, agent_name=name, kind=kind)
            return [record_of(Adjustment, **row) async for row in rows]


def _in_order(matches: list[NewMatch], done: Mapping[str, _Rated]) -> list[_Rated | None]:
    """Return what was done for each match; None where nothing was.

    One that several tasks have asked for was played for the first of them.
    """
    found: list[_Rated | None] = []
    played: set[str] = set()
    for match in matches:
        one = done.get(match.debate_id)
        if one is not None:
            is_first = match.debate_id not in played
            one = _Rated(dict(one.changes), one.played if is_first else None)
            played.add(match.debate_id)
        found.append(one)
    return found


def _strongest(influences: Mapping[str, float]) -> dict[str, float]:
    """Return influences of more than 0, the strongest first, then by name."""
    order = sorted(influences.items(), key=lambda one: (-one[1], one[0]))
    return {name: influence for name, influence in order if influence > 0}


def _agents_of(matches: list[NewMatch]) -> list[str]:
    """Return the names of all who take part, in their order."""
    return sorted({name for match in matches for name in match.participants})


def _of_older_system(tournament: str) -> InvalidInputError:
    return InvalidInputError(
        "tournament_id",
        f"{valid.shown(tournament)} came from the older system, which may have counted it already",
    )


def _points(value: Any, argument: str) -> float:
    """Check a number of points, or a factor of points: at least 0."""
    return valid.number(value, argument, 0.0, LARGEST_ELO)

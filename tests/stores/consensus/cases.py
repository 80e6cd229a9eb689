"""What the conformance suite needs to know of the consensus memory."""

from __future__ import annotations

from aragora_sql.stores.consensus import ConsensusMemory, DissentRetriever
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_JSON,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_OBJECTS,
    NOT_TIMESTAMPS,
    UNSTORABLE_TEXTS,
    BadArgument,
    Batch,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    lists_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import consensus, day, dissent, numbers, run

KEYS = ["key 1", "key 2", "key 3"]
NOW = day(400)

HOT = [
    Hot("get_consensus", {"consensus_id": "key"}),
    Hot("get_by_topic_hash", {"topic_hash": "0123456789abcdef"}),
    Hot("list_recent", {"min_confidence": 0.0, "row_limit": 10}, True),
    Hot(
        "list_domain",
        {"domain": "domain 1", "min_confidence": 0.0, "row_limit": 10},
        True,
    ),
    Hot("sample_topic_terms", {"row_limit": 10}, True),
    Hot("count_domain", {"domain": "domain 1"}),
    Hot(
        "find_similar",
        {
            "levels": ["(topic&word17)", "(word17|word18)", "~topic"],
            "enough": 5,
            "most": 200,
            "terms": ["topic", "word17", "word18"],
            "topic_hash": "0123456789abcdef",
            "min_confidence": 0.0,
            "domain": None,
            "include_superseded": False,
            "row_limit": 5,
        },
    ),
    Hot("update_cruxes", {"consensus_id": "k", "belief_cruxes": [], "updated_at": NOW}),
    Hot("delete_consensus", {"consensus_id": "key"}),
    Hot("delete_consensus_without_dissents", {"consensus_id": "key"}),
    Hot("get_dissent", {"dissent_id": "key"}),
    Hot("list_dissents", {"consensus_ids": KEYS}),
    Hot("count_dissents", {"consensus_ids": KEYS}),
    Hot(
        "list_relevant_dissents",
        {
            "consensus_ids": KEYS,
            "dissent_types": ["abstention"],
            "min_confidence": 0.0,
            "row_limit": 10,
        },
    ),
    Hot("list_dissents_by_agent", {"agent_id": "agent 1", "row_limit": 10}, True),
    Hot("list_dissents_by_type", {"dissent_type": "abstention", "row_limit": 10}, True),
    Hot("acknowledge_dissent", {"dissent_id": "key", "rebuttal": ""}),
    Hot("get_latest_proof", {"consensus_id": "key"}),
    Hot("list_proofs", {"consensus_id": "key"}),
    Hot("list_recent_proofs", {"row_limit": 10}, True),
    Hot("list_verified_proofs", {"row_limit": 10}, True),
    Hot("list_votes", {"debate_id": "key"}),
    Hot("lock_expired", {"cutoff": day(-1), "row_limit": 10}, True),
    Hot("delete_many", {"consensus_ids": KEYS}),
]


async def add(memory: ConsensusMemory) -> None:
    await memory.store_consensus("Topic", "Conclusion", "weak", 0.5, [], [])


async def fill(memory: ConsensusMemory) -> None:
    """Store some thousand rows in each table."""
    records = await memory.store_many(
        consensus(
            f"topic word{number % 997}", domain=f"domain {number % 50}", created_at=day(number / 10)
        )
        for number in range(4000)
    )
    await memory.store_dissents(
        dissent(
            record.id,
            agent_id=f"agent {number % 4}",
            dissent_type=("abstention", "risk_warning")[number % 20 > 0],
            created_at=day(number / 10),
        )
        for number, record in enumerate(records)
    )
    await memory.store_proofs(
        {
            "debate_id": record.id,
            "proof_status": "timeout",
            "is_verified": number % 10 == 0,
            "created_at": day(number / 10),
        }
        for number, record in enumerate(records)
    )
    votes = ", ".join(f"('debate {number}', 'ann', 'yes')" for number in range(3000))
    await run(
        memory.database, f"INSERT INTO debate_votes (debate_id, user_id, vote) VALUES {votes}"
    )
    # With fewer rows PostgreSQL prefers, rightly, to read all of them for a search.
    await run(
        memory.database,
        "INSERT INTO consensus (id, topic, topic_hash, topic_terms, conclusion, domain) "
        "SELECT 'id ' || n, 'topic ' || n, 'hash ' || n, 'topic word' || n % 997, 'c', "
        f"'domain ' || n % 3 FROM {numbers(memory.database, 20_000)}",
    )


async def prepare(memory: ConsensusMemory) -> str:
    """Return the id of a consensus with a dissent and a proof."""
    record = await memory.store_consensus(**consensus())
    await memory.store_dissent(**dissent(record.id))
    await memory.store_proof(record.id, "proof_found", is_verified=True)
    return record.id


ROUND_TRIPS = {
    "get_consensus": Call(1, lambda s, kept: s.get_consensus(kept)),
    "get_by_topic_hash": Call(1, lambda s, kept: s.get_by_topic_hash("27c18c4635ab2b10")),
    "get_recent": Call(1, lambda s, kept: s.get_recent()),
    "get_recent of a domain": Call(1, lambda s, kept: s.get_recent(domain="general")),
    "get_by_domain": Call(1, lambda s, kept: s.get_by_domain("general")),
    "count": Call(1, lambda s, kept: s.count()),
    "find_similar": Call(1, lambda s, kept: s.find_similar("rate limiting")),
    "get_dissent": Call(1, lambda s, kept: s.get_dissent("unknown")),
    "get_dissents": Call(1, lambda s, kept: s.get_dissents(kept)),
    "get_dissents_batch": Call(1, lambda s, kept: s.get_dissents_batch([kept] * 100)),
    "get_dissents_by_agent": Call(1, lambda s, kept: s.get_dissents_by_agent("gemini")),
    "get_dissents_by_type": Call(1, lambda s, kept: s.get_dissents_by_type("risk_warning")),
    "get_verified_proof": Call(1, lambda s, kept: s.get_verified_proof(kept)),
    "get_proofs_for_debate": Call(1, lambda s, kept: s.get_proofs_for_debate(kept)),
    "get_verified_proofs": Call(1, lambda s, kept: s.get_verified_proofs()),
    "get_votes": Call(1, lambda s, kept: s.get_votes("d")),
    "get_stats of consensus": Call(1, lambda s, kept: s.get_stats()),
    "store_consensus": Call(1, lambda s, kept: s.store_consensus(**consensus())),
    "store_consensus that supersedes": Call(
        1, lambda s, kept: s.store_consensus(**consensus(supersedes=kept))
    ),
    "supersede_consensus": Call(
        1,
        lambda s, kept: s.supersede_consensus(
            kept,
            "Topic",
            "Conclusion",
            strength="weak",
            confidence=0.5,
            participating_agents=[],
            agreeing_agents=[],
        ),
    ),
    "store_many": Call(
        1, lambda s, kept: s.store_many(consensus(f"topic {n}") for n in range(500))
    ),
    "update_cruxes": Call(1, lambda s, kept: s.update_cruxes(kept, ["crux"])),
    "delete_consensus": Call(1, lambda s, kept: s.delete_consensus(kept)),
    "store_dissent": Call(1, lambda s, kept: s.store_dissent(**dissent(kept))),
    "store_dissents": Call(1, lambda s, kept: s.store_dissents([dissent(kept)] * 100)),
    "acknowledge_dissent": Call(1, lambda s, kept: s.acknowledge_dissent("unknown")),
    "store_proof": Call(1, lambda s, kept: s.store_proof(kept, "timeout")),
    "record_vote": Call(1, lambda s, kept: s.record_vote("d", "ann", "yes")),
    "find_similar_debates": Call(
        2, lambda s, kept: s.find_similar_debates("rate limiting"), at_most=True
    ),
    "find_relevant_dissent": Call(
        2, lambda s, kept: s.find_relevant_dissent("rate limiting"), at_most=True
    ),
    "retrieve_for_new_debate": Call(
        4,
        lambda s, kept: DissentRetriever(s).retrieve_for_new_debate("rate limiting"),
        at_most=True,
    ),
}

BAD_ARGUMENTS = [
    *names_of("store_consensus", "topic"),
    *keys_of("store_consensus", "domain"),
    *texts_of("store_consensus", "conclusion"),
    BadArgument("store_consensus", "debate_id", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1001]),
    BadArgument("store_consensus", "strength", ["medium", "", "STRONG", None, 5, [], "\x00"]),
    BadArgument("store_consensus", "confidence", [*NOT_FRACTIONS, None]),
    *lists_of("store_consensus", "participating_agents", "agreeing_agents"),
    BadArgument("store_consensus", "participating_agents", [["a", blank] for blank in BLANK_TEXTS]),
    BadArgument("store_consensus", "agreeing_agents", [["a", blank] for blank in BLANK_TEXTS]),
    BadArgument("store_consensus", "dissenting_agents", [["a", blank] for blank in BLANK_TEXTS]),
    *lists_of("store_consensus", "dissenting_agents", "key_claims", "tags"),
    *lists_of("store_consensus", "supporting_evidence"),
    BadArgument("store_consensus", "debate_duration", [*NOT_MEASURES, None]),
    BadArgument("store_consensus", "rounds", NOT_COUNTS),
    *documents_of("store_consensus", "metadata", "data"),
    BadArgument("store_consensus", "belief_cruxes", [*NOT_LISTS, *([bad] for bad in NOT_JSON)]),
    BadArgument("store_consensus", "supersedes", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1001]),
    BadArgument("store_consensus", "created_at", NOT_TIMESTAMPS),
    BadArgument("store_many", "records", [None, *NOT_LISTS, ["text"], [None], [5]]),
    *texts_of("get_consensus", "consensus_id"),
    *texts_of("get_by_topic_hash", "topic_hash"),
    *limits_of("get_recent", "get_by_domain", "get_domain_consensus_history"),
    BadArgument("get_recent", "min_confidence", [*NOT_FRACTIONS, None]),
    BadArgument("get_by_domain", "min_confidence", [*NOT_FRACTIONS, None]),
    *optional_texts_of("get_recent", "domain"),
    *texts_of("get_by_domain", "domain"),
    *texts_of("get_domain_consensus_history", "domain"),
    *optional_texts_of("count", "domain"),
    *texts_of("update_cruxes", "consensus_id"),
    BadArgument("update_cruxes", "cruxes", [None, *NOT_LISTS, *([bad] for bad in NOT_JSON)]),
    *keys_of("supersede_consensus", "old_id"),
    *texts_of("delete_consensus", "consensus_id"),
    BadArgument("cleanup_old_records", "max_age_days", [*NOT_MEASURES, None, 1e6, 1e300]),
    *texts_of("find_similar", "topic"),
    *limits_of("find_similar", "find_similar_debates", "find_relevant_dissent"),
    BadArgument("find_similar", "min_confidence", [*NOT_FRACTIONS, None]),
    *optional_texts_of("find_similar", "domain"),
    *texts_of("find_similar_debates", "topic"),
    *texts_of("find_relevant_dissent", "topic"),
    BadArgument("find_relevant_dissent", "min_confidence", [*NOT_FRACTIONS, None]),
    BadArgument("find_relevant_dissent", "dissent_types", ["abstention", ["whim"], [None], 5]),
    *keys_of("store_dissent", "debate_id", "agent_id"),
    *texts_of("store_dissent", "content", "reasoning", "rebuttal"),
    BadArgument("store_dissent", "dissent_type", ["whim", "", "ABSTENTION", None, 5, {}]),
    BadArgument("store_dissent", "confidence", [*NOT_FRACTIONS, None]),
    BadArgument("store_dissent", "acknowledged", NOT_BOOLEANS),
    *documents_of("store_dissent", "metadata", "data"),
    BadArgument("store_dissent", "created_at", NOT_TIMESTAMPS),
    BadArgument("store_dissents", "dissents", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("get_dissent", "dissent_id"),
    *texts_of("get_dissents", "debate_id"),
    *lists_of("get_dissents_batch", "consensus_ids"),
    *texts_of("get_dissents_by_agent", "agent_id"),
    *limits_of("get_dissents_by_agent", "get_dissents_by_type"),
    BadArgument("get_dissents_by_type", "dissent_type", ["whim", None]),
    *texts_of("acknowledge_dissent", "dissent_id", "rebuttal"),
    *texts_of("delete_dissent", "dissent_id"),
    *keys_of("store_proof", "debate_id"),
    BadArgument("store_proof", "proof_status", ["proved", "", None, 5]),
    *optional_texts_of("store_proof", "language", "formal_statement", "proof_hash"),
    *optional_texts_of("store_proof", "prover_version", "error_message"),
    BadArgument("store_proof", "is_verified", NOT_BOOLEANS),
    BadArgument("store_proof", "translation_time_ms", NOT_MEASURES),
    BadArgument("store_proof", "proof_search_time_ms", NOT_MEASURES),
    *documents_of("store_proof", "metadata", "data"),
    BadArgument("store_proof", "created_at", NOT_TIMESTAMPS),
    BadArgument("store_proofs", "proofs", [None, *NOT_LISTS, ["text"], [None]]),
    BadArgument("store_verified_proof", "proof_result", [None, *NOT_OBJECTS]),
    *texts_of("get_verified_proof", "debate_id"),
    *texts_of("get_proofs_for_debate", "debate_id"),
    *limits_of("list_verified_debates", "get_verified_proofs"),
    *keys_of("record_vote", "debate_id", "user_id"),
    *names_of("record_vote", "vote"),
    *texts_of("record_vote", "source"),
    *texts_of("get_votes", "debate_id"),
    *texts_of("retrieve_for_new_debate", "topic", of="retriever"),
    *texts_of("find_risk_warnings", "topic", of="retriever"),
    *limits_of("find_risk_warnings", "find_contrarian_views", of="retriever"),
    *optional_texts_of("find_risk_warnings", "domain", of="retriever"),
]

GOOD_ARGUMENTS = {
    "store_consensus": consensus(),
    "get_by_domain": {"domain": "general"},
    "get_domain_consensus_history": {"domain": "general"},
    "update_cruxes": {"consensus_id": "unknown", "cruxes": []},
    "supersede_consensus": {
        "new_topic": "t",
        "new_conclusion": "c",
        "strength": "weak",
        "confidence": 0.5,
        "participating_agents": [],
        "agreeing_agents": [],
    },
    "find_similar": {"topic": "rate"},
    "find_similar_debates": {"topic": "rate"},
    "find_relevant_dissent": {"topic": "rate"},
    "find_risk_warnings": {"topic": "rate"},
    "find_contrarian_views": {"consensus_position": "rate"},
    "store_dissent": dissent("unknown"),
    "get_dissents_by_agent": {"agent_id": "a"},
    "get_dissents_by_type": {"dissent_type": "abstention"},
    "acknowledge_dissent": {"dissent_id": "unknown"},
    "store_proof": {"debate_id": "unknown", "proof_status": "timeout"},
    "store_verified_proof": {"debate_id": "unknown"},
    "record_vote": {"debate_id": "d", "user_id": "u", "vote": "v"},
}

CASES = StoreCases(
    make=ConsensusMemory,
    add=add,
    count=lambda memory: memory.count(),
    foreign_table="consensus (id TEXT PRIMARY KEY, text TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    free_calls={
        "store_many of nothing": lambda s: s.store_many([]),
        "find_similar of no row": lambda s: s.find_similar("rate", limit=0),
    },
    refused={"confidence": lambda s: s.store_consensus(**consensus(confidence=2))},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
    batches=[
        Batch("store_many", "records", consensus(), "confidence"),
        Batch("store_dissents", "dissents", dissent("unknown"), "agent_id"),
        Batch(
            "store_proofs",
            "proofs",
            {"debate_id": "unknown", "proof_status": "timeout"},
            "is_verified",
        ),
    ],
    helpers={"retriever": DissentRetriever},
)

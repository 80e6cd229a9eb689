-- Queries of the consensus store. Dissents and proofs belong to a consensus and go with it.

-- name: insert_consensus(id, topic, topic_hash, topic_terms, conclusion, strength, confidence, domain, debate_id, supersedes, rounds, debate_duration_seconds, participating_agents, agreeing_agents, dissenting_agents, key_claims, supporting_evidence, tags, belief_cruxes, metadata, data, created_at, updated_at)!
-- Store a consensus; an unknown id in supersedes is refused by its foreign key.
INSERT INTO consensus (
    id,
    topic,
    topic_hash,
    topic_terms,
    conclusion,
    strength,
    confidence,
    domain,
    debate_id,
    supersedes,
    rounds,
    debate_duration_seconds,
    participating_agents,
    agreeing_agents,
    dissenting_agents,
    key_claims,
    supporting_evidence,
    tags,
    belief_cruxes,
    metadata,
    data,
    created_at,
    updated_at
)
VALUES (
    :id,
    :topic,
    :topic_hash,
    :topic_terms,
    :conclusion,
    :strength,
    :confidence,
    :domain,
    :debate_id,
    :supersedes,
    :rounds,
    :debate_duration_seconds,
    :participating_agents::jsonb,
    :agreeing_agents::jsonb,
    :dissenting_agents::jsonb,
    :key_claims::jsonb,
    :supporting_evidence::jsonb,
    :tags::jsonb,
    :belief_cruxes::jsonb,
    :metadata::jsonb,
    :data::jsonb,
    :created_at,
    :updated_at
);

-- name: insert_consensus_records(records)!
-- Store consensus records, each a list of the values that insert_consensus takes; documents are texts.
-- meaning: values of records [[["new_1", "alpha beta", "0123456789abcdef", "alpha beta", "c", "strong", 0.25, "d", null, null, 2, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"]], [["new_2", "alpha beta", "0123456789abcdef", "alpha beta", "c", "strong", 0.25, "e", "k_1", null, 2, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"], ["new_3", "gamma", "0123456789abcdef", "gamma", "c", "weak", 1.0, "d", null, null, 2, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"]], [["new_4", "alpha beta", "0123456789abcdef", "alpha beta", "c", "strong", 0.25, "d", null, "k_1", 0, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"]], [["new_5", "alpha beta", "0123456789abcdef", "alpha beta", "c", "strong", 1.5, "d", null, null, 2, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"]], [["new_6", "alpha beta", "0123456789abcdef", "alpha beta", "c", "strong", 0.25, "d", null, null, 2, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"], ["new_6", "alpha beta", "0123456789abcdef", "alpha beta", "c", "strong", 0.25, "d", null, null, 2, 41.5, "[\"a\", \"b\"]", "[\"a\"]", "[\"b\"]", "[\"k\"]", "[]", "[\"t\"]", "[{\"claim\": \"x\"}]", "{\"n\": 1.5}", "{\"m\": [1, null]}", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000001Z"]], []] because the store writes them so
INSERT INTO consensus (
    id,
    topic,
    topic_hash,
    topic_terms,
    conclusion,
    strength,
    confidence,
    domain,
    debate_id,
    supersedes,
    rounds,
    debate_duration_seconds,
    participating_agents,
    agreeing_agents,
    dissenting_agents,
    key_claims,
    supporting_evidence,
    tags,
    belief_cruxes,
    metadata,
    data,
    created_at,
    updated_at
)
SELECT
    e.value ->> 0 AS id,
    e.value ->> 1 AS topic,
    e.value ->> 2 AS topic_hash,
    e.value ->> 3 AS topic_terms,
    e.value ->> 4 AS conclusion,
    e.value ->> 5 AS strength,
    (e.value ->> 6)::double precision AS confidence,
    e.value ->> 7 AS domain,
    e.value ->> 8 AS debate_id,
    e.value ->> 9 AS supersedes,
    (e.value ->> 10)::integer AS rounds,
    (e.value ->> 11)::double precision AS debate_duration_seconds,
    (e.value ->> 12)::jsonb AS participating_agents,
    (e.value ->> 13)::jsonb AS agreeing_agents,
    (e.value ->> 14)::jsonb AS dissenting_agents,
    (e.value ->> 15)::jsonb AS key_claims,
    (e.value ->> 16)::jsonb AS supporting_evidence,
    (e.value ->> 17)::jsonb AS tags,
    (e.value ->> 18)::jsonb AS belief_cruxes,
    (e.value ->> 19)::jsonb AS metadata,
    (e.value ->> 20)::jsonb AS data,
    (e.value ->> 21)::timestamptz AS created_at,
    (e.value ->> 22)::timestamptz AS updated_at
FROM jsonb_array_elements(:records::jsonb) AS e (value);

-- name: get_consensus(consensus_id)^
-- Return one consensus with the ids of its dissents and of what superseded it.
-- result: dissent_ids json
SELECT
    -- columns: ConsensusRecord
    c.id,
    c.topic,
    c.topic_hash,
    c.conclusion,
    c.strength,
    c.confidence,
    c.domain,
    c.debate_id,
    c.participating_agents,
    c.agreeing_agents,
    c.dissenting_agents,
    c.key_claims,
    c.supporting_evidence,
    c.tags,
    c.belief_cruxes,
    c.rounds,
    c.debate_duration_seconds,
    c.supersedes,
    (
        SELECT n.id
        FROM consensus AS n
        WHERE n.supersedes = c.id
        ORDER BY n.created_at DESC, n.id COLLATE "C" ASC
        LIMIT 1
    ) AS superseded_by,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.id ORDER BY d.created_at, d.id COLLATE "C")
            FROM dissent AS d
            WHERE d.consensus_id = c.id
        ),
        '[]'::jsonb
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.id = :consensus_id;

-- name: get_by_topic_hash(topic_hash)^
-- Return the newest consensus on exactly this set of topic words.
-- result: dissent_ids json
SELECT
    -- columns: ConsensusRecord
    c.id,
    c.topic,
    c.topic_hash,
    c.conclusion,
    c.strength,
    c.confidence,
    c.domain,
    c.debate_id,
    c.participating_agents,
    c.agreeing_agents,
    c.dissenting_agents,
    c.key_claims,
    c.supporting_evidence,
    c.tags,
    c.belief_cruxes,
    c.rounds,
    c.debate_duration_seconds,
    c.supersedes,
    (
        SELECT n.id
        FROM consensus AS n
        WHERE n.supersedes = c.id
        ORDER BY n.created_at DESC, n.id COLLATE "C" ASC
        LIMIT 1
    ) AS superseded_by,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.id ORDER BY d.created_at, d.id COLLATE "C")
            FROM dissent AS d
            WHERE d.consensus_id = c.id
        ),
        '[]'::jsonb
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.topic_hash = :topic_hash
ORDER BY c.created_at DESC, c.id COLLATE "C" ASC
LIMIT 1;

-- name: list_recent(min_confidence, row_limit)
-- List the newest consensus records of all domains.
-- plan: filtered_walk allowed because records below the confidence asked for are the smaller part; where they are not, all are read at worst
-- result: dissent_ids json
SELECT
    -- columns: ConsensusRecord
    c.id,
    c.topic,
    c.topic_hash,
    c.conclusion,
    c.strength,
    c.confidence,
    c.domain,
    c.debate_id,
    c.participating_agents,
    c.agreeing_agents,
    c.dissenting_agents,
    c.key_claims,
    c.supporting_evidence,
    c.tags,
    c.belief_cruxes,
    c.rounds,
    c.debate_duration_seconds,
    c.supersedes,
    (
        SELECT n.id
        FROM consensus AS n
        WHERE n.supersedes = c.id
        ORDER BY n.created_at DESC, n.id COLLATE "C" ASC
        LIMIT 1
    ) AS superseded_by,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.id ORDER BY d.created_at, d.id COLLATE "C")
            FROM dissent AS d
            WHERE d.consensus_id = c.id
        ),
        '[]'::jsonb
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.confidence >= :min_confidence
ORDER BY c.created_at DESC, c.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: list_domain(domain, min_confidence, row_limit)
-- List the newest consensus records of one domain.
-- result: dissent_ids json
SELECT
    -- columns: ConsensusRecord
    c.id,
    c.topic,
    c.topic_hash,
    c.conclusion,
    c.strength,
    c.confidence,
    c.domain,
    c.debate_id,
    c.participating_agents,
    c.agreeing_agents,
    c.dissenting_agents,
    c.key_claims,
    c.supporting_evidence,
    c.tags,
    c.belief_cruxes,
    c.rounds,
    c.debate_duration_seconds,
    c.supersedes,
    (
        SELECT n.id
        FROM consensus AS n
        WHERE n.supersedes = c.id
        ORDER BY n.created_at DESC, n.id COLLATE "C" ASC
        LIMIT 1
    ) AS superseded_by,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.id ORDER BY d.created_at, d.id COLLATE "C")
            FROM dissent AS d
            WHERE d.consensus_id = c.id
        ),
        '[]'::jsonb
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.domain = :domain AND c.confidence >= :min_confidence
ORDER BY c.created_at DESC, c.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: sample_topic_terms(row_limit)
-- List the terms of the newest topics, from which the store learns which words are common.
-- plan: filtered_walk allowed because the store writes terms with nearly every row
-- result: topic_terms not null
SELECT c.topic_terms
FROM consensus AS c
WHERE c.topic_terms IS NOT NULL
ORDER BY c.created_at DESC, c.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: find_similar(levels, enough, most, terms, topic_hash, min_confidence, domain, include_superseded, row_limit)
-- Find the consensus records whose topic shares most terms with the given ones, best first.
--
-- levels are text search queries from strict (all words) to wide (any word). They are tried in
-- turn until one gives enough rows, of which :most are ranked at most. A GIN index finds all matches
-- before it gives the first, which is slow for words that most topics have: a level that begins with
-- ~ looks through the 500 newest topics instead. Rows are handed on by their place in the table,
-- which cannot change within a statement. Materialized, because the planner would expect few matches
-- and prefer to read the whole table; LIMIT 1 instead of NOT EXISTS, because it would hash the ids of
-- all that was ever superseded.
-- A topic with ten times as many terms is not similar, whatever terms both have: it is left out.
-- meaning: values of levels [["(alpha&beta)", "~(alpha|beta)"], ["~(alpha&beta)", "(alpha|gamma)"], ["alpha"], ["~beta"], []] because the store writes them so
-- meaning: values of terms [["alpha", "beta"], ["beta"], ["alpha", "gamma", "beta"], []] because levels are made of them
-- result: dissent_ids json, similarity not null
WITH RECURSIVE walk AS (
    SELECT
        0 AS level,
        '{}'::tid[] AS places
    UNION ALL
    SELECT
        w.level + 1 AS level,
        (
            WITH matches AS MATERIALIZED (
                SELECT c.ctid AS place
                FROM consensus AS c
                WHERE
                    left((:levels::text[])[w.level + 1], 1) <> '~'
                    AND c.topic_vector @@ ltrim((:levels::text[])[w.level + 1], '~')::tsquery
                    AND length(c.topic_vector) < 10 * pg_catalog.cardinality(:terms::text[])
                    AND c.confidence >= :min_confidence::double precision
                    AND (:domain::text IS NULL OR c.domain = :domain)
                    AND (
                        :include_superseded::boolean
                        OR (
                            SELECT n.id FROM consensus AS n WHERE n.supersedes = c.id LIMIT 1
                        ) IS NULL
                    )
                UNION ALL
                SELECT p.place
                FROM (
                    SELECT
                        c.ctid AS place,
                        c.topic_vector
                    FROM consensus AS c
                    WHERE
                        left((:levels::text[])[w.level + 1], 1) = '~'
                        AND c.confidence >= :min_confidence::double precision
                        AND (:domain::text IS NULL OR c.domain = :domain)
                        AND (
                            :include_superseded::boolean
                            OR (
                                SELECT n.id FROM consensus AS n WHERE n.supersedes = c.id LIMIT 1
                            ) IS NULL
                        )
                    ORDER BY c.created_at DESC
                    LIMIT 500
                ) AS p
                WHERE
                    p.topic_vector @@ ltrim((:levels::text[])[w.level + 1], '~')::tsquery
                    AND length(p.topic_vector) < 10 * pg_catalog.cardinality(:terms::text[])
            )

            SELECT coalesce(pg_catalog.array_agg(b.place), '{}') AS places
            FROM (SELECT m.place FROM matches AS m LIMIT :most::bigint) AS b
        ) AS places
    FROM walk AS w
    WHERE
        w.level < pg_catalog.cardinality(:levels::text[])
        AND pg_catalog.cardinality(w.places) < :enough::bigint
),

candidates AS (
    SELECT pg_catalog.unnest(w.places) AS place
    FROM walk AS w
    UNION
    (
        SELECT c.ctid AS place
        FROM consensus AS c
        WHERE
            c.topic_hash = :topic_hash::text
            AND c.confidence >= :min_confidence::double precision
            AND (:domain::text IS NULL OR c.domain = :domain)
            AND (
                :include_superseded::boolean
                OR (
                    SELECT n.id FROM consensus AS n WHERE n.supersedes = c.id LIMIT 1
                ) IS NULL
            )
        ORDER BY c.created_at DESC
        LIMIT :most::bigint
    )
),

ranked AS (
    SELECT
        k.place,
        CASE
            WHEN c.topic_hash = :topic_hash::text THEN 1.0
            ELSE
                s.shared::double precision
                / (
                    pg_catalog.cardinality(:terms::text[]) + length(c.topic_vector) - s.shared
                )::double precision
        END AS similarity
    FROM candidates AS k
    INNER JOIN consensus AS c ON k.place = c.ctid
    CROSS JOIN LATERAL (
        SELECT count(*) AS shared
        FROM pg_catalog.unnest(tsvector_to_array(c.topic_vector)) AS t (term)
        WHERE t.term = any(:terms::text[])
    ) AS s
)

SELECT
    -- columns: SimilarConsensus
    c.id,
    c.topic,
    c.topic_hash,
    c.conclusion,
    c.strength,
    c.confidence,
    c.domain,
    c.debate_id,
    c.participating_agents,
    c.agreeing_agents,
    c.dissenting_agents,
    c.key_claims,
    c.supporting_evidence,
    c.tags,
    c.belief_cruxes,
    c.rounds,
    c.debate_duration_seconds,
    c.supersedes,
    (
        SELECT n.id
        FROM consensus AS n
        WHERE n.supersedes = c.id
        ORDER BY n.created_at DESC, n.id COLLATE "C" ASC
        LIMIT 1
    ) AS superseded_by,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.id ORDER BY d.created_at, d.id COLLATE "C")
            FROM dissent AS d
            WHERE d.consensus_id = c.id
        ),
        '[]'::jsonb
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at,
    r.similarity
FROM ranked AS r
INNER JOIN consensus AS c ON r.place = c.ctid
WHERE r.similarity > 0.1::double precision
ORDER BY
    (c.topic_hash = :topic_hash::text) DESC,
    r.similarity DESC,
    c.confidence DESC,
    c.created_at DESC,
    c.id COLLATE "C" ASC
LIMIT :row_limit::bigint;

-- name: count_consensus()$
-- Count all consensus records.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM consensus;

-- name: count_domain(domain)$
-- Count the consensus records of one domain.
SELECT count(*) AS total
FROM consensus
WHERE domain = :domain;

-- name: update_cruxes(consensus_id, belief_cruxes, updated_at)!
-- Replace the belief cruxes of a consensus.
UPDATE consensus
SET
    belief_cruxes = :belief_cruxes::jsonb,
    updated_at = :updated_at
WHERE id = :consensus_id;

-- name: delete_consensus(consensus_id)!
-- Delete a consensus with its dissents and proofs.
DELETE FROM consensus
WHERE id = :consensus_id;

-- name: delete_consensus_without_dissents(consensus_id)!
-- Delete a consensus with its proofs, unless it has dissents.
DELETE FROM consensus
WHERE
    id = :consensus_id
    AND NOT EXISTS (
        SELECT 1
        FROM dissent
        WHERE dissent.consensus_id = :consensus_id
    );

-- name: insert_dissent(id, consensus_id, agent_id, dissent_type, content, reasoning, confidence, acknowledged, rebuttal, metadata, data, created_at)*!
-- Store dissents; a dissent for a consensus that does not exist is refused by its foreign key.
INSERT INTO dissent (
    id,
    consensus_id,
    agent_id,
    dissent_type,
    content,
    reasoning,
    confidence,
    acknowledged,
    rebuttal,
    metadata,
    data,
    created_at
)
VALUES (
    :id,
    :consensus_id,
    :agent_id,
    :dissent_type,
    :content,
    :reasoning,
    :confidence,
    :acknowledged,
    :rebuttal,
    :metadata::jsonb,
    :data::jsonb,
    :created_at
);

-- name: get_dissent(dissent_id)^
-- Return one dissent.
SELECT
    -- columns: DissentRecord
    d.id,
    d.consensus_id,
    d.agent_id,
    d.dissent_type,
    d.content,
    d.reasoning,
    d.confidence,
    d.acknowledged,
    d.rebuttal,
    d.metadata,
    d.data,
    d.created_at
FROM dissent AS d
WHERE d.id = :dissent_id;

-- name: list_dissents(consensus_ids)
-- List the dissents of some consensus records, oldest first.
SELECT
    -- columns: DissentRecord
    d.id,
    d.consensus_id,
    d.agent_id,
    d.dissent_type,
    d.content,
    d.reasoning,
    d.confidence,
    d.acknowledged,
    d.rebuttal,
    d.metadata,
    d.data,
    d.created_at
FROM dissent AS d
WHERE d.consensus_id = any(:consensus_ids::text[])
ORDER BY d.created_at, d.id COLLATE "C";

-- name: list_relevant_dissents(consensus_ids, dissent_types, min_confidence, row_limit)
-- List the most confident dissents of some consensus records, of some types.
SELECT
    -- columns: DissentRecord
    d.id,
    d.consensus_id,
    d.agent_id,
    d.dissent_type,
    d.content,
    d.reasoning,
    d.confidence,
    d.acknowledged,
    d.rebuttal,
    d.metadata,
    d.data,
    d.created_at
FROM dissent AS d
WHERE
    d.consensus_id = any(:consensus_ids::text[])
    AND d.dissent_type = any(:dissent_types::text[])
    AND d.confidence >= :min_confidence
ORDER BY d.confidence DESC, d.created_at DESC, d.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: list_dissents_by_agent(agent_id, row_limit)
-- List the newest dissents of one agent.
SELECT
    -- columns: DissentRecord
    d.id,
    d.consensus_id,
    d.agent_id,
    d.dissent_type,
    d.content,
    d.reasoning,
    d.confidence,
    d.acknowledged,
    d.rebuttal,
    d.metadata,
    d.data,
    d.created_at
FROM dissent AS d
WHERE d.agent_id = :agent_id
ORDER BY d.created_at DESC, d.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: list_dissents_by_type(dissent_type, row_limit)
-- List the newest dissents of one type.
SELECT
    -- columns: DissentRecord
    d.id,
    d.consensus_id,
    d.agent_id,
    d.dissent_type,
    d.content,
    d.reasoning,
    d.confidence,
    d.acknowledged,
    d.rebuttal,
    d.metadata,
    d.data,
    d.created_at
FROM dissent AS d
WHERE d.dissent_type = :dissent_type
ORDER BY d.created_at DESC, d.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: acknowledge_dissent(dissent_id, rebuttal)!
-- Mark a dissent as answered and keep the answer.
UPDATE dissent
SET
    acknowledged = TRUE,
    rebuttal = :rebuttal
WHERE id = :dissent_id;

-- name: delete_dissent(dissent_id)!
-- Delete one dissent.
DELETE FROM dissent
WHERE id = :dissent_id;

-- name: insert_proof(id, consensus_id, proof_status, language, formal_statement, is_verified, proof_hash, translation_time_ms, proof_search_time_ms, prover_version, error_message, metadata, data, created_at)*!
-- Store runs of a prover; a run for a consensus that does not exist is refused by its foreign key.
INSERT INTO verified_proofs (
    id,
    consensus_id,
    proof_status,
    language,
    formal_statement,
    is_verified,
    proof_hash,
    translation_time_ms,
    proof_search_time_ms,
    prover_version,
    error_message,
    metadata,
    data,
    created_at
)
VALUES (
    :id,
    :consensus_id,
    :proof_status,
    :language,
    :formal_statement,
    :is_verified,
    :proof_hash,
    :translation_time_ms,
    :proof_search_time_ms,
    :prover_version,
    :error_message,
    :metadata::jsonb,
    :data::jsonb,
    :created_at
);

-- name: get_latest_proof(consensus_id)^
-- Return the newest run of a prover on a consensus.
SELECT
    -- columns: ProofRecord
    p.id,
    p.consensus_id,
    p.proof_status,
    p.language,
    p.formal_statement,
    p.is_verified,
    p.proof_hash,
    p.translation_time_ms,
    p.proof_search_time_ms,
    p.prover_version,
    p.error_message,
    p.metadata,
    p.data,
    p.created_at
FROM verified_proofs AS p
WHERE p.consensus_id = :consensus_id
ORDER BY p.created_at DESC, p.id COLLATE "C" ASC
LIMIT 1;

-- name: list_proofs(consensus_id)
-- List all runs of a prover on a consensus, oldest first.
SELECT
    -- columns: ProofRecord
    p.id,
    p.consensus_id,
    p.proof_status,
    p.language,
    p.formal_statement,
    p.is_verified,
    p.proof_hash,
    p.translation_time_ms,
    p.proof_search_time_ms,
    p.prover_version,
    p.error_message,
    p.metadata,
    p.data,
    p.created_at
FROM verified_proofs AS p
WHERE p.consensus_id = :consensus_id
ORDER BY p.created_at, p.id COLLATE "C";

-- name: list_recent_proofs(row_limit)
-- List the newest runs, whatever their outcome.
SELECT
    -- columns: ProofRecord
    p.id,
    p.consensus_id,
    p.proof_status,
    p.language,
    p.formal_statement,
    p.is_verified,
    p.proof_hash,
    p.translation_time_ms,
    p.proof_search_time_ms,
    p.prover_version,
    p.error_message,
    p.metadata,
    p.data,
    p.created_at
FROM verified_proofs AS p
ORDER BY p.created_at DESC, p.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: list_verified_proofs(row_limit)
-- List the newest runs that found a proof.
SELECT
    -- columns: ProofRecord
    p.id,
    p.consensus_id,
    p.proof_status,
    p.language,
    p.formal_statement,
    p.is_verified,
    p.proof_hash,
    p.translation_time_ms,
    p.proof_search_time_ms,
    p.prover_version,
    p.error_message,
    p.metadata,
    p.data,
    p.created_at
FROM verified_proofs AS p
WHERE p.is_verified
ORDER BY p.created_at DESC, p.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: set_vote(debate_id, user_id, vote, source, voted_at)!
-- Record a user's vote on a debate, or change it.
INSERT INTO debate_votes (debate_id, user_id, vote, source, created_at, updated_at)
VALUES (:debate_id, :user_id, :vote, :source, :voted_at, :voted_at)
ON CONFLICT (debate_id, user_id) DO UPDATE
    SET
        vote = excluded.vote,
        source = excluded.source,
        updated_at = excluded.updated_at;

-- name: list_votes(debate_id)
-- List the votes on a debate by the order in which they were first given.
SELECT
    -- columns: DebateVote
    v.debate_id,
    v.user_id,
    v.vote,
    v.source,
    v.created_at,
    v.updated_at
FROM debate_votes AS v
WHERE v.debate_id = :debate_id
ORDER BY v.created_at, v.user_id COLLATE "C";

-- name: get_stats()^
-- Count everything; groups come as lists of [name, count], largest first.
-- plan: seq_scan allowed because statistics of the whole store look at all rows
-- result: by_strength json, by_domain json, by_dissent_type json
SELECT
    -- columns: ConsensusStats
    (SELECT count(*) FROM consensus) AS total_consensus,
    (SELECT count(*) FROM dissent) AS total_dissents,
    (SELECT count(*) FROM verified_proofs) AS total_proofs,
    (SELECT count(*) FROM verified_proofs WHERE is_verified) AS verified_proofs,
    coalesce((SELECT avg(confidence) FROM consensus), 0.0)::double precision AS avg_confidence,
    (
        SELECT
            coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.jsonb_build_array(g.name, g.n)
                    ORDER BY g.n DESC, g.name COLLATE "C" ASC
                ),
                '[]'::jsonb
            )
        FROM (
            SELECT
                strength AS name,
                count(*) AS n
            FROM consensus
            GROUP BY strength
        ) AS g
    ) AS by_strength,
    (
        SELECT
            coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.jsonb_build_array(g.name, g.n)
                    ORDER BY g.n DESC, g.name COLLATE "C" ASC
                ),
                '[]'::jsonb
            )
        FROM (
            SELECT
                x.name,
                count(*) AS n
            FROM (SELECT coalesce(domain, 'general') AS name FROM consensus) AS x
            GROUP BY x.name
            ORDER BY count(*) DESC, x.name COLLATE "C" ASC
            LIMIT 10
        ) AS g
    ) AS by_domain,
    (
        SELECT
            coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.jsonb_build_array(g.name, g.n)
                    ORDER BY g.n DESC, g.name COLLATE "C" ASC
                ),
                '[]'::jsonb
            )
        FROM (
            SELECT
                dissent_type AS name,
                count(*) AS n
            FROM dissent
            GROUP BY dissent_type
        ) AS g
    ) AS by_dissent_type;

-- name: lock_expired(cutoff, row_limit)
-- Take the oldest consensus records from before the cutoff out of everybody's way.
-- locks: consensus rows in order of created_at, id, skip locked
SELECT id
FROM consensus
WHERE created_at < :cutoff
ORDER BY created_at, id COLLATE "C"
LIMIT :row_limit
FOR UPDATE SKIP LOCKED;

-- name: archive_consensus(consensus_ids, archived_at)!
-- Copy consensus records to the archive.
INSERT INTO consensus_archive (
    id,
    topic,
    topic_hash,
    conclusion,
    strength,
    confidence,
    domain,
    debate_id,
    supersedes,
    superseded_by,
    rounds,
    debate_duration_seconds,
    participating_agents,
    agreeing_agents,
    dissenting_agents,
    key_claims,
    supporting_evidence,
    tags,
    belief_cruxes,
    metadata,
    data,
    created_at,
    updated_at,
    archived_at
)
SELECT
    c.id,
    c.topic,
    c.topic_hash,
    c.conclusion,
    c.strength,
    c.confidence,
    c.domain,
    c.debate_id,
    c.supersedes,
    (
        SELECT n.id
        FROM consensus AS n
        WHERE n.supersedes = c.id
        ORDER BY n.created_at DESC, n.id COLLATE "C" ASC
        LIMIT 1
    ) AS superseded_by,
    c.rounds,
    c.debate_duration_seconds,
    c.participating_agents,
    c.agreeing_agents,
    c.dissenting_agents,
    c.key_claims,
    c.supporting_evidence,
    c.tags,
    c.belief_cruxes,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at,
    :archived_at::timestamptz AS archived_at
FROM consensus AS c
WHERE c.id = any(:consensus_ids::text[])
ORDER BY c.created_at, c.id COLLATE "C";

-- name: archive_dissents(consensus_ids, archived_at)!
-- Copy the dissents of some consensus records to the archive.
INSERT INTO dissent_archive (
    id,
    consensus_id,
    agent_id,
    dissent_type,
    content,
    reasoning,
    confidence,
    acknowledged,
    rebuttal,
    metadata,
    data,
    created_at,
    archived_at
)
SELECT
    id,
    consensus_id,
    agent_id,
    dissent_type,
    content,
    reasoning,
    confidence,
    acknowledged,
    rebuttal,
    metadata,
    data,
    created_at,
    :archived_at::timestamptz AS archived_at
FROM dissent
WHERE consensus_id = any(:consensus_ids::text[])
ORDER BY created_at, id COLLATE "C";

-- name: archive_proofs(consensus_ids, archived_at)!
-- Copy the proofs of some consensus records to the archive.
INSERT INTO verified_proofs_archive (
    id,
    consensus_id,
    proof_status,
    language,
    formal_statement,
    is_verified,
    proof_hash,
    translation_time_ms,
    proof_search_time_ms,
    prover_version,
    error_message,
    metadata,
    data,
    created_at,
    archived_at
)
SELECT
    id,
    consensus_id,
    proof_status,
    language,
    formal_statement,
    is_verified,
    proof_hash,
    translation_time_ms,
    proof_search_time_ms,
    prover_version,
    error_message,
    metadata,
    data,
    created_at,
    :archived_at::timestamptz AS archived_at
FROM verified_proofs
WHERE consensus_id = any(:consensus_ids::text[])
ORDER BY created_at, id COLLATE "C";

-- name: count_dissents(consensus_ids)$
-- Count the dissents of some consensus records.
SELECT count(*) AS total
FROM dissent
WHERE consensus_id = any(:consensus_ids::text[]);

-- name: delete_many(consensus_ids)!
-- Delete some consensus records with their dissents and proofs.
DELETE FROM consensus
WHERE id = any(:consensus_ids::text[]);

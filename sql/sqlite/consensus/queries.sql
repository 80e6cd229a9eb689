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
    :participating_agents,
    :agreeing_agents,
    :dissenting_agents,
    :key_claims,
    :supporting_evidence,
    :tags,
    :belief_cruxes,
    :metadata,
    :data,
    :created_at,
    :updated_at
);

-- name: insert_consensus_records(records)!
-- Store consensus records, each a list of the values that insert_consensus takes; documents are texts.
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
    e.value ->> 6 AS confidence,
    e.value ->> 7 AS domain,
    e.value ->> 8 AS debate_id,
    e.value ->> 9 AS supersedes,
    e.value ->> 10 AS rounds,
    e.value ->> 11 AS debate_duration_seconds,
    e.value ->> 12 AS participating_agents,
    e.value ->> 13 AS agreeing_agents,
    e.value ->> 14 AS dissenting_agents,
    e.value ->> 15 AS key_claims,
    e.value ->> 16 AS supporting_evidence,
    e.value ->> 17 AS tags,
    e.value ->> 18 AS belief_cruxes,
    e.value ->> 19 AS metadata,
    e.value ->> 20 AS data,
    e.value ->> 21 AS created_at,
    e.value ->> 22 AS updated_at
FROM json_each(:records) AS e;

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
        ORDER BY n.created_at DESC, n.id ASC
        LIMIT 1
    ) AS superseded_by,
    (
        SELECT json_group_array(o.id)
        FROM (
            SELECT d.id
            FROM dissent AS d
            WHERE d.consensus_id = c.id
            ORDER BY d.created_at, d.id
        ) AS o
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
        ORDER BY n.created_at DESC, n.id ASC
        LIMIT 1
    ) AS superseded_by,
    (
        SELECT json_group_array(o.id)
        FROM (
            SELECT d.id
            FROM dissent AS d
            WHERE d.consensus_id = c.id
            ORDER BY d.created_at, d.id
        ) AS o
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.topic_hash = :topic_hash
ORDER BY c.created_at DESC, c.id ASC
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
        ORDER BY n.created_at DESC, n.id ASC
        LIMIT 1
    ) AS superseded_by,
    (
        SELECT json_group_array(o.id)
        FROM (
            SELECT d.id
            FROM dissent AS d
            WHERE d.consensus_id = c.id
            ORDER BY d.created_at, d.id
        ) AS o
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.confidence >= :min_confidence
ORDER BY c.created_at DESC, c.id ASC
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
        ORDER BY n.created_at DESC, n.id ASC
        LIMIT 1
    ) AS superseded_by,
    (
        SELECT json_group_array(o.id)
        FROM (
            SELECT d.id
            FROM dissent AS d
            WHERE d.consensus_id = c.id
            ORDER BY d.created_at, d.id
        ) AS o
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at
FROM consensus AS c
WHERE c.domain = :domain AND c.confidence >= :min_confidence
ORDER BY c.created_at DESC, c.id ASC
LIMIT :row_limit;

-- name: sample_topic_terms(row_limit)
-- List the terms of the newest topics, from which the store learns which words are common.
-- plan: filtered_walk allowed because the store writes terms with nearly every row
-- result: topic_terms not null
SELECT c.topic_terms
FROM consensus AS c
WHERE c.topic_terms IS NOT NULL
ORDER BY c.created_at DESC, c.id ASC
LIMIT :row_limit;

-- name: find_similar(levels, enough, most, terms, topic_hash, min_confidence, domain, include_superseded, row_limit)
-- Find the consensus records whose topic shares most terms with the given ones, best first.
--
-- levels are text search queries from strict (all words) to wide (any word). They are tried in
-- turn until one gives enough rows, of which the newest :most are ranked at most: the full-text index
-- gives matches one by one, so common words cost nothing more. (PostgreSQL's does not; the ~ before
-- a level is meant for it.)
-- A topic with ten times as many terms is not similar, whatever terms both have: it is left out.
-- result: dissent_ids json, similarity not null
-- meaning: values of most [30, 100] because where more match than :most, each engine ranks others of them
WITH RECURSIVE walk AS (
    SELECT
        0 AS level,
        '[]' AS row_ids
    UNION ALL
    SELECT
        w.level + 1 AS level,
        (
            SELECT json_group_array(h.row_id)
            FROM (
                SELECT f.rowid AS row_id
                FROM consensus_search AS f
                CROSS JOIN consensus AS c ON f.rowid = c.row_id
                WHERE
                    f.consensus_search MATCH replace(
                        replace(
                            ltrim(json_extract(:levels, '$[' || w.level || ']'), '~'), '&', ' AND '
                        ),
                        '|',
                        ' OR '
                    )
                    AND length(coalesce(c.topic_terms, c.topic))
                    - length(replace(coalesce(c.topic_terms, c.topic), ' ', ''))
                    < 10 * json_array_length(:terms)
                    AND c.confidence >= :min_confidence
                    AND (:domain IS NULL OR c.domain = :domain)
                    AND (
                        :include_superseded
                        OR (
                            SELECT n.id FROM consensus AS n WHERE n.supersedes = c.id LIMIT 1
                        ) IS NULL
                    )
                ORDER BY f.rowid DESC
                LIMIT :most
            ) AS h
        ) AS row_ids
    FROM walk AS w
    WHERE
        w.level < json_array_length(:levels)
        AND json_array_length(w.row_ids) < :enough
),

candidates AS MATERIALIZED (
    SELECT j.value AS row_id
    FROM walk AS w
    CROSS JOIN json_each(w.row_ids) AS j
    UNION
    SELECT e.row_id
    FROM (
        SELECT c.row_id
        FROM consensus AS c
        WHERE
            c.topic_hash = :topic_hash
            AND c.confidence >= :min_confidence
            AND (:domain IS NULL OR c.domain = :domain)
            AND (
                :include_superseded
                OR (
                    SELECT n.id FROM consensus AS n WHERE n.supersedes = c.id LIMIT 1
                ) IS NULL
            )
        ORDER BY c.created_at DESC
        LIMIT :most
    ) AS e
),

topics AS (
    SELECT
        c.row_id,
        c.topic_hash,
        coalesce(c.topic_terms, lower(c.topic)) AS terms
    FROM candidates AS k
    CROSS JOIN consensus AS c ON k.row_id = c.row_id
    -- Of few rows: no filter of the whole index is made for them.
    WHERE likelihood(k.row_id > 0, 0.000001)
),

counted AS (
    SELECT
        t.row_id,
        t.topic_hash,
        length(t.terms) - length(replace(t.terms, ' ', '')) + (t.terms <> '') AS term_count,
        (
            SELECT count(*)
            FROM json_each(:terms) AS q
            WHERE instr(' ' || t.terms || ' ', ' ' || q.value || ' ') > 0
        ) AS shared
    FROM topics AS t
),

ranked AS (
    SELECT
        n.row_id,
        CASE
            WHEN n.topic_hash = :topic_hash THEN 1.0
            ELSE
                cast(n.shared AS REAL) / (json_array_length(:terms) + n.term_count - n.shared)
        END AS similarity
    FROM counted AS n
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
        ORDER BY n.created_at DESC, n.id ASC
        LIMIT 1
    ) AS superseded_by,
    (
        SELECT json_group_array(o.id)
        FROM (
            SELECT d.id
            FROM dissent AS d
            WHERE d.consensus_id = c.id
            ORDER BY d.created_at, d.id
        ) AS o
    ) AS dissent_ids,
    c.metadata,
    c.data,
    c.created_at,
    c.updated_at,
    r.similarity
FROM ranked AS r
CROSS JOIN consensus AS c ON r.row_id = c.row_id
WHERE r.similarity > 0.1
ORDER BY
    (c.topic_hash = :topic_hash) DESC,
    r.similarity DESC,
    c.confidence DESC,
    c.created_at DESC,
    c.id ASC
LIMIT :row_limit;

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
    belief_cruxes = :belief_cruxes,
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
    :metadata,
    :data,
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
WHERE d.consensus_id IN (SELECT value FROM json_each(:consensus_ids))
ORDER BY d.created_at, d.id;

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
    d.consensus_id IN (SELECT value FROM json_each(:consensus_ids))
    AND d.dissent_type IN (SELECT value FROM json_each(:dissent_types))
    AND d.confidence >= :min_confidence
ORDER BY d.confidence DESC, d.created_at DESC, d.id ASC
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
ORDER BY d.created_at DESC, d.id ASC
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
ORDER BY d.created_at DESC, d.id ASC
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
    :metadata,
    :data,
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
ORDER BY p.created_at DESC, p.id ASC
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
ORDER BY p.created_at, p.id;

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
ORDER BY p.created_at DESC, p.id ASC
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
ORDER BY p.created_at DESC, p.id ASC
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
ORDER BY v.created_at, v.user_id;

-- name: get_stats()^
-- Count everything; groups come as lists of [name, count], largest first.
-- meaning: avg_confidence within 1e-9 because releases of SQLite sum floats otherwise
-- plan: seq_scan allowed because statistics of the whole store look at all rows
-- result: by_strength json, by_domain json, by_dissent_type json
SELECT
    -- columns: ConsensusStats
    (SELECT count(*) FROM consensus) AS total_consensus,
    (SELECT count(*) FROM dissent) AS total_dissents,
    (SELECT count(*) FROM verified_proofs) AS total_proofs,
    (SELECT count(*) FROM verified_proofs WHERE is_verified) AS verified_proofs,
    coalesce((SELECT avg(confidence) FROM consensus), 0.0) AS avg_confidence,
    (
        SELECT json_group_array(json_array(g.name, g.n))
        FROM (
            SELECT
                strength AS name,
                count(*) AS n
            FROM consensus
            GROUP BY strength
            ORDER BY n DESC, name ASC
        ) AS g
    ) AS by_strength,
    (
        SELECT json_group_array(json_array(g.name, g.n))
        FROM (
            SELECT
                x.name,
                count(*) AS n
            FROM (SELECT coalesce(domain, 'general') AS name FROM consensus) AS x
            GROUP BY x.name
            ORDER BY count(*) DESC, x.name ASC
            LIMIT 10
        ) AS g
    ) AS by_domain,
    (
        SELECT json_group_array(json_array(g.name, g.n))
        FROM (
            SELECT
                dissent_type AS name,
                count(*) AS n
            FROM dissent
            GROUP BY dissent_type
            ORDER BY n DESC, name ASC
        ) AS g
    ) AS by_dissent_type;

-- name: lock_expired(cutoff, row_limit)
-- Take the oldest consensus records from before the cutoff out of everybody's way.
SELECT id
FROM consensus
WHERE created_at < :cutoff
ORDER BY created_at, id
LIMIT :row_limit;

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
        ORDER BY n.created_at DESC, n.id ASC
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
    :archived_at
FROM consensus AS c
WHERE c.id IN (SELECT value FROM json_each(:consensus_ids))
ORDER BY c.created_at, c.id;

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
    :archived_at
FROM dissent
WHERE consensus_id IN (SELECT value FROM json_each(:consensus_ids))
ORDER BY created_at, id;

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
    :archived_at
FROM verified_proofs
WHERE consensus_id IN (SELECT value FROM json_each(:consensus_ids))
ORDER BY created_at, id;

-- name: count_dissents(consensus_ids)$
-- Count the dissents of some consensus records.
SELECT count(*) AS total
FROM dissent
WHERE consensus_id IN (SELECT value FROM json_each(:consensus_ids));

-- name: delete_many(consensus_ids)!
-- Delete some consensus records with their dissents and proofs.
DELETE FROM consensus
WHERE id IN (SELECT value FROM json_each(:consensus_ids));

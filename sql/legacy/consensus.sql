-- How the older Aragora's consensus memory maps onto today's tables.
--
-- Each query reads one shape of one table of the older SQLite files and gives the columns of the
-- target table by name; `source_rowid` says which row of the file it is. The comment lines with a
-- colon are explained in docs/migration.md ("How a mapping is written"). The functions topic_hash()
-- and topic_terms() are the stores' own; they take bytes, because a damaged file may hold text that
-- is none. Times are passed on as they are: the migration reads `YYYY-MM-DD HH:MM:SS` as UTC and
-- `YYYY-MM-DDTHH:MM:SS` in the time zone that the operator gives.

-- name: consensus_records(first_rowid, last_rowid)
-- Consensus records as the class wrote them, or as a consolidation script copied them.
-- from: consensus (id, topic, data, timestamp)
-- optional: topic_hash, conclusion, strength, confidence, domain, tags
-- ignored: created_at, updated_at
-- without: participating_agents
-- into: consensus
-- key: id
-- merge: newest created_at
-- json: confidence, rounds, debate_duration_seconds
-- values: topic_hash = nonblank topic_hash, topic_hash(topic); topic_terms = topic_terms(topic)
-- values: conclusion = conclusion, ''; strength = strength, data.strength, 'moderate'
-- values: confidence = confidence, data.confidence, 0.5; domain = domain, data.domain, 'general'
-- values: debate_id = data.metadata.debate_id; supersedes = data.supersedes, data.metadata.supersedes
-- values: rounds = data.rounds, 0; debate_duration_seconds = data.debate_duration_seconds, 0.0
-- values: participating_agents = data.participating_agents, []; agreeing_agents = data.agreeing_agents, []
-- values: dissenting_agents = data.dissenting_agents, []; key_claims = data.key_claims, []
-- values: supporting_evidence = data.supporting_evidence, []; tags = data.tags, tags, []
-- values: belief_cruxes = data.belief_cruxes, []; metadata = data.metadata, {}
-- values: created_at = timestamp, data.timestamp; updated_at = timestamp, data.timestamp
SELECT
    source_rowid,
    id,
    topic,
    CASE
        WHEN coalesce(topic_hash, '') <> '' THEN topic_hash
        ELSE topic_hash(cast(topic AS BLOB))
    END AS topic_hash,
    topic_terms(cast(topic AS BLOB)) AS topic_terms,
    coalesce(conclusion, '') AS conclusion,
    CASE
        WHEN found_strength IN ('unanimous', 'strong', 'moderate', 'weak', 'split', 'contested')
            THEN found_strength
        ELSE 'moderate'
    END AS strength,
    coalesce(confidence, nullif(document -> '$.confidence', 'null'), 0.5) AS confidence,
    coalesce(domain, document ->> '$.domain', 'general') AS domain,
    document ->> '$.metadata.debate_id' AS debate_id,
    coalesce(document ->> '$.supersedes', document ->> '$.metadata.supersedes') AS supersedes,
    coalesce(nullif(document -> '$.rounds', 'null'), 0) AS rounds,
    coalesce(nullif(document -> '$.debate_duration_seconds', 'null'), 0.0)
        AS debate_duration_seconds,
    coalesce(nullif(document -> '$.participating_agents', 'null'), '[]') AS participating_agents,
    coalesce(nullif(document -> '$.agreeing_agents', 'null'), '[]') AS agreeing_agents,
    coalesce(nullif(document -> '$.dissenting_agents', 'null'), '[]') AS dissenting_agents,
    coalesce(nullif(document -> '$.key_claims', 'null'), '[]') AS key_claims,
    coalesce(nullif(document -> '$.supporting_evidence', 'null'), '[]') AS supporting_evidence,
    coalesce(nullif(document -> '$.tags', 'null'), nullif(tags, ''), '[]') AS tags,
    coalesce(nullif(document -> '$.belief_cruxes', 'null'), '[]') AS belief_cruxes,
    coalesce(nullif(document -> '$.metadata', 'null'), '{}') AS metadata,
    coalesce(data, '{}') AS data,
    coalesce(timestamp, document ->> '$.timestamp') AS created_at,
    coalesce(timestamp, document ->> '$.timestamp') AS updated_at,
    CASE
        WHEN
            found_strength NOT IN (
                'unanimous', 'strong', 'moderate', 'weak', 'split', 'contested', 'medium'
            )
            THEN 'unknown strength ' || quote(found_strength) || ' taken as moderate'
    END AS note_strength
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        topic,
        topic_hash,
        conclusion,
        coalesce(strength, CASE WHEN json_valid(data) THEN data ->> '$.strength' END)
            AS found_strength,
        confidence,
        domain,
        tags,
        timestamp,
        data,
        CASE WHEN json_valid(data) THEN data END AS document
    FROM consensus
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS records;

-- name: consensus_seeds(first_rowid, last_rowid)
-- Consensus records of the seed script, which made a table of its own when the class was missing.
-- from: consensus (id, topic, conclusion, confidence, strength, domain, participants, created_at)
-- without: data, timestamp
-- into: consensus
-- key: id
-- merge: newest created_at
-- values: topic_hash = topic_hash(topic); topic_terms = topic_terms(topic); conclusion = conclusion, ''
-- values: strength = strength, 'moderate'; domain = domain, 'general'
-- values: participating_agents = participants, []; updated_at = created_at; confidence = confidence, 0.5
SELECT
    rowid AS source_rowid,
    id,
    topic,
    topic_hash(cast(topic AS BLOB)) AS topic_hash,
    topic_terms(cast(topic AS BLOB)) AS topic_terms,
    coalesce(conclusion, '') AS conclusion,
    CASE
        WHEN strength IN ('unanimous', 'strong', 'moderate', 'weak', 'split', 'contested')
            THEN strength
        ELSE 'moderate'
    END AS strength,
    coalesce(confidence, 0.5) AS confidence,
    coalesce(domain, 'general') AS domain,
    coalesce(nullif(participants, ''), '[]') AS participating_agents,
    created_at,
    created_at AS updated_at,
    CASE
        WHEN
            strength NOT IN (
                'unanimous', 'strong', 'moderate', 'weak', 'split', 'contested', 'medium'
            )
            THEN 'unknown strength ' || quote(strength) || ' taken as moderate'
    END AS note_strength
FROM consensus
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: dissents(first_rowid, last_rowid)
-- Dissents; what the older table calls debate_id is the id of a consensus.
-- from: dissent (id, debate_id, agent_id, dissent_type, content, timestamp, data)
-- optional: confidence
-- ignored: created_at
-- without: acknowledged
-- into: dissent
-- key: id
-- merge: newest created_at
-- json: confidence
-- values: consensus_id = debate_id; dissent_type = dissent_type, 'minor_quibble'
-- values: reasoning = data.reasoning, ''; confidence = confidence, data.confidence, 0.0
-- values: acknowledged = data.acknowledged, 0; rebuttal = data.rebuttal, ''; metadata = data.metadata, {}
-- values: created_at = timestamp, data.timestamp
SELECT
    source_rowid,
    id,
    debate_id AS consensus_id,
    agent_id,
    CASE
        WHEN dissent_type IN (
            'minor_quibble', 'alternative_approach', 'fundamental_disagreement',
            'edge_case_concern', 'risk_warning', 'abstention'
        ) THEN dissent_type
        ELSE 'minor_quibble'
    END AS dissent_type,
    content,
    coalesce(document ->> '$.reasoning', '') AS reasoning,
    coalesce(confidence, nullif(document -> '$.confidence', 'null'), 0.0) AS confidence,
    coalesce(document ->> '$.acknowledged', 0) AS acknowledged,
    coalesce(document ->> '$.rebuttal', '') AS rebuttal,
    coalesce(nullif(document -> '$.metadata', 'null'), '{}') AS metadata,
    coalesce(data, '{}') AS data,
    coalesce(timestamp, document ->> '$.timestamp') AS created_at,
    CASE
        WHEN dissent_type NOT IN (
            'minor_quibble', 'alternative_approach', 'fundamental_disagreement',
            'edge_case_concern', 'risk_warning', 'abstention'
        ) THEN 'unknown dissent type ' || quote(dissent_type) || ' taken as minor_quibble'
    END AS note_dissent_type
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        debate_id,
        agent_id,
        dissent_type,
        content,
        confidence,
        timestamp,
        data,
        CASE WHEN json_valid(data) THEN data END AS document
    FROM dissent
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS dissents;

-- name: dissent_seeds(first_rowid, last_rowid)
-- Dissents of the seed script: numbered, so that a text id is made of the number and the consensus.
-- from: dissent (id, consensus_id, agent, dissent_text, confidence, created_at)
-- into: dissent
-- key: id
-- merge: newest created_at
-- values: id = consensus_id || '-dissent-' || id; agent_id = agent; dissent_type = 'minor_quibble'; content = dissent_text; confidence = confidence, 0.0
SELECT
    rowid AS source_rowid,
    consensus_id || '-dissent-' || id AS id,
    consensus_id,
    agent AS agent_id,
    'minor_quibble' AS dissent_type,
    dissent_text AS content,
    coalesce(confidence, 0.0) AS confidence,
    created_at
FROM dissent
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: proofs(first_rowid, last_rowid)
-- Formal proofs; what the older table calls debate_id is the id of a consensus.
-- from: verified_proofs (id, debate_id, proof_status, is_verified, timestamp, data)
-- optional: language, formal_statement, proof_hash, translation_time_ms, proof_search_time_ms
-- optional: prover_version, error_message
-- without: metadata
-- into: verified_proofs
-- key: id
-- merge: newest created_at
-- values: consensus_id = debate_id; proof_status = proof_status, 'unknown'; metadata = data.metadata, {}
-- values: is_verified = is_verified, 0; created_at = timestamp
SELECT
    source_rowid,
    id,
    debate_id AS consensus_id,
    CASE
        WHEN proof_status IN (
            'not_attempted', 'translation_failed', 'proof_found', 'proof_failed', 'timeout',
            'backend_unavailable', 'not_supported'
        ) THEN proof_status
        ELSE 'unknown'
    END AS proof_status,
    language,
    formal_statement,
    coalesce(is_verified, 0) AS is_verified,
    proof_hash,
    translation_time_ms,
    proof_search_time_ms,
    prover_version,
    error_message,
    coalesce(nullif(document -> '$.metadata', 'null'), '{}') AS metadata,
    coalesce(data, '{}') AS data,
    timestamp AS created_at,
    CASE
        WHEN proof_status NOT IN (
            'not_attempted', 'translation_failed', 'proof_found', 'proof_failed', 'timeout',
            'backend_unavailable', 'not_supported', 'unknown'
        ) THEN 'unknown proof status ' || quote(proof_status) || ' taken as unknown'
    END AS note_proof_status
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        debate_id,
        proof_status,
        language,
        formal_statement,
        is_verified,
        proof_hash,
        translation_time_ms,
        proof_search_time_ms,
        prover_version,
        error_message,
        timestamp,
        data,
        CASE WHEN json_valid(data) THEN data END AS document
    FROM verified_proofs
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS proofs;

-- name: archived_consensus_records(first_rowid, last_rowid)
-- Consensus records that a clean-up moved away.
-- from: consensus_archive (id, topic, data, timestamp, archived_at)
-- optional: topic_hash, conclusion, strength, confidence, domain, tags
-- without: participating_agents
-- into: consensus_archive
-- key: all
-- json: confidence, rounds, debate_duration_seconds
-- values: topic_hash = nonblank topic_hash, topic_hash(topic); conclusion = conclusion, ''
-- values: strength = computed; confidence = confidence, data.confidence, 0.5
-- values: domain = domain, data.domain, 'general'; debate_id = data.metadata.debate_id
-- values: supersedes = data.supersedes, data.metadata.supersedes; superseded_by = data.superseded_by
-- values: rounds = data.rounds, 0; debate_duration_seconds = data.debate_duration_seconds, 0.0
-- values: participating_agents = data.participating_agents, []; agreeing_agents = data.agreeing_agents, []
-- values: dissenting_agents = data.dissenting_agents, []; key_claims = data.key_claims, []
-- values: supporting_evidence = data.supporting_evidence, []; tags = data.tags, tags, []
-- values: belief_cruxes = data.belief_cruxes, []; metadata = data.metadata, {}; data = data, {}
-- values: created_at = timestamp, data.timestamp; updated_at = timestamp, data.timestamp
SELECT
    source_rowid,
    id,
    topic,
    CASE
        WHEN coalesce(topic_hash, '') <> '' THEN topic_hash
        ELSE topic_hash(cast(topic AS BLOB))
    END AS topic_hash,
    coalesce(conclusion, '') AS conclusion,
    CASE
        WHEN found_strength IN ('unanimous', 'strong', 'moderate', 'weak', 'split', 'contested')
            THEN found_strength
        ELSE 'moderate'
    END AS strength,
    coalesce(confidence, nullif(document -> '$.confidence', 'null'), 0.5) AS confidence,
    coalesce(domain, document ->> '$.domain', 'general') AS domain,
    document ->> '$.metadata.debate_id' AS debate_id,
    coalesce(document ->> '$.supersedes', document ->> '$.metadata.supersedes') AS supersedes,
    document ->> '$.superseded_by' AS superseded_by,
    coalesce(nullif(document -> '$.rounds', 'null'), 0) AS rounds,
    coalesce(nullif(document -> '$.debate_duration_seconds', 'null'), 0.0)
        AS debate_duration_seconds,
    coalesce(nullif(document -> '$.participating_agents', 'null'), '[]') AS participating_agents,
    coalesce(nullif(document -> '$.agreeing_agents', 'null'), '[]') AS agreeing_agents,
    coalesce(nullif(document -> '$.dissenting_agents', 'null'), '[]') AS dissenting_agents,
    coalesce(nullif(document -> '$.key_claims', 'null'), '[]') AS key_claims,
    coalesce(nullif(document -> '$.supporting_evidence', 'null'), '[]') AS supporting_evidence,
    coalesce(nullif(document -> '$.tags', 'null'), nullif(tags, ''), '[]') AS tags,
    coalesce(nullif(document -> '$.belief_cruxes', 'null'), '[]') AS belief_cruxes,
    coalesce(nullif(document -> '$.metadata', 'null'), '{}') AS metadata,
    coalesce(data, '{}') AS data,
    coalesce(timestamp, document ->> '$.timestamp') AS created_at,
    coalesce(timestamp, document ->> '$.timestamp') AS updated_at,
    archived_at,
    CASE
        WHEN
            found_strength NOT IN (
                'unanimous', 'strong', 'moderate', 'weak', 'split', 'contested', 'medium'
            )
            THEN 'unknown strength ' || quote(found_strength) || ' taken as moderate'
    END AS note_strength
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        topic,
        topic_hash,
        conclusion,
        coalesce(strength, CASE WHEN json_valid(data) THEN data ->> '$.strength' END)
            AS found_strength,
        confidence,
        domain,
        tags,
        timestamp,
        data,
        archived_at,
        CASE WHEN json_valid(data) THEN data END AS document
    FROM consensus_archive
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS records;

-- name: archived_dissents(first_rowid, last_rowid)
-- Dissents that a clean-up moved away.
-- from: dissent_archive (id, debate_id, agent_id, dissent_type, content, timestamp, data, archived_at)
-- optional: confidence
-- without: acknowledged
-- into: dissent_archive
-- key: all
-- json: confidence
-- values: consensus_id = debate_id; dissent_type = computed; reasoning = data.reasoning, ''
-- values: confidence = confidence, data.confidence, 0.0; acknowledged = data.acknowledged, 0
-- values: rebuttal = data.rebuttal, ''; metadata = data.metadata, {}; data = data, {}
-- values: created_at = timestamp, data.timestamp
SELECT
    source_rowid,
    id,
    debate_id AS consensus_id,
    agent_id,
    CASE
        WHEN dissent_type IN (
            'minor_quibble', 'alternative_approach', 'fundamental_disagreement',
            'edge_case_concern', 'risk_warning', 'abstention'
        ) THEN dissent_type
        ELSE 'minor_quibble'
    END AS dissent_type,
    content,
    coalesce(document ->> '$.reasoning', '') AS reasoning,
    coalesce(confidence, nullif(document -> '$.confidence', 'null'), 0.0) AS confidence,
    coalesce(document ->> '$.acknowledged', 0) AS acknowledged,
    coalesce(document ->> '$.rebuttal', '') AS rebuttal,
    coalesce(nullif(document -> '$.metadata', 'null'), '{}') AS metadata,
    coalesce(data, '{}') AS data,
    coalesce(timestamp, document ->> '$.timestamp') AS created_at,
    archived_at,
    CASE
        WHEN dissent_type NOT IN (
            'minor_quibble', 'alternative_approach', 'fundamental_disagreement',
            'edge_case_concern', 'risk_warning', 'abstention'
        ) THEN 'unknown dissent type ' || quote(dissent_type) || ' taken as minor_quibble'
    END AS note_dissent_type
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        debate_id,
        agent_id,
        dissent_type,
        content,
        confidence,
        timestamp,
        data,
        archived_at,
        CASE WHEN json_valid(data) THEN data END AS document
    FROM dissent_archive
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS dissents;

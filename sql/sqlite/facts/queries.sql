-- Queries of the store of facts and their relations.

-- name: insert_fact(id, workspace_id, statement, statement_hash, statement_terms, confidence, evidence_ids, source_documents, topics, topic_terms, validation_status, metadata, created_at)^
-- Store a fact, unless its workspace has the statement, and return it.
INSERT INTO facts (
    id,
    workspace_id,
    statement,
    statement_hash,
    statement_terms,
    confidence,
    evidence_ids,
    source_documents,
    topics,
    topic_terms,
    validation_status,
    metadata,
    created_at,
    updated_at
)
VALUES (
    :id,
    :workspace_id,
    :statement,
    :statement_hash,
    :statement_terms,
    :confidence,
    :evidence_ids,
    :source_documents,
    :topics,
    :topic_terms,
    :validation_status,
    :metadata,
    :created_at,
    :created_at
)
ON CONFLICT (workspace_id, statement_hash) DO NOTHING
RETURNING
    -- columns: Fact
    id,
    workspace_id,
    statement,
    statement_hash,
    cast(confidence AS REAL) AS confidence,
    evidence_ids,
    source_documents,
    topics,
    consensus_proof_id,
    validation_status,
    metadata,
    created_at,
    updated_at,
    superseded_by;

-- name: get_fact(fact_id, workspace_id)^
-- Return a fact, of one workspace or of any.
SELECT
    -- columns: Fact
    f.id,
    f.workspace_id,
    f.statement,
    f.statement_hash,
    f.confidence,
    f.evidence_ids,
    f.source_documents,
    f.topics,
    f.consensus_proof_id,
    f.validation_status,
    f.metadata,
    f.created_at,
    f.updated_at,
    f.superseded_by
FROM facts AS f
WHERE
    f.id = :fact_id
    AND (:workspace_id IS NULL OR f.workspace_id = :workspace_id);

-- name: find_fact(workspace_id, statement_hash)^
-- Return the fact of a workspace that has a statement.
SELECT
    -- columns: Fact
    f.id,
    f.workspace_id,
    f.statement,
    f.statement_hash,
    f.confidence,
    f.evidence_ids,
    f.source_documents,
    f.topics,
    f.consensus_proof_id,
    f.validation_status,
    f.metadata,
    f.created_at,
    f.updated_at,
    f.superseded_by
FROM facts AS f
WHERE
    f.workspace_id = :workspace_id
    AND f.statement_hash = :statement_hash;

-- name: update_fact(fact_id, workspace_id, confidence, validation_status, consensus_proof_id, evidence_ids, topics, topic_terms, metadata, superseded_by, updated_at)^
-- Change what is not NULL of a fact, of one workspace or of any, and return it.
UPDATE facts
SET
    confidence = coalesce(:confidence, confidence),
    validation_status = coalesce(:validation_status, validation_status),
    consensus_proof_id = coalesce(:consensus_proof_id, consensus_proof_id),
    evidence_ids = coalesce(:evidence_ids, evidence_ids),
    topics = coalesce(:topics, topics),
    topic_terms = coalesce(:topic_terms, topic_terms),
    metadata = coalesce(:metadata, metadata),
    superseded_by = coalesce(:superseded_by, superseded_by),
    updated_at = :updated_at
WHERE
    id = :fact_id
    AND (:workspace_id IS NULL OR workspace_id = :workspace_id)
RETURNING
    -- columns: Fact
    id,
    workspace_id,
    statement,
    statement_hash,
    cast(confidence AS REAL) AS confidence,
    evidence_ids,
    source_documents,
    topics,
    consensus_proof_id,
    validation_status,
    metadata,
    created_at,
    updated_at,
    superseded_by;

-- name: hand_over_superseded(fact_id, workspace_id, updated_at)!
-- Let what a fact supersedes be superseded by the one that supersedes the fact, or by none where that is
-- not there; of a fact of one workspace or of any.
-- meaning: values of fact_id ["a", "b", "k1"] because it has to be one that supersedes others
UPDATE facts
SET
    superseded_by = (
        SELECT n.id
        FROM facts AS g
        INNER JOIN facts AS n ON g.superseded_by = n.id
        WHERE g.id = :fact_id AND n.id <> facts.id -- noqa: RF01
    ),
    updated_at = :updated_at
WHERE
    superseded_by = :fact_id
    AND EXISTS (
        SELECT 1
        FROM facts AS g
        WHERE g.id = :fact_id AND (:workspace_id IS NULL OR g.workspace_id = :workspace_id)
    );

-- name: delete_fact(fact_id, workspace_id)!
-- Delete a fact with its relations, of one workspace or of any.
DELETE FROM facts
WHERE
    id = :fact_id
    AND (:workspace_id IS NULL OR workspace_id = :workspace_id);

-- name: list_facts(min_confidence, validation_status, include_superseded, created_after, created_before, topics, source_documents, after_confidence, after_timestamp, after_id, row_limit)
-- List facts of all workspaces, the surest first, then the newest, from a place on.
-- plan: filtered_walk allowed because few facts are superseded, and other filters are for a workspace
-- meaning: values of topics [[], ["t1"], ["t1", "t2"]] because calls ask for known topics
-- meaning: values of source_documents [[], ["d1"]] because calls ask for known documents
SELECT
    -- columns: Fact
    f.id,
    f.workspace_id,
    f.statement,
    f.statement_hash,
    f.confidence,
    f.evidence_ids,
    f.source_documents,
    f.topics,
    f.consensus_proof_id,
    f.validation_status,
    f.metadata,
    f.created_at,
    f.updated_at,
    f.superseded_by
FROM facts AS f
WHERE
    (f.confidence, f.created_at, f.id)
    < (:after_confidence, :after_timestamp, :after_id)
    AND f.confidence >= :min_confidence
    AND (:validation_status IS NULL OR f.validation_status = :validation_status)
    AND (:include_superseded OR f.superseded_by IS NULL)
    AND f.created_at >= :created_after
    AND f.created_at <= :created_before
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:topics) AS q
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM json_each(f.topics) AS t
                WHERE t.type = 'text' AND t.value = q.value
            )
    )
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:source_documents) AS q
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM json_each(f.source_documents) AS t
                WHERE t.type = 'text' AND t.value = q.value
            )
    )
ORDER BY f.confidence DESC, f.created_at DESC, f.id DESC
LIMIT :row_limit;

-- name: list_workspace_facts(workspace_id, min_confidence, validation_status, include_superseded, created_after, created_before, topics, source_documents, after_confidence, after_timestamp, after_id, row_limit)
-- List facts of a workspace, the surest first, then the newest, from a place on.
-- meaning: values of topics [[], ["t1"], ["t1", "t2"]] because calls ask for known topics
-- meaning: values of source_documents [[], ["d1"]] because calls ask for known documents
SELECT
    -- columns: Fact
    f.id,
    f.workspace_id,
    f.statement,
    f.statement_hash,
    f.confidence,
    f.evidence_ids,
    f.source_documents,
    f.topics,
    f.consensus_proof_id,
    f.validation_status,
    f.metadata,
    f.created_at,
    f.updated_at,
    f.superseded_by
FROM facts AS f
WHERE
    f.workspace_id = :workspace_id
    AND (f.confidence, f.created_at, f.id)
    < (:after_confidence, :after_timestamp, :after_id)
    AND f.confidence >= :min_confidence
    AND (:validation_status IS NULL OR f.validation_status = :validation_status)
    AND (:include_superseded OR f.superseded_by IS NULL)
    AND f.created_at >= :created_after
    AND f.created_at <= :created_before
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:topics) AS q
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM json_each(f.topics) AS t
                WHERE t.type = 'text' AND t.value = q.value
            )
    )
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:source_documents) AS q
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM json_each(f.source_documents) AS t
                WHERE t.type = 'text' AND t.value = q.value
            )
    )
ORDER BY f.confidence DESC, f.created_at DESC, f.id DESC
LIMIT :row_limit;

-- name: search_facts(expression, terms, workspace_id, min_confidence, validation_status, include_superseded, created_after, created_before, topics, source_documents, most, row_limit, row_offset)
-- Find facts with search terms in statement or topics, those with most of them first, of these the
-- surest, of these the newest; of one workspace or of all. Where more than :most match, the surest are
-- looked at.
-- meaning: values of expression ["(alpha|beta)", "alpha", "(beta&gamma)", "(alpha&beta)", "(delta|gamma)"] because the store writes it so
-- meaning: values of terms [["alpha", "beta"], ["alpha"], ["beta", "gamma"], ["delta", "gamma"]] because the expression is made of them
-- meaning: values of most [3, 1000] because the store looks at a fixed number
-- meaning: values of row_offset [0, 1] because pages begin at a number
-- meaning: values of topics [[], ["t1"], ["t1", "t2"]] because calls ask for known topics
-- meaning: values of source_documents [[], ["d1"]] because calls ask for known documents
-- result: matched not null
WITH matches AS MATERIALIZED (
    SELECT
        m.id,
        ' ' || m.statement_terms || ' ' || m.topic_terms || ' ' AS padded,
        m.confidence,
        m.created_at
    FROM fact_search AS s
    CROSS JOIN facts AS m ON s.rowid = m.row_id
    WHERE
        s.fact_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
        AND (:workspace_id IS NULL OR m.workspace_id = :workspace_id)
        AND m.confidence >= :min_confidence
        AND (:validation_status IS NULL OR m.validation_status = :validation_status)
        AND (:include_superseded OR m.superseded_by IS NULL)
        AND m.created_at >= :created_after
        AND m.created_at <= :created_before
        AND NOT EXISTS (
            SELECT 1
            FROM json_each(:topics) AS q
            WHERE
                NOT EXISTS (
                    SELECT 1
                    FROM json_each(m.topics) AS t
                    WHERE t.type = 'text' AND t.value = q.value
                )
        )
        AND NOT EXISTS (
            SELECT 1
            FROM json_each(:source_documents) AS q
            WHERE
                NOT EXISTS (
                    SELECT 1
                    FROM json_each(m.source_documents) AS t
                    WHERE t.type = 'text' AND t.value = q.value
                )
        )
    ORDER BY m.confidence DESC, m.created_at DESC, m.id DESC
    LIMIT :most
),

ranked AS (
    SELECT
        k.id,
        k.confidence,
        k.created_at,
        (
            SELECT count(*)
            FROM json_each(:terms) AS q
            WHERE instr(k.padded, ' ' || q.value || ' ') > 0
        ) AS matched
    FROM matches AS k
    ORDER BY matched DESC, k.confidence DESC, k.created_at DESC, k.id DESC
    LIMIT :row_limit OFFSET :row_offset
)

SELECT
    -- columns: FoundFact
    f.id,
    f.workspace_id,
    f.statement,
    f.statement_hash,
    f.confidence,
    f.evidence_ids,
    f.source_documents,
    f.topics,
    f.consensus_proof_id,
    f.validation_status,
    f.metadata,
    f.created_at,
    f.updated_at,
    f.superseded_by,
    r.matched
FROM ranked AS r
INNER JOIN facts AS f ON r.id = f.id
ORDER BY r.matched DESC, f.confidence DESC, f.created_at DESC, f.id DESC;

-- name: list_contradictions(fact_id, workspace_id, row_limit)
-- List the facts that contradict a fact, or that it contradicts, and that no other one supersedes; of one
-- workspace or of any.
SELECT
    -- columns: Fact
    f.id,
    f.workspace_id,
    f.statement,
    f.statement_hash,
    f.confidence,
    f.evidence_ids,
    f.source_documents,
    f.topics,
    f.consensus_proof_id,
    f.validation_status,
    f.metadata,
    f.created_at,
    f.updated_at,
    f.superseded_by
FROM facts AS f
WHERE
    f.id IN (
        SELECT r.target_fact_id
        FROM fact_relations AS r
        WHERE r.source_fact_id = :fact_id AND r.relation_type = 'contradicts'
        UNION
        SELECT r.source_fact_id
        FROM fact_relations AS r
        WHERE r.target_fact_id = :fact_id AND r.relation_type = 'contradicts'
    )
    AND f.superseded_by IS NULL
    AND (:workspace_id IS NULL OR f.workspace_id = :workspace_id)
ORDER BY f.confidence DESC, f.id DESC
LIMIT :row_limit;

-- name: hold_supersessions(held)$
-- Let one at a time look for a circle of facts that supersede each other, and close none.
SELECT '' AS held
WHERE :held IS NOT NULL;

-- name: is_superseded(fact_id, newer_id)$
-- Tell whether a fact supersedes another one, itself or over others, by a relation or by the column.
-- result: present boolean not null
WITH RECURSIVE older AS (
    SELECT :newer_id AS fact_id
    UNION
    SELECT r.target_fact_id AS fact_id
    FROM older AS o
    CROSS JOIN fact_relations AS r ON o.fact_id = r.source_fact_id
    WHERE
        r.relation_type = 'supersedes'
        -- Of few rows: no filter of the whole index is made for them.
        AND likelihood(o.fact_id <> '', 0.000001)
    UNION
    SELECT f.id AS fact_id
    FROM older AS o
    CROSS JOIN facts AS f ON o.fact_id = f.superseded_by
)

SELECT
    exists(
        SELECT 1
        FROM older AS o
        WHERE o.fact_id = :fact_id
    ) AS present;

-- name: insert_relation(id, source_fact_id, target_fact_id, relation_type, confidence, created_by, metadata, created_at, workspace_id)^
-- Relate two facts, of one workspace or of any, and return the relation.
INSERT INTO fact_relations (
    id,
    source_fact_id,
    target_fact_id,
    relation_type,
    confidence,
    created_by,
    metadata,
    created_at
)
SELECT
    :id,
    a.id AS source_fact_id,
    b.id AS target_fact_id,
    :relation_type,
    :confidence,
    :created_by,
    :metadata,
    :created_at
FROM facts AS a
CROSS JOIN facts AS b
WHERE
    a.id = :source_fact_id
    AND b.id = :target_fact_id
    AND (
        :workspace_id IS NULL
        OR (a.workspace_id = :workspace_id AND b.workspace_id = :workspace_id)
    )
RETURNING
    -- columns: FactRelation
    id,
    source_fact_id,
    target_fact_id,
    relation_type,
    cast(confidence AS REAL) AS confidence,
    created_by,
    metadata,
    created_at;

-- name: list_relations(fact_id, relation_type, as_source, as_target, workspace_id, row_limit)
-- List the relations from and to a fact, of one type or of all; of one workspace or of any.
SELECT
    -- columns: FactRelation
    r.id,
    r.source_fact_id,
    r.target_fact_id,
    r.relation_type,
    r.confidence,
    r.created_by,
    r.metadata,
    r.created_at
FROM fact_relations AS r
INNER JOIN facts AS f ON r.source_fact_id = f.id
WHERE
    (r.source_fact_id = :fact_id OR r.target_fact_id = :fact_id)
    AND (
        (:as_source AND r.source_fact_id = :fact_id)
        OR (:as_target AND r.target_fact_id = :fact_id)
    )
    AND (:relation_type IS NULL OR r.relation_type = :relation_type)
    AND (:workspace_id IS NULL OR f.workspace_id = :workspace_id)
ORDER BY r.created_at, r.id
LIMIT :row_limit;

-- name: count_facts(workspace_id)
-- Count the facts of a workspace or of all by status, and add up how sure they are.
-- plan: seq_scan allowed because statistics of all workspaces look at all facts
-- meaning: confidence within 1e-9 because the engines add floats in an order of their own
-- result: total not null, confidence not null
SELECT
    f.validation_status,
    count(*) AS total,
    sum(f.confidence) AS confidence
FROM facts AS f
WHERE (:workspace_id IS NULL OR f.workspace_id = :workspace_id)
GROUP BY f.validation_status
ORDER BY f.validation_status;

-- name: count_relations(workspace_id)$
-- Count the relations that begin in a workspace, or all.
-- plan: seq_scan allowed because statistics of all workspaces look at all relations
SELECT count(*) AS total
FROM fact_relations AS r
WHERE
    (
        :workspace_id IS NULL
        OR EXISTS (
            SELECT 1
            FROM facts AS f
            WHERE f.id = r.source_fact_id AND f.workspace_id = :workspace_id
        )
    );

-- How the older Aragora's facts map onto today's tables. Its full-text table is made anew. See
-- docs/migration.md ("How a mapping is written").

-- name: facts(first_rowid, last_rowid)
-- Facts. Of some that supersede each other in a circle, the one that was changed last keeps no reference.
-- from: facts (id, statement, statement_hash, workspace_id, created_at, updated_at)
-- optional: confidence, evidence_ids_json, source_documents_json, topics_json, consensus_proof_id
-- optional: validation_status, metadata_json, superseded_by
-- without: statement_terms
-- into: facts
-- key: id
-- merge: newest updated_at
-- order: created_at
-- values: confidence = confidence, 0.5; evidence_ids = evidence_ids_json, []
-- values: source_documents = source_documents_json, []; topics = topics_json, []
-- values: metadata = metadata_json, {}; validation_status = validation_status, 'unverified'
-- values: statement_terms = topic_terms(statement); topic_terms = computed
-- values: superseded_by = computed from superseded_by
SELECT
    source_rowid,
    -- First, as it says best what is wrong with a document that can't be read.
    topics,
    id,
    workspace_id,
    statement,
    statement_hash,
    topic_terms(cast(statement AS BLOB)) AS statement_terms,
    confidence,
    evidence_ids,
    source_documents,
    coalesce(result_terms(cast(document AS BLOB), NULL), '') AS topic_terms,
    consensus_proof_id,
    validation_status,
    metadata,
    created_at,
    updated_at,
    CASE WHEN NOT closes_circle THEN superseded_by END AS superseded_by,
    CASE
        WHEN closes_circle
            THEN 'superseded_by closed a circle of facts that supersede each other: set to NULL'
    END AS note_circle,
    note_status
FROM (
    SELECT
        f.rowid AS source_rowid,
        id,
        workspace_id,
        statement,
        statement_hash,
        coalesce(confidence, 0.5) AS confidence,
        coalesce(nullif(nullif(evidence_ids_json, ''), 'null'), '[]') AS evidence_ids,
        coalesce(nullif(nullif(source_documents_json, ''), 'null'), '[]') AS source_documents,
        coalesce(nullif(nullif(topics_json, ''), 'null'), '[]') AS topics,
        CASE
            WHEN json_valid(topics_json) AND is_sound(cast(topics_json AS BLOB)) THEN topics_json
        END AS document,
        consensus_proof_id,
        CASE
            WHEN
                validation_status
                IN ('contested', 'majority_agreed', 'byzantine_agreed', 'formally_proven')
                THEN validation_status
            ELSE 'unverified'
        END AS validation_status,
        CASE
            WHEN
                validation_status
                NOT IN (
                    'unverified', 'contested', 'majority_agreed', 'byzantine_agreed',
                    'formally_proven'
                )
                THEN 'unknown status ' || quote(validation_status) || ' taken as unverified'
        END AS note_status,
        coalesce(nullif(nullif(metadata_json, ''), 'null'), '{}') AS metadata,
        created_at,
        updated_at,
        nullif(superseded_by, '') AS superseded_by,
        EXISTS (
            WITH RECURSIVE newer AS (
                SELECT f.superseded_by AS fact_id
                UNION
                SELECT n.superseded_by AS fact_id
                FROM newer AS w
                INNER JOIN facts AS n ON w.fact_id = n.id
            )

            SELECT 1
            FROM newer AS c
            WHERE
                c.fact_id = f.id
                AND NOT EXISTS (
                    SELECT 1
                    FROM newer AS w
                    INNER JOIN facts AS n ON w.fact_id = n.id
                    WHERE (n.updated_at, n.id) > (f.updated_at, f.id)
                )
        ) AS closes_circle
    FROM facts AS f
    WHERE f.rowid BETWEEN :first_rowid AND :last_rowid
) AS facts;

-- name: relations(first_rowid, last_rowid)
-- Relations. One by which facts would supersede each other in a circle is rejected, with a type that says
-- so and is none.
-- from: fact_relations (id, source_fact_id, target_fact_id, relation_type, created_at)
-- optional: confidence, created_by, metadata_json
-- without: metadata
-- into: fact_relations
-- key: id
-- merge: newest created_at
-- values: confidence = confidence, 0.5; created_by = nonblank created_by
-- values: metadata = metadata_json, {}; relation_type = computed from relation_type
SELECT
    rowid AS source_rowid,
    id,
    source_fact_id,
    target_fact_id,
    CASE
        WHEN
            relation_type = 'supersedes'
            AND EXISTS (
                WITH RECURSIVE older AS (
                    SELECT r.target_fact_id AS fact_id
                    UNION
                    SELECT x.target_fact_id AS fact_id
                    FROM older AS o
                    INNER JOIN fact_relations AS x ON o.fact_id = x.source_fact_id
                    WHERE x.relation_type = 'supersedes' AND x.rowid < r.rowid
                )

                SELECT 1
                FROM older AS o
                WHERE o.fact_id = r.source_fact_id
            )
            THEN 'supersedes, in a circle'
        ELSE relation_type
    END AS relation_type,
    coalesce(confidence, 0.5) AS confidence,
    nullif(created_by, '') AS created_by,
    coalesce(nullif(nullif(metadata_json, ''), 'null'), '{}') AS metadata,
    created_at
FROM fact_relations AS r
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

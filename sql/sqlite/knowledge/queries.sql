-- Queries of the store of knowledge: nodes, provenance, relationships and walks along them, topics,
-- grants, archive, clean-ups.

-- name: insert_node(id, workspace_id, node_type, content, content_hash, confidence, tier, surprise_score, update_count, consolidation_score, validation_status, consensus_proof_id, last_validated_at, staleness_score, revalidation_requested, visibility, visibility_set_by, is_discoverable, metadata, search_terms, created_at, updated_at)$
-- Store a node, unless its id or its content is there already, and return its id.
INSERT INTO knowledge_nodes (
    id,
    workspace_id,
    node_type,
    content,
    content_hash,
    confidence,
    tier,
    surprise_score,
    update_count,
    consolidation_score,
    validation_status,
    consensus_proof_id,
    last_validated_at,
    staleness_score,
    revalidation_requested,
    visibility,
    visibility_set_by,
    is_discoverable,
    metadata,
    search_terms,
    created_at,
    updated_at
)
VALUES (
    :id,
    :workspace_id,
    :node_type,
    :content,
    :content_hash,
    :confidence,
    :tier,
    :surprise_score,
    :update_count,
    :consolidation_score,
    :validation_status,
    :consensus_proof_id,
    :last_validated_at,
    :staleness_score,
    :revalidation_requested,
    :visibility,
    :visibility_set_by,
    :is_discoverable,
    :metadata,
    :search_terms,
    :created_at,
    :updated_at
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: replace_node(id, workspace_id, content, content_hash, confidence, metadata, search_terms, updated_at)$
-- Give a node of a workspace other content, unless another node has that, and return its id.
UPDATE knowledge_nodes
SET
    content = :content,
    content_hash = :content_hash,
    confidence = :confidence,
    metadata = :metadata,
    search_terms = :search_terms,
    update_count = update_count + 1,
    updated_at = :updated_at
WHERE
    id = :id
    AND workspace_id = :workspace_id
    AND NOT EXISTS (
        SELECT 1
        FROM knowledge_nodes AS o
        WHERE
            o.workspace_id = :workspace_id
            AND o.content_hash = :content_hash
            AND o.id <> :id
    )
RETURNING id;

-- name: merge_node(workspace_id, content_hash, updated_at)$
-- Count that the content of a node was saved once more, and return its id.
UPDATE knowledge_nodes
SET
    update_count = update_count + 1,
    updated_at = :updated_at
WHERE
    workspace_id = :workspace_id
    AND content_hash = :content_hash
RETURNING id;

-- name: update_node(id, workspace_id, node_type, content, content_hash, search_terms, confidence, tier, surprise_score, consolidation_score, validation_status, consensus_proof_id, last_validated_at, staleness_score, revalidation_requested, visibility, visibility_set_by, is_discoverable, metadata, updated_at)!
-- Change what is not NULL of a node, of one workspace or of any.
UPDATE knowledge_nodes
SET
    node_type = coalesce(:node_type, node_type),
    content = coalesce(:content, content),
    content_hash = coalesce(:content_hash, content_hash),
    search_terms = coalesce(:search_terms, search_terms),
    confidence = coalesce(:confidence, confidence),
    tier = coalesce(:tier, tier),
    surprise_score = coalesce(:surprise_score, surprise_score),
    consolidation_score = coalesce(:consolidation_score, consolidation_score),
    validation_status = coalesce(:validation_status, validation_status),
    consensus_proof_id = coalesce(:consensus_proof_id, consensus_proof_id),
    last_validated_at = coalesce(:last_validated_at, last_validated_at),
    staleness_score = coalesce(:staleness_score, staleness_score),
    revalidation_requested = coalesce(:revalidation_requested, revalidation_requested),
    visibility = coalesce(:visibility, visibility),
    visibility_set_by = coalesce(:visibility_set_by, visibility_set_by),
    is_discoverable = coalesce(:is_discoverable, is_discoverable),
    metadata = coalesce(:metadata, metadata),
    updated_at = :updated_at
WHERE
    id = :id
    AND (:workspace_id IS NULL OR workspace_id = :workspace_id);

-- name: get_nodes(node_ids, workspace_id)
-- Return some nodes, of one workspace or of any.
-- result: topics json
SELECT
    -- columns: KnowledgeNode
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.content_hash,
    n.confidence,
    n.tier,
    n.surprise_score,
    n.update_count,
    n.consolidation_score,
    n.validation_status,
    n.consensus_proof_id,
    n.last_validated_at,
    n.staleness_score,
    n.revalidation_requested,
    n.visibility,
    n.visibility_set_by,
    n.is_discoverable,
    (
        SELECT json_group_array(o.topic)
        FROM (
            SELECT t.topic
            FROM node_topics AS t
            WHERE t.node_id = n.id
            ORDER BY t.topic
        ) AS o
    ) AS topics,
    n.metadata,
    n.created_at,
    n.updated_at
FROM knowledge_nodes AS n
WHERE
    n.id IN (SELECT value FROM json_each(:node_ids))
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY n.id;

-- name: find_by_content_hash(content_hash, workspace_id)$
-- Return the id of the node that has a content.
SELECT n.id
FROM knowledge_nodes AS n
WHERE
    n.workspace_id = :workspace_id
    AND n.content_hash = :content_hash;

-- name: list_content_hashes(workspace_id, after_hash, row_limit)
-- List the contents of a workspace in the order of their hashes, from a place on.
SELECT
    n.content_hash,
    n.id
FROM knowledge_nodes AS n
WHERE
    n.workspace_id = :workspace_id
    AND n.content_hash > :after_hash
ORDER BY n.content_hash
LIMIT :row_limit;

-- name: query_nodes(workspace_id, node_types, min_confidence, tier, validation_status, topics, after_confidence, after_id, row_limit)
-- List the nodes of a workspace, the surest first, from a place on; with any of some types and topics.
-- meaning: values of node_types [null, ["fact"], ["A", "b", "c"]] because NULL stands for all types
-- meaning: values of topics [null, ["t1"], ["t2", "t3"]] because NULL stands for all topics
-- result: topics json
SELECT
    -- columns: KnowledgeNode
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.content_hash,
    n.confidence,
    n.tier,
    n.surprise_score,
    n.update_count,
    n.consolidation_score,
    n.validation_status,
    n.consensus_proof_id,
    n.last_validated_at,
    n.staleness_score,
    n.revalidation_requested,
    n.visibility,
    n.visibility_set_by,
    n.is_discoverable,
    (
        SELECT json_group_array(o.topic)
        FROM (
            SELECT t.topic
            FROM node_topics AS t
            WHERE t.node_id = n.id
            ORDER BY t.topic
        ) AS o
    ) AS topics,
    n.metadata,
    n.created_at,
    n.updated_at
FROM knowledge_nodes AS n
WHERE
    n.workspace_id = :workspace_id
    AND (n.confidence, n.id) < (:after_confidence, :after_id)
    AND n.confidence >= :min_confidence
    AND (:node_types IS NULL OR n.node_type IN (SELECT value FROM json_each(:node_types)))
    AND (:tier IS NULL OR n.tier = :tier)
    AND (:validation_status IS NULL OR n.validation_status = :validation_status)
    AND (
        :topics IS NULL
        OR EXISTS (
            SELECT 1
            FROM node_topics AS a
            WHERE a.node_id = n.id AND a.topic IN (SELECT value FROM json_each(:topics))
        )
    )
ORDER BY n.confidence DESC, n.id DESC
LIMIT :row_limit;

-- name: list_recent_nodes(workspace_id, node_type, tier, after_timestamp, after_id, row_limit)
-- List the nodes of a workspace, the last that was changed first, from a place on.
-- result: topics json
SELECT
    -- columns: KnowledgeNode
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.content_hash,
    n.confidence,
    n.tier,
    n.surprise_score,
    n.update_count,
    n.consolidation_score,
    n.validation_status,
    n.consensus_proof_id,
    n.last_validated_at,
    n.staleness_score,
    n.revalidation_requested,
    n.visibility,
    n.visibility_set_by,
    n.is_discoverable,
    (
        SELECT json_group_array(o.topic)
        FROM (
            SELECT t.topic
            FROM node_topics AS t
            WHERE t.node_id = n.id
            ORDER BY t.topic
        ) AS o
    ) AS topics,
    n.metadata,
    n.created_at,
    n.updated_at
FROM knowledge_nodes AS n
WHERE
    n.workspace_id = :workspace_id
    AND (n.updated_at, n.id) < (:after_timestamp, :after_id)
    AND (:node_type IS NULL OR n.node_type = :node_type)
    AND (:tier IS NULL OR n.tier = :tier)
ORDER BY n.updated_at DESC, n.id DESC
LIMIT :row_limit;

-- name: sort_nodes(workspace_id, node_type, tier, order_by, descending, after_number, after_timestamp, after_id, row_limit)
-- List the ids of the nodes of a workspace in one of several orders, from a place on. It looks at all
-- of its nodes.
-- meaning: values of order_by ["updated_at", "created_at", "confidence", "staleness_score", "id"] because these are the orders
SELECT k.id
FROM (
    SELECT
        n.id,
        CASE :order_by
            WHEN 'confidence' THEN n.confidence
            WHEN 'staleness_score' THEN n.staleness_score
            ELSE 0.0
        END AS number,
        CASE :order_by
            WHEN 'created_at' THEN n.created_at
            WHEN 'updated_at' THEN n.updated_at
            ELSE :after_timestamp
        END AS moment
    FROM knowledge_nodes AS n
    WHERE
        n.workspace_id = :workspace_id
        AND (:node_type IS NULL OR n.node_type = :node_type)
        AND (:tier IS NULL OR n.tier = :tier)
) AS k
WHERE
    CASE
        WHEN :descending
            THEN
                (k.number, k.moment, k.id)
                < (:after_number, :after_timestamp, :after_id)
        ELSE
            (k.number, k.moment, k.id)
            > (:after_number, :after_timestamp, :after_id)
    END
ORDER BY
    CASE WHEN :descending THEN k.number END DESC,
    CASE WHEN :descending THEN k.moment END DESC,
    CASE WHEN :descending THEN k.id END DESC,
    k.number ASC,
    k.moment ASC,
    k.id ASC
LIMIT :row_limit;

-- name: search_nodes(expression, terms, workspace_id, node_types, min_confidence, tier, guarded, actor_id, actor_roles, actor_workspace_id, actor_org_id, most, row_limit, row_offset)
-- Find nodes with search terms, those with most of them first, of these the surest; of one workspace
-- or of all. Where :guarded, only what somebody may see: what is public, what the actor's workspace or
-- organization may see, and what is granted to one of them. Where more than :most match, the surest
-- are looked at.
-- meaning: values of expression ["(alpha|beta)", "alpha", "(beta&gamma)", "(alpha&beta)", "(delta|gamma)"] because the store writes it so
-- meaning: values of terms [["alpha", "beta"], ["alpha"], ["beta", "gamma"], ["delta", "gamma"]] because the expression is made of them
-- meaning: values of node_types [null, ["fact"], ["A", "b", "c"]] because NULL stands for all types
-- meaning: values of actor_id ["u1", "u2"] because calls ask for known users
-- meaning: values of actor_roles [[], ["r1"], ["r1", "r2"]] because calls ask for known roles
-- meaning: values of actor_workspace_id ["w1", "w2"] because calls ask for known workspaces
-- meaning: values of actor_org_id ["o1", "o2", "5", "true", null] because calls ask for known organizations
-- meaning: values of most [3, 1000] because the store looks at a fixed number
-- meaning: values of row_offset [0, 1] because pages begin at a number
-- result: topics json, matched not null
WITH matches AS MATERIALIZED (
    SELECT
        m.id,
        ' ' || m.search_terms || ' ' AS padded,
        m.confidence
    FROM knowledge_search AS f
    CROSS JOIN knowledge_nodes AS m ON f.rowid = m.row_id
    WHERE
        f.knowledge_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
        AND m.confidence >= :min_confidence
        AND (:workspace_id IS NULL OR m.workspace_id = :workspace_id)
        AND (:node_types IS NULL OR m.node_type IN (SELECT value FROM json_each(:node_types)))
        AND (:tier IS NULL OR m.tier = :tier)
        AND (
            NOT :guarded
            OR (
                m.is_discoverable
                AND (
                    m.visibility IN ('public', 'system')
                    OR (
                        m.visibility = 'workspace'
                        AND m.workspace_id = :actor_workspace_id
                    )
                    OR (
                        m.visibility = 'organization'
                        -- A number or a boolean names no organization.
                        AND json_type(m.metadata, '$.org_id') = 'text'
                        AND m.metadata ->> 'org_id' = :actor_org_id
                    )
                    OR EXISTS (
                        SELECT 1
                        FROM access_grants AS g
                        WHERE
                            g.item_id = m.id
                            AND 'read' IN (SELECT value FROM json_each(g.permissions))
                            AND (
                                g.expires_at IS NULL
                                OR g.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
                            )
                            AND (
                                (g.grantee_type = 'user' AND g.grantee_id = :actor_id)
                                OR (
                                    g.grantee_type = 'role'
                                    AND g.grantee_id IN (SELECT value FROM json_each(:actor_roles))
                                )
                                OR (
                                    g.grantee_type = 'workspace'
                                    AND g.grantee_id = :actor_workspace_id
                                )
                                OR (
                                    g.grantee_type = 'organization'
                                    AND g.grantee_id = :actor_org_id
                                )
                            )
                    )
                )
            )
        )
    ORDER BY m.confidence DESC, m.id DESC
    LIMIT :most
),

ranked AS (
    SELECT
        k.id,
        k.confidence,
        (
            SELECT count(*)
            FROM json_each(:terms) AS q
            WHERE instr(k.padded, ' ' || q.value || ' ') > 0
        ) AS matched
    FROM matches AS k
    ORDER BY matched DESC, k.confidence DESC, k.id DESC
    LIMIT :row_limit OFFSET :row_offset
)

SELECT
    -- columns: FoundNode
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.content_hash,
    n.confidence,
    n.tier,
    n.surprise_score,
    n.update_count,
    n.consolidation_score,
    n.validation_status,
    n.consensus_proof_id,
    n.last_validated_at,
    n.staleness_score,
    n.revalidation_requested,
    n.visibility,
    n.visibility_set_by,
    n.is_discoverable,
    (
        SELECT json_group_array(o.topic)
        FROM (
            SELECT t.topic
            FROM node_topics AS t
            WHERE t.node_id = n.id
            ORDER BY t.topic
        ) AS o
    ) AS topics,
    n.metadata,
    n.created_at,
    n.updated_at,
    r.matched
FROM ranked AS r
INNER JOIN knowledge_nodes AS n ON r.id = n.id
ORDER BY r.matched DESC, n.confidence DESC, n.id DESC;

-- name: put_vector(node_id, dims, vector, updated_at)!
-- Store the vector of a node.
INSERT INTO knowledge_vectors (node_id, dims, vector, updated_at)
VALUES (:node_id, :dims, :vector, :updated_at)
ON CONFLICT (node_id) DO UPDATE
SET
    dims = excluded.dims,
    vector = excluded.vector,
    updated_at = excluded.updated_at;

-- name: list_node_vectors(node_ids)
-- Return the vectors of some nodes.
SELECT
    v.node_id,
    v.vector
FROM knowledge_vectors AS v
WHERE v.node_id IN (SELECT value FROM json_each(:node_ids))
ORDER BY v.node_id;

-- name: rank_vectors(vector, workspace_id, node_types, min_confidence, tier, guarded, actor_id, actor_roles, actor_workspace_id, actor_org_id, row_limit)
-- Rank the nodes whose vectors have as many numbers as the given one, of length 1, by the cosine of
-- both, best first; of one workspace or of all. Where :guarded, only what somebody may see, as in
-- search_nodes.
-- meaning: values of vector [[1.0], [0.6, 0.8], [0.0, 1.0]] because a vector has length 1
-- meaning: values of node_types [null, ["fact"], ["A", "b", "c"]] because NULL stands for all types
-- meaning: values of actor_id ["u1", "u2"] because calls ask for known users
-- meaning: values of actor_roles [[], ["r1"], ["r1", "r2"]] because calls ask for known roles
-- meaning: values of actor_workspace_id ["w1", "w2"] because calls ask for known workspaces
-- meaning: values of actor_org_id ["o1", "o2", null] because calls ask for known organizations
-- meaning: similarity within 1e-9 because sums are rounded otherwise
-- result: topics json, similarity not null
WITH given AS MATERIALIZED (
    SELECT
        q.key AS place,
        q.value AS number
    FROM json_each(:vector) AS q
),

compared AS MATERIALIZED (
    SELECT
        v.node_id,
        sum(x.value * w.number) AS similarity
    FROM knowledge_vectors AS v
    CROSS JOIN knowledge_nodes AS m ON v.node_id = m.id
    CROSS JOIN json_each(v.vector) AS x
    CROSS JOIN given AS w ON x.key = w.place
    WHERE
        v.dims = json_array_length(:vector)
        AND m.confidence >= :min_confidence
        AND (:workspace_id IS NULL OR m.workspace_id = :workspace_id)
        AND (:node_types IS NULL OR m.node_type IN (SELECT value FROM json_each(:node_types)))
        AND (:tier IS NULL OR m.tier = :tier)
        AND (
            NOT :guarded
            OR (
                m.is_discoverable
                AND (
                    m.visibility IN ('public', 'system')
                    OR (
                        m.visibility = 'workspace'
                        AND m.workspace_id = :actor_workspace_id
                    )
                    OR (
                        m.visibility = 'organization'
                        AND json_type(m.metadata, '$.org_id') = 'text'
                        AND m.metadata ->> 'org_id' = :actor_org_id
                    )
                    OR EXISTS (
                        SELECT 1
                        FROM access_grants AS g
                        WHERE
                            g.item_id = m.id
                            AND 'read' IN (SELECT value FROM json_each(g.permissions))
                            AND (
                                g.expires_at IS NULL
                                OR g.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
                            )
                            AND (
                                (g.grantee_type = 'user' AND g.grantee_id = :actor_id)
                                OR (
                                    g.grantee_type = 'role'
                                    AND g.grantee_id IN (SELECT value FROM json_each(:actor_roles))
                                )
                                OR (
                                    g.grantee_type = 'workspace'
                                    AND g.grantee_id = :actor_workspace_id
                                )
                                OR (
                                    g.grantee_type = 'organization'
                                    AND g.grantee_id = :actor_org_id
                                )
                            )
                    )
                )
            )
        )
    GROUP BY v.node_id
)

SELECT
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.content_hash,
    n.confidence,
    n.tier,
    n.surprise_score,
    n.update_count,
    n.consolidation_score,
    n.validation_status,
    n.consensus_proof_id,
    n.last_validated_at,
    n.staleness_score,
    n.revalidation_requested,
    n.visibility,
    n.visibility_set_by,
    n.is_discoverable,
    (
        SELECT json_group_array(o.topic)
        FROM (
            SELECT t.topic
            FROM node_topics AS t
            WHERE t.node_id = n.id
            ORDER BY t.topic
        ) AS o
    ) AS topics,
    n.metadata,
    n.created_at,
    n.updated_at,
    s.similarity
FROM compared AS s
CROSS JOIN knowledge_nodes AS n ON s.node_id = n.id
WHERE s.similarity IS NOT NULL
-- to nine digits, so that both engines rank alike
ORDER BY cast((s.similarity + 2.0) * 1e9 AS INTEGER) DESC, n.id ASC
LIMIT :row_limit;

-- name: count_nodes(workspace_id)$
-- Count the nodes of a workspace.
SELECT count(*) AS total
FROM knowledge_nodes AS n
WHERE n.workspace_id = :workspace_id;

-- name: count_groups(workspace_id)
-- Count the nodes of a workspace by type, tier and status, those that are outdated, and add up how sure
-- they are.
-- meaning: confidence within 1e-9 because the engines add floats in an order of their own
-- result: total not null, stale not null, confidence not null
SELECT
    n.node_type,
    n.tier,
    n.validation_status,
    count(*) AS total,
    count(*) FILTER (WHERE n.staleness_score > 0.5) AS stale,
    sum(n.confidence) AS confidence
FROM knowledge_nodes AS n
WHERE n.workspace_id = :workspace_id
GROUP BY n.node_type, n.tier, n.validation_status
ORDER BY n.node_type, n.tier, n.validation_status;

-- name: count_relationships(workspace_id)
-- Count the relationships within a workspace, by type.
-- result: total not null
SELECT
    r.relationship_type,
    count(*) AS total
FROM knowledge_nodes AS n
INNER JOIN knowledge_relationships AS r ON n.id = r.from_node_id
INNER JOIN knowledge_nodes AS m ON r.to_node_id = m.id
WHERE
    n.workspace_id = :workspace_id
    AND m.workspace_id = :workspace_id
GROUP BY r.relationship_type
ORDER BY r.relationship_type;

-- name: delete_nodes(node_ids, workspace_id)!
-- Delete nodes with all that belongs to them, of one workspace or of any.
DELETE FROM knowledge_nodes
WHERE
    id IN (SELECT value FROM json_each(:node_ids))
    AND (:workspace_id IS NULL OR workspace_id = :workspace_id);

-- name: delete_workspace_nodes(workspace_id, row_limit)!
-- Delete some of the nodes of a workspace with all that belongs to them.
DELETE FROM knowledge_nodes
WHERE
    id IN (
        SELECT x.id
        FROM knowledge_nodes AS x
        WHERE x.workspace_id = :workspace_id
        ORDER BY x.content_hash
        LIMIT :row_limit
    );

-- name: trim_topics(node_id, topics)!
-- Delete all topics of a node but some.
DELETE FROM node_topics
WHERE
    node_id = :node_id
    AND topic NOT IN (SELECT value FROM json_each(:topics));

-- name: add_topics(node_id, topics)!
-- Give a node topics.
INSERT INTO node_topics (node_id, topic)
SELECT
    :node_id,
    q.value AS topic
FROM json_each(:topics) AS q
WHERE TRUE
ON CONFLICT (node_id, topic) DO NOTHING;

-- name: insert_provenance(id, node_id, source_type, source_id, agent_id, debate_id, document_id, user_id, parent_provenance_id, transformation_type, transformations, created_at)!
-- Store where a node comes from, unless that was said before.
INSERT INTO node_provenance (
    id,
    node_id,
    source_type,
    source_id,
    agent_id,
    debate_id,
    document_id,
    user_id,
    parent_provenance_id,
    transformation_type,
    transformations,
    created_at
)
VALUES (
    :id,
    :node_id,
    :source_type,
    :source_id,
    :agent_id,
    :debate_id,
    :document_id,
    :user_id,
    :parent_provenance_id,
    :transformation_type,
    :transformations,
    :created_at
)
ON CONFLICT (node_id) DO NOTHING;

-- name: list_provenance(node_ids, workspace_id)
-- Return where some nodes come from, of one workspace or of any.
SELECT
    -- columns: NodeProvenance
    p.id,
    p.node_id,
    p.source_type,
    p.source_id,
    p.agent_id,
    p.debate_id,
    p.document_id,
    p.user_id,
    p.parent_provenance_id,
    p.transformation_type,
    p.transformations,
    p.created_at
FROM node_provenance AS p
INNER JOIN knowledge_nodes AS n ON p.node_id = n.id
WHERE
    p.node_id IN (SELECT value FROM json_each(:node_ids))
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY p.node_id;

-- name: query_by_provenance(source_type, source_id, node_type, workspace_id, row_limit)
-- List the ids of the nodes that come from a source, newest first, of one workspace or of any.
SELECT n.id
FROM node_provenance AS p
INNER JOIN knowledge_nodes AS n ON p.node_id = n.id
WHERE
    p.source_type = :source_type
    AND p.source_id = :source_id
    AND (:node_type IS NULL OR n.node_type = :node_type)
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY p.created_at DESC, p.node_id DESC
LIMIT :row_limit;

-- name: save_relationship(id, from_node_id, to_node_id, relationship_type, strength, created_by, metadata, created_at, workspace_id)$
-- Link two nodes, of one workspace or of any, or say anew how strongly, and return the id of the link.
INSERT INTO knowledge_relationships (
    id,
    from_node_id,
    to_node_id,
    relationship_type,
    strength,
    created_by,
    metadata,
    created_at
)
SELECT
    :id,
    a.id AS from_node_id,
    b.id AS to_node_id,
    :relationship_type,
    :strength,
    :created_by,
    :metadata,
    :created_at
FROM knowledge_nodes AS a
CROSS JOIN knowledge_nodes AS b
WHERE
    a.id = :from_node_id
    AND b.id = :to_node_id
    AND (
        :workspace_id IS NULL
        OR (a.workspace_id = :workspace_id AND b.workspace_id = :workspace_id)
    )
ON CONFLICT (from_node_id, to_node_id, relationship_type) DO UPDATE SET
    strength = excluded.strength,
    metadata = excluded.metadata
RETURNING id;

-- name: list_links(node_ids, types, workspace_id, row_limit)
-- List the relationships from and to some nodes, of some types or of all; of one workspace or of any.
-- meaning: values of types [null, ["supports"], ["cites", "contradicts"]] because NULL stands for all types
SELECT
    -- columns: KnowledgeRelationship
    r.id,
    r.from_node_id,
    r.to_node_id,
    r.relationship_type,
    r.strength,
    r.created_by,
    r.metadata,
    r.created_at
FROM knowledge_relationships AS r
WHERE
    (
        r.from_node_id IN (SELECT value FROM json_each(:node_ids))
        OR r.to_node_id IN (SELECT value FROM json_each(:node_ids))
    )
    AND (:types IS NULL OR r.relationship_type IN (SELECT value FROM json_each(:types)))
    AND (
        :workspace_id IS NULL
        OR NOT EXISTS (
            SELECT 1
            FROM knowledge_nodes AS n
            WHERE
                n.id IN (r.from_node_id, r.to_node_id)
                AND n.workspace_id <> :workspace_id
        )
    )
ORDER BY r.id
LIMIT :row_limit;

-- name: list_relationships(after_type, after_id, last_type, row_limit)
-- List relationships by type and id, from a place on, up to a type.
-- meaning: values of last_type ["cites", "supports", "~"] because a type is a word
SELECT
    -- columns: KnowledgeRelationship
    r.id,
    r.from_node_id,
    r.to_node_id,
    r.relationship_type,
    r.strength,
    r.created_by,
    r.metadata,
    r.created_at
FROM knowledge_relationships AS r
WHERE
    (r.relationship_type, r.id) > (:after_type, :after_id)
    AND r.relationship_type <= :last_type
ORDER BY r.relationship_type, r.id
LIMIT :row_limit;

-- name: list_workspace_relationships(workspace_id, relationship_type, after_type, after_id, row_limit)
-- List the relationships within a workspace by type and id, from a place on.
SELECT
    -- columns: KnowledgeRelationship
    r.id,
    r.from_node_id,
    r.to_node_id,
    r.relationship_type,
    r.strength,
    r.created_by,
    r.metadata,
    r.created_at
FROM knowledge_nodes AS n
INNER JOIN knowledge_relationships AS r ON n.id = r.from_node_id
INNER JOIN knowledge_nodes AS m ON r.to_node_id = m.id
WHERE
    n.workspace_id = :workspace_id
    AND m.workspace_id = :workspace_id
    AND (:relationship_type IS NULL OR r.relationship_type = :relationship_type)
    AND (r.relationship_type, r.id) > (:after_type, :after_id)
ORDER BY r.relationship_type, r.id
LIMIT :row_limit;

-- name: delete_relationship(relationship_id, workspace_id)!
-- Delete a relationship, of one workspace or of any.
DELETE FROM knowledge_relationships
WHERE
    id = :relationship_id
    AND (
        :workspace_id IS NULL
        OR NOT EXISTS (
            SELECT 1
            FROM knowledge_nodes AS n
            WHERE
                n.id IN (knowledge_relationships.from_node_id, knowledge_relationships.to_node_id)
                AND n.workspace_id <> :workspace_id
        )
    );

-- name: walk_neighbors(node_id, depth, types, outgoing, incoming, workspace_id, most, row_limit)
-- Walk from a node along relationships of some types or of all, within one workspace or through any;
-- list what is met with the number of steps to it, itself first. No more than :most places are met.
-- meaning: values of types [null, ["supports"], ["cites", "contradicts"]] because NULL stands for all types
-- meaning: values of depth [0, 1, 2, 3] because a walk has few steps
-- meaning: values of most [1000] because the store asks for more than there are here
-- result: depth not null, visited not null
WITH RECURSIVE walk AS (
    SELECT
        s.id AS node_id,
        0 AS depth
    FROM knowledge_nodes AS s
    WHERE
        s.id = :node_id
        AND (:workspace_id IS NULL OR s.workspace_id = :workspace_id)
    UNION
    SELECT
        r.to_node_id AS node_id,
        w.depth + 1 AS depth
    FROM walk AS w
    CROSS JOIN knowledge_relationships AS r ON w.node_id = r.from_node_id
    WHERE
        -- Of few rows: no filter of the whole index is made for them.
        likelihood(w.depth < :depth, 0.000001)
        AND (:types IS NULL OR r.relationship_type IN (SELECT value FROM json_each(:types)))
        AND :outgoing
        AND (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = r.to_node_id
            ) = :workspace_id
        )
    UNION
    SELECT
        r.from_node_id AS node_id,
        w.depth + 1 AS depth
    FROM walk AS w
    CROSS JOIN knowledge_relationships AS r ON w.node_id = r.to_node_id
    WHERE
        -- Of few rows: no filter of the whole index is made for them.
        likelihood(w.depth < :depth, 0.000001)
        AND (:types IS NULL OR r.relationship_type IN (SELECT value FROM json_each(:types)))
        AND :incoming
        AND (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = r.from_node_id
            ) = :workspace_id
        )
    LIMIT :most
),

met AS MATERIALIZED (
    SELECT
        w.node_id,
        w.depth
    FROM walk AS w
),

nearest AS (
    SELECT
        m.node_id,
        min(m.depth) AS depth
    FROM met AS m
    GROUP BY m.node_id
)

SELECT
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.confidence,
    k.depth,
    (SELECT count(*) FROM met) AS visited
FROM nearest AS k
CROSS JOIN knowledge_nodes AS n ON k.node_id = n.id
ORDER BY k.depth, n.id
LIMIT :row_limit;

-- name: find_path(from_node_id, to_node_id, max_depth, types, directed, workspace_id, most)
-- Find a shortest way from a node to another along relationships of some types or of all, within one
-- workspace or through any. It is walked from both ends at once, until both meet half-way. No more than
-- :most places are met. Without a way there is one row without a place.
-- meaning: values of types [null, ["supports"], ["cites", "contradicts"]] because NULL stands for all types
-- meaning: values of max_depth [1, 2, 3, 4] because a walk has few steps
-- meaning: values of most [1000] because the store asks for more than there are here
-- result: visited not null, is_forward boolean
WITH RECURSIVE walk AS (
    SELECT
        CASE WHEN s.id = :from_node_id THEN 0 ELSE 1 END AS side,
        s.id AS node_id,
        0 AS depth
    FROM knowledge_nodes AS s
    WHERE
        s.id IN (:from_node_id, :to_node_id)
        AND (:workspace_id IS NULL OR s.workspace_id = :workspace_id)
        AND :from_node_id <> :to_node_id
    UNION
    SELECT
        w.side,
        r.to_node_id AS node_id,
        w.depth + 1 AS depth
    FROM walk AS w
    CROSS JOIN knowledge_relationships AS r ON w.node_id = r.from_node_id
    WHERE
        -- Of few rows: no filter of the whole index is made for them.
        likelihood(w.depth < (:max_depth + 1 - w.side) / 2, 0.000001)
        AND (:types IS NULL OR r.relationship_type IN (SELECT value FROM json_each(:types)))
        AND (w.side = 0 OR NOT :directed)
        AND (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = r.to_node_id
            ) = :workspace_id
        )
    UNION
    SELECT
        w.side,
        r.from_node_id AS node_id,
        w.depth + 1 AS depth
    FROM walk AS w
    CROSS JOIN knowledge_relationships AS r ON w.node_id = r.to_node_id
    WHERE
        -- Of few rows: no filter of the whole index is made for them.
        likelihood(w.depth < (:max_depth + 1 - w.side) / 2, 0.000001)
        AND (:types IS NULL OR r.relationship_type IN (SELECT value FROM json_each(:types)))
        AND (w.side = 1 OR NOT :directed)
        AND (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = r.from_node_id
            ) = :workspace_id
        )
    LIMIT :most
),

met AS MATERIALIZED (
    SELECT
        w.side,
        w.node_id,
        w.depth
    FROM walk AS w
),

reached AS MATERIALIZED (
    SELECT
        m.side,
        m.node_id,
        min(m.depth) AS depth
    FROM met AS m
    GROUP BY m.side, m.node_id
),

meeting AS MATERIALIZED (
    SELECT
        a.node_id,
        a.depth AS first_half,
        b.depth AS second_half
    FROM reached AS a
    INNER JOIN reached AS b ON a.node_id = b.node_id
    WHERE a.side = 0 AND b.side = 1
    ORDER BY a.depth + b.depth, a.depth, a.node_id
    LIMIT 1
),

back AS (
    SELECT
        0 AS side,
        g.node_id,
        g.first_half AS depth,
        NULL AS relationship_id
    FROM meeting AS g
    UNION ALL
    SELECT
        1 AS side,
        g.node_id,
        g.second_half AS depth,
        NULL AS relationship_id
    FROM meeting AS g
    UNION ALL
    SELECT
        b.side,
        CASE WHEN r.from_node_id = b.node_id THEN r.to_node_id ELSE r.from_node_id END AS node_id,
        b.depth - 1 AS depth,
        r.id AS relationship_id
    FROM back AS b
    CROSS JOIN knowledge_relationships AS r
    WHERE
        b.depth > 0
        AND r.id = (
            SELECT l.id
            FROM knowledge_relationships AS l
            CROSS JOIN reached AS v
            WHERE
                (
                    (
                        l.to_node_id = b.node_id
                        AND (b.side = 0 OR NOT :directed)
                    )
                    OR (
                        l.from_node_id = b.node_id
                        AND (b.side = 1 OR NOT :directed)
                    )
                )
                AND (
                    :types IS NULL
                    OR l.relationship_type IN (SELECT value FROM json_each(:types))
                )
                AND v.node_id = CASE
                    WHEN l.from_node_id = b.node_id THEN l.to_node_id
                    ELSE l.from_node_id
                END
                AND v.side = b.side
                AND v.depth = b.depth - 1
            ORDER BY v.node_id, l.id
            LIMIT 1
        )
),

places AS (
    -- Of both sides; the place of the meeting is in both.
    SELECT
        CASE
            WHEN b.side = 0 THEN b.depth
            ELSE g.first_half + g.second_half - b.depth
        END AS place,
        b.node_id
    FROM back AS b
    CROSS JOIN meeting AS g
    WHERE b.side = 0 OR b.relationship_id IS NOT NULL
),

links AS (
    -- A link leads to the place behind it.
    SELECT
        CASE
            WHEN b.side = 0 THEN b.depth + 1
            ELSE g.first_half + g.second_half - b.depth
        END AS place,
        b.relationship_id
    FROM back AS b
    CROSS JOIN meeting AS g
    WHERE b.relationship_id IS NOT NULL
),

counted AS (
    SELECT count(*) AS visited
    FROM met
)

SELECT
    p.place,
    n.id,
    n.workspace_id,
    n.node_type,
    n.content,
    n.confidence,
    r.id AS relationship_id,
    r.relationship_type,
    r.to_node_id = n.id AS is_forward,
    c.visited
FROM counted AS c
LEFT JOIN places AS p ON c.visited >= 0
LEFT JOIN knowledge_nodes AS n ON p.node_id = n.id
LEFT JOIN links AS k ON p.place = k.place
LEFT JOIN knowledge_relationships AS r ON k.relationship_id = r.id
ORDER BY p.place;

-- name: find_contradictions(node_id, depth, workspace_id, most, row_limit)
-- Find what contradicts a node, and what it supports, rests on, cites or elaborates in some steps. No
-- more than :most places are met. Without a contradiction there is one row without one.
-- meaning: values of depth [0, 1, 2, 3] because a walk has few steps
-- meaning: values of most [1000] because the store asks for more than there are here
-- result: visited not null
WITH RECURSIVE walk AS (
    SELECT
        s.id AS node_id,
        0 AS depth
    FROM knowledge_nodes AS s
    WHERE
        s.id = :node_id
        AND (:workspace_id IS NULL OR s.workspace_id = :workspace_id)
    UNION
    SELECT
        r.to_node_id AS node_id,
        w.depth + 1 AS depth
    FROM walk AS w
    CROSS JOIN knowledge_relationships AS r ON w.node_id = r.from_node_id
    WHERE
        -- Of few rows: no filter of the whole index is made for them.
        likelihood(w.depth < :depth, 0.000001)
        AND r.relationship_type IN ('supports', 'derived_from', 'cites', 'elaborates')
        AND (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = r.to_node_id
            ) = :workspace_id
        )
    UNION
    SELECT
        r.from_node_id AS node_id,
        w.depth + 1 AS depth
    FROM walk AS w
    CROSS JOIN knowledge_relationships AS r ON w.node_id = r.to_node_id
    WHERE
        likelihood(w.depth < :depth, 0.000001)
        AND r.relationship_type IN ('supports', 'derived_from', 'cites', 'elaborates')
        AND (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = r.from_node_id
            ) = :workspace_id
        )
    LIMIT :most
),

met AS MATERIALIZED (
    SELECT
        w.node_id,
        w.depth
    FROM walk AS w
),

nearest AS MATERIALIZED (
    SELECT
        m.node_id,
        min(m.depth) AS depth
    FROM met AS m
    GROUP BY m.node_id
),

pairs AS MATERIALIZED (
    SELECT
        k.node_id,
        k.depth,
        r.id AS relationship_id,
        r.to_node_id AS other_id
    FROM nearest AS k
    CROSS JOIN knowledge_relationships AS r ON k.node_id = r.from_node_id
    WHERE
        r.relationship_type = 'contradicts'
        AND likelihood(k.depth >= 0, 0.000001)
    UNION ALL
    SELECT
        k.node_id,
        k.depth,
        r.id AS relationship_id,
        r.from_node_id AS other_id
    FROM nearest AS k
    CROSS JOIN knowledge_relationships AS r ON k.node_id = r.to_node_id
    WHERE
        r.relationship_type = 'contradicts'
        AND k.node_id <> r.from_node_id
        AND likelihood(k.depth >= 0, 0.000001)
),

found AS (
    -- Where both of a pair were met, it is told of the nearer one.
    SELECT
        a.depth,
        a.node_id,
        a.relationship_id,
        n.id AS other_id,
        n.node_type AS other_type,
        n.content AS other_content,
        n.confidence AS other_confidence
    FROM pairs AS a
    CROSS JOIN knowledge_nodes AS n ON a.other_id = n.id
    WHERE
        (
            :workspace_id IS NULL
            OR (
                SELECT i.workspace_id
                FROM knowledge_nodes AS i
                WHERE i.id = a.other_id
            ) = :workspace_id
        )
        AND NOT EXISTS (
            SELECT 1
            FROM nearest AS o
            WHERE
                o.node_id = a.other_id
                AND (o.depth, o.node_id) < (a.depth, a.node_id)
        )
    ORDER BY a.depth, a.relationship_id
    LIMIT :row_limit
),

counted AS (
    SELECT count(*) AS visited
    FROM met
)

SELECT
    f.depth,
    f.node_id,
    f.relationship_id,
    r.strength,
    f.other_id,
    f.other_type,
    f.other_content,
    f.other_confidence,
    c.visited
FROM counted AS c
LEFT JOIN found AS f ON c.visited >= 0
LEFT JOIN knowledge_relationships AS r ON f.relationship_id = r.id
ORDER BY f.depth, f.relationship_id;

-- name: save_grant(id, item_id, grantee_type, grantee_id, permissions, granted_by, granted_at, expires_at, workspace_id)$
-- Let somebody see a node, of one workspace or of any, or say anew how, and return the id of the grant.
INSERT INTO access_grants (
    id,
    item_id,
    grantee_type,
    grantee_id,
    permissions,
    granted_by,
    granted_at,
    expires_at
)
SELECT
    :id,
    n.id AS item_id,
    :grantee_type,
    :grantee_id,
    :permissions,
    :granted_by,
    :granted_at,
    :expires_at
FROM knowledge_nodes AS n
WHERE
    n.id = :item_id
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ON CONFLICT (item_id, grantee_type, grantee_id) DO UPDATE SET
    permissions = excluded.permissions,
    granted_by = excluded.granted_by,
    granted_at = excluded.granted_at,
    expires_at = excluded.expires_at
RETURNING id;

-- name: list_grants(item_id, workspace_id, after_id, row_limit)
-- List the grants of a node, of one workspace or of any, from a place on.
SELECT
    -- columns: AccessGrant
    g.id,
    g.item_id,
    g.grantee_type,
    g.grantee_id,
    g.permissions,
    g.granted_by,
    g.granted_at,
    g.expires_at
FROM access_grants AS g
INNER JOIN knowledge_nodes AS n ON g.item_id = n.id
WHERE
    g.item_id = :item_id
    AND g.id > :after_id
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY g.id
LIMIT :row_limit;

-- name: list_grants_to(grantee_id, grantee_type, workspace_id, after_id, row_limit)
-- List the grants to somebody that have not expired, in one workspace or in any, from a place on.
SELECT
    -- columns: AccessGrant
    g.id,
    g.item_id,
    g.grantee_type,
    g.grantee_id,
    g.permissions,
    g.granted_by,
    g.granted_at,
    g.expires_at
FROM access_grants AS g
INNER JOIN knowledge_nodes AS n ON g.item_id = n.id
WHERE
    g.grantee_id = :grantee_id
    AND g.id > :after_id
    AND (g.expires_at IS NULL OR g.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
    AND (:grantee_type IS NULL OR g.grantee_type = :grantee_type)
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY g.id
LIMIT :row_limit;

-- name: list_grants_by(granted_by, workspace_id, after_id, row_limit)
-- List the grants that somebody gave, in one workspace or in any, from a place on.
SELECT
    -- columns: AccessGrant
    g.id,
    g.item_id,
    g.grantee_type,
    g.grantee_id,
    g.permissions,
    g.granted_by,
    g.granted_at,
    g.expires_at
FROM access_grants AS g
INNER JOIN knowledge_nodes AS n ON g.item_id = n.id
WHERE
    g.granted_by = :granted_by
    AND g.id > :after_id
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY g.id
LIMIT :row_limit;

-- name: delete_grant(item_id, grantee_id, grantee_type, workspace_id)!
-- Take away what was granted to somebody, of one workspace or of any.
DELETE FROM access_grants
WHERE
    item_id = :item_id
    AND grantee_id = :grantee_id
    AND (:grantee_type IS NULL OR grantee_type = :grantee_type)
    AND (
        :workspace_id IS NULL
        OR EXISTS (
            SELECT 1
            FROM knowledge_nodes AS n
            WHERE n.id = access_grants.item_id AND n.workspace_id = :workspace_id
        )
    );

-- name: delete_expired_grants(row_limit)!
-- Delete some of the grants that have expired.
DELETE FROM access_grants
WHERE
    id IN (
        SELECT x.id
        FROM access_grants AS x
        WHERE x.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
        ORDER BY x.expires_at, x.id
        LIMIT :row_limit
    );

-- name: lock_nodes(node_ids, workspace_id)
-- Take some nodes out of the way of others who change them, of one workspace or of any.
SELECT n.id
FROM knowledge_nodes AS n
WHERE
    n.id IN (SELECT value FROM json_each(:node_ids))
    AND (:workspace_id IS NULL OR n.workspace_id = :workspace_id)
ORDER BY n.id;

-- name: insert_archived(id, original_id, workspace_id, content, source, source_id, importance, metadata, document, created_at, updated_at, archived_at, archived_by, reason)*!
-- Store nodes in the archive.
INSERT INTO knowledge_archive (
    id,
    original_id,
    workspace_id,
    content,
    source,
    source_id,
    importance,
    metadata,
    document,
    created_at,
    updated_at,
    archived_at,
    archived_by,
    reason
)
VALUES (
    :id,
    :original_id,
    :workspace_id,
    :content,
    :source,
    :source_id,
    :importance,
    :metadata,
    :document,
    :created_at,
    :updated_at,
    :archived_at,
    :archived_by,
    :reason
);

-- name: lock_archived(original_id, workspace_id, unowned)
-- Hold the newest of a node of a workspace in the archive, and what is there of the nodes that it is
-- linked to; where :unowned, also one that names no workspace.
WITH links AS (
    SELECT l.value AS link
    FROM (
        SELECT x.document
        FROM knowledge_archive AS x
        WHERE
            x.original_id = :original_id
            AND (x.workspace_id = :workspace_id OR (:unowned AND x.workspace_id IS NULL))
        ORDER BY x.archived_at DESC, x.id DESC
        LIMIT 1
    ) AS c
    CROSS JOIN json_each(c.document, '$.relationships') AS l
),

wanted AS (
    SELECT :original_id AS node_id
    UNION ALL
    SELECT l.link ->> '$.from_node_id' AS node_id
    FROM links AS l
    UNION ALL
    SELECT l.link ->> '$.to_node_id' AS node_id
    FROM links AS l
)

SELECT a.id
FROM knowledge_archive AS a
WHERE a.original_id IN (SELECT w.node_id FROM wanted AS w)
ORDER BY a.id;

-- name: take_archived(original_id, workspace_id, unowned)^
-- Take the newest of a node of a workspace in the archive out of it; where :unowned, also one that
-- names none.
DELETE FROM knowledge_archive
WHERE
    id = (
        SELECT x.id
        FROM knowledge_archive AS x
        WHERE
            x.original_id = :original_id
            AND (
                x.workspace_id = :workspace_id
                OR (:unowned AND x.workspace_id IS NULL)
            )
        ORDER BY x.archived_at DESC, x.id DESC
        LIMIT 1
    )
RETURNING
    content,
    importance,
    metadata,
    document,
    created_at,
    updated_at;

-- name: keep_link(original_id, link)!
-- Add a relationship to those of the newest of a node in the archive.
UPDATE knowledge_archive
SET
    document = json_set(
        json_insert(document, '$.relationships', json('[]')),
        '$.relationships[#]',
        json(:link)
    )
WHERE
    id = (
        SELECT x.id
        FROM knowledge_archive AS x
        WHERE x.original_id = :original_id
        ORDER BY x.archived_at DESC, x.id DESC
        LIMIT 1
    );

-- name: list_prunable(workspace_id, min_staleness, made_before, unflagged, row_limit)
-- Take nodes of a workspace that are outdated and old, the most outdated first; glacial ones never are.
SELECT n.id
FROM knowledge_nodes AS n
WHERE
    n.workspace_id = :workspace_id
    AND n.staleness_score >= :min_staleness
    AND n.created_at < :made_before
    AND n.tier <> 'glacial'
    AND NOT (:unflagged AND n.revalidation_requested)
ORDER BY n.staleness_score DESC, n.id DESC
LIMIT :row_limit;

-- name: mark_nodes(node_ids, is_demoted)!
-- Move nodes to the next slower tier, or ask for their validation.
UPDATE knowledge_nodes
SET
    tier = CASE
        WHEN NOT :is_demoted THEN tier
        WHEN tier = 'fast' THEN 'medium'
        WHEN tier = 'medium' THEN 'slow'
        ELSE 'glacial'
    END,
    revalidation_requested = (revalidation_requested OR NOT :is_demoted)
WHERE id IN (SELECT value FROM json_each(:node_ids));

-- name: score_staleness(node_ids, at_time, since)!
-- Compute how outdated nodes are; those that are by 0.8 or more have to be validated again.
-- meaning: knowledge_nodes.staleness_score within 1e-9 because sums are rounded otherwise
UPDATE knowledge_nodes AS n
SET
    staleness_score = s.score,
    revalidation_requested = (n.revalidation_requested OR s.score >= 0.8)
FROM (
    SELECT
        g.id,
        0.4 * min(
            1.0,
            max(
                0.0,
                (
                    unixepoch(substr(:at_time, 1, 19))
                    - unixepoch(
                        substr(
                            max(g.updated_at, coalesce(g.last_validated_at, g.updated_at)), 1, 19
                        )
                    )
                    + (
                        substr(:at_time, 21, 6)
                        - substr(
                            max(g.updated_at, coalesce(g.last_validated_at, g.updated_at)), 21, 6
                        )
                    ) / 1000000.0
                )
                / CASE g.tier
                    WHEN 'fast' THEN 7200.0
                    WHEN 'medium' THEN 172800.0
                    WHEN 'slow' THEN 1209600.0
                    ELSE 5184000.0
                END
            )
        )
        + 0.3 * min(
            1.0,
            (
                SELECT count(DISTINCT o.id)
                FROM knowledge_relationships AS r
                INNER JOIN knowledge_nodes AS o
                    ON
                        CASE
                            WHEN r.from_node_id = g.id THEN r.to_node_id
                            ELSE r.from_node_id
                        END = o.id
                WHERE
                    (r.from_node_id = g.id OR r.to_node_id = g.id)
                    AND r.relationship_type = 'contradicts'
                    AND o.created_at > g.created_at
            ) / 3.0
        )
        + 0.2 * min(
            1.0,
            (
                SELECT count(DISTINCT o.id)
                FROM knowledge_relationships AS r
                INNER JOIN knowledge_nodes AS o ON r.from_node_id = o.id
                WHERE
                    r.to_node_id = g.id
                    AND r.relationship_type IN ('supports', 'derived_from')
                    AND o.created_at > :since
            ) / 5.0
        )
        + CASE
            WHEN
                EXISTS (
                    SELECT 1
                    FROM knowledge_relationships AS r
                    WHERE r.to_node_id = g.id AND r.relationship_type = 'supersedes'
                )
                THEN 0.08
            ELSE 0.0
        END AS score
    FROM knowledge_nodes AS g
    WHERE g.id IN (SELECT value FROM json_each(:node_ids))
) AS s
WHERE
    n.id = s.id
    AND abs(n.staleness_score - s.score) > 0.000001;

-- name: adjust_tiers(workspace_id)!
-- Move the nodes of a workspace by one tier: to the faster one when they surprise and are updated often,
-- to the slower one when they are settled.
UPDATE knowledge_nodes
SET
    tier = CASE
        WHEN tier = 'fast' THEN 'medium'
        WHEN tier = 'medium' AND surprise_score > 0.7 THEN 'fast'
        WHEN tier = 'medium' THEN 'slow'
        WHEN tier = 'slow' AND surprise_score > 0.7 THEN 'medium'
        WHEN tier = 'slow' THEN 'glacial'
        ELSE 'slow'
    END
WHERE
    workspace_id = :workspace_id
    AND (
        (tier <> 'fast' AND surprise_score > 0.7 AND update_count > 5)
        OR (
            tier <> 'glacial'
            AND 1.0 - surprise_score > 0.8
            AND consolidation_score > 0.5
        )
    );

-- name: insert_prune(id, workspace_id, executed_at, policy_id, action, items_pruned, pruned_item_ids, reason, executed_by)!
-- Store what a clean-up did.
INSERT INTO prune_history (
    id,
    workspace_id,
    executed_at,
    policy_id,
    action,
    items_pruned,
    pruned_item_ids,
    reason,
    executed_by
)
VALUES (
    :id,
    :workspace_id,
    :executed_at,
    :policy_id,
    :action,
    :items_pruned,
    :pruned_item_ids,
    :reason,
    :executed_by
);

-- name: list_prunes(workspace_id, since, after_timestamp, after_id, row_limit)
-- List the clean-ups of a workspace since a time, newest first, from a place on.
SELECT
    -- columns: PruneRecord
    h.id,
    h.workspace_id,
    h.executed_at,
    h.policy_id,
    h.action,
    h.items_pruned,
    h.pruned_item_ids,
    h.reason,
    h.executed_by
FROM prune_history AS h
WHERE
    h.workspace_id = :workspace_id
    AND (h.executed_at, h.id) < (:after_timestamp, :after_id)
    AND h.executed_at >= :since
ORDER BY h.executed_at DESC, h.id DESC
LIMIT :row_limit;

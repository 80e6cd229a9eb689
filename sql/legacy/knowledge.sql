-- How the older Aragora's knowledge maps onto today's tables. Two classes kept it, in the same tables
-- of two files, and vectors in a third one. Who may see a node was in its metadata. See docs/migration.md ("How a mapping is
-- written").

-- name: nodes(first_rowid, last_rowid)
-- Nodes. Instead of counting, the older program wrote its formula into the counter.
-- from: knowledge_nodes (id, workspace_id, node_type, content, content_hash, created_at, updated_at)
-- optional: confidence, tier, surprise_score, update_count, consolidation_score, validation_status
-- optional: consensus_proof_id, metadata
-- without: search_terms
-- into: knowledge_nodes
-- key: id
-- merge: newest updated_at
-- order: created_at
-- values: confidence = confidence, 0.5; tier = tier, 'slow'; surprise_score = surprise_score, 0
-- values: consolidation_score = consolidation_score, 0; update_count = computed
-- values: validation_status = validation_status, 'unverified'; metadata = metadata, {}
-- values: visibility = metadata.visibility, 'workspace'; search_terms = topic_terms(content)
SELECT
    source_rowid,
    id,
    workspace_id,
    node_type,
    content,
    topic_terms(cast(content AS BLOB)) AS search_terms,
    content_hash,
    confidence,
    tier,
    surprise_score,
    update_count,
    consolidation_score,
    validation_status,
    consensus_proof_id,
    metadata,
    CASE
        WHEN
            document ->> '$.visibility'
            IN ('private', 'workspace', 'organization', 'public', 'system')
            THEN document ->> '$.visibility'
        -- What says something that is not known is shown to nobody.
        WHEN document ->> '$.visibility' IS NOT NULL THEN 'private'
        ELSE 'workspace'
    END AS visibility,
    created_at,
    updated_at,
    note_count,
    note_tier,
    CASE
        WHEN
            document ->> '$.visibility'
            NOT IN ('private', 'workspace', 'organization', 'public', 'system')
            THEN 'nodes with a visibility that is not known, and became private'
    END AS note_visibility
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        workspace_id,
        node_type,
        content,
        content_hash,
        coalesce(confidence, 0.5) AS confidence,
        CASE WHEN tier IN ('fast', 'medium', 'glacial') THEN tier ELSE 'slow' END AS tier,
        CASE
            WHEN tier NOT IN ('fast', 'medium', 'slow', 'glacial')
                THEN 'unknown tier ' || quote(tier) || ' taken as slow'
        END AS note_tier,
        coalesce(surprise_score, 0.0) AS surprise_score,
        CASE
            WHEN typeof(update_count) = 'text' THEN 2
            ELSE coalesce(update_count, 1)
        END AS update_count,
        CASE
            WHEN typeof(update_count) = 'text'
                THEN 'nodes whose counter of updates held a formula, and became 2'
        END AS note_count,
        coalesce(consolidation_score, 0.0) AS consolidation_score,
        coalesce(validation_status, 'unverified') AS validation_status,
        consensus_proof_id,
        coalesce(nullif(nullif(metadata, ''), 'null'), '{}') AS metadata,
        CASE
            WHEN json_valid(metadata) AND is_sound(cast(metadata AS BLOB)) THEN metadata
        END AS document,
        created_at,
        updated_at
    FROM knowledge_nodes
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS nodes;

-- name: provenance(first_rowid, last_rowid)
-- Where nodes come from.
-- from: provenance (id, node_id, source_type, source_id, created_at)
-- optional: agent_id, debate_id, document_id, user_id, transformations
-- into: node_provenance
-- key: node_id
-- repeats: the older table has no rule for it
-- merge: newest created_at
-- values: id = computed; source_id = source_id, ''; transformations = transformations, []
-- values: agent_id = nonblank agent_id; debate_id = nonblank debate_id
-- values: document_id = nonblank document_id; user_id = nonblank user_id
SELECT
    rowid AS source_rowid,
    'prov_' || node_id AS id,
    node_id,
    source_type,
    coalesce(source_id, '') AS source_id,
    nullif(agent_id, '') AS agent_id,
    nullif(debate_id, '') AS debate_id,
    nullif(document_id, '') AS document_id,
    nullif(user_id, '') AS user_id,
    coalesce(nullif(nullif(transformations, ''), 'null'), '[]') AS transformations,
    created_at
FROM provenance
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: relationships(first_rowid, last_rowid)
-- Relationships. The older table had some more than once, so they get ids by what they link.
-- from: relationships (id, from_node_id, to_node_id, relationship_type, created_at)
-- optional: strength, created_by, metadata
-- into: knowledge_relationships
-- key: from_node_id, to_node_id, relationship_type
-- repeats: nothing kept two links of one type apart
-- merge: newest created_at
-- values: id = computed; strength = strength, 1; created_by = nonblank created_by; metadata = metadata, {}
SELECT
    rowid AS source_rowid,
    'kr_'
    || substr(
        sha256_text(
            cast(relationship_type || ' ' || from_node_id || ' ' || to_node_id AS BLOB)
        ), 1, 16
    ) AS id,
    from_node_id,
    to_node_id,
    relationship_type,
    coalesce(strength, 1.0) AS strength,
    nullif(created_by, '') AS created_by,
    coalesce(nullif(nullif(metadata, ''), 'null'), '{}') AS metadata,
    created_at
FROM relationships
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: topics(first_rowid, last_rowid)
-- Topics.
-- from: node_topics (node_id, topic)
-- into: node_topics
-- key: node_id, topic
-- merge: first
SELECT
    rowid AS source_rowid,
    node_id,
    topic
FROM node_topics
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: vectors(first_rowid, last_rowid)
-- Vectors of nodes, of one model. A node had one for each type of source and tenant.
-- from: semantic_index (source_id, embedding, embedding_dim, updated_at)
-- ignored: id, source_type, content_hash, tenant_id, domain, importance, created_at, retrieval_count
-- ignored: last_retrieved_at, avg_retrieval_rank
-- into: knowledge_vectors
-- key: node_id
-- repeats: it was one of each type of source and tenant
-- merge: newest updated_at
-- values: node_id = source_id; vector = computed; dims = embedding_dim
SELECT
    rowid AS source_rowid,
    source_id AS node_id,
    unpacked_vector(embedding, embedding_dim) AS vector,
    embedding_dim AS dims,
    updated_at
FROM semantic_index
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: grants(first_rowid, last_rowid)
-- Grants, which only the metadata of nodes could hold.
-- from: knowledge_nodes (id, workspace_id, metadata, created_at)
-- without: search_terms
-- unpacks: metadata.access_grants
-- into: access_grants
-- key: item_id, grantee_type, grantee_id
-- repeats: a list may name somebody twice
-- merge: newest granted_at
-- values: id = computed; permissions = computed; item_id = id; grantee_type = item.grantee_type, 'user'
-- values: grantee_id = item.grantee_id
-- values: granted_by = item.granted_by; granted_at = item.granted_at, created_at
-- values: expires_at = item.expires_at
SELECT
    n.rowid AS source_rowid,
    coalesce(e.value ->> '$.id', n.id || '-grant-' || (e.key + 1)) AS id,
    n.id AS item_id,
    coalesce(e.value ->> '$.grantee_type', 'user') AS grantee_type,
    e.value ->> '$.grantee_id' AS grantee_id,
    coalesce(nullif(e.value -> '$.permissions', 'null'), '["read"]') AS permissions,
    e.value ->> '$.granted_by' AS granted_by,
    coalesce(e.value ->> '$.granted_at', n.created_at) AS granted_at,
    e.value ->> '$.expires_at' AS expires_at
FROM knowledge_nodes AS n
INNER JOIN
    json_each(
        CASE WHEN json_valid(n.metadata) THEN n.metadata ELSE '{}' END, '$.access_grants'
    ) AS e
WHERE
    n.rowid BETWEEN :first_rowid AND :last_rowid
    AND e.type = 'object';

-- name: archive(first_rowid, last_rowid)
-- Archived nodes. Their confidence was a word.
-- from: knowledge_archive (id, original_id, content, archived_at)
-- optional: source, source_id, confidence, importance, metadata, created_at, updated_at
-- optional: archived_by, workspace_id
-- without: document
-- into: knowledge_archive
-- key: id
-- merge: newest archived_at
-- values: metadata = metadata, {}; workspace_id = nonblank workspace_id; document = {}
-- values: created_at = nonblank created_at; updated_at = nonblank updated_at
SELECT
    rowid AS source_rowid,
    id,
    original_id,
    nullif(workspace_id, '') AS workspace_id,
    content,
    source,
    source_id,
    confidence,
    importance,
    coalesce(nullif(nullif(metadata, ''), 'null'), '{}') AS metadata,
    '{}' AS document,
    nullif(created_at, '') AS created_at,
    nullif(updated_at, '') AS updated_at,
    archived_at,
    archived_by
FROM knowledge_archive
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: prunes(first_rowid, last_rowid)
-- Clean-ups.
-- from: prune_history (id, workspace_id, executed_at, action, items_pruned, pruned_item_ids)
-- optional: policy_id, reason, executed_by
-- into: prune_history
-- key: id
-- merge: newest executed_at
-- values: items_pruned = items_pruned, 0; pruned_item_ids = pruned_item_ids, []
SELECT
    rowid AS source_rowid,
    id,
    workspace_id,
    executed_at,
    policy_id,
    action,
    coalesce(items_pruned, 0) AS items_pruned,
    coalesce(nullif(nullif(pruned_item_ids, ''), 'null'), '[]') AS pruned_item_ids,
    reason,
    executed_by
FROM prune_history
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

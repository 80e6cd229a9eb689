-- Knowledge: nodes of workspaces, what they are made of, how they are linked, who may see them.

CREATE TABLE IF NOT EXISTS knowledge_nodes (
    -- parity: column knowledge_nodes.row_id because rows of knowledge_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    node_type TEXT NOT NULL,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    confidence REAL NOT NULL DEFAULT 0.5,
    tier TEXT NOT NULL DEFAULT 'slow',
    surprise_score REAL NOT NULL DEFAULT 0.0,
    update_count INTEGER NOT NULL DEFAULT 1,
    consolidation_score REAL NOT NULL DEFAULT 0.0,
    validation_status TEXT NOT NULL DEFAULT 'unverified',
    consensus_proof_id TEXT,
    last_validated_at TEXT,
    staleness_score REAL NOT NULL DEFAULT 0.0,
    revalidation_requested INTEGER NOT NULL DEFAULT 0,
    visibility TEXT NOT NULL DEFAULT 'workspace',
    visibility_set_by TEXT,
    is_discoverable INTEGER NOT NULL DEFAULT 1,
    metadata TEXT NOT NULL DEFAULT '{}',
    search_terms TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT knowledge_nodes_pkey UNIQUE (id),
    CONSTRAINT knowledge_nodes_content_hash_key UNIQUE (workspace_id, content_hash),
    CONSTRAINT knowledge_nodes_id_check CHECK (id <> ''),
    CONSTRAINT knowledge_nodes_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT knowledge_nodes_node_type_check CHECK (node_type <> ''),
    CONSTRAINT knowledge_nodes_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT knowledge_nodes_tier_check CHECK (tier IN ('fast', 'medium', 'slow', 'glacial')),
    CONSTRAINT knowledge_nodes_update_count_check CHECK (update_count >= 0),
    CONSTRAINT knowledge_nodes_visibility_check
    CHECK (visibility IN ('private', 'workspace', 'organization', 'public', 'system')),
    CONSTRAINT knowledge_nodes_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT knowledge_nodes_last_validated_at_check
    CHECK (last_validated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT knowledge_nodes_revalidation_requested_check
    CHECK (revalidation_requested IN (0, 1)),
    CONSTRAINT knowledge_nodes_is_discoverable_check CHECK (is_discoverable IN (0, 1)),
    CONSTRAINT knowledge_nodes_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT knowledge_nodes_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_confidence
ON knowledge_nodes (workspace_id, confidence DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_updated
ON knowledge_nodes (workspace_id, updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_staleness
ON knowledge_nodes (workspace_id, staleness_score DESC, id DESC);

-- External content: the words are stored once, in the table.
-- parity: table knowledge_search because PostgreSQL searches in knowledge_nodes.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS knowledge_search USING fts5 (
    search_terms,
    content = 'knowledge_nodes',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS knowledge_search_insert AFTER INSERT ON knowledge_nodes
BEGIN
    INSERT INTO knowledge_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS knowledge_search_delete AFTER DELETE ON knowledge_nodes
BEGIN
    INSERT INTO knowledge_search (knowledge_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS knowledge_search_update
AFTER UPDATE OF row_id, search_terms ON knowledge_nodes
BEGIN
    INSERT INTO knowledge_search (knowledge_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO knowledge_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TABLE IF NOT EXISTS node_provenance (
    id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_id TEXT NOT NULL DEFAULT '',
    agent_id TEXT,
    debate_id TEXT,
    document_id TEXT,
    user_id TEXT,
    parent_provenance_id TEXT,
    transformation_type TEXT,
    transformations TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT node_provenance_pkey PRIMARY KEY (id),
    CONSTRAINT node_provenance_node_id_key UNIQUE (node_id),
    CONSTRAINT node_provenance_node_id_fkey
    FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT node_provenance_parent_provenance_id_fkey
    FOREIGN KEY (parent_provenance_id) REFERENCES node_provenance (id) ON DELETE SET NULL,
    CONSTRAINT node_provenance_source_type_check CHECK (source_type <> ''),
    CONSTRAINT node_provenance_transformations_check
    CHECK (json_valid(transformations) AND json_type(transformations) = 'array'),
    CONSTRAINT node_provenance_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_node_provenance_source
ON node_provenance (source_type, source_id, created_at DESC, node_id DESC);
CREATE INDEX IF NOT EXISTS idx_node_provenance_parent ON node_provenance (parent_provenance_id);

CREATE TABLE IF NOT EXISTS knowledge_relationships (
    id TEXT NOT NULL,
    from_node_id TEXT NOT NULL,
    to_node_id TEXT NOT NULL,
    relationship_type TEXT NOT NULL,
    strength REAL NOT NULL DEFAULT 1.0,
    created_by TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT knowledge_relationships_pkey PRIMARY KEY (id),
    CONSTRAINT knowledge_relationships_from_type_to_key
    UNIQUE (from_node_id, relationship_type, to_node_id),
    CONSTRAINT knowledge_relationships_from_node_id_fkey
    FOREIGN KEY (from_node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT knowledge_relationships_to_node_id_fkey
    FOREIGN KEY (to_node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT knowledge_relationships_relationship_type_check
    CHECK (
        relationship_type IN (
            'supports', 'contradicts', 'derived_from', 'related_to', 'supersedes', 'cites',
            'elaborates'
        )
    ),
    CONSTRAINT knowledge_relationships_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT knowledge_relationships_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_knowledge_relationships_to
ON knowledge_relationships (to_node_id, relationship_type, from_node_id);
CREATE INDEX IF NOT EXISTS idx_knowledge_relationships_type
ON knowledge_relationships (relationship_type, id);

CREATE TABLE IF NOT EXISTS node_topics (
    node_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    CONSTRAINT node_topics_pkey PRIMARY KEY (node_id, topic),
    CONSTRAINT node_topics_node_id_fkey
    FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT node_topics_topic_check CHECK (topic <> '')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_node_topics_topic ON node_topics (topic, node_id);

CREATE TABLE IF NOT EXISTS knowledge_vectors (
    node_id TEXT NOT NULL,
    dims INTEGER NOT NULL,
    vector TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT knowledge_vectors_pkey PRIMARY KEY (node_id),
    CONSTRAINT knowledge_vectors_node_id_fkey
    FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT knowledge_vectors_dims_check CHECK (dims >= 1),
    CONSTRAINT knowledge_vectors_vector_check
    CHECK (json_valid(vector) AND json_type(vector) = 'array'),
    CONSTRAINT knowledge_vectors_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_knowledge_vectors_dims ON knowledge_vectors (dims);

CREATE TABLE IF NOT EXISTS access_grants (
    id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    grantee_type TEXT NOT NULL,
    grantee_id TEXT NOT NULL,
    permissions TEXT NOT NULL DEFAULT '["read"]',
    granted_by TEXT,
    granted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT,
    CONSTRAINT access_grants_pkey PRIMARY KEY (id),
    CONSTRAINT access_grants_item_grantee_key UNIQUE (item_id, grantee_type, grantee_id),
    CONSTRAINT access_grants_item_id_fkey
    FOREIGN KEY (item_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT access_grants_grantee_type_check
    CHECK (grantee_type IN ('user', 'role', 'workspace', 'organization')),
    CONSTRAINT access_grants_grantee_id_check CHECK (grantee_id <> ''),
    CONSTRAINT access_grants_permissions_check
    CHECK (json_valid(permissions) AND json_type(permissions) = 'array'),
    CONSTRAINT access_grants_granted_at_check CHECK (granted_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT access_grants_expires_at_check CHECK (expires_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_access_grants_grantee ON access_grants (grantee_id, id);
CREATE INDEX IF NOT EXISTS idx_access_grants_granted_by
ON access_grants (granted_by, id) WHERE granted_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_access_grants_expires
ON access_grants (expires_at, id) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS knowledge_archive (
    id TEXT NOT NULL,
    original_id TEXT NOT NULL,
    workspace_id TEXT,
    content TEXT NOT NULL,
    source TEXT,
    source_id TEXT,
    confidence TEXT,
    importance REAL,
    metadata TEXT NOT NULL DEFAULT '{}',
    document TEXT NOT NULL DEFAULT '{}',
    created_at TEXT,
    updated_at TEXT,
    archived_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    archived_by TEXT,
    reason TEXT,
    CONSTRAINT knowledge_archive_pkey PRIMARY KEY (id),
    CONSTRAINT knowledge_archive_original_id_check CHECK (original_id <> ''),
    CONSTRAINT knowledge_archive_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT knowledge_archive_document_check
    CHECK (json_valid(document) AND json_type(document) = 'object'),
    CONSTRAINT knowledge_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT knowledge_archive_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT knowledge_archive_archived_at_check
    CHECK (archived_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_knowledge_archive_original
ON knowledge_archive (original_id, archived_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS prune_history (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    executed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    policy_id TEXT,
    action TEXT NOT NULL,
    items_pruned INTEGER NOT NULL DEFAULT 0,
    pruned_item_ids TEXT NOT NULL DEFAULT '[]',
    reason TEXT,
    executed_by TEXT,
    CONSTRAINT prune_history_pkey PRIMARY KEY (id),
    CONSTRAINT prune_history_action_check
    CHECK (action IN ('archive', 'delete', 'demote', 'flag')),
    CONSTRAINT prune_history_items_pruned_check CHECK (items_pruned >= 0),
    CONSTRAINT prune_history_pruned_item_ids_check
    CHECK (json_valid(pruned_item_ids) AND json_type(pruned_item_ids) = 'array'),
    CONSTRAINT prune_history_executed_at_check
    CHECK (executed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_prune_history_workspace
ON prune_history (workspace_id, executed_at DESC, id DESC);

INSERT INTO _schema_versions (module, version) VALUES ('knowledge', 1)
ON CONFLICT (module) DO NOTHING;

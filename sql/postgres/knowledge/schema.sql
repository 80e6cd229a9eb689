-- Knowledge: nodes of workspaces, what they are made of, how they are linked, who may see them.
-- meaning: values of knowledge_nodes.workspace_id ["w1", "w2"] because calls ask for known workspaces
-- meaning: values of knowledge_nodes.search_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", "delta", ""] because the store writes words
-- meaning: values of knowledge_nodes.metadata [{}, {"org_id": "o1"}, {"org_id": "o2"}, {"org_id": 5}, {"org_id": true}] because calls ask for known organizations
-- meaning: values of node_topics.topic ["t1", "t2", "t3"] because calls ask for known topics
-- meaning: values of access_grants.grantee_id ["u1", "u2", "r1", "w1", "o1"] because calls ask for known grantees
-- meaning: values of access_grants.granted_by ["u1", "u2", null] because calls ask for known users
-- meaning: values of access_grants.permissions [["read"], ["read", "write"], ["write"], []] because permissions are words
-- meaning: values of knowledge_vectors.vector [[1.0], [0.6, 0.8], [0.8, -0.6], [-1.0]] because a vector is a list of numbers
-- meaning: values of knowledge_vectors.dims [1, 2] because it is the length of the vector
-- meaning: values of knowledge_archive.original_id ["n1", "n2"] because calls ask for known nodes
-- meaning: values of knowledge_archive.workspace_id ["w1", "w2", null] because calls ask for known workspaces
-- meaning: values of prune_history.workspace_id ["w1", "w2"] because calls ask for known workspaces

CREATE TABLE IF NOT EXISTS knowledge_nodes (
    id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL,
    node_type TEXT NOT NULL,
    content TEXT NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    tier TEXT NOT NULL DEFAULT 'slow',
    surprise_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    update_count INTEGER NOT NULL DEFAULT 1,
    consolidation_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    validation_status TEXT NOT NULL DEFAULT 'unverified',
    consensus_proof_id TEXT,
    last_validated_at TIMESTAMPTZ,
    staleness_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    revalidation_requested BOOLEAN NOT NULL DEFAULT FALSE,
    visibility TEXT NOT NULL DEFAULT 'workspace',
    visibility_set_by TEXT,
    is_discoverable BOOLEAN NOT NULL DEFAULT TRUE,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    search_terms TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- parity: column knowledge_nodes.search_vector because SQLite searches in knowledge_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT knowledge_nodes_pkey PRIMARY KEY (id),
    CONSTRAINT knowledge_nodes_content_hash_key UNIQUE (workspace_id, content_hash),
    CONSTRAINT knowledge_nodes_id_check CHECK (id <> ''),
    CONSTRAINT knowledge_nodes_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT knowledge_nodes_node_type_check CHECK (node_type <> ''),
    CONSTRAINT knowledge_nodes_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT knowledge_nodes_tier_check CHECK (tier IN ('fast', 'medium', 'slow', 'glacial')),
    CONSTRAINT knowledge_nodes_update_count_check CHECK (update_count >= 0),
    CONSTRAINT knowledge_nodes_visibility_check
    CHECK (visibility IN ('private', 'workspace', 'organization', 'public', 'system')),
    CONSTRAINT knowledge_nodes_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_confidence
ON knowledge_nodes (workspace_id, confidence DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_updated
ON knowledge_nodes (workspace_id, updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_staleness
ON knowledge_nodes (workspace_id, staleness_score DESC, id DESC);
-- parity: index knowledge_nodes.idx_knowledge_nodes_search because SQLite searches in knowledge_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_search
ON knowledge_nodes USING gin (search_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS node_provenance (
    id TEXT COLLATE "C" NOT NULL,
    node_id TEXT COLLATE "C" NOT NULL,
    source_type TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    agent_id TEXT,
    debate_id TEXT COLLATE "C",
    document_id TEXT,
    user_id TEXT,
    parent_provenance_id TEXT COLLATE "C",
    transformation_type TEXT,
    transformations JSONB NOT NULL DEFAULT '[]'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT node_provenance_pkey PRIMARY KEY (id),
    CONSTRAINT node_provenance_node_id_key UNIQUE (node_id),
    CONSTRAINT node_provenance_node_id_fkey
    FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT node_provenance_parent_provenance_id_fkey
    FOREIGN KEY (parent_provenance_id) REFERENCES node_provenance (id) ON DELETE SET NULL,
    CONSTRAINT node_provenance_source_type_check CHECK (source_type <> ''),
    CONSTRAINT node_provenance_transformations_check
    CHECK (jsonb_typeof(transformations) = 'array')
);

CREATE INDEX IF NOT EXISTS idx_node_provenance_source
ON node_provenance (source_type, source_id, created_at DESC, node_id DESC);
CREATE INDEX IF NOT EXISTS idx_node_provenance_parent ON node_provenance (parent_provenance_id);

CREATE TABLE IF NOT EXISTS knowledge_relationships (
    id TEXT COLLATE "C" NOT NULL,
    from_node_id TEXT COLLATE "C" NOT NULL,
    to_node_id TEXT COLLATE "C" NOT NULL,
    relationship_type TEXT COLLATE "C" NOT NULL,
    strength DOUBLE PRECISION NOT NULL DEFAULT 1.0,
    created_by TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CONSTRAINT knowledge_relationships_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_knowledge_relationships_to
ON knowledge_relationships (to_node_id, relationship_type, from_node_id);
CREATE INDEX IF NOT EXISTS idx_knowledge_relationships_type
ON knowledge_relationships (relationship_type, id);

CREATE TABLE IF NOT EXISTS node_topics (
    node_id TEXT COLLATE "C" NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    CONSTRAINT node_topics_pkey PRIMARY KEY (node_id, topic),
    CONSTRAINT node_topics_node_id_fkey
    FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT node_topics_topic_check CHECK (topic <> '')
);

CREATE INDEX IF NOT EXISTS idx_node_topics_topic ON node_topics (topic, node_id);

-- A list of JSON is written as an array is, but for the brackets. NULL: it is no list of numbers.
CREATE OR REPLACE FUNCTION knowledge_numbers(given JSONB) RETURNS DOUBLE PRECISION[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog
AS $$
    SELECT
        CASE
            WHEN
                jsonb_typeof(given) = 'array'
                AND NOT jsonb_path_exists(given, 'strict $[*] ? (@.type() != "number")')
                THEN translate(given::text, '[]', '{}')::double precision[]
        END
$$;

CREATE TABLE IF NOT EXISTS knowledge_vectors (
    node_id TEXT COLLATE "C" NOT NULL,
    dims INTEGER NOT NULL,
    vector JSONB NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- parity: column knowledge_vectors.numbers because SQLite has no arrays and reads the list
    numbers DOUBLE PRECISION[] GENERATED ALWAYS AS (knowledge_numbers(vector)) STORED,
    CONSTRAINT knowledge_vectors_pkey PRIMARY KEY (node_id),
    CONSTRAINT knowledge_vectors_node_id_fkey
    FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT knowledge_vectors_dims_check CHECK (dims >= 1),
    CONSTRAINT knowledge_vectors_vector_check CHECK (jsonb_typeof(vector) = 'array')
);

CREATE INDEX IF NOT EXISTS idx_knowledge_vectors_dims ON knowledge_vectors (dims);

-- The cosine of the vectors of some nodes with a given one, all of length 1: of those nodes, at least,
-- that are among the `row_limit` nearest. Where the extension pgvector is installed it chooses them:
-- its products have 24 bits, so all are taken that could be among the nearest within their error.
CREATE OR REPLACE FUNCTION knowledge_nearest(
    vectors REGCLASS,
    wanted TEXT[],
    given DOUBLE PRECISION[],
    row_limit BIGINT
) RETURNS TABLE (node_id TEXT, similarity DOUBLE PRECISION)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog
AS $$
DECLARE
    length_of_given CONSTANT INTEGER := cardinality(given);
    most_of_extension CONSTANT INTEGER := 16000;
    extension_home CONSTANT TEXT := (
        SELECT n.nspname
        FROM pg_extension AS e
        INNER JOIN pg_namespace AS n ON e.extnamespace = n.oid
        WHERE e.extname = 'vector' AND has_schema_privilege(n.oid, 'USAGE')
    );
    those CONSTANT TEXT := format(
        $part$
            FROM unnest($3) AS w (id)
            INNER JOIN %s AS v ON w.id = v.node_id
            WHERE v.dims = $2
        $part$,
        vectors
    );
    exactly CONSTANT TEXT := $part$
        SELECT
            v.node_id,
            (SELECT sum(x.stored * x.given) FROM unnest(v.numbers, $1) AS x (stored, given))
    $part$;
BEGIN
    IF extension_home IS NULL OR length_of_given > most_of_extension THEN
        RETURN QUERY EXECUTE exactly || those USING given, length_of_given, wanted;
    ELSE
        RETURN QUERY EXECUTE format(
            $query$
                WITH close AS MATERIALIZED (
                    SELECT
                        v.node_id,
                        -(v.numbers::%1$I.vector OPERATOR(%1$I.<#>) $1::%1$I.vector) AS product
                    %2$s
                ),
                bound AS MATERIALIZED (
                    SELECT min(b.product) - ($2 + 4) * 2.0 ^ -23 AS product
                    FROM (SELECT c.product FROM close AS c ORDER BY c.product DESC LIMIT $4) AS b
                )
                %3$s
                FROM close AS c
                INNER JOIN bound AS l ON c.product >= l.product
                INNER JOIN %4$s AS v ON c.node_id = v.node_id
            $query$,
            extension_home,
            those,
            exactly,
            vectors
        )
        USING given, length_of_given, wanted, row_limit;
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS access_grants (
    id TEXT COLLATE "C" NOT NULL,
    item_id TEXT COLLATE "C" NOT NULL,
    grantee_type TEXT COLLATE "C" NOT NULL,
    grantee_id TEXT COLLATE "C" NOT NULL,
    permissions JSONB NOT NULL DEFAULT '["read"]'::jsonb,
    granted_by TEXT COLLATE "C",
    granted_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ,
    CONSTRAINT access_grants_pkey PRIMARY KEY (id),
    CONSTRAINT access_grants_item_grantee_key UNIQUE (item_id, grantee_type, grantee_id),
    CONSTRAINT access_grants_item_id_fkey
    FOREIGN KEY (item_id) REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    CONSTRAINT access_grants_grantee_type_check
    CHECK (grantee_type IN ('user', 'role', 'workspace', 'organization')),
    CONSTRAINT access_grants_grantee_id_check CHECK (grantee_id <> ''),
    CONSTRAINT access_grants_permissions_check CHECK (jsonb_typeof(permissions) = 'array')
);

CREATE INDEX IF NOT EXISTS idx_access_grants_grantee ON access_grants (grantee_id, id);
CREATE INDEX IF NOT EXISTS idx_access_grants_granted_by
ON access_grants (granted_by, id) WHERE granted_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_access_grants_expires
ON access_grants (expires_at, id) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS knowledge_archive (
    id TEXT COLLATE "C" NOT NULL,
    original_id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C",
    content TEXT NOT NULL,
    source TEXT,
    source_id TEXT,
    confidence TEXT,
    importance DOUBLE PRECISION,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    document JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ,
    archived_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    archived_by TEXT,
    reason TEXT,
    CONSTRAINT knowledge_archive_pkey PRIMARY KEY (id),
    CONSTRAINT knowledge_archive_original_id_check CHECK (original_id <> ''),
    CONSTRAINT knowledge_archive_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT knowledge_archive_document_check CHECK (jsonb_typeof(document) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_knowledge_archive_original
ON knowledge_archive (original_id, archived_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS prune_history (
    id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL,
    executed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    policy_id TEXT,
    action TEXT NOT NULL,
    items_pruned INTEGER NOT NULL DEFAULT 0,
    pruned_item_ids JSONB NOT NULL DEFAULT '[]'::jsonb,
    reason TEXT,
    executed_by TEXT,
    CONSTRAINT prune_history_pkey PRIMARY KEY (id),
    CONSTRAINT prune_history_action_check
    CHECK (action IN ('archive', 'delete', 'demote', 'flag')),
    CONSTRAINT prune_history_items_pruned_check CHECK (items_pruned >= 0),
    CONSTRAINT prune_history_pruned_item_ids_check
    CHECK (jsonb_typeof(pruned_item_ids) = 'array')
);

CREATE INDEX IF NOT EXISTS idx_prune_history_workspace
ON prune_history (workspace_id, executed_at DESC, id DESC);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE knowledge_nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE node_provenance ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_relationships ENABLE ROW LEVEL SECURITY;
ALTER TABLE node_topics ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_vectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_archive ENABLE ROW LEVEL SECURITY;
ALTER TABLE prune_history ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format(
            'REVOKE ALL ON '
            || 'knowledge_nodes, node_provenance, knowledge_relationships, node_topics, '
            || 'knowledge_vectors, access_grants, knowledge_archive, prune_history FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE knowledge_nodes IS 'An item of knowledge. A workspace has each content once.';
COMMENT ON COLUMN knowledge_nodes.id IS 'Identifier: kn_ and 16 hexadecimal digits, unless the application gives another.';
COMMENT ON COLUMN knowledge_nodes.workspace_id IS 'The workspace that it belongs to.';
COMMENT ON COLUMN knowledge_nodes.node_type IS 'What it is, such as fact, claim, evidence, document.';
COMMENT ON COLUMN knowledge_nodes.content IS 'What is known.';
COMMENT ON COLUMN knowledge_nodes.content_hash IS 'First 32 hexadecimal digits of the SHA-256 of the content.';
COMMENT ON COLUMN knowledge_nodes.confidence IS 'How sure it is, 0 to 1.';
COMMENT ON COLUMN knowledge_nodes.tier IS 'How fast it changes and fades: fast, medium, slow or glacial.';
COMMENT ON COLUMN knowledge_nodes.surprise_score IS 'How unexpected it was, 0 to 1.';
COMMENT ON COLUMN knowledge_nodes.update_count IS 'How often it was saved, also as the same content under another id.';
COMMENT ON COLUMN knowledge_nodes.consolidation_score IS 'How settled it is, 0 to 1.';
COMMENT ON COLUMN knowledge_nodes.validation_status IS 'What a validation said: unverified, contested, majority_agreed, byzantine_agreed, formally_proven, verified or contradicted.';
COMMENT ON COLUMN knowledge_nodes.consensus_proof_id IS 'The proof or consensus that it was validated by.';
COMMENT ON COLUMN knowledge_nodes.last_validated_at IS 'When it was last validated; NULL: never.';
COMMENT ON COLUMN knowledge_nodes.staleness_score IS 'How outdated it is, 0 to 1, when that was last computed.';
COMMENT ON COLUMN knowledge_nodes.revalidation_requested IS 'Whether it should be validated again.';
COMMENT ON COLUMN knowledge_nodes.visibility IS 'Who may see it: private (grants only), workspace, organization, public or system.';
COMMENT ON COLUMN knowledge_nodes.visibility_set_by IS 'User who said so. [user]';
COMMENT ON COLUMN knowledge_nodes.is_discoverable IS 'Whether searches of others find it.';
COMMENT ON COLUMN knowledge_nodes.metadata IS 'Free facts of the application; org_id names the organization that may see it.';
COMMENT ON COLUMN knowledge_nodes.search_terms IS 'Search terms of the content, normalised by the store and joined by blanks.';
COMMENT ON COLUMN knowledge_nodes.created_at IS 'When it was first saved.';
COMMENT ON COLUMN knowledge_nodes.updated_at IS 'When it was last saved or changed.';
COMMENT ON COLUMN knowledge_nodes.search_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE node_provenance IS 'Where a node comes from; written once.';
COMMENT ON COLUMN node_provenance.id IS 'Identifier: prov_ and the id of the node.';
COMMENT ON COLUMN node_provenance.node_id IS 'The node.';
COMMENT ON COLUMN node_provenance.source_type IS 'Kind of source, such as document, debate, user, agent, inference, migration.';
COMMENT ON COLUMN node_provenance.source_id IS 'Identifier of the source; may be empty.';
COMMENT ON COLUMN node_provenance.agent_id IS 'Agent that it came from.';
COMMENT ON COLUMN node_provenance.debate_id IS 'Debate that it came from.';
COMMENT ON COLUMN node_provenance.document_id IS 'Document that it came from.';
COMMENT ON COLUMN node_provenance.user_id IS 'User that it came from. [user]';
COMMENT ON COLUMN node_provenance.parent_provenance_id IS 'The provenance that it was made from.';
COMMENT ON COLUMN node_provenance.transformation_type IS 'How it was made from that.';
COMMENT ON COLUMN node_provenance.transformations IS 'What was done on the way: a list of objects with type, agent_id, details and timestamp.';
COMMENT ON COLUMN node_provenance.created_at IS 'When it was stored.';

COMMENT ON TABLE knowledge_relationships IS 'A link from one node to another; one of each type.';
COMMENT ON COLUMN knowledge_relationships.id IS 'Identifier: kr_ and 16 hexadecimal digits.';
COMMENT ON COLUMN knowledge_relationships.from_node_id IS 'The node that says something of the other.';
COMMENT ON COLUMN knowledge_relationships.to_node_id IS 'The other node.';
COMMENT ON COLUMN knowledge_relationships.relationship_type IS 'supports, contradicts, derived_from, related_to, supersedes, cites or elaborates.';
COMMENT ON COLUMN knowledge_relationships.strength IS 'How strong the link is; 1 when nothing else is said.';
COMMENT ON COLUMN knowledge_relationships.created_by IS 'Who or what made it. [user]';
COMMENT ON COLUMN knowledge_relationships.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN knowledge_relationships.created_at IS 'When it was first saved.';

COMMENT ON TABLE node_topics IS 'The topics of nodes.';
COMMENT ON COLUMN node_topics.node_id IS 'The node.';
COMMENT ON COLUMN node_topics.topic IS 'A topic of it.';

COMMENT ON TABLE knowledge_vectors IS 'The vectors of nodes that have one.';
COMMENT ON COLUMN knowledge_vectors.node_id IS 'The node that the vector is of.';
COMMENT ON COLUMN knowledge_vectors.dims IS 'How many numbers the vector has.';
COMMENT ON COLUMN knowledge_vectors.vector IS 'The vector, scaled to length 1: a list of numbers.';
COMMENT ON COLUMN knowledge_vectors.updated_at IS 'When it was last stored.';
COMMENT ON COLUMN knowledge_vectors.numbers IS 'The same as an array, which is compared.';

COMMENT ON FUNCTION knowledge_nearest(REGCLASS, TEXT[], DOUBLE PRECISION[], BIGINT) IS 'Compares vectors; uses pgvector where it is installed.';
COMMENT ON FUNCTION knowledge_numbers(JSONB) IS 'A list of numbers as an array.';

COMMENT ON TABLE access_grants IS 'Who else may see a node.';
COMMENT ON COLUMN access_grants.id IS 'Identifier: grant_ and 16 hexadecimal digits.';
COMMENT ON COLUMN access_grants.item_id IS 'The node.';
COMMENT ON COLUMN access_grants.grantee_type IS 'What the grantee is: user, role, workspace or organization.';
COMMENT ON COLUMN access_grants.grantee_id IS 'Identifier of the grantee.';
COMMENT ON COLUMN access_grants.permissions IS 'List of what it may do: read, write, admin …';
COMMENT ON COLUMN access_grants.granted_by IS 'User who granted it. [user]';
COMMENT ON COLUMN access_grants.granted_at IS 'When it was granted last.';
COMMENT ON COLUMN access_grants.expires_at IS 'From then on it counts no more; NULL: never.';

COMMENT ON TABLE knowledge_archive IS 'Nodes that were taken out, and can be restored.';
COMMENT ON COLUMN knowledge_archive.id IS 'Identifier: arch_, the id of the node and 16 hexadecimal digits.';
COMMENT ON COLUMN knowledge_archive.original_id IS 'The id of the node.';
COMMENT ON COLUMN knowledge_archive.workspace_id IS 'The workspace that it belonged to; NULL of older rows that did not say.';
COMMENT ON COLUMN knowledge_archive.content IS 'What was known.';
COMMENT ON COLUMN knowledge_archive.source IS 'Kind of source of its provenance.';
COMMENT ON COLUMN knowledge_archive.source_id IS 'Identifier of the source.';
COMMENT ON COLUMN knowledge_archive.confidence IS 'Its confidence in a word, of older rows.';
COMMENT ON COLUMN knowledge_archive.importance IS 'Its confidence, 0 to 1.';
COMMENT ON COLUMN knowledge_archive.metadata IS 'Its free facts.';
COMMENT ON COLUMN knowledge_archive.document IS 'The whole node with topics, provenance and relationships; empty of older rows. [user in user_id, visibility_set_by, created_by]';
COMMENT ON COLUMN knowledge_archive.created_at IS 'When it was first saved.';
COMMENT ON COLUMN knowledge_archive.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN knowledge_archive.archived_at IS 'When it was taken out.';
COMMENT ON COLUMN knowledge_archive.archived_by IS 'Who or what did it. [user]';
COMMENT ON COLUMN knowledge_archive.reason IS 'Why.';

COMMENT ON TABLE prune_history IS 'Clean-ups of workspaces.';
COMMENT ON COLUMN prune_history.id IS 'Identifier: prune_ and 16 hexadecimal digits, unless the application gives another.';
COMMENT ON COLUMN prune_history.workspace_id IS 'The workspace.';
COMMENT ON COLUMN prune_history.executed_at IS 'When it was done.';
COMMENT ON COLUMN prune_history.policy_id IS 'The policy that asked for it.';
COMMENT ON COLUMN prune_history.action IS 'What became of the nodes: archive, delete, demote or flag.';
COMMENT ON COLUMN prune_history.items_pruned IS 'How many nodes it were.';
COMMENT ON COLUMN prune_history.pruned_item_ids IS 'List of their ids.';
COMMENT ON COLUMN prune_history.reason IS 'Why.';
COMMENT ON COLUMN prune_history.executed_by IS 'Who or what did it. [user]';

INSERT INTO _schema_versions (module, version) VALUES ('knowledge', 1)
ON CONFLICT (module) DO NOTHING;

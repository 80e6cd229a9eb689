-- Continuum memory: what is remembered, in four tiers that fade at different speeds.
-- meaning: values of continuum_vectors.vector [[1.0], [0.6, 0.8], [0.8, -0.6], [-1.0]] because a vector is a list of numbers
-- meaning: values of continuum_vectors.dims [1, 2] because it is the length of the vector
-- meaning: values of continuum_memory.content_terms ["alpha beta", "beta", "gamma alpha"] because the store writes terms with blanks between

CREATE TABLE IF NOT EXISTS continuum_memory (
    id TEXT COLLATE "C" NOT NULL,
    tenant_id TEXT,
    tier TEXT NOT NULL DEFAULT 'slow',
    content TEXT NOT NULL,
    content_terms TEXT,
    importance DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    surprise_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    consolidation_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    strength DOUBLE PRECISION NOT NULL GENERATED ALWAYS AS (
        importance * (1.0::double precision + surprise_score)
    ) STORED,
    -- parity: default continuum_memory.strength_band because each engine rounds down in its own words
    strength_band INTEGER NOT NULL GENERATED ALWAYS AS (
        floor(
            importance * (1.0::double precision + surprise_score) * 16.0::double precision
        )::integer
    ) STORED,
    update_count INTEGER NOT NULL DEFAULT 1,
    success_count INTEGER NOT NULL DEFAULT 0,
    failure_count INTEGER NOT NULL DEFAULT 0,
    red_line BOOLEAN NOT NULL DEFAULT FALSE,
    red_line_reason TEXT NOT NULL DEFAULT '',
    metadata JSONB NOT NULL DEFAULT '{}',
    last_promotion_at TIMESTAMPTZ,
    last_move_at TIMESTAMPTZ,
    last_prewarmed_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- parity: column continuum_memory.content_vector because SQLite searches in continuum_search
    content_vector TSVECTOR GENERATED ALWAYS AS (
        CASE
            WHEN content_terms IS NULL THEN to_tsvector('pg_catalog.simple', content)
            ELSE array_to_tsvector(array_remove(string_to_array(content_terms, ' '), ''))
        END
    ) STORED,
    CONSTRAINT continuum_memory_pkey PRIMARY KEY (id),
    CONSTRAINT continuum_memory_id_check CHECK (id <> ''),
    CONSTRAINT continuum_memory_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT continuum_memory_tier_check CHECK (tier IN ('fast', 'medium', 'slow', 'glacial')),
    CONSTRAINT continuum_memory_importance_check CHECK (importance BETWEEN 0 AND 1),
    CONSTRAINT continuum_memory_surprise_score_check CHECK (surprise_score BETWEEN 0 AND 1),
    CONSTRAINT continuum_memory_consolidation_score_check
    CHECK (consolidation_score BETWEEN 0 AND 1),
    CONSTRAINT continuum_memory_update_count_check CHECK (update_count >= 0),
    CONSTRAINT continuum_memory_success_count_check CHECK (success_count >= 0),
    CONSTRAINT continuum_memory_failure_count_check CHECK (failure_count >= 0),
    CONSTRAINT continuum_memory_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_continuum_memory_band
ON continuum_memory (tier, strength_band, updated_at DESC, id);
CREATE INDEX IF NOT EXISTS idx_continuum_memory_tenant_band
ON continuum_memory (tenant_id, tier, strength_band, updated_at DESC, id)
WHERE tenant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_updated
ON continuum_memory (tier, updated_at DESC);
CREATE INDEX IF NOT EXISTS idx_continuum_memory_importance
ON continuum_memory (tier, importance DESC, updated_at DESC);
-- what consolidation looks through: entries with enough outcomes
CREATE INDEX IF NOT EXISTS idx_continuum_memory_surprise
ON continuum_memory (tier, surprise_score DESC) WHERE update_count >= 10;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_red_line
ON continuum_memory (created_at) WHERE red_line;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_expires
ON continuum_memory (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_created ON continuum_memory (created_at DESC);
-- parity: index continuum_memory.idx_continuum_memory_content_vector because SQLite searches in continuum_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_continuum_memory_content_vector
ON continuum_memory USING gin (content_vector) WITH (fastupdate = off);

-- A list of JSON is written as an array is, but for the brackets. NULL: it is no list of numbers.
CREATE OR REPLACE FUNCTION continuum_numbers(given JSONB) RETURNS DOUBLE PRECISION[]
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

CREATE TABLE IF NOT EXISTS continuum_vectors (
    memory_id TEXT COLLATE "C" NOT NULL,
    dims INTEGER NOT NULL,
    vector JSONB NOT NULL,
    -- parity: column continuum_vectors.numbers because SQLite has no arrays and reads the list
    numbers DOUBLE PRECISION[] GENERATED ALWAYS AS (continuum_numbers(vector)) STORED,
    CONSTRAINT continuum_vectors_pkey PRIMARY KEY (memory_id),
    CONSTRAINT continuum_vectors_memory_id_fkey
    FOREIGN KEY (memory_id) REFERENCES continuum_memory (id) ON DELETE CASCADE,
    CONSTRAINT continuum_vectors_dims_check CHECK (dims >= 1),
    CONSTRAINT continuum_vectors_vector_check CHECK (jsonb_typeof(vector) = 'array')
);

CREATE INDEX IF NOT EXISTS idx_continuum_vectors_dims ON continuum_vectors (dims);

-- The cosine of the vectors of some entries with a given one, all of length 1: of those entries, at
-- least, that are among the `row_limit` nearest. Where the extension pgvector is installed it chooses
-- them: its products have 24 bits, so all are taken that could be among the nearest within their error.
CREATE OR REPLACE FUNCTION continuum_nearest(
    vectors REGCLASS,
    memory REGCLASS,
    given DOUBLE PRECISION[],
    tiers TEXT[],
    tenant TEXT,
    least_importance DOUBLE PRECISION,
    at_time TIMESTAMPTZ,
    row_limit BIGINT
) RETURNS TABLE (memory_id TEXT, similarity DOUBLE PRECISION)
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
    wanted CONSTANT TEXT := format(
        $part$
            FROM %s AS v
            INNER JOIN %s AS m ON v.memory_id = m.id
            WHERE
                v.dims = $2
                AND m.tier = any($3)
                AND m.importance >= $4
                AND ($5 IS NULL OR m.tenant_id = $5)
                AND (m.expires_at IS NULL OR m.expires_at > $6)
        $part$,
        vectors,
        memory
    );
    exactly CONSTANT TEXT := $part$
        SELECT
            v.memory_id,
            (SELECT sum(x.stored * x.given) FROM unnest(v.numbers, $1) AS x (stored, given))
    $part$;
BEGIN
    IF extension_home IS NULL OR length_of_given > most_of_extension THEN
        RETURN QUERY EXECUTE exactly || wanted
        USING given, length_of_given, tiers, least_importance, tenant, at_time;
    ELSE
        RETURN QUERY EXECUTE format(
            $query$
                WITH close AS MATERIALIZED (
                    SELECT
                        v.memory_id,
                        -(v.numbers::%1$I.vector OPERATOR(%1$I.<#>) $1::%1$I.vector) AS product
                    %2$s
                ),
                bound AS MATERIALIZED (
                    SELECT min(b.product) - ($2 + 4) * 2.0 ^ -23 AS product
                    FROM (SELECT c.product FROM close AS c ORDER BY c.product DESC LIMIT $7) AS b
                )
                %3$s
                FROM close AS c
                INNER JOIN bound AS l ON c.product >= l.product
                INNER JOIN %4$s AS v ON c.memory_id = v.memory_id
            $query$,
            extension_home,
            wanted,
            exactly,
            vectors
        )
        USING given, length_of_given, tiers, least_importance, tenant, at_time, row_limit;
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS continuum_references (
    memory_id TEXT COLLATE "C" NOT NULL,
    node_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT continuum_references_pkey PRIMARY KEY (memory_id, node_id),
    CONSTRAINT continuum_references_memory_id_fkey
    FOREIGN KEY (memory_id) REFERENCES continuum_memory (id) ON DELETE CASCADE,
    CONSTRAINT continuum_references_node_id_check CHECK (node_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_continuum_references_node_id
ON continuum_references (node_id);

CREATE TABLE IF NOT EXISTS tier_transitions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    memory_id TEXT NOT NULL,
    tenant_id TEXT,
    from_tier TEXT NOT NULL,
    to_tier TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    surprise_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT tier_transitions_pkey PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS idx_tier_transitions_memory_id
ON tier_transitions (memory_id, created_at DESC);

CREATE TABLE IF NOT EXISTS continuum_memory_archive (
    archive_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT NOT NULL,
    tenant_id TEXT,
    tier TEXT NOT NULL,
    content TEXT NOT NULL,
    importance DOUBLE PRECISION NOT NULL,
    surprise_score DOUBLE PRECISION NOT NULL,
    consolidation_score DOUBLE PRECISION NOT NULL,
    update_count INTEGER NOT NULL,
    success_count INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    red_line BOOLEAN NOT NULL,
    red_line_reason TEXT NOT NULL,
    metadata JSONB NOT NULL,
    last_promotion_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    cross_references JSONB NOT NULL DEFAULT '[]',
    vector JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    archive_reason TEXT NOT NULL DEFAULT '',
    CONSTRAINT continuum_memory_archive_pkey PRIMARY KEY (archive_id)
);

CREATE INDEX IF NOT EXISTS idx_continuum_memory_archive_id
ON continuum_memory_archive (id, archived_at DESC);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE continuum_memory ENABLE ROW LEVEL SECURITY;
ALTER TABLE continuum_vectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE continuum_references ENABLE ROW LEVEL SECURITY;
ALTER TABLE tier_transitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE continuum_memory_archive ENABLE ROW LEVEL SECURITY;

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
            || 'continuum_memory, continuum_vectors, continuum_references, tier_transitions, '
            || 'continuum_memory_archive FROM %I',
            role_name
        );
        EXECUTE format(
            'REVOKE ALL ON SEQUENCE '
            || 'tier_transitions_id_seq, continuum_memory_archive_archive_id_seq FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE continuum_memory IS 'An entry of the memory in four tiers.';
COMMENT ON COLUMN continuum_memory.id IS 'Identifier that the application gives.';
COMMENT ON COLUMN continuum_memory.tenant_id IS 'The tenant that the entry belongs to; NULL: none.';
COMMENT ON COLUMN continuum_memory.tier IS 'How fast the entry changes and fades: fast, medium, slow or glacial.';
COMMENT ON COLUMN continuum_memory.content IS 'What is remembered.';
COMMENT ON COLUMN continuum_memory.content_terms IS 'Search terms of the content, normalised by the store and joined by blanks; NULL when another program wrote the row.';
COMMENT ON COLUMN continuum_memory.importance IS 'How important the entry is, 0 to 1.';
COMMENT ON COLUMN continuum_memory.surprise_score IS 'How unexpected its outcomes were, 0 to 1; a moving average.';
COMMENT ON COLUMN continuum_memory.consolidation_score IS 'How settled the entry is, 0 to 1; grows with the logarithm of its outcomes.';
COMMENT ON COLUMN continuum_memory.strength IS 'Its retrieval score at age 0.';
COMMENT ON COLUMN continuum_memory.strength_band IS 'Sixteenths of its strength, rounded down: 0 to 32. What retrieval reads is found by it.';
COMMENT ON COLUMN continuum_memory.update_count IS '1 and the number of its outcomes.';
COMMENT ON COLUMN continuum_memory.success_count IS 'Number of outcomes that were a success.';
COMMENT ON COLUMN continuum_memory.failure_count IS 'Number of outcomes that were a failure.';
COMMENT ON COLUMN continuum_memory.red_line IS 'Whether it is protected from changes, moves and deletion.';
COMMENT ON COLUMN continuum_memory.red_line_reason IS 'Why it is protected; empty when it is not.';
COMMENT ON COLUMN continuum_memory.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN continuum_memory.last_promotion_at IS 'When it was last moved to a faster tier; NULL: never.';
COMMENT ON COLUMN continuum_memory.last_move_at IS 'When it was last moved to another tier; NULL: never.';
COMMENT ON COLUMN continuum_memory.last_prewarmed_at IS 'When it was last loaded ahead of a query; NULL: never.';
COMMENT ON COLUMN continuum_memory.expires_at IS 'From then on it is not retrieved and may be deleted; NULL: never.';
COMMENT ON COLUMN continuum_memory.created_at IS 'When the entry was first stored.';
COMMENT ON COLUMN continuum_memory.updated_at IS 'When it was last stored, moved, or got an outcome; its age counts from here.';
COMMENT ON COLUMN continuum_memory.content_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE continuum_vectors IS 'The vectors of entries that have one.';
COMMENT ON COLUMN continuum_vectors.memory_id IS 'The entry that the vector is of.';
COMMENT ON COLUMN continuum_vectors.dims IS 'How many numbers the vector has.';
COMMENT ON COLUMN continuum_vectors.vector IS 'The vector, scaled to length 1: a list of numbers.';
COMMENT ON COLUMN continuum_vectors.numbers IS 'The same as an array, which is compared.';
COMMENT ON FUNCTION continuum_numbers(JSONB) IS 'Converts a list of numbers of JSON into an array.';
COMMENT ON FUNCTION continuum_nearest(REGCLASS, REGCLASS, DOUBLE PRECISION[], TEXT[], TEXT, DOUBLE PRECISION, TIMESTAMPTZ, BIGINT) IS 'Compares vectors; uses pgvector where it is installed.';

COMMENT ON TABLE continuum_references IS 'The nodes of a knowledge store that entries refer to.';
COMMENT ON COLUMN continuum_references.memory_id IS 'The entry that refers to the node.';
COMMENT ON COLUMN continuum_references.node_id IS 'Identifier of a node of a knowledge store.';

COMMENT ON TABLE tier_transitions IS 'The moves of entries between tiers; they outlive the entries.';
COMMENT ON COLUMN tier_transitions.id IS 'Key of the move; later moves have larger ones.';
COMMENT ON COLUMN tier_transitions.memory_id IS 'The entry that was moved, which may be deleted since.';
COMMENT ON COLUMN tier_transitions.tenant_id IS 'The tenant of the entry; NULL: none.';
COMMENT ON COLUMN tier_transitions.from_tier IS 'The tier that it left.';
COMMENT ON COLUMN tier_transitions.to_tier IS 'The tier that it came to.';
COMMENT ON COLUMN tier_transitions.reason IS 'Why, such as high_surprise, high_stability, direct, red_line or stored.';
COMMENT ON COLUMN tier_transitions.surprise_score IS 'Its surprise score then.';
COMMENT ON COLUMN tier_transitions.created_at IS 'When it was moved.';

COMMENT ON TABLE continuum_memory_archive IS 'Entries that were deleted and kept.';
COMMENT ON COLUMN continuum_memory_archive.archive_id IS 'Key of the archived row; the same id may be archived again.';
COMMENT ON COLUMN continuum_memory_archive.id IS 'Identifier that the application gives.';
COMMENT ON COLUMN continuum_memory_archive.tenant_id IS 'The tenant that the entry belongs to; NULL: none.';
COMMENT ON COLUMN continuum_memory_archive.tier IS 'How fast the entry changes and fades: fast, medium, slow or glacial.';
COMMENT ON COLUMN continuum_memory_archive.content IS 'What is remembered.';
COMMENT ON COLUMN continuum_memory_archive.importance IS 'How important the entry is, 0 to 1.';
COMMENT ON COLUMN continuum_memory_archive.surprise_score IS 'How unexpected its outcomes were, 0 to 1; a moving average.';
COMMENT ON COLUMN continuum_memory_archive.consolidation_score IS 'How settled the entry is, 0 to 1; grows with the logarithm of its outcomes.';
COMMENT ON COLUMN continuum_memory_archive.update_count IS '1 and the number of its outcomes.';
COMMENT ON COLUMN continuum_memory_archive.success_count IS 'Number of outcomes that were a success.';
COMMENT ON COLUMN continuum_memory_archive.failure_count IS 'Number of outcomes that were a failure.';
COMMENT ON COLUMN continuum_memory_archive.red_line IS 'Whether it is protected from changes, moves and deletion.';
COMMENT ON COLUMN continuum_memory_archive.red_line_reason IS 'Why it is protected; empty when it is not.';
COMMENT ON COLUMN continuum_memory_archive.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN continuum_memory_archive.last_promotion_at IS 'When it was last moved to a faster tier; NULL: never.';
COMMENT ON COLUMN continuum_memory_archive.expires_at IS 'From then on it is not retrieved and may be deleted; NULL: never.';
COMMENT ON COLUMN continuum_memory_archive.cross_references IS 'Identifiers of the nodes that it referred to.';
COMMENT ON COLUMN continuum_memory_archive.vector IS 'Its vector, scaled to length 1; NULL: it had none.';
COMMENT ON COLUMN continuum_memory_archive.created_at IS 'When the entry was first stored.';
COMMENT ON COLUMN continuum_memory_archive.updated_at IS 'When it was last stored, moved, or got an outcome; its age counts from here.';
COMMENT ON COLUMN continuum_memory_archive.archived_at IS 'When the row was moved here.';
COMMENT ON COLUMN continuum_memory_archive.archive_reason IS 'Why: expired, tier_limit, user_deleted, or the words of whoever deleted it.';

INSERT INTO _schema_versions (module, version) VALUES ('continuum', 1)
ON CONFLICT (module) DO NOTHING;

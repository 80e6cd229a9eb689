-- The marketplace: templates of workflows with their published versions, ratings and reviews.

CREATE TABLE IF NOT EXISTS marketplace_categories (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    CONSTRAINT marketplace_categories_pkey PRIMARY KEY (id),
    CONSTRAINT marketplace_categories_id_check CHECK (id <> '')
) STRICT;

CREATE TABLE IF NOT EXISTS marketplace_templates (
    -- parity: column marketplace_templates.row_id because rows of marketplace_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL,
    pattern TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    workflow_definition TEXT NOT NULL DEFAULT '{}',
    download_count INTEGER NOT NULL DEFAULT 0,
    rating_sum INTEGER NOT NULL DEFAULT 0,
    rating_count INTEGER NOT NULL DEFAULT 0,
    average_rating REAL NOT NULL GENERATED ALWAYS AS (
        CASE WHEN rating_count > 0 THEN cast(rating_sum AS REAL) / rating_count ELSE 0.0 END
    ) STORED,
    is_featured INTEGER NOT NULL DEFAULT 0,
    is_trending INTEGER NOT NULL DEFAULT 0,
    is_builtin INTEGER NOT NULL DEFAULT 0,
    star_count INTEGER NOT NULL DEFAULT 0,
    search_terms TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT marketplace_templates_id_key UNIQUE (id),
    CONSTRAINT marketplace_templates_name_key UNIQUE (name),
    CONSTRAINT marketplace_templates_id_check CHECK (id <> ''),
    CONSTRAINT marketplace_templates_name_check CHECK (name <> ''),
    CONSTRAINT marketplace_templates_category_check CHECK (category <> ''),
    CONSTRAINT marketplace_templates_download_count_check CHECK (download_count >= 0),
    CONSTRAINT marketplace_templates_rating_count_check CHECK (rating_count >= 0),
    CONSTRAINT marketplace_templates_rating_sum_check CHECK (rating_sum >= 0),
    CONSTRAINT marketplace_templates_star_count_check CHECK (star_count >= 0),
    CONSTRAINT marketplace_templates_tags_check
    CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    CONSTRAINT marketplace_templates_workflow_definition_check
    CHECK (json_valid(workflow_definition) AND json_type(workflow_definition) = 'object'),
    CONSTRAINT marketplace_templates_is_featured_check CHECK (is_featured IN (0, 1)),
    CONSTRAINT marketplace_templates_is_trending_check CHECK (is_trending IN (0, 1)),
    CONSTRAINT marketplace_templates_is_builtin_check CHECK (is_builtin IN (0, 1)),
    CONSTRAINT marketplace_templates_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT marketplace_templates_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_marketplace_templates_rating
ON marketplace_templates (average_rating DESC, rating_count DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_downloads
ON marketplace_templates (download_count DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_created
ON marketplace_templates (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_updated
ON marketplace_templates (updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_category ON marketplace_templates (category);
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_author ON marketplace_templates (author_id);
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_featured
ON marketplace_templates (average_rating DESC, rating_count DESC, created_at DESC, id DESC)
WHERE is_featured;
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_trending
ON marketplace_templates (download_count DESC, created_at DESC, id DESC)
WHERE is_trending;

-- What templates are searched by. External content: the words are stored once, in the table.
-- parity: table marketplace_search because PostgreSQL searches in marketplace_templates.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS marketplace_search USING fts5 (
    search_terms,
    content = 'marketplace_templates',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS marketplace_search_insert AFTER INSERT ON marketplace_templates
BEGIN
    INSERT INTO marketplace_search (rowid, search_terms)
    VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS marketplace_search_delete AFTER DELETE ON marketplace_templates
BEGIN
    INSERT INTO marketplace_search (marketplace_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS marketplace_search_update
AFTER UPDATE OF row_id, search_terms ON marketplace_templates
BEGIN
    INSERT INTO marketplace_search (marketplace_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO marketplace_search (rowid, search_terms)
    VALUES (new.row_id, new.search_terms);
END;

CREATE TABLE IF NOT EXISTS marketplace_versions (
    template_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    version TEXT NOT NULL,
    workflow_definition TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    notes TEXT NOT NULL DEFAULT '',
    published_by TEXT,
    published_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT marketplace_versions_pkey PRIMARY KEY (template_id, number),
    CONSTRAINT marketplace_versions_version_key UNIQUE (template_id, version),
    CONSTRAINT marketplace_versions_template_id_fkey
    FOREIGN KEY (template_id) REFERENCES marketplace_templates (id) ON DELETE CASCADE,
    CONSTRAINT marketplace_versions_number_check CHECK (number >= 1),
    CONSTRAINT marketplace_versions_version_check CHECK (version <> ''),
    CONSTRAINT marketplace_versions_content_hash_check CHECK (content_hash <> ''),
    CONSTRAINT marketplace_versions_workflow_definition_check
    CHECK (json_valid(workflow_definition) AND json_type(workflow_definition) = 'object'),
    CONSTRAINT marketplace_versions_published_at_check
    CHECK (published_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_marketplace_versions_publisher
ON marketplace_versions (published_by) WHERE published_by IS NOT NULL;

-- A published version stays as it is, but that it may lose who published it, and goes with its
-- template alone.
CREATE TRIGGER IF NOT EXISTS marketplace_versions_unchanged
BEFORE UPDATE ON marketplace_versions
WHEN
    new.template_id <> old.template_id
    OR new.number <> old.number
    OR new.version <> old.version
    OR new.workflow_definition <> old.workflow_definition
    OR new.content_hash <> old.content_hash
    OR new.notes <> old.notes
    OR new.published_by IS NOT NULL
    OR new.published_at <> old.published_at
BEGIN
    SELECT raise(ABORT, 'UPDATE of marketplace_versions is refused: versions are immutable');
END;

CREATE TRIGGER IF NOT EXISTS marketplace_versions_kept
BEFORE DELETE ON marketplace_versions
WHEN EXISTS (SELECT 1 FROM marketplace_templates AS t WHERE t.id = old.template_id)
BEGIN
    SELECT raise(ABORT, 'DELETE of marketplace_versions is refused: versions are immutable');
END;

CREATE TABLE IF NOT EXISTS marketplace_reviews (
    id TEXT NOT NULL,
    template_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    rating INTEGER NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    helpful_count INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT marketplace_reviews_pkey PRIMARY KEY (id),
    CONSTRAINT marketplace_reviews_template_user_key UNIQUE (template_id, user_id),
    CONSTRAINT marketplace_reviews_template_id_fkey
    FOREIGN KEY (template_id) REFERENCES marketplace_templates (id) ON DELETE CASCADE,
    CONSTRAINT marketplace_reviews_id_check CHECK (id <> ''),
    CONSTRAINT marketplace_reviews_user_id_check CHECK (user_id <> ''),
    CONSTRAINT marketplace_reviews_rating_check CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT marketplace_reviews_helpful_count_check CHECK (helpful_count >= 0),
    CONSTRAINT marketplace_reviews_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_marketplace_reviews_helpful
ON marketplace_reviews (template_id, helpful_count DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_marketplace_reviews_user ON marketplace_reviews (user_id);

CREATE TABLE IF NOT EXISTS marketplace_ratings (
    template_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    rating INTEGER NOT NULL,
    former_rating INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT marketplace_ratings_pkey PRIMARY KEY (template_id, user_id),
    CONSTRAINT marketplace_ratings_template_id_fkey
    FOREIGN KEY (template_id) REFERENCES marketplace_templates (id) ON DELETE CASCADE,
    CONSTRAINT marketplace_ratings_user_id_check CHECK (user_id <> ''),
    CONSTRAINT marketplace_ratings_rating_check CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT marketplace_ratings_former_rating_check CHECK (former_rating BETWEEN 1 AND 5),
    CONSTRAINT marketplace_ratings_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_marketplace_ratings_user ON marketplace_ratings (user_id);

INSERT INTO _schema_versions (module, version) VALUES ('marketplace', 1)
ON CONFLICT (module) DO NOTHING;

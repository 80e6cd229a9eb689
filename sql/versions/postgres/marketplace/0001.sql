-- The marketplace: templates of workflows with their published versions, ratings and reviews.
-- meaning: values of marketplace_templates.search_terms ["alpha beta", "beta", "gamma alpha", ""] because the store writes terms with blanks between
-- meaning: values of marketplace_templates.category ["security", "testing", "own"] because few categories have many templates

CREATE TABLE IF NOT EXISTS marketplace_categories (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    CONSTRAINT marketplace_categories_pkey PRIMARY KEY (id),
    CONSTRAINT marketplace_categories_id_check CHECK (id <> '')
);

CREATE TABLE IF NOT EXISTS marketplace_templates (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    author_id TEXT COLLATE "C" NOT NULL,
    author_name TEXT NOT NULL DEFAULT '',
    category TEXT COLLATE "C" NOT NULL,
    pattern TEXT NOT NULL,
    tags JSONB NOT NULL DEFAULT '[]'::jsonb,
    workflow_definition JSONB NOT NULL DEFAULT '{}'::jsonb,
    download_count INTEGER NOT NULL DEFAULT 0,
    rating_sum INTEGER NOT NULL DEFAULT 0,
    rating_count INTEGER NOT NULL DEFAULT 0,
    -- parity: default marketplace_templates.average_rating because each engine divides in its own words
    -- One without ratings comes last: no rating is below 1.
    average_rating DOUBLE PRECISION NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN rating_count > 0 THEN rating_sum::double precision / rating_count
            ELSE 0.0::double precision
        END
    ) STORED,
    is_featured BOOLEAN NOT NULL DEFAULT FALSE,
    is_trending BOOLEAN NOT NULL DEFAULT FALSE,
    is_builtin BOOLEAN NOT NULL DEFAULT FALSE,
    star_count INTEGER NOT NULL DEFAULT 0,
    search_terms TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- parity: column marketplace_templates.search_vector because SQLite searches in marketplace_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT marketplace_templates_pkey PRIMARY KEY (id),
    CONSTRAINT marketplace_templates_name_key UNIQUE (name),
    CONSTRAINT marketplace_templates_id_check CHECK (id <> ''),
    CONSTRAINT marketplace_templates_name_check CHECK (name <> ''),
    CONSTRAINT marketplace_templates_category_check CHECK (category <> ''),
    CONSTRAINT marketplace_templates_download_count_check CHECK (download_count >= 0),
    CONSTRAINT marketplace_templates_rating_count_check CHECK (rating_count >= 0),
    CONSTRAINT marketplace_templates_rating_sum_check CHECK (rating_sum >= 0),
    CONSTRAINT marketplace_templates_star_count_check CHECK (star_count >= 0),
    CONSTRAINT marketplace_templates_tags_check CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT marketplace_templates_workflow_definition_check
    CHECK (jsonb_typeof(workflow_definition) = 'object')
);

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
-- parity: index marketplace_templates.idx_marketplace_templates_search_vector because SQLite searches in marketplace_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_marketplace_templates_search_vector
ON marketplace_templates USING gin (search_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS marketplace_versions (
    template_id TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    workflow_definition JSONB NOT NULL,
    content_hash TEXT NOT NULL,
    notes TEXT NOT NULL DEFAULT '',
    published_by TEXT COLLATE "C",
    published_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT marketplace_versions_pkey PRIMARY KEY (template_id, number),
    CONSTRAINT marketplace_versions_version_key UNIQUE (template_id, version),
    CONSTRAINT marketplace_versions_template_id_fkey
    FOREIGN KEY (template_id) REFERENCES marketplace_templates (id) ON DELETE CASCADE,
    CONSTRAINT marketplace_versions_number_check CHECK (number >= 1),
    CONSTRAINT marketplace_versions_version_check CHECK (version <> ''),
    CONSTRAINT marketplace_versions_content_hash_check CHECK (content_hash <> ''),
    CONSTRAINT marketplace_versions_workflow_definition_check
    CHECK (jsonb_typeof(workflow_definition) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_marketplace_versions_publisher
ON marketplace_versions (published_by) WHERE published_by IS NOT NULL;

-- A published version stays as it is, but that it may lose who published it, and goes with its
-- template alone. What is refused is refused as the breaking of a rule, as on SQLite.
CREATE OR REPLACE FUNCTION marketplace_refuse_change() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
DECLARE
    is_there BOOLEAN;
BEGIN
    IF tg_op = 'UPDATE'
    AND new.template_id = old.template_id
    AND new.number = old.number
    AND new.version = old.version
    AND new.workflow_definition::text = old.workflow_definition::text
    AND new.content_hash = old.content_hash
    AND new.notes = old.notes
    AND new.published_by IS NULL
    AND new.published_at = old.published_at
    THEN
        RETURN new;
    END IF;
    IF tg_op = 'DELETE' THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I.marketplace_templates AS t WHERE t.id = $1)',
            tg_table_schema
        ) INTO is_there USING old.template_id;
        IF NOT is_there THEN
            RETURN old;
        END IF;
    END IF;
    RAISE EXCEPTION '% of % is refused: versions are immutable', tg_op, tg_table_name
    USING ERRCODE = 'restrict_violation';
END
$$;

DROP TRIGGER IF EXISTS marketplace_versions_unchanged ON marketplace_versions;
CREATE TRIGGER marketplace_versions_unchanged
BEFORE UPDATE OR DELETE ON marketplace_versions
FOR EACH ROW EXECUTE FUNCTION marketplace_refuse_change();
DROP TRIGGER IF EXISTS marketplace_versions_kept ON marketplace_versions;
CREATE TRIGGER marketplace_versions_kept
BEFORE TRUNCATE ON marketplace_versions
FOR EACH STATEMENT EXECUTE FUNCTION marketplace_refuse_change();

CREATE TABLE IF NOT EXISTS marketplace_reviews (
    id TEXT COLLATE "C" NOT NULL,
    template_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    user_name TEXT NOT NULL,
    rating INTEGER NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    helpful_count INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT marketplace_reviews_pkey PRIMARY KEY (id),
    CONSTRAINT marketplace_reviews_template_user_key UNIQUE (template_id, user_id),
    CONSTRAINT marketplace_reviews_template_id_fkey
    FOREIGN KEY (template_id) REFERENCES marketplace_templates (id) ON DELETE CASCADE,
    CONSTRAINT marketplace_reviews_id_check CHECK (id <> ''),
    CONSTRAINT marketplace_reviews_user_id_check CHECK (user_id <> ''),
    CONSTRAINT marketplace_reviews_rating_check CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT marketplace_reviews_helpful_count_check CHECK (helpful_count >= 0)
);

CREATE INDEX IF NOT EXISTS idx_marketplace_reviews_helpful
ON marketplace_reviews (template_id, helpful_count DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_marketplace_reviews_user ON marketplace_reviews (user_id);

CREATE TABLE IF NOT EXISTS marketplace_ratings (
    template_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    rating INTEGER NOT NULL,
    former_rating INTEGER,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT marketplace_ratings_pkey PRIMARY KEY (template_id, user_id),
    CONSTRAINT marketplace_ratings_template_id_fkey
    FOREIGN KEY (template_id) REFERENCES marketplace_templates (id) ON DELETE CASCADE,
    CONSTRAINT marketplace_ratings_user_id_check CHECK (user_id <> ''),
    CONSTRAINT marketplace_ratings_rating_check CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT marketplace_ratings_former_rating_check CHECK (former_rating BETWEEN 1 AND 5)
);

CREATE INDEX IF NOT EXISTS idx_marketplace_ratings_user ON marketplace_ratings (user_id);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE marketplace_categories ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_ratings ENABLE ROW LEVEL SECURITY;

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
            || 'marketplace_categories, marketplace_templates, marketplace_versions, '
            || 'marketplace_reviews, marketplace_ratings '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE marketplace_categories IS 'Categories of templates. How many templates one has is counted when it is asked for. The seven that every marketplace has are in list_categories; a row of such an id gives it another name.';
COMMENT ON COLUMN marketplace_categories.id IS 'Identifier, which templates name.';
COMMENT ON COLUMN marketplace_categories.name IS 'What people read.';
COMMENT ON COLUMN marketplace_categories.description IS 'What is in it.';

COMMENT ON TABLE marketplace_templates IS 'Templates of workflows. Deleting one deletes its versions, reviews and ratings.';
COMMENT ON COLUMN marketplace_templates.id IS 'Identifier: tpl- and 16 hexadecimal digits, or a word of an older registry.';
COMMENT ON COLUMN marketplace_templates.name IS 'What people read; no two templates have one.';
COMMENT ON COLUMN marketplace_templates.description IS 'What it is for.';
COMMENT ON COLUMN marketplace_templates.author_id IS 'Who made it. [user]';
COMMENT ON COLUMN marketplace_templates.author_name IS 'The name of the author at that time. [personal]';
COMMENT ON COLUMN marketplace_templates.category IS 'A category; it need not be in marketplace_categories.';
COMMENT ON COLUMN marketplace_templates.pattern IS 'The pattern of the workflow; of templates of an older registry their type.';
COMMENT ON COLUMN marketplace_templates.tags IS 'Words that it is found by: a list of texts.';
COMMENT ON COLUMN marketplace_templates.workflow_definition IS 'The workflow: that of the version that was published last, if one was.';
COMMENT ON COLUMN marketplace_templates.download_count IS 'How often it was downloaded.';
COMMENT ON COLUMN marketplace_templates.rating_sum IS 'Sum of the ratings in marketplace_ratings.';
COMMENT ON COLUMN marketplace_templates.rating_count IS 'Number of the ratings in marketplace_ratings.';
COMMENT ON COLUMN marketplace_templates.average_rating IS 'From 1 to 5, or 0 without a rating; computed.';
COMMENT ON COLUMN marketplace_templates.is_featured IS 'Whether it is shown first.';
COMMENT ON COLUMN marketplace_templates.is_trending IS 'Whether many want it at present.';
COMMENT ON COLUMN marketplace_templates.is_builtin IS 'Whether an older registry came with it.';
COMMENT ON COLUMN marketplace_templates.star_count IS 'Stars that an older registry counted.';
COMMENT ON COLUMN marketplace_templates.search_terms IS 'What it is searched by: the terms of name, description and tags, with blanks between.';
COMMENT ON COLUMN marketplace_templates.created_at IS 'When it was made.';
COMMENT ON COLUMN marketplace_templates.updated_at IS 'When it was made, or its last version was published.';
COMMENT ON COLUMN marketplace_templates.search_vector IS 'The index of search_terms; computed.';

COMMENT ON TABLE marketplace_versions IS 'Published versions of templates. A row never changes, but that it may lose who published it; it goes with its template.';
COMMENT ON COLUMN marketplace_versions.template_id IS 'The template.';
COMMENT ON COLUMN marketplace_versions.number IS '1 for the first version, and so on without a gap.';
COMMENT ON COLUMN marketplace_versions.version IS 'What people call it, such as 1.0.0; unique within the template.';
COMMENT ON COLUMN marketplace_versions.workflow_definition IS 'The workflow as it was published.';
COMMENT ON COLUMN marketplace_versions.content_hash IS 'SHA-256 of the workflow, 64 hexadecimal digits; of an older registry what it had.';
COMMENT ON COLUMN marketplace_versions.notes IS 'What is new in it.';
COMMENT ON COLUMN marketplace_versions.published_by IS 'Who published it. [user]';
COMMENT ON COLUMN marketplace_versions.published_at IS 'When it was published.';

COMMENT ON TABLE marketplace_reviews IS 'What users write about templates, one review each. Goes with the template, and with the user. [personal]';
COMMENT ON COLUMN marketplace_reviews.id IS 'Identifier: rev- and 16 hexadecimal digits.';
COMMENT ON COLUMN marketplace_reviews.template_id IS 'The template.';
COMMENT ON COLUMN marketplace_reviews.user_id IS 'Who wrote it. [user]';
COMMENT ON COLUMN marketplace_reviews.user_name IS 'The name of the user at that time. [personal]';
COMMENT ON COLUMN marketplace_reviews.rating IS 'From 1 to 5, as the user rated then.';
COMMENT ON COLUMN marketplace_reviews.title IS 'In one line. [personal]';
COMMENT ON COLUMN marketplace_reviews.content IS 'At length. [personal]';
COMMENT ON COLUMN marketplace_reviews.helpful_count IS 'How many found it helpful.';
COMMENT ON COLUMN marketplace_reviews.created_at IS 'When it was written, or written again.';

COMMENT ON TABLE marketplace_ratings IS 'Ratings of templates, one of each user. Goes with the template. A user who is erased is replaced by a pseudonym, and the rating still counts.';
COMMENT ON COLUMN marketplace_ratings.template_id IS 'The template.';
COMMENT ON COLUMN marketplace_ratings.user_id IS 'Who rated. [user]';
COMMENT ON COLUMN marketplace_ratings.rating IS 'From 1 to 5.';
COMMENT ON COLUMN marketplace_ratings.former_rating IS 'What the same user gave before, by which the sum was corrected; NULL at the first time.';
COMMENT ON COLUMN marketplace_ratings.created_at IS 'When this rating was given.';

INSERT INTO _schema_versions (module, version) VALUES ('marketplace', 1)
ON CONFLICT (module) DO NOTHING;

-- How the older Aragora's marketplace maps onto today's tables. Two programs kept a file
-- marketplace.db: the store, whose templates have a pattern and times in seconds since 1970, and the
-- registry, whose templates have a hash of their content and local times. What the registry had
-- becomes a template with one version. Names are unique today: of two templates of one name one
-- is rejected. The comment lines with a colon are explained in docs/migration.md ("How a
-- mapping is written").

-- name: categories(first_rowid, last_rowid)
-- Categories. Their counter is not read, as the templates are counted.
-- from: categories (id, name, description)
-- ignored: template_count
-- into: marketplace_categories
-- key: id
-- merge: first
-- values: description = description, ''
SELECT
    rowid AS source_rowid,
    id,
    name,
    coalesce(description, '') AS description
FROM categories
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: templates(first_rowid, last_rowid)
-- Templates of the store.
-- from: templates (id, name, pattern, created_at, updated_at)
-- without: content_hash
-- optional: description, author_id, author_name, category, tags, workflow_definition
-- optional: download_count, rating_sum, rating_count, is_featured, is_trending
-- into: marketplace_templates
-- key: id
-- merge: newest updated_at
-- unix: created_at, updated_at
-- values: description = description, ''; author_id = author_id, ''; author_name = author_name, ''
-- values: category = nonblank category, 'general'; tags = tags, []
-- values: workflow_definition = workflow_definition, {}; download_count = download_count, 0
-- values: rating_sum = computed from rating_sum; rating_count = rating_count, 0
-- values: is_featured = is_featured, 0; is_trending = is_trending, 0; search_terms = computed
SELECT
    rowid AS source_rowid,
    id,
    name,
    coalesce(description, '') AS description,
    coalesce(author_id, '') AS author_id,
    coalesce(author_name, '') AS author_name,
    coalesce(nullif(category, ''), 'general') AS category,
    pattern,
    coalesce(nullif(tags, ''), '[]') AS tags,
    coalesce(nullif(workflow_definition, ''), '{}') AS workflow_definition,
    coalesce(download_count, 0) AS download_count,
    -- It was a REAL of whole numbers.
    CASE
        WHEN rating_sum = cast(rating_sum AS INTEGER) THEN cast(rating_sum AS INTEGER)
        ELSE coalesce(rating_sum, 0)
    END AS rating_sum,
    coalesce(rating_count, 0) AS rating_count,
    coalesce(is_featured, 0) AS is_featured,
    coalesce(is_trending, 0) AS is_trending,
    topic_terms(
        cast(
            name || char(10) || coalesce(description, '') || char(10) || coalesce(
                (
                    SELECT group_concat(j.value, char(10))
                    FROM json_each(
                        CASE
                            WHEN json_valid(tags) AND is_sound(cast(tags AS BLOB)) THEN tags
                        END
                    ) AS j
                ),
                ''
            ) AS BLOB
        )
    ) AS search_terms,
    created_at,
    updated_at
FROM templates
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: registry_templates(first_rowid, last_rowid)
-- Templates of the registry; their type is the pattern of today's.
-- from: templates (id, type, name, content, content_hash, created_at)
-- without: pattern
-- optional: description, version, author, category, tags, updated_at, downloads, stars, is_builtin
-- into: marketplace_templates
-- key: id
-- merge: newest updated_at
-- values: description = description, ''; author_id = author, ''; author_name = author, ''
-- values: category = nonblank category, 'general'; pattern = type; tags = tags, []
-- values: workflow_definition = content; download_count = downloads, 0; star_count = stars, 0
-- values: is_builtin = is_builtin, 0; search_terms = computed; updated_at = updated_at, created_at
SELECT
    rowid AS source_rowid,
    id,
    name,
    coalesce(description, '') AS description,
    coalesce(author, '') AS author_id,
    coalesce(author, '') AS author_name,
    coalesce(nullif(category, ''), 'general') AS category,
    type AS pattern,
    coalesce(nullif(tags, ''), '[]') AS tags,
    content AS workflow_definition,
    coalesce(downloads, 0) AS download_count,
    coalesce(stars, 0) AS star_count,
    coalesce(is_builtin, 0) AS is_builtin,
    topic_terms(
        cast(
            name || char(10) || coalesce(description, '') || char(10) || coalesce(
                (
                    SELECT group_concat(j.value, char(10))
                    FROM json_each(
                        CASE
                            WHEN json_valid(tags) AND is_sound(cast(tags AS BLOB)) THEN tags
                        END
                    ) AS j
                ),
                ''
            ) AS BLOB
        )
    ) AS search_terms,
    created_at,
    coalesce(updated_at, created_at) AS updated_at
FROM templates
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: registry_versions(first_rowid, last_rowid)
-- The content of a template of the registry, as its first version.
-- from: templates (id, type, name, content, content_hash, created_at)
-- without: pattern
-- optional: version, updated_at
-- unpacks: content when it is there
-- into: marketplace_versions
-- key: template_id, number
-- merge: newest published_at
-- values: template_id = id; number = 1; version = nonblank version, '1'
-- values: workflow_definition = content; published_at = updated_at, created_at
SELECT
    rowid AS source_rowid,
    id AS template_id,
    1 AS number,
    coalesce(nullif(version, ''), '1') AS version,
    content AS workflow_definition,
    content_hash,
    coalesce(updated_at, created_at) AS published_at
FROM templates
WHERE
    rowid BETWEEN :first_rowid AND :last_rowid
    AND content <> '';

-- name: reviews(first_rowid, last_rowid)
-- Reviews of the store.
-- from: reviews (id, template_id, user_id, rating, created_at)
-- optional: user_name, title, content, helpful_count
-- into: marketplace_reviews
-- key: id
-- merge: newest created_at
-- unix: created_at
-- values: user_name = user_name, ''; title = title, ''; content = content, ''
-- values: helpful_count = helpful_count, 0
SELECT
    rowid AS source_rowid,
    id,
    template_id,
    user_id,
    coalesce(user_name, '') AS user_name,
    rating,
    coalesce(title, '') AS title,
    coalesce(content, '') AS content,
    coalesce(helpful_count, 0) AS helpful_count,
    created_at
FROM reviews
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: ratings(first_rowid, last_rowid)
-- Ratings of the store. Their sums are in the templates.
-- from: ratings (template_id, user_id, rating, created_at)
-- without: score
-- into: marketplace_ratings
-- key: template_id, user_id
-- merge: newest created_at
-- unix: created_at
SELECT
    rowid AS source_rowid,
    template_id,
    user_id,
    rating,
    created_at
FROM ratings
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: registry_ratings(first_rowid, last_rowid)
-- Ratings of the registry, which added them up when it was asked.
-- from: ratings (template_id, user_id, score, created_at)
-- without: rating
-- optional: review
-- ignored: id
-- into: marketplace_ratings
-- key: template_id, user_id
-- merge: newest created_at
-- values: rating = score
SELECT
    rowid AS source_rowid,
    template_id,
    user_id,
    score AS rating,
    created_at,
    'ratings that are not in the sums of their templates yet: recount_ratings() adds them up'
        AS note_ratings
FROM ratings
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: registry_reviews(first_rowid, last_rowid)
-- What users wrote beside their ratings in the registry.
-- from: ratings (template_id, user_id, score, created_at)
-- without: rating
-- optional: review
-- unpacks: review when it is there
-- into: marketplace_reviews
-- key: id
-- merge: newest created_at
-- values: id = 'review-' || template_id || '-' || user_id; user_name = ''; title = ''
-- values: rating = score; content = review
SELECT
    rowid AS source_rowid,
    'review-' || template_id || '-' || user_id AS id,
    template_id,
    user_id,
    '' AS user_name,
    score AS rating,
    '' AS title,
    review AS content,
    created_at
FROM ratings
WHERE
    rowid BETWEEN :first_rowid AND :last_rowid
    AND review <> '';

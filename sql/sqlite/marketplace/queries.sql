-- Queries of the marketplace: templates, their versions, ratings, reviews and categories.

-- name: insert_template(id, name, description, author_id, author_name, category, pattern, tags, workflow_definition, search_terms, created_at)!
-- Store a template, unless one has the name.
INSERT INTO marketplace_templates (
    id,
    name,
    description,
    author_id,
    author_name,
    category,
    pattern,
    tags,
    workflow_definition,
    search_terms,
    created_at,
    updated_at
)
VALUES (
    :id,
    :name,
    :description,
    :author_id,
    :author_name,
    :category,
    :pattern,
    :tags,
    :workflow_definition,
    :search_terms,
    :created_at,
    :created_at
)
ON CONFLICT (name) DO NOTHING;

-- name: get_template(template_id)^
-- Return a template.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE t.id = :template_id;

-- name: list_best_templates(after_number, after_count, after_timestamp, after_id, row_limit)
-- List the templates, the best rated first, from a place on; those without a rating are the last.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE
    (t.average_rating, t.rating_count, t.created_at, t.id)
    < (:after_number, :after_count, :after_timestamp, :after_id)
ORDER BY t.average_rating DESC, t.rating_count DESC, t.created_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_downloaded_templates(after_count, after_timestamp, after_id, row_limit)
-- List the templates, the most downloaded first, from a place on.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE
    (t.download_count, t.created_at, t.id)
    < (:after_count, :after_timestamp, :after_id)
ORDER BY t.download_count DESC, t.created_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_newest_templates(after_timestamp, after_id, row_limit)
-- List the templates, the newest first, from a place on.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE (t.created_at, t.id) < (:after_timestamp, :after_id)
ORDER BY t.created_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_updated_templates(after_timestamp, after_id, row_limit)
-- List the templates, the last that was updated first, from a place on.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE (t.updated_at, t.id) < (:after_timestamp, :after_id)
ORDER BY t.updated_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_featured(row_limit)
-- List the featured templates, the best rated first.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE t.is_featured
ORDER BY t.average_rating DESC, t.rating_count DESC, t.created_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_trending(row_limit)
-- List the trending templates, the most downloaded first.
SELECT
    -- columns: Template
    t.id,
    t.name,
    t.description,
    t.author_id,
    t.author_name,
    t.category,
    t.pattern,
    t.tags,
    t.workflow_definition,
    t.download_count,
    t.rating_sum,
    t.rating_count,
    t.average_rating,
    t.is_featured,
    t.is_trending,
    t.is_builtin,
    t.star_count,
    t.created_at,
    t.updated_at
FROM marketplace_templates AS t
WHERE t.is_trending
ORDER BY t.download_count DESC, t.created_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_category_templates(category, sort_by, after_number, after_count, after_timestamp, after_id, row_limit)
-- List the templates of a category in one of four orders, from a place on.
-- meaning: values of sort_by ["rating", "downloads", "newest", "updated"] because these are the orders
-- meaning: values of after_number [1e300, 5.0, 2.5, 0.5, 0.0] because the first is that of the first page
WITH sorted AS (
    SELECT
        t.id,
        t.name,
        t.description,
        t.author_id,
        t.author_name,
        t.category,
        t.pattern,
        t.tags,
        t.workflow_definition,
        t.download_count,
        t.rating_sum,
        t.rating_count,
        t.average_rating,
        t.is_featured,
        t.is_trending,
        t.is_builtin,
        t.star_count,
        t.created_at,
        t.updated_at,
        CASE :sort_by
            WHEN 'rating' THEN t.average_rating
            WHEN 'downloads' THEN cast(t.download_count AS REAL)
            ELSE 0.0
        END AS sort_number,
        CASE WHEN :sort_by = 'rating' THEN t.rating_count ELSE 0 END AS sort_count,
        CASE WHEN :sort_by = 'updated' THEN t.updated_at ELSE t.created_at END AS sort_time
    FROM marketplace_templates AS t
    WHERE t.category = :category
)

SELECT
    -- columns: Template
    s.id,
    s.name,
    s.description,
    s.author_id,
    s.author_name,
    s.category,
    s.pattern,
    s.tags,
    s.workflow_definition,
    s.download_count,
    s.rating_sum,
    s.rating_count,
    s.average_rating,
    s.is_featured,
    s.is_trending,
    s.is_builtin,
    s.star_count,
    s.created_at,
    s.updated_at
FROM sorted AS s
WHERE
    (s.sort_number, s.sort_count, s.sort_time, s.id)
    < (:after_number, :after_count, :after_timestamp, :after_id)
ORDER BY s.sort_number DESC, s.sort_count DESC, s.sort_time DESC, s.id DESC
LIMIT :row_limit;

-- name: find_templates(expression, category, sort_by, after_number, after_count, after_timestamp, after_id, row_limit)
-- List the templates that a search finds, of one category or of all, in one of four orders, from a
-- place on.
-- meaning: values of expression ["(alpha&beta)", "alpha", "gamma"] because the store writes it so
-- meaning: values of sort_by ["rating", "downloads", "newest", "updated"] because these are the orders
-- meaning: values of after_number [1e300, 5.0, 2.5, 0.5, 0.0] because the first is that of the first page
WITH sorted AS (
    SELECT
        t.id,
        t.name,
        t.description,
        t.author_id,
        t.author_name,
        t.category,
        t.pattern,
        t.tags,
        t.workflow_definition,
        t.download_count,
        t.rating_sum,
        t.rating_count,
        t.average_rating,
        t.is_featured,
        t.is_trending,
        t.is_builtin,
        t.star_count,
        t.created_at,
        t.updated_at,
        CASE :sort_by
            WHEN 'rating' THEN t.average_rating
            WHEN 'downloads' THEN cast(t.download_count AS REAL)
            ELSE 0.0
        END AS sort_number,
        CASE WHEN :sort_by = 'rating' THEN t.rating_count ELSE 0 END AS sort_count,
        CASE WHEN :sort_by = 'updated' THEN t.updated_at ELSE t.created_at END AS sort_time
    FROM marketplace_templates AS t
    WHERE
        t.row_id IN (
            SELECT f.rowid
            FROM marketplace_search AS f
            WHERE f.marketplace_search MATCH replace(:expression, '&', ' AND ')
        )
        AND (:category IS NULL OR t.category = :category)
)

SELECT
    -- columns: Template
    s.id,
    s.name,
    s.description,
    s.author_id,
    s.author_name,
    s.category,
    s.pattern,
    s.tags,
    s.workflow_definition,
    s.download_count,
    s.rating_sum,
    s.rating_count,
    s.average_rating,
    s.is_featured,
    s.is_trending,
    s.is_builtin,
    s.star_count,
    s.created_at,
    s.updated_at
FROM sorted AS s
WHERE
    (s.sort_number, s.sort_count, s.sort_time, s.id)
    < (:after_number, :after_count, :after_timestamp, :after_id)
ORDER BY s.sort_number DESC, s.sort_count DESC, s.sort_time DESC, s.id DESC
LIMIT :row_limit;

-- name: rank_templates(expression, category, sort_by, after_number, after_count, after_timestamp, after_id, row_limit)
-- List templates with their ranks by rating among all and in their category; those that a search
-- finds or all, of one category or of all, in one of four orders, from a place on.
-- plan: seq_scan allowed because the rank of one is told by all others
-- result: global_rank not null, category_rank not null
-- meaning: values of expression [null, "(alpha&beta)", "alpha", "gamma"] because the store writes it so
-- meaning: values of sort_by ["rating", "downloads", "newest", "updated"] because these are the orders
-- meaning: values of after_number [1e300, 5.0, 2.5, 0.5, 0.0] because the first is that of the first page
WITH ranks AS (
    SELECT
        r.id,
        rank() OVER (ORDER BY r.average_rating DESC, r.rating_count DESC) AS global_rank,
        rank() OVER (
            PARTITION BY r.category
            ORDER BY r.average_rating DESC, r.rating_count DESC
        ) AS category_rank
    FROM marketplace_templates AS r
),

sorted AS (
    SELECT
        t.id,
        t.name,
        t.description,
        t.author_id,
        t.author_name,
        t.category,
        t.pattern,
        t.tags,
        t.workflow_definition,
        t.download_count,
        t.rating_sum,
        t.rating_count,
        t.average_rating,
        t.is_featured,
        t.is_trending,
        t.is_builtin,
        t.star_count,
        t.created_at,
        t.updated_at,
        CASE :sort_by
            WHEN 'rating' THEN t.average_rating
            WHEN 'downloads' THEN cast(t.download_count AS REAL)
            ELSE 0.0
        END AS sort_number,
        CASE WHEN :sort_by = 'rating' THEN t.rating_count ELSE 0 END AS sort_count,
        CASE WHEN :sort_by = 'updated' THEN t.updated_at ELSE t.created_at END AS sort_time
    FROM marketplace_templates AS t
    WHERE
        (
            :expression IS NULL
            OR t.row_id IN (
                SELECT f.rowid
                FROM marketplace_search AS f
                WHERE f.marketplace_search MATCH replace(:expression, '&', ' AND ')
            )
        )
        AND (:category IS NULL OR t.category = :category)
)

SELECT
    -- columns: RankedTemplate
    s.id,
    s.name,
    s.description,
    s.author_id,
    s.author_name,
    s.category,
    s.pattern,
    s.tags,
    s.workflow_definition,
    s.download_count,
    s.rating_sum,
    s.rating_count,
    s.average_rating,
    s.is_featured,
    s.is_trending,
    s.is_builtin,
    s.star_count,
    s.created_at,
    s.updated_at,
    r.global_rank,
    r.category_rank
FROM sorted AS s
INNER JOIN ranks AS r ON s.id = r.id
WHERE
    (s.sort_number, s.sort_count, s.sort_time, s.id)
    < (:after_number, :after_count, :after_timestamp, :after_id)
ORDER BY s.sort_number DESC, s.sort_count DESC, s.sort_time DESC, s.id DESC
LIMIT :row_limit;

-- name: count_templates()$
-- Count the templates.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM marketplace_templates;

-- name: count_category_templates(category)$
-- Count the templates of a category.
SELECT count(*) AS total
FROM marketplace_templates AS t
WHERE t.category = :category;

-- name: count_found_templates(expression, category)$
-- Count the templates that a search finds, of one category or of all.
-- meaning: values of expression ["(alpha&beta)", "alpha", "gamma"] because the store writes it so
SELECT count(*) AS total
FROM marketplace_templates AS t
WHERE
    t.row_id IN (
        SELECT f.rowid
        FROM marketplace_search AS f
        WHERE f.marketplace_search MATCH replace(:expression, '&', ' AND ')
    )
    AND (:category IS NULL OR t.category = :category);

-- name: add_download(template_id)!
-- Count a download of a template.
UPDATE marketplace_templates
SET download_count = download_count + 1
WHERE id = :template_id;

-- name: set_featured(template_id, featured)!
-- Set whether a template is featured.
UPDATE marketplace_templates
SET is_featured = :featured
WHERE id = :template_id;

-- name: set_trending(template_id, trending)!
-- Set whether a template is trending.
UPDATE marketplace_templates
SET is_trending = :trending
WHERE id = :template_id;

-- name: delete_template(template_id)!
-- Delete a template with its versions, reviews and ratings.
DELETE FROM marketplace_templates
WHERE id = :template_id;

-- name: upsert_rating(template_id, user_id, rating, created_at)!
-- Store what a user gives a template, in the place of what the user gave before, which is kept
-- beside it for add_rating. PostgreSQL waits here for another rating of the same user.
INSERT INTO marketplace_ratings (template_id, user_id, rating, created_at)
VALUES (:template_id, :user_id, :rating, :created_at)
ON CONFLICT (template_id, user_id) DO UPDATE SET
    former_rating = rating,
    rating = excluded.rating,
    created_at = excluded.created_at;

-- name: add_rating(template_id, user_id)^
-- Add to a template what the user's last rating changed, and return how it is rated then.
UPDATE marketplace_templates
SET
    rating_sum = rating_sum + (
        SELECT g.rating - coalesce(g.former_rating, 0)
        FROM marketplace_ratings AS g
        WHERE
            g.template_id = :template_id
            AND g.user_id = :user_id
    ),
    rating_count = rating_count + (
        SELECT CASE WHEN g.former_rating IS NULL THEN 1 ELSE 0 END
        FROM marketplace_ratings AS g
        WHERE
            g.template_id = :template_id
            AND g.user_id = :user_id
    )
WHERE id = :template_id
RETURNING rating_sum, rating_count;

-- name: lock_miscounted(row_limit)
-- Hold templates whose sum or number of ratings is not that of their ratings.
-- plan: seq_scan allowed because all ratings are added up
-- plan: filtered_walk allowed because all ratings are added up
-- result: id not null
WITH sums AS (
    SELECT
        g.template_id,
        sum(g.rating) AS rating_sum,
        count(*) AS rating_count
    FROM marketplace_ratings AS g
    GROUP BY g.template_id
)

SELECT t.id
FROM marketplace_templates AS t
LEFT JOIN sums AS s ON t.id = s.template_id
WHERE
    t.rating_sum <> coalesce(s.rating_sum, 0)
    OR t.rating_count <> coalesce(s.rating_count, 0)
ORDER BY t.id
LIMIT :row_limit;

-- name: recount_ratings(template_ids)!
-- Let templates have the sum and the number of their ratings.
UPDATE marketplace_templates
SET
    rating_sum = coalesce(
        (
            SELECT sum(g.rating)
            FROM marketplace_ratings AS g
            WHERE g.template_id = marketplace_templates.id
        ),
        0
    ),
    rating_count = (
        SELECT count(*)
        FROM marketplace_ratings AS g
        WHERE g.template_id = marketplace_templates.id
    )
WHERE id IN (SELECT j.value FROM json_each(:template_ids) AS j);

-- name: upsert_review(id, template_id, user_id, user_name, rating, title, content, created_at)^
-- Store a user's review of a template; one that is there is written again, and keeps its id alone.
INSERT INTO marketplace_reviews (
    id,
    template_id,
    user_id,
    user_name,
    rating,
    title,
    content,
    created_at
)
VALUES (
    :id,
    :template_id,
    :user_id,
    :user_name,
    :rating,
    :title,
    :content,
    :created_at
)
ON CONFLICT (template_id, user_id) DO UPDATE SET
    user_name = excluded.user_name,
    rating = excluded.rating,
    title = excluded.title,
    content = excluded.content,
    helpful_count = 0,
    created_at = excluded.created_at
RETURNING
    -- columns: Review
    id,
    template_id,
    user_id,
    user_name,
    rating,
    title,
    content,
    helpful_count,
    created_at;

-- name: list_reviews(template_id, after_helpful, after_timestamp, after_id, row_limit)
-- List the reviews of a template, the most helpful first, of these the newest, from a place on.
SELECT
    -- columns: Review
    r.id,
    r.template_id,
    r.user_id,
    r.user_name,
    r.rating,
    r.title,
    r.content,
    r.helpful_count,
    r.created_at
FROM marketplace_reviews AS r
WHERE
    r.template_id = :template_id
    AND (r.helpful_count, r.created_at, r.id)
    < (:after_helpful, :after_timestamp, :after_id)
ORDER BY r.helpful_count DESC, r.created_at DESC, r.id DESC
LIMIT :row_limit;

-- name: add_helpful(review_id)!
-- Count that somebody found a review helpful.
UPDATE marketplace_reviews
SET helpful_count = helpful_count + 1
WHERE id = :review_id;

-- name: list_categories()
-- List the categories with the number of their templates, the largest first: the seven that every
-- marketplace has, those that were added, and others that templates name.
-- plan: seq_scan allowed because the templates of every category are counted
-- parity: origin of id because each engine names other parts of the union
-- result: id not null, name not null, description not null, template_count not null
WITH known (id, name, description) AS (
    VALUES
    ('security', 'Security', 'Reviews of security, threats and risks'),
    ('code-review', 'Code review', 'Reviews of code and of architecture'),
    ('compliance', 'Compliance', 'Rules, standards and audits'),
    ('legal', 'Legal', 'Contracts and law'),
    ('healthcare', 'Healthcare', 'Medicine and care'),
    ('testing', 'Testing', 'Tests and quality'),
    ('research', 'Research', 'Science and literature')
),

counted AS (
    SELECT
        t.category AS id,
        count(*) AS template_count
    FROM marketplace_templates AS t
    GROUP BY t.category
),

listed AS (
    SELECT c.id
    FROM marketplace_categories AS c
    UNION
    SELECT k.id
    FROM known AS k
    UNION
    SELECT n.id
    FROM counted AS n
)

SELECT
    -- columns: Category
    l.id,
    coalesce(c.name, k.name, l.id) AS name,
    coalesce(c.description, k.description, '') AS description,
    coalesce(n.template_count, 0) AS template_count
FROM listed AS l
LEFT JOIN marketplace_categories AS c ON l.id = c.id
LEFT JOIN known AS k ON l.id = k.id
LEFT JOIN counted AS n ON l.id = n.id
ORDER BY template_count DESC, l.id ASC;

-- name: save_category(id, name, description)!
-- Store a category, or its name and description.
INSERT INTO marketplace_categories (id, name, description)
VALUES (:id, :name, :description)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    description = excluded.description;

-- name: delete_category(category_id)!
-- Delete a category that was added; its templates stay in it.
DELETE FROM marketplace_categories
WHERE id = :category_id;

-- name: update_template(template_id, workflow_definition, updated_at)!
-- Let a template have the workflow of a new version. Who publishes another one waits here.
UPDATE marketplace_templates
SET
    workflow_definition = :workflow_definition,
    updated_at = :updated_at
WHERE id = :template_id;

-- name: insert_version(template_id, version, workflow_definition, content_hash, notes, published_by, published_at)^
-- Store the next version of a template, unless one has the name; without a name it is its number.
-- update_template before it keeps others from giving the same number.
WITH next AS (
    SELECT coalesce(max(v.number), 0) + 1 AS number
    FROM marketplace_versions AS v
    WHERE v.template_id = :template_id
)

INSERT INTO marketplace_versions (
    template_id,
    number,
    version,
    workflow_definition,
    content_hash,
    notes,
    published_by,
    published_at
)
SELECT
    :template_id,
    n.number,
    coalesce(:version, cast(n.number AS TEXT)),
    :workflow_definition,
    :content_hash,
    :notes,
    :published_by,
    :published_at
FROM next AS n
WHERE TRUE
ON CONFLICT (template_id, version) DO NOTHING
RETURNING
    -- columns: TemplateVersion
    template_id,
    number,
    version,
    workflow_definition,
    content_hash,
    notes,
    published_by,
    published_at;

-- name: get_version(template_id, version)^
-- Return a version of a template by its name.
SELECT
    -- columns: TemplateVersion
    v.template_id,
    v.number,
    v.version,
    v.workflow_definition,
    v.content_hash,
    v.notes,
    v.published_by,
    v.published_at
FROM marketplace_versions AS v
WHERE
    v.template_id = :template_id
    AND v.version = :version;

-- name: list_versions(template_id, before_number, row_limit)
-- List the versions of a template, the last first, from a place on.
SELECT
    -- columns: TemplateVersion
    v.template_id,
    v.number,
    v.version,
    v.workflow_definition,
    v.content_hash,
    v.notes,
    v.published_by,
    v.published_at
FROM marketplace_versions AS v
WHERE
    v.template_id = :template_id
    AND v.number < :before_number
ORDER BY v.number DESC
LIMIT :row_limit;

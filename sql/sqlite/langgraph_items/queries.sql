-- Queries of LangGraph's long-term memory: items by namespace and key.

-- name: upsert_items(namespace, key, value, stored_at, expires_at, ttl_minutes, vector_dims, vectors)*!
-- Store items; of one that is there already all but the time of its creation is replaced.
INSERT INTO langgraph_items (
    namespace,
    key,
    value,
    created_at,
    updated_at,
    expires_at,
    ttl_minutes,
    vector_dims,
    vectors
)
VALUES (
    :namespace,
    :key,
    :value,
    :stored_at,
    :stored_at,
    :expires_at,
    :ttl_minutes,
    :vector_dims,
    :vectors
)
ON CONFLICT (namespace, key) DO UPDATE
SET
    value = excluded.value,
    updated_at = excluded.updated_at,
    expires_at = excluded.expires_at,
    ttl_minutes = excluded.ttl_minutes,
    vector_dims = excluded.vector_dims,
    vectors = excluded.vectors;

-- name: delete_items(namespace, key)*!
-- Delete items.
DELETE FROM langgraph_items
WHERE namespace = :namespace AND key = :key;

-- name: get_items(places, alive_at)
-- Return the items of some namespaces and keys. Given a time, only those that live longer.
SELECT
    i.namespace,
    i.key,
    i.value,
    i.created_at,
    i.updated_at,
    i.ttl_minutes
FROM json_each(:places) AS p
INNER JOIN langgraph_items AS i
    ON p.value ->> 'namespace' = i.namespace AND p.value ->> 'key' = i.key
WHERE
    (:alive_at IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at);

-- name: refresh_items(namespace, key, ttl_minutes, expires_at, alive_at)*!
-- Let items live longer after they were read, unless they were stored again meanwhile with another
-- time to live, or are dead at the given time.
UPDATE langgraph_items
SET expires_at = :expires_at
WHERE
    namespace = :namespace
    AND key = :key
    AND ttl_minutes = :ttl_minutes
    AND expires_at < :expires_at
    AND (:alive_at IS NULL OR expires_at > :alive_at);

-- name: list_items(conditions, alive_at, row_limit, row_offset)
-- List items of all namespaces whose values meet every condition, the newest first. Given a time,
-- only those that live longer.
-- plan: filtered_walk allowed because members of values have no index, as a caller asks for
WITH conditions AS MATERIALIZED (
    SELECT
        c.value ->> 'member' AS member,
        c.value ->> 'operator' AS operator,
        w.value AS wanted,
        -- 1 and 1.0 are the same number
        replace(w.type, 'real', 'integer') AS kind
    FROM json_each(:conditions) AS c
    INNER JOIN json_each(c.value, '$.operand') AS w
)

SELECT
    i.namespace,
    i.key,
    i.value,
    i.created_at,
    i.updated_at,
    i.ttl_minutes
FROM langgraph_items AS i
WHERE
    (:alive_at IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
    AND NOT EXISTS (
        SELECT 1
        FROM conditions AS c
        LEFT JOIN json_each(i.value) AS m ON c.member = m.key
        WHERE
            CASE
                WHEN m.type IS NULL THEN FALSE
                WHEN c.operator IN ('$eq', '$ne')
                    THEN
                        (c.operator = '$eq')
                        = (
                            CASE
                                WHEN replace(m.type, 'real', 'integer') <> c.kind THEN FALSE
                                WHEN c.kind NOT IN ('array', 'object') THEN m.value IS c.wanted
                                ELSE
                                    (SELECT count(*) FROM json_tree(m.value))
                                    = (SELECT count(*) FROM json_tree(c.wanted))
                                    AND NOT EXISTS (
                                        SELECT
                                            a.fullkey,
                                            replace(a.type, 'real', 'integer') AS kind,
                                            a.atom
                                        FROM json_tree(m.value) AS a
                                        EXCEPT
                                        SELECT
                                            b.fullkey,
                                            replace(b.type, 'real', 'integer') AS kind,
                                            b.atom
                                        FROM json_tree(c.wanted) AS b
                                    )
                            END
                        )
                WHEN replace(m.type, 'real', 'integer') <> c.kind THEN FALSE
                WHEN c.operator = '$gt' THEN m.value > c.wanted
                WHEN c.operator = '$gte' THEN m.value >= c.wanted
                WHEN c.operator = '$lt' THEN m.value < c.wanted
                WHEN c.operator = '$lte' THEN m.value <= c.wanted
            END IS NOT TRUE
    )
ORDER BY i.updated_at DESC, i.namespace ASC, i.key ASC
LIMIT :row_limit OFFSET :row_offset;

-- name: list_items_below(namespace_start, namespace_end, conditions, alive_at, row_limit, row_offset)
-- List items of a namespace and those below it whose values meet every condition, the newest first.
-- Given a time, only those that live longer.
WITH conditions AS MATERIALIZED (
    SELECT
        c.value ->> 'member' AS member,
        c.value ->> 'operator' AS operator,
        w.value AS wanted,
        -- 1 and 1.0 are the same number
        replace(w.type, 'real', 'integer') AS kind
    FROM json_each(:conditions) AS c
    INNER JOIN json_each(c.value, '$.operand') AS w
)

SELECT
    i.namespace,
    i.key,
    i.value,
    i.created_at,
    i.updated_at,
    i.ttl_minutes
FROM langgraph_items AS i
WHERE
    i.namespace >= :namespace_start
    AND i.namespace < :namespace_end
    AND (:alive_at IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
    AND NOT EXISTS (
        SELECT 1
        FROM conditions AS c
        LEFT JOIN json_each(i.value) AS m ON c.member = m.key
        WHERE
            CASE
                WHEN m.type IS NULL THEN FALSE
                WHEN c.operator IN ('$eq', '$ne')
                    THEN
                        (c.operator = '$eq')
                        = (
                            CASE
                                WHEN replace(m.type, 'real', 'integer') <> c.kind THEN FALSE
                                WHEN c.kind NOT IN ('array', 'object') THEN m.value IS c.wanted
                                ELSE
                                    (SELECT count(*) FROM json_tree(m.value))
                                    = (SELECT count(*) FROM json_tree(c.wanted))
                                    AND NOT EXISTS (
                                        SELECT
                                            a.fullkey,
                                            replace(a.type, 'real', 'integer') AS kind,
                                            a.atom
                                        FROM json_tree(m.value) AS a
                                        EXCEPT
                                        SELECT
                                            b.fullkey,
                                            replace(b.type, 'real', 'integer') AS kind,
                                            b.atom
                                        FROM json_tree(c.wanted) AS b
                                    )
                            END
                        )
                WHEN replace(m.type, 'real', 'integer') <> c.kind THEN FALSE
                WHEN c.operator = '$gt' THEN m.value > c.wanted
                WHEN c.operator = '$gte' THEN m.value >= c.wanted
                WHEN c.operator = '$lt' THEN m.value < c.wanted
                WHEN c.operator = '$lte' THEN m.value <= c.wanted
            END IS NOT TRUE
    )
ORDER BY i.updated_at DESC, i.namespace ASC, i.key ASC
LIMIT :row_limit OFFSET :row_offset;

-- name: list_vectors(namespace_end, after_namespace, after_key, conditions, alive_at, row_limit)
-- List the vectors of items behind a namespace and key, up to the end of a part of the namespaces,
-- whose values meet every condition. Given a time, only of those that live longer.
-- result: vector_dims not null, vectors not null
-- plan: filtered_walk allowed because members of values have no index, as a caller asks for
WITH conditions AS MATERIALIZED (
    SELECT
        c.value ->> 'member' AS member,
        c.value ->> 'operator' AS operator,
        w.value AS wanted,
        -- 1 and 1.0 are the same number
        replace(w.type, 'real', 'integer') AS kind
    FROM json_each(:conditions) AS c
    INNER JOIN json_each(c.value, '$.operand') AS w
)

SELECT
    i.namespace,
    i.key,
    i.updated_at,
    i.vector_dims,
    i.vectors
FROM langgraph_items AS i
WHERE
    (i.namespace, i.key) > (:after_namespace, :after_key)
    AND i.namespace < :namespace_end
    AND i.vectors IS NOT NULL
    AND (:alive_at IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
    AND NOT EXISTS (
        SELECT 1
        FROM conditions AS c
        LEFT JOIN json_each(i.value) AS m ON c.member = m.key
        WHERE
            CASE
                WHEN m.type IS NULL THEN FALSE
                WHEN c.operator IN ('$eq', '$ne')
                    THEN
                        (c.operator = '$eq')
                        = (
                            CASE
                                WHEN replace(m.type, 'real', 'integer') <> c.kind THEN FALSE
                                WHEN c.kind NOT IN ('array', 'object') THEN m.value IS c.wanted
                                ELSE
                                    (SELECT count(*) FROM json_tree(m.value))
                                    = (SELECT count(*) FROM json_tree(c.wanted))
                                    AND NOT EXISTS (
                                        SELECT
                                            a.fullkey,
                                            replace(a.type, 'real', 'integer') AS kind,
                                            a.atom
                                        FROM json_tree(m.value) AS a
                                        EXCEPT
                                        SELECT
                                            b.fullkey,
                                            replace(b.type, 'real', 'integer') AS kind,
                                            b.atom
                                        FROM json_tree(c.wanted) AS b
                                    )
                            END
                        )
                WHEN replace(m.type, 'real', 'integer') <> c.kind THEN FALSE
                WHEN c.operator = '$gt' THEN m.value > c.wanted
                WHEN c.operator = '$gte' THEN m.value >= c.wanted
                WHEN c.operator = '$lt' THEN m.value < c.wanted
                WHEN c.operator = '$lte' THEN m.value <= c.wanted
            END IS NOT TRUE
    )
ORDER BY i.namespace, i.key
LIMIT :row_limit;

-- name: list_namespaces(namespace_start, namespace_end, labels, max_depth, skip_depth, alive_at, row_limit, row_offset)
-- List the namespaces between two that have each of labels at its position (counted from 0, or back
-- from -1; NULL: any label), cut after max_depth labels. What is below skip_depth labels of one that
-- was found is skipped. Given a time, only those with items that live longer.
-- result: namespace not null
-- plan: filtered_walk allowed because expired items wait for a sweep that deletes them
WITH RECURSIVE walk AS (
    SELECT
        (
            SELECT i.namespace
            FROM langgraph_items AS i
            WHERE
                i.namespace >= :namespace_start
                AND i.namespace < :namespace_end
                AND (:alive_at IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
            ORDER BY i.namespace
            LIMIT 1
        ) AS namespace
    UNION ALL
    -- one step through the index for each namespace, however many items it has
    SELECT
        (
            SELECT i.namespace
            FROM langgraph_items AS i
            WHERE
                i.namespace >= CASE
                    WHEN :skip_depth IS NULL THEN w.namespace || char(1)
                    WHEN
                        length(w.namespace) - length(replace(w.namespace, '.', '')) >= :skip_depth
                        THEN (
                            SELECT group_concat(l.value, '.') || '/'
                            FROM
                                json_each(
                                    '[' || replace(json_quote(w.namespace), '.', '","') || ']'
                                ) AS l
                            WHERE l.key < :skip_depth
                        )
                    ELSE w.namespace || char(1)
                END
                AND i.namespace < :namespace_end
                AND (:alive_at IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
            ORDER BY i.namespace
            LIMIT 1
        )
    FROM walk AS w
    WHERE w.namespace IS NOT NULL
),

found AS (
    SELECT
        w.namespace,
        '[' || replace(json_quote(substr(w.namespace, 1, length(w.namespace) - 1)), '.', '","')
        || ']' AS labels
    FROM walk AS w
    WHERE w.namespace IS NOT NULL
),

cut AS (
    SELECT DISTINCT
        CASE
            WHEN :max_depth IS NULL THEN f.namespace
            ELSE (
                SELECT group_concat(l.value, '.') || '.'
                FROM json_each(f.labels) AS l
                WHERE l.key < :max_depth
            )
        END AS namespace
    FROM found AS f
    WHERE
        json_array_length(:labels) = 0
        OR NOT EXISTS (
            SELECT 1
            FROM json_each(:labels) AS p
            LEFT JOIN json_each(f.labels) AS l
                ON
                    (p.value ->> 'place')
                    + CASE
                        WHEN p.value ->> 'place' < 0 THEN json_array_length(f.labels)
                        ELSE 0
                    END
                    = l.key
            WHERE l.value IS NULL OR l.value <> p.value ->> 'label'
        )
)

SELECT c.namespace
FROM cut AS c
-- a namespace before those below it, and both before its neighbours
ORDER BY replace(c.namespace, '.', char(1))
LIMIT :row_limit OFFSET :row_offset;

-- name: delete_expired(expired_at, row_limit)!
-- Delete some of the items that had expired at a time; those that others have locked stay.
-- meaning: values of row_limit [0, 100] because of items that expire at one timestamp any may go first
DELETE FROM langgraph_items
WHERE
    rowid IN (
        SELECT i.rowid
        FROM langgraph_items AS i
        WHERE i.expires_at < :expired_at
        ORDER BY i.expires_at
        LIMIT :row_limit
    );

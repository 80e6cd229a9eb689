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
    :value::jsonb,
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
FROM jsonb_to_recordset(:places::jsonb) AS p (namespace TEXT, key TEXT)
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the index, however many places the planner expects
        SELECT
            l.namespace,
            l.key,
            l.value,
            l.created_at,
            l.updated_at,
            l.ttl_minutes,
            l.expires_at
        FROM langgraph_items AS l
        WHERE p.namespace = l.namespace AND p.key = l.key
        OFFSET 0
    ) AS i
WHERE
    (:alive_at::timestamptz IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at);

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
    AND (:alive_at::timestamptz IS NULL OR expires_at > :alive_at);

-- name: list_items(conditions, alive_at, row_limit, row_offset)
-- List items of all namespaces whose values meet every condition, the newest first. Given a time,
-- only those that live longer.
-- meaning: values of conditions [[],[{"member":"a","operator":"$eq","operand":[1]}],[{"member":"a","operator":"$eq","operand":[{"b":1}]}],[{"member":"b","operator":"$eq","operand":[[1,2]]}],[{"member":"a","operator":"$eq","operand":["1"]}],[{"member":"a","operator":"$eq","operand":[1.0]}],[{"member":"a","operator":"$eq","operand":[null]}],[{"member":"a","operator":"$eq","operand":[true]}],[{"member":"a","operator":"$ne","operand":[1]}],[{"member":"a","operator":"$ne","operand":[{"b":2}]}],[{"member":"b","operator":"$ne","operand":["x"]}],[{"member":"a","operator":"$ne","operand":[null]}],[{"member":"a","operator":"$gt","operand":[1]}],[{"member":"a","operator":"$gte","operand":[1]}],[{"member":"a","operator":"$lt","operand":[1]}],[{"member":"a","operator":"$lte","operand":[1]}],[{"member":"b","operator":"$gt","operand":["x"]}],[{"member":"b","operator":"$gte","operand":["y"]}],[{"member":"b","operator":"$lt","operand":["y"]}],[{"member":"b","operator":"$lte","operand":["x"]}],[{"member":"a","operator":"$gte","operand":[0]},{"member":"b","operator":"$ne","operand":["x"]}]] because the store compares numbers and texts alone
-- plan: filtered_walk allowed because members of values have no index, as a caller asks for
SELECT
    i.namespace,
    i.key,
    i.value,
    i.created_at,
    i.updated_at,
    i.ttl_minutes
FROM langgraph_items AS i
WHERE
    (:alive_at::timestamptz IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
    AND NOT EXISTS (
        SELECT 1
        FROM jsonb_to_recordset(:conditions::jsonb) AS c (member TEXT, operator TEXT, operand JSONB)
        CROSS JOIN
            LATERAL (
                SELECT
                    i.value -> c.member AS found,
                    c.operand -> 0 AS wanted,
                    (i.value ->> c.member) COLLATE "C" AS found_text,
                    (c.operand ->> 0) COLLATE "C" AS wanted_text
            ) AS m
        WHERE
            CASE
                WHEN c.operator = '$eq' THEN m.found = m.wanted
                WHEN c.operator = '$ne' THEN m.found <> m.wanted
                WHEN jsonb_typeof(m.found) <> jsonb_typeof(m.wanted) THEN FALSE
                WHEN jsonb_typeof(m.wanted) = 'string'
                    THEN
                        CASE c.operator
                            WHEN '$gt' THEN m.found_text > m.wanted_text
                            WHEN '$gte' THEN m.found_text >= m.wanted_text
                            WHEN '$lt' THEN m.found_text < m.wanted_text
                            WHEN '$lte' THEN m.found_text <= m.wanted_text
                        END
                WHEN c.operator = '$gt' THEN m.found > m.wanted
                WHEN c.operator = '$gte' THEN m.found >= m.wanted
                WHEN c.operator = '$lt' THEN m.found < m.wanted
                WHEN c.operator = '$lte' THEN m.found <= m.wanted
            END IS NOT TRUE
    )
ORDER BY i.updated_at DESC, i.namespace ASC, i.key ASC
LIMIT :row_limit OFFSET :row_offset;

-- name: list_items_below(namespace_start, namespace_end, conditions, alive_at, row_limit, row_offset)
-- List items of a namespace and those below it whose values meet every condition, the newest first.
-- Given a time, only those that live longer.
-- meaning: values of conditions [[],[{"member":"a","operator":"$eq","operand":[1]}],[{"member":"a","operator":"$eq","operand":[{"b":1}]}],[{"member":"b","operator":"$eq","operand":[[1,2]]}],[{"member":"a","operator":"$eq","operand":["1"]}],[{"member":"a","operator":"$eq","operand":[1.0]}],[{"member":"a","operator":"$eq","operand":[null]}],[{"member":"a","operator":"$eq","operand":[true]}],[{"member":"a","operator":"$ne","operand":[1]}],[{"member":"a","operator":"$ne","operand":[{"b":2}]}],[{"member":"b","operator":"$ne","operand":["x"]}],[{"member":"a","operator":"$ne","operand":[null]}],[{"member":"a","operator":"$gt","operand":[1]}],[{"member":"a","operator":"$gte","operand":[1]}],[{"member":"a","operator":"$lt","operand":[1]}],[{"member":"a","operator":"$lte","operand":[1]}],[{"member":"b","operator":"$gt","operand":["x"]}],[{"member":"b","operator":"$gte","operand":["y"]}],[{"member":"b","operator":"$lt","operand":["y"]}],[{"member":"b","operator":"$lte","operand":["x"]}],[{"member":"a","operator":"$gte","operand":[0]},{"member":"b","operator":"$ne","operand":["x"]}]] because the store compares numbers and texts alone
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
    AND (:alive_at::timestamptz IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
    AND NOT EXISTS (
        SELECT 1
        FROM jsonb_to_recordset(:conditions::jsonb) AS c (member TEXT, operator TEXT, operand JSONB)
        CROSS JOIN
            LATERAL (
                SELECT
                    i.value -> c.member AS found,
                    c.operand -> 0 AS wanted,
                    (i.value ->> c.member) COLLATE "C" AS found_text,
                    (c.operand ->> 0) COLLATE "C" AS wanted_text
            ) AS m
        WHERE
            CASE
                WHEN c.operator = '$eq' THEN m.found = m.wanted
                WHEN c.operator = '$ne' THEN m.found <> m.wanted
                WHEN jsonb_typeof(m.found) <> jsonb_typeof(m.wanted) THEN FALSE
                WHEN jsonb_typeof(m.wanted) = 'string'
                    THEN
                        CASE c.operator
                            WHEN '$gt' THEN m.found_text > m.wanted_text
                            WHEN '$gte' THEN m.found_text >= m.wanted_text
                            WHEN '$lt' THEN m.found_text < m.wanted_text
                            WHEN '$lte' THEN m.found_text <= m.wanted_text
                        END
                WHEN c.operator = '$gt' THEN m.found > m.wanted
                WHEN c.operator = '$gte' THEN m.found >= m.wanted
                WHEN c.operator = '$lt' THEN m.found < m.wanted
                WHEN c.operator = '$lte' THEN m.found <= m.wanted
            END IS NOT TRUE
    )
ORDER BY i.updated_at DESC, i.namespace ASC, i.key ASC
LIMIT :row_limit OFFSET :row_offset;

-- name: list_vectors(namespace_end, after_namespace, after_key, conditions, alive_at, row_limit)
-- List the vectors of items behind a namespace and key, up to the end of a part of the namespaces,
-- whose values meet every condition. Given a time, only of those that live longer.
-- meaning: values of conditions [[],[{"member":"a","operator":"$eq","operand":[1]}],[{"member":"a","operator":"$eq","operand":[{"b":1}]}],[{"member":"b","operator":"$eq","operand":[[1,2]]}],[{"member":"a","operator":"$eq","operand":["1"]}],[{"member":"a","operator":"$eq","operand":[1.0]}],[{"member":"a","operator":"$eq","operand":[null]}],[{"member":"a","operator":"$eq","operand":[true]}],[{"member":"a","operator":"$ne","operand":[1]}],[{"member":"a","operator":"$ne","operand":[{"b":2}]}],[{"member":"b","operator":"$ne","operand":["x"]}],[{"member":"a","operator":"$ne","operand":[null]}],[{"member":"a","operator":"$gt","operand":[1]}],[{"member":"a","operator":"$gte","operand":[1]}],[{"member":"a","operator":"$lt","operand":[1]}],[{"member":"a","operator":"$lte","operand":[1]}],[{"member":"b","operator":"$gt","operand":["x"]}],[{"member":"b","operator":"$gte","operand":["y"]}],[{"member":"b","operator":"$lt","operand":["y"]}],[{"member":"b","operator":"$lte","operand":["x"]}],[{"member":"a","operator":"$gte","operand":[0]},{"member":"b","operator":"$ne","operand":["x"]}]] because the store compares numbers and texts alone
-- result: vector_dims not null, vectors not null
-- plan: filtered_walk allowed because members of values have no index, as a caller asks for
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
    AND (:alive_at::timestamptz IS NULL OR i.expires_at IS NULL OR i.expires_at > :alive_at)
    AND NOT EXISTS (
        SELECT 1
        FROM jsonb_to_recordset(:conditions::jsonb) AS c (member TEXT, operator TEXT, operand JSONB)
        CROSS JOIN
            LATERAL (
                SELECT
                    i.value -> c.member AS found,
                    c.operand -> 0 AS wanted,
                    (i.value ->> c.member) COLLATE "C" AS found_text,
                    (c.operand ->> 0) COLLATE "C" AS wanted_text
            ) AS m
        WHERE
            CASE
                WHEN c.operator = '$eq' THEN m.found = m.wanted
                WHEN c.operator = '$ne' THEN m.found <> m.wanted
                WHEN jsonb_typeof(m.found) <> jsonb_typeof(m.wanted) THEN FALSE
                WHEN jsonb_typeof(m.wanted) = 'string'
                    THEN
                        CASE c.operator
                            WHEN '$gt' THEN m.found_text > m.wanted_text
                            WHEN '$gte' THEN m.found_text >= m.wanted_text
                            WHEN '$lt' THEN m.found_text < m.wanted_text
                            WHEN '$lte' THEN m.found_text <= m.wanted_text
                        END
                WHEN c.operator = '$gt' THEN m.found > m.wanted
                WHEN c.operator = '$gte' THEN m.found >= m.wanted
                WHEN c.operator = '$lt' THEN m.found < m.wanted
                WHEN c.operator = '$lte' THEN m.found <= m.wanted
            END IS NOT TRUE
    )
ORDER BY i.namespace, i.key
LIMIT :row_limit;

-- name: list_namespaces(namespace_start, namespace_end, labels, max_depth, skip_depth, alive_at, row_limit, row_offset)
-- List the namespaces between two that have each of labels at its position (counted from 0, or back
-- from -1; NULL: any label), cut after max_depth labels. What is below skip_depth labels of one that
-- was found is skipped. Given a time, only those with items that live longer.
-- meaning: values of labels [[],[],[{"place":0,"label":"a"}],[{"place":0,"label":"b"}],[{"place":1,"label":"b"}],[{"place":-1,"label":"c"}],[{"place":-2,"label":"b"}],[{"place":-1,"label":"b"}],[{"place":0,"label":"a"},{"place":-1,"label":"b"}],[{"place":1,"label":"c"}],[{"place":2,"label":"c"}],[{"place":5,"label":"a"}]] because namespaces have such labels
-- meaning: values of max_depth [null, 1, 2, 3] because a namespace has a few labels
-- meaning: values of skip_depth [null, null, 1, 2] because a namespace has a few labels
-- meaning: values of namespace_start ["", "a.", "a.b.", "b."] because the store looks below a prefix
-- meaning: values of namespace_end ["a/", "a.c", "b.c.", "b/", "\uffff"] because the store looks below a prefix
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
                AND (
                    :alive_at::timestamptz IS NULL
                    OR i.expires_at IS NULL
                    OR i.expires_at > :alive_at
                )
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
                    WHEN :skip_depth::integer IS NULL THEN w.namespace || chr(1)
                    WHEN
                        length(w.namespace) - length(replace(w.namespace, '.', ''))
                        >= :skip_depth::integer
                        THEN (
                            SELECT string_agg(l.label, '.' ORDER BY l.place) || '/'
                            FROM
                                pg_catalog.unnest(string_to_array(w.namespace, '.'))
                                WITH ORDINALITY AS l (label, place)
                            WHERE l.place <= :skip_depth::integer::bigint
                        )
                    ELSE w.namespace || chr(1)
                END
                AND i.namespace < :namespace_end
                AND (
                    :alive_at::timestamptz IS NULL
                    OR i.expires_at IS NULL
                    OR i.expires_at > :alive_at
                )
            ORDER BY i.namespace
            LIMIT 1
        )
    FROM walk AS w
    WHERE w.namespace IS NOT NULL
),

found AS (
    SELECT
        w.namespace,
        string_to_array(left(w.namespace, -1), '.') AS labels
    FROM walk AS w
    WHERE w.namespace IS NOT NULL
),

cut AS (
    SELECT DISTINCT
        CASE
            WHEN :max_depth::integer IS NULL THEN f.namespace
            ELSE (
                SELECT string_agg(l.label, '.' ORDER BY l.place) || '.'
                FROM pg_catalog.unnest(f.labels) WITH ORDINALITY AS l (label, place)
                WHERE l.place <= :max_depth::integer::bigint
            )
        END AS namespace
    FROM found AS f
    WHERE
        jsonb_array_length(:labels::jsonb) = 0
        OR NOT EXISTS (
            SELECT 1
            FROM jsonb_to_recordset(:labels::jsonb) AS p (place INTEGER, label TEXT)
            LEFT JOIN pg_catalog.unnest(f.labels) WITH ORDINALITY AS l (label, place)
                ON
                    l.place = (
                        p.place + 1
                        + CASE WHEN p.place < 0 THEN pg_catalog.cardinality(f.labels) ELSE 0 END
                    )::bigint
            WHERE l.label IS NULL OR l.label <> p.label
        )
)

SELECT c.namespace
FROM cut AS c
-- a namespace before those below it, and both before its neighbours
ORDER BY replace(c.namespace, '.', chr(1)) COLLATE "C"
LIMIT :row_limit OFFSET :row_offset;

-- name: delete_expired(expired_at, row_limit)!
-- Delete some of the items that had expired at a time; those that others have locked stay.
-- locks: langgraph_items rows in order of expires_at, skip locked
DELETE FROM langgraph_items AS d
WHERE
    d.ctid = any(
        array(
            SELECT i.ctid
            FROM langgraph_items AS i
            WHERE i.expires_at < :expired_at
            ORDER BY i.expires_at
            LIMIT :row_limit
            FOR UPDATE SKIP LOCKED
        )
    );

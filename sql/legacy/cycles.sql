-- How the older Aragora's cycles map onto today's table. The columns were made of the document. See
-- docs/migration.md ("How a mapping is written").

-- name: cycles(first_rowid, last_rowid)
-- Cycles.
-- from: cycles (cycle_id, started_at, data_json)
-- optional: completed_at, duration_seconds, success, topics_json
-- into: cycles
-- key: cycle_id
-- merge: newest started_at
-- unix: started_at, completed_at
-- values: data = data_json; topics = topics_json, []; success = success, 0; search_terms = computed
SELECT
    rowid AS source_rowid,
    cycle_id,
    started_at,
    completed_at,
    duration_seconds,
    coalesce(success, 0) AS success,
    coalesce(nullif(topics_json, ''), '[]') AS topics,
    data_json AS data,
    CASE
        WHEN json_valid(topics_json) AND json_type(topics_json) = 'array'
            THEN coalesce(
                topic_terms(
                    cast((
                        SELECT group_concat(j.value, ' ') FROM json_each(topics_json) AS j
                        WHERE j.type = 'text'
                    ) AS BLOB)
                ),
                ''
            )
        ELSE ''
    END AS search_terms
FROM cycles
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

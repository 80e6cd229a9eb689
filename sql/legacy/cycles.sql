-- How the older Aragora's cycles map onto today's table. The columns were made of the document,
-- which is what the older program read. See docs/migration.md ("How a mapping is written").

-- name: cycles(first_rowid, last_rowid)
-- Cycles.
-- from: cycles (cycle_id, started_at, data_json)
-- optional: completed_at, duration_seconds, success, topics_json
-- into: cycles
-- key: cycle_id
-- merge: newest started_at
-- merge: keep completed_at, duration_seconds, success, topics, data, search_terms by started_at
-- unix: started_at, completed_at
-- values: data = data_json; started_at = data_json.started_at, started_at
-- values: completed_at = present data_json.completed_at, completed_at
-- values: duration_seconds = present data_json.duration_seconds, duration_seconds
-- values: success = data_json.success, success, 0
-- values: topics = data_json.topics_debated, topics_json, []; search_terms = computed
SELECT
    source_rowid,
    -- First, as it says best what is wrong with a document that can't be read.
    data_json AS data,
    cycle_id,
    coalesce(document ->> '$.started_at', started_at) AS started_at,
    CASE
        WHEN json_type(document, '$.completed_at') IS NULL THEN completed_at
        ELSE document ->> '$.completed_at'
    END AS completed_at,
    CASE
        WHEN json_type(document, '$.duration_seconds') IS NULL THEN duration_seconds
        ELSE document ->> '$.duration_seconds'
    END AS duration_seconds,
    coalesce(document ->> '$.success', success, 0) AS success,
    topics,
    CASE
        WHEN json_valid(topics) AND json_type(topics) = 'array'
            THEN coalesce(
                topic_terms(
                    cast((
                        SELECT group_concat(j.value, ' ') FROM json_each(topics) AS j
                        WHERE j.type = 'text'
                    ) AS BLOB)
                ),
                ''
            )
        ELSE ''
    END AS search_terms
FROM (
    SELECT
        source_rowid,
        cycle_id,
        started_at,
        completed_at,
        duration_seconds,
        success,
        data_json,
        document,
        coalesce(
            nullif(document -> '$.topics_debated', 'null'), nullif(topics_json, ''), '[]'
        ) AS topics
    FROM (
        SELECT
            rowid AS source_rowid,
            cycle_id,
            started_at,
            completed_at,
            duration_seconds,
            success,
            topics_json,
            data_json,
            CASE
                WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
            END AS document
        FROM cycles
        WHERE rowid BETWEEN :first_rowid AND :last_rowid
    ) AS read
) AS cycles;

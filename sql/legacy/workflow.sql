-- How the older Aragora's finding workflows map onto today's tables. The document in data_json is
-- what counts: its columns were a projection of it, and created_at the time of the last save. Times
-- in documents without a zone are UTC. See docs/migration.md ("How a mapping is written").

-- name: findings(first_rowid, last_rowid)
-- Findings. Unknown states stay as they are; members that have no column are kept in `extra`.
-- from: finding_workflows (finding_id, data_json, created_at, updated_at)
-- optional: current_state, assigned_to, assigned_by, assigned_at, priority, due_date
-- optional: parent_finding_id
-- into: finding_workflows
-- key: finding_id
-- merge: newest updated_at
-- unix: created_at, updated_at, state_entered_at
-- utc: created_at, updated_at, assigned_at, due_date, resolved_at, state_entered_at
SELECT
    source_rowid,
    finding_id,
    coalesce(document ->> '$.current_state', current_state, 'open') AS current_state,
    coalesce(document ->> '$.assigned_to', assigned_to) AS assigned_to,
    coalesce(document ->> '$.assigned_by', assigned_by) AS assigned_by,
    coalesce(document ->> '$.assigned_at', assigned_at) AS assigned_at,
    coalesce(document ->> '$.priority', priority, 3) AS priority,
    coalesce(document ->> '$.due_date', due_date) AS due_date,
    coalesce(document ->> '$.parent_finding_id', parent_finding_id) AS parent_finding_id,
    document ->> '$.resolved_at' AS resolved_at,
    coalesce(
        document ->> '$.state_entered_at',
        (
            SELECT e.value ->> '$.timestamp'
            FROM json_each(document, '$.history') AS e
            WHERE
                json_type(e.value) = 'object'
                AND e.value ->> '$.to_state' = document ->> '$.current_state'
            ORDER BY e.key DESC
            LIMIT 1
        ),
        document ->> '$.created_at',
        created_at
    ) AS state_entered_at,
    coalesce(nullif(document -> '$.time_in_states', 'null'), '{}') AS time_in_states,
    coalesce(
        json_remove(
            document,
            '$.finding_id', '$.current_state', '$.history', '$.assigned_to', '$.assigned_by',
            '$.assigned_at', '$.priority', '$.due_date', '$.linked_findings',
            '$.parent_finding_id', '$.created_at', '$.updated_at', '$.resolved_at',
            '$.time_in_states', '$.state_entered_at', '$.version'
        ),
        data_json
    ) AS extra,
    coalesce(document ->> '$.created_at', created_at) AS created_at,
    coalesce(document ->> '$.updated_at', updated_at) AS updated_at,
    CASE
        WHEN
            coalesce(document ->> '$.current_state', current_state) NOT IN (
                'open', 'triaging', 'investigating', 'remediating', 'resolved', 'false_positive',
                'accepted_risk', 'duplicate', 'acknowledged', 'wont_fix'
            )
            THEN
                'state ' || quote(coalesce(document ->> '$.current_state', current_state))
                || ' is unknown; it is kept'
    END AS note_state
FROM (
    SELECT
        rowid AS source_rowid,
        finding_id,
        current_state,
        assigned_to,
        assigned_by,
        assigned_at,
        priority,
        due_date,
        parent_finding_id,
        created_at,
        updated_at,
        data_json,
        CASE WHEN json_valid(data_json) THEN data_json END AS document
    FROM finding_workflows
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS findings;

-- name: history(first_rowid, last_rowid)
-- What happened to findings, in its order; events of every type, also those that bulk actions wrote.
-- from: finding_workflows (finding_id, data_json)
-- unpacks: data_json.history
-- into: finding_history
-- key: finding_id, event_id
-- merge: none
-- utc: occurred_at
SELECT
    f.rowid AS source_rowid,
    f.finding_id,
    e.key + 1 AS position,
    e.value ->> '$.id' AS event_id,
    e.value ->> '$.event_type' AS event_type,
    e.value ->> '$.timestamp' AS occurred_at,
    e.value ->> '$.user_id' AS user_id,
    e.value ->> '$.user_name' AS user_name,
    e.value ->> '$.from_state' AS from_state,
    e.value ->> '$.to_state' AS to_state,
    e.value ->> '$.field_name' AS field_name,
    nullif(e.value -> '$.old_value', 'null') AS old_value,
    nullif(e.value -> '$.new_value', 'null') AS new_value,
    e.value ->> '$.comment' AS comment,
    json_remove(
        e.value,
        '$.id', '$.finding_id', '$.event_type', '$.timestamp', '$.user_id', '$.user_name',
        '$.from_state', '$.to_state', '$.field_name', '$.old_value', '$.new_value', '$.comment'
    ) AS extra
FROM finding_workflows AS f
INNER JOIN
    json_each(
        CASE WHEN json_valid(f.data_json) THEN f.data_json ELSE '{}' END, '$.history'
    ) AS e
WHERE f.rowid BETWEEN :first_rowid AND :last_rowid;

-- name: links(first_rowid, last_rowid)
-- Findings that belong together.
-- from: finding_workflows (finding_id, data_json)
-- unpacks: data_json.linked_findings
-- into: finding_links
-- key: finding_id, linked_id
-- merge: first
SELECT
    f.rowid AS source_rowid,
    f.finding_id,
    e.value AS linked_id,
    e.key + 1 AS position
FROM finding_workflows AS f
INNER JOIN
    json_each(
        CASE WHEN json_valid(f.data_json) THEN f.data_json ELSE '{}' END, '$.linked_findings'
    ) AS e
WHERE f.rowid BETWEEN :first_rowid AND :last_rowid;

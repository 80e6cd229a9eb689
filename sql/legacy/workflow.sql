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
-- values: extra = others(data_json); current_state = data_json.current_state, current_state, 'open'
-- values: assigned_to = present data_json.assigned_to, assigned_to
-- values: assigned_by = present data_json.assigned_by, assigned_by
-- values: assigned_at = present data_json.assigned_at, assigned_at
-- values: priority = data_json.priority, priority, 3; due_date = present data_json.due_date, due_date
-- values: parent_finding_id = present data_json.parent_finding_id, parent_finding_id
-- values: resolved_at = data_json.resolved_at; time_in_states = data_json.time_in_states, {}
-- values: state_entered_at = data_json.state_entered_at, data_json.created_at, created_at
-- values: created_at = data_json.created_at, created_at; updated_at = data_json.updated_at, updated_at
SELECT
    source_rowid,
    finding_id,
    -- First, as it says best what is wrong with a document that can't be read.
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
    coalesce(document ->> '$.current_state', current_state, 'open') AS current_state,
    CASE
        WHEN json_type(document, '$.assigned_to') IS NULL THEN assigned_to
        ELSE document ->> '$.assigned_to'
    END AS assigned_to,
    CASE
        WHEN json_type(document, '$.assigned_by') IS NULL THEN assigned_by
        ELSE document ->> '$.assigned_by'
    END AS assigned_by,
    CASE
        WHEN json_type(document, '$.assigned_at') IS NULL THEN assigned_at
        ELSE document ->> '$.assigned_at'
    END AS assigned_at,
    coalesce(document ->> '$.priority', priority, 3) AS priority,
    CASE
        WHEN json_type(document, '$.due_date') IS NULL THEN due_date
        ELSE document ->> '$.due_date'
    END AS due_date,
    CASE
        WHEN json_type(document, '$.parent_finding_id') IS NULL THEN parent_finding_id
        ELSE document ->> '$.parent_finding_id'
    END AS parent_finding_id,
    document ->> '$.resolved_at' AS resolved_at,
    coalesce(
        document ->> '$.state_entered_at',
        (
            SELECT e.event ->> '$.timestamp'
            FROM (
                SELECT
                    h.key AS place,
                    CASE WHEN h.type = 'object' THEN h.value END AS event
                FROM json_each(document, '$.history') AS h
            ) AS e
            WHERE e.event ->> '$.to_state' = document ->> '$.current_state'
            ORDER BY e.place DESC
            LIMIT 1
        ),
        document ->> '$.created_at',
        created_at
    ) AS state_entered_at,
    coalesce(nullif(document -> '$.time_in_states', 'null'), '{}') AS time_in_states,
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
        CASE
            WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
        END AS document
    FROM finding_workflows
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS findings;

-- name: history(first_rowid, last_rowid)
-- What happened to findings, in its order; events of every type, also those that bulk actions wrote.
-- from: finding_workflows (finding_id, data_json)
-- unpacks: data_json.history
-- into: finding_history
-- key: finding_id, event_id
-- merge: none; number position by occurred_at
-- utc: occurred_at
-- values: position = place; event_id = item.id; event_type = item.event_type
-- values: occurred_at = item.timestamp; user_id = item.user_id; user_name = item.user_name
-- values: from_state = item.from_state; to_state = item.to_state; field_name = item.field_name
-- values: old_value = item.old_value; new_value = item.new_value; comment = item.comment
-- values: extra = others(item)
SELECT
    source_rowid,
    finding_id,
    position,
    event ->> '$.id' AS event_id,
    event ->> '$.event_type' AS event_type,
    event ->> '$.timestamp' AS occurred_at,
    event ->> '$.user_id' AS user_id,
    event ->> '$.user_name' AS user_name,
    event ->> '$.from_state' AS from_state,
    event ->> '$.to_state' AS to_state,
    event ->> '$.field_name' AS field_name,
    nullif(event -> '$.old_value', 'null') AS old_value,
    nullif(event -> '$.new_value', 'null') AS new_value,
    event ->> '$.comment' AS comment,
    coalesce(
        json_remove(
            event,
            '$.id', '$.finding_id', '$.event_type', '$.timestamp', '$.user_id', '$.user_name',
            '$.from_state', '$.to_state', '$.field_name', '$.old_value', '$.new_value', '$.comment'
        ),
        -- What is not an event is rejected as it is.
        json_quote(member)
    ) AS extra
FROM (
    SELECT
        f.rowid AS source_rowid,
        f.finding_id,
        e.key + 1 AS position,
        e.value AS member,
        CASE WHEN e.type = 'object' THEN e.value END AS event
    FROM finding_workflows AS f
    INNER JOIN
        json_each(
            CASE WHEN json_valid(f.data_json) THEN f.data_json ELSE '{}' END, '$.history'
        ) AS e
    WHERE
        f.rowid BETWEEN :first_rowid AND :last_rowid
        -- A history that is null has no events.
        AND NOT (e.key IS NULL AND e.type = 'null')
) AS events;

-- name: links(first_rowid, last_rowid)
-- Findings that belong together.
-- from: finding_workflows (finding_id, data_json)
-- unpacks: data_json.linked_findings
-- into: finding_links
-- key: finding_id, linked_id
-- merge: first
-- values: linked_id = item; position = place
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
WHERE
    f.rowid BETWEEN :first_rowid AND :last_rowid
    AND NOT (e.key IS NULL AND e.type = 'null');

-- Queries of the workflow store: findings, their history and what they refer to.

-- name: get_finding(finding_id)^
-- Return one finding.
-- result: linked_findings json
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE f.finding_id = :finding_id;

-- name: lock_findings(finding_ids)
-- Take some findings for a change, always in one order.
-- result: linked_findings json
-- locks: finding_workflows rows in order of finding_id
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE f.finding_id = any(:finding_ids::text[])
ORDER BY f.finding_id
FOR UPDATE OF f;

-- name: insert_finding(finding_id, current_state, assigned_to, assigned_by, assigned_at, priority, due_date, parent_finding_id, resolved_at, state_entered_at, time_in_states, extra, created_at, updated_at)!
-- Store a new finding, unless there is one of this id.
INSERT INTO finding_workflows (
    finding_id,
    current_state,
    assigned_to,
    assigned_by,
    assigned_at,
    priority,
    due_date,
    parent_finding_id,
    resolved_at,
    state_entered_at,
    time_in_states,
    extra,
    created_at,
    updated_at
)
VALUES (
    :finding_id,
    :current_state,
    :assigned_to,
    :assigned_by,
    :assigned_at,
    :priority,
    :due_date,
    :parent_finding_id,
    :resolved_at,
    :state_entered_at,
    :time_in_states::jsonb,
    :extra::jsonb,
    :created_at,
    :updated_at
)
ON CONFLICT (finding_id) DO NOTHING;

-- name: update_finding(finding_id, version, current_state, assigned_to, assigned_by, assigned_at, priority, due_date, parent_finding_id, resolved_at, state_entered_at, time_in_states, extra, updated_at)*!
-- Change findings that still have the version that the change was made for.
UPDATE finding_workflows
SET
    current_state = :current_state,
    assigned_to = :assigned_to,
    assigned_by = :assigned_by,
    assigned_at = :assigned_at,
    priority = :priority,
    due_date = :due_date,
    parent_finding_id = :parent_finding_id,
    resolved_at = :resolved_at,
    state_entered_at = :state_entered_at,
    time_in_states = :time_in_states::jsonb,
    extra = :extra::jsonb,
    version = version + 1,
    updated_at = :updated_at
WHERE
    finding_id = :finding_id
    AND version = :version;

-- name: delete_finding(finding_id)!
-- Delete a finding with its history and links.
DELETE FROM finding_workflows
WHERE finding_id = :finding_id;

-- name: list_findings(after_timestamp, after_id, row_limit)
-- List findings, newest first, from a place on.
-- result: linked_findings json
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE (f.created_at, f.finding_id) < (:after_timestamp, :after_id)
ORDER BY f.created_at DESC, f.finding_id DESC
LIMIT :row_limit;

-- name: list_assigned(assigned_to, after_timestamp, after_id, row_limit)
-- List the findings that a user works on, newest first, from a place on.
-- result: linked_findings json
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE
    f.assigned_to = :assigned_to
    AND (f.created_at, f.finding_id) < (:after_timestamp, :after_id)
ORDER BY f.created_at DESC, f.finding_id DESC
LIMIT :row_limit;

-- name: list_in_state(current_state, after_timestamp, after_id, row_limit)
-- List the findings in a state, newest first, from a place on.
-- result: linked_findings json
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE
    f.current_state = :current_state
    AND (f.created_at, f.finding_id) < (:after_timestamp, :after_id)
ORDER BY f.created_at DESC, f.finding_id DESC
LIMIT :row_limit;

-- name: list_duplicates(parent_finding_id, after_timestamp, after_id, row_limit)
-- List the findings that repeat another one, newest first, from a place on.
-- result: linked_findings json
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE
    f.parent_finding_id = :parent_finding_id
    AND (f.created_at, f.finding_id) < (:after_timestamp, :after_id)
ORDER BY f.created_at DESC, f.finding_id DESC
LIMIT :row_limit;

-- name: list_overdue(at_time, after_timestamp, after_id, row_limit)
-- List the findings whose due date has passed while work goes on, longest overdue first.
-- result: linked_findings json
SELECT
    -- columns: FindingWorkflow
    f.finding_id,
    f.current_state,
    f.is_terminal,
    f.assigned_to,
    f.assigned_by,
    f.assigned_at,
    f.priority,
    f.due_date,
    f.parent_finding_id,
    f.resolved_at,
    f.state_entered_at,
    f.time_in_states,
    f.extra,
    f.version,
    f.created_at,
    f.updated_at,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(l.linked_id ORDER BY l.position, l.linked_id COLLATE "C")
            FROM finding_links AS l
            WHERE l.finding_id = f.finding_id
        ),
        '[]'::jsonb
    ) AS linked_findings
FROM finding_workflows AS f
WHERE
    NOT f.is_terminal
    AND f.due_date < :at_time
    AND (f.due_date, f.finding_id) > (:after_timestamp, :after_id)
ORDER BY f.due_date, f.finding_id
LIMIT :row_limit;

-- name: list_events(finding_ids)
-- List the whole history of some findings.
SELECT
    -- columns: FindingEvent
    h.finding_id,
    h.position,
    h.event_id,
    h.event_type,
    h.occurred_at,
    h.user_id,
    h.user_name,
    h.from_state,
    h.to_state,
    h.field_name,
    h.old_value,
    h.new_value,
    h.comment,
    h.extra
FROM finding_history AS h
WHERE h.finding_id = any(:finding_ids::text[])
ORDER BY h.finding_id, h.position;

-- name: list_history(finding_id, event_type, after_position, row_limit)
-- List a finding's history in its order, from a place on, of one type of event or of all.
SELECT
    -- columns: FindingEvent
    h.finding_id,
    h.position,
    h.event_id,
    h.event_type,
    h.occurred_at,
    h.user_id,
    h.user_name,
    h.from_state,
    h.to_state,
    h.field_name,
    h.old_value,
    h.new_value,
    h.comment,
    h.extra
FROM finding_history AS h
WHERE
    h.finding_id = :finding_id
    AND h.position > :after_position
    AND (:event_type::text IS NULL OR h.event_type = :event_type::text)
ORDER BY h.position
LIMIT :row_limit;

-- name: append_events(finding_id, event_id, event_type, occurred_at, user_id, user_name, from_state, to_state, field_name, old_value, new_value, comment, extra)*!
-- Add events to the end of the history of findings.
INSERT INTO finding_history (
    finding_id,
    position,
    event_id,
    event_type,
    occurred_at,
    user_id,
    user_name,
    from_state,
    to_state,
    field_name,
    old_value,
    new_value,
    comment,
    extra
)
VALUES (
    :finding_id,
    (
        SELECT coalesce(max(h.position), 0) + 1
        FROM finding_history AS h
        WHERE h.finding_id = :finding_id
    ),
    :event_id,
    :event_type,
    :occurred_at,
    :user_id,
    :user_name,
    :from_state,
    :to_state,
    :field_name,
    :old_value::jsonb,
    :new_value::jsonb,
    :comment,
    :extra::jsonb
);

-- name: insert_links(finding_id, linked_id)*!
-- Add to the findings that findings refer to; what is there already stays where it is.
INSERT INTO finding_links (finding_id, linked_id, position)
VALUES (
    :finding_id,
    :linked_id,
    (
        SELECT coalesce(max(l.position), 0) + 1
        FROM finding_links AS l
        WHERE l.finding_id = :finding_id
    )
)
ON CONFLICT (finding_id, linked_id) DO NOTHING;

-- name: delete_link(finding_id, linked_id)!
-- Remove one of the findings that a finding refers to.
DELETE FROM finding_links
WHERE
    finding_id = :finding_id
    AND linked_id = :linked_id;

-- name: delete_links(finding_id)!
-- Remove all that a finding refers to.
DELETE FROM finding_links
WHERE finding_id = :finding_id;

-- name: get_statistics(at_time)^
-- Count the findings by state and priority; mean seconds from creation to resolution.
-- plan: seq_scan allowed because statistics of the whole store look at all rows
-- result: by_state json, by_priority json
SELECT
    -- columns: WorkflowStatistics
    count(*) AS total,
    count(*) FILTER (WHERE NOT f.is_terminal) AS active,
    count(*) FILTER (WHERE NOT f.is_terminal AND f.assigned_to IS NULL) AS unassigned,
    count(*) FILTER (WHERE NOT f.is_terminal AND f.due_date < :at_time) AS overdue,
    avg(
        extract(EPOCH FROM (f.resolved_at - f.created_at))
    )::double precision AS mean_seconds_to_resolution,
    (
        SELECT
            coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.jsonb_build_array(g.name, g.n) ORDER BY g.name COLLATE "C"
                ),
                '[]'::jsonb
            )
        FROM (
            SELECT
                current_state AS name,
                count(*) AS n
            FROM finding_workflows
            GROUP BY current_state
        ) AS g
    ) AS by_state,
    (
        SELECT
            coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.jsonb_build_array(g.name, g.n) ORDER BY g.name
                ),
                '[]'::jsonb
            )
        FROM (
            SELECT
                priority AS name,
                count(*) AS n
            FROM finding_workflows
            GROUP BY priority
        ) AS g
    ) AS by_priority
FROM finding_workflows AS f;

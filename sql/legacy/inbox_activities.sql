-- How the older Aragora's activities of shared inboxes map onto today's table.
-- See docs/migration.md ("How a mapping is written").

-- name: inbox_activities(first_rowid, last_rowid)
-- Activities.
-- from: inbox_activities (id, inbox_id, org_id, actor_id, action, created_at)
-- optional: target_id, metadata_json
-- without: metadata
-- into: inbox_activities
-- key: id
-- merge: newest created_at
-- unix: created_at
-- values: target_id = nonblank target_id; metadata = metadata_json, {}
SELECT
    rowid AS source_rowid,
    id,
    inbox_id,
    org_id,
    actor_id,
    action,
    nullif(target_id, '') AS target_id,
    coalesce(nullif(nullif(metadata_json, ''), 'null'), '{}') AS metadata,
    created_at
FROM inbox_activities
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

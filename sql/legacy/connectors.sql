-- How the older Aragora's connectors map onto today's tables. Encrypted settings stay as they are: their
-- envelope is bound to the connector's id, which stays too. See docs/migration.md ("How a mapping is
-- written").

-- name: connectors(first_rowid, last_rowid)
-- Connectors, also those that were deleted in the older user interface, which never told the file.
-- from: connectors (id, connector_type, name, config_json, created_at, updated_at)
-- optional: status, last_sync_at, last_sync_status, items_indexed, error_message
-- into: connectors
-- key: id
-- secrets: config
-- merge: newest updated_at
-- utc: created_at, updated_at, last_sync_at
-- values: config = config_json, {}; status = status, 'configured'
-- values: last_sync_at = nonblank last_sync_at; items_indexed = items_indexed, 0
SELECT
    rowid AS source_rowid,
    id,
    connector_type,
    name,
    coalesce(nullif(config_json, ''), '{}') AS config,
    coalesce(status, 'configured') AS status,
    created_at,
    updated_at,
    nullif(last_sync_at, '') AS last_sync_at,
    last_sync_status,
    coalesce(items_indexed, 0) AS items_indexed,
    error_message,
    CASE
        WHEN has_clear_secrets(cast(config_json AS BLOB), 'connectors')
            THEN
                'connectors with secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secrets
FROM connectors
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: sync_jobs(first_rowid, last_rowid)
-- Sync jobs. One whose connector is not there any more is an orphan.
-- from: sync_jobs (id, connector_id, status, started_at)
-- optional: completed_at, items_synced, items_failed, error_message, duration_seconds
-- into: sync_jobs
-- key: id
-- merge: newest started_at
-- merge: keep completed_at, status, items_synced, items_failed, error_message, duration_seconds by started_at
-- utc: started_at, completed_at
-- values: completed_at = nonblank completed_at; items_synced = items_synced, 0
-- values: items_failed = items_failed, 0
SELECT
    rowid AS source_rowid,
    id,
    connector_id,
    status,
    started_at,
    nullif(completed_at, '') AS completed_at,
    coalesce(items_synced, 0) AS items_synced,
    coalesce(items_failed, 0) AS items_failed,
    error_message,
    duration_seconds
FROM sync_jobs
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- Queries of the store of connectors.

-- name: save_connector(id, org_id, workspace_id, connector_type, name, config, at_time)!
-- Store a connector, or replace the type, name and settings of the one of its id, unless that is
-- another organization's, or none's. Its organization stays, and its workspace unless there was none.
INSERT INTO connectors (
    id,
    org_id,
    workspace_id,
    connector_type,
    name,
    config,
    created_at,
    updated_at
)
VALUES (
    :id,
    :org_id,
    :workspace_id,
    :connector_type,
    :name,
    :config,
    :at_time,
    :at_time
)
ON CONFLICT (id) DO UPDATE SET
    workspace_id = coalesce(connectors.workspace_id, excluded.workspace_id),
    connector_type = excluded.connector_type,
    name = excluded.name,
    config = excluded.config,
    updated_at = excluded.updated_at
WHERE
excluded.org_id IS NULL
OR connectors.org_id = excluded.org_id;

-- name: get_connector(id, org_id)^
-- Return a connector, of one organization or of any.
SELECT
    c.id,
    c.org_id,
    c.workspace_id,
    c.connector_type,
    c.name,
    c.config,
    c.status,
    c.created_at,
    c.updated_at,
    c.last_sync_at,
    c.last_sync_status,
    c.items_indexed,
    c.error_message
FROM connectors AS c
WHERE
    c.id = :id
    AND (:org_id IS NULL OR c.org_id = :org_id);

-- name: list_connectors(status, connector_type, after_timestamp, after_id, row_limit)
-- List the connectors, in one status and of one type or all, the last changed first, from a place on.
-- plan: filtered_walk allowed because an installation has some hundred connectors
SELECT
    c.id,
    c.org_id,
    c.workspace_id,
    c.connector_type,
    c.name,
    c.config,
    c.status,
    c.created_at,
    c.updated_at,
    c.last_sync_at,
    c.last_sync_status,
    c.items_indexed,
    c.error_message
FROM connectors AS c
WHERE
    (c.updated_at, c.id) < (:after_timestamp, :after_id)
    AND (:status IS NULL OR c.status = :status)
    AND (:connector_type IS NULL OR c.connector_type = :connector_type)
ORDER BY c.updated_at DESC, c.id DESC
LIMIT :row_limit;

-- name: list_org_connectors(org_id, status, connector_type, after_timestamp, after_id, row_limit)
-- List the connectors of an organization, in one status and of one type or all, the last changed first, from a place on.
SELECT
    c.id,
    c.org_id,
    c.workspace_id,
    c.connector_type,
    c.name,
    c.config,
    c.status,
    c.created_at,
    c.updated_at,
    c.last_sync_at,
    c.last_sync_status,
    c.items_indexed,
    c.error_message
FROM connectors AS c
WHERE
    (c.updated_at, c.id) < (:after_timestamp, :after_id)
    AND c.org_id = :org_id
    AND (:status IS NULL OR c.status = :status)
    AND (:connector_type IS NULL OR c.connector_type = :connector_type)
ORDER BY c.updated_at DESC, c.id DESC
LIMIT :row_limit;

-- name: delete_connector(id, org_id)!
-- Delete a connector with its sync jobs, of one organization or of any.
DELETE FROM connectors
WHERE
    id = :id
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: set_status(id, org_id, status, error_message, at_time)!
-- Keep how a connector of one organization or of any stands.
UPDATE connectors
SET
    status = :status,
    error_message = :error_message,
    updated_at = :at_time
WHERE
    id = :id
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: insert_job(id, connector_id, started_at)!
-- Store a sync job that begins.
INSERT INTO sync_jobs (id, connector_id, status, started_at)
VALUES (:id, :connector_id, 'running', :started_at);

-- name: get_job(id, org_id)^
-- Return a sync job, of one organization or of any.
SELECT
    -- columns: SyncJob
    j.id,
    j.connector_id,
    j.status,
    j.started_at,
    j.completed_at,
    j.items_synced,
    j.items_failed,
    j.error_message,
    j.duration_seconds
FROM sync_jobs AS j
INNER JOIN connectors AS c ON j.connector_id = c.id
WHERE
    j.id = :id
    AND (:org_id IS NULL OR c.org_id = :org_id);

-- name: set_progress(id, items_synced, items_failed)!
-- Keep how far a sync job is that runs; NULL leaves how many items failed.
UPDATE sync_jobs
SET
    items_synced = :items_synced,
    items_failed = coalesce(:items_failed, items_failed)
WHERE
    id = :id
    AND status = 'running';

-- name: hold_connector(id)$
-- Hold a connector until the transaction ends.
SELECT c.id
FROM connectors AS c
WHERE c.id = :id;

-- name: finish_job(id, status, completed_at, items_synced, items_failed, error_message, duration_seconds)^
-- End a sync job that runs, and return how many items it has brought, and how many not.
-- NULL leaves a number as the last progress said.
UPDATE sync_jobs
SET
    status = :status,
    completed_at = :completed_at,
    items_synced = coalesce(:items_synced, items_synced),
    items_failed = coalesce(:items_failed, items_failed),
    error_message = :error_message,
    duration_seconds = :duration_seconds
WHERE
    id = :id
    AND status = 'running'
RETURNING
    items_synced,
    items_failed;

-- name: settle_connector(id, status, last_sync_status, items_synced, error_message, at_time)!
-- Keep how the last sync job of a connector ended. It stays active while another one runs, unless
-- it is in error.
UPDATE connectors
SET
    status = CASE
        WHEN
            :status = 'configured'
            AND EXISTS (
                SELECT 1
                FROM sync_jobs AS j
                WHERE
                    j.connector_id = connectors.id
                    AND j.status = 'running'
            )
            THEN 'active'
        ELSE :status
    END,
    last_sync_at = :at_time,
    last_sync_status = :last_sync_status,
    items_indexed = items_indexed + :items_synced,
    error_message = :error_message,
    updated_at = :at_time
WHERE id = :id;

-- name: list_jobs(org_id, after_timestamp, after_id, row_limit)
-- List sync jobs, of one organization or of all, newest first, from a place on.
-- plan: filtered_walk allowed because few organizations share the connectors
SELECT
    -- columns: SyncJob
    j.id,
    j.connector_id,
    j.status,
    j.started_at,
    j.completed_at,
    j.items_synced,
    j.items_failed,
    j.error_message,
    j.duration_seconds
FROM sync_jobs AS j
INNER JOIN connectors AS c ON j.connector_id = c.id
WHERE
    (j.started_at, j.id) < (:after_timestamp, :after_id)
    AND (:org_id IS NULL OR c.org_id = :org_id)
ORDER BY j.started_at DESC, j.id DESC
LIMIT :row_limit;

-- name: list_connector_jobs(connector_id, org_id, after_timestamp, after_id, row_limit)
-- List the sync jobs of a connector, of one organization or of any, newest first, from a place on.
SELECT
    -- columns: SyncJob
    j.id,
    j.connector_id,
    j.status,
    j.started_at,
    j.completed_at,
    j.items_synced,
    j.items_failed,
    j.error_message,
    j.duration_seconds
FROM sync_jobs AS j
INNER JOIN connectors AS c ON j.connector_id = c.id
WHERE
    j.connector_id = :connector_id
    AND (j.started_at, j.id) < (:after_timestamp, :after_id)
    AND (:org_id IS NULL OR c.org_id = :org_id)
ORDER BY j.started_at DESC, j.id DESC
LIMIT :row_limit;

-- name: get_statistics(connector_id, org_id)^
-- Count and add up sync jobs, of one connector and organization or of all.
-- plan: seq_scan allowed because statistics of all sync jobs look at all of them
-- result: total_items_synced not null, total_items_failed not null
SELECT
    count(*) AS total_syncs,
    count(*) FILTER (WHERE j.status = 'completed') AS successful_syncs,
    count(*) FILTER (WHERE j.status = 'failed') AS failed_syncs,
    count(*) FILTER (WHERE j.status = 'running') AS active_syncs,
    coalesce(sum(j.items_synced), 0) AS total_items_synced,
    coalesce(sum(j.items_failed), 0) AS total_items_failed,
    avg(j.duration_seconds) AS avg_duration_seconds
FROM sync_jobs AS j
INNER JOIN connectors AS c ON j.connector_id = c.id
WHERE
    (:connector_id IS NULL OR j.connector_id = :connector_id)
    AND (:org_id IS NULL OR c.org_id = :org_id);

-- name: hold_running(begun_before, row_limit)
-- Hold connectors of some of the sync jobs that began at a time or before and have not ended.
SELECT c.id
FROM connectors AS c
WHERE
    c.id IN (
        SELECT j.connector_id
        FROM sync_jobs AS j
        WHERE
            j.status = 'running'
            AND j.started_at <= :begun_before
        ORDER BY j.started_at, j.id
        LIMIT :row_limit
    )
ORDER BY c.id;

-- name: interrupt_jobs(ids, begun_before, at_time)!
-- End the sync jobs of connectors that began at a time or before and have not ended.
-- meaning: values of ids [["c1"], ["c1", "c2", "c3"]] because sync jobs are of connectors
UPDATE sync_jobs
SET
    status = 'interrupted',
    completed_at = :at_time
WHERE
    connector_id IN (SELECT i.value FROM json_each(:ids) AS i)
    AND status = 'running'
    AND started_at <= :begun_before;

-- name: release_connectors(ids, at_time)!
-- Keep of active connectors that their sync jobs were interrupted, where none runs.
-- meaning: values of ids [["c1"], ["c1", "c2", "c3"]] because sync jobs are of connectors
UPDATE connectors
SET
    status = 'configured',
    last_sync_at = :at_time,
    last_sync_status = 'interrupted',
    updated_at = :at_time
WHERE
    id IN (SELECT i.value FROM json_each(:ids) AS i)
    AND status = 'active'
    AND NOT EXISTS (
        SELECT 1
        FROM sync_jobs AS j
        WHERE
            j.connector_id = connectors.id
            AND j.status = 'running'
    );

-- name: count_connectors()$
-- Count the connectors.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM connectors;

-- name: list_secrets(after_id, row_limit)
-- List the settings of connectors by id, from a place on.
SELECT
    c.id,
    c.config
FROM connectors AS c
WHERE c.id > :after_id
ORDER BY c.id
LIMIT :row_limit;

-- name: lock_secrets(after_id, row_limit)
-- Hold connectors by id, from a place on, and list their settings.
SELECT
    c.id,
    c.config
FROM connectors AS c
WHERE c.id > :after_id
ORDER BY c.id
LIMIT :row_limit;

-- name: set_secrets(id, config)*!
-- Replace the settings of connectors.
UPDATE connectors
SET config = :config
WHERE id = :id;

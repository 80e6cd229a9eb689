-- How the older Aragora's job queue maps onto today's table. Times are seconds since 1970. See
-- docs/migration.md ("How a mapping is written").

-- name: jobs(first_rowid, last_rowid)
-- Jobs. One that was being worked on stays so, under a lease that is over: recovery takes it up.
-- from: job_queue (id, job_type, payload_json, status, created_at, updated_at)
-- optional: priority, started_at, completed_at, attempts, max_attempts, worker_id, error, result_json
-- optional: user_id, workspace_id
-- without: lease_expires_at
-- into: job_queue
-- key: id
-- merge: newest updated_at
-- order: created_at
-- unix: created_at, updated_at, started_at, completed_at, scheduled_at, lease_expires_at
-- values: payload = payload_json, {}; result = result_json; max_attempts = nonzero max_attempts, 3
-- values: worker_id = nonblank worker_id, 'unknown' when status is processing
-- values: scheduled_at = updated_at when status is retrying
-- values: lease_expires_at = started_at when status is processing, updated_at when status is processing
-- values: completed_at = completed_at when status is completed or failed or cancelled, updated_at when status is completed or failed or cancelled
SELECT
    rowid AS source_rowid,
    id,
    job_type,
    coalesce(nullif(payload_json, ''), '{}') AS payload,
    status,
    coalesce(priority, 0) AS priority,
    coalesce(attempts, 0) AS attempts,
    CASE WHEN coalesce(max_attempts, 0) = 0 THEN 3 ELSE max_attempts END AS max_attempts,
    CASE
        WHEN status = 'processing' THEN coalesce(nullif(worker_id, ''), 'unknown')
        ELSE nullif(worker_id, '')
    END AS worker_id,
    user_id,
    workspace_id,
    error,
    nullif(nullif(result_json, ''), 'null') AS result,
    CASE WHEN status = 'retrying' THEN updated_at END AS scheduled_at,
    CASE WHEN status = 'processing' THEN coalesce(started_at, updated_at) END AS lease_expires_at,
    started_at,
    CASE
        WHEN status IN ('completed', 'failed', 'cancelled') THEN coalesce(completed_at, updated_at)
    END AS completed_at,
    created_at,
    updated_at,
    CASE
        WHEN status = 'processing' THEN 'jobs that were being worked on; their lease is over'
    END AS note_processing
FROM job_queue
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- Queries of the federation: regions, messages to and from them, the records that they share.

-- name: save_region(region_id, workspace_id, endpoint_url, api_key, mode, sync_scope, enabled, last_sync_at, last_push_at, last_pull_at, last_sync_error, total_pushes, total_pulls, total_nodes_synced, total_sync_errors, metadata, extra, created_at, updated_at)!
-- Store a region, or what an application changed in it: of one that is there the counters, the times of
-- its exchanges and its creation stay.
INSERT INTO federated_regions (
    region_id,
    workspace_id,
    endpoint_url,
    api_key,
    mode,
    sync_scope,
    enabled,
    last_sync_at,
    last_push_at,
    last_pull_at,
    last_sync_error,
    total_pushes,
    total_pulls,
    total_nodes_synced,
    total_sync_errors,
    metadata,
    extra,
    created_at,
    updated_at
)
VALUES (
    :region_id,
    :workspace_id,
    :endpoint_url,
    :api_key,
    :mode,
    :sync_scope,
    :enabled,
    :last_sync_at,
    :last_push_at,
    :last_pull_at,
    :last_sync_error,
    :total_pushes,
    :total_pulls,
    :total_nodes_synced,
    :total_sync_errors,
    :metadata,
    :extra,
    :created_at,
    :updated_at
)
ON CONFLICT (region_id, workspace_id) DO UPDATE SET
    endpoint_url = excluded.endpoint_url,
    api_key = excluded.api_key,
    mode = excluded.mode,
    sync_scope = excluded.sync_scope,
    enabled = excluded.enabled,
    metadata = excluded.metadata,
    extra = excluded.extra,
    updated_at = excluded.updated_at;

-- name: update_region(region_id, workspace_id, endpoint_url, mode, sync_scope, enabled, metadata, extra, updated_at)!
-- Store what an application changed in a region, but not its key.
UPDATE federated_regions
SET
    endpoint_url = :endpoint_url,
    mode = :mode,
    sync_scope = :sync_scope,
    enabled = :enabled,
    metadata = :metadata,
    extra = :extra,
    updated_at = :updated_at
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id;

-- name: get_region(region_id, workspace_id)^
-- Return a region.
SELECT
    r.region_id,
    r.workspace_id,
    r.endpoint_url,
    r.api_key,
    r.mode,
    r.sync_scope,
    r.enabled,
    r.last_sync_at,
    r.last_push_at,
    r.last_pull_at,
    r.last_sync_error,
    r.total_pushes,
    r.total_pulls,
    r.total_nodes_synced,
    r.total_sync_errors,
    r.metadata,
    r.extra,
    r.created_at,
    r.updated_at
FROM federated_regions AS r
WHERE
    r.region_id = :region_id
    AND r.workspace_id = :workspace_id;

-- name: list_regions(after_region, after_workspace, row_limit)
-- List the regions of all workspaces, from a place on.
SELECT
    r.region_id,
    r.workspace_id,
    r.endpoint_url,
    r.api_key,
    r.mode,
    r.sync_scope,
    r.enabled,
    r.last_sync_at,
    r.last_push_at,
    r.last_pull_at,
    r.last_sync_error,
    r.total_pushes,
    r.total_pulls,
    r.total_nodes_synced,
    r.total_sync_errors,
    r.metadata,
    r.extra,
    r.created_at,
    r.updated_at
FROM federated_regions AS r
WHERE
    (r.region_id, r.workspace_id) > (:after_region, :after_workspace)
ORDER BY r.region_id, r.workspace_id
LIMIT :row_limit;

-- name: list_enabled_regions(after_region, after_workspace, row_limit)
-- List the regions of all workspaces that are enabled, from a place on.
SELECT
    r.region_id,
    r.workspace_id,
    r.endpoint_url,
    r.api_key,
    r.mode,
    r.sync_scope,
    r.enabled,
    r.last_sync_at,
    r.last_push_at,
    r.last_pull_at,
    r.last_sync_error,
    r.total_pushes,
    r.total_pulls,
    r.total_nodes_synced,
    r.total_sync_errors,
    r.metadata,
    r.extra,
    r.created_at,
    r.updated_at
FROM federated_regions AS r
WHERE
    r.enabled
    AND (r.region_id, r.workspace_id) > (:after_region, :after_workspace)
ORDER BY r.region_id, r.workspace_id
LIMIT :row_limit;

-- name: list_workspace_regions(workspace_id, after_region, row_limit)
-- List the regions of a workspace, from a place on.
SELECT
    r.region_id,
    r.workspace_id,
    r.endpoint_url,
    r.api_key,
    r.mode,
    r.sync_scope,
    r.enabled,
    r.last_sync_at,
    r.last_push_at,
    r.last_pull_at,
    r.last_sync_error,
    r.total_pushes,
    r.total_pulls,
    r.total_nodes_synced,
    r.total_sync_errors,
    r.metadata,
    r.extra,
    r.created_at,
    r.updated_at
FROM federated_regions AS r
WHERE
    r.workspace_id = :workspace_id
    AND r.region_id > :after_region
ORDER BY r.region_id
LIMIT :row_limit;

-- name: list_enabled_workspace_regions(workspace_id, after_region, row_limit)
-- List the regions of a workspace that are enabled, from a place on.
SELECT
    r.region_id,
    r.workspace_id,
    r.endpoint_url,
    r.api_key,
    r.mode,
    r.sync_scope,
    r.enabled,
    r.last_sync_at,
    r.last_push_at,
    r.last_pull_at,
    r.last_sync_error,
    r.total_pushes,
    r.total_pulls,
    r.total_nodes_synced,
    r.total_sync_errors,
    r.metadata,
    r.extra,
    r.created_at,
    r.updated_at
FROM federated_regions AS r
WHERE
    r.workspace_id = :workspace_id
    AND r.region_id > :after_region
    AND r.enabled
ORDER BY r.region_id
LIMIT :row_limit;

-- name: delete_region(region_id, workspace_id)!
-- Delete a region with its state and its messages.
DELETE FROM federated_regions
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id;

-- name: set_sync_status(region_id, workspace_id, direction, nodes_synced, sync_error, synced_at)!
-- Count an exchange with a region, and keep when it was and why it failed.
-- meaning: values of direction ["push", "pull"] because these are the directions
UPDATE federated_regions
SET
    last_sync_at = max(coalesce(last_sync_at, :synced_at), :synced_at),
    last_push_at = CASE
        WHEN :direction = 'push' THEN max(coalesce(last_push_at, :synced_at), :synced_at)
        ELSE last_push_at
    END,
    last_pull_at = CASE
        WHEN :direction = 'pull' THEN max(coalesce(last_pull_at, :synced_at), :synced_at)
        ELSE last_pull_at
    END,
    total_pushes = total_pushes + CASE WHEN :direction = 'push' THEN 1 ELSE 0 END,
    total_pulls = total_pulls + CASE WHEN :direction = 'pull' THEN 1 ELSE 0 END,
    total_nodes_synced = total_nodes_synced
    + CASE WHEN :sync_error IS NULL THEN :nodes_synced ELSE 0 END,
    total_sync_errors = total_sync_errors + CASE WHEN :sync_error IS NULL THEN 0 ELSE 1 END,
    last_sync_error = :sync_error,
    updated_at = max(updated_at, :synced_at)
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id;

-- name: count_api_keys()$
-- Count the regions that have a key.
-- plan: seq_scan allowed because it is for the rotation of keys, and regions are few
SELECT count(*) AS total
FROM federated_regions AS r
WHERE r.api_key <> '';

-- name: list_api_keys(after_region, after_workspace, row_limit)
-- List encrypted keys of regions, from a place on.
-- plan: filtered_walk allowed because nearly all regions have a key
SELECT
    r.region_id,
    r.workspace_id,
    r.api_key
FROM federated_regions AS r
WHERE
    r.api_key <> ''
    AND (r.region_id, r.workspace_id) > (:after_region, :after_workspace)
ORDER BY r.region_id, r.workspace_id
LIMIT :row_limit;

-- name: lock_api_keys(after_region, after_workspace, row_limit)
-- Take a page of the keys of regions for encrypting them again.
-- plan: filtered_walk allowed because nearly all regions have a key
SELECT
    r.region_id,
    r.workspace_id,
    r.api_key
FROM federated_regions AS r
WHERE
    r.api_key <> ''
    AND (r.region_id, r.workspace_id) > (:after_region, :after_workspace)
ORDER BY r.region_id, r.workspace_id
LIMIT :row_limit;

-- name: set_api_keys(region_id, workspace_id, api_key)*!
-- Replace encrypted keys of regions.
UPDATE federated_regions
SET api_key = :api_key
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id;

-- name: take_sequence(region_id, workspace_id, at_time)$
-- Return the number of the next message to a region that gets messages; none of one that does not.
-- Who writes another one to it waits here until this one is there.
-- result: last_sent not null
INSERT INTO federation_sync_states (region_id, workspace_id, last_sent, updated_at)
SELECT
    r.region_id,
    r.workspace_id,
    1,
    :at_time
FROM federated_regions AS r
WHERE
    r.region_id = :region_id
    AND r.workspace_id = :workspace_id
    AND r.enabled
    AND r.mode IN ('push', 'bidirectional')
ON CONFLICT (region_id, workspace_id) DO UPDATE SET
    last_sent = last_sent + 1,
    updated_at = excluded.updated_at
RETURNING last_sent;

-- name: insert_outgoing(region_id, workspace_id, sequence, changes, created_at)!
-- Store a message to a region.
INSERT INTO federation_outbox (region_id, workspace_id, sequence, changes, created_at)
VALUES (:region_id, :workspace_id, :sequence, :changes, :created_at);

-- name: list_outgoing(region_id, workspace_id, after_sequence, row_limit)
-- List the messages to a region that it has not acknowledged, in their order, from a place on.
SELECT
    -- columns: OutgoingMessage
    o.region_id,
    o.workspace_id,
    o.sequence,
    o.changes,
    o.created_at
FROM federation_outbox AS o
WHERE
    o.region_id = :region_id
    AND o.workspace_id = :workspace_id
    AND o.sequence > :after_sequence
ORDER BY o.sequence
LIMIT :row_limit;

-- name: set_acknowledged(region_id, workspace_id, sequence, at_time)!
-- Keep that a region has all messages up to a number, which was sent.
UPDATE federation_sync_states
SET
    last_acknowledged = max(last_acknowledged, :sequence),
    updated_at = :at_time
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id
    AND last_sent >= :sequence;

-- name: delete_outgoing(region_id, workspace_id, sequence)!
-- Delete the messages to a region up to a number.
DELETE FROM federation_outbox
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id
    AND sequence <= :sequence;

-- name: hold_state(region_id, workspace_id, at_time)$
-- Return the number of the last message that was applied of a region that gives messages; none of one
-- that does not. Who applies another one of it waits here.
-- result: last_applied not null
INSERT INTO federation_sync_states (region_id, workspace_id, updated_at)
SELECT
    r.region_id,
    r.workspace_id,
    :at_time
FROM federated_regions AS r
WHERE
    r.region_id = :region_id
    AND r.workspace_id = :workspace_id
    AND r.enabled
    AND r.mode IN ('pull', 'bidirectional')
ON CONFLICT (region_id, workspace_id) DO UPDATE SET
    updated_at = excluded.updated_at
RETURNING last_applied;

-- name: get_incoming(region_id, workspace_id, sequence)$
-- Return the hash of a message that came before.
SELECT i.content_hash
FROM federation_inbox AS i
WHERE
    i.region_id = :region_id
    AND i.workspace_id = :workspace_id
    AND i.sequence = :sequence;

-- name: insert_incoming(region_id, workspace_id, sequence, content_hash, changes, received_at, applied_at)!
-- Keep a message: of one that is applied its hash, of one that waits its changes too.
INSERT INTO federation_inbox (
    region_id,
    workspace_id,
    sequence,
    content_hash,
    changes,
    received_at,
    applied_at
)
VALUES (
    :region_id,
    :workspace_id,
    :sequence,
    :content_hash,
    :changes,
    :received_at,
    :applied_at
);

-- name: list_held(region_id, workspace_id, after_sequence, row_limit)
-- List the messages of a region that wait for an earlier one, in their order, from a place on.
SELECT
    i.sequence,
    i.changes
FROM federation_inbox AS i
WHERE
    i.region_id = :region_id
    AND i.workspace_id = :workspace_id
    AND i.sequence > :after_sequence
    AND i.applied_at IS NULL
ORDER BY i.sequence
LIMIT :row_limit;

-- name: mark_applied(region_id, workspace_id, first_sequence, last_sequence, applied_at)!
-- Keep that messages that waited are applied.
UPDATE federation_inbox
SET
    changes = NULL,
    applied_at = :applied_at
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id
    AND sequence BETWEEN :first_sequence AND :last_sequence
    AND applied_at IS NULL;

-- name: set_applied(region_id, workspace_id, last_applied)!
-- Keep up to which number the messages of a region are applied.
UPDATE federation_sync_states
SET last_applied = :last_applied
WHERE
    region_id = :region_id
    AND workspace_id = :workspace_id;

-- name: get_sync_state(region_id, workspace_id)^
-- Return how far the messages to and from a region are, and how many wait for an earlier one.
-- result: region_id not null, workspace_id not null
-- result: last_sent not null, last_acknowledged not null, last_applied not null, held not null
SELECT
    -- columns: SyncState
    r.region_id,
    r.workspace_id,
    coalesce(s.last_sent, 0) AS last_sent,
    coalesce(s.last_acknowledged, 0) AS last_acknowledged,
    coalesce(s.last_applied, 0) AS last_applied,
    (
        SELECT count(*)
        FROM federation_inbox AS i
        WHERE
            i.region_id = r.region_id
            AND i.workspace_id = r.workspace_id
            AND i.sequence > coalesce(s.last_applied, 0)
    ) AS held,
    s.updated_at
FROM federated_regions AS r
LEFT JOIN federation_sync_states AS s
    ON r.region_id = s.region_id AND r.workspace_id = s.workspace_id
WHERE
    r.region_id = :region_id
    AND r.workspace_id = :workspace_id;

-- name: merge_records(workspace_id, record_id, content, origin, updated_at)*!
-- Store records, unless a later write is there; of two at one time the origin decides.
INSERT INTO federation_records (workspace_id, record_id, content, origin, updated_at)
VALUES (:workspace_id, :record_id, :content, :origin, :updated_at)
ON CONFLICT (workspace_id, record_id) DO UPDATE SET
    content = excluded.content,
    origin = excluded.origin,
    updated_at = excluded.updated_at
WHERE (updated_at, origin) < (excluded.updated_at, excluded.origin);

-- name: get_record(workspace_id, record_id)^
-- Return a record; the content of one that was deleted is NULL.
SELECT
    -- columns: FederatedRecord
    d.workspace_id,
    d.record_id,
    d.content,
    d.origin,
    d.updated_at
FROM federation_records AS d
WHERE
    d.workspace_id = :workspace_id
    AND d.record_id = :record_id;

-- name: list_records(workspace_id, after_id, row_limit)
-- List the records of a workspace, also those that were deleted, from a place on.
SELECT
    -- columns: FederatedRecord
    d.workspace_id,
    d.record_id,
    d.content,
    d.origin,
    d.updated_at
FROM federation_records AS d
WHERE
    d.workspace_id = :workspace_id
    AND d.record_id > :after_id
ORDER BY d.record_id
LIMIT :row_limit;

-- name: purge_inbox(applied_before, row_limit)!
-- Delete some of what is kept of messages that were applied long ago, the oldest first.
DELETE FROM federation_inbox
WHERE
    (region_id, workspace_id, sequence) IN (
        SELECT
            x.region_id,
            x.workspace_id,
            x.sequence
        FROM federation_inbox AS x
        WHERE x.applied_at < :applied_before
        ORDER BY x.applied_at, x.region_id, x.workspace_id, x.sequence
        LIMIT :row_limit
    );

-- name: purge_deleted(deleted_before, row_limit)!
-- Delete some of the records that were deleted long ago, the oldest first.
DELETE FROM federation_records
WHERE
    (workspace_id, record_id) IN (
        SELECT
            x.workspace_id,
            x.record_id
        FROM federation_records AS x
        WHERE
            x.content IS NULL
            AND x.updated_at < :deleted_before
        ORDER BY x.updated_at, x.workspace_id, x.record_id
        LIMIT :row_limit
    );

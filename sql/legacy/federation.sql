-- How the older Aragora's federated regions map onto today's table. The document in data_json is what
-- counts, as the older program read nothing else: the columns were a projection of it, and created_at
-- the time of the last save. Of a counter the larger one counts, as on one of its backends either could
-- fall behind. Keys were in the clear, in the column and again in the document; they are encrypted here
-- with ARAGORA_ENCRYPTION_KEY, and a region with a key is rejected where that is not set.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: regions(first_rowid, last_rowid)
-- Regions. Members of the document that have no column are kept in `extra`.
-- from: federated_regions (region_id, endpoint_url, api_key, data_json, created_at, updated_at)
-- optional: workspace_id, mode, sync_scope, enabled, last_sync_at, last_push_at, last_pull_at
-- optional: last_sync_error, total_pushes, total_pulls, total_nodes_synced, total_sync_errors
-- into: federated_regions
-- key: region_id, workspace_id
-- secrets: api_key, endpoint_url, metadata, extra, last_sync_error
-- merge: newest updated_at
-- unix: created_at, updated_at
-- utc: created_at, updated_at, last_sync_at, last_push_at, last_pull_at
-- values: extra = others(data_json); metadata = data_json.metadata, {}
-- values: workspace_id = data_json.workspace_id, workspace_id, ''
-- values: endpoint_url = data_json.endpoint_url, endpoint_url; api_key = computed from data_json.api_key
-- values: mode = data_json.mode, mode, 'bidirectional'
-- values: sync_scope = data_json.sync_scope, sync_scope, 'summary'
-- values: enabled = data_json.enabled, enabled, 1
-- values: last_sync_at = present data_json.last_sync_at, last_sync_at
-- values: last_push_at = present data_json.last_push_at, last_push_at
-- values: last_pull_at = present data_json.last_pull_at, last_pull_at
-- values: last_sync_error = present data_json.last_sync_error, last_sync_error
-- values: total_pushes = computed from data_json.total_pushes
-- values: total_pulls = computed from data_json.total_pulls
-- values: total_nodes_synced = computed from data_json.total_nodes_synced
-- values: total_sync_errors = computed from data_json.total_sync_errors
-- values: created_at = data_json.created_at, created_at; updated_at = data_json.updated_at, updated_at
SELECT
    source_rowid,
    region_id,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(
        json_remove(
            document,
            '$.region_id', '$.workspace_id', '$.endpoint_url', '$.api_key', '$.mode',
            '$.sync_scope', '$.enabled', '$.last_sync_at', '$.last_push_at', '$.last_pull_at',
            '$.last_sync_error', '$.total_pushes', '$.total_pulls', '$.total_nodes_synced',
            '$.total_sync_errors', '$.metadata', '$.created_at', '$.updated_at'
        ),
        data_json
    ) AS extra,
    coalesce(nullif(document -> '$.metadata', 'null'), '{}') AS metadata,
    coalesce(document ->> '$.workspace_id', workspace_id, '') AS workspace_id,
    coalesce(document ->> '$.endpoint_url', endpoint_url) AS endpoint_url,
    sealed_api_key(
        cast(coalesce(document ->> '$.api_key', api_key) AS BLOB),
        cast(region_id AS BLOB),
        cast(coalesce(document ->> '$.workspace_id', workspace_id, '') AS BLOB)
    ) AS api_key,
    coalesce(document ->> '$.mode', mode, 'bidirectional') AS mode,
    coalesce(document ->> '$.sync_scope', sync_scope, 'summary') AS sync_scope,
    coalesce(document ->> '$.enabled', enabled, 1) AS enabled,
    CASE
        WHEN json_type(document, '$.last_sync_at') IS NULL THEN last_sync_at
        ELSE document ->> '$.last_sync_at'
    END AS last_sync_at,
    CASE
        WHEN json_type(document, '$.last_push_at') IS NULL THEN last_push_at
        ELSE document ->> '$.last_push_at'
    END AS last_push_at,
    CASE
        WHEN json_type(document, '$.last_pull_at') IS NULL THEN last_pull_at
        ELSE document ->> '$.last_pull_at'
    END AS last_pull_at,
    CASE
        WHEN json_type(document, '$.last_sync_error') IS NULL THEN last_sync_error
        ELSE document ->> '$.last_sync_error'
    END AS last_sync_error,
    max(coalesce(document ->> '$.total_pushes', 0), coalesce(total_pushes, 0)) AS total_pushes,
    max(coalesce(document ->> '$.total_pulls', 0), coalesce(total_pulls, 0)) AS total_pulls,
    max(coalesce(document ->> '$.total_nodes_synced', 0), coalesce(total_nodes_synced, 0))
        AS total_nodes_synced,
    max(coalesce(document ->> '$.total_sync_errors', 0), coalesce(total_sync_errors, 0))
        AS total_sync_errors,
    coalesce(document ->> '$.created_at', created_at) AS created_at,
    coalesce(document ->> '$.updated_at', updated_at) AS updated_at,
    CASE
        WHEN has_clear_secrets(cast(document -> '$.metadata' AS BLOB))
            THEN 'metadata with secrets in the clear; nothing encrypts them'
    END AS note_secrets
FROM (
    SELECT
        rowid AS source_rowid,
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
        created_at,
        updated_at,
        data_json,
        CASE
            WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
        END AS document
    FROM federated_regions
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS regions;

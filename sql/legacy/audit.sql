-- How the older Aragora's audit logs map onto today's tables.
--
-- Two files have a table audit_log, which number their events each from 1 on: here they are one log.
-- The immutable log was a folder of files, and events of a second chain stood in audit_events; both
-- are verified and gathered into a file of their own first (aragora_sql/migration/audit_files.py),
-- with their entries in the form in which they are stored.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: audit_log(first_rowid, last_rowid)
-- Events.
-- from: audit_log (id, timestamp, action, resource_type)
-- optional: user_id, org_id, resource_id, old_value, new_value, metadata, ip_address, user_agent
-- into: audit_log
-- key: id
-- copies: timestamp, action, resource_type, resource_id, user_id, org_id
-- merge: renumber
-- values: metadata = metadata, {}
SELECT
    rowid AS source_rowid,
    id,
    timestamp,
    user_id,
    org_id,
    action,
    resource_type,
    resource_id,
    nullif(old_value, '') AS old_value,
    nullif(new_value, '') AS new_value,
    coalesce(nullif(metadata, ''), '{}') AS metadata,
    ip_address,
    user_agent
FROM audit_log
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: audit_chains(first_rowid, last_rowid)
-- The chains that were gathered, and how far each of them holds.
-- from: gathered_audit_chains (chain, origin, last_sequence, last_hash, last_timestamp, first_broken_sequence, broken_reason, created_at)
-- ignored: path
-- into: audit_chains
-- key: chain
SELECT
    rowid AS source_rowid,
    chain,
    origin,
    last_sequence,
    last_hash,
    last_timestamp,
    first_broken_sequence,
    broken_reason,
    created_at
FROM gathered_audit_chains
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: immutable_audit_entries(first_rowid, last_rowid)
-- The entries of these chains.
-- from: gathered_audit_entries (id, chain, sequence_number, timestamp, timestamp_text, previous_hash, entry_hash, hash_version, event_type, actor, actor_type, resource_type, resource_id, action, details, correlation_id, workspace_id, ip_address, user_agent, signature)
-- ignored: path, older_hash
-- into: immutable_audit_entries
-- key: id
SELECT
    rowid AS source_rowid,
    id,
    chain,
    sequence_number,
    timestamp,
    timestamp_text,
    previous_hash,
    entry_hash,
    hash_version,
    event_type,
    actor,
    actor_type,
    resource_type,
    resource_id,
    action,
    details,
    correlation_id,
    workspace_id,
    ip_address,
    user_agent,
    signature
FROM gathered_audit_entries
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: immutable_daily_anchors(first_rowid, last_rowid)
-- The anchors of the folder.
-- from: gathered_audit_anchors (chain, date, first_sequence, last_sequence, entry_count, merkle_root, chain_hash, created_at)
-- ignored: path
-- into: immutable_daily_anchors
-- key: chain, date
-- values: tree_version = 1
SELECT
    rowid AS source_rowid,
    chain,
    date,
    first_sequence,
    last_sequence,
    entry_count,
    merkle_root,
    chain_hash,
    1 AS tree_version,
    created_at
FROM gathered_audit_anchors
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

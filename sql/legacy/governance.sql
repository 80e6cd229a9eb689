-- How the older Aragora's approvals, verifications, decisions and approval requests map onto today's
-- tables, and the files of its rollback points, which the migration gathers into a table. Times of
-- aragora_governance.db are local; of an approval request the document in data_json is what counts:
-- its columns were a projection of it, and created_at the time of the last save. See
-- docs/migration.md ("How a mapping is written").

-- name: approvals(first_rowid, last_rowid)
-- Approvals. One decision was enough; when it was made is known of those that name who approved.
-- from: governance_approvals (approval_id, title, risk_level, status, requested_at, changes_json)
-- optional: description, requested_by, timeout_seconds, approved_by, approved_at, rejection_reason
-- optional: org_id, workspace_id, metadata_json
-- into: governance_approvals
-- key: approval_id
-- merge: newest requested_at
-- merge: keep approve_votes or reject_votes or decided_at, status, approved_by, approved_at, rejection_reason by requested_at
-- values: description = description, ''; changes = changes_json, []; metadata = metadata_json, {}
-- values: timeout_seconds = nonzero timeout_seconds, 3600; org_id = nonblank org_id
-- values: requested_by = nonblank requested_by; approved_by = nonblank approved_by
-- values: decided_at = approved_at when status is approved or rejected or expired or cancelled or timeout or escalated
-- values: approve_votes = 1 when status is approved, 0; reject_votes = 1 when status is rejected, 0
SELECT
    rowid AS source_rowid,
    approval_id,
    title,
    coalesce(description, '') AS description,
    risk_level,
    status,
    nullif(requested_by, '') AS requested_by,
    requested_at,
    coalesce(nullif(changes_json, ''), '[]') AS changes,
    coalesce(nullif(timeout_seconds, 0), 3600) AS timeout_seconds,
    CASE WHEN status = 'approved' THEN 1 ELSE 0 END AS approve_votes,
    CASE WHEN status = 'rejected' THEN 1 ELSE 0 END AS reject_votes,
    nullif(approved_by, '') AS approved_by,
    approved_at,
    CASE
        WHEN status IN ('approved', 'rejected', 'expired', 'cancelled', 'timeout', 'escalated')
            THEN approved_at
    END AS decided_at,
    rejection_reason,
    nullif(org_id, '') AS org_id,
    workspace_id,
    coalesce(nullif(metadata_json, ''), '{}') AS metadata,
    CASE
        WHEN status = 'pending'
            THEN 'approvals that waited for a decision; those that are too old expire'
        WHEN approved_at IS NULL
            THEN 'approvals without the time of their decision, which was not kept'
    END AS note_decision
FROM governance_approvals
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: verifications(first_rowid, last_rowid)
-- Verifications.
-- from: governance_verifications (verification_id, claim, result_json, timestamp)
-- optional: claim_type, context, verified_by, confidence, proof_tree_json, org_id, workspace_id
-- into: verification_records
-- key: verification_id
-- merge: newest timestamp
-- values: context = context, ''; result = result_json; verified_by = nonblank verified_by, 'system'
-- values: confidence = confidence, 0; proof_tree = proof_tree_json; org_id = nonblank org_id
SELECT
    rowid AS source_rowid,
    verification_id,
    claim,
    claim_type,
    coalesce(context, '') AS context,
    result_json AS result,
    timestamp,
    coalesce(nullif(verified_by, ''), 'system') AS verified_by,
    coalesce(confidence, 0) AS confidence,
    nullif(nullif(proof_tree_json, ''), 'null') AS proof_tree,
    nullif(org_id, '') AS org_id,
    workspace_id
FROM governance_verifications
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: decisions(first_rowid, last_rowid)
-- Decisions.
-- from: governance_decisions (decision_id, debate_id, timestamp)
-- optional: conclusion, consensus_reached, confidence, evidence_chain_json, vote_pivots_json
-- optional: belief_changes_json, agents_involved_json, org_id, workspace_id, metadata_json
-- into: decision_records
-- key: decision_id
-- merge: newest timestamp
-- values: conclusion = conclusion, ''; consensus_reached = consensus_reached, 0
-- values: confidence = confidence, 0; evidence_chain = evidence_chain_json, []
-- values: vote_pivots = vote_pivots_json, []; belief_changes = belief_changes_json, []
-- values: agents_involved = agents_involved_json, []; metadata = metadata_json, {}
-- values: org_id = nonblank org_id
SELECT
    rowid AS source_rowid,
    decision_id,
    debate_id,
    coalesce(conclusion, '') AS conclusion,
    coalesce(consensus_reached, 0) AS consensus_reached,
    coalesce(confidence, 0) AS confidence,
    timestamp,
    coalesce(nullif(evidence_chain_json, ''), '[]') AS evidence_chain,
    coalesce(nullif(vote_pivots_json, ''), '[]') AS vote_pivots,
    coalesce(nullif(belief_changes_json, ''), '[]') AS belief_changes,
    coalesce(nullif(agents_involved_json, ''), '[]') AS agents_involved,
    nullif(org_id, '') AS org_id,
    workspace_id,
    coalesce(nullif(metadata_json, ''), '{}') AS metadata
FROM governance_decisions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: rollback_files(first_rowid, last_rowid)
-- Files of rollback points. The name of the file is the id where the document has none.
-- from: rollback_point_files (storage_id, path, document)
-- into: rollback_points
-- key: rollback_id
-- repeats: a rollback point in two folders
-- merge: newest created_at
-- values: metadata = document.metadata, {}; rollback_id = document.id, storage_id
-- values: description = document.description, ''; git_commit = document.git_commit
-- values: file_backups = document.file_backups, {}; created_at = document.created_at
-- values: database_snapshot = document.database_snapshot
SELECT
    source_rowid,
    -- First, as it says best what is wrong with a document that can't be read.
    CASE
        WHEN document IS NULL THEN original
        ELSE coalesce(nullif(document -> '$.metadata', 'null'), '{}')
    END AS metadata,
    coalesce(document ->> '$.id', storage_id) AS rollback_id,
    coalesce(document ->> '$.description', '') AS description,
    document ->> '$.git_commit' AS git_commit,
    coalesce(nullif(document -> '$.file_backups', 'null'), '{}') AS file_backups,
    document ->> '$.database_snapshot' AS database_snapshot,
    document ->> '$.created_at' AS created_at
FROM (
    SELECT
        rowid AS source_rowid,
        storage_id,
        document AS original,
        CASE
            WHEN json_valid(document) AND is_sound(cast(document AS BLOB)) THEN document
        END AS document
    FROM rollback_point_files
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS files;

-- name: requests(first_rowid, last_rowid)
-- Approval requests. Members that have no column are kept in `extra`.
-- from: approval_requests (request_id, data_json, created_at, updated_at)
-- optional: workflow_id, step_id, title, status, requester_id, responder_id, priority, workspace_id
-- optional: expires_at, responded_at
-- into: approval_requests
-- key: request_id
-- merge: newest updated_at
-- unix: created_at, updated_at
-- utc: created_at, updated_at, expires_at, responded_at
-- values: extra = others(data_json); workflow_id = data_json.workflow_id, workflow_id
-- values: step_id = data_json.step_id, step_id; title = data_json.title, title, ''
-- values: description = data_json.description; status = data_json.status, status, 'pending'
-- values: request_data = data_json.request_data, {}; response_data = data_json.response_data
-- values: requester_id = present data_json.requester_id, requester_id
-- values: responder_id = present data_json.responder_id, responder_id
-- values: priority = data_json.priority, priority, 3; tags = data_json.tags, []
-- values: workspace_id = present data_json.workspace_id, workspace_id
-- values: expires_at = present data_json.expires_at, expires_at
-- values: responded_at = present data_json.responded_at, responded_at
-- values: created_at = data_json.created_at, created_at; updated_at = data_json.updated_at, updated_at
SELECT
    source_rowid,
    request_id,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(
        json_remove(
            document,
            '$.request_id', '$.workflow_id', '$.step_id', '$.title', '$.description', '$.status',
            '$.request_data', '$.response_data', '$.requester_id', '$.responder_id', '$.priority',
            '$.workspace_id', '$.tags', '$.expires_at', '$.responded_at', '$.created_at',
            '$.updated_at'
        ),
        data_json
    ) AS extra,
    coalesce(document ->> '$.workflow_id', workflow_id) AS workflow_id,
    coalesce(document ->> '$.step_id', step_id) AS step_id,
    coalesce(document ->> '$.title', title, '') AS title,
    document ->> '$.description' AS description,
    coalesce(document ->> '$.status', status, 'pending') AS status,
    coalesce(nullif(document -> '$.request_data', 'null'), '{}') AS request_data,
    nullif(document -> '$.response_data', 'null') AS response_data,
    CASE
        WHEN json_type(document, '$.requester_id') IS NULL THEN requester_id
        ELSE document ->> '$.requester_id'
    END AS requester_id,
    CASE
        WHEN json_type(document, '$.responder_id') IS NULL THEN responder_id
        ELSE document ->> '$.responder_id'
    END AS responder_id,
    coalesce(document ->> '$.priority', priority, 3) AS priority,
    CASE
        WHEN json_type(document, '$.workspace_id') IS NULL THEN workspace_id
        ELSE document ->> '$.workspace_id'
    END AS workspace_id,
    coalesce(nullif(document -> '$.tags', 'null'), '[]') AS tags,
    CASE
        WHEN json_type(document, '$.expires_at') IS NULL THEN expires_at
        ELSE document ->> '$.expires_at'
    END AS expires_at,
    CASE
        WHEN json_type(document, '$.responded_at') IS NULL THEN responded_at
        ELSE document ->> '$.responded_at'
    END AS responded_at,
    coalesce(document ->> '$.created_at', created_at) AS created_at,
    coalesce(document ->> '$.updated_at', updated_at) AS updated_at
FROM (
    SELECT
        rowid AS source_rowid,
        request_id,
        workflow_id,
        step_id,
        title,
        status,
        requester_id,
        responder_id,
        priority,
        workspace_id,
        expires_at,
        responded_at,
        created_at,
        updated_at,
        data_json,
        CASE
            WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
        END AS document
    FROM approval_requests
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS requests;

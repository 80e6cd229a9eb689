-- How the older Aragora's token blacklist and impersonation map onto today's tables.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: token_blacklist(first_rowid, last_rowid)
-- Refused tokens. Times are seconds since 1970; whose token it is was not kept.
-- from: token_blacklist (jti, expires_at, revoked_at)
-- into: token_blacklist
-- key: jti
-- merge: newest expires_at
-- unix: expires_at, revoked_at
-- values: revoked_at = revoked_at, expires_at
SELECT
    rowid AS source_rowid,
    jti,
    expires_at,
    coalesce(revoked_at, expires_at) AS revoked_at
FROM token_blacklist
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: impersonation_sessions(first_rowid, last_rowid)
-- Sessions in which an administrator acted as somebody else.
-- from: impersonation_sessions (session_id, admin_user_id, admin_email, target_user_id, target_email, reason, started_at, expires_at)
-- optional: ip_address, user_agent, actions_performed, ended_at, ended_by
-- into: impersonation_sessions
-- key: session_id
-- merge: newest started_at
-- merge: keep ended_at, ended_by, actions_performed by started_at
-- values: actions_performed = actions_performed, 0
SELECT
    rowid AS source_rowid,
    session_id,
    admin_user_id,
    admin_email,
    target_user_id,
    target_email,
    reason,
    started_at,
    expires_at,
    ip_address,
    user_agent,
    coalesce(actions_performed, 0) AS actions_performed,
    ended_at,
    ended_by
FROM impersonation_sessions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: impersonation_audit(first_rowid, last_rowid)
-- What was done in these sessions.
-- from: impersonation_audit (audit_id, timestamp, event_type, admin_user_id, success)
-- optional: session_id, target_user_id, reason, action_details_json, ip_address, user_agent, error_message
-- into: impersonation_audit
-- key: audit_id
-- merge: newest timestamp
-- values: action_details = action_details_json
SELECT
    rowid AS source_rowid,
    audit_id,
    timestamp,
    event_type,
    session_id,
    admin_user_id,
    target_user_id,
    reason,
    nullif(action_details_json, '') AS action_details,
    ip_address,
    user_agent,
    success,
    error_message
FROM impersonation_audit
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

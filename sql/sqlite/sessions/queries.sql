-- Queries of the store of sessions: refused tokens, impersonation and its audit.

-- name: upsert_token(jti, expires_at, revoked_at, user_id, reason)!
-- Refuse a token; one that is refused already is so for no shorter time.
INSERT INTO token_blacklist (jti, expires_at, revoked_at, user_id, reason)
VALUES (:jti, :expires_at, :revoked_at, :user_id, :reason)
ON CONFLICT (jti) DO UPDATE SET
    expires_at = max(token_blacklist.expires_at, excluded.expires_at),
    user_id = coalesce(excluded.user_id, token_blacklist.user_id),
    reason = coalesce(excluded.reason, token_blacklist.reason);

-- name: is_revoked(jti, user_id, issued_at, now)$
-- Tell whether a token is refused: itself, or with all tokens of its user that are as old.
-- result: revoked boolean, revoked not null
SELECT
    EXISTS (
        SELECT 1
        FROM token_blacklist AS t
        WHERE t.jti = :jti AND t.expires_at > :now
    )
    OR EXISTS (
        SELECT 1
        FROM token_revocations AS r
        WHERE
            r.user_id = :user_id
            AND r.issued_before > :issued_at
            AND r.expires_at > :now
    ) AS revoked;

-- name: is_token_revoked(jti, now)$
-- Tell whether a token itself is refused.
-- result: revoked boolean, revoked not null
SELECT
    exists(
        SELECT 1
        FROM token_blacklist AS t
        WHERE t.jti = :jti AND t.expires_at > :now
    ) AS revoked;

-- name: upsert_revocation(user_id, issued_before, expires_at, revoked_at, reason)!
-- Refuse the tokens of a user that were issued before a time, and no fewer than so far.
INSERT INTO token_revocations (user_id, issued_before, expires_at, revoked_at, reason)
VALUES (:user_id, :issued_before, :expires_at, :revoked_at, :reason)
ON CONFLICT (user_id) DO UPDATE SET
    issued_before = max(token_revocations.issued_before, excluded.issued_before),
    expires_at = max(token_revocations.expires_at, excluded.expires_at),
    revoked_at = excluded.revoked_at,
    reason = excluded.reason;

-- name: list_tokens_of_user(user_id, now, row_limit)
-- List the refused tokens of a user that have not expired, the last that was revoked first.
SELECT
    -- columns: RevokedToken
    t.jti,
    t.expires_at,
    t.revoked_at,
    t.user_id,
    t.reason
FROM token_blacklist AS t
WHERE
    t.user_id = :user_id
    AND t.expires_at > :now
ORDER BY t.revoked_at DESC, t.jti ASC
LIMIT :row_limit;

-- name: count_tokens(now)$
-- Count the refused tokens that have not expired.
SELECT count(*) AS total
FROM token_blacklist AS t
WHERE t.expires_at > :now;

-- name: delete_expired_tokens(now, row_limit)!
-- Delete some of the refused tokens that have expired.
DELETE FROM token_blacklist
WHERE jti IN (
    SELECT x.jti
    FROM token_blacklist AS x
    WHERE x.expires_at <= :now
    ORDER BY x.expires_at, x.jti
    LIMIT :row_limit
);

-- name: delete_expired_revocations(now, row_limit)!
-- Delete some of the revocations that are of no use any more.
DELETE FROM token_revocations
WHERE user_id IN (
    SELECT x.user_id
    FROM token_revocations AS x
    WHERE x.expires_at <= :now
    ORDER BY x.expires_at, x.user_id
    LIMIT :row_limit
);

-- name: save_session(session_id, admin_user_id, admin_email, target_user_id, target_email, reason, started_at, expires_at, ip_address, user_agent, actions_performed)!
-- Store a session; of one that is there only the counter is refreshed, and never falls.
INSERT INTO impersonation_sessions (
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
    actions_performed
)
VALUES (
    :session_id,
    :admin_user_id,
    :admin_email,
    :target_user_id,
    :target_email,
    :reason,
    :started_at,
    :expires_at,
    :ip_address,
    :user_agent,
    :actions_performed
)
ON CONFLICT (session_id) DO UPDATE SET
    actions_performed
    = max(impersonation_sessions.actions_performed, excluded.actions_performed);

-- name: update_actions(session_id, actions_performed)!
-- Set the counter of a session that has not ended.
UPDATE impersonation_sessions
SET actions_performed = :actions_performed
WHERE
    session_id = :session_id
    AND ended_at IS NULL;

-- name: end_session(session_id, ended_at, ended_by, actions_performed)!
-- End a session that has not ended.
UPDATE impersonation_sessions
SET
    ended_at = :ended_at,
    ended_by = :ended_by,
    actions_performed = coalesce(:actions_performed, actions_performed)
WHERE
    session_id = :session_id
    AND ended_at IS NULL;

-- name: get_session(session_id)^
-- Return a session.
SELECT
    -- columns: ImpersonationSession
    s.session_id,
    s.admin_user_id,
    s.admin_email,
    s.target_user_id,
    s.target_email,
    s.reason,
    s.started_at,
    s.expires_at,
    s.ip_address,
    s.user_agent,
    s.actions_performed,
    s.ended_at,
    s.ended_by
FROM impersonation_sessions AS s
WHERE s.session_id = :session_id;

-- name: list_active_sessions(now, row_limit)
-- List the sessions that have neither ended nor expired, the newest first.
SELECT
    -- columns: ImpersonationSession
    s.session_id,
    s.admin_user_id,
    s.admin_email,
    s.target_user_id,
    s.target_email,
    s.reason,
    s.started_at,
    s.expires_at,
    s.ip_address,
    s.user_agent,
    s.actions_performed,
    s.ended_at,
    s.ended_by
FROM impersonation_sessions AS s
WHERE
    s.ended_at IS NULL
    AND s.expires_at > :now
ORDER BY s.started_at DESC, s.session_id DESC
LIMIT :row_limit;

-- name: list_active_sessions_of_admin(admin_user_id, now, row_limit)
-- List the sessions of an administrator that have neither ended nor expired, the newest first.
SELECT
    -- columns: ImpersonationSession
    s.session_id,
    s.admin_user_id,
    s.admin_email,
    s.target_user_id,
    s.target_email,
    s.reason,
    s.started_at,
    s.expires_at,
    s.ip_address,
    s.user_agent,
    s.actions_performed,
    s.ended_at,
    s.ended_by
FROM impersonation_sessions AS s
WHERE
    s.admin_user_id = :admin_user_id
    AND s.ended_at IS NULL
    AND s.expires_at > :now
ORDER BY s.started_at DESC, s.session_id DESC
LIMIT :row_limit;

-- name: list_sessions_of_admin(admin_user_id, include_ended, after_timestamp, after_id, row_limit)
-- List the sessions of an administrator, the newest first, from a place on.
SELECT
    -- columns: ImpersonationSession
    s.session_id,
    s.admin_user_id,
    s.admin_email,
    s.target_user_id,
    s.target_email,
    s.reason,
    s.started_at,
    s.expires_at,
    s.ip_address,
    s.user_agent,
    s.actions_performed,
    s.ended_at,
    s.ended_by
FROM impersonation_sessions AS s
WHERE
    s.admin_user_id = :admin_user_id
    AND (:include_ended OR s.ended_at IS NULL)
    AND (s.started_at, s.session_id) < (:after_timestamp, :after_id)
ORDER BY s.started_at DESC, s.session_id DESC
LIMIT :row_limit;

-- name: end_expired_sessions(now, row_limit)!
-- End some of the sessions that have expired.
UPDATE impersonation_sessions
SET
    ended_at = :now,
    ended_by = 'timeout'
WHERE session_id IN (
    SELECT x.session_id
    FROM impersonation_sessions AS x
    WHERE
        x.ended_at IS NULL
        AND x.expires_at <= :now
    ORDER BY x.expires_at, x.session_id
    LIMIT :row_limit
);

-- name: delete_ended_sessions(older_than, row_limit)!
-- Delete some of the sessions that ended before a time.
DELETE FROM impersonation_sessions
WHERE session_id IN (
    SELECT x.session_id
    FROM impersonation_sessions AS x
    WHERE x.ended_at < :older_than
    ORDER BY x.ended_at, x.session_id
    LIMIT :row_limit
);

-- name: insert_audit(audit_id, timestamp, event_type, session_id, admin_user_id, target_user_id, reason, action_details, ip_address, user_agent, success, error_message)!
-- Store an entry, unless there is one of this identifier.
INSERT INTO impersonation_audit (
    audit_id,
    timestamp,
    event_type,
    session_id,
    admin_user_id,
    target_user_id,
    reason,
    action_details,
    ip_address,
    user_agent,
    success,
    error_message
)
VALUES (
    :audit_id,
    :timestamp,
    :event_type,
    :session_id,
    :admin_user_id,
    :target_user_id,
    :reason,
    :action_details,
    :ip_address,
    :user_agent,
    :success,
    :error_message
)
ON CONFLICT (audit_id) DO NOTHING;

-- name: list_audit(event_type, since, after_timestamp, after_id, row_limit)
-- List entries, the newest first, from a place on.
-- plan: filtered_walk allowed because there are five kinds of events
SELECT
    -- columns: ImpersonationEvent
    a.audit_id,
    a.timestamp,
    a.event_type,
    a.session_id,
    a.admin_user_id,
    a.target_user_id,
    a.reason,
    a.action_details,
    a.ip_address,
    a.user_agent,
    a.success,
    a.error_message
FROM impersonation_audit AS a
WHERE
    a.timestamp >= :since
    AND (a.timestamp, a.audit_id) < (:after_timestamp, :after_id)
    AND (:event_type IS NULL OR a.event_type = :event_type)
ORDER BY a.timestamp DESC, a.audit_id DESC
LIMIT :row_limit;

-- name: list_audit_of_session(session_id, admin_user_id, target_user_id, event_type, since, after_timestamp, after_id, row_limit)
-- List the entries of a session, the newest first, from a place on.
SELECT
    -- columns: ImpersonationEvent
    a.audit_id,
    a.timestamp,
    a.event_type,
    a.session_id,
    a.admin_user_id,
    a.target_user_id,
    a.reason,
    a.action_details,
    a.ip_address,
    a.user_agent,
    a.success,
    a.error_message
FROM impersonation_audit AS a
WHERE
    a.session_id = :session_id
    AND a.timestamp >= :since
    AND (a.timestamp, a.audit_id) < (:after_timestamp, :after_id)
    AND (:admin_user_id IS NULL OR a.admin_user_id = :admin_user_id)
    AND (:target_user_id IS NULL OR a.target_user_id = :target_user_id)
    AND (:event_type IS NULL OR a.event_type = :event_type)
ORDER BY a.timestamp DESC, a.audit_id DESC
LIMIT :row_limit;

-- name: list_audit_of_target(target_user_id, admin_user_id, event_type, since, after_timestamp, after_id, row_limit)
-- List the entries about a user, the newest first, from a place on.
SELECT
    -- columns: ImpersonationEvent
    a.audit_id,
    a.timestamp,
    a.event_type,
    a.session_id,
    a.admin_user_id,
    a.target_user_id,
    a.reason,
    a.action_details,
    a.ip_address,
    a.user_agent,
    a.success,
    a.error_message
FROM impersonation_audit AS a
WHERE
    a.target_user_id = :target_user_id
    AND a.timestamp >= :since
    AND (a.timestamp, a.audit_id) < (:after_timestamp, :after_id)
    AND (:admin_user_id IS NULL OR a.admin_user_id = :admin_user_id)
    AND (:event_type IS NULL OR a.event_type = :event_type)
ORDER BY a.timestamp DESC, a.audit_id DESC
LIMIT :row_limit;

-- name: list_audit_of_admin(admin_user_id, event_type, since, after_timestamp, after_id, row_limit)
-- List the entries of an administrator, the newest first, from a place on.
SELECT
    -- columns: ImpersonationEvent
    a.audit_id,
    a.timestamp,
    a.event_type,
    a.session_id,
    a.admin_user_id,
    a.target_user_id,
    a.reason,
    a.action_details,
    a.ip_address,
    a.user_agent,
    a.success,
    a.error_message
FROM impersonation_audit AS a
WHERE
    a.admin_user_id = :admin_user_id
    AND a.timestamp >= :since
    AND (a.timestamp, a.audit_id) < (:after_timestamp, :after_id)
    AND (:event_type IS NULL OR a.event_type = :event_type)
ORDER BY a.timestamp DESC, a.audit_id DESC
LIMIT :row_limit;

-- name: delete_audit(older_than, row_limit)!
-- Delete some of the entries that are older than a time.
DELETE FROM impersonation_audit
WHERE audit_id IN (
    SELECT x.audit_id
    FROM impersonation_audit AS x
    WHERE x.timestamp < :older_than
    ORDER BY x.timestamp, x.audit_id
    LIMIT :row_limit
);

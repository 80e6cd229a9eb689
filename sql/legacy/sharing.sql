-- How the older Aragora's links to debates and receipts map onto today's tables. Their tokens were
-- kept in the clear, and are hashed on the way. See docs/migration.md ("How a mapping is written").

-- name: share_links(first_rowid, last_rowid)
-- Links to debates. A link that was revoked has no token.
-- from: share_links (debate_id, token, visibility, created_at)
-- optional: owner_id, org_id, expires_at, allow_comments, allow_forking, view_count, last_viewed_at
-- into: share_links
-- key: debate_id
-- secrets: token_hash
-- copies: created_at
-- merge: newest created_at; without token_hash; add view_count
-- unix: created_at, expires_at, last_viewed_at
-- values: token_hash = sha256(token); visibility = visibility, 'private'; org_id = nonblank org_id
-- values: owner_id = nonblank owner_id; allow_comments = allow_comments, 0
-- values: allow_forking = allow_forking, 0; view_count = view_count, 0
SELECT
    rowid AS source_rowid,
    debate_id,
    sha256_text(cast(token AS BLOB)) AS token_hash,
    coalesce(visibility, 'private') AS visibility,
    nullif(owner_id, '') AS owner_id,
    nullif(org_id, '') AS org_id,
    created_at,
    expires_at,
    coalesce(allow_comments, 0) AS allow_comments,
    coalesce(allow_forking, 0) AS allow_forking,
    coalesce(view_count, 0) AS view_count,
    last_viewed_at
FROM share_links
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: receipt_shares(first_rowid, last_rowid)
-- Links to receipts. A limit of 0 was none.
-- from: receipt_shares (token, receipt_id, created_at, expires_at)
-- optional: max_accesses, access_count, created_by
-- into: receipt_shares
-- key: token_hash
-- secrets: token_hash
-- copies: created_at
-- merge: newest created_at; add access_count
-- unix: created_at, expires_at
-- values: token_hash = sha256(token); max_accesses = nonzero max_accesses
-- values: access_count = access_count, 0; created_by = nonblank created_by
SELECT
    rowid AS source_rowid,
    sha256_text(cast(token AS BLOB)) AS token_hash,
    receipt_id,
    created_at,
    expires_at,
    nullif(max_accesses, 0) AS max_accesses,
    coalesce(access_count, 0) AS access_count,
    nullif(created_by, '') AS created_by
FROM receipt_shares
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

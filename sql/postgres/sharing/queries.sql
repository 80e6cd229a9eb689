-- Queries of the store of links to debates and receipts.

-- name: save_link(debate_id, visibility, owner_id, org_id, expires_at, allow_comments, allow_forking, max_uses)^
-- Store how a debate is shared, or change it; its organization stays, and its owner unless
-- another is given. What is another organization's or none's stays as it is.
INSERT INTO share_links (
    debate_id,
    visibility,
    owner_id,
    org_id,
    created_at,
    expires_at,
    allow_comments,
    allow_forking,
    max_uses
)
VALUES (
    :debate_id,
    :visibility,
    :owner_id,
    :org_id,
    statement_timestamp(),
    :expires_at,
    :allow_comments,
    :allow_forking,
    :max_uses
)
ON CONFLICT (debate_id) DO UPDATE
    SET
        visibility = excluded.visibility,
        owner_id = coalesce(excluded.owner_id, share_links.owner_id),
        expires_at = excluded.expires_at,
        allow_comments = excluded.allow_comments,
        allow_forking = excluded.allow_forking,
        max_uses = excluded.max_uses
    WHERE
    excluded.org_id IS NULL
    OR share_links.org_id = excluded.org_id
RETURNING
    -- columns: ShareLink
    debate_id,
    coalesce(token_hash, '') <> '' AS is_linked,
    coalesce(password_hash, '') <> '' AS asks_password,
    visibility,
    owner_id,
    org_id,
    created_at,
    expires_at,
    allow_comments,
    allow_forking,
    max_uses,
    use_count,
    view_count,
    last_viewed_at;

-- name: set_token(debate_id, token_hash)!
-- Give a debate a new link; the one before it opens no more.
UPDATE share_links
SET
    token_hash = :token_hash,
    use_count = 0
WHERE debate_id = :debate_id;

-- name: revoke_token(debate_id)!
-- Take the link of a debate away, where it has one.
UPDATE share_links
SET token_hash = NULL
WHERE
    debate_id = :debate_id
    AND token_hash IS NOT NULL;

-- name: set_password(debate_id, password_hash)!
-- Set the hash of the password that the link of a debate asks for; NULL for none.
UPDATE share_links
SET password_hash = :password_hash
WHERE debate_id = :debate_id;

-- name: get_link(debate_id, include_expired)^
-- Return how a debate is shared, unless that is over.
SELECT
    -- columns: ShareLink
    s.debate_id,
    coalesce(s.token_hash, '') <> '' AS is_linked,
    coalesce(s.password_hash, '') <> '' AS asks_password,
    s.visibility,
    s.owner_id,
    s.org_id,
    s.created_at,
    s.expires_at,
    s.allow_comments,
    s.allow_forking,
    s.max_uses,
    s.use_count,
    s.view_count,
    s.last_viewed_at
FROM share_links AS s
WHERE
    s.debate_id = :debate_id
    AND (
        :include_expired::boolean
        OR s.expires_at IS NULL
        OR s.expires_at > statement_timestamp()
    );

-- name: get_link_by_token(token_hash)^
-- Return how the debate of a link is shared, unless that is over.
SELECT
    -- columns: ShareLink
    s.debate_id,
    coalesce(s.token_hash, '') <> '' AS is_linked,
    coalesce(s.password_hash, '') <> '' AS asks_password,
    s.visibility,
    s.owner_id,
    s.org_id,
    s.created_at,
    s.expires_at,
    s.allow_comments,
    s.allow_forking,
    s.max_uses,
    s.use_count,
    s.view_count,
    s.last_viewed_at
FROM share_links AS s
WHERE
    s.token_hash = :token_hash
    AND (s.expires_at IS NULL OR s.expires_at > statement_timestamp());

-- name: get_password_hash(token_hash)$
-- Return the hash of the password that a link asks for, of one that opens.
SELECT s.password_hash
FROM share_links AS s
WHERE
    s.token_hash = :token_hash
    AND (s.expires_at IS NULL OR s.expires_at > statement_timestamp())
    AND (s.max_uses IS NULL OR s.use_count < s.max_uses);

-- name: redeem_link(token_hash, password_hash)^
-- Open a link once, unless it is over, was opened as often as it may, or asks for another password
-- than that whose hash was verified (NULL: none was).
UPDATE share_links
SET
    use_count = use_count + 1,
    view_count = view_count + 1,
    last_viewed_at = statement_timestamp()
WHERE
    token_hash = :token_hash
    AND (expires_at IS NULL OR expires_at > statement_timestamp())
    AND (max_uses IS NULL OR use_count < max_uses)
    AND coalesce(password_hash, '') = coalesce(:password_hash::text, '')
RETURNING
    -- columns: ShareLink
    debate_id,
    coalesce(token_hash, '') <> '' AS is_linked,
    coalesce(password_hash, '') <> '' AS asks_password,
    visibility,
    owner_id,
    org_id,
    created_at,
    expires_at,
    allow_comments,
    allow_forking,
    max_uses,
    use_count,
    view_count,
    last_viewed_at;

-- name: count_view(debate_id)!
-- Count that a debate was seen.
UPDATE share_links
SET
    view_count = view_count + 1,
    last_viewed_at = statement_timestamp()
WHERE debate_id = :debate_id;

-- name: delete_link(debate_id)!
-- Delete how a debate is shared, and with it its link.
DELETE FROM share_links
WHERE debate_id = :debate_id;

-- name: list_links_of_owner(owner_id, after_timestamp, after_id, row_limit)
-- List what a user shares, newest first, from a place on, also what is over.
SELECT
    -- columns: ShareLink
    s.debate_id,
    coalesce(s.token_hash, '') <> '' AS is_linked,
    coalesce(s.password_hash, '') <> '' AS asks_password,
    s.visibility,
    s.owner_id,
    s.org_id,
    s.created_at,
    s.expires_at,
    s.allow_comments,
    s.allow_forking,
    s.max_uses,
    s.use_count,
    s.view_count,
    s.last_viewed_at
FROM share_links AS s
WHERE
    s.owner_id = :owner_id
    AND (s.created_at, s.debate_id) < (:after_timestamp, :after_id::text)
ORDER BY s.created_at DESC, s.debate_id DESC
LIMIT :row_limit;

-- name: list_links_of_org(org_id, visibility, after_timestamp, after_id, row_limit)
-- List what an organization shares with the same people, newest first, from a place on, also what is
-- over.
SELECT
    -- columns: ShareLink
    s.debate_id,
    coalesce(s.token_hash, '') <> '' AS is_linked,
    coalesce(s.password_hash, '') <> '' AS asks_password,
    s.visibility,
    s.owner_id,
    s.org_id,
    s.created_at,
    s.expires_at,
    s.allow_comments,
    s.allow_forking,
    s.max_uses,
    s.use_count,
    s.view_count,
    s.last_viewed_at
FROM share_links AS s
WHERE
    s.org_id = :org_id
    AND s.visibility = :visibility
    AND (s.created_at, s.debate_id) < (:after_timestamp, :after_id::text)
ORDER BY s.created_at DESC, s.debate_id DESC
LIMIT :row_limit;

-- name: get_link_statistics()^
-- Count what is shared, with whom, what of it has a link or is over, and how often it was seen.
-- plan: seq_scan allowed because statistics of all links look at all links
-- result: total_views not null
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE s.visibility = 'private') AS private_links,
    count(*) FILTER (WHERE s.visibility = 'team') AS team_links,
    count(*) FILTER (WHERE s.visibility = 'public') AS public_links,
    count(*) FILTER (WHERE s.token_hash IS NOT NULL) AS with_tokens,
    count(*) FILTER (WHERE s.expires_at <= statement_timestamp()) AS expired,
    coalesce(sum(s.view_count), 0)::bigint AS total_views
FROM share_links AS s;

-- name: delete_expired_links(row_limit)!
-- Delete some of what is over.
-- locks: share_links rows in order of expires_at, debate_id, skip locked
WITH chosen AS (
    SELECT x.debate_id
    FROM share_links AS x
    WHERE x.expires_at <= statement_timestamp()
    ORDER BY x.expires_at, x.debate_id
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM share_links AS t
WHERE t.debate_id = any(array(SELECT c.debate_id FROM chosen AS c));

-- name: save_receipt_share(token_hash, receipt_id, expires_at, max_accesses, created_by)!
-- Store a link to a receipt; one of the same token is replaced and counts from 0 again.
INSERT INTO receipt_shares (
    token_hash,
    receipt_id,
    created_at,
    expires_at,
    max_accesses,
    created_by
)
VALUES (
    :token_hash,
    :receipt_id,
    statement_timestamp(),
    :expires_at,
    :max_accesses,
    :created_by
)
ON CONFLICT (token_hash) DO UPDATE SET
    receipt_id = excluded.receipt_id,
    created_at = excluded.created_at,
    expires_at = excluded.expires_at,
    max_accesses = excluded.max_accesses,
    access_count = 0,
    created_by = excluded.created_by;

-- name: redeem_receipt_share(token_hash)^
-- Open a link to a receipt once, unless it is over or was opened as often as it may.
UPDATE receipt_shares
SET access_count = access_count + 1
WHERE
    token_hash = :token_hash
    AND expires_at > statement_timestamp()
    AND (max_accesses IS NULL OR access_count < max_accesses)
RETURNING
    -- columns: ReceiptShare
    token_hash,
    receipt_id,
    created_at,
    expires_at,
    max_accesses,
    access_count,
    created_by;

-- name: get_receipt_share(token_hash)^
-- Return a link to a receipt, unless it is over.
SELECT
    -- columns: ReceiptShare
    r.token_hash,
    r.receipt_id,
    r.created_at,
    r.expires_at,
    r.max_accesses,
    r.access_count,
    r.created_by
FROM receipt_shares AS r
WHERE
    r.token_hash = :token_hash
    AND r.expires_at > statement_timestamp();

-- name: list_receipt_shares(receipt_id, after_timestamp, after_id, row_limit)
-- List the links to a receipt, newest first, from a place on, also those that are over.
SELECT
    -- columns: ReceiptShare
    r.token_hash,
    r.receipt_id,
    r.created_at,
    r.expires_at,
    r.max_accesses,
    r.access_count,
    r.created_by
FROM receipt_shares AS r
WHERE
    r.receipt_id = :receipt_id
    AND (r.created_at, r.token_hash) < (:after_timestamp, :after_id::text)
ORDER BY r.created_at DESC, r.token_hash DESC
LIMIT :row_limit;

-- name: delete_receipt_share(token_hash)!
-- Delete a link to a receipt.
DELETE FROM receipt_shares
WHERE token_hash = :token_hash;

-- name: delete_shares_of_receipt(receipt_id)!
-- Delete all links to a receipt.
DELETE FROM receipt_shares
WHERE receipt_id = :receipt_id;

-- name: delete_expired_receipt_shares(row_limit)!
-- Delete some of the links to receipts that are over.
-- locks: receipt_shares rows in order of expires_at, token_hash, skip locked
WITH chosen AS (
    SELECT x.token_hash
    FROM receipt_shares AS x
    WHERE x.expires_at <= statement_timestamp()
    ORDER BY x.expires_at, x.token_hash
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM receipt_shares AS t
WHERE t.token_hash = any(array(SELECT c.token_hash FROM chosen AS c));

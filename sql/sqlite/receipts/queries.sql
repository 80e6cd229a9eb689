-- Queries of the store of receipts.

-- name: save_receipt(receipt_id, gauntlet_id, debate_id, org_id, shape, verdict, confidence, risk_level, risk_score, checksum, audit_trail_id, user_id, requestor_id, created_by, data, content_hash, created_at, expires_at, dates_hash, signature, signature_algorithm, signature_key_id, signed_at, search_terms)!
-- Store a receipt, or replace one, unless an organization stores one that is not its own. Whose it is,
-- when it was made, until when it is kept, its hold and its timestamp stay; so does a signature of the
-- same content.
INSERT INTO receipts (
    receipt_id,
    gauntlet_id,
    debate_id,
    org_id,
    shape,
    verdict,
    confidence,
    risk_level,
    risk_score,
    checksum,
    audit_trail_id,
    user_id,
    requestor_id,
    created_by,
    data,
    content_hash,
    created_at,
    expires_at,
    dates_hash,
    signature,
    signature_algorithm,
    signature_key_id,
    signed_at,
    legal_hold,
    legal_hold_placed_at,
    search_terms
)
VALUES (
    :receipt_id,
    :gauntlet_id,
    :debate_id,
    :org_id,
    :shape,
    :verdict,
    :confidence,
    :risk_level,
    :risk_score,
    :checksum,
    :audit_trail_id,
    :user_id,
    :requestor_id,
    :created_by,
    :data,
    :content_hash,
    :created_at,
    :expires_at,
    :dates_hash,
    :signature,
    :signature_algorithm,
    :signature_key_id,
    :signed_at,
    -- What takes the place of a receipt under a hold has to be under it, or a trigger refuses it.
    coalesce((SELECT h.legal_hold FROM receipts AS h WHERE h.receipt_id = :receipt_id), FALSE),
    (SELECT p.legal_hold_placed_at FROM receipts AS p WHERE p.receipt_id = :receipt_id),
    :search_terms
)
ON CONFLICT (receipt_id) DO UPDATE SET
    gauntlet_id = excluded.gauntlet_id,
    debate_id = excluded.debate_id,
    shape = excluded.shape,
    verdict = excluded.verdict,
    confidence = excluded.confidence,
    risk_level = excluded.risk_level,
    risk_score = excluded.risk_score,
    checksum = excluded.checksum,
    audit_trail_id = excluded.audit_trail_id,
    user_id = excluded.user_id,
    requestor_id = excluded.requestor_id,
    created_by = excluded.created_by,
    data = excluded.data,
    content_hash = excluded.content_hash,
    signature = CASE
        WHEN excluded.signature IS NULL AND excluded.content_hash = receipts.content_hash
            THEN receipts.signature
        ELSE excluded.signature
    END,
    signature_algorithm = CASE
        WHEN excluded.signature IS NULL AND excluded.content_hash = receipts.content_hash
            THEN receipts.signature_algorithm
        ELSE excluded.signature_algorithm
    END,
    signature_key_id = CASE
        WHEN excluded.signature IS NULL AND excluded.content_hash = receipts.content_hash
            THEN receipts.signature_key_id
        ELSE excluded.signature_key_id
    END,
    signed_at = CASE
        WHEN excluded.signature IS NULL AND excluded.content_hash = receipts.content_hash
            THEN receipts.signed_at
        ELSE excluded.signed_at
    END,
    search_terms = excluded.search_terms
WHERE
excluded.org_id IS NULL
OR receipts.org_id = excluded.org_id;

-- name: get_receipts(receipt_ids, org_id)
-- Return some receipts, of one organization or of any, in the order of their identifiers.
SELECT
    -- columns: StoredReceipt
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.audit_trail_id,
    r.user_id,
    r.requestor_id,
    r.created_by,
    r.data,
    r.content_hash,
    r.created_at,
    r.expires_at,
    r.dates_hash,
    r.signature,
    r.signature_algorithm,
    r.signature_key_id,
    r.signed_at,
    r.timestamp_token,
    r.timestamp_tsa_url,
    r.timestamp_at,
    r.legal_hold,
    r.legal_hold_reason,
    r.legal_hold_placed_by,
    r.legal_hold_placed_at,
    r.legal_hold_matter_id,
    r.legal_hold_removed_by,
    r.legal_hold_removed_at
FROM receipts AS r
WHERE
    r.receipt_id IN (SELECT value FROM json_each(:receipt_ids))
    AND (:org_id IS NULL OR r.org_id = :org_id)
ORDER BY r.receipt_id;

-- name: find_by_gauntlet(gauntlet_id)$
-- Return the identifier of the receipt of a gauntlet.
SELECT r.receipt_id
FROM receipts AS r
WHERE r.gauntlet_id = :gauntlet_id;

-- name: list_receipts(verdict, risk_level, date_from, date_to, signed_only, after_timestamp, after_id, row_limit)
-- List receipts, newest first, from a place on, perhaps with one verdict or level, of a time, or signed.
-- plan: filtered_walk allowed because verdicts and levels are few, and most receipts are signed
SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
WHERE
    (r.created_at, r.receipt_id) < (:after_timestamp, :after_id)
    AND (:verdict IS NULL OR r.verdict = :verdict)
    AND (:risk_level IS NULL OR r.risk_level = :risk_level)
    AND (:date_from IS NULL OR r.created_at >= :date_from)
    AND (:date_to IS NULL OR r.created_at <= :date_to)
    AND (NOT :signed_only OR r.signature IS NOT NULL)
ORDER BY r.created_at DESC, r.receipt_id DESC
LIMIT :row_limit;

-- name: list_org_receipts(org_id, verdict, risk_level, date_from, date_to, signed_only, after_timestamp, after_id, row_limit)
-- List receipts of an organization, newest first, from a place on, perhaps with one verdict or level,
-- of a time, or signed.
SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
WHERE
    r.org_id = :org_id
    AND (r.created_at, r.receipt_id) < (:after_timestamp, :after_id)
    AND (:verdict IS NULL OR r.verdict = :verdict)
    AND (:risk_level IS NULL OR r.risk_level = :risk_level)
    AND (:date_from IS NULL OR r.created_at >= :date_from)
    AND (:date_to IS NULL OR r.created_at <= :date_to)
    AND (NOT :signed_only OR r.signature IS NOT NULL)
ORDER BY r.created_at DESC, r.receipt_id DESC
LIMIT :row_limit;

-- name: list_debate_receipts(debate_id, org_id, verdict, risk_level, date_from, date_to, signed_only, after_timestamp, after_id, row_limit)
-- List receipts of a debate, newest first, from a place on, of one organization or of any, perhaps
-- with one verdict or level, of a time, or signed.
SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
WHERE
    r.debate_id = :debate_id
    AND (:org_id IS NULL OR r.org_id = :org_id)
    AND (r.created_at, r.receipt_id) < (:after_timestamp, :after_id)
    AND (:verdict IS NULL OR r.verdict = :verdict)
    AND (:risk_level IS NULL OR r.risk_level = :risk_level)
    AND (:date_from IS NULL OR r.created_at >= :date_from)
    AND (:date_to IS NULL OR r.created_at <= :date_to)
    AND (NOT :signed_only OR r.signature IS NOT NULL)
ORDER BY r.created_at DESC, r.receipt_id DESC
LIMIT :row_limit;

-- name: list_sorted_receipts(sort_by, direction, debate_id, org_id, verdict, risk_level, date_from, date_to, signed_only, after_key, after_id, row_limit)
-- List receipts by a number: their confidence, risk, or when they were made or signed, in microseconds
-- since 1970; ascending (1) or descending (-1), those without it last; from a place on.
-- plan: seq_scan allowed because an order that is seldom asked for has no index
-- meaning: values of sort_by ["confidence", "risk_score", "signed_at", "created_at"] because the store knows four
-- meaning: values of direction [1.0, -1.0] because the store knows two
WITH keyed AS (
    SELECT
        x.receipt_id,
        coalesce(
            :direction * CASE :sort_by
                WHEN 'confidence' THEN x.confidence
                WHEN 'risk_score' THEN x.risk_score
                -- As integers, of whole seconds: strftime() rounds them.
                WHEN 'signed_at'
                    THEN
                        strftime('%s', substr(x.signed_at, 1, 19)) * 1000000
                        + substr(x.signed_at, 21, 6)
                ELSE
                    strftime('%s', substr(x.created_at, 1, 19)) * 1000000
                    + substr(x.created_at, 21, 6)
            END,
            1e301
        ) AS sort_key
    FROM receipts AS x
)

SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
INNER JOIN keyed AS k ON r.receipt_id = k.receipt_id
WHERE
    (k.sort_key, r.receipt_id) > (:after_key, :after_id)
    AND (:debate_id IS NULL OR r.debate_id = :debate_id)
    AND (:org_id IS NULL OR r.org_id = :org_id)
    AND (:verdict IS NULL OR r.verdict = :verdict)
    AND (:risk_level IS NULL OR r.risk_level = :risk_level)
    AND (:date_from IS NULL OR r.created_at >= :date_from)
    AND (:date_to IS NULL OR r.created_at <= :date_to)
    AND (NOT :signed_only OR r.signature IS NOT NULL)
ORDER BY k.sort_key, r.receipt_id
LIMIT :row_limit;

-- name: count_receipts(debate_id, org_id, verdict, risk_level, date_from, date_to, signed_only)$
-- Count receipts, perhaps of one debate or organization, with one verdict or level, of a time, or signed.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM receipts AS r
WHERE
    (:debate_id IS NULL OR r.debate_id = :debate_id)
    AND (:org_id IS NULL OR r.org_id = :org_id)
    AND (:verdict IS NULL OR r.verdict = :verdict)
    AND (:risk_level IS NULL OR r.risk_level = :risk_level)
    AND (:date_from IS NULL OR r.created_at >= :date_from)
    AND (:date_to IS NULL OR r.created_at <= :date_to)
    AND (NOT :signed_only OR r.signature IS NOT NULL);

-- name: search_receipts(expression, verdict, risk_level, org_id, after_timestamp, after_id, row_limit)
-- Find receipts with search terms, newest first, from a place on, perhaps with one verdict or level, or
-- of one organization.
-- meaning: values of expression ["(alpha&beta)", "alpha", "(beta&gamma)", "delta"] because the store writes it so
WITH matches AS MATERIALIZED (
    SELECT m.row_id
    FROM receipt_search AS f
    CROSS JOIN receipts AS m ON f.rowid = m.row_id
    WHERE
        f.receipt_search MATCH replace(:expression, '&', ' AND ')
        AND (:verdict IS NULL OR m.verdict = :verdict)
        AND (:risk_level IS NULL OR m.risk_level = :risk_level)
        AND (:org_id IS NULL OR m.org_id = :org_id)
        AND (m.created_at, m.receipt_id) < (:after_timestamp, :after_id)
    ORDER BY m.created_at DESC, m.receipt_id DESC
    LIMIT :row_limit
)

SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
INNER JOIN matches AS w ON r.row_id = w.row_id
ORDER BY r.created_at DESC, r.receipt_id DESC;

-- name: count_found(expression, verdict, risk_level, org_id)$
-- Count receipts with search terms, perhaps with one verdict or level, or of one organization.
-- meaning: values of expression ["(alpha&beta)", "alpha", "(beta&gamma)", "delta"] because the store writes it so
SELECT count(*) AS total
FROM receipt_search AS f
CROSS JOIN receipts AS m ON f.rowid = m.row_id
WHERE
    f.receipt_search MATCH replace(:expression, '&', ' AND ')
    AND (:verdict IS NULL OR m.verdict = :verdict)
    AND (:risk_level IS NULL OR m.risk_level = :risk_level)
    AND (:org_id IS NULL OR m.org_id = :org_id);

-- name: list_user_receipts(user_id, expression, org_id, after_timestamp, after_id, row_limit)
-- List receipts that name a user in a column or anywhere in the document, newest first, from a place on,
-- of one organization or of all.
-- meaning: values of user_id ["u1", "alpha", "beta"] because documents name these users
-- meaning: values of expression ["alpha", "beta"] because it is made of the user
SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
WHERE
    r.receipt_id IN (
        SELECT u.receipt_id
        FROM receipts AS u
        WHERE u.user_id = :user_id
        UNION
        SELECT q.receipt_id
        FROM receipts AS q
        WHERE q.requestor_id = :user_id
        UNION
        SELECT c.receipt_id
        FROM receipts AS c
        WHERE c.created_by = :user_id
        UNION
        SELECT s.receipt_id
        FROM receipt_search AS f
        CROSS JOIN receipts AS s ON f.rowid = s.row_id
        WHERE
            f.receipt_search MATCH replace(:expression, '|', ' OR ')
            AND EXISTS (
                SELECT 1
                FROM json_tree(s.data) AS j
                WHERE (j.type = 'text' AND j.atom = :user_id) OR j.key = :user_id
            )
    )
    AND (:org_id IS NULL OR r.org_id = :org_id)
    AND (r.created_at, r.receipt_id) < (:after_timestamp, :after_id)
ORDER BY r.created_at DESC, r.receipt_id DESC
LIMIT :row_limit;

-- name: count_user_receipts(user_id, expression, org_id)$
-- Count the receipts that name a user in a column or anywhere in the document, of one organization or
-- of all.
-- meaning: values of user_id ["u1", "alpha", "beta"] because documents name these users
-- meaning: values of expression ["alpha", "beta"] because it is made of the user
SELECT count(*) AS total
FROM receipts AS r
WHERE
    r.receipt_id IN (
        SELECT u.receipt_id
        FROM receipts AS u
        WHERE u.user_id = :user_id
        UNION
        SELECT q.receipt_id
        FROM receipts AS q
        WHERE q.requestor_id = :user_id
        UNION
        SELECT c.receipt_id
        FROM receipts AS c
        WHERE c.created_by = :user_id
        UNION
        SELECT s.receipt_id
        FROM receipt_search AS f
        CROSS JOIN receipts AS s ON f.rowid = s.row_id
        WHERE
            f.receipt_search MATCH replace(:expression, '|', ' OR ')
            AND EXISTS (
                SELECT 1
                FROM json_tree(s.data) AS j
                WHERE (j.type = 'text' AND j.atom = :user_id) OR j.key = :user_id
            )
    )
    AND (:org_id IS NULL OR r.org_id = :org_id);

-- name: set_signature(receipt_id, signature, algorithm, key_id)!
-- Note the signature of a receipt.
UPDATE receipts
SET
    signature = :signature,
    signature_algorithm = :algorithm,
    signature_key_id = :key_id,
    signed_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE receipt_id = :receipt_id;

-- name: set_timestamp(receipt_id, token, tsa_url, org_id)!
-- Note what a time-stamping authority said of a receipt, of one organization or of any.
UPDATE receipts
SET
    timestamp_token = :token,
    timestamp_tsa_url = :tsa_url,
    timestamp_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    receipt_id = :receipt_id
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: place_hold(receipt_id, reason, placed_by, matter_id, org_id)!
-- Place a legal hold on a receipt that is under none, of one organization or of any.
UPDATE receipts
SET
    legal_hold = TRUE,
    legal_hold_reason = :reason,
    legal_hold_placed_by = :placed_by,
    legal_hold_placed_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    legal_hold_matter_id = :matter_id,
    legal_hold_removed_by = NULL,
    legal_hold_removed_at = NULL
WHERE
    receipt_id = :receipt_id
    AND NOT legal_hold
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: remove_hold(receipt_id, removed_by, org_id)!
-- Take the legal hold of a receipt away; what was known of it stays; of one organization or
-- of any.
UPDATE receipts
SET
    legal_hold = FALSE,
    legal_hold_removed_by = :removed_by,
    legal_hold_removed_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    receipt_id = :receipt_id
    AND legal_hold
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: is_held(receipt_id, org_id)$
-- Tell whether there is a receipt under a legal hold, of one organization or of any.
-- result: held boolean not null
SELECT
    exists(
        SELECT 1
        FROM receipts AS r
        WHERE
            r.receipt_id = :receipt_id
            AND r.legal_hold
            AND (:org_id IS NULL OR r.org_id = :org_id)
    ) AS held;

-- name: list_held(matter_id, org_id, after_timestamp, after_id, row_limit)
-- List receipts under a legal hold, the newest hold first, from a place on, for one matter or for any,
-- of one organization or of all.
-- plan: filtered_walk allowed because few receipts are held, for few matters
SELECT
    -- columns: ReceiptSummary
    r.receipt_id,
    r.gauntlet_id,
    r.debate_id,
    r.org_id,
    r.shape,
    r.verdict,
    r.confidence,
    r.risk_level,
    r.risk_score,
    r.checksum,
    r.signed_at,
    r.legal_hold,
    r.legal_hold_matter_id,
    r.legal_hold_placed_at,
    r.created_at,
    r.expires_at
FROM receipts AS r
WHERE
    r.legal_hold
    AND (r.legal_hold_placed_at, r.receipt_id) < (:after_timestamp, :after_id)
    AND (:matter_id IS NULL OR r.legal_hold_matter_id = :matter_id)
    AND (:org_id IS NULL OR r.org_id = :org_id)
ORDER BY r.legal_hold_placed_at DESC, r.receipt_id DESC
LIMIT :row_limit;

-- name: get_statistics(org_id)
-- Count receipts, all and signed ones, by verdict and level, of one organization or of all.
-- plan: seq_scan allowed because statistics of all receipts look at all receipts
-- result: total not null, signed not null
SELECT
    r.verdict,
    r.risk_level,
    count(*) AS total,
    count(r.signature) AS signed
FROM receipts AS r
WHERE (:org_id IS NULL OR r.org_id = :org_id)
GROUP BY r.verdict, r.risk_level
ORDER BY r.verdict, r.risk_level;

-- name: get_retention(days_90, days_365, days_1095, soon, org_id)^
-- Count receipts by their age, those under a legal hold, and those of the others whose time is over or
-- soon will be; of one organization or of all.
-- plan: seq_scan allowed because statistics of all receipts look at all receipts
-- result: total not null, held not null, expired not null, expiring not null
-- result: under_90_days not null, under_1_year not null, under_3_years not null
-- result: oldest_at timestamp, newest_at timestamp
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE r.legal_hold) AS held,
    count(*) FILTER (
        WHERE NOT r.legal_hold AND r.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ) AS expired,
    count(*) FILTER (
        WHERE
        NOT r.legal_hold
        AND r.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
        AND r.expires_at <= :soon
    ) AS expiring,
    count(*) FILTER (WHERE r.created_at > :days_90) AS under_90_days,
    count(*) FILTER (
        WHERE r.created_at <= :days_90 AND r.created_at > :days_365
    ) AS under_1_year,
    count(*) FILTER (
        WHERE r.created_at <= :days_365 AND r.created_at > :days_1095
    ) AS under_3_years,
    min(r.created_at) AS oldest_at,
    max(r.created_at) AS newest_at
FROM receipts AS r
WHERE (:org_id IS NULL OR r.org_id = :org_id);

-- name: lock_receipt(receipt_id, org_id)^
-- Hold a receipt that is to be deleted, of one organization or of any.
SELECT
    -- columns: DeletableReceipt
    r.receipt_id,
    r.content_hash,
    r.gauntlet_id,
    r.verdict,
    r.org_id,
    r.created_at,
    r.expires_at,
    r.dates_hash,
    r.legal_hold
FROM receipts AS r
WHERE
    r.receipt_id = :receipt_id
    AND (:org_id IS NULL OR r.org_id = :org_id);

-- name: lock_expired(made_before, after_timestamp, after_id, row_limit)
-- Hold some of the receipts whose time is over, that were made before a time and are under no hold, the
-- longest over first, from a place on.
SELECT
    -- columns: DeletableReceipt
    r.receipt_id,
    r.content_hash,
    r.gauntlet_id,
    r.verdict,
    r.org_id,
    r.created_at,
    r.expires_at,
    r.dates_hash,
    r.legal_hold
FROM receipts AS r
WHERE
    NOT r.legal_hold
    AND r.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND r.created_at <= :made_before
    AND (r.expires_at, r.receipt_id) > (:after_timestamp, :after_id)
ORDER BY r.expires_at, r.receipt_id
LIMIT :row_limit;

-- name: delete_receipts(receipt_ids)!
-- Delete some receipts.
DELETE FROM receipts
WHERE receipt_id IN (SELECT value FROM json_each(:receipt_ids));

-- name: insert_deletion(deletion_id, receipt_id, receipt_checksum, gauntlet_id, verdict, org_id, reason, operator, metadata)*!
-- Note that a receipt was deleted.
INSERT INTO receipt_deletions (
    deletion_id,
    receipt_id,
    receipt_checksum,
    gauntlet_id,
    verdict,
    org_id,
    deleted_at,
    reason,
    operator,
    metadata
)
VALUES (
    :deletion_id,
    :receipt_id,
    :receipt_checksum,
    :gauntlet_id,
    :verdict,
    :org_id,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    :reason,
    :operator,
    :metadata
);

-- name: get_deletion(deletion_id, org_id)^
-- Return the proof of a deletion, of one organization or of any.
SELECT
    -- columns: ReceiptDeletion
    d.number,
    d.deletion_id,
    d.receipt_id,
    d.receipt_checksum,
    d.gauntlet_id,
    d.verdict,
    d.org_id,
    d.deleted_at,
    d.reason,
    d.operator,
    d.metadata
FROM receipt_deletions AS d
WHERE
    d.deletion_id = :deletion_id
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: list_receipt_deletions(receipt_id, org_id, row_limit)
-- List the deletions of a receipt, newest first, of one organization or of any.
SELECT
    -- columns: ReceiptDeletion
    d.number,
    d.deletion_id,
    d.receipt_id,
    d.receipt_checksum,
    d.gauntlet_id,
    d.verdict,
    d.org_id,
    d.deleted_at,
    d.reason,
    d.operator,
    d.metadata
FROM receipt_deletions AS d
WHERE
    d.receipt_id = :receipt_id
    AND (:org_id IS NULL OR d.org_id = :org_id)
ORDER BY d.deleted_at DESC, d.number DESC
LIMIT :row_limit;

-- name: list_deletions(reason, operator, org_id, from_date, to_date, after_timestamp, after_number, row_limit)
-- List deletions, newest first, from a place on, perhaps for one reason, by one operator, of one
-- organization, or of a time.
-- plan: filtered_walk allowed because reasons, operators and organizations are few
SELECT
    -- columns: ReceiptDeletion
    d.number,
    d.deletion_id,
    d.receipt_id,
    d.receipt_checksum,
    d.gauntlet_id,
    d.verdict,
    d.org_id,
    d.deleted_at,
    d.reason,
    d.operator,
    d.metadata
FROM receipt_deletions AS d
WHERE
    (d.deleted_at, d.number) < (:after_timestamp, :after_number)
    AND (:reason IS NULL OR d.reason = :reason)
    AND (:operator IS NULL OR d.operator = :operator)
    AND (:org_id IS NULL OR d.org_id = :org_id)
    AND (:from_date IS NULL OR d.deleted_at >= :from_date)
    AND (:to_date IS NULL OR d.deleted_at <= :to_date)
ORDER BY d.deleted_at DESC, d.number DESC
LIMIT :row_limit;

-- name: count_deletions(org_id, from_date, to_date)
-- Count deletions by reason, perhaps of one organization or of a time, with the first and the last of each.
-- plan: seq_scan allowed because a count of all rows looks at all rows
-- result: total not null, first_at timestamp not null, last_at timestamp not null
SELECT
    d.reason,
    count(*) AS total,
    min(d.deleted_at) AS first_at,
    max(d.deleted_at) AS last_at
FROM receipt_deletions AS d
WHERE
    (:org_id IS NULL OR d.org_id = :org_id)
    AND (:from_date IS NULL OR d.deleted_at >= :from_date)
    AND (:to_date IS NULL OR d.deleted_at <= :to_date)
GROUP BY d.reason
ORDER BY d.reason;

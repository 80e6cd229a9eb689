-- How the older Aragora's receipts map onto today's tables. Of a receipt the document in data_json
-- counts where it says more than the columns. See docs/migration.md ("How a mapping is written").

-- name: receipts(first_rowid, last_rowid)
-- Receipts. One without an id gets that of its gauntlet, one without an end is kept for 2555 days.
-- from: receipts (receipt_id, gauntlet_id, created_at, verdict, confidence, risk_level, checksum, data_json)
-- optional: debate_id, expires_at, risk_score, signature, signature_algorithm, signature_key_id
-- optional: signed_at, timestamp_token, timestamp_tsa_url, timestamp_at, legal_hold
-- optional: legal_hold_reason, legal_hold_placed_by, legal_hold_placed_at, legal_hold_matter_id
-- optional: audit_trail_id
-- into: receipts
-- key: receipt_id
-- merge: newest created_at
-- merge: keep legal_hold, legal_hold_reason, legal_hold_placed_by, legal_hold_placed_at, legal_hold_matter_id
-- merge: keep signature, signature_algorithm, signature_key_id, signed_at by content_hash
-- merge: keep timestamp_token, timestamp_tsa_url, timestamp_at by content_hash
-- unix: created_at, expires_at, signed_at, timestamp_at, legal_hold_placed_at
-- values: data = data_json; receipt_id = nonblank receipt_id, gauntlet_id
-- values: gauntlet_id = computed from gauntlet_id; debate_id = nonblank debate_id
-- values: org_id = nonblank data_json.org_id; shape = computed; risk_score = risk_score, 0
-- values: risk_level = nonblank risk_level, 'MEDIUM'; audit_trail_id = nonblank audit_trail_id
-- values: user_id = nonblank data_json.user_id; requestor_id = nonblank data_json.requestor_id
-- values: created_by = nonblank data_json.created_by; content_hash = computed; dates_hash = computed
-- values: expires_at = computed from expires_at; signature = nonblank signature
-- values: signed_at = computed from signed_at; legal_hold = legal_hold, 0
-- values: legal_hold_placed_at = computed from legal_hold_placed_at; search_terms = computed
SELECT
    source_rowid,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(document, data_json) AS data,
    receipt_id,
    gauntlet_id,
    debate_id,
    nullif(document ->> '$.org_id', '') AS org_id,
    shape,
    verdict,
    confidence,
    risk_level,
    risk_score,
    checksum,
    audit_trail_id,
    nullif(document ->> '$.user_id', '') AS user_id,
    nullif(document ->> '$.requestor_id', '') AS requestor_id,
    nullif(document ->> '$.created_by', '') AS created_by,
    receipt_hash(
        receipt_id, gauntlet_id, debate_id, shape, verdict, confidence, risk_level, risk_score,
        checksum, audit_trail_id, document
    ) AS content_hash,
    created_at,
    -- 2555 days in seconds
    coalesce(expires_at, created_at + 220752000.0) AS expires_at,
    receipt_dates_hash(
        receipt_id, created_at, coalesce(expires_at, created_at + 220752000.0)
    ) AS dates_hash,
    signature,
    signature_algorithm,
    signature_key_id,
    CASE WHEN signature IS NOT NULL THEN coalesce(signed_at, created_at) END AS signed_at,
    timestamp_token,
    timestamp_tsa_url,
    timestamp_at,
    coalesce(legal_hold, 0) AS legal_hold,
    legal_hold_reason,
    legal_hold_placed_by,
    CASE
        WHEN legal_hold THEN coalesce(legal_hold_placed_at, created_at)
        ELSE legal_hold_placed_at
    END AS legal_hold_placed_at,
    legal_hold_matter_id,
    coalesce(receipt_terms(cast(document AS BLOB), cast(verdict AS BLOB)), '') AS search_terms
FROM (
    SELECT
        rowid AS source_rowid,
        coalesce(nullif(receipt_id, ''), nullif(gauntlet_id, '')) AS receipt_id,
        nullif(gauntlet_id, '') AS gauntlet_id,
        nullif(debate_id, '') AS debate_id,
        CASE
            WHEN substr(gauntlet_id, 1, 11) = 'onboarding-' THEN 'onboarding'
            WHEN
                json_type(
                    CASE WHEN json_valid(data_json) THEN data_json END, '$.artifact_hash'
                ) IS NOT NULL
                THEN 'gauntlet'
            WHEN checksum <> '' THEN 'export'
            ELSE 'other'
        END AS shape,
        verdict,
        confidence,
        coalesce(nullif(risk_level, ''), 'MEDIUM') AS risk_level,
        coalesce(risk_score, 0.0) AS risk_score,
        checksum,
        nullif(audit_trail_id, '') AS audit_trail_id,
        created_at,
        expires_at,
        nullif(signature, '') AS signature,
        signature_algorithm,
        signature_key_id,
        signed_at,
        timestamp_token,
        timestamp_tsa_url,
        timestamp_at,
        legal_hold,
        legal_hold_reason,
        legal_hold_placed_by,
        legal_hold_placed_at,
        legal_hold_matter_id,
        data_json,
        CASE
            WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
        END AS document
    FROM receipts
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS receipts;

-- name: decision_receipts(first_rowid, last_rowid)
-- Receipts of the store of audit trails, which had some of the columns. Those that are in receipts too,
-- by id or by gauntlet, are left out, however new they are.
-- from: decision_receipts (receipt_id, gauntlet_id, created_at, verdict, confidence, risk_level, checksum, data_json)
-- optional: audit_trail_id
-- into: receipts
-- key: receipt_id
-- merge: newest created_at; last
-- unix: created_at, expires_at
-- values: data = data_json; receipt_id = nonblank receipt_id, gauntlet_id
-- values: gauntlet_id = computed from gauntlet_id; debate_id = nonblank data_json.debate_id
-- values: org_id = nonblank data_json.org_id; shape = computed
-- values: risk_level = nonblank risk_level, 'MEDIUM'; audit_trail_id = nonblank audit_trail_id
-- values: user_id = nonblank data_json.user_id; requestor_id = nonblank data_json.requestor_id
-- values: created_by = nonblank data_json.created_by; content_hash = computed; dates_hash = computed
-- values: expires_at = computed from created_at; search_terms = computed
SELECT
    source_rowid,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(document, data_json) AS data,
    receipt_id,
    gauntlet_id,
    debate_id,
    nullif(document ->> '$.org_id', '') AS org_id,
    shape,
    verdict,
    confidence,
    risk_level,
    checksum,
    audit_trail_id,
    nullif(document ->> '$.user_id', '') AS user_id,
    nullif(document ->> '$.requestor_id', '') AS requestor_id,
    nullif(document ->> '$.created_by', '') AS created_by,
    receipt_hash(
        receipt_id, gauntlet_id, debate_id, shape, verdict, confidence, risk_level, 0.0, checksum,
        audit_trail_id, document
    ) AS content_hash,
    created_at,
    created_at + 220752000.0 AS expires_at,
    receipt_dates_hash(receipt_id, created_at, created_at + 220752000.0) AS dates_hash,
    coalesce(receipt_terms(cast(document AS BLOB), cast(verdict AS BLOB)), '') AS search_terms
FROM (
    SELECT
        source_rowid,
        coalesce(nullif(receipt_id, ''), nullif(gauntlet_id, '')) AS receipt_id,
        nullif(gauntlet_id, '') AS gauntlet_id,
        nullif(document ->> '$.debate_id', '') AS debate_id,
        CASE
            WHEN substr(gauntlet_id, 1, 11) = 'onboarding-' THEN 'onboarding'
            WHEN json_type(document, '$.artifact_hash') IS NOT NULL THEN 'gauntlet'
            WHEN checksum <> '' THEN 'export'
            ELSE 'other'
        END AS shape,
        verdict,
        confidence,
        coalesce(nullif(risk_level, ''), 'MEDIUM') AS risk_level,
        checksum,
        nullif(audit_trail_id, '') AS audit_trail_id,
        created_at,
        data_json,
        document
    FROM (
        SELECT
            rowid AS source_rowid,
            receipt_id,
            gauntlet_id,
            created_at,
            verdict,
            confidence,
            risk_level,
            checksum,
            audit_trail_id,
            data_json,
            CASE
                WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
            END AS document
        FROM decision_receipts
        WHERE rowid BETWEEN :first_rowid AND :last_rowid
    ) AS stored
) AS receipts;

-- name: receipt_deletions(first_rowid, last_rowid)
-- Proofs of deletions.
-- from: receipt_deletions (deletion_id, receipt_id, receipt_checksum, deleted_at, reason, operator)
-- optional: gauntlet_id, verdict, metadata
-- into: receipt_deletions
-- key: deletion_id
-- merge: newest deleted_at
-- order: deleted_at
-- unix: deleted_at
-- values: metadata = metadata, {}
SELECT
    rowid AS source_rowid,
    deletion_id,
    receipt_id,
    receipt_checksum,
    gauntlet_id,
    verdict,
    deleted_at,
    reason,
    operator,
    coalesce(nullif(nullif(metadata, ''), 'null'), '{}') AS metadata
FROM receipt_deletions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

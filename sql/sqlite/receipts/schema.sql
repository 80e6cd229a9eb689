-- Receipts of decisions: signed documents that nobody changes unnoticed, kept for years, and longer
-- under a legal hold; what was deleted leaves a row that stays.

CREATE TABLE IF NOT EXISTS receipts (
    -- parity: column receipts.row_id because rows of receipt_search are numbered
    row_id INTEGER PRIMARY KEY,
    receipt_id TEXT NOT NULL,
    gauntlet_id TEXT,
    debate_id TEXT,
    org_id TEXT,
    shape TEXT NOT NULL,
    verdict TEXT NOT NULL,
    confidence REAL NOT NULL,
    risk_level TEXT NOT NULL DEFAULT 'MEDIUM',
    risk_score REAL NOT NULL DEFAULT 0,
    checksum TEXT NOT NULL DEFAULT '',
    audit_trail_id TEXT,
    user_id TEXT,
    requestor_id TEXT,
    created_by TEXT,
    data TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    dates_hash TEXT NOT NULL,
    signature TEXT,
    signature_algorithm TEXT,
    signature_key_id TEXT,
    signed_at TEXT,
    timestamp_token TEXT,
    timestamp_tsa_url TEXT,
    timestamp_at TEXT,
    legal_hold INTEGER NOT NULL DEFAULT 0,
    legal_hold_reason TEXT,
    legal_hold_placed_by TEXT,
    legal_hold_placed_at TEXT,
    legal_hold_matter_id TEXT,
    legal_hold_removed_by TEXT,
    legal_hold_removed_at TEXT,
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT receipts_pkey UNIQUE (receipt_id),
    CONSTRAINT receipts_gauntlet_id_key UNIQUE (gauntlet_id),
    CONSTRAINT receipts_receipt_id_check CHECK (receipt_id <> ''),
    CONSTRAINT receipts_gauntlet_id_check CHECK (gauntlet_id <> ''),
    CONSTRAINT receipts_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT receipts_org_id_check CHECK (org_id <> ''),
    CONSTRAINT receipts_shape_check
    CHECK (shape IN ('export', 'gauntlet', 'onboarding', 'other')),
    CONSTRAINT receipts_verdict_check CHECK (verdict <> ''),
    CONSTRAINT receipts_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT receipts_risk_level_check CHECK (risk_level <> ''),
    CONSTRAINT receipts_risk_score_check CHECK (risk_score BETWEEN 0 AND 1e300),
    CONSTRAINT receipts_data_check CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT receipts_content_hash_check CHECK (length(content_hash) = 64),
    CONSTRAINT receipts_dates_hash_check CHECK (length(dates_hash) = 64),
    CONSTRAINT receipts_signature_check CHECK (signature IS NULL OR signed_at IS NOT NULL),
    CONSTRAINT receipts_hold_check CHECK (NOT legal_hold OR legal_hold_placed_at IS NOT NULL),
    CONSTRAINT receipts_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT receipts_expires_at_check CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT receipts_signed_at_check CHECK (signed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT receipts_timestamp_at_check CHECK (timestamp_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT receipts_legal_hold_check CHECK (legal_hold IN (0, 1)),
    CONSTRAINT receipts_legal_hold_placed_at_check
    CHECK (legal_hold_placed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT receipts_legal_hold_removed_at_check
    CHECK (legal_hold_removed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_receipts_created ON receipts (created_at DESC, receipt_id DESC);
CREATE INDEX IF NOT EXISTS idx_receipts_org
ON receipts (org_id, created_at DESC, receipt_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_receipts_debate
ON receipts (debate_id, created_at DESC, receipt_id DESC) WHERE debate_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_receipts_user ON receipts (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_receipts_requestor
ON receipts (requestor_id) WHERE requestor_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_receipts_created_by
ON receipts (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_receipts_expires
ON receipts (expires_at, receipt_id) WHERE NOT legal_hold;
CREATE INDEX IF NOT EXISTS idx_receipts_held
ON receipts (legal_hold_placed_at DESC, receipt_id DESC) WHERE legal_hold;

-- External content: the words are stored once, in the table.
-- parity: table receipt_search because PostgreSQL searches in receipts.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS receipt_search USING fts5 (
    search_terms,
    content = 'receipts',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS receipt_search_insert AFTER INSERT ON receipts
BEGIN
    INSERT INTO receipt_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS receipt_search_delete AFTER DELETE ON receipts
BEGIN
    INSERT INTO receipt_search (receipt_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS receipt_search_update
AFTER UPDATE OF row_id, search_terms ON receipts
BEGIN
    INSERT INTO receipt_search (receipt_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO receipt_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS receipts_held BEFORE DELETE ON receipts WHEN old.legal_hold
BEGIN
    SELECT raise(ABORT, 'DELETE of receipts is refused: it is under a legal hold');
END;

-- REPLACE deletes without a word to the trigger above. Saving a receipt again brings its hold along.
CREATE TRIGGER IF NOT EXISTS receipts_replaced BEFORE INSERT ON receipts
WHEN
    EXISTS (
        SELECT 1
        FROM receipts AS r
        WHERE
            r.legal_hold
            AND (
                r.receipt_id = new.receipt_id
                OR r.gauntlet_id = new.gauntlet_id
                OR r.row_id = new.row_id
            )
            AND NOT (r.receipt_id = new.receipt_id AND new.legal_hold)
    )
BEGIN
    SELECT raise(ABORT, 'REPLACE of receipts is refused: it is under a legal hold');
END;

CREATE TABLE IF NOT EXISTS receipt_deletions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    deletion_id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    receipt_checksum TEXT NOT NULL,
    gauntlet_id TEXT,
    verdict TEXT,
    org_id TEXT,
    deleted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    reason TEXT NOT NULL,
    operator TEXT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT receipt_deletions_deletion_id_key UNIQUE (deletion_id),
    CONSTRAINT receipt_deletions_deletion_id_check CHECK (deletion_id <> ''),
    CONSTRAINT receipt_deletions_receipt_id_check CHECK (receipt_id <> ''),
    CONSTRAINT receipt_deletions_org_id_check CHECK (org_id <> ''),
    CONSTRAINT receipt_deletions_reason_check
    CHECK (reason IN (
        'retention_expired', 'user_request', 'gdpr_erasure', 'admin_action', 'data_correction',
        'legal_hold_release'
    )),
    CONSTRAINT receipt_deletions_operator_check CHECK (operator <> ''),
    CONSTRAINT receipt_deletions_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT receipt_deletions_deleted_at_check
    CHECK (deleted_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_receipt_deletions_receipt
ON receipt_deletions (receipt_id, deleted_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS idx_receipt_deletions_deleted
ON receipt_deletions (deleted_at DESC, number DESC);

CREATE TRIGGER IF NOT EXISTS receipt_deletions_unchanged BEFORE UPDATE ON receipt_deletions
BEGIN
    SELECT raise(ABORT, 'UPDATE of receipt_deletions is refused: it is a proof of a deletion');
END;

CREATE TRIGGER IF NOT EXISTS receipt_deletions_kept BEFORE DELETE ON receipt_deletions
BEGIN
    SELECT raise(ABORT, 'DELETE of receipt_deletions is refused: it is a proof of a deletion');
END;

CREATE TRIGGER IF NOT EXISTS receipt_deletions_replaced BEFORE INSERT ON receipt_deletions
WHEN
    EXISTS (
        SELECT 1
        FROM receipt_deletions AS d
        WHERE
            d.deletion_id = new.deletion_id
            OR d.number = new.number
    )
BEGIN
    SELECT raise(ABORT, 'REPLACE of receipt_deletions is refused: it is a proof of a deletion');
END;

INSERT INTO _schema_versions (module, version) VALUES ('receipts', 1)
ON CONFLICT (module) DO NOTHING;

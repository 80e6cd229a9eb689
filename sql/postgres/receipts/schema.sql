-- Receipts of decisions: signed documents that nobody changes unnoticed, kept for years, and longer
-- under a legal hold; what was deleted leaves a row that stays.

-- meaning: values of receipts.gauntlet_id ["g1", "g2", "g3", null] because a receipt is found by its gauntlet
-- meaning: values of receipts.debate_id ["d1", "d2", null] because a debate has few receipts
-- meaning: values of receipts.org_id ["o1", "o2", null] because few organizations have many receipts
-- meaning: values of receipts.verdict ["PASS", "FAIL"] because verdicts are few
-- meaning: values of receipts.risk_level ["LOW", "HIGH"] because levels are few
-- meaning: values of receipts.user_id ["u1", "u2", null] because few users have many receipts
-- meaning: values of receipts.requestor_id ["u1", "u2", null] because few users have many receipts
-- meaning: values of receipts.created_by ["u1", "u2", null] because few users have many receipts
-- meaning: values of receipts.data [{}, {"by": "alpha"}, {"a": [{"b": "beta"}, "alpha"]}, {"alpha": 1}] because users stand anywhere in documents
-- meaning: values of receipts.search_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", "delta", ""] because the store writes words
-- meaning: values of receipts.legal_hold_matter_id ["m1", "m2", null] because a matter holds many receipts
-- meaning: values of receipt_deletions.receipt_id ["r1", "r2"] because a receipt is deleted under one id
-- meaning: values of receipt_deletions.org_id ["o1", "o2", null] because few organizations have many receipts
-- meaning: values of receipt_deletions.operator ["op1", "op2"] because operators are few

CREATE TABLE IF NOT EXISTS receipts (
    receipt_id TEXT COLLATE "C" NOT NULL,
    gauntlet_id TEXT COLLATE "C",
    debate_id TEXT COLLATE "C",
    org_id TEXT COLLATE "C",
    shape TEXT NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    risk_level TEXT COLLATE "C" NOT NULL DEFAULT 'MEDIUM',
    risk_score DOUBLE PRECISION NOT NULL DEFAULT 0,
    checksum TEXT NOT NULL DEFAULT '',
    audit_trail_id TEXT,
    user_id TEXT COLLATE "C",
    requestor_id TEXT COLLATE "C",
    created_by TEXT COLLATE "C",
    data JSONB NOT NULL,
    content_hash TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    dates_hash TEXT NOT NULL,
    signature TEXT,
    signature_algorithm TEXT,
    signature_key_id TEXT,
    signed_at TIMESTAMPTZ,
    timestamp_token TEXT,
    timestamp_tsa_url TEXT,
    timestamp_at TIMESTAMPTZ,
    legal_hold BOOLEAN NOT NULL DEFAULT FALSE,
    legal_hold_reason TEXT,
    legal_hold_placed_by TEXT,
    legal_hold_placed_at TIMESTAMPTZ,
    legal_hold_matter_id TEXT COLLATE "C",
    legal_hold_removed_by TEXT,
    legal_hold_removed_at TIMESTAMPTZ,
    search_terms TEXT NOT NULL DEFAULT '',
    -- parity: column receipts.search_vector because SQLite searches in receipt_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT receipts_pkey PRIMARY KEY (receipt_id),
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
    CONSTRAINT receipts_risk_score_check
    CHECK (risk_score BETWEEN 0 AND '1e300'::double precision),
    CONSTRAINT receipts_data_check CHECK (jsonb_typeof(data) = 'object'),
    CONSTRAINT receipts_content_hash_check CHECK (length(content_hash) = 64),
    CONSTRAINT receipts_dates_hash_check CHECK (length(dates_hash) = 64),
    CONSTRAINT receipts_signature_check CHECK (signature IS NULL OR signed_at IS NOT NULL),
    CONSTRAINT receipts_hold_check
    CHECK (NOT legal_hold OR legal_hold_placed_at IS NOT NULL)
);

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
-- parity: index receipts.idx_receipts_search because SQLite searches in receipt_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_receipts_search
ON receipts USING gin (search_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS receipt_deletions (
    number BIGINT GENERATED BY DEFAULT AS IDENTITY,
    deletion_id TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C" NOT NULL,
    receipt_checksum TEXT NOT NULL,
    gauntlet_id TEXT,
    verdict TEXT,
    org_id TEXT COLLATE "C",
    deleted_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    reason TEXT NOT NULL,
    operator TEXT NOT NULL,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT receipt_deletions_pkey PRIMARY KEY (number),
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
    CONSTRAINT receipt_deletions_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_receipt_deletions_receipt
ON receipt_deletions (receipt_id, deleted_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS idx_receipt_deletions_deleted
ON receipt_deletions (deleted_at DESC, number DESC);

-- What is refused is refused as the breaking of a rule, as on SQLite.
CREATE OR REPLACE FUNCTION receipts_refuse_change() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is under a legal hold, or a proof of a deletion',
        tg_op, tg_table_name
    USING ERRCODE = 'restrict_violation';
END
$$;

DROP TRIGGER IF EXISTS receipts_held ON receipts;
CREATE TRIGGER receipts_held
BEFORE DELETE ON receipts
FOR EACH ROW WHEN (old.legal_hold) EXECUTE FUNCTION receipts_refuse_change();
DROP TRIGGER IF EXISTS receipts_kept ON receipts;
CREATE TRIGGER receipts_kept
BEFORE TRUNCATE ON receipts
FOR EACH STATEMENT EXECUTE FUNCTION receipts_refuse_change();
DROP TRIGGER IF EXISTS receipt_deletions_unchanged ON receipt_deletions;
CREATE TRIGGER receipt_deletions_unchanged
BEFORE UPDATE OR DELETE ON receipt_deletions
FOR EACH ROW EXECUTE FUNCTION receipts_refuse_change();
DROP TRIGGER IF EXISTS receipt_deletions_kept ON receipt_deletions;
CREATE TRIGGER receipt_deletions_kept
BEFORE TRUNCATE ON receipt_deletions
FOR EACH STATEMENT EXECUTE FUNCTION receipts_refuse_change();

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipt_deletions ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON receipts, receipt_deletions FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON SEQUENCE receipt_deletions_number_seq FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE receipts IS 'Receipts of decisions by gauntlets and debates. Their rows stay until they are deleted for a reason. [kept]';
COMMENT ON COLUMN receipts.receipt_id IS 'Identifier of the receipt.';
COMMENT ON COLUMN receipts.gauntlet_id IS 'The gauntlet, or whatever else made the decision; has one receipt. It may be gone, so no foreign key leads there.';
COMMENT ON COLUMN receipts.debate_id IS 'The debate, where there was one. It may be gone, so no foreign key leads there.';
COMMENT ON COLUMN receipts.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN receipts.shape IS 'Which members the document has, and so what its checksum is of: export, gauntlet, onboarding or other.';
COMMENT ON COLUMN receipts.verdict IS 'The verdict, in the application''s own words, such as PASS.';
COMMENT ON COLUMN receipts.confidence IS 'Confidence in the verdict, 0 to 1.';
COMMENT ON COLUMN receipts.risk_level IS 'How grave it is, such as LOW, MEDIUM, HIGH or CRITICAL.';
COMMENT ON COLUMN receipts.risk_score IS 'The same as a number, from 0 on.';
COMMENT ON COLUMN receipts.checksum IS 'The application''s own checksum; empty when it gave none.';
COMMENT ON COLUMN receipts.audit_trail_id IS 'The audit trail that belongs to it.';
COMMENT ON COLUMN receipts.user_id IS 'The user that the document names as such. [user]';
COMMENT ON COLUMN receipts.requestor_id IS 'The user that the document names as whoever asked for it. [user]';
COMMENT ON COLUMN receipts.created_by IS 'The user that the document names as whoever made it. [user]';
COMMENT ON COLUMN receipts.data IS 'The whole receipt: a document.';
COMMENT ON COLUMN receipts.content_hash IS 'SHA-256 of the document and the columns from it, by which the store knows that nobody changed them.';
COMMENT ON COLUMN receipts.created_at IS 'When the receipt was made; never changes.';
COMMENT ON COLUMN receipts.expires_at IS 'Until when it has to be kept at least; never changes.';
COMMENT ON COLUMN receipts.dates_hash IS 'SHA-256 of the identifier and the two times before it, by which the store knows that nobody changed them.';
COMMENT ON COLUMN receipts.signature IS 'Signature of the document in base64; NULL when it is not signed.';
COMMENT ON COLUMN receipts.signature_algorithm IS 'HMAC-SHA256, RSA-SHA256 or Ed25519.';
COMMENT ON COLUMN receipts.signature_key_id IS 'Which key it was signed with; says nothing in receipts of the older system.';
COMMENT ON COLUMN receipts.signed_at IS 'When it was signed.';
COMMENT ON COLUMN receipts.timestamp_token IS 'Token of a time-stamping authority (RFC 3161).';
COMMENT ON COLUMN receipts.timestamp_tsa_url IS 'Address of the authority.';
COMMENT ON COLUMN receipts.timestamp_at IS 'When the token was stored.';
COMMENT ON COLUMN receipts.legal_hold IS 'Whether it is under a legal hold, and can''t be deleted.';
COMMENT ON COLUMN receipts.legal_hold_reason IS 'Why it is, or was.';
COMMENT ON COLUMN receipts.legal_hold_placed_by IS 'Who placed the hold. [user]';
COMMENT ON COLUMN receipts.legal_hold_placed_at IS 'When the hold was placed.';
COMMENT ON COLUMN receipts.legal_hold_matter_id IS 'The legal matter that it is held for.';
COMMENT ON COLUMN receipts.legal_hold_removed_by IS 'Who took the hold away; NULL while there is one. [user]';
COMMENT ON COLUMN receipts.legal_hold_removed_at IS 'When the hold was taken away.';
COMMENT ON COLUMN receipts.search_terms IS 'Search terms of the texts in the document, normalised by the store and joined by blanks.';
COMMENT ON COLUMN receipts.search_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE receipt_deletions IS 'Proofs that receipts were deleted, and why. Rows are never changed nor removed. [kept]';
COMMENT ON COLUMN receipt_deletions.number IS 'Number of the row; of two of one time the lower one came first.';
COMMENT ON COLUMN receipt_deletions.deletion_id IS 'Identifier of the deletion.';
COMMENT ON COLUMN receipt_deletions.receipt_id IS 'The receipt that was deleted.';
COMMENT ON COLUMN receipt_deletions.receipt_checksum IS 'Its content_hash, or the checksum that whoever deleted it elsewhere gave.';
COMMENT ON COLUMN receipt_deletions.gauntlet_id IS 'Its gauntlet.';
COMMENT ON COLUMN receipt_deletions.verdict IS 'Its verdict.';
COMMENT ON COLUMN receipt_deletions.org_id IS 'Organization that it belonged to; the tenant key.';
COMMENT ON COLUMN receipt_deletions.deleted_at IS 'When it was deleted.';
COMMENT ON COLUMN receipt_deletions.reason IS 'retention_expired, user_request, gdpr_erasure, admin_action, data_correction or legal_hold_release.';
COMMENT ON COLUMN receipt_deletions.operator IS 'User or program that deleted it. [user]';
COMMENT ON COLUMN receipt_deletions.metadata IS 'Whatever else is known of it: a document.';

INSERT INTO _schema_versions (module, version) VALUES ('receipts', 1)
ON CONFLICT (module) DO NOTHING;

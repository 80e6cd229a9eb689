-- Links to debates and to receipts, which open for whoever has the token.

-- meaning: values of share_links.token_hash ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", null] because calls ask for known tokens
-- meaning: values of share_links.password_hash ["p1", "p2", null] because a link has a password or none
-- meaning: values of share_links.owner_id ["u1", "u2", null] because few owners have many links
-- meaning: values of share_links.org_id ["o1", "o2", null] because few organizations have many links
-- meaning: values of receipt_shares.token_hash ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"] because calls ask for known tokens
-- meaning: values of receipt_shares.receipt_id ["r1", "r2"] because few receipts have many shares

CREATE TABLE IF NOT EXISTS share_links (
    debate_id TEXT COLLATE "C" NOT NULL,
    token_hash TEXT,
    password_hash TEXT,
    visibility TEXT NOT NULL DEFAULT 'private',
    owner_id TEXT COLLATE "C",
    org_id TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ,
    allow_comments BOOLEAN NOT NULL DEFAULT FALSE,
    allow_forking BOOLEAN NOT NULL DEFAULT FALSE,
    max_uses INTEGER,
    use_count INTEGER NOT NULL DEFAULT 0,
    view_count BIGINT NOT NULL DEFAULT 0,
    last_viewed_at TIMESTAMPTZ,
    CONSTRAINT share_links_pkey PRIMARY KEY (debate_id),
    CONSTRAINT share_links_token_hash_key UNIQUE (token_hash),
    CONSTRAINT share_links_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT share_links_token_hash_check CHECK (length(token_hash) = 64),
    CONSTRAINT share_links_visibility_check CHECK (visibility IN ('private', 'team', 'public')),
    CONSTRAINT share_links_org_id_check CHECK (org_id <> ''),
    CONSTRAINT share_links_max_uses_check CHECK (max_uses >= 1),
    CONSTRAINT share_links_use_count_check CHECK (use_count >= 0),
    CONSTRAINT share_links_view_count_check CHECK (view_count >= 0)
);

CREATE INDEX IF NOT EXISTS idx_share_links_expires
ON share_links (expires_at, debate_id) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_share_links_owner
ON share_links (owner_id, created_at DESC, debate_id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_share_links_org
ON share_links (org_id, visibility, created_at DESC, debate_id DESC) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS receipt_shares (
    token_hash TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    max_accesses INTEGER,
    access_count INTEGER NOT NULL DEFAULT 0,
    created_by TEXT,
    CONSTRAINT receipt_shares_pkey PRIMARY KEY (token_hash),
    CONSTRAINT receipt_shares_token_hash_check CHECK (length(token_hash) = 64),
    CONSTRAINT receipt_shares_max_accesses_check CHECK (max_accesses >= 1),
    CONSTRAINT receipt_shares_access_count_check CHECK (access_count >= 0)
);

CREATE INDEX IF NOT EXISTS idx_receipt_shares_receipt
ON receipt_shares (receipt_id, created_at DESC, token_hash DESC);
CREATE INDEX IF NOT EXISTS idx_receipt_shares_expires ON receipt_shares (expires_at, token_hash);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE share_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipt_shares ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON share_links, receipt_shares FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE share_links IS 'How a debate is shared, and the link to it. A debate has one row at most.';
COMMENT ON COLUMN share_links.debate_id IS 'The debate, which may be one that no store keeps.';
COMMENT ON COLUMN share_links.token_hash IS 'SHA-256 of the token of the link, in hexadecimal; NULL while there is no link. The token itself is nowhere.';
COMMENT ON COLUMN share_links.password_hash IS 'Argon2id hash of the password that the link asks for, in PHC form; NULL when it asks for none.';
COMMENT ON COLUMN share_links.visibility IS 'private, team or public.';
COMMENT ON COLUMN share_links.owner_id IS 'User who shares it. [user]';
COMMENT ON COLUMN share_links.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN share_links.created_at IS 'When it was first saved; never changes.';
COMMENT ON COLUMN share_links.expires_at IS 'When it is over, and the clean-up may delete it; NULL for never.';
COMMENT ON COLUMN share_links.allow_comments IS 'Whether those who have the link may comment.';
COMMENT ON COLUMN share_links.allow_forking IS 'Whether those who have the link may fork the debate.';
COMMENT ON COLUMN share_links.max_uses IS 'How often the link opens; NULL for any number of times.';
COMMENT ON COLUMN share_links.use_count IS 'How often the present link was opened; a new token begins at 0.';
COMMENT ON COLUMN share_links.view_count IS 'How often the debate was seen, with any link.';
COMMENT ON COLUMN share_links.last_viewed_at IS 'When it was last seen.';

COMMENT ON TABLE receipt_shares IS 'Links to receipts. A receipt may have any number of them.';
COMMENT ON COLUMN receipt_shares.token_hash IS 'SHA-256 of the token of the link, in hexadecimal. The token itself is nowhere.';
COMMENT ON COLUMN receipt_shares.receipt_id IS 'The receipt.';
COMMENT ON COLUMN receipt_shares.created_at IS 'When the link was saved.';
COMMENT ON COLUMN receipt_shares.expires_at IS 'When it is over, and the clean-up may delete it.';
COMMENT ON COLUMN receipt_shares.max_accesses IS 'How often it opens; NULL for any number of times.';
COMMENT ON COLUMN receipt_shares.access_count IS 'How often it was opened.';
COMMENT ON COLUMN receipt_shares.created_by IS 'User who made it. [user]';

INSERT INTO _schema_versions (module, version) VALUES ('sharing', 1)
ON CONFLICT (module) DO NOTHING;

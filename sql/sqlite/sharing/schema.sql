-- Links to debates and to receipts, which open for whoever has the token.

CREATE TABLE IF NOT EXISTS share_links (
    debate_id TEXT NOT NULL,
    token_hash TEXT,
    password_hash TEXT,
    visibility TEXT NOT NULL DEFAULT 'private',
    owner_id TEXT,
    org_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT,
    allow_comments INTEGER NOT NULL DEFAULT 0,
    allow_forking INTEGER NOT NULL DEFAULT 0,
    max_uses INTEGER,
    use_count INTEGER NOT NULL DEFAULT 0,
    view_count INTEGER NOT NULL DEFAULT 0,
    last_viewed_at TEXT,
    CONSTRAINT share_links_pkey PRIMARY KEY (debate_id),
    CONSTRAINT share_links_token_hash_key UNIQUE (token_hash),
    CONSTRAINT share_links_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT share_links_token_hash_check CHECK (length(token_hash) = 64),
    CONSTRAINT share_links_visibility_check CHECK (visibility IN ('private', 'team', 'public')),
    CONSTRAINT share_links_org_id_check CHECK (org_id <> ''),
    CONSTRAINT share_links_allow_comments_check CHECK (allow_comments IN (0, 1)),
    CONSTRAINT share_links_allow_forking_check CHECK (allow_forking IN (0, 1)),
    CONSTRAINT share_links_max_uses_check CHECK (max_uses >= 1),
    CONSTRAINT share_links_use_count_check CHECK (use_count >= 0),
    CONSTRAINT share_links_view_count_check CHECK (view_count >= 0),
    CONSTRAINT share_links_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT share_links_expires_at_check CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT share_links_last_viewed_at_check
    CHECK (last_viewed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_share_links_expires
ON share_links (expires_at, debate_id) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_share_links_owner
ON share_links (owner_id, created_at DESC, debate_id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_share_links_org
ON share_links (org_id, visibility, created_at DESC, debate_id DESC) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS receipt_shares (
    token_hash TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT NOT NULL,
    max_accesses INTEGER,
    access_count INTEGER NOT NULL DEFAULT 0,
    created_by TEXT,
    CONSTRAINT receipt_shares_pkey PRIMARY KEY (token_hash),
    CONSTRAINT receipt_shares_token_hash_check CHECK (length(token_hash) = 64),
    CONSTRAINT receipt_shares_max_accesses_check CHECK (max_accesses >= 1),
    CONSTRAINT receipt_shares_access_count_check CHECK (access_count >= 0),
    CONSTRAINT receipt_shares_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT receipt_shares_expires_at_check CHECK (expires_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_receipt_shares_receipt
ON receipt_shares (receipt_id, created_at DESC, token_hash DESC);
CREATE INDEX IF NOT EXISTS idx_receipt_shares_expires ON receipt_shares (expires_at, token_hash);

INSERT INTO _schema_versions (module, version) VALUES ('sharing', 1)
ON CONFLICT (module) DO NOTHING;

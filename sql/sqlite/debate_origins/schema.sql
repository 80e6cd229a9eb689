-- Where debates and other requests came from, so that their results find the way back.

CREATE TABLE IF NOT EXISTS debate_origins (
    origin_type TEXT NOT NULL DEFAULT 'debate',
    origin_id TEXT NOT NULL,
    debate_id TEXT,
    platform TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    thread_id TEXT,
    message_id TEXT,
    session_id TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    result_sent INTEGER NOT NULL DEFAULT 0,
    result_sent_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT NOT NULL,
    CONSTRAINT debate_origins_pkey PRIMARY KEY (origin_type, origin_id),
    CONSTRAINT debate_origins_origin_type_check CHECK (origin_type <> ''),
    CONSTRAINT debate_origins_origin_id_check CHECK (origin_id <> ''),
    CONSTRAINT debate_origins_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT debate_origins_result_sent_check CHECK (result_sent IN (0, 1)),
    CONSTRAINT debate_origins_result_sent_at_check
    CHECK (result_sent_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT debate_origins_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT debate_origins_expires_at_check CHECK (expires_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_debate_origins_channel
ON debate_origins (platform, channel_id, created_at DESC, origin_type DESC, origin_id DESC);
CREATE INDEX IF NOT EXISTS idx_debate_origins_thread
ON debate_origins (
    platform, channel_id, thread_id, created_at DESC, origin_type DESC, origin_id DESC
) WHERE thread_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_debate_origins_message
ON debate_origins (message_id, platform, created_at DESC, origin_type DESC, origin_id DESC)
WHERE message_id IS NOT NULL;
-- What has its result stays out.
CREATE INDEX IF NOT EXISTS idx_debate_origins_pending
ON debate_origins (created_at DESC, origin_type DESC, origin_id DESC) WHERE NOT result_sent;
CREATE INDEX IF NOT EXISTS idx_debate_origins_expires
ON debate_origins (expires_at, origin_type, origin_id);

INSERT INTO _schema_versions (module, version) VALUES ('debate_origins', 1)
ON CONFLICT (module) DO NOTHING;

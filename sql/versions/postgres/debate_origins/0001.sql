-- Where debates and other requests came from, so that their results find the way back.

-- meaning: values of debate_origins.origin_type ["debate", "email_reply"] because calls ask for known types
-- meaning: values of debate_origins.origin_id ["d1", "d2", "d3", "d4"] because calls ask for known origins
-- meaning: values of debate_origins.platform ["slack", "email"] because few platforms have many origins
-- meaning: values of debate_origins.channel_id ["c1", "c2"] because few channels have many origins
-- meaning: values of debate_origins.thread_id ["t1", null] because few threads have many origins
-- meaning: values of debate_origins.message_id ["m1", "m2", null] because calls ask for known messages

CREATE TABLE IF NOT EXISTS debate_origins (
    origin_type TEXT COLLATE "C" NOT NULL DEFAULT 'debate',
    origin_id TEXT COLLATE "C" NOT NULL,
    debate_id TEXT COLLATE "C",
    platform TEXT COLLATE "C" NOT NULL,
    channel_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C",
    message_id TEXT COLLATE "C",
    session_id TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    result_sent BOOLEAN NOT NULL DEFAULT FALSE,
    result_sent_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT debate_origins_pkey PRIMARY KEY (origin_type, origin_id),
    CONSTRAINT debate_origins_origin_type_check CHECK (origin_type <> ''),
    CONSTRAINT debate_origins_origin_id_check CHECK (origin_id <> ''),
    CONSTRAINT debate_origins_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

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

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE debate_origins ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON debate_origins FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE debate_origins IS 'Where debates and other requests came from, until that is over. [personal]';
COMMENT ON COLUMN debate_origins.origin_type IS 'What came from there: debate, email_reply or another word of the application.';
COMMENT ON COLUMN debate_origins.origin_id IS 'Identifier among those of its type: of a debate its own, of a reply by e-mail that of the message that is replied to.';
COMMENT ON COLUMN debate_origins.debate_id IS 'The debate that it is about, which may be one that no store keeps.';
COMMENT ON COLUMN debate_origins.platform IS 'slack, teams, telegram, whatsapp, discord, google_chat, email, signal, imessage, github, web or another.';
COMMENT ON COLUMN debate_origins.channel_id IS 'Channel on the platform; of e-mail the address. [personal]';
COMMENT ON COLUMN debate_origins.user_id IS 'User on the platform; of e-mail the address. [user]';
COMMENT ON COLUMN debate_origins.thread_id IS 'Thread in the channel.';
COMMENT ON COLUMN debate_origins.message_id IS 'Message on the platform.';
COMMENT ON COLUMN debate_origins.session_id IS 'Session that it belongs to.';
COMMENT ON COLUMN debate_origins.metadata IS 'Whatever else the application says: a document. [personal]';
COMMENT ON COLUMN debate_origins.result_sent IS 'Whether the result was sent, or somebody has the right to; of a reply by e-mail, whether it came.';
COMMENT ON COLUMN debate_origins.result_sent_at IS 'When it was.';
COMMENT ON COLUMN debate_origins.created_at IS 'When it was registered.';
COMMENT ON COLUMN debate_origins.expires_at IS 'When it is over, and the clean-up may delete it.';

INSERT INTO _schema_versions (module, version) VALUES ('debate_origins', 1)
ON CONFLICT (module) DO NOTHING;

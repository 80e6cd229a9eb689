-- What happened in shared inboxes, for as long as it is kept.

-- meaning: values of inbox_activities.inbox_id ["i1", "i2"] because an inbox has many activities
-- meaning: values of inbox_activities.org_id ["o1", "o2"] because few organizations have many activities
-- meaning: values of inbox_activities.actor_id ["u1", "u2"] because few users have many activities
-- meaning: values of inbox_activities.target_id ["m1", "m2", null] because a message has many activities

CREATE TABLE IF NOT EXISTS inbox_activities (
    id TEXT COLLATE "C" NOT NULL,
    inbox_id TEXT COLLATE "C" NOT NULL,
    org_id TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    action TEXT NOT NULL,
    target_id TEXT COLLATE "C",
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT inbox_activities_pkey PRIMARY KEY (id),
    CONSTRAINT inbox_activities_id_check CHECK (id <> ''),
    CONSTRAINT inbox_activities_inbox_id_check CHECK (inbox_id <> ''),
    CONSTRAINT inbox_activities_org_id_check CHECK (org_id <> ''),
    CONSTRAINT inbox_activities_actor_id_check CHECK (actor_id <> ''),
    CONSTRAINT inbox_activities_action_check
    CHECK (action IN (
        'assigned', 'reassigned', 'status_changed', 'note_added', 'sla_breached', 'sla_warning',
        'member_added', 'member_removed', 'member_role_changed', 'message_received',
        'message_sent', 'tag_added', 'tag_removed', 'priority_changed', 'merged', 'split'
    )),
    CONSTRAINT inbox_activities_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_inbox_activities_created ON inbox_activities (created_at, id);
CREATE INDEX IF NOT EXISTS idx_inbox_activities_inbox
ON inbox_activities (inbox_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_inbox_activities_org
ON inbox_activities (org_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_inbox_activities_target
ON inbox_activities (target_id, created_at DESC, id DESC) WHERE target_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_inbox_activities_action
ON inbox_activities (action, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_inbox_activities_actor
ON inbox_activities (actor_id, created_at DESC, id DESC);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE inbox_activities ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON inbox_activities FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE inbox_activities IS 'What happened in shared inboxes. Inboxes and messages may be gone, so no foreign key leads there.';
COMMENT ON COLUMN inbox_activities.id IS 'Identifier of the activity.';
COMMENT ON COLUMN inbox_activities.inbox_id IS 'The inbox.';
COMMENT ON COLUMN inbox_activities.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN inbox_activities.actor_id IS 'User or program that did it. [user]';
COMMENT ON COLUMN inbox_activities.action IS 'What was done, such as assigned, status_changed or sla_breached.';
COMMENT ON COLUMN inbox_activities.target_id IS 'What it was done to: a message, or a member.';
COMMENT ON COLUMN inbox_activities.metadata IS 'Whatever else is known of it: a document.';
COMMENT ON COLUMN inbox_activities.created_at IS 'When it was done.';

INSERT INTO _schema_versions (module, version) VALUES ('inbox_activities', 1)
ON CONFLICT (module) DO NOTHING;

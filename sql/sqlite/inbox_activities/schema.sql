-- What happened in shared inboxes, for as long as it is kept.

CREATE TABLE IF NOT EXISTS inbox_activities (
    id TEXT NOT NULL,
    inbox_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target_id TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
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
    CONSTRAINT inbox_activities_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT inbox_activities_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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

INSERT INTO _schema_versions (module, version) VALUES ('inbox_activities', 1)
ON CONFLICT (module) DO NOTHING;

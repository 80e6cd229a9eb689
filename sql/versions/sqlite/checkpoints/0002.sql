-- upgrade: 0002_order_of_storing.sql e6068ebf38a21ea1
-- Checkpoints of workflows and of debates, each with a checksum of its content.

CREATE TABLE IF NOT EXISTS workflow_checkpoints (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    engine_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    definition_id TEXT NOT NULL,
    current_step TEXT,
    completed_steps TEXT NOT NULL DEFAULT '[]',
    step_outputs TEXT NOT NULL DEFAULT '{}',
    context_state TEXT NOT NULL DEFAULT '{}',
    checksum TEXT NOT NULL DEFAULT '',
    content_checksum TEXT NOT NULL,
    created_at TEXT NOT NULL,
    stored_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT workflow_checkpoints_id_key UNIQUE (id),
    CONSTRAINT workflow_checkpoints_id_check CHECK (id <> ''),
    CONSTRAINT workflow_checkpoints_engine_id_check CHECK (engine_id <> ''),
    CONSTRAINT workflow_checkpoints_workflow_id_check CHECK (workflow_id <> ''),
    CONSTRAINT workflow_checkpoints_completed_steps_check
    CHECK (json_valid(completed_steps) AND json_type(completed_steps) = 'array'),
    CONSTRAINT workflow_checkpoints_step_outputs_check
    CHECK (json_valid(step_outputs) AND json_type(step_outputs) = 'object'),
    CONSTRAINT workflow_checkpoints_context_state_check
    CHECK (json_valid(context_state) AND json_type(context_state) = 'object'),
    CONSTRAINT workflow_checkpoints_content_checksum_check
    CHECK (length(content_checksum) = 64),
    CONSTRAINT workflow_checkpoints_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT workflow_checkpoints_stored_at_check
    CHECK (stored_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- The order of a workflow's checkpoints: as they were stored.
CREATE INDEX IF NOT EXISTS idx_workflow_checkpoints_stored
ON workflow_checkpoints (workflow_id, stored_at, sequence);
CREATE INDEX IF NOT EXISTS idx_workflow_checkpoints_engine_id ON workflow_checkpoints (engine_id);
CREATE INDEX IF NOT EXISTS idx_workflow_checkpoints_created
ON workflow_checkpoints (created_at, sequence);

CREATE TABLE IF NOT EXISTS debate_checkpoints (
    checkpoint_id TEXT NOT NULL,
    debate_id TEXT NOT NULL,
    task TEXT NOT NULL,
    current_round INTEGER NOT NULL,
    total_rounds INTEGER NOT NULL,
    phase TEXT NOT NULL,
    status TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}',
    size_bytes INTEGER NOT NULL,
    checksum TEXT NOT NULL DEFAULT '',
    content_checksum TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    stored_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT debate_checkpoints_pkey PRIMARY KEY (checkpoint_id),
    CONSTRAINT debate_checkpoints_checkpoint_id_check CHECK (checkpoint_id <> ''),
    CONSTRAINT debate_checkpoints_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT debate_checkpoints_current_round_check CHECK (current_round >= 0),
    CONSTRAINT debate_checkpoints_total_rounds_check CHECK (total_rounds >= 0),
    CONSTRAINT debate_checkpoints_status_check
    CHECK (status IN ('creating', 'complete', 'resuming', 'corrupted', 'expired')),
    CONSTRAINT debate_checkpoints_data_check
    CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT debate_checkpoints_size_bytes_check CHECK (size_bytes >= 0),
    CONSTRAINT debate_checkpoints_content_checksum_check CHECK (length(content_checksum) = 64),
    CONSTRAINT debate_checkpoints_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT debate_checkpoints_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT debate_checkpoints_stored_at_check
    CHECK (stored_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_stored_debate
ON debate_checkpoints (debate_id, stored_at, checkpoint_id);
CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_stored
ON debate_checkpoints (stored_at, checkpoint_id);
CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_expires ON debate_checkpoints (expires_at);

INSERT INTO _schema_versions (module, version) VALUES ('checkpoints', 2)
ON CONFLICT (module) DO NOTHING;

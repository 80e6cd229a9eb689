-- What happened, and the proof that nobody has changed it since: a log of events that forgets old
-- ones, and an immutable log whose entries are chained by their hashes.
--
-- An entry is appended under a lock of its chain's row, which knows the last entry, so a chain has
-- neither gaps nor two entries behind one. Triggers refuse whatever changes or removes entries and
-- anchors. They are no answer to who owns the tables and may drop them: that shows in the hashes, in
-- the last entry that audit_chains knows, and in an anchor that is kept elsewhere.

CREATE TABLE IF NOT EXISTS audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    user_id TEXT,
    org_id TEXT,
    action TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT,
    old_value TEXT,
    new_value TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    ip_address TEXT,
    user_agent TEXT,
    CONSTRAINT audit_log_action_check CHECK (action <> ''),
    CONSTRAINT audit_log_old_value_check
    CHECK (old_value IS NULL OR (json_valid(old_value) AND json_type(old_value) = 'object')),
    CONSTRAINT audit_log_new_value_check
    CHECK (new_value IS NULL OR (json_valid(new_value) AND json_type(new_value) = 'object')),
    CONSTRAINT audit_log_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT audit_log_timestamp_check
    CHECK (timestamp LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_audit_log_timestamp ON audit_log (timestamp DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_audit_log_user ON audit_log (user_id, timestamp DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_audit_log_org ON audit_log (org_id, timestamp DESC, id DESC);
-- By code point: what begins with a prefix is a range of it.
CREATE INDEX IF NOT EXISTS idx_audit_log_action ON audit_log (action, timestamp DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_audit_log_resource
ON audit_log (resource_type, resource_id, timestamp DESC, id DESC);

CREATE TABLE IF NOT EXISTS audit_chains (
    chain TEXT NOT NULL,
    origin TEXT NOT NULL DEFAULT 'appended',
    last_sequence INTEGER NOT NULL DEFAULT 0,
    last_hash TEXT NOT NULL,
    last_timestamp TEXT,
    first_broken_sequence INTEGER,
    broken_reason TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT audit_chains_pkey PRIMARY KEY (chain),
    CONSTRAINT audit_chains_chain_check CHECK (chain <> ''),
    CONSTRAINT audit_chains_origin_check
    CHECK (origin IN ('appended', 'audit_logs', 'audit_events')),
    CONSTRAINT audit_chains_last_sequence_check CHECK (last_sequence >= 0),
    CONSTRAINT audit_chains_last_hash_check CHECK (length(last_hash) = 64),
    CONSTRAINT audit_chains_broken_check
    CHECK ((first_broken_sequence IS NULL) = (broken_reason IS NULL)),
    CONSTRAINT audit_chains_last_timestamp_check
    CHECK (last_timestamp LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT audit_chains_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- No foreign key leads to the chain: whoever appends holds its row, and a look at each entry's parent
-- would cost a quarter of the time.
CREATE TABLE IF NOT EXISTS immutable_audit_entries (
    id TEXT NOT NULL,
    chain TEXT NOT NULL DEFAULT 'main',
    sequence_number INTEGER NOT NULL,
    timestamp TEXT NOT NULL,
    timestamp_text TEXT,
    previous_hash TEXT NOT NULL,
    entry_hash TEXT NOT NULL,
    hash_version INTEGER NOT NULL DEFAULT 2,
    event_type TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_type TEXT NOT NULL DEFAULT 'user',
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    action TEXT NOT NULL,
    details TEXT NOT NULL DEFAULT '{}',
    correlation_id TEXT,
    workspace_id TEXT,
    ip_address TEXT,
    user_agent TEXT,
    signature TEXT,
    signature_key_id TEXT,
    CONSTRAINT immutable_audit_entries_pkey PRIMARY KEY (id),
    CONSTRAINT immutable_audit_entries_sequence_key UNIQUE (chain, sequence_number),
    CONSTRAINT immutable_audit_entries_entry_hash_key UNIQUE (entry_hash),
    CONSTRAINT immutable_audit_entries_id_check CHECK (id <> ''),
    CONSTRAINT immutable_audit_entries_sequence_check CHECK (sequence_number >= 1),
    CONSTRAINT immutable_audit_entries_previous_hash_check CHECK (length(previous_hash) = 64),
    CONSTRAINT immutable_audit_entries_entry_hash_check CHECK (length(entry_hash) = 64),
    CONSTRAINT immutable_audit_entries_hash_version_check CHECK (hash_version IN (1, 2)),
    CONSTRAINT immutable_audit_entries_timestamp_check
    CHECK (timestamp LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_immutable_audit_entries_timestamp
ON immutable_audit_entries (chain, timestamp DESC, sequence_number DESC);
CREATE INDEX IF NOT EXISTS idx_immutable_audit_entries_actor
ON immutable_audit_entries (chain, actor, timestamp DESC, sequence_number DESC);
CREATE INDEX IF NOT EXISTS idx_immutable_audit_entries_resource
ON immutable_audit_entries (chain, resource_id, timestamp DESC, sequence_number DESC);

CREATE TABLE IF NOT EXISTS immutable_daily_anchors (
    chain TEXT NOT NULL DEFAULT 'main',
    date TEXT NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    entry_count INTEGER NOT NULL,
    merkle_root TEXT NOT NULL,
    chain_hash TEXT NOT NULL,
    tree_version INTEGER NOT NULL DEFAULT 2,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT immutable_daily_anchors_pkey PRIMARY KEY (chain, date),
    CONSTRAINT immutable_daily_anchors_chain_fkey
    FOREIGN KEY (chain) REFERENCES audit_chains (chain),
    CONSTRAINT immutable_daily_anchors_date_check CHECK (length(date) = 10),
    CONSTRAINT immutable_daily_anchors_range_check
    CHECK (first_sequence >= 1 AND last_sequence >= first_sequence),
    CONSTRAINT immutable_daily_anchors_entry_count_check CHECK (entry_count >= 1),
    CONSTRAINT immutable_daily_anchors_merkle_root_check CHECK (length(merkle_root) = 64),
    CONSTRAINT immutable_daily_anchors_chain_hash_check CHECK (length(chain_hash) = 64),
    CONSTRAINT immutable_daily_anchors_tree_version_check CHECK (tree_version IN (1, 2)),
    CONSTRAINT immutable_daily_anchors_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TRIGGER IF NOT EXISTS immutable_audit_entries_unchanged
BEFORE UPDATE ON immutable_audit_entries
BEGIN
    SELECT raise(ABORT, 'UPDATE of immutable_audit_entries is refused: the audit log is immutable');
END;

CREATE TRIGGER IF NOT EXISTS immutable_audit_entries_kept
BEFORE DELETE ON immutable_audit_entries
BEGIN
    SELECT raise(ABORT, 'DELETE of immutable_audit_entries is refused: the audit log is immutable');
END;

CREATE TRIGGER IF NOT EXISTS immutable_daily_anchors_unchanged
BEFORE UPDATE ON immutable_daily_anchors
BEGIN
    SELECT raise(ABORT, 'UPDATE of immutable_daily_anchors is refused: the audit log is immutable');
END;

CREATE TRIGGER IF NOT EXISTS immutable_daily_anchors_kept
BEFORE DELETE ON immutable_daily_anchors
BEGIN
    SELECT raise(ABORT, 'DELETE of immutable_daily_anchors is refused: the audit log is immutable');
END;

CREATE TRIGGER IF NOT EXISTS audit_chains_kept
BEFORE DELETE ON audit_chains
BEGIN
    SELECT raise(ABORT, 'DELETE of audit_chains is refused: the audit log is immutable');
END;

-- A chain only grows: its row knows the last entry, and never an earlier one again.
CREATE TRIGGER IF NOT EXISTS audit_chains_growing
BEFORE UPDATE ON audit_chains
WHEN
    new.chain <> old.chain
    OR new.origin <> old.origin
    OR new.created_at <> old.created_at
    OR new.last_sequence < old.last_sequence
    OR (new.last_sequence = old.last_sequence AND new.last_hash <> old.last_hash)
    OR (
        old.last_timestamp IS NOT NULL
        AND (new.last_timestamp IS NULL OR new.last_timestamp < old.last_timestamp)
    )
    OR new.first_broken_sequence IS NOT old.first_broken_sequence
    OR new.broken_reason IS NOT old.broken_reason
BEGIN
    SELECT raise(ABORT, 'UPDATE of audit_chains is refused: a chain only grows');
END;

-- The chain's row follows its entries, also those that a migration brings.
CREATE TRIGGER IF NOT EXISTS immutable_audit_entries_added
AFTER INSERT ON immutable_audit_entries
BEGIN
    UPDATE audit_chains
    SET
        last_sequence = new.sequence_number,
        last_hash = new.entry_hash,
        last_timestamp = max(coalesce(last_timestamp, new.timestamp), new.timestamp)
    WHERE chain = new.chain AND last_sequence < new.sequence_number;
END;

-- An event stays as it was told; what is personal in it may be taken out, and no more.
CREATE TRIGGER IF NOT EXISTS audit_log_unchanged
BEFORE UPDATE ON audit_log
WHEN
    new.id <> old.id
    OR new.timestamp <> old.timestamp
    OR new.org_id IS NOT old.org_id
    OR new.action <> old.action
    OR new.resource_type <> old.resource_type
    OR new.resource_id IS NOT old.resource_id
    OR (new.user_id IS NOT NULL AND new.user_id IS NOT old.user_id)
    OR (new.old_value IS NOT NULL AND new.old_value IS NOT old.old_value)
    OR (new.new_value IS NOT NULL AND new.new_value IS NOT old.new_value)
    OR (new.metadata <> '{}' AND new.metadata <> old.metadata)
    OR (new.ip_address IS NOT NULL AND new.ip_address IS NOT old.ip_address)
    OR (new.user_agent IS NOT NULL AND new.user_agent IS NOT old.user_agent)
BEGIN
    SELECT raise(ABORT, 'UPDATE of audit_log is refused: an event may only lose personal values');
END;

INSERT INTO _schema_versions (module, version) VALUES ('audit', 1)
ON CONFLICT (module) DO NOTHING;

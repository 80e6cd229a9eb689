-- Queries of the audit store: events, and chains of immutable entries with their anchors.

-- name: insert_event(timestamp, user_id, org_id, action, resource_type, resource_id, old_value, new_value, metadata, ip_address, user_agent)$
-- Store an event and return its number.
-- result: id not null
INSERT INTO audit_log (
    timestamp,
    user_id,
    org_id,
    action,
    resource_type,
    resource_id,
    old_value,
    new_value,
    metadata,
    ip_address,
    user_agent
)
VALUES (
    :timestamp,
    :user_id,
    :org_id,
    :action,
    :resource_type,
    :resource_id,
    :old_value::jsonb,
    :new_value::jsonb,
    :metadata::jsonb,
    :ip_address,
    :user_agent
)
RETURNING id;

-- name: list_events(resource_type, since, after_timestamp, after_id, row_limit)
-- List events, the newest first, from a place on.
-- plan: filtered_walk allowed because a type of resources has many of the events
SELECT
    -- columns: AuditEvent
    e.id,
    e.timestamp,
    e.user_id,
    e.org_id,
    e.action,
    e.resource_type,
    e.resource_id,
    e.old_value,
    e.new_value,
    e.metadata,
    e.ip_address,
    e.user_agent
FROM audit_log AS e
WHERE
    e.timestamp >= :since
    AND (e.timestamp, e.id) < (:after_timestamp, :after_id)
    AND (:resource_type::text IS NULL OR e.resource_type = :resource_type)
ORDER BY e.timestamp DESC, e.id DESC
LIMIT :row_limit;

-- name: list_events_of_user(user_id, org_id, action, prefixes, resource_type, resource_id, since, after_timestamp, after_id, row_limit)
-- List the events of a user, the newest first, from a place on.
-- meaning: values of prefixes [null, [["login.", "login/"]], [["l", "m"]], [["lockout", "lockouu"], ["login.ok", "login.ol"]], [], [["plan.", "plan/"], ["a", "z"]]] because each is a prefix and what comes behind it
SELECT
    -- columns: AuditEvent
    e.id,
    e.timestamp,
    e.user_id,
    e.org_id,
    e.action,
    e.resource_type,
    e.resource_id,
    e.old_value,
    e.new_value,
    e.metadata,
    e.ip_address,
    e.user_agent
FROM audit_log AS e
WHERE
    e.user_id = :user_id
    AND e.timestamp >= :since
    AND (e.timestamp, e.id) < (:after_timestamp, :after_id)
    AND (:org_id::text IS NULL OR e.org_id = :org_id)
    AND (:action::text IS NULL OR e.action = :action)
    AND (
        :prefixes::jsonb IS NULL
        OR EXISTS (
            SELECT 1
            FROM pg_catalog.jsonb_array_elements(:prefixes::jsonb) AS p (prefix)
            WHERE
                e.action >= pg_catalog.jsonb_array_element_text(p.prefix, 0)
                AND e.action < pg_catalog.jsonb_array_element_text(p.prefix, 1)
        )
    )
    AND (:resource_type::text IS NULL OR e.resource_type = :resource_type)
    AND (:resource_id::text IS NULL OR e.resource_id = :resource_id)
ORDER BY e.timestamp DESC, e.id DESC
LIMIT :row_limit;

-- name: list_events_of_org(org_id, action, prefixes, resource_type, since, after_timestamp, after_id, row_limit)
-- List the events of an organization, the newest first, from a place on.
-- meaning: values of prefixes [null, [["login.", "login/"]], [["l", "m"]], [["lockout", "lockouu"], ["login.ok", "login.ol"]], [], [["plan.", "plan/"], ["a", "z"]]] because each is a prefix and what comes behind it
SELECT
    -- columns: AuditEvent
    e.id,
    e.timestamp,
    e.user_id,
    e.org_id,
    e.action,
    e.resource_type,
    e.resource_id,
    e.old_value,
    e.new_value,
    e.metadata,
    e.ip_address,
    e.user_agent
FROM audit_log AS e
WHERE
    e.org_id = :org_id
    AND e.timestamp >= :since
    AND (e.timestamp, e.id) < (:after_timestamp, :after_id)
    AND (:action::text IS NULL OR e.action = :action)
    AND (
        :prefixes::jsonb IS NULL
        OR EXISTS (
            SELECT 1
            FROM pg_catalog.jsonb_array_elements(:prefixes::jsonb) AS p (prefix)
            WHERE
                e.action >= pg_catalog.jsonb_array_element_text(p.prefix, 0)
                AND e.action < pg_catalog.jsonb_array_element_text(p.prefix, 1)
        )
    )
    AND (:resource_type::text IS NULL OR e.resource_type = :resource_type)
ORDER BY e.timestamp DESC, e.id DESC
LIMIT :row_limit;

-- name: list_events_of_action(action, resource_type, since, after_timestamp, after_id, row_limit)
-- List the events of an action, the newest first, from a place on.
SELECT
    -- columns: AuditEvent
    e.id,
    e.timestamp,
    e.user_id,
    e.org_id,
    e.action,
    e.resource_type,
    e.resource_id,
    e.old_value,
    e.new_value,
    e.metadata,
    e.ip_address,
    e.user_agent
FROM audit_log AS e
WHERE
    e.action = :action
    AND e.timestamp >= :since
    AND (e.timestamp, e.id) < (:after_timestamp, :after_id)
    AND (:resource_type::text IS NULL OR e.resource_type = :resource_type)
ORDER BY e.timestamp DESC, e.id DESC
LIMIT :row_limit;

-- name: list_events_of_resource(resource_type, resource_id, org_id, action, prefixes, since, after_timestamp, after_id, row_limit)
-- List the events of a resource, the newest first, from a place on.
-- meaning: values of prefixes [null, [["login.", "login/"]], [["l", "m"]], [["lockout", "lockouu"], ["login.ok", "login.ol"]], [], [["plan.", "plan/"], ["a", "z"]]] because each is a prefix and what comes behind it
SELECT
    -- columns: AuditEvent
    e.id,
    e.timestamp,
    e.user_id,
    e.org_id,
    e.action,
    e.resource_type,
    e.resource_id,
    e.old_value,
    e.new_value,
    e.metadata,
    e.ip_address,
    e.user_agent
FROM audit_log AS e
WHERE
    e.resource_type = :resource_type
    AND e.resource_id = :resource_id
    AND e.timestamp >= :since
    AND (e.timestamp, e.id) < (:after_timestamp, :after_id)
    AND (:org_id::text IS NULL OR e.org_id = :org_id)
    AND (:action::text IS NULL OR e.action = :action)
    AND (
        :prefixes::jsonb IS NULL
        OR EXISTS (
            SELECT 1
            FROM pg_catalog.jsonb_array_elements(:prefixes::jsonb) AS p (prefix)
            WHERE
                e.action >= pg_catalog.jsonb_array_element_text(p.prefix, 0)
                AND e.action < pg_catalog.jsonb_array_element_text(p.prefix, 1)
        )
    )
ORDER BY e.timestamp DESC, e.id DESC
LIMIT :row_limit;

-- name: list_events_of_prefixes(prefixes, resource_type, since, after_timestamp, after_id, row_limit)
-- List the events whose action begins with one of some prefixes, the newest first, from a place on.
-- meaning: values of prefixes [[["login.", "login/"]], [["l", "m"]], [["lockout", "lockouu"], ["login.ok", "login.ol"]], [], [["plan.", "plan/"]], [["login.failed", "login.fai"]], [["a", "z"]]] because each is a prefix and what comes behind it
-- The actions are looked up one by one along the index; of each the newest events are taken.
WITH RECURSIVE named (action, prefix_end) AS (
    SELECT
        (
            SELECT min(a.action)
            FROM audit_log AS a
            WHERE a.action >= p.prefix_start AND a.action < p.prefix_end
        ) AS action,
        p.prefix_end
    FROM (
        SELECT
            pg_catalog.jsonb_array_element_text(j.prefix, 0) AS prefix_start,
            pg_catalog.jsonb_array_element_text(j.prefix, 1) AS prefix_end
        FROM pg_catalog.jsonb_array_elements(:prefixes::jsonb) AS j (prefix)
    ) AS p
    UNION ALL
    SELECT
        (
            SELECT min(a.action)
            FROM audit_log AS a
            WHERE a.action > n.action AND a.action < n.prefix_end
        ) AS action,
        n.prefix_end
    FROM named AS n
    WHERE n.action IS NOT NULL
)

SELECT
    -- columns: AuditEvent
    e.id,
    e.timestamp,
    e.user_id,
    e.org_id,
    e.action,
    e.resource_type,
    e.resource_id,
    e.old_value,
    e.new_value,
    e.metadata,
    e.ip_address,
    e.user_agent
FROM named AS n
CROSS JOIN
    LATERAL (
        SELECT
            i.id,
            i.timestamp,
            i.user_id,
            i.org_id,
            i.action,
            i.resource_type,
            i.resource_id,
            i.old_value,
            i.new_value,
            i.metadata,
            i.ip_address,
            i.user_agent
        FROM audit_log AS i
        WHERE
            i.action = n.action
            AND i.timestamp >= :since
            AND (i.timestamp, i.id) < (:after_timestamp, :after_id)
            AND (:resource_type::text IS NULL OR i.resource_type = :resource_type)
        ORDER BY i.timestamp DESC, i.id DESC
        LIMIT :row_limit
    ) AS e
WHERE n.action IS NOT NULL
ORDER BY e.timestamp DESC, e.id DESC
LIMIT :row_limit;

-- name: count_events(user_id, org_id, action, prefixes, resource_type, resource_id, since, until)$
-- Count events.
-- meaning: values of prefixes [null, [["login.", "login/"]], [["l", "m"]], [["lockout", "lockouu"], ["login.ok", "login.ol"]], [], [["plan.", "plan/"], ["a", "z"]]] because each is a prefix and what comes behind it
SELECT count(*) AS total
FROM audit_log AS e
WHERE
    e.timestamp >= :since
    AND e.timestamp <= :until
    AND (:user_id::text IS NULL OR e.user_id = :user_id)
    AND (:org_id::text IS NULL OR e.org_id = :org_id)
    AND (:action::text IS NULL OR e.action = :action)
    AND (
        :prefixes::jsonb IS NULL
        OR EXISTS (
            SELECT 1
            FROM pg_catalog.jsonb_array_elements(:prefixes::jsonb) AS p (prefix)
            WHERE
                e.action >= pg_catalog.jsonb_array_element_text(p.prefix, 0)
                AND e.action < pg_catalog.jsonb_array_element_text(p.prefix, 1)
        )
    )
    AND (:resource_type::text IS NULL OR e.resource_type = :resource_type)
    AND (:resource_id::text IS NULL OR e.resource_id = :resource_id);

-- name: delete_events(older_than, row_limit)!
-- Delete some of the events that are older than a time, the oldest first.
-- locks: audit_log rows in order of timestamp, id, skip locked
WITH chosen AS (
    SELECT e.id
    FROM audit_log AS e
    WHERE e.timestamp < :older_than
    ORDER BY e.timestamp ASC, e.id ASC
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM audit_log AS t
WHERE t.id = any(array(SELECT c.id FROM chosen AS c));

-- name: create_chain(chain, last_hash, created_at)!
-- Make a chain, unless it is there.
INSERT INTO audit_chains (chain, last_hash, created_at)
VALUES (:chain, :last_hash, :created_at)
ON CONFLICT (chain) DO NOTHING;

-- name: get_chain(chain)^
-- Return a chain.
SELECT
    -- columns: AuditChain
    c.chain,
    c.origin,
    c.last_sequence,
    c.last_hash,
    c.last_timestamp,
    c.first_broken_sequence,
    c.broken_reason,
    c.created_at
FROM audit_chains AS c
WHERE c.chain = :chain;

-- name: list_chains()
-- List the chains by name.
-- plan: seq_scan allowed because there are a few chains
SELECT
    -- columns: AuditChain
    c.chain,
    c.origin,
    c.last_sequence,
    c.last_hash,
    c.last_timestamp,
    c.first_broken_sequence,
    c.broken_reason,
    c.created_at
FROM audit_chains AS c
ORDER BY c.chain;

-- name: lock_chain(chain)^
-- Return a chain that nobody else appends to until the end of the transaction.
-- locks: one audit_chains row for no key update
SELECT
    -- columns: AuditChain
    c.chain,
    c.origin,
    c.last_sequence,
    c.last_hash,
    c.last_timestamp,
    c.first_broken_sequence,
    c.broken_reason,
    c.created_at
FROM audit_chains AS c
WHERE c.chain = :chain
FOR NO KEY UPDATE OF c;

-- name: close_day(chain, day_end)!
-- Have the next entries of a chain be no earlier than the end of a day.
UPDATE audit_chains
SET last_timestamp = :day_end
WHERE
    chain = :chain
    AND (last_timestamp IS NULL OR last_timestamp < :day_end);

-- name: append_entries(chain, last_sequence, last_hash, first_timestamp, entries)!
-- Append entries to a chain, if its last entry is still this one. The chain's row follows by a trigger.
-- meaning: values of entries [[{"id": "new_1", "sequence_number": 8, "timestamp": "2026-01-01T00:00:00.000000Z", "previous_hash": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "entry_hash": "0000000000000000000000000000000000000000000000000000000000000001", "hash_version": 2, "event_type": "t", "actor": "b", "actor_type": "system", "resource_type": "rt", "resource_id": "r9", "action": "do", "details": "{\"a\": 1}", "correlation_id": "cc", "workspace_id": "ws", "ip_address": "192.0.2.1", "user_agent": "ua", "signature": "sig", "signature_key_id": "key"}], [{"id": "new_2", "sequence_number": 8, "timestamp": "2026-01-01T00:00:00.500000Z", "previous_hash": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "entry_hash": "0000000000000000000000000000000000000000000000000000000000000002", "hash_version": 2, "event_type": "t", "actor": "b", "actor_type": "system", "resource_type": "rt", "resource_id": "r9", "action": "do", "details": "{\"a\": 1}", "correlation_id": "cc", "workspace_id": "ws", "ip_address": "192.0.2.1", "user_agent": "ua", "signature": "sig", "signature_key_id": "key"}, {"id": "new_3", "sequence_number": 9, "timestamp": "2026-01-02T00:00:00.000001Z", "previous_hash": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "entry_hash": "0000000000000000000000000000000000000000000000000000000000000003", "hash_version": 1, "event_type": "t", "actor": "b", "actor_type": "system", "resource_type": "rt", "resource_id": "r9", "action": "do", "details": "{\"a\": 1}"}], []] because they are what the store makes of new entries
-- meaning: values of last_hash ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] because it is that of the chain's row
-- locks: one audit_chains row for no key update
WITH held AS (
    SELECT c.chain
    FROM audit_chains AS c
    WHERE
        c.chain = :chain
        AND c.last_sequence = :last_sequence
        AND c.last_hash = :last_hash
        AND (c.last_timestamp IS NULL OR c.last_timestamp <= :first_timestamp)
    FOR NO KEY UPDATE OF c
)

INSERT INTO immutable_audit_entries (
    id,
    chain,
    sequence_number,
    timestamp,
    previous_hash,
    entry_hash,
    hash_version,
    event_type,
    actor,
    actor_type,
    resource_type,
    resource_id,
    action,
    details,
    correlation_id,
    workspace_id,
    ip_address,
    user_agent,
    signature,
    signature_key_id
)
SELECT
    e.id,
    c.chain,
    e.sequence_number,
    e.timestamp,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.signature,
    e.signature_key_id
FROM held AS c
CROSS JOIN pg_catalog.jsonb_to_recordset(:entries::jsonb) AS e (
    id TEXT,
    sequence_number BIGINT,
    timestamp TIMESTAMPTZ,
    previous_hash TEXT,
    entry_hash TEXT,
    hash_version INTEGER,
    event_type TEXT,
    actor TEXT,
    actor_type TEXT,
    resource_type TEXT,
    resource_id TEXT,
    action TEXT,
    details TEXT,
    correlation_id TEXT,
    workspace_id TEXT,
    ip_address TEXT,
    user_agent TEXT,
    signature TEXT,
    signature_key_id TEXT
);

-- name: get_entry(entry_id)^
-- Return an entry.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE e.id = :entry_id;

-- name: get_entry_by_sequence(chain, sequence_number)^
-- Return the entry of a number.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.sequence_number = :sequence_number;

-- name: get_last_entry(chain)^
-- Return the last entry of a chain.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE e.chain = :chain
ORDER BY e.sequence_number DESC
LIMIT 1;

-- name: page_entries(chain, first_sequence, last_sequence, row_limit)
-- List the entries of a chain in their order, from a number on.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.sequence_number >= :first_sequence
    AND e.sequence_number <= :last_sequence
ORDER BY e.sequence_number
LIMIT :row_limit;

-- name: page_hashed(chain, first_sequence, last_sequence, row_limit)
-- List what is hashed of the entries of a chain in their order, from a number on.
-- result: utc_text not null
SELECT
    e.chain,
    e.sequence_number,
    e.id,
    to_char(
        e.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    ) AS utc_text,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.sequence_number >= :first_sequence
    AND e.sequence_number <= :last_sequence
ORDER BY e.sequence_number
LIMIT :row_limit;

-- name: page_hashes(chain, after_sequence, last_sequence, row_limit)
-- List the hashes of a chain's entries in their order, from a place on.
SELECT
    e.sequence_number,
    e.id,
    e.entry_hash
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.sequence_number > :after_sequence
    AND e.sequence_number <= :last_sequence
ORDER BY e.sequence_number ASC
LIMIT :row_limit;

-- name: get_range(chain, since, day_end)^
-- Return the first and the last number of the entries of a time, and how many there are.
-- result: entry_count not null
SELECT
    min(e.sequence_number) AS first_sequence,
    max(e.sequence_number) AS last_sequence,
    count(*) AS entry_count
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.timestamp >= :since
    AND e.timestamp < :day_end;

-- name: page_time(chain, until, after_timestamp, after_sequence, row_limit)
-- List the entries of a time, the oldest first, from a place on.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.timestamp <= :until
    AND (e.timestamp, e.sequence_number) > (:after_timestamp, :after_sequence)
ORDER BY e.timestamp ASC, e.sequence_number ASC
LIMIT :row_limit;

-- name: list_entries(chain, event_types, resource_types, workspace_id, since, after_timestamp, after_sequence, row_limit)
-- List entries, the newest first, from a place on.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details AS details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.timestamp >= :since
    AND (e.timestamp, e.sequence_number) < (:after_timestamp, :after_sequence)
    AND (:event_types::text[] IS NULL OR e.event_type = any(:event_types::text[]))
    AND (:resource_types::text[] IS NULL OR e.resource_type = any(:resource_types::text[]))
    AND (:workspace_id::text IS NULL OR e.workspace_id = :workspace_id)
ORDER BY e.timestamp DESC, e.sequence_number DESC
LIMIT :row_limit;

-- name: list_entries_of_actors(actors, chain, resource_ids, event_types, resource_types, workspace_id, since, after_timestamp, after_sequence, row_limit)
-- List the entries of some actors, the newest first, from a place on.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM (SELECT DISTINCT pg_catalog.unnest(:actors::text[]) AS actor) AS n
CROSS JOIN
    LATERAL (
        SELECT
            i.chain,
            i.sequence_number,
            i.id,
            i.timestamp,
            i.timestamp_text,
            i.event_type,
            i.actor,
            i.actor_type,
            i.resource_type,
            i.resource_id,
            i.action,
            i.details AS details_text,
            i.correlation_id,
            i.workspace_id,
            i.ip_address,
            i.user_agent,
            i.previous_hash,
            i.entry_hash,
            i.hash_version,
            i.signature,
            i.signature_key_id
        FROM immutable_audit_entries AS i
        WHERE
            i.actor = n.actor
            AND i.chain = :chain
            AND i.timestamp >= :since
            AND (i.timestamp, i.sequence_number) < (:after_timestamp, :after_sequence)
            AND (:event_types::text[] IS NULL OR i.event_type = any(:event_types::text[]))
            AND (:resource_types::text[] IS NULL OR i.resource_type = any(:resource_types::text[]))
            AND (:resource_ids::text[] IS NULL OR i.resource_id = any(:resource_ids::text[]))
            AND (:workspace_id::text IS NULL OR i.workspace_id = :workspace_id)
        ORDER BY i.timestamp DESC, i.sequence_number DESC
        LIMIT :row_limit
    ) AS e
ORDER BY e.timestamp DESC, e.sequence_number DESC
LIMIT :row_limit;

-- name: list_entries_of_resources(resource_ids, chain, event_types, resource_types, workspace_id, since, after_timestamp, after_sequence, row_limit)
-- List the entries of some resources, the newest first, from a place on.
SELECT
    -- columns: AuditEntry
    e.chain,
    e.sequence_number,
    e.id,
    e.timestamp,
    e.timestamp_text,
    e.event_type,
    e.actor,
    e.actor_type,
    e.resource_type,
    e.resource_id,
    e.action,
    e.details_text,
    e.correlation_id,
    e.workspace_id,
    e.ip_address,
    e.user_agent,
    e.previous_hash,
    e.entry_hash,
    e.hash_version,
    e.signature,
    e.signature_key_id
FROM (SELECT DISTINCT pg_catalog.unnest(:resource_ids::text[]) AS resource_id) AS n
CROSS JOIN
    LATERAL (
        SELECT
            i.chain,
            i.sequence_number,
            i.id,
            i.timestamp,
            i.timestamp_text,
            i.event_type,
            i.actor,
            i.actor_type,
            i.resource_type,
            i.resource_id,
            i.action,
            i.details AS details_text,
            i.correlation_id,
            i.workspace_id,
            i.ip_address,
            i.user_agent,
            i.previous_hash,
            i.entry_hash,
            i.hash_version,
            i.signature,
            i.signature_key_id
        FROM immutable_audit_entries AS i
        WHERE
            i.resource_id = n.resource_id
            AND i.chain = :chain
            AND i.timestamp >= :since
            AND (i.timestamp, i.sequence_number) < (:after_timestamp, :after_sequence)
            AND (:event_types::text[] IS NULL OR i.event_type = any(:event_types::text[]))
            AND (:resource_types::text[] IS NULL OR i.resource_type = any(:resource_types::text[]))
            AND (:workspace_id::text IS NULL OR i.workspace_id = :workspace_id)
        ORDER BY i.timestamp DESC, i.sequence_number DESC
        LIMIT :row_limit
    ) AS e
ORDER BY e.timestamp DESC, e.sequence_number DESC
LIMIT :row_limit;

-- name: count_entries(chain, since, until, event_types)$
-- Count the entries of a time.
SELECT count(*) AS total
FROM immutable_audit_entries AS e
WHERE
    e.chain = :chain
    AND e.timestamp >= :since
    AND e.timestamp <= :until
    AND (:event_types::text[] IS NULL OR e.event_type = any(:event_types::text[]));

-- name: insert_anchor(chain, anchor_date, first_sequence, last_sequence, entry_count, merkle_root, chain_hash, tree_version, created_at)!
-- Store the anchor of a day, unless it has one.
INSERT INTO immutable_daily_anchors (
    chain,
    date,
    first_sequence,
    last_sequence,
    entry_count,
    merkle_root,
    chain_hash,
    tree_version,
    created_at
)
VALUES (
    :chain,
    :anchor_date,
    :first_sequence,
    :last_sequence,
    :entry_count,
    :merkle_root,
    :chain_hash,
    :tree_version,
    :created_at
)
ON CONFLICT (chain, date) DO NOTHING;

-- name: get_anchor(chain, anchor_date)^
-- Return the anchor of a day.
SELECT
    -- columns: DailyAnchor
    a.chain,
    a.date,
    a.first_sequence,
    a.last_sequence,
    a.entry_count,
    a.merkle_root,
    a.chain_hash,
    a.tree_version,
    a.created_at
FROM immutable_daily_anchors AS a
WHERE
    a.chain = :chain
    AND a.date = :anchor_date;

-- name: list_anchors(chain, first_date, after_date, row_limit)
-- List the anchors of a chain in the order of their days, from a day on and behind a day.
SELECT
    -- columns: DailyAnchor
    a.chain,
    a.date,
    a.first_sequence,
    a.last_sequence,
    a.entry_count,
    a.merkle_root,
    a.chain_hash,
    a.tree_version,
    a.created_at
FROM immutable_daily_anchors AS a
WHERE
    a.chain = :chain
    AND a.date >= :first_date
    AND a.date > :after_date
ORDER BY a.date
LIMIT :row_limit;

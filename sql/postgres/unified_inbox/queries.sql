-- Queries of the store of the unified inbox.

-- name: save_account(tenant_id, account_id, provider, email_address, email_key, display_name, status, connected_at, last_sync, total_messages, unread_count, sync_errors, metadata)!
-- Store an account, or replace the one of its id. The counts of a stored one stay.
INSERT INTO unified_inbox_accounts (
    tenant_id,
    account_id,
    provider,
    email_address,
    email_key,
    display_name,
    status,
    connected_at,
    last_sync,
    total_messages,
    unread_count,
    sync_errors,
    metadata
)
VALUES (
    :tenant_id,
    :account_id,
    :provider,
    :email_address,
    :email_key,
    :display_name,
    :status,
    :connected_at,
    :last_sync,
    :total_messages,
    :unread_count,
    :sync_errors,
    :metadata::jsonb
)
ON CONFLICT (tenant_id, account_id) DO UPDATE
    SET
        provider = excluded.provider,
        email_address = excluded.email_address,
        email_key = excluded.email_key,
        display_name = excluded.display_name,
        status = excluded.status,
        connected_at = excluded.connected_at,
        last_sync = excluded.last_sync,
        metadata = excluded.metadata;

-- name: get_account(tenant_id, account_id)^
-- Return an account.
SELECT
    -- columns: InboxAccount
    a.tenant_id,
    a.account_id,
    a.provider,
    a.email_address,
    a.display_name,
    a.status,
    a.connected_at,
    a.last_sync,
    a.total_messages,
    a.unread_count,
    a.sync_errors,
    a.metadata
FROM unified_inbox_accounts AS a
WHERE
    a.tenant_id = :tenant_id
    AND a.account_id = :account_id;

-- name: list_accounts(tenant_id, after_timestamp, after_id, row_limit)
-- List the accounts of a tenant, the last connected first, those that were never connected last, from
-- a place on.
SELECT
    -- columns: InboxAccount
    a.tenant_id,
    a.account_id,
    a.provider,
    a.email_address,
    a.display_name,
    a.status,
    a.connected_at,
    a.last_sync,
    a.total_messages,
    a.unread_count,
    a.sync_errors,
    a.metadata
FROM unified_inbox_accounts AS a
WHERE
    a.tenant_id = :tenant_id
    AND (coalesce(a.connected_at, '-infinity'::timestamptz), a.account_id)
    < (:after_timestamp, :after_id::text)
ORDER BY coalesce(a.connected_at, '-infinity'::timestamptz) DESC, a.account_id DESC
LIMIT :row_limit;

-- name: delete_account(tenant_id, account_id)!
-- Delete an account with its messages and what is advised of them.
DELETE FROM unified_inbox_accounts
WHERE
    tenant_id = :tenant_id
    AND account_id = :account_id;

-- name: hold_account(tenant_id, account_id)^
-- Return an account, and hold it until the transaction ends.
-- locks: one unified_inbox_accounts row for no key update
SELECT
    -- columns: InboxAccount
    a.tenant_id,
    a.account_id,
    a.provider,
    a.email_address,
    a.display_name,
    a.status,
    a.connected_at,
    a.last_sync,
    a.total_messages,
    a.unread_count,
    a.sync_errors,
    a.metadata
FROM unified_inbox_accounts AS a
WHERE
    a.tenant_id = :tenant_id
    AND a.account_id = :account_id
FOR NO KEY UPDATE;

-- name: hold_account_of(tenant_id, message_id)$
-- Return the account of a message, and hold it until the transaction ends.
-- locks: unified_inbox_accounts rows for no key update in order of account_id
SELECT a.account_id
FROM unified_inbox_accounts AS a
WHERE
    a.account_id = (
        SELECT m.account_id
        FROM unified_inbox_messages AS m
        WHERE
            m.tenant_id = :tenant_id
            AND m.message_id = :message_id
    )
    AND a.tenant_id = :tenant_id
ORDER BY a.account_id
FOR NO KEY UPDATE;

-- name: change_account(tenant_id, account_id, provider, email_address, email_key, display_name, status, connected_at, last_sync, total_messages, unread_count, sync_errors, metadata)!
-- Change an account, also its counts.
UPDATE unified_inbox_accounts
SET
    provider = :provider,
    email_address = :email_address,
    email_key = :email_key,
    display_name = :display_name,
    status = :status,
    connected_at = :connected_at,
    last_sync = :last_sync,
    total_messages = :total_messages,
    unread_count = :unread_count,
    sync_errors = :sync_errors,
    metadata = :metadata::jsonb
WHERE
    tenant_id = :tenant_id
    AND account_id = :account_id;

-- name: add_counts(tenant_id, account_id, total_delta, unread_delta, sync_error_delta)!
-- Add to the counts of an account; none becomes less than 0 or more than 2147483647.
UPDATE unified_inbox_accounts
SET
    total_messages = least(2147483647, greatest(0, total_messages::bigint + :total_delta::integer)),
    unread_count = least(2147483647, greatest(0, unread_count::bigint + :unread_delta::integer)),
    sync_errors = least(2147483647, greatest(0, sync_errors::bigint + :sync_error_delta::integer))
WHERE
    tenant_id = :tenant_id
    AND account_id = :account_id;

-- name: recount_messages(tenant_id, account_id)!
-- Let the counts of an account be the numbers of its messages.
UPDATE unified_inbox_accounts
SET
    total_messages = (
        SELECT count(*)
        FROM unified_inbox_messages AS m
        WHERE
            m.tenant_id = unified_inbox_accounts.tenant_id
            AND m.account_id = unified_inbox_accounts.account_id
    ),
    unread_count = (
        SELECT count(*)
        FROM unified_inbox_messages AS m
        WHERE
            m.tenant_id = unified_inbox_accounts.tenant_id
            AND m.account_id = unified_inbox_accounts.account_id
            AND NOT m.is_read
    )
WHERE
    tenant_id = :tenant_id
    AND account_id = :account_id;

-- name: insert_message(tenant_id, message_id, account_id, provider, external_id, subject, sender_email, sender_name, recipients, cc, received_at, snippet, body_preview, is_read, is_starred, has_attachments, labels, thread_id, priority_score, priority_tier, priority_reasons, triage_action, triage_rationale, created_at, updated_at, search_terms)$
-- Store a message, unless there is one of the provider's id, and return its id.
INSERT INTO unified_inbox_messages (
    tenant_id,
    message_id,
    account_id,
    provider,
    external_id,
    subject,
    sender_email,
    sender_name,
    recipients,
    cc,
    received_at,
    snippet,
    body_preview,
    is_read,
    is_starred,
    has_attachments,
    labels,
    thread_id,
    priority_score,
    priority_tier,
    priority_reasons,
    triage_action,
    triage_rationale,
    created_at,
    updated_at,
    search_terms
)
VALUES (
    :tenant_id,
    :message_id,
    :account_id,
    :provider,
    :external_id,
    :subject,
    :sender_email,
    :sender_name,
    :recipients::jsonb,
    :cc::jsonb,
    :received_at,
    :snippet,
    :body_preview,
    :is_read,
    :is_starred,
    :has_attachments,
    :labels::jsonb,
    :thread_id,
    :priority_score,
    :priority_tier,
    :priority_reasons::jsonb,
    :triage_action,
    :triage_rationale,
    :created_at,
    :updated_at,
    :search_terms
)
ON CONFLICT (tenant_id, account_id, external_id) DO NOTHING
RETURNING message_id;

-- name: hold_message(tenant_id, account_id, external_id)^
-- Return the message of a provider's id, and hold it until the transaction ends.
-- locks: one unified_inbox_messages row for no key update
SELECT
    -- columns: InboxMessage
    m.tenant_id,
    m.message_id,
    m.account_id,
    m.provider,
    m.external_id,
    m.subject,
    m.sender_email,
    m.sender_name,
    m.recipients,
    m.cc,
    m.received_at,
    m.snippet,
    m.body_preview,
    m.is_read,
    m.is_starred,
    m.has_attachments,
    m.labels,
    m.thread_id,
    m.priority_score,
    m.priority_tier,
    m.priority_reasons,
    m.triage_action,
    m.triage_rationale,
    m.created_at,
    m.updated_at
FROM unified_inbox_messages AS m
WHERE
    m.tenant_id = :tenant_id
    AND m.account_id = :account_id
    AND m.external_id = :external_id
FOR NO KEY UPDATE;

-- name: update_message(tenant_id, account_id, external_id, provider, subject, sender_email, sender_name, recipients, cc, received_at, snippet, body_preview, is_starred, has_attachments, labels, thread_id, priority_score, priority_tier, priority_reasons, triage_action, triage_rationale, updated_at, search_terms)!
-- Change the message of a provider's id but for whether it was read.
UPDATE unified_inbox_messages
SET
    provider = :provider,
    subject = :subject,
    sender_email = :sender_email,
    sender_name = :sender_name,
    recipients = :recipients::jsonb,
    cc = :cc::jsonb,
    received_at = :received_at,
    snippet = :snippet,
    body_preview = :body_preview,
    is_starred = :is_starred,
    has_attachments = :has_attachments,
    labels = :labels::jsonb,
    thread_id = :thread_id,
    priority_score = :priority_score,
    priority_tier = :priority_tier,
    priority_reasons = :priority_reasons::jsonb,
    triage_action = :triage_action,
    triage_rationale = :triage_rationale,
    updated_at = :updated_at,
    search_terms = :search_terms
WHERE
    tenant_id = :tenant_id
    AND account_id = :account_id
    AND external_id = :external_id;

-- name: set_read(tenant_id, message_id, is_read, updated_at)$
-- Mark a message as read or unread, and return its account; nothing when it is so already.
UPDATE unified_inbox_messages
SET
    is_read = :is_read,
    updated_at = :updated_at
WHERE
    tenant_id = :tenant_id
    AND message_id = :message_id
    AND is_read <> :is_read
RETURNING account_id;

-- name: set_starred(tenant_id, message_id, is_starred, updated_at)!
-- Star a message, or not; NULL leaves it as it is.
UPDATE unified_inbox_messages
SET
    is_starred = coalesce(:is_starred::boolean, is_starred),
    updated_at = :updated_at
WHERE
    tenant_id = :tenant_id
    AND message_id = :message_id;

-- name: set_triage(tenant_id, message_id, triage_action, triage_rationale, updated_at)!
-- Keep what is to be done with a message.
UPDATE unified_inbox_messages
SET
    triage_action = :triage_action,
    triage_rationale = :triage_rationale,
    updated_at = :updated_at
WHERE
    tenant_id = :tenant_id
    AND message_id = :message_id;

-- name: delete_message(tenant_id, message_id)^
-- Delete a message with what is advised of it, and return its account and whether it was read.
DELETE FROM unified_inbox_messages
WHERE
    tenant_id = :tenant_id
    AND message_id = :message_id
RETURNING account_id, is_read;

-- name: get_message(tenant_id, message_id)^
-- Return a message.
SELECT
    -- columns: InboxMessage
    m.tenant_id,
    m.message_id,
    m.account_id,
    m.provider,
    m.external_id,
    m.subject,
    m.sender_email,
    m.sender_name,
    m.recipients,
    m.cc,
    m.received_at,
    m.snippet,
    m.body_preview,
    m.is_read,
    m.is_starred,
    m.has_attachments,
    m.labels,
    m.thread_id,
    m.priority_score,
    m.priority_tier,
    m.priority_reasons,
    m.triage_action,
    m.triage_rationale,
    m.created_at,
    m.updated_at
FROM unified_inbox_messages AS m
WHERE
    m.tenant_id = :tenant_id
    AND m.message_id = :message_id;

-- name: list_messages(tenant_id, account_id, priority_tier, after_score, after_timestamp, after_id, row_limit)
-- List the messages, of one account and tier or of all, the most urgent first, from a place on.
-- meaning: values of after_score [1e300, 2.5, 1.0, 0.5, 0.0] because the first is that of the first page
SELECT
    -- columns: InboxMessage
    m.tenant_id,
    m.message_id,
    m.account_id,
    m.provider,
    m.external_id,
    m.subject,
    m.sender_email,
    m.sender_name,
    m.recipients,
    m.cc,
    m.received_at,
    m.snippet,
    m.body_preview,
    m.is_read,
    m.is_starred,
    m.has_attachments,
    m.labels,
    m.thread_id,
    m.priority_score,
    m.priority_tier,
    m.priority_reasons,
    m.triage_action,
    m.triage_rationale,
    m.created_at,
    m.updated_at
FROM unified_inbox_messages AS m
WHERE
    m.tenant_id = :tenant_id
    AND (:account_id::text IS NULL OR m.account_id = :account_id)
    AND (:priority_tier::text IS NULL OR m.priority_tier = :priority_tier)
    AND (m.priority_score, m.received_at, m.message_id)
    < (:after_score::double precision, :after_timestamp, :after_id::text)
ORDER BY m.priority_score DESC, m.received_at DESC, m.message_id DESC
LIMIT :row_limit;

-- name: list_unread_messages(tenant_id, account_id, priority_tier, after_score, after_timestamp, after_id, row_limit)
-- List the unread messages, of one account and tier or of all, the most urgent first, from a place on.
-- meaning: values of after_score [1e300, 2.5, 1.0, 0.5, 0.0] because the first is that of the first page
SELECT
    -- columns: InboxMessage
    m.tenant_id,
    m.message_id,
    m.account_id,
    m.provider,
    m.external_id,
    m.subject,
    m.sender_email,
    m.sender_name,
    m.recipients,
    m.cc,
    m.received_at,
    m.snippet,
    m.body_preview,
    m.is_read,
    m.is_starred,
    m.has_attachments,
    m.labels,
    m.thread_id,
    m.priority_score,
    m.priority_tier,
    m.priority_reasons,
    m.triage_action,
    m.triage_rationale,
    m.created_at,
    m.updated_at
FROM unified_inbox_messages AS m
WHERE
    m.tenant_id = :tenant_id
    AND NOT m.is_read
    AND (:account_id::text IS NULL OR m.account_id = :account_id)
    AND (:priority_tier::text IS NULL OR m.priority_tier = :priority_tier)
    AND (m.priority_score, m.received_at, m.message_id)
    < (:after_score::double precision, :after_timestamp, :after_id::text)
ORDER BY m.priority_score DESC, m.received_at DESC, m.message_id DESC
LIMIT :row_limit;

-- name: find_messages(expression, tenant_id, account_id, priority_tier, unread_only, after_score, after_timestamp, after_id, row_limit)
-- List the messages that a search finds, of one account and tier or of all, the most urgent first, from
-- a place on.
-- meaning: values of after_score [1e300, 2.5, 1.0, 0.5, 0.0] because the first is that of the first page
-- meaning: values of expression ["(alpha&beta)", "alpha", "gamma", "(beta&gamma)"] because the store writes it so
WITH matches AS MATERIALIZED (
    SELECT
        s.tenant_id,
        s.message_id
    FROM unified_inbox_messages AS s
    WHERE
        s.search_vector @@ :expression::tsquery
        AND s.tenant_id = :tenant_id
)

SELECT
    -- columns: InboxMessage
    m.tenant_id,
    m.message_id,
    m.account_id,
    m.provider,
    m.external_id,
    m.subject,
    m.sender_email,
    m.sender_name,
    m.recipients,
    m.cc,
    m.received_at,
    m.snippet,
    m.body_preview,
    m.is_read,
    m.is_starred,
    m.has_attachments,
    m.labels,
    m.thread_id,
    m.priority_score,
    m.priority_tier,
    m.priority_reasons,
    m.triage_action,
    m.triage_rationale,
    m.created_at,
    m.updated_at
FROM matches AS k
INNER JOIN unified_inbox_messages AS m
    ON k.tenant_id = m.tenant_id AND k.message_id = m.message_id
WHERE
    (NOT :unread_only::boolean OR NOT m.is_read)
    AND (:account_id::text IS NULL OR m.account_id = :account_id)
    AND (:priority_tier::text IS NULL OR m.priority_tier = :priority_tier)
    AND (m.priority_score, m.received_at, m.message_id)
    < (:after_score::double precision, :after_timestamp, :after_id::text)
ORDER BY m.priority_score DESC, m.received_at DESC, m.message_id DESC
LIMIT :row_limit;

-- name: list_account_messages(tenant_id, account_id, priority_tier, unread_only, after_score, after_timestamp, after_id, row_limit)
-- List the messages of an account, of one tier or of all, the most urgent first, from a place on.
-- meaning: values of after_score [1e300, 2.5, 1.0, 0.5, 0.0] because the first is that of the first page
SELECT
    -- columns: InboxMessage
    m.tenant_id,
    m.message_id,
    m.account_id,
    m.provider,
    m.external_id,
    m.subject,
    m.sender_email,
    m.sender_name,
    m.recipients,
    m.cc,
    m.received_at,
    m.snippet,
    m.body_preview,
    m.is_read,
    m.is_starred,
    m.has_attachments,
    m.labels,
    m.thread_id,
    m.priority_score,
    m.priority_tier,
    m.priority_reasons,
    m.triage_action,
    m.triage_rationale,
    m.created_at,
    m.updated_at
FROM unified_inbox_messages AS m
WHERE
    m.tenant_id = :tenant_id
    AND m.account_id = :account_id
    AND (:priority_tier::text IS NULL OR m.priority_tier = :priority_tier)
    AND (NOT :unread_only::boolean OR NOT m.is_read)
    AND (m.priority_score, m.received_at, m.message_id)
    < (:after_score::double precision, :after_timestamp, :after_id::text)
ORDER BY m.priority_score DESC, m.received_at DESC, m.message_id DESC
LIMIT :row_limit;

-- name: count_messages(tenant_id, account_id, priority_tier, unread_only)$
-- Count the messages of a tenant, of one account and tier or of all.
SELECT count(*) AS total
FROM unified_inbox_messages AS m
WHERE
    m.tenant_id = :tenant_id
    AND (NOT :unread_only::boolean OR NOT m.is_read)
    AND (:account_id::text IS NULL OR m.account_id = :account_id)
    AND (:priority_tier::text IS NULL OR m.priority_tier = :priority_tier);

-- name: count_found_messages(expression, tenant_id, account_id, priority_tier, unread_only)$
-- Count the messages that a search finds, of one account and tier or of all.
-- meaning: values of expression ["(alpha&beta)", "alpha", "gamma", "(beta&gamma)"] because the store writes it so
WITH matches AS MATERIALIZED (
    SELECT
        s.tenant_id,
        s.message_id
    FROM unified_inbox_messages AS s
    WHERE
        s.search_vector @@ :expression::tsquery
        AND s.tenant_id = :tenant_id
)

SELECT count(*) AS total
FROM matches AS k
INNER JOIN unified_inbox_messages AS m
    ON k.tenant_id = m.tenant_id AND k.message_id = m.message_id
WHERE
    (NOT :unread_only::boolean OR NOT m.is_read)
    AND (:account_id::text IS NULL OR m.account_id = :account_id)
    AND (:priority_tier::text IS NULL OR m.priority_tier = :priority_tier);

-- name: save_triage_result(tenant_id, message_id, recommended_action, confidence, rationale, suggested_response, delegate_to, schedule_for, agents, debate_summary, created_at)!
-- Store what is advised to do with a message, or replace it.
INSERT INTO unified_inbox_triage_results (
    tenant_id,
    message_id,
    recommended_action,
    confidence,
    rationale,
    suggested_response,
    delegate_to,
    schedule_for,
    agents,
    debate_summary,
    created_at
)
VALUES (
    :tenant_id,
    :message_id,
    :recommended_action,
    :confidence,
    :rationale,
    :suggested_response,
    :delegate_to,
    :schedule_for,
    :agents::jsonb,
    :debate_summary,
    :created_at
)
ON CONFLICT (tenant_id, message_id) DO UPDATE
    SET
        recommended_action = excluded.recommended_action,
        confidence = excluded.confidence,
        rationale = excluded.rationale,
        suggested_response = excluded.suggested_response,
        delegate_to = excluded.delegate_to,
        schedule_for = excluded.schedule_for,
        agents = excluded.agents,
        debate_summary = excluded.debate_summary,
        created_at = excluded.created_at;

-- name: get_triage_result(tenant_id, message_id)^
-- Return what is advised to do with a message.
SELECT
    -- columns: TriageResult
    r.tenant_id,
    r.message_id,
    r.recommended_action,
    r.confidence,
    r.rationale,
    r.suggested_response,
    r.delegate_to,
    r.schedule_for,
    r.agents,
    r.debate_summary,
    r.created_at
FROM unified_inbox_triage_results AS r
WHERE
    r.tenant_id = :tenant_id
    AND r.message_id = :message_id;

-- How the older Aragora's unified inbox maps onto today's tables. Counts of accounts were changed apart
-- from their messages, and are moved as they are: recount_messages() mends them.
-- See docs/migration.md ("How a mapping is written").

-- name: accounts(first_rowid, last_rowid)
-- Accounts.
-- from: unified_inbox_accounts (tenant_id, account_id, provider, email_address, metadata_json)
-- optional: display_name, status, connected_at, last_sync, total_messages, unread_count, sync_errors
-- into: unified_inbox_accounts
-- key: tenant_id, account_id
-- secrets: metadata
-- merge: newest last_sync
-- utc: connected_at, last_sync
-- values: email_key = normal_email(email_address)
-- values: display_name = display_name, ''; status = status, 'pending'
-- values: connected_at = nonblank connected_at; last_sync = nonblank last_sync
-- values: total_messages = total_messages, 0; unread_count = unread_count, 0
-- values: sync_errors = sync_errors, 0; metadata = metadata_json, {}
SELECT
    rowid AS source_rowid,
    tenant_id,
    account_id,
    provider,
    email_address,
    normal_email(cast(email_address AS BLOB)) AS email_key,
    coalesce(display_name, '') AS display_name,
    coalesce(status, 'pending') AS status,
    nullif(connected_at, '') AS connected_at,
    nullif(last_sync, '') AS last_sync,
    coalesce(total_messages, 0) AS total_messages,
    coalesce(unread_count, 0) AS unread_count,
    coalesce(sync_errors, 0) AS sync_errors,
    coalesce(nullif(metadata_json, ''), '{}') AS metadata,
    CASE
        WHEN has_clear_secrets(cast(metadata_json AS BLOB))
            THEN 'accounts of the inbox with secrets in their metadata, in the clear'
    END AS note_secrets
FROM unified_inbox_accounts
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: messages(first_rowid, last_rowid)
-- Messages. When they came is as the provider's client wrote it, perhaps without a zone.
-- from: unified_inbox_messages (tenant_id, message_id, account_id, provider, external_id, recipients_json, created_at, updated_at)
-- optional: subject, sender_email, sender_name, cc_json, received_at, snippet, body_preview
-- optional: is_read, is_starred, has_attachments, labels_json, thread_id, priority_score
-- optional: priority_tier, priority_reasons_json, triage_action, triage_rationale
-- into: unified_inbox_messages
-- key: tenant_id, message_id
-- merge: newest updated_at
-- utc: created_at, updated_at
-- values: recipients = recipients_json, []; cc = cc_json, []; labels = labels_json, []
-- values: received_at = nonblank received_at, created_at; is_read = is_read, 0
-- values: is_starred = is_starred, 0; has_attachments = has_attachments, 0
-- values: priority_score = priority_score, 0; priority_tier = priority_tier, 'medium'
-- values: priority_reasons = priority_reasons_json, []; triage_action = nonblank triage_action
-- values: search_terms = computed
SELECT
    rowid AS source_rowid,
    tenant_id,
    message_id,
    account_id,
    provider,
    external_id,
    subject,
    sender_email,
    sender_name,
    coalesce(nullif(recipients_json, ''), '[]') AS recipients,
    coalesce(nullif(cc_json, ''), '[]') AS cc,
    coalesce(nullif(received_at, ''), created_at) AS received_at,
    snippet,
    body_preview,
    coalesce(is_read, 0) AS is_read,
    coalesce(is_starred, 0) AS is_starred,
    coalesce(has_attachments, 0) AS has_attachments,
    coalesce(nullif(labels_json, ''), '[]') AS labels,
    thread_id,
    coalesce(priority_score, 0.0) AS priority_score,
    coalesce(priority_tier, 'medium') AS priority_tier,
    coalesce(nullif(priority_reasons_json, ''), '[]') AS priority_reasons,
    nullif(triage_action, '') AS triage_action,
    triage_rationale,
    created_at,
    updated_at,
    topic_terms(
        cast(
            coalesce(subject, '') || char(10) || coalesce(sender_email, '') || char(10)
            || coalesce(sender_name, '') || char(10) || coalesce(snippet, '') AS BLOB
        )
    ) AS search_terms
FROM unified_inbox_messages
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: triage_results(first_rowid, last_rowid)
-- What agents advised.
-- from: unified_inbox_triage_results (tenant_id, message_id, recommended_action, agents_json, created_at)
-- optional: confidence, rationale, suggested_response, delegate_to, schedule_for, debate_summary
-- into: unified_inbox_triage_results
-- key: tenant_id, message_id
-- merge: newest created_at
-- utc: created_at
-- values: confidence = confidence, 0; schedule_for = nonblank schedule_for; agents = agents_json, []
SELECT
    rowid AS source_rowid,
    tenant_id,
    message_id,
    recommended_action,
    coalesce(confidence, 0.0) AS confidence,
    rationale,
    suggested_response,
    delegate_to,
    nullif(schedule_for, '') AS schedule_for,
    coalesce(nullif(agents_json, ''), '[]') AS agents,
    debate_summary,
    created_at
FROM unified_inbox_triage_results
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- Queries of the checkpoint store: checkpoints of workflows and of debates.

-- name: insert_workflow_checkpoint(id, engine_id, workflow_id, definition_id, current_step, completed_steps, step_outputs, context_state, checksum, content_checksum, created_at, stored_at)!
-- Store a checkpoint of a workflow. The order of its checkpoints is that of their storing: it is later
-- than all that are there, whatever the clocks of the hosts say.
INSERT INTO workflow_checkpoints (
    id,
    engine_id,
    workflow_id,
    definition_id,
    current_step,
    completed_steps,
    step_outputs,
    context_state,
    checksum,
    content_checksum,
    created_at,
    stored_at
)
VALUES (
    :id,
    :engine_id,
    :workflow_id,
    :definition_id,
    :current_step,
    :completed_steps::jsonb,
    :step_outputs::jsonb,
    :context_state::jsonb,
    :checksum,
    :content_checksum,
    :created_at,
    greatest(
        :stored_at::timestamptz,
        (
            SELECT max(c.stored_at) + '1 microsecond'::interval
            FROM workflow_checkpoints AS c
            WHERE c.workflow_id = :workflow_id::text
        )
    )
);

-- name: get_workflow_checkpoint(checkpoint_id, workflow_id)^
-- Return one checkpoint by its storage id, else the newest with this engine's id, of the given
-- workflow first. owners is the number of workflows that have one with this engine's id.
SELECT
    c.id AS storage_id,
    c.engine_id AS id,
    c.sequence,
    c.workflow_id,
    c.definition_id,
    c.current_step,
    c.completed_steps,
    c.step_outputs,
    c.context_state,
    c.checksum,
    c.content_checksum,
    c.created_at,
    c.stored_at,
    (
        SELECT pg_catalog.count(DISTINCT o.workflow_id)
        FROM workflow_checkpoints AS o
        WHERE o.engine_id = :checkpoint_id
    ) AS owners
FROM workflow_checkpoints AS c
WHERE
    c.sequence = (
        SELECT k.sequence
        FROM workflow_checkpoints AS k
        WHERE k.id = :checkpoint_id OR k.engine_id = :checkpoint_id
        ORDER BY
            k.id = :checkpoint_id DESC,
            coalesce(k.workflow_id = :workflow_id::text, FALSE) DESC,
            k.stored_at DESC,
            k.sequence DESC
        LIMIT 1
    );

-- name: get_latest_workflow_checkpoint(workflow_id)^
-- Return the newest checkpoint of a workflow.
SELECT
    -- columns: WorkflowCheckpoint
    c.id AS storage_id,
    c.engine_id AS id,
    c.sequence,
    c.workflow_id,
    c.definition_id,
    c.current_step,
    c.completed_steps,
    c.step_outputs,
    c.context_state,
    c.checksum,
    c.content_checksum,
    c.created_at,
    c.stored_at
FROM workflow_checkpoints AS c
WHERE c.workflow_id = :workflow_id
ORDER BY c.stored_at DESC, c.sequence DESC
LIMIT 1;

-- name: list_workflow_checkpoints(workflow_id, before_stored_at, before_sequence, row_limit)
-- Return the checkpoints of a workflow that are older than a given one, newest first, without their
-- states.
SELECT
    -- columns: CheckpointSummary
    c.id AS storage_id,
    c.engine_id AS id,
    c.sequence,
    c.workflow_id,
    c.definition_id,
    c.current_step,
    c.checksum,
    c.created_at,
    c.stored_at
FROM workflow_checkpoints AS c
WHERE
    c.workflow_id = :workflow_id
    AND (c.stored_at, c.sequence) < (
        :before_stored_at::timestamptz,
        :before_sequence::bigint
    )
ORDER BY c.stored_at DESC, c.sequence DESC
LIMIT :row_limit;

-- name: find_workflow_checkpoints(checkpoint_id)
-- Return the checkpoints that have this storage id or this engine's id, without their states.
SELECT
    -- columns: CheckpointSummary
    c.id AS storage_id,
    c.engine_id AS id,
    c.sequence,
    c.workflow_id,
    c.definition_id,
    c.current_step,
    c.checksum,
    c.created_at,
    c.stored_at
FROM workflow_checkpoints AS c
WHERE c.id = :checkpoint_id OR c.engine_id = :checkpoint_id
ORDER BY c.sequence;

-- name: delete_workflow_checkpoints(sequences)!
-- Delete checkpoints by their places.
DELETE FROM workflow_checkpoints
WHERE sequence = any(:sequences::bigint[]);

-- name: delete_workflow(workflow_id)!
-- Delete all checkpoints of a workflow.
DELETE FROM workflow_checkpoints
WHERE workflow_id = :workflow_id;

-- name: prune_workflow(workflow_id, newer, row_limit)!
-- Delete some of a workflow's oldest checkpoints, of those that have at least newer + 1 newer ones.
-- A checkpoint that is stored at the same time only adds to the newer ones.
-- locks: workflow_checkpoints rows in order of stored_at, sequence, skip locked
WITH kept AS (
    SELECT
        k.stored_at,
        k.sequence
    FROM workflow_checkpoints AS k
    WHERE k.workflow_id = :workflow_id
    ORDER BY k.stored_at DESC, k.sequence DESC
    LIMIT 1 OFFSET :newer
),

stale AS (
    SELECT c.sequence
    FROM workflow_checkpoints AS c
    WHERE
        c.workflow_id = :workflow_id
        AND (c.stored_at, c.sequence) < (
            SELECT
                kept.stored_at,
                kept.sequence
            FROM kept
        )
    ORDER BY c.stored_at, c.sequence
    LIMIT :row_limit
    FOR UPDATE OF c SKIP LOCKED
)

DELETE FROM workflow_checkpoints
WHERE sequence = any(array(SELECT stale.sequence FROM stale));

-- name: delete_old_workflow_checkpoints(cutoff, keep_latest, row_limit)!
-- Delete some of the checkpoints that are older than a timestamp; with keep_latest not the newest of a
-- workflow.
-- plan: filtered_walk allowed because what is kept of the old ones is the newest checkpoint of each workflow
-- locks: workflow_checkpoints rows in order of created_at, sequence, skip locked
WITH stale AS (
    SELECT c.sequence
    FROM workflow_checkpoints AS c
    WHERE
        c.created_at < :cutoff
        AND (
            NOT :keep_latest::boolean
            OR EXISTS (
                SELECT 1
                FROM workflow_checkpoints AS n
                WHERE
                    n.workflow_id = c.workflow_id
                    AND (n.stored_at, n.sequence) > (c.stored_at, c.sequence)
            )
        )
    ORDER BY c.created_at, c.sequence
    LIMIT :row_limit
    FOR UPDATE OF c SKIP LOCKED
)

DELETE FROM workflow_checkpoints
WHERE sequence = any(array(SELECT stale.sequence FROM stale));

-- name: upsert_debate_checkpoint(checkpoint_id, debate_id, task, current_round, total_rounds, phase, status, data, size_bytes, checksum, content_checksum, created_at, expires_at, stored_at)!
-- Store a checkpoint of a debate, or renew it; that of another debate is left as it is. A new one is
-- later than all that are there, whatever the clocks say; one of the same time keeps its place.
INSERT INTO debate_checkpoints (
    checkpoint_id,
    debate_id,
    task,
    current_round,
    total_rounds,
    phase,
    status,
    data,
    size_bytes,
    checksum,
    content_checksum,
    created_at,
    expires_at,
    stored_at
)
VALUES (
    :checkpoint_id,
    :debate_id,
    :task,
    :current_round,
    :total_rounds,
    :phase,
    :status,
    :data::jsonb,
    :size_bytes,
    :checksum,
    :content_checksum,
    :created_at,
    :expires_at,
    greatest(
        :stored_at::timestamptz,
        (
            SELECT max(c.stored_at) + '1 microsecond'::interval
            FROM debate_checkpoints AS c
            WHERE c.debate_id = :debate_id::text
        )
    )
)
ON CONFLICT (checkpoint_id) DO UPDATE
    SET
        task = excluded.task,
        current_round = excluded.current_round,
        total_rounds = excluded.total_rounds,
        phase = excluded.phase,
        status = excluded.status,
        data = excluded.data,
        size_bytes = excluded.size_bytes,
        checksum = excluded.checksum,
        content_checksum = excluded.content_checksum,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at,
        stored_at = CASE
            WHEN debate_checkpoints.created_at = excluded.created_at
                THEN debate_checkpoints.stored_at
            ELSE excluded.stored_at
        END
    WHERE debate_checkpoints.debate_id = excluded.debate_id;

-- name: get_debate_checkpoint(checkpoint_id)^
-- Return one checkpoint of a debate.
SELECT
    -- columns: DebateCheckpoint
    d.checkpoint_id,
    d.debate_id,
    d.task,
    d.current_round,
    d.total_rounds,
    d.phase,
    d.status,
    d.data,
    d.size_bytes,
    d.checksum,
    d.content_checksum,
    d.created_at,
    d.expires_at,
    d.stored_at
FROM debate_checkpoints AS d
WHERE d.checkpoint_id = :checkpoint_id;

-- name: find_debate_checkpoint(checkpoint_id)^
-- Return one checkpoint of a debate without its data.
SELECT
    -- columns: DebateCheckpointSummary
    d.checkpoint_id,
    d.debate_id,
    d.task,
    d.current_round,
    d.total_rounds,
    d.phase,
    d.status,
    d.size_bytes,
    d.created_at,
    d.expires_at,
    d.stored_at
FROM debate_checkpoints AS d
WHERE d.checkpoint_id = :checkpoint_id;

-- name: get_latest_debate_checkpoint(debate_id)^
-- Return the newest checkpoint of a debate.
SELECT
    -- columns: DebateCheckpoint
    d.checkpoint_id,
    d.debate_id,
    d.task,
    d.current_round,
    d.total_rounds,
    d.phase,
    d.status,
    d.data,
    d.size_bytes,
    d.checksum,
    d.content_checksum,
    d.created_at,
    d.expires_at,
    d.stored_at
FROM debate_checkpoints AS d
WHERE d.debate_id = :debate_id
ORDER BY d.stored_at DESC, d.checkpoint_id COLLATE "C" DESC
LIMIT 1;

-- name: list_debate_checkpoints(debate_id, before_stored_at, before_id, row_limit)
-- Return the checkpoints of a debate that are older than a given one, newest first, without their
-- data.
SELECT
    -- columns: DebateCheckpointSummary
    d.checkpoint_id,
    d.debate_id,
    d.task,
    d.current_round,
    d.total_rounds,
    d.phase,
    d.status,
    d.size_bytes,
    d.created_at,
    d.expires_at,
    d.stored_at
FROM debate_checkpoints AS d
WHERE
    d.debate_id = :debate_id
    AND (d.stored_at, d.checkpoint_id COLLATE "C") < (
        :before_stored_at::timestamptz,
        :before_id::text
    )
ORDER BY d.stored_at DESC, d.checkpoint_id COLLATE "C" DESC
LIMIT :row_limit;

-- name: list_all_debate_checkpoints(before_stored_at, before_id, row_limit)
-- Return the checkpoints of all debates that are older than a given one, newest first, without their
-- data.
SELECT
    -- columns: DebateCheckpointSummary
    d.checkpoint_id,
    d.debate_id,
    d.task,
    d.current_round,
    d.total_rounds,
    d.phase,
    d.status,
    d.size_bytes,
    d.created_at,
    d.expires_at,
    d.stored_at
FROM debate_checkpoints AS d
WHERE
    (d.stored_at, d.checkpoint_id COLLATE "C") < (
        :before_stored_at::timestamptz,
        :before_id::text
    )
ORDER BY d.stored_at DESC, d.checkpoint_id COLLATE "C" DESC
LIMIT :row_limit;

-- name: delete_debate_checkpoint(checkpoint_id)!
-- Delete one checkpoint of a debate.
DELETE FROM debate_checkpoints
WHERE checkpoint_id = :checkpoint_id;

-- name: prune_debate(debate_id, newer, row_limit)!
-- Delete some of a debate's oldest checkpoints, of those that have at least newer + 1 newer ones.
-- locks: debate_checkpoints rows in order of stored_at, checkpoint_id, skip locked
WITH kept AS (
    SELECT
        k.stored_at,
        k.checkpoint_id
    FROM debate_checkpoints AS k
    WHERE k.debate_id = :debate_id
    ORDER BY k.stored_at DESC, k.checkpoint_id COLLATE "C" DESC
    LIMIT 1 OFFSET :newer
),

stale AS (
    SELECT d.checkpoint_id
    FROM debate_checkpoints AS d
    WHERE
        d.debate_id = :debate_id
        AND (d.stored_at, d.checkpoint_id COLLATE "C") < (
            SELECT
                kept.stored_at,
                kept.checkpoint_id
            FROM kept
        )
    ORDER BY d.stored_at, d.checkpoint_id COLLATE "C"
    LIMIT :row_limit
    FOR UPDATE OF d SKIP LOCKED
)

DELETE FROM debate_checkpoints
WHERE checkpoint_id = any(array(SELECT stale.checkpoint_id FROM stale));

-- name: delete_expired_debate_checkpoints(timestamp, row_limit)!
-- Delete some of the debates' checkpoints that have expired.
-- locks: debate_checkpoints rows in order of expires_at, checkpoint_id, skip locked
WITH stale AS (
    SELECT d.checkpoint_id
    FROM debate_checkpoints AS d
    WHERE d.expires_at <= :timestamp
    ORDER BY d.expires_at, d.checkpoint_id COLLATE "C"
    LIMIT :row_limit
    FOR UPDATE OF d SKIP LOCKED
)

DELETE FROM debate_checkpoints
WHERE checkpoint_id = any(array(SELECT stale.checkpoint_id FROM stale));

-- name: get_stats()^
-- Count checkpoints, workflows and debates.
-- result: workflow_checkpoints not null, workflows not null
-- result: debate_checkpoints not null, debates not null, debate_bytes not null
-- plan: seq_scan allowed because statistics of the whole store look at all rows
WITH w AS (
    SELECT
        count(*) AS workflow_checkpoints,
        pg_catalog.count(DISTINCT c.workflow_id) AS workflows
    FROM workflow_checkpoints AS c
),

d AS (
    SELECT
        count(*) AS debate_checkpoints,
        pg_catalog.count(DISTINCT p.debate_id) AS debates,
        coalesce(sum(p.size_bytes), 0)::bigint AS debate_bytes
    FROM debate_checkpoints AS p
)

SELECT
    -- columns: CheckpointStats
    w.workflow_checkpoints,
    w.workflows,
    d.debate_checkpoints,
    d.debates,
    d.debate_bytes
FROM w
CROSS JOIN d;

-- How the older Aragora's checkpoints map onto today's tables: JSON files of workflows and debates,
-- which the migration gathers into a table each, and the debates' own SQLite file. See
-- docs/migration.md ("How a mapping is written").

-- name: workflow_files(first_rowid, last_rowid)
-- Checkpoints of workflows. The name of the file is the storage id; the engine's id stays beside it.
-- from: workflow_checkpoint_files (storage_id, path, document)
-- into: workflow_checkpoints
-- key: id
-- repeats: files of one name in two folders
-- merge: newest created_at
-- values: id = storage_id; step_outputs = document.step_outputs, {}; engine_id = document.id
-- values: workflow_id = document.workflow_id; definition_id = document.definition_id
-- values: current_step = document.current_step; completed_steps = document.completed_steps, []
-- values: context_state = document.context_state, {}; checksum = document.checksum, ''
-- values: created_at = document.created_at; stored_at = document.created_at; content_checksum = computed
SELECT
    source_rowid,
    storage_id AS id,
    -- First, as it says best what is wrong with a document that can't be read.
    CASE
        WHEN document IS NULL THEN original
        ELSE coalesce(nullif(document -> '$.step_outputs', 'null'), '{}')
    END AS step_outputs,
    document ->> '$.id' AS engine_id,
    document ->> '$.workflow_id' AS workflow_id,
    document ->> '$.definition_id' AS definition_id,
    document ->> '$.current_step' AS current_step,
    coalesce(nullif(document -> '$.completed_steps', 'null'), '[]') AS completed_steps,
    coalesce(nullif(document -> '$.context_state', 'null'), '{}') AS context_state,
    coalesce(document ->> '$.checksum', '') AS checksum,
    document ->> '$.created_at' AS created_at,
    document ->> '$.created_at' AS stored_at,
    workflow_checksum(
        document ->> '$.id',
        document ->> '$.workflow_id',
        document ->> '$.definition_id',
        document ->> '$.current_step',
        coalesce(nullif(document -> '$.completed_steps', 'null'), '[]'),
        coalesce(nullif(document -> '$.step_outputs', 'null'), '{}'),
        coalesce(nullif(document -> '$.context_state', 'null'), '{}'),
        coalesce(document ->> '$.checksum', ''),
        document ->> '$.created_at'
    ) AS content_checksum
FROM (
    SELECT
        rowid AS source_rowid,
        storage_id,
        document AS original,
        CASE
            WHEN json_valid(document) AND is_sound(cast(document AS BLOB)) THEN document
        END AS document
    FROM workflow_checkpoint_files
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS files;

-- name: debate_files(first_rowid, last_rowid)
-- Checkpoints of debates in files.
-- from: debate_checkpoint_files (storage_id, path, document)
-- into: debate_checkpoints
-- key: checkpoint_id
-- repeats: a checkpoint in two folders
-- merge: newest created_at
-- values: data = others(document); checkpoint_id = document.checkpoint_id, storage_id
-- values: debate_id = document.debate_id; task = document.task, ''
-- values: current_round = document.current_round, 0; total_rounds = document.total_rounds, 0
-- values: phase = document.phase, ''; status = document.status, 'complete'; checksum = document.checksum, ''
-- values: created_at = document.created_at; stored_at = document.created_at
-- values: expires_at = document.expires_at; size_bytes = computed; content_checksum = computed
SELECT
    source_rowid,
    coalesce(rest, original) AS data,
    coalesce(document ->> '$.checkpoint_id', storage_id) AS checkpoint_id,
    document ->> '$.debate_id' AS debate_id,
    coalesce(document ->> '$.task', '') AS task,
    coalesce(document ->> '$.current_round', 0) AS current_round,
    coalesce(document ->> '$.total_rounds', 0) AS total_rounds,
    coalesce(document ->> '$.phase', '') AS phase,
    coalesce(document ->> '$.status', 'complete') AS status,
    coalesce(document ->> '$.checksum', '') AS checksum,
    document ->> '$.created_at' AS created_at,
    document ->> '$.created_at' AS stored_at,
    document ->> '$.expires_at' AS expires_at,
    json_size(rest) AS size_bytes,
    debate_checksum(
        document ->> '$.checkpoint_id',
        document ->> '$.debate_id',
        coalesce(document ->> '$.task', ''),
        coalesce(document ->> '$.current_round', 0),
        coalesce(document ->> '$.total_rounds', 0),
        coalesce(document ->> '$.phase', ''),
        coalesce(document ->> '$.status', 'complete'),
        rest,
        coalesce(document ->> '$.checksum', ''),
        document ->> '$.created_at',
        document ->> '$.expires_at'
    ) AS content_checksum
FROM (
    SELECT
        source_rowid,
        storage_id,
        original,
        document,
        json_remove(
            document,
            '$.checkpoint_id', '$.debate_id', '$.task', '$.current_round', '$.total_rounds',
            '$.phase', '$.status', '$.checksum', '$.created_at', '$.expires_at'
        ) AS rest
    FROM (
        SELECT
            rowid AS source_rowid,
            storage_id,
            document AS original,
            CASE
                WHEN json_valid(document) AND is_sound(cast(document AS BLOB)) THEN document
            END AS document
        FROM debate_checkpoint_files
        WHERE rowid BETWEEN :first_rowid AND :last_rowid
    ) AS files
) AS documents;

-- name: debates(first_rowid, last_rowid)
-- Checkpoints of debates in a SQLite file, compressed or not.
-- from: checkpoints (checkpoint_id, debate_id, data, checksum, created_at, status)
-- optional: task, current_round, total_rounds, phase, expires_at, compressed
-- into: debate_checkpoints
-- key: checkpoint_id
-- merge: newest created_at
-- values: data zipped when compressed; data = others(data); task = data.task, task, ''
-- values: current_round = data.current_round, current_round, 0
-- values: total_rounds = data.total_rounds, total_rounds, 0; phase = data.phase, phase, ''
-- values: checksum = checksum, ''; stored_at = created_at; size_bytes = computed
-- values: content_checksum = computed
SELECT
    source_rowid,
    checkpoint_id,
    debate_id,
    coalesce(document ->> '$.task', task, '') AS task,
    coalesce(document ->> '$.current_round', current_round, 0) AS current_round,
    coalesce(document ->> '$.total_rounds', total_rounds, 0) AS total_rounds,
    coalesce(document ->> '$.phase', phase, '') AS phase,
    status,
    coalesce(rest, body, content) AS data,
    checksum,
    created_at,
    created_at AS stored_at,
    expires_at,
    json_size(rest) AS size_bytes,
    debate_checksum(
        checkpoint_id,
        debate_id,
        coalesce(document ->> '$.task', task, ''),
        coalesce(document ->> '$.current_round', current_round, 0),
        coalesce(document ->> '$.total_rounds', total_rounds, 0),
        coalesce(document ->> '$.phase', phase, ''),
        status,
        rest,
        checksum,
        created_at,
        expires_at
    ) AS content_checksum
FROM (
    SELECT
        *,
        json_remove(
            document,
            '$.checkpoint_id', '$.debate_id', '$.task', '$.current_round', '$.total_rounds',
            '$.phase', '$.status', '$.checksum', '$.created_at', '$.expires_at'
        ) AS rest
    FROM (
        SELECT
            source_rowid,
            checkpoint_id,
            debate_id,
            task,
            current_round,
            total_rounds,
            phase,
            status,
            checksum,
            created_at,
            expires_at,
            content,
            body,
            CASE
                WHEN json_valid(body) AND is_sound(cast(body AS BLOB)) THEN body
            END AS document
        FROM (
            SELECT
                rowid AS source_rowid,
                checkpoint_id,
                debate_id,
                task,
                current_round,
                total_rounds,
                phase,
                status,
                coalesce(checksum, '') AS checksum,
                created_at,
                expires_at,
                data AS content,
                cast(unpacked(cast(data AS BLOB), coalesce(compressed, 1)) AS TEXT) AS body
            FROM checkpoints
            WHERE rowid BETWEEN :first_rowid AND :last_rowid
        ) AS bodies
    ) AS documents
) AS rests;

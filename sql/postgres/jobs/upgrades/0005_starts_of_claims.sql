-- Claims start behind what jobs that have ended left in the index, which a snapshot of another session
-- may keep there for hours.

CREATE TABLE job_queue_starts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_type TEXT COLLATE "C" NOT NULL,
    priority INTEGER NOT NULL,
    number BIGINT NOT NULL,
    next_number BIGINT,
    writers TEXT,
    is_return BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT job_queue_starts_pkey PRIMARY KEY (id)
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_threshold = 100
);

CREATE INDEX idx_job_queue_starts_type ON job_queue_starts (job_type, priority);

-- The ranges of idx_job_queue_ready in which there may be jobs of a type, in the order of claims: from
-- the start of each priority that has one, and what is between those priorities.
CREATE OR REPLACE FUNCTION job_queue_spans(of_type TEXT)
RETURNS TABLE (highest BIGINT, lowest BIGINT, number BIGINT)
LANGUAGE sql STABLE
AS $$
    SELECT
        r.highest,
        r.lowest,
        r.number
    FROM (
        SELECT
            b.priority,
            b.number,
            lag(b.priority, 1, 2147483648) OVER (ORDER BY b.priority DESC) AS above
        FROM (
            SELECT
                s.priority::bigint AS priority,
                min(s.number) AS number
            FROM job_queue_starts AS s
            WHERE s.job_type = of_type
            GROUP BY s.priority
            HAVING NOT bool_and(s.is_return)
            UNION ALL
            SELECT
                -2147483649 AS priority,
                NULL AS number
        ) AS b
    ) AS w
    CROSS JOIN LATERAL (
        VALUES
        (w.above - 1, w.priority + 1, -9223372036854775808),
        (w.priority, w.priority, w.number)
    ) AS r (highest, lowest, number)
    WHERE r.highest >= r.lowest AND r.number IS NOT NULL
    ORDER BY r.highest DESC
$$;

-- Says that claims have to look below their start again: for a job that is pending again, or gets another
-- priority or type.
CREATE OR REPLACE FUNCTION job_queue_return() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
DECLARE
    kind CONSTANT TEXT := new.priority || ' ' || new.job_type;
    said CONSTANT TEXT := coalesce(current_setting('job_queue.returned', TRUE), '');
BEGIN
    -- Once for a type and priority is enough in a transaction: what is proposed after that waits for
    -- its end.
    IF substr(said, strpos(said, ' ') + 1) = kind AND split_part(said, ' ', 1)::bigint <= new.number THEN
        RETURN NULL;
    END IF;
    -- Who works on an old snapshot does not see what others have proposed since.
    EXECUTE format(
        'INSERT INTO %1$I.job_queue_starts (job_type, priority, number, is_return) '
        || 'SELECT $1, $2, $3, TRUE '
        || 'WHERE $4 OR EXISTS (SELECT 1 FROM %1$I.job_queue_starts AS s '
        || 'WHERE s.job_type = $1 AND s.priority = $2 AND (s.number > $3 OR s.next_number > $3))',
        tg_table_schema
    )
    USING
        new.job_type,
        new.priority,
        new.number,
        current_setting('transaction_isolation') <> 'read committed';
    PERFORM set_config('job_queue.returned', new.number || ' ' || kind, TRUE);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION job_queue_restart() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.job_queue_starts', tg_table_schema);
    RETURN NULL;
END
$$;

CREATE TRIGGER job_queue_returned
AFTER UPDATE OF status, priority, job_type, number ON job_queue
FOR EACH ROW
WHEN (
    new.status = 'pending'
    AND (
        old.status <> 'pending'
        OR old.priority <> new.priority
        OR old.job_type <> new.job_type
        OR old.number <> new.number
    )
)
EXECUTE FUNCTION job_queue_return();
CREATE TRIGGER job_queue_emptied
AFTER TRUNCATE ON job_queue
FOR EACH STATEMENT EXECUTE FUNCTION job_queue_restart();

ALTER TABLE job_queue_starts ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON job_queue_starts FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON SEQUENCE job_queue_starts_id_seq FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE job_queue_starts IS 'Where claims of a type and priority start: at the lowest number of their rows, if one of these is no return; else at the first job.';
COMMENT ON COLUMN job_queue_starts.id IS 'Its key.';
COMMENT ON COLUMN job_queue_starts.job_type IS 'Kind of work.';
COMMENT ON COLUMN job_queue_starts.priority IS 'The priority.';
COMMENT ON COLUMN job_queue_starts.number IS 'No pending job of the type and priority has a lower number than the lowest of these.';
COMMENT ON COLUMN job_queue_starts.next_number IS 'Number that is to become the start; who gives a lower job back adds a row.';
COMMENT ON COLUMN job_queue_starts.writers IS 'Transactions, parted by blanks, that may not know of next_number: it waits for their ends.';
COMMENT ON COLUMN job_queue_starts.is_return IS 'Whether the row only says that a job came back with this number.';

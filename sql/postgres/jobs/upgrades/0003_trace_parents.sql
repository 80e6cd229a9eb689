-- The trace that a job was enqueued in, so that its run can go on with it.

ALTER TABLE job_queue ADD COLUMN trace_parent TEXT;
COMMENT ON COLUMN job_queue.trace_parent IS 'W3C traceparent of whoever enqueued it; NULL where nothing is traced.';

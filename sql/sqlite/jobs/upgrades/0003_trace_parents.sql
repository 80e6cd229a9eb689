-- The trace that a job was enqueued in, so that its run can go on with it.

ALTER TABLE job_queue ADD COLUMN trace_parent TEXT;

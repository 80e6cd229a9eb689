-- Larger values are stored compressed. Rows that are there stay as they are, and are read as before.

COMMENT ON COLUMN langgraph_checkpoints.type IS 'How content is serialised; behind zstd: it is compressed.';
COMMENT ON COLUMN langgraph_values.type IS 'How content is serialised; behind zstd: it is compressed.';
COMMENT ON COLUMN langgraph_writes.type IS 'How content is serialised; behind zstd: it is compressed.';

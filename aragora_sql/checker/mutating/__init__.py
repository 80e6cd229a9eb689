"""Small edits of queries, one at a time, and which of them ``check`` notices."""

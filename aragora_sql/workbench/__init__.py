"""What DBAs work with: the list of queries, their plans, calls of them, and statistics."""

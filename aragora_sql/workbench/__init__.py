"""What DBAs work with: the catalogue of queries, their plans, calls of them, and statistics."""

"""The governance store."""

"""The audit store."""

"""The store of sessions."""

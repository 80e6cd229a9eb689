"""The store of notifications."""

"""The store of insights."""

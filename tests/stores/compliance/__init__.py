"""The store of compliance policies."""

"""The store of knowledge."""

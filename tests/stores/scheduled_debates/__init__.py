"""The store of scheduled debates."""

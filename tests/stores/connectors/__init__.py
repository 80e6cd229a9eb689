"""The store of connectors."""

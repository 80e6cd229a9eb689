"""The store of links."""

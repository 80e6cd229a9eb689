"""The store of facts."""

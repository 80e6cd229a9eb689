"""The store of results of decisions."""

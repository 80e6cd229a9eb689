"""The store of the marketplace."""

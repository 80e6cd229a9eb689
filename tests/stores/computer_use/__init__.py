"""The store of computer use."""

"""The store of the unified inbox."""

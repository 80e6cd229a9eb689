"""The store of gauntlets."""

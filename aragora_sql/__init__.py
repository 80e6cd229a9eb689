"""aragora-sql."""

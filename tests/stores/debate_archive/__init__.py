"""The archive of debates."""

"""The store of federation."""

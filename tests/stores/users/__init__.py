"""The store of users and organizations."""

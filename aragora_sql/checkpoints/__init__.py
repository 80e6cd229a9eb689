"""Adapters that give other frameworks' checkpoints a home in this package's databases."""

"""The store of definitions of workflows."""

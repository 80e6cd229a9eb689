"""The store of cycles."""

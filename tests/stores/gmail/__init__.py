"""The store of Gmail."""

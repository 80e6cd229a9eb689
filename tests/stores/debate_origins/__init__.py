"""The store of origins of debates."""

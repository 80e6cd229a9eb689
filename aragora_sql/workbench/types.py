"""The Python types of a query's parameters."""

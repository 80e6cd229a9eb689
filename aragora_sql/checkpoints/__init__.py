"""An older import path: the saver stands in :mod:`aragora_sql.stores.langgraph`."""

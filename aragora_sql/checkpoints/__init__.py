"""An older import path: the saver is in :mod:`aragora_sql.stores.langgraph`."""

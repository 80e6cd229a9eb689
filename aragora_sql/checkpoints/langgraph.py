"""An older import path of :mod:`aragora_sql.stores.langgraph`."""

from aragora_sql.stores.langgraph import (
    LangGraphSaver,
    PostgresLangGraphSaver,
    SQLiteLangGraphSaver,
    get_langgraph_saver,
    get_postgres_langgraph_saver,
    get_sqlite_langgraph_saver,
)

__all__ = [
    "LangGraphSaver",
    "PostgresLangGraphSaver",
    "SQLiteLangGraphSaver",
    "get_langgraph_saver",
    "get_postgres_langgraph_saver",
    "get_sqlite_langgraph_saver",
]

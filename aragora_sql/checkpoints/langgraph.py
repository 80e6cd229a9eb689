"""An older import path of LangGraph's saver."""

from aragora_sql import (
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

"""LangGraph's checkpoints (extra ``langgraph``)."""

from aragora_sql.stores.langgraph.saver import (
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

"""LangGraph's checkpoints (extra ``langgraph``)."""

from aragora_sql.stores.langgraph.saver import (
    LangGraphSaver,
)

__all__ = [
    "LangGraphSaver",
]

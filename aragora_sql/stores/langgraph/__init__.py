"""LangGraph's checkpoints (extra ``langgraph``)."""

from aragora_sql.stores.langgraph.records import DeletedThreads
from aragora_sql.stores.langgraph.saver import LangGraphSaver

__all__ = ["DeletedThreads", "LangGraphSaver"]

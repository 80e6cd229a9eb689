"""LangGraph's long-term memory (extra ``langgraph``)."""

from aragora_sql.stores.langgraph_items.store import LangGraphStore

__all__ = ["LangGraphStore"]

"""LangGraph's long-term memory."""

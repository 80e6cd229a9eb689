"""Moves what the public savers of LangGraph stored into the tables of this package's saver.

``reading`` opens a source and reads it, ``msgpack`` takes a serialised checkpoint apart,
``converting`` turns rows of the source into rows of ``langgraph_*``, and ``moving`` does it for all
threads, counts, compares and reports.
"""

from aragora_sql.migration.langgraph.moving import (
    LangGraphOptions,
    LangGraphReport,
    Target,
    move_langgraph,
)

__all__ = ["LangGraphOptions", "LangGraphReport", "Target", "move_langgraph"]

"""Where debates and other requests came from, so that their results find the way back."""

from aragora_sql.stores.debate_origins.records import DebateOrigin
from aragora_sql.stores.debate_origins.store import DebateOriginStore

__all__ = ["DebateOrigin", "DebateOriginStore"]

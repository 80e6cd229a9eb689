"""Sessions: tokens that are refused, and administrators who act as other users."""

from aragora_sql.stores.sessions.records import (
    ImpersonationEvent,
    ImpersonationSession,
    RevokedToken,
)
from aragora_sql.stores.sessions.store import SessionStore, token_jti

__all__ = [
    "ImpersonationEvent",
    "ImpersonationSession",
    "RevokedToken",
    "SessionStore",
    "token_jti",
]

"""The archive of debates: each with its whole artifact, a permalink, and where its audio is."""

from aragora_sql.stores.debate_archive.records import ArchivedDebate, DebateSummary
from aragora_sql.stores.debate_archive.store import DebateArchive

__all__ = ["ArchivedDebate", "DebateArchive", "DebateSummary"]

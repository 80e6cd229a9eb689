"""`MemoryMigrator`: the migration as a class, for programs."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from pathlib import Path

from aragora_sql.errors import DSNNotConfiguredError, InvalidInputError
from aragora_sql.migration.options import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_REJECTS,
    MigrationOptions,
    OnNan,
    OnNul,
    Verify,
)
from aragora_sql.migration.progress import Progress
from aragora_sql.migration.report import MigrationReport
from aragora_sql.migration.run import run_migration
from aragora_sql.migration.staging import Orphans
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, move_to_sqlite
from aragora_sql.settings import PostgresDSN, dsn_from_env

__all__ = ["MemoryMigrator"]


class MemoryMigrator:
    """Moves SQLite files of the older Aragora, or of this package, to PostgreSQL.

    ``sqlite_path`` is a file or a data directory; ``postgres_dsn`` defaults to the environment;
    ``batch_size`` is in rows; with ``skip_existing`` rows whose key is in the target are left as
    they are there, without it they are rejected. ``source_timezone`` is an IANA name, ``local`` or
    ``UTC``, and needed when the source holds local times. ``drop_exact_duplicates`` leaves out
    critiques that repeat an earlier one of their file, ``drop_expired`` origins of debates that are
    over. The other options are those of
    ``aragora-sql migrate``.

    With ``reverse`` it moves what is in PostgreSQL to the SQLite file ``sqlite_path`` of this
    package, which may be new, as ``aragora-sql migrate --to-sqlite`` does. Options that only a
    source of SQLite files has are refused then.

    >>> migrator = MemoryMigrator(sqlite_path=".nomic/agora_memory.db", source_timezone="UTC")
    >>> report = await migrator.migrate_all()
    >>> report.total_migrated, report.total_skipped, report.total_errors, report.success
    >>> await migrator.close()

    The work is done in a thread, so the event loop stays free. Raises what
    :func:`aragora_sql.migration.run_migration` raises.
    """

    def __init__(
        self,
        sqlite_path: str | Path,
        postgres_dsn: str | PostgresDSN | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
        skip_existing: bool = True,
        *,
        source_timezone: str | None = None,
        orphans: Orphans = "reject",
        on_nul: OnNul = "reject",
        on_nan: OnNan = "reject",
        jobs: int = 1,
        verify: Verify = "auto",
        rejects: str | Path = DEFAULT_REJECTS,
        drop_exact_duplicates: bool = False,
        renumber: bool = False,
        accept_broken_chain: bool = False,
        drop_expired: bool = False,
        reverse: bool = False,
        progress: Progress | None = None,
    ) -> None:
        given = dsn_from_env() if postgres_dsn is None else postgres_dsn
        if given is None:
            raise DSNNotConfiguredError
        dsn = PostgresDSN.parse(given, "postgres_dsn") if isinstance(given, str) else given
        self._options = MigrationOptions(
            sqlite_path=Path(sqlite_path),
            dsn=dsn,
            batch_size=batch_size,
            skip_existing=skip_existing,
            source_timezone=source_timezone,
            orphans=orphans,
            on_nul=on_nul,
            on_nan=on_nan,
            jobs=jobs,
            verify=verify,
            rejects=Path(rejects),
            drop_exact_duplicates=drop_exact_duplicates,
            renumber=renumber,
            accept_broken_chain=accept_broken_chain,
            drop_expired=drop_expired,
        )
        self._progress = progress
        self._back: ToSQLiteOptions | None = None
        if reverse:
            self._back = ToSQLiteOptions(
                dsn=dsn,
                sqlite_path=Path(sqlite_path),
                batch_size=batch_size,
                skip_existing=skip_existing,
                verify=verify,
                rejects=Path(rejects),
            )
            plain = MigrationOptions(
                sqlite_path=Path(sqlite_path),
                dsn=dsn,
                batch_size=batch_size,
                skip_existing=skip_existing,
                verify=verify,
                rejects=Path(rejects),
            )
            for one in fields(plain):
                if getattr(plain, one.name) != getattr(self._options, one.name):
                    raise InvalidInputError(one.name, "does not go with reverse=True")

    async def migrate_all(self) -> MigrationReport:
        """Migrate every store."""
        return await self._migrate()

    async def migrate_consensus_memory(self) -> MigrationReport:
        """Migrate consensus records, dissents, proofs and their archives."""
        return await self._migrate("consensus")

    async def migrate_critique_store(self) -> MigrationReport:
        """Migrate debates, critiques, patterns, reputations and their archive."""
        return await self._migrate("critique")

    async def migrate_elo(self) -> MigrationReport:
        """Migrate ratings, matches, their history, calibration and relationships."""
        return await self._migrate("elo")

    async def migrate_continuum(self) -> MigrationReport:
        """Migrate the entries of the continuum memory, their moves, references and archive."""
        return await self._migrate("continuum")

    async def migrate_governance(self) -> MigrationReport:
        """Migrate approvals, verifications, decisions, rollback points and approval requests."""
        return await self._migrate("governance")

    async def migrate_users(self) -> MigrationReport:
        """Migrate users, organizations, invitations, sign-in providers, usage and reset tokens."""
        return await self._migrate("users")

    async def migrate_audit(self) -> MigrationReport:
        """Migrate the logs of events, the immutable log and the chain of audit events."""
        return await self._migrate("audit")

    async def migrate_sessions(self) -> MigrationReport:
        """Migrate refused tokens, and sessions of impersonation with their audit."""
        return await self._migrate("sessions")

    async def migrate_marketplace(self) -> MigrationReport:
        """Migrate templates, their versions, ratings, reviews and categories."""
        return await self._migrate("marketplace")

    async def migrate_federation(self) -> MigrationReport:
        """Migrate federated regions; their keys are encrypted on the way."""
        return await self._migrate("federation")

    async def migrate_gmail(self) -> MigrationReport:
        """Migrate the tokens of mailboxes at Gmail, and their sync jobs."""
        return await self._migrate("gmail")

    async def migrate_notifications(self) -> MigrationReport:
        """Migrate settings of e-mail and Telegram, recipients and channels."""
        return await self._migrate("notifications")

    async def migrate_webhooks(self) -> MigrationReport:
        """Migrate webhooks, their deliveries, and events that came in."""
        return await self._migrate("webhooks")

    async def migrate_sharing(self) -> MigrationReport:
        """Migrate links to debates and receipts."""
        return await self._migrate("sharing")

    async def migrate_decisions(self) -> MigrationReport:
        """Migrate results of decisions, each as one version."""
        return await self._migrate("decisions")

    async def migrate_gauntlet(self) -> MigrationReport:
        """Migrate runs of gauntlets, their results, and what was in flight."""
        return await self._migrate("gauntlet")

    async def migrate_workflow_definitions(self) -> MigrationReport:
        """Migrate workflows, their versions, templates and executions."""
        return await self._migrate("workflow_definitions")

    async def migrate_unified_inbox(self) -> MigrationReport:
        """Migrate mail accounts of the inbox, their messages, and the advice on them."""
        return await self._migrate("unified_inbox")

    async def migrate_debate_archive(self) -> MigrationReport:
        """Migrate the archive of debates, of however many files."""
        return await self._migrate("debate_archive")

    async def migrate_debate_origins(self) -> MigrationReport:
        """Migrate the origins of debates, of what was routed, and of replies by e-mail."""
        return await self._migrate("debate_origins")

    async def migrate_receipts(self) -> MigrationReport:
        """Migrate receipts of decisions, and the proofs of their deletion."""
        return await self._migrate("receipts")

    async def migrate_insights(self) -> MigrationReport:
        """Migrate insights and their uses, patterns, how agents did, and wisdom."""
        return await self._migrate("insights")

    async def migrate_knowledge(self) -> MigrationReport:
        """Migrate nodes of knowledge, their relationships, grants, archive and clean-ups."""
        return await self._migrate("knowledge")

    async def migrate_compliance(self) -> MigrationReport:
        """Migrate compliance policies, violations, and the log of changes."""
        return await self._migrate("compliance")

    async def migrate_cycles(self) -> MigrationReport:
        """Migrate cycles of self-improvement."""
        return await self._migrate("cycles")

    async def migrate_inbox_activities(self) -> MigrationReport:
        """Migrate what happened in shared inboxes."""
        return await self._migrate("inbox_activities")

    async def migrate_connectors(self) -> MigrationReport:
        """Migrate connectors with their encrypted settings, and their sync jobs."""
        return await self._migrate("connectors")

    async def migrate_facts(self) -> MigrationReport:
        """Migrate facts and their relations."""
        return await self._migrate("facts")

    async def migrate_scheduled_debates(self) -> MigrationReport:
        """Migrate which topics were debated by a schedule."""
        return await self._migrate("scheduled_debates")

    async def migrate_computer_use(self) -> MigrationReport:
        """Migrate tasks and policies of computer use."""
        return await self._migrate("computer_use")

    async def dry_run(self) -> MigrationReport:
        """Tell what :meth:`migrate_all` would do; changes nothing."""
        if self._back is not None:
            back = replace(self._back, dry_run=True)
            return await asyncio.to_thread(move_to_sqlite, back, self._progress)
        options = replace(self._options, dry_run=True)
        return await asyncio.to_thread(run_migration, options, self._progress)

    async def close(self) -> None:
        """Nothing is held between calls; here so that callers can end it as they began it."""

    async def _migrate(self, *stores: str) -> MigrationReport:
        if self._back is not None:
            back = replace(self._back, stores=stores)
            return await asyncio.to_thread(move_to_sqlite, back, self._progress)
        options = replace(self._options, stores=stores)
        return await asyncio.to_thread(run_migration, options, self._progress)

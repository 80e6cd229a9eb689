"""The exceptions of aragora-sql: one small tree, the same on both engines.

Every exception derives from :class:`AragoraSQLError`. Where a driver raised first, its exception is
chained (``__cause__``), without the values that the server quotes in its details. No message
carries a password, a secret or a row; those of duplicate keys and missing parents name the key.

What to do with an error of a unit of work:

==================================  =============================================================
:class:`CommitOutcomeUnknownError`  look whether it took effect before running it again, or run it
                                    with a key, which finds out
:class:`AlreadyCommittedError`      it was done before
:class:`ReadOnlyDatabaseError`      nothing took effect; run it again when the server takes writes
:class:`ConflictError`              nothing took effect; run it again
:class:`LockTimeoutError`           nothing took effect; run it again later
:class:`ConnectionLostError`        (other) nothing took effect; run it again later
==================================  =============================================================

``database.retrying()`` goes by this table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = [
    "AlreadyCommittedError",
    "AlreadyTakenError",
    "AnchorNotFoundError",
    "ApprovalNotFoundError",
    "ApprovalRefusedError",
    "AragoraSQLError",
    "AuditEntryNotFoundError",
    "BackendDriverMissingError",
    "CheckViolationError",
    "CommitOutcomeUnknownError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionLostError",
    "ConnectorNotFoundError",
    "DSNNotConfiguredError",
    "DamagedAuditLogError",
    "DamagedCheckpointError",
    "DamagedGauntletResultError",
    "DamagedReceiptError",
    "DatabaseClosedError",
    "DatabaseError",
    "DatabaseTimeoutError",
    "DatabaseUnavailableError",
    "DatabaseUseError",
    "DecryptionError",
    "DuplicateKeyError",
    "EncryptionError",
    "EncryptionKeyMissingError",
    "FactNotFoundError",
    "FindingNotFoundError",
    "ForeignReplicaError",
    "ForeignTokenError",
    "GauntletRunEndedError",
    "InboxAccountNotFoundError",
    "InboxMessageNotFoundError",
    "IntegrityError",
    "InvalidInputError",
    "InvalidTransitionError",
    "JobClaimLostError",
    "JobError",
    "JobNotFoundError",
    "JobStateError",
    "LockTimeoutError",
    "MatchNotFoundError",
    "MissingParentError",
    "NodeNotFoundError",
    "NotConnectedError",
    "NotNullViolationError",
    "OrganizationOwnerError",
    "OutcomeUnknownError",
    "PartitionError",
    "PoolTimeoutError",
    "PositionLostError",
    "PositionNotReachedError",
    "QueryCallError",
    "QueryFileError",
    "ReadOnlyDatabaseError",
    "ReceiptHeldError",
    "RedLineError",
    "RegionNotFoundError",
    "RegionRefusedError",
    "ResetTokenLimitError",
    "SchemaError",
    "SchemaMismatchError",
    "SchemaRightsError",
    "SchemaVersionError",
    "SecretStoreUnavailableError",
    "SequenceReusedError",
    "ShareNotFoundError",
    "SharePasswordError",
    "StatementOutcomeUnknownError",
    "StatementTimeoutError",
    "SupersessionCycleError",
    "TemplateNotFoundError",
    "TenantMismatchError",
    "TenantNotEnforcedError",
    "TenantRequiredError",
    "UnknownStoreError",
    "UnreadableValueError",
    "UnsupportedStatementError",
    "VersionConflictError",
    "WebhookNotFoundError",
    "WebhookSignatureError",
    "WorkflowNotFoundError",
]


class AragoraSQLError(Exception):
    """Base of all exceptions that this package raises."""

    def __reduce__(self) -> tuple[object, ...]:
        # Some are made of other arguments than their message: they have to reach another process.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[AragoraSQLError], args: tuple[object, ...], state: dict[str, object]
) -> AragoraSQLError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(AragoraSQLError, RuntimeError):
    """An environment variable, a DSN or an argument of the set-up is missing or wrong."""


class DSNNotConfiguredError(ConfigurationError):
    """PostgreSQL was asked for, and no DSN says where it is; ``argument`` would."""

    def __init__(self, argument: str = "dsn=") -> None:
        super().__init__(
            "PostgreSQL DSN not configured: set DATABASE_URL or ARAGORA_POSTGRES_DSN, or pass "
            f"{argument}"
        )


class BackendDriverMissingError(ConfigurationError):
    """The driver of an engine is not installed."""

    def __init__(self, engine: str, package: str) -> None:
        super().__init__(f"{engine} backend requires '{package}' package: pip install {package}")


class SecretStoreUnavailableError(AragoraSQLError, RuntimeError):
    """The secret store that ``ARAGORA_SECRETS`` names does not answer; try again later."""


class InvalidInputError(AragoraSQLError, ValueError):
    """An argument is outside its allowed values; nothing was written.

    ``argument`` names it (a path such as ``critiques[3].severity`` in a batch). A long value is not
    quoted whole.
    """

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{_shortened(argument)}: {_shortened(problem)}")
        self.argument = argument


def _shortened(text: str, longest: int = 400) -> str:
    if len(text) <= longest:
        return text
    return f"{text[: longest - 100]} … ({len(text):,} characters) … {text[-100:]}"


class FactNotFoundError(InvalidInputError, LookupError):
    """There is no fact of this id, or not in this workspace."""

    def __init__(self, fact_id: str, argument: str = "fact_id") -> None:
        super().__init__(argument, f"there is no fact {fact_id!r}")
        self.fact_id = fact_id


class SupersessionCycleError(InvalidInputError):
    """A fact can't supersede one that supersedes it, itself or over others; nothing was written."""

    def __init__(self, newer_id: str, older_id: str, argument: str) -> None:
        super().__init__(
            argument, f"{newer_id!r} can't supersede {older_id!r}: it is superseded by that"
        )
        self.newer_id = newer_id
        self.older_id = older_id


class FindingNotFoundError(InvalidInputError, LookupError):
    """There is no finding of this id; nothing was written."""

    def __init__(self, finding_id: str) -> None:
        super().__init__("finding_id", f"there is no finding {finding_id!r}")
        self.finding_id = finding_id


class TemplateNotFoundError(InvalidInputError, LookupError):
    """There is no template of this id; nothing was written."""

    def __init__(self, template_id: str) -> None:
        super().__init__("template_id", f"there is no template {template_id!r}")
        self.template_id = template_id


class WorkflowNotFoundError(InvalidInputError, LookupError):
    """The tenant has no workflow of this id; nothing was written."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__("workflow_id", f"there is no workflow {workflow_id!r}")
        self.workflow_id = workflow_id


class InboxAccountNotFoundError(InvalidInputError, LookupError):
    """The tenant has no mail account of this id; nothing was written."""

    def __init__(self, account_id: str) -> None:
        super().__init__("account_id", f"there is no account {account_id!r}")
        self.account_id = account_id


class InboxMessageNotFoundError(InvalidInputError, LookupError):
    """The tenant has no message of this id; nothing was written."""

    def __init__(self, message_id: str) -> None:
        super().__init__("message_id", f"there is no message {message_id!r}")
        self.message_id = message_id


class NodeNotFoundError(InvalidInputError, LookupError):
    """There is no node of this id in the store of knowledge, or not in this workspace."""

    def __init__(self, node_id: str, argument: str = "node_id") -> None:
        super().__init__(argument, f"there is no node {node_id!r}")
        self.node_id = node_id


class ConnectorNotFoundError(InvalidInputError, LookupError):
    """There is no connector of this id; nothing was written."""

    def __init__(self, connector_id: str) -> None:
        super().__init__("connector_id", f"there is no connector {connector_id!r}")
        self.connector_id = connector_id


class RegionNotFoundError(InvalidInputError, LookupError):
    """There is no federated region of this id in this workspace; nothing was written."""

    def __init__(self, region_id: str) -> None:
        super().__init__("region_id", f"there is no region {region_id!r}")
        self.region_id = region_id


class RegionRefusedError(InvalidInputError):
    """A federated region gets or gives no messages, by its mode; nothing was written."""

    def __init__(self, region_id: str, problem: str) -> None:
        super().__init__("region_id", f"region {region_id!r} {problem}")
        self.region_id = region_id


class SequenceReusedError(InvalidInputError):
    """A federated region gave one number to two different messages; nothing was written."""

    def __init__(self, region_id: str, sequence: int) -> None:
        super().__init__(
            "sequence", f"another message {sequence} of region {region_id!r} came before"
        )
        self.region_id = region_id
        self.sequence = sequence


class MatchNotFoundError(InvalidInputError, LookupError):
    """No match of this debate is recorded; nothing was written."""

    def __init__(self, debate_id: str) -> None:
        super().__init__("from_match", f"there is no match of the debate {debate_id!r}")
        self.debate_id = debate_id


class AuditEntryNotFoundError(InvalidInputError, LookupError):
    """There is no entry of this id in the immutable log."""

    def __init__(self, entry_id: str) -> None:
        super().__init__("entry_id", f"there is no entry {entry_id!r}")
        self.entry_id = entry_id


class AnchorNotFoundError(InvalidInputError, LookupError):
    """No anchor holds the entries of a day: ``create_daily_anchor()`` makes one when it is over."""

    def __init__(self, chain: str, date: str) -> None:
        super().__init__("date", f"chain {chain!r} has no anchor of {date}")
        self.chain = chain
        self.date = date


class ShareNotFoundError(InvalidInputError, LookupError):
    """It was not said how this debate is shared; nothing was written."""

    def __init__(self, debate_id: str) -> None:
        super().__init__("debate_id", f"it is not said how {debate_id!r} is shared: save() does")
        self.debate_id = debate_id


class SharePasswordError(InvalidInputError):
    """A link asks for a password, and none or another one was given; its use was not counted."""

    def __init__(self, is_given: bool) -> None:
        super().__init__("password", "is not right" if is_given else "is asked for")
        self.is_given = is_given


class InvalidTransitionError(InvalidInputError):
    """A finding cannot go from its state to this one; ``allowed`` are those that it can go to."""

    def __init__(self, from_state: str, to_state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            "state", f"{from_state!r} does not lead to {to_state!r}; use {', '.join(allowed)}"
        )
        self.from_state = from_state
        self.to_state = to_state
        self.allowed = allowed


class ApprovalNotFoundError(InvalidInputError, LookupError):
    """There is no approval of this id; nothing was written."""

    def __init__(self, approval_id: str) -> None:
        super().__init__("approval_id", f"there is no approval {approval_id!r}")
        self.approval_id = approval_id


class ApprovalRefusedError(InvalidInputError):
    """An approval, or the request of one, can't be changed so; nothing was written.

    It is decided or has expired, or this person has voted on it, or may not.
    """

    def __init__(self, argument: str, approval_id: str, problem: str) -> None:
        super().__init__(argument, f"approval {approval_id!r} {problem}")
        self.approval_id = approval_id


class GauntletRunEndedError(InvalidInputError):
    """A run has ended in another status, which stays; nothing was written."""

    def __init__(self, run_id: str, argument: str = "data.status") -> None:
        super().__init__(argument, f"run {run_id!r} has ended in another status, which stays")
        self.run_id = run_id


class ReceiptHeldError(InvalidInputError):
    """A receipt is under a legal hold, and can't be deleted."""

    def __init__(self, receipt_id: str) -> None:
        super().__init__("receipt_id", f"{receipt_id!r} is under a legal hold")
        self.receipt_id = receipt_id


class RedLineError(InvalidInputError):
    """An entry of the continuum memory is protected; nothing was written. ``reason`` says why."""

    def __init__(self, entry_id: str, reason: str, argument: str = "entry_id") -> None:
        super().__init__(
            argument,
            f"{entry_id!r} is red-lined ({reason or 'no reason given'}); "
            "unmark_red_line() takes the protection away",
        )
        self.entry_id = entry_id
        self.reason = reason


class TenantMismatchError(InvalidInputError):
    """What is to be changed belongs to another tenant; nothing was written."""

    def __init__(self, entry_id: str, argument: str = "tenant_id") -> None:
        super().__init__(argument, f"entry {entry_id!r} does not belong to this tenant")
        self.entry_id = entry_id


class TenantRequiredError(InvalidInputError):
    """Isolation of tenants was asked for, and no tenant was named."""

    def __init__(self) -> None:
        super().__init__("tenant_id", "must be given, because enforce_tenant_isolation is set")


class OrganizationOwnerError(InvalidInputError):
    """A user owns an organization, which is never without an owner; nothing was written."""

    def __init__(self, user_id: str, org_id: str, argument: str = "user_id") -> None:
        super().__init__(
            argument,
            f"user {user_id!r} owns the organization {org_id!r}: transfer_ownership() first",
        )
        self.user_id = user_id
        self.org_id = org_id


class ResetTokenLimitError(AragoraSQLError):
    """An address has had as many reset tokens of late as it may have; nothing was written."""

    def __init__(self, most: int, seconds: int) -> None:
        super().__init__(f"an address may have {most} reset tokens within {seconds} seconds")


class NotConnectedError(AragoraSQLError, LookupError):
    """A mailbox holds no token that could get another one: its user has to connect it again."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f"the mailbox of user {user_id!r} is not connected: no refresh token")
        self.user_id = user_id


class EncryptionError(AragoraSQLError):
    """A secret can't be encrypted or decrypted; the message holds neither secret nor key."""


class EncryptionKeyMissingError(EncryptionError, ConfigurationError):
    """A secret is to be stored or read, and there is no key."""


class DecryptionError(EncryptionError):
    """No key fits an encrypted secret, or what is stored is damaged."""


class QueryFileError(AragoraSQLError):
    """A file of SQL queries can't be used; the message starts with ``path:line:``."""

    def __init__(self, path: Path | str, line: int | None, problem: str) -> None:
        where = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{where}: {problem}")
        self.path = Path(path)
        self.line = line


class UnknownStoreError(QueryFileError):
    """There is no folder of SQL files for this store and dialect."""


class QueryCallError(AragoraSQLError, TypeError):
    """A query was called with a missing, extra or positional parameter."""


class SchemaError(AragoraSQLError):
    """The schema of a database can't be created, upgraded or read."""


class SchemaVersionError(SchemaError):
    """The database holds a newer version of a store's schema than this release knows."""


class SchemaMismatchError(SchemaError):
    """A table of the same name exists already, with other columns."""


class SchemaRightsError(SchemaError):
    """The role of the connection may not change the schema, or sees no row of it."""


class PartitionError(SchemaError):
    """A table that can't be put into partitions as it is, or a partition that can't be moved.

    The message says why and what to do; no row was changed.
    """


class DatabaseError(AragoraSQLError):
    """The database refused or failed a statement."""


class DatabaseUseError(DatabaseError, RuntimeError):
    """A database was used in another process or event loop than the one that it belongs to.

    Or within a transaction, for what has to be seen by others at once; or a connection inside a
    nested transaction of its block.
    """


class IntegrityError(DatabaseError):
    """A statement would have broken a rule of the schema; nothing was written."""


class DuplicateKeyError(IntegrityError):
    """A row with this key exists already."""


class AlreadyTakenError(InvalidInputError, DuplicateKeyError):
    """A name that stands for one thing stands for another one already; nothing was written.

    ``argument`` says which: an e-mail address, a slug, an account at a sign-in provider.
    """


class MissingParentError(IntegrityError):
    """The row that a foreign key points at does not exist."""


class CheckViolationError(IntegrityError):
    """A value breaks a CHECK rule."""


class NotNullViolationError(IntegrityError):
    """A column that must have a value has none."""


class ConflictError(DatabaseError):
    """A concurrent transaction got in the way (deadlock, serialization): run the unit again."""


class AlreadyCommittedError(DatabaseError):
    """A transaction with this key was committed before, so it was not begun again.

    ``key`` is the idempotency key, ``attempt`` the random text of the attempt that was kept,
    ``taken_at`` when that one took the key.
    """

    def __init__(self, key: str, attempt: str, taken_at: datetime | None) -> None:
        when = "" if taken_at is None else f" (begun at {taken_at:%Y-%m-%d %H:%M:%S}Z)"
        super().__init__(f"the transaction with the key {key!r} was committed already{when}")
        self.key = key
        self.attempt = attempt
        self.taken_at = taken_at


class VersionConflictError(ConflictError):
    """What was to be changed has changed since it was read: read it again, and decide again.

    ``found`` is the present version, None when it is gone.
    """

    def __init__(self, what: str, expected: int, found: int | None) -> None:
        state = "is gone" if found is None else f"has version {found} now"
        super().__init__(f"{what} {state}, and the change was made for version {expected}")
        self.expected = expected
        self.found = found


class DamagedAuditLogError(DatabaseError):
    """Entries of the immutable log were changed, removed or added outside of it.

    ``chain`` and ``sequence_number`` say where.
    """

    def __init__(self, chain: str, sequence_number: int, problem: str) -> None:
        super().__init__(f"chain {chain!r}, entry {sequence_number}: {problem}")
        self.chain = chain
        self.sequence_number = sequence_number


class DamagedCheckpointError(DatabaseError):
    """The content of a checkpoint is not what was stored.

    ``checkpoint_id`` is its storage id; ``previous_id`` is that of the newest older checkpoint of
    the same workflow or debate that is not damaged, or None when there is none.
    """

    def __init__(self, checkpoint_id: str, owner: str, previous_id: str | None) -> None:
        offer = (
            "there is no usable one before it"
            if previous_id is None
            else f"the newest usable one before it is {previous_id!r}"
        )
        super().__init__(
            f"checkpoint {checkpoint_id!r} of {owner} is damaged: its content does not have the "
            f"checksum that it was stored with; {offer}"
        )
        self.checkpoint_id = checkpoint_id
        self.previous_id = previous_id


class DamagedGauntletResultError(DatabaseError):
    """The content of a gauntlet's result is not what was stored."""

    def __init__(self, gauntlet_id: str) -> None:
        super().__init__(
            f"the result of gauntlet {gauntlet_id!r} is damaged: its content does not have the "
            "hash that it was stored with"
        )
        self.gauntlet_id = gauntlet_id


class DamagedReceiptError(DatabaseError):
    """What is stored of a receipt is not what was stored, or not what was signed.

    ``receipt_ids`` are those of all receipts that a clean-up found so, of which ``receipt_id`` is
    the first; ``deleted`` is how many others it deleted.
    """

    def __init__(
        self,
        receipt_id: str,
        problem: str,
        receipt_ids: Iterable[str] = (),
        deleted: int = 0,
    ) -> None:
        self.receipt_id = receipt_id
        self.receipt_ids = tuple(receipt_ids) or (receipt_id,)
        self.deleted = deleted
        more = len(self.receipt_ids) - 1
        others = f"; {more} more receipts are so (receipt_ids)" if more else ""
        super().__init__(f"receipt {receipt_id!r} is damaged: {problem}{others}")


class DatabaseTimeoutError(DatabaseError, TimeoutError):
    """Something took longer than its limit."""


class LockTimeoutError(DatabaseTimeoutError):
    """Another connection held a lock for longer than the lock timeout."""


class StatementTimeoutError(DatabaseTimeoutError):
    """A statement ran for longer than the statement timeout and was stopped; it had no effect."""


class PoolTimeoutError(DatabaseTimeoutError):
    """No connection became free within the acquire timeout."""


class ReadOnlyDatabaseError(DatabaseError):
    """The server takes no writes: it is a standby, or it or the session is read-only.

    Nothing took effect. The pool renews its connections, so that the next unit of work reaches the
    primary where the DSN leads to it (several hosts, or a name that has moved).
    """


class TenantNotEnforcedError(DatabaseError):
    """A unit of work was to see the rows of one tenant, and nothing would hide those of others.

    That is so on SQLite, and on PostgreSQL for a role that owns the tables or bypasses row level
    security. Nothing was read or written.
    """


class ForeignReplicaError(ConfigurationError):
    """A server that is named as a replica follows another cluster than the primary's."""


class ForeignTokenError(InvalidInputError):
    """A token of ``consistency_token()`` is of another cluster; nothing was read."""


class PositionLostError(DatabaseError):
    """The write that a token stands for was lost in a failover, or that can't be ruled out.

    Nothing was read: without the token there is an answer, which may lack that write.
    """


class PositionNotReachedError(DatabaseTimeoutError):
    """A standby has not applied the log up to a token in time, and no primary is known."""


class UnsupportedStatementError(DatabaseError):
    """The server can't do this at all, or not in its present role (a standby)."""


class UnreadableValueError(DatabaseError):
    """A stored value has no form in Python (a date before year 1), or is damaged.

    ``rows`` are all rows of the statement where only text is to blame that is not UTF-8 (SQLite):
    such a value is an :class:`~aragora_sql.database.values.UndecodableText`. Otherwise it is None.
    """

    rows: list[dict[str, object]] | None = None


class ConnectionLostError(DatabaseError, ConnectionError):
    """The connection broke.

    What a transaction had done has no effect, unless it is an :class:`OutcomeUnknownError`.
    """


class OutcomeUnknownError(ConnectionLostError):
    """What was sent may have taken effect, or may yet. See :class:`CommitOutcomeUnknownError`."""


class CommitOutcomeUnknownError(OutcomeUnknownError):
    """A commit was sent, and its answer did not come: it may have taken effect, or may yet.

    That is so when the connection breaks, or the statement timeout passes, while a COMMIT or a
    statement that commits by itself is at work; and when the server says that it no longer waits
    for a synchronous standby: then it has taken effect there, and a failover may undo it. Running
    the unit again may do it twice: look first, or give it a key (``transaction(key=…)``), with
    which the retry finds out.
    """


class StatementOutcomeUnknownError(CommitOutcomeUnknownError, StatementTimeoutError):
    """A statement that commits by itself was stopped after the statement timeout, maybe too late.

    For instance while its commit waited for a standby: the change is there then.
    """


class DatabaseUnavailableError(ConnectionLostError):
    """No connection could be made."""


class DatabaseClosedError(ConnectionLostError):
    """The database object was closed before this call."""


class WebhookNotFoundError(InvalidInputError, LookupError):
    """There is no webhook with this id."""

    def __init__(self, webhook_id: str, argument: str = "webhook_id") -> None:
        super().__init__(argument, f"there is no webhook {webhook_id!r}")
        self.webhook_id = webhook_id


class WebhookSignatureError(AragoraSQLError, ValueError):
    """A received body is not signed as it should be; nothing in it is to be believed."""


class JobError(AragoraSQLError):
    """Something can't be done with a job of the queue; nothing was written."""


class JobNotFoundError(JobError, LookupError):
    """There is no job with this id."""


class JobStateError(JobError):
    """The job is not in a state in which this can be done."""


class JobClaimLostError(JobStateError):
    """The caller does not hold the claim of the job, or holds it no longer."""

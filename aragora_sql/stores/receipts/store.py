"""Receipts of decisions; ``deletions`` has the proofs of those that were deleted.

Its queries: ``sql/postgres/receipts/queries.sql`` and ``sql/sqlite/receipts/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AlreadyTakenError,
    DamagedReceiptError,
    IntegrityError,
    InvalidInputError,
    ReceiptHeldError,
    TenantMismatchError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, days_of, in_batches
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LastRow, key_of, newest_page
from aragora_sql.stores.receipts.deletions import ReceiptDeletionLog, deletion_parameters
from aragora_sql.stores.receipts.records import (
    SORTS,
    BatchSummary,
    DeletableReceipt,
    DeletionReason,
    IntegrityCheck,
    ReceiptStatistics,
    ReceiptSummary,
    RetentionStatus,
    SignatureCheck,
    SortBy,
    StoredReceipt,
    dates_hash,
    receipt_hash,
    receipt_parameters,
)
from aragora_sql.stores.receipts.signing import (
    HMAC,
    ReceiptSigningKeys,
    application_checksum,
    is_signed_by,
)
from aragora_sql.stores.receipts.terms import name_search
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.receipts import ReceiptsQueries

__all__ = ["ReceiptStore"]

RETENTION_DAYS = "ARAGORA_RECEIPT_RETENTION_DAYS"
# Seven years.
DEFAULT_DAYS = 2555.0
BATCH = 500
LARGEST_SEARCH = 100
SHORTEST_QUERY = 3
# Beyond all numbers that receipts are sorted by: those that have none come last.
NO_KEY = 1e301
MICROSECOND = timedelta(microseconds=1)
Order = Literal["asc", "desc"]
# A method is called list.
Ids = list[str]
Summaries = list[ReceiptSummary]
Receipts = list[StoredReceipt]
Checks = list[SignatureCheck]
DATES_CHANGED = "when it was made, or until when it is kept, is not what was stored"


class ReceiptStore(Store):
    """Keeps receipts of decisions; ``deletions`` is the log of those that were deleted.

    A receipt is stored with the SHA-256 of its content. Where somebody changed it outside of the
    store, or a signature by a key that is here does not fit, whatever reads documents raises
    :class:`~aragora_sql.errors.DamagedReceiptError`. A receipt under a legal hold can't be deleted,
    not by SQL either. With ``org_id`` a method sees the receipts of that organization only. Lists
    return pages of summaries: ``limit=``, and ``after=`` the last row of the page before.

    ``retention_days`` (above 0) is how long a receipt is kept from when it was made; None: what
    ``ARAGORA_RECEIPT_RETENTION_DAYS`` says, else 2555. ``signing_keys`` are those of
    :mod:`~aragora_sql.stores.receipts.signing`; None: the environment's.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "receipts"
    _queries: ReceiptsQueries

    def __init__(
        self,
        database: Database,
        *,
        retention_days: float | None = None,
        signing_keys: ReceiptSigningKeys | None = None,
    ) -> None:
        super().__init__(database)
        self._retention_days = days_of(retention_days, RETENTION_DAYS, DEFAULT_DAYS)
        self._keys = ReceiptSigningKeys.from_env() if signing_keys is None else signing_keys

    @cached_property
    def deletions(self) -> ReceiptDeletionLog:
        """The proofs of deletions, in the same database."""
        return ReceiptDeletionLog(self._database)

    def sign(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ``signed_receipt`` of a receipt for :meth:`save`, by HMAC-SHA256.

        Raises :class:`~aragora_sql.errors.ConfigurationError` without a key.
        """
        valid.document(receipt, "receipt")
        return {
            "signature": self._keys.sign_receipt(receipt),
            "signature_metadata": {
                "algorithm": HMAC,
                "key_id": self._keys.current_id,
                "timestamp": utc_now().isoformat(),
            },
        }

    async def save(
        self,
        receipt: Mapping[str, Any],
        signed_receipt: Mapping[str, Any] | None = None,
        *,
        org_id: str | None = None,
    ) -> str:
        """Store a receipt, or replace the one of its ``receipt_id``, and return that.

        The document is kept whole. ``verdict`` is needed; ``receipt_id`` (made without one),
        ``gauntlet_id`` (has one receipt), ``debate_id``, ``confidence`` (0 to 1), ``risk_level``
        (``MEDIUM``), ``risk_score``, ``checksum``, ``audit_trail_id``, ``org_id``, ``user_id``,
        ``requestor_id``, ``created_by`` and ``timestamp`` (aware, ISO-8601 text or seconds since
        1970) have columns. ``signed_receipt`` has ``signature`` and ``signature_metadata``
        (``algorithm``, ``key_id``, ``timestamp``), as :meth:`sign` gives it; one by a key that is
        here has to fit.

        Whose a stored one is, when it was made, until when it is kept, its hold and its timestamp
        stay; so does its signature while the content is the same. Raises
        :class:`~aragora_sql.errors.AlreadyTakenError` when the gauntlet has another receipt,
        :class:`~aragora_sql.errors.TenantMismatchError` when an organization stores a receipt that
        belongs to another one, or to none, or whose document says so.
        """
        row = receipt_parameters(receipt, signed_receipt, org_id, self._keys, self._retention_days)
        try:
            async with self._database.connection() as connection:
                saved = await self._queries.save_receipt(connection, **row)
        except IntegrityError as error:
            # Nothing else can be wrong with it. It is another error where that one is held.
            raise AlreadyTakenError(
                "receipt.gauntlet_id", f"{row['gauntlet_id']!r} has another receipt"
            ) from error
        if not saved:
            raise TenantMismatchError(row["receipt_id"], "org_id")
        return str(row["receipt_id"])

    async def get(self, receipt_id: str, org_id: str | None = None) -> StoredReceipt | None:
        """Return a receipt, verified; None when there is none."""
        key = valid.text(receipt_id, "receipt_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            found = await self._verified(connection, [key], organization)
        return found[0] if found else None

    async def get_by_gauntlet(
        self, gauntlet_id: str, org_id: str | None = None
    ) -> StoredReceipt | None:
        """Return the receipt of a gauntlet, verified; None when there is none."""
        gauntlet = valid.text(gauntlet_id, "gauntlet_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            key = await self._queries.find_by_gauntlet(connection, gauntlet_id=gauntlet)
            found = [] if key is None else await self._verified(connection, [key], organization)
        return found[0] if found else None

    async def list(
        self,
        limit: int = 20,
        *,
        verdict: str | None = None,
        risk_level: str | None = None,
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        signed_only: bool = False,
        sort_by: SortBy = "created_at",
        order: Order = "desc",
        debate_id: str | None = None,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> Summaries:
        """Return a page of the receipts, the newest first.

        ``date_from`` and ``date_to`` are aware times, both included. ``sort_by`` is ``created_at``,
        ``confidence``, ``risk_score`` or ``signed_at`` (unsigned ones last), ``order`` is ``asc``
        or ``desc``; any but the default looks at all receipts.
        """
        limits = _limits(verdict, risk_level, date_from, date_to, signed_only)
        column = valid.choice(sort_by, "sort_by", SORTS)
        direction = 1.0 if valid.choice(order, "order", ("asc", "desc")) == "asc" else -1.0
        debate = valid.optional_text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            if (column, direction) != ("created_at", -1.0):
                key, last = _sort_place(after, column, direction)
                rows = self._queries.list_sorted_receipts(
                    connection,
                    sort_by=column,
                    direction=direction,
                    debate_id=debate,
                    org_id=organization,
                    **limits,
                    after_key=key,
                    after_id=last,
                    row_limit=valid.limit(limit),
                )
            elif debate is not None:
                rows = self._queries.list_debate_receipts(
                    connection,
                    debate_id=debate,
                    org_id=organization,
                    **limits,
                    **newest_page(limit, after, "receipt_id"),
                )
            elif organization is not None:
                rows = self._queries.list_org_receipts(
                    connection,
                    org_id=organization,
                    **limits,
                    **newest_page(limit, after, "receipt_id"),
                )
            else:
                rows = self._queries.list_receipts(
                    connection, **limits, **newest_page(limit, after, "receipt_id")
                )
            return [record_of(ReceiptSummary, **row) async for row in rows]

    async def count(
        self,
        verdict: str | None = None,
        risk_level: str | None = None,
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        *,
        signed_only: bool = False,
        debate_id: str | None = None,
        org_id: str | None = None,
    ) -> int:
        """Return the number of receipts that :meth:`list` gives with these arguments."""
        limits = _limits(verdict, risk_level, date_from, date_to, signed_only)
        debate = valid.optional_text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            return await self._queries.count_receipts(
                connection, debate_id=debate, org_id=organization, **limits
            )

    async def search(
        self,
        query: str,
        limit: int = 50,
        *,
        verdict: str | None = None,
        risk_level: str | None = None,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> Summaries:
        """Return a page of the receipts that have all words of a text anywhere, newest first.

        Words are compared without case and accents; the first 16 count, and of a receipt the first
        1,000 different ones of its texts, not of its keys. A text of less than 3
        characters finds nothing; a page has at most 100.
        """
        found = _found(query, verdict, risk_level, org_id)
        page = newest_page(min(valid.limit(limit), LARGEST_SEARCH), after, "receipt_id")
        if found is None:
            return []
        async with self._database.read() as connection:
            rows = self._queries.search_receipts(connection, **found, **page)
            return [record_of(ReceiptSummary, **row) async for row in rows]

    async def search_count(
        self,
        query: str,
        verdict: str | None = None,
        risk_level: str | None = None,
        *,
        org_id: str | None = None,
    ) -> int:
        """Return the number of receipts that :meth:`search` finds."""
        found = _found(query, verdict, risk_level, org_id)
        if found is None:
            return 0
        async with self._database.read() as connection:
            return await self._queries.count_found(connection, **found)

    async def get_by_user(
        self,
        user_id: str,
        limit: int = 100,
        *,
        include_data: bool = True,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> tuple[Receipts | Summaries, int]:
        """Return a page of the receipts that name a user, newest first, and the number of all.

        That is as ``user_id``, ``requestor_id`` or ``created_by``, or as any whole text or key in
        the document, however large that is.
        Without ``include_data`` they are summaries.
        """
        user = valid.key(user_id, "user_id")
        with_data = valid.boolean(include_data, "include_data")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "receipt_id")
        expression = name_search(user)
        async with self._database.read() as connection:
            total = await self._queries.count_user_receipts(
                connection, user_id=user, expression=expression, org_id=organization
            )
            rows = self._queries.list_user_receipts(
                connection, user_id=user, expression=expression, org_id=organization, **page
            )
            summaries = [record_of(ReceiptSummary, **row) async for row in rows]
            if not with_data:
                return summaries, total
            keys = [one.receipt_id for one in summaries]
            found = {
                one.receipt_id: one for one in await self._verified(connection, keys, organization)
            }
        return [found[key] for key in keys if key in found], total

    # Signatures

    async def update_signature(
        self,
        receipt_id: str,
        signature: str,
        algorithm: str,
        key_id: str | None,
        *,
        org_id: str | None = None,
    ) -> bool:
        """Note a signature of a receipt, in base64; False when there is no such receipt."""
        key = valid.text(receipt_id, "receipt_id")
        text = valid.identifier(signature, "signature")
        word = valid.key(algorithm, "algorithm")
        of_key = valid.optional(key_id, "key_id", valid.identifier)
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.transaction() as connection:
            # Nobody saves other content meanwhile.
            await self._queries.lock_receipt(connection, receipt_id=key, org_id=organization)
            found = await self._verified(connection, [key], organization, signatures=False)
            if not found:
                return False
            if word == HMAC and is_signed_by(self._keys, found[0].data, text, of_key) is False:
                raise InvalidInputError("signature", "is not that of the receipt")
            return bool(
                await self._queries.set_signature(
                    connection, receipt_id=key, signature=text, algorithm=word, key_id=of_key
                )
            )

    async def add_timestamp(
        self, receipt_id: str, token: str, tsa_url: str, *, org_id: str | None = None
    ) -> bool:
        """Note the token (RFC 3161) of a time-stamping authority; False without such a receipt."""
        key = valid.text(receipt_id, "receipt_id")
        text, url = valid.identifier(token, "token"), valid.identifier(tsa_url, "tsa_url")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_timestamp(
                    connection, receipt_id=key, token=text, tsa_url=url, org_id=organization
                )
            )

    async def verify_signature(
        self, receipt_id: str, *, org_id: str | None = None
    ) -> SignatureCheck:
        """Tell whether a receipt is as it was stored, and its signature by a key that is here."""
        (checks, _) = await self.verify_batch([valid.text(receipt_id, "receipt_id")], org_id=org_id)
        return checks[0]

    async def verify_batch(
        self, receipt_ids: Iterable[str], *, org_id: str | None = None
    ) -> tuple[Checks, BatchSummary]:
        """Do so with several receipts, in their order, and return how many there were of each."""
        keys = valid.texts(receipt_ids, "receipt_ids")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            rows = self._queries.get_receipts(connection, receipt_ids=keys, org_id=organization)
            found = {row["receipt_id"]: record_of(StoredReceipt, **row) async for row in rows}
        checks = [self._check(key, found.get(key)) for key in keys]
        good = sum(check["is_valid"] for check in checks)
        unsigned = sum(key in found and found[key].signature is None for key in keys)
        return checks, {
            "total": len(checks),
            "valid": good,
            "invalid": len(checks) - good - unsigned,
            "not_signed": unsigned,
        }

    async def verify_integrity(
        self, receipt_id: str, *, org_id: str | None = None
    ) -> IntegrityCheck:
        """Tell whether a receipt is as it was stored, and has the checksum that it names itself.

        That of an export is of seven members only, that of a gauntlet (``artifact_hash``) of six.
        Without any, the checksums are the ``content_hash``.
        """
        key = valid.text(receipt_id, "receipt_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            rows = self._queries.get_receipts(connection, receipt_ids=[key], org_id=organization)
            found = [record_of(StoredReceipt, **row) async for row in rows]
        stored = computed = ""
        error: str | None = "there is no such receipt"
        for one in found:
            stored, computed = one.content_hash, receipt_hash(one)  # type: ignore[arg-type]
            error = _change(one)
            own = application_checksum(one.shape, one.data)
            if error is None and own is not None:
                stored, computed = own
                if stored != computed:
                    error = "it does not have the checksum that its document names"
        return {
            "receipt_id": key,
            "integrity_valid": error is None,
            "stored_checksum": stored,
            "computed_checksum": computed,
            "verified_at": utc_now(),
            "error": error,
        }

    # Legal holds and deletion

    async def place_legal_hold(
        self,
        receipt_id: str,
        reason: str,
        placed_by: str,
        matter_id: str | None = None,
        *,
        org_id: str | None = None,
    ) -> bool:
        """Keep a receipt from being deleted; False when there is none, or it is held already."""
        row: dict[str, Any] = {
            "receipt_id": valid.text(receipt_id, "receipt_id"),
            "reason": valid.identifier(reason, "reason"),
            "placed_by": valid.key(placed_by, "placed_by"),
            "matter_id": valid.optional(matter_id, "matter_id", valid.key),
            "org_id": valid.optional_text(org_id, "org_id"),
        }
        async with self._database.connection() as connection:
            return bool(await self._queries.place_hold(connection, **row))

    async def remove_legal_hold(
        self, receipt_id: str, removed_by: str, *, org_id: str | None = None
    ) -> bool:
        """Take a hold away, and note who did; False when there is none."""
        key = valid.text(receipt_id, "receipt_id")
        user = valid.key(removed_by, "removed_by")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.remove_hold(
                    connection, receipt_id=key, removed_by=user, org_id=organization
                )
            )

    async def list_under_legal_hold(
        self,
        matter_id: str | None = None,
        limit: int = 100,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> Summaries:
        """Return a page of the receipts that are held, for one matter or any, newest hold first."""
        matter = valid.optional_text(matter_id, "matter_id")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "receipt_id", "legal_hold_placed_at")
        async with self._database.read() as connection:
            rows = self._queries.list_held(
                connection, matter_id=matter, org_id=organization, **page
            )
            return [record_of(ReceiptSummary, **row) async for row in rows]

    async def is_under_legal_hold(self, receipt_id: str, *, org_id: str | None = None) -> bool:
        """Tell whether there is such a receipt, and it is held."""
        key = valid.text(receipt_id, "receipt_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            return await self._queries.is_held(connection, receipt_id=key, org_id=organization)

    async def delete(
        self,
        receipt_id: str,
        reason: DeletionReason,
        operator: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        org_id: str | None = None,
    ) -> str | None:
        """Delete a receipt, and return the id of the deletion; None when there is none.

        The proof is written in the same transaction. ``reason`` is one of
        :meth:`ReceiptDeletionLog.log_deletion`. Raises
        :class:`~aragora_sql.errors.ReceiptHeldError` for one under a legal hold.
        """
        key = valid.key(receipt_id, "receipt_id")
        deletion_parameters({"receipt_id": key, "checksum": ""}, reason, operator, metadata)
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.transaction() as connection:
            row = await self._queries.lock_receipt(connection, receipt_id=key, org_id=organization)
            if row is None:
                return None
            if row["legal_hold"]:
                raise ReceiptHeldError(key)
            one = record_of(DeletableReceipt, **row)
            return (await self._delete(connection, [one], reason, operator, metadata))[0]

    async def cleanup_expired(
        self,
        retention_days: float | None = None,
        operator: str = "system:retention_cleanup",
    ) -> int:
        """Delete receipts whose time is over, each with its proof, and return how many there were.

        None goes before its ``expires_at``, nor while it is under a legal hold, nor with
        ``retention_days`` before it is so many days old. It is done in small transactions.

        One whose dates were changed outside of the store stays: after all others are deleted,
        :class:`~aragora_sql.errors.DamagedReceiptError` names those (``receipt_ids``).
        """
        made_before = age_limit(
            0.0 if retention_days is None else retention_days, utc_now(), "retention_days"
        )
        valid.key(operator, "operator")
        damaged: dict[str, None] = {}

        async def walk() -> int:
            last: tuple[datetime, str] = (FIRST_TIMESTAMP, "")
            deleted, found = 0, BATCH
            while found == BATCH:
                async with self._database.transaction() as connection:
                    rows = self._queries.lock_expired(
                        connection,
                        made_before=made_before,
                        after_timestamp=last[0],
                        after_id=last[1],
                        row_limit=BATCH,
                    )
                    held = [record_of(DeletableReceipt, **row) async for row in rows]
                    over = [one for one in held if dates_hash(one) == one.dates_hash]  # type: ignore[arg-type]
                    await self._delete(connection, over, "retention_expired", operator, None)
                found = len(held)
                deleted += len(over)
                good = {one.receipt_id for one in over}
                damaged.update((one.receipt_id, None) for one in held if one.receipt_id not in good)
                if held:
                    last = held[-1].expires_at, held[-1].receipt_id
            return deleted

        # Again from the start where some were deleted: others may have held some of the rest.
        deleted = await in_batches(walk)
        if damaged:
            raise DamagedReceiptError(
                next(iter(damaged)), f"{DATES_CHANGED}; it was not deleted", damaged, deleted
            )
        return deleted

    async def get_stats(self, org_id: str | None = None) -> ReceiptStatistics:
        """Return counts of the receipts."""
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            found = self._queries.get_statistics(connection, org_id=organization)
            rows = [row async for row in found]
        total, signed = sum(row["total"] for row in rows), sum(row["signed"] for row in rows)
        by_verdict: dict[str, int] = {}
        by_risk_level: dict[str, int] = {}
        for row in rows:
            by_verdict[row["verdict"]] = by_verdict.get(row["verdict"], 0) + row["total"]
            level = row["risk_level"]
            by_risk_level[level] = by_risk_level.get(level, 0) + row["total"]
        return {
            "total": total,
            "signed": signed,
            "unsigned": total - signed,
            "by_verdict": by_verdict,
            "by_risk_level": by_risk_level,
            "retention_days": self._retention_days,
        }

    async def get_retention_status(self, org_id: str | None = None) -> RetentionStatus:
        """Return how old the receipts are, and how many are held, over, or will be soon."""
        organization = valid.optional_text(org_id, "org_id")
        now = utc_now()
        async with self._database.read() as connection:
            row = await self._queries.get_retention(
                connection,
                days_90=now - timedelta(days=90),
                days_365=now - timedelta(days=365),
                days_1095=now - timedelta(days=1095),
                soon=now + timedelta(days=30),
                org_id=organization,
            )
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        ages = ("under_90_days", "under_1_year", "under_3_years")
        younger = {age: int(row[age]) for age in ages}  # type: ignore[literal-required]
        return {
            "retention_days": self._retention_days,
            "total": row["total"],
            "held": row["held"],
            "expired": row["expired"],
            "expiring_in_30_days": row["expiring"],
            "by_age": {**younger, "3_years_and_more": row["total"] - sum(younger.values())},
            "oldest_at": row["oldest_at"],
            "newest_at": row["newest_at"],
        }

    async def _verified(
        self,
        connection: Connection,
        keys: Ids,
        org_id: str | None,
        *,
        signatures: bool = True,
    ) -> Receipts:
        """Read receipts and verify their content, and signatures by keys that are here."""
        rows = self._queries.get_receipts(connection, receipt_ids=keys, org_id=org_id)
        found = [record_of(StoredReceipt, **row) async for row in rows]
        for one in found:
            changed = _change(one)
            if changed is not None:
                raise DamagedReceiptError(one.receipt_id, changed)
            if (
                signatures
                and one.signature is not None
                and one.signature_algorithm == HMAC
                and is_signed_by(self._keys, one.data, one.signature, one.signature_key_id) is False
            ):
                raise DamagedReceiptError(
                    one.receipt_id, "its signature is not that of its content"
                )
        return found

    def _check(self, key: str, one: StoredReceipt | None) -> SignatureCheck:
        """Verify a signature; any key that is here may have made one with an unknown id."""
        error = None
        if one is None:
            error = "there is no such receipt"
        elif one.signature is None:
            error = "it is not signed"
        elif (changed := _change(one)) is not None:
            error = changed
        elif one.signature_algorithm != HMAC:
            error = f"signatures by {one.signature_algorithm} are not verified here"
        else:
            fits = is_signed_by(self._keys, one.data, one.signature, one.signature_key_id)
            if fits is None:
                fits = is_signed_by(self._keys, one.data, one.signature, None)
            if fits is None:
                error = "there is no key to verify it with"
            elif not fits:
                error = "it is not the signature of the receipt by a key that is here"
        return {
            "receipt_id": key,
            "is_valid": error is None,
            "algorithm": None if one is None else one.signature_algorithm,
            "key_id": None if one is None else one.signature_key_id,
            "signed_at": None if one is None else one.signed_at,
            "verified_at": utc_now(),
            "error": error,
        }

    async def _delete(
        self,
        connection: Connection,
        receipts: Sequence[DeletableReceipt],
        reason: DeletionReason,
        operator: str,
        metadata: Mapping[str, Any] | None,
    ) -> Ids:
        """Delete receipts that are locked, with the proofs of it, and return the deletions' ids."""
        if not receipts:
            return []
        rows = [
            deletion_parameters(
                {**dict(one), "checksum": one.content_hash}, reason, operator, metadata
            )
            for one in receipts
        ]
        await self._queries.insert_deletion(connection, rows)
        keys = [one.receipt_id for one in receipts]
        await self._queries.delete_receipts(connection, receipt_ids=keys)
        return [row["deletion_id"] for row in rows]


def _change(one: StoredReceipt) -> str | None:
    """Return what was changed outside of the store; None when nothing was."""
    if receipt_hash(one) != one.content_hash:  # type: ignore[arg-type]
        return "its content does not have the hash that it was stored with"
    if dates_hash(one) != one.dates_hash:  # type: ignore[arg-type]
        return DATES_CHANGED
    return None


def _limits(
    verdict: Any, risk_level: Any, date_from: Any, date_to: Any, signed_only: Any
) -> dict[str, Any]:
    return {
        "verdict": valid.optional_text(verdict, "verdict"),
        "risk_level": valid.optional_text(risk_level, "risk_level"),
        "date_from": valid.optional(date_from, "date_from", valid.timestamp),
        "date_to": valid.optional(date_to, "date_to", valid.timestamp),
        "signed_only": valid.boolean(signed_only, "signed_only"),
    }


def _sort_place(after: LastRow | None, column: str, direction: float) -> tuple[float, str]:
    """Return the number that a sorted page begins behind, as the query makes it, and the id."""
    is_time = column.endswith("_at")

    def number(value: Any, argument: str) -> float:
        if value is None:
            return NO_KEY
        if is_time:
            epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
            return direction * ((valid.timestamp_or_text(value, argument) - epoch) // MICROSECOND)
        return direction * valid.number(value, argument)

    key, last = key_of(after, {column: number, "receipt_id": valid.text}, (-NO_KEY, ""))
    return key, last


def _found(query: Any, verdict: Any, risk_level: Any, org_id: Any) -> dict[str, Any] | None:
    """Return the parameters of a search, or None where it finds nothing."""
    text = valid.text(query, "query")
    terms = search_terms(text)[:MOST_SEARCH_TERMS] if len(text.strip()) >= SHORTEST_QUERY else []
    found: dict[str, Any] = {
        "expression": all_terms(terms) if terms else "",
        "verdict": valid.optional_text(verdict, "verdict"),
        "risk_level": valid.optional_text(risk_level, "risk_level"),
        "org_id": valid.optional_text(org_id, "org_id"),
    }
    return found if terms else None

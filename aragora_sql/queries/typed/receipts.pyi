"""The types of the queries of the store receipts.

Made by ``aragora-sql stubs`` from
``sql/postgres/receipts/queries.sql`` and ``sql/sqlite/receipts/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

ReasonWord = Literal[
    "retention_expired",
    "user_request",
    "gdpr_erasure",
    "admin_action",
    "data_correction",
    "legal_hold_release",
]

ShapeWord = Literal[
    "export",
    "gauntlet",
    "onboarding",
    "other",
]

class SaveReceiptParameters(TypedDict):
    """One set of parameters of save_receipt."""

    receipt_id: str
    gauntlet_id: str | None
    debate_id: str | None
    org_id: str | None
    shape: ShapeWord
    verdict: str
    confidence: float
    risk_level: str
    risk_score: float
    checksum: str
    audit_trail_id: str | None
    user_id: str | None
    requestor_id: str | None
    created_by: str | None
    data: Any
    content_hash: str
    created_at: datetime
    expires_at: datetime
    dates_hash: str
    signature: str | None
    signature_algorithm: str | None
    signature_key_id: str | None
    signed_at: datetime | None
    search_terms: str

class StoredReceiptRow(TypedDict):
    """A row of get_receipts."""

    receipt_id: str
    gauntlet_id: str | None
    debate_id: str | None
    org_id: str | None
    shape: ShapeWord
    verdict: str
    confidence: float
    risk_level: str
    risk_score: float
    checksum: str
    audit_trail_id: str | None
    user_id: str | None
    requestor_id: str | None
    created_by: str | None
    data: Any
    content_hash: str
    created_at: datetime
    expires_at: datetime
    dates_hash: str
    signature: str | None
    signature_algorithm: str | None
    signature_key_id: str | None
    signed_at: datetime | None
    timestamp_token: str | None
    timestamp_tsa_url: str | None
    timestamp_at: datetime | None
    legal_hold: bool
    legal_hold_reason: str | None
    legal_hold_placed_by: str | None
    legal_hold_placed_at: datetime | None
    legal_hold_matter_id: str | None
    legal_hold_removed_by: str | None
    legal_hold_removed_at: datetime | None

class ReceiptSummaryRow(TypedDict):
    """A row of list_receipts, list_org_receipts, list_debate_receipts, list_sorted_receipts,
    search_receipts, list_user_receipts, list_held."""

    receipt_id: str
    gauntlet_id: str | None
    debate_id: str | None
    org_id: str | None
    shape: ShapeWord
    verdict: str
    confidence: float
    risk_level: str
    risk_score: float
    checksum: str
    signed_at: datetime | None
    legal_hold: bool
    legal_hold_matter_id: str | None
    legal_hold_placed_at: datetime | None
    created_at: datetime
    expires_at: datetime

class GetStatisticsRow(TypedDict):
    """A row of get_statistics."""

    verdict: str
    risk_level: str
    total: int
    signed: int

class GetRetentionRow(TypedDict):
    """A row of get_retention."""

    total: int
    held: int
    expired: int
    expiring: int
    under_90_days: int
    under_1_year: int
    under_3_years: int
    oldest_at: datetime | None
    newest_at: datetime | None

class DeletableReceiptRow(TypedDict):
    """A row of lock_receipt, lock_expired."""

    receipt_id: str
    content_hash: str
    gauntlet_id: str | None
    verdict: str
    org_id: str | None
    created_at: datetime
    expires_at: datetime
    dates_hash: str
    legal_hold: bool

class InsertDeletionParameters(TypedDict):
    """One set of parameters of insert_deletion."""

    deletion_id: str
    receipt_id: str
    receipt_checksum: str
    gauntlet_id: str | None
    verdict: str | None
    org_id: str | None
    reason: ReasonWord
    operator: str
    metadata: Any

class ReceiptDeletionRow(TypedDict):
    """A row of get_deletion, list_receipt_deletions, list_deletions."""

    number: int
    deletion_id: str
    receipt_id: str
    receipt_checksum: str
    gauntlet_id: str | None
    verdict: str | None
    org_id: str | None
    deleted_at: datetime
    reason: ReasonWord
    operator: str
    metadata: Any

class CountDeletionsRow(TypedDict):
    """A row of count_deletions."""

    reason: ReasonWord
    total: int
    first_at: datetime
    last_at: datetime

class ReceiptsQueries(Protocol):
    """The queries of the store receipts."""

    async def save_receipt(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        gauntlet_id: str | None,
        debate_id: str | None,
        org_id: str | None,
        shape: ShapeWord,
        verdict: str,
        confidence: float,
        risk_level: str,
        risk_score: float,
        checksum: str,
        audit_trail_id: str | None,
        user_id: str | None,
        requestor_id: str | None,
        created_by: str | None,
        data: Any,
        content_hash: str,
        created_at: datetime,
        expires_at: datetime,
        dates_hash: str,
        signature: str | None,
        signature_algorithm: str | None,
        signature_key_id: str | None,
        signed_at: datetime | None,
        search_terms: str,
    ) -> int:
        """Store a receipt, or replace one, unless an organization stores one that is not its own.
        Whose it is,

        when it was made, until when it is kept, its hold and its timestamp stay; so does a
        signature of the
        same content.

        Operation !: the number of rows changed.
        """

    def get_receipts(
        self,
        connection: Connection,
        /,
        *,
        receipt_ids: Sequence[str],
        org_id: str | None,
    ) -> AsyncIterator[StoredReceiptRow]:
        """Return some receipts, of one organization or of any, in the order of their identifiers.

        Operation (none): every row.
        """

    async def find_by_gauntlet(self, connection: Connection, /, *, gauntlet_id: str) -> str | None:
        """Return the identifier of the receipt of a gauntlet.

        Operation $: the first value of the first row, or None.
        """

    def list_receipts(
        self,
        connection: Connection,
        /,
        *,
        verdict: str | None,
        risk_level: str | None,
        date_from: datetime | None,
        date_to: datetime | None,
        signed_only: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """List receipts, newest first, from a place on, perhaps with one verdict or level, of a
        time, or signed.

        Operation (none): every row.
        """

    def list_org_receipts(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        verdict: str | None,
        risk_level: str | None,
        date_from: datetime | None,
        date_to: datetime | None,
        signed_only: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """List receipts of an organization, newest first, from a place on, perhaps with one
        verdict or level,

        of a time, or signed.

        Operation (none): every row.
        """

    def list_debate_receipts(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
        verdict: str | None,
        risk_level: str | None,
        date_from: datetime | None,
        date_to: datetime | None,
        signed_only: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """List receipts of a debate, newest first, from a place on, of one organization or of any,
        perhaps

        with one verdict or level, of a time, or signed.

        Operation (none): every row.
        """

    def list_sorted_receipts(
        self,
        connection: Connection,
        /,
        *,
        sort_by: str | None,
        direction: float | None,
        debate_id: str | None,
        org_id: str | None,
        verdict: str | None,
        risk_level: str | None,
        date_from: datetime | None,
        date_to: datetime | None,
        signed_only: bool,
        after_key: float,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """List receipts by a number: their confidence, risk, or when they were made or signed, in
        microseconds

        since 1970; ascending (1) or descending (-1), those without it last; from a place on.

        Operation (none): every row.
        """

    async def count_receipts(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str | None,
        org_id: str | None,
        verdict: str | None,
        risk_level: str | None,
        date_from: datetime | None,
        date_to: datetime | None,
        signed_only: bool,
    ) -> int:
        """Count receipts, perhaps of one debate or organization, with one verdict or level, of a
        time, or signed.

        Operation $: the first value of the first row, or None.
        """

    def search_receipts(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        verdict: str | None,
        risk_level: str | None,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """Find receipts with search terms, newest first, from a place on, perhaps with one verdict
        or level, or

        of one organization.

        Operation (none): every row.
        """

    async def count_found(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        verdict: str | None,
        risk_level: str | None,
        org_id: str | None,
    ) -> int:
        """Count receipts with search terms, perhaps with one verdict or level, or of one
        organization.

        Operation $: the first value of the first row, or None.
        """

    def list_user_receipts(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        expression: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """List receipts that name a user in a column or anywhere in the document, newest first,
        from a place on,

        of one organization or of all.

        Operation (none): every row.
        """

    async def count_user_receipts(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        expression: str,
        org_id: str | None,
    ) -> int:
        """Count the receipts that name a user in a column or anywhere in the document, of one
        organization or

        of all.

        Operation $: the first value of the first row, or None.
        """

    async def set_signature(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        signature: str | None,
        algorithm: str | None,
        key_id: str | None,
    ) -> int:
        """Note the signature of a receipt.

        Operation !: the number of rows changed.
        """

    async def set_timestamp(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        token: str | None,
        tsa_url: str | None,
        org_id: str | None,
    ) -> int:
        """Note what a time-stamping authority said of a receipt, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def place_hold(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        reason: ReasonWord | None,
        placed_by: str | None,
        matter_id: str | None,
        org_id: str | None,
    ) -> int:
        """Place a legal hold on a receipt that is under none, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def remove_hold(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        removed_by: str | None,
        org_id: str | None,
    ) -> int:
        """Take the legal hold of a receipt away; what was known of it stays; of one organization
        or

        of any.

        Operation !: the number of rows changed.
        """

    async def is_held(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        org_id: str | None,
    ) -> bool:
        """Tell whether there is a receipt under a legal hold, of one organization or of any.

        Operation $: the first value of the first row, or None.
        """

    def list_held(
        self,
        connection: Connection,
        /,
        *,
        matter_id: str | None,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptSummaryRow]:
        """List receipts under a legal hold, the newest hold first, from a place on, for one matter
        or for any,

        of one organization or of all.

        Operation (none): every row.
        """

    def get_statistics(
        self,
        connection: Connection,
        /,
        *,
        org_id: str | None,
    ) -> AsyncIterator[GetStatisticsRow]:
        """Count receipts, all and signed ones, by verdict and level, of one organization or of
        all.

        Operation (none): every row.
        """

    async def get_retention(
        self,
        connection: Connection,
        /,
        *,
        days_90: datetime,
        days_365: datetime,
        days_1095: datetime,
        soon: datetime,
        org_id: str | None,
    ) -> GetRetentionRow:
        """Count receipts by their age, those under a legal hold, and those of the others whose
        time is over or

        soon will be; of one organization or of all.

        Operation ^: the first row, or None.
        """

    async def lock_receipt(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        org_id: str | None,
    ) -> DeletableReceiptRow | None:
        """Hold a receipt that is to be deleted, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def lock_expired(
        self,
        connection: Connection,
        /,
        *,
        made_before: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DeletableReceiptRow]:
        """Hold some of the receipts whose time is over, that were made before a time and are under
        no hold, the

        longest over first, from a place on.

        Operation (none): every row.
        """

    async def delete_receipts(
        self,
        connection: Connection,
        /,
        *,
        receipt_ids: Sequence[str],
    ) -> int:
        """Delete some receipts.

        Operation !: the number of rows changed.
        """

    async def insert_deletion(
        self,
        connection: Connection,
        parameters: Sequence[InsertDeletionParameters],
        /,
    ) -> int:
        """Note that a receipt was deleted.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_deletion(
        self,
        connection: Connection,
        /,
        *,
        deletion_id: str,
        org_id: str | None,
    ) -> ReceiptDeletionRow | None:
        """Return the proof of a deletion, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def list_receipt_deletions(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        org_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[ReceiptDeletionRow]:
        """List the deletions of a receipt, newest first, of one organization or of any.

        Operation (none): every row.
        """

    def list_deletions(
        self,
        connection: Connection,
        /,
        *,
        reason: ReasonWord | None,
        operator: str | None,
        org_id: str | None,
        from_date: datetime | None,
        to_date: datetime | None,
        after_timestamp: datetime,
        after_number: int,
        row_limit: int,
    ) -> AsyncIterator[ReceiptDeletionRow]:
        """List deletions, newest first, from a place on, perhaps for one reason, by one operator,
        of one

        organization, or of a time.

        Operation (none): every row.
        """

    def count_deletions(
        self,
        connection: Connection,
        /,
        *,
        org_id: str | None,
        from_date: datetime | None,
        to_date: datetime | None,
    ) -> AsyncIterator[CountDeletionsRow]:
        """Count deletions by reason, perhaps of one organization or of a time, with the first and
        the last of each.

        Operation (none): every row.
        """

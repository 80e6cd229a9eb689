"""What the store of links returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict, get_args

from aragora_sql.stores.records import Record

__all__ = ["VISIBILITIES", "ReceiptShare", "ShareLink", "ShareStatistics", "Visibility"]

Visibility = Literal["private", "team", "public"]
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)


@dataclass(frozen=True, slots=True)
class ShareLink(Record):
    """How a debate is shared. Neither its token nor its password are in it.

    ``is_linked``: there is a link, whose token somebody has. ``asks_password``: the link opens with
    a password only. ``expires_at`` and ``max_uses`` are None for no limit; ``use_count`` counts the
    uses of the present token, ``view_count`` all.
    """

    debate_id: str
    is_linked: bool
    asks_password: bool
    visibility: str
    owner_id: str | None
    org_id: str | None
    created_at: datetime
    expires_at: datetime | None
    allow_comments: bool
    allow_forking: bool
    max_uses: int | None
    use_count: int
    view_count: int
    last_viewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptShare(Record):
    """A link to a receipt; ``token_hash`` is the SHA-256 of its token, by which it can be named.

    ``max_accesses`` is None for no limit.
    """

    token_hash: str
    receipt_id: str
    created_at: datetime
    expires_at: datetime
    max_accesses: int | None
    access_count: int
    created_by: str | None


class ShareStatistics(TypedDict):
    """Counts of all links to debates; ``expired`` are those that the clean-up has not deleted."""

    total: int
    by_visibility: dict[str, int]
    with_tokens: int
    expired: int
    total_views: int

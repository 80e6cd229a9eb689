"""What the store of the marketplace returns, and the orders of its lists."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from aragora_sql.database.values import load_json
from aragora_sql.stores import validation as valid
from aragora_sql.stores.paging import LAST_TIMESTAMP, Check, LastRow, key_of
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms

__all__ = [
    "SORT_ORDERS",
    "Category",
    "RankedTemplate",
    "Review",
    "SortOrder",
    "Template",
    "TemplatePage",
    "TemplateVersion",
    "content_hash",
    "page_of",
    "template_terms",
]

SortOrder = Literal["rating", "downloads", "newest", "updated"]

SORT_ORDERS: tuple[SortOrder, ...] = ("rating", "downloads", "newest", "updated")

# Above every number that templates are ordered by.
FIRST_NUMBER = sys.float_info.max
FIRST_COUNT = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(Record):
    """A category, and how many templates are in it at present."""

    id: str
    name: str
    description: str
    template_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Record):
    """A template of a workflow; ``average_rating`` is from 1 to 5, or 0 without a rating.

    ``is_builtin`` and ``star_count`` are what an older registry kept of it.
    """

    id: str
    name: str
    description: str
    author_id: str
    author_name: str
    category: str
    pattern: str
    tags: list[str]
    workflow_definition: dict[str, Any]
    download_count: int
    rating_sum: int
    rating_count: int
    average_rating: float
    is_featured: bool
    is_trending: bool
    is_builtin: bool
    star_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedTemplate(Record):
    """A template with its ranks by rating, among all and in its category.

    1 is the best; those with one average and one number of ratings share a rank.
    """

    id: str
    name: str
    description: str
    author_id: str
    author_name: str
    category: str
    pattern: str
    tags: list[str]
    workflow_definition: dict[str, Any]
    download_count: int
    rating_sum: int
    rating_count: int
    average_rating: float
    is_featured: bool
    is_trending: bool
    is_builtin: bool
    star_count: int
    created_at: datetime
    updated_at: datetime
    global_rank: int
    category_rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateVersion(Record):
    """A published version of a template, which never changes.

    ``number`` counts the versions of a template from 1 on; ``version`` is what people call it.
    ``content_hash`` is SHA-256 of the workflow, or what an older registry had.
    """

    template_id: str
    number: int
    version: str
    workflow_definition: dict[str, Any]
    content_hash: str
    notes: str
    published_by: str | None
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Record):
    """What a user wrote about a template; ``rating`` is from 1 to 5."""

    id: str
    template_id: str
    user_id: str
    user_name: str
    rating: int
    title: str
    content: str
    helpful_count: int
    created_at: datetime


class TemplatePage(TypedDict):
    """Where a page of templates begins."""

    after_number: float
    after_count: int
    after_timestamp: datetime
    after_id: str


# What a list is ordered by beside the id: the fields of a template in the order of TemplatePage.
_AVERAGE: dict[str, Check] = {"average_rating": valid.number, "rating_count": valid.integer}
_KEYS: dict[SortOrder, dict[str, Check]] = {
    "rating": {**_AVERAGE, "created_at": valid.timestamp_or_text},
    "downloads": {"download_count": valid.integer, "created_at": valid.timestamp_or_text},
    "newest": {"created_at": valid.timestamp_or_text},
    "updated": {"updated_at": valid.timestamp_or_text},
}
_FIRST: dict[SortOrder, tuple[Any, ...]] = {
    "rating": (FIRST_NUMBER, FIRST_COUNT, LAST_TIMESTAMP),
    "downloads": (FIRST_COUNT, LAST_TIMESTAMP),
    "newest": (LAST_TIMESTAMP,),
    "updated": (LAST_TIMESTAMP,),
}


def page_of(sort_by: SortOrder, after: LastRow | None) -> TemplatePage:
    """Return where the page behind a template begins; of None, the first one."""
    checks = {**_KEYS[sort_by], "id": valid.text}
    *numbers, timestamp, last_id = key_of(after, checks, (*_FIRST[sort_by], ""))
    number, count = (*numbers, 0)[:2] if numbers else (0.0, 0)
    return {
        "after_number": float(number),
        "after_count": count,
        "after_timestamp": timestamp,
        "after_id": last_id,
    }


def template_terms(name: str, description: str, tags: Iterable[str]) -> str:
    """Return what a template is searched by, as it is stored."""
    return document_terms(name, description, *tags)


def content_hash(content: str) -> str:
    """Return SHA-256 of a document in JSON: of its members in order, without blanks between."""
    ordered = json.dumps(
        load_json(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(ordered.encode()).hexdigest()

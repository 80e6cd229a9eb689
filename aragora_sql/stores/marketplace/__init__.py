"""The marketplace: templates of workflows, their versions, ratings and reviews."""

from aragora_sql.stores.marketplace.records import (
    SORT_ORDERS,
    Category,
    RankedTemplate,
    Review,
    SortOrder,
    Template,
    TemplateVersion,
)
from aragora_sql.stores.marketplace.store import MarketplaceStore

__all__ = [
    "SORT_ORDERS",
    "Category",
    "MarketplaceStore",
    "RankedTemplate",
    "Review",
    "SortOrder",
    "Template",
    "TemplateVersion",
]

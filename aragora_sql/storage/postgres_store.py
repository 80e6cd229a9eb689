"""A module path of the older Aragora: the names are in :mod:`aragora_sql`."""

from aragora_sql import close_postgres_pool, get_postgres_pool

__all__ = ["close_postgres_pool", "get_postgres_pool"]

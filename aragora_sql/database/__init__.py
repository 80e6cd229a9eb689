"""Connections, transactions and value conversion for PostgreSQL and SQLite."""

from aragora_sql.database.base import Connection, Database, Dialect, Health, PoolMetrics, Row, Watch
from aragora_sql.database.retrying import Retries
from aragora_sql.database.statement import ColumnKind, Statement

__all__ = [
    "ColumnKind",
    "Connection",
    "Database",
    "Dialect",
    "Health",
    "PoolMetrics",
    "Retries",
    "Row",
    "Statement",
    "Watch",
]

"""Puts the tables that grow for ever into partitions by time (PostgreSQL), while they are in use.

``tables`` lists them and says why others can't be divided, ``bounds`` knows where a month begins,
``dividing`` turns a table into a partitioned one, ``ahead`` makes partitions for the time to come,
``archive`` takes old ones off and brings them back, ``state`` tells what is there, ``running``
writes and runs the statements. Which SQL that is stands in
``sql/workbench/postgres/partitions/queries.sql``.
"""

from __future__ import annotations

from aragora_sql.partitions.ahead import make_ahead
from aragora_sql.partitions.archive import archive_partitions, attach_partitions
from aragora_sql.partitions.bounds import INTERVALS, Interval
from aragora_sql.partitions.dividing import divide_table
from aragora_sql.partitions.state import Partition, TableState, read_state
from aragora_sql.partitions.tables import GROWING, GrowingTable, growing_tables

__all__ = [
    "GROWING",
    "INTERVALS",
    "GrowingTable",
    "Interval",
    "Partition",
    "TableState",
    "archive_partitions",
    "attach_partitions",
    "divide_table",
    "growing_tables",
    "make_ahead",
    "read_state",
]

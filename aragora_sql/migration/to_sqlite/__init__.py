"""The way back: what is in PostgreSQL goes to a SQLite database of this package, and loses nothing.

``snapshot`` reads the source, ``tables`` says from the catalogues of both databases how each column
goes over, ``places`` is the file that is filled, ``ledger`` what is remembered in it, ``filling``
stores rows, ``comparing`` verifies them, and ``run`` puts all of it in order.
"""

from __future__ import annotations

from aragora_sql.migration.to_sqlite.options import ToSQLiteOptions
from aragora_sql.migration.to_sqlite.run import ToSQLiteReport, move_to_sqlite

__all__ = ["ToSQLiteOptions", "ToSQLiteReport", "move_to_sqlite"]

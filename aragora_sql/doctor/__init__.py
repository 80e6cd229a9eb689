"""Says what is wrong with a database and with the environment, and what to do.

:func:`examine` makes all checks: ``variables`` of the environment, ``servers`` by their DSN,
``roles``, ``schemas``, ``load``, ``advisors`` and ``secrets`` of a database, ``files`` of SQLite.
Each check is a function that returns :class:`Finding`; none changes anything.
"""

from __future__ import annotations

from aragora_sql.doctor.findings import CHECKS, Finding, Severity, worst
from aragora_sql.doctor.run import examine
from aragora_sql.doctor.target import Limits, Target

__all__ = ["CHECKS", "Finding", "Limits", "Severity", "Target", "examine", "worst"]

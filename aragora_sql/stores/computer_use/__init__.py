"""Tasks that agents do at a graphical user interface, and what they may do there."""

from aragora_sql.stores.computer_use.records import (
    ACTIONS,
    TASK_STATUSES,
    ActionTotals,
    ComputerUsePolicy,
    ComputerUseTask,
)
from aragora_sql.stores.computer_use.store import ComputerUseStore

__all__ = [
    "ACTIONS",
    "TASK_STATUSES",
    "ActionTotals",
    "ComputerUsePolicy",
    "ComputerUseStore",
    "ComputerUseTask",
]

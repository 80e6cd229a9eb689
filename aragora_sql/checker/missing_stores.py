"""The rule ``missing-store``: a store that Python calls has its files.

Where a store's queries are missing in both dialects no file is left to have a finding, and the
application refuses the tree at its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from aragora_sql.checker.callers import Use
from aragora_sql.checker.report import Report
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import DIALECTS
from aragora_sql.stores import STORES

__all__ = ["check_missing_stores"]

_RULE = "missing-store"
_PACKAGE = Path(__file__).resolve().parent.parent


def check_missing_stores(facts: Facts, report: Report, uses: Iterable[Use]) -> None:
    """Look for stores that are called and not there; ``facts`` are of the whole tree.

    The stores of this package belong to a copy of its tree. A tree in which there is none of them
    is an application's own, and has what the application's code calls.
    """
    root = facts.tree.root
    ours = {entry.name for entry in STORES}
    is_copy = any((root / dialect / name).is_dir() for dialect in DIALECTS for name in ours)
    read = {problem.path.parent.name for problem in facts.problems} | set(facts.stores)
    wanted: dict[str, str] = {}
    for use in uses:
        if not use.path.is_relative_to(_PACKAGE) or (is_copy and use.store in ours):
            wanted.setdefault(use.store, f"{use.path.name}:{use.line}")
    for store, caller in sorted(wanted.items()):
        if store not in read:
            report.add(*_without_queries(root, store, caller))
        elif store in ours:
            report.add(*_without_schema(root, store))


def _without_queries(root: Path, store: str, caller: str) -> Iterator[Finding]:
    for dialect in DIALECTS:
        path = root / dialect / store / "queries.sql"
        message = (
            f"the file is missing, and {caller} calls its queries: an application that uses the "
            f"store {store!r} does not start; where none does: --skip {_RULE}"
        )
        yield Finding(path, 1, 1, _RULE, message)


def _without_schema(root: Path, store: str) -> Iterator[Finding]:
    for dialect in DIALECTS:
        path = root / dialect / store / "schema.sql"
        if path.parent.is_dir() and not path.is_file():
            message = f"the file is missing: nothing creates the tables of the store {store!r}"
            yield Finding(path, 1, 1, _RULE, message)

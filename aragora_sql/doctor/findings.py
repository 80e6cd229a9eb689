"""What a check returns, and the names of all checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["CHECKS", "Finding", "Severity", "error", "ok", "warning", "worst"]

Severity = Literal["ok", "warning", "error"]
Kind = Literal["database", "configuration", "connection"]

_ORDER: tuple[Severity, ...] = ("ok", "warning", "error")

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "variables": "every variable of the environment can be used, and is known",
        "files": "the folders and SQL files that variables name are there",
        "dsn": "which kind of server the DSN leads to, and whether its parts fit together",
        "tls": "the connection is encrypted, and the server's certificate looked at",
        "connection": "the database answers",
        "server-version": "the server, or SQLite, is new enough",
        "role": "the role is no superuser, and owns the tables or may work with them",
        "row-level-security": "every table has it, and it hides no row from the application",
        "search-path": "tables are looked for where they are",
        "schema-version": "the schema of every store has the version of the SQL files",
        "schema-drift": "tables, indexes, rules and rights are as the SQL files say",
        "connections": "the pools of all instances fit into the server's and the plan's limits",
        "prepared-statements": "the DSN says truly whether a transaction pooler is there",
        "clock": "the clocks of this host and of the server agree",
        "replication": "standbys keep up, and no slot keeps changes for nobody",
        "read-replicas": "each server of ARAGORA_POSTGRES_REPLICAS can serve reads",
        "table-bloat": "deleted rows are cleaned up, or free pages are few",
        "old-transactions": "no transaction has been open for long",
        "advisors": "the published lints have nothing against the tables",
        "encryption-key": "there is a key, and stored secrets can be read with it",
        "journal-mode": "a SQLite file is in WAL mode",
        "file-system": "a SQLite file is not in a folder of the network",
        "file-rights": "a SQLite file can be written, and not read by everybody",
        "free-space": "there is room for a SQLite file to grow, and for a copy",
        "integrity": "a SQLite file is not damaged, and its references lead somewhere",
    }
)
"""The checks in their order; docs/doctor.md has a paragraph for each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has seen, and what is to be done, empty where nothing is.

    ``check`` is one of :data:`CHECKS`. ``kind`` is what an error is about: the database, the
    configuration, or that the database can't be reached.
    """

    check: str
    severity: Severity
    seen: str
    action: str = ""
    kind: Kind = "database"

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "check": self.check,
            "severity": self.severity,
            "seen": self.seen,
            "action": self.action,
        }


def ok(check: str, seen: str) -> Finding:
    """Return a finding that nothing is wrong."""
    return Finding(check, "ok", seen)


def warning(check: str, seen: str, action: str) -> Finding:
    """Return a finding about what works now and may not always."""
    return Finding(check, "warning", seen, action)


def error(check: str, seen: str, action: str, kind: Kind = "database") -> Finding:
    """Return a finding about what does not work, or loses or shows data."""
    return Finding(check, "error", seen, action, kind)


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the greatest severity; ``ok`` of none."""
    return max((one.severity for one in findings), key=_ORDER.index, default="ok")

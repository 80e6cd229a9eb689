"""Compliance: policies of workspaces, violations, and what was changed in policies."""

from aragora_sql.stores.compliance.records import (
    CompliancePolicy,
    ComplianceViolation,
    PolicyChange,
)
from aragora_sql.stores.compliance.store import PolicyStore

__all__ = ["CompliancePolicy", "ComplianceViolation", "PolicyChange", "PolicyStore"]

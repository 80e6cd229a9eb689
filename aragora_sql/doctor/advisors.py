"""PostgreSQL: the published lints for databases behind an API, such as Supabase's advisors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from aragora_sql.database import Connection
from aragora_sql.doctor.findings import Finding, error, ok, warning

if TYPE_CHECKING:
    from aragora_sql.queries.typed.doctor import DoctorQueries

__all__ = ["LINTS", "check_advisors"]

_REVOKE = "REVOKE ALL ON it FROM anon, authenticated, PUBLIC"

# What to do, by the name of the lint.
LINTS: Mapping[str, str] = MappingProxyType(
    {
        "anon_security_definer_function_executable": "SECURITY INVOKER, or REVOKE EXECUTE",
        "auth_rls_initplan": "write (SELECT auth.uid()) in the policy",
        "authenticated_security_definer_function_executable": "SECURITY INVOKER, or REVOKE EXECUTE",
        "autovacuum_disabled": "ALTER TABLE … RESET (autovacuum_enabled)",
        "duplicate_index": "drop all but one of them",
        "extension_in_public": "ALTER EXTENSION … SET SCHEMA extensions",
        "foreign_table_in_api": _REVOKE,
        "function_search_path_mutable": "ALTER FUNCTION … SET search_path = pg_catalog, public",
        "invalid_index": "REINDEX INDEX CONCURRENTLY, or aragora-sql schema repair",
        "materialized_view_in_api": _REVOKE,
        "multiple_permissive_policies": "make one policy of them",
        "no_primary_key": "aragora-sql schema repair",
        "permissive_rls_policy": "drop the policy: it lets everybody write",
        "pg_graphql_anon_table_exposed": _REVOKE,
        "pg_graphql_authenticated_table_exposed": _REVOKE,
        "policy_exists_rls_disabled": "ALTER TABLE … ENABLE ROW LEVEL SECURITY",
        "rls_disabled_in_public": "ALTER TABLE … ENABLE ROW LEVEL SECURITY",
        "rls_references_user_metadata": "drop the policy: users write their metadata themselves",
        "security_definer_view": "ALTER VIEW … SET (security_invoker = true)",
        "unindexed_foreign_keys": "aragora-sql schema repair, or an index on its columns",
        "unsupported_reg_types": "another type: an upgrade of the server refuses it",
    }
)
# What shows or gives away rows.
_ERRORS = {"permissive_rls_policy", "policy_exists_rls_disabled", "rls_disabled_in_public"}
_ERRORS |= {"rls_references_user_metadata", "security_definer_view"}


async def check_advisors(
    connection: Connection, queries: DoctorQueries, tables: Sequence[str]
) -> list[Finding]:
    """Say what the lints have against the stores' tables, and what reads them."""
    objects: dict[str, list[str]] = {}
    async for row in queries.list_advice(connection, table_names=list(tables)):
        detail = f" ({row['detail']})" if row["detail"] else ""
        objects.setdefault(row["lint"], []).append(f"{row['object_name']}{detail}")
    findings = []
    for lint, names in objects.items():
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        make = error if lint in _ERRORS else warning
        findings.append(make("advisors", f"{lint}: {', '.join(names[:5])}{more}", LINTS[lint]))
    return findings or [ok("advisors", f"{len(LINTS)} lints have nothing against the tables")]

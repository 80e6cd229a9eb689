"""PostgreSQL: connections, what holds old rows, what follows the server, and poolers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aragora_sql.database import Connection, Health
from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.doctor.plans import PLANS
from aragora_sql.doctor.servers import kind_of
from aragora_sql.doctor.target import Limits, Target, answered
from aragora_sql.dsn import PostgresDSN

if TYPE_CHECKING:
    from aragora_sql.queries.typed.doctor import DoctorQueries, GetConnectionsRow

__all__ = [
    "check_bloat",
    "check_connections",
    "check_old_transactions",
    "check_prepared_statements",
    "check_replication",
]

# A pool that fills more of what there is leaves nothing for a person with psql.
_SHARE = 0.9


async def check_connections(
    connection: Connection, queries: DoctorQueries, target: Target, *, is_pooled: bool
) -> list[Finding]:
    """Compare the pools of all instances with the limits of the server, the role and the plan."""
    found = answered(await queries.get_connections(connection))
    instances = target.instances or 1
    wanted = target.pool_max * instances
    asked = f"{instances} x {target.pool_max} = {wanted} connections"
    if target.instances is None:
        asked += " (one instance: --instances or ARAGORA_INSTANCES says how many there are)"
    most, why = _limit(found, target, is_pooled=is_pooled)
    if most is None:
        return [ok("connections", f"{asked} to a pooler, whose own limit counts")]
    seen = f"{asked}, of {most} ({why})"
    fitting = max(int(most * _SHARE) // instances, 1)
    if wanted > most:
        return [error("connections", seen, _smaller(fitting, instances))]
    if wanted > most * _SHARE:
        return [warning("connections", f"{seen}: nothing is left", _smaller(fitting, instances))]
    others = found["others"]
    if not is_pooled and wanted + others > most:
        return [
            warning(
                "connections",
                f"{seen}; other programs hold {others} of them now",
                _smaller(max((most - others) // instances, 1), instances),
            )
        ]
    return [ok("connections", seen)]


def _limit(found: GetConnectionsRow, target: Target, *, is_pooled: bool) -> tuple[int | None, str]:
    """Return how many connections there may be, and what says so; None where nothing does."""
    plan = PLANS[target.plan] if target.plan else None
    if is_pooled:
        return (plan.pooled, f"pooled, plan {target.plan}") if plan else (None, "")
    limits = [(found["most"] - found["reserved"], "max_connections without those of superusers")]
    if found["most_of_database"] >= 0:
        limits.append((found["most_of_database"], "CONNECTION LIMIT of the database"))
    if found["most_of_role"] >= 0:
        limits.append((found["most_of_role"], "CONNECTION LIMIT of the role"))
    if plan is not None:
        limits.append((plan.direct, f"direct, plan {target.plan}"))
    return min(limits)


def _smaller(fitting: int, instances: int) -> str:
    return (
        f"ARAGORA_POSTGRES_POOL_MAX={fitting} for each of {instances}, fewer instances, or a "
        "transaction pooler (port 6543)"
    )


def check_prepared_statements(
    dsn: PostgresDSN, *, is_shared: bool, is_direct: bool
) -> list[Finding]:
    """Compare what the DSN says of poolers with what is there.

    ``is_shared``: clients share sessions of the server; ``is_direct``: nothing is between.
    """
    named = dsn.named_pooling
    if named is False and is_shared:
        return [
            error(
                "prepared-statements",
                "the DSN says pgbouncer=false, and a transaction pooler is there: prepared "
                "statements are lost between transactions",
                "take ?pgbouncer=false out of the DSN",
            )
        ]
    if dsn.transaction_pooling and is_direct:
        by = "?pgbouncer=true" if named else "port 6543"
        return [
            warning(
                "prepared-statements",
                f"{by} says that a transaction pooler is there, and none is: each statement is "
                "parsed anew, and workers can't listen for jobs",
                "take ?pgbouncer=true out of the DSN" if named else "add ?pgbouncer=false",
            )
        ]
    if is_shared:
        seen = "a transaction pooler is there, so none is kept; workers look for jobs instead"
    elif is_direct:
        seen = "no pooler is there, so they are kept"
    else:
        seen = "a session pooler is there, so they are kept"
    return [ok("prepared-statements", f"{kind_of(dsn)}: {seen}")]


async def check_old_transactions(
    connection: Connection, queries: DoctorQueries, limits: Limits
) -> list[Finding]:
    """Name the transactions that have been open for long."""
    rows = [
        row
        async for row in queries.list_old_transactions(
            connection, least_seconds=limits.transaction_warning
        )
    ]
    if not rows:
        return [ok("old-transactions", f"none is older than {limits.transaction_warning:g} s")]
    oldest = rows[0]
    names = ", ".join(
        f"{_who(row['process_id'])} of {row['name']}, {row['kind']}, {row['seconds']:.0f} s"
        for row in rows[:3]
    )
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    process = oldest["process_id"]
    make = error if oldest["seconds"] >= limits.transaction_error else warning
    return [
        make(
            "old-transactions",
            f"open for long, so deleted rows stay: {names}{more}",
            f"end the oldest: SELECT pg_terminate_backend({process}); and set "
            "idle_in_transaction_session_timeout"
            if process is not None
            else "COMMIT PREPARED or ROLLBACK PREPARED it",
        )
    ]


def _who(process: int | None) -> str:
    return "a prepared transaction" if process is None else f"process {process}"


async def check_bloat(
    connection: Connection, queries: DoctorQueries, tables: Sequence[str], limits: Limits
) -> list[Finding]:
    """Name the tables with many dead rows, and those that nobody cleans up."""
    rows = [row async for row in queries.list_dead_rows(connection, table_names=list(tables))]
    findings = []
    full = [
        row
        for row in rows
        if row["dead_rows"] >= limits.dead_rows
        and row["dead_rows"] >= limits.dead_share * (row["live_rows"] + row["dead_rows"])
    ]
    if full:
        names = ", ".join(
            f"{row['table_name']} ({row['dead_rows']:,} dead, {row['live_rows']:,} live rows)"
            for row in full[:3]
        )
        findings.append(
            warning(
                "table-bloat",
                names,
                "VACUUM (ANALYZE) them; if it does not last, see old-transactions and autovacuum",
            )
        )
    off = [row["table_name"] for row in rows if row["is_off"]]
    if off:
        findings.append(
            warning(
                "table-bloat",
                f"autovacuum is off for {', '.join(off[:3])}"
                + (f" and {len(off) - 3} more" if len(off) > 3 else ""),
                "ALTER TABLE … RESET (autovacuum_enabled), or autovacuum = on",
            )
        )
    old = [row["table_name"] for row in rows if row["transactions"] >= limits.transactions]
    if old:
        findings.append(
            error(
                "table-bloat",
                f"transaction numbers run out: {', '.join(old[:3])} were never frozen",
                "VACUUM (FREEZE) them now",
            )
        )
    return findings or [ok("table-bloat", f"few dead rows in {len(rows)} tables")]


async def check_replication(
    connection: Connection, queries: DoctorQueries, health: Health, limits: Limits
) -> list[Finding]:
    """Say how far a standby is behind, and what this server keeps for those that do not read."""
    findings: list[Finding] = []
    if health.role == "standby":
        lag = health.lag_seconds
        seen = f"a standby, {'of unknown age' if lag is None else f'{lag:.0f} s behind'}"
        make = error if lag is not None and lag >= limits.lag_error else warning
        late = lag is not None and lag >= limits.lag_warning
        findings.append(
            make(
                "replication",
                f"{seen}: it takes no writes" + (", and what it answers is old" if late else ""),
                "see the standby's log, and pg_stat_replication on the primary"
                if late
                else "stores write: name the primary (target_session_attrs=read-write)",
            )
        )
    elif health.is_read_only:
        findings.append(
            error(
                "replication",
                "the server takes no writes (default_transaction_read_only)",
                "a full disk of Supabase or RDS does that: make room, then switch it off",
            )
        )
    for row in [row async for row in queries.list_followers(connection)]:
        if row["kind"] == "standby" and (row["seconds"] or 0.0) >= limits.lag_warning:
            findings.append(
                warning(
                    "replication",
                    f"standby {row['name']} is {row['seconds']:.0f} s behind",
                    "see its load and its network",
                )
            )
        if row["kind"] == "slot" and (row["bytes"] or 0) >= limits.slot_bytes:
            findings.append(
                warning(
                    "replication",
                    f"slot {row['name']} is read by nobody and keeps "
                    f"{(row['bytes'] or 0) / (1 << 20):,.0f} MB of changes: the disk fills up",
                    f"start its reader, or SELECT pg_drop_replication_slot('{row['name']}')",
                )
            )
    return findings or [ok("replication", "the primary, and nothing that follows it is behind")]

"""A whole data directory of the older program: every file, with rows in every table.

The tables are those of the other modules, in the shapes that the older program left. Their rows are
those that ``aragora-sql check`` makes of what the mappings say; a row that a table does not take is
left out. Of a table that several files hold, the later ones have a few keys of the first.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aragora_sql.checker.mapping import older_groups
from aragora_sql.checker.mapping.older import AGAIN, ZONE, RowMaker
from aragora_sql.checker.mapping.shapes import Group
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import read_facts, read_tree
from tests.migration.legacy.audit import (
    anchor_of,
    immutable_entries,
    linked_events,
    write_audit_events,
    write_audit_log,
    write_immutable_log,
    write_impersonation,
    write_token_blacklist,
)
from tests.migration.legacy.compliance import write_policy_store
from tests.migration.legacy.computer_use import write_computer_use
from tests.migration.legacy.connectors import write_connectors
from tests.migration.legacy.consensus import write_consensus
from tests.migration.legacy.continuum import write_continuum
from tests.migration.legacy.critique import write_critique
from tests.migration.legacy.cycles import write_cycles
from tests.migration.legacy.debate_archive import write_debate_archive
from tests.migration.legacy.debate_origins import write_origins
from tests.migration.legacy.decisions import write_decision_results
from tests.migration.legacy.elo import write_elo
from tests.migration.legacy.facts import write_facts
from tests.migration.legacy.federation import write_regions
from tests.migration.legacy.folders import INSIGHTS
from tests.migration.legacy.gauntlet import write_gauntlet_results, write_gauntlet_runs
from tests.migration.legacy.gmail import write_gmail
from tests.migration.legacy.governance import (
    write_governance,
    write_requests,
    write_rollback_points,
)
from tests.migration.legacy.inbox_activities import write_inbox_activities
from tests.migration.legacy.insights import write_insights
from tests.migration.legacy.knowledge import write_mound
from tests.migration.legacy.marketplace import write_registry, write_store
from tests.migration.legacy.notifications import write_channels, write_notification_config
from tests.migration.legacy.receipts import write_audit_trails, write_deletions, write_receipts
from tests.migration.legacy.scheduled_debates import write_scheduled_debates
from tests.migration.legacy.sharing import write_receipt_shares, write_share_links
from tests.migration.legacy.unified_inbox import write_inbox
from tests.migration.legacy.users import write_users
from tests.migration.legacy.values import Row, connect, create, insert
from tests.migration.legacy.webhooks import (
    write_webhook_configs,
    write_webhook_deliveries,
    write_webhook_events,
    write_webhook_registry,
)
from tests.migration.legacy.work import (
    debate_columns,
    make_workflows,
    write_checkpoints,
    write_findings,
    write_integrations,
    write_jobs,
)
from tests.migration.legacy.workflow_definitions import write_workflows

__all__ = [
    "FILES",
    "NAME",
    "ZONE",
    "OlderFile",
    "Shape",
    "count_rows",
    "read_groups",
    "shapes_of",
    "write_installation",
]

NAME = ".nomic"
# Where a relative directory was applied twice.
D = f"{NAME}/"
_LEFT_ROWS = 3
# Between the first keys of two files; RowMaker wants whole thousands.
_APART = 1_000_000
# The older chains have their hashes, and the seconds of a minute as times.
_CHAIN = 50

Make = Callable[[Path], object]
Shape = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class OlderFile:
    """A file, or a folder of files: what makes it, and the older tables that are read of it.

    ``left`` are tables of it that no store takes.
    """

    make: Make
    tables: frozenset[str]
    left: frozenset[str]


def _file(tables: str, *make: Make, left: str = "") -> OlderFile:
    def make_all(path: Path) -> None:
        for one in make:
            one(path)

    return OlderFile(make_all, frozenset(tables.split()), frozenset(left.split()))


def _left(tables: str, ddl: str) -> OlderFile:
    return _file("", lambda path: create(path, ddl), left=tables)


def _write_rollback(path: Path) -> None:
    at = "2026-02-12T16:42:57.123456"
    common = {"created_at": at, "description": "before", "database_snapshot": None}
    others = {"git_commit": "abc", "file_backups": {"a.py": "/backup/a.py"}, "metadata": {}}
    write_rollback_points(path, [{"id": f"{n:016x}", **common, **others} for n in range(3)])


def _write_checkpoint_files(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    documents = {one["checkpoint_id"]: one for one in make_workflows()}
    documents |= {n: {**debate_columns(n), "messages": []} for n in ("cp-file-1", "cp-file-2")}
    for name, document in documents.items():
        (path / f"{name}.json").write_text(json.dumps(document))


def _write_immutable(path: Path) -> None:
    entries = immutable_entries(_CHAIN)
    write_immutable_log(path, entries, [anchor_of("2026-02-10", entries[:3])])


def _origins(table: str) -> OlderFile:
    return _file(table, lambda path: write_origins(path.parent, {table: []}))


_CONTINUUM = "continuum_memory tier_transitions"
_CRITIQUE = "debates critiques patterns agent_reputation"
_RATING = (
    "ratings matches elo_history calibration_predictions domain_calibration calibration_buckets "
    "agent_relationships"
)
_USER_TABLES = "users organizations usage_events oauth_providers org_invitations"
_MOUND = "knowledge_nodes provenance relationships node_topics knowledge_archive prune_history"
_ALL_INSIGHTS = (
    "insights debate_summaries agent_performance_history pattern_clusters wisdom_submissions "
    "insight_usage"
)


def _write_mound(path: Path) -> None:
    write_mound(path, {"knowledge_archive": [], "prune_history": []}, with_archived_by=True)


def _write_insights(path: Path) -> None:
    write_insights(path, {"insight_usage": []})


_EXPENSES = """
    CREATE TABLE expenses (
        id TEXT PRIMARY KEY, vendor_name TEXT, amount TEXT NOT NULL, category TEXT,
        status TEXT NOT NULL DEFAULT 'pending', employee_id TEXT, approved_by TEXT,
        expense_date TEXT, synced_to_qbo INTEGER DEFAULT 0, qbo_expense_id TEXT, synced_at TEXT,
        created_at REAL NOT NULL, updated_at REAL NOT NULL, data_json TEXT NOT NULL
    );
"""
_INVOICES = """
    CREATE TABLE invoices (
        id TEXT PRIMARY KEY, vendor_id TEXT, vendor_name TEXT, invoice_number TEXT, po_number TEXT,
        total_amount TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending', approved_by TEXT,
        invoice_date TEXT, due_date TEXT, scheduled_payment_date TEXT,
        requires_approval INTEGER DEFAULT 0, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        data_json TEXT NOT NULL
    );
"""
_RECEIVABLES = """
    CREATE TABLE ar_invoices (
        id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, customer_name TEXT, invoice_number TEXT,
        total_amount TEXT NOT NULL, balance_due TEXT, status TEXT NOT NULL DEFAULT 'draft',
        due_date TEXT, sent_at TEXT, last_reminder_level INTEGER DEFAULT 0, last_reminder_at TEXT,
        created_at REAL NOT NULL, updated_at REAL NOT NULL, data_json TEXT NOT NULL
    );
    CREATE TABLE ar_customers (
        customer_id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT,
        payment_terms TEXT DEFAULT 'Net 30', created_at REAL NOT NULL, data_json TEXT
    );
"""
_CREDENTIALS = """
    CREATE TABLE email_credentials (
        tenant_id TEXT NOT NULL, provider TEXT NOT NULL, email_address TEXT NOT NULL,
        access_token TEXT, refresh_token TEXT, client_secret TEXT, token_expiry TEXT,
        client_id TEXT, provider_user_id TEXT, scopes TEXT DEFAULT '[]',
        is_active INTEGER DEFAULT 1, last_used TEXT, failure_count INTEGER DEFAULT 0,
        last_error TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        PRIMARY KEY (tenant_id, provider, email_address)
    );
"""
_CONTROL_PLANE = """
    CREATE TABLE control_plane_policies (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT DEFAULT '',
        scope TEXT DEFAULT 'global', task_types TEXT DEFAULT '[]', capabilities TEXT DEFAULT '[]',
        workspaces TEXT DEFAULT '[]', agent_allowlist TEXT DEFAULT '[]',
        agent_blocklist TEXT DEFAULT '[]', region_constraint TEXT, sla TEXT,
        enforcement_level TEXT DEFAULT 'hard', enabled INTEGER DEFAULT 1,
        priority INTEGER DEFAULT 0, created_at TEXT NOT NULL, created_by TEXT,
        metadata TEXT DEFAULT '{}'
    );
    CREATE TABLE control_plane_violations (
        id TEXT PRIMARY KEY, policy_id TEXT NOT NULL, policy_name TEXT NOT NULL,
        violation_type TEXT NOT NULL, description TEXT NOT NULL, task_id TEXT, task_type TEXT,
        agent_id TEXT, region TEXT, workspace_id TEXT, enforcement_level TEXT DEFAULT 'hard',
        timestamp TEXT NOT NULL, status TEXT DEFAULT 'open', resolved_at TEXT, resolved_by TEXT,
        resolution_notes TEXT, metadata TEXT DEFAULT '{}'
    );
"""
_KNOWLEDGE_LOG = """
    CREATE TABLE audit_entries (
        id TEXT PRIMARY KEY, action TEXT NOT NULL, actor_id TEXT NOT NULL,
        resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, workspace_id TEXT,
        timestamp REAL NOT NULL, details TEXT, ip_address TEXT, user_agent TEXT,
        success INTEGER NOT NULL DEFAULT 1, error_message TEXT
    );
"""
_SEMANTIC = """
    CREATE TABLE semantic_index (
        id TEXT PRIMARY KEY, source_type TEXT NOT NULL, source_id TEXT NOT NULL,
        content_hash TEXT NOT NULL, embedding BLOB NOT NULL, embedding_model TEXT NOT NULL,
        embedding_dim INTEGER NOT NULL, tenant_id TEXT NOT NULL DEFAULT 'default',
        domain TEXT DEFAULT 'general', importance REAL DEFAULT 0.5, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, retrieval_count INTEGER DEFAULT 0, last_retrieved_at TEXT,
        avg_retrieval_rank REAL DEFAULT 0, metadata TEXT,
        UNIQUE (source_type, source_id, tenant_id)
    );
"""
_BATCHES = """
    CREATE TABLE explainability_batch_jobs (
        batch_id TEXT PRIMARY KEY, status TEXT NOT NULL, debate_ids_json TEXT NOT NULL,
        results_json TEXT, created_at REAL NOT NULL, expires_at REAL NOT NULL
    );
"""

# By the path below the data directory. Of several files with one table the first has all columns.
FILES: dict[str, OlderFile] = {
    # Memory.
    "consensus_memory.db": _file(
        "consensus dissent verified_proofs consensus_archive dissent_archive",
        lambda path: write_consensus(path, tables={}),
    ),
    "agora_memory.db": _file(
        f"{_CRITIQUE} pattern_embeddings patterns_archive",
        lambda path: write_critique(path, tables={}),
    ),
    "continuum_memory.db": _file(
        f"{_CONTINUUM} continuum_memory_archive",
        lambda path: write_continuum(path, 3),
        left="meta_learning_state",
    ),
    f"{D}memory.db": _file(
        f"{_CRITIQUE} {_CONTINUUM} continuum_memory_archive consensus dissent",
        lambda path: _write_consolidated(path),
        left="debate_insights meta_learning_state",
    ),
    "continuum.db": _file(
        _CONTINUUM, lambda path: write_continuum(path, 1), left="meta_learning_state"
    ),
    "db/consensus_memory.db": _file(
        "consensus dissent", lambda path: write_consensus(path, shape="fallback", tables={})
    ),
    # Ranking.
    "agent_elo.db": _file(_RATING, lambda path: write_elo(path, "v2", {})),
    f"{D}analytics.db": _file(
        f"{_RATING} {_ALL_INSIGHTS}",
        lambda path: write_elo(path, "consolidated", {}, ("analytics",)),
        _write_insights,
    ),
    # Work.
    f"{D}job_queue.db": _file("job_queue", lambda path: write_jobs(path, [])),
    f"{D}finding_workflows.db": _file("finding_workflows", lambda path: write_findings(path, {})),
    f"{D}integrations.db": _file(
        "integrations user_id_mappings", lambda path: write_integrations(path, {})
    ),
    ".checkpoints/checkpoints.db": _file("checkpoints", lambda path: write_checkpoints(path, {})),
    ".checkpoints": _file(
        "workflow_checkpoint_files debate_checkpoint_files", _write_checkpoint_files
    ),
    "workflows.db": _file(
        "workflows workflow_versions workflow_templates workflow_executions",
        lambda path: write_workflows(path, {}),
    ),
    # Users, and who did what.
    f"{D}users.db": _file(
        f"{_USER_TABLES} audit_log",
        lambda path: write_users(path, {}),
        lambda path: write_audit_log(path, [], is_users=True),
    ),
    "organizations.db": _file(
        "org_invitations", lambda path: write_users(path, {}, ["org_invitations"])
    ),
    "password_reset.db": _file(
        "password_reset_tokens", lambda path: write_users(path, {}, ["password_reset_tokens"])
    ),
    f"{D}audit.db": _file("audit_log", lambda path: write_audit_log(path, [], is_users=False)),
    "audit.db": _file(
        "audit_events", lambda path: write_audit_events(path, linked_events([{}] * _CHAIN))
    ),
    "audit_logs": _file(
        "gathered_audit_chains gathered_audit_entries gathered_audit_anchors", _write_immutable
    ),
    "token_blacklist.db": _file("token_blacklist", lambda path: write_token_blacklist(path, [])),
    "aragora_impersonation.db": _file(
        "impersonation_sessions impersonation_audit", lambda path: write_impersonation(path, [], [])
    ),
    # Governance.
    "aragora_governance.db": _file(
        "governance_approvals governance_verifications governance_decisions",
        lambda path: write_governance(path, [], [], []),
    ),
    f"{D}approval_requests.db": _file(
        "approval_requests", lambda path: write_requests(path, {}, 0.0)
    ),
    ".rollback": _file("rollback_point_files", _write_rollback),
    f"{D}compliance/policy_store.db": _file(
        "policies violations policy_audit", lambda path: write_policy_store(path, {})
    ),
    # What goes out and comes in.
    f"{D}webhook_configs.db": _file(
        "webhook_configs", lambda path: write_webhook_configs(path, [])
    ),
    "webhook_registry.db": _file(
        "webhook_registrations", lambda path: write_webhook_registry(path, [])
    ),
    "webhook_delivery.db": _file(
        "webhook_deliveries", lambda path: write_webhook_deliveries(path, [])
    ),
    "webhook_events.db": _file("webhook_events", lambda path: write_webhook_events(path, [])),
    f"{D}gmail_tokens.db": _file(
        "gmail_tokens gmail_sync_jobs", lambda path: write_gmail(path, {})
    ),
    f"{D}unified_inbox.db": _file(
        "unified_inbox_accounts unified_inbox_messages unified_inbox_triage_results",
        lambda path: write_inbox(path, {}),
    ),
    "notification_config.db": _file(
        "email_configs telegram_configs email_recipients",
        lambda path: write_notification_config(path, {}),
    ),
    "channel_subscriptions.db": _file(
        "channel_subscriptions", lambda path: write_channels(path, [])
    ),
    f"{D}marketplace.db": _file(
        "templates reviews ratings categories", lambda path: write_store(path)
    ),
    "marketplace.db": _file("templates ratings", lambda path: write_registry(path)),
    f"{D}federation_registry.db": _file(
        "federated_regions", lambda path: write_regions(path, [], 0.0)
    ),
    # Debates, and what came of them.
    f"{D}debates.db": _file("debates", lambda path: write_debate_archive(path, [])),
    f"{D}aragora_debates.db": _file("debates", lambda path: write_debate_archive(path, [])),
    "aragora_debates.db": _file("debates", lambda path: write_debate_archive(path, [])),
    "core.db": _file("debates", lambda path: write_debate_archive(path, [], is_consolidated=True)),
    "debate_origins.db": _origins("debate_origins"),
    "routing_origins.db": _origins("routing_origins"),
    "email_reply_origins.db": _origins("email_reply_origins"),
    "decision_results.db": _file("decision_results", lambda path: write_decision_results(path, [])),
    f"{D}gauntlet_runs.db": _file("gauntlet_runs", lambda path: write_gauntlet_runs(path, {}, 0.0)),
    "aragora_gauntlet.db": _file(
        "gauntlet_results gauntlet_inflight", lambda path: write_gauntlet_results(path, [], [])
    ),
    "receipts.db": _file("receipts", lambda path: write_receipts(path, [])),
    "receipt_deletions.db": _file("receipt_deletions", lambda path: write_deletions(path, [])),
    "audit_trails.db": _file(
        "decision_receipts", lambda path: write_audit_trails(path, []), left="audit_trails"
    ),
    "share_links.db": _file("share_links", lambda path: write_share_links(path, [])),
    f"{D}share_links.db": _file("share_links", lambda path: write_share_links(path, [])),
    "receipt_shares.db": _file("receipt_shares", lambda path: write_receipt_shares(path, [])),
    f"{D}aragora_insights.db": _file(_ALL_INSIGHTS, _write_insights),
    # Knowledge.
    "knowledge/mound.db": _file(_MOUND, _write_mound),
    f"{D}knowledge/mound.db": _file(_MOUND, _write_mound),
    "knowledge/mound_semantic.db": _file("semantic_index", lambda path: create(path, _SEMANTIC)),
    "km_audit.db": _left("audit_entries", _KNOWLEDGE_LOG),
    "knowledge.db": _file("facts fact_relations", lambda path: write_facts(path, [], [])),
    # What agents and connectors did.
    f"{D}scheduled_debates.db": _file(
        "scheduled_debates", lambda path: write_scheduled_debates(path, [])
    ),
    "scheduled_debates.db": _file(
        "scheduled_debates", lambda path: write_scheduled_debates(path, [])
    ),
    "aragora_computer_use.db": _file(
        "computer_use_tasks computer_use_policies", lambda path: write_computer_use(path, [], [])
    ),
    "connectors.db": _file("connectors sync_jobs", lambda path: write_connectors(path, [], [])),
    "cycles.db": _file("cycles", lambda path: write_cycles(path, [])),
    "inbox_activities.db": _file("inbox_activities", lambda path: write_inbox_activities(path, [])),
    # What no store takes.
    "explainability_batch_jobs.db": _left("explainability_batch_jobs", _BATCHES),
    f"{D}control_plane/policies.db": _left(
        "control_plane_policies control_plane_violations", _CONTROL_PLANE
    ),
    f"{D}expenses.db": _left("expenses", _EXPENSES),
    f"{D}invoices.db": _left("invoices", _INVOICES),
    f"{D}ar_invoices.db": _left("ar_invoices ar_customers", _RECEIVABLES),
    f"{D}email_credentials.db": _left("email_credentials", _CREDENTIALS),
}

# What the older program gave, and a mapping does not say: by table, with the number of the row.
_GIVEN: dict[str, Callable[[int], Row]] = {
    "decision_receipts": lambda n: {"gauntlet_id": f"gauntlet-{n}"},
    "email_reply_origins": lambda n: {"metadata_json": "{}"},
    # A pair was kept in this order alone.
    "agent_relationships": lambda n: {"agent_a": f"a-{n}", "agent_b": f"b-{n}"},
    "impersonation_sessions": lambda n: {"ended_at": "2026-02-12T17:00:00+00:00"},
    "integrations": lambda n: {"errors_24h": n % 3},
    "job_queue": lambda n: {"status": ("pending", "completed", "failed")[n % 3], "max_attempts": 3},
    "receipts": lambda n: {"gauntlet_id": f"gauntlet-{n}"},
    "routing_origins": lambda n: {"expires_at": 1770900000.5},
    "semantic_index": lambda n: {
        "embedding": struct.pack("<3f", 1.0, n, 0.5),
        "embedding_dim": 3,
    },
    "token_blacklist": lambda n: {"jti": f"{n:032x}"},
    "users": lambda n: {"api_key": None, "api_key_hash": f"{n:064x}"},
    "webhook_deliveries": lambda n: {"max_attempts": 5},
}


def _write_consolidated(path: Path) -> None:
    write_consensus(path, shape="consolidated", tables={"consensus": [], "dissent": []})
    write_critique(path, shape="consolidated", tables={})
    write_continuum(path, 2)
    create(path, INSIGHTS)


def read_groups(dsn: str) -> list[Group]:
    """Return what the mappings read; the DSN is of a server on which schemas are looked at."""
    with Engines(read_tree(), dsn) as engines:
        return older_groups(read_facts(engines, ()))


def write_installation(
    parent: Path, groups: Sequence[Group], rows: int = 8, names: Collection[str] = FILES
) -> Path:
    """Write the data directory, with so many rows in each table, and return it.

    ``names`` are those of the files that are written.
    """
    folder = parent / NAME
    filler = _Filler(groups, rows)
    for name in names:
        file, path = FILES[name], folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        file.make(path)
        if path.is_file():
            filler.fill(path, file)
    return folder


def count_rows(folder: Path) -> int:
    """Return how many rows the tables that stores take have in all files."""
    total = 0
    for name, file in FILES.items():
        if (folder / name).is_file():
            with closing(sqlite3.connect(folder / name)) as connection:
                for table in file.tables:
                    [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}")
                    total += rows
    return total


def shapes_of(folder: Path) -> Iterator[Shape]:
    """Yield the older tables of all files with their columns; of folders the names alone."""
    for name, file in FILES.items():
        path = folder / name
        if path.is_file():
            with closing(sqlite3.connect(path)) as connection:
                for table in file.tables:
                    yield table, frozenset(_columns(connection, table))
        else:
            yield from ((table, frozenset()) for table in file.tables)


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, tuple[str, bool]]:
    """Return the type of each column, and whether it has to be given."""
    found = connection.execute(f"PRAGMA table_info({table})")
    return {
        name: (kind, bool(not_null and default is None))
        for _, name, kind, not_null, default, _ in found
    }


class _Filler:
    """Puts rows into the tables of files."""

    def __init__(self, groups: Sequence[Group], rows: int) -> None:
        self._groups = groups
        self._rows = rows
        self._tables = {one.table.name: one.table for group in groups for one in group.sources}
        self._makers: dict[str, list[tuple[Group, tuple[int, RowMaker]]]] = {}

    def fill(self, path: Path, file: OlderFile) -> None:
        with closing(connect(path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            found = connection.execute(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
                "AND name NOT LIKE 'sqlite%' AND name <> '_schema_versions'"
            )
            names = {name for (name,) in found}
            assert names == file.tables | file.left, path
            connection.execute("BEGIN")
            for table in sorted(file.left):
                columns = _columns(connection, table)
                for n in range(_LEFT_ROWS):
                    row = {
                        name: f"{name} {n}" if kind == "TEXT" else n
                        for name, (kind, _) in columns.items()
                    }
                    insert(connection, table, [row])
            for table in sorted(file.tables):
                self._fill(connection, table)
            connection.execute("COMMIT")

    def _fill(self, connection: sqlite3.Connection, table: str) -> None:
        columns = _columns(connection, table)
        for group in self._groups:
            if group.table == table and group.sources[0].mapped.fits(frozenset(columns)):
                for row in self._made(group, columns):
                    names = ", ".join(f'"{name}"' for name in row)
                    marks = ", ".join("?" * len(row))
                    connection.execute(
                        f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})',
                        [*row.values()],
                    )
                return

    def _made(self, group: Group, columns: dict[str, tuple[str, bool]]) -> Iterator[dict[str, Any]]:
        makers = self._makers.setdefault(group.sources[0].table.name, [])
        shape = len(makers)
        own = shape * _APART, RowMaker(group, shape * _APART, self._tables)
        first = next((one for of, one in makers if of is group), None)
        makers.append((group, own))
        known = [name for name in (*group.required, *group.optional) if name in columns]
        for key in range(self._rows):
            offset, one = first if first is not None and key < AGAIN else own
            row = one.row(known, key, shape)
            for name, (kind, is_needed) in columns.items():
                is_mistaken = kind == "INTEGER" and isinstance(row.get(name), str)
                if row.get(name) is not None and not is_mistaken:
                    continue
                row.pop(name, None)
                if is_needed:
                    # As other rows of that key have it.
                    others = (one.row(known, key, shape + 100 * n).get(name) for n in range(1, 9))
                    value = next((value for value in others if value is not None), None)
                    unknown = f"{name} {key}" if kind == "TEXT" else 0
                    row[name] = unknown if value is None else value
            given = _GIVEN[group.table](offset + key) if group.table in _GIVEN else {}
            row |= {name: value for name, value in given.items() if name in columns}
            yield row

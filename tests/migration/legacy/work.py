"""A data directory with the older program's jobs, findings, integrations and checkpoints.

Times are seconds since 1970 in the tables, and ISO-8601 text in the documents: with an offset, with
``Z``, and without a zone, which was UTC.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.migration.legacy.values import Row, Sql, Tables, create, fill

TIMESTAMP = datetime(2026, 2, 12, 12, 40, 0, 123456, UTC)
SECONDS = 1770900000.123456

# The key of the envelope below, which another implementation of its format made of SECRET.
KEY = bytes(range(32))
SECRET = "xoxb-example"  # noqa: S105
ENVELOPE = "AQZtYXN0ZXIAAAABDAABAgMEBQYHCAkKCz9trnnogLp64DH77mR0IsQPU+zLOCMzHQxWbak="
CLEAR_SECRET = "kept-in-the-clear"  # noqa: S105

_JOBS = """
    CREATE TABLE job_queue (
        id TEXT PRIMARY KEY, job_type TEXT NOT NULL, payload_json TEXT,
        status TEXT NOT NULL DEFAULT 'pending', priority INTEGER DEFAULT 0,
        created_at REAL NOT NULL, updated_at REAL NOT NULL, started_at REAL, completed_at REAL,
        attempts INTEGER DEFAULT 0, max_attempts INTEGER DEFAULT 3, worker_id TEXT, error TEXT,
        result_json TEXT, user_id TEXT, workspace_id TEXT
    );
"""
_FINDINGS = """
    CREATE TABLE finding_workflows (
        finding_id TEXT PRIMARY KEY, current_state TEXT NOT NULL DEFAULT 'open', assigned_to TEXT,
        assigned_by TEXT, assigned_at TEXT, priority INTEGER DEFAULT 3, due_date TEXT,
        parent_finding_id TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        data_json TEXT NOT NULL
    );
"""
_INTEGRATIONS = """
    CREATE TABLE integrations (
        integration_type TEXT NOT NULL, user_id TEXT NOT NULL DEFAULT 'default',
        enabled INTEGER NOT NULL DEFAULT 1, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        notify_on_consensus INTEGER DEFAULT 1, notify_on_debate_end INTEGER DEFAULT 1,
        notify_on_error INTEGER DEFAULT 0, notify_on_leaderboard INTEGER DEFAULT 0,
        settings_json TEXT, messages_sent INTEGER DEFAULT 0, errors_24h INTEGER DEFAULT 0,
        last_activity REAL, last_error TEXT, workspace_id TEXT,
        PRIMARY KEY (user_id, integration_type)
    );
    CREATE TABLE user_id_mappings (
        email TEXT NOT NULL, platform TEXT NOT NULL, platform_user_id TEXT NOT NULL,
        display_name TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        user_id TEXT NOT NULL DEFAULT 'default', PRIMARY KEY (user_id, platform, email)
    );
"""
_CHECKPOINTS = """
    CREATE TABLE checkpoints (
        checkpoint_id TEXT PRIMARY KEY, debate_id TEXT NOT NULL, task TEXT NOT NULL,
        current_round INTEGER NOT NULL, total_rounds INTEGER NOT NULL, phase TEXT NOT NULL,
        status TEXT NOT NULL, data BLOB NOT NULL, checksum TEXT NOT NULL, created_at TEXT NOT NULL,
        expires_at TEXT, compressed INTEGER DEFAULT 1
    );
"""
_FINISHED = {"completed", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class WorkDir:
    """Where the files are, and the rows and documents in them."""

    folder: Path
    jobs: list[Row]
    findings: dict[str, Row]
    workflows: list[Row]
    debates: dict[str, Row]


def write_work_dir(folder: Path) -> WorkDir:
    """Write the data directory ``folder``, and ``.checkpoints`` beside it.

    Jobs are in the nested directory that a relative path led to, in WAL mode.
    """
    jobs = make_jobs()
    findings = make_findings()
    workflows = make_workflows()
    debates = {name: _debate(name) for name in ("cp-file", "cp-gzip", "cp-plain")}

    write_jobs(folder / folder.name / "job_queue.db", jobs)
    write_findings(folder / "finding_workflows.db", findings)
    write_integrations(folder / "integrations.db", _integrations())

    files = folder.parent / ".checkpoints"
    files.mkdir()
    for document in workflows:
        path = files / f"{document['checkpoint_id']}.json"
        path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    (files / "cp-file.json.gz").write_bytes(_compressed(debates["cp-file"]))
    (files / "broken.json").write_text('{"workflow_id": ', encoding="utf-8")
    (files / "other.json").write_text('{"a": 1}', encoding="utf-8")
    stored = [
        _debate_row(debates["cp-gzip"], compressed=True),
        _debate_row(debates["cp-plain"], compressed=False),
    ]
    _write(folder / ".checkpoints" / "checkpoints.db", _CHECKPOINTS, {"checkpoints": stored})
    return WorkDir(folder, jobs, findings, workflows, debates)


def write_jobs(path: Path, rows: list[Row]) -> Path:
    """Write a file of jobs, and return its path."""
    _write(path, _JOBS, {"job_queue": rows})
    return path


def write_checkpoints(path: Path, data: Mapping[str, bytes | Sql]) -> Path:
    """Write a file of debates' checkpoints whose documents are these, and return its path.

    Those that are gzip streams are marked as such.
    """
    rows = [
        debate_columns(name)
        | {
            "data": document,
            "compressed": int(isinstance(document, bytes) and document[:2] == b"\x1f\x8b"),
        }
        for name, document in data.items()
    ]
    _write(path, _CHECKPOINTS, {"checkpoints": rows})
    return path


def write_findings(path: Path, documents: Mapping[str, Row]) -> Path:
    """Write a file of finding workflows, one row for each document, and return its path."""
    rows = [_finding_row(document) for document in documents.values()]
    _write(path, _FINDINGS, {"finding_workflows": rows})
    return path


def write_integrations(path: Path, tables: Tables) -> None:
    """Write a file of integrations and of addresses."""
    _write(path, _INTEGRATIONS, tables)


def make_jobs() -> list[Row]:
    """Return a job in each status, ``j-<status>``, and three that no queue can hold."""
    statuses = ("pending", "processing", "completed", "failed", "cancelled", "retrying", "weird")
    return [
        job(
            f"j-{status}",
            payload_json=json.dumps({"n": number, "f": 1e17}),
            status=status,
            priority=number,
            created_at=SECONDS + number,
            updated_at=SECONDS + number + 1,
            started_at=None if status == "pending" else SECONDS,
            completed_at=SECONDS + 5 if status in _FINISHED else None,
            attempts=number % 3,
            max_attempts=0 if status == "completed" else 3,
            worker_id="w1" if status == "processing" else None,
            result_json=json.dumps({"ok": True}) if status == "completed" else None,
        )
        for number, status in enumerate(statuses)
    ] + [job("j-nan", payload_json='{"a": NaN}'), job("j-zero", created_at=0.0)]


def job(job_id: str, **values: object) -> Row:
    """Return a row of the queue."""
    common = {"payload_json": "{}", "created_at": SECONDS, "updated_at": SECONDS}
    return {"id": job_id, "job_type": "gauntlet", "workspace_id": "ws"} | common | values


def make_findings() -> dict[str, Row]:
    """Return documents: a full one, one in an unknown state, one with a priority out of range."""
    change = {
        "id": "e1",
        "finding_id": "f1",
        "event_type": "state_change",
        "timestamp": "2026-01-02T03:04:05+00:00",
        "user_id": "u",
        "user_name": "U",
        "from_state": "open",
        "to_state": "triaging",
        "field_name": None,
        "old_value": None,
        "new_value": None,
        "comment": "",
    }
    bulk = {
        "id": "e2",
        "event_type": "bulk_assign",
        "timestamp": "2026-01-03T03:04:05",
        "user_id": "u",
        "comment": "x",
    }
    full = {
        "finding_id": "f1",
        "current_state": "triaging",
        "history": [change, bulk],
        "assigned_to": "bob",
        "assigned_by": "al",
        "assigned_at": "2026-01-03T03:04:05+02:00",
        "due_date": "2026-02-01T00:00:00Z",
        "priority": 2,
        "linked_findings": ["f3", "f2"],
        "parent_finding_id": None,
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-01-03T03:04:05",
        "custom": {"a": 1},
    }
    unknown = {"finding_id": "f2", "current_state": "mystery", "history": [], "priority": 3}
    urgent = {"finding_id": "f3", "current_state": "open", "history": [], "priority": 9}
    return {"f1": full, "f2": unknown, "f3": urgent}


def _finding_row(document: Row) -> Row:
    names = ("finding_id", "current_state", "assigned_to", "assigned_by", "assigned_at")
    columns = {name: document.get(name) for name in (*names, "priority", "due_date")}
    times = {"created_at": SECONDS, "updated_at": SECONDS}
    return columns | times | {"data_json": json.dumps(document)}


def _integrations() -> Tables:
    times = {"created_at": SECONDS, "updated_at": SECONDS}
    sealed = {"bot_token": {"_encrypted": True, "_value": ENVELOPE}, "channel": "#x"}
    slack = {
        "integration_type": "slack",
        "user_id": "u1",
        "settings_json": json.dumps(sealed),
        "messages_sent": 5,
        "errors_24h": 2,
        "last_activity": SECONDS,
        "workspace_id": "ws",
    }
    email = {
        "integration_type": "email",
        "user_id": "u1",
        "settings_json": json.dumps({"smtp_password": CLEAR_SECRET}),
    }
    older = {"email": "A@x.org", "platform": "slack", "platform_user_id": "U1"}
    newer = {"email": "a@x.org", "platform": "slack", "platform_user_id": "U2"}
    return {
        "integrations": [slack | times, email | times],
        "user_id_mappings": [older | times, newer | times | {"updated_at": SECONDS + 1}],
    }


def make_workflows() -> list[Row]:
    """Return the documents of three checkpoints, whose files are named after ``checkpoint_id``."""
    return [
        {
            "id": f"cp_{number:012x}",
            "workflow_id": f"w{number}",
            "definition_id": "d",
            "current_step": "s",
            "completed_steps": ["a"],
            "step_outputs": {"a": 1e17},
            "context_state": {"x": [1, 2.5]},
            "created_at": "2026-01-02T03:04:05+00:00",
            "checksum": "ab",
            "checkpoint_id": f"w{number}_20260102_030405",
        }
        for number in range(3)
    ]


def debate_columns(checkpoint_id: str) -> Row:
    """Return what a row of a debate's checkpoint holds besides its document."""
    document = _debate(checkpoint_id)
    return {name: value for name, value in document.items() if name != "messages"}


def _debate(checkpoint_id: str) -> Row:
    return {
        "checkpoint_id": checkpoint_id,
        "debate_id": "12345678-x",
        "task": "t" * 600,
        "current_round": 1,
        "total_rounds": 3,
        "phase": "critique",
        "messages": [{"role": checkpoint_id}],
        "status": "complete",
        "created_at": "2026-01-02T03:04:05.5",
        "expires_at": "2026-01-05T03:04:05.5",
        "checksum": "zz",
    }


def _debate_row(document: Row, *, compressed: bool) -> Row:
    """Return a row of the table, whose task was cut at 500 characters."""
    plain = debate_columns(document["checkpoint_id"])
    data = _compressed(document) if compressed else json.dumps(document).encode()
    return plain | {"task": document["task"][:500], "data": data, "compressed": int(compressed)}


def _compressed(document: Row) -> bytes:
    return gzip.compress(json.dumps(document).encode(), mtime=0)


def _write(path: Path, ddl: str, tables: Tables) -> None:
    create(path, ddl)
    fill(path, tables)

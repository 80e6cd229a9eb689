"""SQLite: the file, the folder that it is in, and what is inside."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.database import Connection
from aragora_sql.database.sqlite_files import wal_of
from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.doctor.target import Limits, answered
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.rights import version_queries

if TYPE_CHECKING:
    from aragora_sql.queries.typed.doctor import DoctorQueries

__all__ = [
    "check_file_rights",
    "check_file_system",
    "check_free_space",
    "check_integrity",
    "check_journal_mode",
    "check_pages",
    "file_system_of",
]

MOUNTS = Path("/proc/self/mountinfo")
_MAGIC = b"SQLite format 3\x00"
# Where several machines may see one file, and the memory of WAL mode is not shared.
_NETWORK = frozenset(
    {
        *("afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph-fuse", "fuse.davfs"),
        *("fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs"),
        *("lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb2", "smb3", "smbfs"),
    }
)
# Folders of the host that a virtual machine or a container sees.
_OF_THE_HOST = frozenset(
    {"9p", "drvfs", "fuse.grpcfuse", "fuse.osxfs", "prl_fs", "vboxsf", "virtiofs"}
)
_IN_MEMORY = frozenset({"ramfs", "tmpfs"})
_ESCAPED = re.compile(r"\\(\d{3})")


def check_journal_mode(path: Path, limits: Limits) -> list[Finding]:
    """Read from the header which journal a file has, and how long its log has grown."""
    with path.open("rb") as file:
        header = file.read(100)
    if header and not header.startswith(_MAGIC):
        return [error("journal-mode", f"{path} is not a SQLite database", "name another file")]
    if len(header) < 20:
        return [ok("journal-mode", "the file is empty: it gets WAL mode when it is first used")]
    if header[18] != 2:
        return [
            warning(
                "journal-mode",
                "the file has a rollback journal: who writes stops all who read",
                "start the application once, which switches to WAL; or PRAGMA journal_mode = WAL",
            )
        ]
    log = wal_of(path)
    size = log.stat().st_size if log.exists() else 0
    if size >= limits.log_bytes:
        return [
            warning(
                "journal-mode",
                f"WAL, and the log {log.name} has {_megabytes(size)}: a reader that never ends "
                "keeps it from being written back",
                "find the process that reads for long; PRAGMA wal_checkpoint(TRUNCATE)",
            )
        ]
    return [ok("journal-mode", "WAL")]


def file_system_of(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the kind of the file system that a path is on; None where it can't be known.

    ``mounts`` is a list in the form of Linux's ``/proc/self/mountinfo``.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    real = path.resolve()
    best: tuple[int, str] | None = None
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or not kind:
            continue
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        # The last of two at one place hides the first.
        if real.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), kind[0]
    return None if best is None else best[1]


def check_file_system(path: Path, mounts: Path = MOUNTS) -> list[Finding]:
    """Refuse folders of the network, on which WAL mode damages files."""
    kind = file_system_of(path.parent, mounts)
    if kind is None:
        return [ok("file-system", f"not known on {sys.platform}: it must not be of the network")]
    if kind in _NETWORK:
        return [
            error(
                "file-system",
                f"{path.parent} is of the network ({kind}): WAL mode needs memory that all "
                "processes share, and two machines damage the file",
                "put it on a local disk (ARAGORA_DATA_DIR), or use PostgreSQL",
            )
        ]
    if kind in _OF_THE_HOST:
        return [
            warning(
                "file-system",
                f"{path.parent} is a folder of the host ({kind}): processes of guest and host "
                "together damage the file",
                "put it on a volume of the guest's own, or open it on one side only",
            )
        ]
    if kind in _IN_MEMORY:
        return [
            warning(
                "file-system",
                f"{path.parent} is in memory ({kind}): what is there ends with the machine",
                "put it on a disk (ARAGORA_DATA_DIR)",
            )
        ]
    return [ok("file-system", kind)]


def check_file_rights(path: Path) -> list[Finding]:
    """Say whether the file and its folder can be written, and by whom else."""
    for one, what in ((path, "the file"), (path.parent, "its folder, where the log is made")):
        if not os.access(one, os.W_OK):
            return [
                error(
                    "file-rights",
                    f"this user may not write {what}: {one}",
                    "run the application as the owner, or chown it",
                )
            ]
    mode = path.stat().st_mode & 0o777
    if mode & 0o002:
        return [
            error(
                "file-rights",
                f"everybody on this machine may write {path} (mode {mode:o})",
                f"chmod o-w {path}",
            )
        ]
    told = ", and everybody on this machine may read it" if mode & 0o004 else ""
    return [ok("file-rights", f"mode {mode:o}, can be written{told}")]


def check_free_space(path: Path, limits: Limits) -> list[Finding]:
    """Say whether there is room for the file to grow, and for a copy of it."""
    free = shutil.disk_usage(path.parent).free
    size = sum(one.stat().st_size for one in (path, wal_of(path)) if one.exists())
    seen = f"{_megabytes(free)} free, the database has {_megabytes(size)}"
    if free < limits.free_bytes_error:
        return [error("free-space", seen, "make room: writes fail when the disk is full")]
    if free < max(limits.free_bytes_warning, size):
        return [warning("free-space", seen, "make room: a backup needs as much as the database")]
    return [ok("free-space", seen)]


async def check_pages(
    connection: Connection, queries: DoctorQueries, limits: Limits
) -> list[Finding]:
    """Say how much of the file is free pages."""
    pages = answered(await queries.get_pages(connection))
    free = pages["free_count"] * pages["page_size"]
    total = pages["page_count"] * pages["page_size"]
    seen = f"{_megabytes(free)} of {_megabytes(total)} are free pages"
    if free >= limits.free_pages_bytes and free >= limits.dead_share * total:
        return [
            warning("table-bloat", seen, "VACUUM gives them back, while the application is stopped")
        ]
    return [ok("table-bloat", seen)]


async def check_integrity(
    connection: Connection, queries: DoctorQueries, *, whole: bool
) -> list[Finding]:
    """Read the whole file when asked to, and look for rows that refer to nothing."""
    if not whole:
        return [ok("integrity", "not looked at: --integrity reads the whole file")]
    problems = [row["problem"] async for row in queries.list_damage(connection, most=10)]
    if problems != ["ok"]:
        return [
            error(
                "integrity",
                "; ".join(problems[:3]),
                "stop the application, keep the file, and restore a backup (aragora-sql restore); "
                "sqlite3 FILE .recover saves what can be read",
            )
        ]
    lost = await version_queries("sqlite", sql_dir()).count_broken_references(connection)
    if lost:
        return [
            error(
                "integrity",
                f"rows that refer to rows that are not there: {lost}",
                "PRAGMA foreign_key_check names them; a program without foreign_keys = ON wrote",
            )
        ]
    return [ok("integrity", "the whole file was read, and nothing is damaged")]


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"

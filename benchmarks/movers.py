"""The programs that move a file of the older Aragora to PostgreSQL, and how one is run."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.plain_mapping import MAPPINGS

__all__ = [
    "CSV_PIPE",
    "LOOP",
    "MOVERS",
    "OURS",
    "OURS_TWO",
    "OURS_VERIFIED",
    "PGLOADER",
    "Files",
    "Mover",
    "Taken",
    "mover_of",
]

OURS = "aragora-sql migrate"
OURS_TWO = f"{OURS} --jobs 2"
OURS_VERIFIED = f"{OURS_TWO} --verify"
LOOP = "executemany by 1,000"
PGLOADER = "pgloader"
CSV_PIPE = "CSV pipe"

# Seconds after which a mover counts as stuck.
_TIME_LIMIT = 1800.0
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Files:
    """What a mover may read: the older file, the same with the mapping done, a folder to write."""

    source: Path
    prepared: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class Taken:
    """What a mover took; ``failure`` is empty when it ended well.

    ``client`` and ``server`` are seconds of processor time; None where there is no such clock.
    """

    seconds: float
    peak_megabytes: float
    failure: str
    client: float = 0.0
    server: float | None = None


@dataclass(frozen=True, slots=True)
class Mover:
    """A program. ``command`` makes its command line of the files and the target's DSN.

    The DSN is also in the variable ``ARAGORA_POSTGRES_DSN``. ``programs`` have to be installed.
    It ended well with an exit code of ``ends``. ``environment`` is added to that of this process.
    """

    name: str
    command: Callable[[Files, str], Sequence[str]]
    programs: tuple[str, ...] = ()
    ends: tuple[int, ...] = (0,)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """The programs that it needs and that are not here."""
        return [name for name in self.programs if shutil.which(name) is None]

    async def run(self, files: Files, dsn: str) -> Taken:
        """Run it in a process of its own, and take its time and memory."""
        result, log = files.scratch / "result.json", files.scratch / "log.txt"
        result.unlink(missing_ok=True)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", str(_HERE / "child.py"), str(result)),
                *self.command(files, dsn),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=_HERE.parent,
                env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
                | {"ARAGORA_POSTGRES_DSN": dsn, "PGCLIENTENCODING": "UTF8"}
                | dict(self.environment),
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                await process.wait()
        except TimeoutError:
            return Taken(_TIME_LIMIT, 0.0, f"stopped after {_TIME_LIMIT:g} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        text = log.read_text(errors="replace").strip()
        if not result.exists():
            return Taken(0.0, 0.0, f"it did not start: {_last_line(text)}")
        figures = json.loads(result.read_text())
        failure = ""
        if "heap exhausted" in text.lower():
            failure = "heap exhausted"
        elif figures["status"] not in self.ends:
            failure = f"exit code {figures['status']}: {_last_line(text)}"
        return Taken(
            figures["seconds"], figures["peak"] / 1e6, failure, client=figures["processor"]
        )


def _last_line(text: str) -> str:
    return text.splitlines()[-1].strip() if text else "it printed nothing"


def _ours(*options: str) -> Callable[[Files, str], Sequence[str]]:
    def command(files: Files, dsn: str) -> Sequence[str]:
        program = Path(sys.executable).with_name("aragora-sql")
        path = ("--sqlite-path", str(files.source), "--source-timezone", "UTC")
        return [str(program), "migrate", *path, *options]

    return command


def mover_of(name: str, tree: Path) -> Mover:
    """Return `aragora-sql migrate` of the package in a folder, run with this build's libraries."""
    start = f"import sys; sys.path.insert(0, {str(tree)!r}); from aragora_sql.cli import main"
    program = (sys.executable, "-P", "-c", f"{start}; sys.exit(main(sys.argv[1:]))")

    def command(files: Files, dsn: str) -> Sequence[str]:
        path = ("--sqlite-path", str(files.source), "--source-timezone", "UTC")
        return [*program, "migrate", *path, "--jobs", "1", "--no-verify"]

    return Mover(name, command)


def _loop(files: Files, dsn: str) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.straight_loop", str(files.source)]


def _pgloader(files: Files, dsn: str) -> Sequence[str]:
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    host, port = query["host"][0], query["port"][0]
    # It loads tables in any order, which foreign keys would not let it. The rows that it reads
    # ahead, 100,000 by default, would exhaust its heap.
    settings = ("data only", "disable triggers", "prefetch rows = 1000")
    options = [word for setting in settings for word in ("--with", setting)] + ["--root-dir"]
    target = f"pgsql://{parts.username}@unix:{host}:{port}{parts.path}"
    return ["pgloader", *options, str(files.scratch), f"sqlite://{files.prepared}", target]


def _csv_pipe(files: Files, dsn: str) -> Sequence[str]:
    lines = ["set -e -o pipefail"]
    for mapping in MAPPINGS:
        read = shlex.join(["sqlite3", "-readonly", "-csv", str(files.source), mapping.select])
        copy = f"\\copy {mapping.table} ({', '.join(mapping.names)}) FROM STDIN (FORMAT csv)"
        lines.append(f"{read} | {shlex.join(['psql', '-qX', '-v', 'ON_ERROR_STOP=1', dsn])} -c ")
        lines[-1] += shlex.quote(copy)
    return ["bash", "-c", "\n".join(lines)]


MOVERS = (
    Mover(OURS, _ours("--jobs", "1", "--no-verify")),
    Mover(OURS_TWO, _ours("--jobs", "2", "--no-verify")),
    Mover(OURS_VERIFIED, _ours("--jobs", "2", "--verify")),
    Mover(LOOP, _loop),
    Mover(PGLOADER, _pgloader, ("pgloader",)),
    Mover(CSV_PIPE, _csv_pipe, ("bash", "sqlite3", "psql")),
)

"""A standby of an embedded server: for tests, benchmarks and trying out replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from aragora_sql.embedded.binaries import find_binaries
from aragora_sql.embedded.folders import PORT, OwnedFolder
from aragora_sql.embedded.programs import run, server_account
from aragora_sql.embedded.server import EmbeddedServer
from aragora_sql.errors import DatabaseUnavailableError

__all__ = ["standby_of"]


@contextmanager
def standby_of(
    primary: EmbeddedServer, settings: Mapping[str, str] | None = None
) -> Iterator[EmbeddedServer]:
    """Start a standby that follows a running server, with ``settings`` of its own.

    Raises :class:`DatabaseUnavailableError` when the primary can't be copied.
    """
    binaries = next(found for found in find_binaries() if found.version == primary.version)
    account = server_account()
    folder = OwnedFolder(account, in_memory=False)
    try:
        (host,) = parse_qs(urlsplit(primary.dsn()).query)["host"]
        command = [str(binaries.bin_dir / "pg_basebackup"), "-R", "-X", "stream", "-c", "fast"]
        command += ["-h", host, "-p", str(PORT), "-U", "postgres", "-D", str(folder.path / "copy")]
        done = run(command, folder.path, account)
        if done.returncode:
            raise DatabaseUnavailableError(f"the primary can't be copied: {done.stdout}")
        with EmbeddedServer(binaries, data_dir=folder.path / "copy", settings=settings) as standby:
            yield standby
    finally:
        folder.remove()

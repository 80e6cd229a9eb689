"""Edits by hand, and what has to be said of each: where, by which rule, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.checker.check import Checked
from aragora_sql.engines.findings import Finding

__all__ = ["Change", "Edit", "Expected", "both", "recode", "remove", "swap", "unseen", "write"]

Change = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Expected:
    """A finding: its rule, its file, the first line there that holds ``at``, and some words of it.

    An empty ``at`` is the first line of the file; with ``within`` the line is behind that text.
    """

    rule: str
    file: str
    at: str
    said: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that a hurried administrator makes, and the findings that tell of it.

    ``files`` limits the check to the stores of some files; none stands for the whole tree.
    """

    kind: str
    name: str
    changes: tuple[Change, ...]
    expected: tuple[Expected, ...]
    files: tuple[str, ...] = ()

    def make(self, root: Path) -> None:
        """Make the edit in a tree."""
        for change in self.changes:
            change(root)


def swap(file: str, old: str, new: str, *, within: str = "") -> Change:
    """Replace a text where it stands first in a file, behind ``within``, a text that is there."""

    def change(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        start = text.index(within)
        place = text.find(old, start)
        assert place >= 0, f"{old!r} stands nowhere behind {within!r} in {file}"
        (root / file).write_text(
            f"{text[:place]}{new}{text[place + len(old) :]}", encoding="utf-8", newline=""
        )

    return change


def both(file: str, old: str, new: str, *, within: str = "") -> tuple[Change, Change]:
    """Replace a text in the files of both dialects; ``{}`` in ``file`` is the dialect."""
    postgres, sqlite = (file.format(dialect) for dialect in ("postgres", "sqlite"))
    return swap(postgres, old, new, within=within), swap(sqlite, old, new, within=within)


def write(file: str, text: str, *, at_end: bool = False) -> Change:
    """Write a new file, or more at the end of one."""

    def change(root: Path) -> None:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if at_end else ""
        path.write_text(before + text, encoding="utf-8")

    return change


def remove(file: str) -> Change:
    """Delete a file."""
    return lambda root: (root / file).unlink()


def recode(file: str, form: Callable[[bytes], bytes]) -> Change:
    """Change the bytes of a file."""

    def change(root: Path) -> None:
        path = root / file
        before = path.read_bytes()
        assert form(before) != before
        path.write_bytes(form(before))

    return change


def unseen(root: Path, edit: Edit, checked: Checked) -> list[Expected]:
    """Return what was expected and is not said at its line; all else that was said is no matter."""
    return [one for one in edit.expected if not _is_said(root, one, checked.findings)]


def _is_said(root: Path, one: Expected, findings: Sequence[Finding]) -> bool:
    path = root / one.file
    line = 1
    if one.at:
        text = path.read_bytes().decode("utf-8-sig")
        place = text.find(one.at, text.index(one.within))
        assert place >= 0, f"{one.at!r} stands nowhere in {one.file}"
        line = text.count("\n", 0, place) + 1
    return any(
        finding.level == "error"
        and (finding.rule, finding.path, finding.line) == (one.rule, path, line)
        and one.said in finding.message
        for finding in findings
    )

"""What a check found, and the forms in which it is printed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from aragora_sql.errors import QueryFileError

__all__ = ["FORMATS", "Finding", "Format", "Level", "finding_of", "render", "shown_path"]

Level = Literal["error", "warning"]
Format = Literal["text", "json", "github"]
FORMATS: tuple[Format, ...] = ("text", "json", "github")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that a rule does not allow. ``line`` and ``column`` count from 1."""

    path: Path
    line: int
    column: int
    rule: str
    message: str
    level: Level = "error"

    def __str__(self) -> str:
        return (
            f"{shown_path(self.path)}:{self.line}:{self.column}: {self.level} {self.rule}: "
            f"{self.message}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {**asdict(self), "path": shown_path(self.path)}


def finding_of(error: QueryFileError, rule: str) -> Finding:
    """Return the finding of a file that can't be read."""
    line = error.line or 1
    head = f"{error.path}:{error.line}: " if error.line is not None else f"{error.path}: "
    return Finding(error.path, line, 1, rule, str(error).removeprefix(head))


def shown_path(path: Path) -> str:
    """Return a path, relative to the working folder where it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def render(findings: Iterable[Finding], form: Format) -> str:
    """Return findings as text, as a JSON list, or as commands for GitHub's runner."""
    if form == "json":
        return json.dumps([finding.to_dict() for finding in findings], indent=2)
    if form == "github":
        return "\n".join(map(_github, findings))
    return "\n".join(map(str, findings))


def _github(finding: Finding) -> str:
    path = _escaped(shown_path(finding.path)).replace(":", "%3A").replace(",", "%2C")
    return (
        f"::{finding.level} file={path},line={finding.line},col={finding.column},"
        f"title={finding.rule}::{_escaped(finding.message)}"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

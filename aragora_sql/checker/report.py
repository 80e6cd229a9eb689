"""Gathers findings, and takes away those that a comment in the SQL files declares deliberate.

A declaration is one comment line: ``-- parity: column items.row_id because full text search needs
it``. It is written under the ``-- name:`` line of a query, or anywhere in a schema file. One that
takes nothing away is a finding itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aragora_sql.checker.rules import RULES
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import Directive

__all__ = ["Report", "Scope"]

_FORM = re.compile(r"(?P<subject>\S.*?)(?:\s+allowed)?\s+because\s+(?P<reason>\S.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a declaration holds: a query of a file, or (``query`` empty) a schema file."""

    path: Path
    query: str = ""


@dataclass(frozen=True, slots=True)
class _Declaration:
    scope: Scope
    kind: str
    subject: str
    line: int


class Report:
    """The findings of a check."""

    def __init__(self, facts: Facts) -> None:
        self._findings: list[Finding] = []
        self._declared: dict[tuple[Scope, str, str], _Declaration] = {}
        self._used: set[tuple[Scope, str, str]] = set()
        # Rules of which it is not known that a declaration about them is not needed.
        self.unsure: set[str] = set()
        for query in facts.texts.values():
            self.declare(Scope(query.path, query.name), query.directives)
        for files in facts.tree.schemas.values():
            for file in files:
                self.declare(Scope(file.path), file.directives)

    def declare(self, scope: Scope, directives: Sequence[Directive]) -> None:
        """Take up what the comments of a file or query declare deliberate."""
        for directive in directives:
            form = _FORM.fullmatch(directive.text)
            if form is None:
                message = (
                    f"'{directive.kind}: {directive.text}' gives no reason; write "
                    f"'-- {directive.kind}: … because …'"
                )
                self._findings.append(Finding(scope.path, directive.line, 1, "directive", message))
                continue
            subject = " ".join(form["subject"].split())
            declaration = _Declaration(scope, directive.kind, subject, directive.line)
            self._declared[scope, directive.kind, subject] = declaration

    def is_declared(self, kind: str, subject: str, scopes: Iterable[Scope]) -> bool:
        """Tell whether a declaration in one of ``scopes`` names something; it is needed then."""
        declared = {(scope, kind, subject) for scope in scopes} & self._declared.keys()
        self._used |= declared
        return bool(declared)

    def trust(self, kind: str, path: Path) -> None:
        """Take the declarations of a kind in a file as needed: it was proved that they are."""
        self._used |= self._of_file(kind, path)

    def needs_all(self, kind: str, path: Path) -> bool:
        """Tell whether each declaration of a kind in a file took something away so far."""
        return self._of_file(kind, path) <= self._used

    def _of_file(self, kind: str, path: Path) -> set[tuple[Scope, str, str]]:
        return {key for key in self._declared if key[1] == kind and key[0].path == path}

    @property
    def count(self) -> int:
        """How much was found so far."""
        return len(self._findings)

    @property
    def broken(self) -> set[Path]:
        """The files that can't be read."""
        return {finding.path for finding in self._findings if finding.rule == "file"}

    @property
    def refused(self) -> set[Path]:
        """The files that hold what an engine refuses."""
        return {finding.path for finding in self._findings if finding.rule == "prepare"}

    def add(
        self,
        *findings: Finding,
        kind: str = "check",
        subject: str | None = None,
        scopes: Iterable[Scope] = (),
    ) -> None:
        """Add findings about one thing, unless a declaration in one of ``scopes`` names it.

        ``subject`` is what a declaration has to say after ``-- kind:``.
        """
        if subject is None:
            self._findings.extend(findings)
            return
        if self.is_declared(kind, subject, scopes):
            return
        hint = f" [{kind}: {subject}]"
        self._findings.extend(replace(f, message=f.message + hint) for f in findings)

    def findings(self, skipped: Collection[str] = (), *, unneeded: bool = True) -> list[Finding]:
        """Return what was found, in the order of files and lines, without the ``skipped`` rules.

        ``unneeded`` adds the declarations that took nothing away, which cannot be told while files
        or queries are broken.
        """
        found = {finding for finding in self._findings if finding.rule not in skipped}
        if unneeded and "directive" not in skipped:
            found |= {
                Finding(
                    declaration.scope.path,
                    declaration.line,
                    1,
                    "directive",
                    f"'{declaration.kind}: {declaration.subject}' is not needed: there is no "
                    "such finding",
                )
                for key, declaration in self._declared.items()
                if key not in self._used
                and not _about(declaration).intersection({*skipped, *self.unsure})
            }
        return sorted(found)


def _about(declaration: _Declaration) -> set[str]:
    """Return the rules that a declaration may be about."""
    if declaration.kind == "plan":
        return {"filtered-walk"} if declaration.subject == "filtered_walk" else {"full-scan"}
    if declaration.kind == "meaning":
        return {"meaning"}
    if declaration.kind == "parity":
        return {rule for rule in RULES if rule.startswith("parity-")}
    return {declaration.subject.partition(" ")[0]}

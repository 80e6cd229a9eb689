"""Says what ``check`` makes of an edited query without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aragora_sql.checker.document_casts import check_documents
from aragora_sql.checker.kept import keeps_snapshots
from aragora_sql.checker.locks import check_lock_lines
from aragora_sql.checker.mutating.declared import Declared, declared_parts
from aragora_sql.checker.mutating.edits import Edit
from aragora_sql.checker.mutating.result import DECLARED, PLAN, REFUSED, SAME, UNNOTICED
from aragora_sql.checker.mutating.same import is_of_needless_limit, program
from aragora_sql.checker.origins import check_origins
from aragora_sql.checker.parity import check_parity
from aragora_sql.checker.parity_functions import check_functions
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts, plan_lines, read_edited
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.tree import SQLProblem
from aragora_sql.queries.files import QueryText
from aragora_sql.queries.parameters import find_parameters

__all__ = ["Judge"]


class Judge:
    """Judges the edits of one query; ``other`` is that of the other dialect."""

    def __init__(
        self, facts: Facts, engines: Engines, query: QueryFacts, other: QueryFacts
    ) -> None:
        self.declared = list(declared_parts(query.text, query.dialect))
        # Those that took an unnoticed edit out of the count.
        self.used: set[Declared] = set()
        self._facts = facts
        self._engines = engines
        self._query = query
        self._other = other
        self._own = frozenset(self._found(query))
        # Without committed plans there is nothing that a plan is compared with.
        has_plans = keeps_snapshots(facts.tree.root)
        self._plan = plan_lines(engines, query) if has_plans else None

    def refusal(self, edit: Edit) -> str | None:
        """Return why an edit is not run; None when it has to be."""
        text = self._text(edit)
        if {parameter.name for parameter in text.found} != set(text.parameters):
            # The file is not loaded then.
            return REFUSED
        engines, is_postgres = self._engines, self._query.dialect == "postgres"
        prepared = engines.postgres.prepare(text) if is_postgres else engines.sqlite.describe(text)
        return REFUSED if isinstance(prepared, SQLProblem) else None

    def verdict(self, edit: Edit) -> str:
        """Return what becomes of an edit that changes no answer."""
        text = self._text(edit)
        edited = read_edited(self._engines, self._facts.catalogs, self._query, text)
        if isinstance(edited, Finding):
            return REFUSED
        found = sorted(set(self._found(edited)) - self._own)
        if found:
            return found[0][0]
        if is_of_needless_limit(self._query, edit):
            return SAME
        dialect = self._query.dialect
        if program(self._engines, dialect, text.sql) == program(
            self._engines, dialect, self._query.sql
        ):
            return SAME
        if self.is_declared(edit):
            return DECLARED
        if self._plan is None or plan_lines(self._engines, edited) == self._plan:
            return UNNOTICED
        return PLAN

    def unneeded(self) -> Iterator[Finding]:
        """Yield what is to be said of comments that took no edit out of the count."""
        for one in self.declared:
            if one.spans and one not in self.used:
                message = (
                    f"'no answer depends on {one.part}' is not needed: every edit of it is noticed"
                )
                yield Finding(self._query.path, one.directive.line, 1, "directive", message)

    def is_declared(self, edit: Edit) -> bool:
        """Tell whether a comment says that no answer depends on what is edited."""
        used = [one for one in self.declared if one.covers(self._query.sql, edit.start, edit.end)]
        self.used.update(used)
        return bool(used)

    def _text(self, edit: Edit) -> QueryText:
        sql = edit.of(self._query.sql)
        found = tuple(find_parameters(sql, self._query.dialect))
        return replace(self._query.text, sql=sql, found=found)

    def _found(self, query: QueryFacts) -> Iterator[tuple[str, str]]:
        """Yield (rule, message) of what the rules about texts have against a query."""
        pair = (query, self._other)
        facts = replace(
            self._facts,
            queries={(one.dialect, one.store, one.name): one for one in pair},
            texts={(one.dialect, one.store, one.name): one.text for one in pair},
            problems=(),
        )
        report = Report(facts)
        for rule in (check_parity, check_documents, check_functions, check_origins):
            rule(facts, report)
        if query.dialect == "postgres":
            check_lock_lines(query, facts, report)
        for finding in report.findings(unneeded=False):
            yield finding.rule, finding.message

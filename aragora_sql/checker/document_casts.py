"""The rule ``uncast-document``: the cast is how the PostgreSQL adapter knows a document."""

from __future__ import annotations

from aragora_sql.checker.report import Report
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding

__all__ = ["check_documents"]


def check_documents(facts: Facts, report: Report) -> None:
    """Find parameters of type ``jsonb`` that are not written ``:name::jsonb``."""
    for query in facts.queries.values():
        documents = {p.name for p in query.parameters if p.type == "jsonb"}
        for parameter in query.text.found:
            if parameter.name in documents and not query.sql.startswith("::jsonb", parameter.end):
                line, column = query.text.position(parameter.start)
                message = (
                    f"query {query.name!r}: :{parameter.name} is a document; write "
                    f":{parameter.name}::jsonb, or it is not encoded"
                )
                report.add(Finding(query.path, line, column, "uncast-document", message))

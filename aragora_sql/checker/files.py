"""Rules about the files of a tree: what lies in it, whether it can be read and how it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from aragora_sql.checker.characters import check_characters
from aragora_sql.checker.report import Report
from aragora_sql.checker.rules import RULES
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.errors import QueryFileError, SchemaError
from aragora_sql.queries.files import DIALECTS, read_sql
from aragora_sql.queries.parameters import SQLSyntaxError, scan
from aragora_sql.schema import check_versions, read_upgrade
from aragora_sql.schema.records import RECORDS
from aragora_sql.schema.upgrades import upgrade_paths

__all__ = ["check_files", "dialect_of", "sql_files"]

_KNOWN = re.compile(
    r"""
      (postgres|sqlite)/schema\.sql
    | (postgres|sqlite)/\w+/(schema|queries)\.sql
    | (postgres|sqlite)/\w+/upgrades/\d{4}_\w+\.sql
    | system/(postgres|sqlite)/\w+/(schema|queries)\.sql
    | system/postgres/schema_versions/once\.sql
    | legacy/(\w+/)*\w+\.sql
    | legacy/moved/\w+\.txt
    | migration/\w+\.sql
    | migration/(\w+/)*answers\.txt
    | migration/(langgraph|to_sqlite)/(postgres|sqlite)/(schema|queries)\.sql
    | workbench/postgres/\w+/(schema|queries)\.sql
    | plans/(postgres-\d+|sqlite)/\w+\.txt
    | versions/(postgres|sqlite)/\w+/\d{4}\.sql
    | answers/\w+\.(txt|jsonl)
    | (proofs|style)\.txt
    | derived\.json\.xz
    | (.+/)?\w+\.md
    """,
    re.VERBOSE,
)


def sql_files(root: Path) -> list[Path]:
    """Return the SQL files of a tree in order, without hidden ones and copies of older versions."""
    records = root / RECORDS
    return [
        path for path in _files(root) if path.suffix == ".sql" and not path.is_relative_to(records)
    ]


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.is_file() and not hidden:
            yield path


def dialect_of(path: Path) -> Dialect:
    """Return the dialect of a file of a tree; the older files are SQLite's."""
    folders = [part for part in path.parts if part in {"legacy", "migration", *DIALECTS}]
    return "postgres" if folders[-1:] in (["postgres"], ["migration"]) else "sqlite"


def check_files(facts: Facts, report: Report) -> None:
    """Look at each file of the tree, and for stores that the unified schema leaves out."""
    root = facts.tree.root
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        if _KNOWN.fullmatch(name) is None:
            message = "nothing reads this file: stores are <dialect>/<store>/{schema,queries}.sql"
            report.add(Finding(path, 1, 1, "stray-file", message))
        elif path.suffix == ".sql":
            report.add(*_of_sql(path, seen=_seen(facts)), *_characters(path))
    _check_listed(facts, report)
    _check_versions(facts, report)


def _seen(facts: Facts) -> set[Path]:
    """Return the files that were found broken already."""
    return {problem.path for problem in facts.problems if problem.rule == "file"}


def _characters(path: Path) -> Iterator[Finding]:
    try:
        text = read_sql(path)
    except QueryFileError:
        return  # told by the rule file
    yield from check_characters(path, text, dialect_of(path))


def _of_sql(path: Path, seen: set[Path]) -> Iterator[Finding]:
    try:
        text = read_sql(path)
        for _ in scan(text, dialect_of(path)):
            pass
        if path.parent.name == "upgrades":
            read_upgrade(path, dialect_of(path))
    except QueryFileError as error:
        if path not in seen:
            yield finding_of(error, "file")
        return
    except SQLSyntaxError as error:
        if path not in seen:
            line = text.count("\n", 0, error.offset) + 1
            yield Finding(path, line, 1, "file", str(error))
        return
    if text and not text.endswith("\n"):
        line = text.count("\n") + 1
        column = len(text) - text.rfind("\n")
        yield Finding(path, line, column, "final-newline", "the last line does not end")


def _check_listed(facts: Facts, report: Report) -> None:
    root = facts.tree.root
    for dialect in DIALECTS:
        listed = {file.store for file in facts.tree.schemas[dialect]}
        broken = {problem.path.parent.name for problem in facts.problems}
        for path in sorted((root / dialect).glob("*/schema.sql")):
            store = path.parent.name
            if store not in listed and store not in broken:
                message = f"{dialect}/schema.sql has no line '\\ir {store}/schema.sql'"
                report.add(Finding(path, 1, 1, "unlisted-store", message))
                # Nothing is known of its tables, so no declaration about them is too much.
                report.unsure |= RULES.keys()


def _check_versions(facts: Facts, report: Report) -> None:
    """Compare the versions that the files record with the upgrades that there are."""
    root = facts.tree.root
    for dialect in DIALECTS:
        numbered = True
        for file in facts.tree.schemas[dialect]:
            try:
                upgrade_paths(file.store, dialect, root)
            except SchemaError as error:
                numbered = False
                name, _, said = str(error).partition(": ")
                path = Path(name) if Path(name).is_file() else file.path
                report.add(Finding(path, 1, 1, "version", said or name))
        try:
            if numbered:
                for problem in check_versions(dialect, root):
                    report.add(finding_of(problem, "version"))
        except (QueryFileError, SchemaError):
            continue  # which is said elsewhere

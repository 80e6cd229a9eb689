"""The files of a tree, and places in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.database import Dialect
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.engines.schema_files import SchemaFile, read_schema_file
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import DIALECTS, sql_dir, sql_folder
from aragora_sql.schema import VERSIONS, store_names

__all__ = ["SQLProblem", "Tree", "line_and_column", "read_tree"]


@dataclass(frozen=True, slots=True)
class SQLProblem:
    """What an engine has against a statement, and the offset in it, where the engine knows one."""

    message: str
    offset: int | None
    rule: str = "prepare"


@dataclass(frozen=True, slots=True)
class Tree:
    """The schema files of a tree by dialect, in the order in which they have to be applied."""

    root: Path
    schemas: Mapping[Dialect, tuple[SchemaFile, ...]]
    problems: tuple[Finding, ...]


def read_tree(root: Path | None = None) -> Tree:
    """Read the schema files of a tree (default: the one in use); unreadable ones are problems."""
    root = root or sql_dir()
    schemas: dict[Dialect, tuple[SchemaFile, ...]] = {}
    problems: list[Finding] = []
    for dialect in DIALECTS:
        files = []
        try:
            names = [VERSIONS, *store_names(dialect, root)]
        except QueryFileError as error:
            problems.append(finding_of(error, "file"))
            names = []
        for name in names:
            try:
                files.append(
                    read_schema_file(name, sql_folder(name, dialect, root) / "schema.sql", dialect)
                )
            except QueryFileError as error:
                problems.append(finding_of(error, "file"))
        schemas[dialect] = tuple(files)
    return Tree(root, schemas, tuple(problems))


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the place of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)

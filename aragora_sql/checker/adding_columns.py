"""``aragora-sql column add``: a column in everything that follows from a table, proved in a copy.

The edits are made in a copy of the tree and of the Python code, and checked there on both engines.
What was to be written is returned; nothing is, when the copy has a finding.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aragora_sql.checker.check import Options, check
from aragora_sql.checker.column_edits import (
    WHOLE,
    extended_lists,
    record_with_field,
    schema_with_column,
    upgrade_of_column,
)
from aragora_sql.checker.column_types import NewColumn
from aragora_sql.checker.kept import keeps_snapshots, unpack
from aragora_sql.checker.record_columns import Records, rewritten_files
from aragora_sql.checker.stubs import MADE_BY, stub_of
from aragora_sql.checker.upgrade_writing import set_version, upgrade_path
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, read_facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.tree import read_tree
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import (
    DIALECTS,
    QueryText,
    packaged_sql_dir,
    read_queries,
    read_sql,
    sql_folder,
)
from aragora_sql.schema import latest_version, store_names
from aragora_sql.schema.records import RECORDS, record_versions

__all__ = ["Added", "add_column"]

_PACKAGE = Path(__file__).resolve().parent.parent
# A query that gives as much of a table's rows is told to the user, where it was not extended.
_PART = 0.4
_LEFT_OUT = ("__pycache__", ".*_cache", ".git", ".venv*", "build")


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a column changes, by file: the text now (empty: no file) and the new one.

    ``records`` are the classes that get the field, ``by_hand`` says what is left to do.
    ``findings`` are those of the copy: with an error nothing may be written.
    """

    files: Mapping[Path, tuple[str, str]]
    records: tuple[str, ...]
    by_hand: tuple[str, ...]
    findings: tuple[Finding, ...]


def add_column(
    options: Options,
    store: str,
    table: str,
    column: NewColumn,
    folder: Path,
    say: Callable[[str], None] = lambda doing: None,
) -> Added:
    """Add a column to a table in a copy in ``folder``, check the copy, and return what differs.

    ``options`` name the tree and the code. Raises
    :class:`~aragora_sql.errors.ConfigurationError` for what can't be: an unknown store or table, a
    column that is there, a tree that has findings already.
    """
    say("reading the tree")
    facts = _facts(options, store)
    _refuse(facts, store, table, column)
    copy = _Copy(options, folder)
    say("writing the copy")
    work = _Work(facts, copy, store, table, column)
    work.write_schemas()
    records = work.write_records()
    if records:
        work.write_lists()
    say("checking the copy on both engines")
    findings = copy.prove(store, has_new_types=bool(records))
    changed = copy.differences()
    by_line = work.queries_by_line()
    findings = tuple(
        # The new column makes the generated rows others: what they show of a query that was not
        # changed was there before.
        replace(f, level="warning")
        if f.rule == "meaning" and by_line.get((f.path, f.line)) not in work.extended
        else f
        for f in findings
    )
    return Added(
        files=changed,
        records=tuple(f"{name} ({path.name})" for name, path in records.items()),
        by_hand=tuple(work.by_hand(records)),
        findings=findings,
    )


def _facts(options: Options, store: str) -> Facts:
    tree = read_tree(options.root)
    known = store_names("sqlite", options.root)
    if store not in known:
        raise ConfigurationError(f"there is no store {store!r}; there are {', '.join(known)}")
    with Engines(tree, options.dsn, keep=options.keep) as engines:
        facts = read_facts(engines, {store})
    if facts.problems:
        raise ConfigurationError(
            f"the tree has errors before the column is added: {facts.problems[0]}; "
            "aragora-sql check names them all"
        )
    return facts


def _refuse(facts: Facts, store: str, table: str, column: NewColumn) -> None:
    root = facts.tree.root
    versions = {dialect: latest_version(store, dialect, root) for dialect in DIALECTS}
    if len(set(versions.values())) > 1:
        raise ConfigurationError(f"the upgrades of {store} lead to other versions: {versions}")
    for dialect in DIALECTS:
        path = sql_folder(store, dialect, root) / "schema.sql"
        tables = {name: t for name, t in facts.catalogs[dialect].items() if t.path == path}
        found = tables.get(table)
        if found is None:
            raise ConfigurationError(
                f"{path}: there is no table {table!r}; there are {', '.join(sorted(tables))}"
            )
        there = found.column(column.name)
        if there is not None:
            raise ConfigurationError(
                f"{path}:{there.line}: the table {table} has a column {column.name!r}"
            )


class _Copy:
    """A copy of a tree and of the code that calls it, in which edits are proved."""

    def __init__(self, options: Options, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._pairs: dict[Path, Path] = {}
        checkout = _PACKAGE.parent
        self._is_own = options.root.resolve() == packaged_sql_dir()
        self.checkout = None
        if self._is_own and (checkout / "docs" / "reference").is_dir():
            self.checkout = self._copied(checkout)
        self.root = self._copied(options.root)
        unpack(self.root)
        # The records of the package are those of its own tree.
        mine = [one for one in options.python if self._is_own or one != _PACKAGE]
        self.python = tuple(self._copied(one) for one in mine)

    @property
    def readers(self) -> tuple[Path, ...]:
        """The folders of code that call the queries of the copy."""
        return self.python if self._is_own else (_PACKAGE, *self.python)

    def _copied(self, path: Path) -> Path:
        for original, copy in self._pairs.items():
            if path.resolve().is_relative_to(original):
                return copy / path.resolve().relative_to(original)
        original = path.resolve()
        copy = self._folder / f"copy{len(self._pairs)}" / original.name
        names = ("aragora_sql", "sql", "docs", "README.md", ".sqlfluff", "pyproject.toml")
        if path == _PACKAGE.parent:
            for name in names:
                self._copy(original / name, copy / name)
        else:
            self._copy(original, copy)
            # The style of a tree is set up beside it.
            for name in (".sqlfluff", "pyproject.toml"):
                if (original.parent / name).is_file():
                    shutil.copy(original.parent / name, copy.parent)
        self._pairs[original] = copy
        return copy

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def original(self, path: Path) -> Path:
        """Return the file that a file of the copy stands for."""
        for original, copy in self._pairs.items():
            if path.is_relative_to(copy):
                return original / path.relative_to(copy)
        return path

    def prove(self, store: str, *, has_new_types: bool) -> tuple[Finding, ...]:
        """Write what follows by commands, and check the store in the copy."""
        schema = sql_folder(store, "sqlite", self.root) / "schema.sql"
        with Engines(read_tree(self.root), self._options.dsn, keep=self._options.keep) as engines:
            facts = read_facts(engines, {store})
        if not facts.problems and has_new_types:
            self._write_types(facts, store)
        if self.checkout is not None:
            from aragora_sql.checker.derived import derived_files

            for path, text in derived_files(self.checkout).items():
                (self.checkout / path).write_text(text, encoding="utf-8")
        checked = check(
            replace(
                self._options,
                root=self.root,
                python=self.readers,
                files=(schema,),
                update_plans=keeps_snapshots(self.root),
            )
        )
        return tuple(replace(f, path=self.original(f.path)) for f in checked.findings)

    def _write_types(self, facts: Facts, store: str) -> None:
        for folder in self.python:
            for path in folder.rglob(f"{store}.pyi"):
                if MADE_BY in path.read_text(encoding="utf-8"):
                    path.write_text(stub_of(facts, store), encoding="utf-8")

    def differences(self) -> dict[Path, tuple[str, str]]:
        """Return the files that differ from the originals: the text before and after."""
        found = {}
        for original, copy in self._pairs.items():
            for path in sorted(copy.rglob("*")):
                there = original / path.relative_to(copy)
                if path.is_file() and path.suffix in {".sql", ".py", ".pyi", ".md", ".txt"}:
                    before = there.read_bytes() if there.is_file() else b""
                    after = path.read_bytes()
                    if before != after:
                        found[there] = before.decode(), after.decode()
        return found


class _Work:
    """The edits of one column in a copy."""

    def __init__(
        self, facts: Facts, copy: _Copy, store: str, table: str, column: NewColumn
    ) -> None:
        self._facts = facts
        self._copy = copy
        self._store = store
        self._table = table
        self._column = column
        self._columns = [c.name for c in facts.catalogs["sqlite"][table].columns]
        self.extended: set[str] = set()

    def _edit(self, path: Path, change: Callable[[str], str]) -> None:
        path.write_text(change(read_sql(path)), encoding="utf-8", newline="")

    def write_schemas(self) -> None:
        """Write the table, the version and the upgrade, in both dialects."""
        store, table, column, root = self._store, self._table, self._column, self._copy.root
        version = latest_version(store, "postgres", root) + 1
        for dialect in DIALECTS:

            def changed(text: str, dialect: Dialect = dialect) -> str:
                return schema_with_column(text, dialect, table, column)

            self._edit(sql_folder(store, dialect, root) / "schema.sql", changed)
            path = upgrade_path(root, store, dialect, version, f"{column.name}_of_{table}")
            path.write_text(upgrade_of_column(dialect, table, column), encoding="utf-8")
        set_version(root, store, version)
        if (root / RECORDS).is_dir():
            record_versions(root, [store])

    def write_records(self) -> dict[str, Path]:
        """Write the field into the record classes of the table; return them with their files."""
        records = Records(self._copy.python)
        names = set(self._columns)
        whole = {}
        for name in records.names(self._store):
            if "TypedDict" in records.bases(self._store, name):
                continue  # what a caller gives
            fields = set(records.fields(self._store, name) or ())
            if self._column.name in fields:
                raise ConfigurationError(
                    f"the record {name} of {self._store} has a field {self._column.name!r}"
                )
            if len(fields & names) >= WHOLE * len(names) and self._is_of_table(fields):
                whole[name] = fields
        files = {}
        for name in whole:
            # What a base has, its children inherit.
            if not set(records.bases(self._store, name)) & whole.keys():
                path = records.path(self._store, name)
                text = record_with_field(path, read_sql(path), name, self._column)
                path.write_text(text, encoding="utf-8", newline="")
                files[name] = path
        return files

    def _is_of_table(self, fields: set[str]) -> bool:
        """Tell whether some query reads such rows from the table, and not from another alike."""
        return any(
            len(fields & {c.name for c in query.columns}) >= WHOLE * len(fields)
            for query in self._facts.queries.values()
            if self._gives_rows(query.text, query.dialect)
        )

    def _gives_rows(self, query: QueryText, dialect: Dialect) -> bool:
        return self._share(query, dialect) >= WHOLE

    def _share(self, query: QueryText, dialect: Dialect) -> float:
        """Return how much of the table's rows a query gives, 0 to 1."""
        facts = self._facts.query(dialect, self._store, query.name)
        if facts is None or query.operation not in {"", "^"}:
            return 0.0
        names = {c.name for c in facts.columns}
        touched = {*facts.tables_read, *facts.tables_written}
        origins = {c.table for c in facts.columns if c.table is not None}
        if self._table not in touched or (origins and self._table not in origins):
            return 0.0
        return len(names & set(self._columns)) / len(self._columns)

    def write_lists(self) -> None:
        """Write the column into the lists of whole rows, in both dialects."""
        store, root = self._store, self._copy.root
        found = {
            name
            for dialect in DIALECTS
            for (of, _, name), text in self._facts.texts.items()
            if of == dialect and self._gives_rows(text, dialect)
        }
        for dialect in DIALECTS:
            path = sql_folder(store, dialect, root) / "queries.sql"
            text = read_sql(path)
            edits = []
            for name in found:
                query = self._facts.texts.get((dialect, store, name))
                if query is None:
                    continue
                start = _offset(text, *query.start)
                for place, more in extended_lists(query, dialect, self._columns, self._column):
                    edits.append((start + place, more))
            for place, more in sorted(edits, reverse=True):
                text = f"{text[:place]}{more}{text[place:]}"
            path.write_text(text, encoding="utf-8", newline="")
        for path, text in rewritten_files(root, self._copy.python).items():
            path.write_text(text, encoding="utf-8", newline="")
        self.extended = found

    def queries_by_line(self) -> dict[tuple[Path, int], str]:
        """Return the queries of the copy by the files of the originals and the lines now."""
        found = {}
        for dialect in DIALECTS:
            path = sql_folder(self._store, dialect, self._copy.root) / "queries.sql"
            for query in read_queries(path, dialect).values():
                found[self._copy.original(path), query.line] = query.name
        return found

    def by_hand(self, records: Iterable[str]) -> Iterator[str]:
        """Say what is left: the queries that write the table, and where no record has its rows."""
        name = self._column.name
        writing = sorted(
            {
                f"{query.name} ({query.path.parent.parent.name}:{query.line})"
                for (dialect, _, _), query in self._facts.queries.items()
                if self._table in query.tables_written
                and dialect == "postgres"
                and "INSERT" in query.sql.upper()
            }
        )
        value = "NULL" if self._column.default is None else "its default"
        if writing:
            yield (
                f"rows get {value}: where the application gives {name!r}, add it to the parameters "
                f"of {', '.join(writing)} and to the store's method"
            )
        parts = sorted(
            {
                f"{text.name} ({text.path.parent.parent.name}:{text.line})"
                for (dialect, _, query), text in self._facts.texts.items()
                if dialect == "postgres"
                and query not in self.extended
                and self._share(text, dialect) >= _PART
            }
        )
        if parts:
            yield (
                f"these give a part of the rows of {self._table}, without {name!r}: "
                f"{', '.join(parts)}"
            )
        if not list(records):
            yield f"no record class has the rows of {self._table}: queries are as before"


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(before) + 1 for before in text.split("\n")[: line - 1]) + column - 1

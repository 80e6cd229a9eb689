"""Writes the pair of upgrade files that lead from a store's recorded version to ``schema.sql``.

What is only added is taken from the schema file as it stands there. What changes or goes is written
as ``schema repair`` would do it, and what would lose values is a comment for the author to decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from aragora_sql.checker.described import Parts, describe_file, differences
from aragora_sql.checker.kept import kept_root
from aragora_sql.checker.schema_statements import revoked
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile, SchemaItem, read_schema_file
from aragora_sql.errors import ConfigurationError, QueryFileError
from aragora_sql.queries.files import DIALECTS, read_sql, sql_folder
from aragora_sql.schema import Difference, Inspection, latest_version, plan_repair
from aragora_sql.schema.catalog import Catalog, CatalogKey
from aragora_sql.schema.records import record_path
from aragora_sql.schema.upgrades import UpgradeStatement, statements_of

__all__ = ["WrittenUpgrade", "set_version", "upgrade_path", "write_upgrade"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MARK = "-- transaction: none because CREATE INDEX CONCURRENTLY can't run in one\n"
_KEYS_OFF = "-- foreign keys: off because a table is made anew, for another rule of it\n"
_LONGEST_LINE = 99
_NOTHING = "-- Nothing changes in this dialect.\nSELECT 1;\n"


@dataclass(slots=True)
class _Steps:
    """The statements of one dialect, and what is left to decide.

    ``together`` are of one transaction, ``later`` of another: they look through all rows of a table
    or copy them. Those that make or drop ``indexes`` run one by one.
    """

    together: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WrittenUpgrade:
    """The files that were written or changed, and sentences about what was left to decide."""

    paths: tuple[Path, ...]
    left: tuple[str, ...]


def write_upgrade(engines: Engines, store: str, name: str) -> WrittenUpgrade:
    """Write the next upgrade of a store in both dialects, and its version into the schema files.

    Raises :class:`ConfigurationError` for a name that is no word in small letters, a store that is
    not there, versions that differ or are not recorded, and where nothing has changed;
    :class:`QueryFileError` for a schema that an engine refuses.
    """
    root = engines.tree.root
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r}: the name of an upgrade says what it does, in small letters with _ between "
            "words: finds_jobs_by_user"
        )
    steps = {dialect: _steps(engines, store, dialect) for dialect in DIALECTS}
    versions = {latest_version(store, dialect, root) for dialect in DIALECTS}
    if len(versions) > 1:
        raise ConfigurationError(f"store {store!r} has other versions in the two dialects")
    (version,) = versions
    if not any(one.together or one.indexes or one.left for one in steps.values()):
        raise ConfigurationError(f"{store!r}: schema.sql is as version {version} was recorded")
    paths: list[Path] = []
    together = any(one.together or one.left for one in steps.values())
    indexes = any(one.indexes for one in steps.values())
    later = any(one.later for one in steps.values())
    if together:
        version += 1
        for dialect, one in steps.items():
            body = "".join(f"{statement};\n" for statement in one.together)
            body += "".join(f"-- {sentence}\n" for sentence in one.left)
            paths.append(_write(root, store, dialect, version, name, body))
    if later:
        version += 1
        for dialect, one in steps.items():
            body = "".join(f"{statement};\n" for statement in one.later)
            mark = _KEYS_OFF if dialect == "sqlite" and body else ""
            paths.append(_write(root, store, dialect, version, f"{name}_rules", mark + body))
    if indexes:
        version += 1
        called = f"{name}_indexes" if together else name
        for dialect, one in steps.items():
            body = "".join(f"{statement};\n" for statement in one.indexes)
            mark = _MARK if dialect == "postgres" and body else ""
            paths.append(_write(root, store, dialect, version, called, mark + body))
    paths += set_version(root, store, version)
    return WrittenUpgrade(
        tuple(paths), tuple(sentence for one in steps.values() for sentence in one.left)
    )


def _write(root: Path, store: str, dialect: Dialect, version: int, name: str, body: str) -> Path:
    path = upgrade_path(root, store, dialect, version, name)
    title = name.replace("_", " ")
    path.write_text(f"-- {title[:1].upper()}{title[1:]}.\n\n{body or _NOTHING}", encoding="utf-8")
    return path


def upgrade_path(root: Path, store: str, dialect: Dialect, version: int, name: str) -> Path:
    """Return the path of an upgrade that is to be written; its folder is there afterwards."""
    folder = sql_folder(store, dialect, root) / "upgrades"
    folder.mkdir(exist_ok=True)
    return folder / f"{version:04d}_{name}.sql"


def set_version(root: Path, store: str, version: int) -> list[Path]:
    """Write a version into the schema files of a store and the lists of the unified schemas.

    Returns the files that were changed.
    """
    recorded = re.compile(rf"(VALUES \('{store}', )\d+(\))")
    listed = re.compile(rf"^(    \('{store}', )\d+(\))", re.MULTILINE)
    places = [(sql_folder(store, dialect, root) / "schema.sql", recorded) for dialect in DIALECTS]
    places += [(root / dialect / "schema.sql", listed) for dialect in DIALECTS]
    paths = []
    for path, pattern in places:
        text = read_sql(path)
        changed = pattern.sub(rf"\g<1>{version}\g<2>", text)
        if changed != text:
            path.write_text(changed, encoding="utf-8", newline="")
            paths.append(path)
    return paths


def _steps(engines: Engines, store: str, dialect: Dialect) -> _Steps:
    root = engines.tree.root
    file = next((one for one in engines.tree.schemas[dialect] if one.store == store), None)
    if file is None:
        known = ", ".join(one.store for one in engines.tree.schemas[dialect])
        raise ConfigurationError(f"there is no store {store!r} in {root / dialect}; known: {known}")
    version = latest_version(store, dialect, root)
    path = record_path(store, dialect, version, kept_root(root))
    if not path.is_file():
        raise ConfigurationError(
            f"version {version} of {store!r} is not recorded, so it is not known what has changed: "
            f"{path} has to be schema.sql as it was then"
        )
    old = _described(engines, read_schema_file(store, path, dialect), dialect)
    new = _described(engines, file, dialect)
    return _Writer(file, dialect, old, new).write()


def _described(engines: Engines, file: SchemaFile, dialect: Dialect) -> Parts:
    parts = describe_file(engines, file, dialect)
    if isinstance(parts, Finding):
        raise QueryFileError(parts.path, parts.line, parts.message)
    return parts


class _Writer:
    """Writes the statements of one dialect."""

    def __init__(self, file: SchemaFile, dialect: Dialect, old: Parts, new: Parts) -> None:
        self._file = file
        self._dialect = dialect
        self._old, self._new = old, new
        self._statements = statements_of(file.text, dialect)
        self._steps = _Steps()
        # Columns that are added as they stand in the file, with the rules that stand in them.
        self._added: list[SchemaItem] = []
        self._rest: list[tuple[CatalogKey, str | None, str | None]] = []

    def write(self) -> _Steps:
        """Return the statements for all that differs."""
        found = list(differences(self._new, self._old))
        for key, wanted, there in found:
            if key[1] == "column" and there is None and wanted is not None:
                self._column(key)
        for key, wanted, there in found:
            if not (key[1] == "column" and there is None):
                self._part(key, wanted, there)
        for table, kind, name in self._new:
            if kind == "column comment" and any(
                item.table == table and item.name == name for item in self._added
            ):
                self._comment(table, name)
        self._change()
        return self._steps

    def _column(self, key: CatalogKey) -> None:
        table, _, name = key
        for item in self._file.items:
            if (item.kind, item.table, item.name) == ("column", table, name):
                text = self._file.text[item.tokens[0].start : item.tokens[-1].end]
                self._steps.together.append(f"ALTER TABLE {table} ADD COLUMN {_undented(text)}")
                self._added.append(item)

    def _part(self, key: CatalogKey, wanted: str | None, there: str | None) -> None:
        table, kind, name = key
        if kind == "table" and there is None:
            self._make(table)
        elif kind == "index":
            self._index(name, wanted, there)
        elif kind == "trigger" and self._dialect == "sqlite":
            if there is not None:
                self._steps.together.append(f"DROP TRIGGER IF EXISTS {name}")
            self._take("TRIGGER", name)
        elif kind in {"column comment", "table comment"} and wanted is not None:
            self._comment(table, name if kind == "column comment" else None)
        elif kind == "constraint" and there is None and self._rule(table, name):
            return
        elif kind != "sequence" or there is not None:
            self._rest.append((key, wanted, there))

    def _rule(self, table: str, name: str) -> bool:
        """Tell whether a new column has a rule, or else add it; rows are looked through later."""
        if any(
            item.table == table and any(token.text == name for token in item.tokens)
            for item in self._added
        ):
            return True
        for item in self._file.items:
            if self._dialect == "postgres" and (item.table, item.constraint) == (table, name):
                if item.kind not in {"check", "foreign key"}:
                    return False
                text = self._file.text[item.tokens[0].start : item.tokens[-1].end]
                alter = f"ALTER TABLE {table}"
                self._steps.together.append(f"{alter}\nADD {_undented(text)} NOT VALID")
                self._steps.later.append(f"{alter} VALIDATE CONSTRAINT {name}")
                return True
        return False

    def _make(self, table: str) -> None:
        """Take all that the file says of a table."""
        for statement in self._statements:
            if statement.table == table or (
                statement.words[0] == "DO" and table in revoked(statement.sql)
            ):
                self._steps.together.append(statement.sql)
        if not any(
            s.table == table and s.words[:2] == ("CREATE", "TABLE") for s in self._statements
        ):
            self._steps.left.append(f"{table} is no plain table: write how it is made")

    def _take(self, kind: str, name: str) -> None:
        for statement in self._statements:
            if (
                statement.words[0] == "CREATE"
                and kind in statement.words
                and _made(statement, kind, name)
            ):
                self._steps.together.append(statement.sql)

    def _index(self, name: str, wanted: str | None, there: str | None) -> None:
        beside = " CONCURRENTLY" if self._dialect == "postgres" else ""
        if there is not None:
            self._steps.indexes.append(f"DROP INDEX{beside} IF EXISTS {name}")
        if wanted is None:
            return
        for statement in self._statements:
            if statement.made_index == name:
                text = re.sub(r"\bINDEX\b", f"INDEX{beside}", statement.sql, count=1)
                if len(text.partition("\n")[0]) > _LONGEST_LINE:
                    text = text.replace(" ON ", "\nON ", 1)
                self._steps.indexes.append(text)

    def _comment(self, table: str, column: str | None) -> None:
        for statement in self._statements:
            if statement.words[:2] != ("COMMENT", "ON") or statement.names[3] != table:
                continue
            of_column = statement.words[2] == "COLUMN"
            if of_column is (column is not None) and (column is None or column in statement.names):
                self._steps.together.append(statement.sql)

    def _change(self) -> None:
        """Write what changes or goes, as a repair would do it."""
        if self._dialect == "sqlite":
            for table in sorted({key[0] for key, _, _ in self._rest}):
                if {key[1] for key, _, _ in self._rest if key[0] == table} == {"constraint"}:
                    self._copy(table)
                    continue
                self._steps.left.append(
                    f"{table} has columns that ALTER TABLE of SQLite can't make, or loses some: "
                    "write how the table is made anew and filled from the old one"
                )
            return
        changed = [
            Difference(key[0], key[1], key[2], wanted, there) for key, wanted, there in self._rest
        ]
        inspection = Inspection(
            stores=(self._file.store,),
            differences=tuple(changed),
            warnings=(),
            expected=Catalog(self._new, {}),
            found=Catalog(self._old, {}),
        )
        repair = plan_repair(inspection, "postgres", self._file.path.parents[2])
        self._steps.together += repair.statements
        self._steps.left += repair.left

    def _copy(self, table: str) -> None:
        """Make a table anew with its rows, because SQLite can't change the rules of one."""
        makes, *others = (s for s in self._statements if s.table == table)
        items = [item for item in self._file.items if item.table == table]
        columns = [
            item.name
            for item in items
            if item.kind == "column" and "GENERATED" not in (t.text.upper() for t in item.tokens)
        ]
        listed = ",\n".join(f"    {column}" for column in columns)
        new = f"{table}_new"
        steps = self._steps.later
        named = re.compile(rf"\bTABLE (?:IF NOT EXISTS )?{table}\b")
        steps.append(named.sub(f"TABLE {new}", makes.sql, count=1))
        steps.append(f"INSERT INTO {new} (\n{listed}\n)\nSELECT\n{listed}\nFROM {table}")
        if "AUTOINCREMENT" in makes.words:
            # Numbers of rows that were deleted are not given again.
            numbers = "sqlite_sequence"
            steps.append(f"DELETE FROM {numbers}\nWHERE name = '{new}'")  # noqa: S608 - our names
            steps.append(
                f"INSERT INTO {numbers} (name, seq)\nSELECT\n    '{new}' AS name,\n    seq\n"
                f"FROM {numbers}\nWHERE name = '{table}'"
            )
        steps.append(f"DROP TABLE {table}")
        steps.append(f"ALTER TABLE {new} RENAME TO {table}")
        steps += [statement.sql for statement in others]


def _made(statement: UpgradeStatement, kind: str, name: str) -> bool:
    at = statement.words.index(kind) + 1
    at += 3 * (statement.words[at : at + 3] == ("IF", "NOT", "EXISTS"))
    return statement.names[at] == name


def _undented(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())

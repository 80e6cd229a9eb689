"""Rules that compare the tables of both dialects: what bad data meets has to be the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aragora_sql.checker.report import Report, Scope
from aragora_sql.checker.rewriting import canonical, canonical_default
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Column, Facts, Table
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaItem
from aragora_sql.queries.files import DIALECTS, sql_folder
from aragora_sql.queries.parameters import Token

__all__ = ["check_schema_parity"]

# The rules that SQLite needs where PostgreSQL has a type: of these columns they are no difference.
_TYPE_RULES: Mapping[str, tuple[Callable[[str], str], ...]] = {
    "bool": (lambda c: f"{c} in ( 0 , 1 )",),
    "datetime": (lambda c: f"{c} like '____-__-__T__:__:__.______Z'",),
    "int": (lambda c: f"{c} between - 2147483648 and 2147483647",),
    "Any": (lambda c: f"json_valid ( {c} )",),
}

Items = Mapping[tuple[str, str], list[SchemaItem]]
Position = tuple[Path, int]


def check_schema_parity(facts: Facts, report: Report) -> None:
    """Compare tables, columns, rules, keys and indexes of all stores that both dialects have."""
    items = {dialect: _items(facts, dialect) for dialect in DIALECTS}
    catalogs = facts.catalogs
    for name in {**catalogs["postgres"], **catalogs["sqlite"]}:
        postgres, sqlite = catalogs["postgres"].get(name), catalogs["sqlite"].get(name)
        if postgres is not None and sqlite is not None:
            _Comparison(report, postgres, sqlite, items["postgres"], items["sqlite"]).run()
            continue
        here = postgres or sqlite
        if here is None:
            continue
        other: Dialect = "sqlite" if here.dialect == "postgres" else "postgres"
        path = sql_folder(here.store, other, facts.tree.root) / "schema.sql"
        if not any(file.path == path for file in facts.tree.schemas[other]):
            continue  # the whole store is missing or can't be read, which is said elsewhere
        if any(file.path == path for file in facts.unloaded):
            continue
        report.add(
            Finding(
                here.path, here.line, 1, "parity-table", f"{here.kind} {name} is not in {path}"
            ),
            Finding(
                path,
                1,
                1,
                "parity-table",
                f"{here.kind} {name} is missing; it is defined in {here.path}:{here.line}",
            ),
            kind="parity",
            subject=f"table {name}",
            scopes=[Scope(here.path), Scope(path)],
        )


def _items(facts: Facts, dialect: Dialect) -> dict[tuple[str, str], list[SchemaItem]]:
    found: dict[tuple[str, str], list[SchemaItem]] = {}
    for file in facts.tree.schemas[dialect]:
        for item in file.items:
            found.setdefault((item.table, item.kind), []).append(item)
    return found


class _Comparison:
    """Compares one table."""

    def __init__(
        self, report: Report, postgres: Table, sqlite: Table, ours: Items, theirs: Items
    ) -> None:
        self._report = report
        self._postgres, self._sqlite = postgres, sqlite
        self._items = {"postgres": ours, "sqlite": theirs}
        self._scopes = [Scope(postgres.path), Scope(sqlite.path)]

    def run(self) -> None:
        name = self._postgres.name
        if self._postgres.kind != self._sqlite.kind:
            self._differ(
                "parity-table",
                f"table {name}",
                f"{name} is a {self._postgres.kind} on PostgreSQL, a {self._sqlite.kind} on SQLite",
                self._postgres.line,
                self._sqlite.line,
            )
            return
        for column in (*self._postgres.columns, *self._sqlite.columns):
            ours, theirs = self._postgres.column(column.name), self._sqlite.column(column.name)
            if ours is not None and theirs is not None:
                if column is ours:
                    self._compare_columns(ours, theirs)
            else:
                self._only_one(
                    "parity-column",
                    f"column {name}.{column.name}",
                    f"column {column.name} of {name}",
                    {
                        "postgres": None if ours is None else ours.line,
                        "sqlite": None if theirs is None else theirs.line,
                    },
                )
        self._compare(
            "parity-check", "check", "the rule", self._checks("postgres"), self._checks("sqlite")
        )
        self._compare("parity-unique", "key", "the key", *map(self._keys, self._tables))
        self._compare(
            "parity-foreign-key",
            "foreign key",
            "the foreign key",
            *map(self._foreign_keys, self._tables),
        )
        self._compare(
            "parity-index", "index", "the index", self._indexes("postgres"), self._indexes("sqlite")
        )

    @property
    def _tables(self) -> tuple[Table, Table]:
        return self._postgres, self._sqlite

    def _compare_columns(self, postgres: Column, sqlite: Column) -> None:
        where = f"{self._postgres.name}.{postgres.name}"
        lines = postgres.line, sqlite.line
        if postgres.python_type != sqlite.python_type:
            said = [f"{c.python_type} ({c.type})" for c in (postgres, sqlite)]
            what = f"type of {where}"
            self._differ("parity-column", what, _either(what, *said), *lines)
        if postgres.nullable != sqlite.nullable:
            said = ["may be NULL" if c.nullable else "is NOT NULL" for c in (postgres, sqlite)]
            self._differ("parity-not-null", f"not null {where}", _either(where, *said), *lines)
        if bool(postgres.generated) != bool(sqlite.generated):
            said = [c.generated or "not generated" for c in (postgres, sqlite)]
            self._differ("parity-default", f"default {where}", _either(where, *said), *lines)
            return
        defaults = [
            canonical_default(postgres.default, "postgres"),
            canonical_default(sqlite.default, "sqlite"),
        ]
        if not postgres.generated and defaults[0] != defaults[1]:
            what = f"default of {where}"
            said = [default or "none" for default in defaults]
            self._differ("parity-default", f"default {where}", _either(what, *said), *lines)

    def _differ(self, rule: str, subject: str, message: str, ours: int, theirs: int) -> None:
        """Report a difference at both of its ends: nobody knows which side was meant."""
        places = [(self._postgres.path, ours), (self._sqlite.path, theirs)]
        findings = [
            Finding(path, line, 1, rule, f"{message} ({_short(other)})")
            for (path, line), other in zip(places, reversed(places), strict=True)
        ]
        self._report.add(*findings, kind="parity", subject=subject, scopes=self._scopes)

    def _only_one(
        self, rule: str, subject: str, what: str, lines: Mapping[Dialect, int | None]
    ) -> None:
        here: Dialect = "postgres" if lines["postgres"] is not None else "sqlite"
        tables: dict[Dialect, Table] = {"postgres": self._postgres, "sqlite": self._sqlite}
        there: Dialect = "sqlite" if here == "postgres" else "postgres"
        place = tables[here].path, lines[here] or tables[here].line
        lacking = tables[there].path, tables[there].line
        self._report.add(
            Finding(*place, 1, rule, f"{what} is not in {_short(lacking)}"),
            Finding(*lacking, 1, rule, f"{what} is missing; it is defined in {_short(place)}"),
            kind="parity",
            subject=subject,
            scopes=self._scopes,
        )

    def _compare(
        self,
        rule: str,
        kind: str,
        what: str,
        ours: Mapping[str, tuple[str, int]],
        theirs: Mapping[str, tuple[str, int]],
    ) -> None:
        """Compare things of both sides by name: each is a text and a line."""
        for name in {**ours, **theirs}:
            one, two = ours.get(name), theirs.get(name)
            subject = f"{kind} {self._postgres.name}{'' if name.startswith('(') else '.'}{name}"
            if one is not None and two is not None:
                if one[0] != two[0]:
                    message = _either(subject, one[0], two[0])
                    self._differ(rule, subject, message, one[1], two[1])
                continue
            lines: dict[Dialect, int | None] = {
                "postgres": None if one is None else one[1],
                "sqlite": None if two is None else two[1],
            }
            text = (one or two or ("", 0))[0]
            shown = f" {text}" if text and text != name else ""
            self._only_one(rule, subject, f"{what} {name}{shown} of {self._postgres.name}", lines)

    def _checks(self, dialect: Dialect) -> dict[str, tuple[str, int]]:
        found = {}
        for item in self._items[dialect].get((self._postgres.name, "check"), ()):
            opened = next(i for i, token in enumerate(item.tokens) if token.text == "(")
            inner = _inside(item.tokens[opened:])
            text = canonical(inner, dialect)
            behind = [token.text.upper() for token in item.tokens[opened + len(inner) + 2 :]]
            if behind[-2:] == ["NOT", "ENFORCED"]:
                text += " not enforced"
            if dialect == "sqlite" and self._stands_for_a_type(text):
                continue
            found[item.constraint or text] = (text, item.line)
        return found

    def _stands_for_a_type(self, rule: str) -> bool:
        return any(
            rule in {write(column.name) for write in _TYPE_RULES.get(column.python_type, ())}
            for column in self._postgres.columns
        )

    def _keys(self, table: Table) -> dict[str, tuple[str, int]]:
        """Return the keys by columns, without columns that the other side lacks."""
        other = self._sqlite if table is self._postgres else self._postgres
        known = {column.name for column in other.columns}
        keys = {(table.primary_key, table.line)} if table.primary_key else set()
        keys |= {(unique, table.line) for unique in table.unique}
        return {
            f"({', '.join(columns)})": ("", line)
            for columns, line in sorted(keys)
            if known.issuperset(columns)
        }

    def _foreign_keys(self, table: Table) -> dict[str, tuple[str, int]]:
        return {
            f"({', '.join(key.columns)})": (
                f"to {key.target_table} ({', '.join(key.target_columns)}) "
                f"ON DELETE {key.on_delete} ON UPDATE {key.on_update}",
                key.line,
            )
            for key in table.foreign_keys
        }

    def _indexes(self, dialect: Dialect) -> dict[str, tuple[str, int]]:
        found = {}
        for item in self._items[dialect].get((self._postgres.name, "index"), ()):
            words = [token.text.upper() for token in item.tokens]
            head = words.index("ON")
            text = canonical(item.tokens[head + 2 :], dialect)
            if "UNIQUE" in words[:head]:
                text = f"unique {text}"
            found[item.name] = (text, item.line)
        return found


def _inside(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens within the parentheses that the first one opens."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return tokens[1:index]
    return tokens[1:]


def _either(what: str, postgres: str, sqlite: str) -> str:
    return f"{what}: {postgres} on PostgreSQL, {sqlite} on SQLite"


def _short(place: Position) -> str:
    path, line = place
    return f"{'/'.join(path.parts[-3:])}:{line}"

"""What a new column can be: its type in both dialects and in Python, its default, its name."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aragora_sql.errors import ConfigurationError

__all__ = ["TYPES", "NewColumn", "new_column"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
# What can't be the name of a column without quotes on PostgreSQL (18) or SQLite (3.54).
_RESERVED = frozenset(
    word
    for line in (
        "add all alter analyse analyze and any array as asc asymmetric authorization",
        "autoincrement between binary both case cast check collate collation column commit",
        "concurrently constraint create cross current_catalog current_date current_role",
        "current_schema current_time current_timestamp current_user default deferrable delete",
        "desc distinct do drop else end escape except exists false fetch for foreign freeze from",
        "full grant group having ilike in index initially inner insert intersect into is isnull",
        "join lateral leading left like limit localtime localtimestamp natural not nothing",
        "notnull null offset on only or order outer overlaps placing primary raise references",
        "returning right select session_user set similar some symmetric system_user table",
        "tablesample then to trailing transaction true union unique update user using values",
        "variadic verbose when where window with",
    )
    for word in line.split()
)
# The methods of every record.
_OF_RECORDS = {"from_dict", "keys", "to_dict"}


@dataclass(frozen=True, slots=True)
class _Type:
    """A type of the table of values. ``check`` is SQLite's rule, with the column as ``{}``."""

    postgres: str
    sqlite: str
    python: str
    check: str = ""
    smallest: int = 0
    largest: int = 0


TYPES: Mapping[str, _Type] = {
    "text": _Type("TEXT", "TEXT", "str"),
    "integer": _Type("INTEGER", "INTEGER", "int", "", -(2**31), 2**31 - 1),
    "bigint": _Type("BIGINT", "INTEGER", "int", "", -(2**63), 2**63 - 1),
    "float": _Type("DOUBLE PRECISION", "REAL", "float"),
    "boolean": _Type("BOOLEAN", "INTEGER", "bool", "{} IN (0, 1)"),
    "timestamp": _Type("TIMESTAMPTZ", "TEXT", "datetime", "{} LIKE '____-__-__T__:__:__.______Z'"),
    "json": _Type("JSONB", "TEXT", "Any", "json_valid({})"),
    "bytes": _Type("BYTEA", "BLOB", "bytes"),
}
_OTHER_NAMES = {
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "double precision": "float",
    "float8": "float",
    "bool": "boolean",
    "timestamptz": "timestamp",
    "jsonb": "json",
    "bytea": "bytes",
    "blob": "bytes",
}


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that is to be added.

    ``default`` holds its literals: PostgreSQL's, SQLite's and Python's; None where it has none.
    """

    name: str
    type: _Type
    comment: str
    default: tuple[str, str, str] | None
    not_null: bool

    def definition(self, dialect: str) -> str:
        """Return the column as CREATE TABLE and ADD COLUMN have it."""
        is_postgres = dialect == "postgres"
        parts = [self.name, self.type.postgres if is_postgres else self.type.sqlite]
        if self.not_null:
            parts.append("NOT NULL")
        if self.default is not None:
            parts += ["DEFAULT", self.default[0 if is_postgres else 1]]
        return " ".join(parts)

    def check(self, dialect: str) -> str | None:
        """Return the condition that SQLite needs in place of a type of PostgreSQL."""
        if dialect == "postgres" or not self.type.check:
            return None
        rule = self.type.check.format(self.name)
        # Before version 3.42 json_valid(NULL) is false.
        may_be_null = self.type is TYPES["json"] and not self.not_null
        return f"{self.name} IS NULL OR {rule}" if may_be_null else rule

    @property
    def field(self) -> str:
        """The field of a record class."""
        if self.not_null:
            value = None if self.default is None else self.default[2]
            return f"{self.name}: {self.type.python}" + (f" = {value}" if value else "")
        kind = self.type.python if self.type.python == "Any" else f"{self.type.python} | None"
        return f"{self.name}: {kind} = None"


def new_column(
    name: str, type_name: str, default: str | None, *, not_null: bool, comment: str | None
) -> NewColumn:
    """Return a column of what a user gave.

    Raises :class:`ConfigurationError` that says what would fit.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"column {name!r}: a name begins with a letter from a to z and has these, digits and _ "
            "behind it, 63 at most"
        )
    if name in _RESERVED:
        raise ConfigurationError(f"column {name!r}: the word is reserved in SQL; choose another")
    if keyword.iskeyword(name) or name in _OF_RECORDS or name in {"conn", "self"}:
        raise ConfigurationError(f"column {name!r}: a record in Python can't have such a field")
    wanted = " ".join(type_name.lower().split())
    kind = TYPES.get(_OTHER_NAMES.get(wanted, wanted))
    if kind is None:
        raise ConfigurationError(
            f"type {type_name!r}: there is {', '.join(TYPES)} (docs/dba.md, table of values)"
        )
    if not_null and default is None:
        raise ConfigurationError(
            f"column {name!r}: NOT NULL needs --default, because rows that are there have no value"
        )
    if comment is not None and (not comment.strip() or not comment.isprintable()):
        raise ConfigurationError("--comment: one line that says what the column is for")
    words = name.replace("_", " ")
    said = f"{words[0].upper()}{words[1:]}." if comment is None else comment.strip()
    literals = None if default is None else _default(default, kind)
    return NewColumn(name, kind, said, literals, not_null)


def _default(value: str, kind: _Type) -> tuple[str, str, str]:
    """Return a default as PostgreSQL, SQLite and Python write it."""
    name = next(name for name, one in TYPES.items() if one is kind)
    problem = ConfigurationError(f"--default: {value!r} is no {name}")
    quoted = "'" + value.replace("'", "''") + "'"
    if name == "text":
        if not value.isprintable():
            raise ConfigurationError("--default: a text without control characters")
        return quoted, quoted, json.dumps(value, ensure_ascii=False)
    if name in {"integer", "bigint"}:
        if not re.fullmatch(r"-?(0|[1-9]\d*)", value):
            raise problem
        if not kind.smallest <= int(value) <= kind.largest:
            raise ConfigurationError(
                f"--default: {value} is not from {kind.smallest} to {kind.largest}"
            )
        number = str(int(value))
        return number, number, number
    if name == "float":
        if not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value) or math.isinf(float(value)):
            raise problem
        number = repr(float(value))
        return number, number, number
    if name == "boolean":
        if value.lower() not in {"true", "false"}:
            raise problem
        is_true = value.lower() == "true"
        return str(is_true).upper(), str(int(is_true)), str(is_true)
    if name == "json":
        try:
            document = json.loads(value, parse_constant=lambda _: [][0])
        except (ValueError, IndexError) as error:
            raise problem from error
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).replace("'", "''")
        return f"'{text}'::jsonb", f"'{text}'", ""
    raise ConfigurationError(
        f"--default: a column of type {name} gets none by this command; leave it out, or write the "
        "upgrade by hand (SQLite adds a column with a constant only)"
    )

"""Finds and reads the files of named queries, and checks what can be checked without an engine."""

from __future__ import annotations

import keyword
import os
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from aragora_sql.database import ColumnKind, Dialect
from aragora_sql.errors import ConfigurationError, QueryFileError, UnknownStoreError
from aragora_sql.queries.parameters import (
    Parameter,
    SQLSyntaxError,
    Token,
    find_parameters,
    scan,
)

__all__ = [
    "DIALECTS",
    "QUERY_WORDS",
    "SCHEMA_WORDS",
    "SYSTEM",
    "Directive",
    "QueryText",
    "check_tree",
    "column_kinds",
    "packaged_sql_dir",
    "query_folders",
    "read_directive",
    "read_queries",
    "read_sql",
    "sql_dir",
    "sql_folder",
    "store_dir",
    "stub_folder",
]

DIALECTS: tuple[Dialect, ...] = ("postgres", "sqlite")
# The folder of what all stores need and none is: sql/system/<dialect>/.
SYSTEM = "system"

_NAME_LINE = re.compile(r"--\s*name\s*:\s*(?P<spec>.*)", re.IGNORECASE)
_SPEC = re.compile(
    r"(?P<name>[A-Za-z_]\w*)\s*(?:\((?P<parameters>[^)]*)\))?\s*(?P<operation>\^|\$|!|<!|\*!|#)?\s*"
)
_RESULT_LINE = re.compile(r"result:\s*(?P<columns>.+)")
# What a comment line says to the checker begins with one of these words and a colon.
SCHEMA_WORDS = ("check", "meaning", "parity", "plan")
_DIRECTIVE = re.compile(rf"(?P<kind>{'|'.join(SCHEMA_WORDS)}):\s*(?P<text>.*)", re.DOTALL)
_LOCKS_LINE = re.compile(r"locks:\s*(?P<text>.*)", re.DOTALL)
# All that is read of the comments under '-- name:'.
QUERY_WORDS = (*SCHEMA_WORDS, "locks", "result")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
# The parameters that every query function has already.
_TAKEN_NAMES = {"conn", "self"}
_KINDS: dict[str, ColumnKind] = {"boolean": "boolean", "json": "json", "timestamp": "timestamp"}


@dataclass(frozen=True, slots=True)
class Directive:
    """A comment that speaks to ``aragora-sql check``: ``-- parity: … because …``."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class QueryText:
    """A named query as its file defines it.

    ``line`` is the line of ``-- name:``; ``operation`` is aiosql's suffix; ``result_kinds`` are the
    declared kinds of computed result columns, ``never_null`` the columns that are declared so;
    ``locks`` are the locks that its comments say it takes; ``sql`` starts at ``start``, line and
    column from 1.
    """

    name: str
    path: Path
    line: int
    operation: str
    parameters: tuple[str, ...]
    doc: str
    sql: str
    found: tuple[Parameter, ...]
    result_kinds: dict[str, ColumnKind]
    never_null: frozenset[str] = frozenset()
    directives: tuple[Directive, ...] = ()
    locks: tuple[Directive, ...] = ()
    start: tuple[int, int] = (1, 1)

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column in the file of an offset in ``sql``, both from 1."""
        line, column = self.start
        breaks = self.sql.count("\n", 0, offset)
        if not breaks:
            return line, column + offset
        return line + breaks, offset - self.sql.rfind("\n", 0, offset)

    def error(self, problem: str) -> QueryFileError:
        """Return an error that points at this query."""
        return QueryFileError(self.path, self.line, f"query {self.name!r}: {problem}")


@cache
def packaged_sql_dir() -> Path:
    """Return the ``sql/`` tree that belongs to this code: of the wheel, or of the checkout."""
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "sql", package.parent / "sql"):
        if (candidate / "postgres").is_dir():
            return candidate
    raise ConfigurationError(f"{package}: the installation lacks its sql/ folder; install it again")


def stub_folder() -> Path:
    """Return the folder of the types of queries that belong to this code."""
    return Path(__file__).resolve().parent / "typed"


def sql_dir() -> Path:
    """Return the ``sql/`` tree in use: ``ARAGORA_SQL_DIR``, else the packaged one."""
    chosen = os.environ.get("ARAGORA_SQL_DIR", "").strip()
    if not chosen:
        return packaged_sql_dir()
    path = Path(chosen).expanduser().absolute()
    check_tree(path, "ARAGORA_SQL_DIR")
    return path


def check_tree(root: Path, source: str) -> None:
    """Raise :class:`ConfigurationError` for what is not such a tree; ``source`` named it."""
    if not root.is_dir():
        raise ConfigurationError(f"{source}: {root} is not a folder")
    if not _is_tree(root):
        near = next((path for path in (root / "sql", root.parent) if _is_tree(path)), None)
        hint = (
            f"copy {packaged_sql_dir()}, change the copy and name it"
            if near is None
            else f"did you mean {near}?"
        )
        raise ConfigurationError(
            f"{source}: {root} is not a tree of SQL files: it has neither postgres/schema.sql nor "
            f"sqlite/schema.sql; {hint}"
        )
    for dialect in DIALECTS:
        older = root / dialect / "schema_versions"
        if older.is_dir() and not (root / SYSTEM / dialect / "schema_versions").is_dir():
            raise ConfigurationError(
                f"{source}: {older} belongs in {SYSTEM}/{dialect}/schema_versions now: move it "
                f"there, and let {dialect}/schema.sql include "
                f"../{SYSTEM}/{dialect}/schema_versions/schema.sql"
            )


def _is_tree(root: Path) -> bool:
    return any(
        (root / dialect / "schema.sql").is_file() or any((root / dialect).glob("*/queries.sql"))
        for dialect in DIALECTS
    )


def sql_folder(name: str, dialect: str, root: Path) -> Path:
    """Return where the SQL files of a store are, or of what belongs to no store (``system/``)."""
    system = root / SYSTEM / dialect / name
    return system if system.is_dir() else root / dialect / name


def query_folders(dialect: str, root: Path) -> list[Path]:
    """Return the folders of a tree that can hold queries and a schema, in the order of names."""
    folders = [*(root / dialect).glob("*/"), *(root / SYSTEM / dialect).glob("*/")]
    return sorted((path for path in folders if path.is_dir()), key=lambda path: path.name)


def store_dir(store: str, dialect: str, root: Path) -> Path:
    """Return the folder of the SQL files of a store, or of what belongs to no store.

    Raises :class:`UnknownStoreError` for an unknown dialect or store.
    """
    if dialect not in DIALECTS:
        raise UnknownStoreError(
            root / dialect, None, f"unknown dialect {dialect!r}; known: {', '.join(DIALECTS)}"
        )
    folder = sql_folder(store, dialect, root)
    if not (root / dialect).is_dir():
        raise UnknownStoreError(folder, None, f"there is no folder {root / dialect}")
    if not _IDENTIFIER.fullmatch(store) or not folder.is_dir():
        known = sorted(p.name for p in (root / dialect).glob("*/") if p.is_dir())
        raise UnknownStoreError(
            folder, None, f"no store {store!r}; there are: {', '.join(known) or 'none'}"
        )
    return folder


def read_sql(path: Path) -> str:
    """Return the text of an SQL file. Raises :class:`QueryFileError` naming the file and line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise QueryFileError(path, None, f"cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise QueryFileError(path, line, f"not UTF-8: {error.reason}") from error
    if "\x00" in text:
        raise QueryFileError(path, _line(text, text.index("\x00")), "a NUL character")
    return text


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def read_queries(path: Path, dialect: Dialect) -> dict[str, QueryText]:
    """Read a file of named queries, in the order of the file.

    Raises :class:`QueryFileError` (``path:line: what is wrong``) for a file that is not UTF-8, a
    malformed ``-- name:`` line, a name used twice, a query without comment or without SQL, more
    than one statement in a query, and parameters that differ from the declared list.
    """
    text = read_sql(path)
    try:
        tokens = list(scan(text, dialect))
    except SQLSyntaxError as error:
        raise QueryFileError(path, _line(text, error.offset), str(error)) from error
    starts = [
        (index, spec)
        for index, token in enumerate(tokens)
        if (spec := _spec(text, token)) is not None
    ]
    if not starts:
        raise QueryFileError(path, 1, "no query: a query starts with '-- name: some_name(…)'")
    first = starts[0][0]
    stray = next((token for token in tokens[:first] if token.kind != "comment"), None)
    if stray is not None:
        raise QueryFileError(path, _line(text, stray.start), "SQL before the first '-- name:' line")

    queries: dict[str, QueryText] = {}
    ends = [index for index, _ in starts[1:]] + [len(tokens)]
    for (start, spec), end in zip(starts, ends, strict=True):
        query = _read_query(path, text, dialect, spec, tokens[start], tokens[start + 1 : end])
        if query.name in queries:
            raise query.error(f"the name is used already at {path}:{queries[query.name].line}")
        queries[query.name] = query
    return queries


def _spec(text: str, token: Token) -> str | None:
    if token.kind != "comment":
        return None
    match = _NAME_LINE.fullmatch(token.text.rstrip())
    line_start = text.rfind("\n", 0, token.start) + 1
    return match["spec"] if match and not text[line_start : token.start].strip() else None


def _read_query(
    path: Path, text: str, dialect: Dialect, spec: str, head: Token, tokens: list[Token]
) -> QueryText:
    line = _line(text, head.start)
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise QueryFileError(
            path,
            line,
            f"'-- name: {spec}' is not 'name(parameter, …)' with one of the operations "
            "^ $ ! <! *! # or none",
        )
    name, operation = match["name"], match["operation"] or ""
    if match["parameters"] is None and operation != "#":
        raise QueryFileError(
            path, line, f"query {name!r}: no parameter list; write {name}() when it takes none"
        )
    declared = [p.strip() for p in (match["parameters"] or "").split(",") if p.strip()]
    body_at = next((i for i, token in enumerate(tokens) if token.kind != "comment"), len(tokens))
    said = _read_comments(path, text, name, tokens[:body_at])
    if not said.doc:
        raise QueryFileError(
            path, line, f"query {name!r}: no comment line under '-- name:' says what it is for"
        )
    body = tokens[body_at:]
    while body and (body[-1].kind == "comment" or body[-1].text == ";"):
        body.pop()
    if not body:
        raise QueryFileError(path, line, f"query {name!r}: no SQL")
    extra = next((token for token in body if token.text == ";"), None)
    if extra is not None and operation != "#":
        raise QueryFileError(
            path, _line(text, extra.start), f"query {name!r}: more than one statement"
        )
    sql = text[body[0].start : body[-1].end]
    found = tuple(find_parameters(sql, dialect))
    used = {p.name for p in found}
    for parameter in found:
        if parameter.name not in declared:
            raise QueryFileError(
                path,
                _line(text, body[0].start + parameter.start),
                f"query {name!r}: parameter {sql[parameter.start : parameter.end]} is not in its "
                f"list ({', '.join(declared)})",
            )
    if operation == "#" and declared:
        raise QueryFileError(path, line, f"query {name!r}: a script takes no parameters")
    for parameter_name in declared:
        if not parameter_name.isidentifier():
            raise QueryFileError(path, line, f"query {name!r}: {parameter_name!r} is not a name")
        if keyword.iskeyword(parameter_name) or parameter_name in _TAKEN_NAMES:
            raise QueryFileError(
                path,
                line,
                f"query {name!r}: a parameter can't be named {parameter_name!r}, because a Python "
                "call can't give it",
            )
        if parameter_name not in used:
            raise QueryFileError(
                path, line, f"query {name!r}: declared parameter {parameter_name!r} is not used"
            )
        if declared.count(parameter_name) > 1:
            raise QueryFileError(
                path, line, f"query {name!r}: parameter {parameter_name!r} is declared twice"
            )
    return QueryText(
        name=name,
        path=path,
        line=line,
        operation=operation,
        parameters=tuple(declared),
        doc="\n".join(said.doc),
        sql=sql,
        found=found,
        result_kinds=said.kinds,
        never_null=frozenset(said.never_null),
        directives=tuple(said.directives),
        locks=tuple(said.locks),
        start=(
            _line(text, body[0].start),
            body[0].start - text.rfind("\n", 0, body[0].start),
        ),
    )


def _content(comment: Token) -> str:
    return comment.text.removeprefix("--").removeprefix("/*").removesuffix("*/").strip()


def read_directive(text: str, comment: Token) -> Directive | None:
    """Return what a comment in ``text`` says to ``aragora-sql check``, or None."""
    match = _DIRECTIVE.fullmatch(_content(comment))
    if match is None:
        return None
    return Directive(match["kind"], match["text"].strip(), _line(text, comment.start))


@dataclass(slots=True)
class _Comments:
    """What the comments under ``-- name:`` say."""

    doc: list[str] = field(default_factory=list)
    kinds: dict[str, ColumnKind] = field(default_factory=dict)
    never_null: set[str] = field(default_factory=set)
    directives: list[Directive] = field(default_factory=list)
    locks: list[Directive] = field(default_factory=list)


def _read_comments(path: Path, text: str, name: str, comments: list[Token]) -> _Comments:
    said = _Comments()
    for comment in comments:
        directive = read_directive(text, comment)
        content = _content(comment)
        result = _RESULT_LINE.fullmatch(content)
        locks = _LOCKS_LINE.fullmatch(content)
        if directive is not None:
            said.directives.append(directive)
        elif locks is not None:
            line = _line(text, comment.start)
            said.locks.append(Directive("locks", locks["text"].strip(), line))
        elif result is None:
            if content:
                said.doc.append(content)
        else:
            for part in result["columns"].split(","):
                if not _read_result(said, part.strip()):
                    raise QueryFileError(
                        path,
                        _line(text, comment.start),
                        f"query {name!r}: {part.strip()!r} is not 'column kind' with a kind of "
                        f"{', '.join(_KINDS)}, not null",
                    )
    return said


def _read_result(said: _Comments, declared: str) -> bool:
    """Read ``column kind``, ``column not null`` or ``column kind not null``."""
    column, _, kind = declared.partition(" ")
    kind = " ".join(kind.split())
    if kind.endswith("not null"):
        said.never_null.add(column)
        kind = kind.removesuffix("not null").strip()
        if not kind:
            return True
    if kind not in _KINDS:
        return False
    said.kinds[column] = _KINDS[kind]
    return True


# How the schema files say what a column holds.
_SQLITE_KINDS: tuple[tuple[re.Pattern[str], ColumnKind], ...] = (
    (re.compile(r"\bjson_valid\((\w+)\)", re.IGNORECASE), "json"),
    (re.compile(r"\b(\w+) IN \(0, 1\)", re.IGNORECASE), "boolean"),
    (re.compile(r"\b(\w+) LIKE '____-__-__T"), "timestamp"),
)
_POSTGRES_KINDS: tuple[tuple[re.Pattern[str], ColumnKind], ...] = (
    (re.compile(r"^\s*(\w+) JSONB\b", re.IGNORECASE | re.MULTILINE), "json"),
    (re.compile(r"^\s*(\w+) BOOLEAN\b", re.IGNORECASE | re.MULTILINE), "boolean"),
    (re.compile(r"^\s*(\w+) TIMESTAMPTZ\b", re.IGNORECASE | re.MULTILINE), "timestamp"),
)


@lru_cache(maxsize=512)
def column_kinds(path: Path, dialect: Dialect, stamp: tuple[int, int]) -> dict[str, ColumnKind]:
    """Return which columns of a schema file hold documents, booleans and timestamps.

    The engines' result types do not say it everywhere (SQLite has text and integers), the schema
    does: by type in PostgreSQL, by CHECK rule in SQLite. A column name means one kind within a
    store, or :class:`QueryFileError` is raised. ``stamp`` is the file's state, for the cache.
    """
    text = read_sql(path)
    kinds: dict[str, ColumnKind] = {}
    for pattern, kind in _SQLITE_KINDS if dialect == "sqlite" else _POSTGRES_KINDS:
        for match in pattern.finditer(text):
            if kinds.setdefault(match[1], kind) != kind:
                raise QueryFileError(
                    path,
                    _line(text, match.start()),
                    f"column {match[1]!r} holds a {kind} here and a {kinds[match[1]]} elsewhere "
                    "in the store",
                )
    return kinds

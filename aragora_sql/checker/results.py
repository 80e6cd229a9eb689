"""The rule ``wrong-result``: what Python reads of a query's result is there, as it expects it.

Where both dialects were changed alike they agree with each other, and the code breaks. Rows are
followed from the call through names, loops and annotated parameters; what is taken from one by a
constant name has to be a column, and a record made of it (``record_of(Job, **row)``) gets its
fields. What can't be followed is compared with the committed types (``queries/typed/*.pyi``), which
the code was written against. The files are read and never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from aragora_sql.checker.callers import Module, Place, Sources, Use, place_of
from aragora_sql.checker.record_columns import Records
from aragora_sql.checker.remembered import remembered
from aragora_sql.checker.report import Report
from aragora_sql.checker.stubs import MADE_BY, OPERATIONS
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import DIALECTS

__all__ = ["check_results"]

_RULE = "wrong-result"
# To be raised when other things are found.
VERSION = 3
_MAKER = "record_of"
_OPERATION = re.compile(r"^Operation (\S+): ", re.MULTILINE)
_PASSED_ON = {"cast", "dict", "list", "reversed", "sorted", "tuple"}
_HOLDERS = {"AsyncIterator", "Iterable", "Iterator", "Sequence", "list", "tuple"}

Query = tuple[str, str]
Shape = Literal["call", "row", "rows"]


@dataclass(frozen=True, slots=True)
class _Value:
    """What comes of queries: a call that nobody waited for yet, a row, or what holds rows."""

    queries: frozenset[Query]
    shape: Shape


@dataclass(slots=True)
class _Stub:
    """The committed types of a store: the fields of its rows, and of each query what it gives."""

    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # by query: the sign of its operation, and the class of its rows
    operations: dict[str, str] = field(default_factory=dict)
    row_of: dict[str, str] = field(default_factory=dict)

    def fields(self, query: str) -> tuple[str, ...] | None:
        """Return the columns of a query; None where it gives no rows."""
        return self.rows.get(self.row_of.get(query, ""))


@dataclass(frozen=True, slots=True)
class _Results:
    """What the queries give: their operations, and the columns of those that give rows."""

    operations: Mapping[Query, str]
    columns: Mapping[Query, tuple[str, ...]]


def check_results(facts: Facts, report: Report, uses: Sequence[Use], sources: Sources) -> None:
    """Compare what Python reads of results with what the queries give."""
    results = _results(facts)
    # What an engine refused is told already, and nobody knows what it gives.
    refused = {problem.path.parent.name for problem in facts.problems}
    stores = [store for store in facts.stores if store not in refused]
    found = remembered(
        "results",
        [str(VERSION), *sources.texts(), *_types(sources.folders), repr((results, stores))],
        lambda: [
            (str(one.path), one.line, one.column, one.message)
            for one in _findings(results, stores, uses, sources)
        ],
    )
    report.add(
        *(Finding(Path(path), line, column, _RULE, said) for path, line, column, said in found)
    )


def _types(folders: Iterable[Path]) -> Iterator[str | bytes]:
    for folder in folders:
        for path in sorted(folder.rglob("*.pyi")):
            yield str(path)
            yield path.read_bytes()


def _findings(
    results: _Results, stores: Sequence[str], uses: Sequence[Use], sources: Sources
) -> Iterator[Finding]:
    committed = _committed(sources.folders, stores)
    classes: dict[str, set[Query]] = {}
    for store, stub in committed.items():
        for query, name in stub.row_of.items():
            classes.setdefault(name, set()).add((store, query))
    records = Records(sources.folders)
    told: set[tuple[Query, str]] = set()
    by_path: dict[Path, dict[Place, Use]] = {}
    of_stores = {*stores, *(store for store, _ in results.operations)}
    for use in uses:
        if use.place is not None and use.store in of_stores:
            by_path.setdefault(use.path, {})[use.place] = use
    # What neither calls one of these stores nor names a class of their rows says nothing of them.
    names = [name.encode() for name in classes]
    for path, source in sources.files.items():
        if isinstance(source, Finding):
            continue
        if path in by_path or any(name in source for name in names):
            module = sources.module(path)
            if module is not None:
                reader = _Reader(module, by_path.get(path, {}), results, classes, records)
                reader.read()
                yield from (finding for _, finding in reader.found)
                told |= {key for key, _ in reader.found}
    for store, stub in committed.items():
        for use in uses:
            if use.store == store:
                yield from _of_types(use, stub, results, told)


def _results(facts: Facts) -> _Results:
    operations: dict[Query, str] = {}
    columns: dict[Query, tuple[str, ...]] = {}
    for (_, store, name), query in facts.queries.items():
        operations[store, name] = query.operation
        names = tuple(column.name for column in query.columns)
        if query.operation in {"", "^"}:
            # Where the dialects differ, the rule parity-columns says so.
            columns.setdefault((store, name), names)
    for store, name in {(s, n) for _, s, n in facts.texts}:
        signs = {t.operation for d in DIALECTS if (t := facts.texts.get((d, store, name)))}
        if len(signs) > 1:
            operations.pop((store, name), None)
            columns.pop((store, name), None)
    return _Results(operations, columns)


# The committed types


def _committed(folders: Iterable[Path], stores: Iterable[str]) -> dict[str, _Stub]:
    """Return the types that were written for stores, of the last folder that has them."""
    found: dict[str, _Stub] = {}
    for folder in folders:
        for store in stores:
            for path in sorted(folder.rglob(f"{store}.pyi")):
                text = path.read_text(encoding="utf-8", errors="replace")
                if MADE_BY in text:
                    found[store] = _stub(text)
    return found


def _stub(text: str) -> _Stub:
    stub = _Stub()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return stub  # aragora-sql stubs --check says that it differs
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = [
            part.target.id
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]
        stub.rows[node.name] = tuple(fields)
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                sign = _OPERATION.search(ast.get_docstring(part) or "")
                if sign is not None:
                    stub.operations[part.name] = "" if sign[1] == "(none)" else sign[1]
                names = [n.id for n in ast.walk(part.returns or part) if isinstance(n, ast.Name)]
                row = next((name for name in names if name in stub.rows), None)
                if row is not None:
                    stub.row_of[part.name] = row
    return stub


def _of_types(
    use: Use, committed: _Stub, results: _Results, told: set[tuple[Query, str]]
) -> Iterator[Finding]:
    """Compare what the code was written against with what a query gives today, at a call of it."""
    name = use.query
    before, now = committed.operations.get(name), results.operations.get((use.store, name))
    if before is None or now is None:
        return
    if before != now:
        message = (
            f"query {use.store}.{name} gives {_told(now)}; the code was written for "
            f"{_told(before)}; where it no longer is: aragora-sql stubs"
        )
        yield Finding(use.path, use.line, use.column, _RULE, message)
        return
    had, has = committed.fields(name), results.columns.get((use.store, name))
    if had is None or has is None:
        return
    for column in had:
        if column not in has and ((use.store, name), column) not in told:
            message = (
                f"{_no_column(use.store, name, column, has)}; the code was written for a row with "
                "it; where it no longer is: aragora-sql stubs"
            )
            yield Finding(use.path, use.line, use.column, _RULE, message)


def _told(operation: str) -> str:
    return f"{OPERATIONS[operation]} (operation {operation or 'none'})"


def _no_column(store: str, name: str, column: str, columns: Iterable[str]) -> str:
    columns = tuple(columns)
    near = get_close_matches(column, columns, n=1)
    there = f"there is {near[0]!r}" if near else f"it gives {', '.join(columns) or 'none'}"
    return f"query {store}.{name} gives no column {column!r}; {there}"


# What the code does with rows


class _Reader:
    """Follows rows through the functions of a module.

    ``found`` are the findings, each with the query and the column that it is about.
    """

    def __init__(
        self,
        module: Module,
        uses: Mapping[Place, Use],
        results: _Results,
        classes: Mapping[str, set[Query]],
        records: Records,
    ) -> None:
        self.found: list[tuple[tuple[Query, str], Finding]] = []
        self._module = module
        self._uses = uses
        self._results = results
        self._classes = classes
        self._records = records
        self._generic: set[str] = set()
        self._given: dict[str, _Value] = {}

    def read(self) -> None:
        """Read every function of the module, where it calls queries or names their rows."""
        imported = {there for _, there in self._module.imports.values()}
        if not self._uses and imported.isdisjoint(self._classes):
            return
        functions = list(_functions(self._module.tree.body))
        self._generic = _generic_functions(self._module.tree, functions)
        given: dict[str, set[_Value | None]] = {}
        for node in functions:
            given.setdefault(node.name, set()).add(self._annotated(node.returns))
        # Classes may have methods of one name, each of rows of another store.
        for name, values in given.items():
            value = next(iter(values)) if len(values) == 1 else None
            if value is not None:
                self._given[name] = value
        for node in functions:
            self._read_function(node)

    def _read_function(self, node: Function) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        known = {
            argument.arg: value
            for argument in arguments
            if (value := self._annotated(argument.annotation)) is not None
        }
        _Function(self, known, _changes(node)).visit_body(node.body)

    def use_of(self, node: ast.expr) -> Use | None:
        """Return the query that a call calls."""
        return self._uses.get(place_of(node))

    def is_generic(self, name: str) -> bool:
        """Tell whether a function of the module gives what it is given, or what comes of it."""
        return name in self._generic

    def given_by(self, name: str) -> _Value | None:
        """Return what a function of the module says that it returns, where that is rows."""
        return self._given.get(name)

    def operation(self, query: Query) -> str | None:
        """Return the sign of a query's operation; None where the dialects or engines differ."""
        return self._results.operations.get(query)

    def _annotated(self, annotation: ast.expr | None) -> _Value | None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return None
        if annotation is None:
            return None
        names = {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)}
        queries = {query for name in names for query in self._queries_of(name)}
        if not queries:
            return None
        held = not names.isdisjoint(_HOLDERS)
        return _Value(frozenset(queries), "rows" if held else "row")

    def _queries_of(self, name: str) -> set[Query]:
        """Return the queries that give rows of a class; of two stores' classes the import says."""
        parts, there = self._module.imports.get(name, ((), name))
        found = self._classes.get(there, set())
        imported = {query for query in found if query[0] in parts[-1:]}
        return imported or (found if len({store for store, _ in found}) == 1 else set())

    def columns(self, value: _Value) -> Iterator[tuple[Query, tuple[str, ...]]]:
        """Return the columns of each query that a row may come from, where they are known."""
        for query in sorted(value.queries):
            if query in self._results.columns:
                yield query, self._results.columns[query]

    def add(self, node: ast.expr, query: Query, about: str, message: str) -> None:
        """Add a finding at a place of the module."""
        finding = Finding(self._module.path, node.lineno, node.col_offset + 1, _RULE, message)
        self.found.append(((query, about), finding))

    def fields(self, store: str, name: str) -> Mapping[str, bool] | None:
        """Return the fields of a store's record, and whether each has to be given."""
        return self._records.required(store, name)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(body: Iterable[ast.AST]) -> Iterator[Function]:
    """Find the functions and methods, those within others too."""
    for node in body:
        if isinstance(node, Function):
            yield node
        if isinstance(node, ast.stmt):
            yield from _functions(ast.iter_child_nodes(node))


def _generic_functions(tree: ast.Module, functions: Iterable[Function]) -> set[str]:
    """Return the functions whose result is of a type variable that an argument is of."""
    variables = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2] == "TypeVar"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = set()
    for node in functions:
        if node.returns is not None:
            own = variables | {one.name for one in getattr(node, "type_params", ())}
            given = {n.id for a in node.args.args if a.annotation for n in _names(a.annotation)}
            if own & given & {n.id for n in _names(node.returns)}:
                found.add(node.name)
    return found


def _names(node: ast.AST) -> Iterator[ast.Name]:
    return (one for one in ast.walk(node) if isinstance(one, ast.Name))


@dataclass(frozen=True, slots=True)
class _Changed:
    """What a function does to a dictionary: names added and taken away, or nobody knows what."""

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    is_open: bool = False


def _changes(function: ast.AST) -> Mapping[str, _Changed]:
    """Return what a function changes in the dictionaries that its names mean."""
    found: dict[str, _Changed] = {}

    def note(
        name: str, *, added: str | None = None, removed: str | None = None, is_open: bool = False
    ) -> None:
        before = found.get(name, _Changed())
        found[name] = _Changed(
            added=before.added | ({added} if added else set()),
            removed=before.removed | ({removed} if removed else set()),
            is_open=before.is_open or is_open,
        )

    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            key, name = _constant(node.slice), node.value.id
            if isinstance(node.ctx, ast.Store):
                note(name, added=key, is_open=key is None)
            elif isinstance(node.ctx, ast.Del):
                note(name, removed=key, is_open=key is None)
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            key, name = _constant(node.args[0]) if node.args else None, node.func.value.id
            if node.func.attr == "pop":
                note(name, removed=key, is_open=key is None)
            elif node.func.attr in {"clear", "setdefault", "update"}:
                note(name, is_open=True)
        # Who is given the dictionary itself may change it; cast() and the like don't.
        if not (isinstance(node.func, ast.Name) and node.func.id in _PASSED_ON):
            for argument in node.args:
                if isinstance(argument, ast.Name):
                    note(argument.id, is_open=True)
    return found


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class _Function(ast.NodeVisitor):
    """Follows rows through one function, statement by statement."""

    def __init__(
        self, reader: _Reader, known: dict[str, _Value], changes: Mapping[str, _Changed]
    ) -> None:
        self._reader = reader
        self._known = known
        self._changes = changes

    def visit_body(self, body: Iterable[ast.stmt]) -> None:
        """Read the statements of the function."""
        for statement in body:
            self.visit(statement)

    def visit_FunctionDef(self, node: Function) -> None:
        """Leave functions within to their own turn."""

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        value = self._value(node.value)
        for target in node.targets:
            self._bind(target, value)
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._bind(node.target, self._value(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target, self._value(node.value))

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._check_iteration(node.iter, is_async=isinstance(node, ast.AsyncFor))
        self._bind(node.target, self._each(node.iter))
        self.visit_body([*node.body, *node.orelse])

    visit_AsyncFor = visit_For  # noqa: N815

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        outer = dict(self._known)
        self._enter(node)
        self.generic_visit(node)
        self._known = outer

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = (  # noqa: N815
        _visit_comprehension
    )

    def _enter(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        for part in node.generators:
            self._check_iteration(part.iter, is_async=bool(part.is_async))
            self._bind(part.target, self._each(part.iter))

    def visit_Await(self, node: ast.Await) -> None:
        use = self._reader.use_of(node.value)
        if use is not None and self._reader.operation((use.store, use.query)) == "":
            message = (
                f"query {use.store}.{use.query} gives every row: read it with 'async for', not "
                "with 'await'"
            )
            self._reader.add(node.value, (use.store, use.query), "", message)
        self.generic_visit(node)

    def _check_iteration(self, node: ast.expr, *, is_async: bool) -> None:
        use = self._reader.use_of(node)
        sign = None if use is None else self._reader.operation((use.store, use.query))
        if use is not None and is_async and sign not in {"", None}:
            message = (
                f"query {use.store}.{use.query} gives no rows to go through (operation {sign}): "
                "await it"
            )
            self._reader.add(node, (use.store, use.query), "", message)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.generic_visit(node)
        key = _constant(node.slice)
        if key is not None and isinstance(node.ctx, ast.Load):
            self._check_key(node, node.value, key)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "pop" and len(node.args) == 1:
            key = _constant(node.args[0])
            if key is not None:
                self._check_key(node, func.value, key)
        for keyword in node.keywords:
            if keyword.arg is None:
                self._check_record(node, keyword.value)

    def _check_key(self, node: ast.expr, row: ast.expr, key: str) -> None:
        value = self._value(row)
        if value is None or value.shape != "row":
            return
        if key in self._change(row).added:
            return
        for query, columns in self._reader.columns(value):
            if key not in columns:
                self._reader.add(node, query, key, _no_column(*query, key, columns))

    def _change(self, row: ast.expr) -> _Changed:
        name = row.id if isinstance(row, ast.Name) else ""
        return self._changes.get(name, _Changed())

    def _check_record(self, call: ast.Call, row: ast.expr) -> None:
        """Compare ``record_of(Job, **row)`` and ``Job(**row)`` with the fields of the record."""
        value, changed = self._value(row), self._change(row)
        if value is None or value.shape != "row" or changed.is_open:
            return
        kind = call.func
        if isinstance(kind, ast.Name) and kind.id == _MAKER and call.args:
            kind = call.args[0]
        elif call.args:
            return
        name = kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "")
        others = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
        for query, columns in self._reader.columns(value):
            fields = self._reader.fields(query[0], name)
            if fields is None or len([k for k in call.keywords if k.arg is None]) > 1:
                continue
            given = ({*columns} - changed.removed) | changed.added | others
            for field_name, is_needed in fields.items():
                if is_needed and field_name not in given:
                    what = _no_column(*query, field_name, columns)
                    self._reader.add(row, query, field_name, f"{what}; {name} needs it")
            for column in sorted(given - fields.keys()):
                what = f"query {query[0]}.{query[1]} gives {column!r}, which is no field of {name}"
                self._reader.add(row, query, column, what)

    def _bind(self, target: ast.expr, value: _Value | None) -> None:
        if isinstance(target, ast.Name):
            if value is None:
                self._known.pop(target.id, None)
            else:
                self._known[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._bind(one, None)

    def _each(self, node: ast.expr) -> _Value | None:
        """Return what is met when something is gone through."""
        value = self._value(node)
        if value is None:
            return None
        if value.shape == "rows":
            return replace(value, shape="row")
        is_many = all(self._reader.operation(query) == "" for query in value.queries)
        return replace(value, shape="row") if value.shape == "call" and is_many else None

    def _value(self, node: ast.expr) -> _Value | None:
        """Return what an expression is, where it comes of queries."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id)
        if isinstance(node, ast.NamedExpr):
            return self._value(node.value)
        if isinstance(node, ast.Await):
            return self._awaited(self._value(node.value))
        if isinstance(node, ast.IfExp):
            return self._value(node.body) or self._value(node.orelse)
        if isinstance(node, ast.BoolOp):
            return next((v for part in node.values if (v := self._value(part))), None)
        if isinstance(node, ast.Subscript):
            return self._part(node)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            outer = dict(self._known)
            for part in node.generators:
                self._bind(part.target, self._each(part.iter))
            inner = self._value(node.value if isinstance(node, ast.DictComp) else node.elt)
            self._known = outer
            held = inner is not None and inner.shape == "row"
            return replace(inner, shape="rows") if inner is not None and held else None
        if isinstance(node, ast.Call):
            return self._called(node)
        return None

    def _awaited(self, value: _Value | None) -> _Value | None:
        if value is None or value.shape != "call":
            return value
        is_one = all(self._reader.operation(query) == "^" for query in value.queries)
        return replace(value, shape="row") if is_one else None

    def _part(self, node: ast.Subscript) -> _Value | None:
        value = self._value(node.value)
        if value is None or value.shape != "rows":
            return None
        return value if isinstance(node.slice, ast.Slice) else replace(value, shape="row")

    def _called(self, node: ast.Call) -> _Value | None:
        use = self._reader.use_of(node)
        if use is not None:
            return _Value(frozenset({(use.store, use.query)}), "call")
        func = node.func
        if isinstance(func, ast.Name):
            if func.id in _PASSED_ON and node.args:
                return self._value(node.args[-1 if func.id == "cast" else 0])
            if self._reader.is_generic(func.id) and node.args:
                value = self._value(node.args[0])
                if value is None or value.shape != "call":
                    return value
                is_many = all(self._reader.operation(query) == "" for query in value.queries)
                return replace(value, shape="rows") if is_many else self._awaited(value)
            return self._reader.given_by(func.id)
        if isinstance(func, ast.Attribute):
            value = self._value(func.value)
            if value is not None and value.shape == "rows":
                if func.attr == "values":
                    return value
                return replace(value, shape="row") if func.attr in {"get", "pop"} else None
            if value is not None and value.shape == "row" and func.attr == "copy":
                return value
            if isinstance(func.value, ast.Name) and func.value.id == "self":
                return self._reader.given_by(func.attr)
        return None

"""Rules about the Python code that calls the queries, which is read and never run.

A query is called as an attribute of a store's query object: ``self._queries.get_debate(connection,
debate_id=…)``. Whose object it is, is said by an annotation (``CritiqueQueries``), by
``load_queries("critique", …)``, or by the ``name`` of the store's class.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from aragora_sql.checker.remembered import is_remembered, remembered
from aragora_sql.checker.report import Report, Scope
from aragora_sql.checker.stubs import class_name
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import QueryText

__all__ = [
    "Module",
    "Place",
    "Sources",
    "Use",
    "check_callers",
    "check_calls_by_name",
    "place_of",
    "stores_called",
]

# To be raised when other calls are found.
VERSION = 2
_REMEMBERED_AS = "callers"
_OBJECT = "_queries"
_BATCH = "*!"
# Calls of the migration's queries give the name as a text; of the last, the parameters are rows.
_BY_NAME = "aragora_sql.migration.statements"
_BY_ROWS = "call_many"


Place = tuple[str, int, int, int, int]
"""The kind of a node of a syntax tree, and the lines and columns where it begins and ends."""


def place_of(node: ast.expr) -> Place:
    """Return the place of a node, which is that of no other one of its kind."""
    end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
    return type(node).__name__, node.lineno, node.col_offset, end_line, end_column


@dataclass(frozen=True, slots=True)
class Use:
    """A query that Python names, and the call or attribute by which it does.

    ``keywords`` is None where it is not called on the spot, or with ``**values``. ``place`` is that
    of the node of the syntax tree.
    """

    path: Path
    line: int
    column: int
    store: str
    query: str
    keywords: tuple[str, ...] | None
    place: Place | None = None


@dataclass(slots=True)
class _Class:
    store: str | None
    bases: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Module:
    """A Python file that has to do with queries.

    ``imports`` are the names that it takes from other modules: of each the module, its parts from
    the right one on, and the name there.
    """

    path: Path
    tree: ast.Module
    constants: dict[str, str] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    classes: dict[str, _Class] = field(default_factory=dict)
    imports: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """The module's dotted name as far as its folders go, from the root of the disk."""
        parts = self.path.with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts


Found = tuple[list[Use], list[Finding]]
"""What Python files call, and those that could not be read."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The Python files of some folders; ``stores`` are all those whose queries they may call."""

    folders: tuple[Path, ...]
    stores: tuple[str, ...]
    files: Mapping[Path, bytes | Finding]

    @classmethod
    def of(cls, folders: Iterable[Path], stores: Iterable[str]) -> Sources:
        """Read the files; of one that can't be read there is a finding."""
        folders = tuple(folders)
        return cls(folders, tuple(stores), {path: _read(path) for path in _python_files(folders)})

    def texts(self) -> Iterator[str | bytes]:
        """Yield all that is said in the files."""
        yield from self.stores
        for path, source in self.files.items():
            yield str(path)
            yield str(source) if isinstance(source, Finding) else source

    def module(self, path: Path) -> Module | None:
        """Parse a file; None for one that can't be."""
        tree = _parsed(path, self.files[path], b"")
        if not isinstance(tree, ast.Module):
            return None
        module = Module(path, tree)
        _read_imports(module)
        return module

    def are_known(self) -> bool:
        """Tell whether :meth:`uses` would parse nothing."""
        return is_remembered(_REMEMBERED_AS, [str(VERSION), *self.texts()])

    def uses(self, *, by_name: bool = False) -> tuple[tuple[Use, ...], tuple[Finding, ...]]:
        """Return the calls without their nodes, and what can't be read; parsed only where new.

        ``by_name``: those that name a query of the migration in a text.
        """
        find = _calls_by_name if by_name else _calls
        said = remembered(
            "callers-by-name" if by_name else _REMEMBERED_AS,
            [str(VERSION), *self.texts()],
            lambda: _plain(find(self)),
        )
        uses = (
            Use(
                Path(path),
                *(line, column, store, query),
                None if given is None else tuple(given),
                None if place is None else tuple(place),
            )
            for path, line, column, store, query, given, place in said["uses"]
        )
        return tuple(uses), tuple(
            Finding(Path(path), line, column, rule, message)
            for path, line, column, rule, message in said["problems"]
        )


def _plain(found: Found) -> dict[str, Any]:
    uses, problems = found
    return {
        "uses": [(str(use.path), *astuple(use)[1:]) for use in uses],
        "problems": [
            (str(one.path), one.line, one.column, one.rule, one.message) for one in problems
        ],
    }


def check_callers(facts: Facts, report: Report, sources: Sources) -> tuple[Use, ...]:
    """Compare the calls in Python files with the queries: each exists, fits and is called."""
    uses, problems = sources.uses()
    report.add(*problems)
    known: dict[str, dict[str, list[QueryText]]] = {store: {} for store in facts.stores}
    for (_, store, name), text in facts.texts.items():
        known[store].setdefault(name, []).append(text)
    for use in uses:
        if use.store not in known:
            continue
        texts = known[use.store].get(use.query)
        if texts is None:
            report.add(_unknown(use, set(known[use.store])))
        else:
            _check_parameters(texts, report, use)
    used = {(use.store, use.query) for use in uses}
    for (_, store, name), text in facts.texts.items():
        if (store, name) not in used:
            report.add(_unused(text), subject="unused-query", scopes=[Scope(text.path, name)])
    return uses


def check_calls_by_name(
    queries: Mapping[str, QueryText], report: Report, folders: Iterable[Path]
) -> None:
    """Compare the calls that name a query of the migration in a text with its queries.

    Nothing is compared where the folders hold no such call: they are not the migration's code.
    """
    sources = Sources.of(folders, ())
    uses, problems = sources.uses(by_name=True)
    report.add(*problems)
    for use in uses:
        if use.query in queries:
            _check_parameters([queries[use.query]], report, use)
        else:
            report.add(_unknown(use, set(queries)))
    if uses:
        used = {use.query for use in uses}
        report.add(*(_unused(query) for name, query in queries.items() if name not in used))


def _python_files(folders: Iterable[Path]) -> list[Path]:
    return sorted({path for folder in folders for path in folder.rglob("*.py")})


def _calls_by_name(sources: Sources) -> Found:
    uses: list[Use] = []
    problems: list[Finding] = []
    for path, source in sources.files.items():
        tree = _parsed(path, source, _BY_NAME.encode())
        if isinstance(tree, Finding):
            problems.append(tree)
        elif tree is not None:
            uses += _uses_by_name(path, tree)
    return uses, problems


def _uses_by_name(path: Path, tree: ast.Module) -> Iterator[Use]:
    functions = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == _BY_NAME
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        named = node.args[1] if len(node.args) > 1 else None
        if node.func.id in functions and isinstance(named, ast.Constant):
            given = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
            whole = len(given) == len(node.keywords) and functions[node.func.id] != _BY_ROWS
            yield Use(
                path,
                named.lineno,
                named.col_offset + 1,
                "migration",
                str(named.value),
                given if whole else None,
            )


def _unknown(use: Use, names: set[str]) -> Finding:
    near = ", ".join(_near(use.query, names))
    message = f"store {use.store!r} has no query {use.query!r}"
    if near:
        message += f"; there is {near}"
    return Finding(use.path, use.line, use.column, "unknown-query", message)


def _unused(query: QueryText) -> Finding:
    return Finding(query.path, query.line, 1, "unused-query", f"nothing calls query {query.name!r}")


def _near(name: str, names: set[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, sorted(names), n=3)


def _check_parameters(texts: Iterable[QueryText], report: Report, use: Use) -> None:
    if use.keywords is None:
        return
    wrong = next((t for t in texts if set(t.parameters) != set(use.keywords)), None)
    if wrong is None or wrong.operation in {_BATCH, "#"}:
        return
    given, wanted = set(use.keywords), set(wrong.parameters)
    problems = [f"missing {name!r}" for name in sorted(wanted - given)]
    problems += [f"unknown {name!r}" for name in sorted(given - wanted)]
    where = "/".join(wrong.path.parts[-3:])
    message = f"{use.store}.{use.query}: {', '.join(problems)} ({where}:{wrong.line})"
    report.add(Finding(use.path, use.line, use.column, "wrong-parameters", message))


def stores_called(path: Path, folders: Iterable[Path], stores: Iterable[str]) -> set[str]:
    """Return the stores that a Python file calls; ``folders`` hold what it may be based on."""
    uses, _ = Sources.of([*folders, path.parent], stores).uses()
    return {use.store for use in uses if use.path == path}


def _calls(sources: Sources) -> Found:
    modules: list[Module] = []
    problems: list[Finding] = []
    for path, source in sources.files.items():
        # Most files have nothing to do with queries.
        tree = _parsed(path, source, b"queries", b"Queries", b"(Store")
        if isinstance(tree, Finding):
            problems.append(tree)
        elif tree is not None:
            modules.append(Module(path, tree))
    by_class = {class_name(store): store for store in sources.stores}
    for module in modules:
        _read_names(module, by_class)
        _read_imports(module)
    classes = _Classes(modules)
    names = [_names_in(module, classes, by_class) for module in modules]
    for module, named in zip(modules, names, strict=True):
        _read_classes(module, named)
    attributes = _attributes(modules, names)
    uses: list[Use] = []
    for module, named in zip(modules, names, strict=True):
        visitor = _Visitor(module, named, classes, attributes)
        visitor.visit(module.tree)
        uses += visitor.uses
    return uses, problems


@dataclass(frozen=True, slots=True)
class _Names:
    """What names mean in a module: those that make queries of a store, and texts."""

    by_class: Mapping[str, str]
    makers: Mapping[str, str]
    constants: Mapping[str, str]


def _names_in(module: Module, classes: _Classes, by_class: Mapping[str, str]) -> _Names:
    # A class is called to make one of it, a function because it says that it returns one.
    makers = {**by_class, **classes.meant(module, lambda one: one.makers)}
    return _Names(by_class, makers, classes.meant(module, lambda one: one.constants))


class _Classes:
    """Whose queries a class calls: a name means the class of its own module, or what it imports."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = tuple(modules)
        self._by_parts: dict[tuple[str, ...], list[Module]] = {}
        for module in self._modules:
            for length in range(1, len(module.parts) + 1):
                self._by_parts.setdefault(module.parts[-length:], []).append(module)

    def meant(self, module: Module, of: Callable[[Module], Mapping[str, str]]) -> dict[str, str]:
        """Return what names of a kind mean in a module: its own, what it imports, or the only one.

        Modules may have functions and texts of one name, each about another store.
        """
        everywhere: dict[str, set[str]] = {}
        for one in self._modules:
            for name, what in of(one).items():
                everywhere.setdefault(name, set()).add(what)
        found = {name: next(iter(all_)) for name, all_ in everywhere.items() if len(all_) == 1}
        for name, (parts, there) in module.imports.items():
            origins = [one for one in self._by_parts.get(parts, ()) if one is not module]
            imported = {said[there] for one in origins if there in (said := of(one))}
            if len(imported) == 1:
                found[name] = next(iter(imported))
        return {**found, **of(module)}

    def attribute_of(
        self,
        module: Module,
        name: str,
        attribute: str,
        seen: frozenset[tuple[Path, str]] = frozenset(),
    ) -> str | None:
        """Return the store whose queries a class keeps in an attribute; None for none known."""
        for one, found in self._origins(module, name, seen):
            if attribute in found.attributes:
                return found.attributes[attribute]
            within = seen | {(module.path, name)}
            stores = (self.attribute_of(one, base, attribute, within) for base in found.bases)
            store = next((store for store in stores if store is not None), None)
            if store is not None:
                return store
        return None

    def _origins(
        self, module: Module, name: str, seen: frozenset[tuple[Path, str]]
    ) -> list[tuple[Module, _Class]]:
        """Return the class that a name means in a module, and its own module; none if not known."""
        if (module.path, name) in seen:
            return []
        if name in module.classes:
            return [(module, module.classes[name])]
        parts, there = module.imports.get(name, ((), name))
        origins = [one for one in self._by_parts.get(parts, ()) if one is not module]
        found = [(one, one.classes[there]) for one in origins if there in one.classes]
        return found if len(found) == 1 else []

    def store_of(
        self, module: Module, name: str, seen: frozenset[tuple[Path, str]] = frozenset()
    ) -> str | None:
        """Return the store of a class as a module calls it; None for an unknown one."""
        if (module.path, name) in seen:
            return None
        seen |= {(module.path, name)}
        found = module.classes.get(name)
        if found is not None:
            if found.store is not None:
                return found.store
            stores = (self.store_of(module, base, seen) for base in found.bases)
            return next((store for store in stores if store is not None), None)
        if name in module.imports:
            parts, there = module.imports[name]
            origins = [one for one in self._by_parts.get(parts, ()) if one is not module]
        else:
            there, origins = name, []
        # A module between may hold nothing about queries, or the name be one of a module's: then
        # any class of this name is meant, where all agree.
        origins = origins or [one for one in self._modules if there in one.classes]
        known = {self.store_of(one, there, seen) for one in origins} - {None}
        return next(iter(known)) if len(known) == 1 else None


def _read(path: Path) -> bytes | Finding:
    try:
        return path.read_bytes()
    except OSError as error:
        return _unreadable(path, error)


def _parsed(path: Path, source: bytes | Finding, *words: bytes) -> ast.Module | Finding | None:
    """Parse a Python file that holds one of the words; None for others."""
    if isinstance(source, Finding):
        return source
    try:
        return ast.parse(source) if any(word in source for word in words) else None
    except (SyntaxError, ValueError) as error:
        return _unreadable(path, error)


def _unreadable(path: Path, error: Exception) -> Finding:
    line = getattr(error, "lineno", None) or 1
    return Finding(path, line, 1, "unknown-query", f"cannot be read: {error}")


def _read_names(module: Module, by_class: Mapping[str, str]) -> None:
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    module.constants[target.id] = node.value.value
        if isinstance(node, ast.FunctionDef):
            store = _annotated(node.returns, by_class)
            if store is not None:
                module.makers[node.name] = store


def _read_imports(module: Module) -> None:
    inner = [part for node in module.tree.body if isinstance(node, ast.If) for part in node.body]
    for node in (*module.tree.body, *inner):
        if isinstance(node, ast.ImportFrom):
            parts = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                # A package is its own parent folder's child.
                up = node.level - (module.path.stem == "__init__")
                parts = module.parts[: len(module.parts) - up] + parts
            for alias in node.names:
                module.imports[alias.asname or alias.name] = parts, alias.name


def _read_classes(module: Module, names: _Names) -> None:
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            own = _read_class(node, names.by_class)
            for target, value in _assigned(node):
                store = _loaded(value, names.makers, names.constants)
                if store is not None and _is_own(target.value):
                    own.attributes.setdefault(target.attr, store)
            if own.store is None:
                own.store = own.attributes.get(_OBJECT)
            module.classes[node.name] = own


def _is_own(node: ast.expr) -> bool:
    """Tell whether this is the object of a class, or the class, within it."""
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _assigned(within: ast.AST) -> Iterator[tuple[ast.Attribute, ast.expr]]:
    """Find what is assigned to attributes: ``self.x = …``, with or without annotation."""
    for node in ast.walk(within):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute):
                    yield target, node.value
        elif (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Attribute)
            and node.value is not None
        ):
            yield node.target, node.value


def _read_class(node: ast.ClassDef, by_class: Mapping[str, str]) -> _Class:
    store = None
    for part in node.body:
        if (
            isinstance(part, ast.Assign)
            and isinstance(part.value, ast.Constant)
            and any(isinstance(t, ast.Name) and t.id == "name" for t in part.targets)
        ):
            store = str(part.value.value)
        if (
            isinstance(part, ast.AnnAssign)
            and isinstance(part.target, ast.Name)
            and part.target.id == _OBJECT
        ):
            store = _annotated(part.annotation, by_class) or store
    bases = [_last_name(base) for base in node.bases]
    bases += [
        _last_name(inner)
        for base in node.bases
        if isinstance(base, ast.Subscript)
        for inner in ast.walk(base.slice)
        if isinstance(inner, ast.Name | ast.Attribute)
    ]
    for base in bases:
        store = store or by_class.get(base)
    return _Class(store, tuple(bases))


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _annotated(annotation: ast.expr | None, by_class: Mapping[str, str]) -> str | None:
    return next(iter(_all_annotated(annotation, by_class)), None)


def _all_annotated(annotation: ast.expr | None, by_class: Mapping[str, str]) -> tuple[str, ...]:
    """Return the stores of the classes in an annotation: of ``A | B`` both are meant."""
    if annotation is None:
        return ()
    words = _words(ast.unparse(annotation))
    return tuple(store for name, store in by_class.items() if name in words)


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def _loaded(
    value: ast.expr, by_class: Mapping[str, str], constants: Mapping[str, str]
) -> str | None:
    """Return the store of ``load_queries(store, …)``, or of a class of queries that is made."""
    if not isinstance(value, ast.Call):
        return None
    name = _last_name(value.func)
    if name in by_class:
        return by_class[name]
    if name != "load_queries" or not value.args:
        return None
    given = value.args[0]
    return str(given.value) if isinstance(given, ast.Constant) else constants.get(_last_name(given))


def _attributes(modules: Iterable[Module], names: Iterable[_Names]) -> dict[str, str]:
    """Return which attributes (``self.x = load_queries(…)``) mean one store everywhere."""
    found: dict[str, set[str]] = {}
    for module, named in zip(modules, names, strict=True):
        for target, value in _assigned(module.tree):
            # Each class has one of these, of its own store.
            is_own = target.attr == _OBJECT
            store = None if is_own else _loaded(value, named.makers, named.constants)
            if store is not None:
                found.setdefault(target.attr, set()).add(store)
    return {name: next(iter(stores)) for name, stores in found.items() if len(stores) == 1}


class _Visitor(ast.NodeVisitor):
    """Finds what is taken from a query object."""

    def __init__(
        self,
        module: Module,
        names: _Names,
        classes: _Classes,
        attributes: Mapping[str, str],
    ) -> None:
        self.uses: list[Use] = []
        self._module = module
        self._names = names
        self._classes = classes
        self._attributes = attributes
        self._class: str | None = None
        self._store: str | None = None
        # Of each name the stores whose queries it may be; or the class of an object.
        self._locals: list[dict[str, tuple[str, ...]]] = [{}]
        self._objects: list[dict[str, str]] = [{}]
        self._called: set[ast.expr] = set()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer = self._class, self._store
        self._class, self._store = node.name, self._classes.store_of(self._module, node.name)
        self.generic_visit(node)
        self._class, self._store = outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        given = node.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        arguments += [one for one in (given.vararg, given.kwarg) if one is not None]
        stores = {
            argument.arg: _all_annotated(argument.annotation, self._names.by_class)
            for argument in arguments
        }
        # What an argument is called means nothing else in the function.
        self._locals.append({**self._locals[-1], **stores})
        objects = {
            argument.arg: _last_name(argument.annotation) if argument.annotation else ""
            for argument in arguments
        }
        self._objects.append({**self._objects[-1], **objects})
        self.generic_visit(node)
        self._locals.pop()
        self._objects.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._locals[-1].pop(node.id, None)
            self._objects[-1].pop(node.id, None)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assign(node, node.targets, self._made(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        stores = _all_annotated(node.annotation, self._names.by_class)
        self._assign(node, [node.target], stores or self._made(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assign(node, [node.target], self._made(node.value))

    def _assign(self, node: ast.AST, targets: Iterable[ast.expr], stores: tuple[str, ...]) -> None:
        # A name that is given something else means what it meant no longer.
        self.generic_visit(node)
        for target in targets:
            if isinstance(target, ast.Name) and stores:
                self._locals[-1][target.id] = stores

    def _made(self, node: ast.expr | None) -> tuple[str, ...]:
        """Return the stores whose queries an expression gives."""
        if isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.Attribute):
            store = self._known(node)
            return () if store is None else (store,)
        else:
            return () if node is None else self._owners(node)
        return tuple(dict.fromkeys(store for part in parts for store in self._made(part)))

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            for store in self._owners(node.func.value):
                keywords = [keyword.arg for keyword in node.keywords]
                known = tuple(name for name in keywords if name is not None)
                # of **values the names are not known
                complete = len(known) == len(keywords)
                self._add(store, node.func, known if complete else None, node)
                self._called.add(node.func)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node not in self._called:
            for store in self._owners(node.value):
                self._add(store, node, None, node)
        self.generic_visit(node)

    def _add(
        self,
        store: str,
        node: ast.Attribute,
        keywords: tuple[str, ...] | None,
        whole: ast.expr,
    ) -> None:
        if not node.attr.startswith("_"):
            line, column = node.end_lineno or node.lineno, node.col_offset + 1
            path = self._module.path
            self.uses.append(Use(path, line, column, store, node.attr, keywords, place_of(whole)))

    def _owners(self, node: ast.expr) -> tuple[str, ...]:
        """Return the stores that a query object may be of; none for anything else."""
        if isinstance(node, ast.Name):
            return self._locals[-1].get(node.id, ())
        store = (
            self._known(node) or self._attributes.get(node.attr)
            if isinstance(node, ast.Attribute)
            else _loaded(node, self._names.makers, self._names.constants)
        )
        return () if store is None else (store,)

    def _known(self, node: ast.Attribute) -> str | None:
        """Return the store of a query object that is an attribute of an object that is known."""
        of = self._class if _is_own(node.value) else None
        if isinstance(node.value, ast.Name) and of is None:
            of = self._objects[-1].get(node.value.id) or None
        if node.attr == _OBJECT:
            # That of another object is not that of the class around.
            return None if of is None else self._classes.store_of(self._module, of)
        return None if of is None else self._classes.attribute_of(self._module, of, node.attr)

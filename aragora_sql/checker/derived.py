"""Makes the files that follow from the table of stores: so that nobody names a store twice.

They are the types of what ``aragora_sql`` exports (``aragora_sql/__init__.pyi``), the order of the
unified schemas, README's table of stores, and the pages of ``docs/reference/``.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from aragora_sql.checker.store_layout import class_definition, read_table
from aragora_sql.database import Dialect
from aragora_sql.engines.reference import markdown_pages
from aragora_sql.exports import SHARED
from aragora_sql.queries.files import DIALECTS, read_sql
from aragora_sql.schema import list_stores
from aragora_sql.stores import StoreEntry
from aragora_sql.stores.binding import class_doc, factory_doc

__all__ = ["derived_files"]

_WIDTH = 100
_INCLUDES = re.compile(r"(?:^(?:-- )?\\ir \S+\n)+", re.MULTILINE)
_INCLUDE = re.compile(r"^(?:-- )?\\ir (?P<path>\S+)\n", re.MULTILINE)
_README_TABLE = re.compile(r"^\| store \| class \| SQL \| keeps \|\n(?:\|.*\n)+", re.MULTILINE)
# What the bound classes and the factory functions take.
_BINDING = {
    "Pool": "aragora_sql.database.postgres",
    "PostgresDatabase": "aragora_sql.database.postgres",
    "SQLiteDatabase": "aragora_sql.database.sqlite",
    "Path": "pathlib",
}


def derived_files(root: Path) -> dict[Path, str]:
    """Return the files that follow from a checkout's table of stores, with what they should hold.

    Paths are below ``root``.
    """
    table = read_table(root)
    files = {Path("aragora_sql/__init__.pyi"): _stub(root, table)}
    for dialect in DIALECTS:
        path = Path("sql", dialect, "schema.sql")
        files[path] = _unified_schema(root, read_sql(root / path), table, dialect)
    readme = (root / "README.md").read_text(encoding="utf-8")
    files[Path("README.md")] = _README_TABLE.sub(lambda _: _readme_table(table), readme)
    return files | markdown_pages(root, table)


def _unified_schema(root: Path, text: str, table: Sequence[StoreEntry], dialect: Dialect) -> str:
    """Put the stores in their order; what belongs to no store stays in front."""
    if dialect == "postgres":
        return list_stores(text, {entry.name: _version(root, entry.name) for entry in table})
    stores = [f"-- \\ir {entry.name}/schema.sql\n" for entry in table]

    def ordered(block: re.Match[str]) -> str:
        system = [line[0] for line in _INCLUDE.finditer(block[0]) if line["path"].startswith("../")]
        return "".join([*system, *stores])

    return _INCLUDES.sub(ordered, text)


def _version(root: Path, store: str) -> int:
    """Return the version that a store's upgrades lead to; 1 for one whose folder is missing."""
    return 1 + len(list((root / "sql" / "postgres" / store / "upgrades").glob("*.sql")))


def _readme_table(table: Sequence[StoreEntry]) -> str:
    rows = "".join(
        f"| {entry.name} | `{entry.class_name}` | `sql/*/{entry.name}/` | {entry.keeps} |\n"
        for entry in table
    )
    return f"| store | class | SQL | keeps |\n|---|---|---|---|\n{rows}"


# The stub


def _stub(root: Path, table: Sequence[StoreEntry]) -> str:
    imports = {name: module for name, module in _BINDING.items() if name != "PostgresDatabase"}
    public: dict[str, str] = {name: module for module, names in SHARED.items() for name in names}
    for name in public:
        imports.pop(name, None)
    parts: list[str] = []
    starred = list(public)
    for entry in table:
        for name in (entry.class_name, *entry.exports):
            public[name] = entry.module
        if entry.extra is None:
            starred += entry.names
        others = _other_parameters(root, entry, imports)
        parts += _classes(entry, others)
        parts += _factories(entry)
    for name in public:
        imports.pop(name, None)
    head = '"""The types of what the package exports; ``aragora-sql stores --write`` makes them."""'
    all_names = "".join(f'    "{name}",\n' for name in sorted(starred, key=_isort_key))
    names = ["__version__: str", f"__all__ = [\n{all_names}]"]
    lines = [head, *_import_lines(imports, public), *names, *parts]
    return "\n\n".join(part.strip("\n") for part in lines) + "\n"


def _isort_key(name: str) -> tuple[int, str]:
    """Order as ruff does: constants, classes, functions."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return kind, name


def _import_lines(private: dict[str, str], public: dict[str, str]) -> list[str]:
    """Return one block of imports for each kind of package: standard, foreign, ours."""
    modules: dict[str, list[str]] = {}
    for name, module in private.items():
        modules.setdefault(module, []).append(name)
    for name, module in public.items():
        modules.setdefault(module, []).append(f"{name} as {name}")
    blocks: dict[int, list[str]] = {0: [], 1: [], 2: []}
    standard = {"pathlib", "collections.abc", "typing", "datetime", "enum"}
    for module in sorted(modules):
        place = 0 if module in standard else 2 if module.split(".")[0] == "aragora_sql" else 1
        names = sorted(modules[module], key=_isort_key)
        line = f"from {module} import {', '.join(names)}"
        if " as " in line:
            blocks[place] += [f"from {module} import {name}" for name in names]
            continue
        if len(line) > _WIDTH:
            line = f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"
        blocks[place].append(line)
    return ["\n".join(lines) for lines in blocks.values() if lines]


def _other_parameters(root: Path, entry: StoreEntry, imports: dict[str, str]) -> list[str]:
    """Return what the constructor takes beside the database, and note what its types need."""
    found = class_definition(root, entry)
    if found is None:
        return []  # check_layout says so
    path, module, definition = found
    constructor = next(
        (
            one
            for one in definition.body
            if isinstance(one, ast.FunctionDef) and one.name == "__init__"
        ),
        None,
    )
    if constructor is None:
        return []
    homes = _homes(module, f"{entry.module}.{path.stem}")
    given = constructor.args
    defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    parameters = [
        _parameter(one, default, homes, imports)
        for one, default in zip(given.args[2:], [*defaults, *given.defaults][2:], strict=True)
    ]
    if given.kwonlyargs:
        parameters.append("*")
    parameters += [
        _parameter(one, default, homes, imports)
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return parameters


def _homes(module: ast.Module, own: str) -> dict[str, str]:
    """Return from which module each name comes that a module imports or defines."""
    homes: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            homes.update({alias.asname or alias.name: node.module for alias in node.names})
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            homes[statement.name] = own
        elif isinstance(statement, ast.Assign):
            homes.update({one.id: own for one in statement.targets if isinstance(one, ast.Name)})
    return homes


def _parameter(
    parameter: ast.arg, default: ast.expr | None, homes: dict[str, str], imports: dict[str, str]
) -> str:
    annotation = parameter.annotation
    text = parameter.arg
    if annotation is not None:
        text += f": {ast.unparse(annotation)}"
        for node in ast.walk(annotation):
            if isinstance(node, ast.Name) and node.id in homes and not hasattr(builtins, node.id):
                imports[node.id] = homes[node.id]
    if default is None:
        return text
    plain = isinstance(default, ast.Constant | ast.Tuple)
    return f"{text} = {ast.unparse(default) if plain else '...'}"


def _classes(entry: StoreEntry, others: list[str]) -> Iterator[str]:
    for dialect, name, first in (
        ("postgres", entry.postgres_class, "pool: Pool | PostgresDatabase"),
        ("sqlite", entry.sqlite_class, "path: str | Path | SQLiteDatabase"),
    ):
        doc = _docstring(class_doc(entry, dialect))  # type: ignore[arg-type] # both are dialects
        head = _signature("    def __init__", ["self", first, *others], "None")
        yield f"class {name}({entry.class_name}):\n{doc}\n\n{head} ..."


def _factories(entry: StoreEntry) -> Iterator[str]:
    path = "path: str | Path | SQLiteDatabase | None = None"
    yield _factory(entry.factory, [], entry.class_name, factory_doc(entry, None))
    yield _factory(
        entry.postgres_factory,
        ["dsn: str | None = None"],
        entry.postgres_class,
        factory_doc(entry, "postgres"),
    )
    yield _factory(entry.sqlite_factory, [path], entry.sqlite_class, factory_doc(entry, "sqlite"))


def _factory(name: str, parameters: list[str], result: str, doc: str) -> str:
    return f"{_signature(f'async def {name}', parameters, result)}\n{_docstring(doc)}"


def _docstring(doc: str) -> str:
    first, *more = doc.split("\n")
    body = "\n".join(f"    {line}".rstrip() for line in more)
    return f'    """{first}\n{body}\n    """'


def _signature(head: str, parameters: list[str], result: str) -> str:
    line = f"{head}({', '.join(parameters)}) -> {result}:"
    if len(line) + len(" ...") <= _WIDTH:
        return line
    indent = " " * (len(head) - len(head.lstrip()))
    inner = "".join(f"{indent}    {parameter},\n" for parameter in parameters)
    return f"{head}(\n{inner}{indent}) -> {result}:"

"""Reads what an application may call of each store, with signatures and docstrings, off the source.

Nothing is imported, so that extras need not be installed. ``docs/reference/`` and the pages of
``aragora-sql docs`` are made of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.stores import StoreEntry

__all__ = ["ClassReference", "MethodReference", "markdown_pages", "plain", "store_reference"]

_ROLE = re.compile(r":\w+:`(?P<tilde>~?)(?:(?P<text>[^`<]+) <[^`>]+>|(?P<target>[^`]+))`")
_LITERAL = re.compile(r"``([^`]+)``")
_QUOTED = re.compile(r"'([^'\"\\]*)'")
_WIDTH = 88


@dataclass(frozen=True, slots=True)
class MethodReference:
    """A public method: ``signature`` as it is written, ``doc`` its docstring.

    ``awaited`` is False of what is called without ``await``, such as an asynchronous iterator.
    """

    name: str
    signature: str
    doc: str
    awaited: bool


@dataclass(frozen=True, slots=True)
class ClassReference:
    """A public class: what it is made with, its fields or members, its methods."""

    name: str
    doc: str
    signature: str
    fields: tuple[str, ...]
    methods: tuple[MethodReference, ...]


def store_reference(root: Path, entry: StoreEntry) -> list[ClassReference]:
    """Return the class of a store, then what else the table says that it exports.

    ``root`` is the folder that holds ``aragora_sql``.
    """
    stores = root / "aragora_sql" / "stores"
    classes: dict[str, ast.ClassDef] = {}
    for path in sorted((stores / entry.name).glob("*.py")):
        for one in _classes_in(path):
            classes.setdefault(one.name, one)
    # What several stores inherit beside the store itself, such as how keys are rotated.
    for path in sorted(stores.glob("*.py")):
        for one in _classes_in(path):
            if any(isinstance(base, ast.Name) and base.id == "Store" for base in one.bases):
                classes.setdefault(one.name, one)
    return [
        _class(classes[name], classes)
        for name in (entry.class_name, *entry.exports)
        if name in classes
    ]


def _classes_in(path: Path) -> Iterator[ast.ClassDef]:
    for statement in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(statement, ast.ClassDef):
            yield statement


def _class(definition: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> ClassReference:
    methods: dict[str, MethodReference] = {}
    signature = ""
    for one in _with_bases(definition, classes):
        for statement in one.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                signature = signature or _signature(definition.name, statement.args, None)
                continue
            method = _method(statement, one)
            if method is not None and not method.name.startswith("_"):
                methods.setdefault(method.name, method)
    return ClassReference(
        definition.name,
        plain(ast.get_docstring(definition) or ""),
        signature or f"{definition.name}(…)",
        tuple(_fields(definition)),
        tuple(methods.values()),
    )


def _with_bases(
    definition: ast.ClassDef, classes: dict[str, ast.ClassDef]
) -> Iterator[ast.ClassDef]:
    yield definition
    for base in definition.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            yield from _with_bases(classes[base.id], classes)


def _method(statement: ast.stmt, within: ast.ClassDef) -> MethodReference | None:
    if isinstance(statement, ast.Assign):
        # a second name of a method: link_finding = link
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Name) and isinstance(value, ast.Name):
            doc = f"The same as `{value.id}()`."
            return MethodReference(target.id, f"{target.id}(…)", doc, awaited=False)
        return None
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    name = statement.name
    is_property = any(
        isinstance(one, ast.Name) and one.id in {"property", "cached_property"}
        for one in statement.decorator_list
    )
    signature = (
        f"{name}: {_source(statement.returns)}"
        if is_property and statement.returns is not None
        else _signature(name, statement.args, statement.returns)
    )
    result = _source(statement.returns) if statement.returns is not None else ""
    awaited = isinstance(statement, ast.AsyncFunctionDef) and not result.startswith("Async")
    doc = ast.get_docstring(statement) or f"See LangGraph's `{_base(within)}`."
    return MethodReference(name, signature, plain(doc), awaited)


def _base(definition: ast.ClassDef) -> str:
    return _source(definition.bases[0]).partition("[")[0] if definition.bases else "object"


def _signature(name: str, arguments: ast.arguments, returns: ast.expr | None) -> str:
    own = ast.arguments(
        posonlyargs=arguments.posonlyargs,
        args=arguments.args[1:],
        vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs,
        kw_defaults=arguments.kw_defaults,
        kwarg=arguments.kwarg,
        defaults=arguments.defaults,
    )
    result = f" -> {_source(returns)}" if returns is not None else ""
    line = f"{name}({_source(own)}){result}"
    if len(line) <= _WIDTH:
        return line
    parts = _parts(own)
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){result}"


def _parts(arguments: ast.arguments) -> list[str]:
    """Return each argument with its type and default."""
    given = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(given) - len(arguments.defaults))
    parts = [
        _part(one, default)
        for one, default in zip(given, [*defaults, *arguments.defaults], strict=True)
    ]
    if arguments.vararg is not None:
        parts.append(f"*{_source(arguments.vararg)}")
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [
        _part(one, default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg is not None:
        parts.append(f"**{_source(arguments.kwarg)}")
    return parts


def _part(argument: ast.arg, default: ast.expr | None) -> str:
    text = _source(argument)
    return text if default is None else f"{text} = {_source(default)}"


def _fields(definition: ast.ClassDef) -> Iterator[str]:
    """Return the fields of a record with their types, and the values of an enumeration."""
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            if not statement.target.id.startswith("_"):
                default = f" = {_source(statement.value)}" if statement.value else ""
                yield f"{statement.target.id}: {_source(statement.annotation)}{default}"
        elif (
            isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id.isupper()
        ):
            yield f"{statement.targets[0].id} = {_source(statement.value)}"


def plain(text: str) -> str:
    """Turn the marks of a docstring into those of Markdown: names in one pair of backticks."""

    def name(match: re.Match[str]) -> str:
        shown = match["text"] or match["target"]
        last = shown.rpartition(".")[2] if match["tilde"] else shown.removeprefix("aragora_sql.")
        return f"`{last}()`" if match[0].startswith(":meth:") else f"`{last}`"

    return _LITERAL.sub(r"`\1`", _ROLE.sub(name, text))


def _source(node: ast.AST) -> str:
    """Return the source of a node, texts in double quotes."""
    return _QUOTED.sub(r'"\1"', ast.unparse(node))


# Markdown


def markdown_pages(root: Path, table: Sequence[StoreEntry]) -> dict[Path, str]:
    """Return the pages of ``docs/reference/`` by their path below ``root``."""
    folder = Path("docs/reference")
    pages = {folder / f"{entry.name}.md": _page(root, entry) for entry in table}
    rows = "".join(
        f"| [{entry.name}]({entry.name}.md) | `{entry.class_name}` | `{entry.factory}()` "
        f"| {entry.keeps} |\n"
        for entry in table
    )
    pages[folder / "README.md"] = (
        "# Reference\n\n"
        "Every method of every store, as its signature and its docstring say. `aragora-sql stores "
        "--write` makes\nthese pages. Every store also has `await store.initialize()`, which "
        "creates or upgrades its tables,\nand `store.database`, whose `transaction()` takes calls "
        "of any stores into one unit.\n\n"
        f"| store | class | opened by | keeps |\n|---|---|---|---|\n{rows}"
    )
    return pages


def _page(root: Path, entry: StoreEntry) -> str:
    sql = f"[sql/postgres/{entry.name}/](../../sql/postgres/{entry.name}/)"
    extra = f" It needs the extra `{entry.extra}`." if entry.extra else ""
    parts = [
        f"# {entry.name}\n",
        f"{entry.keeps[:1].upper()}{entry.keeps[1:]}.{extra}\n",
        "```python\n"
        f"from aragora_sql import {entry.factory}\n\n"
        f"store = await {entry.factory}()\n"
        "```\n",
        f"`{entry.postgres_factory}(dsn)` and `{entry.sqlite_factory}(path)` open it on one\n"
        f"engine; `{entry.postgres_class}(pool)` and `{entry.sqlite_class}(path)` do so without\n"
        f"initializing it. The SQL: {sql}.\n",
    ]
    classes = store_reference(root, entry)
    for one in classes:
        parts += list(_class_section(one))
    return "\n".join(parts)


def _class_section(one: ClassReference) -> Iterator[str]:
    yield f"## {one.name}\n"
    if one.fields:
        yield f"{one.doc}\n"
        yield "```python\n" + "\n".join(one.fields) + "\n```\n"
    else:
        yield f"```python\n{one.signature}\n```\n"
        yield f"{one.doc}\n"
    for method in one.methods:
        yield f"### {method.name}\n"
        head = "await " if method.awaited else ""
        yield f"```python\n{head}{method.signature}\n```\n"
        yield f"{method.doc}\n"

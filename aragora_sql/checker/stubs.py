"""Writes the types of every store's query object, from what the engines know of the queries.

A store's stub is ``aragora_sql/queries/typed/<store>.pyi``: a protocol ``<Store>Queries`` with a
method for each query, and the rows that they take and give as typed dictionaries. Queries whose
rows are equal share one. Nothing imports it at run time.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from aragora_sql.checker.choices import Choices, choices_of
from aragora_sql.checker.record_columns import ColumnList, column_lists
from aragora_sql.engines.expressions import gives_one_row, stores_given_row
from aragora_sql.engines.facts import Facts, ParameterFacts, QueryFacts
from aragora_sql.queries.files import DIALECTS, QueryText

__all__ = ["MADE_BY", "OPERATIONS", "class_name", "stub_of", "stubs"]

_WIDTH = 100
# What a query gives, by the sign of its operation.
OPERATIONS = {
    "": "every row",
    "^": "the first row, or None",
    "$": "the first value of the first row, or None",
    "!": "the number of rows changed",
    "<!": "the first value that RETURNING gave, or None",
    "*!": "the number of rows changed, for many sets of parameters",
    "#": "nothing: a script",
}
MADE_BY = "Made by ``aragora-sql stubs``"
_TYPING = ("Any", "Literal", "Protocol", "TypedDict", "overload")
_IMPORTS = {
    "Decimal": "decimal",
    "UUID": "uuid",
    "date": "datetime",
    "datetime": "datetime",
    "timedelta": "datetime",
    "AsyncIterator": "collections.abc",
    "Sequence": "collections.abc",
}


Fields = tuple[tuple[str, str], ...]
"""The fields of a row: names and types."""


def class_name(store: str) -> str:
    """Return the name of the protocol of a store's queries: ``jobs`` → ``JobsQueries``."""
    return f"{_camel(store)}Queries"


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def stubs(facts: Facts) -> dict[str, str]:
    """Return the stub of each store, by file name."""
    texts = {f"{store}.pyi": stub_of(facts, store) for store in facts.stores}
    return {"__init__.pyi": _loading(facts.stores)} | texts


def _loading(stores: Iterable[str]) -> str:
    """Return the types of ``load_queries()``: the queries of each store by its name."""
    imports = "".join(f"from .{store} import {class_name(store)}\n" for store in sorted(stores))
    overloads = "".join(
        # Every store's queries are those of the last one too, by other means.
        "@overload\ndef load_queries(  # type: ignore[overload-overlap]\n"
        f'    store: Literal["{store}"], dialect: Dialect, root: Path | None = None\n'
        f") -> {class_name(store)}: ...\n"
        for store in sorted(stores)
    )
    return (
        f'"""The types of the stores\' queries. {MADE_BY} from the SQL files."""\n\n'
        "from pathlib import Path\nfrom typing import Literal, overload\n\n"
        "from aragora_sql.database import Dialect\nfrom aragora_sql.queries import Queries\n\n"
        f"{imports}\n{overloads}@overload\n"
        "def load_queries(store: str, dialect: Dialect, root: Path | None = None) -> Queries: ...\n"
    )


def stub_of(facts: Facts, store: str) -> str:
    """Return the stub of one store."""
    names = dict.fromkeys(name for _, of, name in facts.texts if of == store)
    queries: list[tuple[QueryText, list[QueryFacts]]] = []
    for name in names:
        texts = [t for d in DIALECTS if (t := facts.texts.get((d, store, name))) is not None]
        described = [q for d in DIALECTS if (q := facts.query(d, store, name)) is not None]
        queries.append((texts[0], described))
    choices = choices_of(facts, store)
    row_classes = _row_classes(queries, choices)
    rows: list[str] = []
    methods: list[str] = []
    for text, described in queries:
        rows += _typed_dicts(text, described, row_classes, choices)
        methods.append(_method(text, described, row_classes, choices))
    body = [
        *rows,
        f'class {class_name(store)}(Protocol):\n    """The queries of the store {store}."""\n\n'
        + "\n".join(methods),
    ]
    code = "\n\n".join(part.rstrip("\n") for part in body) + "\n"
    code = "\n\n".join([*_word_types(choices, code), code])
    root = facts.tree.root
    paths = sorted(
        {
            t.path.relative_to(root).as_posix()
            for (_, of, _), t in facts.texts.items()
            if of == store
        }
    )
    sources = " and ".join(f"``sql/{path}``" for path in paths)
    if len(sources) >= _WIDTH:
        sources = sources.replace(" and ", " and\n")
    head = (
        f'"""The types of the queries of the store {store}.\n\n{MADE_BY} from\n{sources}.\n"""\n\n'
    )
    return head + "\n".join(_imports(code)) + "\n\n" + code


def _imports(code: str) -> Iterator[str]:
    # A column may be named as a type is: what stands before its type is no use of the name.
    named = re.compile(r"\b\w+(?=: (?!\.\.\.))")
    words = set(re.findall(r"\w+", named.sub("", re.sub(r'"""(?:.|\n)*?"""', "", code))))
    modules: dict[str, list[str]] = {"typing": [name for name in _TYPING if name in words]}
    for name, module in _IMPORTS.items():
        if name in words:
            modules.setdefault(module, []).append(name)
    for module in sorted(modules):
        yield f"from {module} import {', '.join(sorted(modules[module]))}"
    yield ""
    yield "from aragora_sql.database import Connection"


@dataclass(frozen=True, slots=True)
class _RowClass:
    """A row and the queries that give it, in the order of their file."""

    name: str
    queries: tuple[str, ...]
    fields: Fields


def _row_classes(
    queries: Iterable[tuple[QueryText, list[QueryFacts]]], choices: Choices
) -> dict[str, _RowClass]:
    """Return the class of each query's rows: equal rows are of one class.

    It is named for the record that the queries name under ``-- columns:``, else for the first
    query. Of rows that differ in types only, the first have the record's name.
    """
    groups: dict[Fields, list[QueryFacts]] = {}
    for text, described in queries:
        if text.operation in {"", "^"} and described:
            groups.setdefault(tuple(_columns(described, choices)), []).append(described[0])
    own = {fields: f"{_camel(group[0].name)}Row" for fields, group in groups.items()}
    taken = set(own.values())
    classes: dict[str, _RowClass] = {}
    for fields, group in groups.items():
        record = next((name for query in group if (name := _record(query)) is not None), None)
        name = own[fields] if record is None or f"{record}Row" in taken else f"{record}Row"
        taken.add(name)
        row = _RowClass(name, tuple(query.name for query in group), fields)
        classes |= dict.fromkeys(row.queries, row)
    return classes


def _record(query: QueryFacts) -> str | None:
    """Return the record whose fields a query says that its result is."""
    names = tuple(column.name for column in query.columns)
    for found in column_lists(query.text, query.dialect):
        if isinstance(found, ColumnList) and found.is_result and found.names == names:
            return found.record
    return None


def _typed_dicts(
    text: QueryText,
    described: list[QueryFacts],
    row_classes: Mapping[str, _RowClass],
    choices: Choices,
) -> Iterator[str]:
    row = row_classes.get(text.name)
    if row is not None and row.queries[0] == text.name:
        doc = textwrap.wrap(f"A row of {', '.join(row.queries)}.", _WIDTH - 8)
        yield _typed_dict(row.name, "\n    ".join(doc), row.fields)
    given = text.operation == "*!" or any(stores_given_row(q.sql, q.dialect) for q in described)
    if given and described and text.parameters:
        fields = [(p.name, _parameter_type(p, choices)) for p in _parameters(described)]
        yield _typed_dict(
            f"{_camel(text.name)}Parameters", f"One set of parameters of {text.name}.", fields
        )


def _typed_dict(name: str, doc: str, fields: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"    {field}: {kind}\n" for field, kind in fields)
    return f'class {name}(TypedDict):\n    """{doc}"""\n\n{lines}'


def _columns(described: list[QueryFacts], choices: Choices) -> list[tuple[str, str]]:
    """Return the result columns: of each what the engine that knows more says."""
    fields = []
    declared = set().union(*(query.text.never_null for query in described))
    for index, column in enumerate(described[0].columns):
        counterparts = [q.columns[index] for q in described if index < len(q.columns)]
        kind = next((t.python_type for t in counterparts if t.python_type is not None), "Any")
        if kind == "str":
            places = [(t.table, t.column) for t in counterparts]
            kind = _word_type(choices.column(column.name, places)) or kind
        known = [t.nullable for t in counterparts if t.nullable is not None]
        never = column.name in declared or (known and not any(known))
        fields.append((column.name, kind if never or kind == "Any" else f"{kind} | None"))
    return fields


def _word_type(column: str | None) -> str | None:
    """Return the name of the type of a column's words."""
    return None if column is None else f"{_camel(column)}Word"


def _word_types(choices: Choices, code: str) -> Iterator[str]:
    """Return the types of words that the code names."""
    for column, words in sorted(choices.words.items()):
        name = f"{_camel(column)}Word"
        if re.search(rf"\b{name}\b", code):
            yield f"{name} = Literal[\n" + "".join(f'    "{word}",\n' for word in words) + "]"


def _parameters(described: list[QueryFacts]) -> list[ParameterFacts]:
    maybe = {p.name for query in described for p in query.parameters if p.nullable}
    return [replace(p, nullable=p.name in maybe) for p in described[0].parameters]


def _parameter_type(parameter: ParameterFacts, choices: Choices) -> str:
    kind = parameter.python_type or "Any"
    if kind == "str":
        kind = _word_type(choices.column(parameter.name, ())) or kind
    if kind.startswith("list["):
        kind = f"Sequence[{kind[5:-1]}]"
    return f"{kind} | None" if parameter.nullable and kind != "Any" else kind


def _method(
    text: QueryText,
    described: list[QueryFacts],
    row_classes: Mapping[str, _RowClass],
    choices: Choices,
) -> str:
    result = _result(text, described, row_classes, choices)
    parameters = ["self", "connection: Connection"]
    if text.operation == "*!":
        parameters += [f"parameters: Sequence[{_camel(text.name)}Parameters]", "/"]
    else:
        parameters.append("/")
        given = _parameters(described) if described else []
        if given:
            parameters += ["*", *(f"{p.name}: {_parameter_type(p, choices)}" for p in given)]
    prefix = "def" if text.operation == "" else "async def"
    head = f"    {prefix} {text.name}({', '.join(parameters)}) -> {result}:"
    if len(head) > _WIDTH:
        inner = "".join(f"        {parameter},\n" for parameter in parameters)
        head = f"    {prefix} {text.name}(\n{inner}    ) -> {result}:"
    return f"{head}\n{_docstring(text)}"


def _result(
    text: QueryText,
    described: list[QueryFacts],
    row_classes: Mapping[str, _RowClass],
    choices: Choices,
) -> str:
    if text.operation == "#":
        return "None"
    if text.operation in {"!", "*!"}:
        return "int"
    always = gives_one_row(text.sql, "postgres" if not described else described[0].dialect)
    if text.operation in {"", "^"}:
        own = row_classes.get(text.name)
        row = f"{_camel(text.name)}Row" if own is None else own.name
        if text.operation == "":
            return f"AsyncIterator[{row}]"
        return row if always else f"{row} | None"
    columns = _columns(described, choices) if described else []
    kind = columns[0][1] if columns else "Any"
    optional = kind.endswith("| None") or kind in {"Any", "None"}
    return kind if always or optional else f"{kind} | None"


def _docstring(text: QueryText) -> str:
    doc = text.doc.replace("\\", "\\\\").replace('"""', "'''")
    first, *rest = doc.split("\n")
    lines = [*textwrap.wrap(first, 88), ""]
    for line in rest:
        lines += textwrap.wrap(line, 90) or [""]
    if rest:
        lines.append("")
    lines.append(f"Operation {text.operation or '(none)'}: {OPERATIONS[text.operation]}.")
    inner = "\n".join(f"        {line}".rstrip() for line in lines[1:])
    return f'        """{lines[0]}\n{inner}\n        """\n'

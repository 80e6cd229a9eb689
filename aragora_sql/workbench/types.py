"""The Python types of a query's parameters, which SQLite does not know."""

from __future__ import annotations

import ast
import asyncio

from aragora_sql.database import Database
from aragora_sql.engines.facts import Engines, read_tree
from aragora_sql.engines.python_types import postgres_python_type
from aragora_sql.engines.tree import SQLProblem
from aragora_sql.queries.files import packaged_sql_dir, sql_dir, stub_folder
from aragora_sql.queries.parameters import number_parameters
from aragora_sql.workbench.calls import server_types
from aragora_sql.workbench.names import NamedQuery, find_query

__all__ = ["stub_types", "types_of_parameters"]


async def types_of_parameters(database: Database, query: NamedQuery) -> dict[str, str]:
    """Return the Python types of a query's parameters by name.

    PostgreSQL is asked. For SQLite, which has none, they are those of the typed queries that belong
    to this release; for files of a DBA's own, the same query of PostgreSQL is prepared on an
    embedded server: raises :class:`~aragora_sql.errors.ConfigurationError` where none can run.
    """
    if not query.text.parameters:
        return {}
    if database.dialect == "postgres":
        return _python_types(await server_types(database, query))
    if sql_dir() == packaged_sql_dir():
        types = stub_types(query)
        if types.keys() == set(query.text.parameters):
            return types
    return _python_types(await asyncio.to_thread(_types_of_twin, query))


def _python_types(types: dict[str, str]) -> dict[str, str]:
    return {name: postgres_python_type(type_name) for name, type_name in types.items()}


def stub_types(query: NamedQuery) -> dict[str, str]:
    """Return the Python types that the typed queries give a query's parameters, or nothing."""
    path = stub_folder() / f"{query.store}.pyi"
    if not path.is_file():
        return {}
    tree = ast.parse(path.read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    fields = {
        node.name: {
            field.target.id: _name(field.annotation)
            for field in node.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        }
        for node in classes
    }
    methods = [
        method
        for node in classes
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and method.name == query.text.name
    ]
    if not methods:
        return {}
    arguments = methods[0].args
    if query.text.operation != "*!":
        return {argument.arg: _name(argument.annotation) for argument in arguments.kwonlyargs}
    # A batch takes a sequence of typed dictionaries.
    batch = _name(arguments.posonlyargs[-1].annotation)
    return fields.get(batch.removeprefix("list[").removesuffix("]"), {})


def _name(annotation: ast.expr | None) -> str:
    text = "object" if annotation is None else ast.unparse(annotation)
    return text.removesuffix(" | None").replace("Sequence[", "list[")


def _types_of_twin(query: NamedQuery) -> dict[str, str]:
    counterpart = find_query(str(query), "postgres")
    with Engines(read_tree(), environment=False) as engines:
        described = engines.postgres.prepare(counterpart.text)
        if isinstance(described, SQLProblem):
            raise counterpart.text.error(described.message)
        _, order = number_parameters(counterpart.text.sql, list(counterpart.text.found))
        return {
            name: engines.postgres.type_name(described.param_type(number))
            for number, name in enumerate(order)
        }

"""The Python types of a query's parameters, which SQLite does not know."""

from __future__ import annotations

import asyncio

from aragora_sql.checker.engines import SQLProblem
from aragora_sql.checker.facts import Engines, read_tree
from aragora_sql.checker.values import postgres_python_type
from aragora_sql.database import Database
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.queries.parameters import number_parameters
from aragora_sql.workbench.calls import server_types
from aragora_sql.workbench.names import NamedQuery, find_query

__all__ = ["types_of_parameters"]


async def types_of_parameters(database: Database, query: NamedQuery) -> dict[str, str]:
    """Return the Python types of a query's parameters by name.

    PostgreSQL knows them. For a query on SQLite the same query of PostgreSQL's files is prepared on
    an embedded server: raises :class:`~aragora_sql.errors.ConfigurationError` where none can run.
    """
    if not query.text.parameters:
        return {}
    if database.dialect == "postgres":
        types = await server_types(database, query)
    else:
        types = await asyncio.to_thread(_types_of_twin, query)
    return {name: postgres_python_type(type_name) for name, type_name in types.items()}


def _types_of_twin(query: NamedQuery) -> dict[str, str]:
    twin = find_query(str(query), "postgres")
    with EmbeddedServer() as server, Engines(read_tree(), server.dsn()) as engines:
        described = engines.postgres.prepare(twin.text)
        if isinstance(described, SQLProblem):
            raise twin.text.error(described.message)
        _, order = number_parameters(twin.text.sql, list(twin.text.found))
        return {
            name: engines.postgres.type_name(described.param_type(number))
            for number, name in enumerate(order)
        }

"""Plans of queries on both engines, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from psycopg import sql

from aragora_sql.database import Connection, Database, Row, Statement
from tests.stores.cases import Hot
from tests.stores.samples import TABLES


class Explaining:
    """Stands where a query expects its connection, and runs EXPLAIN of the statement instead."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self._connection = connection
        self._dialect = dialect
        self.sql = ""
        self.plans: list[list[Row]] = []

    async def explain(self, statement: Statement, arguments: Any) -> None:
        self.sql = statement.sql
        if self._dialect == "sqlite":
            await self._add(replace(statement, sql=f"EXPLAIN QUERY PLAN {self.sql}"), arguments)
            return
        # Without ANALYZE the inner plans of a recursive query are not shown.
        explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)"
        await self._add(replace(statement, sql=f"{explain} {self.sql}"), arguments)
        # After some calls the server makes one plan for whatever the arguments are.
        values = ", ".join(sql.Literal(value).as_string() for value in arguments)
        await self._connection.run_script("prepare", f"PREPARE hot AS {self.sql}")
        await self._add(Statement("generic", f"{explain} EXECUTE hot ({values})"), ())
        await self._connection.run_script("deallocate", "DEALLOCATE hot")

    async def _add(self, statement: Statement, arguments: Any) -> None:
        self.plans.append(await self._connection.fetch_all(statement, arguments))

    async def fetch_all(self, statement: Statement, arguments: Any) -> list[Row]:
        await self.explain(statement, arguments)
        return []

    fetch_one = fetch_value = execute = explain


def _names_of_tables(query: str) -> set[str]:
    named = re.findall(r"(?:FROM|JOIN|UPDATE) (\w+)(?: AS (\w+))?", query)
    return {alias or table for table, alias in named if table in TABLES}


def scanned_tables(query: str, plan: list[str]) -> Iterator[str]:
    """Find what a plan of SQLite reads from end to end (views and lists are no tables)."""
    tables = _names_of_tables(query)
    for line in plan:
        match = re.fullmatch(r"SCAN (\w+)(?P<index> USING (?:COVERING )?INDEX \w+)?", line)
        if match and match[1] in tables:
            yield line


def filtered_tables(query: str, plan: list[str]) -> Iterator[str]:
    """Find the tables of which a plan of SQLite makes a Bloom filter: of all rows, at each call."""
    tables = _names_of_tables(query)
    for line in plan:
        match = re.match(r"BLOOM FILTER ON (\w+)", line)
        if match and match[1] in tables:
            yield line


def sqlite_problems(hot: Hot, query: str, rows: list[Row]) -> Iterator[str]:
    plan = [row["detail"] for row in rows]
    for line in scanned_tables(query, plan):
        if not (hot.in_index_order and "USING INDEX" in line):
            yield line
    for line in filtered_tables(query, plan):
        yield f"{line}: reads an index from end to end first"
    # The last step of the statement itself: a newer SQLite sorts both sides of an EXCEPT within it.
    last = rows[-1]
    if hot.in_index_order and last["parent"] == 0 and "TEMP B-TREE FOR ORDER BY" in last["detail"]:
        yield "sorts all rows"


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def postgres_problems(hot: Hot, query: str, rows: list[Row]) -> Iterator[str]:
    ((explained,),) = rows[0].values()
    for node in nodes(explained["Plan"]):
        if node["Node Type"] == "Seq Scan":
            yield f"reads {node['Relation Name']} from end to end"
    outermost = [*nodes(explained["Plan"])][:3]
    # Sorting what an index found is right where it is not more than is asked for.
    few = hot.arguments.get("row_limit", 0)
    if hot.in_index_order and any(
        node["Node Type"] == "Sort" and node["Plan Rows"] > few for node in outermost
    ):
        yield "sorts all rows"


def plan_problems(database: Database, hot: Hot, query: str, rows: list[Row]) -> list[str]:
    """Return what a plan does that a hot query must not do."""
    find = sqlite_problems if database.dialect == "sqlite" else postgres_problems
    return [*find(hot, query, rows)]

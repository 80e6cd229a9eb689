"""What does not change within a statement is looked up once in it, not for each row."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from aragora_sql.queries.files import QueryText, packaged_sql_dir, read_queries

SQL = packaged_sql_dir()
FILES = sorted(
    path
    for path in SQL.rglob("*.sql")
    if "sqlite" not in path.parts and "to_regnamespace" in path.read_text(encoding="utf-8")
)
QUERIES = [
    query
    for path in FILES
    if path.name == "queries.sql"
    for query in read_queries(path, "postgres").values()
    if "to_regnamespace" in query.sql and query.sql.lstrip().startswith(("SELECT", "WITH"))
]


def test_the_present_schema_is_looked_up_in_a_query_of_its_own() -> None:
    assert FILES
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        alone = ("(SELECT to_regnamespace(", "(VALUES (to_regnamespace(")
        assert text.count("to_regnamespace(") == sum(map(text.count, alone)), path


@pytest.mark.parametrize(
    "query", QUERIES, ids=lambda query: f"{query.path.parent.name}.{query.name}"
)
def test_no_plan_looks_the_present_schema_up_for_each_row(
    postgres_dsn: str, query: QueryText
) -> None:
    text = query.sql.rstrip().rstrip(";")
    for parameter in sorted(query.found, key=lambda one: -one.start):
        text = f"{text[: parameter.start]}NULL{text[parameter.end :]}"
    with closing(psycopg.connect(postgres_dsn)) as connection:
        plan = "\n".join(
            line for (line,) in connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {text}".encode())
        )
    filters = [line for line in plan.splitlines() if line.strip().startswith(("Filter", "Join"))]
    assert not [line for line in filters if "to_regnamespace" in line]

"""Calls that an overload in the schema would answer instead: that each is found by the rule."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from aragora_sql.checker.exact_calls import check_calls
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from tests.checker.conftest import Check

BODY = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called instead'; END $$"
# What somebody makes in the schema, the call that it takes over, and one that it does not.
OVERLOADS = {
    "text || integer": (
        f"CREATE FUNCTION theirs(text, integer) RETURNS text {BODY};"
        "CREATE OPERATOR || (LEFTARG = text, RIGHTARG = integer, FUNCTION = theirs)",
        "n.author_id || n.number",
        "n.author_id || n.number::text",
    ),
    "integer for bigint": (
        f"CREATE FUNCTION hashtextextended(text, integer) RETURNS bigint {BODY}",
        "hashtextextended(n.author_id, 0)",
        "hashtextextended(n.author_id, 0::bigint)",
    ),
    "numeric for double precision": (
        f"CREATE FUNCTION theirs(double precision, numeric) RETURNS double precision {BODY};"
        "CREATE OPERATOR * (LEFTARG = double precision, RIGHTARG = numeric, FUNCTION = theirs)",
        "n.score * 2.0",
        "n.score * 2.0::double precision",
    ),
    "a literal of no type": (
        f"CREATE FUNCTION theirs(jsonb, jsonb) RETURNS text {BODY};"
        "CREATE OPERATOR ->> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = theirs)",
        "n.details ->> '1'",
        "n.details ->> '1'::text",
    ),
    "any type, an aggregate": (
        f"CREATE FUNCTION theirs(jsonb, text) RETURNS jsonb {BODY};"
        "CREATE AGGREGATE jsonb_agg (text) (SFUNC = theirs, STYPE = jsonb)",
        "(SELECT jsonb_agg(m.id) FROM notes AS m WHERE m.id = n.id)",
        "(SELECT pg_catalog.jsonb_agg(m.id) FROM notes AS m WHERE m.id = n.id)",
    ),
    "any type, in FROM": (
        f"CREATE FUNCTION unnest(text[]) RETURNS SETOF text {BODY}",
        "(SELECT u.id FROM unnest(ARRAY[n.id]) AS u (id))",
        "(SELECT u.id FROM pg_catalog.unnest(ARRAY[n.id]) AS u (id))",
    ),
    "any type, an operator": (
        f"CREATE FUNCTION theirs(text[], text[]) RETURNS boolean {BODY};"
        "CREATE OPERATOR = (LEFTARG = text[], RIGHTARG = text[], FUNCTION = theirs)",
        "ARRAY[n.id] = ARRAY[n.author_id]",
        "ARRAY[n.id] OPERATOR(pg_catalog.=) ARRAY[n.author_id]",
    ),
    "in a comparison of CASE": (
        f"CREATE FUNCTION theirs(double precision, integer) RETURNS boolean {BODY};"
        "CREATE OPERATOR = (LEFTARG = double precision, RIGHTARG = integer, FUNCTION = theirs)",
        "CASE n.score WHEN 1 THEN 'x' END",
        "CASE n.score WHEN 1::double precision THEN 'x' END",
    ),
    "a window": (
        f"CREATE FUNCTION theirs(jsonb, text) RETURNS jsonb {BODY};"
        "CREATE AGGREGATE jsonb_agg (text) (SFUNC = theirs, STYPE = jsonb)",
        "jsonb_agg(n.id) OVER ()",
        "pg_catalog.jsonb_agg(n.id) OVER ()",
    ),
}


@pytest.mark.parametrize("overload", OVERLOADS)
def test_what_is_found_is_what_another_overload_answers(
    overload: str, postgres_dsn: str, tree: Path, run_check: Check
) -> None:
    made, open_call, closed_call = OVERLOADS[overload]
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE notes (id text, author_id text, score double precision, details jsonb, "
            "number integer); INSERT INTO notes VALUES ('a', 'b', 1, '{\"1\": 2}', 3)"
        )
        connection.execute(made)
        with pytest.raises(psycopg.errors.RaiseException, match="called instead"):
            connection.execute(f"SELECT {open_call} FROM notes AS n")
        connection.execute(f"SELECT {closed_call} FROM notes AS n")

    path = tree / "postgres" / "notes" / "queries.sql"
    text = path.read_text(encoding="utf-8")
    for call, rules in ((open_call, {"inexact-call"}), (closed_call, set[str]())):
        # number is a column of this test's table only
        call = call.replace("n.number", "7")
        path.write_text(text.replace("    n.score\n", f"    {call} AS score\n"), encoding="utf-8")
        found = [f for f in run_check(tree).findings if not f.rule.startswith("parity-")]
        assert {f.rule for f in found} == rules, "\n".join(map(str, found))
        line = text.count("\n", 0, text.index("    n.score\n")) + 1
        assert all((f.path, f.line) == (path, line) for f in found)


EXACT = (
    "count(*)",
    "coalesce(n.score, 0)",
    "greatest(n.score, 1)",
    "lower(n.id) || 'x' || n.body",
    "date_trunc('day', n.created_at)",
    "n.created_at + '1 day'::interval",
    "extract(EPOCH FROM n.created_at)",
    "make_interval(secs => n.score)",
    "n.id IN ('a', 'b')",
    "n.id BETWEEN 'a' AND 'b'",
    "n.id LIKE 'a%'",
    "n.id IS DISTINCT FROM 'a'",
    "(n.id, n.body) < ('a', 'b')",
    "string_agg(n.id, ',')",
    "n.details @> '{}'::jsonb",
    "1::bigint + 1",
    "row_number() OVER (ORDER BY n.score)",
    "CASE WHEN n.done THEN 1.5 ELSE n.score END",
    "CAST('7' AS bigint) + 1",
    "'7'::bigint + 1",
)


@pytest.mark.parametrize("call", EXACT)
def test_an_exact_call_is_none(call: str, tree: Path, run_check: Check) -> None:
    path = tree / "postgres" / "notes" / "queries.sql"
    text = path.read_text(encoding="utf-8")
    new = f"-- name: get_call()^\n-- Get.\nSELECT {call} AS one\nFROM notes AS n"
    if "(*)" not in call and "_agg" not in call:
        new += "\nLIMIT 1"
    path.write_text(f"{text}\n{new};\n", encoding="utf-8")
    found = [f for f in run_check(tree).findings if f.rule in {"inexact-call", "prepare"}]
    assert found == []


def test_a_parameter_has_its_type_from_its_first_use_on(tree: Path, run_check: Check) -> None:
    path = tree / "postgres" / "notes" / "queries.sql"
    text = path.read_text(encoding="utf-8")
    head = "-- name: get_part(key)^\n-- Get.\n"
    typed = "SELECT :key::text AS a, n.details ->> :key AS b FROM notes AS n LIMIT 1;\n"
    open_one = "SELECT n.details ->> :key AS b, :key::text AS a FROM notes AS n LIMIT 1;\n"
    for query, count in ((typed, 0), (open_one, 1)):
        path.write_text(f"{text}\n{head}{query}", encoding="utf-8")
        found = [f for f in run_check(tree).findings if f.rule == "inexact-call"]
        assert len(found) == count, query


def test_no_query_of_the_package_can_be_taken_over(facts: Facts, engines: Engines) -> None:
    report = Report(facts)
    check_calls(facts, engines, report)
    assert [str(f) for f in report.findings() if f.rule == "inexact-call"] == []

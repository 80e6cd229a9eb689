"""Edits of what queries lock, each found at its query; and edits that lock the same."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aragora_sql.checker.locks import check_locks, locks_of
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, read_texts
from aragora_sql.queries.files import packaged_sql_dir, read_queries
from tests.checker.tree import replace_first, replace_in

JOBS = "postgres/jobs/queries.sql"
CRITIQUE = "postgres/critique/queries.sql"
INTEGRATIONS = "postgres/integrations/queries.sql"
LANGGRAPH = "postgres/langgraph/queries.sql"

# (query, file, old, new): each of another query, all in one run.
EDITS = [
    (
        "claim_jobs_of_type",
        JOBS,
        "LIMIT :row_limit::integer\n            FOR UPDATE SKIP LOCKED",
        "LIMIT :row_limit::integer\n            FOR UPDATE",
    ),
    (
        "claim_jobs",
        JOBS,
        "    ORDER BY l.job_type\n    FOR UPDATE",
        "    ORDER BY l.job_type\n    FOR NO KEY UPDATE",
    ),
    ("retry_jobs", JOBS, "    ORDER BY j.number\n    FOR UPDATE\n", "    FOR UPDATE\n"),
    (
        "complete_jobs",
        JOBS,
        "        ORDER BY k.job_type\n        FOR UPDATE\n",
        "        ORDER BY k.job_type\n        FOR UPDATE NOWAIT\n",
    ),
    ("extend_leases", JOBS, "FOR UPDATE OF j SKIP LOCKED", "FOR UPDATE OF j"),
    (
        "purge_jobs",
        JOBS,
        "            ORDER BY j.completed_at\n",
        "            ORDER BY j.number\n",
    ),
    ("lock_limits", JOBS, "IN SHARE ROW EXCLUSIVE MODE", "IN ROW EXCLUSIVE MODE"),
    (
        "lock_critique",
        CRITIQUE,
        "WHERE c.id = :critique_id\nFOR UPDATE;",
        "WHERE c.id = :critique_id;",
    ),
    ("lock_integrations", INTEGRATIONS, "FOR UPDATE;", "FOR SHARE;"),
    (
        "lock_findings",
        "postgres/workflow/queries.sql",
        "ORDER BY f.finding_id\nFOR",
        "ORDER BY f.finding_id DESC\nFOR",
    ),
    (
        "lock_threads",
        LANGGRAPH,
        "    pg_advisory_xact_lock(\n",
        "    pg_advisory_xact_lock_shared(\n",
    ),
    (
        "put_checkpoint",
        LANGGRAPH,
        "0::bigint)\n    ) IS NOT NULL\nON CONFLICT",
        "1::bigint)\n    ) IS NOT NULL\nON CONFLICT",
    ),
    (
        "delete_expired",
        "postgres/langgraph_items/queries.sql",
        "            FOR UPDATE SKIP LOCKED\n",
        "",
    ),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the packaged tree."""
    return Path(shutil.copytree(packaged_sql_dir(), tmp_path / "sql"))


def found(engines: Engines, facts: Facts, root: Path) -> list[str]:
    texts, problems = read_texts(root)
    assert problems == []
    of_copy = replace(facts, tree=replace(facts.tree, root=root), texts=texts)
    report = Report(of_copy)
    check_locks(of_copy, engines, report)
    return [str(finding) for finding in report.findings(unneeded=False)]


def test_the_packaged_tree_says_what_it_locks(engines: Engines, facts: Facts, root: Path) -> None:
    assert found(engines, facts, root) == []
    # And a lock that says so is no finding, whatever its form.
    replace_in(
        root / CRITIQUE,
        "-- name: lock_critique",
        "-- name: hold_debates(ids)\n-- Hold debates.\n"
        "-- locks:  debates rows for SHARE in order of id,  nowait\n"
        "SELECT d.id\nFROM debates AS d -- all\nWHERE d.id = any(:ids::text[])\n"
        'ORDER BY\n    d.id COLLATE "C" ASC\nFOR SHARE OF d NOWAIT;\n\n-- name: lock_critique',
    )
    assert found(engines, facts, root) == []


def test_other_locks_are_found(engines: Engines, facts: Facts, root: Path) -> None:
    for _, file, old, new in EDITS:
        replace_first(root / file, old, new)
    said = found(engines, facts, root)
    for query, file, *_ in EDITS:
        assert any(f"query '{query}'" in one and file in one for one in said), query
    changed = {query for query, *_ in EDITS}
    # retry_jobs waits for jobs in no order now.
    assert any("waits for rows of job_queue in no order" in one for one in said)
    others = [one for one in said if not any(f"query '{query}'" in one for query in changed)]
    assert others == []


def test_orders_that_cross_are_found(engines: Engines, facts: Facts, root: Path) -> None:
    """Both said and done, and still two calls of them can wait for each other."""
    for old in (
        "-- locks: job_queue rows in order of number\n",
        "    ORDER BY j.number\n    FOR UPDATE\n",
    ):
        replace_in(root / JOBS, old, old.replace("number", "number DESC"))
    replace_in(
        root / JOBS,
        "-- name: lock_limits",
        "-- name: hold_jobs(ids)\n-- Hold jobs.\n-- locks: job_queue rows in order of number\n"
        "SELECT j.id\nFROM job_queue AS j\nWHERE j.id = any(:ids::text[])\nORDER BY j.number\n"
        "FOR UPDATE;\n\n-- name: lock_limits",
    )
    [said] = found(engines, facts, root)
    assert "in order of number" in said
    assert "each can wait for the other" in said


def test_a_lock_that_the_plan_leaves_out_is_found(
    engines: Engines, facts: Facts, root: Path
) -> None:
    """PostgreSQL runs no WITH query whose rows nobody reads."""
    replace_in(root / JOBS, "FROM locked AS l\n", "FROM job_queue AS l\n")
    replace_in(root / JOBS, "FROM locked AS o\n", "FROM job_queue AS o\n")
    [said] = found(engines, facts, root)
    assert "query 'retry_jobs': its text locks rows in 1 places, its plan in 0" in said


def test_locks_are_no_matter_of_sqlite(engines: Engines, facts: Facts, root: Path) -> None:
    name = "-- name: lock_critique(critique_id)^\n"
    line = "-- Take a critique for recording its outcome.\n"
    replace_in(root / "sqlite/critique/queries.sql", name + line, f"{name}{line}-- locks: it\n")
    [said] = found(engines, facts, root)
    assert "'locks:' is written in the file of PostgreSQL only" in said


@pytest.mark.parametrize(
    ("sql", "locks"),
    [
        ("SELECT a FROM t FOR UPDATE", ["t rows in no order"]),
        (
            "SELECT a FROM t, u AS x ORDER BY a FOR KEY SHARE OF x",
            ["u rows for key share in order of a"],
        ),
        (
            "SELECT a FROM s.t JOIN f(1) AS g ON TRUE "
            "ORDER BY lower(t.a), b DESC NULLS LAST FOR UPDATE",
            ["t rows in order of lower(a), b DESC NULLS LAST"],
        ),
        ("SELECT 'FOR UPDATE' AS a /* FOR SHARE */ FROM t", []),
        ("SELECT substring(a FROM 1 FOR 2) AS b FROM t", []),
        ("LOCK TABLE t, u", ["table t, u in access exclusive mode"]),
        ("SELECT pg_advisory_xact_lock( 1 ) AS a", ["pg_advisory_xact_lock(1)"]),
        ("SELECT a FROM t WHERE a = (SELECT 1) FOR UPDATE", ["t rows in no order"]),
        # An engine refuses these, which another rule says.
        ("SELECT a FROM t WHERE a = FOR UPDATE", ["t rows in no order"]),
        ("SELECT a FROM t FOR UPDATE OF", ["t rows in no order"]),
        ("SELECT a FROM t, u FOR UPDATE OF t,", ["t rows in no order"]),
        ("SELECT a FROM t. FOR UPDATE", [" rows in no order"]),
    ],
)
def test_what_a_text_locks(sql: str, locks: list[str], tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(f"-- name: hold()\n-- Hold.\n{sql};\n", encoding="utf-8")
    query = read_queries(path, "postgres")["hold"]
    assert [lock.text for lock in locks_of(query, {})] == locks


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("c.id = :critique_id", "one critiques row"),
        ("c.id = (:critique_id)", "critiques rows in no order"),
        ("c.id = (SELECT max(x.id) FROM critiques AS x)", "critiques rows in no order"),
        ("c.agent = :agent AND c.id = (SELECT 1)", "critiques rows in no order"),
        ("c.id = (SELECT 1) AND c.id = :critique_id", "one critiques row"),
        ("(c.id) = :critique_id", "critiques rows in no order"),
        ("c.id =", "critiques rows in no order"),
    ],
)
def test_a_row_is_one_where_its_key_is_given(
    condition: str, what: str, facts: Facts, tmp_path: Path
) -> None:
    path = tmp_path / "queries.sql"
    names = ", ".join(re.findall(r":(\w+)", condition))
    path.write_text(
        f"-- name: hold({names})\n-- Hold.\n"
        f"SELECT c.id FROM critiques AS c WHERE {condition} FOR UPDATE;\n",
        encoding="utf-8",
    )
    query = read_queries(path, "postgres")["hold"]
    assert [lock.text for lock in locks_of(query, facts.catalogs["postgres"])] == [what]

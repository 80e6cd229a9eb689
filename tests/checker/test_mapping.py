"""Edits of mappings, each found at its line: by the comment, or by the rows that are moved."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aragora_sql.checker.mapping import check_mappings
from aragora_sql.checker.mapping.ledger import check_ledger
from aragora_sql.checker.mapping.values import read_said
from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import packaged_sql_dir
from tests.checker.tree import replace_first

CRITIQUE = "legacy/critique.sql"
CONSENSUS = "legacy/consensus.sql"
JOBS = "legacy/jobs.sql"
WORKFLOW = "legacy/workflow.sql"
INTEGRATIONS = "legacy/integrations.sql"
ELO = "legacy/elo.sql"
MARKETPLACE = "legacy/marketplace.sql"

# (file, old, new, what the finding says), one for each column or mapping: all in one run.
MOVED = [
    (
        CRITIQUE,
        "    coalesce(success_count, 0) AS success_count,\n    coalesce(failure_count, 0) AS fail",
        "    coalesce(failure_count, 0) AS success_count,\n    coalesce(success_count, 0) AS fail",
        "patterns.success_count is",
    ),
    # Rows are at the bounds that a SELECT names, and addresses have letters beyond ASCII.
    (
        JOBS,
        "coalesce(max_attempts, 0) = 0 THEN",
        "coalesce(max_attempts, 0) <= 1 THEN",
        "job_queue.max_attempts is 3",
    ),
    (INTEGRATIONS, "WHEN errors_24h > 0", "WHEN errors_24h > 1", "integrations.errors_since"),
    (
        CRITIQUE,
        "    severity,\n    reasoning,\n",
        "    severity,\n    NULL AS reasoning,\n",
        "reasoning is",
    ),
    (CRITIQUE, "coalesce(base_rate, 0.5)", "coalesce(base_rate, 0.6)", "patterns.base_rate is 0.6"),
    (
        CONSENSUS,
        "document ->> '$.domain', 'general'",
        "document ->> '$.domain', 'x'",
        "consensus.domain is 'x'",
    ),
    (CONSENSUS, "    dissent_text AS content", "    agent AS content", "dissent.content is"),
    (
        CONSENSUS,
        "-- json: confidence\n-- values: consensus_id",
        "-- values: consensus_id",
        "a row is lost: rejected, confidence",
    ),
    (JOBS, "-- order: created_at\n", "-- order: updated_at\n", "'order:' was 'created_at'"),
    (WORKFLOW, "-- utc: occurred_at\n", "", "'utc:' was 'occurred_at' and is 'gone'"),
    (
        WORKFLOW,
        "    f.finding_id,\n    e.value AS linked_id,\n    e.key + 1",
        "    f.finding_id,\n    e.value AS linked_id,\n    e.key",
        "a row is lost: rejected, position",
    ),
    (
        INTEGRATIONS,
        "    lower_text(cast(email AS BLOB)) AS email",
        "    lower(email) AS email",
        "a row is lost",
    ),
    (INTEGRATIONS, "-- secrets: settings\n", "", "'secrets:' was 'settings' and is 'gone'"),
    (ELO, "m.value ->> 1 AS elo", "'1500.0' AS elo", "elo_domain_ratings.elo is 1500.0"),
    # Two older programs have a table `templates`; only one of them has versions.
    (
        MARKETPLACE,
        "    content AS workflow_definition,\n    content_hash",
        "    '{}' AS workflow_definition,\n    content_hash",
        "marketplace_versions.workflow_definition is {}",
    ),
    (MARKETPLACE, "type AS pattern", "name AS pattern", "marketplace_templates.pattern is 'name"),
]
# What is wrong in itself, before anything is moved.
DECLARED = [
    (
        CRITIQUE,
        "-- merge: add success_count, failure_count;",
        "-- merge: add success_count, failed;",
        "'merge: failed': patterns has no such column",
    ),
    (
        CRITIQUE,
        "-- into: agent_reputation\n-- key: agent_name",
        "-- into: agent_reputation\n-- key: updated_at",
        "'key: updated_at' is no key of agent_reputation",
    ),
    (
        CRITIQUE,
        "FROM debates\nWHERE rowid BETWEEN :first_rowid AND",
        "FROM debates\nWHERE rowid >= :first_rowid AND 1 <",
        "query 'debates': asked for row 1, it gives",
    ),
    (
        CRITIQUE,
        "FROM patterns_archive\nWHERE rowid BETWEEN",
        "FROM patterns_archive\nWHERE base_rate > 0 AND rowid BETWEEN",
        "it gives 0 rows, not one",
    ),
    (
        CONSENSUS,
        "-- into: consensus_archive\n-- key: all",
        "-- into: consensus_archive\n-- key: id",
        "'key: id' is no key of consensus_archive",
    ),
    (
        JOBS,
        "-- unix: created_at,",
        "-- unix: created,",
        "'unix: created': job_queue has no such column",
    ),
    (
        ELO,
        "-- unpacks: domain_elos\n",
        "",
        "'values: domain = …': 'from:' and 'optional:' name no column 'member'",
    ),
    (
        WORKFLOW,
        "-- unpacks: data_json.linked_findings\n",
        "",
        "'values: linked_id = …': 'from:' and 'optional:' name no column 'item'",
    ),
    (
        INTEGRATIONS,
        "-- merge: newest updated_at\n-- unix",
        "-- merge: newest user_id\n-- unix",
        "integrations.user_id is no timestamp",
    ),
    (
        INTEGRATIONS,
        "-- values: email = lower(email)",
        "-- values: email = lowered(email)",
        "'lowered' is none of",
    ),
]
# Edits that change nothing.
LEGITIMATE = [
    (
        CRITIQUE,
        "    coalesce(success_count, 0) AS success_count,",
        "    -- how often\n    ifnull(\n        success_count,\n        0\n    ) AS success_count,",
    ),
    (CRITIQUE, "-- key: id\n-- copies: created_at\n", "-- copies: created_at\n-- key: id\n"),
    (
        CONSENSUS,
        "verified_proofs\n    WHERE rowid BETWEEN :first_rowid AND :last_rowid",
        "verified_proofs\n    WHERE rowid >= :first_rowid AND :last_rowid >= rowid",
    ),
    (JOBS, "    user_id,\n    workspace_id,\n", "    workspace_id,\n    user_id,\n"),
    (WORKFLOW, "-- into: finding_links\n", "-- into: finding_links\n-- optional: comment\n"),
    (
        CRITIQUE,
        "\n-- name: archived_patterns",
        """
-- name: debate_results(first_rowid, last_rowid)
-- Debates of the oldest files, which kept the topic and the answer only.
-- from: debate_results (id, topic, answer, at)
-- into: debates
-- key: id
SELECT
    rowid AS source_rowid,
    id,
    topic AS task,
    answer AS final_answer,
    0 AS consensus_reached,
    at AS created_at
FROM debate_results
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: archived_patterns""",
    ),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the packaged tree."""
    return Path(shutil.copytree(packaged_sql_dir(), tmp_path / "sql"))


def checked(engines: Engines, facts: Facts, root: Path, *, update: bool = False) -> list[Finding]:
    """Return what the mappings of a tree are found to do; nothing but they is looked at."""
    of_copy = replace(facts, tree=replace(facts.tree, root=root))
    report = Report(of_copy)
    check_mappings(of_copy, engines, report, Proofs(root, believed=False), update=update)
    return report.findings(unneeded=False)


def edited(root: Path, edits: Sequence[tuple[str, str, str, str]]) -> dict[str, str]:
    """Edit the tree; return which file each finding is in."""
    for file, old, new, _ in edits:
        replace_first(root / file, old, new)
    return {said: file for file, _, _, said in edits}


def missing(root: Path, found: Sequence[Finding], wanted: dict[str, str]) -> list[str]:
    return [
        said
        for said, file in wanted.items()
        if not any(said in one.message and one.path == root / file for one in found)
    ]


def test_what_is_moved_otherwise_is_found(engines: Engines, facts: Facts, root: Path) -> None:
    wanted = edited(root, MOVED)
    found = checked(engines, facts, root)
    assert missing(root, found, wanted) == []
    assert {finding.rule for finding in found} == {"mapping", "mapping-snapshot"}
    lines = (root / CRITIQUE).read_text(encoding="utf-8").splitlines()
    [line] = [f.line for f in found if "patterns.base_rate is 0.6" in f.message]
    assert "coalesce(base_rate, 0.6)" in lines[line - 1]


def test_what_is_wrong_in_itself_is_found(engines: Engines, facts: Facts, root: Path) -> None:
    wanted = edited(root, DECLARED)
    found = checked(engines, facts, root)
    assert missing(root, found, wanted) == []


@pytest.mark.slow
def test_edits_that_change_nothing_are_no_finding(
    engines: Engines, facts: Facts, root: Path
) -> None:
    for file, old, new in LEGITIMATE:
        replace_first(root / file, old, new)
    assert [str(finding) for finding in checked(engines, facts, root)] == []


def test_the_snapshot_is_written_on_request(engines: Engines, facts: Facts, root: Path) -> None:
    kept = {path.name: path.read_bytes() for path in (root / "legacy" / "moved").iterdir()}
    shutil.rmtree(root / "legacy" / "moved")
    # An application's own tree need not have the folder; one that keeps its plans does.
    assert {f.path.parent for f in checked(engines, facts, root)} == {root / "legacy" / "moved"}
    (root / "plans").rename(root / "other")
    assert checked(engines, facts, root) == []
    (root / "other").rename(root / "plans")
    assert checked(engines, facts, root, update=True) == []
    assert {path.name: path.read_bytes() for path in (root / "legacy" / "moved").iterdir()} == kept
    (root / "legacy" / "moved" / "jobs.txt").unlink()
    [finding] = checked(engines, facts, root)
    assert (finding.path, finding.level) == (root / "legacy" / "moved" / "jobs.txt", "error")
    assert "there is no such file" in finding.message
    (root / "legacy" / "moved" / "jobs.txt").write_text("nothing\n", encoding="utf-8")
    [finding] = checked(engines, facts, root)
    assert finding.message == "'nothing' is not 'subject: what'"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("values: a", "'values: a' is not 'column = source, …'"),
        ("values: a = b c", "'values: a = b c': 'b c' can't be read"),
        ("values: a = b; a = c", "'values: a = c': a has a line already"),
        ("values: a = b when c", "'values: a = b when c': 'b when c' can't be read"),
    ],
)
def test_a_line_that_can_not_be_read_is_told(line: str, said: str) -> None:
    assert read_said(f"Notes.\n{line}").problems == [said]


def test_how_lines_are_read() -> None:
    said = read_said(
        "Jobs.\nvalues: a = nonblank b, c.d, 'x, y' when e is f or g; h = lower(i), 0.5\n"
        "values: j = computed; k = present l.m, []; data zipped when packed\nunpacks: data.list"
    )
    assert said.problems == []
    first, second, third = said.terms["a"]
    assert (first.source, first.modifier) == (("b",), "nonblank")
    assert second.source == ("c", "d")
    assert third.literal == "x, y"
    assert third.condition is not None
    assert (third.condition.column, third.condition.among) == ("e", ("f", "g"))
    assert [(t.function, t.source, t.literal) for t in said.terms["h"]] == [
        ("lower", ("i",), None),
        ("", (), 0.5),
    ]
    assert said.terms["j"] == ()
    assert said.terms["k"][1].literal == []
    assert said.zipped == ("data", "packed")
    assert said.unpacked == ("data", "list")


MIGRATION = "migration/queries.sql"
OF_LANGGRAPH = "migration/langgraph/{}/queries.sql"
# (file, old, new, query): the migration's own queries, of one engine alone.
ANSWERS = [
    (MIGRATION, "AND finished_at IS NULL\n", "AND finished_at IS NOT NULL\n", "find_run"),
    (MIGRATION, "WHERE source = :source;", "WHERE source <> :source;", "drop_old_runs"),
    (MIGRATION, "reject_id > :after_reject", "reject_id >= :after_reject", "list_rejects"),
    (MIGRATION, "AND reject = '';", "AND reject <> '';", "list_left_out_places"),
    (MIGRATION, "r.place <= :row_limit", "r.place < :row_limit", "list_numbered"),
    (MIGRATION, "SET target_table = excluded.target_table, ", "SET ", "record_index"),
    (OF_LANGGRAPH.format("postgres"), "    w.task_path,\n", "    w.channel,\n", "list_writes"),
    (OF_LANGGRAPH.format("sqlite"), "ORDER BY", "ORDER BY 2 DESC,", "list_threads"),
]


def test_other_answers_of_the_migration_are_found(
    engines: Engines, facts: Facts, root: Path
) -> None:
    report = Report(facts)
    proofs = Proofs(root, believed=False)
    check_ledger(root, engines, report, proofs, update=False)
    assert report.findings(unneeded=False) == []
    for file, old, new, _ in ANSWERS:
        replace_first(root / file, old, new)
    check_ledger(root, engines, report, proofs, update=False)
    found = report.findings(unneeded=False)
    assert {f.rule for f in found} == {"mapping-snapshot"}
    assert [(f.path, f.message.split("'")[1]) for f in found] == sorted(
        ((root / file, query) for file, _, _, query in ANSWERS), key=lambda one: one[0]
    )

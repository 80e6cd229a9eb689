"""Forty edits by hand in a copy of the product's own tree, each alone: a check names every one.

And seven in a small tree, which the quick run does.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.checker.check import Checked, Options, check
from aragora_sql.engines.findings import render
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema.records import record_versions
from tests.checker.conftest import Check
from tests.checker.hand_edits import (
    Change,
    Edit,
    Expected,
    both,
    recode,
    remove,
    swap,
    unseen,
    write,
)
from tests.conftest import Servers

PACKAGE = Path(aragora_sql.__file__).parent
PG, SQ = "postgres/{}/queries.sql", "sqlite/{}/queries.sql"
SNAPSHOT = "answer-snapshot"


def query(
    kind: str,
    name: str,
    store: str,
    dialect: str,
    old: str,
    new: str,
    *said: tuple[str, str, str],
) -> Edit:
    """Return an edit of a query in one dialect; ``said`` are (rule, dialect, words)."""
    head = f"-- name: {name}("
    file = f"{dialect}/{store}/queries.sql"
    expected = tuple(
        Expected(rule, f"{of}/{store}/queries.sql", head, words) for rule, of, words in said
    )
    return Edit(kind, f"{name}: {new}", (swap(file, old, new, within=head),), expected, (file,))


def schema(
    name: str, store: str, dialect: str, old: str, new: str, rule: str, said: str, at: str = ""
) -> Edit:
    """Return an edit of a schema; what is said stands at the first line that holds ``at``."""
    file = f"{dialect}/{store}/schema.sql"
    at = at or new.strip().splitlines()[0]
    expected = (Expected(rule, file, at, said),)
    return Edit("schema", name, (swap(file, old, new),), expected, (file,))


def appended(kind: str, name: str, file: str, text: str, rule: str, said: str) -> Edit:
    """Return a statement at the end of a file, and what is said at its first line."""
    at = next(line for line in text.splitlines() if line)
    change = write(file, text, at_end=True)
    return Edit(kind, name, (change,), (Expected(rule, file, at, said),), (file,))


def lock(name: str, store: str, old: str, new: str, line: str, said: str) -> Edit:
    """Return an edit of what a query locks; it is said at the comment line that tells the lock."""
    file, head = f"postgres/{store}/queries.sql", f"-- name: {name}("
    expected = (Expected("locks", file, line, said, head),)
    return Edit("locks", f"{name}: {new}", (swap(file, old, new, within=head),), expected, (file,))


def record(root: Path) -> None:
    """Record the version of the jobs store, as ``schema record`` does."""
    record_versions(root, ["jobs"])


NOTE = (
    swap(
        "postgres/jobs/schema.sql",
        "    trace_parent TEXT,\n",
        "    trace_parent TEXT,\n    note TEXT,\n",
    ),
    swap(
        "sqlite/jobs/schema.sql",
        "    trace_parent TEXT,\n",
        "    trace_parent TEXT,\n    note TEXT,\n",
    ),
    swap(
        "postgres/jobs/schema.sql",
        "COMMENT ON TABLE job_schedules",
        "COMMENT ON COLUMN job_queue.note IS 'A note.';\nCOMMENT ON TABLE job_schedules",
    ),
)
JOBS = ("postgres/jobs/schema.sql", "sqlite/jobs/schema.sql")
ADD_NOTE = "-- A note.\n\nALTER TABLE job_queue ADD COLUMN note TEXT;\n"
COMMENT_NOTE = "COMMENT ON COLUMN job_queue.note IS 'A note.';\n"


def version_of_jobs(number: int) -> tuple[Change, ...]:
    """Raise the version of the jobs store wherever it is written."""
    return (
        *(swap(file, "VALUES ('jobs', 3)", f"VALUES ('jobs', {number})") for file in JOBS),
        swap("postgres/schema.sql", "('jobs', 3)", f"('jobs', {number})"),
    )


def upgrades(number: int, more: str = "", *, only: str = "") -> tuple[Change, ...]:
    """Write an upgrade of the jobs store that adds the column, and does more."""
    return tuple(
        write(
            f"{dialect}/jobs/upgrades/{number:04}_note.sql",
            ADD_NOTE + (COMMENT_NOTE if dialect == "postgres" else "") + more,
        )
        for dialect in ("postgres", "sqlite")
        if only in {"", dialect}
    )


EDITS = [
    # -- what a query means
    query(
        "meaning",
        "list_overdue",
        "workflow",
        "sqlite",
        "f.due_date < :at_time",
        "f.due_date <= :at_time",
        ("meaning", "sqlite", "'list_overdue' answers otherwise than PostgreSQL's: rows is"),
    ),
    query(
        "meaning",
        "list_votes",
        "consensus",
        "postgres",
        'ORDER BY v.created_at, v.user_id COLLATE "C"',
        "ORDER BY v.created_at",
        (SNAPSHOT, "postgres", "'list_votes' answers otherwise than answers/consensus.txt says"),
    ),
    query(
        "meaning",
        "claim_jobs",
        "jobs",
        "postgres",
        "LEFT JOIN free AS f",
        "INNER JOIN free AS f",
        ("meaning", "sqlite", "job_queue.attempts is"),
    ),
    query(
        "meaning",
        "list_history",
        "workflow",
        "sqlite",
        "(:event_type IS NULL OR h.event_type = :event_type)",
        "h.event_type = :event_type",
        ("meaning", "sqlite", "rows is 0 here and [{'finding_id':"),
    ),
    query(
        "meaning",
        "save_integration",
        "integrations",
        "postgres",
        "        workspace_id = excluded.workspace_id,\n",
        "",
        ("meaning", "sqlite", "integrations.workspace_id is"),
    ),
    query(
        "meaning",
        "archive_dissents",
        "consensus",
        "sqlite",
        "    dissent_type,\n    content,\n    reasoning,\n    confidence,\n    acknowledged,\n"
        "    rebuttal,\n    metadata,\n    data,\n    created_at,\n    :archived_at",
        "    dissent_type,\n    reasoning,\n    content,\n    confidence,\n    acknowledged,\n"
        "    rebuttal,\n    metadata,\n    data,\n    created_at,\n    :archived_at",
        ("meaning", "sqlite", "dissent_archive.content is"),
    ),
    query(
        "meaning",
        "append_events",
        "workflow",
        "postgres",
        "max(h.position)",
        "pg_catalog.count(h.position)",
        ("meaning", "sqlite", "finding_history.position is"),
    ),
    query(
        "meaning",
        "insert_workflow_checkpoint",
        "checkpoints",
        "postgres",
        "'1 microsecond'",
        "'1 millisecond'",
        ("meaning", "sqlite", "workflow_checkpoints.stored_at is"),
    ),
    query(
        "meaning",
        "find_similar",
        "consensus",
        "postgres",
        "LIMIT 500",
        "LIMIT 50",
        (SNAPSHOT, "postgres", "500 is gone, 50 is new"),
    ),
    query(
        "meaning",
        "promote_jobs",
        "jobs",
        "postgres",
        "j.scheduled_at <= ",
        "j.scheduled_at < ",
        (SNAPSHOT, "postgres", "'promote_jobs' answers otherwise than answers/jobs.txt says"),
    ),
    Edit(
        "meaning",
        "list_patterns: no collation",
        (
            swap(
                "postgres/critique/queries.sql",
                'ORDER BY p.id COLLATE "C";',
                "ORDER BY p.id;",
                within="-- name: list_patterns(",
            ),
        ),
        (Expected("collation", "postgres/critique/queries.sql", "ORDER BY p.id;", "is sorted"),),
        ("postgres/critique/queries.sql",),
    ),
    # -- schemas
    schema(
        "bigint to integer",
        "consensus",
        "postgres",
        "archive_id BIGINT GENERATED",
        "archive_id INTEGER GENERATED",
        "schema-record",
        "column archive_id of consensus_archive is integer",
    ),
    schema(
        "double precision to real",
        "consensus",
        "postgres",
        "translation_time_ms DOUBLE PRECISION",
        "translation_time_ms REAL",
        "parity-precision",
        "verified_proofs.translation_time_ms is of type real, which keeps 24 bits",
    ),
    schema(
        "the collation of a key",
        "jobs",
        "postgres",
        'id TEXT COLLATE "C" NOT NULL',
        "id TEXT NOT NULL",
        "schema-record",
        'column id of job_queue is text NOT NULL, and is text COLLATE "C" NOT NULL in version 3',
    ),
    schema(
        "no AUTOINCREMENT",
        "checkpoints",
        "sqlite",
        "PRIMARY KEY AUTOINCREMENT",
        "PRIMARY KEY",
        "parity-storage",
        "workflow_checkpoints.sequence without AUTOINCREMENT",
        at="sequence INTEGER PRIMARY KEY",
    ),
    schema(
        "another kind of identity",
        "critique",
        "postgres",
        "archive_id BIGINT GENERATED ALWAYS AS",
        "archive_id BIGINT GENERATED BY DEFAULT AS",
        "schema-record",
        "NOT NULL GENERATED BY DEFAULT AS IDENTITY, and is bigint NOT NULL GENERATED ALWAYS AS",
    ),
    schema(
        "a table that a crash empties",
        "consensus",
        "postgres",
        "CREATE TABLE IF NOT EXISTS debate_votes",
        "CREATE UNLOGGED TABLE IF NOT EXISTS debate_votes",
        "parity-storage",
        "debate_votes is UNLOGGED",
    ),
    schema(
        "a deferred foreign key",
        "consensus",
        "postgres",
        "(consensus_id) REFERENCES consensus (id) ON DELETE CASCADE",
        "(consensus_id) REFERENCES consensus (id) ON DELETE CASCADE\n"
        "    DEFERRABLE INITIALLY DEFERRED",
        "parity-timing",
        "dissent_consensus_id_fkey of dissent is checked at the end of the transaction",
        at="CONSTRAINT dissent_consensus_id_fkey",
    ),
    schema(
        "what a conflict does",
        "consensus",
        "sqlite",
        "PRIMARY KEY (debate_id, user_id)",
        "PRIMARY KEY (debate_id, user_id) ON CONFLICT REPLACE",
        "parity-timing",
        "ON CONFLICT REPLACE in primary key debate_votes_pkey of debate_votes",
    ),
    schema(
        "a generated column",
        "workflow",
        "postgres",
        "'accepted_risk', 'duplicate', 'wont_fix'",
        "'accepted_risk', 'wont_fix'",
        "parity-default",
        "finding_workflows.is_terminal is generated as current_state in",
        at="is_terminal BOOLEAN",
    ),
    schema(
        "the body of a trigger",
        "consensus",
        "sqlite",
        "VALUES (new.row_id, coalesce(new.topic_terms, new.topic));",
        "VALUES (new.row_id, new.topic);",
        "schema-record",
        "trigger consensus_search_insert of consensus is",
        at="CREATE TRIGGER IF NOT EXISTS consensus_search_insert",
    ),
    appended(
        "schema",
        "a rule that SQLite has not",
        "postgres/workflow/schema.sql",
        "\nALTER TABLE finding_links ADD CONSTRAINT more_check CHECK (position < 1000);\n",
        "schema-statement",
        "write it in CREATE TABLE",
    ),
    Edit(
        "schema",
        "the master without a store",
        (swap("postgres/schema.sql", "\\if :make_jobs\n\\ir jobs/schema.sql\n\\endif\n", ""),),
        (Expected("unlisted-store", "postgres/jobs/schema.sql", "", "has no line"),),
    ),
    # -- locks
    lock(
        "claim_jobs_of_type",
        "jobs",
        "FOR UPDATE SKIP LOCKED",
        "FOR UPDATE",
        "-- locks: job_queue rows in order of priority DESC, number, skip locked",
        "is not what it does; it takes: job_queue rows in order of priority DESC, number",
    ),
    lock(
        "lock_critique",
        "critique",
        "FOR UPDATE",
        "FOR SHARE",
        "-- locks: one critiques row",
        "is not what it does; it takes: one critiques row for share",
    ),
    lock(
        "prune_workflow",
        "checkpoints",
        "ORDER BY c.stored_at, c.sequence",
        "ORDER BY c.stored_at DESC, c.sequence DESC",
        "-- locks: workflow_checkpoints rows in order",
        "it takes: workflow_checkpoints rows in order of stored_at DESC, sequence DESC",
    ),
    # -- plans
    query(
        "plans",
        "list_domain",
        "consensus",
        "postgres",
        "c.domain = :domain",
        "coalesce(c.domain, '') = :domain",
        ("plan-snapshot", "postgres", "the plan of query 'list_domain' is not the one in"),
    ),
    # -- security
    appended(
        "security",
        "a right for everybody",
        "postgres/critique/schema.sql",
        "\nGRANT SELECT ON debates TO PUBLIC;\n",
        "open-grant",
        "GRANT SELECT ON DEBATES",
    ),
    appended(
        "security",
        "a view of secrets",
        "postgres/integrations/schema.sql",
        "\nCREATE VIEW all_settings WITH (security_invoker = TRUE) AS\n"
        "SELECT i.user_id, i.settings FROM integrations AS i;\n",
        "secret-view",
        "settings",
    ),
    # -- upgrades
    Edit(
        "upgrades",
        "a column without an upgrade",
        NOTE,
        (
            Expected("schema-record", JOBS[0], "note TEXT", "column note of job_queue is new"),
            Expected("schema-record", JOBS[1], "note TEXT", "column note of job_queue is new"),
        ),
        JOBS,
    ),
    Edit(
        "upgrades",
        "an upgrade that deletes rows",
        (
            *NOTE,
            *version_of_jobs(4),
            *upgrades(4, "DELETE FROM job_queue WHERE status = 'cancelled';\n"),
            record,
        ),
        (
            Expected("upgrade", "postgres/jobs/upgrades/0004_note.sql", "DELETE", "job_queue"),
            Expected("upgrade", "sqlite/jobs/upgrades/0004_note.sql", "DELETE", "job_queue"),
        ),
        JOBS,
    ),
    Edit(
        "upgrades",
        "a recorded upgrade that was edited",
        (
            swap(
                "postgres/jobs/upgrades/0002_schedules_limits_cancel.sql",
                "ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE",
                "ADD COLUMN paused BOOLEAN NOT NULL DEFAULT TRUE",
            ),
        ),
        (
            Expected(
                "schema-record",
                "postgres/jobs/upgrades/0002_schedules_limits_cancel.sql",
                "",
                "upgrade 2 of 'jobs' was changed after it was recorded",
            ),
        ),
        JOBS,
    ),
    # -- mappings
    Edit(
        "mappings",
        "swapped columns",
        (
            swap(
                "legacy/integrations.sql",
                "    coalesce(notify_on_debate_end, 1) AS notify_on_debate_end,\n"
                "    coalesce(notify_on_error, 0) AS notify_on_error,",
                "    coalesce(notify_on_error, 1) AS notify_on_debate_end,\n"
                "    coalesce(notify_on_debate_end, 0) AS notify_on_error,",
            ),
        ),
        (
            Expected(
                "mapping",
                "legacy/integrations.sql",
                "AS notify_on_debate_end",
                "integrations.notify_on_debate_end is True after the move, and False by the",
            ),
        ),
    ),
    Edit(
        "mappings",
        "a bound",
        (swap("legacy/integrations.sql", "WHEN errors_24h > 0 THEN", "WHEN errors_24h > 1 THEN"),),
        (
            Expected(
                "mapping",
                "legacy/integrations.sql",
                "AS errors_since,",
                "integrations.errors_since is None after the move",
            ),
        ),
    ),
    Edit(
        "mappings",
        "a misspelt word",
        (swap("legacy/jobs.sql", "-- merge: newest", "-- merges: newest"),),
        (
            Expected(
                "unknown-directive",
                "legacy/jobs.sql",
                "-- merges: newest",
                "nothing reads 'merges:'; is 'merge:' meant?",
            ),
        ),
    ),
    # -- form
    Edit(
        "form",
        "a result column renamed in both dialects",
        both(
            "{}/critique/queries.sql",
            "    e.embedding\n",
            "    e.embedding AS vector\n",
            within="-- name: list_embeddings(",
        ),
        (
            Expected(
                "wrong-result",
                str(PACKAGE / "stores" / "critique" / "store.py"),
                'row["embedding"]',
                "query critique.list_embeddings gives no column 'embedding'; it gives pattern_id, ",
            ),
        ),
    ),
    Edit(
        "form",
        "an operation changed in both dialects",
        both(
            "{}/workflow/queries.sql", "delete_finding(finding_id)!", "delete_finding(finding_id)"
        ),
        (
            Expected(
                "wrong-result",
                str(PACKAGE / "stores" / "workflow" / "store.py"),
                "_queries.delete_finding(",
                "query workflow.delete_finding gives every row (operation none)",
            ),
        ),
    ),
    # -- files
    Edit(
        "files",
        "line ends of another system",
        (recode("sqlite/jobs/queries.sql", lambda text: text.replace(b"\n", b"\r\n")),),
        (Expected("characters", "sqlite/jobs/queries.sql", "", "CR LF"),),
        ("sqlite/jobs/queries.sql",),
    ),
    Edit(
        "files",
        "a character that nobody sees",
        (swap("postgres/jobs/queries.sql", "SELECT j.id\n", "SELECT\u200b j.id\n"),),
        (Expected("characters", "postgres/jobs/queries.sql", "SELECT\u200b j.id", "U+200B"),),
        ("postgres/jobs/queries.sql",),
    ),
    Edit(
        "files",
        "lost answers of the migration",
        (remove("migration/answers.txt"),),
        (Expected("mapping-snapshot", "migration/answers.txt", "", "there is no such file"),),
    ),
]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product's tree, which each edit has for itself: what it changed is undone."""
    folder = tmp_path_factory.mktemp("product")
    shutil.copytree(packaged_sql_dir(), folder / "sql")
    style = packaged_sql_dir().parent / ".sqlfluff"
    if style.is_file():
        shutil.copy(style, folder)
    return folder / "sql"


@pytest.fixture
def root(product: Path) -> Path:
    """The copy as it was copied."""
    shutil.rmtree(product)
    shutil.copytree(packaged_sql_dir(), product)
    return product


def checked(root: Path, servers: Servers, files: tuple[str, ...] = ()) -> Checked:
    """Check a copy of the product's tree by all rules but the style."""
    options = Options(
        root,
        (PACKAGE,),
        tuple(root / file for file in files),
        frozenset({"style"}),
        servers.default.dsn("postgres"),
    )
    return check(options)


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS, ids=lambda one: f"{one.kind}: {one.name[:60]}")
def test_each_edit_of_the_product_s_tree_is_named(edit: Edit, root: Path, servers: Servers) -> None:
    assert edit.expected
    edit.make(root)
    found = checked(root, servers, edit.files)
    assert unseen(root, edit, found) == [], render(found.findings, "text")


NOTES = "postgres/notes/queries.sql"
SMALL = [
    Edit(
        "meaning",
        "an optional filter",
        (
            swap(
                "sqlite/notes/queries.sql",
                "(:body IS NULL OR n.body = :body)",
                "n.body = :body",
            ),
        ),
        (
            Expected(
                "meaning",
                "sqlite/notes/queries.sql",
                "-- name: list_notes(",
                "query 'list_notes' answers otherwise than PostgreSQL's: rows is 0 here and [{",
            ),
        ),
    ),
    Edit(
        "schema",
        "a type with fewer digits",
        (swap("postgres/notes/schema.sql", "score DOUBLE PRECISION", "score REAL"),),
        (
            Expected(
                "parity-precision",
                "postgres/notes/schema.sql",
                "score REAL",
                "notes.score is of type real, which keeps 24 bits of a number",
            ),
        ),
    ),
    Edit(
        "locks",
        "a lock that no comment tells",
        (swap(NOTES, "WHERE n.id = :note_id", "WHERE n.id = :note_id FOR UPDATE"),),
        (Expected("locks", NOTES, "FOR UPDATE", "write '-- locks: one notes row'"),),
    ),
    Edit(
        "plans",
        "a condition that no index knows",
        (swap(NOTES, "WHERE author_id = :author_id", "WHERE author_id || '' = :author_id"),),
        (Expected("full-scan", NOTES, "-- name: count_notes(", "reads the whole table"),),
    ),
    Edit(
        "security",
        "a right for everybody",
        (write("postgres/notes/schema.sql", "\nGRANT SELECT ON notes TO PUBLIC;\n", at_end=True),),
        (Expected("open-grant", "postgres/notes/schema.sql", "GRANT SELECT", "GRANT SELECT ON"),),
    ),
    Edit(
        "upgrades",
        "a column without an upgrade",
        both("{}/notes/schema.sql", "    body TEXT,\n", "    body TEXT,\n    mood TEXT,\n"),
        tuple(
            Expected(
                "schema-record", f"{dialect}/notes/schema.sql", "mood TEXT", "mood of notes is new"
            )
            for dialect in ("postgres", "sqlite")
        ),
    ),
    Edit(
        "files",
        "line ends of another system",
        (recode("sqlite/notes/queries.sql", lambda text: text.replace(b"\n", b"\r\n")),),
        (Expected("characters", "sqlite/notes/queries.sql", "", "CR LF"),),
    ),
]


@pytest.mark.parametrize("edit", SMALL, ids=lambda one: f"{one.kind}: {one.name}")
def test_each_edit_of_a_small_tree_is_named(edit: Edit, tree: Path, run_check: Check) -> None:
    record_versions(tree)
    edit.make(tree)
    skip = {"style", "squawk", "plan-snapshot"} | ({"meaning"} if edit.kind != "meaning" else set())
    found = run_check(tree, skip=skip)
    assert unseen(tree, edit, found) == [], render(found.findings, "text")

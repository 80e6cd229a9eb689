"""What is in PostgreSQL goes to SQLite: every row of every table, value for value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    InvalidInputError,
    LockTimeoutError,
    SchemaMismatchError,
    SchemaVersionError,
)
from aragora_sql.migration import MemoryMigrator, MigrationOptions, run_migration
from aragora_sql.migration.progress import SilentProgress
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, ToSQLiteReport, move_to_sqlite
from aragora_sql.migration.to_sqlite.places import locked
from aragora_sql.migration.to_sqlite.run import NEGATIVE_ZERO, ONLY_THERE
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import latest_version, verify_schema
from aragora_sql.settings import PostgresDSN
from tests.conftest import PostgresServer, Servers
from tests.migration.conftest import check_sums
from tests.migration.moved import (
    GIVEN_ANEW,
    OWN_NUMBERS,
    beside,
    contents,
    execute,
    made_rows,
    move,
    query,
    tables_of,
)
from tests.stores.samples import TABLES


@dataclass(frozen=True, slots=True)
class Made:
    """Made rows in PostgreSQL, the same in a SQLite file, and the file that they were moved to."""

    dsn: str
    same: Path
    moved: Path
    report: ToSQLiteReport


@pytest.fixture(scope="module")
def made(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("made")
    same, moved = folder / "same.db", folder / "moved.db"
    with made_rows(servers.default, same) as dsn:
        yield Made(dsn, same, moved, move(dsn, moved))


async def test_every_row_of_every_table_is_there(made: Made) -> None:
    expected, found = contents(made.same), contents(made.moved)
    assert found == expected
    assert found.keys() == {*TABLES}
    assert all(rows for rows in found.values())
    assert made.report.exit_code == 0
    assert made.report.total_migrated == sum(map(len, expected.values()))
    assert {line.table for line in made.report.tables} == set(found)
    assert all(line.verified and line.verified.compared for line in made.report.tables)
    check_sums(made.report)
    # Nothing of the work is left, in the file or beside it.
    assert beside(made.moved) == {"moved.db"}
    database = SQLiteDatabase(made.moved, mode="read")
    assert await verify_schema(database) == []
    await database.close()


def test_full_text_tables_find_what_they_found(made: Made) -> None:
    for table in ("consensus_search", "continuum_search", "decision_search", "marketplace_search"):
        statement = f"SELECT count(*) FROM {table} WHERE {table} MATCH ?"
        for word in ("alpha", "beta", "gamma"):
            assert query(made.moved, statement, word) == query(made.same, statement, word)
    assert query(
        made.moved, "SELECT count(*) FROM consensus_search WHERE consensus_search MATCH 'alpha'"
    ) != [(0,)]


def test_own_numbers_of_sqlite_grow_as_the_rows_did(made: Made) -> None:
    # Of cycles nobody knows when they were stored.
    for table in OWN_NUMBERS.keys() - {"cycles"}:
        times = query(made.moved, f"SELECT created_at FROM {table} ORDER BY row_id")
        assert times == sorted(times)


def test_there_and_back_again(made: Made, servers: Servers, tmp_path: Path) -> None:
    server: PostgresServer = servers.default
    name = server.create_database()
    try:
        dsn = server.dsn(name)
        there = run_migration(
            MigrationOptions(
                sqlite_path=made.moved,
                dsn=PostgresDSN.parse(dsn),
                verify="all",
                rejects=tmp_path / "rejects",
            )
        )
        assert (there.exit_code, there.left_behind) == (0, [])
        assert move(dsn, tmp_path / "again.db").exit_code == 0
    finally:
        server.drop_database(name)
    first = contents(made.moved, OWN_NUMBERS | GIVEN_ANEW)
    again = contents(tmp_path / "again.db", OWN_NUMBERS | GIVEN_ANEW)
    for table, rows in first.items():
        # Archived rows that are equal in all that an application sees are one on the way there.
        assert again[table] == (sorted(set(rows), key=repr) if table in GIVEN_ANEW else rows), table


def test_verify_only_names_what_is_not_as_in_the_source(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    path.write_bytes(made.moved.read_bytes())
    report = move(made.dsn, path, verify="only")
    assert (report.exit_code, report.mismatches) == (0, 0)
    [(number,)] = query(path, "SELECT min(number) FROM elo_history")
    changes = (
        ("UPDATE elo_history SET elo = elo + 1e-9 WHERE number = ?", number),
        ("DELETE FROM debate_votes WHERE rowid = (SELECT min(rowid) FROM debate_votes)",),
        ("UPDATE debates SET created_at = '2020-01-01T00:00:00.000000Z' WHERE rowid = 1",),
        ("UPDATE patterns_archive SET archive_id = 777 WHERE archive_id = 1",),
        ("UPDATE langgraph_values SET content = x'00ff00ff' WHERE rowid = 2",),
        ("UPDATE job_queue SET priority = priority + 1 WHERE number = 3",),
        ("UPDATE consensus SET metadata = json_set(metadata, '$.x', 1) WHERE row_id = 5",),
        ("UPDATE integrations SET enabled = 1 - enabled WHERE rowid = 4",),
    )
    for statement, *arguments in changes:
        query(path, statement, *arguments)
    report = move(made.dsn, path, verify="only")
    assert (report.exit_code, report.mismatches) == (1, len(changes))
    found = {line.table: line.verified for line in report.tables if line.verified}
    first = {table: result.first[0] for table, result in found.items() if result.mismatches}
    assert f"number={number}: elo: " in first["elo_history"]
    assert first["debate_votes"].endswith(": missing in the target")
    assert ": created_at: datetime.datetime(" in first["debates"]
    assert first["patterns_archive"] == "patterns_archive archive_id=1: missing in the target"
    assert ": content: " in first["langgraph_values"]
    assert ": priority: " in first["job_queue"]
    assert ": metadata: " in first["consensus"]
    assert ": enabled: " in first["integrations"]


def test_a_file_that_is_there_is_added_to_and_nothing_is_overwritten(
    made: Made, tmp_path: Path
) -> None:
    path = tmp_path / "copy.db"
    path.write_bytes(made.moved.read_bytes())
    some = ("consensus", "critique", "jobs", "workflow", "elo")
    report = move(made.dsn, path, stores=some)
    assert report.total_skipped == sum(line.rows_in_source for line in report.tables) > 600
    assert (report.exit_code, report.total_different, report.total_migrated) == (0, 0, 0)
    query(path, "DELETE FROM finding_links")
    query(path, "UPDATE debates SET task = 'mine' WHERE rowid = 1")
    query(path, "UPDATE consensus SET data = '{\"mine\":1}' WHERE row_id = 2")
    query(path, "INSERT INTO elo_tournaments (tournament_id) VALUES ('mine')")
    # Another row of the file has what is to be unique.
    query(path, "UPDATE job_queue SET number = 900, status = status WHERE number = 1")
    report = move(made.dsn, path, stores=some)
    assert report.exit_code == 1
    assert report.table("finding_links").migrated == 30
    assert report.table("debates").different == 1
    assert report.table("debates").counts.different_keys[0].startswith("id='")
    assert report.table("consensus").different == 1
    assert report.table("elo_tournaments").counts.notes == Counter({ONLY_THERE: 1})
    assert report.table("job_queue").rejected == 1
    [reason] = report.reasons
    assert reason.startswith("job_queue: breaks the rule UNIQUE constraint failed: job_queue.")
    check_sums(report)
    assert query(path, "SELECT task FROM debates WHERE rowid = 1") == [("mine",)]
    # With --no-skip-existing they are rejected by name.
    report = move(made.dsn, path, stores=("critique",), skip_existing=False)
    assert report.table("debates").rejected == 30
    assert report.reasons["debates: a row with this key is there already"] == 30
    assert tables_of(path) == tables_of(made.moved)


def test_a_dry_run_changes_nothing(made: Made, tmp_path: Path) -> None:
    new, there = tmp_path / "new.db", tmp_path / "there.db"
    there.write_bytes(made.moved.read_bytes())
    query(there, "DELETE FROM debate_votes")
    before = there.read_bytes()
    report = move(made.dsn, new, dry_run=True, stores=("consensus",))
    assert report.is_dry_run
    assert report.total_migrated == 7 * 30
    report = move(made.dsn, there, dry_run=True, stores=("consensus",))
    assert report.table("debate_votes").migrated == report.total_migrated == 30
    assert there.read_bytes() == before
    assert beside(new) == set()
    assert beside(there) == {"there.db"}


# -- what SQLite can't keep, on a database of the test's own

# The stores of the rows at the edges: the others would only take time.
EDGED = ("consensus", "critique", "integrations")
DEEP = "[" * 3000 + "]" * 3000
# Long enough to be in no name that is drawn, as that of a folder.
MARK = "secret-of-the-webhook-2f9d7c51e8"
EDGES = (
    "INSERT INTO consensus (id, topic, topic_hash, conclusion, supersedes, created_at, data) "
    "VALUES ('c1', 'first topic', 'h', 'yes', NULL, '2026-02-12 16:42:57.123456+05', '{}'), "
    "('c2', 'second topic', 'h', 'yes', 'c1', '0001-01-01 00:00:00+00', "
    '\'{"large": 100000000000000000.0, "long": 1180591620717411303424, "text": "\\u0001 é 😀", '
    '"list": [0.1, -0.0, 1e-7, true, null]}\'), '
    "('c3', 'third', 'h', 'no', NULL, 'infinity', '{}'), "
    "('c4', 'fourth', 'h', 'no', 'c3', '9999-12-31 23:59:59.999999+00', '{}'), "
    "('c5', 'fifth', 'h', 'no', 'c4', '2026-01-01+00', '{}'), "
    "('c6', 'sixth', 'h', 'no', NULL, '0044-03-15 12:00:00+00 BC', '{}'), "
    f"('c7', 'seventh', 'h', 'no', NULL, '2026-01-01+00', '{{\"deep\": {DEEP}}}')",
    "INSERT INTO dissent (id, consensus_id, agent_id, dissent_type, content) VALUES "
    "('d1', 'c1', 'a', 'risk_warning', 'x'), ('d3', 'c3', 'a', 'risk_warning', 'x')",
    "INSERT INTO debates (id, task, duration_seconds) VALUES ('d', 't', '-0'), ('e', 'u', 0)",
    "INSERT INTO critiques (id, agent) VALUES (3, 'a'), (9223372036854775807, 'b')",
    "SELECT setval('critiques_id_seq', 4000)",
    "INSERT INTO patterns (id, issue_type, issue_text) VALUES ('p', 'i', 't')",
    "INSERT INTO pattern_embeddings VALUES ('p', decode(repeat('00ff7f80', 64), 'hex'))",
    "INSERT INTO consensus_archive (id, topic, topic_hash, conclusion, strength, confidence, "
    "rounds, debate_duration_seconds, participating_agents, agreeing_agents, dissenting_agents, "
    "key_claims, supporting_evidence, tags, belief_cruxes, metadata, data, created_at, updated_at) "
    "SELECT 'a', 't', 'h', 'c', 'weak', n.confidence::double precision, 1, 2, e, e, e, e, e, e, e, "
    "'{}', '{}', now(), now() FROM (VALUES ('NaN'), ('Infinity'), ('0.1'), ('5e-324')) "
    "AS n (confidence), jsonb('[]') AS e",
    "DELETE FROM consensus_archive WHERE confidence = 0.1",
    "INSERT INTO integrations (user_id, integration_type, settings, last_activity) VALUES "
    f"('u', 'slack', '{{\"webhook_url\": \"https://secret.example/{MARK}\"}}', 'infinity')",
)


def edged(dsn: str) -> str:
    """Fill a database with values at the edges; return its DSN."""
    execute(dsn, *EDGES)
    return dsn


def test_what_sqlite_cannot_keep_is_rejected_with_its_reason(
    postgres_dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "moved.db"
    report = move(edged(postgres_dsn), path, stores=EDGED)
    check_sums(report)
    assert report.exit_code == 1
    assert report.mismatches == 0
    assert report.reasons == {
        "consensus.created_at: the timestamp … is not in the years 1 to …": 2,
        "consensus: a document that SQLite does not take: it is nested too deep, or too large": 1,
        "consensus: its row of consensus is not there": 2,
        "dissent: its row of consensus is not there": 1,
        "critiques.id: the number …: SQLite could give no further row a number": 1,
        "consensus_archive.confidence: NaN, which SQLite has not": 1,
        "integrations.last_activity: the timestamp … is not in the years 1 to …": 1,
    }
    found = {
        file.stem: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for file in map(Path, report.reject_files)
    }
    assert {line["key"]["id"] for line in found["consensus"]} == {"c3", "c4", "c5", "c6", "c7"}
    [dissent] = found["dissent"]
    assert dissent["row"]["consensus_id"] == "c3"
    assert MARK not in json.dumps(found["integrations"])
    assert all(file.stat().st_mode & 0o077 == 0 for file in map(Path, report.reject_files))
    # What it keeps is there as it was.
    assert query(path, "SELECT id, created_at FROM consensus ORDER BY id") == [
        ("c1", "2026-02-12T11:42:57.123456Z"),
        ("c2", "0001-01-01T00:00:00.000000Z"),
    ]
    [(text,)] = query(path, "SELECT data FROM consensus WHERE id = 'c2'")
    assert json.loads(text) == {
        "large": 1e17,
        "long": 2**70,
        "text": "\x01 é 😀",
        "list": [0.1, 0.0, 1e-7, True, None],
    }
    assert '"large":100000000000000000.0' in text
    assert query(path, "SELECT embedding FROM pattern_embeddings") == [(b"\x00\xff\x7f\x80" * 64,)]
    archived = query(path, "SELECT archive_id, confidence FROM consensus_archive ORDER BY 1")
    assert archived == [(2, float("inf")), (4, 5e-324)]
    assert report.table("debates").counts.notes == Counter({NEGATIVE_ZERO: 1})
    # The next critique gets the number that PostgreSQL would have given it.
    query(path, "INSERT INTO critiques (agent) VALUES ('new')")
    assert query(path, "SELECT id FROM critiques ORDER BY id") == [(3,), (4001,)]
    # A later look says of each what is missing.
    again = move(postgres_dsn, path, verify="only", stores=EDGED)
    verified = {line.table: line.verified for line in again.tables if line.verified}
    assert verified["consensus"].mismatches == 5
    assert verified["critiques"].rejected == 1
    assert "could not be moved" in verified["consensus_archive"].first[0]


HISTORY = (
    "INSERT INTO job_history (id, number, job_type, payload, status, priority, attempts, "
    "max_attempts, claim_count, unique_while_running, completed_at, created_at, updated_at) "
    "SELECT n.id, 1, 't', '{}', 'completed', 0, 1, 3, 1, FALSE, n.completed_at, now(), now() "
    "FROM (VALUES ('a', timestamptz '2026-02-12 16:42:57.123456+05:45'), "
    "('a', '2026-02-12 16:42:57.123457+05:45'), ('b', '0001-01-01 00:00:00+00'), "
    "('c', 'infinity')) AS n (id, completed_at)",
)


def test_rows_are_told_apart_by_a_timestamp_of_their_key(postgres_dsn: str, tmp_path: Path) -> None:
    """Two ends of one job id, a microsecond apart; one end that SQLite can't keep."""
    execute(postgres_dsn, *HISTORY)
    path = tmp_path / "moved.db"
    report = move(postgres_dsn, path, stores=("jobs",))
    check_sums(report)
    history = report.table("job_history")
    assert (history.counts.migrated, history.counts.rejected, report.mismatches) == (3, 1, 0)
    change = "UPDATE job_history SET attempts = 2 WHERE completed_at LIKE '%123457Z'"
    query(path, change)
    again = move(postgres_dsn, path, verify="only", stores=("jobs",))
    [looked_at] = [line.verified for line in again.tables if line.table == "job_history"]
    assert looked_at is not None
    # The row that was changed, and the one that is not there.
    assert looked_at.mismatches == 2
    assert "123457" in looked_at.first[0]
    assert "attempts: 1 in the source, 2 in the target" in looked_at.first[0]


def test_the_source_is_only_read(postgres_dsn: str, tmp_path: Path) -> None:
    reader = f"{PostgresDSN.parse(postgres_dsn).database}_reader"
    execute(postgres_dsn, f"CREATE ROLE {reader} LOGIN", *EDGES[2:3])
    try:
        execute(
            postgres_dsn,
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
            f"ALTER ROLE {reader} BYPASSRLS",
        )
        dsn = replace(PostgresDSN.parse(postgres_dsn), user=reader, password=None).uri()
        report = move(dsn, tmp_path / "moved.db", stores=EDGED)
        assert (report.exit_code, report.total_migrated) == (0, 2)
    finally:
        execute(postgres_dsn, f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")


class Writing(SilentProgress):
    """Writes to the source whenever some rows of it are moved or compared."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.written = 0

    def advance(self, rows: int) -> None:
        if rows:
            self.written += 1
            execute(
                self._dsn,
                f"INSERT INTO debates (id, task) VALUES ('new{self.written}', 't')",
                f"INSERT INTO critiques (debate_id, agent) VALUES ('new{self.written}', 'a')",
                f"DELETE FROM debates WHERE id = 'd{self.written}'",
                "UPDATE patterns SET issue_text = issue_text || '.'",
            )


def test_what_is_moved_is_the_state_of_one_moment(postgres_dsn: str, tmp_path: Path) -> None:
    execute(
        postgres_dsn,
        "INSERT INTO debates (id, task) SELECT 'd' || n, 't' FROM generate_series(1, 60) AS n",
        "INSERT INTO critiques (debate_id, agent) SELECT id, 'a' FROM debates",
        "INSERT INTO patterns (id, issue_type, issue_text) VALUES ('p', 'i', 't')",
    )
    path, progress = tmp_path / "moved.db", Writing(postgres_dsn)
    report = move_to_sqlite(
        ToSQLiteOptions(
            dsn=PostgresDSN.parse(postgres_dsn),
            sqlite_path=path,
            stores=("critique",),
            batch_size=2,
            verify="all",
            rejects=tmp_path / "rejects",
        ),
        progress,
    )
    assert (report.exit_code, report.total_migrated, report.mismatches) == (0, 121, 0)
    # Of ten rows each that were moved, and of two that were compared.
    assert progress.written > 60
    for table in ("debates", "critiques"):
        assert query(path, f"SELECT count(*) FROM {table}") == [(60,)]
    assert query(path, "SELECT issue_text FROM patterns") == [("t",)]


# -- interrupted runs


class StoppedError(Exception):
    """Ends a run in the middle of its work."""


class Stopping(SilentProgress):
    """Ends a run when it tells of its progress for so many times."""

    def __init__(self, times: int) -> None:
        self._left = times

    def advance(self, rows: int) -> None:
        self._left -= rows > 0
        if self._left < 0:
            raise StoppedError


def stop(dsn: str, path: Path, times: int, **options: Any) -> None:
    """Begin to move, and stop."""
    given: dict[str, Any] = {
        "rejects": path.parent / "rejects",
        "batch_size": 1,
        "stores": EDGED,
    } | options
    with pytest.raises(StoppedError):
        move_to_sqlite(
            ToSQLiteOptions(dsn=PostgresDSN.parse(dsn), sqlite_path=path, **given), Stopping(times)
        )


def test_a_run_goes_on_where_it_was_stopped(postgres_dsn: str, tmp_path: Path) -> None:
    edged(postgres_dsn)
    whole, path = tmp_path / "whole.db", tmp_path / "moved.db"
    clean = move(postgres_dsn, whole, stores=EDGED)
    for times in (1, 3, 5):
        stop(postgres_dsn, path, times)
        # Half a database has no name that an application would open.
        assert not path.exists()
        assert (tmp_path / "moved.db.partial").exists()
        assert (tmp_path / "moved.db.migrating").exists() is False
    report = move(postgres_dsn, path, batch_size=1, stores=EDGED)
    assert (
        0
        < sum(line.resumed for line in report.tables)
        < sum(line.rows_in_source for line in report.tables)
    )
    assert contents(path) == contents(whole)
    assert report.reasons == clean.reasons
    assert [line.counts for line in report.tables] == [line.counts for line in clean.tables]
    assert beside(path) == {"moved.db"}


def test_a_source_that_was_written_to_is_moved_anew(
    postgres_dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    execute(postgres_dsn, *EDGES[2:4])
    path = tmp_path / "moved.db"
    changes = (
        "UPDATE debates SET task = 'later' WHERE id = 'e'",
        "DELETE FROM debates WHERE id = 'd'",
        "INSERT INTO debates (id, task) VALUES ('f', 'new')",
    )
    for change in changes:
        stop(postgres_dsn, path, 1, stores=("critique",))
        execute(postgres_dsn, change)
        caplog.clear()
        report = move(postgres_dsn, path, stores=("critique",))
        assert sum(line.resumed for line in report.tables) == 0
        assert "the source was written to since the run that was interrupted" in caplog.text
        path.unlink()
    # Of another choice of stores nothing can be gone on with either.
    stop(postgres_dsn, path, 1)
    report = move(postgres_dsn, path, stores=("critique",))
    assert sum(line.resumed for line in report.tables) == 0
    assert dict(query(path, "SELECT id, task FROM debates")) == {"e": "later", "f": "new"}


def test_a_file_that_was_there_goes_on_too(postgres_dsn: str, tmp_path: Path) -> None:
    edged(postgres_dsn)
    path = tmp_path / "moved.db"
    move(postgres_dsn, path, stores=("elo",))
    stop(postgres_dsn, path, 9)
    report = move(postgres_dsn, path, stores=EDGED)
    assert sum(line.resumed for line in report.tables) > 0
    assert report.total_skipped == 0
    move(postgres_dsn, tmp_path / "other.db", stores=("elo", *EDGED))
    assert contents(path) == contents(tmp_path / "other.db")
    assert not [name for name in tables_of(path) if name.startswith("_migration")]


def test_what_an_interrupted_run_left_in_a_file_does_not_stop_the_next(
    postgres_dsn: str, tmp_path: Path
) -> None:
    edged(postgres_dsn)
    path = tmp_path / "moved.db"
    move(postgres_dsn, path, stores=("elo",))
    # Rows are there whose parent can't be: nobody has looked at that yet.
    stop(postgres_dsn, path, 2)
    assert query(path, "SELECT count(*) > 0 FROM pragma_foreign_key_check('dissent')") == [(1,)]
    execute(postgres_dsn, "UPDATE debates SET task = 'later'")
    report = move(postgres_dsn, path, stores=EDGED)
    assert report.table("consensus").rejected == 5
    assert report.table("consensus").already_there == 2
    assert query(path, "SELECT count(*) FROM pragma_foreign_key_check") == [(0,)]
    # One that was killed when the file had just got its name left another name for it.
    (tmp_path / "moved.db.partial").hardlink_to(path)
    assert move(postgres_dsn, path, stores=EDGED).total_migrated == 0
    assert beside(path) == {"moved.db"}


# -- what is refused, before anything is written


FEW = ("consensus", "critique", "jobs")


def test_what_cannot_be_done_is_said(postgres_dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "moved.db"

    def refused(kind: type[AragoraSQLError], *said: str, **options: Any) -> None:
        before = beside(path)
        with pytest.raises(kind) as caught:
            move(postgres_dsn, options.pop("path", path), **({"stores": FEW} | options))
        for text in said:
            assert text in str(caught.value)
        assert beside(path) == before

    refused(ConfigurationError, "is a folder", path=tmp_path)
    refused(ConfigurationError, "there is no folder", path=tmp_path / "none" / "x.db")
    refused(ConfigurationError, "there is no file", verify="only")
    refused(InvalidInputError, "'notes' can't be moved", stores=("notes",))
    path.write_text("no database, but a text")
    refused(ConfigurationError, "is no SQLite database")
    path.unlink()
    query(path, "CREATE TABLE mine (a)")
    refused(ConfigurationError, "is no database of this package")
    assert query(path, "SELECT name FROM sqlite_schema") == [("mine",)]
    path.unlink()
    move(postgres_dsn, path, stores=FEW)
    query(path, "UPDATE _schema_versions SET version = 1 WHERE module = 'jobs'")
    refused(
        SchemaVersionError, "schema version 1", f"aragora-sql schema apply --sqlite-path {path}"
    )
    latest = latest_version("jobs", "sqlite", packaged_sql_dir())
    query(path, f"UPDATE _schema_versions SET version = {latest} WHERE module = 'jobs'")
    query(path, "DROP TRIGGER consensus_search_insert")
    refused(SchemaMismatchError, "trigger consensus_search_insert", "schema verify --sqlite-path")
    path.unlink()
    move(postgres_dsn, path, stores=FEW)
    query(path, "INSERT INTO pattern_embeddings VALUES ('nobody', x'00')")
    refused(SchemaMismatchError, "1 rows of pattern_embeddings have no parent")
    path.unlink()
    with locked(path):
        refused(LockTimeoutError, "another migration into")
    execute(postgres_dsn, "UPDATE _schema_versions SET version = 1 WHERE module = 'jobs'")
    refused(SchemaVersionError, "the source has schema version 1", "aragora-sql schema apply")
    execute(postgres_dsn, "DELETE FROM _schema_versions WHERE module = 'jobs'")
    refused(SchemaMismatchError, "store 'jobs' is not in the source", stores=("jobs",))
    execute(postgres_dsn, "DELETE FROM _schema_versions")
    refused(SchemaMismatchError, "has no store of this package", stores=())


def test_a_column_that_no_store_has_is_left_behind_by_name(
    postgres_dsn: str, tmp_path: Path
) -> None:
    execute(
        postgres_dsn,
        "ALTER TABLE debates ADD COLUMN note TEXT",
        "INSERT INTO debates (id, task, note) VALUES ('d', 't', 'mine'), ('e', 't', NULL)",
    )
    report = move(postgres_dsn, tmp_path / "moved.db", stores=("critique",))
    assert report.exit_code == 3
    [left] = report.left_behind
    assert (
        str(left) == "PostgreSQL: table debates, column note: 1 value; no store has such a column"
    )


# -- in a program


async def test_the_migrator_reversed(postgres_dsn: str, tmp_path: Path) -> None:
    execute(postgres_dsn, *EDGES[2:3])
    path = tmp_path / "moved.db"
    migrator = MemoryMigrator(path, postgres_dsn, reverse=True, rejects=tmp_path / "rejects")
    report = await migrator.migrate_critique_store()
    assert (report.total_migrated, report.success) == (2, True)
    assert {line.store for line in report.tables} == {"critique"}
    assert (await migrator.migrate_critique_store()).total_skipped == 2
    report = await migrator.dry_run()
    assert (report.total_skipped, report.is_dry_run) == (2, True)
    await migrator.close()
    with pytest.raises(InvalidInputError, match="renumber: does not go with reverse=True"):
        MemoryMigrator(path, postgres_dsn, reverse=True, renumber=True)


# What a server without an encoding keeps is no text.
def test_a_database_without_an_encoding_is_refused(servers: Servers, tmp_path: Path) -> None:
    server: PostgresServer = servers.default
    name = server.create_database("template0")
    server.drop_database(name)
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' "
            "LOCALE_PROVIDER libc LOCALE 'C'".encode()
        )
    try:
        execute(
            server.dsn(name),
            "CREATE TABLE _schema_versions (module TEXT, version INT)",
            "INSERT INTO _schema_versions VALUES ('langgraph_items', 1)",
            "CREATE TABLE langgraph_items (a INT)",
        )
        with pytest.raises(ConfigurationError, match="SQL_ASCII"):
            move(server.dsn(name), tmp_path / "moved.db")
    finally:
        server.drop_database(name)

"""Roles that own nothing of the target load into tables that are there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from aragora_sql.errors import AragoraSQLError, SchemaRightsError
from aragora_sql.migration import retry_rejects
from aragora_sql.migration.indexes import FEWEST_ROWS
from aragora_sql.settings import PostgresDSN
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import write_consensus, write_memory_db
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill

# What docs/migration.md names.
RIGHTS = """
    GRANT USAGE, CREATE ON SCHEMA public TO {role};
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role};
    GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {role};
"""


@dataclass(frozen=True, slots=True)
class Guest:
    """A role that owns nothing, and the target as its owner and as this role see it."""

    name: str
    owner: Target
    target: Target

    def allow(self, statements: str) -> None:
        self.owner.query(statements.format(role=self.name))


@pytest.fixture
def guest(target: Target) -> Iterator[Guest]:
    name, password = f"guest_{secrets.token_hex(4)}", secrets.token_hex(8)
    target.query(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    dsn = replace(PostgresDSN.parse(target.dsn), user=name, password=password)
    with closing(Target(dsn.uri(), target.folder)) as own:
        yield Guest(name, target, own)
    target.query(f"DROP OWNED BY {name}")
    target.query(f"DROP ROLE {name}")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "memory.db"
    write_memory_db(path, rows=30)
    return path


def check_loads(guest: Guest, source: Path) -> None:
    """Assert that the role can do all that the command does, and that nothing was altered."""
    options = guest.owner.query(
        "SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL ORDER BY 1"
    )
    assert options
    dry = guest.target.migrate(source, dry_run=True)
    report = guest.target.migrate(source, jobs=2, batch_size=10)
    check_sums(report)
    assert report.total_migrated == dry.total_migrated > 100
    assert report.mismatches == 0
    again = guest.target.migrate(source)
    check_sums(again)
    assert (again.total_migrated, again.total_different) == (0, 0)
    assert again.total_skipped == report.total_migrated
    verified = guest.target.migrate(source, verify="only")
    assert verified.mismatches == report.total_errors
    assert options == guest.owner.query(
        "SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL ORDER BY 1"
    )
    # The application's next number is past those of the source.
    [(fresh,)] = guest.owner.query("INSERT INTO critiques (agent) VALUES ('a') RETURNING id")
    [(highest,)] = guest.owner.query("SELECT max(id) FROM critiques WHERE agent <> 'a'")
    assert fresh > highest


def test_a_role_that_row_level_security_lets_by(guest: Guest, source: Path) -> None:
    guest.allow(f"ALTER ROLE {{role}} BYPASSRLS; {RIGHTS}")
    check_loads(guest, source)


def test_a_role_with_policies(guest: Guest, source: Path) -> None:
    guest.allow(RIGHTS)
    names = guest.owner.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (name,) in names:
        guest.allow(f"CREATE POLICY guest ON {name} TO {{role}} USING (true) WITH CHECK (true)")
    check_loads(guest, source)


def test_looking_needs_no_more_than_reading(guest: Guest, source: Path) -> None:
    moved = guest.owner.migrate(source)
    migrated = moved.total_migrated
    guest.owner.query("DELETE FROM agent_reputation")
    guest.allow(
        "ALTER ROLE {role} BYPASSRLS; GRANT USAGE ON SCHEMA public TO {role};"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    )
    dry = guest.target.migrate(source, dry_run=True)
    check_sums(dry)
    missing = dry.table("agent_reputation").rows_in_source
    assert (dry.total_migrated, dry.total_skipped) == (missing, migrated - missing)
    verified = guest.target.migrate(source, verify="only")
    assert verified.mismatches - moved.total_errors == missing > 0


def test_a_ledger_that_the_owner_made(guest: Guest, source: Path) -> None:
    guest.owner.migrate(source, stores=("critique",))
    guest.allow(f"ALTER ROLE {{role}} BYPASSRLS; {RIGHTS}")
    guest.allow("REVOKE CREATE ON SCHEMA public FROM {role}")
    guest.allow("GRANT UPDATE, DELETE ON _migration_runs, _migration_chunks TO {role}")
    for migrated in (True, False):
        report = guest.target.migrate(source)
        check_sums(report)
        assert (report.total_migrated > 0) is migrated
        assert report.mismatches == 0


def test_a_role_from_which_the_rows_are_hidden(guest: Guest, source: Path, tmp_path: Path) -> None:
    guest.allow(RIGHTS)
    # A policy for somebody else.
    guest.allow("CREATE POLICY other ON debates TO postgres USING (true)")
    wanted = r"row level security hides the rows of \d+ tables \(_schema_versions, .* BYPASSRLS"
    for options in ({}, {"dry_run": True}, {"verify": "only"}):
        with pytest.raises(SchemaRightsError, match=wanted):
            guest.target.migrate(source, **options)
    line = '{"table": "debates", "source_file": "m.db", "rowid": 1, "row": {"id": "d"}}'
    (tmp_path / "debates.jsonl").write_text(line)
    with pytest.raises(SchemaRightsError, match=wanted):
        retry_rejects(tmp_path / "debates.jsonl", PostgresDSN.parse(guest.target.dsn))
    assert set(guest.owner.counts("consensus", "debates").values()) == {0}


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        ("REVOKE INSERT ON consensus FROM {role}", "permission denied for table consensus"),
        ("REVOKE SELECT ON consensus FROM {role}", "permission denied for table consensus"),
        ("REVOKE CREATE ON SCHEMA public FROM {role}", "permission denied for schema public"),
        (
            "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}",
            "permission denied for sequence critiques_id_seq",
        ),
        ("DROP TABLE patterns CASCADE", "missing table patterns"),
        # A store that has to be made needs a role that may make it.
        ("DELETE FROM _schema_versions WHERE module = 'critique'", "must be owner of table"),
    ],
    ids=["insert", "select", "create", "sequences", "table", "store"],
)
def test_what_a_role_lacks_is_named(guest: Guest, source: Path, missing: str, wanted: str) -> None:
    guest.allow(f"ALTER ROLE {{role}} BYPASSRLS; {RIGHTS}")
    guest.allow(missing)
    with pytest.raises(AragoraSQLError) as raised:
        guest.target.migrate(source)
    assert wanted in str(raised.value)
    assert guest.owner.counts("consensus") == {"consensus": 0}


INDEXES = (
    "SELECT indexname::text, format('%I.%I', schemaname, indexname)::regclass::oid::int "
    "FROM pg_indexes WHERE tablename = 'consensus' ORDER BY 1"
)


def test_indexes_stay_that_the_role_does_not_own(guest: Guest, tmp_path: Path) -> None:
    write_consensus(tmp_path / "memory.db", rows=FEWEST_ROWS)
    guest.allow(f"ALTER ROLE {{role}} BYPASSRLS; {RIGHTS}")
    before = guest.owner.query(INDEXES)
    report = guest.target.migrate(tmp_path / "memory.db", verify="none")
    assert report.table("consensus").migrated == FEWEST_ROWS
    assert guest.owner.query(INDEXES) == before


def test_an_index_that_the_owner_left_to_be_built(
    guest: Guest, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An interrupted run of the owner; only the owner can build it."""
    name = "idx_consensus_domain"
    guest.owner.migrate(source, stores=("critique",))
    guest.owner.query(
        "INSERT INTO _migration_indexes (index_name, target_table, definition) "
        "SELECT indexname, tablename, indexdef FROM pg_indexes WHERE indexname = %s",
        name,
    )
    guest.owner.query(f"DROP INDEX {name}")
    guest.allow(f"ALTER ROLE {{role}} BYPASSRLS; {RIGHTS}")
    guest.allow("GRANT UPDATE, DELETE ON _migration_runs, _migration_chunks TO {role}")
    assert guest.target.migrate(source).mismatches == 0
    assert any(f"slow without them: {name}." in message for message in caplog.messages)
    present = f"SELECT to_regclass('{name}') IS NOT NULL"
    assert guest.owner.query(present) == [(False,)]
    guest.owner.migrate(source)
    assert guest.owner.query(present) == [(True,)]
    assert guest.owner.query("SELECT FROM _migration_indexes") == []


def test_numbers_are_moved_on_in_steps_and_leaps(guest: Guest, tmp_path: Path) -> None:
    guest.allow(f"ALTER ROLE {{role}} BYPASSRLS; {RIGHTS}")
    for number in (5, 5_000_000):
        path = tmp_path / f"{number}.db"
        create(path, critique_ddl("keyed"))
        fill(path, {"critiques": [{"id": number, "agent": "a"}]})
        report = guest.target.migrate(path, stores=("critique",))
        assert report.table("critiques").migrated == 1
        with closing(psycopg.connect(guest.owner.dsn)) as connection:
            row = connection.execute("SELECT nextval('critiques_id_seq')").fetchone()
            assert row == (number + 1,)

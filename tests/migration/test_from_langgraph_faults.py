"""Moves from LangGraph's own savers: bad rows, unknown releases, ends in the middle."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.shallow import ShallowPostgresSaver
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from aragora_sql.errors import (
    ConfigurationError,
    UnreadableValueError,
)
from aragora_sql.migration import SourceError
from aragora_sql.migration.langgraph import moving
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from aragora_sql.stores.langgraph.transfer import ThreadTransfer
from tests.migration.test_from_langgraph import (
    LONG_NAMESPACE,
    contents,
    move,
    ours,
    public,
    source,
)
from tests.stores.langgraph.test_reading import Point
from tests.stores.langgraph.test_saver import at, listed, put, put_chain
from tests.stores.samples import fetch

__all__ = ["source"]

NEWER = "its tables are of migration 10 of langgraph-checkpoint-postgres; known here are 4 to 9"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of langgraph-checkpoint-sqlite, without rows."""
    path = tmp_path / "public.db"
    with SqliteSaver.from_conn_string(str(path)) as saver:
        saver.setup()
    return path


def on_file(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def names(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def rights(path: str) -> tuple[int, int]:
    """Return who may do what with the folder of a file, and with the file."""
    one = Path(path)
    return stat.S_IMODE(one.parent.stat().st_mode), stat.S_IMODE(one.stat().st_mode)


async def stored_rows(saver: LangGraphSaver) -> int:
    counts = " + ".join(
        f"(SELECT count(*) FROM langgraph_{table})" for table in ("checkpoints", "values", "writes")
    )
    (row,) = await fetch(saver.database, f"SELECT {counts} AS n")
    return int(row["n"])


def rejected(report: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        Path(name).stem: [json.loads(line) for line in Path(name).read_text().splitlines()]
        for name in report.reject_files
    }


# Rows that can't be moved

BAD_IN_A_FILE = {
    "UPDATE checkpoints SET metadata = 'no JSON'": ("metadata", "it is not JSON"),
    "UPDATE checkpoints SET metadata = '[1]'": ("metadata", "it is list, not an object"),
    "UPDATE checkpoints SET metadata = '{\"a\": NaN}'": ("metadata", "nan has no form in JSON"),
    'UPDATE checkpoints SET metadata = \'{"a": "\\u0000"}\'': ("metadata", "NUL"),
    "UPDATE checkpoints SET type = NULL": ("type", "must be text"),
    "UPDATE checkpoints SET checkpoint = NULL": ("checkpoint", "NoneType, not bytes"),
    "UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, 99)": (
        "checkpoint",
        "it can't be taken apart: it ends too early",
    ),
    "UPDATE checkpoints SET checkpoint = x'93010203'": ("checkpoint", "it is not a map"),
    "UPDATE checkpoints SET type = 'json', checkpoint = x'ff'": ("checkpoint", "can't be taken"),
    "UPDATE checkpoints SET checkpoint_id = ''": ("checkpoint_id", "is empty"),
    "UPDATE checkpoints SET checkpoint_id = CAST(x'ff' AS TEXT)": ("checkpoint_id", "not text in"),
    "UPDATE checkpoints SET thread_id = 'a' || char(0)": ("thread_id", "NUL"),
    "UPDATE checkpoints SET thread_id = CAST(x'ff41' AS TEXT)": ("thread_id", "not text in UTF-8"),
    "UPDATE checkpoints SET thread_id = x'41'": ("thread_id", "must be text"),
    "UPDATE checkpoints SET thread_id = ''": ("thread_id", "is empty"),
    "UPDATE checkpoints SET thread_id = printf('%.501c', 'x')": ("thread_id", "is longer than 500"),
    "UPDATE checkpoints SET checkpoint_ns = printf('%.50001c', 'x')": ("checkpoint_ns", "too long"),
    "UPDATE writes SET idx = 3000000000": ("idx", "not an integer of 32 bits"),
    "UPDATE writes SET channel = ''": ("channel", "is empty"),
    "UPDATE writes SET type = NULL": ("type", "must be text"),
    "UPDATE writes SET value = 5": ("content", "int, not bytes"),
}


async def test_rows_that_cannot_be_moved_stop_no_other(
    location: str | Path, tmp_path: Path, file: Path
) -> None:
    async with public(str(file)) as theirs:
        await put_chain(theirs, "good", 3)
        for number in range(len(BAD_IN_A_FILE)):
            await put_chain(theirs, f"bad {number:02}", 1)
        wanted = await listed(theirs, at("good"))
    for number, statement in enumerate(BAD_IN_A_FILE):
        on_file(file, f"{statement} WHERE thread_id = 'bad {number:02}'")
    before = contents(str(file))
    report = await move(str(file), location, tmp_path)
    assert contents(str(file)) == before
    assert report.exit_code == 1
    assert report.total_errors == len(BAD_IN_A_FILE)
    lines = rejected(report)
    found = [(line["column"], line["reason"]) for one in lines.values() for line in one]
    for column, reason in BAD_IN_A_FILE.values():
        assert any(column == c and reason in r for c, r in found), (column, reason, found)
    assert {name: len(one) for name, one in lines.items()} == {"checkpoints": 17, "writes": 4}
    (row,) = [line["row"] for line in lines["checkpoints"] if line["column"] == "type"]
    assert set(row["checkpoint"]) == {"$bytes"}
    for name in report.reject_files:
        assert rights(name) == (0o700, 0o600)
    async with ours(location) as mine:
        assert await listed(mine, at("good")) == wanted
    again = await move(str(file), location, tmp_path)
    assert (again.total_migrated, again.total_errors) == (0, report.total_errors)
    assert again.reject_files != report.reject_files
    alone = await move(str(file), location, tmp_path, verify="only")
    assert alone.exit_code == 1
    assert alone.mismatches == sum(one.verified.rejected for one in alone.tables)
    assert alone.mismatches == report.total_errors


BAD_ON_A_SERVER = {
    "UPDATE checkpoints SET metadata = '[1]'": ("metadata", "it is list, not an object"),
    "UPDATE checkpoints SET checkpoint = '[1]'": ("checkpoint", "it is list, not an object"),
    "UPDATE checkpoints SET checkpoint = '{\"channel_versions\": 5}'": (
        "channel_versions",
        "it is int, not an object",
    ),
    "UPDATE checkpoints SET checkpoint = '{\"channel_values\": 5}'": (
        "channel_values",
        "it is int, not an object",
    ),
    "UPDATE checkpoints SET checkpoint_id = repeat('x', 501)": ("checkpoint_id", "is longer than"),
    "UPDATE checkpoint_blobs SET version = repeat('x', 501)": ("version", "is longer than"),
    "UPDATE checkpoint_blobs SET blob = NULL": ("content", "NoneType, not bytes"),
    "UPDATE checkpoint_writes SET type = NULL": ("type", "must be text"),
    "UPDATE checkpoint_writes SET task_id = ''": ("task_id", "is empty"),
}


async def test_rows_of_a_server_that_cannot_be_moved_stop_no_other(
    postgres_dsn: str, tmp_path: Path
) -> None:
    async with public(postgres_dsn) as theirs:
        await put(theirs, at("good"), {"n": [1]})
        for number in range(len(BAD_ON_A_SERVER)):
            config = await put(theirs, at(f"bad {number}"), {"n": [1]})
            await theirs.aput_writes(config, [("n", 1)], "task")
        wanted = await listed(theirs, at("good"))
    with psycopg.connect(postgres_dsn) as connection:
        for number, statement in enumerate(BAD_ON_A_SERVER):
            connection.execute(f"{statement} WHERE thread_id = 'bad {number}'".encode())
        connection.execute(
            "INSERT INTO checkpoint_blobs (thread_id, channel, version, type) "
            "VALUES ('good', 'none', '1', 'empty')"
        )
    report = await move(postgres_dsn, tmp_path / "ours.db", tmp_path)
    found = [(one["column"], one["reason"]) for lines in rejected(report).values() for one in lines]
    assert len(found) == report.total_errors == len(BAD_ON_A_SERVER)
    for column, reason in BAD_ON_A_SERVER.values():
        assert any(column == c and reason in r for c, r in found), (column, reason, found)
    # A row that says that a channel has no value needs none here.
    assert report.table("langgraph_values").left_out == 1
    async with ours(tmp_path / "ours.db") as mine:
        assert await listed(mine, at("good")) == wanted


async def test_values_that_only_the_application_can_read_are_copied(
    source: str, location: str | Path, tmp_path: Path
) -> None:
    class Reversed:
        def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
            return "reversed", plaintext[::-1]

        def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
            assert ciphername == "reversed"
            return ciphertext[::-1]

    serde = EncryptedSerializer(Reversed())
    async with public(source) as theirs:
        await put(theirs, at("own type"), {"point": Point(1), "n": [1]})
        await put_chain(theirs, "plain", 2)
    async with public(source, serde) as theirs:
        for chain in await put_chain(theirs, "encrypted", 3):
            await theirs.aput_writes(chain, [("list", [1])], "task")
        await put(theirs, at("encrypted"), {"list": [1], "none": None, "text": "a"})
        encrypted = await listed(theirs, at("encrypted"))
    report = await move(source, location, tmp_path, verify="all")
    assert report.success
    async with ours(location, allowed_msgpack_modules=None) as mine:
        with pytest.raises(UnreadableValueError, match=r"'own type'.*'point'.*Point"):
            await mine.aget_tuple(at("own type"))
        assert len(await listed(mine, at("plain"))) == 2
        with pytest.raises(NotImplementedError, match="Unknown serialization type"):
            await mine.aget_tuple(at("encrypted"))
    async with ours(location) as mine:
        found = await mine.aget_tuple(at("own type"))
        assert found is not None
        assert found.checkpoint["channel_values"] == {"point": Point(1), "n": [1]}
    async with ours(location, serde=serde, allowed_msgpack_modules=None) as mine:
        assert await listed(mine, at("encrypted")) == encrypted


async def test_other_values_at_the_same_version_are_kept_apart(
    file: Path, location: str | Path, tmp_path: Path
) -> None:
    """Savers that count versions give two forks of a thread the same."""
    async with public(str(file)) as theirs:
        first = await put(theirs, at("t"), {"n": 0, "m": 0}, versions={"n": "1", "m": "1"})
        for number in (1, 2, 2):
            await put(theirs, first, {"n": number, "m": 5}, versions={"n": "2", "m": "2"})
        await put(theirs, first, {}, versions={"n": "2", "later": "3"})
        await put(theirs, first, {"later": 1, "without version": 2}, [], {"later": "3"})
        await put(theirs, at("t", LONG_NAMESPACE), {"n": 0}, versions={"n": "1"})
        await put(theirs, at("t", LONG_NAMESPACE), {"n": 9}, versions={"n": "1"})
    report = await move(str(file), location, tmp_path)
    assert report.success
    async with public(str(file)) as theirs, ours(location) as mine:
        wanted = await listed(theirs, None)
        assert await listed(mine, None) == wanted
        for one in wanted:
            assert await mine.aget_tuple(one.config) == one


async def test_checkpoints_of_earlier_releases_are_read_alike(
    postgres_dsn: str, location: str | Path, tmp_path: Path
) -> None:
    """Before version 4 what was sent to tasks is shown as a channel; writes had no path."""
    async with public(postgres_dsn) as theirs:
        for version in (1, 4):
            config = at(f"version {version}")
            for number in range(3):
                checkpoint = empty_checkpoint() | {"v": version}
                checkpoint["channel_values"] = {"n": number, "list": [number]}
                checkpoint["channel_versions"] = {"n": f"{number}.0", "list": f"{number}.1"}
                config = await theirs.aput(
                    config | {"configurable": {"checkpoint_ns": "", **config["configurable"]}},
                    checkpoint,
                    {"step": number},
                    checkpoint["channel_versions"],
                )
                for task in ("b", "a"):
                    sent: Any = [("__pregel_tasks", {"to": task}), ("__pregel_tasks", None)]
                    await theirs.aput_writes(config, sent, task)
    report = await move(postgres_dsn, location, tmp_path, verify="all")
    assert report.success
    async with public(postgres_dsn) as theirs, ours(location) as mine:
        for thread in ("version 1", "version 4"):
            # Of all threads together the public saver finds what was sent in the first one only.
            wanted = await listed(theirs, at(thread))
            assert await listed(mine, at(thread)) == wanted
            for one in wanted:
                assert await mine.aget_tuple(one.config) == one
        found = await mine.aget_tuple(at("version 1"))
        assert found is not None
        assert len(found.checkpoint["channel_values"]["__pregel_tasks"]) == 4
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("ALTER TABLE checkpoint_writes DROP COLUMN task_path")
        connection.execute("DELETE FROM checkpoint_migrations WHERE v = 9")
    earlier = await move(postgres_dsn, location, tmp_path, verify="all")
    assert (earlier.success, earlier.total_migrated) == (True, 0)


async def test_integers_of_a_server_that_msgpack_cannot_hold_are_moved(
    postgres_dsn: str, location: str | Path, tmp_path: Path
) -> None:
    async with public(postgres_dsn) as theirs:
        await put(theirs, at("t"), {"large": 2**80, "list": [1], "text": "ä"}, step=2**70)
        wanted = await listed(theirs, None)
    assert (await move(postgres_dsn, location, tmp_path)).success
    async with ours(location) as mine:
        assert await listed(mine, None) == wanted


async def test_a_file_of_a_release_without_paths_is_moved(
    location: str | Path, tmp_path: Path, file: Path
) -> None:
    async with public(str(file)) as theirs:
        await put_chain(theirs, "t", 2)
        wanted = await listed(theirs, None)
    on_file(file, "ALTER TABLE writes DROP COLUMN task_path")
    assert (await move(str(file), location, tmp_path)).success
    async with ours(location) as mine:
        assert await listed(mine, None) == wanted


# Sources that are none, or unknown


async def test_a_server_of_an_unknown_release_is_refused(postgres_dsn: str, tmp_path: Path) -> None:
    def on_server(*statements: str) -> None:
        with psycopg.connect(postgres_dsn) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    async def refused(problem: str, **options: Any) -> None:
        with pytest.raises(SourceError, match=problem) as caught:
            await move(postgres_dsn, tmp_path / "ours.db", tmp_path, **options)
        assert "password" not in str(caught.value)
        assert not (tmp_path / "ours.db").exists()

    await refused("has no table 'checkpoint_blobs'.*search_path")
    with PostgresSaver.from_conn_string(postgres_dsn) as saver:
        saver.setup()
    on_server("INSERT INTO checkpoint_migrations (v) VALUES (10)")
    await refused(NEWER)
    await refused(NEWER, dry_run=True)
    on_server("DELETE FROM checkpoint_migrations WHERE v > 2")
    await refused("of migration 2 ")
    on_server("DELETE FROM checkpoint_migrations")
    await refused("of migration None ")
    on_server("ALTER TABLE checkpoint_writes ADD COLUMN further TEXT")
    await refused("'checkpoint_writes' is not .*: it has further besides. Nothing was moved")
    on_server("ALTER TABLE checkpoints DROP COLUMN metadata")
    await refused("'checkpoints' is not .*: it lacks metadata")
    on_server("DROP TABLE checkpoint_migrations")
    await refused("no table 'checkpoint_migrations'")
    on_server("DROP TABLE checkpoints, checkpoint_blobs, checkpoint_writes")
    with (
        pytest.warns(DeprecationWarning, match="ShallowPostgresSaver"),
        ShallowPostgresSaver.from_conn_string(postgres_dsn) as shallow,
    ):
        shallow.setup()
    await refused("it lacks ")


async def test_a_file_of_another_program_is_refused(tmp_path: Path, file: Path) -> None:
    async def refused(path: Path, problem: str) -> None:
        before = names(tmp_path)
        with pytest.raises(SourceError, match=problem):
            await move(str(path), tmp_path / "ours.db", tmp_path)
        assert names(tmp_path) == before

    other = tmp_path / "other.db"
    await refused(other, "there is no file")
    await refused(tmp_path, "there is no file")
    other.write_bytes(b"not a database" * 100)
    await refused(other, "not a SQLite file")
    other.unlink()
    on_file(other, "CREATE TABLE other (id)")
    await refused(other, "has no table 'checkpoints'")
    on_file(file, "ALTER TABLE writes ADD COLUMN further TEXT")
    await refused(file, "table 'writes' is not .*: it has further besides")
    on_file(file, "ALTER TABLE checkpoints DROP COLUMN type")
    await refused(file, "table 'checkpoints' is not .*: it lacks type")


async def test_a_file_is_not_moved_into_itself(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(file)
    for target in (file, tmp_path / "link.db"):
        with pytest.raises(ConfigurationError, match="is the source and the target"):
            await move(str(file), target, tmp_path)


async def test_a_file_in_use_is_read_with_what_is_not_in_it_yet(tmp_path: Path, file: Path) -> None:
    async with public(str(file)) as theirs:
        await put_chain(theirs, "t", 2)
        assert "public.db-wal" in names(tmp_path)
        assert (await move(str(file), tmp_path / "ours.db", tmp_path)).success
        wanted = await listed(theirs, None)
        # A copy with its log alone.
        for name in ("public.db", "public.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"copy of {name}")
    report = await move(str(tmp_path / "copy of public.db"), tmp_path / "other.db", tmp_path)
    assert report.success
    assert names(tmp_path, "copy*") == ["copy of public.db", "copy of public.db-wal"]
    for name in ("ours.db", "other.db"):
        async with ours(tmp_path / name) as mine:
            assert await listed(mine, None) == wanted


# What differs, what ends in the middle


async def test_what_differs_in_the_target_stays_and_is_named(
    source: str, location: str | Path, tmp_path: Path
) -> None:
    async with public(source) as theirs:
        (first, second) = await put_chain(theirs, "t", 2)
        wanted = await theirs.aget_tuple(second)
    await move(source, location, tmp_path)
    async with ours(location) as mine:
        renewed: Any = {**empty_checkpoint(), "id": first["configurable"]["checkpoint_id"]}
        await mine.aput(at("t"), renewed, {"step": 7}, {})
        changed = await mine.aget_tuple(first)
    for options in ({}, {"verify": "only"}, {"dry_run": True}):
        report = await move(source, location, tmp_path, **options)
        assert (report.exit_code, report.total_migrated) == (1, 0)
        if "verify" in options:
            assert report.mismatches == 1
            (line,) = report.table("langgraph_checkpoints").verified.first
            assert line.endswith(": differs")
        else:
            assert report.total_different == 1
            (key,) = report.table("langgraph_checkpoints").counts.different_keys
            assert key.startswith("'t' ")
    async with ours(location) as mine:
        assert await mine.aget_tuple(first) == changed
        assert await mine.aget_tuple(second) == wanted
        await mine.adelete_thread("t")
        assert await stored_rows(mine) == 0
    report = await move(source, location, tmp_path, verify="only")
    assert (report.exit_code, report.mismatches) == (1, 6)
    assert all(one.verified.first[0].endswith(": is missing") for one in report.tables)


async def test_a_run_that_ended_in_the_middle_goes_on(
    source: str, location: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with public(source) as theirs:
        for number in range(6):
            await put_chain(theirs, f"t{number}", 3)
        wanted = await listed(theirs, None)
    monkeypatch.setattr(moving, "THREADS_PER_COMMIT", 2)
    insert = ThreadTransfer.insert
    calls = 0

    async def failing(self: ThreadTransfer, *args: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 8:
            # In the middle of the second transaction.
            raise KeyboardInterrupt
        return await insert(self, *args)

    monkeypatch.setattr(ThreadTransfer, "insert", failing)
    with pytest.raises(KeyboardInterrupt):
        await move(source, location, tmp_path)
    monkeypatch.setattr(ThreadTransfer, "insert", insert)
    async with ours(location) as mine:
        # Whole threads only.
        found = await listed(mine, None)
        assert {one.config["configurable"]["thread_id"] for one in found} == {"t0", "t1"}
        assert len(found) == 6
    report = await move(source, location, tmp_path)
    assert report.success
    assert (report.threads.moved, report.threads.already_there) == (4, 2)
    async with ours(location) as mine:
        assert await listed(mine, None) == wanted


async def test_a_dry_run_changes_nothing(source: str, location: str | Path, tmp_path: Path) -> None:
    async with public(source) as theirs:
        await put_chain(theirs, "t", 3)
    report = await move(source, location, tmp_path, dry_run=True)
    assert (report.success, report.total_migrated, report.threads.moved) == (True, 9, 1)
    assert not names(tmp_path, "aragora.db*")
    async with ours(location) as mine:
        assert await stored_rows(mine) == 0
    await move(source, location, tmp_path)
    report = await move(source, location, tmp_path, dry_run=True)
    assert (report.total_migrated, report.total_skipped, report.threads.already_there) == (0, 9, 1)


async def test_a_moved_thread_is_as_old_as_it_was(
    source: str, location: str | Path, tmp_path: Path
) -> None:
    async with public(source) as theirs:
        config = at("old")
        for when in ("2020-01-01T00:00:00+00:00", "2021-01-01T00:00:00"):
            checkpoint: Any = {**empty_checkpoint(), "ts": when, "channel_values": {"n": [1]}}
            checkpoint["channel_versions"] = {"n": when[:4]}
            config["configurable"].setdefault("checkpoint_ns", "")
            config = await theirs.aput(config, checkpoint, {}, {"n": when[:4]})
            await theirs.aput_writes(config, [("n", 1)], "task")
        await put_chain(theirs, "new", 1)
    await move(source, location, tmp_path)
    async with ours(location) as mine:
        assert await mine.afind_expired_threads(timedelta(days=1000)) == ["old"]
        deleted = await mine.adelete_expired_threads(timedelta(days=1000))
        assert (deleted.threads, deleted.checkpoints, deleted.writes) == (1, 2, 2)

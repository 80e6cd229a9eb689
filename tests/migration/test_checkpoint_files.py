"""Checkpoint documents with NUL characters, bytes that are not UTF-8, and lone surrogates."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MigrationReport
from aragora_sql.stores.checkpoints.store import CheckpointStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import raw_text
from tests.migration.legacy.values import Sql
from tests.migration.legacy.work import debate_columns, make_workflows, write_checkpoints

# A member of a document as it stands in the file; what becomes of it, and of it when NUL is
# stripped: the text, or the reason why it is rejected.
NUL, NOT_UTF8, SURROGATE = "a NUL character at position", "is not UTF-8", "a lone surrogate"
MEMBERS: dict[str, tuple[bytes, str, str]] = {
    "good": (b'"x"', "x", "x"),
    "escaped-nul": (rb'"a\u0000b"', NUL, "ab"),
    "raw-nul": (b'"a\x00b"', NUL, "ab"),
    "not-utf8": (b'"a\xffb"', NOT_UTF8, NOT_UTF8),
    "cut-utf8": (b'"a\xf0\x9f"', NOT_UTF8, NOT_UTF8),
    "surrogate": (rb'"a\ud800b"', SURROGATE, SURROGATE),
    "in-words": (rb'"a\\u0000b"', r"a\u0000b", r"a\u0000b"),
}
REASONS = {NUL, NOT_UTF8, SURROGATE}
FORMS = ("blob", "gzip", "text", "file", "zipped")


def debate(name: str, member: bytes) -> bytes:
    plain = json.dumps(debate_columns(name)).encode()
    return plain[:-1] + b', "messages": [' + member + b"]}"


def workflow(name: str, member: bytes) -> bytes:
    document = make_workflows()[0] | {"id": f"cp_{name}"}
    del document["step_outputs"]
    return json.dumps(document).encode()[:-1] + b', "step_outputs": {"a": ' + member + b"}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each member in a checkpoint of each form."""
    folder = tmp_path_factory.mktemp("documents") / "data"
    stored: dict[str, bytes | Sql] = {}
    for name, (member, *_) in MEMBERS.items():
        stored[f"blob-{name}"] = debate(f"blob-{name}", member)
        stored[f"gzip-{name}"] = gzip.compress(debate(f"gzip-{name}", member))
        stored[f"text-{name}"] = raw_text(debate(f"text-{name}", member))
    write_checkpoints(folder / "checkpoints.db", stored)
    files = folder / ".checkpoints"
    files.mkdir()
    for name, (member, *_) in MEMBERS.items():
        (files / f"file-{name}.json").write_bytes(debate(f"file-{name}", member))
        zipped = gzip.compress(debate(f"zipped-{name}", member))
        (files / f"zipped-{name}.json.gz").write_bytes(zipped)
        (files / f"workflow-{name}.json").write_bytes(workflow(f"workflow-{name}", member))
    return folder


@pytest.mark.parametrize("on_nul", ["reject", "strip"])
def test_each_document_arrives_or_is_rejected_with_its_reason(
    target: Target, folder: Path, on_nul: str
) -> None:
    wanted = {name: outcomes[on_nul == "strip"] for name, (_, *outcomes) in MEMBERS.items()}
    migrated = {name: text for name, text in wanted.items() if text not in REASONS}

    def check(report: MigrationReport, *, again: bool) -> None:
        check_sums(report)
        assert report.mismatches == report.total_different == 0
        counts = [(table.migrated, table.already_there) for table in report.tables]
        assert all(found[not again] == 0 < found[again] for found in counts)
        assert sum(table.rows_in_source for table in report.tables) == 6 * len(MEMBERS)

    check(target.migrate(folder, source_timezone="UTC", on_nul=on_nul), again=False)
    found = dict(target.query("SELECT checkpoint_id, data ->> 'messages' FROM debate_checkpoints"))
    # In a file of JSON a raw NUL character is an error, and nothing says whose file it is.
    in_files = migrated.keys() - {"raw-nul"}
    assert {name: json.loads(text) for name, text in found.items()} == {
        f"{form}-{name}": [text]
        for form in FORMS
        for name, text in migrated.items()
        if form not in ("file", "zipped") or name in in_files
    }
    found = dict(target.query("SELECT id, step_outputs ->> 'a' FROM workflow_checkpoints"))
    assert found == {f"workflow-{name}": text for name, text in migrated.items()}

    lines = target.rejected("debate_checkpoints") + target.rejected("workflow_checkpoints")
    rejected = {next(iter(line["key"].values())): line for line in lines}
    assert len(rejected) == len(lines)
    for name, reason in wanted.items():
        if name in migrated:
            continue
        for form in (*FORMS, "workflow"):
            line = rejected[f"{form}-{name}"]
            assert reason in line["reason"], line
            assert line["column"] in {"data", "step_outputs"}
    check(target.migrate(folder, source_timezone="UTC", on_nul=on_nul), again=True)


async def test_what_arrives_is_intact(target: Target, folder: Path) -> None:
    """Also where characters were stripped."""
    await asyncio.to_thread(target.migrate, folder, source_timezone="UTC", on_nul="strip")
    stripped = ("blob-escaped-nul", "gzip-raw-nul", "text-escaped-nul", "zipped-escaped-nul")
    database = await PostgresDatabase.connect(target.dsn, 1, 1)
    try:
        store = CheckpointStore(database)
        for name in stripped:
            debate = await store.load_debate(name)
            assert debate is not None
            assert debate.is_intact()
            assert debate.data == {"messages": ["ab"]}
        checkpoint = await store.load("workflow-escaped-nul")
        assert checkpoint is not None
        assert checkpoint.is_intact()
    finally:
        await database.close()

"""Files that cannot be read: a message with file and line, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import UNREACHABLE
from tests.checker.conftest import Check
from tests.conftest import Servers

QUERY = "-- name: get_note(note_id)^\n-- Return a note.\nSELECT n.id FROM notes AS n\n"


def problems(checked: object) -> list[str]:
    return [str(finding) for finding in checked.findings]  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", ["postgres/notes/{}.sql", "sqlite/notes/{}.sql"])
@pytest.mark.parametrize(
    ("kind", "content", "line", "message"),
    [
        ("queries", QUERY.encode() + b"WHERE n.id = :note_id || '\xe9';\n", 4, "not UTF-8"),
        ("queries", QUERY.encode() + b"WHERE n.id = :note_id \x00;\n", 4, "a NUL character"),
        ("queries", QUERY.encode() + b"WHERE n.id = 'x;\n", 4, "a string is never closed"),
        ("queries", QUERY.encode() + b";\nSELECT 1;\n", 4, "more than one statement"),
        ("queries", b"", 1, "no query"),
        ("schema", b"CREATE TABLE notes (\n    id TEXT, -- \xff\n);\n", 2, "not UTF-8"),
        ("schema", b"-- one\n\x00\n", 2, "a NUL character"),
        ("schema", b"-- one\nSELECT 'x\n", 2, "a string is never closed"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    file: str,
    kind: str,
    content: bytes,
    line: int,
    message: str,
    tree: Path,
    run_check: Check,
) -> None:
    path = tree / file.format(kind)
    path.write_bytes(content)
    checked = run_check(tree)
    assert checked.failed
    found = [f for f in checked.findings if f.rule == "file"]
    assert [(f.path, f.line) for f in found] == [(path, line)]
    assert message in found[0].message


def test_a_wrong_schema_file_is_said_once_and_not_by_every_query(
    tree: Path, run_check: Check
) -> None:
    for dialect in ("postgres", "sqlite"):
        path = tree / dialect / "notes" / "schema.sql"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("    body TEXT,", "    body TEXT TEXT NOTHING,"), "utf-8")
    checked = run_check(tree)
    assert {f.rule for f in checked.findings} == {"prepare"}
    assert sorted((f.path.parts[-3], f.line) for f in checked.findings) == [
        ("postgres", 12),
        ("sqlite", 12),
    ]


def test_a_missing_unified_schema_is_named(tree: Path, run_check: Check) -> None:
    (tree / "sqlite" / "schema.sql").unlink()
    checked = run_check(tree)
    assert any(
        f.rule == "file" and f.path == tree / "sqlite" / "schema.sql" for f in checked.findings
    )


def test_python_that_cannot_be_read_is_named(tree: Path, run_check: Check) -> None:
    broken = tree.parent / "code" / "more.py"
    broken.write_text("x = 1\nqueries = (\n", encoding="utf-8")
    checked = run_check(tree)
    (finding,) = checked.findings
    assert (finding.path, finding.line, finding.rule) == (broken, 2, "unknown-query")


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("-- parity: columns", "gives no reason"),
        ("-- plan: seq_scan allowed", "gives no reason"),
        ("-- parity: columns because of a whim", "is not needed"),
    ],
)
def test_a_declaration_has_to_have_a_reason_and_a_use(
    directive: str, message: str, tree: Path, run_check: Check
) -> None:
    path = tree / "sqlite" / "notes" / "queries.sql"
    text = path.read_text(encoding="utf-8")
    head = "-- Return a note.\n"
    path.write_text(text.replace(head, f"{head}{directive}\n"), encoding="utf-8")
    checked = run_check(tree)
    (finding,) = checked.findings
    assert (finding.rule, finding.line) == ("directive", 3)
    assert message in finding.message


def test_a_declared_difference_is_none(tree: Path, run_check: Check) -> None:
    path = tree / "sqlite" / "notes" / "queries.sql"
    text = path.read_text(encoding="utf-8")
    text = text.replace("    n.body,\n    n.done,", "    n.done,\n    n.body,")
    head = "-- Return a note.\n"
    text = text.replace(head, f"{head}-- parity: columns because they are read by name\n")
    path.write_text(text, encoding="utf-8")
    assert problems(run_check(tree)) == []


def test_the_declaration_is_no_part_of_the_description(tree: Path) -> None:
    from aragora_sql.queries import load_queries

    path = tree / "sqlite" / "notes" / "queries.sql"
    text = path.read_text(encoding="utf-8")
    head = "-- Return a note.\n"
    text = text.replace(head, f"{head}-- parity: columns because they are read by name\n")
    path.write_text(text, encoding="utf-8")
    assert load_queries("notes", "sqlite", tree).get_note.__doc__ == "Return a note."


def test_a_server_that_is_not_there(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = f"postgresql://ann:secret-word@/aragora?host={tmp_path}/nowhere"
    assert main(["check", "--sql-dir", str(tree), "--dsn", dsn, "--skip", "style"]) == UNREACHABLE
    said = capsys.readouterr().err
    assert f"{tmp_path}/nowhere" in said
    assert "secret-word" not in said
    assert "Traceback" not in said


def test_a_wrong_dsn_of_the_environment_is_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://nobody:secret-word@nowhere/x")
    assert main(["check", "--sql-dir", str(tree), "--skip", "style"]) == 2
    said = capsys.readouterr().err
    assert "DATABASE_URL" in said
    assert "secret-word" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--skip", "stile"], "there is no rule stile"),
        (["--sql-dir", "/nowhere/at/all"], "--sql-dir: /nowhere/at/all is not a folder"),
        (["/nowhere/queries.sql"], "/nowhere/queries.sql: there is no such file"),
        ([str(Path(__file__).parents[1] / "proxy.py")], "it calls no query"),
    ],
)
def test_wrong_arguments(
    arguments: list[str],
    message: str,
    tree: Path,
    servers: Servers,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = [] if "--sql-dir" in arguments else ["--sql-dir", str(tree)]
    dsn = servers.default.dsn("postgres")
    assert main(["check", *arguments, *target, "--dsn", dsn]) == 2
    assert message in capsys.readouterr().err

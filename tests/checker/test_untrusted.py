"""A tree that somebody else wrote: a check of it runs no Python of it and shows it no secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from aragora_sql.checker.style import Style
from aragora_sql.checker.style_worker import lint
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.engines.children import child_environment, module_command
from aragora_sql.engines.facts import Engines, read_tree
from aragora_sql.engines.warm import kept_server, stop_kept_server
from tests.conftest import Servers

SECRETS = {
    "ARAGORA_ENCRYPTION_KEY": "very secret",
    "ARAGORA_POSTGRES_DSN": "postgresql://me:very secret@nowhere/nothing",
    "AWS_SECRET_ACCESS_KEY": "very secret",
    "MY_OWN_NAME": "very secret",
    "PGPASSWORD": "very secret",
}
# Modules that a child imports early, late, or looks for.
MODULES = (
    "aragora_sql/__init__",
    "apsw",
    "json",
    "psycopg",
    "sitecustomize",
    "sqlfluff/__init__",
    "sqlfluff_plugin",
    "usercustomize",
    "yaml",
)


@pytest.fixture
def marker(tree: Path) -> Path:
    """The file that any code of the tree makes."""
    path = tree.parent / "code of the tree was run"
    code = f"open({str(path)!r}, 'w').close()\n"
    for folder in (tree.parent, tree, tree / "postgres"):
        for name in (*MODULES, "library/helper"):
            module = folder / f"{name}.py"
            module.parent.mkdir(exist_ok=True)
            module.write_text(code, encoding="utf-8")
        plugin = folder / "evil-1.0.dist-info"
        plugin.mkdir()
        (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        (plugin / "entry_points.txt").write_text("[sqlfluff]\nevil = sqlfluff_plugin\n")
    return path


def name_libraries(tree: Path) -> None:
    for path in (tree / ".sqlfluff", tree / "postgres" / ".sqlfluff"):
        text = path.read_text(encoding="utf-8").replace("templater = placeholder", "")
        library = path.parent / "library"
        text = text.replace(
            "[sqlfluff]", f"[sqlfluff]\ntemplater = jinja\nlibrary_path = {library}"
        )
        text += (
            f"\n[sqlfluff:templater:jinja]\nlibrary_path = {library}\nload_macros_from_path = .\n"
        )
        path.write_text(text, encoding="utf-8")


def test_no_module_beside_the_tree_is_run(
    tree: Path, marker: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command as it is installed, in the folder of the tree, with a relative PYTHONPATH."""
    program = Path(sys.executable).with_name("aragora-sql")
    command = [str(program), "check", "--dsn", servers.default.dsn("postgres"), "--sql-dir", "sql"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tree.parent / "cache")}
    done = subprocess.run(
        [*command, "--python", "code", "--skip", "plan-snapshot"],
        cwd=tree.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    # Only the stray files of this test are found.
    assert "queries of 2 stores" in done.stderr, done.stderr
    assert {line.split()[2] for line in done.stdout.splitlines()} == {"stray-file:"}, done.stdout
    assert not marker.exists()
    monkeypatch.chdir(tree.parent)
    monkeypatch.setenv("PYTHONPATH", f".{os.pathsep}{tree}{os.pathsep}sql")
    assert child_environment()["PYTHONPATH"] == str(tree)
    monkeypatch.delenv("PYTHONPATH")
    subprocess.run(
        module_command("aragora_sql.checker.style_worker", "1"),
        input="[]",
        cwd=tree.parent,
        env=child_environment(),
        text=True,
        check=True,
    )
    assert not marker.exists()


def test_no_library_that_a_configuration_names_is_run(tree: Path, marker: Path) -> None:
    name_libraries(tree)
    path = tree / "postgres" / "notes" / "queries.sql"
    style = Style(tree, [path])
    assert [str(finding) for finding in style.findings()] == []
    assert not marker.exists()
    text = (
        "-- sqlfluff:templater:jinja\n-- sqlfluff:library_path:library\n"
        f"-- sqlfluff:templater:jinja:library_path:{tree / 'library'}\nSELECT 1 AS one;\n"
    )
    assert lint(("key", str(path), text)) == ("key", [])
    assert not marker.exists()


def of_process(process: psutil.Process) -> dict[str, str]:
    # Below the account of the server, which is another one when we are root.
    return {k: v for k, v in process.environ().items() if "very secret" in v}


def test_no_secret_is_in_the_environment_of_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own cache"))
    assert not any("very secret" in value for value in child_environment().values())
    assert {"HOME", "PATH"} <= child_environment().keys()
    try:
        cached = psutil.Process(kept_server().pid)
        (server,) = cached.children()
        assert "XDG_CACHE_HOME" in cached.environ()
        assert of_process(cached) == {}
        assert of_process(server) == {}
    finally:
        stop_kept_server()
    with EmbeddedServer() as embedded:
        assert of_process(psutil.Process(embedded.pid)) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE '{path}' AS other; CREATE TABLE other.t (a);",
        "VACUUM INTO '{path}';",
        "SELECT load_extension('{path}');",
        "CREATE VIRTUAL TABLE v USING csv(filename='{path}');",
    ],
)
def test_a_schema_file_of_sqlite_reaches_no_file(
    statement: str, tree: Path, tmp_path: Path, servers: Servers
) -> None:
    path = tree / "sqlite" / "notes" / "schema.sql"
    with path.open("a", encoding="utf-8") as file:
        file.write(statement.format(path=tmp_path / "reached") + "\n")
    with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
        (problem,) = engines.sqlite.problems
    assert (problem.path, problem.rule) == (path, "prepare")
    assert not (tmp_path / "reached").exists()

"""Data flows one way: what each part of the package may import, and who may import a driver."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

import aragora_sql

PACKAGE = Path(aragora_sql.__file__).parent

# From the bottom up. A part imports parts of lower layers only.
LAYERS = (
    {"errors", "logs", "temporary"},
    {"secret_store"},
    {"dsn", "embedded", "encryption", "older_files", "redaction"},
    {"settings"},
    {"database"},
    {"backup", "queries"},
    {"schema", "tracing"},
    {"partitions", "privacy"},
    {"stores"},
    {"environment"},
    {"exports"},
    # Module paths of earlier releases and of the older Aragora, without code of their own.
    {"checkpoints", "db", "memory", "storage"},
    {"migration"},
    {"engines"},
    {"checker", "workbench"},
    {"server"},
    {"doctor"},
    {"cli"},
    {"persistence"},
)
PARTS = set().union(*LAYERS)
# Entry points that hold nothing of their own.
ENTRY_POINTS = {
    "aragora_sql/__init__.py",
    "aragora_sql/__main__.py",
    "aragora_sql/migration/__main__.py",
    "aragora_sql/server/__main__.py",
    "aragora_sql/server/unified_server.py",
}
DRIVERS = {
    "aiosql": ["aragora_sql/queries/*.py"],
    "asyncpg": ["aragora_sql/database/postgres*.py"],
    "aiosqlite": ["aragora_sql/database/sqlite*.py"],
    "psycopg": [
        "aragora_sql/database/psycopg_*.py",
        "aragora_sql/embedded/*.py",
        "aragora_sql/migration/*.py",
        "aragora_sql/migration/*/*.py",
        "aragora_sql/engines/*.py",
        "aragora_sql/checker/*.py",
        "aragora_sql/checker/*/*.py",
        "aragora_sql/cli/*.py",
    ],
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE.parent).as_posix()
        yield name, ast.parse(path.read_text(encoding="utf-8"), name)


def imported(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import, those within functions and for type checkers too: line and dotted name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            if node.module == "aragora_sql":
                yield from ((node.lineno, f"aragora_sql.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


def part_of(dotted: str) -> str:
    """The part of the package that a module is in; "" for names of the package itself."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in PARTS else ""


def height(part: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


def violations(name: str, module: ast.Module) -> Iterator[str]:
    part = part_of(name.removesuffix(".py").replace("/", "."))
    for line, dotted in imported(module):
        other = part_of(dotted)
        if dotted.split(".")[0] != "aragora_sql" or other in {part, ""}:
            continue
        if height(other) >= height(part):
            yield f"{name}:{line}: {part} imports {dotted}, which is above it or beside it"
    for driver, places in DRIVERS.items():
        if not any(PurePosixPath(name).match(place) for place in places):
            for line, dotted in imported(module):
                if dotted.split(".")[0] == driver:
                    yield f"{name}:{line}: imports {driver}, which only {', '.join(places)} may"


def test_every_part_has_its_layer() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    found -= {"__init__", "__main__", "__pycache__", "sql", "py"}
    assert {name for name in found if not name.startswith("_")} <= PARTS, "add it to LAYERS"


def test_imports_lead_down_and_drivers_stay_where_they_belong() -> None:
    found = [
        problem
        for name, module in modules()
        if name not in ENTRY_POINTS
        for problem in violations(name, module)
    ]
    assert found == []


def test_stores_do_not_read_the_environment() -> None:
    """Only their factory functions, which open a database, ask the settings for its place."""
    found = [
        f"{name}:{line}"
        for name, module in modules()
        if name.startswith("aragora_sql/stores/")
        for statement in module.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for line, dotted in imported(statement)
        if dotted.startswith("aragora_sql.settings")
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("aragora_sql/database/base.py", "import aragora_sql.stores.base", "database imports"),
        ("aragora_sql/stores/jobs/store.py", "from aragora_sql import cli", "stores imports"),
        ("aragora_sql/database/base.py", "def f():\n    import asyncpg", "imports asyncpg"),
        ("aragora_sql/stores/base.py", "from aiosqlite import connect", "imports aiosqlite"),
        ("aragora_sql/checker/check.py", "import aragora_sql.workbench.site", "checker imports"),
    ],
)
def test_an_import_that_leads_up_is_named(name: str, text: str, problem: str) -> None:
    (found,) = violations(name, ast.parse(text))
    assert found.startswith(f"{name}:{text.count(chr(10)) + 1}: {problem}")

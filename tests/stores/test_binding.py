"""What the table of stores gives each store: classes bound to an engine, and factory functions."""

from __future__ import annotations

import ast
import inspect
import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aragora_sql
from aragora_sql import PostgresDatabase, SQLiteDatabase
from aragora_sql.exports import SHARED, exported_names, starred_names
from aragora_sql.stores import STORES, StoreEntry

STUB = Path(aragora_sql.__file__).with_suffix(".pyi")
every_store = pytest.mark.parametrize("entry", STORES, ids=lambda entry: entry.name)


pytestmark = pytest.mark.usefixtures("closed_at_the_end")


def exported(name: str) -> Any:
    return getattr(aragora_sql, name)


@every_store
def test_the_bound_classes_are_real_classes(entry: StoreEntry) -> None:
    base = exported(entry.class_name)
    for name, first in ((entry.postgres_class, "pool"), (entry.sqlite_class, "path")):
        bound = exported(name)
        assert isinstance(bound, type)
        assert issubclass(bound, base)
        assert bound is exported(name)
        assert (bound.__module__, bound.__qualname__) == ("aragora_sql", name)
        assert pickle.loads(pickle.dumps(bound)) is bound  # noqa: S301 - our own class
        assert f"``{first}``" in (bound.__doc__ or "")
        assert (inspect.getdoc(base) or "") in (inspect.getdoc(bound) or "")
        own = list(inspect.signature(base).parameters.values())
        assert list(inspect.signature(bound).parameters.values())[1:] == own[1:]
        assert next(iter(inspect.signature(bound).parameters)) == first


@every_store
def test_the_factory_functions_are_functions_with_a_name(entry: StoreEntry) -> None:
    for name in (entry.factory, entry.postgres_factory, entry.sqlite_factory):
        factory = exported(name)
        assert inspect.iscoroutinefunction(factory)
        assert (factory.__module__, factory.__qualname__) == ("aragora_sql", name)
        assert pickle.loads(pickle.dumps(factory)) is factory  # noqa: S301 - our own function
        assert entry.class_name in (factory.__doc__ or "")


def test_the_types_say_what_the_package_does() -> None:
    module = ast.parse(STUB.read_text(encoding="utf-8"))
    classes = {one.name: one for one in module.body if isinstance(one, ast.ClassDef)}
    functions = {one.name: one for one in module.body if isinstance(one, ast.AsyncFunctionDef)}
    for entry in STORES:
        for name in (entry.postgres_class, entry.sqlite_class):
            (constructor,) = (one for one in classes[name].body if isinstance(one, ast.FunctionDef))
            assert _names(constructor.args)[1:] == list(
                inspect.signature(exported(name)).parameters
            )
            assert inspect.cleandoc(ast.get_docstring(classes[name]) or "?") in (
                inspect.getdoc(exported(name)) or ""
            )
        for name in (entry.factory, entry.postgres_factory, entry.sqlite_factory):
            assert _names(functions[name].args) == list(
                inspect.signature(exported(name)).parameters
            )
            assert ast.get_docstring(functions[name]) == inspect.getdoc(exported(name))
    (names,) = (
        statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
    )
    assert sorted(ast.literal_eval(names)) == starred_names() == aragora_sql.__all__


def _names(arguments: ast.arguments) -> list[str]:
    return [one.arg for one in (*arguments.args, *arguments.kwonlyargs)]


def test_every_name_loads_once() -> None:
    shared = [name for names in SHARED.values() for name in names]
    assert exported_names() == sorted({*shared, *(n for entry in STORES for n in entry.names)})
    for name in exported_names():
        assert exported(name) is exported(name)
    assert set(exported_names()) <= set(dir(aragora_sql))


@every_store
async def test_the_factory_function_uses_the_engine_of_the_environment(
    entry: StoreEntry,
    location: str | Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
        wanted, factory = entry.sqlite_class, entry.sqlite_factory
    else:
        monkeypatch.setenv("DATABASE_URL", location)
        wanted, factory = entry.postgres_class, entry.postgres_factory
    caplog.set_level(logging.INFO, "aragora_sql")
    store = await exported(entry.factory)()
    assert type(store) is exported(wanted)
    # The engine's own factory needs no argument either.
    again = await exported(factory)()
    assert type(again) is exported(wanted)
    if isinstance(store.database, SQLiteDatabase):
        assert again.database is store.database
    said = [(record.name, record.getMessage()) for record in caplog.records]
    assert said.count((entry.logger, f"Using {wanted}")) == 2


async def test_the_lines_of_the_log(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    caplog.set_level(logging.INFO, "aragora_sql")
    for get in ("finding_workflow_store", "job_queue_store", "integration_store"):
        await exported(f"get_{get}")()
    await aragora_sql.get_checkpoint_store()
    form = logging.Formatter("%(levelname)-8s %(name)s: %(message)s")
    lines = [form.format(one) for one in caplog.records if one.getMessage().startswith("Using")]
    assert lines == [
        "INFO     aragora_sql.storage: Using PostgresFindingWorkflowStore",
        "INFO     aragora_sql.storage: Using PostgresJobQueueStore",
        "INFO     aragora_sql.storage: Using PostgresIntegrationStore",
        "INFO     aragora_sql.workflow: Using PostgresCheckpointStore",
    ]


async def test_what_a_factory_function_takes(tmp_path: Path, postgres_dsn: str) -> None:
    path = tmp_path / "x.db"
    by_path = await aragora_sql.get_sqlite_critique_store(path)
    by_text = await aragora_sql.get_sqlite_consensus_memory(path=str(path))
    assert by_path.database is by_text.database
    database = SQLiteDatabase(":memory:")
    in_memory = await aragora_sql.get_sqlite_job_queue_store(database)
    assert in_memory.database is database
    await database.close()
    pool = await aragora_sql.get_postgres_pool(postgres_dsn, max_size=2)
    store = aragora_sql.PostgresJobQueueStore(pool=pool, job_types=["a"], notify=False)
    assert isinstance(store.database, PostgresDatabase)
    with pytest.raises(TypeError, match="unheard"):
        aragora_sql.SQLiteJobQueueStore(path, unheard=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        aragora_sql.SQLiteJobQueueStore(path, ["a"])  # type: ignore[call-arg]


def test_importing_the_package_imports_no_driver() -> None:
    program = (
        "import sys, aragora_sql\n"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('asyncpg', 'aiosqlite', 'psycopg', 'aiosql', 'sqlite3', 'langgraph', 'dataclasses')"
        " or name.startswith('aragora_sql.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for name in ("unheard_of", "PostgresUnheardStore", "_private", "__wrapped__"):
        with pytest.raises(AttributeError, match=f"module 'aragora_sql' has no attribute '{name}'"):
            exported(name)

"""One store, one name: the five places, the table of stores, and what follows from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aragora_sql.checker.derived import derived_files
from aragora_sql.checker.store_layout import (
    TABLE,
    check_layout,
    checkout,
    place_of,
    read_table,
    store_places,
)
from aragora_sql.cli import main
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS
from aragora_sql.schema import store_names
from aragora_sql.stores import STORES, store_entry

ROOT = checkout()
PLACES = ("sql/postgres", "sql/sqlite", "sql/legacy", "aragora_sql/stores", "tests/stores")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    for folder in ("sql", "aragora_sql/stores", "tests/stores"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("__pycache__", "answers", "plans"),
        )
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} lacks {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_place_shows_the_same_stores() -> None:
    assert check_layout(ROOT) == []
    found = store_places(ROOT)
    names = {entry.name for entry in STORES}
    assert tuple(found) == PLACES
    for place, stores in found.items():
        without = {entry.name for entry in STORES if not entry.legacy and place == "sql/legacy"}
        assert stores == names - without, place


def test_the_unified_schemas_are_in_the_order_of_the_table() -> None:
    for dialect in DIALECTS:
        assert store_names(dialect) == [entry.name for entry in STORES]


def test_what_follows_from_the_table_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    for path, wanted in derived_files(ROOT).items():
        assert (ROOT / path).read_text(encoding="utf-8") == wanted, (
            f"{path} is not as the table of stores says: run `aragora-sql stores --write`"
        )
    assert main(["stores", "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_table_is_read_from_the_checkout_that_is_asked_for(copy: Path) -> None:
    assert [entry.name for entry in read_table(copy)] == [entry.name for entry in STORES]
    change(copy / TABLE, '"consensus",', '"agreement",')
    assert read_table(copy)[0].name == "agreement"
    assert STORES[0].name == "consensus"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "store", ["integrations", pytest.param("consensus", marks=pytest.mark.slow)]
)
def test_a_store_that_is_missing_from_a_place(copy: Path, place: str, store: str) -> None:
    path = copy / place_of(store, place)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert f"{place_of(store, place)}: missing: store {store!r} is in {TABLE}" in check_layout(copy)


@pytest.mark.parametrize("place", PLACES)
def test_a_store_that_only_one_place_has(copy: Path, place: str) -> None:
    path = copy / place_of("stray", place)
    if place == "sql/legacy":
        path.write_text("-- nothing\n", encoding="utf-8")
    else:
        path.mkdir()
        assert check_layout(copy) == []  # git keeps no empty folder
        (path / "notes.txt").write_text("", encoding="utf-8")
    assert check_layout(copy) == [
        f"{place_of('stray', place)}: store 'stray' is not in the table of {TABLE}"
    ]


def test_a_legacy_file_of_a_store_that_has_none(copy: Path) -> None:
    (copy / "sql/legacy/langgraph.sql").write_text("-- nothing\n", encoding="utf-8")
    assert check_layout(copy) == [
        "sql/legacy/langgraph.sql: store 'langgraph' is in the table with legacy=False"
    ]


def test_a_store_that_is_not_in_the_table(copy: Path) -> None:
    text = (copy / TABLE).read_text(encoding="utf-8")
    # One that no foreign key leads to.
    start = text.index('    StoreEntry(\n        "sharing",')
    end = text.index("    StoreEntry(", start + 1)
    (copy / TABLE).write_text(text[:start] + text[end:], encoding="utf-8")
    assert check_layout(copy) == [
        f"{place_of('sharing', place)}: store 'sharing' is not in the table of {TABLE}"
        for place in PLACES
    ]


def test_a_store_that_is_in_the_table_twice(copy: Path) -> None:
    change(copy / TABLE, '"critique",', '"consensus",')
    problems = check_layout(copy)
    assert f"{TABLE}: store 'consensus' is in the table 2 times" in problems


def test_two_stores_that_export_one_name(copy: Path) -> None:
    change(copy / TABLE, '"critique_store",', '"consensus_memory",')
    assert (
        f"{TABLE}: 'get_consensus_memory' is exported by two stores: consensus, critique"
        in check_layout(copy)
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [('"JobQueueStore",', '"JobStore",'), ('"RetryPolicy",', '"RetryPlan",')],
)
def test_a_class_that_does_not_exist(copy: Path, old: str, new: str) -> None:
    change(copy / TABLE, old, new)
    name = new.strip('",')
    assert check_layout(copy) == [
        f"aragora_sql/stores/jobs/__init__.py: there is no {name!r}, which {TABLE} names"
    ]


def test_a_class_that_its_package_only_names(copy: Path) -> None:
    change(copy / "aragora_sql/stores/jobs/store.py", "class JobQueueStore(", "class Queue(")
    assert check_layout(copy) == [
        "aragora_sql/stores/jobs: no module defines the class 'JobQueueStore'"
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("file", ["schema.sql", "queries.sql"])
def test_a_store_without_one_of_its_files(copy: Path, dialect: str, file: str) -> None:
    path = Path("sql", dialect, "workflow", file)
    (copy / path).unlink()
    assert check_layout(copy) == [f"{path}: missing"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_order_that_a_foreign_key_forbids(copy: Path, dialect: str) -> None:
    path = Path("sql", dialect, "consensus", "schema.sql")
    text = (copy / path).read_text(encoding="utf-8")
    line = text.count("\n") + 3
    (copy / path).write_text(
        f"{text}-- REFERENCES nothing\nCREATE TABLE IF NOT EXISTS further (\n"
        "    debate_id TEXT REFERENCES debates (id)\n);\n",
        encoding="utf-8",
    )
    assert check_layout(copy) == [
        f"{path}:{line}: a foreign key to 'debates' of store 'critique', which comes after "
        f"'consensus' in {TABLE}"
    ]
    change(copy / path, "REFERENCES debates (id)", "REFERENCES unheard_of (id)")
    assert check_layout(copy) == [
        f"{path}:{line}: a foreign key to 'unheard_of', which no store makes"
    ]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("sql/postgres/schema.sql", "\\ir critique/schema.sql\n", ""),
        ("sql/sqlite/schema.sql", "-- \\ir jobs/schema.sql\n", ""),
        ("README.md", "| jobs | `JobQueueStore` |", "| jobs | `Queue` |"),
    ],
)
def test_a_file_that_no_longer_follows(copy: Path, path: str, old: str, new: str) -> None:
    before = (copy / path).read_text(encoding="utf-8")
    change(copy / path, old, new)
    assert derived_files(copy)[Path(path)] == before


def test_the_order_of_the_unified_schema_follows(copy: Path) -> None:
    change(copy / "sql/postgres/schema.sql", "\\ir jobs/schema.sql\n", "")
    change(
        copy / "sql/postgres/schema.sql",
        "\\ir consensus/schema.sql\n",
        "\\ir jobs/schema.sql\n\\ir consensus/schema.sql\n",
    )
    wanted = derived_files(copy)[Path("sql/postgres/schema.sql")]
    assert wanted == (ROOT / "sql/postgres/schema.sql").read_text(encoding="utf-8")
    assert "\\ir ../system/postgres/schema_versions/schema.sql\n" in wanted


def test_an_unknown_store_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"'unheard' is not a store; there are consensus, critique"):
        store_entry("unheard")


def test_an_installed_package_is_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "aragora_sql" / "checker" / "store_layout.py"
    monkeypatch.setattr("aragora_sql.checker.store_layout.__file__", str(module))
    with pytest.raises(ConfigurationError, match="is not a checkout of aragora-sql: it lacks sql/"):
        checkout()

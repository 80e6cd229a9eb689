"""Checks that every store has its five places under one name, and that the table fits them.

The checks read files and import nothing of the checkout that they are given, so that they say what
is wrong with a damaged one too.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from aragora_sql.database import Dialect
from aragora_sql.errors import ConfigurationError, QueryFileError
from aragora_sql.queries.files import DIALECTS, read_sql
from aragora_sql.queries.parameters import Token, scan
from aragora_sql.stores import StoreEntry

__all__ = ["check_layout", "checkout", "class_definition", "place_of", "read_table", "store_places"]

TABLE = Path("aragora_sql/stores/__init__.py")


def checkout() -> Path:
    """Return the checkout that this code belongs to.

    Raises :class:`ConfigurationError` for an installed package, which has no tests.
    """
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / "tests" / "stores").is_dir() or not (root / "sql").is_dir():
        raise ConfigurationError(
            f"{root} is not a checkout of aragora-sql: it lacks sql/ or tests/stores/"
        )
    return root


def read_table(root: Path) -> tuple[StoreEntry, ...]:
    """Return the table of stores of a checkout."""
    name = "_aragora_sql_table_of_stores"
    spec = importlib.util.spec_from_file_location(name, root / TABLE)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{root / TABLE} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks for its module there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    table: tuple[StoreEntry, ...] = module.STORES
    return table


def place_of(store: str, place: str) -> Path:
    """Return the path of a store in one of the five places."""
    return Path(place, f"{store}.sql" if place == "sql/legacy" else store)


def store_places(root: Path) -> dict[str, set[str]]:
    """Return the names of stores in each of the five places of a checkout."""
    return {
        "sql/postgres": _folders(root / "sql" / "postgres"),
        "sql/sqlite": _folders(root / "sql" / "sqlite"),
        "sql/legacy": {path.stem for path in (root / "sql" / "legacy").glob("*.sql")},
        "aragora_sql/stores": _folders(root / "aragora_sql" / "stores"),
        "tests/stores": _folders(root / "tests" / "stores"),
    }


def _folders(folder: Path) -> set[str]:
    """Return the folders that hold a file: git knows no others."""
    return {
        path.name
        for path in folder.glob("*/")
        if path.name != "__pycache__"
        and any(file.is_file() and file.suffix != ".pyc" for file in path.rglob("*"))
    }


def check_layout(root: Path) -> list[str]:
    """Return what is wrong with the stores of a checkout, each as ``place: what``."""
    table = read_table(root)
    return [*_check_names(table), *_check_places(root, table), *_check_classes(root, table)] + [
        problem for dialect in DIALECTS for problem in _check_order(root, table, dialect)
    ]


def _check_names(table: Sequence[StoreEntry]) -> Iterator[str]:
    for name, times in Counter(entry.name for entry in table).items():
        if times > 1:
            yield f"{TABLE}: store {name!r} is in the table {times} times"
    exported = Counter((name, entry.name) for entry in table for name in entry.names)
    stores = {name: sorted({of for other, of in exported if other == name}) for name, _ in exported}
    for name, of in stores.items():
        if len(of) > 1:
            yield f"{TABLE}: {name!r} is exported by two stores: {', '.join(of)}"


def _check_places(root: Path, table: Sequence[StoreEntry]) -> Iterator[str]:
    for place, found in store_places(root).items():
        wanted = {entry.name for entry in table if entry.legacy or place != "sql/legacy"}
        for name in sorted(wanted - found):
            yield f"{place_of(name, place)}: missing: store {name!r} is in {TABLE}"
        for name in sorted(found - wanted):
            why = (
                "is in the table with legacy=False"
                if any(entry.name == name for entry in table)
                else f"is not in the table of {TABLE}"
            )
            yield f"{place_of(name, place)}: store {name!r} {why}"
    for dialect in DIALECTS:
        for entry in table:
            for file in ("schema.sql", "queries.sql"):
                path = Path("sql", dialect, entry.name, file)
                if (root / path.parent).is_dir() and not (root / path).is_file():
                    yield f"{path}: missing"


def _check_classes(root: Path, table: Sequence[StoreEntry]) -> Iterator[str]:
    for entry in table:
        package = Path("aragora_sql/stores", entry.name)
        path = root / package / "__init__.py"
        if not (root / package).is_dir():
            continue
        if not path.is_file():
            yield f"{package / '__init__.py'}: missing"
            continue
        offered = _top_level_names(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for name in (entry.class_name, *entry.exports):
            if name not in offered:
                yield f"{package / '__init__.py'}: there is no {name!r}, which {TABLE} names"
        if entry.class_name in offered and class_definition(root, entry) is None:
            yield f"{package}: no module defines the class {entry.class_name!r}"


def _top_level_names(module: ast.Module) -> set[str]:
    names: set[str] = set()
    for statement in module.body:
        if isinstance(statement, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign):
            names.update(one.id for one in statement.targets if isinstance(one, ast.Name))
    return names


def class_definition(root: Path, entry: StoreEntry) -> tuple[Path, ast.Module, ast.ClassDef] | None:
    """Return where the class of a store is defined: the file, what is in it, and the class."""
    for path in sorted((root / "aragora_sql" / "stores" / entry.name).glob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for statement in module.body:
            if isinstance(statement, ast.ClassDef) and statement.name == entry.class_name:
                return path, module, statement
    return None


_WORD = re.compile(r'[A-Za-z_]\w*|"[^"]+"')


def _check_order(root: Path, table: Sequence[StoreEntry], dialect: Dialect) -> Iterator[str]:
    """Find foreign keys to tables of stores that come later."""
    homes: dict[str, str] = {}
    references: list[tuple[str, str, str]] = []
    for entry in table:
        path = Path("sql", dialect, entry.name, "schema.sql")
        try:
            text = read_sql(root / path)
        except QueryFileError:
            continue  # _check_places says that it is missing
        words = [token for token in scan(text, dialect) if token.kind != "comment"]
        for index, token in enumerate(words):
            word = token.text.upper()
            if word == "TABLE" and words[index - 1].text.upper() == "CREATE":
                homes.setdefault(_name_behind(words, index), entry.name)
            elif word == "REFERENCES":
                line = text.count("\n", 0, token.start) + 1
                references.append((f"{path}:{line}", entry.name, _name_behind(words, index)))
    order = {entry.name: index for index, entry in enumerate(table)}
    for place, store, target in references:
        home = homes.get(target)
        if home is None:
            yield f"{place}: a foreign key to {target!r}, which no store makes"
        elif order[home] > order[store]:
            yield (
                f"{place}: a foreign key to {target!r} of store {home!r}, which comes after "
                f"{store!r} in {TABLE}"
            )


def _name_behind(words: Sequence[Token], index: int) -> str:
    """Return the name behind CREATE TABLE or REFERENCES, without IF NOT EXISTS."""
    for token in words[index + 1 : index + 5]:
        if token.text.upper() not in {"IF", "NOT", "EXISTS"} and _WORD.fullmatch(token.text):
            return token.text.strip('"')
    return ""

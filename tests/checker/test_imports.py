"""Who may import whom: the parts on top are imported by nothing below them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import aragora_sql

PACKAGE = Path(aragora_sql.__file__).parent
# Of each part on top, who may import it besides itself.
USERS = {
    "cli": {"__main__.py", "migration/__main__.py"},
    "workbench": {"cli"},
    "checker": {"cli", "workbench"},
    "migration": {"cli", "checker"},
}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in it, and the texts that name one."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("part", USERS)
def test_nothing_below_imports_a_part_on_top(part: str) -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name in USERS[part] or name.partition("/")[0] in {part, *USERS[part]}:
            continue
        module = f"aragora_sql.{part}"
        wrong += [name for one in imported(path) if one == module or one.startswith(f"{module}.")]
    assert wrong == []

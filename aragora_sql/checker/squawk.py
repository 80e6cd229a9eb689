"""The rule ``squawk``: squawk over the PostgreSQL schema and upgrade files and the queries.

Queries are given to it with ``$1`` for ``:name``, which it would take for psql's variables.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aragora_sql.checker.report import Report, Scope
from aragora_sql.engines.children import child_environment
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.errors import ConfigurationError, QueryFileError
from aragora_sql.queries.files import QueryText, read_directive
from aragora_sql.queries.parameters import number_parameters, scan
from aragora_sql.schema import read_upgrade

__all__ = ["check_with_squawk"]

_EXCLUDED = (
    # whoever applies a schema sets the time limits of the connection
    "require-lock-timeout",
    "require-statement-timeout",
    # counters stay small; what numbers rows is BIGINT
    "prefer-bigint-over-int",
)
_FLOOR = "13.0"


def check_with_squawk(facts: Facts, report: Report, paths: Sequence[Path]) -> None:
    """Run squawk over schema files and upgrades in ``paths``, and over all queries' texts."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="aragora-squawk-") as folder:
        rendered: dict[str, dict[int, tuple[QueryText, int]]] = {}
        files: list[str] = []
        alone: list[str] = []
        for path in paths:
            in_transaction = True
            if path.parent.name == "upgrades":
                try:
                    upgrade = read_upgrade(path, "postgres")
                except QueryFileError:
                    # The rule `file` says so.
                    continue
                in_transaction = upgrade.in_transaction
                _declare(path, upgrade.text, report)
            (files if in_transaction else alone).append(str(path))
        for store in facts.stores:
            texts = [t for (d, s, _), t in facts.texts.items() if (d, s) == ("postgres", store)]
            if not texts:
                continue
            path = Path(folder) / f"{store}.sql"
            rendered[str(path)] = _render(path, texts)
            files.append(str(path))
        said_of_files = _run(program, files, in_transaction=True)
        for said in [*said_of_files, *_run(program, alone, in_transaction=False)]:
            name, line = said["file"], said["line"] + 1
            message = f"{said['message']} ({said['rule_name']})"
            subject = f"squawk {said['rule_name']}"
            if name in rendered:
                query, first = rendered[name][line]
                at = query.start[0] + line - first
                finding = Finding(query.path, at, 1, "squawk", message)
                report.add(finding, subject=subject, scopes=[Scope(query.path, query.name)])
            else:
                finding = Finding(Path(name), line, said["column"] + 1, "squawk", message)
                report.add(finding, subject=subject, scopes=[Scope(Path(name))])


def _program() -> str:
    beside = Path(sys.executable).with_name("squawk")
    program = str(beside) if beside.is_file() else shutil.which("squawk")
    if program is None:
        raise ConfigurationError(
            "the rule squawk needs squawk: pip install 'aragora-sql[check]', or --skip squawk"
        )
    return program


def _render(path: Path, texts: Iterable[QueryText]) -> dict[int, tuple[QueryText, int]]:
    """Write a script of queries; return of each line its query and that query's first line."""
    lines: list[str] = []
    places: dict[int, tuple[QueryText, int]] = {}
    for text in texts:
        sql, _ = number_parameters(text.sql, list(text.found))
        first = len(lines) + 1
        lines += f"{sql}\n;".split("\n")
        places |= dict.fromkeys(range(first, len(lines) + 1), (text, first))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return places


def _declare(path: Path, text: str, report: Report) -> None:
    """Read what an upgrade file declares deliberate, as in schema files."""
    comments = [token for token in scan(text, "postgres") if token.kind == "comment"]
    directives = [read_directive(text, comment) for comment in comments]
    report.declare(Scope(path), [one for one in directives if one is not None])


def _run(program: str, files: Sequence[str], *, in_transaction: bool) -> list[dict[str, Any]]:
    if not files:
        return []
    command = [program, "--reporter", "json", "--pg-version", _FLOOR]
    # Whether statements that run alone can be repeated is known when the file is read.
    command.append("--assume-in-transaction" if in_transaction else "--exclude=prefer-robust-stmts")
    command += [f"--exclude={rule}" for rule in _EXCLUDED]
    done = subprocess.run(  # noqa: S603 - the program of the package
        [*command, *files],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=child_environment(),
    )
    try:
        said: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError as error:
        raise ConfigurationError(f"squawk failed: {done.stderr.strip() or done.stdout}") from error
    return said

"""What the rule ``style`` starts: reads pieces of SQL as JSON, writes what sqlfluff says."""

from __future__ import annotations

import gc
import json
import logging
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter
from sqlfluff.core.rules import RulePack

__all__ = ["lint", "main"]

_NICENESS = 5

Piece = tuple[str, str, str]
Said = list[tuple[int, int, str, str]]


@cache
def _linter(folder: Path) -> tuple[Linter, RulePack]:
    # Whatever the configuration says: the templater jinja imports the libraries that it names.
    config = FluffConfig.from_path(str(folder), overrides={"templater": "placeholder"})
    linter = Linter(config=config)
    return linter, linter.get_rulepack()


@cache
def _configured(folder: Path) -> Path:
    """Return the folder whose configuration is the nearest to a folder's files."""
    return next((f for f in (folder, *folder.parents) if (f / ".sqlfluff").is_file()), folder)


def lint(piece: Piece) -> tuple[str, Said]:
    """Return the key of a piece (key, path, text), and what sqlfluff says of it."""
    key, path, text = piece
    linter, rules = _linter(_configured(Path(path).parent))
    if "sqlfluff" in text:
        # It may set up rules for itself.
        rules = linter.get_rulepack()
    # lint_string() does the same, but makes the rules again each time.
    found = linter.lint_parsed(linter.parse_string(text, fname=path), rules).get_violations()
    return key, [(v.line_no, v.line_pos, v.rule_code(), v.desc()) for v in found]


def main(processes: str) -> None:
    """Answer one request, a list of pieces, with so many processes."""
    logging.disable(logging.CRITICAL)
    # The rest of the check has most to do one after the other: it comes first, this fills the gaps.
    os.nice(_NICENESS)
    pieces: list[Piece] = json.load(sys.stdin)
    # What is made now, all processes share.
    for _, path, _ in pieces:
        _linter(_configured(Path(path).parent))
    gc.freeze()
    if processes == "1":
        answer = dict(map(lint, pieces))
    else:
        # Loading sqlfluff takes a second, which a fork saves.
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(int(processes), mp_context=fork) as executor:
            answer = dict(executor.map(lint, pieces))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

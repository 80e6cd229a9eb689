"""A process of the rule ``style``: reads pieces of SQL as JSON, writes what sqlfluff says."""

from __future__ import annotations

import json
import logging
import sys
from functools import cache

from sqlfluff.core import FluffConfig, Linter

__all__ = ["main"]


@cache
def _linter(path: str) -> Linter:
    return Linter(config=FluffConfig.from_path(path))


def main() -> None:
    """Answer one request: a list of (key, path, text)."""
    logging.disable(logging.CRITICAL)
    answer = {}
    for key, path, text in json.load(sys.stdin):
        violations = _linter(path).lint_string(text, fname=path).get_violations()
        answer[key] = [
            (violation.line_no, violation.line_pos, violation.rule_code(), violation.desc())
            for violation in violations
        ]
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

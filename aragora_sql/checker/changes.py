"""The forms in which changes of answers are printed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from aragora_sql.checker.since import Change
from aragora_sql.engines.findings import Finding, Format, render

__all__ = ["render_changes"]


def render_changes(changes: Iterable[Change], form: Format) -> str:
    """Return changes as lines, as a JSON list, or as warnings for GitHub's runner."""
    found = [(one, Finding(one.path, one.line, 1, "since", str(one), "warning")) for one in changes]
    if form == "json":
        listed = [
            {**asdict(one), "path": finding.to_dict()["path"], "message": str(one)}
            for one, finding in found
        ]
        return json.dumps(listed, indent=2)
    return render((finding for _, finding in found), form)

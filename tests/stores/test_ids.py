"""The ids that stores give to what they make."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import uuid

import pytest

from aragora_sql.stores import ids

FORKED = """
import os
from aragora_sql.stores.ids import new_id

new_id()
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, new_id().encode())
    os._exit(0)
os.wait()
print(os.read(reader, 100).decode() == new_id())
"""


def test_ids_are_random_uuids() -> None:
    found = [uuid.UUID(ids.new_id()) for _ in range(500)]
    assert len(set(found)) == 500
    assert {(one.version, one.variant) for one in found} == {(4, uuid.RFC_4122)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_child_does_not_go_on_with_the_ids_of_its_parent() -> None:
    said = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True
    )
    assert said.stdout == "False\n"


def test_there_need_be_no_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    importlib.reload(ids)
    assert uuid.UUID(ids.new_id()).version == 4

"""The ids that stores give to what they make."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from aragora_sql.stores import ids

STORES = Path(ids.__file__).parent

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


def test_ids_with_a_prefix_have_64_bits_or_128() -> None:
    found = [ids.prefixed_id("kn_") for _ in range(500)]
    assert len(set(found)) == 500
    assert all(re.fullmatch("kn_[0-9a-f]{16}", one) for one in found)
    assert re.fullmatch("del_[0-9a-f]{32}", ids.prefixed_id("del_", 32))


def test_stores_draw_no_ids_on_their_own() -> None:
    """What is drawn elsewhere is no key of a row, or is tried again when it is taken."""
    drawn = {
        path.relative_to(STORES).as_posix()
        for path in STORES.rglob("*.py")
        if re.search(r"uuid4\(|token_hex\(|urandom\(", path.read_text())
    }
    assert drawn == {
        "base.py",  # names a transaction
        "gmail/store.py",  # names who refreshes a token
        "ids.py",
        "jobs/records.py",  # in the order of time, with 64 bits of chance
        "jobs/worker.py",  # names a worker
        "users/organizations.py",  # a slug
    }

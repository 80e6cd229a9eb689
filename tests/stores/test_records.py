"""Records that are made of rows are what their classes make."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest

from aragora_sql.errors import DatabaseError
from aragora_sql.stores.consensus.records import SimilarConsensus
from aragora_sql.stores.jobs import records as jobs_records
from aragora_sql.stores.records import Record, record_of


def kinds() -> list[type[Record]]:
    found, ahead = set[type[Record]](), [Record]
    while ahead:
        derived = ahead.pop().__subclasses__()
        # A dataclass with slots is made twice: the first one has none, and stays behind.
        found.update(kind for kind in derived if "__slots__" in vars(kind))
        ahead += derived
    assert {jobs_records.Job, SimilarConsensus} <= found
    # What several share is no record of its own.
    return sorted(filter(is_dataclass, found), key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_a_record_of_a_row_is_like_any_other(kind: Any) -> None:
    row = {field.name: field.name for field in fields(kind) if field.init}
    record = record_of(kind, **row)
    assert type(record) is kind
    assert record == kind(**row)
    assert hash(record) == hash(kind(**row))
    assert repr(record) == repr(kind(**row))
    with pytest.raises(FrozenInstanceError):
        setattr(record, next(iter(row)), None)
    with pytest.raises(DatabaseError, match=r"unexpected: other"):
        record_of(kind, **row, other=1)

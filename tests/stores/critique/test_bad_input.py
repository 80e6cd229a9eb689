"""What is particular to the critique store about bad arguments; the rest is in its cases."""

from __future__ import annotations

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import critique, row_counts


async def test_a_wrong_critique_of_a_debate_is_named(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    for bad, expected in (
        (critique(severity=11), "critiques[1].severity"),
        (critique(issues=[None]), "critiques[1].issues[0]"),
        (critique(unknown=1), "critiques[1]"),
        ("text", "critiques[1]"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await critiques.store_debate("d", "Task", critiques=[critique(), bad])  # type: ignore[list-item]
        assert caught.value.argument == expected
        with pytest.raises(InvalidInputError) as caught:
            await critiques.store_debates(
                [{"debate_id": "d", "task": "t", "critiques": [critique(), bad]}]
            )
        assert caught.value.argument == f"debates[0].{expected}"
    assert await row_counts(memory.database) == {}

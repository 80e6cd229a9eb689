"""Lists of jobs that read no documents."""

from __future__ import annotations

import tracemalloc

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.jobs.records import UndecodableDocument
from aragora_sql.stores.jobs.store import JobQueueStore

MEGABYTE = 1_000_000


async def test_without_documents_neither_payloads_nor_results_are_read(
    jobs: JobQueueStore,
) -> None:
    text = "x" * (MEGABYTE // 2)
    await jobs.enqueue_many([{"job_type": "a", "payload": {"text": text}}] * 20)
    await jobs.complete_many([(job, {"text": text}) for job in await jobs.claim("w", 4)])
    whole = await jobs.list_jobs()
    tracemalloc.start()
    try:
        listed = await jobs.list_jobs(documents=False)
        completed = await jobs.list_jobs("completed", documents=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTE
    assert [job.id for job in listed] == [job.id for job in whole]
    assert len(completed) == 4
    for job in [*listed, *completed]:
        assert isinstance(job.payload, UndecodableDocument)
        assert job.payload == {"undecodable": "it was not read"}
        assert job.result is None
    # The rest is as it is, and what was not read is not taken for what is stored.
    cut = {"payload": None, "result": None}
    for job, same in zip(listed, whole, strict=True):
        assert job.to_dict() | cut == same.to_dict() | cut
    with pytest.raises(InvalidInputError, match="payload: must be decodable: it was not read"):
        await jobs.enqueue(listed[0], id="copy")


@pytest.mark.parametrize("value", [None, 0, "false"])
async def test_documents_is_a_boolean(jobs: JobQueueStore, value: object) -> None:
    with pytest.raises(InvalidInputError, match="documents: "):
        await jobs.list_jobs(documents=value)  # type: ignore[arg-type]

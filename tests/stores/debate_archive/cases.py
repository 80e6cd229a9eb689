"""What the conformance suite needs to know of the archive of debates."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.debate_archive import DebateArchive
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_JSON,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    lists_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
BAD_DATA: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"task": " "},
    *[{"task": "t", "id": bad} for bad in BAD_KEYS],
    {"task": "t", "agents": "claude"},
    {"task": "t", "agents": [5]},
    {"task": "t", "consensus_reached": "yes"},
    *[{"task": "t", "consensus_proof": {"reached": bad}} for bad in NOT_BOOLEANS[1:]],
    *[{"task": "t", "consensus_proof": {"confidence": bad}} for bad in [False, *BLANK_TEXTS]],
    *[{"task": "t", "confidence": bad} for bad in NOT_FRACTIONS if bad is not False],
    *[{"task": "t", "other": bad} for bad in NOT_JSON],
]


async def add(archive: DebateArchive) -> None:
    await archive.store({"id": f"a{next(NUMBERS)}", "task": "Rate limiting"})


async def count(archive: DebateArchive) -> int:
    return (await archive.search("", 0))[1]


async def fill(archive: DebateArchive) -> None:
    """Store some thousand debates, most of them in the critique store too."""
    series = numbers(archive.database, 4000)
    if archive.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    for statement in (
        f"INSERT INTO debates (id, task, created_at) SELECT 'd' || n, 't', {at} FROM {series}",
        "INSERT INTO debate_archive (id, slug, task, artifact_json, org_id, critique_debate_id, "
        "audio_path, created_at, search_terms) SELECT 'd' || n, 'slug-' || n, 't', '{}', "
        f"'org ' || (n % 500), 'd' || n, 'a', {at}, 'word' || n || ' common' FROM {series}",
    ):
        await run(archive.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "e", "row_limit": 10}
HOT = [
    Hot("get_next_slug", {"slug": "slug-7", "id": None}),
    Hot("view_debate", {"slug": "slug-7", "org_id": None}),
    Hot("get_debate", {"debate_id": "d7", "org_id": None}),
    Hot("list_batch", {"debate_ids": ["d7", "d8"], "org_id": None}),
    Hot("list_debates", PAGE, True),
    Hot("list_org_debates", {"org_id": "org 7", **PAGE}),
    Hot("find_debates", {"expression": "(word7&common)", "org_id": None, **PAGE}),
    Hot("count_found_debates", {"expression": "(word7&common)", "org_id": None}),
    Hot("delete_by_slug", {"slug": "slug-7", "org_id": None}),
    Hot("find_debate", {"key": "slug-7", "org_id": None}),
    Hot("delete_debate", {"debate_id": "d7", "org_id": None}),
    Hot("get_audio", {"debate_id": "d7", "org_id": None}),
    Hot("get_visibility", {"debate_id": "d7", "org_id": None}),
]


async def prepare(archive: DebateArchive) -> str:
    return await archive.save_dict({"id": "d0", "task": "Rate limiting"})


ROUND_TRIPS = {
    "save": Call(1, lambda s, kept: s.save({"task": f"Queues {next(NUMBERS)}"})),
    # The slug is another one's: which number is next, and again.
    "save_dict": Call(3, lambda s, kept: s.save_dict({"task": "Rate limiting"})),
    "store": Call(1, lambda s, kept: s.store({"task": f"Caches {next(NUMBERS)}"})),
    "generate_slug": Call(1, lambda s, kept: s.generate_slug("Queues")),
    "get_by_id": Call(1, lambda s, kept: s.get_by_id("d0")),
    "get_by_slug": Call(1, lambda s, kept: s.get_by_slug(kept)),
    "get_debates_batch": Call(1, lambda s, kept: s.get_debates_batch(["d0", "d1"])),
    "list_recent": Call(1, lambda s, kept: s.list_recent()),
    "list_recent of an organization": Call(1, lambda s, kept: s.list_recent(org_id="o")),
    "search": Call(2, lambda s, kept: s.search("rate")),
    "search for all": Call(2, lambda s, kept: s.search("")),
    "update_audio": Call(1, lambda s, kept: s.update_audio("d0", "a.mp3")),
    "get_audio_info": Call(1, lambda s, kept: s.get_audio_info("d0")),
    "is_public": Call(1, lambda s, kept: s.is_public("d0")),
    "set_public": Call(1, lambda s, kept: s.set_public("d0", True)),
    "delete": Call(1, lambda s, kept: s.delete("x")),
    "delete_debate": Call(3, lambda s, kept: s.delete_debate("x")),
    "link_debates": Call(1, lambda s, kept: s.link_debates()),
}

OF_ONE_ORGANIZATION = (
    "get_by_id",
    "get_by_slug",
    "get_debates_batch",
    "list_recent",
    "search",
    "update_audio",
    "get_audio_info",
    "is_public",
    "set_public",
    "delete",
    "delete_debate",
)
BAD_ARGUMENTS = [
    BadArgument("save", "artifact", BAD_DATA),
    *[BadArgument(name, "debate_data", BAD_DATA) for name in ("save_dict", "store")],
    *[BadArgument(name, "org_id", BAD_KEYS) for name in ("save", "save_dict", "store")],
    *names_of("generate_slug", "task"),
    *texts_of("get_by_id", "debate_id"),
    *texts_of("get_by_slug", "slug"),
    *lists_of("get_debates_batch", "debate_ids"),
    *[bad for method in OF_ONE_ORGANIZATION for bad in optional_texts_of(method, "org_id")],
    *texts_of("search", "query"),
    *limits_of("list_recent", "search"),
    *[BadArgument(method, "after", [5, "text", {}]) for method in ("list_recent", "search")],
    *texts_of("update_audio", "debate_id"),
    *names_of("update_audio", "audio_path"),
    BadArgument("update_audio", "duration_seconds", NOT_COUNTS[:-1]),
    *texts_of("get_audio_info", "debate_id"),
    *texts_of("is_public", "debate_id"),
    BadArgument("set_public", "is_public", NOT_BOOLEANS),
    *texts_of("delete", "slug"),
    *texts_of("delete_debate", "debate_id"),
    BadArgument("delete_debate", "cascade_critiques", NOT_BOOLEANS),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save": {"artifact": {"task": "t"}},
    **{name: {"debate_data": {"task": "t"}} for name in ("save_dict", "store")},
    "get_by_id": {"debate_id": "d"},
    "get_by_slug": {"slug": "s"},
    "search": {"query": "word"},
    "get_debates_batch": {"debate_ids": ["d"]},
    "update_audio": {"debate_id": "d", "audio_path": "a"},
    **{name: {"debate_id": "d"} for name in ("get_audio_info", "is_public")},
    "set_public": {"debate_id": "d", "is_public": True},
    "delete": {"slug": "s"},
    "delete_debate": {"debate_id": "d"},
}

CASES = StoreCases(
    make=DebateArchive,
    add=add,
    count=count,
    foreign_table="debate_archive (id TEXT PRIMARY KEY, artifact TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"debate_data.task": lambda s: s.save_dict({"task": ""})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)

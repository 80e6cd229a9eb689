"""Relationships, walks along them, and who may see a node, on each engine."""

from __future__ import annotations

import itertools
import random
from collections import deque
from datetime import timedelta
from typing import Any

import pytest

from aragora_sql.database.values import utc_now
from aragora_sql.errors import NodeNotFoundError
from aragora_sql.stores.knowledge import KnowledgeMound
from tests.stores.knowledge.test_nodes import ids, save
from tests.stores.samples import days_ago


async def graph(mound: KnowledgeMound, links: str, workspace: str = "w1") -> None:
    """Store the nodes and links of a text such as ``a-supports-b b-cites-c``."""
    for link in links.split():
        first, kind, last = link.split("-")
        for key in (first, last):
            await save(mound, key, workspace_id=workspace)
        await mound.save_relationship(first, last, kind)  # type: ignore[arg-type]


async def test_save_relationship_once_of_each_type(mound: KnowledgeMound) -> None:
    await graph(mound, "a-supports-b")
    link = await mound.save_relationship("a", "b", "cites", created_by="ann", metadata={"x": 1})
    assert await mound.save_relationship("a", "b", "cites", strength=0.25) == link
    (cited,) = await mound.get_relationships("b", ["cites"])
    assert (cited.strength, cited.created_by, cited.metadata) == (0.25, "ann", {})
    await save(mound, "x", workspace_id="w2")
    for first, last, argument in (("no", "b", "from"), ("a", "no", "to")):
        with pytest.raises(NodeNotFoundError, match=f"{argument}_node_id"):
            await mound.save_relationship(first, last, "cites")
    with pytest.raises(NodeNotFoundError, match="to_node_id"):
        await mound.save_relationship("a", "x", "cites", workspace_id="w1")
    assert await mound.delete_relationship(link)


async def test_get_relationships_and_get_relationships_batch(mound: KnowledgeMound) -> None:
    await graph(mound, "a-supports-b c-cites-a b-cites-b")
    assert len(await mound.get_relationships("a")) == 2
    assert await mound.get_relationships("a", limit=0) == []
    assert await mound.get_relationships("a", workspace_id="w2") == []
    batch = await mound.get_relationships_batch(["a", "b", "nobody"])
    assert {key: len(links) for key, links in batch.items()} == {"a": 2, "b": 2, "nobody": 0}


async def test_list_relationships_and_delete_relationship(mound: KnowledgeMound) -> None:
    await graph(mound, "a-supports-b a-cites-b b-cites-a a-contradicts-b")
    await graph(mound, "x-cites-y", "w2")
    for workspace, kinds in (
        (None, ["cites"] * 3 + ["contradicts", "supports"]),
        ("w1", ["cites"] * 2 + ["contradicts", "supports"]),
    ):
        seen: list[Any] = []
        while page := await mound.list_relationships(
            workspace, 2, after=seen[-1] if seen else None
        ):
            seen += page
        assert [one.relationship_type for one in seen] == kinds
        cited = await mound.list_relationships(workspace, relationship_type="cites")
        assert cited == seen[: kinds.count("cites")]
    assert await mound.delete_relationship(seen[0].id)
    assert not await mound.delete_relationship(seen[0].id)


async def test_get_neighbors_by_depth_direction_and_type(mound: KnowledgeMound) -> None:
    await graph(mound, "a-supports-b b-cites-c c-supports-d d-supports-a x-cites-a")

    async def near(depth: int = 1, **options: Any) -> list[tuple[str, int]]:
        found = await mound.get_neighbors("a", depth, **options)
        return [(one.id, one.depth) for one in found.nodes]

    assert await near() == [("b", 1), ("d", 1), ("x", 1)]
    assert await near(3) == [("b", 1), ("d", 1), ("x", 1), ("c", 2)]
    assert await near(3, direction="out") == [("b", 1), ("c", 2), ("d", 3)]
    assert await near(2, direction="in") == [("d", 1), ("x", 1), ("c", 2)]
    assert await near(5, types=["supports"]) == [("b", 1), ("d", 1), ("c", 2)]
    assert await near(0) == []
    assert await near(workspace_id="w2") == []
    assert await mound.get_neighbors("nobody") == await mound.get_neighbors("a", 0)
    whole = await mound.get_neighbors("a", 3)
    assert whole.is_complete
    assert whole.nodes[0].content == "content of b"
    few = await mound.get_neighbors("a", 3, limit=2)
    assert (ids(few.nodes), few.is_complete) == (["b", "d"], False)
    assert (await mound.get_neighbors("a", 3, limit=4)).is_complete


async def test_get_neighbors_stops_at_a_bound_and_at_a_workspace(mound: KnowledgeMound) -> None:
    await graph(mound, " ".join(f"hub-cites-n{n:02}" for n in range(30)))
    bounded = await mound.get_neighbors("hub", 3, most=10)
    assert not bounded.is_complete
    assert len(bounded.nodes) == 10
    # Others are met on the way through another workspace only.
    await save(mound, "other", workspace_id="w2")
    await save(mound, "far")
    await mound.save_relationship("n00", "other", "cites")
    await mound.save_relationship("other", "far", "cites")
    assert "far" in ids((await mound.get_neighbors("n00", 2)).nodes)
    near = await mound.get_neighbors("n00", 4, workspace_id="w1")
    assert near.is_complete
    assert not {"other", "far"} & set(ids(near.nodes))
    path = await mound.find_path("n00", "far", workspace_id="w1")
    assert (path.places, path.is_complete) == ([], True)


async def test_find_path_is_a_shortest_one(mound: KnowledgeMound) -> None:
    await graph(mound, "a-supports-b b-cites-c c-supports-d d-supports-a d-cites-e")
    path = await mound.find_path("a", "c")
    steps = [(p.id, p.relationship_type, p.is_forward) for p in path.places]
    assert steps == [("a", None, None), ("b", "supports", True), ("c", "cites", True)]
    back = await mound.find_path("a", "e")
    assert [(p.id, p.is_forward) for p in back.places] == [("a", None), ("d", False), ("e", True)]
    directed = await mound.find_path("a", "e", directed=True)
    assert ids(directed.places) == ["a", "b", "c", "d", "e"]
    assert (await mound.find_path("a", "e", 3, directed=True)).places == []
    assert (await mound.find_path("e", "a", directed=True)).places == []
    supports = await mound.find_path("a", "c", types=["supports"])
    assert ids(supports.places) == ["a", "d", "c"]
    assert ids((await mound.find_path("a", "a")).places) == ["a"]
    for nobody in (("a", "nobody"), ("nobody", "a"), ("nobody", "nobody")):
        assert await mound.find_path(*nobody) == await mound.find_path("x", "y")
    assert not (await mound.find_path("a", "e", most=2)).is_complete


async def test_find_path_and_get_neighbors_agree_with_a_search_in_memory(
    mound: KnowledgeMound,
) -> None:
    chooser = random.Random(5)  # noqa: S311
    near: dict[str, set[str]] = {f"n{n}": set() for n in range(40)}
    for key in near:
        await save(mound, key)
    for _ in range(48):
        first, last = chooser.sample(sorted(near), 2)
        await mound.save_relationship(first, last, "related_to")
        near[first].add(last)
        near[last].add(first)
    depths = {"n0": 0}
    waiting = deque(["n0"])
    while waiting:
        key = waiting.popleft()
        for other in near[key] - depths.keys():
            depths[other] = depths[key] + 1
            waiting.append(other)
    found = await mound.get_neighbors("n0", 6)
    wanted = {key: depth for key, depth in depths.items() if 0 < depth <= 6}
    assert {one.id: one.depth for one in found.nodes} == wanted
    for key in sorted(near):
        places = ids((await mound.find_path("n0", key, 6)).places)
        assert len(places) == (depths[key] + 1 if depths.get(key, 7) <= 6 else 0)
        assert all(last in near[first] for first, last in itertools.pairwise(places))


async def test_find_contradictions_of_what_belongs_to_a_node(mound: KnowledgeMound) -> None:
    await graph(
        mound,
        "a-supports-b c-derived_from-b x-contradicts-a c-contradicts-y a-contradicts-c "
        "a-related_to-r r-contradicts-z",
    )
    found = await mound.find_contradictions("a")
    assert [(one.depth, one.node_id, one.other_id) for one in found.found if one.depth] == [
        (2, "c", "y")
    ]
    near = {(one.node_id, one.other_id) for one in found.found if not one.depth}
    assert near == {("a", "x"), ("a", "c")}
    assert found.found[0].other_content.startswith("content of ")
    assert found.is_complete
    assert len((await mound.find_contradictions("a", 0)).found) == 2
    assert not (await mound.find_contradictions("a", limit=1)).is_complete
    assert not (await mound.find_contradictions("a", most=1)).is_complete
    assert (await mound.find_contradictions("b", 0)).found == []
    assert (await mound.find_contradictions("nobody")).found == []
    assert (await mound.find_contradictions("a", workspace_id="w2")).found == []


async def test_query_with_visibility_shows_what_is_granted(mound: KnowledgeMound) -> None:
    levels: tuple[Any, ...] = ("private", "workspace", "organization", "public", "system")
    for level in levels:
        await save(
            mound, level, content=f"word {level}", visibility=level, metadata={"org_id": "acme"}
        )
    await save(mound, "hidden", content="word hidden", visibility="public", is_discoverable=False)

    async def seen(workspace: str = "w9", org: str | None = None, *roles: str) -> set[str]:
        found = await mound.query_with_visibility(
            "word", None, "ann", workspace, org, actor_roles=roles
        )
        return set(ids(found))

    everybody = {"public", "system"}
    assert await seen() == everybody
    assert await seen("w1") == {*everybody, "workspace"}
    assert await seen("w1", "acme") == {*everybody, "workspace", "organization"}
    assert len(await mound.query_with_visibility("word", "w2", "ann", "w1")) == 0
    # Grants to the user, a role, the workspace, the organization.
    grants: tuple[Any, ...] = (
        ("user", "ann", ("w9", None)),
        ("role", "editor", ("w9", None, "editor")),
        ("workspace", "w8", ("w8", None)),
        ("organization", "o2", ("w9", "o2")),
    )
    for kind, grantee, actor in grants:
        assert "private" not in await seen(*actor)
        later = utc_now() + timedelta(days=1)
        await mound.save_access_grant("private", kind, grantee, expires_at=later)
        assert "private" in await seen(*actor)
        await mound.save_access_grant("private", kind, grantee, expires_at=days_ago(1))
        assert "private" not in await seen(*actor)
    await mound.save_access_grant("private", "role", "ann")
    assert await seen() == everybody


async def test_query_with_visibility_and_hybrid_search_compare_texts_and_need_read(
    mound: KnowledgeMound,
) -> None:
    async def seen(organization: str | None = None) -> list[str]:
        by_words = await mound.query_with_visibility("word", None, "ann", "w9", organization)
        by_vector = await mound.hybrid_search(
            "",
            None,
            [1, 0],
            actor_id="ann",
            actor_workspace_id="w9",
            actor_org_id=organization,
        )
        assert [one.node.id for one in by_vector] == ids(by_words)
        return ids(by_words)

    organizations: list[Any] = [5, 1.0, 1e20, 2**70, True, None, {"a": 1}, "5", "é'\""]
    for number, organization in enumerate(organizations):
        await save(
            mound,
            f"n{number}",
            content=f"word {number}",
            visibility="organization",
            metadata={"org_id": organization},
            vector=[1, 0],
        )
    wanted = {"5": ["n7"], "é'\"": ["n8"]}
    for asked in ("5", "5.0", "1", "1.0", "1e20", "1e+20", str(10**20), str(2**70), "true", "null"):
        assert await seen(asked) == wanted.get(asked, []), asked
    assert await seen("é'\"") == ["n8"]
    for permissions, expected in ((["write"], []), (["write", "read"], ["n0"])):
        await mound.save_access_grant("n0", "user", "ann", permissions)
        assert await seen() == expected


async def test_relationships_of_a_workspace_are_between_its_nodes(mound: KnowledgeMound) -> None:
    await graph(mound, "a-cites-b")
    await save(mound, "x", workspace_id="w2")
    across = await mound.save_relationship("a", "x", "cites")
    assert len(await mound.get_relationships("a")) == 2
    for workspace, links in (("w1", 1), ("w2", 0)):
        found = await mound.get_relationships_batch(["a", "x"], workspace_id=workspace)
        assert len(found["a"] + found["x"]) == links
        assert len(await mound.list_relationships(workspace)) == links
        assert (await mound.get_stats(workspace))["total_relationships"] == links
        assert not await mound.delete_relationship(across, workspace_id=workspace)
    (within,) = await mound.list_relationships("w1")
    assert not await mound.delete_relationship(within.id, workspace_id="w2")
    assert await mound.delete_relationship(within.id, workspace_id="w1")
    assert await mound.delete_relationship(across)


async def test_save_access_grant_then_get_and_delete_access_grant(mound: KnowledgeMound) -> None:
    await save(mound, "a")
    await save(mound, "b", workspace_id="w2")
    first = await mound.save_access_grant("a", "user", "ann", ["read", "write"], granted_by="ben")
    assert await mound.save_access_grant("a", "user", "ann", granted_by="ben") == first
    await mound.save_access_grant("a", "role", "ann", expires_at=days_ago(1))
    await mound.save_access_grant("b", "user", "ann", granted_by="ben")
    with pytest.raises(NodeNotFoundError, match="item_id"):
        await mound.save_access_grant("a", "user", "x", workspace_id="w2")
    assert not await mound.delete_access_grant("a", "ann", workspace_id="w2")
    assert not await mound.delete_access_grant("a", "ann", "workspace")
    assert await mound.delete_access_grant("a", "ann")
    assert await mound.get_access_grants("a") == []


async def test_get_access_grants_get_grants_for_grantee_and_get_grants_by_grantor(
    mound: KnowledgeMound,
) -> None:
    await save(mound, "a")
    await save(mound, "b", workspace_id="w2")
    for item in ("a", "b"):
        await mound.save_access_grant(item, "user", "ann", ["read", "write"], granted_by="ben")
        await mound.save_access_grant(item, "role", "ann", granted_by="ben", expires_at=days_ago(1))
    both = await mound.get_access_grants("a")
    assert {one.grantee_type for one in both} == {"user", "role"}
    assert await mound.get_access_grants("a", 1, after=both[0]) == both[1:]
    assert await mound.get_access_grants("a", workspace_id="w2") == []
    # What has expired counts no more.
    current = await mound.get_grants_for_grantee("ann")
    assert {(one.item_id, one.grantee_type) for one in current} == {("a", "user"), ("b", "user")}
    (mine,) = await mound.get_grants_for_grantee("ann", "user", workspace_id="w1")
    assert (mine.permissions, mine.granted_by) == (["read", "write"], "ben")
    assert await mound.get_grants_for_grantee("ann", "role") == []
    assert len(await mound.get_grants_by_grantor("ben")) == 4
    assert len(await mound.get_grants_by_grantor("ben", "w2")) == 2


async def test_cleanup_expired_deletes_grants_that_are_over(mound: KnowledgeMound) -> None:
    await save(mound, "a")
    await mound.save_access_grant("a", "user", "ann", expires_at=days_ago(1))
    await mound.save_access_grant("a", "user", "ben")
    assert await mound.cleanup_expired() == 1
    assert await mound.cleanup_expired() == 0
    (left,) = await mound.get_access_grants("a")
    assert left.grantee_id == "ben"

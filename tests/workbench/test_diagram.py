"""Entity diagrams: every table and key is drawn, nothing lies on top of something else."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest

from aragora_sql.engines.facts import Column, ForeignKey, Table
from aragora_sql.workbench.diagram import draw

SVG = "{http://www.w3.org/2000/svg}"


def table(name: str, *targets: str, columns: int = 3, nullable: bool = False) -> Table:
    names = ["id", *(f"{target}_id" for target in targets)]
    names += [f"column_{number}" for number in range(columns - len(names))]
    return Table(
        name=name,
        store="store",
        dialect="postgres",
        kind="table",
        path=Path("schema.sql"),
        line=1,
        comment="Things & <others>.",
        row_level_security=True,
        columns=tuple(
            Column(
                name=column,
                type="timestamp with time zone",
                python_type="datetime",
                nullable=nullable,
                default=None,
                generated="",
                comment=None,
                line=1,
            )
            for column in names
        ),
        primary_key=("id",),
        unique=(),
        foreign_keys=tuple(
            ForeignKey(
                name=None,
                columns=(f"{target}_id",),
                target_table=target,
                target_columns=("id",),
                on_delete="CASCADE",
                on_update="NO ACTION",
                line=1,
            )
            for target in targets
        ),
        indexes=(),
    )


SCHEMAS = {
    "one": [table("a")],
    "none": [],
    "self": [table("a", "a")],
    "circle": [table("a", "c"), table("b", "a"), table("c", "b")],
    "two ways": [table("a", "b"), table("b", "a")],
    "diamond": [table("a"), table("b", "a"), table("c", "a"), table("d", "b", "c", "a")],
    "elsewhere": [table("a", "not_drawn")],
    "wide": [table(f"table_with_a_long_name_{n}", columns=1 + n % 20) for n in range(30)],
    "ladder": [
        table(f"t{n}", *(f"t{m}" for m in range(max(0, n - 2), n)), columns=4) for n in range(40)
    ],
}


@pytest.mark.parametrize("keys_only", [False, True])
@pytest.mark.parametrize("name", list(SCHEMAS))
def test_everything_is_drawn_and_nothing_overlaps(name: str, keys_only: bool) -> None:
    tables = SCHEMAS[name]
    drawn = draw(
        tables, lambda one: f"#t-{one.name}", title="A & B", keys_only=keys_only, accents={}
    )
    svg = ElementTree.fromstring(drawn)  # noqa: S314 - it is our own
    assert [link.get("href") for link in svg.iter(f"{SVG}a")] == [f"#t-{t.name}" for t in tables]
    names = {one.name for one in tables}
    keys = [key for one in tables for key in one.foreign_keys if key.target_table in names]
    edges = [group for group in svg.iter(f"{SVG}g") if group.get("class") == "edge"]
    assert len(edges) == len(keys)
    _, _, width, height = (float(part) for part in svg.attrib["viewBox"].split())
    boxes = [
        tuple(float(rect.attrib[side]) for side in ("x", "y", "width", "height"))
        for rect in svg.iter(f"{SVG}rect")
    ]
    for x, y, w, h in boxes:
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in itertools.combinations(boxes, 2):
        apart = x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
        assert apart


def test_a_table_stands_to_the_right_of_those_that_it_refers_to() -> None:
    svg = ElementTree.fromstring(  # noqa: S314 - it is our own
        draw(SCHEMAS["diamond"], lambda one: one.name, title="")
    )
    left = {
        link.attrib["href"]: float(rect.attrib["x"])
        for link in svg.iter(f"{SVG}a")
        for rect in link.iter(f"{SVG}rect")
    }
    assert left["a"] < left["b"] == left["c"] < left["d"]


def test_a_key_that_may_be_null_is_told_apart() -> None:
    def circles(nullable: bool) -> int:
        tables = [table("a"), table("b", "a", nullable=nullable)]
        return draw(tables, lambda one: one.name, title="").count("<circle")

    assert (circles(nullable=False), circles(nullable=True)) == (0, 1)


def test_columns_that_are_not_shown_are_counted() -> None:
    drawn = draw([table("a", columns=5)], lambda one: one.name, title="", keys_only=True)
    assert "4 more columns" in drawn
    assert "column_1" not in drawn
    assert "1 more column<" in draw([table("a", columns=2)], str, title="", keys_only=True)

"""Entity diagrams as SVG: tables as boxes, foreign keys as lines with crow's feet.

The picture is made of plain shapes with classes, whose colours the page's style sheet gives, and
tables link to their descriptions. A table is drawn to the right of those that it refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from aragora_sql.engines.facts import Column, ForeignKey, Table

__all__ = ["draw"]

_CHARACTER = 6.7
_ROW = 18.0
_HEADER = 28.0
_PADDING = 10.0
_TYPE_GAP = 18.0
_MARK = 24.0
_LAYER_GAP = 84.0
_BOX_GAP = 26.0
_MARGIN = 46.0
# What the page's main column has room for on a common screen.
_MOST_WIDTH = 1010.0

_SHORT_TYPES = {
    "timestamp with time zone": "timestamptz",
    "double precision": "float8",
    "character varying": "varchar",
}


@dataclass(slots=True)
class _Box:
    table: Table
    columns: tuple[Column, ...]
    more: int
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        rows = [len(c.name) * _CHARACTER + len(_type(c)) * _CHARACTER for c in self.columns]
        widest = max([*rows, len(self.rest) * _CHARACTER]) + _MARK + _TYPE_GAP
        return max(widest, len(self.table.name) * (_CHARACTER + 0.8)) + 2 * _PADDING

    @property
    def rest(self) -> str:
        """What is said of the columns that are not shown."""
        if not self.more:
            return ""
        return f"{self.more}{' more' if self.columns else ''} column{'s' * (self.more > 1)}"

    @property
    def height(self) -> float:
        return _HEADER + (len(self.columns) + bool(self.more)) * _ROW + 6

    def row_y(self, column: str) -> float:
        """The middle of a column's row; of the header for one that is not shown."""
        for number, shown in enumerate(self.columns):
            if shown.name == column:
                return self.y + _HEADER + (number + 0.5) * _ROW + 1
        return self.y + _HEADER / 2


def _type(column: Column) -> str:
    return _SHORT_TYPES.get(column.type, column.type)


def draw(
    tables: Sequence[Table],
    link: Callable[[Table], str],
    *,
    title: str,
    keys_only: bool = False,
    accents: Mapping[str, int] | None = None,
) -> str:
    """Return the diagram of some tables as an SVG element.

    ``link`` gives the address of a table's description. ``keys_only`` leaves out columns that are
    not part of a primary or foreign key. ``accents`` are numbers of colours by store: tables get
    the class ``accent-N``.
    """
    boxes = {table.name: _box(table, keys_only) for table in tables}
    edges = [
        (box, boxes[key.target_table], key)
        for box in boxes.values()
        for key in box.table.foreign_keys
        if key.target_table in boxes
    ]
    width, height = _place(boxes, edges)
    lines = [_edge(child, parent, key) for child, parent, key in edges]
    drawn = [_draw_box(box, link(box.table), accents or {}) for box in boxes.values()]
    return (
        f'<svg class="er" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}"><title>{escape(title)}</title>'
        f"{''.join(lines)}{''.join(drawn)}</svg>"
    )


def _box(table: Table, keys_only: bool) -> _Box:
    if not keys_only:
        return _Box(table, table.columns, 0)
    keys = {*table.primary_key, *(c for key in table.foreign_keys for c in key.columns)}
    shown = tuple(column for column in table.columns if column.name in keys)
    return _Box(table, shown, len(table.columns) - len(shown))


_Edges = Sequence[tuple[_Box, _Box, ForeignKey]]


def _place(boxes: Mapping[str, _Box], edges: _Edges) -> tuple[float, float]:
    """Give every box its place and return the size of the picture."""
    groups = [_layered(group, edges) for group in _components(boxes, edges)]
    groups.sort(key=lambda group: -len(group[0]))
    x, y, shelf, right = _MARGIN, 12.0, 0.0, 0.0
    for members, width, height in groups:
        if x > _MARGIN and x + width > _MOST_WIDTH:
            x, y, shelf = _MARGIN, y + shelf + _BOX_GAP, 0.0
        for box in members:
            box.x += x
            box.y += y
        right = max(right, x + width)
        x += width + _MARGIN
        shelf = max(shelf, height)
    return right + 12, y + shelf + 12


def _components(boxes: Mapping[str, _Box], edges: _Edges) -> Iterator[list[_Box]]:
    """Yield the boxes that hang together, in the order of the schema."""
    neighbours: dict[str, set[str]] = {name: set() for name in boxes}
    for child, parent, _ in edges:
        neighbours[child.table.name].add(parent.table.name)
        neighbours[parent.table.name].add(child.table.name)
    seen: set[str] = set()
    for name in boxes:
        if name in seen:
            continue
        reached, pending = {name}, [name]
        while pending:
            new = neighbours[pending.pop()] - reached
            reached |= new
            pending += new
        seen |= reached
        yield [box for name, box in boxes.items() if name in reached]


def _layered(group: list[_Box], edges: _Edges) -> tuple[list[_Box], float, float]:
    """Place a group from its own corner on: those that refer to nothing left, the others right."""
    parents: dict[str, list[str]] = {box.table.name: [] for box in group}
    for child, parent, _ in edges:
        if child.table.name in parents and child is not parent:
            parents[child.table.name].append(parent.table.name)

    depths: dict[str, int] = {}
    entered: set[str] = set()

    def depth(name: str) -> int:
        if name not in depths:
            entered.add(name)
            # In a circle of tables the one where it was entered is left.
            over = [parent for parent in parents[name] if parent in depths or parent not in entered]
            depths[name] = 1 + max(map(depth, over), default=-1)
        return depths[name]

    layers: dict[int, list[_Box]] = {}
    for box in group:
        layers.setdefault(depth(box.table.name), []).append(box)
    position: dict[str, float] = {}
    for number in sorted(layers):
        layers[number].sort(key=lambda box: _mean(position.get(p) for p in parents[box.table.name]))
        for place, box in enumerate(layers[number]):
            position[box.table.name] = float(place)
    total = max(_stacked(layer) for layer in layers.values())
    x = 0.0
    for number in sorted(layers):
        y = (total - _stacked(layers[number])) / 2
        for box in layers[number]:
            box.x, box.y = x, y
            y += box.height + _BOX_GAP
        x += max(box.width for box in layers[number]) + _LAYER_GAP
    return group, x - _LAYER_GAP, total


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


def _stacked(layer: list[_Box]) -> float:
    return sum(box.height + _BOX_GAP for box in layer) - _BOX_GAP


def _edge(child: _Box, parent: _Box, key: ForeignKey) -> str:
    """Draw a foreign key: many of the child belong to one, or none, of the parent."""
    column = child.table.column(key.columns[0])
    optional = column is not None and column.nullable
    x1, y1 = child.x, child.row_y(key.columns[0])
    y2 = parent.row_y(key.target_columns[0])
    to_left = child is parent or parent.x >= child.x
    x2 = parent.x if to_left else parent.x + parent.width
    out = -1 if to_left else 1
    bend = 34 if to_left else max(34.0, (x1 - x2) / 2)
    path = f"M{x1:g} {y1:g}C{x1 - bend:g} {y1:g} {x2 + out * bend:g} {y2:g} {x2:g} {y2:g}"
    foot = f"M{x1:g} {y1 - 5:g}L{x1 - 10:g} {y1:g}L{x1:g} {y1 + 5:g}"
    bar = f"M{x2 + out * 7:g} {y2 - 5:g}v10"
    ring = (
        f'<circle cx="{x2 + out * 13:g}" cy="{y2:g}" r="3.5"/>'
        if optional
        else f'<path d="M{x2 + out * 11:g} {y2 - 5:g}v10"/>'
    )
    says = (
        f"{child.table.name} ({', '.join(key.columns)}) refers to {parent.table.name} "
        f"({', '.join(key.target_columns)}), on delete {key.on_delete.lower()}"
    )
    return (
        f'<g class="edge"><title>{escape(says)}</title>'
        f'<path d="{path}"/><path d="{foot}"/><path d="{bar}"/>{ring}</g>'
    )


def _draw_box(box: _Box, href: str, accents: Mapping[str, int]) -> str:
    table = box.table
    accent = f" accent-{accents[table.store]}" if table.store in accents else ""
    references = {column for key in table.foreign_keys for column in key.columns}
    parts = [
        f'<a href="{escape(href)}" class="box{accent}">',
        f"<title>{escape(f'{table.name}: {table.comment}' if table.comment else table.name)}"
        "</title>",
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="7"/>',
        f'<path class="head" d="M{box.x:g} {box.y + _HEADER:g}v{7 - _HEADER:g}q0 -7 7 -7'
        f'h{box.width - 14:g}q7 0 7 7v{_HEADER - 7:g}z"/>',
        f'<text class="name" x="{box.x + _PADDING:g}" y="{box.y + 19:g}">{escape(table.name)}'
        "</text>",
    ]
    for column in box.columns:
        y = box.row_y(column.name) + 4
        primary, foreign = column.name in table.primary_key, column.name in references
        mark = "PK" if primary else "FK" if foreign else ""
        if mark:
            parts.append(f'<text class="mark" x="{box.x + _PADDING:g}" y="{y:g}">{mark}</text>')
        optional = " optional" if column.nullable else ""
        parts.append(
            f'<text class="column{optional}" x="{box.x + _PADDING + _MARK:g}" y="{y:g}">'
            f"{escape(column.name)}</text>"
            f'<text class="type" x="{box.x + box.width - _PADDING:g}" y="{y:g}">'
            f"{escape(_type(column))}</text>"
        )
    if box.more:
        y = box.y + _HEADER + (len(box.columns) + 0.5) * _ROW + 5
        parts.append(
            f'<text class="more" x="{box.x + _PADDING + _MARK:g}" y="{y:g}">{box.rest}</text>'
        )
    return "".join([*parts, "</a>"])

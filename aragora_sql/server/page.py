"""The status page for people: one page of HTML with its chart, which needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from aragora_sql import __version__
from aragora_sql.server.health import DatabaseState
from aragora_sql.server.history import EVERY, KEPT, Sample
from aragora_sql.server.work import Work

__all__ = ["SlowQueries", "SlowQuery", "render_page"]

SHOWN_QUERIES = 10
# The chart's own units; it is drawn as wide as the page.
_WIDTH, _HEIGHT, _EDGE = 600.0, 100.0, 4.0


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A named query and its times, in milliseconds; ``longest_ms`` is None where nobody knows."""

    name: str
    place: str | None
    calls: int
    mean_ms: float
    longest_ms: float | None
    errors: int | None


@dataclass(frozen=True, slots=True)
class SlowQueries:
    """The queries with the longest mean times, and ``source``, who has counted them."""

    source: str
    queries: Sequence[SlowQuery]


def render_page(
    state: DatabaseState,
    work: Work,
    samples: Sequence[Sample],
    slow: SlowQueries,
    now: datetime,
) -> str:
    """Return the page. ``now`` is aware, and shown to the second."""
    health = state.health
    answers = (
        "it does not answer"
        if health.latency_ms is None
        else f"{health.dialect}, {health.role or 'unknown role'}, answered in "
        f"{health.latency_ms:.1f} ms"
    )
    return _template().substitute(
        title=f"aragora-sql: {state.status}",
        status=state.status,
        summary=escape(answers),
        reasons="".join(f"<p>{escape(reason)}</p>" for reason in state.reasons),
        version=f"Release {escape(__version__)}",
        now=f'<time datetime="{now.isoformat()}">{now:%Y-%m-%d %H:%M:%S %Z}</time>',
        pool=_pool(state, samples),
        queue=_queue(work),
        queries=_queries(slow),
        schemas=_table(
            ("store", "version", "of the files", "state"),
            (
                (
                    f"<code>{escape(store.name)}</code>",
                    _number("none" if store.version is None else store.version),
                    _number(store.latest),
                    f'<span class="{store.word}">{store.word}</span>',
                )
                for store in state.stores
            ),
        ),
    )


@cache
def _template() -> Template:
    return Template((files("aragora_sql.server") / "assets" / "status.html").read_text("utf-8"))


def _pool(state: DatabaseState, samples: Sequence[Sample]) -> str:
    pool = state.metrics
    facts = {
        "in use": f"{pool.in_use} of {pool.max_size}",
        "idle": pool.free,
        "waiting": pool.waiting,
        "acquired": f"{pool.acquisitions:,}",
        "failed": f"{pool.failed:,}",
        "mean wait": f"{pool.to_dict()['avg_wait_time_ms']:.2f} ms",
        "longest wait": f"{pool.max_wait_ms:.1f} ms",
    }
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items()
    )
    minutes = round(EVERY * KEPT / 60)
    return (
        f'<dl class="facts">{shown}</dl>{_chart(samples, pool.max_size)}'
        f'<p class="soft"><span class="key busy"></span>connections in use, '
        f'<span class="key wait"></span>units of work that wait, at most the last {minutes} '
        f"minutes; the broken line is the most that the pool opens</p>"
    )


def _chart(samples: Sequence[Sample], most: int) -> str:
    top = max(most, *(max(one.in_use, one.waiting) for one in samples), 1)

    def y(value: float) -> float:
        return _HEIGHT - _EDGE - value / top * (_HEIGHT - 2 * _EDGE)

    def line(kind: str, values: Iterable[tuple[float, int]]) -> str:
        points = [(_WIDTH + time / (EVERY * KEPT) * _WIDTH, y(value)) for time, value in values]
        if len(points) == 1:
            # A line of one point is not drawn.
            points.insert(0, (points[0][0] - 4, points[0][1]))
        text = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        return f'<polyline class="{kind}" points="{text}"/>'

    last = samples[-1].time
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="Connections in use over the last minutes, of at most {most}">'
        f'<line class="axis" x1="0" x2="{_WIDTH:.0f}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>'
        f'<line class="most" x1="0" x2="{_WIDTH:.0f}" y1="{y(most):.1f}" y2="{y(most):.1f}"/>'
        f"{line('wait', [(one.time - last, one.waiting) for one in samples])}"
        f"{line('busy', [(one.time - last, one.in_use) for one in samples])}"
        "</svg>"
    )


def _queue(work: Work) -> str:
    parts = []
    if work.problem is not None:
        parts.append(f"<p>It is not known: {escape(work.problem)}</p>")
    elif not work.jobs:
        parts.append("<p>No job waits or runs.</p>")
    else:
        rows = (
            (
                f"<code>{escape(load.job_type)}</code>",
                escape(str(load.status)),
                _number(f"{load.total:,}"),
                _number(_duration(load.oldest_seconds)),
                _number(load.expired or ""),
            )
            for load in work.jobs
        )
        parts.append(_table(("type", "state", "jobs", "oldest", "expired leases"), rows))
    if work.migrations:
        parts.append("<h2>Migrations</h2>")
        moved = (
            (
                f"<code>{escape(one.table)}</code>",
                _number(one.run_id),
                "finished" if one.is_finished else "going on",
                *(_number(f"{count:,}") for count in one.rows.values()),
            )
            for one in work.migrations
        )
        heads = ("table", "run", "state", "read", "migrated", "already there", "rejected")
        parts.append(_table(heads, moved))
    return "".join(parts)


def _queries(slow: SlowQueries) -> str:
    if not slow.queries:
        return f"<p>None was called yet.</p><p class='soft'>{escape(slow.source)}</p>"
    rows = (
        (
            f"<code>{escape(query.name)}</code>"
            + (f'<code class="place">{escape(query.place)}</code>' if query.place else ""),
            _number(f"{query.calls:,}"),
            _number(f"{query.mean_ms:.2f}"),
            _number("" if query.longest_ms is None else f"{query.longest_ms:.1f}"),
            _number("" if query.errors is None else query.errors),
        )
        for query in slow.queries
    )
    table = _table(("query", "calls", "mean ms", "longest ms", "errors"), rows)
    return f'{table}<p class="soft">{escape(slow.source)}</p>'


class _Number(str):
    """A cell that is set to the right."""

    __slots__ = ()


def _number(value: object) -> _Number:
    return _Number(escape(str(value)))


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table that scrolls by itself where it is wider than the screen."""
    cells = list(rows)
    numbers = [isinstance(cell, _Number) for cell in cells[0]] if cells else [False] * len(heads)
    marks = [' class="number"' if number else "" for number in numbers]
    head = "".join(
        f"<th{mark}>{escape(name)}</th>" for mark, name in zip(marks, heads, strict=True)
    )
    # On a phone a row is a block, and each cell says what it is.
    named = [f'{mark} data-name="{escape(name)}"' for mark, name in zip(marks, heads, strict=True)]
    body = "".join(
        "<tr>"
        + "".join(f"<td{mark}>{cell}</td>" for mark, cell in zip(named, row, strict=True))
        + "</tr>"
        for row in cells
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )

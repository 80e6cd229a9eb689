"""The status page in a real browser: light and dark, on a desktop and on a phone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.schema import apply_schema
from aragora_sql.server import health_app
from aragora_sql.server.history import EVERY, KEPT, Sample
from aragora_sql.server.page import _chart
from aragora_sql.stores.jobs import JobQueueStore
from tests.conftest import require_program
from tests.server.serving import Answer, serving
from tests.workbench.test_docs import ARGUMENTS

KINDS = ["h1", "h2", "p", ".status", ".soft", "dt", "dd", "th", "td", "code", ".place", ".current"]
# The contrast of text and what is behind it, by WCAG 2.2: of each kind of element the first one.
CONTRASTS = """(kinds) => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
  };
  return Object.fromEntries(kinds.map((kind) => {
    const element = document.querySelector(kind);
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    return [kind, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }));
}"""
# Tables that have to be scrolled.
CUT_TABLES = """() => [...document.querySelectorAll(".scroll")]
  .filter((box) => box.scrollWidth > box.clientWidth)
  .map((box) => box.closest("[id]").id)"""
HOSTILE = "<script>alert(1)</script> & <b>type</b>"


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The page of a database with jobs, an exotic name among them, and a schema that is old."""
    path = tmp_path_factory.mktemp("page") / "aragora.db"

    async def ask() -> Answer:
        database = SQLiteDatabase(path)
        await apply_schema(database, ["jobs"])
        jobs = JobQueueStore(database)
        app = health_app(database, stores=["jobs", "consensus"], timeout=20.0)
        await jobs.enqueue("gauntlet", {"n": 1})
        await jobs.enqueue(HOSTILE)
        await jobs.claim("worker", 1, ["gauntlet"])
        async with database.read(), serving(app) as client:
            found = await client.get("/")
        await database.close()
        return found

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def page_file(answer: Answer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "status.html"
    path.write_text(answer.body, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


def test_it_is_one_page_that_names_no_other_place(answer: Answer) -> None:
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "://" not in answer.body
    assert "<script" not in answer.body
    assert HOSTILE not in answer.body
    assert not re.search(r"\$\w", answer.body)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_shows_what_there_is(browser: Browser, page_file: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("request", lambda request: problems.append(request.url))
    page.goto(page_file.as_uri())
    assert problems == [page_file.as_uri()]
    assert page.title() == "aragora-sql: unhealthy"
    assert page.get_by_text("the schema is absent: consensus").is_visible()
    assert page.locator("#pool dd").first.inner_text() == "1 of 5"
    queue = page.locator("#queue tbody tr").all_inner_texts()
    assert any(row.split()[:3] == ["gauntlet", "processing", "1"] for row in queue)
    assert any(row.startswith(HOSTILE) for row in queue)
    queries = page.locator("#queries")
    assert queries.get_by_text("jobs.enqueue_job", exact=True).is_visible()
    place = queries.locator(".place", has_text=re.compile(r"^sqlite/jobs/queries\.sql:\d+$"))
    assert place.count() >= 1
    assert page.locator("#schemas tbody tr").all_inner_texts() == [
        "jobs\t5\t5\tcurrent",
        "consensus\tnone\t2\tabsent",
    ]
    chart = page.locator("#pool svg")
    assert chart.is_visible()
    assert chart.locator("polyline").count() == 2
    ratios = page.evaluate(CONTRASTS, KINDS)
    assert ratios.keys() == set(KINDS)
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] <= width
        assert page.evaluate(CUT_TABLES) == []
    context.close()


def test_the_chart_ends_now_and_holds_what_was_seen() -> None:
    samples = [Sample(100.0, 0, 0), Sample(100.0 + EVERY * KEPT / 2, 4, 9)]
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]*)"', _chart(samples, 4))
    assert lines == [("wait", "300.0,96.0 600.0,4.0"), ("busy", "300.0,96.0 600.0,55.1")]
    (wait, *_) = re.findall(r'points="([^"]*)"', _chart([Sample(5.0, 1, 0)], 4))
    assert wait == "596.0,96.0 600.0,96.0"

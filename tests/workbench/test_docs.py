"""``docs``: pages that work from the file system, in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from aragora_sql.cli import main
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir, read_queries, sql_folder
from aragora_sql.workbench.entries import QueryEntries, read_query_entries
from aragora_sql.workbench.site import write_site
from tests.conftest import require_program

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STORES = ("consensus", "critique", "schema_versions")


@pytest.fixture(scope="module")
def queries() -> QueryEntries:
    return read_query_entries(keep=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "a folder" / "site"
    assert main(["docs", "--output", str(folder)]) == 0
    return folder


class Document(HTMLParser):
    """The addresses and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value is not None:
                self.ids.append(value)
            if name in {"href", "src", "action", "poster", "data", "srcset"} and value is not None:
                self.addresses.append(value)


def pages_of(site: Path) -> dict[str, Document]:
    return {path.name: Document(path.read_text(encoding="utf-8")) for path in site.glob("*.html")}


def dead_links(site: Path) -> list[tuple[str, str]]:
    pages = pages_of(site)
    index = re.findall(r'"href": "([^"]+)"', (site / "search-index.js").read_text())
    links = [("search-index.js", href) for href in index]
    links += [(name, href) for name, page in pages.items() for href in page.addresses]
    assert len(links) > 90
    dead = []
    for name, href in links:
        if href == "data:,":
            continue
        target, _, fragment = (unquote(part) for part in href.partition("#"))
        target = target or name
        if not (site / target).is_file() or (fragment and fragment not in pages[target].ids):
            dead.append((name, href))
    return dead


def test_every_link_leads_somewhere_in_the_folder(site: Path) -> None:
    pages = pages_of(site)
    assert {"index.html", *(f"{store}.html" for store in STORES)} <= pages.keys()
    assert dead_links(site) == []
    for page in pages.values():
        assert len(page.ids) == len(set(page.ids))


@pytest.mark.slow
def test_names_that_are_in_the_way_get_pages_too(sql_copy: Path, tmp_path: Path) -> None:
    """A store without queries, one named like the first page, a table with an odd name."""
    for dialect in DIALECTS:
        folder = sql_copy / dialect / "index"
        folder.mkdir()
        (folder / "schema.sql").write_text(
            '-- Odd names.\n\nCREATE TABLE IF NOT EXISTS "a <b> & c" (\n'
            "    id TEXT NOT NULL PRIMARY KEY REFERENCES consensus (id)\n);\n"
        )
        master = sql_copy / dialect / "schema.sql"
        line = "\\ir critique/schema.sql"
        text = master.read_text()
        assert line in text
        prefix = "" if dialect == "postgres" else "-- "
        master.write_text(text.replace(line, f"{line}\n{prefix}\\ir index/schema.sql"))
    (sql_copy / "sqlite" / "critique" / "queries.sql").write_bytes(b"-- \xff\n")
    folder = tmp_path / "site"
    queries = read_query_entries(plans=False, keep=True)
    assert ["not UTF-8" in problem.message for problem in queries.facts.problems] == [True]
    write_site(queries, folder)
    assert "t-a <b> & c" in pages_of(folder)["index_.html"].ids
    assert "All tables" in (folder / "index.html").read_text()
    assert "no such query" in (folder / "critique.html").read_text()
    assert dead_links(folder) == []


def test_nothing_names_another_place(site: Path) -> None:
    for path in site.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path.name
        assert "@import" not in text
        assert str(packaged_sql_dir()) not in text


def test_every_query_and_table_is_there(site: Path) -> None:
    pages = pages_of(site)
    for dialect in DIALECTS:
        for store in STORES:
            folder = sql_folder(store, dialect, packaged_sql_dir())
            for name in read_queries(folder / "queries.sql", dialect):
                assert f"q-{name}" in pages[f"{store}.html"].ids
            schema = (folder / "schema.sql").read_text()
            for name in re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)", schema, re.MULTILINE):
                assert f"t-{name}" in pages[f"{store}.html"].ids
    text = (site / "consensus.html").read_text()
    assert "A dissenting opinion on a consensus." in text
    assert "Index Scan using consensus_pkey" in text
    assert "dissent (consensus_id) refers to consensus (id), on delete cascade" in text
    assert '<span class="nv">:consensus_id</span>' in text


def test_every_method_of_a_store_is_there(site: Path) -> None:
    page = (site / "critique.html").read_text(encoding="utf-8")
    assert 'id="m-CritiqueStore.store_debate"' in page
    assert "await get_debate(debate_id: str) -&gt; Debate | None" in page
    assert "<p>Return a debate, or None when there is none of this id.</p>" in page
    index = (site / "search-index.js").read_text(encoding="utf-8")
    assert '"label": "CritiqueStore.get_debate"' in index


@pytest.mark.slow
def test_the_same_files_give_the_same_bytes(
    site: Path, queries: QueryEntries, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    write_site(queries, again)

    def pages(folder: Path) -> dict[str, bytes]:
        # Plans of the server's own catalog follow its statistics, which change meanwhile.
        others = (path for path in folder.iterdir() if path.name != "catalog.html")
        return {path.name: path.read_bytes() for path in others}

    assert {path.name for path in again.iterdir()} == {path.name for path in site.iterdir()}
    assert pages(again) == pages(site)


def test_an_earlier_site_is_replaced_and_nothing_else(
    site: Path, queries: QueryEntries, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    (folder / "gone.html").write_text("a store that is no more")
    write_site(queries, folder)
    assert not (folder / "gone.html").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("not ours")
    with pytest.raises(ConfigurationError, match="is not empty, and what it holds is not an earl"):
        write_site(queries, tmp_path / "other")
    assert (tmp_path / "other" / "index.html").read_text() == "not ours"
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--output: "):
        write_site(queries, tmp_path / "file")


def test_what_is_written_in_the_files_stays_text(
    sql_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for dialect in DIALECTS:
        path = sql_copy / "system" / dialect / "schema_versions" / "queries.sql"
        with path.open("a") as file:
            file.write(
                "\n-- name: hostile(id)\n-- <script>alert(1)</script> & <b>bold</b>.\n"
                "SELECT '</code><script>alert(2)</script>' AS a, :id AS b FROM nowhere;\n"
            )
    assert main(["docs", "--output", str(tmp_path / "site")]) == 1
    assert "nowhere" in capsys.readouterr().err
    text = (tmp_path / "site" / "schema_versions.html").read_text()
    assert "alert(1)" in text
    assert "alert(2)" in text
    assert "<script>" not in text
    assert "the engine refuses it" in text


# In the browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require_program("chromium", "chromium")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may neither complain nor reach for anything that is not a file."""
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    opened.on(
        "request",
        lambda request: (
            problems.append(request.url) if not request.url.startswith(("file:", "data:")) else None
        ),
    )
    yield opened
    context.close()
    assert problems == []


def test_search_finds_a_query_and_goes_there(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("LOCK pattern")
    first = page.locator("#results [role=option]").first
    assert first.locator(".name").inner_text() == "critique.lock_stale_patterns"
    page.keyboard.press("Enter")
    page.wait_for_url("**/critique.html#q-lock_stale_patterns")
    heading = page.locator("#q-lock_stale_patterns h3")
    assert heading.is_visible()
    assert not page.locator("#results").is_visible()


def test_search_looks_into_sql_comments_and_columns(page: Page, site: Path) -> None:
    page.goto((site / "consensus.html").as_uri())

    def names(text: str) -> list[str]:
        page.locator("#search").fill(text)
        return page.locator("#results .name").all_inner_texts()

    assert "consensus.find_similar" in names("unnest cardinality")
    assert "dissent" in names("dissenting opinion")
    assert "verified_proofs" in names("prover_version")
    assert names("critique.count_patterns")[0] == "critique.count_patterns"
    assert names("nothing like it anywhere") == []
    assert page.locator("#results").inner_text() == "Nothing has all of “nothing like it anywhere”"
    page.keyboard.press("Escape")
    assert not page.locator("#results").is_visible()


def test_results_are_reached_by_keys_and_by_pointer(page: Page, site: Path) -> None:
    page.goto((site / "consensus.html").as_uri())
    page.locator("#search").fill("get_")
    second = page.locator("#results .name").nth(1).inner_text()
    page.keyboard.press("ArrowDown")
    assert page.locator('#results [aria-selected="true"] .name').inner_text() == second
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.locator("#results [role=option]").last.get_attribute("aria-selected") == "true"
    page.locator("#search").fill("critique.get_debate")
    page.locator("#results a").first.click()
    page.wait_for_url("**/critique.html#q-get_debate")


def test_links_and_diagrams_lead_on(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.locator("svg.er a", has_text="verified_proofs").first.click()
    page.wait_for_url("**/consensus.html#t-verified_proofs")
    assert page.locator("#t-verified_proofs").is_visible()
    page.locator("#t-verified_proofs a", has_text="consensus.list_proofs").first.click()
    page.wait_for_url("**/consensus.html#q-list_proofs")
    plan = page.locator("#q-list_proofs details.plan")
    assert not plan.locator("pre").first.is_visible()
    plan.locator("summary").click()
    assert "Index" in plan.locator("pre").first.inner_text()
    page.locator(".side a", has_text="critique").first.click()
    page.wait_for_url("**/critique.html")


def test_search_finds_indexes(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.locator("#search").fill("idx_consensus_domain")
    first = page.locator("#results [role=option]").first
    assert first.inner_text().split("\n")[:2] == ["index", "idx_consensus_domain"]
    page.keyboard.press("Enter")
    page.wait_for_url("**/consensus.html#t-consensus")
    assert page.get_by_text("idx_consensus_domain (domain").first.is_visible()


def test_search_offers_what_is_near_a_mistyped_name(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    for typed, meant in (
        ("find_simliar", "consensus.find_similar"),
        ("dissnt", "dissent"),
        ("getdebate", "critique.get_debate"),
        ("idx_consensus_domian", "idx_consensus_domain"),
        ("lock_stale_paterns", "critique.lock_stale_patterns"),
    ):
        page.locator("#search").fill(typed)
        said = page.locator("#results .near").inner_text()
        assert said == f"Nothing has all of “{typed}”; near it:"
        assert page.locator("#results .name").first.inner_text() == meant
    page.keyboard.press("Enter")
    page.wait_for_url("**/critique.html#q-lock_stale_patterns")


def test_sql_is_copied_as_it_is(page: Page, site: Path) -> None:
    page.goto((site / "critique.html").as_uri())
    query = page.locator("#q-list_debates")
    sql = query.locator("pre").first.inner_text()
    button = query.locator(".copy").first
    button.focus()
    page.keyboard.press("Enter")
    query.get_by_text("Copied").wait_for()
    assert page.evaluate("document.activeElement.className").startswith("copy")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))"
    )
    page.locator("#paste").focus()
    page.keyboard.press("Control+V")
    assert page.locator("#paste").input_value() == sql
    assert sql.startswith("SELECT")


def test_what_a_query_says_comes_before_what_it_gives(page: Page, site: Path) -> None:
    page.goto((site / "consensus.html").as_uri())
    query = page.locator("#q-find_similar")
    sql, results = (
        query.locator("pre").first.bounding_box(),
        query.locator(".results").bounding_box(),
    )
    assert sql is not None
    assert results is not None
    assert sql["y"] < results["y"]


def test_names_are_not_coloured_as_keywords(site: Path) -> None:
    for path in site.glob("*.html"):
        keywords = re.findall(r'<span class="k">([^<]+)</span>', path.read_text(encoding="utf-8"))
        assert [word for word in keywords if word.islower()] == [], path.name
    text = (site / "consensus.html").read_text(encoding="utf-8")
    assert '<span class="k">SELECT</span>' in text
    assert '<span class="w"> </span><span class="n">c</span>' in text


def test_italics_in_a_diagram_are_explained(page: Page, site: Path) -> None:
    for name in ("index.html", "consensus.html"):
        page.goto((site / name).as_uri())
        assert page.locator("svg .optional").count()
        assert page.get_by_text("in italics: may be NULL").is_visible()


# One page of each kind: the first, those of stores with tables, queries and methods, one without
# methods.
@pytest.mark.parametrize("name", ["index.html", "consensus.html", "schema_versions.html"])
def test_no_page_is_wider_than_the_screen(page: Page, site: Path, name: str) -> None:
    page.goto((site / name).as_uri())
    sides = page.locator(".sides").first
    for width in (360, 390, 1000, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            # No column is cut off, or has to be scrolled to.
            assert page.evaluate(CUT_TABLES) == []
        if name != "index.html":
            left, right = (sides.locator("> div").nth(number).bounding_box() for number in (0, 1))
            assert left is not None
            assert right is not None
            assert (left["y"] == right["y"]) is (width > 960)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(browser: Browser, site: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto((site / "consensus.html").as_uri())
    ratios = page.evaluate(CONTRASTS)
    context.close()
    assert len(ratios) > 10
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


# Tables that are wider than their place.
CUT_TABLES = """() => [...document.querySelectorAll(".scroll")]
  .filter((box) => box.scrollWidth > box.clientWidth)
  .map((box) => box.closest("[id]").id)"""

# The contrast of text and what is behind it, by WCAG 2.2: of each kind of element one.
CONTRASTS = """() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const kinds = ["h1", ".lead", ".meta", ".meta a", "th", "td code", ".badge", ".badge.write",
    ".key", ".none", ".args", "pre .k", "pre .nv", "pre .kt", "pre .s1", "pre .mi", "pre .nb",
    ".side p", ".side a", ".copy", "i", "summary", ".brand span", "h4", "h4 code"];
  const ratios = {};
  for (const kind of kinds) {
    const element = document.querySelector(kind);
    if (!element) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    ratios[kind] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  return ratios;
}"""


def test_the_pages_say_of_which_versions_they_tell(site: Path, queries: QueryEntries) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    assert f"Types and plans are those of {queries.versions}." in index
    assert re.fullmatch(r"PostgreSQL \d+ and SQLite 3\.[\d.]+", queries.versions)

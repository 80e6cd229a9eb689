"""All queries and tables as pages: a folder that needs neither a server nor a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

import aragora_sql
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Index, Table
from aragora_sql.engines.reference import ClassReference, store_reference
from aragora_sql.errors import ConfigurationError, QueryFileError
from aragora_sql.queries.files import DIALECTS, read_sql, sql_folder
from aragora_sql.schema import VERSIONS
from aragora_sql.stores import STORES
from aragora_sql.workbench import diagram, highlight
from aragora_sql.workbench.entries import Entry, QueryEntries

__all__ = ["write_site"]

_TITLES: dict[Dialect, str] = {"postgres": "PostgreSQL", "sqlite": "SQLite"}
_ACCENTS = 8
_INDEX = "search-index.js"
_ASSETS = ("style.css", "site.js")
_HEAD_COMMENT = re.compile(r"\A(?:--[^\n]*\n)+")
_CODE, _AS_CODE = re.compile(r"`([^`]+)`"), r"<code>\1</code>"
_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=\.) ")
_NONE = '<span class="none">none</span>'
_LEGEND = (
    '<p class="meta">PK: primary key, FK: foreign key; <i>in italics</i>: may be NULL. '
    "A table leads to its description.</p>"
)


def write_site(queries: QueryEntries, folder: Path) -> list[Path]:
    """Write the pages of all queries and tables into a folder, and return their paths.

    The same SQL files give the same bytes, so the folder can be committed and compared. A folder
    that holds an earlier site is written again; any other that is not empty is refused with
    :class:`ConfigurationError`.
    """
    _make_room(folder)
    site = _Site(queries)
    pages = {"index.html": site.index_page()}
    pages |= {_page_name(store): site.store_page(store) for store in site.stores}
    pages[_INDEX] = site.search_index()
    assets = files("aragora_sql.workbench") / "assets"
    pages |= {name: (assets / name).read_text("utf-8") for name in _ASSETS}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in pages]


def _make_room(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = list(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(f"--output: {folder}: {error.strerror}") from error
    if present and not (folder / _INDEX).is_file():
        raise ConfigurationError(
            f"--output: {folder} is not empty, and what it holds is not an earlier site"
        )
    for page in folder.glob("*.html"):
        page.unlink()


class _Site:
    def __init__(self, queries: QueryEntries) -> None:
        self.queries = queries
        catalogs = queries.facts.catalogs
        # In the order of creation, with those of SQLite alone at the end.
        self.tables = {
            name: catalogs["postgres"].get(name) or catalogs["sqlite"][name]
            for name in [*catalogs["postgres"], *catalogs["sqlite"]]
        }
        made = dict.fromkeys(file.store for file in queries.facts.tree.schemas["postgres"])
        present = {*queries.facts.stores, *(table.store for table in self.tables.values())}
        # Applications' stores in the order of the schema, then what serves this package itself.
        self.stores = [store for store in made if store in present and store != VERSIONS]
        self.stores += sorted(present.difference(self.stores))
        self.entries = [entry for store in self.stores for entry in queries.of_store(store)]
        self.accents = {store: number % _ACCENTS for number, store in enumerate(self.stores)}
        package = Path(aragora_sql.__file__).parent.parent
        self.references = {entry.name: store_reference(package, entry) for entry in STORES}
        self._template = Template(
            (files("aragora_sql.workbench") / "assets" / "page.html").read_text("utf-8")
        )

    def of_store(self, store: str) -> list[Table]:
        return [table for table in self.tables.values() if table.store == store]

    # Pages

    def index_page(self) -> str:
        queries, tables = len(self.entries), len(self.tables)
        content = [
            "<h1>The SQL of every store</h1>",
            f'<p class="lead">{_count(len(self.stores), "store")}, {_count(tables, "table")} and '
            f"{_count(queries, 'query', 'queries')}, in PostgreSQL and in SQLite: what they are "
            "for, what goes in, what comes out and how the engines run them.</p>",
            f'<p class="meta">{escape(self.engines())}</p>',
            '<div class="cards">',
            *(self._card(store) for store in self.stores),
            "</div>",
            '<h2 id="diagram">All tables</h2>',
            _LEGEND,
            self._diagram(list(self.tables.values()), "All tables", keys_only=True),
            '<h2 id="queries">All queries</h2>',
            '<div class="scroll"><table class="index"><thead><tr><th>query</th><th>returns</th>'
            "<th>what it is for</th></tr></thead><tbody>",
            *(
                f'<tr><td><a href="{_query_href(entry)}"><code>{escape(str(entry))}</code></a></td>'
                f"<td>{escape(entry.operation)}</td>"
                f'<td class="wide">{escape(_first_sentence(entry.text.doc))}</td></tr>'
                for entry in self.entries
            ),
            "</tbody></table></div>",
        ]
        return self._page("All stores", None, "\n".join(content))

    def engines(self) -> str:
        """Return which engines said what the pages tell."""
        if self.queries.missing is not None:
            return f"Made from the files alone; {self.queries.missing}."
        return f"Types and plans are those of {self.queries.versions}."

    def _card(self, store: str) -> str:
        tables = _count(len(self.of_store(store)), "table")
        queries = _count(len(self.queries.of_store(store)), "query", "queries")
        return (
            f'<a class="card accent-{self.accents[store]}" href="{_store_href(store)}">'
            f'<strong><span class="dot"></span>{escape(store)}</strong>'
            f"<p>{escape(_first_sentence(self.purpose(store)))}</p>"
            f"<small>{tables}, {queries}</small></a>"
        )

    def store_page(self, store: str) -> str:
        tables, entries = self.of_store(store), self.queries.of_store(store)
        content = [
            f"<h1>{escape(store)}</h1>",
            f'<p class="lead">{escape(self.purpose(store))}</p>',
        ]
        if tables:
            content.append(self._diagram(self._with_neighbours(tables), f"Tables of {store}"))
            content.append(_LEGEND)
            content.append('<h2 id="tables">Tables</h2>')
            content += [self._table(table) for table in tables]
        content.append('<h2 id="queries">Queries</h2>')
        content += [self._query(entry) for entry in entries]
        if classes := self.references.get(store):
            content.append('<h2 id="python">Python</h2>')
            content += [_class(one) for one in classes]
        return self._page(store, store, "\n".join(content))

    def _with_neighbours(self, tables: Sequence[Table]) -> list[Table]:
        """Add the tables of other stores that these refer to, which the lines would lack."""
        names = {table.name for table in tables}
        targets = {key.target_table for table in tables for key in table.foreign_keys}
        return [t for t in self.tables.values() if t.name in names or t.name in targets]

    def _page(self, title: str, store: str | None, content: str) -> str:
        return self._template.substitute(
            title=escape(f"{title} · aragora-sql"),
            navigation=self._navigation(store),
            content=content,
        )

    def _navigation(self, current: str | None) -> str:
        parts = ["<ul>", _item("index.html", "Overview", current is None), "</ul>", "<p>Stores</p>"]
        parts += ["<ul>", *(_item(_store_href(s), s, s == current) for s in self.stores), "</ul>"]
        if current is not None:
            sections = {
                "Tables": [(_fragment("t", t.name), t.name) for t in self.of_store(current)],
                "Queries": [
                    (_fragment("q", e.name), e.name) for e in self.queries.of_store(current)
                ],
                "Python": [
                    (_fragment("m", method), method)
                    for method in _methods(self.references.get(current, ()))
                ],
            }
            for title, links in sections.items():
                if links:
                    parts += [f"<p>{title}</p>", '<ul class="names">']
                    parts += [_item(href, name) for href, name in links]
                    parts.append("</ul>")
        return "\n".join(parts)

    def purpose(self, store: str) -> str:
        """What a store is for: the comment at the head of its schema, or else of its queries."""
        for dialect in DIALECTS:
            for name in ("schema.sql", "queries.sql"):
                path = sql_folder(store, dialect, self.queries.root) / name
                try:
                    comment = _HEAD_COMMENT.match(read_sql(path)) if path.is_file() else None
                except QueryFileError:
                    # It is one of the problems that are told anyway.
                    continue
                if comment and not comment[0].startswith("-- name:"):
                    lines = comment[0].splitlines()
                    return " ".join(line.removeprefix("--").strip() for line in lines).strip()
        return ""

    def place(self, path: Path, line: int) -> str:
        shown = path.relative_to(self.queries.root).as_posix()
        return f"<code>{escape(shown)}:{line}</code>"

    def _diagram(self, tables: Sequence[Table], title: str, *, keys_only: bool = False) -> str:
        drawn = diagram.draw(
            tables, _table_href, title=title, keys_only=keys_only, accents=self.accents
        )
        return (
            f'<div class="diagram" role="region" aria-label="{escape(title)}" tabindex="0">'
            f"{drawn}</div>"
        )

    # Tables

    def _table(self, table: Table) -> str:
        both = {d: self.queries.facts.catalogs[d].get(table.name) for d in DIALECTS}
        found = {dialect: one for dialect, one in both.items() if one is not None}
        only = "" if len(found) == len(DIALECTS) else f" in {_TITLES[next(iter(found))]} only"
        return "\n".join(
            [
                f'<section class="item" id="t-{escape(table.name)}"><header>'
                f'<h3><a href="{_fragment("t", table.name)}">{escape(table.name)}</a></h3>'
                f'<span class="badge">{escape(table.kind + only)}</span></header>',
                f"<p>{escape(table.comment)}</p>" if table.comment else "",
                self._columns_of(table, found.get("postgres"), found.get("sqlite")),
                self._keys(table),
                *(
                    f'<p class="meta">{_TITLES[dialect]}: {self.place(one.path, one.line)}; '
                    f"indexes {_indexes(one.indexes)}</p>"
                    for dialect, one in found.items()
                ),
                self._users(table),
                "</section>",
            ]
        )

    def _columns_of(self, table: Table, postgres: Table | None, sqlite: Table | None) -> str:
        names = dict.fromkeys(
            column.name for one in (postgres, sqlite) if one is not None for column in one.columns
        )
        references = {column for key in table.foreign_keys for column in key.columns}
        rows = []
        for name in names:
            sides = [one.column(name) if one is not None else None for one in (postgres, sqlite)]
            column = next(side for side in sides if side is not None)
            keys = "".join(
                f'<span class="key">{mark}</span>'
                for mark, of in (("PK", table.primary_key), ("FK", references))
                if name in of
            )
            types = [
                f"<code>{escape(side.type)}</code>" if side and side.type else _NONE
                for side in sides
            ]
            generated = f"generated, {column.generated}" if column.generated else ""
            default = f"<code>{escape(column.default)}</code>" if column.default else ""
            rows.append(
                [
                    f"<code>{escape(name)}</code>{keys}",
                    *types,
                    f"<code>{escape(column.python_type)}</code>",
                    "may be" if column.nullable else "",
                    escape(generated) or default,
                    escape(column.comment or ""),
                ]
            )
        headings = ["column", "PostgreSQL", "SQLite", "Python", "null", "default", "meaning"]
        return _rows("columns", headings, rows)

    def _keys(self, table: Table) -> str:
        parts = [
            f"<code>{escape(', '.join(key.columns))}</code> refers to "
            f"{self._table_link(key.target_table)} (on delete {escape(key.on_delete.lower())})"
            for key in table.foreign_keys
        ]
        parts += [f"<code>{escape(', '.join(unique))}</code> is unique" for unique in table.unique]
        return f'<p class="meta">{"; ".join(parts)}</p>' if parts else ""

    def _users(self, table: Table) -> str:
        parts = []
        readers = [entry for entry in self.entries if table.name in entry.reads]
        writers = [entry for entry in self.entries if table.name in entry.writes]
        for verb, users in (("read", readers), ("written", writers)):
            if users:
                links = ", ".join(
                    f'<a href="{_query_href(entry)}">{escape(str(entry))}</a>' for entry in users
                )
                parts.append(f'<p class="meta">{verb} by {links}</p>')
        return "".join(parts)

    # Queries

    def _query(self, entry: Entry) -> str:
        arguments = ", ".join(entry.text.parameters)
        kind = "badge write" if entry.writes else "badge"
        touched = [
            f"{verb} {', '.join(self._table_link(table) for table in tables)}"
            for verb, tables in (("reads", entry.reads), ("writes", entry.writes))
            if tables
        ]
        return "\n".join(
            [
                f'<article class="item" id="q-{entry.name}"><header>'
                f'<h3><a href="{_fragment("q", entry.name)}">{escape(entry.name)}</a>'
                f'<span class="args">({escape(arguments)})</span></h3>'
                f'<span class="{kind}">{escape(entry.operation)}</span>'
                "</header>",
                f"<p>{escape(entry.text.doc)}</p>",
                f'<p class="meta">{"; ".join(touched)}</p>' if touched else "",
                f'<div class="sides">{"".join(self._sql(entry, d) for d in DIALECTS)}</div>',
                _plans(entry),
                self._parameters(entry),
                self._results(entry),
                "</article>",
            ]
        )

    def _table_link(self, name: str) -> str:
        if name not in self.tables:
            return escape(name)
        return f'<a href="{_table_href(self.tables[name])}">{escape(name)}</a>'

    def _parameters(self, entry: Entry) -> str:
        rows = [
            [
                f"<code>{escape(parameter.name)}</code>",
                f"<code>{escape(parameter.type)}</code>" if parameter.type else _NONE,
                f"<code>{escape(parameter.python_type or 'object')}</code>",
                "may be" if parameter.nullable else "",
            ]
            # SQLite's parameters have no types, and the Python types of PostgreSQL's.
            for facts in list(entry.facts.values())[:1]
            for parameter in facts.parameters
        ]
        return _rows("parameters", ["parameter", "PostgreSQL", "Python", "null"], rows)

    def _results(self, entry: Entry) -> str:
        sides = [
            {column.name: column for column in entry.facts[d].columns} if d in entry.facts else {}
            for d in DIALECTS
        ]
        rows = []
        for name in dict.fromkeys(name for columns in sides for name in columns):
            both = [columns.get(name) for columns in sides]
            known = [column for column in both if column is not None]
            origin = next((f"{c.table}.{c.column}" for c in known if c.table and c.column), None)
            python = next((c.python_type for c in known if c.python_type), "object")
            nullable = next((c.nullable for c in known if c.nullable is not None), None)
            rows.append(
                [
                    f"<code>{escape(name)}</code>",
                    *(f"<code>{escape(c.type)}</code>" if c and c.type else _NONE for c in both),
                    f"<code>{escape(python)}</code>",
                    {True: "may be", False: "", None: "not known"}[nullable],
                    f"<code>{escape(origin)}</code>" if origin else "",
                ]
            )
        headings = ["result", "PostgreSQL", "SQLite", "Python", "null", "from"]
        return _rows("results", headings, rows)

    def _sql(self, entry: Entry, dialect: Dialect) -> str:
        text = entry.texts.get(dialect)
        title = _TITLES[dialect]
        if text is None:
            return f'<div><h4>{title}</h4><p class="refused">no such query</p></div>'
        asked = self.queries.missing is None and text.operation != "#"
        refused = asked and dialect not in entry.facts
        return (
            f"<div><h4>{title} {self.place(text.path, text.line)}</h4>"
            f'<pre tabindex="0"><code>{highlight.html(text.sql, dialect)}</code></pre>'
            f"{'<p class=refused>the engine refuses it</p>' if refused else ''}</div>"
        )

    # Search

    def _indexes_of(self, table: Table) -> dict[str, Index]:
        """Return the indexes of a table in both dialects by name."""
        catalogs = self.queries.facts.catalogs
        found = [catalogs[d][table.name] for d in DIALECTS if table.name in catalogs[d]]
        return {index.name: index for one in found for index in one.indexes}

    def search_index(self) -> str:
        """Return what the search looks through, as a script: pages from files may not fetch."""
        entries = [
            {
                "kind": "store",
                "name": store,
                "label": store,
                "about": self.purpose(store),
                "text": "",
                "href": _store_href(store),
            }
            for store in self.stores
        ]
        entries += [
            {
                "kind": table.kind,
                "name": table.name,
                "label": table.name,
                "about": table.comment or "",
                "text": _words(
                    part for c in table.columns for part in (c.name, c.type, c.comment or "")
                ),
                "href": _table_href(table),
            }
            for table in self.tables.values()
        ]
        entries += [
            {
                "kind": "index",
                "name": name,
                "label": name,
                "about": f"on {table.name} ({', '.join(index.columns)})",
                "text": "",
                "href": _table_href(table),
            }
            for table in self.tables.values()
            for name, index in self._indexes_of(table).items()
        ]
        entries += [
            {
                "kind": "query",
                "name": entry.name,
                "label": str(entry),
                "about": _SPACE.sub(" ", entry.text.doc),
                "text": _words([*entry.text.parameters, *(t.sql for t in entry.texts.values())]),
                "href": _query_href(entry),
            }
            for entry in self.entries
        ]
        entries += [
            {
                "kind": "method",
                "name": method.name,
                "label": f"{one.name}.{method.name}",
                "about": _first_sentence(method.doc),
                "text": _words([method.signature]),
                "href": _store_href(store) + _fragment("m", f"{one.name}.{method.name}"),
            }
            for store in self.stores
            for one in self.references.get(store, ())
            for method in one.methods
        ]
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        return f"window.ARAGORA_SQL_INDEX = [\n{lines}\n];\n"


def _methods(classes: Iterable[ClassReference]) -> list[str]:
    """Return the methods of some classes, as ``Class.method``."""
    return [f"{one.name}.{method.name}" for one in classes for method in one.methods]


def _class(one: ClassReference) -> str:
    """Return a class of Python with its methods."""
    signature = "\n".join(one.fields) or one.signature
    parts = [
        f'<section class="item" id="c-{escape(one.name)}"><header>'
        f'<h3><a href="{_fragment("c", one.name)}">{escape(one.name)}</a></h3>'
        '<span class="badge">class</span></header>',
        f'<pre tabindex="0"><code>{escape(signature)}</code></pre>{_prose(one.doc)}',
    ]
    for method in one.methods:
        name = f"{one.name}.{method.name}"
        call = ("await " if method.awaited else "") + method.signature
        parts.append(
            f'<article id="m-{escape(name)}">'
            f'<h4><a href="{_fragment("m", name)}">{escape(method.name)}</a></h4>'
            f'<pre tabindex="0"><code>{escape(call)}</code></pre>{_prose(method.doc)}</article>'
        )
    return "\n".join([*parts, "</section>"])


def _prose(doc: str) -> str:
    """Return a docstring as paragraphs, its names as code."""
    return "".join(
        f"<p>{_CODE.sub(_AS_CODE, escape(paragraph))}</p>"
        for paragraph in doc.split("\n\n")
        if paragraph
    )


def _words(texts: Iterable[str]) -> str:
    """Return the words of some texts, each once."""
    return " ".join(dict.fromkeys(" ".join(texts).split()))


def _first_sentence(text: str) -> str:
    return _SENTENCE_END.split(_SPACE.sub(" ", text), maxsplit=1)[0]


def _count(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _item(href: str, name: str, current: bool = False) -> str:
    here = ' aria-current="page"' if current else ""
    # Long names break behind an underscore.
    return f'<li><a href="{href}"{here}>{escape(name).replace("_", "_<wbr>")}</a></li>'


def _page_name(store: str) -> str:
    return f"{store}.html" if store != "index" else "index_.html"


def _store_href(store: str) -> str:
    return quote(_page_name(store))


def _fragment(kind: str, name: str) -> str:
    return f"#{kind}-{quote(name)}"


def _table_href(table: Table) -> str:
    return _store_href(table.store) + _fragment("t", table.name)


def _query_href(entry: Entry) -> str:
    return _store_href(entry.store) + _fragment("q", entry.name)


def _rows(kind: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already; its last column takes what room there is.

    On a narrow screen its rows stand as blocks; style.css names the columns of each kind there.
    """
    if not rows:
        return ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="wide">{cell}</td>' if number == len(row) - 1 else f"<td>{cell}</td>"
            for number, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _indexes(indexes: Sequence[Index]) -> str:
    shown = []
    # Those of keys and UNIQUE rules are told with the columns.
    for index in (index for index in indexes if not index.of_constraint):
        text = f"{index.name} ({', '.join(index.columns)})"
        if index.method != "btree":
            text += f" using {index.method}"
        if index.predicate:
            text += f" where {index.predicate}"
        shown.append(f"<code>{escape(text)}</code>")
    return ", ".join(shown) or _NONE


def _plans(entry: Entry) -> str:
    plans = {dialect: plan for dialect in DIALECTS if (plan := entry.plans.get(dialect))}
    if not plans:
        return ""
    sides = "".join(
        f"<div><h4>{_TITLES[dialect]}</h4>"
        f'<pre tabindex="0"><code>{escape(chr(10).join(plan))}</code></pre></div>'
        for dialect, plan in plans.items()
    )
    return (
        '<details class="plan"><summary>Plans, on tables of some thousand rows</summary>'
        f'<div class="sides">{sides}</div></details>'
    )

"""The finder of ``:name`` parameters reads SQL as the engines do; the engines themselves judge."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import pq

from aragora_sql.database import Dialect
from aragora_sql.queries import parameters
from aragora_sql.queries.parameters import (
    SQLSyntaxError,
    Token,
    find_parameters,
    number_parameters,
    remembered_tokens,
    scan,
)

NAMES = st.sampled_from(
    ["i", "id", "id2", "id_2", "ID", "_id", "größe", "имя", "名前", "x²", "na€me", "é"]
) | st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)
# What could make a careless reader see a parameter, or the end of something.
NASTY = st.text(alphabet="ab :;'\"\\$-/*?[](){}=\n\r\té", max_size=12) | st.sampled_from(
    [
        ":no",
        "it's :no",
        "'",
        "''",
        "--",
        "/*",
        "*/",
        "$$",
        "\\",
        "\\'",
        '"',
        ":a:b",
        "::no",
        "a[:no",
    ]
)


@dataclass(frozen=True)
class Piece:
    """Valid SQL with the parameters that are in it."""

    sql: str
    names: tuple[str, ...] = ()


def plain_string(body: str) -> str:
    return "'" + body.replace("'", "''") + "'"


def escape_string(body: str) -> str:
    return "E'" + body.replace("\\", "\\\\").replace("'", "\\'") + "'"


def continued_escape_string(body: str) -> str:
    return f"{escape_string(body)} -- it's :no\n  {escape_string(body)[1:]}"


def dollar_string(body: str) -> str:
    return f"$${body.replace('$', '')}$$"


def tagged_string(body: str) -> str:
    return f"$tag_é${body.replace('$t', '')} $$ $tag_é$"


def quoted_name(body: str) -> str:
    return '"' + (body or "x").replace('"', '""') + '"'


def line_comment(body: str) -> str:
    return "--" + body.replace("\n", "").replace("\r", "") + "\n"


def block_comment(body: str) -> str:
    return "/* it's " + body.replace("*", "").replace("/", "") + " */"


def nested_comment(body: str) -> str:
    return f"/* :no {block_comment(body)} :no */"


def pieces_of(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[Piece]:
    return strategy.map(Piece)


ANY_STRING = pieces_of(NASTY.map(plain_string))
ANY_GAP = (
    st.sampled_from([" ", "\n", "\r\n", "\t "]) | NASTY.map(line_comment) | NASTY.map(block_comment)
)
GAPS: dict[Dialect, st.SearchStrategy[str]] = {
    "postgres": ANY_GAP | NASTY.map(nested_comment),
    # SQLite's comments do not nest, and its line comments do not end at a carriage return.
    "sqlite": ANY_GAP | st.sampled_from(["/* /* :no */", "-- it's\r:no\n"]),
}
PIECES: dict[Dialect, st.SearchStrategy[Piece]] = {
    "postgres": st.one_of(
        ANY_STRING,
        pieces_of(NASTY.map(escape_string)),
        pieces_of(NASTY.map(continued_escape_string)),
        pieces_of(NASTY.map(dollar_string)),
        pieces_of(NASTY.map(tagged_string)),
        pieces_of(NASTY.map(lambda body: f"(SELECT 1 AS {quoted_name(body)})")),
        st.sampled_from(
            [
                Piece("1::int"),
                Piece("'1'::text::int"),
                Piece("1e5"),
                Piece("a$b$c"),
                Piece("date'2026-01-01'"),
                Piece("(ARRAY[1, 2, 3])[1:2]"),
                Piece("(ARRAY[1, 2, 3])[:2]"),
                Piece("(ARRAY[1, 2, 3])[1:]"),
                Piece("(ARRAY[1, 2, 3])[:]"),
                Piece("(ARRAY[1, 2, 3])[lo:hi]"),
                Piece("(ARRAY[1, 2, 3])[(lo):(hi)]"),
                Piece("(ARRAY[1, 2, 3])[lo::int:hi::int]"),
                Piece("'{\"a\": 1}'::jsonb ? 'a'"),
                Piece("'{\"a\": 1}'::jsonb ?| ARRAY['a']"),
                Piece("'{\"a\": 1}'::jsonb @> '{}'"),
                Piece("make_interval(days := 1)::text"),
                Piece("2*/*:no*/3"),
                Piece("2- -3"),
            ]
        ),
        NAMES.map(lambda n: Piece(f":{n}::text", (n,))),
        NAMES.map(lambda n: Piece(f"CASE WHEN true THEN:{n}::text END", (n,))),
        NAMES.map(lambda n: Piece(f"coalesce(:{n}::text,:{n}::text)", (n, n))),
        NAMES.map(lambda n: Piece(f"ARRAY[:{n}::text, 'x']", (n,))),
        NAMES.map(lambda n: Piece(f"(ARRAY[1, 2, 3])[:{n}::int]", (n,))),
        NAMES.map(lambda n: Piece(f"(ARRAY[1, 2, 3])[:{n}::int:2]", (n,))),
        NAMES.map(lambda n: Piece(f"(ARRAY[1, 2, 3])[1: :{n}::int]", (n,))),
        NAMES.map(lambda n: Piece(f"make_interval(days :=:{n}::int)::text", (n,))),
        st.tuples(NAMES, NAMES).map(lambda ns: Piece(f":{ns[0]}::text||:{ns[1]}::text", ns)),
    ),
    "sqlite": st.one_of(
        ANY_STRING,
        pieces_of(NASTY.map(lambda body: f"(SELECT 1 AS {quoted_name(body)})")),
        st.sampled_from(
            [
                Piece("1"),
                Piece("1e5"),
                Piece("x'00ff'"),
                Piece("'\\'"),
                Piece("2*/*:no*/3"),
                Piece("2- -3"),
                Piece("(SELECT 1 AS [it's :no])"),
                Piece("(SELECT 1 AS `it's :no ``:no`)"),
                Piece("json_extract('{\"a\": 1}', '$.a')"),
                Piece("'{\"a\": 1}' ->> '$.a'"),
            ]
        ),
        NAMES.map(lambda n: Piece(f":{n}", (n,))),
        NAMES.map(lambda n: Piece(f"CASE WHEN 1 THEN:{n} END", (n,))),
        NAMES.map(lambda n: Piece(f"coalesce(:{n},:{n})", (n, n))),
        NAMES.map(lambda n: Piece(f"EXISTS (SELECT 1 FROM json_each(:{n}))", (n,))),
        st.tuples(NAMES, NAMES).map(lambda ns: Piece(f":{ns[0]}||:{ns[1]}", ns)),
    ),
}


@st.composite
def queries(draw: st.DrawFn, dialect: Dialect) -> Piece:
    """A valid query of many pieces, with comments between them."""
    sql, names = "SELECT", list[str]()
    for number, piece in enumerate(draw(st.lists(PIECES[dialect], min_size=1, max_size=6))):
        comma = "," if number else ""
        sql += comma + draw(GAPS[dialect]) + piece.sql + draw(GAPS[dialect])
        names += piece.names
    if dialect == "postgres":
        sql += "FROM (SELECT 1 AS lo, 2 AS hi, 3 AS a$b$c) AS t"
    return Piece(sql + draw(GAPS[dialect]), tuple(names))


def names_in(sql: str, dialect: Dialect) -> list[str]:
    return [parameter.name for parameter in find_parameters(sql, dialect)]


class AskedNames(dict[str, int]):
    """The values of a query that notes which of them SQLite asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __missing__(self, name: str) -> int:
        self.names.append(name)
        return 1


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_parameters_are_found_wherever_they_stand(dialect: Dialect) -> None:
    @given(queries(dialect))
    @settings(max_examples=300, deadline=None)
    def check(query: Piece) -> None:
        found = find_parameters(query.sql, dialect)
        assert tuple(parameter.name for parameter in found) == query.names
        for parameter in found:
            assert query.sql[parameter.start : parameter.end] == f":{parameter.name}"

    check()


def test_sqlite_asks_for_exactly_the_parameters_that_are_found() -> None:
    connection = sqlite3.connect(":memory:")

    @given(queries("sqlite"))
    @settings(max_examples=300, deadline=None)
    def check(query: Piece) -> None:
        asked = AskedNames()
        connection.execute(query.sql, asked)
        assert asked.names == list(dict.fromkeys(names_in(query.sql, "sqlite")))

    check()
    connection.close()


def test_postgresql_prepares_exactly_the_parameters_that_are_found(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:

        @given(queries("postgres"))
        @settings(max_examples=300, deadline=None)
        def check(query: Piece) -> None:
            sql, order = number_parameters(query.sql, find_parameters(query.sql, "postgres"))
            prepared = connection.pgconn.prepare(b"", sql.encode())
            assert prepared.status == pq.ExecStatus.COMMAND_OK, prepared.error_message.decode()
            assert connection.pgconn.describe_prepared(b"").nparams == len(order)
            assert sorted(order) == sorted(set(query.names))

        check()


@given(sql=st.text(alphabet="ab:'\"$/*-[]E\\ \n;?@1`", max_size=40))
@settings(max_examples=500, deadline=None)
@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_tokens_cover_all_of_a_text_but_its_white_space(dialect: Dialect, sql: str) -> None:
    covered, end = 0, len(sql)
    try:
        for token in scan(sql, dialect):
            assert not sql[covered : token.start].strip()
            assert sql[token.start : token.end] == token.text != ""
            covered = token.end
    except SQLSyntaxError as error:
        end = error.offset
    assert not sql[covered:end].strip()


@pytest.mark.parametrize(
    ("dialect", "sql", "offset"),
    [
        ("postgres", "SELECT 'a''b", 7),
        ("postgres", "SELECT 'a', 'it''s", 12),
        ("postgres", r"SELECT E'a''b\' :x", 7),
        ("postgres", r"SELECT E'a\'", 7),
        ("postgres", 'SELECT "a""b', 7),
        ("postgres", "SELECT $$ :x $ $", 7),
        ("postgres", "SELECT $a$ :x $b$", 7),
        ("postgres", "SELECT 1 /* a /* b */ :x", 9),
        ("sqlite", "SELECT 'a''b", 7),
        ("sqlite", 'SELECT "a""b', 7),
        ("sqlite", "SELECT `a``b", 7),
        ("sqlite", "SELECT [a :x", 7),
        ("sqlite", "SELECT 1 /* a :x", 9),
    ],
)
def test_what_is_never_closed_is_an_error_at_its_beginning(
    dialect: Dialect, sql: str, offset: int
) -> None:
    with pytest.raises(SQLSyntaxError, match="never closed") as caught:
        find_parameters(sql, dialect)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT :x::text", ["x::text"]),
        ("SELECT :1", ["1"]),
        ("SELECT ?, ?2, @a, $b", ["?", "?2", "@a", "$b"]),
    ],
)
def test_sqlite_parameters_of_other_forms_do_not_hide(sql: str, names: list[str]) -> None:
    assert names_in(sql, "sqlite") == names


def test_postgresql_parameters_of_other_forms_do_not_hide() -> None:
    assert names_in("SELECT $1, a$2, :x", "postgres") == ["$1", "x"]


def test_a_string_of_a_million_quotes_is_read_at_once() -> None:
    quotes = "''" * 500_000
    assert names_in(f"SELECT '{quotes}', :x", "sqlite") == ["x"]
    with pytest.raises(SQLSyntaxError):
        find_parameters(f"SELECT '{quotes}, :x", "sqlite")


def test_a_name_used_twice_is_one_number() -> None:
    sql = "SELECT :id, :id2, :id"
    rendered = number_parameters(sql, find_parameters(sql, "postgres"))
    assert rendered == ("SELECT $1, $2, $1", ("id", "id2"))


def test_a_number_never_sticks_to_the_word_before_it() -> None:
    sql = "SELECT:a LIMIT:b"
    rendered, _ = number_parameters(sql, find_parameters(sql, "postgres"))
    assert rendered == "SELECT $1 LIMIT $2"


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_what_was_read_is_read_once_in_a_block(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["SELECT :a, 'b' -- c", "SELECT 1 /* never closed"]
    alone = [_read(text, dialect) for text in texts]
    asked: list[str] = []
    real = parameters._scan

    def read(sql: str, dialect: Dialect) -> Iterator[Token]:
        asked.append(sql)
        return real(sql, dialect)

    monkeypatch.setattr(parameters, "_scan", read)
    with remembered_tokens():
        with remembered_tokens():
            assert [_read(text, dialect) for text in texts] == alone
        assert [_read(text, dialect) for text in texts] == alone
    assert asked == texts
    assert _read(texts[0], dialect) == alone[0]
    assert asked == [*texts, texts[0]]


def _read(sql: str, dialect: Dialect) -> tuple[list[Token], str, int]:
    """Return the tokens of a text, and the error behind them with its offset."""
    found: list[Token] = []
    try:
        for token in scan(sql, dialect):
            found.append(token)  # noqa: PERF402 - those before an error count
    except SQLSyntaxError as error:
        return found, str(error), error.offset
    return found, "", -1

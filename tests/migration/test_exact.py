"""Values arrive as they were: floats bit for bit, JSON value for value, text code point for code
point, bytes byte for byte, through a real migration.
"""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aragora_sql.migration.conversion import SuspiciousError, converter_for
from aragora_sql.migration.target import Column
from aragora_sql.migration.timestamps import TimestampReader
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import good_parents
from tests.migration.legacy.bad_rows import good_row
from tests.migration.legacy.consensus import write_consensus
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill, legacy_json

# A migration takes a while, so each example is many values.
slow = settings(
    max_examples=8,
    deadline=None,
    # Shrinking would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)

FLOATS = [
    0.0,
    5e-324,
    2.2250738585072009e-308,
    2.2250738585072014e-308,
    0.1,
    0.1 + 0.2,
    1 / 3,
    math.pi,
    math.nextafter(1.0, 0.0),
    math.nextafter(1.0, 2.0),
    123456789012345.67,
    9007199254740993.0,
    1e15,
    1e16,
    1e17,
    1e22,
    1e23,
    9.999999999999999e22,
    9.999999999999999e299,
    4.35,
    0.85,
    1500.123456789,
]


def bits(value: float) -> bytes:
    return struct.pack(">d", value)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two JSON values are the same: type for type, floats bit for bit."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, float):
        # jsonb has numbers, and no negative zero among them.
        return bits(ours + 0.0) == bits(theirs + 0.0)
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(v, theirs[k]) for k, v in ours.items())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)


def fresh(target: Target, tables: str) -> None:
    target.query(f"TRUNCATE {tables} CASCADE")


def migrate_floats(target: Target, path: Path, values: Sequence[float]) -> list[float]:
    path.unlink(missing_ok=True)
    create(path, critique_ddl("keyed"))
    rows = [
        good_row("critiques", "") | {"id": number, "debate_id": None, "severity": value}
        for number, value in enumerate(values, start=1)
    ]
    fill(path, {"critiques": rows})
    fresh(target, "critiques")
    report = target.migrate(path)
    assert report.success
    with psycopg.connect(target.dsn) as connection:
        # Binary, so that nothing is printed and read on the way.
        cursor = connection.cursor(binary=True)
        cursor.execute("SELECT severity FROM critiques ORDER BY id")
        return [row[0] for row in cursor]


def migrate_documents(
    target: Target, path: Path, documents: Sequence[dict[str, Any]], escape: bool
) -> list[dict[str, Any]]:
    path.unlink(missing_ok=True)
    base = good_row("dissent", "")
    rows = [
        base | {"id": f"d{number:04}", "data": json.dumps(document, ensure_ascii=escape)}
        for number, document in enumerate(documents)
    ]
    write_consensus(path, tables={**good_parents(), "dissent": rows})
    fresh(target, "consensus, dissent")
    report = target.migrate(path)
    assert report.total_errors == 0, report.reasons
    assert report.mismatches == 0
    with psycopg.connect(target.dsn) as connection:
        cursor = connection.execute("SELECT data::text FROM dissent ORDER BY id")
        return [json.loads(row[0]) for row in cursor]


def migrate_texts(target: Target, path: Path, texts: Sequence[str]) -> list[str]:
    path.unlink(missing_ok=True)
    create(path, critique_ddl("keyed"))
    rows = [
        good_row("debates", "") | {"id": f"d{number:06}", "task": text, "final_answer": text}
        for number, text in enumerate(texts)
    ]
    fill(path, {"debates": rows})
    fresh(target, "debates")
    assert target.migrate(path).success
    found = target.query("SELECT task, final_answer FROM debates ORDER BY id")
    assert all(task == answer for task, answer in found)
    return [row[0] for row in found]


def test_chosen_floats(target: Target, tmp_path: Path) -> None:
    found = migrate_floats(target, tmp_path / "old.db", FLOATS)
    assert list(map(bits, found)) == list(map(bits, FLOATS))


def test_ten_thousand_random_floats(target: Target, tmp_path: Path) -> None:
    chooser = random.Random(3)  # noqa: S311
    values = [abs(struct.unpack(">d", chooser.randbytes(8))[0]) for _ in range(10_000)]
    values = [value for value in values if value <= 1e300]
    assert len(values) > 9_000
    found = migrate_floats(target, tmp_path / "old.db", values)
    assert list(map(bits, found)) == list(map(bits, values))


@slow
@given(
    values=st.lists(
        st.floats(0, 1e300, allow_subnormal=True)
        | st.floats(0, 2.3e-308, allow_subnormal=True)
        | st.integers(0, 2**53).map(float),
        min_size=20,
        max_size=100,
    )
)
def test_floats_arrive_bit_for_bit(target: Target, tmp_path: Path, values: list[float]) -> None:
    found = migrate_floats(target, tmp_path / "old.db", values)
    assert list(map(bits, found)) == list(map(bits, values))


# Neither NUL nor lone surrogates: those are rejected.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e15, 1e16, 1e17, -1e17, 1e22, 2.0**63, 2**63, 5e-324, 1.0, 100.0])
    | texts
)
documents = st.dictionaries(
    texts,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@slow
@given(written=st.lists(documents, min_size=10, max_size=30), escape=st.booleans())
def test_json_arrives_value_for_value(
    target: Target, tmp_path: Path, written: list[dict[str, Any]], escape: bool
) -> None:
    # Below a key of its own: some keys of a dissent's document mean something.
    written = [{"any": document} for document in written]
    found = migrate_documents(target, tmp_path / "old.db", written, escape)
    for ours, theirs in zip(found, written, strict=True):
        assert same(ours, theirs), (ours, theirs)


def test_chosen_documents(target: Target, tmp_path: Path) -> None:
    written: list[dict[str, Any]] = [
        {"large": [1e15, 1e17, -1e300, 1.7976931348623157e308]},
        {"ints": [2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**300]},
        {"floats": FLOATS},
        {"kinds": [1, 1.0, True, "1", None, 0, 0.0, False, "", [], {}]},
        {"": {"": ""}, "a.b": {"$": ["[*]"]}, "e+": "1e+17 is text here"},
        {"text": ["\u2028\u2029\x7f\x01", "\\u0041", "\\", '"', "/", "😀", "\ufffe\uffff"]},
        {"deep": json.loads("[" * 240 + "]" * 240)},
        {"order": {"b": 1, "a": 2, "10": 3, "9": 4}},
        {str(number): number for number in range(2000)},
        {"lists": [[[], [[]]] for _ in range(1000)]},
    ]
    for escape in (True, False):
        found = migrate_documents(target, tmp_path / "old.db", written, escape)
        for ours, theirs in zip(found, written, strict=True):
            assert same(ours, theirs), ours


# As programs other than Python write them too; all of them are floats.
EXPONENTS = {
    "1e17": 1e17,
    "1e+17": 1e17,
    "-1E17": -1e17,
    "1.5E+0": 1.5,
    "1e5": 1e5,
    "2.50e1": 25.0,
    "1e+300": 1e300,
    "1.7976931348623157e308": 1.7976931348623157e308,
    "1e-7": 1e-7,
    "12E-1": 1.2,
}


@pytest.mark.parametrize("plus", [False, True], ids=["without plus", "with plus"])
def test_numbers_with_an_exponent_stay_floats(target: Target, tmp_path: Path, plus: bool) -> None:
    path = tmp_path / "old.db"
    floats = {text: number for text, number in EXPONENTS.items() if plus or "+" not in text}
    numbers = ", ".join(floats)
    text = f'{{"any": [{numbers}], "one":\t1e17\n, "text": "1e17, 1e17", "more": {{"e": 1e16}}}}'
    row = good_row("dissent", "") | {"id": "e", "data": text}
    write_consensus(path, tables={**good_parents(), "dissent": [row]})
    for _ in ("fresh", "again"):
        report = target.migrate(path)
        check_sums(report)
        assert report.success, report.reasons
        [(stored,)] = target.query("SELECT data::text FROM dissent")
        wanted = {"one": 1e17, "text": "1e17, 1e17", "more": {"e": 1e16}}
        assert same(json.loads(stored), wanted | {"any": list(floats.values())})
    # A number that lost its point is found by a verification of its text.
    target.query("UPDATE dissent SET data = jsonb_set(data, '{one}', '1e16')")
    assert target.migrate(path, verify="only").mismatches == 1


@pytest.mark.parametrize("company", [False, True], ids=["alone", "in company"])
def test_a_number_that_no_float_holds_is_rejected(
    target: Target, tmp_path: Path, company: bool
) -> None:
    path = tmp_path / "old.db"
    base = good_row("dissent", "")
    rows = [base | {"id": "huge", "data": '{"any": 1e400}'}]
    if company:
        rows += [base | {"id": "bad", "data": "{", "confidence": 0.5}]
    write_consensus(path, tables={**good_parents(), "dissent": rows})
    report = target.migrate(path)
    check_sums(report)
    assert report.table("dissent").rejected == len(rows)
    assert "infinity" in target.rejected("dissent")[0]["reason"]


@pytest.mark.parametrize("company", [False, True], ids=["alone", "in company"])
def test_how_deep_a_document_may_be(target: Target, tmp_path: Path, company: bool) -> None:
    path = tmp_path / "old.db"
    base = good_row("dissent", "")
    # One level is the document itself.
    rows = [
        base | {"id": f"deep-{depth}", "data": f'{{"any": {"[" * depth}{"]" * depth}}}'}
        for depth in (253, 254, *([3000] if company else []))
    ]
    write_consensus(path, tables={**good_parents(), "dissent": rows})
    report = target.migrate(path)
    check_sums(report)
    assert report.mismatches == 0
    assert target.query("SELECT id FROM dissent") == [("deep-253",)]
    assert report.table("dissent").rejected == len(rows) - 1


def test_documents_with_an_exponent_do_not_slow_their_range_down() -> None:
    """They are converted where they stand; what only looks like it is passed on as it is."""
    column = Column("data", "jsonb", not_null=False, has_default=False, identity="")
    converter = converter_for(column, TimestampReader(None))
    written = ['{"a": 1e+17}', "[1E5]", "1e17", '{"a":-1.5e+300,"b":"1e+17"}']
    assert list(converter.many(written)) == [converter.one(text) for text in written]
    texts = [
        '{"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "hash": "12e45e+6"}',
        '{"text": "a-1e+17 node+edge, C++ 2e", "small": 1e-7}',
        "{}",
        None,
    ]
    assert list(converter.many(texts)) == texts
    with pytest.raises(SuspiciousError):
        converter.many(['{"a": 1e400}'])


def test_json_alone_and_in_company_is_the_same(target: Target, tmp_path: Path) -> None:
    """One bad neighbour sends rows the other way."""
    path = tmp_path / "old.db"
    document = {"a": [1e17, 2**70, 0.1 + 0.2, "é😀", {"b": None}], "c": 10.0}
    base = good_row("dissent", "")
    rows = [base | {"id": "good", "data": legacy_json(document)}]
    for company in ([], [base | {"id": "bad", "data": "{", "confidence": 0.5}]):
        path.unlink(missing_ok=True)
        write_consensus(path, tables={**good_parents(), "dissent": [*rows, *company]})
        fresh(target, "consensus, dissent")
        report = target.migrate(path)
        assert report.total_errors == len(company)
        [(text,)] = target.query("SELECT data::text FROM dissent WHERE id = 'good'")
        assert same(json.loads(text), document)


def test_every_code_point(target: Target, tmp_path: Path) -> None:
    points = [p for p in range(1, 0x110000) if not 0xD800 <= p < 0xE000]
    written = ["".join(map(chr, points[i : i + 4096])) for i in range(0, len(points), 4096)]
    assert migrate_texts(target, tmp_path / "old.db", written) == written


@slow
@given(written=st.lists(texts, min_size=20, max_size=60))
def test_text_arrives_code_point_for_code_point(
    target: Target, tmp_path: Path, written: list[str]
) -> None:
    assert migrate_texts(target, tmp_path / "old.db", written) == written


def test_text_that_means_something_to_somebody(target: Target, tmp_path: Path) -> None:
    written = [
        "",
        " ",
        "\\N",
        "\\.",
        "\\.\n",
        "NULL",
        "a\tb",
        "a\rb\r\nc\n",
        "%s %% :name {x}",
        "cafe\u0301",
        "caf\u00e9",
        "\ufeffbom",
        "'; DROP TABLE debates; --",
        "x" * 300_000,
        "\\" * 1000,
    ]
    assert migrate_texts(target, tmp_path / "old.db", written) == written


def test_bytes_arrive_byte_for_byte(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    written = [b"", bytes(range(256)), b"\x00", b"\\x00", b"\xff" * 100_000]
    base = good_row("patterns", "")
    keys = [f"p{number}" for number in range(len(written))]
    fill(
        path,
        {
            "patterns": [base | {"id": key} for key in keys],
            "pattern_embeddings": [
                {"pattern_id": key, "embedding": value}
                for key, value in zip(keys, written, strict=True)
            ],
        },
    )
    assert target.migrate(path).success
    found = target.query("SELECT embedding FROM pattern_embeddings ORDER BY pattern_id")
    assert [row[0] for row in found] == written


def test_integers_to_their_last_digit(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    numbers = [-(2**63), -1, 0, 1, 2**53 + 1, 2**62, 2**63 - 1]
    base = good_row("critiques", "") | {"debate_id": None}
    counts = [0, 1, 2**31 - 1]
    fill(
        path,
        {
            "critiques": [base | {"id": number} for number in numbers],
            "patterns": [
                good_row("patterns", "") | {"id": f"p{n}", "success_count": n} for n in counts
            ],
        },
    )
    assert target.migrate(path).success
    assert [row[0] for row in target.query("SELECT id FROM critiques ORDER BY id")] == numbers
    # From 2**62 on they don't count: the next number would be the last.
    query = "INSERT INTO critiques (agent) VALUES ('a') RETURNING id"
    assert target.query(query) == [(2**53 + 2,)]
    found = target.query("SELECT success_count FROM patterns ORDER BY 1")
    assert [row[0] for row in found] == counts


def test_a_float_of_whole_value_is_an_integer_where_one_belongs(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "old.db"
    document = {"rounds": 3.0, "debate_duration_seconds": 41, "confidence": 1}
    row = good_row("consensus", "x")
    row |= {"confidence": None, "data": legacy_json(row["data"] | document)}
    write_consensus(path, tables={"consensus": [row]})
    assert target.migrate(path).success
    found = target.row("consensus", row["id"])
    assert (found["rounds"], found["debate_duration_seconds"], found["confidence"]) == (3, 41, 1)

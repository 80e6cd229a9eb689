"""Documents and timestamps come back as they went in."""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aragora_sql.database.values import (
    EncodedJSON,
    dump_json,
    format_timestamp,
    load_json,
    parse_timestamp,
    utc_now,
)
from aragora_sql.errors import InvalidInputError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
MEASURE = st.floats(allow_nan=False, allow_infinity=False)
DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**60), 10**60) | MEASURE | TEXT,
    lambda children: st.lists(children) | st.dictionaries(TEXT, children),
)
TIMESTAMP = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
    timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


def with_types(value: Any) -> Any:
    """Return a form that tells 1, 1.0 and True apart, and 0.0 and -0.0."""
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_types(item) for item in value]
    return type(value), repr(value)


@given(DOCUMENT)
@example([1e15, 1e16, 1e17, 1.7976931348623157e308, -1e22, 5e-324, -0.0, 0.1])
@example([1234567890123456.8, 4503599627370497.5, 1e15 + 0.5])
@example([2**63, 2**64, -(2**63) - 1, 10**30, 123456789012345678])
@example({"null": "null", "1e5": "0e0 \\u0000 1e17"})
@example({"": {"é\U0001f600\u2028": [[], {}, "\x7f\x01\t"]}})
def test_a_document_comes_back_with_its_types(document: Any) -> None:
    encoded = dump_json(document)
    assert with_types(load_json(encoded)) == with_types(document)
    assert with_types(load_json(encoded.encode())) == with_types(document)
    assert with_types(json.loads(encoded)) == with_types(document)


@given(MEASURE)
@example(1e17)
@example(1.7976931348623157e308)
@example(-1234567890123456.8)
def test_a_float_never_looks_like_an_integer_to_postgresql(measure: float) -> None:
    """``jsonb`` writes 1.5e300 as an integer of 301 digits, and 1.0 as 1.0."""
    mantissa, _, exponent = str(dump_json([measure]))[1:-1].partition("e")
    digits_behind_the_point = len(mantissa.partition(".")[2]) - int(exponent or "0")
    assert digits_behind_the_point > 0


def test_an_encoded_document_is_not_encoded_again() -> None:
    encoded = dump_json({"a": [1, 2.5, "é"]})
    assert type(encoded) is EncodedJSON
    assert dump_json(encoded) is encoded
    assert dump_json("text") == '"text"'


def test_what_behaves_like_json_is_json() -> None:
    class Strength(StrEnum):
        STRONG = "strong"

    assert load_json(dump_json({Strength.STRONG: [Strength.STRONG, (1, 2)]})) == {
        "strong": ["strong", [1, 2]]
    }


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


WRONG: dict[str, tuple[Any, str]] = {
    "NaN": (math.nan, "data: nan has no form"),
    "infinity": ({"a": [1, -math.inf]}, r"data\['a'\]\[1\]: -inf has no form"),
    "NUL": ({"a": "x\x00"}, r"data\['a'\]: a NUL character at position 1"),
    "NUL in a key": ({"\x00": 1}, "data: a NUL character at position 0"),
    "surrogate": (["\ud83d"], r"data\[0\]: a lone surrogate"),
    "number as key": ({"a": {1: 2}}, r"data\['a'\]: the JSON key 1 is not text"),
    "bytes": ([b"x"], r"data\[0\]: a bytes has no form"),
    "timestamp": (
        {"at": datetime(2026, 1, 1, tzinfo=UTC)},
        r"data\['at'\]: a datetime has no form",
    ),
    "object": (object(), "data: a object has no form"),
    "huge integer": ([10**5000], r"data\[0\]: an integer of 16610 bits"),
    "endless": (endless(), "data.*: is nested deeper than 254 levels"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_has_no_form_in_json_is_refused_with_its_place(wrong: str) -> None:
    value, problem = WRONG[wrong]
    with pytest.raises(InvalidInputError, match=problem):
        dump_json(value, "data")


def test_the_largest_integer_that_is_taken_can_be_read_back() -> None:
    largest = 2**14_000 - 1
    assert len(str(largest)) < sys.int_info.default_max_str_digits
    assert load_json(dump_json([largest, -largest])) == [largest, -largest]


@given(TIMESTAMP)
@example(datetime(2026, 1, 1, tzinfo=UTC))
@example(datetime(33, 4, 3, 15, tzinfo=UTC))
def test_a_timestamp_comes_back_in_utc(timestamp: datetime) -> None:
    text = format_timestamp(timestamp)
    assert len(text) == len("2026-02-12T16:42:57.123456Z")
    found = parse_timestamp(text)
    assert found == timestamp
    assert found.utcoffset() == timedelta(0)


@given(TIMESTAMP, TIMESTAMP)
def test_the_order_of_texts_is_the_order_of_timestamps(one: datetime, other: datetime) -> None:
    assert (format_timestamp(one) < format_timestamp(other)) == (one < other)


@pytest.mark.parametrize("timestamp", [datetime(2026, 1, 1), date(2026, 1, 1)])
def test_a_timestamp_without_a_time_zone_is_refused(timestamp: date) -> None:
    with pytest.raises(InvalidInputError, match="must be a datetime with a time zone"):
        format_timestamp(timestamp)


def test_the_present_timestamp_is_aware() -> None:
    assert utc_now().utcoffset() == timedelta(0)

"""Values of flat files read exactly, against Python's own decimals and clocks."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outlay.sources.sql_values import BAD_TAGS, EMPTY_MAP, all_tags, decimal_sql, tags_sql, text_sql, time_sql

UNIT = Decimal("1e-18")
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
CONNECTION = duckdb.connect()


def evaluate(sql: str, texts: list[str | None]) -> list[Any]:
    rows = CONNECTION.execute(f"SELECT {sql} FROM (SELECT unnest($1::VARCHAR[]) AS x)", [texts]).fetchall()
    return [row[0] for row in rows]


def amounts(texts: list[str | None]) -> list[Decimal | None]:
    return evaluate(decimal_sql("x", "VARCHAR").value, texts)


digits = st.text("0123456789", max_size=19)
fractions = st.text("0123456789", max_size=24)
plain = st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+"]), digits, fractions).filter(
    lambda text: any(character.isdigit() for character in text)
)
scientific = st.builds("{}{}{}".format, plain, st.sampled_from("eE"), st.integers(-30, 3))


@settings(max_examples=150, deadline=None)
@given(st.lists(plain | scientific, min_size=1, max_size=40))
@example(["1.7763568394002505e-15", "5e-19", "-5e-19", "1.5e-18", "50e-20", "0.0000000000000000025", "-2.50E-18"])
def test_every_decimal_is_read_to_its_last_digit_and_rounded_half_even(texts: list[str]) -> None:
    for text, got in zip(texts, amounts(list(texts)), strict=True):
        true = EXACT.quantize(Decimal(text), UNIT)
        if abs(true) < Decimal(10) ** 20:
            assert got == true, text
        else:
            assert got is None, text


@settings(max_examples=80, deadline=None)
@given(st.lists(plain | scientific, min_size=1, max_size=40))
def test_rows_that_lose_digits_are_told_from_those_that_do_not(texts: list[str]) -> None:
    sql = decimal_sql("x", "VARCHAR")
    assert sql.rounded is not None
    for text, rounded in zip(texts, evaluate(sql.rounded, list(texts)), strict=True):
        assert rounded == (EXACT.quantize(Decimal(text), UNIT) != Decimal(text)), text


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e19, max_value=1e19), min_size=1))
def test_a_float_is_its_shortest_decimal_text(values: list[float]) -> None:
    sql = decimal_sql("x", "DOUBLE").value
    rows = CONNECTION.execute(f"SELECT {sql} FROM (SELECT unnest($1::DOUBLE[]) AS x)", [values]).fetchall()
    assert [row[0] for row in rows] == [EXACT.quantize(Decimal(repr(v)), UNIT) for v in values]


@pytest.mark.parametrize(("text", "expected"), [
    ("$10,000.00 ", "10000"), ("(12.50)", "-12.5"), ("-$3.20", "-3.2"), ("$-3.20", "-3.2"),
    ("€1,234,567.8", "1234567.8"),
    (" 7 ", "7"), ("+3", "3"), (".5", "0.5"), ("5.", "5"), ("1e19", "10000000000000000000"),
    ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
])
def test_amounts_as_accounts_write_them(text: str, expected: str) -> None:
    assert amounts([text]) == [Decimal(expected)]


@pytest.mark.parametrize("text", [
    "NaN", "nan", "inf", "-Infinity", "abc", "1,5", "1,23,456", "--5", "1e", "e5", ".", "-", "$", "12 apples", "0x10",
    "123456789012345678901", "1e20", "99999999999999999999.9999999999999999995", "12;5",
])
def test_what_is_no_amount_is_null_and_its_text_is_not_lost(text: str) -> None:
    sql = decimal_sql("x", "VARCHAR")
    assert sql.raw is not None
    assert amounts([text]) == [None]
    assert evaluate(sql.raw, [text]) == [text]


@pytest.mark.parametrize("text", ["", "NULL", "null", None, "  "])
def test_null_literals_are_nothing_at_all(text: str | None) -> None:
    amount, time = decimal_sql("x", "VARCHAR"), time_sql("x", "VARCHAR")
    assert amount.raw is not None
    assert time.raw is not None
    assert amounts([text]) == evaluate(amount.raw, [text]) == [None]
    assert evaluate(time.value, [text]) == evaluate(time.raw, [text]) == [None]


@pytest.mark.parametrize(("sql_type", "literal", "expected"), [
    ("DECIMAL(18,4)", "12.3456", "12.3456"), ("DECIMAL(38,30)", "0.000000000000000000500000000000", "0"),
    ("BIGINT", "-9223372036854775808", "-9223372036854775808"),
    ("HUGEINT", "12345678901234567890", "12345678901234567890"),
    ("FLOAT", "0.1", "0.1"), ("DOUBLE", "1e-07", "0.0000001"),
])
def test_native_types_keep_their_value(sql_type: str, literal: str, expected: str) -> None:
    sql = decimal_sql("x", sql_type).value
    row = CONNECTION.execute(f"SELECT {sql} FROM (SELECT CAST('{literal}' AS {sql_type}) AS x)").fetchone()
    assert row == (Decimal(expected),)


@pytest.mark.parametrize("literal", [
    "'nan'::DOUBLE", "'-inf'::DOUBLE", "1e25::DOUBLE", "123456789012345678901::HUGEINT",
])
def test_native_values_that_are_no_money_are_null_and_present(literal: str) -> None:
    sql = decimal_sql("x", "DOUBLE" if "DOUBLE" in literal else "HUGEINT")
    assert sql.raw is not None
    row = CONNECTION.execute(f"SELECT {sql.value}, {sql.raw} IS NOT NULL FROM (SELECT {literal} AS x)").fetchone()
    assert row == (None, True)


@pytest.mark.parametrize(("text", "expected"), [
    ("2023-01-01T00:00:00Z", datetime(2023, 1, 1)),
    ("2023-01-01T00:00Z", datetime(2023, 1, 1)),
    ("2023-01-01T00:00:00.250Z", datetime(2023, 1, 1, 0, 0, 0, 250000)),
    ("2023-01-01 05:06:07", datetime(2023, 1, 1, 5, 6, 7)),
    ("2023-01-01 05:06:07 UTC", datetime(2023, 1, 1, 5, 6, 7)),
    ("2023-01-01", datetime(2023, 1, 1)),
    ("2023-01-01T00:00:00+02:00", datetime(2022, 12, 31, 22)),
    ("2023-01-01T00:00:00-0530", datetime(2023, 1, 1, 5, 30)),
    ("2023-01-01T00:00-05", datetime(2023, 1, 1, 5)),
    ("5/1/25", datetime(2025, 5, 1)),
    ("10/12/2025", datetime(2025, 10, 12)),
    ("5/1/2025 13:30", datetime(2025, 5, 1, 13, 30)),
    ("2025/05/01", datetime(2025, 5, 1)),
    ("2023-02-01T24:00:00Z", datetime(2023, 2, 2)),
    ("2023-02-01T30:00:00Z", datetime(2023, 2, 2, 6)),
])
def test_times_are_utc(text: str, expected: datetime) -> None:
    assert evaluate(time_sql("x", "VARCHAR").value, [text]) == [expected]


@pytest.mark.parametrize("text", [
    "infinity", "epoch",
    "2023-13-01", "2023-02-30T00:00:00Z", "13/1/25", "yesterday", "20230101", "2023-01-01 00:00:00 foo",
])
def test_what_is_no_time_is_null_and_its_text_is_not_lost(text: str) -> None:
    sql = time_sql("x", "VARCHAR")
    assert sql.raw is not None
    assert evaluate(sql.value, [text]) == [None]
    assert evaluate(sql.raw, [text]) == [text]


@pytest.mark.parametrize(("sql_type", "literal"), [
    ("TIMESTAMP", "2023-01-01 01:00:00"), ("TIMESTAMP_NS", "2023-01-01 01:00:00"),
    ("TIMESTAMP_MS", "2023-01-01 01:00:00"),
    ("TIMESTAMP WITH TIME ZONE", "2023-01-01 03:00:00+02"),
])
def test_native_times_become_naive_utc(sql_type: str, literal: str) -> None:
    sql = time_sql("x", sql_type).value
    row = CONNECTION.execute(f"SELECT {sql} FROM (SELECT CAST('{literal}' AS {sql_type}) AS x)").fetchone()
    assert row == (datetime(2023, 1, 1, 1),)


@pytest.mark.parametrize(("text", "expected"), [
    ('{"team": "search", "size": 3, "on": true, "nested": {"a": 1}, "gone": null}',
     {"team": "search", "size": "3", "on": "true", "nested": '{"a":1}'}),
    ('[{"key": "team", "value": "search"}, {"Key": "env", "Value": "dev"}, {"key": "none", "value": null}]',
     {"team": "search", "env": "dev"}),
    ('[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]', {"a": "1"}),
    ("{}", {}), ("[]", {}), ("NULL", {}), ("", {}), (None, {}),
    ('{"team": "search"', {BAD_TAGS: "true"}), ("team=search", {BAD_TAGS: "true"}), ("[1, 2]", {BAD_TAGS: "true"}),
    ('[{"a": "b"}]', {BAD_TAGS: "true"}), ('"x"', {BAD_TAGS: "true"}), ('{"a": 1, "a": 2}', {BAD_TAGS: "true"}),
])
def test_tags_from_text(text: str | None, expected: dict[str, str]) -> None:
    tags = tags_sql("x", "VARCHAR")
    assert evaluate(all_tags(tags, {}), [text]) == [expected]
    assert evaluate(tags.unreadable, [text]) == [BAD_TAGS in expected]


@pytest.mark.parametrize("literal", [
    "MAP {'team': 'search', 'gone': NULL}", "{'team': 'search', 'gone': NULL}",
    "[{'key': 'team', 'value': 'search'}, {'key': 'gone', 'value': NULL}]",
    "[{'key': 'team', 'value': 'search', 'inherited': true, 'namespace': 'n'}]",
    """'{"team": "search"}'::JSON""", """'{"team": "search"}'::VARCHAR""",
])
def test_tags_from_every_shape_that_parquet_has(literal: str) -> None:
    (sql_type,) = CONNECTION.execute(f"SELECT typeof({literal})").fetchone() or ("",)
    sql = all_tags(tags_sql("x", sql_type), {})
    assert CONNECTION.execute(f"SELECT {sql} FROM (SELECT {literal} AS x)").fetchone() == ({"team": "search"},)


def test_columns_kept_as_tags_win_over_tags_of_the_same_name_and_nothing_is_left_out_of_an_empty_one() -> None:
    own = {"x_A": text_sql("a", "VARCHAR"), "x_L": text_sql("l", "INTEGER[]"), "it's": text_sql("n", "VARCHAR")}
    sql = all_tags(tags_sql("x", "VARCHAR"), own)
    select = f"""SELECT {sql} FROM (VALUES ('{{"x_A": "tag", "b": "2"}}', 'column', [1, 2], 'NULL'),
                                         (NULL, NULL, NULL, 'said'), ('{{', 'a', NULL, '')) AS t(x, a, l, n)"""
    assert [row[0] for row in CONNECTION.execute(select).fetchall()] == [
        {"x_A": "column", "b": "2", "x_L": "[1,2]"}, {"it's": "said"}, {BAD_TAGS: "true", "x_A": "a"},
    ]
    assert CONNECTION.execute(f"SELECT {all_tags(None, {})}, typeof({EMPTY_MAP})").fetchone() == (
        {}, "MAP(VARCHAR, VARCHAR)",
    )

"""How amounts are written; the examples are those of the look's rules on numbers."""

from decimal import Decimal

import pytest

from outlay.accounting.money import change, dollars, places, short_dollars

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "$0"),
        ("301284.3", "$301,284"),
        ("99.994", "$99.99"),
        ("99.996", "$100"),
        ("100", "$100"),
        ("0.01", "$0.01"),
        ("0.00042", "$0.00042"),
        ("0.005", "$0.0050"),
        ("0.00000123", "$0.0000012"),
        ("-231", f"{MINUS}$231"),
    ],
)
def test_dollars(amount: str, written: str) -> None:
    assert dollars(Decimal(amount)) == written


def test_other_currencies_are_named() -> None:
    assert dollars(Decimal("1204.18"), "EUR", 2) == "EUR 1,204.18"
    assert change(Decimal("1204.18"), "EUR", 0) == "EUR +1,204"


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [(["120", "3"], 0), (["99.9", "3"], 2), (["0.004"], None), ([], 0), (["0"], 0), (["-500"], 0)],
)
def test_a_column_has_one_precision(amounts: list[str], expected: int | None) -> None:
    assert places(Decimal(amount) for amount in amounts) == expected


def test_what_a_column_would_round_to_nothing_is_not_zero() -> None:
    assert dollars(Decimal("0.3"), places=0) == "<$1"
    assert dollars(Decimal("-0.001"), places=2) == f"{MINUS}<$0.01"
    assert dollars(Decimal(0), places=2) == "$0"
    assert dollars(Decimal("3.5"), places=0) == "$4"


def test_changes_are_signed() -> None:
    assert change(Decimal(88)) == "+$88.00"
    assert change(Decimal(-231)) == f"{MINUS}$231"
    assert change(Decimal(0)) == "$0"


def test_short_dollars() -> None:
    assert short_dollars(Decimal(534_000)) == "$534K"
    assert short_dollars(Decimal(1_601_000)) == "$1.60M"
    assert short_dollars(Decimal(999_800)) == "$1.00M"
    assert short_dollars(Decimal(-7_800)) == f"{MINUS}$7.8K"

"""Budgets as the settings say them, and the periods of the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from outlay.errors import SettingsError
from outlay.facts.window import Window
from outlay.governance.budget import PERIODS, Budget, parse_budgets, period_at
from outlay.governance.burn import BudgetState, burn

MOMENT = datetime(2026, 12, 31, 23, 59)


@pytest.mark.parametrize(("period", "since", "until"), [
    ("day", datetime(2026, 12, 31), datetime(2027, 1, 1)),
    ("week", datetime(2026, 12, 28), datetime(2027, 1, 4)),
    ("month", datetime(2026, 12, 1), datetime(2027, 1, 1)),
    ("quarter", datetime(2026, 10, 1), datetime(2027, 1, 1)),
    ("year", datetime(2026, 1, 1), datetime(2027, 1, 1)),
])
def test_periods_of_the_calendar(period: str, since: datetime, until: datetime) -> None:
    assert period_at(period, MOMENT) == Window(since, until)


@pytest.mark.parametrize("period", PERIODS)
def test_every_moment_has_one_period_and_they_meet(period: str) -> None:
    moment = datetime(2024, 2, 27)
    for _ in range(800):
        own = period_at(period, moment)
        assert own.since <= moment < own.until
        assert period_at(period, own.until).since == own.until
        moment += timedelta(hours=31)


@pytest.mark.parametrize(("section", "where", "said"), [
    ({}, "f: budgets", "must be a list"),
    (["x"], "f: budgets[1]", "must be a mapping"),
    ([{"amount": 5}], "f: budgets[1].name", "has a name"),
    ([{"name": "a"}], "f: budgets[1].amount", "above zero"),
    ([{"name": "a", "amount": 0}], "f: budgets[1].amount", "above zero"),
    ([{"name": "a", "amount": "many"}], "f: budgets[1].amount", "above zero"),
    ([{"name": "a", "amount": True}], "f: budgets[1].amount", "above zero"),
    ([{"name": "a", "amount": float("nan")}], "f: budgets[1].amount", "above zero"),
    ([{"name": "a", "amount": 5, "period": "fortnight"}], "f: budgets[1].period", "is not one of"),
    ([{"name": "a", "amount": 5, "period": []}], "f: budgets[1].period", "is not one of"),
    ([{"name": "a", "amount": 5, "team": ["x"]}], "f: budgets[1].team", "one name"),
    ([{"name": "a", "amount": 5, "team": None}], "f: budgets[1].team", "one name"),
    ([{"name": "a", "amount": 5, "thresholds": 80}], "f: budgets[1].thresholds", "percentages"),
    ([{"name": "a", "amount": 5, "thresholds": [0.8]}], "f: budgets[1].thresholds", "percentages"),
    ([{"name": "a", "amount": 5, "taem": "x"}], "f: budgets[1]", "unknown key 'taem'"),
    ([{"name": "a", "amount": 5}, {"name": "a", "amount": 6}], "f: budgets[2].name", "another budget"),
])
def test_what_is_wrong_is_named(section: Any, where: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_budgets(section, "f")
    assert error.value.where == where
    assert said in error.value.message


def test_amounts_are_exact() -> None:
    section = [{"name": "a", "amount": 0.1, "team": 7}, {"name": "b", "amount": "12345678.123456789"}]
    budgets = parse_budgets(section, "f")
    assert budgets[0] == Budget("a", (("team", "7"),), Decimal("0.1"))
    assert budgets[1].amount == Decimal("12345678.123456789")


def known(days: int) -> Window:
    """The first days of December, and the month before."""
    return Window(datetime(2026, 11, 1), datetime(2026, 12, 1) + timedelta(days=days))


def test_the_pace_is_that_of_what_is_known() -> None:
    month = period_at("month", MOMENT)
    late = Window(month.since + timedelta(days=11), month.since + timedelta(days=21))
    found = burn(Budget("a", (), Decimal(100)), month, late, [(late.since, Decimal(50))])
    assert found.predicted == 100
    assert found.state is BudgetState.ALERT


def test_too_early_to_tell() -> None:
    month = period_at("month", MOMENT)
    early = burn(Budget("a", (), Decimal(100)), month, known(3), [(month.since, Decimal(90))])
    assert early.predicted is None
    assert early.state is BudgetState.ALERT


def test_a_credit_does_not_unpass_a_threshold() -> None:
    month = period_at("month", MOMENT)
    days = [(month.since, Decimal(85)), (month.since + timedelta(days=9), Decimal(-50))]
    found = burn(Budget("a", (), Decimal(100)), month, known(10), days)
    assert [percent for percent, _ in found.passed] == [50, 80]
    assert found.spent == 35
    assert found.state is BudgetState.ALERT


def test_a_whole_period_is_what_it_was() -> None:
    month = period_at("month", MOMENT)
    found = burn(Budget("a", (), Decimal(100)), month, known(40), [(month.since, Decimal(100))])
    assert found.predicted == 100
    assert found.state is BudgetState.ALERT

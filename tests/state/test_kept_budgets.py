"""Budgets that people set: kept, changed and removed with a record, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.errors import NotFound, SettingsError, UsageError
from outlay.governance.budget import Budget
from outlay.governance.inforce import asked_budget, in_force
from outlay.settings import Settings
from outlay.state.audit import Who, changes
from outlay.state.budgets import drop_budget, kept_budgets, put_budget
from outlay.state.database import open_state

NOW = datetime(2026, 9, 1, 12)
WHO = Who("ana", "cli")
SEARCH = Budget(
    "search", (("team", "search"), ("environment", "prod*")), Decimal("80000.123456789"), "quarter", (40, 90))


def test_what_is_set_comes_back_and_every_change_is_recorded(state_place: Path | str) -> None:
    with open_state(state_place) as state:
        with state.begin() as connection:
            assert put_budget(connection, SEARCH, WHO, NOW, owner="bo", note="as last year") is None
        with state.begin() as connection:
            (kept,) = kept_budgets(connection)
            assert (kept.budget, kept.owner, kept.note, kept.created_by) == (SEARCH, "bo", "as last year", "ana")
            less = Budget("search", (), Decimal(5))
            before = put_budget(connection, less, Who("cy", "web"), NOW + timedelta(hours=1))
            assert before == kept
        with state.begin() as connection:
            (kept,) = kept_budgets(connection)
            assert (kept.budget, kept.owner, kept.created_by) == (less, "", "ana")
            assert drop_budget(connection, "search", WHO, NOW + timedelta(hours=2)).budget == less
            assert kept_budgets(connection) == ()
            with pytest.raises(NotFound, match="search"):
                drop_budget(connection, "search", WHO, NOW)
            put_budget(connection, SEARCH, WHO, NOW)
            recorded = [(each.action, each.who, each.subject) for each in changes(connection)]
            assert recorded == [("budget.set", "ana", "search"), ("budget.remove", "ana", "search"),
                                ("budget.change", "cy", "search"), ("budget.set", "ana", "search")]
            changed = changes(connection)[2]
            assert changed.before is not None and changed.before["amount"] == "80000.123456789"
            assert changed.after == {"amount": "5", "period": "month", "thresholds": "50, 80, 100"}


def test_what_the_settings_declare_holds() -> None:
    declared = Settings(budgets=(Budget("search", (), Decimal(1)),))
    other = Budget("vision", (("team", "vision"),), Decimal(3))
    assert [(each.name, each.amount) for each in in_force(declared, [SEARCH, other]).budgets] == [
        ("search", Decimal(1)), ("vision", Decimal(3))]
    assert in_force(declared, [SEARCH]) is declared


def test_what_is_asked_for_is_read_as_settings_are() -> None:
    made = asked_budget(Settings(), " search ", {"team": "search"}, "80,000.50", "week", "90%, 40")
    assert made == Budget("search", (("team", "search"),), Decimal("80000.50"), "week", (40, 90))
    assert asked_budget(Settings(), "x", {}, "1", "", "").thresholds == (50, 80, 100)


@pytest.mark.parametrize(("name", "scope", "amount", "period", "thresholds", "where"), [
    ("", {}, "1", "month", "", "name"), ("x", {}, "-1", "month", "", "amount"),
    ("x", {}, "much", "month", "", "amount"),
    ("x", {}, "1", "decade", "", "period"), ("x", {}, "1", "month", "50, most", "thresholds"),
    ("x", {}, "1", "month", "0", "thresholds"), ("x", {"colour": "red"}, "1", "month", "", "scope"),
    ("there", {}, "1", "month", "", "name"), ("x", {}, "NaN", "month", "", "amount"),
])
def test_what_cannot_be_is_refused_with_its_field(
    name: str, scope: dict[str, str], amount: str, period: str, thresholds: str, where: str
) -> None:
    declared = Settings(budgets=(Budget("there", (), Decimal(1)),))
    with pytest.raises((UsageError, SettingsError)) as refused:
        asked_budget(declared, name, scope, amount, period, thresholds)
    assert refused.value.where.endswith(where)

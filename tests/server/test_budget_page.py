"""Budgets set on the page of a real application: who may, what is wrong with them, and that they hold at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_alert_pages import Place, place

__all__ = ["place"]  # a fixture


def shown(at: Place, query: str = "") -> str:
    return at.client.get(f"/budgets{query}").text


@pytest.fixture
def budgets(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue("place")
    return found


def names(at: Place) -> list[str]:
    answer = at.client.get("/api/v1/budgets").json()
    return [row["budget"] for row in answer["rows"]]


def test_a_budget_is_set_changed_and_removed(budgets: Place) -> None:
    budgets.sign_in("finance")
    assert budgets.post("/budgets/set", name="search", amount="80,000", period="month", team="search",
                        thresholds="40, 90", owner="bo", note="as last year") in (200, 303)
    assert names(budgets) == ["search"]
    page = shown(budgets, "?name=search")
    assert 'id="budget-search"' in page and "as last year" in page and 'value="80000"' in page
    assert budgets.post("/budgets/set", name="search", amount="5", period="week") in (200, 303)
    assert 'value="5"' in shown(budgets, "?name=search")
    assert budgets.post("/budgets/remove", name="search") in (200, 303)
    assert names(budgets) == []
    assert budgets.post("/budgets/remove", name="search") == 400


def test_what_is_wrong_is_said_beside_what_was_typed(budgets: Place) -> None:
    budgets.sign_in("admin")
    answer = budgets.client.post("/budgets/set", data={
        "csrf": budgets.csrf, "name": "search", "amount": "a lot", "period": "month", "team": "search"})
    assert answer.status_code == 400
    assert "Amount: must be an amount above zero" in answer.text
    assert 'value="a lot"' in answer.text and 'value="search"' in answer.text
    assert names(budgets) == []


@pytest.mark.parametrize(("role", "teams", "team", "status"), [
    ("viewer", ("search",), "search", 403), ("engineer", ("search",), "search", 403),
    ("lead", ("search",), "search", 303), ("lead", ("vision",), "search", 403), ("lead", ("search",), "", 403),
    ("lead", ("search",), "sea*", 403), ("finance", (), "search", 303), ("finance", (), "", 303),
    ("admin", (), "", 303),
])
def test_who_may_set_which_budget(
    budgets: Place, role: str, teams: tuple[str, ...], team: str, status: int
) -> None:
    budgets.sign_in(role, *teams)
    answer = budgets.client.post("/budgets/set", data={
        "csrf": budgets.csrf, "name": "b", "amount": "5", "period": "month", "team": team}, follow_redirects=False)
    assert answer.status_code == status
    assert names(budgets) == (["b"] if status == 303 else [])


def test_a_lead_takes_no_budget_of_others(budgets: Place) -> None:
    budgets.sign_in("finance")
    assert budgets.post("/budgets/set", name="b", amount="5", period="month", team="vision") in (200, 303)
    budgets.sign_in("lead", "search")
    assert budgets.post("/budgets/set", name="b", amount="9", period="month", team="search") == 403
    assert budgets.post("/budgets/remove", name="b") == 403
    assert names(budgets) == ["b"]


def test_a_form_of_elsewhere_is_refused(budgets: Place) -> None:
    budgets.sign_in("admin")
    assert budgets.client.post("/budgets/set", data={"name": "b", "amount": "5", "period": "month"}).status_code == 403
    assert names(budgets) == []


def test_what_a_command_sets_holds_in_the_server(budgets: Place, tmp_path: Path) -> None:
    from decimal import Decimal

    from outlay.governance.budget import Budget
    from outlay.questions.windows import now
    from outlay.state.audit import Who
    from outlay.state.budgets import put_budget

    budgets.sign_in("viewer")
    assert names(budgets) == []
    with budgets.state.begin() as connection:
        put_budget(connection, Budget("late", (), Decimal(7)), Who("ana", "cli"), now())
    budgets.works.budgeting.changed()  # a second has passed
    assert [each.name for each in budgets.works.owner.view().settings.budgets] == ["late"]
    assert names(budgets) == ["late"]

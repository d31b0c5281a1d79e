"""Budgets: what may be spent, what is, and where it will end; and one of them, to be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outlay.governance.budget import PERIODS, SCOPES, Budget
from outlay.web.pages.now_month import budget_lines, budget_sheet
from outlay.web.part import Page, Part, Query, View

if TYPE_CHECKING:
    from outlay.state.budgets import Kept


@dataclass(frozen=True, slots=True)
class Editing:
    """The budget that the query names: declared in the settings, or set by somebody (`kept`), or not there."""

    asked: str
    declared: Budget | None
    kept: Kept | None
    scopes: tuple[str, ...] = tuple(SCOPES)
    periods: tuple[str, ...] = PERIODS


def editing(view: View, query: Query) -> Editing:
    """What the form begins with."""
    asked, read = dict(query).get("name", ""), view.outside.get("kept_budgets")
    kept = next((each for each in (read() if read else ()) if each.budget.name == asked), None)
    found = next((each for each in view.settings.budgets if each.name == asked), None)
    return Editing(asked, found if found is not None and (kept is None or kept.budget != found) else None, kept)


BUDGETS = Page("/budgets", "budgets", "Budgets", "live/budgets.html.j2", (
    Part("budgets-list", "live/budgets_list.html.j2", budget_lines, every_s=5, csv=budget_sheet),
    Part("budgets-one", "live/budgets_one.html.j2", editing, every_s=5),
), {"name": "one budget"}, key="b")

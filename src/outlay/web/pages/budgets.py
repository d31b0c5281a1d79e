"""Budgets: what may be spent, what is, and where it will end."""

from __future__ import annotations

from outlay.web.pages.now_month import budget_lines, budget_sheet
from outlay.web.part import Page, Part

BUDGETS = Page("/budgets", "budgets", "Budgets", "live/budgets.html.j2", (
    Part("budgets-list", "live/budgets_list.html.j2", budget_lines, every_s=5, csv=budget_sheet),
), key="b")

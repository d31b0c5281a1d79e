"""Every page, in the order of the navigation."""

from __future__ import annotations

from outlay.web.pages.agents import AGENTS, TRACE
from outlay.web.pages.alerts import ALERTS
from outlay.web.pages.budgets import BUDGETS
from outlay.web.pages.explore import EXPLORE
from outlay.web.pages.findings import FINDINGS
from outlay.web.pages.gpus import GPUS
from outlay.web.pages.now import NOW
from outlay.web.pages.run import RUN
from outlay.web.pages.runs import RUNS
from outlay.web.pages.sources import SOURCES
from outlay.web.pages.weekly import WEEKLY
from outlay.web.part import Page

PAGES: tuple[Page, ...] = (
    NOW, RUNS, RUN, GPUS, AGENTS, TRACE, FINDINGS, BUDGETS, ALERTS, WEEKLY, SOURCES, EXPLORE)

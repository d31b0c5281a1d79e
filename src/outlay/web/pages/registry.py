"""Every page, in the order of the navigation."""

from __future__ import annotations

from outlay.web.pages.agents import AGENTS, TRACE
from outlay.web.pages.gpus import GPUS
from outlay.web.pages.now import NOW
from outlay.web.pages.run import RUN
from outlay.web.pages.runs import RUNS
from outlay.web.part import Page

PAGES: tuple[Page, ...] = (NOW, RUNS, RUN, GPUS, AGENTS, TRACE)

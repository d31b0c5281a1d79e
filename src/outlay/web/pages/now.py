"""Now: what is being spent, against what was meant to be."""

from __future__ import annotations

from outlay.web.pages.now_figures import answer, burn, output, output_sheet, today, waste
from outlay.web.pages.now_month import budget_lines, budget_sheet, month, month_sheet
from outlay.web.pages.now_rest import biggest, biggest_sheet, source_sheet, sources, top_findings
from outlay.web.pages.now_why import why, why_sheet
from outlay.web.part import Page, Part

NOW = Page(
    "/", "now", "Now", "live/now.html.j2", (
        Part("now-answer", "live/now_answer.html.j2", answer, every_s=5),
        Part("now-burn", "live/now_burn.html.j2", burn),
        Part("now-today", "live/now_today.html.j2", today),
        Part("now-spent", "live/now_spent.html.j2", month),
        Part("now-waste", "live/now_waste.html.j2", waste, every_s=15),
        Part("now-output", "live/now_output.html.j2", output, every_s=30, csv=output_sheet),
        Part("now-month", "live/now_month.html.j2", month, every_s=15, csv=month_sheet),
        Part("now-why", "live/now_why.html.j2", why, every_s=10, csv=why_sheet),
        Part("now-runs", "live/now_runs.html.j2", biggest, every_s=5, csv=biggest_sheet),
        Part("now-budgets", "live/now_budgets.html.j2", budget_lines, every_s=15, csv=budget_sheet),
        Part("now-findings", "live/now_findings.html.j2", top_findings, every_s=15),
        Part("now-sources", "live/now_sources.html.j2", sources, every_s=5, csv=source_sheet),
    ), key="n")

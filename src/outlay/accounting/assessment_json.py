"""The assessment as JSON: the one shape of every answer, with the further sections as flat lists beside it.

Money is text, exact; shares are numbers of 1; `null` is unknown. A finding's dollars are `month` and `so_far` after
overlaps, `claimed_month` and `claimed_so_far` before; its evidence stands in `evidence`, joined by the finding's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from outlay.accounting import digest
from outlay.accounting.assessment import Assessment, Breakdown, Counted, Line
from outlay.questions.answer import plain

SCHEMA = "outlay.assessment/1"

Row = dict[str, Any]


def assessment_json(assessment: Assessment) -> dict[str, Any]:
    """`rows` are the findings, `totals` the figures, `unknown` what is in no sum; further keys are the sections."""
    a, ranked = assessment, digest.ranked(assessment.findings)
    return {
        "schema": SCHEMA,
        "as_of": plain(a.as_of),
        "window": a.window.as_json(),
        "currency": a.currency,
        "cost": a.cost_basis,
        "rows": [finding_json(each) for each in (*ranked.live, *ranked.ignored)],
        "totals": _plain(_totals(a)),
        "unknown": [_plain(row) for row in _unknown(a)],
        "rejected": a.rejected,
        "headline": a.headline,
        "sample": a.sample,
        "evidence": evidence_json((*ranked.live, *ranked.ignored)),
        "trend": [_plain({"day": each.day, "cost": each.cost, "wasted": each.wasted}) for each in a.trend],
        "outputs": [_plain(row) for row in _outputs(a)],
        "top": [_line(line) for line in a.top],
        "breakdowns": [row for each in a.breakdowns for row in _breakdown(each)],
        "gpu": [_plain(row) for row in _gpu(a)],
        "heatmap": list(_heatmap(a)),
        "untagged": [_plain(row) for row in _suggestions(a)],
        "questions": [
            {"question": each.question, "answer": each.answer, "figure": each.figure, "good": each.good}
            for each in a.questions
        ],
        "sources": [{"source": each} for each in a.sources],
    }


def _plain(row: Row) -> Row:
    return {key: plain(value) for key, value in row.items()}


def finding_json(counted: Counted) -> Row:
    """One finding, flat; money as text."""
    finding = counted.finding
    return _plain(
        {
            "id": finding.id,
            "code": finding.code,
            "capability": finding.capability,
            "state": counted.state,
            "subject": finding.subject,
            "title": finding.title,
            "owner": finding.owner,
            "team": finding.team,
            "confidence": str(finding.confidence),
            "assumption": finding.assumption,
            "month": counted.month,
            "so_far": counted.so_far,
            "freed_month": counted.freed_month,
            "claimed_month": finding.month,
            "claimed_so_far": finding.so_far,
            "since": finding.period.since,
            "until": finding.period.until,
            "action": finding.action,
            "command": finding.command,
            "change": finding.change,
        }
    )


def evidence_json(findings: Iterable[Counted]) -> list[Row]:
    """The evidence of findings, one row a figure."""
    return [
        {"finding": each.finding.id, "name": name, "value": value}
        for each in findings
        for name, value in each.finding.evidence
    ]


def _totals(a: Assessment) -> Row:
    return {
        "spent": a.spent,
        "estimated": a.estimated,
        "previous": a.previous,
        "wasted": a.wasted,
        "wasted_share": a.wasted_share,
        "saving_month": a.saving_month,
        "cash_month": a.cash_month,
        "freed_month": a.freed_month,
        "overlap_month": a.overlap_month,
        "month_rate": a.month_rate,
        "untagged": a.untagged.cost,
        "untagged_share": a.untagged.share,
        "gpu_utilisation": a.gpu.utilisation if a.gpu else None,
        "billed": a.drift.billed,
        "metered": a.drift.metered,
        "unmetered": a.drift.unmetered,
    }


def _unknown(a: Assessment) -> Iterator[Row]:
    for gap in a.gaps:
        yield {"kind": "gap", "what": gap.gap, "cost": gap.cost, "currency": a.currency, "settle": gap.settle}
    for line in a.unpriced:
        what = f"{line.label}: {line.detail}" if line.detail else line.label
        yield {"kind": "unpriced", "what": what, "cost": None, "currency": a.currency, "settle": "outlay prices check"}
    for currency, amount in sorted(a.other_currencies.items()):
        yield {"kind": "currency", "what": "not converted", "cost": amount, "currency": currency, "settle": ""}


def _outputs(a: Assessment) -> Iterator[Row]:
    for each in a.outputs:
        yield {
            "kind": each.kind,
            "scope": each.scope,
            "count": each.count,
            "cost": each.cost,
            "unit_cost": each.unit_cost,
            "value": each.value,
        }


def _line(line: Line) -> Row:
    return _plain(
        {
            "label": line.label,
            "cost": line.cost,
            "share": line.share,
            "detail": line.detail,
            "estimated": line.estimated,
        }
    )


def _breakdown(breakdown: Breakdown) -> Iterator[Row]:
    """`rest` marks the line that stands for all that was cut off."""
    for line in breakdown.lines:
        yield {"dimension": breakdown.dimension, **_line(line), "rest": False}
    if breakdown.rest is not None:
        yield {"dimension": breakdown.dimension, **_line(breakdown.rest), "rest": True}


def _gpu(a: Assessment) -> Iterator[Row]:
    for part in digest.gpu_parts(a.gpu) if a.gpu else ():
        yield {"part": part.part, "gpu_hours": part.gpu_hours, "cost": part.cost}


def _heatmap(a: Assessment) -> Iterator[Row]:
    """One row a device; `cells` are percent, -1 free, null not read, each `bucket_s` long from `start` on."""
    heat = a.gpu.heatmap if a.gpu else None
    if heat is None:
        return
    for device, cells in zip(heat.devices, heat.cells, strict=True):
        yield {
            "device": device,
            "start": plain(heat.start),
            "bucket_s": heat.bucket_s,
            "cells": [cell if cell is None else round(cell, 1) for cell in cells],
        }


def _suggestions(a: Assessment) -> Iterator[Row]:
    for each in a.untagged.suggestions:
        yield {
            "subject": each.subject,
            "cost": each.cost,
            "suggested": each.suggested,
            "evidence": each.evidence,
        }

"""The assessment as one HTML file that needs nothing else: no request, no script, no server.

The stylesheet is inlined, charts are SVG, and a content security policy in the page allows nothing but these; names
that come from users' files are escaped by the templates.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from outlay.accounting import digest, figures, money
from outlay.accounting.assessment import Assessment, Gpu, Heatmap
from outlay.web.charts import GPU_FILLS
from outlay.web.devices import Row, block_use, blocks, sentence
from outlay.web.templating import environment

#: The page is whole without it; it only shows the button that prints.
_SCRIPT = "const b=document.getElementById('print');b.hidden=false;b.addEventListener('click',()=>print())"


def report_html(assessment: Assessment) -> str:
    """The whole report; about 60 KB plus the heatmap."""
    template = environment(assessment.currency).get_template("report.html.j2")
    css = files("outlay.web").joinpath("outlay.css").read_text(encoding="utf-8")
    page = template.render(
        a=assessment,
        css=Markup(css),
        script=Markup(_SCRIPT),
        policy=_policy(css),
        **_derived(assessment),
        **_accelerators(assessment.gpu),
    )
    return figures.printable(page)


def _derived(assessment: Assessment) -> dict[str, Any]:
    """What templates say beside the assessment's own figures."""
    findings = digest.ranked(assessment.findings)
    some_estimated = 0 < assessment.estimated < assessment.spent
    return {
        "wasted_goal": digest.WASTED_GOAL,
        "utilisation_goal": digest.UTILISATION_GOAL,
        "untagged_goal": digest.UNTAGGED_GOAL,
        "basis": digest.BASIS.get(assessment.cost_basis, ""),
        "left_out": digest.left_out(assessment),
        "all_estimated": digest.all_estimated(assessment),
        "any_estimated": some_estimated and any(line.estimated for line in assessment.top),
        "window_rate": digest.window_rate(assessment),
        "top_rest": digest.top_rest(assessment),
        "suggested": digest.suggested(assessment),
        "live": findings.live,
        "ignored": findings.ignored,
        "dearest": findings.live[:3],
        "scale": max((each.finding.month for each in findings.live), default=Decimal(1)) or Decimal(1),
        "total_far": findings.so_far,
        "overlap_far": findings.overlap_so_far,
        "far_places": money.places(each.finding.so_far for each in findings.live),
        "month_places": money.places(each.finding.month for each in findings.live),
    }


def _accelerators(gpu: Gpu | None) -> dict[str, Any]:
    if gpu is None:
        return {}
    parts = [(part, digest.GPU_PARTS[part.part], GPU_FILLS[part.part]) for part in digest.gpu_parts(gpu)]
    if gpu.heatmap is None:
        return {"gpu_parts": parts}
    return {
        "gpu_parts": parts,
        "heat_sentence": sentence(gpu.heatmap),
        "heat_blocks": blocks(gpu.heatmap),
        "heat_rows": list(_heat_rows(gpu.heatmap)),
    }


def _heat_rows(heat: Heatmap) -> Iterator[tuple[str, tuple[float | None, ...], str, str]]:
    for device, cells in zip(heat.devices, heat.cells, strict=True):
        idle = Row(device, cells).idle
        yield device, cells, block_use(cells), "\N{EN DASH}" if idle is None else figures.percent(idle)


def _policy(css: str) -> str:
    """Nothing may be loaded or run but this page's own stylesheet and its print button."""
    return (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_digest(css)}'; script-src '{_digest(_SCRIPT)}'"
    )


def _digest(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"

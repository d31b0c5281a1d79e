"""The assessment as one HTML file that needs nothing else: no request, no script, no server.

The stylesheet is inlined, charts are SVG, and a content security policy in the page allows nothing but these; names
that come from users' files are escaped by the templates.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from outlay.accounting import figures, money
from outlay.accounting.assessment import Assessment, Counted, Gpu, GpuPart, Heatmap, Line
from outlay.facts.window import HOURS_PER_MONTH
from outlay.web.charts import GPU_PARTS, cell_bar, goal_bar, gpu_bar, trend, trend_sentence
from outlay.web.devices import Row, block_use, blocks, sentence
from outlay.web.heatmap import heatmap

if TYPE_CHECKING:
    from jinja2 import Environment

#: Goals that figures are held against: well-run AI wastes 20%, GPUs work over 60%, under 5% of spend has no team.
WASTED_GOAL = 0.2
UTILISATION_GOAL = 0.6
UNTAGGED_GOAL = 0.05

#: The page is whole without it; it only shows the button that prints.
_SCRIPT = "const b=document.getElementById('print');b.hidden=false;b.addEventListener('click',()=>print())"

_BASIS = {
    "effective": "what was paid, with commitments spread over their use",
    "billed": "what the invoices say",
    "list": "public prices, before any discount",
    "contracted": "negotiated prices, before commitments",
}


def report_html(assessment: Assessment) -> str:
    """The whole report; about 60 KB plus the heatmap."""
    template = _environment(assessment.currency).get_template("report.html.j2")
    css = files("outlay.web").joinpath("outlay.css").read_text(encoding="utf-8")
    page = template.render(
        a=assessment,
        css=Markup(css),
        script=Markup(_SCRIPT),
        policy=_policy(css),
        wasted_goal=WASTED_GOAL,
        utilisation_goal=UTILISATION_GOAL,
        untagged_goal=UNTAGGED_GOAL,
        basis=_BASIS.get(assessment.cost_basis, ""),
        left_out=left_out(assessment),
        **_spend(assessment),
        **_findings(assessment),
        **_accelerators(assessment.gpu),
    )
    return figures.printable(page)


def left_out(assessment: Assessment) -> list[str]:
    """What is in no sum, each in a few words: unknown is said where the answer is."""
    said = []
    if assessment.unpriced:
        said.append(f"{figures.plural(len(assessment.unpriced), 'model')} without a price")
    for currency, amount in sorted(assessment.other_currencies.items()):
        written = money.dollars(amount, currency).replace("unknown ", "")
        said.append(f"{written} of unknown currency" if currency == "unknown" else written)
    if assessment.rejected:
        said.append(f"{figures.plural(assessment.rejected, 'row')} that could not be read")
    if assessment.gaps:
        said.append(f"{figures.plural(len(assessment.gaps), 'gap')} in the evidence")
    return said


def _spend(assessment: Assessment) -> dict[str, Any]:
    spent, hours = assessment.spent, Decimal(str(assessment.window.hours))
    rest = spent - sum((line.cost for line in assessment.top), Decimal(0))
    return {
        "all_estimated": bool(spent) and assessment.estimated >= spent,
        "any_estimated": 0 < assessment.estimated < spent and any(line.estimated for line in assessment.top),
        "window_rate": spent / hours * HOURS_PER_MONTH if hours else Decimal(0),
        "top_rest": Line("Everything else", rest, float(rest / spent)) if spent and rest > 0 else None,
        "suggested": sum((each.cost for each in assessment.untagged.suggestions), Decimal(0)),
    }


def _findings(assessment: Assessment) -> dict[str, Any]:
    """Open findings by dollars a month; sums add up row by row: claims, less the overlap, are the total."""
    ranked = sorted(assessment.findings, key=lambda each: (-each.finding.month, each.finding.id))
    open_: list[Counted] = [each for each in ranked if each.state == "open"]
    claimed = sum((each.finding.so_far for each in open_), Decimal(0))
    total = sum((each.so_far for each in open_), Decimal(0))
    return {
        "open": open_,
        "settled": [each for each in ranked if each.state != "open"],
        "dearest": open_[:3],
        "scale": max((each.finding.month for each in open_), default=Decimal(1)) or Decimal(1),
        "total_far": total,
        "overlap_far": claimed - total,
        "far_places": money.places(each.finding.so_far for each in open_),
        "month_places": money.places(each.finding.month for each in open_),
    }


def _accelerators(gpu: Gpu | None) -> dict[str, Any]:
    if gpu is None:
        return {}
    found = {part.part: part for part in gpu.parts}
    nothing = Decimal(0)
    parts = [(found.get(part, GpuPart(part, nothing, nothing)), name, fill) for part, (name, fill) in GPU_PARTS.items()]
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


def _ticks(words: str) -> Markup:
    """Text in which a command stands between backticks, or is all there is."""
    if words.startswith("outlay ") and "`" not in words:
        return Markup("<code>%s</code>") % words
    pieces = enumerate(words.split("`"))
    return Markup("").join(Markup("<code>%s</code>") % piece if index % 2 else escape(piece) for index, piece in pieces)


@lru_cache(maxsize=4)
def _environment(currency: str) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("outlay.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": lambda amount, places=None: money.dollars(Decimal(amount), currency, places),
        "change": lambda amount, places=None: money.change(Decimal(amount), currency, places),
        "bare": lambda amount: money.dollars(amount, "", 2).strip(),
        "percent": lambda share: figures.percent(float(share)),
        "signed_percent": lambda share: figures.signed_percent(float(share)),
        "quantity": figures.quantity,
        "goal": lambda share: f"{share:.0%}",
        "hours": figures.hours,
        "day": figures.day,
        "instant": figures.instant,
        "moment": figures.moment,
        "period": figures.period,
        "duration": figures.duration,
        "plural": figures.plural,
        "sentence": lambda words: words.removesuffix("."),
        "capitalise": lambda words: words[:1].upper() + words[1:],
        "ticks": _ticks,
    }
    environment.globals |= {
        "column": money.places,
        "cell_bar": cell_bar,
        "goal_bar": goal_bar,
        "gpu_bar": gpu_bar,
        "trend": trend,
        "trend_sentence": trend_sentence,
        "heatmap": heatmap,
        "block_use": block_use,
    }
    return environment

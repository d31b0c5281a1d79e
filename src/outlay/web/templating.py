"""The templates, with the filters that write figures for people: the same in the report and on every live page."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from outlay.accounting import digest, figures, money
from outlay.web import links
from outlay.web.charts import cell_bar, goal_bar, gpu_bar, trend, trend_sentence
from outlay.web.devices import block_use
from outlay.web.heatmap import heatmap
from outlay.web.monthchart import month_chart
from outlay.web.runchart import run_chart
from outlay.web.spark import burn_bar, sampled, sparkline

if TYPE_CHECKING:
    from jinja2 import Environment


def ticks(words: str) -> Markup:
    """Text in which a command stands between backticks, or is all there is."""
    if words.startswith("outlay ") and "`" not in words:
        return Markup("<code>%s</code>") % words
    pieces = enumerate(words.split("`"))
    return Markup("").join(Markup("<code>%s</code>") % piece if index % 2 else escape(piece) for index, piece in pieces)


@lru_cache(maxsize=4)
def environment(currency: str) -> Environment:
    """The environment in which amounts are in `currency` (ISO 4217)."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("outlay.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": lambda amount, places=None: money.dollars(Decimal(amount), currency, places),
        "short": lambda amount: money.short_dollars(Decimal(amount), currency),
        "dollars": lambda amount: money.dollars(Decimal(amount)),
        "dollars_in": lambda amount, places: money.dollars(Decimal(amount), places=places),
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
        "freed": lambda finding: digest.freed(finding, currency),
        "age": lambda length: figures.age(length.total_seconds()),
        "lasted": lambda length: figures.lasted(length.total_seconds()),
        "sampled": sampled,
        "twice": lambda value: (value, value),
        "gpu_name": figures.gpu_name,
        "float_or_none": lambda value: None if value is None else float(value),
        "capitalise": lambda words: words[:1].upper() + words[1:],
        "ticks": ticks,
    }
    made.globals |= {
        "column": money.places,
        "cell_bar": cell_bar,
        "goal_bar": goal_bar,
        "gpu_bar": gpu_bar,
        "trend": trend,
        "trend_sentence": trend_sentence,
        "heatmap": heatmap,
        "sparkline": sparkline,
        "burn_bar": burn_bar,
        "month_chart": month_chart,
        "run_chart": run_chart,
        "query_with": lambda query, **changes: {**query, **changes},
        "run_link": links.run_link,
        "runs_link": links.runs_link,
        "trace_link": links.trace_link,
        "explore_link": links.explore_link,
        "finding_link": links.finding_link,
        "gpus_link": links.gpus_link,
        "budget_link": links.budget_link,
        "source_link": links.source_link,
        "alert_link": links.alert_link,
        "weekly_link": links.weekly_link,
        "block_use": block_use,
    }
    return made

"""The planted waste of tokens, in the dollars that `truth` defines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from outlay.sample.agents import Agents
from outlay.sample.planted_gpu import MONTH
from outlay.sample.products import NEEDED_TURNS, SEARCH_PREFIX, prefix_hash
from outlay.sample.scenario import DAYS, Scenario
from outlay.sample.token_price import MILLION
from outlay.sample.traffic import Calls, Meter, epoch
from outlay.sample.truth import Planted
from outlay.sample.usage import SUPPORT_CALLS, SUPPORT_PROMPT, Buckets, spike_day

if TYPE_CHECKING:
    import numpy as np

#: A system prompt longer than this is worth a look.
LONG_PROMPT = 500
_CACHE_LIFETIME_US = 300_000_000
_WEEK_US = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """All calls and buckets of the month, by name of the product."""

    products: dict[str, Calls]
    buckets: dict[str, Buckets]
    agents: Agents
    meter: Meter


def planted_tokens(scenario: Scenario, traffic: Traffic) -> Iterator[Planted]:
    yield _frontier(traffic)
    yield _system_prompt(traffic)
    yield _unbounded(scenario, traffic)
    yield _uncached(scenario, traffic)
    yield _resent(traffic)
    yield _runaway(traffic)
    yield _anomaly(scenario, traffic)


def _frontier(traffic: Traffic) -> Planted:
    calls = traffic.products["ticket-triage"]
    cost, small = (calls.cost(traffic.meter.price(model)) for model in (calls.model, "gpt-4o-mini"))
    return _of(
        calls,
        "frontier-model",
        (calls.name,),
        cost - small,
        f"{calls.model} answers with the name of a class; gpt-4o-mini costs {small:.2f} instead of {cost:.2f}",
    )


def _system_prompt(traffic: Traffic) -> Planted:
    buckets = traffic.buckets["support-answers"]
    requests = int(buckets.requests.sum())
    cost = traffic.meter.price(buckets.model).input * (buckets.system - LONG_PROMPT) * requests / MILLION
    return Planted(
        code="system-prompt",
        subjects=(buckets.name,),
        owner=buckets.owner,
        team=buckets.team,
        so_far=cost,
        month=cost * MONTH,
        explanation=f"{SUPPORT_PROMPT} tokens of instructions on {SUPPORT_CALLS:,} calls a day",
        figures={"requests": str(requests), "system_tokens": str(buckets.system)},
    )


def _unbounded(scenario: Scenario, traffic: Traffic) -> Planted:
    import numpy as np

    calls = traffic.products["report-writer"]
    first_week = calls.time < epoch(scenario) + _WEEK_US
    cap = float(np.percentile(calls.output_tokens[first_week], 95))
    later = calls.output_tokens[~first_week]
    excess = int(np.maximum(later - int(cap), 0).sum())
    cost = traffic.meter.price(calls.model).output * excess / MILLION
    last = calls.output_tokens[calls.time >= epoch(scenario) + (DAYS - 7) * _WEEK_US // 7]
    return _of(
        calls,
        "unbounded-output",
        (calls.name,),
        cost,
        "no max_tokens, and answers that grow",
        {"p95_first_week": f"{cap:.0f}", "p95_last_week": f"{np.percentile(last, 95):.0f}"},
    )


def _uncached(scenario: Scenario, traffic: Traffic) -> Planted:
    import numpy as np

    calls = traffic.products["docs-search"]
    prefix = prefix_hash(scenario)
    times = calls.time[np.array([each == prefix for each in calls.columns["prefix_hash"]])]
    hits = int((np.diff(times) < _CACHE_LIFETIME_US).sum())
    price = traffic.meter.price(calls.model)
    saved = (price.input - price.cache_read) * SEARCH_PREFIX * hits / MILLION
    premium = (price.cache_write - price.input) * SEARCH_PREFIX * (len(times) - hits) / MILLION
    return _of(
        calls,
        "uncached-prefix",
        (calls.name, prefix),
        saved - premium,
        f"{SEARCH_PREFIX} tokens are the same in 96% of the calls and paid in full each time",
        {"hits": str(hits), "writes": str(len(times) - hits)},
    )


def _resent(traffic: Traffic) -> Planted:
    calls = traffic.products["onboarding-coach"]
    excess = resent_tokens(calls.columns["conversation"], calls.input_tokens)
    cost = traffic.meter.price(calls.model).input * excess / MILLION
    return _of(
        calls,
        "resent-history",
        (calls.name,),
        cost,
        f"every turn sends the whole conversation; the last {NEEDED_TURNS} turns would do",
    )


def resent_tokens(conversations: list[str], input_tokens: np.ndarray) -> int:
    """Tokens beyond the opening and the last turns; both arguments in order of time."""
    import numpy as np

    names, numbers = np.unique(np.asarray(conversations), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    sent = input_tokens[order]
    firsts = np.searchsorted(numbers[order], np.arange(len(names)))
    place = np.arange(len(sent)) - firsts[numbers[order]]
    late = np.nonzero(place >= NEEDED_TURNS)[0]
    return int((sent[late - NEEDED_TURNS] - sent[firsts[numbers[order]][late]]).sum())


def _runaway(traffic: Traffic) -> Planted:
    trace = traffic.agents.runaway
    cost = traffic.meter.price(trace.model).cost(int(trace.input_tokens.sum()), 0, 0, int(trace.output_tokens.sum()))
    return Planted(
        code="runaway-agent",
        subjects=(trace.trace_id,),
        owner=trace.owner.login,
        team=trace.team,
        so_far=cost,
        month=Decimal(0),
        explanation="one search repeated all night with a growing context",
        figures={"chats": str(len(trace.input_tokens))},
    )


def _anomaly(scenario: Scenario, traffic: Traffic) -> Planted:
    buckets = traffic.buckets["invoice-extraction"]
    price = traffic.meter.price(buckets.model)
    days = [
        price.cost(
            int(buckets.input_tokens[day * 24 : day * 24 + 24].sum()),
            0,
            0,
            int(buckets.output_tokens[day * 24 : day * 24 + 24].sum()),
        )
        for day in range(DAYS)
    ]
    spike = spike_day(scenario)
    usual = median(cost for day, cost in enumerate(days) if day != spike)
    date = (scenario.since + timedelta(days=spike)).date().isoformat()
    return Planted(
        code="cost-anomaly",
        subjects=(buckets.name,),
        owner=buckets.owner,
        team=buckets.team,
        so_far=days[spike] - usual,
        month=Decimal(0),
        explanation=f"a retry loop on the afternoon of {date}",
        figures={"day": date, "cost": str(days[spike]), "usual": str(usual)},
    )


def _of(
    calls: Calls,
    code: str,
    subjects: tuple[str, ...],
    cost: Decimal,
    explanation: str,
    figures: dict[str, str] | None = None,
) -> Planted:
    return Planted(
        code=code,
        subjects=subjects,
        owner=calls.tags["owner"],
        team=calls.tags["team"],
        so_far=cost,
        month=cost * MONTH,
        explanation=explanation,
        figures=figures or {},
    )

"""What the model providers bill for the sample month: one line a model, day and kind of token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from outlay.sample.focus_rows import Issuer, Line
from outlay.sample.scenario import DAYS, Scenario
from outlay.sample.traffic import ACCOUNTS, PROVIDERS, Meter

#: How much more the provider counts than was metered: answers to calls that broke off, retries of its own.
DRIFT = (0.008, 0.013)
_NAMES = {"openai": ("OpenAI", "OpenAI, LLC"), "anthropic": ("Anthropic", "Anthropic, PBC")}
#: Field of `traffic.Tokens`: price field, meter, and what FOCUS's SkuPriceDetails say of it.
_KINDS = {
    "fresh": ("input", "Input tokens", {"TokenDirection": "Input", "TokenCacheAction": "Uncached"}),
    "cache_read": ("cache_read", "Cache read tokens", {"TokenDirection": "Input", "TokenCacheAction": "Read"}),
    "cache_write": ("cache_write", "Cache write tokens", {"TokenDirection": "Input", "TokenCacheAction": "Write"}),
    "output": ("output", "Output tokens", {"TokenDirection": "Output"}),
}


def issuer(scenario: Scenario, provider: str) -> Issuer:
    name, company = _NAMES[provider]
    return Issuer(
        provider=name,
        company=company,
        account=ACCOUNTS[provider],
        account_name="Halyard",
        period=(scenario.since, scenario.until),
    )


def model_lines(scenario: Scenario, provider: str, meter: Meter) -> Iterator[Line]:
    """Everything metered, a little more of it, and a key that nobody meters."""
    rng = scenario.rng(f"drift {provider}")
    for model, tokens in meter.days.items():
        if PROVIDERS[model] != provider:
            continue
        for day in range(DAYS):
            for kind in _KINDS:
                counted = int(getattr(tokens, kind)[day])
                if counted:
                    yield _line(scenario, meter, provider, model, day, kind, round(counted * (1 + rng.uniform(*DRIFT))))
    yield from unmetered_lines(scenario, provider, meter)


def unmetered_lines(scenario: Scenario, provider: str, meter: Meter) -> Iterator[Line]:
    """A key that bypasses the gateway: on the bill, in no log, and without a team."""
    plan = scenario.plan["unmetered"]
    if plan["provider"] != provider:
        return
    rng = scenario.rng("unmetered")
    price = meter.price(plan["model"])
    tokens = scenario.vary("unmetered", plan["usd_day"]) * 1e6 / float(price.input + price.output / 4)
    for day in range(DAYS):
        today = round(tokens * rng.uniform(0.8, 1.2))
        yield _line(scenario, meter, provider, plan["model"], day, "fresh", today)
        yield _line(scenario, meter, provider, plan["model"], day, "output", today // 4)


def _line(scenario: Scenario, meter: Meter, provider: str, model: str, day: int, kind: str, count: int) -> Line:
    start = scenario.since + timedelta(days=day)
    price, name, details = _KINDS[kind]
    unit_price: Decimal = getattr(meter.price(model), price)
    company = _NAMES[provider][0]
    return Line(
        start=start,
        end=start + timedelta(days=1),
        quantity=Decimal(count),
        price=unit_price,
        unit="Tokens",
        per=1_000_000,
        service=f"{company} API",
        category="AI and Machine Learning",
        subcategory="Generative AI",
        meter=name,
        description=f"{name} of {model}",
        resource_type="Model",
        details={"ModelDeveloper": company, "ModelId": model, **details},
    )

"""The user's own prices and discounts: a YAML file that wins over every public price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

from outlay.facts.providers import provider_id
from outlay.prices.yamlfile import Entry, decimals, read_yaml_file

#: Kinds of token in the user's words (all per million), and the price key of genai-prices that each overrides.
KINDS: dict[str, str] = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
    "reasoning": "output_reasoning_mtok",
}
SERVICES = ("tokens", "gpu", "instance", "storage", "egress")
MARKETS = ("on_demand", "spot", "reserved")
_STANDARD_TIERS = (None, "", "default", "standard")


@dataclass(frozen=True, slots=True)
class Validity:
    """[since, until) in whole UTC days; None: open."""

    since: date | None = None
    until: date | None = None

    def holds(self, on: date | datetime) -> bool:
        day = on.date() if isinstance(on, datetime) else on
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    @property
    def edges(self) -> set[datetime]:
        return {datetime.combine(day, time()) for day in (self.since, self.until) if day is not None}


@dataclass(frozen=True, slots=True)
class OwnTokenPrice:
    """US dollars per million tokens by kind (keys of KINDS), and per request, for the models that the pattern means."""

    model: str
    provider: str | None
    service_tier: str | None
    validity: Validity
    per_million: Mapping[str, Decimal]
    per_request: Decimal | None

    def applies(self, models: frozenset[str], providers: frozenset[str], service_tier: str | None) -> bool:
        """An entry without a tier speaks of the standard one; batch, flex and priority need their own."""
        tier = service_tier.strip().lower() if service_tier else service_tier
        if tier != self.service_tier and not (self.service_tier is None and tier in _STANDARD_TIERS):
            return False
        return _means(self.model, models) and (self.provider is None or _means(self.provider, providers))


@dataclass(frozen=True, slots=True)
class Discount:
    """`percent` off public prices; None in a field: any."""

    percent: Decimal
    provider: str | None
    model: str | None
    service: str | None
    validity: Validity

    @property
    def factor(self) -> Decimal:
        return 1 - self.percent / 100

    def applies(self, service: str, providers: frozenset[str], models: frozenset[str]) -> bool:
        return (
            (self.service is None or self.service == service)
            and (self.provider is None or _means(self.provider, providers))
            and (self.model is None or (service == "tokens" and _means(self.model, models)))
        )


@dataclass(frozen=True, slots=True)
class OwnResourcePrice:
    """US dollars per hour of one GPU (`gpu`) or of one machine (`instance`)."""

    gpu: str | None
    instance: str | None
    per_hour: Decimal
    provider: str | None
    region: str | None
    market: str
    gpus: int | None
    validity: Validity


@dataclass(frozen=True, slots=True)
class OwnPrices:
    """All that the user's file says; within each list the first entry that matches counts."""

    where: str = ""
    tokens: tuple[OwnTokenPrice, ...] = ()
    discounts: tuple[Discount, ...] = ()
    resources: tuple[OwnResourcePrice, ...] = ()


def read_own_prices(path: Path) -> OwnPrices:
    """Raises SettingsError with file, key and the way out where the file does not say what it must."""
    document = read_yaml_file(path)
    where = str(path)
    top = Entry.of({} if document is None else document, where)
    tokens = tuple(_token_price(entry) for entry in top.entries("tokens"))
    resources = tuple(_gpu_price(entry) for entry in top.entries("gpus"))
    resources += tuple(_instance_price(entry) for entry in top.entries("instances"))
    discounts = tuple(_discount(entry) for entry in top.entries("discounts"))
    top.done()
    return OwnPrices(where, tokens, discounts, resources)


def _means(pattern: str, names: frozenset[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _provider(entry: Entry) -> str | None:
    return provider_id(entry.text("provider"))


def _validity(entry: Entry) -> Validity:
    validity = Validity(entry.day("from"), entry.day("until"))
    if validity.since is not None and validity.until is not None and validity.until <= validity.since:
        raise entry.fault("until", "ends before it begins", "`until` is the first day that it no longer holds.")
    return validity


def _token_price(entry: Entry) -> OwnTokenPrice:
    prices = entry.inner("per_million")
    per_million = {} if prices is None else {k: v for k in KINDS if (v := prices.price(k)) is not None}
    if prices is not None:
        prices.done()
    tier = entry.text("service_tier")
    own = OwnTokenPrice(
        model=entry.required_text("model").lower(),
        provider=_provider(entry),
        service_tier=None if tier is None or tier.lower() in _STANDARD_TIERS else tier.lower(),
        validity=_validity(entry),
        per_million=per_million,
        per_request=entry.price("per_request"),
    )
    if not per_million and own.per_request is None:
        raise entry.fault("per_million", "gives no price", f"Name one of: {', '.join(KINDS)}; or `per_request`.")
    entry.done()
    return own


def _hourly(entry: Entry) -> Decimal:
    price = entry.price("per_hour")
    if price is None:
        raise entry.fault("per_hour", "is missing", "Add `per_hour:`, US dollars.")
    return price


def _gpu_price(entry: Entry) -> OwnResourcePrice:
    own = OwnResourcePrice(
        entry.required_text("gpu"), None, _hourly(entry), _provider(entry), entry.text("region"),
        entry.one_of("market", MARKETS) or "on_demand", None, _validity(entry),
    )
    entry.done()
    return own


def _instance_price(entry: Entry) -> OwnResourcePrice:
    gpus = entry.number("gpus")
    if gpus is not None and (gpus != int(gpus) or gpus < 0):
        raise entry.fault("gpus", f"{gpus} is not a number of GPUs", "Write a whole number.")
    own = OwnResourcePrice(
        entry.text("gpu"), entry.required_text("instance"), _hourly(entry), _provider(entry), entry.text("region"),
        entry.one_of("market", MARKETS) or "on_demand", None if gpus is None else int(gpus), _validity(entry),
    )
    entry.done()
    return own


def _discount(entry: Entry) -> Discount:
    percent = entry.number("percent")
    if percent is None or not 0 < percent <= 100:
        raise entry.fault("percent", "a discount is more than 0 and at most 100", "Write 12.5 for 12.5 % off.")
    if decimals(percent) > 4:
        raise entry.fault("percent", "has too many digits", "At most 4 decimals.")
    model = entry.text("model")
    service = entry.one_of("service", SERVICES)
    if model is not None and service not in (None, "tokens"):
        raise entry.fault("model", f"a discount on {service} has no model", "Leave out `model` or `service`.")
    discount = Discount(percent, _provider(entry), model.lower() if model else None, service, _validity(entry))
    entry.done()
    return discount

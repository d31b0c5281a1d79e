"""What is charged for a name, as rows to print; and which figures are old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version

from outlay.prices import library, resources
from outlay.prices.effective import Schedule
from outlay.prices.gpus import gpu
from outlay.prices.own import KINDS, OwnPrices
from outlay.prices.quotes import COUNTED_IN, kind_price
from outlay.prices.rate import COUNTS, PICODOLLAR, Rate, Step
from outlay.prices.shipped import Source, shipped_entries, source_of
from outlay.prices.spans import DAY_US, Span

#: The days after which a figure should be looked at again. Providers change list prices several times a year.
STALE_AFTER_DAYS = 90
#: The service tiers that are shown where they have a price of their own.
TIERS = (None, "batch", "flex", "priority")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One figure of `outlay prices show`: US dollars a `unit`, under `conditions` ("" : always)."""

    name: str
    provider: str | None
    kind: str
    price: Decimal | None
    unit: str
    conditions: str
    source: str
    checked: date | None


@dataclass(frozen=True, slots=True)
class StaleRow:
    """A source of figures that is older than STALE_AFTER_DAYS, or of unknown age (`age_days` None)."""

    what: str
    provider: str | None
    figures: int
    source: str
    checked: date | None
    age_days: int | None


@dataclass(frozen=True, slots=True)
class PriceCheck:
    """`stale` is empty where every figure is young enough. `exit_code` follows the product's contract: 0 where nothing
    is stale, 1 where something is (the command did its work; the list says what to look at)."""

    today: date
    sources: int
    figures: int
    stale: tuple[StaleRow, ...]

    @property
    def exit_code(self) -> int:
        return 1 if self.stale else 0


def show(
    own: OwnPrices, schedules: list[tuple[str | None, str | None, Schedule]], name: str, on: datetime
) -> list[PriceRow]:
    """Rows for a model (its `schedules`, by provider and service tier), else a GPU, a machine, or a kind of storage."""
    rows = [
        row for provider, tier, found in schedules for row in _model_rows(own, name, provider, tier, found, on)
    ]
    return rows or list(_resource_rows(name))


def token_source() -> tuple[str, date | None]:
    """Where public token prices come from, and the day up to which they are dated (None: not known)."""
    installed = version("genai-prices")
    for entry in shipped_entries("tokens.yaml", "releases"):
        if entry.required_text("release") == installed:
            found = source_of(entry)
            return found.source, found.checked
    return f"https://github.com/pydantic/genai-prices prices/providers (release {installed})", None


def _model_rows(
    own: OwnPrices, name: str, provider: str | None, tier: str | None, found: Schedule, on: datetime
) -> Iterator[PriceRow]:
    public, checked = token_source()
    model = library.find(provider, name)
    if model is not None and model.provider.pricing_urls:
        public = f"{model.provider.pricing_urls[0]}, by {public}"
    lists = [(found.listed, public, checked, "")]
    if found.paid is not None:
        lists.append((found.paid, f"{own.where}; {public}" if found.listed else own.where, checked, "you pay"))
    for pieces, source, day, who in lists:
        for span, steps in pieces:
            if span.until is not None and span.until <= on:
                continue
            for step in steps:
                said = ", ".join(part for part in (who, _tier(tier), _when(span, on), _size(step)) if part)
                for kind, price, unit in _charges(step.rate):
                    yield PriceRow(found.model_key, provider, kind, _tidy(price), unit, said, source, day)


def _tidy(price: Decimal | None) -> Decimal | None:
    """Without zeros at the end, and never in powers of ten: it is printed as it is."""
    return None if price is None else Decimal(format(price.normalize(), "f"))


def _charges(rate: Rate) -> Iterator[tuple[str, Decimal | None, str]]:
    if not rate.known:
        yield "audio, pages or characters", None, "not counted by calls"
        return
    own_price = dict(zip(COUNTS, rate.per_token, strict=True))
    for kind in KINDS:
        # A kind without a price of its own is charged like the kind that it is part of; it needs no row.
        if kind in ("input", "output") or own_price[COUNTED_IN[kind][-1]]:
            price = kind_price(rate, kind)
            yield kind, None if price is None else price * _MILLION, "million tokens"
    if rate.per_request:
        yield "request", rate.per_request * PICODOLLAR, "request"


def _tier(tier: str | None) -> str:
    return f"{tier} tier" if tier else ""


def _when(span: Span, on: datetime) -> str:
    parts = []
    if span.since is not None and span.since > on:
        parts.append(f"from {span.since.date()}")
    if span.until is not None:
        parts.append(f"until {(span.until - timedelta(days=1)).date()}")
    if not span.whole_day:
        parts.append(f"{_clock(span.after_us)}-{_clock(span.before_us)} UTC")
    return " ".join(parts)


def _clock(microseconds: int) -> str:
    if microseconds == DAY_US:
        return "24:00"
    return (datetime.combine(date(2000, 1, 1), time()) + timedelta(microseconds=microseconds)).strftime("%H:%M")


def _size(step: Step) -> str:
    if step.above >= 0:
        return f"input above {step.above:,} tokens"
    return f"input up to {step.upto:,} tokens" if step.upto is not None else ""


def _resource_rows(name: str) -> Iterator[PriceRow]:
    wanted = name.strip().lower()
    # The name of a machine may contain that of its accelerator; then the machine is meant.
    machines = {offer.instance for offer in resources.offers()
                if offer.instance is not None and offer.instance.lower() in (wanted, f"standard_{wanted}")}
    kind = None if machines else gpu(name)
    for offer in resources.offers():
        machine = offer.instance in machines
        if machine or (kind is not None and kind.may_be(offer.gpu)):
            price, unit = (offer.per_hour, "hour") if machine else (offer.per_gpu_hour, "GPU-hour")
            label = f"{offer.gpus} x {offer.gpu}" if machine else str(offer.gpu)
            parts = (offer.region, None if machine else offer.instance)
            yield PriceRow(label, offer.provider, offer.market, _tidy(price), unit, ", ".join(p for p in parts if p),
                           offer.source.source, offer.source.checked)  # fmt: skip
    for flat in resources.flats():
        if wanted in (flat.kind, flat.service):
            unit = "GB-month" if flat.service == "storage" else "GB"
            yield PriceRow(flat.kind, flat.provider, flat.service, flat.price, unit, flat.region or "",
                           flat.source.source, flat.source.checked)  # fmt: skip


def check(today: date) -> PriceCheck:
    """Every shipped source older than STALE_AFTER_DAYS on `today`, oldest first. The user's own file has no age."""
    counted: dict[tuple[str, str | None, Source], int] = {}
    for offer in resources.offers():
        key = ("GPUs", offer.provider, offer.source)
        counted[key] = counted.get(key, 0) + 1
    for flat in resources.flats():
        key = (flat.service, flat.provider, flat.source)
        counted[key] = counted.get(key, 0) + 1
    for maker in shipped_entries("tiers.yaml", "makers"):
        key = ("model tiers", maker.required_text("maker"), source_of(maker))
        counted[key] = len(list(maker.entries("models")))
    source, day = token_source()
    rows = [_aged(what, seller, number, s.source, s.checked, today) for (what, seller, s), number in counted.items()]
    rows.append(_aged("tokens", None, library.size(), source, day, today))
    stale = [row for row in rows if row.age_days is None or row.age_days > STALE_AFTER_DAYS]
    stale.sort(key=lambda row: (row.checked or date.min, row.what, row.provider or ""))
    return PriceCheck(today, len(rows), sum(row.figures for row in rows), tuple(stale))


def _aged(what: str, provider: str | None, figures: int, source: str, checked: date | None, today: date) -> StaleRow:
    return StaleRow(what, provider, figures, source, checked, None if checked is None else (today - checked).days)

"""GPU hours, machines, storage and egress: reviewed figures, the user's own first."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TypeVar

from outlay.facts.providers import provider_id
from outlay.prices.gpus import Gpu, gpu
from outlay.prices.own import OwnPrices, OwnResourcePrice
from outlay.prices.rate import EXACT
from outlay.prices.shipped import Source, shipped_entries, source_of
from outlay.prices.yamlfile import Entry, decimals

GPU_FILES = ("gpus_aws.yaml", "gpus_azure.yaml", "gpus_gcp.yaml", "gpus_clouds.yaml")
STORAGE_KINDS = (
    "object", "object_infrequent", "object_archive", "block", "block_hdd", "snapshot", "file", "vector",
)  # fmt: skip
EGRESS_KINDS = ("internet", "cross_region")
#: Other names of the GPU clouds in the data; the large clouds' names are in facts/providers.py.
_SELLERS = {"lambda labs": "lambda", "lambda_labs": "lambda", "lambdalabs": "lambda", "vast.ai": "vast",
            "vastai": "vast", "runpod.io": "runpod", "nexgen cloud": "hyperstack"}  # fmt: skip
#: A price a gigabyte or an hour is shown and multiplied with this many decimals at most.
_PLACES = Decimal("1E-9")


@dataclass(frozen=True, slots=True)
class ResourcePrice:
    """US dollars a `unit`. `basis` says how the figure came about: listed, a median of several, your own price, less
    your discount; `checked` is the oldest day among the sources."""

    value: Decimal
    unit: str
    source: str
    checked: date | None
    basis: str


@dataclass(frozen=True, slots=True)
class InstancePrice:
    """US dollars an hour of a whole machine, and the accelerators in it (None, 0: not known, none)."""

    value: Decimal
    unit: str
    instance_type: str
    gpu_type: str | None
    gpu_count: int
    provider: str | None
    region: str | None
    source: str
    checked: date | None
    basis: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One listed price. `per_hour` is of the whole machine, which has `gpus` accelerators."""

    provider: str
    region: str | None
    market: str
    instance: str | None
    gpu: Gpu
    gpus: int
    per_hour: Decimal
    source: Source

    @property
    def per_gpu_hour(self) -> Decimal:
        return EXACT.divide(self.per_hour, Decimal(self.gpus)).quantize(_PLACES)


@dataclass(frozen=True, slots=True)
class Flat:
    """One listed price of storage or egress."""

    service: str
    kind: str
    provider: str
    region: str | None
    price: Decimal
    source: Source


Listed = TypeVar("Listed", Offer, Flat)


def _seller(provider: str | None) -> str | None:
    known = provider_id(provider)
    return _SELLERS.get(known, known) if known is not None else None


@cache
def shapes() -> dict[str, tuple[Gpu, int]]:
    """Machine type in small letters: the accelerator in it, and how many."""
    found: dict[str, tuple[Gpu, int]] = {}
    for name in GPU_FILES:
        for block in shipped_entries(name, "shapes"):
            source_of(block)
            for gpu_name, machines in _inner(block, "gpus").values.items():
                kind = gpu(gpu_name)
                if kind is None:
                    raise block.fault("gpus", f"{gpu_name!r} is not an accelerator that gpus.py knows")
                for machine in Entry.of(machines, f"{block.where}.{gpu_name}").values:
                    found[machine.lower()] = kind, int(str(Entry.of(machines, block.where).number(machine)))
            block.done()
    return found


@cache
def offers() -> tuple[Offer, ...]:
    """Every listed GPU price."""
    return tuple(offer for name in GPU_FILES for block in shipped_entries(name, "prices") for offer in _offers(block))


def _offers(block: Entry) -> Iterator[Offer]:
    source, provider, region = source_of(block), block.required_text("provider"), block.text("region")
    market = block.required_text("market")
    machines, gpus = block.inner("per_hour"), block.inner("per_gpu_hour")
    block.done()
    for name in machines.values if machines is not None else ():
        kind, count = shapes()[name.lower()]
        yield Offer(provider, region, market, name, kind, count, _number(machines, name), source)
    for name in gpus.values if gpus is not None else ():
        single = gpu(name)
        if single is None:
            raise block.fault("per_gpu_hour", f"{name!r} is not an accelerator that gpus.py knows")
        yield Offer(provider, region, market, None, single, 1, _number(gpus, name), source)


@cache
def flats() -> tuple[Flat, ...]:
    """Every listed price of storage and egress."""
    found = []
    for service in ("storage", "egress"):
        for block in shipped_entries("storage.yaml", service):
            source, provider, region = source_of(block), block.required_text("provider"), block.text("region")
            prices = _inner(block, "prices")
            block.done()
            found += [Flat(service, k, provider, region, _number(prices, k), source) for k in prices.values]
    return tuple(found)


def _inner(entry: Entry, key: str) -> Entry:
    inner = entry.inner(key)
    if inner is None:
        raise entry.fault(key, "is missing")
    return inner


def _number(entry: Entry | None, key: str) -> Decimal:
    value = entry.number(key) if entry is not None else None
    if entry is None or value is None or value < 0:
        raise ValueError(f"{key} has no price")  # of our own data: a test reads every file
    return value


def gpu_hour(
    own: OwnPrices, gpu_type: str, provider: str | None, region: str | None, market: str, on: date
) -> ResourcePrice | None:
    kind, seller = gpu(gpu_type), _seller(provider)
    mine = _own_gpu(own, gpu_type, kind, seller, region, market, on)
    if mine is not None or kind is None:
        return mine
    listed = [offer for offer in offers() if offer.market == market and kind.may_be(offer.gpu)]
    if not listed and kind.form is not None:  # an A100 40GB is sold on SXM boards alone; the price is the nearest known
        return gpu_hour(own, str(replace(kind, form=None)), provider, region, market, on)
    if seller is not None:
        listed = _nearest([offer for offer in listed if offer.provider == seller], region)
        return _median("GPU-hour", [(o.per_gpu_hour, o.source) for o in listed], own, "gpu", seller, on)
    by_provider: dict[str, list[Offer]] = {}
    for offer in listed:
        by_provider.setdefault(offer.provider, []).append(offer)
    middles = [
        (statistics.median(o.per_gpu_hour for o in group), min((o.source for o in group), key=lambda s: s.checked))
        for group in by_provider.values()
    ]
    return _median("GPU-hour", middles, own, "gpu", None, on, what="providers")


def instance(
    own: OwnPrices, instance_type: str, provider: str | None, region: str | None, market: str, on: date
) -> InstancePrice | None:
    wanted, seller = instance_type.strip().lower(), _seller(provider)
    names = {wanted, f"standard_{wanted}"}
    listed = [o for o in offers() if o.instance is not None and o.instance.lower() in names and o.market == market]
    listed = _nearest([o for o in listed if seller is None or o.provider == seller], region)
    shape = next((shapes()[name] for name in names if name in shapes()), None)
    kind, count = (str(shape[0]), shape[1]) if shape is not None else (None, 0)
    for entry in own.resources:
        if entry.instance is not None and entry.instance.lower() == wanted and _fits(entry, seller, region, market, on):
            return InstancePrice(
                entry.per_hour, "hour", instance_type, entry.gpu or kind, count if entry.gpus is None else entry.gpus,
                entry.provider or seller, region, own.where, None, "your own price",
            )  # fmt: skip
    found = _median("hour", [(o.per_hour, o.source) for o in listed], own, "instance", seller or _only(listed), on)
    if found is None:
        return None
    place = listed[0].region if len({o.region for o in listed}) == 1 else None
    return InstancePrice(
        found.value, "hour", listed[0].instance or instance_type, kind, count, listed[0].provider, place,
        found.source, found.checked, found.basis,
    )  # fmt: skip


def flat(
    own: OwnPrices, service: str, kind: str, provider: str | None, region: str | None, on: date
) -> ResourcePrice | None:
    seller = _seller(provider)
    listed = [f for f in flats() if f.service == service and f.kind == kind]
    listed = _nearest([f for f in listed if seller is None or f.provider == seller], region)
    unit = "GB-month" if service == "storage" else "GB"
    what = "providers" if seller is None else "listed prices"
    return _median(unit, [(f.price, f.source) for f in listed], own, service, seller, on, what=what)


def _own_gpu(
    own: OwnPrices, name: str, kind: Gpu | None, seller: str | None, region: str | None, market: str, on: date
) -> ResourcePrice | None:
    for entry in own.resources:
        if entry.gpu is None or not _fits(entry, seller, region, market, on):
            continue
        said = gpu(entry.gpu)
        same = kind.may_be(said) if kind is not None and said is not None else entry.gpu.lower() == name.lower()
        per_gpu = entry.per_hour if entry.instance is None else None
        if entry.instance is not None and entry.gpus:
            per_gpu = EXACT.divide(entry.per_hour, Decimal(entry.gpus)).quantize(_PLACES)
        if same and per_gpu is not None:
            return ResourcePrice(per_gpu, "GPU-hour", own.where, None, "your own price")
    return None


def _fits(entry: OwnResourcePrice, seller: str | None, region: str | None, market: str, on: date) -> bool:
    """What an entry of the user does not say holds for all; what is asked for must not contradict it."""
    return (
        entry.market == market
        and (entry.provider is None or entry.provider == seller)
        and (entry.region is None or entry.region == region)
        and entry.validity.holds(on)
    )


def _nearest(listed: list[Listed], region: str | None) -> list[Listed]:
    """Those of the region, else those that hold everywhere, else all (and the basis will say it is a median)."""
    asked = region.lower().replace(" ", "") if region is not None else None  # Azure's bills say "East US"
    for wanted in (asked, None):
        here = [item for item in listed if item.region == wanted]
        if here:
            return here
    return listed


def _only(listed: Iterable[Offer]) -> str | None:
    sellers = {offer.provider for offer in listed}
    return sellers.pop() if len(sellers) == 1 else None


def _median(
    unit: str, found: Sequence[tuple[Decimal, Source]], own: OwnPrices, service: str, seller: str | None, on: date,
    what: str = "listed prices",
) -> ResourcePrice | None:  # fmt: skip
    if not found:
        return None
    middle = statistics.median(value for value, _ in found)
    sources = list(dict.fromkeys(source.source for _, source in found))
    basis = "listed" if len(found) == 1 else f"median of {len(found)} {what}"
    sellers = frozenset({seller} if seller is not None else set())
    cut = next(
        (c for c in own.discounts if c.validity.holds(on) and c.applies(service, sellers, frozenset())), None
    )
    if cut is not None:
        middle, basis = EXACT.multiply(middle, cut.factor), f"{basis}, less your discount of {cut.percent} %"
    return ResourcePrice(
        middle.quantize(_PLACES) if decimals(middle) > 9 else middle, unit, "; ".join(sources),
        min(source.checked for _, source in found), basis,
    )  # fmt: skip

"""Accelerators: hours and dollars in parts that add up, use by device and hour, and what pools had."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from outlay.accounting.assessment import GpuPart, Heatmap
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: The parts of GPU time, in the order in which they are shown.
PARTS = ("used", "idle", "unallocated", "unknown")
_FREE = -1.0


def of_days(rows: Any, window: Window) -> Any:
    """The rows of a table by day that lie in the window; a window that starts within a day has all of that day."""
    since = window.since.replace(hour=0, minute=0, second=0, microsecond=0)
    return rows.filter(rows.day >= since, rows.day < window.until)


def gpu_parts_expr(window: Window, currency: str) -> Any:
    """Columns part, seconds (device time, of all currencies), cost (exact, of one currency)."""
    rows = of_days(table("gpu_day"), window)
    return rows.group_by("part").aggregate(
        seconds=rows.gpu_s.sum(), cost=rows.effective_cost.sum(where=rows.currency == currency))


def gpu_parts(ask: Ask, window: Window, currency: str = "USD") -> tuple[GpuPart, ...]:
    """The four parts, also those that are empty; nothing where there is no GPU time at all."""
    found = {part: (seconds, cost) for part, seconds, cost in ask.rows(gpu_parts_expr(window, currency))}
    if not found:
        return ()
    return tuple(
        GpuPart(part, _hours(seconds), cost or Decimal(0))
        for part in PARTS for seconds, cost in [found.get(part, (0.0, None))])


def utilisation(parts: tuple[GpuPart, ...]) -> float | None:
    """Used share of the GPU-hours that were allocated and measured; None where there are none."""
    hours = {part.part: part.gpu_hours for part in parts}
    measured = hours.get("used", Decimal(0)) + hours.get("idle", Decimal(0))
    return float(hours["used"] / measured) if measured else None


def heatmap_expr(window: Window, bucket_s: int) -> Any:
    """Columns node, device, bucket (seconds since 1970), read (allocated seconds), busy (of these), seen (all)."""
    import ibis

    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= window.since, rows.hour < window.until)
    bucket = (rows.hour.epoch_seconds() // bucket_s) * bucket_s
    return rows.group_by("node", "device", bucket=bucket).aggregate(
        read=ibis.ifelse(rows.allocated, rows.read_s, 0.0).sum(),
        busy=ibis.ifelse(rows.allocated, rows.busy_s, 0.0).sum(), seen=rows.read_s.sum())


def heatmap(ask: Ask, window: Window, bucket_s: int) -> Heatmap | None:
    """Use by device and bucket of whole hours; devices in the order of their nodes. None where nothing was read."""
    start = window.since - timedelta(seconds=_epoch(window.since) % bucket_s)
    first = _epoch(start)
    columns = -(-(_epoch(window.until) - first) // bucket_s)
    cells: dict[tuple[str, str], list[float | None]] = {}
    for node, device, bucket, read, busy, seen in ask.rows(heatmap_expr(window, bucket_s)):
        row = cells.get((node, device))
        if row is None:
            row = cells[node, device] = [None] * columns
        if read > 0:
            row[(bucket - first) // bucket_s] = min(100.0, 100 * busy / read)
        elif seen > 0:
            row[(bucket - first) // bucket_s] = _FREE
    if not cells:
        return None
    order = sorted(cells, key=lambda key: (_natural(key[0]), _natural(key[1])))
    return Heatmap(start, bucket_s, tuple(_device_name(*key) for key in order), tuple(tuple(cells[k]) for k in order))


@dataclass(frozen=True, slots=True)
class PoolPart:
    """What a pool had in the window, in unit-hours (units: GPUs or nodes). None: its readings do not say.

    `unallocated` and `idle` are shares of what it owned: promised to nobody, and not at work.
    """

    pool: str
    unit: str
    gpu_type: str | None
    total: float
    allocated: float | None
    running: float | None
    pending: float | None

    @property
    def unallocated(self) -> float | None:
        return _share_left(self.allocated, self.total)

    @property
    def idle(self) -> float | None:
        return _share_left(self.running, self.total)


def capacity_parts_expr(window: Window) -> Any:
    """Columns pool, unit, gpu_type, then unit-seconds total, allocated, running, pending.

    A reading that does not say how long it stands for stands until the pool's next one.
    """
    import ibis

    rows = table("capacity")
    rows = rows.filter(rows.time < window.until, rows.total.notnull())
    following = rows.time.lead().over(ibis.window(group_by=[rows.pool, rows.unit], order_by=rows.time))
    end = ibis.coalesce(following, ibis.timestamp(window.until)).epoch_seconds()
    lasting = rows.mutate(s=ibis.coalesce(rows.seconds, (end - rows.time.epoch_seconds()).cast("float64")))
    lasting = lasting.filter(lasting.time >= window.since)
    return lasting.group_by("pool", "unit").aggregate(
        gpu_type=lasting.gpu_type.max(),
        **{name: (lasting[name] * lasting.s).sum() for name in ("total", "allocated", "running", "pending")})


def capacity_parts(ask: Ask, window: Window) -> tuple[PoolPart, ...]:
    """Every pool that has readings in the window, the largest first."""
    rows = [
        PoolPart(pool, unit, gpu_type, total / 3600, *(None if value is None else value / 3600 for value in seconds))
        for pool, unit, gpu_type, total, *seconds in ask.rows(capacity_parts_expr(window))]
    return tuple(sorted(rows, key=lambda part: (part.unit, -part.total, part.pool)))


def all_pools(parts: tuple[PoolPart, ...], unit: str) -> PoolPart | None:
    """Pools that count the same unit, together; None where there are none."""
    chosen = [part for part in parts if part.unit == unit]
    if not chosen:
        return None

    def summed(values: Iterator[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        # A sum that leaves pools out would pass for the whole.
        return sum(known) if len(known) == len(chosen) else None

    return PoolPart(
        "all", unit, None, sum(part.total for part in chosen), summed(part.allocated for part in chosen),
        summed(part.running for part in chosen), summed(part.pending for part in chosen))


def _share_left(units: float | None, total: float) -> float | None:
    return None if units is None or not total else max(total - units, 0.0) / total


def _hours(seconds: float) -> Decimal:
    return Decimal(str(round(seconds / 3600, 6)))


def _epoch(moment: Any) -> int:
    from datetime import UTC

    return int(moment.replace(tzinfo=UTC).timestamp())


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """gpu-2 before gpu-10."""
    return tuple((text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name))


def _device_name(node: str, device: str) -> str:
    return device if device.startswith(node) else f"{node}/{device}"

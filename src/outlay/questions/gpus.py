"""Accelerators: hours and dollars in parts that add up, utilisation by device and time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.accounting.assessment import GpuPart, Heatmap
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: The parts in the order in which they are shown; they add up to all device time.
PARTS = ("used", "idle", "unallocated", "unknown")


def parts_expr(window: Window) -> Any:
    """Device seconds and effective cost by part."""
    rows = table("gpu_day")
    rows = rows.filter(rows.day >= window.since, rows.day < window.until)
    return rows.group_by("part").aggregate(seconds=rows.gpu_s.sum(), cost=rows.effective_cost.sum())


def gpu_parts(ask: Ask, window: Window) -> tuple[GpuPart, ...]:
    """GPU-hours and cost of each part that there is; a cost whose price is not known counts as nothing here."""
    found = {part: (seconds, cost) for part, seconds, cost in ask.rows(parts_expr(window))}
    return tuple(
        GpuPart(part, Decimal(str(round(found[part][0] / 3600, 6))), found[part][1] or Decimal(0))
        for part in PARTS if part in found)


def cells_expr(window: Window, bucket_s: int) -> Any:
    """Read, busy and allocated seconds by node, device and bucket."""
    import ibis

    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= window.since, rows.hour < window.until)
    bucket = (rows.hour.epoch_seconds() - int((window.since - datetime(1970, 1, 1)).total_seconds())) // bucket_s
    held = ibis.ifelse(rows.run_id.notnull(), rows.read_s, 0.0)
    return rows.group_by(node=rows.node, device=rows.device, bucket=bucket.cast("int64")).aggregate(
        busy=rows.busy_s.sum(), held=held.sum()).order_by(["node", "device", "bucket"])


def scheduled_expr() -> Any:
    """Nodes that a scheduler's run was ever on: on others, whatever is read counts as allocated."""
    rows = table("gpu_hour")
    return rows.group_by("node").aggregate(scheduled=rows.run_id.notnull().any())


def heatmap(ask: Ask, window: Window, bucket_s: int) -> Heatmap | None:
    """Utilisation of allocated time in percent; -1 where the device was free; None where nothing was read."""
    scheduled = {node: bool(known) for node, known in ask.rows(scheduled_expr())}
    width = -(-int(window.length / timedelta(seconds=1)) // bucket_s)
    devices: dict[str, list[float | None]] = {}
    for node, device, bucket, busy, held in ask.rows(cells_expr(window, bucket_s)):
        row = devices.setdefault(device, [None] * width)
        if held > 0:
            row[bucket] = min(100.0, 100.0 * busy / held)
        elif scheduled.get(node):
            row[bucket] = -1.0
        else:
            row[bucket] = None
    if not devices:
        return None
    return Heatmap(window.since, bucket_s, tuple(devices), tuple(tuple(cells) for cells in devices.values()))

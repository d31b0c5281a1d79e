"""The GPU section of the assessment: hours and dollars in parts, and the heatmap."""

from __future__ import annotations

from outlay.accounting.assessment import Gpu
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.gpus import gpu_parts, heatmap

#: Cells a row of the heatmap at most; a week by the hour, a month by six hours.
MOST_CELLS = 168
_BUCKETS = (3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400)


def gpu_section(ask: Ask, window: Window, currency: str) -> Gpu | None:
    """Dollars of the reporting currency alone; None where the ledger knows of no accelerator."""
    if not ask.has("gpu_day"):
        return None
    parts = gpu_parts(ask, window, currency)
    hours = {part.part: part.gpu_hours for part in parts}
    measured = hours.get("used", 0) + hours.get("idle", 0)
    seconds = window.length.total_seconds()
    bucket = next((size for size in _BUCKETS if seconds / size <= MOST_CELLS), _BUCKETS[-1])
    picture = heatmap(ask, window, bucket) if ask.has("gpu_hour") else None
    return Gpu(parts, float(hours.get("used", 0) / measured) if measured else None, picture)

"""Whether a context grows steadily: the correlation of input tokens with time, from sums that every engine has."""

from __future__ import annotations

from calendar import timegm
from typing import Any

from outlay.facts.window import Window


def moments(rows: Any, window: Window) -> dict[str, Any]:
    """The sums over the rows of a group, as columns, that `correlation` needs; engines define their own differently."""
    counted = rows.input_tokens.notnull()
    tokens = rows.input_tokens.cast("float64")
    # Counted from the window's start, so that squares of seconds keep their last digits.
    time = (rows.time.epoch_seconds() - timegm(window.since.timetuple())).cast("float64")
    return {
        "sum_n": rows.input_tokens.count(), "sum_t": time.sum(where=counted), "sum_x": tokens.sum(),
        "sum_tt": (time * time).sum(where=counted), "sum_xx": (tokens * tokens).sum(), "sum_tx": (time * tokens).sum(),
    }


def correlation(found: Any) -> Any:
    """-1..1 from the columns of `moments`; NULL where one of the two never changes."""
    import ibis

    n = found.sum_n.cast("float64")
    spread = (n * found.sum_tt - found.sum_t * found.sum_t) * (n * found.sum_xx - found.sum_x * found.sum_x)
    root = ibis.ifelse(spread > 0, spread, None).sqrt()
    return (n * found.sum_tx - found.sum_t * found.sum_x) / root

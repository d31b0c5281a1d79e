"""Alerts for a terminal."""

from __future__ import annotations

from outlay.accounting.money import dollars
from outlay.alerts.listing import Listing
from outlay.cli.render_table import one_line, table_text
from outlay.state.outbox import FAILED, WAITING


def listing_text(found: Listing) -> str:
    """The list for a terminal."""
    lines = []
    if found.alerts:
        rows = [(each.id[:8], each.severity, "silenced" if each.silenced else each.state, one_line(each.team or "none"),
                 dollars(each.amount, each.currency) if each.amount is not None else "?",
                 f"{each.opened_at:%m-%d %H:%M}", one_line(each.title)) for each in found.alerts]
        lines.append(table_text(("id", "severity", "state", "team", "so far", "opened", "what"), rows))
    else:
        lines.append("No alert stands.")
    for alert in found.alerts:
        for each in found.deliveries.get(alert.id, ()):
            if each.state == FAILED or (each.state == WAITING and each.tries):
                what = "given up" if each.state == FAILED else f"tried {each.tries} times"
                lines.append(f"? {alert.id[:8]} to {one_line(each.notifier)}, {what}: {one_line(each.last_error)}")
    for silence in found.silences:
        matcher = ", ".join(f"{name} {one_line(pattern)}" for name, pattern in silence.matcher)
        lines.append(f"Silence {silence.id[:8]} until {silence.until:%Y-%m-%d %H:%M}, {matcher}, by "
                     f"{one_line(silence.by)}: {one_line(silence.reason)}")
    return "\n".join(lines)

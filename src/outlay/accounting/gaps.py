"""What could not be judged, and what would settle it."""

from __future__ import annotations

from collections import defaultdict

from outlay.accounting.assessment import Gap, Gpu
from outlay.accounting.money import dollars
from outlay.detectors.base import Detector
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.foreignbills import foreign_model_bills


def gaps(ask: Ask, window: Window, silent: tuple[Detector, ...], gpu: Gpu | None) -> tuple[Gap, ...]:
    """Detectors without their source, accelerators without readings, bills without what they should say."""
    missing: dict[str, list[str]] = defaultdict(list)
    for detector in silent:
        missing[detector.missing].append(detector.title.lower().rstrip("."))
    found = [
        Gap(f"Not looked for: {'; '.join(titles)}", None, settle) for settle, titles in sorted(missing.items())
    ]
    if gpu is not None:
        unknown = next((part for part in gpu.parts if part.part == "unknown"), None)
        if unknown is not None and unknown.gpu_hours > 0:
            found.append(Gap(
                f"{unknown.gpu_hours:,.0f} GPU-hours report no use; they may be idle, no finding counts them",
                unknown.cost, "Import the DCGM exporter's series of these nodes: outlay import gpu.json"))
    if not ask.has("charge"):
        found.append(Gap("No bill: every dollar here is an estimate from metering and list prices", None,
                         "Import the FOCUS export of your cloud and model providers: outlay import bills/"))
    if not ask.has("output"):
        found.append(Gap("Cost per Valuable Output: no outputs are counted", None,
                         "Import a table with time, kind, count and team: outlay import outputs.csv"))
    nobody = _stated(ask, "SELECT count(*) FROM charge WHERE billing_currency IS NULL")
    if nobody:
        found.append(Gap(f"{nobody:,} bill rows name no currency; they are totalled apart", None,
                         "Ask the issuer for BillingCurrency, or import the file through a mapping that states it"))
    for currency, amount in foreign_model_bills(ask, window):
        found.append(Gap(
            f"{dollars(amount, currency)} of bills name models whose calls are metered, in another currency than US "
            "dollars: they are not matched to the calls, and both count", None,
            "Import these bills in US dollars, or the provider's own cost report; or leave the calls out"))
    return tuple(found)


def _stated(ask: Ask, sql: str) -> int:
    return int(ask.con.execute(sql).fetchall()[0][0])


"""The sample's inference endpoints: their runs, the requests of every hour, and the hours in which they are billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outlay.sample.scenario import DAYS, HOURS, Node, Person, Scenario

if TYPE_CHECKING:
    import numpy as np

SCHEDULER = "kubernetes/serve"
#: nightly-embed is scaled to zero outside of these hours of the day (from, to).
NIGHT = (0, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`requests` and `billed` by hour of the month. `exporter` False: its GPUs report no readings."""

    name: str
    team: str
    owner: Person
    environment: str
    nodes: tuple[Node, ...]
    note: str | None
    exporter: bool
    requests: np.ndarray
    billed: np.ndarray

    @property
    def runs(self) -> tuple[tuple[str, int, int | None], ...]:
        """Run id, first hour, last (exclusive; None: it still runs). What is scaled to zero runs anew each night."""
        if self.billed.all():
            return ((f"serve-{self.name}", 0, None),)
        return tuple(
            (f"serve-{self.name}-{day + 1:02d}", day * 24 + NIGHT[0], day * 24 + NIGHT[1]) for day in range(DAYS)
        )

    @property
    def usd_h(self) -> Decimal:
        return sum((node.usd_h for node in self.nodes), Decimal(0))

    @property
    def cost(self) -> Decimal:
        """Dollars of the month."""
        return self.usd_h * int(self.billed.sum())

    @property
    def cost_without_requests(self) -> Decimal:
        """Dollars of the billed hours in which nobody called it."""
        return self.usd_h * int((self.billed & (self.requests == 0)).sum())


def build_endpoints(scenario: Scenario) -> tuple[Endpoint, ...]:
    """In the order of halyard.yaml."""
    import numpy as np

    endpoints = []
    for plan in scenario.plan["endpoints"]:
        hour_of_day = np.arange(HOURS) % 24
        nightly = (hour_of_day >= NIGHT[0]) & (hour_of_day < NIGHT[1])
        endpoints.append(
            Endpoint(
                name=plan["name"],
                team=plan["team"],
                owner=scenario.person(plan["team"], plan["name"]),
                environment=plan["environment"],
                nodes=tuple(node for node in scenario.serving_nodes if node.endpoint == plan["name"]),
                note=plan.get("note"),
                exporter=plan.get("exporter", True),
                requests=_requests(scenario, plan),
                billed=nightly if plan["requests"] == "nightly" else np.ones(HOURS, dtype=bool),
            )
        )
    return tuple(endpoints)


def _requests(scenario: Scenario, plan: Mapping[str, Any]) -> np.ndarray:
    """Requests in every hour of the month."""
    import numpy as np

    rng = scenario.rng(f"requests {plan['name']}")
    hour = np.arange(HOURS) % 24
    peak = scenario.vary(f"requests {plan['name']}", plan["peak"])
    noise = rng.normal(1, 0.06, HOURS)
    match plan["requests"]:
        case "around-the-clock":
            counts = peak * (0.55 + 0.45 * np.cos((hour - 15) / 24 * 2 * np.pi)) * noise
        case "office":
            # Eight hours of every working day, and nobody at other times.
            working = np.repeat(np.isin(np.arange(DAYS), scenario.weekdays()), 24)
            counts = np.where(working & (hour >= 9) & (hour < 17), np.maximum(peak * noise, 20), 0)
        case "nightly":
            counts = np.where((hour >= NIGHT[0] + 1) & (hour < NIGHT[1]), peak * noise, 0)
        case "forgotten":
            counts = np.zeros(HOURS)
            counts[rng.choice(HOURS, size=int(rng.integers(8, 14)), replace=False)] = 1
        case _:
            counts = np.zeros(HOURS)
    return counts.astype(np.int64)

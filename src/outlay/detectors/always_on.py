"""F8: endpoints that are up around the clock and used a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.endpointmoney import Endpoint, endpoints
from outlay.facts.finding import Confidence, Finding


class AlwaysOn(Detector):
    """Endpoints that are up around the clock and used a part of it.

    **It finds** endpoints that were up for nearly all of the window and had requests in fewer than half of its hours,
    though at least one a day.

    **It costs** because nights and weekends are paid for like working hours.

    **The dollars** so far are the machines' cost in hours without any request; a month is that share of the present
    rate x 730 hours.

    **It leaves alone** endpoints that are down while nobody asks (a nightly batch endpoint), standbys that say so in
    their note, and those of which nothing says how often they were asked. Endpoints with fewer than one request a day
    are found by `idle-endpoint`.

    **End it** with a schedule or by scaling to zero. The first request after a pause then waits for a cold start: that
    it may is the assumption.
    """

    code = "always-on"
    title = "Endpoints that are up around the clock and used a part of it"
    capability = "F8"
    needs = ("run", "gpu_day")
    missing = "Import the endpoints as runs (kind endpoint), and their requests: docs/sources.md"

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        for endpoint in endpoints(context):
            around = endpoint.hours / context.window.hours
            used = endpoint.active_hours / endpoint.hours if endpoint.hours else 1.0
            if (endpoint.measured and endpoint.is_up and not endpoint.is_standby and around >= limit["up_share"]
                    and used < limit["active_share"]
                    and endpoint.requests / (endpoint.hours / 24) >= limit["requests_a_day"]
                    and endpoint.cost >= Decimal(limit["min_so_far"])):
                yield _finding(context, endpoint, used)


def _finding(context: Context, endpoint: Endpoint, used: float) -> Finding:
    run = endpoint.latest
    return Finding(
        code=AlwaysOn.code, capability=AlwaysOn.capability, subject=f"endpoint {endpoint.name}",
        title=f"Endpoint {endpoint.name} was up all the time and had requests in {percent(used)} of the hours.",
        owner=run.owner, team=run.team,
        evidence=(
            ("Hours with requests", f"{endpoint.active_hours:,} of {endpoint.hours:,.0f}"),
            ("Requests", f"{endpoint.requests:,.0f}"), ("Machines", run.nodes or "unknown"),
            ("Cost", dollars(endpoint.cost)), ("Environment", run.environment or "unknown"),
            ("Period", period(context.window))),
        period=context.window, claims=endpoint.claims(1 - used), confidence=Confidence.MEDIUM,
        assumption="the first request after a pause may wait for a cold start",
        action="Scale it to zero while nobody asks, or run it on a schedule.",
        change=_change(endpoint),
    )


def _change(endpoint: Endpoint) -> str:
    """In words: no command can know by which of its metrics an endpoint is to be started again."""
    if endpoint.latest.scheduler.startswith("kubernetes"):
        return (f"least number of replicas 0 for deployment {endpoint.name}, scaled by its requests "
                "(KEDA: minReplicaCount: 0; Knative: min-scale: 0)")
    return f"least number of machines 0 for endpoint {endpoint.name}, scaled by its requests"

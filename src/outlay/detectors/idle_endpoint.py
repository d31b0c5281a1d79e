"""F3: endpoints with about zero traffic."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.endcommand import stop_endpoint
from outlay.detectors.endpointmoney import Endpoint, endpoints
from outlay.facts.finding import Confidence, Finding


class IdleEndpoint(Detector):
    """Endpoints with about zero traffic.

    **It finds** endpoints that are up and had fewer than one request a day on average over the window, where something
    says how many requests they had: readings of the metric `requests`, or calls that name their run, or the endpoint
    (as tag `endpoint`, or as model). One that reports none, while others on its cluster report theirs, is taken to have
    had none if its accelerators did nothing, and that is said.

    **It costs** because accelerators are paid for while nobody asks: a demo that was never taken down costs as much as
    a product.

    **The dollars** so far are all that the endpoint's machines cost in the window; a month is the present rate x 730
    hours, and nothing for an endpoint that is down.

    **It leaves alone** a standby that says so in its note, endpoints that were up for less than three days, and those
    of which nothing says how often they were asked.

    **End it** by scaling to zero, or by taking it down; the first call then waits for a cold start.
    """

    code = "idle-endpoint"
    title = "Endpoints with about zero traffic"
    capability = "F3"
    needs = ("run", "gpu_day")
    missing = "Import the endpoints as runs (kind endpoint), and their requests: docs/sources.md"

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        for endpoint in endpoints(context):
            days = endpoint.hours / 24
            if (_is_known(endpoint, limit["util_pct"]) and not endpoint.is_standby and days >= limit["min_days"]
                    and endpoint.requests / days < limit["requests_a_day"]
                    and endpoint.cost >= Decimal(limit["min_so_far"])):
                yield _finding(context, endpoint)


def _is_known(endpoint: Endpoint, util_pct: float) -> bool:
    """Whether it is known to have no requests: it or its callers report them, or all others of its kind report theirs
    and its accelerators did nothing."""
    return endpoint.measured or (endpoint.inferred and (endpoint.peak is None or endpoint.peak < util_pct))


def _finding(context: Context, endpoint: Endpoint) -> Finding:
    run = endpoint.latest
    command = stop_endpoint(run.scheduler, endpoint.name, run.run_id)
    requests = f"{endpoint.requests:,.0f} requests" if endpoint.requests != 1 else "1 request"
    return Finding(
        code=IdleEndpoint.code, capability=IdleEndpoint.capability, subject=f"endpoint {endpoint.name}",
        title=f"Endpoint {endpoint.name} had {requests} in {endpoint.hours / 24:.0f} days.",
        owner=run.owner, team=run.team,
        evidence=(
            ("Requests", f"{endpoint.requests:,.0f} in {endpoint.hours:,.0f} hours up"),
            ("Machines", run.nodes or "unknown"), ("Cost", dollars(endpoint.cost)),
            ("Environment", run.environment or "unknown"), ("Note", run.note or "none"),
            ("Highest use of its GPUs", "unknown" if endpoint.peak is None else percent(endpoint.peak / 100)),
            ("Period", period(context.window))),
        period=context.window, claims=endpoint.claims(1.0),
        confidence=Confidence.HIGH if endpoint.measured else Confidence.MEDIUM,
        assumption="" if endpoint.measured else "it would report its requests as the other endpoints do",
        action="Scale it to zero, or take it down if nobody needs it.",
        command=command if endpoint.is_up else "",
        change=f"take endpoint {endpoint.name} down where it is served" if endpoint.is_up and not command else "",
    )

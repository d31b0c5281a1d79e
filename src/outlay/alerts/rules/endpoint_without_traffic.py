"""Endpoints that nobody asks."""

from __future__ import annotations

from collections.abc import Iterable

from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.findings import condition_of, costs_now, goes_on


class EndpointWithoutTraffic(Rule):
    """An endpoint is up and has about no requests.

    **It holds** while a finding of [`idle-endpoint`](detectors.md#idle-endpoint) is about an endpoint that is up.

    **How loud**: warn.

    **It leaves alone** endpoints that are down, findings that were accepted or ignored, and everything while a source
    of calls or of metrics (OpenTelemetry, Prometheus) is silent: requests that are not told of are not missing.

    **End it** by scaling the endpoint to zero, or by taking it down.
    """

    code = "endpoint-without-traffic"
    title = "An endpoint has about no requests"
    needs = ("findings",)
    rests_on = ("otlp", "prometheus")
    calm_minutes = 60

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        for finding in inputs.findings or ():
            if finding.code == "idle-endpoint" and goes_on(finding):
                yield condition_of(self.code, finding, inputs, Severity.WARN, cause=costs_now(finding, inputs))

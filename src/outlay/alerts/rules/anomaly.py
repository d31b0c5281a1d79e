"""Calls that are dearer, fail more or stay away, and lines of a bill out of the ordinary."""

from __future__ import annotations

from collections.abc import Iterable

from outlay.accounting.figures import instant, percent
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.findings import condition_of
from outlay.alerts.rules.spike import series_name, unusual_condition
from outlay.alerts.unusual import Unusual
from outlay.detectors.surprises import Moved


class Anomaly(Rule):
    """Something else than the number of calls is out of the ordinary.

    **It holds** from the first complete hour on in which the calls of a team, project, run, endpoint or model are
    dearer than in the week before, fail and are sent again, or stay away; until less than half of the change is left.
    And while a finding of [`cost-anomaly`](detectors.md#cost-anomaly) about a line of a bill goes on. One cause that
    shows in several series is one alert.

    **How loud**: warn; info where calls stay away.

    **It leaves alone** series younger than a week, daily and weekly rhythm, less than $1 an hour, and more calls than
    usual: that is `spike`.

    **End it** by what the cause says: a price moved, a prompt grew, a cache stopped to hit, a caller retries.
    """

    code = "anomaly"
    title = "Calls or a line of a bill are out of the ordinary"
    needs = ("unusual", "findings")
    calm_minutes = 30

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        for each in inputs.unusual or ():
            if each.moved is not Moved.MORE:
                yield unusual_condition(
                    self.code, each, Severity.INFO if each.moved is Moved.FEWER else Severity.WARN, _title(each))
        for finding in inputs.findings or ():
            if finding.code == "cost-anomaly" and finding.month > 0 and finding.subject.startswith("line "):
                evidence = dict(finding.evidence)
                yield condition_of(
                    self.code, finding, inputs, Severity.WARN,
                    cause=f"{evidence['Cause'][:1].upper()}{evidence['Cause'][1:]}; above usual: "
                          f"{evidence['Above usual']}.")


def _title(each: Unusual) -> str:
    name, since = series_name(each), f"since {instant(each.since)} UTC"
    if each.moved is Moved.PRICE:
        return f"{name} pays {each.times:.1f} times its usual price a call {since}."
    if each.moved is Moved.ERRORS:
        return f"{name} has {percent(each.times)} failing calls {since}, and sends them again."
    return f"{name} has {percent(each.times)} of its usual calls {since}."

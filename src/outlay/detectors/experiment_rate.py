"""F11: more experiments than a team can look after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from outlay.accounting.figures import period, plural
from outlay.detectors.base import Context, Detector
from outlay.detectors.endcommand import costs_shown
from outlay.facts.finding import Confidence, Finding
from outlay.facts.window import Window
from outlay.questions.experiments import TeamWeek, experiments_a_week


class ExperimentRate(Detector):
    """More experiments than a team can look after.

    **It finds** teams that started more than 20 experiments (runs of kind training, sweep or trial, outside of
    production) in any week of the window. The trials of one sweep or job array are one experiment.

    **It costs** because nobody looks at the results of that many: what runs on unwatched becomes the zombies, the
    duplicates and the leftovers that other detectors find.

    **The dollars**: none are claimed; what single runs waste is claimed by the detectors that find it.

    **It leaves alone** production training, notebooks, batch work and endpoints.

    **End it** with a review before the launch: fewer, larger, better chosen runs, each with an owner and an end.
    """

    code = "experiment-rate"
    title = "More experiments than a team can look after"
    capability = "F11"
    needs = ("run",)
    missing = "Import the scheduler's accounting: outlay import sacct.txt"

    def find(self, context: Context) -> Iterator[Finding]:
        most = context.thresholds["a_week"]
        weeks: dict[str, list[TeamWeek]] = defaultdict(list)
        for week in experiments_a_week(context.ask, context.window):
            if week.team is not None:
                weeks[week.team].append(week)
        for team, found in sorted(weeks.items()):
            over = sorted((week for week in found if week.experiments > most), key=lambda week: week.week)
            if over:
                yield _finding(context, team, sorted(found, key=lambda week: week.week), over)


def _finding(context: Context, team: str, weeks: list[TeamWeek], over: list[TeamWeek]) -> Finding:
    most = context.thresholds["a_week"]
    busiest = max(over, key=lambda week: week.experiments)
    return Finding(
        code=ExperimentRate.code, capability=ExperimentRate.capability, subject=f"team {team}",
        title=f"Team {team} started {busiest.experiments} experiments in the week of {busiest.week:%-d %b}.",
        owner=None, team=team,
        evidence=(
            ("Weeks above the goal", f"{len(over)} of {len(weeks)}; the goal is {most:.0f} a week"),
            *((f"Week of {week.week:%-d %b}", plural(week.experiments, "experiment")) for week in weeks),
            ("Period", period(context.window))),
        period=context.window, claims=(), confidence=Confidence.HIGH,
        action="Have a lead look at experiments before they start; end those that nobody reads.",
        command=costs_shown("run", Window(busiest.week, busiest.week + timedelta(days=7)), team=team),
    )

"""Runs: every run with its owner, purpose, cost, use and end; filters, order and page stand in the URL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from outlay.facts.window import Window
from outlay.questions.held import Held, held
from outlay.questions.runlist import SORTS, STATES, RunList, RunQuery, RunUse, choices, run_list, run_use
from outlay.web.pages.moment import Judged, Moment, judged, moment
from outlay.web.part import Page, Part, Query, Sheet, View

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: Rows of one page.
SHOWN = 50
#: How far back runs are listed that have ended.
PERIODS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "all": None}
_PERIOD = "7d"
STATE_WORDS = {"running": "Running", "nowhere": "Getting nowhere", "waiting": "Waiting", "ended": "Ended",
               "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class Runs:
    """A page of runs. `use`: of the last 24 hours."""

    moment: Moment
    asked: RunQuery
    period: str
    found: RunList
    use: dict[str, RunUse]
    judged: Judged

    @property
    def page(self) -> int:
        """From 1 on."""
        return self.asked.offset // self.asked.limit + 1

    @property
    def pages(self) -> int:
        return max(-(-self.found.total // self.asked.limit), 1)


@dataclass(frozen=True, slots=True)
class Going:
    """All runs of this moment that hold accelerators, whatever is asked for: how many, what they cost an hour; and how
    many of them get nowhere as findings say, at what an hour."""

    moment: Moment
    ready: bool
    runs: int
    per_hour: Decimal
    nowhere: int
    nowhere_hour: Decimal


@dataclass(frozen=True, slots=True)
class RunFilters:
    """What can be chosen, and what is."""

    text: str
    state: str
    team: str
    owner: str
    kind: str
    period: str
    sort: str
    teams: tuple[str, ...]
    owners: tuple[str, ...]
    kinds: tuple[str, ...]


def asked(view: View, query: Query, at: Moment, about: Judged) -> tuple[RunQuery, str]:
    """What the URL asks for; what it says that is not known counts as not said."""
    said = dict(query)
    period = said.get("since", _PERIOD) if said.get("since") in PERIODS else _PERIOD
    length = PERIODS[period]
    number = said.get("page", "1")
    page = max(int(number), 1) if number.isdigit() and len(number) < 7 else 1
    return RunQuery(
        at.at, None if length is None else at.at - length, text=said.get("q", "")[:100],
        state=said["state"] if said.get("state") in STATES else "", team=said.get("team", ""),
        owner=said.get("owner", ""), kind=said.get("kind", ""),
        sort=said["sort"] if said.get("sort") in SORTS else "hour", offset=(page - 1) * SHOWN, limit=SHOWN,
        currency=view.settings.currency, nowhere=tuple(about.of_run)), period


def runs(view: View, query: Query) -> Runs:
    """Asks for a page of runs."""
    at, about = moment(view), judged(view)
    wanted, period = asked(view, query, at, about)
    found = run_list(view.ask, wanted)
    use = run_use(view.ask, Window(at.at - DAY, at.at), [row.run_id for row in found.rows])
    return Runs(at, wanted, period, found, use, about)


def going(view: View, query: Query) -> Going:
    """Asks for what the page opens with."""
    at, about = moment(view), judged(view)
    hour = Window(at.at - HOUR, at.at)
    found = [run for run in held(view.ask, hour, currency=view.settings.currency) if run.goes_on(at.at)]
    stuck = [run for run in found if run.run_id in about.of_run]
    return Going(at, about.ready, len(found), _per_hour(found), len(stuck), _per_hour(stuck))


def _per_hour(runs: Iterable[Held]) -> Decimal:
    return sum((run.per_hour or Decimal(0) for run in runs), Decimal(0))


def filters(view: View, query: Query) -> RunFilters:
    """Asks for what can be chosen."""
    at = moment(view)
    wanted, period = asked(view, query, at, Judged(False, {}))
    since = at.at - 30 * DAY
    return RunFilters(wanted.text, wanted.state, wanted.team, wanted.owner, wanted.kind, period, wanted.sort,
                      *(choices(view.ask, name, since) for name in ("team", "owner", "kind")))


def run_sheet(part: Runs) -> Sheet:
    """The rows of the page."""
    return Sheet(
        ("run", "scheduler", "name", "state", "finding", "kind", "owner", "team", "project", "purpose", "environment",
         "gpus", "gpu_type", "started", "ended", "deadline", "use_24h", "per_hour", "cost"),
        tuple((row.run_id, row.scheduler, row.name, row.state, part.judged.word(row.run_id), row.kind, row.owner,
               row.team, row.project, row.purpose, row.environment, row.gpus, row.gpu_type, row.started, row.ended,
               row.deadline, part.use[row.run_id].mean if row.run_id in part.use else None, row.per_hour, row.cost)
              for row in part.found.rows))


RUNS = Page(
    "/runs", "runs", "Runs", "live/runs.html.j2", (
        Part("runs-answer", "live/runs_answer.html.j2", going, every_s=3),
        Part("runs-list", "live/runs_list.html.j2", runs, every_s=3, csv=run_sheet),
        Part("runs-filters", "live/runs_filters.html.j2", filters, every_s=60),
    ), key="r", knows={
        "q": "words in its name, owner, team, project or purpose",
        "state": "running, nowhere, waiting, ended or failed", "team": "its team", "owner": "its owner",
        "kind": "its kind", "since": "24h, 7d, 30d or all",
        "sort": "hour, cost, started, run, owner or team", "page": "from 1 on"})

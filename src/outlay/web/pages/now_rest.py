"""Now, what costs most at this moment, what should not cost, and how old the sources are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.assessment import Counted
from outlay.accounting.digest import ranked
from outlay.facts.window import Window
from outlay.questions.newest import newest
from outlay.questions.runlist import RunQuery, RunRow, RunUse, run_list, run_use
from outlay.web.pages.moment import Judged, Moment, assessment, judged, moment
from outlay.web.part import Query, Sheet, View

DAY = timedelta(days=1)
#: How many runs and findings the page shows.
SHOWN_RUNS = 8
SHOWN_FINDINGS = 5
#: How old the newest fact of a source may be that is read again and again, and of one that is imported by hand.
_LIVE = timedelta(minutes=5)
_IMPORTED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Biggest:
    """The runs that cost most an hour. `all_of`: how many go on, `per_hour`: what they cost an hour together."""

    moment: Moment
    rows: tuple[RunRow, ...]
    use: dict[str, RunUse]
    judged: Judged
    all_of: int
    per_hour: Decimal


def biggest(view: View, query: Query) -> Biggest:
    """Asks for the dearest runs of this moment."""
    now = moment(view)
    found = run_list(
        view.ask, RunQuery(now.at, None, state="running", limit=SHOWN_RUNS, currency=view.settings.currency))
    use = run_use(view.ask, Window(now.at - DAY, now.at), [row.run_id for row in found.rows])
    return Biggest(now, found.rows, use, judged(view), found.total, found.per_hour)


def biggest_sheet(part: Biggest) -> Sheet:
    return Sheet(("run", "scheduler", "name", "kind", "owner", "team", "use_24h", "per_hour", "cost"), tuple(
        (row.run_id, row.scheduler, row.name, row.kind, row.owner, row.team,
         part.use[row.run_id].mean if row.run_id in part.use else None, row.per_hour, row.cost) for row in part.rows))


@dataclass(frozen=True, slots=True)
class TopFindings:
    """The dearest findings. `ready` False: nothing is judged yet. `saving`: of all of them, a month."""

    ready: bool
    findings: tuple[Counted, ...]
    all_of: int
    saving: Decimal


def top_findings(view: View, query: Query) -> TopFindings:
    """Asks for what should not cost."""
    whole = assessment(view)
    if whole is None:
        return TopFindings(False, (), 0, Decimal(0))
    live = ranked(whole.findings).live
    return TopFindings(True, live[:SHOWN_FINDINGS], len(live), sum((each.month for each in live), Decimal(0)))


@dataclass(frozen=True, slots=True)
class SourceAge:
    """How old the newest fact of a source is. `state`: live, ok, stale, down, failed, starting; `why`: of a source that
    is down."""

    name: str
    state: str
    newest: datetime | None
    age: timedelta | None
    why: str = ""

    @property
    def bad(self) -> bool:
        return self.state in ("stale", "down", "failed")


@dataclass(frozen=True, slots=True)
class Sources:
    """Every source that gave something, those that are in trouble first."""

    moment: Moment
    sources: tuple[SourceAge, ...]


def sources(view: View, query: Query) -> Sources:
    """Asks for the age of every source."""
    found = [*_collected(view), *_imported(view)]
    found.sort(key=lambda each: (not each.bad, each.age if each.age is not None else timedelta.max, each.name))
    return Sources(moment(view), tuple(found))


def _collected(view: View) -> Iterator[SourceAge]:
    for health in view.outside.get("health", ()):
        age = None if health.until is None else max(view.now - health.until, timedelta())
        state = "live" if health.state == "ok" and age is not None and age < _LIVE else health.state
        yield SourceAge(health.name, state, health.until, age, health.last_error)


def _imported(view: View) -> Iterator[SourceAge]:
    for source, until in newest(view.ask):
        age = None if until is None else max(view.now - until, timedelta())
        state = "stale" if age is not None and age > _IMPORTED else "ok"
        yield SourceAge(f"{source}, imported", state, until, age)


def source_sheet(part: Sources) -> Sheet:
    return Sheet(("source", "state", "newest", "error"), tuple(
        (each.name, each.state, each.newest, each.why) for each in part.sources))

"""GPUs: what they cost in three parts, how busy each is, and what stands idle at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.assessment import GpuPart, Heatmap
from outlay.accounting.gpu import MOST_CELLS
from outlay.detectors.endcommand import stop_endpoint, stop_run
from outlay.facts.window import Window
from outlay.questions.gpus import PARTS, utilisation
from outlay.questions.gpuuse import GROUPS, GpuFilter, GroupCost, group_costs, grouped_heat, idle_now
from outlay.questions.held import held, kind_prices
from outlay.questions.partday import midnight
from outlay.questions.runfacts import run_facts
from outlay.questions.runlist import choices
from outlay.web.devices import Block, Row, blocks, sentence
from outlay.web.pages.moment import Moment, assessment, moment
from outlay.web.part import Page, Part, Query, Sheet, View

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: Days that are looked at, today included.
PERIODS = {"2d": 2, "7d": 7, "30d": 30}
_BUCKETS_H = (1, 3, 6, 12, 24)
#: Rows of the table.
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """What the URL asks for."""

    window: Window
    period: str
    group: str
    only: GpuFilter


@dataclass(frozen=True, slots=True)
class Costs:
    """The parts of the cost and its rows by group. `rest`: groups that are not shown, and what they cost."""

    moment: Moment
    asked: Asked
    parts: tuple[GpuPart, ...]
    rows: tuple[GroupCost, ...]
    rest: int
    rest_cost: Decimal
    utilisation: float | None

    @property
    def cost(self) -> Decimal:
        return sum((part.cost for part in self.parts), Decimal(0))

    @property
    def gpu_hours(self) -> Decimal:
        return sum((part.gpu_hours for part in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True)
class Heat:
    """The heatmap with its table twin. `rows`: device, cells, mean use, share of its readings under 5%."""

    asked: Asked
    heat: Heatmap | None
    devices: int
    sentence: str
    blocks: tuple[Block, ...]
    rows: tuple[tuple[str, tuple[float | None, ...], float | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class IdleRow:
    """Devices that do nothing now. `per_hour` None: no known price. `since`: of a run, when they last did; `command`:
    what ends it."""

    run_id: str | None
    scheduler: str | None
    title: str
    owner: str | None
    team: str | None
    kind: str | None
    devices: int
    of: int
    gpu_type: str | None
    per_hour: Decimal | None
    since: datetime | None
    command: str


@dataclass(frozen=True, slots=True)
class Idle:
    """What stands idle at this moment, the dearest first."""

    moment: Moment
    rows: tuple[IdleRow, ...]

    @property
    def per_hour(self) -> Decimal:
        return sum((row.per_hour or Decimal(0) for row in self.rows), Decimal(0))

    @property
    def devices(self) -> int:
        return sum(row.devices for row in self.rows)

    @property
    def unpriced(self) -> int:
        return sum(row.devices for row in self.rows if row.per_hour is None)


@dataclass(frozen=True, slots=True)
class GpuFilters:
    """What can be chosen, and what is."""

    asked: Asked
    teams: tuple[str, ...]


def asked(query: Query, at: datetime) -> Asked:
    """What the URL asks for; what it says that is not known counts as not said."""
    said = dict(query)
    period = said.get("since", "2d") if said.get("since") in PERIODS else "2d"
    group = said.get("by", "node") if said.get("by") in GROUPS else "node"
    window = Window(midnight(at) - (PERIODS[period] - 1) * DAY, at)
    return Asked(window, period, group, GpuFilter(said.get("node", ""), said.get("team", ""), said.get("run", "")))


def gpu_costs(view: View, query: Query) -> Costs:
    """Asks for the parts, in all and by group."""
    at = moment(view)
    wanted = asked(query, at.at)
    rows = group_costs(view.ask, wanted.window, wanted.group, wanted.only, currency=view.settings.currency)
    parts = tuple(_part(part, rows) for part in PARTS)
    return Costs(at, wanted, parts if rows else (), rows[:SHOWN], max(len(rows) - SHOWN, 0),
                 sum((row.cost for row in rows[SHOWN:]), Decimal(0)), utilisation(parts))


_HOURS = {"used": "used_hours", "idle": "idle_hours", "unallocated": "free_hours", "unknown": "unknown_hours"}


def _part(part: str, rows: tuple[GroupCost, ...]) -> GpuPart:
    hours: float = sum(getattr(row, _HOURS[part]) for row in rows)
    return GpuPart(part, Decimal(str(round(hours, 6))), sum((getattr(row, part) for row in rows), Decimal(0)))


def gpu_sheet(part: Costs) -> Sheet:
    """A row a group."""
    return Sheet((part.asked.group, "owner", "team", "gpu_hours", "use", *PARTS), tuple(
        (row.name or row.label, row.owner, row.team, round(row.gpu_hours, 3), row.use,
         *(getattr(row, name) for name in PARTS)) for row in part.rows))


def gpu_heat(view: View, query: Query) -> Heat:
    """Asks for the heatmap."""
    at = moment(view)
    wanted = asked(query, at.at)
    hours = wanted.window.hours
    bucket_h = next((size for size in _BUCKETS_H if hours / size <= MOST_CELLS), _BUCKETS_H[-1])
    found = grouped_heat(view.ask, wanted.window, bucket_h * 3600, wanted.group, wanted.only)
    if found is None:
        return Heat(wanted, None, 0, "", (), ())
    lines = (Row(device, cells) for device, cells in zip(found.heat.devices, found.heat.cells, strict=True))
    return Heat(wanted, found.heat, found.devices, sentence(found.heat), blocks(found.heat),
                tuple((row.device, row.cells, row.mean, row.idle) for row in lines))


def heat_sheet(part: Heat) -> Sheet:
    """A row a device and stretch: percent; -1 where it was free, empty where nothing was read."""
    if part.heat is None:
        return Sheet(("device", "since", "use"), ())
    step = timedelta(seconds=part.heat.bucket_s)
    return Sheet(("device", "since", "use"), tuple(
        (device, part.heat.start + place * step, cell)
        for device, cells in zip(part.heat.devices, part.heat.cells, strict=True) for place, cell in enumerate(cells)))


def gpu_idle(view: View, query: Query) -> Idle:
    """Asks for what stands idle at this moment."""
    at = moment(view)
    found = idle_now(view.ask, at.at)
    currency = view.settings.currency
    runs = {run.run_id: run for run in held(view.ask, Window(at.at - HOUR, at.at), currency=currency)
            if run.goes_on(at.at)}
    kinds = kind_prices(view.ask, at.at, currency=currency)
    facts = run_facts(view.ask, [each.run_id for each in found if each.run_id in runs])
    ends = _node_commands(view)
    rows = []
    for each in found:
        if each.run_id is None:
            price = kinds.get(each.gpu_type)
            rows.append(IdleRow(None, None, each.node or "", *_node_owner(view, each.node), None, each.devices, each.of,
                                each.gpu_type, _times(price, each.devices), None, ends.get(each.node or "", "")))
        elif each.run_id in runs and (run := facts.get(each.run_id)) is not None:
            stop = stop_endpoint(run.scheduler, run.title, run.run_id) if run.kind == "endpoint" else stop_run(
                run.scheduler, run.run_id, run.name, run.kind)
            rows.append(IdleRow(
                run.run_id, run.scheduler, run.title, run.owner, run.team, run.kind, each.devices, each.of,
                each.gpu_type, _times(runs[each.run_id].price, each.devices), each.since, stop))
    return Idle(at, tuple(sorted(rows, key=lambda row: (-(row.per_hour or Decimal(0)), row.title))))


def _times(price: Decimal | None, devices: int) -> Decimal | None:
    return None if price is None else price * devices


def _node_commands(view: View) -> dict[str, str]:
    """What gives a machine back, as findings know it."""
    whole = assessment(view)
    return {claim.pot.removeprefix("node:"): each.finding.command for each in (whole.findings if whole else ())
            for claim in each.finding.claims if claim.pot.startswith("node:")}


def _node_owner(view: View, node: str | None) -> tuple[str | None, str | None]:
    """Who answers for a machine that no run holds, as findings know it."""
    whole = assessment(view)
    for each in whole.findings if whole else ():
        if any(claim.pot == f"node:{node}" for claim in each.finding.claims):
            return each.finding.owner, each.finding.team
    return None, None


def idle_sheet(part: Idle) -> Sheet:
    """A row a run, or a machine with free devices."""
    return Sheet(("run", "name", "owner", "team", "idle", "of", "gpu_type", "per_hour", "last_used", "command"), tuple(
        (row.run_id, row.title, row.owner, row.team, row.devices, row.of, row.gpu_type, row.per_hour, row.since,
         row.command) for row in part.rows))


def gpu_filters(view: View, query: Query) -> GpuFilters:
    """Asks for what can be chosen."""
    at = moment(view)
    return GpuFilters(asked(query, at.at), choices(view.ask, "team", at.at - 30 * DAY))


GPUS = Page(
    "/gpus", "gpus", "GPUs", "live/gpus.html.j2", (
        Part("gpus-costs", "live/gpus_costs.html.j2", gpu_costs, every_s=5),
        Part("gpus-filters", "live/gpus_filters.html.j2", gpu_filters, every_s=60),
        Part("gpus-heat", "live/gpus_heat.html.j2", gpu_heat, every_s=15, csv=heat_sheet),
        Part("gpus-idle", "live/gpus_idle.html.j2", gpu_idle, every_s=5, csv=idle_sheet),
        Part("gpus-groups", "live/gpus_groups.html.j2", gpu_costs, every_s=15, csv=gpu_sheet),
    ), key="g", knows={"by": "node, team or run", "since": "2d, 7d or 30d", "node": "one node", "team": "a team's runs",
                       "run": "one run"})

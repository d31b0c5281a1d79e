"""Accelerators as a page shows them: use by device and time in groups, what each group cost, and which are idle now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.accounting.assessment import Heatmap
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.gpus import PARTS, of_days
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
#: By what devices are grouped.
GROUPS = ("node", "team", "run")
#: Below this a device that is held does nothing, percent.
IDLE_PCT = 5.0
#: Devices that are drawn at most; more would be lines thinner than a pixel.
MOST_DEVICES = 256
_FREE = -1.0
#: A device in an hour in which the group of its row did not hold it, or nothing says that it did.
ABSENT = -2.0


@dataclass(frozen=True, slots=True)
class GpuFilter:
    """Which accelerators: of one node, held by one team's runs, or by one run; "" is all."""

    node: str = ""
    team: str = ""
    run: str = ""

    def __bool__(self) -> bool:
        return bool(self.node or self.team or self.run)


@dataclass(frozen=True, slots=True)
class GroupedHeat:
    """A heatmap with devices in the order of their groups; `devices` of them fit, drawn are the first."""

    heat: Heatmap
    devices: int


def heat_expr(window: Window, bucket_s: int, group: str, only: GpuFilter) -> Any:
    """Columns label (of the group; None: no run held it), node, device, bucket, read, busy, seen: as `heatmap_expr`."""
    import ibis

    hours, runs = table("gpu_hour"), table("run")
    hours = hours.filter(hours.hour >= window.since, hours.hour < window.until)
    if only.node:
        hours = hours.filter(hours.node == only.node)
    if only.run:
        hours = hours.filter(hours.run_id == only.run)
    if only.team or group in ("team", "run"):
        known = runs.group_by(of="run_id").aggregate(run_team=runs.team.max(), run_name=runs.name.max())
        hours = hours.left_join(known, hours.run_id == known.of)
        if only.team:
            hours = hours.filter(hours.run_team.isnull() & hours.run_id.notnull() if only.team == "none"
                                 else hours.run_team == only.team)
    label = {
        "node": lambda: hours.node,
        "team": lambda: ibis.ifelse(hours.run_id.isnull(), None, hours.run_team.fill_null("no team")),
        "run": lambda: ibis.ifelse(hours.run_id.isnull(), None, hours.run_name.fill_null(hours.run_id)),
    }[group]()
    bucket = (hours.hour.epoch_seconds() // bucket_s) * bucket_s
    return hours.group_by(label=label, node=hours.node, device=hours.device, bucket=bucket).aggregate(
        read=ibis.ifelse(hours.allocated, hours.read_s, 0.0).sum(),
        busy=ibis.ifelse(hours.allocated, hours.busy_s, 0.0).sum(), seen=hours.read_s.sum())


def grouped_heat(ask: Ask, window: Window, bucket_s: int, group: str, only: GpuFilter) -> GroupedHeat | None:
    """Use by device and bucket of whole hours, in groups. None where nothing was read.

    Grouped by team or run, a device has a row in each group that held it, with `ABSENT` where that did not; what nobody
    held is left out.
    """
    first = int((window.since - datetime(1970, 1, 1)).total_seconds())
    start = window.since - timedelta(seconds=first % bucket_s)
    first -= first % bucket_s
    columns = -(-int((window.until - start).total_seconds()) // bucket_s)
    cells: dict[tuple[str, str, str], list[float | None]] = {}
    for label, node, device, bucket, read, busy, seen in ask.rows(heat_expr(window, bucket_s, group, only)):
        if label is None:
            continue
        row = cells.setdefault((label, node, device), [None if group == "node" else ABSENT] * columns)
        place = (bucket - first) // bucket_s
        if read > 0:
            row[place] = min(100.0, 100 * busy / read)
        elif seen > 0:
            row[place] = _FREE
    if not cells:
        return None
    order = sorted(cells, key=lambda key: tuple(map(_natural, key)))
    shown = order[:MOST_DEVICES]
    return GroupedHeat(Heatmap(start, bucket_s, tuple(_name(*key, group) for key in shown),
                               tuple(tuple(cells[key]) for key in shown)), len(order))


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """gpu-2 before gpu-10."""
    return tuple((text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name))


def _name(label: str, node: str, device: str, group: str) -> str:
    """`gpu-01/3`: the group before the last slash, the device behind it."""
    own = device.removeprefix(node).lstrip("/:") or device
    own = re.sub(r"[/:]", " ", own)
    return f"{label}/{own}" if group == "node" else f"{label}/{node} {own}"


@dataclass(frozen=True, slots=True)
class GroupCost:
    """What the accelerators of a group cost, in parts that add up. `name` None: nobody held them. `owner`: of a run.
    `use`: busy share of what was held and read, None where nothing was."""

    name: str | None
    label: str
    scheduler: str | None
    owner: str | None
    team: str | None
    used: Decimal
    idle: Decimal
    unallocated: Decimal
    unknown: Decimal
    used_hours: float
    idle_hours: float
    free_hours: float
    unknown_hours: float

    @property
    def gpu_hours(self) -> float:
        return self.used_hours + self.idle_hours + self.free_hours + self.unknown_hours

    @property
    def use(self) -> float | None:
        measured = self.used_hours + self.idle_hours
        return self.used_hours / measured if measured else None

    @property
    def cost(self) -> Decimal:
        return self.used + self.idle + self.unallocated + self.unknown


def group_expr(window: Window, group: str, only: GpuFilter, currency: str) -> Any:
    """Columns name, scheduler, team, part, cost, seconds: whole days."""
    import ibis

    rows = only_days(of_days(table("gpu_day"), window), only)
    keys = {"node": rows.node, "team": ibis.ifelse(rows.run_id.isnull(), None, rows.team), "run": rows.run_id}
    extra = rows.scheduler if group == "run" else ibis.null("string")
    return rows.group_by(
        name=keys[group], scheduler=extra, held=rows.run_id.notnull(),
        team=rows.team if group == "run" else ibis.null("string"), part=rows.part,
    ).aggregate(cost=rows.effective_cost.sum(where=rows.currency == currency), seconds=rows.gpu_s.sum())


def only_days(rows: Any, only: GpuFilter) -> Any:
    """The rows of `gpu_day` that a filter leaves."""
    if only.node:
        rows = rows.filter(rows.node == only.node)
    if only.run:
        rows = rows.filter(rows.run_id == only.run)
    if only.team:
        rows = rows.filter(rows.run_id.notnull(),
                           rows.team.isnull() if only.team == "none" else rows.team == only.team)
    return rows


def group_costs(
    ask: Ask, window: Window, group: str, only: GpuFilter, *, currency: str = "USD"
) -> tuple[GroupCost, ...]:
    """Every group, the dearest first."""
    from outlay.questions.runfacts import run_facts

    found: dict[tuple[Any, ...], dict[str, tuple[Decimal, float]]] = {}
    for name, scheduler, held, team, part, cost, seconds in ask.rows(group_expr(window, group, only, currency)):
        # A node is one group, whoever holds it; of teams and runs, what nobody holds is one.
        key = (name, None, None) if group == "node" else (name, scheduler, team) if held else (None, None, None)
        parts = found.setdefault(key, dict.fromkeys(PARTS, (Decimal(0), 0.0)))
        known_cost, known_s = parts[part]
        parts[part] = (known_cost + (cost or Decimal(0)), known_s + seconds)
    facts = run_facts(ask, [key[0] for key in found if key[0]]) if group == "run" else {}
    rows = []
    for (name, scheduler, team), parts in found.items():
        run = facts.get(name)
        label = (run.title if run else name) or ("held by no run" if group != "team" else "no team or no run")
        used, idle, free, unknown = (parts[part] for part in PARTS)
        rows.append(GroupCost(
            name, label, scheduler, run.owner if run else None, team, used[0], idle[0], free[0], unknown[0],
            used[1] / 3600, idle[1] / 3600, free[1] / 3600, unknown[1] / 3600))
    return tuple(sorted(rows, key=lambda row: (-row.cost, row.label)))


@dataclass(frozen=True, slots=True)
class IdleDevices:
    """Devices of one run (None: free ones of one node) that did nothing in the last hour read. `since`: the last hour
    in which one of its devices did, None: never in the days looked at."""

    run_id: str | None
    node: str | None
    gpu_type: str | None
    devices: int
    of: int
    since: datetime | None


def idle_expr(at: datetime) -> Any:
    """Columns run_id, node (of free devices), gpu_type, idle, devices: of the hour before, where it was read."""
    import ibis

    rows = table("gpu_hour")
    last = at.replace(minute=0, second=0, microsecond=0)
    rows = rows.filter(rows.hour >= last - HOUR, rows.hour <= last)
    devices = rows.group_by("run_id", "node", "device").aggregate(
        gpu_type=rows.gpu_type.max(), peak=rows.peak.max(), read_s=rows.read_s.sum(), held=rows.allocated.any())
    devices = devices.filter(devices.read_s >= 900)
    node = ibis.ifelse(devices.run_id.isnull(), devices.node, None)
    return devices.group_by(run_id=devices.run_id, free=node).aggregate(
        gpu_type=devices.gpu_type.max(), idle=(devices.peak < IDLE_PCT).cast("int64").sum(), devices=devices.count())


def last_used_expr(run_ids: tuple[str, ...], since: datetime) -> Any:
    """Columns run_id, last: the last hour in which any device of a run did something."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= since, rows.run_id.isin(sorted(run_ids)), rows.peak >= IDLE_PCT)
    return rows.group_by("run_id").aggregate(last=rows.hour.max())


def idle_now(ask: Ask, at: datetime) -> tuple[IdleDevices, ...]:
    """Devices that are held, or stand free, and do nothing at this moment, as far as they are read."""
    rows = [row for row in ask.rows(idle_expr(at)) if row[3]]
    runs = tuple(row[0] for row in rows if row[0] is not None)
    used = dict(ask.rows(last_used_expr(runs, at - timedelta(days=30)))) if runs else {}
    return tuple(IdleDevices(run_id, node, gpu_type, idle, devices, used.get(run_id))
                 for run_id, node, gpu_type, idle, devices in rows)

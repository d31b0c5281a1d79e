"""What the heatmap shows, as figures: devices grouped by node, their use, and the blocks of the table twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise

from outlay.accounting.assessment import Heatmap
from outlay.accounting.figures import day, percent, plural
from outlay.questions.gpuuse import ABSENT

#: Below this share of an hour's cycles an allocated device did no work.
IDLE_PERCENT = 5
LEVELS = (IDLE_PERCENT, 20, 40, 60, 80)
FREE, UNREAD = "cu", "hatch"
#: A cell of what is not there. Nothing is drawn.
BLANK = ""

#: The space between two nodes, in rows.
_GAP = 2 / 3


@dataclass(frozen=True, slots=True)
class Row:
    """One device's figures: means are over buckets in which it was allocated and read."""

    device: str
    cells: tuple[float | None, ...]

    @property
    def busy(self) -> list[float]:
        return [cell for cell in self.cells if cell is not None and cell >= 0]

    @property
    def mean(self) -> float | None:
        return sum(self.busy) / len(self.busy) if self.busy else None

    @property
    def idle(self) -> float | None:
        """Share of its readings that are below 5%."""
        return sum(cell < IDLE_PERCENT for cell in self.busy) / len(self.busy) if self.busy else None


@dataclass(frozen=True, slots=True)
class Node:
    """Devices that stand together, by the part of their name before the last `/` or `:`."""

    name: str
    rows: tuple[Row, ...]
    top: float

    @property
    def whole(self) -> Row:
        return Row(self.name, tuple(cell for row in self.rows for cell in row.cells))


def nodes(heat: Heatmap) -> tuple[Node, ...]:
    """Devices in their order, grouped by node; what all nodes' names begin with is left off."""
    rows = [Row(device, cells) for device, cells in zip(heat.devices, heat.cells, strict=True)]
    found = [(name, tuple(group)) for name, group in groupby(rows, key=lambda row: _node_name(row.device))]
    shared = _shared_length([name for name, _ in found])
    placed: list[Node] = []
    top = 0.0
    for name, group in found:
        placed.append(Node(name[shared:], group, top))
        alone = len(group) == 1
        top += len(group) + (0 if alone else _GAP)
    return tuple(placed)


def _shared_length(names: Sequence[str]) -> int:
    """How many characters, up to a `/`, all names begin with."""
    first, last = min(names, default=""), max(names, default="")
    same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return first.rfind("/", 0, same) + 1


def _node_name(device: str) -> str:
    cut = max(device.rfind("/"), device.rfind(":"))
    return device[:cut] if cut > 0 else device


def level(cell: float | None) -> str:
    """The class of a cell: c0 idle, c1 to c5 by twenty percent, `cu` free, `hatch` not read, "" not there."""
    if cell is None:
        return UNREAD
    if cell == ABSENT:
        return BLANK
    if cell < 0:
        return FREE
    return f"c{sum(cell >= step for step in LEVELS)}"


def sentence(heat: Heatmap) -> str:
    """What the heatmap shows, in words."""
    whole = Row("", tuple(cell for cells in heat.cells for cell in cells))
    until = heat.start + timedelta(seconds=heat.bucket_s) * (len(heat.cells[0]) if heat.cells else 0)
    head = f"Use of {plural(len(heat.devices), 'GPU')} from {day(heat.start)} to {day(until)}"
    if whole.mean is None or whole.idle is None:
        return f"{head}: no reading of an allocated GPU."
    return f"{head}: {whole.mean:.0f}% on average where allocated, and {percent(whole.idle)} of readings under 5%."


@dataclass(frozen=True, slots=True)
class Block:
    """A column of the table twin: the mean use of one device in a stretch of the window."""

    name: str
    first: int
    last: int


def blocks(heat: Heatmap, most: int = 6) -> tuple[Block, ...]:
    """At most `most` stretches of equal length that cover the window."""
    columns = len(heat.cells[0]) if heat.cells else 0
    if not columns:
        return ()
    size = -(-columns // most)
    edges = [*range(0, columns, size), columns]
    starts = [heat.start + timedelta(seconds=heat.bucket_s * first) for first in edges[:-1]]
    whole_days = heat.bucket_s * size >= 86400
    names = [day(start) if whole_days else f"{day(start)} {start:%H:%M}" for start in starts]
    return tuple(Block(name, first, last) for name, (first, last) in zip(names, pairwise(edges), strict=True))


def block_use(cells: Sequence[float | None]) -> str:
    """The mean of one block in percent, `free` where it was never allocated, `unknown` where nothing was read, a dash
    where it was not there."""
    mean = Row("", tuple(cells)).mean
    if cells and all(cell == ABSENT for cell in cells):
        return "\N{EN DASH}"
    if mean is not None:
        return f"{mean:.0f}"
    return "free" if any(cell is not None and cell != ABSENT for cell in cells) else "unknown"

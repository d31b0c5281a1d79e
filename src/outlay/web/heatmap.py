"""The utilisation heatmap: one row a device, one column a bucket, drawn once and shown wide and narrow.

The cells are one path a level, in units of one cell, and both drawings point at the same paths; 128 devices over 30
days stay within about 100 KB where each cell drawn as its own shape takes megabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from markupsafe import Markup

from outlay.accounting.assessment import Heatmap
from outlay.accounting.figures import day, percent
from outlay.web.devices import BLANK, FREE, UNREAD, Node, level, nodes
from outlay.web.svg import drawing, num, shorten, text

#: Pixels of a drawing, of them for the cells, and when it is shown.
_REPORT = ((896, 720, "wide"), (328, 252, "narrow"))


def heatmap(heat: Heatmap, label: str, widths: Sequence[tuple[int, int, str]] = _REPORT) -> Markup:
    """The drawings, one for each of the widths; `label` is the sentence that they say to those who do not see them."""
    columns = len(heat.cells[0]) if heat.cells else 0
    if not columns:
        return Markup("")
    placed = nodes(heat)
    rows = placed[-1].top + len(placed[-1].rows)
    cells = drawing(
        0,
        0,
        [
            '<defs><g class="cells" id="heat-cells" shape-rendering="crispEdges">',
            *_cell_paths(placed, columns),
            "</g></defs>",
        ],
        kind="defs",
    )
    pitch, narrow_pitch = _pitches(placed, rows)
    frames = ((_Frame(width, plot, narrow_pitch if kind == "narrow" else pitch, columns, rows), kind)
              for width, plot, kind in widths)
    return cells + Markup("").join(_drawn(heat, placed, frame, label, kind) for frame, kind in frames)


def _pitches(placed: Sequence[Node], rows: float) -> tuple[float, float]:
    """Pixels a row, wide and narrow: such that all rows fit one printed page and rows and gaps end at full pixels."""
    if all(len(node.rows) == 1 for node in placed) and rows <= 56:
        return 15, 15
    pitch = next((pitch for pitch in (9, 6, 3) if pitch * rows <= 880), max(880 / rows, 1))
    return pitch, min(pitch, 6)


def _runs(cells: Sequence[float | None]) -> Iterator[tuple[str, int, int]]:
    """Stretches of one level: class, first column, length."""
    at = 0
    for kind, same in groupby(level(cell) for cell in cells):
        length = sum(1 for _ in same)
        yield kind, at, length
        at += length


def _cell_paths(placed: Sequence[Node], columns: int) -> Iterator[str]:
    """One path a level, in cell units; strokes one row wide, since a run's stroke is a third of its rectangle."""
    paths: dict[str, list[str]] = {kind: [] for kind in ("c1", "c2", "c3", "c4", "c5", "c0", FREE, UNREAD)}
    every = -(-columns // 48)
    for node in placed:
        for index, row in enumerate(node.rows):
            y = node.top + index + _MIDDLE
            ends: dict[str, int] = {}
            for kind, start, length in _runs(row.cells):
                if kind == BLANK:
                    continue
                paths[kind].append(_piece(kind, start, length, y, ends.get(kind), every))
                ends[kind] = start + length
    for kind, pieces in paths.items():
        if pieces:
            yield f'<path class="{kind}"{_dash(kind, every)} d="{"".join(pieces)}"/>'


def _piece(kind: str, start: int, length: int, y: float, end: int | None, every: int) -> str:
    if kind == FREE:
        return f"M{num(start + every * 0.4)} {y:.3f}h{num(max(length - every * 0.4, 0.1))}"
    if kind == UNREAD:
        strokes = range(start, start + length, 2 * every)
        return "".join(f"M{at} {num(y + 0.4)}l{min(2 * every, start + length - at)} -.8" for at in strokes)
    move = f"M{start} {y:.3f}" if end is None else f"m{start - end} 0"
    return f"{move}h{length}"


def _dash(kind: str, every: int) -> str:
    if kind == FREE:
        return f' stroke-dasharray="{num(every * 0.15)} {num(every * 0.85)}"'
    return ' vector-effect="non-scaling-stroke"' if kind == UNREAD else ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A drawing's size in pixels: `plot` wide cells, then names; `pitch` a row."""

    width: int
    plot: int
    pitch: float
    columns: int
    rows: float

    top = 20

    @property
    def column(self) -> float:
        return self.plot / self.columns

    @property
    def bottom(self) -> float:
        return self.top + self.rows * self.pitch


#: A row's stroke covers eight ninths of it from its top: 8 of 9 pixels, 5 of 6, so that rows part at full pixels.
_MIDDLE = 4 / 9


def _drawn(heat: Heatmap, placed: Sequence[Node], frame: _Frame, label: str, kind: str) -> Markup:
    place = f"translate(0 {frame.top}) scale({frame.column:.4f} {frame.pitch:.4f})"
    body = [f'<use href="#heat-cells" transform="{place}"/>', *_days(heat, frame), *_names(placed, frame, kind)]
    return drawing(frame.width, frame.bottom + 6, body, label, f"heat {kind}")


def _days(heat: Heatmap, frame: _Frame) -> Iterator[str]:
    """Rules at midnight (or at full hours of a short window), named above, at least 54 pixels apart."""
    hour = frame.column * 3600 / heat.bucket_s
    step = next((step for step in (1, 3, 6, 12, 24, 48, 96, 168, 336, 672) if step * hour >= 54), 2190)
    midnight = datetime.combine(heat.start.date(), datetime.min.time())
    offset = (midnight - heat.start).total_seconds() / 3600
    while offset * hour <= frame.plot - 40:
        if offset >= 0:
            moment = heat.start + timedelta(hours=offset)
            x = offset * hour
            name = day(moment) if moment == datetime.combine(moment.date(), datetime.min.time()) else f"{moment:%H:%M}"
            yield text(x, 11, name)
            if x:
                yield f'<path class="ax" d="M{num(x)} 15V{num(frame.bottom)}"/>'
        offset += step


def _names(placed: Sequence[Node], frame: _Frame, kind: str) -> Iterator[str]:
    """Nodes are named at the right, with their use; a name without room is left to the table."""
    free_from = 0.0
    brackets = any(len(node.rows) > 1 for node in placed)
    x = frame.plot + (12 if brackets else 6)
    for node in placed:
        top = frame.top + node.top * frame.pitch
        height = len(node.rows) * frame.pitch
        if brackets:
            yield f'<path class="ax" d="M{frame.plot + 3} {num(top)}h4V{num(top + height - 1)}h-4"/>'
        middle = top + height / 2 + 4
        if middle < free_from:
            continue
        mean, idle = node.whole.mean, node.whole.idle
        said = "free" if mean is None and any(cell == -1 for cell in node.whole.cells) else "no reading"
        use = said if mean is None else f"{mean:.0f}%"
        strong = "w" if idle is not None and idle >= 0.5 else "k"
        two_lines = height >= 30
        name = shorten(node.name, frame.width - x - (0 if two_lines else 40), 7)
        if two_lines:
            yield text(x, middle - 7, name, strong)
            more = f", {percent(idle)} under 5%" if kind == "wide" and idle else ""
            yield text(x, middle + 7, f"{use}{more}")
        else:
            yield f'<text x="{num(x)}" y="{num(middle)}"><tspan class="{strong}">{_escaped(name)}</tspan> {use}</text>'
        free_from = middle + (28 if two_lines else 13)


def _escaped(words: str) -> Markup:
    return Markup("%s") % words

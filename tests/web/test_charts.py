"""Charts as text: what they say, and what they draw."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

import pytest
from assessment_fixture import heatmap as fake_heatmap

from outlay.accounting.assessment import GpuPart, Heatmap, TrendDay
from outlay.web.charts import cell_bar, gpu_bar, trend
from outlay.web.devices import block_use, blocks, level, nodes, sentence
from outlay.web.heatmap import heatmap


def days(*costs: int, first: int = 1) -> tuple[TrendDay, ...]:
    return tuple(TrendDay(date(2026, 8, first + at), Decimal(cost), Decimal(cost) / 4) for at, cost in enumerate(costs))


def test_a_trend_says_its_figures_and_starts_at_zero() -> None:
    chart = trend(days(100, 300, 200), "USD")
    said = "Spend a day from 1 Aug to 3 Aug: $200 on average, at most $300 on 2 Aug. 25% bought nothing."
    assert chart.count(f'aria-label="{said}"') == 2
    assert ">$0</text>" in chart and ">$300</text>" in chart
    assert chart.count("<svg") == 2 and 'class="narrow"' in chart


def test_the_axis_covers_the_largest_day() -> None:
    chart = trend(days(16_353, 9_000), "USD")
    assert ">$20K</text>" in chart
    ys = [
        float(y) for points in re.findall(r'class="ln" d="M([^"]+)"', chart) for y in re.findall(r" ([\d.]+)", points)
    ]
    assert min(ys) >= 14


def test_days_without_facts_stay_gaps() -> None:
    chart = trend(days(5, 6) + days(7, 8, first=6), "USD")
    assert chart.count('<path class="ln" ') == 4, "two stretches in each of two drawings"


@pytest.mark.parametrize("costs", [(0,), (5,), (0, 0, 0)])
def test_little_or_no_spend_still_draws(costs: tuple[int, ...]) -> None:
    assert "<svg" in trend(days(*costs), "USD")
    assert trend((), "USD") == ""


def test_tiny_amounts_get_a_tiny_axis() -> None:
    one = (
        TrendDay(date(2026, 8, 1), Decimal("0.0042"), Decimal(0)),
        TrendDay(date(2026, 8, 2), Decimal("0.001"), Decimal(0)),
    )
    assert ">$0.0060</text>" in trend(one, "USD")


def test_bars_in_cells_share_a_scale_and_stay_visible() -> None:
    assert 'width="75" height="8"/>' in cell_bar(0.5)
    assert 'width="0.5" height="8"/>' in cell_bar(0.0001)
    assert 'width="0" height="8"/>' in cell_bar(0.0)
    assert 'x="75" y="0" width="75"' in cell_bar(0.5, to_right=True)


def test_gpu_parts_add_up_in_one_bar() -> None:
    parts = (
        GpuPart("unknown", Decimal(1), Decimal(3)),
        GpuPart("used", Decimal(50), Decimal(150)),
        GpuPart("idle", Decimal(49), Decimal(147)),
        GpuPart("unallocated", Decimal(0), Decimal(0)),
    )
    bar = gpu_bar(parts, "USD")
    assert 'aria-label="Used $150, allocated, not used $147, no reading $3"' in bar
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', bar.split("</svg>")[0])]
    assert sum(widths) + 2 * 1.5 == pytest.approx(896, abs=0.05)
    assert gpu_bar((), "USD") == ""


def test_gpu_parts_without_a_price_are_drawn_by_the_hour() -> None:
    bar = gpu_bar((GpuPart("used", Decimal(30), Decimal(0)), GpuPart("idle", Decimal(10), Decimal(0))), "USD")
    assert 'aria-label="Used 30 h, allocated, not used 10 h"' in bar


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (None, "hatch"),
        (-1, "cu"),
        (0, "c0"),
        (4.9, "c0"),
        (5, "c1"),
        (19.9, "c1"),
        (20, "c2"),
        (60, "c4"),
        (80, "c5"),
        (100, "c5"),
    ],
)
def test_levels_of_the_heatmap(cell: float | None, kind: str) -> None:
    assert level(cell) == kind


def test_a_heatmap_has_one_path_a_level_and_every_cell_in_it() -> None:
    heat = fake_heatmap(16, 60)
    drawn = heatmap(heat, "said")
    for kind in ("c0", "c1", "c2", "c3", "c4", "c5"):
        found = re.findall(rf'<path class="{kind}"[^>]* d="([^"]+)"', drawn)
        cells = sum(level(cell) == kind for row in heat.cells for cell in row)
        assert sum(int(length) for path in found for length in re.findall(r"h(\d+)", path)) == cells
        assert len(found) == (1 if cells else 0)
    assert drawn.count('href="#heat-cells"') == 2


def test_cells_stand_in_their_columns() -> None:
    heat = Heatmap(datetime(2026, 8, 1), 3600, ("n1/0",), ((90, 90, 2, 90, None, None, -1, 30),))
    drawn = heatmap(heat, "said")
    assert '<path class="c5" d="M0 0.444h2m1 0h1"/>' in drawn
    assert '<path class="c0" d="M2 0.444h1"/>' in drawn
    assert '<path class="c2" d="M7 0.444h1"/>' in drawn
    assert re.search(r'<path class="hatch"[^>]* d="M4 0.84l2 -.8"/>', drawn)
    assert re.search(r'<path class="cu"[^>]* d="M6.4 0.444h0.6"/>', drawn)


def test_devices_are_grouped_by_node_and_named_without_what_all_share() -> None:
    assert [(node.name, len(node.rows)) for node in nodes(fake_heatmap(16, 4))] == [("n01", 8), ("n02", 8)]
    alone = Heatmap(datetime(2026, 8, 1), 3600, ("GPU-1f", "GPU-2e"), ((1.0,), (2.0,)))
    assert [node.name for node in nodes(alone)] == ["GPU-1f", "GPU-2e"]


def test_figures_of_a_heatmap_leave_out_free_and_unread() -> None:
    heat = Heatmap(datetime(2026, 8, 1), 86400, ("n/0", "n/1"), ((100, 0, -1), (None, 20, -1)))
    assert (
        sentence(heat)
        == "Use of 2 GPUs from 1 Aug to 4 Aug: 40% on average where allocated, and 33% of readings under 5%."
    )
    assert [block.name for block in blocks(heat)] == ["1 Aug", "2 Aug", "3 Aug"]
    assert [block_use(cells) for cells in ((-1,), (None,), (-1, 4.0), ())] == ["free", "unknown", "4", "unknown"]
    unread = Heatmap(datetime(2026, 8, 1), 86400, ("n/0",), ((None, -1),))
    assert sentence(unread) == "Use of 1 GPU from 1 Aug to 3 Aug: no reading of an allocated GPU."


def test_names_in_a_chart_are_escaped() -> None:
    heat = Heatmap(datetime(2026, 8, 1), 3600, ("<b>/0", "<b>/1", "<i>"), ((1.0,), (2.0,), (3.0,)))
    drawn = heatmap(heat, '"quoted"')
    assert "<b>" not in drawn and "<i>" not in drawn and "&lt;b&gt;" in drawn
    assert 'aria-label="&#34;quoted&#34;"' in drawn


def test_a_heatmap_without_cells_draws_nothing() -> None:
    assert heatmap(Heatmap(datetime(2026, 8, 1), 3600, (), ()), "said") == ""

"""How many cost anomalies are found, and how many are made up, on worlds whose truth is known.

The worlds, the scorer and the four baselines are not ours: `sim/anomalies.py` of the shared evaluation files. Demand is
that of real tenants of a model service, or synthetic; both are scored apart, on seeds that no threshold was chosen on.
Bars, on each: F1 above the baseline that is best there; no more false alerts per tenant and week than it has; median
latency at most 4 h. `--worlds DIR` says where the evaluation files are (OUTLAY_SHARED, else `../shared`).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from outlay.detectors.surprises import surprises

_FIGURES = ("recall", "false_per_tenant_week", "f1", "latency_h", "excess_after_alert")
_HEADS = ("recall", "false/tenant-week", "F1", "latency h", "excess after alert")


def main() -> None:
    """Prints a table for each kind of demand, ours below the baselines, and what holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=Path, default=Path(os.environ.get("OUTLAY_SHARED", "../shared")) / "sim")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed; thresholds were chosen on 100 to 109")
    parser.add_argument("--tenants", type=int, default=40)
    args = parser.parse_args()
    file = args.worlds / "anomalies.py"
    if not file.exists():
        print(f"skipped: no {file}; name the folder of the evaluation worlds with --worlds")
        return
    sim = loaded(file)
    for data in (sim.DATA, None):
        worlds = [sim.make(seed, args.tenants, data=data) for seed in range(args.first, args.first + args.seeds)]
        table(sim, worlds)


def loaded(file: Path) -> Any:
    """The evaluation module."""
    spec = importlib.util.spec_from_file_location("anomalies_world", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def alerts(world: Any) -> np.ndarray:
    """Ours, as the scorer wants them: tenants x hours, true where an anomaly is announced."""
    found = np.zeros(world.cost_usd.shape, bool)
    for each in surprises(world.requests, world.errors, world.cost_usd):
        found[each.series, each.hour] = True
    return found


def table(sim: Any, worlds: list[Any]) -> None:
    """Means over the worlds."""
    detectors: dict[str, Callable[[Any], np.ndarray]] = {
        name: lambda world, baseline=baseline: baseline(world.cost_usd) for name, baseline in sim.BASELINES.items()}
    print(f"\n{worlds[0].source} demand, {len(worlds)} seeds x {len(worlds[0].cost_usd)} tenants, "
          f"{np.mean([len(world.anomalies) for world in worlds]):.1f} anomalies a seed")
    print(f"{'':28}" + "".join(f"{head:>20}" for head in _HEADS))
    means = {}
    for name, detector in (detectors | {"outlay": alerts}).items():
        scores = [sim.score(world, detector(world)) for world in worlds]
        means[name] = [float(np.mean([score[key] for score in scores if score[key] is not None])) for key in _FIGURES]
        print(f"{name:28}" + "".join(f"{value:20.2f}" for value in means[name]), flush=True)
    ours = means.pop("outlay")
    best = max(means, key=lambda name: means[name][2])
    holds = ours[2] > means[best][2] and ours[1] <= means[best][1] and ours[3] <= 4
    print(f"against {best}: F1 {ours[2] / means[best][2]:.2f}x, false alerts {ours[1] / means[best][1]:.2f}x, "
          f"latency {ours[3]:.1f} h (bar 4): {'holds' if holds else 'does NOT hold'}")


if __name__ == "__main__":
    main()

"""What was planted in the sample month, and in exactly which dollars. Only tests read it.

W is the month [since, until), H its hours (720), "rate" an effective cost of the bill. GPU rate = the node's hourly
effective cost / its GPUs. Metered = tokens x the prices of genai-prices, no drift; the providers' bills are 0.8 to 1.3%
above it, so that metered and reconciled dollars both lie within 2% of the truth. All figures are of W alone, also for
what began before it.

`month`, a month of 730 hours from the end of W:

- things that hold resources (zombie-run, idle-gpu, oversized-gpu, idle-endpoint): present hourly rate x 730 while they
  are still held at the end of W, 0 where they ended in it;
- everything else: dollars so far x 730 / H; 0 for what happened once (cost-anomaly, runaway-agent).

Code, its subject, and its dollars so far:

zombie-run, run id
    GPUs x GPU rate x hours from the last sign of life to the end of the run or of W. The last sign of life of a run
    that reports progress is its last progress row with a finite value (NaN is none, a spinning GPU is none); of a run
    that reports none: the end of its last sample of 5% utilisation or more. Kinds training, sweep, trial, batch.
idle-gpu, run id
    A notebook or interactive allocation none of whose samples reaches 5%: all of it, GPUs x GPU rate x hours.
idle-gpu, node name
    A node that is billed while no run holds any of its GPUs, for more than 3 days on end up to the end of W: node rate
    x those hours.
oversized-gpu, run id
    A run on which some GPUs work and others never reach 5%: the latter x GPU rate x hours.
unused-replication, name of the replica (bucket)
    All charges of that resource (storage, transfer, requests). It has a tag `replica_of`, no charge for reads in W (a
    meter with "GET" or "Retrieval"), and no purpose of disaster recovery.
snapshot-bloat, resource names
    Charges in W of resources with tag `kind` snapshot or checkpoint, tag `created` more than 30 days before the end of
    W, except the newest (by `created`) of each tag `source`.
egress, resource name
    All charges of the resource: meter "InterRegion:...", environment not production, not a replica (see above).
vector-store, index name
    Storage charges of an index (resource type "Vector index") without a charge for reads (meter with "Read") in W.
idle-endpoint, endpoint name
    Cost of its nodes in W. Fewer than one request a day on average, and no note of standby. Progress rows of metric
    `requests` hold the number of requests in the hour that begins at their time.
always-on, endpoint name
    Node rate x hours of W without a request. It is billed around the clock, and has requests in fewer than half of the
    hours.
spot-candidate, group or run id
    (1 - spot share) x the cost of runs on nodes billed on demand (PricingCategory Standard) of kind batch, sweep or
    trial, with a checkpoint at least every 30 minutes, not production. Spot share is the spot price / the price on
    demand of the instance type, as `figures` has it; the bill holds rows of both (PricingCategory Dynamic).
untagged, resource names
    No claim. `amount` is what no team is named for after the rules of the sample's outlay.yaml; what calls explain of
    the model bills belongs to their teams.
cost-anomaly, project
    The day's metered cost (`figures`: day) minus the median of the other days of that project.
experiment-rate, team
    No claim. `figures` has the number of runs of kind training, sweep or trial by the ISO week in which they started.
    All other teams stay under 20 a week, also when the trials of a sweep are counted one by one.
inference-over-training, team
    No claim. `amount` is the team's inference spend (calls, usage, endpoints, batch runs), `figures` has that and the
    training spend (runs of kind training, sweep, trial, notebook) of every team. Judged by team, where there is any
    training spend; most of its inference is neither cached nor in batches. Other teams may be found as well.
frontier-model, project
    Metered cost minus the same tokens at the price of the same provider's small model (gpt-4o -> gpt-4o-mini), for
    the task "classification", whose answers are all under 20 tokens.
system-prompt, prompt name
    (System tokens - 500) x calls x input price.
unbounded-output, prompt name
    Of calls without max_tokens: output tokens above the P95 of the prompt's first 7 days in W, x output price, over the
    days after those.
uncached-prefix, prompt name or prefix hash
    Calls whose prefix was sent less than 5 minutes before x prefix tokens x (input - cache_read price), minus the other
    calls x prefix tokens x (cache_write - input price); the latter is 0 without a write price. Calls are so dense that
    counting every call as a hit differs by about 1%. Prefix tokens: `system_tokens`.
resent-history, project
    Of the n-th call of a conversation, n > 6, the tokens beyond the opening and the last six turns: input(n-6) -
    input(1), x input price. No token of it is cached.
runaway-agent, trace id
    Metered cost of the whole trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One planted finding. A finding of `code` that names any of `subjects` is it; the dollars of several are added.

    `so_far` and `month` are None where the code claims nothing; `amount` and `figures` are then its evidence.
    """

    code: str
    subjects: tuple[str, ...]
    owner: str | None
    team: str | None
    so_far: Decimal | None
    month: Decimal | None
    explanation: str
    amount: Decimal | None = None
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoy:
    """Something that looks like waste and is not: no finding of `codes` (empty: of any code) may name a subject."""

    subjects: tuple[str, ...]
    codes: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything that the generator knows. `totals` are dollars by bill (`effective:FILE`, `billed:FILE`), `metered`
    dollars by model, `gpu_hours` GPU-hours of the Slurm cluster by part (used, idle, unallocated)."""

    seed: int
    since: datetime
    until: datetime
    planted: tuple[Planted, ...]
    decoys: tuple[Decoy, ...]
    totals: Mapping[str, Decimal]
    metered: Mapping[str, Decimal]
    gpu_hours: Mapping[str, Decimal]
    counts: Mapping[str, int]

    def write(self, path: Path) -> None:
        """As JSON; money as strings."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema": "outlay.sample-truth/1", **asdict(self)}, indent=1, default=_text) + "\n")


def _text(value: object) -> str:
    return value.isoformat() + "Z" if isinstance(value, datetime) else str(value)

"""What looks like waste in the sample month and is not."""

from __future__ import annotations

from outlay.sample.agents import Agents
from outlay.sample.cluster import Cluster
from outlay.sample.truth import Decoy


def all_decoys(cluster: Cluster, agents: Agents) -> tuple[Decoy, ...]:
    """No finding of the codes (any, where there are none) may name these."""
    running = ("zombie-run", "idle-gpu", "oversized-gpu", "spot-candidate")
    serving = ("idle-endpoint", "always-on", "idle-gpu", "zombie-run")
    return (
        Decoy(
            subjects=(cluster.production.run_id,),
            codes=running,
            why="25 days old, and a production training at 93% utilisation",
        ),
        Decoy(subjects=("recs-standby",), codes=serving, why="no traffic, but a cold standby, as its note says"),
        Decoy(subjects=("nightly-embed",), codes=serving, why="idle by day, when it is scaled to zero and not billed"),
        Decoy(
            subjects=("recs-ranker", "search-embed"),
            codes=serving,
            why="production endpoints with traffic at all hours",
        ),
        Decoy(
            subjects=("depth-sweep", *(each.run_id for each in cluster.improving)),
            codes=running,
            why="hours of low use between bursts, and a loss that falls all the while",
        ),
        Decoy(subjects=(cluster.used_notebook.run_id,), codes=running, why="low on average, used on every working day"),
        Decoy(
            subjects=(cluster.staging.run_id,),
            codes=running,
            why="its GPUs waited two hours for data, then worked for days",
        ),
        Decoy(
            subjects=("eval-nightly", *(each.run_id for each in cluster.on_spot)),
            codes=("spot-candidate",),
            why="interruptible work that runs on spot already",
        ),
        Decoy(
            subjects=(agents.long.trace_id,),
            codes=("runaway-agent",),
            why="170 calls that did a migration: other tools each time, a context that is cut back, a good end",
        ),
        Decoy(
            subjects=("code-review",), codes=("frontier-model",), why="long reasoning and long answers need the model"
        ),
        Decoy(
            subjects=("intent-detect",),
            codes=("frontier-model", "system-prompt"),
            why="classification by a small model with a short prompt",
        ),
        Decoy(
            subjects=("coding-agents", "c0d1a6e57a9e7700"),
            codes=("uncached-prefix", "resent-history"),
            why="its long prefix is read from the cache",
        ),
        Decoy(
            subjects=("shop-assistant",),
            codes=("resent-history",),
            why="as many turns, but only the last ones are sent",
        ),
        Decoy(
            subjects=("models-prod-replica-us-west-2",),
            codes=("unused-replication",),
            why="a replica for disasters, read by the restore test of every Monday",
        ),
        Decoy(subjects=("docs-v3",), codes=("vector-store",), why="the index that is asked"),
        Decoy(subjects=("cdn-assets",), codes=("egress",), why="what customers download, in production"),
    )

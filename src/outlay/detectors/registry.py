"""Every detector. A new one is one file, its test, its thresholds and one line here."""

from __future__ import annotations

from importlib import import_module

from outlay.detectors.base import Detector

#: module and class, in the order of the capabilities that they serve.
DETECTORS: tuple[tuple[str, str], ...] = (
    ("idle_gpu", "IdleGpu"),
    ("oversized_gpu", "OversizedGpu"),
    ("zombie_run", "ZombieRun"),
    ("idle_endpoint", "IdleEndpoint"),
    ("spot_candidate", "SpotCandidate"),
    ("always_on", "AlwaysOn"),
    ("experiment_rate", "ExperimentRate"),
    ("unused_replication", "UnusedReplication"),
    ("snapshot_bloat", "SnapshotBloat"),
    ("egress", "UnexplainedEgress"),
    ("vector_store", "UnusedVectorStore"),
    ("untagged", "UntaggedSpend"),
    ("cost_anomaly", "CostAnomaly"),
    ("inference_over_training", "InferenceOverTraining"),
    ("frontier_model", "FrontierModel"),
    ("system_prompt", "LongSystemPrompt"),
    ("unbounded_output", "UnboundedOutput"),
    ("uncached_prefix", "UncachedPrefix"),
    ("resent_history", "ResentHistories"),
    ("runaway_agent", "RunawayAgent"),
)


def all_detectors() -> tuple[Detector, ...]:
    """One instance of every detector."""
    return tuple(getattr(import_module(f"outlay.detectors.{module}"), name)() for module, name in DETECTORS)

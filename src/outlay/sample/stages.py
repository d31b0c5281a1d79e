"""What every team of the sample month spends on inference and on training."""

from __future__ import annotations

from decimal import Decimal

from outlay.sample.cluster import Cluster
from outlay.sample.endpoints import Endpoint
from outlay.sample.planted_tokens import Traffic
from outlay.sample.scenario import Scenario
from outlay.sample.traffic import Calls, Meter
from outlay.sample.truth import Planted
from outlay.sample.usage import reported

#: Teams of the keys that the provider reports usage of, as settings.yaml says.
_KEY_TEAMS = {"key_frames_labelling": "vision", "key_docs_ingest": "search"}
_TRAINING = ("training", "sweep", "trial", "notebook")


def inference_over_training(
    scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...], traffic: Traffic
) -> Planted:
    """The support team: all of its answers are bought by the token, and it hardly trains."""
    training = {team: Decimal(0) for team in scenario.plan["teams"]}
    inference = _token_spend(scenario, traffic)
    for endpoint in endpoints:
        inference[endpoint.team] += endpoint.cost
    for numbered in cluster.jobs:
        stage = training if numbered.job.kind in _TRAINING else inference
        stage[numbered.job.team] += numbered.job.cost()
    figures = {f"inference {team}": f"{inference[team]:.2f}" for team in training}
    figures |= {f"training {team}": f"{amount:.2f}" for team, amount in training.items()}
    return Planted(
        code="inference-over-training",
        subjects=("support-ai",),
        owner=None,
        team="support-ai",
        so_far=None,
        month=None,
        amount=inference["support-ai"],
        explanation="inference is a multiple of training, and nothing of it is cached or in batches",
        figures=figures,
    )


def _token_spend(scenario: Scenario, traffic: Traffic) -> dict[str, Decimal]:
    """Metered dollars of calls, buckets, agents and reported usage by team."""
    totals: dict[str, Decimal] = {team: Decimal(0) for team in scenario.plan["teams"]}
    for calls in traffic.products.values():
        for team, cost in _by_team(calls, traffic.meter).items():
            totals[team] += cost
    for each in traffic.buckets.values():
        price = traffic.meter.price(each.model)
        totals[each.team] += price.cost(int(each.input_tokens.sum()), 0, 0, int(each.output_tokens.sum()))
    for trace in traffic.agents.traces:
        read = int(trace.cache_read.sum())
        totals[trace.team] += traffic.meter.price(trace.model).cost(
            int(trace.input_tokens.sum()) - read, read, 0, int(trace.output_tokens.sum())
        )
    for days in reported(scenario).values():
        for day in days:
            price = traffic.meter.price(day.model)
            totals[_KEY_TEAMS[day.key]] += price.cost(day.input_tokens, 0, 0, day.output_tokens)
    return totals


def _by_team(calls: Calls, meter: Meter) -> dict[str, Decimal]:
    import numpy as np

    price = meter.price(calls.model)
    if "team" in calls.tags:
        return {calls.tags["team"]: calls.cost(price)}
    teams = np.asarray(calls.columns["team"])
    return {
        str(team): price.cost(
            int(calls.fresh[teams == team].sum()),
            int(calls.cache_read_tokens[teams == team].sum()),
            int(calls.cache_write_tokens[teams == team].sum()),
            int(calls.output_tokens[teams == team].sum()),
        )
        for team in np.unique(teams)
    }

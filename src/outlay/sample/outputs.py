"""Valuable outputs of the sample month: what the spend was for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from outlay.sample.endpoints import Endpoint
from outlay.sample.scenario import DAYS, Scenario
from outlay.sample.usage import Buckets

COLUMNS = ("time", "output_id", "kind", "count", "value", "currency", "task", "team", "project")


def output_rows(
    scenario: Scenario, endpoints: tuple[Endpoint, ...], buckets: Mapping[str, Buckets]
) -> Iterator[tuple[object, ...]]:
    """Header, then one row a day and kind."""
    yield COLUMNS
    ranker = next(endpoint for endpoint in endpoints if endpoint.name == "recs-ranker")
    support = buckets["support-answers"]
    rng = scenario.rng("outputs")
    for day in range(DAYS):
        hours = slice(day * 24, day * 24 + 24)
        moment = (scenario.since + timedelta(days=day)).isoformat() + "Z"
        # Several calls go into a ticket, and not every ticket is resolved.
        tickets = int(support.requests[hours].sum() * rng.uniform(0.036, 0.04))
        # Retries of the spike's day read the same invoices again.
        documents = int(scenario.vary("documents", 2400) * rng.normal(1, 0.03))
        for kind, count, value, task, team, project in (
            ("tickets_resolved", tickets, f"{tickets * 31 // 10}.00", "answer", "support-ai", "support-answers"),
            ("predictions", int(ranker.requests[hours].sum()) * 12, None, "ranking", "growth", "recs-ranker"),
            ("documents", documents, None, "extraction", "growth", "invoice-extraction"),
        ):
            yield (
                moment,
                f"{kind}-{day + 1:02d}",
                kind,
                count,
                value or "",
                "USD" if value else "",
                task,
                team,
                project,
            )

"""Usage of the sample month that comes as buckets: too many calls to log one by one, or a provider's own report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outlay.sample.scenario import DAYS, HOURS, Scenario
from outlay.sample.traffic import ACCOUNTS, PROVIDERS, Meter, epoch

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: Tokens of the support prompt, and calls a day that send it.
SUPPORT_PROMPT, SUPPORT_CALLS = 800, 500_000
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Buckets:
    """Hourly buckets of one product. Arrays have one element an hour of the month."""

    name: str
    model: str
    team: str
    owner: str
    task: str
    system: int
    max_tokens: int
    requests: np.ndarray
    input_tokens: np.ndarray
    output_tokens: np.ndarray

    def meter(self, meter: Meter) -> None:
        """Adds them to what the provider will bill."""
        import numpy as np

        meter.add(self.model, np.arange(HOURS) // 24, fresh=self.input_tokens, output=self.output_tokens)

    def table(self, scenario: Scenario) -> pa.Table:
        """With the columns of `facts.Usage`; team and the like are further columns."""
        import numpy as np
        import pyarrow as pa

        start = epoch(scenario) + np.arange(HOURS) * _HOUR_US
        same = {
            "provider": PROVIDERS[self.model],
            "model": self.model,
            "operation": "chat",
            "account": ACCOUNTS[PROVIDERS[self.model]],
            "task": self.task,
            "prompt": self.name,
            "prompt_version": "15",
            "team": self.team,
            "owner": self.owner,
            "project": self.name,
            "environment": "production",
        }
        return pa.table(
            {
                "start": pa.array(start.astype("datetime64[us]")),
                "end": pa.array((start + _HOUR_US).astype("datetime64[us]")),
                "requests": pa.array(self.requests),
                "input_tokens": pa.array(self.input_tokens),
                "output_tokens": pa.array(self.output_tokens),
                "system_tokens": pa.array(self.requests * self.system),
                "max_tokens": pa.array(np.full(HOURS, self.max_tokens)),
                **{name: pa.array([value] * HOURS) for name, value in same.items()},
            }
        )


def support_answers(scenario: Scenario) -> Buckets:
    """Planted: 800 tokens of instructions on half a million calls a day."""
    import numpy as np

    rng = scenario.rng("support")
    hour = np.arange(24)
    shape = 1 + 0.55 * np.cos((hour - 15) / 24 * 2 * np.pi)
    requests = np.zeros(HOURS, dtype=np.int64)
    for day in range(DAYS):
        weight = shape * rng.normal(1, 0.03, 24)
        counts = np.floor(SUPPORT_CALLS * weight / weight.sum()).astype(np.int64)
        counts[15] += SUPPORT_CALLS - counts.sum()
        requests[day * 24 : day * 24 + 24] = counts
    question, answer = scenario.vary("support question", 130), scenario.vary("support answer", 120)
    return Buckets(
        "support-answers",
        "gpt-4o",
        "support-ai",
        scenario.person("support-ai", "support").login,
        "answer",
        SUPPORT_PROMPT,
        400,
        requests,
        (requests * (SUPPORT_PROMPT + question) * rng.normal(1, 0.004, HOURS)).astype(np.int64),
        (requests * answer * rng.normal(1, 0.004, HOURS)).astype(np.int64),
    )


def spike_day(scenario: Scenario) -> int:
    """The day of the month, from 0, on which invoices are read over and over: a working day in its middle."""
    days = [day for day in scenario.weekdays() if 12 <= day <= 23]
    return days[int(scenario.rng("spike day").integers(len(days)))]


def invoice_extraction(scenario: Scenario) -> Buckets:
    """Planted: on one afternoon a retry loop multiplies the calls; on all other days they are as ever."""
    import numpy as np

    rng = scenario.rng("extraction")
    each = scenario.vary("extraction", 240)
    requests = (each * rng.normal(1, 0.03, HOURS)).astype(np.int64)
    afternoon = spike_day(scenario) * 24 + 13
    requests[afternoon : afternoon + 9] = (requests[afternoon : afternoon + 9] * scenario.vary("spike", 17)).astype(
        np.int64
    )
    return Buckets(
        "invoice-extraction",
        "claude-sonnet-4-5",
        "growth",
        scenario.person("growth", "extraction").login,
        "extraction",
        440,
        2000,
        requests,
        requests * 8600,
        requests * 640,
    )


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """What the provider's usage API says of one project and key on one day."""

    day: int
    project: str
    key: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int


def reported(scenario: Scenario) -> dict[str, tuple[ReportedDay, ...]]:
    """By endpoint of the usage API (`completions`, `embeddings`): what reaches the provider from batch jobs."""
    rng = scenario.rng("reported")
    completions, embeddings = [], []
    for day in range(DAYS):
        requests = int(scenario.vary("labelling", 52_000) * rng.normal(1, 0.03))
        completions.append(
            ReportedDay(
                day, "frames-labelling", "key_frames_labelling", "gpt-4.1-mini", requests, requests * 910, requests * 46
            )
        )
        requests = int(scenario.vary("ingest", 61_000) * rng.normal(1, 0.04))
        embeddings.append(
            ReportedDay(day, "docs-ingest", "key_docs_ingest", "text-embedding-3-small", requests, requests * 3900, 0)
        )
    return {"completions": tuple(completions), "embeddings": tuple(embeddings)}


def meter_reported(days: tuple[ReportedDay, ...], meter: Meter) -> None:
    """Adds them to what the provider will bill."""
    import numpy as np

    for each in days:
        meter.add(
            each.model, np.array([each.day]), fresh=np.array([each.input_tokens]), output=np.array([each.output_tokens])
        )


def usage_page(scenario: Scenario, endpoint: str, days: tuple[ReportedDay, ...]) -> str:
    """One page of OpenAI's organisation usage API, with daily buckets grouped by project, key and model."""
    start = epoch(scenario) // 1_000_000
    buckets = []
    for each in days:
        result: dict[str, Any] = {
            "object": f"organization.usage.{endpoint}.result",
            "input_tokens": each.input_tokens,
            "num_model_requests": each.requests,
            "project_id": each.project,
            "user_id": None,
            "api_key_id": each.key,
            "model": each.model,
        }
        if endpoint == "completions":
            result |= {
                "output_tokens": each.output_tokens,
                "input_cached_tokens": 0,
                "input_audio_tokens": 0,
                "output_audio_tokens": 0,
                "batch": False,
                "service_tier": "default",
            }
        buckets.append(
            {
                "object": "bucket",
                "start_time": start + 86_400 * each.day,
                "end_time": start + 86_400 * (each.day + 1),
                "results": [result],
            }
        )
    return json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}, indent=1) + "\n"

"""Model calls in columns: many at once, counted for the providers' bills as they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outlay.sample.scenario import DAYS, Scenario
from outlay.sample.token_price import TokenPrice, token_price

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

ACCOUNTS = {"openai": "org-halyard", "anthropic": "halyard-anthropic"}
#: Provider of each model that the sample uses.
PROVIDERS = {
    "gpt-4o": "openai",
    "gpt-4o-mini": "openai",
    "gpt-4.1": "openai",
    "gpt-4.1-mini": "openai",
    "o3": "openai",
    "text-embedding-3-small": "openai",
    "claude-sonnet-4-5": "anthropic",
    "claude-haiku-4-5": "anthropic",
    "claude-opus-4-1": "anthropic",
    "claude-opus-4-5": "anthropic",
}
#: Microseconds.
_SECOND, _DAY = 1_000_000, 86_400_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one model, by day of the month; `fresh` is input that is neither read from nor written to a cache."""

    fresh: np.ndarray
    cache_read: np.ndarray
    cache_write: np.ndarray
    output: np.ndarray


class Meter:
    """Counts what every model was asked and answered on every day."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._days: dict[str, Tokens] = {}

    def add(self, model: str, day: np.ndarray, **tokens: np.ndarray) -> None:
        """Token counts of calls or buckets, and the days they fall on."""
        import numpy as np

        if model not in self._days:
            self._days[model] = Tokens(*(np.zeros(DAYS, dtype=np.int64) for _ in fields(Tokens)))
        for kind, counts in tokens.items():
            np.add.at(getattr(self._days[model], kind), day, counts)

    def price(self, model: str) -> TokenPrice:
        return token_price(PROVIDERS[model], model, self._scenario.since)

    @property
    def days(self) -> Mapping[str, Tokens]:
        """By model, in order of their names."""
        return dict(sorted(self._days.items()))

    def cost(self, model: str) -> Decimal:
        """Dollars of the month."""
        return self.price(model).cost(*(int(getattr(self._days[model], f.name).sum()) for f in fields(Tokens)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of one product to one model. Arrays are as long as `time` (microseconds since the epoch, ascending).

    `shared` are fact columns that are the same for all calls, `tags` further columns; `columns` further arrays.
    """

    name: str
    model: str
    time: np.ndarray
    input_tokens: np.ndarray
    output_tokens: np.ndarray
    cache_read_tokens: np.ndarray
    cache_write_tokens: np.ndarray
    shared: Mapping[str, Any]
    tags: Mapping[str, str]
    columns: Mapping[str, Any] = field(default_factory=dict)

    def days(self, scenario: Scenario) -> np.ndarray:
        """Day of the month of every call."""
        return (self.time - epoch(scenario)) // _DAY

    @property
    def fresh(self) -> np.ndarray:
        fresh: np.ndarray = self.input_tokens - self.cache_read_tokens - self.cache_write_tokens
        return fresh

    def meter(self, scenario: Scenario, meter: Meter) -> None:
        """Adds them to what the provider will bill."""
        meter.add(
            self.model,
            self.days(scenario),
            fresh=self.fresh,
            cache_read=self.cache_read_tokens,
            cache_write=self.cache_write_tokens,
            output=self.output_tokens,
        )

    def cost(self, price: TokenPrice) -> Decimal:
        return price.cost(
            int(self.fresh.sum()),
            int(self.cache_read_tokens.sum()),
            int(self.cache_write_tokens.sum()),
            int(self.output_tokens.sum()),
        )

    def table(self, scenario: Scenario) -> pa.Table:
        """With the columns of `facts.Call`, in order of time; tags are further columns."""
        import numpy as np
        import pyarrow as pa

        size = len(self.time)
        rng = scenario.rng(f"table {self.name}")
        provider = PROVIDERS[self.model]
        prefix = "chatcmpl" if provider == "openai" else "msg"
        duration = 240 + self.output_tokens * rng.uniform(9, 16, size) + self.input_tokens * 0.01
        same = {
            "provider": provider,
            "model": self.model,
            "operation": "chat",
            "account": ACCOUNTS[provider],
            "status": "ok",
            "finish_reason": "stop",
            **self.shared,
            **self.tags,
        }
        arrays: dict[str, Any] = {
            "time": pa.array(self.time.astype("datetime64[us]")),
            "duration_ms": pa.array(duration.astype(np.int64)),
            "response_id": pa.array([f"{prefix}-{self.name}-{scenario.seed:x}-{number:06x}" for number in range(size)]),
            "input_tokens": pa.array(self.input_tokens),
            "output_tokens": pa.array(self.output_tokens),
            "cache_read_tokens": pa.array(self.cache_read_tokens),
            "cache_write_tokens": pa.array(self.cache_write_tokens),
        }
        for name, value in same.items():
            arrays[name] = pa.array([value] * size) if value is not None else pa.nulls(size)
        for name, values in self.columns.items():
            arrays[name] = pa.array(values)
        return pa.table(arrays)


def epoch(scenario: Scenario) -> int:
    """The month's start in microseconds."""
    import calendar

    return calendar.timegm(scenario.since.timetuple()) * _SECOND


def spread_times(
    scenario: Scenario, stream: str, count: int, *, hours: tuple[float, float] = (0, 24), weekend: float = 1.0
) -> np.ndarray:
    """`count` moments of the month, ascending, within the hours of the day; `weekend` is a weekend day's weight."""
    import numpy as np

    rng = scenario.rng(f"times {stream}")
    weight = np.array([1.0 if (scenario.since + timedelta(days=d)).weekday() < 5 else weekend for d in range(DAYS)])
    day = rng.choice(DAYS, size=count, p=weight / weight.sum())
    hour = rng.uniform(*hours, count)
    moments: np.ndarray = np.sort(epoch(scenario) + day * _DAY + (hour * 3600 * _SECOND).astype(np.int64))
    return moments


def lognormal(rng: np.random.Generator, median: float, sigma: float, size: int, low: int, high: int) -> np.ndarray:
    """Whole token counts around a median."""
    import numpy as np

    counts: np.ndarray = np.clip(median * np.exp(rng.normal(0, sigma, size)), low, high).astype(np.int64)
    return counts

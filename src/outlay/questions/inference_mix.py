"""What teams spend on inference and on training, and how much of the inference is bought the cheap way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: Service tiers at which providers sell at about half the price.
DEFERRED = ("batch", "flex")
#: What the name, the note or a label of an endpoint says of a model with fewer bits.
QUANTISED = (r"(^|[^a-z0-9])(int8|int4|fp8|fp4|nf4|w8a8|w4a16|awq|gptq|gguf|[48]-?bit|quanti[sz]ed)([^a-z0-9]|$)|"
             r"[^a-z0-9]q[48]_[0-9k]")
_TAGS = ("quantization", "quantisation", "precision", "dtype", "model")


@dataclass(frozen=True, slots=True)
class TokenSpend:
    """Model calls of a team to one model for one task, metered US dollars. `deferred`: in batches or flex. Tokens of
    input, and of these what was read from a cache."""

    provider: str | None
    model_key: str | None
    task: str | None
    cost: Decimal
    deferred: Decimal
    input_tokens: int
    cache_read_tokens: int


def stage_spend_expr(window: Window) -> Any:
    """Columns team, stage, cost: counted dollars."""
    rows = table("cost_day")
    rows = rows.filter(rows.day >= window.since, rows.day < window.until, rows.currency == "USD", rows.team.notnull(),
                       rows.stage.isin(("inference", "training")))
    return rows.group_by("team", "stage").aggregate(cost=rows.effective_cost.sum())


def stage_spend(ask: Ask, window: Window) -> Mapping[str, Mapping[str, Decimal]]:
    """Dollars by team of the stages `inference` and `training`."""
    spend: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for team, stage, cost in ask.rows(stage_spend_expr(window)):
        spend[team][stage] = cost or Decimal(0)
    return spend


def token_spend_expr(window: Window, teams: Collection[str]) -> Any:
    """Columns team, then those of `TokenSpend`."""
    columns = ("team", "provider", "model_key", "task", "cost", "service_tier", "input_tokens", "cache_read_tokens")
    calls, usage = table("call"), table("usage")
    calls = calls.filter(calls.time >= window.since, calls.time < window.until, calls.team.isin(sorted(teams)))
    usage = usage.filter(usage.start >= window.since, usage.start < window.until, usage.team.isin(sorted(teams)))
    return _summed(calls.select(*columns)).union(_summed(usage.select(*columns)))


def _summed(rows: Any) -> Any:
    deferred = rows.service_tier.isin(DEFERRED).fill_null(False)
    return rows.group_by("team", "provider", "model_key", "task").aggregate(
        paid=rows.cost.sum().cast("decimal(38,12)"), deferred=rows.cost.sum(where=deferred).cast("decimal(38,12)"),
        fresh=rows.input_tokens.sum(), cached=rows.cache_read_tokens.sum())


def token_spend(ask: Ask, window: Window, teams: Collection[str]) -> Mapping[str, tuple[TokenSpend, ...]]:
    """The calls and usage buckets of each of the teams."""
    spend: dict[str, list[TokenSpend]] = defaultdict(list)
    for team, provider, model, task, cost, deferred, given, cached in ask.rows(token_spend_expr(window, teams)):
        spend[team].append(TokenSpend(
            provider, model, task, cost or Decimal(0), deferred or Decimal(0), int(given or 0), int(cached or 0)))
    return {team: tuple(parts) for team, parts in spend.items()}


def serving_spend_expr(window: Window, teams: Collection[str]) -> Any:
    """Columns team, how, cost: counted dollars of batch runs, and of endpoints that serve a quantised model."""
    import ibis

    runs, rows = table("run"), table("cost_day")
    words = ibis.literal(" ").join([
        runs.name.fill_null(""), runs.endpoint.fill_null(""), runs.note.fill_null(""),
        *(runs.tags.get(key, ibis.null("string")).fill_null("") for key in _TAGS)]).lower()
    quantised = (runs.kind == "endpoint") & words.re_search(QUANTISED)
    how = ibis.cases((runs.kind == "batch", "batch"), (quantised, "quantised"))
    known = runs.select("run_id", how=how)
    known = known.filter(known.how.notnull()).group_by("run_id").aggregate(how=known.how.min())
    rows = rows.filter(rows.day >= window.since, rows.day < window.until, rows.currency == "USD",
                       rows.stage == "inference", rows.team.isin(sorted(teams)), rows.run_id.notnull())
    found = rows.join(known, "run_id")
    return found.group_by("team", "how").aggregate(cost=found.effective_cost.sum())


def serving_spend(ask: Ask, window: Window, teams: Collection[str]) -> Mapping[tuple[str, str], Decimal]:
    """Dollars by team of runs that infer in batches (`batch`) and of serving quantised models (`quantised`)."""
    return {(team, how): cost or Decimal(0) for team, how, cost in ask.rows(serving_spend_expr(window, teams))}

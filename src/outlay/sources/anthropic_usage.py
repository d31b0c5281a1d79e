"""Anthropic organisation usage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from outlay.facts import Fact, Notice, Reject, Usage
from outlay.sources.base import RowSource
from outlay.sources.csv_rows import csv_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.record import MOST_BUCKET_TOKENS, BadRow, Record
from outlay.sources.report_pages import Result, report_results
from outlay.sources.service_tiers import service_tier, tier_tag
from outlay.sources.token_counts import reported_input

_CSV_COLUMNS = frozenset({"usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens"})
#: How reports write the band of context lengths that sets the price, to a length within it.
_CONTEXTS = {"0-200k": 200_000, "\u2264200k": 200_000, "<=200k": 200_000, "200k-1m": 1_000_000, ">200k": 1_000_000}
#: What stands for "this model does not let one choose where it runs".
_NO_GEO = ("not_available", "none")


class AnthropicUsage(RowSource):
    """Tokens of an Anthropic organisation, summed by minute, hour or day.

    **Get it** from the Admin API with an admin key, grouped by as much as you want to tell apart:

        curl -H "x-api-key: $ANTHROPIC_ADMIN_KEY" -H "anthropic-version: 2023-06-01" \\
          "https://api.anthropic.com/v1/organizations/usage_report/messages?starting_at=2026-01-01T00:00:00Z\\
        &bucket_width=1d&limit=31&group_by[]=model&group_by[]=workspace_id&group_by[]=api_key_id\\
        &group_by[]=service_tier&group_by[]=context_window" >> usage.jsonl

    Group every request alike: the same tokens by model and again by workspace would count twice. Further pages
    (`next_page`) go into the same file. Or in the Console: Usage, Export (CSV).

    **It gives** usage buckets by model, workspace, key, tier and context length. Anthropic counts cached tokens outside
    of input; here they are included, as everywhere in Outlay.

    **It cannot know** how many calls there were, prompts, agents, or money; import the cost report (`anthropic-costs`)
    beside it. Web searches and code execution are not tokens: their money comes from the cost report.
    """

    code: ClassVar[str] = "anthropic-usage"
    title: ClassVar[str] = "Anthropic usage report (API pages or Console CSV)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Usage,)
    authority: ClassVar[str] = "provider"

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        for prefix in ("data.", ""):
            if f"{prefix}starting_at" in paths and f"{prefix}results" in paths:
                return f"{prefix}results.amount" not in paths
        return _CSV_COLUMNS.issubset(file.csv_header)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        if file.json_paths:
            yield from report_results(file, "starting_at", "ending_at", _result_usage)
        else:
            yield from _csv_usage(file)


@dataclass(frozen=True, slots=True)
class _Names:
    """What the API's results and the CSV's columns call the same things."""

    uncached: str
    cache_read: str
    write_5m: str
    write_1h: str
    output: str


_API = _Names(
    "uncached_input_tokens", "cache_read_input_tokens", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens",
    "output_tokens",
)
_CSV = _Names(
    "usage_input_tokens_no_cache", "usage_input_tokens_cache_read", "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h", "usage_output_tokens",
)


def _result_usage(result: Result) -> Usage:
    row = result.record
    writes = row.record("cache_creation")
    return _usage(result.start, result.end, row, writes, _API)


def _csv_usage(file: InputFile) -> Iterator[Fact | Reject]:
    for entry in csv_rows(file):
        if isinstance(entry, Reject):
            yield entry
            continue
        line, row = entry
        try:
            start, end = console_period(row)
            yield _usage(start, end, row, row, _CSV)
        except BadRow as bad:
            yield bad.reject(line, row.raw(row.values))


def _usage(start: datetime, end: datetime | None, row: Record, writes: Record, names: _Names) -> Usage:
    tier = row.text("service_tier", "usage_type")
    if tier == "message":  # what older exports called everything that is no batch
        tier = None
    uncached = row.count(names.uncached, most=MOST_BUCKET_TOKENS)
    if uncached is None:
        raise row.bad(names.uncached, "is missing")
    written_1h = writes.count(names.write_1h, most=MOST_BUCKET_TOKENS)
    # Exports of before the one-hour lifetime name one column for all cache writes.
    written_5m = writes.count(names.write_5m, "usage_input_tokens_cache_write", most=MOST_BUCKET_TOKENS)
    written = None if written_5m is None and written_1h is None else (written_5m or 0) + (written_1h or 0)
    tokens = reported_input(
        "anthropic",
        uncached,
        cache_read=row.count(names.cache_read, most=MOST_BUCKET_TOKENS),
        cache_write=written,
        cache_write_1h=written_1h,
    )
    return Usage(
        start=start,
        end=end,
        provider="anthropic",
        model=row.text("model", "model_version"),
        operation="chat",
        input_tokens=tokens.total,
        output_tokens=row.count(names.output, most=MOST_BUCKET_TOKENS),
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=tokens.cache_write_1h,
        service_tier=service_tier(tier),
        context_tokens=context_tokens(row),
        region=inference_region(row),
        api_key=row.text("api_key", "api_key_id"),
        user=row.text("account_id", "service_account_id"),
        tags=workspace_tags(row) | tier_tag(tier) | _distinguishing(row),
    )


def _distinguishing(row: Record) -> dict[str, str]:
    """What else tells results of one bucket apart; without it two of them would pass for one reading."""
    key_id = row.text("api_key_id") if row.has("api_key") else None
    values = {"context_window": row.text("context_window"), "api_key_id": key_id}
    return {name: value for name, value in values.items() if value}


def console_period(row: Record) -> tuple[datetime, datetime]:
    """The day, or the hour where the export was made by hours, of `usage_date_utc`. Raises `BadRow` without one."""
    start = row.time("usage_date_utc")
    if start is None:
        raise row.bad("usage_date_utc", "is missing")
    by_day = len(row.text("usage_date_utc") or "") <= len("2026-01-01")
    return start, start + (timedelta(days=1) if by_day else timedelta(hours=1))


def context_tokens(row: Record) -> int | None:
    """A context length within the row's price band; None where the row is of all bands together."""
    band = (row.text("context_window") or "").replace(" ", "").lower()
    return _CONTEXTS.get(band)


def inference_region(row: Record) -> str | None:
    """Where inference ran (`us`, `global`), where the model's price may depend on it."""
    geo = row.text("inference_geo")
    return None if geo in _NO_GEO else geo


def workspace_tags(row: Record) -> dict[str, str]:
    """The workspace by name or id (the default workspace has none), and the speed where it is not the standard one."""
    speed = row.text("speed")
    tags = {"workspace": row.text("workspace", "workspace_id"), "speed": None if speed == "standard" else speed}
    return {key: value for key, value in tags.items() if value}

"""OpenAI organisation usage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from outlay.facts import Fact, Notice, Reject, Usage
from outlay.sources.base import RowSource
from outlay.sources.csv_rows import csv_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.record import MOST_BUCKET_TOKENS, BadRow, Record
from outlay.sources.report_pages import Result, bucket_bounds, report_results
from outlay.sources.service_tiers import service_tier, tier_tag
from outlay.sources.token_counts import reported_input

_PREFIX, _SUFFIX = "organization.usage.", ".result"
#: What OpenAI's usage endpoints are about, as operations of OpenTelemetry where it has a name.
_OPERATIONS = {"completions": "chat"}
_CSV_COLUMNS = frozenset({"start_time", "num_model_requests", "project_id"})


class OpenAIUsage(RowSource):
    """Tokens and requests of an OpenAI organisation, summed by minute, hour or day.

    **Get it** from the usage API with an admin key, grouped by as much as you want to tell apart:

        curl -H "Authorization: Bearer $OPENAI_ADMIN_KEY" \\
          "https://api.openai.com/v1/organization/usage/completions?start_time=1767225600&bucket_width=1d&limit=31\\
        &group_by=model&group_by=project_id&group_by=api_key_id&group_by=batch&group_by=service_tier" >> usage.jsonl

    Group every request alike: the same tokens by model and again by project would count twice. Further pages
    (`next_page`) and endpoints (`embeddings`, `moderations`, `images`, ...) go into the same file. Or in the console:
    Usage, Export, usage data (CSV).

    **It gives** usage buckets by model, project, user, key and tier. OpenAI counts cached tokens within input.

    **It cannot know** single calls, prompts, agents, or money; import the costs export (`openai-costs`) beside it.
    Images, seconds, characters, stored bytes and sessions are not tokens: their rows count requests alone, or are left
    out, and their money comes from the costs export.
    """

    code: ClassVar[str] = "openai-usage"
    title: ClassVar[str] = "OpenAI organisation usage (API pages or console CSV)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Usage,)
    authority: ClassVar[str] = "provider"

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        for prefix in ("data.", ""):
            if f"{prefix}start_time" in paths and f"{prefix}results" in paths:
                return f"{prefix}results.amount" not in paths
        return _CSV_COLUMNS.issubset(file.csv_header)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        left_out = _LeftOut()
        if file.json_paths:
            yield from report_results(file, "start_time", "end_time", left_out.usage_of_result)
        else:
            yield from _csv_usage(file, left_out)
        yield from left_out.notices()


@dataclass(slots=True)
class _LeftOut:
    """Makes usage of results, and remembers the kinds that have neither tokens nor requests."""

    kinds: set[str] = field(default_factory=set)

    def usage_of_result(self, result: Result) -> Usage | None:
        return self.usage(result.start, result.end, result.record)

    def usage(self, start: datetime, end: datetime | None, row: Record) -> Usage | None:
        kind = (row.text("object") or "").removeprefix(_PREFIX).removesuffix(_SUFFIX)
        if not row.has("input_tokens", "output_tokens", "num_model_requests"):
            self.kinds.add(kind.replace("_", " ") or "rows")
            return None
        return _usage(start, end, kind, row)

    def notices(self) -> Iterator[Notice]:
        if self.kinds:
            kinds = ", ".join(sorted(self.kinds))
            yield Notice(f"Counted neither in tokens nor requests, so left out: {kinds}. The costs have their money.")


def _csv_usage(file: InputFile, left_out: _LeftOut) -> Iterator[Fact | Reject]:
    for entry in csv_rows(file):
        if isinstance(entry, Reject):
            yield entry
            continue
        line, row = entry
        if not row.has("num_model_requests", "input_tokens", "output_tokens"):
            continue  # the export writes a row for each period in which there was nothing
        try:
            start, end = bucket_bounds(row, "start_time", "end_time")
            usage = left_out.usage(start, end, row)
        except BadRow as bad:
            yield bad.reject(line, row.raw(row.values))
            continue
        if usage is not None:
            yield usage


def _usage(start: datetime, end: datetime | None, kind: str, row: Record) -> Usage:
    tokens = reported_input(
        "openai",
        row.count("input_tokens", most=MOST_BUCKET_TOKENS),
        cache_read=row.count("input_cached_tokens", most=MOST_BUCKET_TOKENS),
        cache_write=row.count("input_cache_write_tokens", most=MOST_BUCKET_TOKENS),
    )
    if tokens.parts_exceed_total:
        raise row.bad("input_cached_tokens", "is more than all input tokens")
    return Usage(
        start=start,
        end=end,
        provider="openai",
        model=row.text("model"),
        operation=_OPERATIONS.get(kind, kind) or "chat",
        requests=row.count("num_model_requests", most=MOST_BUCKET_TOKENS),
        input_tokens=tokens.total,
        output_tokens=row.count("output_tokens", most=MOST_BUCKET_TOKENS),
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        input_audio_tokens=row.count("input_audio_tokens", most=MOST_BUCKET_TOKENS),
        output_audio_tokens=row.count("output_audio_tokens", most=MOST_BUCKET_TOKENS),
        service_tier=service_tier(row.text("service_tier"), batch=row.flag("batch")),
        account=row.text("organization_id"),
        api_key=row.text("api_key_name", "api_key_redacted", "api_key_id"),
        user=row.text("user_email", "user_id"),
        tags=project_tags(row) | tier_tag(row.text("service_tier")) | _distinguishing(row),
    )


def _distinguishing(row: Record) -> dict[str, str]:
    """What else tells results of one bucket apart; without it two of them would pass for one reading."""
    names = ("api_source", "source", "size", "user_id", "api_key_id")
    own_columns = {"user_id": row.has("user_email"), "api_key_id": row.has("api_key_name", "api_key_redacted")}
    values = {name: row.text(name) for name in names if own_columns.get(name, True)}
    return {name: value for name, value in values.items() if value}


def project_tags(row: Record) -> dict[str, str]:
    """The project by name, else by id, and its id where both are given."""
    name, identity = row.text("project_name"), row.text("project_id")
    tags = {"project": name or identity, "project_id": identity if name else None}
    return {key: value for key, value in tags.items() if value}

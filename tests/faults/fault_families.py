"""A small good file of every family of formats, and what is done to one of its rows to spoil it.

Rows are flat dictionaries in the emitter's own words; each family knows how to write a list of them as a file, and on
which line of it a row then stands. Rows of different numbers are different facts; equal numbers are the same fact.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
START = datetime(2026, 1, 1)
_EPOCH = 1767225600  # START


@dataclass(frozen=True)
class Spoilt:
    """What is written into a row, and what the reject then says (parts of its field and its reason)."""

    change: Row
    field: str
    reason: str


@dataclass(frozen=True)
class Family:
    """One family. `table` is where its facts are kept; `line` tells on which line the row at a place (from 0) is."""

    name: str
    source: str
    table: str
    row: Callable[[int], Row]
    write: Callable[[Sequence[Row]], bytes]
    line: Callable[[int], int]
    wrong: Spoilt
    negative: Spoilt
    absurd: Spoilt
    #: None where the format has no periods.
    backwards: Spoilt | None
    #: The column without which nothing can be said, and what the refusal of the whole file says.
    needed: tuple[str, str]
    suffix: str = "txt"
    #: A column of free text, for text in another encoding; None: the format has none that is read.
    text: str | None = "model"
    #: None where the format names no currency, or any name is one.
    currency: Spoilt | None = None

    @property
    def spoilt(self) -> tuple[Spoilt, ...]:
        """Everything that can be wrong with a row."""
        return tuple(filter(None, (self.wrong, self.negative, self.absurd, self.backwards, self.currency)))

    def file(self, numbers: Iterable[int], changes: Mapping[int, Row] = MappingProxyType({})) -> bytes:
        """The rows of these numbers; `changes` spoils the row at a place."""
        return self.write([self.row(number) | changes.get(place, {}) for place, number in enumerate(numbers)])


def when(number: int, hours: float = 0) -> datetime:
    return START + timedelta(hours=number + hours)


def iso(number: int, hours: float = 0) -> str:
    return when(number, hours).isoformat() + "Z"


def seconds(number: int, hours: float = 0) -> int:
    return _EPOCH + int((number + hours) * 3600)


# -- how rows become files ------------------------------------------------------------------------------------------


def as_csv(rows: Sequence[Row], delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_lines(rows: Sequence[Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in rows[0]}), out)
    return out.getvalue()


def as_text_parquet(rows: Sequence[Row]) -> bytes:
    return as_parquet([{name: None if value is None else str(value) for name, value in row.items()} for row in rows])


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


# -- FOCUS ----------------------------------------------------------------------------------------------------------


def _focus(number: int) -> Row:
    return {
        "BillingAccountId": "acc-1", "BillingAccountName": "Acme", "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-01-01T00:00:00Z", "BillingPeriodEnd": "2026-02-01T00:00:00Z",
        "ChargePeriodStart": iso(number), "ChargePeriodEnd": iso(number, 1), "BilledCost": f"{number + 1}.25",
        "EffectiveCost": f"{number + 1}.25", "ListCost": "99.5", "ContractedCost": "98.5", "ChargeCategory": "Usage",
        "ChargeClass": "", "ChargeDescription": f"machine {number}", "InvoiceIssuerName": "AWS", "ProviderName": "AWS",
        "PublisherName": "AWS", "ServiceName": "EC2", "ServiceCategory": "Compute", "PricingQuantity": "1",
        "PricingUnit": "Hours", "ConsumedQuantity": "1", "ConsumedUnit": "Hours", "ResourceId": f"i-{number}",
        "SubAccountId": "sub-1", "Tags": '{"team": "search"}',
    }


_FOCUS: dict[str, Any] = {
    "source": "focus", "table": "charge", "row": _focus, "text": "ChargeDescription",
    "wrong": Spoilt({"BilledCost": "twelve"}, "BilledCost", "is not a number"),
    "negative": Spoilt({"ConsumedQuantity": "-1e30"}, "ConsumedQuantity", "more than 20 digits"),
    "absurd": Spoilt({"BilledCost": "1" * 30}, "BilledCost", "more than 20 digits"),
    "backwards": Spoilt({"ChargePeriodEnd": "2025-12-01T00:00:00Z"}, "ChargePeriodEnd", "is before ChargePeriodStart"),
    "needed": ("ChargePeriodStart", "has no column ChargePeriodStart"),
}

# -- tables with Outlay's own names ---------------------------------------------------------------------------------


def _call(number: int) -> Row:
    return {"time": iso(number), "provider": "openai", "model": "gpt-4o", "response_id": f"resp-{number}",
            "input_tokens": 1000 + number, "output_tokens": 100, "cache_read_tokens": 10, "duration_ms": 1200,
            "status": "ok", "team": "search"}


def _typed_call(number: int) -> Row:
    return _call(number) | {"time": when(number)}


_CALLS: dict[str, Any] = {
    "source": "outlay-table", "table": "call", "row": _call,
    "wrong": Spoilt({"input_tokens": "many"}, "input_tokens", "is not a whole number"),
    "negative": Spoilt({"output_tokens": -5}, "output_tokens", "is negative"),
    "absurd": Spoilt({"input_tokens": 10**15}, "input_tokens", "is larger than can be"),
    "backwards": None,
    "needed": ("input_tokens", "has no column 'input_tokens'"),
}

# -- providers' usage and cost reports ------------------------------------------------------------------------------


def _pages(start: str, end: str) -> Callable[[Sequence[Row]], bytes]:
    """One page over several lines, one bucket a row."""

    def write(rows: Sequence[Row]) -> bytes:
        buckets = [{start: row[start], end: row[end], "results": [_nested(_without(row, start, end))]}
                   if start in row else {end: row[end], "results": [_nested(_without(row, end))]} for row in rows]
        return json.dumps({"object": "page", "data": buckets, "has_more": False}, ensure_ascii=False).encode()

    return write


def _nested(row: Row) -> Row:
    """`amount.value` and its like as objects."""
    made: Row = {}
    for name, value in row.items():
        outer, dot, inner = name.partition(".")
        if dot:
            made.setdefault(outer, {})[inner] = value
        else:
            made[name] = value
    return made


def _openai_usage(number: int) -> Row:
    return {"start_time": seconds(number), "end_time": seconds(number, 1),
            "object": "organization.usage.completions.result", "input_tokens": 5000 + number, "output_tokens": 300,
            "input_cached_tokens": 100, "num_model_requests": 12, "project_id": "proj-1", "model": "gpt-4o-2024-08-06",
            "batch": False}


def _openai_usage_csv(number: int) -> Row:
    return _without(_openai_usage(number), "object") | {"project_name": "Search", "batch": "false"}


def _openai_cost(number: int) -> Row:
    return {"start_time": seconds(number * 24), "end_time": seconds(number * 24 + 24), "amount.value": 1.5 + number,
            "amount.currency": "usd", "line_item": "gpt-4o-2024-08-06, input", "project_id": "proj-1"}


def _openai_cost_csv(number: int) -> Row:
    return {"start_time": seconds(number * 24), "end_time": seconds(number * 24 + 24), "amount_value": f"1.5{number}",
            "amount_currency": "usd", "line_item": "gpt-4o-2024-08-06, input", "project_id": "proj-1"}


def _anthropic_usage(number: int) -> Row:
    return {"starting_at": iso(number), "ending_at": iso(number, 1), "uncached_input_tokens": 700 + number,
            "cache_read_input_tokens": 90, "output_tokens": 40, "model": "claude-sonnet-4-5-20250929",
            "workspace_id": "w-1", "service_tier": "standard"}


def _anthropic_usage_csv(number: int) -> Row:
    return {"usage_date_utc": f"{when(number):%Y-%m-%d %H:%M}", "model_version": "claude-sonnet-4-5-20250929",
            "workspace": "Search", "usage_type": "standard", "usage_input_tokens_no_cache": 700 + number,
            "usage_input_tokens_cache_read": 90, "usage_output_tokens": 40}


def _anthropic_cost(number: int) -> Row:
    return {"starting_at": iso(number * 24), "ending_at": iso(number * 24 + 24), "amount": f"12{number}.5",
            "currency": "USD", "model": "claude-sonnet-4-5-20250929", "token_type": "output_tokens"}


def _anthropic_cost_csv(number: int) -> Row:
    return {"usage_date_utc": f"{when(number * 24):%Y-%m-%d}", "model": "Claude Sonnet 4.5", "workspace": "Search",
            "token_type": "output", "cost_usd": f"1.2{number}"}


# -- logs of calls --------------------------------------------------------------------------------------------------


def _litellm(number: int) -> Row:
    return {"request_id": f"chatcmpl-{number}", "call_type": "acompletion", "spend": "0.0125",
            "prompt_tokens": 1000 + number, "completion_tokens": 50, "startTime": iso(number),
            "endTime": iso(number, 0.001), "model": "gpt-4o-2024-08-06", "custom_llm_provider": "openai",
            "user": "ana", "team_id": "search", "metadata": "{}", "status": "success"}


def _span(number: int) -> Row:
    return {"traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}", "name": "chat",
            "startTimeUnixNano": str(seconds(number) * 10**9), "endTimeUnixNano": str(seconds(number) * 10**9 + 10**9),
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 800 + number, "gen_ai.usage.output_tokens": 30, "user.id": "ana"}


def _otlp(rows: Sequence[Row]) -> bytes:
    def value(plain: Any) -> Row:
        if isinstance(plain, int):
            return {"intValue": str(plain)}
        return {"doubleValue": plain} if isinstance(plain, float) else {"stringValue": plain}

    lines = []
    for row in rows:
        span = {name: text for name, text in row.items() if "." not in name}
        span["attributes"] = [{"key": name, "value": value(plain)} for name, plain in row.items() if "." in name]
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "desk"}}]}
        lines.append({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})
    return as_lines(lines)


def _claude(number: int) -> Row:
    return {"timestamp": iso(number), "id": f"msg_{number}", "model": "claude-sonnet-4-5-20250929",
            "input_tokens": 60 + number, "output_tokens": 20, "cache_read_input_tokens": 500}


def _claude_lines(rows: Sequence[Row]) -> bytes:
    counts = ("input_tokens", "output_tokens", "cache_read_input_tokens")
    lines = []
    for row in rows:
        usage = {name: row[name] for name in counts if name in row}
        message = {"role": "assistant", "id": row["id"], "model": row["model"], "usage": usage}
        lines.append({"type": "assistant", "sessionId": "s-1", "uuid": f"u-{row['id']}", "cwd": "/home/ana/shop",
                      "message": message} | ({"timestamp": row["timestamp"]} if "timestamp" in row else {}))
    return as_lines(lines)


def _codex(number: int) -> Row:
    return {"timestamp": iso(number), "input_tokens": 900 + number, "cached_input_tokens": 100, "output_tokens": 60}


def _codex_lines(rows: Sequence[Row]) -> bytes:
    session = {"timestamp": iso(0), "type": "session_meta", "payload": {
        "id": "0000-session", "timestamp": iso(0), "cwd": "/home/ana/shop", "originator": "codex_cli_rs",
        "cli_version": "0.142.5", "source": "cli", "model_provider": "openai"}}
    turn = {"timestamp": iso(0), "type": "turn_context", "payload": {"cwd": "/home/ana/shop", "model": "gpt-5-codex"}}
    lines: list[Row] = [session, turn]
    for row in rows:
        usage = _without(row, "timestamp")
        info = {"total_token_usage": usage, "last_token_usage": usage}
        lines.append({"type": "event_msg", "payload": {"type": "token_count", "info": info}}
                     | ({"timestamp": row["timestamp"]} if "timestamp" in row else {}))
    return as_lines(lines)


# -- Slurm and DCGM -------------------------------------------------------------------------------------------------


def _job(number: int) -> Row:
    return {"JobID": str(100 + number), "JobIDRaw": str(100 + number), "JobName": "train", "User": "ana",
            "Account": "vision", "Partition": "batch", "Cluster": "north", "State": "COMPLETED", "ExitCode": "0:0",
            "Submit": str(seconds(number)), "Start": str(seconds(number)), "End": str(seconds(number, 2)),
            "ElapsedRaw": "7200", "NNodes": "1", "AllocTRES": "cpu=8,gres/gpu=4", "NodeList": "gpu01"}


def _json_job(number: int) -> Row:
    return {"job_id": 100 + number, "cluster": "north", "user": "ana", "account": "vision", "name": "train",
            "nodes": "gpu01", "submission": seconds(number), "start": seconds(number), "end": seconds(number, 2),
            "elapsed": 7200, "gpus": 4}


def _json_jobs(rows: Sequence[Row]) -> bytes:
    jobs = []
    for row in rows:
        gpus = {"type": "gres", "name": "gpu", "id": 1001, "count": row["gpus"]}
        jobs.append(_without(row, "submission", "start", "end", "elapsed", "gpus") | {
            "association": {"account": "vision", "cluster": "north", "user": "ana"},
            "state": {"current": ["COMPLETED"]}, "exit_code": {"return_code": 0}, "tres": {"allocated": [gpus]},
            "time": {name: row[name] for name in ("submission", "start", "end", "elapsed")}})
    # One job a line, as far as the lines go.
    inner = ",\n".join(json.dumps(job, ensure_ascii=False) for job in jobs)
    return f'{{"meta": {{}}, "jobs": [\n{inner}\n], "errors": []}}\n'.encode()


def _reading(number: int) -> Row:
    return {"time": seconds(number), "value": str(20 + number % 70), "UUID": f"GPU-{number % 2}",
            "Hostname": "gpu01", "modelName": "NVIDIA H100 80GB HBM3"}


def _dcgm_json(rows: Sequence[Row]) -> bytes:
    """One series a line, one reading a series."""
    result = [{"metric": {"__name__": "DCGM_FI_DEV_GPU_UTIL", **_without(row, "time", "value")},
               "values": [[row["time"], row["value"]]]} for row in rows]
    inner = ",\n".join(json.dumps(series, ensure_ascii=False) for series in result)
    head = '{"status": "success", "data": {"resultType": "matrix", "result": [\n'
    return (head + inner + "\n]}}\n").encode()


def _dcgm_text(rows: Sequence[Row]) -> bytes:
    lines = ["# TYPE DCGM_FI_DEV_GPU_UTIL gauge"]
    for row in rows:
        labels = ",".join(f'{name}="{text}"' for name, text in row.items() if name not in ("time", "value"))
        lines.append(f"DCGM_FI_DEV_GPU_UTIL{{{labels}}} {row['value']} {row['time']}")
    return ("\n".join(lines) + "\n# EOF\n").encode()


_DCGM: dict[str, Any] = {
    "source": "dcgm", "table": "sample", "row": _reading, "text": "modelName",
    "wrong": Spoilt({"value": "busy"}, "DCGM_FI_DEV_GPU_UTIL", "is not a number"),
    "negative": Spoilt({"value": "-3"}, "DCGM_FI_DEV_GPU_UTIL", "is negative"),
    "absurd": Spoilt({"value": "5000"}, "DCGM_FI_DEV_GPU_UTIL", "is more than 100"),
    "backwards": None,
    "needed": ("UUID", "name neither the UUID of a GPU nor its host and index"),
}


def _after(lines: int) -> Callable[[int], int]:
    return lambda place: place + 1 + lines


def _first(place: int) -> int:
    return 1


def _tokens(name: str, wrong_field: str | None = None) -> dict[str, Any]:
    """Spoilt counts of a source that reads rows one by one."""
    where = wrong_field or name
    return {"wrong": Spoilt({name: "many"}, where, "is not a number"),
            "negative": Spoilt({name: -5}, where, "is negative"),
            "absurd": Spoilt({name: 10**18}, where, "is larger than")}


def _money(name: str, **texts: str) -> dict[str, Any]:
    field_name = texts.get("field_name", name)
    return {"wrong": Spoilt({name: "twelve"}, field_name, "is not a number"),
            "negative": Spoilt({name: "-1e40"}, field_name, "is larger than any real amount"),
            "absurd": Spoilt({name: "1" * 20}, field_name, "is larger than any real amount")}


FAMILIES: tuple[Family, ...] = (
    Family("focus-csv", write=as_csv, line=_after(1), suffix="csv", **_FOCUS),
    Family("focus-csv-gz", write=lambda rows: gzip.compress(as_csv(rows), mtime=0), line=_after(1), suffix="csv.gz",
           **_FOCUS),
    Family("focus-parquet", write=as_text_parquet, line=_after(0), suffix="parquet", **_FOCUS),
    Family("table-csv", write=as_csv, line=_after(1), suffix="csv", **_CALLS),
    Family("table-jsonl", write=as_lines, line=_after(0), suffix="jsonl", **_CALLS),
    Family("table-parquet", write=as_parquet, line=_after(0), suffix="parquet", **(_CALLS | {
        "row": _typed_call, "wrong": Spoilt({"output_tokens": 12.5}, "output_tokens", "is not a whole number")})),
    Family("openai-usage-json", "openai-usage", "usage", _openai_usage, _pages("start_time", "end_time"), _first,
           backwards=Spoilt({"end_time": seconds(-5)}, "end_time", "is not after start_time"),
           needed=("start_time", "start_time is missing"), suffix="json", **_tokens("input_tokens")),
    Family("openai-usage-csv", "openai-usage", "usage", _openai_usage_csv, as_csv, _after(1),
           backwards=Spoilt({"end_time": seconds(-5)}, "end_time", "is not after start_time"),
           needed=("start_time", "start_time is missing"), suffix="csv", **_tokens("input_tokens")),
    Family("openai-costs-json", "openai-costs", "charge", _openai_cost, _pages("start_time", "end_time"), _first,
           backwards=Spoilt({"end_time": seconds(-500)}, "end_time", "is not after start_time"), text="line_item",
           needed=("amount.value", "amount.value is missing"), suffix="json",
           currency=Spoilt({"amount.currency": "dollars"}, "currency", "is not a currency code"),
           **_money("amount.value")),
    Family("openai-costs-csv", "openai-costs", "charge", _openai_cost_csv, as_csv, _after(1),
           backwards=Spoilt({"end_time": seconds(-500)}, "end_time", "is not after start_time"), text="line_item",
           needed=("amount_value", "amount_value is missing"), suffix="csv",
           currency=Spoilt({"amount_currency": "dollars"}, "amount_currency", "is not a currency code"),
           **_money("amount_value")),
    Family("anthropic-usage-json", "anthropic-usage", "usage", _anthropic_usage, _pages("starting_at", "ending_at"),
           _first, backwards=Spoilt({"ending_at": iso(-5)}, "ending_at", "is not after starting_at"),
           needed=("starting_at", "starting_at is missing"), suffix="json", **_tokens("uncached_input_tokens")),
    Family("anthropic-usage-csv", "anthropic-usage", "usage", _anthropic_usage_csv, as_csv, _after(1), backwards=None,
           needed=("usage_date_utc", "usage_date_utc is missing"), text="model_version", suffix="csv",
           **_tokens("usage_output_tokens")),
    Family("anthropic-costs-json", "anthropic-costs", "charge", _anthropic_cost, _pages("starting_at", "ending_at"),
           _first, backwards=Spoilt({"ending_at": iso(-500)}, "ending_at", "is not after starting_at"),
           needed=("amount", "amount is missing"), suffix="json",
           currency=Spoilt({"currency": "$"}, "currency", "is not a currency code"), **_money("amount")),
    Family("anthropic-costs-csv", "anthropic-costs", "charge", _anthropic_cost_csv, as_csv, _after(1), backwards=None,
           needed=("cost_usd", "cost_usd is missing"), suffix="csv", text="workspace", **_money("cost_usd")),
    Family("litellm-csv", "litellm", "call", _litellm, as_csv, _after(1),
           backwards=Spoilt({"endTime": iso(-5)}, "endTime", "is before startTime"),
           needed=("startTime", "startTime is missing"), suffix="csv", **_tokens("prompt_tokens")),
    Family("litellm-jsonl", "litellm", "call", _litellm, as_lines, _after(0),
           backwards=Spoilt({"endTime": iso(-5)}, "endTime", "is before startTime"),
           needed=("startTime", "startTime is missing"), suffix="jsonl", **_tokens("prompt_tokens")),
    Family("otlp", "otlp", "call", _span, _otlp, _after(0), text="gen_ai.request.model",
           backwards=Spoilt({"endTimeUnixNano": str(seconds(-5) * 10**9)}, "endTimeUnixNano", "is before"),
           needed=("startTimeUnixNano", "startTimeUnixNano is missing"), suffix="jsonl",
           **_tokens("gen_ai.usage.input_tokens")),
    Family("claude-code", "claude-code", "call", _claude, _claude_lines, _after(0), backwards=None,
           needed=("timestamp", "timestamp is missing"), suffix="jsonl", **_tokens("input_tokens")),
    Family("codex", "codex", "call", _codex, _codex_lines, _after(2), backwards=None, text=None,
           needed=("timestamp", "timestamp is missing"), suffix="jsonl", **_tokens("input_tokens")),
    Family("sacct-text", "sacct", "run", _job, lambda rows: as_csv(rows, "|"), _after(1), text="JobName",
           wrong=Spoilt({"Start": "noon"}, "Start", "is not a time"),
           negative=Spoilt({"AllocTRES": "gres/gpu=-4"}, "AllocTRES", "negative"),
           absurd=Spoilt({"NNodes": 10**18, "ElapsedRaw": 10**18}, "ElapsedRaw", "is larger than"),
           backwards=Spoilt({"End": str(seconds(-5))}, "End", "is before Start"),
           needed=("State", "does not begin with sacct's header"), suffix="txt"),
    Family("sacct-json", "sacct", "run", _json_job, _json_jobs, _after(1), text="name",
           wrong=Spoilt({"start": "noon"}, "time.start", "is not a number"),
           negative=Spoilt({"gpus": -4}, "tres.allocated.count", "is negative"),
           absurd=Spoilt({"elapsed": 10**18}, "time.elapsed", "is larger than"),
           backwards=Spoilt({"end": seconds(-5)}, "End", "is before Start"),
           needed=("job_id", "job_id is missing"), suffix="json"),
    Family("dcgm-json", write=_dcgm_json, line=_after(1), suffix="json", **_DCGM),
    Family("dcgm-openmetrics", write=_dcgm_text, line=_after(1), suffix="om", **_DCGM),
)

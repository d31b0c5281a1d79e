"""LiteLLM's spend logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from outlay.facts import Call, Fact, Notice, Reject
from outlay.sources.base import RowSource
from outlay.sources.csv_rows import csv_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.json_values import json_values
from outlay.sources.model_provider import model_provider
from outlay.sources.record import MOST_CALL_TOKENS, BadRow, Record, call_cost
from outlay.sources.token_counts import Input, translated_input, translated_output

_COLUMNS = frozenset({"request_id", "call_type", "spend", "startTime"})
#: All that is read of a row, and what a reject may show: never messages, response or proxy_server_request.
_SHOWN = (
    "request_id", "call_type", "model", "startTime", "endTime", "spend", "prompt_tokens", "completion_tokens", "status",
)
#: Ids that the provider gave the response; LiteLLM makes up others (UUIDs) where a provider gives none.
_RESPONSE_IDS = ("chatcmpl-", "cmpl-", "msg_", "resp_", "gen-")
#: Kinds of call, without the leading `a` (async) and any route prefix, to operations of OpenTelemetry.
_OPERATIONS = {
    "completion": "chat", "responses": "chat", "anthropic_messages": "chat", "generate_content": "chat",
    "chat/completions": "chat", "embedding": "embeddings", "embeddings": "embeddings",
    "text_completion": "text_completion", "call_mcp_tool": "execute_tool", "rerank": "rerank",
    "image_generation": "image_generation", "transcription": "transcription", "speech": "speech",
    "moderation": "moderation",
}
_TAG_LENGTH = 200


class LiteLLMSpendLogs(RowSource):
    """The spend log of a LiteLLM proxy: one row a request.

    **Get it** from the proxy's database (the table `LiteLLM_SpendLogs`), leaving the texts where they are:

        psql "$DATABASE_URL" --csv > spend.csv <<< 'SELECT request_id, call_type, api_key, spend, prompt_tokens,
          completion_tokens, "startTime", "endTime", model, model_group, custom_llm_provider, "user", team_id, end_user,
          metadata, cache_hit, request_tags, session_id, agent_id, organization_id, status FROM "LiteLLM_SpendLogs"'

    Or from its API: `curl -H "Authorization: Bearer $LITELLM_MASTER_KEY" "$PROXY/spend/logs/v2?..."` (JSON). A list,
    JSON lines, and the API's pages (`{"data": [...]}`) are read alike.

    **It gives** a call for each request, with the team, key and user that LiteLLM knows, request tags, and its own
    estimate of the cost. A request that its cache answered cost nothing and used no tokens. Messages and responses are
    never read, should the log hold them.

    **It cannot know** what the provider billed. A spend of zero on a call with tokens means that LiteLLM knew no price,
    so it is taken as unknown.
    """

    code: ClassVar[str] = "litellm"
    title: ClassVar[str] = "LiteLLM spend logs (JSON, JSON lines or CSV)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Call,)
    by_line: ClassVar[bool] = True
    authority: ClassVar[str] = "spend_log"

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        if paths:
            return paths >= _COLUMNS or {f"data.{name}" for name in _COLUMNS} <= paths
        return _COLUMNS.issubset(file.csv_header)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        for entry in _json_rows(file) if file.json_paths else csv_rows(file):
            if isinstance(entry, Reject):
                yield entry
                continue
            line, row = entry
            try:
                yield _call(row)
            except BadRow as bad:
                yield bad.reject(line, row.raw(_SHOWN))


def _json_rows(file: InputFile) -> Iterator[tuple[int, Record] | Reject]:
    for value in json_values(file):
        if isinstance(value, Reject):
            yield value
            continue
        line, found = value
        is_page = isinstance(found, dict) and "request_id" not in found and isinstance(found.get("data"), list)
        for place, row in enumerate(found["data"] if is_page else [found]):
            where = f"data[{place}]" if is_page else ""
            if isinstance(row, dict):
                yield line, Record(row, where)
            else:
                yield Reject(line, where, "is not an object")


def _call(row: Record) -> Call:
    metadata = row.record("metadata")
    start, duration = _timing(row)
    hit = str(row.values.get("cache_hit")).strip().lower() == "true"  # a boolean in some exports, text in others
    tokens, output, reasoning = _tokens(row, metadata)
    provider, model = _model(row)
    status = _status(row, metadata)
    if hit:
        tokens, output, reasoning = Input(0), 0, None
    return Call(
        time=start,
        duration_ms=duration,
        provider=provider,
        model=model,
        operation=_operation(row),
        # The copy of an answer repeats the id of the call that was paid for.
        response_id=None if hit else _response_id(row),
        input_tokens=tokens.total,
        output_tokens=output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=tokens.cache_write_1h,
        reasoning_tokens=reasoning,
        status=status,
        api_key=_key_name(row, metadata),
        user=row.text("user") or metadata.text("user_api_key_user_id"),
        agent=row.text("agent_id"),
        conversation=row.text("session_id"),
        tool=row.text("mcp_namespaced_tool_name"),
        reported_cost=_cost(row, hit, used=bool(tokens.total or output)),
        tags=_tags(row, metadata, hit),
    )


def _timing(row: Record) -> tuple[datetime, int | None]:
    start, end = row.time("startTime"), row.time("endTime")
    if start is None:
        raise row.bad("startTime", "is missing")
    if end is not None and end < start:
        raise row.bad("endTime", "is before startTime")
    return start, None if end is None else round((end - start) / timedelta(milliseconds=1))


def _tokens(row: Record, metadata: Record) -> tuple[Input, int | None, int | None]:
    """Input, output and reasoning tokens. LiteLLM translates every provider's counts to include cached tokens."""
    usage = metadata.record("usage_object", "additional_usage_values")
    sent, answered = usage.record("prompt_tokens_details"), usage.record("completion_tokens_details")
    read = usage.count("cache_read_input_tokens", most=MOST_CALL_TOKENS)
    if read is None:
        read = sent.count("cached_tokens", most=MOST_CALL_TOKENS)
    written = usage.count("cache_creation_input_tokens", most=MOST_CALL_TOKENS)
    if written is None:
        written = sent.count("cache_creation_tokens", "cache_write_tokens", most=MOST_CALL_TOKENS)
    tokens = translated_input(
        row.count("prompt_tokens", most=MOST_CALL_TOKENS),
        cache_read=read,
        cache_write=written,
        cache_write_1h=sent.record("cache_creation_token_details").count(
            "ephemeral_1h_input_tokens", most=MOST_CALL_TOKENS),
    )
    reasoning = answered.count("reasoning_tokens", most=MOST_CALL_TOKENS)
    return tokens, translated_output(row.count("completion_tokens", most=MOST_CALL_TOKENS), reasoning), reasoning


def _model(row: Record) -> tuple[str | None, str | None]:
    """Provider and model; LiteLLM writes some models with the provider in front (`azure/gpt-4o`)."""
    model, named = row.text("model"), row.text("custom_llm_provider")
    prefix, slash, rest = (model or "").partition("/")
    if slash and (named is None or prefix == named):
        named, model = prefix, rest
    return model_provider(named, model), model or row.text("model_group")


def _operation(row: Record) -> str | None:
    kind = (row.text("call_type") or "").lower().rpartition("/v1/")[2]
    if kind.startswith("a") and kind[1:] in _OPERATIONS:
        kind = kind[1:]
    return _OPERATIONS.get(kind, kind) or None


def _response_id(row: Record) -> str | None:
    identity = row.text("request_id")
    return identity if identity and identity.startswith(_RESPONSE_IDS) else None


def _status(row: Record, metadata: Record) -> str:
    if (row.text("status") or metadata.text("status") or "success") == "success":
        return "ok"
    return metadata.record("error_information").text("error_class", "error_code") or "error"


def _key_name(row: Record, metadata: Record) -> str | None:
    """The key's alias, else the last characters of its hash (or, in old logs, of the key)."""
    alias = metadata.text("user_api_key_alias")
    key = row.text("api_key") or ""
    return alias or (f"\u2026{key[-4:]}" if len(key) > 8 else None)


def _cost(row: Record, hit: bool, *, used: bool) -> Decimal | None:
    if hit:
        return Decimal(0)
    cost = call_cost(row, "spend")
    return None if cost is not None and cost == 0 and used else cost


def _tags(row: Record, metadata: Record, hit: bool) -> dict[str, str]:
    """What LiteLLM itself knows wins over what the request's own tags claim."""
    tags: dict[str, str] = {}

    def put(key: str, value: str | None) -> None:
        if key and value and len(key) <= _TAG_LENGTH and len(value) <= _TAG_LENGTH:
            tags.setdefault(key, value)

    put("team", metadata.text("user_api_key_team_alias") or row.text("team_id"))
    put("project", metadata.text("user_api_key_project_alias", "project_alias", "project_id"))
    put("end_user", row.text("end_user"))
    put("organization", row.text("organization_id") or metadata.text("user_api_key_org_id"))
    put("cache_hit", "true" if hit else None)
    plain: list[str] = []
    for tag in row.items("request_tags"):
        key, colon, value = str(tag).partition(":")
        if not colon:
            plain.append(key.strip())
        elif key.strip() != "User-Agent":  # the proxy's own, in every row
            put(key.strip(), value.strip())
    put("request_tags", ",".join(sorted(filter(None, plain))))
    for key, label in metadata.record("spend_logs_metadata").values.items():
        if isinstance(label, str | int) and not isinstance(label, bool):
            put(key, str(label))
    return tags

"""A model call, and a bucket of calls already summed. Names follow OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from outlay.facts.column import CALL_MONEY, CHARGE_MONEY, COUNT, NO_TAGS, TAGS, TEXT, TIME, column

#: Who is believed when the same call is seen twice: the higher number.
AUTHORITY = {"gateway": 40, "provider": 30, "sdk_span": 20, "spend_log": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call. `input_tokens` includes cached tokens (read and written), whatever the provider's own habit is.

    Identity, first that is known: (provider, response_id); (trace_id, span_id); the canonical row and its occurrence
    number within the source.
    """

    time: datetime = column(TIME, "when the call started, UTC", required=True)
    duration_ms: int | None = column(COUNT, "until the last byte, milliseconds")
    provider: str | None = column(TEXT, "gen_ai.provider.name: openai, anthropic, aws.bedrock, gcp.vertex_ai, azure")
    model: str | None = column(TEXT, "gen_ai.response.model, else gen_ai.request.model")
    operation: str | None = column(TEXT, "gen_ai.operation.name: chat, embeddings, execute_tool, invoke_agent")
    response_id: str | None = column(TEXT, "the provider's id of the response")
    trace_id: str | None = column(TEXT, "trace")
    span_id: str | None = column(TEXT, "span within the trace")
    parent_span_id: str | None = column(TEXT, "the span that caused this one")

    input_tokens: int | None = column(COUNT, "all input tokens, cached ones included")
    output_tokens: int | None = column(COUNT, "all output tokens, reasoning included")
    cache_read_tokens: int | None = column(COUNT, "of input: read from the provider's cache")
    cache_write_tokens: int | None = column(COUNT, "of input: written to it, all lifetimes together")
    cache_write_1h_tokens: int | None = column(COUNT, "of cache_write_tokens: with the one-hour lifetime")
    reasoning_tokens: int | None = column(COUNT, "of output: reasoning")
    input_audio_tokens: int | None = column(COUNT, "of input: audio")
    output_audio_tokens: int | None = column(COUNT, "of output: audio")
    system_tokens: int | None = column(COUNT, "of input: the system prompt, where the emitter counts it")
    max_tokens: int | None = column(COUNT, "the cap that the caller set; None: no cap was set or it is not known")
    tokens_estimated: bool | None = column("BOOLEAN", "true: counted locally, not the provider's own number")

    service_tier: str | None = column(TEXT, "default, batch, flex or priority")
    status: str | None = column(TEXT, "ok, or the error's type (error.type)")
    finish_reason: str | None = column(TEXT, "gen_ai.response.finish_reasons, the first")
    account: str | None = column(TEXT, "the provider's organisation or account that is billed")
    region: str | None = column(TEXT, "where the model ran, if the price depends on it")
    api_key: str | None = column(TEXT, "name or last characters of the key; never a key")
    user: str | None = column(TEXT, "who asked")
    agent: str | None = column(TEXT, "gen_ai.agent.name")
    task: str | None = column(TEXT, "what the call is for: classification, extraction, summarise ...")
    prompt: str | None = column(TEXT, "name of the prompt")
    prompt_version: str | None = column(TEXT, "its version")
    prefix_hash: str | None = column(TEXT, "hash of the leading part of the input; never the text")
    conversation: str | None = column(TEXT, "gen_ai.conversation.id")
    tool: str | None = column(TEXT, "gen_ai.tool.name, for execute_tool spans")
    run_id: str | None = column(TEXT, "OUTLAY_RUN_ID of the run that made the call")
    reported_cost: Decimal | None = column(CALL_MONEY, "US dollars that the emitter itself states")
    tags: Mapping[str, str] = column(TAGS, "everything else worth attributing by", default=NO_TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A bucket of calls already summed, as provider usage APIs give it; it is never expanded into calls.

    Identity: source, bucket, dimensions; a later reading of the same bucket replaces the earlier one.
    """

    start: datetime = column(TIME, "start of the bucket, UTC", required=True)
    end: datetime | None = column(TIME, "end of the bucket, exclusive, UTC")
    provider: str | None = column(TEXT, "gen_ai.provider.name")
    model: str | None = column(TEXT, "model")
    operation: str | None = column(TEXT, "chat, embeddings, ...")
    requests: int | None = column(COUNT, "number of calls; None: the provider does not say")
    input_tokens: int | None = column(COUNT, "all input tokens, cached ones included")
    output_tokens: int | None = column(COUNT, "all output tokens")
    cache_read_tokens: int | None = column(COUNT, "of input: read from cache")
    cache_write_tokens: int | None = column(COUNT, "of input: written to cache, all lifetimes together")
    cache_write_1h_tokens: int | None = column(COUNT, "of cache_write_tokens: one-hour lifetime")
    reasoning_tokens: int | None = column(COUNT, "of output: reasoning")
    input_audio_tokens: int | None = column(COUNT, "of input: audio")
    output_audio_tokens: int | None = column(COUNT, "of output: audio")
    system_tokens: int | None = column(COUNT, "of input: system prompts, summed over the calls")
    max_tokens: int | None = column(COUNT, "the cap that all calls of the bucket shared; None: none or not known")
    service_tier: str | None = column(TEXT, "default, batch, flex or priority")
    context_tokens: int | None = column(COUNT, "typical input of one call, where a price tier depends on it")
    account: str | None = column(TEXT, "organisation or account that is billed")
    region: str | None = column(TEXT, "region")
    api_key: str | None = column(TEXT, "name or id of the key; never a key")
    user: str | None = column(TEXT, "who asked")
    agent: str | None = column(TEXT, "agent")
    task: str | None = column(TEXT, "task")
    prompt: str | None = column(TEXT, "name of the prompt")
    prompt_version: str | None = column(TEXT, "its version")
    run_id: str | None = column(TEXT, "run")
    reported_cost: Decimal | None = column(CHARGE_MONEY, "US dollars that the emitter itself states for the bucket")
    tags: Mapping[str, str] = column(TAGS, "everything else, for example workspace or project id", default=NO_TAGS)

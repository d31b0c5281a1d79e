"""What a provider's token counts include. The ledger's `input_tokens` are all of them, cached ones included.

One rule a provider, for what the provider itself reports (API responses, usage reports, console exports):

- OpenAI, and those who copy its API: `cached_tokens` are a part of `prompt_tokens` or `input_tokens`.
- Google: `cachedContentTokenCount` is a part of `promptTokenCount`.
- Anthropic: `input_tokens` are the uncached ones alone; `cache_read_input_tokens` and `cache_creation_input_tokens`
  come on top. Its models report so on Google Cloud, too.
- Amazon Bedrock (Converse): `inputTokens` are the uncached ones alone, whoever made the model.

Emitters that translate (LiteLLM, OpenTelemetry instrumentation) are to include cached tokens; see `translated_input`.
Sources: the providers' API references, checked 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Providers whose `input_tokens` leave cached tokens out.
CACHED_OUTSIDE = frozenset({"anthropic", "aws.bedrock"})


@dataclass(frozen=True, slots=True)
class Input:
    """Input tokens of a call or bucket: `total` includes the others; None where nothing is known."""

    total: int | None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None

    @property
    def parts_exceed_total(self) -> bool:
        """Whether more was cached than was sent: the counts contradict each other."""
        return self.total is not None and (self.cache_read or 0) + (self.cache_write or 0) > self.total


def reported_input(
    provider: str,
    input_tokens: int | None,
    *,
    cache_read: int | None = None,
    cache_write: int | None = None,
    cache_write_1h: int | None = None,
) -> Input:
    """All input tokens, of counts as `provider` (the ledger's id) itself reports them."""
    if input_tokens is None:
        return Input(None, cache_read, cache_write, cache_write_1h)
    cached = (cache_read or 0) + (cache_write or 0) if provider in CACHED_OUTSIDE else 0
    return Input(input_tokens + cached, cache_read, cache_write, cache_write_1h)


def translated_input(
    input_tokens: int | None,
    *,
    cache_read: int | None = None,
    cache_write: int | None = None,
    cache_write_1h: int | None = None,
) -> Input:
    """All input tokens, of counts that an emitter translated to include cached ones.

    Some emitters copy Anthropic's own count instead. Where more was cached than was sent it cannot be included, so it
    is added; where it could be included it is taken to be.
    """
    counts = Input(input_tokens, cache_read, cache_write, cache_write_1h)
    if not counts.parts_exceed_total:
        return counts
    return reported_input(
        "anthropic", input_tokens, cache_read=cache_read, cache_write=cache_write, cache_write_1h=cache_write_1h
    )


def translated_output(output_tokens: int | None, reasoning_tokens: int | None) -> int | None:
    """All output tokens, reasoning included. Google counts reasoning beside the answer, and some emitters copy that:
    where more was reasoned than answered it cannot be included, so it is added."""
    if output_tokens is not None and reasoning_tokens is not None and reasoning_tokens > output_tokens:
        return output_tokens + reasoning_tokens
    return output_tokens

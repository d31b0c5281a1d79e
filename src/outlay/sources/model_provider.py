"""Who served a model call, from names that emitters of model calls use."""

from __future__ import annotations

import re

from outlay.facts.providers import provider_id

#: A cloud's name, in the mouth of an emitter of model calls, means the cloud's model service.
_MODEL_SERVICES = {"aws": "aws.bedrock", "azure": "azure.ai.openai", "gcp": "gcp.gemini"}
#: Frameworks that some instrumentation names where the provider belongs.
_FRAMEWORKS = frozenset({
    "langchain", "langgraph", "llamaindex", "llama_index", "haystack", "crewai", "agno", "dspy", "litellm", "custom",
    "unknown", "vercel", "ai-sdk", "mcp", "_other",
})
#: Families of models that one company alone serves under these names.
_FAMILIES = (
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"(chatgpt|gpt-\d|gpt-4o|o\d(-|$)|text-embedding-(3|ada)|ft:gpt|davinci|codex)"), "openai"),
    (re.compile(r"(gemini|text-embedding-00)"), "gcp.gemini"),
    (re.compile(r"(mistral|codestral|ministral|magistral|devstral)-"), "mistral_ai"),
    (re.compile(r"grok-"), "x_ai"),
    (re.compile(r"deepseek-(chat|reasoner)"), "deepseek"),
)


def model_provider(name: str | None, model: str | None) -> str | None:
    """The ledger's id of who served `model`; where `name` is missing or names a framework, by the model's name."""
    known = provider_id(name)
    if known is not None and known not in _FRAMEWORKS:
        return _MODEL_SERVICES.get(known, known)
    family = (model or "").lower()
    return next((provider for pattern, provider in _FAMILIES if pattern.match(family)), None)

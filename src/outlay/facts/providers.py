"""One name for each provider, whatever the emitter calls it."""

from __future__ import annotations

#: Names as emitters write them (lower case), to the id that the ledger, the price book and the questions use.
#: Ids are those of OpenTelemetry's `gen_ai.provider.name` where it has one.
_ALIASES: dict[str, str] = {
    "amazon web services": "aws", "amazon web services, inc.": "aws", "amazon": "aws", "aws": "aws",
    "microsoft": "azure", "microsoft corporation": "azure", "microsoft azure": "azure", "azure": "azure",
    "google cloud": "gcp", "google": "gcp", "google cloud platform": "gcp", "gcp": "gcp",
    "oracle": "oci", "oracle cloud": "oci", "oci": "oci",
    "openai": "openai", "openai, llc": "openai", "openai opco, llc": "openai",
    "anthropic": "anthropic", "anthropic, pbc": "anthropic", "anthropic pbc": "anthropic",
    "bedrock": "aws.bedrock", "aws_bedrock": "aws.bedrock", "aws.bedrock": "aws.bedrock",
    "amazon bedrock": "aws.bedrock", "bedrock_converse": "aws.bedrock",
    "vertex_ai": "gcp.vertex_ai", "vertexai": "gcp.vertex_ai", "gcp.vertex_ai": "gcp.vertex_ai",
    "vertex_ai-language-models": "gcp.vertex_ai", "vertex ai": "gcp.vertex_ai",
    "gemini": "gcp.gemini", "google_genai": "gcp.gemini", "gcp.gemini": "gcp.gemini", "gcp.gen_ai": "gcp.gemini",
    "google-gemini": "gcp.gemini",
    "az.ai.openai": "azure.ai.openai", "azure_openai": "azure.ai.openai", "azure.ai.openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference", "azure_ai": "azure.ai.inference",
    "azure.ai.inference": "azure.ai.inference",
    "mistral": "mistral_ai", "mistralai": "mistral_ai", "mistral_ai": "mistral_ai",
    "xai": "x_ai", "x-ai": "x_ai", "x_ai": "x_ai",
    "cohere": "cohere", "cohere_chat": "cohere", "groq": "groq", "deepseek": "deepseek", "perplexity": "perplexity",
    "together_ai": "together", "together": "together", "fireworks_ai": "fireworks", "fireworks": "fireworks",
    "openrouter": "openrouter",
}

#: Whose calls there are most of; looked for first.
_OFTEN = ("openai", "anthropic", "gcp.gemini", "azure.ai.openai", "aws.bedrock")


def provider_id(name: str | None) -> str | None:
    """The ledger's id of a provider; a name that is not known is kept, in lower case. None and '' stay None."""
    if name is None or not (key := name.strip().lower()):
        return None
    return _ALIASES.get(key, key)


def provider_case_sql(expression: str) -> str:
    """`provider_id` as a SQL expression over the text `expression`, for sources that are read in bulk."""
    key = f"nullif(lower(trim({expression})), '')"
    listed = sorted(_ALIASES.items(), key=lambda alias: alias[1] not in _OFTEN)
    names, ids = (str([alias[place] for alias in listed]) for place in (0, 1))
    # Most rows have a name as it stands in the list; a place in it is found five times faster than an arm of a CASE.
    return f"coalesce({ids}[list_position({names}, {expression})], {ids}[list_position({names}, {key})], {key})"

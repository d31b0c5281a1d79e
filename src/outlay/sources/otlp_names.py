"""What the dialects of OpenTelemetry spans about models call the same things, the current name first.

OpenTelemetry's GenAI conventions (and their older names), OpenInference (`llm.token_count.*`), and OpenLLMetry
(`llm.usage.*`, `traceloop.*`). None of the names holds a prompt or an answer: what is not listed is not read.
"""

from __future__ import annotations

PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.vendor", "llm.system")
MODEL = (
    "gen_ai.response.model", "llm.response.model", "llm.model_name", "embedding.model_name", "gen_ai.request.model",
    "llm.request.model",
)
RESPONSE_ID = ("gen_ai.response.id", "llm.response.id")
INPUT = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
)
OUTPUT = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens", "gen_ai.usage.input_tokens.cached", "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens", "gen_ai.usage.details.cached_tokens",
    "llm.usage.cache_read_input_tokens", "llm.token_count.prompt_details.cache_read",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_write_tokens", "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.details.cache_write_tokens", "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
)
CACHE_WRITE_1H = ("outlay.cache_write_1h_tokens",)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens", "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
INPUT_AUDIO = ("gen_ai.usage.details.input_audio_tokens", "llm.token_count.prompt_details.audio")
OUTPUT_AUDIO = ("gen_ai.usage.details.output_audio_tokens", "llm.token_count.completion_details.audio")
SYSTEM_TOKENS = ("outlay.system_tokens",)
MAX_TOKENS = ("gen_ai.request.max_tokens", "llm.request.max_tokens", "llm.max_tokens")
COST = ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total", "operation.cost")
SERVICE_TIER = (
    "openai.response.service_tier", "gen_ai.openai.response.service_tier", "gen_ai.response.service_tier",
    "openai.request.service_tier", "gen_ai.openai.request.service_tier", "gen_ai.request.service_tier",
)
FINISH = (
    "gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.response.finish_reason",
    "llm.response.stop_reason", "gen_ai.completion.0.finish_reason",
)
CONVERSATION = (
    "gen_ai.conversation.id", "outlay.conversation", "session.id", "traceloop.association.properties.session_id",
    "traceloop.association.properties.conversation_id",
)
AGENT = ("gen_ai.agent.name", "outlay.agent", "agent.name")
TOOL = ("gen_ai.tool.name", "tool.name")
USER = ("outlay.user", "user.id", "enduser.id", "traceloop.association.properties.user_id", "user.email")
TASK = ("outlay.task",)
PROMPT = ("outlay.prompt", "gen_ai.prompt.name", "traceloop.prompt.key")
PROMPT_VERSION = (
    "outlay.prompt_version", "gen_ai.prompt.version", "traceloop.prompt.version", "llm.prompt_template.version",
)
PREFIX_HASH = ("outlay.prefix_hash",)
RUN_ID = ("outlay.run_id",)
ESTIMATED = ("outlay.tokens_estimated",)
ACCOUNT = ("outlay.account",)
REGION = ("outlay.region",)
API_KEY = ("outlay.api_key",)

#: `outlay.` attributes that have a column of their own; any other becomes a tag.
OUTLAY_COLUMNS = frozenset(
    name for names in (
        CACHE_WRITE_1H, SYSTEM_TOKENS, CONVERSATION, AGENT, USER, TASK, PROMPT, PROMPT_VERSION, PREFIX_HASH, RUN_ID,
        ESTIMATED, ACCOUNT, REGION, API_KEY,
    ) for name in names
)

#: What each dialect's kind of span is as an operation.
OPERATIONS = {
    "gen_ai.operation.name": {
        "completion": "text_completion", "embedding": "embeddings", "tool": "execute_tool", "agent": "invoke_agent",
    },
    "llm.request.type": {"completion": "text_completion", "embedding": "embeddings"},
    "openinference.span.kind": {
        "llm": "chat", "embedding": "embeddings", "tool": "execute_tool", "agent": "invoke_agent",
        "chain": "invoke_workflow", "retriever": "retrieval",
    },
    "traceloop.span.kind": {
        "agent": "invoke_agent", "tool": "execute_tool", "workflow": "invoke_workflow", "task": "invoke_workflow",
    },
}
#: Operations that only hold others: whatever tokens their spans state are sums over the calls within.
WITHOUT_TOKENS = frozenset({
    "execute_tool", "invoke_agent", "invoke_workflow", "create_agent", "retrieval", "plan",
})

#: Attributes that say who pays, and the tag that each becomes.
TAGS = {
    "service.name": "service", "deployment.environment.name": "environment", "deployment.environment": "environment",
    "openinference.project.name": "project", "k8s.namespace.name": "namespace", "k8s.cluster.name": "cluster",
    "team.name": "team", "team.id": "team", "project.name": "project", "project.id": "project",
    "customer.id": "customer", "tenant.id": "tenant",
}
#: Keys that say who pays under their own name, bare or behind one of the prefixes.
TAG_KEYS = (
    "team", "owner", "project", "environment", "purpose", "stage", "cost_center", "department", "product", "feature",
    "customer", "tenant",
)
TAG_PREFIXES = ("traceloop.association.properties.", "ai.telemetry.metadata.", "metadata.")

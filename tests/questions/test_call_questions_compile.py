"""Every question about calls compiles for the engines that a ledger may live on."""

from __future__ import annotations

from typing import Any

import pytest

from made_ledger import at, window
from outlay.questions import (
    callslices,
    conversations,
    hourly_series,
    known_runs,
    longruns,
    outputlengths,
    prefixes,
    prompts,
    tasks,
    traces,
)
from outlay.questions.callslices import CallSlice, PromptSlice, Tokens

MONTH = window(30)
CALLS = CallSlice("openai", "gpt-4o", None, "inbox", "classify")
PROMPT = PromptSlice(CALLS, None)
USE = prefixes.PrefixUse(PROMPT, Tokens(1, 1, 1, 0, 0, callslices.Decimal(1)), 1)
WEEKS = outputlengths.OutputWeeks(PROMPT, 1, 1, at(0), at(29), None, None)

QUESTIONS: dict[str, Any] = {
    "call_pots": callslices.call_pots_expr(MONTH),
    "terse_prompts": tasks.terse_prompts_expr(MONTH, ["gpt-4o"], short=150, share=0.98, min_calls=200),
    "answer_profiles": tasks.answer_profiles_expr(MONTH, [PROMPT], tiny=20, short=150, min_calls=200),
    "system_prompts": prompts.system_prompts_expr(MONTH, 500),
    "output_weeks": outputlengths.output_weeks_expr(MONTH),
    "output_creep": outputlengths.output_creep_expr(MONTH, [WEEKS]),
    "capped_calls": outputlengths.capped_calls_expr(MONTH),
    "prefix_use": prefixes.prefix_use_expr(MONTH, least=1024, min_calls=100),
    "prefixes": prefixes.prefixes_expr(MONTH, [USE], least=1024, min_calls=100),
    "prefix_misses": prefixes.prefix_misses_expr(MONTH, [(*PROMPT.cells, "hash", 2000)], least=1024, lifetime_s=300),
    "talk_use": conversations.talk_use_expr(MONTH, 200),
    "resent_history": conversations.resent_history_expr(MONTH, [CALLS], keep=6, growth=2),
    "many_calls": longruns.many_calls_expr(MONTH, 200),
    "long_runs": longruns.long_runs_expr(MONTH, ["t"]),
    "tool_counts": longruns.tool_counts_expr(MONTH, ["t"]),
    "agent_totals": longruns.agent_totals_expr(MONTH, ["a"]),
    "trace_costs": longruns.trace_costs_expr(MONTH, ["t"]),
    "agent_runs": traces.agent_runs_expr(MONTH, 20),
    "trace_tree": traces.trace_tree_expr("t"),
    "hourly_endpoints": hourly_series.hourly_series_expr(MONTH, "endpoint", 60),
    "hourly_teams": hourly_series.hourly_series_expr(MONTH, "team", 60),
    "change_by_key": hourly_series.change_expr(window(1), "team", "search", "key"),
    "change_by_endpoint": hourly_series.change_expr(window(1), "project", "chat", "endpoint"),
    "known_runs": known_runs.known_runs_expr(["4711"]),
}


@pytest.mark.parametrize("dialect", ["duckdb", "clickhouse"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_compiles(name: str, dialect: str) -> None:
    import ibis

    assert str(ibis.to_sql(QUESTIONS[name], dialect=dialect)).lstrip().upper().startswith(("SELECT", "WITH"))

"""Synthetic calls for the benches: 60 teams, 300 projects, 40 models, 50,000 users, 30 days. Made up, deterministic."""

from __future__ import annotations

from pathlib import Path

import duckdb

#: Models that the price book knows, with their providers; 40 as a mid-sized company sees them.
MODELS = (
    ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("openai", "gpt-4.1"), ("openai", "gpt-4.1-mini"),
    ("openai", "gpt-4.1-nano"), ("openai", "o3"), ("openai", "o4-mini"), ("openai", "gpt-5"), ("openai", "gpt-5-mini"),
    ("openai", "gpt-5-nano"), ("openai", "gpt-4-turbo"), ("openai", "gpt-3.5-turbo"), ("openai", "o1"),
    ("openai", "text-embedding-3-small"), ("openai", "text-embedding-3-large"), ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"), ("anthropic", "claude-opus-4-1"), ("anthropic", "claude-3-5-haiku-latest"),
    ("anthropic", "claude-3-7-sonnet-latest"), ("anthropic", "claude-3-haiku-20240307"),
    ("anthropic", "claude-3-opus-20240229"), ("google", "gemini-2.5-pro"), ("google", "gemini-2.5-flash"),
    ("google", "gemini-2.5-flash-lite"), ("google", "gemini-2.0-flash"), ("google", "gemini-1.5-pro"),
    ("google", "gemini-1.5-flash"), ("mistral", "mistral-large-latest"), ("mistral", "mistral-small-latest"),
    ("mistral", "codestral-latest"), ("deepseek", "deepseek-chat"), ("deepseek", "deepseek-reasoner"),
    ("x-ai", "grok-4-0709"), ("x-ai", "grok-3"), ("x-ai", "grok-3-mini"), ("cohere", "command-r-plus"),
    ("cohere", "command-r"), ("groq", "llama-3.3-70b-versatile"), ("groq", "llama-3.1-8b-instant"),
)


def write_calls(path: Path, count: int, *, first: int = 0, days: int = 30, start: str = "2026-09-01") -> None:
    """`count` calls in time order as Parquet or JSON lines (by suffix), 17 columns of which 3 become tags."""
    con = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    con.execute("CREATE TABLE model (i INTEGER, provider VARCHAR, model VARCHAR)")
    con.executemany("INSERT INTO model VALUES (?, ?, ?)", [(i, p, m) for i, (p, m) in enumerate(MODELS)])
    span_us = days * 86_400_000_000
    # hash() is only a source of spread here; nothing of it is kept as an identity.
    query = f"""
        SELECT TIMESTAMP '{start}'
                   + to_microseconds(CAST((p.i - {first})::DOUBLE / {count} * {span_us} AS BIGINT)) AS time,
               m.provider, m.model, 'resp_' || lpad(CAST(p.i AS VARCHAR), 12, '0') AS response_id,
               'chat' AS operation, 50 + h % 8000 AS input_tokens, 1 + (h // 8000) % 800 AS output_tokens,
               CASE WHEN h % 3 = 0 THEN (50 + h % 8000) // 2 END AS cache_read_tokens,
               100 + (h // 64) % 9000 AS duration_ms, 'ok' AS status, 'default' AS service_tier,
               'u' || (h // 512) % 50000 AS "user", 'k' || p.project % 60 AS api_key,
               CASE WHEN h % 4 < 3 THEN 500 END AS max_tokens,
               'team-' || p.project % 60 AS team, 'project-' || p.project AS project,
               CASE WHEN p.project % 3 = 0 THEN 'dev' ELSE 'production' END AS environment
        FROM (SELECT i, h, (h // 7) % 300 AS project FROM (
              SELECT i, hash(i + 1) % 1000000007 AS h FROM range({first}, {first + count}) r(i))) p
        JOIN model m ON m.i = (p.h // 11) % {len(MODELS)}"""
    options = "FORMAT parquet" if path.suffix == ".parquet" else "FORMAT json"
    con.execute(f"COPY (SELECT * FROM ({query}) ORDER BY time) TO '{path}' ({options})")


def settings(path: Path) -> None:
    """Settings with 50 attribution rules, half of which match."""
    rules = "\n".join(
        f"    - {{name: r{i}, when: {{api_key: 'k{i}', user: 'u{i}*'}}, set: {{owner: person-{i}}}}}"
        for i in range(50))
    path.write_text(f"attribution:\n  rules:\n{rules}\n", encoding="utf-8")

"""Synthetic calls and charges that fill nearly every column, as traces of agents and detailed bills do."""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.calls import MODELS


def write_full_calls(path: Path, count: int, *, days: int = 30, start: str = "2026-09-01") -> Path:
    """`count` calls in time order: conversations of 10 calls, traces of 5 spans, 300 projects with 20 named
    prompts each and their system prompts; a tenth are spans of tools."""
    con = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    con.execute("CREATE TABLE model (i INTEGER, provider VARCHAR, model VARCHAR)")
    con.executemany("INSERT INTO model VALUES (?, ?, ?)", [(i, p, m) for i, (p, m) in enumerate(MODELS)])
    step = days * 86_400_000_000 / count
    con.execute(f"""COPY (
        SELECT TIMESTAMP '{start}' + to_microseconds(CAST(c.i * {step} AS BIGINT)) AS time,
               CASE WHEN NOT tool THEN m.provider END AS provider, CASE WHEN NOT tool THEN m.model END AS model,
               CASE WHEN NOT tool THEN 'resp_' || lpad(CAST(c.i AS VARCHAR), 12, '0') END AS response_id,
               CASE WHEN tool THEN 'execute_tool' ELSE 'chat' END AS operation,
               md5(CAST(c.trace AS VARCHAR)) AS trace_id, printf('%016x', c.i) AS span_id,
               CASE WHEN c.i % 2000 >= 400 THEN printf('%016x', c.i - 400) END AS parent_span_id,
               CASE WHEN tool THEN 'tool-' || h % 9 END AS tool,
               CASE WHEN NOT tool THEN 300 + prompt * 10 + turn * 400 + h % 200 END AS input_tokens,
               CASE WHEN NOT tool THEN 1 + h % (10 + prompt * 3) + CASE WHEN prompt % 10 = 0 THEN c.i * 200 // {count}
                    ELSE 0 END END AS output_tokens,
               CASE WHEN NOT tool AND prompt % 3 = 0 THEN 200 + prompt * 10 END AS cache_read_tokens,
               CASE WHEN NOT tool AND prompt % 7 = 0 THEN h % (10 + prompt * 3) END AS reasoning_tokens,
               CASE WHEN NOT tool THEN 200 + prompt * 10 END AS system_tokens,
               CASE WHEN NOT tool AND prompt % 4 > 0 THEN 1000 END AS max_tokens,
               100 + h % 9000 AS duration_ms, CASE WHEN h % 50 = 0 THEN 'timeout' ELSE 'ok' END AS status,
               CASE WHEN NOT tool THEN CASE WHEN prompt % 9 = 8 THEN 'batch' ELSE 'default' END END AS service_tier,
               'stop' AS finish_reason, 'org-' || project % 3 AS account, 'u' || talk % 50000 AS "user",
               'k' || project % 60 AS api_key, CASE WHEN prompt % 2 = 0 THEN 'agent-' || project % 40 END AS agent,
               'task-' || prompt % 40 AS task, 'prompt-' || prompt AS prompt, 'v' || c.i * 4 // {count}
               AS prompt_version, CASE WHEN NOT tool THEN md5('prefix' || prompt) END AS prefix_hash,
               'conversation-' || talk AS conversation, 'team-' || project % 60 AS team, 'project-' || project
               AS project, CASE WHEN project % 3 = 0 THEN 'dev' ELSE 'production' END AS environment,
               'feature-' || prompt % 30 AS feature
        FROM (SELECT *, hash(talk) % 300 AS project, CAST(hash(talk) % 300 % 10 * 20 + hash(talk) // 300 % 20 AS BIGINT)
                     AS prompt,
                     h // 1000 % 10 = 0 AS tool FROM (
              SELECT i, hash(i + 1) % 1000000007 AS h, i // 5000 * 500 + i % 500 AS talk, i % 5000 // 500 AS turn,
                     i // 2000 * 400 + i % 400 AS trace FROM range({count}) r(i))) c
        JOIN model m ON m.i = (c.project * 7 + c.prompt % 3 * 11) % {len(MODELS)} ORDER BY c.i)
        TO '{path}' (FORMAT parquet)""")
    return path


def write_full_charges(path: Path, count: int) -> Path:
    """A month of hourly lines of `count / 720` resources, with meters, descriptions and tags: buckets, replicas,
    snapshots, indexes of embeddings, machines."""
    duckdb.execute(f"""COPY (
        SELECT TIMESTAMP '2026-09-01' + to_hours(i % 720) AS ChargePeriodStart,
               TIMESTAMP '2026-09-01' + to_hours(i % 720 + 1) AS ChargePeriodEnd,
               TIMESTAMP '2026-09-01' AS BillingPeriodStart, TIMESTAMP '2026-10-01' AS BillingPeriodEnd,
               ((hash(i) % 100000) / 100000)::DECIMAL(18,6) AS BilledCost,
               ((hash(i) % 100000) / 100000)::DECIMAL(18,6) AS EffectiveCost, 'USD' AS BillingCurrency,
               'AWS' AS ProviderName, 'Amazon' AS InvoiceIssuerName, '1' AS BillingAccountId,
               'acct-' || r % 40 AS SubAccountId, 'Usage' AS ChargeCategory, what.category AS ServiceCategory,
               what.service AS ServiceName, CASE WHEN r % 2 = 0 THEN 'us-east-1' ELSE 'eu-central-1' END AS RegionId,
               what.name || '-' || r // 24 AS ResourceId, what.type AS ResourceType, what.meter AS SkuMeter,
               what.says || ' in region ' || r % 2 AS ChargeDescription, 'sku-' || r % 24 AS SkuId,
               1 + hash(i) % 7 AS ConsumedQuantity, 'GB' AS ConsumedUnit,
               '{{"team": "team-' || r % 60 || '", "cost-center": "cc-' || r % 90 || '", "owner": "person-' || r % 200
               || '", "app": "app-' || r % 300 || '", "managed-by": "terraform"'
               || CASE r % 24 WHEN 1 THEN ', "replica_of": "data-' || r // 24 || '"'
                  WHEN 2 THEN ', "kind": "snapshot", "source": "vol-' || r // 240 || '", "created": "2026-06-'
                              || 10 + r // 24 % 18 || '"' ELSE '' END || '}}' AS Tags
        FROM (SELECT i, i // 720 AS r FROM range({count}) s(i)) c
        JOIN (VALUES (0, 'Storage', 'Amazon S3', 'data', 'Bucket', 'TimedStorage-ByteHrs', 'GB-month of storage'),
                     (1, 'Storage', 'Amazon S3', 'data-replica', 'Bucket', 'TimedStorage-ByteHrs', 'GB-month kept'),
                     (2, 'Storage', 'Amazon EBS', 'snap', 'Snapshot', 'SnapshotUsage', 'GB-month of snapshot'),
                     (3, 'Storage', 'Amazon S3', 'data', 'Bucket', 'Requests-Tier2', 'GET and all other requests'),
                     (4, 'Networking', 'Amazon S3', 'data', 'Bucket', 'USE1-EUC1-AWS-Out-Bytes', 'transfer out'),
                     (5, 'Databases', 'Amazon OpenSearch', 'vectors', 'VectorIndex', 'Storage', 'vector storage'),
                     (6, 'Databases', 'Amazon OpenSearch', 'vectors', 'VectorIndex', 'Queries', 'vector queries'),
                     (7, 'Compute', 'Amazon EC2', 'i', 'Instance', 'BoxUsage:m5.xlarge', 'Linux on demand'))
             what(n, category, service, name, type, meter, says) ON what.n = CASE WHEN r % 24 < 7 THEN r % 24 ELSE 7 END
        ) TO '{path}' (FORMAT parquet)""")
    return path

"""The truth, worked out again from the files alone, by the definitions in `outlay.sample.truth`."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from samplemonth import Month, open_month

from outlay.facts import Call
from outlay.sample.token_price import token_price
from outlay.sources.inputfile import InputFile
from outlay.sources.otlp import OpenTelemetryTraces

UNTIL = "TIMESTAMP '2026-10-01'"
#: Dollars of one GPU-hour of every node.
RATE = """(SELECT ResourceName AS node, any_value(ListUnitPrice::DECIMAL(38,18)) AS list,
           any_value(effective / PricingQuantity::DOUBLE) / 8 AS rate FROM charge
           WHERE ResourceType = 'p5.48xlarge' GROUP BY ALL)"""
HOURS = f"epoch(coalesce(r.ended, {UNTIL}) - r.started) / 3600"


def near(actual: object, expected: object, within: float = 0.003) -> None:
    assert float(str(actual)) == pytest.approx(float(str(expected)), rel=within)


def price(model: str) -> tuple[float, float, float, float]:
    provider = "anthropic" if model.startswith("claude") else "openai"
    found = token_price(provider, model, datetime(2026, 9, 1))
    return tuple(float(each) / 1e6 for each in (found.input, found.output, found.cache_read, found.cache_write))


def zombies(month: Month) -> None:
    """Found by silence alone: no finite progress, or no use, for the last day of the run; no notebook."""
    found = month.con.execute(f"""
        WITH progress_seen AS (SELECT run_id, max(time) FILTER (isfinite(value)) AS at FROM progress GROUP BY ALL),
             use_seen AS (SELECT run_id, max(time) FILTER (util >= 5) + INTERVAL 5 MINUTE AS at FROM sample
                          GROUP BY ALL)
        SELECT r.run_id, r.gpus * rate * epoch(coalesce(r.ended, {UNTIL}) - coalesce(p.at, u.at)) / 3600 AS so_far,
               CASE WHEN r.ended IS NULL THEN r.gpus * rate * 730 ELSE 0 END AS month
        FROM run r JOIN {RATE} n ON n.node = string_split(r.nodes, ',')[1]
        LEFT JOIN progress_seen p USING (run_id) LEFT JOIN use_seen u USING (run_id)
        WHERE r.kind IN ('training', 'trial', 'batch') AND r.gpus > 0
          AND coalesce(r.ended, {UNTIL}) - coalesce(p.at, u.at) > INTERVAL 24 HOUR""").fetchall()
    planted = {each["subjects"][0]: each for each in month.planted("zombie-run")}
    assert {run_id for run_id, *_ in found} == planted.keys()
    assert len(planted) == 14
    for run_id, so_far, a_month in found:
        near(so_far, planted[run_id]["so_far"], 0.01)
        near(a_month, planted[run_id]["month"])


def idle_gpus(month: Month) -> None:
    quiet = dict(month.con.execute(f"""
        SELECT r.run_id, r.gpus * rate * {HOURS} FROM run r JOIN {RATE} n ON n.node = r.nodes
        JOIN (SELECT run_id, max(util) AS most FROM sample GROUP BY ALL) s USING (run_id)
        WHERE r.kind = 'notebook' AND most < 5""").fetchall())
    nodes = dict(month.con.execute(f"""
        WITH busy AS (SELECT unnest(string_split(nodes, ',')) AS node, started, coalesce(ended, {UNTIL}) AS ended
                      FROM run),
             billed AS (SELECT ResourceName AS node, start, effective FROM charge WHERE ResourceType = 'p5.48xlarge')
        SELECT node, sum(effective) FROM billed b WHERE NOT EXISTS (
            SELECT 1 FROM busy WHERE busy.node = b.node AND busy.started < b.start + INTERVAL 1 HOUR
                          AND busy.ended > b.start)
        GROUP BY ALL HAVING count(*) > 72 AND max(start) = {UNTIL} - INTERVAL 1 HOUR
           AND epoch(max(start) - min(start)) / 3600 + 1 = count(*)""").fetchall())
    planted = {each["subjects"][0]: each["so_far"] for each in month.planted("idle-gpu")}
    assert planted.keys() == quiet.keys() | nodes.keys()
    assert list(nodes) == ["gpu-14"]
    for subject, so_far in (quiet | nodes).items():
        near(so_far, planted[subject])


def oversized(month: Month) -> None:
    found = dict(month.con.execute(f"""
        WITH device_use AS (SELECT run_id, device, max(util) AS most FROM sample GROUP BY ALL),
             counted AS (SELECT run_id, count(*) FILTER (most < 5) AS idle, count(*) FILTER (most >= 5) AS busy
                         FROM device_use GROUP BY ALL)
        SELECT r.run_id, idle * rate * {HOURS} FROM run r JOIN {RATE} n ON n.node = r.nodes
        JOIN counted USING (run_id) WHERE idle > 0 AND busy > 0""").fetchall())
    planted = {each["subjects"][0]: each["so_far"] for each in month.planted("oversized-gpu")}
    assert found.keys() == planted.keys()
    for run_id, so_far in found.items():
        near(so_far, planted[run_id])


def spot(month: Month) -> None:
    """The bill itself says what spot costs."""
    share = month.value("""SELECT (SELECT any_value(effective) FROM charge WHERE PricingCategory = 'Dynamic')
        / (SELECT any_value(effective) FROM charge WHERE PricingCategory = 'Standard'
           AND ResourceType = 'p5.48xlarge')""")
    found = dict(month.con.execute(f"""
        WITH often AS (SELECT run_id, count(*) AS saved FROM progress WHERE checkpoint IS NOT NULL GROUP BY ALL)
        SELECT "group", sum(r.gpus * rate * {HOURS}) FROM run r JOIN {RATE} n ON n.node = r.nodes
        JOIN often USING (run_id)
        WHERE rate * 8 = list AND kind IN ('batch', 'trial', 'sweep') AND saved >= {HOURS} * 2
        GROUP BY ALL""").fetchall())
    planted = {each["subjects"][0]: each for each in month.planted("spot-candidate")}
    assert found.keys() == planted.keys()
    for group, cost in found.items():
        near(cost, planted[group]["amount"])
        near(cost * (1 - float(share)), planted[group]["so_far"])


def endpoints(month: Month) -> None:
    rows = month.con.execute("""
        WITH billed AS (SELECT ResourceName AS node, start, effective FROM charge WHERE ResourceName LIKE 'srv-%'),
             hours AS (SELECT e.name, e.note, p.time, p.value, sum(b.effective) AS cost
                       FROM progress p JOIN endpoint e USING (run_id)
                       JOIN billed b ON b.start = p.time AND list_contains(string_split(e.nodes, ','), b.node)
                       WHERE p.metric = 'requests' GROUP BY ALL)
        SELECT name, any_value(note), count(*), sum(value), sum(cost), sum(cost) FILTER (value = 0),
               count(*) FILTER (value = 0) FROM hours GROUP BY ALL""").fetchall()
    idle = {name: cost for name, note, hours, requests, cost, *_ in rows if requests <= 30 and not note}
    assert list(idle) == ["demo-summarise"]
    near(idle["demo-summarise"], month.one("idle-endpoint")["so_far"], 1e-9)
    assert 7900 < float(month.one("idle-endpoint")["month"]) < 8500
    seldom = {name: waste for name, note, hours, requests, _, waste, free in rows if requests > 30 and free > hours / 2}
    assert list(seldom) == ["label-assist"]
    near(seldom["label-assist"], month.one("always-on")["so_far"], 1e-9)


def bills(month: Month) -> None:
    replicas = dict(month.con.execute("""
        SELECT ResourceName, sum(effective) FROM charge WHERE replica_of IS NOT NULL AND purpose IS NULL
        GROUP BY ALL HAVING count(*) FILTER (SkuMeter LIKE '%GET%') = 0""").fetchall())
    planted = {each["subjects"][0]: Decimal(each["so_far"]) for each in month.planted("unused-replication")}
    assert replicas == planted
    old = month.con.execute(f"""
        WITH held AS (SELECT ResourceName AS name, any_value(source) AS source, any_value(kind) AS kind,
                             any_value(created::DATE) AS created, sum(effective) AS cost
                      FROM charge WHERE kind IN ('snapshot', 'checkpoint') GROUP BY ALL)
        SELECT kind, list(name), sum(cost) FROM held h WHERE created < {UNTIL} - INTERVAL 30 DAY
          AND EXISTS (SELECT 1 FROM held n WHERE n.source = h.source AND n.created > h.created)
        GROUP BY ALL""").fetchall()
    bloat = {frozenset(each["subjects"]): Decimal(each["so_far"]) for each in month.planted("snapshot-bloat")}
    assert {frozenset(names): cost for _, names, cost in old} == bloat
    egress = month.con.execute("""SELECT ResourceName, sum(effective) FROM charge WHERE SkuMeter LIKE 'InterRegion%'
        AND replica_of IS NULL GROUP BY ALL""").fetchall()
    assert egress == [(month.one("egress")["subjects"][0], Decimal(month.one("egress")["so_far"]))]
    unread = month.con.execute("""SELECT ResourceName, sum(effective) FROM charge WHERE ResourceType = 'Vector index'
        GROUP BY ALL HAVING count(*) FILTER (SkuMeter LIKE '%Read%') = 0""").fetchall()
    assert unread == [(month.one("vector-store")["subjects"][0], Decimal(month.one("vector-store")["so_far"]))]
    total = month.value("SELECT sum(effective) FROM charge")
    untagged = month.value("SELECT sum(effective) FROM charge WHERE team IS NULL AND (ResourceName IS NOT NULL "
                           "OR SkuPriceDetails LIKE '%\"o3\"%')")
    assert untagged == Decimal(month.one("untagged")["amount"])
    assert untagged / total > Decimal("0.05")


def tokens(month: Month) -> None:
    big, small = price("gpt-4o"), price("gpt-4o-mini")
    tokens_in, tokens_out = month.con.execute(
        "SELECT sum(input_tokens), sum(output_tokens) FROM call WHERE project = 'ticket-triage'").fetchone()
    cheaper = tokens_in * (big[0] - small[0]) + tokens_out * (big[1] - small[1])
    near(cheaper, month.one("frontier-model")["so_far"], 1e-9)
    assert month.value("SELECT max(output_tokens) FROM call WHERE project = 'ticket-triage'") < 20
    requests, system = month.con.execute(
        "SELECT sum(requests), sum(system_tokens) FROM usage WHERE project = 'support-answers'").fetchone()
    assert (requests, system) == (500_000 * 30, 800 * 500_000 * 30)
    near((system - 500 * requests) * big[0], month.one("system-prompt")["so_far"], 1e-9)
    sonnet = price("claude-sonnet-4-5")
    prefix = month.one("uncached-prefix")["subjects"][1]
    calls, hits = month.con.execute(f"""SELECT count(*), count(*) FILTER (gap < INTERVAL 5 MINUTE) FROM (
        SELECT time - lag(time) OVER (ORDER BY time) AS gap FROM call WHERE prefix_hash = '{prefix}')""").fetchone()
    saved = 3000 * (hits * (sonnet[0] - sonnet[2]) - (calls - hits) * (sonnet[3] - sonnet[0]))
    near(saved, month.one("uncached-prefix")["so_far"], 1e-9)
    near(3000 * calls * (sonnet[0] - sonnet[2]), saved, 0.012)
    assert 0.94 < calls / month.value("SELECT count(*) FROM call WHERE project = 'docs-search'") < 0.98
    resent = month.value("""SELECT sum(sixth - first) FROM (
        SELECT lag(input_tokens, 6) OVER w AS sixth, first_value(input_tokens) OVER w AS first FROM call
        WHERE project = 'onboarding-coach' WINDOW w AS (PARTITION BY conversation ORDER BY time))
        WHERE sixth IS NOT NULL""")
    near(resent * sonnet[0], month.one("resent-history")["so_far"], 1e-9)


def outputs(month: Month) -> None:
    source = f"read_json('{month.files.directory}/calls/report-writer.jsonl')"
    cap, later = month.con.execute(f"""
        SELECT quantile_cont(output_tokens, 0.95) FILTER (time < TIMESTAMP '2026-09-08'),
               quantile_cont(output_tokens, 0.95) FILTER (time >= TIMESTAMP '2026-09-24') FROM {source}""").fetchone()
    assert later > 1.5 * cap
    excess = month.value(f"""SELECT sum(greatest(output_tokens - {cap}, 0)) FROM {source}
        WHERE time >= TIMESTAMP '2026-09-08'""")
    near(float(excess) * price("claude-opus-4-1")[1], month.one("unbounded-output")["so_far"])
    assert month.value(f"SELECT count(max_tokens) FROM {source}") == 0


def spike(month: Month) -> None:
    planted = month.one("cost-anomaly")
    into, out, *_ = price("claude-sonnet-4-5")
    excess = month.value(f"""
        WITH days AS (SELECT date_trunc('day', start) AS day, sum(input_tokens * {into} + output_tokens * {out}) AS cost
                      FROM usage WHERE project = 'invoice-extraction' GROUP BY ALL)
        SELECT max(cost) - median(cost) FILTER (day <> DATE '{planted["figures"]["day"]}') FROM days""")
    near(excess, planted["so_far"], 1e-6)
    assert float(planted["figures"]["cost"]) > 4 * float(planted["figures"]["usual"])


def agents(month: Month) -> None:
    path = month.files.directory / "calls" / "agent-traces.jsonl"
    spans = [span for span in OpenTelemetryTraces().read(InputFile(path, path.name)) if isinstance(span, Call)]
    planted = month.one("runaway-agent")
    chats = [s for s in spans if s.trace_id == planted["subjects"][0] and s.operation == "chat"]
    into, out, *_ = price("claude-opus-4-1")
    assert len(chats) > 500
    near(sum((s.input_tokens or 0) * into + (s.output_tokens or 0) * out for s in chats), planted["so_far"], 1e-9)
    assert max(s.input_tokens or 0 for s in chats) < 200_000
    long = next(each["subjects"][0] for each in month.truth["decoys"] if each["codes"] == ["runaway-agent"])
    usual = Counter(s.trace_id for s in spans if s.operation == "chat")
    assert usual.pop(planted["subjects"][0]) > usual.pop(long) > 100
    assert max(usual.values()) < 60


def experiments(month: Month) -> None:
    weeks = month.con.execute("""
        SELECT tags['team'] AS team, strftime(started, '%G-W%V') AS week, count(*) FROM run
        WHERE kind IN ('training', 'trial', 'sweep') GROUP BY ALL""").fetchall()
    search = {week: count for team, week, count in weeks if team == "search"}
    assert {week: str(count) for week, count in search.items()} == month.one("experiment-rate")["figures"]
    assert all(search[week] > 20 for week in ("2026-W37", "2026-W38", "2026-W39"))
    assert [(team, week) for team, week, count in weeks if team != "search" and count > 20] == []
    figures = month.one("inference-over-training")["figures"]
    assert float(figures["inference support-ai"]) > 5 * float(figures["training support-ai"]) > 0


CHECKS = (zombies, idle_gpus, oversized, spot, endpoints, bills, tokens, outputs, spike, agents, experiments)


@pytest.mark.parametrize("check", CHECKS)
def test_truth_follows_from_the_files(month: Month, check: Callable[[Month], None]) -> None:
    check(month)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_truth_follows_from_the_files_of_other_seeds(tmp_path: Path, seed: int) -> None:
    month = open_month(tmp_path, seed)
    for check in CHECKS:
        check(month)
    spent = sum(Decimal(v) for k, v in month.truth["totals"].items() if k.startswith("effective:"))
    assert 450_000 < spent < 700_000
    month.con.close()


def test_decoys_are_what_they_say(month: Month) -> None:
    by_why = {each["why"]: each["subjects"] for each in month.truth["decoys"]}
    production = next(s[0] for why, s in by_why.items() if "25 days" in why)
    state, days, environment = month.con.execute(f"""
        SELECT state, epoch(ended - started) / 86400, tags['environment'] FROM run
        WHERE run_id = '{production}'""").fetchone()
    assert (state, days, environment) == ("completed", 25, "production")
    assert month.value(f"SELECT avg(util) FROM sample WHERE run_id = '{production}'") > 85
    notebook = next(s[0] for why, s in by_why.items() if "every working day" in why)
    mean, days = month.con.execute(f"""
        SELECT avg(util), count(DISTINCT CASE WHEN util > 40 THEN date_trunc('day', time) END) FROM sample
        WHERE run_id = '{notebook}'""").fetchone()
    assert mean < 20 and days >= 20
    sweep = next(s[1:] for why, s in by_why.items() if "loss that falls" in why)
    for run_id in sweep:
        first, last = month.con.execute(f"""SELECT arg_min(value, time), arg_max(value, time) FROM progress
            WHERE run_id = '{run_id}'""").fetchone()
        assert last < first - 0.2
    assert month.value("SELECT note FROM endpoint WHERE name = 'recs-standby'").startswith("cold standby")
    night = month.value("""SELECT count(*) FROM charge c WHERE ResourceName IN
        (SELECT nodes FROM endpoint WHERE name = 'nightly-embed') AND hour(start) >= 6""")
    assert night == 0
    cached = month.value("SELECT sum(cache_read_tokens) / sum(input_tokens) FROM call WHERE project = 'coding-agents'")
    assert cached > 0.85

"""GPU time in parts that add up: used, idle (allocated, no work), unallocated, unknown (no readings), and their cost.

What a node cost is said by its bill (resource name or id = node name), which is split over the parts of each day's
device time: the hours billed, times the node's devices. Without a bill only time that a run held or that was read is
counted, at the price of the accelerator, as a metered estimate: nobody says that the node was there otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.ledger import gpuhour
from outlay.ledger.exact import part_sql, split_sql
from outlay.ledger.schema import DIMENSIONS, GPU_DAY

if TYPE_CHECKING:
    import duckdb

    from outlay.prices.book import PriceBook

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_DIMS = ", ".join(DIMENSIONS)
_ATTO = "1000000000000000000::HUGEINT"


def remake(con: duckdb.DuckDBPyConnection, book: PriceBook) -> None:
    """Makes `gpu_hour` and `gpu_day` again from samples, runs and charges. Part of the transaction that is open."""
    con.execute("DELETE FROM gpu_day")
    gpuhour.remake(con)
    con.execute(_RUN_DAY)
    con.execute(_BILL_DAY)
    con.execute(_NODE_DAY)
    con.execute(_PART_DAY)
    _register_prices(con, book)
    con.execute(_billed())
    con.execute(_metered())
    for name in ("run_node", "gpu_node", "run_day", "bill_day", "node_day", "part_day", "gpu_price"):
        con.execute(f"DROP TABLE {name}")


#: Seconds that each run was given on each node and day: by the scheduler, else by its samples.
_RUN_DAY = """CREATE TEMP TABLE run_day AS
WITH days AS (
    SELECT *, unnest(generate_series(date_trunc('day', started), ended, INTERVAL 1 DAY)) AS day FROM run_node),
given AS (
    SELECT day, node, run_id, scheduler, any_value(gpu_type) AS gpu_type, any_value(market) AS market,
           any_value(region) AS region, any_value("partition") AS pool,
           sum(gpus * epoch(least(ended, day + INTERVAL 1 DAY) - greatest(started, day))) AS alloc_s
    FROM days WHERE least(ended, day + INTERVAL 1 DAY) > greatest(started, day)
    GROUP BY day, node, run_id, scheduler),
readings AS (
    SELECT date_trunc('day', hour) AS day, node, run_id, sum(read_s) AS read_s, sum(busy_s) AS busy_s
    FROM gpu_hour WHERE run_id IS NOT NULL GROUP BY ALL),
joined AS (
    SELECT coalesce(g.day, r.day) AS day, coalesce(g.node, r.node) AS node, coalesce(g.run_id, r.run_id) AS run_id,
           g.scheduler, g.gpu_type, g.pool, g.market, g.region, coalesce(g.alloc_s, r.read_s) AS alloc_s,
           coalesce(r.read_s, 0) AS read_s, coalesce(r.busy_s, 0) AS busy_s
    FROM given g FULL JOIN readings r ON g.day = r.day AND g.node = r.node AND g.run_id = r.run_id),
who AS (
    SELECT run_id, scheduler, {dims}, row_number() OVER (PARTITION BY run_id ORDER BY started DESC, scheduler) AS nth
    FROM run)
SELECT b.* REPLACE (coalesce(b.scheduler, w.scheduler) AS scheduler, coalesce(n.gpu_type, b.gpu_type) AS gpu_type,
                    coalesce(b.pool, n.pool) AS pool, coalesce(b.region, n.region) AS region), {w_dims}
FROM joined b LEFT JOIN gpu_node n ON n.node = b.node
LEFT JOIN who w ON w.run_id = b.run_id AND (w.scheduler = b.scheduler OR (b.scheduler IS NULL AND w.nth = 1))
""".format(dims=_DIMS, w_dims=", ".join(f"w.{name}" for name in DIMENSIONS))

#: Whether a charge `c` that names a node is for the machine; not for its disks, nor for models.
MACHINE_CHARGE = ("(c.model_key IS NULL "
                  "AND coalesce(c.service_category IN ('Compute', 'AI and Machine Learning'), true))")

#: What each node was billed on each day, and for how many hours; a row for several days is split evenly over them.
#: A row's hours are its quantity, where that counts hours, but no more than its period (it may count GPU-hours).
#: `share`: of the node's time that day, which is counted once however many prices it was billed at.
_BILL_DAY = """CREATE TEMP TABLE bill_day AS
WITH matched AS (
    SELECT c.*, coalesce(a.node, b.node) AS node,
           coalesce(charge_period_end, charge_period_start + INTERVAL 1 DAY) AS until,
           greatest(1, date_diff('day', date_trunc('day', charge_period_start), date_trunc(
               'day', coalesce(charge_period_end, charge_period_start) - INTERVAL 1 MICROSECOND)) + 1) AS days,
           CASE WHEN regexp_matches(lower(consumed_unit), 'hour|hrs?\\b') THEN CAST(consumed_quantity AS DOUBLE)
                WHEN regexp_matches(lower(pricing_unit), 'hour|hrs?\\b') THEN CAST(pricing_quantity AS DOUBLE) END
               AS stated_h,
           coalesce(charge_category = 'Usage', true) AS is_usage
    FROM charge_line c LEFT JOIN gpu_node a ON a.node = coalesce(c.resource_name, c.resource_id)
    LEFT JOIN gpu_node b ON b.node = c.resource_id
    WHERE coalesce(a.node, b.node) IS NOT NULL AND {machine}),
spread AS (
    SELECT *, date_trunc('day', charge_period_start) + to_days(CAST(nth AS INTEGER)) AS day, 1::BIGINT AS one
    FROM (SELECT *, unnest(generate_series(0, days - 1)) AS nth FROM matched WHERE days > 1)),
daily AS (
    SELECT date_trunc('day', charge_period_start) AS day, {kept}, {costs} FROM matched WHERE days = 1
    UNION ALL SELECT day, {kept}, {split} FROM spread),
timed AS (
    SELECT *, CASE WHEN is_usage THEN greatest(least(coalesce(stated_h, period_h), period_h), 0) / days END AS h
    FROM (SELECT *, epoch(until - charge_period_start) / 3600 AS period_h FROM daily)),
hours AS (
    SELECT day, node, least(max(h), 24) AS hours
    FROM (SELECT day, node, sum(h) AS h FROM timed GROUP BY day, node, sku_id, sku_meter) GROUP BY day, node),
billed AS (
    SELECT day, node, billing_currency AS currency, provider, service_name AS service, region,
           coalesce(sub_account_id, billing_account_id) AS account, pricing_category, {dims}, sum(h) AS own_h, {sums}
    FROM timed GROUP BY ALL)
SELECT b.*, h.hours, CASE WHEN sum(own_h) OVER (PARTITION BY b.day, b.node) > 0
                          THEN coalesce(own_h, 0) / sum(own_h) OVER (PARTITION BY b.day, b.node)
                          ELSE 1 / count(*) OVER (PARTITION BY b.day, b.node) END AS share
FROM billed b LEFT JOIN hours h ON h.day = b.day AND h.node = b.node""".format(
    dims=_DIMS, machine=MACHINE_CHARGE,
    kept=f"node, until, charge_period_start, days, stated_h, is_usage, sku_id, sku_meter, billing_currency, provider, "
         f"service_name, region, sub_account_id, billing_account_id, pricing_category, {_DIMS}",
    costs=", ".join(_COSTS), split=", ".join(split_sql(name, "one", "row_no", "day") for name in _COSTS),
    sums=", ".join(f"sum({name}) AS {name}" for name in _COSTS))

#: Device seconds of a node on a day. `cap_s`, all of them: the hours billed, else what runs held and what was read
#: beside that.
_NODE_DAY = """CREATE TEMP TABLE node_day AS
WITH billed AS (SELECT node, day, any_value(hours) AS hours, true AS billed FROM bill_day GROUP BY node, day),
given AS (SELECT node, day, sum(alloc_s) AS alloc_s FROM run_day WHERE node IS NOT NULL GROUP BY node, day),
free AS (
    SELECT node, date_trunc('day', hour) AS day, sum(read_s) AS read_s, sum(busy_s) AS busy_s
    FROM gpu_hour WHERE run_id IS NULL GROUP BY ALL),
known AS (
    SELECT node, day FROM billed UNION SELECT node, day FROM given UNION SELECT node, day FROM free)
SELECT k.node, k.day, n.gpu_type, n.pool, n.region, n.scheduled, coalesce(g.alloc_s, 0) AS alloc_s,
       coalesce(f.read_s, 0) AS read_s, coalesce(f.busy_s, 0) AS busy_s,
       CASE WHEN b.billed IS NULL THEN coalesce(g.alloc_s, 0) + coalesce(f.read_s, 0)
            ELSE greatest(n.devices * CASE WHEN hours > 0.001 THEN hours ELSE 24 END * 3600, coalesce(g.alloc_s, 0))
       END AS cap_s
FROM known k JOIN gpu_node n ON n.node = k.node LEFT JOIN billed b ON b.node = k.node AND b.day = k.day
LEFT JOIN given g ON g.node = k.node AND g.day = k.day LEFT JOIN free f ON f.node = k.node AND f.day = k.day"""

#: The parts, in device seconds. On nodes of which nothing tells allocated devices from free ones, all are allocated.
_PART_DAY = """CREATE TEMP TABLE part_day AS
WITH parts AS (
    SELECT day, node, run_id, scheduler, gpu_type, pool, market, region, {dims},
           least(busy_s, alloc_s) AS used, greatest(alloc_s - read_s, 0) AS unread, alloc_s AS total, 0 AS free
    FROM run_day
    UNION ALL
    SELECT day, node, NULL, NULL, gpu_type, pool, NULL, region, {nulls},
           CASE WHEN scheduled THEN 0 ELSE least(busy_s, cap_s - alloc_s) END,
           CASE WHEN scheduled THEN 0 ELSE greatest(cap_s - alloc_s - read_s, 0) END,
           cap_s - alloc_s, CASE WHEN scheduled THEN cap_s - alloc_s ELSE 0 END
    FROM node_day WHERE cap_s - alloc_s > 0.0005),
whole AS (SELECT *, least(unread, total - used) AS unknown FROM parts),
listed AS (
    SELECT * EXCLUDE (used, unread, total, free, unknown), unnest([
        {{part: 'used', s: used}}, {{part: 'unknown', s: unknown}}, {{part: 'unallocated', s: free}},
        {{part: 'idle', s: total - used - unknown - free}}], recursive := true) FROM whole),
timed AS (SELECT * EXCLUDE (s), s AS gpu_s, CAST(round(s * 1000) AS BIGINT) AS ms FROM listed WHERE s > 0.0005)
SELECT *, sum(ms) OVER (PARTITION BY node, day) AS all_ms,
       sum(ms) OVER (PARTITION BY node, day ORDER BY part, run_id, scheduler ROWS UNBOUNDED PRECEDING) AS reached_ms
FROM timed""".format(
    dims=_DIMS, nulls=", ".join(f"NULL AS {name}" for name in DIMENSIONS))


def _billed() -> str:
    """Each node's bill of a day over its parts, by device time."""
    values = {
        "basis": "'billed'", "currency": "coalesce(b.currency, 'unknown')", "provider": "b.provider",
        "service": "b.service", "region": "b.region", "account": "b.account", "gpu_s": "p.gpu_s * b.share",
        "market": "CASE b.pricing_category WHEN 'Dynamic' THEN 'spot' WHEN 'Committed' THEN 'reserved' "
                  "WHEN 'Standard' THEN 'on_demand' ELSE coalesce(p.market, 'on_demand') END",
        **{name: f"coalesce(p.{name}, b.{name})" for name in DIMENSIONS},
        **{name: part_sql(f"b.{name}", "p.ms", "p.reached_ms", "p.all_ms") for name in _COSTS},
    }
    return (f"INSERT INTO gpu_day SELECT {_selected(values)} FROM part_day p JOIN bill_day b "
            "ON b.day = p.day AND b.node = p.node")


def _metered() -> str:
    """Device time that no bill speaks of, at the price of its accelerator; NULL where none is known."""
    # Milliseconds x picodollars an hour x 10^6 / 3,600,000 are attodollars; a division of decimals would go by float.
    atto = "((p.ms::HUGEINT * q.picodollars * 5 + 9) // 18)"
    cost = (f"CAST(({atto} // {_ATTO})::VARCHAR || '.' || lpad(({atto} % {_ATTO})::VARCHAR, 18, '0') "
            "AS DECIMAL(38,18))")
    values = {
        "basis": "'metered'", "currency": "'USD'", "provider": "NULL", "service": "NULL", "region": "p.region",
        "account": "NULL", "market": "p.market", **{name: f"p.{name}" for name in DIMENSIONS},
        "billed_cost": "NULL", "effective_cost": cost, "list_cost": cost, "contracted_cost": cost,
    }
    return (f"INSERT INTO gpu_day SELECT {_selected(values)} FROM part_day p LEFT JOIN gpu_price q "
            "ON q.gpu_type = p.gpu_type AND q.market IS NOT DISTINCT FROM p.market "
            "AND q.region IS NOT DISTINCT FROM p.region "
            "WHERE NOT EXISTS (SELECT 1 FROM bill_day b WHERE b.day = p.day AND b.node = p.node)")


def _selected(values: dict[str, str]) -> str:
    return ", ".join(
        f"CAST({values[name]} AS {sql_type})" if name in values else f"p.{name}" for name, sql_type in GPU_DAY)


def _register_prices(con: duckdb.DuckDBPyConnection, book: PriceBook) -> None:
    """The price of an hour of every accelerator, market and region that occurs without a bill."""
    con.execute("CREATE TEMP TABLE gpu_price (gpu_type VARCHAR, market VARCHAR, region VARCHAR, picodollars HUGEINT)")
    found = con.execute(
        "SELECT DISTINCT gpu_type, market, region FROM part_day p WHERE gpu_type IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM bill_day b WHERE b.day = p.day AND b.node = p.node)").fetchall()
    for gpu_type, market, region in found:
        price = book.gpu_hour(gpu_type, region=region, market=market or "on_demand")
        if price is not None:
            con.execute("INSERT INTO gpu_price VALUES (?, ?, ?, ?)",
                        [gpu_type, market, region, int(price.value.scaleb(12))])

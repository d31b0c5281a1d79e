"""GPU time in parts that add up: used, idle (allocated, no work), unallocated, unknown (no readings), and their cost.

Whose time it was is said by the sample itself, else by the scheduler's runs on the node at that hour, each with the
share of the node's devices that it was given. What a node cost is said by its bill (resource name or id = node name),
split over the parts of the day; without a bill by the price of the accelerator, as a metered estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.ledger.exact import split_sql
from outlay.ledger.schema import DIMENSIONS, GPU_DAY

if TYPE_CHECKING:
    import duckdb

    from outlay.prices.book import PriceBook

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_DIMS = ", ".join(DIMENSIONS)


def remake(con: duckdb.DuckDBPyConnection, book: PriceBook) -> None:
    """Makes `gpu_hour` and `gpu_day` again from samples, runs and charges. Part of the transaction that is open."""
    con.execute("DELETE FROM gpu_hour")
    con.execute("DELETE FROM gpu_day")
    _horizon(con)
    con.execute(_RUN_NODE)
    con.execute(_DEVICES)
    con.execute(_GPU_HOUR)
    con.execute(_RUN_DAY)
    con.execute(_BILL_DAY)
    con.execute(_NODE_DAY)
    con.execute(_PART_DAY)
    _register_prices(con, book)
    con.execute(_billed())
    con.execute(_metered())
    for name in ("run_node", "node_devices", "run_day", "bill_day", "node_day", "part_day", "gpu_price", "horizon"):
        con.execute(f"DROP TABLE {name}")


def _horizon(con: duckdb.DuckDBPyConnection) -> None:
    """The latest moment that any fact about machines speaks of: runs that have not ended last until then."""
    con.execute("""CREATE TEMP TABLE horizon AS SELECT coalesce(greatest(
        (SELECT max(time + to_seconds(coalesce(seconds, 0))) FROM sample),
        (SELECT max(greatest(ended, started, observed)) FROM run),
        (SELECT max(coalesce(charge_period_end, charge_period_start)) FROM charge
         WHERE charge_category IS NULL OR charge_category = 'Usage')), TIMESTAMP '1970-01-01') AS at""")


#: Runs on nodes, with the devices each was given there. Runs without nodes stand on node NULL.
_RUN_NODE = """CREATE TEMP TABLE run_node AS
SELECT r.run_id, r.scheduler, r.started, least(coalesce(r.ended, h.at), h.at) AS ended, n.node,
       r.gpus / len(r.node_list) AS gpus, r.gpu_type, r.market, r.region, r."partition", {dims}
FROM (SELECT *, CASE WHEN coalesce(nodes, '') = '' THEN [NULL] ELSE string_split(nodes, ',') END AS node_list
      FROM run) r, horizon h, LATERAL (SELECT unnest(r.node_list) AS node) n
WHERE r.started IS NOT NULL AND coalesce(r.gpus, 0) > 0 AND coalesce(r.ended, h.at) > r.started""".format(
    dims=", ".join(f"r.{name}" for name in DIMENSIONS))

#: Devices of each node: as many as ever reported, else as many as were ever given out at once to one run.
_DEVICES = """CREATE TEMP TABLE node_devices AS
SELECT node, coalesce(max(seen), max(given)) AS devices, bool_or(seen IS NOT NULL) AS sampled,
       bool_or(given IS NOT NULL) AS scheduled, any_value(gpu_type) AS gpu_type, any_value(pool) AS pool
FROM (SELECT node, count(DISTINCT device) AS seen, NULL::DOUBLE AS given, any_value(gpu_type) AS gpu_type,
             any_value(pool) AS pool FROM sample WHERE node IS NOT NULL GROUP BY node
      UNION ALL
      SELECT node, NULL, max(gpus), any_value(gpu_type), any_value("partition") FROM run_node
      WHERE node IS NOT NULL GROUP BY node)
GROUP BY node"""

#: Readings by device, hour and run. A sample that names no run belongs to the runs on its node at its time, each with
#: its share of the node's devices; what no run was given stays with run NULL.
_GPU_HOUR = """INSERT INTO gpu_hour
WITH summed AS (
    SELECT date_trunc('hour', time) AS hour, node, device, any_value(pool) AS pool, any_value(gpu_type) AS gpu_type,
           run_id, sum(coalesce(seconds, 0)) AS read_s, sum(coalesce(seconds, 0) * util / 100) AS busy_s
    FROM sample WHERE util IS NOT NULL GROUP BY ALL),
open_hours AS (
    SELECT DISTINCT s.hour, s.node FROM summed s WHERE s.run_id IS NULL
    AND s.node IN (SELECT node FROM run_node)),
shares AS (
    SELECT o.hour, o.node, r.run_id,
           least(1, r.gpus / d.devices) * epoch(least(r.ended, o.hour + INTERVAL 1 HOUR) - greatest(r.started, o.hour))
               / 3600 AS share
    FROM open_hours o JOIN node_devices d USING (node)
    JOIN run_node r ON r.node = o.node AND r.started < o.hour + INTERVAL 1 HOUR AND r.ended > o.hour
    WHERE NOT EXISTS (SELECT 1 FROM summed l WHERE l.run_id = r.run_id AND l.hour = o.hour AND l.node = o.node)),
totals AS (SELECT hour, node, sum(share) AS share FROM shares GROUP BY ALL)
SELECT hour, node, device, pool, gpu_type, run_id, read_s, busy_s FROM summed
WHERE run_id IS NOT NULL OR (hour, node) NOT IN (SELECT (hour, node) FROM totals)
UNION ALL
SELECT s.hour, s.node, s.device, s.pool, s.gpu_type, h.run_id, s.read_s * h.share / greatest(t.share, 1),
       s.busy_s * h.share / greatest(t.share, 1)
FROM summed s JOIN shares h USING (hour, node) JOIN totals t USING (hour, node) WHERE s.run_id IS NULL
UNION ALL
SELECT s.hour, s.node, s.device, s.pool, s.gpu_type, NULL, s.read_s * (1 - t.share), s.busy_s * (1 - t.share)
FROM summed s JOIN totals t USING (hour, node) WHERE s.run_id IS NULL AND t.share < 0.999"""

#: Seconds that each run was given on each node and day: by the scheduler, else by its samples.
_RUN_DAY = """CREATE TEMP TABLE run_day AS
WITH given AS (
    SELECT d.day, r.node, r.run_id, r.scheduler, any_value(r.gpu_type) AS gpu_type, any_value(r.market) AS market,
           any_value(r.region) AS region, any_value(r."partition") AS pool, {any_dims},
           sum(r.gpus * epoch(least(r.ended, d.day + INTERVAL 1 DAY) - greatest(r.started, d.day))) AS alloc_s
    FROM run_node r, LATERAL (SELECT unnest(generate_series(date_trunc('day', r.started), r.ended, INTERVAL 1 DAY))
                              AS day) d
    WHERE least(r.ended, d.day + INTERVAL 1 DAY) > greatest(r.started, d.day)
    GROUP BY ALL),
readings AS (
    SELECT date_trunc('day', hour) AS day, node, run_id, sum(read_s) AS read_s, sum(busy_s) AS busy_s,
           any_value(gpu_type) AS gpu_type, any_value(pool) AS pool
    FROM gpu_hour WHERE run_id IS NOT NULL GROUP BY ALL)
SELECT coalesce(g.day, r.day) AS day, coalesce(g.node, r.node) AS node, coalesce(g.run_id, r.run_id) AS run_id,
       g.scheduler, coalesce(g.gpu_type, r.gpu_type) AS gpu_type, coalesce(g.pool, r.pool) AS pool, g.market, g.region,
       {g_dims}, coalesce(g.alloc_s, r.read_s) AS alloc_s, coalesce(r.read_s, 0) AS read_s,
       coalesce(r.busy_s, 0) AS busy_s
FROM given g FULL JOIN readings r ON g.day = r.day AND g.node IS NOT DISTINCT FROM r.node AND g.run_id = r.run_id
""".format(any_dims=", ".join(f"any_value(r.{name}) AS {name}" for name in DIMENSIONS),
           g_dims=", ".join(f"g.{name}" for name in DIMENSIONS))

#: What each known node was billed on each day; a row for several days is split evenly over them.
_BILL_DAY = """CREATE TEMP TABLE bill_day AS
WITH matched AS (
    SELECT c.*, d.node,
           greatest(1, date_diff('day', date_trunc('day', charge_period_start),
               date_trunc('day', coalesce(charge_period_end, charge_period_start) - INTERVAL 1 MICROSECOND)) + 1)
               AS days
    FROM charge_line c
    JOIN node_devices d ON d.node = coalesce(c.resource_name, c.resource_id) OR d.node = c.resource_id
    WHERE c.service_category = 'Compute' OR c.service_category IS NULL
       OR c.service_category = 'AI and Machine Learning'),
daily AS (
    SELECT m.*, date_trunc('day', m.charge_period_start) + to_days(CAST(o.i AS INTEGER)) AS day, 1::BIGINT AS one
    FROM matched m, LATERAL (SELECT unnest(generate_series(0, m.days - 1)) AS i) o)
SELECT day, node, billing_currency AS currency, provider, service_name AS service, region,
       coalesce(sub_account_id, billing_account_id) AS account, pricing_category, {dims},
       sum(billed) AS billed_cost, sum(effective) AS effective_cost, sum(list) AS list_cost,
       sum(contracted) AS contracted_cost,
       sum(CASE WHEN lower(consumed_unit) LIKE '%hour%' THEN CAST(consumed_quantity AS DOUBLE) / days END) AS hours
FROM (SELECT *, {split} FROM daily) GROUP BY ALL""".format(
    dims=_DIMS,
    split=", ".join(f"{split_sql(f'{name}_cost', 'one', 'row_no', 'day')} AS {name}"
                    for name in ("billed", "effective", "list", "contracted")))

#: Device seconds that a node had on a day: the hours it was billed for, else the time between its first and last sign.
_NODE_DAY = """CREATE TEMP TABLE node_day AS
WITH signs AS (
    SELECT node, min(since) AS since, max(until) AS until FROM (
        SELECT node, min(hour) AS since, max(hour) + INTERVAL 1 HOUR AS until FROM gpu_hour GROUP BY node
        UNION ALL SELECT node, min(started), max(ended) FROM run_node WHERE node IS NOT NULL GROUP BY node)
    GROUP BY node),
seen AS (
    SELECT s.node, d.day, epoch(least(s.until, d.day + INTERVAL 1 DAY) - greatest(s.since, d.day)) AS wall_s
    FROM signs s, LATERAL (SELECT unnest(generate_series(date_trunc('day', s.since), s.until, INTERVAL 1 DAY)) AS day) d
    WHERE least(s.until, d.day + INTERVAL 1 DAY) > greatest(s.since, d.day)),
billed AS (SELECT node, day, max(hours) AS hours FROM bill_day GROUP BY ALL),
given AS (SELECT node, day, sum(alloc_s) AS alloc_s FROM run_day WHERE node IS NOT NULL GROUP BY ALL),
readings AS (
    SELECT node, date_trunc('day', hour) AS day, sum(read_s) AS read_s,
           coalesce(sum(read_s) FILTER (run_id IS NULL), 0) AS free_read_s,
           coalesce(sum(busy_s) FILTER (run_id IS NULL), 0) AS free_busy_s
    FROM gpu_hour GROUP BY ALL)
SELECT coalesce(s.node, b.node) AS node, coalesce(s.day, b.day) AS day, v.gpu_type, v.pool, v.scheduled,
       greatest(v.devices * coalesce(least(b.hours * 3600, 86400), s.wall_s, 86400), coalesce(g.alloc_s, 0)) AS cap_s,
       coalesce(g.alloc_s, 0) AS alloc_s, coalesce(r.read_s, 0) AS read_s, coalesce(r.free_read_s, 0) AS free_read_s,
       coalesce(r.free_busy_s, 0) AS free_busy_s
FROM seen s FULL JOIN billed b ON s.node = b.node AND s.day = b.day
JOIN node_devices v ON v.node = coalesce(s.node, b.node)
LEFT JOIN given g ON g.node = v.node AND g.day = coalesce(s.day, b.day)
LEFT JOIN readings r ON r.node = v.node AND r.day = coalesce(s.day, b.day)"""

#: The parts, in device seconds. On nodes that no scheduler speaks of, whatever was read counts as allocated.
_PART_DAY = """CREATE TEMP TABLE part_day AS
WITH parts AS (
    SELECT day, node, run_id, scheduler, gpu_type, pool, market, region, {dims},
           least(busy_s, alloc_s) AS used, greatest(alloc_s - read_s, 0) AS unknown, alloc_s AS total, 0 AS free
    FROM run_day
    UNION ALL
    SELECT day, node, NULL, NULL, gpu_type, pool, NULL, NULL, {nulls},
           CASE WHEN scheduled THEN 0 ELSE least(free_busy_s, cap_s - alloc_s) END,
           CASE WHEN scheduled THEN 0 ELSE greatest(cap_s - alloc_s - free_read_s, 0) END,
           cap_s - alloc_s, CASE WHEN scheduled THEN cap_s - alloc_s ELSE 0 END
    FROM node_day WHERE cap_s > alloc_s)
SELECT * EXCLUDE (used, unknown, total, free, pair), pair.part AS part, pair.s AS gpu_s,
       CAST(round(pair.s * 1000) AS BIGINT) AS ms
FROM (SELECT *, unnest([
    {{part: 'used', s: used}}, {{part: 'unknown', s: least(unknown, total - used)}},
    {{part: 'unallocated', s: free}},
    {{part: 'idle', s: total - used - least(unknown, total - used) - free}}]) AS pair FROM parts)
WHERE pair.s > 0.0005""".format(dims=_DIMS, nulls=", ".join(f"NULL AS {name}" for name in DIMENSIONS))


def _billed() -> str:
    """Each node's bill of a day over its parts, by device time."""
    partition = "p.day, p.node, b.currency, b.provider, b.service, b.region, b.account, b.pricing_category, " + \
        ", ".join(f"b.{name}" for name in DIMENSIONS)
    order = "p.part, p.run_id, p.scheduler"
    values = {
        "basis": "'billed'", "currency": "coalesce(b.currency, 'unknown')", "provider": "b.provider",
        "service": "b.service", "region": "b.region", "account": "b.account",
        "market": "CASE b.pricing_category WHEN 'Dynamic' THEN 'spot' WHEN 'Committed' THEN 'reserved' "
                  "ELSE coalesce(p.market, 'on_demand') END",
        **{name: f"coalesce(p.{name}, b.{name})" for name in DIMENSIONS},
        **{name: split_sql(f"b.{name}", "p.ms", partition, order) for name in _COSTS},
    }
    return (f"INSERT INTO gpu_day SELECT {_selected(values)} FROM part_day p JOIN bill_day b "
            "ON b.day = p.day AND b.node = p.node")


def _metered() -> str:
    """Device time that no bill speaks of, at the price of its accelerator; NULL where none is known."""
    price = "CAST(q.usd_per_hour AS DECIMAL(38,12))"
    cost = f"CAST(CAST(p.ms AS DECIMAL(18,0)) * {price} / 3600000 AS DECIMAL(38,18))"
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
    """The price of an hour of every accelerator, market and region that occurs."""
    con.execute("CREATE TEMP TABLE gpu_price (gpu_type VARCHAR, market VARCHAR, region VARCHAR, usd_per_hour VARCHAR)")
    found = con.execute("SELECT DISTINCT gpu_type, market, region FROM part_day WHERE gpu_type IS NOT NULL").fetchall()
    for gpu_type, market, region in found:
        price = book.gpu_hour(gpu_type, region=region, market=market or "on_demand")
        if price is not None:
            con.execute("INSERT INTO gpu_price VALUES (?, ?, ?, ?)", [gpu_type, market, region, str(price.value)])

"""Which run had which accelerator in which hour, and how busy it was: `gpu_hour`, from samples and the scheduler.

A sample that names its run is believed. One that does not belongs to the runs that the scheduler had on its node at its
time: as many of the node's devices as these runs were given, the busiest first, are theirs; the others are free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.ledger.schema import DIMENSIONS

if TYPE_CHECKING:
    import duckdb


def remake(con: duckdb.DuckDBPyConnection) -> None:
    """Makes `gpu_hour` again. Part of the transaction that is open.

    Leaves two temporary tables to `ledger.gpu`: `run_node` (runs on nodes, with the devices each was given there) and
    `gpu_node` (every node with accelerators).
    """
    con.execute("DELETE FROM gpu_hour")
    con.execute(_summed("labelled", "s.run_id IS NOT NULL", "s.run_id", "date_trunc('hour', s.time)"))
    con.execute(_RUN_SEEN)
    con.execute(_HORIZON)
    con.execute(_RUN_NODE)
    con.execute(_NODE_TURN)
    con.execute(_summed("unlabelled", "s.run_id IS NULL", "NULL::VARCHAR", _SLOT, _TURNS))
    con.execute(_SPACING)
    con.execute(_NODE)
    con.execute(_TIMED)
    con.execute(_SHARED)
    con.execute(_GPU_HOUR)
    for name in ("labelled", "unlabelled", "run_seen", "horizon", "node_turn", "spacing", "timed", "shared"):
        con.execute(f"DROP TABLE {name}")


#: What a reading says of use: the utilisation that most exporters have, else the share of time in which the
#: multiprocessors were active.
_USE = "coalesce(s.util, s.sm_active)"
_NODE_NAME = "coalesce(s.node, s.device)"


def _summed(name: str, where: str, run_id: str, slot: str, join: str = "") -> str:
    """Samples summed by device and slot: an hour, or the part of one between two changes of the runs on the node."""
    return f"""CREATE TEMP TABLE {name} AS
SELECT date_trunc('hour', s.time) AS hour, {slot} AS slot, {_NODE_NAME} AS node, s.device, {run_id} AS run_id,
       any_value(s.pool) AS pool, any_value(s.gpu_type) AS gpu_type, sum(s.seconds) AS known_s,
       sum(s.seconds * {_USE} / 100) AS known_busy_s, count(*) FILTER (s.seconds IS NULL) AS untimed,
       sum({_USE} / 100) FILTER (s.seconds IS NULL) AS untimed_busy, max({_USE}) AS peak, max(s.seconds) AS longest,
       count(*) AS readings, min(s.time) AS first, max(s.time) AS last
FROM sample s {join} WHERE {_USE} IS NOT NULL AND {where} GROUP BY ALL"""


#: Where and until when samples name each run, and how many devices it has there.
_RUN_SEEN = """CREATE TEMP TABLE run_seen AS
SELECT run_id, node, count(DISTINCT device) AS devices, min(first) AS first, max(last) AS last,
       any_value(gpu_type) AS gpu_type
FROM labelled GROUP BY ALL"""

#: The latest moment that anything speaks of machines, and when each scheduler was last read. Bill rows of more than a
#: day may end in the future.
_HORIZON = """CREATE TEMP TABLE horizon AS
SELECT scheduler, max(observed) AS read_at, (SELECT coalesce(greatest(
    (SELECT max(time + to_microseconds(CAST(coalesce(seconds, 0) * 1e6 AS BIGINT))) FROM sample),
    (SELECT max(greatest(ended, started, observed)) FROM run),
    (SELECT max(CASE WHEN charge_period_end <= charge_period_start + INTERVAL 1 DAY THEN charge_period_end
                     ELSE charge_period_start END) FROM charge
     WHERE charge_category IS NULL OR charge_category = 'Usage')), TIMESTAMP '1970-01-01')) AS moment
FROM run GROUP BY scheduler"""

#: Runs on nodes, with the devices each was given there. A run that has not ended lasts until its scheduler was last
#: read, or a sample last named it. Where the scheduler names no node (or names it otherwise than the exporter), the
#: samples say where the run was; where it counts no devices, they say how many. Runs of unknown place: node NULL.
_RUN_NODE = """CREATE TEMP TABLE run_node AS
WITH seen AS (
    SELECT run_id, sum(devices) AS devices, max(last) AS last, list(node) AS nodes, any_value(gpu_type) AS gpu_type
    FROM run_seen GROUP BY run_id),
said AS (SELECT *, string_split(nullif(nodes, ''), ',') AS node_list FROM run WHERE started IS NOT NULL),
placed AS (
    SELECT r.*, s.nodes AS seen_nodes, coalesce(r.gpu_type, s.gpu_type) AS accelerator,
           coalesce(nullif(r.gpus, 0), CASE WHEN r.gpus IS NULL THEN s.devices END) AS given,
           CASE WHEN r.ended IS NOT NULL THEN r.ended
                WHEN r.state IS NOT NULL AND r.state NOT IN ('running', 'pending') THEN s.last
                WHEN r.observed IS NULL THEN h.moment ELSE greatest(h.read_at, s.last) END AS until,
           coalesce(NOT list_has_any(r.node_list, s.nodes), s.nodes IS NOT NULL AND r.node_list IS NULL, false)
               AS elsewhere
    FROM said r JOIN horizon h ON h.scheduler = r.scheduler LEFT JOIN seen s ON s.run_id = r.run_id),
spread AS (
    SELECT *, elsewhere OR coalesce(list_has_all(seen_nodes, node_list), false) AS by_samples,
           CASE WHEN elsewhere THEN seen_nodes WHEN node_list IS NULL THEN [NULL]
                ELSE list_distinct(node_list) END AS places
    FROM placed WHERE given > 0 AND until > started),
single AS (SELECT *, unnest(places) AS place FROM spread)
SELECT p.run_id, p.scheduler, p.started, p.until AS ended, p.place AS node, p.accelerator AS gpu_type, p.market,
       p.region, p."partition", {dims},
       CASE WHEN p.by_samples THEN CAST(p.given AS DOUBLE) * s.devices
                 / sum(s.devices) OVER (PARTITION BY p.scheduler, p.run_id)
            ELSE CAST(p.given AS DOUBLE) / len(p.places) END AS gpus
FROM single p LEFT JOIN run_seen s ON s.run_id = p.run_id AND s.node = p.place""".format(
    dims=", ".join(f"p.{name}" for name in DIMENSIONS))

#: Moments within an hour at which a run on a node begins or ends.
_NODE_TURN = """CREATE TEMP TABLE node_turn AS
SELECT node, date_trunc('hour', moment) AS hour, list(DISTINCT moment) AS turns
FROM (SELECT node, started AS moment FROM run_node UNION ALL SELECT node, ended FROM run_node)
WHERE node IS NOT NULL AND moment > date_trunc('hour', moment) GROUP BY ALL"""
_TURNS = f"LEFT JOIN node_turn t ON t.node = {_NODE_NAME} AND t.hour = date_trunc('hour', s.time)"
_SLOT = ("CASE WHEN t.turns IS NULL THEN date_trunc('hour', s.time) ELSE coalesce("
         "list_max(list_filter(t.turns, lambda turn: turn <= s.time)), date_trunc('hour', s.time)) END")

#: How long a reading stands for that does not say so: the usual distance of two readings of its device.
_SPACING = """CREATE TEMP TABLE spacing AS
SELECT device, median(epoch(last - first) / (readings - 1)) AS s
FROM (SELECT * FROM labelled UNION ALL SELECT * FROM unlabelled)
WHERE untimed > 0 AND readings > 1 GROUP BY device"""

#: Every node with accelerators. Devices: as many as report in nearly every hour (one that is replaced reports under
#: two names for a while), else as many as runs were ever given at once. `scheduled`: a scheduler, or run names on its
#: samples or its pool's, tell devices that are allocated from free ones.
_NODE = """CREATE TEMP TABLE gpu_node AS
WITH counted AS (
    SELECT node, hour, count(DISTINCT device) AS devices, any_value(gpu_type) AS gpu_type, any_value(pool) AS pool,
           count(run_id) AS labelled
    FROM (SELECT * FROM labelled UNION ALL SELECT * FROM unlabelled) GROUP BY ALL),
read AS (
    SELECT node, quantile_disc(devices, 0.98) AS devices, any_value(gpu_type) AS gpu_type, any_value(pool) AS pool,
           sum(labelled) > 0 AS labelled FROM counted GROUP BY node),
steps AS (
    SELECT node, moment, sum(gpus) AS gpus FROM (
        SELECT node, started AS moment, gpus FROM run_node UNION ALL SELECT node, ended, -gpus FROM run_node)
    WHERE node IS NOT NULL GROUP BY ALL),
held AS (SELECT node, sum(gpus) OVER (PARTITION BY node ORDER BY moment) AS gpus FROM steps),
given AS (SELECT node, max(gpus) AS devices FROM held GROUP BY node),
told AS (
    SELECT node, any_value(gpu_type) AS gpu_type, any_value("partition") AS pool, any_value(region) AS region
    FROM run_node WHERE node IS NOT NULL GROUP BY node),
known AS (
    SELECT coalesce(r.node, g.node) AS node, CAST(coalesce(r.devices, g.devices) AS DOUBLE) AS devices,
           coalesce(r.gpu_type, t.gpu_type) AS gpu_type, coalesce(r.pool, t.pool) AS pool, t.region,
           g.node IS NOT NULL OR r.labelled AS scheduled
    FROM read r FULL JOIN given g ON g.node = r.node LEFT JOIN told t ON t.node = g.node)
SELECT * REPLACE (scheduled OR (pool IS NOT NULL AND bool_or(scheduled) OVER (PARTITION BY pool)) AS scheduled)
FROM known"""

#: Readings with the seconds that they stand for. Where two exporters read one device, its hour would hold more than an
#: hour: each then counts for its share.
_TIMED = """CREATE TEMP TABLE timed AS
WITH lasting AS (
    SELECT b.*, coalesce(known_s, 0) + untimed * coalesce(p.s, 0) AS all_s,
           coalesce(known_busy_s, 0) + coalesce(untimed_busy, 0) * coalesce(p.s, 0) AS all_busy_s
    FROM (SELECT * FROM labelled UNION ALL SELECT * FROM unlabelled) b
    LEFT JOIN spacing p ON p.device = b.device AND b.untimed > 0),
hours AS (
    SELECT hour, node, device, sum(all_s) AS s, 3600 + coalesce(max(longest), 0) AS most FROM lasting GROUP BY ALL)
SELECT l.hour, l.slot, l.node, l.device, l.run_id, coalesce(l.pool, n.pool) AS pool,
       coalesce(l.gpu_type, n.gpu_type) AS gpu_type, l.all_s * h.factor AS read_s, l.all_busy_s * h.factor AS busy_s,
       l.peak, n.scheduled
FROM lasting l JOIN gpu_node n ON n.node = l.node
JOIN (SELECT *, CASE WHEN s > most THEN 3600 / s ELSE 1 END AS factor FROM hours) h
    ON h.hour = l.hour AND h.node = l.node AND h.device = l.device"""

#: Readings that name no run, by slot in which runs were on their node. `mine`: how much of the device these runs had;
#: `part`: one run's share of that. From when on samples of the node name a run, they name all that is the run's.
_SHARED = """CREATE TEMP TABLE shared AS
WITH slots AS (SELECT node, hour, slot, count(*) AS devices FROM timed WHERE run_id IS NULL GROUP BY ALL),
present AS (
    SELECT o.node, o.slot, o.devices, r.run_id, sum(r.gpus) AS gpus FROM slots o
    JOIN run_node r ON r.node = o.node AND r.started <= o.slot AND r.ended > o.slot
    ANTI JOIN run_seen l ON l.run_id = r.run_id AND l.node = o.node AND date_trunc('hour', l.first) <= o.hour
    GROUP BY ALL),
held AS (SELECT node, slot, sum(gpus) AS gpus FROM present GROUP BY ALL),
ranked AS (
    SELECT t.*, h.gpus AS held, row_number() OVER (
               PARTITION BY t.node, t.slot ORDER BY t.busy_s / nullif(t.read_s, 0) DESC NULLS LAST, t.device) AS place
    FROM timed t JOIN held h ON h.node = t.node AND h.slot = t.slot WHERE t.run_id IS NULL)
SELECT k.* EXCLUDE (run_id), p.run_id, greatest(least(k.held - (k.place - 1), 1), 0) AS mine, p.gpus / k.held AS part
FROM ranked k JOIN present p ON p.node = k.node AND p.slot = k.slot"""

_GPU_HOUR = """INSERT INTO gpu_hour
SELECT hour, node, device, any_value(pool), any_value(gpu_type), run_id, run_id IS NOT NULL OR NOT scheduled,
       sum(read_s), sum(busy_s), max(peak)
FROM (
    SELECT t.hour, t.node, t.device, t.pool, t.gpu_type, t.run_id, t.scheduled, t.read_s, t.busy_s, t.peak
    FROM timed t
    WHERE t.run_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM shared h WHERE h.node = t.node AND h.slot = t.slot)
    UNION ALL
    SELECT hour, node, device, pool, gpu_type, run_id, scheduled, read_s * mine * part, busy_s * mine * part, peak
    FROM shared WHERE mine > 0
    UNION ALL
    SELECT hour, node, device, pool, gpu_type, NULL, scheduled, read_s * (1 - mine) * part,
           busy_s * (1 - mine) * part, peak
    FROM shared WHERE mine < 1)
GROUP BY hour, node, device, run_id, scheduled"""

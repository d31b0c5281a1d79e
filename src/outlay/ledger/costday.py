"""Every dollar once: metered calls, reported usage, bills and GPU time become one table by day.

Dollars of one thing are counted once, and the bill is believed before the provider's usage report, and that before
our own metering. The same thing is: provider, model, day, and the account where both sides name it. A bill is spread
over the metered calls in proportion to their metered cost. How far it may stretch them is bounded: a bill more than
`MAX_DRIFT` above what was metered speaks of calls that nobody metered, and stays beside them as `unmetered`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.ledger.exact import split_sql
from outlay.ledger.gpu import MACHINE_CHARGE
from outlay.ledger.schema import COST_DAY, DIMENSIONS, RECONCILED, columns_sql

if TYPE_CHECKING:
    import duckdb

#: A bill up to a quarter above the metered cost is a difference of price (rounding, tax, an unknown surcharge);
#: beyond that some calls were not metered. Discounts make a bill smaller and are spread whole.
MAX_DRIFT = "1.25"

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_KEY = ("day", "provider_key", "model_key", "account_key")
#: Sources whose buckets hold every call of an organisation, so that metered calls are among them.
_INCLUSIVE = "('openai-usage', 'anthropic-usage')"


#: What all days together tell, kept for days that are made again alone.
HABITS = ("account_match", "cost_habit")


def remake(con: duckdb.DuckDBPyConnection) -> None:
    """Makes `reconciled` and `cost_day` again; `gpu_day` must be current. Part of the transaction that is open."""
    con.execute(f"CREATE OR REPLACE TABLE reconciled ({columns_sql(RECONCILED)})")
    con.execute("DELETE FROM cost_day")
    con.execute(f"CREATE OR REPLACE TABLE account_match AS {_ACCOUNTS}")
    fill(con, whole=True)


def fill(con: duckdb.DuckDBPyConnection, *, whole: bool) -> None:
    """Fills `reconciled` and `cost_day`, which are empty. `whole`: from all days, so that what they tell together of
    accounts and of how usage reports and bills go together is found out; else that is taken as it was found last."""
    con.execute(_metered_table("metered_call", "call_day", "day", "calls", "unpriced"))
    con.execute(_metered_table("metered_usage", "usage", "date_trunc('day', start)", "requests",
                               "CASE WHEN cost IS NULL THEN 1 ELSE 0 END", extra=_USAGE_COLUMNS))
    con.execute(_BILLED_MODEL)
    con.execute(_JOINED)
    if whole:
        con.execute(f"CREATE OR REPLACE TABLE cost_habit AS {_HABIT}")
    con.execute(_GROUPS)
    con.execute(_RECONCILED)
    con.execute(_metered_rows("call"))
    con.execute(_metered_rows("usage"))
    con.execute(_unmetered_rows())
    con.execute(_CHARGE_ROWS)
    con.execute(_GPU_ROWS)
    for name in ("metered_call", "metered_usage", "billed_model", "cost_joined", "cost_group"):
        con.execute(f"DROP TABLE {name}")


#: Accounts are compared only where every account that calls name is one that the provider's bill names.
_ACCOUNTS = """WITH metered AS (
    SELECT DISTINCT split_part(provider, '.', 1) AS provider_key, account FROM call_day
    UNION SELECT DISTINCT split_part(provider, '.', 1), account FROM usage),
billed AS (
    SELECT DISTINCT split_part(provider, '.', 1) AS provider_key, billing_account_id, sub_account_id
    FROM charge_line WHERE model_key IS NOT NULL)
SELECT m.provider_key,
       CASE WHEN bool_and(m.account IS NOT NULL AND EXISTS (SELECT 1 FROM billed b
                WHERE b.provider_key = m.provider_key AND b.sub_account_id = m.account)) THEN 'sub'
            WHEN bool_and(m.account IS NOT NULL AND EXISTS (SELECT 1 FROM billed b
                WHERE b.provider_key = m.provider_key AND b.billing_account_id = m.account)) THEN 'billing'
            ELSE 'none' END AS matched
FROM metered m GROUP BY ALL"""

_USAGE_COLUMNS = {"region": "region", "purpose": "purpose", "run_id": "run_id", "source": "source",
                  "reported_cost": "reported_cost"}


def _metered_table(
    name: str, table: str, day: str, count: str, unpriced: str, extra: dict[str, str] | None = None
) -> str:
    more = {"region": "NULL", "purpose": "NULL", "run_id": "NULL", "source": "'call'", "reported_cost": "NULL",
            **(extra or {})}
    columns = ", ".join(f"{sql} AS {column}" for column, sql in more.items())
    return f"""CREATE TEMP TABLE {name} AS
SELECT row_number() OVER () AS row_no, {day} AS day, t.provider, t.model, coalesce(t.model_key, '') AS model_key,
       t.account, t.team, t.owner,
       t.project, t.environment, t.stage, t.agent, t.task, {unpriced} AS unpriced, {columns},
       split_part(coalesce(t.provider, ''), '.', 1) AS provider_key,
       CASE WHEN m.matched IN ('sub', 'billing') THEN coalesce(t.account, '') ELSE '' END AS account_key,
       coalesce(t.cost, 0) AS cost, coalesce(t.list_cost, 0) AS list_cost
FROM {table} t LEFT JOIN account_match m ON m.provider_key = split_part(t.provider, '.', 1)
WHERE t.model_key IS NOT NULL OR t.cost <> 0 OR {unpriced} > 0"""


#: Token-priced bill rows, by day: a row for several days follows the metered cost of these days, else it is even.
_BILLED_MODEL = """CREATE TEMP TABLE billed_model AS
WITH keyed AS (
    SELECT c.*, split_part(c.provider, '.', 1) AS provider_key,
           CASE m.matched WHEN 'sub' THEN coalesce(c.sub_account_id, '')
                          WHEN 'billing' THEN coalesce(c.billing_account_id, '') ELSE '' END AS account_key,
           greatest(1, date_diff('day', date_trunc('day', charge_period_start),
               date_trunc('day', coalesce(charge_period_end, charge_period_start) - INTERVAL 1 MICROSECOND)) + 1)
               AS days
    FROM charge_line c JOIN account_match m ON m.provider_key = split_part(c.provider, '.', 1)
    WHERE c.model_key IS NOT NULL AND c.billing_currency = 'USD'),
daily AS (
    SELECT k.*, date_trunc('day', k.charge_period_start) + to_days(CAST(o.i AS INTEGER)) AS day
    FROM keyed k, LATERAL (SELECT unnest(generate_series(0, k.days - 1)) AS i) o),
weights AS (
    SELECT day, provider_key, model_key, account_key, sum(cost) AS weight FROM (
        SELECT * FROM metered_call UNION ALL SELECT * FROM metered_usage) GROUP BY ALL),
weighted AS (
    SELECT d.*, coalesce(w.weight, 0) AS metered,
           sum(coalesce(w.weight, 0)) OVER (PARTITION BY d.row_no) AS metered_total
    FROM daily d LEFT JOIN weights w USING (day, provider_key, model_key, account_key))
SELECT * REPLACE ({split}) FROM (
    SELECT *, CASE WHEN metered_total > 0 THEN CAST(metered AS DECIMAL(38,12)) ELSE 1 END AS way FROM weighted
    WHERE metered_total = 0 OR metered > 0)
""".format(split=", ".join(f"{split_sql(name, 'way', 'row_no', 'day')} AS {name}" for name in _COSTS))

def _taken(name: str) -> str:
    """What of the group's bill goes to what was metered: all of it, up to the bound; nothing where nothing was."""
    return (f"CASE WHEN total = 0 THEN 0 WHEN amount > total * {MAX_DRIFT} THEN CAST({name} * CAST(CAST(total * "
            f"{MAX_DRIFT} AS DOUBLE) / CAST(amount AS DOUBLE) AS DECIMAL(18,15)) AS DECIMAL(38,18)) ELSE {name} END")


def _of_calls(name: str) -> str:
    """Of that, the part that single calls stand for; usage that they are not part of has the other."""
    return (f"CASE WHEN usage_rest = 0 THEN taken_{name} WHEN total > 0 THEN CAST(CAST(taken_{name} AS DOUBLE) "
            f"* CAST(calls_cost AS DOUBLE) / CAST(total AS DOUBLE) AS DECIMAL(38,18)) END")


#: One row a group: what calls, usage reports and bills say of it.
_JOINED = """CREATE TEMP TABLE cost_joined AS
WITH calls AS (SELECT {key}, sum(cost) AS cost, sum(list_cost) AS list_cost FROM metered_call GROUP BY ALL),
usages AS (
    SELECT {key}, sum(cost) AS cost, sum(list_cost) AS list_cost,
           bool_and(source IN {inclusive}) AS inclusive FROM metered_usage GROUP BY ALL),
bills AS (
    SELECT {key}, {sums}, sum(coalesce(effective_cost, billed_cost, contracted_cost, list_cost)) AS amount
    FROM billed_model GROUP BY ALL)
SELECT {key}, coalesce(c.cost, 0) AS calls_cost, coalesce(u.cost, 0) AS usage_cost,
       coalesce(u.inclusive, false) AS inclusive, b.amount, {costs}
FROM calls c FULL JOIN usages u USING ({key}) FULL JOIN bills b USING ({key})""".format(
    key=", ".join(_KEY), inclusive=_INCLUSIVE, sums=", ".join(f"sum({name}) AS {name}" for name in _COSTS),
    costs=", ".join(f"b.{name}" for name in _COSTS))

#: Whether the calls are among what the usage report counts, by which reading lies nearer to the bill over all days.
_HABIT = """SELECT provider_key, model_key, account_key,
       CASE WHEN sum(amount) > 0 AND sum(usage_cost) > 0 AND sum(calls_cost) > 0
            THEN abs(sum(amount) - sum(greatest(calls_cost, usage_cost)))
                 <= abs(sum(amount) - sum(calls_cost + usage_cost)) END AS among
FROM cost_joined GROUP BY ALL"""

#: `total` is what all metering of a group comes to: where the usage report may hold the calls too, by that habit.
_GROUPS = """CREATE TEMP TABLE cost_group AS
SELECT * EXCLUDE ({taken}), {taken_calls}, {taken_usage}, {rest} FROM (
    SELECT *, {take} FROM (
        SELECT j.*, CASE WHEN coalesce(h.among, j.inclusive) THEN greatest(calls_cost, usage_cost)
                         ELSE calls_cost + usage_cost END AS total,
               CASE WHEN coalesce(h.among, j.inclusive) THEN greatest(usage_cost - calls_cost, 0)
                    ELSE usage_cost END AS usage_rest
        FROM cost_joined j LEFT JOIN cost_habit h ON {habit}))""".format(
    habit=" AND ".join(f"h.{name} IS NOT DISTINCT FROM j.{name}" for name in _KEY[1:]),
    taken=", ".join(f"taken_{name}" for name in _COSTS),
    take=", ".join(f"{_taken(name)} AS taken_{name}" for name in _COSTS),
    taken_calls=", ".join(f"{_of_calls(name)} AS call_{name}" for name in _COSTS),
    taken_usage=", ".join(f"taken_{name} - {_of_calls(name)} AS usage_{name}" for name in _COSTS),
    rest=", ".join(f"{name} - taken_{name} AS rest_{name}" for name in _COSTS))

def _factor(name: str) -> str:
    """What a metered dollar of a group is in one of the four costs, by its bill."""
    return (f"CASE WHEN total > 0 AND amount IS NOT NULL "
            f"THEN CAST(CAST(({_taken(name)}) AS DOUBLE) / CAST(total AS DOUBLE) AS DECIMAL(38,18)) END")


#: What of the bill goes to what was metered: all of it, up to the bound; and the factors for single calls.
_SPREAD = f"CASE WHEN total > 0 THEN least(amount, CAST(total * {MAX_DRIFT} AS DECIMAL(38,18))) ELSE 0 END"
_RECONCILED = f"""INSERT INTO reconciled
SELECT day, provider_key, model_key, account_key, CAST(calls_cost AS DECIMAL(38,18)),
       CAST(usage_cost AS DECIMAL(38,18)), amount,
       CAST(total AS DECIMAL(38,18)), {_SPREAD}, amount - {_SPREAD},
       {", ".join(_factor(name) for name in _COSTS)}
FROM cost_group"""


def _metered_rows(kind: str) -> str:
    """Calls, or usage that the calls are not part of: billed dollars where there are any, else the metered ones."""
    share = "g.calls_cost" if kind == "call" else "g.usage_rest"
    whole = "g.calls_cost" if kind == "call" else "g.usage_cost"
    partition = ", ".join(f"m.{name}" for name in _KEY)
    values = {
        "kind": f"'{kind}'",
        "basis": "CASE WHEN g.amount IS NOT NULL AND g.total > 0 THEN 'billed' "
                 "WHEN m.reported_cost IS NOT NULL OR m.source IN " + _INCLUSIVE + " THEN 'reported' "
                 "ELSE 'metered' END",
        "currency": "'USD'", "service": "'Model calls'",
        "model_key": "nullif(m.model_key, '')",
        "line": "coalesce(nullif(m.model_key, ''), m.model, 'unknown') || ' calls'",
        "category": "'Usage'", "resource": "NULL", "part": "NULL", "unmetered": "false",
        **{name: _metered_cost(kind, name, share, whole, partition) for name in _COSTS},
    }
    return f"""INSERT INTO cost_day SELECT {_selected(values, 'm')}
FROM metered_{kind} m JOIN cost_group g ON {" AND ".join(
    f"m.{name} IS NOT DISTINCT FROM g.{name}" for name in _KEY)}"""


def _metered_cost(kind: str, name: str, share: str, whole: str, partition: str) -> str:
    """The part of the group's money that a metered row carries, in one of the four costs: in proportion to its cost."""
    billed = split_sql(f"g.{kind}_{name}", "m.cost", partition, "m.row_no")
    own = {"list_cost": "m.list_cost", "billed_cost": "NULL"}.get(name, "m.cost")
    scaled = (f"CASE WHEN {share} >= {whole} THEN CAST({own} AS DECIMAL(38,18)) ELSE "
              f"CAST(CAST({own} AS DOUBLE) * CAST({share} AS DOUBLE) / CAST({whole} AS DOUBLE) AS DECIMAL(38,18)) END")
    return f"CASE WHEN g.amount IS NOT NULL AND g.total > 0 THEN {billed} ELSE {scaled} END"


def _unmetered_rows() -> str:
    """Token-priced bill rows, with what the metered rows did not take."""
    partition = ", ".join(f"b.{name}" for name in _KEY)
    values = {
        "kind": "'charge'", "basis": "'billed'", "currency": "b.billing_currency", "service": "b.service_name",
        "line": "coalesce(b.model_key, b.model) || CASE WHEN g.total > 0 THEN ' (unmetered)' ELSE ' calls' END",
        "account": "coalesce(b.sub_account_id, b.billing_account_id)", "category": "b.charge_category",
        "resource": "coalesce(b.resource_name, b.resource_id)", "run_id": "NULL", "agent": "NULL", "task": "NULL",
        "part": "NULL", "unmetered": "g.total > 0", "unpriced": "0",
        **{name: f"CASE WHEN g.total > 0 THEN {_rest(name, partition)} ELSE b.{name} END" for name in _COSTS},
    }
    return f"""INSERT INTO cost_day SELECT {_selected(values, 'b')}
FROM billed_model b JOIN cost_group g ON {" AND ".join(
    f"b.{name} IS NOT DISTINCT FROM g.{name}" for name in _KEY)}
WHERE g.total = 0 OR g.amount > g.total * {MAX_DRIFT}"""


def _rest(name: str, partition: str) -> str:
    # Rows may be credits; the rest is spread by size, so that it never changes its sign.
    return split_sql(f"g.rest_{name}", f"abs(coalesce(b.{name}, 0))", partition, "b.row_no, b.charge_period_start")


def _selected(values: dict[str, str], row: str) -> str:
    return ", ".join(
        f"CAST({values[name]} AS {sql_type})" if name in values else f"{row}.{name}" for name, sql_type in COST_DAY)


#: Whether a charge `c` is neither a model's, which calls or usage account for, nor a GPU node's.
PLAIN_CHARGE = f"""NOT coalesce(c.model_key IS NOT NULL AND c.billing_currency = 'USD'
AND split_part(c.provider, '.', 1) IN (
    SELECT split_part(provider, '.', 1) FROM call_day WHERE provider IS NOT NULL
    UNION SELECT split_part(provider, '.', 1) FROM usage WHERE provider IS NOT NULL), false)
AND NOT ({MACHINE_CHARGE} AND (
    coalesce(coalesce(c.resource_name, c.resource_id) IN (SELECT node FROM gpu_day WHERE basis = 'billed'), false)
    OR coalesce(c.resource_id IN (SELECT node FROM gpu_day WHERE basis = 'billed'), false)))"""

#: Bill rows that neither models nor GPU time account for, as they are.
_CHARGE_ROWS = """INSERT INTO cost_day
SELECT date_trunc('day', charge_period_start), 'charge', 'billed', coalesce(billing_currency, 'unknown'),
       provider, service_name,
       coalesce(service_name, 'unknown') || coalesce(', ' || coalesce(sku_meter, resource_type), ''), model,
       model_key, coalesce(sub_account_id, billing_account_id), region, charge_category,
       coalesce(resource_name, resource_id), NULL, NULL, NULL, NULL, {dims}, false, 0, {costs}
FROM charge_line c
WHERE {plain}
GROUP BY ALL""".format(plain=PLAIN_CHARGE, dims=", ".join(DIMENSIONS),
                       costs=", ".join(f"sum({name})" for name in _COSTS))

_GPU_ROWS = """INSERT INTO cost_day
SELECT day, 'gpu', basis, currency, provider, coalesce(service, 'GPU'), 'GPU ' || coalesce(gpu_type, 'unknown'),
       NULL, NULL, account, region, 'Usage', node, run_id, NULL, NULL, part, {dims}, false,
       count(*) FILTER (effective_cost IS NULL AND basis = 'metered'), {costs}
FROM gpu_day GROUP BY ALL""".format(dims=", ".join(DIMENSIONS), costs=", ".join(f"sum({name})" for name in _COSTS))

"""The ledger's cost lines as rows for the FOCUS export: bills as they are, tokens by type, GPU time by part.

Every dollar of `cost_day` is in exactly one row: billed lines that neither calls nor GPU time account for are taken
from the bill itself, with all that it says; the others from the derived tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.accounting.focus_schema import EXPORT_INPUT
from outlay.facts.window import Window
from outlay.ledger.costday import PLAIN_CHARGE
from outlay.ledger.exact import split_sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from outlay.prices.book import PriceBook

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_DIMS = ("team", "owner", "project", "environment", "purpose", "stage")
#: Token types, the columns of `call_day` and `usage` that count them apart, and the kind of price of each.
_TYPES = (
    ("input", "input_tokens - cache_read_tokens - cache_write_tokens"), ("cache_read", "cache_read_tokens"),
    ("cache_write", "cache_write_tokens"), ("output", "output_tokens"),
)
_CALL_KEYS = ("day", "provider", "model", "model_key", "account", "team", "owner", "project", "environment", "stage",
              "agent", "task")


def focus_rows(con: duckdb.DuckDBPyConnection, window: Window, book: PriceBook) -> pa.Table:
    """Rows of `focus_schema.EXPORT_INPUT` for a window; derived tables must be current."""
    _unit_prices(con, book)
    con.execute(f"CREATE TEMP TABLE exported AS {' UNION ALL BY NAME '.join(_parts())}")
    known = {str(row[0]) for row in con.execute("DESCRIBE exported").fetchall()}
    columns = ", ".join(f'"{name}"' for name in EXPORT_INPUT.names if name in known)
    since, until = f"TIMESTAMP '{window.since}'", f"TIMESTAMP '{window.until}'"
    rows = con.sql(f"SELECT {columns} FROM exported WHERE charge_period_start >= {since} "
                   f"AND charge_period_start < {until}").to_arrow_table()
    con.execute("DROP TABLE exported")
    con.execute("DROP TABLE unit_price")
    return rows


def _parts() -> tuple[str, ...]:
    return (_bills(), _tokens("call"), _tokens("usage"), _unmetered(), _gpu())


def _bills() -> str:
    """Billed lines as their issuer wrote them."""
    dims = ", ".join(f"c.{name}" for name in _DIMS)
    return f"""SELECT c.charge_period_start, c.charge_period_end, c.billing_period_start, c.billing_period_end,
    {', '.join(f'c.{name}' for name in _COSTS)}, c.pricing_quantity, c.consumed_quantity, c.list_unit_price,
    c.contracted_unit_price, c.commitment_discount_quantity, c.provider, c.service_provider_name AS provider_name,
    c.publisher_name, c.invoice_issuer_name, c.invoice_id, c.billing_account_id, c.billing_account_name,
    c.sub_account_id, c.sub_account_name, c.billing_currency, c.charge_category, c.charge_class, c.charge_frequency,
    c.charge_description, c.service_name, c.service_category, c.service_subcategory, c.region, c.availability_zone,
    c.resource_id, c.resource_name, c.resource_type, c.sku_id, c.sku_meter, c.sku_price_id, c.sku_price_details,
    c.pricing_category, c.pricing_unit, c.consumed_unit, c.commitment_discount_id, c.commitment_discount_name,
    c.commitment_discount_category, c.commitment_discount_type, c.commitment_discount_status,
    c.commitment_discount_unit, c.capacity_reservation_id, c.capacity_reservation_status, {dims}, c.model,
    c.token_type, 'billed' AS basis, c.tags, false AS unmetered
    FROM charge c WHERE {PLAIN_CHARGE}"""


def _tokens(kind: str) -> str:
    """Calls or usage by day: the line's dollars over its token types, by tokens times the price of each type."""
    source = "call_day" if kind == "call" else (
        "(SELECT date_trunc('day', start) AS day, *, 0 AS unused FROM usage)")
    counts = ", ".join(f"coalesce(sum({column}), 0) AS {column}" for column in (
        "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"))
    keys = ", ".join(_CALL_KEYS)
    same = " AND ".join(f"l.{name} IS NOT DISTINCT FROM t.{name}" for name in _CALL_KEYS)
    typed = ", ".join(f"{{token_type: '{name}', tokens: {sql}}}" for name, sql in _TYPES)
    sums = ", ".join(f"sum({name}) AS {name}" for name in _COSTS)
    split = ", ".join(f"{split_sql(name, 'weight', 'line_no', 'token_type')} AS {name}" for name in _COSTS)
    return f"""SELECT day AS charge_period_start, day + INTERVAL 1 DAY AS charge_period_end, {split},
    tokens AS consumed_quantity, 'Tokens' AS consumed_unit, provider, account AS billing_account_id,
    currency AS billing_currency, 'Usage' AS charge_category, 'Usage-Based' AS charge_frequency,
    'Model calls' AS service_name, 'AI and Machine Learning' AS service_category, coalesce(model_key, model) AS model,
    token_type, team, owner, project, environment, stage, agent, task, basis, false AS unmetered
    FROM (SELECT *, CAST(w.tokens * coalesce(p.price, 0) + CASE WHEN unpriced THEN w.tokens ELSE 0 END
                         AS DECIMAL(38,6)) AS weight
          FROM (SELECT l.* EXCLUDE (part), pair.token_type, CAST(pair.tokens AS DECIMAL(18,0)) AS tokens FROM (
                SELECT l.*, row_number() OVER () AS line_no, bool_and(u.model_key IS NULL) OVER (
                       PARTITION BY l.model_key) AS unpriced, unnest([{typed}]) AS pair, NULL AS part
                FROM (SELECT {keys}, currency, basis, {sums} FROM cost_day WHERE kind = '{kind}' GROUP BY ALL) l
                JOIN (SELECT {keys}, {counts} FROM {source} GROUP BY ALL) t ON {same}
                LEFT JOIN (SELECT DISTINCT provider, model_key FROM unit_price) u
                  ON u.model_key = l.model_key AND u.provider IS NOT DISTINCT FROM l.provider) l) w
          LEFT JOIN unit_price p ON p.model_key = w.model_key AND p.provider IS NOT DISTINCT FROM w.provider
               AND p.token_type = w.token_type
          WHERE w.tokens > 0)"""


def _unmetered() -> str:
    """Token-priced bill rows that no call accounts for."""
    dims = ", ".join(_DIMS)
    return f"""SELECT day AS charge_period_start, day + INTERVAL 1 DAY AS charge_period_end, {', '.join(_COSTS)},
    provider, account AS billing_account_id, currency AS billing_currency, category AS charge_category,
    service AS service_name, 'AI and Machine Learning' AS service_category, region, resource AS resource_id,
    coalesce(model_key, model) AS model, {dims}, basis, unmetered
    FROM cost_day WHERE kind = 'charge' AND model_key IS NOT NULL AND currency = 'USD'
    AND split_part(provider, '.', 1) IN (
        SELECT split_part(provider, '.', 1) FROM call_day UNION SELECT split_part(provider, '.', 1) FROM usage)"""


def _gpu() -> str:
    """GPU time by day, node, run and part."""
    dims = ", ".join(_DIMS)
    return f"""SELECT day AS charge_period_start, day + INTERVAL 1 DAY AS charge_period_end, {', '.join(_COSTS)},
    CAST(gpu_s / 3600 AS DECIMAL(38,9)) AS consumed_quantity, 'Hours' AS consumed_unit, provider,
    account AS billing_account_id, currency AS billing_currency, 'Usage' AS charge_category,
    'Usage-Based' AS charge_frequency, coalesce(service, 'GPU') AS service_name, 'Compute' AS service_category,
    region, node AS resource_id, node AS resource_name, gpu_type AS resource_type,
    CASE market WHEN 'spot' THEN 'Dynamic' ELSE 'Standard' END AS pricing_category, {dims}, run_id, scheduler, pool,
    gpu_type, part, basis, false AS unmetered FROM gpu_day"""


def _unit_prices(con: duckdb.DuckDBPyConnection, book: PriceBook) -> None:
    """Dollars a million tokens of each type, by model; only the proportions between the types matter here."""
    con.execute("CREATE TEMP TABLE unit_price (provider VARCHAR, model_key VARCHAR, token_type VARCHAR, "
                "price DECIMAL(18,6))")
    models = con.execute("SELECT DISTINCT provider, model_key FROM cost_day WHERE kind IN ('call', 'usage') "
                         "AND model_key IS NOT NULL").fetchall()
    for provider, model in models:
        for token_type, _ in _TYPES:
            price = book.token_price(provider, model, token_type)
            if price is not None:
                con.execute("INSERT INTO unit_price VALUES (?, ?, ?, ?)",
                            [provider, model, token_type, str(price * 1_000_000)])

"""Splits an amount by weights so that the parts add up to it to the last digit."""

from __future__ import annotations


def split_sql(amount: str, weight: str, partition: str, order: str) -> str:
    """SQL for one row's part of `amount` (equal over the partition) by `weight` (an exact, non-negative number).

    Each part is the difference of two neighbouring points on the way from 0 to `amount`; the points are the same for
    both neighbours and the last one is `amount` itself, so the sum is exact although the way between is measured with
    a floating-point ratio. NULL where the weights of the partition add up to nothing.
    """
    total = f"sum({weight}) OVER (PARTITION BY {partition})"
    reached = f"sum({weight}) OVER (PARTITION BY {partition} ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
    return part_sql(amount, weight, reached, total)


def part_sql(amount: str, weight: str, reached: str, total: str) -> str:
    """As `split_sql`, where the weights up to and with this row (`reached`) and of all rows are known already."""
    return (f"CASE WHEN {total} > 0 THEN {_point(amount, reached, total)} - "
            f"{_point(amount, f'({reached} - {weight})', total)} END")


def _point(amount: str, reached: str, total: str) -> str:
    ratio = f"CAST({reached} AS DOUBLE) / CAST({total} AS DOUBLE)"
    return (f"CASE WHEN {reached} >= {total} THEN CAST({amount} AS DECIMAL(38,18)) "
            f"ELSE CAST(CAST({amount} AS DOUBLE) * {ratio} AS DECIMAL(38,18)) END")

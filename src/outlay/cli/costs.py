"""`outlay costs`."""

from __future__ import annotations

import csv
import sys
from typing import Any

import click

from outlay.cli.session import NOTHING, Place, say_json
from outlay.questions.answer import Answer, plain


@click.command()
@click.option("--by", default="", metavar="DIM,...", help="Dimensions: team, owner, project, environment, stage, "
              "provider, service, line, model, account, region, resource, run, agent, task, part, user, prompt, "
              "conversation, trace, api_key and more.")
@click.option("--where", multiple=True, metavar="DIM=VALUE", help="Only these: team=search,vision; team=none; "
              "model=gpt-*. May be given several times.")
@click.option("--since", metavar="WHEN", help="30d (the default), 24h, a day or a time.")
@click.option("--until", metavar="WHEN", help="A day or a time; by default now, or the latest fact that was imported.")
@click.option("--every", type=click.Choice(["5m", "hour", "day", "week", "month"]), help="One row a period. "
              "Below a day only model calls can be told apart.")
@click.option("--cost", type=click.Choice(["effective", "billed", "list", "contracted"]), default="effective",
              show_default=True, help="Which of FOCUS' four costs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--explain", is_flag=True, help="Say how the figures came about: rules, reconciliation, what is unknown.")
@click.pass_obj
def costs(place: Place, by: str, where: tuple[str, ...], since: str | None, until: str | None, every: str | None,
          cost: str, as_json: bool, as_csv: bool, explain: bool) -> None:
    """What AI cost, by any dimensions, over time. Every dollar counts once."""
    from outlay.accounting.money import dollars
    from outlay.questions.ask import Ask
    from outlay.questions.foreignbills import foreign_model_bills

    dimensions = [name.strip() for name in by.split(",") if name.strip()]
    with place.ledger() as ledger:
        empty = ledger.is_empty
        answer = ledger.costs(dimensions, where=where, since=since, until=until, every=every, cost=cost).answer
        foreign = foreign_model_bills(Ask(ledger.store.con), answer.window)
        explanation = None
        if explain:
            from outlay.questions.explain import explain as explain_costs

            explanation = explain_costs(ledger.ask(), answer.window, ledger.settings.attribution,
                                        ledger.settings.split, ledger.settings.currency)
    if as_json:
        body = answer.as_json()
        if explanation is not None:
            body["explain"] = explanation.as_json()
        say_json(body)
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows([plain(cell) for cell in row] for row in answer.rows)
    else:
        click.echo(NOTHING if empty else _text(answer, every))
        for currency, amount in foreign:
            click.echo(f"? {dollars(amount, currency)} of bills for models is not matched to the calls, which are "
                       "metered in US dollars: both count")
        if explanation is not None:
            click.echo("\n" + explanation.as_text())


def _text(answer: Answer, every: str | None) -> str:
    from outlay.accounting.figures import period, plural
    from outlay.accounting.money import dollars
    from outlay.cli.render_table import table_text

    if not answer.rows:
        return f"No cost is known from {period(answer.window)}."
    rows = [
        (*(_cell(cell, every) for cell in row[:-2]),
         ("~" if row[-1] else "") + dollars(row[-2], answer.currency)) for row in answer.rows
    ]
    foot = ("Total", *("" for _ in answer.columns[1:-2]), dollars(answer.totals["cost"], answer.currency))
    headers = (*answer.columns[:-2], answer.cost)
    estimated = " ~ some of it is metered and not billed yet." if any(row[-1] for row in answer.rows) else ""
    lines = [table_text(headers, rows, foot=foot if len(headers) > 1 else None),
             f"{period(answer.window)}, {answer.cost} cost, {answer.currency}.{estimated}"]
    for entry in answer.unknown:
        if "currency" in entry:
            lines.append(f"? beside it: {dollars(entry['cost'], entry['currency'])}, which no rate converts"
                         + (": metering and prices are US dollars, give a rate for USD" * (entry["currency"] == "USD")))
        elif "reason" in entry:
            lines.append(f"? {plural(entry['unpriced'], 'line')} without a known price, in no sum: {entry['reason']}")
        else:
            which = ", ".join(str(entry[name]) for name in entry if name != "unpriced" and entry[name] is not None)
            lines.append(f"?   of these {entry['unpriced']:,}: {which or 'none'}, cost unknown")
    return "\n".join(lines)


def _cell(value: Any, every: str | None) -> str:
    if value is None:
        return "none"
    if every and hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M}" if every in ("5m", "hour") else f"{value:%Y-%m-%d}"
    return str(value)

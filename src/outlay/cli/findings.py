"""`outlay findings`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import click

from outlay.cli.session import NOTHING, Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import NotFound, UsageError


@click.group(cls=Suggesting)
def findings() -> None:
    """What costs and should not: list it, see the evidence, accept or ignore it."""


@findings.command("list")
@click.option("--detector", metavar="CODE", help="Only this detector, such as idle-gpu.")
@click.option("--owner", metavar="NAME", help="Only findings of this owner.")
@click.option("--all", "everything", is_flag=True, help="Ignored ones too.")
@click.option("--since", metavar="WHEN", help="30d (the default), 24h, a day or a time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_findings(place: Place, detector: str | None, owner: str | None, everything: bool, since: str | None,
                  as_json: bool) -> None:
    """List findings, largest first. Dollars that two of them claim count once."""
    from dataclasses import replace

    from outlay.accounting.assessment_json import assessment_json
    from outlay.detectors.registry import all_detectors

    codes = sorted(each.code for each in all_detectors())
    if detector is not None and detector not in codes:
        raise UsageError(f"there is no detector {detector!r}", where="--detector", hint=f"One of {', '.join(codes)}.")
    with place.ledger() as ledger:
        empty = ledger.is_empty
        assessment = ledger.assess(since=since)
    chosen = tuple(
        counted for counted in assessment.findings
        if (detector is None or counted.finding.code == detector)
        and (owner is None or (counted.finding.owner or "").lower() == owner.lower())
        and (everything or counted.state != "ignored")
    )
    if as_json:
        body = assessment_json(replace(assessment, findings=chosen))
        say_json({key: body[key] for key in ("schema", "as_of", "window", "currency", "cost", "rows", "totals",
                                             "unknown", "rejected")} | {"schema": "outlay.findings/1"})
        return
    from outlay.cli.render_findings import findings_text

    width = 80 if sys.stdout.isatty() else None
    click.echo(NOTHING if empty else findings_text(chosen, assessment.currency, width))


@findings.command()
@click.argument("finding_id")
@click.option("--since", metavar="WHEN", help="30d (the default), 24h, a day or a time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(place: Place, finding_id: str, since: str | None, as_json: bool) -> None:
    """Show one finding: evidence, dollars, confidence, and the command that ends it."""
    from outlay.accounting.assessment_json import finding_json
    from outlay.ledger.decisions import decisions

    with place.ledger() as ledger:
        assessment = ledger.assess(since=since)
        decision = decisions(ledger.store.con).get(finding_id)
    counted = next((c for c in assessment.findings if c.finding.id == finding_id), None)
    if counted is None:
        raise NotFound(f"there is no finding {finding_id!r} in this window", hint="See `outlay findings list --all`.")
    if as_json:
        evidence = dict(counted.finding.evidence)
        say_json({"schema": "outlay.finding/1", "rows": [finding_json(counted) | {"evidence": evidence}]})
        return
    from outlay.cli.render_findings import finding_text

    click.echo(finding_text(counted, assessment.currency))
    if decision is not None:
        until = f" until {decision.until:%Y-%m-%d}" if decision.until else ""
        click.echo(f"\n{decision.state}{until} by {decision.decided_by}, {decision.decided_at:%Y-%m-%d}: "
                   f"{decision.reason}")


@findings.command()
@click.argument("finding_id")
@click.option("--reason", default="", help="What will be done about it.")
@click.pass_obj
def accept(place: Place, finding_id: str, reason: str) -> None:
    """Accept a finding: it will be acted upon, and its saving can be checked later."""
    _decide(place, finding_id, "accepted", reason, None)


@findings.command()
@click.argument("finding_id")
@click.option("--reason", required=True, help="Why it is not waste; kept with the finding.")
@click.option("--for", "length", metavar="DAYS", help="Ignore it this long, for example 90d; by default for good.")
@click.pass_obj
def ignore(place: Place, finding_id: str, reason: str, length: str | None) -> None:
    """Ignore a finding, with a reason and, if wanted, an expiry; its dollars no longer count as waste."""
    _decide(place, finding_id, "ignored", reason, length)


@findings.command()
@click.argument("finding_id")
@click.pass_obj
def reopen(place: Place, finding_id: str) -> None:
    """Take an acceptance or an ignore back."""
    _decide(place, finding_id, "open", "", None)


def _decide(place: Place, finding_id: str, state: str, reason: str, length: str | None) -> None:
    from outlay.ledger.decisions import decide, decisions
    from outlay.questions.windows import now

    until: datetime | None = None
    if length is not None:
        number = length.removesuffix("d")
        if not number.isdigit() or int(number) == 0:
            raise UsageError(f"{length!r} is not a number of days such as 90d", where="--for")
        until = now() + timedelta(days=int(number))
    with place.ledger() as ledger:
        known = {counted.finding.id for counted in ledger.assess().findings} | decisions(ledger.store.con).keys()
        if finding_id not in known:
            raise NotFound(f"there is no finding {finding_id!r}", hint="See `outlay findings list --all`.")
        decide(ledger.store, finding_id, state, reason, until)
    click.echo(f"{finding_id} is {state}" + (f" until {until:%Y-%m-%d}" if until else "") + ".")

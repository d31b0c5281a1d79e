"""Reserved machines are paid for either way: ending work on them frees capacity and saves no cash."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from assessment_fixture import rich

import outlay
from outlay.accounting.digest import freed
from outlay.cli.render_findings import finding_text, mark
from outlay.detectors.overlap import count_once
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import Window

WINDOW = Window(datetime(2026, 9, 1), datetime(2026, 10, 1))


def finding(*claims: Claim, subject: str = "run 1") -> Finding:
    return Finding(
        code="zombie-run", capability="F2", subject=subject, title="Run 1 does nothing.", owner="ana", team=None,
        evidence=(), period=WINDOW, claims=claims, confidence=Confidence.HIGH, action="End it.", command="scancel 1")


def claim(month: int, committed: str, pot: str = "run:1", pot_month: int | None = None) -> Claim:
    whole = Decimal(month if pot_month is None else pot_month)
    return Claim(pot, Decimal(month), Decimal(month), whole, whole, Decimal(committed))


@pytest.mark.parametrize(("committed", "words"), [
    ("0", ""), ("1", "frees reserved capacity, which is paid for either way"),
    ("0.25", "$25.00 a month of it is reserved capacity, which is freed, not saved"),
])
def test_what_of_a_finding_is_no_cash_is_said(committed: str, words: str) -> None:
    one = finding(claim(100, committed))
    assert freed(one, "USD") == words
    (counted,) = count_once([one])
    assert counted.freed_month == 100 * Decimal(committed)
    assert (words[:30] in finding_text(counted)) and ("reserved" in finding_text(counted)) is bool(words)


def test_what_two_claim_is_freed_once() -> None:
    counted = count_once([finding(claim(100, "1")), finding(claim(80, "1", pot_month=100), subject="node n1")])
    assert sum(each.freed_month for each in counted) == 100


def test_a_finding_without_dollars_is_not_marked_as_waste() -> None:
    (counted,) = count_once([finding()])
    assert mark(counted) == " "


def test_the_headline_separates_cash_from_capacity() -> None:
    from dataclasses import replace

    whole = rich()
    saving = whole.saving_month
    assert replace(whole, freed_month=Decimal(1000)).cash_month == saving - 1000
    assert "and frees $1,000 a month of reserved capacity." in replace(whole, freed_month=Decimal(1000)).headline
    assert "saves" not in replace(whole, freed_month=saving).headline
    assert "frees" not in whole.headline


def test_a_bill_says_which_machines_are_reserved(tmp_path: Path) -> None:
    """Two idle notebooks on two machines, one of them committed."""
    bill = ["ChargePeriodStart,ChargePeriodEnd,BilledCost,EffectiveCost,BillingCurrency,ServiceProviderName,"
            "ServiceName,ServiceCategory,ResourceName,ChargeCategory,PricingCategory,ConsumedQuantity,ConsumedUnit"]
    samples = ["time,node,device,gpu_type,seconds,util,run_id"]
    for day in range(1, 9):
        start, end = f"2026-09-{day:02}T00:00:00Z", f"2026-09-{day + 1:02}T00:00:00Z"
        for node, how in (("n1", "Committed"), ("n2", "Standard")):
            bill.append(f"{start},{end},48,48,USD,AWS,EC2,Compute,{node},Usage,{how},24,Hours")
            samples += [f"2026-09-{day:02}T{hour:02}:00:00Z,{node},{node}-gpu0,H100,3600,0,book-{node}"
                        for hour in range(24)]
    runs = ["run_id,scheduler,kind,state,started,nodes,gpus,user,account"]
    runs += [f"book-{node},slurm/north,notebook,running,2026-09-01T00:00:00Z,{node},1,ana,search"
             for node in ("n1", "n2")]
    with outlay.open(tmp_path / "store", config=_no_settings(tmp_path)) as ledger:
        for name, rows in (("bill.csv", bill), ("samples.csv", samples), ("runs.csv", runs)):
            (tmp_path / name).write_text("\n".join(rows) + "\n", "utf-8")
            assert ledger.import_file(tmp_path / name).rejected == 0
        assessment = ledger.assess()
    idle = {each.finding.subject: each for each in assessment.findings if each.finding.code == "idle-gpu"}
    assert set(idle) == {"run slurm/north book-n1", "run slurm/north book-n2"}
    assert idle["run slurm/north book-n1"].freed_month == idle["run slurm/north book-n1"].month == Decimal(1460)
    assert idle["run slurm/north book-n2"].freed_month == 0
    assert (assessment.cash_month, assessment.freed_month) == (Decimal(1460), Decimal(1460))


def _no_settings(path: Path) -> Path:
    file = path / "outlay.yaml"
    file.write_text("currency: USD\n", "utf-8")
    return file

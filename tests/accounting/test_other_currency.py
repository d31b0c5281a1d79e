"""A reporting currency other than the US dollar: all is converted, or said to stand beside; nothing is added across."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import outlay
from outlay.api import Ledger

BILL = ("ChargePeriodStart,ChargePeriodEnd,BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,"
        "ServiceProviderName,ServiceName,ServiceCategory,ResourceName,ChargeCategory,PricingCategory,ConsumedQuantity,"
        "ConsumedUnit,x_Model,x_team\n")


def store(path: Path, *, rates: str | None, model_bill: str = "") -> Ledger:
    """Eight days of a GPU that idles in a notebook, billed in euros, and of calls for 2.50 dollars a day."""
    lines, samples, calls = [], ["time,node,device,gpu_type,seconds,util,run_id"], []
    for day in range(1, 9):
        start, end = f"2026-09-{day:02}T00:00:00Z", f"2026-09-{day + 1:02}T00:00:00Z"
        lines.append(f"{start},{end},48,48,48,48,EUR,OVH,Public Cloud,Compute,n1,Usage,Standard,24,Hours,,")
        samples += [f"2026-09-{day:02}T{hour:02}:00:00Z,n1,n1-gpu0,H100,3600,0,book" for hour in range(24)]
        calls.append(f'{{"time": "2026-09-{day:02}T01:00:00Z", "provider": "openai", "model": "gpt-4o", '
                     f'"response_id": "r{day}", "input_tokens": 1000000, "output_tokens": 0, "user": "ana"}}')
    files = {
        "bill.csv": BILL + "\n".join(lines) + "\n" + model_bill, "samples.csv": "\n".join(samples) + "\n",
        "runs.csv": "run_id,scheduler,kind,state,started,nodes,gpus,user,account\n"
                    "book,slurm/north,notebook,running,2026-09-01T00:00:00Z,n1,1,ana,search\n",
        "calls.jsonl": "\n".join(calls) + "\n",
    }
    settings = "currency: EUR\n"
    if rates is not None:
        (path / "rates.csv").write_text("currency,day,rate\n" + rates, "utf-8")
        settings += "rates: rates.csv\n"
    (path / "outlay.yaml").write_text(settings, "utf-8")
    ledger = outlay.open(path / "store", config=path / "outlay.yaml")
    for name, text in files.items():
        (path / name).write_text(text, "utf-8")
        assert ledger.import_file(path / name).rejected == 0
    return ledger


def test_with_a_rate_everything_is_in_the_reporting_currency(tmp_path: Path) -> None:
    with store(tmp_path, rates="USD,2026-08-01,0.90\nUSD,2026-09-05,0.80\n") as ledger:
        by_kind = {row[0]: row[1] for row in ledger.costs(["kind"]).answer.rows}
        by_user = {row[0]: row[1] for row in ledger.costs(["user"]).answer.rows}
        unknown = ledger.costs(["user"]).answer.unknown
        assessment = ledger.assess()
        assert ledger.store.con.execute("SELECT currency, count(*) FROM gpu_day GROUP BY 1").fetchall()[0][0] == "EUR"
    metered = 4 * Decimal("2.5") * Decimal("0.9") + 4 * Decimal("2.5") * Decimal("0.8")
    assert by_kind == {"gpu": Decimal(384), "call": metered}
    assert by_user == {None: Decimal(384), "ana": metered}
    assert unknown == ()
    (idle,) = (each.finding for each in assessment.findings if each.finding.code == "idle-gpu")
    # EUR 48 a day were USD 53.33 and 60.00; at the latest rate USD 453.33 are EUR 362.67.
    assert round(idle.so_far, 6) == round((4 * 48 / Decimal("0.9") + 4 * 48 / Decimal("0.8")) * Decimal("0.8"), 6)
    assert assessment.spent == 384 + metered
    assert assessment.converted.startswith("amounts are EUR; amounts of findings are US dollars x 0.8 EUR")


def test_without_a_rate_nothing_is_added_across(tmp_path: Path) -> None:
    with store(tmp_path, rates=None) as ledger:
        assessment = ledger.assess()
        unknown = ledger.costs(["user"]).answer.unknown
    assert (assessment.spent, assessment.other_currencies) == (Decimal(384), {"USD": Decimal(20)})
    assert unknown == ({"currency": "USD", "cost": Decimal(20)},)
    assert (assessment.findings, assessment.saving_month) == ((), 0)
    assert any("no rate that turns these into EUR" in gap.gap for gap in assessment.gaps)


def test_dollars_of_findings_leave_out_machines_of_another_currency(tmp_path: Path) -> None:
    with store(tmp_path, rates=None) as ledger:
        pass
    (tmp_path / "outlay.yaml").write_text("currency: USD\n", "utf-8")
    with outlay.open(tmp_path / "store", config=tmp_path / "outlay.yaml") as ledger:
        assessment = ledger.assess()
    assert (assessment.spent, assessment.saving_month) == (Decimal(20), 0)
    assert assessment.converted == ""


@pytest.mark.parametrize(("provider", "said"), [("OpenAI", True), ("Anthropic", False)])
def test_a_bill_for_models_in_another_currency_is_named(tmp_path: Path, provider: str, said: bool) -> None:
    row = (f"2026-09-01T00:00:00Z,2026-09-02T00:00:00Z,7,7,7,7,GBP,{provider},API,AI and Machine Learning,,Usage,"
           "Standard,1,Tokens,gpt-4o,\n")
    with store(tmp_path, rates="USD,2026-08-01,0.90\n", model_bill=row) as ledger:
        gaps = [gap.gap for gap in ledger.assess().gaps]
    assert any(gap.startswith("GBP 7.00 of bills name models") for gap in gaps) is said
    command = [sys.executable, "-m", "outlay", "--store", str(tmp_path / "store"), "--config",
               str(tmp_path / "outlay.yaml"), "costs"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ("GBP 7.00 of bills for models is not matched" in text) is said

from dataclasses import replace
from decimal import Decimal

from assessment_fixture import HOSTILE, rich

from outlay.cli.render_findings import finding_text, findings_text
from outlay.cli.render_table import cells


def test_the_list_names_dollars_finding_id_and_owner_dearest_first() -> None:
    text = findings_text(rich().findings)
    assert text.splitlines()[:3] == [
        "  A MONTH  FINDING",
        "! $66,364  14 training runs are abandoned and still hold 27 GPUs.",
        "           zombie-run-3e04edc6, Dana Okafor, high, $38,912 so far",
    ]
    assert "\n   $2,100  Standby nodes are idle.\n           idle-gpu-3863516b, Dana Okafor, high, ignored," in text
    assert f"\n?  $4,310  Answers of {HOSTILE} have no limit.\n           no-max-tokens-12d39310, owner unknown" in text
    assert max(map(cells, text.splitlines())) <= 80
    months = [line.split()[1] for line in text.splitlines() if line[:1] in "!?"]
    assert months == ["$66,364", "$24,300", "$15,820", "$10,560", "$8,001", "$4,310", "<$1"]


def test_a_pipe_gets_one_line_a_finding() -> None:
    findings = rich().findings
    lines = findings_text(findings, width=None).splitlines()
    assert len(lines) == len(findings) + 1
    assert lines[0].split() == ["A", "MONTH", "SO", "FAR", "OWNER", "SURE", "STATE", "ID", "FINDING"]
    assert all("\N{HORIZONTAL ELLIPSIS}" not in line for line in lines)


def test_no_findings() -> None:
    assert findings_text(()) == "No findings."


def test_one_finding_shows_evidence_action_and_command() -> None:
    counted = rich().findings[1]
    assert finding_text(counted) == (
        "! A frontier model answers tickets that a small model answers as well.\n"
        "\n"
        "  id       frontier-on-simple-8a79c4d1\n"
        "  owner    Mei-Ling Zhou, Support AI\n"
        "  a month  $24,300\n"
        "  overlap  $12,400 a month is claimed by other findings too; counted once\n"
        "  so far   $24,020, 1 Aug to 30 Aug 2026\n"
        "  sure     medium: measured, one assumption; assumed: the 400 tickets stand for\n"
        "           all\n"
        "  state    open\n"
        "  serves   F2\n"
        "  subject  calls:openai/frontier-1/tickets\n"
        "\n"
        "EVIDENCE\n"
        "  calls                 2.1M\n"
        "  right on 400 tickets  98.3% against 98.5%\n"
        "\n"
        "ACTION\n"
        "  Route the simple third to `small-1`.\n"
        "  $ outlay costs --by model --where task=tickets"
    )


def test_a_command_is_never_broken_and_never_commands_the_terminal() -> None:
    counted = rich().findings[0]
    long = f"scancel {' '.join(map(str, range(4000, 4100)))}\nkubectl \x1b[2Jdelete"
    text = finding_text(replace(counted, finding=replace(counted.finding, command=long)))
    assert f"  $ {long.splitlines()[0]}\n" in text
    assert text.endswith("  $ kubectl \ufffd[2Jdelete")


def test_other_currencies() -> None:
    counted = rich().findings[0]
    assert "EUR 66,364" in finding_text(counted, "EUR")
    assert counted.month == Decimal(66364)

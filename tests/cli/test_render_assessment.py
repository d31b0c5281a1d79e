"""The assessment as a terminal shows it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from assessment_fixture import HOSTILE, WIDE_NAME, empty, large, rich

from outlay.cli.render_assessment import assessment_text
from outlay.cli.render_table import cells

MINUS = "\N{MINUS SIGN}"


def section(text: str, heading: str) -> str:
    return next(part for part in text.split("\n\n") if part.startswith(heading))


def test_it_opens_with_the_answer() -> None:
    head, answer, figures, *_ = assessment_text(rich()).split("\n\n")
    assert head == "AI spend, 1 Aug to 30 Aug 2026 (UTC), facts up to 31 Aug 2026 00:00  sample data"
    assert answer.replace("\n", " ") == rich().headline
    assert figures == (
        "  spent              $337,977  +$31,020 on the 30 days before; ~$58,870\n"
        "                               estimated\n"
        "! bought nothing      $84,242  25% of spend; the goal is under 20%\n"
        "  acting saves       $116,955  a month, 7 findings; 29% of the present rate\n"
        "  last 7 days' rate  $401,233  a month; +$58,562 on the whole window's rate\n"
        "? left out                     1 model without a price; EUR 1,204; 310 of\n"
        "                               unknown currency; 17 rows that could not be read;\n"
        "                               3 gaps in the evidence"
    )


def test_sections_stand_in_the_report_order() -> None:
    text = assessment_text(rich())
    headings = re.findall(r"^([A-Z][A-Z-]+(?: [A-Z-]+)*)(?=  |$)", text, re.MULTILINE)
    assert headings == [
        "SPEND AND TREND",
        "COST PER VALUABLE OUTPUT",
        "LARGEST COST LINES",
        "BY TEAM",
        "BY STAGE",
        "BY MODEL",
        "BY RUN",
        "BY AGENT",
        "GPU-HOURS",
        "UNTAGGED",
        "QUICK WINS",
        "FINDINGS",
        "WHAT COULD NOT BE JUDGED",
        "HOW IT WAS COUNTED",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("made", [rich, empty, large])
def test_only_commands_run_past_the_width(width: int, made: object) -> None:
    assert callable(made)
    for line in assessment_text(made(), width).splitlines():
        assert cells(line) <= width or line.lstrip().startswith("$ ")
        assert line == line.rstrip()


def test_it_reads_without_colour() -> None:
    text = assessment_text(rich())
    assert "\x1b" not in text
    assert "! allocated, not used       18,250  $54,385    40%" in text
    assert "? no reading                   270     $805   0.6%" in text
    assert "! use of allocated, measured GPU-hours: 53%; the goal is over 60%" in text
    assert "  Foundation                ~$168,988    50%" in text
    assert "! $25,108, 7.0% of spend, has no team; the goal is under 5%" in text
    assert "? report written                    ?        0  $11,480  team Evals" in text
    assert "? Does anyone see live figures?             unknown; no live source is connected" in text


def test_colour_adds_only_colour() -> None:
    coloured = assessment_text(rich(), colour=True)
    assert "\x1b[33m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == assessment_text(rich())


def test_findings_name_owner_action_and_command() -> None:
    text = section(assessment_text(rich()), "FINDINGS")
    assert (
        "! $15,820 a month  datasets-prod is copied to two regions that nobody reads.\n"
        "    Jonas Lind, Vision; high confidence; $15,610 so far\n"
        "    Turn replication off.\n"
        "    $ aws s3api delete-bucket-replication --bucket datasets-prod\n"
    ) in text
    assert text.endswith(f"  {MINUS}$12,400 a month is claimed twice and counted once\n  $116,955 a month in all")
    assert "Standby nodes" not in text, "what was ignored is not in the sum"


def test_many_findings_are_cut_with_a_pointer_and_the_total() -> None:
    text = section(assessment_text(large(findings=20)), "FINDINGS")
    assert text.count("$ scancel") == 8
    assert "  12 more findings, $107,838 a month: outlay findings list\n" in text
    assert text.endswith("  $179,810 a month in all")


def test_a_breakdown_still_adds_up_where_it_is_cut() -> None:
    text = section(assessment_text(rich()), "BY TEAM")
    shares = [int(re.sub(r"\D", "", amount)) for amount in re.findall(r"\$[\d,]+", text)]
    assert abs(sum(shares) - 337_977) <= 3
    assert text.splitlines()[-1].split() == ["1", "more", "$10,562", "3.1%"]


def test_names_of_users_cannot_command_the_terminal() -> None:
    text = assessment_text(rich())
    assert "\x1b" not in text and "\x07" not in text
    assert "run-\ufffd[31mred\ufffd" in text
    assert HOSTILE in text and WIDE_NAME in text


def test_where_all_is_estimated_it_is_said_once() -> None:
    text = assessment_text(replace(rich(), estimated=rich().spent))
    assert "~" not in text
    assert "all of it estimated" in " ".join(text.split())


def test_an_empty_ledger() -> None:
    text = assessment_text(empty())
    assert "Nothing was spent in this window." in text
    assert "No findings." in text and "Nothing is known to be missing." in text
    assert "sample data" not in text


def test_a_heading_is_whole_where_the_last_column_can_spare_the_room() -> None:
    scope = "support-ai / support-answers-for-everybody"
    a = rich()
    outputs = tuple(replace(each, scope=scope) for each in a.outputs)
    text = assessment_text(replace(a, outputs=outputs), 80)
    assert "COST PER VALUABLE OUTPUT " in text
    assert max(map(cells, (line for line in text.splitlines() if "$ " not in line))) <= 80

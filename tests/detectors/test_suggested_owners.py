"""Who is likely to own what nobody tagged, and on what evidence."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from made_bill import daily

from made_ledger import made_ledger, window
from outlay.accounting.untagged import untagged_section
from outlay.attribution.suggest import by_name
from outlay.questions.ask import Ask

TEAMS = {"search": "search", "support-ai": "support-ai", "ai": "ai", "docs-search": "search", "growth": "growth"}


@pytest.mark.parametrize(("name", "team"), [
    ("search-dev", "search"), ("rds_Search_eu", "search"), ("support-ai-logs", "support-ai"), ("research-1", None),
    ("growth-and-search", None), ("docs-search-growth", "search"), ("ai-lab", None), ("123456789012", None),
])
def test_a_name_bears_a_team(name: str, team: str | None) -> None:
    found = by_name("account", name, TEAMS)
    assert (found.team if found else None) == team


def suggestions(path: Path, *facts: object) -> Mapping[str, tuple[str, str]]:
    with made_ledger(path, [fact for each in facts for fact in each]) as store:  # type: ignore[attr-defined]
        section = untagged_section(Ask(store.con), window(30), 1, "USD")  # type: ignore[arg-type]
    return {each.subject: (each.suggested, each.evidence) for each in section.suggestions}


def test_the_most_telling_evidence_comes_first(tmp_path: Path) -> None:
    found = suggestions(
        tmp_path,
        daily("db", "90", sub_account_id="1111", tags={"team": "vision"}),
        daily("idx", "10", sub_account_id="2222", tags={"team": "search", "project": "docs"}),
        daily("vision-lab", "3", sub_account_id="3333"),
        daily("old", "2", sub_account_id="1111", sub_account_name="acme-search-dev"),
        daily("docs-copy", "1", sub_account_id="1111"),
        daily("x", "0.5", sub_account_id="4444"))
    assert found["vision-lab"] == ("vision", "resource vision-lab bears its name")
    assert found["old"] == ("search", "account acme-search-dev bears its name")
    assert found["docs-copy"] == ("search", "resource docs-copy bears the name of its project docs")
    assert found["x"] == ("unknown", "nothing tagged looks the same")

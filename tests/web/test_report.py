"""The report as text: valid, complete, escaped, self-contained, small."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from assessment_fixture import HOSTILE, LONG_NAME, WIDE_NAME, empty, large, rich

from outlay.accounting.assessment import Assessment
from outlay.accounting.digest import left_out
from outlay.web.report import report_html

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What a test asks of a page: its elements with their parents, its text, and whether every element was closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.headings: list[str] = []
        self.nesting: list[tuple[str, str]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"attribute twice: {self.get_starttag_text()}"
        self.elements.append((tag, dict(attrs)))
        self.nesting.append((self.open[-1] if self.open else "", tag))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open, f"only SVG elements close themselves: {self.get_starttag_text()}"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes something else at line {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    @property
    def text(self) -> str:
        """All words, with a space where one element ends and the next begins."""
        return re.sub(r"\s+", " ", " ".join(word.strip() for word in self.words))

    def having(self, attribute: str) -> Iterator[str]:
        return (value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None)


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(report_html(rich()))


@pytest.mark.parametrize("made", [rich, empty, large])
def test_every_element_is_closed_and_every_reference_met(made: Callable[[], Assessment]) -> None:
    page = Page(report_html(made()))
    ids = list(page.having("id"))
    assert len(ids) == len(set(ids))
    wanted = [each.removeprefix("#") for each in page.having("href") if each.startswith("#")]
    wanted += [
        each
        for name in ("aria-labelledby", "aria-describedby")
        for value in page.having(name)
        for each in value.split()
    ]
    assert set(wanted) <= set(ids)
    assert [tag for _, tag in page.nesting].count("h1") == 1
    assert not {("p", "p"), ("p", "ul"), ("p", "div"), ("a", "a"), ("table", "tr"), ("dl", "p")} & set(page.nesting)


@pytest.mark.parametrize("made", [rich, empty, large])
def test_nothing_is_requested_and_no_style_attribute_is_used(made: Callable[[], Assessment]) -> None:
    source = report_html(made())
    page = Page(source)
    assert all(each.startswith(("#", "data:")) for each in page.having("href"))
    assert not list(page.having("src")) and not list(page.having("style")) and not list(page.having("srcset"))
    assert "url(" not in source and "@import" not in source and "http" not in source.replace("http-equiv", "")
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    policy = next(value for value in page.having("content") if "default-src" in value)
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy


def test_names_of_users_are_escaped(page: Page) -> None:
    source = report_html(rich())
    assert "<script>alert" not in source
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert HOSTILE in page.text
    assert LONG_NAME in page.text and WIDE_NAME in page.text
    assert "\x1b" not in source and "\x07" not in source


def test_the_page_opens_with_its_answer(page: Page) -> None:
    assessment = rich()
    assert assessment.headline == (
        "$337,977 was spent; 25% of it bought nothing, and acting on the findings saves $116,955 a month."
    )
    assert assessment.headline in page.text
    assert page.text.index(assessment.headline) < page.text.index("Spend and trend")
    assert "+$31,020 on the 30 days before, $306,957" in page.text
    assert "~$58,870 of it estimated, no bill yet" in page.text


def test_sections_stand_in_their_order(page: Page) -> None:
    assert page.headings == [
        "Spend and trend",
        "Cost per Valuable Output",
        "Ten largest cost lines",
        "Who and what caused it",
        "GPU-hours in three parts",
        "Untagged spend",
        "Seven questions for a quick win",
        "7 findings",
        "What could not be judged",
        "How it was counted",
    ]


def test_what_is_unknown_is_said_and_never_zero(page: Page) -> None:
    said = left_out(rich())
    assert said == [
        "1 model without a price",
        "EUR 1,204",
        "310 of unknown currency",
        "17 rows that could not be read",
        "3 gaps in the evidence",
    ]
    assert all(each in page.text for each in said)
    assert "x-large-preview 4.1M tokens in 12,004 calls unknown" in page.text
    assert "Answers of " in page.text and "owner unknown" in page.text


def test_findings_add_up_with_the_overlap(page: Page) -> None:
    assert (
        "14 training runs are abandoned and still hold 27 GPUs Dana Okafor Foundation high $38,912 $66,364" in page.text
    )
    minus = "\N{MINUS SIGN}"
    assert f"Overlap: claimed twice, counted once {minus}$12,400 {minus}$12,400" in page.text
    assert "All findings $84,242 $116,955" in page.text
    assert "$12,400 a month of it overlaps with other findings; counted once." in page.text
    assert "Stop it; a checkpoint is kept. scancel 4711 4712" in page.text
    assert "Ignored, and in no sum: Standby nodes are idle ($2,100 a month)" in page.text


def test_where_all_is_estimated_it_is_said_once() -> None:
    assessment = replace(rich(), estimated=rich().spent)
    page = Page(report_html(assessment))
    assert "Spent, all of it estimated" in page.text
    assert "~$" not in page.text


def test_the_sample_is_marked_as_such() -> None:
    assert "sample data" in Page(report_html(rich())).text
    assert "sample data" not in Page(report_html(replace(rich(), sample=False))).text.lower()


def test_an_empty_ledger_says_what_was_looked_at() -> None:
    page = Page(report_html(empty()))
    assert "Nothing was spent in this window." in page.text
    assert "The ledger holds no charge, call or accelerator hour of 1 Aug to 30 Aug 2026." in page.text
    assert "No findings." in page.text and "Nothing is known to be missing." in page.text
    assert "the ledger does not hold the 30 days before" in page.text


def test_other_reporting_currencies_are_named_at_every_amount() -> None:
    page = Page(report_html(replace(rich(), currency="EUR", other_currencies={"USD": Decimal(12)})))
    assert "EUR 337,977 was spent" in page.text
    assert not re.search(r"(?<!Amounts in US )\$3", page.text.split("What ends each")[0].split("Spend and trend")[1])


def test_a_report_of_128_devices_over_30_days_stays_small() -> None:
    assert len(report_html(large()).encode()) < 300_000

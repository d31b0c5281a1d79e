"""The report as a person gets it: in Chromium, wide, narrow, dark, printed, and by axe-core's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from assessment_fixture import empty, rich

from outlay.accounting.assessment import Assessment
from outlay.web.report import report_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="needs browser: Playwright is not installed")
pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, folder: Path, assessment: Assessment, *, width: int = 1280, scheme: str = "light") -> Page:
    report = folder / "report.html"
    report.write_text(report_html(assessment), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.requests = []
    page.complaints = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(report.as_uri())
    return page


@pytest.mark.parametrize("made", [rich, empty])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_axe_finds_nothing(
    browser: Browser, tmp_path: Path, made: Callable[[], Assessment], width: int, scheme: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs browser: axe-core is not installed"
    )
    page = opened(browser, tmp_path, made(), width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]})
    broken = {rule["id"]: [node["html"][:160] for node in rule["nodes"]] for rule in found.response["violations"]}
    assert broken == {}
    page.close()


@pytest.mark.parametrize("width", [360, 700, 1000, 1600])
def test_the_page_never_scrolls_sideways(browser: Browser, tmp_path: Path, width: int) -> None:
    page = opened(browser, tmp_path, rich(), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_nothing_but_the_file_is_requested_and_nothing_is_complained_of(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, rich())
    assert [each for each in page.requests if not each.startswith(("file:", "data:"))] == []
    assert page.complaints == []
    assert page.locator("#print").is_visible()
    assert page.evaluate("document.querySelectorAll('#heat-cells path').length") >= 6
    page.close()


def test_the_page_is_whole_without_scripts(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(report_html(rich()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator("h1").inner_text().startswith("$337,977 was spent")
    assert not page.locator("#print").is_visible()
    page.locator("summary").first.click()
    assert page.get_by_role("rowheader", name="All days").is_visible()
    context.close()


def test_names_of_users_run_nothing(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, rich())
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.reload()
    assert dialogs == []
    page.close()


def test_it_prints_on_a4(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, rich())
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert not page.locator("#print").is_visible()
    assert page.locator(".tag").first.is_visible(), "sample data says so on paper too"
    page.close()

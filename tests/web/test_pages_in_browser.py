"""Every page of the dashboard in real Chromium: accessible, within 360 px, in both schemes, of use without scripts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from made_server import Server, served
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from outlay.sample.live import write_live_sample
from outlay.web.pages.registry import PAGES

PATHS = [page.path for page in PAGES if page.key or page.path == "/weekly"]
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the sample month, which is judged."""
    import outlay
    from outlay.questions.windows import now

    folder = tmp_path_factory.mktemp("live")
    write_live_sample(folder / "files", now())
    config = folder / "files" / "outlay.yaml"
    with outlay.open(folder / "store", config=config) as ledger:
        for name in ("bills", "calls", "gpu", "outputs", "runs", "usage"):
            for path in sorted((folder / "files" / name).iterdir()):
                ledger.import_file(path)
    with served(folder / "store", "--no-sign-in", config=config) as running:
        until = time.monotonic() + 120
        while b"<table" not in running.ask("GET", "/findings")[1]:
            assert time.monotonic() < until, "the sample was not judged"
            time.sleep(0.5)
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium, args=_QUIET)
        yield opened
        opened.close()


def look(browser: Browser, server: Server, path: str, width: int, scheme: str, scripts: bool = True) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme,  # type: ignore[arg-type]
                                  java_script_enabled=scripts)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(server.url + path, wait_until="load")
    if scripts:
        expect(page.locator("main p.sub.wait")).to_have_count(0, timeout=60_000)
    assert said == []
    return page


@pytest.mark.browser
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_and_fits(browser: Browser, server: Server, path: str) -> None:
    for width, scheme in ((1280, "light"), (360, "dark")):
        page = look(browser, server, path, width, scheme)
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == [], f"{width} {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_of_use_without_scripts(browser: Browser, server: Server, path: str) -> None:
    look(browser, server, path, 1280, "light").context.close()  # asked before, so that the answers are at hand
    page = look(browser, server, path, 1280, "light", scripts=False)
    assert len(page.locator("main h1").inner_text()) > 10
    assert page.locator("main table").count() > 0
    page.context.close()


@pytest.mark.browser
def test_a_page_is_live_however_late_its_scripts_come(browser: Browser, server: Server) -> None:
    page = browser.new_page()

    def late(route: Route) -> None:
        time.sleep(0.4)
        route.continue_()

    page.route("**/static/hx-sse.min.js", late)
    with page.expect_request("**/live/sources", timeout=20_000):
        page.goto(f"{server.url}/sources")
    page.close()


@pytest.mark.browser
def test_keys_lead_to_pages_and_rows(browser: Browser, server: Server) -> None:
    page = look(browser, server, "/", 1280, "light")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "A"
    page.keyboard.press("Enter")
    page.wait_for_url("**/run?*")
    page.context.close()


@pytest.mark.browser
def test_a_figure_changes_on_an_open_page(browser: Browser, server: Server, tmp_path: Path) -> None:
    from made_spans import chat_spans

    page = look(browser, server, "/explore?by=team&since=24h", 1280, "light")
    assert page.get_by_text("brand-new-team").count() == 0
    spans = chat_spans(3, "seen", team="brand-new-team").SerializeToString()
    assert server.ask("POST", "/v1/traces", spans, content_type="application/x-protobuf")[0] == 200
    page.get_by_text("brand-new-team").first.wait_for(timeout=30_000)
    page.context.close()

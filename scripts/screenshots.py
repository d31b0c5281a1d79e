"""Takes the picture of the report that the README shows, from a report.html, with a headless Chromium.

    python scripts/screenshots.py report.html docs/img/report.png --height 1500

Needs the development environment (Playwright) and Chromium; nothing is requested from any network.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

#: Chromium as root in a container; and no connection of its own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def picture(report: Path, target: Path, *, width: int, height: int | None, dark: bool) -> None:
    """Writes `target` as PNG (or as PDF on A4, by its suffix); `height` None means the whole page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(
            viewport={"width": width, "height": height or 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        page.goto(report.resolve().as_uri())
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".pdf":
            page.pdf(path=target, prefer_css_page_size=True)
        else:
            page.screenshot(path=target, full_page=height is None)
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("target", type=Path, help="a .png, or a .pdf for how it prints")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, help="pixels from the top; the whole page if left out")
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    if chromium() is None:
        print("Chromium is not installed; on Debian and Ubuntu: apt-get install chromium", file=sys.stderr)
        return 3
    picture(given.report, given.target, width=given.width, height=given.height, dark=given.dark)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Draws docs/images anew: pages of the sample class, as Chromium shows them.

    python scripts/make_screenshots.py             # into docs/images
    python scripts/make_screenshots.py -o FOLDER

The class is graded without running code, so that the pictures want neither torch nor MNIST. Playwright comes
with the extra `[dev]`, the browser with the system.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
COLOURS = 96
"""Colours of a picture: text on a page wants few, and the file is a quarter as large."""


class Shot(NamedTuple):
    """A picture of the page below the reports: its top in a window of that size, or from one element on."""

    name: str
    page: str
    width: int
    height: int
    start: str = ""


SHOTS = (
    Shot("student-page.png", "wrong-gradient/index.html", 1080, 1240),
    Shot("readme-page.png", "wrong-gradient/readme.html", 1080, 760, "#line-28"),
    Shot("class-page.png", "index.html", 1280, 760, "#h-table"),
)


def chromium() -> str:
    """The browser's path; an exit with what to do where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    raise SystemExit("Chromium is not installed; on Debian and Ubuntu: apt-get install chromium")


def grade(out: Path) -> None:
    """Grade the sample class into `out`; SystemExit with the command's own words where that fails."""
    for sample in sorted((ROOT / "submissions").glob("[!_]*/")):
        shutil.copytree(sample, out.parent / "class" / sample.name)
    words = [sys.executable, "-m", "grader", "batch", "class", "--no-exec", "-q", "-o", str(out)]
    done = subprocess.run(words, cwd=out.parent, check=False, capture_output=True, text=True)
    if done.returncode not in (0, 1, 4):
        raise SystemExit(done.stdout + done.stderr)


def shoot(browser: Browser, page: str, shot: Shot, into: Path) -> None:
    """Keep a part of a page as a picture of few colours."""
    opened = browser.new_page(viewport={"width": shot.width, "height": shot.height}, reduced_motion="reduce")
    opened.goto(page)
    if shot.start:
        opened.locator(shot.start).evaluate(
            "part => scrollTo(0, part.getBoundingClientRect().top + scrollY - 16)"
        )
    raw = opened.screenshot()
    opened.close()
    with Image.open(BytesIO(raw)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(into / shot.name, "PNG", optimize=True)


def draw(browser: Browser, reports: Path, into: Path) -> None:
    """Draw every picture, and say how large it is."""
    for shot in SHOTS:
        shoot(browser, f"{reports.as_uri()}/{shot.page}", shot, into)
        print(f"{into / shot.name}: {(into / shot.name).stat().st_size / 1000:.0f} kB")


def main() -> int:
    """Grade, and draw every picture."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-o", "--out", type=Path, default=IMAGES)
    into = options.parse_args().out
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        grade(reports)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            draw(browser, reports, into)
    return 0


if __name__ == "__main__":
    sys.exit(main())

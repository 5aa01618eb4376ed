"""The site over docs/: every page has its place, every link leads somewhere, and nothing is loaded from
elsewhere.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).parents[2]
EXTERNAL = ("https:", "http:", "//", "mailto:")
LOADS = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("link", "href"),
    ("object", "data"),
}


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site() -> ModuleType:
    return script("make_site")


@pytest.fixture
def small(site: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A repository of two pages, in the place of ours."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(
        "# Small\n[page](docs/page.md#part), `[no](link.md)`, [code](tool.py)\n", "utf-8"
    )
    (tmp_path / "docs" / "page.md").write_text("# Page\n[back](../README.md)\n## Part\n", "utf-8")
    (tmp_path / "tool.py").write_text("print()\n", "utf-8")
    (tmp_path / "docs" / "site.toml").write_text('[project]\nnav = ["index.md", "page.md"]\n', "utf-8")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.setattr(site, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(site, "CONFIG", tmp_path / "docs" / "site.toml")
    monkeypatch.setattr(site, "BESIDE", {"README.md": "index.md"})
    return tmp_path


def test_every_page_has_its_place_and_no_place_is_empty(site: ModuleType) -> None:
    assert site.misplaced() == []


def test_a_page_without_place_and_a_place_without_page_are_named(site: ModuleType, small: Path) -> None:
    assert site.misplaced() == []
    (small / "docs" / "new.md").write_text("# New\n", "utf-8")
    assert site.misplaced() == ["new.md is in no part of docs/site.toml"]
    (small / "docs" / "new.md").rename(small / "docs" / "other.md")
    site.CONFIG.write_text('[project]\nnav = ["index.md", { "All" = ["*.md", "gone.md"] }]\n', "utf-8")
    assert site.misplaced() == ["docs/site.toml names gone.md, which is not there"]


def test_a_pattern_takes_the_pages_of_one_folder_that_nothing_names(site: ModuleType) -> None:
    there = ["how-to/a.md", "how-to/b.md", "how-to/deep/c.md"]
    nav = ["how-to/*.md", {"Deep": ["how-to/b.md", "how-to/deep/*.md"]}]
    assert site.navigation(nav, there) == ["how-to/a.md", {"Deep": ["how-to/b.md", "how-to/deep/c.md"]}]


def test_links_lead_to_where_the_site_has_their_target(site: ModuleType, small: Path) -> None:
    site.lay_out(small / "laid")
    assert (
        "[page](page.md#part), `[no](link.md)`, [code](files/tool.py.txt)"
        in (small / "laid/index.md").read_text()
    )
    assert "[back](index.md)" in (small / "laid" / "page.md").read_text("utf-8")
    assert (small / "laid" / "files" / "tool.py.txt").read_text("utf-8") == "print()\n"


def test_a_dead_link_is_refused(site: ModuleType, small: Path) -> None:
    (small / "docs" / "page.md").write_text("[gone](gone.md)\n", "utf-8")
    with pytest.raises(ValueError, match=r"docs/page\.md leads to gone\.md"):
        site.lay_out(small / "laid")


def test_code_in_a_numbered_list_stays_in_it(site: ModuleType) -> None:
    """With three spaces, as GitHub has them, Python's Markdown begins the count again."""
    laid = site._indented(
        "1. One\n\n   ```python\n   if x:\n       y\n   ```\n2. Two\n\nText\n   as it was\n"
    )
    assert laid == "1. One\n\n    ```python\n    if x:\n        y\n    ```\n2. Two\n\nText\n   as it was\n"


class Links(HTMLParser):
    """What a page loads, where it leads, and its anchors."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in LOADS:
                self.loads.append(value or "")
            elif (tag, name) == ("a", "href"):
                self.leads.append(value or "")
            elif name in ("id", "name"):
                self.anchors.add(value or "")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("zensical") is None, reason="Zensical is not installed: pip install '.[docs]'")
def test_the_site_is_built_strictly_and_everything_in_it_is_there(tmp_path: Path) -> None:
    out = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_site.py", "-o", out], capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {page: Links(page.read_text("utf-8")) for page in out.rglob("*.html")}
    assert len(pages) > 80
    for page, links in pages.items():
        assert not [address for address in links.loads if address.startswith(EXTERNAL)], page.name
        if page.name == "404.html":  # it is shown at any address, and names the site's own from its root
            continue
        for address in (*links.loads, *links.leads):
            if address.startswith((*EXTERNAL, "data:", "javascript:")):
                continue
            path, fragment = urldefrag(address)
            aim = (page.parent / unquote(path)).resolve() if path else page
            aim = aim / "index.html" if aim.is_dir() else aim
            assert aim.is_file(), f"{page.relative_to(out)} leads to {address}"
            if fragment and aim in pages and fragment != "__skip":
                assert unquote(fragment) in pages[aim].anchors, f"{page.relative_to(out)} leads to {address}"
    styles = [style.read_text("utf-8") for style in out.rglob("*.css")]
    assert styles
    assert not [style for style in styles if re.search(r"""(url\(|@import\s*)["']?\s*(https?:)?//""", style)]


def test_pictures_are_those_that_the_script_draws_and_each_is_shown() -> None:
    drawn = {shot.name for shot in script("make_screenshots").SHOTS}
    there = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert set(there) == drawn
    assert max(there.values()) < 100_000
    text = "".join(page.read_text("utf-8") for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    assert not [name for name in drawn if f"images/{name})" not in text]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(
    find_spec("playwright") is None
    or not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")),
    reason="Chromium is not installed: apt-get install chromium",
)
def test_a_picture_is_drawn_from_a_part_of_a_page(tmp_path: Path) -> None:
    from PIL import Image
    from playwright.sync_api import sync_playwright

    shots = script("make_screenshots")
    page = tmp_path / "page.html"
    page.write_text("<p style='height: 900px'>", "utf-8")
    with page.open("a", encoding="utf-8") as more:
        more.write("<p id='below' style='height: 900px; background: #123456'>")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shots.chromium(), args=["--no-sandbox"])
        shots.shoot(browser, page.as_uri(), shots.Shot("a.png", "page.html", 320, 200, "#below"), tmp_path)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.convert("RGB").getpixel((100, 100)) == (0x12, 0x34, 0x56)

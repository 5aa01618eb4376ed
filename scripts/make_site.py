"""Builds the site over docs/, README and the files beside it, with Zensical (`pip install '.[docs]'`).

    python scripts/make_site.py              # into build/site; status 1 where a page or a link has no place
    python scripts/make_site.py -o FOLDER

The pages stay as GitHub shows them. They are laid out anew for the site: README.md as its first page, links
turned to where their target is, lists indented as Python's Markdown wants them. Nothing is fetched, and the
site loads nothing: it opens from a disk.
"""

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
CONFIG = DOCS / "site.toml"
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages that do not lie in docs/, and where the site has them."""
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)")
CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, Path]:
    """Return where the site has each page, and the page."""
    found = {there: ROOT / here for here, there in BESIDE.items()}
    for page in sorted(DOCS.rglob("*.md")):
        there = page.relative_to(DOCS).as_posix()
        found[re.sub(r"(^|/)README\.md$", r"\1index.md", there)] = page
    return found


def lay_out(folder: Path) -> None:
    """Write the pages, and the files that they lead to, as the site has them; ValueError for a dead link."""
    placed = {page: there for there, page in pages().items()}
    linked: dict[Path, str] = {}
    for page, there in placed.items():
        text = page.read_text("utf-8")
        for target in sorted({match[1] for match in LINK.finditer(_without_code(text))}):
            aim = (page.parent / target).resolve()
            if not aim.is_file():
                raise ValueError(f"{page.relative_to(ROOT)} leads to {target}, which is not there")
            if aim not in placed:
                linked[aim] = _place(aim)
        _write(folder / there, _indented(_turned(text, page, there, placed | linked)))
    for aim, there in linked.items():
        (folder / there).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(aim, folder / there)


def _place(aim: Path) -> str:
    """Where the site has a file that is no page: pictures where docs/ has them, others as text."""
    if aim.is_relative_to(DOCS):
        return aim.relative_to(DOCS).as_posix()
    return f"files/{aim.relative_to(ROOT).as_posix()}.txt"


def _turned(text: str, page: Path, there: str, placed: dict[Path, str]) -> str:
    """The text with its links as they lead from the page's place on the site."""

    def turned(match: re.Match[str]) -> str:
        aim = placed.get((page.parent / match[1]).resolve())
        return match[1] if aim is None else posixpath.relpath(aim, posixpath.dirname(there) or ".")

    return LINK.sub(turned, text)


def _indented(text: str) -> str:
    """The text with what belongs to a numbered line indented by four: with three, as GitHub has it, Python's
    Markdown ends the list.
    """
    lines, inside = [], False
    for line in text.splitlines():
        if re.match(r"\d\. ", line):
            inside = True
        elif line.strip() and not line.startswith("   "):
            inside = False
        lines.append(f" {line}" if inside and line.startswith("   ") else line)
    return "\n".join(lines) + "\n"


def _without_code(text: str) -> str:
    return CODE.sub("", text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def navigation(nav: list, there: list[str]) -> list:
    """The order of the pages with its patterns filled in: by name, without those that are named elsewhere."""
    named = _named(nav)
    return _filled(nav, [page for page in there if page not in named])


def _filled(nav: list, unnamed: list[str]) -> list:
    filled: list = []
    for entry in nav:
        if isinstance(entry, dict):
            filled += [
                {title: _filled(inner, unnamed) if isinstance(inner, list) else inner}
                for title, inner in entry.items()
            ]
        elif "*" in entry:
            filled += [p for p in unnamed if fnmatch(p, entry) and p.count("/") == entry.count("/")]
        else:
            filled.append(entry)
    return filled


def _named(nav: list) -> list[str]:
    found: list[str] = []
    for entry in nav:
        if isinstance(entry, dict):
            for inner in entry.values():
                found += _named(inner) if isinstance(inner, list) else [inner]
        else:
            found.append(entry)
    return found


def misplaced() -> list[str]:
    """What is wrong with the order of the pages, one line each."""
    there = list(pages())
    nav = _named(navigation(tomllib.loads(CONFIG.read_text("utf-8"))["project"]["nav"], there))
    return [
        *(f"{page} is in no part of docs/site.toml" for page in there if page not in nav),
        *(f"docs/site.toml names {page}, which is not there" for page in nav if page not in there),
        *(f"docs/site.toml names {page} twice" for page in sorted({p for p in nav if nav.count(p) > 1})),
    ]


def as_toml(value: object) -> str:
    """A list of pages as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{as_toml(key)} = {as_toml(inner)}" for key, inner in value.items()) + " }"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def build(out: Path) -> int:
    """Build the site into `out`; returns Zensical's exit status, 1 for what it warns of."""
    work = ROOT / "build" / "docs"
    shutil.rmtree(work, ignore_errors=True)
    if wrong := misplaced():
        print("\n".join(wrong))
        return 1
    lay_out(work / "pages")
    text = CONFIG.read_text("utf-8")
    nav = navigation(tomllib.loads(text)["project"]["nav"], list(pages()))
    places = f'docs_dir = "pages"\nsite_dir = "site"\nnav = {as_toml(nav)}\n'
    text = re.sub(r"^nav = \[.*?^\]\n", lambda _: places, text, flags=re.MULTILINE | re.DOTALL)
    (work / "zensical.toml").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=work, check=False
    )
    if done.returncode == 0:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(work / "site", out)
        print(f"Site:      {out / 'index.html'}")
    return done.returncode


def main() -> int:
    """Build; the exit status says whether everything leads somewhere."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-o", "--out", type=Path, default=ROOT / "build" / "site")
    try:
        return build(options.parse_args().out)
    except ValueError as fault:
        print(fault)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""What was typed into a platform's text field, and shortcuts: shown to a person, read by no check.

A link in it says where the work may lie. Nothing is fetched; while a part of the work is missing, the part
may lie behind the link, and nobody says that it was not handed in.
"""

import html
import re
from html.parser import HTMLParser
from pathlib import PurePosixPath

SHOWN = 400
"""Characters of a typed text that are shown."""
_LONG = 400
"""Characters from which a typed text may itself be the README."""
_LINK = re.compile(r"(?:https?://|www\.)[^\s\"'<>()\[\]{}|\\^`]+", re.IGNORECASE)
_BLACKBOARD = re.compile(r"^(?:Submission Field|Comments):[ \t]*$", re.MULTILINE)
_FIELD = re.compile(
    r"^(?:Submission Field|Comments):[ \t]*\n(?P<text>.*?)(?=^(?:Submission Field|Comments|Files):|\Z)",
    re.MULTILINE | re.DOTALL,
)
_NOTHING = re.compile(r"There (?:is|are) no student (?:submission text data|comments) for this assignment\.")
"""The text file that Blackboard writes beside each attempt: only its fields are the student's."""
_SHORTCUTS = frozenset((".url", ".webloc", ".desktop", ".lnk", ".gdoc", ".gsheet", ".gslides", ".gdrive"))
_BREAKS = frozenset(("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "pre"))
_WORK = re.compile(
    r"github\.|gitlab|bitbucket|codeberg|gitea|colab\.research|drive\.google|docs\.google|sheets\.google"
    r"|onedrive|1drv\.ms|sharepoint|dropbox|kaggle|huggingface|deepnote|nbviewer|mybinder|paperspace|box\.com"
    r"|wetransfer|nextcloud|owncloud|mega\.nz|cloud|icloud|notion\.|\.ipynb|\.zip|\.xlsx|\bgit\.",
    re.IGNORECASE,
)
"""Addresses behind which a hand-in may lie; documentation and papers are none."""


class _Text(HTMLParser):
    """Collects the text of a page and the addresses that it links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.links: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links; begin a line where a block begins."""
        self._hidden += tag in ("script", "style")
        if tag in _BREAKS:
            self.text.append("\n")
        self.links += [value for name, value in attrs if name in ("href", "src") and value and "://" in value]

    def handle_endtag(self, tag: str) -> None:
        """End a hidden part."""
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        """Take what a reader sees."""
        if not self._hidden:
            self.text.append(data)


def is_shortcut(path: str) -> bool:
    """Whether a file is no more than a link: `.url`, `.webloc`, a stub of Google Drive."""
    return PurePosixPath(path).suffix.lower() in _SHORTCUTS


def plain_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text of a page or a plain text on one line, and the links in it, each once."""
    raw = data[: 2**20].decode("utf-8-sig", "replace").replace("\0", "")
    raw = raw.replace("\r\n", "\n")
    if _BLACKBOARD.search(raw) and "Name:" in raw[:200]:
        raw = _NOTHING.sub("", "\n".join(_FIELD.findall(raw))).strip()
    parser = _Text()
    if re.search(r"<\s*(?:html|body|p|div|br|a|span|meta|!doctype)\b", raw, re.IGNORECASE):
        parser.feed(raw)
        parser.close()
        text = "".join(parser.text)
    else:
        text = html.unescape(raw)
    found = [*parser.links, *(m.rstrip(".,;:!?") for m in _LINK.findall(text))]
    return " ".join(text.split()), tuple(dict.fromkeys(found))


def told(platform: str, text: str, links: tuple[str, ...]) -> str:
    """Return the sentence that a person reads about a typed text."""
    quoted = text[:SHOWN] + ("…" if len(text) > SHOWN else "")
    said = f"typed into {platform}: “{quoted}”" if quoted else f"nothing was typed into {platform}"
    further = [link for link in links if link not in quoted]
    return f"{said} (links: {', '.join(further[:10])})" if further else said


def may_be_the_work(text: str, links: tuple[str, ...]) -> bool:
    """Whether the work, or a part of it, may be behind a link or be the text itself."""
    return any(_WORK.search(link) for link in links) or len(text) >= _LONG or bool(re.search(r"[∂=]", text))


def only_links(data: bytes) -> bool:
    """Whether a text is a pointer to work that lies elsewhere, and hardly more."""
    if len(data) > 4000:
        return False
    text, links = plain_text(data)
    rest = re.sub(r"\W+", " ", _LINK.sub(" ", text)).strip()
    return any(_WORK.search(link) for link in links) and len(rest) <= 300

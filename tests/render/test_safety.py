"""What a student submits never becomes live on a page: held by the pages themselves and by how they are
made.
"""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from grader.core.report import Report
from grader.render import class_page, student_page
from grader.render.class_rows import ClassRow, Head, Similar, SimilarGroup
from grader.render.html import environment
from grader.render.markdown import render_markdown
from grader.render.student_parts import Agreement, Claim
from tests.render.samples import HOSTILE, bare, everyone, mixed, rows_from

RENDER = Path(student_page.__file__).parent
MAY_MAKE_HTML = {
    "escape.py",
    "figures.py",
    "difference.py",
    "highlight.py",
    "gutter.py",
    "markdown.py",
    "html.py",
    "student_parts.py",
    "svg.py",
    "formulas.py",
}
VOID = {"meta", "br", "hr", "img", "input", "rect", "line", "path", "polyline"}
ATTRIBUTES = {
    "aria-hidden", "aria-label", "aria-labelledby", "autocomplete", "charset", "class", "colspan", "content", "data-label", "data-state", "data-value", "dir",
    "focusable", "form", "height", "hidden", "href", "http-equiv", "id", "lang", "name", "open", "preserveaspectratio", "readonly", "role", "rows", "rowspan", "rx", "scope",
    "tabindex", "title", "type", "value", "viewbox", "width", "x",
}  # fmt: skip


class Page(HTMLParser):
    """Tags, attributes and the content of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.raw: dict[str, str] = {}
        self.balance: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.balance.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.balance.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.balance and self.balance[-1] in ("style", "script"):
            self.raw[self.balance[-1]] = data


HEAD = Head(rubric=HOSTILE, run="1", graded=HOSTILE, exports=((HOSTILE, HOSTILE),), commands=(HOSTILE,))
SIMILAR = SimilarGroup(
    caption=HOSTILE,
    members=(
        Similar(names=(HOSTILE,), what=HOSTILE, how=HOSTILE, passages=(((HOSTILE, HOSTILE), HOSTILE),)),
    ),
)


def class_of_everyone() -> str:
    rows = [*rows_from(everyone()), ClassRow.ungraded("bad", HOSTILE, HOSTILE)]
    return class_page.render(rows, HOSTILE, head=HEAD, similar=(SIMILAR,), note=HOSTILE)


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("sample", everyone(), ids=lambda r: r.submission.slug)
def test_student_page_holds_only_what_we_put_there(sample: Report) -> None:
    claim = Claim(what=HOSTILE, readme=HOSTILE, code=HOSTILE, log=HOSTILE, ours=HOSTILE, agrees=Agreement.NO)
    page = Page(student_page.render(sample, claims=(claim,), guides={"RD701": HOSTILE}))
    assert page.balance == []
    assert page.tags.count("script") <= 1
    assert not {"img", "iframe", "object", "embed", "form", "link", "base", "input"} & set(page.tags)
    assert page.tags.count("style") == 1
    assert page.tags.count("title") == 1
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")


def test_every_link_of_a_page_has_its_target() -> None:
    for sample in everyone():
        page = Page(student_page.render(sample, guides={"BP101": "A guide"}))
        ids = [value for name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        assert {value[1:] for name, value in page.attributes if name == "href"} <= set(ids)


def test_policy_allows_the_style_and_nothing_else() -> None:
    page = Page(student_page.render(bare()))
    policy = dict(page.attributes)["content"]
    policy = next(v for n, v in page.attributes if n == "content" and "default-src" in v)
    assert policy.startswith(f"default-src 'none'; style-src {hash_of(page.raw['style'])}; img-src data:")
    assert "script-src" not in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'none'" in policy


def test_student_page_runs_its_one_script_by_hash_where_there_is_something_to_step_through() -> None:
    page = Page(student_page.render(mixed()))
    assert page.tags.count("script") == 1
    policy = next(v for n, v in page.attributes if n == "content" and "default-src" in v)
    assert f"script-src {hash_of(page.raw['script'])};" in policy
    assert page.raw["script"] == (RENDER / "steps.js").read_text(encoding="utf-8")


def test_class_page_runs_its_one_script_by_hash() -> None:
    page = Page(class_of_everyone())
    assert page.balance == []
    assert page.tags.count("script") == 1
    policy = next(v for n, v in page.attributes if n == "content" and "default-src" in v)
    assert f"script-src {hash_of(page.raw['script'])};" in policy
    assert page.raw["script"] == (RENDER / "class_table.js").read_text(encoding="utf-8")
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert not [
        v for n, v in page.attributes if n == "href" and re.match(r"(?i)\s*(javascript|data|https?):", v)
    ]


def test_links_of_the_class_page_cannot_carry_a_scheme() -> None:
    row = ClassRow(slug="x", id="x", verdict="pass", link='javascript:alert(1)//"><script>')
    page = Page(class_page.render([row]))
    links = [v for n, v in page.attributes if n == "href" and not v.startswith("#")]
    assert links == ["javascript%3Aalert%281%29//%22%3E%3Cscript%3E"]


def test_style_cannot_be_closed_from_within() -> None:
    assert "</" not in (RENDER / "style.css").read_text(encoding="utf-8")
    for script in ("class_table.js", "steps.js"):
        assert "</" not in (RENDER / script).read_text(encoding="utf-8")


def test_markdown_of_check_pages_is_sanitised() -> None:
    html = render_markdown(
        "# T\n\n<script>x</script>\n\n[a](javascript:alert(1)) [b](https://pytorch.org/) "
        "![i](https://evil.example/x.png)\n\n`c` *d*"
    )
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://pytorch.org/" rel="noopener noreferrer nofollow">b</a>' in html
    assert "<h4>T</h4>" in html


def test_unknown_name_in_a_template_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()


def test_no_template_or_module_switches_escaping_off() -> None:
    for path in sorted(RENDER.rglob("*")):
        if path.suffix not in (".py", ".j2"):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|autoescape=False", text), path.name
        if path.suffix == ".py" and path.name not in MAY_MAKE_HTML:
            assert not re.search(r"\b(SafeHtml|Markup)\(", text), f"{path.name} makes HTML of its own"

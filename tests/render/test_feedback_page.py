"""`jupyter nbconvert --to grader`: one page by nbconvert's entry point, as safe and about as small as ours."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from grader.extract.documents.own_cells import is_ours
from grader.render.feedback.feedback_page import page
from grader.render.feedback.notebook_copy import annotated
from tests.extract.test_notebook_view import code, notebook, shown, stream
from tests.render.samples import HOSTILE
from tests.render.test_feedback_notebook import told
from tests.render.test_notebook_page import encoded, png
from tests.render.test_safety import ATTRIBUTES, Page

ROOT = Path(__file__).parents[2]
NOTEBOOK = notebook(
    {"cell_type": "markdown", "metadata": {}, "id": "a", "source": f"{HOSTILE} ![x](https://evil.example/x.png) [l](javascript:alert(1))"},
    {**code(stream(HOSTILE), shown(image_png=encoded(png())), shown(text_html=f"<table><tr><td>{HOSTILE}</td></tr></table>"), source=f'"""{HOSTILE}"""'), "id": "b"},
    {**code(shown(image_svg__xml="<svg/>"), source="c"), "id": "c"},
)  # fmt: skip
FEEDBACK = annotated(
    NOTEBOOK, (told(None, HOSTILE), told(2, HOSTILE), told(3, "$x$ ``` ![i](http://evil.example)"))
).data


def held(html: str) -> None:
    """What every page of ours keeps: a policy that loads nothing, and nothing alive."""
    parsed = Page(html)
    policy = dict(re.findall(r'<meta http-equiv="(Content-Security-Policy)" content="([^"]*)"', html))
    assert policy["Content-Security-Policy"].startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert not {"script", "iframe", "object", "embed", "form", "link", "base", "svg", "math"} & set(
        parsed.tags
    )
    assert not [name for name, _ in parsed.attributes if name not in ATTRIBUTES | {"src", "alt"}]
    assert not [
        v for name, v in parsed.attributes if name == "src" and not v.startswith("data:image/png;base64,")
    ]
    assert not [v for name, v in parsed.attributes if name == "href" and not v.startswith("#")]


def test_nothing_on_the_page_is_alive() -> None:
    html = page(FEEDBACK, "feedback.ipynb")
    held(html)
    assert html.count("evil.example") > 3, "the payloads are there, as text"
    assert html.index("grader: TR501") < html.index('id="cell-2"')
    assert html.count('id="cell-') == 3
    assert len(html) < 40_000


def test_a_notebook_without_findings_is_a_page_as_well() -> None:
    held(page(NOTEBOOK, HOSTILE))
    assert "This notebook" not in page(b'{"cells": [], "nbformat": 4}', "x")
    last = json.loads(FEEDBACK)
    last["cells"] += [cell for cell in last["cells"] if is_ours(cell)][-1:]
    html = page(json.dumps(last).encode(), "x")
    assert html.rindex("grader: TR501") > html.index('id="cell-3"'), "a cell of ours may stand at the end"


@pytest.mark.slow
def test_nbconvert_finds_the_exporter_and_opens_the_copy(tmp_path: Path) -> None:
    pytest.importorskip("nbconvert", reason="the extra `feedback` brings it")
    if not entry_points(group="nbconvert.exporters", name="grader"):
        pytest.fail("this environment was made before the entry point: pip install -e .")
    (tmp_path / "feedback.ipynb").write_bytes(FEEDBACK)
    for form, out in (("grader", "ours"), ("html", "theirs")):
        words = [sys.executable, "-m", "nbconvert", "--to", form, "--output", out, "feedback.ipynb"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-2_000:]
    ours, theirs = ((tmp_path / f"{name}.html").read_text("utf-8") for name in ("ours", "theirs"))
    held(ours)
    assert ours == page(FEEDBACK, "feedback.ipynb")
    assert len(ours) < len(theirs) / 5
    assert "grader: TR501" in re.sub(r"<[^>]*>", "", theirs)


@pytest.mark.slow
def test_without_the_extra_it_says_how_to_get_it() -> None:
    script = (
        "import sys; sys.modules['nbconvert'] = None\n"
        "try:\n    import grader.render.feedback.exporter\nexcept ModuleNotFoundError as fault:\n    print(fault)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert "pip install 'backprop-mnist-grader[feedback]'" in done.stdout


@pytest.mark.slow
def test_nbconverts_own_page_keeps_our_cells_dead() -> None:
    """What `--to html` makes of the student's cells is nbconvert's; in ours it finds no markup and no
    mathematics.
    """
    nbconvert = pytest.importorskip("nbconvert.filters.markdown_mistune")
    for cell in json.loads(FEEDBACK)["cells"]:
        if is_ours(cell):
            html = nbconvert.markdown2html_mistune("".join(cell["source"]))
            assert set(re.findall(r"<(\w+)", html)) <= {"p", "strong", "pre", "code", "div", "span", "bdi"}, (
                html
            )
            outside = re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)
            assert not re.search(r"[$\\]|evil", outside)

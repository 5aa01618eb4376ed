"""The page of a notebook and of a README: what they say (golden), that nothing on them is alive, and that no
file makes them large or slow.
"""

import base64
import json
import re
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from PIL import Image, PngImagePlugin

from grader.extract.documents.notebook_view import read_saved
from grader.render.files import notebook_page, text_page
from grader.render.files.highlight import python
from grader.render.files.notebook_page import BYTES_ON_PAGE, OUTPUT_LIMIT, outputs_in_full
from grader.render.files.reencode_images import EDGE, redraw
from tests.extract.test_notebook_view import code, notebook, shown, stream
from tests.render.golden_files import assert_golden
from tests.render.samples import HOSTILE
from tests.render.test_safety import ATTRIBUTES, Page

ROOT = Path(__file__).parents[2]


def png(width: int = 40, height: int = 20, noise: bool = False) -> bytes:
    picture = Image.effect_noise((width, height), 90) if noise else Image.new("RGB", (width, height), "teal")
    out = BytesIO()
    hidden = PngImagePlugin.PngInfo()
    hidden.add_text("Comment", "<script>alert(1)</script>")
    picture.save(out, "PNG", pnginfo=hidden)
    return out.getvalue() + b"<script>alert(2)</script>"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def page(data: bytes, name: str = "S4.ipynb") -> str:
    return notebook_page.render(notebook_page.view(data, name), submission="someone", key="k")


EVERYTHING = notebook(
    {"cell_type": "markdown", "metadata": {}, "source": f"# Title\n\n{HOSTILE} "
                                        "![x](https://evil.example/x.png)\n\n[l](javascript:alert(1))"},
    code(stream(HOSTILE), stream("more"), stream(HOSTILE, "stderr"), source=f'"""{HOSTILE}"""\nx = 1'),
    code(shown(image_png=encoded(png())), shown(image_svg__xml="<svg/>"), shown(text_html=f"<table><tr><td>{HOSTILE}</td></tr></table>")),
    code(shown(image_png="AAAA"), stream("10%\r20%\r100%\n")),
    {"cell_type": "raw", "metadata": {}, "source": HOSTILE},
)  # fmt: skip


def test_what_the_page_of_a_notebook_says() -> None:
    data = (ROOT / "submissions" / "hostile" / "mnist.ipynb").read_bytes()
    tree = msgspec.to_builtins(notebook_page.view(data, "mnist.ipynb"))
    assert_golden("notebook-hostile.json", json.dumps(tree, indent=1, ensure_ascii=False) + "\n")


def test_what_the_page_of_a_readme_says() -> None:
    data = (ROOT / "submissions" / "mojibake" / "README.md").read_bytes()
    tree = msgspec.to_builtins(text_page.view(data, "README.md"))
    assert_golden("readme-mojibake.json", json.dumps(tree, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize(
    "name", ["everything", *sorted(p.parent.name for p in ROOT.glob("submissions/*/*.ipynb"))]
)
def test_notebook_page_holds_only_what_we_put_there(name: str) -> None:
    files = sorted((ROOT / "submissions" / name).glob("*.ipynb")) if name != "everything" else []
    for data in [f.read_bytes() for f in files] or [EVERYTHING]:
        found = Page(page(data, HOSTILE))
        assert found.balance == []
        assert not {"script", "iframe", "object", "embed", "form", "link", "base", "input", "svg"} & set(
            found.tags
        )
        assert {n for n, _ in found.attributes} <= ATTRIBUTES | {"src", "alt", "rel"}
        assert all(re.match(r"#|index\.html$", v) for n, v in found.attributes if n == "href" if v)
        assert all(v.startswith("data:image/png;base64,") for n, v in found.attributes if n == "src")
        ids = [v for n, v in found.attributes if n == "id"]
        assert len(ids) == len(set(ids))


def test_readme_page_holds_only_what_we_put_there() -> None:
    view = text_page.view(f"# T\n{HOSTILE}\n\nlast".encode(), HOSTILE)
    found = Page(text_page.render(view, submission=HOSTILE, key="k"))
    assert found.balance == []
    assert not {"script", "img", "a:"} & set(found.tags)
    assert [v for n, v in found.attributes if n == "id" and v.startswith("line-")] == [
        f"line-{n}" for n in (1, 2, 3, 4)
    ]


def test_cells_have_anchors_and_outputs_follow_them() -> None:
    html = page(EVERYTHING)
    assert (
        html.index('id="cell-1"')
        < html.index('id="cell-2"')
        < html.index("<img ")
        < html.index('id="cell-4"')
    )
    assert "[picture: x]" in html
    assert 'Left out: <bdi dir="auto">an SVG drawing</bdi>' in html
    assert "10%" not in html, "of a progress bar the last state stays"
    assert "100%" in html


def test_streams_of_a_loop_are_one_output() -> None:
    (cell,) = notebook_page.view(notebook(code(*[stream(f"{n}\n") for n in range(50)])), "x").cells
    assert [o.text for o in cell.outputs] == ["".join(f"{n}\n" for n in range(50))]


def test_pictures_are_drawn_again() -> None:
    raster = redraw(png())
    assert (raster.width, raster.height, raster.problem) == (40, 20, "")
    ours = base64.b64decode(raster.uri.partition(",")[2])
    assert b"script" not in ours
    assert Image.open(BytesIO(ours)).convert("RGB").getpixel((3, 3)) == (0, 128, 128)


def test_jpeg_and_transparency() -> None:
    out = BytesIO()
    Image.new("CMYK", (2_000, 10)).save(out, "JPEG")
    assert (redraw(out.getvalue()).width, redraw(out.getvalue()).problem) == (EDGE, "")
    out = BytesIO()
    Image.new("RGBA", (4, 4), (1, 2, 3, 0)).save(out, "PNG")
    ours = Image.open(BytesIO(base64.b64decode(redraw(out.getvalue()).uri.partition(",")[2])))
    assert ours.mode == "RGBA"


def bomb() -> bytes:
    """A header that promises 10^10 pixels."""
    out = BytesIO()
    Image.new("1", (1, 1)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    return bytes(data)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>", bomb(), png()[:60]], ids=lambda d: str(len(d))
)
def test_bytes_that_are_no_picture_cost_nothing(data: bytes) -> None:
    raster = redraw(data)
    assert raster.problem
    assert not raster.uri


@pytest.mark.slow
def test_noise_is_made_small_and_pictures_have_an_end() -> None:
    raster = redraw(png(900, 900, noise=True))
    assert 0 < len(raster.uri) < 600_000
    noise = encoded(png(500, 500, noise=True))
    many = notebook(*[code(shown(image_png=noise)) for _ in range(45)])
    view = notebook_page.view(many, "x")
    drawn = [o.picture for c in view.cells for o in c.outputs if o.picture]
    assert sum(len(p.uri) for p in drawn) <= BYTES_ON_PAGE
    assert any("no more of them" in o.left_out for c in view.cells for o in c.outputs)


def test_long_output_loses_its_middle_and_stands_beside_in_full() -> None:
    text = "".join(f"line {n}\n" for n in range(20_000))
    data = notebook(code(stream(text + "\x1b]0;title\x07\u202eend")))
    view = notebook_page.view(data, "x")
    assert view.cut
    html = notebook_page.render(view, submission="s", whole="notebook.txt")
    assert 'href="notebook.txt"' in html
    assert f"{len(text) - OUTPUT_LIMIT + 4:,} characters left out" in html
    full = outputs_in_full(read_saved(data, "x"), "x")
    assert all(f"line {n}\n" in full for n in (0, 10_000, 19_999))
    assert "[U+202E]end" in full
    tags = "\U000e0041" * 500
    assert outputs_in_full(read_saved(notebook(code(stream(tags))), "x"), "x").count("[U+E0041]") == 500
    assert "\x1b" not in full


@pytest.mark.parametrize("line", ["\u200b" * 3_999, "<", "", "\u65e5" * 50, "x" * 100_000])
@pytest.mark.slow
def test_a_readme_of_any_size_is_a_small_page(line: str) -> None:
    """A README of 48 MB that nobody can see took a minute and made a page of 900 MB."""
    view = text_page.view((f"{line}\n" * (4_000_000 // len(f"{line}\n"))).encode(), "README.md")
    assert view.lines
    assert len(view.lines) + view.left_out == 4_000_000 // len(f"{line}\n") + 1
    assert len(text_page.render(view, submission="s").encode()) < 400_000


def test_what_nobody_can_see_counts_as_it_is_written() -> None:
    unseen = [code(source="\u200b" * 39_000)] * 20 + [code(stream("\u200b" * 8_000))] * 20
    view = notebook_page.view(notebook(*unseen), "S4.ipynb")
    assert any(cell.omitted for cell in view.cells)
    assert len(notebook_page.render(view, submission="s").encode()) < 400_000


def test_colours_count_too() -> None:
    view = notebook_page.view(notebook(*[code(source="1," * 9_000)] * 60), "S4.ipynb")
    assert len(notebook_page.render(view, submission="s").encode()) < 400_000


def test_hostile_size_stays_a_page() -> None:
    data = notebook(*[code(stream("y" * 9_000), source='"' * 30_000) for _ in range(60)])
    view = notebook_page.view(data, "x")
    assert view.left_out + sum(bool(cell.omitted) for cell in view.cells) > 40
    assert len(notebook_page.render(view, submission="s")) < 400_000


@pytest.mark.parametrize(
    "source", ["x = 1", "", "%%time\n!pip install x\n", "def f(:\n  '''", "a\tb\r", "\ufeffx", "\u202e# x"]
)
def test_colours_change_no_text(source: str) -> None:
    text = re.sub(r'<span class="hid"[^>]*>[^<]*</span>', "", python(source))
    bare = re.sub(r"<[^>]+>", "", text)
    want = re.sub(r"[\r\ufeff\u202e]", "", source).replace("'", "&#x27;")
    assert bare == want + "\n"


def test_line_numbers_count_lines_of_the_source() -> None:
    assert python('"""a\nb"""\nx').count('<span class="l">') == 3

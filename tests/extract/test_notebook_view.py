"""Notebooks for looking at: order of outputs, pictures as bytes, everything else named."""

import base64
import json

from grader.core.evidence.notebook import Channel
from grader.extract.documents.notebook_view import MAX_OUTPUTS, read_saved

PNG = base64.b64encode(b"\x89PNG not opened here").decode()


def notebook(*cells: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()


def code(*outputs: object, source: str = "x") -> dict[str, object]:
    return {
        "cell_type": "code",
        "source": source,
        "outputs": list(outputs),
        "execution_count": 3,
        "metadata": {},
    }


def stream(text: str, name: str = "stdout") -> dict[str, object]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: object) -> dict[str, object]:
    media = {name.replace("__", "+").replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "display_data", "data": media, "metadata": {}}


def test_outputs_keep_their_order_and_pictures_their_bytes() -> None:
    (cell,) = read_saved(
        notebook(code(stream("one\n"), shown(image_png=PNG, text_plain="<Figure>"), stream("two\n"))),
        "S4.ipynb",
    ).cells
    assert [(o.text, o.picture) for o in cell.outputs] == [
        ("one\n", b""),
        ("", b"\x89PNG not opened here"),
        ("two\n", b""),
    ]


def test_what_is_alive_is_named_and_left_out() -> None:
    (cell,) = read_saved(
        notebook(
            code(
                shown(image_svg__xml="<svg onload=x>"),
                shown(application_javascript="alert(1)"),
                shown(text_html="<b>1</b>", text_plain="<IPython.core.display.HTML object>"),
                shown(image_webp="xxxx"),
            )
        ),
        "S4.ipynb",
    ).cells
    assert [o.left_out for o in cell.outputs] == [
        "an SVG drawing",
        "a script",
        "HTML",
        "a picture that cannot be read",
    ]
    assert not any(o.text or o.picture for o in cell.outputs)


def test_html_table_is_text() -> None:
    html = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    (cell,) = read_saved(notebook(code(shown(text_html=html, text_plain="   a  b"))), "S4.ipynb").cells
    assert cell.outputs[0].text == "a | b\n1 | 2"


def test_escape_sequences_are_gone_and_channels_kept() -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE\x1b[0m: v"]}
    (cell,) = read_saved(notebook(code(stream("warn", "stderr"), error)), "S4.ipynb").cells
    assert [(o.channel, o.text) for o in cell.outputs] == [(Channel.STDERR, "warn"), (Channel.ERROR, "E: v")]


def test_pictures_in_markdown_become_attachments() -> None:
    cell = {
        "cell_type": "markdown",
        "metadata": {},
        "source": f"see ![plot](data:image/png;base64,{PNG}) and ![svg](data:image/svg+xml;base64,AAAA)",
        "attachments": {"a.png": {"image/png": PNG}, "bad": 7},
    }
    (found,) = read_saved(notebook(cell), "S4.ipynb").cells
    assert [name for name, _ in found.attached] == ["a.png", "pasted-2"]
    assert found.cell.source == "see ![plot](pasted-2) and ![svg](left-out)"


def test_no_number_of_outputs_is_too_many() -> None:
    (cell,) = read_saved(notebook(code(*[stream("x")] * (MAX_OUTPUTS + 7))), "S4.ipynb").cells
    assert cell.outputs[-1].left_out == "7 more outputs"


def test_any_json_gives_cells_or_a_reason() -> None:
    odd = notebook(7, {"cell_type": "code", "outputs": "no"}, {"cell_type": [], "outputs": [1, None, {}]})
    assert [len(c.outputs) for c in read_saved(odd, "S4.ipynb").cells] == [0, 0, 0]
    assert "not a notebook" in read_saved(b"<html>", "S4.ipynb").notebook.problem
    assert read_saved(b"", "S4.ipynb").cells == ()

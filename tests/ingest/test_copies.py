"""A copy with findings that grader gave back is no hand-in beside the file that it was made from."""

import io
import json

import openpyxl

from grader.ingest.read import from_bytes

TRAINS = (
    "class Net(nn.Module): pass  # MNIST BatchNorm2d Dropout AvgPool2d\nloss.backward()\noptimizer.step()"
)


def _notebook(code: str, own: bool = False) -> bytes:
    cell = {"cell_type": "code", "source": code, "outputs": [], "metadata": {}, "execution_count": 1}
    note = {"cell_type": "markdown", "source": "a finding", "metadata": {}}
    cells = [note, cell] if own else [cell]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def _workbook(*words: str) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row, word in enumerate(words, 1):
        book.active.cell(row, 1, word)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _main(files: dict[str, bytes]) -> tuple[list[str], tuple[str, ...]]:
    read = from_bytes("s", files)
    return [a.path for a in read.submission.artefacts if a.main], read.submission.doubts


def test_a_copy_of_the_same_code_is_left_aside_without_a_word() -> None:
    main, doubts = _main({"feedback.ipynb": _notebook(TRAINS, own=True), "work.ipynb": _notebook(TRAINS)})
    assert main == ["work.ipynb"]
    assert doubts == ()


def test_a_copy_that_was_worked_on_is_left_aside_and_told() -> None:
    richer = _notebook(TRAINS + "\n# Test set: Average loss; Accuracy; Total params; torchsummary", own=True)
    main, doubts = _main({"feedback-2.ipynb": richer, "work.ipynb": _notebook(TRAINS)})
    assert main == ["work.ipynb"]
    assert doubts == ("work.ipynb was taken; feedback-2.ipynb is named like a copy that grader gave back",)


def test_a_copy_of_a_workbook_with_more_in_it_is_not_taken_for_the_workbook() -> None:
    sheet = ("w1", "w2", "a_h1", "E_total")
    main, doubts = _main(
        {"feedback.xlsx": _workbook(*sheet, "a_h2", "a_o1", "E1"), "sweep.xlsx": _workbook(*sheet)}
    )
    assert main == ["sweep.xlsx"]
    assert doubts == ("sweep.xlsx was taken; feedback.xlsx is named like a copy that grader gave back",)


def test_a_copy_that_stands_alone_is_the_hand_in() -> None:
    main, doubts = _main(
        {"feedback.ipynb": _notebook(TRAINS, own=True), "feedback.xlsx": _workbook("w1", "a_h1")}
    )
    assert main == ["feedback.ipynb", "feedback.xlsx"]
    assert doubts == ()


def test_a_notebook_called_feedback_something_else_is_no_copy() -> None:
    main, _ = _main(
        {"feedback_loop.ipynb": _notebook(TRAINS + "\n# Test set: Accuracy"), "b.ipynb": _notebook("pass")}
    )
    assert main == ["feedback_loop.ipynb"]

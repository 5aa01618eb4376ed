"""Model summaries: torchsummary, torchinfo, Keras and typed tables, and counts that hand-written code
prints.
"""

import json

import pytest

from grader.core.evidence.summaries import Style, Sum, SummaryEvidence
from grader.extract.documents.documents import read_documents
from grader.extract.logs.model_summary import read_summaries
from grader.ingest.read import from_bytes

TORCHSUMMARY = """----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, 8, 26, 26]              80
       BatchNorm2d-2            [-1, 8, 26, 26]              16
AdaptiveAvgPool2d-3               [-1, 8, 1, 1]               0
            Linear-4                   [-1, 10]              90
================================================================
Total params: 186
Trainable params: 186
Non-trainable params: 0
----------------------------------------------------------------
Params size (MB): 0.05
"""
TORCHINFO = """==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Net                                      [1, 10]                   --
├─Sequential: 1-1                        [1, 8, 26, 26]            --
│    └─Conv2d: 2-1                       [1, 8, 26, 26]            80
│    └─BatchNorm2d: 2-2                  [1, 8, 26, 26]            16
├─ReLU: 1-2                              [1, 8, 26, 26]            --
├─Conv2d: 1-3                            [1, 8, 26, 26]            (recursive)
├─Linear: 1-4                            [1, 10]                   1,090
==========================================================================================
Total params: 1,186
Trainable params: 1,186
Non-trainable params: 0
Total mult-adds (M): 0.05
"""
KERAS_2 = """Model: "sequential_1"
_________________________________________________________________
Layer (type)                 Output Shape              Param #
=================================================================
conv2d_1 (Conv2D)            (None, 26, 26, 10)        100
_________________________________________________________________
batch_normalization_1 (Batch (None, 26, 26, 10)        40
_________________________________________________________________
dense_1 (Dense)              (None, 10)                67,610
=================================================================
Total params: 67,750
Trainable params: 67,730
Non-trainable params: 20
"""
KERAS_3 = """┏━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓
┃ Layer (type)      ┃ Output Shape       ┃   Param # ┃
┡━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩
│ conv2d (Conv2D)   │ (None, 26, 26, 10) │       100 │
├───────────────────┼────────────────────┼───────────┤
│ dense (Dense)     │ (None, 10)         │    67,610 │
└───────────────────┴────────────────────┴───────────┘
 Total params: 135,422 (528.99 KB)
 Trainable params: 67,710 (264.49 KB)
 Non-trainable params: 0 (0.00 B)
 Optimizer params: 67,712 (264.50 KB)
"""
TYPED = """| Layer (type) | Output Shape | Param # |
|---|---|---|
| Conv2d-1 | [-1, 8, 26, 26] | 80 |
| Linear-2 | [-1, 10] | 1,090 |

| Total params | 1,170 |
"""


def found(output: str = "", readme: str = "", source: str = "summary(model)") -> SummaryEvidence:
    files: dict[str, bytes] = {}
    if output:
        cell = {
            "cell_type": "code",
            "source": source,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": output}],
        }
        files["S4.ipynb"] = json.dumps(
            {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
        ).encode()
    if readme:
        files["README.md"] = readme.encode()
    return read_summaries(read_documents(from_bytes("s", files)))


@pytest.mark.parametrize(
    ("text", "style", "rows", "total"),
    [
        (TORCHSUMMARY, Style.TORCHSUMMARY, 4, 186),
        (TORCHINFO, Style.TORCHINFO, 7, 1186),
        (KERAS_2, Style.KERAS, 3, 67750),
        (KERAS_3, Style.KERAS, 2, 135422),
    ],
)
def test_styles(text: str, style: Style, rows: int, total: int) -> None:
    (table,) = found(text).summaries
    assert (table.style, len(table.rows), table.total, table.sums_up) == (style, rows, total, Sum.EQUAL)
    assert table.saved


WIDE = """==========================================================================================================================
Layer (type:depth-idx)        Input Shape          Kernel Shape         Output Shape         Param #         Param %
==========================================================================================================================
Net                           [64, 1, 28, 28]      --                   [64, 10]             --                   --
├─Sequential: 1-1             [64, 1, 28, 28]      --                   [64, 10, 14, 14]     --                   --
│    └─Conv2d: 2-1            [64, 1, 28, 28]      [3, 3]               [64, 10, 28, 28]     90               81.82%
│    └─BatchNorm2d: 2-2       [64, 10, 28, 28]     --                   [64, 10, 28, 28]     20               18.18%
│    └─MaxPool2d: 2-3         [64, 10, 28, 28]     2                    [64, 10, 14, 14]     --                   --
├─AdaptiveAvgPool2d: 1-2      [64, 10, 14, 14]     --                   [64, 10, 1, 1]       --                   --
==========================================================================================================================
Total params: 110
Trainable params: 110
Non-trainable params: 0
"""


def test_torchinfo_prints_the_columns_that_it_is_asked_for() -> None:
    (table,) = found(WIDE).summaries
    assert (table.row_sum, table.sums_up) == (110, Sum.EQUAL)
    assert [r.shape for r in table.rows][2:] == [(10, 28, 28), (10, 28, 28), (10, 14, 14), (10, 1, 1)]
    assert [r.params for r in table.rows] == [None, None, 90, 20, None, None]


BARE = """=================================================================
Layer (type:depth-idx)                   Param #
=================================================================
Net                                      72
├─Sequential: 1-1                        --
│    └─Conv2d: 2-1                       80
│    └─BatchNorm2d: 2-2                  (16)
├─Conv2d: 1-2                            584
├─Conv2d: 1-3                            (recursive)
├─Linear: 1-4                            90
=================================================================
Total params: 842
Trainable params: 826
Non-trainable params: 16
"""


def test_torchinfo_without_shapes() -> None:
    (table,) = found(BARE).summaries
    assert [r.params for r in table.rows] == [72, None, 80, 16, 584, None, 90]
    assert (table.row_sum, table.sums_up) == (842, Sum.EQUAL)


def test_a_torchinfo_row_that_ran_together_counts_no_extent_of_a_shape() -> None:
    (table,) = found(
        WIDE.replace("[64, 1, 28, 28]      [3, 3]               [64", "[64, 1, 28, 28] [3, 3] [64")
    ).summaries
    assert table.sums_up is Sum.EQUAL


def test_rows_carry_type_shape_and_place() -> None:
    (table,) = found(TORCHSUMMARY).summaries
    row = table.rows[0]
    assert (row.type, row.number, row.shape, row.params, str(row.place)) == (
        "Conv2d",
        1,
        (8, 26, 26),
        80,
        "S4.ipynb cell 1 line 4",
    )
    assert str(table.total_place) == "S4.ipynb cell 1 line 9"
    assert table.has("BatchNorm")
    assert not table.has("Dropout")


def test_typed_table() -> None:
    (table,) = found(readme="# Model\n" + TYPED).summaries
    assert (table.style, table.total, table.sums_up, table.saved) == (Style.TYPED, 1170, Sum.EQUAL, False)


@pytest.mark.parametrize(
    "dressed",
    [
        TORCHSUMMARY.replace(
            "            Conv2d-1            [-1, 8, 26, 26]              80",
            "#####  Conv2d-1  ------>  [-1, 8, 26, 26]   ------>   80  ------> 3",
        ),
        TORCHSUMMARY.replace("80\n", "80     28x28x1     26x26x8    3x3      3x3\n"),
        TORCHSUMMARY.replace("Total params: 186", "- Total params: 186"),
        "```\n" + TORCHSUMMARY + "```",
        "    " + TORCHSUMMARY.replace("\n", "\n    "),
    ],
)
def test_what_people_add_to_a_pasted_table(dressed: str) -> None:
    (table,) = found(readme=dressed).summaries
    assert (len(table.rows), table.row_sum, table.total) == (4, 186, 186)


def test_a_changed_total_is_different_and_a_missing_row_decides_nothing() -> None:
    assert found(TORCHSUMMARY.replace("186", "166")).summaries[0].sums_up is Sum.DIFFERENT
    without = "\n".join(t for t in TORCHSUMMARY.split("\n") if "BatchNorm" not in t)
    assert found(without).summaries[0].sums_up is Sum.UNDECIDED


def test_two_tables_in_one_output() -> None:
    assert [t.total for t in found(TORCHSUMMARY + TORCHINFO).summaries] == [186, 1186]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Total parameters: 9,482", 9482),
        ("📈 Total Parameters: 9,482\n", 9482),
        ("Number of trainable parameters: 12346", 12346),
        ("The model has 13,618 trainable parameters", 13618),
        ("Total params = 7_846", 7846),
    ],
)
def test_printed_counts(text: str, value: int) -> None:
    assert [c.value for c in found(text, source="print(count)").counts] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "Parameter limit: 20,000",
        "Total params < 20,000",
        "Params size (MB): 0.05",
        "Non-trainable params: 2,000",
    ],
)
def test_lines_that_count_nothing(text: str) -> None:
    assert found(text, source="print(count)").counts == ()


def test_saved_totals_leave_out_quotes() -> None:
    evidence = found(TORCHSUMMARY, readme=TORCHINFO)
    assert [total for total, _ in evidence.saved_totals] == [186]

"""Layouts and spellings of real sheets, rebuilt by hand: what is right must stay right, what is wrong must be
named.
"""

from __future__ import annotations

import io
import re

import msgspec
import openpyxl
import pytest

from grader.core.facts.replay import BookFacts, BookVerdict, Severity, State
from tests.execute.replay.sheets import AT, ETA, HEADER, NAMES, START, Edit, formula, replayed, workbook
from tests.generate.formulas import Defect
from tests.generate.workbook import BookSpec, make

FIRST, LAST = HEADER + 1, HEADER + 12


def every_row(change: str, old: str, new: str, first: int = FIRST) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for r in range(first, LAST + 1):
            cell = sheet[f"{AT[change]}{r}"]
            assert old.format(r=r, p=r - 1) in str(cell.value), cell.value
            cell.value = str(cell.value).replace(old.format(r=r, p=r - 1), new.format(r=r, p=r - 1))

    return edit


def edits(*parts: Edit) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        for part in parts:
            part(book)

    return edit


def headers(**renamed: str) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        for name, text in renamed.items():
            book.worksheets[0][f"{AT[name.replace('d_', '∂E/∂')]}{HEADER}"] = text

    return edit


def cells(**values: object) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        for address, value in values.items():
            book.worksheets[0][address] = value

    return edit


BY_SOURCE = headers(
    w2="w3", w3="w2", w6="w7", w7="w6", d_w2="∂E/∂w3", d_w3="∂E/∂w2", d_w6="∂E/∂w7", d_w7="∂E/∂w6"
)


def fails(data: bytes) -> list[tuple[str, str]]:
    return [(f.cells, f.diagnosis) for f in replayed(data).faults if f.severity is Severity.FAIL]


def test_a_right_book_is_correct_and_its_sweep_is_the_reference() -> None:
    book = replayed(workbook())
    assert book.verdict is BookVerdict.CORRECT
    assert book.faults == ()
    assert [one.eta for one in book.sweep] == [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]
    assert all(one.max_deviation < 1e-13 for one in book.sweep)
    assert [one.sources for one in book.sweep if one.eta == 0.5] == [("table Sheet1!W5:W16",)]
    table = book.tables[0]
    assert (table.header_row, table.first_column, table.iterations, table.eta, table.eta_cell) == (
        4,
        "A",
        12,
        0.5,
        "G2",
    )
    assert table.inputs == (0.05, 0.1)
    assert table.targets == (0.01, 0.99)


def right_layouts() -> dict[str, Edit]:
    def parameters_above(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for i, (name, value) in enumerate(START.items(), 1):
            sheet.cell(1, 10 + i, value)
            sheet[f"{AT[name]}{FIRST}"] = f"=${openpyxl.utils.get_column_letter(10 + i)}$1"
            for r in range(FIRST + 1, LAST + 1):
                if name[0] in "ti":
                    sheet[f"{AT[name]}{r}"] = f"=${openpyxl.utils.get_column_letter(10 + i)}$1"

    def one_target_for_both(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        sheet["A1"] = 0.5
        for r in range(FIRST, LAST + 1):
            sheet[f"A{r}"] = sheet[f"B{r}"] = "=$A$1"

    def rate_is_a_formula(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        sheet["G2"], sheet["B1"] = "=$B$1", 0.5

    def rate_in_another_sheet(book: openpyxl.Workbook) -> None:
        book.create_sheet("rates and more")["C3"] = 0.5
        book.worksheets[0]["G2"] = "='rates and more'!C3"

    def parameter_list_beside(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        sheet.insert_cols(1, 3)
        sheet.delete_cols(1, 3)
        sheet["AH4"], sheet["AI4"], sheet["AH5"], sheet["AI5"] = "i1", 0.05, "i2", 0.1

    def exp_twice(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            book.worksheets[0][f"J{r}"] = f"=EXP(I{r})/(1+EXP(I{r}))"
            book.worksheets[0][f"L{r}"] = f"=(1+EXP(-K{r}))^-1"
            book.worksheets[0][f"U{r}"] = f"=POW(A{r}-R{r};2)/2".replace(";", ",")

    def blank_rows(book: openpyxl.Workbook) -> None:
        book.worksheets[0][f"A{LAST + 3}"] = "the loss falls"

    def no_gradient_in_last_row(book: openpyxl.Workbook) -> None:
        for k in range(1, 9):
            book.worksheets[0][f"{AT[f'∂E/∂w{k}']}{LAST}"] = None

    def helper_columns(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            book.worksheets[0][f"AG{r}"] = f"=(R{r}-A{r})*R{r}*(1-R{r})"
            book.worksheets[0][f"AH{r}"] = f"=(T{r}-B{r})*T{r}*(1-T{r})"
            book.worksheets[0][f"AI{r}"] = f"=(AG{r}*N{r}+AH{r}*P{r})*L{r}*(1-L{r})"
            book.worksheets[0][f"Z{r}"] = f"=AI{r}*C{r}"
            book.worksheets[0][f"AA{r}"] = f"=AI{r}*D{r}"

    def half_in_the_total(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            for name in ("E1", "E2"):
                column = AT[name]
                book.worksheets[0][f"{column}{r}"] = str(book.worksheets[0][f"{column}{r}"].value).replace(
                    "0.5*", ""
                )
            book.worksheets[0][f"{AT['E_total']}{r}"] = f"=0.5*({AT['E1']}{r}+{AT['E2']}{r})"

    ways = {"class": "∂E∂W{k}", "cyrillic": "ӘE/Әw{k}", "latin": "ꝺE/ꝺw{k}", "italic": "𝟃E/𝟃w{k}", "total": "dE_total "
                                        "/ dw{k}",
            "words": "Etotaldw{k}", "small": "Edw{k}"}  # fmt: skip
    spelled = {
        f"gradients_{way}": headers(**{f"d_w{k}": text.format(k=k) for k in range(1, 9)})
        for way, text in ways.items()
    }
    return spelled | {
        "parameters_above": parameters_above,
        "one_target_for_both": one_target_for_both,
        "rate_is_a_formula": rate_is_a_formula,
        "rate_in_another_sheet": rate_in_another_sheet,
        "parameter_list_beside": parameter_list_beside,
        "exp_twice": exp_twice,
        "blank_rows": blank_rows,
        "no_gradient_in_last_row": no_gradient_in_last_row,
        "helper_columns": helper_columns,
        "formulas_as_headers": headers(h1="h1 = w1*i1 + w2*i2", a_h1="out_h1 = σ(h1)", E_total="E = E1+E2", a_o1="a_01"),
        "constant_formula": cells(A5="=0.01", B5="=0.99"),
        "typed_targets": every_row("E1", "(A{r}-", "(0.01-"),
        "typed_rate": lambda book: [
            every_row(f"w{k}", ETA, "0.5", FIRST + 1)(book) for k in range(1, 9)
        ] and None,
        "typed_rate_as_a_fraction": lambda book: [
            every_row(f"w{k}", ETA, "1/2", FIRST + 1)(book) for k in range(1, 9)
        ] and None,
        "typed_rate_as_a_percentage": lambda book: [
            every_row(f"w{k}", ETA, "50%", FIRST + 1)(book) for k in range(1, 9)
        ] and None,
        "headers_swapped_i": headers(i1="i2", i2="i1"),
        "header_doubled": headers(t2="i2"),
        "weights_by_source": BY_SOURCE,
        "weights_of_one_layer_by_source": headers(w6="w7", w7="w6", d_w6="∂E/∂w7", d_w7="∂E/∂w6"),
        "header_lost": headers(a_h2="helper"),
        "two_headers_exchanged": headers(E1="E2", E2="E1"),
        "text_numbers_nowhere": cells(B1="all values as in class"),
        "rounded_in_the_formula": every_row("a_h1", "=1/(1+EXP(-I{r}))", "=ROUND(1/(1+EXP(-I{r})),4)"),
        "half_in_the_total": half_in_the_total,
        "squares_by_function": every_row("E2", "=0.5*(B{r}-T{r})^2", "=SUMXMY2(B{r},T{r})/2"),
        "e_rounded_by_hand": every_row("a_h1", "EXP(-I{r})", "2.72^(-I{r})"),
        "e_by_hand": every_row("a_h1", "EXP(-I{r})", "2.718281828^(-I{r})"),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(right_layouts()))
def test_right_mathematics_is_never_accused(name: str) -> None:
    book = replayed(workbook(edit=right_layouts()[name]))
    assert [f for f in book.faults if f.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT


@pytest.mark.parametrize("factor", ["1.0000001", "0.9999", "1.00005", "(1+1E-8)"])
@pytest.mark.parametrize("name", ["∂E/∂w3", "a_o1", "E_total"])
def test_a_typed_factor_that_is_not_1_is_wrong(name: str, factor: str) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            cell = book.worksheets[0][f"{AT[name]}{r}"]
            cell.value = f"={factor}*({str(cell.value)[1:]})"

    book = replayed(workbook(edit=edit))
    assert {f.cells for f in book.faults if f.severity is Severity.FAIL} == {f"{AT[name]}5:{AT[name]}16"}


def wrong_layouts() -> dict[str, tuple[Edit, set[tuple[str, str]]]]:
    def drift_to_weights(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        sheet["G1"], sheet["G2"], sheet["G3"] = None, 0.5, 0.15
        for k in range(1, 9):
            every_row(f"w{k}", "$G$2", "$G$3", FIRST + 4)(book)

    def brackets_everywhere(book: openpyxl.Workbook) -> None:
        for a, h in (("a_h1", "I"), ("a_h2", "K"), ("a_o1", "Q"), ("a_o2", "S")):
            every_row(a, f"1/(1+EXP(-{h}{{r}}))", f"1/1+EXP(-{h}{{r}})")(book)

    def in_a_helper(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            book.worksheets[0][f"AG{r}"] = f"=J{r}*(1-J{r})"
            for column in ("Z", "AA"):
                text = str(book.worksheets[0][f"{column}{r}"].value)
                book.worksheets[0][f"{column}{r}"] = text.replace(f"L{r}*(1-L{r})", f"AG{r}")

    updates = ("E6:E16", "F6:F16", "G6:G16", "H6:H16", "M6:M16", "N6:N16", "O6:O16", "P6:P16")
    return {
        "two_faults": (edits(every_row("w4", "AA{p}", "Z{p}", FIRST + 1), every_row("w4", "$G$2", "$F$2", FIRST + 1)), {("H6:H16", "wrong-gradient-in-update"), ("H6:H16", "eta-drift")}),
        "products_for_differences": (edits(every_row("∂E/∂w1", "(R{r}-A{r})", "(R{r}*A{r})"), every_row("∂E/∂w1", "(T{r}-B{r})", "(T{r}*B{r})")), {("X5:X16", "times-for-minus")}),
        "sign_and_reference": (edits(every_row("o1", "+", "-"), every_row("o1", "M{r}", "O{r}")), {("Q5:Q16", "sign"), ("Q5:Q16", "wrong-weight")}),
        "class_error_in_a_helper": (in_a_helper, {("AG5:AG16", "inherited-class-error")}),
        "rate_drifts_later": (drift_to_weights, {(u.replace("6:", "9:"), "eta-drift") for u in updates}),
        "sigmoid": (brackets_everywhere, {(f"{c}5:{c}16", "brackets") for c in ("J", "L", "R", "T")}),
        "difference_of_losses": (every_row("E_total", "+", "-"), {("W5:W16", "sign")}),
        "two_weights": (edits(every_row("∂E/∂w3", "N{r}", "M{r}"), every_row("∂E/∂w3", "P{r}", "O{r}")), {("Z5:Z16", "wrong-references")}),
        "one_row_typed_wrong": (cells(Y8=0.25), {("Y8", "wrong-value")}),
        "input_changes": (cells(C9=0.5), {("C9", "changed-input")}),
        "update_of_another": (every_row("w4", "AA{p}", "Z{p}", FIRST + 1), {("H6:H16", "wrong-gradient-in-update")}),
        "text_in_the_way": (every_row("h1", "E{r}", "A$4"), {("I5:I16", "wrong-reference")}),
        "mid_column": (every_row("∂E/∂w8", "L{r}", "K{r}", FIRST + 6), {("AE11:AE16", "activation-confused")}),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(wrong_layouts()))
def test_wrong_cells_are_named(name: str) -> None:
    edit, expected = wrong_layouts()[name]
    data = workbook(edit=edit)
    assert set(fails(data)) == expected
    assert replayed(data).verdict is BookVerdict.WRONG


def test_a_book_of_values_is_unknown() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        for row in book.worksheets[0].iter_rows(min_row=FIRST, max_row=LAST):
            for cell in row:
                if isinstance(cell.value, str):
                    cell.value = None

    book = replayed(workbook(edit=edit))
    assert book.verdict is BookVerdict.UNKNOWN


def test_one_row_is_judged_by_its_formulas() -> None:
    book = replayed(workbook(rows=1))
    assert book.verdict is BookVerdict.CORRECT
    assert not book.tables[0].eta_known


def test_an_unknown_function_keeps_the_book_undecided() -> None:
    book = replayed(workbook(edit=every_row("h1", "=", "=LAMBDA_THING(1)*")))
    assert book.verdict is BookVerdict.UNKNOWN
    fault = next(f for f in book.faults if f.diagnosis == "not-evaluated")
    assert "LAMBDA_THING" in fault.message
    assert book.tables[0].state("h1") is State.UNRESOLVED


def test_a_wrong_header_is_one_note() -> None:
    book = replayed(workbook(edit=headers(t2="i2")))
    assert [(f.cells, f.diagnosis, f.severity) for f in book.faults] == [
        ("B4", "wrong-header", Severity.NOTE)
    ]


def test_losses_without_their_half_are_one_note_where_the_total_halves_them_and_wrong_where_it_does_not() -> (
    None
):
    halved = right_layouts()["half_in_the_total"]
    book = replayed(workbook(edit=halved))
    assert [(f.cells, f.diagnosis, f.severity) for f in book.faults] == [
        ("U4, V4", "losses-together", Severity.NOTE)
    ]
    assert book.tables[0].state("E_total") is State.RIGHT
    assert all(one.max_deviation < 1e-13 for one in book.sweep)
    never = edits(halved, every_row("E_total", "0.5*", ""))
    assert set(fails(workbook(edit=never))) == {("U5:U16", "extra-factor"), ("V5:V16", "extra-factor")}
    third = edits(halved, every_row("E_total", "0.5*", "0.25*"))
    assert {cells for cells, _ in fails(workbook(edit=third))} >= {"W5:W16"}
    one = edits(halved, every_row("E1", "=", "=0.5*"))
    assert {cells for cells, _ in fails(workbook(edit=one))} >= {"W5:W16"}


def test_weights_counted_by_their_source_are_one_note_a_layer_and_faults_name_them_so() -> None:
    book = replayed(workbook(edit=BY_SOURCE))
    assert [(f.cells, f.diagnosis, f.severity) for f in book.faults] == [
        ("F4, G4", "other-numbering", Severity.NOTE),
        ("N4, O4", "other-numbering", Severity.NOTE),
    ]
    table = book.tables[0]
    assert table.numbering == ("w2/w3", "w6/w7")
    assert table.weights == (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
    assert table.own_weights == (0.15, 0.25, 0.2, 0.3, 0.4, 0.5, 0.45, 0.55)
    wrong = replayed(workbook(edit=edits(BY_SOURCE, every_row("∂E/∂w2", "D{r}", "C{r}"))))
    fault = next(f for f in wrong.faults if f.severity is Severity.FAIL)
    assert (fault.cells, fault.quantity) == ("Y5:Y16", "dw3")
    assert "∂E/∂w3" in fault.message
    assert wrong.tables[0].state("dw3") is State.WRONG
    assert wrong.tables[0].state("dw2") is State.RIGHT


def test_sums_alone_counted_otherwise_stay_wrong() -> None:
    swapped = edits(every_row("h1", "F{r}", "G{r}"), every_row("h2", "G{r}", "F{r}"))
    assert set(fails(workbook(edit=swapped))) == {
        ("I5:I16", "wrong-weight"),
        ("K5:K16", "wrong-weight"),
    }


def test_stacked_tables_are_judged_apart() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        low = LAST + 8
        sheet[f"G{low - 2}"] = 2.0
        for name in NAMES:
            sheet[f"{AT[name]}{low}"] = name
            for r in range(low + 1, low + 11):
                text = START[name] if r == low + 1 and name in START else formula(name, r)
                sheet[f"{AT[name]}{r}"] = (
                    text.replace(ETA, f"$G${low - 2}") if isinstance(text, str) else text
                )
        sheet[f"I{low + 4}"] = f"=E{low + 4}*D{low + 4}+F{low + 4}*D{low + 4}"

    book = replayed(workbook(edit=edit))
    assert [(t.header_row, t.iterations, t.eta) for t in book.tables] == [(4, 12, 0.5), (24, 10, 2.0)]
    assert [(f.cells, f.diagnosis) for f in book.faults] == [("I28", "index-swapped")]


def test_the_formula_signature_knows_no_values() -> None:
    one, other = replayed(workbook(eta=0.5)), replayed(workbook(eta=2.0))
    assert one.signature == other.signature
    assert one.signature != replayed(workbook(edit=cells(Y8="=X8"))).signature


def without_columns(*names: str) -> Edit:
    """Inputs that stand only in labelled cells beside the table."""

    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for k, name in enumerate(names):
            sheet[f"AJ{20 + k}"], sheet[f"AK{20 + k}"] = f"{name} =", START[name]
            for r in range(HEADER, LAST + 1):
                sheet[f"{AT[name]}{r}"] = None
            for row in sheet.iter_rows(min_row=FIRST, max_row=LAST):
                for cell in row:
                    if isinstance(cell.value, str):
                        for r in range(FIRST, LAST + 1):
                            cell.value = re.sub(rf"\b{AT[name]}{r}\b", f"$AK${20 + k}", cell.value)

    return edit


def test_inputs_beside_the_table_are_found_by_their_labels() -> None:
    book = replayed(workbook(edit=without_columns("t1", "t2", "i1", "i2")))
    assert [f for f in book.faults if f.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].inputs == (0.05, 0.1)


def test_pasted_sheets_beside_a_right_one_leave_it_right() -> None:
    right = replayed(workbook())

    def edit(book: openpyxl.Workbook) -> None:
        values = openpyxl.load_workbook(
            io.BytesIO(make(BookSpec(rows=12, header_row=4, eta=2.0))[0]), data_only=True
        )
        pasted = book.create_sheet("η = 2")
        for row in values.worksheets[0].iter_rows():
            for cell in row:
                pasted[cell.coordinate] = cell.value

    book = replayed(workbook(edit=edit))
    assert right.verdict is book.verdict is BookVerdict.CORRECT
    assert [(t.sheet, t.eta) for t in book.tables] == [("Sheet1", 0.5), ("η = 2", 2.0)]
    assert [one.eta for one in book.sweep if one.sources] == [0.5, 2.0]


def as_shown(defect: Defect, eta: float, *, stops: int = 99) -> bytes:
    """A sheet copied as Excel shows it: six or nine decimals, small numbers with three digits; no row after
    `stops` is new.
    """
    made = make(BookSpec(rows=20, header_row=4, eta=eta, defect=defect, values_only=defect is Defect.NONE))[0]
    book = openpyxl.load_workbook(io.BytesIO(made), data_only=True)
    sheet = book.worksheets[0]
    for row in sheet.iter_rows(min_row=5):
        for cell in row:
            if isinstance(cell.value, float):
                digits = 9 if cell.column >= 24 else 6
                text = f"{cell.value:.{digits}f}" if abs(cell.value) >= 1e-4 else f"{cell.value:.2e}"
                kept = sheet.cell(min(cell.row, stops), cell.column).value
                cell.value = kept if cell.row > stops else float(text)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("eta", [0.2, 0.5])
def test_numbers_pasted_as_they_are_shown_are_rounded_and_not_wrong(eta: float) -> None:
    book = replayed(as_shown(Defect.NONE, eta))
    assert [f for f in book.faults if f.severity is Severity.FAIL] == []
    assert (book.tables[0].eta_known, book.tables[0].eta) == (True, eta)
    carried = replayed(as_shown(Defect.CLASS_ERROR, eta))
    assert {f.diagnosis for f in carried.faults if f.severity is Severity.FAIL} <= {"inherited-class-error"}


def test_pasted_rows_that_repeat_one_another_are_said_to_be_so() -> None:
    book = replayed(as_shown(Defect.NONE, 0.5, stops=12))
    assert "replay-deviates" not in {f.diagnosis for f in book.faults}
    wrong = next(f for f in book.faults if f.quantity == "w5" and f.diagnosis == "wrong-value")
    assert wrong.cells == "M13:M24"


def test_an_anchored_reference_to_another_cell_did_not_move() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        for k in range(1, 9):
            every_row(f"w{k}", ETA, "$G$16", FIRST + 2)(book)

    faults = [f for f in replayed(workbook(edit=edit)).faults if f.diagnosis == "eta-drift"]
    assert {f.quantity for f in faults} == {f"w{k}" for k in range(1, 9)}
    assert all("G16 (w3)" in f.message and "moved" not in f.message for f in faults)


def test_a_rate_in_every_row_that_changes_on_the_way_is_said_to_change() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            book.worksheets[0][f"AH{r}"] = 0.5 if r < FIRST + 4 else 0.2
        for k in range(1, 9):
            every_row(f"w{k}", ETA, "AH{p}", FIRST + 1)(book)

    faults = [f for f in replayed(workbook(edit=edit)).faults if f.diagnosis == "eta-drift"]
    assert {f.quantity for f in faults} == {f"w{k}" for k in range(1, 9)}
    assert all("changes from 0.5 in AH5 to 0.2 in AH9" in f.message for f in faults)
    assert not any("moved" in f.message or "$" in f.hint for f in faults)


def test_inputs_that_nothing_names_leave_the_book_undecided() -> None:
    def unlabelled(book: openpyxl.Workbook) -> None:
        without_columns("t1", "t2", "i1", "i2")(book)
        for k in range(4):
            book.worksheets[0][f"AJ{20 + k}"] = None

    book = replayed(workbook(edit=unlabelled))
    assert [f for f in book.faults if f.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.UNKNOWN


def test_facts_of_a_book_full_of_errors_can_be_stored() -> None:
    book = replayed(workbook(edit=cells(E5="text", G2="=1/0", I7="=LN(-1)", A6="=1E308*10", W8="=#REF!")))
    assert msgspec.json.decode(msgspec.json.encode(book), type=BookFacts) == book
    assert book.verdict is not BookVerdict.CORRECT


def test_helpers_that_branch_without_end_are_given_up() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for r in range(1, 60):
            sheet[f"AM{r}"] = f"=AM{r + 1}+AN{r + 1}"
            sheet[f"AN{r}"] = f"=AM{r + 1}*AN{r + 1}"
        sheet["AM60"], sheet["AN60"] = 0.5, 0.5
        sheet["I8"] = "=AM1*E8"

    book = replayed(workbook(edit=edit))
    assert [f.diagnosis for f in book.faults] == ["not-evaluated"]
    assert book.verdict is BookVerdict.UNKNOWN

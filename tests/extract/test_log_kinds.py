"""What a sequence of accuracies is: the log of a run, an excerpt, a table of runs, an echo. One test a kind
of mistake.
"""

import json

import pytest

from grader.core.evidence.logs import LogEvidence, Origin, SequenceKind
from grader.extract.documents.documents import read_documents
from grader.extract.logs.training_log import read_logs
from grader.ingest.read import from_bytes

RIGHT = (9780, 9850, 9890, 9902, 9911, 9941, 9946, 9941)
FRACTIONS = "EPOCH: {e}\nTest set: Average loss: 0.02, Accuracy: {c}/10000 ({p:.2f}%)\n\n"
LOOP = "model = Net()\nfor epoch in range(1, 9):\n    train(model, epoch)\n    test(model)"


def log(first: int = 1, fmt: str = FRACTIONS, right: tuple[int, ...] = RIGHT) -> str:
    """Return the lines of a run."""
    return "".join(fmt.format(e=e, c=c, p=c / 100, f=c / 10_000) for e, c in enumerate(right, first))


def stream(text: str) -> dict[str, object]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(text: str) -> dict[str, object]:
    data = {"text/plain": text}
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}


def frame(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> dict[str, object]:
    body = "".join("<tr>" + "".join(f"<td>{v}</td>" for v in row) + "</tr>" for row in rows)
    top = "".join(f"<th>{h}</th>" for h in head)
    html = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}


def notebook(*cells: tuple[str, list[dict[str, object]]]) -> LogEvidence:
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"cell_type": "code", "source": s, "outputs": o, "metadata": {}, "execution_count": i}
            for i, (s, o) in enumerate(cells, 1)
        ],
    }
    return logs({"S.ipynb": json.dumps(book)})


def logs(files: dict[str, str]) -> LogEvidence:
    return read_logs(read_documents(from_bytes("s", {k: v.encode() for k, v in files.items()})))


def shapes(found: LogEvidence, origin: Origin = Origin.NOTEBOOK) -> list[tuple[int, float, str]]:
    return [(len(r.epochs), round(r.best, 2), r.kind.value) for r in found.of(origin)]


WHOLE = [(8, 99.46, "log")]


@pytest.mark.parametrize(
    "text",
    [
        log(
            fmt="Epoch {e}/8\n938/938 [=====] - 3s 3ms/step - loss: 0.1 - accuracy: 0.9901 - "
            "val_accuracy: {f:.4f}\n"
        ),
        log(fmt="Epoch {e}/8\n938/938 ━━━━━━━━ 5s 5ms/step - accuracy: 0.9951 - val_accuracy: {f:.4f}\n"),
        "epoch,train_loss,train_acc,test_acc\n" + log(fmt="{e},0.01,99.5,{p:.2f}\n"),
        "epoch     train_loss  valid_loss  accuracy  time\n"
        + log(fmt="{e}         0.20    0.10    {f:.4f}  00:12\n"),
        "+---+---+---+\n| Epoch | Train Acc | Test Acc |\n+===+===+===+\n"
        + log(fmt="| {e} | 99.1 | {p:.2f} |\n+---+---+---+\n"),
        log(fmt="[{e}/8] train_acc=0.998 test_acc={f:.4f}\n"),
        log(fmt="2024-01-01 10:00:0{e},123 - INFO - Epoch {e}: test accuracy {p:.2f}%\n"),
        "Target test accuracy: 99.40%\n" + log(),
    ],
    ids=[
        "keras 2",
        "keras 3",
        "csv",
        "fastai as text",
        "tabulate",
        "key=value",
        "logging",
        "a target before it",
    ],
)
def test_the_log_of_a_run_in_many_spellings(text: str) -> None:
    assert shapes(notebook((LOOP, [stream(text)]))) == WHOLE


def test_fastai_names_its_metrics_without_a_split() -> None:
    rows = [(e, 0.2, 0.1, f"{c / 10_000:.6f}", "00:12") for e, c in enumerate(RIGHT)]
    head = ("epoch", "train_loss", "valid_loss", "accuracy", "time")
    assert shapes(notebook(("learn.fit_one_cycle(8)", [frame(head, rows)]))) == WHOLE
    wrong = [(e, 0.2, 0.1, f"{1 - c / 10_000:.6f}", "00:12") for e, c in enumerate(RIGHT)]
    head = ("epoch", "train_loss", "valid_loss", "error_rate", "time")
    assert shapes(notebook(("learn.fit_one_cycle(8)", [frame(head, wrong)]))) == WHOLE
    # without the loss of the validation set nobody knows whose accuracy it is
    assert notebook(("f()", [frame(("epoch", "train_loss", "accuracy"), [(1, 0.2, 0.99)] * 6)])).runs == ()


@pytest.mark.parametrize(
    "text",
    [
        (
            "| Model | Train Acc | Test Acc |\n|---|---|---|\n| small | 99.1 | 99.31 |\n| "
            "wide | 99.5 | 99.45 "
            "|\n| deep | 99 | 99.4 |\n"
        ),
        (
            "| # | Model | Params | Test acc |\n|---|---|---|---|\n| 1 | A | 12k | 99.31 |\n| 2 | B | 14k | "
            "99.45 |\n| 3 | C | 19k | 99.4 |\n"
        ),
        (
            "| Batch size | Epochs | Test acc |\n|---|---|---|\n| 32 | 18 | 99.31 |\n| 64 | 19 | 99.45 "
            "|\n| 128 | 20 | 99.4 |\n"
        ),
        "| epochs | val_acc |\n|---|---|\n| 20 | 99.31 |\n| 20 | 99.45 |\n| 20 | 99.4 |\n",
        "run,optimizer,epochs,test_acc\nr1,sgd,20,99.41\nr2,adam,20,99.45\nr3,rms,20,99.02\n",
        "Seed 0: Test Accuracy: 99.31\nSeed 1: Test Accuracy: 99.45\nSeed 2: Test Accuracy: 99.40\n",
        "Fold 1: Val Accuracy: 99.31%\nFold 2: Val Accuracy: 99.45%\nFold 3: Val Accuracy: 99.40%\n",
        (
            "lr 0.1: Test accuracy: 9931/10000\nlr 0.05: Test accuracy: 9945/10000\nlr 0.01: Test "
            "accuracy: 9925/10000\n"
        ),
        "Net with 8 channels: Test accuracy: 9931/10000\nNet with 16 channels: Test accuracy: 9945/10000\n",
    ],
    ids=["models", "numbered models", "batch sizes", "lengths", "csv", "seeds", "folds", "rates", "channels"],
)
def test_results_of_several_runs_are_no_epochs_of_one(text: str) -> None:
    found = notebook(("compare()", [stream(text)]))
    assert found.runs == ()
    assert {e.kind for e in found.evaluations} == {SequenceKind.TABLE_OF_RUNS}
    quoted = logs({"README.md": text})
    assert quoted.runs == ()


def test_a_table_of_epochs_with_a_column_that_never_changes_is_a_log() -> None:
    rows = "".join(f"| net-3 | {e} | {c / 100:.2f} |\n" for e, c in enumerate(RIGHT, 1))
    found = notebook((LOOP, [stream("| Model | Epoch | Test acc |\n|---|---|---|\n" + rows)]))
    assert shapes(found) == WHOLE


def test_folds_and_seeds_that_print_their_epochs_are_runs_of_their_own() -> None:
    text = "".join(f"Fold {k}\n" + log(right=(9700, 9850, 9890 + k)) for k in (1, 2, 3))
    assert shapes(notebook(("cross_validate()", [stream(text)]))) == [
        (3, 98.91, "log"),
        (3, 98.92, "log"),
        (3, 98.93, "log"),
    ]


def test_a_string_that_a_cell_shows_is_no_epoch_of_the_run_before_it() -> None:
    text = "\nEPOCH: 5\nTest set: Average loss: 0.02, Accuracy: 9936/10000 (99.36%)\n"
    found = notebook((LOOP, [stream(log())]), (f"'''{text}'''", [shown(repr(text))]))
    assert shapes(found) == WHOLE
    assert [e.kind for e in found.evaluations] == [SequenceKind.ECHO]


def test_a_log_that_is_printed_by_name_is_an_echo() -> None:
    found = notebook((f"saved = '''{log()}'''", []), ("print(saved)", [stream(log())]))
    assert found.of(Origin.NOTEBOOK) == ()
    assert len(found.of(Origin.PASTED)) == 1


def test_a_log_that_is_copied_into_a_comment_below_its_loop_is_still_a_log() -> None:
    comments = "".join(f"# {line}\n" for line in log().split("\n"))
    assert shapes(notebook((f"{LOOP}\n{comments}", [stream(log())]))) == WHOLE


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_best_epoch_quoted_beside_the_whole_log_is_no_second_run(order: str) -> None:
    best = "EPOCH: 7\nTest set: Average loss: 0.02, Accuracy: 9946/10000 (99.46%)\n\n"
    text = best + log() if order == "before" else log() + best
    assert shapes(logs({"README.md": text}), Origin.README) == WHOLE


@pytest.mark.parametrize("first", [7, 20])
def test_what_starts_late_is_an_excerpt(first: int) -> None:
    quoted = logs({"README.md": log(first, right=(9941, 9946, 9941))})
    assert shapes(quoted, Origin.README) == [(3, 99.46, "excerpt")]
    (run,) = quoted.runs
    assert run.before == first - 1
    assert not run.complete
    assert run.counting(20) == (run.epochs if first == 7 else run.epochs[:1])


def test_a_loop_from_two_and_one_from_zero_start_at_the_start() -> None:
    for first in (0, 2):
        loop = f"model = Net()\nfor epoch in range({first}, {first + 8}):\n    train(); test()"
        assert shapes(notebook((loop, [stream(log(first))]))) == WHOLE


def test_training_that_goes_on_in_the_next_cell_is_one_run_and_one_whose_start_is_gone_is_none() -> None:
    on = "for epoch in range(6, 9):\n    train(); test()"
    first, rest = log(right=RIGHT[:5]), log(6, right=RIGHT[5:])
    assert shapes(notebook((LOOP, [stream(first)]), (on, [stream(rest)]))) == WHOLE
    assert shapes(notebook((LOOP, []), (on, [stream(rest)]))) == [(3, 99.46, "excerpt")]


def test_the_same_test_called_again_is_not_more_epochs() -> None:
    again = "Test set: Average loss: 0.02, Accuracy: 9941/10000 (99.41%)\n" * 3
    found = notebook((LOOP, [stream(log())]), ("for k in range(3): test(model)", [stream(again)]))
    assert shapes(found)[0] == WHOLE[0]


def test_a_number_of_a_bar_in_another_stream_is_not_that_of_the_first_line() -> None:
    bars = {
        "output_type": "stream",
        "name": "stderr",
        "text": log(fmt="Epoch {e}: 100%|##| 469/469 [00:10<00:00, 45it/s]\n"),
    }
    lines = stream(log(fmt="Test set: Average loss: 0.02, Accuracy: {c}/10000 ({p:.2f}%)\n"))
    assert shapes(notebook((LOOP, [bars, lines]))) == WHOLE


def test_a_log_kept_as_a_note_below_the_run_is_no_training_of_its_own() -> None:
    """The note was edited after it had been shown: what stands under it is no longer in its source."""
    note = "# the best epoch\n'''\nEPOCH: 6\nTest set: Average loss: 0.02, Accuracy: 9941/10000 (99.41%)\n'''"
    once = repr("\nEPOCH: 9\nTest set: Average loss: 0.03, Accuracy: 9936/10000 (99.36%)\n")
    found = notebook((LOOP, [stream(log())]), (note, [shown(once)]))
    assert shapes(found) == WHOLE
    assert not found.of(Origin.NOTEBOOK)[0].unprinted


def test_a_stream_below_a_note_is_still_nothing_that_the_note_can_have_printed() -> None:
    found = notebook(("'''\nmy log\n'''", [stream(log())]))
    assert [run.unprinted for run in found.runs] == ["nothing in the source of cell 1 can print"]


VALUES = ", ".join(str(c / 100) for c in RIGHT)
ONE_LINE = "Epoch {e}: test accuracy {p}%\n"


@pytest.mark.parametrize(
    "cells",
    [
        (f"lines = {log().splitlines()!r}", "for line in lines: print(line)"),
        (f"lines = {log()!r}.strip().split('\\n')", "print(*lines, sep='\\n')"),
        (f"text = {log()!r}", "from IPython.display import Markdown\nMarkdown(text)"),
    ],
)
def test_lines_that_another_cell_spells_out_are_an_echo(cells: tuple[str, str]) -> None:
    found = notebook((cells[0], []), (cells[1], [stream(log())]))
    assert found.of(Origin.NOTEBOOK) == ()
    assert len(found.of(Origin.PASTED)) == 1


def test_accuracies_that_the_notebook_lists_are_an_echo() -> None:
    source = (
        f"accs = [{VALUES}]\nfor i, a in enumerate(accs): print(f'Epoch {{i + 1}}: test accuracy {{a}}%')"
    )
    found = notebook((source, [stream(log(fmt=ONE_LINE))]))
    assert found.of(Origin.NOTEBOOK) == ()


def test_accuracies_that_a_training_collected_are_a_log() -> None:
    collect = "accs = []\nfor epoch in range(1, 9):\n    train(epoch)\n    accs.append(test())"
    show = "for i, a in enumerate(accs): print(f'Epoch {i + 1}: test accuracy {a}%')"
    found = notebook((collect, []), (show, [stream(log(fmt=ONE_LINE))]))
    assert shapes(found) == [(8, 99.46, "log")]


@pytest.mark.parametrize("source", ["print(open('log.txt').read())", "!cat log.txt", "%cat logs/log.txt"])
def test_a_file_that_nothing_writes_is_no_record_of_a_training(source: str) -> None:
    (run,) = notebook((source, [stream(log())])).runs
    assert "only shows" in run.unprinted
    (run,) = notebook(("!python train.py > log.txt", []), (source, [stream(log())])).runs
    assert run.unprinted == ""


def test_a_table_with_a_number_a_rate_and_an_epoch_lists_runs() -> None:
    table = "| # | lr | dropout | test acc | epoch |\n|---|---|---|---|---|\n"
    table += (
        "| 1 | 0.1 | 0.1 | 99.31 | 17 |\n| 2 | 0.05 | 0.1 | 99.46 | 19 |\n| 3 | 0.01 | 0.1 | 99.12 | 20 |\n"
    )
    found = logs({"README.md": table})
    assert found.runs == ()
    assert {e.kind for e in found.evaluations} == {SequenceKind.TABLE_OF_RUNS}


def test_a_scheduled_rate_beside_epochs_that_run_through_is_a_log() -> None:
    table = "| epoch | lr | test acc |\n|---|---|---|\n"
    table += "".join(f"| {e} | {0.1 / e:.3f} | {c / 100} |\n" for e, c in enumerate(RIGHT, 1))
    assert shapes(logs({"README.md": table}), Origin.README) == [(8, 99.46, "log")]


def test_a_quoted_log_with_dots_in_the_middle_is_an_excerpt() -> None:
    text = f"```\n{log(right=RIGHT[:1])}...\n{log(first=15, right=RIGHT[-2:-1])}```\n"
    (run,) = logs({"README.md": text}).runs
    assert (run.kind, run.gaps) == (SequenceKind.EXCERPT, ("after epoch 1 comes epoch 15",))


@pytest.mark.parametrize(
    "fmt",
    [
        "Epoche {e}: Testgenauigkeit {p:.2f} %\n",
        "[{e:02d}/8] train 98.12% | test {p:.2f}%\n",
        "epoch {e}: {c} of 10000 correct\n",
        "Époque {e} - exactitude test : {p:.2f} %\n",
    ],
)
def test_more_spellings_of_a_log(fmt: str) -> None:
    found = notebook((LOOP, [stream(log(fmt=fmt))]))
    assert shapes(found) == [(8, 99.46, "log")]

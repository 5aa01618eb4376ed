"""Training logs: the formats of real notebooks (written anew), runs and their borders, and what is no log."""

import json
from collections import Counter
from types import ModuleType

import pytest

from grader.core.evidence.logs import Answer, Epoch, LogEvidence, Origin
from grader.core.faults import Unavailable
from grader.core.place import Place
from grader.extract.documents import cell_names
from grader.extract.documents.documents import read_documents
from grader.extract.logs import found_logs, training_log
from grader.extract.logs.found_logs import MAX_RUNS
from grader.extract.logs.lines import Split, read_line
from grader.extract.logs.training_log import read_logs
from grader.ingest.read import from_bytes

LOOP = "model = Net().to(device)\nfor epoch in range(1, 4):\n    train(epoch)\n    test(model)"


def code(source: str, *outputs: object) -> dict[str, object]:
    listed = [
        {"output_type": "stream", "name": "stdout", "text": o} if isinstance(o, str) else o for o in outputs
    ]
    return {"cell_type": "code", "source": source, "outputs": listed, "metadata": {}, "execution_count": 1}


def logs_of(*cells: dict[str, object], readme: str = "") -> LogEvidence:
    files = (
        {
            "S4.ipynb": json.dumps(
                {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
            ).encode()
        }
        if cells
        else {}
    )
    if readme:
        files["README.md"] = readme.encode()
    return read_logs(read_documents(from_bytes("s", files)))


FORMATS = {
    "course template": "Test set: Average loss: 0.0535, Accuracy: {c}/10000 ({p:.2f}%)\n",
    "whole percents": "\nTest set: Average loss: 0.0535, Accuracy: {c}/10000 ({p:.0f}%)\n",
    "a count that is a float": "Test set: Average loss: 0.02, Accuracy: {c}.0/10000 ({p:.2f}%)\n",
    "one decimal": "Validation set: Average loss: 0.0001, Accuracy: {c}/10000 ({p:.1f}%)\n",
    "three decimals": "Epoch: {n}, Test set: Average loss: 0.05, Accuracy: {c}/10000 ({p:.3f}%)\n",
    "numbered in the line": "Epoch:{n} Test set: Average loss: 0.0005, Accuracy: {c}/10000 ({p:.2f}%)\n",
    "no fraction": "Test set: Average loss: 0.055, Accuracy: {p:.2f}\n",
    "epoch accuracy": "Epoch: {n}\nTrain set: Epoch Accuracy: 91.52  Epoch Loss: 0.2\nTest set: Epoch "
    "Accuracy: {p:.2f}  Epoch Loss: 0.05\n",
    "bars between": "Train Loss: 0.35 | Train Acc: 90.31% || Test Loss:  0.03 | Test Acc:  {p:.2f}% || "
    "Learning Rate: 0.001000\n",
    "boxes": "📅 Epoch {n}/3\n  ✅ Train: 98.43% | Test: {p:.2f}% | LR: 0.003\n  🏆 New best: {p:.2f}%\n",
    "keras 1": "Epoch {n}/3\n60000/60000 [==============] - 5s 90us/step - loss: 0.1 - acc: 0.9712 - "
    "val_loss: 0.05 - val_acc: {f:.4f}\n",
    "keras 2": "Epoch {n}/3\n469/469 [====] - 5s 9ms/step - loss: 0.1 - accuracy: 0.9712 - val_loss: 0.05 "
    "- val_accuracy: {f:.4f}\n",
    "leading counter": "{n:02d} / 03 || train_loss=0.08 test_loss: 0.03, test_accuracy: "
    "{c}/10000 ({p:.2f}%)\n",
    "equals signs": "epoch={n} train_acc=97.10 test_acc={p:.2f} lr=0.01\n",
    "training fraction above": "train set: Accuracy: 59031/60000 (98.39%)\nTest set: Average loss: 0.04, "
    "Accuracy: {c}/10000 ({p:.2f}%)\n",
    "accuracy on": "Epoch {n}: Accuracy of the network on the 10000 test images: {p:.2f} %\n",
    "two lines": "Epoch {n}\nTrain:\n  Loss: 0.1 Accuracy: 97.20%\nTest:\n  Loss: 0.1 Accuracy: {p:.2f}%\n",
    "bold markdown": "Epoch {n}\nTest set: Average loss: 0.0172, **Accuracy: {c}/10000 ({p:.2f}%)**\n",
    "ansi": "\x1b[32mEpoch {n}\x1b[0m\nTest set: Average loss: 0.05, Accuracy: "
    "\x1b[1m{c}/10000\x1b[0m ({p:.2f}%)\n",
    "tqdm redraws": "  0%|          | 0/938\rloss=0.1 Accuracy=86.82: 100%|####| 938/938 [00:10<00:00, "
    "90it/s]\nTest set: Average loss: 0.05, Accuracy: {c}/10000 ({p:.2f}%)\n",
    "test bar and line": "Test: Loss=0.03 Accuracy={p:.2f}: 100%|####| 79/79 [00:01<00:00, 60it/s]\nTest "
    "set: Average loss: 0.05, Accuracy: {c}/10000 ({p:.2f}%)\n",
    "value below its label": "Epoch {n}\nTrain Accuracy:\n97.20\nTest Accuracy:\n{p:.2f} %\n",
    "fraction below its label": "Epoch {n}\nTest accuracy\n\n{c}/10000\n",
    "a tensor": "Epoch {n} test accuracy: tensor({p:.4f}, device='cuda:0')\n",
    "whose in brackets": "Epoch {n} Accuracy (train): 97.20% Accuracy (test): {p:.2f}%\n",
    "whose behind": "Epoch {n} acc_train 97.20 acc_test {p:.2f}\n",
    "both with a stroke": "Epoch {n} Train/Test accuracy: 97.20% / {p:.2f}%\n",
    "both of one": "Epoch {n} acc train/val: 0.9720/{f:.4f}\n",
    "value first": "Epoch {n}: {p:.2f}% test accuracy\n",
    "in words": "Epoch {n}: {p:.2f}% of the 10000 test images are correct\n",
    "out of": "Epoch {n}: correct {c} out of 10000\n",
    "with accuracy": "Epoch {n}\nGot {c} / 10000 with accuracy {p:.2f}\n",
    "first of five": "Epoch {n}\nTest: Acc@1 {p:.3f} Acc@5 100.000\n",
    "overall": "Epoch {n}\nTest Accuracy (Overall): {p:.2f}% ({c}/10000)\n",
    "chinese": "Epoch {n}：训练准确率：97.20%，测试准确率：{p:.2f}%\n",
    "russian": "Эпоха {n}: точность на тесте: {p:.2f}%\n",
    "portuguese": "Época {n}: acurácia de teste: {p:.2f}%\n",
    "best so far behind": "Epoch {n} - test acc: {p:.2f}% (best: {p:.2f}%)\n",
}
CORRECT = (9712, 9896, 9941)


@pytest.mark.parametrize("template", FORMATS.values(), ids=FORMATS.keys())
def test_formats(template: str) -> None:
    text = "".join(template.format(n=n, c=c, p=c / 100, f=c / 10000) for n, c in enumerate(CORRECT, 1))
    found = logs_of(code(LOOP, text))
    (run,) = found.runs
    assert [round(e.percent, 2) for e in run.epochs] == [97.12, 98.96, 99.41]
    assert (round(run.best, 2), run.best_epoch, round(run.last, 2), run.complete) == (99.41, 3, 99.41, True)
    assert run.denominators == ((10_000,) if "{c}" in template and "Overall" not in template else ())
    assert run.origin is Origin.NOTEBOOK


@pytest.mark.parametrize(
    "text",
    [
        "Epoch 3 acc, val_loss: 0.05",
        "acc val_loss 0.05",
        "Train Loss/Test Loss: 0.10/0.05",
        "top 10 test errors: 99",
        "Test Epoch: 3 [1280/10000 (13%)] 5 correct",
        "correct: 5 of 10",
        "train/test split: 60000/10000",
    ],
)
def test_lines_without_a_test_accuracy(text: str) -> None:
    assert not [a for a in read_line(text).accuracies if a.split is not Split.TRAIN]


def test_a_goal_in_words_is_wanted() -> None:
    (goal,) = read_line("Target: 99.4% test accuracy").accuracies
    assert goal.statement
    assert goal.wanted


@pytest.mark.parametrize(
    "table",
    [
        (
            "Epoch  Train_Loss   Test_Loss  Train_Acc  Test_Acc   LR\n------\n1      0.6271       0.3905     "
            "91.27      97.12      0.003\n2 0.4 0.3 96.86 98.96 0.002\n3 0.3 0.3 97.0 99.41 0.001\n"
        ),
        (
            "| Epoch | Train Acc | Test Acc |\n|---|---|---|\n| 1 | 91.2% | 97.12% |\n| 2 | 96.1% | 98.96% "
            "|\n| 3 | 97.2% | 99.41% |\n"
        ),
        "epoch\ttrain acc\tval acc\n1\t0.9120\t0.9712\n2\t0.9610\t0.9896\n3\t0.9720\t0.9941\n",
    ],
)
def test_tables(table: str) -> None:
    for found in (logs_of(code(LOOP, table)), logs_of(readme="# Log\n" + table)):
        (run,) = found.runs
        assert [e.percent for e in run.epochs] == [97.12, 98.96, 99.41]
        assert [e.printed for e in run.epochs] == [1, 2, 3]


def test_a_history_is_numbered_by_its_index() -> None:
    table = "   loss  accuracy  val_loss  val_accuracy\n0  0.21      0.95      0.05        0.9712\n"
    table += "1  0.05      0.97      0.04        0.9896\n2  0.04      0.98      0.03        0.9941\n"
    (run,) = logs_of(code(LOOP, table)).runs
    assert [round(e.percent, 2) for e in run.epochs] == [97.12, 98.96, 99.41]


def line(correct: int, number: int | None = None) -> str:
    head = "" if number is None else f"Epoch {number}\n"
    return f"{head}Test set: Average loss: 0.05, Accuracy: {correct}/10000 ({correct / 100:.2f}%)\n"


def test_percents_before_a_rule_are_no_bar_and_keep_the_training_accuracy() -> None:
    """`96.69% ||` looks like a bar: the epochs were read again by the statement, the test accuracy alone."""
    printed = "Epoch {:2d} | Train Acc: 9{}.69% || Test Acc: 98.6{}% || LR: 0.004"
    source = """\
for epoch in range(1, 5):
    model.train()
    for x, y in train_dl:
        out = model(x)
        criterion(out, y).backward()
        optimizer.step()
        hits += (out.argmax(1) == y).sum().item()
        seen += len(y)
    model.eval()
    test_hits = 0
    with torch.no_grad():
        for x, y in test_dl:
            test_hits += (model(x).argmax(1) == y).sum().item()
    print(f"Epoch {epoch:2d} | Train Acc: {100 * hits / seen:.2f}% || "
          f"Test Acc: {100 * test_hits / len(test_ds):.2f}% || LR: {lr}")
"""
    (run,) = logs_of(code(source, "\n".join(printed.format(n, n + 4, n) for n in range(1, 5)))).runs
    assert [e.train_percent for e in run.epochs] == [95.69, 96.69, 97.69, 98.69]
    assert [e.percent for e in run.epochs] == [98.61, 98.62, 98.63, 98.64]


def test_keras_redraws_count_once() -> None:
    bar = "\r".join(f"{i}/469 [==>...] - loss: 0.1 - accuracy: 0.9{i}" for i in range(10, 60))
    text = (
        f"Epoch 1/2\n{bar}\r469/469 [====] - accuracy: 0.98 - val_accuracy: 0.9871\nEpoch "
        f"2/2\n{bar}\r469/469 [====] - accuracy: 0.99 - val_accuracy: 0.9902\n"
    )
    (run,) = logs_of(code("model.fit(x, y, epochs=2)", text)).runs
    assert [round(e.percent, 2) for e in run.epochs] == [98.71, 99.02]


def test_two_runs_in_two_cells() -> None:
    found = logs_of(
        code(LOOP, "".join(map(line, (9712, 9896, 9941)))), code(LOOP, "".join(map(line, (9650, 9880, 9920))))
    )
    assert [(r.cells, round(r.best, 2)) for r in found.runs] == [((1,), 99.41), ((2,), 99.20)]


def test_two_runs_in_one_cell() -> None:
    text = "".join(line(c, n) for n, c in ((1, 9712), (2, 9896), (3, 9941), (1, 9650), (2, 9880), (3, 9920)))
    found = logs_of(code("for net in nets:\n    for epoch in range(1, 4):\n        test(net)", text))
    assert [len(r.epochs) for r in found.runs] == [3, 3]


def test_two_unnumbered_runs_in_one_cell() -> None:
    text = "".join(map(line, (9712, 9896, 9941, 9650, 9880, 9920)))
    found = logs_of(code("for net in nets:\n    for epoch in range(1, 4):\n        test(net)", text))
    assert [len(r.epochs) for r in found.runs] == [3, 3]


def test_one_run_over_two_cells() -> None:
    more = "for epoch in range(1, 4):\n    train(epoch)\n    test(model)"
    found = logs_of(
        code(LOOP, "".join(map(line, (9812, 9896, 9921)))), code(more, "".join(map(line, (9925, 9938, 9941))))
    )
    (run,) = found.runs
    assert (len(run.epochs), run.best_epoch, run.cells, run.complete) == (6, 6, (1, 2), True)


def test_numbering_from_zero_and_what_the_log_calls_its_best() -> None:
    text = "".join(line(c, n) for n, c in enumerate((9712, 9941, 9920)))
    (run,) = logs_of(code("for epoch in range(3):\n    test(model)", text)).runs
    assert (run.best_epoch, run.best_epoch_printed, run.starts_at) == (2, 1, 0)


def test_a_single_evaluation_is_no_run() -> None:
    found = logs_of(
        code(LOOP, "".join(map(line, CORRECT))), code("test(model, device, test_loader)", line(9941))
    )
    assert len(found.runs) == 1
    assert [e.epoch.percent for e in found.evaluations] == [99.41]


def test_a_final_evaluation_in_the_cell_of_the_run_is_no_run_of_one_epoch() -> None:
    shown = "".join(
        f"Epoch {n}/3:\n100%|####| 391/391 [00:10<00:00, 38it/s]\nTraining Accuracy: 95.10% | Validation "
        f"Accuracy: {c / 100:.2f}%\n"
        for n, c in enumerate(CORRECT, 1)
    )
    found = logs_of(
        code(
            "run(epochs=3)",
            shown + "100%|####| 79/79 [00:01<00:00, 60it/s]\nFinal Results:\nTest Accuracy: 99.40%\n",
        )
    )
    assert [len(run.epochs) for run in found.runs] == [3]
    assert [e.epoch.percent for e in found.evaluations] == [99.40]


def test_a_table_that_repeats_the_run_is_dropped() -> None:
    table = "Epoch  Train_Acc  Test_Acc\n" + "".join(
        f"{n}  97.1  {c / 100:.2f}\n" for n, c in enumerate(CORRECT, 1)
    )
    found = logs_of(code(LOOP, "".join(map(line, CORRECT))), code("show(history)", table))
    assert len(found.runs) == 1


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            code("for epoch in range(1, 21):\n    test(m)", line(9712, 1), line(9896, 2)),
            "20 epochs were planned, 2 are in the log",
        ),
        (code(LOOP, line(9712, 1), line(9896, 3)), "after epoch 1 comes epoch 3"),
        (code(LOOP, line(9896, 2), line(9941, 3)), "starts with epoch 2"),
        (code("fit(model)", line(9896), line(9941)), "does not number its epochs"),
        (
            code(
                LOOP,
                *map(line, CORRECT),
                {"output_type": "error", "ename": "KeyboardInterrupt", "evalue": "", "traceback": []},
            ),
            "ended in an error",
        ),
        (
            code(LOOP, "Streaming output truncated to the last 5000 lines.\n", *map(line, CORRECT)),
            "Colab cut the output",
        ),
    ],
)
def test_gaps(cell: dict[str, object], words: str) -> None:
    (run,) = logs_of(cell).runs
    assert not run.complete
    assert words in "; ".join(run.gaps)


PLUS_ONE = "model = Net()\nfor epoch in range(1, {end}):\n    print('EPOCH:', epoch + 1)\n    test(model)"


def test_a_loop_that_prints_one_more_than_it_counts_is_shown_whole() -> None:
    """`range(1, 4)` with `epoch + 1` prints 2, 3 and 4: all three epochs are there."""
    (run,) = logs_of(code(PLUS_ONE.format(end=4), line(9712, 2), line(9896, 3), line(9941, 4))).runs
    assert run.complete
    assert (run.before, run.best_epoch, run.best_epoch_printed) == (0, 3, 4)


@pytest.mark.parametrize(
    ("end", "first"),
    [
        (5, 2),  # one epoch of four is missing: it may be the first
        (4, 3),  # nothing in the source prints two more
    ],
)
def test_a_log_that_starts_late_for_its_loop_is_an_excerpt(end: int, first: int) -> None:
    lines = [line(right, first + k) for k, right in enumerate((9712, 9896, 9941))]
    (run,) = logs_of(code(PLUS_ONE.format(end=end), *lines)).runs
    assert not run.complete


def test_early_stopping_is_complete() -> None:
    source = "for epoch in range(1, 21):\n    acc = test(m)\n    if acc >= 99.4:\n        break"
    (run,) = logs_of(code(source, line(9712, 1), line(9941, 2))).runs
    assert run.complete


def test_a_log_in_a_string_is_no_log() -> None:
    text = "".join(map(line, CORRECT))
    found = logs_of(code(f'log = """{text}"""'))
    assert found.runs == ()
    assert [(str(p.place), p.lines) for p in found.pasted] == [("S4.ipynb cell 1 line 1", 3)]
    printed = logs_of(code(f'print("""{text}""")', text))
    assert [r.origin for r in printed.runs] == [Origin.PASTED]


def test_sixty_thousand_test_images_are_kept() -> None:
    text = "".join(
        f"Test set: Average loss: 0.01, Accuracy: {c}/60000 ({c / 600:.2f}%)\n" for c in (59210, 59648, 59701)
    )
    (run,) = logs_of(code(LOOP, text)).runs
    assert run.denominators == (60_000,)


def test_readme_prose_is_no_log() -> None:
    prose = (
        "# Result\nTest accuracy: 99.41\n\n## Model 2\nTest accuracy: 99.20\n\nBest test accuracy: "
        "99.41% in 20 epochs.\n"
    )
    assert logs_of(readme=prose).runs == ()


def test_readme_log_and_its_final_line() -> None:
    text = (
        "# Logs\n"
        + "".join(map(line, CORRECT))
        + "\n## Final\nTrain Data: Average loss: 0.01, Accuracy: 59782/60000 (99.64%)\n"
        + line(9941)
    )
    found = logs_of(readme=text)
    (run,) = found.runs
    assert (run.origin, len(run.epochs), str(run.place)) == (Origin.README, 3, "README.md:2")
    assert [str(e.epoch.place) for e in found.evaluations] == ["README.md:8"]


def test_markdown_cells_are_quotes() -> None:
    cell = {
        "cell_type": "markdown",
        "source": "".join(line(c, n) for n, c in enumerate(CORRECT, 1)),
        "metadata": {},
    }
    (run,) = logs_of(cell).runs
    assert run.origin is Origin.README
    assert run.place.cell == 1


def test_neither_readme_nor_notebook() -> None:
    with pytest.raises(Unavailable):
        read_logs(read_documents(from_bytes("s", {"book.csv": b"a,b"})))


@pytest.mark.parametrize(
    ("percent", "half", "answer"),
    [
        (99.4, 0.0, Answer.YES),
        (99.39, 0.005, Answer.NO),
        (99.4, 0.05, Answer.MAYBE),
        (99.5, 0.05, Answer.YES),
        (99.3, 0.05, Answer.NO),
        (99.0, 0.5, Answer.MAYBE),
    ],
)
def test_rounding_is_honest(percent: float, half: float, answer: Answer) -> None:
    assert Epoch(place=Place(artefact="a"), percent=percent, half_unit=half).at_least(99.4) is answer


@pytest.mark.parametrize(
    "text",
    [
        "Loss=0.07 Batch_id=937 Accuracy=88.48: 100%|####| 938/938 [01:10<00:00, 13.37it/s]",
        "train set: Accuracy: 59031/60000 (98.39%)",
        "Epoch 5: loss 0.1 accuracy 98.5",
        "New best model! Test accuracy: 98.76%",
        "Target: >99.4% test accuracy",
        "TTA Test Accuracy: 99.48%",
        "Test Accuracy of at least 99.4% is achieved. Stopping training!",
        "accuracy improved from 98.2 to 98.7",
        "test accuracy: 12345/10000",
    ],
)
def test_lines_without_a_test_epoch(text: str) -> None:
    assert not [a for a in read_line(text).accuracies if a.split is Split.TEST and not a.statement]


RUN = (
    "Epoch 1\nTrain set: Average loss: 0.3054, Accuracy: 54612/60000 (91.02%)\n"
    "Test set: Average loss: 0.0554, Accuracy: 9812/10000 (98.12%)\n"
)


def many(runs: int) -> LogEvidence:
    """What is read of a notebook that prints so many trainings of one epoch under one cell."""
    return logs_of(code("for epoch in range(1, 2):\n    train(epoch)\n    test(model)", RUN * runs))


def test_a_log_of_many_runs_is_looked_at_once_for_each_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand runs in 400 kB took 27 seconds: for every run the whole output was searched, and the code
    of all cells parsed.
    """
    asked: list[str] = []

    def counted(name: str, module: ModuleType) -> None:
        plain = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a: (asked.append(name), plain(*a))[1])

    counted("Printing", found_logs)
    counted("_stops_early", training_log)
    counted("find_loop", training_log)
    evidence = many(300)
    assert len(evidence.runs) == 300
    assert Counter(asked) == {"Printing": 1, "_stops_early": 1, "find_loop": 2}


def test_of_more_runs_than_are_read_nothing_is_decided() -> None:
    evidence = many(MAX_RUNS + 1)
    assert len(evidence.runs) == MAX_RUNS
    assert not any(run.complete for run in evidence.runs)
    assert evidence.runs[0].gaps == (
        f"S4.ipynb shows more than {MAX_RUNS} runs, and the others were not read",
    )


def test_the_code_of_a_notebook_is_parsed_once_for_all_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run parsed the code of all cells: a notebook of 240 cells took 2.4 seconds, one of 2,000 minutes."""
    seen: list[str] = []
    plain = cell_names.parsed
    monkeypatch.setattr(cell_names, "parsed", lambda source: (seen.append(source), plain(source))[1])
    cells = [code(f"EPOCHS = 3\n{LOOP}\n# {n}", RUN.replace("9812", f"98{n:02}")) for n in range(20)]
    evidence = logs_of(*cells)
    assert len(evidence.runs) + len(evidence.evaluations) >= 1
    assert len(seen) == len(cells)

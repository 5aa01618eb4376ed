"""Where a training may depend on its test results, digits are not marked; the ordinary loop of this course is
free of it.
"""

import re

import pytest

from grader.execute.notice_of_test_results import reads_test

HEAD = (
    "import torch\nfrom torchvision import datasets\nuse_cuda = torch.cuda.is_available()\nif "
    "use_cuda:\n    print('cuda')"
)
TRAIN = """
def train(model, loader, optimizer, epoch):
    model.train()
    correct = 0
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        correct += output.argmax(1).eq(target).sum().item()
        train_losses.append(loss.item())
        if batch_idx % log_interval == 0:
            print(loss.item(), correct)
"""
TEST = """
def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction='sum').item()
            correct += output.argmax(1).eq(target).sum().item()
    print(f'Accuracy {correct}/{len(loader.dataset)}')
    test_accs.append(correct)
    return test_loss, correct
"""
TRAINER = """
class Trainer:
    def fit(self, accumulation_steps=2):
        for i, batch in enumerate(train_loader):
            self.loss(batch).backward()
            if i % accumulation_steps == 0:
                self.optimizer.step()
"""
LOOP = """
for epoch in range(1, 20):
    train(model, train_loader, optimizer, epoch)
    test(model, test_loader)
    scheduler.step()
"""


def why(*cells: str, modules: dict[str, str] | None = None) -> str:
    return reads_test(list(enumerate((HEAD, *cells), 1)), modules)


@pytest.mark.parametrize(
    "cells",
    [
        (TRAIN, TEST, LOOP),
        ("%matplotlib inline\n!nvidia-smi\nmodel?", TRAIN + TEST + LOOP),
        (TRAIN, TEST, LOOP, "if max(test_accs) > 99:\n    print('reached')\nfor a in test_accs:\n    break"),
        (
            TRAIN,
            TEST,
            "best = 0\n" + LOOP + "    acc = test(model, test_loader)[1]\n    best = max(best, acc)",
        ),
        (
            TRAINER,
            "Trainer().fit()",
        ),
        (TRAIN, TEST, LOOP.replace("scheduler.step()", "scheduler.step(epoch)")),
    ],
    ids=["course", "magics", "looked-at-afterwards", "remembered", "accumulated", "schedule-by-epoch"],
)
def test_an_ordinary_loop_reads_nothing(cells: tuple[str, ...]) -> None:
    assert why(*cells) == ""


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ((TRAIN, TEST, LOOP + "    if test(model, test_loader)[1] > 9940:\n        stop = 1"), "a condition"),
        ((TRAIN, TEST, LOOP + "    break"), "ends early"),
        ((TRAIN, TEST, LOOP.replace("step()", "step(test_loss)")), "a step depends on test_loss"),
        ((TRAIN, TEST, LOOP + "    x = measure(test)\n    scheduler.step(x)"), "a step depends on"),
        (
            (TRAIN, TEST, LOOP.replace("    test(", "    l, a = test(") + "    y = a\n    while y:\n       "
                                        " y = 0"),
            "a condition depends on y",
        ),
        ((TRAIN, TEST, "s = optim.lr_scheduler.ReduceLROnPlateau(optimizer)\n" + LOOP), "ReduceLROnPlateau"),
        (
            (TRAIN, TEST, LOOP, "rate = 0.1 if test_accs[-1] < 99 else 0.01", LOOP),
            "a condition depends on test_accs",
        ),
        (
            (TRAIN, TEST, LOOP + "    a = test(model, test_loader)\n    "
                                 "optimizer.param_groups[0]['lr'] = f(a)"),
            "a learning rate depends on",
        ),
        ((TRAIN, TEST, LOOP + "    test(model, test_loader)[1] > 9940 and save()"), "a condition"),
        ((TRAIN, TEST + "    assert correct > 9900", LOOP), "test: line 13: a condition depends on correct"),
        ((TRAIN, TEST, "exec('for e in range(9): train()')\n" + LOOP), "exec of text"),
        (("import pytorch_lightning as pl", TRAIN, LOOP), "pytorch_lightning"),
        ((TRAIN, "%%bash\npython train.py", LOOP), "could not be parsed"),
        ((TRAIN, "def broken(:", LOOP), "could not be parsed"),
        ((TRAIN, TEST), "no training loop"),
        ((TRAIN, "x = " + "(" * 5000 + ")" * 5000, LOOP), "could not be parsed"),
        ((TRAIN, "x = 1\n" * 100_000, LOOP), "too long"),
        ((TRAIN, "x = " + "-" * 7000 + "1", LOOP), "pars|nested"),
    ],
)  # fmt: skip
def test_what_may_depend_on_a_result_is_named(cells: tuple[str, ...], what: str) -> None:
    assert re.search(what, why(*cells))


def test_imported_files_of_the_submission_are_read_others_are_not() -> None:
    files = {"loops": TRAIN + TEST + "    if correct > 1: raise StopIteration", "old": "print 'python 2'"}
    assert (
        why("from loops import train, test", LOOP, modules={"old": files["old"], "loops": TRAIN + TEST}) == ""
    )
    assert "a condition depends on correct" in why("import loops as l", LOOP, modules=files)
    assert "could not be parsed" in why("import old", TRAIN, LOOP, modules=files)

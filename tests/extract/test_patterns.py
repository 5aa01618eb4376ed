"""Each pattern of the readers of claims and logs, with a line that it finds and the nearest one that it must
not.

The order in which patterns are asked is meaning, so a pattern that grows is held here: a new one without a
row fails.
"""

import importlib
import re

import pytest

EXAMPLES = {
    "claims.context_words": {
        "DONE": ("we achieved 99.4 %", "to achieve 99.4 %"),
        "PLANNED": ("the goal is 99.4 %", "the result is 99.4 %"),
        "NOW": ("Achieves 99.4 % accuracy", "achieved 99.4 % accuracy"),
        "ORDER": ("Build a network that reaches 99.4 %", "This network reaches 99.4 %"),
        "BAR": ("Accuracy=97.08: 100%|███| 469/469", "| 97.08% | 469 |"),
        "_NUMBERED": ("V2 reached", "our model reached 99.4"),
        "_HEADED": ("## Version 2", "# ERA V1 Session 4"),
        "_OF_OTHERS": ("The code from class reached ", "The code reached "),
        "_OF_A_SETTING": ("With batch size 64 ", "The batch size was 64, "),
        "_BEHIND": (" test accuracy with Adam", " test accuracy in epoch 14"),
        "_SUBMITTED": ("the final run", "the first run"),
        "ASIDE": ("an earlier network had 99.3 %", "the network has 99.3 %"),
        "LESS": ("less than ", "more than "),
        "MORE": ("at least ", "at most "),
        "ABOUT": ("around ", "rounded "),
    },
    "claims.accuracies": {
        "_VALUE": (" 99.46 % (best) ", " 7.8 k "),
        "_PERCENT": ("99.46%", "9946/10000"),
        "_WIDE": ("88.4%", "48.4%"),
        "_WIDE_VALUE": (" 88.46 % (best) ", " 7.8 k "),
        "_CALLED": ("the test accuracy is ", "accuracy is far from "),
        "_CALLED_AFTER": (" test accuracy", " of dropout"),
        "_ACC": ("test accuracy", "test loss"),
        "_BARS": ("100%|####| 469/469 [00:10<00:00, 45it/s]", "99.46 % accuracy"),
        "_OTHER": ("99.5 % with TTA", "99.5 % in total"),
        "_WITH_COUNT": ("with 12,306 parameters and ", "with 20,000 parameters and "),
        "_CALLED_SO": ("** test accuracy", " dropout"),
        "_BEST": ("the maximum was 99.46", "the last was 99.46"),
        "_OR_MORE": ("99.4 or more", "99.4 or less"),
        "_FRACTION": ("(9946/10000)", "(12/15)"),
        "_TRAIN": ("training accuracy", "test accuracy"),
        "_TEST": ("validation accuracy", "training accuracy"),
        "_NAMED_BEFORE": ("and on the test set ", "and on the test bench "),
        "_OTHER_DATA": ("On Fashion-MNIST it reaches", "On MNIST it reaches"),
    },
    "claims.named_epochs": {
        "_ORDINALS": ("in the 14th epoch", "in 14 epochs"),
        "_NAMED": ("at epoch 14", "14 epochs"),
        "_AFTER": ("after 14 epochs", "for 14 epochs"),
        "_SETTING": ("learning rate drops", "accuracy drops"),
        "_TARGET": (" (target met at ", " (best met at "),
        "_BEHIND": (" test accuracy in 9 epochs.", " test accuracy in 2 epochs left"),
        "_AHEAD": ("In under 10 epochs the network reaches ", "In one hour the network reaches "),
        "_BY_IT": ("Our network reaches ", "Our v1 reaches "),
        "_REACHES": ("we reached", "we stay above"),
        "_WITHIN": ("in under 10 epochs", "for 10 epochs"),
        "_FROM_ZERO": ("epoch 12 (counting from 0)", "from 0.98"),
        "_COUNTS_EPOCHS": ("Accuracy 99.46, Epochs 15", "in epochs 13"),
        "_TOOK": ("It took only 10 epochs to reach ", "It took 10 minutes to reach "),
        "_NO_MORE": ("% on the test set.", "% with v1."),
    },
    "claims.wrong_digits": {
        "_MISCLASSIFIED": ("37 of 10,000 misclassified", "37 of 10,000 correct"),
        "_MISCLASSIFIES": ("37 errors on the 10,000", "37 epochs on the 10,000"),
        "_PLAINLY": ("our network gets only", "the first ones of"),
        "_WRONG_OF_ALL": ("Of 10,000 test images 55 are wrong", "Of 10,000 labels 55 are wrong"),
    },
    "claims.parameters": {
        "_PER_LAYER": ("the first conv has 80", "the model has 80"),
        "_ALLOWED": ("Max. number of ", "After max pooling the "),
        "_UNIT_BOUND": ("less than 20k parameters", "has 20k parameters"),
        "_BOUND_TOGETHER": ("at most 20 epochs and ", "20 epochs and "),
    },
    "claims.training_settings": {
        "_EPOCH_LABEL": ("Epochs: 15", "Epoch: 15"),
        "_SCHEDULE": ("OneCycleLR", "SGD with momentum"),
        "_EPOCH_ANSWER": ("less than 20 epochs: 15", "less than twenty epochs: 15"),
        "_BATCH": ("Batch size: 128", "Batch norm: 128"),
        "_DROPOUT": ("dropout of 0.05", "dropout after 5 layers"),
    },
    "claims.building_blocks": {
        "_SAYS_USED": ("consists of convolutions", "instead of convolutions"),
        "_NAMED": (" layers: ", " layers "),
        "_COPIED": ("Have used BN, Dropout", "We used BN and dropout"),
        "_OF_THE_SHEET": ("fully connected, with 2 inputs and 8 weights", "an FC layer of 10 outputs"),
        "_DENIES": ("without a ", "with a "),
        "_DENIED_BEHIND": (" is not used", " is used"),
    },
    "claims.sentences": {
        "_ASKS": ("## Requirements", "## Approach"),
        "_OPEN": ("Write a network such that it has", "It has 99.4 %"),
        "_ANSWERS": ("## Results", "## Targets"),
        "_LIMITS": ("| Name | Limit |", "| Name | Value |"),
        "_ITEM": ("- 99.46 %", "99.46 %"),
        "_CLEAN": ("**bold**", "a * b"),
        "_LINK": ("![curve](curve.png)", "curve.png"),
        "_END": ("It works. Then", "0.5 of it"),
        "_MEANT": ("Test accuracy", "Batch size"),
        "_FIGURE": ("~99.4", "mine"),
        "_DIGIT": ("99.4 %", "mine"),
        "_ROW_TAG": ("<tr><td>", "<track>"),
        "_CELL_OPENS": ("<td>7,840", "<tr>"),
        "_OPEN_ROW": ("<tr><td>Parameters</td>", "<tr><td>Parameters</td></tr>"),
        "_ONLY_A_FIGURE": ("**99.43%**", "mine"),
        "_RULE": ("|---|:---:|", "a line without one"),
        "_ROW_START": ("<tr><td>Parameters</td>", "<tr></tr>"),
        "_ROW_END": ("2,666</td></tr>", "2,666</td><td>"),
        "_BETWEEN_CELLS": ("Parameters</td><td>2,666", "2,666</td></tr>"),
        "_CELL_TAG": ("<table>", "<tbd>"),
    },
    "logs.lines": {
        "_SPLIT": ("Val loss", "evalue"),
        "_LABEL": ("Accuracy: ", "accelerate"),
        "_VALUE": (": 9946/10000 (99%)", " of the network"),
        "_SHORT": ("Test: 99.53%", "Test: 0.0123"),
        "_STATEMENT": ("Best accuracy", "Test accuracy"),
        "_MARKER": ("Epoch: 14", "Batch: 14"),
        "_LEADING": ("[14/20] ", "14.20 "),
        "_GROUP": ("Fold 3: Val Accuracy", "Run time 3.5 s"),
        "_SETTING": ("lr 0.1: ", "epoch 1: "),
        "_RIGHT_OF": ("9946 of 10000 correct", "14 of 20 correct"),
        "_RIGHT_SAID": ("Correct: 9946/10000", "Corrected: 9946/10000"),
        "_RIGHT_BETWEEN": ("9946 correct out of 10000", "9946 correct out of 60 batches"),
        "_PAIR": ("Train/Test acc: 97.2 / 99.4", "Train/Test split"),
        "_SAID_AFTER": ("99.41% test accuracy", "99.41% train accuracy"),
        "_OPEN": ("Test Accuracy:", "Test Accuracy: 99.4"),
        "_ALONE": ("9946/10000 (99%)", "epoch"),
        "_BOTH_PARTS": ("Train: 59012/60000 Test: 9946/10000", "Train: 59012/60000, then 9946/10000"),
        "_PROGRESS": ("Test Epoch: 3 [1280/10000 (13%)]", "Test Epoch: 3 (1280/10000)"),
        "_OF_A_BATCH": ("Test batch 3/10 accuracy", "Test epoch 3/10 accuracy"),
        "_WANTED": ("Target test accuracy", "Best test accuracy"),
        "_BAR": ("100%|####| 469/469", "99.46% of 10000"),
        "_STEPS": ("100%|####| 469/469", "99.46% of 10000"),
    },
    "logs.source.epoch_loops": {
        "_RANGE": ("for epoch in range(1, 20):", "for x, y in loader:"),
        "_KERAS": ("model.fit(x, y, epochs=15)", "model.fit(x, y)"),
        "_CALL": ("train(model, num_epochs=15)", "train(model, epoch)"),
        "_ASSIGNED": ("EPOCHS = 20  # at most", "EPOCHS == 20"),
    },
    "logs.source.followed_loops": {
        "_TRAINS": ("train_one_epoch", "test"),
        "_TESTS": ("evaluate", "value"),
        "_OF_A_TEST": ("test_loader", "train_loader"),
    },
    "logs.source.loops": {
        "_STARTS_AGAIN": ("load_state_dict", "train"),
        "_EPOCH": ("epoch", "i"),
    },
    "logs.readings": {
        "_DRESS": ("**Epoch 1**", "Epoch 1"),
    },
    "logs.runs": {
        "_MAKES_MODEL": ("model = Net().to(device)", "model.train()"),
    },
    "logs.tables": {
        "_ACCURACY": ("Test Acc", "Test loss"),
        "_TEST": ("val_acc", "interval"),
        "_TRAIN": ("train_acc", "restrained"),
        "_LOSS": ("valid_loss", "valid_acc"),
        "_ERROR_RATE": ("error_rate", "error_rate_top5"),
        "_NOT_PLAIN": ("best test acc", "test acc"),
        "_EPOCH": ("Epoch", "epoch time"),
        "_SETTING": ("optimizer", "time"),
        "_RATE": ("LR", "LR schedule"),
        "_NUMBER": ("99.46 %", "99.46 of 100"),
        "_FRACTION": ("9946/10000 (99.46%)", "14/15"),
        "_WHICH": ("14/20", "0.14"),
        "_ALONE": ("Test (%)", "Test set size"),
        "_PERCENT": ("99.46 %", "0.0351"),
    },
    "logs.training_log": {
        "_LISTS": ("[97.81, 98.36, 98.73]", "[1, 28, 28]"),
        "_TRUNCATED": ("Streaming output truncated to the last 5000 lines.", "The output was long."),
        "_EARLY": ("        break", "# no breaks"),
        "_STOPPED": ("Early stopping at epoch 12", "It stopped."),
        "_OF_ONE": ("Test accuracy of class 1: 99.82 %", "Test accuracy: 99.82 %"),
    },
    "claims.conclusion": {
        "_SCHEDULE": ("a StepLR scheduler", "a larger rate"),
        "_SENTENCE": ("It converges. Then", "0.5 is"),
        "_UNLEARNED": ("not converging fast", "not converging"),
        "_RATE": ("the learning rate", "the rating"),
        "_OF_THESE": ("High rates learn faster", "a higher rate of convergence"),
        "_MORE": ("a higher rate", "a lower rate"),
        "_LESS": ("a smaller rate", "a larger rate"),
        "_FAST": ("converges faster", "converges slowly"),
        "_SLOW": ("takes longer", "takes less"),
        "_NOT_FAST": ("does not converge any faster", "converges faster"),
    },
}
ROWS = [(m, n, *lines) for m, table in EXAMPLES.items() for n, lines in table.items()]


@pytest.mark.parametrize(("module", "name", "finds", "leaves"), ROWS, ids=[f"{m}.{n}" for m, n, _, _ in ROWS])
def test_a_pattern_finds_its_line_and_leaves_the_other(
    module: str, name: str, finds: str, leaves: str
) -> None:
    pattern = getattr(importlib.import_module(f"grader.extract.{module}"), name)
    assert pattern.search(finds)
    assert not pattern.search(leaves)


@pytest.mark.parametrize("module", EXAMPLES)
def test_every_pattern_has_its_row(module: str) -> None:
    held = vars(importlib.import_module(f"grader.extract.{module}"))
    own = {
        n
        for n, value in held.items()
        if isinstance(value, re.Pattern)
        and not (n.isupper() and not n.startswith("_") and module != "claims.context_words")
    }
    assert own == set(EXAMPLES[module])

"""Several optimizers in one notebook, and what is done to gradients before they step: whose turn it was, and how."""

import pytest

from grader.core.facts.recipe import Part, Stepping, StudentRecipe, Turn, decode_recipe
from grader.execute.engine.recipes.recipe import resolve
from tests.execute.test_notebook import HEAD, NET, TRAIN, ipynb, run
from tests.sandbox.warm import WarmWorker

pytestmark = pytest.mark.slow

DATA = """
from tqdm import tqdm
T = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_loader = torch.utils.data.DataLoader(datasets.MNIST('.', train=True, transform=T), batch_size=64,
                                           shuffle=True)
test_loader = torch.utils.data.DataLoader(datasets.MNIST('.', train=False, transform=T), batch_size=64)
def epochs(number, model, optimizer, scheduler=None):
    for _ in range(number):
        train(model, train_loader, optimizer)
        test(model, test_loader)
        if scheduler:
            scheduler.step()
model = Net(4, 0.1)
SGD = lambda rate: torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
Adam = lambda rate: torch.optim.Adam(model.parameters(), lr=rate)
"""


def recipe_of(*cells: str) -> StudentRecipe:
    found = run(WarmWorker(), {"a.ipynb": ipynb(HEAD + NET + TRAIN + DATA, *cells)})
    recipe = decode_recipe(found.recipe)
    assert recipe is not None, found.export_error
    return recipe


def shown(turn: Turn) -> tuple[str, object, int]:
    assert turn.optimizer is not None
    return turn.optimizer.kind, turn.optimizer.arguments["lr"], turn.epochs


def test_the_last_one_assigned_before_the_loop_is_the_one_that_trains() -> None:
    recipe = recipe_of("optimizer = SGD(0.1)", "optimizer = Adam(0.002)", "epochs(2, model, optimizer)")
    assert recipe.missing == ()
    assert [shown(turn) for turn in recipe.turns] == [("Adam", 0.002, 2)]


def test_two_loops_in_order_are_a_sequence_with_the_schedule_of_each() -> None:
    recipe = recipe_of(
        "optimizer = SGD(0.1)\nepochs(2, model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5))",
        "epochs(1, model, Adam(0.002))",
    )
    assert recipe.missing == ()
    assert recipe.epochs == 3
    assert [shown(turn) for turn in recipe.turns] == [("SGD", 0.1, 2), ("Adam", 0.002, 1)]
    assert [turn.stepping for turn in recipe.turns] == [Stepping.EPOCH, Stepping.NEVER]
    plan = resolve(recipe, (1, 28, 28)).plan
    assert plan is not None
    assert "from epoch 3 on Adam(lr=0.002" in plan.summary


def test_an_optimizer_made_anew_within_the_loop_is_another_one() -> None:
    recipe = recipe_of(
        "optimizer = SGD(0.1)\nfor epoch in range(3):\n    if epoch == 2:\n        optimizer = SGD(0.01)\n"
        "    epochs(1, model, optimizer)"
    )
    assert recipe.missing == ()
    assert [shown(turn) for turn in recipe.turns] == [("SGD", 0.1, 2), ("SGD", 0.01, 1)]


def test_another_network_is_no_second_turn_of_this_one() -> None:
    recipe = recipe_of("epochs(2, model, SGD(0.1))", "model = Net(4, 0.1)\nepochs(1, model, Adam(0.002))")
    assert recipe.missing == ()
    assert [shown(turn) for turn in recipe.turns] == [("Adam", 0.002, 1)]


@pytest.mark.parametrize(
    "loop",
    [
        "one, two = SGD(0.1), Adam(0.002)\nfor epoch in range(4):\n    epochs(1, model, two if epoch % 2 else one)",
        (
            "one, two = SGD(0.1), Adam(0.002)\nmodel.train()\nfor _ in range(2):\n"
            "    for number, (x, y) in enumerate(train_loader):\n        optimizer = two if number % 2 else one\n"
            "        optimizer.zero_grad()\n        F.nll_loss(model(x), y).backward()\n        optimizer.step()\n"
            "    test(model, test_loader)"
        ),
    ],
    ids=["by turns of an epoch", "within an epoch"],
)
def test_optimizers_that_come_back_are_no_sequence_and_are_named(loop: str) -> None:
    recipe = recipe_of(loop)
    assert recipe.then == ()
    assert recipe.missing == ("2 optimizers (Adam, SGD) trained the network, and not one after the other",)
    assert resolve(recipe, (1, 28, 28)).plan is None


CLIPPED = """
model.train()
for x, y in train_loader:
    optimizer.zero_grad()
    F.nll_loss(model(x), y).backward()
    CLIP
    optimizer.step()
test(model, test_loader)
"""


def test_gradients_that_every_step_clips_are_a_part_of_the_recipe() -> None:
    clip = "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)"
    recipe = recipe_of("optimizer = SGD(0.1)", CLIPPED.replace("CLIP", clip))
    assert recipe.missing == ()
    assert recipe.clipping == Part(kind="clip_grad_norm_", arguments={"max_norm": 1.0, "norm_type": 2.0})


@pytest.mark.parametrize(
    "clip",
    [
        "torch.rand(1).item() < 0.5 and torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        "torch.nn.utils.clip_grad_value_(model.conv.parameters(), 0.5)",
    ],
    ids=["some steps", "some weights"],
)
def test_gradients_that_are_clipped_now_and_then_leave_it_open(clip: str) -> None:
    recipe = recipe_of("optimizer = SGD(0.1)", CLIPPED.replace("CLIP", clip))
    assert recipe.clipping is None
    assert [m for m in recipe.missing if "clipped" in m]

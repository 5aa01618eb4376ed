"""A small network that is trained on a node, and says its epochs, as the engine trains a student's."""

import time

from grader.core.bucket import place_of
from grader.core.facts.retrain import SeedRun
from grader.core.progress import tell

EPOCHS = 6


def train(where: str) -> SeedRun:
    """Train six epochs of a few made-up digits; the state after each lies at `where`, a folder or URL.

    Each epoch takes a second more than it needs, so that a node can be lost in one of them.
    """
    import ray

    from grader.execute.engine.recipes.recipe import resolve
    from grader.execute.engine.runs.checkpoint import Checkpoint
    from grader.execute.engine.runs.seed_run import run_seed
    from tests.execute.engine.small import digits, network, recipe

    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "here"
    state = Checkpoint(place_of(where) / "run.state")
    done: list[int] = []

    def on_epoch(right: int, loss: float) -> bool:
        done.append(right)
        if len(done) > state.epochs:
            tell(f"epoch {len(done)} on {node}")
            time.sleep(1.0 if node != "here" else 0.0)
        return False

    plan = resolve(recipe(epochs=EPOCHS), (1, 28, 28), 320).plan
    return run_seed(
        network(), plan, digits(), seed=5, epochs=EPOCHS, device="cpu", on_epoch=on_epoch, checkpoint=state
    )

"""How a student trains, as data: what the sandbox worker read from the live objects. All of it is a claim.

The worker sends one JSON object with these fields (`StudentRecipe`); what it could not read it leaves out and
names in `missing`. Names and arguments are torch's and torchvision's own: `{"kind": "SGD", "arguments":
{"lr": 0.01, "momentum": 0.9}}`. Arguments are those in force (from `param_groups` and `__dict__`), with the
learning rate that the notebook started with. A list of transforms is in the order of `Compose`.
"""

from enum import Enum
from typing import Literal

import msgspec

from grader.core.facts.base import Fact

Value = None | bool | int | float | str | tuple[float, ...]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object of torch or torchvision by its class name, with its arguments."""

    kind: str
    arguments: dict[str, Value] = {}


class Stepping(Enum):
    """When the schedule of the learning rate moves on."""

    NEVER = "never"
    BATCH = "batch"
    EPOCH = "epoch"


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Epochs of a training that another optimizer took over, with weights as the one before left them."""

    epochs: int
    optimizer: Part | None = None
    scheduler: Part | None = None
    stepping: Stepping = Stepping.NEVER


class StudentRecipe(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A training recipe. `None` and 0 mean: not read.

    `optimizer` is the one that steps, the first of them where several did one after the other; `scheduler`
    the one that acts on it. `then` are the others in their order, each made anew; `epochs` counts those of
    all. `initialisation` says whether the weights were left as torch draws them. `missing` names, in words,
    what the worker could not read.
    """

    format: Literal[1] = 1
    optimizer: Part | None = None
    """SGD, Adam, AdamW, ... with lr, momentum, weight_decay, dampening, nesterov, betas, eps, alpha, amsgrad.
    """
    scheduler: Part | None = None
    """StepLR, MultiStepLR, ExponentialLR, OneCycleLR, CosineAnnealingLR, ReduceLROnPlateau, ...; None where
    there is none.
    """
    stepping: Stepping = Stepping.NEVER
    then: tuple[Turn, ...] = ()
    clipping: Part | None = None
    """clip_grad_norm_ or clip_grad_value_ before every step; None where gradients stay as they are."""
    loss: Part | None = None
    """nll (on log-probabilities) or cross-entropy, with label_smoothing."""
    batch_size: int = 0
    drop_last: bool = False
    shuffle: bool = True
    epochs: int = 0
    training_transform: tuple[Part, ...] | None = None
    test_transform: tuple[Part, ...] | None = None
    default_initialisation: bool = True
    seed: int | None = None
    missing: tuple[str, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Every optimizer with the epochs that it trained, the first included."""
        own = self.epochs - sum(turn.epochs for turn in self.then)
        first = Turn(epochs=own, optimizer=self.optimizer, scheduler=self.scheduler, stepping=self.stepping)
        return (first, *self.then)


def decode_recipe(payload: bytes) -> StudentRecipe | None:
    """The recipe of a notebook run; None where none was read or what came is no recipe."""
    if not payload:
        return None
    try:
        return msgspec.json.decode(payload, type=StudentRecipe)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


class RecipeFacts(Fact, frozen=True, kw_only=True):
    """How the main notebook trained when we ran it. That it ran so is a fact; every value is the worker's
    word.
    """

    artefact: str
    recipe: StudentRecipe

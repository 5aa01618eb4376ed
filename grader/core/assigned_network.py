"""The network whose gradients the assignment asks for: a description from which everything else is made.

The 2-2-2 network of the class sheet is `AssignedNetwork()`; a rubric describes another in `[network]`.
"""

import re
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import msgspec

from grader.core import class_sheet


class Bias(Enum):
    """Which biases the units have."""

    NONE = "none"
    LAYER = "layer"
    """One that all units of a layer share, as in Mazur's example."""
    UNIT = "unit"


class Activation(Enum):
    """What a layer makes of its sums."""

    SIGMOID = "sigmoid"
    TANH = "tanh"
    RELU = "relu"
    LINEAR = "linear"
    SOFTMAX = "softmax"
    """Only of the outputs."""


class Loss(Enum):
    """What E is of outputs a and targets t."""

    HALF_SQUARED = "half-squared"
    """E = Σ ½ (t - a)²."""
    SQUARED = "squared"
    """E = Σ (t - a)²."""
    MEAN_SQUARED = "mean-squared"
    """E = Σ (t - a)² / n."""
    CROSS_ENTROPY = "cross-entropy"
    """E = -Σ t ln a after a softmax, -Σ (t ln a + (1-t) ln(1-a)) after another activation."""


class Numbering(Enum):
    """How the weights of a layer are counted."""

    TARGET = "target"
    """First those that lead to the first unit: h1 = w1 i1 + w2 i2."""
    SOURCE = "source"
    """First those that leave the first input: h1 = w1 i1 + w3 i2."""


GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
"""Greek letters that weights and biases may be called by, with their words."""
_OWN_NAME = re.compile(r"([^\W\d_]{1,8})_?\d{1,2}(?:_\d{1,2})?")
_TAKEN = frozenset("ahiotxyzed")
"""Letters of other quantities: a weight h1 could not be told from a hidden unit."""


def _misnamed(
    field: str, given: tuple[str, ...], names: tuple[str, ...], others: tuple[str, ...]
) -> list[str]:
    """Return what is wrong with the names that a rubric gives to weights or biases, in sentences."""
    if not given:
        return []
    if len(given) != len(names):
        return [f"{field} must be {len(names)} names, one for each of {', '.join(names)}; got {len(given)}"]
    plain = [name.replace("_", "").lower() for name in given]
    wrong = [] if len(set(plain)) == len(plain) else [f"{field} names two alike: {', '.join(given)}"]
    for name, bare, own in zip(given, plain, names, strict=True):
        match = _OWN_NAME.fullmatch(name)
        if match is None or match[1].lower() in _TAKEN:
            wrong.append(f"{field} are letters and a number, as in v11 or theta_3, and not {name}")
        elif bare != own and bare in (*names, *others):
            wrong.append(f"{field} calls {own} {name}: say in numbering how the weights are counted")
    return wrong


class Unit(NamedTuple):
    """One unit: what it sums, what it is called before and after its activation."""

    sum: str
    output: str
    layer: int
    """Index of its layer, 0 for the first hidden one."""
    terms: tuple[tuple[str, str], ...]
    """(weight, input) of each product in its sum."""
    bias: str
    """Empty where it has none."""


class AssignedNetwork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Layers, biases, activations, loss and numbering; names follow from them.

    Inputs are i1, i2, …; hidden sums h1, h2, … (counted on through all hidden layers), output sums o1, …;
    what the activation makes of them a_h1, a_o1; targets t1, …; losses of one output E1, … and E; weights w1,
    w2, … layer after layer; biases b1, b2, ….
    """

    layers: tuple[int, ...] = class_sheet.LAYERS
    bias: Bias = Bias.NONE
    train_biases: bool = False
    """Whether a step of training changes the biases too."""
    activations: tuple[Activation, ...] = (Activation.SIGMOID, Activation.SIGMOID)
    loss: Loss = Loss.HALF_SQUARED
    numbering: tuple[Numbering, ...] = ()
    """One a layer of weights; none where all are counted by their target."""
    weight_names: tuple[str, ...] = ()
    """What the assignment calls w1, w2, …, in this order: `v11`, `theta_3`; none where it calls them so."""
    bias_names: tuple[str, ...] = ()
    """What it calls b1, b2, …."""

    def faults(self) -> list[str]:
        """Return what is wrong with the description, in sentences."""
        wrong: list[str] = []
        if not 3 <= len(self.layers) <= 5 or not all(1 <= n <= 4 for n in self.layers):
            wrong.append(
                "layers is inputs, 1 to 3 hidden layers and outputs, 1 to 4 units each, "
                f"as in {list(class_sheet.LAYERS)}; got {list(self.layers)}"
            )
        elif len(self.activations) != len(self.layers) - 1:
            wrong.append(f"activations names one a layer, {len(self.layers) - 1} here")
        if Activation.SOFTMAX in self.activations[:-1]:
            wrong.append("softmax is an activation of the outputs alone")
        if self.numbering and len(self.numbering) != len(self.layers) - 1:
            wrong.append(f"numbering names one a layer of weights, {len(self.layers) - 1} here, or none")
        last = self.activations[-1:] or (Activation.SIGMOID,)
        if self.loss is Loss.CROSS_ENTROPY and last[0] not in (Activation.SIGMOID, Activation.SOFTMAX):
            wrong.append("cross-entropy wants outputs between 0 and 1: sigmoid or softmax")
        return wrong or [
            *_misnamed("weight_names", self.weight_names, self.weights, self.biases),
            *_misnamed("bias_names", self.bias_names, self.biases, self.weights),
        ]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """i1, i2, …."""
        return tuple(f"i{k}" for k in range(1, self.layers[0] + 1))

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """t1, t2, …."""
        return tuple(f"t{k}" for k in range(1, self.layers[-1] + 1))

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """w1, w2, …, layer after layer."""
        return tuple(f"w{k}" for k in range(1, sum(a * b for a, b in pairwise(self.layers)) + 1))

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Every unit, layer after layer."""
        return tuple(self._units())

    @cached_property
    def biases(self) -> tuple[str, ...]:
        """b1, b2, …, each once."""
        return tuple(dict.fromkeys(unit.bias for unit in self.units if unit.bias))

    @cached_property
    def outputs(self) -> tuple[Unit, ...]:
        """The units of the last layer."""
        return self.units[-self.layers[-1] :]

    @cached_property
    def hidden(self) -> tuple[Unit, ...]:
        """The units of the hidden layers."""
        return self.units[: -self.layers[-1]]

    @cached_property
    def losses(self) -> tuple[str, ...]:
        """E1, E2, …."""
        return tuple(f"E{k}" for k in range(1, self.layers[-1] + 1))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """What is given: weights, biases, inputs, targets."""
        return (*self.weights, *self.biases, *self.inputs, *self.targets)

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """Every quantity by its canonical name: the leaves, sums, activations and losses."""
        sums = tuple(unit.sum for unit in self.units)
        return (*self.leaves, *sums, *(unit.output for unit in self.units), *self.losses, "E")

    @property
    def softmax(self) -> bool:
        """Whether every output depends on every output sum."""
        return self.activations[-1] is Activation.SOFTMAX

    def activation(self, unit: Unit) -> Activation:
        """Return the activation of a unit's layer."""
        return self.activations[unit.layer]

    def _units(self) -> Iterator[Unit]:
        before: tuple[str, ...] = self.inputs
        weight = hidden = bias = 0
        last = len(self.layers) - 2
        for layer, (n_in, n_out) in enumerate(pairwise(self.layers)):
            made: list[str] = []
            by_target = not self.numbering or self.numbering[layer] is Numbering.TARGET
            for j in range(n_out):
                name = f"o{j + 1}" if layer == last else f"h{hidden + j + 1}"
                numbers = [weight + (j * n_in + k if by_target else k * n_out + j) + 1 for k in range(n_in)]
                b = {Bias.NONE: "", Bias.LAYER: f"b{layer + 1}", Bias.UNIT: f"b{bias + j + 1}"}[self.bias]
                terms = tuple((f"w{w}", x) for w, x in zip(numbers, before, strict=True))
                yield Unit(name, f"a_{name}", layer, terms, b)
                made.append(f"a_{name}")
            weight, bias, before = weight + n_in * n_out, bias + n_out, tuple(made)
            hidden += n_out if layer != last else 0


CLASS_NETWORK = AssignedNetwork()
"""The 2-2-2 sigmoid network of the class sheet."""


_COUNTS = ("no", "one", "two", "three", "four")
_ACTIVATED = {
    Activation.SIGMOID: "sigmoids",
    Activation.TANH: "tanh",
    Activation.RELU: "ReLU",
    Activation.LINEAR: "no activation",
    Activation.SOFTMAX: "a softmax",
}
_BIASED = {Bias.NONE: "no biases", Bias.LAYER: "a bias a layer", Bias.UNIT: "a bias a unit"}
_LOST = {
    Loss.HALF_SQUARED: "half the squared error",
    Loss.SQUARED: "the squared error",
    Loss.MEAN_SQUARED: "the mean squared error",
    Loss.CROSS_ENTROPY: "the cross-entropy",
}


def described(network: AssignedNetwork) -> str:
    """Return what a network is made of, in words."""

    def many(n: int, one: str) -> str:
        return f"{_COUNTS[n] if n < len(_COUNTS) else n} {one}{'s' * (n != 1)}"

    sizes = (
        f"{many(len(network.inputs), 'input')}, {many(len(network.hidden), 'hidden neuron')} "
        f"and {many(len(network.outputs), 'output')}"
    )
    kinds = [_ACTIVATED[kind] for kind in dict.fromkeys(network.activations)]
    return f"{sizes} with {', then '.join(kinds)}, {_BIASED[network.bias]}, and {_LOST[network.loss]}"


def up_to(n: int) -> str:
    """A pattern of the numbers 1 to n, longer ones first."""
    if n < 10:
        return f"[1-{n}]" if n > 1 else "1"
    return "(?:" + "|".join(str(k) for k in range(n, 0, -1)) + ")"

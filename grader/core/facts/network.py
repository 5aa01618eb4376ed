"""What a network is: read off its exported graph, never off its source or a printed summary."""

from enum import Enum

import msgspec

from grader.core.facts.base import Fact


class GapKind(Enum):
    """How the network gets from a map to a vector; the first that is found in this order describes the
    network.
    """

    FULL = "full"
    """Every position of a map larger than 1x1 is averaged with the same weight, on the way to the output."""
    CROP = "crop"
    """An average down to 1x1 that ignores a part of the map: a window smaller than the map."""
    NO_OP = "no-op"
    """An average over a map that already is 1x1."""
    ATTENTION_ONLY = "attention-only"
    """A full average, but only inside a block that multiplies it back onto a map."""
    MAX = "max"
    """A maximum over the whole map."""
    CONV_COLLAPSE = "conv-collapse"
    """A convolution as large as the map."""
    ABSENT = "absent"


class Where(Enum):
    """Where a reduction to 1x1 stands."""

    HEAD = "head"
    """On a path to the output along which no map is larger than 1x1 again."""
    ATTENTION = "attention"
    """All paths from it meet a larger map again."""


class DropoutKind(Enum):
    """What one draw of a dropout zeroes."""

    ELEMENT = "element"
    CHANNEL = "channel"


class Effect(Enum):
    """What the answers of the network do when a layer is replaced, in training mode with random weights."""

    CLEAR = "clear"
    FAINT = "faint"
    """More than rounding, and less than a thousandth of what another image changes; or clear under some
    conditions and nothing under others.
    """
    NONE = "none"
    """Nothing beyond rounding: the network computes the same without the layer."""
    UNMEASURED = "unmeasured"
    """The network has too many layers, or is too large, to be run once for each."""
    ALIKE = "alike"
    """It moves or scales the ten answers of an image together: no digit is told otherwise."""
    UNHEARD = "unheard"
    """Clear with random weights, and nothing with those that the notebook's own training left."""
    STORED = "stored"
    """A batch normalisation by stored statistics in training too."""
    UNFED = "unfed"
    """A batch normalisation of what is the same for every image."""
    ONE_NUMBER = "one-number"
    """A global average of a map with one number a channel, repeated or alone among constants."""
    PIXELS = "pixels"
    """A global average of the image's own pixels, in front of every convolution and fully connected layer."""
    TRAINING_ONLY = "training-only"
    """The network that answers, in evaluation mode, computes the same without it or does not have it."""


class OutputKind(Enum):
    """What the ten numbers of the output are."""

    LOGITS = "logits"
    LOG_SOFTMAX = "log-softmax"
    PROBABILITIES = "probabilities"
    OVER_BATCH = "softmax-over-batch"
    """Normalised over the images of a batch: the answer for one digit depends on its neighbours."""


class Modes(Enum):
    """How the training graph, switched to evaluation by us, compares with the graph that evaluation really
    runs.
    """

    SAME = "same"
    DROPOUT_ACTIVE = "dropout-active"
    """They differ in nothing but dropout that stays on in evaluation."""
    DIFFERENT = "different"


class Layer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One operator of the live graph that is more than a change of shape.

    Shapes are without the batch: (channels, height, width) or (features,). `parameters` counts what this call
    reads, so a shared tensor stands in every call but counts once in the totals. `feeds_on` are positions in
    `layers` (-1: the image). `receptive_field` is in pixels of the image, 0 where there is no map. `distance`
    is the largest number of convolutions and fully connected layers between it and the output.
    """

    index: int
    operator: str
    module: str
    """Path of the module that owns its tensors, empty without tensors."""
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    feeds_on: tuple[int, ...]
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 0
    """Of a convolution or a group normalisation; 0 for others."""
    receptive_field: int = 0
    distance: int = 0
    flops: int = 0
    """Floating-point operations a digit, forward."""


class BatchNorm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch normalisation whose result reaches the output."""

    layer: int
    features: int
    batch_statistics_in_eval: bool
    distance: int
    effect: Effect = Effect.CLEAR


class Dropout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dropout whose result reaches the output. `p` is the probability of a zero; `layer` is -1 where it is
    only in evaluation.
    """

    layer: int
    p: float
    kind: DropoutKind
    active_in_training: bool
    active_in_eval: bool
    distance: int
    effect: Effect = Effect.CLEAR


class Pooling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A maximum or average pooling that leaves a map larger than 1x1."""

    layer: int
    operator: str
    distance: int


class Reduction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step from a map to 1x1, or an average over what already is 1x1. `map` is (height, width) before it.

    `window` is the part of the map that it reads, (height, width).
    """

    layer: int
    kind: GapKind
    operator: str
    map: tuple[int, int]
    window: tuple[int, int]
    where: Where
    effect: Effect = Effect.CLEAR


class Linear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fully connected layer. `map` is the (height, width) of the feature map that was flattened into it,
    (1, 1) for none.
    """

    layer: int
    inputs: int
    outputs: int
    bias: bool
    map: tuple[int, int] = (1, 1)
    effect: Effect = Effect.CLEAR


class PointConvolution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A convolution on a 1x1 map: by function a fully connected layer."""

    layer: int
    inputs: int
    outputs: int
    effect: Effect = Effect.CLEAR


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter that the module declares: a claim."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """Number of elements."""
        total = 1
        for extent in self.shape:
            total *= extent
        return total


class NetworkFacts(Fact, frozen=True, kw_only=True):
    """The live network: what the output really depends on, counted from the graph that we evaluate and
    retrain.
    """

    artefact: str = ""
    """The notebook or source file that made it."""
    name: str
    graph: str
    """SHA-256 over the canonical graph: equal networks have equal digests, whatever their modules are called.
    """
    declared_parameters: int
    """What `model.parameters()` sums to: a claim, which can only raise the count that is ruled on."""
    parameters: int
    """Trainable numbers that the output depends on."""
    constants: int
    """Fixed numbers (buffers, tensor constants) that the output depends on, statistics of normalisations
    apart.
    """
    unused: tuple[Declared, ...] = ()
    """Declared parameters that the output does not depend on."""
    reused: tuple[str, ...] = ()
    """Parameters that more than one layer reads."""
    input_shape: tuple[int, ...]
    """Of one digit."""
    output: OutputKind
    outputs: int
    """Numbers in the output for one digit."""
    modes: Modes
    modes_difference: str = ""
    static_batch: int = 0
    """The only batch size that the network accepts; 0 where any is fine."""
    batchnorm: tuple[BatchNorm, ...] = ()
    dropout: tuple[Dropout, ...] = ()
    pooling: tuple[Pooling, ...] = ()
    gap: GapKind = GapKind.ABSENT
    reductions: tuple[Reduction, ...] = ()
    linear: tuple[Linear, ...] = ()
    point_convolutions: tuple[PointConvolution, ...] = ()
    activations: dict[str, int] = {}
    """How often each activation function is applied, by its operator."""
    receptive_field: int = 0
    """Of the last map larger than 1x1, in pixels of the image."""
    beyond_receptive_field: tuple[str, ...] = ()
    """Operators that may let a map see more than was counted."""
    flops: int = 0
    """Floating-point operations of one forward pass for one digit."""
    layers: tuple[Layer, ...] = ()
    dead: tuple[str, ...] = ()
    """Operators that run and whose result is discarded (a claim of the worker, for explanations)."""

    @property
    def counted(self) -> int:
        """The number of parameters that a budget is ruled on."""
        return max(self.parameters, self.declared_parameters)

    @property
    def averaged_at_once(self) -> Layer | None:
        """The 1x1 convolution whose map global average pooling reads, with nothing but dropout between.

        By function it is a fully connected layer behind the pooling: an average and a 1x1 convolution may
        change places.
        """
        by_index = {layer.index: layer for layer in self.layers}
        for item in self.reductions:
            if item.kind is not GapKind.FULL or item.where is not Where.HEAD or item.effect is Effect.NONE:
                continue
            layer = _only_source(by_index.get(item.layer), by_index)
            while layer is not None and "dropout" in layer.operator:
                layer = _only_source(layer, by_index)
            if layer is not None and layer.operator == "conv2d" and layer.kernel == (1, 1):
                return layer
        return None

    @property
    def whole_map_convolution(self) -> Layer | None:
        """The convolution as large as its map at the head: by function a fully connected layer on the
        flattened map.
        """
        by_index = {layer.index: layer for layer in self.layers}
        for item in self.reductions:
            if item.kind is GapKind.CONV_COLLAPSE and item.where is Where.HEAD and item.window == item.map:
                return by_index.get(item.layer)
        return None


def _only_source(layer: Layer | None, by_index: dict[int, Layer]) -> Layer | None:
    return by_index.get(layer.feeds_on[0]) if layer is not None and len(layer.feeds_on) == 1 else None

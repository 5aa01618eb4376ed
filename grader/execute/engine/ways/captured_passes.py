"""The passes forward and back of a training as one captured CUDA graph, replayed for every batch of one
shape, where the whole step could not be captured.

A replay launches all kernels at once (`torch.cuda.make_graphed_callables`). Batches of another shape,
evaluation, and whatever cannot be captured or does not agree with the ordinary pass go the ordinary way.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.execute.engine.ways.equivalence_check import agree, step_of
from grader.execute.graph.schema import first_line

Grapher = Callable[[nn.Module, tuple[Tensor, ...]], nn.Module]
"""Makes a module that replays; it may take over the forward method of the one that it is given."""


class Captured(nn.Module):
    """A module whose training pass is captured at its first batch; `refused` says why it was not.

    Its state is that of the module alone: what was captured holds the same tensors, and another process
    captures anew.
    """

    def __init__(self, model: nn.Module, grapher: Grapher) -> None:
        super().__init__()
        self.model = model
        self.refused = ""
        self._grapher = grapher
        self._held: tuple[nn.Module, ...] = ()  # a tuple, so that torch takes it for no part of this module
        self._shape: torch.Size | None = None

    @property
    def replay(self) -> nn.Module | None:
        """What replays the batches; None where nothing was captured."""
        return self._held[0] if self._held else None

    def forward(self, images: Tensor) -> Tensor:
        """One pass in the current mode."""
        if self.training and self._shape is None:
            self._shape = images.shape
            captured = self._capture(images)
            self._held = () if captured is None else (captured,)
        replay = self.replay if self.training and images.shape == self._shape else None
        answers: Tensor = self.model(images) if replay is None else replay(images)
        return answers

    def _capture(self, images: Tensor) -> nn.Module | None:
        """Capture, and compare two batches with the ordinary pass; nothing of the training is disturbed."""
        kept = [value.clone() for value in self.model.buffers()]
        state = random_state(images.device)
        try:
            replay = self._grapher(_Shell(self.model), (images.detach().clone(),))
            # The batch of the capture and another one: a replay of stale inputs answers both alike.
            for batch in (images, images.flip(0) * 0.5):
                set_random_state(images.device, state)
                expected = step_of(self.model, batch)
                set_random_state(images.device, state)
                if not agree(step_of(replay, batch), expected):
                    self.refused = "the captured graph does not compute what the network computes"
                    return None
            if _draws(self.model, images) and not _draws(replay, images):
                self.refused = "the captured graph repeats its random numbers"
                return None
        except RuntimeError as error:
            self.refused = not_captured(error)
            return None
        finally:
            set_random_state(images.device, state)
            with torch.no_grad():
                for value, own in zip(kept, self.model.buffers(), strict=True):
                    own.copy_(value)
        return replay


class _Shell(nn.Module):
    """What is captured: capturing takes over a module's forward method, and the network keeps its own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        answers: Tensor = self.model(images)
        return answers


def not_captured(error: RuntimeError) -> str:
    """Why nothing was captured, in one line."""
    return f"no graph could be captured: {first_line(error)}"


def passes_on_cuda(model: nn.Module, sample: tuple[Tensor, ...]) -> nn.Module:
    """Capture the passes of a module for batches of one shape."""
    captured = torch.cuda.make_graphed_callables(model, sample, allow_unused_input=True)
    assert isinstance(captured, nn.Module)
    return captured


def _draws(model: nn.Module, images: Tensor) -> bool:
    """Whether two passes over the same digits differ; a replay writes the second over the first."""
    first = model(images).detach().clone()
    return not torch.equal(first, model(images))


def random_state(device: torch.device) -> Tensor:
    """Where the random numbers of a device stand."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(device: torch.device, state: Tensor) -> None:
    """Put them back there."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)

"""A notebook run whole: on all digits that it may have, with the weights of its network sent out after every
epoch.

A network that cannot leave as data answers the true test images instead, which then came in without their
labels.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import safetensors.torch
from torch.utils.data import dataloader

from . import loader, measure, mnist_stub, patches
from .cells import Cell
from .channel import Channel
from .session import Session
from .tracker import Trained

MOST_EPOCHS = 100
LARGEST_EPOCH = (2 << 20) - 1024
"""Bytes of the weights in one frame; a network of this assignment has 80,000."""


def _of_data(about: mnist_stub.About) -> dict[str, str]:
    """What is changed about a data set of which the training images are there, a sixth of them held out."""
    test = about.training_images // 6
    train = about.training_images - test
    return {
        "mnist": f"torchvision.datasets.{about.torchvision} serves {train:,} training digits, and the other "
        f"{test:,} as the test split",
        "dataset-slice": f"indices and lengths meant for {about.training_images:,} digits were scaled to the "
        f"{train:,} that are there",
    }


class Whole(Session):
    """A session whose digits are all there, and whose training is watched epoch by epoch."""

    def __init__(
        self,
        digits: bytes | None,
        limits: dict[str, Any],
        about: mnist_stub.About,
        channel: Channel,
        queries: bytes | None = None,
    ) -> None:
        super().__init__(digits, limits, about)
        patches.WHAT.update(_of_data(about))
        loader.install(self._ledger, self._mnist)
        self._watch = Watch(self, channel, measure.Asker(queries, about) if queries else None)

    def run(self, cell: Cell) -> dict[str, Any]:
        """As ever; a pass in which the time ran out is no epoch."""
        found = super().run(cell)
        if found["status"] == "timeout":
            self._watch.close(cut=True)
        return found

    def left_running(self, cell: Cell) -> dict[str, Any]:
        """As ever; its pass is no epoch either."""
        self._watch.close(cut=True)
        return super().left_running(cell)

    def finish(self, run: dict[str, Any], channel: Channel) -> None:
        """What was trained after the last whole pass leaves too where it is nearly one; then as ever."""
        self._watch.close(cut=False)
        super().finish(run, channel)
        run["notes"].extend(self._watch.notes)


class Watch:
    """Sends the weights, or with an asker the answers, whenever a pass over training digits has ended.

    The weights are those that the tracker copied after the last optimizer step, so whatever the notebook does
    between the end of a pass and its notice (its own test loop, say) changes nothing, and no random number is
    drawn.
    """

    def __init__(self, session: Session, channel: Channel, asker: measure.Asker | None = None) -> None:
        self._recorder = session._recorder
        self._tracker = session._tracker
        self._mnist = session._mnist
        self._channel = channel
        self._asker = asker
        self._test_set: Any = None
        """The last test split that the notebook made; its first pass over it comes after the first epoch."""
        self._moved: Trained | None = None
        """The network that the open pass has moved since the last frame."""
        self._iterator: Any = None
        self._batches = 0
        """Backward passes since the last frame."""
        self._models: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._left: set[int] = set()
        self._tangled = False
        self._sent = 0
        self.notes: list[str] = []
        session._tracker.on_backward.append(self._before)
        session._tracker.on_step.append(self._step)
        watch = self

        def following(iterator: Any) -> Any:
            try:
                return original(iterator)
            except StopIteration:
                with suppress(Exception):
                    if iterator is watch._iterator:
                        watch.flush(ended=True)
                raise

        original = session._ledger.patch(dataloader._BaseDataLoaderIter, "__next__", following)

        def init(dataset: Any, *args: Any, **kwargs: Any) -> None:
            made(dataset, *args, **kwargs)
            if not dataset.train:
                watch._test_set = dataset

        made = session._ledger.patch(session._mnist, "__init__", init)

    def _before(self, known: Trained, _tensors: Any) -> None:
        """A backward pass on a batch of another iterator: the pass before was left by `break`."""
        now, moved = self._recorder._iterator, self._moved
        if moved is not None and (now is not self._iterator or known.module is not moved.module):
            if id(now) in self._left:
                self._tangled = True  # an iterator that was left goes on: several are read in turn
            self._left.add(id(self._iterator))
            if not self._tangled and self._nearly_whole():
                self.flush(ended=False)
        self._batches += 1

    def _nearly_whole(self) -> bool:
        """Whether the pass that was left got to half of its batches; one batch an iterator is no epoch."""
        try:
            return 2 * self._batches >= len(self._iterator._grader_loader)
        except (AttributeError, TypeError):
            return False

    def _step(self, known: Trained, _optimizer: Any) -> None:
        self._moved = known
        self._iterator = self._recorder._iterator

    def close(self, *, cut: bool) -> None:
        """The last pass: one that was broken off is no epoch, but batches that come from no loader have no
        other end.
        """
        if self._moved is None:
            return
        if self._iterator is None or (self._nearly_whole() and not cut):
            self.flush(ended=False)
        else:
            self._moved, self._batches = None, 0
            self._note("the last pass over the digits was not finished and is not scored")

    def flush(self, *, ended: bool) -> None:
        """Send what has been trained since the last frame, if anything has. `ended`: the iterator was
        exhausted.
        """
        known, self._moved, self._batches = self._moved, None, 0
        if known is None:
            return
        try:
            self._send(known, ended=ended)
        except Exception as fault:  # watching must never break a cell
            self._note(f"weights of an epoch could not be sent: {type(fault).__name__}: {fault}")

    def _send(self, known: Trained, *, ended: bool) -> None:
        if self._tangled:
            self._note(
                "batches of several loaders are read in turn, so epochs could not be told apart for sure"
            )
        if not any(module is known.module for module in self._models):
            self._models.append(known.module)
        model = next(i for i, module in enumerate(self._models) if module is known.module)
        self._numbers[model] = self._numbers.get(model, 0) + 1
        if self._sent >= MOST_EPOCHS:
            self._note(f"more than {MOST_EPOCHS} epochs: the later ones were not scored")
            return
        head = {"model": model, "number": self._numbers[model], "steps": known.steps, "ended": ended}
        if self._asker is not None:
            self._answer(known, head, self._asker)
            return
        if known.state is None:
            self._note("the network is too large to be scored after every epoch")
            return
        weights = safetensors.torch.save({name: value.contiguous() for name, value in known.state.items()})
        if len(weights) > LARGEST_EPOCH:
            self._note("the network is too large to be scored after every epoch")
            return
        with _uninterrupted():
            self._channel.send("epoch", _headed(head) + weights)
        self._sent += 1

    def _answer(self, known: Trained, head: dict[str, Any], asker: measure.Asker) -> None:
        """Send the answers of the network as it was after its last step, or why there are none."""
        transform, fault, answers = self._test_transform(), "", b""
        try:
            with self._tracker.unwatched():
                like = self._tracker.examples.get(id(known.module))
                found = asker.ask(known.module, known.state, transform, like)
            answers = measure.payload(found, self._sent + 1)
        except measure.NotMeasurable as reason:
            fault = str(reason)[:300]
        except Exception as reason:  # student code runs in there
            fault = f"{type(reason).__name__}: {reason}"[:300]
        head |= {"fault": fault, "scored_with": "reference" if transform is None else "student"}
        with _uninterrupted():
            self._channel.send("epoch", _headed(head))
            if answers:
                self._channel.send("logits", answers)
        self._sent += 1

    def _test_transform(self) -> Any:
        """That of the test split in the last finished pass without training, else of the last test split that
        was made.
        """
        loader = self._recorder.test_loader
        tested = None if loader is None else mnist_stub.slice_of(loader.dataset, self._mnist)
        dataset = self._test_set if tested is None or tested.train else tested
        return getattr(dataset, "transform", None)

    def _note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < 20:
            self.notes.append(text[:300])


def _headed(head: dict[str, Any]) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "little") + text


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """No time limit of a cell strikes in the middle of a frame: half a frame would make the rest
    unreadable.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows has no such alarm either
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""What a notebook that runs whole sends after each epoch: a head, and the weights, or the answers to images
without labels.
"""

from typing import NamedTuple

import msgspec

from grader.core.facts.notebook import Count
from grader.core.facts.reproduced import ScoredWith
from grader.sandbox.api import Frame

MOST_EPOCHS = 100


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands before the weights of an epoch, or before its answers. All of it a claim: it sorts them and
    no more.
    """

    model: Count
    number: Count
    steps: Count
    ended: bool
    fault: str = ""
    """Why there are no answers."""
    scored_with: ScoredWith = ScoredWith.STUDENT
    """Whose transform made the images that were answered."""


class Sent(NamedTuple):
    """One epoch as it came."""

    head: Head
    weights: bytes
    answers: tuple[bytes, ...]
    """Payloads of the logits frames after it; an honest worker sends one, or none."""


def read_epochs(frames: tuple[Frame, ...], notes: list[str]) -> list[Sent]:
    """Read at most `MOST_EPOCHS` epochs; what has another form is noted and left out."""
    found: list[Sent] = []
    for frame in frames:
        if frame.kind == "logits" and found:
            found[-1] = found[-1]._replace(answers=(*found[-1].answers, frame.payload))
        if frame.kind != "epoch":
            continue
        size = int.from_bytes(frame.payload[:4], "little")
        try:
            head = msgspec.json.decode(frame.payload[4 : 4 + size], type=Head)
        except (msgspec.DecodeError, ValueError, RecursionError):
            notes.append("an epoch came in a form that our worker does not send")
            continue
        found.append(Sent(head, frame.payload[4 + size :], ()))
    if len(found) > MOST_EPOCHS:
        notes.append(f"more than {MOST_EPOCHS} epochs: the later ones were not scored")
    return found[:MOST_EPOCHS]

"""Whether the network that left the sandbox answers as the one that ran there, on images that it had not
seen.

A recorded graph is what a few passes did. The worker compares it with the network before it sends it; here it
is done again, on the side that is believed, with the interpreter that everything else uses.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch

from grader.core.facts.notebook import ExportFrame
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import load_network
from grader.execute.graph.schema import InvalidNetwork, refusing
from grader.execute.measure import TOLERANCE, BadAnswers, Compared, Query, distance, read_answers
from grader.sandbox.worker.measure import unseen
from grader.sandbox.worker.mnist_stub import About

LARGEST_IMAGE = 1 << 18
"""Numbers of one image that is asked about; 224x224 in three colours are 150,528."""
OTHERWISE = (
    "the network that left the sandbox answers otherwise than the one that ran there "
    "(by {apart:.2g} on {count} images that it had not seen)"
)


def compare(frames: tuple[ExportFrame, ...], answers: bytes, asked: Query) -> Compared:
    """The same as `otherwise`, as what a fork of the warm process can answer."""
    try:
        return Compared(apart=otherwise(((f.kind, f.payload) for f in frames), answers, asked))
    except BadAnswers as fault:
        return Compared(bad_answers=str(fault))


def otherwise(frames: Iterable[tuple[str, bytes]], answers: bytes, asked: Query) -> str:
    """Say how the exported network differs from the `answers` of the one in the sandbox; empty where it does
    not.

    A network that cannot be rebuilt is not compared: whoever needs it says why.

    Raises:
        BadAnswers: what came back are no answers to these images.

    """
    try:
        with refusing("the exported network cannot be asked"):
            network = load_network(frames)
            if math.prod(network.image) > LARGEST_IMAGE:
                return ""
            images = unseen(asked.blob, torch.Size(network.image), About.of(asked.data.seen_inside()))
            rebuilt = GraphNetwork(network, network.tensors, keep_eval_dropout=True).eval()
            with torch.no_grad():
                found = np.concatenate([np.asarray(rebuilt(batch).float()) for batch in images])
    except InvalidNetwork:
        return ""
    _, wanted = read_answers(answers, sum(len(batch) for batch in images), asked.classes)
    apart = distance(found, wanted) if found.shape == wanted.shape else math.inf
    return "" if apart <= TOLERANCE else OTHERWISE.format(apart=apart, count=len(wanted))

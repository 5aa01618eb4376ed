"""MNIST for the trusted side: all 60,000 and the true 10,000, which no student process ever sees."""

import hashlib

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.execute.digits import places
from reference import mnist


def load_mnist(settings: Settings) -> mnist.Mnist:
    """Find, read and verify MNIST in the usual places (`digits.places`).

    Raises Unavailable: skipped where there is none, with the command that gets it; unknown where it is
    damaged.
    """
    reason = ""
    for place in places(settings):
        try:
            return mnist.load(place)
        except mnist.MnistMissing as error:
            reason = reason or str(error)
        except mnist.MnistDamaged as error:
            raise Unavailable(f"MNIST is damaged: {error}", Verdict.UNKNOWN) from error
    raise Unavailable(f"no MNIST: {reason}", Verdict.SKIPPED)


def digest(data: mnist.Mnist) -> str:
    """SHA-256 over the digits and answers that a training sees."""
    total = hashlib.sha256()
    for array in data:
        total.update(repr((array.shape, str(array.dtype))).encode())
        total.update(array.tobytes())
    return total.hexdigest()

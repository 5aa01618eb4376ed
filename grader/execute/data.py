"""A data set for the trusted side: all training images and the true test images, which no student process
ever sees.
"""

import hashlib

import msgspec

from grader.core.assigned_data import MNIST, DataSet
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.execute.digits import files_of, places
from reference import mnist

INK = 255
"""The largest value of a pixel."""


def load_images(settings: Settings, data: DataSet = MNIST) -> mnist.Mnist:
    """Find, read and verify a data set in the usual places (`digits.places`).

    Raises Unavailable: skipped where there is none, with the command that gets it, or where it cannot be read
    here; unknown where it is damaged.
    """
    if not data.trainable:
        raise Unavailable(
            f"{data.title} is described without files that we read, so no network is trained on it again: "
            "its network is looked into and counted",
            Verdict.SKIPPED,
        )
    reason, files = "", files_of(data)
    for place in places(settings, data):
        try:
            return _as_described(mnist.load(place, files), data)
        except mnist.MnistMissing as error:
            reason = reason or str(error)
        except mnist.MnistDamaged as error:
            raise Unavailable(f"{data.title} is damaged: {error}", Verdict.UNKNOWN) from error
    raise Unavailable(f"no {data.title}: {reason}", Verdict.SKIPPED)


def _as_described(found: mnist.Mnist, data: DataSet) -> mnist.Mnist:
    """Raise Unavailable (unknown) where files hold other counts or classes than the rubric says."""
    counts = len(found.train_labels), len(found.test_labels), int(found.train_labels.max(initial=0)) + 1
    said = data.training_images, data.test_images, data.classes
    if not data.usual and counts != said:
        raise Unavailable(
            f"the files of {data.title} hold {counts[0]:,} training images, {counts[1]:,} test images and "
            f"{counts[2]} classes; [data] says {said[0]:,}, {said[1]:,} and {said[2]}",
            Verdict.UNKNOWN,
        )
    return found


def normalised(described: DataSet, data: mnist.Mnist) -> DataSet:
    """The description with mean and deviation of a pixel, where it leaves them to be computed."""
    if described.mean or described.deviation:
        return described
    pixels = data.train_images
    mean, deviation = float(pixels.mean()) / INK, float(pixels.std()) / INK
    return msgspec.structs.replace(described, mean=round(mean, 4), deviation=max(round(deviation, 4), 1e-4))


def digest(data: mnist.Mnist) -> str:
    """SHA-256 over the digits and answers that a training sees."""
    total = hashlib.sha256()
    for array in data:
        total.update(repr((array.shape, str(array.dtype))).encode())
        total.update(array.tobytes())
    return total.hexdigest()

"""Where MNIST is: the directory that was named, $GRADER_DATA, ./data, the user's cache."""

import hashlib
import os
from pathlib import Path

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from reference import mnist

VARIABLE = "GRADER_DATA"


def find_mnist(settings: Settings) -> Path:
    """The first directory that holds all four files.

    A directory that was named on purpose (by option or variable) must hold them: an error there is not papered over by
    another copy. Raises Unavailable: skipped where there is none, unknown where a named one is no MNIST.
    """
    for named, how in ((settings.data, "--data"), (os.environ.get(VARIABLE, ""), f"${VARIABLE}")):
        if named:
            directory = Path(named).expanduser()
            try:
                mnist.locate(directory)
            except mnist.MnistMissing as error:
                raise Unavailable(f"no MNIST ({how}): {error}", Verdict.SKIPPED) from error
            return directory
    for directory in (Path("data"), _cache() / "mnist"):
        try:
            mnist.locate(directory)
        except mnist.MnistMissing:
            continue
        return directory
    raise Unavailable(f"no MNIST: {mnist.HOW_TO_GET_IT}", Verdict.SKIPPED)


def load_mnist(settings: Settings) -> mnist.Mnist:
    """Find, read and verify MNIST; raises Unavailable (skipped: none there; unknown: damaged)."""
    directory = find_mnist(settings)
    try:
        return mnist.load(directory)
    except mnist.MnistMissing as error:
        raise Unavailable(f"no MNIST: {error}", Verdict.SKIPPED) from error
    except mnist.MnistDamaged as error:
        raise Unavailable(f"MNIST is damaged: {error}", Verdict.UNKNOWN) from error


def digest(data: mnist.Mnist) -> str:
    """SHA-256 over the digits and answers that a training sees."""
    total = hashlib.sha256()
    for array in data:
        total.update(repr((array.shape, str(array.dtype))).encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "grader"

"""Imports what nearly every notebook uses, before there is a job: for a process that is forked for each one.

What is left out costs a notebook that uses it what it always did. Nothing here reads a file of a student,
draws a random number or starts a thread.
"""

import importlib
from contextlib import suppress

OURS = ("cells", "channel", "main", "probe")
WITH_TORCH = ("later", "reproduce", "session", "torchvision_ops")
OTHERS = (
    "IPython.core.interactiveshell",
    "torchvision.datasets",
    "torchvision.transforms",
    "tqdm.auto",
)


def import_all() -> None:
    """Import our own modules and those of others; what is not installed is left to whoever misses it."""
    import_ours()
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
    for name in WITH_TORCH:
        importlib.import_module(f".{name}", __package__)
    from . import later, torchvision_ops

    torchvision_ops.declare()
    imported = later.install()
    for name in OTHERS:
        with suppress(ImportError):
            importlib.import_module(name)
    imported()


def import_ours() -> None:
    """Import what needs the standard library alone."""
    for name in OURS:
        importlib.import_module(f".{name}", __package__)

"""What the person who runs grader chose; never part of a rubric."""

from enum import Enum

import msgspec


class Device(Enum):
    """Where our own training runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a run that decide what can be computed, not what is right."""

    execute: bool = True
    """Whether student code may run (in the sandbox)."""
    retrain: bool = True
    """Whether we may train the exported network ourselves."""
    reproduce: bool = False
    """Whether the student's notebook is also run whole: minutes to an hour of one core."""
    reproduce_minutes: float = 60.0
    """Time for all cells of such a run; the epochs that are done by then count."""
    canary: bool = True
    """Whether such a run may mark digits of the split that the notebook takes for its test set."""
    data: str = ""
    """Directory with MNIST; empty for the usual places."""
    device: Device = Device.AUTO
    unsafe_no_sandbox: bool = False
    """Whether student code may run without isolation; stamps every output."""
    cache: str = ""
    """Directory of the content-addressed cache; empty for none."""

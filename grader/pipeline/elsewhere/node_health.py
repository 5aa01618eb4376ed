"""What a machine must have to take jobs of this one, and what it has, in words for `grader doctor`."""

import platform
from pathlib import Path

import msgspec

from grader.core.bucket import place_of
from grader.core.machine import usable_cores
from grader.core.memory import code_of
from grader.core.settings import Settings
from grader.pipeline.elsewhere.object_folder import ObjectFolder
from grader.pipeline.plan.product_key import RUNNING, environment


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """What decides a result and must be the same on every machine of a run: keys name it, and two machines
    that differ would each find the other's results missing.
    """

    code: str
    packages: dict[str, str]
    digits: bool
    """Whether MNIST is at hand."""


def likeness(settings: Settings) -> Likeness:
    """Return what this machine has."""
    from grader.execute import digits

    return Likeness(
        code=code_of("grader.pipeline.classroom.job"),
        packages=environment(RUNNING),
        digits=digits.find(settings) is not None,
    )


def examine(settings: Settings, driver: Likeness, folder: str = "", word: str = "") -> dict[str, str]:
    """Return what this machine has, by its name; with `refusal` where it may take no job of the driver, and
    `unfit` where none that runs code.
    """
    from grader.sandbox.choose import try_bubblewrap

    here, trial = likeness(settings), try_bubblewrap()
    found = {
        "cores": str(usable_cores()),
        "memory": memory(),
        "isolation": "holds" if trial.works else f"MISSING: {trial.reason}",
        "torch": here.packages.get("torch", "not installed"),
        "MNIST": "there" if here.digits else "not found",
        "GPU": gpus(),
        "python": here.packages["python"],
        "system": f"{platform.system()} {platform.machine()}",
    }
    if folder:
        seen = ObjectFolder(place_of(folder)).marked() == word
        found["object folder"] = "seen" if seen else "NOT seen"
    if refusal := _refusal(here, driver, folder, seen=not folder or found["object folder"] == "seen"):
        found["refusal"] = refusal
    if not trial.works:
        found["unfit"] = f"it does not isolate: {trial.reason}. To mend it: {trial.remedy}"
    elif driver.digits and not here.digits:
        found["unfit"] = "MNIST is not there; name a folder with $GRADER_DATA where its Ray is started"
    return found


def _refusal(here: Likeness, driver: Likeness, folder: str, *, seen: bool) -> str:
    if here.code != driver.code:
        return "another version of grader is installed there"
    for name in sorted(here.packages.keys() | driver.packages.keys()):
        there, ours = here.packages.get(name, "not installed"), driver.packages.get(name, "not installed")
        if there != ours:
            return f"{name} is {there} there and {ours} here"
    if not seen:
        return (
            f"it does not see {folder}; name with --objects a folder that every node sees under one path, or "
            "a bucket"
        )
    return ""


def memory() -> str:
    """Return the memory of this machine, in words."""
    import os

    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"


def gpus() -> str:
    """Return how many GPUs this machine shows, in words."""
    count = len(list(Path("/dev").glob("nvidia[0-9]*")))
    return f"{count}" if count else "none"

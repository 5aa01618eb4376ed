"""The cache key of a product: everything that can change it, and nothing else."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from grader.core.memory import OURS, code_of, key, modules_of
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Sources, Submission
from grader.execute.retrain_rule import Retraining
from grader.pipeline.plan.providers import EXECUTING, Phase, Provider, by_product

READING: Final = ("charset-normalizer", "ftfy", "markdown-it-py", "msgspec", "nbformat", "numpy", "openpyxl")
"""Packages whose version can change what is read."""
RUNNING: Final = (*READING, "ipython", "safetensors", "torch", "torchvision")
"""Packages whose version can change what comes of running."""
_WHOLE_RUN: Final = {"reproduce", "reproduce_minutes", "canary"}
"""Settings that decide nothing before a notebook is run whole."""
_PLACES: Final = {"cache"}
"""Settings that say where something is kept, and never what it is."""


def key_of(
    provider: Provider, submission: Submission, settings: Settings, profile: Profile, wanted: Retraining
) -> str:
    """Return the key of what a provider makes: its code, the packages under it and all its needs, transitively.

    A submission counts by its artefacts, not by its name: the same files handed in by two students are read once. Settings
    count whole but for the two sets above, so that no new one is forgotten.
    """
    makers = by_product()
    parts: dict[str, object] = {
        "target": provider.target,
        "code": _code(provider),
        "environment": environment(RUNNING if provider.phase in EXECUTING else READING),
    }
    for need in provider.needs:
        if need.type in (Sources, Submission):
            parts["artefacts"] = submission.artefacts
        elif need.type is Settings:
            ignored = _PLACES if provider.phase is Phase.REPRODUCE else _PLACES | _WHOLE_RUN
            parts["settings"] = {
                n: v for n, v in msgspec.structs.asdict(settings).items() if n not in ignored
            }
            if provider.phase in EXECUTING:
                from grader.execute.digits import find

                parts["digits"] = find(settings) is not None
        elif need.type is Profile:
            parts["profile"] = profile
        elif need.type is Retraining:
            parts["retraining"] = wanted
        else:
            parts[need.parameter] = key_of(makers[need.type.__name__], submission, settings, profile, wanted)
    return key(**parts)


def _code(provider: Provider) -> str:
    """Return the digest of the code that makes a product; of another package's provider, all of that package."""
    top = provider.module.partition(".")[0]
    if top in OURS:
        return code_of(provider.module)
    return code_of(provider.module, *modules_of(top), within=(*OURS, top))


@cache
def environment(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python and of some packages; a package that is not there is left out."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

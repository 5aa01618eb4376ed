"""The cache key of a product: everything that can change it, and nothing else."""

import platform
from functools import cache
from typing import Final

import msgspec

from grader.core.assigned_data import DataSet
from grader.core.installed import version
from grader.core.memory import OURS, code_of, key, modules_of
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Execution, Profile
from grader.core.settings import Settings
from grader.core.submission import Reads, Sources, Submission
from grader.pipeline.plan.providers import EXECUTING, Phase, Provider, by_product

READING: Final = ("charset-normalizer", "ftfy", "markdown-it-py", "msgspec", "nbformat", "numpy", "openpyxl")
"""Packages whose version can change what is read."""
RUNNING: Final = (*READING, "backprop-mnist-grader-native", "ipython", "safetensors", "torch", "torchvision")
"""Packages whose version can change what comes of running."""
_WHOLE_RUN: Final = {"reproduce", "reproduce_minutes", "canary"}
"""Settings that decide nothing before a notebook is run whole."""
_PLACES: Final = {"cache"}
"""Settings that say where something is kept, and never what it is."""


class ProductKeys:
    """The keys of one submission's products, each computed once: most rest on the same few others.

    A key is of a provider's code, the packages under it and all its needs, transitively. A submission counts
    by the artefacts that the provider is given, not by its name: the same files handed in by two students are
    read once, and a README that is mended makes no notebook run again. Settings count
    whole but for the two sets above, so that no new one is forgotten.
    """

    def __init__(
        self,
        submission: Submission,
        settings: Settings,
        profile: Profile,
        retraining: Retraining,
        execution: Execution | None = None,
        scope: str = "",
    ) -> None:
        self._settings = settings
        self._data = (execution or Execution()).data
        self._given: dict[type, object] = {
            Profile: profile,
            Retraining: retraining,
            Execution: execution or Execution(),
            DataSet: self._data,
        }
        self._submission = submission
        self._scope = scope
        self._artefacts: dict[Reads, str] = {}
        self._made: dict[str, str] = {}

    def of(self, provider: Provider) -> str:
        """Return the key of what a provider makes."""
        if provider.name not in self._made:
            needs = {need.parameter: self._need(need.type, provider) for need in provider.needs}
            packages = environment(RUNNING if provider.phase in EXECUTING else READING)
            self._made[provider.name] = key(
                target=provider.target, code=_code(provider), environment=packages, needs=needs
            )
        return self._made[provider.name]

    def _given_to(self, reads: Reads) -> str:
        if reads not in self._artefacts:
            artefacts = self._submission.only(reads).artefacts
            # Of several networks each has its own part of the same README.
            scope = {"scope": self._scope} if self._scope else {}
            self._artefacts[reads] = key(artefacts=artefacts, **scope)
        return self._artefacts[reads]

    def _need(self, needed: type, provider: Provider) -> object:
        phase = provider.phase
        if needed in (Sources, Submission):
            return self._given_to(provider.reads)
        if needed is Settings:
            ignored = _PLACES if phase is Phase.REPRODUCE else _PLACES | _WHOLE_RUN
            values = msgspec.structs.asdict(self._settings)
            digits: dict[str, bool] = {}
            if phase in EXECUTING:
                from grader.execute.digits import find

                digits["found"] = find(self._settings, self._data) is not None
            return [{n: v for n, v in values.items() if n not in ignored}, digits]
        return self._given[needed] if needed in self._given else self.of(by_product()[needed.__name__])


def key_of(
    provider: Provider, submission: Submission, settings: Settings, profile: Profile, retraining: Retraining
) -> str:
    """Return the key of one product; see `ProductKeys`."""
    return ProductKeys(submission, settings, profile, retraining).of(provider)


def _code(provider: Provider) -> str:
    """Return the digest of the code that makes a product; of another package's provider, all of that
    package.
    """
    top = provider.module.partition(".")[0]
    if top in OURS:
        return code_of(provider.module)
    return code_of(provider.module, *modules_of(top), within=(*OURS, top))


@cache
def environment(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python and of some packages; a package that is not there is left out."""
    found = {"python": platform.python_version()}
    for name in packages:
        if (number := version(name)) is not None:
            found[name] = number
    return found

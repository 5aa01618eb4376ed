"""The cache key of a product: everything that can change it, and nothing else."""

import hashlib
import platform
import typing
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import msgspec

from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Sources, Submission
from grader.execute.retrain_rule import Retraining
from grader.pipeline.providers import EXECUTING, Phase, Provider, by_product, needs_of

_ENVIRONMENT = ("torch", "torchvision", "ipython", "safetensors")
"""Packages on which what runs, and not only what is read, depends."""


def key_of(
    provider: Provider, submission: Submission, settings: Settings, profile: Profile, wanted: Retraining
) -> str:
    """Return a SHA-256 over the provider's version and all its needs, transitively.

    A submission counts by its artefacts, not by its name: the same files handed in by two students are read once.
    """
    makers = by_product()
    parts: dict[str, object] = {
        "provider": provider.name,
        "target": provider.target,
        "version": provider.version,
        "format": format_of(_product_of(provider)),
    }
    for need in needs_of(provider.load()):
        if need.type in (Sources, Submission):
            parts["artefacts"] = msgspec.to_builtins(submission.artefacts)
        elif need.type is Settings:
            parts["settings"] = [
                settings.execute,
                settings.unsafe_no_sandbox,
                settings.retrain,
                settings.device.value,
            ]
            parts["data"] = settings.data
            if provider.phase in EXECUTING:
                from grader.execute.digits import find

                parts["digits"] = find(settings) is not None
            if provider.phase is Phase.REPRODUCE:
                parts["whole"] = [settings.reproduce, settings.reproduce_minutes, settings.canary]
        elif need.type is Profile:
            parts["profile"] = msgspec.to_builtins(profile)
        elif need.type is Retraining:
            parts["retraining"] = msgspec.to_builtins(wanted)
        else:
            parts[need.parameter] = key_of(makers[need.type.__name__], submission, settings, profile, wanted)
    if provider.phase in EXECUTING:
        parts["environment"] = environment()
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


@cache
def _product_of(provider: Provider) -> type:
    product: type = typing.get_type_hints(provider.load())["return"]
    return product


@cache
def format_of(product: type) -> str:
    """Return a digest of a record's fields and their types, nested records included: another format is another key."""
    seen: dict[str, list[str]] = {}

    def visit(hint: object) -> None:
        for part in typing.get_args(hint):
            visit(part)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint.__qualname__ not in seen:
            hints = typing.get_type_hints(hint)
            seen[hint.__qualname__] = [f"{f.name}: {hints[f.name]}" for f in msgspec.structs.fields(hint)]
            for field in hints.values():
                visit(field)

    visit(product)
    return hashlib.sha256(msgspec.json.encode(seen, order="sorted")).hexdigest()[:16]


@cache
def environment() -> dict[str, str]:
    """Return the versions on which execution depends."""
    found = {"python": platform.python_version()}
    for name in _ENVIRONMENT:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found

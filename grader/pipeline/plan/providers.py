"""Who makes which evidence and which fact: one line a product, imported only when a rubric needs it.

A provider is a plain function. Its annotations name what it needs and what it makes; `Unavailable` says why
not.
"""

import importlib
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache

import msgspec

from grader.core import plugins
from grader.core.assigned_data import DataSet
from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Execution, Profile
from grader.core.settings import Settings
from grader.core.signature import Need, needs_of
from grader.core.submission import Reads, Sources, Submission

Product = type[Evidence] | type[Fact]


class Phase(Enum):
    """When a provider runs: cheap phases first, for the whole class."""

    READ = "read"
    REPLAY = "replay"
    EXECUTE = "execute"
    RETRAIN = "retrain"
    REPRODUCE = "reproduce"


STATIC = (Phase.READ, Phase.REPLAY)
"""Phases that need nothing but the submitted bytes."""
EXECUTING = (Phase.EXECUTE, Phase.RETRAIN, Phase.REPRODUCE)
"""Phases that rest on the student's code having run."""


FILLABLE = (Evidence, Fact, Sources, Submission, Settings, Profile, Retraining, Execution, DataSet)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A function that makes one product."""

    name: str
    target: str
    """`package.module:function`, imported on first use."""
    product: str
    """Name of the type that it makes."""
    phase: Phase
    reads: Reads = Reads.ALL
    """Which artefacts its function is given, where it takes `Sources` or `Submission`: no others are in its
    key.
    """

    def load(self) -> Callable[..., Evidence | Fact]:
        """Import and return the function."""
        module, _, function = self.target.partition(":")
        found: Callable[..., Evidence | Fact] = getattr(importlib.import_module(module), function)
        return found

    @property
    def type(self) -> Product:
        """The type that it makes, as the function's return annotation says."""
        found: Product = typing.get_type_hints(self.load())["return"]
        return found

    @property
    def module(self) -> str:
        """Where the function stands."""
        return self.target.partition(":")[0]

    @property
    def needs(self) -> tuple[Need, ...]:
        """What the function must be given; TypeError where one parameter cannot be filled."""
        return _needs(self.load(), self.name)


@cache
def _needs(function: Callable[..., Evidence | Fact], name: str) -> tuple[Need, ...]:
    """Look at a function once: evaluating its annotations for each product of a class took 1 % of it."""
    return needs_of(function, FILLABLE, f"provider {name}")


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="documents",
        target="grader.extract.documents.documents:read_documents",
        product="Documents",
        phase=Phase.READ,
        reads=Reads.TEXTS,
    ),
    Provider(
        name="formulas",
        target="grader.extract.formulas.provider:read_formulas",
        product="FormulaEvidence",
        phase=Phase.READ,
        reads=Reads.IMAGES,
    ),
    Provider(
        name="conclusions",
        target="grader.extract.claims.conclusion:read_conclusions",
        product="ConclusionEvidence",
        phase=Phase.READ,
    ),
    Provider(
        name="notebooks",
        target="grader.extract.documents.notebook:read_notebooks",
        product="NotebookEvidence",
        phase=Phase.READ,
    ),
    Provider(
        name="logs",
        target="grader.extract.logs.training_log:read_logs",
        product="LogEvidence",
        phase=Phase.READ,
        reads=Reads.MODULES,
    ),
    Provider(
        name="summaries",
        target="grader.extract.logs.model_summary:read_summaries",
        product="SummaryEvidence",
        phase=Phase.READ,
    ),
    Provider(
        name="claims",
        target="grader.extract.claims.read_claims:read_claims",
        product="ClaimEvidence",
        phase=Phase.READ,
    ),
    Provider(
        name="workbooks",
        target="grader.extract.workbook.provider:read_workbooks",
        product="WorkbookEvidence",
        phase=Phase.READ,
        reads=Reads.WORKBOOKS,
    ),
    Provider(
        name="replay",
        target="grader.execute.replay.provider:replay_workbooks",
        product="ReplayFacts",
        phase=Phase.REPLAY,
    ),
    Provider(
        name="run",
        target="grader.execute.notebook:run_notebook",
        product="NotebookRun",
        phase=Phase.EXECUTE,
        reads=Reads.RUNS,
    ),
    Provider(
        name="network",
        target="grader.execute.graph.provider:network_facts",
        product="NetworkFacts",
        phase=Phase.EXECUTE,
    ),
    Provider(
        name="recipe",
        target="grader.execute.recipe:recipe_facts",
        product="RecipeFacts",
        phase=Phase.EXECUTE,
    ),
    Provider(
        name="retrain", target="grader.execute.retrain:retrain", product="RetrainFacts", phase=Phase.RETRAIN
    ),
    Provider(
        name="reproduce",
        target="grader.execute.reproduce:reproduce",
        product="ReproducedFacts",
        phase=Phase.REPRODUCE,
        reads=Reads.RUNS,
    ),
)


@cache
def by_product() -> dict[str, Provider]:
    """Return the providers by the name of the type that they make: ours, and those of installed packages.

    Another package adds providers of its own evidence with the entry point group `grader.providers`, whose
    value is a `Provider` or a tuple of them. One that cannot be used is left out (see `grader.core.plugins`).
    """
    found = {p.product: p for p in PROVIDERS}

    def add(brought: object) -> None:
        many = brought if isinstance(brought, tuple) else (brought,)
        for provider in many:
            _refuse_unfit(provider, found)
        found.update({p.product: p for p in many})

    plugins.load(plugins.PROVIDERS, add)
    return found


def _refuse_unfit(provider: object, found: Mapping[str, Provider]) -> None:
    """Raise TypeError or ValueError where a provider of another package cannot be used; its function is
    imported for it.
    """
    if not isinstance(provider, Provider):
        raise TypeError(
            f"the entry point of a provider names a Provider or a tuple of them, got {provider!r}"
        )
    if provider.product in found:
        raise ValueError(
            f"{provider.product} is already made by the provider {found[provider.product].name!r}"
        )
    if provider.phase not in STATIC:
        raise ValueError(
            f"{provider.name}: phase {provider.phase.value}; a package may bring what is read or replayed"
        )
    if provider.type.__name__ != provider.product or not issubclass(provider.type, Evidence | Fact):
        raise TypeError(f"{provider.target} is annotated to return {provider.type!r}, not {provider.product}")
    _ = provider.needs

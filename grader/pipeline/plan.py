"""From a rubric to what must be computed, and why: the checks' signatures decide, nothing else is run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_type_hints

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule
from grader.core.submission import Submission
from grader.execute.retrain_rule import Retraining, RetrainParams, retraining
from grader.pipeline.providers import Phase, Provider, by_product, needs_of


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One provider that will run, and for whom."""

    provider: Provider
    product: type
    wanted_by: tuple[str, ...]
    """Codes of checks, or names of products, that need it."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Providers in an order in which every need stands before its user."""

    steps: tuple[Step, ...]
    criteria: tuple[Criterion, ...]
    retraining: Retraining
    """What the criteria want of training again."""

    def phases(self) -> tuple[Phase, ...]:
        """The phases that have anything to do, cheap first."""
        return tuple(p for p in Phase if any(s.provider.phase is p for s in self.steps))


def make_plan(rubric: Rubric, rules: Mapping[str, Rule]) -> Plan:
    """Return what the rubric's checks need, transitively.

    Raises TypeError where a check or provider needs a type that no provider makes.
    """
    makers = by_product()
    wanted: dict[str, tuple[type, set[str]]] = {}
    order: list[str] = []
    in_progress: list[str] = []

    def want(product: type, by: str) -> None:
        name = product.__name__
        if name in in_progress:
            raise TypeError(f"providers need one another in a circle: {' > '.join([*in_progress, name])}")
        if name in wanted:
            wanted[name][1].add(by)
            return
        if name not in makers:
            raise TypeError(f"{by} needs {name}, which no provider in grader/pipeline/providers.py makes")
        wanted[name] = (product, {by})
        in_progress.append(name)
        for need in needs_of(makers[name].load()):
            if by_product().get(need.type.__name__) is not None:
                want(need.type, name)
        in_progress.pop()
        order.append(name)

    for code, product in needed(rubric, rules):
        want(product, code)
    phases = list(Phase)
    names = sorted(order, key=lambda n: (phases.index(makers[n].phase), order.index(n)))
    steps = tuple(
        Step(provider=makers[n], product=wanted[n][0], wanted_by=tuple(sorted(wanted[n][1]))) for n in names
    )
    return Plan(steps=steps, criteria=rubric.criterion, retraining=_retraining(rubric, rules))


def _retraining(rubric: Rubric, rules: Mapping[str, Rule]) -> Retraining:
    kinds = ((c, rules[c.check].params) for c in rubric.criterion)
    return retraining(msgspec.convert(c.params, kind) for c, kind in kinds if issubclass(kind, RetrainParams))


def needed(rubric: Rubric, rules: Mapping[str, Rule]) -> Iterator[tuple[str, type[Evidence] | type[Fact]]]:
    """Yield each check of a rubric with each product that it asks for; with those of claims where they may earn."""
    for criterion in rubric.criterion:
        rule = rules[criterion.check]
        for need in (*rule.needs, *(rule.claim_needs if rubric.provisional_claims else ())):
            if not issubclass(need.type, Submission):
                yield criterion.check, need.type


def product_types(names: Iterable[str]) -> dict[str, type]:
    """Return products' types by their names, as the providers' return annotations say; unknown names are left out."""
    makers = by_product()
    return {name: get_type_hints(makers[name].load())["return"] for name in names if name in makers}

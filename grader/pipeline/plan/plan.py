"""From a rubric to what must be computed, and why: the checks' signatures decide, nothing else is run."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from grader.core.evidence.documents import Documents
from grader.core.retrain_rule import Retraining, RetrainParams, retraining
from grader.core.rubric import Criterion, Execution, Model, Rubric
from grader.core.rule import Rule
from grader.core.settings import Settings
from grader.core.submission import Submission
from grader.pipeline.plan.providers import STATIC, Phase, Provider, by_product
from grader.pipeline.plan.rubrics import LoadedRubric


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
    execution: Execution = Execution()
    """How long code may run."""
    models: tuple["ModelPlan", ...] = ()
    """What is computed of each of several networks besides; all rest on the documents of the hand-in."""

    def named(self, phases: Collection[Phase]) -> frozenset[str]:
        """The names of the products that some phases make; those of a model behind its id."""
        own = {s.provider.product for s in self.steps if s.provider.phase in phases}
        return frozenset(own | {of_model(m.model, n) for m in self.models for n in m.plan.named(phases)})

    def phases(self) -> tuple[Phase, ...]:
        """The phases that have anything to do, cheap first."""
        steps = [step for plan in (self, *(m.plan for m in self.models)) for step in plan.steps]
        return tuple(p for p in Phase if any(s.provider.phase is p for s in steps))


class ModelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is computed of one of several networks that were handed in together."""

    model: Model
    plan: Plan


def of_model(model: Model, product: str) -> str:
    """The name under which a product of one of several networks is kept."""
    return f"{model.id}/{product}"


def make_plan(rubric: Rubric, rules: Mapping[str, Rule]) -> Plan:
    """Return what the rubric's checks need, transitively.

    Raises TypeError where a check or provider needs a type that no provider makes.
    """
    whole = _of(rubric, rules, "")
    if not rubric.model:
        return whole
    # Which notebook and which section of the README is whose is told from the documents.
    found = [("model", Documents), *needed(rubric, rules)]
    models = (ModelPlan(model=m, plan=_of(rubric, rules, m.id)) for m in rubric.model)
    return msgspec.structs.replace(
        whole, steps=_steps(found), criteria=rubric.criterion, models=tuple(models)
    )


def _of(rubric: Rubric, rules: Mapping[str, Rule], model: str) -> Plan:
    """The plan of the criteria of one model; of those without one where that is empty."""
    criteria = tuple(c for c in rubric.criterion if c.model == model)
    steps = _steps(needed(rubric, rules, model))
    return Plan(
        # The documents of a model are a part of those of the hand-in, and not read again.
        steps=tuple(s for s in steps if not model or s.product is not Documents),
        criteria=criteria,
        retraining=_retraining(criteria, rules),
        execution=rubric.execution,
    )


def plan_of(names: Collection[str], by: str) -> Plan:
    """Return what some products need, transitively, without a rubric; names that no provider makes are left
    out.
    """
    makers = by_product()
    types = ((by, makers[name].type) for name in names if name in makers)
    return Plan(steps=_steps(types), criteria=(), retraining=Retraining())


_USUAL = Settings()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Phases that are run together for one submission, and the names of what they make."""

    phases: tuple[Phase, ...]
    products: frozenset[str]


class MarkSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric with the checks that it names and what they need: made once for a class."""

    loaded: LoadedRubric
    rules: Mapping[str, Rule]
    plan: Plan
    wanted: frozenset[str]
    """The names of the products that the checks ask for themselves."""
    stages: tuple[Stage, ...]
    """In what order a class goes through the plan."""


def mark_sheet(loaded: LoadedRubric, settings: Settings = _USUAL) -> MarkSheet:
    """Return a rubric with all checks that are installed; its stages are those of a run with these
    options.
    """
    from grader.checks.catalogue import catalogue

    rules = catalogue()
    plan = make_plan(loaded.rubric, rules)
    return MarkSheet(
        loaded=loaded,
        rules=rules,
        plan=plan,
        wanted=asked(loaded.rubric, rules),
        stages=tuple(Stage(phases=p, products=plan.named(p)) for p in _stages(plan, settings)),
    )


def _stages(plan: Plan, settings: Settings) -> tuple[tuple[Phase, ...], ...]:
    """Phases that are run together: what runs nothing costs no round of its own."""
    stages: list[tuple[Phase, ...]] = [STATIC]
    for phase in plan.phases():
        if phase in STATIC:
            continue
        idle = not settings.execute or (phase is Phase.RETRAIN and not settings.retrain)
        if idle:
            stages[-1] = (*stages[-1], phase)
        else:
            stages.append((phase,))
    return tuple(stages)


def _steps(asked: Iterable[tuple[str, type]]) -> tuple[Step, ...]:
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
            raise TypeError(
                f"{by} needs {name}, which no provider in grader/pipeline/plan/providers.py makes"
            )
        wanted[name] = (product, {by})
        in_progress.append(name)
        for need in makers[name].needs:
            if by_product().get(need.type.__name__) is not None:
                want(need.type, name)
        in_progress.pop()
        order.append(name)

    for code, product in asked:
        want(product, code)
    phases = list(Phase)
    names = sorted(order, key=lambda n: (phases.index(makers[n].phase), order.index(n)))
    return tuple(
        Step(provider=makers[n], product=wanted[n][0], wanted_by=tuple(sorted(wanted[n][1]))) for n in names
    )


def asked(rubric: Rubric, rules: Mapping[str, Rule]) -> frozenset[str]:
    """Return the names of the products that the checks of a rubric ask for themselves."""
    own = {product.__name__ for _, product in needed(rubric, rules)}
    for model in rubric.model:
        own |= {of_model(model, product.__name__) for _, product in needed(rubric, rules, model.id)}
    return frozenset(own)


def _retraining(criteria: Iterable[Criterion], rules: Mapping[str, Rule]) -> Retraining:
    kinds = ((c, rules[c.check].params) for c in criteria)
    return retraining(msgspec.convert(c.params, kind) for c, kind in kinds if issubclass(kind, RetrainParams))


def needed(rubric: Rubric, rules: Mapping[str, Rule], model: str = "") -> Iterator[tuple[str, type]]:
    """Yield each check of a rubric with each product that it asks for; with those of claims where they may
    earn. Of the checks of one `[[model]]`, or of those without one.
    """
    for criterion in rubric.criterion:
        if criterion.model != model:
            continue
        rule = rules[criterion.check]
        for need in (*rule.needs, *(rule.claim_needs if rubric.provisional_claims else ())):
            if not issubclass(need.type, Submission):
                yield criterion.check, need.type

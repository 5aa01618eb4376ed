"""What `grader retrain` takes from a rubric, and what it prints: the verdict and what was not followed."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from grader.cli.output import echo_line
from grader.core.evidence.logs import LogEvidence
from grader.core.facts.retrain import RetrainFacts
from grader.core.faults import Unavailable, UsageFault
from grader.core.retrain_rule import RuleParams
from grader.core.rubric import Execution, Model, Rubric
from grader.core.submission import Sources
from grader.extract.documents.documents import read_documents
from grader.extract.logs.training_log import logs_of
from grader.pipeline.grade.named_networks import narrow


class OneNetwork(NamedTuple):
    """What of a hand-in is about one network: its files, how they are run, and its saved logs."""

    sources: Sources
    execution: Execution
    logs: LogEvidence | None


def model_of(rubric: Rubric, name: str) -> Model | None:
    """Return the `[[model]]` of a rubric by its id; None where no name is given, for the main notebook."""
    found = next((model for model in rubric.model if model.id == name), None)
    if name and found is None:
        have = ", ".join(model.id for model in rubric.model) or "none"
        raise UsageFault(
            f"--model {name}: no [[model]] of the rubric {rubric.id} has this id; there are: {have}"
        )
    return found


def only(model: Model | None, sources: Sources, rubric: Rubric) -> OneNetwork:
    """Return what is about one of the rubric's networks, as `grade` tells it; all where it is None.

    Raises Unavailable where nothing is, or a person must say which.
    """
    if model is None:
        return OneNetwork(sources, rubric.execution, logs_of(sources))
    found = narrow(sources.submission, read_documents(sources), lambda: sources, model, rubric.model)
    if found.absent is not None:
        raise Unavailable(found.absent.reason, found.absent.verdict, found.absent.cause)
    own = found.of(sources)
    logs = None if LogEvidence.__name__ in found.lacks else logs_of(own)
    return OneNetwork(own, msgspec.structs.replace(rubric.execution, classes=found.classes), logs)


def rule_of(rubric: Rubric, model: Model | None, own: Mapping[str, object]) -> RuleParams:
    """Return the rule of a rubric for one of its networks: of its criterion of RT601, else of its limits.
    What `own` says and is not None stands over it.
    """
    about = model.id if model is not None else ""
    asked = next((c.params for c in rubric.criterion if c.check == "RT601" and c.model == about), None)
    limits = (model or rubric).assignment.limits_of(RuleParams)
    known = {f.name for f in msgspec.structs.fields(RuleParams)}
    told = {n: v for n, v in {**limits, **(asked or {})}.items() if n in known}
    return msgspec.convert(told | {n: v for n, v in own.items() if v is not None}, RuleParams)


def echo_facts(facts: RetrainFacts, rule: RuleParams) -> None:
    """Print the verdict of the rule, the recipe and what of it could not be followed."""
    from grader.checks.retrain.accuracy_retrained import Params, check

    outcome = check(facts, None, msgspec.convert(msgspec.to_builtins(rule), Params))
    echo_line(f"{facts.name}: {outcome.verdict.value}: {outcome.summary}")
    echo_line(f"  recipe: {facts.recipe_summary}")
    for missing in facts.recipe_missing:
        echo_line(f"  not followed: {missing}")

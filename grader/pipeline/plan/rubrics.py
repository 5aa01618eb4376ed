"""Reads a rubric file and reports every fault in it, not only the first."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

import grader
from grader.core.assigned_data import DataSet, described
from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork
from grader.core.faults import RubricFault
from grader.core.report import RubricRef
from grader.core.rubric import Assignment, Criterion, Execution, Profile, Rubric
from grader.core.rule import Rule, Status
from grader.core.toml import read_toml
from grader.pipeline.plan.rubric_models import read_models, unfit_models

MOST = 1_000_000.0
"""Largest number that points, deductions and thresholds of a rubric may have."""


class LoadedRubric(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric with the identity of the file that it came from."""

    rubric: Rubric
    sha256: str
    path: str

    @property
    def ref(self) -> RubricRef:
        """What a report says of it."""
        return RubricRef(id=self.rubric.id, title=self.rubric.title, sha256=self.sha256)


def rubric_folder() -> Path:
    """Return the folder of the rubrics that come with grader: beside the package in a checkout, inside it in
    a wheel.
    """
    packaged = Path(grader.__file__).parent / "_data" / "rubrics"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "rubrics"


def available() -> tuple[Path, ...]:
    """Return the rubric files that come with grader, by name."""
    return tuple(sorted(rubric_folder().glob("*.toml")))


def find(name: str) -> Path:
    """Return the file of a rubric given as a path or as the name of one that comes with grader.

    A path has a separator or ends in `.toml`. Any other name means a rubric of grader, whatever lies in the
    current folder: a file called `default` in a submission would grade it otherwise.
    """
    path = Path(name)
    if path.suffix == ".toml" or len(path.parts) > 1 or name != path.name:
        return path
    return rubric_folder() / f"{name}.toml"


def load(name: str, rules: Mapping[str, Rule]) -> LoadedRubric:
    """Return a rubric by path or name; RubricFault lists everything that is wrong with it."""
    path = find(name)
    try:
        data = path.read_bytes()
    except OSError as fault:
        have = ", ".join(p.stem for p in available()) or "none"
        raise RubricFault(
            (f"{name}: no such rubric ({fault.strerror}); give a path with a / or .toml, or one of: {have}",)
        ) from fault
    return parse(data, path.name, rules)


def parse(data: bytes, name: str, rules: Mapping[str, Rule]) -> LoadedRubric:
    """Return the rubric in `data`; RubricFault names each fault with its criterion and field."""
    try:
        raw = read_toml(data)
    except ValueError as fault:
        raise RubricFault((f"{name}: {fault}",)) from fault
    faults: list[str] = []
    criteria = raw.pop("criterion", [])
    if not isinstance(criteria, list) or not criteria:
        faults.append(f"{name}: needs at least one [[criterion]]")
        criteria = []
    good: list[Criterion] = []
    for number, item in enumerate(criteria, 1):
        label = item.get("id", "no id") if isinstance(item, dict) else "not a table"
        where = f"{name}: criterion {number} ({label})"
        found, wrong = _criterion(item, rules)
        faults += [f"{where}: {w}" for w in wrong]
        if found is not None:
            good.append(found)
    twice = [i for i, n in Counter(c.id for c in good).items() if n > 1]
    faults += [f"{name}: criterion id {i!r} stands more than once" for i in twice]
    data_set, wrong = described(raw.pop("data", {}))
    faults += [f"{name}: data: {w}" for w in wrong]
    limits = raw.pop("assignment", {})
    assignment, wrong = _assignment(limits, data_set)
    faults += [f"{name}: assignment: {w}" for w in wrong]
    models, wrong = read_models(raw.pop("model", []), lambda own: _assignment(_over(limits, own), data_set))
    faults += [f"{name}: {w}" for w in (*wrong, *unfit_models(good, models, rules))]
    execution, wrong = _execution(raw.pop("execution", {}), data_set)
    faults += [f"{name}: execution: {w}" for w in wrong]
    network, wrong = _network(raw.pop("network", {}))
    faults += [f"{name}: network: {w}" for w in wrong]
    values = raw.pop("profile", {})
    profile, wrong = _profile(values, network)
    faults += [f"{name}: profile: {w}" for w in wrong]
    students, wrong = _students(raw.pop("student", {}), values, network)
    faults += [f"{name}: {w}" for w in wrong]
    faults += [f"{name}: {w}" for key in ("late", "cap") for w in _absurd(raw.get(key), key)]
    head = {"criterion": ()}
    try:
        rubric = msgspec.convert(raw | head, Rubric)
    except msgspec.ValidationError as fault:
        faults.append(f"{name}: {fault}")
    if faults:
        raise RubricFault(tuple(faults))
    limited = {model.id: model.assignment for model in models}
    rubric = msgspec.structs.replace(
        rubric,
        criterion=tuple(_limited(c, rules[c.check], limited.get(c.model, assignment)) for c in good),
        model=models,
        network=network,
        data=data_set,
        profile=profile,
        student=students,
        assignment=assignment,
        execution=execution,
    )
    return LoadedRubric(rubric=rubric, sha256=hashlib.sha256(data).hexdigest(), path=name)


def _criterion(item: object, rules: Mapping[str, Rule]) -> tuple[Criterion | None, list[str]]:
    try:
        # Not strict: TOML writes `points = 5` as an integer, and that is meant as 5.0.
        found = msgspec.convert(item, Criterion, strict=False)
    except msgspec.ValidationError as fault:
        return None, [str(fault)]
    wrong = [*_absurd(found.points, "points"), *_absurd(found.params, "params")]
    rule = rules.get(found.check)
    if rule is None:
        wrong.append(f"unknown check {found.check!r}; `grader rules` lists them")
        return found, wrong
    if rule.status is Status.PREVIEW and found.points > 0:
        wrong.append(f"{rule.code} is in preview: shown, worth nothing; set points = 0")
    for field, kind in (("params", rule.params), ("policy", rule.policy)):
        try:
            msgspec.convert(getattr(found, field), kind)
        except msgspec.ValidationError as fault:
            allowed = ", ".join(f.name for f in msgspec.structs.fields(kind)) or "nothing"
            wrong.append(f"{field}: {fault}; {rule.code} knows {allowed}")
    return found, wrong


_ELSEWHERE = "the data set stands in a table of its own, [data]"


def _assignment(raw: object, data: DataSet) -> tuple[Assignment, list[str]]:
    if isinstance(raw, dict):
        if "data" in raw:
            return Assignment(), [_ELSEWHERE]
        raw = {"test_images": data.test_images, "training_images": data.training_images} | raw
    try:
        assignment = msgspec.convert(raw, Assignment, strict=False)
    except msgspec.ValidationError as fault:
        return Assignment(), [str(fault)]
    assignment = msgspec.structs.replace(assignment, data=data)
    return assignment, assignment.faults()


def _over(limits: object, own: object) -> object:
    return limits | own if isinstance(limits, dict) and isinstance(own, dict) else own


def _execution(raw: object, data: DataSet) -> tuple[Execution, list[str]]:
    if isinstance(raw, dict) and "data" in raw:
        return Execution(), [_ELSEWHERE]
    if isinstance(raw, dict) and "classes" in raw:
        return Execution(), ["the class of a network stands in a table of its own, [[model]]"]
    try:
        execution = msgspec.convert(raw, Execution, strict=False)
    except msgspec.ValidationError as fault:
        return Execution(), [str(fault)]
    return msgspec.structs.replace(execution, data=data), execution.faults()


def _limited(criterion: Criterion, rule: Rule, assignment: Assignment) -> Criterion:
    """Return the criterion with the assignment's limits in its parameters, where it sets none of its own."""
    limits = assignment.limits_of(rule.params)
    return msgspec.structs.replace(criterion, params=limits | criterion.params) if limits else criterion


def _absurd(value: object, where: str) -> Iterator[str]:
    """Say of each number, at any depth, that it is none a rubric can mean: not a number, negative, or beyond
    all measure.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _absurd(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _absurd(inner, where)
    elif isinstance(value, int | float) and not 0 <= value <= MOST:
        yield f"{where} must be a number from 0 to {MOST:,.0f}, got {value!r:.40}"


def _network(raw: object) -> tuple[AssignedNetwork, list[str]]:
    try:
        network = msgspec.convert(raw, AssignedNetwork)
    except msgspec.ValidationError as fault:
        return CLASS_NETWORK, [str(fault)]
    wrong = network.faults()
    return (CLASS_NETWORK if wrong else network), wrong


def _profile(raw: object, network: AssignedNetwork) -> tuple[Profile, list[str]]:
    if isinstance(raw, dict) and "network" in raw:
        return Profile(), ["the network stands in a table of its own, [network]"]
    try:
        profile = msgspec.convert(raw, Profile, strict=False)
    except msgspec.ValidationError as fault:
        return Profile(), [str(fault)]
    profile = msgspec.structs.replace(profile, network=network)
    if not profile.learning_rates:
        return profile, ["learning_rates must name at least one rate"]
    numbers = (
        *profile.inputs, *profile.targets, *profile.weights, *profile.biases, *profile.learning_rates,
    )  # fmt: skip
    wrong = [] if all(math.isfinite(n) for n in numbers) else ["every value must be finite"]
    return profile, wrong + profile.faults()


def _students(raw: object, common: object, network: AssignedNetwork) -> tuple[dict[str, Profile], list[str]]:
    """The numbers of each student's own, over those of all."""
    if not isinstance(raw, dict):
        return {}, ["student: is written [student.NAME], once for each student"]
    found: dict[str, Profile] = {}
    faults: list[str] = []
    for name, own in raw.items():
        profile, wrong = _profile(_over(common, own), network)
        faults += [f"student.{name}: {w}" for w in wrong]
        found[name] = profile
    return found, faults

"""No sentence of an AR or RT check names a file, an epoch, an accuracy or a count that the facts do not hold,
nor one that contradicts itself.
"""

import re
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from grader.checks.artefacts import one_main_notebook, readable_files, required_files
from grader.checks.retrain import (
    accuracy_retrained,
    claim_and_retraining,
    leaked_test_set,
    reproduced_accuracy,
)
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run
from grader.core.facts.notebook import CellRun, CellStatus, Ending, Isolation
from grader.core.facts.reproduced import Canary, CanaryState, ReproducedEpoch, ReproducedFacts, ScoredWith
from grader.core.facts.retrain import Proof, RecipeUsed, RetrainFacts, SeedRun, Versions
from grader.core.outcome import Outcome, Verdict
from grader.core.place import Place
from grader.core.retrain_rule import Admission
from grader.core.rubric import Which
from grader.core.submission import Artefact, Kind, Problem, Submission

PATHS = ("README.md", "S4.ipynb", "b/S5.ipynb", "book.xlsx", "model.py", "~$book.xlsx", "c.png")
KINDS = dict(
    zip(
        PATHS,
        (Kind.README, Kind.NOTEBOOK, Kind.NOTEBOOK, Kind.WORKBOOK, Kind.SOURCE, Kind.OTHER, Kind.IMAGE),
        strict=True,
    )
)


@st.composite
def submissions(draw: st.DrawFn) -> Submission:
    artefacts = []
    for path in sorted(draw(st.sets(st.sampled_from(PATHS)))):
        problem = draw(st.sampled_from([Problem.NONE, Problem.NONE, Problem.LFS_POINTER, Problem.EMPTY]))
        note = "" if problem is Problem.NONE else f"the note on {path}; its remedy"
        good = problem is Problem.NONE
        artefacts.append(
            Artefact(path=path, kind=KINDS[path], sha256="0", size=1, problem=problem, note=note, main=good)
        )
    read = [a.path for a in artefacts if a.kind is Kind.NOTEBOOK and a.readable]
    doubts = (f"{read[0]} was taken; {read[1]} could be it as well",) if len(read) == 2 else ()
    return Submission(
        id="s",
        slug="s",
        sha256="0",
        artefacts=tuple(artefacts),
        single_file=draw(st.booleans()),
        doubts=doubts if draw(st.booleans()) else (),
    )


def texts(outcome: Outcome) -> list[str]:
    found = [outcome.summary]
    for finding in outcome.findings:
        found += [finding.message, finding.expected, finding.found, finding.hint, str(finding.place or "")]
    return found


@given(submissions(), st.sets(st.sampled_from([Kind.README, Kind.WORKBOOK, Kind.NOTEBOOK])), st.booleans())
def test_the_artefact_checks_name_only_files_that_are_there_and_count_them(
    submission: Submission, kinds: set[Kind], scripts: bool
) -> None:
    here = {a.path: a for a in submission.artefacts}
    wanted = tuple(sorted(kinds, key=lambda kind: kind.value))
    required = required_files.Required(kinds=wanted, scripts=scripts)
    outcomes = (
        required_files.check(submission, required),
        readable_files.check(submission),
        one_main_notebook.check(submission),
    )
    for outcome in outcomes:
        for finding in outcome.findings:
            assert finding.place is None or finding.place.artefact in here
        for text in texts(outcome):
            examples = text.replace("one file README.md", "")
            for path in re.findall(r"[\w~$/]+\.(?:md|ipynb|xlsx|py|png)", examples):
                assert path in here, text
    files, readable, main = outcomes
    if counted := re.match(r"(\d+) of (\d+) required", files.summary):
        have = {
            kind
            for kind in wanted
            if any(a.kind is kind and a.readable for a in here.values())
            or (kind is Kind.NOTEBOOK and scripts and "model.py" in here and here["model.py"].readable)
        }
        assert counted.groups() == (str(len(have)), str(len(wanted)))
        for finding in files.findings:
            if finding.message.endswith("is missing"):
                kind = Kind(finding.diagnosis.removeprefix("missing-"))
                assert not any(a.kind is kind for a in here.values()), finding
                assert "derivation" not in finding.message or Kind.WORKBOOK in wanted, finding
    if counted := re.match(r"all (\d+) files", readable.summary):
        assert int(counted[1]) == sum(a.readable for a in here.values()) == len(here)
    if main.verdict is Verdict.PASS:
        assert not submission.doubts


@st.composite
def seed_runs(draw: st.DrawFn) -> SeedRun:
    planned = draw(st.integers(1, 24))
    done = draw(st.integers(0, planned)) if draw(st.booleans()) else planned
    correct = draw(st.lists(st.integers(9_900, 9_960), min_size=done, max_size=done))
    sound = draw(st.sampled_from([True, True, True, False]))
    proof = Proof(
        steps=938, steps_expected=938, first_loss=1, last_loss=0.1, parameters_changed=1.0,
        digits_scored=10_000, finite=True, repeatable=sound,
    )  # fmt: skip
    return SeedRun(
        seed=draw(st.integers(0, 9)),
        correct=tuple(correct),
        losses=(0.1,) * done,
        planned=planned,
        proof=proof,
    )


@st.composite
def retrainings(draw: st.DrawFn) -> RetrainFacts:
    missing = draw(st.sampled_from([(), (), ("the sampler X",)]))
    return RetrainFacts(
        artefact="S4.ipynb",
        name="Net",
        graph="0" * 64,
        runs=tuple(draw(st.lists(seed_runs(), max_size=3))),
        recipe=draw(st.sampled_from(RecipeUsed)),
        recipe_summary="SGD",
        recipe_complete=not missing,
        recipe_missing=missing,
        kept_constants=draw(st.sampled_from([0, 0, 0, 123])),
        device="cpu",
        threads=1,
        versions=Versions(torch="2", loop="0"),
    )


@st.composite
def saved(draw: st.DrawFn) -> LogEvidence:
    runs = []
    for cell in range(1, 1 + draw(st.integers(0, 3))):
        rights = draw(st.lists(st.integers(9_900, 9_960), min_size=1, max_size=24))
        epochs = tuple(
            Epoch(
                place=Place(artefact="S4.ipynb", cell=cell, line=3 * i),
                percent=right / 100,
                printed=i,
                correct=right,
                total=10_000,
                excerpt=f"{right}/10000",
            )
            for i, right in enumerate(rights, 1)
        )
        gaps = draw(st.sampled_from([(), (), ("a gap",)]))
        main = draw(st.sampled_from([True, True, False]))
        runs.append(Run(origin=Origin.NOTEBOOK, artefact="S4.ipynb", main=main, epochs=epochs, gaps=gaps))
    return LogEvidence(runs=tuple(runs), notebooks=1, notebooks_with_outputs=bool(runs))


@st.composite
def rules(draw: st.DrawFn) -> accuracy_retrained.Params:
    return accuracy_retrained.Params(
        epochs=draw(st.sampled_from([5, 15, 20])),
        counting=draw(st.sampled_from(Which)),
        last_epochs=draw(st.sampled_from([1, 2, 4])),
        admission=draw(st.sampled_from(Admission)),
    )


_AT = re.compile(r"(best|last|least of the last \d+) ([\d,]+|\d+\.\d\d %) in epoch (\d+) of (\d+)")
_AFTER = re.compile(r"run (\d+) has (\d+\.\d\d) % after epoch (\d+)")


def curves(retrained: RetrainFacts, logs: LogEvidence) -> list[list[int]]:
    found = [list(run.correct) for run in retrained.runs]
    return found + [[round(100 * epoch.percent) for epoch in run.epochs] for run in logs.runs]


def held(outcome: Outcome, known: list[list[int]]) -> None:
    """Every accuracy that is said of an epoch is that epoch's, of a curve with so many; nothing is
    negative.
    """
    for text in texts(outcome):
        assert not re.search(r"(?<!\w)(?:None|nan|inf)(?!\w)", text), text
        assert not re.match(r"-|.*\D-\d+ more", text), text
        for _, number, epoch, of in _AT.findall(text):
            right = int(number.replace(",", "").replace(".", "").removesuffix(" %"))
            at = int(epoch) - 1
            assert any(len(c) == int(of) and c[at] == right for c in known), (text, known)


@given(retrainings(), saved(), rules())
def test_what_is_said_of_our_training_is_what_the_curves_hold(
    retrained: RetrainFacts, logs: LogEvidence, params: accuracy_retrained.Params
) -> None:
    known = curves(retrained, logs)
    outcome = accuracy_retrained.check(retrained, logs, params)
    held(outcome, known)
    for number, percent, epoch in _AFTER.findall(outcome.summary):
        assert f"{retrained.runs[int(number) - 1].correct[int(epoch) - 1] / 100:.2f}" == percent
    for below in re.findall(r"stays below 99.40 %: .*?(\d+\.\d\d) %", outcome.summary):
        assert float(below) < 99.4
    for finding in outcome.findings:
        for short in re.findall(r"^(\S+) more right answers", finding.hint):
            assert int(short) > 0, finding
    if outcome.verdict is Verdict.FAIL and retrained.runs:
        assert retrained.recipe is RecipeUsed.STUDENT
        assert retrained.recipe_complete
    if counted := re.search(r"needs (-?\d+) more epochs", outcome.summary):
        assert 0 < int(counted[1]) <= params.epochs
    if (earned := accuracy_retrained.claimed(logs, params)) is not None:
        held(earned, known)
        (right, epoch, of) = re.findall(r"has (\d+\.\d\d) % in epoch (\d+) of (\d+)", earned.summary)[0]
        (said,) = [
            run.epochs[int(epoch) - 1]
            for run in logs.runs
            if str(run.epochs[int(epoch) - 1 : int(epoch)] and run.epochs[int(epoch) - 1].place)
            in earned.summary
            and len(run.epochs) == int(of)
        ]
        assert f"{said.percent:.2f}" == right
        assert said.percent >= 99.4


@given(retrainings(), saved())
def test_a_log_and_our_training_are_compared_with_numbers_of_theirs(
    retrained: RetrainFacts, logs: LogEvidence
) -> None:
    outcome = claim_and_retraining.check(retrained, logs, claim_and_retraining.Params())
    held(outcome, curves(retrained, logs))
    if told := re.match(r"the log's best is (\d+\.\d\d) %, ours (\d+\.\d\d) %", outcome.summary):
        assert told[1] in {f"{run.best:.2f}" for run in logs.runs}
        assert told[2] == f"{max(run.best for run in retrained.runs) / 100:.2f}"
    if outcome.summary.endswith("where we stopped"):
        assert any(len(run.correct) < run.planned for run in retrained.runs)
    for finding in outcome.findings:
        assert finding.place in [run.epochs[run.best_epoch - 1].place for run in logs.runs]


@st.composite
def reproductions(draw: st.DrawFn) -> ReproducedFacts:
    numbers = sorted(draw(st.sets(st.integers(1, 26), max_size=6)))
    asked = draw(st.sampled_from([0, 1_800]))
    return ReproducedFacts(
        artefact="S4.ipynb",
        name="Net",
        graph=draw(st.sampled_from(["", "0" * 64])),
        ending=Ending.OK,
        isolation=Isolation(backend="bwrap", isolated=True),
        epochs=tuple(
            ReproducedEpoch(
                number=n, correct=draw(st.integers(9_900, 9_960)), visible=draw(st.integers(9_900, 9_960))
            )
            for n in numbers
        ),
        scored_with=ScoredWith.STUDENT,
        unsteady=draw(st.sampled_from(["", "", "one depends on its place"])),
        cut=draw(st.sampled_from(["", "the time was over"])),
        canary=Canary(
            state=draw(st.sampled_from(CanaryState)),
            reason=draw(st.sampled_from(["", "the loop reads its test loss"])),
            asked=asked,
            answered=draw(st.integers(0, asked)),
            without=draw(st.integers(0, asked)),
        ),
        failed=tuple(
            CellRun(cell=draw(st.integers(1, 30)), status=CellStatus.FAILED, error="ValueError")
            for _ in range(draw(st.integers(0, 2)))
        ),
    )


def hundredths(facts: ReproducedFacts, retrained: RetrainFacts) -> set[str]:
    counts = [n for e in facts.epochs for n in (e.correct, e.visible)]
    counts += [run.best for run in retrained.runs]
    return {f"{n / 100:.2f}" for n in counts}


def percents(outcome: Outcome) -> Iterable[str]:
    return (p for text in texts(outcome) for p in re.findall(r"(?<![\d.+-])(\d\d\.\d\d)(?: %|, |$)", text))


@given(reproductions(), retrainings())
def test_what_is_said_of_the_notebooks_own_run_is_what_was_counted(
    facts: ReproducedFacts, retrained: RetrainFacts
) -> None:
    outcomes = [
        reproduced_accuracy.check(facts, given_, reproduced_accuracy.Params()) for given_ in (None, retrained)
    ]
    outcomes.append(leaked_test_set.check(facts, leaked_test_set.Params()))
    known = hundredths(facts, retrained)
    for outcome in outcomes:
        held_ = set(percents(outcome)) - known
        assert not held_, (held_, texts(outcome))
        for text in texts(outcome):
            assert not re.search(r"(?<!\w)(?:None|nan|inf)(?!\w)", text), text
            for share, answered, asked in re.findall(r"turned (()[\d,]+) of ([\d,]+)", text):
                assert answered == ""
                assert int(share.replace(",", "")) == facts.canary.answered
                assert int(asked.replace(",", "")) == facts.canary.asked
    for outcome in outcomes[:2]:
        for best, at, of in re.findall(r"best (\d+\.\d\d) % in epoch (\d+) of (\d+)", outcome.summary):
            (epoch,) = [e for e in facts.epochs if e.number == int(at)]
            assert f"{epoch.correct / 100:.2f}" == best
            assert int(of) in {e.number for e in facts.epochs if e.number <= 20}
        if outcome.verdict is Verdict.PASS:
            assert facts.graph
            assert any(e.correct >= 9_940 and e.number <= 20 for e in facts.epochs)

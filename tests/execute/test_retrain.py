"""Retraining end to end on made-up digits: what is asked for, what is kept, and what is said when it cannot
be done.
"""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from grader.core.admission import admitted
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run
from grader.core.facts.notebook import Ending, ExportFrame, Isolation, NotebookRun
from grader.core.facts.recipe import Part
from grader.core.facts.retrain import RecipeUsed, RetrainFacts
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.place import Place
from grader.core.retrain_rule import Admission, Retraining, RetrainParams, RuleParams, retraining
from grader.core.rubric import Which
from grader.core.settings import Device, Settings
from grader.execute import data as lookup
from grader.execute.engine.runs import limits
from grader.execute.engine.runs import retraining as trainings
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.wish import Progress, Wish
from grader.execute.graph.provider import network_facts
from grader.execute.retrain import retrain
from grader.sandbox.worker.export import export_model
from tests.execute.engine.small import digits, module, network, recipe

pytestmark = pytest.mark.slow

# Few epochs, and every curve of a hundred digits is a clear miss: one run decides.
SHORT = RuleParams(epochs=2)


def facts(settings: Settings | None = None, **changes: object) -> RetrainFacts:
    wish = Wish(rule=SHORT, **changes)  # type: ignore[arg-type]
    return retrain_network(network(), recipe(), digits(), settings or Settings(), wish, artefact="S4.ipynb")


def notebook(frames: list[tuple[str, bytes]], recipe_bytes: bytes = b"") -> NotebookRun:
    return NotebookRun(
        artefact="S4.ipynb",
        ending=Ending.OK,
        isolation=Isolation(backend="none", isolated=False),
        data="synthetic",
        export=tuple(ExportFrame(kind=kind, payload=payload) for kind, payload in frames),
        recipe=recipe_bytes,
    )


def test_trains_as_often_as_the_rule_asks_with_the_students_seed_first() -> None:
    found = facts()
    assert found.recipe is RecipeUsed.STUDENT
    assert found.recipe_complete
    assert (found.seeds, found.test_size) == ((5,), 100)
    assert len(found.runs[0].correct) == 2
    assert found.runs[0].planned == 3
    assert found.graph == network().digest
    assert "SGD" in found.recipe_summary


def test_more_seeds_follow_where_the_rule_wants_them() -> None:
    rule = RuleParams(epochs=2, clear_miss=0, borderline=9_900)
    found = retrain_network(network(), recipe(), digits(), Settings(), Wish(rule=rule))
    assert found.seeds == (5, 6, 7)
    assert len({run.losses for run in found.runs}) == 3


def test_an_incomplete_recipe_falls_back_on_ours_and_says_why() -> None:
    incomplete = recipe(optimizer=Part(kind="LBFGS", arguments={"lr": 1.0}))
    found = retrain_network(network(), incomplete, digits(), Settings(), Wish(rule=SHORT))
    assert found.recipe is RecipeUsed.REFERENCE
    assert not found.recipe_complete
    assert any("LBFGS" in reason for reason in found.recipe_missing)


def test_our_recipe_on_request_is_not_the_students() -> None:
    found = facts(recipe=RecipeUsed.REFERENCE)
    assert found.recipe is RecipeUsed.REFERENCE
    assert not found.recipe_complete


def test_the_same_training_gives_the_same_bytes() -> None:
    assert msgspec.json.encode(facts()) == msgspec.json.encode(facts())


def test_a_second_grading_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(cache=str(tmp_path))
    first = facts(settings)
    heard: list[Progress] = []

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(trainings, "run_seed", refuse)
    assert facts(settings, progress=heard.append) == first
    assert [(item.epoch, item.cached) for item in heard] == [(1, True), (2, True)]


def test_a_kept_run_with_too_few_epochs_is_run_again(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path))
    facts(settings)
    longer = retrain_network(network(), recipe(), digits(), settings, Wish(rule=RuleParams(epochs=3)))
    assert len(longer.runs[0].correct) == 3
    assert longer.runs[0].correct[:2] == facts().runs[0].correct


def test_another_recipe_or_other_digits_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path))
    facts(settings)
    retrain_network(network(), recipe(batch_size=32), digits(), settings, Wish(rule=SHORT))
    retrain_network(network(), recipe(), digits(train=300), settings, Wish(rule=SHORT))
    assert len(list((tmp_path / "retrain").glob("*.json"))) == 3


def test_a_broken_cache_file_is_no_run(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path))
    first = facts(settings)
    for file in (tmp_path / "retrain").glob("*.json"):
        file.write_text("{")
    assert facts(settings) == first


def test_progress_is_told_epoch_by_epoch() -> None:
    heard: list[Progress] = []
    found = facts(progress=heard.append)
    assert [(item.run, item.seed, item.epoch) for item in heard] == [(1, 5, 1), (1, 5, 2)]
    assert [item.correct for item in heard] == list(found.runs[0].correct)


def test_without_mnist_it_is_skipped_with_the_command_that_gets_it(tmp_path: Path) -> None:
    frames = export_model(module(), None, torch.randn(4, 1, 28, 28))
    with pytest.raises(Unavailable, match="download") as caught:
        retrain(notebook(frames), Settings(data=str(tmp_path)), Retraining(), None)
    assert caught.value.verdict is Verdict.SKIPPED


def test_damaged_mnist_is_unknown(tmp_path: Path) -> None:
    from reference import mnist

    for name in mnist.SHA256:
        (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(Unavailable, match="damaged") as caught:
        lookup.load_images(Settings(data=str(tmp_path)))
    assert caught.value.verdict is Verdict.UNKNOWN


def test_when_retraining_is_not_wanted_nothing_is_looked_at() -> None:
    with pytest.raises(Unavailable, match="not trained again") as caught:
        retrain(notebook([]), Settings(retrain=False), Retraining(), None)
    assert caught.value.verdict is Verdict.SKIPPED


def test_a_run_without_a_network_is_unknown_with_the_reason() -> None:
    with pytest.raises(Unavailable, match="no network behind") as caught:
        network_facts(notebook([]))
    assert caught.value.verdict is Verdict.UNKNOWN
    with pytest.raises(Unavailable, match=r"S4\.ipynb: int could not be exported"):
        network_facts(notebook(export_model(3, None, torch.randn(4, 1, 28, 28))))


def test_the_provider_names_the_file() -> None:
    assert (
        network_facts(notebook(export_model(module(), None, torch.randn(4, 1, 28, 28)))).artefact
        == "S4.ipynb"
    )


def test_a_network_that_is_too_much_work_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.PER_HOUR, "cpu", 1e3)
    with pytest.raises(Unavailable, match="operations"):
        facts()


def test_too_little_memory_is_said_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16000000 kB\nMemAvailable:       2000 kB\n")
    monkeypatch.setattr(limits, "MEMINFO", meminfo)
    with pytest.raises(Unavailable, match=r"needs about \d\.\d GiB of memory, 0\.0 GiB are free") as caught:
        facts()
    assert caught.value.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("text", [None, "", "MemAvailable: much\n", "MemTotal: 5 kB\n"])
def test_a_machine_that_does_not_tell_its_memory_refuses_nothing(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MEMINFO", tmp_path / "meminfo")
    if text is not None:
        (tmp_path / "meminfo").write_text(text)
    assert limits.memory_free() == float("inf")


def test_memory_grows_with_the_batch_and_has_a_floor_for_scoring() -> None:
    small, large = (limits.memory_needed(network(), batch) for batch in (1, 10_000))
    values = 4 * 12 * 12  # what the convolution makes of a digit, the largest
    assert small >= 4 * limits.EVALUATION_BATCH * values
    assert large >= 4 * 10_000 * values * 3


class FullGPU:
    """Stands in for a GPU that is there and has no memory left: runs on it fail, others are trained."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[str] = []
        self._train = trainings.run_seed
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(trainings, "run_seed", self)

    def __call__(self, *arguments: object, **options: object) -> object:
        self.tried.append(str(options["device"]))
        if options["device"] == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self._train(*arguments, **options)  # type: ignore[arg-type]


def test_a_gpu_without_memory_gives_way_to_the_cpu_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = facts(Settings(device=Device.CPU))
    gpu = FullGPU(monkeypatch)
    found = facts(Settings(cache=str(tmp_path)))
    assert gpu.tried == ["cuda", "cpu"]
    assert (found.device, found.runs) == ("cpu", on_cpu.runs)
    assert found.notes == ("the GPU had too little memory, so the CPU trained",)


def test_what_is_too_much_for_the_cpu_does_not_fall_back_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = FullGPU(monkeypatch)
    monkeypatch.setitem(limits.PER_HOUR, "cpu", 1e3)
    with pytest.raises(Unavailable, match="hours on cpu allows"):
        facts()
    assert gpu.tried == ["cuda"]


def test_a_network_that_fails_in_training_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(trainings, "run_seed", fail)
    with pytest.raises(Unavailable, match="cannot be trained here: DefaultCPUAllocator") as caught:
        facts()
    assert caught.value.verdict is Verdict.UNKNOWN


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_cuda_where_there_is_none_says_so() -> None:
    with pytest.raises(Unavailable, match="no CUDA"):
        facts(Settings(device=Device.CUDA))


def test_a_network_without_ten_answers_is_unknown() -> None:
    from grader.execute.graph.network import load_network

    narrow = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3))
    net = load_network(export_model(narrow, None, torch.randn(4, 1, 28, 28)))
    with pytest.raises(Unavailable, match="answers with 3 numbers"):
        retrain_network(net, recipe(), digits(), Settings(), Wish(rule=SHORT))


@pytest.mark.parametrize("shape", [(784,), (3, 28, 28), (1, 32, 32)])
def test_our_recipe_feeds_networks_of_other_shapes(shape: tuple[int, ...]) -> None:
    from grader.execute.graph.network import load_network

    size = int(np.prod(shape))
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(size), torch.nn.Linear(size, 10))
    net = load_network(export_model(flat, None, torch.randn(4, *shape)))
    found = retrain_network(net, None, digits(), Settings(), Wish(rule=SHORT))
    assert found.recipe is RecipeUsed.REFERENCE
    assert found.runs[0].correct[-1] > 50  # of 100, where chance has 10 and every seed of ten had all


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DropoutAlwaysOn", "with it off"),
        ("OverBatch", "over the batch"),
    ],
)
def test_what_is_odd_about_the_scoring_is_noted(name: str, said: str) -> None:
    from tests.execute.graph.exported import network as nasty

    found = retrain_network(
        nasty(name), recipe(), digits(100, 50), Settings(), Wish(rule=RuleParams(epochs=1))
    )
    assert any(said in note for note in found.notes)


def test_two_networks_in_one_are_not_trained() -> None:
    from tests.execute.graph.exported import network as nasty

    with pytest.raises(Unavailable, match="two networks") as raised:
        retrain_network(nasty("NormOnlyInTraining"), recipe(), digits(100, 50), Settings(), Wish())
    assert raised.value.verdict is Verdict.UNKNOWN


def trained_as(
    monkeypatch: pytest.MonkeyPatch, wanted: Retraining, logs: LogEvidence | None = None
) -> RetrainFacts:
    """What the provider makes of the small network with our own recipe."""
    monkeypatch.setattr(lookup, "load_images", lambda settings, data: digits())
    return retrain(
        notebook(export_model(module(), None, torch.randn(4, 1, 28, 28))), Settings(), wanted, logs
    )


def test_the_rubrics_rule_decides_how_often_and_how_long_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = RuleParams(epochs=2, clear_miss=0, borderline=9_900)
    assert len(trained_as(monkeypatch, Retraining(rules=(doubtful,))).runs) == 3
    once = msgspec.structs.replace(doubtful, seeds=1)
    assert len(trained_as(monkeypatch, Retraining(rules=(once,))).runs) == 1
    five = trained_as(monkeypatch, Retraining(rules=(RuleParams(epochs=5),)))
    assert [len(run.correct) for run in five.runs] == [5]


def test_what_the_provider_gives_names_the_wrong_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trained_as(monkeypatch, Retraining(rules=(SHORT,)))
    best = max(found.runs, key=lambda run: run.best)
    assert (found.wrong.count, found.wrong.of) == (100 - best.correct[-1], 100)
    assert [(d.index, d.label, d.answer) for d in found.wrong.listed] == list(best.wrong[:60])
    assert bool(found.wrong_pictures.png) is bool(best.wrong)


def test_several_rules_are_answered_by_the_same_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = (RuleParams(epochs=1, clear_miss=0, seeds=2), RuleParams(epochs=3))
    found = trained_as(monkeypatch, Retraining(rules=rules))
    assert [len(run.correct) for run in found.runs] == [3, 3]


def test_a_run_over_the_rubrics_budget_is_unknown_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = r"needs \d\.\de\+\d\d operations, more than the 1\.0e\+02 that the budget of 1e-12 hours on cpu"
    with pytest.raises(Unavailable, match=figures) as caught:
        trained_as(monkeypatch, Retraining(budget_hours=1e-12))
    assert caught.value.verdict is Verdict.UNKNOWN


def log(*correct: int, gaps: tuple[str, ...] = (), total: int = 10_000, main: bool = True) -> LogEvidence:
    epochs = tuple(
        Epoch(place=Place(artefact="S4.ipynb"), percent=100 * n / total, correct=n, total=total)
        for n in correct
    )
    run = Run(origin=Origin.NOTEBOOK, artefact="S4.ipynb", main=main, epochs=epochs, gaps=gaps)
    return LogEvidence(runs=(run,))


def test_nothing_is_trained_where_a_log_decides_and_the_rubric_wants_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decides = Retraining(rules=(RuleParams(epochs=1),), admission=Admission.DECIDES)
    found = trained_as(monkeypatch, decides, log(9_800, 9_939))
    assert found.runs == ()
    assert found.graph == network().digest
    assert found.notes == ("nothing was trained: the saved log decides",)
    for other in (log(9_940), log(9_800, gaps=("epoch 2 is missing",)), log(980, total=1_000), None):
        assert trained_as(monkeypatch, decides, other).runs
    advises = msgspec.structs.replace(decides, admission=Admission.ADVISES)
    assert trained_as(monkeypatch, advises, log(9_800)).runs


def test_a_log_of_another_notebook_or_a_second_run_that_reaches_it_admits_nothing() -> None:
    low, high = log(9_800), log(9_950)
    both = LogEvidence(runs=(*low.runs, *high.runs))
    assert admitted(low, RuleParams()) == low.runs[0]
    assert admitted(both, RuleParams()) is None
    assert admitted(log(9_800, main=False), RuleParams()) is None
    assert admitted(LogEvidence(), RuleParams()) is None
    # A run that is longer than the rubric allows reached it too late.
    assert admitted(log(9_800, 9_950), RuleParams(epochs=1)) is not None
    last = RuleParams(epochs=2, counting=Which.LAST)
    assert admitted(log(9_950, 9_800), last) is not None
    assert admitted(log(9_800, 9_950, 9_800), last) is None


def test_one_criterion_that_wants_the_training_gets_it() -> None:
    decides, trains = RetrainParams(admission=Admission.DECIDES), RetrainParams(epochs=10)
    assert retraining([decides]).admission is Admission.DECIDES
    assert retraining([decides, trains]).admission is Admission.ADVISES
    assert retraining([]).admission is Admission.ADVISES

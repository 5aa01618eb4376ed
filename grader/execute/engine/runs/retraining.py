"""Train an exported network as often as the rule asks, and keep every run in the cache."""

import time
from dataclasses import replace

import msgspec
import torch

from grader.core.assigned_data import MNIST, DataSet
from grader.core.facts.network import Modes, NetworkFacts, OutputKind
from grader.core.facts.recipe import StudentRecipe
from grader.core.facts.retrain import RecipeUsed, RetrainFacts, SeedRun, Versions
from grader.core.faults import GraderFault, Unavailable
from grader.core.memory import code_of
from grader.core.outcome import Verdict
from grader.core.retrain_rule import (
    REFERENCE_EPOCHS,
    Answer,
    Continue,
    Curve,
    Decided,
    next_for_all,
    next_step,
)
from grader.core.settings import Device, Settings
from grader.execute.data import normalised
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.cache import RunCache, TrainingJob
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.limits import Run, refuse_too_large
from grader.execute.engine.runs.loop import EVALUATION_BATCH
from grader.execute.engine.runs.seed_run import kernels_for, run_seed, run_together
from grader.execute.engine.runs.setup import UnusableNetwork
from grader.execute.engine.runs.wish import Progress, Wish
from grader.execute.engine.ways.parallel_processes import Heard, Training, processes_for, run_apart
from grader.execute.graph.facts import network_facts
from grader.execute.graph.learnt import learnt_elsewhere
from grader.execute.graph.network import Network
from grader.execute.graph.position import place_in_batch
from grader.execute.graph.schema import first_line
from reference import mnist
from reference.recipe import RECIPES

LOOP = ("grader.execute.engine", "grader.execute.graph", "reference")
"""Whose code decides a curve: finished trainings, which took hours, are kept when anything else changes."""


def retrain_network(
    network: Network,
    recipe: StudentRecipe | None,
    data: mnist.Mnist,
    settings: Settings,
    wish: Wish,
    *,
    artefact: str = "",
    described: DataSet = MNIST,
) -> RetrainFacts:
    """Train a network until the rule has decided; raises Unavailable (unknown) where it cannot be trained
    here.

    A network that passed validation and still breaks our engine is a network that we cannot train, not our
    fault: its student wrote every number in it.
    """
    try:
        facts = _retrain(network, recipe, data, settings, wish, described)
    except GraderFault:
        raise
    except Exception as error:
        raise Unavailable(
            f"the network cannot be trained here: {first_line(error)}", Verdict.UNKNOWN
        ) from error
    return msgspec.structs.replace(facts, artefact=artefact)


def _refuse_untrainable(network: Network, facts: NetworkFacts, described: DataSet) -> None:
    """Raise Unavailable (unknown) for a network that a training of ours could not feed, or would say nothing
    of.
    """
    if facts.static_batch:
        raise Unavailable(
            f"the network only takes batches of {facts.static_batch}, so we cannot train it", Verdict.UNKNOWN
        )
    if facts.outputs < described.classes:
        raise Unavailable(
            f"the network answers with {facts.outputs} numbers, expected {described.classes}", Verdict.UNKNOWN
        )
    if facts.modes is Modes.DIFFERENT:
        raise Unavailable(
            f"training and evaluation are two networks, so training the one says nothing of the other: "
            f"{facts.modes_difference}",
            Verdict.UNKNOWN,
        )
    if doubt := place_in_batch(network) or learnt_elsewhere(network):
        raise Unavailable(doubt, Verdict.UNKNOWN)


def _retrain(
    network: Network,
    recipe: StudentRecipe | None,
    data: mnist.Mnist,
    settings: Settings,
    wish: Wish,
    described: DataSet,
) -> RetrainFacts:
    facts = network_facts(network)
    _refuse_untrainable(network, facts, described)
    described = normalised(described, data)
    resolved = resolve(recipe, network.image, len(data.train_labels), described.side)
    plan = resolved.plan if wish.recipe is RecipeUsed.STUDENT else None
    fresh = fresh_tensors(network, 0)
    kept = fresh.kept_numbers
    missing = list(resolved.missing)
    if kept:
        missing.append(f"{kept:,} numbers of the network follow no rule of initialisation that we know")
    planned = plan.epochs if plan else min(REFERENCE_EPOCHS, wish.epochs)
    epochs = min(wish.epochs, planned)
    work = 3 * facts.flops * len(data.train_labels) * epochs
    batch = plan.batch_size if plan else RECIPES["default"].batch_size
    used = RecipeUsed.STUDENT if plan is not None else RecipeUsed.REFERENCE
    notes = _odd(facts)
    device = _device(settings.device)
    job = TrainingJob(
        network=network,
        plan=plan,
        recipe=recipe if plan is not None else None,
        data=data,
        device=device,
        versions=_versions(),
        planned=planned,
        kernels=kernels_for(device),
        described=described,
    )
    job, runs = _runs(job, Run(work, batch, epochs), settings, wish, notes)
    return RetrainFacts(
        artefact="",
        name=facts.name,
        graph=facts.graph,
        runs=runs,
        test_size=len(data.test_labels),
        recipe=used,
        recipe_summary=plan.summary if plan else _reference_summary(planned),
        recipe_complete=plan is not None and not missing,
        recipe_missing=tuple(missing),
        kept_constants=fresh.kept_tables,
        device=job.device,
        threads=1,
        kernels=job.kernels,
        versions=job.versions,
        notes=(
            *([wish.admitted] if wish.admitted else []),
            *notes,
            *dict.fromkeys(run.how for run in runs if run.how),
        ),
    )


def _runs(
    job: TrainingJob, run: Run, settings: Settings, wish: Wish, notes: list[str]
) -> tuple[TrainingJob, tuple[SeedRun, ...]]:
    """The runs that the rule asked for, on the CPU where the GPU has too little memory; the job says where
    they ran.
    """
    while True:
        if wish.admitted:
            return job, ()
        refuse_too_large(job.network, run, job.device, wish.budget_hours)
        try:
            processes = processes_for(job.network, run.batch, run.operations) if job.device == "cpu" else 1
            return job, _Trainer(job, RunCache(settings.cache, job), wish, processes).decide()
        except UnusableNetwork as error:
            raise Unavailable(str(error), Verdict.UNKNOWN) from error
        except torch.OutOfMemoryError:
            if job.device != "cuda":
                raise
            job = replace(job, device="cpu", kernels=kernels_for("cpu"))
            notes.append("the GPU had too little memory, so the CPU trained")


def _odd(facts: NetworkFacts) -> list[str]:
    """What a person should know about how such a network is scored."""
    notes = []
    if facts.output is OutputKind.OVER_BATCH:
        notes.append(
            "the softmax runs over the batch, so answers depend on the batch; scored in batches "
            f"of {EVALUATION_BATCH}"
        )
    if facts.modes is Modes.DROPOUT_ACTIVE:
        notes.append("dropout stays on when the notebook evaluates; we score with it off")
    return notes


class _Trainer:
    """Asks the rule, trains, asks again."""

    def __init__(self, job: TrainingJob, cache: RunCache, wish: Wish, processes: int = 1) -> None:
        self._job = job
        self._cache = cache
        self._wish = wish
        self._falls = job.plan is None or job.plan.changes_rate
        self._together = job.side_by_side
        self._processes = processes
        self._began = time.monotonic()  # the run that goes on, or those that go on at once
        self._heard: dict[int, float] = {}  # when each of them was last heard of

    def decide(self) -> tuple[SeedRun, ...]:
        """All runs that the rule asked for."""
        runs: list[SeedRun] = []
        while not isinstance(next_for_all(self._curves(runs), self._wish.rules), Decided):
            runs += self._next(runs)
        return tuple(runs)

    def _next(self, before: list[SeedRun]) -> tuple[SeedRun, ...]:
        """The next run, or all that may yet follow: the first seed alone, because most submissions need no
        other.
        """
        seed = self._seed(len(before))
        self._began, self._heard = time.monotonic(), {}
        cached = self._cache.read(seed)
        if cached is not None and self._ended(before, cached.correct, cached):
            for epoch, (right, loss) in enumerate(zip(cached.correct, cached.losses, strict=True), 1):
                self._tell(len(before) + 1, seed, epoch, right, loss, cached=True)
            return (cached,)
        most = max(rule.seeds for rule in self._wish.rules)
        seeds = [self._seed(number) for number in range(len(before), most)]
        if self._together and before and len(seeds) > 1:
            found = self._train_together(before, seeds)
            if found is not None:
                return found
            self._together = False
        if self._processes > 1 and before and len(seeds) > 1:
            found = self._train_apart(before, seeds[: self._processes])
            if found is not None:
                return found
            self._processes = 1
        return (self._train(before, seed),)

    def _train(self, before: list[SeedRun], seed: int) -> SeedRun:
        correct: list[int] = []
        checkpoint = self._cache.checkpoint(seed)

        def on_epoch(right: int, loss: float) -> bool:
            correct.append(right)
            before_this = len(correct) <= checkpoint.epochs
            self._tell(len(before) + 1, seed, len(correct), right, loss, cached=before_this)
            return self._ended(before, tuple(correct))

        job = self._job
        run = run_seed(
            job.network,
            job.plan,
            job.data,
            seed=seed,
            epochs=self._wish.epochs,
            device=job.device,
            on_epoch=on_epoch,
            described=job.described,
            checkpoint=checkpoint,
            kernels=job.kernels,
        )
        self._cache.write(run)
        return run

    def _train_together(self, before: list[SeedRun], seeds: list[int]) -> tuple[SeedRun, ...] | None:
        """Runs side by side, ended when one of them decides or all are over; None where they have to be run
        one by one.
        """
        curves: list[list[int]] = [[] for _ in seeds]
        checkpoint = self._cache.checkpoint(*seeds)

        def on_epoch(scores: tuple[tuple[int, float], ...]) -> bool:
            for offset, (seed, curve, (right, loss)) in enumerate(zip(seeds, curves, scores, strict=True)):
                curve.append(right)
                number, before_this = len(before) + offset + 1, len(curve) <= checkpoint.epochs
                self._tell(number, seed, len(curve), right, loss, cached=before_this)
            return any(self._passed(before, curve) for curve in curves) or all(
                self._ended(before, tuple(curve)) for curve in curves
            )

        job = self._job
        try:
            runs = run_together(
                job.network,
                job.plan,
                job.data,
                seeds=seeds,
                epochs=self._wish.epochs,
                device=job.device,
                on_epoch=on_epoch,
                described=job.described,
                checkpoint=checkpoint,
            )
        except torch.OutOfMemoryError:  # one by one they need a part of it
            return None
        for run in runs or ():
            self._cache.write(run)
        checkpoint.drop()
        return runs

    def _train_apart(self, before: list[SeedRun], seeds: list[int]) -> tuple[SeedRun, ...] | None:
        """Runs in processes of their own; None where one of them died, and what it finished is gone on with
        here.
        """
        job = self._job
        curves: list[list[int]] = [[] for _ in seeds]

        def on_epoch(heard: Heard) -> bool:
            curve = curves[heard.number]
            curve.append(heard.right)
            number = len(before) + heard.number + 1
            self._tell(number, seeds[heard.number], len(curve), heard.right, heard.loss, cached=heard.kept)
            return self._ended(before, tuple(curve)) or any(self._passed(before, other) for other in curves)

        runs = run_apart(
            [
                Training(
                    network=job.network,
                    recipe=job.recipe,
                    data=job.data,
                    seed=seed,
                    epochs=self._wish.epochs,
                    described=job.described,
                    kernels=job.kernels,
                    state=self._cache.checkpoint(seed).path,
                )
                for seed in seeds
            ],
            on_epoch,
        )
        for run in runs or ():
            self._cache.write(run)
        return runs

    def _seed(self, number: int) -> int:
        """The seed of a run, `number` from 0."""
        plan = self._job.plan
        first = plan.seed if plan is not None and plan.seed is not None else 0
        return (first + number) % (1 << 63)

    def _curves(self, runs: list[SeedRun]) -> list[Curve]:
        return [self._curve(run.correct, run) for run in runs]

    def _curve(self, correct: tuple[int, ...], run: SeedRun | None = None) -> Curve:
        """The curve of a run, or of one that goes on, whose training accuracy is told at its end."""
        trained, seen = (run.trained, run.seen) if run is not None else ((), 0)
        return Curve(
            correct=correct, planned=self._job.planned, drop_ahead=self._falls, trained=trained, seen=seen
        )

    def _ended(self, before: list[SeedRun], correct: tuple[int, ...], run: SeedRun | None = None) -> bool:
        """Whether no rule asks for a further epoch of the run with this curve."""
        curves = [*self._curves(before), self._curve(correct, run)]
        return not isinstance(next_for_all(curves, self._wish.rules), Continue)

    def _passed(self, before: list[SeedRun], correct: list[int]) -> bool:
        """Whether every rule is content with the run that has this curve."""
        curves = [*self._curves(before), self._curve(tuple(correct))]
        steps = (next_step(curves, rule) for rule in self._wish.rules)
        return all(isinstance(step, Decided) and step.answer is Answer.PASS for step in steps)

    def _tell(self, run: int, seed: int, epoch: int, right: int, loss: float, *, cached: bool) -> None:
        now = time.monotonic()
        seconds = now - self._heard.get(run, self._began)
        self._heard[run] = now
        self._wish.progress(Progress(run, seed, epoch, self._job.planned, right, loss, cached, seconds))


def _device(wanted: Device) -> str:
    there = torch.cuda.is_available()
    if wanted is Device.CUDA and not there:
        raise Unavailable("a CUDA device was asked for, and torch sees no CUDA device here", Verdict.UNKNOWN)
    return "cuda" if there and wanted is not Device.CPU else "cpu"


def _versions() -> Versions:
    return Versions(
        torch=str(torch.__version__),
        loop=code_of("grader.execute.engine.runs.seed_run", within=LOOP),
    )


def _reference_summary(epochs: int) -> str:
    return (
        "our own recipe: SGD with momentum under a one-cycle rate, batches of 128, shifts of one "
        f"pixel, {epochs} epochs"
    )

"""One claim in four voices: what the README says, the code does, the saved log shows and our own run gave.

The table informs and judges nothing: what disagrees is ruled on by checks, which know what may differ. A line says "no" only where
two exact numbers differ by more than the last digit that was written.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from grader.core.evidence.claims import Bound, ClaimEvidence, Feature, On, Use, What
from grader.core.evidence.claims import Claim as Written
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import GapKind, NetworkFacts
from grader.core.facts.reproduced import ReproducedFacts
from grader.core.facts.retrain import RetrainFacts
from grader.render import strings
from grader.render.adapt import Products
from grader.render.student_page import Agreement, Claim

_SHOWN = 4


def claims_of(products: Products) -> tuple[Claim, ...]:
    """Return the lines that at least two voices speak to."""
    claims = products.get(ClaimEvidence.__name__)
    logs = products.get(LogEvidence.__name__)
    summaries = products.get(SummaryEvidence.__name__)
    network = products.get(NetworkFacts.__name__)
    retrained = products.get(RetrainFacts.__name__)
    reproduced = products.get(ReproducedFacts.__name__)
    said = claims if isinstance(claims, ClaimEvidence) else ClaimEvidence()
    lines = [
        _parameters(
            said,
            summaries if isinstance(summaries, SummaryEvidence) else SummaryEvidence(),
            network if isinstance(network, NetworkFacts) else None,
        ),
        *_training(
            said,
            logs if isinstance(logs, LogEvidence) else LogEvidence(),
            _Runs(
                retrained if isinstance(retrained, RetrainFacts) else None,
                reproduced if isinstance(reproduced, ReproducedFacts) else None,
            ),
        ),
    ]
    if isinstance(network, NetworkFacts):
        lines += _blocks(said, network)
    return tuple(line for line in lines if sum(map(bool, (line.readme, line.code, line.log, line.ours))) > 1)


def _parameters(said: ClaimEvidence, summaries: SummaryEvidence, network: NetworkFacts | None) -> Claim:
    written = _main(said.of(What.PARAMETERS))
    totals = sorted({total for total, _ in summaries.saved_totals})
    truths = [float(network.counted)] if network else [float(t) for t in totals]
    return Claim(
        what="Number of parameters",
        readme=_words(written),
        log=", ".join(f"{total:,}" for total in totals[:_SHOWN]),
        code=f"{network.declared_parameters:,}" if network else "",
        ours=f"{network.counted:,}" if network else "",
        agrees=_agreement(written, truths),
    )


class _Runs(NamedTuple):
    """What we ran ourselves: our training of the network, and the student's own code."""

    retrained: RetrainFacts | None
    reproduced: ReproducedFacts | None

    def accuracies(self) -> str:
        """The best accuracies; named where both kinds of run speak."""
        ours = (
            [f"{100 * r.best / self.retrained.test_size:.2f} %" for r in self.retrained.runs]
            if self.retrained
            else []
        )
        theirs = []
        if self.reproduced and self.reproduced.epochs:
            share = 100 * self.reproduced.best / self.reproduced.test_size
            how = ", by its own answers" if self.reproduced.answered else ""
            theirs = [f"{share:.2f} % in epoch {self.reproduced.best_epoch}{how}"]
        return self._both(ours, theirs)

    def epochs(self) -> str:
        """How many epochs were run."""
        ours = sorted({str(len(r.correct)) for r in self.retrained.runs}) if self.retrained else []
        return self._both(ours, [str(len(self.reproduced.epochs))] if self.reproduced else [])

    def _both(self, ours: list[str], theirs: list[str]) -> str:
        parts = [(strings.OURS_RETRAINED, ours), (strings.OURS_REPRODUCED, theirs)]
        said = [(name, ", ".join(values)) for name, values in parts if values]
        return said[0][1] if len(said) == 1 and ours else "; ".join(f"{name}: {text}" for name, text in said)


def _training(said: ClaimEvidence, logs: LogEvidence, runs: _Runs) -> Iterator[Claim]:
    saved = [run for run in logs.runs if run.origin is Origin.NOTEBOOK]
    best = max(saved, key=lambda run: (run.main, run.best), default=None)
    accuracies = _main(c for c in said.of(What.ACCURACY) if c.on is On.TEST and c.best)
    yield Claim(
        what="Best test accuracy",
        readme=_words(accuracies),
        log=f"{best.best:.2f} % in epoch {best.best_epoch}" if best else "",
        ours=runs.accuracies(),
        # Two runs of one recipe differ by chance, so our own run cannot contradict a log; a README can.
        agrees=_agreement(accuracies, [run.best for run in saved]),
    )
    epochs = _main(said.of(What.EPOCHS))
    yield Claim(
        what="Epochs",
        readme=_words(epochs),
        log=str(len(best.epochs)) if best else "",
        ours=runs.epochs(),
        agrees=_agreement(epochs, [float(len(run.epochs)) for run in saved if run.complete]),
    )


def _blocks(said: ClaimEvidence, network: NetworkFacts) -> Iterator[Claim]:
    rates = sorted({d.p for d in network.dropout})
    there = {
        Feature.BATCH_NORM: (bool(network.batchnorm), f"{len(network.batchnorm)} layers"),
        Feature.DROPOUT: (bool(network.dropout), f"p = {', '.join(f'{p:g}' for p in rates)}"),
        Feature.GAP: (network.gap is GapKind.FULL, network.gap.value),
        Feature.FULLY_CONNECTED: (bool(network.linear), f"{len(network.linear)} layers"),
    }
    for feature, (present, detail) in there.items():
        uses = [use for use in said.uses if use.feature is feature and use.said]
        yield Claim(
            what=feature.value.capitalize(),
            readme=_used(uses),
            code=f"yes, {detail}"
            if present
            else "no"
            if feature is not Feature.GAP
            else f"not in full: {detail}",
            agrees=Agreement.YES if uses and all(use.used is present for use in uses) else Agreement.OPEN,
        )


def _main(claims: Iterable[Written]) -> list[Written]:
    """Claims about the submitted work; asides speak of an earlier or a planned one."""
    return [claim for claim in claims if not claim.aside]


def _words(claims: list[Written]) -> str:
    unique = dict.fromkeys(f"{claim.written} ({claim.place})" for claim in claims)
    return ", ".join(list(unique)[:_SHOWN]) + (" …" if len(unique) > _SHOWN else "")


def _used(uses: list[Use]) -> str:
    unique = dict.fromkeys(f"{'yes' if use.used else 'no'} ({use.place})" for use in uses)
    return ", ".join(list(unique)[:_SHOWN])


def _agreement(claims: list[Written], truths: list[float]) -> Agreement:
    """YES where every claim fits some number, NO where one exact claim fits none, else OPEN."""
    if not claims or not truths:
        return Agreement.OPEN
    fits = [any(abs(claim.value - truth) <= claim.unit for truth in truths) for claim in claims]
    if all(fits):
        return Agreement.YES
    exact = any(claim.bound is Bound.EXACT and not fit for claim, fit in zip(claims, fits, strict=True))
    return Agreement.NO if exact else Agreement.OPEN

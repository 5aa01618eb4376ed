"""One claim in four voices: what the README says, the code does, the saved log shows and our own run gave.

The table informs and compares nothing itself: whether the README's numbers agree is what
`extract/claims/comparison` found, which the README check rules on as well, so that the page and the check
never say two things.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grader.core.evidence.claims import Bound, ClaimEvidence, Feature, Use
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import GapKind, NetworkFacts
from grader.core.facts.reproduced import ReproducedFacts
from grader.core.facts.retrain import RetrainFacts
from grader.core.rubric import Treatment
from grader.extract.claims.comparison import RIGHT, Compared, Comparison, Match, compare
from grader.render import strings
from grader.render.pictures_from_products import Products
from grader.render.student_parts import Agreement, Claim

_SHOWN = 4


def claims_of(products: Products, rounded_up: Treatment = Treatment.FAIL) -> tuple[Claim, ...]:
    """Return the lines that at least two voices speak to; `rounded_up` is what the rubric makes of a number
    rounded up.
    """
    claims = products.get(ClaimEvidence.__name__)
    logs = products.get(LogEvidence.__name__)
    summaries = products.get(SummaryEvidence.__name__)
    network = products.get(NetworkFacts.__name__)
    retrained = products.get(RetrainFacts.__name__)
    reproduced = products.get(ReproducedFacts.__name__)
    said = claims if isinstance(claims, ClaimEvidence) else ClaimEvidence()
    printed = summaries if isinstance(summaries, SummaryEvidence) else SummaryEvidence()
    saved = logs if isinstance(logs, LogEvidence) else LogEvidence()
    ran = network if isinstance(network, NetworkFacts) else None
    compared = compare(said, saved, printed, ran)
    runs = _Runs(
        retrained if isinstance(retrained, RetrainFacts) else None,
        reproduced if isinstance(reproduced, ReproducedFacts) else None,
    )
    lines = [_parameters(compared, printed, ran), *_training(compared, saved, runs, rounded_up)]
    if isinstance(network, NetworkFacts):
        lines += _blocks(said, network)
    return tuple(line for line in lines if sum(map(bool, (line.readme, line.code, line.log, line.ours))) > 1)


def _parameters(compared: Comparison, summaries: SummaryEvidence, network: NetworkFacts | None) -> Claim:
    totals = sorted({total for total, _ in summaries.saved_totals})
    return Claim(
        what="Number of parameters",
        readme=_words(compared.parameters),
        log=", ".join(f"{total:,}" for total in totals[:_SHOWN]),
        code=f"{network.declared_parameters:,}" if network else "",
        ours=f"{network.parameters:,}" if network else "",
        agrees=_agreement(compared.parameters, Treatment.FAIL),
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


def _training(compared: Comparison, logs: LogEvidence, runs: _Runs, rounded_up: Treatment) -> Iterator[Claim]:
    saved = logs.of(Origin.NOTEBOOK)
    best = max(saved, key=lambda run: (run.main, run.best), default=None)
    accuracies = [c for c in compared.accuracies if c.claim.best] or list(compared.accuracies)
    yield Claim(
        what="Best test accuracy",
        readme=_words(accuracies),
        log=f"{best.best:.2f} % in epoch {best.best_epoch + best.before}" if best else "",
        ours=runs.accuracies(),
        # Two runs of one recipe differ by chance, so our own run cannot contradict a log; a README can.
        agrees=_agreement(accuracies, rounded_up),
    )
    yield Claim(
        what="Epochs",
        readme=_words(compared.epochs),
        log=str(best.before + len(best.epochs)) if best else "",
        ours=runs.epochs(),
        agrees=_agreement(compared.epochs, rounded_up),
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


def _words(compared: Sequence[Compared]) -> str:
    unique = dict.fromkeys(f"{c.claim.written} ({c.claim.place})" for c in compared)
    return ", ".join(list(unique)[:_SHOWN]) + (" …" if len(unique) > _SHOWN else "")


def _used(uses: list[Use]) -> str:
    unique = dict.fromkeys(f"{'yes' if use.used else 'no'} ({use.place})" for use in uses)
    return ", ".join(list(unique)[:_SHOWN])


def _agreement(compared: Sequence[Compared], rounded_up: Treatment) -> Agreement:
    """YES where every claim agrees, NO where one exact claim is contradicted, else OPEN."""
    right = (*RIGHT, Match.ROUNDED_UP) if rounded_up is Treatment.ACCEPT else RIGHT
    wrong = [Match.DIFFERS, Match.OTHER_EPOCH]
    if rounded_up is Treatment.FAIL:
        wrong.append(Match.ROUNDED_UP)
    if compared and all(c.match in right for c in compared):
        return Agreement.YES
    exact = any(c.match in wrong and c.claim.bound is Bound.EXACT and not c.elsewhere for c in compared)
    return Agreement.NO if exact else Agreement.OPEN

"""Where each learning rate of the assignment is shown: what of the sweep was given."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from grader.checks.sweep._pictures import Picture, Pictures, pictures_of
from grader.core.evidence.documents import Documents
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding
from grader.core.place import Place
from grader.core.submission import Kind, Submission
from grader.execute.replay.learning_rates import same_rate


class Shown(NamedTuple):
    """The rates by what shows them."""

    places: dict[float, list[str]]
    """In cells or charts of a workbook, in words."""
    drawn: dict[float, tuple[Picture, ...]]
    """In pictures alone."""
    missing: list[float]
    elsewhere: str
    """Where the missing ones may stand that was not read; empty where everything was."""


def where_shown(
    replay: ReplayFacts, submission: Submission, documents: Documents | None, rates: Sequence[float]
) -> Shown:
    """Look for each rate in workbooks, then in pictures."""
    places = {rate: found for rate in rates if (found := _places(replay, rate))}
    pictures = pictures_of(submission, documents, replay, rates)
    drawn = {rate: seen for rate in rates if rate not in places and (seen := pictures.of(rate))}
    missing = [rate for rate in rates if rate not in places and rate not in drawn]
    elsewhere = _elsewhere(replay, pictures, submission, documents, missing) if missing else ""
    return Shown(places, drawn, missing, elsewhere)


def _elsewhere(
    replay: ReplayFacts,
    pictures: Pictures,
    submission: Submission,
    documents: Documents | None,
    missing: list[float],
) -> str:
    """Where the missing rates may stand that was not read; empty where everything was. A Word document or PDF
    beside the README may show them as well.
    """
    texts = documents.unread(Kind.README, Kind.NOTEBOOK) if documents is not None else ()
    told = {document.path for document in texts}
    forms = [a.path for a in submission.artefacts if a.unread_form and a.path not in told]
    unread = "; ".join(
        (
            *(f"{book.artefact}: {text}" for book in replay.books for text in book.unread),
            *(f"{document.path}: {document.problem}" for document in texts),
            *(f"{path}: a form that grader does not read" for path in forms),
        )
    )
    if unread:
        return f"η = {listed(missing)} may stand in what could not be read ({unread})"
    single = [(book, one) for book in replay.judged for one in book.single]
    if beside := [(b, one) for b, one in single if any(same_rate(one.eta, rate) for rate in missing)]:
        rates = listed(rate for rate in missing if any(same_rate(one.eta, rate) for _, one in beside))
        book, first = beside[0]
        return (
            f"single losses of η = {rates} stand in {book.artefact} from {first.sheet}!{first.cells} on, and "
            "no curve: a person has to say whether they show the sweep"
        )
    if pictures.unnamed:
        return f"η = {listed(missing)} at most in {counted(pictures.unnamed)}: not machine-checkable"
    return ""


def _places(replay: ReplayFacts, rate: float) -> list[str]:
    found = []
    for book in replay.judged:
        found += [f"{book.artefact} {one.sheet}" for one in book.shown if same_rate(one.eta, rate)]
        charts = (chart for chart in book.charts if same_rate(chart.eta, rate))
        found += [f"{book.artefact} chart {chart.title!r}" for chart in charts]
    return found


def listed(rates: Iterable[float]) -> str:
    """Rates in words."""
    return ", ".join(f"{rate:g}" for rate in rates)


def counted(pictures: int) -> str:
    """A number of pictures in words."""
    return f"{pictures} picture{'s' * (pictures != 1)}"


def not_shown(
    replay: ReplayFacts, missing: list[float], places: dict[float, list[str]], rates: tuple[float, ...]
) -> Finding:
    """What is said of rates that no workbook shows, by each check in the same words."""
    return Finding(
        message=f"no table, column or chart of a workbook shows the losses for η = {listed(missing)}",
        subject=f"η = {listed(missing)}",
        place=Place(artefact=replay.judged[0].artefact),
        expected=f"losses for {listed(rates)}",
        found=told(places) or "none of them",
        hint=f"Add a sheet or a column with its rate as header for η = {listed(missing)}.",
        diagnosis="rate-not-shown",
    )


def told(places: dict[float, list[str]]) -> str:
    """The first place of each rate, in words."""
    return "; ".join(f"{rate:g} in {found[0]}" for rate, found in places.items())

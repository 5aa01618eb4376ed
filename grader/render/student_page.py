"""The page for one student: one file without script or network, first what to do next, then the evidence."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from grader.core.outcome import Verdict
from grader.core.report import Adjustment, Note, Report
from grader.core.submission import Artefact
from grader.render import strings
from grader.render.files import words
from grader.render.files.notes import FileNote, NoteKind, links, notes_of
from grader.render.html import render_page
from grader.render.pictures.figures import Figures, figures_of
from grader.render.pictures.picture import Picture
from grader.render.student_cards import Cards, Section, Sum, arithmetic, following
from grader.render.student_parts import Claim, Said, Words, parts_of, words_of
from grader.render.summary import (
    Step,
    Tally,
    for_student,
    groups,
    next_steps,
    remarks_in,
    stamps,
    tally,
    verdict_for_people,
)

_ROWS: Final = (Verdict.SKIPPED.value, Verdict.PASS.value)
"""Sections whose criteria are rows of one card, none of them a stop for the keys."""


class FileLink(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its page, and how many findings of each kind stand in its margin."""

    path: str
    page: str
    findings: tuple[tuple[str, int], ...]


class StudentView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    id: str
    assignment: str
    verdict: str
    """Of the criteria that are worth points; the others may be worse, see `besides`."""
    besides: bool
    """Whether a criterion that is worth no points is worse than `verdict`."""
    tally: Tally
    remarks: int
    """Places that are remarked on in criteria that passed."""
    stamps: tuple[str, ...]
    steps: tuple[Step, ...]
    waits_only: bool
    """Whether points are open and there is nothing for the student to do."""
    sections: tuple[Section, ...]
    arithmetic: tuple[Sum, ...]
    adjustments: tuple[Adjustment, ...]
    claims: tuple[Claim, ...]
    artefacts: tuple[Artefact, ...]
    read: tuple[Note, ...]
    doubts: tuple[str, ...]
    guides: dict[str, str]
    views: dict[str, str]
    """Names of the pages that show a file as we read it, by its path in the submission."""
    files: tuple[FileLink, ...]
    """The files that have such a page, those with most to correct first."""
    links: dict[str, str]
    """Addresses of findings in those pages, by the anchor of the finding."""
    reproduce: tuple[tuple[str, str], ...]


def view(
    report: Report,
    *,
    claims: Sequence[Claim] = (),
    guides: Mapping[str, str] | None = None,
    views: Mapping[str, str] | None = None,
    notes: Mapping[str, tuple[FileNote, ...]] | None = None,
) -> StudentView:
    """Return what the page of `report` says.

    `guides` maps check codes to their doc pages in Markdown, `views` paths of the submission to pages beside
    this one. `notes` are those of the report, where somebody has them already.
    """
    report = for_student(report)
    guides = guides or {}
    ordered = groups(report)
    notes = notes_of(report) if notes is None else notes
    steps = next_steps(report)
    headline = verdict_for_people(report)
    shown = {m.code for group in ordered if group.verdict is not Verdict.PASS for m in group.outcomes}
    return StudentView(
        id=report.submission.id,
        assignment=report.rubric.title or report.rubric.id,
        verdict=headline.value,
        besides=headline is not report.verdict,
        tally=tally(report),
        remarks=remarks_in(report),
        stamps=stamps(report),
        steps=steps,
        waits_only=not steps and report.pending_points > 0,
        sections=Cards(guides, following(ordered)).sections(ordered),
        arithmetic=arithmetic(report, ordered),
        adjustments=report.adjustments,
        claims=tuple(claims),
        artefacts=report.submission.artefacts,
        read=(*report.read, *(Note(what="", text=note) for note in report.submission.notes)),
        doubts=report.submission.doubts,
        guides={code: text for code, text in sorted(guides.items()) if code in shown},
        views=dict(sorted((views or {}).items())),
        files=_files(notes, views or {}),
        links=links(notes, views or {}),
        reproduce=_reproduce(report),
    )


def _files(notes: Mapping[str, Sequence[FileNote]], views: Mapping[str, str]) -> tuple[FileLink, ...]:
    found = []
    for path, page in views.items():
        kinds = [note.kind for note in notes.get(path, ())]
        counted = tuple((kind.value, kinds.count(kind)) for kind in NoteKind if kind in kinds)
        found.append(FileLink(path=path, page=page, findings=counted))
    order = [kind.value for kind in NoteKind]

    def weight(link: FileLink) -> tuple[object, ...]:
        counts = dict(link.findings)
        return (*(-counts.get(kind, 0) for kind in order), link.path)

    return tuple(sorted(found, key=weight))


def render(
    report: Report,
    pictures: Sequence[Picture] | Figures = (),
    *,
    claims: Sequence[Claim] = (),
    guides: Mapping[str, str] | None = None,
    views: Mapping[str, str] | None = None,
    notes: Mapping[str, tuple[FileNote, ...]] | None = None,
    drawn: Callable[[Said], Words] = words_of,
) -> str:
    """Return the page as HTML. Fields that a student must not see are taken out before anything is
    rendered. `drawn` draws what points do not change, or takes it from where it is kept.
    """
    shown = view(report, claims=claims, guides=guides, views=views, notes=notes)
    verdict = Verdict(shown.verdict)
    stops = sum(len(s.cards) for s in shown.sections if s.name not in _ROWS)
    return render_page(
        "student.html.j2",
        script="steps.js" if stops > 1 else "",
        kinds=words.NOTE_KINDS,
        several=stops > 1,
        view=shown,
        figures=pictures if isinstance(pictures, Figures) else figures_of(pictures),
        labels={verdict.value: label for verdict, label in strings.VERDICTS.items()},
        overall=strings.overall(verdict),
        headline=strings.HEADLINE[verdict],
        parts=parts_of(shown.sections, shown.arithmetic, shown.guides, shown.reproduce, drawn(_said(shown))),
    )


def _said(shown: StudentView) -> Said:
    cards = (card for section in shown.sections for card in section.cards)
    return Said(
        cards={card.anchor: told for card in cards if (told := card.evidence) is not None},
        links=shown.links,
        claims=shown.claims,
        artefacts=shown.artefacts,
        views=shown.views,
        doubts=shown.doubts,
        read=shown.read,
    )


def _reproduce(report: Report) -> tuple[tuple[str, str], ...]:
    made = report.provenance
    pairs = (
        (strings.REPRODUCE_COMMAND, _command(report)),
        (strings.REPRODUCE_GRADER, made.grader),
        (strings.REPRODUCE_RUBRIC, report.rubric.id),
        (strings.REPRODUCE_SUBMISSION, report.submission.sha256),
        (strings.REPRODUCE_RUBRIC_HASH, report.rubric.sha256),
        (strings.REPRODUCE_ISOLATION, made.isolation),
        (strings.REPRODUCE_DEVICE, made.device),
        (strings.REPRODUCE_SEEDS, ", ".join(str(seed) for seed in made.seeds)),
        (strings.REPRODUCE_PYTHON, made.python),
        (strings.REPRODUCE_PLATFORM, made.platform),
        (
            strings.REPRODUCE_PACKAGES,
            ", ".join(f"{name} {version}" for name, version in sorted(made.packages.items())),
        ),
        (
            strings.REPRODUCE_OPTIONS,
            ", ".join(f"{name} = {value}" for name, value in sorted(made.options.items())),
        ),
    )
    return tuple(pair for pair in pairs if pair[1])


def _command(report: Report) -> str:
    """The command that grades the same files in the same way; where they lie only their owner knows."""
    made = report.provenance
    words = ["grader grade", "FILE" if report.submission.single_file else "FOLDER"]
    words += ["-r", _quoted(report.rubric.id)]
    words += ["--no-exec"] if made.options.get("execute") == "no" else []
    words += ["--no-retrain"] if made.options.get("retrain") == "no" else []
    words += ["--reproduce"] if made.options.get("reproduce") == "yes" else []
    words += ["--unsafe-no-sandbox"] if made.isolation.casefold().startswith("none") else []
    device = made.options.get("device", "auto")
    return " ".join([*words, *(["--device", device] if device != "auto" else [])])


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)

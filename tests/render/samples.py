"""Reports made by hand that look like real ones: a good, a mixed, a hostile and an almost empty
submission.
"""

from collections.abc import Iterable, Mapping

from grader.core.facts.retrain import WrongDigit, WrongDigits
from grader.core.outcome import Finding, Verdict, Weight, worst
from grader.core.place import Place
from grader.core.report import Adjustment, Marked, Note, Provenance, Report, RubricRef
from grader.core.submission import Artefact, Kind, Problem, Submission
from grader.render.class_rows import ClassRow

RUBRIC = RubricRef(id="default", title="Backpropagation and MNIST", sha256="5e" * 32)

PROVENANCE = Provenance(
    grader="0.1.0",
    python="3.11.9",
    platform="Linux x86_64",
    packages={"ftfy": "6.3.1", "openpyxl": "3.1.5", "torch": "2.13.0"},
    isolation="bubblewrap",
    device="cpu",
    seeds=(0, 1, 2),
    options={"execute": "yes", "retrain": "yes", "data": "/home/teacher/mnist"},
)

HOSTILE = (
    '<script>fetch("https://evil.example/")</script><img src=x onerror="alert(1)">'
    "\u202egnp.exe\u202c \x1b[31mred\x1b]0;title\x07 {{ 7*7 }} </style></svg> zero\u200bwidth nb\u00a0sp"
)
NONE_WRONG = WrongDigits()


def artefact(
    path: str, kind: Kind, *, main: bool = True, problem: Problem = Problem.NONE, note: str = ""
) -> Artefact:
    return Artefact(
        path=path, kind=kind, sha256="ab" * 32, size=20_480, main=main, problem=problem, note=note
    )


def marked(
    code: str,
    verdict: Verdict,
    *,
    title: str,
    summary: str,
    points: float = 2.0,
    credit: float | None = None,
    findings: tuple[Finding, ...] = (),
    name: str = "",
    provisional: bool = False,
    bonus: bool = False,
    decided_by: str = "",
) -> Marked:
    share = (1.0 if verdict is Verdict.PASS else 0.0) if credit is None else credit
    return Marked(
        criterion=(name or title.lower().replace(" ", "-")),
        code=code,
        name=name or title.lower().replace(" ", "-"),
        title=title,
        verdict=verdict,
        credit=share,
        points=share * points,
        max_points=points,
        summary=summary,
        findings=findings,
        provisional=provisional,
        bonus=bonus,
        decided_by=decided_by,
    )


def report(
    slug: str,
    outcomes: tuple[Marked, ...],
    *,
    artefacts: tuple[Artefact, ...] = (),
    read: tuple[Note, ...] = (),
    provenance: Provenance = PROVENANCE,
    doubts: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    submission_id: str = "",
    adjustments: tuple[Adjustment, ...] = (),
    wrong_digits: WrongDigits = NONE_WRONG,
) -> Report:
    return Report(
        submission=Submission(
            id=submission_id or slug,
            slug=slug,
            sha256="cd" * 32,
            artefacts=artefacts,
            doubts=doubts,
            notes=notes,
        ),
        rubric=RUBRIC,
        outcomes=outcomes,
        verdict=worst(o.verdict for o in outcomes),
        score=sum(o.points for o in outcomes) + sum(a.points for a in adjustments),
        max_score=sum(o.max_points for o in outcomes if not o.bonus),
        pending_points=sum(o.pending_points for o in outcomes),
        provenance=provenance,
        read=read,
        adjustments=adjustments,
        wrong_digits=wrong_digits,
    )


SWAPPED = Finding(
    message="In ∂E/∂w3 the hidden activation does not belong to this weight.",
    place=Place(artefact="README.md", line=41),
    expected="∂E/∂w3 = δ_h2 · i1 = 0.0005",
    found="∂E/∂w3 = 0.00048 at the probe point",
    hint="w3 leads from i1 into h2, so the activation in the product must be a_h2; you wrote a_h1.",
    excerpt="∂E_t/∂w3 = ((a_o1 - t1) * a_o1 * (1 - a_o1) * w6) * a_h1 * (1 - a_h1) * i1",
    marked="a_h1 * (1 - a_h1)",
    diagnosis="index-swapped",
)


def good() -> Report:
    return report(
        "good-work",
        (
            marked(
                "AR001",
                Verdict.PASS,
                title="Files are there",
                summary="README, workbook and notebook were found.",
                points=1,
            ),
            marked(
                "BP101",
                Verdict.PASS,
                title="Eight gradients in the README",
                summary="All eight formulas equal the reference.",
                points=4,
            ),
            marked(
                "NN401",
                Verdict.PASS,
                title="Fewer than 20,000 parameters",
                summary="The network has 7,723 parameters.",
            ),
            marked(
                "WB201",
                Verdict.PASS,
                title="Gradients in the workbook",
                summary="All eight columns equal the reference.",
                findings=(
                    Finding(
                        message="The target of o2 is 0.5 in the class file; the sheet keeps it.",
                        place=Place(artefact="S4.xlsx", sheet="Sheet1", ref="B4"),
                        weight=Weight.REMARK,
                        diagnosis="inherited-target",
                    ),
                ),
            ),
        ),
        artefacts=(
            artefact("README.md", Kind.README),
            artefact("S4.ipynb", Kind.NOTEBOOK),
            artefact("S4.xlsx", Kind.WORKBOOK),
        ),
    )


def mixed() -> Report:
    return report(
        "mixed-work",
        (
            marked(
                "AR001",
                Verdict.PASS,
                title="Files are there",
                summary="README, workbook and notebook were found.",
                points=1,
            ),
            marked(
                "BP101",
                Verdict.PARTIAL,
                title="Eight gradients in the README",
                summary="Six of eight formulas equal the reference; ∂E/∂w3 and ∂E/∂w4 do not.",
                points=8,
                credit=0.75,
                findings=(
                    SWAPPED,
                    Finding(
                        message="In ∂E/∂w4 the hidden activation does not belong to this weight.",
                        place=Place(artefact="README.md", line=42),
                        expected="∂E/∂w4 = δ_h2 · i2",
                        found="a_h1 where a_h2 belongs",
                        hint="w4 leads from i2 into h2: use a_h2.",
                        excerpt="∂E_t/∂w4 = ((a_o1 - t1) * a_o1 * (1\u00a0- a_o1) * w6) * "
                        "a_h1 * (1 - a_h1) * i2",
                        marked="a_h1 * (1 - a_h1)",
                        diagnosis="index-swapped",
                    ),
                ),
            ),
            marked(
                "WB201",
                Verdict.UNKNOWN,
                title="Gradients in the workbook",
                summary="Two tables could be the training table: Sheet1!A30 and Copy!A30. "
                "A person must choose.",
                points=3,
                findings=(
                    Finding(
                        message="Two tables look alike.",
                        place=Place(artefact="S4.xlsx", sheet="Copy", ref="A30:Z130"),
                        diagnosis="two-tables",
                    ),
                ),
            ),
            marked(
                "LR301",
                Verdict.ERROR,
                title="Six learning rates",
                summary="grader failed in this check. The log has the details.",
                points=2,
            ),
            marked(
                "NN401",
                Verdict.FAIL,
                title="Fewer than 20,000 parameters",
                summary="The network has 25,290 parameters, the limit is 20,000.",
                points=3,
                findings=(
                    Finding(
                        message="The network has more parameters than the assignment allows.",
                        place=Place(artefact="S4.ipynb", cell=7, line=3),
                        expected="fewer than 20,000",
                        found="25,290",
                        hint="conv5 alone holds 18,464: halve its output channels to save about 9,200.",
                        excerpt="        self.conv5 = nn.Conv2d(64, 32, 3, padding=1)",
                        marked="nn.Conv2d(64, 32, 3, padding=1)",
                        diagnosis="over-budget",
                    ),
                ),
            ),
            marked(
                "RT601",
                Verdict.SKIPPED,
                title="Retrained accuracy",
                summary="Not trained: no MNIST on this machine.",
                points=4,
            ),
            marked(
                "TR501",
                Verdict.PASS,
                title="Accuracy in the saved log",
                summary="Best epoch 17: 99.43 %.",
                provisional=True,
            ),
        ),
        artefacts=(
            artefact("README.md", Kind.README, note="Repaired double-encoded UTF-8 in 14 places."),
            artefact(
                "S4.ipynb",
                Kind.NOTEBOOK,
                note="Main notebook: it defines a network and holds a training log.",
            ),
            artefact(
                "draft.ipynb",
                Kind.NOTEBOOK,
                main=False,
                problem=Problem.BROKEN,
                note="The file stops in the middle.",
            ),
            artefact("S4.xlsx", Kind.WORKBOOK),
        ),
        read=(
            Note(what="README.md", text="Eight formulas in lines 36 to 46."),
            Note(what="S4.xlsx", text="Training table at Sheet1!A33:Z133; η in B2."),
        ),
        doubts=(
            "Two notebooks could be the main one; S4.ipynb was taken because draft.ipynb cannot be read.",
        ),
        wrong_digits=WrongDigits(
            seed=4,
            epoch=9,
            count=2,
            of=10_000,
            label_errors=15,
            listed=(
                WrongDigit(index=247, label=4, answer=6),
                WrongDigit(index=947, label=8, answer=9, raters="9"),
            ),
        ),
    )


def hostile() -> Report:
    """Every text that a student can reach carries a payload."""
    return report(
        "hostile-work",
        (
            marked(
                "RD701",
                Verdict.FAIL,
                title="README and notebook agree",
                summary=f"The README says {HOSTILE}.",
                findings=(
                    Finding(
                        message=f"Claim {HOSTILE}",
                        place=Place(artefact=f"a/{HOSTILE}.md", line=3),
                        expected=HOSTILE,
                        found=HOSTILE,
                        hint=HOSTILE,
                        excerpt=f"before {HOSTILE} after\n" + "x" * 9_000 + "\nlast line",
                        marked=HOSTILE,
                        diagnosis="contradiction",
                    ),
                ),
            ),
            marked("IN801", Verdict.PASS, title="Integrity", summary=HOSTILE),
        ),
        artefacts=(artefact(f"{HOSTILE}.ipynb", Kind.NOTEBOOK, note=HOSTILE),),
        read=(Note(what=HOSTILE, text=HOSTILE),),
        doubts=(HOSTILE,),
        notes=(HOSTILE,),
        submission_id=HOSTILE,
        provenance=Provenance(
            grader="0.1.0",
            python="3.11.9",
            platform="Linux",
            isolation="none",
            options={"unsafe_no_sandbox": "yes"},
        ),
    )


def bare() -> Report:
    """A README alone, and nothing could be judged."""
    missing = "There is no workbook in the submission."
    return report(
        "bare",
        (
            marked("WB201", Verdict.SKIPPED, title="Gradients in the workbook", summary=missing, points=3),
            marked("LR301", Verdict.SKIPPED, title="Six learning rates", summary=missing, points=2),
        ),
        artefacts=(artefact("README.md", Kind.README),),
    )


def decided() -> Report:
    """A bonus, an open bonus, a decision of a person and a late deduction."""
    return report(
        "decided-work",
        (
            marked(
                "BP101",
                Verdict.PASS,
                title="Eight gradients in the README",
                summary="All eight are right.",
                points=8,
            ),
            marked(
                "NN405",
                Verdict.PARTIAL,
                title="Few parameters",
                summary="7,723 parameters: half of the bonus.",
                points=1,
                credit=0.5,
                bonus=True,
                decided_by="A. Teacher: the count was right (the check said unknown)",
                findings=(Finding(message="Fewer than 5,000 would earn the whole bonus."),),
            ),
            marked(
                "RT602", Verdict.SKIPPED, title="Few epochs", summary="Not trained.", points=2, bonus=True
            ),
        ),
        adjustments=(Adjustment(label="Two days late", points=-0.8),),
        artefacts=(artefact("README.md", Kind.README), artefact("S4.ipynb", Kind.NOTEBOOK)),
    )


def everyone() -> tuple[Report, ...]:
    return (good(), mixed(), hostile(), bare(), decided())


def rows_from(
    reports: Iterable[Report], seconds: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[ClassRow, ...]:
    """Rows of a class page; `seconds` by id and phase."""
    taken = seconds or {}
    return tuple(ClassRow.of(report, seconds=taken.get(report.submission.id)) for report in reports)

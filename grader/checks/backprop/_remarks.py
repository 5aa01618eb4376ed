"""Remarks of the BP checks: what is told to the student and costs nothing."""

from collections.abc import Iterable

from grader.checks.backprop._coverage import fault
from grader.core.evidence.formulas import FormulaEvidence, FormulaLine, FormulaVerdict
from grader.core.outcome import Finding, Weight
from grader.core.place import Place


def about_lines(lines: Iterable[FormulaLine], costly: Iterable[FormulaLine] = ()) -> list[Finding]:
    """Every wrong or misspelt line that costs nothing here, and true products that do not telescope."""
    counted = {id(x) for x in costly}
    found: list[Finding] = []
    for line in lines:
        if id(line) in counted:
            continue
        if line.verdict is FormulaVerdict.TYPO:
            found.append(fault(line, f"{line.states or 'a formula'} is misspelt", weight=Weight.REMARK))
        elif line.verdict is FormulaVerdict.WRONG:
            what = f"a line about {line.states} is wrong" if line.states else "a line is wrong"
            if line.single_path:
                what = f"{line.states} follows one path only; the other output depends on it too"
            found.append(fault(line, what, about=line.states, weight=Weight.REMARK))
        elif line.mislinked:
            found.append(
                Finding(
                    message=f"{line.states}: true by value, but neighbouring derivatives do not join",
                    subject=line.states,
                    slip="true by value, but neighbouring derivatives do not join",
                    place=line.place,
                    found=line.reading,
                    excerpt=line.text,
                    hint="each derivative's lower part should be the upper part of the next one",
                    diagnosis="mislinked",
                    weight=Weight.REMARK,
                )
            )
    return found


def about_documents(evidence: FormulaEvidence) -> list[Finding]:
    """Conventions that differ from the class sheet, repaired mojibake, and formulas that Markdown shows
    wrongly.
    """
    found: list[Finding] = []
    for document in evidence.documents:
        if not document.lines:
            continue
        place = Place(artefact=document.artefact)
        if not document.convention.standard:
            found.append(
                Finding(
                    message=f"read with other conventions than the class sheet's: {document.convention}",
                    place=place,
                    diagnosis="convention",
                    weight=Weight.REMARK,
                )
            )
        if document.mended:
            pairs = ", ".join(f"{m.found} as {m.became}" for m in document.mended[:4])
            found.append(
                Finding(
                    message=f"characters were garbled by a wrong encoding and read as meant: {pairs}",
                    place=Place(artefact=document.artefact, line=document.mended[0].line),
                    hint="save the file as UTF-8",
                    diagnosis="mojibake",
                    weight=Weight.REMARK,
                )
            )
        eaten = [x for x in document.lines if any(r.code == "renders-wrongly" for r in x.remarks)]
        if eaten:
            found.append(
                Finding(
                    message=(
                        "1 formula loses its" if len(eaten) == 1 else f"{len(eaten)} formulas lose their"
                    )
                    + " * on the rendered page, because Markdown takes it for emphasis",
                    place=eaten[0].place,
                    excerpt=eaten[0].text,
                    hint="put formulas into a code block",
                    diagnosis="renders-wrongly",
                    weight=Weight.REMARK,
                )
            )
    return found
